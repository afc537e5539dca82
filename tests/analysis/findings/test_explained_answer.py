"""What tested reasons change on the first screen: options, cautions and the title."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest
from talking import english
from test_explained import BIG, SMALL, base, found_by, lever_runs

from sixteenth.analysis import analyse
from sixteenth.analysis.findings.cautions import ReasonFound
from sixteenth.analysis.findings.explained import ExplainedLever, LeverVerdict
from sixteenth.analysis.findings.levers import CellPair, Lever, LeverRuns
from sixteenth.analysis.findings.not_converged import NotConverged
from sixteenth.language import language_for


def test_unstable_training_is_no_caution_once_a_remedy_was_tried(study):
    def cautions(*tested):
        measured = base(study, small=0.60)
        fell = (measured.histories["model"] == "resnet50") & (measured.histories["epoch"] == 4)
        measured.histories.loc[fell, "train_accuracy"] = 0.1
        found = analyse(
            measured.results,
            measured.histories,
            predictions=measured.predictions,
            lever_runs=tested,
        )
        return [type(each).__name__ for each in found.overview.cautions]

    half = lever_runs(study, {BIG: 0.41}, Lever.RATE_HALF)
    longer = lever_runs(study, {SMALL: 0.65, BIG: 0.45}, Lever.STEPS)
    assert "UnstableModel" in cautions()
    assert "UnstableModel" in cautions(longer)
    assert "UnstableModel" in cautions(replace(half, pair=CellPair("1/2", BIG, SMALL)))
    assert "UnstableModel" not in cautions(longer, half)
    identity = lever_runs(study, {SMALL: 0.58, BIG: 0.57}, Lever.ZERO_INIT)
    assert "UnstableModel" not in cautions(identity)


HALFWAY = (SMALL, 0.62), (BIG, 0.43)


def four_times_the_steps(study, small=0.65, big=0.45, halfway=HALFWAY, **more):
    """Runs of 24 epochs, where the study's have six, with the length of twelve."""
    lengths = {(*arm, "1/16", 0.5): value for arm, value in halfway}
    return lever_runs(study, {SMALL: small, BIG: big}, epochs=24, lengths=lengths, **more)


def options(study, measured, *tested):
    found = analyse(measured.results, predictions=measured.predictions, lever_runs=tested)
    return {one.kind: one for one in found.options}, found


def test_twice_the_steps_are_measured_where_four_times_the_steps_were_trained(study):
    measured = base(study, lengths={(*SMALL, "1/16", 0.5): 0.45})
    before, _ = options(study, measured)
    assert not before["training"].measured
    after, found = options(study, measured, four_times_the_steps(study, halfway=[(SMALL, 0.62)]))
    longer = after["training"]
    assert (longer.measured, longer.lever, longer.level) == (True, Lever.STEPS, 0.95)
    assert longer.gain == pytest.approx(0.12, abs=0.01)
    assert longer.verdict == "helps", "half of 24 epochs, not of six"
    assert [card.option for card in found.overview.cards if card.option.kind == "training"] == [
        longer
    ]
    by_kind = found.table().set_index("kind")
    assert by_kind["lever"].to_dict() == dict.fromkeys(after, "") | {"training": "steps-x4"}
    assert found.advice.to_dict()["options"][0]["lever"] == "steps-x4"
    others = [one for one in found.overview.others if one.start.arm == BIG]
    whole = [(one.lever, one.times_steps) for one in others if one.lever]
    assert whole == [(Lever.STEPS, 4.0)], "of it no length with twice the steps is known"


def test_an_answer_that_was_measured_at_four_times_the_steps_says_so(study):
    measured = base(study, small=0.60, big=0.40)
    longer = lever_runs(study, {SMALL: 0.75, BIG: 0.70}, epochs=24)
    _, found = options(study, measured, longer)
    language = language_for(found)
    title = language.screen.title(found.overview)
    assert title.startswith("Train four times as long first: +1")
    (caution,) = [one for one in found.overview.cautions if isinstance(one, NotConverged)]
    alone, _ = options(study, measured)
    assert alone["training"].times_steps == 2
    (steps,) = caution.settings
    assert steps == f"train.steps={4 * round(found.options[0].start.mean('steps'))}"


