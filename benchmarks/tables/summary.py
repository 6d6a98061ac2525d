"""Ranks, ratios of errors with intervals over tables, wins, seconds, calibration."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.printing import MISSING, Table, seconds
from benchmarks.tables.data import TASKS, Task
from benchmarks.tables.results import Record, Results
from trainlab.evidence import statistic_bounds

Array = NDArray[np.float64]

LEVEL: Final = 0.95
FEWEST_TABLES: Final = 5
"""With fewer there is no interval: resamples of three tables know nothing of a fourth."""
LEAST_ERROR: Final = 1e-6
"""Errors count as this at least in a ratio, since a contestant may make none."""


# --- of numbers alone ----------------------------------------------------------------------


def mean_ranks(errors: Array) -> Array:
    """The mean rank (C,) over tables of contestants, by errors (T, C); 1 is the best.

    Equal errors share their mean rank; so do failures, which are infinite.

    >>> mean_ranks(np.array([[1.0, 2.0, 3.0], [5.0, 4.0, 4.0]])).tolist()
    [2.0, 1.75, 2.25]
    """
    ranks: Array = rankdata(errors, axis=1).mean(axis=0)
    return ranks


@dataclass(frozen=True)
class Ratio:
    """The error of one relative to that of another: a geometric mean over tables.

    low, high  the 95 % interval, by drawing tables; NaN for fewer than FEWEST_TABLES
    tables     on which both have an error
    wins       tables on which the one has the lower error; a failure loses to any error
    of         tables on which either has one
    """

    value: float
    low: float
    high: float
    tables: int
    wins: int
    of: int


def ratio(ours: Array, theirs: Array, seed: int = 0) -> Ratio:
    """The ratio of errors (T,), infinite after failures.

    >>> found = ratio(np.array([1.0, 2.0]), np.array([2.0, 1.0]))
    >>> found.value, found.wins, found.of
    (1.0, 1, 2)
    """
    both = np.isfinite(ours) & np.isfinite(theirs)
    wins, of = int(np.sum(ours < theirs)), int(np.sum(np.isfinite(ours) | np.isfinite(theirs)))
    if not both.any():
        return Ratio(math.nan, math.nan, math.nan, 0, wins, of)
    floored = np.maximum(np.stack([ours[both], theirs[both]]), LEAST_ERROR)
    logs = np.log(floored[0]) - np.log(floored[1])
    low = high = math.nan
    if len(logs) >= FEWEST_TABLES:
        low, high = statistic_bounds(logs[:, None], lambda means: np.exp(means[:, 0]), LEVEL, seed)
    return Ratio(float(np.exp(logs.mean())), low, high, len(logs), wins, of)


# --- of results ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Errors:
    """Errors (T, C) of contestants on tables, means over the hold-outs; infinite after a failure.

    Only tables are here on which everybody was tried, on as many hold-outs; `left_out` are
    the others.
    """

    tables: tuple[Record, ...]
    contestants: tuple[str, ...]
    values: Array
    left_out: tuple[str, ...] = ()

    def of(self, name: str) -> Array:
        """The errors (T,) of a contestant."""
        found: Array = self.values[:, self.contestants.index(name)]
        return found

    def task(self, task: Task | None) -> Errors:
        """Those of one task; of all for None."""
        kept = [i for i, one in enumerate(self.tables) if task in (None, one.task)]
        some = tuple(self.tables[i] for i in kept)
        return Errors(some, self.contestants, self.values[kept], self.left_out)


def tables(results: Results) -> list[Record]:
    """A record of each table, those of the fewest rows first."""
    named = {one.table: one for one in results.records.values()}
    return sorted(named.values(), key=lambda one: (one.rows, one.table))


def errors(results: Results) -> Errors:
    """The errors of all contestants of whom there are results."""
    fits: dict[tuple[str, str], dict[int, Record]] = {}
    for one in results.records.values():
        fits.setdefault((one.table, one.contestant), {})[one.holdout] = one
    contestants = tuple(sorted({one.contestant for one in results.records.values()}))
    kept, rows, left_out = [], [], []
    for table in tables(results):
        tried = [fits.get((table.table, contestant), {}) for contestant in contestants]
        most = max(tried, key=len)
        same = {number: one.digest for number, one in most.items()}
        if any({number: one.digest for number, one in each.items()} != same for each in tried):
            left_out.append(table.table)
            continue
        kept.append(table)
        rows.append([float(np.mean([one.loss for one in each.values()])) for each in tried])
    values = np.array(rows, np.float64).reshape(len(rows), len(contestants))
    return Errors(tuple(kept), contestants, values, tuple(left_out))


@dataclass(frozen=True)
class Standing:
    """A contestant's results in short.

    ranks  its mean rank over all tables, those of classification, those of regression
    median, most  CPU seconds of a fit with its predictions
    calibration   mean over tables of the calibration error; NaN without classification
    failures      fits that failed
    """

    contestant: str
    version: str
    ranks: tuple[float, float, float]
    median: float
    most: float
    calibration: float
    failures: int


def standings(results: Results) -> list[Standing]:
    """Everybody's, the best mean rank first."""
    found = errors(results)
    tasks: tuple[Task | None, ...] = (None, *TASKS)
    ranks = [_ranks(found.task(task)) for task in tasks]
    complete = {one.table for one in found.tables}
    made = []
    for place, name in enumerate(found.contestants):
        own = [one for one in results.records.values() if one.contestant == name]
        own = [one for one in own if one.table in complete]
        done = [one for one in own if not one.error]
        cpu = [one.cpu for one in done]
        gaps: dict[str, list[float]] = {}
        for one in done:
            if "calibration_error" in one.numbers:
                gaps.setdefault(one.table, []).append(one.numbers["calibration_error"])
        made.append(
            Standing(
                name,
                next((one.version for one in reversed(done)), ""),
                (ranks[0][place], ranks[1][place], ranks[2][place]),
                statistics.median(cpu) if cpu else math.nan,
                max(cpu, default=math.nan),
                statistics.mean(map(statistics.mean, gaps.values())) if gaps else math.nan,
                len(own) - len(done),
            )
        )
    return sorted(made, key=lambda one: (one.ranks[0], one.contestant))


