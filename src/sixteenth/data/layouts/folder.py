"""Folders of images by class: train/CLASS/* and test/CLASS/*, or CLASS/* alone.

The name of a folder is the class of all images in it, also of those in subfolders. Without train/
and test/, a stratified test split is held out. Links to folders are followed, each folder once.
Hidden files are ignored. Other files that are no images are counted, and so are images outside the
class folders. Images of a format that is not supported count as broken.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError
from ..decode import ProgressCallback
from ..source import Content, Decoded, Found, Options, first_names, stamp_files
from ..subsets import hold_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".avif"}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)

UNSUPPORTED = frozenset(
    {".heic", ".heif", ".jxl", ".jp2", ".j2k", ".psd", ".svg", ".tga", ".ico", ".dds", ".exr"}
    | {".hdr", ".eps", ".pcx", ".xcf", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2"}
    | {".raf", ".raw"}
)
"""Extensions of images that cannot be read here. They are broken images: a dataset that is
silently incomplete would be worse."""

Classes = Mapping[str, list[Path]]
"""Image files by class name, both sorted."""


def find_folder(folder: Path, options: Options) -> Found | None:
    """The images by class in `folder`; None if no folder in it has images.

    Raises:
        DataError: train/ or test/ is missing, a class folder is empty, or the classes of the two
            differ.
    """
    inside: dict[str, Path] = {}
    for path in _folders(folder):
        earlier = inside.setdefault(path.name.lower(), path)
        if earlier is not path and path.name.lower() in ("train", "test"):
            raise DataError(
                f"{folder} has both {earlier.name} and {path.name}: put the images into one"
            )
    train, test = inside.get("train"), inside.get("test")
    if train is None and test is None:
        return _find_classes(folder, options)
    if train is None or test is None:
        here, lacking = ("test", "train") if train is None else ("train", "test")
        also = ", ".join(sorted(path.name for path in inside.values()))
        way_out = (
            f", or give {train} itself to have a test part cut from it" if train is not None else ""
        )
        raise DataError(
            f"{folder} has a folder {here} but no folder {lacking} (it has {also}): add it{way_out}"
        )
    left_out = [
        *(f"{path.name} is no image" for path in inside.values() if path not in (train, test)),
        *_misplaced(folder, folder),
    ]
    splits = {"train": _classes(train, folder, left_out), "test": _classes(test, folder, left_out)}
    if not any(splits["train"].values()) and not any(splits["test"].values()):
        return None
    _refuse_empty(train, splits["train"])
    _refuse_empty(test, splits["test"])
    for one, other in (("train", "test"), ("test", "train")):
        extra = [name for name in splits[one] if name not in splits[other]]
        if extra:
            raise DataError(
                f"the classes of {folder} differ: {first_names(extra)} in {one}, but not in {other}"
            )
    files = [file for classes in splits.values() for part in classes.values() for file in part]
    return Found(
        name=folder.resolve().name,
        layout="train and test folders",
        identity={"layout": "folder", "path": str(folder.resolve())},
        stamp=stamp_files(folder, files, left_out),
        read=lambda size, progress: _read(folder, splits, left_out, size, progress),
    )


def _find_classes(folder: Path, options: Options) -> Found | None:
    left_out: list[str] = []
    classes = _classes(folder, folder, left_out)
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
    train, test = hold_out_test(labels, names, options, str(folder))
    files = [file for part in classes.values() for file in part]

    def by_class(positions: NDArray[np.int64]) -> Classes:
        part: dict[str, list[Path]] = {name: [] for name in names}
        for position in positions:
            part[names[labels[position]]].append(files[position])
        return part

    splits = {"train": by_class(train), "test": by_class(test)}
    return Found(
        name=folder.resolve().name,
        layout="class folders",
        identity={
            "layout": "classes",
            "path": str(folder.resolve()),
            "test_fraction": str(options.test_fraction),
            "split_seed": str(options.split_seed),
        },
        stamp=stamp_files(folder, files, left_out),
        read=lambda size, progress: _read(folder, splits, left_out, size, progress),
    )


def hold_out_test(
    labels: NDArray[np.int64], classes: tuple[str, ...], options: Options, source: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of a training and a test split, both sorted int64, with every class in both.

    Raises:
        DataError: a class has too few images.
    """
    share = options.test_fraction
    train, test = hold_out(labels, share, seed=options.split_seed, classes=classes)
    untested = np.flatnonzero(np.bincount(labels[test], minlength=len(classes)) == 0)
    if len(untested):
        first = int(untested[0])
        count = int((labels == first).sum())
        raise DataError(
            f"class {classes[first]!r} of {source} has only {count} images: too "
            f"few to cut a test part of {share:g}; add images, or set a larger test_fraction"
        )
    return train, test