def test_more_trainings_of_explain_do_not_move_the_start_of_a_gain(study):
    measured = base(study)
    steps = four_times_the_steps(study)
    seeds = lever_runs(study, {SMALL: 0.30, BIG: 0.30}, Lever.SEEDS, seeds=(1, 2))
    alone, _ = options(study, measured, steps)
    both, _ = options(study, measured, steps, seeds)
    assert both["training"].gain == alone["training"].gain


@pytest.mark.parametrize("lever", [Lever.IMAGE_SIZE, Lever.STEM])
def test_larger_images_and_another_first_layer_are_options_once_they_were_tried(study, lever):
    before, unknown = options(study, base(study))
    assert not before["resolution"].known, "the last map is 1x1"
    assert "resolution" not in [card.option.kind for card in unknown.overview.cards]
    tested = lever_runs(study, {SMALL: 0.60, BIG: 0.52}, lever)
    after, found = options(study, base(study), tested)
    larger = after["resolution"]
    assert (larger.lever, larger.verdict, larger.end) == (lever, "helps", SMALL)
    card = found.overview.cards[0]
    assert card.option == larger
    said = english(found).screen.screen(found.overview, "")
    assert said.cards[0].kind == ("First layer" if lever is Lever.STEM else "Larger images")
    assert said.title.startswith("Use ")
    assert [one.start.arm for one in found.overview.others if one.lever] == [BIG]


def test_that_longer_training_could_change_the_order_is_no_caution_once_it_was_tried(study):
    def cautions(*tested, **more):
        shorter = {(*SMALL, "1/16", 0.5): 0.595, (*BIG, "1/16", 0.5): 0.445}
        measured = base(study, small=0.60, big=0.45, lengths=shorter, **more)
        found = analyse(
            measured.results,
            measured.histories,
            predictions=measured.predictions,
            lever_runs=tested,
        )
        return [type(each).__name__ for each in found.overview.cautions]

    train = {SMALL: (0.70,), BIG: (0.60,)}  # both were still rising
    four = four_times_the_steps(study, halfway=())
    assert "NotConverged" in cautions(train=train)
    assert "NotConverged" in cautions(lever_runs(study, {BIG: 0.5}, Lever.RATE_HALF), train=train)
    assert "NotConverged" not in cautions(four, train=train)
    turned = four_times_the_steps(study, small=0.62, big=0.70, halfway=())
    assert "NotConverged" in cautions(turned, train=train)


def mended(study, small, big, lever=Lever.ZERO_INIT, **more):
    """The option of the bigger model, and the first screen in words, once a lever was tried."""
    tested = lever_runs(study, {SMALL: small, BIG: big}, lever, **more)
    by_kind, found = options(study, base(study, small=0.60, big=0.45), tested)
    return by_kind["model"], english(found).screen.screen(found.overview, ""), found


def test_a_bigger_model_is_compared_with_what_was_the_reason_mended(study):
    option, said, found = mended(study, small=0.58, big=0.57)
    assert option.lever is Lever.ZERO_INIT
    assert option.gain == pytest.approx(-0.03, abs=0.01), "not -0.15, and not -0.01"
    assert option.verdict == "cannot tell"
    assert "does not help" not in said.title
    card = next(card for card in said.cards if card.kind == "Bigger model")
    assert card.what == "resnet50 with zero_init_residual"
    caution = said.cautions[0]
    assert caution.text.startswith("As this study trains it, resnet50 is 1")
    assert "residual blocks that begin as the identity (zero_init_residual). It explains" in (
        caution.text
    )
    assert caution.command == "sixteenth run study.yaml --set zero_init_residual=auto --fresh"
    assert said.title.endswith(": train with zero_init_residual")
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_bigger_model_that_is_ahead_once_the_reason_is_mended_is_advised(study):
    option, said, _ = mended(study, small=0.58, big=0.72)
    assert option.verdict == "helps"
    assert said.title.startswith("Use resnet50 with zero_init_residual: +1")


def test_what_is_no_reason_mends_nothing(study):
    alike, said, _ = mended(study, small=0.62, big=0.47)
    assert (alike.lever, alike.verdict) == (None, "does not")
    assert said.title.startswith("resnet50 does not help")


