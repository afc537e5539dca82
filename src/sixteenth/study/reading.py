"""What a study's folder tells: tables, findings in numbers and words, figures, the report.

Everything is derived from the run folders, which are read again only if a file of a run has
changed. `study` adds what trains them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..language import find_tag, language_for, locale_tag
from ..spec import RunSpec, StudySpec, load_frozen
from ..storage.run_facts import DataFacts
from ..storage.run_record import RunRecord
from ..storage.study_folder import StudyFolder, StudySnapshot, check_is_study

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    from ..analysis import Findings
    from ..analysis.findings.levers import Lever
    from ..language.base import Discussion, SaidAdvice
    from ..language.said import SaidOverview
    from ..report.discussion import Measurements
    from .levers import LeverStudy


class StudyResults:
    """What the runs of a study have left.

    Attributes:
        spec: the checked study file.
        folder: where runs, tables and the report lie.
        language: the tag of that of the report and of all that is said.
    """

    def __init__(self, spec: StudySpec, folder: Path, language: str | None = None) -> None:
        """Read nothing yet.

        Args:
            language: a tag; by default the study file's, else the locale's if it is one of ours,
                else ``en``.

        Raises:
            InputError: the language is none of ours.
        """
        self.spec, self.folder = spec, folder
        wanted = language or spec.language
        self._language = find_tag(wanted) if wanted else locale_tag()
        self._planned: tuple[StudySpec, list[RunSpec]] | None = None
        self._snapshot: StudySnapshot | None = None
        self._merged: tuple[list[StudySnapshot], StudySnapshot] | None = None
        self._tables: tuple[StudySnapshot, dict[str, pd.DataFrame]] | None = None
        self._lever_snapshots: dict[Path, StudySnapshot] = {}
        self._analysed: tuple[list[StudySnapshot], StudySpec, Findings] | None = None

    @property
    def language(self) -> str:
        """The tag of that of the report and of all that is said.

        It may be set, in any spelling that `find_tag` knows.

        Raises:
            InputError: the language is none of ours.
        """
        return self._language

    @language.setter
    def language(self, wanted: str) -> None:
        self._language = find_tag(wanted)

    def __repr__(self) -> str:
        return f"Study({self.spec.name!r}, {len(self.runs())} runs, folder={str(self.folder)!r})"

    def _repr_html_(self) -> str:
        shown = self.results()[
            ["run_id", "length", "train_size", "status", "train_accuracy", "test_accuracy"]
        ]
        return f"<p><code>{escape(repr(self))}</code></p>{shown.to_html(index=False)}"

    def runs(self) -> list[RunSpec]:
        """The runs of the grid, small subsets first."""
        if self._planned is None or self._planned[0] is not self.spec:
            self._planned = self.spec, self.spec.runs()
        return list(self._planned[1])

    def results(self) -> pd.DataFrame:
        """One row per run of the grid and shorter length, see `study.results.results_table`."""
        return self._table("results", self._read_all()).copy()

    def histories(self) -> pd.DataFrame:
        """One row per run and epoch, see `study.results.histories_table`."""
        return self._table("histories", self._read_all()).copy()

    def predictions(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Test labels (n,) and class probabilities (n, classes) of finished runs, by run_id.

        The ids are those of `results`: with shorter lengths, as ``RUN_ID@1/4``.
        """
        return dict(self._read_all().predictions())

    def records(self) -> list[RunRecord]:
        """run.json of every run that was begun."""
        return list(self.snapshot().records.values())

    def rows_alone(self) -> list[str]:
        """The finished runs of which only a row of a kept table is left, by their ids."""
        read = self.snapshot()
        return [run_id for run_id in read.kept.run_ids() if run_id not in read.records]

    def data_facts(self) -> DataFacts | None:
        """What the images were taken for, by the first record that has it; None before a run."""
        return next((record.data for record in self.records() if record.data is not None), None)

    def snapshots(self) -> list[StudySnapshot]:
        """All that the findings rest on; of each, another one where a file of its runs has changed.

        The runs of the grid; the same with the trainings of `sixteenth explain` that repeat a cell;
        what each of its levers has left.
        """
        return [self.snapshot(), self._read_all(), *(read for _, read in self._read_levers())]

    def lever_runs(self) -> list[tuple[Lever | None, StudySnapshot]]:
        """The runs of `sixteenth explain` so far: those of each lever, by place.

        With None as their lever those of the control runs, as far as they have begun: how many
        there will be follows from the study, not from their folder.
        """
        levers = [(each.lever, read) for each, read in self._read_levers()]
        return [*levers, *((None, read) for read in self._read_controls())]

    def as_read(self) -> StudyResults:
        """The study as it is now, for another thread: nothing of it is read again later."""
        return _StudyAsRead(self)

    def findings(self) -> Findings:
        """What the measurements show, in numbers; analysed again only if they have changed."""
        kept, snapshots = self._analysed, self.snapshots()
        if kept is None or not same_snapshots(kept[0], snapshots) or kept[1] != self.spec:
            self._analysed = kept = snapshots, self.spec, self._analyse()
        return kept[2]

    def discussion(self) -> Discussion:
        """The answer, and what the measurements say about it, in words."""
        found = self.findings()
        return language_for(found, self.language).discuss(found)

    def opening(self) -> tuple[str, ...]:
        """The verdict of the report, then what stands under it, in sentences."""
        found = self.findings()
        return language_for(found, self.language).opening(found)

    def overview(self) -> SaidOverview:
        """The first screen of the report in words: verdict, cards, cautions."""
        from ..report.provenance import data_name

        found, spec = self.findings(), self.spec.model_dump(mode="json")
        return language_for(found, self.language).screen.screen(
            found.overview, data_name(spec, self.records())
        )

    def advice(self, target_error: float | None = None) -> SaidAdvice:
        """The next most useful thing to do, its gain, its cost and how sure that is, in words.

        Its `findings` are the same in numbers.

        Args:
            target_error: a wanted test error in [0, 1]; then also what reaching it takes.
        """
        found = self.findings() if target_error is None else self._analyse(target_error)
        return language_for(found, self.language).advise(found)

    def figures(self) -> dict[str, Figure]:
        """The report's figures as matplotlib figures, by name."""
        from ..report.parts import draw_figures

        found = self.findings()
        language = language_for(found, self.language)
        return draw_figures(self.results(), self.histories(), found, language)

    def report(self, *, from_table: bool = False) -> Path:
        """Write results.csv, per_class.csv and the report from the run folders.

        Args:
            from_table: of finished runs whose folders are gone, keep what the tables say of them:
                these are copied to the folder ``kept`` of the study, and from then on the rows
                stand in for such runs everywhere, also for those of `sixteenth explain`.
                `Study.run` does not train them again. Their training curves and test predictions
                are missing.

        Returns:
            The path of report.html.

        Raises:
            InputError: the study was not run yet, the folders of runs that results.csv knows as
                finished are gone, or, with `from_table`, it is no table of this study; nothing was
                written.
        """
        from .kept import check_nothing_lost, gone_runs, keep_tables
        from .levers import begun_reasons

        check_is_study(self.folder)  # else `Study.run` would find a folder that is not its own
        folder = StudyFolder(self.folder)
        if from_table:
            keep_tables(folder, self.runs())
            for place, each in begun_reasons(self.spec, self.folder).items():
                if gone_runs(place)[0]:
                    keep_tables(place, each.spec.runs())
        else:
            check_nothing_lost(folder, self.runs())
        return self._write_report()

    def _write_report(self, *, unless_current: bool = False) -> Path:
        """`report` without its check.

        Args:
            unless_current: leave everything as it is if the report was made from these very files,
                by this version and in this language.
        """
        from ..report.page.build import build_report, is_made_from
        from .results import write_classes, write_results

        snapshot = self._read_all()
        made_from = self._state(snapshot)
        if (
            unless_current
            and snapshot.folder.results_path.is_file()
            and snapshot.folder.per_class_path.is_file()
            and is_made_from(self.folder, made_from)
        ):
            return snapshot.folder.report_path
        found = self.findings()
        write_results(snapshot, self._table("results", snapshot))
        language = language_for(found, self.language)
        measurements = self._measurements(snapshot)
        write_classes(snapshot, found.grid, measurements.class_images)
        return build_report(self.folder, measurements, found, language, made_from=made_from)

    def _state(self, snapshot: StudySnapshot) -> str:
        """A digest of all that a report depends on."""
        from .. import __version__

        levers = [read.stamps for _, read in self._read_levers()]
        state = repr((__version__, self.language, self.spec, snapshot.stamps, levers))
        return sha256(state.encode()).hexdigest()[:32]

    def _analyse(self, target_error: float | None = None) -> Findings:
        from ..analysis.findings.levers import LeverRuns
        from ..report.discussion import analyse_study
        from .results import class_sizes, results_table

        snapshot = self._read_all()
        lever_runs = [
            LeverRuns(
                each.pair,
                each.lever,
                results_table(read),
                read.predictions(),
                each.settings(self.spec),
            )
            for each, read in self._read_levers()
        ]
        measured, predictions = self._measurements(snapshot), snapshot.predictions()
        if not predictions:
            measured = replace(measured, class_sizes=class_sizes(snapshot))
        return analyse_study(
            measured,
            predictions,
            target_error=target_error,
            lever_runs=lever_runs,
        )

    def snapshot(self) -> StudySnapshot:
        """What the runs of the grid have left; read again only if a file of a run has changed.

        For other modules of the package.
        """
        self._snapshot = _read_again(self._snapshot, self.folder, self.runs())
        return self._snapshot

    def _read_all(self) -> StudySnapshot:
        """`snapshot` with the trainings of `sixteenth explain` that repeat a cell of the study."""
        return self._with_repeats(self.snapshot())

    def _adopt(self, own: StudySnapshot) -> StudySnapshot:
        """`_read_all` where `own` is known to be what the runs have left: none is read again."""
        self._snapshot = own
        return self._with_repeats(own)

    def _with_repeats(self, own: StudySnapshot) -> StudySnapshot:
        """`own` and the trainings that repeat its cells; only those are read."""
        from ..analysis.findings.levers import Lever

        parts = [own, *(read for _, read in self._read_levers([Lever.SEEDS]))]
        if self._merged is None or not same_snapshots(self._merged[0], parts):
            self._merged = parts, parts[0].with_repeats(parts[1:])
        return self._merged[1]

    def _read_levers(
        self, levers: Iterable[Lever] | None = None
    ) -> list[tuple[LeverStudy, StudySnapshot]]:
        """What the levers of `sixteenth explain` have left, likewise; those asked for, or all."""
        from ..analysis.findings.levers import Lever
        from .levers import begun_levers

        begun = list(begun_levers(self.spec, self.folder, Lever if levers is None else levers))
        kept = self._lever_snapshots
        for each in begun:
            kept[each.folder] = _read_again(kept.get(each.folder), each.folder, each.runs())
        return [(each, kept[each.folder]) for each in begun]

    def _read_controls(self) -> list[StudySnapshot]:
        """What the control runs of `sixteenth explain --separate` have left, likewise."""
        kept, found = self._lever_snapshots, []
        for place in StudyFolder(self.folder).control_folders():
            if place.spec_path.is_file():
                begun = {run.path.name for run in place.runs()}
                runs = [run for run in load_frozen(place.spec_path).runs() if run.run_id in begun]
                kept[place.path] = _read_again(kept.get(place.path), place.path, runs)
                found.append(kept[place.path])
        return found

    def _measurements(self, snapshot: StudySnapshot) -> Measurements:
        """What a report is made from."""
        from ..report.discussion import Measurements
        from .class_images import class_images

        return Measurements(
            spec=self.spec.model_dump(mode="json"),
            results=self._table("results", snapshot),
            histories=self._table("histories", snapshot),
            records=list(snapshot.records.values()),
            class_images=class_images(snapshot),
        )

    def _table(
        self, name: Literal["results", "histories"], snapshot: StudySnapshot
    ) -> pd.DataFrame:
        """A table of a snapshot, made once: of thousands of runs that takes seconds."""
        from .results import histories_table, results_table

        if self._tables is None or self._tables[0] is not snapshot:
            self._tables = snapshot, {}
        made = self._tables[1]
        if name not in made and name == "results":
            made[name] = results_table(snapshot)
        elif name not in made:
            made[name] = histories_table(snapshot)
        return made[name]


