"""Images that are arrays already: an .npz file, and scikit-learn's digits.

An .npz file has x_train, y_train, x_test, y_test, and optionally classes (names). Without a test
part, a validation part (x_val, y_val) is the test part; without any, one is split off. Pickled
objects are never loaded.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError
from ...messages import one_line
from ...storage.lfs import LFS_REASON, is_lfs_pointer
from ..dataset import Split
from ..decode import resize_array
from ..machine import memory_bytes
from ..oddities import DEEP_DARK, high_value
from ..pixel_store import PixelStore
from ..source import (
    Content,
    Found,
    Options,
    check_labels,
    check_several,
    class_name,
    cut_note,
    hold_out_test,
    numbered_classes,
    only_test_note,
    stamp_files,
    unused_validation,
)
from .splits import Role, is_plain, role

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PARTS: tuple[Role, ...] = ("train", "test")

DARK = {"f": DEEP_DARK, "u": 17, "i": 17}
"""Values below this, of 255, are dark: floats may be 12 or 14 bits divided by 65,535; whole numbers
up to 16 may be floats that lost their fractions, or classes of a mask."""

_APART = 255 / 8
"""Means of two splits that differ more, of 255, are of other images or in another scale."""


@dataclass(frozen=True)
class _Part:
    """One split of an .npz: its images, checked but not converted yet, and its labels."""

    images: NDArray[Any]
    labels: NDArray[np.int64]


def find_npz(file: Path, options: Options) -> Found:
    """The .npz `file`; its arrays are checked only when they are read.

    Raises:
        DataError: it cannot be read, or lacks the training images.
    """
    names = _names(file)
    is_cut = "test" not in _endings(names)
    cut = {"test_fraction": str(options.test_fraction), "split_seed": str(options.split_seed)}
    return Found(
        name=file.stem,
        layout="npz",
        identity={"layout": "npz", "path": str(file.resolve()), **(cut if is_cut else {})},
        stamp=stamp_files(file.parent, [file], _not_read(names)),
        read=lambda target: _read_npz(file, options, target),
    )


def find_digits(options: Options) -> Found:
    """scikit-learn's 1,797 handwritten digits of 8 x 8 pixels; some are held out as test split."""
    return Found(
        name="digits",
        layout="digits",
        identity={},
        stamp="",
        read=lambda target: _read_digits(options, target),
        symbols=True,
        cached=False,
    )


def _read_digits(options: Options, target: PixelStore) -> Content:
    from sklearn.datasets import load_digits

    digits = load_digits()
    # Grey values run from 0 to 16.
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    images = resize_array(_three_channels(pixels), target, "all")
    labels = digits.target.astype(np.int64)
    classes = tuple(str(name) for name in digits.target_names)
    train, test = hold_out_test(labels, classes, options, "digits")
    return Content(classes, Split(images[train], labels[train]), Split(images[test], labels[test]))


def _read_npz(file: Path, options: Options, target: PixelStore) -> Content:
    names, arrays = _names(file), _load(file)
    endings = _endings(names)
    parts: dict[Role, _Part] = {}
    for part in _PARTS:
        if name := endings.get(part):
            x, y = arrays[f"x_{name}"], arrays[f"y_{name}"]
            parts[part] = _Part(
                _images(x, f"x_{name} of {file}"), _labels(y, f"y_{name} of {file}")
            )
            if len(x) != len(y):
                raise DataError(
                    f"{file} has {len(x)} images in x_{name}, but {len(y)} labels in y_{name}"
                )
    labels = {part: each.labels for part, each in parts.items()}
    classes = _classes(arrays.get("classes"), file, list(labels.values()))
    for part, values in labels.items():  # before the images are resized
        check_labels(values, classes, part, str(file))
    check_several(classes, str(file))
    notes = _brightness_notes(parts, endings)
    if role(endings.get("test", "")) == "validation":
        notes.append(only_test_note(f"x_{endings['test']}"))
    left_out, validation = [f"{name} is not read" for name in _not_read(names)], 0
    if unused := endings.get("validation"):
        validation = len(arrays[f"y_{unused}"])
        left_out.insert(0, unused_validation(f"x_{unused}", validation))
    rows: dict[Role, NDArray[np.int64]] = {part: np.arange(len(labels[part])) for part in parts}
    if "test" not in parts:
        notes.append(cut_note(options))
        if not labels["train"].size:
            raise DataError(f"{file} has no training images: see y_train")
        rows["train"], rows["test"] = hold_out_test(labels["train"], classes, options, str(file))
    splits = {}
    for part in _PARTS:
        source = parts.get(part, parts["train"])
        images = resize_array(source.images, target, part, rows=rows[part], convert=_as_bytes)
        splits[part] = Split(images, source.labels[rows[part]])
    return Content(
        classes,
        splits["train"],
        splits["test"],
        left_out=tuple(left_out),
        notes=tuple(notes),
        validation_images=validation,
    )


