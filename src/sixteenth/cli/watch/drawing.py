"""The answer and the curves on a study's page, which take seconds to make: in their own thread."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence

from ...analysis import Findings
from ...errors import SixteenthError
from ...language.base import Language
from ...report.page.live import LiveRun, answer_part, curves_part
from ...storage.study_folder import KEPT_STAMP, StudySnapshot
from ...study.reading import StudyResults, same_snapshots

SHARE = 0.1
"""Largest part of the time that is spent on the answer and the curves: it is for training."""

_ONE_AT_A_TIME = threading.Lock()
"""Matplotlib's settings are those of the whole process."""


class Drawing:
    """The answer and the curves of one study.

    Attributes:
        parts: their HTML by the names of `report.page.live`, the last that was made of each.
        trouble: why they could not be made anew; empty if they were.
    """

    def __init__(self, language: Language) -> None:
        self.parts = {"answer": "", "curves": ""}
        self.trouble = ""
        self._language = language
        self._thread = threading.Thread()
        self._next = -math.inf
        self._drawn: tuple[Sequence[StudySnapshot], Sequence[str]] = [], ()
        self._findings: Findings | None = None
        self._ended: tuple[Mapping[tuple[int, str], object], Sequence[str]] | None = None

    def begin(
        self, study: StudyResults, runs: Sequence[LiveRun], lever_runs: Sequence[LiveRun]
    ) -> None:
        """Begin to draw a study, if it has changed; not while that is done, nor too often.

        Args:
            study: as it was read, so that another thread can have it.
            runs, lever_runs: where its own runs stood then, and those that test its reasons.
        """
        idle = not self._thread.is_alive() and time.monotonic() >= self._next
        snapshots, states = self._drawn
        same = same_snapshots(snapshots, study.snapshots()) and states == _states(runs, lever_runs)
        if idle and not same:
            thread = threading.Thread(
                target=self._work, args=(study, runs, lever_runs), daemon=True
            )
            thread.start()
            self._thread = thread  # who waits for it must find it started

    def wait(self, seconds: float) -> None:
        """Wait so long for what is being drawn, at most."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, seconds))

    def _work(
        self, study: StudyResults, runs: Sequence[LiveRun], lever_runs: Sequence[LiveRun]
    ) -> None:
        with _ONE_AT_A_TIME:
            # By the clock of the processor: a machine that is busy would make it seem longer.
            began = time.thread_time()
            try:
                self._draw(study, runs, lever_runs)
                self._drawn, self.trouble = (study.snapshots(), _states(runs, lever_runs)), ""
            except Exception as error:  # what is half there must not end the page
                self.trouble = described(error)
            spent = time.thread_time() - began
            self._next = time.monotonic() + spent * (1 / SHARE - 1)

    def _draw(
        self, study: StudyResults, runs: Sequence[LiveRun], lever_runs: Sequence[LiveRun]
    ) -> None:
        """The answer, analysed again only if a run has begun or ended, and the curves."""
        ended = _ended(study.snapshots()), _states(runs, lever_runs)
        if ended != self._ended:
            known = any(run.state == "finished" or run.so_far for run in runs)
            self._findings = study.findings() if known else None
            self._ended = ended
        self.parts["answer"] = answer_part(runs, lever_runs, self._findings, self._language)
        self.parts["curves"] = curves_part(study.histories(), study.results(), self._language)


def described(error: Exception) -> str:
    """What keeps the page from being up to date; with the kind of an error that nobody expects."""
    known = isinstance(error, SixteenthError | OSError)
    return str(error) if known else f"{type(error).__name__}: {error}"


def _states(runs: Sequence[LiveRun], lever_runs: Sequence[LiveRun]) -> tuple[str, ...]:
    """Where all runs stand: of one that was killed no file tells it."""
    return tuple(run.state for run in (*runs, *lever_runs))


def _ended(snapshots: Sequence[StudySnapshot]) -> dict[tuple[int, str], object]:
    """What the findings of a study change with; training curves that grow are left out."""
    kept = {
        (number, KEPT_STAMP): snapshot.stamps[KEPT_STAMP]
        for number, snapshot in enumerate(snapshots)
        if KEPT_STAMP in snapshot.stamps
    }
    return kept | {
        (number, kind + run_id): record
        if record.is_finished
        else (record.status == "failed", record.lengths, record.metrics)
        for number, snapshot in enumerate(snapshots)
        for kind, run_id, record in (
            *(("", run_id, record) for run_id, record in snapshot.records.items()),
            *(("@", run_id, control.record) for run_id, control in snapshot.controls.items()),
        )
        if record.metrics or record.lengths or record.status == "failed"
    }
