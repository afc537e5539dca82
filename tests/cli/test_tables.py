"""The tables in a terminal: rows of different networks look different, and so do columns."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from rich.console import Console
from rich.table import Table

from sixteenth.cli.tables import Column, cell_columns, plan_table, print_text, results_table, table
from sixteenth.language import language_for
from sixteenth.language.text import cut_apart

LABELS = language_for().terminal


def console(width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False, markup=False)


def titles(made: Table) -> list[str]:
    return [str(column.header) for column in made.columns]


def names(models: list[str], inits: list[str]) -> list[tuple[str, ...]]:
    """What tells the rows apart, row by row."""
    before, _ = cell_columns(models, inits, [0] * len(models), LABELS)
    return list(zip(*([str(cell) for cell in column.cells] for column in before), strict=True))


def test_networks_whose_short_names_are_equal_are_told_apart() -> None:
    files = ["random", "a/weights.pth", "b/weights.pth", "b/weights.pth, frozen"]
    rows = [(model, init) for model in ("lab_a.nets:wide", "lab_b.nets:wide") for init in files]
    shown = names([model for model, _ in rows], [init for _, init in rows])
    assert shown[1] == ("lab_a.nets:wide", "a/weights.pth")
    assert len(set(shown)) == len(rows)


def test_names_are_short_where_that_is_unambiguous() -> None:
    models = ["lab.nets:wide", "resnet18", "lab.nets:wide"]
    inits = ["a/weights.pth", "imagenet, frozen", "a/weights.pth, frozen"]
    assert names(models, inits) == [
        ("wide", "weights.pth"), ("resnet18", "imagenet, frozen"), ("wide", "weights…, frozen"),
    ]  # fmt: skip


def test_long_names_with_the_same_ends_are_cut_where_they_differ() -> None:
    place, end = "/home/me/experiments/of/march/", "/a_resnet50_in_1000_epochs.safetensors"
    inits = [f"{place}{run}{end}" for run in ("a", "b", "c")]
    shown = names(["resnet50"] * 6, [*inits, *(f"{init}, frozen" for init in inits)])
    assert [init for _, init in shown] == [
        "…a/a_re…etensors", "…b/a_re…etensors", "…c/a_re…etensors",
        "…a/a_re…, frozen", "…b/a_re…, frozen", "…c/a_re…, frozen",
    ]  # fmt: skip


def test_different_names_stay_different_when_they_are_cut() -> None:
    known = [f"/{a}/{'x' * 9}/{b}/{'x' * 9}/{c}/x.pth" for a in "ab" for b in "ab" for c in "ab"]
    for names_of_a_study in (known, known[:2], known[1:6], [*known[:2], "resnet18"]):
        assert len(set(cut_apart(names_of_a_study, 16).values())) == len(names_of_a_study)


def test_two_columns_of_one_title_have_each_their_own_width() -> None:
    wide, narrow = Column("part", ["x" * 30], rank=1), Column("part", ["1/2"])
    assert titles(table([Column("model", ["small"]), wide, narrow], console(30))) == [
        "model",
        "part",
    ]
    assert len(titles(table([Column("model", ["small"]), narrow, wide], console(50)))) == 3


@pytest.mark.parametrize("tag", ["en", "zh-Hant"])
def test_every_column_of_a_plan_has_a_title_of_its_own(tag: str) -> None:
    row = {"fraction": "1/2", "train_size": 4000, "parameters": 1e6, "train_flops": 1e9}
    row |= {"steps": 100, "threads": 1, "seconds": 3.0, "disk_bytes": 1e6, "device": "cpu"}
    rows = [
        {**row, "model": "small", "init": "random", "seed": 0, "length": 0.5, "status": "missing"},
        {**row, "model": "big", "init": "imagenet", "seed": 1, "length": 1.0, "status": "finished"},
    ]
    rows[1]["device"] = "cuda"
    shown = titles(plan_table(pd.DataFrame(rows), console(200), language_for(tag=tag)))
    assert len(shown) == 14
    assert len(set(shown)) == 14


def test_a_run_that_was_not_begun_has_as_many_images_as_others_of_its_fraction() -> None:
    numbers = (
        *("test_accuracy", "train_accuracy", "generalisation_gap", "low", "high"),
        *("parameters", "seconds"),
    )
    rows = pd.DataFrame(
        [
            {"model": "seed-cnn", "init": "random", "fraction": part, "train_size": size,
             "seed": seed, "status": "missing", **dict.fromkeys(numbers, float("nan"))}
            for part, size, seed in [("1/4", 52, 0), ("1/4", None, 1), ("1", None, 0)]
        ]
    )  # fmt: skip
    made = results_table(rows, console(), language_for())
    images = titles(made).index(LABELS.train_size)
    assert list(made.columns[images].cells) == ["52", "52", "all"]


def test_a_text_fills_the_terminal_and_keeps_numbers_and_units_together() -> None:
    on = console(30)
    print_text("About 300 more images take 11 s of training.", on, indent=3)
    assert isinstance(on.file, io.StringIO)
    assert on.file.getvalue().splitlines() == [
        "   About 300 more images take",
        "   11 s of training.",
    ]
