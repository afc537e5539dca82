"""The command `sixteenth fit`: learning curves from any tool's table of sizes and errors.

It knows of no study, and imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from ..storage.whole_files import check_writable, first_free
from .exits import print_message
from .fit_table import ERROR, SIZE, Request, Trainings, read_trainings
from .options import JsonOption, parse_share, parse_target
from .studies import to_json

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis import LearningCurve
    from ..language.base import Language

    Groups = list[tuple[str, pd.DataFrame]]


def fit(
    table: Annotated[
        Path,
        typer.Argument(metavar="RESULTS.CSV", help="One row a training; or .npz of scikit-learn."),
    ],
    size_column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Training-set sizes. Default: train_size."),
    ] = None,
    error_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Test errors, within 0 and 1.")
    ] = None,
    accuracy_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Test accuracies instead. Default: test_accuracy; in a study's results.csv what "
            "the study decides by.",
        ),
    ] = None,
    percent: Annotated[
        bool, typer.Option("--percent", help="The errors or accuracies are in percent.")
    ] = False,
    total: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Sizes are shares of N images.")
    ] = None,
    last_by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of the rows of one training, take the last by this column, such as epoch.",
        ),
    ] = None,
    run_column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Column that identifies a training. Default: columns called seed, run_id and "
            "the like. May be repeated.",
        ),
    ] = None,
    group_by: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A curve for each value. May be repeated."),
    ] = None,
    test_size: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Images of the test set.")
    ] = None,
    chance: Annotated[
        float | None,
        typer.Option(metavar="ERROR", parser=parse_share, help="Error of guessing: 0.9 or 90%."),
    ] = None,
    target_error: Annotated[
        list[float] | None,
        typer.Option(metavar="ERROR", parser=parse_target, help="How many images would reach it?"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Figure, .svg or .png, written over. Default: table's name with .svg, in the "
            "current folder; NAME-2.svg where that is taken.",
        ),
    ] = None,
    as_json: JsonOption = False,
    lang: Annotated[
        str | None, typer.Option(metavar="TAG", help="en, zh-Hant. Default: the locale's.")
    ] = None,
) -> None:
    """Fit learning curves to any tool's results, print them and draw the figure."""
    from ..language import find_tag, language_for, locale_tag

    language = language_for(tag=find_tag(lang) if lang is not None else locale_tag())
    if error_column and accuracy_column:
        raise InputError("name an --error-column or an --accuracy-column, not both")
    targets = target_error or []
    if out is not None:
        _check_place(out)
    check_writable(Path.cwd() if out is None else out.parent)
    request = Request(
        size=size_column,
        error=error_column,
        accuracy=accuracy_column,
        percent=percent,
        total=total,
        group_by=group_by or [],
        last_by=last_by,
        run_columns=run_column or [],
    )
    read = read_trainings(table, request)
    groups = _groups(read.rows, request.group_by)
    curves = {name: _fit(name, part, test_size, chance) for name, part in groups}
    for note in (_summary(read, groups), *read.notes):
        print_message(note, prefix="note: ")
    place = out or first_free(Path(f"{table.stem}.svg"))
    # All is computed before anything is written, and written before anything is said.
    said = (
        _json(curves, targets, place, read, groups, language)
        if as_json
        else _text(curves, targets, place, language)
    )
    _draw(curves, place, language)
    print(said)


def _check_place(place: Path) -> None:
    """Refuse a place where the figure could not be written, before anything is computed."""
    if place.suffix not in (".svg", ".png"):
        raise InputError(f"the figure {place} is neither .svg nor .png")
    if place.is_dir():
        raise InputError(f"the figure {place} is a folder: name a file")
    if not place.parent.is_dir():
        raise InputError(f"there is no folder {place.parent} for the figure {place.name}: make it")


def _trainings(groups: Groups) -> dict[str, dict[str, int]]:
    """Trainings a size, by curve and size."""
    return {
        name: {f"{size:.15g}": len(part) for size, part in rows.groupby(SIZE)}
        for name, rows in groups
    }