@pytest.mark.parametrize("lever", [Lever.AUGMENTATION, Lever.WEIGHT_DECAY])
def test_a_lever_that_only_harms_the_network_ahead_is_no_reason(study, lever):
    option, said, found = mended(study, small=0.44, big=0.445, lever=lever)
    assert (option.lever, option.verdict) == (None, "does not")
    parts = (part.findings for part in found.sections)
    (effect,) = (one for part in parts for one in part if isinstance(one, ExplainedLever))
    assert (effect.verdict, effect.by_loss) == (LeverVerdict.NOT_MAIN, True)
    assert effect.share.low > 0.5 > effect.gained.high
    assert found.overview.reason is None
    assert not [each for each in found.overview.cautions if isinstance(each, ReasonFound)]
    assert "train with" not in said.title
    for language in (english(found), language_for(tag="zh-Hant")):
        text = language.say(effect)
        assert "99" not in text
        assert ("resnet18 loses accuracy" in text) or ("resnet18 的準確率下降" in text)


def test_the_reason_is_what_mends_the_network_behind_and_not_what_harms_the_other(study):
    measured = base(study, small=0.60, big=0.45)
    mends = lever_runs(study, {SMALL: 0.60, BIG: 0.585}, Lever.ZERO_INIT)
    harms = lever_runs(study, {SMALL: 0.51, BIG: 0.51}, Lever.AUGMENTATION)
    _, by_lever = found_by(study, measured, harms, mends)
    assert by_lever[Lever.AUGMENTATION].share.value > by_lever[Lever.ZERO_INIT].share.value
    by_kind, found = options(study, measured, harms, mends)
    assert by_kind["model"].lever is Lever.ZERO_INIT
    assert found.overview.reason is Lever.ZERO_INIT


def test_the_published_reason_is_one_by_what_the_network_behind_gains(study):
    """Accuracies and seeds of docs/results/reference-30-reason."""
    measured = base(study, small=0.633, big=0.487, seeds=(0, 1, 2))
    identity = lever_runs(study, {SMALL: 0.613, BIG: 0.610}, Lever.ZERO_INIT, seeds=(0, 1, 2))
    _, by_lever = found_by(study, measured, identity)
    assert by_lever[Lever.ZERO_INIT].verdict is LeverVerdict.REASON
    assert by_lever[Lever.ZERO_INIT].gained.value == pytest.approx(12.3 / 14.6, abs=0.1)


def test_a_learning_rate_for_the_bigger_model_alone_leaves_the_other_as_it_is(study):
    measured = base(study, small=0.60, big=0.45)
    half = lever_runs(study, {BIG: 0.59}, Lever.RATE_HALF)
    by_kind, found = options(study, measured, half)
    assert by_kind["model"].lever is Lever.RATE_HALF
    (caution,) = (c for c in found.overview.cautions if type(c).__name__ == "ReasonFound")
    assert caution.reason.remedied.start.arm == SMALL
    said = english(found).screen.screen(found.overview, "")
    assert [each.command for each in said.cautions if "reason" in each.text] == [""]


def test_cells_that_more_trainings_turned_round_are_told_as_they_are_now(study):
    measured = base(study, small=0.45, big=0.60)
    gap, by_lever = found_by(study, measured, lever_runs(study, {SMALL: 0.60, BIG: 0.61}))
    assert (gap.behind.arm, gap.ahead.arm) == (SMALL, BIG)
    assert gap.told
    effect = by_lever[Lever.STEPS]
    assert effect.verdict is LeverVerdict.REASON
    assert [one.start.arm for one in effect.gains] == [SMALL, BIG]


def test_the_best_of_several_levers_must_be_clearer(study):
    measured = base(study, small=0.60, big=0.45)
    best = lever_runs(study, {SMALL: 0.58, BIG: 0.67}, Lever.ZERO_INIT)
    others = [
        lever_runs(study, {SMALL: 0.60, BIG: 0.45}, Lever.WEIGHT_DECAY),
        *(lever_runs(study, {BIG: 0.45}, lever) for lever in (Lever.RATE_HALF, Lever.RATE_DOUBLE)),
    ]
    alone, _ = options(study, measured, best)
    chosen, _ = options(study, measured, best, *others)
    assert alone["model"].lever is chosen["model"].lever is Lever.ZERO_INIT
    assert chosen["model"].gain == alone["model"].gain
    assert (alone["model"].verdict, chosen["model"].verdict) == ("helps", "cannot tell")


