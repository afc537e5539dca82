"""The progress of a study on standard error: a live table on a terminal, lines in a pipe.

What a display says of runs is in the study's language; notes on the data are in English. Both
displays get the same events and keep the same state (`RunProgress`); they differ in what they
show of it. Nothing here changes what is computed.
"""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..language.text import plain
from ..spec import RunSpec
from ..spec.work import Work
from ..storage.run_record import RunRecord
from .run_progress import RunProgress, RunRow, clock
from .tables import Column, cell_columns, console, table

if TYPE_CHECKING:
    from ..engine.progress import Progress

MOST_ROWS = 12
STARTING = (Work.STARTING, 0, 0, "")
BAR = 10
PLAIN_SECONDS = 5.0
"""Lines about one run, or one piece of preparation, are at least so far apart in a pipe."""
QUIET_SECONDS = 60.0
"""In a pipe a line is written at least this often while an epoch lasts longer."""


def display_for(language: str = "en") -> LiveDisplay | PlainDisplay:
    """The live display if standard error is a terminal that can redraw, else plain lines."""
    on = console(errors=True)
    live = on.is_terminal and not on.is_dumb_terminal
    return LiveDisplay(on, language) if live else PlainDisplay(on, language)


class LiveDisplay(RunProgress):
    """All runs as a table that is redrawn in place."""

    def __init__(self, console: Console, language: str = "en") -> None:
        super().__init__(console, language)
        self._doing: tuple[Work, int, int, str] | None = STARTING
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
        self._doing = None
        self._live.stop()

    def working(self, what: Work, done: int, total: int, detail: str = "") -> None:
        self._doing = (what, done, total, detail) if done < total or total <= 0 else STARTING

    def runs_planned(self, runs: list[RunSpec]) -> None:
        super().runs_planned(runs)
        self._doing = None

    def run_ended(self, run: RunSpec, record: RunRecord, *, skipped: bool) -> None:
        super().run_ended(run, record, skipped=skipped)
        if self.done() == len(self.rows):
            self._doing = (Work.REPORTING, 0, 0, "")

    def render(self) -> RenderableType:
        """The whole display, at most as high as the terminal."""
        parts: list[RenderableType] = []
        if self.rows:
            parts += [self._headline(), self._table()]
        if self._doing is not None:
            what, done, total, detail = self._doing
            line = Table.grid(padding=(0, 1))
            count = self._count(done, total) if total > 0 else ""
            bar = ProgressBar(total=max(total, 1), completed=done, width=24)
            line.add_row(Text(self._work(what, detail)), bar if total > 0 else "", count)
            parts.append(line)
        return Group(*parts)

    def _headline(self) -> Text:
        left, passed = self.seconds_left(), clock(time.monotonic() - self.began)
        runs = {"done": self.done(), "planned": len(self.rows)}
        text = Text(self.words.done.format(**runs, passed=passed))
        if left is not None and self.done() < len(self.rows):
            text.append(self.words.about_left.format(clock(left)), style="bold")
        return text

    def _table(self) -> RenderableType:
        """A window of rows around the run that is being trained."""
        rows = list(self.rows.values())
        room = max(3, min(MOST_ROWS, self.console.height - 6))
        now = next((i for i, r in enumerate(rows) if r.state == "running"), self.done())
        start = max(0, min(now - room // 2, len(rows) - room))
        shown = rows[start : start + room]
        train = [self._percent(row.train_accuracy) for row in shown]
        test = [self._percent(row.test_accuracy) for row in shown]
        words, titles = self.words, self.columns
        before, after = cell_columns(
            [row.run.model for row in rows],
            [row.run.strategy for row in rows],
            [row.run.seed for row in rows],
            titles,
        )
        columns = [
            *(_window(column, start, room) for column in before),
            Column(titles.fraction, [self.numbers.fraction(row.run.fraction) for row in shown]),
            *(_window(column, start, room) for column in after),
            Column(words.progress, [self._state(row) for row in shown], least=BAR),
            Column(words.epoch, [_epoch(row) for row in shown], right=True, rank=2),
            Column(words.speed, [self._rate(row) for row in shown], right=True, rank=3),
            Column(titles.train_accuracy, train, right=True, rank=4, least=6),
            Column(titles.test_accuracy, test, right=True, least=6),
            Column(titles.time, [self._time(row) for row in shown], right=True, rank=1, least=10),
        ]
        parts: list[RenderableType] = [table(columns, self.console)]
        below = len(rows) - start - len(shown)
        if start or below:
            hidden = [
                label.format(rows)
                for label, rows in ((words.above, start), (words.below, below))
                if rows
            ]
            parts.append(Text(words.hidden.format(words.joint.join(hidden)), style="dim"))
        return Group(*parts)

    def _state(self, row: RunRow) -> RenderableType:
        if row.state == "running":
            steps, done = (row.progress.steps, row.progress.step) if row.progress else (1, 0)
            return ProgressBar(total=steps, completed=done, width=BAR)
        style = {"finished": "green", "failed": "red"}.get(row.state, "dim")
        return Text(self.words.states.get(row.state, row.state), style=style)


class PlainDisplay(RunProgress):
    """A line when a run starts, after epochs, and when it ends: for pipes and logs.

    While it is shown, what a model of the user's own prints goes to standard error too, as it does
    beside the live display: standard output is for results.
    """

    def __init__(self, console: Console, language: str = "en") -> None:
        super().__init__(console, language)
        self._said = 0.0
        self._what: tuple[Work, str] | None = None
        self._said_of: dict[str, float] = {}
        self._redirected = contextlib.redirect_stdout(sys.stderr)

    def __enter__(self) -> Self:
        self._redirected.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._redirected.__exit__(*raised)

    def working(self, what: Work, done: int, total: int, detail: str = "") -> None:
        now = time.monotonic()
        if (what, detail) == self._what and now - self._said < PLAIN_SECONDS and done < total:
            return
        self._said, self._what = now, (what, detail)
        count, line = self._count(done, total), self._work(what, detail)
        self._say(self.words.counted.format(what=line, count=count) if total > 0 else line)

    def run_started(self, run: RunSpec) -> None:
        super().run_started(run)
        self._said_of[run.run_id] = time.monotonic()
        self._say(self.words.starts.format(run=self._place(run)))

    def run_progressed(self, progress: Progress) -> None:
        super().run_progressed(progress)
        row, words = self.rows[progress.run_id], self.words
        quiet = time.monotonic() - self._said_of[progress.run_id]
        if progress.row is None:
            if quiet < QUIET_SECONDS:
                return
            step = self.numbers.count(progress.step)
            text = words.step.format(epoch=progress.epoch, epochs=progress.epochs, step=step)
            if row.run.finetune == "head":
                text = words.features.format(done=step, total=self.numbers.count(progress.steps))
        elif quiet < PLAIN_SECONDS:
            return
        else:
            text = words.accuracies.format(
                epoch=progress.epoch,
                epochs=progress.epochs,
                train=self._percent(row.train_accuracy),
                test=self._percent(row.test_accuracy) or "–",
            )
        self._said_of[progress.run_id] = time.monotonic()
        left, all_left = row.seconds_left(), self.seconds_left()
        parts = [progress.run_id] if self.running() > 1 else []
        parts += [text, words.rate.format(self._rate(row))]
        parts += [words.left.format(clock(left))] if left is not None else []
        parts += [words.all_left.format(clock(all_left))] if all_left is not None else []
        self._say(f"  {words.joint.join(parts)}")

    def run_ended(self, run: RunSpec, record: RunRecord, *, skipped: bool) -> None:
        super().run_ended(run, record, skipped=skipped)
        words, row, place = self.words, self.rows[run.run_id], self._place(run)
        test = self._percent(row.test_accuracy)
        if skipped:
            self._say(words.before.format(run=place, test=test))
        elif record.is_finished:
            self._say(words.finished.format(run=place, test=test, time=self._time(row)))
        elif record.has_result and record.metrics:
            epochs = record.metrics.epoch
            self._say(words.stopped_so_far.format(run=place, epochs=epochs, test=test))
        elif record.status == "interrupted" and record.lengths:
            length = record.lengths[-1].length
            self._say(words.stopped.format(run=place, length=length, test=test))
        elif record.status == "interrupted" and record.error is None:
            self._say(words.out_of_time.format(run=place))
        else:
            state = words.states.get(record.status, record.status)
            self._say(words.ended.format(run=place, state=state, error=plain(record.error)))

    def _place(self, run: RunSpec) -> str:
        position = list(self.rows).index(run.run_id) + 1
        return self.words.run.format(number=position, planned=len(self.rows), name=run.run_id)

    def _say(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)


def _window(column: Column, start: int, room: int) -> Column:
    return replace(column, cells=column.cells[start : start + room])


def _epoch(row: RunRow) -> str:
    return f"{row.progress.epoch}/{row.progress.epochs}" if row.progress else ""