def _classes(
    names: NDArray[Any] | None, file: Path, labels: Sequence[NDArray[np.int64]]
) -> tuple[str, ...]:
    """The names of the classes, numbers where the file has no names.

    Raises:
        DataError: a name stands twice.
    """
    if names is None:
        return numbered_classes(labels)
    if names.dtype.kind == "S":
        names = np.char.decode(names, "utf-8", "replace")
    classes = tuple(class_name(name) for name in names.ravel())
    twice = [name for i, name in enumerate(classes) if name in classes[:i]]
    if twice:
        raise DataError(
            f"{file} names two classes {twice[0]!r} in classes: each needs its own name"
        )
    return classes


def _brightness_notes(parts: Mapping[Role, _Part], endings: Mapping[Role, str]) -> list[str]:
    """What is odd about the values of the splits, alone and beside each other."""
    notes, means, highs, types = [], [], [], []
    for part, each in parts.items():
        if not len(each.images):
            return []
        counts = np.zeros(256, np.int64)
        averages = []
        for start in range(0, len(each.images), 256):
            images = _as_bytes(each.images[start : start + 256])
            counts += np.bincount(images.ravel(), minlength=256)
            averages.append(images.mean((1, 2, 3)))
        kind, high = each.images.dtype.kind, high_value(counts)
        if high < DARK[kind]:
            notes.append(
                f"x_{endings[part]} is nearly black: almost all of its values are at most {high} "
                f"of 255{' (floats are multiplied by 255)' if kind == 'f' else ''}; rescale it"
            )
        means.append(np.concatenate(averages))
        highs.append(high)
        types.append("floats from 0 to 1" if kind == "f" else "whole numbers from 0 to 255")
    if len(parts) == 2:
        one_name, other_name = (f"x_{endings[part]}" for part in parts)
        if types[0] != types[1]:
            notes.append(f"{one_name} are {types[0]}, {other_name} {types[1]}")
        one, other = (float(each.mean()) for each in means)
        error = float(np.sqrt(sum(each.var() / len(each) for each in means)))
        far = abs(one - other) > max(_APART, 4 * error)
        if far or max(highs) > 2 * (min(highs) + 1):
            notes.append(
                f"{one_name} and {other_name} differ in brightness: their means are {one:.0f} and "
                f"{other:.0f} of 255, almost all values are at most {highs[0]} and {highs[1]}"
            )
    return notes


def _names(file: Path) -> list[str]:
    """The names of the arrays in a file; those of other files are none."""
    try:
        with zipfile.ZipFile(file) as members:
            return [name.removesuffix(".npy") for name in members.namelist()]
    except (OSError, zipfile.BadZipFile):
        return []  # `_load` says why


def _endings(names: Sequence[str]) -> dict[Role, str]:
    """The ENDING of the arrays x_ENDING and y_ENDING of each split.

    There is a training split in any case, and a validation split only where it is not used: where
    there is no other test split, it is that.
    """
    found: dict[Role, str] = {"train": "train"}
    usual_names: dict[Role, str] = {"train": "train", "test": "test", "validation": "val"}
    listed = [name[2:] for name in names if name[:2] in ("x_", "y_") and is_plain(name[2:])]
    for part, usual in usual_names.items():
        own = [ending for ending in listed if role(ending) == part]
        if part == "validation":
            own = [ending for ending in own if {f"x_{ending}", f"y_{ending}"} <= set(names)]
        if own:
            found[part] = usual if usual in own else own[0]
    if "test" not in found and "validation" in found:
        found["test"] = found.pop("validation")
    return found


