"""A download goes on after a break, tries the next address, and believes the MD5 sum alone."""

from __future__ import annotations

import errno
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopback import Reply, Server
from sixteenth.data import download as module
from sixteenth.data.download import download
from sixteenth.errors import DataError
from sixteenth.spec.work import Work

BODY = bytes(range(256)) * 40
MD5 = hashlib.md5(BODY).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(module, "PAUSE", 0)
    with Server(replies={"/whole": Reply(BODY), "/other": Reply(b"a page")}).running() as server:
        yield server


def test_the_first_address_that_has_it_is_used_and_nothing_else_is_left(
    server: Server, tmp_path: Path
) -> None:
    told: list[tuple[object, ...]] = []
    where = [f"{server.url}/none", f"{server.url}/other", f"{server.url}/whole", f"{server.url}/x"]
    assert download(tmp_path / "new" / "a.gz", MD5, where, lambda *at: told.append(at)) == {}
    assert (tmp_path / "new" / "a.gz").read_bytes() == BODY
    assert [one.path for one in server.asked] == ["/none", "/other", "/whole"]
    assert told[-1] == (Work.DOWNLOADING, 0, 0, "a.gz, MB")
    assert {path.name for path in (tmp_path / "new").iterdir()} <= {"a.gz", ".a.gz.lock"}
    assert download(tmp_path / "new" / "a.gz", MD5, []) == {}, "it is there"


def test_a_broken_connection_goes_on_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.replies["/whole"].breaks = [1000, 500]
    assert download(tmp_path / "a", MD5, [f"{server.url}/whole"]) == {}
    assert server.ranges() == [None, "bytes=1000-", "bytes=1500-"]
    assert (tmp_path / "a").read_bytes() == BODY


def test_what_arrived_serves_the_next_address_and_the_next_call(
    server: Server, tmp_path: Path
) -> None:
    server.replies["/dying"] = Reply(BODY, breaks=[1000, 0])
    dying = f"{server.url}/dying"
    assert download(tmp_path / "a", MD5, [dying]) == {
        dying: "the connection broke off after 1,000 of 10,240 bytes"
    }
    assert (tmp_path / "a.part").read_bytes() == BODY[:1000]
    assert not (tmp_path / "a").exists()
    assert download(tmp_path / "a", MD5, [f"{server.url}/none", f"{server.url}/whole"]) == {}
    assert server.ranges()[-1] == "bytes=1000-"


def test_a_server_that_knows_no_parts_sends_all_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(BODY[:1000])
    server.replies["/whole"].ranges = False
    assert download(tmp_path / "a", MD5, [f"{server.url}/whole"]) == {}
    assert (tmp_path / "a").read_bytes() == BODY


@pytest.mark.parametrize("kept", [b"of another file", BODY + b"too long", BODY], ids=len)
def test_a_wrong_part_is_thrown_away_and_a_whole_one_is_used(
    server: Server, tmp_path: Path, kept: bytes
) -> None:
    (tmp_path / "a.part").write_bytes(kept)
    assert download(tmp_path / "a", MD5, [f"{server.url}/whole"]) == {}
    assert (tmp_path / "a").read_bytes() == BODY


def test_the_first_digits_of_a_sha256_tell_the_file_too(server: Server, tmp_path: Path) -> None:
    digits = hashlib.sha256(BODY).hexdigest()[:8]
    where = [f"{server.url}/other", f"{server.url}/whole"]
    assert download(tmp_path / "a", digits, where, algorithm="sha256") == {}
    assert (tmp_path / "a").read_bytes() == BODY


def test_without_a_hash_nothing_is_added_to_what_was_kept(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"of another file")
    assert download(tmp_path / "a", "", [f"{server.url}/none", f"{server.url}/whole"]) == {}
    assert (tmp_path / "a").read_bytes() == BODY


def test_each_address_has_its_reason_and_no_wrong_file_stays(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"damaged")
    server.replies["/busy"] = Reply(status=503)
    where = [f"{server.url}/{name}" for name in ("none", "busy", "other")]
    where += ["http://127.0.0.1:9/a", "no address"]
    reasons = download(tmp_path / "a", MD5, where)
    assert list(reasons) == where
    other = hashlib.md5(b"a page").hexdigest()
    for reason, part in zip(
        reasons.values(),
        ("HTTP 404", "HTTP 503", f"another file (md5 {other})", "refused", "unknown url type"),
        strict=True,
    ):
        assert part in reason
    assert not (tmp_path / "a.part").exists()


def test_a_full_disk_is_no_fault_of_the_address(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_receive", full)
    with pytest.raises(DataError, match=r"cannot write .*a\.part: No space left.*--data-dir"):
        download(tmp_path / "a", MD5, [f"{server.url}/whole"])


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_on_a_disk_without_locks_a_killed_download_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", no_locks)
    killed = module._only_one(tmp_path / ".a.lock")
    with killed, module._only_one(tmp_path / ".a.lock"):
        pass
