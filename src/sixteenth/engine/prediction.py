"""Classify image files with a trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError
from ..messages import as_typed, counted, looked_for
from .trained import TrainedNetwork

BATCH, BATCH_PIXELS = 500, 1 << 26
"""Images in memory at a time, and their pixels: of large images there are fewer."""


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image.

    Attributes:
        path: the image file.
        ranked: the classes with their probabilities, the most probable first.
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


def find_images(images: str | Path | Iterable[str | Path]) -> tuple[list[Path], list[str]]:
    """The image files that paths name, those in folders sorted, and a note on each folder.

    Raises:
        InputError: a path is empty, a URL, or a folder without images.
    """
    from ..data.layouts.tree import Tree

    given = [images] if isinstance(images, str | Path) else list(images)
    if "" in given:  # as of an unset variable; a Path would take it for the current folder
        raise InputError("an image has an empty name: give image files, or a folder with some")
    found: list[Path] = []
    notes = []
    for path in map(Path, given):
        if path.is_dir():
            walked = Tree(path).walk(path)
            if not walked.images:
                raise InputError(f"no images in {path}: give image files, or a folder with some")
            note = f"images in {path} and below: {len(walked.images):,}"
            if walked.others:
                note += f", {counted(len(walked.others), 'other file')} left out"
            notes.append(note)
            found += walked.images
        elif "URL" in (problem := looked_for(path)) and not path.exists():
            raise InputError(f"no image {as_typed(path)}{problem}")
        else:
            found.append(path)
    return found, notes


def predict(
    run_dir: str | Path,
    images: str | Path | Iterable[str | Path],
    *,
    device: str | None = None,
    trust_code: bool = False,
    top: int | None = None,
    on_note: Callable[[str], None] = lambda line: None,
) -> list[Prediction]:
    """One prediction for each image file, in the given order, by the model of a finished run.

    A folder stands for the images in it and below, sorted.

    Images are decoded and resized like the training images. Precision and test-time augmentation
    are those of the run's test accuracy.

    Args:
        run_dir: the run's folder, ``STUDY/runs/RUN_ID``, or one that ``export --to hub-folder``
            wrote.
        images: paths of image files or folders.
        device: ``cpu``, ``cuda``, ``mps``; by default the best one available.
        trust_code: allow a model named ``package.module:factory`` and import its module.
        top: how many classes of each image are kept, the most probable ones; by default all.
        on_note: called with a line on dark images and on images that stop early, if there are any.

    Raises:
        InputError: there is no finished run, its model is code that is not trusted, the device is
            not available, a path is a URL or a folder without images, or `top` is below 1.
        DataError: some images cannot be read.
        ModelError, WeightsError: the model cannot be built, or its weights are damaged.
    """
    if top is not None and top < 1:
        raise InputError(f"top {top} is no number of classes")
    paths, _ = find_images(images)
    network = TrainedNetwork.read(run_dir, trust_code=trust_code)
    spec, classes, precision = network.spec, network.classes, network.precision

    from ..data.broken import Broken, refuse_broken
    from ..data.checks import oddity_notices
    from ..data.decode import decode_images
    from ..data.oddities import Oddities
    from .execution import resolve_execution

    recipe = spec.train.model_copy(update={"precision": "float32"})
    execution = resolve_execution(device, recipe)
    if not (precision == "float16" and execution.device == "cpu"):  # CPUs have no float16
        execution = replace(execution, precision=precision)
    placed = execution.place(network.build())

    import torch

    from .inference import InputNormalisation, class_scores

    normalise = InputNormalisation(network.mean, network.std, execution)
    predictions, broken, odd = list[Prediction](), list[Broken](), Oddities()
    at_a_time = max(1, min(BATCH, BATCH_PIXELS // spec.image_size**2))
    for start in range(0, len(paths), at_a_time):
        batch = paths[start : start + at_a_time]
        pixels, unread = decode_images(
            [(str(path), path) for path in batch],
            len(batch),
            spec.image_size,
            oddities=odd,
            interpolation=network.interpolation,
            part=True,
        )
        broken += unread
        if broken:
            continue  # the rest is decoded only to name all that are broken
        images = torch.from_numpy(pixels).to(execution.device)
        scores = class_scores(placed, images, normalise, execution, spec.views)
        for path, row in zip(batch, scores.softmax(1).tolist(), strict=True):
            ranked = sorted(zip(classes, row, strict=True), key=lambda pair: -pair[1])
            predictions.append(Prediction(path, tuple(ranked[:top])))
    refuse_broken(broken, len(paths))
    odd.settle(len(paths))
    for line in oddity_notices(odd):
        on_note(line)
    return predictions
