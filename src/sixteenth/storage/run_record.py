"""run.json, what is known of one run: `RunRecord` is the one class that reads and writes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from ..errors import InputError, SixteenthError
from ..messages import one_line
from ..spec import RunSpec
from ..spec.fields import AUTO_ENDS, STOPPED, FractionText, Lengths
from .run_facts import (
    AugmentationFacts,
    DataChecks,
    DataFacts,
    Environment,
    ExecutionFacts,
    Failure,
    LengthMetrics,
    Metrics,
    ModelFacts,
    Number,
    Part,
    Text,
    Texts,
    Whole,
)

FORMAT = 1
"""Version of run.json; a reader refuses a higher one."""


def check_format(content: Any, where: Path) -> None:
    """Refuse what a later version of this package wrote.

    Args:
        content: of a record, as JSON has it; checked no further.
        where: the file that holds it.

    Raises:
        InputError: it has a higher version than `FORMAT`.
    """
    version = content.get("format") if isinstance(content, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise InputError(f"{where} was written by a later version of sixteenth")


Status = Literal["running", "interrupted", "failed", "finished"]


class RecordedSpec(Part):
    """The run's spec as far as tables and reports need it; `RunRecord.run_spec` is all of it."""

    model: str
    init: str
    fraction: FractionText
    seed: Annotated[int, Field(strict=True)]
    lengths: Lengths = Field(default=["1"])


