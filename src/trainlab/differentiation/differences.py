"""Derivatives of any function by evaluation alone, simplest first.

A numerical gradient is a population: the perturbed copies of an array lie along a
leading axis, and one evaluation serves all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from trainlab.arrays import as_array, no_numbers
from trainlab.errors import SettingError, sentence
from trainlab.network.workspace import Array
from trainlab.settings import FLAG, check_runs, one_of, real, takes
from trainlab.terminal import counted

Function = Callable[[Any], Any]

STEP: Final = 1e-4
"""h of the plain differences: the book's; truncation about h² f‴/6, rounding eps |f|/h."""
COMPLEX_STEP: Final = 1e-20
"""h of complex steps: h² vanishes beside 1 in float64, and nothing is subtracted."""
CHUNK_BYTES: Final = 4 * 2**20
"""Memory for perturbed copies at a time: enough to drown the overhead of calls, and still
cached (of 1 to 32 MB, 2 to 4 MB were fastest)."""


@dataclasses.dataclass(frozen=True)
class Scheme:
    """Where a function is evaluated, in units of h, and how the values make a derivative."""

    offsets: tuple[complex, ...]
    quotient: Callable[[list[Any], float], Any]

    @property
    def dtype(self) -> type:
        return np.complex128 if any(isinstance(o, complex) for o in self.offsets) else np.float64


SCHEMES: Final[dict[str, Scheme]] = {
    "forward": Scheme((1.0, 0.0), lambda f, h: (f[0] - f[1]) / h),
    "central": Scheme((1.0, -1.0), lambda f, h: (f[0] - f[1]) / (2 * h)),
    # Two central differences, of h and 2h, combined so that their h² errors cancel.
    "central4": Scheme(
        (1.0, -1.0, 2.0, -2.0),
        lambda f, h: (8 * (f[0] - f[1]) - (f[2] - f[3])) / (12 * h),
    ),
    "complex": Scheme((1j,), lambda f, h: f[0].imag / h),
}


def numerical_diff(f: Function, x: Any, h: float = STEP, method: str = "central") -> Any:
    """Differentiate a function of one number by a finite difference.

    Parameters
    ----------
    f : callable
        The function.
    x : float or array_like
        Where: a number, or an array on which f works entry by entry; it reaches f as float64.
    h : float, default 1e-4
        The step.
    method : {"central", "forward"}
        The difference.

    Returns
    -------
    float or ndarray
        The derivative, of the shape of x.

    Raises
    ------
    SettingError
        For a step that is not > 0 or a method that does not exist.

    Notes
    -----
    central: (f(x + h) − f(x − h)) / 2h, error h² f‴/6;  forward: (f(x + h) − f(x)) / h,
    error h f″/2.  On top of either comes rounding, about 1e-16 |f| / h.

    Examples
    --------
    >>> round(float(numerical_diff(lambda x: x**2, 3)), 9)
    6.0
    """
    chosen = scheme(method, h, "numerical_diff")
    point = _point(f, x, "numerical_diff")[()]
    return chosen.quotient([f(point + offset * h) for offset in chosen.offsets], h)


def numerical_gradient(
    f: Function, x: Any, h: float = STEP, method: str = "central", vectorized: bool = False
) -> Array:
    """Differentiate a scalar function of an array by finite differences.

    Parameters
    ----------
    f : callable
        Takes an array like x and returns one number.
    x : array_like
        Where, of any shape.
    h : float, default 1e-4
        The step.
    method : {"central", "forward"}
        The difference, as in `numerical_diff`.
    vectorized : bool, default False
        Give f many perturbed copies at once, `(n, *x.shape)`, for which it returns n values; n is
        bounded by memory.

    Returns
    -------
    ndarray of float64
        The gradient, of the shape of x.

    Raises
    ------
    SettingError
        Where f does not return one number (n numbers) per point.

    Notes
    -----
    g[i] = (f(x + h eᵢ) − f(x − h eᵢ)) / 2h for every entry i of x.  f gets a float64 copy of x:
    integers are not truncated, and the array of the caller is never written to.

    Differs: the book perturbs the caller's array in place, and f may rely on that; for an
    array of integers it silently returns a wrong gradient.

    Examples
    --------
    >>> numerical_gradient(lambda x: (x**2).sum(), [3, 4]).round(9).tolist()
    [6.0, 8.0]
    >>> numerical_gradient(lambda x: (x**2).sum(-1), [3, 4], vectorized=True).round(9).tolist()
    [6.0, 8.0]
    """
    chosen = scheme(method, h, "numerical_gradient")
    FLAG.check(vectorized, "vectorized", "numerical_gradient")
    return _gradient(f, _point(f, x, "numerical_gradient"), h, chosen, vectorized)


