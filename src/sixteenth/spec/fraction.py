"""Fractions of the training set: their text and the number of images.

A fraction is a share ("1/16", 0.25, 1), a count ("500 images") or a count for each class ("25 per
class"). `data.subsets` draws the images.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ..errors import SpecError

_HOW = 'write a share such as "1/16" or 0.25, "500 images", or "25 per class"'


@dataclass(frozen=True)
class TrainFraction:
    """A share of the training set, or a number of images, in total or per class."""

    share: Fraction | None = None
    count: int | None = None
    per_class: bool = False

    @classmethod
    def parse(cls, value: str | int | float) -> TrainFraction:
        """The fraction of a value in a study file.

        Raises:
            SpecError: it is not a fraction, a share outside (0, 1], or a count below 1.
        """
        if isinstance(value, bool):
            raise SpecError(f"{value} is not a fraction: {_HOW}")
        return _parsed(str(value).strip())

    def size(self, total: int, classes: int) -> int:
        """Number of images, of `total` training images in `classes` classes."""
        if self.share is not None:
            return max(1, round(self.share * total))
        assert self.count is not None
        return self.count * (classes if self.per_class else 1)

    def __str__(self) -> str:
        if self.share is not None:
            return str(self.share)
        return f"{self.count} per class" if self.per_class else f"{self.count} images"

    @property
    def slug(self) -> str:
        """The fraction as part of a folder name: ``1of16``, ``all``, ``500images``."""
        if self.share == 1:
            return "all"
        return str(self).replace("/", "of").replace(" ", "")


@lru_cache  # a study asks for the same few again and again
def _parsed(text: str) -> TrainFraction:
    if len(text) > 40 or re.search(r"e[+-]?\d{4}", text, re.IGNORECASE):
        # `Fraction` would take minutes for such a number.
        raise SpecError(f"{text[:40]!r} is not a fraction: {_HOW}")
    counted = re.fullmatch(r"([0-9]+)\s*(images?|per[ -]class)", text)
    if counted:
        count = int(counted[1])
        if count < 1:
            raise SpecError(f"fraction {text!r} holds no image: use at least 1")
        return TrainFraction(count=count, per_class=counted[2].startswith("per"))
    try:
        # From the text, so that 0.1 is exactly one tenth, not the nearest binary number.
        share = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise SpecError(f"{text!r} is not a fraction: {_HOW}") from None
    if not 0 < share <= 1:
        images = share.numerator if share > 1 and share.denominator == 1 else None
        hint = f'; for {images} images write "{images} images"' if images else ""
        raise SpecError(f"fraction {text!r} is out of range: a share lies in (0, 1]{hint}")
    return TrainFraction(share=share)