class RunRecord(Part):
    """All that run.json holds. It is never changed: each step of a run makes a new one."""

    format: Annotated[int, Field(strict=True)]
    run_id: str
    spec: RecordedSpec
    status: Status
    error: Failure | None = None
    notices: Texts = ()
    data: DataFacts | None = None
    data_checks: DataChecks | None = None
    train_loss: Text = None
    """What the training losses of the history are; earlier versions did not say."""
    train_size: Whole = None
    augmentation: AugmentationFacts | None = None
    """None in records of earlier versions, which did not keep it."""
    model: ModelFacts | None = None
    environment: Environment | None = None
    execution: ExecutionFacts | None = None
    metrics: Metrics | None = None
    lengths: Annotated[tuple[LengthMetrics, ...], BeforeValidator(lambda given: given or ())] = ()
    """Shorter lengths of the run, the shortest first; of one that is not finished those that it
    was stopped after, see `engine.train.train_run`."""
    train_flops: Number = None
    seconds: Number = None
    feature_seconds: Number = None
    """Of a head, whose `seconds` leave it out: what a pass of all images through the network
    takes one process, by those that it computed for the run; 0 where all were known. None in
    records of earlier versions."""
    evaluation_seconds: Number = None
    images_per_second: Number = None
    peak_memory_bytes: Whole = None
    started: Text = None
    finished: Text = None

    @model_validator(mode="after")
    def _has_its_result(self) -> Self:
        if self.is_finished and (self.metrics is None or self.metrics.test_accuracy is None):
            raise ValueError("metrics.test_accuracy: a finished run has one")
        known = [each.length for each in self.lengths if each.test_accuracy is not None]
        shorter = self.spec.lengths[:-1]
        expected = shorter if self.is_finished else shorter[: len(known)]
        if self.metrics is not None and self.metrics.chosen_by in AUTO_ENDS:
            expected = halvings(len(known))
        if known != expected:
            raise ValueError("lengths: a run has a test accuracy of each of its spec's, in order")
        return self

    @classmethod
    def begin(
        cls,
        run: RunSpec,
        *,
        data: DataFacts,
        data_checks: DataChecks,
        environment: Environment,
        execution: ExecutionFacts,
        before: RunRecord | None,
    ) -> Self:
        """The record of a run that begins, or goes on from the record `before`."""
        known = {
            "format": FORMAT,
            "run_id": run.run_id,
            "spec": run.model_dump(mode="json"),
            "status": "running",
            "notices": before.notices if before else (),
            "data": data,
            "data_checks": data_checks,
            "train_loss": "cross-entropy",
            "environment": environment,
            "execution": execution,
            **(before.measured if before else {}),
            "started": (before and before.started) or _now(),
        }
        return cls.model_validate(dict.fromkeys(cls.model_fields) | known)

    def to_json(self) -> str:
        """The text of run.json."""
        content = self.to_dict()
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def run_spec(self, where: Path) -> RunSpec:
        """The whole spec of the run.

        Raises:
            InputError: it says nothing that could be run; `where` names the file.
        """
        try:
            return RunSpec.model_validate(self.spec.to_dict())
        except (SixteenthError, ValueError) as error:
            said = one_line(error)[:120]
            raise InputError(f"{where} is not the record of a run: {said}") from None

    @property
    def measured(self) -> dict[str, Any]:
        """The fields that hold what was measured of a run that is not finished, and of what."""
        of_what = ("train_size", "augmentation", "model")
        known = ("metrics", "lengths", "train_flops", "seconds", *of_what)
        return {name: getattr(self, name) for name in known}

    @property
    def shorter_measured(self) -> int:
        """How many lengths that are shorter than the whole run were measured."""
        return len(self.lengths) + (self.metrics is not None and not self.is_finished)

    def row_id(self, length: str) -> str:
        """What tables call the run at one of its lengths: its run_id, or ``RUN_ID@1/4``."""
        return self.run_id if length == "1" else f"{self.run_id}@{length}"

    def stored_as(self, length: str) -> str:
        """What the files of a length are named by: the epochs, while a run of `epochs: auto` is not
        finished, see `RunFolder.name_by_shares`."""
        if self.is_finished or self.metrics is None or self.metrics.chosen_by != STOPPED:
            return length
        epochs = {each.length: each.epoch for each in self.lengths} | {"1": self.metrics.epoch}
        return f"{epochs[length]} epochs"

    @property
    def is_finished(self) -> bool:
        """Whether the run was trained to its end."""
        return self.status == "finished"

    @property
    def has_result(self) -> bool:
        """Whether there is an accuracy of the run: it is finished, or a run of `epochs: auto` that
        was stopped, or is being trained, and was measured."""
        return self.status != "failed" and self.metrics is not None

    def with_notices(self, notices: Iterable[str]) -> Self:
        """With more notices, after those that it has."""
        return self.model_copy(update={"notices": (*self.notices, *notices)})

    def with_training_images(self, train_size: int, augmentation: AugmentationFacts) -> Self:
        """With the size of the run's subset, and what happens to its images."""
        return self.model_copy(update={"train_size": train_size, "augmentation": augmentation})

    def with_model(self, model: ModelFacts) -> Self:
        """With the network that was built."""
        return self.model_copy(update={"model": model})

    def with_lengths(
        self,
        lengths: Sequence[LengthMetrics],
        *,
        train_measured: int | None = None,
        validation_images: int | None = None,
    ) -> Self:
        """A run of `epochs: auto`, with what was measured of it until now.

        The longest length stands for the whole run, as if it had ended there; work and time are of
        that length alone.

        Args:
            lengths: by their epochs, the shortest first; maybe none.
            train_measured, validation_images: as of `Metrics`.
        """
        if not lengths:
            nothing = {"metrics": None, "lengths": (), "train_flops": None, "seconds": None}
            return self.model_copy(update=nothing)
        *shorter, longest = lengths
        shared = Metrics.model_fields.keys() & LengthMetrics.model_fields.keys()
        metrics = Metrics(
            chosen_by=STOPPED,
            train_measured=train_measured,
            validation_images=validation_images,
            **{name: getattr(longest, name) for name in shared},
        )
        return self.model_copy(
            update={
                "metrics": metrics,
                "lengths": by_halvings(shorter),
                "train_flops": longest.train_flops,
                "seconds": longest.seconds,
            }
        )

    def as_interrupted(self, lengths: Iterable[LengthMetrics] | None = None) -> Self:
        """The record of the run, stopped; it can go on. `lengths` were measured until then."""
        known = self.lengths if lengths is None else tuple(lengths)
        return self.model_copy(update={"status": "interrupted", "lengths": known})

    def as_failed(self, error: Exception) -> Self:
        """The record of the run, which has just failed of `error`.

        Nothing is concluded from it, so what was measured of shorter lengths is left out; the
        checkpoint keeps it for a run that goes on.
        """
        changes = {"status": "failed", "error": Failure.of(error), "finished": _now()}
        so_far = self.metrics is not None and self.metrics.chosen_by == STOPPED
        run = self.with_lengths([]) if so_far else self
        return run.model_copy(update={**changes, "lengths": ()})

    def as_finished(
        self,
        metrics: Metrics,
        *,
        lengths: Iterable[LengthMetrics] = (),
        train_flops: float,
        seconds: float,
        evaluation_seconds: float,
        images_per_second: float,
        peak_memory_bytes: int | None,
        feature_seconds: float | None = None,
    ) -> Self:
        """The record of the run, which has just been measured: seconds, images a second, bytes.

        Work and times are of all that was trained, with the branches of shorter `lengths`.
        """
        return self.model_copy(
            update={
                "status": "finished",
                "metrics": metrics,
                "lengths": tuple(lengths),
                "train_flops": train_flops,
                "seconds": seconds,
                "feature_seconds": feature_seconds,
                "evaluation_seconds": evaluation_seconds,
                "images_per_second": images_per_second,
                "peak_memory_bytes": peak_memory_bytes,
                "finished": _now(),
            }
        )


def halvings(count: int) -> list[str]:
    """``1/4`` and ``1/2`` for 2: the shorter lengths of a run that was doubled so often."""
    return [f"1/{2**power}" for power in range(count, 0, -1)]


def by_halvings(lengths: Sequence[LengthMetrics]) -> tuple[LengthMetrics, ...]:
    """Lengths, the shortest first, by their shares of a whole run that follows them."""
    shares = halvings(len(lengths))
    return tuple(
        each.model_copy(update={"length": share})
        for each, share in zip(lengths, shares, strict=True)
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
