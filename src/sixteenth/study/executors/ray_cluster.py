"""The machines of a Ray cluster, which may be this machine alone: connecting, and what they lack.

Ray is imported when a study is to be trained with it. What is trained there is in `ray`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ...data.machine import cpu_count
from ...engine.records import environment
from ...errors import InputError
from ...extras import import_extra, install_command
from ...messages import one_line
from ...spec import RunSpec
from ...storage.run_facts import VERSIONS
from .node import Origin, what_is_missing

OLDEST = (2, 54)

ANSWER_SECONDS = 300.0
"""How long a machine may take to say whether it has all that the study needs: it may download."""

LONGEST_SOCKET = 107
"""Bytes of a path that a Unix socket can have."""

_SOCKET = "ray/session_2026-01-01_00-00-00_000000_0000000/sockets/plasma_store"


def import_ray() -> Any:
    """The module ray.

    Raises:
        InputError: it is not installed, or too old.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Else ray would build an environment on each machine when the command was started by uv.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    ray = import_extra("ray", extra="ray", needed_by="--executor ray")
    found = tuple(int(part) for part in re.findall(r"\d+", ray.__version__)[:2])
    if found < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise InputError(
            f"ray {ray.__version__} is too old, {wanted} is needed: {install_command('ray')}"
        )
    return ray


class RayCluster:
    """The machines of a Ray cluster; connected to at the first use.

    Args:
        address: ``ray://HOST:PORT``, or None for the cluster that RAY_ADDRESS names or that runs on
            this machine; where there is none, or RAY_ADDRESS is local, Ray is started here.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    def close(self) -> None:
        """Disconnect, and end what was started here."""
        if "ray" in vars(self) and self._mine:
            self.ray.shutdown()

    @functools.cached_property
    def ray(self) -> Any:
        """The module, connected.

        Raises:
            InputError: Ray is not installed, or no cluster answers.
        """
        ray = import_ray()
        self._mine = not ray.is_initialized()
        if self._mine:
            with _own_signals():
                self._connect(ray)
        return ray

    def _connect(self, ray: Any) -> None:
        options = {"log_to_driver": False, "logging_level": "ERROR"}
        address = self._address or os.environ.get("RAY_ADDRESS")
        if address != "local":
            try:
                ray.init(address=address or "auto", **options)
                return
            except (ConnectionError, RuntimeError, ValueError) as error:
                if address:
                    said = f"no Ray cluster answers at {address}: {one_line(error)[:200]}"
                    if "RAY_AUTH_MODE" not in os.environ:
                        said += "; if it asks for a token, set RAY_AUTH_MODE=token"
                    if address.startswith("ray://"):  # one more server, with its own troubles
                        said += "; where the cluster's own port is open: RAY_ADDRESS=HOST:6379"
                    raise InputError(said) from None
                if not isinstance(error, ConnectionError):
                    raise
        place = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
        if len(os.fsencode(os.path.join(place, _SOCKET))) > LONGEST_SOCKET:
            raise InputError(
                f"Ray cannot be started: the path {place} is too long for its sockets: "
                "set RAY_TMPDIR to a shorter one, such as /tmp"
            )
        ray.init(address="local", num_cpus=cpu_count(), include_dashboard=False, **options)

    def nodes(self) -> list[dict[str, Any]]:
        """The machines that can train, those with most processors and GPUs first."""
        alive = [
            node
            for node in self.ray.nodes()
            if node["Alive"] and node["Resources"].get("CPU", 0) >= 1
        ]
        if not alive:
            raise InputError("the Ray cluster has no machine with a processor to train on")
        return sorted(
            alive,
            key=lambda node: (-node["Resources"].get("GPU", 0), -node["Resources"]["CPU"]),
        )

    def is_this_machine(self) -> bool:
        """Whether all is trained on one machine, this one."""
        nodes = self.nodes()
        return len(nodes) == 1 and nodes[0]["NodeManagerHostname"] == socket.gethostname()

    def check(self, origin: Origin, runs: Sequence[RunSpec]) -> None:
        """Check that each machine has what the runs need.

        Raises:
            InputError: what is missing on which machine.
        """
        if self.is_this_machine():
            return
        ray, here = self.ray, environment(runs=runs).to_dict()
        versions = {package: here[package] for package in VERSIONS if package in here}
        task = ray.remote(num_cpus=0, max_calls=1, max_retries=0)(what_is_missing)
        asked = {}
        for node in self.nodes():
            answer = task.options(scheduling_strategy=self.pinned(node["NodeID"])).remote(
                origin, list(runs), versions
            )
            asked[answer] = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        deadline, missing = time.monotonic() + ANSWER_SECONDS, []
        for answer, name in asked.items():
            try:
                found = ray.get(answer, timeout=max(0.0, deadline - time.monotonic()))
            except ray.exceptions.GetTimeoutError:
                found = [f"did not answer within {ANSWER_SECONDS:.0f} seconds"]
            except ray.exceptions.RayError as error:
                found = [f"cannot train ({last_line(error)})"]
            missing += [f"{name} {each}" for each in found]
        if missing:
            raise InputError(f"not every machine can train this study: {'; '.join(missing)}")

    def pinned(self, node_id: str, *, soft: bool = False) -> Any:
        """Ray's way to say on which machine something runs."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node_id, soft=soft)


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this command's handling of SIGTERM, for which Ray has its own."""
    mine = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if mine:
            signal.signal(signal.SIGTERM, before)


def last_line(error: Exception) -> str:
    """The line of Ray's long messages that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
