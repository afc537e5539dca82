"""Load initial weights into a network, strictly and without running code from the file.

Files are not trusted. They are read by safetensors or by ``torch.load(weights_only=True)``, as the
file's suffix says. Every tensor must be present, of the right shape and finite. Only the classifier
may be absent or of another shape, and then keeps its random values: in weights that a model offers
for other classes (such as ImageNet's), and in a file for which the user allows it.
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

from ..errors import WeightsError, one_line
from .weight_files import WeightsFile, check_stem, find_weights

# Auxiliary classifiers, which only help to train on ImageNet and are not built here.
_AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}
# Old names in torchvision's densenet files, with a dot that parameter names must not have today.
_OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)$")


def load_initial_weights(
    model: nn.Module, name: str, init: str, *, stem: str = "default", allow_partial: bool = False
) -> WeightsFile | None:
    """Load the weights of `init` (see `weight_files`) into `model`.

    Args:
        name: name of the model.
        allow_partial: accept a file of the user whose classifier is absent or made for other
            classes.

    Returns:
        The file, with its hash and the normalisation of images; None for ``random``, which changes
        nothing.

    Raises:
        WeightsError: there are no such weights, or the file is damaged or of another network; the
            first wrong tensor is named. The model must not be used then.
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


def load_trained_weights(model: nn.Module, path: Path, *, head_only: bool = False) -> None:
    """Load all weights of a finished run, the classifier too, into a model built like the run's.

    Args:
        head_only: the run has trained its classifier alone, and the file holds no other weights.

    Raises:
        WeightsError: the file is damaged or of another network.
    """
    state, may_lack = read_tensors(path), frozenset[str]()
    if head_only:
        may_lack = frozenset(key for key in model.state_dict() if key not in state)
        if len(state) != 2 or len(may_lack) + 2 != len(model.state_dict()):
            raise WeightsError(f"{path} does not hold the weight and bias of the last layer")
    _load(model, state, path, may_lack)


def read_tensors(path: Path) -> OrderedDict[str, Tensor]:
    """The state dict of a weights file, on the CPU; no code from the file is run.

    In a ``.pth`` it may be under the key ``state_dict`` or ``model``, and each name may begin with
    ``module.``.

    Raises:
        WeightsError: the file cannot be read, or has anything but tensors.
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
        # Has the versions of the saved layers, with which torch converts old names.
        state._metadata = content._metadata  # type: ignore[attr-defined]
    return state


def _read_pickle(path: Path) -> Any:
    # Torch does not compress its archives; a compressed one could unpack to any size.
    with contextlib.suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise WeightsError(f"{path} is a compressed archive, which torch never writes: refused")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the errors below say what is wrong
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


def _drop_classifier(
    model: nn.Module, state: dict[str, Tensor], keep: bool
) -> tuple[frozenset[str], str]:
    """Remove the classifier from `state` if it should not or cannot be loaded.

    The classifier is the last linear layer or convolution that is defined.

    Returns:
        The removed names, and why the classifier does not fit this network ("" if it does).
    """
    layers = [key for key, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    layer = layers[-1] if layers else None
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
        # A safetensors file has no versions, so torch assumes old layers and converts old names.
        # Only the version of the network itself is set, since some networks require theirs.
        state._metadata = {"": own._metadata.get("", {})}  # type: ignore[attr-defined]
    try:
        outcome = model.load_state_dict(state, strict=False)
    except Exception as error:
        raise WeightsError(f"{path} does not fit this network: {one_line(error)}") from error
    # Old files lack the counters of batch norms, which do not matter for a new training.
    missing = [
        key
        for key in outcome.missing_keys
        if key not in may_lack and not key.endswith("num_batches_tracked")
    ]
    for what, keys in (("lacks", missing), ("has, unexpectedly,", outcome.unexpected_keys)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise WeightsError(f"{path} is of another network: it {what} {keys[0]}{more}")
    # Checked in the network's tensors, since a tensor of the file may claim any size.
    for key, value in model.state_dict().items():
        if not torch.isfinite(value).all():
            raise WeightsError(f"{path}: {key} holds NaN or infinity")


def _first_sentence(error: Exception) -> str:
    """The line of torch's long message that says what happened, usually the first one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = next((line for line in lines if "Unsupported" in line or "GLOBAL" in line), None)
    return (text or (lines[0] if lines else type(error).__name__))[:200]
