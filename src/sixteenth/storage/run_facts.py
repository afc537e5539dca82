"""What run.json says of a run, part by part; `run_record.RunRecord` holds them all.

A run folder may be damaged, or come from somebody else. What is there must have the right type and
range, so that no number in a report stands for something else. What is absent is None (a run that
failed early knows little), and keys that this version does not know are kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
)

from ..messages import one_line
from ..spec.fields import Interpolation

VERSIONS = ("sixteenth", "torch", "torchvision", "timm", "sklearn")
"""Packages whose version may change what a run gives: no two runs of a study differ in them. timm's
counts for its own models, scikit-learn's for heads."""

CLEAN_TRAIN_IMAGES = 10_000
"""The most training images that the training accuracy is measured on at the end; its standard error
is then at most 0.5 points."""


def release(version: Any) -> str:
    """A version without its build: 2.14.1+cpu and 2.14.1+cu130 are one version of torch."""
    return str(version).partition("+")[0]


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


class Part(BaseModel):
    """Values of JSON with their types; never changed."""

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


class Failure(Part):
    """The error that stopped a run."""

    type: str
    message: str

    @classmethod
    def of(cls, error: Exception) -> Self:
        """The type and the message of an error, in one line."""
        return cls(type=type(error).__name__, message=one_line(error) or "no message")

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"


class Understood(Part):
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


class _Source(Part):
    name: Text = None
    source: Text = None
    fingerprint: Text = None


class DataFacts(Understood, _Source):
    """The dataset of a run, see `data.ImageDataset`; its images were resized by `interpolation`."""

    interpolation: Interpolation = "bilinear"


class DataChecks(Part):
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


class AugmentationFacts(Part):
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


class NormalisationFacts(Part):
    """Mean and deviation of red, green and blue, in [0, 1], that the network's input is brought to
    zero and one by; and whose they are."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: Text = None


class WeightsFacts(Part):
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


class ModelFacts(Part):
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


class Environment(Part):
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
    sklearn: Text = None
    """scikit-learn's, which fits heads; None if the run trains a whole network."""
    platform: Text = None
    cpu: Text = None
    instructions: Text = None
    cores: Whole = None
    gpu: Text = None
    device: Text = None

    def other_versions(self, here: Environment) -> list[str]:
        """Versions that may change what a run gives, where both tell them and they differ."""
        both = [(package, getattr(self, package), getattr(here, package)) for package in VERSIONS]
        return [
            f"{package}: {then} there, {now} here"
            for package, then, now in both
            if then is not None and now is not None and release(then) != release(now)
        ]


class ExecutionFacts(Part):
    """Where and in which numbers the run was computed, see `engine.execution.Execution`."""

    device: Text = None
    precision: Text = None
    layout: Text = None
    threads: Whole = None
    reason: Text = None
    measured: tuple[dict[str, Any], ...] | None = None


class Metrics(Part):
    """The trained network, measured on clean training images and on all test images.

    Attributes:
        epoch: the epoch that was kept.
        chosen_by: ``last``, or ``validation``; with `epochs: auto`, where the last epoch of the
            chosen length is kept, ``levelled-off``, ``max-epochs`` or, of a run that is not
            finished, ``stopped``, see `spec.fields`.
        steps: optimiser steps in all.
        train_measured: training images behind the training loss and accuracy.
        validation_images: behind the validation accuracy; of `epochs: auto` the validation part
            and images outside of the run's subset.
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
    validation_images: Whole = None
    penalty: Number = None


class LengthMetrics(Part):
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
