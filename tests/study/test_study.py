"""Studies from Python: build, run, read the tables, interrupt, go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from sixteenth import InputError, Listener, MismatchError, RunSpec, SpecError, Study, load_spec
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.run_results import EpochRow
from tiny_study import checkpoint_at_every_step

if TYPE_CHECKING:
    from sixteenth.engine.train import Progress

CLOCKS = ["seconds"]


def tiny(**changes: Any) -> dict[str, Any]:
    """A study of one small network on a part of the digits."""
    study: dict[str, Any] = {
        "name": "tiny",
        "data": "digits",
        "image_size": 8,
        "models": ["tiny_models:small"],
        "fractions": ["200 images"],
        "train": {"epochs": 3, "batch_size": 50},
    }
    return {**study, **changes}


class Interrupting(Listener):
    """Presses Ctrl-C at the end of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def run_progressed(self, progress: Progress) -> None:
        if progress.row is not None and progress.epoch == self.epoch:
            raise KeyboardInterrupt


class Counting(Listener):
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.planned: list[str] = []
        self.events: list[tuple[str, str]] = []
        self.steps = 0

    def runs_planned(self, runs: list[RunSpec]) -> None:
        self.planned = [run.run_id for run in runs]

    def run_started(self, run: RunSpec) -> None:
        self.events.append(("started", run.run_id))

    def run_progressed(self, progress: Progress) -> None:
        self.steps += progress.row is None

    def run_ended(self, run: RunSpec, record: RunRecord, *, skipped: bool) -> None:
        self.events.append(("skipped" if skipped else record.status, run.run_id))


def test_a_mapping_is_a_study_and_gives_tables_and_figures(tiny_folder: Path) -> None:
    study = Study(tiny(fractions=["20 images", "200 images"]), "mine")
    assert not Path("mine").exists(), "nothing is written before it runs"
    before = {name: getattr(study, name)() for name in ("results", "histories")}
    options = study.findings().table()
    assert not len(before["histories"]["epoch"])
    results = study.run(device="cpu")
    assert list(results["status"]) == ["finished", "finished"]
    assert list(results["train_size"]) == [20, 200]
    assert results["test_accuracy"].between(0, 1).all()
    gap = results["train_accuracy"] - results["test_accuracy"]
    assert np.allclose(results["generalisation_gap"], gap)
    histories = study.histories()
    assert len(histories) == 2 * 3
    for name, table in before.items():
        assert list(table.columns) == list(getattr(study, name)().columns)
    assert list(options.columns) == list(study.findings().table().columns)
    assert {"run_id", "fraction", "epoch", "train_loss", "test_accuracy"} <= set(histories)
    assert "accuracy" in study.figures()
    assert (study.folder / "report.html").is_file()
    pd.testing.assert_frame_equal(
        pd.read_csv(study.folder / "results.csv")[["run_id", "test_accuracy"]],
        results[["run_id", "test_accuracy"]],
    )


class Stopping(Interrupting):
    """Presses Ctrl-C once the second run is being trained."""

    def __init__(self) -> None:
        super().__init__(1)
        self.runs = 0

    def run_started(self, run: RunSpec) -> None:
        self.runs += 1

    def run_progressed(self, progress: Progress) -> None:
        if self.runs == 2:
            super().run_progressed(progress)


def test_a_study_that_was_stopped_has_a_report_that_shows_its_holes(tiny_folder: Path) -> None:
    study = Study(tiny(fractions=["20 images", "100 images", "200 images"]), "mine")
    with pytest.raises(KeyboardInterrupt):
        study.run(device="cpu", listener=Stopping())
    assert list(study.results()["status"]) == ["finished", "interrupted", "missing"]
    page = study.report().read_text(encoding="utf-8")
    assert "1 of 3 runs finished" in page
    # A hole does not turn the whole numbers of the other runs into floats.
    row = (study.folder / "results.csv").read_text(encoding="utf-8").splitlines()[1]
    assert ",20,0,finished," in row


def test_a_study_is_opened_again_from_its_folder(trained: Any) -> None:
    study = Study.open(trained.folder)
    assert study.spec.models == ["tiny_models:small", "tiny_models:big"]
    assert len(study.results()) == 4
    labels, probabilities = next(iter(study.predictions().values()))
    assert probabilities.shape == (len(labels), 10)
    with pytest.raises(InputError, match="no study"):
        Study.open(trained.home)


