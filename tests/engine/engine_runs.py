"""Runs that are trained in the tests of the engine."""

from __future__ import annotations

from typing import Any

from sixteenth import RunSpec, parse_spec


def cell(**train: Any) -> RunSpec:
    """A small run on digits: two epochs of a small network on 200 images."""
    recipe = {"epochs": 2, "batch_size": 32, **train}
    return parse_spec(
        {
            "data": "digits",
            "image_size": 8,
            "models": ["tiny_models:small"],
            "fractions": ["200 images"],
            "train": recipe,
        }
    ).runs()[0]
