"""The commands: what a person types, what comes back, and which exit code it has.

Thin on purpose: every command is a few calls of `sixteenth.study`. Results go to standard output,
progress and complaints to standard error. Nothing heavy is imported before a command needs it, so
that ``sixteenth --help`` answers at once.
How a command ends, by itself or not, is in `exits`.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ..errors import InputError, counted
from .advise import advise
from .epochs import epochs_hint, say_epochs
from .exits import print_message, run_command, set_resume_command
from .explain import explain
from .fit import fit
from .options import (
    BudgetOption,
    DeviceOption,
    DirArgument,
    Flags,
    JsonOption,
    LangOption,
    PortOption,
    SameOption,
    StudyArgument,
    TensorBoardOption,
    WatchOption,
    set_language,
    with_flags,
)

if TYPE_CHECKING:
    import pandas as pd

    from ..study import Study

app = typer.Typer(
    name="sixteenth",
    help="Would more labelled images, a bigger model or pretrained weights help most? "
    "Train on a sixteenth, a half and all of your images, and know.",
    epilog="Begin with: sixteenth demo. Your own images: sixteenth run cifar10 --data FOLDER",
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
    _run(_load("demo", flags), flags, watch=watch, tensorboard=tensorboard)


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
    _run(_load(study, flags), flags, budget, watch=watch, tensorboard=tensorboard)


@app.command()
@with_flags
def quick(
    images: Annotated[str, typer.Argument(metavar="DATA", help="A name, or a path to images.")],
    flags: Flags,
) -> None:
    """Say in minutes whether more images or a bigger pretrained network would help."""
    from ..language import find_tag
    from ..study.quick import quick_study
    from .display import display_for
    from .tables import console

    if flags.data is not None:
        raise InputError(f"two data sets were named, {images} and --data {flags.data}: name one")
    with display_for(console(errors=True)) as display:
        study = quick_study(
            images,
            flags.changes(),
            flags.out,
            data_dir=flags.data_dir,
            language=None if flags.lang is None else find_tag(flags.lang),
            listener=display,
        )
    _run(_fresh(study, flags), flags)


@app.command()
@with_flags
def plan(
    study: StudyArgument,
    flags: Flags,
    budget: BudgetOption = None,
    check_epochs: Annotated[
        bool,
        typer.Option(
            "--check-epochs",
            help="Instead: train the small model on the smallest part until it levels off, and "
            "say how many epochs are enough.",
        ),
    ] = False,
) -> None:
    """Show what a study will cost in time and disk, before anything is trained."""
    if check_epochs:
        say_epochs(_load(study, flags), flags)
        return
    from ..language import language_for
    from ..study.planning.cost import free_bytes
    from ..study.preflight import check_disk
    from .display import display_for
    from .tables import console, plan_table, side_by_side

    loaded = _load(study, flags)
    with display_for(console(errors=True)) as display:
        table = loaded.plan(**flags.machine(), budget=budget, listener=display)
    todo, left = table[table["chosen"]], table[table["status"] != "finished"]
    totals = {
        "seconds_left": float(todo["ends"].max()) if len(todo) else 0.0,
        "disk_bytes": int(todo["disk_bytes"].sum()),
        "checkpoint_bytes": int(todo["checkpoint_bytes"].max()) if len(todo) else 0,
        "free_bytes": free_bytes(loaded.folder),
    }
    precision = table.attrs.get("precision")
    if flags.as_json:
        head: dict[str, Any] = {
            "study": loaded.spec.name,
            "folder": str(loaded.folder),
            "weights": loaded.weights(),
        }
        if precision is not None:
            expected = {
                key: value if math.isfinite(value) else None
                for key, value in asdict(precision).items()
            }
            head |= {"budget": budget, "expected": expected}
        head["data"] = loaded.dataset().understood.to_dict()
        _print_json({**head, **totals, "runs": _rows(table)})
    else:
        out_console, language = console(), language_for(tag=loaded.language)
        numbers, labels = language.numbers, language.terminal
        shown = table[table["chosen"] | (table["status"] == "finished")]
        out_console.print(plan_table(shown, out_console, language))
        most = side_by_side(todo)
        plan = labels.plan.format(
            left=len(todo),
            planned=len(table),
            time=numbers.duration(totals["seconds_left"]),
            how=labels.together.format(most) if most > 1 else "",
        )
        disk = labels.plan_disk.format(
            kept=numbers.size(totals["disk_bytes"]),
            training=numbers.size(totals["checkpoint_bytes"]),
            free=numbers.size(totals["free_bytes"]),
        )
        train = loaded.spec.train
        if train.epochs == "auto" and len(todo):
            plan += "\n" + labels.plan_most.format(epochs=numbers.count(train.max_epochs))
        out_console.print(f"\n{plan}\n{disk}")
        if precision is not None:
            if len(left) > len(todo):
                left_out = len(left) - len(todo)
                said = labels.one_left_out if left_out == 1 else labels.left_out
                out_console.print(said.format(left_out))
            if math.isfinite(precision.comparison):
                line = labels.expected_comparison.format(
                    images=numbers.count(precision.train_size),
                    accuracy=numbers.percent(precision.accuracy, 0),
                    width=numbers.decimal(100 * precision.comparison, 1),
                    level=numbers.percent(precision.level, 0),
                )
                out_console.print(line)
            if math.isfinite(precision.forecast):
                line = labels.expected_forecast.format(
                    width=numbers.decimal(100 * precision.forecast, 1),
                    level=numbers.percent(precision.forecast_level, 0),
                )
                out_console.print(line)
        if hint := epochs_hint(loaded.spec, totals["seconds_left"], study, loaded.language):
            out_console.print(hint)
    try:
        check_disk(loaded.folder, table.attrs["disk_needed"])
    except InputError as error:
        # The plan is what was asked for, and shows what to make smaller.
        print_message(error)
        raise typer.Exit(1) from None


@app.command()
def report(
    folder: DirArgument = None,
    out: SameOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Write the report of a study again from its run folders, and print its path."""
    study = _open(folder, out, lang)
    page = study.report()
    if as_json:
        _print_json(_outcome(study, study.results(), page))
    else:
        print(page)


