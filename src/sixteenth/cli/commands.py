"""The commands: what a person types, what comes back, and which exit code it has.

Thin on purpose: every command is a few calls of `sixteenth.study`. Results go to standard output,
progress and complaints to standard error. Nothing heavy is imported before a command needs it, so
that ``sixteenth --help`` answers at once.
How a command ends, by itself or not, is in `exits`.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ..errors import InputError
from .advise import advise
from .exits import print_message, run_command
from .explain import explain
from .export import export
from .fit import fit
from .options import (
    BudgetOption,
    DirArgument,
    Flags,
    JsonOption,
    LangOption,
    SameOption,
    StudyArgument,
    TensorBoardOption,
    WatchOption,
    with_flags,
)
from .plan import plan
from .predict import predict
from .studies import (
    json_rows,
    load_study,
    open_study,
    print_json,
    retry_clause,
    tell_of_fresh_folder,
    tell_of_gone_runs,
)

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis import Metric
    from ..language.base import Language
    from ..study import Study

MOST_ROWS = 40
"""Of the table that a command prints after training: the answer above it stays on the screen."""

app = typer.Typer(
    name="sixteenth",
    help="Would more labelled images, a bigger model, pretrained weights or longer training help "
    "most? Train on a sixteenth, a half and all of your images, and know.",
    epilog="Begin with: sixteenth demo. Your own images: sixteenth quick FOLDER, or write "
    "a study file (see the README)",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)
presets_app = typer.Typer(help="List the studies that come with the package, or print one.")
app.add_typer(presets_app, name="presets")
app.command()(fit)


@app.callback(invoke_without_command=True)
def _sixteenth(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", help="Show where an unexpected error comes from; may stand anywhere."
        ),
    ] = False,
) -> None:
    if version:
        from .. import __version__

        print(f"sixteenth {__version__}")
    elif ctx.invoked_subcommand is None:
        print(ctx.get_help())


@app.command()
@with_flags
def demo(flags: Flags, watch: WatchOption = False, tensorboard: TensorBoardOption = False) -> None:
    """Run the whole study on small built-in images: minutes, and no download."""
    _run(load_study("demo", flags), flags, watch=watch, tensorboard=tensorboard)


@app.command()
@with_flags
def run(
    study: StudyArgument,
    flags: Flags,
    budget: BudgetOption = None,
    watch: WatchOption = False,
    tensorboard: TensorBoardOption = False,
) -> None:
    """Train every run of a study that is not finished yet, and write its report."""
    _run(load_study(study, flags), flags, budget, watch=watch, tensorboard=tensorboard)


@app.command()
@with_flags
def quick(
    images: Annotated[str, typer.Argument(metavar="DATA", help="A name, or a path to images.")],
    flags: Flags,
) -> None:
    """Say in minutes whether more images or a bigger pretrained network would help."""
    from ..language import find_tag, locale_tag
    from ..study.quick import quick_study
    from .display import display_for

    if flags.data is not None:
        raise InputError(f"two data sets were named, {images} and --data {flags.data}: name one")
    tag = None if flags.lang is None else find_tag(flags.lang)
    with display_for(tag or locale_tag()) as display:
        study = quick_study(
            images,
            flags.changes(),
            flags.out,
            data_dir=flags.data_dir,
            cifar_archive=flags.cifar_archive,
            fresh=flags.fresh,
            language=tag,
            listener=display,
        )
    tell_of_fresh_folder(study, flags)
    _run(study, flags)


app.command()(plan)


@app.command()
def report(
    folder: DirArgument = None,
    out: SameOption = None,
    from_table: Annotated[
        bool,
        typer.Option(
            "--from-table",
            help="Keep the rows of results.csv for finished runs whose folders are gone.",
        ),
    ] = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Write the report of a study again from its run folders, and print its path."""
    study = open_study(folder, out, lang)
    page = study.report(from_table=from_table)
    tell_of_gone_runs(study)
    if as_json:
        print_json(_outcome(study, study.results(), page))
    else:
        print(page)


