"""Where `sixteenth explain` looks, what it would cost, and with what it compares."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from explained_study import BIG, ONLY_SEEDS, PAIR, SMALL

from sixteenth import Study
from sixteenth.analysis import Findings
from sixteenth.analysis.findings.expectation import Outcome, SizeVerdict
from sixteenth.analysis.findings.levers import CellPair, Lever
from sixteenth.analysis.findings.types import Finding, Section
from sixteenth.data.pixel_store import PixelStore
from sixteenth.errors import DataError, InputError, MismatchError
from sixteenth.spec import dump_spec
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.study.explain import as_now, find_levers, find_pair, sub_study
from sixteenth.study.planning.machine import LocalMachine
from sixteenth.study.sub_study import SubStudy
from tiny_study import Command


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


def test_a_pair_is_taken_as_its_accuracies_are_now(folder: Path) -> None:
    """More seeds may have turned round the one that was begun."""
    study = Study.open(folder)
    turned = CellPair(PAIR.fraction, PAIR.ahead, PAIR.behind)
    assert as_now(study, turned) == as_now(study, PAIR) == PAIR
    elsewhere = CellPair("1/64", PAIR.ahead, PAIR.behind)
    assert as_now(study, elsewhere) == elsewhere, "no cell tells"
    with pytest.raises(InputError, match=r"at 1/64 is finished any more.*sixteenth run"):
        find_levers(study, elsewhere)
