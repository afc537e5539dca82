"""The speedrun's network: how it begins, what it computes, and that its runs go on to the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from sixteenth import ModelError, RunSpec, load_spec, parse_spec
from sixteenth.data import ImageDataset, load_dataset
from sixteenth.engine.execution import resolve_execution
from sixteenth.engine.inference import VIEWS
from sixteenth.engine.learner import Learner, count_initialisation_images
from sixteenth.engine.train import train_run
from sixteenth.engine.workload import split_of
from sixteenth.models import build_model, weight_files
from sixteenth.models.speedrun import SpeedrunNet
from sixteenth.storage.run_folder import RunFolder
from tiny_study import checkpoint_at_every_step, interrupt_at

pytestmark = pytest.mark.usefixtures("narrow_speedrun")

SPEEDRUN = {
    "epochs": 4,
    "batch_size": 50,
    "optimizer": "muon",
    "schedule": "warmup-linear",
    "warmup": 0.0,
    "label_smoothing": 0.2,
    "flip": "alternating",
    "crop": 1,
    "cutout": 3,
    "test_augmentation": "mirror-shift",
}

SIDE = {"speedrun": 16, "seed-cnn": 8}
"""Of the images, in pixels: nearly the smallest that the networks take."""


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> ImageDataset:
    return load_dataset("digits", image_size=16, data_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def small_digits(tmp_path_factory: pytest.TempPathFactory) -> ImageDataset:
    """With 60 test images: seed-cnn's channels are many, and cannot be made fewer."""
    whole = load_dataset("digits", image_size=8, data_dir=tmp_path_factory.mktemp("cache"))
    few = replace(whole.test, images=whole.test.images[:60], labels=whole.test.labels[:60])
    return replace(whole, test=few)


def cell(model: str = "speedrun", **train: Any) -> RunSpec:
    study = {
        "data": "digits",
        "image_size": SIDE[model],
        "models": [model],
        "fractions": ["200 images"],
        "train": {**SPEEDRUN, **train},
    }
    return parse_spec(study).runs()[0]


def learner_of(run: RunSpec, data: ImageDataset) -> Learner:
    execution = resolve_execution("cpu", run.train)
    return Learner(run, len(data.classes), data.train.images, execution)


def test_the_first_layer_whitens_the_training_images(digits: ImageDataset) -> None:
    learner = learner_of(cell(precision="float32"), digits)
    images = learner.normalise(torch.from_numpy(digits.train.images[:1000]))
    with torch.no_grad():
        out = learner.model.whitening(images).double()
    half = out.shape[1] // 2
    flat = out.transpose(0, 1).reshape(2 * half, -1)
    torch.testing.assert_close(flat[half:], -flat[:half])  # each direction with either sign
    # Digits are grey: of twelve directions four hold something, and come again for the others.
    torch.testing.assert_close(flat[:half], flat[:4].repeat(3, 1))
    second_moments = (flat[:4] @ flat[:4].T / flat.shape[1]).numpy()
    assert np.allclose(second_moments, np.eye(4), atol=0.05)


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_grey_images_blow_up_no_gradient(digits: ImageDataset, precision: str) -> None:
    """A filter for what tells colours apart gives a constant, which norms divide by nothing."""
    for seed in range(3):
        run = cell(precision=precision).model_copy(update={"seed": seed})
        subset, _ = split_of(run, digits)
        images, labels = digits.train.images[subset], digits.train.labels[subset]
        learner = Learner(run, 10, images, resolve_execution("cpu", run.train))
        learner.step(torch.from_numpy(images[:50]), torch.from_numpy(labels[:50]), 0.0)
        gradients = {n: p.grad for n, p in learner.model.named_parameters() if p.grad is not None}
        assert len(gradients) > 12
        # Up to 12 as it should be, 40,000 at least with such a filter.
        assert all(gradient.norm() < 100 for gradient in gradients.values())


@pytest.mark.parametrize(
    ("total", "size", "count"),
    [
        (50_000, 64, 5000),
        (50_000, 32, 5000),
        (3000, 64, 3000),
        (50_000, 96, 2222),
        (50_000, 256, 312),
        (50_000, 1024, 100),
        (80, 1024, 80),
    ],
)
def test_large_images_from_which_weights_are_initialised_are_few(
    total: int, size: int, count: int
) -> None:
    assert count_initialisation_images(total, size) == count


