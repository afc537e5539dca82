"""What a reader may rely on in the files of a run, whoever wrote them.

A run folder may be damaged, or come from somebody else. What is there must have the right type and
range, so that no number in a report stands for something else; what is absent stays absent (a run
that failed early knows little), and keys that this version does not know are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..spec.fields import FractionText

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)] | None
Whole = Annotated[int, Field(strict=True, ge=0)] | None
Share = Annotated[float, Field(strict=True, ge=0, le=1)] | None
Text = str | None


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())


class _Spec(_Part):
    model: str
    init: str
    fraction: FractionText
    seed: Annotated[int, Field(strict=True)]
    train: dict[str, Any] = {}


class _Error(_Part):
    type: str
    message: str


class _Data(_Part):
    name: Text = None
    source: Text = None
    fingerprint: Text = None
    classes: list[str] | None = None
    train_images: Whole = None
    test_images: Whole = None


class _Checks(_Part):
    duplicates_within_train: Whole = None
    duplicates_within_test: Whole = None
    leaked_test_images: Whole = None
    conflicting_labels: Whole = None
    skipped_broken: Whole = None
    nearly_black: Whole = None
    skipped: list[str] | None = None
    examples: list[str] | None = None


class _Normalisation(_Part):
    mean: list[float]
    std: list[float]
    source: Text = None


class _Model(_Part):
    parameters: Whole = None
    train_flops_per_image: Number = None
    final_map: list[int] | None = None
    normalisation: _Normalisation | None = None
    weights_sha256: Text = None


class _Metrics(_Part):
    epoch: Whole = None
    chosen_by: Text = None
    steps: Whole = None
    train_loss: Number = None
    train_accuracy: Share = None
    train_measured: Whole = None
    test_loss: Number = None
    test_accuracy: Share = None
    validation_accuracy: Share = None


class _Finished(_Metrics):
    test_accuracy: Annotated[float, Field(strict=True, ge=0, le=1)]


class _Record(_Part):
    format: Annotated[int, Field(strict=True)]
    run_id: str
    spec: _Spec
    status: Literal["running", "interrupted", "failed", "finished"]
    error: _Error | None = None
    notices: list[str] | None = None
    data: _Data | None = None
    data_checks: _Checks | None = None
    train_size: Whole = None
    model: _Model | None = None
    environment: dict[str, Any] | None = None
    execution: dict[str, Any] | None = None
    metrics: _Metrics | None = None
    train_flops: Number = None
    seconds: Number = None
    evaluation_seconds: Number = None
    images_per_second: Number = None
    peak_memory_bytes: Whole = None
    started: Text = None
    finished: Text = None


class _FinishedRecord(_Record):
    metrics: _Finished


_HISTORY = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")


def check_record(record: Any) -> dict[str, Any]:
    """A run.json that was read, if it is the record of a run.

    Raises:
        ValueError: which part is not what it should be.
    """
    if not isinstance(record, dict):
        raise ValueError("it holds no keys")
    kind = _FinishedRecord if record.get("status") == "finished" else _Record
    try:
        kind.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg'][:150]}") from None
    return record


def check_history(history: pd.DataFrame) -> pd.DataFrame:
    """A history.csv that was read, if it holds the epochs of a run in order.

    Raises:
        ValueError: a column is missing, or holds something else than numbers.
    """
    from pandas.api.types import is_numeric_dtype

    for column in _HISTORY:
        if column not in history:
            raise ValueError(f"it has no column {column}")
        if not is_numeric_dtype(history[column]):
            raise ValueError(f"column {column} holds something else than numbers")
    epochs = history["epoch"]
    if epochs.isna().any() or not (epochs.diff().dropna() > 0).all():
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


def check_agreement(
    record: Mapping[str, Any], labels: np.ndarray, probabilities: np.ndarray
) -> None:
    """Whether predictions give the accuracy that the record of their run states.

    Raises:
        ValueError: they do not: one of the files is of another run, or was changed.
    """
    stated = record["metrics"]["test_accuracy"]
    right = float((probabilities.argmax(1) == labels).mean())
    # Two classes of nearly the same probability may change places when it is rounded.
    if abs(right - stated) > max(0.002, 2 / len(labels)):
        raise ValueError(
            f"they are right for {right:.2%} of the images, run.json says {stated:.2%}"
        )
