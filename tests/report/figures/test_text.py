"""Text in figures is measured as it is drawn, in any script, and cut or wrapped to fit."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from sixteenth.report.figures.style import house_style
from sixteenth.report.figures.text import shortened, widest, width, wrapped

LONG = "my_laboratory.networks:wide_residual_network_with_many_layers"


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("text", ["+3.1 (−2.0 to +4.3)", "50,000", "ImageNet weights", "iiiWWW"])
def test_a_text_is_as_wide_as_it_is_drawn(text: str, bold: bool) -> None:
    with house_style():
        figure = Figure(dpi=300)
        drawn = figure.text(0, 0, text, fontsize=8.5, fontweight="bold" if bold else "normal")
        inches = drawn.get_window_extent().width / figure.dpi
    assert width(text, 8.5, bold=bold) == pytest.approx(inches, rel=0.03)


def test_an_ideograph_is_as_wide_as_the_font_is_high() -> None:
    assert width("資料量", 9) == pytest.approx(3 * 9 / 72)


def test_the_widest_line_of_several_texts_counts() -> None:
    assert widest(["1\nforecast", "50"]) == width("forecast")
    assert widest([]) == 0


def test_a_name_is_cut_in_its_middle_until_it_fits() -> None:
    short = shortened(LONG, 1.5)
    assert width(short) <= 1.5
    assert short.startswith("my_la")
    assert short.endswith("layers")
    assert shortened("resnet18", 1.5) == "resnet18"


@pytest.mark.parametrize(
    "text", ["failed: the loss became NaN at step 40", "失敗：第四十步時損失變為非數值", LONG]
)
def test_wrapped_lines_fit_and_lose_nothing(text: str) -> None:
    lines = wrapped(text, 0.8, 8)
    assert len(lines) > 1
    assert all(width(line, 8) <= 0.8 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_what_does_not_fit_the_lines_is_an_ellipsis() -> None:
    lines = wrapped("one two three four five six", 0.6, 8, most=2)
    assert len(lines) == 2
    assert lines[1].endswith(" …")
    assert width(lines[1], 8) <= 0.6
