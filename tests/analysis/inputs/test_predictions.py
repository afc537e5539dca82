"""Which predictions of single test images are used: the same that a run's folder hands out."""

from __future__ import annotations

import numpy as np
import pytest

from sixteenth.analysis.inputs.predictions import read_predictions
from sixteenth.storage.run_results import check_agreement


def predict(right: int, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of two classes, of which the first so many are right."""
    labels = np.arange(images) % 2
    answers = np.where(np.arange(images) < right, labels, 1 - labels)
    return labels, np.eye(2)[answers]


def refused(stated: float, labels: np.ndarray, probabilities: np.ndarray) -> bool:
    try:
        check_agreement(stated, labels, probabilities)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize(
    ("images", "most"), [(300, 2), (1000, 2), (10_000, 20)], ids=["300", "1000", "10000"]
)
def test_what_a_run_folder_accepts_is_paired(images: int, most: int) -> None:
    stated = round(0.8 * images) / images
    for turned in (0, 1, most, most + 1):
        given = predict(round(0.8 * images) - turned, images)
        used = "run" in read_predictions({"run": stated}, {"run": given}).correct
        assert used == (turned <= most), turned
        assert refused(stated, *given) != used, turned
