"""Runs of `epochs: auto` that are not at their end count as last measured: nothing is concluded
from them that more training may overturn, and nothing of them is lost."""

from __future__ import annotations

import errno
import html
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sixteenth import InputError, Study
from sixteenth.analysis.findings.cautions import MeasuredSoFar
from sixteenth.analysis.findings.options import OptionVerdict
from sixteenth.analysis.findings.over_sizes import over_sizes
from sixteenth.analysis.findings.overview import Verdict
from sixteenth.cli.watch.follow import Follower
from sixteenth.engine import lengths
from sixteenth.engine.evaluation import Evaluation
from sixteenth.engine.train import train_run
from sixteenth.language import language_for
from sixteenth.language.commands import step_command
from sixteenth.report.figures.training_curves import training_curves_figure
from sixteenth.spec import dump_spec
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.study.explain import find_pair
from sixteenth.study.export.replay import replays
from tiny_study import Command

BIG, SMALL = (f"tiny_models.{model}-random-200images-seed0" for model in ("big", "small"))
Stopped = Callable[..., Study]


@pytest.fixture
def stopped(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Stopped:
    """Trains a study of two models on 50 and 200 images, each run to a length or to its end."""
    monkeypatch.setattr(lengths, "FIRST_STEPS", 12)
    monkeypatch.setattr(lengths, "LEAST_GAIN", -2.0)  # none ends before `max_epochs`
    monkeypatch.setattr(Evaluation, "guessing", -1.0)

    def train(until: Mapping[str, str], **settings: Any) -> Study:
        given = ['fractions=["50 images", "200 images"]', "train.epochs=auto"]
        given += ["train.max_epochs=48", *(f"{key}={value}" for key, value in settings.items())]
        study = Study.load("tiny.yaml", given)
        place = StudyFolder(study.folder)
        study.folder.mkdir(parents=True)
        place.spec_path.write_text(dump_spec(study.spec, place.spec_path), "utf-8")
        for run in study.runs():
            train_run(run, study.dataset(), place.run(run.run_id), until=until.get(run.run_id, "1"))
        return Study.open(study.folder)

    return train


def whole(study: Study) -> pd.DataFrame:
    results = study.results()
    return results[results["length"] == 1].set_index("run_id")


def test_a_lead_over_a_run_that_has_hardly_begun_is_none(stopped: Stopped) -> None:
    """What the other would gain is not known, or is taken for each doubling that it is behind."""
    study = stopped({SMALL: "4 epochs"})
    results = whole(study)
    assert results.loc[BIG, "test_accuracy"] > results.loc[SMALL, "test_accuracy"] + 0.5
    assert results.loc[SMALL, "status"] == "interrupted"
    seen = study.findings().overview
    assert seen.verdict is not Verdict.IN_HAND
    grid = study.findings().grid
    rows = over_sizes(
        grid, *(("tiny_models:" + model, "random") for model in ("small", "big")), 0.95
    )
    assert rows[-1].found.low > 0
    assert rows[-1].found.unsettled
    assert not rows[-1].told
    spent = next(card for card in seen.cards if card.in_hand)
    assert spent.option.low > 0.3
    assert spent.verdict is OptionVerdict.CANNOT_TELL
    train_run(study.runs()[2], study.dataset(), place_of(study, SMALL), until="8 epochs")
    again = Study.open(study.folder)
    assert again.findings().overview.verdict is not Verdict.IN_HAND
    counted = next(c for c in again.findings().overview.cautions if isinstance(c, MeasuredSoFar))
    assert (counted.stopped, counted.runs) == (1, 4)


def place_of(study: Study, run_id: str) -> RunFolder:
    return StudyFolder(study.folder).run(run_id)


def test_a_run_that_ends_while_a_study_is_read_does_not_disturb(stopped: Stopped) -> None:
    """Its predictions are those that they were, under another name."""
    study = stopped({BIG: "8 epochs"})
    there = study.predictions()[BIG]
    read, record = study.snapshot().predictions(), place_of(study, BIG).read_record()
    train_run(study.runs()[3], study.dataset(), place_of(study, BIG))
    assert place_of(study, BIG).read_record().is_finished
    afterwards = place_of(study, BIG).predictions_of(record)  # as it was read before
    assert list(afterwards) == [f"{BIG}@1/2", BIG]
    for found in (read, afterwards):
        assert (found[BIG][0] == there[0]).all()
        assert (found[BIG][1] == there[1]).all()


def test_a_disk_that_is_full_at_the_end_leaves_what_was_measured(
    stopped: Stopped, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = stopped({BIG: "16 epochs"}, metric="balanced-accuracy")
    before = whole(study)
    write = RunFolder.write_weights

    def full(self: RunFolder, weights: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(self.weights_path))

    monkeypatch.setattr(RunFolder, "write_weights", full)
    with pytest.raises(OSError, match="No space left"):
        train_run(study.runs()[3], study.dataset(), place_of(study, BIG))
    study = Study.open(study.folder)
    after = whole(study)
    assert after.loc[BIG, "status"] == "interrupted"
    assert after.loc[BIG, "epochs"] == before.loc[BIG, "epochs"]
    assert after.loc[BIG, "balanced_accuracy"] == before.loc[BIG, "balanced_accuracy"] > 0.2
    assert BIG in study.findings().grid.correct
    monkeypatch.setattr(RunFolder, "write_weights", write)
    train_run(study.runs()[3], study.dataset(), place_of(study, BIG))
    assert not list(place_of(study, BIG).path.glob("*epochs*"))


def test_the_row_of_a_stopped_run_is_not_lost_with_its_folder(
    stopped: Stopped, sixteenth: Command
) -> None:
    study = stopped({BIG: "16 epochs"})
    study.report()
    folder, before = str(study.folder), whole(study)
    title = (study.folder / "report.md").read_text("utf-8").splitlines()[2]
    shutil.rmtree(study.folder / "runs" / BIG)
    refused = sixteenth("report", folder)
    assert refused.code == 2
    assert f"lacks 1 of the 4 runs that results.csv has results of, {BIG}" in refused.err
    kept = sixteenth("report", folder, "--from-table")
    assert kept.code == 0, kept.err
    again = Study.open(study.folder)
    assert again.findings().grid.length == 1
    for column in ("status", "chosen_by", "test_accuracy", "epochs"):
        assert list(whole(again)[column]) == list(before[column])
    assert (study.folder / "report.md").read_text("utf-8").splitlines()[2] == title
    assert [run.run_id for run in again.snapshot().unfinished()] == [BIG], "it is still trained"


def test_exports_have_the_accuracy_that_counts(stopped: Stopped) -> None:
    study = stopped({BIG: "16 epochs", SMALL: "4 epochs"})
    results = whole(study)
    for replay in replays(study):
        found = replay.results["results/test_accuracy"]
        assert found == results.loc[replay.run_id, "test_accuracy"]
    record = place_of(study, BIG).read_record()
    place_of(study, BIG).write_record(record.model_copy(update={"status": "running"}))
    killed = next(one for one in replays(Study.open(study.folder)) if one.run_id == BIG)
    assert killed.status == killed.tags["sixteenth.status"] == "interrupted", "nothing trains it"


def test_the_figure_has_room_for_what_was_measured_beyond_a_curve(stopped: Stopped) -> None:
    """A cool-down is no part of the history of a run that goes on without it."""
    until = dict.fromkeys([BIG, SMALL], "16 epochs")
    study = stopped(until | {run_id.replace("200", "50"): "12 epochs" for run_id in until})
    steps = whole(study)["steps"].max()
    assert study.histories()["step"].max() < steps
    figure = training_curves_figure(study.histories(), study.results(), language=language_for())
    assert figure.axes[0].get_xlim()[1] > steps


def test_explain_is_not_advised_where_it_would_refuse(stopped: Stopped) -> None:
    study = stopped({BIG: "16 epochs"})
    steps = study.advice().findings.steps
    assert not [each for each in map(step_command, steps) if "sixteenth explain" in each]
    with pytest.raises(InputError, match="stopped before their end"):
        find_pair(study, (BIG, SMALL))
    others = [run.run_id for run in study.runs() if run.fraction == "50 images"]
    assert find_pair(study, (others[0], others[1])).fraction == "50 images"


def test_the_page_that_follows_a_study_has_an_answer_where_all_runs_are_stopped(
    stopped: Stopped,
) -> None:
    until = {BIG: "8 epochs", SMALL: "8 epochs"}
    few = {run_id.replace("200", "50"): "12 epochs" for run_id in until}
    study = stopped(until | few)
    assert set(whole(study)["status"]) == {"interrupted"}
    follower, title, deadline = Follower(study.folder), study.opening()[0], time.monotonic() + 60
    said = ""
    while title not in said and time.monotonic() < deadline:
        said = html.unescape(re.sub("<[^>]+>", " ", follower.parts()["answer"]))
        time.sleep(0.05)
    assert title in said
    assert "No run is finished yet" not in said


def test_a_run_whose_process_was_killed_is_not_running(stopped: Stopped) -> None:
    study = stopped({BIG: "8 epochs"})
    place = place_of(study, BIG)
    place.write_record(place.read_record().model_copy(update={"status": "running"}))
    again = Study.open(study.folder)
    assert whole(again).loc[BIG, "status"] == "interrupted"
    counted = next(c for c in again.findings().overview.cautions if isinstance(c, MeasuredSoFar))
    assert (counted.stopped, counted.running) == (1, 0)
