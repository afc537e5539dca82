"""Parquet files as on the Hugging Face Hub, and data sets written by its ``save_to_disk``.

The files of a split are exactly those named after it: ``train.parquet``, ``train-*.parquet`` with
numbers, or all in a folder ``train``. Others, such as ``train_small.parquet``, are left out, by
name. A validation split is the test split where there is none. The `datasets` library is not
needed, and nothing is downloaded; `hub` brings such files here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...messages import counted
from ...spec.yaml import as_item
from ..decode import Encoded
from ..pixel_store import PixelStore
from ..source import (
    Content,
    Decoded,
    Found,
    Options,
    check_labels,
    check_several,
    class_name,
    cut_note,
    first_names,
    hold_out_test,
    numbered_classes,
    only_test_note,
    stamp_files,
    unused_validation,
)
from .columns import Columns, choose_columns, count_rows, lacks_labels, read_images, read_labels
from .splits import ROLES, Role, is_plain, role
from .table import is_metadata
from .table_labels import class_order
from .tree import Tree, looks_like_image, printable

_NAME = re.compile(r"(.+?)(?:[-_.]\d+(?:-of-\d+)?(?:-[0-9a-f]+)?)?")
"""A file's name without its ending: the split, and maybe the number of a shard and a hash."""

_LEVELS = 3
"""Files are looked for in the folder, in folders in it, and in folders in these."""


@dataclass(frozen=True)
class Splits:
    """Files by split; `home` is the folder that they lie in, some in folders in it."""

    home: Path
    files: Mapping[Role, Sequence[Path]]
    others: Sequence[Path]


def find_parquet(
    folder: Path, options: Options, listed: Sequence[Path] | None = None
) -> Found | None:
    """The Parquet files in `folder`, in its `data/` or in its only subfolder with some; else None.

    Among folders of images, files that are not exactly those of a split are none of theirs.

    Args:
        listed: the files in the folder; by default those that lie there. Of those that belong to
            no split only the names are used.

    Raises:
        DataError: the training split or a shard is missing, or the columns are ambiguous.
    """
    tree = None
    if listed is None:
        tree = Tree(folder, options.exclude, lenient=True)
        listed = _files(tree)
        among_images = tree.walk(folder).images and not tree.is_flat(folder)
        if listed and among_images and not _by_home(folder, listed)[0]:
            return None
    found = find_splits(folder, listed)
    if found is None:
        return None
    if tree is not None:
        tree.check_exclude()
    files = dict(found.files)
    if "train" not in files:
        raise _no_train(
            found.home, [*found.others, *(each for part in files.values() for each in part)]
        )
    for part in files.values():
        _check_shards(part)
    columns = choose_columns(files["train"][0], options)
    notes = [f"labels from column {columns.label!r}, images from column {columns.image!r}"]
    left_out = [f"{_relative(folder, file)} is of no split that is used" for file in found.others]
    if "test" in files and all(lacks_labels(file, columns) for file in files["test"]):
        name = ", ".join(_relative(folder, file) for file in files.pop("test")[:3])
        left_out.append(f"{name} has no labels in column {columns.label!r}")
    validation = 0
    if "validation" in files:
        part = files.pop("validation")
        name = ", ".join(_relative(folder, file) for file in part[:3])
        if "test" in files:
            validation = sum(map(count_rows, part))
            left_out.append(unused_validation(name, validation))
        else:
            files["test"] = part
            notes.append(only_test_note(name))
    settings = {}
    if "test" not in files:
        notes.append(cut_note(options))
        settings = {"test_fraction": str(options.test_fraction), "seed": str(options.split_seed)}
    beside = []
    if tree is not None:
        left_out += tree.left_out(_is_data, "file")
        beside = _images_beside(tree, files)
        if options.exclude:
            settings["exclude"] = str(options.exclude)
    return Found(
        name=folder.resolve().name,
        layout="Parquet" if _is_parquet(files["train"][0]) else "saved data set",
        identity={
            "layout": "parquet",
            "path": str(found.home.resolve()),
            "image_column": columns.image,
            "label_column": columns.label,
            **settings,
        },
        stamp=stamp_files(found.home, [file for part in files.values() for file in part], left_out),
        read=lambda target: _read(
            files, columns, (left_out, notes, validation), (folder, options), target
        ),
        beside=beside,
    )


