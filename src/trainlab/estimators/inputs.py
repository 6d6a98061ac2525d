"""What X becomes before a network sees it: each column about 0, and of size 1.

Axis letters: N rows, d features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import numpy as np
from scipy.sparse import csr_array, issparse

from trainlab.data.far import FarNumbers
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
BEND: Final = 3.0
"""What robust inputs approach far from the median."""
FAR: Final = 1e9
"""From here on a robust input is BEND to the last bit, and its square does not overflow."""
OUTSIDE: Final = 6.0
"""Later numbers are far from training if they lie outside its range by so many times that range.

Of 1,600 hold-outs, of a fifth or a half of the rows of 16 real tables, none has such a number
in a column whose quartiles differ; the furthest lies 5.7 ranges outside.
"""
QUARTILES: Final = (0.25, 0.5, 0.75)
PIECES: Final = 32
"""Pieces of a column at most, of about as many rows each."""
MAX_CODES: Final = 512
"""Codes of all columns together, about: of many columns each has fewer pieces, but two or more."""
TIE: Final = 1e-9
"""Shares of rows that are nearer to a quantile than this are at it: rounding must not choose."""
# A column whose ends are so many units in the last place apart is constant, but for rounding.
CONSTANT_UNITS: Final = 10.0
# Numbers that are float64 at a time: some that fit into a cache.
BLOCK_NUMBERS: Final = 1 << 17


@dataclass(frozen=True, eq=False)
class InputScaler:
    """Columns of X (N, d), standardised: z = (x − mean) / scale; all (d,), float64.

    mean      what is subtracted: the mean, or the median
    furthest  a bound of the |z| that were trained on; infinite where it is not known
    bend      where finite, z is bent to z / √(1 + (z / bend)²), which stays within ±bend
    column, low, width  of the pieces (m,) that have a code each, behind the d columns: where
              they are, where they begin, and half of how wide they are
    lowest, highest  the range that was trained on, infinite of columns whose quartiles are
              equal, where it says little; (0,) where it is not known
    """

    mean: Array
    scale: Array
    furthest: Array
    bend: Array
    column: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    low: Array = field(default_factory=lambda: np.zeros(0))
    width: Array = field(default_factory=lambda: np.zeros(0))
    lowest: Array = field(default_factory=lambda: np.zeros(0))
    highest: Array = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def plain(cls, features: int) -> Self:
        """X as it is, however far out it is."""
        free = np.full(features, np.inf)
        return cls(np.zeros(features), np.ones(features), free, free)

    @classmethod
    def robust(cls, x: Any, weight: Array | None) -> Self:
        """Median and distance of the quartiles of the columns of x (N, d), and bent ends.

        A few values far out neither move nor squeeze the others, but where the quartiles are equal.
        scale: the third quartile minus the first, the range where that is 0, 1 where that is 0
        too.  The median of a sparse x counts as 0, so that what is zero stays so.  Source:
        Holzmüller, Grinsztajn and Steinwart (2024), Better by default, of RealMLP.
        """
        share = _shares(x.shape[0], weight)
        if issparse(x):
            stored = as_csr(x, "X", "MLP").tocsc()
            quartiles, low, high = _sparse_quartiles(stored, share)
            center = np.zeros(stored.shape[1])
        else:
            columns = np.asarray(x).T
            quartiles = np.array([_quantiles(column, share, QUARTILES) for column in columns]).T
            low, high = _ends(x)
            center = quartiles[1]
        # Halves, since the distance of the largest numbers is one more.
        rounding = CONSTANT_UNITS * np.finfo(np.float64).eps / 2
        width, span = quartiles[2] / 2 - quartiles[0] / 2, high / 2 - low / 2
        differ = width > rounding * np.abs(quartiles).max(axis=0)
        scale = np.where(differ, width, span)
        scale = 2 * np.minimum(scale, np.finfo(np.float64).max / 2)
        scale = np.where(span > rounding * np.maximum(np.abs(low), np.abs(high)), scale, 1.0)
        free = np.full(len(scale), np.inf)
        ends = np.where(differ, low, -free), np.where(differ, high, free)
        bend = np.full(len(scale), BEND)
        return cls(center, scale, free, bend, lowest=ends[0], highest=ends[1])

    @classmethod
    def piecewise(cls, x: Any, weight: Array | None) -> Self:
        """As `robust`, and behind these columns piecewise linear codes of a dense x (N, d).

        A column is cut at quantiles into up to PIECES pieces.  The code of a piece is how much of
        it lies below x, (x − low) / width within [0, 1], less ½.  A column of two values or fewer
        has none: they would say what the column says.  Source: Gorishniy, Rubachev and Babenko
        (2022), On embeddings for numerical features in tabular deep learning, §3.2.
        """
        share, columns = _shares(x.shape[0], weight), np.asarray(x).T
        pieces = int(np.clip(MAX_CODES // len(columns), 2, PIECES))
        shares = [piece / pieces for piece in range(pieces + 1)]
        edges = [np.unique(_quantiles(column, share, shares)) for column in columns]
        cut = [j for j, own in enumerate(columns) if _has_three(own)]
        column = np.repeat(cut, [len(edges[j]) - 1 for j in cut]).astype(np.int64)
        low = np.concatenate([np.zeros(0), *(edges[j][:-1] for j in cut)])
        # Half of it, since the distance of the largest numbers is one more.
        width = np.concatenate([np.zeros(0), *(edges[j][1:] for j in cut)]) / 2 - low / 2
        wide = width > 0
        scaled = cls.robust(x, weight)
        return replace(scaled, column=column[wide], low=low[wide], width=width[wide])

    @classmethod
    def standard(cls, x: Any, weight: Array | None) -> Self:
        """Mean and scale of the columns of x (N, d), whose rows count by their weights (N,).

        scale: the root of the mean of (x − mean)², or the largest |x − mean| / FURTHEST
        where that is more; 1 where all x are the mean.
        The mean of a sparse x counts as 0, so that what is zero stays so.
        """
        share = _shares(x.shape[0], weight)
        if issparse(x):
            scale = _size_about_zero(as_csr(x, "X", "MLP"), share)
            return cls._within(np.zeros(len(scale)), scale)
        low, high = _ends(x)
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
        return cls._within(mean / unit, scale)

    @classmethod
    def _within(cls, mean: Array, scale: Array) -> Self:
        """Nothing that is trained on is further out than FURTHEST."""
        return cls(mean, scale, np.full(len(scale), FURTHEST), np.full(len(scale), np.inf))

    @property
    def outputs(self) -> int:
        """How many numbers a row becomes."""
        return len(self.mean) + len(self.column)

    @property
    def reach(self) -> Array:
        """How far from 0 a value can be that is not trained on, (d,)."""
        return self.furthest * BEYOND

    def trained_on(self, x: Any, z: Any) -> Self:
        """The same after a training on z (N, d) of rows x, which may lie further out."""
        own = z[:, : len(self.furthest)]
        further = replace(self, furthest=np.maximum(self.furthest, _largest(own)))
        if not len(self.lowest):
            return further
        low, high = _ends(x)
        ends = np.minimum(self.lowest, low), np.maximum(self.highest, high)
        return replace(further, lowest=ends[0], highest=ends[1])

    def far(self, x: Any) -> dict[int, FarNumbers]:
        """The numbers in x (N, d) that are far from those of training, by the places of columns."""
        if not len(self.lowest) or not x.shape[0]:
            return {}
        with np.errstate(over="ignore"):
            reach = OUTSIDE * (self.highest - self.lowest)
            lower, upper = self.lowest - reach, self.highest + reach
        least, most = _ends(x)
        found = {}
        for place in np.flatnonzero((least < lower) | (most > upper)).tolist():
            own = _column(x, place)
            out = own[(own < lower[place]) | (own > upper[place])].astype(np.float64)
            low, high = float(self.lowest[place]), float(self.highest[place])
            furthest = out[np.argmax(np.abs(out / 2 - (low / 4 + high / 4)))]
            found[place] = FarNumbers(len(out), float(furthest), low, high)
        return found

    def encode(self, x: Any, dtype: Any, bounded: bool = True) -> Any:
        """z (N, outputs) of the dtype, by way of float64: dense, or CSR if x and z are sparse.

        bounded: what lies beyond `reach` counts as lying there; not so for rows to train on
        A sparse x that has to be centred, as dense rows were trained on, becomes dense.
        DataError for what the dtype cannot hold.
        """
        if issparse(x) and not self.mean.any() and not len(self.column):
            sparse = as_csr(x, "X", "MLP")
            columns = sparse.indices
            z = self._encoded(sparse.data, columns, dtype, bounded)
            return csr_array((z, columns, sparse.indptr), shape=sparse.shape)
        x = as_csr(x, "X", "MLP").toarray() if issparse(x) else x
        dense, features = np.empty((x.shape[0], self.outputs), dtype), len(self.mean)
        for rows, part in _blocks(x):
            dense[rows, :features] = self._encoded(part, slice(None), dtype, bounded)
            dense[rows, features:] = self._codes(part)
        return dense

    def steps(self) -> tuple[Array, Array, Array]:
        """u, m, s (d,) of z = (x u − m) / s: powers of two, mean and scale times these."""
        unit = unit_of(np.maximum(np.abs(self.mean), self.scale))
        return unit, self.mean * unit, self.scale * unit

    def _codes(self, x: Array) -> Array:
        """The codes (N, m) of rows of finite numbers."""
        with np.errstate(over="ignore"):
            above: Array = (x[:, self.column] / 2 - self.low / 2) / self.width
        return np.clip(above, 0.0, 1.0) - 0.5

    def _encoded(self, x: Array, columns: Any, dtype: Any, bounded: bool) -> Array:
        """z (…, columns) of finite values in the columns that they belong to."""
        unit, mean, scale = self.steps()
        with np.errstate(over="ignore"):
            z: Array = x * unit[columns]
            z -= mean[columns]
            z /= scale[columns]
            if bounded:
                np.clip(z, -self.reach[columns], self.reach[columns], out=z)
            if np.isfinite(self.bend).any():
                np.clip(z, -FAR, FAR, out=z)
                z /= np.sqrt(1.0 + (z / self.bend[columns]) ** 2)
            values: Array = z.astype(dtype, copy=False)
        finite = np.isfinite(values)
        if not finite.all():
            must = f"lie in the range of {np.dtype(dtype)} when it is standardised"
            raise DataError(sentence("X", "MLP", must, float(x[~finite][0]), "dtype='float64'"))
        return values


def _shares(rows: int, weight: Array | None) -> Array:
    """What each row counts (N,), 1 in all."""
    share: Array = np.ones(rows) if weight is None else weight / weight.max()
    share /= share.sum()
    return share


def _quantiles(x: Array, share: Array, at: Sequence[float]) -> Array:
    """Quantiles (q,), float64, of numbers (N,) that count by their shares.

    Where a quantile lies between two numbers it is their mean, so that a row of weight 2 is the
    same as two rows.
    """
    order = np.argsort(x, kind="stable")
    ordered, up_to = x[order].astype(np.float64), np.cumsum(share[order])
    last = len(ordered) - 1
    near = [np.searchsorted(up_to, [q - TIE, q + TIE]).clip(0, last) for q in at]
    return np.array([ordered[low] / 2 + ordered[high] / 2 for low, high in near])


def _has_three(x: Array) -> bool:
    """Whether there are three different numbers."""
    low, high = x.min(), x.max()
    return bool(((x != low) & (x != high)).any())


def _sparse_quartiles(x: Any, share: Array) -> tuple[Array, Array, Array]:
    """Quartiles (3, d), lowest and highest (d,) of the columns of a CSC matrix, zeros counted."""
    width = x.shape[1]
    quartiles, low, high = np.zeros((3, width)), np.zeros(width), np.zeros(width)
    for column in np.flatnonzero(np.diff(x.indptr)):
        own = slice(x.indptr[column], x.indptr[column + 1])
        values, rows = x.data[own].astype(np.float64), x.indices[own]
        low[column], high[column] = min(values.min(), 0.0), max(values.max(), 0.0)
        there = share[rows]
        if len(values) < x.shape[0]:
            values = np.append(values, 0.0)
            there = np.append(there, max(1.0 - there.sum(), 0.0))
        quartiles[:, column] = _quantiles(values, there, QUARTILES)
    return quartiles, low, high


def _sums(share: Array, values: Array) -> Array:
    # Not by BLAS, whose bits may depend on the number of its threads.
    sums: Array = (share[:, None] * values).sum(axis=0)
    return sums


def _ends(x: Any) -> tuple[Array, Array]:
    """Lowest and highest (d,) of the columns of x (N, d), float64; also of zeros not stored."""
    low, high = x.min(axis=0), x.max(axis=0)
    if issparse(x):
        low, high = low.toarray().ravel(), high.toarray().ravel()
    return np.asarray(low, np.float64), np.asarray(high, np.float64)


def _column(x: Any, place: int) -> Array:
    """A column (N,) of x (N, d)."""
    if not issparse(x):
        own: Array = x[:, place]
        return own
    dense: Array = as_csr(x, "X", "MLP").tocsc()[:, [place]].toarray()
    return dense[:, 0]


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
