"""Twice the images with the same epochs are twice the steps too: the two forecasts share them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from options_talk import SIZES, SMALL, levelled, options
from talking import CONTEXT, talk

from simulated_study import Study
from sixteenth import InputError
from sixteenth.analysis import Context, analyse
from sixteenth.analysis.findings.doubling import last_doubling
from sixteenth.analysis.findings.evidence import Evidence
from sixteenth.analysis.findings.forecast_options import longer_training, more_images, share_steps
from sixteenth.analysis.findings.overview import Lead, Verdict
from sixteenth.analysis.stats.spread import LEVEL
from sixteenth.language import language_for
from sixteenth.spec.fields import LEVELLED_OFF

LAST, HALF = (*SMALL, "1", 0.5), (*SMALL, "1/2", 0.5)
ACCURACIES = (0.70, 0.74, 0.79)


def made(study, *, alone, **more):
    """A study in which the last doubling of the images brought 5 points, `alone` at equal steps."""
    lengths = {LAST: 0.74 + alone, HALF: 0.70}
    return levelled(study({SMALL: ACCURACIES}, fractions=SIZES, lengths=lengths, **more))


def forecasts(table):
    """More images and longer training: each for itself, and both together."""
    found = analyse(table.results, table.histories, predictions=table.predictions)
    doublings = last_doubling(found.grid, found.grid.curve(SMALL), LEVEL)
    evidence = Evidence(found.curves, Context(), LEVEL, doublings=doublings)
    start = evidence.grid.curve(SMALL)[-1]
    each = more_images(evidence, start), longer_training(evidence, start)
    return each, share_steps(evidence, *each)


@pytest.mark.parametrize("alone", [0.005, 0.03])
def test_what_more_images_bring_is_what_more_steps_bring_and_what_they_bring_beside(study, alone):
    (data, training), (more, longer) = forecasts(made(study, alone=alone))
    assert more.gain_at_equal_steps == pytest.approx(more.gain - longer.gain, abs=0.004)
    assert more.high - more.low < data.high - data.low
    assert longer.high - longer.low < training.high - training.low


def test_images_that_bring_little_at_equal_steps_lower_their_forecast(study):
    few, many = (forecasts(made(study, alone=alone))[1] for alone in (0.0, 0.03))
    assert few[0].gain < many[0].gain
    assert few[1].gain > many[1].gain, "the rest was steps"
    assert few[0].gain > few[1].gain, "and hardly ever harm"


def test_where_the_steps_are_the_same_for_all_images_nothing_is_shared(study):
    table = made(study, alone=0.03)
    steps = table.results.loc[table.results["fraction"] == "1", "steps"].max()
    table.results["steps"] = steps * table.results["length"]
    each, together = forecasts(table)
    assert together == each


def test_where_runs_choose_their_steps_nothing_is_shared(study):
    table = made(study, alone=0.03)
    table.results["chosen_by"] = LEVELLED_OFF
    each, together = forecasts(table)
    assert together == each


@pytest.mark.parametrize(("alone", "first"), [(0.0, True), (0.04, False)])
def test_no_images_are_to_be_labelled_for_what_more_steps_bring(study, alone, first):
    found = talk(made(study, alone=alone, seeds=(0, 1, 2)))
    data = options(found)["data"]
    assert data.gain > 0.01
    assert (data.converged is False) is first
    title = found.findings.overview
    if first:
        assert title.verdict in (Verdict.TRAIN_FIRST, Verdict.CANNOT_TELL)
        assert data.told == "cannot tell"
    else:
        assert (title.verdict, data.told) == (Verdict.DO, "helps")


@pytest.mark.parametrize("columns", [["steps"], ["steps", "epochs"]])
def test_a_table_without_steps_credits_the_images_with_nothing(study, columns):
    table = levelled(study({SMALL: ACCURACIES}, fractions=SIZES, seeds=(0, 1, 2)))
    table = Study(table.results.drop(columns=columns), table.histories, table.predictions)
    found = talk(table)
    data = options(found)["data"]
    assert not data.separated
    assert data.told == "not-separated"
    assert math.isnan(data.gain_at_equal_steps)
    assert found.findings.overview.verdict is Verdict.NOT_SEPARATED


def test_that_training_accuracy_levelled_off_does_not_show_that_training_has_ended(study):
    """Where the learning rate falls to zero it levels off for that reason too."""
    found = talk(levelled(study({SMALL: ACCURACIES}, fractions=SIZES)))
    assert options(found)["training"].converged is None
    assert found.findings.overview.onwards is not Lead.STOP


def test_images_that_have_labels_need_no_longer_training_first(study):
    """Both take training alone; the last doubling of the steps bought less than they would."""
    table = made(study, alone=0.017, seeds=(0, 1, 2))
    for there, converged in ((50_000, False), (100_000, True)):
        found = talk(table, context=replace(CONTEXT, train_images=there))
        data = options(found)["data"]
        assert data.new_images == 100_000 - there
        assert data.converged is converged


def test_a_study_that_has_not_separated_them_shares_nothing(study):
    """A quarter and all: no size has half of the images."""
    sizes = {"1/4": 12_500, "1": 50_000}
    lengths = {LAST: 0.75, (*SMALL, "1/4", 0.5): 0.65}
    each, together = forecasts(
        levelled(study({SMALL: (0.70, 0.79)}, fractions=sizes, lengths=lengths))
    )
    assert together == each


@pytest.mark.parametrize("tag", ["en", "zh-Hant"])
def test_a_table_without_steps_and_epochs_is_not_said_to_have_more_of_them(study, tag):
    table = levelled(study({SMALL: ACCURACIES}, fractions=SIZES))
    found = analyse(table.results.drop(columns=["steps", "epochs"]), table.histories)
    said = " ".join(language_for(found, tag).discuss(found).answer)
    assert {"en": "neither steps nor epochs", "zh-Hant": "沒有步數也沒有週期數"}[tag] in said
    assert "steps grew" not in said
    advised = language_for(found, tag).advise(found).options[0].text
    assert {"en": "may grow with the images", "zh-Hant": "可能隨影像一起增加"}[tag] in advised


def test_folds_early_stopping_and_subsets_that_differ_a_little_are_repeats(study):
    table = study({SMALL: ACCURACIES}, fractions=SIZES, seeds=(0, 1))
    results = table.results.copy()
    second = results["seed"] == 1
    results.loc[second, "train_size"] -= 300
    results.loc[second, "steps"] *= 2
    results["chosen_by"] = "validation"
    assert len(analyse(results).grid.cells) == 3


def test_runs_of_several_studies_are_no_repeats(study):
    table = study({SMALL: ACCURACIES}, fractions=SIZES, seeds=(0, 1))
    of_all = (table.results["fraction"] == "1") & (table.results["seed"] == 1)
    for column, factor, said in (("steps", 4, "steps"), ("train_size", 2, "images")):
        results = table.results.copy()
        results.loc[of_all, column] *= factor
        with pytest.raises(InputError, match=f"count as repeats of one training.*{said}"):
            analyse(results)
