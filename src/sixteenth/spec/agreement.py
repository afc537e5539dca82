"""Whether test predictions are those of the run whose accuracy is stated beside them.

It is asked where they are read from a run's folder and where runs are paired by test image. These
two know nothing of each other, so what both must answer alike stands below them.
"""

from __future__ import annotations


def agree(stated: float, right: int, images: int) -> bool:
    """Whether predictions that are right for so many of the images give the stated accuracy.

    Not to the last image: two classes of nearly the same probability may change places when it is
    rounded to half precision.

    Args:
        stated: in [0, 1].
    """
    apart = abs(right - stated * images)
    return apart <= max(0.002 * images, 2) + 1e-6  # which is what 2 / 300 may lose as a float
