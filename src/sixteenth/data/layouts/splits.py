"""Which folders, files and rows are the training, test and validation part, by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from ..source import first_names

Role = Literal["train", "test", "validation"]

ROLES: tuple[Role, ...] = ("train", "test", "validation")

SPLIT_COLUMNS = ("split", "subset", "set", "partition", "phase", "usage")
"""Usual names of columns that name the part of each row, in `letters`."""

_FLAGS = {"", "0", "1", "0.0", "1.0", "true", "false", "t", "f", "yes", "no", "y", "n"}

_WORDS: dict[str, Role] = {
    **dict.fromkeys(("train", "training", "trn", "trainval"), "train"),
    **dict.fromkeys(("test", "testing", "tst", "eval", "evaluation", "holdout"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev"), "validation"),
}

_WORD = re.compile(
    rf"({'|'.join(_WORDS)})(?:sets?|data|dataset|split|part|folder|dir|images?|imgs?|pics|photos)?"
)

_OTHER = re.compile(
    r"(masks?|labels?|annotations?|annots?|gt|small|mini|sample|samples|extra|pred|predictions?)"
)
"""Words of names such as train_masks, which are another thing than train_images beside them."""

_SECOND = re.compile(r".*(?:eval|evaluation|holdout|dev).*")
"""Words that mean something else beside a plainer one: with test/, eval/ is for validation."""

_PART = re.compile(
    r"(?:.*[^a-z])?(?:k?fold|split|cv|part|batch|shard|chunk|subset)[^a-z0-9]*[0-9]+"
)


def role(name: str) -> Role | None:
    """The split that a name stands for, in any case, with any prefix or suffix; None if none.

    ``Training``, ``seg_train``, ``TestImages`` and ``val2`` do; ``valley``, ``train_test`` and
    ``test_unlabelled`` do not.
    """
    words = _words(name)
    found = {_WORDS[match[1]] for word in words if (match := _WORD.fullmatch(word))}
    unlabelled = any(word.startswith("unlabel") for word in words)
    return found.pop() if len(found) == 1 and not unlabelled else None


def is_plain(name: str) -> bool:
    """Whether a name is such a word and nothing else."""
    return name.lower() in _WORDS


def choose(names: Iterable[str], wanted: Role) -> list[str]:
    """The names that may be meant as a split: the plain one; else all without words like masks.

    More than one of them is for the user to choose from.
    """
    named = [name for name in names if role(name) == wanted]
    named = [name for name in named if not _SECOND.fullmatch(name.lower())] or named
    plain = [name for name in named if is_plain(name)]
    if plain:
        return plain
    same = [name for name in named if not any(map(_OTHER.fullmatch, _words(name)))]
    return same or named


def are_parts(names: Sequence[str]) -> bool:
    """Whether names count parts of one data set: ``fold_0 ... fold_4``, ``images_part_1``, ..."""
    return len(names) > 1 and all(_PART.fullmatch(name.lower()) for name in names)


def letters(column: str) -> str:
    """The name of a column without capitals, spaces, digits and punctuation."""
    return re.sub(r"[^a-z]", "", column.lower())


def split_column(
    table: str, columns: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> tuple[str | None, list[str]]:
    """The column that names the part of each row, or notes on those that seem to and do not.

    Numbers are not read: 1 may be the training part, the test part, or a fold. Nor is a column that
    is called by a part: ``valid`` may be a quality, and ``test`` a method. It is noted where it
    holds flags.
    """
    notes = []
    for name in columns:
        usual = letters(name) in SPLIT_COLUMNS
        if not (usual or is_plain(letters(name).removeprefix("is"))):
            continue
        values = sorted({row[name].strip() for row in rows})
        if usual and any(map(role, values)):
            return name, []
        if not (usual or _FLAGS.issuperset(value.lower() for value in values)):
            continue
        shown = first_names([value[:40] or "nothing" for value in values], 3)
        several = "values" if len(values) > 1 else "value"
        notes.append(
            f"column {name!r} of {table} has the {several} {shown}, which name no part: it is "
            "not used; a column split of train and test is"
        )
    return None, notes


def _words(name: str) -> list[str]:
    """The words of a name in lower case; digits and a capital after a small letter part them."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[^a-z]+", parted.lower()) if word]
