"""What stands in each panel of the training curves, and the axes that all panels share.

Computing only; `training_curves` draws it. Failed and missing runs are holes with their reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...analysis import read_grid, rows_by_run, runs_table
from ...language.captions import CurveMetric, Hole
from ...spec.fields import is_frozen
from ..axes import GridAxes, grid_axes

MOST_CURVES = 12
"""Runs whose single curves a panel shows; of more it shows the median and the range."""

METRICS: tuple[CurveMetric, ...] = get_args(CurveMetric)


@dataclass(frozen=True)
class SeedCurve:
    """One run's curves: arrays with one entry an epoch, NaN where nothing was measured.

    `clean` is the training value of the final weights, measured on clean images like the test
    value, and `clean_x` the epoch that left these weights: the last, or the one that a validation
    part chose. `shorter_x` and `shorter` are the ends and test values of trainings for a part of
    the steps, whose learning rate came down there. A run that is measured `so_far` is not at its
    end.
    """

    seed: int
    x: NDArray[np.float64]
    train: NDArray[np.float64]
    test: NDArray[np.float64]
    clean: float
    clean_x: float
    shorter_x: NDArray[np.float64]
    shorter: NDArray[np.float64]
    so_far: bool = False

    @property
    def measured(self) -> int:
        """Epochs with a test value."""
        return int(np.isfinite(self.test).sum())


@dataclass(frozen=True)
class Range:
    """The middle of many runs' values and how far they reach, at each `x` that any of them has."""

    x: NDArray[np.float64]
    low: NDArray[np.float64]
    middle: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, curves: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Range:
        """Of the finite values of curves (x, y)."""
        points = pd.DataFrame(
            {
                "x": np.concatenate([x for x, _ in curves]),
                "y": np.concatenate([y for _, y in curves]),
            }
        )
        points = points[np.isfinite(points["y"])]
        found = points.groupby("x")["y"].agg(["min", "median", "max"])
        ends = (found[name].to_numpy(float) for name in ("min", "median", "max"))
        return cls(found.index.to_numpy(float), *ends)


@dataclass(frozen=True)
class Panel:
    """One cell of the grid: its seeds' curves, and why others are not there.

    A cell that is not part of the study has neither.
    """

    model: str
    init: str
    fraction: str
    curves: tuple[SeedCurve, ...]
    holes: tuple[Hole, ...]

    @property
    def runs(self) -> int:
        """How many runs the cell has."""
        return len(self.curves) + sum(max(1, hole.unkept) for hole in self.holes)

    @property
    def so_far(self) -> int:
        """How many of its curves are of runs that were measured and are not at their end."""
        return sum(curve.so_far for curve in self.curves)

    @property
    def crowded(self) -> bool:
        """Whether it shows the median and the range of its curves, and none by itself."""
        return len(self.curves) > MOST_CURVES

    @cached_property
    def ranges(self) -> tuple[Range, Range, Range]:
        """Of the training curves, the test curves and the final training values."""
        train = Range.of([(curve.x, curve.train) for curve in self.curves])
        test = Range.of([(curve.x, curve.test) for curve in self.curves])
        return (
            train,
            test,
            Range.of([(np.array([c.clean_x]), np.array([c.clean])) for c in self.curves]),
        )


@dataclass(frozen=True)
class CurveGrid:
    """All panels and the axes that they share.

    Attributes:
        x: "epoch", or "step" where the runs have different numbers of epochs.
        top: upper end of the y axis; values above it are cut off.
        highest: the largest value there is.
    """

    axes: GridAxes
    panels: dict[tuple[str, str, str], Panel]
    x: Literal["epoch", "step"]
    bottom: float
    top: float
    highest: float

    @property
    def shown(self) -> int:
        """How many runs have a curve."""
        return sum(len(panel.curves) for panel in self.panels.values())

    @property
    def planned(self) -> int:
        """How many runs there are, with those that have none."""
        return self.shown + sum(len(panel.holes) for panel in self.panels.values())

    @property
    def clean(self) -> bool:
        """Whether any run has a training value on clean images."""
        return any(np.isfinite(c.clean) for panel in self.panels.values() for c in panel.curves)

    @property
    def shorter(self) -> bool:
        """Whether any run has a test value of a shorter training, in a panel that shows each."""
        return any(
            len(c.shorter)
            for panel in self.panels.values()
            if not panel.crowded
            for c in panel.curves
        )

    @property
    def every_epoch(self) -> bool:
        """Whether each epoch that is drawn has a test value."""
        return all(len(c.x) == c.measured for panel in self.panels.values() for c in panel.curves)

    @property
    def crowded(self) -> bool:
        """Whether any panel shows a median and a range."""
        return any(panel.crowded for panel in self.panels.values())

    @property
    def several_seeds(self) -> bool:
        """Whether any panel holds more than one run."""
        return any(panel.runs > 1 for panel in self.panels.values())


