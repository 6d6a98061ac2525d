"""Boosted trees of scikit-learn, grown to vote beside networks.

Axis letters: N rows, d features, out outputs of a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import ThreadpoolController

from trainlab.estimators.merging import MergedColumns, one_hot_runs
from trainlab.estimators.rows import Rows
from trainlab.estimators.targets import Targets
from trainlab.estimators.trees import BoostedTrees, GrownTrees
from trainlab.interrupts import unswallowed
from trainlab.network.workspace import Array
from trainlab.search.selection import mean_loss, truths_of

MOST_LEAVES: Final = 9_600
"""Leaves of one model, about: of many classes each has fewer trees, within ITERATIONS."""
ITERATIONS: Final = (50, 400)
WIDE: Final = 400
"""Columns beyond which there are fewer trees, in proportion, but LEAST: each looks at them all."""
LEAST: Final = 10
TOTAL_RATE: Final = 12.0
"""The learning rate times the iterations at least, for rates up to GREATEST_RATE."""
GREATEST_RATE: Final = 0.15
DEPTH: Final = 12
ROWS_OF_A_VALUE: Final = 10
"""Rows for each value of a word, in the mean, from which on its mean targets are worth more than
they give away of the rows that they are means of."""
FURTHEST_ODDS: Final = 30.0
"""Logarithm of the odds of a label that all rows of a fold have, or none."""


def words_of(x: Array, targets: Targets) -> list[range]:
    """The columns of x (N, d) that are one-hot codes of a word each, and are worth merging."""
    most = len(x) // ROWS_OF_A_VALUE
    return [run for run in one_hot_runs(x) if _columns(targets) < len(run) <= most]


def _columns(targets: Targets) -> int:
    """Trees of an iteration: one for each output, but one of two classes."""
    return 1 if targets.task == "classification" and targets.outputs == 2 else targets.outputs


def iterations_of(
    targets: Targets, settings: Mapping[str, Any], features: int, words: Sequence[range]
) -> int:
    """How many iterations there are of some settings, which may say how many at most."""
    columns = _columns(targets)
    leaves = columns * settings["max_leaf_nodes"]
    few, many = ITERATIONS
    iterations = int(np.clip(MOST_LEAVES // leaves, few, settings.get("max_iter", many)))
    seen = features - sum(len(run) - columns for run in words)
    return max(LEAST, iterations * WIDE // max(WIDE, seen))


@unswallowed()
def grow(
    rows: Rows,
    held: Rows,
    targets: Targets,
    settings: Mapping[str, Any],
    seed: int,
    words: Sequence[range] = (),
    iterations: int | None = None,
) -> BoostedTrees:
    """Trees that were trained on rows, as many as are best on rows that are held back.

    y of both is as the targets encode it.  words: see `words_of`.
    iterations: None for as many as `iterations_of` says.
    """
    if iterations is None:
        iterations = iterations_of(targets, settings, rows.x.shape[1], words)
    least = min(GREATEST_RATE, TOTAL_RATE / iterations)
    rate = max(least, settings.get("learning_rate", least))
    usual = {"max_depth": DEPTH, "early_stopping": False, "random_state": seed}
    chosen = {**usual, **settings, "learning_rate": rate, "max_iter": iterations}
    if rows.weight is not None:  # of any size, where regularization is for weights about 1
        share = rows.weight / rows.weight.max()
        rows = replace(rows, weight=share / share.mean())
    merged = MergedColumns.of(rows.x, words, _values(rows.y, targets), rows.weight)
    rows, held = (
        replace(one, x=merged.seen(np.asarray(one.x, np.float64))) for one in (rows, held)
    )
    # Their sums would depend on how many threads share them, and so the bits.  The limit is one of
    # OpenMP alone: at its end it would restore the threads of BLAS that others have limited.
    with ThreadpoolController().select(user_api="openmp").limit(limits=1):
        if targets.task == "classification":
            grown = _of_classes(rows, held, targets.outputs, chosen)
        else:
            grown = _by_column(rows, held, targets, chosen)
    return replace(grown, merged=merged)


def _values(y: Array, targets: Targets) -> Array:
    """What tells rows apart (N, out): targets, or indicators of classes, one of two classes."""
    if targets.task != "classification":
        return y
    classes = range(targets.outputs - _columns(targets), targets.outputs)
    return np.stack([y == one for one in classes], axis=1).astype(np.float64)


def _of_classes(rows: Rows, held: Rows, classes: int, settings: Mapping[str, Any]) -> BoostedTrees:
    there = np.unique(rows.y)
    if len(there) == 1:  # a fold of one class has nothing to tell apart
        return _cut(
            [_constant(there.tolist(), FURTHEST_ODDS)], held, classes, "softmax", "classification"
        )
    model = HistGradientBoostingClassifier(**settings)
    model.fit(rows.x, rows.y, rows.weight)
    own = there[1:] if len(there) == 2 else there
    missing = np.setdiff1d(np.arange(classes), there).tolist()
    grown = [GrownTrees.of(model, own.tolist()), _constant(missing, -FURTHEST_ODDS)]
    return _cut(grown, held, classes, "softmax", "classification")


def _by_column(
    rows: Rows, held: Rows, targets: Targets, settings: Mapping[str, Any]
) -> BoostedTrees:
    """Real targets, or indicators: a model for each column of y."""
    regression = targets.task == "regression"
    kind: Any = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    grown = []
    for column in range(targets.outputs):
        y = rows.y[:, column]
        if not regression and len(np.unique(y)) == 1:
            grown.append(_constant([column], FURTHEST_ODDS if y[0] > 0 else -FURTHEST_ODDS))
        else:
            model = kind(**settings).fit(rows.x, y, rows.weight)
            grown.append(GrownTrees.of(model, [column]))
    link = "identity" if regression else "sigmoid"
    return _cut(grown, held, targets.outputs, link, targets.task)


def _constant(columns: list[int], value: float) -> GrownTrees:
    """What says the same of every row."""
    return GrownTrees(columns, np.full(len(columns), value), [])


def _cut(
    grown: Sequence[GrownTrees], held: Rows, outputs: int, link: str, task: str
) -> BoostedTrees:
    """As many iterations as have the least loss on the rows that are held back, of all alike."""
    whole = BoostedTrees.joined(grown, outputs, link)
    values, scores = whole.leaf_values(held.x), np.tile(whole.baseline, (len(held), 1))
    weight = np.ones(len(held)) if held.weight is None else held.weight
    iteration = np.concatenate(
        [np.repeat(np.arange(len(one.iterations)), len(one.columns)) for one in grown]
    )
    losses = []
    for done in range(1 + max(len(one.iterations) for one in grown)):
        if done:
            for tree in np.flatnonzero(iteration == done - 1).tolist():
                scores[:, whole.output[tree]] += values[:, tree]
        answers = scores if link == "identity" else whole.probabilities(scores)
        truths = truths_of(answers[np.newaxis], held.y, task)
        losses.append(float(mean_loss(truths, weight, task)[0]))
    best = int(np.argmin(losses))
    return BoostedTrees.joined([one.up_to(best) for one in grown], outputs, link)
