"""Which runs fit into a budget, in which order, and how wide the answer will be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import pytest
import typer

from simulated_study import make_study
from sixteenth import InputError, RunSpec
from sixteenth.analysis import Context, analyse
from sixteenth.analysis.inputs.trainings import assumed_deviation
from sixteenth.cli.options import parse_duration
from sixteenth.engine.execution import Execution
from sixteenth.spec import parse_spec
from sixteenth.study.executors import BudgetQueue
from sixteenth.study.planning.budget import (
    REPORT_SHARE,
    check_budget,
    choose_runs,
    duration,
    stages,
)
from sixteenth.study.planning.precision import (
    ASSUMED_ERROR,
    EXPONENT,
    expected_precision,
    least_difference,
)
from sixteenth.study.planning.schedule import Assignment, Schedule

SECONDS = {"small": 10.0, "big": 30.0}
SHARES = {"1/16": 1 / 16, "1/2": 1 / 2, "1": 1.0}


def runs_of(seeds: int = 1) -> list[RunSpec]:
    return parse_spec(
        {"data": "digits", "models": ["small", "big"], "seeds": [*range(seeds)]}
    ).runs()


def schedule_of(runs: Sequence[RunSpec], workers: int = 1) -> Schedule:
    """Small takes 10 seconds on all images and big takes 30; a part of the images that part."""
    how = Execution("cpu", "float32", "channels-last", 1)
    assigned = [Assignment(r, how, SECONDS[r.model] * SHARES[r.fraction]) for r in runs]
    return Schedule(tuple(assigned), workers, workers)


def named(assignments: Sequence[Assignment]) -> list[tuple[str, str, int]]:
    return [(a.run.model, a.run.fraction, a.run.seed) for a in assignments]


def test_all_sizes_come_before_other_seeds_and_three_seeds_before_further_ones() -> None:
    order = [(stage[0].fraction, stage[0].seed) for stage in stages(runs_of(4))]
    assert order[:3] == [("1/16", 0), ("1/2", 0), ("1", 0)]
    assert order[3:9] == [("1/16", 1), ("1/16", 2), ("1/2", 1), ("1/2", 2), ("1", 1), ("1", 2)]
    assert order[9:] == [("1/16", 3), ("1/2", 3), ("1", 3)]
    assert all([run.model for run in stage] == ["small", "big"] for stage in stages(runs_of(4)))


def test_a_budget_for_half_of_the_time_takes_the_small_sizes_then_their_seeds() -> None:
    runs = runs_of(2)
    # 2.5 seconds for the first size, 20 for the second, 2.5 for the first with another seed.
    chosen = choose_runs(schedule_of(runs), stages(runs), 25.1)
    assert named(chosen) == [
        ("small", "1/16", 0),
        ("big", "1/16", 0),
        ("small", "1/2", 0),
        ("big", "1/2", 0),
        ("small", "1/16", 1),
        ("big", "1/16", 1),
    ]


def test_time_for_one_model_more_is_not_wasted() -> None:
    runs = runs_of()
    chosen = choose_runs(schedule_of(runs), stages(runs), 22.5 + 11)
    assert named(chosen)[-1] == ("small", "1", 0)
    assert len(chosen) == 5


def with_shorter(plan: Schedule, part: float = 0.6) -> Schedule:
    """The same runs, each with a length 1/2 that takes so much of its time."""
    return replace(
        plan,
        assignments=tuple(
            replace(
                each,
                run=each.run.model_copy(update={"lengths": ["1/2", "1"]}),
                to_shorter=part * each.seconds,
            )
            for each in plan.assignments
        ),
    )


def test_a_size_that_does_not_fit_is_trained_to_half_of_its_steps() -> None:
    plan = with_shorter(schedule_of(runs_of(2)))
    order = stages([each.run for each in plan.assignments])
    assert len(order[0][0].lengths) == 2
    # 22.5 seconds for the small sizes and 24 for half of the steps of both models on all images.
    chosen = choose_runs(plan, order, 22.5 + 24.1)
    assert named(chosen)[4:] == [("small", "1", 0), ("big", "1", 0)]
    assert [(each.until, each.seconds) for each in chosen[4:]] == [("1/2", 6.0), ("1/2", 18.0)]
    assert {each.until for each in chosen[:4]} == {"1"}
    whole = choose_runs(plan, order, 22.5 + 40.1)
    assert {each.until for each in whole} == {"1"}, "all of it fits"
    short = choose_runs(plan, order, 22.5 + 23)
    assert {each.until for each in short} == {"1"}, "half of one model alone compares nothing"
    none = choose_runs(plan.of_whole_runs(), order, 22.5 + 24.1)
    assert {each.until for each in none} == {"1"}


def test_half_of_the_steps_is_once_for_all_and_only_of_the_first_seed() -> None:
    plan = with_shorter(schedule_of(runs_of(2)))
    order = stages([each.run for each in plan.assignments])
    half_known = tuple(
        replace(each, to_shorter=0.0) if each.run.fraction == "1" else each
        for each in plan.assignments
        if each.run.fraction == "1" or each.run.seed == 1
    )
    chosen = choose_runs(replace(plan, assignments=half_known), order, 23)
    assert {each.until for each in chosen} == {"1"}
    no_length = tuple(
        replace(each, to_shorter=None) if each.run.model == "big" else each
        for each in plan.assignments
    )
    chosen = choose_runs(replace(plan, assignments=no_length), order, 22.5 + 24.1)
    assert {each.until for each in chosen} == {"1"}, "the big model has no such length"


def test_a_study_whose_only_fitting_runs_are_halves_is_not_refused() -> None:
    plan = with_shorter(schedule_of([run for run in runs_of() if run.fraction == "1"]))
    order = stages(with_shorter_runs(runs_of()))
    assert {each.until for each in check_budget(plan, order, 25 / (1 - REPORT_SHARE))} == {"1/2"}


def with_shorter_runs(runs: Sequence[RunSpec]) -> list[RunSpec]:
    return [run.model_copy(update={"lengths": ["1/2", "1"]}) for run in runs]


def test_what_is_left_of_a_run_follows_when_there_is_time_after_all() -> None:
    plan, clock = with_shorter(schedule_of(runs_of())), Clock()
    order = stages([each.run for each in plan.assignments])
    told: list[int] = []
    queue = BudgetQueue(
        plan,
        order,
        clock.now + 22.5 + 24.1,
        chosen=lambda runs: told.append(len(runs)),
        clock=clock,
    )
    done = []
    while (assignment := queue.head(())) is not None:
        queue.begin(assignment)
        clock.now += assignment.seconds * (0.2 if assignment.until != "1" else 1.0)
        queue.ended(assignment, finished=True)
        done.append((assignment.run.fraction, assignment.until, round(assignment.seconds, 3)))
    assert done[4:] == [("1", "1/2", 6.0), ("1", "1/2", 18.0), ("1", "1", 4.0), ("1", "1", 12.0)]
    assert max(told) == 6, "no run is counted twice"


def test_runs_side_by_side_fit_into_less_time() -> None:
    runs = runs_of()
    alone = choose_runs(schedule_of(runs), stages(runs), 18)
    together = choose_runs(schedule_of(runs, workers=2), stages(runs), 18)
    assert (len(alone), len(together)) == (4, 5)


def test_beside_a_run_that_takes_too_long_others_may_still_be_done_in_time() -> None:
    runs = runs_of()
    plan = schedule_of(runs, workers=2)
    running = replace(plan.assignments[1], seconds=60.0)
    left = replace(plan, assignments=plan.assignments[2:])
    assert named(choose_runs(left, stages(runs), 6.0, [running])) == [("small", "1/2", 0)]
    alone = replace(left, workers=1, slots=1)
    assert not choose_runs(alone, stages(runs), 6.0, [running])


def test_a_budget_below_the_first_size_is_refused_with_one_that_is_not() -> None:
    runs = runs_of()
    plan = schedule_of(runs)
    with pytest.raises(InputError, match="too short for the smallest fraction: use --budget 3s"):
        check_budget(plan, stages(runs), 2.0)
    assert len(check_budget(plan, stages(runs), 3.0)) == 2
    with pytest.raises(InputError, match="use --budget 14s"):
        check_budget(plan, stages(runs), 11.0, spent=9.0)


def test_the_budget_that_is_named_may_be_that_of_a_shorter_length() -> None:
    runs = [run for run in runs_of() if run.model == "small"]
    plan = with_shorter(schedule_of([run for run in runs if run.fraction == "1"]))
    order = stages(with_shorter_runs(runs))
    with pytest.raises(InputError, match=r"that is left: use --budget 7s or more, or make it"):
        check_budget(plan, order, 5.0)
    with pytest.raises(InputError, match=r"use --budget 7s or more$"):
        check_budget(plan, order, 5.0, begun=True)  # another recipe would be refused
    assert [each.until for each in check_budget(plan, order, 7.0, begun=True)] == ["1/2"]


def test_a_study_that_goes_on_needs_time_for_its_shortest_run_only() -> None:
    runs = runs_of()
    left = [run for run in runs if run.fraction == "1"]
    with pytest.raises(InputError, match="the shortest run that is left: use --budget 12s"):
        check_budget(schedule_of(left), stages(runs), 9.0)
    chosen = check_budget(schedule_of(left), stages(runs), 11 / (1 - REPORT_SHARE))
    assert named(chosen) == [("small", "1", 0)]
    assert check_budget(schedule_of([]), stages(runs), 1.0) == [], "nothing is left: no refusal"


class Clock:
    """A clock that stands still unless it is put forward."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def trained(queue: BudgetQueue, clock: Clock, slowness: float) -> list[tuple[str, str, int]]:
    """What is trained, one after another, if every run takes `slowness` times what is expected."""
    done = []
    while (assignment := queue.head(())) is not None:
        queue.begin(assignment)
        clock.now += slowness * assignment.seconds
        queue.ended(assignment, finished=True)
        done.append(assignment)
    return named(done)


