"""The study file, typed and checked: StudySpec is a grid, RunSpec one cell of it.

Every key of a study file is a field here, with its default and a line on what it does; a key that
nothing reads is an error. Nothing in this module imports torch or touches the data.
"""

from __future__ import annotations

import hashlib
import os
import re
import reprlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import SpecError, nearest
from .fields import FractionText, Number, PositiveInt, Seed, Share, StudyName, Text
from .fraction import TrainFraction
from .yaml import MOST_CHARACTERS, StrictYamlError, read_yaml

PRESETS = resources.files("sixteenth.spec") / "presets"


class _Strict(BaseModel):
    """Unknown keys are errors, and a spec never changes after it was checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class TrainSpec(_Strict):
    """One training recipe, the same for all runs of a study."""

    epochs: PositiveInt = 30
    """Passes over the run's own subset."""
    steps: PositiveInt | None = None
    """Optimiser steps instead of epochs: every run gets the same compute."""
    batch_size: Annotated[int, Field(ge=2, strict=True)] = 128
    """Images a step at most; an epoch is cut into equal batches. (Of 2, an odd one makes a 3.)"""
    optimizer: Literal["sgd", "adam", "adamw", "muon"] = "adamw"
    """adamw learns small and big models alike, also in few steps; see docs/recipe.md. muon turns
    the filters of convolutions by orthogonalised momentum, and leaves the rest to adamw."""
    learning_rate: Annotated[Number, Field(gt=0)] | None = None
    """Peak learning rate; by default 0.002 for adam and adamw, 0.02 for sgd, 0.1 for muon."""
    momentum: Share = 0.9
    """Nesterov momentum of sgd and muon; the first beta of adam and adamw."""
    weight_decay: Annotated[Number, Field(ge=0)] | None = None
    """On all weights with two axes or more, so not on norms and biases. By default 0.05 for adamw,
    0.0005 for sgd, 0 for adam; muon's filters keep their length, without decay."""
    schedule: Literal["one-cycle", "warmup-linear", "constant"] = "one-cycle"
    warmup: Share = 0.2
    """Part of all steps over which the learning rate rises."""
    label_smoothing: Share = 0.1
    crop: Annotated[int, Field(ge=0, strict=True)] | Literal["auto"] = "auto"
    """Random shift by up to so many pixels; auto: an eighth of the image, none for digits."""
    flip: bool | Literal["auto", "alternating"] = "auto"
    """Random left-right flip; auto: yes, but not for digits. alternating: each image the other way
    round every second epoch."""
    cutout: Annotated[int, Field(ge=0, strict=True)] = 0
    """Side in pixels of a square that is painted over in each training image."""
    test_augmentation: Literal["none", "mirror", "mirror-shift"] = "none"
    """Average the final test predictions over views of each image: mirrored, and shifted by a
    pixel. Training curves are drawn without."""
    validation: Share = 0.0
    """Part of the run's own training subset that is held out, to choose the epoch."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    layout: Literal["auto", "channels-last", "channels-first"] = "auto"
    lower_convolutions: bool = True
    """Compute the same convolutions with the work left out that only sees padding."""
    curve_images: PositiveInt | Literal["auto", "all"] = "auto"
    """Test images behind each point of a training curve; auto: as many as cost a tenth of the
    training. At the end all test images are always used."""

    @property
    def peak_learning_rate(self) -> float:
        """`learning_rate`, or the optimiser's default."""
        if self.learning_rate is not None:
            return self.learning_rate
        return {"sgd": 0.02, "adam": 2e-3, "adamw": 2e-3, "muon": 0.1}[self.optimizer]

    @property
    def decay_of_weights(self) -> float:
        """`weight_decay`, or the optimiser's default."""
        if self.weight_decay is not None:
            return self.weight_decay
        return {"sgd": 5e-4, "adam": 0.0, "adamw": 0.05, "muon": 0.05}[self.optimizer]

    def resolve_crop_and_flip(
        self, image_size: int, *, symbols: bool
    ) -> tuple[int, bool | Literal["alternating"]]:
        """`crop` in pixels and `flip`, with ``auto`` resolved.

        Args:
            image_size: of the training images, in pixels.
            symbols: they are digits or letters, which a flip or a shift may turn into others.
        """
        crop = self.crop
        if crop == "auto":
            crop = 0 if symbols else image_size // 8
        return crop, not symbols if self.flip == "auto" else self.flip