def _ranks(some: Errors) -> list[float]:
    if not some.tables:
        return [math.nan] * len(some.contestants)
    return [float(rank) for rank in mean_ranks(some.values)]


def ratios(results: Results, ours: str, task: Task | None) -> dict[str, Ratio]:
    """The ratio of the errors of one to those of each other; empty where it has none."""
    found = errors(results).task(task)
    if ours not in found.contestants or not found.tables:
        return {}
    own = found.of(ours)
    return {name: ratio(own, found.of(name)) for name in found.contestants if name != ours}


# --- as tables -------------------------------------------------------------------------------


def shown(value: float, digits: int = 2) -> str:
    """A number, or a dash where there is none."""
    return f"{value:.{digits}f}" if math.isfinite(value) else MISSING


def ranking(results: Results) -> Table:
    """Everybody's mean ranks, seconds, calibration and failures."""
    rows = tuple(
        (
            one.contestant,
            *(shown(rank) for rank in one.ranks),
            *(seconds(s) if math.isfinite(s) else MISSING for s in (one.median, one.most)),
            shown(one.calibration, 3),
            str(one.failures) if one.failures else MISSING,
        )
        for one in standings(results)
    )
    ranks = ("mean rank", "rank, class.", "rank, regr.")
    columns = ("", *ranks, "CPU s, median", "CPU s, most", "calib. error", "failed")
    return Table("Mean ranks", columns, rows)


def comparison(results: Results, ours: str) -> Table:
    """The ratios of one's errors to those of each other, and the tables that it wins."""
    tasks: Sequence[Task | None] = (*TASKS, None)
    found: list[dict[str, Ratio]] = [ratios(results, ours, task) for task in tasks]
    order = [one.contestant for one in standings(results) if one.contestant in found[-1]]
    rows = tuple(
        (
            name,
            f"{found[-1][name].wins} of {found[-1][name].of}",
            *(interval(part[name]) if name in part else MISSING for part in found),
        )
        for name in order
    )
    columns = ("", "wins", *TASKS, "all")
    return Table(f"Error of {ours} ÷ error of …", columns, rows, page_only=1)


def interval(one: Ratio) -> str:
    """A ratio and its interval."""
    if not math.isfinite(one.low):
        return shown(one.value)
    return f"{shown(one.value)} [{shown(one.low)}, {shown(one.high)}]"


def printed(results: Results, ours: str) -> list[Table]:
    """What a terminal shows of results."""
    if not results.records:
        return []
    made = [ranking(results)]
    compared: Any = comparison(results, ours)
    return [*made, compared] if compared.rows else made
