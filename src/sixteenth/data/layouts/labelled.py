"""Which tables label the images of a folder, and the splits that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...errors import DataError
from ..source import Options, first_names
from .classes import Classes, Parts
from .splits import Role, role
from .table import Labelled, find_tables, is_metadata, read_labels
from .table_labels import class_order
from .tree import Tree

LAYOUT = "images with a table"


def parts_of_tables(
    tree: Tree,
    home: Path,
    places: Mapping[Role | None, Path],
    options: Options,
    *,
    needed: bool,
    partly: bool = False,
) -> tuple[Parts | None, list[str]]:
    """The splits and classes that tables in `home`, above it and in `places` give.

    Where class folders could do (not `needed`), only a table with the hub's name, metadata, or one
    that the user asked for with a label column is read; of the former only a column with a usual
    name of labels.

    Args:
        partly: whether few of the images in a table may be there.

    Returns:
        None if no table labels the images; and why each table that was looked at does not.

    Raises:
        DataError: several tables do, or one of them is not clear.
    """
    above = [tree.root, *(path for path in home.parents if tree.root in path.parents), home]
    tables = find_tables(tree, [*above, *places.values()])
    if not needed and options.label_column is None:
        tables = [file for file in tables if is_metadata(file)]
    read: dict[Role | None, list[Labelled]] = {}
    reasons, without = [], []
    for file in tables:
        each = role(file.stem)
        each = next((key for key, place in places.items() if key and file.parent == place), each)
        folder = places.get(each, tree.root)
        found = read_labels(tree, file, folder, options, partly=partly, needed=needed)
        if isinstance(found, str):
            reasons.append(found)
            without += [file] if each else []
        else:
            read.setdefault(each, []).append(found)
    if not read.keys() & {None, "train"}:
        if options.label_column is not None and reasons:
            raise DataError(reasons[0])
        return None, reasons
    for each, found_here in read.items():
        listed = [*found_here, *(read[None] if each == "train" and None in read else [])]
        if len(listed) > 1:
            names = first_names([tree.relative(one.file) for one in listed], 5)
            raise DataError(
                f"several tables in {tree.root} label the images ({names}): leave out all but one "
                "with exclude: [NAME]"
            )
    tree.leave_out(without, "gives no labels")
    return _parts(tree, {each: one[0] for each, one in read.items()}, places), reasons


def _parts(
    tree: Tree, tables: Mapping[Role | None, Labelled], places: Mapping[Role | None, Path]
) -> Parts:
    """The splits of tables: that of a row, of the table, or of the folder of a row's image."""
    rows: dict[Role, list[tuple[Path, str]]] = {}
    names: dict[Role, str] = {}
    notes = []
    for each, table in tables.items():
        name = tree.relative(table.file)
        for own, part in table.parts.items():
            for path, label in part:
                place = next((key for key in places if key and places[key] in path.parents), None)
                wanted: Role = own or each or place or "train"
                rows.setdefault(wanted, []).append((path, label))
                names.setdefault(wanted, name if each == wanted else f"{wanted} rows of {name}")
        notes.append(
            f"labels from column {table.label_column!r} of {name}, images from column "
            f"{table.image_column!r}"
        )
        notes += table.notes
    if "train" not in rows:
        raise DataError(f"{first_names(list(names.values()))} in {tree.root}: no training images")
    order = class_order([label for part in rows.values() for _, label in part])
    splits: dict[Role, Classes] = {}
    for wanted, part in rows.items():
        classes: Classes = {label: [] for label in order}
        for path, label in part:
            classes[label].append(path)
        # A row of a table for all splits may stand in the table of its split too.
        splits[wanted] = {label: sorted({*paths}) for label, paths in classes.items() if paths}
    listed = frozenset().union(*(table.listed for table in tables.values()))
    rest = [path for path in tree.walk(tree.root).images if path not in listed]
    tree.leave_out(rest, "is in no table of labels")
    files = [table.file for table in tables.values()]
    columns = {
        "image_column": ", ".join(table.image_column for table in tables.values()),
        "label_column": ", ".join(table.label_column for table in tables.values()),
    }
    return Parts(LAYOUT, splits, names, notes, files=files, columns=columns)
