"""What the statistics accept: numbers in arrays, levels in (0, 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trainlab.errors import SettingError, sentence
from trainlab.settings import is_real

Array = npt.NDArray[np.float64]


def finite(values: npt.ArrayLike | Sequence[npt.ArrayLike]) -> Array:
    """The values as float64, with NaN for everything that is not finite."""
    x = numbers(values)
    x[~np.isfinite(x)] = np.nan
    return x


def numbers(values: npt.ArrayLike | Sequence[npt.ArrayLike]) -> Array:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        must = "be numbers, in arrays of equal length"
        raise SettingError(sentence("values", "evidence", must, values)) from error


def present(values: npt.ArrayLike) -> tuple[Array, int]:
    x = finite(list(np.asarray(values).ravel()))
    kept = x[~np.isnan(x)]
    return kept, x.size - kept.size


def check_level(level: float, owner: str) -> None:
    if not (is_real(level) and 0 < level < 1):
        raise SettingError(sentence("level", owner, "be a number in (0, 1)", level, "level=0.95"))