@app.command()
def show(
    folder: DirArgument = None,
    out: SameOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Print the answer of a study and its results table."""
    from ..analysis import Metric

    study = open_study(folder, out, lang)
    tell_of_gone_runs(study)
    if as_json:
        print_json(json_rows(_with_intervals(study.results(), Metric(study.spec.metric))))
    else:
        _print_results(study)


@app.command("watch")
def watch_study(
    folder: DirArgument = None,
    out: SameOption = None,
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, help="Port of the page. Default: a free one."),
    ] = 0,
    lang: LangOption = None,
) -> None:
    """Serve a page that follows a study while it is trained, and print its address.

    The study may be trained by another process or another machine. Its folder is only read.

    Ctrl-C ends the page, not the training.
    """
    from .watch.server import serve

    study = open_study(folder, out, lang)
    serve(study.folder, port, study.language)


app.command()(advise)
app.command()(explain)
app.command()(predict)
app.command()(export)


@presets_app.callback(invoke_without_command=True)
def _presets(ctx: typer.Context, as_json: JsonOption = False) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from ..spec import preset_names, preset_text
    from .tables import Column, console, table

    about = {name: _about(preset_text(name)) for name in preset_names()}
    if as_json:
        print_json([{"name": name, "about": text} for name, text in about.items()])
        return
    stdout = console()
    columns = [Column("preset", list(about)), Column("what it is", list(about.values()), fold=True)]
    stdout.print(table(columns, stdout))
    stdout.print("\nRun one: sixteenth run NAME. Start from one: sixteenth presets show NAME")


@presets_app.command("show")
def presets_show(name: Annotated[str, typer.Argument(metavar="NAME", help="A preset.")]) -> None:
    """Print a preset's study file, to start one's own from."""
    from ..spec import preset_text

    print(preset_text(name), end="")


def _run(
    study: Study,
    flags: Flags,
    budget: float | None = None,
    *,
    watch: bool = False,
    tensorboard: bool = False,
) -> None:
    """Train, then print the answer, the table and the report's path."""
    from ..engine.acceleration import keep_freed_memory
    from ..language import language_for
    from ..storage.study_folder import StudyFolder
    from ..study.listener import Listener, Listeners
    from .display import display_for
    from .tables import console
    from .watch.beside import watched

    keep_freed_memory()  # a small study is trained in this process
    with contextlib.ExitStack() as stack:
        listeners: list[Listener] = []
        if tensorboard:
            from ..study.tensorboard import EventFiles

            listeners.append(stack.enter_context(EventFiles(study.folder)))
        stack.enter_context(watched(study.folder, study.language, wanted=watch))
        display = stack.enter_context(display_for(study.language))
        listener = Listeners([display, *listeners])
        results = study.run(**flags.machine(), budget=budget, listener=listener)
    page = StudyFolder(study.folder).report_path
    language = language_for(tag=study.language)
    if flags.as_json:
        print_json(_outcome(study, results, page))
    else:
        stdout = console()
        stdout.print()
        _print_results(study, most=MOST_ROWS)
        stdout.print("\n" + language.terminal.report.format(page), soft_wrap=True)
    holes = results[results["status"] != "finished"]  # which have no rows of shorter lengths
    if budget is not None:
        left_out = holes[holes["status"] != "failed"]
        if len(left_out):
            part = (one for one in study.records() if one.lengths or one.has_result)
            known = {record.run_id for record in part}
            begun = sum(run_id in known for run_id in left_out["run_id"])
            print_message(_left_out(len(left_out), begun, language))
        holes = holes.drop(left_out.index)
    if len(holes):
        planned = len(study.runs())
        said = language.terminal.failed if planned > 1 else language.terminal.one_failed
        said = said.format(failed=len(holes), planned=planned)
        print_message(said + retry_clause(holes["error"], language))
        for run_id, error in zip(holes["run_id"], holes["error"], strict=True):
            print_message(error, prefix=f"  {run_id}: ")
        raise typer.Exit(1)


def _left_out(runs: int, begun: int, language: Language) -> str:
    """How many runs a budget leaves out, `begun` of them trained for a part of their steps."""
    labels = language.terminal
    said = [(labels.one_left_out if runs == 1 else labels.left_out).format(runs)]
    said += [labels.begun.format(begun)] if begun else []
    return language.screen.labels.between.join([*said, labels.goes_on])


def _outcome(study: Study, results: pd.DataFrame, page: Path) -> dict[str, Any]:
    finished = bool((results["status"] == "finished").all())
    verdict, *answer = study.opening()
    data = study.data_facts()
    return {
        "study": study.spec.name,
        "metric": study.spec.metric,
        "folder": str(study.folder),
        "report": str(page),
        "status": "finished" if finished else "incomplete",
        "data": None if data is None else data.to_dict(),
        "weights": study.weights(),
        "verdict": verdict,
        "answer": answer,
        "results": json_rows(results),
    }


def _print_results(study: Study, most: float = math.inf) -> None:
    """What the report's first screen says, then a row for each run.

    Args:
        most: rows that are printed; where there are more, the command that prints them.
    """
    from ..analysis import IntervalKind, Metric, summary_table
    from ..language import language_for
    from ..language.commands import DIR, typed
    from .answer import print_answer
    from .tables import console, print_text, results_table

    stdout, summary = console(), summary_table(study.findings().grid)
    language = language_for(tag=study.language, metric=Metric(study.spec.metric))
    table = results_table(summary, stdout, language) if len(summary) <= most else None
    print_answer(study.overview(), study.folder, stdout, language)
    stdout.print()
    if table is None:
        stdout.print(language.terminal.rows_elsewhere.format(len(summary)))
        stdout.print(f"  {typed(f'sixteenth show {DIR}', study.folder)}", soft_wrap=True)
        return
    stdout.print(table)
    kinds = [IntervalKind(kind) for kind in summary["interval"].unique() if kind]
    if note := language.captions.intervals(kinds):
        print_text(note, stdout, style="dim")


def _with_intervals(results: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The table, with the interval that the report shows of a run in columns low and high."""
    from ..analysis import read_grid, summary_table

    column, _ = metric.columns
    ends = {f"{column}_low": "low", f"{column}_high": "high"}
    shown = summary_table(read_grid(results, metric=metric))[["run_id", "interval"]]
    # Those of the table rest on the predictions, too, which are not read again for them.
    intervals = shown.merge(results[["run_id", *ends]].rename(columns=ends), on="run_id")
    return results.merge(intervals, on="run_id", how="left")


def _about(text: str) -> str:
    """What the comment at the head of a study file says, without its first line's command."""
    head = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        head.append(line.lstrip("# "))
    cost = head[0].partition("  ")[2].strip() if head else ""
    return " ".join(filter(None, [*head[1:], cost and f"Takes {cost}."]))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Do what the command line says and exit; every expected trouble is one line and a code."""
    sys.exit(run_command(app, sys.argv[1:] if arguments is None else arguments))
