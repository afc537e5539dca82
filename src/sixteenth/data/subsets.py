"""The images of a fraction of the training set: stratified, nested, the same on every machine.

The number of images of each class comes from the quota method of Balinski & Young. It adds one
image at a time, so a small subset is part of a larger one, and at every size each class is within
one image of its exact share. The order of the images of a class comes from a 64-bit integer hash of
the seed and the image's position. Unlike a random generator of numpy, it gives the same numbers in
all versions and on all platforms.

    M. L. Balinski, H. P. Young: The Quota Method of Apportionment.
    American Mathematical Monthly 82 (1975), 701-730.
    G. L. Steele, D. Lea, C. H. Flood: Fast Splittable Pseudorandom Number Generators.
    OOPSLA 2014 (SplitMix64).

This module uses labels only, never pixels.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import DataError
from ..messages import counted
from ..spec.fraction import TrainFraction

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MASK = 2**64 - 1
_GAMMA = 0x9E3779B97F4A7C15

# One stream per purpose, so that equal seeds give unrelated choices.
_SUBSET, _DISJOINT, _HOLD_OUT, _OTHERS = 1, 2, 3, 4


def draw_subset(
    labels: NDArray[np.int64],
    fraction: TrainFraction,
    *,
    seed: int,
    subsets: Literal["nested", "disjoint"] = "nested",
    replicate: int = 0,
    classes: Sequence[str] | None = None,
) -> NDArray[np.int64]:
    """Sorted positions in `labels` of the images of a fraction, int64 (n,).

    Nested: all shares and counts of one seed are prefixes of one order of the images; "k per
    class" is the first k images of every class in that order. Of n images, each class has
    n * n_c / N, rounded up or down.

    Disjoint: all replicates use one order that does not depend on `seed`. Replicate k is the k-th
    block of each class, so no two replicates share an image. Only in replicate 0 are subsets of
    different fractions nested.

    Args:
        labels: int (N,), each at least 0; the classes are the labels that occur.
        fraction: number of images.
        seed: order of the images, any integer; not used by disjoint subsets.
        subsets: "nested" or "disjoint".
        replicate: position of the seed in the study, from 0; only used by disjoint subsets.
        classes: class names, for error messages only.

    Raises:
        DataError: there are not enough images, in total, of a class or for all disjoint subsets, or
            a class would get none.
    """
    labels = _check_labels(labels)
    present, class_index, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    wanted = class_counts(present, sizes, fraction, classes)
    disjoint = subsets == "disjoint"
    ranks = _ranks(class_index, 0 if disjoint else seed, _DISJOINT if disjoint else _SUBSET)
    block = replicate if disjoint else 0
    short = np.flatnonzero((block + 1) * wanted > sizes)
    if disjoint and len(short):
        i = int(short[0])
        parts = int((sizes // wanted).min())
        raise DataError(
            f"disjoint subsets of {fraction} run out at replicate {replicate + 1}: class "
            f"{_name(present[i], classes)} has {counted(int(sizes[i]), 'image')}, each part takes "
            f"{wanted[i]}; use at most {counted(parts, 'seed')}, a smaller fraction, or "
            "subsets: nested"
        )
    block_size = wanted[class_index]
    drawn = (block * block_size <= ranks) & (ranks < (block + 1) * block_size)
    return np.flatnonzero(drawn).astype(np.int64)


def hold_out(
    labels: NDArray[np.int64],
    share: float,
    *,
    seed: int,
    classes: Sequence[str] | None = None,
    keep_one: bool = False,
    hold_one: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the images kept and of those held out, both sorted int64, stratified by class.

    Used for the validation part of a subset, and for the test split of data without one. Of a class
    of n images, n * share are held out, rounded up or down, so maybe none.

    Args:
        labels: int (N,).
        share: part to hold out, in [0, 1); read as a decimal, so 0.1 is exactly one tenth.
        seed: draws the images; unrelated to the images that `draw_subset` draws with it.
        classes: class names, for error messages only.
        keep_one: of classes that would keep no image one is kept, and others give theirs.
        hold_one: of classes of two or more images at least one is held out, though the part held
            out is then larger than the share.

    Raises:
        DataError: a class would keep no image; with `keep_one`, all have only one.
    """
    labels = _check_labels(labels)
    everything = np.arange(len(labels), dtype=np.int64)
    if share == 0:
        return everything, everything[:0]
    count = TrainFraction.parse(share).size(len(labels), 1)
    present, class_index, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    wanted = _apportion(sizes, count)
    if hold_one:
        wanted = np.maximum(wanted, sizes > 1)
    emptied = np.flatnonzero(wanted >= sizes)
    if len(emptied) and keep_one and (spare := int((sizes - 1).sum())):
        several, wanted = sizes > 1, np.zeros_like(sizes)
        wanted[several] = _apportion(sizes[several] - 1, min(count, spare))
    elif len(emptied):
        i = int(emptied[0])
        raise DataError(
            f"class {_name(present[i], classes)} has only {counted(int(sizes[i]), 'image')}, and "
            f"holding out {share:g} would leave none to train on: "
            + ("use more images" if keep_one else "hold out less, or use more images")
        )
    held = _ranks(class_index, seed, _HOLD_OUT) < wanted[class_index]
    return everything[~held], everything[held]


