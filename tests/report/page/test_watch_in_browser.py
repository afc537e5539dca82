"""The page that follows a study, in a real browser, while the study is trained."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser

from sixteenth.cli.watch import follow
from sixteenth.cli.watch.server import WatchServer, address, listen, new_token
from sixteenth.report.page import live
from sixteenth.spec import dump_spec, parse_spec
from sixteenth.storage.study_folder import StudyFolder
from tiny_study import training
from written_study import begin, finish

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

EPOCH = "(e => e ? e.textContent : '')(document.querySelector('tr.running td.epoch'))"
UPDATES = "performance.getEntriesByType('resource').filter(one => one.name.endsWith('/now')).length"
TABLE = "document.querySelector('#state .scroll')"


def test_a_page_to_which_nothing_happens_stays_as_it_came(
    tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen reader would read the answer again."""
    for module in (live, follow):
        monkeypatch.setattr(module, "SECONDS", 0.2)
    monkeypatch.setattr(follow, "PATIENCE", 60.0)
    given = {"data": "pets", "models": ["small"], "fractions": [1], "seeds": [0, 1]}
    spec = parse_spec({**given, "lengths": ["1"]})
    folder = StudyFolder(tmp_path)
    folder.spec_path.write_text(dump_spec(spec), "utf-8")
    finished, begun = spec.runs()
    finish(folder.run(finished.run_id), finished, 0.7)
    begin(folder.run(begun.run_id), begun, 3)
    with listen() as listening:
        token = new_token()
        server = WatchServer(listening, token, tmp_path)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        browser.open(address(listening, token), width=400)
        browser.js(
            "changes = []; new MutationObserver(all => changes.push(...all.map(e => e.target.id)))"
            ".observe(document.querySelector('main'), {childList: true, subtree: true})"
        )
        until = time.monotonic() + 20
        while browser.js(UPDATES) < 3 and time.monotonic() < until:
            time.sleep(0.05)
        assert browser.js(UPDATES) >= 3
        assert "70.0%" in browser.js("document.getElementById('answer').textContent")
        assert browser.js("document.querySelectorAll('figure .narrow svg').length") == 2
        assert browser.js("changes.join()") == ""
        (folder.run(begun.run_id).path / "history.csv").write_text("<script>", "utf-8")
        while browser.js("changes.join()") == "" and time.monotonic() < until:
            time.sleep(0.05)
        assert browser.js("changes.join()") == "trouble"
        trouble = browser.js("document.querySelector('[role=status]:not([hidden])').textContent")
        assert "history.csv" in trouble
        server.shutdown()


def test_the_browser_sees_an_epoch_arrive(
    tiny_folder: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (live, follow):
        monkeypatch.setattr(module, "SECONDS", 0.3)
    words = ["run", "tiny.yaml", "--set", "models=[tiny_models:slow]"]
    words += ["--set", "fractions=['150 images']", "--threads", "1", "--workers", "1"]
    folder = tiny_folder / "studies" / "tiny"
    begun = lambda: list(folder.glob("runs/*/history.csv"))  # noqa: E731
    with training([*words, "--set", "train.epochs=50"], begun) as run, listen() as listening:
        token = new_token()
        server = WatchServer(listening, token, folder)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(address(listening, token), width=400)
        seen: list[str] = []
        until = time.monotonic() + 60
        while len(seen) < 2 and time.monotonic() < until:
            now = browser.js(EPOCH)
            if now not in ("", *seen):
                seen.append(now)
                if len(seen) == 1:
                    browser.js(f"{TABLE}.focus(); {TABLE}.scrollLeft = 20; {TABLE}.id = 'old'")
            time.sleep(0.1)
        assert run.returncode is None
        assert len(seen) == 2, browser.js("document.body.innerText")
        assert all(each.endswith(" of 50") for each in seen)
        assert browser.js("document.querySelectorAll('figure .narrow svg').length") == 2
        assert "No run is finished yet" in browser.js("document.body.innerText")
        assert browser.js(f"{TABLE}.id") == "", "it was replaced"
        assert browser.js(f"{TABLE}.scrollLeft") == 20
        assert browser.js(f"document.activeElement === {TABLE}")
        assert browser.js("document.getElementById('answer').ariaLive") == "polite"
        alt = browser.js("document.querySelector('figure .narrow svg').ariaLabel")
        assert alt.endswith("1 of 1 runs have curves.")
        root = "document.documentElement"
        assert browser.js(f"{root}.scrollWidth - {root}.clientWidth") == 0
        server.shutdown()
    until = time.monotonic() + 30
    while browser.js("document.getElementById('lost').hidden") and time.monotonic() < until:
        time.sleep(0.1)
    assert not browser.js("document.getElementById('lost').hidden")
