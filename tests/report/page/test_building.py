"""How a report is written: whole or not at all, and the same whenever it is made again."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from invented import Invented, invented_study
from matplotlib.figure import Figure
from reader import DRAWN, Reader

from sixteenth.errors import SixteenthError
from sixteenth.language import language_for
from sixteenth.language.base import Language
from sixteenth.report.page import build
from sixteenth.report.parts import TALK


def test_what_a_killed_report_left_is_gone_after_the_next(
    study: Invented, tmp_path: Path, blank_figures: None
) -> None:
    left = [tmp_path / ".report.html.0123abcd.tmp", tmp_path / "figures" / ".a.svg.0123abcd.tmp"]
    (tmp_path / "figures").mkdir()
    for path in left:
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    study.report(tmp_path)
    assert not [path for path in left if path.exists()]
    assert not list(tmp_path.rglob(".*"))


def test_a_report_made_again_from_its_csv_table_is_the_same_to_the_byte_figures_too(
    report: Path, study: Invented, tmp_path: Path
) -> None:
    study.results.to_csv(tmp_path / "results.csv", index=False)
    again = tmp_path / "again"
    again.mkdir()
    replace(study, results=pd.read_csv(tmp_path / "results.csv")).report(again)
    names = sorted(path.name for path in (report / "figures").iterdir())
    drawn = [f"{name}.{kind}" for name in DRAWN for kind in ("png", "svg")]
    assert names == sorted([*drawn, f"{TALK}.png"])
    for path in report.rglob("*.*"):
        made = (again / path.relative_to(report)).read_bytes()
        # Commands name the folder of their study.
        assert made.replace(bytes(again), bytes(report)) == path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"failed": (), "epochs": 1}, "Nothing to compare yet"),
        ({"failed": (("resnet18", "random", "1", 0),)}, "All runs failed"),
        (
            {"missing": (("resnet18", "random", "1", 0),), "failed": ()},
            "No run has finished yet",
        ),
    ],
    ids=["one run", "one that failed", "one that was not run"],
)
def test_a_study_of_one_run_still_makes_a_report(
    tmp_path: Path, changes: dict[str, Any], title: str
) -> None:
    settings: dict[str, Any] = {
        "models": ("resnet18",),
        "inits": ("random",),
        "seeds": (0,),
        "fractions": {"1": 50_000},
        "missing": (),
    }
    study = invented_study(**(settings | changes))
    page = Reader(study.report(tmp_path).read_text(encoding="utf-8"))
    assert page.open == []
    assert title in page.text


@pytest.mark.parametrize("tag", ["en", "zh-Hant"])
def test_losses_beyond_bounds_still_make_a_report(tmp_path: Path, tag: str) -> None:
    study = invented_study()
    for name in ("train_loss", "test_loss"):
        study.histories[name] *= 1e29
        study.results[name] *= 1e29
    page = Reader(study.page(tmp_path, tag).read_text(encoding="utf-8"))
    assert "e+30" in page.text
    assert not re.search(r"[0-9]{16}", page.text)


def test_when_the_making_fails_the_old_report_stays(
    study: Invented, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("report.html", "report.md", "results.csv"):
        (tmp_path / name).write_text("old")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no figure")

    monkeypatch.setattr(build, "draw_figures", broken)
    with pytest.raises(RuntimeError, match="no figure"):
        study.report(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        ("report.html", "report.md", "results.csv"), "old"
    )


def test_when_the_writing_fails_nothing_half_written_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank_figures: None
) -> None:
    (tmp_path / "report.html").write_text("old")
    real = build.os.fsync
    calls: list[int] = []

    def full_disk(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(build.os, "fsync", full_disk)
    study = invented_study(models=("a", "b"), seeds=(0,), failed=(), missing=(), inits=("random",))
    with pytest.raises(SixteenthError, match="No space left on device"):
        study.report(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "old"


def test_without_a_font_for_its_language_a_report_has_english_pngs_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = invented_study(
        models=("resnet18",), inits=("random",), seeds=(0,), failed=(), missing=(), epochs=1
    )

    def draw(*_: Any, narrow: bool = False, **__: Any) -> dict[str, Figure]:
        language = next(one for one in _ if isinstance(one, Language))
        figures = {name: Figure((1, 1)) for name in DRAWN}
        for figure in figures.values():
            figure.add_axes((0, 0, 1, 1)).set_title(language.tag)
        return figures

    printed: list[str] = []
    monkeypatch.setattr(build, "draw_figures", draw)
    monkeypatch.setattr(build, "can_draw", lambda _: False)
    monkeypatch.setattr(build, "png", lambda one, **_: printed.append(_words_in(one)) or b"")
    found = study.findings()
    chinese = language_for(found, "zh-Hant")
    page = build.report_files(study.measurements(), found, chinese)["report.html"].decode()
    assert printed[:-1] == ["en"] * len(DRAWN)
    assert "More images" in printed[-1]
    assert chinese.page.latin_figures in page
    assert "zh-Hant</text>" in page


def _words_in(figure: Figure) -> str:
    axes = figure.axes[0]
    return " ".join([axes.get_title(), *(text.get_text() for text in axes.texts)]).strip()
