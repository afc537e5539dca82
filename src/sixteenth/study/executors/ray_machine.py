"""What planning asks of a Ray cluster."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...engine.execution import Execution
from ...errors import InputError
from ...spec import RunSpec, TrainSpec
from ..planning.calibration import Speed
from ..planning.cost import Cost
from ..planning.schedule import Placement
from .node import NodeMachine, Origin
from .ray_cluster import RayCluster, last_line


class RayMachine:
    """The machine of a cluster that is asked for the others like it, see `planning.machine`."""

    def __init__(self, cluster: RayCluster, origin: Origin, run: RunSpec) -> None:
        self._cluster, self._origin, self._run = cluster, origin, run
        self._nodes = cluster.nodes()
        self.cores = int(self._nodes[0]["Resources"]["CPU"])
        self._answers: dict[str, Any] = {}

    def count(self, device: str) -> int:
        resource, each = ("GPU", 1) if device.startswith("cuda") else ("CPU", self.cores)
        return max(1, sum(int(node["Resources"].get(resource, 0) // each) for node in self._nodes))

    def default_execution(self, device: str | None, recipe: TrainSpec) -> Execution:
        execution: Execution = self._ask("default_execution", device, recipe)
        return execution

    def free_memory(self, device: str) -> float:
        return float(self._ask("free_memory", device))

    def measure_speeds(
        self,
        models: Mapping[str, tuple[RunSpec, Cost, Execution]],
        placements: Sequence[Placement],
        progress: Callable[[int], None],
    ) -> dict[str, list[Speed]]:
        progress(0)
        speeds: dict[str, list[Speed]] = self._ask("measure_speeds", models, placements)
        return speeds

    def images_per_second(self, run: RunSpec, execution: Execution, seconds: float) -> float:
        return float(self._ask("images_per_second", run, execution, seconds))

    def _ask(self, method: str, *given: Any) -> Any:
        """The answer of the machine, once; what it does meanwhile has it for itself.

        Raises:
            Exception: what the method raises there.
        """
        key = repr((method, given))
        if key not in self._answers:
            ray = self._cluster.ray
            try:
                self._answers[key] = ray.get(self._actor.ask.remote(method, *given))
            except ray.exceptions.RayTaskError as error:
                raise (error.cause or error) from None
            except ray.exceptions.RayError as error:
                raise InputError(f"a machine of the cluster failed: {last_line(error)}") from None
        return self._answers[key]

    @functools.cached_property
    def _actor(self) -> Any:
        node = self._nodes[0]
        cls = self._cluster.ray.remote(NodeMachine)
        return cls.options(
            num_cpus=self.cores,
            num_gpus=1 if node["Resources"].get("GPU") else 0,
            scheduling_strategy=self._cluster.pinned(node["NodeID"]),
        ).remote(self._origin, self._run)

    def close(self) -> None:
        """Give the machine back."""
        if "_actor" in vars(self):
            self._cluster.ray.kill(self._actor)
