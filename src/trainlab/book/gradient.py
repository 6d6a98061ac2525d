"""What readers of the book import from `common.gradient`: central differences, h = 1e-4.

The array is perturbed in place and restored, entry by entry, because readers
differentiate functions that do not look at their argument: `lambda W: network.loss(x, t)`.
`trainlab.numerical_gradient`, which never writes to the caller's array, cannot do that.

Source: Saitoh, Deep Learning from Scratch, chapter 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trainlab.book.notices import notice
from trainlab.differentiation.differences import STEP
from trainlab.network.workspace import Array

__all__ = ["np", "numerical_diff", "numerical_gradient", "numerical_gradient_2d"]

Function = Callable[[Any], Any]


def numerical_diff(f: Function, x: Any) -> Any:
    """The derivative of a function of one number, (f(x + h) − f(x − h)) / 2h.

    >>> round(float(numerical_diff(lambda x: x**2, 3)), 6)
    6.0
    """
    return (f(x + STEP) - f(x - STEP)) / (2 * STEP)


def numerical_gradient(f: Function, x: Any) -> Array:
    """The gradient of a scalar function of an array of any shape.

    g[i] = (f(x + h eᵢ) − f(x − h eᵢ)) / 2h.  f is called with x itself.
    Differs: for an array of integers, or a list, f is called with a float64 copy; the
    book's function truncates 3 + 1e-4 to 3 and gives [25000, 35000] in the example below.

    >>> numerical_gradient(lambda x: (x**2).sum(), np.array([3, 4])).round(6).tolist()
    [6.0, 8.0]
    """
    x = floating(x)
    gradient: Array = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        before = x[index]
        try:
            x[index] = before + STEP
            above = f(x)
            x[index] = before - STEP
            below = f(x)
        finally:
            x[index] = before
        gradient[index] = (above - below) / (2 * STEP)
    return gradient


def numerical_gradient_2d(f: Function, x: Any) -> Array:
    """The gradient of f at each row of x (n, d), or at x (d,): f is called with one row.

    >>> numerical_gradient_2d(lambda x: (x**2).sum(), [[3, 4], [0, 1]]).round(6).tolist()
    [[6.0, 8.0], [0.0, 2.0]]
    """
    x = floating(x)
    if x.ndim < 2:
        return numerical_gradient(f, x)
    rows = [numerical_gradient(f, row) for row in x]
    return np.asarray(rows).reshape(x.shape)


def floating(x: Any) -> Array:
    """x itself if it is an array of floating numbers, else a float64 copy."""
    array: Array = np.asarray(x)
    if np.issubdtype(array.dtype, np.inexact):
        return array
    notice(
        f"numerical_gradient works on a float64 copy of values of type {array.dtype}: 3 + 1e-4 "
        "is no integer, and the book's function divides the wrong difference"
    )
    return array.astype(np.float64)
