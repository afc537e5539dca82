"""The page that follows a study: who gets it, what it says, and that it leaves the folder alone."""

from __future__ import annotations

import http.client
import json
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from followed_study import look, runs_of, text

from sixteenth import InputError
from sixteenth.cli.watch import beside, drawing, follow
from sixteenth.cli.watch.beside import page_beside
from sixteenth.cli.watch.server import WatchServer, hosts_of, listen
from sixteenth.errors import RunError
from sixteenth.language import language_for
from sixteenth.report.page.live import LiveRun, answer_part
from sixteenth.storage.lease import BEAT, PLACE, Lease
from sixteenth.storage.run_facts import Metrics
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.study_folder import StudyFolder
from tiny_study import Command, command
from written_study import begin

pytestmark = pytest.mark.usefixtures("patience")

TOKEN = "a-token"


@contextmanager
def served(folder: Path) -> Iterator[WatchServer]:
    with listen() as listening:
        server = WatchServer(listening, TOKEN, folder)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: WatchServer, path: str = f"/{TOKEN}/", method: str = "GET", **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    port = server.server_address[1]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value.format(port=port))
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.read(), answer.headers
    connection.close()
    return found


def finished(record: RunRecord) -> RunRecord:
    ended = record.as_finished(
        Metrics(test_accuracy=0.25, train_accuracy=0.5, epoch=9, steps=90),
        train_flops=1.0,
        seconds=90.0,
        evaluation_seconds=0.0,
        images_per_second=64.0,
        peak_memory_bytes=None,
    )
    return ended.model_copy(update={"train_size": 640})


REFUSED = {
    "no token": {"path": "/"},
    "another token": {"path": "/another/"},
    "a token that begins alike": {"path": f"/{TOKEN}x/"},
    "a token in letters beyond ASCII": {"path": "/%C3%A4/"},
    "no slash": {"path": f"/{TOKEN}"},
    "a file": {"path": f"/{TOKEN}/study.yaml"},
    "a file above": {"path": f"/{TOKEN}/../study.yaml"},
    "another host": {"Host": "evil.example:{port}"},
    "another port": {"Host": "127.0.0.1:1"},
    "a host without a port": {"Host": "localhost"},
    "another origin": {"Origin": "http://evil.example"},
    "another port as origin": {"Origin": "http://127.0.0.1:1"},
    "no origin": {"Origin": "null"},
    "the other name as origin": {"Origin": "http://localhost:{port}"},
    **{name: {"method": name} for name in ("POST", "PUT", "HEAD", "OPTIONS", "DELETE", "CONNECT")},
}


def test_only_a_request_of_the_page_itself_gets_anything(
    place: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow.Follower, "parts", lambda _: {"state": "secret"})
    with served(place.path) as server:
        for name, request in REFUSED.items():
            status, content, headers = ask(server, **request)
            assert (status, content, headers["Server"]) == (403, b"", None), name
        origin = {"Origin": "http://localhost:{port}", "Host": "localhost:{port}"}
        for allowed in ({}, origin, {"path": f"/{TOKEN}/now"}):
            status, content, headers = ask(server, **allowed)
            assert (status, b"secret" in content) == (200, True)
            assert headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_a_browser_need_not_name_the_usual_port(
    place: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow.Follower, "parts", lambda _: {"state": "secret"})
    with served(place.path) as server:
        server.hosts = hosts_of(80)
        for name in ("127.0.0.1", "localhost", "127.0.0.1:80"):
            assert ask(server, Host=name, Origin=f"http://{name}")[0] == 200
        assert ask(server, Host="127.0.0.1", Origin="http://localhost")[0] == 403
        assert ask(server, Host="evil.example", Origin="http://evil.example")[0] == 403


def test_the_server_listens_on_this_machine_only() -> None:
    with listen() as listening:
        place, port = listening.getsockname()
        assert place == "127.0.0.1"
        with pytest.raises(InputError, match="--port"):
            listen(port)


