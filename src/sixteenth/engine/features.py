"""The features of all images of a dataset by a frozen network, computed once and kept.

They are what goes into the network's last, linear layer, of each image as it is: no augmentation.
The folder ``features/KEY`` in the data cache holds them in parts of `PART` images, so that a pass
that was stopped goes on with the next part. KEY stands for the model, its weights, the data and the
execution, since all of these change the numbers; the name of a part ends in the hash of its
content, so a damaged one is computed again. The first images are computed anew whenever a process
opens the folder: another network of the same name (user code that was changed) is noticed. The hash
of every later part is that of the first part too, so that a pass of another network that was
stopped, or runs at the same time, leaves no mixture that would be taken for one network's.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..data import ImageDataset
from ..models import find_head, find_weights
from ..spec import RunSpec
from ..storage.run_facts import ModelFacts
from ..storage.whole_files import write_whole
from .execution import Execution
from .learner import Learner
from .progress import per_second

FORMAT = 1
"""Increase it when features are computed in another way."""

PART = 1000
"""Images in a part: a stopped pass loses seconds."""

PROBE, TOLERANCE = 2, 0.05
"""Images that are computed anew to see that a folder's network is this one, and by which share of
their size features may differ then: bfloat16 in batches of another size differs by about a
hundredth."""

_opened: dict[Path, Features] = {}
"""Folders that this process has checked, so that not every run does."""


@dataclass(frozen=True)
class Features:
    """Features of the training images, then of the test images of a dataset.

    Attributes:
        parts: float32 (PART, width) each, the last one shorter; mapped from files where possible.
        head: the name of the network's last layer.
        facts: of the network, for run.json.
        seconds: that a pass of all images takes, by those that were computed for this run; 0 where
            all were known.
    """

    parts: tuple[NDArray[np.float32], ...]
    head: str
    facts: ModelFacts
    seconds: float = 0.0

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def of(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """A copy of those of some images, (n, width); test images follow the training images."""
        rows = np.empty((len(positions), self.parts[0].shape[1]), np.float32)
        which = positions // PART
        for i in np.unique(which):
            rows[which == i] = self.parts[i][positions[which == i] % PART]
        return rows


def features_of(
    run: RunSpec,
    dataset: ImageDataset,
    execution: Execution,
    on_images: Callable[[int, int, float], None] = lambda done, total, rate: None,
) -> Features:
    """The features of all images by the run's network with its initial weights.

    Args:
        on_images: called after each part that is computed, with the images that are done, their
            total, and images a second.

    Raises:
        ModelError, WeightsError: the network or its weights cannot be used.
    """
    weights = find_weights(run.model, run.init)
    folder = None
    if dataset.cache_dir is not None:
        norm = weights.normalisation if weights else None  # else that of the data
        key = json.dumps(
            {
                "format": FORMAT,
                "model": [run.model, run.stem],
                # One file holds several networks (x.pth#ema), and several inits may name it.
                "weights": [weights.sha256, weights.key] if weights else None,
                "normalisation": [norm.mean, norm.std] if norm else None,
                "data": dataset.fingerprint,
                "device": [execution.device, execution.threads],
                "numbers": [execution.precision, execution.layout],
                "torch": str(torch.__version__),
            }
        )
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        folder = dataset.cache_dir / "features" / name
        if folder in _opened:
            return _opened[folder]
    found = _compute(run, dataset, execution, folder, on_images)
    if folder is not None:
        while len(_opened) >= 8:  # they hold no memory, but files that are open
            _opened.pop(next(iter(_opened)))
        _opened[folder] = replace(found, seconds=0.0)
    return found


def _compute(
    run: RunSpec,
    dataset: ImageDataset,
    execution: Execution,
    folder: Path | None,
    on_images: Callable[[int, int, float], None],
) -> Features:
    # Heads of all fractions share the features, so no run's own images may normalise them.
    images, name = dataset.train.images, "all training images"
    learner = Learner(run, len(dataset.classes), images, execution, images_name=name)
    few = torch.from_numpy(dataset.train.images[:PROBE]).to(learner.device)
    head, layer = find_head(learner.model, run.model, lambda: learner.logits(few))
    inputs: list[torch.Tensor] = []
    layer.register_forward_pre_hook(lambda _module, given: inputs.append(given[0].float()))

    def compute(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        inputs.clear()
        learner.logits(torch.from_numpy(images).to(learner.device))
        return torch.cat(inputs).cpu().numpy()

    train, test = dataset.train.images, dataset.test.images
    total = len(train) + len(test)

    def images_of(start: int, count: int) -> NDArray[np.uint8]:
        own = train[start : start + count]
        rest = count - len(own)
        first = max(0, start - len(train))
        return np.concatenate([own, test[first : first + rest]]) if rest else own

    known = _read(folder, compute(train[:PROBE])) if folder is not None else {}
    parts = []
    of_first = ""
    began, new, seconds = time.monotonic(), 0, 0.0
    for i, start in enumerate(range(0, total, PART)):
        count = min(PART, total - start)
        part = known.get(i)
        if part is None or len(part) != count:
            part = compute(images_of(start, count))
            if folder is not None:
                part = _keep(folder, i, part, of_first)
            new += count
            seconds = time.monotonic() - began
            on_images(start + count, total, per_second(new, seconds))
        if i == 0:
            of_first = _digest(part)
        parts.append(part)
    return Features(tuple(parts), head, learner.facts, seconds * total / max(1, new))


def _read(folder: Path, probe: NDArray[np.float32]) -> dict[int, NDArray[np.float32]]:
    """The parts of a folder by their numbers, mapped; without those of another network."""
    parts: dict[int, NDArray[np.float32]] = {}
    of_first = ""
    for path in sorted(folder.glob("*.npy")):  # the first part first
        number, _, digest = path.stem.partition("-")
        try:
            part = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            continue
        is_first = number.isdecimal() and int(number) == 0
        before = "" if is_first else of_first
        if part.ndim == 2 and part.dtype == np.float32 and _digest(part, before) == digest:
            parts[int(number)] = part
            if is_first:
                of_first = digest
    first = parts.get(0)
    if first is None or first.shape[1] != probe.shape[1]:
        return {}
    apart = float(np.abs(first[: len(probe)] - probe).max())
    return parts if apart <= TOLERANCE * float(np.abs(probe).max()) else {}


def _keep(
    folder: Path, number: int, part: NDArray[np.float32], of_first: str
) -> NDArray[np.float32]:
    """The part as it lies in its file from now on; itself, with a warning, where it cannot.

    Args:
        of_first: the hash of the first part; "" of the first part itself.
    """
    path = folder / f"{number:05d}-{_digest(part, of_first)}.npy"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{number:05d}-*.npy"):
            old.unlink(missing_ok=True)
        write_whole(path, partial(np.save, arr=part, allow_pickle=False))
        kept: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        warnings.warn(
            f"features are not kept, the next start computes them again: cannot write {folder}: "
            f"{error.strerror}",
            stacklevel=2,
        )
        return part
    return kept


def _digest(part: NDArray[np.float32], of_first: str = "") -> str:
    """The hash in the name of a part; of the first part it is that of the content alone."""
    hashed = hashlib.sha256(of_first.encode())
    hashed.update(np.ascontiguousarray(part).data)
    return hashed.hexdigest()[:16]