def draw_others(
    labels: NDArray[np.int64], taken: NDArray[np.int64], count: int, *, seed: int
) -> NDArray[np.int64]:
    """Positions of up to `count` images that are not `taken`, sorted int64, stratified by class.

    Args:
        labels: int (N,).
        taken: positions in it.
        seed: draws the images.
    """
    if not count:
        return np.empty(0, dtype=np.int64)
    labels = _check_labels(labels)
    others = np.setdiff1d(np.arange(len(labels), dtype=np.int64), taken)
    if not len(others):
        return others
    _, class_index, sizes = np.unique(labels[others], return_inverse=True, return_counts=True)
    wanted = _apportion(sizes, min(count, len(others)))
    return others[_ranks(class_index, seed, _OTHERS) < wanted[class_index]]


def class_counts(
    present: NDArray[np.int64],
    sizes: NDArray[np.int64],
    fraction: TrainFraction,
    classes: Sequence[str] | None,
) -> NDArray[np.int64]:
    """Number of images of each class in `fraction`, at least one, int64 (C,)."""
    total = int(sizes.sum())
    if fraction.per_class:
        assert fraction.count is not None
        small = int(np.argmin(sizes))
        if sizes[small] < fraction.count:
            raise DataError(
                f"too few images for {fraction}: class {_name(present[small], classes)} has only "
                f"{sizes[small]}; use at most {sizes[small]} per class"
            )
        return np.full(len(sizes), fraction.count, dtype=np.int64)
    count = fraction.size(total, len(sizes))
    if count > total:
        raise DataError(
            f"{fraction} are more than the training set has: use at most {counted(total, 'image')}"
        )
    wanted = _apportion(sizes, count)
    missing = np.flatnonzero(wanted == 0)
    if len(missing):
        i = int(missing[0])
        least = _smallest_complete(sizes)
        others = f" (and {counted(len(missing) - 1, 'more class', 'more classes')})"
        raise DataError(
            f"too few images for the fraction {fraction}: of its {counted(count, 'image')}, class "
            f"{_name(present[i], classes)} with {sizes[i]} of {total} gets none"
            f"{others if len(missing) > 1 else ''}; use at least {counted(least, 'image')}, "
            f'or "1 per class"'
        )
    return wanted


def _apportion(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Number of images of each class, int64 (C,), by the quota method; they add up to `count`."""
    return np.bincount(_class_order(sizes, count), minlength=len(sizes)).astype(np.int64)


def _smallest_complete(sizes: NDArray[np.int64]) -> int:
    """Smallest number of images at which every class has one."""
    seen: set[int] = set()
    for step, i in enumerate(_class_order(sizes, int(sizes.sum())), start=1):
        seen.add(i)
        if len(seen) == len(sizes):
            return step
    return int(sizes.sum())


def _class_order(sizes: NDArray[np.int64], count: int) -> list[int]:
    """The class of each of the first `count` images by the quota method; ties: the lower label.

    The next image is of the class with the largest sizes[i] / (given[i] + 1) among those below
    their upper quota. The step at which a class is below it again is known in advance, so with a
    heap of these classes the cost is O(count * log C).
    """
    size = [int(n) for n in sizes]
    total = sum(size)
    given = [0] * len(size)
    eligible = [(1 / n, i) for i, n in enumerate(size)]
    heapq.heapify(eligible)
    waiting: dict[int, list[int]] = {}
    order = []
    for step in range(1, count + 1):
        for i in waiting.pop(step, ()):
            # Exact: quotients of integers below 2**26 are rounded the same way on all machines, and
            # different ones never to the same number.
            heapq.heappush(eligible, ((given[i] + 1) / size[i], i))
        _, i = heapq.heappop(eligible)
        order.append(i)
        given[i] += 1
        # Below the upper quota from the first step with given < step * size / total.
        next_step = max(step + 1, given[i] * total // size[i] + 1)
        waiting.setdefault(next_step, []).append(i)
    return order


def _ranks(labels: NDArray[np.int64], seed: int, stream: int) -> NDArray[np.int64]:
    """Rank of each image, from 0, in the random order of its class, int64 (N,)."""
    state = _first_number(_first_number(seed & _MASK) ^ stream)
    positions = np.arange(1, len(labels) + 1, dtype=np.uint64)
    keys = _splitmix64(np.uint64(state) + positions * np.uint64(_GAMMA))
    order = np.lexsort((keys, labels))
    ordered = labels[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    within = np.arange(len(labels)) - np.repeat(starts, np.diff(np.r_[starts, len(labels)]))
    ranks = np.empty(len(labels), dtype=np.int64)
    ranks[order] = within
    return ranks


def _splitmix64(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64; uint64 arrays wrap around as in C."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _first_number(seed: int) -> int:
    """The first number of SplitMix64 with this seed."""
    return int(_splitmix64(np.array([(seed + _GAMMA) & _MASK], dtype=np.uint64))[0])


def _check_labels(labels: Any) -> NDArray[np.int64]:
    array = np.asarray(labels, dtype=np.int64)
    if not len(array):
        raise DataError("no training images: there is nothing to draw a subset from")
    if array.min() < 0:
        raise DataError(f"label {array.min()} is out of range: labels start at 0")
    return array


def _name(label: int, classes: Sequence[str] | None) -> str:
    if classes is None or label >= len(classes):
        return str(label)
    return repr(classes[int(label)])
