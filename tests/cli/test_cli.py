"""The command line, as scripts and people see it: what it prints where, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from sixteenth import Study
from tiny_study import (
    Command,
    TrainedStudy,
    environment,
    read_results,
)

PROMISED = {
    "model", "init", "fraction", "train_size", "seed", "status", "train_accuracy", "test_accuracy",
    "test_loss", "parameters", "train_flops", "seconds",
}  # fmt: skip


# The whole study, through the command line


def test_a_study_trains_and_leaves_a_table_and_a_report(trained: TrainedStudy) -> None:
    assert trained.ended.code == 0, trained.ended.err
    rows = read_results(trained.folder)
    assert len(rows) == 4
    assert set(rows[0]) >= PROMISED
    assert [row["status"] for row in rows] == ["finished"] * 4
    assert {row["fraction"] for row in rows} == {"50 images", "1"}
    assert all(0 <= float(row["test_accuracy"]) <= 1 for row in rows)
    assert float(rows[-1]["test_accuracy"]) > 0.5, "three epochs on all digits learn something"
    page = (trained.folder / "report.html").read_text(encoding="utf-8")
    assert "small" in page
    assert "big" in page
    assert (trained.folder / "report.md").is_file()
    assert {path.suffix for path in (trained.folder / "figures").iterdir()} == {".svg", ".png"}


def test_results_go_to_stdout_and_progress_to_stderr(trained: TrainedStudy) -> None:
    out, err = trained.ended.out, trained.ended.err
    assert out.rstrip().endswith("Report: studies/tiny/report.html")
    assert "95% interval" in out
    assert "run 4 of 4" in err
    assert "run 4 of 4" not in out


def test_piped_output_is_plain_text_of_80_columns(trained: TrainedStudy) -> None:
    for text in (trained.ended.out, trained.ended.err):
        assert "\x1b" not in text
    assert max(map(len, trained.ended.out.splitlines())) <= 80


def test_running_again_repeats_nothing(trained: TrainedStudy, sixteenth: Command) -> None:
    weights = sorted(trained.folder.glob("runs/*/model.safetensors"))
    before = [path.stat().st_mtime_ns for path in weights]
    again = sixteenth("run", "tiny.yaml")
    assert again.code == 0, again.err
    assert [path.stat().st_mtime_ns for path in weights] == before
    assert len(before) == 4
    assert "was finished before" in again.err


def test_a_long_table_is_left_to_the_command_that_prints_it(
    trained: TrainedStudy, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sixteenth("run", "tiny.yaml").out
    monkeypatch.setattr("sixteenth.cli.commands.MOST_ROWS", 3)
    short = sixteenth("run", "tiny.yaml").out
    answer, _, rest = short.partition("The table has 4 rows. To print them:\n")
    assert whole.startswith(answer)
    assert rest.split("\n\n")[0] == "  sixteenth show studies/tiny"
    assert rest.rstrip().endswith("Report: studies/tiny/report.html")
    assert whole.count("\n") > short.count("\n")
    assert sixteenth("show", "studies/tiny").out in whole, "which prints all of it"


def test_json_is_all_that_stands_on_stdout(trained: TrainedStudy, sixteenth: Command) -> None:
    said = json.loads(sixteenth("run", "tiny.yaml", "--json").out)
    assert set(said) >= {"study", "folder", "report", "status", "answer", "results"}
    assert (said["study"], said["status"], len(said["results"])) == ("tiny", "finished", 4)
    assert Path(said["report"]).is_file()
    study = Study.open(trained.folder)
    assert [said["verdict"], *said["answer"]] == list(study.opening())
    assert said["verdict"] == study.overview().title
    assert study.discussion().answer == study.opening()
    assert (said["data"]["layout"], said["data"]["train_images"]) == ("digits", 1438)
    planned = json.loads(sixteenth("plan", "tiny.yaml", "--json").out)["data"]
    assert planned.items() <= said["data"].items(), "run says what plan has said"


def test_show_prints_the_table_and_json_for_machines(
    trained: TrainedStudy, sixteenth: Command
) -> None:
    shown = sixteenth("show", "studies/tiny")
    assert shown.code == 0
    assert (
        len([line for line in shown.out.splitlines() if line.startswith(("small  ", "big  "))]) == 4
    )
    rows = json.loads(sixteenth("show", "--out", "studies/tiny", "--json").out)
    assert set(rows[0]) >= PROMISED
    assert all(row["low"] <= row["test_accuracy"] <= row["high"] for row in rows)
    assert all(isinstance(row["parameters"], int) for row in rows)


def test_report_rebuilds_what_was_deleted(trained: TrainedStudy, sixteenth: Command) -> None:
    page = trained.folder / "report.html"
    page.unlink()
    rebuilt = sixteenth("report", "studies/tiny")
    assert (rebuilt.code, rebuilt.out) == (0, "studies/tiny/report.html\n")
    assert page.is_file()


def test_the_study_file_that_a_report_prints_is_that_study(
    trained: TrainedStudy, tmp_path: Path, sixteenth: Command
) -> None:
    from sixteenth import Study
    from sixteenth.study.preflight import check_folder

    page = (trained.folder / "report.md").read_text(encoding="utf-8")
    text = re.search(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert text is not None
    (tmp_path / "again.yaml").write_text(text[1], encoding="utf-8")
    again = Study.load(tmp_path / "again.yaml")
    assert again.spec == Study.open(trained.folder).spec
    check_folder(trained.folder, again.spec)
    assert "adamw, peak learning rate 0.002, weight decay 0.05" in page


def test_a_report_is_not_written_over_by_one_without_the_runs_that_are_gone(
    trained: TrainedStudy, tiny_folder: Path, sixteenth: Command
) -> None:
    study = Path(shutil.copytree(trained.folder, "studies/tiny"))
    for gone in ("runs/tiny_models.small-random-all-seed0", "runs"):
        shutil.rmtree(study / gone)
        before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
        refused = sixteenth("report", "studies/tiny")
        assert (refused.code, refused.out) == (2, "")
        assert "studies/tiny/runs lacks " in refused.err
        assert "tiny_models.small-random-" in refused.err
        assert "train them anew with sixteenth run" in refused.err
        assert sixteenth("show", "studies/tiny").code == 0
        assert sixteenth("advise", "studies/tiny").code == 0
        after = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
        assert after == before
    ended = sixteenth("run", "tiny.yaml", "--set", "train.epochs=3")
    assert ended.code == 0, ended.err
    assert [row["status"] for row in read_results(study)] == ["finished"] * 4
    (study / "results.csv").unlink()
    shutil.rmtree(study / "runs")
    assert sixteenth("report", "studies/tiny").code == 0


def test_show_says_where_a_study_lies(trained: TrainedStudy, sixteenth: Command) -> None:
    near = sixteenth("show", "tiny")
    assert near.code == 2
    assert "studies/tiny" in near.err
    assert sixteenth("show").code == 2


@pytest.mark.slow
def test_a_study_runs_on_real_images_of_a_parquet_folder(
    tiny_folder: Path, cifar10_jpeg: Path, sixteenth: Command
) -> None:
    ended = sixteenth(
        "run", "tiny.yaml", "--data", str(cifar10_jpeg), "--data-dir", "cache", "--json",
        "--set", "image_size=32", "--set", 'fractions=["1/16"]',
    )  # fmt: skip
    assert ended.code == 0, ended.err
    results = json.loads(ended.out)["results"]
    assert [row["train_size"] for row in results] == [3125, 3125]
    assert [row["test_size"] for row in results] == [10_000, 10_000]
    assert all(row["test_accuracy"] > 0.2 for row in results), "twice as good as chance"


# Plans and presets


def test_a_plan_shows_costs_and_writes_nothing(tiny_folder: Path, sixteenth: Command) -> None:
    before = sorted(tiny_folder.iterdir())
    shown = sixteenth("plan", "tiny.yaml", "--set", "fractions=[1/16]")
    assert shown.code == 0, shown.err
    assert "2 of 2 runs to train" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    after = [path for path in sorted(tiny_folder.iterdir()) if path.name != "__pycache__"]
    assert after == before


def test_a_plan_of_epochs_auto_says_that_it_is_the_most(
    tiny_folder: Path, sixteenth: Command
) -> None:
    words = ("--set", "train.epochs=auto", "--set", "train.max_epochs=9")
    shown = sixteenth("plan", "tiny.yaml", *words)
    assert shown.code == 0, shown.err
    assert "this is the most; a run that levels off takes less" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    # Of 45 images in one batch 4 and 8 epochs, and of 1,294 in 21 batches as many.
    runs = json.loads(sixteenth("plan", "tiny.yaml", *words, "--json").out)["runs"]
    assert {(run["epochs"], run["steps"]) for run in runs} == {(8, 8), (8, 168)}


def test_a_plan_counts_only_what_is_left_to_train(
    trained: TrainedStudy, sixteenth: Command
) -> None:
    said = json.loads(sixteenth("plan", "tiny.yaml", "--json").out)
    assert [run["status"] for run in said["runs"]] == ["finished"] * 4
    assert said["seconds_left"] == 0
    assert said["free_bytes"] > 0
    assert all(run["train_flops"] > 0 and run["steps"] > 0 for run in said["runs"])
    data = said["data"]
    assert data["layout"] == "digits"
    assert data["classes"] == [str(digit) for digit in range(10)]
    assert sum(data["per_class"].values()) == data["train_images"] + data["test_images"] == 1797
    assert (data["validation_images"], data["left_out"], data["notes"]) == (0, [], [])


def test_presets_are_listed_and_print_a_study_to_start_from(sixteenth: Command) -> None:
    from sixteenth import parse_spec, preset_names

    listed = sixteenth("presets")
    assert max(map(len, listed.out.splitlines())) <= 80
    for name in preset_names():
        assert name in listed.out
        printed = sixteenth("presets", "show", name).out
        assert parse_spec(yaml.safe_load(printed)).data
    assert {"cifar10", "cifar10-pretrained", "demo"} <= set(preset_names())


# Settings and flags


def test_settings_are_read_as_yaml_and_flags_as_they_are(
    tiny_folder: Path, sixteenth: Command
) -> None:
    ended = sixteenth(
        "run", "tiny.yaml", "--out", "here", "--seed", "7", "--data", "digits", "--device", "cpu",
        "--set", "train.epochs=1", "--set", "fractions=[25 images]",
        "--set", "models=[tiny_models:small]", "--set", "expect=none",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    frozen = yaml.safe_load(Path("here/study.yaml").read_text(encoding="utf-8"))
    assert frozen["train"]["epochs"] == 1
    assert frozen["fractions"] == ["25 images"]
    assert (frozen["seeds"], frozen["expect"]) == ([7], "none")
    assert [row["seed"] for row in read_results(Path("here"))] == ["7"]


def test_data_is_a_plain_path_and_never_yaml(tiny_folder: Path, sixteenth: Command) -> None:
    for name in ("007", "a: b", "[x]", "ü"):
        refused = sixteenth("run", "tiny.yaml", "--data", name)
        assert refused.code == 2
        assert name in refused.err, "the path as it was given"


def test_a_folder_with_another_study_is_refused_and_says_what_differs(
    trained: TrainedStudy, sixteenth: Command
) -> None:
    refused = sixteenth("run", "tiny.yaml", "--set", "train.epochs=9", "--set", "image_size=16")
    assert refused.code == 2
    assert "train.epochs: 3 there, 9 asked for" in refused.err
    assert "image_size" in refused.err
    assert "--out" in refused.err


# The terminal


def test_help_answers_at_once_and_imports_nothing_heavy() -> None:
    script = (
        "import sys, time\n"
        "from sixteenth.cli.commands import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pandas', 'scipy', 'matplotlib', 'yaml', 'pyarrow'}\n"
        "print(sorted(heavy & set(sys.modules)), time.process_time())\n"
    )
    took = []
    for _ in range(3):  # the least of three: what else the machine does makes it only longer
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert "demo" in done.stdout
        imported, seconds = done.stdout.splitlines()[-1].rsplit(" ", 1)
        assert imported == "[]"
        took.append(float(seconds))
    assert min(took) < 0.5


def test_bare_command_and_version(sixteenth: Command) -> None:
    from sixteenth import __version__

    assert "presets" in sixteenth().out
    assert sixteenth("--version").out == f"sixteenth {__version__}\n"


def test_a_path_is_printed_as_it_is_also_where_it_names_an_emoji(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from sixteenth.cli.tables import Column, console, table

    on = console()
    on.print("Report: studies/a:cat:b[bold]")
    on.print(table([Column("file", ["a:cat:b.png"])], on))
    assert capsys.readouterr().out.split() == [
        "Report:",
        "studies/a:cat:b[bold]",
        "file",
        "a:cat:b.png",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_live_table(
    trained: TrainedStudy, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    ours, theirs = os.openpty()
    seen = bytearray()

    def read() -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while part := os.read(ours, 65536):
                seen.extend(part)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        ended = sixteenth("run", "tiny.yaml")
    reader.join()
    os.close(ours)
    text = seen.decode()
    assert ended.code == 0, text
    assert "4 of 4 runs done" in text
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n").splitlines()
    assert max(map(len, lines)) <= 80


def test_what_a_model_prints_is_no_result(tiny_folder: Path, sixteenth: Command) -> None:
    Path("loud.py").write_text(
        "import tiny_models\n"
        "def net(num_classes):\n"
        "    print('hello')\n"
        "    return tiny_models.small(num_classes)\n",
        encoding="utf-8",
    )
    words = ("tiny.yaml", "--set", "models=[loud:net]", "--set", "fractions=[50 images]")
    for command in ("plan", "run"):
        ended = sixteenth(command, *words, "--json")
        assert ended.code == 0, ended.err
        json.loads(ended.out)
        assert "hello" in ended.err
    (run,) = Path("studies/tiny/runs").iterdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("black.png")
    ended = sixteenth("predict", str(run), "black.png", "--trust-code", "--json")
    assert ended.code == 0, ended.err
    json.loads(ended.out)
    assert "hello" in ended.err
