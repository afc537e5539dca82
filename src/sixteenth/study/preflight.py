"""What is checked before hours are spent: the folder, the names, the data, the weights, the disk.

The cheap checks come first: a model's misspelt name is told before images are decoded, and a
weights file that does not fit before anything is trained or written. A folder that holds something
else is never written over: the message says what differs and how to begin beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FRESH, DataError, InputError, MismatchError, ModelError, SpecError
from ..language.commands import RUN, typed
from ..spec import (
    RunSpec,
    StudySpec,
    as_begun,
    describe_differences,
    load_frozen,
    spec_differences,
    without_keys,
    without_place,
)
from ..storage.lock import LOCK, NOTE
from ..storage.study_folder import StudyFolder, StudySnapshot
from ..storage.whole_files import first_free, is_left_over

if TYPE_CHECKING:
    from torch import nn

    from ..data import ImageDataset
    from ..models import WeightsFile
    from .planning.cost import Cost
    from .planning.schedule import Schedule

AXES = ("models", "init", "finetune", "fractions", "seeds")
"""What may be added to a study that was begun: finished runs stay what they are."""

WORDS = ("expect", "metric", "name", "data_name", "language", "skip_broken")
"""What things are called, in which language, what the discussion tests and by which metric, changes
no run; nor does leave to skip broken images, beyond what the data's fingerprint tells."""


def with_own_name(folder: Path) -> Path:
    """`folder`, or its absolute path where it is ``.`` or ``..``, which have no name to add to."""
    return folder if folder.name not in ("", "..") else folder.resolve()


def fresh_folder(folder: Path) -> Path:
    """`folder` if nothing is there, else the first of FOLDER-2, FOLDER-3, ... that is free."""

    def is_taken(place: Path) -> bool:
        return place.exists() and (not place.is_dir() or _holds_something(place))

    return first_free(with_own_name(folder), is_taken, folder=True)


def load_begun(folder: Path) -> StudySpec:
    """The study that lies in a folder.

    Raises:
        SpecError: its study.yaml is damaged, and the way out.
    """
    frozen = StudyFolder(folder).spec_path
    try:
        return load_frozen(frozen)
    except SpecError as error:
        raise SpecError(
            f"{error} (bring back a copy of this file; or empty it, and run the study file that "
            f"the study began with: sixteenth run FILE --out {folder})"
        ) from None


def check_folder(folder: Path, spec: StudySpec) -> None:
    """Refuse a folder that holds something else than this study.

    An empty study.yaml beside its runs is none: it is written anew, and their records say whether
    they are this study's (`check_begun`).

    Raises:
        SpecError, MismatchError: what is damaged or differs, and the way out.
    """
    there = StudyFolder(folder)
    frozen = there.spec_path
    if (
        frozen.is_file()
        and not frozen.read_bytes().strip()
        and any(there.run(run.run_id).record_path.is_file() for run in spec.runs())
    ):
        return
    if frozen.is_file():
        old, spec = load_begun(folder), as_begun(spec, frozen)
        differences = without_keys(spec_differences(old, spec), WORDS)
        for axis in AXES:
            before, now = getattr(old, axis), getattr(spec, axis)
            if now[: len(before)] == before or (axis != "seeds" and set(before) <= set(now)):
                differences = without_keys(differences, {axis})
        if any(StudyFolder(folder).runs()):
            differences = without_place(differences, old.data, spec.data)  # see `check_begun`
        if differences:
            differs = "; ".join(describe_differences(differences))
            fewer = all(set(getattr(spec, axis)) <= set(getattr(old, axis)) for axis in AXES)
            # As where the study file stayed behind what --set added.
            alike = fewer and differences.keys() <= {*AXES} and old.data == spec.data
            goes_on = typed(RUN, folder) if alike else ""
            raise MismatchError(f"{folder} holds another study ({differs})", goes_on=goes_on)
    elif folder.is_dir() and _holds_something(folder):
        raise MismatchError(f"{folder} is not empty and holds no study")
    elif folder.exists() and not folder.is_dir():
        raise MismatchError(f"{folder} is a file")


