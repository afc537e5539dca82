"""The levers of `sixteenth explain`: what each changes of a study, and where its runs lie.

Each lever of each pair is a small study in STUDY/explain/PAIR/LEVER, of two cells at one
fraction, with one thing changed. This module makes its study file and reads what was measured;
`explain` trains it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from ..analysis.findings.levers import ALONE, CellPair, Lever
from ..analysis.inputs.cells import Arm
from ..errors import ModelError, WeightsError
from ..spec import RunSpec, StudySpec, load_frozen
from ..spec.fields import BASIC_BLOCKS, is_resnet
from ..spec.specs import LARGEST_IMAGE_SIZE, slug
from ..storage.kept_tables import KeptRows
from ..storage.study_folder import EXPLAIN, StudyFolder

LEVER_KEYS = ("image_size", "stem", "zero_init_residual")
"""Keys outside `train` that a lever changes; the others make its small study."""


@dataclass(frozen=True)
class LeverStudy:
    """The study of one lever of one pair.

    Attributes:
        base_seeds: seeds of the study that it explains.
        spec: with the lever's change; its seeds are those of the base, then more of its own.
        as_begun: of a lever for the cell that is behind alone, the runs are those that were begun,
            of whichever cell was behind then.
    """

    pair: CellPair
    lever: Lever
    base_seeds: Sequence[int]
    spec: StudySpec
    folder: Path
    as_begun: bool = False

    @property
    def extended(self) -> bool:
        """Whether it has a seed that the base does not have."""
        return any(seed not in self.base_seeds for seed in self.spec.seeds)

    def settings(self, base: StudySpec) -> tuple[str, ...]:
        """Of `base`, as KEY=VALUE, that train all of it with the lever; none where it cannot."""
        if self.lever in ALONE:
            return ()
        if self.lever is Lever.STEM and not _have_stem(product(base.models, base.init)):
            return ()
        begun = _pair_of(self.spec)
        if self.lever is Lever.ZERO_INIT and begun.behind[0] not in BASIC_BLOCKS:
            # It leaves networks as they are for which that is better.
            return ("zero_init_residual=auto",)
        top, train = (
            {key: value for key, value in after.items() if value != before[key]}
            for before, after in (
                (base.model_dump(mode="json"), self.spec.model_dump(mode="json")),
                (base.train.model_dump(mode="json"), self.spec.train.model_dump(mode="json")),
            )
        )
        changed = {key: top[key] for key in LEVER_KEYS if key in top}
        train.pop("schedule", None)
        content = base.model_dump(mode="json") | changed
        content["train"] |= train
        # What is automatic in the study must not follow from the change, see `lever_study`.
        whole, mine = first_network(StudySpec.model_validate(content)), first_network(self.spec)
        if whole.lengths != mine.lengths:
            changed["lengths"] = list(mine.lengths)
        if whole.train.schedule != mine.train.schedule:
            train["schedule"] = mine.train.schedule
        changed |= {f"train.{key}": each for key, each in train.items()}
        return tuple(
            f"{key}={value if isinstance(value, str) else json.dumps(value)}"
            for key, value in changed.items()
        )

    def runs(self) -> list[RunSpec]:
        """Of the grid those that the lever asks for.

        Of a lever for the cell that is behind alone also those of the other cell, where it was
        behind when they were begun.
        """
        own, place = self.spec.runs(), StudyFolder(self.folder)
        if self.lever in ALONE:
            known = {run.run_id for run in own if place.run(run.run_id).path.is_dir()}
            if not known:  # only tables may be left
                known.update(KeptRows.read(place.kept_path).run_ids())
                known.update(KeptRows.read(place.path).run_ids())
            if self.as_begun and any(run.run_id in known for run in own):
                return [run for run in own if run.run_id in known]
            behind = _pair_of(self.spec).behind if self.as_begun else self.pair.behind
            return [
                run for run in own if (run.model, run.strategy) == behind or run.run_id in known
            ]
        arms = (self.pair.behind, self.pair.ahead)
        repeats = self.lever is Lever.SEEDS
        return [
            run
            for run in own
            if (run.model, run.strategy) in arms and not (repeats and run.seed in self.base_seeds)
        ]


def lever_study(
    base: StudySpec, folder: Path, pair: CellPair, lever: Lever, *, symbols: bool, more: int = 0
) -> LeverStudy | None:
    """The study of a lever of a pair; None where the lever cannot apply.

    Args:
        base, folder: of the study that is explained.
        symbols: whether its images are digits or letters.
        more: seeds besides those of the base, at least; those of a study that was begun stay.
    """
    changes = _changes(base, pair, lever, symbols)
    if changes is None:
        return None
    target = folder / EXPLAIN / pair_name(pair) / lever.value
    frozen = StudyFolder(target).spec_path
    begun = load_frozen(frozen) if frozen.is_file() else None
    seeds = begun.seeds if begun else []
    seeds = [*seeds, *(seed for seed in base.seeds if seed not in seeds)]
    while len([seed for seed in seeds if seed not in base.seeds]) < more:
        seeds.append(max(seeds) + 1)
    same = _pair_of(begun) if begun else pair  # more seeds may have turned the two round since
    arms = same.behind, same.ahead
    run = first_network(base)
    content = base.model_dump(mode="json") | {
        "models": list(dict.fromkeys(model for model, _ in arms)),
        "init": list(dict.fromkeys(init for _, init in arms)),
        "fractions": [pair.fraction],
        "seeds": seeds,
        "lengths": run.lengths,
    }
    # What is automatic must not follow from the change: the lever is all that differs.
    content["train"] |= {"schedule": run.train.schedule} | changes.pop("train", {})
    spec = StudySpec.model_validate(content | changes)
    return LeverStudy(pair, lever, base.seeds, spec, target)


def first_network(spec: StudySpec) -> RunSpec:
    """The first run that trains more than a head: a head has other lengths and another schedule.

    Of a study of heads alone the first head.
    """
    runs = spec.runs()
    return next((run for run in runs if run.finetune != "head"), runs[0])


def begun_levers(
    base: StudySpec, folder: Path, levers: Iterable[Lever] = Lever
) -> Iterator[LeverStudy]:
    """Those of `levers` that were begun in a study's folder, by pair, in the order of `levers`.

    All of a pair have it in one order, in whichever they were begun.
    """
    for place in sorted((folder / EXPLAIN).glob("*")):
        pair = None
        for lever in levers:
            frozen = StudyFolder(place / lever.value).spec_path
            if frozen.is_file():
                spec = load_frozen(frozen)
                pair = pair or _pair_of(spec)
                yield LeverStudy(pair, lever, base.seeds, spec, frozen.parent, as_begun=True)


def begun_reasons(base: StudySpec, folder: Path) -> dict[StudyFolder, LeverStudy]:
    """`begun_levers` by their folders, without repeats: their rows are in the study's table."""
    reasons = [lever for lever in Lever if lever is not Lever.SEEDS]
    return {StudyFolder(each.folder): each for each in begun_levers(base, folder, reasons)}


