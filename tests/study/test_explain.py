"""`sixteenth explain` on a study that was trained for real: its runs, its words, a stop."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sixteenth import Study
from sixteenth.analysis import Findings, analyse
from sixteenth.analysis.findings.expectation import Outcome, SizeVerdict
from sixteenth.analysis.findings.explained import (
    Average,
    CellPair,
    ExplainedGap,
    ExplainedLever,
    Lever,
    LeverVerdict,
)
from sixteenth.analysis.findings.types import Finding, Section
from sixteenth.cli.commands import main
from sixteenth.cli.display import PlainDisplay
from sixteenth.data.pixel_store import PixelStore
from sixteenth.errors import DataError, InputError, MismatchError
from sixteenth.spec import dump_spec
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.study.explain import (
    SubStudy,
    control_study,
    explanation,
    find_levers,
    find_pair,
    lever_studies,
    sub_study,
)
from sixteenth.study.planning.machine import LocalMachine
from tiny_study import Command, Ended, read_results, run_process, tiny_home, write_tiny_study

SMALL, BIG = ("tiny_models:small", "random"), ("tiny_models:big", "random")
PAIR = CellPair("1/2", SMALL, BIG)
SETTINGS = [
    word
    for setting in ('fractions=["1/2", 1]', "expect=smaller-is-better", "train.epochs=3")
    for word in ("--set", setting)
]
ONLY_SEEDS = ("explain", "studies/tiny", "--only", "seeds", "--threads", "1")


@pytest.fixture(scope="module")
def trained_wrongly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that expects the worse model to be the better one; never write to it."""
    home = tmp_path_factory.mktemp("explained")
    write_tiny_study(home)
    ended = run_process(["run", "tiny.yaml", "--threads", "1", *SETTINGS], home)
    assert ended.code == 0, ended.err
    return home


