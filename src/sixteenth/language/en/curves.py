"""A fitted learning curve in English, for a terminal and for the notes under a table."""

from __future__ import annotations

from typing import assert_never

from ...analysis.curves.learning_curve import BOUND, RequiredSize
from ...analysis.curves.points import ASSUMED_TEST_SIZE, ENOUGH, CurveWarning
from .numbers import percent


def warning(kind: CurveWarning, sizes: int) -> str:
    """A warning as a sentence without capital and full stop; `sizes` were fitted."""
    match kind:
        case CurveWarning.FEW_SIZES:
            return (
                f"{sizes} sizes do not determine a power law: its exponent is mostly that of other "
                f"learning curves (the prior); measure at least {ENOUGH} sizes"
            )
        case CurveWarning.STUCK:
            return (
                "the error is the same at the last sizes, as if every image got the same answer: "
                "when training begins to work cannot be seen"
            )
        case CurveWarning.RISING:
            return (
                "the error rises with more data, which no power law describes: if this is no "
                "noise, check the labels of the images that were added"
            )
        case CurveWarning.BEST_EARLIER:
            return (
                "the error at the largest size is clearly above the lowest one, which fewer images "
                "gave: no power law describes that; check the labels of the images that were added"
            )
        case CurveWarning.FLAT:
            return "the error hardly changes with more data: the curve is flat in its noise"
        case CurveWarning.NEAR_GUESSING:
            return (
                "the error at the largest size is close to guessing: when it will fall cannot be "
                "seen"
            )
        case CurveWarning.UNEQUAL_SPREAD:
            return (
                "trainings scatter more at some sizes than at others, and one spread is taken for "
                "all: intervals are too wide where they scatter less, too narrow where more"
            )
        case CurveWarning.NOISE_ASSUMED:
            return (
                "nothing tells how noisy these errors are (one training a size, no test_size); the "
                f"noise of {ASSUMED_TEST_SIZE:,} test images is assumed for a new one"
            )
        case _:
            assert_never(kind)


def required_size(found: RequiredSize) -> str:
    """How many images an error takes, in one sentence without a full stop."""
    target = f"error {percent(found.error)}"
    if found.low is None:
        return f"{target}: out of reach ({found.level:.0%} certainty)"
    if found.low == found.high:  # only at the smallest size are both known alike
        return (
            f"{target}: reached at the smallest measured size, {found.low:,.0f} "
            f"({found.level:.0%} certainty)"
        )
    # Where the fitted curve does not reach it, half of the curves that the data allow may.
    middle = found.middle if found.size is None else found.size
    size = "beyond the fitted curve's reach" if middle is None else f"{middle:,.0f}"
    if found.high is None:
        if found.middle is not None:
            size = f"about {found.middle:,.0f}"
        least = found.low if found.at_least is None else found.at_least
        bounds = f"at least {least:,.0f}"
        if found.at_most is not None:
            bounds += f" and at most {found.at_most:,.0f}"
        if found.at_least is not None:
            bounds += f" ({BOUND:.0%} certainty)"
        return f"{target}: {size}, {bounds}; no upper bound at {found.level:.0%} certainty"
    return f"{target}: {size} ({found.level:.0%} interval {found.low:,.0f} to {found.high:,.0f})"
