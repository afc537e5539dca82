"""How every run of a study is trained, typed and validated: the keys below `train`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .fields import Number, PositiveInt, Share, Views

AUTO_VALIDATION = 0.1
"""Part of a run's own subset that `epochs: auto` holds out: with fewer images chance would decide
more often, and more would be missed in training."""

FIRST_EPOCHS, FIRST_STEPS = 4, 200
"""The shortest length of `epochs: auto` has at least so many: fewer are little more than a warm-up,
whose doubling says nothing of a trained network; more would be lost on cells that need few."""
MOST_EPOCHS, MOST_FACTOR = 120, 16
"""With `max_epochs: auto` the longest length has at most so many epochs, or so many times the
shortest length, whichever is more: 120 epochs of 781 images are some 700 steps, with which a
network from random weights is far from trained, and 16 times the shortest are 3,200."""

LEAST_GAIN = 0.005
"""A doubling of the steps that buys less validation accuracy is the last of `epochs: auto`: half a
point is about what two trainings of one cell differ by, and seldom worth twice the time."""

STRICT = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
"""Of every spec: it is never changed, and unknown keys are errors."""


class TrainSpec(BaseModel):
    """One training recipe, the same for all runs of a study."""

    model_config = STRICT

    epochs: PositiveInt | Literal["auto"] = 30
    """Passes over the run's own subset; auto: doubled until a doubling buys less than half a point
    of accuracy on a held-out tenth of the subset, see `engine.lengths`."""
    max_epochs: Annotated[int, Field(ge=2, lt=2**31, strict=True)] | Literal["auto"] = "auto"
    """Of `epochs: auto`: the most epochs that a doubling may lead to; auto: 120, but at least 16
    times the shortest length, so that small subsets get the steps they need too."""
    steps: PositiveInt | None = None
    """Optimiser steps instead of epochs: every run gets the same compute."""
    batch_size: Annotated[int, Field(ge=2, strict=True)] = 128
    """Maximum number of images per step; the batches of an epoch are of equal size. (With 2 and an
    odd number of images, one batch has 3.)"""
    optimizer: Literal["sgd", "adam", "adamw", "muon"] = "adamw"
    """adamw works for small and big models, also in few steps; see docs/recipe.md. muon updates the
    filters of convolutions with orthogonalised momentum, and adamw all other weights."""
    learning_rate: Annotated[Number, Field(gt=0)] | None = None
    """Peak learning rate; by default 0.002 for adam and adamw, 0.02 for sgd, 0.1 for muon."""
    momentum: Share = 0.9
    """Nesterov momentum of sgd and muon; the first beta of adam and adamw."""
    weight_decay: Annotated[Number, Field(ge=0)] | None = None
    """For weights with two or more axes, so not for norms and biases. By default 0.05 for adamw,
    0.0005 for sgd, 0 for adam; none for muon's filters, whose norm is constant."""
    schedule: Literal["auto", "one-cycle", "warmup-linear", "warmup-stable-decay", "constant"] = (
        "auto"
    )
    """auto: warmup-stable-decay with `lengths` below 1 or `epochs: auto`, else one-cycle."""
    warmup: Share = 0.2
    """Part of all steps in which the learning rate increases; with several lengths, of the
    shortest's."""
    cooldown: Share = 0.2
    """Part of all steps in which the learning rate of warmup-stable-decay decreases; with
    several lengths, of each length's own steps."""
    label_smoothing: Share = 0.1
    crop: Annotated[int, Field(ge=0, strict=True)] | Literal["auto"] = "auto"
    """Random shift by up to this many pixels; auto: an eighth of the image, 0 for digits."""
    flip: bool | Literal["auto", "alternating"] = "auto"
    """Random left-right flip; auto: true, but false for digits. alternating: each image is flipped
    in every second epoch."""
    cutout: Annotated[int, Field(ge=0, strict=True)] = 0
    """Side in pixels of a square that is masked in each training image; 0 for none."""
    test_augmentation: Views = "none"
    """Average the final test predictions over views of each image: flipped, and shifted by a
    pixel. Training curves are without it, and so are heads, see `RunSpec.views`."""
    validation: Share = 0.0
    """Part of the run's training subset to hold out, to choose the best epoch."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    layout: Literal["auto", "channels-last", "channels-first"] = "auto"
    lower_convolutions: bool = True
    """Leave out the part of convolutions that only sees padding; the results are the same."""
    curve_images: PositiveInt | Literal["auto", "all"] = "auto"
    """Test images for each point of a training curve; auto: so many that evaluation takes a tenth
    of the time. The final evaluation always uses all test images."""

    @model_validator(mode="after")
    def _check_auto(self) -> TrainSpec:
        if self.epochs != "auto":
            return self
        way_out = "or set train.epochs to a number"
        if self.steps:
            raise ValueError(
                "train.epochs: auto chooses how many steps a run takes, and train.steps sets "
                f"them: remove train.steps, {way_out}"
            )
        if self.validation:
            raise ValueError(
                "train.epochs: auto holds out a tenth of each subset to choose the length, and "
                f"train.validation chooses an epoch: set train.validation: 0, {way_out}"
            )
        if self.schedule not in ("auto", "warmup-stable-decay"):
            raise ValueError(
                "train.epochs: auto needs a constant learning rate to go on from, not "
                f"train.schedule: {self.schedule}; use warmup-stable-decay, {way_out}"
            )
        return self

    @property
    def fixed_epochs(self) -> int:
        """`epochs` of a recipe that does not choose them."""
        assert self.epochs != "auto"
        return self.epochs

    @property
    def held_out(self) -> float:
        """Part of a run's subset that it does not train on: to choose an epoch, or its length."""
        return AUTO_VALIDATION if self.epochs == "auto" else self.validation

    @property
    def peak_learning_rate(self) -> float:
        """`learning_rate`, or the optimiser's default."""
        if self.learning_rate is not None:
            return self.learning_rate
        return {"sgd": 0.02, "adam": 2e-3, "adamw": 2e-3, "muon": 0.1}[self.optimizer]

    @property
    def resolved_weight_decay(self) -> float:
        """`weight_decay`, or the optimiser's default."""
        if self.weight_decay is not None:
            return self.weight_decay
        return {"sgd": 5e-4, "adam": 0.0, "adamw": 0.05, "muon": 0.05}[self.optimizer]

    def resolve_crop_and_flip(
        self, image_size: int, *, symbols: bool
    ) -> tuple[int, bool | Literal["alternating"]]:
        """`crop` in pixels and `flip`, with ``auto`` resolved.

        Args:
            image_size: of the training images, in pixels.
            symbols: the images are digits or letters, which a flip may turn into others.
        """
        crop = self.crop
        if crop == "auto":
            crop = 0 if symbols else image_size // 8
        return crop, not symbols if self.flip == "auto" else self.flip
