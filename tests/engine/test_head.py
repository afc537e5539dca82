"""Heads on frozen features: computed once, the same each time, and what a record says of them."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sklearn
import torch
from safetensors.torch import save_file

from sixteenth import ModelError, RunSpec, WeightsError, predict
from sixteenth.data import ImageDataset, load_dataset
from sixteenth.engine import features, head
from sixteenth.engine.execution import Execution
from sixteenth.engine.head import PENALTIES, UNCHOSEN, fit_head
from sixteenth.engine.train import train_run
from sixteenth.models import build_model
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.run_record import RunRecord
from tiny_study import interrupt_at

EXECUTION = Execution("cpu", "float32", "channels-last", 1)


@pytest.fixture
def digits(tmp_path: Path) -> ImageDataset:
    return load_dataset("digits", image_size=8, data_dir=tmp_path / "cache")


@pytest.fixture(autouse=True)
def passed(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The numbers of images that passed through a network; `w.safetensors` are its weights."""
    features._opened.clear()
    model = build_model("tiny_models:small", 10, image_size=8, seed=3)
    save_file(model.state_dict(), tiny_folder / "w.safetensors")
    monkeypatch.setattr(features, "PART", 500)
    count: list[int] = []
    plain = features.Learner.logits

    def counted(self: Any, images: torch.Tensor, *more: Any) -> torch.Tensor:
        count.append(len(images))
        return plain(self, images, *more)

    monkeypatch.setattr(features.Learner, "logits", counted)
    yield count
    features._opened.clear()


def spec(fraction: str = "1/4", seed: int = 0, **changes: Any) -> RunSpec:
    known = {"model": "tiny_models:small", "init": "w.safetensors", "finetune": "head"}
    cell = {"fraction": fraction, "seed": seed, "data": "digits", "image_size": 8}
    return RunSpec.model_validate(known | cell | changes)


def train(run: RunSpec, data: ImageDataset, at: str, **more: Any) -> tuple[RunRecord, RunFolder]:
    folder = RunFolder(Path(at) / run.run_id)
    return train_run(run, data, folder, execution=EXECUTION, **more), folder


def results(folder: RunFolder) -> tuple[bytes, bytes]:
    return folder.predictions_path_of("1").read_bytes(), folder.weights_path.read_bytes()


