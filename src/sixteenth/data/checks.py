"""Checks of decoded images: duplicates, leaks from training to test, conflicting labels.

Two images are duplicates if their decoded pixels are equal, at the size that the networks get.
Nothing here raises an error, since well-known datasets have such images too. They are counted,
reported before training with a few examples, and recorded in every run for the report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..messages import counted
from ..storage.run_facts import DataChecks
from .oddities import Oddities
from .source import Content, first_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_EXAMPLES = 5
"""Examples of each kind that are kept."""

MAX_SKIPPED = 100
"""Names of broken images that a run's record keeps."""


def notices(checks: DataChecks) -> list[str]:
    """One line for each problem found, for the user to read before training; maybe none."""
    lines = []
    if leaked := checks.leaked_test_images:
        lines.append(
            f"leakage: {counted(leaked, 'test image')} "
            f"{_verb(leaked, 'is a training image', 'are training images')} too: "
            "this makes the test accuracy too high"
        )
    for part, copies in (
        ("training", checks.duplicates_within_train),
        ("test", checks.duplicates_within_test),
    ):
        if copies:
            what = _verb(copies, "is a copy", "are copies")
            lines.append(f"{counted(copies, f'{part} image')} {what} of another")
    if number := checks.conflicting_labels:
        stand = _verb(number, "stands", "stand")
        lines.append(f"{counted(number, 'image')} {stand} under more than one label")
    if checks.classes_without_test:
        named = first_names(checks.classes_without_test, MAX_EXAMPLES)
        lines.append(f"no test image of class {named}")
    lines += _oddity_lines(checks.nearly_black or 0, checks.cut_short or 0)
    if lines and checks.examples:
        lines.append(f"such as: {'; '.join(checks.examples[:MAX_EXAMPLES])}")
    return lines


def oddity_notices(odd: Oddities) -> list[str]:
    """A line for each kind of odd images, if there are any, with some of their names."""
    named = [names for names in (odd.dark, odd.short) if names]
    lines = _oddity_lines(len(odd.dark), len(odd.short))
    return [
        f"{line}, such as {first_names(names, 3)}" for line, names in zip(lines, named, strict=True)
    ]


def _oddity_lines(dark: int, short: int) -> list[str]:
    """What to say of so many dark images of 16 bits and images that stop early."""
    lines = []
    if dark:
        lines.append(
            f"{counted(dark, '16-bit image')} {_verb(dark, 'uses', 'use')} less than a quarter of "
            f"the range, as 12 or 14 bits in 16 do: {_verb(dark, 'it comes', 'they come')} out "
            f"dark or nearly black; rescale {_verb(dark, 'it', 'them')}"
        )
    if short:
        lines.append(
            f"{counted(short, 'image')} {_verb(short, 'seems', 'seem')} to stop early: "
            f"{_verb(short, 'its file lacks its', 'their files lack their')} end, or the last rows "
            f"are one flat colour; look at {_verb(short, 'it', 'them')}"
        )
    return lines


def examine(content: Content) -> DataChecks:
    """The problems of the decoded images, found by the SHA-256 of every image's pixels."""
    train, test = _digests(content.train.images), _digests(content.test.images)
    first_train, first_test = _first_positions(train), _first_positions(test)
    labels: dict[bytes, set[int]] = {}
    for digests, split in ((train, content.train), (test, content.test)):
        for digest, label in zip(digests, split.labels.tolist(), strict=True):
            labels.setdefault(digest, set()).add(label)
    conflicting = [digest for digest, known in labels.items() if len(known) > 1]
    leaked = [i for i, digest in enumerate(test) if digest in first_train]
    copies_in_train = [i for i, digest in enumerate(train) if first_train[digest] != i]
    copies_in_test = [i for i, digest in enumerate(test) if first_test[digest] != i]

    def name(part: str, i: int) -> str:
        names = content.names and content.names[part]
        return names[i] if names else f"{part} image {i}"

    def same(part: str, i: int, other: str, j: int) -> str:
        return f"{name(part, i)} is the same image as {name(other, j)}"

    examples = [
        *(_conflict(content, train, test, each, name) for each in conflicting[:MAX_EXAMPLES]),
        *(same("test", i, "train", first_train[test[i]]) for i in leaked[:MAX_EXAMPLES]),
        *(same("train", i, "train", first_train[train[i]]) for i in copies_in_train[:MAX_EXAMPLES]),
        *(same("test", i, "test", first_test[test[i]]) for i in copies_in_test[:MAX_EXAMPLES]),
        *(f"{dark} is dark" for dark in content.oddities.dark[:MAX_EXAMPLES]),
        *(f"{short} stops early" for short in content.oddities.short[:MAX_EXAMPLES]),
    ]
    untested = np.bincount(content.test.labels, minlength=len(content.classes)) == 0
    return DataChecks(
        duplicates_within_train=len(copies_in_train),
        duplicates_within_test=len(copies_in_test),
        leaked_test_images=len(leaked),
        conflicting_labels=len(conflicting),
        skipped_broken=len(content.broken),
        skipped=tuple(f"{one.name} ({one.reason})" for one in content.broken[:MAX_SKIPPED]),
        nearly_black=len(content.oddities.dark),
        cut_short=len(content.oddities.short),
        classes_without_test=tuple(content.classes[i] for i in np.flatnonzero(untested)),
        examples=tuple(examples),
    )


def _conflict(
    content: Content,
    train: list[bytes],
    test: list[bytes],
    digest: bytes,
    name: Callable[[str, int], str],
) -> str:
    """A sentence that names two copies of an image with different labels, and these labels."""
    places = (
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


def _first_positions(digests: Sequence[bytes]) -> dict[bytes, int]:
    """The position at which each digest occurs first."""
    return {digest: i for i, digest in reversed(list(enumerate(digests)))}


def _verb(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
