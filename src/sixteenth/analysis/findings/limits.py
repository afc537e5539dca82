"""What a study cannot say, read from how it was run."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...language.numbers import count, join, plural, points
from ..curves.joint import CURVE_LEVEL, Curves
from ..inputs.grid import Grid, Run
from .expectation import SizeVerdict
from .types import Claim, Finding

FEW_EPOCHS = 10
"""Below this a study speaks of few epochs: common recipes for small images use 15 to 200."""


def limits(grid: Grid, rows: Sequence[SizeVerdict], curves: Curves) -> list[Finding]:
    """One claim for each limit that applies, the weightiest first.

    Args:
        grid: the study.
        rows: its comparisons of the smallest with the largest model.
        curves: its fitted curves.
    """
    runs = [run for cell in grid.cells for run in cell.runs]
    return [
        *_seeds(grid),
        *_epochs(runs, several=len(grid.models) > 1),
        *_chosen(runs),
        *_pairing(grid),
        *_sizes(grid, curves),
        *_visible(rows),
        *_recipe(grid),
    ]


def _seeds(grid: Grid) -> list[Claim]:
    numbers = sorted({len(cell.runs) for cell in grid.cells})
    if not numbers:
        return []
    evidence: dict[str, object] = {"seeds": numbers}
    if numbers == [1]:
        text = (
            "Each cell was trained once. Intervals and probabilities hold for other test images, "
            "not for other trainings (Dietterich 1998): how far two seeds of one cell lie apart "
            "was not measured, and a small difference may be luck even where its interval excludes "
            "zero."
        )
    elif numbers[0] == 1:
        text = (
            f"The cells were trained with 1 to {numbers[-1]} seeds; where there is one, the spread "
            "between trainings is not in the interval."
        )
    elif numbers[0] < 5:
        span = join([str(number) for number in numbers], "or")
        text = (
            f"With {span} seeds a cell the spread between trainings is known only roughly; "
            "the intervals are as wide as that requires."
        )
    else:
        return []
    return [Claim(text, evidence, "note")]


def _epochs(runs: list[Run], *, several: bool) -> list[Claim]:
    epochs = sorted({run.epochs for run in runs if math.isfinite(run.epochs)})
    claims = []
    if len(epochs) == 1 and epochs[0] < FEW_EPOCHS:
        order = " and could change the order of the models" if several else ""
        text = (
            f"All runs had {plural(round(epochs[0]), 'epoch')}, which is few: longer training "
            f"usually raises accuracies{order}."
        )
        claims.append(Claim(text, {"epochs": epochs[0]}, "note"))
    return claims


def _recipe(grid: Grid) -> list[Claim]:
    if len(grid.cells) < 2:
        return []
    text = "One training recipe served all runs: a recipe tuned to a model or a size could change "
    text += "their order." if len(grid.models) > 1 else "these numbers."
    return [Claim(text, {}, "note")]


def _chosen(runs: list[Run]) -> list[Claim]:
    ways = {run.chosen_by for run in runs if run.chosen_by}
    if ways == {"last"}:
        text = (
            "Accuracies are those of the last epoch: the test set chose nothing, and a run that "
            "was better earlier is not credited for it."
        )
    elif ways == {"validation"}:
        text = (
            "The epoch was chosen on a validation part cut from each training subset, which leaves "
            "fewer images to train on than the size says; the test set chose nothing."
        )
    elif ways:
        text = f"The epoch was chosen in different ways in different runs ({join(sorted(ways))})."
    else:
        return []
    return [Claim(text, {"chosen_by": sorted(ways)}, "note")]


def _pairing(grid: Grid) -> list[Claim]:
    finished = [run_id for cell in grid.cells for run_id in cell.run_ids]
    without = [run_id for run_id in finished if run_id not in grid.correct]
    if len(finished) < 2 or not without:
        return []
    why = grid.unpaired or "some runs have no predictions that match their accuracy"
    text = (
        f"Differences are not all paired by test image, because {why}; such intervals are wider "
        "than they had to be."
    )
    return [Claim(text, {"run_ids": without}, "note")]


def _sizes(grid: Grid, curves: Curves) -> list[Claim]:
    sizes = sorted({cell.train_size for cell in grid.cells})
    if len(sizes) == 1:
        text = (
            f"There is one training-set size, {count(sizes[0])} images: what more images would buy "
            "was not part of this study."
        )
    elif curves.fits:
        few = (
            f"{plural(len(sizes), 'size')} do not fix the shape of a learning curve. "
            if len(sizes) < 4
            else ""
        )
        text = (
            f"{few}What is said beyond {count(sizes[-1])} images is a forecast by a power law. Its "
            f"{CURVE_LEVEL:.0%} intervals were calibrated on learning curves of other data; a "
            "curve that bends differently than those did can leave them."
        )
    else:
        return []
    return [Claim(text, {"train_sizes": sizes}, "note")]


def _visible(rows: Sequence[SizeVerdict]) -> list[Claim]:
    """The smallest difference between the two models that the study could have seen."""
    seen = [row.detectable for row in rows if math.isfinite(row.detectable)]
    if not seen:
        return []
    span = points(max(seen))
    if f"{100 * min(seen):.1f}" != f"{100 * max(seen):.1f}":
        span = f"{100 * min(seen):.1f} to {points(max(seen))}"
    text = (
        f"A true difference between the two models would have been seen with 80% probability from "
        f"about {span} on"
    )
    return [Claim(f"{text}.", {"detectable": seen, "comparisons": len(rows)}, "note")]
