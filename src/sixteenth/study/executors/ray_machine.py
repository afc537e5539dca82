"""What planning asks of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...engine.execution import Execution
from ...engine.records import environment
from ...errors import InputError
from ...spec import RunSpec, TrainSpec
from ..planning.calibration import Speed
from ..planning.cost import Cost
from ..planning.schedule import Placement
from .node import NodeMachine, Origin
from .ray_cluster import RayCluster, last_line

Node = Mapping[str, Any]
"""As `RayCluster.nodes` gives it."""


class RayMachine:
    """The best machine of a cluster, which is asked for all, see `planning.machine`.

    Speeds are measured on one machine of each kind, and kept there.
    """

    def __init__(self, cluster: RayCluster, origin: Origin, run: RunSpec) -> None:
        self._cluster, self._origin, self._run = cluster, origin, run
        self._nodes = cluster.nodes()
        self.cores = int(self._nodes[0]["Resources"]["CPU"])
        self._answers: dict[str, Any] = {}
        self._actors: dict[str, Any] = {}

    def count(self, device: str) -> int:
        return max(1, int(self._machines(self._nodes, device)))

    def _machines(self, nodes: Sequence[Node], device: str) -> float:
        """How many GPUs nodes have, or how many times the processors of the best machine."""
        resource, each = ("GPU", 1) if device.startswith("cuda") else ("CPU", self.cores)
        return float(sum(node["Resources"].get(resource, 0) for node in nodes) / each)

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

    def busy(self) -> float:
        return float(self._ask("busy"))

    def other_kinds(
        self, models: Mapping[str, tuple[RunSpec, Cost, Execution]], placement: Placement
    ) -> list[tuple[int, dict[str, list[Speed]]]]:
        device = next(execution.device for _, _, execution in models.values())
        _, *others = self._kinds(device)
        asked = []
        for nodes in others:
            most = placement.processes
            if not device.startswith("cuda"):
                most = max(1, int(nodes[0]["Resources"]["CPU"]) // placement.threads)
            fitting = replace(placement, processes=most)
            asked.append(self._actor(nodes[0]).ask.remote("measure_speeds", models, [fitting]))
        left, found = self.count(device) - 1, list[tuple[int, dict[str, list[Speed]]]]()
        for nodes, answer in zip(others, asked, strict=True):
            count = min(left, max(1, round(self._machines(nodes, device))))
            left -= count
            found.append((count, self._get(answer)))
        return found

    def _kinds(self, device: str) -> list[list[Node]]:
        """The nodes by their kind, that of the best first: the GPU's name, or the processor's."""
        kinds: dict[Any, list[Node]] = {}
        if device.startswith("cuda"):
            for node in self._nodes:
                names = {name for name in node["Resources"] if name.startswith("accelerator_type")}
                if node["Resources"].get("GPU"):
                    kinds.setdefault(frozenset(names), []).append(node)
            return list(kinds.values())
        task = self._cluster.ray.remote(num_cpus=0, max_calls=1, max_retries=0)(environment)
        asked = [
            task.options(scheduling_strategy=self._cluster.pinned(node["NodeID"])).remote()
            for node in self._nodes
        ]
        for node, answer in zip(self._nodes, asked, strict=True):
            here = self._get(answer)
            kinds.setdefault((here.cpu, here.instructions), []).append(node)
        return list(kinds.values())

    def images_per_second(self, run: RunSpec, execution: Execution, seconds: float) -> float:
        return float(self._ask("images_per_second", run, execution, seconds))

    def _ask(self, method: str, *given: Any) -> Any:
        """The answer of the machine, once; what it does meanwhile has it for itself.

        Raises:
            Exception: what the method raises there.
        """
        key = repr((method, given))
        if key not in self._answers:
            self._answers[key] = self._get(self._actor(self._nodes[0]).ask.remote(method, *given))
        return self._answers[key]

    def _get(self, answer: Any) -> Any:
        ray = self._cluster.ray
        try:
            return ray.get(answer)
        except ray.exceptions.RayTaskError as error:
            raise (error.cause or error) from None
        except ray.exceptions.RayError as error:
            raise InputError(f"a machine of the cluster failed: {last_line(error)}") from None

    def _actor(self, node: Node) -> Any:
        """What answers on a node, which it has for itself."""
        if node["NodeID"] not in self._actors:
            cls = self._cluster.ray.remote(NodeMachine)
            self._actors[node["NodeID"]] = cls.options(
                num_cpus=int(node["Resources"]["CPU"]),
                num_gpus=1 if node["Resources"].get("GPU") else 0,
                scheduling_strategy=self._cluster.pinned(node["NodeID"]),
            ).remote(self._origin, self._run)
        return self._actors[node["NodeID"]]

    def close(self) -> None:
        """Give the machines back."""
        for actor in self._actors.values():
            self._cluster.ray.kill(actor)
