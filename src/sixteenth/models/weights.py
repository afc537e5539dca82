"""Load initial weights into a network, all of them or none.

Every tensor must be present, of the right shape and finite. A prefix that all names have is removed
where the rest are names of the network. Only the classifier may be absent or of another shape, and
then keeps its random values: in weights that a model offers for other classes (such as ImageNet's),
and in a file for which the user allows it. How a file is read is in `tensor_files`.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import WeightsError
from ..messages import one_line
from ..spec.fields import is_timm
from .files import WeightsFile
from .tensor_files import read_tensors
from .timm_models import timm_classifier
from .timm_weights import fit_to
from .weight_files import check_stem, find_weights

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
        The file, with its hash, what was removed from its names and the normalisation of images;
        None for ``random``, which changes nothing.

    Raises:
        WeightsError: there are no such weights, or the file is damaged or does not fit; the first
            wrong tensor is named. The model must not be used then.
    """
    check_stem(init, stem)
    found = find_weights(name, init)
    if found is None:
        return None
    state, key = read_tensors(found.path, found.key)
    prefix = _common_prefix(state, model.state_dict())
    found = replace(found, key=key, prefix=prefix)
    if prefix:
        state = OrderedDict((each.removeprefix(prefix), value) for each, value in state.items())
    auxiliary = _AUXILIARY.get(name, ())
    for each in [each for each in state if auxiliary and each.startswith(auxiliary)]:
        del state[each]
    if name.startswith("densenet"):
        for each in list(state):
            state[_OLD_DENSENET.sub(r"\1\2", each)] = state.pop(each)
    if is_timm(name):
        state = fit_to(model, state, found)
    may_lack, misfit = _drop_classifier(model, state, found.keep_classifier)
    _load(model, state, found, may_lack)
    if misfit and not (allow_partial or found.other_classes):
        raise WeightsError(
            f"{found.place}: {misfit}; with --allow-partial it starts from random values"
        )
    return found


def load_trained_weights(model: nn.Module, path: Path, *, head_only: bool = False) -> None:
    """Load all weights of a finished run, the classifier too, into a model built like the run's.

    Args:
        head_only: the run has trained its classifier alone, and the file holds no other weights.

    Raises:
        WeightsError: the file is damaged or does not fit.
    """
    (state, _), may_lack = read_tensors(path), frozenset[str]()
    if head_only:
        may_lack = frozenset(key for key in model.state_dict() if key not in state)
        if len(state) != 2 or len(may_lack) + 2 != len(model.state_dict()):
            raise WeightsError(f"{path} does not hold the weight and bias of the last layer")
    _load(model, state, WeightsFile(path, "", None), may_lack=may_lack)


def _common_prefix(names: Collection[str], own: Collection[str]) -> str:
    """The part with a dot at its end that all names have, and without which most are in `own`."""
    pairs = zip(min(names).split(".")[:-1], max(names).split(".")[:-1], strict=False)
    common = [part for part, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    prefixes = ["".join(f"{part}." for part in common[:count]) for count in range(len(common) + 1)]
    return max(prefixes, key=lambda prefix: sum(prefix + each in names for each in own))


def _drop_classifier(
    model: nn.Module, state: dict[str, Tensor], keep: bool
) -> tuple[frozenset[str], str]:
    """Remove the classifier from `state` if it should not or cannot be loaded.

    The classifier is what timm says of its networks, else the last linear layer or convolution that
    is defined.

    Returns:
        The removed names, and why the classifier does not fit this network ("" if it does).
    """
    last = [key for key, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)][-1:]
    layers = timm_classifier(model) or last
    starts = tuple(f"{layer}." for layer in layers)
    own = {k: v for k, v in model.state_dict().items() if starts and k.startswith(starts)}
    misfit = ""
    for key, value in own.items():
        layer = next(layer for layer in layers if key.startswith(f"{layer}."))
        called = layer if layer.startswith("classifier") else f"classifier {layer}"
        if key not in state:
            misfit = f"the {called} is absent (no {key})"
        elif state[key].shape != value.shape and not misfit:
            misfit = (
                f"the {called} is made for other classes ({key} has shape "
                f"{tuple(state[key].shape)}, this network needs {tuple(value.shape)})"
            )
    if not layers or (keep and not misfit):
        return frozenset(), ""
    for key in [key for key in state if key.startswith(starts)]:  # may be several layers there
        del state[key]
    return frozenset(own), misfit


def _load(
    model: nn.Module, state: OrderedDict[str, Tensor], file: WeightsFile, may_lack: frozenset[str]
) -> None:
    own = model.state_dict()
    for key, value in state.items():
        if key in own and value.shape != own[key].shape:
            raise WeightsError(
                f"{file.place}: {key} has shape {tuple(value.shape)}, this network needs "
                f"{tuple(own[key].shape)}"
            )
        if key in own and value.is_floating_point() != own[key].is_floating_point():
            raise WeightsError(
                f"{file.place}: {key} holds {value.dtype}, expected {own[key].dtype}"
            )
    if not hasattr(state, "_metadata") and hasattr(own, "_metadata"):
        # A safetensors file has no versions, so torch assumes old layers and converts old names.
        # Only the version of the network itself is set, since some networks require theirs.
        state._metadata = {"": own._metadata.get("", {})}  # type: ignore[attr-defined]
    try:
        outcome = model.load_state_dict(state, strict=False)
    except Exception as error:
        raise WeightsError(f"{file.place} does not fit this network: {one_line(error)}") from error
    # Old files lack the counters of batch norms, which do not matter for a new training.
    missing = [
        key
        for key in outcome.missing_keys
        if key not in may_lack and not key.endswith("num_batches_tracked")
    ]
    for what, keys in (("lacks", missing), ("has, unexpectedly,", outcome.unexpected_keys)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise WeightsError(
                f"{file.place} does not fit this network: it {what} {keys[0]}{more}"
                f"{_hint(file, state, set(own) - may_lack)}"
            )
    # Checked in the network's tensors, since a tensor of the file may claim any size.
    for key, value in model.state_dict().items():
        if not torch.isfinite(value).all():
            raise WeightsError(f"{file.place}: {key} holds NaN or infinity")


def _hint(file: WeightsFile, names: Collection[str], own: Collection[str]) -> str:
    """Where else in the file this network's names are, or which part of a file it is."""
    needed = sorted(name for name in own if not name.endswith("num_batches_tracked"))
    ends = {name.removesuffix(needed[0]) for name in names if name.endswith(f".{needed[0]}")}
    whole = sorted(end for end in ends if all(end + name in names for name in needed))
    if whole:
        keys = [f"{file.key}.{file.prefix}{end}".strip(".") for end in whole]
        chosen = " or ".join(f"{file.path}#{key}" for key in keys)
        return f"; its names are there under {', '.join(whole)} beside others: choose with {chosen}"
    part = re.search(r"(\d+)-of-0*(\d+)\.", file.path.name)
    if part and int(part[2]) > 1:
        return f"; by its name it is part {int(part[1])} of {part[2]}: join the parts in one file"
    if not set(names) & set(own) and names:
        return f"; none of its {len(names)} names, such as {next(iter(names))}, is this network's"
    return ""
