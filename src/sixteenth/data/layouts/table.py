"""Labels of images from tables beside them: metadata.csv, metadata.jsonl, or any CSV.

A table has a column with the names of image files and one with their classes. Both are found by
their usual names and by what they hold, or named by the user; nothing is guessed where several fit.
Labels in file names are not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from ...errors import DataError
from ...messages import counted, nearest
from ...storage.lfs import LFS_REASON, is_lfs_pointer
from ..source import NUMBER, Options, class_name, composed, first_names
from .splits import SPLIT_COLUMNS, Role, letters, role, split_column
from .table_file import read_table
from .tree import EXTENSIONS, Tree

ENDINGS = (".csv", ".tsv", ".jsonl")

_IMAGE = (
    *("filename", "image", "imagepath", "imagename", "imagefile", "imageid", "file", "filepath"),
    *("path", "img", "imgpath", "imgname", "imgid", "id", "name"),
)
_LABEL = ("label", "labels", "class", "classname", "target", "category", "labelname", "y")
"""Usual names of columns, the most telling first, without capitals, spaces and punctuation."""

_NESTED = re.compile(r"\[(?:['\"0-9\[{-].*)?\]|\{(?:['\"].*)?\}")
"""A list or an object as JSON, Python or NumPy writes it; ``[unk]`` may be the name of a class."""

_ABSENT = {"nan", "NaN", "<NA>"}
"""What pandas writes, as text, for a number that is absent."""

_FOUND = 0.5
"""Least share of a column's values that name image files; those that do not are broken images.

Where no table labels the images otherwise, and in a column asked for, any share will do."""

_SAMPLE = 200
"""Rows by which a column of another name is taken for that of the images."""


@dataclass(frozen=True)
class Labelled:
    """Images with the labels of one table.

    Attributes:
        parts: by split; the key None where the table names none.
        listed: all images in the table, also those of no split.
        notes: what was not understood in it.
    """

    file: Path
    image_column: str
    label_column: str
    parts: Mapping[Role | None, list[tuple[Path, str]]]
    listed: frozenset[Path]
    notes: Sequence[str] = ()


class _Images:
    """Finds images by what a table calls them: a path or a name, with or without its ending."""

    def __init__(self, tree: Tree, images: Sequence[Path]) -> None:
        self.tree = tree
        self._paths = set(images)
        self._named: dict[str, list[Path]] = {}
        # What stands in a table in one form of Unicode may be in another on the disk.
        self._composed: dict[str, Path] = {}
        self._named_composed: dict[str, list[Path]] = {}
        for path in images:
            self._composed.setdefault(composed(str(path)), path)
            for key in {path.name.lower(), path.stem.lower()}:
                self._named.setdefault(key, []).append(path)
            for key in {composed(path.name).lower(), composed(path.stem).lower()}:
                self._named_composed.setdefault(key, []).append(path)

    def at(self, text: str, table: Path) -> Path | None:
        """The image at a path from the table or from the folder of the data; None if none is."""
        place = _posix(text)
        paths = [base / place for base in (table.parent, self.tree.root) if place.name]
        known = (path for path in paths if path in self._paths)
        alike = (self._composed.get(composed(str(path))) for path in paths)
        return next(filter(None, chain(known, alike)), None)

    def find(self, text: str, table: Path) -> Path | None:
        """The image at that path or, wherever it lies, of that name; None if there is none.

        Raises:
            DataError: several images have that name.
        """
        place, exact = _posix(text), self.at(text, table)
        if exact is not None or not place.name:
            return exact
        known = self._of_name(place)
        # A path of another machine may be meant, but not an image of the test part for one of the
        # training part.
        meant = role(place.parent.name)
        known = [p for p in known if not meant or role(p.parent.name) in (None, meant)]
        if len(known) > 1:
            known = [p for p in known if p.as_posix().endswith(f"/{place}")] or known
        if len(known) > 1:
            names = first_names([self.tree.relative(path) for path in known], 3)
            raise DataError(f"{table}: {text!r} may be {names}: give the path from {table.parent}")
        return known[0] if known else None

    def exists(self, text: str, table: Path) -> bool:
        """Whether there is such an image, or several."""
        try:
            return self.find(text, table) is not None
        except DataError:
            return True

    def _of_name(self, place: PurePosixPath) -> list[Path]:
        """The images of that name in the first spelling that any has; it may lack its ending."""
        with_ending = place.suffix.lower() in {"", *EXTENSIONS}
        names = [place.name, *([place.stem] if with_ending else [])]
        for name in names:
            if found := self._named.get(name.lower()):
                return found
        for name in names:
            if found := self._named_composed.get(composed(name).lower()):
                return found
        return []


class _Rows:
    """What the rows of a table may mean: images that are read, or that `exclude` leaves out."""

    def __init__(self, tree: Tree, folder: Path) -> None:
        left_out = [path for path in tree.excluded_images() if folder in path.parents]
        self.read = _Images(tree, tree.walk(folder).images)
        self._excluded = _Images(tree, left_out)
        self._excludes = tree.walk(tree.root).excluded

    def exists(self, text: str, table: Path) -> bool:
        return self.read.exists(text, table) or self.is_excluded(text, table)

    def is_excluded(self, text: str, table: Path) -> bool:
        """Whether a row means an image that is left out, or one in a folder that is."""
        tree, place = self.read.tree, _posix(text)
        if not self._excludes or not place.name or self.read.at(text, table) is not None:
            return False
        if any(tree.is_excluded(base / place) for base in (table.parent, tree.root)):
            return True
        return not self.read.exists(text, table) and self._excluded.exists(text, table)


def find_tables(tree: Tree, folders: Sequence[Path]) -> list[Path]:
    """The files in these folders that may be tables of labels; a submission's are no labels."""
    return [
        file
        for folder in dict.fromkeys(folders)
        for file in tree.others(folder)
        if file.suffix.lower() in ENDINGS and "submission" not in file.stem.lower()
    ]