def _holds_something(folder: Path) -> bool:
    """Whether there is more than a process leaves that stopped before it had written anything."""
    return any(
        path.name not in (LOCK, NOTE) and not is_left_over(path) for path in folder.iterdir()
    )


def check_names(spec: StudySpec) -> None:
    """Check what can be checked without the images: the models, the initial weights.

    Raises:
        InputError: what does not exist, and what does.
    """
    from ..models import check_init, check_model

    for model in spec.models:
        check_model(model, spec.stem)
        for init in spec.init:
            check_init(model, init, stem=spec.stem)


def check_data(spec: StudySpec, runs: Sequence[RunSpec], dataset: ImageDataset) -> None:
    """Check that the images are enough for every run.

    Raises:
        InputError: a class with too few images for a fraction, or a crop that does not fit.
    """
    from ..engine.workload import Augmentation, split_sizes

    Augmentation.of(spec.train, dataset)
    split_sizes(runs, dataset)
    if len(dataset.classes) < 2:
        raise DataError(f"{dataset.source} has one class: a classifier needs two at least")


def test_set_notice(dataset: ImageDataset) -> str:
    """What a small test set means for the answer; empty where it is large enough."""
    from .planning.precision import FEW_TEST_IMAGES, least_difference

    images = len(dataset.test)
    if images >= FEW_TEST_IMAGES:
        return ""
    return (
        f"{images:,} test images bound the answer: at 80% accuracy they do not tell two networks "
        f"apart that differ by less than {100 * least_difference(0.8, images):.1f} points, however "
        "long these are trained; more test images help more than more training"
    )


def check_begun(snapshot: StudySnapshot, dataset: ImageDataset) -> None:
    """Compare the runs that were begun with what is asked for now.

    Versions matter as long as a run is left to train.

    Raises:
        MismatchError: their spec, data or versions, side by side with those of now.
    """
    check_images(snapshot, dataset)
    if snapshot.unfinished():
        check_versions(snapshot)


def check_images(snapshot: StudySnapshot, dataset: ImageDataset) -> None:
    """Compare the runs that were begun, and their images, with what is asked for now.

    Raises:
        MismatchError: their spec or data, side by side with those of now.
    """
    folder, records = snapshot.folder, snapshot.records
    images = len(dataset.train), len(dataset.test)
    for run in snapshot.runs:
        if run.run_id in records:
            record = records[run.run_id]
            here = folder.run(run.run_id)
            here.check_same(record, run, dataset.fingerprint, images, dataset.classes)


def check_versions(snapshot: StudySnapshot) -> None:
    """Compare the versions of the runs that were begun with those that would train now.

    Raises:
        MismatchError: the versions there and here.
    """
    from ..engine.records import environment

    folder, records = snapshot.folder, snapshot.records
    here = environment(runs=snapshot.runs)
    for run_id, record in records.items():
        differs = record.environment.other_versions(here) if record.environment else []
        if differs:
            raise MismatchError(
                f"{folder.run(run_id).path} was trained with other versions ({'; '.join(differs)})",
                f"install those again, or {FRESH}",
            )


