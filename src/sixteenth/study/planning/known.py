"""How fast runs were trained on this machine: others like them cost as much, and are not measured.

What a finished run took stands in its record. It holds for every run of the same model on the same
device, in the same format and on as many threads; at another image size or with another first
layer it is scaled by the operations for an image.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ...data import ImageDataset
from ...engine.execution import Execution
from ...engine.records import environment
from ...spec import RunSpec
from ...storage.run_facts import Environment
from ...storage.run_record import RunRecord
from ...storage.study_folder import StudySnapshot
from .calibration import speeds_of
from .cost import works_of


class Basis(StrEnum):
    """What the expected seconds of a run are taken from."""

    RUNS = "runs"
    """Finished runs of the same model and size on this machine."""
    OPERATIONS = "operations"
    """Finished runs at another size or first layer, by the operations for an image."""
    MEASURED = "measured"
    """A few steps of the model, taken for this plan or an earlier one."""
    GUESSED = "guessed"
    """Operations alone: where little depends on it."""


@dataclass(frozen=True)
class KnownSpeed:
    """How fast a run was trained, or how fast its model was measured to train.

    Attributes:
        run: it.
        execution: how it was computed.
        rate: its effort (`engine.workload.Workload.effort`) for each second that it took.
        flops: to train on one image what the run trains.
        finished: it was trained to its end, not only measured.
    """

    run: RunSpec
    execution: Execution
    rate: float
    flops: float
    finished: bool = True


class KnownSpeeds:
    """All that is known, to be asked for a run that is to be trained."""

    def __init__(self) -> None:
        self._of_model: dict[str, list[KnownSpeed]] = {}
        self._first: dict[tuple[str, str, str], KnownSpeed] = {}

    def __iter__(self) -> Iterator[KnownSpeed]:
        return (each for some in self._of_model.values() for each in some)

    def add(self, speed: KnownSpeed) -> None:
        """Keep a speed; it goes before those that come later."""
        run = speed.run
        self._of_model.setdefault(run.model, []).append(speed)
        self._first.setdefault((run.model, run.fraction, run.finetune), speed)

    def alike(self, run: RunSpec) -> KnownSpeed | None:
        """The first of the same model on the same part of the images, if there is one."""
        return self._first.get((run.model, run.fraction, run.finetune))

    def rate_of(
        self, run: RunSpec, execution: Execution, flops: float
    ) -> tuple[float, Basis] | None:
        """Effort for each second of a run that is computed so, and what that is taken from.

        Args:
            flops: to train on one image what the run trains.
        """
        alike = [
            each
            for each in self._of_model.get(run.model, ())
            if each.execution == execution and each.run.train.batch_size == run.train.batch_size
        ]
        exact = [each for each in alike if each.flops == flops]
        trained = [each for each in exact if each.finished]
        for some, basis in (
            (trained, Basis.RUNS),
            (exact, Basis.MEASURED),
            (alike if flops else [], Basis.OPERATIONS),
        ):
            if some:
                rates = [each.rate * each.flops / flops for each in some]
                return statistics.median(rates), basis
        return None


def finished_speeds(snapshot: StudySnapshot, dataset: ImageDataset) -> KnownSpeeds:
    """The speeds of a study's finished runs that were trained on this machine.

    Runs of a head alone are left out: they do not train the model.
    """
    here = environment()
    done = [
        (run, record)
        for run in snapshot.runs
        if (record := snapshot.records.get(run.run_id)) is not None
        and record.is_finished
        and run.finetune != "head"
        and _was_here(record, here)
    ]
    works = works_of([run for run, _ in done], dataset)
    known = KnownSpeeds()
    for run, record in done:
        flops = record.model.train_flops_per_image if record.model else None
        if not (flops and record.train_flops and record.seconds and record.execution):
            continue
        try:
            facts = record.execution.to_dict()
            execution = Execution.from_record(facts | {"measured": facts.get("measured") or ()})
            speeds_of(execution)  # raises where one is no speed
        except (KeyError, TypeError, ValueError):
            continue
        work = works[run.run_id]
        # With `epochs: auto` the run may have ended before the most that there can be.
        effort = work.effort * record.train_flops / flops / work.images
        known.add(KnownSpeed(run, execution, effort / record.seconds, flops))
    return known


def _was_here(record: RunRecord, here: Environment) -> bool:
    """Whether a run was trained on a machine like this one, by all that its record tells of it."""
    there, execution = record.environment, record.execution
    if there is None or there.cpu is None or execution is None or execution.device is None:
        return False
    if execution.device.startswith("cuda") and there.gpu != here.gpu:
        return False
    pairs = [(getattr(there, key), getattr(here, key)) for key in ("cpu", "cores", "instructions")]
    return all(a == b for a, b in pairs if a is not None and b is not None)
