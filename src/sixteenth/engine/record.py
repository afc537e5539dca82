"""The record of a run, run.json: what is known when it begins, and the machine it runs on."""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from ..data import ImageDataset
from ..spec import RunSpec
from ..storage.run_folder import FORMAT
from .execution import Execution, environment


def new_record(
    run: RunSpec, dataset: ImageDataset, execution: Execution, started: str | None
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "run_id": run.run_id,
        "spec": run.model_dump(mode="json"),
        "status": "running",
        "error": None,
        "notices": [],
        "data": {
            "name": dataset.name,
            "source": dataset.source,
            "fingerprint": dataset.fingerprint,
            "classes": list(dataset.classes),
            "train_images": len(dataset.train),
            "test_images": len(dataset.test),
        },
        "data_checks": dataset.checks.as_record(),
        "train_loss": "cross-entropy",
        "train_size": None,
        "model": None,
        "environment": environment(execution.device),
        "execution": execution.as_record(),
        "metrics": None,
        "train_flops": None,
        "seconds": None,
        "evaluation_seconds": None,
        "images_per_second": None,
        "peak_memory_bytes": None,
        "started": started or now(),
        "finished": None,
    }


def peak_memory(device: torch.device) -> int | None:
    """Peak memory of this process in bytes, earlier runs in it included; on CUDA what this process
    held of the device, since `torch.cuda.reset_peak_memory_stats`."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    # First the kernel's own word: ru_maxrss may be the peak of the process that started this one.
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
