"""What the code of today says of a study and of a learning curve, in the form of the golden files.

The one place that knows how to ask: when names or types of the package change, only this file does.
"""

from __future__ import annotations

import contextlib
import math
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

from golden_study import GoldenStudy
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

from sixteenth.analysis import Findings, fit_learning_curve
from sixteenth.language import language_for
from sixteenth.language.en import English
from sixteenth.language.words import Names
from sixteenth.language.zh_hant import TraditionalChinese
from sixteenth.report.discussion import analyse_study
from sixteenth.report.page.build import build_report
from sixteenth.report.page.view import make_page
from tiny_study import FIGURES

PAGE = "sixteenth.report.page.build"
"""The module that builds a report."""
FIT_FIGURE = "sixteenth.report.figures.fit"
LEFT_OUT = frozenset({"run_ids"})
"""Runs are named in the texts too, and would be most of the files."""


@dataclass(frozen=True)
class Said:
    """All that is found in a study: as it is, and for each wanted test error."""

    plain: Findings
    wanted: dict[float, Findings]


def said(study: GoldenStudy) -> Said:
    """The findings of a study."""
    measured, predictions = study.measurements(), study.predictions
    return Said(
        analyse_study(measured, predictions, lever_runs=study.tested),
        {
            error: analyse_study(measured, predictions, target_error=error, lever_runs=study.tested)
            for error in study.targets
        },
    )


def texts(study: GoldenStudy, found: Said) -> dict[str, str]:
    """Everything that is told of a study: the end of a file's name -> the text."""
    plain = found.plain
    english = English(Names.of(plain.models, plain.inits, plain.metric))
    with tempfile.TemporaryDirectory() as folder, _figures(drawn=study.figures) as drawn:
        with contextlib.chdir(folder):  # which the commands of the page name
            build_report(".", study.measurements(), plain, english)
        report, html = (
            _without_version((Path(folder) / f"report.{kind}").read_text("utf-8"))
            for kind in ("md", "html")
        )
    if not study.whole:
        report = _answer_and_discussion(report)
    said = english.advise(plain)
    parts = [report, "<!-- advice -->", said.best]
    parts += [f"- {step.text}" for step in (*said.options, *said.steps)]
    for error, wanted in found.wanted.items():
        advice = english.advise(wanted)
        parts += [f"<!-- advice for a test error of {error:g} -->", advice.best]
        parts += [] if advice.target is None else [advice.target.text]
        parts += [f"- {step.what}" for step in (*advice.options, *advice.steps)]
    if study.whole:
        parts += ["<!-- diagnoses -->", *(english.say(each) for each in plain.diagnoses)]
        parts += dict.fromkeys(f"Rule: {english.rule(each.kind)}." for each in plain.diagnoses)
    for title, lines in drawn:
        parts += [f"<!-- figure: {title} -->", *lines]
    told = {".md": "\n".join(parts).rstrip() + "\n"}
    if study.html:
        told[".html"] = re.sub(
            r"(?s)<style>.*?</style>|<script>.*?</script>|<svg.*?</svg>|sha256-[^']*", "", html
        )
    return told


def chinese_texts(study: GoldenStudy, found: Said) -> str:
    """What is told of a study in Chinese, a sentence or a row a line."""
    plain = found.plain
    language = TraditionalChinese(Names.of(plain.models, plain.inits, plain.metric))
    page = make_page(study.measurements(), plain, language)
    screen = page.screen
    lines = [screen.title, screen.lead, screen.summary, *page.dateline, *page.basis]
    lines += [" | ".join((one.kind, one.what, one.around, one.cost)) for one in screen.cards]
    lines += [each.text for each in screen.cautions]
    for section in language.discuss(plain).sections:
        lines += [f"# {section.title}", *(each.text for each in section.statements)]
        for table in section.tables:
            rows = (" | ".join(cells) for cells, _ in table.rows)
            lines += [f"## {table.title}", " | ".join(table.columns), *rows]
    lines += [f"{fact.name}：{fact.text}" for fact in (*screen.sure, *page.facts)]
    lines += [*page.notes, page.table_caption, page.fit_caption]
    for wanted in found.wanted.values():
        advice = language.advise(wanted)
        lines += [] if advice.target is None else [advice.target.text]
        lines += [step.text for step in (*advice.options, *advice.steps)]
    lines += [language.say(each) for each in plain.diagnoses]
    return "\n".join(line for line in dict.fromkeys(lines) if line) + "\n"


def without_names(text: str) -> str:
    """A text without what is not ours: names of data, files and models, errors, digests."""
    return re.sub(r"(?<=[(（]|：)[\w.]*Error: .*|SHA-256 \w+|[\w/]+\.\w+", "x", text)