def trained(results: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs that have epochs: all but heads on frozen features."""
    return results[~results["init"].astype(str).map(is_frozen).astype(bool)]


def curve_panels(
    histories: pd.DataFrame,
    results: pd.DataFrame,
    *,
    metric: CurveMetric = "loss",
    unfinished: bool = False,
) -> CurveGrid:
    """Sort histories into the grid of the study.

    Only finished runs give curves: a failed or missing one is a hole with its reason. With
    `unfinished`, every run that has ended an epoch gives one.
    """
    results = trained(results)
    grid = read_grid(results)
    axes, runs = grid_axes(grid), runs_table(grid)
    known = rows_by_run(histories)
    column = cache(lambda name: histories[name].to_numpy(float))
    ended = (known[run.run_id] for run in grid.runs if run.finished and run.run_id in known)
    lengths = {column("epoch")[rows[-1]] for rows in ended}
    x: Literal["epoch", "step"] = "epoch" if len(lengths) <= 1 else "step"
    others = {
        key: tuple(part.sort_values("length")[[f"{x}s", f"test_{metric}"]].to_numpy(float).T)
        for key, part in _shorter(results, metric).groupby(["model", "init", "fraction", "seed"])
    }
    nothing = np.empty(0), np.empty(0)
    validated = column("validation_accuracy") if "validation_accuracy" in histories else None
    panels: dict[tuple[str, str, str], Panel] = {}
    drawn: list[SeedCurve] = []
    for model, init in axes.rows:
        for fraction, _ in axes.fractions:
            cell = runs[
                (runs["model"] == model) & (runs["init"] == init) & (runs["fraction"] == fraction)
            ].sort_values("seed")
            curves: list[SeedCurve] = []
            out: list[dict[Any, Any]] = []
            unkept = 0
            for run in cell.to_dict("records"):
                rows = known.get(str(run["run_id"]))
                measured = pd.notna(run["test_accuracy"])
                # Of a run that was measured and goes on, the history does not end where that was.
                whole = run["status"] == "finished"
                if rows is not None and (unfinished or whole or measured):
                    short = others.get((model, init, fraction, run["seed"]), nothing)
                    curves.append(
                        SeedCurve(
                            seed=int(run["seed"]),
                            x=column(x)[rows],
                            train=column(f"train_{metric}")[rows],
                            test=column(f"test_{metric}")[rows],
                            clean=float(run[f"train_{metric}"]) if whole else math.nan,
                            clean_x=float(column(x)[_final(rows, validated)]),
                            shorter_x=short[0],
                            shorter=short[1],
                            so_far=bool(measured and not whole),
                        )
                    )
                elif measured:
                    unkept += 1
                else:
                    out.append(run)
            drawn += curves
            # Beside other seeds' curves there is room for a word; the table has the reason.
            holes = [hole(r, name_seed=len(cell) > 1, reason=not curves) for r in out]
            if unkept:
                holes.append(Hole(None, "finished", None, unkept))
            panels[model, init, fraction] = Panel(
                model, init, fraction, tuple(curves), tuple(holes)
            )
    bottom, top, highest = _limits(drawn, metric)
    return CurveGrid(axes, panels, x, bottom, top, highest)


def _shorter(results: pd.DataFrame, metric: CurveMetric) -> pd.DataFrame:
    """The rows of measured lengths that training curves do not end with; none of tables without
    lengths."""
    if not {"length", "steps", "epochs", f"test_{metric}"} <= set(results):
        return results[:0]
    measured = results[f"test_{metric}"].notna()
    ends = (results["length"] >= 1) & (results["status"] == "finished")
    return results[measured & (results["length"] <= 1) & ~ends]


def curve_grids(histories: pd.DataFrame, results: pd.DataFrame) -> dict[CurveMetric, CurveGrid]:
    """The grid of each metric; none where no run has ended an epoch."""
    metrics = METRICS if len(histories) and len(trained(results)) else ()
    return {metric: curve_panels(histories, results, metric=metric) for metric in metrics}


def _final(rows: NDArray[np.intp], validated: NDArray[np.float64] | None) -> int:
    """The row of the epoch whose weights are the run's result: a validation part has chosen it."""
    if validated is not None and not np.isnan(validated[rows]).all():
        return int(rows[np.nanargmax(validated[rows])])
    return int(rows[-1])


def hole(run: dict[Any, Any], *, name_seed: bool, reason: bool = True) -> Hole:
    """Why a run, a row of the analysis' summary table, has no curve and no numbers."""
    return Hole(
        seed=int(run["seed"]) if name_seed else None,
        status=str(run["status"]),
        error=str(run["error"]) if reason else None,
    )


def _limits(curves: list[SeedCurve], metric: CurveMetric) -> tuple[float, float, float]:
    """Bottom, top and highest value of the common y axis.

    In its first epochs a network's test loss can be thousands: that must not flatten all other
    curves. A loss axis holds all training losses and every run's last test loss; what stands out
    far above these is cut.
    """
    values = [
        v[np.isfinite(v)]
        for curve in curves
        for v in (curve.train, curve.test, curve.shorter, np.array([curve.clean]))
    ]
    flat = np.concatenate(values) if values else np.array([])
    if not len(flat):
        return 0.0, 1.0, 1.0
    low, high = float(flat.min()), float(flat.max())
    if metric == "accuracy":
        pad = max(0.02, 0.05 * (high - low))
        return max(0.0, low - pad), min(1.0, high + pad) + 0.005, high
    kept = np.concatenate([part for curve in curves for part in (curve.train, curve.test[-1:])])
    usual = 1.15 * float(max(kept[np.isfinite(kept)], default=high))
    top = 1.05 * high if high <= 1.3 * usual else usual
    return 0.0, top or 1.0, high
