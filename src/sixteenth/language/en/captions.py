"""What is said of figures and tables in English."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ...analysis.curves.learning_curve import LearningCurve
from ...analysis.findings.options import Option
from ...analysis.findings.per_class import ClassCurves, ClassRecall
from ...analysis.inputs.cells import Arm
from ...analysis.stats.intervals import IntervalKind
from ..captions import Captions, CurveMetric, CurvesShown, Hole, Line, shared_warnings
from ..text import plain
from .curves import warning
from .numbers import NUMBERS, count, coverage
from .options import label
from .words import Words

_VIEWS = {
    "mirror": "each image and its mirror image",
    "mirror-shift": "six views of each image, mirrored and shifted by a pixel",
}
_UNFINISHED = {
    "missing": "not run yet",
    "interrupted": "interrupted before its end",
    "running": "still running",
    "finished": "finished, but left no history or no accuracy",
}


class EnglishCaptions(Captions):
    """Captions with the names of one study."""

    words: Words

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
        points = (
            "Filled points are means over the seeds, small open points the single seeds"
            if several_seeds
            else "Each point is one run"
        )
        unended = ""
        if so_far:
            unended = (
                " Large open points: a training is not at its end, and counts as it was last "
                "measured."
                if several_seeds
                else " Open points: runs that are not at their end, as they were last measured."
            )
        beside = (
            " Points at one size stand side by side so that their intervals can be told apart."
            if several_lines
            else ""
        )
        curve = ""
        if band_level is not None:
            curve = (
                f" Shaded: the {coverage(band_level)} interval of the true mean "
                f"{self.words.term.accuracy} by the fitted curves, at the measured sizes and, "
                "dotted, for the next doubling."
            )
        return f"{points}.{unended} {_bars(kinds, level, self.words)}{beside}{curve}"

    def accuracy_alt(self, lines: Sequence[Line]) -> str:
        parts = [
            f"{self._arm(line.arm)}: "
            + ", ".join(
                f"{_percent(mean, so_far)} with {count(size)}"
                for size, mean, so_far in zip(line.sizes, line.means, line.so_far, strict=True)
            )
            for line in lines
        ]
        listed = "; ".join(parts) or "Empty"
        return f"Line chart of {self.words.term.test_accuracy} against training images. {listed}."

    def points(self, line: Line) -> str:
        return "\n".join(
            f"{self._arm(line.arm)}, {count(size)} images: {_percent(mean, so_far)} "
            f"({NUMBERS.interval(low, high)})"
            for size, mean, low, high, so_far in zip(
                line.sizes, line.means, line.lows, line.highs, line.so_far, strict=True
            )
        )

    def options(self, options: Sequence[Option]) -> str:
        levels = dict.fromkeys(option.level for option in options if not option.measured)
        forecast = ""
        if levels:
            forecast = f" Diamonds: forecasts, with {coverage(next(iter(levels)))} intervals."
        return (
            f"Points of {self.words.term.test_accuracy} that each option would add to the best "
            "network, with the interval for another training. Filled: the interval leaves out "
            "zero. Open: these runs cannot tell, because the interval holds zero, several "
            "comparisons are corrected for, longer training may change it, or images and steps are "
            f"not separated.{forecast}"
        )

    def options_alt(self, options: Sequence[Option]) -> str:
        parts = [
            f"{self.option(option)} {NUMBERS.points(option.gain)} points "
            f"({NUMBERS.points_interval(option.low, option.high)})"
            for option in options
        ]
        return f"Gains in {self.words.term.test_accuracy}: {'; '.join(parts)}."

    def classes(self, shown: ClassCurves) -> str:
        return (
            f"{self._arm(shown.cell.arm)}: the part of each class's test images that is right, "
            "the lowest classes in colour. The table above has their intervals, "
            "per_class.csv all classes of all runs."
        )

    def classes_alt(self, named: Sequence[ClassRecall], shown: ClassCurves) -> str:
        recalls = "; ".join(f"{plain(one.name)} {NUMBERS.percent(one.recall)}" for one in named)
        return f"Line chart of recall against training images. On the most images: {recalls}."

    def option(self, option: Option) -> str:
        return plain(label(option, self.words))

    def curves(self, shown: CurvesShown) -> str:
        each = "A thin line for each seed" if shown.several_seeds else "One run a panel"
        if shown.single:
            each += (
                f", but in panels of more than {shown.single} runs their median, and a band from "
                "the lowest to the highest"
            )
        axes = f"{each}; all panels share their axes."
        ends = (
            "each epoch's end"
            if shown.every_epoch
            else "the end of some epochs, each a point of its line"
        )
        clean = _clean(shown) if shown.clean else ""
        if shown.shorter:
            clean += (
                f" Squares: test {shown.metric} of trainings that ended there, with their own "
                "decay of the learning rate."
            )
        images = ", on augmented images" if shown.augmented else ""
        training = f"a running average over each epoch{images} while the weights change"
        if shown.metric == "accuracy":
            return (
                f"Training accuracy is {training}; test accuracy is measured at {ends}.{clean} "
                f"{axes}"
            )
        smoothed = (
            f" and with label smoothing {shown.smoothing:g}, which raises it against the test loss"
            if shown.smoothing
            else ""
        )
        highest = NUMBERS.decimal(shown.highest, 1 if shown.highest < 100 else 0)
        top = NUMBERS.decimal(shown.top, 1)
        cut = (
            f" The axis ends at {top}; the highest value is {highest}."
            if shown.highest > shown.top
            else ""
        )
        return (
            f"Training loss is {training}{smoothed}; test loss is the plain cross-entropy, "
            f"measured at {ends}.{clean} {axes}{cut}"
        )

    def curves_alt(
        self,
        metric: CurveMetric,
        arms: Sequence[Arm],
        fractions: Sequence[str],
        *,
        shown: int,
        planned: int,
    ) -> str:
        columns = ", ".join(NUMBERS.fraction(fraction) for fraction in fractions)
        return (
            f"Small multiples of training and test {metric} over training. "
            f"Rows: {'; '.join(map(self._arm, arms))}. "
            f"Columns, parts of the training set: {columns}. "
            f"{shown} of {planned} runs have curves."
        )

    def hole(self, hole: Hole) -> str:
        if hole.unkept:
            number = "" if hole.unkept == 1 else f"{count(hole.unkept)} "
            return f"{number}{'curve' if hole.unkept == 1 else 'curves'} not kept"
        who = "" if hole.seed is None else f"seed {hole.seed} "
        if hole.status in _UNFINISHED:
            return f"{who}{_UNFINISHED[hole.status]}"
        if hole.error is None:
            return f"{who}{plain(hole.status)}"
        silent = "it failed without a message" if hole.status == "failed" else ""
        why = plain(hole.error) or silent
        return f"{who}{plain(hole.status)}" + (f": {why}" if why else "")

    def not_ended(self, number: int, runs: int) -> str:
        if runs == 1:
            return "not at its end"
        return f"{count(number)} of {count(runs)} runs not at their end"

    def results(self, *, several_seeds: bool, test_augmentation: str, frozen: bool = False) -> str:
        but = ", except on frozen features" if frozen else ""
        heads = ""
        if frozen:
            heads = (
                "; of a head on frozen features, one forward pass over its training images. Its "
                "time is that of its fit: all images pass through the network once, for all heads"
            )
        views = (
            " Test accuracy is that of predictions averaged over "
            f"{_VIEWS[test_augmentation]}{but}; training accuracy and the training curves are not "
            "averaged so, and the gap is smaller by what averaging brings."
            if test_augmentation in _VIEWS
            else ""
        )
        means = " That of a mean rests on all its seeds." if several_seeds else ""
        return (
            "Interval: 95%, for another training on other test images."
            f"{means} Training accuracy is measured at the end, on clean images. Gap: "
            f"{self.words.term.gap}, in percentage points.{views} Training FLOPs are the "
            f"floating-point operations of the whole run, forward and backward{heads}."
        )

    def fits(self, fits: Mapping[Arm, LearningCurve]) -> str:
        notes = [
            f"{said[:1].upper()}{said[1:]}"
            + ("." if len(arms) == len(fits) else f" ({'; '.join(map(self._arm, arms))}).")
            for said, arms in shared_warnings(fits, warning).items()
        ]
        return " ".join(
            [
                f"Power laws: {self.words.term.test_error} = alpha + eta × images^gamma, with 90% "
                "intervals. Alpha: the error that no number of images gets below. Data reliance "
                "(Hoiem et al. 2021): −2 eta gamma images^gamma at the largest size, in "
                "points. The last column is a forecast: the error that a new training on twice the "
                "images would measure.",
                *notes,
            ]
        )

    def intervals(self, kinds: Collection[IntervalKind]) -> str:
        names = {
            IntervalKind.ASSUMED: "spread between trainings assumed",
            IntervalKind.MEASURED: "spread between trainings estimated from repeated trainings",
        }
        if not kinds:
            return ""
        listed = names[next(iter(kinds))]
        if len(set(kinds)) > 1:
            listed = f"{names[IntervalKind.MEASURED]}, or assumed {_NOT_REPEATED}"
        return f"95% interval: of another training, {listed}; gap: {self.words.term.gap}"

    def _arm(self, arm: Arm) -> str:
        model, init = arm
        return f"{plain(self.words.model(model))}, {plain(self.words.init(init))}"


def _percent(accuracy: float, so_far: bool) -> str:
    """An accuracy, maybe of a cell with a training that is not at its end."""
    return f"{NUMBERS.percent(accuracy)}{' so far' if so_far else ''}"


_NOT_REPEATED = "where no cell of the same model and weights was trained twice"


def _bars(kinds: Collection[IntervalKind], level: float, words: Words) -> str:
    """What the intervals of the accuracy figure are made of."""
    if not kinds:
        return ""
    spread = "assumed"
    if IntervalKind.MEASURED in kinds:
        spread = "estimated from repeated trainings"
        if IntervalKind.ASSUMED in kinds:
            spread += f", and assumed {_NOT_REPEATED}"
    return (
        f"Bars: {coverage(level)} intervals of the {words.term.accuracy} of another training on "
        f"other test images; the spread between trainings is {spread}."
    )


def _clean(shown: CurvesShown) -> str:
    """What the diamonds are."""
    when = "of the epoch that the validation part chose" if shown.validated else "at the end"
    gap = "; the distance to the test line is the generalisation gap."
    if shown.test_augmentation in _VIEWS:
        # The table's gap is to the averaged predictions, which no line shows.
        gap = (
            ". Neither they nor the lines are averaged over views, as the table's test values are."
        )
    return (
        f" Diamonds: training {shown.metric} {when} on clean images, measured as on test "
        f"images{gap}"
    )
