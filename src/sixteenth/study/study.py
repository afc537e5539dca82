"""A study from its file to its report: what the command line and a notebook both call.

What its runs have left is read in `reading`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, SpecError
from ..language import find_tag
from ..spec import StudySpec, as_begun, dump_spec, load_spec, parse_spec
from ..storage.lock import FolderLock
from ..storage.run_facts import DataFacts, WeightsFacts
from ..storage.study_folder import StudyFolder, check_is_study
from ..storage.whole_files import check_writable, sweep, write_text
from . import preflight
from .listener import Listener
from .reading import StudyResults

if TYPE_CHECKING:
    import pandas as pd

    from ..data import ImageDataset
    from .executors import Place
    from .planning.known import KnownSpeeds
    from .training import TrainingPlan


class Study(StudyResults):
    """A grid of runs over one dataset, and the folder that holds what they left.

    >>> study = Study.load("cifar10", ["train.epochs=6"])        # doctest: +SKIP
    >>> study.run()                                              # doctest: +SKIP
    >>> study.results()[["model", "fraction", "test_accuracy"]]  # doctest: +SKIP

    Attributes:
        spec: the checked study file.
        folder: where runs, tables and the report lie.
        language: the tag of that of the report and of all that is said; may be set.
    """

    def __init__(
        self,
        spec: StudySpec | Mapping[str, Any],
        folder: str | Path | None = None,
        *,
        data_dir: str | Path | None = None,
        cifar_archive: str | None = None,
        language: str | None = None,
        fresh: bool = False,
        dataset: ImageDataset | None = None,
    ) -> None:
        """Make a study of a spec, or of a mapping that reads like a study file.

        Args:
            spec: the study.
            folder: by default ``studies/NAME``. Nothing is written before `run`.
            data_dir: where downloads and decoded images are kept; by default the user's cache.
            cifar_archive: the archive of CIFAR-10 or CIFAR-100, a file or an address.
            language: a tag; by default the study file's, else the locale's if it is one of ours,
                else ``en``.
            fresh: in the first of FOLDER, FOLDER-2, FOLDER-3, ... that holds nothing.
            dataset: the images, where they were loaded already.

        Raises:
            SpecError: the mapping is no study.
            InputError: the language is none of ours.
        """
        checked = spec if isinstance(spec, StudySpec) else parse_spec(spec)
        place = Path(folder) if folder else Path("studies") / checked.name
        place = preflight.fresh_folder(place) if fresh else place
        super().__init__(as_begun(checked, StudyFolder(place).spec_path), place, language)
        self.data_dir = Path(data_dir) if data_dir else None
        self.cifar_archive = cifar_archive
        self._dataset = dataset
        self._weights: dict[tuple[str, str], WeightsFacts] = {}

    @classmethod
    def load(
        cls,
        study: str | Path,
        settings: Sequence[str] = (),
        folder: str | Path | None = None,
        *,
        data_dir: str | Path | None = None,
        cifar_archive: str | None = None,
        language: str | None = None,
        fresh: bool = False,
    ) -> Study:
        """Load a preset by its name, or a study file, with ``KEY=VALUE`` settings applied.

        Args:
            folder, data_dir, cifar_archive, language, fresh: as of `Study`.

        Raises:
            SpecError: no such study, or something in it is wrong.
            InputError: the language is none of ours.
        """
        spec = load_spec(study, settings)
        if spec.language and language is None:
            try:
                find_tag(spec.language)
            except InputError as error:
                given = any(each.startswith("language=") for each in settings)
                where = "--set language" if given else study
                raise SpecError(f"{where}: {error}") from None
        return cls(
            spec,
            folder,
            data_dir=data_dir,
            cifar_archive=cifar_archive,
            language=language,
            fresh=fresh,
        )

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        data_dir: str | Path | None = None,
        cifar_archive: str | None = None,
        language: str | None = None,
    ) -> Study:
        """Open the study that lies in a folder.

        Args:
            data_dir, cifar_archive, language: as of `Study`.

        Raises:
            InputError: no study lies there, or the language is none of ours.
        """
        place = Path(folder)
        check_is_study(place)
        return cls(
            preflight.load_begun(place),
            place,
            data_dir=data_dir,
            cifar_archive=cifar_archive,
            language=language,
        )

    def dataset(self, listener: Listener | None = None) -> ImageDataset:
        """The images, loaded once; `listener` is told what is odd about them.

        Raises:
            DataError: they cannot be had, or are not what a study needs.
        """
        if self._dataset is None:
            from .images import load_images

            self._dataset = load_images(
                self.spec,
                self._recorded_data,
                listener or Listener(),
                language=self.language,
                data_dir=self.data_dir,
                cifar_archive=self.cifar_archive,
            )
        return self._dataset

    def run(
        self,
        *,
        device: str | None = None,
        workers: int | None = None,
        threads: int | None = None,
        executor: str | None = None,
        slurm: str | None = None,
        shared_folder: bool = True,
        budget: float | None = None,
        listener: Listener | None = None,
    ) -> pd.DataFrame:
        """Train every run that is not finished yet, then write results.csv and the report.

        Args:
            budget: seconds for this call; only the runs that fit are trained, the most telling
                first, those of the first fraction that does not fit for half of their steps, see
                `study.planning.budget`. What is still being trained after a tenth more is
                interrupted. Without, all are.
            device: ``cpu``, ``cuda``, ``mps``; by default the best one here.
            workers: runs at the same time.
            threads: CPU threads of each run. A run's result depends on them, not on `workers`.
            executor: ``ray``, ``ray://HOST:PORT`` or ``slurm``; by default processes of this
                machine.
            slurm: options of its jobs, such as ``partition=gpu,time=240`` (minutes).
            shared_folder: the machines of a cluster see the study's folder; without, of Ray only,
                what runs leave is sent here.
            listener: is told of every step.

        Returns:
            The results table, see `results`.

        Raises:
            InputError: the study, the data or the folder are not right, another process is at work
                in the folder, or no run fits into the budget; nothing was trained.
            OSError: the disk is full or cannot be written; what was finished is kept.
            KeyboardInterrupt: what was finished is kept; running again goes on from there.
        """
        from .executors import place_of
        from .kept import lost_reasons, save_lost_rows
        from .planning.executions import ExecutionRequest, write_executions
        from .predictions import check_predictions

        began = time.monotonic()
        listener = listener or Listener()
        request = ExecutionRequest(device, workers, threads, executor, slurm, shared_folder)
        place = place_of(request, self.folder, self.data_dir, self.cifar_archive)
        place.require()
        with FolderLock(self.folder) as lock, place:
            preflight.check_folder(self.folder, self.spec)
            check_writable(self.folder)
            if StudyFolder(self.folder).spec_path.is_file():
                self._take(lock)  # at once, not after the images were read
                StudyFolder(self.folder).take_repeats(self.runs())
            plan = self._plan_training(place, listener, to_train=True, timed=budget is not None)
            self._weights |= plan.weights
            if budget is not None:
                plan = plan.within(budget, began)
            preflight.check_disk(self.folder, plan.disk_needed())
            self.freeze(lock)
            snapshot = self.snapshot()
            check_predictions(snapshot)
            for record in snapshot.records.values():
                if record.is_finished:
                    snapshot.place(record.run_id).remove_leftovers()
            lost = save_lost_rows(StudyFolder(self.folder), self.runs())
            reasons = lost_reasons(StudyFolder(self.folder), self.spec)
            for notice in filter(None, (lost, reasons)):
                listener.noticed(notice)
            write_executions(self.folder, plan.schedule)
            report = None if budget is None else self._write_report
            plan.train(self._adopt, report)
            self._write_report(unless_current=True)
            return self.results()

    def plan(
        self,
        *,
        device: str | None = None,
        workers: int | None = None,
        threads: int | None = None,
        executor: str | None = None,
        slurm: str | None = None,
        shared_folder: bool = True,
        budget: float | None = None,
        listener: Listener | None = None,
    ) -> pd.DataFrame:
        """What each run will cost, see `study.planning.cost.plan_table`. Trains and writes nothing.

        Its ``attrs["disk_needed"]`` are the bytes that must be free for `run` to begin. With a
        `budget` in seconds, the runs that fit come first, in the order in which they begin, and
        ``attrs["precision"]`` is a `study.planning.precision.Precision`.

        Raises:
            InputError: as `run`.
        """
        from .executors import place_of
        from .planning.cost import plan_table
        from .planning.executions import ExecutionRequest
        from .planning.precision import expected_precision

        request = ExecutionRequest(device, workers, threads, executor, slurm, shared_folder)
        with place_of(request, self.folder, self.data_dir, self.cifar_archive) as place:
            plan = self._plan_training(place, listener or Listener(), to_train=False, timed=True)
        self._weights |= plan.weights
        if budget is not None:
            plan = plan.within(budget)
        table = plan_table(plan.begun, plan.dataset, plan.costs, plan.chosen)
        table.attrs["disk_needed"] = plan.disk_needed()
        if budget is not None:
            begins = table["begins"].astype(float).fillna(math.inf)
            begins = begins.mask(table["status"] == "finished", -1.0)
            table = table.iloc[begins.argsort(kind="stable")].reset_index(drop=True)
            tested = len(plan.dataset.test)
            table.attrs["precision"] = expected_precision(table, self.results(), tested)
        return table

    def _plan_training(
        self, place: Place, listener: Listener, *, to_train: bool, timed: bool
    ) -> TrainingPlan:
        """What `plan` and `run` have in common.

        Args:
            to_train: else it is only shown, and nothing is downloaded but images.
            timed: as of `plan_training`.
        """
        from .training import plan_training

        return plan_training(self, self.dataset, place, listener, download=to_train, timed=timed)

    def _recorded_data(self) -> Iterator[DataFacts]:
        """The images of the runs that were begun, also of those that are planned no more."""
        known = self.snapshot().records
        for place in StudyFolder(self.folder).runs():
            record = known.get(place.path.name) or place.read_record()
            if record is not None and record.data is not None:
                yield record.data

    def weights(self) -> list[dict[str, Any]]:
        """``model, init, file, key, prefix`` of every file of initial weights as it was understood,
        by the runs that were begun and by `plan` and `run`; of timm's own weights ``config``."""
        known = dict(self._weights)
        for record in self.records():
            if record.model and record.model.weights:
                known[record.spec.model, record.spec.init] = record.model.weights
        return [
            {"model": model, "init": init, **facts.to_dict()}
            for (model, init), facts in known.items()
        ]

    @cached_property
    def shared_speeds(self) -> KnownSpeeds:
        """How fast its runs were trained on this machine, for the studies that belong to it; what
        these measure is added."""
        from .planning.known import finished_speeds

        return finished_speeds(self.snapshot(), self.dataset())

    def _take(self, lock: FolderLock) -> None:
        try:
            lock.acquire()
        except OSError as error:
            raise InputError(f"cannot write to {self.folder}: {error.strerror}") from None

    def freeze(self, lock: FolderLock) -> None:
        """Make the folder this study's, unless it has become another one's in the meantime.

        For other modules of the package.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._take(lock)
            preflight.check_folder(self.folder, self.spec)
            path = StudyFolder(self.folder).spec_path
            if not path.is_file():
                sweep(self.folder)
            write_text(path, dump_spec(self.spec, path))
        except OSError as error:
            raise InputError(f"cannot write to {self.folder}: {error.strerror}") from None
