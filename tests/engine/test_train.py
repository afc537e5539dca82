"""One run: what it sees, how it learns, what it leaves, and that it goes on as if never stopped."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from engine_runs import cell
from torch.nn import functional as F

from sixteenth import DivergedError, InputError, MismatchError
from sixteenth.data import ImageDataset
from sixteenth.engine import loop
from sixteenth.engine.execution import resolve_execution
from sixteenth.engine.learner import Learner, channel_statistics
from sixteenth.engine.seeds import derive_seed
from sixteenth.engine.train import train_run
from sixteenth.engine.workload import Workload, split_of
from sixteenth.spec import TrainSpec
from sixteenth.storage.run_folder import RunFolder
from tiny_study import checkpoint_at_every_step, interrupt_at

pytestmark = pytest.mark.usefixtures("tiny_models")


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
