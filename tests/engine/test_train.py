"""One run: what it sees, how it learns, what it leaves, and that it goes on as if never stopped."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sixteenth import DivergedError, InputError, MismatchError, RunSpec, parse_spec
from sixteenth.data import ImageDataset
from sixteenth.data.augment import crop_and_flip
from sixteenth.engine import loop
from sixteenth.engine.execution import candidate_formats, resolve_execution
from sixteenth.engine.learner import Learner, channel_statistics
from sixteenth.engine.seeds import derive_seed
from sixteenth.engine.train import train_run
from sixteenth.engine.workload import MIN_CURVE_IMAGES, Workload, split_of
from sixteenth.spec import TrainSpec
from sixteenth.storage.run_folder import RunFolder
from sixteenth.study.planning.executions import ExecutionRequest
from tiny_study import checkpoint_at_every_step, interrupt_at

pytestmark = pytest.mark.usefixtures("tiny_models")


def cell(**train: Any) -> RunSpec:
    """A small run on digits: two epochs of a small network on 200 images."""
    recipe = {"epochs": 2, "batch_size": 32, **train}
    return parse_spec(
        {
            "data": "digits",
            "image_size": 8,
            "models": ["tiny_models:small"],
            "fractions": ["200 images"],
            "train": recipe,
        }
    ).runs()[0]


class FakeClock:
    """The module `time` of a machine whose clock moves only when it is told to."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def _stop() -> NoReturn:
    raise KeyboardInterrupt


def test_a_finished_run_leaves_its_record_history_predictions_and_weights(
    digits: ImageDataset, tmp_path: Path
) -> None:
    run, folder = cell(), RunFolder(tmp_path / "run")
    record = train_run(run, digits, folder)
    assert record == folder.read_record()
    assert record.to_dict() == json.loads(folder.record_path.read_text())
    assert record.status == "finished"
    assert record.data.fingerprint == digits.fingerprint
    assert record.train_size == 200
    history = folder.read_history()
    assert list(history["epoch"]) == [1, 2]
    assert history["test_images"].iloc[-1] == len(digits.test)
    assert history["test_accuracy"].iloc[-1] == record.metrics.test_accuracy
    found = folder.read_predictions()
    assert found is not None
    labels, probabilities = found
    assert np.array_equal(labels, digits.test.labels)
    accuracy = (probabilities.argmax(1) == labels).mean()
    assert accuracy == pytest.approx(record.metrics.test_accuracy, abs=1e-6)
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "history.csv",
        "model.safetensors",
        "predictions.npz",
        "run.json",
    ]


def test_a_finished_run_is_not_trained_again(digits: ImageDataset, tmp_path: Path) -> None:
    run, folder = cell(epochs=1), RunFolder(tmp_path / "run")
    train_run(run, digits, folder)
    before = folder.weights_path.stat().st_mtime_ns
    train_run(run, digits, folder, on_progress=lambda _: pytest.fail("a step was taken"))
    assert folder.weights_path.stat().st_mtime_ns == before


def test_a_run_whose_job_is_queued_again_is_interrupted(
    digits: ImageDataset, tmp_path: Path
) -> None:
    def queued_again(_: object) -> None:
        raise SystemExit(-1)  # what submitit does in the handler of its signal

    folder = RunFolder(tmp_path / "run")
    with pytest.raises(SystemExit):
        train_run(cell(), digits, folder, on_progress=queued_again)
    assert folder.read_record().status == "interrupted"