class RunSpec(_Strict):
    """One cell of a study: all that a run needs besides the dataset itself."""

    model: Text
    init: Text
    fraction: FractionText
    seed: Seed
    replicate: Annotated[int, Field(ge=0, strict=True)] = 0
    """Position of the seed in the study: which part a disjoint subset is."""
    data: Text
    image_size: PositiveInt
    subsets: Literal["nested", "disjoint"] = "nested"
    stem: Literal["default", "cifar"] = "default"
    image_column: Text | None = None
    label_column: Text | None = None
    test_fraction: Share = 0.2
    split_seed: Seed = 0
    allow_partial: bool = False
    train: TrainSpec = TrainSpec()

    @property
    def run_id(self) -> str:
        """The run's name and folder: ``resnet18-random-1of16-seed0``."""
        fraction = TrainFraction.parse(self.fraction).slug
        return f"{slug(self.model)}-{slug(self.init)}-{fraction}-seed{self.seed}"


class StudySpec(_Strict):
    """A study: models x inits x fractions x seeds, one dataset, one recipe, one test set."""

    name: StudyName = "study"
    """The default folder is studies/NAME; by default the file's own name."""
    data: Text
    """cifar10, cifar100, digits, or a path to images."""
    data_name: Text | None = None
    """What the report calls the data; by default what the data call themselves."""
    image_size: Annotated[int, Field(ge=4, le=1024, strict=True)] = 32
    """Height and width that every image is brought to, in pixels."""
    models: Annotated[list[Text], Field(min_length=1)] = ["resnet18", "resnet50"]
    """Smallest first: the discussion calls the first the small and the last the big model, unless
    their parameters say otherwise."""
    init: Annotated[list[Text], Field(min_length=1)] = ["random"]
    """random; imagenet (torchvision's IMAGENET1K_V1) or imagenet:ENTRY; a path to .safetensors or
    .pth weights, with #imagenet after it where they expect ImageNet's mean and deviation; or a name
    that a model factory of your own offers weights under."""
    fractions: Annotated[list[FractionText], Field(min_length=1)] = ["1/16", "1/2", "1"]
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0]
    """Each seed is a replicate: another subset, other initial weights, another order."""
    subsets: Literal["nested", "disjoint"] = "nested"
    """nested: what 1/16 holds, 1/2 holds. disjoint: the seeds get parts without a common image."""
    expect: Literal["bigger-is-better", "smaller-is-better", "none"] = "bigger-is-better"
    """What the discussion tests."""
    stem: Literal["default", "cifar"] = "default"
    """cifar: a ResNet's first 7x7 stride-2 convolution and max-pool become one 3x3 convolution."""
    image_column: Text | None = None
    label_column: Text | None = None
    test_fraction: Share = 0.2
    """Cut from data that have no test split of their own, stratified by class."""
    split_seed: Seed = 0
    skip_broken: bool = False
    """Leave out images that cannot be decoded, instead of refusing the data that hold them."""
    allow_partial: bool = False
    """Accept a weights file whose classifier is absent or made for other classes: it then starts
    from random values. All other tensors must always be there."""
    train: TrainSpec = TrainSpec()

    @model_validator(mode="after")
    def _no_cell_twice(self) -> StudySpec:
        for axis in ("models", "init", "fractions", "seeds"):
            values = getattr(self, axis)
            twice = [value for i, value in enumerate(values) if value in values[:i]]
            if twice:
                raise ValueError(f"{axis}: {twice[0]!r} stands there twice")
        return self

    def runs(self) -> list[RunSpec]:
        """All cells of the grid, small subsets first, so that the first answers come early."""
        shared = self.model_dump(include=set(RunSpec.model_fields) - {"model", "init", "fraction"})
        total = 10**9  # only an order is needed here, not a size
        by_size = sorted(
            self.fractions, key=lambda text: TrainFraction.parse(text).size(total, 1000)
        )
        return [
            RunSpec(model=model, init=init, fraction=part, seed=seed, replicate=i, **shared)
            for part in by_size
            for i, seed in enumerate(self.seeds)
            for init in self.init
            for model in self.models
        ]


def slug(text: str) -> str:
    """`text` as a part of a file name; what had to be replaced is told apart by a short hash."""
    if re.fullmatch(r"[A-Za-z0-9_.]+:[A-Za-z0-9_]+", text):
        return text.replace(":", ".")  # package.module:factory; no dot can follow the colon
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.")
    if plain == text:
        return plain
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{plain[-40:].strip('-.')}-{digest}"


def preset_names() -> list[str]:
    """Names of the study files in the package."""
    return sorted(entry.name[:-5] for entry in PRESETS.iterdir() if entry.name.endswith(".yaml"))


def preset_text(name: str) -> str:
    """The commented study file of a preset.

    Raises:
        SpecError: no preset has that name.
    """
    if name not in preset_names():
        known = f"; a study is one of {', '.join(preset_names())}, or a file, such as mine.yaml"
        raise SpecError(f"no preset is called {name!r}{nearest(name, preset_names()) or known}")
    return (PRESETS / f"{name}.yaml").read_text(encoding="utf-8")


