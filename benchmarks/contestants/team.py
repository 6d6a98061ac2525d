"""Two processes with a share of the members each, for libraries that gain by it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from benchmarks.contestants.base import Outcome
from benchmarks.data import Data
from benchmarks.workloads import Workload

Train = Callable[..., Outcome]
"""train(workload, data, members, steps, **options): the members with these numbers."""

_WORK: dict[str, Any] = {}


class Team:
    """Processes that keep the data and wait for members to train."""

    def __init__(self, train: Train, workload: Workload, data: Data, processes: int = 2) -> None:
        self.processes = processes
        context = multiprocessing.get_context("spawn")  # libraries with threads do not fork well
        self._pool = ProcessPoolExecutor(processes, context, _begin, (train, workload, data))

    def run(self, shares: Sequence[Sequence[int]], steps: int, **options: Any) -> Outcome:
        """Trains each share of members; the outcomes in the order of the members."""
        futures = [self._pool.submit(_do, list(share), steps, options) for share in shares]
        return ordered(shares, [future.result() for future in futures])


def ordered(shares: Sequence[Sequence[int]], outcomes: Sequence[Outcome]) -> Outcome:
    """The outcomes of shares of members as one outcome, in the order of the members."""
    places = [member for share in shares for member in share]
    found: Outcome = {}
    for name in outcomes[0]:
        values = [value for outcome in outcomes for value in outcome[name]]
        found[name] = [value for _, value in sorted(zip(places, values, strict=True))]
    return found


def _begin(train: Train, workload: Workload, data: Data) -> None:
    _WORK.update(train=train, workload=workload, data=data)


def _do(members: list[int], steps: int, options: dict[str, Any]) -> Outcome:
    outcome: Outcome = _WORK["train"](_WORK["workload"], _WORK["data"], members, steps, **options)
    return outcome
