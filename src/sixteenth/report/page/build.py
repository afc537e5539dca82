"""The report of a study, from its tables: report.html, report.md and figures/ in its folder.

Everything is made in memory first and put in place by renames, report.html last: when anything
fails, the files of the last report stay as they were.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from ... import __version__
from ...analysis import Findings, bands, cells
from ...analysis.stats.spread import LEVEL
from ...errors import SixteenthError
from ...language import language_for
from ...language.base import Language
from ...language.captions import CurveMetric, CurvesShown
from ...language.commands import step_command, typed
from ...storage.run_record import RunRecord
from ...storage.study_folder import REPORT
from ...storage.whole_files import write_all
from ..axes import grid_axes
from ..discussion import Measurements
from ..figures.accuracy import accuracy_lines
from ..figures.classes import NAMED
from ..figures.inline import inline, inline_chart
from ..figures.panels import MOST_CURVES, CurveGrid, curve_grids
from ..figures.style import NARROW, WIDE, png, svg
from ..figures.talk import gain_range, talk_figure
from ..figures.text import can_draw
from ..parts import FIGURES, TALK, draw_figures
from ..provenance import augmented, test_views
from .rendering import digest, render, template_text
from .view import make_page


@dataclass(frozen=True)
class Picture:
    """A figure as the templates need it: once for a desk and paper, once for a telephone."""

    name: str
    title: str
    caption: str
    alt: str
    wide: Markup
    narrow: Markup
    scrolls: bool
    """Whether it is too wide for the page and moves inside a container of its own."""


def build_report(
    study_dir: str | Path,
    measurements: Measurements,
    findings: Findings,
    language: Language,
    *,
    made_from: str = "",
) -> Path:
    """Write the report of a study and return the path of report.html.

    Args:
        study_dir: the study's folder; only report.html, report.md and figures/ are written in it.
        measurements: of the study.
        findings: what `analyse_study` makes of them.
        language: that the report is written in.
        made_from: what `is_made_from` asks for later, such as a digest.

    Raises:
        SixteenthError: the files cannot be written; an earlier report is left as it was.
    """
    folder = Path(study_dir)
    files = report_files(measurements, findings, language, _typed_path(folder))
    files[REPORT] += _mark(made_from) if made_from else b""
    try:
        if (folder / "figures").is_symlink():
            # In a folder from elsewhere it would lead what is written to a place of its choice.
            raise OSError("figures is a link to another folder")
        write_all({folder / name: content for name, content in files.items()})
        for name in FIGURES:
            for kind in ("svg", "png"):
                if f"figures/{name}.{kind}" not in files:
                    # An earlier report's figure that this one no longer holds would mislead.
                    (folder / "figures" / f"{name}.{kind}").unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise SixteenthError(f"cannot write the report into {folder}: {reason}") from error
    return folder / REPORT


def is_made_from(study_dir: Path, made_from: str) -> bool:
    """Whether a study's report is there and was made from this; its figures may have been moved."""
    mark = _mark(made_from)
    try:
        with (study_dir / REPORT).open("rb") as page:
            page.seek(-len(mark), os.SEEK_END)
            return page.read() == mark and (study_dir / "report.md").is_file()
    except OSError:
        return False


def _mark(made_from: str) -> bytes:
    """The last line of report.html."""
    return f"<!-- made from {made_from} -->\n".encode()


def _home() -> Path | None:
    """The home folder, where a shell knows it as ``~``: a report is sent to others, whom its name
    does not concern."""
    home = Path(os.path.expanduser("~"))
    return home if os.name == "posix" and home.is_absolute() and home.parent != home else None


def _typed_path(folder: Path) -> Path:
    """The folder as a command names it where the study was run: there its images are found too."""
    here, path = Path.cwd(), folder.absolute()
    return path.relative_to(here) if path.is_relative_to(here) else path