@pytest.mark.parametrize(("slowness", "count"), [(1.0, 4), (2.5, 3), (0.3, 6)])
def test_what_runs_took_decides_what_else_begins(slowness: float, count: int) -> None:
    runs, clock = runs_of(), Clock()
    told: list[int] = []
    minutes = schedule_of(runs)
    hours = replace(
        minutes, assignments=tuple(replace(a, seconds=60 * a.seconds) for a in minutes.assignments)
    )
    queue = BudgetQueue(
        hours,
        stages(runs),
        clock.now + 60 * 24,
        chosen=lambda runs: told.append(len(runs)),
        clock=clock,
    )
    assert len(trained(queue, clock, slowness)) == count
    assert (told[0], told[-1]) == (4, count)


def test_the_first_size_is_completed_even_if_its_runs_are_slow() -> None:
    runs, clock = runs_of(), Clock()
    queue = BudgetQueue(
        schedule_of(runs), stages(runs), clock.now + 3, chosen=lambda _: None, clock=clock
    )
    assert trained(queue, clock, 10.0) == [("small", "1/16", 0), ("big", "1/16", 0)]


def planned(seeds: int, fractions: Sequence[int] = (3125, 25000, 50000)) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "run_id": f"{model}-{images}-{seed}",
                "model": model,
                "init": "random",
                "fraction": f"{images} images",
                "train_size": images,
                "seed": seed,
                "parameters": parameters,
                "status": "missing",
                "chosen": True,
            }
            for images in fractions
            for seed in range(seeds)
            for model, parameters in (("small", 1e6), ("big", 2e6))
        ]
    )


