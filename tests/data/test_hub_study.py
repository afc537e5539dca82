"""A study goes on with the commit of its data set that it began with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fake_hub import FakeHub

from sixteenth import Study
from sixteenth.engine.execution import Execution, new_record
from sixteenth.errors import DataError
from sixteenth.spec import RunSpec
from sixteenth.storage.run_folder import RunFolder
from sixteenth.study.executors.node import Origin
from sixteenth.study.listener import Listener
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


def study(place: Path) -> Study:
    spec = {"data": "hf://me/animals", "image_size": 8, "fractions": [1], "models": ["resnet18"]}
    return Study(spec, place / "study", data_dir=place / "cache")


def begin(study: Study) -> RunSpec:
    """Leave what a run leaves at its start."""
    run = study.runs()[0]
    folder = RunFolder(study.folder / "runs" / run.run_id)
    folder.path.mkdir(parents=True)
    folder.write_record(new_record(run, study.dataset(), EXECUTION, None))
    return run


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


def test_another_machine_loads_the_commit_of_the_study(
    hub: FakeHub, files: dict[str, bytes], tmp_path: Path
) -> None:
    repository = hub.add("me/animals", files)
    begun = study(tmp_path)
    run = begin(begun)
    origin = Origin.of(begun.dataset(), begun.folder, tmp_path / "there")
    repository.commit({"train.parquet": files["test.parquet"]})
    assert origin.dataset(run).fingerprint == begun.dataset().fingerprint
    with pytest.raises(DataError, match=r"^class 'dog' of hf://me/animals has only 2 images"):
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
