"""Class folders: the images of each class, and what speaks against folders being classes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import DataError
from ...messages import counted
from ..source import class_name, excluding, first_names
from .splits import Role, are_parts, role
from .tree import EXTENSIONS, Tree, printable

Classes = dict[str, list[Path]]
"""Image files by class name, both sorted."""


@dataclass
class Parts:
    """What a folder of images was taken for, before anything is decoded.

    Attributes:
        layout: as `Found.layout`.
        splits: the images by class; a test or validation split only where there is one.
        names: what the splits are called in messages.
        files: tables that were read.
        columns: that were read, for the key of the cached copy.
    """

    layout: str
    splits: dict[Role, Classes]
    names: dict[Role, str]
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    files: Sequence[Path] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


_MASKS = (
    r"(?:masks?|seg|segs|segmentations?|gt|ground[ _-]?truths?|labels?|annotations?|depths?|edges?)"
)
_KIND = re.compile(
    rf"{_MASKS}|images?|imgs?|pictures?|photos?|jpe?gs?|pngs?|rgb|colou?r|originals?|raw|crops?|"
    r"resized|aug|augmented|thumbs?|thumbnails?"
)
"""Names of subfolders that every class may well have: kinds of images, not other classes."""
_MASK_FILE = re.compile(rf"(.+?)([ _.-]+{_MASKS})(?:[ _-]?\d+)?", re.IGNORECASE)


def inner(tree: Tree, folder: Path, without: Sequence[Path] = ()) -> Path:
    """`folder`, or the folder in it, and in that one, that holds all its images in subfolders.

    Archives are often unpacked into a folder in a folder, such as ``seg_train/seg_train/CLASS``.
    The folders `without` do not count.
    """
    while not tree.direct(folder):
        inside = [path for path in tree.with_images(folder) if path not in without]
        if len(inside) != 1 or (tree.direct(inside[0]) and not role(inside[0].name)):
            break
        folder = inside[0]
    return folder


def class_folders(tree: Tree, folder: Path, without: Sequence[Path] = ()) -> Classes:
    """The images of each class folder in `folder`, but of none that is or holds one of `without`.

    What else lies there is left out, with its reason.

    Raises:
        DataError: a class folder holds no images, or there is none.
    """
    classes: Classes = {}
    empty = []
    for path in tree.folders(folder):
        if any(path == other or path in other.parents for other in without):
            continue
        inside = tree.walk(path)
        if inside.images:
            classes.setdefault(class_name(printable(path.name)), []).extend(inside.images)
        elif not inside.excluded:
            empty.append(str(path))
        tree.leave_out(inside.others, "is no image")
    if len(classes) == 1 and _KIND.fullmatch(next(iter(classes)).lower()):
        empty = []  # such as labels/*.txt beside images/*.jpg: no classes, of which one is empty
    if empty:
        kinds = ", ".join(sorted(extension[1:] for extension in EXTENSIONS))
        raise DataError(
            f"no images in {first_names(empty)}: every class folder needs some ({kinds}), or "
            "remove it"
        )
    if not classes:
        raise DataError(f"{folder} has no class folders: put images into {folder / 'CLASS'}")
    beside = [*tree.direct(folder), *tree.others(folder)]
    dangling = [path for path in beside if path.is_symlink() and not path.exists()]
    tree.leave_out(dangling, "is a link that leads nowhere")
    loose = [path for path in tree.direct(folder) if path not in dangling]
    tree.leave_out(loose, "lies in no class folder")
    parquet = [path for path in tree.others(folder) if path.suffix.lower() == ".parquet"]
    tree.leave_out(parquet, "is no image, and no table that is read beside images")
    tree.leave_out_dotted(folder)
    return dict(sorted(classes.items()))


def doubt(tree: Tree, folder: Path) -> str:
    """Why the folders in `folder` may be no classes: the end of a sentence; empty if they are."""
    inside = tree.with_images(folder)
    names = [path.name for path in inside]
    if are_parts(names):
        return "are named like parts of one data set"
    if len(names) > 1 and all(_KIND.fullmatch(name.lower()) for name in names):
        return "are named like kinds of images"
    below = [
        {image.parent.name for image in tree.walk(path).images if image.parent != path}
        for path in inside
    ]
    number = Counter(name for subfolders in below for name in subfolders)
    same = {n for n, often in number.items() if often > 1 and not _KIND.fullmatch(n.lower())}
    apart = not any(map(tree.is_flat, inside))
    several = len(same) > 1 or max(map(len, below), default=0) > 1
    if apart and several and all(same & subfolders for subfolders in below):
        return f"hold folders of the same names ({first_names(sorted(same), 5)})"
    for path, subfolders in zip(inside, below, strict=True):
        copies = sorted(subfolders.intersection(names) - {path.name})
        if len(copies) > 1:
            return (
                f"stand in {path.name} again ({first_names(copies, 3)}; "
                f"{excluding([printable(path.name)])} leaves that one out)"
            )
    return ""


def merged(parts: Iterable[Classes]) -> Classes:
    """Several parts as one; each class sorted by path."""
    classes: Classes = {}
    for part in parts:
        for name, images in part.items():
            classes.setdefault(name, []).extend(images)
    return {name: sorted(classes[name]) for name in sorted(classes)}


def notes_on(tree: Tree, places: Sequence[Path], parts: Sequence[Classes]) -> list[str]:
    """Notes on class folders: subfolders that were read, masks among the images, Unicode.

    Args:
        places: the folders that hold the class folders.
        parts: what was read there.
    """
    notes = []
    images = [image for part in parts for listed in part.values() for image in listed]
    below = Counter(image.parent.name for image in images if image.parent.parent not in places)
    if below:
        told = first_names([f"{printable(name)} {n}" for name, n in below.most_common()], 5)
        masks = [name for name in sorted(below) if re.fullmatch(_MASKS, name.lower())]
        way_out = f"; {excluding(masks)} would leave masks out" if masks else ""
        notes.append(f"images in subfolders of the classes were read too: {told}{way_out}")
    masks = [name for name in parts[0] if re.fullmatch(_MASKS, name.lower())]
    if masks:
        notes.append(
            f"{', '.join(masks)} is taken for a class: {excluding(masks)} would leave masks out"
        )
    endings = _mask_files(images)
    if endings:
        first, count = next(iter(endings)), sum(endings.values())
        notes.append(
            f"{counted(count, 'image')} {'is' if count == 1 else 'are'} named like a mask "
            f"of another, with {first!r}: exclude: ['*{first}*'] would leave masks out"
        )
    spelled: dict[str, set[str]] = {}
    for place in places:
        for path in tree.with_images(place):
            spelled.setdefault(class_name(printable(path.name)), set()).add(path.name)
    notes += [
        f"folders named {name!r} in two spellings of Unicode (NFC and NFD) are one class"
        for name, names in spelled.items()
        if len(names) > 1 and name in parts[0]
    ]
    return notes


def _mask_files(images: Sequence[Path]) -> Mapping[str, int]:
    """How many images are named as another one in their folder with such an end, by that end."""
    named = [(image, match) for image in images if (match := _MASK_FILE.fullmatch(image.stem))]
    stems = {(image.parent, image.stem) for image in images} if named else set()
    found = Counter(match[2] for image, match in named if (image.parent, match[1]) in stems)
    return dict(found.most_common())
