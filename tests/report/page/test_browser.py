"""The page in a real browser, where there is one: it fits, its style applies, its images show."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# The report stands in a frame of the wanted width (a window cannot be as narrow as a telephone),
# which the page around it measures. srcdoc keeps the report's own policy and gives access to it.
_WRAPPER = """<!doctype html><title>waiting</title>
<iframe style="border:0;width:{width}px;height:900px" srcdoc="{report}" onload="
  const page = this.contentDocument, root = page.documentElement;
  const outside = [...page.querySelectorAll('main *')].filter(e =>
    !e.closest('.scroll') && e.getBoundingClientRect().right > root.clientWidth + 1);
  document.title = JSON.stringify({{
    viewport: root.clientWidth,
    document: root.scrollWidth,
    hidden: [...page.querySelectorAll('[aria-labelledby=fits]')].map(e =>
      e.scrollWidth - e.clientWidth),
    outside: outside.map(e => e.tagName + ' ' + e.className),
    images: [...page.images].filter(i => i.offsetWidth).map(i => i.naturalWidth),
    column: getComputedStyle(page.querySelector('main')).maxWidth,
  }})"></iframe>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_fits_its_window_and_only_containers_scroll(
    report: Path, tmp_path: Path, width: int
) -> None:
    text = (report / "report.html").read_text(encoding="utf-8")
    wrapper = tmp_path / "wrapper.html"
    wrapper.write_text(
        _WRAPPER.format(width=width, report=html.escape(text, quote=True)), encoding="utf-8"
    )
    command = [
        str(CHROMIUM),
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1400,1000",
        "--virtual-time-budget=10000",
        "--dump-dom",
        wrapper.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title, done.stdout[:500]
    seen = json.loads(html.unescape(title[1]))
    assert seen["viewport"] == pytest.approx(width, abs=20)  # a scroll bar may stand beside it
    assert seen["document"] <= seen["viewport"]
    assert seen["outside"] == []
    if width == 1280:
        assert seen["hidden"] == [0]  # pixels of the table of fits: on a desk it is seen whole
    assert len(seen["images"]) == 4
    assert min(seen["images"]) > 300
    assert seen["column"] == "768px"
