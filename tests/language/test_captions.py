"""What stands under figures and tables says what was measured, and how sure it is."""

from __future__ import annotations

import pytest

from sixteenth.analysis import IntervalKind, Metric
from sixteenth.language import language_for
from sixteenth.language.captions import Hole

CAPTIONS = language_for().captions


@pytest.mark.parametrize("kind", IntervalKind)
def test_the_accuracy_caption_says_what_its_intervals_cover(kind: IntervalKind) -> None:
    caption = CAPTIONS.accuracy(
        {kind}, 0.95, several_seeds=False, several_lines=False, band_level=None
    )
    assert "95% intervals of the accuracy of another training on other test images" in caption
    spread = "assumed" if kind is IntervalKind.ASSUMED else "estimated from repeated trainings"
    assert f"the spread between trainings is {spread}" in caption
    assert f"spread between trainings {spread}" in CAPTIONS.intervals({kind})


def test_the_caption_says_where_only_some_of_the_spread_is_assumed() -> None:
    caption = CAPTIONS.accuracy(
        set(IntervalKind), 0.95, several_seeds=True, several_lines=False, band_level=None
    )
    apart = "assumed where no cell of the same model and weights was trained twice"
    assert f"is estimated from repeated trainings, and {apart}" in caption
    assert f"estimated from repeated trainings, or {apart}" in CAPTIONS.intervals(set(IntervalKind))


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(("tag", "said"), [("en", "not at"), ("zh-Hant", "尚未結束")])
def test_the_accuracy_caption_says_what_open_points_are_where_there_are_any(
    tag: str, said: str, several: bool
) -> None:
    for so_far in (False, True):
        caption = language_for(tag=tag).captions.accuracy(
            {IntervalKind.MEASURED},
            0.95,
            several_seeds=several,
            several_lines=False,
            so_far=so_far,
            band_level=None,
        )
        assert (said in caption) is so_far


def test_an_open_point_is_said_to_have_one_of_four_reasons() -> None:
    said = CAPTIONS.options([])
    assert "the interval holds zero, several comparisons are corrected for, longer training" in said
    assert "or images and steps are not separated" in said
    chinese = language_for(tag="zh-Hant").captions.options([])
    assert all(reason in chinese for reason in ("包含零", "多重比較校正", "訓練久一點", "沒有分開"))


@pytest.mark.parametrize(
    ("views", "said"),
    [("none", None), ("mirror", "its mirror image"), ("mirror-shift", "six views of each image")],
)
def test_the_table_says_whether_test_predictions_were_averaged_over_views(
    views: str, said: str | None
) -> None:
    caption = CAPTIONS.results(several_seeds=True, test_augmentation=views)
    assert ("predictions averaged over" in caption) is (said is not None)
    assert said is None or said in caption


@pytest.mark.parametrize(
    ("tag", "gap", "plain"),
    [
        ("en", "training minus test accuracy", "training minus plain test accuracy, which is not"),
        ("zh-Hant", "訓練準確率減測試準確率", "訓練準確率減一般測試準確率（表中未列）"),
    ],
)
def test_the_gap_beside_balanced_accuracies_is_said_to_be_of_plain_ones(
    tag: str, gap: str, plain: str
) -> None:
    for metric, said, other in (
        (Metric.ACCURACY, gap, plain),
        (Metric.BALANCED_ACCURACY, plain, gap),
    ):
        captions = language_for(tag=tag, metric=metric).captions
        for text in (
            captions.results(several_seeds=True, test_augmentation="none"),
            captions.intervals([IntervalKind.MEASURED]),
        ):
            assert said in text
            assert other not in text


def test_where_some_rows_are_heads_the_table_says_that_their_predictions_are_no_averages() -> None:
    for views, but in (("mirror", True), ("none", False)):
        caption = CAPTIONS.results(several_seeds=True, test_augmentation=views, frozen=True)
        assert "of a head on frozen features, one forward pass" in caption
        assert ("mirror image, except on frozen features;" in caption) is but
    chinese = language_for(tag="zh-Hant").captions
    said = [
        chinese.results(several_seeds=True, test_augmentation="mirror", frozen=frozen)
        for frozen in (False, True)
    ]
    assert ["（凍結特徵除外）" in caption for caption in said] == [False, True]


@pytest.mark.parametrize(
    ("hole", "said"),
    [
        (Hole(None, "missing", ""), "not run yet"),
        (Hole(2, "interrupted", ""), "seed 2 interrupted before its end"),
        (Hole(1, "failed", "the loss became NaN"), "seed 1 failed: the loss became NaN"),
        (Hole(None, "failed", ""), "failed: it failed without a message"),
        (Hole(None, "failed", None), "failed"),
        (Hole(None, "finished", None, unkept=1), "curve not kept"),
        (Hole(None, "finished", None, unkept=3), "3 curves not kept"),
    ],
)
def test_a_run_without_a_curve_says_why(hole: Hole, said: str) -> None:
    assert CAPTIONS.hole(hole) == said
