"""The features of all images of a dataset by a frozen network, computed once and kept.

They are what goes into the network's last, linear layer, of each image as it is: no augmentation.
The folder ``features/KEY`` in the data cache holds them in parts of `PART` images, so that a pass
that was stopped goes on with the next part. KEY stands for the model, its weights, the data and the
execution, since all of these change the numbers; the name of a part ends in the hash of its
content, so a damaged one is computed again. The first images are computed anew whenever a process
opens the folder: another network of the same name (user code that was changed) is noticed. The hash
of every later part is that of the first part too, so that a pass of another network that was
stopped, or runs at the same time, leaves no mixture that would be taken for one network's.

Processes that need the same features at the same time share the pass. Whoever begins a part leaves
an empty file that says so, and the others take the next; before and after each part a process takes
up what others have written. The marks are hints and no locks: a process that finds every missing
part begun computes one of them all the same, so that nobody waits, not for the dead either. The
first part, which tells whose folder it is, and often the last are computed by several processes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import time
import warnings
from collections.abc import Callable, Sequence
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

BEGUN = ".begun"
"""Ends the name of the mark that a part is being computed."""

_opened: dict[Path, Features] = {}
"""Folders that this process has checked, so that not every run does."""


@dataclass(frozen=True)
class Features:
    """Features of the training images, then of the test images of a dataset.

    Attributes:
        parts: float32 (PART, width) each, the last one shorter; mapped from files where possible.
        head: the name of the network's last layer.
        facts: of the network, for run.json.
        seconds: that a pass of all images takes in one process, by those that were computed for
            this run; 0 where all were known.
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
        on_images: called after each part that is computed, with the images that are done, by other
            processes too, their total, and the images a second of this process.

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

    sizes = [min(PART, total - start) for start in range(0, total, PART)]
    parts = _Parts(folder, sizes, compute(train[:PROBE]))
    new, seconds = 0, 0.0
    while (number := parts.next()) is not None:
        began = time.monotonic()
        parts.keep(number, compute(images_of(number * PART, sizes[number])))
        seconds += time.monotonic() - began
        new += sizes[number]
        on_images(sum(map(len, parts.known.values())), total, per_second(new, seconds))
    in_order = tuple(parts.known[number] for number in range(len(sizes)))
    return Features(in_order, head, learner.facts, seconds * total / max(1, new))


class _Parts:
    """The parts that a process has, of a folder that other processes may be filling as well.

    Attributes:
        known: the parts by their numbers, mapped from files where possible.
    """

    def __init__(
        self, folder: Path | None, sizes: Sequence[int], probe: NDArray[np.float32]
    ) -> None:
        """Begin with the parts that lie in the folder.

        Args:
            folder: None where nothing is kept.
            sizes: images of each part.
            probe: features of the first images by this process's network.
        """
        self.known: dict[int, NDArray[np.float32]] = {}
        self._folder, self._sizes, self._probe = folder, sizes, probe
        self._of_first = ""  # the hash of the first part, once it is known
        self._read = set[str]()

    def next(self) -> int | None:
        """The number of the part to compute now; None where all are known.

        The first that no process has begun. Where all have been begun, any that is missing: whoever
        began it may be dead, and if not, the two compute the same.
        """
        self._look()
        missing = [number for number in range(len(self._sizes)) if number not in self.known]
        if not missing:
            self._unmark()
            return None
        if self._folder is None or missing[0] == 0:  # the names of all others depend on the first
            return missing[0]
        free = next((number for number in missing if self._mark(number)), None)
        return secrets.choice(missing) if free is None else free

    def keep(self, number: int, part: NDArray[np.float32]) -> None:
        """Add a part that was computed, unless another process has written it meanwhile."""
        self._look()
        if number not in self.known:
            if number == 0:
                self._unmark()  # what another network left
            self._add(number, self._written(number, part))

    def _add(self, number: int, part: NDArray[np.float32]) -> None:
        self.known[number] = part
        if number == 0:
            self._of_first = _digest(part)

    def _look(self) -> None:
        """Add the parts that lie in the folder by now, without those of another network."""
        for path in sorted(self._folder.glob("*.npy")) if self._folder else ():
            name, _, digest = path.stem.partition("-")
            number = int(name) if name.isdecimal() else -1
            if path.name in self._read or number in self.known:
                continue
            if number not in range(len(self._sizes)) or (number and 0 not in self.known):
                continue  # the first part is the first in order
            self._read.add(path.name)
            try:
                part = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError, EOFError):
                continue
            form = self._sizes[number], self._probe.shape[1]
            if part.dtype == np.float32 and part.shape == form:
                same = _digest(part, self._of_first) == digest
                if same and (number or self._is_of_this_network(part)):
                    self._add(number, part)

    def _is_of_this_network(self, first: NDArray[np.float32]) -> bool:
        apart = float(np.abs(first[: len(self._probe)] - self._probe).max())
        return apart <= TOLERANCE * float(np.abs(self._probe).max())

    def _written(self, number: int, part: NDArray[np.float32]) -> NDArray[np.float32]:
        """The part as it lies in its file from now on; itself, with a warning, where it cannot."""
        folder = self._folder
        if folder is None:
            return part
        path = folder / f"{number:05d}-{_digest(part, self._of_first)}.npy"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob(f"{number:05d}-*.npy"):
                old.unlink(missing_ok=True)
            write_whole(path, partial(np.save, arr=part, allow_pickle=False))
            kept: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
        except OSError as error:
            warnings.warn(
                "features are not kept, the next start computes them again: cannot write "
                f"{folder}: {error.strerror}",
                stacklevel=2,
            )
            return part
        return kept

    def _mark(self, number: int) -> bool:
        """Tell other processes that a part is begun; False where one of them has begun it."""
        assert self._folder is not None
        try:
            (self._folder / f"{number:05d}{BEGUN}").touch(exist_ok=False)
        except FileExistsError:
            return False
        except OSError:  # nothing can be written there, and nothing is shared
            return True
        return True

    def _unmark(self) -> None:
        """Remove the marks of all processes, where none of them is of use any more."""
        for path in self._folder.glob(f"*{BEGUN}") if self._folder else ():
            with contextlib.suppress(OSError):
                path.unlink()


def _digest(part: NDArray[np.float32], of_first: str = "") -> str:
    """The hash in the name of a part; of the first part it is that of the content alone."""
    hashed = hashlib.sha256(of_first.encode())
    hashed.update(np.ascontiguousarray(part).data)
    return hashed.hexdigest()[:16]