def test_a_network_that_is_behind_for_a_reason_does_not_make_the_other_one_the_answer(study):
    """The smaller model is behind, and nearly all of that is its recipe."""
    tested = lever_runs(
        study, {SMALL: 0.59, BIG: 0.60}, Lever.ZERO_INIT, pair=CellPair("1/16", SMALL, BIG)
    )
    _, found = options(study, base(study, small=0.45, big=0.60), tested)
    card = next(card for card in found.overview.cards if card.in_hand)
    assert card.option.gain == pytest.approx(0.01, abs=0.01), "not 0.15"
    assert card.verdict == "cannot tell"
    assert found.overview.verdict != "in-hand"


def test_a_lever_of_one_network_alone_is_no_recipe_for_the_study(study):
    tested = lever_runs(study, {BIG: 0.60}, Lever.RATE_HALF)
    _, found = options(study, base(study, small=0.60, big=0.45), tested)
    said = english(found).screen.screen(found.overview, "")
    (caution,) = [one for one in said.cautions if "The reason was found" in one.text]
    assert "learning rate" not in said.title
    assert "which is more accurate" not in caution.text
    assert caution.command == ""


def test_a_model_that_does_not_help_with_its_reason_mended_is_told_so_once(study):
    option, said, found = mended(study, small=0.60, big=0.52)
    assert option.verdict == "does not"
    assert "train with" not in said.title
    assert found.overview.reason is None


def test_the_time_of_a_command_is_that_of_the_runs_with_the_lever(study):
    made = base(study, small=0.60, big=0.45)
    tested = lever_runs(study, {SMALL: 0.60, BIG: 0.60}, Lever.ZERO_INIT)
    tested.results["seconds"] *= 4
    _, found = options(study, made, tested)
    caution = next(each for each in found.overview.cautions if isinstance(each, ReasonFound))
    assert caution.seconds == pytest.approx(4 * made.results["seconds"].sum(), rel=0.01)


def test_trainings_of_explain_are_no_part_of_what_the_study_takes(study):
    made = base(study, small=0.60, big=0.45)
    own = made.results["seconds"].sum()
    repeats = lever_runs(study, {SMALL: 0.60, BIG: 0.45}, Lever.SEEDS, seeds=(7,))
    made.results = pd.concat([made.results, repeats.results], ignore_index=True)
    made.predictions |= repeats.predictions
    tested = lever_runs(study, {SMALL: 0.60, BIG: 0.60}, Lever.ZERO_INIT)
    _, found = options(study, made, tested, repeats)
    caution = next(each for each in found.overview.cautions if isinstance(each, ReasonFound))
    assert caution.seconds == pytest.approx(own, rel=0.01)


TWO_SIZES = {"1/16": 3125, "1": 50_000}


def test_a_reason_that_was_found_on_fewer_images_is_named_on_the_first_screen(study):
    """As `sixteenth explain` tests it by default."""
    made = study({SMALL: (0.60, 0.75), BIG: (0.45, 0.66)}, fractions=TWO_SIZES, seeds=(0, 1))
    few = CellPair("1/16", BIG, SMALL)
    tested = lever_runs(study, {SMALL: 0.60, BIG: 0.60}, Lever.ZERO_INIT, pair=few)
    by_kind, found = options(study, made, tested)
    assert by_kind["model"].verdict == "does not", "as the study trains it"
    (caution,) = [each for each in found.overview.cautions if isinstance(each, ReasonFound)]
    assert caution.images == 50_000
    for language in (english(found), language_for(tag="zh-Hant")):
        text = language.say(caution)
        assert "3,125" in text
        assert "50,000" in text
    said = english(found).screen.screen(found.overview, "").cautions
    (one,) = [each for each in said if "The reason was found" in each.text]
    assert "On 50,000 images this was not tried, and may help resnet50" in one.text
    assert one.command == "sixteenth run study.yaml --set zero_init_residual=auto --fresh"
    # It was tried on as many images, and is none there.
    all_images = study({SMALL: (0.75,), BIG: (0.66,)}, fractions={"1": 50_000})
    there = LeverRuns(
        CellPair("1", BIG, SMALL), Lever.ZERO_INIT, all_images.results, all_images.predictions
    )
    _, found = options(study, made, tested, there)
    assert not [each for each in found.overview.cautions if isinstance(each, ReasonFound)]
