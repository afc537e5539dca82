"""What a run measured besides its record: the rows of history.csv and the test predictions.

Like a run.json, these files may be damaged or come from somebody else; what is not as a run writes
it is refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..messages import one_line
from ..spec.agreement import agree

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


def read_history(path: Path) -> pd.DataFrame:
    """A history.csv, one row per epoch; empty when no epoch is finished.

    Raises:
        InputError: it is damaged.
    """
    import pandas as pd

    try:
        return _parse(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return pd.DataFrame()
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {one_line(error)}") from None


def read_histories(paths: Mapping[str, Path]) -> pd.DataFrame:
    """`run_id` and the columns of history.csv of all runs that have finished an epoch, in order.

    Args:
        paths: run_id -> history.csv, which may not be there.

    Raises:
        InputError: one is damaged.
    """
    import numpy as np
    import pandas as pd

    # Parsed one by one, thousands of files take some milliseconds each.
    with contextlib.suppress(OSError, ValueError):
        there = {run_id: path for run_id, path in paths.items() if path.exists()}
        texts = {run_id: path.read_text(encoding="utf-8") for run_id, path in there.items()}
        files = {run_id: list(filter(None, text.split("\n"))) for run_id, text in texts.items()}
        heads = {lines[0] for lines in files.values() if lines}
        if len(heads) == 1:
            bodies = {run_id: lines[1:] for run_id, lines in files.items()}
            runs = np.repeat(list(bodies), list(map(len, bodies.values())))
            table = _parse("\n".join([*heads, *chain(*bodies.values())]), runs)
            table.insert(0, "run_id", runs)
            return table
    read = {run_id: read_history(path) for run_id, path in paths.items()}
    parts = [each.assign(run_id=run_id) for run_id, each in read.items() if len(each)]
    if not parts:
        return pd.DataFrame(columns=["run_id", *(each.name for each in fields(EpochRow))])
    return pd.concat(parts, ignore_index=True)


def _parse(text: str, runs: np.ndarray | None = None) -> pd.DataFrame:
    """The table in a history.csv, if it holds the epochs of a run in order.

    Args:
        runs: (rows,) the run of each row, where there are several.

    Raises:
        ValueError: a column is missing, or holds something else than numbers; of several runs, also
            columns that are not known.
    """
    import numpy as np
    import pandas as pd
    from pandas.api.types import is_numeric_dtype

    # Before pandas 3 its default reader may change a number's last bit.
    old = int(pd.__version__.partition(".")[0]) < 3
    precision: Any = {"float_precision": "round_trip"} if old else {}
    history: pd.DataFrame = pd.read_csv(StringIO(text), **precision)
    if not isinstance(history.index, pd.RangeIndex):
        raise ValueError("its rows have more cells than its first line")
    for column in _HISTORY:
        if column not in history:
            raise ValueError(f"it has no column {column}")
    for column in _HISTORY if runs is None else history.columns:
        if not is_numeric_dtype(history[column]):
            raise ValueError(f"column {column} holds something else than numbers")
    epochs = history["epoch"].to_numpy(float)
    runs = np.zeros(len(epochs)) if runs is None else runs
    if len(runs) != len(epochs) or np.isnan(epochs).any():
        raise ValueError("a row without an epoch")
    if not (np.diff(epochs)[runs[1:] == runs[:-1]] > 0).all():
        raise ValueError("its epochs are not in order")
    return history


class StoredPredictions(Mapping[str, "tuple[np.ndarray, np.ndarray]"]):
    """run_id -> test labels (n,) and probabilities (n, classes), read each time they are asked for.

    Those of a thousand runs on ten thousand images of a hundred classes are four gigabytes.
    """

    def __init__(self, reads: Mapping[str, Callable[[], tuple[np.ndarray, np.ndarray]]]) -> None:
        """Read nothing yet.

        Args:
            reads: run_id -> what reads them.
        """
        self.reads = reads

    def __getitem__(self, run_id: str) -> tuple[np.ndarray, np.ndarray]:
        return self.reads[run_id]()

    def __contains__(self, run_id: object) -> bool:
        return run_id in self.reads

    def __iter__(self) -> Iterator[str]:
        return iter(self.reads)

    def __len__(self) -> int:
        return len(self.reads)


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
    right = int((probabilities.argmax(1) == labels).sum())
    if not agree(stated, right, len(labels)):
        share = right / len(labels)
        raise ValueError(
            f"they are right for {share:.2%} of the images, run.json says {stated:.2%}"
        )
