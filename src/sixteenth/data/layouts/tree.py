"""The images below a data folder, without what is hidden, excluded or no image.

Links to folders are followed. Hidden files and folders, and those that systems put among a person's
files, are left out. What else is not read is collected, for the user to see.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ...errors import DataError
from ...messages import counted, nearest
from ...storage.study_folder import StudyFolder
from ..source import composed, first_names

EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".avif"}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)

UNSUPPORTED = frozenset(
    {".heic", ".heif", ".jxl", ".jp2", ".j2k", ".psd", ".svg", ".tga", ".ico", ".dds", ".exr"}
    | {".hdr", ".eps", ".pcx", ".xcf", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2"}
    | {".raf", ".raw"}
)
"""Extensions of images that cannot be read here. They are broken images: a dataset that is
silently incomplete would be worse."""

_SYSTEM = frozenset(
    {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "lost+found", "__pycache__"}
    | {"$recycle.bin", "system volume information", "found.000"}
    | {"@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "~snapshot"}
)
"""What macOS, Windows, Linux, Python and the NAS systems of Synology, QNAP and NetApp put
among a person's files, in lower case. Some hold small copies of the images."""

_MANY = 3
"""So many files with the same reason to be left out are told in one line."""


@dataclass(frozen=True)
class Walked:
    """The files below a folder.

    Attributes:
        images, others: sorted.
        excluded: whether `exclude` left out anything.
    """

    images: tuple[Path, ...]
    others: tuple[Path, ...]
    excluded: bool


@dataclass
class _Listed:
    """What lies in one folder; `identity` is its device and inode."""

    identity: tuple[int, int]
    folders: list[Path] = field(default_factory=list)
    images: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    studies: list[Path] = field(default_factory=list)
    excluded: bool = False

    @property
    def holds_only_studies(self) -> bool:
        return bool(self.studies) and not self.folders and not self.images


class Tree:
    """A data folder, each part read once.

    Args:
        lenient: a subfolder that cannot be read counts as empty.

    >>> tree = Tree(Path("pets"), ["masks"])                     # doctest: +SKIP
    >>> [len(tree.walk(each).images) for each in tree.folders()]  # doctest: +SKIP
    """

    def __init__(self, root: Path, exclude: Sequence[str] = (), *, lenient: bool = False) -> None:
        self.root = root
        self._lenient = lenient
        self._left: dict[str, dict[str, None]] = {}
        self._excluded: dict[str, set[str]] = {pattern: set() for pattern in exclude}
        self._listed: dict[Path, _Listed] = {}
        self._walked: dict[Path, Walked] = {}

    def relative(self, path: Path) -> str:
        """A path below the root as messages name it."""
        return printable(path.relative_to(self.root).as_posix())

    def folders(self, folder: Path) -> list[Path]:
        """The visible folders in a folder, sorted by name; none that holds only studies."""
        inside = self._list(folder).folders
        return [path for path in inside if not self._list(path).holds_only_studies]

    def with_images(self, folder: Path) -> list[Path]:
        """Those of `folders` that have images in them, at any depth."""
        return [path for path in self.folders(folder) if self.walk(path).images]

    def direct(self, folder: Path) -> list[Path]:
        """The images in a folder itself, sorted."""
        return self._list(folder).images

    def is_flat(self, folder: Path) -> bool:
        """Whether most images of a folder lie in it, and not in folders in it."""
        return 2 * len(self.direct(folder)) > len(self.walk(folder).images)

    def others(self, folder: Path) -> list[Path]:
        """The visible files in a folder itself that are no images, sorted."""
        return self._list(folder).others

    def walk(self, folder: Path) -> Walked:
        """The files in a folder and its subfolders.

        No folder is visited twice, and none of the parent folders. So circular links end, and the
        images of another class are not added to this one.

        Raises:
            DataError: a subfolder cannot be read.
        """
        if folder in self._walked:
            return self._walked[folder]
        images: list[Path] = []
        others: list[Path] = []
        excluded = False
        visited = {_identity(above) for above in Path(os.path.abspath(folder)).parents}
        waiting = [folder]
        while waiting:
            listed = self._list(waiting.pop())
            if listed.identity not in visited:
                visited.add(listed.identity)
                images += listed.images
                others += listed.others
                excluded |= listed.excluded
                waiting += reversed(listed.folders)
        images.sort(key=os.fspath)
        self._walked[folder] = Walked(tuple(images), tuple(sorted(others)), excluded)
        return self._walked[folder]

    def excluded_images(self) -> list[Path]:
        """The images that `exclude` leaves out of the folders that were read, sorted."""
        places = set().union(*self._excluded.values())
        return [self.root / place for place in sorted(places) if looks_like_image(place)]

    def is_excluded(self, path: Path) -> bool:
        """Whether `exclude` leaves out a path below the root or a folder above it."""
        if not path.is_relative_to(self.root):
            return False
        place = path.relative_to(self.root)
        return any(
            each.as_posix() in left
            for each in (place, *place.parents)
            for left in self._excluded.values()
        )

    def studies(self) -> list[str]:
        """A line for each folder of studies of Sixteenth that was left out.

        They come and go beside the same images, so these lines are not among `left_out`, by which
        a decoded copy is known.
        """
        left: dict[str, dict[str, None]] = {}
        for folder, listed in sorted(self._listed.items()):
            if listed.holds_only_studies and folder != self.root:
                left.setdefault("holds studies of Sixteenth", {})[self.relative(folder)] = None
            else:
                names = dict.fromkeys(map(self.relative, listed.studies))
                left.setdefault("is a study of Sixteenth", {}).update(names)
        return _lines(left)

    def leave_out(self, paths: Iterable[Path], reason: str) -> None:
        """Note paths that are not read, with the rest of a sentence about one."""
        known = self._left.setdefault(reason, {})
        known.update(dict.fromkeys(self.relative(path) for path in paths))

    def leave_out_dotted(self, folder: Path) -> None:
        """Note the folders in `folder` with images that only their dot hides: maybe classes."""
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") and path.is_dir() and path.name.lower() not in _DOTTED:
                inside = [name for _, _, files in os.walk(path) for name in files]
                if any(looks_like_image(name) for name in inside):
                    self.leave_out([path], "begins with a dot: rename it if it is a class")

    def left_out(
        self, is_meant: Callable[[str], bool] | None = None, what: str = "image"
    ) -> list[str]:
        """A line for each path that was left out, or for many with the same reason.

        Args:
            is_meant: which of the files that `exclude` leaves out are counted; by default images.
            what: what these are called.
        """
        lines = _lines(self._left)
        for pattern, left in self._excluded.items():
            number = sum(map(is_meant or looks_like_image, left))
            lines.append(f"{counted(number, what)} by exclude {pattern!r}")
        return lines

    def check_exclude(self) -> None:
        """Raise a DataError if a pattern of `exclude` matches nothing: it may be misspelt."""
        for pattern, left in self._excluded.items():
            if not left:
                known = {name for path in self._listed for name in os.listdir(path)}
                hint = nearest(pattern, map(glob.escape, known), most=1)
                raise DataError(
                    f"exclude: {pattern!r} matches no file or folder in {self.root}{hint}"
                )

    def _list(self, folder: Path) -> _Listed:
        """What is in a folder, sorted by name, without what is hidden or excluded; read once."""
        if folder not in self._listed:
            try:
                with os.scandir(folder) as found:
                    inside = [(each.name, each.is_dir()) for each in found]
            except OSError as error:
                if not self._lenient or folder == self.root:
                    raise _unreadable(error) from None
                inside = []
            listed = _Listed(_identity(folder))
            for name, is_folder in sorted(inside):
                if _hidden(name):
                    continue
                path = folder / name
                if self._excludes(path):
                    listed.excluded = True
                elif is_folder:
                    (listed.studies if _is_study(path) else listed.folders).append(path)
                else:
                    (listed.images if looks_like_image(name) else listed.others).append(path)
            self._listed[folder] = listed
        return self._listed[folder]

    def _excludes(self, path: Path) -> bool:
        """Whether a pattern matches the path from the root, or the name."""
        if not self._excluded:
            return False
        place = path.relative_to(self.root).as_posix()
        for pattern, left in self._excluded.items():
            if matches(pattern, place):
                if place not in left:
                    left.add(place)
                    if path.is_dir():
                        for where, _, files in os.walk(path):
                            inside = Path(where).relative_to(self.root).as_posix()
                            left |= {f"{inside}/{name}" for name in files if not _hidden(name)}
                return True
        return False