def test_epochs_arrive_and_time_left_is_told(place: StudyFolder) -> None:
    first, second = runs_of(place)
    folder = place.run(first.run_id)
    follower = follow.Follower(place.path)
    assert "0 of 2 runs done · no run is being trained" in look(follower)["state"]
    with Lease.acquire(folder.path):
        begin(folder, first, 1)
        assert "running 1 of 9 25.0% 50.0%" in look(follower)["state"]
        begin(folder, first, 3)
        said = look(follower)
        assert "running 3 of 9" in said["state"]
        # Six epochs of this run and nine of the other, of ten seconds each.
        assert re.search(r"about 2 min (2[5-9]|3[0-5]) s left", said["state"])
        assert said["answer"] == "The answer so far No run is finished yet."
        assert follower.parts()["curves"].count("<svg") == 4  # wide and narrow
        assert "waiting" in said["state"]
    begin(place.run(second.run_id), second, 2)
    assert look(follower)["state"].count("stopped unexpectedly 3 of 9") == 1


@pytest.mark.usefixtures("no_figures")
def test_a_run_whose_writer_is_silent_is_not_called_running(
    place: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = runs_of(place)
    folder = place.run(first.run_id)
    now = 0.0
    monkeypatch.setattr("sixteenth.storage.lease.time.monotonic", lambda: now)
    begin(folder, first, 2)
    (folder.path / PLACE / "token").mkdir(parents=True)
    beat = {"count": 1, "seconds": 60, "pid": 1, "host": "another machine", "since": ""}
    (folder.path / PLACE / "token" / BEAT).write_text(json.dumps(beat), "utf-8")
    follower = follow.Follower(place.path)
    assert "running 2 of 9" in look(follower)["state"]
    now = 61.0
    assert "stopped unexpectedly 2 of 9" in look(follower)["state"]


@pytest.mark.usefixtures("no_figures")
def test_the_answer_is_called_not_final_until_all_runs_are_finished(place: StudyFolder) -> None:
    follower = follow.Follower(place.path)
    for done, run in enumerate(runs_of(place), 1):
        record = begin(place.run(run.run_id), run, 9)
        place.run(run.run_id).write_record(finished(record))
        said = look(follower)["answer"]
        assert ("Not final: 1 of 2 runs" in said) == (done == 1)
        assert ("All runs are finished." in said) == (done == 2)
        assert "25.0%" in said


@pytest.mark.usefixtures("no_figures")
def test_the_answer_too_knows_that_a_run_was_killed(place: StudyFolder) -> None:
    """No file changes then."""
    first, second = runs_of(place)
    place.run(first.run_id).write_record(finished(begin(place.run(first.run_id), first, 9)))
    begin(place.run(second.run_id), second, 2)
    follower = follow.Follower(place.path)
    with Lease.acquire(place.run(second.run_id).path):
        assert "1 of 2 runs is still running" in look(follower)["answer"]
    said = look(follower)
    assert "stopped unexpectedly 2 of 9" in said["state"]
    assert "still running" not in said["answer"]
    assert "1 of 2 runs is missing" in said["answer"]


@pytest.mark.usefixtures("no_figures")
def test_where_all_runs_have_ended_nothing_is_said_to_come(place: StudyFolder) -> None:
    follower = follow.Follower(place.path)
    for failed, run in enumerate(runs_of(place), 1):
        record = begin(place.run(run.run_id), run, 2)
        place.run(run.run_id).write_record(record.as_failed(RunError("out of memory")))
        said = look(follower)["answer"]
        assert ("No run is finished yet." in said) == (failed == 1)
        assert ("All runs have ended: 2 of 2 failed." in said) == (failed == 2)


@pytest.mark.parametrize(
    ("tag", "note"),
    [
        ("en", "All runs have ended: 1 of 3 failed."),
        ("zh-Hant", "所有訓練都已結束，3 次中有 1 次失敗。"),
    ],
)
def test_runs_that_failed_are_counted_beside_those_that_are_finished(
    place: StudyFolder, tag: str, note: str
) -> None:
    (run, _), language = runs_of(place), language_for(tag=tag)
    states = ["finished", "failed", "finished"]
    html = answer_part([LiveRun(run, state) for state in states], [], None, language)
    assert note in text(html)
    assert "not-final" not in html
    html = answer_part([LiveRun(run, state) for state in [*states, "silent"]], [], None, language)
    assert "not-final" in html


def test_watching_changes_nothing_in_the_folder(place: StudyFolder) -> None:
    first, _ = runs_of(place)
    begin(place.run(first.run_id), first, 2)

    def state() -> dict[str, tuple[int, bytes]]:
        found = sorted(place.path.rglob("*"))
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in [place.path, *found]
        }

    before = state()
    with served(place.path) as server:
        assert ask(server)[0] == ask(server, f"/{TOKEN}/now")[0] == 200
    assert state() == before


