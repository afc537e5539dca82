"""A fitted learning curve in Traditional Chinese, for a terminal and the notes under a table."""

from __future__ import annotations

from typing import assert_never

from ...analysis.curves.learning_curve import BOUND, RequiredSize
from ...analysis.curves.points import ASSUMED_TEST_SIZE, ENOUGH, CurveWarning
from .numbers import SENTENCE, count, coverage, percent, tidy


def warning(kind: CurveWarning, sizes: int) -> str:
    """A warning as a sentence without full stop; `sizes` were fitted."""
    match kind:
        case CurveWarning.FEW_SIZES:
            return (
                f"{sizes} 種資料量不足以決定冪律：指數大多來自其他學習曲線（先驗）；"
                f"請至少測量 {ENOUGH} 種資料量"
            )
        case CurveWarning.STUCK:
            return (
                "最後幾種資料量的錯誤率相同，好像每張影像都得到同一個答案："
                "看不出要到什麼時候訓練才會見效"
            )
        case CurveWarning.RISING:
            return "資料變多，錯誤率反而上升，沒有冪律能描述：如果不是雜訊，請檢查新增影像的標籤"
        case CurveWarning.BEST_EARLIER:
            return (
                "資料量最大時的錯誤率明顯高於資料較少時的最低值，沒有冪律能描述："
                "請檢查新增影像的標籤"
            )
        case CurveWarning.FLAT:
            return "資料變多，錯誤率幾乎不變：在雜訊範圍內曲線是平的"
        case CurveWarning.NEAR_GUESSING:
            return "資料量最大時的錯誤率仍接近隨機猜測：看不出什麼時候會下降"
        case CurveWarning.UNEQUAL_SPREAD:
            return (
                "各資料量的訓練結果分散程度不同，擬合卻當作處處相同："
                "分散較小之處區間太寬，較大之處太窄"
            )
        case CurveWarning.NOISE_ASSUMED:
            return (
                "沒有資訊能說明這些錯誤率的雜訊有多大（每種資料量只訓練一次，也沒有 test_size）；"
                f"新的測量假設有 {count(ASSUMED_TEST_SIZE)} 張測試影像的雜訊"
            )
        case _:
            assert_never(kind)


def required_size(found: RequiredSize) -> str:
    """How many images an error takes, in one sentence without a full stop."""
    target = f"錯誤率 {percent(found.error)}"
    if found.low is None:
        return f"{target}：達不到（{coverage(found.level)} 的把握）"
    if found.low == found.high:  # only at the smallest size are both known alike
        least = f"{count(found.low)} 張"
        return tidy(f"{target}：最小的資料量 {least}就已達到（{coverage(found.level)} 的把握）")
    # Where the fitted curve does not reach it, half of the curves that the data allow may.
    middle = found.middle if found.size is None else found.size
    size = "超出擬合曲線的範圍" if middle is None else f"{count(middle)} 張"
    if found.high is None:
        if found.middle is not None:
            size = f"約 {count(found.middle)} 張"
        bounds = f"至少 {count(found.low if found.at_least is None else found.at_least)} 張"
        if found.at_most is not None:
            bounds += f"、至多 {count(found.at_most)} 張"
        if found.at_least is not None:
            bounds += f"（{coverage(BOUND)} 的把握）"
        return tidy(f"{target}：{size}，{bounds}；無法有 {coverage(found.level)} 的把握達到")
    ends = SENTENCE.ends(found.level, count(found.low), count(found.high))
    return tidy(f"{target}：{size}（{ends}）")
