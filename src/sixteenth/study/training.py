"""Trains what is left of a study: checked, scheduled, within a budget or to the end.

What is wrong is found before hours are spent on it: the cheap checks come first, then those that
need the images, then every model is built. `plan_training` does all that; `Study.plan` shows what
it returns, and `Study.run` trains it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from ..data import ImageDataset
from ..engine.execution import resolve_execution
from ..engine.learner import weights_facts
from ..language import language_for
from ..models import WeightsFile
from ..spec import RunSpec
from ..storage.run_facts import WeightsFacts
from ..storage.study_folder import StudyFolder, StudySnapshot
from . import preflight
from .executors import BudgetQueue, Place, run_all
from .interim import InterimResults
from .listener import Listener
from .planning.budget import OVERRUN, budget_for_training, check_budget, stages
from .planning.cost import Cost
from .planning.known import KnownSpeeds, finished_speeds
from .planning.planner import make_schedule
from .planning.schedule import Schedule, tell_planned
from .reading import StudyResults


@dataclass(frozen=True)
class TrainingPlan:
    """The runs of a study that are left to train, and how.

    Attributes:
        study, place, listener: as of `plan_training`.
        begun: what the runs have left, with the trainings of `explain` that `run` takes over.
        dataset: the images.
        weights: the initial weights as they were understood, by model and init.
        costs: what each model costs, without those that cannot be built.
        schedule: all runs that are left.
        chosen: those of them that are expected to fit into a budget; without one, all.
        deadline: when a budget for training ends, on `time.monotonic`.
        latest: when a run that takes longer than expected is interrupted.
    """

    study: StudyResults
    place: Place
    listener: Listener
    begun: StudySnapshot
    dataset: ImageDataset
    weights: Mapping[tuple[str, str], WeightsFacts]
    costs: Mapping[str, Cost]
    schedule: Schedule
    chosen: Schedule
    deadline: float | None = None
    latest: float = math.inf

    def within(self, budget: float, began: float | None = None) -> Self:
        """The plan with the runs alone that fit into `budget` seconds, the most telling first.

        Args:
            began: when the budget began, on `time.monotonic`; None where nothing will be trained.

        Raises:
            InputError: no run fits.
        """
        spent = 0.0 if began is None else time.monotonic() - began
        order, begun = stages(self.study.runs()), bool(self.begun.records)
        fitting = check_budget(self.schedule, order, budget, spent, begun=begun)
        return replace(
            self,
            chosen=replace(self.schedule, assignments=tuple(fitting)),
            deadline=None if began is None else began + budget_for_training(budget),
            latest=math.inf if began is None else began + OVERRUN * budget,
        )

    def disk_needed(self) -> int:
        """Bytes that must be free for the training to begin."""
        return preflight.disk_needed(self.chosen, self.costs, self.dataset)

    def train(
        self,
        adopt: Callable[[StudySnapshot], StudySnapshot],
        write_report: Callable[[], object] | None,
    ) -> None:
        """Train the chosen runs; the results are kept current meanwhile.

        Until a deadline it is chosen anew, whenever a run ends, which others still fit. What is
        still being trained at `latest` is interrupted, and can go on later.

        Args:
            adopt, write_report: as of `InterimResults`.

        Raises:
            OSError: the disk is full or cannot be written.
            KeyboardInterrupt: as of `run_all`.
        """
        study, listener, snapshot = self.study, self.listener, self.study.snapshot()
        left = {run.run_id for run in snapshot.unfinished()}
        # Not those of which a table alone is left.
        done = [run for run in study.runs() if run.run_id in snapshot.records.keys() - left]
        tell_planned(listener, done, self.chosen.assignments)
        for run in done:
            listener.run_ended(run, snapshot.records[run.run_id], skipped=True)
        queue = None
        if self.deadline is not None:
            queue = BudgetQueue(
                self.schedule,
                stages(study.runs()),
                self.deadline,
                latest=self.latest,
                chosen=lambda assigned: tell_planned(listener, done, assigned),
                clock=time.monotonic,
            )
        interim = InterimResults(snapshot, adopt, write_report, listener.noticed)
        with interim:
            run_all(
                self.schedule,
                self.place.executor(self.schedule, self.dataset),
                self.dataset,
                study.folder,
                listener=listener,
                after_run=interim.add,
                queue=queue,
            )


def plan_training(
    study: StudyResults,
    images: Callable[[Listener], ImageDataset],
    place: Place,
    listener: Listener,
    *,
    download: bool,
    timed: bool,
    compared: Sequence[StudySnapshot] = (),
    known_speeds: Callable[[ImageDataset], KnownSpeeds] | None = None,
) -> TrainingPlan:
    """Find what is wrong before hours are spent on it, then decide how the runs are computed.

    Args:
        study: whose runs are left to train.
        images: gives them; it is called when all is right that needs none.
        place: where they are computed, and how the user asks for it.
        listener: is told what was understood, what is odd, and what is being measured.
        download: fetch torchvision's weights that are not there; without, they are not checked.
        timed: measure each model, even where nothing depends on it but the expected seconds.
        compared: what lies elsewhere and has to have begun with the same initial weights.
        known_speeds: how fast runs were trained on this machine, to which what is measured is
            added; by default those of the study alone.

    Raises:
        InputError: the study, the data or the folder are not right.
    """
    preflight.check_folder(study.folder, study.spec)
    if place.is_here:  # another machine is asked when the schedule is made
        resolve_execution(place.request.device, study.spec.train)
    preflight.check_names(study.spec)
    dataset = images(listener)
    preflight.check_data(study.spec, study.runs(), dataset)
    begun = _begun(study)
    preflight.check_begun(begun, dataset)
    weights: dict[tuple[str, str], WeightsFacts] = {}

    def loaded(run: RunSpec, found: WeightsFile) -> None:
        facts = weights_facts(found)
        weights[run.model, run.init] = facts
        said = language_for(tag=study.language)
        if line := said.understood_weights(run.model, run.init, facts):
            listener.understood(line)

    costs = preflight.check_models(
        begun,
        study.spec,
        dataset,
        download=download,
        compared=compared,
        loaded=loaded,
        noticed=listener.noticed,
    )
    known = None
    if place.is_here and known_speeds is not None:
        known = known_speeds(dataset)
    elif place.is_here:
        known = finished_speeds(study.snapshot(), dataset)
    schedule = make_schedule(
        begun,
        dataset,
        costs,
        place.request,
        machine=place.machine(dataset, study.runs()),
        listener=listener,
        known=known,
        timed=timed,
    )
    schedule = schedule if place.is_here else schedule.of_whole_runs()
    return TrainingPlan(study, place, listener, begun, dataset, weights, costs, schedule, schedule)


def _begun(study: StudyResults) -> StudySnapshot:
    """What the runs have left, with the trainings of `explain` that `Study.run` takes over."""
    taken = [record for _, record in StudyFolder(study.folder).repeats_of(study.runs())]
    return study.snapshot().with_records(taken) if taken else study.snapshot()