def _lines(left: Mapping[str, Iterable[str]]) -> list[str]:
    """A line for each name, by reason, or for many with the same reason."""
    lines: list[str] = []
    for reason, names in left.items():
        shown = list(names)
        if len(shown) > _MANY:
            lines.append(f"{first_names(shown, _MANY)}: each {reason}")
        else:
            lines += [f"{name} {reason}" for name in shown]
    return lines


def matches(pattern: str, place: str) -> bool:
    """Whether a pattern of `exclude` is for a path from the root, by all of it or by its name."""
    wanted, place = composed(pattern.removeprefix("./").rstrip("/")), composed(place)
    return fnmatchcase(place, wanted) or fnmatchcase(place.rpartition("/")[2], wanted)


def looks_like_image(name: str) -> bool:
    """Whether a file's extension is that of an image, also of one that cannot be read here."""
    extension = os.path.splitext(name)[1].lower()
    return extension in EXTENSIONS or extension in UNSUPPORTED


def printable(name: str) -> str:
    """A file name as valid Unicode; bytes that are not UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


_DOTTED = frozenset({".ipynb_checkpoints", ".thumbnails", ".cache", ".git", ".svn", ".hg"})
"""Hidden folders that are known to be no class."""


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM


def _is_study(folder: Path) -> bool:
    """Whether a study of Sixteenth was begun in a folder: its figures are no images of a class."""
    study = StudyFolder(folder)
    left = (study.runs_path, study.executions_path, study.results_path)
    return os.path.isfile(study.spec_path) and any(map(os.path.exists, left))


def _identity(folder: Path) -> tuple[int, int]:
    """Device and inode, the same for all paths and links to a folder."""
    try:
        stat = folder.stat()
    except OSError as error:
        raise _unreadable(error) from None
    return stat.st_dev, stat.st_ino


def _unreadable(error: OSError) -> DataError:
    return DataError(f"cannot read {error.filename}: {error.strerror}")
