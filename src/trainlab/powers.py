"""Powers, exponentials, logarithms and half cosines out of IEEE operations alone.

A library's pow, exp and cos differ in their last bits between processors and versions, and
NumPy's between a vector and a number.  These do not, and take arrays: a rate of learning is the
same number on every machine, for one network or for thousands, for one step or for all at once.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from trainlab.errors import SettingError, sentence


def power(base: Any, exponent: Any) -> Any:
    """base^exponent by squaring, for whole exponents >= 0; numbers, or arrays that broadcast.

    SettingError for other exponents.

    >>> power(0.5, 3), power(np.array([[0.5], [2.0]]), np.array([0, 2])).tolist()
    (0.125, [[1.0, 0.25], [1.0, 4.0]])
    """
    if np.ndim(base) == 0 and np.ndim(exponent) == 0:
        result, square, rest = 1.0, float(base), int(exponent)
        if rest != exponent or rest < 0:
            raise _not_whole(exponent)
        while rest:
            if rest & 1:
                result *= square
            square *= square
            rest >>= 1
        return result
    rests, squares = np.asarray(exponent, np.int64), np.asarray(base, np.float64)
    if (rests != exponent).any() or (rests < 0).any():
        raise _not_whole(exponent)
    results = np.ones(np.broadcast_shapes(rests.shape, squares.shape))
    while rests.any():
        np.multiply(results, squares, out=results, where=(rests & 1).astype(bool))
        squares, rests = squares * squares, rests >> 1
    return results


def _not_whole(exponent: Any) -> SettingError:
    must, remedy = "be whole and >= 0", "np.exp(exponent * np.log(base))"
    return SettingError(sentence("exponent", "power", must, exponent, remedy))


_LN2_HIGH: Final = float.fromhex("0x1.62e42feep-1")  # n times it is exact up to n = 2**21
_LN2_LOW: Final = float.fromhex("0x1.a39ef35793c76p-33")
_EXP: Final = [1 / math.factorial(k) for k in range(14)]  # the rest is below 1e-17 for |r| < 0.35


def exponential(x: Any) -> Any:
    """e^x to about one unit of the last place, for x <= 0.

    >>> bool(abs(exponential(-1.0) * math.e - 1) < 1e-15), exponential(0.0)
    (True, 1.0)
    """
    x = np.maximum(x, -800.0)  # of which it is 0
    n = np.rint(x * (1 / math.log(2)))
    rest = np.subtract(x, n * _LN2_HIGH) - n * _LN2_LOW
    return plain(np.ldexp(_horner(rest, _EXP), n.astype(int)))


def logarithm(x: Any) -> Any:
    """ln x to about one unit of the last place, for x > 0; -inf for 0, NaN below.

    x = m 2^e with m in [sqrt(1/2), sqrt(2)), and ln m = 2 artanh(s) with s = (m - 1) / (m + 1).

    >>> logarithm(1.0), round(logarithm(math.e), 15), logarithm(0.0)
    (0.0, 1.0, -inf)
    """
    x = np.asarray(x, np.float64)
    m, e = np.frexp(x)
    is_small = m < math.sqrt(0.5)
    m, e = np.where(is_small, m + m, m), np.where(is_small, e - 1, e)
    with np.errstate(divide="ignore", invalid="ignore"):
        s = (m - 1.0) / (m + 1.0)
        square = s * s
        # 2 artanh(s) is m - 1 and a small rest: rounding the rest costs little.
        rest = e * _LN2_LOW - s * (m - 1.0 - square * _horner(square, _ARTANH))
        values = e * _LN2_HIGH + ((m - 1.0) + rest)
    ends = np.where(x < 0, np.nan, np.where(x == 0, -np.inf, x))
    return plain(np.where((x > 0) & (x < np.inf), values, ends))


_ARTANH: Final = [2 / (2 * k + 3) for k in range(11)]
_HALF_PI: Final = math.pi / 2
# Of the sine: (-1)^k (pi/2)^(2k+1) / (2k+1)!.
_SINE: Final = [
    power(_HALF_PI, 2 * k + 1) / ((-1) ** k * math.factorial(2 * k + 1)) for k in range(10)
]


def half_cosine(part: Any) -> Any:
    """(1 + cos(pi part)) / 2 for part in [0, 1]: from exactly 1 down to exactly 0.

    Computed as 1 - sin^2(pi part / 2), or as sin^2 of the rest where that is smaller.

    >>> half_cosine(0.0), round(half_cosine(0.5), 15), half_cosine(1.0)
    (1.0, 0.5, 0.0)
    """
    part = np.asarray(part, np.float64)
    is_first = part <= 0.5
    x = np.where(is_first, part, 1.0 - part)
    sine = x * _horner(x * x, _SINE)
    square = sine * sine
    return plain(np.where(is_first, 1.0 - square, square))


def _horner(x: Any, coefficients: list[float]) -> Any:
    value = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


def plain(value: Any) -> Any:
    """A number where it is one."""
    return float(value) if np.ndim(value) == 0 else value
