"""`sixteenth advise` on a study that was trained for real."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import sixteenth as package
from sixteenth.language.commands import typed
from tiny_study import Command, TrainedStudy, environment


def test_advice_names_the_verdict_what_there_is_what_the_target_takes_and_what_to_do(
    trained: TrainedStudy, sixteenth: Command
) -> None:
    ended = sixteenth("advise", "studies/tiny", "--target-error", "0.001")
    assert ended.code == 0
    assert ended.err == ""
    verdict = package.Study.open(trained.folder).opening()[0]
    assert ended.out.startswith(f"{verdict}\n\nBest network: "), "that of the page comes first"
    assert "An error of 0.1% " in ended.out
    assert "\n1. " in ended.out
    commands = [line for line in ended.out.splitlines() if line.startswith("   sixteenth ")]
    assert max(len(line) for line in ended.out.splitlines() if line not in commands) <= 80
    study = package.Study.open(trained.folder)
    steps = study.advice(0.001).steps
    assert commands == [f"   {typed(step.command, Path('studies/tiny'))}" for step in steps]
    assert all("studies/tiny" in line for line in commands)
    assert commands


def test_advice_as_json_has_numbers_and_is_what_the_library_says(
    trained: TrainedStudy, sixteenth: Command
) -> None:
    ended = sixteenth("advise", "studies/tiny", "--target-error", "0.9", "--json")
    said = json.loads(ended.out)
    assert said["target"]["reached"] is True
    assert said["target"]["error"] == 0.9
    found = package.Study.open(trained.folder).advice(0.9)
    assert said.pop("metric") == "accuracy"
    (caution,) = said.pop("cautions")
    assert caution["text"] == found.cautions[0].text
    assert caution["command"].startswith("sixteenth run studies/tiny/study.yaml --set ")
    library = json.loads(json.dumps(found.to_dict()))
    assert [one["text"] for one in library.pop("cautions")] == [caution["text"]]
    assert said == library
    assert said["best"] == found.best
    assert said["verdict"] == package.Study.open(trained.folder).opening()[0]
    assert said["target"]["text"] == found.target.text
    assert [step["why"] for step in said["options"]] == [step.why for step in found.options]
    assert [step["gain"] for step in said["options"]] == [
        step["gain"] for step in found.findings.to_dict()["options"]
    ]
    for option in said["options"]:
        assert {
            *("kind", "gain", "low", "high", "level", "measured", "converged"),
            *("gain_at_equal_steps", "new_images", "seconds"),
        } <= option.keys()
        assert option["kind"] in ("data", "model", "init", "training", "resolution")
    assert json.loads(sixteenth("advise", "studies/tiny", "--json").out)["target"] is None


def test_a_target_may_be_a_percentage(trained: TrainedStudy, sixteenth: Command) -> None:
    said = json.loads(sixteenth("advise", "studies/tiny", "--target-error", "90%", "--json").out)
    assert said["target"]["error"] == 0.9


@pytest.mark.parametrize("error", ["5", "0", "-0.1", "1", "500%", "nan", "five"])
def test_an_error_that_is_no_share_is_refused_with_the_way_out(
    trained: TrainedStudy, sixteenth: Command, error: str
) -> None:
    ended = sixteenth("advise", "studies/tiny", "--target-error", error)
    assert ended.code == 2
    assert "0.05" in ended.err
    assert ended.err.count("\n") == 1


def test_a_folder_without_a_study_is_one_line(trained: TrainedStudy, sixteenth: Command) -> None:
    ended = sixteenth("advise", "tiny")
    assert ended.code == 2
    assert "did you mean studies/tiny?" in ended.err.replace("\n", " ")


def test_the_folder_of_a_run_names_that_of_its_study(
    trained: TrainedStudy, sixteenth: Command
) -> None:
    ended = sixteenth("advise", str(trained.run(model="small", fraction="1")))
    assert ended.code == 2
    assert f"is the folder of one run; its study is in {trained.folder}" in ended.err


def test_questions_about_numbers_import_neither_torch_nor_matplotlib(
    trained: TrainedStudy,
) -> None:
    """Asked one after another in one process: each import of pandas and scipy takes seconds."""
    ask = (
        "import sys; import sixteenth",
        "def heavy(): print({'torch', 'matplotlib'} & set(sys.modules) or '-')",
        "sixteenth.fit_learning_curve([1, 2, 4, 8], [.4, .3, .25, .2]); heavy()",
        "sixteenth.Study.open('studies/tiny').advice(0.05); heavy()",
        "from sixteenth.cli.exits import run_command; from sixteenth.cli.commands import app",
        "print(run_command(app, ['fit', 'studies/tiny/results.csv']))",
        "print({'torch'} & set(sys.modules) or '-')",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(ask)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert (lines[:2], lines[-2:]) == (["-", "-"], ["0", "-"]), done.stderr
