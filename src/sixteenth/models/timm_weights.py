"""Pretrained weights of timm: which there are, where their file is, how images are prepared.

A file is in the cache of the Hugging Face hub (``HF_HOME``), or in torch's (``TORCH_HOME``) if timm
has it elsewhere, or is downloaded. One that is cached is used without asking the network for a
newer one, so ``HF_HUB_OFFLINE=1`` changes nothing then. The hub names its large files by their
SHA-256, which is compared.
"""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..errors import WeightsError
from ..messages import nearest, one_line
from ..spec.fields import TIMM
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
from .timm_models import check_timm, import_timm, tags_of, timm_classifier, timm_state

_HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def timm_config(name: str, init: str) -> Any:
    """timm's configuration (`PretrainedCfg`) of the weights that `init` means.

    Args:
        init: ``imagenet``, those of the name's tag, else timm's default; ``imagenet:TAG``.

    Raises:
        ModelError: there is no such model.
        WeightsError: there are no such weights; those that there are are named.
    """
    check_timm(name)
    timm = import_timm()
    plain = name.removeprefix(TIMM)
    arch = plain.partition(".")[0]
    if tag := init.partition(":")[2]:
        plain = f"{arch}.{tag.removeprefix(f'{arch}.')}"
    if timm.is_model_pretrained(plain):
        return timm.get_pretrained_cfg(plain)
    tags = [tag for tag in tags_of(arch) if timm.is_model_pretrained(f"{arch}.{tag}")]
    if tags:
        wanted = plain.partition(".")[2]
        way_out = f"it has {', '.join(f'imagenet:{tag}' for tag in tags)}{nearest(wanted, tags)}"
    else:
        near = nearest(plain, timm.list_pretrained())
        way_out = f"use init: random, a path to weights, or one of timm.list_pretrained(){near}"
    raise WeightsError(f"timm has no pretrained weights of {plain}: {way_out}")


def find_timm_weights(name: str, init: str) -> WeightsFile:
    """The file of the weights that `init` means, downloaded if needed.

    Raises:
        ModelError, WeightsError: as `timm_config`; the file cannot be had, or is damaged.
    """
    config = timm_config(name, init)
    path = cached_file(config) or _fetch(config, name)
    sha256 = sha256_of(path)
    in_hub = path.resolve().name
    check_hash(path, sha256, in_hub if re.fullmatch("[0-9a-f]{64}", in_hub) else hash_in_name(path))
    prepared = data_config(config)
    source = f"{TIMM}{_full_name(config)}"
    mean, std = (three(prepared[key], f"{source}: {key}") for key in ("mean", "std"))
    known = {
        "tag": config.tag,
        "architecture": config.architecture,
        "num_classes": config.num_classes,
        "source": config.hf_hub_id or config.url,
        **prepared,
    }
    return WeightsFile(
        path,
        sha256,
        Normalisation(mean, std, source),
        keep_classifier=False,
        other_classes=True,
        config=known,
    )


def timm_model_config(name: str) -> Any:
    """The configuration of the tag of a name, or timm's default, also without published weights.

    For a file of the user, ``x.safetensors#imagenet``: of a model without published weights timm
    still knows how images are to be prepared.

    Raises:
        ModelError: there is no such model.
    """
    check_timm(name)
    return import_timm().get_pretrained_cfg(name.removeprefix(TIMM))


def data_config(config: Any) -> dict[str, Any]:
    """How images were prepared for weights: mean, std, interpolation, crop_pct, input_size, ..."""
    resolve = import_timm().data.resolve_model_data_config
    prepared: dict[str, Any] = resolve(None, pretrained_cfg=config.to_dict())
    return prepared


def fit_to(
    model: nn.Module, state: OrderedDict[str, Tensor], file: WeightsFile
) -> OrderedDict[str, Tensor]:
    """The tensors of a file under the names and in the shapes of a network of timm.

    Unchanged if timm cannot fit them: which tensor is wrong is then found when they are loaded.
    """
    weight = next((state.get(f"{layer}.weight") for layer in timm_classifier(model)), None)
    classes = [file.config["num_classes"]] if file.config else []
    classes += [0 if weight is None else len(weight)]
    for count in classes:
        with suppress(Exception):  # whatever timm raises
            config = {"state_dict": dict(state), "num_classes": count}
            return OrderedDict(timm_state(model, config))
    return state


def cached_file(config: Any) -> Path | None:
    """The file of weights that needs no download; None if there is none."""
    from huggingface_hub import try_to_load_from_cache

    if config.hf_hub_id:
        repository, _, revision = config.hf_hub_id.partition("@")
        for file in _hub_files(config):
            found = try_to_load_from_cache(repository, file, revision=revision or None)
            if isinstance(found, str):
                return Path(found)
    elsewhere = torch_cache(config.url) if config.url else None
    return elsewhere if elsewhere is not None and elsewhere.exists() else None


def _full_name(config: Any) -> str:
    return f"{config.architecture}.{config.tag}" if config.tag else str(config.architecture)


def _hub_files(config: Any) -> tuple[str, ...]:
    return (config.hf_hub_filename,) if config.hf_hub_filename else _HUB_FILES


def _fetch(config: Any, name: str) -> Path:
    """Download the file as timm would, from the hub if it is there.

    Raises:
        WeightsError: where it was looked for, and how to bring it from another machine.
    """
    what = f"weights of {TIMM}{_full_name(config)}"
    if not config.hf_hub_id:
        path = torch_cache(config.url)
        download_weights(config.url, path, hash_in_name(path), what=what)
        return path
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    repository, _, revision = config.hf_hub_id.partition("@")
    print(f"downloading {what}: {constants.ENDPOINT}/{repository}", file=sys.stderr)
    files = _hub_files(config)
    problem: BaseException = FileNotFoundError(f"it has no {' or '.join(files)}")
    for file in files:
        try:
            return Path(hf_hub_download(repository, file, revision=revision or None))
        except LocalEntryNotFoundError as error:  # its cause is what the network said
            problem = error.__cause__ or error
            break
        except EntryNotFoundError:
            continue
        except Exception as error:  # of the client, of its transport, of the disk
            problem = error
            break
    reason = one_line(problem).partition(". ")[0][:200]
    raise WeightsError(
        f"{what}: not in the cache {constants.HF_HUB_CACHE} (HF_HOME chooses another), and "
        f"{constants.ENDPOINT}/{repository} cannot be had ({reason}): where there is a network, "
        f"`hf download {repository} {files[0]}` fills that cache, whose folder "
        f"models--{repository.replace('/', '--')} can be copied; or give that file as init: "
        f"{files[0]}#imagenet, with allow_partial"
    )
