"""Logarithmic axes whose numbers are plain text: setting each as TeX takes 20 milliseconds."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatterSciNotation

DECADES: Final = 4
"""Positive values that span more of them are drawn on a logarithmic axis."""
_RAISED: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_EXPONENT: Final = re.compile(r"\^\{(.*?)\}")


class Powers(LogFormatterSciNotation):
    """The numbers that matplotlib chooses, as in 10⁻³ or 2×10⁻³."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The number at the place x of the axis."""
        tex = super().__call__(x, pos).removeprefix(r"$\mathdefault{").removesuffix("}$")
        return _EXPONENT.sub(lambda found: found[1].translate(_RAISED), tex).replace(r"\times", "×")


def logarithmic(ax: Axes, name: str, **zero: float) -> None:
    """Make the axis "x" or "y" logarithmic; 0 has a place on it where linthresh says up to where.

    Panels that share the axis are asked once for all: each time matplotlib goes through them.
    """
    scale, axis = "symlog" if zero else "log", getattr(ax, f"{name}axis")
    if axis.get_scale() == scale and not zero:
        return
    set_scale: Any = getattr(ax, f"set_{name}scale")
    set_scale(scale, **zero)
    axis.set_major_formatter(Powers())
    if not zero:
        axis.set_minor_formatter(Powers())


def is_wide(*values: npt.NDArray[np.float64] | None) -> bool:
    """Whether what is finite is positive and spans more than four decades."""
    every = np.concatenate([one.ravel() for one in values if one is not None])
    every = every[np.isfinite(every)]
    return bool(every.size and 0 < every.min() * 10.0**DECADES < every.max())