@pytest.mark.usefixtures("no_figures")
def test_names_stay_text(place: StudyFolder) -> None:
    follower = follow.Follower(place.path)
    follower.parts()
    page, _ = follower.page()
    assert b"Pets &lt;b&gt;" in page
    assert b"Pets <b>" not in page


def test_to_draw_takes_a_small_part_of_the_time(
    place: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower, now, drawn = follow.Follower(place.path), 0.0, []
    (first, _), folder = runs_of(place), place.run(runs_of(place)[0].run_id)

    def slow(*_: object) -> None:
        nonlocal now
        drawn.append(now)
        now += 5.0

    monkeypatch.setattr(drawing.time, "monotonic", lambda: now)
    monkeypatch.setattr(drawing.time, "thread_time", lambda: now)
    monkeypatch.setattr(drawing.Drawing, "_draw", slow)
    for epoch in range(1, 7):
        begin(folder, first, epoch)
        assert f" {epoch} of 9" in text(follower.parts()["state"])
        now += 15.0
    assert drawn == [0.0, 50.0]


def test_the_table_goes_on_while_the_answer_and_the_curves_are_drawn(
    place: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, _), drawn, go_on = runs_of(place), [], threading.Event()

    def slow(*_: object) -> None:
        drawn.append("begun")
        go_on.wait(60)

    monkeypatch.setattr(drawing.Drawing, "_draw", slow)
    monkeypatch.setattr(follow, "PATIENCE", 0.2)
    follower, said = follow.Follower(place.path), ""
    for epoch in (1, 2):
        begin(place.run(first.run_id), first, epoch)
        until = time.monotonic() + 20
        while f" {epoch} of 9" not in said and time.monotonic() < until:
            said = look(follower)["state"]
        assert f" {epoch} of 9" in said
    go_on.set()
    assert drawn == ["begun"]


def test_a_folder_without_a_study_is_refused(sixteenth: Command, tmp_path: Path) -> None:
    ended = sixteenth("watch", str(tmp_path))
    assert ended.code == 2
    assert "no study in" in ended.err


def test_the_page_beside_a_training_has_a_process_of_its_own_that_ends_with_it(
    place: StudyFolder,
) -> None:
    with page_beside(place.path) as where:
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/[\w-]{43}/", where)
        assert found is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
        connection.request("GET", "/")
        assert connection.getresponse().status == 403
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=5).request("GET", "/")


@pytest.mark.parametrize(
    ("wanted", "where", "said"),
    [
        (True, "http://here/", "sixteenth: watch at http://here/"),
        (True, "", "sixteenth: the page of --watch did not start"),
        (False, "http://here/", ""),
    ],
)
def test_a_command_with_watch_says_where_its_page_is(
    wanted: bool,
    where: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(beside, "page_beside", lambda *_: nullcontext(where))
    with beside.watched(Path("study"), "en", wanted=wanted):
        assert capsys.readouterr().err.strip() == said


def test_ctrl_c_ends_the_page_cleanly(place: StudyFolder) -> None:
    with command(["watch", str(place.path)], place.path.parent) as process:
        process.wait_for(lambda: process.out.endswith("/\n"))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{43}/\n", out)
