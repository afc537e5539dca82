"""A study's folder is read once and analysed once, and again only when something has changed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from sixteenth import InputError, Listener, RunSpec, Study, StudySpec
from sixteenth.analysis import Metric, read_grid, run_intervals
from sixteenth.language import language_for
from sixteenth.spec import dump_spec
from sixteenth.storage.run_facts import Environment, ExecutionFacts
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.storage.whole_files import sweep
from sixteenth.study.results import machine_kinds
from tiny_study import Command, read_results
from written_study import Work, finish


@pytest.fixture
def finished(tmp_path: Path) -> StudyFolder:
    """A folder with a finished study of 36 runs."""
    spec = StudySpec(
        name="many",
        data="pets",
        models=["small", "larger"],
        init=["random", "imagenet"],
        fractions=["1/4", "1/2", "1"],
        seeds=[0, 1, 2],
        lengths=["1"],
    )
    folder = StudyFolder(tmp_path / "many")
    folder.path.mkdir()
    folder.spec_path.write_text(dump_spec(spec), encoding="utf-8")
    for i, run in enumerate(spec.runs()):
        finish(folder.run(run.run_id), run, 0.6 + i / 200)
    return folder


def test_a_report_of_36_runs_reads_each_record_once_and_analyses_once(
    finished: StudyFolder, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(monkeypatch)
    ended = sixteenth("report", str(finished.path), "--json")
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    assert said["answer"]
    assert len(said["results"]) == len(work.reads) == 36
    assert set(work.reads.values()) == {1}
    assert work.analyses == 1


def test_a_report_is_made_again_only_where_something_has_changed(
    finished: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []

    def draw(*_: object) -> dict[str, bytes]:
        drawn.append(1)
        return {"report.html": b""}

    monkeypatch.setattr("sixteenth.report.page.build.report_files", draw)
    monkeypatch.setattr(Study, "findings", lambda _: SimpleNamespace(grid=None))
    monkeypatch.setattr("sixteenth.study.reading.language_for", lambda *_: None)
    classes = StudyFolder(finished.path).per_class_path
    monkeypatch.setattr("sixteenth.study.results.write_classes", lambda *_: classes.touch())

    def writes(tag: str = "en") -> bool:
        monkeypatch.setattr("sixteenth.study.reading.locale_tag", lambda: tag)
        before = len(drawn)
        Study.open(finished.path)._write_report(unless_current=True)
        return len(drawn) > before

    (finished.path / "report.md").touch()
    assert [writes(), writes()] == [True, False]
    assert [writes(tag="zh-Hant"), writes(tag="zh-Hant")] == [True, False]
    run = Study.open(finished.path).runs()[0]
    finish(finished.run(run.run_id), run, 0.5)
    assert [writes(), writes()] == [True, False]
    monkeypatch.setattr("sixteenth.__version__", "1.2.3")
    assert [writes(), writes()] == [True, False]
    for lost in ("report.md", "report.html", "results.csv", "per_class.csv"):
        (finished.path / lost).unlink()
        assert writes(), lost
        (finished.path / "report.md").touch()
    Study.open(finished.path).report()
    assert not writes(), "what `report` wrote is known too"


def test_what_is_asked_again_is_read_again_only_where_a_file_has_changed(
    finished: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(monkeypatch)
    study = Study.open(finished.path)
    for _ in range(2):
        assert len(study.results()) == len(study.histories()) == len(study.predictions()) == 36
        assert study.discussion().answer
    assert (work.reads.total(), work.analyses) == (36, 1)
    run = study.runs()[-1]
    record = study.records()[0]
    finish(finished.run(run.run_id), run, 0.5)
    assert study.results()["test_accuracy"].iloc[-1] == 0.5
    assert study.records()[0] == record
    study.discussion()
    assert (work.reads.total(), work.analyses) == (72, 2)
    finished.run(run.run_id).write_history([])
    assert len(study.histories()) == 35, "a history that changed without its record"
    study.spec = study.spec.model_copy(update={"expect": "none"})
    assert study.findings().expect == "none"


def test_a_record_in_the_folder_of_another_run_is_refused(finished: StudyFolder) -> None:
    first, second = list(finished.runs())[:2]
    second.record_path.write_bytes(first.record_path.read_bytes())
    with pytest.raises(InputError, match=r"run\.json is of another run"):
        Study.open(finished.path).results()


@pytest.mark.parametrize("metric", ["accuracy", "balanced-accuracy"])
def test_a_run_has_one_interval_in_the_table_the_terminal_and_the_report(
    finished: StudyFolder, sixteenth: Command, metric: str
) -> None:
    text = finished.spec_path.read_text("utf-8")
    finished.spec_path.write_text(text.replace("metric: accuracy", f"metric: {metric}"), "utf-8")
    assert sixteenth("report", str(finished.path)).code == 0
    column, _ = Metric(metric).columns
    study = Study.open(finished.path)
    table = {row["run_id"]: row for row in read_results(finished.path)}
    shown = json.loads(sixteenth("show", str(finished.path), "--json").out)
    report = (finished.path / "report.md").read_text("utf-8")
    said = language_for(study.findings(), "en").numbers
    rough = run_intervals(read_grid(study.results(), metric=Metric(metric)))
    analysed = run_intervals(study.findings().grid)
    assert len(shown) == len(table) == len(analysed) == 36
    for row in shown:
        known, run_id = analysed[row["run_id"]], row["run_id"]
        ends = known.low, known.high
        assert [float(table[run_id][f"{column}_{end}"]) for end in ("low", "high")] == [*ends]
        assert (row["low"], row["high"], row["interval"]) == (*ends, "measured spread")
        assert said.interval(*ends) in report
        assert rough[run_id] != known, "without predictions it is another one"


def test_intervals_of_a_new_table_do_not_read_all_predictions_again(
    finished: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, reads = Study.open(finished.path), list[str]()
    before = study.results()
    read = RunFolder.read_predictions

    def reading(folder: RunFolder, length: str = "1") -> object:
        reads.append(folder.path.name)
        return read(folder, length)

    monkeypatch.setattr(RunFolder, "read_predictions", reading)
    run = study.runs()[-1]
    finish(finished.run(run.run_id), run, 0.5)
    after = study.results()
    assert reads == [run.run_id]
    assert (after["test_accuracy_low"] != before["test_accuracy_low"]).any()


def test_a_run_that_the_study_did_not_make_is_named_with_the_ways_out(
    finished: StudyFolder,
) -> None:
    text = finished.spec_path.read_text("utf-8")
    finished.spec_path.write_text(text.replace("stem: default", "stem: cifar"), "utf-8")
    with pytest.raises(InputError, match="was not made by this study") as refused:
        Study.open(finished.path).results()
    said, first = str(refused.value), Study.open(finished.path).runs()[0]
    assert f"undo the change, or move {finished.run(first.run_id).path} away" in said


def test_half_a_copy_of_a_run_is_no_run_and_goes_with_the_next_sweep(
    finished: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Study.open(finished.path).runs()
    first, seeds = runs[0], finished.path / "explain" / "place" / "seeds" / "runs"
    seeds.mkdir(parents=True)
    finished.run(first.run_id).path.rename(seeds / first.run_id)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("sixteenth.storage.whole_files.os.replace", killed)
        patched.setattr("sixteenth.storage.whole_files.shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            finished.take_repeats(runs)
    assert len(list(finished.path.glob(".*.tmp"))) == 1
    assert first.run_id not in {place.path.name for place in finished.runs()}
    sweep(finished.path)
    assert not list(finished.path.glob(".*.tmp"))
    finished.take_repeats(runs)
    assert first.run_id in {place.path.name for place in finished.runs()}


class Watching(Listener):
    """Notes the statuses in results.csv whenever a run begins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.statuses: list[list[str]] = []

    def run_started(self, run: RunSpec) -> None:
        if (self.folder / "results.csv").is_file():
            self.statuses.append([row["status"] for row in read_results(self.folder)])


