"""Build a model by its name.

A name is one of

- a torchvision classification model, such as ``resnet18``;
- a model of timm, such as ``timm/resnet50.a1_in1k`` (see `timm_models`);
- a network of this package: ``seed-cnn``, the baseline (see `seed_cnn`), ``speedrun`` and
  ``speedrun-large`` (see `speedrun`);
- ``package.module:factory``, a model of the user. The module is imported from the current
  directory, as ``python -m`` does, or from the installed packages. ``factory(num_classes=...)``
  must return a `torch.nn.Module` that maps images (N, 3, H, W) to logits (N, num_classes). If the
  factory has a parameter ``image_size``, it is passed too. Initial values should come from torch's
  global generator, which is seeded before the call. A factory may offer pretrained weights (see
  `weight_files`).

To import a factory's module is to run its code. A caller that takes names from files of other
people must ask the user first.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn

from ..errors import ModelError, SixteenthError
from ..messages import nearest, one_line
from ..spec.fields import OWN_MODELS, is_resnet, is_timm
from .measure import train_call, try_call
from .seed_cnn import seed_cnn
from .speedrun import SHAPES as SPEEDRUNS
from .speedrun import speedrun
from .timm_models import build_timm, check_timm, is_for_one_size, timm_error

SEED_CNN = "seed-cnn"
OWN_FACTORIES = ("sixteenth.models.lite:lite0", "sixteenth.models.lite:lite2")
"""Factories of this package; those of others are code that a user must trust."""
STEMS = ("default", "cifar")

_PATCH = {"vit_b_16": 16, "vit_b_32": 32, "vit_l_16": 16, "vit_l_32": 32, "vit_h_14": 14}


def model_names() -> list[str]:
    """Names of this package's models and of torchvision's; timm lists its own."""
    return [*OWN_MODELS, *torchvision.models.list_models(module=torchvision.models)]


def is_factory(name: str) -> bool:
    """Whether `name` is ``package.module:factory``, so user code."""
    return ":" in name and not is_timm(name)


def is_foreign(name: str) -> bool:
    """Whether `name` is a factory that does not come with this package: code of somebody else."""
    return is_factory(name) and name not in OWN_FACTORIES


def check_model(name: str, stem: str = "default") -> None:
    """Raise an error if there is no such model. Builds nothing; imports timm or a user's factory.

    Raises:
        ModelError: no such model, module or factory, or the model has no such stem.
    """
    if stem not in STEMS:
        raise ModelError(f"stem must be one of {', '.join(STEMS)}, not {stem!r}")
    if is_factory(name):
        find_factory(name)
        return
    if is_timm(name):
        check_timm(name)
    elif name not in model_names():
        close = nearest(name, model_names())
        raise ModelError(
            f"no model is called {name!r}{close or ';'} allowed are torchvision's classification "
            f"models (resnet18, resnet50, ...), {', '.join(OWN_MODELS)}, timm's as timm/NAME, and "
            "your own as package.module:factory"
        )
    if stem == "cifar" and not is_resnet(name):
        raise _no_stem(name)


def build_model(
    name: str,
    num_classes: int,
    *,
    image_size: int,
    stem: str = "default",
    zero_init_residual: bool = False,
    seed: int = 0,
) -> nn.Module:
    """A model with random weights, tested with images of the given size.

    The same seed gives the same weights with the same versions of torch and torchvision. The global
    random state does not change.

    Args:
        stem: ``cifar`` replaces a ResNet's first 7x7 stride-2 convolution by a 3x3 stride-1 one and
            removes the max-pool, as is usual for small images.
        zero_init_residual: the last normalisation of each residual block of torchvision's ResNets
            starts from zero (Goyal et al. 2017, arXiv 1706.02677, section 5.1); others stay as they
            are.

    Raises:
        ModelError: no such model or stem, the factory fails or returns something else, or the image
            size is not supported; the smallest supported one is named.
    """
    check_model(name, stem)
    # Only the CPU generator: weights are drawn on the CPU on all machines, and CUDA need not start.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        if is_factory(name):
            model = _call_factory(name, num_classes, image_size)
        elif name == SEED_CNN:
            try:
                model = seed_cnn(num_classes, image_size)
            except (MemoryError, RuntimeError) as error:
                raise ModelError(
                    f"{SEED_CNN} is too large for memory at image_size {image_size}: its first "
                    "linear layer grows with the image"
                ) from error
        elif name in SPEEDRUNS:
            model = speedrun(name, num_classes, image_size)
        elif is_timm(name):
            model = build_timm(name, num_classes, image_size)
        else:
            model = _torchvision_model(name, num_classes, image_size, zero_init_residual)
        if stem == "cifar":
            _put_cifar_stem(model, name)
    _check_output(model, name, num_classes, image_size)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ModelError(f"{name} has no trainable parameters, so there is nothing to train")
    return model


def find_factory(name: str) -> Callable[..., Any]:
    """The factory of ``package.module:factory``; imports the module.

    Raises:
        ModelError: the module or the attribute is missing, the import fails, or the factory does
            not accept num_classes.
    """
    module_name, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), attribute)):
        raise ModelError(f"model {name!r}: expected package.module:factory")
    try:
        with _current_directory_first():
            module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name + ".").startswith(error.name + "."):
            raise ModelError(
                f"model {name}: no module {error.name} in the current directory or among the "
                "installed packages"
            ) from None
        raise ModelError(f"model {name}: importing {module_name} failed: {error}") from error
    except SixteenthError as error:
        raise ModelError(f"model {name}: {error}") from error
    except Exception as error:
        raise ModelError(
            f"model {name}: importing {module_name} failed: {type(error).__name__}: "
            f"{one_line(error)}"
        ) from error
    factory: Callable[..., Any] | None = getattr(module, attribute, None)
    if factory is None:
        own = [key for key, value in vars(module).items() if callable(value) and key[0] != "_"]
        raise ModelError(f"model {name}: {module_name} has no {attribute}{nearest(attribute, own)}")
    if not callable(factory):
        raise ModelError(
            f"model {name}: {attribute} is not a function but {type(factory).__name__}"
        )
    try:
        inspect.signature(factory).bind(**_arguments(factory, 2, 32))
    except TypeError as error:
        raise ModelError(
            f"model {name}: it is called as {attribute}(num_classes=...), which it does not "
            f"accept: {error}"
        ) from None
    except ValueError:  # a callable of an extension module may have no signature
        pass
    return factory


def _arguments(factory: Callable[..., Any], num_classes: int, image_size: int) -> dict[str, int]:
    arguments = {"num_classes": num_classes}
    try:
        if "image_size" in inspect.signature(factory).parameters:
            arguments["image_size"] = image_size
    except ValueError:
        pass
    return arguments


@contextmanager
def _current_directory_first() -> Iterator[None]:
    """Put the current directory first on the import path within the context."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if here in sys.path:
            sys.path.remove(here)


