"""Class folders that hold the splits: ``CLASS/train/*.jpg`` and ``CLASS/test/*.jpg``."""

from __future__ import annotations

from pathlib import Path

from ...errors import DataError
from ..source import class_name, first_names
from .classes import Classes, Parts, class_folders, notes_on
from .splits import Role, role
from .tree import Tree, printable


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
            raise DataError(_differ(tree, home, first, path))
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


def _differ(tree: Tree, home: Path, first: Path, odd: Path) -> str:
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
