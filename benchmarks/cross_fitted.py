"""The constants of the fit as one half of LCDB's data sets gives them, to score the other half.

Made by `python -m benchmarks.calibrate --data ../shared/data --half 0` (and 1).
"""

from sixteenth.analysis.curve_grid import Prior

PRIORS = (
    Prior(),
    Prior(),
)
"""(from half 0, from half 1)"""