@app.command()
def show(
    folder: DirArgument = None,
    out: SameOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Print the results table of a study."""
    study = _open(folder, out, lang)
    results = study.results()
    if as_json:
        _print_json(_rows(_with_intervals(results)))
    else:
        _print_results(results, study.language)


@app.command("watch")
def watch_study(
    folder: DirArgument = None,
    out: SameOption = None,
    port: PortOption = 0,
    lang: LangOption = None,
) -> None:
    """Serve a page that follows a study while it is trained, and print its address.

    The study may be trained by another process or another machine. Its folder is only read. Ctrl-C
    ends the page, not the training.
    """
    from .watch.server import serve

    study = _open(folder, out, lang)
    serve(study.folder, port, study.language, on_address=lambda where: print(where, flush=True))


app.command()(advise)
app.command()(explain)


@app.command()
def predict(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="STUDY/runs/RUN_ID.")],
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Image files or folders.")
    ],
    top: Annotated[
        int, typer.Option("--top", metavar="K", min=1, help="Show the K most probable classes.")
    ] = 1,
    trust_code: Annotated[
        bool,
        typer.Option("--trust-code", help="Import the code that the run names as its model."),
    ] = False,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Classify images with a trained run: file, class, probability.

    In a pipe: a line an image, with tabs between them.
    """
    from ..engine.prediction import find_images
    from ..engine.prediction import predict as classify
    from ..language import language_for
    from ..language.text import plain
    from .tables import Column, console, table

    def say(line: str) -> None:
        print_message(line, prefix="note: ")

    files, notes = find_images(images)
    for note in notes:
        say(note)
    found = classify(run_dir, files, device=device, trust_code=trust_code, on_note=say)
    if as_json:
        _print_json(
            [
                {
                    "file": str(one.path),
                    "class": one.label,
                    "probability": one.probability,
                    "top": [{"class": name, "probability": p} for name, p in one.ranked[:top]],
                }
                for one in found
            ]
        )
        return
    if not sys.stdout.isatty():
        for one in found:
            classes = [cell for name, p in one.ranked[:top] for cell in (plain(name), f"{p:.4f}")]
            file = str(one.path)
            print(file if file.isprintable() else plain(file), *classes, sep="\t")
        return
    lines = [(one.path, name, p) for one in found for name, p in one.ranked[:top]]
    stdout, numbers = console(), language_for().numbers
    columns = [
        Column("file", [plain(path) for path, _, _ in lines]),
        Column("class", [plain(name) for _, name, _ in lines]),
        Column("probability", [numbers.percent(p) for _, _, p in lines], right=True),
    ]
    stdout.print(table(columns, stdout))


@presets_app.callback(invoke_without_command=True)
def _presets(ctx: typer.Context, as_json: JsonOption = False) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from ..spec import preset_names, preset_text
    from .tables import Column, console, table

    about = {name: _about(preset_text(name)) for name in preset_names()}
    if as_json:
        _print_json([{"name": name, "about": text} for name, text in about.items()])
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


def _load(study: str, flags: Flags) -> Study:
    from ..study import Study

    loaded = Study.load(study, flags.changes(), flags.out, data_dir=flags.data_dir)
    return _fresh(loaded, flags)


def _fresh(study: Study, flags: Flags) -> Study:
    """The study in the language of --lang; with --fresh in a new folder."""
    set_language(study, flags.lang)
    if flags.fresh:
        from ..study.preflight import fresh_folder

        study.folder = fresh_folder(study.folder)
        print_message(f"a new folder: {study.folder}; go on later with --out {study.folder}")
        set_resume_command(lambda words: in_folder(words, study.folder))
    return study


def in_folder(words: Sequence[str], folder: Path) -> list[str]:
    """A command line with --fresh as one that goes on in the `folder` that --fresh chose."""
    kept = [word for word in words if word != "--fresh" and not word.startswith("--out=")]
    if "--out" in kept:
        at = kept.index("--out")
        del kept[at : at + 2]
    return [*kept, "--out", str(folder)]


def _open(folder: Path | None, out: Path | None, lang: str | None) -> Study:
    """The study that lies in DIR, which --out may name instead."""
    from ..study import Study

    if folder is not None and out is not None and folder != out:
        raise InputError(f"two folders were named, {folder} and --out {out}: name one")
    place = folder or out
    if place is None:
        raise InputError("name the study's folder, such as studies/demo")
    return set_language(Study.open(place), lang)


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
    from ..study.listener import Listener, Listeners
    from .display import display_for
    from .tables import console
    from .watch.beside import page_beside

    keep_freed_memory()  # a small study is trained in this process
    with contextlib.ExitStack() as stack:
        listeners: list[Listener] = []
        if tensorboard:
            from ..study.tensorboard import EventFiles

            listeners.append(stack.enter_context(EventFiles(study.folder)))
        if watch:
            where = stack.enter_context(page_beside(study.folder, study.language))
            print_message(f"watch at {where}" if where else "the page of --watch did not start")
        display = stack.enter_context(display_for(console(errors=True)))
        listener = Listeners([display, *listeners])
        results = study.run(**flags.machine(), budget=budget, listener=listener)
    page = study.folder / "report.html"
    if flags.as_json:
        _print_json(_outcome(study, results, page))
    else:
        stdout, language = console(), language_for(tag=study.language)
        between = language.screen.labels.between
        stdout.print("\n" + between.join(study.discussion().answer[:2]) + "\n")
        _print_results(results, study.language)
        stdout.print("\n" + language.terminal.report.format(page), soft_wrap=True)
    holes = results[results["status"] != "finished"]  # which have no rows of shorter lengths
    if budget is not None:
        left_out = holes[holes["status"] != "failed"]
        if len(left_out):
            print_message(
                f"Left out by the budget, not failed: {counted(len(left_out), 'run')}. "
                "The same command goes on."
            )
        holes = holes.drop(left_out.index)
    if len(holes):
        planned = len(study.runs())
        failed = f"{len(holes)} of {counted(planned, 'run')} failed"
        print_message(
            f"{failed}; the same command tries {'it' if len(holes) == 1 else 'them'} again"
        )
        for run_id, error in zip(holes["run_id"], holes["error"], strict=True):
            print_message(error, prefix=f"  {run_id}: ")
        raise typer.Exit(1)


def _outcome(study: Study, results: pd.DataFrame, page: Path) -> dict[str, Any]:
    finished = bool((results["status"] == "finished").all())
    return {
        "study": study.spec.name,
        "folder": str(study.folder),
        "report": str(page),
        "status": "finished" if finished else "incomplete",
        "weights": study.weights(),
        "answer": list(study.discussion().answer),
        "results": _rows(results),
    }


def _print_results(results: pd.DataFrame, tag: str) -> None:
    from ..analysis import IntervalKind, summary_table
    from ..language import language_for
    from .tables import console, results_table

    stdout, summary, language = console(), summary_table(results), language_for(tag=tag)
    stdout.print(results_table(summary, stdout, language))
    kinds = [IntervalKind(kind) for kind in summary["interval"].unique() if kind]
    if note := language.captions.intervals(kinds):
        stdout.print(note, style="dim")


def _with_intervals(results: pd.DataFrame) -> pd.DataFrame:
    from ..analysis import summary_table

    intervals = summary_table(results)[["run_id", "low", "high", "interval"]]
    return results.merge(intervals, on="run_id", how="left")


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as JSON knows it: plain numbers, null for what is missing."""
    known = table.astype(object).where(table.notna(), None)
    return [
        {str(key): getattr(value, "item", lambda v=value: v)() for key, value in row.items()}
        for row in known.to_dict("records")
    ]


def _print_json(content: Mapping[str, Any] | Sequence[Any]) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


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
