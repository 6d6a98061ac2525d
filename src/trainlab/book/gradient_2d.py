"""What readers of the book import from `gradient_2d`, of its chapter 4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trainlab.book.gradient import Function, numerical_gradient_2d

__all__ = ["function_2", "np", "numerical_gradient", "tangent_line"]

numerical_gradient = numerical_gradient_2d
"""The gradient at each row of X (n, d), or at X (d,)."""


def function_2(x: Any) -> Any:
    """Σ x² over the features: one number for x (d,), one for each row of x (n, d).

    >>> float(function_2(np.array([3.0, 4.0])))
    25.0
    """
    return np.sum(np.asarray(x) ** 2, axis=-1)


def tangent_line(f: Function, x: Any) -> Callable[[Any], Any]:
    """The line t → f(x) + f′(x)·(t − x); prints f′(x), as the book's does.

    >>> line = tangent_line(lambda x: x**2, 3.0)
    6.000000000...
    >>> round(float(line(4.0)), 6)
    15.0
    """
    slope = numerical_gradient(f, x)
    print(slope)  # noqa: T201 - readers expect the slope on the screen
    offset = f(x) - slope * x
    return lambda t: slope * t + offset
