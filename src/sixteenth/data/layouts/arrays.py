"""Images that are arrays already: an .npz file, and scikit-learn's digits.

An .npz file has x_train, y_train, x_test, y_test, and optionally classes (names). Pickled objects
are never loaded.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError, one_line
from ..dataset import Split
from ..decode import ProgressCallback, resize_array
from ..machine import memory_bytes
from ..source import (
    Content,
    Found,
    Options,
    hold_out_test,
    numbered_classes,
    stamp_files,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KEYS = ("x_train", "y_train", "x_test", "y_test")


def find_npz(file: Path, options: Options) -> Found:
    """The .npz `file`; its arrays are checked only when they are read."""
    return Found(
        name=file.stem,
        layout="npz",
        identity={"layout": "npz", "path": str(file.resolve())},
        stamp=stamp_files(file.parent, [file]),
        read=lambda size, progress: _read_npz(file, size, progress),
    )


def find_digits(options: Options) -> Found:
    """scikit-learn's 1,797 handwritten digits of 8 x 8 pixels; some are held out as test split."""
    return Found(
        name="digits",
        layout="digits",
        identity={},
        stamp="",
        read=lambda size, progress: _read_digits(options, size, progress),
        symbols=True,
        cached=False,
    )


def _read_digits(options: Options, size: int, progress: ProgressCallback | None) -> Content:
    from sklearn.datasets import load_digits

    digits = load_digits()
    # Grey values run from 0 to 16.
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    images = resize_array(_three_channels(pixels), size, what="resizing digits", progress=progress)
    labels = digits.target.astype(np.int64)
    classes = tuple(str(name) for name in digits.target_names)
    train, test = hold_out_test(labels, classes, options, "digits")
    return Content(classes, Split(images[train], labels[train]), Split(images[test], labels[test]))


def _read_npz(file: Path, size: int, progress: ProgressCallback | None) -> Content:
    arrays = _load(file)
    splits = {}
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        images, labels = _pixels(x, f"x_{part} of {file}"), _labels(y, f"y_{part} of {file}")
        if len(images) != len(labels):
            raise DataError(
                f"{file} has {len(images)} images in x_{part}, but {len(labels)} labels in y_{part}"
            )
        what = f"resizing {part} images"
        splits[part] = Split(resize_array(images, size, what=what, progress=progress), labels)
    if "classes" in arrays:
        classes = tuple(str(name) for name in arrays["classes"].ravel())
    else:
        classes = numbered_classes([split.labels for split in splits.values()])
    return Content(classes, splits["train"], splits["test"])


def _load(file: Path) -> dict[str, NDArray[Any]]:
    try:
        # ZipFile raises if it is no zip; np.load alone would also read a pickle or an .npy.
        with zipfile.ZipFile(file) as members, np.load(file, allow_pickle=False) as archive:
            # The archive states these sizes; zipfile reads no more bytes than that.
            if sum(member.file_size for member in members.infolist()) > memory_bytes():
                raise MemoryError
            present = list(archive.files)
            lacking = [key for key in _KEYS if key not in present]
            if lacking:
                raise DataError(
                    f"{file} has no {', '.join(lacking)}: it needs {', '.join(_KEYS)} "
                    f"(it has {', '.join(present[:10]) or 'none of them'})"
                )
            return {key: archive[key] for key in (*_KEYS, "classes") if key in present}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        reason = one_line(error)
        if "allow_pickle" in reason:
            reason = "it holds pickled objects, which are never loaded: save plain arrays"
        raise DataError(f"cannot read {file}: {reason}") from None
    except MemoryError:
        raise DataError(f"cannot read {file}: its arrays take more memory than there is") from None


def _pixels(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    """`array` as uint8 (N, H, W, 3).

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
        array = np.rint(array * 255.0) if kind == "f" else array
    return _three_channels(array.astype(np.uint8, copy=False))


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
