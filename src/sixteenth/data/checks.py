"""What decoded images say about themselves: copies, leaks from training to test, doubtful labels.

Two images are the same when their decoded pixels are, at the size at which the networks see them.
Nothing here refuses data: such images are found in well-known datasets too. They are counted, named
by example, told before training, and recorded in every run, so that the report can speak of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..storage.run_record import DataChecks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .source import Content

EXAMPLES = 5
"""Examples of each kind that are kept."""

NAMED = 100
"""Names of broken images that a run's record keeps."""


def notices(checks: DataChecks) -> list[str]:
    """What a person should know before training, a line for each; empty when all is well."""
    lines = []
    if checks.skipped_broken:
        shown = "; ".join(checks.skipped[:EXAMPLES])
        lines.append(
            f"left out, as they cannot be read: {_images(checks.skipped_broken)} ({shown})"
        )
    if checks.leaked_test_images:
        lines.append(
            f"leakage: {_images(checks.leaked_test_images, 'test')} "
            f"{_are(checks.leaked_test_images)} training images too: "
            "the test accuracy is too good by them"
        )
    for part in ("train", "test"):
        copies = getattr(checks, f"duplicates_within_{part}")
        if copies:
            word = {"train": "training", "test": "test"}[part]
            of = f"{'a copy' if copies == 1 else 'copies'} of another"
            lines.append(f"{_images(copies, word)} {_are(copies)} {of}")
    if checks.conflicting_labels:
        lines.append(f"{_images(checks.conflicting_labels)} stand under more than one label")
    if checks.classes_without_test:
        named = ", ".join(checks.classes_without_test[:EXAMPLES])
        more = len(checks.classes_without_test) - EXAMPLES
        lines.append(f"no test image of class {named}{f' and {more} more' if more > 0 else ''}")
    if checks.ignored_files:
        lines.append(
            "not read, since they are no images or lie in no class folder: "
            f"{checks.ignored_files} files or folders"
        )
    if checks.nearly_black:
        lines.append(
            f"{_images(checks.nearly_black, '16-bit')} "
            f"{'uses' if checks.nearly_black == 1 else 'use'} less than an eighth of the range: "
            f"{'it is' if checks.nearly_black == 1 else 'they are'} nearly black; rescale "
            f"{'it' if checks.nearly_black == 1 else 'them'}"
        )
    if lines and checks.examples:
        lines.append(f"such as: {'; '.join(checks.examples[:EXAMPLES])}")
    return lines


def examine(content: Content) -> DataChecks:
    """Find copies, leaks and doubtful labels by the hash of every image's pixels (SHA-256)."""
    train, test = _digests(content.train.images), _digests(content.test.images)
    first_train, first_test = _first(train), _first(test)
    labels: dict[bytes, set[int]] = {}
    for digests, split in ((train, content.train), (test, content.test)):
        for digest, label in zip(digests, split.labels.tolist(), strict=True):
            labels.setdefault(digest, set()).add(label)
    doubtful = [digest for digest, known in labels.items() if len(known) > 1]
    leaked = [i for i, digest in enumerate(test) if digest in first_train]
    copies_in_train = [i for i, digest in enumerate(train) if first_train[digest] != i]
    copies_in_test = [i for i, digest in enumerate(test) if first_test[digest] != i]

    def name(part: str, i: int) -> str:
        names = content.names and content.names[part]
        return names[i] if names else f"{part} image {i}"

    def same(part: str, i: int, other: str, j: int) -> str:
        return f"{name(part, i)} is the same image as {name(other, j)}"

    examples = [
        *(_conflict(content, train, test, digest, name) for digest in doubtful[:EXAMPLES]),
        *(same("test", i, "train", first_train[test[i]]) for i in leaked[:EXAMPLES]),
        *(same("train", i, "train", first_train[train[i]]) for i in copies_in_train[:EXAMPLES]),
        *(same("test", i, "test", first_test[test[i]]) for i in copies_in_test[:EXAMPLES]),
        *content.ignored[:EXAMPLES],
        *(f"{dark} is nearly black" for dark in content.dark[:EXAMPLES]),
    ]
    untested = np.bincount(content.test.labels, minlength=len(content.classes)) == 0
    return DataChecks(
        duplicates_within_train=len(copies_in_train),
        duplicates_within_test=len(copies_in_test),
        leaked_test_images=len(leaked),
        conflicting_labels=len(doubtful),
        skipped_broken=len(content.broken),
        skipped=tuple(f"{one.name} ({one.reason})" for one in content.broken[:NAMED]),
        ignored_files=len(content.ignored),
        nearly_black=len(content.dark),
        classes_without_test=tuple(content.classes[i] for i in np.flatnonzero(untested)),
        examples=tuple(examples),
    )


def _conflict(
    content: Content, train: list[bytes], test: list[bytes], digest: bytes, name: Any
) -> str:
    """An image that stands under two labels: both its places and what each calls it."""
    places: Iterator[tuple[str, int, int]] = (
        (part, i, int(split.labels[i]))
        for part, digests, split in (
            ("train", train, content.train),
            ("test", test, content.test),
        )
        for i, known in enumerate(digests)
        if known == digest
    )
    part, i, label = next(places)
    other, j, another = next(place for place in places if place[2] != label)
    return (
        f"{name(part, i)} ({content.classes[label]}) is the same image as "
        f"{name(other, j)} ({content.classes[another]})"
    )


def _digests(images: NDArray[np.uint8]) -> list[bytes]:
    rows = np.ascontiguousarray(images).reshape(len(images), -1) if len(images) else images
    return [hashlib.sha256(row).digest() for row in rows]


def _first(digests: Sequence[bytes]) -> dict[bytes, int]:
    """Where each different digest stands for the first time."""
    places: dict[bytes, int] = {}
    for i, digest in enumerate(digests):
        places.setdefault(digest, i)
    return places


def _images(count: int, kind: str = "") -> str:
    return f"{count:,} {kind + ' ' if kind else ''}image{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
