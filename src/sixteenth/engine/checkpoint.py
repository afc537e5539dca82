"""Checkpoints: a run that is killed at any moment can be resumed, with the same result.

A run's folder has up to two checkpoints, the last one and the one before it. A new checkpoint is
complete on disk before the last one becomes the one before it, so there is always a complete one
after the first. Each contains its SHA-256. If the last one is damaged, the one before it is used.
The result is the same with both, since the data of an epoch depend on (seed, run, epoch) only.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import torch
from torch import Tensor

from ..errors import InputError, MismatchError
from ..messages import one_line
from ..spec import RunSpec, describe_differences, spec_differences, without_place
from ..storage.run_facts import Environment, LengthMetrics
from ..storage.run_folder import RunFolder
from ..storage.run_record import RunRecord
from ..storage.run_results import EpochRow
from ..storage.whole_files import sync_folder
from .execution import Execution
from .learner import Learner

MAGIC = b"sixteenth checkpoint 1\n"
DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Owner:
    """Whose a checkpoint is. Two studies may have runs of one name, and of the same network.

    Attributes:
        run: what is trained.
        fingerprint: of its data.
        execution: how it is computed.
        environment: with which versions.
    """

    run: RunSpec
    fingerprint: str
    execution: Execution
    environment: Environment

    def to_dict(self) -> dict[str, Any]:
        """What a checkpoint says of it."""
        return {
            "run": self.run.model_dump(mode="json"),
            "fingerprint": self.fingerprint,
            "execution": self.execution.as_record(),
            "environment": self.environment.to_dict(),
        }

    def check(self, kept: dict[str, Any], path: Path) -> None:
        """Refuse a checkpoint that says that it is another's, or was computed in another way.

        Older ones do not say how they were computed.

        Raises:
            MismatchError: what differs, and the way out.
        """
        there = RunSpec.model_validate(kept["run"])
        differences = spec_differences(there, self.run)
        differs = describe_differences(without_place(differences, there.data, self.run.data))
        if kept["fingerprint"] != self.fingerprint:
            differs.append(
                f"data fingerprint: {kept['fingerprint'][:12]} there, {self.fingerprint[:12]} now"
            )
        if differs:
            raise MismatchError(
                f"the checkpoint {path} is of another run ({'; '.join(differs)})",
                "bring back this run's own, or remove it",
            )
        there_too = Environment.from_dict(kept.get("environment", {}))
        changed = there_too.other_versions(self.environment)
        if "execution" in kept and (then := Execution.from_record(kept["execution"])) != (
            self.execution
        ):
            changed.append(f"{then} there, {self.execution} now")
        if changed:
            raise MismatchError(
                f"the checkpoint {path} was computed with others ({'; '.join(changed)}), which "
                "would change the run's result",
                "go on with those, or remove it to train the run anew",
            )


@dataclass
class TrainingState:
    """The content of a checkpoint besides the learner's state.

    Attributes:
        epoch: the current epoch, or the one that has just ended; from 1.
        step, images: optimiser steps, and images of finished epochs.
        seconds, evaluation_seconds: of finished epochs.
        middle: the position within the epoch, for `engine.loop`; None between two epochs.
        lengths: the results of the finished branches, see `engine.lengths`.
        validation_accuracy: at the end of a length of `epochs: auto`; None elsewhere.
        branch_steps, branch_images, branch_seconds: of these branches, from where they branch off.
    """

    epoch: int = 0
    step: int = 0
    images: int = 0
    seconds: float = 0.0
    evaluation_seconds: float = 0.0
    history: list[EpochRow] = field(default_factory=list)
    best_epoch: int = 0
    best_accuracy: float = -1.0
    best_weights: dict[str, Tensor] | None = None
    middle: dict[str, Any] | None = None
    lengths: list[LengthMetrics] = field(default_factory=list)
    validation_accuracy: float | None = None
    branch_steps: int = 0
    branch_images: int = 0
    branch_seconds: float = 0.0

    @property
    def images_so_far(self) -> int:
        """Images of finished epochs and of the current one."""
        return self.images + (self.middle["seen"] if self.middle else 0)

    @property
    def seconds_so_far(self) -> float:
        """Seconds of finished epochs and of the current one."""
        return self.seconds + (self.middle["seconds"] if self.middle else 0.0)


def write_checkpoint(
    folder: RunFolder, learner: Learner, state: TrainingState, owner: Owner
) -> None:
    """Write a checkpoint; the last one becomes the one before it.

    Raises:
        OSError: the file cannot be written. The earlier checkpoints stay.
    """
    plain = {
        **vars(state),
        "history": [asdict(row) for row in state.history],
        "lengths": [length.to_dict() for length in state.lengths],
    }
    content = {"learner": learner.state_dict(), "state": plain, "owner": owner.to_dict()}
    last, before = folder.checkpoint_paths

    def write(file: IO[bytes]) -> None:
        file.write(MAGIC + bytes(DIGEST_BYTES))
        hashing = _HashingFile(file)
        try:
            torch.save(content, cast(IO[bytes], hashing))
        except RuntimeError:
            if hashing.error is not None:  # torch raises another error, without the reason
                raise hashing.error from None
            raise
        file.seek(len(MAGIC))
        file.write(hashing.sha256.digest())

    def keep_last() -> None:
        if folder.lease is not None:
            # Else a process that was replaced could move the checkpoint of the one after it. Should
            # that be right after this line, it is still there, as the one before the last.
            folder.lease.check()
        if last.exists():
            os.replace(last, before)

    folder.write(last, write, keep_last)
    sync_folder(folder.path)


def begun_execution(folder: RunFolder, record: RunRecord | None) -> Execution | None:
    """The execution that a run must be resumed with; None if there is no checkpoint, or none tells.

    A checkpoint tells where there is no record: run.json was lost, or not yet copied.
    """
    if (record is not None and record.is_finished) or not folder.has_checkpoint():
        return None
    if record is None:
        kept = _kept_execution(folder)
    else:
        kept = record.execution.to_dict() if record.execution else {}
    try:
        return Execution.from_record(kept)
    except (KeyError, TypeError, ValueError):
        return None


def _kept_execution(folder: RunFolder) -> dict[str, Any]:
    """What the newest complete checkpoint says of how it was computed; empty if it does not."""
    for path in folder.checkpoint_paths:
        try:
            payload = _payload(path.read_bytes())
            content = torch.load(payload, map_location="cpu", weights_only=True)
            return dict(content["owner"]["execution"])
        except KeyError:
            break  # an older one
        except Exception:  # whatever it is, `read_checkpoint` says so
            continue
    return {}


def read_checkpoint(
    folder: RunFolder, learner: Learner, owner: Owner
) -> tuple[TrainingState, list[str]]:
    """Load the newest complete checkpoint into `learner`.

    Returns:
        The state to resume from, a new one if there is no complete checkpoint; and a line for each
        damaged checkpoint, which is removed.

    Raises:
        MismatchError: the checkpoint is of another run, or was computed in another way.
        InputError: it is of another network.
        OSError: a checkpoint cannot be read now, and there is no other. Nothing is removed.
    """
    damaged: list[str] = []
    passed: list[Path] = []
    unreadable: OSError | None = None
    for path in folder.checkpoint_paths:
        try:
            payload = _payload(path.read_bytes())
        except FileNotFoundError:
            continue
        except (ValueError, OSError) as error:
            if isinstance(error, OSError):
                if error.errno != errno.EIO:
                    raise  # such as a network disk that is away: it can be read another time
                unreadable = error
            damaged.append(f"{path} {error}")
            passed.append(path)
            continue
        try:
            content = torch.load(payload, map_location=learner.device, weights_only=True)
            if "owner" in content:  # older ones do not say whose they are
                owner.check(content["owner"], path)
            learner.load_state_dict(content["learner"])
            kept = content["state"]
            state = TrainingState(**kept)
            state.history = [EpochRow(**row) for row in kept["history"]]
            state.lengths = [LengthMetrics.from_dict(each) for each in kept.get("lengths", [])]
        except (MemoryError, torch.OutOfMemoryError, MismatchError):
            raise
        except Exception as error:
            reason = one_line(error)[:120]
            raise InputError(
                f"the checkpoint {path} is of another network ({type(error).__name__}: {reason}): "
                f"if its code was changed, remove {folder.path} to train this run anew"
            ) from None
        _remove(folder, passed)
        where = f"went on from the checkpoint before it, at step {state.step:,}"
        return state, [f"{each}: {where}" for each in damaged]
    if unreadable is not None:
        way_out = f"{unreadable.strerror}; if it stays so, remove this file to train the run anew"
        raise OSError(unreadable.errno, way_out, str(passed[-1]))
    _remove(folder, passed)
    return TrainingState(), [f"{each}: the run began anew" for each in damaged]


def _remove(folder: RunFolder, damaged: Iterable[Path]) -> None:
    """Else the next checkpoint would replace the complete one by a damaged one."""
    for path in damaged:
        folder.remove(path)


class _HashingFile:
    """A file for writing that computes the SHA-256 of its content and keeps the error, if any.

    The error may be that of a full disk, or a KeyboardInterrupt.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        try:
            self.sha256.update(data)
            return self._file.write(data)
        except BaseException as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


def _payload(content: bytes) -> IO[bytes]:
    """The part of a checkpoint that torch wrote.

    Raises:
        ValueError: the checkpoint is damaged.
    """
    start = len(MAGIC) + DIGEST_BYTES
    if content[: len(MAGIC)] != MAGIC:
        raise ValueError("is damaged (no checkpoint begins so)")
    payload = memoryview(content)[start:]
    if hashlib.sha256(payload).digest() != content[len(MAGIC) : start]:
        raise ValueError("is damaged (its SHA-256 is not what it says)")
    return io.BytesIO(payload)
