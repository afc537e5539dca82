"""Classify images with a trained run.

A run folder may come from a stranger, so it is only data here: its weights are read as tensors, and
a model of somebody's own code is imported only where the caller says that this code is trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError
from ..spec import RunSpec
from ..storage.run_folder import RunFolder
from ..storage.run_record import RunRecord

BATCH = 250
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Prediction:
    """What a run says about one image.

    Attributes:
        path: the image's file.
        ranked: every class with its probability, the most probable first.
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


def predict(
    run_dir: str | Path,
    images: Iterable[str | Path],
    *,
    device: str | None = None,
    trust_code: bool = False,
) -> list[Prediction]:
    """Classify image files with the trained model that a run left.

    Images are decoded and resized as the training images were, and shown to the network as the test
    images were when the run was measured: in the same precision and the same views.

    Args:
        run_dir: the run's folder, ``STUDY/runs/RUN_ID``.
        images: paths of image files.
        device: ``cpu``, ``cuda``, ``mps``; by default the best one here.
        trust_code: allow a model named ``package.module:factory``, whose module is then imported.

    Returns:
        One prediction for each image, in the order given.

    Raises:
        InputError: no finished run lies there, its model is code that was not trusted, or the
            device does not exist.
        DataError: images that cannot be read, named in one line.
        ModelError, WeightsError: the model cannot be rebuilt, or its weights are damaged.
    """
    paths = [Path(image) for image in images]
    folder = RunFolder(Path(run_dir))
    record = _finished_record(folder)
    spec, classes, mean, std, measured = _read(record, folder)

    from ..models import build_model, is_factory, load_trained_weights

    if is_factory(spec.model) and not trust_code:
        raise InputError(
            f"{folder.path} names code of its own, {spec.model}, which would be imported and run: "
            "if you trust it, say so with --trust-code (trust_code=True in Python)"
        )

    from ..data.decode import decode_images, refuse_broken
    from .execution import resolve_execution

    plain = spec.train.model_copy(update={"precision": "float32"})
    execution = resolve_execution(device, plain)
    if not (measured == "float16" and execution.device == "cpu"):  # which a CPU does not have
        execution = replace(execution, precision=measured)
    named = [(str(path), path) for path in paths]
    pixels, broken = decode_images(named, len(paths), spec.image_size, what="decoding images")
    refuse_broken(broken, len(paths))

    model = build_model(
        spec.model, len(classes), image_size=spec.image_size, stem=spec.stem, seed=0
    )
    load_trained_weights(model, folder.weights_path)
    placed = execution.place(model).eval()

    import torch

    from .inference import InputNormalisation, class_scores

    normalise = InputNormalisation(mean, std, execution)
    predictions: list[Prediction] = []
    for start in range(0, len(paths), BATCH):
        batch = torch.from_numpy(pixels[start : start + BATCH]).to(execution.device)
        scores = class_scores(placed, batch, normalise, execution, spec.train.test_augmentation)
        for path, row in zip(paths[start:], scores.softmax(1).tolist(), strict=False):
            predictions.append(Prediction(path, _ranked(classes, row)))
    return predictions


def _finished_record(folder: RunFolder) -> RunRecord:
    record = folder.read_record()
    if record is None:
        raise InputError(f"no run in {folder.path}: expected a folder that holds run.json")
    if not record.is_finished:
        raise InputError(f"the run in {folder.path} is not finished: it is {record.status}")
    if not folder.weights_path.is_file():
        raise InputError(f"{folder.weights_path} is missing: the run's weights were removed")
    return record


def _read(
    record: RunRecord, folder: RunFolder
) -> tuple[RunSpec, tuple[str, ...], tuple[float, ...], tuple[float, ...], str]:
    """The run's spec, class names, mean and deviation of its input (in [0, 1]), and precision."""
    spec = record.run_spec(folder.record_path)
    classes = record.data.classes if record.data else ()
    known = record.model.normalisation if record.model else None
    measured = record.execution.precision if record.execution else None
    said = ""
    if not classes or known is None or not len(known.mean) == len(known.std) == 3:
        said = "it lacks the classes, or three channels of mean and deviation"
    elif not min(known.std) > 0:
        said = "a deviation that is not positive"
    elif measured not in PRECISIONS:
        said = f"{measured!r} is no precision"
    if said or known is None or measured is None:
        raise InputError(f"{folder.record_path} is not the record of a run: {said}")
    return spec, classes, known.mean, known.std, measured


def _ranked(classes: Sequence[str], row: Sequence[float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(zip(classes, row, strict=True), key=lambda pair: -pair[1]))
