"""Figures, pages and their numbers: what a finished study says to a reader.

The report reads plain tables and the analysis; it knows nothing of torch, runs no study and
never changes one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .build import build_report
    from .figures import accuracy_figure, options_figure, training_curves_figure

__all__ = ["accuracy_figure", "build_report", "options_figure", "training_curves_figure"]


def __getattr__(name: str) -> Any:
    """Matplotlib is imported only once somebody asks for a figure."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(
        import_module(f"{__name__}.{'build' if name == 'build_report' else 'figures'}"), name
    )
