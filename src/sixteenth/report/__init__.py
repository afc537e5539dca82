"""Figures, pages and their numbers: what a finished study says to a reader.

    discussion  the analysis of a study from its tables and records
    parts       the figures by name, for a notebook
    provenance  how the study was made, as values; `axes` its grid
    figures/    accuracy against images, what each option gains, training curves, fitted curves
    page/       report.html and report.md, written whole or not at all

It arranges and draws; every word comes from the `Language` that it is given, and widths of text are
measured. It reads plain tables and the analysis; it knows nothing of torch, runs no study and
never changes one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .discussion import Measurements, analyse_study
    from .figures.accuracy import accuracy_figure, options_figure, training_curves_figure
    from .figures.fit import fit_figure
    from .page.build import build_report, is_made_from
    from .parts import draw_figures

_HOMES = {
    "Measurements": "discussion",
    "accuracy_figure": "figures.accuracy",
    "build_report": "page.build",
    "is_made_from": "page.build",
    "draw_figures": "parts",
    "fit_figure": "figures.fit",
    "analyse_study": "discussion",
    "options_figure": "figures.accuracy",
    "training_curves_figure": "figures.accuracy",
}
__all__ = [
    "Measurements",
    "accuracy_figure",
    "analyse_study",
    "build_report",
    "draw_figures",
    "fit_figure",
    "is_made_from",
    "options_figure",
    "training_curves_figure",
]


def __getattr__(name: str) -> Any:
    """Matplotlib is imported only once somebody asks for a figure."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
