"""A model with its optimisers, mixed precision and input normalisation: training step, evaluation.

Epochs, files and subsets are not handled here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..models import (
    LastStage,
    WeightsFile,
    build_model,
    count_parameters,
    final_map,
    find_last_stage,
    load_initial_weights,
    train_flops_per_image,
)
from ..spec import RunSpec
from ..spec.fields import Views
from ..storage.run_facts import ModelFacts, NormalisationFacts, WeightsFacts
from .acceleration import accelerate
from .execution import Execution
from .gradient_fault import correct_gradients
from .images import DeviceImages, Rows
from .inference import InputNormalisation, class_scores
from .optim import build_optimizers, set_learning_rate
from .seeds import derive_seed

INITIALISATION_IMAGES, LEAST_INITIALISATION_IMAGES = 5_000, 100
"""Training images for `initialise_from`: of up to 64x64 pixels, and at least of any size."""


def count_initialisation_images(total: int, image_size: int) -> int:
    """How many of `total` training images `initialise_from` gets.

    As float32 5,000 images of 64 pixels take 0.25 GB, in each worker. Larger images are fewer, so
    that they have as many pixels together, of which what is computed from them depends.
    """
    of_size = INITIALISATION_IMAGES * 64 * 64 // image_size**2
    return min(INITIALISATION_IMAGES, total, max(LEAST_INITIALISATION_IMAGES, of_size))


class Learner:
    """The model of one run on its device, with its optimisers.

    A model may have two optional methods. ``initialise_from(images)`` is called with normalised
    training images, float32 (N, 3, height, width) on the CPU, if its initial weights are random;
    N is `count_initialisation_images`.
    ``set_training_progress(progress)`` is called before each epoch.

    Attributes:
        model: the network on the device, with float32 weights.
        mean_colour: red, green and blue, 0 to 255; the colour that becomes 0 when normalised.
        normalise: normalises uint8 images for the network.
        facts: the network's part of run.json.
        train_flops_per_image: floating-point operations of a training step per image.
    """

    def __init__(
        self,
        run: RunSpec,
        classes: int,
        train_images: np.ndarray | Rows,
        execution: Execution,
        *,
        images_name: str = "the run's own training images",
    ) -> None:
        """Build the model with its initial weights.

        Args:
            run: model, init, stem, seed, recipe, and what of the network is trained.
            classes: number of outputs.
            train_images: uint8, (N, height, width, 3). Their mean and standard deviation normalise
                the input, unless those of the initial weights are known.
            execution: device, precision, layout and threads.
            images_name: what `train_images` are, for the record.

        Raises:
            ModelError, WeightsError: the model or its weights cannot be loaded.
        """
        self.train, self.execution = run.train, execution
        self.device = torch.device(execution.device)
        model = build_model(
            run.model,
            classes,
            image_size=run.image_size,
            stem=run.stem,
            zero_init_residual=run.zero_init_residual,
            seed=derive_seed(run.seed, "initial weights"),
        )
        weights = load_initial_weights(
            model, run.model, run.init, stem=run.stem, allow_partial=run.allow_partial
        )
        known = weights.normalisation if weights else None
        if known is None:
            (mean, std), source = channel_statistics(train_images), images_name
        else:
            mean, std, source = known.mean, known.std, known.source
        self.normalise = InputNormalisation(mean, std, execution)
        self.mean_colour = [255 * value for value in mean]
        initialise: Callable[[Tensor], None] | None = getattr(model, "initialise_from", None)
        if weights is None and initialise is not None:
            # Evenly spaced, since images are often sorted by class.
            count = count_initialisation_images(len(train_images), run.image_size)
            positions = np.arange(count) * len(train_images) // count
            sample = torch.from_numpy(train_images[positions]).to(self.device)
            initialise(self.normalise(sample).cpu())
        last = final_map(model, run.image_size)
        parameters = count_parameters(model)  # before some are frozen: those of the model
        self._stage: LastStage | None = None
        if run.finetune == "last-stage":
            self._stage = find_last_stage(model, run.model, run.image_size)
            self._stage.freeze()
        self.train_flops_per_image = train_flops_per_image(model, run.image_size)
        self.model = execution.place(model)
        acceleration = accelerate(self.model, run.image_size, run.train, execution)
        self.facts = ModelFacts(
            parameters=parameters,
            train_flops_per_image=self.train_flops_per_image,
            final_map=last,
            normalisation=NormalisationFacts(mean=mean, std=std, source=source),
            weights=weights and weights_facts(weights),
            weights_sha256=weights.sha256 if weights else None,
            unseen_weights=acceleration.removed_weights,
        )
        self.optimizers = build_optimizers(self.model, run.train, self.device)
        acceleration.attach(self.optimizers)
        self._scaler = torch.amp.GradScaler(
            self.device.type, enabled=execution.precision == "float16"
        )

    def set_training_progress(self, progress: float) -> None:
        """Tell the model, before an epoch, which part of the training is done, from 0 to 1.

        It may freeze weights. That must depend on `progress` only, so that a resumed run has the
        same result.
        """
        hook: Callable[[float], None] | None = getattr(self.model, "set_training_progress", None)
        if hook is not None:
            hook(progress)
            self._keep_frozen()

    def train_mode(self) -> None:
        """Set the model to training mode; what is frozen stays in evaluation mode."""
        self.model.train()
        self._keep_frozen()

    def _keep_frozen(self) -> None:
        if self._stage is not None:
            self._stage.freeze()

    def step(self, images: Tensor, labels: Tensor, rate: float) -> tuple[Tensor, Tensor, Tensor]:
        """Take one optimiser step.

        Args:
            images: uint8, (n, height, width, 3), augmented, on the device.
            labels: int64, (n,), on the device.
            rate: learning rate.

        Returns:
            Mean loss, mean cross-entropy (the loss without label smoothing, in nats) and number of
            correct predictions of the batch before the step, as tensors on the device, so that
            nothing waits for them.
        """
        set_learning_rate(self.optimizers, rate)
        for optimizer in self.optimizers:  # before the forward pass, which reuses this memory
            optimizer.zero_grad(set_to_none=True)
        with self.execution.autocast(), correct_gradients(self.execution):
            logits = self.model(self.normalise(images))
        logits = logits.float()
        loss = F.cross_entropy(logits, labels, label_smoothing=self.train.label_smoothing)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        for optimizer in self.optimizers:
            self._scaler.step(optimizer)
        self._scaler.update()
        logits = logits.detach()
        return loss.detach(), F.cross_entropy(logits, labels), (logits.argmax(1) == labels).sum()

    def logits(self, images: Tensor | DeviceImages, views: Views = "none") -> Tensor:
        """Logits in evaluation mode, float32 (n, classes), of uint8 images (n, height, width, 3).

        Args:
            views: test-time augmentation, see `engine.inference`.
        """
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)  # frees memory
        self.model.eval()
        with correct_gradients(self.execution):  # the same arithmetic as in training
            scores = class_scores(self.model, images, self.normalise, self.execution, views)
        self.train_mode()
        return scores

    def state_dict(self) -> dict[str, Any]:
        """The state for a checkpoint."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "scaler": self._scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state that `state_dict` returned."""
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
        """Load weights that `weights` returned."""
        self.model.load_state_dict(weights)


