"""The command `sixteenth explain`: train what tells why one model is behind another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DataError, InputError
from ..messages import nearest
from .exits import print_message
from .options import (
    DataDirOption,
    DeviceOption,
    FolderArgument,
    JsonOption,
    LangOption,
    ThreadsOption,
    WatchOption,
    WorkersOption,
)
from .studies import json_rows, print_json, retry_clause

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.findings.levers import CellPair, Lever
    from ..language.base import Language
    from ..study import Study
    from ..study.sub_study import SubStudy


def explain(
    folder: FolderArgument,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="RUN RUN",
            help="Two runs of one fraction to compare. Default: where the expectation failed.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LEVER", help="This lever alone, as --plan names it. May be repeated."
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what it will cost, and train nothing.")
    ] = False,
    separate: Annotated[
        bool,
        typer.Option(
            "--separate",
            help="Instead, train the control run that separates images from training steps: half "
            "of the images for the steps of all.",
        ),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Where the study's images are now, if moved."),
    ] = None,
    device: DeviceOption = None,
    workers: WorkersOption = None,
    threads: ThreadsOption = None,
    data_dir: DataDirOption = None,
    watch: WatchOption = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Test why a model is behind: train longer, on larger images, at other learning rates etc."""
    from ..language import language_for
    from ..spec.work import Work
    from ..storage.study_folder import StudyFolder
    from ..study import Study, moved
    from ..study import explain as explaining
    from ..study.kept import check_nothing_lost, lost_reasons, set_lost_repeats_aside
    from ..study.sub_study import RESTORE
    from .display import display_for
    from .watch.beside import watched

    if separate and (between or only):
        raise InputError(
            "--separate trains one control run: leave out --between and --only, or --separate"
        )
    levers = _levers(only or ())
    study = Study.open(folder, data_dir=data_dir, language=lang)
    place = StudyFolder(study.folder)
    # What the report would refuse at the end; but explain itself trains repeats again.
    check_nothing_lost(place, study.runs(), repeats=False)
    machine: dict[str, Any] = {"device": device, "workers": workers, "threads": threads}
    with display_for(study.language) as display:
        display.working(Work.STARTING, 0, 0)
        if data is not None:
            study = moved.look_in(study, data, display, way_out=RESTORE)
        pair = None if separate else explaining.find_pair(study, between)
        moved.check_there(study)
        study.dataset(display)
        if pair is None:
            parts = {"equal-steps": explaining.control_study(study)}
        else:
            found = explaining.find_levers(study, pair, levers)
            parts = {each.lever.value: explaining.sub_study(study, each) for each in found}
        costs = explaining.explain_plan(parts, display, **machine)
    language = language_for(study.findings(), study.language)
    _print_plan(costs, pair, study, language, plan=plan, as_json=as_json)
    if plan:
        return
    if parts and costs.empty:
        raise InputError("nothing was trained: all of it is left out, as the notes above say")
    if data is not None:
        moved.keep_place(study)
    parts = {name: parts[name] for name in costs["lever"]}
    todo = parts.items() if pair is None else explaining.lever_studies(study, pair, parts)
    failed: list[str] = []
    with watched(study.folder, study.language, wanted=watch):
        for number, (name, part) in enumerate(todo):
            heading = _heading(costs, number, name, language)
            failed += _train(heading, name, part, machine, language)
    for notice in (set_lost_repeats_aside(place, study.runs()), lost_reasons(place, study.spec)):
        if notice:
            print_message(notice)
    page = study.report()
    pair = pair and explaining.as_now(study, pair)
    _print_outcome(study, pair, page, as_json=as_json)
    if failed:
        labels = language.terminal
        said = labels.one_failed if len(failed) == 1 else labels.several_failed
        print_message(said.format(len(failed)) + retry_clause(failed, language))
        raise typer.Exit(1)


def _levers(names: Sequence[str]) -> list[Lever]:
    from ..analysis.findings.levers import Lever

    for name in names:
        if name not in list(Lever):
            known = nearest(name, Lever) or f"; there are {', '.join(Lever)}"
            raise InputError(f"--only {name}: no such lever{known}")
    return [Lever(name) for name in names]


