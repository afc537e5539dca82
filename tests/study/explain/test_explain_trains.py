"""What `sixteenth explain` trains, and that the report tells of it."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from explained_study import BIG, ONLY_SEEDS, PAIR, SETTINGS, SMALL, Explained

from sixteenth import Study
from sixteenth.analysis import analyse
from sixteenth.analysis.findings.explained import (
    Average,
    ExplainedGap,
    ExplainedLever,
    LeverVerdict,
)
from sixteenth.analysis.findings.levers import Lever
from sixteenth.analysis.findings.types import Finding
from sixteenth.errors import InputError
from sixteenth.study.explain import (
    control_study,
    explanation,
    find_levers,
    find_pair,
    lever_studies,
    sub_study,
)
from sixteenth.study.sub_study import SubStudy
from tiny_study import Command, read_results


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


def test_reasons_whose_runs_are_gone_are_kept_from_their_tables_or_missed(
    folder: Path, sixteenth: Command
) -> None:
    ended = sixteenth("explain", str(folder), "--only", "learning-rate-double", "--threads", "1")
    assert ended.code == 0, ended.err
    page = folder / "report.md"

    def told() -> list[str]:
        lines = page.read_text("utf-8").splitlines()
        return [line for line in lines if line.startswith("- Twice the learning rate")]

    (before,) = told()
    for runs in folder.glob("explain/*/learning-rate-double/runs"):
        shutil.rmtree(runs)
    for command in ("report", "show", "advise"):
        said = " ".join(sixteenth(command, str(folder)).err.split())
        assert "/learning-rate-double tested, whose runs are gone; to tell it by its table" in said
    ended = sixteenth("report", str(folder), "--from-table")
    assert (ended.code, ended.err) == (0, ""), ended.err
    (after,) = told()
    assert after[:60] == before[:60]
    assert len(list(folder.glob("explain/*/learning-rate-double/kept/results.csv"))) == 1


def test_runs_that_chose_their_steps_cannot_be_trained_for_four_times_as_many(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study.open(folder)
    found = study.findings()  # of runs that did not
    monkeypatch.setattr(study, "findings", lambda: found)
    train = study.spec.train.model_copy(update={"epochs": "auto"})
    monkeypatch.setattr(study, "spec", study.spec.model_copy(update={"train": train}))
    with pytest.raises(InputError, match=r"steps-x4: the runs .* chose their own steps"):
        find_levers(study, PAIR, [Lever.STEPS])
