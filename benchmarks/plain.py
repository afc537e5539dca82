"""The plain script that Sixteenth is compared with: what a good student writes in an afternoon.

torchvision's transforms on PIL images, a DataLoader, float32, Adam: nothing slow on purpose, and
nothing that the tutorials do not show. It shares no code with Sixteenth.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.models import get_model

MEAN, STD = (0.491, 0.482, 0.447), (0.247, 0.243, 0.262)


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """uint8 images (N, height, width, 3) as PIL images through a transform, one at a time."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform: object) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture = Image.fromarray(self.images[index])
        return self.transform(picture), int(self.labels[index])  # type: ignore[operator]


class PlainTraining:
    """Trains a torchvision model; `rounds` yields images a second, one figure a round of steps."""

    def __init__(
        self, model: str, images: np.ndarray, labels: np.ndarray, batch_size: int, workers: int
    ) -> None:
        transform = transforms.Compose(
            [
                transforms.RandomCrop(images.shape[1], padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )
        self.loader = DataLoader(
            Pictures(images, labels, transform),
            batch_size=batch_size,
            shuffle=True,
            num_workers=workers,
            drop_last=True,
            persistent_workers=workers > 0,
        )
        self.model = get_model(model, num_classes=int(labels.max()) + 1)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def rounds(self, steps: int) -> Iterator[float]:
        """Train on and on; after each `steps` steps, the images a second of those steps."""
        criterion = nn.CrossEntropyLoss()
        self.model.train()
        done, seen, began = 0, 0, time.perf_counter()
        while True:
            for images, labels in self.loader:
                self.optimizer.zero_grad()
                criterion(self.model(images), labels).backward()
                self.optimizer.step()
                done, seen = done + 1, seen + len(labels)
                if done % steps == 0:
                    yield seen / (time.perf_counter() - began)
                    seen, began = 0, time.perf_counter()
