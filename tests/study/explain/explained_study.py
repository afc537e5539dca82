"""A study whose expectation failed, and how it is explained."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from sixteenth.analysis.findings.levers import CellPair
from sixteenth.cli.commands import main
from tiny_study import Ended

SMALL, BIG = ("tiny_models:small", "random"), ("tiny_models:big", "random")
PAIR = CellPair("1/2", SMALL, BIG)
SETTINGS = [
    word
    for setting in ('fractions=["1/2", 1]', "expect=smaller-is-better", "train.epochs=3")
    for word in ("--set", setting)
]
ONLY_SEEDS = ("explain", "studies/tiny", "--only", "seeds", "--threads", "1")


def copy_of(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(home, tmp_path / "home")
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.syspath_prepend(tmp_path / "home")
    return Path("studies/tiny")


@dataclasses.dataclass(frozen=True)
class Explained:
    """The study after `ONLY_SEEDS`, which was stopped after a run and then went on to its end.

    Attributes:
        kept: when the weights that were there after the stop were written, as of then and of the
            end.
    """

    home: Path
    stopped: Ended
    ended: Ended
    kept: tuple[dict[Path, int], dict[Path, int]]


def ended_here(words: Sequence[str]) -> Ended:
    """How ``sixteenth WORDS`` ends in this process; for fixtures of a session."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        main(words)
    return Ended(int(end.value.code or 0), out.getvalue(), err.getvalue())
