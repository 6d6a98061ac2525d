"""What boosted trees see of words: their one-hot columns, merged into one number.

A split of a one-hot column tells one value of a word from all others.  A split of the mean target
of its values tells those of low targets from those of high ones.

Axis letters: N rows, d features, q values of a word, out outputs of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np

from trainlab.models.graph import Graph
from trainlab.network.workspace import Array

PRIOR: Final = 10.0
"""Rows with the mean target that each value counts as having beside its own."""
BLOCK_NUMBERS: Final = 1 << 20
"""Numbers of rows times columns that are added up at a time."""


def one_hot_runs(x: Array) -> list[range]:
    """Neighbouring columns of x (N, d) that hold 0 and 1, and exactly one 1 in each row.

    >>> one_hot_runs(np.array([[1, 0, 7, 1, 0], [0, 1, 0, 1, 0], [1, 0, 0, 0, 1]]))
    [range(0, 2), range(3, 5)]
    """
    found, first, ones = [], 0, np.zeros(len(x), bool)
    for place in range(x.shape[1]):
        own = x[:, place] == 1
        if not (own | (x[:, place] == 0)).all():
            first, ones = place + 1, np.zeros(len(x), bool)
            continue
        while (ones & own).any():  # the first of them cannot be of the same word
            ones &= x[:, first] == 0
            first += 1
        ones |= own
        if ones.all():
            if place > first:
                found.append(range(first, place + 1))
            first, ones = place + 1, np.zeros(len(x), bool)
    return found


def _none() -> Array:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class MergedColumns:
    """Columns of X (N, d): some as they are, and behind them the sums of others.

    Where nothing is merged all arrays are empty, and X is as it is.

    kept      (k,) columns that stay as they are
    source    (m,) columns that are added up
    into      (m,) the sum that each is added to, 0, 1, …, rising
    factor    (m,) what it is multiplied by; float32 can hold it, as it can hold a rounded X
    """

    kept: Array = field(default_factory=_none)
    source: Array = field(default_factory=_none)
    into: Array = field(default_factory=_none)
    factor: Array = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, x: Array, runs: Sequence[range], values: Array, weight: Array | None) -> Self:
        """Each run of one-hot columns as the mean of values (N, out) of its rows, for each output.

        That is (Σ w v + PRIOR v̄) / (Σ w + PRIOR) − v̄ over the rows with its 1, v̄ being the mean of
        all rows: of a row without any 1, whose word was not there in training, it is 0.
        Source: Micci-Barreca (2001), A preprocessing scheme for high-cardinality categorical
        attributes.
        """
        weight = np.ones(len(x)) if weight is None else weight
        means = [float(np.sum(weight * v) / np.sum(weight)) for v in values.T]
        source, factor = [_none()], [np.zeros(0)]
        for run in runs:
            value = x[:, run.start : run.stop].argmax(axis=1)
            rows = np.bincount(value, weight, len(run)) + PRIOR
            for v, mean in zip(values.T, means, strict=True):
                sums = np.bincount(value, weight * (v - mean), len(run))
                source.append(np.array(run, np.int64))
                factor.append((sums / rows).astype(np.float32))
        sizes = [len(one) for one in source[1:]]
        kept = np.setdiff1d(np.arange(x.shape[1]), np.concatenate(source)) if runs else _none()
        return cls(
            kept,
            np.concatenate(source),
            np.repeat(np.arange(len(sizes)), sizes),
            np.concatenate(factor).astype(np.float64),
        )

    def seen(self, x: Array) -> Array:
        """The columns (N, k + sums) of rows x (N, d)."""
        if not len(self.source):
            return x
        starts = np.flatnonzero(np.diff(self.into, prepend=-1))
        found = np.empty((len(x), len(self.kept) + len(starts)))
        block = max(1, BLOCK_NUMBERS // len(self.source))
        for first in range(0, len(x), block):
            part, own = found[first : first + block], x[first : first + block]
            part[:, : len(self.kept)] = own[:, self.kept]
            sums = part[:, len(self.kept) :]
            np.add.reduceat(own[:, self.source] * self.factor, starts, axis=1, out=sums)
        return found

    def onnx(self, graph: Graph, x: str) -> str:
        """Adds the columns; the name of what `seen` gives of rows x, float64."""
        if not len(self.source):
            return x
        columns, place = np.unique(self.source, return_inverse=True)  # each has a sum per output
        kept, source = (
            graph.add("Gather", x, graph.constant(places, np.int64), axis=1)
            for places in (self.kept, columns)
        )
        factor = np.zeros((len(columns), self.into[-1] + 1))
        factor[place, self.into] = self.factor
        sums = graph.add("MatMul", source, graph.constant(factor, np.float64))
        return graph.add("Concat", kept, sums, axis=1)

    def count(self, features: int) -> int:
        """How many columns there are of X (N, features)."""
        return len(self.kept) + int(self.into[-1]) + 1 if len(self.source) else features

    def is_sound(self, features: int) -> bool:
        """Whether the arrays, of a file, are what they must be."""
        places = (self.kept, self.source)
        merged = self.source.shape
        return (
            all(
                one.ndim == 1
                and one.dtype == np.int64
                and bool(((one >= 0) & (one < features)).all())
                for one in places
            )
            and self.into.shape == merged
            and self.into.dtype == np.int64
            and bool(np.isin(np.diff(self.into, prepend=-1), (0, 1)).all())
            and self.into[:1].tolist() in ([], [0])
            and self.factor.shape == merged
            and self.factor.dtype == np.float64
            and bool(np.isfinite(self.factor).all())
            and (len(self.source) > 0 or not len(self.kept))
        )
