"""Where a run stands, kept on disk so that a kill at any moment costs time and nothing else.

Two generations lie in a run's folder. A new one is written whole beside them and has reached the
disk before the last one becomes the one before it; so from the first on, there is never a moment
without a whole one. Each says its own SHA-256: one that is cut short or has a bit flipped is
noticed, and the one before it is used. Either leads to the same result, as what an epoch sees
depends on (seed, run, epoch) alone.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import asdict, dataclass, field
from typing import IO, Any, cast

import torch
from torch import Tensor

from ..errors import InputError
from ..storage.run_folder import RunFolder, sync_folder, write_whole
from ..storage.run_results import EpochRow
from .learner import Learner

MAGIC = b"sixteenth checkpoint 1\n"
DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass
class TrainingState:
    """What a checkpoint holds besides the learner's tensors.

    Attributes:
        epoch: the one that is being trained, or that has just ended.
        middle: where in it the run stands, as `engine.train` needs it; None between two epochs.
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


def write_checkpoint(folder: RunFolder, learner: Learner, state: TrainingState) -> None:
    """Write the newest checkpoint; the one that was the newest is kept as the one before.

    Raises:
        OSError: no room, or no right to write. The checkpoints that were there stay.
    """
    plain = {**vars(state), "history": [asdict(row) for row in state.history]}
    content = {"learner": learner.state_dict(), "state": plain}
    last, before = folder.checkpoint_paths

    def write(file: IO[bytes]) -> None:
        file.write(MAGIC + bytes(DIGEST_BYTES))
        hashing = _Hashing(file)
        try:
            torch.save(content, cast(IO[bytes], hashing))
        except RuntimeError:
            if hashing.error is not None:  # torch makes an error of its own of it, without reason
                raise hashing.error from None
            raise
        file.seek(len(MAGIC))
        file.write(hashing.sha256.digest())

    def keep_last() -> None:
        if last.exists():
            os.replace(last, before)

    write_whole(last, write, before_rename=keep_last)
    sync_folder(folder.path)


def read_checkpoint(folder: RunFolder, learner: Learner) -> tuple[TrainingState, list[str]]:
    """Put `learner` where the newest whole checkpoint left it.

    Returns:
        The state to go on from, a new one where no checkpoint is whole; and what was found damaged.

    Raises:
        InputError: the checkpoint is whole but of another network.
    """
    damaged = []
    for path in folder.checkpoint_paths:
        try:
            payload = _payload(path.read_bytes())
        except FileNotFoundError:
            continue
        except (ValueError, OSError) as error:
            damaged.append(f"{path} {error}")
            # Else the next one would push it over the whole one before it.
            path.unlink(missing_ok=True)
            continue
        try:
            content = torch.load(payload, map_location=learner.device, weights_only=True)
            learner.load_state_dict(content["learner"])
            state = TrainingState(**content["state"])
            state.history = [EpochRow(**row) for row in content["state"]["history"]]
        except Exception as error:
            said = " ".join(str(error).split())[:120]
            raise InputError(
                f"the checkpoint {path} is of another network ({type(error).__name__}: {said}): "
                f"if its code was changed, remove {folder.path} to train this run anew"
            ) from None
        where = f"went on from the checkpoint before it, at step {state.step:,}"
        return state, [f"{each}: {where}" for each in damaged]
    return TrainingState(), [f"{each}: the run began anew" for each in damaged]


class _Hashing:
    """A file to write to that keeps the SHA-256 of what was written, and why writing failed.

    That may be a full disk, or a Ctrl-C that came in the middle.
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
    """What torch wrote, if it is all there.

    Raises:
        ValueError: it is not.
    """
    start = len(MAGIC) + DIGEST_BYTES
    if content[: len(MAGIC)] != MAGIC:
        raise ValueError("is damaged (no checkpoint begins so)")
    payload = memoryview(content)[start:]
    if hashlib.sha256(payload).digest() != content[len(MAGIC) : start]:
        raise ValueError("is damaged (its SHA-256 is not what it says)")
    return io.BytesIO(payload)
