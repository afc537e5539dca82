"""``sixteenth fit``: any tool's table in, curves and a figure out."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from sixteenth.cli.commands import main
from tiny_study import Command

SIZES = (1000, 2000, 4000, 8000)
FIT = ("fit", "results.csv", "--size-column", "n", "--error-column", "err", "--group-by", "model")


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models, two trainings a size, and one row whose training failed."""
    monkeypatch.chdir(tmp_path)
    lines = ["model,n,err,acc"]
    for model, alpha, eta in (("small", 0.1, 3.0), ("big", 0.02, 8.0)):
        for n in SIZES:
            for apart in (-0.002, 0.002):
                error = alpha + eta * n**-0.5 + apart
                lines.append(f"{model},{n},{error:.4f},{100 * (1 - error):.2f}")
    lines.append("big,16000,,")
    path = tmp_path / "results.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_each_group_is_summed_up_and_the_figure_is_drawn(table: Path, sixteenth: Command) -> None:
    ended = sixteenth(
        "fit", "results.csv", "--size-column", "n", "--error-column", "err", "--group-by", "model"
    )
    assert ended.code == 0, ended.err
    assert max(map(len, ended.out.splitlines())) <= 80
    small, big = ended.out.index("small\n"), ended.out.index("big\n")
    assert small < big, "in the order of the file"
    for words in ("alpha", "eta", "gamma", "90% interval", "16,000", "32,000", "results.svg"):
        assert words in ended.out
    figure = Path("results.svg").read_text(encoding="utf-8")
    assert "90% interval of the error that a new training would measure" in figure
    assert "small" in figure


def test_json_holds_the_numbers_and_nothing_else(table: Path, sixteenth: Command) -> None:
    ended = sixteenth(
        "fit", "results.csv", "--size-column", "n", "--error-column", "err", "--group-by", "model",
        "--target-error", "0.12", "--test-size", "5000", "--out", "curves.png", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["figure"] == "curves.png"
    assert Path("curves.png").read_bytes().startswith(b"\x89PNG")
    small = found["curves"]["small"]
    assert small["sizes"] == list(SIZES)
    twice = small["forecasts"][1]
    assert twice["size"] == 16000
    assert twice["low"] < twice["error"] < twice["high"]
    assert twice["error"] == pytest.approx(0.1 + 3 * 16000**-0.5, abs=0.01)
    assert small["required_sizes"][0]["error"] == 0.12


def test_json_names_its_curves_whatever_standard_output_can_show(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.write_text(table.read_text("utf-8").replace("small", "小").replace("big", "大"), "utf-8")
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding="cp1252"))
    with pytest.raises(SystemExit):
        main([*FIT, "--json"])
    assert list(json.loads(pipe.getvalue())["curves"]) == ["小", "大"]


def test_groups_may_have_any_names(table: Path, sixteenth: Command) -> None:
    head, *rows = table.read_text("utf-8").splitlines()
    assert head.startswith("model,n,")
    table.write_text("\n".join([head.replace("model", "size"), *rows]), "utf-8")
    words = ("fit", "results.csv", "--size-column", "n", "--error-column", "err", "--json")
    ended = sixteenth(*words, "--group-by", "size")
    assert ended.code == 0, ended.err
    assert list(json.loads(ended.out)["curves"]) == ["small", "big"]
    apart = [row.replace("big,", "a · b,c,").replace("small,", "a,b · c,") for row in rows]
    table.write_text("\n".join(["size,error,n,err,acc", *apart]), "utf-8")
    ended = sixteenth(*words, "--group-by", "size", "--group-by", "error")
    assert ended.code == 0, ended.err
    assert list(json.loads(ended.out)["curves"]) == ["a · b · c", "a · b · c (2)"]


def test_accuracies_in_percent_give_the_same_curve(table: Path, sixteenth: Command) -> None:
    words = ("fit", "results.csv", "--size-column", "n", "--group-by", "model", "--json")
    errors = json.loads(sixteenth(*words, "--error-column", "err").out)
    accuracies = json.loads(sixteenth(*words, "--accuracy-column", "acc", "--percent").out)
    ours, theirs = errors["curves"]["big"], accuracies["curves"]["big"]
    assert theirs["errors"] == pytest.approx(ours["errors"])
    assert theirs["gamma"] == pytest.approx(ours["gamma"], rel=0.01)


