"""How commands end when something goes wrong: failed runs, signals, full disks, closed pipes."""

from __future__ import annotations

import errno
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import typer

from sixteenth.cli.exits import run_command
from sixteenth.cli.studies import print_json
from tiny_study import (
    Command,
    TrainedStudy,
    command,
    command_line,
    environment,
    hear_interrupts,
    read_results,
)

# Failures


def test_a_run_that_fails_leaves_a_hole_and_the_others_finish(
    tiny_folder: Path, sixteenth: Command
) -> None:
    ended = sixteenth(
        "run", "tiny.yaml", "--set", "models=[tiny_models:small, tiny_models:broken]",
        "--set", "fractions=[50 images]", "--set", "train.epochs=1",
    )  # fmt: skip
    assert ended.code == 1
    assert "1 of 2 runs failed" in ended.err
    assert "the tests broke it" in ended.err
    rows = read_results(Path("studies/tiny"))
    assert [row["status"] for row in rows] == ["finished", "failed"]
    assert rows[1]["test_accuracy"] == ""
    assert "the tests broke it" in rows[1]["error"]
    assert "failed" in ended.out
    assert "the tests broke it" in Path("studies/tiny/report.md").read_text(encoding="utf-8")
    holes = json.loads(sixteenth("show", "studies/tiny", "--json").out)
    assert holes[1]["test_accuracy"] is None


def test_a_run_that_diverges_is_named_and_exits_1(tiny_folder: Path, sixteenth: Command) -> None:
    ended = sixteenth(
        "run", "tiny.yaml", "--set", "models=[tiny_models:small]", "--set", "fractions=[1]",
        "--set", "train.learning_rate=1e30", "--json",
    )  # fmt: skip
    assert ended.code == 1
    assert "DivergedError" in ended.err
    assert "1 run failed; the same command would fail in the same way" in ended.err
    said = json.loads(ended.out)
    assert said["status"] == "incomplete"
    assert said["results"][0]["status"] == "failed"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("run", "tiny.yaml", "--seed"), "sixteenth run"),
        (("plan", "--nope"), "sixteenth plan"),
        (("--nope",), "sixteenth"),
    ],
)
def test_wrong_usage_names_the_help_of_its_command(
    sixteenth: Command, words: tuple[str, ...], named: str
) -> None:
    ended = sixteenth(*words)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.endswith(f"(see {named} --help)")


def test_a_warning_of_a_library_is_a_note_and_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()

    @app.command()
    def odd() -> None:
        warnings.warn("this layer is\nslow", stacklevel=1)

    assert run_command(app, []) == 0
    assert capsys.readouterr().err == "note: this layer is slow\n"


@pytest.mark.parametrize(("encoding", "line"), [("cp1252", r"\u732b é"), ("utf-8", "猫 é")])
def test_names_stay_apart_where_standard_output_lacks_their_letters(
    monkeypatch: pytest.MonkeyPatch, encoding: str, line: str
) -> None:
    app, names = typer.Typer(), ["猫 é", "a file's \udcff"]

    @app.command()
    def say() -> None:
        print(names[0])
        print("\N{MINUS SIGN}5.4 to +2")
        print_json(names)

    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding=encoding))
    assert run_command(app, []) == 0
    first, numbers, rest = pipe.getvalue().decode(encoding).split("\n", 2)
    assert first == line
    assert numbers.replace("\N{MINUS SIGN}", "-") == "-5.4 to +2", "and no other number"
    assert json.loads(rest) == names


def test_a_folder_that_cannot_be_written_is_one_line(tiny_folder: Path, sixteenth: Command) -> None:
    Path("file").write_text("in the way", encoding="utf-8")
    refused = sixteenth("run", "tiny.yaml", "--out", "file/inside")
    assert refused.code == 2
    assert "file/inside" in refused.err


