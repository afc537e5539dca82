"""What one run leaves on disk, written whole or not at all.

A RunFolder knows the names and formats of its files and nothing of how they came to be: the engine
fills it, the results table and the report read it. Reading needs no torch.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self
from zipfile import ZipFile

from ..errors import InputError, MismatchError, one_line
from ..spec import RunSpec, TrainFraction, spec_differences, without_place
from .run_record import FORMAT, RunRecord
from .run_results import EpochRow, Predictions, check_agreement, check_predictions, read_history

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from torch import Tensor

    from .lease import Lease

MOST_PREDICTIONS = 1 << 33
"""Bytes: eight gigabytes are two million test images of a thousand classes."""

Stamp = tuple[tuple[int, int, int] | None, ...]
"""Inode, time and size of each file of a run that is read here; None of one that is not there."""

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")


def write_whole(
    path: Path,
    write: Callable[[IO[bytes]], object],
    *,
    before_rename: Callable[[], object] = lambda: None,
    scratch: Path | None = None,
) -> None:
    """Write a file by `write(handle)` so that a reader sees the old one or the new one, never half.

    The bytes reach the disk before the name does (fsync, then rename), so this also holds across a
    power cut. On failure the temporary file is removed and the old file stays.

    Args:
        write: writes to the handle, or to the path that is the handle's `name`.
        before_rename: is called when the new bytes are on the disk and not yet under their name.
        scratch: folder of the temporary file, on the same disk; by default that of the file.

    Raises:
        OSError: with the file's name, whichever step of it failed.
    """
    if scratch is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    # Not by tempfile, whose files only their owner may read.
    temporary = str((scratch or path.parent) / f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        before_rename()
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename is None:
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise


def copy_folder(source: Path, target: Path, scratch: Path) -> None:
    """Copy a folder of files that are replaced whole or not at all: as links, where that can be.

    Args:
        scratch: an existing folder on the disk of `target`, where half a copy is in nobody's way.

    Raises:
        OSError: the disk is full, or cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = scratch / f".{target.name}.{secrets.token_hex(4)}.tmp"
    try:
        shutil.copytree(source, temporary, copy_function=_link)
        os.replace(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # of another disk, or a disk without links
        shutil.copy2(source, target)


_DISK = {
    number
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO")
    if (number := getattr(errno, name, None)) is not None
}


def is_disk_trouble(error: OSError, folder: Path) -> bool:
    """Whether a disk is full or broken, or something in `folder` cannot be written or read.

    Every run would meet it, so that none of them has failed by itself.
    """
    if error.errno in _DISK:
        return True
    named = error.filename
    return isinstance(named, str) and Path(named).absolute().is_relative_to(folder.absolute())


def sync_folder(folder: Path) -> None:
    """Let renames in a folder reach the disk, where the system can be asked to."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_left_over(path: Path) -> bool:
    """Whether a file is what `write_whole` leaves when its process is killed."""
    return _TEMPORARY.fullmatch(path.name) is not None


def sweep(folder: Path) -> None:
    """Remove what `write_whole` and `copy_folder` left in a folder when its process was killed."""
    for path in folder.glob(".*.tmp"):
        if is_left_over(path) and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif is_left_over(path):
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    write_whole(path, lambda file: file.write(text.encode()))


@dataclass(frozen=True)
class RunFolder:
    """The files of one run.

    Attributes:
        lease: of the process that fills it; without, nothing keeps others from writing too.
    """

    path: Path
    lease: Lease | None = None

    def leased(self, lease: Lease) -> Self:
        """The same folder, in which whatever is written or removed needs `lease`.

        Its methods that write then raise a ReplacedError when another process has taken over.
        """
        return replace(self, lease=lease)

    def write(
        self,
        path: Path,
        write: Callable[[IO[bytes]], object],
        before_rename: Callable[[], object] = lambda: None,
    ) -> None:
        """`write_whole` of a file of this run."""
        if self.lease is None:
            write_whole(path, write, before_rename=before_rename)
            return
        with self.lease.publishing():
            write_whole(path, write, before_rename=before_rename, scratch=self.lease.scratch)

    def remove(self, path: Path) -> None:
        """Remove a file of this run, if it is there."""
        if self.lease is None:
            path.unlink(missing_ok=True)
            return
        with self.lease.publishing(), contextlib.suppress(FileNotFoundError):
            removed = self.lease.scratch / "removed"
            os.replace(path, removed)
            removed.unlink()
        self.lease.check()

    @property
    def record_path(self) -> Path:
        return self.path / "run.json"

    @property
    def history_path(self) -> Path:
        return self.path / "history.csv"

    def predictions_path_of(self, length: str) -> Path:
        """predictions.npz of the whole run, predictions-1of4.npz of its length 1/4.

        While its share is not known, a length is called by its epochs, see `rename_predictions`.
        """
        if re.fullmatch(r"[0-9]+ epochs", length):
            return self.path / f"predictions-{length.replace(' ', '-')}.npz"
        part = "" if length == "1" else f"-{TrainFraction.parse(length).slug}"
        return self.path / f"predictions{part}.npz"

    @property
    def weights_path(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def checkpoint_paths(self) -> tuple[Path, Path]:
        """The newest checkpoint and the one before it, see `engine.checkpoint`."""
        return self.path / "checkpoint.pt", self.path / "checkpoint-before.pt"

    def has_checkpoint(self) -> bool:
        return any(path.exists() for path in self.checkpoint_paths)

    def remove_checkpoints(self) -> None:
        for path in self.checkpoint_paths:
            self.remove(path)

    def read_record(self) -> RunRecord | None:
        """What run.json holds, or None where there is none.

        Raises:
            InputError: it is damaged, or written by a later version.
        """
        anew = f"to train this run anew, remove {self.path}"
        try:
            text = self.record_path.read_text(encoding="utf-8")
            content: Any = json.loads(text, parse_constant=_no_number)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{self.record_path} cannot be read ({error}): {anew}") from None
        version = content.get("format") if isinstance(content, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise InputError(f"{self.record_path} was written by a later version of sixteenth")
        try:
            return RunRecord.from_dict(content)
        except ValueError as error:
            raise InputError(
                f"{self.record_path} is not the record of a run ({error}): {anew}"
            ) from None

    def write_record(self, record: RunRecord) -> None:
        self._write_text(self.record_path, record.to_json())

    def read_history(self) -> pd.DataFrame:
        """history.csv, one row per epoch; empty when no epoch is finished."""
        return read_history(self.history_path)

    def write_history(self, epochs: Sequence[EpochRow]) -> None:
        """Write one row per epoch. Without pandas, which a training process needs for nothing."""
        text = io.StringIO()
        rows = [asdict(epoch) for epoch in epochs]
        table = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        self._write_text(self.history_path, text.getvalue())

    def stamp(self) -> Stamp:
        """The state of the files; another one as soon as one of them is written."""
        predictions = sorted(self.path.glob("predictions*.npz"))
        return tuple(
            file_stamp(path) for path in (self.record_path, self.history_path, *predictions)
        )

    def read_predictions(self, length: str = "1") -> tuple[np.ndarray, np.ndarray] | None:
        """Test labels (n,) and probabilities (n, classes), or None where there are none."""
        import numpy as np

        path = self.predictions_path_of(length)
        try:
            with ZipFile(path) as bag:
                if sum(member.file_size for member in bag.infolist()) > MOST_PREDICTIONS:
                    raise ValueError("it unpacks to more than any test set has")
            with np.load(path, allow_pickle=False) as file:
                return check_predictions(file["labels"], file["probabilities"])
        except FileNotFoundError:
            return None
        # What a damaged archive does to zipfile, zlib and numpy is not one kind of error.
        except Exception as error:
            raise InputError(f"{path} cannot be read: {one_line(error)[:200]}") from None

    def predictions_of(self, record: RunRecord) -> Predictions:
        """As `read_predictions`, of each length that the record knows, by `RunRecord.row_id`.

        Raises, where they are read:
            InputError: they are damaged, or do not give the accuracy that the record states.
        """
        stated = {each.length: each.test_accuracy for each in record.lengths}
        if record.is_finished and record.metrics:
            stated["1"] = record.metrics.test_accuracy
        return Predictions(
            {
                record.row_id(length): partial(self._read_agreeing, length, accuracy)
                for length, accuracy in stated.items()
                if accuracy is not None and self.predictions_path_of(length).exists()
            }
        )

    def _read_agreeing(self, length: str, accuracy: float) -> tuple[np.ndarray, np.ndarray]:
        path, predictions = self.predictions_path_of(length), self.read_predictions(length)
        if predictions is None:
            raise InputError(f"{path} is gone")
        try:
            check_agreement(accuracy, *predictions)
        except ValueError as error:
            raise InputError(f"{path} does not fit its run: {error}") from None
        return predictions

    def write_predictions(
        self, labels: np.ndarray, probabilities: np.ndarray, length: str = "1"
    ) -> None:
        import numpy as np

        buffer = io.BytesIO()
        np.savez_compressed(buffer, labels=labels, probabilities=probabilities)
        path = self.predictions_path_of(length)
        self.write(path, lambda file: file.write(buffer.getvalue()))

    def rename_predictions(self, lengths: Sequence[str], shares: Sequence[str]) -> None:
        """Give predictions of lengths the names of their shares, also after some have them.

        Raises:
            OSError: the folder cannot be written.
        """
        if self.lease is not None:
            self.lease.check()
        for length, share in zip(lengths, shares, strict=True):
            with contextlib.suppress(FileNotFoundError):  # a run that was killed has renamed it
                os.replace(self.predictions_path_of(length), self.predictions_path_of(share))
        sync_folder(self.path)

    def write_weights(self, weights: dict[str, Tensor]) -> None:
        """Write a safetensors file from the tensors' own memory, without a copy of all of it.

        Raises:
            OSError: the disk is full, or cannot be written.
        """
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        def write(file: IO[bytes]) -> None:
            try:
                save_file(weights, file.name)
            except SafetensorError as error:
                if number := re.search(r"os error (\d+)", str(error)):
                    raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
                raise
            # It may have put a file of its own in the place of `file`: one that only its owner may
            # read, and that is not on the disk when `file` is.
            os.chmod(file.name, stat.S_IMODE(os.fstat(file.fileno()).st_mode))
            with open(file.name, "rb+") as written:
                os.fsync(written.fileno())

        self.write(self.weights_path, write)

    def _write_text(self, path: Path, text: str) -> None:
        self.write(path, lambda file: file.write(text.encode()))

    def check_same(
        self,
        record: RunRecord,
        spec: RunSpec,
        fingerprint: str,
        images: tuple[int, int] | None = None,
    ) -> None:
        """Check that the record that lies here was made by `spec` from data with that fingerprint.

        Args:
            images: training and test images of these data, to be told if they are others.

        Raises:
            MismatchError: what differs, and the way out.
        """
        # Through the model, so that a key that is younger than the record has its default there.
        there = record.run_spec(self.record_path)
        differs = spec_differences(there, spec)
        found = record.data.fingerprint if record.data else None
        if found == fingerprint:
            differs = without_place(differs, there.data, spec.data)
        elif found:
            differs.append(f"data fingerprint: {found[:12]} there, {fingerprint[:12]} now")
            before = (record.data.train_images, record.data.test_images) if record.data else None
            if images and before and None not in before:
                differs.append(
                    "{:,} training and {:,} test images then, {:,} and {:,} now".format(
                        *before, *images
                    )
                )
        if differs:
            what = "; ".join(differs)
            raise MismatchError(f"{self.path} holds another run ({what})")


def file_stamp(path: Path) -> tuple[int, int, int] | None:
    """Inode, time and size of a file; another one as soon as it is written anew."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")
