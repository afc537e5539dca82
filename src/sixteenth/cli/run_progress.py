"""Where every run of a study stands, and how much time is left: what all displays build on."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.text import Text

from ..language import language_for
from ..language.text import plain
from ..spec import RunSpec
from ..spec.fraction import TrainFraction
from ..spec.work import Work
from ..storage.run_record import RunRecord
from ..study.listener import Listener

if TYPE_CHECKING:
    from ..engine.progress import Progress


@dataclass
class RunRow:
    """Where one run of the study stands."""

    run: RunSpec
    state: str = "waiting"
    began: float = 0.0
    first_step: int = 0
    updated: float = 0.0
    progress: Progress | None = None
    train_accuracy: float | None = None
    test_accuracy: float | None = None
    record: RunRecord | None = None
    begins: float = 0.0
    ends: float = 1.0
    """Parts of all its steps."""

    def seconds_left(self) -> float | None:
        """Seconds until this run has taken its steps, at the pace so far; None if unknown."""
        if self.progress is None or self.progress.step <= self.first_step:
            return None
        if self.run.train.epochs == "auto":
            return None  # how often the run will be doubled is not known
        pace = (self.updated - self.began) / (self.progress.step - self.first_step)
        left = pace * (self.ends * self.progress.steps - self.progress.step)
        return max(0.0, left - (time.monotonic() - self.updated))

    def ended(self, record: RunRecord) -> None:
        """The run has ended: only what its record says still holds."""
        self.state, self.record = record.status, record
        metrics = record.metrics or next(reversed(record.lengths), None)
        self.train_accuracy = metrics.train_accuracy if metrics else None
        self.test_accuracy = metrics.test_accuracy if metrics else None


class RunProgress(Listener):
    """Keeps where every run stands and how much time is left, and says it in one language."""

    def __init__(self, console: Console, language: str = "en") -> None:
        said = language_for(tag=language)
        self.words, self.columns, self.numbers = said.progress, said.terminal, said.numbers
        self.note = said.understanding.labels.note
        self.console = console
        self.rows: dict[str, RunRow] = {}
        self.began = time.monotonic()
        self.total: float | None = None
        self.classes: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def understood(self, line: str) -> None:
        self.console.print(Text(plain(line)), soft_wrap=not self.console.is_terminal)

    def noticed(self, what: str) -> None:
        self.understood(self.note.format(what))

    def runs_planned(self, runs: list[RunSpec]) -> None:
        known = [row for row in self.rows.values() if row.run in runs]
        if not known:
            self.began = time.monotonic()
        self.rows = {run.run_id: RunRow(run) for run in runs}
        self.rows |= {row.run.run_id: row for row in known}

    def parts_planned(self, parts: Mapping[str, tuple[float, float]]) -> None:
        for run_id, part in parts.items():
            row = self.rows[run_id]
            row.begins, row.ends = part

    def run_started(self, run: RunSpec) -> None:
        row = self.rows[run.run_id]
        row.state, row.progress, row.record = "running", None, None

    def run_progressed(self, progress: Progress) -> None:
        row = self.rows[progress.run_id]
        row.updated = time.monotonic()
        # A job of Slurm that was queued again has waited, and goes on from its checkpoint.
        if row.progress is None or progress.step < row.progress.step:
            # The first step builds and warms up what later steps find ready: it sets no pace.
            row.began, row.first_step = row.updated, progress.step
            share = TrainFraction.parse(row.run.fraction).share
            if self.total is None and share is not None and row.run.finetune != "head":
                batches = progress.steps / row.run.steps_factor / progress.epochs
                self.total = batches * row.run.train.batch_size / float(share)
        row.progress = progress
        if progress.row is not None:
            row.train_accuracy = progress.row.train_accuracy
            if progress.row.test_accuracy is not None:  # not every epoch is measured
                row.test_accuracy = progress.row.test_accuracy

    def run_ended(self, run: RunSpec, record: RunRecord, *, skipped: bool) -> None:
        self.rows[run.run_id].ended(record)
        self.data_known(record)

    def data_known(self, record: RunRecord) -> None:
        """How many images and classes there are, as far as the record of a run tells."""
        if record.data is not None:
            self.total = record.data.train_images or self.total
            self.classes = len(record.data.classes) or self.classes

    def seconds_left(self) -> float | None:
        """Seconds until the study is done, or None before each model's speed is known.

        What is left is shared by as many as run now, and the longest of it cannot be shared.
        """
        left: list[float] = []
        for row in self.rows.values():
            if row.state not in ("waiting", "running"):
                continue
            needed = row.seconds_left() if row.state == "running" else None
            if needed is None:
                images, speed = self._images(row.run), self._speed(row.run)
                if images is None or not speed:
                    return None
                needed = max(0.0, row.ends - row.begins) * images / speed
            left.append(needed)
        return max(max(left, default=0.0), sum(left) / max(1, self.running()))

    def running(self) -> int:
        """How many runs are being trained."""
        return sum(row.state == "running" for row in self.rows.values())

    def done(self) -> int:
        """How many runs are finished or failed."""
        return sum(row.state not in ("waiting", "running") for row in self.rows.values())

    def _percent(self, share: float | None) -> str:
        return "" if share is None else self.numbers.percent(share)

    def _rate(self, row: RunRow) -> str:
        """Images a second of a run, as it had or has it."""
        if row.record is not None:
            return self.numbers.count(row.record.images_per_second)
        return self.numbers.count(row.progress.images_per_second) if row.progress else ""

    def _time(self, row: RunRow) -> str:
        """How long a run took, or still takes."""
        if row.record is not None:
            seconds = row.record.seconds
            return clock(seconds) if seconds is not None else ""
        left = row.seconds_left() if row.state == "running" else None
        return self.words.left.format(clock(left)) if left is not None else ""

    def _work(self, what: Work, detail: str) -> str:
        said = self.words.work[what]
        return self.words.detailed.format(what=said, detail=plain(detail)) if detail else said

    def _count(self, done: int, total: int) -> str:
        count = self.numbers.count
        return self.words.count.format(done=count(done), total=count(total))

    def _images(self, run: RunSpec) -> float | None:
        """Images that a run trains on, over all its epochs and cool-downs; None if unknown."""
        fraction = TrainFraction.parse(run.fraction)
        head = run.finetune == "head"
        if (fraction.share and not self.total) or (fraction.per_class and not self.classes):
            return None
        if run.train.epochs == "auto" and not head:
            return None
        size = fraction.size(round(self.total or 0), self.classes or 0)
        if run.train.steps and not head:
            batches = math.ceil(size / run.train.batch_size)  # of equal size
            return run.train.steps * run.steps_factor * size / batches
        return size if head else size * run.train.fixed_epochs * run.steps_factor

    def _speed(self, run: RunSpec) -> float | None:
        """Images a second of runs such as this, as the last had it (evaluation included) or has it.

        A head that is computing features says nothing of the time of its fit.
        """
        kind = run.model, run.finetune
        rows = [row for row in self.rows.values() if (row.run.model, row.run.finetune) == kind]
        ended = [row.record.images_per_second for row in rows if row.record]
        known = [rate for rate in ended if rate]
        if run.finetune == "head":
            return known[-1] if known else None
        if known:
            return known[-1]
        live = [row.progress.images_per_second for row in rows if row.progress]
        return live[-1] if live else None


def clock(seconds: float) -> str:
    """Seconds as ``0:07``, ``12:31`` or ``1:02:10``."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
