"""Where and in which numbers a run is computed: device, precision, memory layout, threads."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..spec import TrainSpec
from ..storage.run_record import Environment


@dataclass(frozen=True)
class Execution:
    """How a run is computed; recorded in run.json.

    A run's results depend on all of this: at the same values, versions and kind of processor they
    are the same to the last bit, whatever else ran before, beside or after it. That holds on CPUs:
    on GPUs some of torch's gradients, as of adaptive pooling, add up in an order of their own.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``float32``, or the type of the convolutions and matrix products under autocast.
            (Where torch is told nothing else, float32 convolutions on a GPU round to TF32.)
        layout: ``channels-last`` or ``channels-first``.
        threads: CPU threads inside one operation.
        reason: why so; no part of what a result depends on.
        measured: images a second of each candidate, if the choice was measured; no part either.
    """

    device: str
    precision: str
    layout: str
    threads: int
    reason: str = field(default="", compare=False)
    measured: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Mixed precision as `precision` says: weights and norms stay float32."""
        if self.precision == "float32":
            return contextlib.nullcontext()
        dtype = getattr(torch, self.precision)
        return torch.autocast(torch.device(self.device).type, dtype=dtype)

    def place(self, model: nn.Module) -> nn.Module:
        """Move a model to the device in the layout."""
        if self.layout == "channels-last":
            model = model.to(memory_format=torch.channels_last)
        return model.to(self.device)

    @contextlib.contextmanager
    def torch_settings(self) -> Iterator[None]:
        """The run's number of threads, and convolutions on a GPU that give the same each time.

        Both are settings of the whole process: they are put back afterwards, and so are the states
        of torch's random generators.
        """
        before = torch.get_num_threads(), torch.backends.cudnn.deterministic
        states = self.generator_states()
        torch.set_num_threads(self.threads)
        torch.backends.cudnn.deterministic = True
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.backends.cudnn.deterministic = before[1]
            self.set_generator_states(states)

    def seed_generators(self, seed: int) -> None:
        """Seed torch's random generators of the CPU and of the device, and of no other device."""
        torch.default_generator.manual_seed(seed)
        device = torch.device(self.device)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type == "mps":
            torch.mps.manual_seed(seed)

    def generator_states(self) -> list[Tensor]:
        """States of torch's random generators: of the CPU's and, on a GPU, of the device's."""
        device = torch.device(self.device)
        states = [torch.get_rng_state()]
        if device.type == "cuda":
            states.append(torch.cuda.get_rng_state(device))
        elif device.type == "mps":
            states.append(torch.mps.get_rng_state())
        return states

    def set_generator_states(self, states: Sequence[Tensor]) -> None:
        """Put back what `generator_states` gave; a state that is missing stays as it is."""
        device = torch.device(self.device)
        torch.set_rng_state(states[0])
        if device.type == "cuda":
            torch.cuda.set_rng_state(states[1], device)
        elif device.type == "mps" and len(states) > 1:  # earlier checkpoints have none
            torch.mps.set_rng_state(states[1])

    def as_record(self) -> dict[str, Any]:
        return asdict(self) | {"measured": [dict(each) for each in self.measured]}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """What `as_record` gave; keys of later versions are left out.

        Raises:
            KeyError, TypeError, ValueError: it is no such record.
        """
        return cls(
            device=str(record["device"]),
            precision=str(record["precision"]),
            layout=str(record["layout"]),
            threads=int(record["threads"]),
            reason=str(record.get("reason", "")),
            measured=tuple(record.get("measured", ())),
        )

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' if self.threads != 1 else ''}"
        return f"{self.device}, {self.precision}, {self.layout}, {threads}"


def resolve_execution(
    device: str | None, train: TrainSpec, threads: int | None = None
) -> Execution:
    """Choose what the study file leaves to ``auto``, for this machine, without measuring.

    bfloat16 where the processor multiplies it in hardware (AVX-512 BF16 or AMX on CPUs, compute
    capability 8 on GPUs), else float32. Channels-last everywhere: images already lie that way.
    As many threads as torch would take, unless `threads` says.

    Raises:
        InputError: the device does not exist here.
    """
    chosen = device or _best_device()
    try:
        kind = torch.device(chosen).type
        if kind not in ("cpu", "cuda", "mps"):
            raise RuntimeError("no training on such a device")
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        there = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        if torch.backends.mps.is_available():
            there.append("mps")
        raise InputError(
            f"device {chosen!r} cannot be used here ({_first_sentence(error)}); "
            f"there is {', '.join(there)}"
        ) from None
    precision = train.precision
    if precision == "auto":
        precision = "bfloat16" if _has_bfloat16(torch.device(chosen)) else "float32"
    if precision == "float16" and kind == "cpu":
        raise InputError("train.precision: float16 needs a GPU; on cpu use bfloat16 or float32")
    layout = "channels-last" if train.layout == "auto" else train.layout
    return Execution(chosen, precision, layout, threads or torch.get_num_threads())


def open_numbers(default: Execution, train: TrainSpec) -> tuple[list[str], list[str]]:
    """Precisions and layouts that the study leaves open and that are worth a try, default first."""
    precisions, layouts = [default.precision], [default.layout]
    if train.precision == "auto" and default.precision != "float32":
        precisions.append("float32")
    if train.layout == "auto":
        layouts.append("channels-first")
    return precisions, layouts


def environment(device: str | None = None) -> Environment:
    """Versions and machine, for the record of a run.

    Args:
        device: which GPU to name, if it is one; else torch's current one.
    """
    import numpy
    import torchvision

    from .. import __version__

    gpu = device if device and device.startswith("cuda") else None
    return Environment(
        sixteenth=__version__,
        python=platform.python_version(),
        torch=str(torch.__version__),
        torchvision=torchvision.__version__,
        numpy=numpy.__version__,
        platform=platform.platform(terse=True),
        cpu=_cpu_name(),
        cores=os.cpu_count(),
        gpu=torch.cuda.get_device_name(gpu) if torch.cuda.is_available() else None,
    )


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


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    # Private names, but the only ones torch has for this; absent ones mean "not known to be fast".
    tests = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, test, lambda: False)() for test in tests)


def _first_sentence(error: Exception) -> str:
    return str(error).partition("\n")[0].partition(". ")[0]


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
