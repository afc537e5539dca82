"""The terminal shows what the report's first screen says, in 80 columns of either language."""

from __future__ import annotations

import io
import shlex
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import typer
from rich.console import Console

from sixteenth.analysis import read_grid
from sixteenth.analysis.findings.advice import BestNetwork
from sixteenth.analysis.findings.cautions import OneSeed, UnstableModel
from sixteenth.analysis.findings.diagnosis import UnstableTraining
from sixteenth.analysis.findings.missing_runs import UnfinishedRuns
from sixteenth.analysis.findings.options import Option, OptionKind, OptionVerdict
from sixteenth.analysis.findings.overview import Card, Overview, Verdict
from sixteenth.analysis.inputs.cells import Cell
from sixteenth.analysis.stats.intervals import Interval
from sixteenth.cli.answer import print_answer
from sixteenth.cli.commands import app
from sixteenth.language import language_for
from sixteenth.language.text import columns

LONG = "laboratory.networks:a_wide_residual_network_of_fifty_layers_with_squeeze_and_excitation"
BEST = Cell(LONG, "random", "1", 1_250_000, (), 1)
MODEL = Option(OptionKind.MODEL, BEST, (LONG + "_twice", "random"), 0.032, 0.007, 0.056, 0.95,
               OptionVerdict.HELPS, measured=True, seconds=36_000)  # fmt: skip
DATA = replace(MODEL, kind=OptionKind.DATA, end=None, gain=0.02, measured=False, level=0.9,
               verdict=OptionVerdict.CANNOT_TELL, new_images=1_250_000)  # fmt: skip
FOUND = Overview(
    Verdict.DO,
    best=BestNetwork(BEST, Interval(0.83, 0.87, 0.95)),
    card=Card(MODEL),
    cards=(Card(MODEL), Card(DATA), Card(Option(OptionKind.TRAINING, BEST, converged=False))),
    cautions=(OneSeed(0.003, (0, 1, 2)), UnfinishedRuns(1, 0, 12)),
)


def printed(tag: str, width: int = 80, found: Overview = FOUND) -> list[str]:
    language, out = language_for(tag=tag), io.StringIO()
    on = Console(file=out, width=width, highlight=False, markup=False)
    print_answer(language.screen.screen(found, ""), Path("my studies/a"), on, language)
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("en", ["+3.2", "+0.7 to +5.6", "measured (95%)", "forecast (90%)", "helps", "cannot tell",
                "not tried", "1,250,000 new"]),
        ("zh-Hant", ["+3.2", "+0.7 至 +5.6", "實測（95%）", "預測（90%）", "有幫助", "無法判斷",
                     "未嘗試", "新標註 1,250,000"]),
    ],
)  # fmt: skip
def test_cards_are_a_table_that_fits_with_long_names(tag: str, words: list[str]) -> None:
    lines = printed(tag)
    commands = [line for line in lines if line.startswith("  sixteenth")]
    assert max(columns(line) for line in lines if line not in commands) <= 80
    text = "\n".join(lines)
    assert [word for word in words if word not in text] == []
    assert language_for(tag=tag).screen.title(FOUND) in "".join(lines[:2])


def test_a_caution_has_its_command_whole_and_for_this_folder() -> None:
    place = "'my studies/a/study.yaml'"
    assert [line for line in printed("en") if line.startswith("  sixteenth")] == [
        f"  sixteenth run {place} --set 'seeds=[0, 1, 2]' --out 'my studies/a'",
        f"  sixteenth run {place} --out 'my studies/a'",
    ]


def test_a_command_that_explains_names_the_folder_and_has_no_other_option() -> None:
    table = {"run_id": ["wide-0", "deep-0"], "model": ["wide", "deep"]}
    numbers = {"train_size": [500, 500], "test_accuracy": [0.9, 0.6]}
    wide, deep = read_grid(pd.DataFrame(table | numbers)).cells
    fall = UnstableTraining(deep, "deep-0", 0, 1.0, 0.3, 2, 5, 0.8, 0.5)
    unstable = replace(FOUND, cautions=(UnstableModel(wide, deep, (fall,)),))
    (caution,) = language_for(tag="en").screen.screen(unstable, "").cautions
    assert caution.command.startswith("sixteenth explain DIR --between"), "in a report, anywhere"
    (line,) = [line for line in printed("en", found=unstable) if line.startswith("  sixteenth")]
    assert line == (
        "  sixteenth explain 'my studies/a' --between deep-0 wide-0 --only learning-rate-half"
    )
    explain = typer.main.get_command(app).commands["explain"]  # type: ignore[attr-defined]
    given = explain.make_context("explain", shlex.split(line)[2:]).params
    assert (given["folder"], given["between"]) == (Path("my studies/a"), ("deep-0", "wide-0"))
