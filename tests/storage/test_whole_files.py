"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import IO

import pytest

from sixteenth.storage.whole_files import (
    ABANDONED,
    copy_folder,
    file_stamp,
    is_disk_trouble,
    is_left_over,
    sweep,
    write_all,
    write_text,
    write_whole,
)


@pytest.mark.parametrize("error", [RuntimeError("half"), KeyboardInterrupt()])
def test_the_old_file_stays_where_writing_stops_halfway(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "run.json"
    write_text(path, "old")

    def stops(file: IO[bytes]) -> None:
        file.write(b"ne")
        raise error

    with pytest.raises(type(error)):
        write_whole(path, stops)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


def test_the_new_bytes_have_no_name_before_all_are_written(tmp_path: Path) -> None:
    path, seen = tmp_path / "deep" / "run.json", list[str]()

    def look() -> None:
        (there,) = path.parent.iterdir()
        seen.append(there.name)
        assert is_left_over(there)
        assert there.read_bytes() == b"new"

    write_whole(path, lambda file: file.write(b"new"), before_rename=look)
    assert len(seen) == 1
    assert path.read_bytes() == b"new"


def test_an_error_names_the_file_that_was_to_be_written(tmp_path: Path) -> None:
    def full(_: IO[bytes]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match=r"run\.json") as raised:
        write_whole(tmp_path / "run.json", full)
    assert raised.value.errno == errno.ENOSPC
    in_the_way, away = tmp_path / "report.html", tmp_path / "away"
    in_the_way.mkdir()
    with pytest.raises(OSError, match=r"report\.html") as raised:
        write_text(in_the_way, "text")
    assert raised.value.filename == str(in_the_way)
    with pytest.raises(FileNotFoundError) as raised:
        write_whole(away / "run.json", full, scratch=away)
    assert raised.value.filename == str(away / "run.json")


def test_files_get_the_rights_of_other_new_files(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_text(tmp_path / "whole", "text")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_sweep_removes_what_killed_writers_left_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".run.json.0123abcd.tmp").touch()
    (tmp_path / ".seed0.0123abcd.tmp").mkdir()
    (tmp_path / ".seed0.0123abcd.tmp" / "run.json").touch()
    others = {"run.json", ".mine.tmp", ".lock", "run.json.0123abcd.tmp"}
    for name in others:
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == others


def test_files_that_belong_together_are_renamed_in_their_order_when_all_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {tmp_path / "figures" / "a.svg": b"a", tmp_path / "b.md": b"b", tmp_path / "c": b"c"}
    renamed, replace = list[str](), os.replace

    def seen(source: str, target: Path) -> None:
        waiting = [path for path in tmp_path.rglob(".*.tmp") if is_left_over(path)]
        assert len(waiting) == len(files) - len(renamed)
        renamed.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", seen)
    write_all(files)
    assert renamed == ["a.svg", "b.md", "c"]
    assert {path: path.read_bytes() for path in files} == files
    assert not list(tmp_path.rglob(".*"))


def test_where_one_of_them_cannot_be_written_all_stay_as_they_were(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_text(first, "old")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        write_all({first: b"new", tmp_path / "file" / "inside": b"new", second: b"new"})
    assert {path.name for path in tmp_path.iterdir()} == {"first", "file"}
    assert first.read_text() == "old"


def test_files_written_together_remove_what_was_abandoned_and_not_what_may_be_in_use(
    tmp_path: Path,
) -> None:
    old, fresh = tmp_path / ".report.html.0123abcd.tmp", tmp_path / ".results.csv.0123abcd.tmp"
    for path in (old, fresh):
        path.touch()
    os.utime(old, (0, time.time() - ABANDONED - 60))
    write_all({tmp_path / "report.html": b"new"})
    assert {path.name for path in tmp_path.iterdir()} == {fresh.name, "report.html"}


def test_a_copy_stays_as_it_is_when_the_source_is_written_again(tmp_path: Path) -> None:
    source, target = tmp_path / "runs" / "seed0", tmp_path / "other" / "seed0"
    write_text(source / "run.json", "first")
    copy_folder(source, target, scratch=tmp_path)
    write_text(source / "run.json", "second")
    assert (target / "run.json").read_text() == "first"


def test_a_stamp_changes_with_each_writing_also_of_the_same_text(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    assert file_stamp(path) is None
    write_text(path, "same")
    first = file_stamp(path)
    # While the first file is still open, its inode cannot be given to the second.
    with path.open():
        write_text(path, "same")
    assert file_stamp(path) != first


@pytest.mark.parametrize(
    ("error", "is_trouble"),
    [
        (OSError(errno.ENOSPC, "full"), True),
        (OSError(errno.ENOENT, "gone", "FOLDER/run.json"), True),
        (OSError(errno.ENOENT, "gone", "elsewhere/weights.pt"), False),
        (OSError(errno.ENOENT, "gone"), False),
    ],
)
def test_only_trouble_with_the_disk_or_the_folder_stops_all_runs(
    tmp_path: Path, error: OSError, is_trouble: bool
) -> None:
    if error.filename is not None:
        error.filename = error.filename.replace("FOLDER", str(tmp_path))
    assert is_disk_trouble(error, tmp_path) is is_trouble
