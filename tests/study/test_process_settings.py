"""What a process has set for itself, a notebook say, is the same after a study as before it."""

from __future__ import annotations

import logging
import os
import random
import signal
import socket
import warnings
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch

from sixteenth import Study

WITH_DROPOUT = """
import tiny_models
from torch import nn

def dropout(num_classes):
    return nn.Sequential(nn.Dropout(0.1), tiny_models.small(num_classes))
"""


def settings() -> dict[str, Any]:
    signals = (signal.SIGINT, signal.SIGTERM)
    return {
        "torch's random numbers": torch.get_rng_state().tolist(),
        "NumPy's": [np.asarray(part).tolist() for part in np.random.get_state()],
        "Python's": random.getstate(),
        "threads": torch.get_num_threads(),
        "cuDNN": (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "gradients": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
        "sockets": socket.getdefaulttimeout(),
        "warnings": list(warnings.filters),
        "environment": dict(os.environ),
        "matplotlib": dict(matplotlib.rcParams),
        "logging": [list(logging.getLogger(name).handlers) for name in (None, "PIL")],
        "signals": [signal.getsignal(number) for number in signals],
        "folder": Path.cwd(),
    }


def test_a_study_in_a_notebook_leaves_its_process_as_it_was(tiny_folder: Path) -> None:
    (tiny_folder / "with_dropout.py").write_text(WITH_DROPOUT, encoding="utf-8")
    study = Study(
        {
            "data": "digits",
            "image_size": 8,
            "models": ["with_dropout:dropout"],
            "fractions": ["50 images"],
            "train": {"epochs": 2, "batch_size": 25},
        },
        "study",
    )
    study.plan(device="cpu", workers=1, threads=1)  # what is imported now is not of the run
    torch.manual_seed(7)
    random.seed(7)
    before = settings()
    results = study.run(device="cpu", workers=1, threads=1)
    after = settings()
    assert list(results["status"]) == ["finished"]
    assert [name for name in before if before[name] != after[name]] == []
