"""What every layout returns: `Found`, a source not read yet, and `Content`, its decoded splits.

A layout is a Parquet folder, a folder of classes, an .npz or a named dataset. To find one is cheap;
only `Found.read` decodes images, and only if there is no valid cached copy.
"""

from __future__ import annotations

import glob
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from ..messages import counted, nearest
from ..spec.work import Work, WorkCallback
from ..spec.yaml import as_item
from .broken import Broken
from .dataset import Split
from .decode import Encoded, decode_images
from .oddities import Oddities, small_note
from .pixel_store import PixelStore
from .subsets import hold_out

if TYPE_CHECKING:
    from numpy.typing import NDArray


_PARTS = {"train": "training", "test": "test"}
"""What messages call the splits."""


_MOST_EXCLUDED = 100
"""So many classes are named in an `exclude` that a message gives to be copied."""


@dataclass(frozen=True)
class Options:
    """Options of `load_dataset` that layouts use."""

    data_dir: Path
    image_column: str | None
    label_column: str | None
    test_fraction: float
    split_seed: int
    exclude: tuple[str, ...] = ()
    train_folders: tuple[str, ...] = ()
    test_folders: tuple[str, ...] = ()
    cifar_archive: str | None = None
    progress: WorkCallback | None = None
    """Of downloads; that of decoding is the target's."""
    class_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By column of a Parquet folder, where its files do not have them."""


@dataclass(frozen=True)
class Decoded:
    """One split as a layout reads it, broken images included."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: Sequence[str]
    broken: Sequence[Broken]
    oddities: Oddities

    @classmethod
    def of(
        cls,
        part: str,
        images: Iterable[Encoded],
        labels: NDArray[np.int64],
        names: Sequence[str],
        target: PixelStore,
    ) -> Decoded:
        """The decoded images of the split `part`; `names` may be filled while they are read."""
        oddities = Oddities()
        pixels, broken = decode_images(
            images,
            len(labels),
            target.size,
            what=Work.decoding(part),
            progress=target.progress,
            oddities=oddities,
            into=target.new_pixels(part, len(labels)),
            interpolation=target.interpolation,
        )
        return cls(pixels, labels, names, broken, oddities)


@dataclass(frozen=True)
class Content:
    """A source after reading: both splits decoded, all images of one size.

    Attributes:
        names: names of the images, for "train" and "test"; None if they have no names.
        broken: images that could not be decoded; they are not in the splits.
        left_out: files, folders or columns that were not read, each a sentence that says why.
        oddities: names of images that decode and still are not what they seem.
        notes: sentences on what may not be what the user meant, such as masks among the images.
        validation_images: images of a validation part that is not used; `left_out` says so.
    """

    classes: tuple[str, ...]
    train: Split
    test: Split
    names: Mapping[str, Sequence[str]] | None = None
    broken: tuple[Broken, ...] = ()
    left_out: tuple[str, ...] = ()
    oddities: Oddities = field(default_factory=Oddities)
    notes: tuple[str, ...] = ()
    validation_images: int = 0

    @classmethod
    def of(
        cls,
        classes: Sequence[str],
        train: Decoded,
        test: Decoded,
        left_out: Sequence[str] = (),
        notes: Sequence[str] = (),
        validation_images: int = 0,
    ) -> Content:
        """The content of two decoded splits, without the broken images."""
        splits, names = {}, {}
        for part, read in (("train", train), ("test", test)):
            images, labels, kept = read.images, read.labels, list(read.names)
            if read.broken:
                valid = np.ones(len(labels), dtype=bool)
                valid[[one.position for one in read.broken]] = False
                images, labels = _move_up(images, np.flatnonzero(valid)), labels[valid]
                kept = [name for name, good in zip(kept, valid, strict=True) if good]
            splits[part], names[part] = Split(images, labels), kept
        odd = Oddities()
        odd += train.oddities
        odd += test.oddities
        return cls(
            classes=tuple(classes),
            train=splits["train"],
            test=splits["test"],
            names=names,
            broken=(*train.broken, *test.broken),
            left_out=tuple(left_out),
            oddities=odd,
            notes=(
                *alike(classes),
                *notes,
                *small_note(odd.sides, splits["train"].images.shape[1]),
            ),
            validation_images=validation_images,
        )

    @property
    def total(self) -> int:
        """Number of images, broken ones included."""
        return len(self.train) + len(self.test) + len(self.broken)


