"""The columns that docs/python.md lists are those of the tables that public functions return."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pages import ROOT
from typer.main import get_command

from sixteenth import Study, fit_learning_curve
from sixteenth.analysis import cells, summary_table
from sixteenth.cli.commands import app
from sixteenth.report.parts import FIGURES
from tiny_study import Command, TrainedStudy

PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")

TABLES: dict[str, Callable[[Study], pd.DataFrame]] = {
    "Study.results()": Study.results,
    "Study.histories()": Study.histories,
    "Study.plan()": Study.plan,
    "Findings.table()": lambda study: study.findings().table(),
    "LearningCurve.table()": lambda study: fit_learning_curve([100, 200], [0.3, 0.2]).table(),
    "analysis.cells(grid)": lambda study: cells(study.findings().grid),
    "analysis.summary_table(grid)": lambda study: summary_table(study.findings().grid),
}


def listed_columns(page: str) -> dict[str, list[str]]:
    """Each table's heading -> the names in the first cells of its rows."""
    sections = re.findall(r"^## `([^`]+)`$(.*?)(?=^## |\Z)", page, flags=re.M | re.S)
    return {
        heading: [
            name
            for line in text.splitlines()
            if line.startswith("| `")
            for name in re.findall(r"`(\w+)`", line.split("|")[1])
        ]
        for heading, text in sections
    }


def test_the_page_lists_every_table() -> None:
    assert set(listed_columns(PAGE)) == set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_columns_that_the_page_lists_in_their_order(
    trained: TrainedStudy, table: str
) -> None:
    returned = TABLES[table](Study.open(trained.folder))
    assert len(returned)
    columns = [str(column) for column in returned.columns]
    assert columns == listed_columns(PAGE)[table]


def test_the_page_explains_the_json_of_the_commands(
    trained: TrainedStudy, sixteenth: Command
) -> None:
    section = PAGE.partition("\n## JSON of the commands\n")[2]
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", section, flags=re.M)
    listed = {
        name: {*re.findall(r"`(\w+)`", text)}
        for names, text in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    assert set(said(sixteenth, "report")) <= listed["report"]
    advice = said(sixteenth, "advise", "--target-error", "0.05")
    assert set(advice) <= listed["advise"]
    about_target = section.partition("`target` has")[2]
    assert set(advice["target"]) <= {*re.findall(r"`(\w+)`", about_target)}
    with_json = {name for name, one in get_command(app).commands.items() if takes_json(one)}
    assert with_json <= set(listed)
    option, *_ = advice["options"]
    assert set(option) - set(listed_columns(PAGE)["Findings.table()"]) <= set(listed)
    assert set(said(sixteenth, "show")[0]) - set(listed_columns(PAGE)["Study.results()"]) == {
        "low", "high", "interval",
    }  # fmt: skip


def takes_json(command: Any) -> bool:
    return any("--json" in parameter.opts for parameter in command.params)


def said(sixteenth: Command, command: str, *more: str) -> Any:
    return json.loads(sixteenth(command, "studies/tiny", *more, "--json").out)


def test_the_page_names_every_figure() -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith("| `study.figures()`"))
    assert re.findall(r"`([\w-]+)`", row.split("|")[2]) == list(FIGURES)


def test_predictions_and_records_are_what_the_page_says(trained: TrainedStudy) -> None:
    study = Study.open(trained.folder)
    finished = set(study.results()["run_id"])
    predictions = study.predictions()
    assert set(predictions) == finished
    for labels, probabilities in predictions.values():
        assert probabilities.shape == (len(labels), 10)
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert [record.run_id for record in study.records()] == sorted(finished)
    assert all(record.to_dict()["status"] == "finished" for record in study.records())
