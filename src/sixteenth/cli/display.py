"""The progress of a study on standard error: a live table on a terminal, lines in a pipe.

Both displays get the same events and keep the same state (`RunProgress`); they differ in what they
show of it. Nothing here changes what is computed.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..language.en.labels import TERMINAL
from ..language.en.numbers import NUMBERS
from ..language.text import plain
from ..spec import RunSpec
from ..spec.fraction import TrainFraction
from ..storage.run_record import RunRecord
from ..study.listener import Listener
from .tables import Column, cell_columns, table

if TYPE_CHECKING:
    from ..engine.progress import Progress

MOST_ROWS = 12
STARTING = ("starting", 0, 0)
BAR = 10
PLAIN_SECONDS = 5.0
"""Lines about one run, or one piece of preparation, are at least so far apart in a pipe."""
QUIET_SECONDS = 60.0
"""In a pipe a line is written at least this often while an epoch lasts longer."""


def display_for(console: Console) -> LiveDisplay | PlainDisplay:
    """The live display where `console` is a terminal that can redraw, else plain lines."""
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveDisplay(console)
    return PlainDisplay(console)


@dataclass
class _Row:
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

    def seconds_left(self) -> float | None:
        """Seconds until this run has taken all its steps, at the pace so far; None if unknown."""
        if self.progress is None or self.progress.step <= self.first_step:
            return None
        if self.run.train.epochs == "auto":
            return None  # how often the run will be doubled is not known
        pace = (self.updated - self.began) / (self.progress.step - self.first_step)
        left = pace * (self.progress.steps - self.progress.step)
        return max(0.0, left - (time.monotonic() - self.updated))

    def ended(self, record: RunRecord) -> None:
        """The run has ended: only what its record says still holds."""
        self.state, self.record, metrics = record.status, record, record.metrics
        self.train_accuracy = metrics.train_accuracy if metrics else None
        self.test_accuracy = metrics.test_accuracy if metrics else None


class RunProgress(Listener):
    """Keeps where every run stands and how much time is left; all displays build on it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.rows: dict[str, _Row] = {}
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
        self.understood(f"note: {what}")

    def runs_planned(self, runs: list[RunSpec]) -> None:
        known = [row for row in self.rows.values() if row.run in runs]
        if not known:
            self.began = time.monotonic()
        self.rows = {run.run_id: _Row(run) for run in runs}
        self.rows |= {row.run.run_id: row for row in known}

    def run_started(self, run: RunSpec) -> None:
        self.rows[run.run_id].state = "running"

    def run_progressed(self, progress: Progress) -> None:
        row = self.rows[progress.run_id]
        row.updated = time.monotonic()
        if row.progress is None:
            # The first step builds and warms up what later steps find ready: it sets no pace.
            row.began, row.first_step = row.updated, progress.step
            share = TrainFraction.parse(row.run.fraction).share
            if self.total is None and share is not None and row.run.finetune == "all":
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
                needed = images / speed
            left.append(needed)
        return max(max(left, default=0.0), sum(left) / max(1, self.running()))

    def running(self) -> int:
        """How many runs are being trained."""
        return sum(row.state == "running" for row in self.rows.values())

    def done(self) -> int:
        """How many runs are finished or failed."""
        return sum(row.state not in ("waiting", "running") for row in self.rows.values())

    def _images(self, run: RunSpec) -> float | None:
        """Images that a run trains on, over all its epochs and cool-downs; None if unknown."""
        if run.train.steps and run.finetune == "all":
            return run.train.steps * run.train.batch_size * run.steps_factor
        fraction = TrainFraction.parse(run.fraction)
        head = run.finetune == "head"
        if (fraction.share and not self.total) or (fraction.per_class and not self.classes):
            return None
        if run.train.epochs == "auto" and not head:
            return None
        size = fraction.size(round(self.total or 0), self.classes or 0)
        return size if head else size * run.train.most_epochs * run.steps_factor

    def _speed(self, run: RunSpec) -> float | None:
        """Images a second of runs such as this, as the last had it (evaluation included) or has it.

        The first head of a model says nothing of the others, which need not compute features.
        """
        kind = run.model, run.finetune
        rows = [row for row in self.rows.values() if (row.run.model, row.run.finetune) == kind]
        ended = [row.record.images_per_second for row in rows if row.record]
        known = [rate for rate in ended if rate]
        if run.finetune == "head":
            return known[-1] if len(known) > 1 else None
        if known:
            return known[-1]
        live = [row.progress.images_per_second for row in rows if row.progress]
        return live[-1] if live else None


