"""What runs in a Ray cluster: the task that trains a run, and the actor that has its mail."""

from __future__ import annotations

import contextlib
import signal
from typing import Any

from ...engine.execution import Execution
from ...errors import RunError
from ...spec import RunSpec
from ...storage.run_files import RunFiles
from .node import Origin, train_here
from .ray_cluster import RayCluster, import_ray
from .unshared import train_apart
from .worker import picklable


def train(
    attempt: int,
    origin: Origin,
    run: RunSpec,
    execution: Execution,
    given: RunFiles,
    every: float,
    mailbox: Any,
) -> tuple[str, Any, RunFiles]:
    """The task: train a run on the machine that Ray chose.

    Args:
        attempt: its number, which tells its mail from that of an earlier attempt of the run.
        given, every: see `train_apart`; without meaning where the study's folder is shared.

    Returns:
        ended and its record, or raised and the error; and the files of a run whose folder is not
        shared.
    """
    ray = import_ray()
    # Ray cancels a task by this signal, which all its processes ignore if Ray was started in the
    # background of a script, or by nohup.
    with contextlib.suppress(ValueError):  # not in the main thread, as in tests
        signal.signal(signal.SIGINT, signal.default_int_handler)
    last: Any = None

    def send(kind: str, content: Any) -> None:
        nonlocal last
        if kind == "started":
            content = ray.get_runtime_context().get_node_id()
        with contextlib.suppress(ray.exceptions.RayError):
            last = mailbox.put.remote(attempt, kind, content)

    try:
        if not origin.shared:
            return train_apart(origin, run, execution, given, every, send)
        return "ended", train_here(origin, run, execution, send), {}
    except Exception as error:
        return "raised", picklable(error), {}
    except KeyboardInterrupt:
        # Cancelled. A process that ends its task by this exception is not ended by Ray, and its
        # cores are not free for what the same session trains next.
        return "raised", RunError("interrupted"), {}
    finally:
        with contextlib.suppress(ray.exceptions.RayError):
            ray.get(last, timeout=10.0)  # so that what was told is read before the outcome


def new_mailbox(cluster: RayCluster) -> Any:
    """An actor to which tasks send what they have to tell until the study asks for it.

    Its class is made here, so that Ray sends its code: it needs nothing of this package, and its
    process is small. Files lie in Ray's store of objects, not in its memory.
    """
    ray = cluster.ray

    class Mailbox:
        def __init__(self) -> None:
            self.mail: list[tuple[int, str, Any]] = []

        def put(self, attempt: int, kind: str, content: Any) -> None:
            self.mail.append((attempt, kind, content))

        def take(self) -> list[tuple[int, str, Any]]:
            """The oldest mail, up to the first files: those of all runs may not fit at once."""
            kinds = [kind for _, kind, _ in self.mail]
            end = kinds.index("files") + 1 if "files" in kinds else len(kinds)
            mail, self.mail = self.mail[:end], self.mail[end:]
            return mail

    # On the machine of this command, if that is one of the cluster: with another it could be lost.
    here = cluster.pinned(ray.get_runtime_context().get_node_id(), soft=True)
    cls = ray.remote(num_cpus=0, max_restarts=-1, scheduling_strategy=here)(Mailbox)
    return cls.remote()