def is_metadata(file: Path) -> bool:
    """Whether it has the name that the Hugging Face hub gives to tables of image folders."""
    return file.stem.lower() == "metadata"


def read_labels(
    tree: Tree, file: Path, folder: Path, options: Options, *, partly: bool = False
) -> Labelled | str:
    """The labels that a table gives to the images in a folder; or why it is no table of theirs.

    Args:
        partly: whether few of the images in it may be there, in a column of a usual name.

    Raises:
        DataError: it is one, but a column, a file or a label in it is not clear.
    """
    if is_lfs_pointer(file):
        return f"{file} is {LFS_REASON}"
    try:
        columns, rows = read_table(file)
    except DataError as error:
        return str(error)
    known = _Rows(tree, folder)
    for asked in (options.image_column, options.label_column):
        if asked is not None and asked not in columns:
            near = nearest(asked, columns) or f"; its columns are {', '.join(columns)}"
            return f"{file} has no column {asked!r}{near}"
    if any(known.exists(name, file) for name in columns):
        raise DataError(f"{file} has no header: name its columns, as file_name and label")
    image = _image_column(file, columns, rows, known, options.image_column, partly=partly)
    if image is None:
        return _names_few(file, columns, rows, known)
    rows = [row for row in rows if not known.is_excluded(row[image], file)]
    if not rows:
        return f"{file} names only images that exclude leaves out"
    label = options.label_column or _label_column(file, columns, rows, image)
    if label is None:
        return (
            f"no column of {file} is known to hold labels (it has {', '.join(columns)}): "
            "choose one with --label-column"
        )
    names = _class_names(file, label, rows, image)
    if options.label_column is None and len(rows) > 4 and 2 * len(set(names)) > len(rows):
        return (
            f"column {label!r} of {file} has {len(set(names))} different values in {len(rows)} "
            "rows, so it holds no classes: choose another with --label-column"
        )
    unread = [name for name in columns if name not in (image, label)]
    split, notes = split_column(tree.relative(file), unread, rows)
    roles = {row[split]: role(row[split]) for row in rows} if split else {}
    labels: dict[Path, str] = {}
    parts: dict[Role | None, list[tuple[Path, str]]] = {}
    places = _places(file, [row[image] for row in rows], known.read)
    for row, path, name in zip(rows, places, names, strict=True):
        if path not in labels:
            labels[path] = name
            parts.setdefault(roles[row[split]] if split else None, []).append((path, name))
        elif labels[path] != name:
            raise DataError(f"{file} has {row[image]!r} under two labels: {labels[path]}, {name}")
    if split and None in parts:
        others = {value.strip() for value, each in roles.items() if each is None}
        named = first_names(sorted(filter(None, others)), 3)
        reason = f"has the {split} {named}" if named else f"has an empty {split}"
        reason += " or an empty one" if named and "" in others else ""
        tree.leave_out([path for path, _ in parts.pop(None)], reason)
    return Labelled(file, image, label, parts, frozenset(labels), notes)


def _places(file: Path, texts: Sequence[str], known: _Images) -> list[Path]:
    """The image of each row; one that is not there is a broken one.

    An image that a row names by its path is no other row's, whose own image is missing then.

    Raises:
        DataError: two rows with different paths may mean the same image.
    """
    exact = [known.at(text, file) for text in texts]
    named, meant = {*exact}, dict[Path, str]()
    places = []
    for text, path in zip(texts, exact, strict=True):
        found = path or known.find(text, file)
        if found is None or (path is None and found in named):
            place = _posix(text)
            outside = place.is_absolute() or ".." in place.parts
            found = file.parent / (place.name if outside else place)
        elif path is None and meant.setdefault(found, text) != text:
            raise DataError(
                f"{file}: {meant[found]!r} and {text!r} may both be {known.tree.relative(found)}: "
                f"give the paths from {file.parent}"
            )
        places.append(found)
    return places


