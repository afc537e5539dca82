"""The names of the lines in the accuracy figure: at their ends, or in a legend above.

A line's name stands where its forecast ends, moved apart where two lines end close together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...analysis import Band
from ...analysis.inputs.cells import Arm
from ...language.base import Language
from ...language.text import plain
from .style import Look, draw_key, move_apart
from .text import shortened

_LABELS_AT = 1.04
"""Where labels beside the axes begin, in widths of the axes."""


@dataclass(frozen=True)
class AccuracyLine:
    """One model from one kind of initial weights: the cells that were measured, smallest first.

    Attributes:
        sizes, means, lows, highs: one entry a cell; accuracies in [0, 1].
        so_far: whether a training of the cell is not at its end, one entry a cell.
        seeds: (size, accuracy, seed) of every finished run.
    """

    model: str
    init: str
    sizes: tuple[float, ...]
    means: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    so_far: tuple[bool, ...]
    seeds: tuple[tuple[float, float, int], ...]

    @property
    def arm(self) -> Arm:
        return self.model, self.init

    @property
    def several_seeds(self) -> bool:
        """Whether a cell has more than one run, so that means and runs are drawn apart."""
        return len(self.seeds) > len(self.sizes)

    @property
    def gid(self) -> str:
        """Of the points at its means: where each cell has one run, they are the runs."""
        return f"{'means' if self.several_seeds else 'seeds'}-{self.key}"

    @property
    def key(self) -> str:
        """What is left of a `gid` behind the kind of mark."""
        return plain(f"{self.model}/{self.init}")


def end_labels(
    figure: Figure,
    axes: Axes,
    lines: Sequence[AccuracyLine],
    shifts: Sequence[float],
    look: dict[Arm, Look],
    bands: Mapping[Arm, Band],
    language: Language,
) -> None:
    """Each line's name at its end, moved apart where two lines end close together."""
    several_inits = len({line.init for line in lines}) > 1
    box = axes.get_position()
    room = (1 - box.x0 - _LABELS_AT * box.width) * figure.get_figwidth() - 0.03
    points = box.height * figure.get_figheight() * 72
    low, high = axes.get_ylim()
    data_per_point = (high - low) / points
    gap = (25.0 if several_inits else 14.0) * data_per_point
    keys = [line.arm for line in lines]
    ends = [
        1 - float(bands[key].middle[-1]) if key in bands else line.means[-1]
        for key, line in zip(keys, lines, strict=True)
    ]
    last = [
        (bands[key].sizes[-1] if key in bands else line.sizes[-1]) * np.exp(shift)
        for key, line, shift in zip(keys, lines, shifts, strict=True)
    ]
    half = gap / 2
    placed = move_apart(ends, gap, low + half, high - half)
    left, right = np.log(axes.get_xlim())
    for line, size, end, y in zip(lines, last, ends, placed, strict=True):
        style = look[line.arm]
        at = (np.log(size) - left) / (right - left)
        fraction = (y - low) / (high - low)
        end_fraction = (end - low) / (high - low)
        axes.plot(
            [min(1.0, at + 0.03), 1.005, 1.03],
            [end_fraction, end_fraction if at > 0.9 else fraction, fraction],
            color=style.colour,
            lw=0.7,
            alpha=0.55,
            transform=axes.transAxes,
            clip_on=False,
            gid="leader",
        )
        apart = 0.0 if not several_inits else 5.8 / points
        axes.text(
            _LABELS_AT,
            fraction + apart,
            shortened(language.model(line.model), room, bold=True),
            color=style.ink,
            fontweight="bold",
            transform=axes.transAxes,
            va="center_baseline",
            gid="label",
        )
        if several_inits:
            axes.text(
                _LABELS_AT,
                fraction - apart,
                shortened(language.init(line.init), room, 8.5),
                color=style.ink,
                fontsize=8.5,
                transform=axes.transAxes,
                va="center_baseline",
                gid="label-init",
            )


def legend(
    target: Figure | Axes,
    lines: Sequence[AccuracyLine],
    look: dict[Arm, Look],
    language: Language,
    inches: float,
) -> None:
    """The names of all lines: above the axes of a figure of its own, or inside given axes.

    Args:
        inches: the width that a name has.
    """
    several_inits = len({line.init for line in lines}) > 1
    handles = [
        Line2D([], [], color=s.colour, ls=s.dash, marker=s.marker, lw=1.8, ms=5.5, mec="white")
        for s in (look[line.arm] for line in lines)
    ]
    names = [
        f"{language.model(line.model)} · {language.init(line.init)}"
        if several_inits
        else language.model(line.model)
        for line in lines
    ]
    draw_key(target, handles, [shortened(name, inches) for name in names], handlelength=2.6)
