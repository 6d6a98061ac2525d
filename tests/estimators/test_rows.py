"""Rows of an estimator: which are equal, and in which order they are merged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from trainlab.estimators.rows import Rows, merge

X = np.array([[0.0, 1.0], [-0.0, 1.0], [2.0, -0.0], [0.0, 1.0], [2.0, 0.0], [-0.0, 3.0]])
Y = np.array([0, 0, 1, 1, 1, 0])


def stored(x: Any) -> Any:
    """A sparse array that stores all, zeros as well."""
    places = np.tile(np.arange(x.shape[1]), len(x)), np.arange(len(x) + 1) * x.shape[1]
    return sparse.csr_array((x.ravel(), *places), shape=x.shape)


@pytest.mark.parametrize("kind", [np.asarray, stored])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_of_either_sign_are_equal(kind: Any, dtype: Any) -> None:
    x = X.astype(dtype)
    found = merge(Rows(kind(x), Y))
    assert len(found) == 4
    assert sorted(found.weight.tolist()) == [1, 1, 2, 2]
    mixed = [1, 0, 4, 3, 2, 5]
    again = merge(Rows(kind(x)[mixed], Y[mixed]))
    assert [one.tobytes() for one in dense(again)] == [one.tobytes() for one in dense(found)]


def dense(rows: Rows) -> tuple[Any, ...]:
    x = rows.x.toarray() if sparse.issparse(rows.x) else rows.x
    return x, rows.y, rows.weight


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.bool_])
def test_the_order_is_that_of_the_bytes_as_they_are(kind: Any, dtype: Any) -> None:
    x = np.random.default_rng(1).integers(-1, 2, (60, 2)).astype(dtype)
    if dtype is np.float64:
        x[x == 0] = -0.0  # all of them: none has another sign
    y = np.arange(60) % 2
    given = kind(x)
    found = merge(Rows(given, y))
    full = given.toarray() if sparse.issparse(given) else given
    if sparse.issparse(given):
        parts = [given[[row]] for row in range(60)]
        keys = [one.indices.tobytes() + one.data.tobytes() for one in parts]
    else:
        keys = [row.tobytes() for row in full]
    keys = [key + code.tobytes() for key, code in zip(keys, y, strict=True)]
    first = [keys.index(key) for key in sorted(set(keys))]
    assert found.x.dtype == dtype
    assert dense(found)[0].tobytes() == full[first].tobytes()
