"""How many runs fit on a machine at the same time: by its cores, by memory, and as was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...data import ImageDataset
from .calibration import Speed
from .machine import GPU_PROCESS_BYTES, MEMORY_SHARE, Machine
from .schedule import Assignment

RUN_BYTES = 1.5e9
"""Memory that a run may take where it was not measured: no more runs are trained at the same time
than there is so much memory for."""


@dataclass(frozen=True)
class Capacity:
    """What a machine has room for.

    Attributes:
        machine: where the runs will be computed.
        dataset: the images, which every process on a GPU has a copy of.
        speeds: of each model, as far as they are measured by now.
    """

    machine: Machine
    dataset: ImageDataset
    speeds: Mapping[str, Sequence[Speed]]

    def workers(self, assigned: Sequence[Assignment]) -> int:
        """How many runs at the same time: on CPUs as many as have cores for their threads; on a GPU
        as many as were measured to be fastest together, one where that is not known."""
        devices = {each.execution.device for each in assigned}
        machines = min((self.machine.count(device) for device in devices), default=1)
        if all(device.startswith("cpu") for device in devices):
            fewest = min((each.execution.threads for each in assigned), default=1)
            most = self.machine.cores // fewest
        else:
            most = min((self._fastest_share(each.run.network) for each in assigned), default=1)
        memory = max((self._memory(each.run.network) for each in assigned), default=0)
        rooms = [self.room(device, memory) for device in devices]
        # GPUs of one machine share its memory.
        shared = self.room("cpu") * self.machine.count("cpu") if machines > 1 else len(assigned)
        return max(1, min(machines * min(most, *rooms), shared, len(assigned)))

    def room(self, device: str, memory: int = 0) -> int:
        """How many runs there is memory for, the GPU's included, where each takes `memory`."""
        free = self.machine.free_memory("cpu")
        if not device.startswith("cuda"):
            each = memory / MEMORY_SHARE if memory else RUN_BYTES
            return max(1, int(min(free / each, 1024)))
        images = self.dataset.train.images.nbytes + self.dataset.test.images.nbytes
        each = (memory or images + RUN_BYTES) + GPU_PROCESS_BYTES
        free_on_device = self.machine.free_memory(device)
        return max(1, int(min(free_on_device / each, free / RUN_BYTES, 1024)))

    def _memory(self, model: str) -> int:
        """Bytes that one run of a model was seen to take; 0 where that is not known."""
        return max((speed.memory for speed in self.speeds.get(model, ())), default=0)

    def _fastest_share(self, model: str) -> int:
        """How many processes at once trained a model fastest; 1 where that is not known."""
        speeds = self.speeds.get(model, ())
        best = max(speeds, key=lambda speed: speed.images_per_second, default=None)
        return best.processes if best else 1
