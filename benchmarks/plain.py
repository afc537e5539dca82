"""The plain script that Sixteenth is compared with: what a good student writes in an afternoon.

    python -m benchmarks.plain images.npz --model resnet18 --images 3125 --epochs 10
    python -m benchmarks.plain images.npz --model seed-cnn --batch-size 64 --epochs 10

`--model` is any classifier of torchvision's, or seed-cnn, the network that a study has to beat.
torchvision's transforms on PIL images, a DataLoader, float32, Adam, the test set after every epoch:
nothing slow on purpose, and nothing that the tutorials do not show. It shares no code with
Sixteenth. The .npz holds x_train, y_train, x_test, y_test.
"""

from __future__ import annotations

import argparse
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


def seed_cnn(num_classes: int, image_size: int) -> nn.Sequential:
    """The baseline network, for square images whose size is a multiple of 4."""
    return nn.Sequential(
        nn.Conv2d(3, 128, 5, padding="same"),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.Conv2d(128, 128, 5, padding="same"),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout2d(0.25),
        nn.Conv2d(128, 256, 3, padding="same"),
        nn.BatchNorm2d(256),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding="same"),
        nn.BatchNorm2d(256),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout2d(0.25),
        nn.Flatten(),
        nn.Linear(256 * (image_size // 4) ** 2, 1024),
        nn.BatchNorm1d(1024),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(1024, 512),
        nn.BatchNorm1d(512),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(512, num_classes),
    )


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
    """Trains a network by its name: whole epochs with `epoch`, or a few timed steps at once."""

    def __init__(
        self,
        model: str,
        images: np.ndarray,
        labels: np.ndarray,
        batch_size: int,
        workers: int,
        device: str = "cpu",
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
            drop_last=len(labels) > batch_size,
            persistent_workers=workers > 0,
            pin_memory=device != "cpu",
        )
        self.device = torch.device(device)
        classes = int(labels.max()) + 1
        if model == "seed-cnn":
            self.model: nn.Module = seed_cnn(classes, images.shape[1])
        else:
            self.model = get_model(model, num_classes=classes)
        self.model.to(self.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def epoch(self) -> float:
        """Train on all images once; the mean loss."""
        self.model.train()
        total, seen = 0.0, 0
        for images, labels in self.loader:
            loss = self.step(images, labels)
            total, seen = total + loss.item() * len(labels), seen + len(labels)
        return total / seen

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Train on one batch; its mean loss."""
        images, labels = images.to(self.device), labels.to(self.device)
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.model(images), labels)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    @torch.no_grad()
    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """The share of images that are classified rightly."""
        transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
        self.model.eval()
        right = 0
        for batch, targets in DataLoader(Pictures(images, labels, transform), batch_size=500):
            found = self.model(batch.to(self.device)).argmax(1)
            right += (found == targets.to(self.device)).sum().item()
        return right / len(labels)

    def rounds(self, steps: int) -> Iterator[float]:
        """Train on and on; after each `steps` steps, the images a second of those steps."""
        self.model.train()
        done, seen, began = 0, 0, time.perf_counter()
        while True:
            for images, labels in self.loader:
                loss = self.step(images, labels)
                done, seen = done + 1, seen + len(labels)
                if done % steps == 0:
                    loss.item()  # waits for the device
                    yield seen / (time.perf_counter() - began)
                    seen, began = 0, time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", help="x_train, y_train, x_test, y_test as .npz")
    parser.add_argument("--model", default="resnet18", help="one of torchvision's, or seed-cnn")
    parser.add_argument("--images", type=int, help="train on the first so many")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--workers", type=int, default=0, help="of the DataLoader")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    with np.load(options.file) as file:
        x_train, y_train = file["x_train"][: options.images], file["y_train"][: options.images]
        x_test, y_test = file["x_test"], file["y_test"]
    training = PlainTraining(
        options.model, x_train, y_train, options.batch_size, options.workers, options.device
    )
    for epoch in range(1, options.epochs + 1):
        loss = training.epoch()
        print(f"epoch {epoch}: loss {loss:.3f}, test {training.accuracy(x_test, y_test):.1%}")
    torch.save(training.model.state_dict(), f"{options.file}.{options.model}.pt")


if __name__ == "__main__":
    main()
