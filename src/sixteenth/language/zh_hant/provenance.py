"""How a study was made, in Traditional Chinese."""

from __future__ import annotations

from ..provenance import ProvenanceLabels

LABELS = ProvenanceLabels(
    names={
        "data": "資料",
        "fingerprint": "資料指紋",
        "images": "影像",
        "checks": "影像檢查",
        "classes": "類別（{}）",
        "subsets": "子集",
        "seeds": "種子",
        "trained": "訓練方式",
        "optimizer": "最佳化器",
        "reported": "報告的準確率",
        "weights": "初始權重",
        "machine": "機器",
        "execution": "執行方式",
        "versions": "版本",
        "training": "訓練",
    },
    comma="、",
    semicolon="；",
    stop="。",
    train_images="{} 張訓練影像",
    test_images="{} 張測試影像",
    train_part="訓練集 {} 張",
    test_part="測試集 {} 張",
    runs="{planned} 次訓練中完成 {finished} 次",
    one_run="{planned} 次訓練中完成 {finished} 次",
    source="{data}，來源：{source}",
    checks={
        "skipped_broken": "略過 {}，因為無法讀取",
        "leaked_test_images": "測試集有 {}也在訓練集裡",
        "duplicates_within_train": "訓練集有 {}與另一張重複",
        "duplicates_within_test": "測試集有 {}與另一張重複",
        "conflicting_labels": "{}有一個以上的標籤",
        "nearly_black": "{}是幾乎全黑的 16 位元影像",
        "cut_short": "{}的檔案可能不完整",
    },
    images="{} 張影像",
    one_image="{} 張影像",
    clean="沒有重複的影像，訓練集與測試集沒有重疊，也沒有一張影像有兩個標籤。",
    such="例如：{}。",
    more_classes="{shown}，以及另外 {more} 個",
    subsets="{sizes}。依類別分層抽樣，{how}。",
    nested="逐層包含：較大的子集包含較小的子集",
    disjoint="互不重疊：不同種子的子集沒有相同的影像",
    optimizer="{name}，最高學習率 {rate}，權重衰減 {decay}",
    trained="只訓練分類層：以未經增強的影像的凍結特徵做邏輯迴歸，正則化強度由每個訓練子集的五分之一選出。"
    "測試集沒有用來做任何選擇。",
    weights="{arm}：SHA-256 {digest}",
    last_epoch="最後一個 epoch 的準確率",
    chosen_length="最後一個 epoch 的準確率；訓練多少個 epoch 由訓練子集中切出的驗證集決定",
    chosen_epoch="驗證集（切自訓練子集）準確率最高的那個 epoch 的準確率",
    chosen_in_some="有些訓練取最後一個 epoch 的準確率，有些取驗證集選出的 epoch",
    test_chose_nothing="。測試集沒有用來做任何選擇。",
    cores="{} 核心",
    threads="{} 個執行緒",
    one_thread="{} 個執行緒",
    several="{text}（{runs} 次訓練）",
    in_all="總共 {}",
    summed="（{} 次訓練的總和）",
    few_epochs="所有訓練共 {epochs} 個 epoch，其中 {measured} 個在結束時測量了測試影像。",
    sampled="測試曲線上的點以測試集 {whole} 張影像中的一部分（至少 {fewest} 張）測量；"
    "表中的所有數字都用全部測試影像。",
    sampled_but_last="測試曲線在最後一個 epoch 之前的點以測試集 {whole} 張影像中的一部分"
    "（至少 {fewest} 張）測量；最後一點和表中的所有數字都用全部測試影像。",
    train_measured="表中的訓練準確率是訓練結束時以未經增強的影像測量的；子集較大時只取其中 "
    "{} 張影像。",
    validation="每個訓練子集保留 {} 作為驗證集：報告中的影像張數包含這一部分，但模型沒有用它訓練。",
    data_differ="各次訓練看到的資料並不相同（資料指紋不一致），彼此之間的比較不可信。",
    one_only_row="有 1 次已完成的訓練，資料夾已不存在，數字取自先前的 results.csv："
    "報告沒有它的訓練曲線；與它的差距因為沒有測試預測，信賴區間稍寬。",
    only_rows="有 {} 次已完成的訓練，資料夾已不存在，數字取自先前的 results.csv："
    "報告沒有它們的訓練曲線；彼此的差距因為沒有測試預測，信賴區間稍寬。",
)