NOTHING = pd.DataFrame({"train_size": [], "test_accuracy": [], "length": []})


def test_more_seeds_more_test_images_and_more_sizes_promise_narrower_answers() -> None:
    one = expected_precision(planned(1), NOTHING, 10_000)
    assert (one.train_size, round(one.accuracy, 3)) == (50_000, 0.8)
    assert 0.01 < one.comparison < 0.03
    assert expected_precision(planned(3), NOTHING, 10_000).comparison < one.comparison
    assert expected_precision(planned(1), NOTHING, 400).comparison > 1.5 * one.comparison
    two = expected_precision(planned(1, (25000, 50000)), NOTHING, 10_000)
    four = expected_precision(planned(3, (3125, 12500, 25000, 50000)), NOTHING, 10_000)
    assert four.forecast < one.forecast < two.forecast


def test_one_size_promises_no_forecast_and_one_model_no_comparison() -> None:
    plan = planned(1, (3125,))
    assert math.isnan(expected_precision(plan, NOTHING, 500).forecast)
    alone = expected_precision(planned(1)[::2], NOTHING, 500)
    assert math.isnan(alone.comparison)
    assert alone.forecast > 0


BUDGETS = {
    "two sizes": ((3125, 12_500), 1),
    "three sizes": ((3125, 12_500, 25_000), 1),
    "all, three seeds": ((3125, 12_500, 25_000, 50_000), 3),
}