def _not_read(names: Sequence[str]) -> list[str]:
    """The arrays of a file that are of no split."""
    known = {f"{axis}_{ending}" for ending in _endings(names).values() for axis in "xy"}
    return [name for name in names if name not in {"classes", *known}]


def _load(file: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file that are needed; the resized images come on top of them."""
    if is_lfs_pointer(file):
        raise DataError(f"{file} is {LFS_REASON}")
    try:
        # ZipFile raises if it is no zip; np.load alone would also read a pickle or an .npy.
        with zipfile.ZipFile(file) as members, np.load(file, allow_pickle=False) as archive:
            # The archive states these sizes; zipfile reads no more bytes than that.
            needed, limit = sum(member.file_size for member in members.infolist()), memory_bytes()
            if needed > limit:
                raise DataError(
                    f"cannot read {file}: its arrays take more memory than there is "
                    f"({needed / 1e9:,.2f} of {limit / 1e9:,.2f} GB): save them as images"
                )
            present = list(archive.files)
            endings = _endings(present)
            used = [endings[part] for part in _PARTS if part in endings]
            keys = [f"{axis}_{ending}" for ending in used for axis in "xy"]
            lacking = [key for key in keys if key not in present]
            if lacking:
                raise DataError(
                    f"{file} has no {', '.join(lacking)}: it needs x_train, y_train, and x_test, "
                    f"y_test unless a test part is to be cut "
                    f"(it has {', '.join(present[:10]) or 'none of them'})"
                )
            more = ["classes", f"y_{endings.get('validation')}"]
            return {key: archive[key] for key in (*keys, *more) if key in present}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        reason = one_line(error)
        if "allow_pickle" in reason:
            reason = "it holds pickled objects, which are never loaded: save plain arrays"
        raise DataError(f"cannot read {file}: {reason}") from None
    except MemoryError:
        raise DataError(f"cannot read {file}: its arrays take more memory than there is") from None


def _images(array: NDArray[Any], what: str) -> NDArray[Any]:
    """`array` with its channels last, checked.

    Raises:
        DataError: the shape, the type or the range of the values is not supported.
    """
    if array.ndim == 4 and array.shape[-1] in (1, 3):
        pass
    elif array.ndim == 4 and array.shape[1] in (1, 3):
        array = np.moveaxis(array, 1, -1)
    elif array.ndim != 3:
        raise DataError(
            f"{what} has the shape {array.shape}: images are (N, H, W), (N, H, W, 1), "
            f"(N, H, W, 3) or (N, 3, H, W)"
        )
    if 0 in array.shape[1:]:
        raise DataError(f"{what} has the shape {array.shape}: the images are empty")
    kind = array.dtype.kind
    if kind not in "uif":
        raise DataError(f"{what} has the type {array.dtype}: use uint8, or floats in [0, 1]")
    if len(array) and array.dtype != np.uint8:
        low, high = array.min(), array.max()
        # Written so that NaN fails as well.
        if not (low >= 0 and high <= (1 if kind == "f" else 255)):
            raise DataError(
                f"{what} has values from {low} to {high}: use uint8, whole numbers "
                f"from 0 to 255, or floats in [0, 1]"
            )
    return array


def _as_bytes(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Checked images as uint8 (N, H, W, 3)."""
    if images.dtype.kind == "f":
        images = np.rint(images * 255.0)
    return _three_channels(images.astype(np.uint8, copy=False))


def _three_channels(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (N, H, W) or (N, H, W, 1), or already (N, H, W, 3), as (N, H, W, 3)."""
    if images.ndim == 3:
        images = images[..., None]
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


def _labels(array: NDArray[Any], what: str) -> NDArray[np.int64]:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "ui":
        raise DataError(
            f"{what} has the type {array.dtype} and the shape {array.shape}: labels are "
            f"integers, (N,) or (N, 1)"
        )
    return array.astype(np.int64)