def weights_facts(weights: WeightsFile) -> WeightsFacts:
    """What a record keeps of initial weights."""
    facts = WeightsFacts(file=str(weights.path), key=weights.key, prefix=weights.prefix)
    return facts.model_copy(update={"config": dict(weights.config)}) if weights.config else facts


def channel_statistics(images: np.ndarray | Rows) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, in [0, 1], of uint8 images (n, h, w, 3).

    Computed from a histogram, some images at a time, since a float copy of all images might not fit
    in memory.
    """
    values = np.arange(256) / 255
    means, deviations = [], []
    counts = np.zeros((3, 256), np.int64)
    for start in range(0, len(images), 250):
        part = images[start : start + 250]
        for channel in range(3):
            counts[channel] += np.bincount(part[..., channel].ravel(), minlength=256)
    for of_channel in counts:
        share = of_channel / of_channel.sum()
        means.append(float(share @ values))
        deviations.append(float(share @ (values - means[-1]) ** 2) ** 0.5)
    # A constant channel must not divide by zero.
    return tuple(means), tuple(max(deviation, 1e-3) for deviation in deviations)


def loss_and_accuracy(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean cross-entropy in nats, without label smoothing, and accuracy in [0, 1]."""
    loss = F.cross_entropy(logits, labels).item()
    return loss, (logits.argmax(1) == labels).float().mean().item()
