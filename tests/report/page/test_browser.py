"""The page in a real browser: it fits, the answer comes first, what moves can be moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, Browser
from invented import Invented

from sixteenth.language import language_for
from sixteenth.report.discussion import analyse_study

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

AXE = Path(__file__).parents[3] / "node_modules/axe-core/axe.min.js"
SERIOUS = ("serious", "critical")
WAYS = {
    "desk": {"width": 1280},
    "telephone": {"width": 360},
    "paper": {"width": 700, "media": "print"},
    "desk without scripts": {"width": 1280, "scripts": False},
    "telephone without scripts": {"width": 360, "scripts": False},
    "telephone in the dark": {"width": 360, "dark": True},
}

# Boxes beyond the window, and text that its own box cuts off.
OUTSIDE = """
(() => {
  const root = document.documentElement, shown = [...document.querySelectorAll('main *')].filter(
    e => e.getClientRects().length && !e.closest('.scroll') && !e.closest('svg'));
  const name = e => e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 40);
  return {
    scrolls: root.scrollWidth - root.clientWidth,
    outside: shown.filter(e => e.getBoundingClientRect().right > root.clientWidth + 1).map(name),
    clipped: shown.filter(e => getComputedStyle(e).overflowX !== 'visible' &&
      !e.matches('.dateline') && e.scrollWidth > e.clientWidth + 1).map(name),
  };
})()
"""
FIRST = """
['h1', '.cards', '.card:last-child', '.plot svg', '.aim'].map(one => {
  const shown = [...document.querySelectorAll(one)].find(e => e.getClientRects().length);
  return shown ? Math.round(shown.getBoundingClientRect().bottom) : -1;
})
"""


@pytest.fixture(scope="module")
def pages(
    report: Path, study: Invented, made_once: Callable[[str, Callable[[Path], object]], Path]
) -> dict[str, Path]:
    """The page of the invented study in each language."""

    def make(folder: Path) -> None:
        study.page(folder, "zh-Hant")

    return {
        "en": report / "report.html",
        "zh-Hant": made_once("study-in-chinese", make) / "report.html",
    }


@pytest.mark.parametrize(
    ("tag", "way"),
    [("en", way) for way in WAYS] + [("zh-Hant", way) for way in ("desk", "telephone", "paper")],
)
def test_nothing_is_wider_than_the_window_or_cut_off(
    pages: dict[str, Path], browser: Browser, tag: str, way: str
) -> None:
    ways: dict[str, Any] = WAYS[way]
    browser.open(pages[tag], **ways)
    for folded in (True, False):
        if not folded:
            browser.js("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        assert browser.js(OUTSIDE) == {"scrolls": 0, "outside": [], "clipped": []}


def test_a_long_interval_stays_in_its_card_on_a_telephone(report: Path, browser: Browser) -> None:
    browser.open(report / "report.html", width=360)
    browser.js("""
    document.querySelectorAll('.card .around').forEach(
      e => { e.textContent = 'measured, −17.9 to −10.1 (95%)'; })
    """)
    assert browser.js(OUTSIDE) == {"scrolls": 0, "outside": [], "clipped": []}


def test_a_command_breaks_between_its_words_on_a_telephone(report: Path, browser: Browser) -> None:
    browser.open(report / "report.html", width=360)
    browser.js("""
    document.querySelector('.cautions code').innerHTML =
      document.querySelector('.cautions code').innerHTML.repeat(4)
    """)
    lines = browser.js("""
    [...document.querySelectorAll('.cautions code span')].map(one => {
      const range = document.createRange();
      range.selectNodeContents(one);
      return [one.textContent, range.getClientRects().length];
    })
    """)
    assert any("-" in word for word, _ in lines)
    assert all(broken == 1 for word, broken in lines if len(word) < 40), lines
    assert browser.js(OUTSIDE) == {"scrolls": 0, "outside": [], "clipped": []}


@pytest.mark.parametrize(("tag", "scripts"), [("en", True), ("en", False), ("zh-Hant", True)])
def test_verdict_cards_and_figure_are_in_the_first_screen(
    pages: dict[str, Path], browser: Browser, tag: str, scripts: bool
) -> None:
    browser.open(pages[tag], scripts=scripts)
    bottoms = browser.js(FIRST)
    assert all(0 < bottom <= 900 for bottom in bottoms), bottoms


@pytest.mark.parametrize("tag", ["en", "zh-Hant"])
def test_a_telephone_shows_the_verdict_and_all_cards_first(
    pages: dict[str, Path], browser: Browser, tag: str
) -> None:
    browser.open(pages[tag], width=360)
    assert all(0 < bottom <= 700 for bottom in browser.js(FIRST)[:3])


@pytest.mark.parametrize("width", [360, 768])
def test_the_line_of_the_making_is_there_on_a_small_screen_too(
    report: Path, browser: Browser, width: int
) -> None:
    browser.open(report / "report.html", width=width)
    assert browser.js("document.querySelector('.dateline').offsetHeight") > 0


def test_words_in_a_table_stand_below_their_heading(report: Path, browser: Browser) -> None:
    browser.open(report / "report.html")
    browser.js("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    lefts = """
    [...document.querySelectorAll('td.text')].map(cell => {
      const words = one => {
        const range = document.createRange();
        range.selectNodeContents(one);
        return Math.round(range.getBoundingClientRect().left);
      };
      const heads = cell.closest('table').tHead.rows[0].cells;
      return [words(cell), words(heads[cell.cellIndex])];
    })
    """
    found = browser.js(lefts)
    assert found
    assert all(cell == head for cell, head in found), found


def test_the_line_moved_by_keyboard_says_what_advise_says(
    report: Path, study: Invented, browser: Browser
) -> None:
    browser.open(report / "report.html")
    browser.js("document.getElementById('aim').focus()")
    before = browser.js("document.querySelector('.target').getAttribute('transform')")
    for _ in range(3):
        browser.press("ArrowRight")
    assert browser.js("document.querySelector('.target').getAttribute('transform')") != before
    said = browser.js("document.getElementById('aim-text').textContent")
    index = "document.getElementById('aim').value"
    accuracy = browser.js(
        f"Number(document.querySelectorAll('#aims li')[{index}].dataset.accuracy)"
    )
    error = round(1 - accuracy, 6)
    findings = analyse_study(study.measurements(), None, target_error=error)
    assert findings.advice.target is not None
    assert said == f"{language_for(findings).screen.target(findings.advice.target)}."
    assert browser.js("document.getElementById('aim').getAttribute('aria-valuetext')") + "." == said


def test_the_line_follows_the_pointer(report: Path, browser: Browser) -> None:
    browser.open(report / "report.html")
    box = browser.js(
        "(b => [b.left, b.top, b.width, b.height])"
        "(document.querySelector('.plot .wide svg').getBoundingClientRect())"
    )
    said = []
    for part in (0.3, 0.6):
        browser.click(box[0] + 0.5 * box[2], box[1] + part * box[3])
        said.append(browser.js("Number(document.getElementById('aim').value)"))
    assert said[0] > said[1]


def test_a_line_that_would_stand_beyond_the_axis_is_an_arrow_at_its_edge(
    report: Path, browser: Browser
) -> None:
    browser.open(report / "report.html")
    shown = "getComputedStyle(document.querySelector('.plot .target .line')).display !== 'none'"
    side = "document.querySelector('.plot .target').getAttribute('class').replace('target', '')"
    highest = browser.js("Number(document.querySelector('.plot svg').dataset.high)")
    wanted = browser.js("[...document.querySelectorAll('#aims li')].map(e => e.dataset.accuracy)")
    assert browser.js(f"[{side}, {shown}]") == ["", True]
    assert float(wanted[-1]) > highest
    browser.js("document.getElementById('aim').focus()")
    browser.press("End")
    assert browser.js(f"[{side}.trim(), {shown}]") == ["above", False]
    browser.js("document.querySelector('.plot svg').dataset.low = 0.99")
    browser.press("Home")
    assert browser.js(f"[{side}.trim(), {shown}]") == ["below", False]


@pytest.mark.parametrize("with_line", [True, False])
def test_a_finger_scrolls_the_page_by_the_figure_and_moves_the_line_by_the_line(
    report: Path, browser: Browser, with_line: bool
) -> None:
    browser.open(report / "report.html", width=390)
    value = "Number(document.getElementById('aim').value)"
    place = """(one => {
      one.scrollIntoView({ block: 'center' });
      const box = one.getBoundingClientRect();
      return [box.left + 0.3 * box.width, box.top, box.height, scrollY];
    })(document.querySelector('.plot .narrow %s'))"""
    x, y, _, scrolled = browser.js(place % ".target .hold")
    before = browser.js(value)
    if with_line:
        browser.drag(x, y + 10, 60)  # a finger seldom meets a line of a pixel
        assert browser.js("scrollY") == scrolled
        assert browser.js(value) < before
        before = browser.js(value)
    else:
        browser.js("document.querySelectorAll('.target').forEach(e => e.remove())")
    x, y, height, scrolled = browser.js(place % "svg")
    browser.drag(x, y + 0.7 * height, -200)
    assert browser.js("scrollY") > scrolled + 50
    assert browser.js(value) == before


def test_marks_say_their_values_to_the_keyboard(report: Path, browser: Browser) -> None:
    browser.open(report / "report.html")
    browser.js("document.querySelector('.plot .wide .spot').focus()")
    first = browser.js("document.getElementById('point').textContent")
    browser.press("ArrowRight")
    second = browser.js("document.getElementById('point').textContent")
    assert "images: " in first
    assert "images: " in second
    assert first != second


def test_without_scripts_nothing_is_shown_that_needs_one(report: Path, browser: Browser) -> None:
    browser.open(report / "report.html", scripts=False)
    shown = "[...document.querySelectorAll('input, button, .point')].filter(e => e.offsetWidth)"
    assert browser.js(f"{shown}.length") == 0
    assert browser.js("document.getElementById('aim-text').textContent").strip() != ""


def test_all_that_is_folded_is_printed(report: Path, browser: Browser) -> None:
    browser.open(report / "report.html", media="print", scripts=False)
    heights = browser.js(
        "[...document.querySelectorAll('details:not(.aims) > :last-child')]"
        ".map(e => e.offsetHeight)"
    )
    assert heights
    assert min(heights) > 0


@pytest.mark.skipif(not AXE.is_file(), reason="no axe-core here: npm install --no-save axe-core")
@pytest.mark.parametrize("way", ["desk", "telephone in the dark"])
def test_axe_finds_no_serious_problem(report: Path, browser: Browser, way: str) -> None:
    ways: dict[str, Any] = WAYS[way]
    browser.open(report / "report.html", **ways)
    browser.js("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    browser.js(AXE.read_text("utf-8") + ";0")
    found = browser.js(
        "axe.run().then(r => r.violations.map(v => [v.impact, v.id, v.nodes.length, "
        "v.nodes[0].html.slice(0, 200), v.nodes[0].failureSummary]))"
    )
    assert [one for one in found if one[0] in SERIOUS] == []