def pair_name(pair: CellPair) -> str:
    """The name of a pair's folder, the same whichever cell is behind."""
    arms = sorted((pair.behind, pair.ahead))
    return slug(" ".join([pair.fraction, *(f"{model} {init}" for model, init in arms)]))


def _pair_of(spec: StudySpec) -> CellPair:
    """The two cells of a lever's study: of models and inits the first, and the last."""
    return CellPair(
        spec.fractions[0], (spec.models[0], spec.init[0]), (spec.models[-1], spec.init[-1])
    )


def _changes(spec: StudySpec, pair: CellPair, lever: Lever, symbols: bool) -> dict[str, Any] | None:
    """Values put over those of the study file; None where there is nothing to change."""
    train, arms = spec.train, (pair.behind, pair.ahead)
    match lever:
        case Lever.STEPS:
            if train.epochs == "auto":
                return None  # the runs have chosen their steps
            key = "steps" if train.steps else "epochs"
            return {"train": {key: 4 * getattr(train, key)}}
        case Lever.IMAGE_SIZE:
            # Sizes in pixels grow with the images; bool is no number of pixels here.
            pixels = {key: getattr(train, key) for key in ("crop", "cutout")}
            larger = {key: 2 * size for key, size in pixels.items() if isinstance(size, int)}
            size = 2 * spec.image_size
            return {"image_size": size, "train": larger} if size <= LARGEST_IMAGE_SIZE else None
        case Lever.STEM:
            return {"stem": "cifar"} if spec.stem == "default" and _have_stem(arms) else None
        case Lever.ZERO_INIT:
            able = all(init == "random" and is_resnet(model) for model, init in arms)
            begun = spec.zero_init(pair.behind[0])
            return {"zero_init_residual": True} if able and not begun else None
        case Lever.RATE_HALF:
            return {"train": {"learning_rate": train.peak_learning_rate / 2}}
        case Lever.RATE_DOUBLE:
            return {"train": {"learning_rate": train.peak_learning_rate * 2}}
        case Lever.WEIGHT_DECAY:
            decay = train.resolved_weight_decay
            return {"train": {"weight_decay": 4 * decay}} if decay else None
        case Lever.AUGMENTATION:
            return _augmentation(spec, symbols)
        case Lever.SEEDS:
            return {}


def _augmentation(spec: StudySpec, symbols: bool) -> dict[str, Any] | None:
    """What was off, on: shifts by an eighth of the image, squares of a quarter.

    A flip is off, and a crop is 0, only for symbols or because the user forbade it: mirrored house
    numbers are other images. Symbols may be shifted all the same.
    """
    crop, _ = spec.train.resolve_crop_and_flip(spec.image_size, symbols=symbols)
    changes: dict[str, Any] = {}
    if not crop and spec.train.crop == "auto":
        changes["crop"] = max(1, spec.image_size // 8)
    if not spec.train.cutout:
        changes["cutout"] = max(1, spec.image_size // 4)
    return {"train": changes} if changes else None


def _have_stem(arms: Iterable[Arm]) -> bool:
    """Whether all models have a first layer for small images that goes with their weights."""
    from ..models import check_init, check_model, is_factory

    try:
        for model, init in arms:
            if is_factory(model):
                return False
            check_model(model, "cifar")
            check_init(model, init, stem="cifar")
    except (ModelError, WeightsError):
        return False
    return True
