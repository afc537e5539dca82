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
from tiny_study import training

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

EPOCH = "(e => e ? e.textContent : '')(document.querySelector('tr.running td.epoch'))"
TABLE = "document.querySelector('#state .scroll')"


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
