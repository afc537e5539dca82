"""The folder that holds the classes or the splits, and which of its folders are splits.

Where that cannot be told, there is a message with the keys of the study file that say it. Splits
may also lie in the class folders: ``CLASS/train/*.jpg`` and ``CLASS/test/*.jpg``.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import DataError
from ...messages import counted
from ...spec.yaml import as_item
from ..source import class_name, first_names
from .classes import Classes, Parts, class_folders, notes_on
from .splits import ROLES, Role, choose, is_plain, role
from .table import find_tables, is_metadata
from .tree import Tree, printable

_MOST = 10
"""So many folders are named in a command that a message gives."""


def home_of(tree: Tree) -> Path:
    """The data folder, or the one in it that an archive was unpacked to."""
    folder = tree.root
    while not tree.direct(folder):
        inside = tree.with_images(folder)
        if len(inside) != 1 or tree.direct(inside[0]):
            break
        below = {role(path.name) for path in tree.with_images(inside[0])}
        if role(inside[0].name) and not ("train" in below and len(below - {None}) > 1):
            break
        folder = inside[0]
    return folder


def split_folders(tree: Tree, home: Path) -> tuple[dict[Role, Path], str]:
    """The folders in `home` that are splits, and why these do not do; empty if they are classes.

    A folder such as train_station is a split only if its images lie in folders, or if all folders
    beside it are splits. Without any folder for training, valid and the like may be classes.
    """
    for path in tree.others(home):
        if role(path.name) and path.is_symlink() and not path.exists():
            return {}, f"{path} is a link that leads nowhere"
    every = {path.name: path for path in tree.folders(home)}
    filled = {path.name: path for path in tree.with_images(home)}
    all_named = all(role(name) for name in filled)
    candidates = [
        name
        for name in every
        if is_plain(name)
        or (name in filled and role(name) and (all_named or not tree.direct(filled[name])))
    ]
    chosen: dict[Role, Path] = {}
    for each in ROLES:
        names = choose(candidates, each)
        if len(names) > 1 and not (each == "validation" and "test" in chosen):
            return chosen, (
                f"{home} has both {' and '.join(names[:2])}: put the images into one, or name the "
                f"folders with {_keys(tree, each, [every[name] for name in names])}"
            )
        for name in names:
            if name in filled:
                chosen.setdefault(each, filled[name])
            elif each == "validation":
                tree.leave_out([every[name]], "holds no images")
            else:
                return chosen, (
                    f"no images in {every[name]}: put some into {every[name] / 'CLASS'}, or "
                    "remove it"
                )
    others = [path for path in filled.values() if path not in chosen.values()]
    if chosen.keys() == {"train"} and others:
        return chosen, _lacking_test(tree, home, chosen["train"])
    if not chosen or "train" in chosen:
        return chosen, ""
    named = next(iter(chosen.values()))
    if chosen.keys() == {"validation"} and tree.is_flat(named) and others:
        return {}, ""
    return chosen, _lacking_train(tree, home, named, others)


def _lacking_test(tree: Tree, home: Path, train: Path) -> str:
    return (
        f"{home} has a folder {train.name} but no folder test (it has {_names(tree, home)}): add "
        f"it, or name one with --set test_folder=NAME; {_keys(tree, 'train', [train])} cuts a test "
        f"part off the training images; {_keys(tree, 'train', [home])} takes all folders as classes"
    )


def _lacking_train(tree: Tree, home: Path, test: Path, others: list[Path]) -> str:
    message = (
        f"{home} has a folder {test.name} but no folder train (it has {_names(tree, home)}): add "
        "it, or name one with --set train_folder=NAME"
    )
    if others:
        message += (
            f"; {_keys(tree, 'test', [test])} takes the other folders as classes to train on, and "
            f"{_keys(tree, 'train', [home])} all folders as classes"
        )
    return message


def _names(tree: Tree, home: Path) -> str:
    return first_names([path.name for path in tree.with_images(home)], 8)


def split_classes(tree: Tree, home: Path) -> Parts | None:
    """The splits in the class folders of `home`; None if no class folder holds any.

    Raises:
        DataError: some class folders hold a training part and another one, and not all are alike:
            images of one part would be taken for those of another.
    """
    inside = tree.with_images(home)
    roles = {path: [role(sub.name) for sub in tree.with_images(path)] for path in inside}
    split = [path for path in inside if "train" in roles[path] and len(_known(roles[path])) > 1]
    if not split:
        return None
    first = split[0]
    for path in inside:
        if tree.direct(path) or set(roles[path]) != _known(roles[first]):
            raise DataError(_split_otherwise(tree, home, first, path))
    if any(len(set(found)) < len(found) for found in roles.values()):
        return None
    class_folders(tree, home)  # leaves out what is no image, and misses empty class folders
    splits: dict[Role, Classes] = {}
    for path in inside:
        for sub in tree.with_images(path):
            each = role(sub.name)
            assert each is not None
            name = class_name(printable(path.name))
            splits.setdefault(each, {}).setdefault(name, []).extend(tree.walk(sub).images)
    named = {role(sub.name): sub.name for sub in tree.with_images(first)}
    names = {each: f"CLASS/{named[each]}" for each in splits}
    sorted_splits = {each: dict(sorted(classes.items())) for each, classes in splits.items()}
    found = Parts("train and test folders", sorted_splits, names)
    found.notes += notes_on(tree, inside, list(sorted_splits.values()))
    return found


def _known(roles: list[Role | None]) -> set[Role | None]:
    return set(roles) - {None}


def _split_otherwise(tree: Tree, home: Path, first: Path, odd: Path) -> str:
    """The message that one class folder is split otherwise than the others."""

    def parts(path: Path) -> str:
        return first_names(sorted(sub.name for sub in tree.with_images(path)))

    lies = f"{odd.name} holds {parts(odd)}"
    if tree.direct(odd):
        lies = f"images lie in {odd.name} itself"
    return (
        f"{home}: class folders hold the parts of the data, such as {first.name} ({parts(first)}), "
        f"but {lies}: give every class folder the same parts, or put the images into "
        f"{home / 'train' / 'CLASS'} and {home / 'test' / 'CLASS'}"
    )


def no_labels(
    tree: Tree,
    place: Path,
    places: Mapping[Role | None, Path],
    reasons: Sequence[str],
    *,
    tables: bool = True,
) -> str:
    """The message that images lie in no class folder, and what to do.

    Args:
        reasons: why tables give no labels.
        tables: whether a table would be read.
    """
    loose = tree.direct(place)
    first = tree.relative(loose[0])
    ways = [_give_labels(tree, "them", place, tables=tables)]
    train = places.get("train")
    if train is not None and train != place:
        ways.append(f"{_keys(tree, 'train', [train])} leaves them out")
    because = f" ({'; '.join(reasons[:3])})" if reasons else ""
    return (
        f"{counted(len(loose), 'image')} in {place} {'lies' if len(loose) == 1 else 'lie'} in no "
        f"class folder, such as {first}{because}: {'; '.join(ways)}"
    )


def one_class(tree: Tree, places: Mapping[Role, Sequence[Path]], *, tables: bool) -> str:
    """The message that the class folders in `places` are one class, and what to do."""
    used = [folder for folders in places.values() for folder in folders]
    found = {
        each: [
            path
            for folder in folders
            for path in tree.with_images(folder)
            if not any(path == place or path in place.parents for place in used)
        ]
        for each, folders in places.items()
        if each != "validation" or "test" not in places
    }
    first = found["train"][0]
    message = (
        f"{tree.root} has only one class, {class_name(printable(first.name))!r}: two are needed; "
    )
    inside = [path.name for path in tree.with_images(first)]
    if len(inside) < 2:
        images = "the images of each"
        return message + _give_labels(tree, images, places["train"][0], tables=tables)
    keys = " ".join(_keys(tree, each, folders) for each, folders in found.items())
    return f"{message}{keys} takes the folders in it ({first_names(inside, 5)}) as classes"


def _give_labels(tree: Tree, images: str, place: Path, *, tables: bool) -> str:
    """How to say the classes of `images` in a folder."""
    if not tables:
        return (
            f"put {images} into {place / 'CLASS'} (with train_folder or test_folder no table of "
            "labels is read)"
        )
    there = next(filter(is_metadata, find_tables(tree, [place, tree.root])), None)
    a_table = f"add {place / 'metadata.csv'} with" if there is None else f"give {there}"
    return (
        f"put {images} into {place / 'CLASS'}, or {a_table} the columns file_name and label "
        "(the class of each image; labels in file names are not read)"
    )


def unclear(tree: Tree, place: Path, why: str, test: Path | None) -> str:
    """The message that folders may be no classes, and what to do."""
    inside = tree.with_images(place)
    names = first_names([path.name for path in inside], 5)
    also = f" {_keys(tree, 'test', [test])}" if test is not None else ""
    parts, last = (inside, also) if also else (inside[:-1], f" {_keys(tree, 'test', inside[-1:])}")
    as_classes, as_parts = _keys(tree, "train", [place]), _keys(tree, "train", parts)
    return (
        f"{place}: it cannot be told whether {names} are classes, since they {why}: if they are, "
        f"{as_classes}{also}; if they are parts, {as_parts}{last}"
    )


def _keys(tree: Tree, each: Role, folders: Sequence[Path]) -> str:
    """``--set train_folder=NAME``, as it is typed in a shell."""
    key = "test_folder" if each != "train" else "train_folder"
    names = [as_item(tree.relative(folder)) for folder in folders]
    if len(names) == 1:
        return f"--set {shlex.quote(f'{key}={names[0]}')}"
    more = ["..."] if len(names) > _MOST else []
    listed = ", ".join([*names[:_MOST], *more])
    return f"--set {shlex.quote(f'{key}=[{listed}]')}"
