"""Rounds of a search: the box of the best candidates, from which the next are drawn.

Order: the best, a truncated distribution, the box, what is drawn from it, the strategy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.model_selection import ParameterSampler
from sklearn.utils import check_random_state

from trainlab.errors import SettingError, sentence
from trainlab.search.candidates import OWNER
from trainlab.search.strategy import Parameters, Scores, Strategy

BEST: Final = 0.1
"""The share of the candidates so far that make the box."""
LEAST: Final = 5
"""Candidates that make the box, however few there are."""
QUANTILES: Final = (0.1, 0.9)
"""Ends of the box among the best, so that one stray candidate does not keep it wide."""

Box = Mapping[str, Any]
"""Parameter → its ends (low, high), or the values of the best where it is chosen from a list."""


def best(scores: Sequence[float]) -> tuple[int, ...]:
    """The numbers of the best of n candidates, the better first: n BEST, at least LEAST.

    Those without a finite score are never among them.
    """
    finite = [number for number, score in enumerate(scores) if math.isfinite(score)]
    count = max(LEAST, math.ceil(BEST * len(scores)))
    return tuple(sorted(finite, key=lambda number: -scores[number])[:count])


@dataclass(frozen=True)
class TruncatedDistribution:
    """A distribution of scipy.stats, given that its values lie in [low, high]."""

    distribution: Any
    low: float
    high: float

    def rvs(self, random_state: Any = None) -> Any:
        """One value: the quantile of a probability drawn evenly between those of the ends."""
        discrete = _is_discrete(self.distribution)
        below = self.distribution.cdf(self.low - 1 if discrete else self.low)
        share = random_state.uniform(below, self.distribution.cdf(self.high))
        value = min(max(self.distribution.ppf(share), self.low), self.high)
        return int(value) if discrete else float(value)


def box_of(space: Mapping[str, Any], chosen: Sequence[Mapping[str, Any]]) -> Box:
    """The box of the parameters that were chosen from a space.

    Of a distribution: QUANTILES of the values, in the logarithm where all are positive, and
    rounded where they are whole numbers.  Of a list: the values, as often as they occur.

    >>> from scipy.stats import loguniform
    >>> chosen = [{"lr": 10.0**power, "init": "he"} for power in range(-6, -1)]
    >>> box = box_of({"lr": loguniform(1e-8, 1), "init": ["he", "xavier"]}, chosen)
    >>> [round(float(np.log10(end)), 3) for end in box["lr"]], box["init"][:2]
    ([-5.6, -2.4], ['he', 'he'])
    """
    box: dict[str, Any] = {}
    for name, source in space.items():
        values = [one[name] for one in chosen]
        box[name] = _ends(source, values) if hasattr(source, "rvs") else values
    return box


def narrowed(space: Mapping[str, Any], box: Box) -> dict[str, Any]:
    """The space within a box; what the box does not name is as it was."""
    return {
        name: source
        if name not in box
        else TruncatedDistribution(source, *box[name])
        if hasattr(source, "rvs")
        else box[name]
        for name, source in space.items()
    }


def check_space(space: Any) -> None:
    """SettingError unless a space can be narrowed: some of it are distributions of SciPy's."""
    if not isinstance(space, Mapping):
        must = "be one dict where rounds > 1"
        raise SettingError(sentence("param_distributions", OWNER, must, type(space).__name__))
    distributions = {k: v for k, v in space.items() if hasattr(v, "rvs")}
    if not distributions:
        must, remedy = "hold a distribution where rounds > 1", "rounds=1 with a larger n_iter"
        raise SettingError(sentence("param_distributions", OWNER, must, "lists alone", remedy))
    for name, source in distributions.items():
        if not (hasattr(source, "cdf") and hasattr(source, "ppf")):
            must = "have cdf and ppf, as those of scipy.stats, where rounds > 1"
            raise SettingError(sentence(name, OWNER, must, type(source).__name__))


class Rounds(Strategy):
    """Random candidates; those of each round after the first from the box of the best so far."""

    def __init__(self, space: Any, n_iter: int, random_state: Any, rounds: int) -> None:
        if rounds > 1:
            check_space(space)
        self._space = space
        self._n_iter = n_iter
        self._draws = check_random_state(random_state)
        self.rounds = rounds
        self._boxes: list[Box] = []
        self._settings: list[Parameters] = []
        self._origins: list[tuple[int, tuple[int, ...]]] = []

    def propose(self, scores: Scores) -> list[Parameters]:
        number = len(self._boxes)
        if number == self.rounds:
            return []
        parents = best(scores()) if number else ()
        chosen = [self._settings[one] for one in parents]
        box = box_of(self._space, chosen) if chosen else {}
        space = narrowed(self._space, box) if box else self._space
        drawn = list(ParameterSampler(space, self._n_iter, random_state=self._draws))
        self._boxes.append(box)
        self._settings += drawn
        self._origins += [(number, parents)] * len(drawn)
        return drawn

    def columns(self) -> dict[str, Any]:
        if self.rounds == 1:
            return {}
        ancestors = np.empty(len(self._origins), object)
        ancestors[:] = [parents for _, parents in self._origins]
        return {"round": [number for number, _ in self._origins], "parents": ancestors}

    def attributes(self) -> dict[str, Any]:
        return {"boxes_": self._boxes} if self.rounds > 1 else {}


def _ends(distribution: Any, values: Sequence[Any]) -> tuple[float, float]:
    numbers = np.asarray(values, np.float64)
    positive = bool((numbers > 0).all())
    ends = np.quantile(np.log(numbers) if positive else numbers, QUANTILES)
    low, high = np.exp(ends) if positive else ends
    if _is_discrete(distribution):
        return int(np.rint(low)), int(np.rint(high))
    return float(low), float(high)


def _is_discrete(distribution: Any) -> bool:
    return hasattr(distribution, "pmf")