def find_splits(folder: Path, found: Sequence[Path]) -> Splits | None:
    """The splits among files in `folder`, all in one folder there; None if there are none.

    Names alone decide: nothing is read.

    Raises:
        DataError: several have, or one split has files of several names.
    """
    homes, others = _by_home(folder, found)
    usual = [home for home in (folder, folder / "data", folder / "default") if home in homes]
    if not homes:
        if any(role(file.stem) for file in others):
            raise _no_train(folder, others)
        return None
    if not usual and len(homes) > 1:
        names = first_names([str(path) for path in homes])
        raise DataError(f"{folder} holds several Parquet datasets: give one of {names}")
    home = (usual or [*homes])[0]
    named: dict[Role, dict[str, list[Path]]] = {}
    for name, part in homes.pop(home).items():
        each = role(name)
        assert each is not None
        named.setdefault(each, {})[name] = part
    files = {}
    for each, by_name in named.items():
        name = each if each in by_name else next(iter(by_name))
        files[each] = part = by_name.pop(name)
        # Two names of one split, or a whole file beside its shards, may hold the same images.
        rest = [file for other in by_name.values() for file in other] if name != each else []
        part.sort(key=lambda file: not is_plain(file.stem))
        rest += part[1:] if is_plain(part[0].stem) else []
        if rest:
            raise DataError(
                f"{home} has both {_relative(home, part[0])} and {_relative(home, rest[0])}: "
                "keep the files of one"
            )
        others += [file for other in by_name.values() for file in other]
    others += [file for parts in homes.values() for part in parts.values() for file in part]
    ordered = {each: files[each] for each in ROLES if each in files}
    return Splits(home, ordered, sorted(others))


def _by_home(
    folder: Path, found: Sequence[Path]
) -> tuple[dict[Path, dict[str, list[Path]]], list[Path]]:
    """Files named after a split by the folder of all splits and that name, and the others."""
    homes: dict[Path, dict[str, list[Path]]] = {}
    others: list[Path] = []
    for file in found:
        home, name = file.parent, file.stem
        match = _NAME.fullmatch(name)
        if is_metadata(file):
            others.append(file)  # a table of labels beside images
            continue
        if file.parent != folder and is_plain(file.parent.name):
            home, name = file.parent.parent, file.parent.name.lower()
        elif file.suffix == ".arrow":
            name = "train"  # one split, saved by itself
        elif match and is_plain(match[1]):
            name = match[1].lower()
        else:
            others.append(file)
            continue
        homes.setdefault(home, {}).setdefault(name, []).append(file)
    return homes, others


def _files(tree: Tree) -> list[Path]:
    """Parquet files at up to two levels below, and Arrow files where a data set was saved."""
    folder = tree.root
    saved = any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))
    return [
        file
        for file in tree.walk(folder).others
        if (_is_parquet(file) or (saved and file.suffix == ".arrow"))
        and not file.name.startswith("cache-")
        and len(file.relative_to(folder).parts) <= _LEVELS
    ]


def _is_parquet(file: Path | str) -> bool:
    return str(file).lower().endswith(".parquet")


def _is_data(name: str) -> bool:
    return _is_parquet(name) or looks_like_image(name)


def _images_beside(tree: Tree, files: Mapping[Role, Sequence[Path]]) -> list[str]:
    """A line on the images in the folder, which are not read; none if there are none."""
    images = tree.walk(tree.root).images
    if not images:
        return []
    places = {path.relative_to(tree.root).parts[0] for path in images}
    endings = sorted({f"*{file.suffix}" for part in files.values() for file in part})
    named = first_names([printable(name) for name in sorted(places)], 3)
    are = "is" if len(images) == 1 else "are"
    said = f"{counted(len(images), 'image')} ({named}) {are} not read beside Parquet files"
    if len({path.parent for path in images}) > 1:  # as class folders are
        said += f"; exclude: [{', '.join(map(as_item, endings))}] takes images instead"
    return [said]


