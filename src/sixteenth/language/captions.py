"""What is said of figures and tables: under them, inside them, and to a screen reader."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ..analysis.curves.learning_curve import LearningCurve
from ..analysis.curves.points import CurveWarning
from ..analysis.findings.options import Option
from ..analysis.findings.per_class import ClassCurves, ClassRecall
from ..analysis.inputs.cells import Arm, Cell
from ..analysis.stats.intervals import IntervalKind
from .text import plain
from .words import Words

CurveMetric = Literal["loss", "accuracy"]


class Line(Protocol):
    """The measured accuracies of one model and init, the smallest training set first."""

    @property
    def arm(self) -> Arm: ...
    @property
    def sizes(self) -> Sequence[float]: ...
    @property
    def means(self) -> Sequence[float]: ...
    @property
    def lows(self) -> Sequence[float]: ...
    @property
    def highs(self) -> Sequence[float]: ...
    @property
    def so_far(self) -> Sequence[bool]: ...


@dataclass(frozen=True)
class Hole:
    """A run that has no curve and no numbers, or runs of a cell that have numbers alone.

    Attributes:
        seed: None where no other run of its cell has to be told from it.
        status: of the run.
        error: what it said when it failed, maybe nothing; None where that is told elsewhere.
        unkept: how many finished runs it stands for whose curves alone are gone; else 0.
    """

    seed: int | None
    status: str
    error: str | None
    unkept: int = 0


@dataclass(frozen=True)
class CurvesShown:
    """How the training curves of a figure were measured and drawn.

    Attributes:
        several_seeds: a panel holds more than one run.
        single: of how many runs a panel shows each, where some panels hold more and show the
            median and the range of theirs; 0 where none does.
        clean: there are training values on clean images.
        shorter: there are test values of trainings for a part of the steps.
        every_epoch: the test value of every epoch was measured.
        top, highest: the upper end of the axis, and the largest value.
        smoothing: the label smoothing that is in the training losses.
        augmented: training images are changed at random.
        test_augmentation: over which views test predictions were averaged; ``none`` of heads.
        validated: a validation part chose the epoch of the result.
    """

    metric: CurveMetric
    several_seeds: bool
    single: int
    clean: bool
    shorter: bool
    every_epoch: bool
    top: float
    highest: float
    smoothing: float
    augmented: bool
    test_augmentation: str
    validated: bool


class Captions(ABC):
    """Captions, and the labels that depend on what is shown. All are plain text on one line."""

    def __init__(self, words: Words) -> None:
        self.words = words

    @abstractmethod
    def accuracy(
        self,
        kinds: Collection[IntervalKind],
        level: float,
        *,
        several_seeds: bool,
        several_lines: bool,
        so_far: bool = False,
        band_level: float | None,
    ) -> str:
        """Which points, lines and intervals the accuracy figure shows.

        Args:
            kinds, level: of the intervals.
            several_seeds: a cell was trained more than once.
            several_lines: points at one size stand side by side.
            so_far: the points of cells with a training that is not at its end are open.
            band_level: of the intervals of the fitted curves; None without them.
        """

    @abstractmethod
    def accuracy_alt(self, lines: Sequence[Line]) -> str:
        """The accuracy figure's numbers in words."""

    @abstractmethod
    def points(self, line: Line) -> str:
        """What each point of a line says, one a line of text."""

    @abstractmethod
    def options(self, options: Sequence[Option]) -> str:
        """How to read the options figure."""

    @abstractmethod
    def options_alt(self, options: Sequence[Option]) -> str:
        """The options figure in words."""

    @abstractmethod
    def classes(self, shown: ClassCurves) -> str:
        """Which lines the figure of the classes shows."""

    @abstractmethod
    def classes_alt(self, named: Sequence[ClassRecall], shown: ClassCurves) -> str:
        """The `named` classes' recalls in words."""

    @abstractmethod
    def option(self, option: Option) -> str:
        """What an option is, beside its point in the figure."""

    def cell(self, cell: Cell) -> str:
        """A cell, over the options that start from it."""
        return plain(self.words.cell(cell))

    @abstractmethod
    def curves(self, shown: CurvesShown) -> str:
        """What the two lines of each panel are, since they are not measured in the same way."""

    @abstractmethod
    def curves_alt(
        self,
        metric: CurveMetric,
        arms: Sequence[Arm],
        fractions: Sequence[str],
        *,
        shown: int,
        planned: int,
    ) -> str:
        """What the small multiples show; their numbers stand in the results table."""

    @abstractmethod
    def hole(self, hole: Hole) -> str:
        """Why a run has no curve: ``seed 2 failed: the loss became NaN at step 40``."""

    @abstractmethod
    def not_ended(self, number: int, runs: int) -> str:
        """That so many of a panel's runs were measured before their end."""

    @abstractmethod
    def results(self, *, several_seeds: bool, test_augmentation: str, frozen: bool = False) -> str:
        """What the columns of the results table mean.

        Args:
            frozen: some rows are of heads on frozen features, which are tested without
                `test_augmentation`.
        """

    @abstractmethod
    def fits(self, fits: Mapping[Arm, LearningCurve]) -> str:
        """What the columns of the fitted curves mean, and their warnings."""

    @abstractmethod
    def intervals(self, kinds: Collection[IntervalKind]) -> str:
        """Which intervals a results table in the terminal shows."""


def shared_warnings(
    fits: Mapping[Arm, LearningCurve], say: Callable[[CurveWarning, int], str]
) -> dict[str, list[Arm]]:
    """Each warning of some fitted curves as `say` says it, with the curves that have it."""
    found: dict[str, list[Arm]] = {}
    for arm, fit in fits.items():
        for kind in fit.warnings:
            found.setdefault(plain(say(kind, len(fit.sizes))), []).append(arm)
    return found
