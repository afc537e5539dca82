"""The study that a command is about, and what it prints for machines."""

from __future__ import annotations

import codecs
import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError, DivergedError, InputError
from .exits import print_message, set_resume_command
from .options import Flags

if TYPE_CHECKING:
    import pandas as pd

    from ..language.base import Language
    from ..study import Study


def load_study(study: str, flags: Flags) -> Study:
    """The study of a preset or a study file, as the flags want it."""
    from ..study import Study

    loaded = Study.load(
        study,
        flags.changes(),
        flags.out,
        data_dir=flags.data_dir,
        cifar_archive=flags.cifar_archive,
        language=flags.lang,
        fresh=flags.fresh,
    )
    _check_place(loaded.spec.data, study)
    tell_of_fresh_folder(loaded, flags)
    return loaded


def _check_place(data: str, study: str) -> None:
    """Say from where paths count, if a study's images lie beside its file and not there.

    Raises:
        DataError: so it is.
    """
    from ..spec.fields import NAMED_DATA

    beside = Path(study).parent / data
    if data not in NAMED_DATA and not os.path.exists(data) and os.path.exists(beside):
        raise DataError(
            f"there are no data {data!r} in {Path.cwd()}, and paths in a study file count from the "
            f"current folder; what lies beside {study} is --data {shlex.quote(str(beside))}"
        )


def tell_of_fresh_folder(study: Study, flags: Flags) -> None:
    """With --fresh, say which folder it chose, and how to go on there."""
    if flags.fresh:
        place = shlex.quote(str(study.folder))
        print_message(f"a new folder: {study.folder}; go on later with --out {place}")
        set_resume_command(lambda words: in_folder(words, study.folder))


def in_folder(words: Sequence[str], folder: Path) -> list[str]:
    """A command line with --fresh as one that goes on in the `folder` that --fresh chose."""
    kept = [word for word in words if word != "--fresh" and not word.startswith("--out=")]
    if "--out" in kept:
        at = kept.index("--out")
        del kept[at : at + 2]
    return [*kept, "--out", str(folder)]


def open_study(folder: Path | None, out: Path | None, lang: str | None) -> Study:
    """The study that lies in DIR, which --out may name instead."""
    from ..study import Study

    if folder is not None and out is not None and folder != out:
        raise InputError(f"two folders were named, {folder} and --out {out}: name one")
    place = folder or out
    if place is None:
        raise InputError("name the study's folder, such as studies/demo")
    return Study.open(place, language=lang)


def tell_of_gone_runs(study: Study) -> None:
    """Say on standard error which finished runs, and which reasons that were tested, are left out,
    as their folders are gone."""
    from ..storage.study_folder import StudyFolder
    from ..study.kept import lost_reasons, lost_rows

    folder = StudyFolder(study.folder)
    for said in (lost_rows(folder), lost_reasons(folder, study.spec)):
        if said:
            print_message(said)


def json_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as JSON knows it: plain numbers, null for what is missing."""
    known = table.astype(object).where(table.notna(), None)
    return [
        {str(key): getattr(value, "item", lambda v=value: v)() for key, value in row.items()}
        for row in known.to_dict("records")
    ]


def print_json(content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print what machines read."""
    print(to_json(content))


def to_json(content: Mapping[str, Any] | Sequence[Any]) -> str:
    """JSON for standard output: where that is not UTF-8, in ASCII with JSON's escapes."""
    escaped = codecs.lookup(sys.stdout.encoding or "utf-8").name != "utf-8"
    return json.dumps(content, indent=2, ensure_ascii=escaped, allow_nan=False)


def retry_clause(errors: Iterable[str], language: Language) -> str:
    """Whether the same command may train runs that failed with these errors, as a clause."""
    hopeless = all(map(DivergedError.is_in, errors))
    return language.terminal.fails_again if hopeless else language.terminal.tries_again
