"""Where a line may end, in the words of every language."""

from __future__ import annotations

import re

import pytest

from sixteenth.language import language_for, language_tags
from sixteenth.language.text import fill, pieces


@pytest.mark.parametrize("tag", language_tags())
def test_no_line_ends_between_a_number_and_its_unit(tag: str) -> None:
    numbers = language_for(tag=tag).numbers
    times = [numbers.duration(10.0**power) for power in range(7)]
    sizes = [numbers.size(3 * 10.0**power) for power in range(14)]
    costs = [numbers.flops(10.0**power) for power in range(20)]
    counts = [numbers.parameters(10.0**power) for power in range(14)]
    for said in (*times, *sizes, *costs, *counts):
        text = f"about {said} of it " * 9
        numbers_and_units = re.findall(r"\d \S", said)
        for width in range(20, 40):
            for each in numbers_and_units:
                assert fill(text, width).count(each) == 9 * said.count(each), (said, width)
        assert "".join(pieces(text)) == text.rstrip()


def test_a_line_may_end_after_a_number_that_a_word_follows() -> None:
    assert pieces("3 samples in 11 s.") == ["3", " samples", " in", " 11 s."]
    assert pieces("3 張要 11 分鐘。") == ["3", " 張", "要", " 11 分鐘。"]
