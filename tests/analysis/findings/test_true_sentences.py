"""Sentences of a discussion that must stay true in uncommon studies: few images, missing runs,
curves that fall, sizes that were not trained, comparisons that do not count."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from talking import CONTEXT, discuss, of_kind, talk, text

from classes_study import classes_study
from sixteenth import InputError
from sixteenth.analysis import Context, Metric, analyse, contrast, fit_learning_curve
from sixteenth.analysis.curves.crossover import CrossoverOutcome, crossover
from sixteenth.analysis.findings.diagnosis import diagnose
from sixteenth.analysis.findings.doubtful_labels import LabelCeiling
from sixteenth.analysis.findings.expectation import ModelCrossover, SizeVerdict
from sixteenth.analysis.findings.options import Option, OptionKind, OptionVerdict
from sixteenth.analysis.findings.pretraining import FitAndGap, GainSource, WorthInImages
from sixteenth.analysis.findings.target import REACHED_FROM, TargetOutcome
from sixteenth.analysis.inputs.tables import read_grid
from sixteenth.language import language_for
from sixteenth.language.en import English
from sixteenth.language.en.numbers import percent
from sixteenth.language.words import Names

SMALL, BIG = ("resnet18", "random"), ("resnet50", "random")


def table(*rows: tuple[str, float, float], **columns: object) -> pd.DataFrame:
    """A results table from (model, train_size, test_accuracy)."""
    found = pd.DataFrame(rows, columns=["model", "train_size", "test_accuracy"])
    return found.assign(**columns)


# Probabilities


def test_a_crossover_that_cannot_be_told_names_no_direction() -> None:
    """In most draws BIG overtakes beyond the sizes, in some SMALL does inside them."""
    sizes = np.array([1.0, 2.0, 4.0])
    flat = np.full((100, 3), 0.5)
    second = np.full((100, 3), 0.6)
    second[:15] = [0.4, 0.6, 0.6]
    second[15:80] = [0.6, 0.6, 0.4]
    found = crossover(sizes, flat, second, largest=2.0)
    assert found.inside == pytest.approx(0.15)
    assert found.second_overtakes == 1.0
    assert found.outcome is CrossoverOutcome.INSIDE_UNCLEAR
    assert found.second_leads is None
    finding = ModelCrossover("random", "SMALL", "BIG", found.outcome, None, found)
    assert finding.strength == "cannot tell"
    said = English(Names()).say(finding)
    assert "overtakes SMALL" not in said
    assert "overtakes BIG" not in said


def test_a_few_right_answers_do_not_prove_a_small_true_error(study) -> None:
    perfect = table(("a", 100, 0.9), ("a", 200, 1.0), test_size=20)
    target = discuss(perfect, context=CONTEXT, target_error=0.01).advice.target
    assert target.outcome is TargetOutcome.MEASURED
    assert 0.1 < target.probability < REACHED_FROM
    paired = study({SMALL: (0.9, 0.95, 0.999)}, test_size=20)
    target = talk(paired, target_error=0.001).advice.target
    assert not target.probability > 0.9


def test_a_target_that_is_met_exactly_was_measured_and_its_sentence_names_the_wanted_error() -> (
    None
):
    for accuracy, error in ((0.95, 0.05), (0.85, 0.15), (0.7, 0.3)):
        rows = table(("a", 100, 0.5), ("a", 400, accuracy), test_size=1000)
        found = discuss(rows, context=CONTEXT, target_error=error)
        assert found.advice.target.outcome is TargetOutcome.MEASURED
        assert 0.3 < found.advice.target.probability < 0.7
        sentence = f"its true error is {percent(error)} or less with probability"
        assert sentence in found.said_advice.target.text
    assert percent(0.0004) == "0.04%"
    assert percent(0.00001) == "under 0.01%"
    assert percent(0.0) == "0.0%"
    with pytest.raises(InputError, match="target_error 5"):
        discuss(rows, target_error=5.0)


# What counts


def test_what_would_have_been_seen_is_at_the_corrected_level(study) -> None:
    found = talk(study({SMALL: (0.5, 0.6, 0.7), BIG: (0.5, 0.6, 0.7)}, test_size=2000))
    rows = of_kind(found, SizeVerdict)
    assert len(rows) == 3
    for row in rows:  # at Bonferroni's level for three sizes
        assert row.detectable == row.found.spread.detectable(1 - 0.05 / 3)
        assert row.detectable > row.found.detectable


# More images


def test_a_loss_that_is_forecast_is_no_gain() -> None:
    start = read_grid(table(("a", 1000, 0.7))).cells[0]
    nothing, told = "next to nothing (forecast,", {-0.007: "−0.7 points (", 0.012: "1.2 points ("}
    for gain, said in (told | {0.0003: nothing, -0.0003: nothing}).items():
        option = Option(OptionKind.DATA, start, ("a", "random"), gain, -0.04, 0.02, 0.9,
                        OptionVerdict.CANNOT_TELL, new_images=1000)  # fmt: skip
        why = English(Names()).say_step(option).why
        assert why.startswith(said.capitalize()), why
        assert why.endswith(f", so it may {'bring' if gain > 0 else 'change'} nothing.")


def test_a_required_size_lies_inside_its_interval() -> None:
    curve = fit_learning_curve([500, 1000, 2000, 4000], [0.4, 0.3, 0.25, 0.2])
    for error in (0.5, 0.35, 0.2, 0.18):
        found = curve.required_size(error)
        assert found.low <= found.size <= (found.high or math.inf)
    # Curves of TabNet and QDA on data of OpenML, which fall and rise in one step.
    for sizes, errors, chance, error in (
        ([128, 256, 512, 1024], [0.981, 0.981, 0.981, 0.07], 0.981, 0.1612),
        ([64, 128, 256, 512], [0.7276, 0.7044, 0.705, 0.782], 0.9, 0.85),
        ([64, 128, 256, 512], [0.7276, 0.7044, 0.705, 0.782], 0.9, 0.782),
    ):
        found = fit_learning_curve(sizes, errors, test_size=1000, chance=chance)
        needed = found.required_size(error)
        assert needed.low <= needed.size <= (needed.high or math.inf)
        # The error of the largest size itself: whether it is reached there is as likely as not.
        assert (needed.high is None) == (error == errors[-1])
    flat = fit_learning_curve([500, 1000, 2000], [0.2, 0.2, 0.2]).required_size(0.5)
    assert flat.size == 500


# Studies that are not finished, and seeds that are not shared


def test_a_study_is_compared_from_where_it_can_be(study) -> None:
    whole = study({SMALL: (0.4, 0.6, 0.7), BIG: (0.4, 0.6, 0.7)})
    for fraction in ("1/2", "1"):
        name = fraction.replace("/", "of")
        whole = whole.drop(f"resnet18-random-{name}-seed0", "missing")
    whole = whole.drop("resnet50-random-1of16-seed0", "missing")
    found = talk(whole)
    assert "Nothing to compare" not in found.answer[0]
    assert "Twice the images, from 25,000 to 50,000, changed the accuracy of resnet50" in (
        " ".join(found.answer)
    )


def test_repeats_need_their_seeds_and_a_seed_is_a_whole_number() -> None:
    with pytest.raises(InputError, match="row-1 and row-2 have the same model, init, fraction"):
        discuss(table(("a", 100, 0.5), ("a", 100, 0.6)))
    with pytest.raises(InputError, match="its seed inf is no whole number"):
        discuss(table(("a", 100, 0.5), seed=math.inf))


def test_a_finished_run_without_a_size_is_set_aside_with_its_reason() -> None:
    found = discuss(table(("a", math.nan, 0.5), ("a", 100, 0.6)))
    assert [one.reason.lacks for one in found.missing] == ["train_size"]
    assert ": left no number of training images" in text(found, "missing")


def test_tables_without_test_sizes_or_epochs_are_discussed(study) -> None:
    rows = table(("a", 100, 0.7), ("b", 100, 0.6), parameters=[1, 2])
    assert "the study may be too small. With 1 training a cell" in text(discuss(rows), "reasons")
    rising = pd.DataFrame(
        {"run_id": "r", "train_loss": [3.0, 2.0, 1.0], "test_loss": [2.0, 1.0, 2.0]}
    )
    (found,) = diagnose(read_grid(table(("a", 100, 0.7), run_id="r"), rising), Context())
    assert found.kind == "test-loss-rising"
    assert found.best_epoch == 2


# Over- and underfitting


def test_the_largest_gap_comes_first(study) -> None:
    found = study(
        {SMALL: (0.85,), BIG: (0.40,)}, fractions={"1": 1000}, train={SMALL: (1.0,), BIG: (0.99,)}
    )
    said = text(talk(found), "overfitting")
    sentence = said[said.index("Overfitting: ") :]
    assert sentence.startswith("Overfitting: resnet50")
    assert "with smaller gaps" in sentence


def test_two_of_three_runs_are_spoken_of_in_the_plural(study) -> None:
    found = study({SMALL: (0.5, 0.6, 0.7)}, train={SMALL: (0.999, 0.8, 0.8)})
    said = text(talk(found), "overfitting")
    assert "2 of 3 runs ended below 98% training accuracy and still improving" in said
    assert "their gaps may change with more" in said


def test_an_accuracy_above_chance_is_not_called_one_of_guessing() -> None:
    small = read_grid(table(("a", 100, 0.7), test_size=20))
    (found,) = diagnose(small, Context(num_classes=2))
    assert found.above_chance
    said = English(Names()).say(found)
    assert "70.0% of the test images are right, which 20 test images cannot tell" in said


# Contrasts


def test_a_cell_that_stands_twice_in_a_contrast_counts_once() -> None:
    """What pretrained weights bring less what the bigger model brings: their base cancels."""
    rows = table(
        ("s", 100, 0.6), ("b", 100, 0.7), ("s", 100, 0.8),
        init=["random", "random", "imagenet"], parameters=[1, 2, 1], test_size=1000,
    )  # fmt: skip
    grid = read_grid(rows)
    base, pretrained, big = grid.cells
    between = contrast(grid, [(1, pretrained), (-1, base), (-1, big), (1, base)])
    direct = contrast(grid, [(1.0, pretrained), (-1.0, big)])
    assert between.half_width == pytest.approx(direct.half_width)
    assert between.value == pytest.approx(direct.value)


def test_a_contrast_of_four_cells_is_not_cut_at_one() -> None:
    rows = table(
        ("a", 100, 0.99), ("a", 200, 0.01), ("b", 100, 0.01), ("b", 200, 0.99), test_size=1000
    )
    grid = read_grid(rows)
    cells = [*grid.curve(("a", "random")), *grid.curve(("b", "random"))]
    found = contrast(grid, list(zip((1, -1, -1, 1), cells, strict=True)))
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(1.96)


# Pretrained weights


def test_weights_that_do_not_exist_are_not_advised(study) -> None:
    rows = study({("seed-cnn", "random"): (0.5, 0.7, 0.8)})
    context = Context(num_classes=10, never_pretrained=("seed-cnn",))
    said = talk(rows, context=context).said_advice
    (step,) = [s for s in said.options if s.finding.kind == "init"]
    assert not step.finding.available
    assert step.what == "try a model that has pretrained weights"
    assert step.why == "seed-cnn has none; a model such as resnet18 does."
    (step,) = [s for s in talk(rows).said_advice.options if s.finding.kind == "init"]
    assert step.finding.available
    assert step.what == "try pretrained weights"


def test_plain_accuracies_do_not_say_where_a_balanced_gain_is_made() -> None:
    known = {SMALL: [[0.95, 0.3]] * 3, ("resnet18", "imagenet"): [[0.97, 0.7]] * 3}
    made = classes_study(known, (1800, 200), seeds=(0, 1, 2))
    sources = {}
    for metric in Metric:
        found = analyse(made.results, predictions=made.predictions, metric=metric)
        said = language_for(found)
        told = {type(each): each for part in found.sections for each in part.findings}
        sources[metric] = told[FitAndGap].source
        gain = "most of the gain is" in said.say(told[FitAndGap])
        assert gain is (metric is Metric.ACCURACY)
        # Doubtful labels are a share of all images.
        plain = "points of error in plain accuracy of the best cell"
        assert (plain in said.say(told[LabelCeiling])) is (metric is Metric.BALANCED_ACCURACY)
    assert sources == {Metric.ACCURACY: GainSource.FIT, Metric.BALANCED_ACCURACY: None}


def test_weights_are_worth_images_over_the_weights_that_they_are_compared_with(study) -> None:
    whole = {("resnet18", "imagenet"): (0.5, 0.6, 0.7), ("resnet50", "imagenet"): (0.52, 0.6, 0.7)}
    heads = {(model, f"{init}, frozen"): (0.65, 0.67, 0.69) for model, init in whole}
    found = talk(study(whole | heads))
    (table,) = (
        table for table in section_of(found, "pretraining").tables
        if isinstance(table.rows[0][1], WorthInImages)
    )  # fmt: skip
    assert table.title.endswith("times as many are needed with ImageNet weights")
    assert table.rows[0][0][1] == "frozen ImageNet weights"


def section_of(found, key):
    return next(part for part in found.sections if part.key == key)