class _StudyAsRead(StudyResults):
    """What the runs of a study had left at one moment."""

    def __init__(self, study: StudyResults) -> None:
        super().__init__(study.spec, study.folder)
        self.language = study.language
        self._own = study.snapshot()
        self._all = study._with_repeats(self._own)
        self._levers = study._read_levers()
        self._controls = study._read_controls()

    def snapshot(self) -> StudySnapshot:
        return self._own

    def _read_all(self) -> StudySnapshot:
        return self._all

    def _read_levers(
        self, levers: Iterable[Lever] | None = None
    ) -> list[tuple[LeverStudy, StudySnapshot]]:
        asked = None if levers is None else set(levers)
        return [one for one in self._levers if asked is None or one[0].lever in asked]

    def _read_controls(self) -> list[StudySnapshot]:
        return self._controls


def same_snapshots(kept: Sequence[StudySnapshot], read: Sequence[StudySnapshot]) -> bool:
    """Whether nothing was read again."""
    return len(kept) == len(read) and all(a is b for a, b in zip(kept, read, strict=True))


def _read_again(
    kept: StudySnapshot | None, path: Path, planned: Sequence[RunSpec]
) -> StudySnapshot:
    """`kept` if it still is what these runs have left in a study's folder, else read anew."""
    folder, runs = StudyFolder(path), tuple(planned)
    if kept is None or (kept.folder, kept.runs) != (folder, runs) or not kept.is_current():
        return StudySnapshot.read(folder, runs)
    return kept
