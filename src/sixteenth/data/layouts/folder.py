"""Folders of images by class: train/CLASS/* and test/CLASS/*, or CLASS/* alone.

A class is the name of a folder; its images may lie in folders inside it. Of classes alone, a
stratified test split is cut off. Links to folders are followed, each folder once. Hidden files are
left out without a word; other files that are no images are counted, as are images that lie beside
the class folders, and files whose ending says that they are images of a kind that cannot be read
here are broken images.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...errors import DataError
from ..decode import Progress, decode_images
from ..source import Content, Decoded, Found, Options, stamp_files
from ..subsets import hold_out

EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".avif"}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)

FOREIGN = frozenset(
    {".heic", ".heif", ".jxl", ".jp2", ".j2k", ".psd", ".svg", ".tga", ".ico", ".dds", ".exr"}
    | {".hdr", ".eps", ".pcx", ".xcf", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2"}
    | {".raf", ".raw"}
)
"""Endings of images that are not opened: to leave them out silently would make a wrong dataset."""

Classes = Mapping[str, list[Path]]
"""Image files by the name of their class, both in sorted order."""


def find_folder(folder: Path, options: Options) -> Found | None:
    """The images by class in `folder`; None if no folder in it holds any image.

    Raises:
        DataError: one of train/ and test/ is missing, a class folder is empty, or the classes
            of the two differ.
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
    ignored = [
        *(f"{path.name} is no image" for path in inside.values() if path not in (train, test)),
        *_loose(folder, folder),
    ]
    splits = {"train": _classes(train, folder, ignored), "test": _classes(test, folder, ignored)}
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
        stamp=stamp_files(folder, files, ignored),
        read=lambda size, progress: _read(folder, splits, ignored, size, progress),
    )


def _find_one_level(folder: Path, options: Options) -> Found | None:
    ignored: list[str] = []
    classes = _classes(folder, folder, ignored)
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
        stamp=stamp_files(folder, files, ignored),
        read=lambda size, progress: _read(folder, splits, ignored, size, progress),
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
    folder: Path,
    splits: Mapping[str, Classes],
    ignored: list[str],
    size: int,
    progress: Progress | None,
) -> Content:
    read = {}
    for part, classes in splits.items():
        counts = [len(files) for files in classes.values()]
        paths = [path for files in classes.values() for path in files]
        names = [_below(folder, path) for path in paths]
        what = f"decoding {part} images"
        encoded = zip(names, paths, strict=True)
        dark: list[str] = []
        pixels, broken = decode_images(
            encoded, len(paths), size, what=what, progress=progress, dark=dark
        )
        labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        read[part] = Decoded(pixels, labels, names, broken, dark)
    return Content.of(tuple(splits["train"]), read["train"], read["test"], ignored)


def _classes(folder: Path, root: Path, ignored: list[str]) -> Classes:
    """Image files of each class folder; a class without any has an empty list.

    What is not read is added to `ignored`, by its path under `root`: files among the images that
    are none, and images beside the class folders.
    """
    classes = {}
    for path in _folders(folder):
        images, others = _files(path)
        classes[_readable(path.name)] = sorted(images, key=os.fspath)
        ignored += sorted(f"{_below(root, other)} is no image" for other in others)
    ignored += _loose(folder, root)
    return classes


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir()]


def _loose(folder: Path, root: Path) -> list[str]:
    """What lies beside the class folders and might have been meant: images, and dead links."""
    found = []
    for path in _entries(folder):
        if path.is_symlink() and not path.exists():
            found.append(f"{_below(root, path)} is a link that leads nowhere")
        elif not path.is_dir() and _looks_like_image(path.name):
            found.append(f"{_below(root, path)} lies in no class folder")
    return found


def _entries(folder: Path) -> list[Path]:
    """What is in a folder and not hidden, by name."""
    try:
        inside = [path for path in folder.iterdir() if not _hidden(path.name)]
    except OSError as error:
        raise _unreadable(error) from None
    return sorted(inside, key=lambda path: path.name)


def _files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files in a folder that should be images, and the others; hidden ones are neither.

    Links to folders are followed, but into no folder twice and to none of those above, so that
    links that lead in a circle end, and no other class's images are taken for this one's.

    Raises:
        DataError: a folder in it cannot be read.
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
    """Which folder it is, by whatever path or link it was reached."""
    try:
        stat = folder.stat()
    except OSError as error:
        raise _unreadable(error) from None
    return stat.st_dev, stat.st_ino


def _unreadable(error: OSError) -> DataError:
    return DataError(f"cannot read {error.filename}: {error.strerror}")


def _looks_like_image(name: str) -> bool:
    ending = os.path.splitext(name)[1].lower()
    return ending in EXTENSIONS or ending in FOREIGN


def _below(root: Path, path: Path) -> str:
    return _readable(path.relative_to(root).as_posix())


def _hidden(name: str) -> bool:
    # macOS puts __MACOSX, full of stubs that look like images, into its zip files; Windows puts
    # lists of thumbnails and settings into folders of images.
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


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
