"""Find, download and check the file of a run's initial weights.

`init` in a study file is one of

- ``random``: no file;
- ``imagenet``: torchvision's ``IMAGENET1K_V1`` weights of the model; ``imagenet:IMAGENET1K_V2`` is
  another entry of torchvision. The file is in torch's cache (``TORCH_HOME``) or is downloaded.
  Either way, its SHA-256 is compared with the hash in its name.
  For a model of timm it means the weights of its tag; ``imagenet:TAG`` is another tag
  (`timm_weights`);
- a path that ends in one of `SUFFIXES`. With ``#KEY`` behind it (``resnet50.pth#state_dict_ema``)
  the tensors under that key are meant. The file does not say how images were normalised, so a run
  uses the mean and standard deviation of its dataset. With ``#imagenet`` at the end
  (``resnet50.pth#imagenet``) it uses those of ImageNet, or of a model of timm those of its tag;
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

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import torchvision

from ..errors import WeightsError
from ..messages import looked_for, nearest, one_line
from ..spec.fields import OWN_MODELS, Interpolation, is_timm
from .files import (
    Normalisation,
    WeightsFile,
    check_hash,
    download_weights,
    hash_in_name,
    sha256_of,
    three,
    torch_cache,
)
from .timm_weights import (
    cached_file,
    data_config,
    find_timm_weights,
    timm_config,
    timm_model_config,
)
from .zoo import check_model, find_factory, is_factory

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".pth.tar")
"""Ends of the names of weights files. All but the first are files of ``torch.save``."""

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

_OF_SYMMETRIC_IMAGES = ("googlenet", "inception_v3")
"""Networks of torchvision that were trained on values in [-1, 1]. Its pretrained networks convert
their input from ImageNet's normalisation (transform_input); the networks built here do not."""


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
            mean, std = _IMAGENET_MEAN, _IMAGENET_STD
            if is_timm(name):
                prepared = data_config(timm_model_config(name))
                mean, std = (three(prepared[key], f"{name}: {key}") for key in ("mean", "std"))
            elif name in _OF_SYMMETRIC_IMAGES:
                mean = std = (0.5, 0.5, 0.5)
            normalisation = Normalisation(mean, std, f"{path}#imagenet")
        return WeightsFile(path, sha256_of(path), normalisation, key=key)
    if _is_timms_own(name, init):
        return find_timm_weights(name, init)
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


def counts_from_folder(init: str) -> bool:
    """Whether `init` is a path of a weights file that counts from the current folder."""
    path, _, _ = _split(init)
    return path.name.lower().endswith(SUFFIXES) and not path.is_absolute()


def check_init(name: str, init: str, *, stem: str = "default") -> None:
    """Raise an error if there are no such weights. Downloads nothing.

    Raises:
        WeightsError: there are no such weights, or they do not fit the stem.
        ModelError: `name` is a factory that cannot be imported.
    """
    check_stem(init, stem)
    if _is_timms_own(name, init):
        timm_config(name, init)
    elif _is_torchvision(name, init):
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
    if _is_timms_own(name, init):
        return cached_file(timm_config(name, init)) is not None
    if not _is_torchvision(name, init):
        return True
    return torch_cache(_torchvision_entry(name, init).url).exists()


def interpolation_of(name: str, init: str) -> Interpolation | None:
    """By which images were resized for the weights that `init` means; None if it is not known.

    Downloads nothing, and imports no code of the user.

    Raises:
        ModelError, WeightsError: timm or torchvision has no such model or weights.
    """
    if _is_torchvision(name, init):
        check_model(name)
        found = _torchvision_entry(name, init).transforms().interpolation.value
    elif is_timm(name) and (_is_timms_own(name, init) or _split(init)[2]):
        own = _is_timms_own(name, init)
        config = timm_config(name, init) if own else timm_model_config(name)
        found = data_config(config)["interpolation"]
    else:
        return None
    return found if found in get_args(Interpolation) else None


def choose_interpolation(
    models: Sequence[str], inits: Sequence[str], begun: Interpolation | None = None
) -> tuple[Interpolation, str]:
    """By which interpolation all models of a study get their images, and a note on those whose
    weights were made with another, or an empty text.

    Args:
        begun: of the runs that were begun already, which counts.

    Raises:
        ModelError, WeightsError: as `interpolation_of`.
    """
    pairs = [(model, init) for model in models for init in inits]
    known = {pair: found for pair in pairs if (found := interpolation_of(*pair))}
    agreed = set(known.values())
    chosen = begun or (agreed.pop() if len(agreed) == 1 else "bilinear")
    others = [f"{model} from {init}" for (model, init), found in known.items() if found != chosen]
    if not others:
        return chosen, ""
    other = next(found for found in known.values() if found != chosen)
    return chosen, (
        f"images of other sizes are resized by {chosen} interpolation for all models; trained with "
        f"{other}: {', '.join(others)} (interpolation: {other} chooses that)"
    )


def _is_timms_own(name: str, init: str) -> bool:
    return init.partition(":")[0] == "imagenet" and is_timm(name)


def _is_torchvision(name: str, init: str) -> bool:
    return init.partition(":")[0] == "imagenet" and not (is_factory(name) or is_timm(name))


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
    sha256 = sha256_of(path)
    check_hash(path, sha256, str(offer.get("sha256", "")))
    normalisation = None
    if "mean" in offer or "std" in offer:
        mean = three(offer.get("mean"), f"{where}: mean")
        std = three(offer.get("std"), f"{where}: std")
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
    path = torch_cache(entry.url)
    expected = hash_in_name(path)
    if not expected:
        raise WeightsError(
            f"{entry}: no hash in the file name {path.name}, so it cannot be checked"
        )
    if not path.exists():
        download_weights(entry.url, path, expected, what=f"ImageNet weights of {name}")
    sha256 = sha256_of(path)
    check_hash(path, sha256, expected)
    transforms = entry.transforms()
    mean, std = three(transforms.mean, f"{entry}: mean"), three(transforms.std, f"{entry}: std")
    if name in _OF_SYMMETRIC_IMAGES:
        mean = std = (0.5, 0.5, 0.5)
    normalisation = Normalisation(mean, std, str(entry))
    return WeightsFile(path, sha256, normalisation, keep_classifier=False, other_classes=True)
