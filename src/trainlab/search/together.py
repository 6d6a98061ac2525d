"""Candidates that predict the same rows one after the other: one call computes all outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainlab.engine import engine_for
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.predictor import Networks
from trainlab.network.workspace import Array
from trainlab.population import Population
from trainlab.search.training import portions


@dataclass(eq=False)
class _Whole:
    """The networks of several estimators, and their outputs for the first rows they are asked for.

    found  by what is asked of them: dtype, what the targets read, engine
    """

    networks: Networks
    rows: Any = None
    found: dict[tuple[Any, ...], Array] = field(default_factory=dict)

    def has(self, x: Any) -> bool:
        """Whether rows x are those; a scorer may ask for others."""
        if not isinstance(x, np.ndarray):
            return False
        if self.rows is None:
            self.rows = x.copy()  # a scorer may change its own
        return self.rows.dtype == x.dtype and np.array_equal(self.rows, x)

    def outputs(self, *how: Any) -> Array:
        """The outputs of all of them for those rows."""
        if how not in self.found:
            self.found[how] = self.networks.outputs(self.rows, *how)
        return self.found[how]


@dataclass(frozen=True, eq=False)
class _Part(Networks):
    """The networks of one estimator: `places` of those of a whole."""

    whole: _Whole
    places: slice

    def outputs(self, x: Any, *how: Any) -> Array:
        """The outputs (members, N, out) for rows x: those of the whole, if it has these rows."""
        if not self.whole.has(x):
            return super().outputs(x, *how)
        return self.whole.outputs(*how)[self.places]


@contextmanager
def predicting_together(fitted: Sequence[BaseMLP], rows: int) -> Iterator[None]:
    """Within the block, estimators that scale X alike predict the same rows in one call.

    rows  about how many they will be asked for
    Each says, bit for bit, what it says alone.
    """
    alike: dict[tuple[int, str], list[BaseMLP]] = {}
    for one in fitted:
        engine = engine_for(one.engine, one._population, "predict").name
        alike.setdefault((id(one._inputs), engine), []).append(one)
    try:
        for own in alike.values():
            for part in portions(own, lambda one: _bytes(one._population, rows)):
                _share(part)
        yield
    finally:
        for one in fitted:
            one.__dict__.pop("_together", None)


def _share(estimators: Sequence[BaseMLP]) -> None:
    """Makes one population of those of the estimators, each of which becomes a part of it."""
    populations = [one._population for one in estimators]
    members = [member for each in populations for member in each]
    states = [state for each in populations for state in each.states]
    inputs, widths = estimators[0]._inputs, populations[0].widths
    whole = _Whole(Networks(inputs, Population.restore(members, states, widths)))
    begin = 0
    for one, own in zip(estimators, populations, strict=True):
        one._together = _Part(inputs, own, whole, slice(begin, begin + len(own)))
        begin += len(own)


def _bytes(population: Population, rows: int) -> int:
    """Of the outputs of its members for so many rows, and of a second copy."""
    numbers = len(population) * rows * population.widths.outputs
    return 2 * numbers * population.states[0].params.dtype.itemsize
