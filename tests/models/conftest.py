"""What the tests of weights share."""

from __future__ import annotations

import pytest
import torch
import torchvision


@pytest.fixture(scope="module")
def pretrained() -> dict[str, torch.Tensor]:
    """A resnet18 as torchvision's file holds it: 1000 classes, no counters of batch norms."""
    model = torchvision.models.resnet18()
    with torch.no_grad():
        model.layer1[0].conv1.weight.fill_(0.25)
    return {k: v for k, v in model.state_dict().items() if "num_batches" not in k}
