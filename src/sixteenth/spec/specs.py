"""A study and its runs, typed and validated: StudySpec is a grid, RunSpec one cell of it.

Every key of a study file is a field here, with its default. Unknown keys are errors. This module
does not import torch or read data.
"""

from __future__ import annotations

import hashlib
import re
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator

from .fields import (
    BASIC_BLOCKS,
    BEHIND,
    LAST_STAGE,
    NAMED_DATA,
    ONE_OR_SEVERAL,
    TIMM,
    Finetune,
    FractionText,
    Interpolation,
    Lengths,
    PositiveInt,
    Seed,
    Share,
    StudyName,
    Text,
    Texts,
    Views,
    is_resnet,
    is_timm,
)
from .fraction import TrainFraction
from .train_spec import FIRST_EPOCHS, MOST_EPOCHS, MOST_FACTOR, STRICT, TrainSpec

MIN_EPOCHS, MIN_STEPS = 4, 100
"""Of runs for which `lengths: auto` measures shorter lengths: a quarter of less teaches little."""
LARGEST_IMAGE_SIZE = 1024
"""Height and width, in pixels, that images may be resized to."""


class RunSpec(BaseModel):
    """One cell of a study: the complete input of a run, except for the dataset itself."""

    model_config = STRICT

    model: Text
    init: Text
    fraction: FractionText
    seed: Seed
    replicate: Annotated[int, Field(ge=0, strict=True)] = 0
    """Position of the seed in the study; selects the block of a disjoint subset."""
    data: Text
    image_size: PositiveInt
    subsets: Literal["nested", "disjoint"] = "nested"
    stem: Literal["default", "cifar"] = "default"
    zero_init_residual: bool = False
    """As the study's, of a ResNet from random weights; of others False."""
    finetune: Finetune = "all"
    image_column: Text | None = None
    label_column: Text | None = None
    train_folder: Texts = []
    test_folder: Texts = []
    exclude: Texts = []
    test_fraction: Share = 0.2
    split_seed: Seed = 0
    allow_partial: bool = False
    lengths: Lengths = ["1"]
    """The shortest first; shares of the steps of `train`. With `epochs: auto` the whole run alone:
    its shorter lengths are known when it ends."""
    train: TrainSpec = Field(default=TrainSpec(), validate_default=True)

    @field_validator("train")
    @classmethod
    def _with_schedule(cls, train: TrainSpec, info: ValidationInfo) -> TrainSpec:
        if train.schedule != "auto":
            return train
        shorter = info.data.get("lengths", ["1"]) != ["1"]
        branches = shorter or train.epochs == "auto"
        schedule = "warmup-stable-decay" if branches else "one-cycle"
        return train.model_copy(update={"schedule": schedule})

    @property
    def steps_factor(self) -> float:
        """All steps of the run, with its cool-downs, relative to those of the longest length."""
        return 1 + self.train.cooldown * float(sum(map(Fraction, self.lengths[:-1])))

    @property
    def most_lengths(self) -> int:
        """How many lengths the run can have.

        With `epochs: auto` the shortest and its doublings. The most are of a run whose shortest
        length has `FIRST_EPOCHS` epochs, see `engine.lengths.plan_doublings`.
        """
        if self.train.epochs != "auto":
            return len(self.lengths)
        most = self.train.max_epochs
        # How many times the shortest length the longest can be: whichever is more with `auto`.
        auto = max(MOST_EPOCHS // FIRST_EPOCHS, MOST_FACTOR)
        times = auto if most == "auto" else most // FIRST_EPOCHS
        return max(2, times.bit_length())  # as many as there are powers of two from 1 to `times`

    @property
    def views(self) -> Views:
        """Over which views its test predictions are averaged.

        A head is fitted to features of each image as it is, computed once for all heads, and is
        tested on such features alone.
        """
        return "none" if self.finetune == "head" else self.train.test_augmentation

    @property
    def run_id(self) -> str:
        """The name of the run and its folder, such as ``resnet18-random-1of16-seed0``."""
        fraction = TrainFraction.parse(self.fraction).slug
        part = "" if self.finetune == "all" else f"+{self.finetune}"  # no slug has a plus
        return f"{_model_slug(self.model)}-{slug(self.init)}{part}-{fraction}-seed{self.seed}"

    @property
    def strategy(self) -> str:
        """The `init` of tables, such as ``imagenet``; of a head alone ``imagenet, frozen``, of the
        last stage ``imagenet, last stage``."""
        return self.init + BEHIND[self.finetune]

    @property
    def cell(self) -> tuple[str, str, str]:
        """What runs of several seeds share: model, `strategy`, fraction."""
        return self.model, self.strategy, self.fraction

    @property
    def network(self) -> str:
        """What is trained, by which speeds are known: the model, or its last stage."""
        return self.model + (LAST_STAGE if self.finetune == "last-stage" else "")


class StudySpec(BaseModel):
    """A study: models x inits x fractions x seeds, one dataset, one recipe, one test set."""

    model_config = STRICT

    name: StudyName = "study"
    """Name of the default folder, studies/NAME; by default the name of the file."""
    data: Text
    """cifar10, cifar100, digits, hf://OWNER/NAME, or a path to images."""
    data_name: Text | None = None
    """Name of the data in the report; by default the name of the dataset or folder."""
    image_size: Annotated[int, Field(ge=4, le=LARGEST_IMAGE_SIZE, strict=True)] = 32
    """Height and width to resize every image to, in pixels."""
    interpolation: Interpolation | Literal["auto"] = "auto"
    """By which images are resized. auto: as for the pretrained weights of the study, where these
    agree, else bilinear."""
    models: Annotated[list[Text], Field(min_length=1)] = ["resnet18", "resnet50"]
    """Smallest first. The discussion calls the first the small and the last the big model, unless
    their numbers of parameters show another order."""
    init: Annotated[list[Text], Field(min_length=1)] = ["random"]
    """random; imagenet (torchvision's IMAGENET1K_V1, or those of a timm model's tag) or
    imagenet:ENTRY; a path to .safetensors or .pth weights, with #imagenet at the end if they expect
    ImageNet's mean and standard deviation; or a name in the attribute `weights` of your own model
    factory."""
    finetune: Annotated[list[Finetune], ONE_OR_SEVERAL, Field(min_length=1)] = ["all"]
    """What is trained from weights that are not random: all of them; the head (the classifier)
    alone, on the features of the frozen network; or the last stage of the network with the head.
    From random weights all are trained."""
    fractions: Annotated[list[FractionText], Field(min_length=1)] = ["1/16", "1/2", "1"]
    """Where `data` is a path or a data set of the hub, 1/4 is among the defaults too."""
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0]
    """Each seed is a replicate with its own subset, initial weights and order of images."""
    subsets: Literal["nested", "disjoint"] = "nested"
    """nested: the images of 1/16 are among those of 1/2. disjoint: no two seeds share an image."""
    expect: Literal["bigger-is-better", "smaller-is-better", "none"] = "bigger-is-better"
    """The hypothesis that the discussion tests."""
    metric: Literal["accuracy", "balanced-accuracy"] = "accuracy"
    """What the study decides by. balanced-accuracy: the mean of the recalls of all classes, so that
    each class counts as much as any other, however few images it has."""
    language: Text | None = None
    """Of the report: en, zh-Hant. By default the locale's if it is one of these, else en."""
    stem: Literal["default", "cifar"] = "default"
    """cifar: a ResNet's first 7x7 stride-2 convolution and max-pool become one 3x3 convolution."""
    zero_init_residual: bool | Literal["auto"] = "auto"
    """With random weights, the last normalisation of each residual block of a ResNet starts from
    zero, so that the block begins as the identity (Goyal et al. 2017, section 5.1). auto: of
    ResNet-50 and all with blocks of three convolutions, as measured."""
    image_column: Text | None = None
    label_column: Text | None = None
    train_folder: Texts = []
    """Folders in `data` whose subfolders are the classes of the training images; by default those
    with such a name. ``.`` is `data` itself."""
    test_folder: Texts = []
    """Folders in `data` whose subfolders are the classes of the test images; by default those with
    such a name."""
    exclude: Texts = []
    """Patterns such as ``masks`` or ``*_mask.png``, with ``*``, ``?`` and ``[]``: of the files and
    folders in `data` that are left out, by their names or their paths in it."""
    test_fraction: Share = 0.2
    """Part to use as the test split of data without one, stratified by class."""
    split_seed: Seed = 0
    skip_broken: bool = False
    """Leave out images that cannot be decoded, instead of raising an error."""
    allow_partial: bool = False
    """Accept a weights file whose classifier is absent or made for other classes; it then starts
    from random values. All other tensors are required."""
    lengths: Lengths | Literal["auto"] = "auto"
    """Shares of a run's steps after which its accuracy is known: a short cool-down branches off at
    each. auto: a quarter, a half and all, where that is possible and the run is not very short."""
    train: TrainSpec = TrainSpec()

    @model_validator(mode="before")
    @classmethod
    def _default_fractions(cls, content: Any) -> Any:
        if isinstance(content, dict) and "fractions" not in content:
            own = content.get("data") not in NAMED_DATA
            content = {**content, "fractions": ["1/16", *(["1/4"] if own else []), "1/2", "1"]}
        return content

    @model_validator(mode="after")
    def _check_lengths(self) -> StudySpec:
        if self.lengths in ("auto", ["1"]):
            return self
        if self.train.epochs == "auto":
            raise ValueError(
                "lengths: with train.epochs: auto they are the doublings of the shortest run: set "
                "lengths: auto, or train.epochs to a number"
            )
        if self.train.schedule not in ("auto", "warmup-stable-decay"):
            raise ValueError(
                f"lengths: a length below 1 needs a constant learning rate to branch off from, not "
                f"train.schedule: {self.train.schedule}; use warmup-stable-decay, or lengths: [1]"
            )
        if self.train.validation:
            raise ValueError(
                "lengths: of a length below 1 the last epoch counts, and train.validation chooses "
                "another: set train.validation: 0, or lengths: [1]"
            )
        return self

    @model_validator(mode="after")
    def _check_unique(self) -> StudySpec:
        for axis in ("models", "init", "finetune", "fractions", "seeds"):
            values = getattr(self, axis)
            repeated = [value for i, value in enumerate(values) if value in values[:i]]
            if repeated:
                raise ValueError(f"{axis}: {repeated[0]!r} is listed twice")
        if "all" not in self.finetune and "random" in self.init:
            kinds = ", ".join(self.finetune)
            raise ValueError(
                f"finetune: {kinds} trains the end of a network that has learned features, and one "
                f"of init: random has not: use init: [imagenet], or finetune: [all, {kinds}]"
            )
        return self

    @property
    def resolved_lengths(self) -> list[str]:
        """`lengths`, with ``auto`` resolved."""
        if self.lengths != "auto":
            return self.lengths
        train = self.train
        if train.held_out or train.schedule not in ("auto", "warmup-stable-decay"):
            return ["1"]
        enough = train.steps >= MIN_STEPS if train.steps else train.fixed_epochs >= MIN_EPOCHS
        return ["1/4", "1/2", "1"] if enough else ["1"]

    def zero_init(self, model: str) -> bool:
        """`zero_init_residual` of a model with random weights, with ``auto`` resolved."""
        wanted = self.zero_init_residual
        return is_resnet(model) and (model not in BASIC_BLOCKS if wanted == "auto" else wanted)

    def runs(self) -> list[RunSpec]:
        """All cells of the grid, small subsets first, so that the first results come early.

        A head on the fraction 1 is trained once: every seed has the same images, and draws no more
        than the part of them on which the penalty is chosen.
        """
        axes = {"model", "init", "finetune", "fraction", "zero_init_residual"}
        shared = self.model_dump(include=set(RunSpec.model_fields) - axes)
        strategies = [
            (init, tune, ["1"] if tune == "head" else self.resolved_lengths)
            for init in self.init
            for tune in self.finetune
            if tune == "all" or init != "random"
        ]
        total = 10**9  # any size that gives the right order
        by_size = sorted(
            self.fractions, key=lambda text: TrainFraction.parse(text).size(total, 1000)
        )
        return [
            RunSpec(
                model=model,
                init=init,
                finetune=tune,
                fraction=part,
                seed=seed,
                replicate=i,
                zero_init_residual=init == "random" and self.zero_init(model),
                **(shared | {"lengths": lengths}),
            )
            for part in by_size
            for i, seed in enumerate(self.seeds)
            for init, tune, lengths in strategies
            for model in self.models
            if i == 0 or tune != "head" or TrainFraction.parse(part).share != 1
        ]


def _model_slug(model: str) -> str:
    """``timm-resnet50.a1_in1k`` of a model of timm: no other model's name has such a hyphen."""
    return f"timm-{slug(model.removeprefix(TIMM))}" if is_timm(model) else slug(model)


@lru_cache(maxsize=1000)
def slug(text: str) -> str:
    """`text` as part of a file name; with a short hash if characters were replaced."""
    if re.fullmatch(r"[A-Za-z0-9_.]+:[A-Za-z0-9_]+", text):
        return text.replace(":", ".")  # package.module:factory; no dot can follow the colon
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.")
    if plain == text:
        return plain
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{plain[-40:].strip('-.')}-{digest}"