def test_an_interrupted_run_goes_on_to_the_very_same_result(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cell(epochs=3)
    whole, broken = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "broken")
    train_run(run, digits, whole)

    checkpoint_at_every_step(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        train_run(run, digits, broken, on_progress=interrupt_at(epoch=3))
    record = broken.read_record()
    assert record is not None
    assert record.status == "interrupted"
    seen: list[int] = []
    train_run(run, digits, broken, on_progress=lambda progress: seen.append(progress.epoch))
    assert set(seen) == {3}
    assert broken.weights_path.read_bytes() == whole.weights_path.read_bytes()
    assert (
        broken.predictions_path_of("1").read_bytes() == whole.predictions_path_of("1").read_bytes()
    )
    timeless = [frame.read_history().drop(columns="seconds") for frame in (broken, whole)]
    assert timeless[0].equals(timeless[1])


def test_slow_checkpoints_within_an_epoch_take_a_twentieth_of_the_time(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, writes = FakeClock(), list[float]()

    def write(*_: object) -> None:
        clock.now += 60.0
        writes.append(clock.now)

    def step(_: object) -> None:
        clock.now += 130.0  # a checkpoint would be due after each step if it cost nothing

    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(loop, "write_checkpoint", write)
    train_run(cell(epochs=1, batch_size=4), digits, RunFolder(tmp_path / "run"), on_progress=step)
    assert len(writes) > 3
    assert (np.diff(writes) >= 20 * 60.0).all()


def test_a_run_that_is_faster_than_the_clock_ends_without_a_speed(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "time", FakeClock())
    speeds: list[float] = []
    record = train_run(
        cell(epochs=1),
        digits,
        RunFolder(tmp_path / "run"),
        on_progress=lambda progress: speeds.append(progress.images_per_second),
    )
    assert record.status == "finished"
    assert {*speeds, record.images_per_second} == {0.0}


def test_another_seed_is_another_subset_another_network_and_another_order(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = cell(epochs=1), cell(epochs=1).model_copy(update={"seed": 1})
    a = train_run(first, digits, RunFolder(tmp_path / "a"))
    b = train_run(second, digits, RunFolder(tmp_path / "b"))
    assert a.metrics.test_loss != b.metrics.test_loss
    # Each by itself, since any one of them alone makes another loss.
    assert not np.array_equal(*(split_of(run, digits)[0] for run in (first, second)))
    execution = resolve_execution("cpu", first.train)
    weights = [
        Learner(run, 10, digits.train.images[:64], execution).weights() for run in (first, second)
    ]
    assert not torch.equal(*(each["0.weight"] for each in weights))
    seen = []
    monkeypatch.setattr(
        Learner, "step", lambda _, images, labels, rate: seen.append(labels) or _stop()
    )
    for run in (first, second):
        # All images: what the first step sees, and its loss before it, hangs on the order alone.
        whole = run.model_copy(update={"fraction": "1"})
        with pytest.raises(KeyboardInterrupt):
            train_run(whole, digits, RunFolder(tmp_path / f"all{run.seed}"))
    assert not torch.equal(*seen)


def test_a_folder_that_holds_another_run_is_refused_with_what_differs(
    digits: ImageDataset, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    train_run(cell(epochs=1), digits, folder)
    with pytest.raises(MismatchError, match="epochs"):
        train_run(cell(epochs=2), digits, folder)
    other = dataclasses.replace(digits, fingerprint="0" * 64)
    with pytest.raises(MismatchError, match="fingerprint"):
        train_run(cell(epochs=1), other, folder)


def test_a_loss_that_is_not_finite_stops_the_run_and_says_so(
    digits: ImageDataset, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(DivergedError, match="learning_rate"):
        train_run(cell(learning_rate=1e30), digits, folder)
    record = folder.read_record()
    assert record is not None
    assert (record.status, record.error.type) == ("failed", "DivergedError")


def test_the_validation_part_chooses_the_epoch_and_the_test_set_does_not(
    digits: ImageDataset, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    record = train_run(cell(epochs=4, validation=0.25), digits, folder)
    history = folder.read_history()
    best = int(history["validation_accuracy"].idxmax())
    metrics = record.metrics
    assert metrics.chosen_by == "validation"
    assert metrics.epoch == history["epoch"][best]
    assert metrics.validation_accuracy == history["validation_accuracy"][best]
    assert metrics.train_measured == 150
    found = folder.read_predictions()
    assert found is not None
    accuracy = (found[1].argmax(1) == found[0]).mean()
    assert accuracy == pytest.approx(metrics.test_accuracy, abs=1e-6)


def test_steps_give_every_run_the_same_compute(digits: ImageDataset, tmp_path: Path) -> None:
    record = train_run(cell(steps=10), digits, RunFolder(tmp_path / "run"))
    assert record.metrics.steps == 10
    # 200 images are seven batches of at most 32: ten steps are one epoch and three batches.
    assert list(RunFolder(tmp_path / "run").read_history()["step"]) == [7, 10]


def test_a_network_learns_digits(digits: ImageDataset, tmp_path: Path) -> None:
    run = cell(epochs=12).model_copy(update={"model": "tiny_models:big", "fraction": "1/2"})
    record = train_run(run, digits, RunFolder(tmp_path / "run"))
    assert record.metrics.test_accuracy > 0.9


def test_crops_and_flips_are_those_of_a_padded_picture() -> None:
    images = torch.randint(0, 256, (64, 6, 6, 3), dtype=torch.uint8)
    out = crop_and_flip(images, crop=2, flip=True, generator=torch.Generator().manual_seed(0))
    padded = np.pad(images.numpy(), ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    kinds = set()
    for picture, made in zip(padded, out.numpy(), strict=True):
        matches = [
            (y, x, flip)
            for y in range(5)
            for x in range(5)
            for flip in (False, True)
            if np.array_equal(made, picture[y : y + 6, x : x + 6][:, :: -1 if flip else 1])
        ]
        assert matches
        kinds.update(matches)
    assert {flip for *_, flip in kinds} == {False, True}
    assert {y for y, *_ in kinds} == set(range(5))


def test_without_crop_and_flip_images_stay_what_they_are() -> None:
    images = torch.randint(0, 256, (3, 5, 5, 3), dtype=torch.uint8)
    assert crop_and_flip(images, crop=0, flip=False, generator=torch.Generator()) is images


@pytest.mark.parametrize("epochs", [1, 3, 10, 11, 19, 25, 30, 200])
@pytest.mark.parametrize("train_images", [90, 3125, 25_000, 50_000])
def test_measuring_takes_a_tenth_of_a_run_and_gives_ten_points(
    epochs: int, train_images: int
) -> None:
    work = Workload.of(TrainSpec(epochs=epochs), train_images, 10_000)
    measured = [epoch for epoch in range(1, epochs + 1) if work.has_curve_point(epoch)]
    assert measured[-1] == epochs
    assert len(measured) == work.curve_points
    assert len(measured) >= min(epochs, 10)
    gaps = np.diff([0, *measured])
    assert gaps.max() - gaps.min() <= 1, "points are spread evenly"
    assert work.curve_images >= MIN_CURVE_IMAGES
    least = (min(epochs, 10) - 1) * MIN_CURVE_IMAGES + 10_000 + min(train_images, 10_000)
    share = (work.effort - work.images) / work.effort
    # Where a final test on all images and ten small ones take more than that, it is no more either.
    assert share <= 0.1001 or work.evaluated <= least


def test_what_the_user_says_of_curves_goes_before_the_tenth() -> None:
    asked = Workload.of(TrainSpec(epochs=30, curve_images="all"), 90, 10_000)
    assert (asked.curve_points, asked.curve_images) == (30, 10_000)
    asked = Workload.of(TrainSpec(epochs=30, curve_images=700), 90, 10_000)
    assert (asked.curve_points, asked.curve_images) == (30, 700)


def test_epochs_that_are_not_measured_are_empty_in_the_history(
    digits: ImageDataset, tmp_path: Path
) -> None:
    run = cell(epochs=24).model_copy(update={"fraction": "40 images"})
    record = train_run(run, digits, RunFolder(tmp_path / "run"))
    history = RunFolder(tmp_path / "run").read_history()
    assert len(history) == 24
    assert history["train_loss"].notna().all()
    measured = history["test_loss"].notna()
    assert measured.sum() == 10
    assert (history["test_images"].gt(0) == measured).all()
    assert history["test_accuracy"].iloc[-1] == record.metrics.test_accuracy
    assert history["test_images"].iloc[-1] == len(digits.test)


def test_label_smoothing_is_no_part_of_the_recorded_training_loss(
    digits: ImageDataset, tmp_path: Path
) -> None:
    smoothed = Learner(
        cell(label_smoothing=0.5, precision="float32"),
        10,
        digits.train.images[:64],
        resolve_execution("cpu", TrainSpec(precision="float32")),
    )
    images = torch.from_numpy(digits.train.images[:64])
    labels = torch.from_numpy(digits.train.labels[:64])
    optimised, entropy, _ = smoothed.step(images, labels, 0.0)
    with torch.no_grad():
        logits = smoothed.model(smoothed.normalise(images))
    assert entropy.item() == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-3)
    assert optimised.item() != pytest.approx(entropy.item(), rel=1e-3)
    record = train_run(cell(epochs=1), digits, RunFolder(tmp_path / "run"))
    assert record.train_loss == "cross-entropy"


def test_a_step_on_either_layout_is_the_same_step(digits: ImageDataset) -> None:
    left = []
    for layout in ("channels-last", "channels-first"):
        run = cell(layout=layout, precision="float32", optimizer="sgd")
        learner = Learner(run, 10, digits.train.images[:64], resolve_execution("cpu", run.train))
        images = torch.from_numpy(digits.train.images[:64])
        labels = torch.from_numpy(digits.train.labels[:64])
        # Only the first step: rounding differs between the two, and every step enlarges that.
        loss, _, _ = learner.step(images, labels, 0.05)
        left.append((loss.item(), learner.weights()))
    assert left[0][0] == pytest.approx(left[1][0], rel=1e-4)
    before = Learner(run, 10, digits.train.images[:64], resolve_execution("cpu", run.train))
    for name, start in before.weights().items():
        steps = [(weights[name] - start).double().norm() for _, weights in left]
        apart = (left[0][1][name] - left[1][1][name]).double().norm()
        assert apart <= 0.05 * max(*steps, torch.tensor(1e-4)), name


@pytest.mark.parametrize(
    ("device", "layout", "default", "measured"),
    [
        ("cpu", "auto", "channels-last", ["channels-last", "channels-first"]),
        ("cpu", "channels-first", "channels-first", ["channels-first"]),
        ("mps", "auto", "channels-first", ["channels-first"]),
        ("mps", "channels-last", "channels-last", ["channels-last"]),
    ],
)
def test_channels_last_is_neither_chosen_nor_measured_on_mps(
    monkeypatch: pytest.MonkeyPatch, device: str, layout: str, default: str, measured: list[str]
) -> None:
    monkeypatch.setattr(torch, "empty", lambda *_, **__: None)  # the device is there
    recipe = TrainSpec.model_validate({"layout": layout})
    execution = resolve_execution(device, recipe)
    assert execution.layout == default
    assert candidate_formats(execution, recipe)[1] == measured


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="there is cpu"):
        resolve_execution("cuda:77", TrainSpec())
    with pytest.raises(InputError, match="float16"):
        resolve_execution("cpu", TrainSpec(precision="float16"))


def test_float16_is_refused_on_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "empty", lambda *_, **__: None)  # the device is there
    with pytest.raises(InputError, match="no float16 on mps; use bfloat16 or float32"):
        resolve_execution("mps", TrainSpec(precision="float16"))


def test_the_cpu_has_one_name() -> None:
    execution = resolve_execution("cpu:0", TrainSpec())
    assert execution == resolve_execution("cpu", TrainSpec())
    # Also where it is asked for again, of a run that was begun.
    assert ExecutionRequest(device="cpu:0").apply(execution) == execution


@pytest.mark.parametrize(("images", "size"), [(11, 2), (5, 2), (111, 10), (90, 32), (1, 4)])
def test_no_batch_holds_a_single_image(images: int, size: int) -> None:
    work = Workload.of(TrainSpec(batch_size=size), images, 100)
    batches = torch.tensor_split(torch.arange(images), work.batches)
    assert min(map(len, batches)) >= min(images, 2)


def test_channel_statistics_are_those_of_all_pixels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 5, 7, 3), dtype=np.uint8)
    mean, std = channel_statistics(images)
    pixels = images.reshape(-1, 3) / 255
    assert np.allclose(mean, pixels.mean(0))
    assert np.allclose(std, pixels.std(0))


def test_damaged_files_of_a_run_are_named(digits: ImageDataset, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    train_run(cell(epochs=1), digits, folder)
    whole = folder.predictions_path_of("1").read_bytes()
    folder.predictions_path_of("1").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"predictions\.npz"):
        folder.read_predictions()
    folder.history_path.write_bytes(b"a,b\n1,2,3\n\xff")
    with pytest.raises(InputError, match=r"history\.csv"):
        folder.read_history()
    folder.record_path.write_text('{"format": "1", "run_id": 1, "spec": [], "status": 1}')
    with pytest.raises(InputError, match="not the record of a run"):
        folder.read_record()


def test_derived_seeds_are_the_same_on_every_machine() -> None:
    assert derive_seed(0, "initial weights") == 5343337840799183452
    assert derive_seed(1, 23) != derive_seed(12, 3)
    assert 0 <= derive_seed("x") < 2**63