def test_a_study_is_opened_with_its_images_and_language_as_they_are_here(trained: Any) -> None:
    study = Study.open(
        trained.folder, data_dir="cache", cifar_archive="cifar.tar.gz", language="zh-hant"
    )
    assert (study.data_dir, study.cifar_archive) == (Path("cache"), "cifar.tar.gz")
    assert study.language == "zh-Hant"
    assert study.opening()[0] == study.overview().title != Study.open(trained.folder).opening()[0]
    with pytest.raises(InputError, match="no language 'tlh'"):
        Study.open(trained.folder, language="tlh")
    study.language = "zh_TW"
    assert study.language == "zh-Hant"
    with pytest.raises(InputError, match="no language 'tlh'"):
        study.language = "tlh"


def test_a_study_that_was_not_run_has_no_report(tmp_path: Path) -> None:
    study = Study(tiny(), tmp_path / "new")
    with pytest.raises(InputError, match="no study in"):
        study.report()
    assert not study.folder.exists(), "it would be in the way of the study's own"


def test_a_fresh_study_lies_beside_what_is_there(tmp_path: Path) -> None:
    assert Study(tiny(), tmp_path / "new", fresh=True).folder == tmp_path / "new"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "study.yaml").write_text("data: digits\nlanguage: en\n", "utf-8")
    assert Study(tiny(), tmp_path / "mine", fresh=True).folder == tmp_path / "mine-2"
    assert Study(tiny(), tmp_path / "mine").folder == tmp_path / "mine"


def test_the_last_curve_point_is_the_reported_accuracy(trained: Any) -> None:
    study = Study.open(trained.folder)
    last = study.histories().groupby("run_id", sort=False)["test_accuracy"].last()
    reported = study.results().set_index("run_id")["test_accuracy"]
    assert np.allclose(last.sort_index(), reported.sort_index())


