"""What the answer recommends, lead by lead, and that it holds nothing but what the study shows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from talking import CONTEXT, discuss, english, talk
from test_options import BIG, ONE, PRE, SIZES, SMALL, levelled

from sixteenth.analysis.findings.advice import MoreSeeds, Separate
from sixteenth.analysis.findings.answer import InHand
from sixteenth.analysis.findings.cautions import OneSeed
from sixteenth.analysis.findings.overview import Verdict
from sixteenth.analysis.findings.recommendation import Lead, Recommendation, recommend
from sixteenth.analysis.findings.relation import HighestAccuracy
from sixteenth.language import language_for

HALF_STEPS = (*SMALL, "1", 0.5)


def onwards(found) -> Recommendation:
    """What comes next from the best network."""
    return recommend(found.options, found.advice.best.cell)


def test_do_what_helps_most(study):
    accuracy, lengths = {SMALL: (0.60, 0.70, 0.78), BIG: (0.50, 0.62, 0.72)}, {HALF_STEPS: 0.779}
    found = talk(levelled(study(accuracy, fractions=SIZES, lengths=lengths)))
    assert onwards(found).lead is Lead.DO
    assert onwards(found).option.kind == "data"
    assert re.fullmatch(r"Label 50,000 more images: about \+\d\.\d points", found.answer[0])
    assert re.fullmatch(
        r"Best network: resnet18 from random weights on 50,000 images, 7\d\.\d% right "
        r"\(95% interval 7\d\.\d% to \d\d\.\d%\)\.",
        found.answer[1],
    )


def test_train_first_where_training_had_not_ended(study):
    found = talk(study({SMALL: (0.60, 0.70, 0.78), BIG: (0.50, 0.62, 0.72)}, fractions=SIZES))
    assert onwards(found).lead is Lead.TRAIN_FIRST
    assert onwards(found).option.kind == "training"
    assert found.answer[0] == "Train longer first"
    said = english(found.findings).screen.screen(found.overview, "")
    assert said.cautions[0].command == "sixteenth run study.yaml --set train.epochs=12 --fresh"
    assert found.answer[1].startswith("Best network: resnet18")


def test_train_first_with_its_gain_where_shorter_trainings_tell_it(study):
    lengths = {(*SMALL, "1", 0.5): 0.75, (*SMALL, "1", 0.25): 0.6875}
    found = talk(levelled(study({SMALL: (0.8,)}, fractions=ONE, lengths=lengths)))
    assert onwards(found).lead is Lead.TRAIN_FIRST
    assert re.fullmatch(r"Train longer first: about \+\d\.\d points", found.answer[0])


def test_images_and_steps_that_are_not_separated_are_no_advice_to_label(study):
    """Nothing tells whether training had ended: the control run comes before labels."""
    made = study({SMALL: (0.716, 0.776)}, fractions={"1/2": 25_000, "1": 50_000})
    made.histories = made.histories.iloc[:0]
    found = talk(made)
    assert onwards(found).lead is Lead.NOT_SEPARATED
    assert found.findings.overview.strength == "cannot tell"
    assert found.answer[0] == "Cannot tell yet: more images, or longer training?"
    assert " ".join(found.answer).count("not separated") == 1
    (run,) = (s for s in found.said_advice.steps if isinstance(s.finding, Separate))
    assert run.what == (
        "train resnet18 from random weights on 25,000 images for 2,346 steps (about 9 min here)"
    )
    lengths = {(*SMALL, "1", 0.5): 0.772}
    told = study({SMALL: (0.716, 0.776)}, fractions={"1/2": 25_000, "1": 50_000}, lengths=lengths)
    told.histories = told.histories.iloc[:0]
    assert not any(isinstance(step, Separate) for step in talk(told).advice.steps)
    assert onwards(talk(told)).lead is not Lead.NOT_SEPARATED
    assert "not separated" not in " ".join(talk(told).answer)


def test_stop_where_two_errors_of_359_are_left(study):
    made = levelled(study({SMALL: (0.9, 0.99, 1 - 2 / 359)}, fractions=SIZES, test_size=359))
    last = made.results["fraction"] == "1"
    made.results.loc[last, "test_accuracy"] = 1 - 2 / 359
    found = discuss(made.results, made.histories, context=CONTEXT)
    assert onwards(found).lead is Lead.STOP
    assert onwards(found).visible == pytest.approx(7.849 / 359, rel=1e-3)
    assert found.answer[0] == "Stop here: less than 2.2 points are left to gain"


@pytest.mark.parametrize(("test_size", "lead"), [(12, Lead.TEST_MORE), (200, Lead.STOP)])
def test_a_test_set_that_shows_nothing_is_no_reason_to_stop(study, test_size, lead):
    found = talk(study({SMALL: (0.9, 0.97, 0.99)}, fractions=SIZES, test_size=test_size))
    assert onwards(found).lead is lead
    assert found.answer[0].startswith("Stop here") == (lead is Lead.STOP)


def test_stop_comes_before_longer_training(study):
    made = study({SMALL: (0.9, 0.99, 0.999)}, fractions=SIZES, test_size=400)
    assert onwards(talk(made)).lead is Lead.STOP


def test_cannot_tell_where_the_best_option_may_bring_nothing(study):
    made = levelled(study({SMALL: (0.60, 0.60, 0.60), BIG: (0.60, 0.60, 0.60)}, fractions=SIZES,
                          test_size=300))  # fmt: skip
    found = talk(made)
    assert onwards(found).lead is Lead.CANNOT_TELL
    assert found.findings.overview.strength == "cannot tell"
    assert found.answer[0].startswith("Cannot tell yet")


def test_what_nobody_tried_is_no_reason_to_stop(study):
    """A flat curve and few test images; but other weights and larger models were not tried."""
    made = study({SMALL: (0.60, 0.60, 0.60)}, fractions=SIZES, test_size=300)
    found = talk(levelled(made))
    assert max(option.gain for option in found.options if option.known) < onwards(found).visible
    assert onwards(found).lead is Lead.CANNOT_TELL
    climbing = talk(study({SMALL: (0.60, 0.60, 0.60)}, fractions=SIZES, test_size=300))
    assert onwards(climbing).lead is Lead.TRAIN_FIRST


def test_gains_that_may_be_larger_than_the_test_set_can_show_are_no_reason_to_stop(study):
    """Point estimates near zero, with intervals that reach further: nothing is known, then."""
    accuracy = {SMALL: (0.90, 0.94, 0.95), BIG: (0.89, 0.935, 0.945)}
    accuracy |= {PRE: (0.90, 0.94, 0.948), ("resnet50", "imagenet"): (0.89, 0.93, 0.943)}
    found = talk(levelled(study(accuracy, fractions=SIZES, test_size=1000, final_map="4x4")))
    known = [option for option in found.options if option.known]
    assert max(option.gain for option in known) < onwards(found).visible
    assert max(option.high for option in known) > onwards(found).visible
    assert onwards(found).lead is Lead.CANNOT_TELL


def test_one_run_compares_nothing(study):
    made = study({SMALL: (0.7,)}, fractions=ONE)
    made.histories = made.histories.iloc[:0]
    found = talk(made)
    assert onwards(found).lead is Lead.NOTHING_KNOWN
    assert found.answer[0].startswith("Nothing to compare yet")


def test_what_is_spent_stands_apart_from_what_is_to_be_had(study):
    accuracy = {SMALL: (0.70,), PRE: (0.80,), BIG: (0.6,), ("resnet50", "imagenet"): (0.85,)}
    found = talk(study(accuracy, fractions=ONE))
    (spent,) = [each for each in found.findings.answer if isinstance(each, InHand)]
    assert spent.best.arm == ("resnet50", "imagenet")
    assert spent.init.gain == pytest.approx(0.25, abs=0.02)
    assert spent.model.gain == pytest.approx(0.05, abs=0.02)
    said = next(one for one in found.answer if one.startswith("In hand already"))
    assert re.search(r"its weights are worth 2\d\.\d points over random ones \(95% interv", said)
    assert re.search(r"it is \d\.\d points ahead of resnet18 \(95% interval", said)
    assert not any(option.known and option.gain > 0.01 for option in found.options)


def test_what_fine_tuning_brought_over_the_classifier_alone_is_in_hand(study):
    accuracy = {("resnet18", "imagenet, frozen"): (0.70, 0.74, 0.786), PRE: (0.76, 0.81, 0.854)}
    made = study(accuracy, fractions=SIZES, seeds=(0, 1, 2), seed_sd=0.003)
    made.results.loc[made.results["init"] != "imagenet", "steps"] = 0
    found = talk(made)
    assert found.overview.verdict is Verdict.IN_HAND
    assert re.fullmatch(r"Use fine-tuning: \+\d\.\d points", found.answer[0])
    said = " ".join(found.answer)
    assert "In hand already: training all weights is worth" in said
    assert "over the classifier alone" in said


def test_one_comparison_has_one_verdict_in_the_advice_too(study):
    """The interval leaves out zero, and after correction for the sizes it does not count."""
    accuracy = {SMALL: (0.60, 0.70, 0.7800), BIG: (0.60, 0.70, 0.7925)}
    for generator in range(20):
        found = talk(study(accuracy, fractions=SIZES, test_size=4000, generator=generator))
        (model,) = (card for card in found.overview.cards if card.option.kind == "model")
        if model.option.corrected_away:
            break
    else:
        pytest.fail("no study of them has such a difference")
    best = found.advice.best
    assert best.rival is not None, "the two cannot be told apart"
    assert any(isinstance(step, MoreSeeds) for step in found.advice.steps)
    (highest,) = [each for section in found.findings.sections for each in section.findings
                  if isinstance(each, HighestAccuracy)]  # fmt: skip
    assert not highest.told


def test_what_the_intervals_hold_is_said_once(study):
    accuracy = {SMALL: (0.60, 0.70, 0.78), BIG: (0.50, 0.62, 0.72)}
    once = talk(study(accuracy, fractions=SIZES)).answer
    assert sum("another training" in said for said in once) == 1
    assert any(
        re.search(r"a standard deviation of about \d\.\d points between trainings is assumed", said)
        for said in once
    )
    often = talk(study(accuracy, fractions=SIZES, seeds=(0, 1, 2), seed_sd=0.005)).answer
    assert "from 12 repeated trainings of this study" in " ".join(often)
    assert "assumed" not in " ".join(often)


def test_the_word_only_and_a_claim_from_one_training_do_not_come_back(study):
    """Steps bought most of it: the first screen must not credit the images (issue 17)."""
    found = talk(study({SMALL: (0.716, 0.776)}, fractions={"1/2": 25_000, "1": 50_000}))
    said = " ".join(found.answer)
    assert "only" not in said.split()
    assert "helped" not in said
    assert "not separated" in said


def test_three_seeds_give_a_narrower_interval_than_one(study):
    widths = []
    for seeds in ((0,), (0, 1, 2)):
        made = study({SMALL: (0.70,), BIG: (0.73,)}, fractions=ONE, seeds=seeds, seed_sd=0.002)
        interval = talk(made).overview.best.interval
        widths.append(interval.high - interval.low)
    assert widths[1] < 0.9 * widths[0]


def test_the_first_screen_rules_out_what_was_tried_and_does_not_help(study):
    """Where nothing helps and more images are open, the bigger model is not open."""
    small, big = ("resnet18", "random"), ("resnet50", "random")
    three = {"fractions": {"1": 3125}, "seeds": (0, 1, 2)}
    worse = talk(levelled(study({small: (0.635,), big: (0.50,)}, **three)))
    overview = worse.findings.overview
    assert overview.ruled_out.end == big
    title = language_for().screen.title(replace(overview, verdict=Verdict.CANNOT_TELL))
    assert title.startswith("resnet50 does not help (−13.")
    assert ". The rest is open" in title
    alike = talk(levelled(study({small: (0.635,), big: (0.63,)}, **three)))
    assert alike.findings.overview.ruled_out is None


def test_images_that_lose_accuracy_together_with_more_steps_do_not_help(study):
    """What is not separated is the credit of a gain; a loss has none to share."""
    sizes = {"1/4": 2500, "1/2": 5000, "1": 10_000}
    made = study({SMALL: (0.60, 0.75, 0.70)}, fractions=sizes, seeds=(0, 1, 2), seed_sd=0.002)
    made.histories = made.histories.iloc[:0]
    overview = talk(made).findings.overview
    (card,) = (card for card in overview.cards if card.option.kind == "data")
    assert (card.option.separated, card.verdict) == (False, "does not")
    title = language_for().screen.title(overview)
    assert title.startswith("Twice the images (10,000) do not help (−")
    step = next(each for each in talk(made).said_advice.options if each.finding is not None)
    assert "not separated" not in step.text


def test_one_training_of_each_cell_is_a_caution_beside_a_loss_too(study):
    sizes = {"1/4": 2500, "1/2": 5000, "1": 10_000}
    made = study({SMALL: (0.60, 0.75, 0.69)}, fractions=sizes)
    made.histories = made.histories.iloc[:0]
    overview = talk(made).findings.overview
    assert language_for().screen.title(overview).startswith("Twice the images (10,000) do not")
    assert any(isinstance(each, OneSeed) for each in overview.cautions)


def test_beside_what_is_in_hand_the_next_step_has_its_gain_and_no_second_one_contradicts_it(study):
    """Twice the steps bring most, by the lengths; without them the control run would tell."""
    lengths = {(*PRE, "1", 0.5): 0.82, (*PRE, "1", 0.25): 0.75}
    accuracy = {SMALL: (0.40, 0.45, 0.50), PRE: (0.80, 0.83, 0.86)}
    found = talk(study(accuracy, fractions=SIZES, lengths=lengths, seeds=(0, 1, 2)))
    overview = found.overview
    assert (overview.verdict, overview.onwards) == ("in-hand", "train-first")
    lead = language_for().screen.lead(overview)
    assert re.search(r"Next step: train longer, [0-9.]+ points \(forecast", lead)
    bare = talk(study(accuracy, fractions=SIZES, seeds=(0, 1, 2)))
    assert (bare.overview.verdict, bare.overview.onwards) == ("in-hand", "train-first")
    assert language_for().screen.lead(bare.overview).endswith("Next step: train longer.")
    assert isinstance(bare.overview.step, Separate)
    assert bare.overview.advised is None


@pytest.mark.parametrize(
    ("best", "test_size", "sentence"),
    [
        (0.996, 500, "Stop here: less than 1.6 points are left to gain."),
        (0.99, 50, "Test on more images first: these hardly show gains below"),
    ],
)
def test_what_is_in_hand_does_not_hide_that_nothing_is_left(study, best, test_size, sentence):
    accuracy = {SMALL: (0.5, 0.6, 0.7), PRE: (0.97, 0.985, best)}
    made = levelled(study(accuracy, fractions=SIZES, test_size=test_size, seeds=(0, 1, 2)))
    found = talk(made)
    assert found.overview.verdict == "in-hand"
    english, chinese = (language_for(tag=tag).screen for tag in ("en", "zh-Hant"))
    assert sentence in english.lead(found.overview)
    later = {"Stop": "可以到此為止", "Test": "請先增加測試影像"}[sentence[:4]]
    assert later in chinese.lead(found.overview)


def test_the_biggest_of_three_models_is_compared_with_the_best_of_the_smaller_ones(study):
    middle = ("resnet34", "random")
    accuracy = {SMALL: (0.60, 0.70), middle: (0.45, 0.58), BIG: (0.62, 0.71)}
    sizes = {"1/2": 25_000, "1": 50_000}
    found = talk(levelled(study(accuracy, fractions=sizes, seeds=(0, 1, 2), seed_sd=0.006)))
    (card,) = (card for card in found.overview.cards if card.option.kind == "model")
    assert card.in_hand
    assert card.option.start.model == "resnet18", "which is 1 point behind, and not 13"
    assert not language_for().screen.title(found.overview).startswith("Use resnet50")


def test_no_title_calls_the_rest_open_where_a_second_card_says_that_it_does_not_help(study):
    accuracy = {SMALL: (0.70,), BIG: (0.55,), PRE: (0.60,)}
    found = talk(levelled(study(accuracy, fractions={"1": 10_000}, seeds=(0, 1, 2))))
    overview = replace(found.overview, verdict=Verdict.CANNOT_TELL)
    verdicts = {str(card.option.kind): card.verdict for card in overview.cards}
    assert (verdicts["model"], verdicts["init"]) == ("does not", "does not")
    title = language_for().screen.title(overview)
    assert title.startswith("resnet50 does not help (−15")
    assert "The rest" not in title
    assert "其餘" not in language_for(tag="zh-Hant").screen.title(overview)
