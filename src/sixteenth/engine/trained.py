"""A trained network as it lies in a folder: a run's, or one of `sixteenth export --to hub-folder`.

Such a folder is not trusted. Its weights are read as tensors only, and a model that is user code is
imported only if the caller says that the code is trusted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..errors import InputError, WeightsError
from ..messages import one_line
from ..spec import RunSpec
from ..spec.fields import Interpolation
from ..storage.run_folder import RunFolder
from ..storage.run_record import RunRecord, check_format
from ..storage.study_folder import StudyFolder

if TYPE_CHECKING:
    from torch import nn

    from .inference import ImageClassifier

PRECISIONS = ("float32", "bfloat16", "float16")
CONFIG = "config.json"
"""Of a folder for the hub; its key `RECORD` holds what run.json holds in a run's folder."""
RECORD = "sixteenth"


@dataclass(frozen=True)
class TrainedNetwork:
    """What a folder says of a trained network, checked; nothing is built yet.

    Attributes:
        folder: where it lies.
        record: of the finished run.
        spec: of the run.
        classes: their names, in the order of the logits.
        mean, std: of red, green and blue in [0, 1], by which its input is normalised.
        precision: in which the run was measured.
        complete: the weights file holds all weights, also where only the head was trained.
    """

    folder: RunFolder
    record: RunRecord
    spec: RunSpec
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    precision: str
    complete: bool

    @classmethod
    def read(cls, path: str | Path, *, trust_code: bool = False) -> Self:
        """What lies in a folder.

        Args:
            trust_code: a model may be code of the user, ``package.module:factory``.

        Raises:
            InputError: there is no finished run, or its model is code that is not trusted.
        """
        folder = RunFolder(Path(path))
        published = not folder.record_path.exists() and (folder.path / CONFIG).exists()
        where = folder.path / CONFIG if published else folder.record_path
        record = _published_record(where) if published else _run_record(folder)
        if not record.is_finished:
            raise InputError(
                f"the run in {folder.path} is not finished, it is {record.status}: "
                "sixteenth run STUDY goes on with it"
            )
        if not folder.weights_path.is_file():
            anew = "export it again" if published else "remove the run's folder and run again"
            raise InputError(f"{folder.weights_path} is missing, its weights were removed: {anew}")
        network = cls(folder, record, *_checked_fields(record, where), complete=published)

        from ..models import is_foreign

        if is_foreign(network.spec.model) and not trust_code:
            raise InputError(
                f"{folder.path} names code of its own, {network.spec.model}, which would be "
                "imported and run: if you trust it, say so with --trust-code (trust_code=True in "
                "Python)"
            )
        return network

    @property
    def interpolation(self) -> Interpolation:
        """By which its images were resized."""
        return self.record.data.interpolation if self.record.data else "bilinear"

    def build(self) -> nn.Module:
        """The network with its weights, on the CPU, in evaluation mode: normalised images, float32
        (n, 3, height, width), to logits (n, classes).

        Raises:
            ModelError, WeightsError: it cannot be built, or its weights are damaged.
        """
        from ..models import build_model, load_trained_weights

        spec = self.spec
        model = build_model(
            spec.model, len(self.classes), image_size=spec.image_size, stem=spec.stem, seed=0
        )
        head_only = spec.finetune == "head" and not self.complete
        if head_only:
            self._load_frozen(model)
        load_trained_weights(model, self.folder.weights_path, head_only=head_only)
        return model.eval()

    def classifier(self) -> ImageClassifier:
        """The network with the normalisation inside, on the CPU, in evaluation mode.

        Raises:
            ModelError, WeightsError: as `build`.
        """
        from .inference import ImageClassifier

        size = self.spec.image_size
        return ImageClassifier(
            self.build(), self.mean, self.std, self.classes, size, self.interpolation
        ).eval()

    def _load_frozen(self, model: nn.Module) -> None:
        """Load the initial weights, which a run that trained the head alone does not keep."""
        from ..models import counts_from_folder, load_initial_weights

        spec, record = self.spec, self.record
        relative = counts_from_folder(spec.init)
        try:
            found = load_initial_weights(
                model, spec.model, spec.init, stem=spec.stem, allow_partial=spec.allow_partial
            )
        except WeightsError as error:
            missing = relative and not Path(spec.init.partition("#")[0]).exists()
            way = "; that path counts from the folder in which the study was run: run this there"
            raise WeightsError(
                f"{self.folder.path} holds the classifier alone, and the rest of its network "
                f"cannot be read: {error}{way if missing else ''}"
            ) from None
        then = record.model.weights_sha256 if record.model else None
        if found is None or found.sha256 != then:
            way = ", or run this in the folder in which the study was run" if relative else ""
            raise WeightsError(
                f"the weights {spec.init} of {spec.model} are not those that {self.folder.path} "
                f"was trained on (SHA-256 {str(then)[:12]}): bring that file back{way}"
            )


def load_model(path: str | Path, *, trust_code: bool = False) -> ImageClassifier:
    """The network of a finished run as a `torch.nn.Module` with the normalisation inside.

    It takes uint8 RGB images (n, size, size, 3), resized as training images are: a large JPEG is
    decoded at a fraction of its size (Pillow's ``draft`` to twice `image_size`), the shorter side
    resized to `image_size` (by Pillow, `interpolation`), then cropped at the centre. It returns
    logits, float32 (n, classes), without test-time augmentation. Its attributes `classes`,
    `image_size` and `interpolation` say what it knows. It is on the CPU and in evaluation mode.

    Args:
        path: a run's folder, ``STUDY/runs/RUN_ID``, or one that ``export --to hub-folder`` wrote.
        trust_code: allow a model named ``package.module:factory`` and import its module.

    Raises:
        InputError: there is no finished run, or its model is code that is not trusted.
        ModelError, WeightsError: the model cannot be built, or its weights are damaged.
    """
    return TrainedNetwork.read(path, trust_code=trust_code).classifier()


def _published_record(path: Path) -> RunRecord:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))[RECORD]
        check_format(content, path)
        return RunRecord.from_dict(content)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path} does not describe a network of sixteenth ({one_line(error)[:150]}): expected "
            "what sixteenth export --to hub-folder writes"
        ) from None


def _run_record(folder: RunFolder) -> RunRecord:
    record = folder.read_record()
    if record is None:
        study = StudyFolder(folder.path)
        run = next(study.runs(), None) if study.spec_path.is_file() else None
        hint = f"; it is a study: name one of its runs, such as {run.path}" if run else ""
        raise InputError(f"no run in {folder.path}: expected a folder that holds run.json{hint}")
    return record


def _checked_fields(
    record: RunRecord, where: Path
) -> tuple[RunSpec, tuple[str, ...], tuple[float, ...], tuple[float, ...], str]:
    """Spec, class names, mean and standard deviation of the input (in [0, 1]), and precision.

    Args:
        where: the file that the record is from.
    """
    spec = record.run_spec(where)
    classes = record.data.classes if record.data else ()
    normalisation = record.model.normalisation if record.model else None
    precision = record.execution.precision if record.execution else None
    channels = (len(normalisation.mean), len(normalisation.std)) if normalisation else (0, 0)
    if not classes or normalisation is None or channels != (3, 3):
        problem = "it lacks the classes, or three channels of mean and deviation"
    elif not min(normalisation.std) > 0:
        problem = "a deviation that is not positive"
    elif precision is None or precision not in PRECISIONS:
        problem = f"{precision!r} is no precision"
    else:
        return spec, classes, normalisation.mean, normalisation.std, precision
    raise InputError(f"{where} is not the record of a run: {problem}")
