"""What a value of a study file may be: the types of the fields in `spec`.

Each is narrower than Python's: a number is finite, true is no number, a name is no path.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from ..errors import SpecError
from .fraction import TrainFraction

OWN_MODELS = ("seed-cnn", "speedrun", "speedrun-large")
"""Names of the networks of this package; nobody has trained them on ImageNet."""


def _fraction(value: Any) -> str:
    try:
        return str(TrainFraction.parse(value))
    except SpecError as error:
        raise ValueError(str(error)) from None  # which pydantic tells together with the key


FractionText = Annotated[str, BeforeValidator(_fraction)]
"""A fraction in its canonical text, so that 0.0625 and "1/16" are one cell."""

PositiveInt = Annotated[int, Field(gt=0, lt=2**31, strict=True)]
Seed = Annotated[int, Field(ge=0, lt=2**63, strict=True)]


def _printable(text: str) -> str:
    """No control characters, which no path has, and nothing that UTF-8 cannot write."""
    if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", text):
        raise ValueError("it should hold no control characters and be valid Unicode")
    return text


Text = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_printable)]


def _no_bool(value: Any) -> Any:
    """YAML's true is no number, though Python's is."""
    if isinstance(value, bool):
        raise ValueError("input should be a number, not a truth value")
    return value


Number = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)]
"""YAML reads 1e-3 as text (only 1.0e-3 is a number to it), so text that is a number is one here."""

Share = Annotated[Number, Field(ge=0, lt=1)]


def _name(name: str) -> str:
    """A study's name is the name of a folder in studies/, and of no folder elsewhere."""
    if not name.strip() or len(name.encode("utf-8", "surrogatepass")) > 200:
        raise ValueError("name: a study's name has between 1 and 200 bytes")
    if name in (".", "..") or re.search(r"[/\\\x00-\x1f\x7f\ud800-\udfff]", name):
        raise ValueError(
            f"name: {name!r} cannot be the name of a folder in studies/: leave out slashes; "
            "another place is chosen with --out"
        )
    return name


StudyName = Annotated[str, AfterValidator(_name)]