def _heading(costs: pd.DataFrame, number: int, name: str, language: Language) -> str:
    """Which part is trained next, and the planned time of it and of all that follow it."""
    from .run_progress import clock

    labels = language.terminal
    if number >= len(costs):
        return labels.lever_again.format(lever=name)
    left = clock(costs["seconds"].iloc[number:].sum())
    return labels.lever_next.format(lever=name, number=number + 1, levers=len(costs), time=left)


def _train(
    heading: str, name: str, part: SubStudy, machine: dict[str, Any], language: Language
) -> Sequence[str]:
    """Train what is not finished; the errors of the runs that failed."""
    from ..engine.acceleration import keep_freed_memory
    from .display import display_for

    if part.left:
        keep_freed_memory()
        print_message(heading, prefix="explain: ")
        try:
            with display_for(part.language) as display:
                part.run(**machine, listener=display)
        except DataError as error:  # larger images may not fit in memory
            print_message(language.terminal.lever_left_out.format(lever=name, error=error))
            return []
    results = part.results()
    failed = results[results["status"] == "failed"]
    for run_id, reason in zip(failed["run_id"], failed["error"], strict=True):
        print_message(reason, prefix=f"  {run_id}: ")
    return list(failed["error"])


def _print_plan(
    costs: pd.DataFrame,
    pair: CellPair | None,
    study: Study,
    language: Language,
    *,
    plan: bool,
    as_json: bool,
) -> None:
    """What is explained, and the costs; on standard error where standard output is for JSON."""
    from ..language.text import plain
    from ..study.explain import seconds_again
    from .tables import console, levers_table, print_text

    seconds = float(costs["seconds"].sum())
    seconds_to_repeat = 0.0 if pair is None else seconds_again(study, pair, costs)
    if plan and as_json:
        print_json(
            {
                **_pair(pair),
                "seconds_left": seconds,
                "seconds_again": seconds_to_repeat,
                "disk_bytes": int(costs["disk_bytes"].sum()),
                "levers": json_rows(costs),
            }
        )
        return
    on, labels = console(errors=as_json), language.terminal
    if pair is not None:
        key, words = (*pair.behind, pair.fraction), language.words
        behind = next(cell for cell in study.findings().grid.cells if cell.without_length == key)
        text = labels.explained.format(cell=words.cell(behind), arm=words.arm(*pair.ahead))
        print_text(plain(text), on)
        on.print()
    on.print(levers_table(costs, on, language))
    left, planned = int(costs["left"].sum()), int(costs["runs"].sum())
    time = language.numbers.duration(seconds)
    said = labels.plan.format(left=left, planned=planned, time=time, how="")
    if seconds_to_repeat:
        time = language.numbers.duration(seconds_to_repeat)
        said += f" {labels.plan_again.format(time=time)}"
    on.print(f"\n{said.strip()}\n")


def _print_outcome(study: Study, pair: CellPair | None, page: Path, *, as_json: bool) -> None:
    from ..language import language_for
    from ..study.explain import explanation
    from .tables import console, print_text

    findings = study.findings()
    language = language_for(findings, study.language)
    found = [] if pair is None else explanation(study, pair)
    said = [language.say(one) for one in found] or list(study.opening())
    if as_json:
        numbers = [one.to_dict() for one in found]
        head = {"study": study.spec.name, "folder": str(study.folder), "report": str(page)}
        print_json({**head, **_pair(pair), "said": said, "findings": numbers})
        return
    on = console()
    for text in said:
        print_text(text, on)
        on.print()
    on.print(language.terminal.report.format(page), soft_wrap=True)


def _pair(pair: CellPair | None) -> dict[str, Any]:
    if pair is None:
        return {}
    ends = {"behind": pair.behind, "ahead": pair.ahead}
    return {
        "fraction": pair.fraction,
        **{key: {"model": model, "init": init} for key, (model, init) in ends.items()},
    }