def check_models(
    snapshot: StudySnapshot,
    spec: StudySpec,
    dataset: ImageDataset,
    *,
    download: bool,
    compared: Sequence[StudySnapshot] = (),
    loaded: Callable[[RunSpec, WeightsFile], None] = lambda run, weights: None,
    noticed: Callable[[str], None] = lambda what: None,
) -> dict[str, Cost]:
    """Build every model and load every weights file that is still needed, to find what fails
    before training begins.

    Args:
        snapshot: the runs of the study, and what they left so far.
        spec, dataset: of the study.
        compared: other runs that have to have begun with the same initial weights.
        download: fetch torchvision's weights that are not there; without, they are not checked.
        loaded: called with the first run of each model and initial weights, and what was read.
        noticed: called with what is wrong with a model of the user's own that cannot be built.

    Returns:
        What each model costs, without those of the user's own that cannot be built.

    Raises:
        ModelError, WeightsError: a model or weights that cannot be used; of several models of the
            user's own only if none of those that are to be trained can be built.
        MismatchError: a weights file that is not the one that an earlier run began with.
    """
    from ..models import (
        build_model,
        count_parameters,
        find_head,
        find_last_stage,
        is_factory,
        sample_logits,
    )
    from .planning.cost import Cost

    costs, runs, broken = {}, snapshot.unfinished(), 0
    for name in spec.models:
        try:
            model = build_model(
                name, len(dataset.classes), image_size=spec.image_size, stem=spec.stem
            )
        except ModelError as error:
            failing = sum(run.model == name for run in runs)
            broken += failing
            if not is_factory(name) or broken == len(runs) > 0:
                raise
            if failing:  # code of the user's own: the runs of other models are worth having
                noticed(f"{error}: {failing} run{'s'[: failing != 1]} will fail")
            continue
        cost = Cost.of(model, spec.image_size)
        if "head" in spec.finetune:
            tried = partial(sample_logits, model, spec.image_size)
            _, layer = find_head(model, name, tried)
            cost = replace(cost, head=count_parameters(layer))
        if "last-stage" in spec.finetune:
            find_last_stage(model, name, spec.image_size).freeze()  # loading weights needs no more
            stage = Cost.of(model, spec.image_size)
            cost = replace(cost, stage_parameters=stage.parameters, stage_flops=stage.flops)
        costs[name] = cost
        own = [run for run in runs if run.model == name]
        for init in dict.fromkeys(run.init for run in own):
            first = next(run for run in own if run.init == init)
            found = _check_weights((snapshot, *compared), model, first, download)
            if found is not None:
                loaded(first, found)
    return costs


def disk_needed(schedule: Schedule, costs: Mapping[str, Cost], dataset: ImageDataset) -> int:
    """Bytes that the runs left to train keep, and the checkpoints of those that go side by side."""
    from .planning.cost import disk_bytes

    sizes = [
        disk_bytes(each.run, costs[each.run.model], dataset)
        for each in schedule.assignments
        if each.run.model in costs
    ]
    at_once = sorted((passing for _, passing in sizes), reverse=True)[: schedule.workers]
    return sum(kept for kept, _ in sizes) + sum(at_once)


def check_disk(folder: Path, needed: int) -> None:
    """Refuse a study that cannot fit on the disk.

    Raises:
        InputError: how much it needs and how much is free.
    """
    from .planning.cost import free_bytes

    free = free_bytes(folder)
    if needed > free:
        raise InputError(
            f"{folder} has {free / 1e9:.1f} GB of free disk and this study needs "
            f"{needed / 1e9:.1f} GB: make room, or choose another disk with --out"
        )


def _check_weights(
    begun: Sequence[StudySnapshot], model: nn.Module, run: RunSpec, download: bool
) -> WeightsFile | None:
    """Load the initial weights of `run` for a try, and compare them with those of earlier runs."""
    from ..models import load_initial_weights, weights_are_here

    if run.init == "random" or not (download or weights_are_here(run.model, run.init)):
        return None
    found = load_initial_weights(
        model, run.model, run.init, stem=run.stem, allow_partial=run.allow_partial
    )
    now = found.sha256 if found else None
    for snapshot, run_id, record in (
        (each, run_id, record) for each in begun for run_id, record in each.records.items()
    ):
        if (record.spec.model, record.spec.init) != (run.model, run.init):
            continue
        then = record.model.weights_sha256 if record.model else None
        if then not in (None, now):
            place = snapshot.place(run_id).path
            raise MismatchError(
                f"the weights {run.init} of {run.model} are not those that {place} began "
                f"with (SHA-256 {str(then)[:12]} there, {str(now)[:12]} now)"
            )
    return found
