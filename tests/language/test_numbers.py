"""How numbers read."""

from __future__ import annotations

import pytest

from sixteenth.language.numbers import (
    init_name,
    interval,
    join,
    percent,
    plural,
    points,
    short_name,
    signed,
)


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("resnet18", "resnet18"),
        ("package.module:factory", "factory"),
        ("/home/me/<b>/net.py:make", "make"),
        ("", ""),
    ],
)
def test_models_are_shown_by_their_last_part(model, shown):
    assert short_name(model) == shown


@pytest.mark.parametrize(
    ("init", "shown"),
    [
        ("random", "random weights"),
        ("imagenet", "ImageNet weights"),
        ("imagenet:IMAGENET1K_V2", "ImageNet weights (IMAGENET1K_V2)"),
        ("weights/mine.pth", "weights from mine.pth"),
    ],
)
def test_initial_weights_are_named_in_words(init, shown):
    assert init_name(init) == shown


def test_numbers_read_as_a_person_would_write_them():
    assert percent(0.8734) == "87.3%"
    assert percent(1.0) == "100.0%"
    assert percent(0.9997) == "99.97%"
    assert points(-0.041) == "4.1 points"
    assert points(0.01) == "1.0 point"
    assert signed(0.041) == "+4.1"
    assert signed(-0.003) == "−0.3"
    assert signed(0.0001) == "0.0"
    assert plural(1, "run") == "1 run"
    assert plural(2000, "image") == "2,000 images"
    assert join(["a", "b", "c"]) == "a, b and c"


def test_an_interval_that_excludes_zero_never_reads_as_if_it_held_zero():
    assert interval(0.0003, 0.021) == "95% interval 0.03 to 2.1"
    assert interval(-0.021, -0.0003, flip=True) == "95% interval 0.03 to 2.1"
    assert interval(-0.0003, 0.021) == "95% interval 0.0 to 2.1"
