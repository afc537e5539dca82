"""The page that follows a study, once `sixteenth explain` has trained more of it."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from html import unescape
from pathlib import Path

import pytest

from sixteenth import Study, StudySpec
from sixteenth.analysis.findings.levers import CellPair, Lever
from sixteenth.cli.watch import drawing, follow
from sixteenth.cli.watch.follow import Follower
from sixteenth.spec import dump_spec, load_frozen
from sixteenth.storage.lease import Lease
from sixteenth.storage.study_folder import CONTROL, StudyFolder
from sixteenth.study.levers import lever_study
from written_study import Work, begin, finish


@pytest.fixture(autouse=True)
def _patience_and_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "PATIENCE", 60.0)
    monkeypatch.setattr(drawing, "curves_part", lambda *_: "")


@pytest.fixture
def explained(tmp_path: Path) -> StudyFolder:
    """A study whose bigger model was worse, and which was trained again to tell why."""
    spec = StudySpec(
        name="two", data="pets", models=["small", "larger"], fractions=["1/4", "1"], lengths=["1"]
    )
    folder = StudyFolder(tmp_path / "two")
    pair = CellPair("1", ("larger", "random"), ("small", "random"))
    parts = [(folder, spec, spec.runs(), 0.0)]
    for lever, more, gain in ((Lever.SEEDS, 2, 0.01), (Lever.IMAGE_SIZE, 0, 0.2)):
        made = lever_study(spec, folder.path, pair, lever, symbols=False, more=more)
        assert made is not None
        parts.append((StudyFolder(made.folder), made.spec, made.runs(), gain))
    for part, of, runs, gain in parts:
        part.path.mkdir(parents=True)
        part.spec_path.write_text(dump_spec(of), encoding="utf-8")
        for run in runs:
            accuracy = {"small": 0.7, "larger": 0.6}[run.model] - 0.1 * (run.fraction == "1/4")
            finish(part.run(run.run_id), run, accuracy + gain)
    return folder


def answer_on(page: Follower) -> str:
    return said_on(page)["answer"]


def said_on(page: Follower) -> dict[str, str]:
    """The parts as they are now, as text."""
    page._next = page._drawing._next = 0.0
    texts = ((key, re.sub(r"<[^>]+>", " ", html)) for key, html in page.parts().items())
    return {key: " ".join(unescape(text).split()) for key, text in texts}


@pytest.mark.parametrize("lost", ["", "image-size-x2", "seeds"])
def test_the_page_that_follows_a_study_says_what_its_report_says(
    explained: StudyFolder, lost: str
) -> None:
    if lost:
        shutil.rmtree(next(explained.path.glob(f"explain/*/{lost}")))
    study, said = Study.open(explained.path), answer_on(Follower(explained.path))
    screen, answer = study.overview(), study.discussion().answer
    assert answer[:2] == (screen.title, screen.lead)
    assert [each for each in answer if each not in said] == []
    assert "All runs are finished." in said


def test_the_page_reads_what_explain_left_and_analyses_again_only_where_a_run_has_ended(
    explained: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, page = Work(monkeypatch), Follower(explained.path)
    before, reads = answer_on(page), Counter(work.reads)
    assert work.analyses == 1
    own = [place.path.name for place in explained.runs()]
    explained.run(own[0]).write_history([])  # as the training curve of a run grows
    assert answer_on(page) == before
    assert sorted((work.reads - reads).elements()) == own, "each of its own, and no other"
    assert work.analyses == 1
    larger = StudyFolder(next(explained.path.glob("explain/*/image-size-x2")))
    run = load_frozen(larger.spec_path).runs()[-1]
    finish(larger.run(run.run_id), run, 0.99)
    assert answer_on(page) != before
    assert work.analyses == 2


def test_runs_of_explain_are_shown_and_until_their_end_the_answer_is_not_final(
    explained: StudyFolder,
) -> None:
    larger = StudyFolder(next(explained.path.glob("explain/*/image-size-x2")))
    run, page = load_frozen(larger.spec_path).runs()[-1], Follower(explained.path)
    folder = larger.run(run.run_id)
    shutil.rmtree(folder.path)
    with Lease.acquire(folder.path):
        begin(folder, run, 3)
        said = said_on(page)
        assert "4 of 4 runs done" in said["state"]
        assert "5 of 6 runs done, of the tests that have begun" in said["state"]
        assert said["state"].count("twice the image size small all 0 running 3 of 30") == 1
        assert "All runs are finished." not in said["answer"]
        assert "Not final: the study's runs have ended." in said["answer"]
    finish(folder, run, 0.8)
    said = said_on(page)
    assert "6 of 6 runs done, of the tests that have begun" in said["state"]
    assert "All runs are finished." in said["answer"]


def test_of_the_control_runs_those_are_shown_that_have_begun(explained: StudyFolder) -> None:
    shutil.rmtree(explained.path / "explain")
    (control,) = [place for place in explained.control_folders(20) if place.path.name == CONTROL]
    spec = StudySpec(
        name="two",
        data="pets",
        models=["small"],
        fractions=["1/4"],
        seeds=[0, 1],
        lengths=["1"],
        train={"steps": 20},
    )
    control.path.mkdir(parents=True)
    control.spec_path.write_text(dump_spec(spec), encoding="utf-8")
    page = Follower(explained.path)
    assert "steps of twice the images" not in said_on(page)["state"]
    begin(control.run(spec.runs()[0].run_id), spec.runs()[0], 1)
    said = said_on(page)
    assert said["state"].count("steps of twice the images small 1/4 0 stopped unexpectedly") == 1
    assert said["state"].count("steps of twice the images") == 1
    assert "Not final" in said["answer"]