@dataclass(frozen=True)
class Found:
    """A source whose layout is known and that is not read yet.

    Attributes:
        name: its name in reports.
        layout: what it was taken for, such as ``class folders``.
        identity: its path and the settings that its pixels depend on; the key of the cached copy.
        stamp: a text that changes if the files change.
        read: decodes everything into a store.
        symbols: the images are digits or letters.
        cached: decoding is slow enough to keep a copy.
        source: where exactly it was found, if that is more than what was asked for.
        beside: lines for `Content.left_out` on what may change while the images stay the same.
    """

    name: str
    layout: str
    identity: Mapping[str, str]
    stamp: str
    read: Callable[[PixelStore], Content]
    symbols: bool = False
    cached: bool = True
    source: str | None = None
    beside: Sequence[str] = ()


def _move_up(images: NDArray[np.uint8], kept: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The images at the positions `kept`, in ascending order, moved to the front of the array."""
    for start in range(0, len(kept), 512):
        part = images[kept[start : start + 512]]
        images[start : start + len(part)] = part
    return images[: len(kept)]


def stamp_files(root: Path, files: Iterable[Path], ignored: Iterable[str] = ()) -> str:
    """SHA-256 (hex) of path, size, mtime and ctime of each of `files`, and of `ignored`.

    The content is not read. A file that was overwritten has a new ctime, even if its size and
    mtime were kept. A file that is not there, as behind a link that leads nowhere, is a broken
    image once it is read.

    Raises:
        DataError: a file cannot be accessed.
    """
    digest = hashlib.sha256()
    for file in files:
        try:
            stat = file.stat()
            known = f"{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}"
        except FileNotFoundError:
            known = "nowhere"
        except OSError as error:
            raise DataError(f"cannot read {file}: {error.strerror}") from None
        line = f"{file.relative_to(root).as_posix()}\0{known}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    digest.update("\n".join(ignored).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def hold_out_test(
    labels: NDArray[np.int64], classes: tuple[str, ...], options: Options, source: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of a training and a test split, both sorted int64, with every class in both.

    Raises:
        DataError: a class has only one image, or the share is 0 or leaves none to train on.
    """
    share = options.test_fraction
    if share == 0:
        raise DataError(
            f"{source} has no test images of its own, and test_fraction is 0: set it, for example "
            "to 0.2, or add a test part"
        )
    check_labels(labels, classes, "train", source)
    counts = np.bincount(labels, minlength=len(classes)).tolist()
    single = [name for name, count in zip(classes, counts, strict=True) if count == 1]
    if single:
        # A name that is misspelt now and then stands beside the right one, which is frequent.
        frequent = [name for name, count in zip(classes, counts, strict=True) if count >= 4]
        raise DataError(_too_few(single, frequent, source))
    return hold_out(labels, share, seed=options.split_seed, classes=classes, hold_one=True)


def _too_few(single: Sequence[str], frequent: Sequence[str], source: str) -> str:
    """The message that classes have one image, which cannot be for training and for testing."""
    who, them, near = f"{len(single)} classes of {source} ({first_names(single)}) have", "them", ""
    if len(single) == 1:
        who, them = f"class {single[0]!r} of {source} has", "the class"
        near = nearest(single[0], frequent, most=1)
    way_out = excluding(single[:_MOST_EXCLUDED])
    if len(single) > _MOST_EXCLUDED:
        way_out += f" and the {len(single) - _MOST_EXCLUDED} others"
    return (
        f"{who} only 1 image: too few to have one for training and one for testing; add images, "
        f"or leave {them} out (of folders by {way_out}){near}"
    )


def excluding(names: Iterable[str]) -> str:
    """``exclude: [NAME, ...]`` for files or folders of these names, as a study file has it."""
    return f"exclude: [{', '.join(as_item(glob.escape(name)) for name in names)}]"


def cut_note(options: Options) -> str:
    """What to note where `hold_out_test` cut the test split."""
    return (
        f"there is no test part: {options.test_fraction:.3g} of the images, and at least one of "
        "each class, were split off as one (test_fraction)"
    )


def only_test_note(name: str) -> str:
    """What to note where a validation part is the test split."""
    return f"{name} is the test set: there is no other"


def unused_validation(name: str, images: int) -> str:
    """Why a validation part beside a test split is left out."""
    return (
        f"{name} with {counted(images, 'validation image')}: train.validation holds out a part of "
        "the training images instead"
    )


def composed(name: str) -> str:
    """A name in Unicode's composed form (NFC): macOS writes file names in the other, NFD."""
    return unicodedata.normalize("NFC", name)


def class_name(name: object) -> str:
    """A class name; two spellings in Unicode are one class."""
    return composed(str(name))


def numbered_classes(labels: Sequence[NDArray[np.int64]]) -> tuple[str, ...]:
    """Class names "0", "1", ... for the labels of all splits, if the data have no names.

    Raises:
        DataError: a label is so large that there are fewer images than classes.
    """
    highest = max((int(part.max()) for part in labels if len(part)), default=-1)
    images = sum(map(len, labels))
    if highest >= images:
        raise DataError(
            f"label {highest} is out of range: {images} images have at most {images} classes, "
            f"numbered from 0"
        )
    return tuple(str(i) for i in range(highest + 1))


NUMBER = re.compile(r"\s*[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?\s*")
"""A label that is a number, such as ``7``, ``007`` or ``7.0``."""


def alike(classes: Sequence[str]) -> list[str]:
    """A note on classes whose names are the same number, or look the same but for capitals,
    spaces, hyphens or underscores; they are not merged, since they may be meant."""
    same: dict[str | Decimal, list[str]] = {}
    for name in classes:
        same.setdefault(_seen(name), []).append(name)
    groups = [" and ".join(map(repr, names)) for names in same.values() if len(names) > 1]
    return [f"{first_names(groups, 3)} are taken for different classes"] if groups else []


def _seen(name: str) -> str | Decimal:
    """What a reader sees of a name: the number, or the text in small letters and usual width."""
    usual = unicodedata.normalize("NFKC", name).casefold()
    shown = "".join(sign for sign in usual if unicodedata.category(sign) != "Cf")
    if NUMBER.fullmatch(shown):
        return Decimal(shown.strip())
    return re.sub(r"[\s_-]+", " ", shown).strip()


def first_names(names: Sequence[str], limit: int = 10) -> str:
    """The first `limit` names, comma-separated, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def check_content(content: Content, source: str) -> None:
    """Raise an error if the splits cannot be used for training.

    Raises:
        DataError: a split is empty, a label is out of range, there is only one class, or a class
            has no training images or a name that is no valid Unicode.
    """
    for name in content.classes:
        if re.search(r"[\ud800-\udfff]", name):
            raise DataError(
                f"{source} has a class named {name!r}, which is no valid Unicode: rename it"
            )
    for part, split in (("train", content.train), ("test", content.test)):
        if not len(split):
            raise DataError(f"{source} has no {_PARTS[part]} images")
        check_labels(split.labels, content.classes, part, source)
    check_several(content.classes, source)


def check_several(classes: Sequence[str], source: str) -> None:
    """Raise an error if there is only one class.

    Raises:
        DataError: it is so.
    """
    if len(classes) == 1:
        raise DataError(f"{source} has only one class, {classes[0]!r}: two are needed")


def check_labels(labels: NDArray[np.int64], classes: Sequence[str], part: str, source: str) -> None:
    """Raise an error if a label of the split `part` has no class, or a class no training image.

    Raises:
        DataError: it is so.
    """
    last = len(classes) - 1
    outside = (labels < 0) | (labels > last)
    if outside.any():
        first = int(np.argmax(outside))
        raise DataError(
            f"label {labels[first]} of {_PARTS[part]} image {first} in {source} is out of range: "
            f"labels are 0 to {last}"
        )
    if part != "train" or not len(labels):
        return
    missing = np.flatnonzero(np.bincount(labels, minlength=len(classes)) == 0).tolist()
    if missing:
        named = first_names([classes[i] for i in missing])
        from_one = "; if they start at 1, subtract 1" if missing == [0] else ""
        raise DataError(
            f"{source} has no training image of class {named}: "
            f"every label from 0 to {last} needs one{from_one}"
        )
