"""A study that somebody trains, here or on another machine, followed by what its folder holds.

Files are only read, and again only when one of them has changed. Everything that a run says while
it is trained is in its run.json, its history.csv (written with its checkpoints, so mostly after
every epoch) and the beat of its writer.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from ...analysis import Metric
from ...engine.progress import Progress
from ...errors import InputError
from ...language import language_for
from ...language.words import Names
from ...report.discussion import planned_epochs
from ...report.page.live import (
    SECONDS,
    LiveRun,
    live_page,
    note_part,
    state_part,
    trouble_part,
)
from ...spec import RunSpec, load_frozen
from ...storage.lease import Pulse
from ...storage.run_record import RunRecord
from ...storage.study_folder import StudyFolder, StudySnapshot
from ...study.reading import StudyResults
from ..run_progress import RunProgress
from .drawing import Drawing, described

PATIENCE = 1.0
"""Seconds that a request waits for what is new; it then gets what was known before."""


class Follower:
    """The parts of the page of one study; safe to be asked by several threads.

    Args:
        folder: the study's, which need not be there yet.
        tag: of the language of the page.
    """

    def __init__(self, folder: Path, tag: str = "en") -> None:
        self._place = StudyFolder(folder)
        self._lock = threading.Lock()
        self._work = threading.Thread()
        self._next = -math.inf
        self._study: StudyResults | None = None
        self._spec_written: tuple[int, int] | None = None
        # By their folders: runs of `sixteenth explain` have the names of those of the study.
        self._pulses: dict[Path, Pulse] = {}
        self._grown: dict[Path, tuple[int, float]] = {}
        self._language = language = language_for(tag=tag)
        self._drawing = Drawing(language)
        self._state = note_part(language.watch.reading, language)
        self._trouble = ""

    def parts(self) -> dict[str, str]:
        """The HTML of each part of the page by its id, as `report.page.live` makes it."""
        with self._lock:
            if not self._work.is_alive() and time.monotonic() >= self._next:
                self._work = threading.Thread(target=self._update, daemon=True)
                self._work.start()
            work = self._work
        until = time.monotonic() + PATIENCE
        if work.ident is not None:
            work.join(PATIENCE)
        drawing = self._drawing
        drawing.wait(until - time.monotonic())
        trouble = trouble_part(self._trouble or drawing.trouble, self._language)
        return {"trouble": trouble, "state": self._state, **drawing.parts}

    def _update(self) -> None:
        began, trouble = time.monotonic(), ""
        try:
            self._look()
        except Exception as error:  # what is half there must not end the page
            trouble = described(error)
        self._trouble = trouble
        self._next = began + SECONDS / 2

    def page(self) -> tuple[bytes, str]:
        """The whole page and its Content-Security-Policy."""
        parts = self.parts()
        name = self._study.spec.name if self._study else self._place.path.name
        return live_page(name, parts, self._language)

    def _look(self) -> None:
        """Bring the table up to date; the answer and the curves follow in their own time.

        Raises:
            Exception: something in the folder cannot be read; all stays as it was.
        """
        self._read_spec()
        if self._study is None:
            language = self._language
            self._state = note_part(language.watch.preparing, language)
            return
        study = self._study.as_read()
        progress, runs = self._runs(study.snapshots()[0])
        lever_runs = self._lever_runs(study)
        self._state = state_part(runs, lever_runs, progress.seconds_left(), self._language)
        self._drawing.begin(study, runs, lever_runs)

    def _read_spec(self) -> None:
        path = self._place.spec_path
        try:
            found = path.stat()
        except FileNotFoundError:
            if self._study is None:
                return
            # A share that is not mounted looks so: what was read before is not undone by it.
            raise InputError(f"{path} is not there any more") from None
        written = found.st_mtime_ns, found.st_ino
        if written != self._spec_written:
            study = StudyResults(load_frozen(path), self._place.path)
            runs, metric = study.runs(), Metric(study.spec.metric)
            names = Names.of([run.model for run in runs], [run.strategy for run in runs], metric)
            self._language = type(self._language)(names)
            self._drawing = Drawing(self._language)
            self._study, self._spec_written = study, written

    def _lever_runs(self, study: StudyResults) -> list[LiveRun]:
        """Where the runs of `sixteenth explain` stand, as far as it has begun."""
        words = self._language.watch
        return [
            replace(run, changed=words.control if lever is None else words.levers[lever])
            for lever, snapshot in study.lever_runs()
            for run in self._runs(snapshot)[1]
        ]

    def _runs(self, snapshot: StudySnapshot) -> tuple[RunProgress, list[LiveRun]]:
        """Where all runs stand, and what the terminal's display would know of them."""
        progress = RunProgress(Console(quiet=True))
        kept = {key: row for key, row in snapshot.kept.rows.items() if key not in snapshot.records}
        progress.runs_planned([run for run in snapshot.runs if run.run_id not in kept])
        runs, histories = [], dict(iter(snapshot.histories.groupby("run_id")))
        for run in snapshot.runs:
            record = snapshot.records.get(run.run_id)
            if record is None:
                row = kept.get(run.run_id)
                runs.append(LiveRun(run) if row is None else _kept_run(run, row))
            else:
                history = histories.get(run.run_id, pd.DataFrame())
                place = snapshot.folder.run(run.run_id).path
                runs.append(self._run(place, run, record, history, progress))
        return progress, runs

    def _run(
        self,
        place: Path,
        run: RunSpec,
        record: RunRecord,
        history: pd.DataFrame,
        progress: RunProgress,
    ) -> LiveRun:
        state = str(record.status)
        if state == "running" and not self._pulse(place).is_alive():
            state = "silent"
        progress.data_known(record)
        if state in ("finished", "failed"):
            progress.run_ended(run, record, skipped=False)
        if state == "running":
            progress.run_started(run)
        row = progress.rows[run.run_id]
        epochs = planned_epochs(run.train.epochs, run.train.steps, history)
        if len(history) and state == "interrupted" and epochs is not None:
            progress.parts_planned({run.run_id: (int(history["epoch"].iloc[-1]) / epochs, 1.0)})
        if len(history) and state == "running" and epochs is not None:
            last = history.iloc[-1]
            seconds, step = float(history["seconds"].sum()), int(last["step"])
            steps = run.train.steps or epochs * step // int(last["epoch"])
            # All that is known of cool-downs of shorter lengths is how much they add in all.
            done, all_steps = step * run.steps_factor, steps * run.steps_factor
            rate = float(last["images"]) / seconds if seconds else 0.0
            row.progress = Progress(
                run.run_id, int(last["epoch"]), epochs, round(done), round(all_steps), rate
            )
            row.updated = self._grew(place, len(history))
            row.began = row.updated - seconds
        measured = record.metrics if state != "running" else None
        return LiveRun(
            run,
            state,
            int(history["epoch"].iloc[-1]) if len(history) else None,
            epochs,
            measured.train_accuracy if measured else _last(history, "train_accuracy"),
            measured.test_accuracy if measured else _last(history, "test_accuracy"),
            row.seconds_left() if state == "running" else None,
            so_far=record.has_result and not record.is_finished,
        )

    def _pulse(self, place: Path) -> Pulse:
        return self._pulses.setdefault(place, Pulse(place))

    def _grew(self, place: Path, epochs: int) -> float:
        """When the run was first seen with so many epochs."""
        if self._grown.get(place, (0, 0.0))[0] != epochs:
            self._grown[place] = epochs, time.monotonic()
        return self._grown[place][1]


def _kept_run(run: RunSpec, row: Mapping[str, Any]) -> LiveRun:
    """A run with a result of which a row of a table alone is left."""
    found = (float(row.get(column, "nan")) for column in ("train_accuracy", "test_accuracy"))
    train, test = (None if math.isnan(each) else each for each in found)
    state = str(row["status"])
    so_far = state != "finished"
    return LiveRun(run, state, train_accuracy=train, test_accuracy=test, so_far=so_far)


def _last(history: pd.DataFrame, column: str) -> float | None:
    """The last that was measured of a column of history.csv."""
    if column not in history:
        return None
    known = history[column].dropna()
    return float(known.iloc[-1]) if len(known) else None
