"""How long runs will take: by what other runs took, by what was measured, or by operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction

from ...data import ImageDataset
from ...engine.execution import Execution
from ...errors import InputError
from ...spec import RunSpec
from ...storage.study_folder import StudySnapshot
from .cost import Cost, works_of
from .known import Basis, KnownSpeed, KnownSpeeds
from .measured import MeasuredSpeeds
from .schedule import Assignment

SMALL_FLOPS = 1e13
"""A study of less than this (half a minute or so on two cores) is trained in one process: measuring
and starting others would take longer than they save."""

GUESSED_FLOPS = 5e10
"""A thread's FLOPs a second, where only an order of runs is needed and nothing was measured."""


class Estimates:
    """What the runs of a study that are not finished are expected to take.

    Args:
        snapshot: the runs of the study, and what they left so far.
        dataset: its images.
        costs: of the models.
        known: speeds of this machine; `keep` adds what was measured.
        measured: speeds that were measured, which may become more.
    """

    def __init__(
        self,
        snapshot: StudySnapshot,
        dataset: ImageDataset,
        costs: Mapping[str, Cost],
        known: KnownSpeeds,
        measured: MeasuredSpeeds,
    ) -> None:
        self._snapshot, self._dataset, self._costs = snapshot, dataset, costs
        self._known, self._measured = known, measured
        self._rates: dict[tuple[str, Execution], tuple[float, Basis] | None] = {}
        todo = snapshot.unfinished()
        self._work = works_of(todo, dataset)
        self._passes: Counter[str] = Counter()
        """Images of all heads of a model, which pass through it once and not for each head."""
        for run in todo:
            if run.finetune == "head":
                self._passes[run.model] += self._work[run.run_id].evaluated

    def assignment(self, run: RunSpec, execution: Execution) -> Assignment:
        """A run that is computed so, and what is left of it."""
        rate, basis = self.rate(run, execution)
        left, whole = self._left(run), self._effort(run) / rate
        shorter = self._to_shorter(run, 1 - left)
        return Assignment(
            run,
            execution,
            seconds=left * whole,
            basis=basis,
            to_shorter=None if shorter is None else shorter * whole,
            doublings=tuple(
                (length, part * whole) for length, part in self._to_doublings(run, 1 - left)
            ),
            doubled=self._measured_lengths(run) if run.train.epochs == "auto" else 0,
            done=1 - left,
        )

    def seconds(self, run: RunSpec, execution: Execution, processes: int) -> float:
        """What a run is expected to take among so many; a guess where nothing was measured."""
        return self._effort(run) / self._measured_rate(run, execution, processes)[0]

    def rate(self, run: RunSpec, execution: Execution) -> tuple[float, Basis]:
        """Effort for each second of a run, by other runs if there are such."""
        return self.known_rate(run, execution) or self._measured_rate(run, execution)

    def known_rate(self, run: RunSpec, execution: Execution) -> tuple[float, Basis] | None:
        key = run.network, execution
        if key not in self._rates:
            self._rates[key] = self._known.rate_of(run, execution, self.flops(run))
        return self._rates[key]

    def _measured_rate(
        self, run: RunSpec, execution: Execution, processes: int = 0
    ) -> tuple[float, Basis]:
        rate = self._measured.rate(run.network, execution, processes)
        if rate:
            return rate, Basis.MEASURED
        guess = GUESSED_FLOPS * execution.threads / max(1, self.flops(run))
        return guess, Basis.GUESSED

    def keep(self, assigned: Sequence[Assignment]) -> None:
        """Add what was measured to what is known, once for each model and size."""
        measured = {
            (each.run.network, each.run.fraction): each
            for each in assigned
            if each.basis is Basis.MEASURED and each.run.finetune != "head"
        }
        for each in measured.values():
            rate, _ = self.rate(each.run, each.execution)
            flops = self.flops(each.run)
            self._known.add(KnownSpeed(each.run, each.execution, rate, flops, finished=False))

    def _effort(self, run: RunSpec) -> float:
        """What a run costs in training images; a head has its part of the model's one pass."""
        effort = self._work[run.run_id].effort
        if run.finetune == "head":
            once = len(self._dataset.train) + len(self._dataset.test)
            effort *= min(1.0, once / self._passes[run.model])
        return effort

    def _left(self, run: RunSpec) -> float:
        """Part of a run that is still to be trained: an interrupted one goes on."""
        if run.run_id not in self._snapshot.records:
            return 1.0
        with suppress(InputError):  # a damaged history is dealt with when the run is trained
            history = self._snapshot.folder.run(run.run_id).read_history()
            if len(history) and "step" in history:
                measured = self._measured_lengths(run)
                return self._work[run.run_id].part_left(int(history["step"].iloc[-1]), measured)
        return 1.0

    def _to_shorter(self, run: RunSpec, done: float) -> float | None:
        """Part of a run that is still to be trained until its longest shorter length is measured.

        None where it has none, or one that is less than half of the run: too little training to
        compare networks by.
        """
        if run.train.epochs == "auto" or run.finetune == "head":
            return None
        if len(run.lengths) < 2 or Fraction(run.lengths[-2]) < Fraction(1, 2):
            return None
        record = self._snapshot.records.get(run.run_id)
        if record is not None and len(record.lengths) == len(run.lengths) - 1:
            return 0.0
        work = self._work[run.run_id]
        return max(0.01, work.part_until(len(work.lengths) - 2) - done)

    def _to_doublings(self, run: RunSpec, done: float) -> list[tuple[str, float]]:
        """The lengths of `epochs: auto` that are still to be measured, without the longest, and the
        part of a run that is still to be trained until each is."""
        if run.train.epochs != "auto" or run.finetune == "head":
            return []
        work = self._work[run.run_id]
        return [
            (length.share, max(0.01, work.part_until(i) - done))
            for i, length in enumerate(work.lengths[:-1])
            if i >= self._measured_lengths(run)
        ]

    def _measured_lengths(self, run: RunSpec) -> int:
        record = self._snapshot.records.get(run.run_id)
        return 0 if record is None else record.shorter_measured

    def flops(self, run: RunSpec) -> int:
        """To train on one image; 0 of a model that cannot be built."""
        return self._costs[run.model].of_run(run) if run.model in self._costs else 0

    def are_small(self, runs: Iterable[RunSpec]) -> bool:
        """Whether runs are done so soon that nothing is gained by measuring or more processes."""
        total = 0.0
        for run in runs:
            if run.model in self._costs:
                images = self._work[run.run_id].images or self._effort(run)
                total += images * self.flops(run)
        return total < SMALL_FLOPS
