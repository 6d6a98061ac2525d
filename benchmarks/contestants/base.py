"""The face that all contestants have in common, and what several of them need."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from benchmarks.data import Data
from benchmarks.workloads import Setting, Workload

Array = npt.NDArray[Any]
Outcome = dict[str, list[float]]
"""Name of a final metric → its value for each member trained, in the order of the workload."""

Option = TypeVar("Option")


class Contestant(ABC):
    """Somebody who can do a workload.  Only `run` is timed, and `compile` apart from it.

    part     the share of the members that `run` trains
    options  what it chose or was told: threads, chunk sizes, …; shown beside its times
    """

    part: float = 1.0
    warm_up_steps: ClassVar[int | None] = None

    def __init__(self, workload: Workload, data: Data, count: int | None = None) -> None:
        """`count`: train the first members only, as many as this."""
        self.workload = workload.first(count)
        self.data = data
        if workload.members:
            self.part = len(self.workload.members) / len(workload.members)
        self.options: dict[str, Any] = {}

    def tune(self) -> None:
        """Chooses its options by short trials, where there is something to choose."""
        self.options = {}

    def compile(self) -> bool:
        """Compiles what has to be compiled; False where nothing has."""
        return False

    def warm_up(self) -> None:
        """A run that is not counted."""
        self.run(self.warm_up_steps)

    @abstractmethod
    def run(self, steps: int | None = None) -> Outcome:
        """Trains every member from its start (or for so many steps only): the whole workload."""


def quickest(options: Iterable[Option], trial: Callable[[Option], float]) -> Option:
    """The option that does its trial at the greatest rate, the better of two goes each.

    A trial returns how much it did, so that options may be tried on different amounts.
    """
    options = list(options)
    if len(options) == 1:
        return options[0]
    rates: list[tuple[float, int, Option]] = []
    for option in options:
        goes = []
        trial(option)  # caches, thread pools, compilers
        for _ in range(2):
            start = time.perf_counter()
            done = trial(option)
            goes.append(done / (time.perf_counter() - start))
        rates.append((max(goes), -len(rates), option))
    return max(rates, key=lambda rate: rate[:2])[2]


def starting_weights(workload: Workload, member: Setting) -> list[tuple[Array, Array]]:
    """Gaussian weights (in, out) and zero biases (out,) of each layer, float64."""
    rng = np.random.default_rng(member.seed)
    return [
        (member.std(fan_in) * rng.standard_normal((fan_in, fan_out)), np.zeros(fan_out))
        for fan_in, fan_out in workload.shapes(member)
    ]


def last(losses: Array, steps: int) -> float:
    """The mean of the last losses: at most 100 of them, and at most half of the run."""
    return float(np.mean(np.asarray(losses[-max(min(100, steps // 2), 1) :], np.float64)))


def collect(outcomes: Iterable[dict[str, float]]) -> Outcome:
    """One dict per member → one list per metric."""
    found: Outcome = {}
    for outcome in outcomes:
        for name, value in outcome.items():
            found.setdefault(name, []).append(float(value))
    return found
