"""The display of a running study speaks the study's language, in at most 80 columns."""

from __future__ import annotations

import io
import time
from types import SimpleNamespace

import pytest
from rich.console import Console

from sixteenth.cli import run_progress
from sixteenth.cli.display import LiveDisplay, PlainDisplay, RunProgress
from sixteenth.engine.progress import Progress
from sixteenth.engine.workload import Workload
from sixteenth.language import language_for
from sixteenth.language.text import columns
from sixteenth.spec import parse_spec
from sixteenth.spec.specs import RunSpec
from sixteenth.spec.work import Work
from sixteenth.storage.run_facts import Failure
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.run_results import EpochRow

SPEC = parse_spec(
    {"name": "s", "data": "digits", "models": ["resnet18", "resnet50"], "init": ["random"],
     "fractions": ["1/16", 1], "seeds": [0], "train": {"epochs": 6}}
)  # fmt: skip


def console() -> Console:
    return Console(file=io.StringIO(), width=80, highlight=False, markup=False)


def train(display: PlainDisplay | LiveDisplay) -> RunSpec:
    """Half of the first run's steps."""
    runs = SPEC.runs()
    display.runs_planned(runs)
    display.working(Work.TIMING, 1, 2, "resnet18, 32 px")
    display.run_started(runs[0])
    for step in (1, 1200):
        display.run_progressed(
            Progress(runs[0].run_id, epoch=3, epochs=6, step=step, steps=2400,
                     images_per_second=1234.0, row=None)
        )  # fmt: skip
    return runs[0]


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("en", ["0 of 4 runs done", "part", "progress", "epoch", "images/s", "waiting", "left"]),
        ("zh-Hant", ["4 次訓練中已結束 0 次", "比例", "進度", "epoch", "影像/秒", "等待中", "剩"]),
    ],
)
def test_the_live_table_is_in_the_language_and_fits(tag: str, words: list[str]) -> None:
    on = console()
    display = LiveDisplay(on, tag)
    train(display)
    on.print(display.render())
    assert isinstance(on.file, io.StringIO)
    text = on.file.getvalue()
    assert [word for word in words if word not in text] == []
    assert max(columns(line) for line in text.splitlines()) <= 80
    assert "1,234" in text
    assert "3/6" in text


@pytest.mark.parametrize(
    ("tag", "lines"),
    [
        ("en", ["timing the models (resnet18, 32 px): 1 of 2", "run 1 of 4, RUN, starts",
                "run 1 of 4, RUN, failed: RunError: out of memory",
                "run 1 of 4, RUN, interrupted, the budget is over: it goes on from its last "
                "checkpoint later"]),
        ("zh-Hant", ["測量模型速度（resnet18, 32 px）：1/2", "第 1/4 次訓練，RUN：開始",
                     "第 1/4 次訓練，RUN：失敗：RunError: out of memory",
                     "第 1/4 次訓練，RUN：因時間用完而中斷，之後會從最後的檢查點繼續"]),
    ],
)  # fmt: skip
def test_the_lines_of_a_pipe_are_in_the_language(tag: str, lines: list[str]) -> None:
    on = console()
    display = PlainDisplay(on, tag)
    run = train(display)
    error = Failure(type="RunError", message="out of memory")
    record = RunRecord.model_construct(run_id=run.run_id, status="failed", error=error)
    display.run_ended(run, record, skipped=False)
    left = {"status": "interrupted", "error": None, "lengths": (), "metrics": None}
    display.run_ended(run, RunRecord.model_construct(run_id=run.run_id, **left), skipped=False)
    assert isinstance(on.file, io.StringIO)
    assert on.file.getvalue().replace(run.run_id, "RUN").splitlines() == lines


