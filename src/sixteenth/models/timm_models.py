"""Networks of timm (PyTorch Image Models), from the extra ``timm``.

A name is ``timm/MODEL`` or ``timm/MODEL.TAG``. The tag says which of its weights ``init: imagenet``
means (`timm_weights`), by default timm's own choice. timm, which takes seconds to import, is
imported when a model of it is named.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ..errors import ModelError
from ..extras import import_extra
from ..messages import nearest, one_line
from ..spec.fields import TIMM
from .measure import try_call

_STEPS = (2, 4, 7, 8, 14, 16, 28, 32, 56, 64, 112, 128, 224, 256)
"""Image sizes are looked for among the multiples of these: of patches, strides and windows."""


def import_timm() -> Any:
    """The package.

    Raises:
        ModelError: it is not installed.
    """
    for module in ("timm.data", "timm"):
        package = import_extra(module, extra="timm", needed_by="a model of timm", error=ModelError)
    return package


def check_timm(name: str) -> None:
    """Raise an error if timm has no such model, or no such tag of it. Builds nothing.

    Raises:
        ModelError: what is near, or the model's tags.
    """
    timm = import_timm()
    plain = name.removeprefix(TIMM)
    arch, _, tag = plain.partition(".")
    models = timm.list_models()
    if arch in models:
        tags = tags_of(arch)
        if tag and tag not in tags:
            has = f"its tags are {', '.join(tags)}{nearest(tag, tags)}" if tags else "it has none"
            raise ModelError(f"timm's {arch} has no tag {tag!r}: {has}")
        return
    renamed = timm.models.get_deprecated_models().get(plain)
    if renamed:
        raise ModelError(f"{name} is called {TIMM}{renamed} today")
    # timm's names are lower case, and a name may lack its tag or have another one.
    near = nearest(plain.lower(), [*models, *timm.list_pretrained()])
    near = near or nearest(arch.lower(), models)
    near = near.replace("did you mean ", f"did you mean {TIMM}").replace(" or ", f" or {TIMM}")
    raise ModelError(
        f"timm {timm.__version__} has no model {plain!r}"
        f"{near or '; timm.list_models() lists its models'}"
    )


def tags_of(arch: str) -> list[str]:
    """The tags of a model of timm; none of a model without any."""
    names = import_timm().list_models(f"{arch}.*", include_tags=True)
    return [name.removeprefix(f"{arch}.") for name in names if "." in name]


def build_timm(name: str, num_classes: int, image_size: int) -> nn.Module:
    """A network of timm with random weights.

    The size of the images is given to a network that is made for one (ViT, Swin); others take any.

    Raises:
        ModelError: it cannot be made for that size; the nearest larger one that can is named.
    """
    check_timm(name)
    timm = import_timm()
    plain = name.removeprefix(TIMM)
    config = timm.get_pretrained_cfg(plain)
    fixed = config is not None and config.fixed_input_size
    try:
        return _created(plain, num_classes, image_size if fixed else None)
    except Exception as error:
        raise timm_error(name, num_classes, image_size, error) from error


def timm_error(name: str, num_classes: int, image_size: int, error: Exception) -> ModelError:
    """Why a network does not work on images of a size, and the nearest larger one on which it does.

    Args:
        error: from timm, when it was built or called.
    """
    problem = one_line(error)[:200] or type(error).__name__
    plain = name.removeprefix(TIMM)
    config = import_timm().get_pretrained_cfg(plain)
    size = _size_that_works(plain, num_classes, image_size)
    if config is None or size is None:
        return ModelError(f"{name} cannot be built for image_size {image_size}: {problem}")
    return ModelError(
        f"{name} cannot work on image_size {image_size} ({problem}): the next image_size that it "
        f"can is {size}, and {config.input_size[-1]} is the one that it was made for"
    )


def is_for_one_size(model: nn.Module) -> bool:
    """Whether it is a network of timm that works on images of one size alone."""
    return getattr(model, "timm_arguments", (None, None))[1] is not None


def timm_classifier(model: nn.Module) -> list[str]:
    """The names of the layers that are made anew for other classes; none of other networks."""
    config = getattr(model, "pretrained_cfg", None) or {}
    layers = config.get("classifier") or ()
    return [layers] if isinstance(layers, str) else list(layers)


def timm_state(model: nn.Module, config: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The tensors of weights as timm loads them into a network like `model`.

    timm renames tensors of older files, and fits position embeddings to the size of the images.

    Args:
        model: built by `build_timm`.
        config: of timm's `PretrainedCfg`; ``state_dict``, the tensors, and ``num_classes``.

    Raises:
        Exception: whatever timm raises where the tensors do not fit.
    """
    plain, image_size = model.timm_arguments  # type: ignore[misc]
    source = _created(
        plain,
        config["num_classes"],
        image_size,
        pretrained=True,
        pretrained_cfg_overlay={"custom_load": False, "source": "", **config},
    )
    return source.state_dict()


def _created(plain: str, num_classes: int, image_size: int | None, **more: Any) -> nn.Module:
    timm = import_timm()
    sized = {} if image_size is None else {"img_size": image_size}
    with _quiet():
        model: nn.Module = timm.create_model(
            plain, num_classes=num_classes, in_chans=3, **sized, **more
        )
    for module in model.modules():
        if image_size is not None and isinstance(module, timm.layers.PatchEmbed):
            patch = max(module.patch_size)
            if image_size % patch and not getattr(module, "dynamic_img_pad", False):
                # timm would leave out the rows and columns that fill no patch, without a word.
                raise ValueError(f"it cuts images into patches of {patch} pixels")
    model.timm_arguments = (plain, image_size)  # type: ignore[assignment]
    return model


def _size_that_works(plain: str, num_classes: int, image_size: int) -> int | None:
    """The smallest size above `image_size`, of the next multiples of `_STEPS`, that works."""
    for size in sorted({-(-image_size // step) * step for step in _STEPS} - {image_size}):
        try:
            with torch.device("meta"):
                model = _created(plain, num_classes, size)
            try_call(model, size, train=True, meta_only=True)
        except Exception:  # whatever timm raises for that size
            continue
        return size
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without timm's remarks on what is asked for here on purpose."""
    logger = logging.getLogger("timm")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