def findings(found: Said) -> dict[str, Any]:
    """The numbers and enums that are found in a study.

    Returns:
        sections: key, title and claims; a claim is its strength and its sorted finite numbers.
        options: each with the numbers of its evidence likewise.
        suspects: the first ones, and how many there are.
        targets: what each wanted error takes.
        Everything else is as `to_dict()` gives it, without the keys in `LEFT_OUT`.
    """
    plain = found.plain.to_dict()
    english = English(Names.of(found.plain.models, found.plain.inits, found.plain.metric))
    sections = [
        {
            "key": section["key"],
            "title": english.section_title(whole, expected=found.plain.expect != "none"),
            "claims": [
                [claim["strength"], sorted(set(_numbers(claim)))] for claim in section["findings"]
            ],
        }
        for whole, section in zip(found.plain.sections, plain["sections"], strict=True)
    ]
    options = [
        {
            **{key: option[key] for key in ("kind", "end", "verdict", "measured", "converged")},
            "numbers": sorted(set(_numbers(option))),
        }
        for option in plain["options"]
    ]
    suspects = [*plain["suspects"][:3], len(plain["suspects"])]
    rest = {key: plain[key] for key in ("diagnoses", "missing", "fits")}
    rest |= {"options": options, "suspects": suspects, "advice": plain["advice"]["steps"]}
    rest["targets"] = [one.to_dict()["advice"]["target"] for one in found.wanted.values()]
    return {"sections": sections, **_kept(rest)}


def learning_curve(case: Mapping[str, Any], errors: Sequence[float]) -> str:
    """A fitted curve in words.

    Args:
        case: the arguments of the fit.
        errors: for which required sizes are asked.
    """
    curve = fit_learning_curve(**case)
    english = language_for()
    required = [english.required_size(curve.required_size(error)) for error in errors]
    warnings = [f"* {english.curve_warning(kind, len(curve.sizes))}" for kind in curve.warnings]
    return "\n".join([english.learning_curve(curve), *warnings, *required, ""])


def fit_figure_texts(cases: Mapping[str, Mapping[str, Any]]) -> str:
    """The texts in the figure of these fitted curves, in order."""
    figure_of = import_module(FIT_FIGURE).fit_figure
    fitted = {name: fit_learning_curve(**case) for name, case in cases.items()}
    figure = figure_of(fitted, language_for())
    return "\n".join([*_read(figure), ""])


def _answer_and_discussion(report: str) -> str:
    """These parts of report.md: what differs most between studies."""
    answer = re.split(r"(?m)^(?:!\[|## Discussion)", report)[0]
    discussion = report.partition("## Discussion")[2].partition("## Results")[0]
    return f"{answer.rstrip()}\n\n## Discussion{discussion}"


def _without_version(text: str) -> str:
    return re.sub(r"Made by Sixteenth [^ ]+", "Made by Sixteenth", text)


def _rounded(value: float) -> float:
    return float(f"{value:.10g}")


def _numbers(value: Any) -> Iterator[float]:
    """All finite numbers inside; the names of runs and words are none."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        yield _rounded(float(value))


def _kept(value: Any) -> Any:
    """Plain values without the words for people, and with ten digits."""
    if isinstance(value, Mapping):
        return {key: _kept(item) for key, item in value.items() if key not in LEFT_OUT}
    if isinstance(value, list | tuple):
        return [_kept(item) for item in value]
    return _rounded(value) if isinstance(value, float) else value


def _read(figure: Figure) -> list[str]:
    reader = _Reader(figure)
    figure.draw(reader)
    return [" / ".join(text.splitlines()) for text in reader.texts]


class _Reader(RendererBase):
    """Keeps the texts of a figure in the order of drawing, and draws nothing."""

    def __init__(self, figure: Figure) -> None:
        super().__init__()
        self.size = figure.bbox.size
        self.texts: list[str] = []

    def get_canvas_width_height(self) -> tuple[float, float]:
        return tuple(self.size)

    def points_to_pixels(self, points: float) -> float:
        return points

    def draw_path(self, *_: Any, **__: Any) -> None:
        pass

    draw_markers = draw_path_collection = draw_quad_mesh = draw_image = draw_path

    def draw_text(self, gc: Any, x: float, y: float, s: str, *_: Any, **__: Any) -> None:
        self.texts.append(s)


@contextmanager
def _figures(*, drawn: bool) -> Iterator[list[tuple[str, list[str]]]]:
    """Figures that are saved as SVG are read instead: each one's title and texts, in order.

    Nothing is written to their files. To draw them takes most of a report's time: where they are
    not `drawn`, empty ones stand for them, and the list stays empty.
    """
    found: list[tuple[str, list[str]]] = []

    def read(
        figure: Figure, _: Any, *, format: str, metadata: Mapping[str, Any], **__: Any
    ) -> None:
        if format == "svg" and drawn:
            title = f"{metadata['Title']}, {figure.get_figwidth():.2f} inches"
            found.append((title, _read(figure)))

    def empty(*_: Any, **__: Any) -> Figure:
        return Figure()

    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(Figure, "savefig", read))
        for name in ("inline", "inline_chart"):
            patches.enter_context(mock.patch.object(import_module(PAGE), name, return_value=""))
        if not drawn:
            for place in FIGURES:
                patches.enter_context(mock.patch(place, empty))
        yield found
