"""What images and training steps brought together is credited to neither, wherever it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from talking import english, talk

from sixteenth.analysis import OptionKind, OptionVerdict, analyse
from sixteenth.analysis.findings.advice import Separate
from sixteenth.analysis.findings.cautions import OneSeed
from sixteenth.analysis.findings.overview import Verdict
from sixteenth.spec.fields import FROZEN

RESULTS = Path(__file__).parents[3] / "docs" / "results"
SMALL, PRE = ("resnet18", "random"), ("resnet18", "imagenet")
CONTROL = {(*SMALL, "1/2", 2.0): 0.71}
COMMAND = "sixteenth explain DIR --separate"
RUN = "sixteenth run study.yaml"


def without_curves(made):
    made.histories = made.histories.iloc[:0]
    return made


def data_of(found):
    return next(option for option in found.options if option.kind is OptionKind.DATA)


def screen_of(found):
    return english(found.findings).screen.screen(found.overview, "")


def test_more_images_help_only_where_a_run_tells_them_from_steps(study):
    accuracy = {SMALL: (0.50, 0.66, 0.74)}
    mixed = data_of(talk(without_curves(study(accuracy))))
    assert (mixed.verdict, mixed.separated) == ("helps", False)
    assert mixed.told is OptionVerdict.NOT_SEPARATED
    assert mixed.strength == "cannot tell"
    control = data_of(talk(without_curves(study(accuracy, lengths=CONTROL))))
    assert (control.told, control.separated) == ("helps", True)
    equal = without_curves(study(accuracy))
    equal.results["steps"] = 400
    assert data_of(talk(equal)).told == "helps"
    heads = without_curves(study({("resnet18", f"imagenet{FROZEN}"): (0.50, 0.66, 0.74)}))
    heads.results["steps"] = 0
    assert data_of(talk(heads)).told == "helps"


def test_after_a_control_run_that_gained_by_steps_alone_training_comes_first(study):
    """The table of issue 17, with the run that tells: labels are not the advice then."""
    issue, longer = {SMALL: (0.492, 0.716, 0.776)}, {(*SMALL, "1/2", 2.0): 0.772}
    sizes = {"1/16": 3125, "1/2": 25_000, "1": 50_000}
    found = talk(without_curves(study(issue, fractions=sizes, lengths=longer)))
    assert (data_of(found).separated, data_of(found).converged) == (True, False)
    assert data_of(found).told is OptionVerdict.CANNOT_TELL
    assert found.overview.verdict is Verdict.TRAIN_FIRST
    assert screen_of(found).cautions[0].command == (
        "sixteenth run study.yaml --set train.epochs=12 --fresh"
    )


def test_no_control_run_is_asked_for_where_more_images_lost_accuracy(study):
    found = talk(without_curves(study({SMALL: (0.764, 0.716, 0.645)})))
    assert not any(isinstance(step, Separate) for step in found.advice.steps)


def test_the_control_run_is_trained_with_each_seed(study):
    one, three = (
        talk(without_curves(study({SMALL: (0.50, 0.66, 0.74)}, seeds=seeds, seed_sd=0.001)))
        for seeds in ((0,), (0, 1, 2))
    )
    of_one, of_three = (next(s for s in found.advice.steps if isinstance(s, Separate)).control
                        for found in (one, three))  # fmt: skip
    assert of_three.seconds == pytest.approx(3 * of_one.seconds)
    assert "(3 seeds, about " in screen_of(three).cautions[0].text


def test_half_that_was_not_trained_separates_nothing(study):
    found = talk(without_curves(study({SMALL: (0.50, 0.74)}, fractions={"1/4": 2000, "1": 8000})))
    assert data_of(found).told is OptionVerdict.NOT_SEPARATED
    assert found.overview.advised is None, "no one run would tell"


def test_that_training_accuracy_levelled_off_separates_nothing(study):
    """Where the learning rate falls to zero, it levels off however short the training is."""
    made = study({SMALL: (0.50, 0.66, 0.74)})
    level = np.array([0.2, 0.5, 0.66, 0.68, 0.681, 0.68])
    made.histories["train_accuracy"] = level[made.histories.groupby("run_id").cumcount()]
    found = talk(made)
    assert (data_of(found).separated, data_of(found).told) == (False, "not-separated")
    assert found.overview.verdict is Verdict.NOT_SEPARATED


def test_the_first_screen_has_the_run_that_would_tell(study):
    found = talk(without_curves(study({SMALL: (0.50, 0.66, 0.74)})))
    assert found.overview.verdict is Verdict.NOT_SEPARATED
    (first, *rest) = screen_of(found).cautions
    assert first.command == COMMAND
    assert "(about " in first.text, "with its cost"
    assert not rest, "seeds would not tell"
    assert isinstance(found.overview.advised, Separate)


def test_where_training_comes_first_the_control_run_is_the_second_thing_to_do(study):
    found = talk(study({SMALL: (0.50, 0.66, 0.74)}))
    assert found.overview.verdict is Verdict.TRAIN_FIRST
    longer, control = (each.command for each in screen_of(found).cautions)
    assert "epochs" in longer
    assert control == COMMAND


def test_beside_a_gain_in_hand_too(study):
    accuracy = {SMALL: (0.40, 0.50, 0.55), PRE: (0.75, 0.82, 0.86)}
    found = talk(without_curves(study(accuracy)))
    assert (found.overview.verdict, found.overview.next) == (Verdict.IN_HAND, None)
    assert [each.command for each in screen_of(found).cautions] == [COMMAND]
    settled = talk(without_curves(study(accuracy, lengths={(*PRE, "1/2", 2.0): 0.83})))
    assert settled.overview.next is not None
    assert settled.overview.advised is None
    assert COMMAND not in [each.command for each in screen_of(settled).cautions]


@pytest.mark.parametrize(
    ("name", "told", "first"),
    [
        ("cifar10-jpeg", "not-separated", COMMAND),
        ("lite-jpeg", "not-separated", COMMAND),
        (
            "images-or-steps",
            "cannot tell",
            "sixteenth run study.yaml --set train.epochs=24 --fresh",
        ),
    ],
)
def test_studies_of_the_documentation_credit_no_more_than_they_know(name, told, first):
    found = analyse(pd.read_csv(RESULTS / name / "results.csv"))
    (data,) = [card for card in found.overview.cards if card.option.kind is OptionKind.DATA]
    assert data.verdict == told
    said = english(found).screen.screen(found.overview, "")
    assert said.cautions[0].command == first
    seeds = any(isinstance(each, OneSeed) for each in found.overview.cautions)
    assert seeds is (told != "not-separated")
