"""What layers and optimizers compute with: native functions, where they give the bits of NumPy.

The numbers of the book are those of its code on this machine, to the last digit.  Passes over
numbers, and sums down a column, round in one way only.  Not so products: a BLAS adds in an
order of its own.  That of the usual ones is known: the sum is cut into chains of fused
multiply-adds, at places that depend on the depth alone.  Whether it is so here is tried once
for each shape (`chain_ends`); where it is not, or nothing is compiled, NumPy computes.

The native functions leave out zeros, most of MNIST, and are in native/src/array_products.hpp.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from trainlab.blas import one_thread
from trainlab.engine import native
from trainlab.network.workspace import Array

_native: Any = native._native if native.is_compiled() else None

SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM = range(6)
"""The rules of `update`, as native/src/array_kernels.hpp counts them."""

NUMBERS: Final = 4
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
LEAST: Final = 10_000
"""Multiplications of a product: fewer take less time than the call."""
MOST: Final = 10_000_000
"""Numbers of a factor of a product: to try larger ones would take seconds."""


# --- products ----------------------------------------------------------------------------------


def product(x: Array, W: Array, b: Array) -> Array:
    """x W + b;  x (B, in), W (in, out), b (out,)."""
    is_product = _are_plain(W, b) and _is_factor(x) and x.ndim == W.ndim == 2
    if is_product and W.shape == (x.shape[1], *b.shape):
        ends = _ends(_product, len(x), *W.shape)
        if ends is not None:
            return _product(x, W, ends, b)
    y = np.asarray(np.dot(x, W))
    y += b
    return y


def product_of_each(x: Array, W: Array, b: Array) -> Array:
    """x W + b of each of n batches (n, B, in), with the bits of a batch by itself."""
    is_product = _are_plain(x, W, b) and x.ndim == 3 and W.ndim == 2
    if is_product and W.shape == (x.shape[2], *b.shape):
        ends = _ends(_product, x.shape[1], *W.shape)
        if ends is not None:
            y = _product(x.reshape(-1, x.shape[2]), W, ends, b)
            return y.reshape(*x.shape[:2], -1)
    y = np.asarray(np.matmul(x, W))
    y += b
    return y


def weight_gradient(x: Array, dy: Array) -> Array:
    """xᵀ dy;  x (B, in), dy (B, out)."""
    if _are_plain(dy) and _is_factor(x) and x.ndim == dy.ndim == 2 and len(x) == len(dy):
        ends = _ends(_transposed_product, x.shape[1], len(x), dy.shape[1])
        if ends is not None:
            return _transposed_product(x, dy, ends)
    return np.asarray(np.dot(x.T, dy))


def input_gradient(dy: Array, W: Array) -> Array:
    """dy Wᵀ;  dy (B, out), W (in, out)."""
    if _are_plain(dy, W) and dy.ndim == W.ndim == 2 and dy.shape[1] == W.shape[1]:
        ends = _ends(_product_with_transposed, len(dy), dy.shape[1], len(W))
        if ends is not None:
            return _product_with_transposed(dy, W, ends)
    return np.asarray(np.dot(dy, W.T))


def factor(x: Array, W: Array) -> Array:
    """x as a factor of x W and of xᵀ dy: NumPy would convert it in either, the native ones not."""
    is_product = _is_factor(x) and _are_plain(W) and x.ndim == W.ndim == 2
    if is_product and _ends(_product, len(x), *W.shape) is not None:
        return x
    return x.astype(np.result_type(x, W), copy=False)


def _product(x: Array, W: Array, ends: Array, b: Array | None = None) -> Array:
    out = np.empty((len(x), W.shape[1]))
    _native.product(x, W, b, ends, out)
    return out


def _transposed_product(x: Array, dy: Array, ends: Array) -> Array:
    out = np.empty((x.shape[1], dy.shape[1]))
    _native.transposed_product(x, dy, ends, out)
    return out


def _product_with_transposed(dy: Array, W: Array, ends: Array) -> Array:
    out = np.empty((len(dy), len(W)))
    _native.product_with_transposed(dy, W, ends, out)
    return out


Product = Callable[[Array, Array, Array], Array]

# What each is to give, and the shapes of its factors for (rows, depth, columns).
_NUMPYS: Final[dict[Product, Callable[[Array, Array], Array]]] = {
    _product: np.dot,
    _transposed_product: lambda x, dy: np.dot(x.T, dy),
    _product_with_transposed: lambda dy, W: np.dot(dy, W.T),
}
_FACTORS: Final[dict[Product, Callable[[int, int, int], tuple[tuple[int, int], ...]]]] = {
    _product: lambda rows, depth, columns: ((rows, depth), (depth, columns)),
    _transposed_product: lambda rows, depth, columns: ((depth, rows), (depth, columns)),
    _product_with_transposed: lambda rows, depth, columns: ((rows, depth), (columns, depth)),
}


def _ends(kind: Product, rows: int, depth: int, columns: int) -> Array | None:
    """Those of a product that pays, None for others."""
    if rows * depth * columns < LEAST or max(rows, columns) * depth > MOST:
        return None
    return chain_ends(kind, rows, depth, columns)


@functools.lru_cache(maxsize=1024)
def chain_ends(kind: Product, rows: int, depth: int, columns: int) -> Array | None:
    """Where the chains of this product end in BLAS; None where it adds in no known order.

    Tried on random numbers, with one thread of BLAS.
    """
    rng = np.random.default_rng(depth)
    x, w = (rng.standard_normal(shape) for shape in _FACTORS[kind](rows, depth, columns))
    with one_thread():
        wanted = _NUMPYS[kind](x, w).tobytes()
    for ends in known_orders(depth):
        found = np.array(ends, np.int64)
        if kind(x, w, found).tobytes() == wanted:
            return found
    return None


def known_orders(depth: int) -> list[tuple[int, ...]]:
    """The places where libraries cut a sum of this depth.

    OpenBLAS takes `longest` at once; of what is less than twice as much, a half, up to a
    multiple of the rows of its tiles (`level3.c`).  Others do not cut.
    """
    found: dict[tuple[int, ...], None] = {(depth,): None}
    for longest, tile in itertools.product((256, 384, 512, 320, 192, 128), (4, 8, 16)):
        ends, rest = [], depth
        while rest:
            part = rest
            if rest >= 2 * longest:
                part = longest
            elif rest > longest:
                part = -(-(rest // 2) // tile) * tile
            rest -= part
            ends.append(depth - rest)
        found[tuple(ends)] = None
    return list(found)


# --- layers ------------------------------------------------------------------------------------


def sum_rows(x: Array) -> Array:
    """Σ_B x;  x (B, features)."""
    if _are_plain(x) and _has_columns(x):
        out = np.empty(x.shape[1])
        _native.sum_rows(x, out)
        return out
    return np.asarray(np.sum(x, axis=0))


def relu(x: Array) -> tuple[Array, Array]:
    """max(x, 0), and where x <= 0."""
    if _are_plain(x):
        y, mask = np.empty(x.shape), np.empty(x.shape, np.bool_)
        _native.relu(x, y, mask)
        return y, mask
    mask = x <= 0
    return np.where(mask, 0, x), mask


def relu_gradient(mask: Array, dy: Array) -> Array:
    """0 where the mask is true, else dy."""
    if _are_plain(dy) and _is_mask(mask, dy):
        dx = np.empty(dy.shape)
        _native.relu_backward(mask, dy, dx)
        return dx
    return np.where(mask, 0, dy)


def masked(x: Array, mask: Array) -> Array:
    """x · mask."""
    if _are_plain(x) and _is_mask(mask, x):
        y = np.empty(x.shape)
        _native.mask(mask, x, y)
        return y
    return np.asarray(x * mask)


class Normalized(NamedTuple):
    """y = γ·xn + β with xn = xc / std, xc = x − mean; mean, std and var are of the batch."""

    y: Array
    xc: Array
    xn: Array
    std: Array
    mean: Array
    var: Array


def batch_norm(x: Array, gamma: Array, beta: Array, offset: float) -> Normalized:
    """The batch (B, features) normalized; std = √(var + offset)."""
    is_plain = _are_plain(x, gamma, beta) and _has_columns(x)
    if is_plain and gamma.shape == beta.shape == x.shape[1:]:
        y, xc, xn = (np.empty(x.shape) for _ in range(3))
        std, mean, var = np.empty((3, x.shape[1]))
        _native.batch_norm(x, gamma, beta, offset, xc, xn, std, mean, var, y)
        return Normalized(y, xc, xn, std, mean, var)
    mean = x.mean(axis=0)
    xc = x - mean
    var = np.mean(xc**2, axis=0)
    std = np.sqrt(var + offset)
    xn = xc / std
    return Normalized(np.asarray(gamma * xn + beta), xc, xn, std, mean, var)


def batch_norm_gradient(
    dy: Array, gamma: Array, xc: Array, xn: Array, std: Array
) -> tuple[Array, Array, Array]:
    """dx, dγ and dβ."""
    is_plain = _are_plain(dy, gamma, xc, xn, std) and _has_columns(dy)
    if is_plain and dy.shape == xc.shape == xn.shape and gamma.shape == std.shape == dy.shape[1:]:
        dx, (dgamma, dbeta) = np.empty(dy.shape), np.empty((2, dy.shape[1]))
        _native.batch_norm_backward(dy, gamma, xc, xn, std, dgamma, dbeta, dx)
        return dx, dgamma, dbeta
    rows = len(dy)
    dbeta = dy.sum(axis=0)
    dgamma = np.sum(xn * dy, axis=0)
    dxn = gamma * dy
    dxc = dxn / std
    dstd = -np.sum((dxn * xc) / (std * std), axis=0)
    dvar = 0.5 * dstd / std
    dxc += (2.0 / rows) * xc * dvar
    dmean = np.sum(dxc, axis=0)
    return dxc - dmean / rows, dgamma, dbeta


# --- optimizers --------------------------------------------------------------------------------


def update(rule: int, numbers: tuple[Any, ...], p: Any, g: Any, *past: Any) -> bool:
    """Moves p and its past on in place; False where p is a number, or no array for it.

    The formulas, and what `numbers` are: `update_array` in native/src/arrays.hpp.
    """
    arrays = (p, g, *past)
    if not _are_plain(*arrays) or not all(array.shape == p.shape for array in arrays):
        return False
    if not all(array.flags.writeable for array in (p, *past)):
        return False
    if not all(isinstance(number, int | float | np.floating) for number in numbers):
        return False
    first, second = (*past, None, None)[:2]
    _native.update(rule, (*numbers, *(0.0,) * NUMBERS)[:NUMBERS], p, g, first, second)
    return True


# --- what the native functions take ------------------------------------------------------------


def _are_plain(*arrays: Any) -> bool:
    """Whether they are arrays of float64 without gaps, and native functions are here."""
    if _native is None:
        return False
    for array in arrays:  # a loop, for it is asked a hundred times in a step
        if not isinstance(array, np.ndarray) or array.dtype != FLOAT64 or not _is_whole(array):
            return False
    return True


def _is_whole(array: Array) -> bool:
    flags = array.flags
    return flags.c_contiguous and flags.aligned


def _has_columns(x: Array) -> bool:
    """Whether NumPy adds the rows of x one after the other; of one column it adds pairs."""
    return x.ndim == 2 and len(x) > 0 and x.shape[1] > 1


def _is_factor(x: Any) -> bool:
    """Whether x is an array of float64 or float32 without gaps."""
    if isinstance(x, np.ndarray) and x.dtype == FLOAT32:
        return _native is not None and _is_whole(x)
    return _are_plain(x)


def _is_mask(mask: Any, like: Array) -> bool:
    return (
        isinstance(mask, np.ndarray)
        and mask.dtype == np.bool_
        and mask.flags.c_contiguous
        and mask.shape == like.shape
    )
