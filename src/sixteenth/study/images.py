"""The images of a study: from its file, and from what its runs were begun with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from ..data import ImageDataset, load_dataset, options_of
from ..data.checks import notices
from ..data.layouts.hub import begun_with
from ..language import language_for
from ..spec import StudySpec
from ..spec.fields import Interpolation
from ..storage.run_facts import DataFacts
from .listener import Listener
from .preflight import test_set_notice


def load_images(
    spec: StudySpec,
    begun: Callable[[], Iterable[DataFacts]],
    listener: Listener,
    *,
    language: str,
    data_dir: Path | None,
    cifar_archive: str | None,
) -> ImageDataset:
    """The images of a study; `listener` is told what they were taken for and what is odd.

    Args:
        begun: gives the images of the runs that were begun, read one by one: a data set of the hub
            stays at their commit, and images are resized as theirs were.
        language: tag of that of what is said.
        data_dir, cifar_archive: as of `load_dataset`.

    Raises:
        DataError: they cannot be had, or are not what a study needs.
        ModelError, WeightsError: there are no such models or weights.
    """
    source, moved_on = begun_with(spec.data, (data.source for data in begun() if data.source))
    interpolation, note = choose_interpolation(spec, begun())
    dataset = load_dataset(
        source,
        **options_of(spec),
        interpolation=interpolation,
        data_dir=data_dir,
        skip_broken=spec.skip_broken,
        cifar_archive=cifar_archive,
        progress=listener.working,
    )
    if note:
        known = dataset.understood
        known = known.model_copy(update={"notes": (*known.notes, note)})
        dataset = replace(dataset, understood=known)
    if spec.data_name:
        dataset = replace(dataset, name=spec.data_name)
    for line in language_for(tag=language).understood(dataset.understood):
        listener.understood(line)
    odd = [moved_on, *notices(dataset.checks), test_set_notice(dataset), flip_notice(spec, dataset)]
    odd.append(views_notice(spec))
    for notice in filter(None, odd):
        listener.noticed(notice)
    return dataset


def flip_notice(spec: StudySpec, dataset: ImageDataset) -> str:
    """That images which may show digits or letters are mirrored; empty where none are."""
    mirrored = spec.train.flip == "auto" and not dataset.symbols and set(spec.finetune) != {"head"}
    if not mirrored or not all(len(name) == 1 and name.isalnum() for name in dataset.classes):
        return ""
    return (
        f"training images are mirrored at random: if the classes {dataset.classes[0]} to "
        f"{dataset.classes[-1]} are digits or letters, set train.flip=false"
    )


def views_notice(spec: StudySpec) -> str:
    """That `test_augmentation` does not apply to heads; empty where the study has not both."""
    views = spec.train.test_augmentation
    if views == "none" or "head" not in spec.finetune:
        return ""
    return (
        f"train.test_augmentation: {views} does not apply to heads (finetune: head), which are "
        "tested on each image as it is"
    )


def choose_interpolation(spec: StudySpec, begun: Iterable[DataFacts]) -> tuple[Interpolation, str]:
    """By which images are resized, and a note on the models whose weights were made with another
    interpolation, or an empty text. A study goes on with the one that it began with.

    Raises:
        ModelError, WeightsError: there are no such models or weights.
    """
    from ..models import choose_interpolation as of_models

    if spec.interpolation != "auto":
        return spec.interpolation, ""
    first = next((data.interpolation for data in begun), None)
    return of_models(spec.models, spec.init, first)
