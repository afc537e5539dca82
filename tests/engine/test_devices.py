"""What a device changes: memory layouts and precisions, and devices that are not there."""

from __future__ import annotations

import pytest
import torch
from engine_runs import cell

from sixteenth import InputError
from sixteenth.data import ImageDataset
from sixteenth.engine.execution import candidate_formats, resolve_execution
from sixteenth.engine.learner import Learner
from sixteenth.spec import TrainSpec
from sixteenth.study.planning.executions import ExecutionRequest

pytestmark = pytest.mark.usefixtures("tiny_models")


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
