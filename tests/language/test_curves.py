"""A fitted learning curve in English."""

from __future__ import annotations

import re

import numpy as np
import pytest

from sixteenth import fit_learning_curve
from sixteenth.analysis import RequiredSize
from sixteenth.language import language_for, language_tags
from sixteenth.language.en.curves import required_size
from sixteenth.language.text import columns
from sixteenth.language.zh_hant.curves import required_size as chinese_size

SIZES = np.array([500, 1000, 2000, 4000, 8000, 16000])


@pytest.mark.parametrize("tag", language_tags())
def test_the_summary_fits_a_terminal_with_all_its_warnings(tag: str) -> None:
    curve = fit_learning_curve([500, 1000], [0.9, 0.9], chance=0.9)
    assert len(curve.warnings) > 2
    said = language_for(tag=tag).learning_curve(curve)
    assert all(columns(line) <= 80 for line in said.splitlines())
    warning = language_for(tag=tag).terminal.warning.format("")
    for words in ("alpha", "eta", "gamma", "2,000", "4,000", warning):
        assert words in said


def test_a_required_size_does_not_contradict_itself() -> None:
    found = RequiredSize(0.3, 0.9, None, low=137, high=184, middle=160, at_least=150, at_most=170)
    assert required_size(found) == "error 30.0%: 160 (90% interval 137 to 184)"
    assert chinese_size(found) == "錯誤率 30.0%：160 張（90% 區間 137 至 184）"
    found = fit_learning_curve(SIZES, 0.05 + 5 * SIZES**-0.5).required_size(0.5)
    said = "error 50.0%: reached at the smallest measured size, 500 (90% certainty)"
    assert required_size(found) == said
    assert chinese_size(found) == "錯誤率 50.0%：最小的資料量 500 張就已達到（90% 的把握）"


def test_a_required_size_says_how_certain_it_is() -> None:
    curve = fit_learning_curve(SIZES, 0.05 + 5 * SIZES**-0.5)
    assert "90% interval" in required_size(curve.required_size(0.1))
    high = fit_learning_curve(SIZES, 0.3 + 5 * SIZES**-0.5).required_size(0.05)
    assert required_size(high).endswith(
        ("out of reach (90% certainty)", "no upper bound at 90% certainty")
    )
    few = fit_learning_curve(SIZES[:3], 0.05 + 5 * SIZES[:3] ** -0.5, stderr=[0.005] * 3)
    assert "no upper bound at 90% certainty" in required_size(few.required_size(0.08))
    bounds = required_size(few.required_size(0.12))
    assert re.search(r"about [\d,]+, at least [\d,]+ and at most [\d,]+ \(80% certainty\);", bounds)
