"""The constants of the fit as one half of LCDB's data sets gives them, to score the other half.

Made by `python -m benchmarks.calibrate --data CURVES --half 0` (and 1).
"""

from sixteenth.analysis.curves.power_laws import Prior

PRIORS = (
    Prior(
        exponent=0.741,
        exponent_spread=1.93,
        zero_asymptote=0.3,
        misfit=0.00201,
        misfit_spread=0.779,
        misfit_power=1.5,
        exact=0.05,
        shared_noise=0.7,
        unshared=0.448,
        restart=0.01,
        restart_doubtful=0.12,
        restart_stuck=0.8,
        restart_guessing=0.136,
        restart_worse=0.981,
        stray=1.35,
        stray_least=0.0275,
        wild=0.147,
        wilder=2.22,
    ),
    Prior(
        exponent=1.35,
        exponent_spread=2.26,
        zero_asymptote=0.139,
        misfit=0.00385,
        misfit_spread=1.09,
        misfit_power=1.83,
        exact=0.05,
        shared_noise=0.81,
        unshared=0.448,
        restart=0.01,
        restart_doubtful=0.12,
        restart_stuck=0.8,
        restart_guessing=0.3,
        restart_worse=0.95,
        stray=1.0,
        stray_least=0.0165,
        wild=0.2,
        wilder=3.0,
    ),
)
"""(from half 0, from half 1)"""
