"""Nothing on the first screen contradicts the table that it was made from, whatever the study.

The studies are drawn at random: models, weights, sizes, seeds, lengths, runs that failed or were
stopped. What is checked is computed from the table, not by the analysis.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from talking import CONTEXT

from simulated_study import PARAMETERS, Study, make_study
from sixteenth.analysis import Findings, analyse, compare_cells
from sixteenth.analysis.findings.answer import InHand
from sixteenth.analysis.findings.expectation import Outcome, SizeVerdict
from sixteenth.analysis.findings.missing_runs import UnfinishedRuns
from sixteenth.analysis.findings.options import Option, OptionKind, OptionVerdict
from sixteenth.analysis.findings.overview import Card, Verdict
from sixteenth.analysis.findings.pretraining import InitGain
from sixteenth.language import language_for

SIZES = {"1/16": 3125, "1/4": 12_500, "1/2": 25_000, "1": 50_000}
ARMS = [(model, init) for model in PARAMETERS for init in ("random", "imagenet")]


def random_study(number: int) -> Study:
    rng = np.random.default_rng(number)
    names = sorted(rng.choice(list(SIZES), rng.integers(1, 5), replace=False), key=SIZES.get)
    arms = [ARMS[i] for i in sorted(rng.choice(4, rng.integers(1, 5), replace=False))]
    base, rise = rng.uniform(0.3, 0.6), rng.uniform(0.0, 0.12)
    accuracy = {
        arm: [
            float(np.clip(base + off + rise * i + rng.normal(0, 0.01), 0.1, 0.97))
            for i in range(len(names))
        ]
        for arm in arms
        for off in [rng.normal(0, 0.05)]
    }
    shares = [(), (0.5,), (0.25, 0.5), (0.5, 2.0)][rng.integers(4)]
    lengths = {
        (*arm, name, share): float(np.clip(value + 0.03 * math.log2(share), 0.05, 0.98))
        for arm, values in accuracy.items()
        for name, value in zip(names, values, strict=True)
        for share in shares
    }
    study = make_study(
        accuracy,
        fractions={name: SIZES[name] for name in names},
        seeds=range(rng.integers(1, 4)),
        seed_sd=0.006,
        test_size=int(rng.choice([150, 600, 1200])),
        final_map=str(rng.choice(["1x1", "4x4"])),
        generator=number,
        lengths=lengths,
    )
    stopped = (
        rng.random() < 0.4 and 0.5 in shares
    )  # all runs on the largest size, after the longest shorter length
    for row in study.results[study.results["length"] == 1].to_dict("records"):
        if (stopped and row["fraction"] == names[-1]) or rng.random() < 0.12:
            status = "interrupted" if stopped else str(rng.choice(["failed", "missing"]))
            study = study.drop(row["run_id"], status)
            if status != "interrupted":  # nor has it a row at any other length
                branches = study.results["run_id"].str.startswith(f"{row['run_id']}-length")
                study.results = study.results[~branches]
    if rng.random() < 0.5:
        study.histories = study.histories.iloc[:0]
    return study


def one_of_four_sizes() -> Study:
    """Pretrained weights seem to help on the most images, and on those alone."""
    accuracy = {
        ("resnet18", "random"): (0.55, 0.65, 0.72, 0.80),
        ("resnet18", "imagenet"): (0.56, 0.655, 0.725, 0.838),
    }
    sizes = {"1/8": 6250} | {name: images for name, images in SIZES.items() if images > 6250}
    return make_study(accuracy, fractions=sizes, test_size=2000, final_map="4x4")


@pytest.fixture(scope="module", params=[*range(8), "one of four sizes"])
def made(request: pytest.FixtureRequest) -> tuple[pd.DataFrame, Findings]:
    number = request.param
    study = random_study(number) if isinstance(number, int) else one_of_four_sizes()
    found = analyse(study.results, study.histories, predictions=study.predictions, context=CONTEXT)
    return study.results, found


def mean_of(results: pd.DataFrame, arm: Any, images: float, length: float) -> float:
    """The mean accuracy of the table's rows of a cell."""
    rows = results[
        (results["model"] == arm[0])
        & (results["init"] == arm[1])
        & (results["train_size"] == images)
        & (results["length"] == length)
        & (results["status"] == "finished")
    ]
    return float(rows["test_accuracy"].mean())


