"""What a run measured besides its record: the rows of history.csv and the test predictions.

Like a run.json, these files may be damaged or come from somebody else; what is not as a run writes
it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_HISTORY = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
"""Columns of history.csv that a reader may rely on."""


@dataclass(frozen=True)
class EpochRow:
    """One row of history.csv, in the order of its columns.

    Attributes:
        epoch, step, images: how many there were up to this epoch's end.
        learning_rate: of the epoch's last step.
        train_loss, train_accuracy: means over the epoch's augmented training images.
        test_loss, test_accuracy, validation_loss, validation_accuracy: at the epoch's end; None of
            an epoch that is no point of the training curve.
        test_images: how many the test loss and accuracy are means over.
        seconds: what the epoch took, its measurement included.
    """

    epoch: int
    step: int
    images: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    test_loss: float | None = None
    test_accuracy: float | None = None
    test_images: int = 0
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    seconds: float = 0.0


def check_history(history: pd.DataFrame) -> pd.DataFrame:
    """A history.csv that was read, if it holds the epochs of a run in order.

    Raises:
        ValueError: a column is missing, or holds something else than numbers.
    """
    import numpy as np
    from pandas.api.types import is_numeric_dtype

    for column in _HISTORY:
        if column not in history:
            raise ValueError(f"it has no column {column}")
        if not is_numeric_dtype(history[column]):
            raise ValueError(f"column {column} holds something else than numbers")
    epochs = history["epoch"].to_numpy(dtype=float)
    if np.isnan(epochs).any() or not (np.diff(epochs) > 0).all():
        raise ValueError("its epochs are not in order")
    return history


def check_predictions(
    labels: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions that were read, if they are those of a classifier.

    Raises:
        ValueError: shapes, types or values that no run writes.
    """
    import numpy as np

    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(f"labels are integers (n,), not {labels.dtype} {labels.shape}")
    if probabilities.ndim != 2 or probabilities.dtype.kind != "f":
        kind, shape = probabilities.dtype, probabilities.shape
        raise ValueError(f"probabilities are floats (n, classes), not {kind} {shape}")
    if not len(labels) or len(labels) != len(probabilities):
        raise ValueError(f"{len(labels)} labels, but {len(probabilities)} predictions")
    if labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ValueError("a label that is no class")
    if not np.isfinite(probabilities).all() or probabilities.min() < 0:
        raise ValueError("a probability that is none")
    return labels, probabilities


def check_agreement(stated: float, labels: np.ndarray, probabilities: np.ndarray) -> None:
    """Check that predictions give the test accuracy that the record of their run states.

    Raises:
        ValueError: they do not: one of the files is of another run, or was changed.
    """
    right = float((probabilities.argmax(1) == labels).mean())
    # Two classes of nearly the same probability may change places when it is rounded.
    if abs(right - stated) > max(0.002, 2 / len(labels)):
        raise ValueError(
            f"they are right for {right:.2%} of the images, run.json says {stated:.2%}"
        )
