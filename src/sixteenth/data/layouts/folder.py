"""Folders of images: in class folders, with or without split folders above them, or with a table.

    CLASS/*                         the test part is split off
    train/CLASS/*, test/CLASS/*     by any usual name, see `splits`; also one level further down
    CLASS/train/*, CLASS/test/*     the same names in every class folder
    *.jpg and metadata.csv          labels from a table, see `table`

All of these also inside one wrapper folder. What is a class and what is a split is told by names
and by where the images lie; where both readings are possible the folder is refused, with the keys
that say which one is meant.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...messages import nearest
from ..pixel_store import PixelStore
from ..source import (
    Content,
    Decoded,
    Found,
    Options,
    check_several,
    class_name,
    composed,
    cut_note,
    excluding,
    first_names,
    hold_out_test,
    only_test_note,
    stamp_files,
    unused_validation,
)
from .classes import Classes, Parts, class_folders, doubt, inner, merged, notes_on
from .labelled import parts_of_tables
from .split_folders import home_of, no_labels, one_class, split_classes, split_folders, unclear
from .splits import Role, choose, is_plain
from .table import find_tables
from .tree import Tree, printable


def find_folder(folder: Path, options: Options) -> Found | None:
    """The images in `folder` by class; None if it holds no images.

    Raises:
        DataError: classes and splits cannot be told apart, a part is missing or empty, the classes
            of two parts differ, or images have no label.
    """
    tree = Tree(folder, options.exclude)
    if not tree.walk(folder).images:
        if tree.walk(folder).excluded:
            raise DataError(f"exclude leaves no image in {folder}")
        return None
    if options.train_folders or options.test_folders:
        parts = _named_by_user(tree, options)
    else:
        parts = _detect(tree, options)
    tree.check_exclude()
    validation = _settle_validation(parts)
    if not parts.files:
        _say_places(parts)
    test = parts.splits.get("test")
    if test is None:
        train, test = _cut(parts.splits["train"], options, str(folder))
        parts.notes.append(cut_note(options))
    else:
        train = parts.splits["train"]
        _compare_classes(folder, parts.names, train, test, strictly=not parts.files)
    check_several(tuple(train), str(folder))
    splits = {"train": train, "test": test}
    left_out = [*parts.left_out, *tree.left_out()]
    images = [path for part in splits.values() for listed in part.values() for path in listed]
    settings: dict[str, object] = {
        "exclude": options.exclude,
        "train_folders": options.train_folders,
        "test_folders": options.test_folders,
    }
    if "test" not in parts.splits:
        settings |= {"test_fraction": options.test_fraction, "split_seed": options.split_seed}
    return Found(
        name=folder.resolve().name,
        layout=parts.layout,
        identity={
            "layout": parts.layout,
            "path": str(folder.resolve()),
            **{key: str(value) for key, value in settings.items()},
            **parts.columns,
        },
        stamp=stamp_files(folder, [*images, *parts.files], [*left_out, *parts.notes]),
        read=lambda target: _read(tree, splits, (left_out, parts.notes, validation), target),
        beside=tree.studies(),
    )


def _detect(tree: Tree, options: Options) -> Parts:
    """Splits and classes by the names of the folders and where the images lie."""
    home = home_of(tree)
    splits, problem = split_folders(tree, home)
    places: dict[Role | None, Path] = {each: inner(tree, path) for each, path in splits.items()}
    if not places:
        places = {None: home}
    train = places.get("train", home)
    flat = [place for place in places.values() if tree.is_flat(place)]
    doubtful = "" if flat or problem else doubt(tree, train)
    unlabelled = bool(flat) or len(tree.with_images(train)) == 1
    needed = bool(unlabelled or problem or doubtful)
    parts, reasons = parts_of_tables(tree, home, places, options, needed=needed)
    if parts is None and unlabelled and not problem:
        parts, _ = parts_of_tables(tree, home, places, options, needed=True, partly=True)
    if parts is not None:
        if not needed:
            parts.notes += _folders_given_up(tree, train, parts)
        return parts
    if problem:
        raise DataError(problem)
    if flat:
        raise DataError(no_labels(tree, flat[0], places, reasons))
    found = split_classes(tree, home) if places.keys() == {None} else None
    if doubtful and found is None:
        raise DataError(unclear(tree, train, doubtful, places.get("test")))
    inside = tree.with_images(train)
    if len(inside) == 1 and reasons:  # no class, but where the images of a table lie
        raise DataError(no_labels(tree, inside[0], places, reasons))
    if found is None:
        found = _class_parts(tree, {each or "train": [place] for each, place in places.items()})
    _leave_out_neighbours(tree, home, list(places.values()))
    tables = find_tables(tree, [tree.root, home, *places.values()])
    if tables:
        names = first_names([tree.relative(file) for file in tables], 3)
        found.notes.append(
            f"{names} not read: folders are the classes; --label-column NAME takes labels from it"
        )
    if places.keys() == {None} and "test" not in found.splits:
        taken = [path.name for path in tree.with_images(home) if is_plain(path.name)]
        if taken:
            found.notes.append(
                f"{', '.join(taken)} is taken for a class: there is no training part"
            )
    return found


def _folders_given_up(tree: Tree, folder: Path, parts: Parts) -> list[str]:
    """A note that a table labels images in folders of other names, which could be the classes."""
    names = [class_name(printable(path.name)) for path in tree.with_images(folder)]
    if set(names) == parts.splits["train"].keys():
        return []
    tables = dict.fromkeys(file.name for file in parts.files)
    return [
        f"the folders {first_names(names, 3)} are not the classes, since {', '.join(tables)} goes "
        f"before them: {excluding(tables)} would take the folders"
    ]


def _named_by_user(tree: Tree, options: Options) -> Parts:
    """The parts that `train_folder` and `test_folder` name."""
    train = [_place(tree, name, "train_folder") for name in options.train_folders]
    test = [_place(tree, name, "test_folder") for name in options.test_folders]
    if not train:
        home = home_of(tree)
        named = choose([path.name for path in tree.with_images(home)], "train")
        train = [home / named[0]] if len(named) == 1 and home / named[0] not in test else [home]
    both = [path for path in train if path in test]
    if both:
        raise DataError(f"{both[0]} is train_folder and test_folder: name two folders")
    places = [*train, *test]
    train = [inner(tree, path, places) for path in train]
    test = [inner(tree, path, places) for path in test]
    parts = _class_parts(
        tree,
        {"train": train, **({"test": test} if test else {})},
        [*places, *train, *test],
        tables=False,
    )
    used = [*train, *test]
    above = dict.fromkeys(
        home for path in used for home in path.parents if home.is_relative_to(tree.root)
    )
    for home in above if tree.root not in used else ():
        _leave_out_neighbours(tree, home, used)
    return parts


def _place(tree: Tree, name: str, key: str) -> Path:
    place = Path(os.path.normpath(tree.root / name))
    if not place.is_relative_to(Path(os.path.normpath(tree.root))):
        raise DataError(f"{key}: {name!r} lies outside of {tree.root}: name a folder in it")
    place = tree.root / place.relative_to(os.path.normpath(tree.root))
    if not place.is_dir():
        place = _in_other_form(tree, place)
    if not place.is_dir():
        known = [path.name for path in tree.folders(tree.root)]
        hint = nearest(name, known, most=1) or f" (it has {first_names(known)})"
        raise DataError(f"{key}: there is no folder {name!r} in {tree.root}{hint}")
    return place


def _in_other_form(tree: Tree, place: Path) -> Path:
    """The folder whose path is that of `place` in another form of Unicode; `place` if none is."""
    found = tree.root
    for name in place.relative_to(tree.root).parts:
        same = (path for path in tree.folders(found) if composed(path.name) == composed(name))
        found = next(same, found / name)
        if not found.is_dir():
            return place
    return found


def _class_parts(
    tree: Tree,
    places: Mapping[Role, Sequence[Path]],
    without: Sequence[Path] = (),
    *,
    tables: bool = True,
) -> Parts:
    """The class folders in the folders of each split.

    Args:
        without: folders that are no classes.
        tables: whether a table would have been read.

    Raises:
        DataError: there are none, or only one class.
    """
    splits: dict[Role, Classes] = {}
    for each, folders in places.items():
        for folder in folders:
            if not tree.walk(folder).images:
                raise DataError(f"no images in {folder}: put some into {folder / 'CLASS'}")
            if tree.is_flat(folder):
                raise DataError(
                    no_labels(tree, folder, dict.fromkeys(places, folder), [], tables=tables)
                )
        splits[each] = merged(class_folders(tree, folder, without) for folder in folders)
    if len({name for classes in splits.values() for name in classes}) == 1:
        raise DataError(one_class(tree, places, tables=tables))
    used = [folder for folders in places.values() for folder in folders]
    names: dict[Role, str] = {
        each: first_names([tree.relative(folder) for folder in folders], 5)
        for each, folders in places.items()
    }
    parts = Parts("train and test folders", splits, names)
    parts.notes += notes_on(tree, used, list(splits.values()))
    return parts


def _leave_out_neighbours(tree: Tree, home: Path, used: Sequence[Path]) -> None:
    """Note what lies beside the folders of the splits."""
    if home in used:
        return
    for path in tree.folders(home):
        if not any(place == path or path in place.parents for place in used):
            full = bool(tree.walk(path).images)
            tree.leave_out([path], "is no part that is used" if full else "holds no images")
    tree.leave_out(tree.direct(home), "lies in no class folder")


def _say_places(parts: Parts) -> None:
    """Note which folders were taken for what, where their names alone do not say it."""
    train, test = parts.names["train"], parts.names.get("test")
    if test is None:
        parts.layout = "class folders"
        if train != ".":
            parts.notes.insert(0, f"the class folders are those in {train}")
    elif (train, test) != ("train", "test"):
        parts.notes.insert(0, f"training images from {train}, test images from {test}")


def _settle_validation(parts: Parts) -> int:
    """Use a validation part as the test part where there is none, else leave it out.

    Returns:
        The number of its images that are not used.
    """
    validation = parts.splits.pop("validation", None)
    if validation is None:
        return 0
    name = parts.names["validation"]
    if "test" not in parts.splits:
        parts.splits["test"], parts.names["test"] = validation, name
        parts.notes.append(only_test_note(name))
        return 0
    count = sum(map(len, validation.values()))
    parts.left_out.append(unused_validation(name, count))
    return count


def _compare_classes(
    folder: Path, names: Mapping[Role, str], train: Classes, test: Classes, *, strictly: bool
) -> None:
    """Raise an error if a class is in one split only; of tables the test split may have fewer."""
    one, other = names["train"], names["test"]
    found = [(sorted(test.keys() - train.keys()), other, one)]
    if strictly:
        found.append((sorted(train.keys() - test.keys()), one, other))
    differs = [
        f"{first_names([repr(n) if n != n.strip() else n for n in extra])} in {here}, but not in "
        f"{there}"
        for extra, here, there in found
        if extra
    ]
    if differs:
        raise DataError(
            f"the classes of {folder} differ: {'; '.join(differs)}; rename or add folders, "
            "or leave a class out with exclude"
        )


def _cut(classes: Classes, options: Options, source: str) -> tuple[Classes, Classes]:
    """The images of each class without the test part that is split off, and that part."""
    names = tuple(classes)
    labels = np.repeat(np.arange(len(names)), [len(files) for files in classes.values()])
    files = [file for part in classes.values() for file in part]
    cut: list[Classes] = []
    for positions in hold_out_test(labels, names, options, source):
        part: Classes = {name: [] for name in names}
        for position in positions:
            part[names[labels[position]]].append(files[position])
        cut.append(part)
    return cut[0], cut[1]


def _read(
    tree: Tree,
    splits: Mapping[str, Classes],
    told: tuple[list[str], list[str], int],
    target: PixelStore,
) -> Content:
    read, names = {}, tuple(splits["train"])
    for part, classes in splits.items():
        counts = [len(classes.get(name, ())) for name in names]
        paths = [path for name in names for path in classes.get(name, ())]
        shown = [tree.relative(path) for path in paths]
        labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        encoded = zip(shown, paths, strict=True)
        read[part] = Decoded.of(part, encoded, labels, shown, target)
    return Content.of(names, read["train"], read["test"], *told)