def _summary(read: Trainings, groups: Groups) -> str:
    counts = {number for sizes in _trainings(groups).values() for number in sizes.values()}
    fewest, most = min(counts), max(counts)
    each = f"{fewest} to {most}" if fewest < most else f"{most}"
    curves = f" of each of {len(groups)} curves" if len(groups) > 1 else ""
    return f"{read.summary()}; {each} training{'s' if most > 1 else ''} a size{curves}"


def _json(
    curves: Mapping[str, LearningCurve],
    targets: list[float],
    place: Path,
    read: Trainings,
    groups: Groups,
    language: Language,
) -> str:
    left_out = [
        {"why": why, "rows": len(lines), "lines": lines} for why, lines in read.left_out.items()
    ]
    table = read.facts | {
        "rows": len(read.rows) + sum(map(len, read.left_out.values())),
        "rows_read": len(read.rows),
        "left_out": left_out,
        "trainings": _trainings(groups),
        "notes": read.notes,
    }
    found = {name: _numbers(curve, targets, language) for name, curve in curves.items()}
    content = {"table": table, "curves": found, "figure": str(place)}
    return to_json(content)


def _text(
    curves: Mapping[str, LearningCurve], targets: list[float], place: Path, language: Language
) -> str:
    from ..language.text import fill

    lines = []
    for name, curve in curves.items():
        lines += [name, language.learning_curve(curve)]
        for target in targets:
            answer = language.required_size(curve.required_size(target))
            lines.append(fill(answer, first="  ", rest="    "))
        lines.append("")
    return "\n".join([*lines, language.terminal.figure.format(place)])


def _groups(rows: pd.DataFrame, group_by: Sequence[str]) -> Groups:
    if not group_by:
        return [("all rows", rows)]
    # In the order of the file, which is the order that its maker meant.
    parts = rows.groupby(list(group_by), sort=False, dropna=False)
    found: dict[str, pd.DataFrame] = {}
    for values, part in parts:
        name = joined = " · ".join(map(str, values))
        while name in found:  # of other values, which hold the mark between them
            name = f"{joined} ({len(found) + 1})"
        found[name] = part
    return list(found.items())


def _fit(
    name: str, rows: pd.DataFrame, test_size: int | None, chance: float | None
) -> LearningCurve:
    from ..analysis import fit_learning_curve

    parts = rows.groupby(SIZE)[ERROR]
    by_size = [(float(str(size)), errors.to_numpy(float)) for size, errors in parts]
    try:
        return fit_learning_curve(
            [size for size, _ in by_size],
            [errors for _, errors in by_size],
            test_size=test_size,
            chance=chance,
        )
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _draw(curves: Mapping[str, LearningCurve], place: Path, language: Language) -> None:
    from ..language import language_for
    from ..report.figures.fit import fit_figure
    from ..report.figures.style import png, svg
    from ..report.figures.text import can_draw
    from ..storage.whole_files import write_whole

    if place.suffix == ".png" and not can_draw(language.sample):
        print_message(f"no font here has the letters of {language.tag}: {place} is in English")
        language = language_for()
    figure = fit_figure(curves, language)
    content = (
        png(figure) if place.suffix == ".png" else svg(figure, language.figures.learning_curves)
    )
    write_whole(place, lambda file: file.write(content))


def _numbers(curve: LearningCurve, targets: list[float], language: Language) -> dict[str, Any]:
    """A curve as JSON knows it."""
    forecasts = []
    for factor in (1, 2, 4):
        n = factor * float(curve.sizes[-1])
        low, high = curve.interval(n)
        forecasts.append(
            {"size": n, "error": float(curve.predict(n)), "low": float(low), "high": float(high)}
        )
    return {
        "alpha": curve.alpha,
        "eta": curve.eta,
        "gamma": curve.gamma,
        "alpha_interval": curve.alpha_interval,
        "eta_interval": curve.eta_interval,
        "gamma_interval": curve.gamma_interval,
        "sizes": curve.sizes.tolist(),
        "errors": curve.errors.tolist(),
        "forecasts": forecasts,
        "required_sizes": [asdict(curve.required_size(target)) for target in targets],
        "warnings": [language.curve_warning(kind, len(curve.sizes)) for kind in curve.warnings],
    }
