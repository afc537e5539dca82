"""Find, download and check the file of a run's initial weights.

`init` in a study file is one of

- ``random``: no file;
- ``imagenet``: torchvision's ``IMAGENET1K_V1`` weights of the model; ``imagenet:IMAGENET1K_V2`` is
  another entry of torchvision. The file is in torch's cache (``TORCH_HOME``) or is downloaded.
  Either way, its SHA-256 is compared with the hash in its name;
- a path that ends in one of `SUFFIXES`. With ``#KEY`` behind it (``resnet50.pth#state_dict_ema``)
  the tensors under that key are meant. The file does not say how images were normalised, so a run
  uses the mean and standard deviation of its dataset. With ``#imagenet`` at the end
  (``resnet50.pth#imagenet``) it uses those of ImageNet;
- for a model of the user, also any name in the attribute ``weights`` of its factory::

      def lite0(num_classes): ...

      lite0.weights = {
          "imagenet": {
              "file": "lite0.pth",           # or a function without parameters that returns it
              "mean": (0.498, 0.498, 0.498), # of RGB values in [0, 1]; optional, together with std
              "std": (0.502, 0.502, 0.502),
              "sha256": "57934424",          # the first 8 or more digits; optional
          }
      }

No file is ever deleted or replaced.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchvision

from ..errors import WeightsError, as_typed, looked_for, nearest, one_line
from ..spec.fields import OWN_MODELS
from .zoo import find_factory, is_factory

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".pth.tar")
"""Ends of the names of weights files. All but the first are files of ``torch.save``."""

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

DOWNLOAD_TIMEOUT = 30.0
"""Seconds without data after which a download fails."""


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
    """

    path: Path
    sha256: str
    normalisation: Normalisation | None
    keep_classifier: bool = True
    other_classes: bool = False
    key: str = ""
    prefix: str = ""

    @property
    def place(self) -> str:
        """The file, key and prefix for messages: ``own.pth#model without the prefix module.``"""
        removed = f" without the prefix {self.prefix}" if self.prefix else ""
        return f"{self.path}{self.key and '#'}{self.key}{removed}"


def find_weights(name: str, init: str) -> WeightsFile | None:
    """The weights file of `init` for model `name`, downloaded if needed; None for ``random``.

    No tensors are read, so a study can check all its weights before it trains.

    Raises:
        WeightsError: there are no such weights, or the file is missing, unreadable or has another
            hash.
        ModelError: `name` is a factory that cannot be imported.
    """
    if init == "random":
        return None
    offered = _offered_weights(name) if is_factory(name) else {}
    if init in offered:
        return _from_factory(name, init, offered[init])
    path, key, imagenet = _split(init)
    if path.name.lower().endswith(SUFFIXES):
        normalisation = None
        if imagenet:
            normalisation = Normalisation(_IMAGENET_MEAN, _IMAGENET_STD, f"{path}#imagenet")
        return WeightsFile(path, _sha256(path), normalisation, key=key)
    if _is_torchvision(name, init):
        return _from_torchvision(name, init)
    if "URL" in (where := looked_for(init)):
        raise WeightsError(f"init {init!r}{where}")
    renamed = "; if torch.save wrote that file, name it .pth" if path.is_file() else ""
    if is_factory(name):
        offers = f"it offers {', '.join(offered)}" if offered else "it offers none"
        raise WeightsError(
            f"{name} has no weights called {init!r}: {offers} (a factory's attribute weights, a "
            f"mapping such as {{'imagenet': {{'file': ..., 'mean': ..., 'std': ...}}}}); allowed "
            f"are also random and a path that ends in {', '.join(SUFFIXES)}{renamed}"
        )
    raise WeightsError(
        f"init {init!r}: allowed are random, imagenet, imagenet:ENTRY and a path that ends in "
        f"{', '.join(SUFFIXES)}{nearest(init, ['random', 'imagenet'])}{renamed}"
    )


def _split(init: str) -> tuple[Path, str, bool]:
    """The path, the key and whether ImageNet's normalisation is asked for in ``x.pth#KEY``."""
    text = re.sub(r"#imagenet(?=#|$)", "", init)
    head, _, key = text.rpartition("#")
    if not head.lower().endswith(SUFFIXES) or Path(text).exists():
        head, key = text, ""
    return Path(head).expanduser(), key, text != init


def check_init(name: str, init: str, *, stem: str = "default") -> None:
    """Raise an error if there are no such weights. Downloads nothing.

    Raises:
        WeightsError: there are no such weights, or they do not fit the stem.
        ModelError: `name` is a factory that cannot be imported.
    """
    check_stem(init, stem)
    if _is_torchvision(name, init):
        _torchvision_entry(name, init)
    else:
        find_weights(name, init)


def check_stem(init: str, stem: str) -> None:
    """Raise an error if ImageNet weights are to be loaded into a network with another stem.

    Raises:
        WeightsError: the weights do not fit the stem.
    """
    if init.partition(":")[0] == "imagenet" and stem != "default":
        raise WeightsError(
            f"init: {init} does not fit stem: {stem}, whose first convolution is not the one that "
            "was trained on ImageNet; use stem: default or init: random"
        )


def weights_are_here(name: str, init: str) -> bool:
    """Whether `find_weights` works without a download."""
    if not _is_torchvision(name, init):
        return True
    return _torchvision_path(_torchvision_entry(name, init)).exists()


def _is_torchvision(name: str, init: str) -> bool:
    return init.partition(":")[0] == "imagenet" and not is_factory(name)