def test_a_head_that_is_faster_than_the_clock_ends_without_a_speed(
    digits: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (features, head):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    record, _ = train(spec("1/8"), digits, "study")
    assert record.status == "finished"
    assert record.images_per_second == 0.0


def test_a_record_says_what_fitted_the_head_and_whose_images_normalise(
    digits: ImageDataset,
) -> None:
    record, folder = train(spec("1/8"), digits, "study")
    assert record.environment.sklearn == sklearn.__version__
    assert record.model.normalisation.source == "all training images"
    assert record == folder.read_record()
    whole, _ = train(spec("20 images", finetune="all", train={"epochs": 1}), digits, "study")
    assert whole.model.normalisation.source == "the run's own training images"
    assert "sklearn" not in whole.environment.to_dict()


def test_all_heads_of_a_network_cost_one_pass_over_the_images(
    digits: ImageDataset, passed: list[int]
) -> None:
    for fraction in ("1/8", "1/4", "1"):
        for seed in (0, 1):
            train(spec(fraction, seed), digits, "first")
    large = [count for count in passed if count > features.PROBE]
    assert sum(large) == len(digits.train) + len(digits.test)


def test_the_time_of_a_head_is_that_of_its_fit_and_the_pass_is_told_beside_it(
    digits: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, clock, asleep = features.Learner.logits, time.monotonic, [0.0]

    def slow(self: Any, images: torch.Tensor, *more: Any) -> torch.Tensor:
        asleep[0] += 1000.0
        return plain(self, images, *more)

    monkeypatch.setattr(features.Learner, "logits", slow)
    monkeypatch.setattr(time, "monotonic", lambda: clock() + asleep[0])
    with pytest.raises(KeyboardInterrupt):
        train(spec(), digits, "first", on_progress=interrupt_at(step=1000))
    images = len(digits.train) + len(digits.test)
    parts = math.ceil(images / features.PART) - 2
    record, _ = train(spec(), digits, "first")
    of_all = 1000.0 * parts / (images - 1000) * images  # as if all had passed at this pace
    assert record.feature_seconds == pytest.approx(of_all, rel=0.1)
    assert record.seconds < 1000
    second, _ = train(spec(seed=1), digits, "first")
    assert second.feature_seconds == 0
    assert second.seconds < 1000


def test_the_same_bytes_come_from_kept_features_and_from_new_ones(
    digits: ImageDataset, passed: list[int]
) -> None:
    first = results(train(spec(), digits, "first")[1])
    features._opened.clear()  # as in another process
    passed.clear()
    assert results(train(spec(), digits, "second")[1]) == first
    assert sum(passed) <= 2 * features.PROBE
    nowhere = dataclasses.replace(digits, cache_dir=None)
    assert results(train(spec(), nowhere, "third")[1]) == first


def test_a_stopped_pass_goes_on_where_it_stopped(digits: ImageDataset, passed: list[int]) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(spec(), digits, "first", on_progress=interrupt_at(step=1000))
    assert RunFolder(Path("first") / spec().run_id).read_record().status == "interrupted"
    passed.clear()
    record, folder = train(spec(), digits, "first")
    rest = len(digits.train) + len(digits.test) - 1000
    assert sum(count for count in passed if count > features.PROBE) == rest
    assert record.is_finished
    nowhere = dataclasses.replace(digits, cache_dir=None)
    assert results(folder) == results(train(spec(), nowhere, "whole")[1])


def test_a_damaged_part_and_the_features_of_another_network_are_computed_again(
    digits: ImageDataset, passed: list[int], tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = results(train(spec(), digits, "first")[1])
    (part,) = digits.cache_dir.glob("features/*/00001-*.npy")
    content = bytearray(part.read_bytes())
    content[-1] ^= 1
    part.write_bytes(content)
    features._opened.clear()
    passed.clear()
    assert results(train(spec(), digits, "second")[1]) == first
    assert [count for count in passed if count > features.PROBE] == [500]

    import tiny_models

    class Other(tiny_models.Net):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images.flip(3))

    monkeypatch.setattr(tiny_models, "Net", Other)
    features._opened.clear()
    assert results(train(spec(), digits, "third")[1]) != first


def test_a_stopped_pass_of_a_changed_network_leaves_no_mixture_of_two(
    digits: ImageDataset, passed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    train(spec(), digits, "first")

    import tiny_models

    class Other(tiny_models.Net):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images.flip(3))

    monkeypatch.setattr(tiny_models, "Net", Other)
    features._opened.clear()
    (old,) = digits.cache_dir.glob("features/*/00001-*.npy")
    (old.parent / f"00001{features.BEGUN}").touch()
    with pytest.raises(KeyboardInterrupt):
        train(spec("1"), digits, "second", on_progress=interrupt_at(step=500))
    assert not list(old.parent.glob(f"*{features.BEGUN}"))
    passed.clear()
    found = results(train(spec("1"), digits, "second")[1])
    rest = len(digits.train) + len(digits.test) - 500
    assert sum(count for count in passed if count > features.PROBE) == rest
    nowhere = dataclasses.replace(digits, cache_dir=None)
    assert found == results(train(spec("1"), nowhere, "third")[1])


def test_processes_that_begin_together_share_the_pass(
    digits: ImageDataset, passed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads stand for them. One works at a time, until it has begun a part."""
    monkeypatch.setattr(features, "PART", 100)
    plain, local = features.Learner.logits, threading.local()
    turns, computed = [threading.Semaphore(1), threading.Semaphore(0)], [0, 0]

    def in_turns(self: Any, images: torch.Tensor, *more: Any) -> torch.Tensor:
        if len(images) > features.PROBE:
            computed[local.number] += 1
            turns[1 - local.number].release()
            assert turns[local.number].acquire(timeout=600)
        return plain(self, images, *more)

    def compute(number: int) -> features.Features:
        local.number = number
        assert turns[number].acquire(timeout=600)
        try:
            return features.features_of(spec(), digits, EXECUTION)
        finally:
            turns[1 - number].release(1000)

    monkeypatch.setattr(features.Learner, "logits", in_turns)
    with ThreadPoolExecutor(2) as processes:
        found = list(processes.map(compute, (0, 1)))
    monkeypatch.setattr(features.Learner, "logits", plain)

    parts = len(found[0].parts)
    assert parts == 18
    assert sum(computed) <= parts + 2  # the first and the last twice
    assert abs(computed[0] - computed[1]) <= 1
    everything = np.arange(len(digits.train) + len(digits.test))
    nowhere = dataclasses.replace(digits, cache_dir=None)
    alone = features.features_of(spec(), nowhere, EXECUTION).of(everything).tobytes()
    assert [each.of(everything).tobytes() for each in found] == [alone, alone]


def test_what_a_killed_process_had_begun_is_computed_and_no_mark_of_it_stays(
    digits: ImageDataset, passed: list[int]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(spec(), digits, "first", on_progress=interrupt_at(step=1000))
    (first,) = digits.cache_dir.glob("features/*/00000-*.npy")
    (first.parent / f"00002{features.BEGUN}").touch()
    passed.clear()
    found = results(train(spec(), digits, "first")[1])
    rest = len(digits.train) + len(digits.test) - 1000
    large = [count for count in passed if count > features.PROBE]
    assert large == [rest - 500, 500]  # the part that was begun comes last
    assert {path.suffix for path in first.parent.iterdir()} == {".npy"}
    nowhere = dataclasses.replace(digits, cache_dir=None)
    assert found == results(train(spec(), nowhere, "whole")[1])


def test_where_nothing_can_be_kept_a_warning_says_so(digits: ImageDataset) -> None:
    digits.cache_dir.mkdir()
    (digits.cache_dir / "features").write_text("in the way", encoding="utf-8")
    with pytest.warns(UserWarning, match="features are not kept"):
        found = results(train(spec(), digits, "first")[1])
    nowhere = dataclasses.replace(digits, cache_dir=None)
    assert found == results(train(spec(), nowhere, "second")[1])


def test_inits_that_name_one_file_in_other_ways_have_features_of_their_own(
    digits: ImageDataset, tiny_folder: Path
) -> None:
    states = {
        key: build_model("tiny_models:small", 10, image_size=8, seed=seed).state_dict()
        for key, seed in (("model", 1), ("ema", 2))
    }
    torch.save(states, "two.pth")
    inits = ("two.pth#model", "two.pth#ema", "two.pth#ema#imagenet")
    probes = [
        features.features_of(spec(init=init), digits, EXECUTION).of(np.arange(4)) for init in inits
    ]
    assert not any(np.allclose(probes[a], probes[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_the_record_says_what_was_trained_and_the_head_predicts_as_it_was_measured(
    digits: ImageDataset, tiny_folder: Path
) -> None:
    record, folder = train(spec("1"), digits, "first")
    metrics = record.metrics
    assert (metrics.steps, metrics.epoch) == (0, 0)
    assert metrics.penalty in PENALTIES
    assert metrics.test_accuracy > 0.5
    assert record.run_spec(folder.record_path) == spec("1")
    from PIL import Image

    _, probabilities = folder.read_predictions()
    Image.fromarray(digits.test.images[7]).save("seven.png")
    (found,) = predict(folder.path, ["seven.png"], device="cpu", trust_code=True)
    assert found.probability == pytest.approx(probabilities[7].max(), abs=1e-4)
    assert folder.weights_path.stat().st_size < 3000  # the head alone
    other = build_model("tiny_models:small", 10, image_size=8, seed=4)
    save_file(other.state_dict(), tiny_folder / "w.safetensors")
    way = "bring that file back, or run this in the folder in which the study was run$"
    with pytest.raises(WeightsError, match=way):
        predict(folder.path, ["seven.png"], device="cpu", trust_code=True)
    (tiny_folder / "w.safetensors").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"w\.safetensors is not a safetensors file[^;]*$"):
        predict(folder.path, ["seven.png"], device="cpu", trust_code=True)
    (tiny_folder / "w.safetensors").unlink()
    alone = r"\+head-all-seed0 holds the classifier alone, .*: no weights file w\.safetensors in .*"
    here = "; that path counts from the folder in which the study was run: run this there$"
    with pytest.raises(WeightsError, match=f"{alone}{here}"):
        predict(folder.path, ["seven.png"], device="cpu", trust_code=True)


def test_a_head_predicts_as_it_was_measured_where_other_networks_see_several_views(
    digits: ImageDataset,
) -> None:
    run = spec("1", train={"test_augmentation": "mirror-shift"})
    assert run.views == "none"
    assert run.model_copy(update={"finetune": "last-stage"}).views == "mirror-shift"
    _, folder = train(run, digits, "first")
    from PIL import Image

    _, probabilities = folder.read_predictions()
    Image.fromarray(digits.test.images[7]).save("seven.png")
    (found,) = predict(folder.path, ["seven.png"], device="cpu", trust_code=True)
    by_class = [dict(found.ranked)[name] for name in digits.classes]
    assert by_class == pytest.approx(probabilities[7], abs=1e-4)


def test_a_network_that_does_not_end_in_a_linear_layer_has_no_head(digits: ImageDataset) -> None:
    Path("tail_nets.py").write_text(
        "from torch import nn\n"
        "def tail(num_classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(192, num_classes), nn.ReLU())\n",
        encoding="utf-8",
    )
    model = build_model("tail_nets:tail", 10, image_size=8)
    save_file(model.state_dict(), "tail.safetensors")
    with pytest.raises(ModelError, match="tail_nets:tail does not"):
        train(spec(model="tail_nets:tail", init="tail.safetensors"), digits, "first")


@pytest.mark.parametrize("classes", [2, 3])
def test_a_head_is_fitted_to_features_of_any_scale(classes: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(300) % classes
    x = (rng.normal(size=(300, 8)) + 4 * np.eye(8)[labels]) * 1e-3 + 5
    weight, bias, penalty, accuracy = fit_head(x.astype(np.float32), labels, classes, 0, 1)
    said = (torch.from_numpy(x.astype(np.float32)) @ weight.T + bias).argmax(1).numpy()
    assert (said == labels).mean() > 0.95
    assert penalty in PENALTIES
    assert accuracy > 0.9


def test_where_a_class_has_one_image_the_penalty_is_not_chosen() -> None:
    x = np.eye(3, dtype=np.float32)
    assert fit_head(x, np.arange(3), 3, 0, 1)[2:] == (UNCHOSEN, None)


@pytest.mark.parametrize("images", [1, 2])
def test_many_classes_of_few_images_raise_no_warning(images: int) -> None:
    labels = np.repeat(np.arange(30), images)
    x = np.eye(30, dtype=np.float32)[labels]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weight, _, _, _ = fit_head(x, labels, 30, 0, 1)
    assert weight.shape == (30, 30)
