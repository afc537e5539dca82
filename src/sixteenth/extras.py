"""Packages that only some uses need, those of the extras in pyproject.toml: imported on demand."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .errors import InputError
from .messages import one_line


def import_extra(
    module: str, *, extra: str, needed_by: str, error: type[InputError] = InputError
) -> Any:
    """The module of an extra, imported.

    Args:
        needed_by: what needs it, for the message, such as ``--executor ray``.
        error: what is raised.

    Raises:
        InputError: its package is not installed or cannot be imported; and how to install it.
    """
    try:
        return import_module(module)
    except ImportError as cause:
        raise error(
            f"{needed_by} needs the package {module.partition('.')[0]} ({one_line(cause)}): "
            f"{install_command(extra)}"
        ) from None


def install_command(extra: str) -> str:
    """The command that installs the packages of an extra."""
    return f"pip install 'sixteenth[{extra}]'"
