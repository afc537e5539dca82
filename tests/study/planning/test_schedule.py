"""Which runs are trained at the same time, on how many threads, and in which order."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from sixteenth import RunSpec
from sixteenth.engine.execution import Execution
from sixteenth.study.planning.schedule import (
    Assignment,
    Placement,
    Schedule,
    choose_placements,
    order_runs,
    some_counts,
)

ALONE, TOGETHER = Placement(1, 2), Placement(2, 1)


def seconds(**alone: float) -> dict[str, dict[Placement, float]]:
    """Runs by their seconds on both cores; on one core each takes half as long again."""
    return {name: {ALONE: time, TOGETHER: 1.5 * time} for name, time in alone.items()}


def threads(runs: dict[str, dict[Placement, float]]) -> dict[str, int]:
    return {name: placement.threads for name, placement in choose_placements(runs).items()}


def test_runs_of_like_size_go_side_by_side() -> None:
    assert threads(seconds(a=10, b=10)) == {"a": 1, "b": 1}


def test_a_single_run_gets_all_threads() -> None:
    assert threads(seconds(a=10)) == {"a": 2}


def test_the_odd_one_out_is_not_left_alone_on_one_core() -> None:
    assert sorted(threads(seconds(a=10, b=10, c=10)).values()) == [1, 1, 2]
    assert threads(seconds(small=1, huge=100))["huge"] == 2


def test_the_reference_study_leaves_no_core_idle() -> None:
    # Two models, the bigger three times as dear, on a sixteenth, a half and all images.
    runs = seconds(
        small16=1 / 16, big16=3 / 16, small2=1 / 2, big2=3 / 2, small1=1.0, big1=3.0
    )  # fmt: skip
    assert set(threads(runs).values()) == {1}
    schedule = _schedule({name: times[TOGETHER] for name, times in runs.items()})
    busy = sum(each.seconds for each in schedule.assignments)
    assert max(schedule.ends()) <= 1.06 * busy / 2
    first = [each.run.model for each in schedule.assignments[:2]]
    assert first == ["small16", "big16"], "the first answers come early"


def test_where_processes_gain_nothing_runs_go_one_after_another() -> None:
    runs = {name: {ALONE: 10.0, TOGETHER: 19.8} for name in "abcd"}
    assert set(threads(runs).values()) == {2}


def test_a_run_begins_when_enough_threads_are_free() -> None:
    runs = [_assigned("a", 1, 10), _assigned("b", 1, 4), _assigned("c", 1, 3), _assigned("d", 2, 5)]
    schedule = Schedule(tuple(runs), workers=2, slots=2)
    assert schedule.ends() == [10, 4, 7, 15]


def test_runs_that_go_one_after_another_keep_their_order() -> None:
    runs = [_assigned("a", 2, 1), _assigned("b", 2, 3), _assigned("c", 2, 2)]
    assert order_runs(runs, slots=2) == runs


def _assigned(name: str, threads: int, time: float) -> Assignment:
    run = RunSpec(model=name, init="random", fraction="1", seed=0, data="digits", image_size=8)
    return Assignment(run, Execution("cpu", "float32", "channels-last", threads), time)


def _schedule(times: dict[str, float]) -> Schedule:
    order = order_runs([_assigned(name, 1, time) for name, time in times.items()], slots=2)
    return Schedule(tuple(order), workers=2, slots=2)


@pytest.mark.parametrize("most", [0, 1, 64, 65, 70, 10_000])
def test_of_few_runs_every_number_is_tried_and_of_many_some_a_tenth_apart(most: int) -> None:
    counts = some_counts(most)
    assert counts[:64] == list(range(min(most, 64)))
    assert all(a < b <= 1.1 * a + 1 for a, b in itertools.pairwise(counts))
    if most:
        assert most / 1.2 <= counts[-1] + 1 <= most
    assert len(counts) < 130


def test_runs_on_several_machines_are_spread_over_them() -> None:
    on_one = {Placement(1, 2): 10.0, Placement(2, 1): 16.0}
    runs = {f"run{number}": on_one for number in range(4)}
    assert set(choose_placements(runs, machines=4).values()) == {Placement(1, 2)}
    assert set(choose_placements(runs, machines=1).values()) == {Placement(2, 1)}


def test_on_many_machines_runs_that_take_other_times_than_expected_end_nearly_together() -> None:
    times = {f"{part}-{i}": 1 / part for part in (1, 2, 4, 8, 16) for i in range(100)}
    order = order_runs([_assigned(name, 1, time) for name, time in times.items()], slots=26)
    rng = random.Random(1)
    takes = [replace(each, seconds=each.seconds * rng.lognormvariate(0, 0.2)) for each in order]
    schedule = Schedule(tuple(takes), workers=26, slots=26)
    assert max(schedule.ends()) <= 1.1 * sum(each.seconds for each in takes) / 26
    assert [each.seconds for each in order[:26]] == [1 / 16] * 26, "the first answers come early"
