"""Sentences of both languages say the same, and no more than their finding does."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from chinese import faults
from sixteenth.analysis import IntervalKind, Option, OptionKind, OptionVerdict
from sixteenth.analysis.curves.crossover import Crossover, CrossoverOutcome
from sixteenth.analysis.findings.advice import AnotherSize, Separate
from sixteenth.analysis.findings.doubling import ControlRun
from sixteenth.analysis.findings.doubtful_labels import LabelCeiling
from sixteenth.analysis.findings.expectation import ModelCrossover
from sixteenth.analysis.findings.limits import NotAllPaired, ReportedEpoch
from sixteenth.analysis.findings.overview import Overview, Verdict
from sixteenth.analysis.findings.per_class import ClassRecall, WeakClasses
from sixteenth.analysis.inputs.cells import Cell
from sixteenth.analysis.inputs.predictions import Unpaired
from sixteenth.analysis.stats.intervals import Interval
from sixteenth.language import language_for
from sixteenth.language.captions import CurvesShown
from sixteenth.spec.fields import AT_MAX_EPOCHS, LEVELLED_OFF

EN, ZH = language_for(tag="en"), language_for(tag="zh-Hant")
CELL = Cell("resnet18", "random", "1", 50_000, (), 1)
CURVES = CurvesShown("loss", several_seeds=False, single=0, clean=True, shorter=False,
                     every_epoch=True, top=1.0, highest=1.0, smoothing=0.1, augmented=True,
                     test_augmentation="none", validated=True)  # fmt: skip


def test_label_smoothing_raises_the_training_loss_but_not_above_every_test_loss() -> None:
    said = ZH.captions.curves(replace(CURVES, validated=False))
    assert "因此相對於測試損失會偏高" in said
    assert "比測試損失高" not in said
    assert not faults(said)


def test_where_validation_chose_the_epoch_the_diamonds_are_told_with_their_spaces() -> None:
    said = ZH.captions.curves(CURVES)
    assert "菱形：在驗證集選出的 epoch，以未經增強的影像測量的訓練損失" in said
    assert not faults(said)


def test_doubtful_labels_that_are_half_of_the_error_leave_room_for_gains() -> None:
    said = ZH.say(LabelCeiling(210, 1000, 4, (("resnet18", "random"),), 4, 50_000, 0.40))
    assert "空間很小" not in said
    assert said.endswith("不能歸咎於模型；請先檢查這些影像。")
    assert said.startswith("用 50,000 張影像訓練出的 4 個網路，")
    assert not faults(said)


@pytest.mark.parametrize("kinds", [{IntervalKind.MEASURED}, set(IntervalKind)])
def test_a_spread_is_estimated_from_repeated_trainings(kinds: set[IntervalKind]) -> None:
    caption = ZH.captions.accuracy(
        kinds, 0.95, several_seeds=False, several_lines=False, band_level=None
    )
    for said in (caption, ZH.captions.intervals(kinds)):
        assert "訓練間的變異由重複訓練估計" in said
        assert ("為假設值" in said) is (IntervalKind.ASSUMED in kinds)
        assert "實測" not in said
        assert not faults(said)


def test_the_ends_of_a_forecast_are_written_alike_in_both_languages() -> None:
    option = Option(OptionKind.DATA, CELL, gain=0.02, low=0.0003, high=0.045, level=0.9,
                    verdict=OptionVerdict.HELPS, new_images=50_000)  # fmt: skip
    assert "(forecast, 90% interval 0.03 to 4.5)" in EN.say_step(option).why
    assert "（預測，90% 區間 0.03 至 4.5）" in ZH.say_step(option).why
    measured = replace(option, measured=True, level=0.95)
    assert "（實測，95% 信賴區間 0.03 至 4.5）" in ZH.say_step(measured).why


@pytest.mark.parametrize("gain", [0.05, 0.02])
@pytest.mark.parametrize("several", [False, True])
def test_one_weak_class_is_spoken_of_as_one(several: bool, gain: float) -> None:
    recalls = tuple(
        ClassRecall(name, CELL, (100.0, 200.0), 100, (0.3, 0.4), Interval(0.3, 0.5, 0.95), gain)
        for name in ("cat", "dog")[: 1 + several]
    )
    found = WeakClasses(CELL, recalls, 0.8, 0.02, 10)
    english, chinese = EN.say(found), ZH.say(found)
    assert ("of these classes alone" in english) is several
    assert ("of this class alone" in english) is not several
    assert ("只增加這些類別的影像" in chinese) is several
    assert ("只增加該類別的影像" in chinese) is not several
    assert ("這些類別" in chinese) is several
    assert not faults(chinese.replace("cat", "").replace("dog", ""))


def test_a_title_that_asks_ends_with_its_question_mark() -> None:
    found = Overview(Verdict.NOT_SEPARATED)
    assert EN.say(found) == "Cannot tell yet: more images, or longer training?"
    assert ZH.say(found) == "還無法判斷：該增加影像，還是訓練久一點？"
    assert EN.say(Overview(Verdict.NOTHING_FINISHED)) == "No run has finished yet."


def test_no_key_of_a_record_stands_in_a_sentence() -> None:
    ways = ("last", LEVELLED_OFF, AT_MAX_EPOCHS, "validation")
    english, chinese = (language.say(ReportedEpoch(ways)) for language in (EN, ZH))
    for key in (LEVELLED_OFF, AT_MAX_EPOCHS):
        assert key not in english + chinese
    assert chinese == (
        "各次訓練選擇 epoch 的方式不同（最後一個 epoch、準確率持平、達到 max_epochs、驗證集選出）。"
    )
    assert english == (
        "The epoch was chosen in different ways in different runs: the last one, the one at which "
        "accuracy levelled off, the last that train.max_epochs allows or the one that a "
        "validation part chose."
    )


def test_what_stands_in_brackets_has_those_of_its_language() -> None:
    crossover = Crossover(0.97, 0.01, 0.01, 0.01, 1.0, 2700.0, 630.0, 4400.0, 50_000, 3_200_000)
    found = ModelCrossover("random", "small", "big", CrossoverOutcome.INSIDE, "big", crossover)
    for language, place in ((EN, "2,700 (630 to 4,400)"), (ZH, "2,700（630 至 4,400）")):
        table = language.tables.table([found, found])
        assert table is not None
        assert place in table.rows[0][0]


def test_what_would_tell_is_another_control_run_or_size_and_not_any_run() -> None:
    control = ControlRun(CELL, 100, math.nan)
    title = ZH.screen.title(Overview(Verdict.NOTHING_KNOWN, step=Separate(control, 50_000)))
    assert title == "還無法比較：請再加一次對照訓練"
    step = AnotherSize(CELL.arm, 6000, 2, math.nan)
    assert "預測區間還很寬；再加一種就會變窄。" in ZH.say_step(step).why
    assert "沒有與其準確率相符的預測結果" in ZH.say(NotAllPaired(Unpaired.SOME_RUNS, ("a",)))
