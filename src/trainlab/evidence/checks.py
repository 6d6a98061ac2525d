"""What the statistics accept: numbers in arrays, levels in (0, 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from trainlab.arrays import as_floats
from trainlab.errors import SettingError
from trainlab.settings import real

_LEVEL: Final = real(0.0, 1.0, remedy="0.95")

Array = npt.NDArray[np.float64]
Direction = Literal["lower", "higher"]
"""Which of two numbers is better."""
DIRECTIONS: Final = get_args(Direction)


def finite(values: npt.ArrayLike | Sequence[npt.ArrayLike]) -> Array:
    """The values as float64, with NaN for everything that is not finite."""
    x = numbers(values)
    x[~np.isfinite(x)] = np.nan
    return x


def numbers(values: npt.ArrayLike | Sequence[npt.ArrayLike]) -> Array:
    """The values as float64; SettingError unless they are numbers, in arrays of one length."""
    return as_floats(values, "values", "evidence", SettingError)


def present(values: npt.ArrayLike) -> tuple[Array, int]:
    """The finite values (n,), and how many are not finite."""
    x = finite(values).ravel()
    kept = x[~np.isnan(x)]
    return kept, x.size - kept.size


def check_level(level: float, owner: str) -> float:
    """The level; SettingError unless it is a number in (0, 1)."""
    checked: float = _LEVEL.check(level, "level", owner)
    return checked
