"""What X becomes before a network sees it: each column about 0, and of size 1.

Axis letters: N rows, d features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from scipy.sparse import csr_array, issparse

from trainlab.data.validation import as_csr
from trainlab.errors import DataError, sentence
from trainlab.estimators.targets import unit_of
from trainlab.network.workspace import Array

FURTHEST: Final = 2.0
"""No value that was trained on is further from 0 than this.

Divided by its standard deviation alone, a pixel that one image in a thousand uses would be 30
where it is used, and its weights would be trained by that image.
"""
BEYOND: Final = 2.0
"""Later values count as no further from 0 than so many times the furthest trained on.

Far from all training rows a network is a straight line: one cell of 10⁶ would decide alone, and
the prediction would have no bound.  Values somewhat further out are taken as they are.
"""
# A column whose ends are so many units in the last place apart is constant, but for rounding.
CONSTANT_UNITS: Final = 10.0
# Numbers that are float64 at a time: some that fit into a cache.
BLOCK_NUMBERS: Final = 1 << 17


@dataclass(frozen=True, eq=False)
class InputScaler:
    """Columns of X (N, d), standardised: z = (x − mean) / scale; all (d,), float64.

    furthest  a bound of the |z| that were trained on; infinite where it is not known
    """

    mean: Array
    scale: Array
    furthest: Array

    @classmethod
    def plain(cls, features: int) -> Self:
        """X as it is, however far out it is."""
        return cls(np.zeros(features), np.ones(features), np.full(features, np.inf))

    @classmethod
    def of(cls, x: Any, weight: Array | None) -> Self:
        """Mean and scale of the columns of x (N, d), whose rows count by their weights (N,).

        scale: the root of the mean of (x − mean)², or the largest |x − mean| / FURTHEST
        where that is more; 1 where all x are the mean.
        The mean of a sparse x counts as 0, so that what is zero stays so.
        """
        share = np.ones(x.shape[0]) if weight is None else weight / weight.max()
        share /= share.sum()
        if issparse(x):
            scale = _size_about_zero(as_csr(x, "X", "MLP"), share)
            return cls(np.zeros(len(scale)), scale, np.full(len(scale), FURTHEST))
        low, high = (np.asarray(end, np.float64) for end in (x.min(axis=0), x.max(axis=0)))
        size = np.maximum(np.abs(low), np.abs(high))
        unit, rounding = unit_of(size), CONSTANT_UNITS * np.finfo(np.float64).eps
        low, high, size = low * unit, high * unit, size * unit
        # From its lowest on: the mean of equal values is then that value.
        above = sum(_sums(share[rows], part * unit - low) for rows, part in _blocks(x))
        mean = np.minimum(low + above, high)
        square = sum(_sums(share[rows], (part * unit - mean) ** 2) for rows, part in _blocks(x))
        scale = np.maximum(np.sqrt(square), np.maximum(high - mean, mean - low) / FURTHEST)
        constant = high - low <= rounding * size
        scale = np.where(constant, 1.0, scale / unit)
        return cls(mean / unit, scale, np.full(len(scale), FURTHEST))

    @property
    def reach(self) -> Array:
        """How far from 0 a value can be that is not trained on, (d,)."""
        return self.furthest * BEYOND

    def trained_on(self, z: Any) -> Self:
        """The same after a training on z (N, d), which may lie further out."""
        return replace(self, furthest=np.maximum(self.furthest, _largest(z)))

    def encode(self, x: Any, dtype: Any, bounded: bool = True) -> Any:
        """z (N, d) of the dtype, by way of float64: dense, or CSR if x and z are sparse.

        bounded: what lies beyond `reach` counts as lying there; not so for rows to train on
        A sparse x that has to be centred, as dense rows were trained on, becomes dense.
        DataError for what the dtype cannot hold.
        """
        if issparse(x) and not self.mean.any():
            sparse = as_csr(x, "X", "MLP")
            columns = sparse.indices
            z = self._encoded(sparse.data, columns, dtype, bounded)
            return csr_array((z, columns, sparse.indptr), shape=sparse.shape)
        x = as_csr(x, "X", "MLP").toarray() if issparse(x) else x
        dense = np.empty(x.shape, dtype)
        for rows, part in _blocks(x):
            dense[rows] = self._encoded(part, slice(None), dtype, bounded)
        return dense

    def steps(self) -> tuple[Array, Array, Array]:
        """u, m, s (d,) of z = (x u − m) / s: powers of two, mean and scale times these."""
        unit = unit_of(np.maximum(np.abs(self.mean), self.scale))
        return unit, self.mean * unit, self.scale * unit

    def _encoded(self, x: Array, columns: Any, dtype: Any, bounded: bool) -> Array:
        """z (…, columns) of finite values in the columns that they belong to."""
        unit, mean, scale = self.steps()
        with np.errstate(over="ignore"):
            z: Array = x * unit[columns]
            z -= mean[columns]
            z /= scale[columns]
            if bounded:
                np.clip(z, -self.reach[columns], self.reach[columns], out=z)
            values: Array = z.astype(dtype, copy=False)
        finite = np.isfinite(values)
        if not finite.all():
            must = f"lie in the range of {np.dtype(dtype)} when it is standardised"
            raise DataError(sentence("X", "MLP", must, float(x[~finite][0]), "dtype='float64'"))
        return values


def _sums(share: Array, values: Array) -> Array:
    # Not by BLAS, whose bits may depend on the number of its threads.
    sums: Array = (share[:, None] * values).sum(axis=0)
    return sums


def _largest(x: Any) -> Array:
    """The largest |x| (d,) of each column, float64."""
    if not issparse(x):
        sizes: Array = np.maximum(-x.min(axis=0), x.max(axis=0)).astype(np.float64)
        return sizes
    sparse = as_csr(x, "X", "MLP")
    largest = np.zeros(sparse.shape[1])
    np.maximum.at(largest, sparse.indices, np.abs(sparse.data.astype(np.float64)))
    return largest


def _size_about_zero(x: csr_array, share: Array) -> Array:
    """The scale (d,) of columns whose mean counts as 0."""
    largest = _largest(x)
    unit = unit_of(largest)
    shares = np.repeat(share, np.diff(x.indptr))
    squares = shares * (x.data.astype(np.float64) * unit[x.indices]) ** 2
    square = np.bincount(x.indices, squares, minlength=x.shape[1])
    scale = np.maximum(np.sqrt(square), largest * unit / FURTHEST) / unit
    return np.where(largest > 0, scale, 1.0)


def _blocks(x: Array) -> Iterator[tuple[slice, Array]]:
    """Neighbouring rows at a time, as float64."""
    rows = max(1, BLOCK_NUMBERS // x.shape[1])
    for first in range(0, x.shape[0], rows):
        yield slice(first, first + rows), x[first : first + rows].astype(np.float64)
