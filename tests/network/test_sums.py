"""Sums by matrix products: those of NumPy, into any memory; and the backward pass made of them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from trainlab.network.base import Mode
from trainlab.network.norms import BatchNorm
from trainlab.network.sums import sum_columns, sum_rows
from trainlab.network.workspace import FRESH, Workspace

SHAPES = [(5, 4), (3, 5, 4), (3, 5, 1), (3, 1, 4), (3, 1, 1), (1, 1), (4, 4, 4), (2, 3, 130, 67)]
DTYPES = ["float32", "float64", "complex128"]

every_shape = pytest.mark.parametrize("shape", SHAPES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
both = pytest.mark.parametrize(("total", "axis"), [(sum_rows, -2), (sum_columns, -1)])


def draw(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if dtype == "complex128" else x).astype(dtype)


def assert_sum(found: np.ndarray, x: np.ndarray, axis: int) -> None:
    """Within the rounding of n additions in any order: n · eps · Σ|x|."""
    assert found.dtype == x.dtype
    wide = x.astype(np.result_type(x.dtype, np.float64))
    bound = x.shape[axis] * np.finfo(x.dtype).eps * np.abs(wide).sum(axis=axis, keepdims=True)
    assert (np.abs(found - wide.sum(axis=axis, keepdims=True)) <= bound).all()


def reduced(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:-2], 1, shape[-1]) if axis == -2 else (*shape[:-1], 1)


@every_shape
@every_dtype
@both
def test_sums_are_those_of_numpy(total: Any, axis: int, dtype: str, shape: tuple[int, ...]) -> None:
    x = draw(shape, dtype)
    kept = x.copy()
    out = np.full(reduced(shape, axis), np.nan, dtype)
    assert total(x, FRESH, out) is out
    assert_sum(out, x, axis)
    np.testing.assert_array_equal(x, kept)


@every_dtype
@both
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if len(shape) == 3])
def test_a_slice_of_a_flat_buffer_is_filled_and_nothing_beside_it(
    total: Any, axis: int, dtype: str, shape: tuple[int, ...]
) -> None:
    x = draw(shape, dtype)
    one = reduced(shape, axis)
    size, flat = one[1] * one[2], np.full((one[0], one[1] * one[2] + 5), 7.0, dtype)
    view = flat[:, 3 : 3 + size].reshape(one)
    assert np.shares_memory(view, flat)
    total(x, FRESH, out=view)
    assert_sum(flat[:, 3 : 3 + size].reshape(one), x, axis)
    assert (np.delete(flat, np.s_[3 : 3 + size], axis=1) == 7.0).all()


@every_dtype
@both
def test_what_is_summed_may_be_a_view_of_other_strides(total: Any, axis: int, dtype: str) -> None:
    wide = draw((3, 10, 8), dtype)
    for x in (wide[:, ::2, 1::2], wide.mT, wide[::-1], np.broadcast_to(wide[0], (3, 10, 8))):
        out = np.full(reduced(x.shape, axis), np.nan, dtype)
        assert_sum(total(x, FRESH, out), x, axis)


@every_dtype
@both
def test_a_member_is_summed_as_it_is_alone(total: Any, axis: int, dtype: str) -> None:
    x = draw((7, 33, 21), dtype)
    together = total(x, FRESH, np.empty(reduced(x.shape, axis), dtype))
    for k, own in enumerate(x):
        alone = total(own, FRESH, np.empty(reduced(own.shape, axis), dtype))
        assert together[k].tobytes() == alone.tobytes()


def test_a_column_is_summed_the_same_wherever_it_lies() -> None:
    """With the kernels of Core 2 too, which add pairs from the first address divisible by 16.

    OpenBLAS runs them on any x86-64; other processors and libraries use their own kernels.
    """
    script = """
import numpy as np
from trainlab.network.sums import sum_rows
from trainlab.network.workspace import FRESH

x = np.random.default_rng(0).standard_normal((99, 1))
for dtype in ("float32", "float64"):
    room = np.empty(len(x) + 2, dtype)
    for rows in range(1, len(x)):
        found = set()
        for first in range(3):
            column = room[first : first + rows, np.newaxis]
            column[...] = x[:rows]
            found.add(sum_rows(column, FRESH, np.empty((1, 1), dtype)).tobytes())
        assert len(found) == 1, (dtype, rows)
"""
    kernels = {**os.environ, "OPENBLAS_CORETYPE": "Core2"}
    subprocess.run([sys.executable, "-c", script], env=kernels, check=True)


@both
def test_a_row_that_is_not_finite_spoils_its_own_member_alone(total: Any, axis: int) -> None:
    x = np.ones((3, 5, 4))
    x[1, 2, 3], x[2, 0, 0] = np.nan, np.inf
    with np.errstate(all="ignore"):
        out = total(x, FRESH, np.empty(reduced(x.shape, axis)))
    assert (out[0] == x.shape[axis]).all()
    assert np.isnan(out[1]).sum() == np.isinf(out[2]).sum() == 1


def test_both_sums_in_one_scope_do_not_disturb_each_other() -> None:
    new, x = Workspace(), draw((3, 5, 4), "float64")
    for part in (x, x[:, :2], x[:, :, :3], x.mT):
        assert_sum(sum_rows(part, new, np.empty(reduced(part.shape, -2))), part, -2)
        assert_sum(sum_columns(part, new, np.empty(reduced(part.shape, -1))), part, -1)


# --- batch normalisation, backwards -------------------------------------------------------


def long_formula(x: np.ndarray, dy: np.ndarray, gamma: np.ndarray, eps: float) -> np.ndarray:
    """dx by the chain rule through x̂, the variance and the mean (Ioffe, Szegedy 2015)."""
    rows = x.shape[-2]
    centred = x - x.mean(axis=-2, keepdims=True)
    var = (centred**2).mean(axis=-2, keepdims=True)
    d_hat = dy * gamma
    d_var = (d_hat * centred).sum(axis=-2, keepdims=True) * -0.5 * (var + eps) ** -1.5
    d_mean = -(d_hat / np.sqrt(var + eps)).sum(axis=-2, keepdims=True)
    d_mean = d_mean - 2 * d_var * centred.mean(axis=-2, keepdims=True)
    return d_hat / np.sqrt(var + eps) + 2 * d_var * centred / rows + d_mean / rows


@pytest.mark.parametrize("shape", [(3, 17, 6), (17, 6), (3, 1, 6), (4, 4, 1)])
def test_batch_norms_short_backward_is_the_long_one(shape: tuple[int, ...]) -> None:
    rng, eps = np.random.default_rng(0), 1e-3
    x, dy = rng.standard_normal((2, *shape))
    one = (*shape[:-2], 1, shape[-1])
    p = {name: rng.uniform(0.5, 1.5, one) for name in ("gamma", "beta")}
    p |= {name: np.ones(one) for name in ("running_mean", "running_var")}
    grads = {name: np.full(one, np.nan) for name in ("gamma", "beta")}
    layer = BatchNorm(eps=eps)
    _, cache, _ = layer.forward(p, x, Mode(training=True), FRESH)
    dx = layer.backward(p, cache, dy, grads, FRESH)
    # Sums of 17 terms of size 1, times 1/sqrt(eps) = 32 where a batch of one has no variance.
    tolerance = 17 * 32 * np.finfo(np.float64).eps
    np.testing.assert_allclose(dx, long_formula(x, dy, p["gamma"], eps), atol=tolerance)
    np.testing.assert_allclose(grads["beta"][..., 0, :], dy.sum(axis=-2), atol=tolerance)
