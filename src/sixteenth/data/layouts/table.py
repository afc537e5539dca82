"""Labels of images from tables beside them: metadata.csv, metadata.jsonl, or any CSV.

A table has a column with the names of image files and one with their classes. Both are found by
their usual names and by what they hold, or named by the user; nothing is guessed where several fit.
Labels in file names are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from ...errors import DataError
from ...messages import nearest
from ...storage.lfs import LFS_REASON, is_lfs_pointer
from ..source import Options, composed, first_names
from .splits import Role, letters, role, split_column
from .table_file import read_table
from .table_labels import class_names, label_column
from .tree import EXTENSIONS, Tree

ENDINGS = (".csv", ".tsv", ".jsonl")

_IMAGE = (
    *("filename", "image", "imagepath", "imagename", "imagefile", "imageid", "file", "filepath"),
    *("path", "img", "imgpath", "imgname", "imgid", "id", "name"),
)
"""Usual names of columns, the most telling first, without capitals, spaces and punctuation."""

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
    tree: Tree,
    file: Path,
    folder: Path,
    options: Options,
    *,
    partly: bool = False,
    needed: bool = True,
) -> Labelled | str:
    """The labels that a table gives to the images in a folder; or why it is no table of theirs.

    Args:
        partly: whether few of the images in it may be there, in a column of a usual name.
        needed: whether the folders are no classes. Where they are, a column without a usual name
            of labels is none: it may hold patients, scanners or cameras.

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
    label = options.label_column or label_column(file, columns, rows, image, needed=needed)
    if label is None:
        return (
            f"no column of {file} is known to hold labels (it has {', '.join(columns)}): "
            "choose one with --label-column"
        )
    names = class_names(file, label, rows, image)
    if options.label_column is None and len(rows) > 4 and 2 * len(set(names)) > len(rows):
        return (
            f"column {label!r} of {file} has {len(set(names))} different values in {len(rows)} "
            "rows, so it holds no classes: choose another with --label-column"
        )
    unread = [name for name in columns if name not in (image, label)]
    split, notes = split_column(tree.relative(file), unread, rows)
    roles = {row[split]: role(row[split]) for row in rows} if split else {}
    labels: dict[Path, str] = {}
    parts: dict[Role | None, dict[Path, str]] = {}
    places = _places(file, [row[image] for row in rows], known.read)
    for row, path, name in zip(rows, places, names, strict=True):
        if labels.setdefault(path, name) != name:
            raise DataError(f"{file} has {row[image]!r} under two labels: {labels[path]}, {name}")
        # An image of two parts stays in both: the check for leakage tells the user.
        parts.setdefault(roles[row[split]] if split else None, {})[path] = name
    if split and None in parts:
        others = {value.strip() for value, each in roles.items() if each is None}
        named = first_names(sorted(filter(None, others)), 3)
        reason = f"has the {split} {named}" if named else f"has an empty {split}"
        reason += " or an empty one" if named and "" in others else ""
        used = set().union(*(part for each, part in parts.items() if each))
        tree.leave_out([path for path in parts.pop(None) if path not in used], reason)
    listed = {each: [*part.items()] for each, part in parts.items()}
    return Labelled(file, image, label, listed, frozenset(labels), notes)


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


def _posix(text: str) -> PurePosixPath:
    return PurePosixPath(text.strip().replace("\\", "/"))


def _rank(names: Sequence[str]) -> Callable[[str], int]:
    return lambda column: names.index(letters(column))