# Signals


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals as POSIX has them")
def test_ctrl_c_while_the_commands_are_imported_is_one_line(tmp_path: Path) -> None:
    """The import of typer stands for all of it: here it waits until the signal has come."""
    (tmp_path / "typer.py").write_text(
        "import time\nprint('importing', flush=True)\ntime.sleep(60)\n", encoding="utf-8"
    )
    child = subprocess.Popen(
        command_line("show", "studies/demo"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path])),
        preexec_fn=hear_interrupts,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "importing\n"
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out, err) == (130, "", "sixteenth: stopped\n")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_stopped_study_says_how_to_go_on_and_does(
    tiny_folder: Path, sixteenth: Command, number: signal.Signals, code: int
) -> None:
    words = [
        "run", "tiny.yaml", "--set", "models=[tiny_models:small, tiny_models:slow]",
        "--set", "fractions=[100 images]", "--set", "train.epochs=20",
    ]  # fmt: skip
    with command(words, Path.cwd(), TINY_SLEEP="0.3") as process:
        process.wait_for(lambda: "run 2 of 2" in process.err)
        process.send_signal(number)
        asked = time.monotonic()
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert time.monotonic() - asked < 5
    assert out == ""
    assert "go on with:\n  python -m sixteenth run tiny.yaml --set" in err
    assert "Traceback" not in err
    first = next(Path("studies/tiny/runs").glob("*small*/model.safetensors"))
    finished = first.stat().st_mtime_ns

    if number != signal.SIGINT:  # to go on takes the same way after either
        return
    ended = sixteenth(*words)
    assert ended.code == 0, ended.err
    assert [row["status"] for row in read_results(Path("studies/tiny"))] == ["finished"] * 2
    assert first.stat().st_mtime_ns == finished


@pytest.mark.parametrize(
    ("stop", "code", "first"),
    [
        (KeyboardInterrupt(), 130, ""),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "make room, then "),
    ],
    ids=["ctrl-c", "full disk"],
)
def test_a_quick_study_says_how_to_go_on_too(
    sixteenth: Command, monkeypatch: pytest.MonkeyPatch, stop: BaseException, code: int, first: str
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise stop

    monkeypatch.setattr("sixteenth.study.quick.quick_study", stopped)
    ended = sixteenth("quick", "my photos", "--lang", "en")
    assert ended.code == code
    said, command = ended.err.splitlines()[-2:]
    assert said == f"what is finished is kept; {first}go on with:"
    assert command.endswith("sixteenth quick 'my photos' --lang en")


def test_a_check_of_the_epochs_says_how_to_go_on_and_a_plan_has_nothing_to(
    tiny_folder: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sixteenth.study.epochs.check_epochs", stopped)
    monkeypatch.setattr("sixteenth.study.study.Study.plan", stopped)
    check = sixteenth("plan", "tiny.yaml", "--check-epochs").err.splitlines()
    assert check[:2] == ["sixteenth: stopped", "what is finished is kept; go on with:"]
    assert check[2].endswith("sixteenth plan tiny.yaml --check-epochs")
    assert sixteenth("plan", "tiny.yaml").err.splitlines() == ["sixteenth: stopped"]


STUCK = """\
import tiny_models
import torch


class Stuck(tiny_models.Net):
    def forward(self, images):
        print("one long operation", flush=True)
        torch.linalg.eigvals(torch.randn(4000, 4000))
        return super().forward(images)


def net(num_classes):
    return Stuck(8, num_classes)
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_stop_does_not_wait_for_a_long_operation(
    tiny_folder: Path, number: signal.Signals, code: int
) -> None:
    Path("stuck.py").write_text(STUCK, encoding="utf-8")
    words = ["run", "tiny.yaml", "--set", "models=[stuck:net]", "--workers", "1"]
    with command(words, Path.cwd()) as process:
        process.wait_for(lambda: "one long operation\n" in process.err)
        process.send_signal(number)
        asked = time.monotonic()
        _, err = process.communicate(timeout=60)
    assert time.monotonic() - asked < 5
    assert process.returncode == code
    assert "go on with:\n  python -m sixteenth run tiny.yaml --set" in err
    assert "Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(trained: TrainedStudy) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            command_line("show", "studies/tiny"),
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "sixteenth: No space left on device\n"


def test_a_closed_pipe_is_quiet(trained: TrainedStudy) -> None:
    with subprocess.Popen(
        command_line("show", "studies/tiny", "--json"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="closes streams as a shell does")
@pytest.mark.parametrize(
    ("words", "closed", "code"),
    [(("presets", "--json"), ">&-", 0), (("presets", "show", "nope"), "2>&-", 2)],
)
def test_a_stream_that_is_closed_at_the_start_takes_nothing(
    tmp_path: Path, words: tuple[str, ...], closed: str, code: int
) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.join(command_line(*words))} {closed}"],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
