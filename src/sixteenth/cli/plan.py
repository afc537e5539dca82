"""The command `sixteenth plan`: what a study will cost, before anything is trained."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ..errors import InputError
from .epochs import epochs_hint, say_epochs
from .exits import print_message
from .options import BudgetOption, Flags, StudyArgument, with_flags
from .studies import json_rows, load_study, print_json


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
    from ..language import language_for
    from ..study.planning.cost import free_bytes
    from ..study.preflight import check_disk
    from .display import display_for
    from .tables import console, plan_table, side_by_side

    loaded = load_study(study, flags)
    with display_for(loaded.language) as display:
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
        print_json({**head, **totals, "runs": json_rows(table)})
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
