"""What to say of a folder whose classes or splits cannot be told, with the keys that say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..source import first_names
from .splits import Role
from .tree import Tree


def no_labels(
    tree: Tree, place: Path, places: Mapping[Role | None, Path], reasons: Sequence[str]
) -> str:
    """The message that images lie in no class folder, and what to do."""
    loose = tree.direct(place)
    first = tree.relative(loose[0])
    ways = [
        f"put them into {place / 'CLASS'}, or add {place / 'metadata.csv'} with the columns "
        "file_name and label (labels in file names are not read)"
    ]
    train = places.get("train")
    if train is not None and train != place:
        ways.append(f"{keys(tree, 'train', [train])} leaves them out")
    because = f" ({'; '.join(reasons[:3])})" if reasons else ""
    one = len(loose) == 1
    return (
        f"{len(loose):,} image{'s'[one:]} in {place} {'lies' if one else 'lie'} in no class "
        f"folder, such as {first}{because}: "
        f"{'; '.join(ways)}"
    )


def unclear(tree: Tree, place: Path, why: str, test: Path | None) -> str:
    """The message that folders may be no classes, and what to do."""
    inside = tree.with_images(place)
    names = first_names([path.name for path in inside], 5)
    also = f" {keys(tree, 'test', [test])}" if test is not None else ""
    parts, last = (inside, also) if also else (inside[:-1], f" {keys(tree, 'test', inside[-1:])}")
    as_classes, as_parts = keys(tree, "train", [place]), keys(tree, "train", parts)
    return (
        f"{place}: it cannot be told whether {names} are classes, since they {why}: if they are, "
        f"{as_classes}{also}; if they are parts, {as_parts}{last}"
    )


def keys(tree: Tree, each: Role, folders: Sequence[Path] = ()) -> str:
    """``--set train_folder=NAME``."""
    key = "test_folder" if each != "train" else "train_folder"
    names = [tree.relative(folder) for folder in folders]
    if len(names) < 2:
        return f"--set {key}={names[0] if names else 'NAME'}"
    return f"--set '{key}=[{', '.join(names[:3])}{', ...' if len(names) > 3 else ''}]'"
