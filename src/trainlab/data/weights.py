"""Weights of rows: numbers >= 0 whose ratios alone matter, however large or small they are.

Axis letter: N rows.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ORDINARY: Final = 128
"""Where the greatest weight is in [2**-128, 2**128] sums of weights, their products with each
other and with squares of data are far from both ends of float64, which are near 2**±1024."""
_LEAST: Final = float(np.finfo(np.float64).smallest_subnormal)


def in_range(weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """w (N,) and e with weight = w · 2**e, so that sums of w neither overflow nor vanish.

    weight (N,) is finite and >= 0.  Ordinary weights stay as they are, with e = 0; others
    are scaled so that the greatest is in [1/2, 1).  A power of two rounds
    nothing: ratios keep their bits.  A weight of less than 2**-1074 of the
    greatest becomes the least number above 0.

    >>> weight, exponent = in_range(np.array([2.0**1000, 2.0**999, 0.0]))
    >>> weight.tolist(), exponent
    ([0.5, 0.25, 0.0], 1001)
    """
    exponent = int(np.frexp(weight.max(initial=0.0))[1])
    if abs(exponent) <= ORDINARY:
        return weight, 0
    scaled: Any = np.ldexp(weight, -exponent)
    return np.where(weight > 0, np.maximum(scaled, _LEAST), 0.0), exponent


def product(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """w (N,) and e with one · other = w · 2**e, as of `in_range`; both (N,) are above 0."""
    (one, first), (other, second) = in_range(one), in_range(other)
    weight, third = in_range(np.maximum(one * other, _LEAST))
    return weight, first + second + third