def complex_step_gradient(
    f: Function, x: Any, h: float = COMPLEX_STEP, vectorized: bool = False
) -> Array:
    """Differentiate an analytic scalar function by complex steps, exactly to rounding.

    Parameters
    ----------
    f : callable
        Takes a complex array like x and returns one number; it must not use `abs`, `conj` or
        comparisons of anything but real parts.
    x : array_like
        Where, of any shape.
    h : float, default 1e-20
        The step.
    vectorized : bool, default False
        Give f many perturbed copies at once, `(n, *x.shape)`, for which it returns n values.

    Returns
    -------
    ndarray of float64
        The gradient, of the shape of x.

    Raises
    ------
    SettingError
        For a step that is not > 0, or where f does not return one number per point.

    Notes
    -----
    g[i] = Im f(x + i h eᵢ) / h.  Nothing is subtracted, so h can be so small that the
    truncation error vanishes.

    Source: Squire, Trapp 1998.

    Examples
    --------
    >>> complex_step_gradient(lambda x: np.exp(x).sum(), [0.0, 1.0]).tolist()
    [1.0, 2.718281828459045]
    """
    h = _STEP.check(h, "h", "complex_step_gradient")
    FLAG.check(vectorized, "vectorized", "complex_step_gradient")
    point = _point(f, x, "complex_step_gradient")
    return _gradient(f, point, h, SCHEMES["complex"], vectorized)


def scheme(
    method: str, h: float, of: str, methods: tuple[str, ...] = ("central", "forward")
) -> Scheme:
    """The scheme of this name; SettingError if `of` has no such method or h is not > 0."""
    one_of(methods).check(method, "method", of)
    _STEP.check(h, "h", of)
    return SCHEMES[method]


_STEP: Final = real(0.0, remedy=str(STEP))


def _point(f: Any, x: Any, of: str) -> Array:
    """x as float64; SettingError unless it holds real numbers and f can be called."""
    if not takes(f, 1):
        raise SettingError(sentence("f", of, "be a function of one argument", f))
    check_runs(f, "f", of)
    array = as_array(x, "x", of, SettingError)
    if array.dtype.kind not in "biuf":
        raise no_numbers(array, "x", of, SettingError)
    return array.astype(np.float64)


def _gradient(f: Function, point: Array, h: float, by: Scheme, vectorized: bool) -> Array:
    gradient = np.empty(point.size)
    bytes_each = point.size * np.dtype(by.dtype).itemsize
    for chunk in chunks(np.arange(point.size), bytes_each if vectorized else CHUNK_BYTES):
        values = []
        for offset in by.offsets:
            copies = perturbed(point.reshape(-1), chunk, np.asarray(offset * h), by.dtype)
            copies = copies.reshape(len(chunk), *point.shape)
            value = np.asarray(f(copies) if vectorized else f(copies[0]))
            fits = value.size == len(chunk) and (not vectorized or value.ndim == 1)
            if not fits or value.dtype.kind not in "biufc":
                must = f"return {counted(len(chunk), 'value') if vectorized else 'one number'}"
                raise SettingError(sentence("f", "a numerical gradient", must, value))
            values.append(value.reshape(-1))
        gradient[chunk] = by.quotient(values, h)
    return gradient.reshape(point.shape)


def chunks(indices: Array, bytes_each: int) -> Iterator[Array]:
    """The indices in pieces whose copies, of `bytes_each`, take CHUNK_BYTES at most."""
    limit = max(1, CHUNK_BYTES // max(1, bytes_each))
    for start in range(0, len(indices), limit):
        yield indices[start : start + limit]


def perturbed(flat: Array, entries: Array, step: Array, dtype: Any) -> Array:
    """Copies (n, ..., size) of flat (..., size); in the i-th, entries[i] is moved by step (...)."""
    copies = np.empty((len(entries), *flat.shape), dtype)
    copies[...] = flat
    copies[np.arange(len(entries)), ..., entries] += step
    return copies
