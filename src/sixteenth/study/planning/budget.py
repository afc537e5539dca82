"""Which runs of a study fit into a given time, the most telling first.

Plain arithmetic on the seconds that runs take: nothing is measured here, and no clock is read.
A stage is one fraction with one seed: all models and initial weights, which are compared with each
other. First come all fractions with the first seed, small ones first, since a learning curve needs
sizes before it needs repeats; then the second and third seed, then all others, in the same order.
Of a fraction that does not fit with the first seed, the shorter length may: then its runs are
trained to that, the report compares all networks at that length, and the rest is left.

How long a run of `epochs: auto` will be is not known. Its lengths, each twice the one before, are
chosen in turn: the shortest of every fraction, small ones first, then the next of every fraction,
as long as they fit. A run that ends by itself leaves its time to the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

from ...errors import InputError
from ...spec import RunSpec
from ..pace import SHARE as REPORT_SHARE
from .schedule import Assignment, Schedule

EARLY_SEEDS = 3
"""So many seeds of every fraction come before any further seed: three tell of the spread."""

OVERRUN = 1.1
"""A run that takes longer than expected is trained until so many times the budget, at most."""
MARGIN = 1.1
"""The smallest budget that is named is so many times what was estimated: the next estimate may be
a little longer."""


def stages(runs: Sequence[RunSpec]) -> list[list[RunSpec]]:
    """The runs of a study by stage, the most telling first.

    Args:
        runs: as `StudySpec.runs` gives them, small fractions first.
    """
    sizes = list(dict.fromkeys(run.fraction for run in runs))

    def place(run: RunSpec) -> tuple[int, int, int]:
        position = run.replicate
        later = 0 if position == 0 else 1 if position < EARLY_SEEDS else 2
        return later, sizes.index(run.fraction), position

    return [list(stage) for _, stage in groupby(sorted(runs, key=place), key=place)]


def choose_runs(
    schedule: Schedule,
    order: Sequence[Sequence[RunSpec]],
    seconds: float,
    running: Sequence[Assignment] = (),
) -> list[Assignment]:
    """The runs to begin within `seconds`, in this order.

    Whole stages come first; what time is left goes to single runs of the others. The first stage
    is chosen in any case: without it nothing can be compared. A later one of the first seed that
    does not fit is trained to the longest of its shorter lengths (half of the steps or more), where
    all its runs have that and so much fits. Runs of `epochs: auto` are trained to the longest
    length that fits, those of other seeds once those of the first may be trained to their end.

    Args:
        schedule: what is left to train; its order does not matter.
        order: as `stages` gives it.
        seconds: that are left.
        running: what is being trained now, with the seconds that it still takes.
    """
    left = {each.run.run_id: each for each in schedule.assignments}
    chosen: list[Assignment] = []

    def fits(more: Sequence[Assignment]) -> bool:
        trial = replace(schedule, assignments=(*running, *chosen, *more))
        # What is running may take longer than expected; others may be done in time all the same.
        return max(trial.ends()[len(running) :], default=0.0) <= seconds

    todo_of = [[left[run.run_id] for run in stage if run.run_id in left] for stage in order]
    if any(each.doublings or each.doubled for each in left.values()):
        stages_of = zip(order, todo_of, strict=True)
        for later, pairs in groupby(stages_of, key=lambda pair: pair[0][0].replicate > 0):
            left_of = [stage for _, stage in pairs]
            grown = _doubled(left_of, fits, in_any_case=not later)
            chosen += grown
            begun = {each.run.run_id for each in grown}
            alone = [each for stage in left_of for each in stage if each.run.run_id not in begun]
            for each in alone:
                lengths = ("1", *(name for name, _ in reversed(each.doublings)))
                trials = (each.stopping_at(length) for length in lengths)
                chosen += next(([trial] for trial in trials if fits([trial])), [])
            if alone or any(each.until != "1" for each in grown):
                break
        return chosen
    passed_over: list[Assignment] = []
    for position, todo in enumerate(todo_of):
        shorter = _shorter(todo)
        if position == 0 or fits(todo):
            chosen += todo
        elif shorter and fits(shorter):
            chosen += shorter
        else:
            passed_over += todo
    for assignment in passed_over:
        if fits([assignment]):
            chosen.append(assignment)
    return chosen


def _doubled(
    stages: Sequence[Sequence[Assignment]],
    fits: Callable[[Sequence[Assignment]], bool],
    *,
    in_any_case: bool,
) -> list[Assignment]:
    """Runs of `epochs: auto`, each up to the longest of its lengths for which there is time.

    Args:
        stages: what is left of each.
        fits: whether there is time for some runs.
        in_any_case: what is new of the first stage has its shortest length at least.
    """
    found: dict[str, Assignment] = {}
    levels = max(
        (len(each.doublings) + each.doubled for todo in stages for each in todo), default=0
    )
    for level in range(levels + 1):
        for position, todo in enumerate(stages):
            longer = {}
            for each in todo:
                lengths = [*(name for name, _ in each.doublings), "1"]
                if 0 <= level - each.doubled < len(lengths):
                    longer[each.run.run_id] = each.stopping_at(lengths[level - each.doubled])
            first = in_any_case and level == position == 0
            if longer and (first or fits([*(found | longer).values()])):
                found |= longer
    return [*found.values()]


def _shorter(stage: Sequence[Assignment]) -> list[Assignment]:
    """What is left of a stage up to its shorter length; nothing where that cannot be compared.

    A head on frozen features has no training length: it is fitted to its end.
    """
    found = []
    for each in stage:
        head = each.run.finetune == "head"
        if each.run.replicate or (each.to_shorter is None and not head):
            return []
        if head or each.to_shorter:
            found.append(each if head else each.shorter())
    return found if any(each.until != "1" for each in found) else []


def check_budget(
    schedule: Schedule,
    order: Sequence[Sequence[RunSpec]],
    budget: float,
    spent: float = 0.0,
    *,
    begun: bool = False,
) -> list[Assignment]:
    """The runs that are chosen for a budget, in order.

    Args:
        budget: seconds in all.
        spent: seconds of it that have passed.
        begun: runs of the study were begun, so that its recipe cannot be changed any more.

    Raises:
        InputError: it is no number of seconds, or no run fits; the smallest budget in which one
            does.
    """
    if isinstance(budget, str) or not budget >= 0:  # NaN is not
        raise InputError(f"budget: expected a number of seconds, not {budget!r}")
    chosen = choose_runs(schedule, order, budget_for_training(budget) - spent)
    first = {run.run_id for run in order[0]}
    shortest = [
        each.stopping_at(next((name for name, _ in each.doublings), "1"))
        for each in schedule.assignments
    ]
    begin = [each for each in shortest if each.run.run_id in first and not each.doubled]
    if begin:
        least = max(replace(schedule, assignments=tuple(begin)).ends())
    else:
        times = [each.seconds for each in shortest]
        left = {each.run.run_id: each for each in schedule.assignments}
        for stage in order:
            shorter = _shorter([left[run.run_id] for run in stage if run.run_id in left])
            times += [max(replace(schedule, assignments=tuple(shorter)).ends())] if shorter else []
        least = min(times, default=0.0)
    none = budget_for_training(budget) < spent + least if begin else not chosen
    if schedule.assignments and none:
        needed = MARGIN * (spent + least) / (1 - REPORT_SHARE)
        what = "the smallest fraction" if begin else "the shortest run that is left"
        cheaper = "" if begun else ", or make it cheaper with --set train.epochs=N"
        raise InputError(
            f"the budget is too short for {what}: use --budget {duration(needed)} or more{cheaper}"
        )
    return chosen


def budget_for_training(budget: float) -> float:
    """The part of a budget that is not for reports."""
    return budget * (1 - REPORT_SHARE)


def duration(seconds: float) -> str:
    """Seconds as --budget reads them, rounded up: ``45s``, ``12min``, ``3h20``."""
    if seconds <= 120:
        return f"{max(1, math.ceil(seconds))}s"
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    return (f"{hours}h{minutes:02}" if minutes else f"{hours}h") if hours else f"{minutes}min"