def _call_factory(name: str, num_classes: int, image_size: int) -> nn.Module:
    factory = find_factory(name)
    try:
        with _current_directory_first():
            model = factory(**_arguments(factory, num_classes, image_size))
    except Exception as error:
        raise ModelError(
            f"model {name}: the factory failed: {type(error).__name__}: {one_line(error)}"
        ) from error
    if not isinstance(model, nn.Module):
        raise ModelError(
            f"model {name}: the factory must return a torch.nn.Module, not {type(model).__name__}"
        )
    return model


def _torchvision_model(
    name: str, num_classes: int, image_size: int, zero_init_residual: bool
) -> nn.Module:
    options: dict[str, Any] = {"num_classes": num_classes}
    if zero_init_residual and is_resnet(name):
        options["zero_init_residual"] = True
    if name in _PATCH:
        if image_size % _PATCH[name]:
            raise ModelError(
                f"{name} cuts images into patches of {_PATCH[name]} pixels: image_size must be a "
                f"multiple of {_PATCH[name]}, not {image_size}"
            )
        options["image_size"] = image_size
    elif name == "maxvit_t":
        options["input_size"] = (image_size, image_size)
    elif name in ("googlenet", "inception_v3"):
        # With their auxiliary classifiers, the output in training would be a tuple.
        options |= {"aux_logits": False, "init_weights": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    except Exception as error:
        raise ModelError(f"{name} at image_size {image_size}: {one_line(error)}") from error
    return model


def _put_cifar_stem(model: nn.Module, name: str) -> None:
    if not isinstance(model, torchvision.models.ResNet):
        raise _no_stem(name)
    channels = model.conv1.out_channels
    model.conv1 = nn.Conv2d(3, channels, kernel_size=3, stride=1, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()


def _no_stem(name: str) -> ModelError:
    return ModelError(f"stem: cifar is for ResNets; {name} has no such stem, use stem: default")


def _check_output(model: nn.Module, name: str, num_classes: int, image_size: int) -> None:
    try:
        shape, _ = train_call(model, image_size)
    except Exception as error:
        if is_for_one_size(model):
            raise timm_error(name, num_classes, image_size, error) from error
        smallest = _smallest_size(model, image_size)
        way_out = (
            f"the smallest image_size that it can is {smallest}"
            if smallest
            else f"{type(error).__name__}: {one_line(error)}"
        )
        raise ModelError(f"{name} cannot work on image_size {image_size}: {way_out}") from error
    if shape != (2, num_classes):
        what = "something else than a tensor" if shape is None else f"shape {tuple(shape)}"
        raise ModelError(
            f"{name} must turn 2 images into logits of shape (2, {num_classes}); it gave {what}"
        )


def _smallest_size(model: nn.Module, too_small: int) -> int | None:
    """Smallest size above `too_small` that works, by bisection; None if none up to 512 does."""

    def works(size: int) -> bool:
        try:
            return try_call(model, size, train=True, meta_only=True) is not None
        except Exception:
            return False

    low, high = too_small, max(64, too_small + 1)
    while not works(high):
        low, high = high, high * 2
        if high > 512:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high
