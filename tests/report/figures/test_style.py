"""Lines can be told apart, also by those who cannot see their colour, and names can be read."""

from __future__ import annotations

from itertools import combinations

import pytest

from sixteenth.report.figures.style import COLOURS, INKS, looks
from sixteenth.report.page.rendering import template_text


@pytest.mark.parametrize(("models", "inits"), [(28, 1), (4, 2), (2, 4), (2, 3)])
def test_two_lines_differ_in_more_than_their_colour(models: int, inits: int) -> None:
    names = [f"net{i}" for i in range(models)], [f"init{j}" for j in range(inits)]
    found = looks(*names)
    assert len(found) == models * inits
    for one, other in combinations(found.values(), 2):
        assert (one.dash, one.marker) != (other.dash, other.marker)


def test_all_lines_of_many_models_look_different() -> None:
    found = looks([f"net{i}" for i in range(28)], ["random", "imagenet"])
    assert len(set(found.values())) == len(found) == 56


def test_dash_names_the_initial_weights() -> None:
    found = looks(["a", "b", "c"], ["random", "imagenet"])
    assert len({look.dash for (_, init), look in found.items() if init == "random"}) == 1
    assert len({look.dash for look in found.values()}) == 2


@pytest.mark.parametrize("ink", INKS)
def test_letters_in_the_colours_of_lines_can_be_read_on_white(ink: str) -> None:
    """The contrast of WCAG 2: (L1 + 0.05) / (L2 + 0.05), with L1 = 1 of white."""
    channels = [int(ink[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5


def test_the_page_has_a_colour_for_the_dark_in_place_of_each() -> None:
    style = template_text("report.css")
    assert [colour for colour in (*COLOURS, *INKS) if f'[fill="{colour}"]' not in style] == []
