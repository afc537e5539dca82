"""What happens on another machine: it finds the data, checks that all is there, and trains a run.

It serves every executor whose runs are trained elsewhere, and knows nothing of how they get there.
The machine has this package installed, and sees the study's folder under the same path, unless it
trains as `unshared` does.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ...data import ImageDataset, load_dataset, options_of
from ...data.cache import default_data_dir
from ...engine.acceleration import keep_freed_memory
from ...engine.execution import Execution
from ...engine.progress import Progress
from ...engine.records import environment
from ...engine.train import train_run
from ...errors import DataError, NodeError, SixteenthError
from ...messages import one_line
from ...models import check_init, check_model
from ...spec import RunSpec
from ...spec.fields import Interpolation
from ...spec.hub_address import is_hub_address
from ...storage.run_facts import release
from ...storage.run_record import RunRecord
from ...storage.run_results import EpochRow
from ...storage.study_folder import StudyFolder
from ..planning.machine import LocalMachine
from .base import Event, Noticed, Progressed
from .local import WorkerPool

PROGRESS_SECONDS = 1.0
"""Progress of a run goes over the network at most so often."""


@dataclass(frozen=True)
class Origin:
    """What runs of a study need on another machine besides their spec; small, can be pickled.

    Attributes:
        folder: of the study, absolute.
        home, path: current folder and import path of the command, for data, weights and models of
            the user's own that are named relative to them.
        data_dir: the user's choice for downloads and decoded images; None for each machine's own.
        name, source, fingerprint, interpolation: of the dataset; a source on the hub names its
            commit.
        shared: the machine is to see `folder`; else it trains as `unshared.train_apart`.
        cifar_archive: a file or an address to take CIFAR from, as the command was given it.
    """

    folder: Path
    home: Path
    path: tuple[str, ...]
    data_dir: Path | None
    name: str
    source: str
    fingerprint: str
    interpolation: Interpolation
    shared: bool = True
    cifar_archive: str | None = None

    @classmethod
    def of(
        cls,
        dataset: ImageDataset,
        folder: Path,
        data_dir: Path | None,
        *,
        cifar_archive: str | None = None,
    ) -> Self:
        """As it is in this process."""
        return cls(
            folder.resolve(),
            Path.cwd(),
            tuple(entry for entry in sys.path if entry),
            data_dir.resolve() if data_dir else None,
            dataset.name,
            dataset.source,
            dataset.fingerprint,
            dataset.interpolation,
            cifar_archive=cifar_archive,
        )

    def enter(self) -> None:
        """Let this process find what the command finds, as far as it is there."""
        if self.home.is_dir():
            os.chdir(self.home)
        sys.path += [entry for entry in self.path if entry not in sys.path]
        keep_freed_memory()

    def dataset(self, run: RunSpec) -> ImageDataset:
        """The images, from this machine's cache if they are there.

        Raises:
            DataError: they are not here, or are others.
        """
        found = load_dataset(
            self.source if is_hub_address(run.data) else run.data,
            **options_of(run),
            interpolation=self.interpolation,
            data_dir=self.data_dir,
            skip_broken=True,  # whether that is allowed was asked where the study began
            cifar_archive=self.cifar_archive,
        )
        if found.fingerprint != self.fingerprint:
            raise DataError(
                f"the data {run.data} on {socket.gethostname()} are not those of the study "
                f"(fingerprint {found.fingerprint[:12]} there, {self.fingerprint[:12]} here): "
                "bring the same files there, or share one --data-dir"
            )
        return dataclasses.replace(found, name=self.name, source=self.source)


def train_here(
    origin: Origin,
    run: RunSpec,
    execution: Execution,
    send: Callable[[str, Any], None],
) -> RunRecord:
    """The record of a run that was trained on this machine, as `engine.train.train_run`.

    Args:
        send: is called with a kind and its content, which JSON can hold: started (the machine's
            name), progress (for `as_event`, at most one a second), notice.

    Raises:
        NodeError: the images are not here; nothing was written.
        Exception: as `train_run`.
    """
    origin.enter()
    send("started", socket.gethostname())
    try:
        dataset = origin.dataset(run)
    except Exception as error:
        said = f"the machine {socket.gethostname()} cannot read the data: {one_line(error)}"
        raise NodeError(said) from error
    sent = -PROGRESS_SECONDS

    def on_progress(progress: Progress) -> None:
        nonlocal sent
        if time.monotonic() - sent >= PROGRESS_SECONDS:
            sent = time.monotonic()
            send("progress", dataclasses.asdict(progress))

    return train_run(
        run,
        dataset,
        StudyFolder(origin.folder).run(run.run_id),
        execution=execution,
        on_progress=on_progress,
        on_notice=lambda notice: send("notice", notice),
    )


def as_event(kind: str, content: Any) -> Event | None:
    """What `train_here` sent, where it came from; None of a kind without an event."""
    if kind == "progress":
        row = content["row"]
        return Progressed(Progress(**{**content, "row": row and EpochRow(**row)}))
    return Noticed(content) if kind == "notice" else None


def what_is_missing(origin: Origin, runs: Sequence[RunSpec], versions: dict[str, str]) -> list[str]:
    """A half-sentence for each thing that this machine lacks to train `runs`; none if all is here.

    Args:
        versions: of the packages in `run_facts.VERSIONS`, where the study began.
    """
    origin.enter()
    different = {(run.model, run.init): run for run in runs}
    here = environment(runs=runs).to_dict()
    missing = [
        f"has {package} {here.get(package, 'missing')} and not {versions[package]}"
        for package in versions
        if release(here.get(package)) != release(versions[package])
    ]
    if origin.shared and not StudyFolder(origin.folder).spec_path.is_file():
        way_out = "--no-shared-folder does without"
        missing.append(f"does not see the study's folder {origin.folder} ({way_out})")
    for run in different.values():
        try:
            check_model(run.model, run.stem)
            check_init(run.model, run.init, stem=run.stem)
        except SixteenthError as error:
            missing.append(f"lacks {run.model} from {run.init}: {one_line(error)}")
    try:
        origin.dataset(next(iter(different.values())))
    except SixteenthError as error:
        missing.append(f"lacks the data: {one_line(error)}")
    return missing


class NodeMachine:
    """This machine for planning that happens elsewhere, see `planning.machine.Machine`."""

    def __init__(self, origin: Origin, run: RunSpec) -> None:
        origin.enter()
        dataset = origin.dataset(run)
        self._machine = LocalMachine(
            dataset, origin.data_dir or default_data_dir(), lambda: WorkerPool(dataset)
        )

    def ask(self, method: str, *given: Any) -> Any:
        """What a method of `LocalMachine` gives; of `measure_speeds` without its progress."""
        more: Sequence[Any] = (lambda _: None,) if method == "measure_speeds" else ()
        return getattr(self._machine, method)(*given, *more)
