"""A model that can take a training step and be measured: no epochs, no files, no subsets.

The Learner holds what every step of a run shares: the network with its initial weights, placed on
the device and accelerated there, the optimiser, mixed precision, and the normalisation of the
input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..models import (
    build_model,
    count_parameters,
    final_map,
    load_initial_weights,
    train_flops_per_image,
)
from ..spec import RunSpec
from ..storage.run_record import ModelFacts, NormalisationFacts
from .acceleration import accelerate
from .execution import Execution
from .gradient_fault import correct_gradients
from .inference import InputNormalisation, Views, class_scores
from .optim import build_optimizers, set_learning_rate
from .seeds import derive_seed

INITIALISING_IMAGES = 5_000
"""Training images that a model with an `initialise_from` is shown before training."""


class Learner:
    """The model of one run on its device, with its optimiser.

    Attributes:
        model: the network, float32 weights, on the device. One with random weights and a method
            ``initialise_from(images)`` has been shown normalised training images; one with a method
            ``settle(progress)`` hears how far the training is (`at`).
        mean_colour: red, green and blue, 0 to 255: what becomes zero.
        normalise: brings uint8 images to what the network expects.
        facts: what run.json keeps of the network.
        train_flops_per_image: operations to train on one image once.
    """

    def __init__(
        self, run: RunSpec, classes: int, train_images: np.ndarray, execution: Execution
    ) -> None:
        """Build the model with its initial weights.

        Args:
            run: model, init, stem, seed and recipe.
            classes: how many outputs.
            train_images: uint8, (N, height, width, 3): whose mean and deviation normalise the
                input, unless the initial weights come with their own.
            execution: where and in which numbers.

        Raises:
            ModelError, WeightsError: the model or its weights cannot be had.
        """
        self.train, self.execution = run.train, execution
        self.device = torch.device(execution.device)
        model = build_model(
            run.model,
            classes,
            image_size=run.image_size,
            stem=run.stem,
            seed=derive_seed(run.seed, "initial weights"),
        )
        weights = load_initial_weights(
            model, run.model, run.init, stem=run.stem, allow_partial=run.allow_partial
        )
        known = weights.normalisation if weights else None
        if known is None:
            mean, std = channel_statistics(train_images)
            source = "the run's own training images"
        else:
            mean, std, source = known.mean, known.std, known.source
        self.normalise = InputNormalisation(mean, std, execution)
        self.mean_colour = [255 * value for value in mean]
        initialise: Callable[[Tensor], None] | None = getattr(model, "initialise_from", None)
        if weights is None and initialise is not None:
            # Evenly spaced: images often lie class by class.
            count = min(INITIALISING_IMAGES, len(train_images))
            spaced = np.arange(count) * len(train_images) // count
            some = torch.from_numpy(train_images[spaced]).to(self.device)
            initialise(self.normalise(some).cpu())
        last = final_map(model, run.image_size)
        parameters = count_parameters(model)
        self.train_flops_per_image = train_flops_per_image(model, run.image_size)
        self.model = execution.place(model)
        acceleration = accelerate(self.model, run.image_size, run.train, execution)
        self.facts = ModelFacts(
            parameters=parameters,
            train_flops_per_image=self.train_flops_per_image,
            final_map=last,
            normalisation=NormalisationFacts(mean=mean, std=std, source=source),
            weights_sha256=weights.sha256 if weights else None,
            unseen_weights=acceleration.removed_weights,
        )
        self.optimizers = build_optimizers(self.model, run.train, self.device)
        acceleration.attach(self.optimizers)
        self._scaler = torch.amp.GradScaler(
            self.device.type, enabled=execution.precision == "float16"
        )

    def at(self, progress: float) -> None:
        """Tell the model which part of its training is done, from 0 to 1, before an epoch.

        It may stop learning a weight then; whether it does must follow from `progress` alone, so
        that a resumed run goes on as it would have.
        """
        settle: Callable[[float], None] | None = getattr(self.model, "settle", None)
        if settle is not None:
            settle(progress)

    def step(self, images: Tensor, labels: Tensor, rate: float) -> tuple[Tensor, Tensor, Tensor]:
        """One optimiser step at learning rate `rate`.

        Args:
            images: uint8, (n, height, width, 3), augmented, on the device.
            labels: int64, (n,).

        Returns:
            The batch's mean loss as it is optimised, its mean cross-entropy (without label
            smoothing, as test losses are) and its number of right answers, before the step; still
            on the device, so that nothing waits for them.
        """
        set_learning_rate(self.optimizers, rate)
        for optimizer in self.optimizers:  # first: the forward pass takes the gradients' memory
            optimizer.zero_grad(set_to_none=True)
        with self.execution.autocast(), correct_gradients(self.execution):
            logits = self.model(self.normalise(images))
        logits = logits.float()
        loss = F.cross_entropy(logits, labels, label_smoothing=self.train.label_smoothing)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        for optimizer in self.optimizers:
            self._scaler.step(optimizer)
        self._scaler.update()
        seen = logits.detach()
        return loss.detach(), F.cross_entropy(seen, labels), (seen.argmax(1) == labels).sum()

    def logits(self, images: Tensor, views: Views = "none") -> Tensor:
        """Class scores, float32 (n, classes), of uint8 images (n, height, width, 3) as they are.

        Args:
            views: test-time augmentation, see `engine.inference`.
        """
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)  # memory that the next step takes anew
        self.model.eval()
        with correct_gradients(self.execution):  # the same arithmetic as in training
            scores = class_scores(self.model, images, self.normalise, self.execution, views)
        self.model.train()
        return scores

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs to go on."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "scaler": self._scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        earlier = {"unseen": state["unseen"]} if state.get("unseen") else {}  # see `engine.cpu`
        for optimizer, content in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(content | earlier)
        self._scaler.load_state_dict(state["scaler"])

    def weights(self) -> dict[str, Tensor]:
        """A copy of the model's weights and buffers on the CPU."""
        return {
            name: tensor.detach().to("cpu", copy=True).contiguous()
            for name, tensor in self.model.state_dict().items()
        }

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take back what `weights` gave."""
        self.model.load_state_dict(weights)


def channel_statistics(
    images: np.ndarray,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of red, green and blue in [0, 1], of uint8 images (n, h, w, 3).

    From counts of the 256 values, a part of the images at a time: a copy of all of them as wider
    numbers might not fit in memory.
    """
    values = np.arange(256) / 255
    means, deviations = [], []
    for channel in range(3):
        counts = np.zeros(256, np.int64)
        for start in range(0, len(images), 1000):
            part = images[start : start + 1000, ..., channel]
            counts += np.bincount(part.ravel(), minlength=256)
        share = counts / counts.sum()
        means.append(float(share @ values))
        deviations.append(float(share @ (values - means[-1]) ** 2) ** 0.5)
    # A constant channel must not divide by zero.
    return tuple(means), tuple(max(deviation, 1e-3) for deviation in deviations)


def loss_and_accuracy(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean cross-entropy in nats, without label smoothing, and share of right answers."""
    loss = F.cross_entropy(logits, labels).item()
    return loss, (logits.argmax(1) == labels).float().mean().item()
