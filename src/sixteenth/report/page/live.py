"""The page that follows a running study: its parts, which a browser replaces as they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from ...analysis import Findings
from ...language.base import Language
from ...language.labels import WatchLabels
from ...language.text import plain
from ...spec import RunSpec
from ..figures.inline import inline
from ..figures.panels import METRICS, curve_panels
from ..figures.style import svg
from ..figures.training_curves import training_curves_figure
from .rendering import digest, render, template_text

SECONDS = 3
"""Between two updates of the page."""


@dataclass(frozen=True)
class LiveRun:
    """Where a run stands, as its folder says.

    Attributes:
        changed: of a run of `sixteenth explain`, what it trains otherwise.
        state: one of `language.labels.WatchLabels.states`.
        epoch, epochs: that were saved, and that there will be; None where not known.
        train_accuracy, test_accuracy: the last that were measured, in [0, 1].
        seconds_left: None where not known.
    """

    run: RunSpec
    state: str = "waiting"
    epoch: int | None = None
    epochs: int | None = None
    train_accuracy: float | None = None
    test_accuracy: float | None = None
    seconds_left: float | None = None
    changed: str = ""
    so_far: bool = False
    """It is not at its end, and counts as it was when last measured (`epochs: auto`)."""

    @property
    def is_done(self) -> bool:
        """Whether it is finished or failed."""
        return self.state in ("finished", "failed")


def state_part(
    runs: Sequence[LiveRun],
    lever_runs: Sequence[LiveRun],
    seconds_left: float | None,
    language: Language,
) -> str:
    """The runs of a study and those that test its reasons, as tables under headlines, as HTML.

    Args:
        seconds_left: that the study's own runs still take. When the others are done is not known:
            those that have not begun are not known here.
    """
    words, numbers = language.watch, language.numbers
    done = sum(one.is_done for one in runs)
    headline = [words.done.format(done=done, planned=len(runs))]
    trained = any(one.state == "running" for one in runs)
    if trained and seconds_left is not None:
        headline.append(words.left.format(numbers.duration(seconds_left)))
    elif done < len(runs) and not any(one.state == "running" for one in (*runs, *lever_runs)):
        headline.append(words.idle)
    tables = [_table(runs, language, language.page.results, headline)]
    if lever_runs:
        done = sum(one.is_done for one in lever_runs)
        headline = [words.tests_done.format(done=done, planned=len(lever_runs))]
        tables.append(_table(lever_runs, language, words.tests, headline))
    return _part("state", language, tables=tables)


def _table(
    runs: Sequence[LiveRun], language: Language, title: str, headline: list[str]
) -> dict[str, object]:
    words, numbers = language.watch, language.numbers
    rows = [
        {
            "changed": one.changed,
            "model": language.model(one.run.model),
            "init": language.init(one.run.strategy),
            "fraction": numbers.fraction(one.run.fraction),
            "seed": one.run.seed,
            "state": one.state,
            "epoch": words.epoch.format(epoch=one.epoch, epochs=one.epochs)
            if one.epoch is not None and one.epochs is not None
            else numbers.count(one.epoch),
            "train": numbers.percent(one.train_accuracy),
            "test": numbers.percent(one.test_accuracy),
            "left": numbers.duration(one.seconds_left),
        }
        for one in runs
    ]
    return {
        "title": title,
        "headline": headline,
        "rows": rows,
        "inits": len({one.run.strategy for one in runs}),
        "tests": any(one.changed for one in runs),
    }


def answer_part(
    runs: Sequence[LiveRun],
    lever_runs: Sequence[LiveRun],
    findings: Findings | None,
    language: Language,
) -> str:
    """What the finished runs say so far, and that it is not final, as HTML.

    Args:
        runs, lever_runs: the study's own, and those that test its reasons.
        findings: of them; None where none has a result.
    """
    title, sentences = "", list[str]()
    if findings is not None:
        title, *sentences = language.opening(findings)
    final = all(one.is_done for one in (*runs, *lever_runs))
    note = _how_final(runs, lever_runs, language.watch)
    return _part("answer", language, note=note, final=final, title=title, sentences=sentences)


def _how_final(runs: Sequence[LiveRun], lever_runs: Sequence[LiveRun], words: WatchLabels) -> str:
    """Whether an answer may still change: how many runs are finished, or failed."""
    states = [one.state for one in runs]
    finished, failed = states.count("finished"), states.count("failed")
    if finished and finished + failed == len(runs) and not all(one.is_done for one in lever_runs):
        return words.tests_open
    if failed and finished + failed == len(runs):
        return words.ended.format(failed=failed, planned=len(runs))
    if not finished and not any(one.so_far for one in runs):
        return words.no_answer
    if finished < len(runs):
        return words.not_final.format(done=finished, planned=len(runs))
    return words.final


def curves_part(histories: pd.DataFrame, results: pd.DataFrame, language: Language) -> str:
    """The training curves of all runs, as far as they were saved, as HTML.

    Args:
        histories, results: as in `Measurements`.
    """
    figures = []
    for metric in METRICS if len(histories) else ():
        title = language.page.titles[f"{metric}-curves"]
        grid = curve_panels(histories, results, metric=metric, unfinished=True)
        panels = grid.panels.values()
        alt = language.captions.curves_alt(
            metric,
            grid.axes.rows,
            [fraction for fraction, _ in grid.axes.fractions],
            shown=sum(len(panel.curves) for panel in panels),
            planned=sum(panel.runs for panel in panels),
        )
        drawn = [title]
        for narrow in (False, True):
            figure = training_curves_figure(
                histories, results, metric=metric, language=language, narrow=narrow, grid=grid
            )
            drawn.append(inline(svg(figure, title), f"{metric}-curves-{len(drawn)}", alt))
        figures.append(drawn)
    return _part("curves", language, figures=figures)


def note_part(text: str, language: Language) -> str:
    """A text that stands there alone, as HTML."""
    return _part("note", language, text=text)


def trouble_part(message: str, language: Language) -> str:
    """Why the page is not up to date, as HTML."""
    return _part("trouble", language, message=plain(message))


def live_page(name: str, parts: dict[str, str], language: Language) -> tuple[bytes, str]:
    """The whole page, and the Content-Security-Policy that it is to be sent with.

    Args:
        name: the study's.
        parts: HTML by the `id` of the element that holds it.
    """
    style = template_text("report.css") + template_text("watch.css")
    script = template_text("watch.js").replace("SECONDS", str(SECONDS))
    policy = (
        f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(script)}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    values = {
        "part": "page",
        "name": plain(name),
        "words": language.watch,
        "lang": language.tag,
        "seconds": SECONDS,
        "style": Markup(style),
        "script": Markup(script),
        "parts": {key: Markup(html) for key, html in parts.items()},
    }
    return render("watch.html.j2", values), policy


def _part(name: str, language: Language, **values: object) -> str:
    shared = {
        "part": name,
        "words": language.watch,
        "page": language.page,
        "terminal": language.terminal,
        "figure_words": language.figures,
    }
    return render("watch.html.j2", shared | values).decode().strip()
