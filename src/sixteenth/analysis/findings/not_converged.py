"""Training that had not ended, of the best network or of one that it is compared with: cautions.

What one network is ahead of another by is of trainings as long as these. Where one of the two was
still improving, longer training may leave less of it, or turn it round.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from ...spec.fields import AT_MAX_EPOCHS, AUTO_ENDS, BY_VALIDATION
from ...spec.train_spec import LEAST_GAIN
from ..inputs.cells import Cell
from ..inputs.context import Context
from ..inputs.grid import Grid
from ..stats.paired import Side
from .cost import longer_seconds
from .doubling import last_steps, training_gain
from .evidence import Evidence
from .explained import Average, ExplainedLever, LeverVerdict
from .levers import Lever
from .options import Option, OptionKind
from .types import Finding

NOTICED = 0.1
"""Share of a lead: a network that gains less by a doubling of its steps is not said to catch up."""


@dataclass(frozen=True)
class NotConverged(Finding):
    """The best network was still improving when its training ended, or may have been.

    Attributes:
        settings: ``KEY=VALUE`` of the study file, which would train it twice as long, or as long as
            the option of longer training was measured; empty where the records do not tell.
        seconds: of training that the study takes then; NaN where not known.
        known: it was improving. Else all that is known is that the last doubling of the steps was
            measured to bring as much as the option that would come first, which may be chance.
    """

    settings: tuple[str, ...]
    seconds: float = math.nan
    known: bool = True

    @classmethod
    def of(
        cls,
        evidence: Evidence,
        options: Sequence[Option],
        compared: Sequence[Cell],
        *,
        trained_first: bool,
    ) -> Iterator[Self]:
        """The finding of a study; see `cautions`.

        None where `explain` trained the networks longer and the best one stayed ahead, but for a
        verdict that is to train longer.
        """
        grid, best = evidence.grid, evidence.best
        improves = _still_improves(evidence, options)
        if not (trained_first or (improves and not _order_stays(evidence, compared))):
            return
        last = last_steps(grid, best, evidence.level)
        known = improves or (last is not None and last.side is Side.ABOVE)
        longer = [one.times_steps for one in options if one.kind is OptionKind.TRAINING]
        times = max(longer, default=2)
        settings, steps = longer_settings(grid, best, evidence.context, times)
        seconds = longer_seconds(grid, evidence.explanation.repeats, times, steps=steps)
        yield cls(settings, seconds, known)


@dataclass(frozen=True)
class CatchingUp(Finding):
    """The best network is told to be ahead of one that was still catching up.

    Attributes:
        best, behind: the two cells.
        lead: accuracy of the best one minus that of the other.
        gain, best_gain: what the last doubling of the steps brought the other and the best one;
            NaN where shorter trainings were not tested, and the training curve alone tells it.
        longer: the lead between average trainings with four times the steps, where `explain`
            measured it.
    """

    best: Cell
    behind: Cell
    lead: float
    gain: float = math.nan
    best_gain: float = math.nan
    longer: Average | None = None

    @property
    def chose_steps(self) -> bool:
        """Runs of one of the two chose their own steps: `explain` cannot train them for more."""
        runs = (*self.best.runs, *self.behind.runs)
        return any(run.chosen_by in AUTO_ENDS for run in runs)

    @classmethod
    def of(cls, evidence: Evidence, leads: Iterable[tuple[Cell, float]]) -> Iterator[Self]:
        """The one that catches up fastest, if there is one.

        None of those of which `explain` has told that the lead stays with longer training, or that
        it goes. A network counts where the last doubling of its steps is known to have helped, and
        brought it more than the best network: half a point at least, and a tenth of the lead.
        Without shorter trainings it counts where its training accuracy was still rising.

        Args:
            leads: cells that the best network is told to be ahead of, and by how much.
        """
        grid, best = evidence.grid, evidence.best
        best_gain = training_gain(grid, best)
        found = []
        for behind, lead in leads:
            if behind.so_far or evidence.guesses(behind):
                continue
            tried = _trained_longer(evidence, behind)
            if any(one.after.low > 0 or one.verdict is LeverVerdict.REASON for one in tried):
                continue
            longer = next((one.after for one in tried), None)
            last = last_steps(grid, behind, evidence.level)
            if last is None or math.isnan(best_gain):
                if evidence.still_climbs(behind) and not evidence.still_climbs(best):
                    found.append(cls(best, behind, lead, longer=longer))
                continue
            faster = last.value - best_gain
            if last.side is Side.ABOVE and faster >= max(LEAST_GAIN, NOTICED * lead):
                found.append(cls(best, behind, lead, last.value, best_gain, longer))
        found.sort(key=lambda one: one.gain - one.best_gain if math.isfinite(one.gain) else 0.0)
        yield from found[-1:]


def _still_improves(evidence: Evidence, options: Sequence[Option]) -> bool:
    """Whether a diagnosis or one of the options says that training of the best had not ended."""
    longer = (one for one in options if one.kind is OptionKind.TRAINING)
    return evidence.still_climbs(evidence.best) or any(one.converged is False for one in longer)


def _order_stays(evidence: Evidence, compared: Sequence[Cell]) -> bool:
    """Whether `explain` trained the best network and all others longer, and it stayed ahead."""
    tried = [_trained_longer(evidence, cell) for cell in compared]
    return bool(tried) and all(any(one.after.low > 0 for one in each) for each in tried)


def _trained_longer(evidence: Evidence, behind: Cell) -> list[ExplainedLever]:
    """What is left between a network and the best one, where `explain` trained both longer."""
    tried = evidence.explanation.levers(behind, evidence.best)
    return [one for one in tried if one.lever is Lever.STEPS]


def longer_settings(
    grid: Grid, best: Cell, context: Context, times: int = 2
) -> tuple[tuple[str, ...], int | None]:
    """The settings of the study file that train the best network so many times as long.

    And the steps of each run then, where these are what is set. Of a table alone, whose recipe is
    not known, the equal epochs or steps of its runs tell.
    """
    if grid.length < 1 or best.so_far:  # the study asks for longer runs
        return (), None
    epochs, steps = best.mean("epochs"), best.mean("steps")
    if all(run.chosen_by == AT_MAX_EPOCHS for run in best.runs) and math.isfinite(epochs):
        return (f"train.max_epochs={round(times * epochs)}",), None
    if context.steps:
        return (f"train.steps={times * context.steps}",), times * context.steps
    if context.epochs:
        return (f"train.epochs={times * context.epochs}",), None
    if any(run.chosen_by == BY_VALIDATION for run in grid.runs):
        return (), None  # its epochs are those that were kept, not those that were trained
    same = {round(cell.mean("epochs")) for cell in grid.by_epochs}
    sizes = {cell.train_size for cell in grid.by_epochs}
    if len(same) == 1 and len(sizes) > 1 and epochs >= 1:
        return (f"train.epochs={round(times * epochs)}",), None
    if not math.isfinite(steps):
        return (), None
    # Runs that chose their epochs do so no longer: `epochs: auto` and `steps` exclude each other.
    chosen = any(run.chosen_by in AUTO_ENDS for run in grid.runs)
    number = ("train.epochs=1",) if chosen else ()
    return (*number, f"train.steps={round(times * steps)}"), round(times * steps)
