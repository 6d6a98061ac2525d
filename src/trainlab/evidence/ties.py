"""Differences without rounding: equal ones are the same number, and that of equal values is 0."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from trainlab.evidence.checks import Array

TIE: Final = 2.0**-40
"""A difference below this share of the values is rounding: far above that of a few operations in
float64, 2⁻⁵³ each, and far below anything that is measured in float32."""

TIE_EPSILONS: Final = 8
"""The same in the precision of the values, where that is lower: of a few operations."""


def tie_of(arms: Iterable[npt.ArrayLike]) -> float:
    """The share of the values that is rounding, in the least precise of the arms.

    >>> tie_of([[0.5]]) == TIE, tie_of([[0.5], np.float32([0.5])]) == 2.0**-20
    (True, True)
    """
    kinds = [np.asarray(values).dtype for values in arms]
    return max([TIE, *(TIE_EPSILONS * float(np.finfo(k).eps) for k in kinds if k.kind == "f")])


def rounding(a: Array, b: Array, tie: float = TIE) -> Array:
    """The differences a − b (n,) up to which they may be rounding, of finite a and b.

    Values near 0 that are differences themselves have the rounding of greater ones: no bound is
    below that of the pair in the middle.  One that explodes would drown all others.
    """
    size = np.maximum(np.abs(a), np.abs(b))
    if not size.size:
        return size
    middle = float(np.sort(size)[(len(size) - 1) // 2])  # the mean of two might overflow
    return np.maximum(tie * size, TIE * middle)


def subtracted(a: Array, b: Array, tie: float = TIE) -> Array:
    """The differences a − b (n,), of finite a and b, with equal numbers for what is equal.

    335/360 − 334/360 and 2/360 − 1/360 differ in their last bits.  They would have ranks of their
    own, and the mean of 1/360 and −1/360 could be 6e-17 instead of 0.

    >>> d = subtracted(np.array([335, 1, 7]) / 360, np.array([334, 2, 7]) / 360)
    >>> bool(d[0] == -d[1]), bool(d[2] == 0)
    (True, True)
    """
    d, bounds = a - b, rounding(a, b, tie)
    d[np.abs(d) <= bounds] = 0.0
    order = np.argsort(np.abs(d), kind="stable")
    for one, other in itertools.pairwise(order[np.count_nonzero(d == 0) :]):
        bound = max(bounds[one], bounds[other])
        if np.abs(d[other]) - np.abs(d[one]) <= bound:
            d[other], bounds[other] = np.copysign(d[one], d[other]), bound
    return d
