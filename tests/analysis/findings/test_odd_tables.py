"""Tables that few studies have: models without a run, odd fractions, test sets of no size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.simulated_studies import Setting, draw_truth, simulate

from sixteenth.analysis import Context, Findings, analyse
from sixteenth.analysis.findings.advice import AnotherSize, LabelledImages, MoreSeeds
from sixteenth.analysis.findings.expectation import Outcome, SizeVerdict
from sixteenth.analysis.findings.options import OptionKind, OptionVerdict
from sixteenth.analysis.findings.overview import Verdict
from sixteenth.analysis.findings.relation import HighestAccuracy
from sixteenth.language import language_for

ALL = 50_000


def row(model: str, share: float, accuracy: float, **more: Any) -> dict[str, Any]:
    """A run that was trained for ten epochs."""
    images = round(ALL * share)
    fraction = {1.0: "1"}.get(share, f"1/{round(1 / share)}")
    named: dict[str, Any] = {"model": model, "init": "random", "fraction": fraction, "seed": 0}
    named |= {"train_size": images, "test_size": 10_000, "test_accuracy": accuracy}
    named |= {"status": "finished", "steps": images * 10 // 128, "epochs": 10, "seconds": 100.0}
    return named | more


def said(found: Findings) -> str:
    return " ".join(language_for(found, "en").discuss(found).answer)


@pytest.mark.parametrize("parameters", [math.nan, 1e8], ids=["unknown", "known"])
@pytest.mark.parametrize("status", ["failed", "missing"])
def test_a_bigger_model_without_a_finished_run_hides_no_comparison_of_the_others(
    status: str, parameters: float
) -> None:
    rows = [
        row(model, share, 0.9 - 0.05 * share**-0.3 - behind + 0.002 * seed,
            seed=seed, parameters=size)
        for model, size, behind in (("small", 1e6, 0.0), ("big", 1e7, 0.05))
        for share in (1 / 16, 1 / 2, 1.0)
        for seed in range(3)
    ]  # fmt: skip
    huge = row("huge", 1.0, math.nan, status=status, parameters=parameters)

    def outcomes(table: list[dict[str, Any]]) -> list[tuple[str, Outcome]]:
        section = next(s for s in analyse(pd.DataFrame(table)).sections if s.key == "expectation")
        sizes = [each for each in section.findings if isinstance(each, SizeVerdict)]
        return [(each.big.model, each.outcome) for each in sizes]

    assert outcomes(rows) == [("big", Outcome.OPPOSITE)] * 3
    assert outcomes([*rows, huge]) == outcomes(rows)


@pytest.mark.parametrize("middle", [1 / 2, 1 / 3, 1 / 4], ids=["half", "third", "quarter"])
@pytest.mark.parametrize("chosen_by", ["last", "max-epochs"])
def test_images_are_not_credited_where_steps_grew_with_them_whatever_the_fractions(
    middle: float, chosen_by: str
) -> None:
    accuracies = {1 / 16: 0.66, middle: 0.80, 1.0: 0.86}
    rows = [row("small", share, a, chosen_by=chosen_by) for share, a in accuracies.items()]
    found = analyse(pd.DataFrame(rows))
    assert found.overview.verdict is Verdict.NOT_SEPARATED
    assert "the two are not separated, so the change is credited to neither" in said(found)
    equal = analyse(pd.DataFrame([each | {"steps": 4000} for each in rows]))
    assert equal.overview.verdict is Verdict.DO
    assert "not separated" not in said(equal)


def test_an_option_of_unknown_interval_has_no_chance_to_be_the_best() -> None:
    rows = [
        row(model, share, 0.9 - 0.1 * share**-0.3 - behind, parameters=size, test_size=test_size)
        for model, size, behind, test_size in (("a", 1e6, 0.0, 10_000), ("b", 1e7, 0.01, math.nan))
        for share in (1 / 16, 1 / 2, 1.0)
    ]
    found = analyse(pd.DataFrame(rows))
    model = next(one for one in found.options if one.kind is OptionKind.MODEL)
    assert model.gain == pytest.approx(-0.01)
    assert all(map(math.isnan, (model.low, model.high, model.chance_best, model.regret)))
    for option in found.options:
        assert not option.chance_best < 0.01
        assert option.low != -1.0


def test_more_seeds_are_not_asked_of_heads_on_all_images() -> None:
    def asked(init: str) -> bool:
        rows = [
            row(model, share, 0.8 - 0.05 * share**-0.3 + ahead, init=init, parameters=size)
            for model, size, ahead in (("small", 1e6, 0.0), ("big", 1e7, 0.002))
            for share in (1 / 16, 1 / 2, 1.0)
        ]
        return any(isinstance(s, MoreSeeds) for s in analyse(pd.DataFrame(rows)).advice.steps)

    assert asked("imagenet")
    assert not asked("imagenet, frozen"), "they are trained once, whatever the seeds"


def test_lengths_of_equally_many_steps_count_once() -> None:
    lengths = ((0.25, 1), (0.5, 1), (1.0, 2))
    rows = [
        row("small", 1.0, 0.5 + length / 10, run_id=f"a@{length}", length=length, steps=steps)
        for length, steps in lengths
    ]
    training = next(
        one for one in analyse(pd.DataFrame(rows)).options if one.kind is OptionKind.TRAINING
    )
    assert training.known


def test_longer_training_that_may_bring_nothing_or_much_is_not_called_converged() -> None:
    def converged(*accuracies: float, seeds: int = 1, test_size: int = 10_000) -> bool | None:
        rows = [
            row("small", 1.0, a + seed / 1e5, run_id=f"{seed}@{share}", length=share, seed=seed)
            | {"test_size": test_size, "steps": 1000 * share}
            for seed in range(seeds)
            for share, a in zip((0.25, 0.5, 1.0), accuracies, strict=True)
        ]
        found = analyse(pd.DataFrame(rows)).options
        return next(one.converged for one in found if one.kind is OptionKind.TRAINING)

    assert converged(0.60, 0.70, 0.78) is False
    assert converged(0.740, 0.770, 0.786, test_size=1000) is None
    assert converged(0.9850, 0.9852, 0.9853, seeds=20, test_size=100_000) is True


def test_what_longer_training_may_overturn_is_not_advised_though_its_own_gain_is_open() -> None:
    """Twice the images are forecast to help, mostly by their steps: the card cannot tell."""
    rng = np.random.default_rng(6)
    truth = draw_truth(Setting(converged=False, harmful=True), rng, equal=False)
    study = simulate(truth, rng)
    found = analyse(study.results, study.histories, predictions=study.predictions)
    first, training = found.options[0], next(o for o in found.options if o.kind == "training")
    assert (first.kind, first.verdict) == (OptionKind.DATA, OptionVerdict.HELPS)
    assert first.told is training.verdict is OptionVerdict.CANNOT_TELL
    assert found.overview.verdict is Verdict.TRAIN_FIRST
    assert language_for(found, "en").screen.title(found.overview) == "Train longer first"


def test_a_model_that_has_not_begun_is_neither_the_bigger_nor_of_equal_size() -> None:
    rows = [row("big", share, 0.7 + 0.1 * share, parameters=1e7) for share in (1 / 4, 1 / 2, 1.0)]
    begun = row("new", 1.0, math.nan, status="missing", parameters=math.nan)
    found = analyse(pd.DataFrame([*rows, begun]))
    option = next(one for one in found.options if one.kind is OptionKind.MODEL)
    assert not option.without_result, "whether it is a bigger model is not known"
    (reason,) = next(part for part in found.sections if part.key == "expectation").findings
    assert language_for(found).say(reason) == (
        "Which of the models is the bigger one is not known: no run tells how many parameters each "
        "of them has."
    )
    known = analyse(pd.DataFrame([*rows, begun | {"parameters": 1e8}]))
    assert next(one for one in known.options if one.kind is OptionKind.MODEL).without_result


def test_no_size_is_advised_while_planned_ones_are_to_be_trained() -> None:
    rows = [row("small", share, accuracy) for share, accuracy in ((1 / 16, 0.6), (1.0, 0.7))]

    def advised(*more: dict[str, Any]) -> list[AnotherSize]:
        steps = analyse(pd.DataFrame([*rows, *more])).advice.steps
        return [step for step in steps if isinstance(step, AnotherSize)]

    (alone,) = advised()
    assert alone.size == 12_000
    assert not advised(row("small", 1 / 4, math.nan, status="interrupted"))
    (failed,) = advised(row("small", 1 / 4, math.nan, status="failed"))
    assert failed.size == 25_000, "the gap that no run was planned in"


def test_nothing_is_advised_to_make_an_answer_surer_that_is_to_stop() -> None:
    rows = [row("small", 1.0, 0.99, test_size=500), row("big", 1.0, 0.985, test_size=500)]
    found = analyse(pd.DataFrame([one | {"parameters": i} for i, one in enumerate(rows, 1)]))
    assert found.overview.verdict is Verdict.STOP
    assert not found.advice.steps


def test_all_images_are_advised_where_one_lacks_to_twice_as_many() -> None:
    rows = [
        row("small", share, accuracy + 0.002 * seed, seed=seed, train_size=size, steps=400)
        for share, accuracy, size in ((1 / 8, 0.60, 417), (1 / 4, 0.70, 834), (1 / 2, 0.78, 1668))
        for seed in range(3)
    ]
    found = analyse(pd.DataFrame(rows), context=Context(train_images=3335))
    title = language_for(found).screen.title(found.overview)
    assert title.startswith("Train on 3,335 images, which have labels already")
    step = found.advice.steps[0]
    assert isinstance(step, LabelledImages)
    assert (step.size, step.fractions) == (3335, ("1/8", "1/4", "1/2", "1"))


def test_images_and_steps_are_not_separated_where_the_last_two_sizes_are_nearly_one() -> None:
    accuracies = {1 / 16: 0.5, 1 / 8: 0.58, 1 / 4: 0.65, 0.92: 0.77, 1.0: 0.775}
    found = analyse(pd.DataFrame([row("small", share, a) for share, a in accuracies.items()]))
    assert found.overview.verdict is Verdict.NOT_SEPARATED


def test_two_models_of_several_have_one_verdict_wherever_they_are_told() -> None:
    behind = {"r18": 0.0, "r34": 0.0090, "r50": 0.0092, "r101": 0.0093}
    rows = [
        row(model, 1.0, 0.8 + 0.0005 * seed - lacks, seed=seed, parameters=size, test_size=40_000)
        for size, (model, lacks) in enumerate(behind.items(), 1)
        for seed in range(3)
    ]
    found = analyse(pd.DataFrame(rows))
    option = next(one for one in found.options if one.end == ("r34", "random"))
    highest = next(one for part in found.sections for one in part.findings
                   if isinstance(one, HighestAccuracy))  # fmt: skip
    assert highest.second.model == "r34"
    assert option.high < 0
    assert highest.told is (option.told is OptionVerdict.DOES_NOT)
    assert not highest.told, "one of the five pairs beside the smallest and the largest model"


def test_the_rest_is_not_called_open_where_something_is_told_to_help() -> None:
    rows = [
        row(model, share, 0.8 - lacks - (0.3 if share < 1 else 0.0) + 0.001 * seed, seed=seed)
        | {"init": init, "parameters": {"small": 1e6, "big": 1e7}[model], "steps": 400}
        for model, init, lacks in (
            *(("small", "imagenet", 0.0), ("small", "random", 0.02)),
            *(("big", "imagenet", 0.03), ("big", "random", 0.06)),
        )
        for share in (1 / 16, 1.0)
        for seed in range(3)
    ]
    found = analyse(pd.DataFrame(rows))
    assert [card.verdict for card in found.overview.cards if card.in_hand] == ["helps"]
    title = language_for(found).screen.title(found.overview)
    assert title.startswith("big does not help (−3.0 points). What else would help is open")
