"""`sixteenth plan --check-epochs`: one run that tells how many epochs are enough."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from .options import Flags
from .studies import print_json

if TYPE_CHECKING:
    from ..spec import StudySpec
    from ..study import Study


def say_epochs(study: Study, flags: Flags) -> None:
    """Train the run, and print what it tells."""
    from ..engine.acceleration import keep_freed_memory
    from ..language import language_for
    from ..study.epochs import check_epochs
    from .display import display_for
    from .tables import console

    keep_freed_memory()
    with display_for(study.language) as display:
        found = check_epochs(study, display, **flags.machine())
    if flags.as_json:
        print_json(asdict(found))
        return
    language = language_for(tag=study.language)
    labels, numbers, on = language.terminal, language.numbers, console()
    accuracies = [
        labels.epochs_at.format(epochs=numbers.count(epochs), accuracy=numbers.percent(accuracy))
        for epochs, accuracy in found.accuracies
    ]
    on.print(
        labels.epochs.format(
            arm=language.words.arm(found.model, found.init),
            images=numbers.count(found.train_size),
            held=numbers.count(found.held_out),
            accuracies=numbers.join(accuracies),
        )
    )
    most = numbers.count(found.accuracies[-1][0])
    if not found.told:
        on.print(labels.epochs_open.format(epochs=most, gained=found.gained))
    elif found.enough is None:
        on.print(labels.epochs_few.format(epochs=most))
    else:
        enough, asked = numbers.count(found.enough), numbers.count(found.asked)
        on.print(labels.epochs_enough.format(epochs=enough, asked=asked))


def epochs_hint(spec: StudySpec, seconds: float, command: str, tag: str = "en") -> str:
    """Where the check is worth its time: the `command`, in the language of a tag. Else nothing."""
    from ..language import language_for
    from ..study.epochs import LONG

    if seconds < LONG or spec.train.steps or spec.train.epochs == "auto":
        return ""
    if all(run.finetune == "head" for run in spec.runs()):
        return ""  # heads have no epochs
    labels = language_for(tag=tag).terminal
    return labels.epochs_hint.format(asked=spec.train.epochs, command=command)
