"""How many images of each class a fraction holds, as the report asks for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sixteenth.study import class_images as module

LABELS = np.array([0, 0, 1, 1])


def snapshot(*sizes: int) -> Any:
    """Finished runs of one half of 12 training images of two classes, of these stated sizes."""
    data = SimpleNamespace(per_class={"a": 10, "b": 6}, classes=("a", "b"))
    return SimpleNamespace(
        records={
            f"run-{seed}": SimpleNamespace(
                spec=SimpleNamespace(fraction="1/2"),
                data=data,
                has_result=True,
                train_size=size,
                stored_as=lambda length: length,
            )
            for seed, size in enumerate(sizes)
        },
        place=lambda _: SimpleNamespace(read_predictions=lambda _: (LABELS, 0)),
    )


@pytest.mark.parametrize(
    ("sizes", "found"), [((99, 99, 99), {}), ((99, 6, 6), {"1/2": (4, 2)}), ((6,), {"1/2": (4, 2)})]
)
def test_the_images_of_a_fraction_are_counted_once_for_all_of_its_runs(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], found: Any
) -> None:
    counts, counted = module.class_counts, list[object]()

    def counting(present: Any, sizes: Any, fraction: Any, classes: Any) -> Any:
        counted.append(fraction)
        return counts(present, sizes, fraction, classes)

    monkeypatch.setattr(module, "class_counts", counting)
    assert module.class_images(snapshot(*sizes)) == found
    assert len(counted) == 1
