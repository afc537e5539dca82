"""Numbers and names read the same wherever they stand."""

from __future__ import annotations

import math
import re

import pytest

from sixteenth.language import format as fmt


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (fmt.percent(0.8234), "82.3%"),
        (fmt.percent(1.0), "100.0%"),
        (fmt.percent(math.nan), "–"),
        (fmt.percent(None), "–"),
        (fmt.points(0.0141), "+1.4"),
        (fmt.points(-0.0141), "−1.4"),
        (fmt.points(-0.0001), "0.0"),
        (fmt.interval(0.815, 0.83), "81.5 to 83.0%"),
        (fmt.points_interval(-0.003, 0.011), "−0.3 to +1.1"),
        (fmt.count(50000), "50,000"),
        (fmt.exponent(-0.4049), "−0.40"),
        (fmt.exponent(-0.0028), "0.00"),
        (fmt.exponent(math.nan), "–"),
        (fmt.three_digits(5.898), "5.90"),
        (fmt.three_digits(0.04712), "0.0471"),
        (fmt.three_digits(82_149), "82,100"),
        (fmt.three_digits(999.9), "1,000"),
        (fmt.three_digits(1_234_567), "1.23e+06"),
        (fmt.three_digits(0), "0"),
        (fmt.parameters(11_181_642), "11.2 M"),
        (fmt.parameters(999_960), "1.0 M"),
        (fmt.parameters(512), "512"),
        (fmt.flops(1.2e15), "1.2 PFLOP"),
        (fmt.flops(5.1e14), "510 TFLOP"),
        (fmt.flops(0), "0 FLOP"),
        (fmt.duration(200), "3 min 20 s"),
        (fmt.duration(3.14), "3.1 s"),
        (fmt.duration(59.7), "1 min 0 s"),
        (fmt.duration(3600), "1 h 0 min"),
        (fmt.duration(100_000), "1 d 4 h"),
        (fmt.day("2026-03-03T10:00:00+00:00"), "3 March 2026"),
        (fmt.day("someday"), "someday"),
        (fmt.fraction("1"), "all"),
        (fmt.fraction("1/16"), "1/16"),
        (fmt.short("a" * 20 + "b" * 20, 11), "aaaaa…bbbbb"),
    ],
)
def test_numbers_are_written_as_a_reader_expects(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(
    "hostile",
    ["a|b", "<script>", "`code`", "[x](http://e.example)", "![i](x)", "**b**", "a\n\n# b", "_a_"],
)
def test_markdown_of_a_users_text_is_inert(hostile: str) -> None:
    text = fmt.markdown(hostile)
    assert "\n" not in text
    assert "<" not in text
    assert not re.search(r"(?<!\\)[|`\[\]*_]", text)
    assert "http:" not in text
