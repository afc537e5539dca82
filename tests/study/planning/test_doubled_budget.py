"""Which lengths of runs of `epochs: auto` fit into a budget: all fractions share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from test_budget import SHARES, Clock, runs_of, schedule_of

from sixteenth import InputError, RunSpec
from sixteenth.storage.run_record import RunRecord
from sixteenth.study.executors import BudgetQueue
from sixteenth.study.planning.budget import REPORT_SHARE, check_budget, choose_runs, stages
from sixteenth.study.planning.schedule import Assignment, Schedule


def doubling(seeds: int = 1) -> tuple[Schedule, list[list[RunSpec]]]:
    """Runs of `epochs: auto`; each length takes half of the time of the next one, with all before
    it. The longest takes what the whole run of `schedule_of` does."""
    plan = schedule_of(runs_of(seeds))
    grown = []
    for each in plan.assignments:
        train = each.run.train.model_copy(update={"epochs": "auto"})
        names = ("4 epochs", "8 epochs", "16 epochs")
        times = tuple((name, each.seconds / 2 ** (3 - i)) for i, name in enumerate(names))
        run = each.run.model_copy(update={"train": train})
        grown.append(replace(each, run=run, doublings=times))
    return replace(plan, assignments=tuple(grown)), stages([each.run for each in grown])


def lengths_of(chosen: Sequence[Assignment]) -> dict[tuple[str, str], str]:
    return {(each.run.model, each.run.fraction): each.until for each in chosen}


def test_runs_that_choose_their_epochs_share_a_budget_from_the_shortest_length_on() -> None:
    plan, order = doubling(seeds=2)
    # In all 2.5, 20 and 40 seconds; an eighth of it for the shortest lengths: 7.8 seconds.
    every = lengths_of(choose_runs(plan, order, 7.9))
    assert len(every) == 6
    assert set(every.values()) == {"4 epochs"}
    fewer = lengths_of(choose_runs(plan, order, 7.7))
    assert fewer == {
        (model, size): until
        for model in ("small", "big")
        for size, until in (("1/16", "1"), ("1/2", "8 epochs"))
    }, "both models of a size come before one"
    more = lengths_of(choose_runs(plan, order, 15.7))
    assert set(more.values()) == {"8 epochs"}
    some = lengths_of(choose_runs(plan, order, 15.7 + 6.9))
    assert {size: some["small", size] for size in SHARES} == {
        "1/16": "1",
        "1/2": "16 epochs",
        "1": "8 epochs",
    }
    whole = choose_runs(plan, order, 62.51)
    assert set(lengths_of(whole).values()) == {"1"}
    assert {each.run.seed for each in whole} == {0}
    seeds = choose_runs(plan, order, 62.51 + 0.4)
    assert [(each.run.seed, each.until) for each in seeds[6:]] == [(1, "4 epochs")] * 2


def test_a_run_that_ends_by_itself_leaves_its_time_to_the_others() -> None:
    """Those that were stopped go on, and what took long is not taken for slow."""
    (plan, order), clock = doubling(), Clock()
    queue = BudgetQueue(plan, order, clock.now + 15.7, chosen=lambda _: None, clock=clock)
    done: list[tuple[str, str, str]] = []
    while (assignment := queue.head(())) is not None:
        queue.begin(assignment)
        run, seconds = assignment.run, assignment.seconds
        record = RunRecord.from_dict(
            {
                "format": 1,
                "run_id": run.run_id,
                "spec": run.model_dump(mode="json"),
                "status": "interrupted",
            }
        )
        if run.model == "small":  # it levels off at once
            seconds = dict(assignment.doublings)["4 epochs"]
            ended = {"epoch": 4, "chosen_by": "levelled-off", "test_accuracy": 0.5}
            record = RunRecord.from_dict(
                record.to_dict() | {"status": "finished", "metrics": ended}
            )
        clock.now += seconds
        queue.ended(assignment, finished=True, record=record)
        assert queue.pace == pytest.approx(1)
        done.append((run.model, run.fraction, assignment.until))
    assert [each[:2] for each in done[:6]] == [
        (model, size) for size in SHARES for model in ("small", "big")
    ]
    assert done[0] == ("small", "1/16", "8 epochs")
    assert len(done) > 6, "there was time for more"
    assert {model for model, _, _ in done[6:]} == {"big"}, "the others had ended"
    assert clock.now <= 115.7


def test_what_is_named_as_the_least_budget_is_enough_also_when_going_on() -> None:
    plan, order = doubling()
    left = []
    for each in plan.assignments:
        at = {"1/16": None, "1/2": "8 epochs", "1": "4 epochs"}[each.run.fraction]
        if at is not None:
            left.append(each.rest(at))
    rests = replace(plan, assignments=tuple(left))
    # 1.25 seconds for the next length of the small model on half of the images, and on all.
    for seconds in (1.3, 2.4):
        chosen = choose_runs(rests, order, seconds)
        assert lengths_of(chosen) == {("small", "1/2"): "16 epochs"}, "one model is not nothing"
    assert check_budget(rests, order, 1.3 / (1 - REPORT_SHARE))
    with pytest.raises(InputError, match="the shortest run that is left: use --budget 2s"):
        check_budget(rests, order, 1.2)
    # The first size was measured already: it need not be the one that fits.
    first = replace(plan, assignments=(plan.assignments[1].rest("16 epochs"), *left))
    assert check_budget(first, order, 1.3 / (1 - REPORT_SHARE))


def test_runs_that_cannot_be_stopped_come_in_order_however_far_they_were_measured() -> None:
    plan, order = doubling()
    at = {"1/16": "4 epochs", "1/2": "16 epochs", "1": "8 epochs"}
    rests = tuple(each.rest(at[each.run.fraction]) for each in plan.assignments)
    whole = replace(plan, assignments=rests).of_whole_runs()
    chosen = choose_runs(whole, order, 12.3)
    assert [each.run.fraction for each in chosen] == ["1/16", "1/16", "1/2", "1/2"]
    assert {each.until for each in chosen} == {"1"}


def test_only_the_shortest_length_of_the_first_size_must_fit() -> None:
    plan, order = doubling()
    least = 2.5 / 8 / (1 - REPORT_SHARE)
    assert lengths_of(check_budget(plan, order, least + 0.01)) == {
        ("small", "1/16"): "4 epochs",
        ("big", "1/16"): "4 epochs",
    }
    with pytest.raises(InputError, match="too short for the smallest fraction"):
        check_budget(plan, order, least - 0.01)
