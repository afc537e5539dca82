"""Training steps on a temporary model, to measure their speed."""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch

from ..data import ImageDataset
from ..spec import RunSpec
from .execution import Execution
from .learner import Learner
from .optim import learning_rate
from .workload import Augmentation


class Rehearsal:
    """A model, its optimisers and one batch of the data, in one memory layout on one device."""

    def __init__(self, run: RunSpec, dataset: ImageDataset, execution: Execution) -> None:
        # The speed does not depend on the weights.
        run = run.model_copy(update={"init": "random"})
        images = np.ascontiguousarray(dataset.train.images[: max(run.train.batch_size, 64)])
        self._recipe = run.train
        self._augmentation = Augmentation.of(run.train, dataset)
        self._learner = Learner(run, len(dataset.classes), images, execution)
        device = self._learner.device
        self._images = torch.from_numpy(images[: run.train.batch_size]).to(device)
        self._labels = torch.arange(len(self._images), device=device) % len(dataset.classes)
        self._generator = torch.Generator().manual_seed(0)
        self._warm: set[Execution] = set()

    def prepare(self, execution: Execution) -> None:
        """Take a first step, which is slower, if none was taken with this execution yet.

        Raises:
            RuntimeError: as `images_per_second`.
        """
        self._learner.execution = execution
        if execution not in self._warm:
            with execution.torch_settings():
                self._step()
            self._warm.add(execution)

    def images_per_second(self, execution: Execution, seconds: float) -> float:
        """Training images per second, by the median step of `seconds` of training.

        Args:
            execution: may differ from that of the constructor in precision and threads.

        Raises:
            RuntimeError: the model cannot be trained with it. For example, the memory is too small,
                or the acceleration for the first precision does not support this one.
        """
        self.prepare(execution)
        with execution.torch_settings():
            times: list[float] = []
            while not times or sum(times) < seconds:
                began = time.perf_counter()
                self._step()
                times.append(time.perf_counter() - began)
        return len(self._images) / max(statistics.median(times), 1e-9)

    def _step(self) -> None:
        batch = self._augmentation(
            self._images,
            self._augmentation.flip is not False,
            colour=self._learner.mean_colour,
            generator=self._generator,
        )
        results = self._learner.step(batch, self._labels, learning_rate(0, 1000, self._recipe))
        results[0].item()  # waits for the device