def load_spec(study: str | Path, settings: Sequence[str] = ()) -> StudySpec:
    """Read a preset by its name, or a study file, and apply ``KEY=VALUE`` settings to it.

    A preset's name means the preset wherever it is typed: a file of that name that happens to lie
    in the current folder could name code to import. The file is read as ``./NAME``.

    Raises:
        SpecError: no such preset or file, not YAML, or a key or value that is not right.
    """
    path = Path(study)
    is_preset = isinstance(study, str) and study in preset_names()
    if not is_preset and (path.suffix in (".yaml", ".yml") or os.path.isfile(path)):
        try:
            with path.open(encoding="utf-8") as file:
                text = file.read(MOST_CHARACTERS + 1)  # a longer one is refused unread
        except FileNotFoundError:
            raise SpecError(f"no study file {study}") from None
        except (OSError, ValueError) as error:
            raise SpecError(f"cannot read the study file {study}: {error}") from None
        name = path.parent.resolve().name if path.name == "study.yaml" else path.stem
    else:
        text, name = preset_text(str(study)), str(study)
    try:
        content = read_yaml(text)
    except StrictYamlError as error:
        raise SpecError(f"{study} cannot be read as a study: {error}") from None
    if not isinstance(content, dict):
        raise SpecError(f"{study} holds no study: expected keys such as data: and models:")
    content.setdefault("name", name)
    for setting in settings:
        _apply(content, setting)
    return parse_spec(content, where=str(study))


def parse_spec(content: Mapping[str, Any], where: str = "the study") -> StudySpec:
    """Check a study given as a mapping.

    Raises:
        SpecError: one line that names the key, what was wrong with it and what would be right.
    """
    try:
        return StudySpec.model_validate(dict(content))
    except ValidationError as error:
        raise SpecError(f"{where}: {_explain(error)}") from None


def dump_spec(spec: BaseModel) -> str:
    """A spec as YAML, every key written out, in the order of its fields."""
    return yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def spec_differences(old: BaseModel, new: BaseModel) -> list[str]:
    """Lines ``key: OLD there, NEW asked for``, one for each leaf that differs."""
    before, after = _leaves(old.model_dump(mode="json")), _leaves(new.model_dump(mode="json"))
    return [
        f"{key}: {before.get(key)!r} there, {after.get(key)!r} asked for"
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def _apply(content: dict[str, Any], setting: str) -> None:
    """Put one ``dotted.key=VALUE`` into a study's mapping, the value read as YAML."""
    key, equals, text = setting.partition("=")
    shown = setting if setting.isprintable() else repr(setting)
    if not equals or not key.strip():
        raise SpecError(f"--set {shown}: expected KEY=VALUE, such as train.epochs=2")
    try:
        value = read_yaml(text)
    except StrictYamlError as error:
        raise SpecError(f"--set {shown}: the value cannot be read: {error}") from None
    *path, last = key.strip().split(".")
    target = content
    for part in path:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise SpecError(f"--set {shown}: {part} holds no keys")
    target[last] = value


_WORDS = {
    "a valid boolean, unable to interpret input": "true or false",
    ", unable to parse string as a number": "",
    "a valid dictionary or instance of TrainSpec": "a mapping such as {epochs: 10}",
}
"""What pydantic says, in words of a study file."""


def _explain(error: ValidationError) -> str:
    """The first of pydantic's complaints, as a person would say it."""
    first, *others = error.errors()
    place = _place(first["loc"])
    key = ".".join(map(str, place))
    if first["type"] == "extra_forbidden":
        fields = TrainSpec.model_fields if place[0] == "train" else StudySpec.model_fields
        if place[-1] in TrainSpec.model_fields:
            return f"unknown key {key!r}; did you mean train.{place[-1]}?"
        known = "; known: " + ", ".join(fields)
        return f"unknown key {reprlib.repr(key)}{nearest(str(place[-1]), fields) or known}"
    if first["type"] == "missing":
        return f"key {key!r} is missing"
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] in ("value_error", "assertion_error") and reason.startswith(key):
        return reason
    # A key that takes one thing or another has a complaint for each.
    reasons = [reason, *(one["msg"] for one in others if _place(one["loc"]) == place)]
    said = ", or ".join(dict.fromkeys(text[0].lower() + text[1:] for text in reasons))
    for theirs, ours in _WORDS.items():
        said = said.replace(theirs, ours)
    said = said.replace("input should", "it should", 1).replace("input should ", "")
    shown = "" if first["type"] == "value_error" else f", not {reprlib.repr(first.get('input'))}"
    return f"{key}: {said}{shown}" if key else said


def _place(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Where a complaint belongs, without pydantic's names of what was tried there (``bool``)."""
    depth = 2 if loc[:1] == ("train",) else 1
    return (*loc[:depth], *(part for part in loc[depth:] if isinstance(part, int)))


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _leaves(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