def _read(
    folder: Path,
    splits: Mapping[str, Classes],
    left_out: list[str],
    size: int,
    progress: ProgressCallback | None,
) -> Content:
    read = {}
    for part, classes in splits.items():
        counts = [len(files) for files in classes.values()]
        paths = [path for files in classes.values() for path in files]
        names = [_relative(folder, path) for path in paths]
        labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        encoded = zip(names, paths, strict=True)
        read[part] = Decoded.of(part, encoded, labels, names, size, progress)
    return Content.of(tuple(splits["train"]), read["train"], read["test"], left_out)


def _classes(folder: Path, root: Path, left_out: list[str]) -> Classes:
    """Image files of each class folder; an empty list for an empty folder.

    Files that are no images, and images outside the class folders, are appended to `left_out`,
    named by their path relative to `root`.
    """
    classes = {}
    for path in _folders(folder):
        images, others = _files(path)
        classes[_printable(path.name)] = sorted(images, key=os.fspath)
        left_out += sorted(f"{_relative(root, other)} is no image" for other in others)
    left_out += _misplaced(folder, root)
    return classes


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir()]


def _misplaced(folder: Path, root: Path) -> list[str]:
    """A line for each image outside the class folders, and for each broken link."""
    lines = []
    for path in _entries(folder):
        if path.is_symlink() and not path.exists():
            lines.append(f"{_relative(root, path)} is a link that leads nowhere")
        elif not path.is_dir() and _looks_like_image(path.name):
            lines.append(f"{_relative(root, path)} lies in no class folder")
    return lines


def _entries(folder: Path) -> list[Path]:
    """Files and folders in a folder that are not hidden, sorted by name."""
    try:
        inside = [path for path in folder.iterdir() if not _hidden(path.name)]
    except OSError as error:
        raise _unreadable(error) from None
    return sorted(inside, key=lambda path: path.name)


def _files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Image files in a folder and its subfolders, and other files; hidden files are left out.

    Links to folders are followed, but no folder is visited twice, and none of the parent folders.
    So circular links end, and the images of another class are not added to this one.

    Raises:
        DataError: a subfolder cannot be read.
    """
    images: list[Path] = []
    others: list[Path] = []
    visited = {_identity(above) for above in folder.absolute().parents}

    def refuse(error: OSError) -> None:
        raise _unreadable(error)

    for where, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        identity = _identity(Path(where))
        if identity in visited:
            folders.clear()
            continue
        visited.add(identity)
        folders[:] = sorted(name for name in folders if not _hidden(name))
        for name in files:
            if not _hidden(name):
                kind = images if _looks_like_image(name) else others
                kind.append(Path(where, name))
    return images, others


def _identity(folder: Path) -> tuple[int, int]:
    """Device and inode, the same for all paths and links to a folder."""
    try:
        stat = folder.stat()
    except OSError as error:
        raise _unreadable(error) from None
    return stat.st_dev, stat.st_ino


def _unreadable(error: OSError) -> DataError:
    return DataError(f"cannot read {error.filename}: {error.strerror}")


def _looks_like_image(name: str) -> bool:
    extension = os.path.splitext(name)[1].lower()
    return extension in EXTENSIONS or extension in UNSUPPORTED


def _relative(root: Path, path: Path) -> str:
    return _printable(path.relative_to(root).as_posix())


def _hidden(name: str) -> bool:
    # Zip files of macOS have a folder __MACOSX whose files only look like images; Windows writes
    # thumbnails and settings into folders of images.
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def _printable(name: str) -> str:
    """A file name as valid Unicode; bytes that are not UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _refuse_empty(folder: Path, classes: Classes) -> None:
    empty = [name for name, files in classes.items() if not files]
    if empty:
        kinds = ", ".join(sorted(extension[1:] for extension in EXTENSIONS))
        raise DataError(
            f"no images in {first_names([str(folder / name) for name in empty])}: "
            f"every class folder needs some ({kinds}), or remove it"
        )
    if not classes:
        raise DataError(f"{folder} has no class folders: put images into {folder / 'CLASS'}")
