"""The rows that an estimator trains on: weights, rows that are equal, and rows to predict.

Axis letters: N rows, d features, out targets of a row.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from trainlab.data.arrays import Split
from trainlab.data.validation import as_csr, validate_inputs
from trainlab.data.weights import in_range, product
from trainlab.engine.numpy import EVALUATION_ROWS
from trainlab.errors import DataError, sentence
from trainlab.network.workspace import Array


@dataclass(frozen=True, eq=False)
class Rows:
    """x (N, d), dense or CSR; y or targets (N, …); weight (N,) float64 > 0.

    weight None: all rows have the same.  A row counts weight · 2**exponent: the exponent is 0
    except for weights far from 1, whose sums would overflow or vanish.
    number (N,): which of the rows that were given each is; None where nobody asks.
    """

    x: Any
    y: Array
    weight: Array | None = None
    exponent: int = 0
    number: Array | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Array) -> Rows:
        """Some of the rows, in the order given."""
        weight = None if self.weight is None else self.weight[rows]
        number = None if self.number is None else self.number[rows]
        return replace(self, x=self.x[rows], y=self.y[rows], weight=weight, number=number)

    def weighed(self, factor: Array) -> Rows:
        """The rows with their weights times `factor` (N,); those whose weight is 0 are gone."""
        counts = factor > 0
        if not counts.any():
            # The words of scikit-learn, whose checks look for them.
            text = sentence("weights", "the rows", "be positive somewhere", "zero for every row")
            raise DataError(text)
        rows, factor = (self if counts.all() else self.take(np.flatnonzero(counts))), factor[counts]
        weight, exponent = in_range(factor) if rows.weight is None else product(rows.weight, factor)
        return replace(rows, weight=weight, exponent=self.exponent + exponent)

    @property
    def total_weight(self) -> float:
        """The sum of the weights, without 2**exponent; 1 for each row where there are none."""
        return float(len(self)) if self.weight is None else math.fsum(self.weight)

    def split(self, dtype: str) -> Split:
        """The rows as networks are trained on them; y must be targets."""
        x = validate_inputs(self.x, "X", dtype)
        t = self.y if self.y.ndim == 1 else np.ascontiguousarray(self.y, dtype)
        weight = self.weight
        if weight is not None and (weight == weight[0]).all():
            weight = None
        return Split(x, t, weight)


def merge(rows: Rows) -> Rows:
    """Equal rows as one with the sum of their weights, in an order that depends on no other.

    The gradient over all rows is a sum: neither the order of rows nor whether a row is
    there twice or has the weight 2 changes it, but for rounding.  Merged, they do not
    change a bit.
    """
    own, plain = _keys(rows, rows.x), _plain_zeros(rows.x)
    equal = own if plain is rows.x else _keys(rows, plain)
    places: dict[bytes, list[int]] = {}
    for row in sorted(range(len(rows)), key=own.__getitem__):
        places.setdefault(equal[row], []).append(row)
    groups = list(places.values())
    first = np.array([group[0] for group in groups])
    weight = np.ones(len(rows)) if rows.weight is None else rows.weight
    sums = np.array([math.fsum(weight[group]) for group in groups])
    return replace(rows.take(first), weight=sums)


def _plain_zeros(x: Any) -> Any:
    """x of which −0 is 0, and of sparse ones no zero is stored: x itself where it is so."""
    if not issparse(x):
        return x + x.dtype.type(0) if (np.signbit(x) & (x == 0)).any() else x
    plain = as_csr(x, "X", "MLP")
    if plain.data.all():
        return x
    plain = plain.copy()
    plain.eliminate_zeros()
    return plain


def alike(x: Any) -> Array:
    """A number (N,) for each row of x (N, d), from 0 on: that of the rows that it is equal to."""
    known: dict[bytes, int] = {}
    return np.array([known.setdefault(own, len(known)) for own in _bytes_of(_plain_zeros(x))])


def _keys(rows: Rows, x: Any) -> list[bytes]:
    """The bytes of each row of x, and the number of its y among the sorted ones."""
    axis = 0 if rows.y.ndim > 1 else None
    codes = np.unique(rows.y, return_inverse=True, axis=axis)[1].reshape(-1)
    return [own + code.tobytes() for own, code in zip(_bytes_of(x), codes, strict=True)]


def _bytes_of(x: Any) -> Iterator[bytes]:
    """The bytes of each row of x."""
    if not issparse(x):
        for row in np.ascontiguousarray(x):
            yield row.tobytes()
        return
    sparse = as_csr(x, "X", "MLP")
    for first, end in itertools.pairwise(sparse.indptr):
        part = slice(first, end)
        yield sparse.indices[part].tobytes() + sparse.data[part].tobytes()


def padded(x: Any) -> Any:
    """x with rows of zeros, to a multiple of EVALUATION_ROWS.

    A BLAS may round a row differently in a batch of another size.  With tiles of one size
    the prediction of a row does not depend, to the bit, on the rows it is given with.
    """
    rows, features = x.shape
    missing = -rows % EVALUATION_ROWS
    if isinstance(x, np.ndarray):
        return np.concatenate([x, np.zeros((missing, features), x.dtype)])
    ends = np.concatenate([x.indptr, np.full(missing, x.indptr[-1], x.indptr.dtype)])
    return csr_array((x.data, x.indices, ends), shape=(rows + missing, features))
