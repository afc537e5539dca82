"""A file of weights: what is known of it, its hash, and its download. Reads no tensors."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..data.download import download
from ..errors import DataError, WeightsError
from ..messages import as_typed, looked_for, one_line
from ..spec.work import Work


@dataclass(frozen=True)
class Normalisation:
    """How images were normalised when the weights were trained: ``(pixel / 255 - mean) / std``.

    Attributes:
        mean, std: of red, green and blue, for pixels in [0, 1].
        source: the weights, for example ``ResNet18_Weights.IMAGENET1K_V1``.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    source: str


@dataclass(frozen=True)
class WeightsFile:
    """A weights file that exists and has the expected hash.

    Attributes:
        sha256: of the whole file, in hex.
        key: under which the tensors lie in the file, "" for none or, before it is read, any.
        prefix: removed from the tensors' names, such as ``module.``; known when they are loaded.
        normalisation: None if unknown.
        keep_classifier: load the classifier too, if its shape is right. False for torchvision's
            files, whose classes are ImageNet's even if their number is that of the study.
        other_classes: the classifier may be absent or of another shape. True for weights that a
            model offers by name; for a file of the user, ``allow_partial`` decides.
        config: what timm knows of its own weights, see `timm_weights`; None of others.
    """

    path: Path
    sha256: str
    normalisation: Normalisation | None
    keep_classifier: bool = True
    other_classes: bool = False
    key: str = ""
    prefix: str = ""
    config: Mapping[str, Any] | None = None

    @property
    def place(self) -> str:
        """The file, key and prefix for messages: ``own.pth#model without the prefix module.``"""
        removed = f" without the prefix {self.prefix}" if self.prefix else ""
        return f"{self.path}{self.key and '#'}{self.key}{removed}"


def torch_cache(url: str) -> Path:
    """Where torch keeps the file of an address."""
    return Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]


def hash_in_name(path: Path) -> str:
    """The first digits of the SHA-256 that the name of a file ends in; "" if it has none."""
    found = re.search(r"-([0-9a-f]{8,64})\.pth$", path.name)
    return found[1] if found else ""


def download_weights(url: str, path: Path, expected: str, *, what: str) -> None:
    """Download a file to `path` if its SHA-256 begins with `expected` ("": any).

    Raises:
        WeightsError: where the file may be put, if it cannot be downloaded.
    """
    shown = sys.stderr.isatty()

    def tell(what: Work, done: int, total: int, detail: str = "") -> None:
        of = f" of {total}" if total else ""
        print(f"\r{what} {detail}: {done}{of}", end="", file=sys.stderr, flush=True)

    print(f"downloading {what}: {path.name}", file=sys.stderr)
    try:
        reasons = download(
            path,
            expected,
            [url],
            tell if shown else None,
            algorithm="sha256",
            chosen_by="TORCH_HOME",
        )
    except DataError as error:
        raise WeightsError(f"{what}: {error}") from None
    finally:
        if shown:
            print(file=sys.stderr)
    if reasons:
        raise WeightsError(
            f"{what}: {path.name} is not in {path.parent} and could not be downloaded "
            f"({reasons[url]}): try again, which goes on where it broke off; or put the file there "
            f"({url}), or set TORCH_HOME to a cache that has it"
        )


def sha256_of(path: Path) -> str:
    """SHA-256 of a whole file, in hex.

    Raises:
        WeightsError: there is no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise WeightsError(f"no weights file {as_typed(path)}{looked_for(path)}") from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else one_line(error)
        raise WeightsError(f"cannot read the weights file {path}: {reason}") from None


def check_hash(path: Path, sha256: str, expected: str) -> None:
    """Raise an error if the hash of a file does not begin with the expected digits.

    Raises:
        WeightsError: both are named.
    """
    expected = expected.lower()
    if not sha256.startswith(expected):
        raise WeightsError(
            f"{path} is damaged or another file: its SHA-256 must begin with {expected} and is "
            f"{sha256[: max(len(expected), 8)]}; delete it and get it again"
        )


def three(values: Iterable[float] | None, what: str) -> tuple[float, float, float]:
    """One number for each of red, green and blue.

    Raises:
        WeightsError: `what` is something else.
    """
    try:
        red, green, blue = (float(value) for value in values or ())
    except (TypeError, ValueError):
        raise WeightsError(f"{what} must be three numbers, not {values!r}") from None
    return red, green, blue
