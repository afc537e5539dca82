"""What one run leaves on disk, written whole or not at all.

A RunFolder knows the names and formats of its files and nothing of how they came to be: the engine
fills it, the results table and the report read it. Reading needs no torch.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self
from zipfile import ZipFile

from ..errors import InputError, MismatchError
from ..messages import one_line
from ..spec import (
    RunSpec,
    TrainFraction,
    describe_differences,
    spec_differences,
    without_place,
)
from .run_record import RunRecord, check_format
from .run_results import (
    EpochRow,
    StoredPredictions,
    check_agreement,
    check_predictions,
    read_history,
)
from .whole_files import file_stamp, sync_folder, write_whole

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from torch import Tensor

    from .lease import Lease

MOST_PREDICTIONS = 1 << 33
"""Bytes: eight gigabytes are two million test images of a thousand classes."""

_SHOWN = 3
"""So many classes that are gone or new are named."""

Stamp = tuple[tuple[int, int, int] | None, ...]
"""Inode, time and size of each file of a run that is read here; None of one that is not there."""


@dataclass(frozen=True)
class RunFolder:
    """The files of one run.

    Attributes:
        lease: of the process that fills it; without, nothing keeps others from writing too.
    """

    path: Path
    lease: Lease | None = None

    def leased(self, lease: Lease) -> Self:
        """The run's folder, in which whatever is written or removed needs `lease`.

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

        While its share is not known, a length is called by its epochs, see `name_by_shares`.
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

    def remove_leftovers(self) -> None:
        """Of a finished run: its process may have been killed before it could remove them."""
        self.remove_checkpoints()
        self.remove_first_names()

    def read_record(self) -> RunRecord | None:
        """What run.json holds, or None where there is none.

        Raises:
            InputError: it is damaged, cannot be read, or was written by a later version.
        """
        anew = f"to train this run anew, remove {self.path}"
        try:
            text = self.record_path.read_text(encoding="utf-8")
            content: Any = json.loads(text, parse_constant=_no_number)
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            raise InputError(
                f"no run in {self.path}, which is no folder: name the one that holds run.json"
            ) from None
        except OSError as error:  # what it holds may be good
            raise InputError(f"{self.record_path} cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.record_path} cannot be read ({error}): {anew}") from None
        check_format(content, self.record_path)
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
            said = f"{path} cannot be read: {one_line(error)[:200]}"
            raise InputError(f"{said}: {self._without_predictions(path)}") from None

    def predictions_of(self, record: RunRecord) -> StoredPredictions:
        """As `read_predictions`, of each length that the record knows, by `RunRecord.row_id`.

        Raises, where they are read:
            InputError: they are damaged, or do not give the accuracy that the record states.
        """
        stated = {each.length: each.test_accuracy for each in record.lengths}
        if record.has_result and record.metrics:
            stated["1"] = record.metrics.test_accuracy
        stored = {length: record.stored_as(length) for length in stated}
        return StoredPredictions(
            {
                record.row_id(length): partial(self._read_agreeing, stored[length], accuracy)
                for length, accuracy in stated.items()
                if accuracy is not None and self._name_of(stored[length]) is not None
            }
        )

    def _name_of(self, length: str) -> str | None:
        """The length that predictions of one are stored as; None where there are none.

        A run whose record has been read may have come to its end meanwhile: they were called by
        their epochs, and are by their share of all now.
        """
        if self.predictions_path_of(length).exists():
            return length
        if not length.endswith(" epochs") or (ended := self.read_record()) is None:
            return None
        epochs = {each.length: each.epoch for each in ended.lengths}
        epochs["1"] = ended.metrics.epoch if ended.metrics else None
        shares = (share for share, epoch in epochs.items() if length == f"{epoch} epochs")
        return next((each for each in shares if self.predictions_path_of(each).exists()), None)

    def _read_agreeing(self, length: str, accuracy: float) -> tuple[np.ndarray, np.ndarray]:
        path, predictions = self.predictions_path_of(length), self.read_predictions(length)
        if predictions is None and (name := self._name_of(length)) is not None:
            predictions = self.read_predictions(name)
        if predictions is None:
            raise InputError(f"{path} is gone")
        try:
            check_agreement(accuracy, *predictions)
        except ValueError as error:
            said = f"{path} does not fit its run: {error}"
            raise InputError(f"{said}: {self._without_predictions(path)}") from None
        return predictions

    def _without_predictions(self, path: Path) -> str:
        """The ways out of predictions that cannot be used."""
        return (
            f"remove {path.name} to go on without the single answers of this run, or {self.path} "
            "to train it anew"
        )

    def write_predictions(
        self, labels: np.ndarray, probabilities: np.ndarray, length: str = "1"
    ) -> None:
        import numpy as np

        buffer = io.BytesIO()
        np.savez_compressed(buffer, labels=labels, probabilities=probabilities)
        path = self.predictions_path_of(length)
        self.write(path, lambda file: file.write(buffer.getvalue()))

    def name_by_shares(self, lengths: Sequence[str], shares: Sequence[str]) -> None:
        """Give predictions of lengths, called by their epochs, the names of their shares too.

        The first names stay until the run is finished, see `remove_first_names`.

        Raises:
            OSError: the folder cannot be written.
        """
        if self.lease is not None:
            self.lease.check()
        for length, share in zip(lengths, shares, strict=True):
            path, named = self.predictions_path_of(length), self.predictions_path_of(share)
            with contextlib.suppress(FileNotFoundError):  # its earlier version had renamed it
                twin = path.with_name(f"{path.name}.named")
                twin.unlink(missing_ok=True)
                try:
                    os.link(path, twin)
                except OSError:  # a disk without links
                    shutil.copyfile(path, twin)
                os.replace(twin, named)
                twin.unlink(missing_ok=True)  # it stays where both are links to one file
        sync_folder(self.path)

    def remove_first_names(self) -> None:
        """Of predictions that are called by their shares now, see `name_by_shares`."""
        for path in self.path.glob("predictions-*-epochs.npz"):
            self.remove(path)

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
        classes: Sequence[str] = (),
    ) -> None:
        """Check that the record that lies here was made by `spec` from data with that fingerprint.

        Args:
            images: training and test images of these data, to be told if they are others.
            classes: their names, likewise.

        Raises:
            MismatchError: what differs, and the way out.
        """
        # Through the model, so that a key that is younger than the record has its default there.
        there = record.run_spec(self.record_path)
        differences = spec_differences(there, spec)
        found = record.data.fingerprint if record.data else None
        if found == fingerprint:
            differences = without_place(differences, there.data, spec.data)
        differs = describe_differences(differences)
        if found and found != fingerprint:
            differs.append(f"data fingerprint: {found[:12]} there, {fingerprint[:12]} now")
            before = (record.data.train_images, record.data.test_images) if record.data else None
            if images and before and None not in before:
                differs.append(
                    "{:,} training and {:,} test images then, {:,} and {:,} now".format(
                        *before, *images
                    )
                )
            if record.data and classes:
                differs += _other_classes(record.data.classes, classes)
        if differs:
            what = "; ".join(differs)
            raise MismatchError(f"{self.path} holds another run ({what})")


def _other_classes(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """A part of a message on the classes that are gone or new; none where the record has none."""
    changes = {
        "then": [name for name in before if name not in now],
        "now": [name for name in now if name not in before],
    }
    said = [
        f"{', '.join(map(repr, names[:_SHOWN]))}{' and others' * (len(names) > _SHOWN)} {when}"
        for when, names in changes.items()
        if names
    ]
    return [f"classes {', '.join(said)} only"] if before and said else []


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")
