"""Runs that belong to another study: those of a lever of `sixteenth explain`, or control runs.

They have a study file and a folder of their own, in that of the study that they belong to, and are
compared with its runs: so they must be trained on the same images, by the same versions, from the
same weights, and what is known of its speeds is known for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.findings.levers import Lever
from ..data.dataset import Split
from ..errors import FRESH, MismatchError
from ..spec import RunSpec, StudySpec
from ..storage.run_facts import DataFacts
from ..storage.study_folder import StudyFolder
from . import preflight
from .listener import Listener
from .results import write_results
from .study import Study

if TYPE_CHECKING:
    from ..data import ImageDataset
    from ..storage.study_folder import StudySnapshot
    from .executors import Place
    from .planning.known import KnownSpeeds
    from .training import TrainingPlan

RESTORE = (
    "what explain trains is compared with it, so restore what it was trained with, or train the "
    "study anew with sixteenth run --fresh"
)


class SubStudy(Study):
    """Runs that belong to another study, whose report tells of them."""

    def __init__(self, base: Study, spec: StudySpec, folder: Path, runs: list[RunSpec]) -> None:
        super().__init__(
            spec,
            folder,
            data_dir=base.data_dir,
            cifar_archive=base.cifar_archive,
            language=base.language,
        )
        self._runs, self._base = runs, base
        if spec.image_size == base.spec.image_size:
            self._dataset = base.dataset()

    def runs(self) -> list[RunSpec]:
        return self._runs

    def check_base(self) -> None:
        """Compare the cells that are trained again with what would train now.

        Where only rows of a table are left of them, the other runs of the study are compared, which
        had the same images and versions.

        Raises:
            MismatchError: their images or versions are others, or no record tells what they are.
        """
        if not self.left:
            return
        base = self._base.snapshot()
        self._check_recorded(base)
        cells = {run.cell for run in self._runs}
        runs = [run for run in base.runs if run.cell in cells]
        records = {
            run.run_id: base.records[run.run_id] for run in runs if run.run_id in base.records
        }
        begun = replace(base, runs=tuple(runs), records=records) if records else base
        try:
            preflight.check_begun(begun, self._base.dataset())
            preflight.check_versions(begun)
        except MismatchError as error:
            raise MismatchError(error.what, RESTORE) from None

    def _check_recorded(self, base: StudySnapshot) -> None:
        """Check that a record of the study tells what each cell was trained with."""
        recorded = [run for run in base.runs if run.run_id in base.records]
        weights = {(run.model, run.init) for run in recorded}
        for run in self._runs:
            if not recorded or (run.init != "random" and (run.model, run.init) not in weights):
                what = "initial weights" if recorded else "images and versions"
                raise MismatchError(
                    f"of {run.model} from {run.init} weights only rows of a table are left, which "
                    f"do not tell its {what}",
                    "what explain trains is compared with it, so bring its run folders back, or "
                    "train the study anew with sixteenth run --fresh",
                )

    def _plan_training(
        self, place: Place, listener: Listener, *, to_train: bool, timed: bool
    ) -> TrainingPlan:
        from .training import plan_training

        self.check_base()
        try:
            return plan_training(
                self,
                self.dataset if to_train else self._images_to_plan,
                place,
                listener,
                download=to_train,
                timed=timed,
                compared=[self._base.snapshot()],
                known_speeds=self._known_speeds,
            )
        except MismatchError as error:
            if error.way_out != FRESH:
                raise
            way_out = RESTORE
            if str(self.folder) in error.what:  # else it is of a run of the study
                way_out = f"remove {self.folder} to train it anew, or restore what it began with"
            raise MismatchError(error.what, way_out) from None

    def _known_speeds(self, dataset: ImageDataset) -> KnownSpeeds:
        """Those of the study that it belongs to, to which its own are added."""
        from .planning.known import finished_speeds

        shared = self._base.shared_speeds
        before = list(shared)
        for each in finished_speeds(self.snapshot(), dataset):
            if each not in before:
                shared.add(each)
        return shared

    def _recorded_data(self) -> Iterator[DataFacts]:
        return self._base._recorded_data()

    def _images_to_plan(self, listener: Listener) -> ImageDataset:
        """Images at another size are not decoded for it: they have noise for their pixels."""
        if self._dataset is not None:
            return self._dataset
        size, base = self.spec.image_size, self._base.dataset()
        noise = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), np.uint8)
        begun = (record.data.fingerprint for record in self.records() if record.data)

        def blank(split: Split) -> Split:
            return Split(np.broadcast_to(noise, (len(split), *noise.shape[1:])), split.labels)

        return replace(
            base,
            train=blank(base.train),
            test=blank(base.test),
            fingerprint=next(filter(None, begun), base.fingerprint),
            cache_dir=None,
        )

    @property
    def left(self) -> int:
        """Runs that are not finished."""
        return len(self.snapshot().unfinished())

    def may_get_a_seed(self, name: str) -> bool:
        """Whether one more seed follows where its verdict, as that lever's, is open."""
        return name in list(Lever) and set(self.spec.seeds) <= set(self._base.spec.seeds)

    def _write_report(self, *, unless_current: bool = False) -> Path:
        write_results(self.snapshot())
        return StudyFolder(self.folder).results_path
