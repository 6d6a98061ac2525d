"""What a model goes by: how much worse it is without a column, and what it says as a column varies.

Order: importance, partial dependence.  Both ask the model about rows put aside.
Axis letters: N rows, d features, C classes, g points of a grid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainlab.data.dates import Order, moments
from trainlab.network.workspace import Array
from trainlab.search.metrics import NamedMetric, TablePrediction, TableTruth
from trainlab.streams import stream
from trainlab.tables.classes import FEW, shown_order
from trainlab.tables.problem import TableProblem

REPEATS: Final = 5
"""Permutations of each column."""
MOST_ROWS: Final = 100_000
"""Rows that a model is asked for the importance of all columns: minutes at the very most."""
MOST_CELLS: Final = 10_000_000
"""Cells of these rows."""
LEAST_ROWS: Final = 50
"""Rows of the table at least: what a column is worth in a few rows is chance."""
WIDER: Final = 10
"""Where that takes so many times MOST_CELLS, and more, no importance is told."""
AT_ONCE: Final = 5_000
"""Rows of one question."""
SHOWN: Final = 10
"""Columns whose dependence is shown."""
POINTS: Final = 20
"""Of a grid of numbers."""
KINDS: Final = 10
"""Of a grid of words, or of numbers of so few values."""
GRID_ROWS: Final = 200
"""Rows that a dependence is the mean over."""
_IMPORTANCE, _DEPENDENCE = 1, 2  # they tell their streams of random numbers apart


# --- importance ------------------------------------------------------------------------


@dataclass(frozen=True)
class ColumnImportance:
    """How much worse predictions get when the cells of a column change places.

    loss   the mean over permutations, in the unit of the metric; positive is worse
    error  its standard error
    """

    name: str
    loss: float
    error: float


def importance(
    of: TableProblem, model: Any, x: NDArray[Any], truth: TableTruth, metric: NamedMetric, seed: int
) -> tuple[ColumnImportance, ...]:
    """The columns by permutation importance, the greatest first; none of very many columns.

    Source: Breiman, "Random forests", Machine Learning 45 (2001), section 10; here of rows that
    had no part in the training, and by the metric asked for.
    """
    d, rng = len(of.features), stream(seed, "sample", _IMPORTANCE)
    most = min(MOST_ROWS, MOST_CELLS // d) // (REPEATS * d)
    if most < LEAST_ROWS:
        if LEAST_ROWS * REPEATS * d * d > WIDER * MOST_CELLS:
            return ()
        most = LEAST_ROWS
    kept = _sample(len(truth), most, rng)
    if of.task == "classification":  # without a row of each class some metrics are no numbers
        _, firsts = np.unique(truth.codes, return_index=True)
        gone = ~np.isin(truth.codes[firsts], truth.codes[kept])
        kept = np.union1d(kept, firsts[gone])
    x, truth = x[kept], truth.take(kept)
    base = metric.value(truth, _said(of, model, x))
    orders = [rng.permutation(len(x)) for _ in range(d * REPEATS)]
    values, together = [], max(1, AT_ONCE // len(x))
    for first in range(0, d * REPEATS, together):
        changed = []
        for number in range(first, min(first + together, d * REPEATS)):
            one, place = x.copy(), number // REPEATS
            one[:, place] = x[orders[number], place]
            changed.append(one)
        said = _said(of, model, np.concatenate(changed))
        values += [
            metric.value(truth, said.take(slice(begin, begin + len(x))))
            for begin in range(0, len(changed) * len(x), len(x))
        ]
    losses = metric.sign * (base - np.reshape(values, (d, REPEATS)))
    mean, error = losses.mean(axis=1), losses.std(axis=1, ddof=1) / np.sqrt(REPEATS)
    return tuple(
        ColumnImportance(of.features[place], float(mean[place]), float(error[place]))
        for place in np.argsort(-mean, kind="stable")
    )


def _said(of: TableProblem, model: Any, x: NDArray[Any]) -> TablePrediction:
    """What a model says of rows, asked once: labels are those of the highest probability."""
    if of.task == "regression":
        return TablePrediction.by(model, x, of.task)
    p = np.asarray(model.predict_proba(x), np.float64)
    return TablePrediction(np.unique(of.y)[p.argmax(axis=1)], p)


def _sample(rows: int, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    if rows <= most:
        return np.arange(rows)
    return np.sort(rng.choice(rows, most, replace=False))


# --- partial dependence ----------------------------------------------------------------


@dataclass(frozen=True)
class PartialDependence:
    """The mean prediction over rows in which a column has one value, for several values.

    grid   numbers (g,), or words or dates (g,); None stands for cells without a value
    lines  for each of `names` the means (g,) of the probabilities of a class, or of numbers
    names  the classes, or one name that is empty
    typical  numbers with a tenth of the rows between each two; () for words
    shown    which words or dates are in the grid, if not all of them are
    """

    name: str
    grid: tuple[Any, ...]
    lines: tuple[tuple[float, ...], ...]
    names: tuple[str, ...]
    typical: tuple[float, ...] = ()
    shown: str = ""


def dependence(
    of: TableProblem, model: Any, x: NDArray[Any], columns: Sequence[str], seed: int
) -> tuple[PartialDependence, ...]:
    """Of some columns, over rows x (N, d); of classes those of the most rows, FEW at most.

    Text is left out, whose cells have nothing in common.

    Source: Friedman, "Greedy function approximation", Annals of Statistics 29 (2001), section 8.
    """
    x = x[_sample(len(x), GRID_ROWS, stream(seed, "sample", _DEPENDENCE))]
    names: tuple[str, ...] = ("",)
    shown = np.array([0])
    if of.task == "classification":
        classes, counts = np.unique(of.y, return_counts=True)
        order = shown_order(classes)
        shown = order[np.isin(order, np.argsort(-counts, kind="stable")[:FEW])]
        if len(classes) == 2:  # one probability says the other
            shown = np.array([int(counts[1] <= counts[0])])
        names = tuple(str(one) for one in classes[shown])
    grids, asked = {}, []
    for name in columns:
        place = of.features.index(name)
        if place in of.text:
            continue
        grids[name] = _grid(of.x[:, place], of.dates.get(place))
        grid, _, _ = grids[name]
        changed = np.repeat(x[np.newaxis], len(grid), axis=0)
        changed[:, :, place] = np.array(grid, changed.dtype)[:, np.newaxis]
        asked.append(changed.reshape(-1, x.shape[1]))
    found, means = [], _means(of, model, asked, len(x))
    for (name, (grid, typical, said)), values in zip(grids.items(), means, strict=True):
        lines = tuple(tuple(line) for line in values[:, shown].T.tolist())
        shown_grid = tuple(None if one != one else one for one in grid)
        found.append(PartialDependence(name, shown_grid, lines, names, typical, said))
    return tuple(found)


def _means(
    of: TableProblem, model: Any, asked: Sequence[NDArray[Any]], rows: int
) -> Iterator[Array]:
    """For each table that is asked about the means (g, C), or (g, 1), of its parts of some rows.

    Few calls, of AT_ONCE rows or those of one table: each takes its time, however few rows it has.
    """
    together: list[NDArray[Any]] = []
    for number, one in enumerate(asked):
        together.append(one)
        last = number == len(asked) - 1
        if not last and sum(map(len, together)) + len(asked[number + 1]) <= AT_ONCE:
            continue
        said = _said(of, model, np.concatenate(together))
        values: Array = said.values[:, np.newaxis] if said.probabilities is None else said.p
        ends = np.cumsum([len(part) for part in together])[:-1]
        for part in np.split(values, ends):
            yield part.reshape(-1, rows, part.shape[1]).mean(axis=1)
        together = []


def _grid(
    cells: NDArray[Any], order: Order | None = None
) -> tuple[list[Any], tuple[float, ...], str]:
    """Values that a column has: the most frequent words, dates or numbers at even quantiles.

    Beside them numbers that are typical, and which words or dates these are, if not all.

    order  that of the dates of a column, None of words and numbers
    """
    if order is not None:
        known = {cell: moments(cell)[order] for cell in cells.tolist() if cell is not None}
        dates = sorted(known, key=lambda cell: known[cell])
        places = np.linspace(0, len(dates) - 1, min(KINDS, len(dates))).round().astype(int)
        several = f"{KINDS} of {len(dates)} dates" if len(dates) > KINDS else ""
        return [dates[place] for place in places], (), several
    if any(isinstance(one, str) for one in cells.tolist()):
        counts = Counter(cells.tolist())
        words = f"{len(counts)} words"
        if None in counts:
            words = f"{len(counts) - 1} words and 'no value'"
        several = f"the {KINDS} most frequent of {words}" if len(counts) > KINDS else ""
        return [one for one, _ in counts.most_common(KINDS)], (), several
    numbers = cells.astype(np.float64)
    numbers = numbers[np.isfinite(numbers)]
    typical = tuple(np.quantile(numbers, np.linspace(0.1, 0.9, 9)).tolist())
    different = np.unique(numbers)
    if len(different) <= KINDS:
        return different.tolist(), typical, ""
    # Without the outermost hundredths, where few rows say what the model learnt.
    ends = np.quantile(numbers, np.linspace(0.01, 0.99, POINTS))
    return np.unique(ends).tolist(), typical, ""