@pytest.fixture
def folder(trained_wrongly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study, named as from its home, which is the current folder."""
    return copy_of(trained_wrongly, tmp_path, monkeypatch)


def copy_of(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(home, tmp_path / "home")
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.syspath_prepend(tmp_path / "home")
    return Path("studies/tiny")


@dataclasses.dataclass(frozen=True)
class Explained:
    """The study after `ONLY_SEEDS`, which was stopped after a run and then went on to its end.

    Attributes:
        kept: when the weights that were there after the stop were written, as of then and of the
            end.
    """

    home: Path
    stopped: Ended
    ended: Ended
    kept: tuple[dict[Path, int], dict[Path, int]]


@pytest.fixture(scope="module")
def explained(trained_wrongly: Path, tmp_path_factory: pytest.TempPathFactory) -> Explained:
    """Its four trainings are of the lever seeds; never write to it."""
    home = tmp_path_factory.mktemp("seeds") / "home"
    shutil.copytree(trained_wrongly, home)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with tiny_home(home), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        with patch.context() as stopping:
            stopping.setattr(PlainDisplay, "run_ended", stop)
            stopped = ended_here(ONLY_SEEDS)
        weights = list((home / "studies/tiny/explain").rglob("model.safetensors"))
        first = {path: path.stat().st_mtime_ns for path in weights}
        ended = ended_here(ONLY_SEEDS)
        last = {path: path.stat().st_mtime_ns for path in weights}
    return Explained(home, stopped, ended, (first, last))


def ended_here(words: Sequence[str]) -> Ended:
    """How ``sixteenth WORDS`` ends in this process; for fixtures of a module."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        main(words)
    return Ended(int(end.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture
def tested(explained: Explained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study whose lever seeds was trained, as `folder`."""
    return copy_of(explained.home, tmp_path, monkeypatch)


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_place_is_where_the_expectation_failed_on_the_fewest_images(folder: Path) -> None:
    study = Study.open(folder)
    assert find_pair(study) == PAIR
    run_ids = [run.run_id for run in study.runs() if run.fraction == "1"]
    assert find_pair(study, (run_ids[1], run_ids[0])) == CellPair("1", SMALL, BIG)


def test_a_pair_that_was_begun_goes_on_before_another_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More trainings of the first pair, or a stop, must not leave its levers half trained."""
    study = Study.open(folder)
    run_ids = [run.run_id for run in study.runs() if run.fraction == "1"]
    other = find_pair(study, (run_ids[0], run_ids[1]))
    assert find_pair(study) == PAIR != other
    (half,) = find_levers(study, other, [Lever.RATE_HALF])
    half.folder.mkdir(parents=True)
    (half.folder / "study.yaml").write_text(dump_spec(half.spec), "utf-8")
    assert find_pair(Study.open(folder)) == other
    (run,) = half.runs()
    place = StudyFolder(half.folder).run(run.run_id)
    for status, expected in (("interrupted", other), ("failed", PAIR)):
        record = {"format": 1, "run_id": run.run_id, "spec": run.model_dump(mode="json")}
        place.write_record(RunRecord.from_dict(record | {"status": status}))
        study = Study.open(folder)
        found = study.findings()
        monkeypatch.setattr(study, "findings", lambda found=found: found)
        assert find_pair(study) == expected


def test_cells_of_which_a_part_is_frozen_are_passed_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study.open(folder)
    found = study.findings()

    def frozen(one: Finding, fractions: set[str]) -> Finding:
        if not isinstance(one, SizeVerdict) or one.small.fraction not in fractions:
            return one
        init = "imagenet, frozen"
        small, big = (dataclasses.replace(cell, init=init) for cell in (one.small, one.big))
        return dataclasses.replace(one, init=init, small=small, big=big, outcome=Outcome.OPPOSITE)

    def with_frozen(*fractions: str) -> Findings:
        sections = tuple(
            Section(part.key, tuple(frozen(one, {*fractions}) for one in part.findings))
            for part in found.sections
        )
        return dataclasses.replace(found, sections=sections)

    monkeypatch.setattr(study, "findings", lambda: with_frozen("1/2"))
    assert find_pair(study) == CellPair("1", SMALL, BIG)
    monkeypatch.setattr(study, "findings", lambda: with_frozen("1/2", "1"))
    with pytest.raises(InputError, match="some are frozen: name the runs of two others"):
        find_pair(study)
    grid = found.grid
    cells = tuple(dataclasses.replace(cell, init="imagenet, frozen") for cell in grid.cells)
    curves = dataclasses.replace(found.curves, grid=dataclasses.replace(grid, cells=cells))
    all_frozen = dataclasses.replace(with_frozen("1/2", "1"), curves=curves)
    monkeypatch.setattr(study, "findings", lambda: all_frozen)
    with pytest.raises(InputError, match=r"some are frozen: a study with finetune: \[all\]"):
        find_pair(study)


def test_a_lever_s_study_answers_in_the_language_that_was_asked_for(folder: Path) -> None:
    study = Study.open(folder, language="zh-Hant")
    half = next(each for each in find_levers(study, PAIR) if each.lever is Lever.RATE_HALF)
    assert sub_study(study, half).language == "zh-Hant"


def test_levers_that_cannot_apply_are_left_out(folder: Path) -> None:
    found = find_levers(Study.open(folder), PAIR)
    levers = [each.lever for each in found]
    assert not {Lever.STEM, Lever.ZERO_INIT} & set(levers), "the models are no ResNets"
    assert {Lever.STEPS, Lever.IMAGE_SIZE, Lever.RATE_HALF, Lever.SEEDS} <= set(levers)
    half = next(each for each in found if each.lever is Lever.RATE_HALF)
    assert [(run.model, run.seed) for run in half.runs()] == [(SMALL[0], 0)]
    seeds = next(each for each in found if each.lever is Lever.SEEDS)
    assert [run.seed for run in seeds.runs()] == [1, 1, 2, 2]


def test_a_plan_says_what_each_lever_costs_by_what_the_runs_took_and_writes_nothing(
    folder: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing is measured")

    def decode(image_size: int, *rest: Any) -> PixelStore:
        assert image_size == 8, "images of the study's own size alone"
        return PixelStore(image_size, *rest)

    for measuring in ("images_per_second", "measure_speeds"):
        monkeypatch.setattr(LocalMachine, measuring, refuse)
    monkeypatch.setattr("sixteenth.data.load.PixelStore", decode)
    seconds = {path: _record_seconds(path) for path in folder.glob("runs/*/run.json")}
    took = sum(value for path, value in seconds.items() if "-1of2-" in str(path))
    before = files(folder)
    levers = ("steps-x4", "image-size-x2", "seeds")
    words = ["explain", str(folder), "--plan", "--threads", "1"]
    words += [word for lever in levers for word in ("--only", lever)]
    said = sixteenth(*words)
    assert said.code == 0, said.err
    assert said.err.splitlines()[0] == "starting"
    assert said.out.startswith("Compared: small from random weights on "), said.out
    assert "8 of 8 runs to train" in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    assert [line.split()[0] for line in said.out.splitlines() if "(estimated)" in line] == [
        "image-size-x2"
    ]
    costs = {each["lever"]: each for each in json.loads(sixteenth(*words, "--json").out)["levers"]}
    assert [costs[lever]["seconds_from"] for lever in levers] == ["runs", "operations", "runs"]
    # A lever is reckoned by the median speed of all runs of its model.
    assert costs["seeds"]["seconds"] == pytest.approx(2 * took, rel=0.25), "two seeds more"
    assert took < costs["steps-x4"]["seconds"] <= 1.25 * 4 * took
    assert costs["image-size-x2"]["seconds"] > 2 * took
    # One more seed where verdicts stay open: as much of each lever again, and none of `seeds`.
    assert costs["steps-x4"]["seconds_again"] >= 0.9 * costs["steps-x4"]["seconds"]
    assert costs["seeds"]["seconds_again"] == 0
    plan = json.loads(sixteenth(*words, "--json").out)
    assert plan["seconds_again"] == sum(each["seconds_again"] for each in costs.values())
    assert "one more seed follows: at most about" in " ".join(said.out.split())
    alone = json.loads(sixteenth(*words[:7], "--json").out)
    assert alone["seconds_again"] == pytest.approx(costs["steps-x4"]["seconds_again"] + took)
    assert files(folder) == before


def _record_seconds(path: Path) -> float:
    """What a run took on a machine that did nothing else: a tenth of a second for each step."""
    record = json.loads(path.read_text("utf-8"))
    record["seconds"] = 0.1 * record["metrics"]["steps"]
    path.write_text(json.dumps(record), "utf-8")
    return float(record["seconds"])


def test_only_seeds_after_a_stop_goes_on_and_the_report_tells_what_was_tested(
    trained_wrongly: Path, explained: Explained, tested: Path, sixteenth: Command
) -> None:
    assert explained.stopped.code == 130
    assert "explain studies/tiny --only seeds" in explained.stopped.err
    assert explained.ended.code == 0, explained.ended.err
    first, last = explained.kept
    assert len(first) == 1
    assert last == first
    assert "by 3 trainings of the first and 3 of the second" in " ".join(
        explained.ended.out.split()
    )
    rows = read_results(next((tested / "explain").iterdir()) / "seeds")
    assert [(row["seed"], row["status"]) for row in rows] == [
        (seed, "finished") for seed in ("1", "1", "2", "2")
    ]
    untested = trained_wrongly / "studies/tiny"
    assert "What may be behind it" in (untested / "report.md").read_text("utf-8")
    report = (tested / "report.md").read_text("utf-8")
    assert "Reasons, tested" in report
    assert "What may be behind it" not in report
    before, after = (read_results(each, lengths=True) for each in (untested, tested))
    same = [name for name in before[0] if not name.endswith(("_low", "_high"))]
    assert [[row[key] for key in same] for row in after[: len(before)]] == [
        [row[key] for key in same] for row in before
    ]
    assert [row["run_id"] for row in after[len(before) :]] == [row["run_id"] for row in rows]
    again = json.loads(sixteenth(*ONLY_SEEDS, "--json").out)
    assert [each["kind"] for each in again["findings"]] == ["ExplainedGap"]
    assert again["findings"][0]["behind"]["seeds"] == [0, 1, 2]


def test_trainings_of_the_lever_seeds_are_repeats_of_the_studys_own_cells(
    trained_wrongly: Path, tested: Path, sixteenth: Command
) -> None:
    folder = tested
    sure = Study.open(trained_wrongly / folder).findings().overview.sure
    assert sure is not None
    assert (sure.most, sure.repeats) == (1, 0)
    study = Study.open(folder)
    sure = study.findings().overview.sure
    assert sure is not None
    assert (sure.fewest, sure.most, sure.repeats) == (1, 3, 4)
    assert "OneSeed" not in [type(each).__name__ for each in study.findings().overview.cautions]
    repeats = [run_id for run_id in study.predictions() if re.search("seed[12]$", run_id)]
    assert len(repeats) == 4
    assert set(repeats) <= set(study.histories()["run_id"])
    assert sixteenth("report", str(folder)).code == 0, "nothing is lost"
    # With more trainings the expectation may be met: what was begun goes on all the same.
    met = Study.open(folder)
    met.spec = met.spec.model_copy(update={"expect": "bigger-is-better"})
    assert find_pair(met) == PAIR
    # A study that asks for these seeds itself has each run once, and trains the others.
    before = {run_id: study.results().set_index("run_id").loc[run_id] for run_id in repeats}
    words = (
        str(folder / "study.yaml"), "--out", str(folder), "--threads", "1", "--set", "seeds=[0, 1]",
    )  # fmt: skip
    plan = json.loads(sixteenth("plan", *words, "--json").out)
    left = [run["run_id"] for run in plan["runs"] if run["status"] != "finished"]
    assert len(left) == 2
    assert not set(left) & set(repeats)
    more = sixteenth("run", *words)
    assert more.code == 0, more.err
    assert more.err.count(", starts") == 2
    table = Study.open(folder).results().set_index("run_id")
    assert table.index.is_unique
    assert set(table["status"]) == {"finished"}
    for run_id in repeats:
        assert table.loc[run_id, "test_accuracy"] == before[run_id]["test_accuracy"]
        assert (folder / "runs" / run_id / "model.safetensors").is_file() == ("seed1" in run_id)


def test_a_lever_for_the_loser_is_judged_and_an_open_verdict_gets_one_more_seed(
    folder: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("explain", str(folder), "--only", "learning-rate-double", "--threads", "1", "--json")
    judged = LeverVerdict.NOT_MAIN

    def as_judged(*given: Any) -> list[Finding]:
        return [
            dataclasses.replace(one, verdict=judged) if isinstance(one, ExplainedLever) else one
            for one in explanation(*given)
        ]

    monkeypatch.setattr("sixteenth.study.explain.explanation", as_judged)
    ended = sixteenth(*words)
    assert ended.code == 0, ended.err
    gap, effect = json.loads(ended.out)["findings"]
    (gain,) = effect["gains"]
    assert gap["behind"]["seeds"] == gain["end"]["seeds"] == [0]
    assert re.search(
        r"explain: learning-rate-double \(1 of 1, \d+:\d\d left as planned\)", ended.err
    )
    more = "(one more seed, as a verdict is open)"
    assert more not in ended.err
    judged = LeverVerdict.OPEN
    ended = sixteenth(*words)
    assert ended.code == 0, ended.err
    gap, effect = json.loads(ended.out)["findings"]
    (gain,) = effect["gains"]
    assert gap["behind"]["seeds"] == gain["end"]["seeds"] == [0, 1]
    for lever in ("seeds", "learning-rate-double"):
        assert f"explain: {lever} {more}" in ended.err
    again = sixteenth(*words)
    assert json.loads(again.out)["findings"][1]["verdict"] == "open"
    assert "explain: " not in again.err, "one more seed, once"


def test_no_lever_gets_another_seed_while_there_is_no_difference_to_explain(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study.open(folder)
    cells = {cell.arm: cell for cell in study.findings().grid.cells if cell.fraction == "1/2"}
    ends = cells[SMALL], cells[BIG]
    unknown = Average(0.0, -1.0, 1.0)
    lever = ExplainedLever(
        Lever.RATE_DOUBLE, *ends, (), unknown, unknown, unknown, unknown, LeverVerdict.OPEN
    )
    (double,) = find_levers(study, PAIR, [Lever.RATE_DOUBLE])
    parts = {Lever.RATE_DOUBLE.value: sub_study(study, double)}

    def trained(gap: Average) -> list[str]:
        found = [ExplainedGap(*ends, gap), lever]
        monkeypatch.setattr("sixteenth.study.explain.explanation", lambda *_: found)
        return [name for name, _ in lever_studies(study, PAIR, parts)]

    assert trained(Average(0.1, 0.05, 0.15)) == [*parts, "seeds", *parts]
    assert trained(Average(0.1, -0.05, 0.25)) == [*parts, "seeds"]


def test_the_control_run_tells_images_from_steps(folder: Path, sixteenth: Command) -> None:
    assert "not separated" in (folder / "report.md").read_text("utf-8")
    advice = " ".join(sixteenth("advise", str(folder)).out.split())
    assert f" sixteenth explain {folder} --separate " in f"{advice} "
    ended = sixteenth("explain", str(folder), "--separate", "--threads", "1")
    assert ended.code == 0, ended.err
    rows = {row["run_id"]: row for row in read_results(folder, lengths=True)}
    (control,) = [row for run_id, row in rows.items() if run_id.endswith("@2")]
    whole = rows[control["run_id"].removesuffix("@2")]
    assert float(control["length"]) == pytest.approx(2, abs=0.1)
    assert int(control["steps"]) == pytest.approx(2 * int(whole["steps"]), rel=0.1)
    assert control["fraction"] == whole["fraction"] == "1/2"
    assert control["run_id"] in Study.open(folder).predictions()
    report = (folder / "report.md").read_text("utf-8")
    assert "| By images, by more steps |" in report
    assert re.search(r"\| [+−]\d+\.\d, [+−]\d+\.\d \|", report)
    assert "@2" not in report
    nothing = sixteenth("explain", str(folder), "--separate")
    assert (nothing.code, nothing.out) == (2, "")
    assert "nothing to separate: the study tells images from training steps" in nothing.err


def test_without_half_of_the_images_there_is_no_control_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study.open(folder)
    results = study.results()
    results.loc[results["fraction"] == "1/2", ["fraction", "train_size"]] = ["1/8", 179]
    monkeypatch.setattr(study, "findings", lambda: analyse(results))
    with pytest.raises(InputError, match=r"not trained on half of its 1,438 images: add that"):
        control_study(study)


def test_a_study_that_has_grown_gets_another_control_run(folder: Path, sixteenth: Command) -> None:
    small = ["--set", "models=[tiny_models:small]", "--set", "expect=none"]
    train = ["run", "tiny.yaml", "--out", "grown", "--threads", "1", *small]
    assert sixteenth(*train, "--set", 'fractions=["1/4", "1/2"]').code == 0
    explain = ["explain", "grown", "--separate", "--threads", "1"]
    assert sixteenth(*explain).code == 0
    assert sixteenth(*train, "--set", 'fractions=["1/4", "1/2", 1]').code == 0
    ended = sixteenth(*explain)
    assert ended.code == 0, ended.err
    found = {row["run_id"] for row in read_results(Path("grown"), lengths=True)}
    controls = {run_id for run_id in found if run_id.endswith("@2")}
    assert {run_id.split("-")[2] for run_id in controls} == {"1of4", "1of2"}
    assert controls <= {*Study.open("grown").predictions()}


def test_reasons_are_tested_with_what_the_study_was_trained_on(
    folder: Path, sixteenth: Command
) -> None:
    words = ["explain", str(folder), "--only", "steps-x4", "--threads", "1"]
    said = "was trained with other versions (torch: 2.5.0 there"
    study = Study.open(folder)
    (lever,) = find_levers(study, find_pair(study), [Lever.STEPS])
    first, last = folder.glob("runs/*-1of2-*/run.json")
    for path in (first, last):
        text = path.read_text("utf-8")
        record = json.loads(text)
        record["environment"]["torch"] = "2.5.0"
        path.write_text(json.dumps(record), "utf-8")
        with pytest.raises(MismatchError, match=re.escape(said)):
            sub_study(Study.open(folder), lever).check_base()
        if path == last:
            other = sixteenth(*words)
            assert (other.code, other.out) == (2, "")
            assert said in other.err
        path.write_text(text, "utf-8")
    study._dataset = dataclasses.replace(study.dataset(), fingerprint="f" * 64)
    with pytest.raises(MismatchError, match=r"data fingerprint: .* restore what it was trained"):
        sub_study(study, lever).run(threads=1)
    assert not (folder / "explain").exists()


def test_cells_of_which_only_rows_are_left_are_compared_by_the_rest_of_the_study(
    folder: Path, sixteenth: Command
) -> None:
    for path in folder.glob("runs/*-1of2-*"):
        shutil.rmtree(path)
    assert sixteenth("report", str(folder), "--from-table").code == 0
    study = Study.open(folder)
    (lever,) = find_levers(study, find_pair(study), [Lever.STEPS])
    sub_study(study, lever).check_base()
    for path in folder.glob("runs/*/run.json"):
        record = json.loads(path.read_text("utf-8"))
        record["environment"]["torch"] = "2.5.0"
        path.write_text(json.dumps(record), "utf-8")
    with pytest.raises(MismatchError, match=r"other versions \(torch: 2\.5\.0 there"):
        sub_study(Study.open(folder), lever).check_base()
    shutil.rmtree(folder / "runs")
    assert sixteenth("report", str(folder), "--from-table").code == 0
    ended = sixteenth("explain", str(folder), "--only", "steps-x4", "--threads", "1")
    assert ended.code == 2
    assert "only rows of a table are left, which do not tell its images and versions" in ended.err
    assert not (folder / "explain").exists()


def test_repeats_that_were_removed_do_not_lock_explain(
    tested: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (seeds,) = tested.glob("explain/*/seeds")
    table = (tested / "results.csv").read_bytes()
    shutil.rmtree(seeds)
    refused = sixteenth("report", str(tested))
    assert refused.code == 2
    assert f"{tested / 'explain'} lacks 4 of the 8 runs" in refused.err
    assert "train them anew with sixteenth explain" in refused.err
    assert "sixteenth run" not in refused.err
    run = sixteenth("run", "tiny.yaml", "--out", str(tested), "--threads", "1", *SETTINGS)
    assert run.code == 0, run.err
    said = " ".join(run.err.split())
    assert "are gone: left out until trained anew by sixteenth explain" in said
    assert ": trained anew" not in said
    (tested / "results.csv").write_bytes(table)
    monkeypatch.setattr(SubStudy, "run", lambda *_, **__: None)  # what it would train
    ended = sixteenth("explain", str(tested), "--only", "learning-rate-half", "--threads", "1")
    assert ended.code == 0, ended.err
    assert "left out until trained anew by sixteenth explain" in " ".join(ended.err.split())
    assert (tested / "results-before-2.csv").read_bytes() == table
    assert len(read_results(tested)) == 4


def test_a_lever_that_was_begun_otherwise_is_left_out_with_the_way_out(
    folder: Path, sixteenth: Command
) -> None:
    only = ["--only", "steps-x4", "--only", "seeds"]
    words = ["explain", str(folder), *only, "--threads", "1", "--plan"]
    (place,) = {
        Path(each["folder"])
        for each in json.loads(sixteenth(*words, "--json").out)["levers"]
        if each["lever"] == "steps-x4"
    }
    place.mkdir(parents=True)
    (place / "study.yaml").write_text((folder / "study.yaml").read_text("utf-8"), "utf-8")
    ended = sixteenth(*words)
    assert ended.code == 0, ended.err
    assert f"remove {place} to train it anew" in ended.err
    assert "seeds" in ended.out


def test_what_has_a_way_out_of_its_own_keeps_it_and_stops_all_levers(
    folder: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begun_otherwise(*_: object, **__: object) -> None:
        raise MismatchError("a run was begun with another execution", "go on without --threads")

    monkeypatch.setattr("sixteenth.study.training.plan_training", begun_otherwise)
    ended = sixteenth("explain", str(folder), "--plan")
    assert (ended.code, ended.out) == (2, "")
    assert "with another execution: go on without --threads" in ended.err


def test_a_plan_of_finished_and_open_levers_is_json(tested: Path, sixteenth: Command) -> None:
    words = [*ONLY_SEEDS, "--only", "steps-x4", "--plan"]
    done, left = json.loads(sixteenth(*words, "--json").out)["levers"]
    assert (done["left"], done["seconds_from"], left["seconds_from"]) == (0, None, "runs")
    assert "estimated" not in sixteenth(*words).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "step-x4"], "no such lever; did you mean steps-x4?"),
        (["--only", "stem-cifar"], "--only stem-cifar: this lever changes nothing"),
        (["--between", "a", "b"], "no finished run of this study is called 'a'"),
    ],
)
def test_what_cannot_be_explained_is_one_line(
    folder: Path, sixteenth: Command, words: list[str], said: str
) -> None:
    ended = sixteenth("explain", str(folder), *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_without_a_failed_expectation_the_way_out_is_named(
    trained_wrongly: Path, sixteenth: Command
) -> None:
    study = Study.open(trained_wrongly / "studies/tiny")
    study.spec = study.spec.model_copy(update={"expect": "bigger-is-better"})
    with pytest.raises(Exception, match="--between RUN RUN") as refused:
        find_pair(study)
    assert getattr(refused.value, "exit_code", None) == 2


def test_where_every_lever_is_left_out_nothing_is_claimed(
    folder: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: object, **__: object) -> None:
        raise DataError("the images need more memory than there is")

    monkeypatch.setattr(SubStudy, "plan", too_large)
    ended = sixteenth("explain", str(folder), "--only", "image-size-x2")
    assert ended.code == 2
    assert "image-size-x2 is left out: the images need more memory than there is" in ended.err
    assert "nothing was trained: all of it is left out" in ended.err