def _no_train(home: Path, files: Sequence[Path]) -> DataError:
    names = ", ".join(sorted(file.name for file in files)[:5])
    return DataError(
        f"{home} has no train*.parquet (it has {names}): the training images are in "
        "train.parquet, train-*.parquet with numbers, or train/*.parquet; a test split is cut from "
        "them if there is none"
    )


def _relative(folder: Path, file: Path) -> str:
    return file.relative_to(folder).as_posix()


def _check_shards(files: Sequence[Path]) -> None:
    """Raise an error if there is, for example, only the first of two shards.

    Names may end with a hash of the content, which nobody knows of a missing shard.
    """
    numbers: dict[tuple[Path, str, str, str], set[int]] = {}
    for path in files:
        shard = re.fullmatch(r"(.+-)(\d+)-of-(\d+)(-.+)?", path.stem)
        if shard:
            ending = f"{'-*' if shard[4] else ''}{path.suffix}"
            key = path.parent, shard[1], shard[3], ending
            numbers.setdefault(key, set()).add(int(shard[2]))
    for (folder, stem, count, ending), found in numbers.items():
        # A count larger than the number of files fails at the latest at the next one.
        for number in range(min(int(count), len(found) + 1)):
            if number not in found:
                wanted = f"{stem}{number:0{len(count)}d}-of-{count}{ending}"
                raise DataError(f"{folder} lacks the shard {wanted}: download it again")


def _read(
    files: Mapping[Role, Sequence[Path]],
    columns: Columns,
    about: tuple[Sequence[str], Sequence[str], int],
    source: tuple[Path, Options],
    target: PixelStore,
) -> Content:
    """The content; `about` is what was left out, notes, and the number of validation images."""
    labels = {
        part: np.concatenate([read_labels(file, columns) for file in files[part]]) for part in files
    }
    classes = columns.names
    if columns.text:
        names = {part: [class_name(label) for label in each] for part, each in labels.items()}
        new = sorted({*names.get("test", ())} - {*names["train"]})
        if new:
            tested = ", ".join(_relative(source[0], file) for file in files["test"][:3])
            raise DataError(
                f"{source[0]} has no training image of class {first_names(new)}, which is in "
                f"{tested} only"
            )
        classes = tuple(class_order([name for each in names.values() for name in each]))
        index = {name: i for i, name in enumerate(classes)}
        labels = {
            part: np.array([index[name] for name in each], dtype=np.int64)
            for part, each in names.items()
        }
    elif classes is None:
        classes = numbered_classes(list(labels.values()))
    for split, values in labels.items():  # before hours of decoding
        check_labels(values, classes, split, str(source[0]))
    check_several(classes, str(source[0]))
    read = {}
    for part, (kept, of) in _rows(labels, classes, source).items():
        named: list[str] = []
        encoded = _chosen(files[of], columns.image, kept, named)
        read[part] = Decoded.of(part, encoded, labels[of][kept], named, target)
    left_out, notes, validation = about
    return Content.of(classes, read["train"], read["test"], left_out, notes, validation)


def _rows(
    labels: Mapping[Role, np.ndarray], classes: tuple[str, ...], source: tuple[Path, Options]
) -> dict[str, tuple[np.ndarray, Role]]:
    """Rows of the training and of the test images, and the split whose files hold them."""
    if "test" in labels:
        return {part: (np.arange(len(labels[part])), part) for part in ("train", "test")}
    train, test = hold_out_test(labels["train"], classes, source[1], str(source[0]))
    return {"train": (train, "train"), "test": (test, "train")}


def _chosen(
    files: Sequence[Path], column: str, rows: np.ndarray, names: list[str]
) -> Iterator[Encoded]:
    """Yield the encoded images of some rows, counted over all files; `names` gets their names."""
    wanted = iter(rows.tolist())
    following = next(wanted, None)
    images = (image for file in files for image in read_images(file, column))
    for row, (name, data) in enumerate(images):
        if row == following:
            names.append(name)
            yield name, data
            following = next(wanted, None)
