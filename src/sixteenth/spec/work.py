"""What a study does besides training its runs; a listener is told how far it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Work(StrEnum):
    """A kind of work; each is also its name in English, and a language has its own."""

    STARTING = "starting"
    DOWNLOADING = "downloading"
    """Counted in megabytes; the detail is the file or data set."""
    DECODING_TRAIN = "decoding training images"
    DECODING_TEST = "decoding test images"
    RESIZING_TRAIN = "resizing training images"
    RESIZING_TEST = "resizing test images"
    RESIZING = "resizing images"
    """Of a data set whose images lie in one array and are split afterwards."""
    TIMING = "timing the models"
    """The detail is the model that is timed now, and the size of its images."""
    REPORTING = "writing the report"

    @classmethod
    def decoding(cls, part: str) -> Work:
        """Decoding the images of a split, "train" or "test"."""
        return {"train": cls.DECODING_TRAIN, "test": cls.DECODING_TEST}[part]

    @classmethod
    def resizing(cls, part: str) -> Work:
        """Resizing images that are arrays already, of a split or "all" of both."""
        return {"train": cls.RESIZING_TRAIN, "test": cls.RESIZING_TEST, "all": cls.RESIZING}[part]


class WorkCallback(Protocol):
    """Told how much of some work is done; the total is 0 if unknown."""

    def __call__(self, what: Work, done: int, total: int, detail: str = "", /) -> None: ...
