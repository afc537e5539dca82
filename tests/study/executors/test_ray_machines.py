"""Machines of several kinds in a cluster of Ray: each kind is measured once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from clusters import ON_CPU, spec

from sixteenth.study.executors.node import Origin
from sixteenth.study.executors.ray_machine import RayMachine
from sixteenth.study.planning.schedule import Placement


@dataclass
class Nodes:
    """A Ray cluster of nodes without processes: what each is asked, and that all answer."""

    kinds: dict[str, tuple[str, dict[str, float]]]
    asked: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def ray(self) -> Any:
        def remote(*given: Any, **_: Any) -> Any:
            if given:  # the class of an actor
                return SimpleNamespace(
                    options=lambda *, scheduling_strategy, **_: SimpleNamespace(
                        remote=lambda *_: self.actor(scheduling_strategy)
                    )
                )
            return lambda _: SimpleNamespace(  # a task: what machine is it?
                options=lambda *, scheduling_strategy: SimpleNamespace(
                    remote=lambda: SimpleNamespace(
                        cpu=self.kinds[scheduling_strategy][0], instructions="AVX2"
                    )
                )
            )

        error = type("RayError", (Exception,), {})
        exceptions = SimpleNamespace(RayTaskError=error, RayError=error)
        return SimpleNamespace(remote=remote, get=lambda answer: answer, exceptions=exceptions)

    def actor(self, node: str) -> Any:
        def answers(method: str, models: Any, placements: Any) -> dict[str, Any]:
            self.asked.append((node, placements))
            return {name: [f"as on {node}"] for name in models}

        return SimpleNamespace(ask=SimpleNamespace(remote=answers))

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": name, "Resources": has} for name, (_, has) in self.kinds.items()]

    def pinned(self, node: str) -> str:
        return node


@pytest.mark.parametrize(
    ("device", "kinds", "asked", "found"),
    [
        (
            "cpu",
            {
                "a": ("Xeon", {"CPU": 8.0}),
                "b": ("Xeon", {"CPU": 8.0}),
                "c": ("EPYC", {"CPU": 6.0}),
                "d": ("EPYC", {"CPU": 6.0}),
            },
            [("c", [Placement(3, 2)])],
            [(2, "c")],
        ),
        (
            "cuda",
            {
                "a": ("Xeon", {"CPU": 8.0, "GPU": 2.0, "accelerator_type:A100": 1.0}),
                "b": ("EPYC", {"CPU": 8.0, "GPU": 2.0, "accelerator_type:A100": 1.0}),
                "c": ("Xeon", {"CPU": 8.0, "GPU": 1.0, "accelerator_type:T4": 1.0}),
                "d": ("Xeon", {"CPU": 64.0}),
            },
            [("c", [Placement(4, 2)])],
            [(1, "c")],
        ),
        ("cpu", {"a": ("Xeon", {"CPU": 8.0}), "b": ("Xeon", {"CPU": 8.0})}, [], []),
    ],
)
def test_speeds_are_measured_on_one_machine_of_each_other_kind(
    origin: Origin, device: str, kinds: Any, asked: Any, found: Any
) -> None:
    cluster: Any = Nodes(kinds)
    machine = RayMachine(cluster, origin, spec(0))
    execution = replace(ON_CPU, device=device)
    models: Any = {"small": (spec(0), None, execution)}
    others = machine.other_kinds(models, Placement(4, 2))
    assert cluster.asked == asked
    assert others == [(count, {"small": [f"as on {node}"]}) for count, node in found]
