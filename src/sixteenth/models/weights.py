"""Putting initial weights into a network: as data only, and all of them or none.

Files come from strangers. They are read by safetensors or by ``torch.load(weights_only=True)``,
which builds tensors and runs nothing; the file's suffix decides which, and neither stands in for
the other. Every tensor must be there, of the right shape and finite. Only the classifier, which has
to fit the study's classes, may be absent or of another shape and then keeps its random values: in
weights that a model offers for other classes (ImageNet's), and in a file where the user says so.
"""

from __future__ import annotations

import contextlib
import pickle
import re
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import WeightsError
from .weight_files import WeightsFile, check_stem, find_weights
from .zoo import one_line

# Second and third classifiers, which only help in training on ImageNet and are not built.
_AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}
# Names that torchvision's densenet files have kept from before dots in names were forbidden.
_OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)$")


def load_initial_weights(
    model: nn.Module, name: str, init: str, *, stem: str = "default", allow_partial: bool = False
) -> WeightsFile | None:
    """Put the weights that `init` means into `model`, built as `name`; ``random`` leaves it alone.

    See `weight_files` for what `init` may be.

    Args:
        allow_partial: accept a file of the user's whose classifier is absent or made for other
            classes.

    Returns:
        Their file, with its hash and how images must be normalised; None for ``random``.

    Raises:
        WeightsError: no such weights, or a file that is damaged or of another network; the first
            tensor that is wrong is named. The model must not be used then.
    """
    check_stem(init, stem)
    found = find_weights(name, init)
    if found is None:
        return None
    state = read_tensors(found.path)
    auxiliary = _AUXILIARY.get(name, ())
    for key in [key for key in state if auxiliary and key.startswith(auxiliary)]:
        del state[key]
    if name.startswith("densenet"):
        for key in list(state):
            state[_OLD_DENSENET.sub(r"\1\2", key)] = state.pop(key)
    may_lack, misfit = _drop_classifier(model, state, found.keep_classifier)
    _load(model, state, found.path, may_lack)
    if misfit and not (allow_partial or found.other_classes):
        raise WeightsError(
            f"{found.path}: {misfit}; with --allow-partial it starts from random values"
        )
    return found


def load_trained_weights(model: nn.Module, path: Path) -> None:
    """Put the weights of a finished run into a model built as that run's was, classifier and all.

    Raises:
        WeightsError: the file is damaged or of another network.
    """
    _load(model, read_tensors(path), path, may_lack=frozenset())


def read_tensors(path: Path) -> OrderedDict[str, Tensor]:
    """The named tensors of a weights file, on the CPU; nothing in the file is executed.

    A ``.pth`` may hold them under ``state_dict`` or ``model``, with ``module.`` before each name.

    Raises:
        WeightsError: the file cannot be read, or holds anything but tensors.
    """
    if path.suffix == ".safetensors":
        try:
            content: Any = load_file(path)
        except (SafetensorError, OSError, ValueError) as error:
            raise WeightsError(f"{path} is not a safetensors file: {one_line(error)}") from error
    else:
        content = _read_pickle(path)
    for wrapper in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path} holds no named tensors but {type(content).__name__}")
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise WeightsError(f"{path}: {key!r} is not a tensor but {type(value).__name__}")
        odd = value.is_nested or value.is_quantized or value.layout is not torch.strided
        if odd or value.device.type != "cpu":
            raise WeightsError(
                f"{path}: {key!r} is a sparse, nested, quantised or empty (meta) tensor, expected "
                "a plain one"
            )
    parallel = all(key.startswith("module.") for key in content)
    state = OrderedDict(
        (key.removeprefix("module.") if parallel else key, v) for key, v in content.items()
    )
    if hasattr(content, "_metadata") and not parallel:
        # Versions of the layers that were saved: torch brings old names up to date with it.
        state._metadata = content._metadata  # type: ignore[attr-defined]
    return state


def _read_pickle(path: Path) -> Any:
    _refuse_packed(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong with the file is said once, below
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} is refused: it is damaged, or holds objects that could run code where only "
            f"tensors are read ({_first_sentence(error)}); save it as safetensors"
        ) from error
    except Exception as error:
        raise WeightsError(
            f"{path} is not a weights file or is damaged: {_first_sentence(error)}"
        ) from error


def _refuse_packed(path: Path) -> None:
    """Torch stores its archives as they are; a compressed one can unpack to any size."""
    with contextlib.suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise WeightsError(f"{path} is a compressed archive, which torch never writes: refused")


def classifier_name(model: nn.Module) -> str | None:
    """The layer that gives the logits: the last linear layer or convolution that is defined."""
    layers = [key for key, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    return layers[-1] if layers else None


def _drop_classifier(
    model: nn.Module, state: dict[str, Tensor], keep: bool
) -> tuple[frozenset[str], str]:
    """Take a classifier that is not to be loaded out of `state`.

    Returns:
        Its names, which may then lack, and why it does not fit this network.
    """
    layer = classifier_name(model)
    own = {k: v for k, v in model.state_dict().items() if k.rpartition(".")[0] == layer}
    misfit = ""
    for key, value in own.items():
        if key not in state:
            misfit = f"the classifier {layer} is absent (no {key})"
        elif state[key].shape != value.shape and not misfit:
            misfit = (
                f"the classifier {layer} is made for other classes ({key} has shape "
                f"{tuple(state[key].shape)}, this network needs {tuple(value.shape)})"
            )
    if layer is None or (keep and not misfit):
        return frozenset(), ""
    for key in own:
        state.pop(key, None)
    return frozenset(own), misfit


def _load(
    model: nn.Module, state: OrderedDict[str, Tensor], path: Path, may_lack: frozenset[str]
) -> None:
    own = model.state_dict()
    for key, value in state.items():
        if key in own and value.shape != own[key].shape:
            raise WeightsError(
                f"{path}: {key} has shape {tuple(value.shape)}, this network needs "
                f"{tuple(own[key].shape)}"
            )
        if key in own and value.is_floating_point() != own[key].is_floating_point():
            raise WeightsError(f"{path}: {key} holds {value.dtype}, expected {own[key].dtype}")
    if not hasattr(state, "_metadata") and hasattr(own, "_metadata"):
        # A safetensors file has no versions. Torch then takes layers for old ones and updates what
        # has an old name; only networks that insist on a version of their own need to be told.
        state._metadata = {"": own._metadata.get("", {})}  # type: ignore[attr-defined]
    try:
        outcome = model.load_state_dict(state, strict=False)
    except Exception as error:
        raise WeightsError(f"{path} does not fit this network: {one_line(error)}") from error
    # The counters of batch norms are younger than many files and mean nothing for a new training.
    missing = [
        key
        for key in outcome.missing_keys
        if key not in may_lack and not key.endswith("num_batches_tracked")
    ]
    for what, keys in (("lacks", missing), ("has, unexpectedly,", outcome.unexpected_keys)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise WeightsError(f"{path} is of another network: it {what} {keys[0]}{more}")
    # Only now, of the network's own tensors: one of the file's may claim any size it likes.
    for key, value in model.state_dict().items():
        if not torch.isfinite(value).all():
            raise WeightsError(f"{path}: {key} holds NaN or infinity")


def _first_sentence(error: Exception) -> str:
    """Torch's messages go on for a page; what happened stands in the first line with content."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = next((line for line in lines if "Unsupported" in line or "GLOBAL" in line), None)
    return (text or (lines[0] if lines else type(error).__name__))[:200]
