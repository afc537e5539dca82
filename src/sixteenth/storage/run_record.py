"""run.json, what is known of one run: `RunRecord` is the one class that reads and writes it.

A run folder may be damaged, or come from somebody else. What is there must have the right type and
range, so that no number in a report stands for something else. What is absent is None (a run that
failed early knows little), and keys that this version does not know are kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    model_validator,
)

from ..errors import InputError, SixteenthError
from ..spec import RunSpec
from ..spec.fields import AT_MAX_EPOCHS, LEVELLED_OFF, FractionText, Lengths

FORMAT = 1
"""Version of run.json; a reader refuses a higher one."""

Status = Literal["running", "interrupted", "failed", "finished"]


def _number(value: Any) -> Any:
    """A finite number as it is: a large integer would lose digits as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("it should be a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it should be a finite number")
    return value


Number = Annotated[float, PlainValidator(_number), PlainSerializer(lambda number: number)] | None
Whole = Annotated[int, Field(strict=True, ge=0)] | None
Share = Annotated[float, Field(strict=True, ge=0, le=1)] | None
Text = str | None
Texts = Annotated[tuple[str, ...], BeforeValidator(lambda texts: () if texts is None else texts)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    @classmethod
    def from_dict(cls, content: object) -> Self:
        """What JSON values say.

        Raises:
            ValueError: which part is not what it should be.
        """
        if not isinstance(content, Mapping):
            raise ValueError("it holds no keys")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            said = first["msg"].removeprefix("Value error, ")[:150]
            raise ValueError(f"{place}: {said}" if place else said) from None

    def to_dict(self) -> dict[str, Any]:
        """The part as JSON has it, without the keys that are absent there."""
        return self.model_dump(mode="json", exclude_unset=True)


class RecordedSpec(_Part):
    """The run's spec as far as tables and reports need it; `RunRecord.run_spec` is all of it."""

    model: str
    init: str
    fraction: FractionText
    seed: Annotated[int, Field(strict=True)]
    lengths: Lengths = ["1"]


class Failure(_Part):
    """The error that stopped a run."""

    type: str
    message: str

    @classmethod
    def of(cls, error: Exception) -> Self:
        """The type and the message of an error, in one line."""
        message = " ".join(str(error).split()) or "no message"
        return cls(type=type(error).__name__, message=message)

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"


class Understood(_Part):
    """What a data source was taken for; its notes and the files left out are sentences.

    Attributes:
        layout: such as ``class folders`` or ``Parquet``.
        classes: in the order of the labels.
        validation_images: that lie in a validation part; they are not used, as `left_out` says.
        per_class: images of each class, training and test together.
        left_out: files, folders and columns that were not read, and why.
        notes: what may not be what the user meant.
    """

    layout: Text = None
    classes: Texts = ()
    train_images: Whole = None
    test_images: Whole = None
    validation_images: Whole = None
    per_class: dict[str, Annotated[int, Field(strict=True, ge=0)]] | None = None
    left_out: Texts = ()
    notes: Texts = ()


class _Source(_Part):
    name: Text = None
    source: Text = None
    fingerprint: Text = None


class DataFacts(Understood, _Source):
    """The dataset of a run, see `data.ImageDataset`."""


class DataChecks(_Part):
    """What was found in a dataset when it was decoded; None: not checked for.

    Attributes:
        duplicates_within_train: training images that are copies of an earlier training image.
        duplicates_within_test: test images that are copies of an earlier test image.
        leaked_test_images: test images that are training images too.
        conflicting_labels: different images that stand under more than one label, in one split or
            across both.
        skipped_broken: images that could not be decoded and were left out, as was asked for.
        skipped: their names and reasons, the first hundred.
        nearly_black: images of more than 8 bits that use less than a quarter of their range.
        cut_short: images that decode, although their file lacks its end or their last rows are one
            flat colour.
        classes_without_test: classes of which no test image says how well they are known.
        examples: some of each kind, by name.
    """

    duplicates_within_train: Whole = None
    duplicates_within_test: Whole = None
    leaked_test_images: Whole = None
    conflicting_labels: Whole = None
    skipped_broken: Whole = None
    skipped: Texts = ()
    nearly_black: Whole = None
    cut_short: Whole = None
    classes_without_test: Texts = ()
    examples: Texts = ()


class AugmentationFacts(_Part):
    """How training images were changed at random, with ``auto`` resolved.

    Attributes:
        crop: largest shift in pixels, 0 for none.
        flip: mirrored at random, or in every second epoch, or never.
        cutout: side of the painted square in pixels, 0 for none.
    """

    crop: Whole = None
    flip: bool | Literal["alternating"] | None = None
    cutout: Whole = None

    @property
    def changes_images(self) -> bool:
        """Whether training images differ from the images on disk."""
        return bool(self.crop or self.flip or self.cutout)


class NormalisationFacts(_Part):
    """Mean and deviation of red, green and blue, in [0, 1], that the network's input is brought to
    zero and one by; and whose they are."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: Text = None


class WeightsFacts(_Part):
    """Where initial weights came from.

    Attributes:
        file: the file.
        key: under which the tensors lay in it; "" for none.
        prefix: that was removed from their names; "" for none.
        config: of timm's own weights: the tag, the size that they were trained at, and how images
            were prepared for them (mean, std, interpolation, crop_pct, ...).
    """

    file: Text = None
    key: Text = None
    prefix: Text = None
    config: dict[str, Any] | None = None


class ModelFacts(_Part):
    """The network as it was built for the run.

    Attributes:
        parameters: trainable values.
        train_flops_per_image: operations to train on one image once.
        final_map: height and width of the last convolution's output.
        normalisation: of the network's input.
        weights: the file of the initial weights, as it was understood; None for random ones.
        weights_sha256: of that file.
        unseen_weights: values that only padding would reach, left out of the training.
    """

    parameters: Whole = None
    train_flops_per_image: Number = None
    final_map: tuple[int, ...] | None = None
    normalisation: NormalisationFacts | None = None
    weights: WeightsFacts | None = None
    weights_sha256: Text = None
    unseen_weights: Whole = None


class Environment(_Part):
    """Versions and the machine. (`device` stands for `gpu` in records from elsewhere.)

    Attributes:
        instructions: the processor's widest vector instructions, as torch names them: ``AVX512``.
    """

    sixteenth: Text = None
    python: Text = None
    torch: Text = None
    torchvision: Text = None
    numpy: Text = None
    timm: Text = None
    """None if the model is not timm's."""
    platform: Text = None
    cpu: Text = None
    instructions: Text = None
    cores: Whole = None
    gpu: Text = None
    device: Text = None


class ExecutionFacts(_Part):
    """Where and in which numbers the run was computed, see `engine.execution.Execution`."""

    device: Text = None
    precision: Text = None
    layout: Text = None
    threads: Whole = None
    reason: Text = None
    measured: tuple[dict[str, Any], ...] | None = None


class Metrics(_Part):
    """The trained network, measured on clean training images and on all test images.

    Attributes:
        epoch: the epoch that was kept.
        chosen_by: ``last``, or ``validation``; with `epochs: auto`, where the last epoch of the
            chosen length is kept, ``levelled-off`` or ``max-epochs``, see `spec.fields`.
        steps: optimiser steps in all.
        train_measured: training images behind the training loss and accuracy.
        penalty: of a head alone: the L2 penalty that was chosen, see `engine.head`.
    """

    epoch: Whole = None
    chosen_by: Text = None
    steps: Whole = None
    train_loss: Number = None
    train_accuracy: Share = None
    train_measured: Whole = None
    test_loss: Number = None
    test_accuracy: Share = None
    validation_accuracy: Share = None
    penalty: Number = None


class LengthMetrics(_Part):
    """As `Metrics`, of a run that is shorter than the whole one by its `length`.

    Attributes:
        length: its share of the steps of the whole run, below 1.
        epoch: in which it ended; may be one that it did not end.
        validation_accuracy: of a run that chose its own length.
        seconds, train_flops: of a run of that length alone.
    """

    length: str
    epoch: Whole = None
    steps: Whole = None
    train_loss: Number = None
    train_accuracy: Share = None
    test_loss: Number = None
    test_accuracy: Share = None
    validation_accuracy: Share = None
    train_flops: Number = None
    seconds: Number = None


class RunRecord(_Part):
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
    """Shorter lengths of the run, the shortest first; none before it is finished."""
    train_flops: Number = None
    seconds: Number = None
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
        expected = self.spec.lengths[:-1] if self.is_finished else []
        if self.metrics is not None and self.metrics.chosen_by in (LEVELLED_OFF, AT_MAX_EPOCHS):
            expected = halvings(len(known))
        if known != expected:
            raise ValueError("lengths: a finished run has a test accuracy of each of its spec's")
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
            said = " ".join(str(error).split())[:120]
            raise InputError(f"{where} is not the record of a run: {said}") from None

    def row_id(self, length: str) -> str:
        """What tables call the run at one of its lengths: its run_id, or ``RUN_ID@1/4``."""
        return self.run_id if length == "1" else f"{self.run_id}@{length}"

    @property
    def is_finished(self) -> bool:
        """Whether the run has its results."""
        return self.status == "finished"

    def with_notices(self, notices: Iterable[str]) -> Self:
        """With more notices, after those that it has."""
        return self.model_copy(update={"notices": (*self.notices, *notices)})

    def with_training_images(self, train_size: int, augmentation: AugmentationFacts) -> Self:
        """With the size of the run's subset, and what happens to its images."""
        return self.model_copy(update={"train_size": train_size, "augmentation": augmentation})

    def with_model(self, model: ModelFacts) -> Self:
        """With the network that was built."""
        return self.model_copy(update={"model": model})

    def as_interrupted(self) -> Self:
        """The same run, stopped; it can go on."""
        return self.model_copy(update={"status": "interrupted"})

    def as_failed(self, error: Exception) -> Self:
        """The same run, which has just failed of `error`."""
        changes = {"status": "failed", "error": Failure.of(error), "finished": _now()}
        return self.model_copy(update=changes)

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
    ) -> Self:
        """The same run, which has just been measured: seconds, images a second, bytes.

        Work and times are of all that was trained, with the branches of shorter `lengths`.
        """
        return self.model_copy(
            update={
                "status": "finished",
                "metrics": metrics,
                "lengths": tuple(lengths),
                "train_flops": train_flops,
                "seconds": seconds,
                "evaluation_seconds": evaluation_seconds,
                "images_per_second": images_per_second,
                "peak_memory_bytes": peak_memory_bytes,
                "finished": _now(),
            }
        )


def halvings(count: int) -> list[str]:
    """``1/4`` and ``1/2`` for 2: the shorter lengths of a run that was doubled so often."""
    return [f"1/{2**power}" for power in range(count, 0, -1)]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
