"""What the options, the advice, the answer, its cautions and the first screen rest on.

`analyse` finds it once and hands it on. A module that reads one or two parts of it alone takes
these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..curves.joint import Curves
from ..inputs.cells import Arm, Cell
from ..inputs.context import Context
from ..inputs.grid import Grid
from ..stats.paired import best_network
from .diagnosis import AtChance, DiagnosisFinding, TooFewSteps
from .doubling import LastDoubling
from .explained import Explanation


@dataclass(frozen=True)
class Evidence:
    """A study with what was found in it before anything is recommended.

    Attributes:
        curves: the fitted learning curves of the study's grid.
        context: what the tables do not say, as the data set's name.
        level: coverage of the intervals of what was measured; forecasts have their own.
        diagnoses: of single runs; that training had not ended is read from them.
        doublings: what the last doubling of the images bought, of each curve that tells.
        explanation: what `explain` has told; empty where it was not asked.
    """

    curves: Curves
    context: Context
    level: float
    diagnoses: Sequence[DiagnosisFinding] = ()
    doublings: Sequence[LastDoubling] = ()
    explanation: Explanation = field(default_factory=Explanation)

    @property
    def grid(self) -> Grid:
        """The study's cells."""
        return self.curves.grid

    @cached_property
    def best(self) -> Cell:
        """The best network's cell; one must have finished."""
        return best_network(self.grid)

    def still_climbs(self, cell: Cell) -> bool:
        """Whether a diagnosis of one of its trainings says that it had not ended."""
        few = (each for each in self.diagnoses if isinstance(each, TooFewSteps))
        return any(each.run_id in cell.run_ids for each in few)

    def can_have(self, images: float, seeds: int) -> bool:
        """Whether each of so many seeds can have so many training images of its own."""
        return not self.context.disjoint or images * seeds <= self.grid.labelled

    def guesses(self, cell: Cell) -> bool:
        """Whether diagnoses of all its trainings say that it is no better than guessing."""
        guessing = {each.run_id for each in self.diagnoses if isinstance(each, AtChance)}
        return guessing.issuperset(cell.run_ids)

    def last_doubling(self, arm: Arm) -> LastDoubling | None:
        """Of the images of one model and init; None where its curve does not tell."""
        return next((one for one in self.doublings if one.arm == arm), None)
