"""What data and files of weights were taken for, in Traditional Chinese."""

from __future__ import annotations

from ..understood import UnderstoodLabels

LABELS = UnderstoodLabels(
    data="資料：{}",
    layouts={
        "class folders": "每個類別一個資料夾",
        "train and test folders": "訓練與測試資料夾",
        "images with a table": "影像與標籤表格",
        "saved data set": "以 save_to_disk 儲存的資料集",
    },
    classes="{number} 個類別（{names}）",
    one_class="{number} 個類別（{names}）",
    comma="、",
    semicolon="；",
    plus="，",
    train="訓練影像 {} 張",
    test="測試影像 {} 張",
    validation="驗證影像 {} 張",
    images="{}",
    same_size="每個類別 {} 張影像",
    one_each="每個類別 {} 張影像",
    sizes="每個類別 {fewest} 張（{rarest}）至 {most} 張（{commonest}）影像",
    left_out="未讀取：{}",
    more="另外還有 {} 項",
    note="注意：{}",
    weights="{model} 的初始權重來自 {file}：{key}，{prefix}",
    under_key="張量在鍵 {} 之下",
    no_key="張量在檔案最上層",
    removed="移除了名稱開頭的 {}",
    no_prefix="名稱照原樣",
)
