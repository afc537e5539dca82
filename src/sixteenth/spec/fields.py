"""Types of the fields in `specs` and `train_spec`.

They are stricter than Python's types: numbers are finite, booleans are not numbers, names are not
paths.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ..errors import SpecError
from .fraction import TrainFraction

OWN_MODELS = ("seed-cnn", "speedrun", "speedrun-large")
"""Models of this package; they have no ImageNet weights."""

TIMM = "timm/"
"""Before the names of timm's models."""


def is_timm(name: str) -> bool:
    """Whether a model is one of timm's: ``timm/resnet50.a1_in1k``."""
    return name.startswith(TIMM)


RESNETS = ("resnet", "resnext", "wide_resnet")
"""With what the names of torchvision's ResNets begin."""


def is_resnet(name: str) -> bool:
    """Whether a model is one of torchvision's ResNets."""
    return name.startswith(RESNETS) and ":" not in name


BASIC_BLOCKS = ("resnet18", "resnet34")
"""Torchvision's ResNets whose residual blocks have two convolutions; those of the others, the
bottlenecks, have three."""


NAMED_DATA = ("cifar10", "cifar100", "digits")
"""Data sets that are known by their names; other data are a path, or hf://OWNER/NAME."""


def _fraction(value: Any) -> str:
    try:
        return str(TrainFraction.parse(value))
    except SpecError as error:
        raise ValueError(str(error)) from None  # pydantic adds the key


FractionText = Annotated[str, BeforeValidator(_fraction)]
"""A fraction as canonical text, so that 0.0625 and "1/16" are equal."""


def _length(value: Any) -> str:
    try:
        share = TrainFraction.parse(value).share
    except SpecError:
        share = None
    if share is None:
        raise ValueError(f'lengths: {value!r} is no share in (0, 1], such as "1/4" or 0.25')
    return str(share)


def _lengths(values: Any) -> Any:
    """Lengths as canonical text, the shortest first; the longest is 1, the whole run."""
    if not isinstance(values, list | tuple):
        return values
    texts = [_length(value) for value in values]
    if len(set(texts)) < len(texts):
        raise ValueError("lengths: one stands there twice")
    if "1" not in texts:
        raise ValueError("lengths: 1, the whole run, is missing")
    return sorted(texts, key=Fraction)


Lengths = Annotated[list[str], BeforeValidator(_lengths)]
"""Shares of a run's steps after which its accuracy is known, such as ``["1/4", "1/2", "1"]``."""

Finetune = Literal["all", "head", "last-stage"]
"""Which weights are trained: all, those of the classifier alone, or those of the last stage too."""

Views = Literal["none", "mirror", "mirror-shift"]
"""Over which views of each test image predictions are averaged: test-time augmentation."""

FROZEN, LAST_STAGE = ", frozen", ", last stage"
"""Behind the initial weights of a cell, in tables: only the classifier was trained on them; only
the last stage of the network and the classifier were."""

BEHIND: dict[Finetune, str] = {"all": "", "head": FROZEN, "last-stage": LAST_STAGE}
"""What stands behind the initial weights of a cell, in tables."""


def is_frozen(init: str) -> bool:
    """Whether the `init` of a table's row says that only the classifier was trained."""
    return init.endswith(FROZEN)


def is_last_stage(init: str) -> bool:
    """Whether the `init` of a table's row says that only the last stage was trained."""
    return init.endswith(LAST_STAGE)


def weights_of(init: str) -> str:
    """The initial weights alone, of the `init` of a table's row."""
    return init.removesuffix(FROZEN).removesuffix(LAST_STAGE)


def is_part_trained(init: str) -> bool:
    """Whether the `init` of a table's row says that some weights of the network were frozen."""
    return init != weights_of(init)


def trained_part(init: str) -> Finetune:
    """Which weights were trained, of the `init` of a table's row."""
    return "head" if is_frozen(init) else "last-stage" if is_last_stage(init) else "all"


def other_weights(init: str, than: str) -> bool:
    """Whether of two rows' `init` the first starts from other pretrained weights than the second,
    or trains more of the same."""
    return init != "random" and (weights_of(init) != weights_of(than) or trains_more(init, than))


def trains_more(init: str, than: str) -> bool:
    """Whether of two rows' `init` the first trains more of the same weights than the second."""
    weights = weights_of(than)
    rows = [weights + FROZEN, weights + LAST_STAGE, weights]
    return init in rows[rows.index(than) + 1 :]


BY_VALIDATION = "validation"
"""What chose the epoch of a run's result, as its record and the tables have it, where it was not
the last: the validation part of its images."""
LEVELLED_OFF, AT_MAX_EPOCHS, STOPPED = "levelled-off", "max-epochs", "stopped"
"""How a run of `epochs: auto` came to its length, as its record and the tables have it: the last
doubling of its epochs bought too little; or it bought enough, and `max_epochs` allowed no other; or
the run was stopped, or is being trained, and this is the longest length measured so far."""
AUTO_ENDS = frozenset({LEVELLED_OFF, AT_MAX_EPOCHS, STOPPED})
"""All of these."""

Interpolation = Literal["bilinear", "bicubic"]
"""By which images are resized, antialiased."""

PositiveInt = Annotated[int, Field(gt=0, lt=2**31, strict=True)]
Seed = Annotated[int, Field(ge=0, lt=2**63, strict=True)]


def _printable(text: str) -> str:
    """`text`, if it has no control characters and is valid Unicode."""
    if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", text):
        raise ValueError("it should hold no control characters and be valid Unicode")
    return text


Text = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_printable)]


ONE_OR_SEVERAL = BeforeValidator(lambda given: [given] if isinstance(given, str) else given)
"""Of a list that may be written as its only text."""

Texts = Annotated[list[Text], ONE_OR_SEVERAL]


def _no_bool(value: Any) -> Any:
    """`value`, if it is no boolean: bool is a subclass of int in Python."""
    if isinstance(value, bool):
        raise ValueError("input should be a number, not a truth value")
    return value


Number = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)]
"""A finite number, or text of one: YAML 1.1 reads 1e-3 as text, and only 1.0e-3 as a number."""

Share = Annotated[Number, Field(ge=0, lt=1)]


def _name(name: str) -> str:
    """`name`, if it can be the name of a folder, and not the path of another one."""
    if not name.strip() or len(name.encode("utf-8", "surrogatepass")) > 200:
        raise ValueError("name: a study's name has between 1 and 200 bytes")
    if name in (".", "..") or re.search(r"[/\\\x00-\x1f\x7f\ud800-\udfff]", name):
        raise ValueError(
            f"name: {name!r} cannot be the name of a folder in studies/: leave out slashes; "
            "another place is chosen with --out"
        )
    return name


StudyName = Annotated[str, AfterValidator(_name)]
