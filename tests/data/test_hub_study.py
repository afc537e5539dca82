"""A study goes on with the commit of its data set that it began with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fake_hub import FakeHub

from sixteenth import Study
from sixteenth.engine.execution import Execution
from sixteenth.engine.records import new_record
from sixteenth.errors import DataError, MismatchError
from sixteenth.spec import RunSpec, dump_spec
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.study.executors.node import Origin
from sixteenth.study.listener import Listener
from sixteenth.study.preflight import check_begun, check_folder
from sixteenth.study.quick import quick_study

EXECUTION = Execution("cpu", "float32", "channels-last", 1)


class Told(Listener):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def noticed(self, what: str) -> None:
        self.notes.append(what)


@pytest.fixture
def files(parquet_folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in parquet_folder.iterdir()}


def study(place: Path, data: str = "hf://me/animals") -> Study:
    spec = {"data": data, "image_size": 8, "fractions": [1], "models": ["resnet18"]}
    return Study(spec, place / "study", data_dir=place / "cache")


def begin(study: Study) -> RunSpec:
    """Leave what a run leaves at its start."""
    run = study.runs()[0]
    folder = RunFolder(study.folder / "runs" / run.run_id)
    folder.path.mkdir(parents=True)
    folder.write_record(new_record(run, study.dataset(), EXECUTION, None))
    StudyFolder(study.folder).spec_path.write_text(dump_spec(study.spec), encoding="utf-8")
    return run


def check(study: Study) -> None:
    """What `run` and `plan` check before they train."""
    check_folder(study.folder, study.spec)
    check_begun(study.snapshot(), study.dataset())


def test_a_study_that_began_goes_on_with_its_commit_and_says_that_there_is_a_newer_one(
    hub: FakeHub, files: dict[str, bytes], tmp_path: Path
) -> None:
    repository = hub.add("me/animals", files)
    old = repository.refs["main"]
    begin(study(tmp_path))
    told = Told()
    assert study(tmp_path).dataset(told).source == f"hf://me/animals@{old}"
    assert not [note for note in told.notes if "revision" in note]

    swapped = {"train.parquet": files["test.parquet"], "test.parquet": files["train.parquet"]}
    new = repository.commit(swapped)
    again = study(tmp_path).dataset(told)
    assert (again.source, len(again.train)) == (f"hf://me/animals@{old}", 12)
    note = next(note for note in told.notes if "revision" in note)
    assert new[:12] in note
    assert old[:12] in note

    assert len(study(tmp_path / "elsewhere").dataset().train) == 6, "a new study has the new one"
    hub.status = 503
    assert study(tmp_path).dataset().source == again.source, "it needs no network"


def test_another_revision_is_another_study_and_another_place_is_not(
    hub: FakeHub, files: dict[str, bytes], parquet_folder: Path, tmp_path: Path
) -> None:
    repository = hub.add("me/animals", files)
    first = repository.refs["v1"] = repository.refs["main"]
    swapped = {"train.parquet": files["test.parquet"], "test.parquet": files["train.parquet"]}
    second = repository.refs["v2"] = repository.commit(swapped)
    begin(study(tmp_path, "hf://me/animals@v1"))
    check(study(tmp_path, "hf://me/animals@v1"))
    with pytest.raises(MismatchError, match=r"another study \(data: .*@v1' there, .*@v2' asked"):
        check(study(tmp_path, "hf://me/animals@v2"))
    with pytest.raises(MismatchError, match="data fingerprint"):
        check(study(tmp_path, f"hf://me/animals@{second}"))
    for same in ("hf://me/animals", f"hfds/me/animals@{first}", str(parquet_folder)):
        check(study(tmp_path, same))
    repository.refs["v1"] = second  # a tag that its owner moved
    check(study(tmp_path, "hf://me/animals@v1"))


def test_another_machine_loads_the_commit_of_the_study(
    hub: FakeHub, files: dict[str, bytes], tmp_path: Path
) -> None:
    repository = hub.add("me/animals", files)
    begun = study(tmp_path)
    run = begin(begun)
    origin = Origin.of(begun.dataset(), begun.folder, tmp_path / "there")
    repository.commit({"train.parquet": files["test.parquet"]})
    assert origin.dataset(run).fingerprint == begun.dataset().fingerprint
    with pytest.raises(
        DataError, match=r"^the data hf://me/animals on \S+ are not those of the st"
    ):
        dataclasses.replace(origin, source="hf://me/animals").dataset(run)


def test_quick_goes_on_too_and_begins_with_the_newest_commit_where_it_begins_anew(
    hub: FakeHub, files: dict[str, bytes], tmp_path: Path
) -> None:
    repository = hub.add("me/animals", files)
    begun = study(tmp_path)
    begin(begun)
    new = repository.commit({"train.parquet": files["test.parquet"], **files})
    settings = ["models=[resnet18]", "image_size=8", "fractions=[1]"]
    for fresh, commit in ((False, begun.dataset().source), (True, f"hf://me/animals@{new}")):
        quick = quick_study(
            "hfds/me/animals", settings, begun.folder, data_dir=tmp_path / "cache", fresh=fresh
        )
        assert quick.dataset().source == commit
        assert quick.spec.name == "quick-animals"
        assert quick.folder.name == ("study-2" if fresh else "study")
