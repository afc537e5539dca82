"""Every error that Sixteenth raises on purpose, and the exit code each one means::

    SixteenthError            exit 1
    ├── InputError            exit 2: something the user gave is wrong; nothing was trained
    │   ├── SpecError         the study file or a command-line setting
    │   ├── DataError         the images or their labels
    │   ├── ModelError        a model's name or factory
    │   ├── WeightsError      initial weights: missing, damaged, of another shape
    │   ├── MismatchError     the output folder holds something else
    │   └── InUseError        another process trains in the output folder
    └── RunError              one training could not finish; the others go on
        ├── DivergedError     the loss became NaN or infinite
        ├── NodeError         the machine that was to train it lacks its data
        └── ReplacedError     another process has taken the run over

A message is one clear line that names the thing and the way out; the command line prints it as is.
"""

from __future__ import annotations


class SixteenthError(Exception):
    """Base of all errors that Sixteenth raises on purpose."""

    exit_code = 1


class InputError(SixteenthError):
    """Something the user gave is wrong."""

    exit_code = 2


class SpecError(InputError):
    """The study file, or a setting on the command line, is wrong."""


class DataError(InputError):
    """The images or labels cannot be used."""


class ModelError(InputError):
    """A model's name or factory cannot be used."""


class WeightsError(InputError):
    """Initial weights are missing, damaged or made for another network."""


FRESH = "begin in a new folder with --fresh, or choose one with --out"


class MismatchError(InputError):
    """The output folder holds another study than the one asked for.

    Attributes:
        what: where, and what differs.
        way_out: what to do about it.
        goes_on: the command that goes on with what is there, where that may be meant.
    """

    def __init__(self, what: str, way_out: str = FRESH, goes_on: str = "") -> None:
        self.what, self.way_out, self.goes_on = what, way_out, goes_on
        super().__init__(what, way_out, goes_on)  # what pickle makes it of again

    def __str__(self) -> str:
        also = f"go on with it by {self.goes_on}, or " if self.goes_on else ""
        return f"{self.what}: {also}{self.way_out}"


class InUseError(InputError):
    """Another process is at work in the output folder."""


class RunError(SixteenthError):
    """One run could not finish."""


class DivergedError(RunError):
    """The training loss became NaN or infinite."""

    @classmethod
    def is_in(cls, error: str) -> bool:
        """Whether the `error` of a run's record is one of these: the run would fail so again."""
        return error.startswith(f"{cls.__name__}:")


class NodeError(RunError):
    """The machine that was to train a run cannot read its data."""


class ReplacedError(RunError):
    """Another process trains the run by now, because this one did not renew its lease."""
