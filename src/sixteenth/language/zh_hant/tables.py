"""The words of the tables in Traditional Chinese."""

from __future__ import annotations

from ...analysis.curves.crossover import CrossoverOutcome
from ...analysis.findings.overfitting import GapTrend
from ...analysis.findings.pretraining import GainSource
from ...analysis.findings.training_time import Order
from ..tables import TableLabels

_CHANGE = ("變化（百分點）", "95% 信賴區間")

TABLES = TableLabels(
    curves=(
        "影像變多時{metric}的變化",
        ("模型", "影像張數", *_CHANGE),
    ),
    doublings=(
        "最後一次影像加倍帶來的變化",
        ("模型", "影像張數", *_CHANGE, "來自影像、來自步數"),
    ),
    sizes=(
        "較大的模型與較小的模型",
        (
            "初始權重",
            "影像張數",
            "差距（百分點）",
            "95% 信賴區間",
            "p 值",
            "可偵測差異（百分點）",
            "領先",
        ),
    ),
    gains_from_data=(
        "影像變多時兩個模型各提升多少",
        ("初始權重", "影像張數", "較小", "較大", "較大減較小", "95% 信賴區間", "只看最後一步"),
    ),
    crossovers=(
        "依擬合曲線，一個模型是否會超越另一個",
        ("初始權重", "結果", "影像張數（90% 區間）", "範圍內的機率", "範圍外的機率"),
    ),
    init_gains=(
        "預訓練權重相對於{base}的提升",
        ("模型", "初始權重", "影像張數", "提升（百分點）", "95% 信賴區間"),
    ),
    init_gain_changes=(
        "影像變多時，這項提升如何變化",
        ("模型", "初始權重", "影像張數", *_CHANGE),
    ),
    ahead_on_fewer=(
        "用較少的影像就領先",
        ("模型", "領先", "落後", "差距（百分點）", "95% 信賴區間"),
    ),
    fit_and_gap=(
        "預訓練權重的提升從何而來",
        ("模型", "影像張數", "訓練準確率", "泛化差距", "主要來自"),
    ),
    first_epochs=(
        "第一個 epoch 之後的測試準確率",
        ("模型", "初始權重", "影像張數", "用{base}", "用這種權重"),
    ),
    worth=(
        "預訓練權重抵得上多少影像：用{base}時需要幾倍的影像",
        ("模型", "初始權重", "影像張數", "倍數", "90% 區間"),
    ),
    classes=(
        "最佳模型召回率最低的類別；全部類別見 per_class.csv",
        (
            "類別",
            "該類別的訓練影像",
            "測試影像",
            "召回率",
            "95% 信賴區間",
        ),
    ),
    gaps=(
        "訓練準確率減測試準確率",
        ("模型", "影像張數", "泛化差距（百分點）", "影像變多時"),
    ),
    longer_training=(
        "訓練步數增加時的{test_accuracy}",
        (
            "模型",
            "影像張數",
            "步數",
            "{test_accuracy}",
            "最後一次增加（百分點）",
            "95% 信賴區間",
        ),
    ),
    differences_by_length=(
        "訓練步數增加時的差距",
        ("比較", "條件", "影像張數", "步數", "差距（百分點）", *_CHANGE, "高下"),
    ),
    options=(
        "各種做法的效益（百分點）",
        ("做法", "每 1,000 張標註", "每小時訓練", "效果最好的機率", "與最佳做法的平均差距"),
    ),
    cannot_tell="無法判斷",
    not_separated="未分開",
    parts="{images}、{steps}",
    not_trained="（未訓練）",
    last_step="{images} 張之後 {gain}",
    overtaking={
        CrossoverOutcome.INSIDE: "{ahead} 在測量範圍內超越",
        CrossoverOutcome.INSIDE_UNCLEAR: "測量範圍內無法判斷",
        CrossoverOutcome.STAYS_AHEAD: "{ahead} 持續領先",
        CrossoverOutcome.BEYOND: "{ahead} 在測量範圍外超越",
        CrossoverOutcome.BEYOND_UNCLEAR: "測量範圍內沒有；範圍外無法判斷",
    },
    up_to="{probability}（至 {images} 張）",
    on_images="{init}，{images} 張：{accuracy}",
    sources={GainSource.FIT: "擬合得更好", GainSource.GAP: "泛化差距變小"},
    trends={
        GapTrend.CANNOT_TELL: "無法判斷",
        GapTrend.LITTLE: "變化不大",
        GapTrend.SMALLER: "變小",
        GapTrend.LARGER: "變大",
    },
    against="{first} 相較於 {second}",
    orders={
        Order.SAME: "不變",
        Order.TURNS: "互換",
        Order.CANNOT_TELL: "無法判斷",
    },
    hardly_fitted="；影像少時幾乎還沒擬合",
    if_never_hurt="上下界 {}（假設準確率不會因影像變多而下降）",
)
