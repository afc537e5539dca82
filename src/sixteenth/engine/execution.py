"""How a run is computed: device, precision, memory layout, threads."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from ..data.machine import cpu_count
from ..errors import InputError
from ..spec import TrainSpec


@dataclass(frozen=True)
class Execution:
    """How a run is computed; recorded in run.json.

    On CPUs, the results of a run are the same to the last bit for the same execution, versions and
    kind of processor, whatever else runs before or beside it. On GPUs, some of torch's gradients,
    such as those of adaptive pooling, are summed in a changing order.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``float32``, or the autocast type of convolutions and matrix products. (By
            torch's default, float32 convolutions on a GPU use TF32.)
        layout: ``channels-last`` or ``channels-first``.
        threads: CPU threads within one operation.
        reason: why this execution was chosen; not compared.
        measured: images per second of each candidate, if they were measured; not compared.
    """

    device: str
    precision: str
    layout: str
    threads: int
    reason: str = field(default="", compare=False)
    measured: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        # torch knows the CPU as cpu:0 too; here it has one name, since names are compared.
        if self.device.startswith("cpu:"):
            object.__setattr__(self, "device", "cpu")

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """A context for mixed precision as `precision` says; weights and norms stay float32."""
        if self.precision == "float32":
            return contextlib.nullcontext()
        dtype = getattr(torch, self.precision)
        return torch.autocast(torch.device(self.device).type, dtype=dtype)

    def place(self, model: nn.Module) -> nn.Module:
        """The model, moved to the device and the memory layout."""
        if self.layout == "channels-last":
            model = model.to(memory_format=torch.channels_last)
        return model.to(self.device)

    @contextlib.contextmanager
    def torch_settings(self) -> Iterator[None]:
        """A context with the run's number of threads and deterministic convolutions on GPUs.

        These settings of the process, and the states of torch's random generators, are restored
        afterwards.
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
        """Seed torch's random generators of the CPU and of this device only."""
        torch.default_generator.manual_seed(seed)
        device = torch.device(self.device)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type == "mps":
            torch.mps.manual_seed(seed)

    def generator_states(self) -> list[Tensor]:
        """States of torch's random generators: of the CPU, then of the device if it is a GPU."""
        device = torch.device(self.device)
        states = [torch.get_rng_state()]
        if device.type == "cuda":
            states.append(torch.cuda.get_rng_state(device))
        elif device.type == "mps":
            states.append(torch.mps.get_rng_state())
        return states

    def set_generator_states(self, states: Sequence[Tensor]) -> None:
        """Restore the states that `generator_states` returned; a missing one is not changed."""
        device = torch.device(self.device)
        torch.set_rng_state(states[0])
        if device.type == "cuda":
            torch.cuda.set_rng_state(states[1], device)
        elif device.type == "mps" and len(states) > 1:  # old checkpoints have none
            torch.mps.set_rng_state(states[1])

    def as_record(self) -> dict[str, Any]:
        """A mapping for JSON files."""
        return asdict(self) | {"measured": [dict(each) for each in self.measured]}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The execution of a mapping made by `as_record`; unknown keys are ignored.

        Raises:
            KeyError, TypeError, ValueError: the mapping is not of that form.
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


def resolve_execution(device: str | None, train: TrainSpec) -> Execution:
    """The execution on this machine, with ``auto`` resolved by rules, without measuring.

    Precision is bfloat16 if the processor has it in hardware (AVX-512 BF16 or AMX on CPUs, compute
    capability 8 on GPUs), else float32. The layout is channels-last, as that of the images in
    memory; on MPS channels-first, see `_default_layout`.

    Args:
        device: by default ``cuda``, ``mps`` or ``cpu``, the first that is available.

    Raises:
        InputError: the device is not available, or the precision not on this device.
    """
    chosen = device or _devices()[0]
    try:
        kind = _kind(chosen)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"device {chosen!r} cannot be used here ({_first_sentence(error)}); "
            f"there is {', '.join(sorted(_devices()))}"
        ) from None
    precision = train.precision
    if precision == "auto":
        precision = "bfloat16" if _has_bfloat16(torch.device(chosen)) else "float32"
    if precision == "float16" and kind == "cpu":
        raise InputError("train.precision: float16 needs a GPU; on cpu use bfloat16 or float32")
    if precision == "float16" and kind == "mps":
        # Torch 2.6 and 2.7 scale gradients back in float64, which MPS has not
        # (https://github.com/pytorch/pytorch/issues/142397).
        raise InputError("train.precision: no float16 on mps; use bfloat16 or float32")
    layout = _default_layout(kind) if train.layout == "auto" else train.layout
    return Execution(chosen, precision, layout, default_threads())


def default_threads() -> int:
    """Threads that compute at once: torch's number, or fewer where a container's quota is lower."""
    return min(torch.get_num_threads(), cpu_count())


def candidate_formats(default: Execution, train: TrainSpec) -> tuple[list[str], list[str]]:
    """Precisions and layouts to measure where the study file says ``auto``, the default first."""
    precisions, layouts = [default.precision], [default.layout]
    if train.precision == "auto" and default.precision != "float32":
        precisions.append("float32")
    if train.layout == "auto" and default.layout == "channels-last":
        layouts.append("channels-first")
    return precisions, layouts


def _default_layout(kind: str) -> str:
    """The layout to begin with on a kind of device.

    On MPS, PyTorch's gradients of batch norms and of pooling in channels-last are wrong, or abort
    the process, in many versions from 2.6 on (https://github.com/pytorch/pytorch/issues/175189 and
    175190), and a test of it would abort too. So no run is computed or measured that way unless the
    study file asks for it.
    """
    return "channels-first" if kind == "mps" else "channels-last"


def peak_memory(device: torch.device) -> int | None:
    """Peak memory of this process in bytes, including earlier runs; None if unknown.

    On CUDA, peak memory allocated on the device since `torch.cuda.reset_peak_memory_stats`.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    # Preferred, since ru_maxrss may be the peak of the parent process.
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _devices() -> list[str]:
    """The kinds of devices here, the fastest first."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [*(kind for kind, available in there.items() if available), "cpu"]


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    # Torch has only private functions for this. If one is missing, bfloat16 is assumed to be slow.
    tests = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, test, lambda: False)() for test in tests)


def _kind(device: str) -> str:
    """What kind of device a text names; torch's own message lists kinds that nothing trains on.

    Raises:
        RuntimeError: it names none that is trained on.
    """
    try:
        kind = torch.device(device).type
    except RuntimeError:
        kind = ""
    if kind not in ("cpu", "cuda", "mps"):
        raise RuntimeError("expected cpu, cuda, cuda:N or mps")
    return kind


def _first_sentence(error: Exception) -> str:
    return str(error).partition("\n")[0].partition(". ")[0]
