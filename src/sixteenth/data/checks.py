"""What decoded images say about themselves: copies, leaks from training to test, doubtful labels.

Two images are the same when their decoded pixels are, at the size at which the networks see them.
Nothing here refuses data: such images are found in well-known datasets too. They are counted, named
by example, told before training, and recorded in every run, so that the report can speak of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .source import Content

EXAMPLES = 5
"""Examples of each kind that are kept."""

NAMED = 100
"""Names of broken images that a run's record keeps."""


@dataclass(frozen=True)
class DataChecks:
    """What was found in a dataset when it was decoded.

    Attributes:
        duplicates_within_train: training images that are copies of an earlier training image.
        duplicates_within_test: test images that are copies of an earlier test image.
        leaked_test_images: test images that are training images too.
        conflicting_labels: different images that stand under more than one label, in one split or
            across both.
        skipped_broken: images that could not be decoded and were left out, as was asked for.
        skipped: their names and reasons, the first hundred.
        ignored_files: files and folders that were not read: among the images and no images, or
            images outside the class folders.
        nearly_black: images of more than 8 bits that use less than an eighth of their range.
        classes_without_test: classes of which no test image says how well they are known.
        examples: some of each kind, by name.
    """

    duplicates_within_train: int = 0
    duplicates_within_test: int = 0
    leaked_test_images: int = 0
    conflicting_labels: int = 0
    skipped_broken: int = 0
    skipped: tuple[str, ...] = ()
    ignored_files: int = 0
    nearly_black: int = 0
    classes_without_test: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """As run.json and the cache keep it."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> DataChecks:
        """The other way round.

        Raises:
            KeyError: a part is missing.
        """
        values: dict[str, Any] = {field.name: record[field.name] for field in fields(cls)}
        for key, value in values.items():
            values[key] = tuple(value) if isinstance(value, list) else value
        return cls(**values)

    def notices(self) -> list[str]:
        """What a person should know before training, a line for each; empty when all is well."""
        lines = []
        if self.skipped_broken:
            shown = "; ".join(self.skipped[:EXAMPLES])
            lines.append(
                f"left out, as they cannot be read: {_images(self.skipped_broken)} ({shown})"
            )
        if self.leaked_test_images:
            lines.append(
                f"leakage: {_images(self.leaked_test_images, 'test')} "
                f"{_are(self.leaked_test_images)} training images too: "
                "the test accuracy is too good by them"
            )
        for part in ("train", "test"):
            copies = getattr(self, f"duplicates_within_{part}")
            if copies:
                word = {"train": "training", "test": "test"}[part]
                of = f"{'a copy' if copies == 1 else 'copies'} of another"
                lines.append(f"{_images(copies, word)} {_are(copies)} {of}")
        if self.conflicting_labels:
            lines.append(f"{_images(self.conflicting_labels)} stand under more than one label")
        if self.classes_without_test:
            named = ", ".join(self.classes_without_test[:EXAMPLES])
            more = len(self.classes_without_test) - EXAMPLES
            lines.append(f"no test image of class {named}{f' and {more} more' if more > 0 else ''}")
        if self.ignored_files:
            lines.append(
                "not read, since they are no images or lie in no class folder: "
                f"{self.ignored_files} files or folders"
            )
        if self.nearly_black:
            lines.append(
                f"{_images(self.nearly_black, '16-bit')} "
                f"{'uses' if self.nearly_black == 1 else 'use'} less than an eighth of the range: "
                f"{'it is' if self.nearly_black == 1 else 'they are'} nearly black; rescale "
                f"{'it' if self.nearly_black == 1 else 'them'}"
            )
        if lines and self.examples:
            lines.append(f"such as: {'; '.join(self.examples[:EXAMPLES])}")
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
