"""A study within a budget, trained for real: what is left out, going on, and the refusal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from sixteenth import InputError, Listener, RunSpec, Study
from sixteenth.cli.display import PlainDisplay
from sixteenth.engine import lengths
from sixteenth.engine.evaluation import Evaluation
from sixteenth.engine.progress import Progress
from sixteenth.study.explain import find_pair
from sixteenth.study.planning.machine import LocalMachine
from tiny_study import Command, read_results

SETTINGS = [
    "models=[tiny_models:small]",
    'fractions=["50 images", "200 images", 1]',
    "seeds=[0, 1]",
    "train.epochs=1",
]


class Watch(Listener):
    """A clock on which every run takes as long as was expected, and what was trained."""

    def __init__(self) -> None:
        self.now, self.seconds = 0.0, dict[str, float]()
        self.trained: list[str] = []
        self.planned: list[int] = []
        self.reported: list[bool] = []
        self.parts: dict[str, tuple[float, float]] = {}

    def monotonic(self) -> float:
        return self.now

    def runs_planned(self, runs: list[RunSpec]) -> None:
        self.planned.append(len(runs))

    def parts_planned(self, parts: Mapping[str, tuple[float, float]]) -> None:
        self.parts |= parts

    def run_started(self, run: RunSpec) -> None:
        self.reported.append(Path("studies/tiny/report.html").is_file())
        self.trained.append(run.run_id)
        self.now += self.seconds[run.run_id]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(LocalMachine, "images_per_second", lambda *_, **__: 100.0)
    clock = SimpleNamespace(monotonic=watch.monotonic)
    for place in ("study", "training"):
        monkeypatch.setattr(f"sixteenth.study.{place}.time", clock)
    return watch


def test_a_budget_trains_what_fits_and_the_next_one_goes_on(
    tiny_folder: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sixteenth.study.interim.REPORT_SECONDS", 0.0)
    study = Study.load("tiny.yaml", SETTINGS)
    watch.seconds = dict(study.plan()[["run_id", "seconds"]].to_numpy().tolist())
    small = {run_id: time for run_id, time in watch.seconds.items() if "-all-" not in run_id}
    budget = (sum(small.values()) + 0.1) / 0.97
    plan = study.plan(budget=budget)
    chosen = list(plan.loc[plan["chosen"], "run_id"])
    assert sorted(chosen) == sorted(small), "the largest size takes more than is left"
    assert plan.attrs["precision"].train_size == 200
    assert not study.folder.exists()

    study.run(budget=budget, listener=watch)
    assert watch.trained == chosen
    assert [name.split("-random-")[1] for name in chosen] == [
        "50images-seed0", "200images-seed0", "50images-seed1", "200images-seed1",
    ]  # fmt: skip
    assert watch.reported == [False] + [True] * 3, "after every run the report stands"
    status = {row["run_id"]: row["status"] for row in read_results(study.folder)}
    assert {status[run_id] for run_id in watch.seconds if run_id not in small} == {"missing"}
    assert Study.open(study.folder).spec == study.spec, "what is asked for stays asked for"

    before = list(watch.trained)
    again = Study.load("tiny.yaml", SETTINGS)
    results = again.run(budget=1000, listener=watch)
    assert set(results["status"]) == {"finished"}
    assert watch.trained[len(before) :] == [id for id in watch.seconds if id not in small]
    again.run(budget=0.001, listener=watch)
    assert len(watch.trained) == 6, "finished runs cost nothing"


def test_a_budget_that_fits_nothing_is_refused_before_anything_is_written(
    tiny_folder: Path, watch: Watch, sixteenth: Command
) -> None:
    for command in ("plan", "run"):
        refused = sixteenth(command, "tiny.yaml", "--budget", "0.1s")
        assert refused.code == 2
        assert "too short for the smallest fraction: use --budget " in refused.err.splitlines()[-1]
    assert not Path("studies").exists()
    assert sixteenth("run", "tiny.yaml", "--budget", "soon").code == 2


def test_what_a_budget_leaves_out_has_not_failed(
    tiny_folder: Path, watch: Watch, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = PlainDisplay.run_started

    def run_started(display: PlainDisplay, run: RunSpec) -> None:
        begin(display, run)
        watch.now += 5.5

    monkeypatch.setattr(PlainDisplay, "run_started", run_started)
    planned = sixteenth("plan", "tiny.yaml", "--budget", "15s")
    assert "2 of 4 runs to train" in planned.out
    assert "Left out by the budget, not failed: 2 runs." in planned.out
    assert "Expected at 50 images and about 35% accuracy" in planned.out
    assert "359 test images bound the answer" in " ".join(planned.err.split())
    ended = sixteenth("run", "tiny.yaml", "--budget", "15s")
    assert ended.code == 0
    assert "Left out by the budget, not failed: 2 runs. The same command goes on." in ended.err
    assert "runs failed" not in ended.err


def test_the_largest_part_is_trained_to_half_of_its_steps_and_goes_on_later(
    tiny_folder: Path, watch: Watch, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ['fractions=["50 images", "200 images"]', "train.epochs=4"]
    study = Study.load("tiny.yaml", settings)
    per_size = study.plan().groupby("train_size")["seconds"].sum()
    budget = (per_size[50] + 0.7 * per_size[200] + 0.1) / 0.97
    plan = study.plan(budget=budget)
    assert dict(plan[["train_size", "length"]].to_numpy().tolist()) == {50: 1.0, 200: 0.5}
    assert plan["ends"].max() < 0.97 * budget < per_size.sum()
    words = [word for each in settings for word in ("--set", each)]
    told = sixteenth("plan", "tiny.yaml", *words, "--budget", f"{math.ceil(budget)}s")
    assert "1/2" in told.out

    watch.seconds = dict(plan[["run_id", "seconds"]].to_numpy().tolist())
    results = study.run(budget=budget, listener=watch)
    stopped = dict(watch.parts)
    large = results[results["train_size"] == 200]
    known = large.set_index("length")["test_accuracy"].groupby(level=0).count()
    assert known.to_dict() == {0.25: 2, 0.5: 2, 1.0: 0}
    assert set(large.loc[large["length"] == 1, "status"]) == {"interrupted"}
    found = study.findings()
    assert {cell.length for cell in found.grid.cells} == {0.5}, "one length is compared"
    assert len(found.grid.cells) == 4
    assert not found.grid.missing
    said = " ".join((study.folder / "report.md").read_text("utf-8").split())
    assert "Runs on 200 images were stopped after 1/2 of their steps" in said
    with pytest.raises(InputError, match="stopped before their end"):
        find_pair(study)

    goes_on: dict[str, tuple[float, float]] = {}
    monkeypatch.setattr(PlainDisplay, "parts_planned", lambda _, parts: goes_on.update(parts))
    ended = sixteenth("run", "tiny.yaml", *words)
    assert ended.code == 0, ended.err
    assert {run_id: part for run_id, part in stopped.items() if part[1] < 1} == {
        run_id: (0.0, pytest.approx(done)) for run_id, (done, _) in goes_on.items()
    }
    assert {end for _, end in goes_on.values()} == {1.0}
    assert ended.err.count("starts") == 2, "finished runs cost nothing"
    study = Study.open(study.folder)
    assert set(study.results()["status"]) == {"finished"}
    assert study.findings().grid.length == 1
    assert not list(study.folder.rglob("checkpoint*"))


def test_runs_that_choose_their_epochs_count_as_far_as_the_budget_goes(
    tiny_folder: Path, watch: Watch, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each up to the longest length that fits; the same command goes on to the same result."""
    monkeypatch.setattr(lengths, "FIRST_STEPS", 12)
    monkeypatch.setattr(lengths, "LEAST_GAIN", -2.0)  # none ends before `max_epochs`
    monkeypatch.setattr(Evaluation, "guessing", -1.0)
    settings = [
        'fractions=["50 images", "200 images"]', "train.epochs=auto", "train.max_epochs=48",
    ]  # fmt: skip
    study = Study.load("tiny.yaml", settings)
    longest = study.plan()
    budget = 0.5 * float(longest["seconds"].sum())
    plan = study.plan(budget=budget)
    length = dict(plan[["run_id", "length"]].to_numpy().tolist())
    assert set(length.values()) <= {0.125, 0.25, 0.5, 1.0}
    assert min(length.values()) < 1
    assert plan["ends"].max() <= 0.97 * budget
    words = [word for each in settings for word in ("--set", each)]
    told = sixteenth("plan", "tiny.yaml", *words, "--budget", f"{math.ceil(budget)}s")
    assert "1/2" in told.out
    assert "4 of 4 runs to train" in told.out

    watch.seconds = dict(plan[["run_id", "seconds"]].to_numpy().tolist())
    results = study.run(budget=budget, listener=watch)
    whole = results[results["length"] == 1].set_index("run_id")
    stopped = whole[whole["status"] == "interrupted"]
    assert len(stopped) >= 2
    assert set(stopped["chosen_by"]) == {"stopped"}
    assert stopped["test_accuracy"].notna().all()
    assert stopped["test_accuracy_low"].notna().all()
    epochs = longest.set_index("run_id")["epochs"]
    for run_id, row in whole.iterrows():
        assert row["epochs"] == length[run_id] * epochs[run_id]
    found = study.findings()
    assert not found.grid.missing
    assert len(found.grid.cells) == 4
    assert set(whole.index) == set(found.grid.correct) - {
        run_id for run_id in found.grid.correct if "@" in run_id
    }, "judged on the same test images"
    report = (study.folder / "report.md").read_text("utf-8")
    said = " ".join(report.split())
    assert "stopped before the accuracy had levelled off: each counts as it was when last" in said
    assert "Not at their end, and as they were when last measured: " in said
    rows = "".join(line for line in report.splitlines() if line.startswith("|"))
    assert rows.count("% so far") == len(stopped)
    assert said.count("% so far") == 2 * len(stopped), "in the words of the figure too"
    shown = sixteenth("show", str(study.folder))
    assert shown.out.count("% so far") == len(stopped)
    with pytest.raises(InputError, match="stopped before their end"):
        find_pair(study, (stopped.index[-2], stopped.index[-1]))

    ended = sixteenth("run", "tiny.yaml", *words)
    assert ended.code == 0, ended.err
    again = Study.open(study.folder).results()
    assert set(again["status"]) == {"finished"}
    alone = Study.load("tiny.yaml", settings, folder="alone")
    alone.run()
    times = ["seconds", "machine"]
    pd.testing.assert_frame_equal(
        again.drop(columns=times), alone.results().drop(columns=times), check_exact=True
    )
    assert not list(study.folder.rglob("checkpoint*"))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_takes_longer_than_estimated_is_interrupted_soon_after_the_budget(
    tiny_folder: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """It keeps its folder, the report is written without it, and it goes on to the same result."""
    monkeypatch.setenv("TINY_SLEEP", "0.1")
    settings = [
        "models=[tiny_models:slow]", 'fractions=["50 images", "200 images", 1]', "train.epochs=2",
    ]  # fmt: skip

    def slower(progress: Progress) -> None:
        if "-all-" in progress.run_id:
            watch.now += 50.0

    monkeypatch.setattr(watch, "run_progressed", slower)
    study = Study.load("tiny.yaml", settings)
    watch.seconds = dict.fromkeys(study.plan()["run_id"], 1.0)
    whole = study.run(budget=600, workers=workers, listener=watch).set_index("run_id")
    status = {run_id.split("-random-")[1]: whole["status"][run_id] for run_id in whole.index}
    assert status == {
        "50images-seed0": "finished", "200images-seed0": "finished", "all-seed0": "interrupted",
    }  # fmt: skip
    assert 660 < watch.now < 800, "not long after a tenth more than the budget"
    said = " ".join((study.folder / "report.md").read_text("utf-8").split())
    assert "2 of 3 runs" in said

    monkeypatch.setenv("TINY_SLEEP", "0")
    results = study.run()
    assert set(results["status"]) == {"finished"}
    alone = Study.load("tiny.yaml", settings, folder="alone").run()
    assert list(results["test_accuracy"]) == list(alone["test_accuracy"])
