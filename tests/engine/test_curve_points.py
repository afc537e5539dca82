"""After which epochs a run is measured, and on how many images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from engine_runs import cell

from sixteenth.data import ImageDataset
from sixteenth.engine.train import train_run
from sixteenth.engine.workload import MIN_CURVE_IMAGES, Workload
from sixteenth.spec import TrainSpec
from sixteenth.storage.run_folder import RunFolder

pytestmark = pytest.mark.usefixtures("tiny_models")


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