def report_files(
    measurements: Measurements, findings: Findings, language: Language, folder: Path | None = None
) -> dict[str, bytes]:
    """All files of a report by their path in the study's folder, report.html last.

    Args:
        measurements, findings, language: as of `build_report`.
        folder: of the study, as its commands name it; without, they say study.yaml and DIR.
    """
    results, histories = measurements.results, measurements.histories
    grids = curve_grids(histories, results)
    page = make_page(measurements, findings, language)
    aim = page.aim.accuracy if page.aim else None

    def draw(language: Language, *, narrow: bool = False) -> dict[str, Figure]:
        return draw_figures(
            results, histories, findings, language, narrow=narrow, aim=aim, grids=grids
        )

    figures, narrow = draw(language), draw(language, narrow=True)
    words = _words(measurements, findings, language, grids)
    printed, talk = figures, page
    if not can_draw(language.sample):
        english = language_for(findings)
        printed = draw(english)
        talk = make_page(measurements, findings, english)
        page.notes.append(language.page.latin_figures)
    files: dict[str, bytes] = {}
    pictures: dict[str, Picture] = {}
    lines = accuracy_lines(cells(findings.grid), grid_axes(findings.grid))
    spots = {line.gid: language.captions.points(line) for line in lines}
    for name, figure in figures.items():
        title, (caption, alt) = language.page.titles[name], words[name]
        files[f"figures/{name}.svg"] = svg(figure, title)
        files[f"figures/{name}.png"] = png(printed[name])
        both = (figure, files[f"figures/{name}.svg"]), (narrow[name], svg(narrow[name], title))
        shown = [
            inline_chart(each, drawn, f"{name}-{i}", alt, spots, aim)
            if name == "accuracy"
            else inline(drawn, f"{name}-{i}", alt)
            for i, (each, drawn) in enumerate(both)
        ]
        inches = [each.get_figwidth() for each, _ in both]
        scrolls = inches[0] > WIDE or inches[1] > NARROW
        pictures[name] = Picture(name, title, caption, alt, shown[0], shown[1], scrolls)
    foot = " · ".join(talk.dateline)
    files[f"figures/{TALK}.png"] = png(talk_figure(talk.screen, talk.name, foot), dpi=100)
    shared = {
        "page": page,
        "words": language.page,
        "numbers": language.numbers,
        "lang": language.tag,
        "version": __version__,
        "figures": pictures,
        "typed": lambda command: typed(command, folder, _home()) if folder else command,
        "step_command": step_command,
    }
    files["report.md"] = render("report.md.j2", shared)
    parts = {"style": template_text("report.css"), "script": template_text("report.js")}
    hashes = {f"{name}_hash": digest(text) for name, text in parts.items()}
    files[REPORT] = render(
        "report.html.j2",
        shared
        | {name: Markup(text) for name, text in parts.items()}
        | hashes
        | {"scale": gain_range(page.screen.cards)},
    )
    return files


def _words(
    measurements: Measurements,
    findings: Findings,
    language: Language,
    grids: Mapping[CurveMetric, CurveGrid],
) -> dict[str, tuple[str, str]]:
    """The caption of each figure, and what a screen reader says instead of it."""
    spec, results = measurements.spec, measurements.results
    captions, cell_table = language.captions, cells(findings.grid)
    lines = accuracy_lines(cell_table, grid_axes(findings.grid))
    fitted = bands(findings.curves)
    known = [option for option in findings.options if option.known]
    words = {
        "accuracy": (
            captions.accuracy(
                set(cell_table["interval"]),
                LEVEL,
                several_seeds=any(line.several_seeds for line in lines),
                several_lines=len(lines) > 1,
                so_far=any(any(line.so_far) for line in lines),
                band_level=next(iter(fitted.values())).level if fitted else None,
            ),
            captions.accuracy_alt(lines),
        ),
        "options": (
            captions.options(known),
            captions.options_alt(known),
        ),
    }
    if findings.classes:
        words["classes"] = (
            captions.classes(findings.classes),
            captions.classes_alt(findings.classes.classes[:NAMED], findings.classes),
        )
    if not grids:
        return words
    train = spec.get("train") or {}
    for metric, grid in grids.items():
        caption = captions.curves(
            CurvesShown(
                metric,
                several_seeds=grid.several_seeds,
                single=MOST_CURVES if grid.crowded else 0,
                clean=grid.clean,
                shorter=grid.shorter,
                every_epoch=grid.every_epoch,
                top=grid.top,
                highest=grid.highest,
                smoothing=_smoothing_of_losses(spec, measurements.records),
                augmented=augmented(spec, measurements.records),
                test_augmentation=test_views(spec, results),
                validated=bool(train.get("validation")),
            )
        )
        alt = captions.curves_alt(
            metric,
            grid.axes.rows,
            [fraction for fraction, _ in grid.axes.fractions],
            shown=grid.shown,
            planned=grid.planned,
        )
        words[f"{metric}-curves"] = (caption, alt)
    return words


def _smoothing_of_losses(spec: Mapping[str, Any], runs: Sequence[RunRecord]) -> float:
    """The label smoothing that is in the training curves; none where runs noted it without.

    Earlier versions drew the loss that was optimised, and their records do not say which it is.
    """
    if all(run.train_loss == "cross-entropy" for run in runs):
        return 0.0
    return float((spec.get("train") or {}).get("label_smoothing") or 0)
