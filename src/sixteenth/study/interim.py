"""What a study shows while its runs are trained: results.csv and, within a budget, the report.

Nothing is trained or read here: the record of each run comes from its own training.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Self

from ..errors import InputError
from ..storage.run_record import RunRecord
from ..storage.study_folder import StudySnapshot
from .pace import PacedWrite
from .results import results_table, write_results

REPORT_SECONDS = 2.0
"""What the first report of a study is expected to take; then it is known."""


class InterimResults:
    """Keeps the results current in the ``with`` block that trains the runs.

    After the block the study knows every run that ended in it. Where an exception ends it, such as
    Ctrl-C or a full disk, no report follows, which would write results.csv. So results.csv is
    written once more, with the runs that ended since it was last written, or were cut off. If that
    fails on the disk too, the first exception is the one that is raised.
    """

    def __init__(
        self,
        begun: StudySnapshot,
        adopt: Callable[[StudySnapshot], StudySnapshot],
        write_report: Callable[[], object] | None,
        notice: Callable[[str], None],
    ) -> None:
        """Write nothing yet.

        Args:
            begun: what the study's folder held before training.
            adopt: lets the study know a snapshot without reading it, and returns it with what its
                tables take from other folders.
            write_report: writes the report of what the study knows. If it is given, the report is
                written as runs end, too.
            notice: is told once of a file that cannot be replaced now.
        """
        self._notice, self._noticed = notice, False
        self._begun, self._adopt = begun, adopt
        self._ended: list[RunRecord] = []
        # Of thousands of runs the table takes seconds, so it does not follow each of them, and
        # has its intervals, which change with every run, at the end.
        self._writes = [PacedWrite(self._write_table)]
        if write_report is not None:

            def report() -> None:
                self._take_in()
                write_report()

            self._writes.append(PacedWrite(report, expected=REPORT_SECONDS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exception: type[BaseException] | None, *_: object) -> None:
        if exception is None:
            self._take_in()
            return
        # A budget stops a run at one of its lengths, and may have begun it again.
        known = {each.run_id for each in self._ended if each.status in ("finished", "failed")}
        for run in self._begun.unfinished():
            with suppress(OSError, InputError):
                record = self._begun.folder.run(run.run_id).read_record()
                if record is not None and run.run_id not in known:
                    self._ended.append(record)
        with suppress(OSError):
            write_results(self._take_in())

    def add(self, record: RunRecord) -> None:
        """Take in a run that finished or failed; write the tables and the report if they are due.

        A file that a spreadsheet has open cannot be replaced on Windows: that is tried again when
        the next run ends. So is what a damaged file of another run prevents.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        self._ended.append(record)
        for write in self._writes:
            try:
                write.offer()
            except PermissionError as error:
                self._notice_once(
                    f"{error.filename} cannot be written ({error.strerror}): close the program "
                    "that has it open; training goes on"
                )
            except InputError as error:
                self._notice_once(f"there is no report for now: {error}; training goes on")

    def _notice_once(self, said: str) -> None:
        if not self._noticed:
            self._notice(said)
        self._noticed = True

    def _take_in(self) -> StudySnapshot:
        """Let the study know the ended runs. It goes over all records, so not after each run."""
        return self._adopt(self._begun.with_records(self._ended))

    def _write_table(self) -> None:
        snapshot = self._take_in()
        write_results(snapshot, results_table(snapshot, intervals=False))