def test_what_was_read_is_said_to_people_and_machines(table: Path, sixteenth: Command) -> None:
    ended = sixteenth(*FIT, "--json")
    assert ended.err == (
        "note: results.csv: 16 of 17 rows read, err as errors in shares, 4 sizes in n from 1,000 "
        "to 8,000; left out: 1 row without err (line 18); 2 trainings a size of each of 2 curves\n"
    )
    read = json.loads(ended.out)["table"]
    each = {str(size): 2 for size in SIZES}
    assert read.pop("trainings") == {"small": each, "big": each}
    assert read == {
        "file": "results.csv",
        "delimiter": ",",
        "decimal_mark": ".",
        "size_column": "n",
        "value_column": "err",
        "values": "errors",
        "unit": "shares",
        "total": None,
        "rows": 17,
        "rows_read": 16,
        "left_out": [{"why": "without err", "rows": 1, "lines": [18]}],
        "notes": [],
    }


def test_sizes_above_a_million_are_written_in_full(table: Path, sixteenth: Command) -> None:
    rows = [("1281167", 0.24), ("640583", 0.29), ("320291.5", 0.35)]
    table.write_text("\n".join(["n,err", *(f"{n},{e}" for n, e in rows)]), encoding="utf-8")
    ended = sixteenth(*FIT[:-2], "--json")
    assert ended.code == 0, ended.err
    trainings = json.loads(ended.out)["table"]["trainings"]["all rows"]
    assert trainings == {n: 1 for n, _ in rows}


