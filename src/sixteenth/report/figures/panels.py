"""What stands in each panel of the training curves, and the axes that all panels share.

Computing only; `curves` draws it. Failed and missing runs are holes with their reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sixteenth.analysis import summary_table

from ...language import format as fmt
from ..page.axes import GridAxes, grid_axes, measured

Metric = Literal["loss", "accuracy"]
METRICS: tuple[Metric, ...] = ("loss", "accuracy")


@dataclass(frozen=True)
class SeedCurve:
    """One run's curves: arrays with one entry an epoch, NaN where nothing was measured.

    `clean` is the training value of the final weights, measured on clean images like the test
    value, and `clean_x` the epoch that left these weights: the last, or the one that a validation
    part chose.
    """

    seed: int
    x: NDArray[np.float64]
    train: NDArray[np.float64]
    test: NDArray[np.float64]
    clean: float
    clean_x: float

    @property
    def measured(self) -> int:
        """Epochs with a test value."""
        return int(np.isfinite(self.test).sum())


@dataclass(frozen=True)
class Panel:
    """One cell of the grid: its seeds' curves, and why others are not there."""

    model: str
    init: str
    fraction: str
    curves: tuple[SeedCurve, ...]
    holes: tuple[str, ...]


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
    def clean(self) -> bool:
        """Whether any run has a training value on clean images."""
        return any(np.isfinite(c.clean) for panel in self.panels.values() for c in panel.curves)

    @property
    def several_seeds(self) -> bool:
        """Whether any panel holds more than one run."""
        return any(len(panel.curves) + len(panel.holes) > 1 for panel in self.panels.values())


def curve_panels(
    histories: pd.DataFrame, results: pd.DataFrame, *, metric: Metric = "loss"
) -> CurveGrid:
    """Sort histories into the grid of the study.

    Only finished runs give curves: a failed or missing one is a hole with its reason.
    """
    axes, runs = grid_axes(results), summary_table(results)
    known = (
        {str(run_id): part.sort_values("epoch") for run_id, part in histories.groupby("run_id")}
        if len(histories)
        else {}
    )
    lengths = {known[r]["epoch"].max() for r in measured(results)["run_id"] if r in known}
    x: Literal["epoch", "step"] = "epoch" if len(lengths) <= 1 else "step"
    panels: dict[tuple[str, str, str], Panel] = {}
    drawn: list[SeedCurve] = []
    for model, init in axes.rows:
        for fraction, _ in axes.fractions:
            cell = runs[
                (runs["model"] == model) & (runs["init"] == init) & (runs["fraction"] == fraction)
            ].sort_values("seed")
            curves: list[SeedCurve] = []
            out: list[dict[Any, Any]] = []
            for run in cell.to_dict("records"):
                history = known.get(str(run["run_id"]))
                if run["status"] == "finished" and history is not None:
                    curves.append(
                        SeedCurve(
                            seed=int(run["seed"]),
                            x=history[x].to_numpy(float),
                            train=history[f"train_{metric}"].to_numpy(float),
                            test=history[f"test_{metric}"].to_numpy(float),
                            clean=float(run[f"train_{metric}"]),
                            clean_x=float(_final(history)[x]),
                        )
                    )
                else:
                    out.append(run)
            drawn += curves
            # Beside other seeds' curves there is room for a word; the table has the reason.
            holes = [hole_text(r, name_seed=len(cell) > 1, reason=not curves) for r in out]
            if not len(cell):
                holes.append("not part of the study")
            panels[model, init, fraction] = Panel(
                model, init, fraction, tuple(curves), tuple(holes)
            )
    bottom, top, highest = _limits(drawn, metric)
    return CurveGrid(axes, panels, x, bottom, top, highest)


def _final(history: pd.DataFrame) -> Any:
    """The row of the epoch whose weights are the run's result: a validation part has chosen it."""
    if "validation_accuracy" in history and history["validation_accuracy"].notna().any():
        return history.iloc[int(np.nanargmax(history["validation_accuracy"].to_numpy(float)))]
    return history.iloc[-1]


_UNFINISHED = {
    "missing": "not run yet",
    "interrupted": "interrupted before its end",
    "running": "still running",
}


def hole_text(run: dict[Any, Any], *, name_seed: bool, reason: bool = True) -> str:
    """Why a run has no curve: ``seed 2 failed: the loss became NaN at step 40``."""
    who = f"seed {run['seed']} " if name_seed else ""
    status = str(run["status"])
    if status in _UNFINISHED:
        return f"{who}{_UNFINISHED[status]}"
    if status == "finished":
        return f"{who}finished, but left no history or no accuracy"
    error = run.get("error")
    said = "it failed without a message" if fmt.missing(error) else fmt.plain(error)
    why = f": {said}" if reason else ""
    return f"{who}{fmt.plain(status)}{why}"


def _limits(curves: list[SeedCurve], metric: Metric) -> tuple[float, float, float]:
    """Bottom, top and highest value of the common y axis.

    In its first epochs a network's test loss can be thousands: that must not flatten all other
    curves. A loss axis holds all training losses and every run's last test loss; what stands out
    far above these is cut.
    """
    values = [
        v[np.isfinite(v)]
        for curve in curves
        for v in (curve.train, curve.test, np.array([curve.clean]))
    ]
    flat = np.concatenate(values) if values else np.array([])
    if not len(flat):
        return 0.0, 1.0, 1.0
    low, high = float(flat.min()), float(flat.max())
    if metric == "accuracy":
        pad = max(0.02, 0.05 * (high - low))
        return max(0.0, low - pad), min(1.0, high + pad) + 0.005, high
    kept = [v for curve in curves for v in (*curve.train, *curve.test[-1:]) if np.isfinite(v)]
    usual = 1.15 * max(kept, default=high)
    top = 1.05 * high if high <= 1.3 * usual else usual
    return 0.0, top or 1.0, high
