"""The command `sixteenth plan`: what a study will cost, before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from .epochs import epochs_hint, say_epochs
from .exits import print_message, this_command
from .options import BudgetOption, Flags, StudyArgument, with_flags
from .studies import json_rows, load_study, print_json

if TYPE_CHECKING:
    import pandas as pd

    from ..language.base import Language
    from ..study.planning.precision import Precision
    from ..study.study import Study


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
        say_epochs(load_study(study, flags), flags)
        return
    from ..study.planning.cost import free_bytes
    from ..study.preflight import check_disk
    from .display import display_for
    from .tables import console

    loaded = load_study(study, flags)
    with display_for(loaded.language) as display:
        table = loaded.plan(**flags.machine(), budget=budget, listener=display)
    todo = table[table["chosen"]]
    totals = {
        "seconds_left": float(todo["ends"].max()) if len(todo) else 0.0,
        "disk_bytes": int(todo["disk_bytes"].sum()),
        "checkpoint_bytes": int(todo["checkpoint_bytes"].max()) if len(todo) else 0,
        "free_bytes": free_bytes(loaded.folder),
    }
    if flags.as_json:
        print_json({**_head(loaded, table, budget), **totals, "runs": json_rows(table)})
    else:
        _print(loaded, table, totals, flags.executor)
        command = this_command("--check-epochs")
        if hint := epochs_hint(loaded.spec, totals["seconds_left"], command, loaded.language):
            console().print(hint, soft_wrap=True)
    try:
        check_disk(loaded.folder, table.attrs["disk_needed"])
    except InputError as error:
        # The plan is what was asked for, and shows what to make smaller.
        print_message(error)
        raise typer.Exit(1) from None


def _head(study: Study, table: pd.DataFrame, budget: float | None) -> dict[str, Any]:
    """What `plan --json` says of a study, its images, and what a budget leads one to expect."""
    head: dict[str, Any] = {
        "study": study.spec.name,
        "folder": str(study.folder),
        "weights": study.weights(),
    }
    precision: Precision | None = table.attrs.get("precision")
    if precision is not None:
        expected = {
            key: value if math.isfinite(value) else None for key, value in asdict(precision).items()
        }
        head |= {"budget": budget, "expected": expected}
    head["data"] = study.dataset().understood.to_dict()
    return head


def _print(
    study: Study, table: pd.DataFrame, totals: Mapping[str, float], executor: str | None
) -> None:
    """The runs as a table, then what they take, and what a budget leads one to expect."""
    from ..language import language_for
    from .tables import console, plan_table, print_text, side_by_side

    out, language = console(), language_for(tag=study.language)
    numbers, labels = language.numbers, language.terminal
    todo, finished = table[table["chosen"]], table["status"] == "finished"
    out.print(plan_table(table[table["chosen"] | finished], out, language))
    most = side_by_side(todo)
    here = executor in (None, "local")
    lines = [
        "",
        (labels.plan if here else labels.plan_elsewhere).format(
            executor=executor,
            left=len(todo),
            planned=len(table),
            time=numbers.duration(totals["seconds_left"]),
            how=labels.together.format(most) if most > 1 else "",
        ),
    ]
    train = study.spec.train
    if train.epochs == "auto" and len(todo):
        lines.append(labels.plan_most)
    lines.append(
        labels.plan_disk.format(
            kept=numbers.size(totals["disk_bytes"]),
            training=numbers.size(totals["checkpoint_bytes"]),
            free=numbers.size(totals["free_bytes"]),
        )
    )
    precision: Precision | None = table.attrs.get("precision")
    if precision is not None:
        if left_out := int((~finished).sum()) - len(todo):
            said = labels.one_left_out if left_out == 1 else labels.left_out
            lines.append(said.format(left_out))
        lines += _expected(precision, language)
    for line in lines:
        print_text(line, out)


def _expected(precision: Precision, language: Language) -> Iterator[str]:
    """How wide the intervals of the answer are expected to be."""
    numbers, labels = language.numbers, language.terminal
    if math.isfinite(precision.comparison):
        yield labels.expected_comparison.format(
            images=numbers.count(precision.train_size),
            accuracy=numbers.percent(precision.accuracy, 0),
            width=numbers.decimal(100 * precision.comparison, 1),
            level=numbers.percent(precision.level, 0),
        )
    if math.isfinite(precision.forecast):
        yield labels.expected_forecast.format(
            width=numbers.decimal(100 * precision.forecast, 1),
            level=numbers.percent(precision.forecast_level, 0),
        )