def test_a_network_gets_so_many_images_to_initialise_itself(
    digits: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[int] = []
    kept = SpeedrunNet.initialise_from

    def initialise(net: SpeedrunNet, images: torch.Tensor) -> None:
        got.append(len(images))
        kept(net, images)

    monkeypatch.setattr(SpeedrunNet, "initialise_from", initialise)
    monkeypatch.setattr("sixteenth.engine.learner.INITIALISATION_IMAGES", 20)
    monkeypatch.setattr("sixteenth.engine.learner.LEAST_INITIALISATION_IMAGES", 5)
    for size in (16, 128):
        run = cell(precision="float32").model_copy(update={"image_size": size})
        images = np.zeros((40, size, size, 3), np.uint8)
        images[:] = np.arange(size, dtype=np.uint8)[:, None]
        Learner(run, 10, images, resolve_execution("cpu", run.train))
    assert got == [20, 5]


def test_the_first_layer_whitens_all_classes_however_the_images_are_sorted(
    digits: ImageDataset,
) -> None:
    run, execution = cell(precision="float32"), resolve_execution("cpu", cell().train)
    bright = np.full((9000, 16, 16, 3), 200, np.uint8)
    bright[:, ::2] = 0  # stripes, which the other class has not
    noisy = np.random.default_rng(0).integers(0, 255, bright.shape, np.uint8)
    weights = [
        Learner(run, 10, np.concatenate(images), execution).model.whitening.weight.detach()
        for images in ((bright, noisy), (noisy, bright))
    ]
    torch.testing.assert_close(weights[0], weights[1], atol=1e-4, rtol=1e-3)


def test_the_whitening_is_the_same_each_time_and_is_not_trained(
    digits: ImageDataset, tmp_path: Path
) -> None:
    before = learner_of(cell(), digits).model.whitening.weight.clone()
    assert torch.equal(before, learner_of(cell(), digits).model.whitening.weight)
    folder = RunFolder(tmp_path / "run")
    train_run(cell(epochs=1), digits, folder)
    after = load_file(folder.weights_path)
    # The run whitens with its own subset's images, so only its shape of a whitening is compared.
    weight = after["whitening.weight"]
    torch.testing.assert_close(weight[:12], -weight[12:])
    assert after["whitening.bias"].abs().max() > 0


def test_the_whitenings_bias_is_learned_in_the_first_epochs_only(digits: ImageDataset) -> None:
    learner = learner_of(cell(), digits)
    images = torch.from_numpy(digits.train.images[:50])
    labels = torch.from_numpy(digits.train.labels[:50])
    moved = {}
    for progress in (0.0, 0.37, 0.38, 0.99):
        before = learner.weights()
        learner.set_training_progress(progress)
        learner.step(images, labels, 0.05)
        after = learner.weights()
        assert not torch.equal(before["groups.0.first.weight"], after["groups.0.first.weight"])
        moved[progress] = not torch.equal(before["whitening.bias"], after["whitening.bias"])
    assert moved == {0.0: True, 0.37: True, 0.38: False, 0.99: False}


def test_a_model_hears_before_each_epoch_how_far_its_training_is(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[float] = []
    monkeypatch.setattr(
        SpeedrunNet, "set_training_progress", lambda _, progress: heard.append(progress)
    )
    train_run(cell(epochs=4), digits, RunFolder(tmp_path / "run"))
    assert heard == [0, 0.25, 0.5, 0.75]


def test_weights_from_a_file_are_not_whitened_anew_and_the_file_is_hashed_once(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = learner_of(cell(), digits).weights()
    path = tmp_path / "before.safetensors"
    save_file(saved, path)
    hashed: list[Path] = []
    digest = weight_files.sha256_of
    monkeypatch.setattr(weight_files, "sha256_of", lambda p: hashed.append(p) or digest(p))
    run = cell().model_copy(update={"init": str(path)})
    others = digits.train.images[700:]
    learner = Learner(run, len(digits.classes), others, resolve_execution("cpu", run.train))
    assert hashed == [path]
    assert learner.facts.weights_sha256 == digest(path)
    for name, weight in learner.weights().items():
        assert torch.equal(weight, saved[name]), name


def test_filters_begin_as_the_identity_where_they_can() -> None:
    model = build_model("speedrun", 10, image_size=32)
    filters = model.groups[1].first.weight
    assert filters.shape == (32, 24, 3, 3)
    maps = torch.randn(2, 24, 5, 5)
    out = F.conv2d(maps, filters, padding=1)
    torch.testing.assert_close(out[:, :24], maps)


@pytest.mark.parametrize("side", [3, 7, 8, 15, 30])
def test_what_a_pool_leaves_out_is_not_computed_and_nothing_else(side: int) -> None:
    torch.manual_seed(0)
    model = build_model("speedrun", 10, image_size=32).double()
    group = model.groups[1]
    maps = torch.randn(3, group.first.in_channels, side, side, dtype=torch.float64)
    sizes: list[torch.Size] = []
    group.first.register_forward_hook(lambda _module, _args, made: sizes.append(made.shape[2:]))
    results = []
    for pooled in (
        group._pooled,
        lambda maps: group.pool(F.conv2d(maps, group.first.weight, padding=1)),
    ):
        leaf = maps.clone().requires_grad_()
        made = pooled(leaf)
        gradients = torch.autograd.grad(made.square().sum(), [leaf, group.first.weight])
        results.append([made, *gradients])
    assert sizes == [(side // 2 * 2, side // 2 * 2)]
    for mine, ordinary in zip(*results, strict=True):
        torch.testing.assert_close(mine, ordinary)


@pytest.mark.parametrize("name", ["speedrun", "speedrun-large"])
def test_images_too_small_to_be_halved_three_times_are_refused(name: str) -> None:
    assert build_model(name, 3, image_size=9)(torch.zeros(2, 3, 9, 9)).shape == (2, 3)
    with pytest.raises(ModelError, match=r"smallest image_size that it can is 9"):
        build_model(name, 3, image_size=8)


def test_the_views_of_an_image_are_averaged(digits: ImageDataset) -> None:
    learner = learner_of(cell(precision="float32"), digits)
    images = torch.from_numpy(digits.test.images[:30])
    plain = learner.logits(images)
    assert all(sum(weight for *_, weight in views) == 1 for views in VIEWS.values())
    mirrored = learner.logits(images.flip(2))
    torch.testing.assert_close(learner.logits(images, "mirror"), (plain + mirrored) / 2)
    around = learner.logits(images, "mirror-shift")
    assert not torch.allclose(around, plain)
    # Every view comes mirrored as well, so a mirrored image gets the same answer but for a shift
    # that its mirror image takes the other way round.
    assert (around.argmax(1) == learner.logits(images.flip(2), "mirror-shift").argmax(1)).all()


def test_the_result_has_test_time_augmentation_and_the_curve_has_not(
    digits: ImageDataset, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    record = train_run(cell(), digits, folder)
    curve = folder.read_history()["test_loss"].iloc[-1]
    assert record.metrics.test_loss != pytest.approx(curve, rel=1e-6)
    assert record.metrics.test_accuracy > 0.5


@pytest.mark.parametrize(
    ("model", "recipe"),
    [
        ("speedrun", {}),
        (
            "seed-cnn",
            {
                "optimizer": "adamw",
                "validation": 0.2,
                "flip": False,
                "test_augmentation": "none",
                "curve_images": 50,
            },
        ),
    ],
    ids=["muon, alternating flips, cut-outs", "dropout, a validation part"],
)
def test_an_interrupted_run_of_these_goes_on_to_the_very_same_result(
    digits: ImageDataset,
    small_digits: ImageDataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    recipe: dict[str, Any],
) -> None:
    checkpoint_at_every_step(monkeypatch)
    data = digits if SIDE[model] == 16 else small_digits
    run = cell(model, epochs=3, **recipe).model_copy(update={"fraction": "100 images"})
    whole, broken = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "broken")
    train_run(run, data, whole)
    with pytest.raises(KeyboardInterrupt):  # after the first of the epoch's two steps
        train_run(run, data, broken, on_progress=interrupt_at(epoch=3))
    train_run(run, data, broken)
    assert whole.weights_path.read_bytes() == broken.weights_path.read_bytes()
    assert (
        whole.predictions_path_of("1").read_bytes() == broken.predictions_path_of("1").read_bytes()
    )


@pytest.mark.parametrize("preset", ["cifar10-best", "cifar10-best-96", "seed-cnn"])
def test_the_presets_train_for_a_few_steps(
    digits: ImageDataset, small_digits: ImageDataset, tmp_path: Path, preset: str
) -> None:
    side = 8 if preset == "seed-cnn" else 16
    data = small_digits if side == 8 else digits
    spec = load_spec(preset, ["data=digits", f"image_size={side}"])
    run = spec.runs()[0].model_copy(update={"fraction": "100 images"})
    recipe = run.train.model_copy(update={"steps": 3, "batch_size": 20, "epochs": 1})
    recipe = recipe.model_copy(update={"cutout": min(run.train.cutout, 6)})
    record = train_run(run.model_copy(update={"train": recipe}), data, RunFolder(tmp_path / "r"))
    assert record.status == "finished"
    assert record.metrics.steps == 3
