"""A card gives no verdict that longer training could overturn, and says what images bring alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chinese import faults
from sixteenth.analysis.findings.advice import BestNetwork
from sixteenth.analysis.findings.answer import InHand
from sixteenth.analysis.findings.cautions import PartTrained
from sixteenth.analysis.findings.compare_options import _with_rates
from sixteenth.analysis.findings.missing_runs import UnfinishedRuns
from sixteenth.analysis.findings.options import HeldBack, Option, OptionKind, OptionVerdict
from sixteenth.analysis.findings.overview import Card, Overview, Verdict
from sixteenth.analysis.inputs.cells import Cell
from sixteenth.analysis.stats.intervals import Interval
from sixteenth.language import language_for
from sixteenth.language.commands import command
from sixteenth.language.words import Names
from sixteenth.spec.fields import FROZEN, LAST_STAGE

START = Cell("resnet18", "random", "1", 50_000, (), 1)
FROZEN_START = replace(START, init=f"imagenet{FROZEN}")
DATA = Option(OptionKind.DATA, START, gain=0.026, low=0.004, high=0.064, level=0.9,
              verdict=OptionVerdict.HELPS, new_images=50_000)  # fmt: skip
EN, ZH = language_for(tag="en"), language_for(tag="zh-Hant")


@pytest.mark.parametrize("verdict", [OptionVerdict.HELPS, OptionVerdict.DOES_NOT])
@pytest.mark.parametrize("kind", [OptionKind.DATA, OptionKind.MODEL, OptionKind.INIT])
def test_where_training_had_not_ended_a_card_cannot_tell(
    kind: OptionKind, verdict: OptionVerdict
) -> None:
    end = ("resnet50", "imagenet")
    card = Card(replace(DATA, kind=kind, end=end, verdict=verdict, converged=False))
    assert card.verdict is card.option.told is OptionVerdict.CANNOT_TELL
    assert card.strength == "cannot tell"
    assert EN.screen.card(card).verdict == "cannot tell"
    assert ZH.screen.card(card).verdict == "無法判斷"
    assert EN.screen.helping(Overview(Verdict.DO, card=card)) is None


@pytest.mark.parametrize(
    "option",
    [
        replace(DATA, converged=True),
        replace(DATA, converged=None),
        replace(DATA, kind=OptionKind.TRAINING, converged=False),
    ],
)
def test_where_it_had_ended_and_of_training_itself_a_card_gives_its_verdict(
    option: Option,
) -> None:
    card = Card(option)
    assert EN.screen.card(card).verdict == "helps"
    assert EN.screen.helping(Overview(Verdict.DO, card=card)) is option


@pytest.mark.parametrize("why", HeldBack)
def test_what_is_held_back_is_not_told_whatever_its_interval_says(why: HeldBack) -> None:
    assert Card(DATA, in_hand=True).verdict is OptionVerdict.HELPS
    held = Card(replace(DATA, held_back=why), in_hand=True)
    assert held.verdict is OptionVerdict.CANNOT_TELL
    assert EN.screen.card(Card(held.option)).verdict == "cannot tell"
    assert not held.option.ranked


def test_what_was_not_tried_stays_so() -> None:
    assert Option(OptionKind.MODEL, START, converged=False).told is OptionVerdict.NOT_TRIED


def test_a_card_says_what_part_of_a_gain_images_bring_at_equal_steps() -> None:
    card = Card(replace(DATA, gain_at_equal_steps=0.004))
    assert EN.screen.card(card).what == "Twice the images (100,000); +0.4 of it at equal steps"
    assert ZH.screen.card(card).what == "影像加倍（100,000 張）；步數相同時 +0.4"
    for option in (DATA, replace(card.option, start=FROZEN_START)):
        assert EN.screen.card(Card(option)).what == "Twice the images (100,000)"
        assert ZH.screen.card(Card(option)).what == "影像加倍（100,000 張）"


def test_what_comes_with_more_steps_is_credited_to_neither() -> None:
    mixed = replace(DATA, separated=False, chance_best=0.995, regret=0.001, seconds=3600)
    verdicts = {OptionVerdict.HELPS: OptionVerdict.NOT_SEPARATED,
                OptionVerdict.DOES_NOT: OptionVerdict.CANNOT_TELL,
                OptionVerdict.CANNOT_TELL: OptionVerdict.CANNOT_TELL}  # fmt: skip
    loss = replace(mixed, verdict=OptionVerdict.DOES_NOT)
    assert Card(loss).verdict is OptionVerdict.DOES_NOT, "more steps came with it, and it lost"
    for verdict, told in verdicts.items():
        for converged in (None, False):
            if converged is None and verdict is OptionVerdict.DOES_NOT:
                continue
            option = replace(mixed, verdict=verdict, converged=converged)
            assert (Card(option).verdict, option.strength) == (told, "cannot tell")
            assert EN.screen.helping(Overview(Verdict.DO, card=Card(option))) is None
    english, chinese = (each.screen.card(Card(mixed)) for each in (EN, ZH))
    assert (english.what, english.verdict) == (
        "Twice the images (100,000) and steps",
        "not separated",
    )
    assert (chinese.what, chinese.verdict) == ("影像加倍（100,000 張），步數也加倍", "未分開")
    for language in (EN, ZH):
        step = language.say_step(mixed)
        assert "99" not in step.why, "nothing is the best of what is not separated"
        rival = replace(mixed, kind=OptionKind.MODEL, end=("resnet50", "random"), separated=True,
                        points_per_1000_images=0.04, points_per_hour=3.0)  # fmt: skip
        table = language.tables.table([mixed, rival])
        assert table is not None
        assert table.rows[0][0][1:] == ("–", "–", language.tables.labels.not_separated, "–")
        assert "99" in table.rows[1][0][3]
        assert not faults(language.say_step(mixed).text) or language is EN
    ended = replace(mixed, converged=True)
    assert EN.screen.card(Card(ended)).verdict == "helps"
    assert EN.screen.card(Card(ended)).what == "Twice the images (100,000)"


@pytest.mark.parametrize("tuned", [True, False])
def test_frozen_features_are_said_in_chinese(tuned: bool) -> None:
    said = ZH.say(PartTrained(FROZEN_START, ("head", "all"), tuned))
    assert "分類層" in said
    assert ("微調" in said) is not tuned
    step = ZH.say_step(Option(OptionKind.INIT, FROZEN_START))
    assert step.what == "訓練全部權重，而不只是分類層"
    assert faults(said) == faults(step.text) == []


def test_training_all_weights_is_called_fine_tuning() -> None:
    for start, kinds in (
        (FROZEN_START, ("Fine-tuning", "微調")),
        (START, ("Pretrained weights", "預訓練權重")),
        (replace(START, init="imagenet"), ("Other weights", "其他權重")),
    ):
        card = Card(Option(OptionKind.INIT, start))
        assert tuple(each.screen.card(card).kind for each in (EN, ZH)) == kinds


def test_a_card_of_heads_says_that_fine_tuning_was_not_tried() -> None:
    option = Option(OptionKind.INIT, FROZEN_START)
    assert EN.screen.card(Card(option)).what == "No run fine-tuned all weights"
    assert ZH.screen.card(Card(option)).what == "沒有試過微調全部權重"
    elsewhere = replace(option, elsewhere=True)
    said = EN.screen.untried(elsewhere), EN.say_step(elsewhere).why
    assert said == (
        "not tried with this model on as many images",
        "All weights of resnet18 were not trained on as many images.",
    )
    assert not faults(ZH.say_step(elsewhere).why)


def test_a_test_set_that_can_show_no_gain_is_not_said_to_show_one_of_392_points() -> None:
    best = BestNetwork(START, Interval(0.5, 1.0, 0.95), None, None)
    for visible, shows in ((3.92, False), (0.2, True)):
        title = Overview(Verdict.TEST_MORE, best, visible=visible)
        for language, none in ((EN, "too few to show any"), (ZH, "任何提升")):
            said = language.screen.title(title)
            assert (none in said, "20.0" in said) == (not shows, shows)
            assert language is EN or not faults(said)


def test_a_gain_that_may_be_none_has_no_rate() -> None:
    takes = replace(DATA, seconds=3600)
    rated = _with_rates(takes)
    assert "+0.052 points per 1,000 labels" in EN.say_step(rated).cost
    unsure = [replace(takes, verdict=OptionVerdict.CANNOT_TELL), replace(takes, converged=False)]
    for option in map(_with_rates, (*unsure, replace(takes, verdict=OptionVerdict.DOES_NOT))):
        assert "per 1,000" not in EN.say_step(option).cost
        assert "每" not in ZH.say_step(option).cost
        assert EN.tables.table([option]) is None, "names alone"
    found = EN.tables.table([rated])
    assert found is not None
    assert found.columns == ("What", "Per 1,000 labels", "Per hour")


def test_what_only_the_correction_makes_uncertain_is_said_so() -> None:
    option = replace(DATA, kind=OptionKind.MODEL, end=("resnet50", "random"), measured=True,
                     verdict=OptionVerdict.CANNOT_TELL)  # fmt: skip
    assert option.corrected_away
    assert not replace(option, low=-0.01).corrected_away
    assert not replace(option, verdict=OptionVerdict.HELPS).corrected_away
    said = "not significant after correction for several comparisons"
    assert said in EN.say_step(option).why
    assert "it may bring nothing" not in EN.say_step(option).why
    hand = InHand(replace(START, model="resnet50"), option)
    assert "cannot be told after correction for several comparisons (+2.6" in EN.say(hand)
    for text in (ZH.say_step(option).why, ZH.say(hand)):
        assert "校正" in text
        assert not faults(text)


@pytest.mark.parametrize("tuned", [True, False])
def test_a_network_of_which_the_last_stage_was_trained_is_called_so(tuned: bool) -> None:
    start = replace(START, init=f"imagenet:IMAGENET1K_V2{LAST_STAGE}")
    english, chinese = (
        each.say(PartTrained(start, ("last-stage", "all"), tuned)) for each in (EN, ZH)
    )
    assert "Only the last stage of resnet18 and its classifier were trained" in english
    assert ("fine-tuning all weights was not tried" in english) is not tuned
    assert "最後階段" in chinese
    assert ("微調" in chinese) is not tuned
    named = Names.of(["resnet18"], [start.init])
    assert replace(EN.words, names=named).cell(start) == (
        "resnet18 from ImageNet weights (IMAGENET1K_V2, last stage trained) on 50,000 images"
    )
    own = f"net/mine.pth{LAST_STAGE}"
    arm = replace(EN.words, names=Names.of(["resnet18"], [own])).arm("resnet18", own)
    assert arm == "resnet18 from the weights in mine.pth (last stage trained)"
    arms = [
        replace(ZH.words, names=named).arm("resnet18", start.init),
        replace(ZH.words, names=named).init(own),
    ]
    assert all("只訓練最後階段的" in each for each in arms)
    steps = [
        EN.say_step(Option(OptionKind.INIT, start)),
        ZH.say_step(Option(OptionKind.INIT, start)),
    ]
    assert [step.what for step in steps] == [
        "train all weights, not the last stage alone",
        "訓練全部權重，而不只是最後階段",
    ]
    end = ("resnet18", f"imagenet{LAST_STAGE}")
    option = Option(OptionKind.INIT, FROZEN_START, end=end)
    assert EN.say_step(option).what == "train the last stage, not the classifier alone"
    assert ZH.say_step(option).what == "訓練最後階段，而不只是分類層"
    said = [chinese, *arms, steps[1].text, ZH.say_step(option).text]
    assert [faults(each) for each in said] == [[]] * len(said)


@pytest.mark.parametrize(
    ("missing", "failed", "running", "said", "chinese"),
    [
        (2, 0, 0, "2 of 6 runs are missing and left out.", "有 2 次沒有結果，"),
        (0, 1, 0, "1 of 6 runs failed and is left out.", "有 1 次失敗，"),
        (0, 2, 0, "2 of 6 runs failed and are left out.", "有 2 次失敗，"),
        (1, 2, 0, "2 of 6 runs failed and 1 is missing; they are left out.",
         "有 2 次失敗、1 次沒有結果，"),
        (0, 0, 1, "1 of 6 runs is still running and left out.", "有 1 次仍在訓練，"),
        (2, 1, 3, "1 of 6 runs failed, 2 are missing and 3 are still running; they are left out.",
         "有 1 次失敗、2 次沒有結果、3 次仍在訓練，"),
    ],
)  # fmt: skip
def test_failed_missing_and_running_runs_are_told_apart(
    missing: int, failed: int, running: int, said: str, chinese: str
) -> None:
    found = UnfinishedRuns(missing, failed, runs=6, running=running)
    assert bool(command(found)) is (missing + failed > 0), "what is being trained needs no command"
    assert EN.say(found) == EN.screen.caution(found) == said
    assert ZH.say(found) == f"6 次訓練中{chinese}未列入分析。"


@pytest.mark.parametrize(
    ("stopped", "failed", "said", "chinese"),
    [
        (((12, 30),), 0, "1 of 6 runs is missing and left out. It was stopped at epoch 12 of 30.",
         "其中 1 次停在第 12 個 epoch（共 30 個）。"),
        (((12, 30),), 1, "1 of 6 runs failed and 1 is missing; they are left out. One of them was "
         "stopped at epoch 12 of 30.", "其中 1 次停在第 12 個 epoch（共 30 個）。"),
        (((12, 30), (5, 30)), 0, "2 of 6 runs are missing and left out. 2 of them were stopped on "
         "the way.", "其中 2 次中途中斷，可以接著訓練。"),
    ],
)  # fmt: skip
def test_runs_that_go_on_where_they_were_stopped_are_told_apart(
    stopped: tuple[tuple[int, int], ...], failed: int, said: str, chinese: str
) -> None:
    found = UnfinishedRuns(len(stopped), failed, runs=6, stopped=stopped)
    assert EN.say(found) == EN.screen.caution(found) == said
    assert ZH.screen.caution(found).endswith(f"未列入分析。{chinese}")
    assert not faults(ZH.say(found))


@pytest.mark.parametrize(
    ("missing", "diverged", "again"), [(0, 3, False), (1, 3, True), (0, 2, True)]
)
def test_runs_that_would_diverge_again_are_not_to_be_trained_again_in_the_same_way(
    missing: int, diverged: int, again: bool
) -> None:
    found = UnfinishedRuns(missing, 3, runs=6, diverged=diverged)
    assert bool(command(found)) is again
    assert EN.say(found).endswith(
        f"left out. The loss of {diverged} became NaN or infinite, and would again: another "
        "learning rate may help (train.learning_rate)."
    )
    assert f"有 {diverged} 次損失變成 NaN 或無限大" in ZH.say(found)
    assert not faults(ZH.say(found))


@pytest.mark.parametrize("kind", [OptionKind.DATA, OptionKind.MODEL, OptionKind.TRAINING])
def test_nobody_is_told_to_take_a_loss(kind: OptionKind) -> None:
    loss = replace(
        DATA, kind=kind, end=("resnet50", "random"), gain=-0.02, low=-0.03, high=-0.01,
        measured=True, verdict=OptionVerdict.DOES_NOT, new_images=0,
    )  # fmt: skip
    for language, mark in ((EN, "not advised: "), (ZH, "不建議：")):
        told, kept = language.say_step(loss), language.say_step(replace(loss, gain=0.02))
        assert told.what.startswith(mark)
        assert mark not in kept.what


def test_weights_that_were_tried_on_fewer_images_were_tried() -> None:
    untried = Option(OptionKind.INIT, START)
    assert EN.screen.untried(untried) == "no run used any"
    tried = replace(untried, elsewhere=True)
    assert EN.screen.untried(tried) == "not tried with this model on as many images"
    assert EN.say_step(tried).why == "resnet18 was not trained from any on as many images."
    for said in (ZH.screen.untried(tried), ZH.say_step(tried).why):
        assert not faults(said)