def _torchvision_path(entry: Any) -> Path:
    """Where torch stores the file of a torchvision weights entry."""
    return Path(torch.hub.get_dir()) / "checkpoints" / str(entry.url).rpartition("/")[2]


def _offered_weights(name: str) -> Mapping[str, Any]:
    offered = getattr(find_factory(name), "weights", {})
    if not isinstance(offered, Mapping):
        raise WeightsError(
            f"{name}: its attribute weights must be a mapping from names to weights, not "
            f"{type(offered).__name__}"
        )
    return offered


def _from_factory(name: str, init: str, offer: Any) -> WeightsFile:
    where = f"{name}: weights[{init!r}]"
    known = ("file", "mean", "std", "sha256")
    if not isinstance(offer, Mapping) or "file" not in offer:
        raise WeightsError(f"{where} must be a mapping with the keys file, mean, std (and sha256)")
    unknown = [str(key) for key in offer if key not in known]
    if unknown:
        raise WeightsError(f"{where} has an unknown key {unknown[0]!r}; known: {', '.join(known)}")
    file = offer["file"]
    try:
        path = Path(file() if callable(file) else file).expanduser()
    except Exception as error:
        raise WeightsError(
            f"{where}: no file: {type(error).__name__}: {one_line(error)}"
        ) from error
    if not path.name.lower().endswith(SUFFIXES):
        raise WeightsError(f"{where}: {path} must end in {', '.join(SUFFIXES)}")
    sha256 = _sha256(path)
    _check_hash(path, sha256, str(offer.get("sha256", "")))
    normalisation = None
    if "mean" in offer or "std" in offer:
        mean = _three(offer.get("mean"), f"{where}: mean")
        std = _three(offer.get("std"), f"{where}: std")
        if min(std) <= 0:
            raise WeightsError(f"{where}: std must be above 0, not {std}")
        normalisation = Normalisation(mean, std, f"{name} {init}")
    return WeightsFile(path, sha256, normalisation, other_classes=True)


def _torchvision_entry(name: str, init: str) -> Any:
    """The member of torchvision's weights enumeration of model `name` that `init` means."""
    if name in OWN_MODELS:
        raise WeightsError(f"there are no ImageNet weights of {name}; allowed: random or a path")
    entry_name = init.partition(":")[2] or "IMAGENET1K_V1"
    entries = torchvision.models.get_model_weights(name)
    plain = entry_name.removeprefix(f"{entries.__name__}.")
    if plain not in entries.__members__:
        raise WeightsError(
            f"{name} has no weights entry {entry_name!r}; allowed: "
            f"{', '.join('imagenet:' + member for member in entries.__members__)}"
        )
    return entries[plain]


def _from_torchvision(name: str, init: str) -> WeightsFile:
    entry = _torchvision_entry(name, init)
    path = _torchvision_path(entry)
    expected = re.search(r"-([0-9a-f]{8,64})\.pth$", path.name)
    if expected is None:
        raise WeightsError(
            f"{entry}: no hash in the file name {path.name}, so it cannot be checked"
        )
    if not path.exists():
        _download(entry.url, path, expected[1], what=f"ImageNet weights of {name}")
    sha256 = _sha256(path)
    _check_hash(path, sha256, expected[1])
    transforms = entry.transforms()
    mean, std = _three(transforms.mean, f"{entry}: mean"), _three(transforms.std, f"{entry}: std")
    if name in ("googlenet", "inception_v3"):
        # Trained on values in [-1, 1]. torchvision's pretrained networks convert their input from
        # ImageNet's normalisation (transform_input); the networks built here do not.
        mean = std = (0.5, 0.5, 0.5)
    normalisation = Normalisation(mean, std, str(entry))
    return WeightsFile(path, sha256, normalisation, keep_classifier=False, other_classes=True)


def _download(url: str, path: Path, expected: str, *, what: str) -> None:
    """Download to a temporary file and rename it to `path` if its hash is right."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)  # urllib's default is to wait forever
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"downloading {what}: {path.name}", file=sys.stderr)
        torch.hub.download_url_to_file(
            url, str(path), hash_prefix=expected, progress=sys.stderr.isatty()
        )
    except RuntimeError as error:  # torch's error for a wrong hash
        raise WeightsError(
            f"{what}: the download of {path.name} is damaged, nothing was kept: {one_line(error)}"
        ) from error
    except (OSError, EOFError, ValueError) as error:
        raise WeightsError(
            f"{what}: {path.name} is not in {path.parent} and could not be downloaded "
            f"({one_line(error)}): put the file there ({url}), or set TORCH_HOME to a cache that "
            "has it"
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise WeightsError(f"no weights file {as_typed(path)}{looked_for(path)}") from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else one_line(error)
        raise WeightsError(f"cannot read the weights file {path}: {reason}") from None


def _check_hash(path: Path, sha256: str, expected: str) -> None:
    expected = expected.lower()
    if not sha256.startswith(expected):
        raise WeightsError(
            f"{path} is damaged or another file: its SHA-256 must begin with {expected} and is "
            f"{sha256[: max(len(expected), 8)]}; delete it and get it again"
        )


def _three(values: Iterable[float] | None, what: str) -> tuple[float, float, float]:
    try:
        red, green, blue = (float(value) for value in values or ())
    except (TypeError, ValueError):
        raise WeightsError(f"{what} must be three numbers, not {values!r}") from None
    return red, green, blue