@pytest.mark.parametrize(("sizes", "seeds"), BUDGETS.values(), ids=BUDGETS)
def test_what_a_budget_foretells_is_as_wide_as_what_advise_then_says(
    sizes: tuple[int, ...], seeds: int
) -> None:
    whole = planned(3, (3125, 12_500, 25_000, 50_000))
    whole["chosen"] = whole["train_size"].isin(sizes) & (whole["seed"] < seeds)
    expected = expected_precision(whole, NOTHING, 10_000)
    fractions = {f"{size} images": size for size in sizes}
    law = [1 - ASSUMED_ERROR * (size / 50_000) ** EXPONENT for size in sizes]
    widths: dict[str, list[float]] = {"data": [], "model": []}
    for generator in range(3):
        study = make_study(
            {("resnet18", "random"): law, ("resnet50", "random"): [one - 0.05 for one in law]},
            fractions=fractions,
            seeds=range(seeds),
            seed_sd=assumed_deviation,
            generator=generator,
        )
        tables = study.results, study.histories
        found = analyse(
            *tables, context=Context(num_classes=10, image_size=32), predictions=study.predictions
        )
        for option in found.advice.to_dict()["options"]:  # what `advise --json` prints
            if option["kind"] in widths:
                widths[option["kind"]].append((option["high"] - option["low"]) / 2)
    assert expected.comparison == pytest.approx(sum(widths["model"]) / 3, rel=0.15)
    assert expected.forecast == pytest.approx(sum(widths["data"]) / 3, rel=0.25)


def test_accuracies_that_are_known_are_not_assumed() -> None:
    known = pd.DataFrame({"train_size": [50_000.0], "test_accuracy": [0.95], "length": [1.0]})
    found = expected_precision(planned(1), known, 10_000)
    assert found.accuracy == pytest.approx(0.95)
    assert found.comparison < expected_precision(planned(1), NOTHING, 10_000).comparison


def test_with_few_test_images_equal_trainings_would_not_tell_two_networks_apart() -> None:
    # The standard error of a paired difference of two networks, 40% of whose errors differ.
    assert least_difference(0.8, 400) == pytest.approx(1.96 * math.sqrt(2 * 0.4 * 0.16 / 400), 1e-3)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45min", 2700), ("45m", 2700), ("2h", 7200), ("90s", 90), ("1h30", 5400), ("1h05", 3900),
     ("1h 30min 10s", 5410), ("1.5h", 5400)],
)  # fmt: skip
def test_times_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "45", "0s", "-3h", "1x", "nan", "h", "1e9h", "30min1h", "1h130"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 45min"):
        parse_duration(text)


@pytest.mark.parametrize("seconds", [0.2, 44.3, 120, 121, 3599, 3600, 5399, 86_400])
def test_a_budget_that_is_named_can_be_typed(seconds: float) -> None:
    assert seconds <= parse_duration(duration(seconds)) <= max(1, seconds + 60)