def ends_of(option: Option) -> tuple[float, float]:
    """Images and length that a measured option ends at."""
    images, length = option.start.train_size, option.start.length
    if option.kind is OptionKind.DATA:
        return 2 * images, length
    return images, 2 * length if option.kind is OptionKind.TRAINING else length


def test_the_best_network_is_the_best_of_its_length(made: tuple[pd.DataFrame, Findings]) -> None:
    results, found = made
    seen = found.overview
    rows = results[(results["status"] == "finished") & (results["length"] <= 1)]
    if seen.best is None:
        assert rows[rows["length"] == 1].empty
        return
    cell = seen.best.cell
    same = rows[rows["length"] == cell.length]
    means = same.groupby(["model", "init", "train_size"])["test_accuracy"].mean()
    better = [one for one in found.grid.cells if one.accuracy > cell.accuracy]
    assert len(better) == (means > cell.accuracy + 1e-12).sum()
    for one in better:  # fewer images, and not told apart from as many as its curve has
        largest = found.grid.curves[one.arm][-1]
        assert one.train_size < largest.train_size
        assert largest.accuracy <= cell.accuracy
        assert not compare_cells(found.grid, largest, one).leaves_out_zero
    assert cell.accuracy == pytest.approx(mean_of(results, cell.arm, cell.train_size, cell.length))
    assert {one.length for one in found.grid.cells} == {cell.length}, "one length is compared"
    shortened = [each for each in seen.cautions if type(each).__name__ == "StoppedEarly"]
    assert bool(shortened) is (cell.length < 1)


def test_gains_are_differences_of_the_table_and_verdicts_follow_from_their_intervals(
    made: tuple[pd.DataFrame, Findings],
) -> None:
    results, found = made
    seen = found.overview
    for option in [*found.options, *(card.option for card in seen.cards), *seen.others]:
        if not option.known:
            assert option.verdict is OptionVerdict.NOT_TRIED
            continue
        assert option.low <= option.gain <= option.high
        assert option.verdict is not OptionVerdict.HELPS or option.low > 0
        assert option.verdict is not OptionVerdict.DOES_NOT or option.high < 0
        if option.measured:
            start, (images, length) = option.start, ends_of(option)
            before = mean_of(results, start.arm, start.train_size, start.length)
            after = mean_of(results, option.end, images, length)
            assert option.gain == pytest.approx(after - before), option.kind


def test_cards_stand_best_first_and_what_is_spent_is_called_so(
    made: tuple[pd.DataFrame, Findings],
) -> None:
    _, found = made
    seen = found.overview
    for gains in ([c.option for c in seen.cards], list(found.options)):
        known = [option.known for option in gains]
        assert known == sorted(known, reverse=True), "what nobody tried comes last"
        assert [o.gain for o in gains if o.known] == sorted(
            (o.gain for o in gains if o.known), reverse=True
        )
    assert len({card.option.kind for card in seen.cards}) == len(seen.cards)
    for language in ("en", "zh-Hant"):
        screen = language_for(found, language).screen
        for card in seen.cards:
            said = screen.card(card)
            spent = card.option.start is not seen.best.cell
            assert card.in_hand is spent
            assert (said.cost == screen.labels.in_hand) is spent
    if seen.card is not None:
        assert (seen.verdict is Verdict.IN_HAND) is seen.card.in_hand
        assert seen.verdict is not Verdict.CANNOT_TELL or seen.card.option is seen.ruled_out
    if seen.verdict in (Verdict.DO, Verdict.IN_HAND):
        assert seen.card.option.low > 0
        # To do is the best of what is not in hand, also where something in hand has brought more.
        do = seen.verdict is Verdict.DO
        rivals = found.options if do else [card.option for card in seen.cards]
        assert seen.card.option.gain == max(option.gain for option in rivals if option.known)


def told_in_the_discussion(found: Findings) -> dict[Any, bool]:
    """Whether each comparison that the study makes at all of its sizes is told there.

    By the kind of option that it is, what both cells share, and the two things that are compared.
    """
    told: dict[Any, bool] = {}
    for each in (each for section in found.sections for each in section.findings):
        if isinstance(each, SizeVerdict):
            pair = frozenset({each.small.model, each.big.model})
            key = OptionKind.MODEL, each.init, each.small.train_size, pair
            told[key] = each.outcome is not Outcome.CANNOT_TELL
        if isinstance(each, InitGain):
            pair = frozenset({each.base, each.init})
            for size, one in zip(each.sizes, each.told, strict=True):
                told[OptionKind.INIT, each.model, size, pair] = one
    return told


