"""The command `sixteenth advise`: what to do next, in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import FolderArgument, JsonOption, LangOption, parse_target
from .studies import print_json, tell_of_gone_runs

if TYPE_CHECKING:
    from rich.console import Console

    from ..language.base import SaidAdvice
    from ..language.labels import TerminalLabels


def advise(
    folder: FolderArgument,
    target_error: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            parser=parse_target,
            help="A wanted test error, such as 0.05: how many images would it take?",
        ),
    ] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Say what to do next: more labels, a bigger model, pretraining, or more runs first."""
    from ..language import language_for
    from ..language.commands import typed
    from ..study import Study

    study = Study.open(folder, language=lang)
    tell_of_gone_runs(study)
    found = study.advice(target_error)
    if as_json:
        said = found.to_dict()
        said["cautions"] = [
            {"text": one.text, "command": one.command and typed(one.command, folder)}
            for one in found.cautions
        ]
        print_json({"metric": study.spec.metric, **said})
        return
    from .tables import console

    _print(found, folder, console(), language_for(tag=study.language).terminal)


def _print(advice: SaidAdvice, folder: Path, on: Console, labels: TerminalLabels) -> None:
    """The verdict, what there is, what the target takes, what speaks against it, the options."""
    from rich.text import Text

    from ..language.commands import typed
    from ..language.text import plain, upper_first
    from .answer import print_cautions
    from .tables import print_text

    if advice.verdict:
        print_text(plain(advice.verdict), on, style="bold")
        on.print()
    print_text(plain(advice.best), on)
    if advice.target is not None:
        on.print()
        print_text(plain(advice.target.text), on, style="bold")
    print_cautions(advice.cautions, folder, on)
    for heading, steps in ((labels.options, advice.options), (labels.surer, advice.steps)):
        if steps:
            on.print(f"\n{heading}")
        for number, step in enumerate(steps, 1):
            on.print()
            what = upper_first(plain(step.what))
            print_text(labels.step.format(number, what), on, style="bold")
            rest = plain(step.text)[len(plain(step.what)) + 1 :].strip()  # after its full stop
            print_text(rest, on, indent=3)
            if step.command:
                on.print(Text(f"   {typed(step.command, folder)}"), soft_wrap=True)
