"""How many epochs are enough: one run on the smallest part, before a long study begins.

The first model of the study (the small one) is trained with `epochs: auto` on the smallest
fraction, up to four times the epochs of the study, and measured on a part of its training images
that is held out. Larger fractions get more steps from as many epochs, so what is enough there is
enough for them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import FRESH, InputError, MismatchError, RunError
from ..spec import StudySpec
from ..spec.fields import LEVELLED_OFF
from ..spec.train_spec import AUTO_VALIDATION
from ..storage.run_facts import LengthMetrics, Metrics
from .listener import Listener
from .preflight import with_own_name
from .study import Study

MOST = 4
"""The check trains for up to so many times the epochs of the study."""
CHANCE = 4
"""Net images that a doubling may gain by chance: of 4 that changed, all are gained with 6%."""
LONG = 600.0
"""Seconds from which on a study is worth the check."""


@dataclass(frozen=True)
class EpochsCheck:
    """What a run with `epochs: auto` tells about the epochs of a study.

    Attributes:
        model, init, train_size: the run's.
        held_out: images that measured it, and that it was not trained on: a tenth of its subset,
            and others outside of it.
        accuracies: (epochs, accuracy on the images held out), the shortest first.
        enough: the fewest epochs whose doubling bought less than half a point; None where the last
            doubling still bought more.
        gained: held-out images that the last doubling got right, net of those it lost.
        asked: epochs of the study.
    """

    model: str
    init: str
    train_size: int
    held_out: int
    accuracies: tuple[tuple[int, float], ...]
    enough: int | None
    gained: int
    asked: int

    @property
    def told(self) -> bool:
        """Whether the last doubling gained more held-out images than chance often does."""
        return self.enough is not None or self.gained > CHANCE


def epochs_study(study: Study) -> Study:
    """The study of the check: one run, in a folder of its own beside that of `study`.

    Raises:
        InputError: the study fixes its steps, or chooses its epochs itself.
    """
    train = study.spec.train
    if train.steps or train.epochs == "auto":
        key = "steps" if train.steps else "epochs: auto"
        instead = "train.epochs=N and train.steps=null" if train.steps else "train.epochs=N"
        raise InputError(
            f"train.{key} leaves no number of epochs to check: set {instead}, or leave out "
            "--check-epochs"
        )
    first = next((run for run in study.runs() if run.finetune != "head"), None)
    if first is None:
        raise InputError(
            "finetune: head leaves no epochs to check, since a head has none: leave out "
            "--check-epochs"
        )
    content: dict[str, Any] = study.spec.model_dump(mode="json") | {
        "name": f"{study.spec.name}-epochs",
        "models": [first.model],
        "init": [first.init],
        "finetune": [first.finetune],
        "fractions": [first.fraction],
        "seeds": [first.seed],
        "lengths": "auto",
    }
    content["train"] |= {
        "epochs": "auto",
        "max_epochs": max(2, MOST * train.fixed_epochs),
        "schedule": "auto",
        "validation": 0,
    }
    beside = with_own_name(study.folder)
    folder = beside.with_name(f"{beside.name}-epochs")
    return Study(
        StudySpec.model_validate(content),
        folder,
        data_dir=study.data_dir,
        cifar_archive=study.cifar_archive,
        language=study.language,
    )


def check_epochs(study: Study, listener: Listener | None = None, **machine: Any) -> EpochsCheck:
    """Train the run of the check, or read it where it is finished.

    Args:
        machine: where and how it is computed, as `Study.run` takes them.

    Raises:
        InputError: as `epochs_study` and `Study.run`.
        RunError: the run failed.
    """
    checked = epochs_study(study)
    try:
        checked.run(listener=listener, **machine)
    except MismatchError as error:
        # --fresh would choose another folder for the study, and not for its check.
        remove = f"remove {checked.folder}, which holds an earlier check"
        raise MismatchError(error.what, error.way_out.replace(FRESH, remove)) from None
    (record,) = checked.records()
    metrics = record.metrics
    if metrics is None:
        raise RunError(f"the check of the epochs failed: {record.error}")
    ends: list[LengthMetrics | Metrics] = [*record.lengths, metrics]
    accuracies = tuple(
        (end.epoch, end.validation_accuracy)
        for end in sorted(ends, key=lambda end: end.steps or 0)
        if end.epoch is not None and end.validation_accuracy is not None
    )
    (run,) = checked.runs()
    size = int(checked.results()["train_size"].iloc[0])
    gained = accuracies[-1][1] - accuracies[-2][1] if len(accuracies) > 1 else 0.0
    held_out = metrics.validation_images or round(AUTO_VALIDATION * size)
    levelled = metrics.chosen_by == LEVELLED_OFF and len(accuracies) > 1
    return EpochsCheck(
        model=run.model,
        init=run.init,
        train_size=size,
        held_out=held_out,
        accuracies=accuracies,
        enough=accuracies[-2][0] if levelled else None,
        gained=round(gained * held_out),
        asked=study.spec.train.fixed_epochs,
    )
