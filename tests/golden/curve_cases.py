"""Sizes and errors whose fitted learning curves are kept: what was measured -> the fit's arguments.

Each case is a shape that the warnings or the required sizes speak of in their own way.
"""

from __future__ import annotations

from typing import Any

EIGHT = [100, 200, 400, 800, 1600, 3200, 6400, 12800]
CURVES: dict[str, dict[str, Any]] = {
    "two-sizes": {"sizes": [1000, 8000], "errors": [0.4, 0.25]},
    "reference": {"sizes": [3125, 25_000, 50_000], "errors": [0.532, 0.35, 0.276], "chance": 0.9},
    "five-sizes": {
        "sizes": [500, 1000, 2000, 4000, 8000],
        "errors": [0.55, 0.47, 0.40, 0.345, 0.30],
        "test_size": 10_000,
    },
    "eight-sizes-on-a-law": {
        "sizes": EIGHT,
        "errors": [0.05 + 3 * n**-0.5 for n in EIGHT],
        "stderr": [0.002] * 8,
    },
    "repeats": {
        "sizes": [4000, 1000, 2000],
        "errors": [[0.2, 0.21, 0.19], [0.31, 0.33], [0.26]],
        "test_size": 5000,
    },
    "flat": {"sizes": EIGHT[:5], "errors": [0.301, 0.299, 0.3, 0.302, 0.2995], "test_size": 2000},
    "rising": {"sizes": EIGHT[:4], "errors": [0.2, 0.24, 0.26, 0.3], "test_size": 2000},
    "stuck": {"sizes": EIGHT[:5], "errors": [0.9] * 5, "test_size": 2000},
    "stuck-at-guessing": {"sizes": EIGHT[:4], "errors": [0.05] * 4, "chance": 0.05},
    "stuck-worse-than-guessing": {"sizes": EIGHT[:4], "errors": [0.6] * 4, "chance": 0.5},
    "near-guessing": {"sizes": EIGHT[:4], "errors": [0.899, 0.89, 0.88, 0.86], "chance": 0.9},
    "almost-perfect": {"sizes": EIGHT[:4], "errors": [0.02, 0.004, 0.0009, 0.0], "test_size": 9000},
}
ERRORS = (0.99, 0.3, 0.2, 0.1, 0.05, 0.00004)
"""Errors for which required sizes are asked of every curve."""
