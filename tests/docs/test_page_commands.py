"""Every command that a page shows is one that exists, and is run, or says why it is not.

A comment before a block of commands, ``<!-- run -->`` or ``<!-- not run: why -->``, holds for it
and for all below, up to the next one. Also the commands that are not run are parsed, with their
options, presets and keys of the study file.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from pages import PAGES, PROGRAMS, ROOT, Block, blocks, inline, split

from sixteenth.cli.commands import app
from sixteenth.cli.options import Flags
from sixteenth.errors import SixteenthError
from sixteenth.spec import load_spec, parse_spec, preset_names
from sixteenth.spec.yaml import read_yaml
from tiny_study import Command

EXTRAS = set(
    tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
)
APP: Any = typer.main.get_command(app)
UsageError: Any = typer.BadParameter.__bases__[0]
"""Typer's complaint about a command line, wherever this version of typer keeps it."""
WITH_COMMANDS = [each for page in PAGES for each in blocks(page) if each.commands()]

SOME_TRAININGS = """\
n,err,model,train_size,val_acc,epoch,version,params.train_size,metrics.val_acc
500,0.40,a,500,0.60,1,0,500,0.60
1000,0.31,a,1000,0.69,1,1,1000,0.69
2000,0.24,a,2000,0.76,1,2,2000,0.76
4000,0.20,a,4000,0.80,1,3,4000,0.80
"""
"""A table with the columns of all tools that docs/fit.md reads."""


def fault(words: list[str], *, mentioned: bool = False) -> str | None:
    """What is wrong with a command, None for nothing.

    Args:
        words: the command.
        mentioned: it stands within a sentence, where arguments may be left out.
    """
    program = words[0].rpartition("/")[2]
    if words[0].startswith("--"):  # options alone
        return fault(["sixteenth", "run", "cifar10", *words])
    if program == "sixteenth":
        return fault_of_sixteenth(words[1:], mentioned)
    if words[1:3] == ["-m", "sixteenth"]:
        return fault_of_sixteenth(words[3:], mentioned)
    if words[1:2] == ["-m"] and words[2].startswith("benchmarks."):
        source = (ROOT / f"{words[2].replace('.', '/')}.py").read_text(encoding="utf-8")
        unknown = [word for word in words if word[:2] == "--" and f'"{word}"' not in source]
        return f"{words[2]} has no {', '.join(unknown)}" if unknown else None
    if "install" in words:
        named = re.findall(r"^(?:\.|sixteenth)\[([\w,-]+)\]", "\n".join(words), flags=re.M)
        unknown = [extra for extras in named for extra in extras.split(",") if extra not in EXTRAS]
        return f"no extra {', '.join(unknown)}" if unknown else None
    return None


def fault_of_sixteenth(words: list[str], mentioned: bool) -> str | None:
    command: Any = APP
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    if hasattr(command, "commands") and words and not words[0].startswith("-"):
        return f"no command {words[0]}"
    try:
        given = command.make_context("sixteenth", list(words)).params
        spec_of(given)
    except typer.Exit:  # --help
        return None
    except SixteenthError as error:
        return str(error)
    except UsageError as error:
        left_out = mentioned and type(error).__name__ == "MissingParameter"
        return None if left_out else str(error.format_message())
    return None


def spec_of(given: dict[str, Any]) -> None:
    """Read the study that a command names, with what its options change.

    Raises:
        SpecError: there is no such preset, or no such key.
    """
    study = given.get("study", "cifar10")
    if study.isupper() or (study.endswith(".yaml") and not (ROOT / study).exists()):
        study = "cifar10"  # a placeholder, or a file of the reader's
    if study not in preset_names():
        study = ROOT / study
    if "settings" in given:
        shared = {name: given[name] for name in Flags.__dataclass_fields__ if name in given}
        load_spec(study, Flags(**shared).changes())


@pytest.mark.parametrize("block", WITH_COMMANDS, ids=str)
def test_every_command_of_a_page_exists(block: Block) -> None:
    faults = [(" ".join(words), fault(words)) for words in block.commands()]
    assert [each for each in faults if each[1]] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_is_named_in_a_sentence_exists(page: Path) -> None:
    named = [token.content for token in inline(page, "code_inline")]
    commands = [text for text in named if text.partition(" ")[0] in PROGRAMS and " " in text]
    faults = [(text, fault(words, mentioned=True)) for text in commands for words in split(text)]
    assert [each for each in faults if each[1]] == []


def test_every_block_of_commands_is_run_or_says_why_not() -> None:
    assert [str(block) for block in WITH_COMMANDS if not block.marker] == []
    named = {name for each in WITH_COMMANDS for name in re.findall(r"tests/[\w/.]*\w", each.marker)}
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_command_of_the_workflow_exists() -> None:
    workflow = read_yaml((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    lines = [step["run"] for step in steps if "run" in step]
    assert lines
    assert [line for line in lines for words in split(line) if fault(words)] == []


def test_wrong_commands_are_noticed() -> None:
    wrong = {
        "sixteenth runn cifar10": "no command runn",
        "sixteenth run cifar11": "cifar11",
        "sixteenth run cifar10 --ouput x": "--ouput",
        "sixteenth run cifar10 --set trian.epochs=3": "trian",
        "sixteenth run cifar10 --set train.epoch=3": "epoch",
        "sixteenth run cifar10 --workers two": "--workers",
        "sixteenth fit": "missing argument",
        "python -m benchmarks.soak --minute 3": "--minute",
        "OMP_NUM_THREADS=1 .venv/bin/pip install '.[lite,rai]'": "rai",
        "--set test_foldr=x": "test_foldr",
    }
    for line, named in wrong.items():
        (words,) = split(line)
        assert named.lower() in (fault(words) or "").lower(), line
    assert fault(["sixteenth", "fit"], mentioned=True) is None


def test_commands_that_are_marked_as_run_succeed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sixteenth: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    for table in ("results.csv", "runs.csv"):
        Path(table).write_text(SOME_TRAININGS, encoding="utf-8")
    shutil.copytree(ROOT / "examples", "examples")
    run = [block for block in WITH_COMMANDS if block.marker == "run"]
    assert len(run) > 3
    for block in run:
        for words in block.commands():
            ended = sixteenth(*words[1:])
            assert (ended.code, words[0]) == (0, "sixteenth"), f"{block}: {ended.err}"


def test_every_extra_is_on_the_page_of_installing() -> None:
    page = (ROOT / "docs/install.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert EXTRAS - set(re.findall(r"`(\w+)`", " ".join(rows))) == set()


def test_every_study_file_of_a_page_is_one() -> None:
    files = [each for page in PAGES for each in blocks(page) if each.language == "yaml"]
    assert files
    for block in files:
        parse_spec(read_yaml(block.text))
