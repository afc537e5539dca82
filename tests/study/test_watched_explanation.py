"""The page that follows a study, once `sixteenth explain` has trained more of it."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from html import unescape
from pathlib import Path

import pytest

from sixteenth import Study, StudySpec
from sixteenth.analysis.findings.explained import CellPair, Lever
from sixteenth.cli.watch import follow
from sixteenth.cli.watch.follow import Follower
from sixteenth.spec import dump_spec, load_frozen
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.study.levers import lever_study
from written_study import Work, finish


@pytest.fixture(autouse=True)
def _patience_and_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "PATIENCE", 60.0)
    monkeypatch.setattr(follow, "curves_part", lambda *_: "")


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
    page._next = page._next_drawing = 0.0
    html = page.parts()["answer"]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.parametrize("lost", ["", "image-size-x2", "seeds"])
def test_the_page_that_follows_a_study_says_what_its_report_says(
    explained: StudyFolder, lost: str
) -> None:
    if lost:
        shutil.rmtree(next(explained.path.glob(f"explain/*/{lost}")))
    study, said = Study.open(explained.path), answer_on(Follower(explained.path))
    screen, headline = study.overview(), study.discussion().answer[0]
    told = (screen.title, screen.lead, *study.discussion().answer[1:])
    assert [each for each in told if each not in said] == []
    assert headline not in said, "another recommendation than the title"
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
