"""Folders of images by class: train/CLASS/* and test/CLASS/*, or CLASS/* alone.

A class is the name of a folder; its images may lie in folders inside it. Of classes alone, a
stratified test split is cut off. Hidden files and files that are no images are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..errors import DataError
from .dataset import Split
from .decode import Progress, decode_images, refuse_broken
from .source import Content, Found, Options, stamp_files
from .subsets import hold_out

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"})

Classes = Mapping[str, list[Path]]
"""Image files by the name of their class, both in sorted order."""


def find_folder(folder: Path, options: Options) -> Found | None:
    """The images by class in `folder`; None if no folder in it holds any image.

    Raises:
        DataError: one of train/ and test/ is missing, a class folder is empty, or the classes
            of the two differ.
    """
    inside = {path.name.lower(): path for path in _folders(folder)}
    train, test = inside.get("train"), inside.get("test")
    if train is None and test is None:
        return _find_one_level(folder, options)
    if train is None or test is None:
        here, lacking = ("test", "train") if train is None else ("train", "test")
        also = ", ".join(sorted(path.name for path in inside.values()))
        way_out = (
            f", or give {train} itself to have a test part cut from it" if train is not None else ""
        )
        raise DataError(
            f"{folder} has a folder {here} but no folder {lacking} (it has {also}): add it{way_out}"
        )
    splits = {"train": _classes(train), "test": _classes(test)}
    if not any(splits["train"].values()) and not any(splits["test"].values()):
        return None
    for place, classes in ((train, splits["train"]), (test, splits["test"])):
        _refuse_empty(place, classes)
    for one, other in (("train", "test"), ("test", "train")):
        extra = [name for name in splits[one] if name not in splits[other]]
        if extra:
            raise DataError(
                f"the classes of {folder} differ: {_list(extra)} in {one}, but not in {other}"
            )
    files = [file for classes in splits.values() for part in classes.values() for file in part]
    return Found(
        name=folder.resolve().name,
        identity={"layout": "folder", "path": str(folder.resolve())},
        stamp=stamp_files(folder, files),
        read=lambda size, progress: _read(folder, splits, size, progress),
    )


def _find_one_level(folder: Path, options: Options) -> Found | None:
    classes = _classes(folder)
    if not any(classes.values()):
        return None
    _refuse_empty(folder, classes)
    if options.test_fraction == 0:
        raise DataError(
            f"{folder} has no test images of its own, and test_fraction is 0: "
            f"set it, for example to 0.2, or add folders train and test"
        )
    names = tuple(classes)
    labels = np.repeat(np.arange(len(names)), [len(files) for files in classes.values()])
    train, test = cut_test(labels, names, options, str(folder))
    files = [file for part in classes.values() for file in part]

    def by_class(positions: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Classes:
        cut: dict[str, list[Path]] = {name: [] for name in names}
        for position in positions:
            cut[names[labels[position]]].append(files[position])
        return cut

    splits = {"train": by_class(train), "test": by_class(test)}
    return Found(
        name=folder.resolve().name,
        identity={
            "layout": "classes",
            "path": str(folder.resolve()),
            "test_fraction": str(options.test_fraction),
            "split_seed": str(options.split_seed),
        },
        stamp=stamp_files(folder, files),
        read=lambda size, progress: _read(folder, splits, size, progress),
    )


def cut_test(
    labels: np.ndarray[tuple[int], np.dtype[np.int64]],
    classes: tuple[str, ...],
    options: Options,
    source: str,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Positions of a training and a test split, with every class in both.

    Raises:
        DataError: a class has too few images for that.
    """
    share = options.test_fraction
    train, test = hold_out(labels, share, seed=options.split_seed, classes=classes)
    untested = np.flatnonzero(np.bincount(labels[test], minlength=len(classes)) == 0)
    if len(untested):
        few = int(untested[0])
        raise DataError(
            f"class {classes[few]!r} of {source} has only {int((labels == few).sum())} images: too "
            f"few to cut a test part of {share:g}; add images, or set a larger test_fraction"
        )
    return train, test


def _read(
    folder: Path, splits: Mapping[str, Classes], size: int, progress: Progress | None
) -> Content:
    read, broken, total = {}, [], 0
    for part, classes in splits.items():
        counts = [len(files) for files in classes.values()]
        encoded = (
            (file.relative_to(folder).as_posix(), file)
            for files in classes.values()
            for file in files
        )
        what = f"decoding {part} images"
        pixels, found = decode_images(encoded, sum(counts), size, what=what, progress=progress)
        labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        read[part] = Split(pixels, labels)
        broken += found
        total += len(labels)
    refuse_broken(broken, total)
    return Content(tuple(splits["train"]), read["train"], read["test"])


def _classes(folder: Path) -> Classes:
    """Image files of each class folder; a class without any has an empty list."""
    return {_readable(path.name): sorted(_images(path), key=os.fspath) for path in _folders(folder)}


def _folders(folder: Path) -> list[Path]:
    try:
        inside = [path for path in folder.iterdir() if path.is_dir() and not _hidden(path.name)]
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror}") from None
    return sorted(inside, key=lambda path: path.name)


def _images(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _hidden(name)]
        for name in files:
            if not _hidden(name) and os.path.splitext(name)[1].lower() in EXTENSIONS:
                yield Path(where, name)


def _hidden(name: str) -> bool:
    # macOS puts __MACOSX, full of stubs that look like images, into its zip files.
    return name.startswith(".") or name == "__MACOSX"


def _readable(name: str) -> str:
    """A folder's name as text that can be written to any file."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _refuse_empty(folder: Path, classes: Classes) -> None:
    empty = [name for name, files in classes.items() if not files]
    if empty:
        kinds = ", ".join(sorted(extension[1:] for extension in EXTENSIONS))
        raise DataError(
            f"no images in {_list([str(folder / name) for name in empty])}: "
            f"every class folder needs some ({kinds}), or remove it"
        )
    if not classes:
        raise DataError(f"{folder} has no class folders: put images into {folder / 'CLASS'}")


def _list(names: list[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more
