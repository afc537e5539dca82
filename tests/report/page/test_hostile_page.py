"""A report of hostile names in a real browser: no script runs and no request leaves."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser
from invented import invented_study


class Visited(ThreadingHTTPServer):
    """A web server of this machine that keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Visited

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def listening() -> Iterator[Visited]:
    with Visited() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server(listening: Visited) -> Visited:
    """One that was asked for nothing yet."""
    listening.asked.clear()
    return listening


def payloads(url: str) -> list[str]:
    """What would change the page's title, or ask the server for something."""
    act = f"document.title='acted';fetch('{url}/fetched')"
    return [
        f"<script>{act}</script>",
        f"</title></style><script src={url}/script.js></script>",
        f'"><img src={url}/image.png onerror="{act}">',
        f"</pre></dd></td><svg onload={act}><image href={url}/svg.png /></svg>",
        f"<link rel=stylesheet href={url}/style.css><iframe src={url}/frame></iframe>",
        f"<meta http-equiv=refresh content='0;url={url}/refreshed'>",
        f"{{{{ 7*7 }}}}<base href={url}/><a href='javascript:{act}' ping={url}/ping autofocus>x",
        f"![x]({url}/markdown.png) <style>body{{background:url({url}/css.png)}}</style>",
    ]


@pytest.fixture(scope="module")
def page(listening: Visited, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which every name that a user or a stranger can choose is hostile."""
    names = payloads(listening.url)
    study = invented_study(
        models=("resnet18", f"lab.nets:{names[0]}{names[3]}"),
        name=" ".join(names),
        failed=(),
        missing=(),
        seeds=(0,),
    )
    study.spec["data"] = study.spec["data_name"] = names[6]
    for run in study.runs:
        run["data"] |= {"classes": names, "name": names[1], "source": names[2]}
        run["environment"] |= {"cpu": names[4], "platform": names[5], "torch": names[0]}
        run["execution"]["device"] = names[3]
        run["data_checks"] = {"leaked_test_images": 1, "examples": names, "skipped": names}
    run = study.runs[0]
    run |= {"status": "failed", "error": {"type": names[0], "message": names[2]}}
    study.results.loc[0, ["status", "error"]] = ["failed", f"{names[0]}: {names[2]}"]
    return replace(study, predictions={}).page(tmp_path_factory.mktemp("hostile"))


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_no_script_runs_and_no_request_leaves_a_hostile_report(
    page: Path, browser: Browser, server: Visited
) -> None:
    assert server.url in page.read_text("utf-8"), "the payloads stand in the page"
    shown = browser.html_after(page, 10)
    title = re.search(r"<title>(.*?)</title>", shown, re.DOTALL)
    assert title is not None
    assert title[1] != "acted"
    assert "Sixteenth" in title[1]
    assert server.asked == []


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_even_names_that_were_not_escaped_would_be_held_by_the_policy(
    page: Path, browser: Browser, tmp_path: Path, server: Visited
) -> None:
    policy = re.search(
        r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", page.read_text("utf-8")
    )
    assert policy is not None
    # A navigation is no request of the page's parts: no policy in a page can forbid it.
    bare = "".join(part for part in payloads(server.url) if "refresh" not in part)
    unescaped = tmp_path / "bare.html"
    unescaped.write_text(f"<head>{policy[0]}<title>quiet</title></head>{bare}", encoding="utf-8")
    assert "<title>quiet</title>" in browser.html_after(unescaped, 10)
    assert server.asked == []
    unescaped.write_text(f"<head><title>quiet</title></head>{bare}", encoding="utf-8")
    assert "<title>acted</title>" in browser.html_after(unescaped, 10)
    assert server.asked, "without the policy the payloads do act"