def test_results_are_written_after_each_run_without_reading_the_other_records(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(
        {
            "data": "digits",
            "image_size": 8,
            "models": ["tiny_models:small"],
            "fractions": ["20 images", "40 images", "60 images"],
            "train": {"epochs": 1},
        },
        "mine",
    )
    work, watching = Work(monkeypatch), Watching(study.folder)
    study.run(device="cpu", listener=watching)
    assert watching.statuses == [
        ["finished", "missing", "missing"],
        ["finished", "finished", "missing"],
    ]
    assert study.discussion().answer
    assert (work.reads.total(), work.analyses) == (0, 1), "each record came from its own training"
    again = Study.open(study.folder)
    again.run(device="cpu")
    assert set(work.reads.values()) == {1}, "one reading before, and none after"


def test_a_run_is_of_the_kind_of_machine_that_its_record_tells() -> None:
    def record(execution: str, **environment: str | None) -> RunRecord:
        return RunRecord.model_construct(
            environment=Environment(**environment),
            execution=ExecutionFacts(device=execution, precision="float32"),
        )

    narrow = record("cpu", cpu="A Xeon", instructions="AVX2", gpu="An H100")
    wide = record("cpu", cpu="A Xeon", instructions="AVX512")
    first = record("cuda", cpu="A Xeon", instructions="AVX2", gpu="An H100")
    other = record("cuda:1", cpu="An EPYC", instructions="AVX512", gpu="An H100")
    kinds = machine_kinds({"a": narrow, "b": wide, "c": first, "d": other})
    assert kinds["a"] == "A Xeon, AVX2, cpu, float32"
    assert kinds["b"] == "A Xeon, AVX512, cpu, float32"
    assert kinds["c"] == kinds["d"] == "An H100, float32"
    earlier = record("cpu", cpu="A Xeon", instructions=None)
    kinds = machine_kinds({"a": narrow, "e": earlier})
    assert kinds["a"] == kinds["e"] == "A Xeon, cpu, float32"
