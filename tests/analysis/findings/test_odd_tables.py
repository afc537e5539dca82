"""Tables that few studies have: models without a run, odd fractions, test sets of no size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.simulated_studies import Setting, draw_truth, simulate

from sixteenth.analysis import Findings, analyse
from sixteenth.analysis.findings.advice import MoreSeeds
from sixteenth.analysis.findings.expectation import Outcome, SizeVerdict
from sixteenth.analysis.findings.options import OptionKind, OptionVerdict
from sixteenth.analysis.findings.overview import Verdict
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