def test_an_epoch_that_was_not_tested_has_no_empty_place_for_its_accuracy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sixteenth.cli.display.PLAIN_SECONDS", -1.0)
    on = console()
    display = PlainDisplay(on, "en")
    train(display)
    row = EpochRow(1, 1600, 99, learning_rate=0.1, train_loss=1.0, train_accuracy=0.5)
    display.run_progressed(
        Progress(SPEC.runs()[0].run_id, epoch=1, epochs=6, step=1600, steps=2400,
                 images_per_second=9.0, row=row)
    )  # fmt: skip
    assert isinstance(on.file, io.StringIO)
    assert "train 50.0%, test –, 9 images/s" in on.file.getvalue()


@pytest.mark.parametrize(
    ("language", "said"), [("en", "note: x\n"), ("zh-Hant", "\u6ce8\u610f\uff1ax\n")]
)
def test_a_note_begins_in_the_language_of_the_study(language: str, said: str) -> None:
    on = console()
    RunProgress(on, language).noticed("x")
    assert isinstance(on.file, io.StringIO)
    assert on.file.getvalue() == said


def test_the_time_left_is_that_of_the_steps_that_are_to_be_taken() -> None:
    """One run was stopped before, another is to be stopped at half of its steps."""
    display = RunProgress(console())
    first, second = runs = [run for run in SPEC.runs() if run.model == "resnet18"]
    display.runs_planned(runs)
    display.run_started(first)
    for step in (0, 100):
        display.run_progressed(Progress(first.run_id, 1, 6, step, 1000, 100.0))
    row = display.rows[first.run_id]

    def left() -> float:
        row.began, row.updated = time.monotonic() - 10, time.monotonic()
        return display.seconds_left() or 0.0

    whole = left()
    display.parts_planned({first.run_id: (0.0, 0.5), second.run_id: (0.75, 1.0)})
    assert whole > 90 + 16 * 90
    assert left() == pytest.approx(40 + (whole - 90) / 4, rel=0.01)


def test_the_time_left_of_a_run_that_goes_on_is_by_its_steps_from_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = SimpleNamespace(time=0.0)
    monkeypatch.setattr(run_progress, "time", SimpleNamespace(monotonic=lambda: now.time))
    display, (run, *_) = RunProgress(console()), SPEC.runs()
    record = RunRecord.model_construct(run_id=run.run_id, status="interrupted", seconds=50.0)

    def train(first: int, last: int) -> float | None:
        for step in range(first, last + 1):
            now.time += 1
            display.run_progressed(Progress(run.run_id, 1, 6, step, 100, 10.0))
        return display.seconds_left()

    display.runs_planned([run])
    display.parts_planned({run.run_id: (0.0, 0.5)})
    display.run_started(run)
    assert train(1, 40) == 10
    train(41, 50)
    display.run_ended(run, record, skipped=False)
    now.time += 600  # other runs are trained
    display.parts_planned({run.run_id: (0.5, 1.0)})
    display.run_started(run)
    assert display.rows[run.run_id].record is None
    assert train(51, 60) == 40
    now.time += 600  # its job is queued again
    assert train(56, 70) == 30


@pytest.mark.parametrize("fraction", ["50 images", "130 images", "400 images"])
def test_a_run_of_so_many_steps_has_no_more_images_a_step_than_its_subset(fraction: str) -> None:
    train = {"steps": 40, "batch_size": 128}
    (run,) = parse_spec(
        {"data": "digits", "models": ["resnet18"], "init": ["random"], "fractions": [fraction],
         "train": train}
    ).runs()  # fmt: skip
    images = int(fraction.split()[0])
    work = Workload.of(run.train, images, 360, lengths=run.lengths)
    assert RunProgress(console())._images(run) == pytest.approx(work.images, rel=0.02)


def test_every_state_and_every_preparation_has_a_word_in_every_language() -> None:
    english, chinese = (language_for(tag=tag).progress for tag in ("en", "zh-Hant"))
    assert english.states.keys() == chinese.states.keys()
    assert english.work.keys() == chinese.work.keys()