def test_an_interrupted_run_goes_on_to_the_same_end(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint_at_every_step(monkeypatch)
    whole = Study(tiny(), "whole")
    whole.run()

    cut = Study(tiny(), "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.run(listener=Interrupting(epoch=2))
    assert cut.records()[0].status == "interrupted"
    (missing,) = cut.overview().cautions
    assert "It was stopped at epoch 1 of 3." in missing.text
    heard = Counting()
    cut.run(listener=heard)
    assert 0 < heard.steps < 3 * 4, "it went on from a checkpoint"

    pd.testing.assert_frame_equal(
        cut.histories().drop(columns=CLOCKS), whole.histories().drop(columns=CLOCKS)
    )
    (run_id,) = (run.run_id for run in whole.runs())
    assert np.array_equal(cut.predictions()[run_id][1], whole.predictions()[run_id][1])
    weights = [study.folder / "runs" / run_id / "model.safetensors" for study in (cut, whole)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_listener_hears_every_run_and_step_once(tiny_folder: Path) -> None:
    study = Study(tiny())
    first, second = Counting(), Counting()
    study.run(listener=first)
    study.run(listener=second)
    (run_id,) = first.planned
    assert first.events == [("started", run_id), ("finished", run_id)]
    assert first.steps == 3 * 4
    assert second.events == [("skipped", run_id)]
    assert second.steps == 0


def test_a_study_may_grow_but_not_change(tiny_folder: Path) -> None:
    Study(tiny(fractions=["20 images"])).run()
    heard = Counting()
    grown = Study(tiny(fractions=["20 images", "40 images"]))
    grown.run(listener=heard)
    assert [event for event, _ in heard.events] == ["skipped", "started", "finished"]
    with pytest.raises(MismatchError, match="batch_size"):
        Study(tiny(fractions=["20 images"], train={"epochs": 3, "batch_size": 25})).run()


def test_a_strange_folder_is_not_written_to(tiny_folder: Path) -> None:
    with pytest.raises(MismatchError, match="holds no study"):
        Study(tiny(), ".").run()


def test_a_folder_whose_first_file_was_never_finished_is_still_empty(tiny_folder: Path) -> None:
    """A process that is killed while it writes study.yaml leaves its temporary file."""
    left = tiny_folder / "study" / ".study.yaml.0123abcd.tmp"
    left.parent.mkdir()
    left.write_text("data: dig", encoding="utf-8")
    Study(tiny(fractions=["20 images"]), "study").run()
    assert not left.exists()


def test_settings_apply_to_a_loaded_study(tiny_folder: Path) -> None:
    study = Study.load("tiny.yaml", ["train.epochs=1", "seeds=[3, 4]"])
    assert (study.spec.train.epochs, study.spec.seeds) == (1, [3, 4])
    assert study.folder == Path("studies/tiny")
    with pytest.raises(SpecError, match="did you mean seeds"):
        load_spec("tiny.yaml", ["seed=3"])


def test_of_runs_that_choose_their_length_no_time_left_is_said() -> None:
    from rich.console import Console

    from sixteenth.cli.display import RunProgress
    from sixteenth.engine.train import Progress

    for epochs, known in ((10, True), ("auto", False)):
        (run,) = Study(tiny(models=["resnet18"], train={"epochs": epochs})).runs()
        display = RunProgress(Console(quiet=True))
        display.runs_planned([run])
        display.run_started(run)
        for step in (1, 2):
            display.run_progressed(Progress(run.run_id, 1, 10, step, 100, 50.0))
        assert (display.seconds_left() is not None) is known
        assert (display.rows[run.run_id].seconds_left() is not None) is known


@pytest.mark.parametrize("no_color", ["", "1"], ids=["colour", "NO_COLOR"])
def test_the_live_table_fits_80_columns_and_shows_twelve_runs_at_most(
    monkeypatch: pytest.MonkeyPatch, no_color: str
) -> None:
    import io
    import re

    from rich.console import Console

    from sixteenth.cli.display import LiveDisplay
    from sixteenth.engine.train import Progress

    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    else:
        monkeypatch.delenv("NO_COLOR", raising=False)
    study = Study(tiny(models=["resnet18", "efficientnet_v2_s"], seeds=list(range(12))))
    runs = study.runs()
    said = io.StringIO()
    console = Console(
        file=said, width=80, height=40, force_terminal=True, color_system="256", highlight=False
    )
    display = LiveDisplay(console)
    display.runs_planned(runs)
    for run in runs[:9]:
        display.run_started(run)
        row = EpochRow(12, 12_345, 99, 0.1, 1.0, 0.5, 1.5, 0.25)
        display.run_progressed(Progress(run.run_id, 12, 30, 12_345, 30_000, 12_345.6, row))
        if run != runs[8]:
            record = {
                "format": 1,
                "run_id": run.run_id,
                "spec": run.model_dump(mode="json"),
                "status": "finished",
                "metrics": {"train_accuracy": 0.5, "test_accuracy": 0.25},
                "seconds": 4000.0,
                "images_per_second": 1234.5,
                "data": {"train_images": 1000, "classes": ["a"]},
            }
            display.run_ended(run, RunRecord.from_dict(record), skipped=False)
    console.print(display.render())
    text = said.getvalue()
    coloured = re.search(r"\x1b\[[0-9;]*3[0-9]", text) is not None
    assert coloured is not bool(no_color)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert max(map(len, lines)) <= 80
    assert "8 of 24 runs done" in lines[0]
    assert " left" in lines[0]
    assert len([line for line in lines if line.startswith(("resnet18", "efficientnet"))]) == 12
    assert lines[-1] == "… and 2 above, 10 below"
    assert any("12/30" in line and "━" in line for line in lines)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"models": ["resnet18"], "init": ["imagenet:NOPE"]}, "no weights entry 'NOPE'"),
        ({"models": ["resnet18"], "init": ["imagenet"], "stem": "cifar"}, "stem: cifar"),
        ({"models": ["seed-cnn"], "init": ["imagenet"]}, "no ImageNet weights of seed-cnn"),
        ({"models": ["seed-cnn"], "image_size": 30}, "seed-cnn"),
        ({"init": ["nowhere.pth"]}, "nowhere.pth"),
        ({"fractions": ["1 per class"], "train": {"validation": 0.1}}, "class"),
    ],
)
def test_a_study_that_cannot_work_is_refused_before_anything_is_written(
    tiny_folder: Path, changes: dict[str, Any], said: str
) -> None:
    study = Study(tiny(**changes), "mine")
    with pytest.raises(InputError, match=said):
        study.run(device="cpu")
    assert not study.folder.exists()