def comparison(option: Option) -> Any:
    """The same key of an option that was trained, and without a lever of `explain`."""
    if not option.measured or option.lever is not None:
        return None
    (model, init), size = option.end, option.start.train_size
    if option.kind is OptionKind.MODEL:
        return option.kind, init, size, frozenset({option.start.model, model})
    return option.kind, model, size, frozenset({option.start.init, init})


def test_a_comparison_has_one_verdict_wherever_it_stands(
    made: tuple[pd.DataFrame, Findings],
) -> None:
    """On a card, in the table of further options, in the answer, and in the discussion."""
    _, found = made
    seen = found.overview
    spent = [one for each in found.answer if isinstance(each, InHand)
             for one in (each.model, each.init) if one is not None]  # fmt: skip
    cards = [card.option for card in seen.cards]
    discussed = told_in_the_discussion(found)
    for option in [*found.options, *cards, *seen.others, *spent]:
        if (key := comparison(option)) in discussed:
            assert (option.verdict is not OptionVerdict.CANNOT_TELL) is discussed[key], key
    moves = {(o.kind, o.start.key, o.end): o.verdict for o in [*found.options, *seen.others]}
    for option in [*cards, *spent]:
        move = option.kind, option.start.key, option.end
        assert moves.get(move, option.verdict) is option.verdict
    shown = [(option.kind, option.start.key, option.end) for option in cards]
    assert not [o for o in seen.others if (o.kind, o.start.key, o.end) in shown]


def test_what_the_sizes_together_do_not_show_is_told_nowhere() -> None:
    """A p of 0.02 at one of four sizes: Holm's correction makes 0.08 of it."""
    study = one_of_four_sizes()
    found = analyse(study.results, study.histories, predictions=study.predictions, context=CONTEXT)
    gains = next(
        each for section in found.sections for each in section.findings
        if isinstance(each, InitGain)
    )  # fmt: skip
    assert gains.differences[-1].p_value == pytest.approx(0.02, abs=0.005)
    assert gains.differences[-1].leaves_out_zero
    assert not any(gains.told)
    card = next(c for c in found.overview.cards if c.option.kind is OptionKind.INIT)
    assert card.in_hand
    assert card.verdict is OptionVerdict.CANNOT_TELL
    assert found.overview.verdict is not Verdict.IN_HAND


def test_what_an_interval_shows_is_never_called_no_difference(
    made: tuple[pd.DataFrame, Findings],
) -> None:
    _, found = made
    language = language_for(found)
    for section in found.sections:
        for each in section.findings:
            shown = isinstance(each, SizeVerdict) and each.found.side != "cannot tell"
            assert not (shown and "no difference" in language.say(each))
            shown = isinstance(each, Option) and each.known and not each.low <= 0 <= each.high
            assert not (shown and "may bring nothing" in language.say(each))


def test_the_options_in_json_are_those_of_the_cards(made: tuple[pd.DataFrame, Findings]) -> None:
    _, found = made
    listed = json.loads(json.dumps(found.advice.to_dict(), allow_nan=False))["options"]
    assert [each["kind"] for each in listed] == [str(each.kind) for each in found.options]
    for card in found.overview.cards:
        if card.in_hand:
            continue
        first = next(each for each in listed if each["kind"] == card.option.kind)
        assert first == json.loads(json.dumps(Card(card.option).to_dict()))["option"]
        assert (first["low"] or -1) > 0 or card.verdict is not OptionVerdict.HELPS


def test_failed_and_missing_runs_are_counted_as_the_table_has_them(
    made: tuple[pd.DataFrame, Findings],
) -> None:
    results, found = made
    whole = results[results["length"].fillna(1) == 1]
    counted = [each for each in found.overview.cautions if isinstance(each, UnfinishedRuns)]
    failed = int((whole["status"] == "failed").sum())
    if found.grid.length == 1:
        missing = len(whole) - failed - int((whole["status"] == "finished").sum())
        wanted = [(missing, failed, len(whole))] if missing + failed else []
        assert [(one.missing, one.failed, one.runs) for one in counted] == wanted
    assert all(one.failed == failed for one in counted)
