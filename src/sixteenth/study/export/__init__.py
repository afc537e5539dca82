"""What leaves for other tools: a trained network to deploy, a study's numbers for a tracker.

A target is a module with one function, and a line in `export`. Its package is an extra, imported
when it is asked for. Nothing is sent anywhere: a target writes files, which is why it is told where
to (an MLflow server, whose address a user may give, is the only exception).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...messages import counted, nearest
from ...storage.run_folder import RunFolder
from .places import study_of_run, with_data_name

if TYPE_CHECKING:
    from ...spec import RunSpec
    from ..study import Study

OF_RUNS, OF_STUDIES = ("onnx", "hub-folder"), ("mlflow", "wandb-offline", "tensorboard")
TARGETS = (*OF_RUNS, *OF_STUDIES)


@dataclass(frozen=True)
class Agreement:
    """How an exported network compares with the trained one, on test images of its study.

    Attributes:
        images: that both were given.
        largest_difference: of any logit.
        equal_predictions: share of the images that both take for the same class.
        largest_logit: its absolute value, to compare the difference with.
    """

    images: int
    largest_difference: float
    equal_predictions: float
    largest_logit: float


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        target: one of `TARGETS`.
        path: the file or folder, or the address of a tracking server.
        notes: what a user of it should know, each a sentence.
        agreement: of an ONNX file that was checked on test images.
    """

    target: str
    path: str
    notes: tuple[str, ...] = ()
    agreement: Agreement | None = None

    def to_dict(self) -> dict[str, Any]:
        """What JSON says of it."""
        checked = self.agreement and dict(vars(self.agreement))
        notes = list(self.notes)
        return {"to": self.target, "path": self.path, "checked": checked, "notes": notes}


def views_notes(spec: RunSpec, exported: str) -> list[str]:
    """A note on the run's test accuracy, where it is that of several views of each image.

    Args:
        exported: what looks at each image once.
    """
    if spec.views == "none":
        return []
    return [
        f"{exported} looks at each image once; the run's test accuracy is with "
        f"test_augmentation: {spec.views}"
    ]


def export(
    source: str | Path,
    to: str,
    out: str | Path,
    *,
    data_dir: str | Path | None = None,
    trust_code: bool = False,
) -> Exported:
    """What was written: a trained network as a file, or a study's numbers for a tracker.

    Args:
        source: a run's folder, ``STUDY/runs/RUN_ID``, for ``onnx`` and ``hub-folder``; a study's
            folder for ``mlflow``, ``wandb-offline`` and ``tensorboard``.
        to: one of these.
        out: the new file or folder. For ``mlflow`` a folder, which may hold a store already, or the
            address of a tracking store, such as ``http://HOST:PORT``.
        data_dir: where the decoded images are kept, on which an ONNX file is checked; by default
            the user's cache.
        trust_code: allow a model named ``package.module:factory`` and import its module.

    Raises:
        InputError: there is no such run, study or target, the run is not finished, the target's
            package is not installed, or `out` exists.
        ModelError, WeightsError: the network cannot be built or exported.
        OSError: `out` cannot be written.
    """
    if to not in TARGETS:
        known = nearest(to, TARGETS) or f"; there are {', '.join(TARGETS)}"
        raise InputError(f"--to {to}: no such target{known}")
    if to in OF_RUNS:
        from ...engine.trained import TrainedNetwork

        network = with_data_name(TrainedNetwork.read(source, trust_code=trust_code))
        if to == "onnx":
            from .onnx_file import export_onnx

            return export_onnx(network, Path(out), data_dir)
        from .hub_folder import export_hub_folder

        return export_hub_folder(network, Path(out))
    study = _study(source, to)
    written = _export_study(study, to, out)
    if left_out := study.rows_alone():
        many = f"{counted(len(left_out), 'finished run')} of which only a row is left"
        written = replace(written, notes=(*written.notes, f"{many} cannot be exported"))
    return written


def _export_study(study: Study, to: str, out: str | Path) -> Exported:
    if to == "mlflow":
        from .mlflow_runs import export_mlflow

        return export_mlflow(study, str(out))
    if to == "wandb-offline":
        from .wandb_runs import export_wandb

        return export_wandb(study, Path(out))
    from .event_files import export_event_files

    return export_event_files(study, Path(out))


def _study(source: str | Path, to: str) -> Study:
    """The study of a target that is about all its runs."""
    from ..study import Study

    folder = Path(source)
    if RunFolder(folder).record_path.is_file():
        raise InputError(
            f"--to {to} exports a whole study, and {folder} is a run: name the study's folder, "
            f"such as {study_of_run(folder)}"
        )
    study = Study.open(folder)
    if not study.records():
        why = "no run was begun"
        if study.rows_alone():
            why = "only tables are left of its runs"
        raise InputError(f"{study.folder}: {why}: there is nothing to export")
    return study
