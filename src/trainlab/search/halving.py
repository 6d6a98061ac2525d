"""Successive halving: many candidates for few epochs, the best of them for more.

Source: Jamieson, Talwalkar (2016), Non-stochastic best arm identification and
hyperparameter optimization.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.choices import RULES
from trainlab.search.candidates import OWNER, prefix, searches
from trainlab.search.strategy import Parameters, Scores, Strategy

RESOURCE: Final = "max_iter"


def lengths(candidates: int, factor: int, epochs: int) -> list[int]:
    """The epochs of each step: epochs // factor^k, shortest first, and never 0.

    As many steps as leave fewer than `factor` candidates for the last, or as there are.

    >>> lengths(30, 3, 100)
    [3, 11, 33, 100]
    >>> lengths(30, 3, 5)
    [1, 5]
    """
    steps = 1
    while factor**steps <= min(candidates, epochs):
        steps += 1
    return [epochs // factor**power for power in reversed(range(steps))]


def survivors(scores: Sequence[float], factor: int) -> list[int]:
    """The numbers of the best 1/factor of n candidates, rounded up, the best last.

    Those without a score are the worst; of equal ones the last go on.

    >>> survivors([0.3, float("nan"), 0.9, 0.5], 2)
    [3, 2]
    """
    known = np.where(np.isnan(scores), -np.inf, scores)
    order: list[int] = np.argsort(known, kind="stable").tolist()
    return order[-math.ceil(len(order) / factor) :]


class Halving(Strategy):
    """Given candidates; each step trains the best of them for `factor` times as many epochs.

    resource  the name of the parameter that says how many epochs; the last step has `epochs`
    """

    def __init__(
        self, candidates: Sequence[Parameters], factor: int, resource: str, epochs: int
    ) -> None:
        self._next = list(candidates)
        self._factor = factor
        self._resource = resource
        self._lengths = lengths(len(candidates), factor, epochs)
        self.rounds = len(self._lengths)
        self._counts: list[int] = []

    def propose(self, scores: Scores) -> list[Parameters]:
        step = len(self._counts)
        if step == len(self._lengths):
            return []
        if step:
            last = scores()[-len(self._next) :]
            self._next = [self._next[number] for number in survivors(last, self._factor)]
        self._counts.append(len(self._next))
        return [{**one, self._resource: self._lengths[step]} for one in self._next]

    def columns(self) -> dict[str, Any]:
        steps = range(len(self._counts))
        return {
            "iter": np.repeat(steps, self._counts),
            "n_resources": np.repeat(self._lengths[: len(steps)], self._counts),
        }

    def attributes(self) -> dict[str, Any]:
        return {
            "n_iterations_": len(self._counts),
            "n_candidates_": self._counts,
            "n_resources_": self._lengths,
        }

    @property
    def first_finalist(self) -> int:
        return sum(self._counts[:-1])


def epochs_of(estimator: Any, network: BaseMLP, space: Any) -> tuple[str, int]:
    """The parameter of an estimator that says how many epochs, and what it says.

    SettingError where it is searched.
    """
    name = f"{prefix(estimator)}{RESOURCE}"
    if any(searches(space, name)):
        must, remedy = f"leave {name} to halving", f"{name} of the estimator"
        raise SettingError(sentence("param_distributions", OWNER, must, name, remedy))
    checked = RULES[RESOURCE].check(network.max_iter, RESOURCE, type(network).__name__)
    return name, int(checked)
