"""Sentences of a discussion that must stay true in uncommon studies: few images, missing runs,
curves that fall, sizes that were not trained, comparisons that do not count."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from talking import CONTEXT, discuss, of_kind, section, talk, text

from sixteenth import InputError
from sixteenth.analysis import Context, contrast, diagnose, fit_learning_curve
from sixteenth.analysis.curves.crossover import CrossoverOutcome, crossover
from sixteenth.analysis.curves.joint import fit_curves
from sixteenth.analysis.findings import ModelCrossover, SizeVerdict
from sixteenth.analysis.findings.answer import NextDoubling
from sixteenth.analysis.findings.moves import difference_of_moves, find_moves
from sixteenth.analysis.inputs.grid import Cell, Run, common_seeds, read_grid
from sixteenth.language import English, Names
from sixteenth.language.en.numbers import percent

SMALL, BIG = ("resnet18", "random"), ("resnet50", "random")


def table(*rows: tuple[str, float, float], **columns: object) -> pd.DataFrame:
    """A results table from (model, train_size, test_accuracy)."""
    found = pd.DataFrame(rows, columns=["model", "train_size", "test_accuracy"])
    return found.assign(**columns)


# Probabilities


def test_with_one_training_each_a_crossover_is_one_of_the_trained_networks(study) -> None:
    crossing = {SMALL: (0.5, 0.60, 0.70), BIG: (0.4, 0.62, 0.78)}
    found = talk(study(crossing))
    assert of_kind(found, ModelCrossover)[0].trained_once
    once = text(found, "expectation")
    assert "For the networks trained here from random weights, resnet50 overtakes" in once
    assert "Other trainings of them are not in that probability" in once
    often = text(talk(study(crossing, seeds=(0, 1))), "expectation")
    assert "resnet50 overtakes" in often
    assert "Other trainings of them" not in often


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
    finding = ModelCrossover("random", "SMALL", "BIG", found.outcome, None, True, found)
    assert finding.strength == "cannot tell"
    said = English(Names()).say(finding)
    assert "overtakes SMALL" not in said
    assert "overtakes BIG" not in said


def test_a_few_right_answers_do_not_prove_a_small_true_error(study) -> None:
    perfect = table(("a", 100, 0.9), ("a", 200, 1.0), test_size=20)
    target = discuss(perfect, context=CONTEXT, target_error=0.01).advice.target
    assert target.reached
    assert 0.3 < target.probability < 0.9
    paired = study({SMALL: (0.9, 0.95, 0.999)}, test_size=20)
    target = talk(paired, target_error=0.001).advice.target
    assert not target.probability > 0.9


def test_a_target_that_is_met_exactly_is_met_and_its_sentence_names_the_wanted_error() -> None:
    for accuracy, error in ((0.95, 0.05), (0.85, 0.15), (0.7, 0.3)):
        rows = table(("a", 100, 0.5), ("a", 400, accuracy), test_size=1000)
        found = discuss(rows, context=CONTEXT, target_error=error)
        assert found.advice.target.reached
        sentence = f"its true error is {percent(error)} or less with probability"
        assert sentence in found.said_advice.target.text
    assert percent(0.0004) == "0.04%"
    assert percent(0.00001) == "under 0.01%"
    assert percent(0.0) == "0.0%"
    with pytest.raises(InputError, match="target_error 5"):
        discuss(rows, target_error=5.0)


# What counts


def barely(study, sizes: dict[str, int]):
    """Its largest size differs by little: the interval leaves out zero, with p > 1/60."""
    for generator in range(300):
        accuracy = (0.5, 0.6, 0.7)[: len(sizes)]
        found = study({SMALL: accuracy, BIG: accuracy}, test_size=400, fractions=sizes, epochs=1,
                      generator=generator)  # fmt: skip
        last = of_kind(talk(found), SizeVerdict)[-1].found
        if 0.02 < last.p_value < 0.045 and last.low > 0:
            return found
    raise AssertionError("no such study among 300")


def test_answer_advice_and_expectation_agree_on_what_counts(study) -> None:
    three = talk(barely(study, {"1/16": 3125, "1/2": 25_000, "1": 50_000}))
    move = next(move for move in three.options if move.kind == "model")
    assert move.low > 0
    assert move.verdict == "cannot tell"
    assert "too little to count when 3 sizes are looked at" in three.answer[0]
    assert not [step for step in three.advice.steps if step.kind == "model"]
    one = talk(barely(study, {"1": 50_000}))
    assert next(move for move in one.options if move.kind == "model").verdict == "helps"
    assert [step for step in one.advice.steps if step.kind == "model"]


def test_what_would_have_been_seen_is_at_the_corrected_level(study) -> None:
    found = talk(study({SMALL: (0.5, 0.6, 0.7), BIG: (0.5, 0.6, 0.7)}, test_size=2000))
    rows = of_kind(found, SizeVerdict)
    # Bonferroni's level for three sizes: 2.394 instead of 1.960, and 0.842 for 80%.
    half = [(row.found.high - row.found.low) / 2 for row in rows]
    expected = [h / 1.960 * (2.394 + 0.842) for h in half]
    assert [row.detectable for row in rows] == pytest.approx(expected, rel=1e-3)


# More images


def test_images_that_are_labelled_already_are_not_to_be_labelled_again(study) -> None:
    whole = study({SMALL: (0.4, 0.6, 0.7)})
    failed = talk(whole.drop("resnet18-random-1-seed0", "failed", "out of memory"))
    (step,) = [step for step in failed.advice.steps if step.kind in ("use", "labels")]
    assert (step.kind, step.images) == ("use", 0)
    assert (step.arm, step.to_images) == (SMALL, 50_000)
    (said,) = [s for s in failed.said_advice.steps if s.finding is step]
    assert said.what == "train resnet18 from random weights on 50,000 images"
    assert "labelled already" in said.text
    halves = talk(study({SMALL: (0.4, 0.6)}, fractions={"1/16": 3125, "1/2": 25_000}))
    assert next(s for s in halves.advice.steps if s.kind in ("use", "labels")).kind == "use"
    rounded = talk(study({SMALL: (0.4, 0.6)}, fractions={"1/16": 13, "1": 200}))  # 12.5 images
    (step,) = [step for step in rounded.advice.steps if step.kind in ("use", "labels")]
    assert (step.kind, step.images) == ("labels", 200)
    some = talk(study({SMALL: (0.4, 0.6)}, fractions={"1/4": 12_500, "3/4": 37_500}))
    (step,) = [step for step in some.advice.steps if step.kind in ("use", "labels")]
    assert (step.kind, step.images) == ("labels", 25_000)
    (step,) = [step for step in talk(whole).advice.steps if step.kind in ("use", "labels")]
    assert step.images == 50_000


def test_a_loss_that_is_forecast_is_no_gain() -> None:
    falling = table(("a", 1000, 0.872), ("a", 2000, 0.863), ("a", 4000, 0.997), test_size=200)
    found = discuss(falling, context=CONTEXT)
    move = next(move for move in found.options if move.kind == "next")
    if move.gain < 0:
        assert "−" in found.answer[1].partition("(")[0]


def test_a_gain_that_would_be_written_as_zero_is_next_to_nothing() -> None:
    grid = read_grid(table(("a", 1000, 0.70), ("a", 2000, 0.75), ("a", 4000, 0.79)))
    moves = find_moves(grid, curves=fit_curves(grid))
    move = next(move for move in moves if move.kind == "next" and move.main)
    say = English(Names()).say
    assert "about" in say(NextDoubling(move))
    said = say(NextDoubling(dataclasses.replace(move, gain=0.0003)))
    assert "it would buy a from random weights next to nothing (" in said
    assert "next to nothing (" in say(NextDoubling(dataclasses.replace(move, gain=-0.0003)))


def test_a_doubling_whose_half_was_not_trained_has_a_range_and_no_confidence_interval(
    study,
) -> None:
    accuracy, sizes = {SMALL: (0.80, 0.85)}, {"3/4": 37_500, "1": 50_000}
    found = talk(study(accuracy, fractions=sizes))
    assert "bought, as far as can be told," in found.answer[0]
    assert "if more images never hurt" in found.answer[0]
    assert "95% interval" not in found.answer[0]
    between = talk(study({SMALL: (0.5, 0.7, 0.8)}, fractions={"1/8": 1, "1/4": 2, "1": 8}))
    sentence = section(between, "relation")[0].text
    doubling = sentence[sentence.index("the last doubling") :]
    assert "if more images never hurt" in doubling
    assert "95% interval" not in doubling


def test_a_required_size_lies_inside_its_interval() -> None:
    curve = fit_learning_curve([500, 1000, 2000, 4000], [0.4, 0.3, 0.25, 0.2])
    for error in (0.5, 0.35, 0.2, 0.18):
        found = curve.required_size(error)
        assert found.low <= found.size <= (found.high or math.inf)
    flat = fit_learning_curve([500, 1000, 2000], [0.2, 0.2, 0.2]).required_size(0.5)
    assert flat.size == 500


# Studies that are not finished, and seeds that are not shared


def test_a_study_is_compared_from_where_it_can_be(study) -> None:
    whole = study({SMALL: (0.4, 0.6, 0.7), BIG: (0.4, 0.6, 0.7)})
    for fraction in ("1/2", "1"):
        name = fraction.replace("/", "of")
        whole = whole.drop(f"resnet18-random-{name}-seed0", "missing")
    whole = whole.drop("resnet50-random-1of16-seed0", "missing")
    answer = talk(whole).answer[0]
    assert "nothing can be compared" not in answer
    assert answer.startswith("For resnet50 from random weights, ")


def test_seeds_that_sizes_do_not_share_are_not_said_to_be_shared() -> None:
    rows = table(("a", 100, 0.5), ("a", 100, 0.51), ("a", 200, 0.6), seed=[0, 1, 2], test_size=500)
    said = text(discuss(rows, context=CONTEXT), "relation")
    assert "no seed is common to all sizes" in said
    assert "that all sizes have" not in said


def test_the_highest_mean_is_not_ahead_where_it_is_behind_on_the_common_seeds() -> None:
    rows = table(
        ("a", 100, 0.90), ("a", 100, 0.99), ("b", 100, 0.94), seed=[0, 1, 0], test_size=10_000
    )
    found = discuss(rows, context=CONTEXT)
    assert "over the seeds that both have, b from random weights on 100 images" in text(
        found, "relation"
    )
    (step,) = [step for step in found.said_advice.steps if step.finding.kind == "seeds"]
    assert step.finding.difference.verdict == "below"
    assert "over those that both have b from random weights on 100 images is ahead" in step.why


def test_repeats_need_their_seeds_and_a_seed_is_a_whole_number() -> None:
    with pytest.raises(InputError, match="row-1 and row-2 have the same model, init, fraction"):
        discuss(table(("a", 100, 0.5), ("a", 100, 0.6)))
    with pytest.raises(InputError, match="its seed inf is no whole number"):
        discuss(table(("a", 100, 0.5), seed=math.inf))


def test_a_finished_run_without_a_size_is_set_aside_with_its_reason() -> None:
    found = discuss(table(("a", math.nan, 0.5), ("a", 100, 0.6)))
    assert [one.reason.lacks for one in found.missing] == ["train_size"]
    assert "it left no number of training images" in text(found, "missing")


def test_tables_without_test_sizes_or_epochs_are_discussed(study) -> None:
    rows = table(("a", 100, 0.7), ("b", 100, 0.6), parameters=[1, 2])
    assert "the study may be too small to see it" in text(discuss(rows), "reasons")
    rising = pd.DataFrame(
        {"run_id": "r", "train_loss": [3.0, 2.0, 1.0], "test_loss": [2.0, 1.0, 2.0]}
    )
    (found,) = diagnose(table(("a", 100, 0.7), run_id="r"), rising)
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
    assert "2 of 3 runs got fewer than 98% of their training images right and were" in said


def test_an_accuracy_above_chance_is_not_called_one_of_guessing() -> None:
    (found,) = diagnose(table(("a", 100, 0.7), test_size=20), context=Context(num_classes=2))
    assert found.above_chance
    said = English(Names()).say(found)
    assert "70.0% of the test images are right, which 20 test images cannot tell" in said


# Contrasts


def test_a_cell_that_two_moves_share_counts_once() -> None:
    """What pretrained weights bring less what the bigger model brings: their base cancels."""
    rows = table(
        ("s", 100, 0.6), ("b", 100, 0.7), ("s", 100, 0.8),
        init=["random", "random", "imagenet"], parameters=[1, 2, 1], test_size=1000,
    )  # fmt: skip
    grid = read_grid(rows)
    moves = {move.kind: move for move in find_moves(grid, curves=fit_curves(grid))}
    between = difference_of_moves(grid, moves["init"], moves["model"])
    big, pretrained = (grid.curve(*arm)[0] for arm in (("b", "random"), ("s", "imagenet")))
    direct = contrast(grid, [(1.0, pretrained), (-1.0, big)])
    assert between.half_width == pytest.approx(direct.half_width)
    assert between.value == pytest.approx(direct.value)


def test_a_contrast_of_four_cells_is_not_cut_at_one() -> None:
    rows = table(
        ("a", 100, 0.99), ("a", 200, 0.01), ("b", 100, 0.01), ("b", 200, 0.99), test_size=1000
    )
    grid = read_grid(rows)
    cells = [*grid.curve("a", "random"), *grid.curve("b", "random")]
    found = contrast(grid, list(zip((1, -1, -1, 1), cells, strict=True)))
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(1.96)


def test_a_cell_cut_to_fewer_seeds_is_still_the_same_cell() -> None:
    rows = table(*[("a", 100, 0.5 + seed / 10) for seed in range(3)], seed=range(3), test_size=100)
    grid = read_grid(rows)
    (cell,) = grid.cells
    fewer = Cell(*cell.key, cell.train_size, cell.runs[:2], cell.planned)
    assert isinstance(fewer.runs[0], Run)
    both = contrast(grid, [(1.0, cell), (-1.0, fewer)])
    assert both.value == 0
    assert both.half_width == 0
    assert len(common_seeds(cell, fewer)[0].runs) == 2


# Pretrained weights


def test_weights_that_do_not_exist_are_not_advised(study) -> None:
    rows = study({("seed-cnn", "random"): (0.5, 0.7, 0.8)})
    context = Context(num_classes=10, never_pretrained=("seed-cnn",))
    said = talk(rows, context=context).said_advice
    (step,) = [s for s in said.steps if s.finding.kind == "init"]
    assert not step.finding.available
    assert step.what == "try a model that has pretrained weights, such as resnet18"
    (step,) = [s for s in talk(rows).said_advice.steps if s.finding.kind == "init"]
    assert step.finding.available
    assert step.what == "try pretrained weights"
