"""Every language says everything, and names models and weights so that they can be told apart."""

from __future__ import annotations

import dataclasses

import pytest

from sixteenth.language import English, Language, Names, language_for
from sixteenth.language.labels import FigureLabels, PageLabels, TerminalLabels

LANGUAGES = [English]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_all_that_a_report_asks_it_for(language: type[Language]) -> None:
    said = language(Names())
    for name in Language.__annotations__:
        assert getattr(said, name), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_label_is_left_empty(language: type[Language]) -> None:
    said = language(Names())
    groups: list[PageLabels | FigureLabels | TerminalLabels]
    groups = [said.page, said.figures, said.terminal]
    for group in groups:
        for field in dataclasses.fields(group):
            assert getattr(group, field.name), field.name


def test_reports_are_in_english_so_far() -> None:
    assert language_for().tag == "en"


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("resnet18", "resnet18"),
        ("package.module:factory", "factory"),
        ("/home/me/<b>/net.py:make", "make"),
        ("", ""),
    ],
)
def test_models_are_shown_by_their_last_part(model: str, shown: str) -> None:
    assert English(Names.of([model, "other"], [])).model(model) == shown


def test_models_that_share_their_last_part_are_shown_whole() -> None:
    language = English(Names.of(["a.nets:small", "b.nets:small"], []))
    assert language.model("a.nets:small") == "a.nets:small"


@pytest.mark.parametrize(
    ("init", "shown"),
    [
        ("random", "random weights"),
        ("imagenet", "ImageNet weights"),
        ("imagenet:IMAGENET1K_V2", "ImageNet weights (IMAGENET1K_V2)"),
        ("weights/mine.pth", "weights from mine.pth"),
        ("weights/a\nb.pth", "weights from a b.pth"),
    ],
)
def test_initial_weights_are_named_in_words(init: str, shown: str) -> None:
    assert English(Names.of([], [init])).init(init) == shown
