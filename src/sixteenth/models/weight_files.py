"""Which file a run's initial weights come from: found, downloaded if need be, and checked.

`init` in a study file is one of

- ``random``: no file;
- ``imagenet``: torchvision's ``IMAGENET1K_V1`` of the model; ``imagenet:IMAGENET1K_V2`` another
  entry of torchvision's. The file lies in torch's cache (``TORCH_HOME``), is downloaded when it
  does not, and its SHA-256 is compared with the hash in its name also when it was already there;
- a path that ends in ``.safetensors``, ``.pth`` or ``.pt``. Such weights say nothing of how images
  were normalised, so a run uses its dataset's own mean and standard deviation; with ``#imagenet``
  at its end (``resnet50.pth#imagenet``) it uses ImageNet's;
- for a model of the user's own, also any name that its factory offers in an attribute ``weights``::

      def lite0(num_classes): ...

      lite0.weights = {
          "imagenet": {
              "file": "lite0.pth",           # or a function without parameters that gives the path
              "mean": (0.498, 0.498, 0.498), # of RGB values in [0, 1]; may be left out, with std
              "std": (0.502, 0.502, 0.502),
              "sha256": "57934424",          # or more of it; checked if given
          }
      }

Nothing is ever deleted or replaced here.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchvision

from ..errors import WeightsError, nearest
from ..spec.fields import OWN_MODELS
from .zoo import find_factory, is_factory, one_line

SUFFIXES = (".safetensors", ".pth", ".pt")

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_HALF = (0.5, 0.5, 0.5)
_PATIENCE = 30.0  # seconds without an answer after which a download is given up


@dataclass(frozen=True)
class Normalisation:
    """How images were normalised when the weights were trained: ``(pixel / 255 - mean) / std``.

    Attributes:
        mean, std: one value for red, green and blue each, of pixels in [0, 1].
        source: the weights that say so, for example ``ResNet18_Weights.IMAGENET1K_V1``.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    source: str


@dataclass(frozen=True)
class WeightsFile:
    """A weights file that is there and is the one that was meant.

    Attributes:
        sha256: of the whole file, in hex.
        normalisation: None when the weights say nothing of it.
        keep_classifier: whether a classifier that fits is loaded too; the thousand classes of a
            torchvision file never mean those of a study, so there it is not.
        other_classes: weights that a model offers under a name are made for other classes than
            the study's; of a file that the user names this is to be said (``allow_partial``).
    """

    path: Path
    sha256: str
    normalisation: Normalisation | None
    keep_classifier: bool = True
    other_classes: bool = False


def find_weights(name: str, init: str) -> WeightsFile | None:
    """The file that `init` means for model `name`, None for ``random``; may download it.

    Reads no tensor: a study checks all its weights with this before it trains anything.

    Raises:
        WeightsError: there are no such weights, or the file is missing, unreadable or another one.
        ModelError: `name` is a factory that cannot be imported.
    """
    if init == "random":
        return None
    offered = _offered_weights(name) if is_factory(name) else {}
    if init in offered:
        return _from_factory(name, init, offered[init])
    path = Path(init.removesuffix("#imagenet")).expanduser()
    if path.suffix in SUFFIXES:
        return _from_path(path, imagenet=init.endswith("#imagenet"))
    kind, _, entry = init.partition(":")
    if kind == "imagenet" and not is_factory(name):
        return _from_torchvision(name, entry or "IMAGENET1K_V1")
    if kind == "imagenet" or is_factory(name):
        offers = f"it offers {', '.join(offered)}" if offered else "it offers none"
        raise WeightsError(
            f"{name} has no weights called {init!r}: {offers} (a factory's attribute weights, a "
            f"mapping such as {{'imagenet': {{'file': ..., 'mean': ..., 'std': ...}}}}); allowed "
            f"are also random and a path that ends in {', '.join(SUFFIXES)}"
        )
    raise WeightsError(
        f"init {init!r}: allowed are random, imagenet, imagenet:ENTRY and a path that ends in "
        f"{', '.join(SUFFIXES)}{nearest(init, ['random', 'imagenet'])}"
    )


