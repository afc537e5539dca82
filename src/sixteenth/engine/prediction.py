"""Classify images with a trained run.

A run folder is not trusted. Its weights are read as tensors only, and a model that is user code is
imported only if the caller says that the code is trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, WeightsError, as_typed, looked_for
from ..spec import RunSpec
from ..storage.run_folder import RunFolder
from ..storage.run_record import RunRecord

if TYPE_CHECKING:
    from torch import nn

BATCH = 250
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image.

    Attributes:
        path: the image file.
        ranked: all classes with their probabilities, the most probable first.
    """

    path: Path
    ranked: tuple[tuple[str, float], ...]

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.ranked[0][0]

    @property
    def probability(self) -> float:
        """The probability of `label`, in [0, 1]."""
        return self.ranked[0][1]


def find_images(images: Iterable[str | Path]) -> tuple[list[Path], list[str]]:
    """The image files that paths name, those in folders sorted, and a note on each folder.

    Raises:
        InputError: a path is a URL, or a folder without images.
    """
    from ..data.layouts.tree import Tree

    found: list[Path] = []
    notes = []
    for path in map(Path, images):
        if path.is_dir():
            walked = Tree(path).walk(path)
            if not walked.images:
                raise InputError(f"no images in {path}: give image files, or a folder with some")
            others = f", {len(walked.others):,} other files left out" if walked.others else ""
            notes.append(f"images in {path} and below: {len(walked.images):,}{others}")
            found += walked.images
        elif "URL" in (problem := looked_for(path)) and not path.exists():
            raise InputError(f"no image {as_typed(path)}{problem}")
        else:
            found.append(path)
    return found, notes


def predict(
    run_dir: str | Path,
    images: Iterable[str | Path],
    *,
    device: str | None = None,
    trust_code: bool = False,
    on_note: Callable[[str], None] = lambda line: None,
) -> list[Prediction]:
    """One prediction for each image file, in the given order, by the model of a finished run.

    A folder stands for the images in it and below, sorted.

    Images are decoded and resized like the training images. Precision and test-time augmentation
    are those of the run's test accuracy.

    Args:
        run_dir: the run's folder, ``STUDY/runs/RUN_ID``.
        images: paths of image files or folders.
        device: ``cpu``, ``cuda``, ``mps``; by default the best one available.
        trust_code: allow a model named ``package.module:factory`` and import its module.
        on_note: called with a line on dark images and on images that stop early, if there are any.

    Raises:
        InputError: there is no finished run, its model is code that is not trusted, the device is
            not available, or a path is a URL or a folder without images.
        DataError: some images cannot be read.
        ModelError, WeightsError: the model cannot be built, or its weights are damaged.
    """
    paths, _ = find_images(images)
    folder = RunFolder(Path(run_dir))
    record = _finished_record(folder)
    spec, classes, mean, std, precision = _checked_fields(record, folder)

    from ..models import build_model, is_foreign, load_trained_weights

    if is_foreign(spec.model) and not trust_code:
        raise InputError(
            f"{folder.path} names code of its own, {spec.model}, which would be imported and run: "
            "if you trust it, say so with --trust-code (trust_code=True in Python)"
        )

    from ..data.broken import refuse_broken
    from ..data.checks import oddity_notices
    from ..data.decode import decode_images
    from ..data.oddities import Oddities
    from .execution import resolve_execution

    recipe = spec.train.model_copy(update={"precision": "float32"})
    execution = resolve_execution(device, recipe)
    if not (precision == "float16" and execution.device == "cpu"):  # CPUs have no float16
        execution = replace(execution, precision=precision)
    named = [(str(path), path) for path in paths]
    odd = Oddities()
    pixels, broken = decode_images(
        named, len(paths), spec.image_size, what="decoding images", oddities=odd
    )
    refuse_broken(broken, len(paths))
    for line in oddity_notices(odd):
        on_note(line)

    model = build_model(
        spec.model, len(classes), image_size=spec.image_size, stem=spec.stem, seed=0
    )
    if spec.finetune == "head":
        _load_frozen(model, spec, record, folder)
    load_trained_weights(model, folder.weights_path, head_only=spec.finetune == "head")
    placed = execution.place(model).eval()

    import torch

    from .inference import InputNormalisation, class_scores

    normalise = InputNormalisation(mean, std, execution)
    predictions: list[Prediction] = []
    for start in range(0, len(paths), BATCH):
        batch = torch.from_numpy(pixels[start : start + BATCH]).to(execution.device)
        scores = class_scores(placed, batch, normalise, execution, spec.train.test_augmentation)
        for path, row in zip(paths[start:], scores.softmax(1).tolist(), strict=False):
            ranked = sorted(zip(classes, row, strict=True), key=lambda pair: -pair[1])
            predictions.append(Prediction(path, tuple(ranked)))
    return predictions


def _load_frozen(model: nn.Module, spec: RunSpec, record: RunRecord, folder: RunFolder) -> None:
    """Load the initial weights, which a run that trained the head alone does not keep."""
    from ..models import load_initial_weights

    found = load_initial_weights(
        model, spec.model, spec.init, stem=spec.stem, allow_partial=spec.allow_partial
    )
    then = record.model.weights_sha256 if record.model else None
    if found is None or found.sha256 != then:
        raise WeightsError(
            f"the weights {spec.init} of {spec.model} are not those that {folder.path} was trained "
            f"on (SHA-256 {str(then)[:12]}): bring that file back"
        )


def _finished_record(folder: RunFolder) -> RunRecord:
    record = folder.read_record()
    if record is None:
        raise InputError(f"no run in {folder.path}: expected a folder that holds run.json")
    if not record.is_finished:
        raise InputError(f"the run in {folder.path} is not finished: it is {record.status}")
    if not folder.weights_path.is_file():
        raise InputError(f"{folder.weights_path} is missing: the run's weights were removed")
    return record


def _checked_fields(
    record: RunRecord, folder: RunFolder
) -> tuple[RunSpec, tuple[str, ...], tuple[float, ...], tuple[float, ...], str]:
    """Spec, class names, mean and standard deviation of the input (in [0, 1]), and precision."""
    spec = record.run_spec(folder.record_path)
    classes = record.data.classes if record.data else ()
    normalisation = record.model.normalisation if record.model else None
    precision = record.execution.precision if record.execution else None
    problem = ""
    shapes = (len(normalisation.mean), len(normalisation.std)) if normalisation else None
    if not classes or shapes != (3, 3):
        problem = "it lacks the classes, or three channels of mean and deviation"
    elif normalisation and not min(normalisation.std) > 0:
        problem = "a deviation that is not positive"
    elif precision not in PRECISIONS:
        problem = f"{precision!r} is no precision"
    if problem or normalisation is None or precision is None:
        raise InputError(f"{folder.record_path} is not the record of a run: {problem}")
    return spec, classes, normalisation.mean, normalisation.std, precision
