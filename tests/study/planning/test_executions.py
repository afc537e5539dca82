"""What a caller of `Study.run` and `Study.plan` may ask for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sixteenth import InputError, TrainSpec
from sixteenth.engine.execution import resolve_execution
from sixteenth.study.planning.budget import check_budget
from sixteenth.study.planning.executions import ExecutionRequest
from sixteenth.study.planning.schedule import Schedule


@pytest.mark.parametrize("name", ["workers", "threads"])
@pytest.mark.parametrize("asked", [0, -1, 1.5, "2", True])
def test_so_many_workers_or_threads_there_cannot_be(name: str, asked: Any) -> None:
    wrong = rf"{name}: expected a whole number of at least 1, not {asked!r}"
    with pytest.raises(InputError, match=wrong):
        ExecutionRequest(**{name: asked})
    assert ExecutionRequest(**{name: np.int64(2)}) == ExecutionRequest(**{name: 2})


@pytest.mark.parametrize("device", ["gpu", "0", "GPU:0", "xla", "meta"])
def test_what_is_no_device_to_train_on_is_refused_with_those_that_are(device: str) -> None:
    said = rf"device '{device}' cannot be used here \(expected cpu, cuda, cuda:N or mps\); there is"
    with pytest.raises(InputError, match=said):
        resolve_execution(device, TrainSpec())


@pytest.mark.parametrize("budget", ["45min", -1, math.nan])
def test_a_budget_is_a_number_of_seconds(budget: Any) -> None:
    with pytest.raises(InputError, match="budget: expected a number of seconds, not"):
        check_budget(Schedule((), workers=1, slots=1), [[]], budget)
