"""What the discussion says of over- and underfitting, and of seeds that some cells lack."""

from __future__ import annotations

import re

import pytest
from talking import discuss

from sixteenth.analysis.findings.overfitting import (
    GapTrend,
    GeneralisationGap,
    OverfittedRuns,
    UnequalSteps,
)
from sixteenth.spec.fields import FROZEN

ONE = ("resnet18", "random")
SIZES = {"1/2": 25_000, "1": 50_000}


def claims(study, key):
    found = discuss(study.results, study.histories, predictions=study.predictions)
    return [c for s in found.sections if s.key == key for c in s.statements]


def test_a_change_of_the_gap_within_the_noise_of_the_training_accuracy_is_not_told(study):
    made = study({ONE: (0.6, 0.6)}, fractions=SIZES, train={ONE: (0.80, 0.84)}, generator=1)
    whole = claims(made, "overfitting")[0]
    assert whole.strength == "measured"  # all training images were measured: 4 points are real
    assert whole.finding.trend is GapTrend.LARGER
    assert whole.finding.little_fitted
    made.results["train_measured"] = 200  # a standard error of about 3 points each
    part = claims(made, "overfitting")[0]
    assert part.strength == "cannot tell"
    assert part.finding.trend is GapTrend.CANNOT_TELL
    assert part.finding.noise > 0.06
    assert "whether it depends on the amount of data cannot be told" in part.text


def test_overfitted_runs_are_named_with_their_numbers(study):
    made = study({ONE: (0.6, 0.7)}, fractions=SIZES, train={ONE: (1.0, 0.99)})
    said = next(c for c in claims(made, "overfitting") if isinstance(c.finding, OverfittedRuns))
    assert said.text.startswith("Overfitting: ")
    assert "100.0% of the training images" in said.text
    assert "1 more run" in said.text
    assert len(said.finding.run_ids) == 2
    assert said.finding.worst.train_accuracy == 1.0


def test_equal_epochs_are_said_to_be_unequal_steps_and_the_way_out_is_given(study):
    made = study({ONE: (0.6, 0.7)}, fractions={"1/16": 3125, "1": 50_000})
    (said,) = [c for c in claims(made, "overfitting") if isinstance(c.finding, UnequalSteps)]
    assert said.finding == UnequalSteps(3125, 50_000, 150, 2346)
    assert "150 steps on 3,125 images, 2,346 on 50,000" in said.text
    assert "train.steps: 2346" in said.text
    head = "resnet18", f"imagenet{FROZEN}"
    both = study({ONE: (0.6, 0.7), head: (0.6, 0.7)}, fractions={"1/16": 3125, "1": 50_000})
    both.results.loc[both.results["init"] == head[1], ["epochs", "steps"]] = 0
    assert said.finding in [each.finding for each in claims(both, "overfitting")]
    made.results["steps"] = 2346
    assert not [c for c in claims(made, "overfitting") if isinstance(c.finding, UnequalSteps)]


def test_a_gap_that_shrinks_with_more_images_is_told_with_its_losses(study):
    made = study({ONE: (0.5, 0.7)}, fractions=SIZES, train={ONE: (0.99, 0.9)})
    gap = claims(made, "overfitting")[0]
    assert isinstance(gap.finding, GeneralisationGap)
    assert gap.finding.trend is GapTrend.SMALLER
    first, last = (cell.mean("gap") for cell in gap.finding.cells)
    assert gap.finding.change == pytest.approx(last - first)
    assert gap.finding.loss_gaps == pytest.approx((2.3 * first, 2.3 * last))
    assert ", smaller with more data (training accuracy goes from 99.0% to 90.0%)" in gap.text


def test_what_weights_bring_is_the_difference_of_the_means_of_all_trainings(study):
    made = study(
        {ONE: (0.5, 0.6), ("resnet18", "imagenet"): (0.7, 0.75)},
        fractions=SIZES,
        seeds=(0, 1, 2),
        seed_sd=0.03,
    ).drop("resnet18-random-1-seed1", "failed", "no disk left")
    table = made.results[made.results["fraction"] == "1"].groupby("init")["test_accuracy"].mean()
    said = next(c for c in claims(made, "pretraining") if "against random weights" in c.text)
    shown = float(re.search(r"and \+([0-9.]+) points on 50,000", said.text)[1])
    assert shown == pytest.approx(100 * (table["imagenet"] - table["random"]), abs=0.051)


def test_what_curves_show_is_counted_among_the_runs_that_have_curves(study):
    made = study({ONE: (0.6, 0.7)}, fractions=SIZES, seeds=(0, 1))
    texts = [claim.text for claim in claims(made, "overfitting")]
    assert any(text.startswith("Each run ended below 98%") for text in texts)
    assert any(text.startswith("No run ended with a test loss") for text in texts)
    known = ["resnet18-random-1of2-seed1", "resnet18-random-1-seed0"]
    made.histories = made.histories[made.histories["run_id"].isin(known)]
    texts = [claim.text for claim in claims(made, "overfitting")]
    assert any(text.startswith("Each run with training curves ended below") for text in texts)
    assert any(text.startswith("No run with training curves ended") for text in texts)
    last = made.histories["epoch"] == 5
    made.histories.loc[last & (made.histories["run_id"] == known[0]), "train_accuracy"] = 0.1
    (unstable,) = [c for c in claims(made, "overfitting") if c.text.startswith("Unstable")]
    assert "in 1 of 2 runs with training curves training accuracy fell back" in unstable.text
