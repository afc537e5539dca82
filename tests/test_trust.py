"""Strangers' files are only data: nothing that they hold or name is run, imported or unpacked."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tiny_study import Command, TrainedStudy, command_line, environment

SOURCE = Path(__file__).resolve().parents[1] / "src" / "sixteenth"

EVIL = """\
from pathlib import Path
Path(__file__).with_name("imported").mkdir(exist_ok=True)
def factory(num_classes): raise RuntimeError("evil")
"""


@pytest.fixture
def received(
    trained_once: TrainedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A study folder from elsewhere whose models are code that lies in it; the current folder."""
    folder = tmp_path / "received"
    shutil.copytree(trained_once.folder, folder)
    for record in folder.glob("runs/*/run.json"):
        content = json.loads(record.read_text(encoding="utf-8"))
        content["spec"]["model"] = content["spec"]["model"].replace("tiny_models:", "evil:")
        content["run_id"] = content["run_id"].replace("tiny_models.", "evil.")
        record.write_text(json.dumps(content), encoding="utf-8")
        (record.parent / "evil.py").write_text(EVIL, encoding="utf-8")
        record.parent.rename(record.parent.with_name(content["run_id"]))
    table = (folder / "results.csv").read_text(encoding="utf-8")
    (folder / "results.csv").write_text(table.replace("tiny_models", "evil"), encoding="utf-8")
    frozen = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    frozen["models"] = ["evil:small", "evil:big"]
    (folder / "study.yaml").write_text(yaml.safe_dump(frozen), encoding="utf-8")
    # Also under the names of what is imported anyway, and of what starts with Python.
    for name in ("evil", "sitecustomize", "matplotlib", "typer", "conftest"):
        (folder / f"{name}.py").write_text(EVIL, encoding="utf-8")
    shutil.copy(folder / "figures" / "accuracy.png", folder / "image.png")
    monkeypatch.chdir(folder)
    yield folder
    sys.modules.pop("evil", None)


def imported(folder: Path) -> bool:
    return any(folder.rglob("imported")) or "evil" in sys.modules


@pytest.mark.parametrize(
    "words",
    [
        "report .",
        "show .",
        "show . --json",
        "advise .",
        "predict {run} image.png",
        "export {run} --to onnx --out x.onnx",
        "export {run} --to hub-folder --out x",
        "export . --to tensorboard --out events",
        "presets",
    ],
)
def test_a_received_study_is_read_without_importing_what_it_names(
    received: Path, sixteenth: Command, words: str
) -> None:
    run = next(received.glob("runs/*big*all*"))
    ended = sixteenth(*words.format(run=run).split())
    assert ended.code == (2 if "{run}" in words else 0), ended.err
    assert not imported(received)
    if "{run}" in words:
        assert "evil:big" in ended.err
        assert "--trust-code" in ended.err


def test_python_asks_before_it_imports_as_well(received: Path) -> None:
    from sixteenth import InputError, Study, predict

    study = Study.open(received)
    assert len(study.results()) == 4
    assert study.discussion().answer
    assert set(study.figures()) >= {"accuracy"}
    with pytest.raises(InputError, match="trust_code=True"):
        predict(next(received.glob("runs/*big*all*")), ["image.png"])
    assert not imported(received)


def test_trust_is_what_makes_the_code_run(received: Path, sixteenth: Command) -> None:
    run = next(received.glob("runs/*big*all*"))
    ended = sixteenth("predict", str(run), "image.png", "--trust-code")
    assert ended.code == 2
    assert imported(received), "the test above would notice an import"


def test_a_folder_of_modules_is_not_put_before_the_installed_ones(received: Path) -> None:
    # The real start, since it is Python that puts the current folder first.
    words = command_line("--version")
    ended = subprocess.run(words, cwd=received, env=environment(), capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert not imported(received)


def test_a_report_is_never_written_through_a_link(received: Path, sixteenth: Command) -> None:
    elsewhere = received.parent / "elsewhere"
    (received / "figures").rename(elsewhere)
    (received / "figures").symlink_to(elsewhere)
    victim = received.parent / "victim"
    victim.write_text("mine", encoding="utf-8")
    for name in ("report.html", "report.md", "results.csv"):
        (received / name).unlink()
        (received / name).symlink_to(victim)
    before = {path.name: path.read_bytes() for path in elsewhere.iterdir()}
    refused = sixteenth("report", ".")
    assert refused.code == 1
    assert "figures is a link" in refused.err
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == before
    (received / "figures").unlink()
    assert sixteenth("report", ".").code == 0
    assert victim.read_text(encoding="utf-8") == "mine"
    assert (received / "report.html").is_file()
    assert not (received / "report.html").is_symlink()


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """Every call in a module as (dotted name, call)."""
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_no_way_of_reading_in_the_source_runs_what_it_reads() -> None:
    refused = {
        "pickle.load", "pickle.loads", "pd.read_pickle", "eval", "exec", "os.system", "joblib.load",
        "yaml.unsafe_load", "yaml.full_load", "shutil.unpack_archive", "torch.hub.load",
        "tarfile.open", "subprocess.run", "subprocess.Popen", "__import__", "marshal.loads",
    }  # fmt: skip
    # What a study and the workers that it started say to each other over their own pipes, and what
    # Slurm's own commands are asked.
    between_processes = {
        "local.py": {"subprocess.Popen", "pickle.load"},
        "beside.py": {"subprocess.Popen"},
        "worker.py": {"pickle.load", "pickle.loads"},
        "slurm_queue.py": {"subprocess.run", "subprocess.Popen"},
    }
    seen = set()
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, call in calls(tree):
            where = f"{path.name}:{call.lineno}: {name}"
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert name not in refused - between_processes.get(path.name, set()), where
            assert not name.endswith((".extractall", ".extract")), where
            assert given.get("allow_pickle") in (None, "False"), where
            if name == "torch.load":
                assert given.get("weights_only") == "True", where
            if name == "np.load" and "mmap_mode" not in given:
                assert given.get("allow_pickle") == "False", where
            if name == "yaml.load":
                assert given == {"Loader": "_Loader"}, where
            if name == "importlib.import_module":
                assert path.name == "zoo.py", where
            seen.add(name)
    assert {"torch.load", "np.load", "load_file", "yaml.load"} <= seen, "the search sees calls"
