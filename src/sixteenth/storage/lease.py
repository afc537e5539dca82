"""One writer for a run's folder, on any number of machines that share it.

A writer owns the folder ``.writer/TOKEN`` in the run's folder. Each file is written in there first,
and published by a rename from there to its place. Who takes a run over first renames that folder
away: from then on every rename of the writer before fails, also of one that was paused between any
two instructions. So safety depends on the file system's atomic renames, and on no clock and no lock
of the operating system (which do not reach other machines on every network disk).

Clocks only decide when a writer counts as gone: if what it keeps writing to its ``beat`` has not
changed for as long as it says there, by the clock of who waits; or if its process has ended.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from ..errors import ReplacedError
from .holder import Holder

LEASE_SECONDS = 60.0
"""A writer that has not renewed its lease for so long is replaced. Network disks may show a change
half a minute late, so that it is not shorter."""

SILENT_SECONDS = 5.0
"""How long one waits without a word for a writer that shows no sign of life."""

STALE_SECONDS = 3600.0
"""A beat that was written longer ago by the clocks is of no writer that is alive, for one who only
looks: its folder was copied, or its machine went down. An hour, as clocks of machines differ."""

RENEWALS = 4
"""How often a lease is renewed within its time."""

PLACE, BEAT = ".writer", "beat"

_TAKEN = {errno.EEXIST, errno.ENOTEMPTY}
_SWEPT = errno.ENOENT


@dataclass(frozen=True)
class Lease:
    """The right to write into a run's folder, from `acquire` to the end of the with block.

    Attributes:
        folder: of the run.
        scratch: where files are written before they are published; it is gone when the lease is.
    """

    folder: Path
    scratch: Path
    _ended: threading.Event

    @classmethod
    def acquire(
        cls,
        folder: Path,
        *,
        by_force: bool = False,
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """The lease, once no other writer has it. The folder is made if it is not there.

        Args:
            by_force: replace another writer at once, even if it is alive.
            on_wait: is called with a line that names another writer which is alive, or may be.

        Raises:
            OSError: the folder cannot be written.
        """
        token, place = secrets.token_hex(8), folder / PLACE
        claim = folder / f"{PLACE}-{token}"
        while True:
            try:
                (claim / token).mkdir(parents=True, exist_ok=True)
                (claim / token / BEAT).write_bytes(_beat(0))
            except (FileNotFoundError, FileExistsError):
                continue  # who has just got the lease removed it, see below, maybe within mkdir
            with contextlib.suppress(OSError):
                place.rmdir()  # left empty by one who was killed when it had just replaced another
            try:
                os.rename(claim, place)
                break
            except OSError as error:
                if error.errno not in (*_TAKEN, _SWEPT):
                    shutil.rmtree(claim, ignore_errors=True)
                    raise
            try:
                _await_end(folder, by_force, on_wait)
            except BaseException:
                shutil.rmtree(claim, ignore_errors=True)
                raise
        for left in folder.glob(f"{PLACE}-*"):
            shutil.rmtree(left, ignore_errors=True)
        lease = cls(folder, place / token, threading.Event())
        threading.Thread(target=lease._renew, daemon=True).start()
        return lease

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        _remove(self.scratch, self.folder)
        with contextlib.suppress(OSError):
            (self.folder / PLACE).rmdir()

    @contextlib.contextmanager
    def publishing(self) -> Iterator[None]:
        """A block that writes in `scratch`, or renames to or from it.

        Raises:
            ReplacedError: another writer has the run by now; nothing was published.
        """
        try:
            yield
        except OSError:
            self.check()
            raise

    def check(self) -> None:
        """Check that the lease still holds; it may be lost at the next moment.

        Raises:
            ReplacedError: another writer has the run by now.
        """
        if not self.scratch.is_dir():
            self._ended.set()
            raise ReplacedError(
                f"{self.folder} was taken over by another process while this one did not answer: "
                "nothing more is written here, the other one goes on"
            )

    def _renew(self) -> None:
        count = 0
        while not self._ended.wait(LEASE_SECONDS / RENEWALS):
            count += 1
            try:
                # In place: a full disk stops no renewal, and a file is not made where none was.
                with (self.scratch / BEAT).open("r+b") as file:
                    file.write(_beat(count))
            except FileNotFoundError:
                break
            except OSError:  # a network disk that is away for a moment
                continue


class Pulse:
    """Whether a run's folder has a writer that is alive, for one who only looks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen, self._until = b"", 0.0

    def is_alive(self) -> bool:
        """False if there is no writer, its process has ended, what it keeps writing has not changed
        for as long as it says there, as far as this object has seen, or is `STALE_SECONDS` old."""
        try:
            beat = next((self._folder / PLACE).iterdir()) / BEAT
            found, age = beat.read_bytes(), time.time() - beat.stat().st_mtime
        except (StopIteration, OSError):
            return False
        if age > STALE_SECONDS:
            return False
        seconds, holder = _read(found)
        if found != self._seen:
            self._seen, self._until = found, time.monotonic() + seconds
        return not (holder and holder.is_dead()) and time.monotonic() <= self._until


def _beat(count: int) -> bytes:
    """What a writer keeps writing: who it is, for how long without a change it may be trusted."""
    holder = asdict(Holder.this_process())
    return json.dumps({"count": f"{count:09}", "seconds": LEASE_SECONDS, **holder}).encode()


def _await_end(folder: Path, by_force: bool, on_wait: Callable[[str], None]) -> None:
    """Return when the present writer has ended, or was replaced since it counts as gone."""
    place = folder / PLACE
    try:
        scratch = next(place.iterdir())
    except (StopIteration, OSError):
        return
    seen, deadline, told = b"", 0.0, False
    silent = time.monotonic() + SILENT_SECONDS
    while True:
        try:
            found = (scratch / BEAT).read_bytes()
        except FileNotFoundError:
            if not scratch.is_dir():
                return
            found = b"none"
        seconds, holder = _read(found)
        if found != seen:
            if seen and not told:
                on_wait(f"{folder.name} is being trained by {holder}: waiting for its end")
                told = True
            seen, deadline = found, time.monotonic() + seconds
        if by_force or (holder and holder.is_dead()) or time.monotonic() > deadline:
            _remove(scratch, folder)
            return
        if not told and time.monotonic() > silent:
            left = deadline - time.monotonic()
            on_wait(
                f"{folder.name} may still be trained by {holder or 'another'}: waiting {left:.0f} s"
            )
            silent = math.inf
        time.sleep(min(1.0, seconds / 10))


def _read(beat: bytes) -> tuple[float, Holder | None]:
    """For how long a writer is to be trusted, and who it is, as far as its beat can be read."""
    try:
        said = json.loads(beat)
        seconds = float(said["seconds"])
        return (seconds if 0 < seconds < 3600 else LEASE_SECONDS), Holder.of(said)
    except (ValueError, TypeError, KeyError, RecursionError):
        return LEASE_SECONDS, None


def _remove(scratch: Path, folder: Path) -> None:
    """End the lease whose folder is `scratch`, if it still has it.

    The rename ends it. The folder is emptied too, because a machine that still has it under its old
    name in its cache of a network disk could rename files from there.
    """
    gone = folder / f"{PLACE}-{secrets.token_hex(8)}-gone"
    try:
        os.rename(scratch, gone)
    except FileNotFoundError:
        return
    while gone.exists():
        shutil.rmtree(gone, ignore_errors=True)