def _image_column(
    file: Path,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    known: _Rows,
    asked: str | None,
    *,
    partly: bool,
) -> str | None:
    """The column that names images, None if none does."""
    usual = sorted((name for name in columns if letters(name) in _IMAGE), key=_rank(_IMAGE))
    if asked or partly:
        likely = [asked] if asked else usual
        named = [name for name in likely if any(known.exists(row[name], file) for row in rows)]
        if asked and not named:
            first = rows[0][asked] if rows else ""
            raise DataError(f"column {asked!r} of {file} names no images there, such as {first!r}")
        return next(iter(named), None)
    sample = _sample(rows)

    def names_images(column: str) -> bool:
        found = sum(known.exists(row[column], file) for row in sample)
        return found > 0 and found >= _FOUND * len(sample)

    fitting = [name for name in columns if names_images(name)]
    usual = [name for name in usual if name in fitting]
    if usual or len(fitting) < 2:
        return next(iter(usual or fitting), None)
    raise DataError(
        f"several columns of {file} name images: choose one with --image-column "
        f"({', '.join(fitting)})"
    )


def _names_few(
    file: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]], known: _Rows
) -> str:
    """The message that no column names the images, or only in few rows."""
    sample = _sample(rows)
    found = {name: sum(known.exists(row[name], file) for row in sample) for name in columns}
    best = max(found, key=lambda name: found[name], default="")
    if not found.get(best):
        return f"no column of {file} names the images (it has {', '.join(columns)})"
    number = sum(known.exists(row[best], file) for row in rows)
    return (
        f"in column {best!r} of {file} only {number} of {len(rows)} rows name images that are "
        "there: choose it with --image-column if they are meant"
    )


def _sample(rows: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
    return rows[:: max(1, len(rows) // _SAMPLE)]


def _label_column(
    file: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]], image: str
) -> str | None:
    """The column of the labels: of a usual name, or the only one beside the images' with names.

    Of two that say the same, a number and a name of each class, it is the one with the names.
    """
    others = [name for name in columns if name != image and letters(name) not in SPLIT_COLUMNS]
    named = [name for name in others if not all(NUMBER.fullmatch(row[name]) for row in rows)]
    usual = [name for name in others if is_label_name(name)]
    if len(usual) > 1:
        pairs = len({tuple(row[name] for name in usual) for row in rows})
        if any(len({row[name] for row in rows}) != pairs for name in usual):
            raise DataError(
                f"several columns of {file} may hold the labels: choose one with --label-column "
                f"({', '.join(usual)})"
            )
        return next((name for name in usual if name in named), usual[0])
    return usual[0] if usual else others[0] if len(others) == 1 and named else None


def _class_names(
    file: Path, column: str, rows: Sequence[Mapping[str, str]], image: str
) -> list[str]:
    """The class of each row; whole numbers are written without a fraction.

    Raises:
        DataError: a label is absent, a list, an object, -1 or a number with a fraction.
    """
    names = [class_name(row[column].strip()) for row in rows]
    absent = are_absent(names)
    empty = [row[image] for row, each in zip(rows, absent, strict=True) if each]
    if empty:
        word = names[absent.index(True)]
        found = f" ({word} among numbers)" if word else ""
        raise DataError(
            f"{file} has {counted(len(empty), 'row')} without a label in column "
            f"{column!r}{found}, such as that of {empty[0]!r}: remove them"
        )
    nested = next(filter(_NESTED.fullmatch, names), None)
    if nested is not None:
        kind = "lists" if nested.startswith("[") else "objects"
        raise DataError(
            f"column {column!r} of {file} holds {kind}, such as {nested[:40]}: one label an image "
            "is needed"
        )
    if not all(map(NUMBER.fullmatch, names)):
        return names
    for number in map(float, names):
        if number < 0 or number % 1:
            raise DataError(
                f"column {column!r} of {file} holds {number:g}: labels are names, or whole "
                "numbers from 0"
            )
    return [name if name.isdigit() else f"{float(name):.0f}" for name in names]


def are_absent(labels: Sequence[str]) -> list[bool]:
    """Which labels are none: empty ones, and ``nan`` where all others are numbers."""
    words = {label.strip() for label in labels if not NUMBER.fullmatch(label)} - {""}
    none = words <= _ABSENT and any(map(NUMBER.fullmatch, labels))
    return [not label.strip() or (none and label.strip() in words) for label in labels]


def is_label_name(column: str) -> bool:
    """Whether a column has a usual name of labels."""
    return letters(column) in _LABEL


def class_order(names: Sequence[str]) -> list[str]:
    """Classes in the order of their labels: whole numbers by size, else names by alphabet."""
    distinct = sorted(set(names))
    return sorted(distinct, key=int) if all(map(str.isdecimal, distinct)) else distinct


def _posix(text: str) -> PurePosixPath:
    return PurePosixPath(text.strip().replace("\\", "/"))


def _rank(names: Sequence[str]) -> Callable[[str], int]:
    return lambda column: names.index(letters(column))
