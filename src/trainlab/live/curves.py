"""The curves of a session: as many points as a chart can show, however long it trains.

Letters: K seeds of an arm, n points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from trainlab.network.workspace import Array

SERIES: Final = ("train_loss", "train_accuracy", "loss", "accuracy")
"""On training rows, and on the rows that are held out."""

LIMIT: Final = 400
"""Points of a curve.  When there are so many every second one goes, and evaluations are half as
frequent from then on: memory and the share of evaluations stay bounded."""


class Curves:
    """Values of every arm at the steps that are multiples of `every`.

    Parameters
    ----------
    arms : iterable of str
        The arms.
    seeds : int
        K.
    every : int
        Steps between two points in the beginning.
    """

    def __init__(self, arms: Iterable[str], seeds: int, every: int) -> None:
        self.every = every
        self.steps: list[int] = []
        self._seeds = seeds
        self._values = {arm: self._empty() for arm in arms}

    def _empty(self) -> Array:
        return np.full((len(SERIES), self._seeds, LIMIT), np.nan, np.float32)

    def values(self, arm: str) -> Array:
        """(series, K, n) of an arm."""
        return self._values[arm][:, :, : len(self.steps)]

    def whole(self, arm: str) -> Array:
        """(series, K, LIMIT) of an arm: what is filled of it never changes, only what is not."""
        return self._values[arm]

    def record(self, step: int, found: Mapping[str, Array]) -> None:
        """A point: (series, K) of each arm that has values."""
        if len(self.steps) == LIMIT:
            self.every *= 2
            self._keep([at for at, old in enumerate(self.steps) if old % self.every == 0])
            if step % self.every:
                return
        self.steps.append(step)
        for arm, values in found.items():
            self._values[arm][:, :, len(self.steps) - 1] = values

    def branch(self, arm: str, name: str) -> None:
        """A new arm that was another one until now."""
        self._values[name] = self._values[arm].copy()

    def back(self, step: int, arms: Iterable[str]) -> None:
        """Forgets what came after a step, and arms that there were not."""
        self._values = {arm: self._values[arm] for arm in arms}
        self._keep([at for at, old in enumerate(self.steps) if old <= step])

    def _keep(self, places: list[int]) -> None:
        self.steps = [self.steps[at] for at in places]
        for arm, values in self._values.items():
            kept = self._empty()
            kept[:, :, : len(places)] = values[:, :, places]
            self._values[arm] = kept

    def arrays(self) -> dict[str, Array]:
        """All of it, as a store keeps it."""
        steps = np.array([self.every, *self.steps], np.int64)
        return {"steps": steps, **{f"arm/{arm}": self.values(arm) for arm in self._values}}

    def take(self, arrays: Mapping[str, Array]) -> None:
        """What `arrays` gave."""
        every, *steps = arrays["steps"].tolist()
        self.every, self.steps, self._values = every, steps, {}
        for name, values in arrays.items():
            if name.startswith("arm/"):
                kept = self._values[name.removeprefix("arm/")] = self._empty()
                kept[:, :, : len(steps)] = values
