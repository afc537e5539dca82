"""A study goes on as it was begun, also where it would be begun otherwise today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sixteenth import InputError, Listener, MismatchError, RunSpec, Study
from sixteenth.engine.train import Progress
from sixteenth.study.planning.machine import LocalMachine
from tiny_study import checkpoint_at_every_step, tiny


class Interrupting(Listener):
    """Presses Ctrl-C in the second epoch."""

    def run_progressed(self, progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt


def test_a_run_goes_on_with_the_threads_it_was_begun_with(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint_at_every_step(monkeypatch)
    study = Study(tiny(), "mine")
    with pytest.raises(KeyboardInterrupt):
        study.run(device="cpu", threads=2, listener=Interrupting())
    with pytest.raises(MismatchError, match=r"2 threads there, .* 1 thread asked for"):
        study.run(device="cpu", threads=1)
    assert study.records()[0].status == "interrupted"
    monkeypatch.setattr(LocalMachine, "images_per_second", lambda *_, **__: 100.0)
    left, all_of_it = (each.plan()["seconds"][0] for each in (study, Study(tiny(), "whole")))
    assert left == pytest.approx(all_of_it * 2 / 3, abs=0.01), "one of three epochs is done"
    # Also where the study would be begun otherwise: the tests give torch one thread.
    study.run(device="cpu")
    assert study.records()[0].execution.threads == 2
    whole = Study(tiny(), "whole")
    whole.run(device="cpu", threads=2)
    weights = [next(one.folder.glob("runs/*/model.safetensors")) for one in (study, whole)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_what_was_decided_is_kept_for_runs_that_were_not_begun_until_asked_otherwise(
    tiny_folder: Path,
) -> None:
    study = Study(tiny(seeds=[0, 1]), "mine")

    class AtOnce(Listener):
        def run_started(self, run: RunSpec) -> None:
            raise KeyboardInterrupt

    for asked, threads in ((3, 3), (None, 3), (2, 2)):
        with pytest.raises(KeyboardInterrupt):
            study.run(device="cpu", threads=asked, listener=AtOnce())
        kept = json.loads((study.folder / "execution.json").read_text(encoding="utf-8"))
        assert [run["threads"] for run in kept["runs"].values()] == [threads] * 2


def test_a_damaged_execution_file_is_named(tiny_folder: Path) -> None:
    study = Study(tiny(), "mine")
    study.run(device="cpu")
    (study.folder / "execution.json").write_text('{"runs": [', encoding="utf-8")
    with pytest.raises(InputError, match=r"execution\.json"):
        Study(tiny(seeds=[0, 1]), "mine").run(device="cpu")


def test_an_execution_file_whose_speeds_are_none_is_named(tiny_folder: Path) -> None:
    study = Study(tiny(), "mine")
    study.run(device="cpu")
    path = study.folder / "execution.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    for record in kept["runs"].values():
        record["measured"] = [{"speed": "high"}]
    path.write_text(json.dumps(kept), encoding="utf-8")
    with pytest.raises(InputError, match=r"execution\.json cannot be read"):
        Study(tiny(seeds=[0, 1]), "mine").run(device="cpu")


def test_a_study_that_is_finished_does_not_need_its_device_any_more(tiny_folder: Path) -> None:
    def study(**more: Any) -> Study:
        return Study(tiny(fractions=["50 images"], models=["tiny_models:small"], **more), "mine")

    study().run(device="cpu")
    path = Path("mine/execution.json")
    path.write_text(path.read_text("utf-8").replace('"cpu"', '"cuda:99"'), encoding="utf-8")
    assert set(study(expect="none").run()["status"]) == {"finished"}
    with pytest.raises(InputError, match="cuda:99"):
        study(seeds=[0, 1]).run()