class LiveDisplay(RunProgress):
    """All runs as a table that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._work: tuple[str, int, int] | None = STARTING
        self._live = Live(
            console=console,
            get_renderable=self.render,
            refresh_per_second=4,
            # The results follow on standard output: no need to leave the same numbers twice.
            transient=sys.stdout.isatty(),
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._work = None
        self._live.stop()

    def working(self, what: str, done: int, total: int) -> None:
        self._work = (what, done, total) if done < total or total <= 0 else STARTING

    def runs_planned(self, runs: list[RunSpec]) -> None:
        super().runs_planned(runs)
        self._work = None

    def run_ended(self, run: RunSpec, record: RunRecord, *, skipped: bool) -> None:
        super().run_ended(run, record, skipped=skipped)
        if self.done() == len(self.rows):
            self._work = ("writing the report", 0, 0)

    def render(self) -> RenderableType:
        """The whole display, at most as high as the terminal."""
        parts: list[RenderableType] = []
        if self.rows:
            parts += [self._headline(), self._table()]
        if self._work is not None:
            what, done, total = self._work
            line = Table.grid(padding=(0, 1))
            count = f"{done:,} of {total:,}" if total > 0 else ""
            bar = ProgressBar(total=max(total, 1), completed=done, width=24)
            line.add_row(Text(plain(what)), bar if total > 0 else "", count)
            parts.append(line)
        return Group(*parts)

    def _headline(self) -> Text:
        left = self.seconds_left()
        passed = f"{clock(time.monotonic() - self.began)} passed"
        text = Text(f"{self.done()} of {len(self.rows)} runs done, {passed}")
        if left is not None and self.done() < len(self.rows):
            text.append(f", about {clock(left)} left", style="bold")
        return text

    def _table(self) -> RenderableType:
        """A window of rows around the run that is being trained."""
        rows = list(self.rows.values())
        room = max(3, min(MOST_ROWS, self.console.height - 6))
        now = next((i for i, r in enumerate(rows) if r.state == "running"), self.done())
        start = max(0, min(now - room // 2, len(rows) - room))
        shown = rows[start : start + room]
        train = [_percent(row.train_accuracy) for row in shown]
        test = [_percent(row.test_accuracy) for row in shown]
        before, after = cell_columns(
            [row.run.model for row in rows],
            [row.run.strategy for row in rows],
            [row.run.seed for row in rows],
            TERMINAL,
        )
        columns = [
            *(_window(column, start, room) for column in before),
            Column("part", [NUMBERS.fraction(row.run.fraction) for row in shown]),
            *(_window(column, start, room) for column in after),
            Column("progress", [_state(row) for row in shown], least=BAR),
            Column("epoch", [_epoch(row) for row in shown], right=True, rank=2),
            Column("images/s", [_speed(row) for row in shown], right=True, rank=3),
            Column("train", train, right=True, rank=4, least=6),
            Column("test", test, right=True, least=6),
            Column("time", [_time(row) for row in shown], right=True, rank=1, least=10),
        ]
        parts: list[RenderableType] = [table(columns, self.console)]
        below = len(rows) - start - len(shown)
        if start or below:
            hidden = [f"{start} above" if start else "", f"{below} below" if below else ""]
            parts.append(Text(f"… and {', '.join(filter(None, hidden))}", style="dim"))
        return Group(*parts)


class PlainDisplay(RunProgress):
    """A line when a run starts, after epochs, and when it ends: for pipes and logs."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._said = 0.0
        self._what = ""
        self._said_of: dict[str, float] = {}

    def working(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what == self._what and now - self._said < PLAIN_SECONDS and done < total:
            return
        self._said, self._what = now, what
        self._say(f"{plain(what)}: {done:,} of {total:,}" if total > 0 else plain(what))

    def run_started(self, run: RunSpec) -> None:
        super().run_started(run)
        self._said_of[run.run_id] = time.monotonic()
        self._say(f"{self._place(run)} starts")

    def run_progressed(self, progress: Progress) -> None:
        super().run_progressed(progress)
        row = self.rows[progress.run_id]
        quiet = time.monotonic() - self._said_of[progress.run_id]
        if progress.row is None:
            if quiet < QUIET_SECONDS:
                return
            text = f"epoch {progress.epoch} of {progress.epochs}, step {progress.step:,}"
            if row.run.finetune == "head":
                text = f"features of {progress.step:,} of {progress.steps:,} images"
        elif quiet < PLAIN_SECONDS:
            return
        else:
            train, test = _percent(row.train_accuracy), _percent(row.test_accuracy)
            text = f"epoch {progress.epoch} of {progress.epochs}: train {train}, test {test}"
        self._said_of[progress.run_id] = time.monotonic()
        left, all_left = row.seconds_left(), self.seconds_left()
        text += f", {_speed(row)} images/s"
        text += f", {clock(left)} left" if left is not None else ""
        text += f", all runs {clock(all_left)}" if all_left is not None else ""
        whose = f"{progress.run_id}, " if self.running() > 1 else ""
        self._say(f"  {whose}{text}")

    def run_ended(self, run: RunSpec, record: RunRecord, *, skipped: bool) -> None:
        super().run_ended(run, record, skipped=skipped)
        test = _percent(self.rows[run.run_id].test_accuracy)
        if skipped:
            self._say(f"{self._place(run)} was finished before: test {test}")
        elif record.is_finished:
            self._say(f"{self._place(run)} finished: test {test}, {_time(self.rows[run.run_id])}")
        else:
            self._say(f"{self._place(run)} {record.status}: {plain(record.error)}")

    def _place(self, run: RunSpec) -> str:
        position = list(self.rows).index(run.run_id) + 1
        return f"run {position} of {len(self.rows)}, {run.run_id},"

    def _say(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)


def clock(seconds: float) -> str:
    """Seconds as ``0:07``, ``12:31`` or ``1:02:10``."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _window(column: Column, start: int, room: int) -> Column:
    return replace(column, cells=column.cells[start : start + room])


def _state(row: _Row) -> RenderableType:
    if row.state == "running":
        steps, done = (row.progress.steps, row.progress.step) if row.progress else (1, 0)
        return ProgressBar(total=steps, completed=done, width=BAR)
    style = {"finished": "green", "failed": "red"}.get(row.state, "dim")
    return Text(row.state, style=style)


def _epoch(row: _Row) -> str:
    return f"{row.progress.epoch}/{row.progress.epochs}" if row.progress else ""


def _speed(row: _Row) -> str:
    if row.record is not None:
        return NUMBERS.count(row.record.images_per_second)
    return f"{row.progress.images_per_second:,.0f}" if row.progress else ""


def _percent(share: float | None) -> str:
    return "" if share is None else NUMBERS.percent(share)


def _time(row: _Row) -> str:
    if row.record is not None:
        seconds = row.record.seconds
        return clock(seconds) if seconds is not None else ""
    left = row.seconds_left() if row.state == "running" else None
    return f"{clock(left)} left" if left is not None else ""
