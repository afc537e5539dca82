"""What a run's record says from the start: its data, and where and how it is computed."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import torch

from ..data import ImageDataset
from ..data.machine import cpu_count
from ..spec import RunSpec
from ..spec.fields import is_timm
from ..storage.run_facts import DataFacts, Environment, ExecutionFacts
from ..storage.run_record import RunRecord
from .execution import Execution


def new_record(
    run: RunSpec, dataset: ImageDataset, execution: Execution, before: RunRecord | None
) -> RunRecord:
    """The record of a run at its start; `before` is its earlier record if it is resumed."""
    return RunRecord.begin(
        run,
        data=DataFacts(
            name=dataset.name,
            source=dataset.source,
            fingerprint=dataset.fingerprint,
            interpolation=dataset.interpolation,
            **dict(dataset.understood),
        ),
        data_checks=dataset.checks,
        environment=environment(execution.device, [run]),
        execution=ExecutionFacts.from_dict(execution.as_record()),
        before=before,
    )


def environment(device: str | None = None, runs: Sequence[RunSpec] = ()) -> Environment:
    """Versions and hardware, for the record of a run.

    Args:
        device: the GPU to name; if it is none, torch's current one.
        runs: what they need is among the versions: timm for its models, scikit-learn for heads.
    """
    import numpy
    import torchvision

    from .. import __version__

    more = {}
    if any(is_timm(run.model) for run in runs):
        with contextlib.suppress(PackageNotFoundError):
            more["timm"] = version("timm")
    if any(run.finetune == "head" for run in runs):
        more["sklearn"] = version("scikit-learn")
    gpu = device if device and device.startswith("cuda") else None
    return Environment(
        sixteenth=__version__,
        python=platform.python_version(),
        torch=str(torch.__version__),
        torchvision=torchvision.__version__,
        numpy=numpy.__version__,
        platform=platform.platform(terse=True),
        cpu=_cpu_name(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        cores=cpu_count(),
        gpu=torch.cuda.get_device_name(gpu) if torch.cuda.is_available() else None,
        **more,
    )


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