def test_the_sizes_of_folds_count_as_one_size_and_the_note_says_so(
    tmp_path: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten folds of 1,003 images leave 902 or 903; as two sizes they would hide the scatter."""
    monkeypatch.chdir(tmp_path)
    lines = ["model,fold,train_size,test_accuracy"]
    for model in ("small", "big"):
        for part in (225, 451, 902):
            for fold in range(4):
                lines.append(f"{model},{fold},{part + fold % 2},{0.9 - 3 / part + 0.004 * fold}")
    Path("folds.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ended = sixteenth("fit", "folds.csv", "--group-by", "model", "--run-column", "fold", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["curves"]["big"]["sizes"] == [225, 451, 902]
    assert found["table"]["trainings"]["small"] == {"225": 4, "451": 4, "902": 4}
    said = "sizes of a curve within 1% count as one, such as 226 as 225"
    assert said in " ".join(ended.err.split())
    Path("two.csv").write_text("train_size,test_accuracy\n1000,0.7\n1005,0.72\n", encoding="utf-8")
    ended = sixteenth("fit", "two.csv")
    assert (ended.code, ended.out) == (2, "")
    assert "from 1,000 to 1,005 of a curve are within 1%, which is one size" in ended.err


def test_the_sizes_of_one_curve_do_not_change_those_of_another(
    tmp_path: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sizes = {"a": (1000, 2000, 4000), "b": (1005, 2010, 4020)}
    rows = [f"{model},{n},{0.9 - 90 / n}" for model, some in sizes.items() for n in some]
    Path("two.csv").write_text("\n".join(["model,train_size,test_accuracy", *rows]), "utf-8")
    ended = sixteenth("fit", "two.csv", "--group-by", "model", "--json")
    assert ended.code == 0, ended.err
    curves = json.loads(ended.out)["curves"]
    assert {model: tuple(curve["sizes"]) for model, curve in curves.items()} == sizes
    assert "within 1%" not in ended.err


def test_shares_of_a_total_and_the_last_epochs_are_asked_for_by_flags(
    table: Path, sixteenth: Command
) -> None:
    lines = ["part,epoch,acc,fold"]
    for part in (0.25, 0.5, 1):
        lines += [f"{part},{epoch},{70 + 8 * part + epoch},9" for epoch in range(3)]
    table.write_text("\n".join(lines), encoding="utf-8")
    words = ["fit", "results.csv", "--size-column", "part", "--accuracy-column", "acc", "--percent"]
    assert "--last-by epoch" in sixteenth(*words).err
    assert "--total N" in sixteenth(*words, "--last-by", "epoch").err
    ended = sixteenth(*words, "--last-by", "epoch", "--total", "8000", "--json")
    curve = json.loads(ended.out)["curves"]["all rows"]
    assert curve["sizes"] == [2000, 4000, 8000]
    assert curve["errors"] == pytest.approx([0.26, 0.24, 0.2])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fit", "nowhere.csv"], "there is no file nowhere.csv"),
        (["fit", "https://example.org/a.csv"], "no file https://example.org/a.csv, which is a URL"),
        (["fit", "results.csv", "--size-column", "n", "--error-column", "eror"], "no column eror"),
        (["fit", "results.csv", "--size-column", "model", "--error-column", "err"], "not a number"),
        (["fit", "results.csv", "--size-column", "n", "--accuracy-column", "acc"], "within 0 and"),
        (
            ["fit", "results.csv", "--error-column", "err", "--accuracy-column", "acc"],
            "not both",
        ),
        (
            ["fit", "results.csv", "--size-column", "n", "--error-column", "err", "--out", "a.pdf"],
            "neither .svg nor .png",
        ),
        (["fit", "."], "cannot read the table .: Is a directory"),
        ([*FIT, "--out", "nowhere/x.svg"], "there is no folder nowhere for the figure x.svg"),
        ([*FIT, "--out", "a.svg"], "the figure a.svg is a folder"),
        ([*FIT, "--target-error", "7"], "'--target-error': '7' is no share"),
        ([*FIT, "--target-error", "0"], "'0': write a share above 0 and below 1"),
        ([*FIT, "--target-error", "nan"], "'--target-error': 'nan' is no share"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_2(
    table: Path, sixteenth: Command, words: list[str], said: str
) -> None:
    Path("a.svg").mkdir()
    ended = sixteenth(*words)
    assert ended.code == 2
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not ended.out
    assert {path.name for path in Path().iterdir()} == {"results.csv", "a.svg"}


@pytest.mark.parametrize("more", [(), ("--out", "a/x.svg")])
def test_a_folder_that_cannot_be_written_is_refused_before_curves_are_fitted(
    table: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:  # fmt: skip
    Path("a").mkdir()
    # Root may write everywhere.
    monkeypatch.setattr("os.access", lambda _, mode: not mode & os.W_OK)
    monkeypatch.setattr("sixteenth.cli.fit._fit", None)
    ended = sixteenth(*FIT, *more)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    place = "a" if more else table.parent
    assert f"cannot write to {place}: Permission denied; choose another place with --out" in line


def test_a_figure_of_that_name_is_left_alone_unless_it_is_named(
    table: Path, sixteenth: Command
) -> None:
    Path("results.svg").write_text("mine", encoding="utf-8")
    for name in ("results-2.svg", "results-3.svg"):
        assert sixteenth(*FIT).out.endswith(f"Figure: {name}\n")
        assert Path(name).read_text(encoding="utf-8").startswith("<?xml")
    assert Path("results.svg").read_text(encoding="utf-8") == "mine"
    assert sixteenth(*FIT, "--out", "results.svg").code == 0
    assert Path("results.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert {path.suffix for path in Path().iterdir()} == {".csv", ".svg"}, "nothing half written"


def test_a_study_is_fitted_by_the_metric_that_it_decides_by(
    table: Path, sixteenth: Command
) -> None:
    rows = [f"run{n},1,{n},{1 - n**-0.5:.4f},{1 - 2 * n**-0.5:.4f}" for n in (*SIZES, *SIZES[:2])]
    header = "run_id,length,train_size,test_accuracy,balanced_accuracy"
    table.write_text("\n".join([header, *rows]), encoding="utf-8")
    plain = json.loads(sixteenth("fit", "results.csv", "--json").out)
    assert plain["table"]["value_column"] == "test_accuracy"
    Path("study.yaml").write_text("data: digits\nmetric: balanced-accuracy\n", encoding="utf-8")
    ended = sixteenth("fit", "results.csv", "--json")
    balanced = json.loads(ended.out)
    assert balanced["table"]["value_column"] == "balanced_accuracy"
    assert balanced["curves"]["all rows"]["errors"] == pytest.approx(
        [2 * error for error in plain["curves"]["all rows"]["errors"]], abs=1e-3
    )
    assert "the study beside results.csv decides by balanced_accuracy: --accuracy-col" in ended.err
    asked = sixteenth("fit", "results.csv", "--accuracy-column", "test_accuracy", "--json")
    assert json.loads(asked.out)["table"]["value_column"] == "test_accuracy"
    assert "decides by" not in asked.err


def test_a_single_size_is_refused_with_the_name_of_its_curve(
    table: Path, sixteenth: Command
) -> None:
    table.write_text("model,n,err\nonly,1000,0.3\nonly,1000,0.31\n", encoding="utf-8")
    ended = sixteenth(
        "fit", "results.csv", "--size-column", "n", "--error-column", "err", "--group-by", "model"
    )
    assert ended.code == 2
    assert "only: a learning curve needs errors at two sizes" in ended.err