def check_init(name: str, init: str, *, stem: str = "default") -> None:
    """Refuse initial weights that no network would bring, before anything is trained.

    Downloads nothing: whether torchvision's file can be had is known only when it is asked for.

    Raises:
        WeightsError: there are no such weights, or they do not fit the stem.
        ModelError: `name` is a factory that cannot be imported.
    """
    check_stem(init, stem)
    kind, _, entry = init.partition(":")
    if kind == "imagenet" and not is_factory(name):
        _torchvision_entry(name, entry or "IMAGENET1K_V1")
    else:
        find_weights(name, init)


def check_stem(init: str, stem: str) -> None:
    """Refuse ImageNet's weights for a stem that they were not trained with.

    Raises:
        WeightsError: they do not fit it.
    """
    if init.partition(":")[0] == "imagenet" and stem != "default":
        raise WeightsError(
            f"init: {init} does not fit stem: {stem}, whose first convolution is not the one that "
            "was trained on ImageNet; use stem: default or init: random"
        )


def weights_are_here(name: str, init: str) -> bool:
    """Whether `find_weights` would need no network."""
    kind, _, entry = init.partition(":")
    if kind != "imagenet" or is_factory(name):
        return True
    return _torchvision_path(_torchvision_entry(name, entry or "IMAGENET1K_V1")).exists()


def _torchvision_path(entry: Any) -> Path:
    """Where torch keeps the file of a torchvision weights entry."""
    return Path(torch.hub.get_dir()) / "checkpoints" / str(entry.url).rpartition("/")[2]


def _from_path(path: Path, *, imagenet: bool) -> WeightsFile:
    sha256 = _sha256(path)
    normalisation = None
    if imagenet:
        normalisation = Normalisation(_IMAGENET_MEAN, _IMAGENET_STD, f"{path}#imagenet")
    return WeightsFile(path, sha256, normalisation)


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
    if path.suffix not in SUFFIXES:
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


def _torchvision_entry(name: str, entry_name: str) -> Any:
    """The member of torchvision's weights enumeration for `name`."""
    if name in OWN_MODELS:
        raise WeightsError(f"there are no ImageNet weights of {name}; allowed: random or a path")
    entries = torchvision.models.get_model_weights(name)
    plain = entry_name.removeprefix(f"{entries.__name__}.")
    if plain not in entries.__members__:
        raise WeightsError(
            f"{name} has no weights entry {entry_name!r}; allowed: "
            f"{', '.join('imagenet:' + member for member in entries.__members__)}"
        )
    return entries[plain]


def _from_torchvision(name: str, entry_name: str) -> WeightsFile:
    entry = _torchvision_entry(name, entry_name)
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
        # Trained on values in [-1, 1]: torchvision turns its ImageNet-normalised input into those
        # inside the network (transform_input), which a rebuilt network would not know of.
        mean, std = _HALF, _HALF
    normalisation = Normalisation(mean, std, str(entry))
    return WeightsFile(path, sha256, normalisation, keep_classifier=False, other_classes=True)


def _download(url: str, path: Path, expected: str, *, what: str) -> None:
    """Fetch into a temporary file beside `path` and rename it when its hash is right."""
    advice = f"put the file there ({url}), or set TORCH_HOME to a cache that has it"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"downloading {what}: {path.name}", file=sys.stderr)
        with _impatient():
            torch.hub.download_url_to_file(
                url, str(path), hash_prefix=expected, progress=sys.stderr.isatty()
            )
    except RuntimeError as error:  # how torch says that the hash is another one
        raise WeightsError(
            f"{what}: the download of {path.name} is damaged, nothing was kept: {one_line(error)}"
        ) from error
    except (OSError, EOFError, ValueError) as error:
        raise WeightsError(
            f"{what}: {path.name} is not in {path.parent} and could not be downloaded "
            f"({one_line(error)}): {advice}"
        ) from error


@contextmanager
def _impatient() -> Iterator[None]:
    """Network calls that never answer end after a while: urllib waits for ever by default."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise WeightsError(f"no weights file {path}") from None
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
