"""Which images a fraction of the training set holds: stratified, nested, the same on every machine.

Two orders decide. Which *class* gives the next image is the quota method of Balinski & Young: it
only ever adds (so a small subset lies inside a large one) and keeps every class, at every size,
within one image of its exact share. Which image of that class comes next is a hash of the seed and
the image's position, in 64-bit integer arithmetic: no random generator whose stream might change
with a version of numpy or a platform.

    M. L. Balinski, H. P. Young: The Quota Method of Apportionment.
    American Mathematical Monthly 82 (1975), 701-730.
    G. L. Steele, D. Lea, C. H. Flood: Fast Splittable Pseudorandom Number Generators.
    OOPSLA 2014 (SplitMix64).

This module sees labels only, never pixels.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import DataError
from ..spec.fraction import TrainFraction

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MASK = 2**64 - 1
_GAMMA = 0x9E3779B97F4A7C15

# One stream for each purpose, so that equal seeds do not give related choices.
_SUBSET, _DISJOINT, _HOLD_OUT = 1, 2, 3


def draw_subset(
    labels: NDArray[np.int64],
    fraction: TrainFraction,
    *,
    seed: int,
    subsets: Literal["nested", "disjoint"] = "nested",
    replicate: int = 0,
    classes: Sequence[str] | None = None,
) -> NDArray[np.int64]:
    """The images that `fraction` names, as sorted positions in `labels`, int64 (n,).

    Nested: all shares and counts of one seed are prefixes of one order of the images; "k per
    class" is the first k of every class in that order. Every class has within one image of its
    exact part n * n_c / N.

    Disjoint: all replicates share one order that does not depend on `seed`, and replicate k takes
    the k-th block of each class, so that no two replicates have an image in common. Subsets of
    different fractions are then not nested, except in replicate 0.

    Args:
        labels: int (N,), each at least 0; a class is any label that occurs.
        fraction: how many images.
        seed: the order of the images; any integer; not used by disjoint subsets.
        subsets: "nested" or "disjoint".
        replicate: position of the seed in the study, from 0; only used by disjoint subsets.
        classes: class names, for error messages only.

    Raises:
        DataError: more images than there are, a class that would get none, or too few of a class;
            disjoint parts that run out.
    """
    if subsets not in ("nested", "disjoint"):
        raise ValueError(f"subsets is 'nested' or 'disjoint', not {subsets!r}")
    if replicate < 0:
        raise ValueError(f"replicate is at least 0, not {replicate}")
    labels = _checked(labels)
    present, place, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    wanted = _class_counts(present, sizes, fraction, classes)
    disjoint = subsets == "disjoint"
    ranks = _ranks(place, 0 if disjoint else seed, _DISJOINT if disjoint else _SUBSET)
    block = replicate if disjoint else 0
    short = np.flatnonzero((block + 1) * wanted > sizes)
    if disjoint and len(short):
        i = int(short[0])
        parts = int((sizes // wanted).min())
        raise DataError(
            f"disjoint subsets of {fraction} run out at replicate {replicate + 1}: class "
            f"{_name(present[i], classes)} has {sizes[i]} images, each part takes {wanted[i]}; "
            f"use at most {_counted(parts, 'seed')}, a smaller fraction, or subsets: nested"
        )
    take = wanted[place]
    drawn = (block * take <= ranks) & (ranks < (block + 1) * take)
    return np.flatnonzero(drawn).astype(np.int64)


def hold_out(
    labels: NDArray[np.int64],
    share: float,
    *,
    seed: int,
    classes: Sequence[str] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut a stratified part off: (positions that stay, positions held out), both sorted int64.

    It serves for the validation part of a subset, and for the test split of data that come
    without one. Of each class, within one image of `share` is held out; a small class may have
    none there.

    Args:
        labels: int (N,).
        share: part that is held out, in [0, 1); as a decimal, so 0.1 is exactly one tenth.
        seed: which images; unrelated to what `draw_subset` makes of the same seed.
        classes: class names, for error messages only.

    Raises:
        DataError: a class would keep no image.
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share to hold out lies in [0, 1), not {share}")
    labels = _checked(labels)
    everything = np.arange(len(labels), dtype=np.int64)
    if share == 0:
        return everything, everything[:0]
    count = TrainFraction.parse(share).size(len(labels), 1)
    present, place, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    wanted = _apportion(sizes, count)
    emptied = np.flatnonzero(wanted >= sizes)
    if len(emptied):
        i = int(emptied[0])
        raise DataError(
            f"class {_name(present[i], classes)} has only {_counted(int(sizes[i]), 'image')}, and "
            f"holding out {share:g} would leave none to train on: hold out less, or use more images"
        )
    held = _ranks(place, seed, _HOLD_OUT) < wanted[place]
    return everything[~held], everything[held]


def _class_counts(
    present: NDArray[np.int64],
    sizes: NDArray[np.int64],
    fraction: TrainFraction,
    classes: Sequence[str] | None,
) -> NDArray[np.int64]:
    """Images of each class that `fraction` names, at least one each."""
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
            f"{fraction} are more than the training set has: use at most {_counted(total, 'image')}"
        )
    wanted = _apportion(sizes, count)
    missing = np.flatnonzero(wanted == 0)
    if len(missing):
        i = int(missing[0])
        least = _smallest_complete(sizes)
        others = f" (and {_counted(len(missing) - 1, 'more class', 'more classes')})"
        raise DataError(
            f"too few images for the fraction {fraction}: of its {_counted(count, 'image')}, class "
            f"{_name(present[i], classes)} with {sizes[i]} of {total} gets none"
            f"{others if len(missing) > 1 else ''}; use at least {_counted(least, 'image')}, "
            f'or "1 per class"'
        )
    return wanted


def _apportion(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """`count` images shared out over classes of `sizes` images by the quota method, int64 (C,).

    The next image goes to the class with the largest sizes[i] / (given[i] + 1) among those that
    stay below their upper quota. A class that was served comes up for the next image at a step
    known in advance, so a heap of the classes that are up does it in O(count * log C).
    """
    given = np.zeros(len(sizes), dtype=np.int64)
    for i in _class_order(sizes, count):
        given[i] += 1
    return given


def _smallest_complete(sizes: NDArray[np.int64]) -> int:
    """The smallest number of images at which every class has one."""
    seen: set[int] = set()
    for step, i in enumerate(_class_order(sizes, int(sizes.sum())), start=1):
        seen.add(i)
        if len(seen) == len(sizes):
            return step
    return int(sizes.sum())


def _class_order(sizes: NDArray[np.int64], count: int) -> list[int]:
    """The class that gives each of the first `count` images; equal claims go to the lower label."""
    size = [int(n) for n in sizes]
    total = sum(size)
    given = [0] * len(size)
    up = [(1 / n, i) for i, n in enumerate(size)]
    heapq.heapify(up)
    waiting: dict[int, list[int]] = {}
    order = []
    for step in range(1, count + 1):
        for i in waiting.pop(step, ()):
            # A quotient of integers below 2**26 is rounded the same everywhere, and never to the
            # quotient of another such pair: the comparison is exact.
            heapq.heappush(up, ((given[i] + 1) / size[i], i))
        _, i = heapq.heappop(up)
        order.append(i)
        given[i] += 1
        # Below the upper quota from the first step on with given < step * size / total.
        again = max(step + 1, given[i] * total // size[i] + 1)
        waiting.setdefault(again, []).append(i)
    return order


def _ranks(labels: NDArray[np.int64], seed: int, stream: int) -> NDArray[np.int64]:
    """Each image's place, from 0, in the drawn order of its own class, int64 (N,)."""
    state = _mix_int(_mix_int(seed & _MASK) ^ stream)
    positions = np.arange(1, len(labels) + 1, dtype=np.uint64)
    keys = _mix(np.uint64(state) + positions * np.uint64(_GAMMA))
    order = np.lexsort((keys, labels))
    ordered = labels[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    within = np.arange(len(labels)) - np.repeat(starts, np.diff(np.r_[starts, len(labels)]))
    ranks = np.empty(len(labels), dtype=np.int64)
    ranks[order] = within
    return ranks


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finalizer; arrays of uint64 wrap around as C does."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _mix_int(value: int) -> int:
    """SplitMix64's first number from the seed `value`."""
    return int(_mix(np.array([(value + _GAMMA) & _MASK], dtype=np.uint64))[0])


def _checked(labels: Any) -> NDArray[np.int64]:
    array = np.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"labels are integers, (N,), not {array.dtype} {array.shape}")
    if not len(array):
        raise DataError("no training images: there is nothing to draw a subset from")
    if array.min() < 0:
        raise DataError(f"label {array.min()} is out of range: labels start at 0")
    return array.astype(np.int64, copy=False)


def _name(label: int, classes: Sequence[str] | None) -> str:
    if classes is None or label >= len(classes):
        return str(label)
    return repr(classes[int(label)])


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
