"""Boosted trees of scikit-learn, grown to vote beside networks.

Axis letters: N rows, d features, out outputs of a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from trainlab.estimators.rows import Rows
from trainlab.estimators.targets import Targets
from trainlab.estimators.trees import BoostedTrees, GrownTrees
from trainlab.network.workspace import Array
from trainlab.search.selection import mean_loss, truths_of

MOST_LEAVES: Final = 9_600
"""Leaves of one model, about: of many classes each has fewer trees, within ITERATIONS."""
ITERATIONS: Final = (50, 400)
WIDE: Final = 400
"""Columns beyond which there are fewer trees, in proportion, but LEAST: each looks at them all."""
LEAST: Final = 10
TOTAL_RATE: Final = 12.0
"""The learning rate times the iterations, for rates up to GREATEST_RATE."""
GREATEST_RATE: Final = 0.15
DEPTH: Final = 12
STAGE: Final = 50
"""So many iterations are grown at a time, until a stage brings no better loss."""
MOST_IN_STAGES: Final = 5_000
"""Rows up to which they are: each stage goes once more through what was grown before it."""
FURTHEST_ODDS: Final = 30.0
"""Logarithm of the odds of a label that all rows of a fold have, or none."""


def iterations_of(targets: Targets, settings: Mapping[str, Any], features: int) -> int:
    """How many iterations there are of some settings, for so many columns; they may say less."""
    columns = 1 if targets.task == "classification" and targets.outputs == 2 else targets.outputs
    leaves = columns * settings["max_leaf_nodes"]
    iterations = int(np.clip(MOST_LEAVES // leaves, *ITERATIONS))
    iterations = min(iterations, int(settings.get("max_iter", iterations)))
    return max(LEAST, iterations * WIDE // max(WIDE, features))


def grow(
    rows: Rows,
    held: Rows,
    targets: Targets,
    settings: Mapping[str, Any],
    seed: int,
    iterations: int | None = None,
) -> BoostedTrees:
    """Trees that were trained on rows, as many as are best on rows that are held back.

    y of both is as the targets encode it.  iterations: so many are grown; None for those that
    `iterations_of` says, or as many stages of them as bring a better loss
    """
    at_once = iterations is not None or len(rows) > MOST_IN_STAGES
    if iterations is None:
        iterations = iterations_of(targets, settings, rows.x.shape[1])
    rate = min(GREATEST_RATE, TOTAL_RATE / iterations)
    usual = {"learning_rate": rate, "max_depth": DEPTH, "early_stopping": False}
    chosen = {**usual, "random_state": seed, **settings, "warm_start": True}
    if rows.weight is not None:  # of any size, where regularization is for weights about 1
        share = rows.weight / rows.weight.max()
        rows = replace(rows, weight=share / share.mean())
    models, constant = _models(rows, targets, chosen)
    link = {"classification": "softmax", "multilabel": "sigmoid"}.get(targets.task, "identity")
    watch = _HeldLosses(held, targets, link)
    step = iterations if at_once else min(STAGE, iterations)
    # Their sums would depend on how many threads share them, and so the bits.
    with threadpool_limits(1, "openmp"):
        for done in range(step, iterations + step, step):
            grown = [*(one.up_to(min(done, iterations)) for one in models), constant]
            watch.see(grown)
            if watch.best <= done - step:
                break
    return BoostedTrees.joined([one.up_to(watch.best) for one in grown], targets.outputs, link)


@dataclass(frozen=True, eq=False)
class _GrowingTrees:
    """A model of scikit-learn that goes on growing, and the outputs that it is for."""

    model: Any
    x: Array
    y: Array
    weight: Array | None
    columns: list[int]

    def up_to(self, iterations: int) -> GrownTrees:
        """Its trees, once it has so many iterations."""
        self.model.set_params(max_iter=iterations).fit(self.x, self.y, self.weight)
        return GrownTrees.of(self.model, self.columns)


def _models(
    rows: Rows, targets: Targets, settings: Mapping[str, Any]
) -> tuple[list[_GrowingTrees], GrownTrees]:
    """What is to grow, and the outputs that have nothing to tell apart."""
    x = np.asarray(rows.x, np.float64)
    if targets.task == "classification":
        there = np.unique(rows.y)
        if len(there) == 1:
            return [], _constant(there.tolist(), [FURTHEST_ODDS])
        own = there[1:] if len(there) == 2 else there
        missing = np.setdiff1d(np.arange(targets.outputs), there).tolist()
        model = HistGradientBoostingClassifier(**settings)
        grows = _GrowingTrees(model, x, rows.y, rows.weight, own.tolist())
        return [grows], _constant(missing, [-FURTHEST_ODDS] * len(missing))
    # Real targets, or indicators: a model for each column of y.
    regression = targets.task == "regression"
    kind: Any = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    models: list[_GrowingTrees] = []
    same: dict[int, float] = {}
    for column in range(targets.outputs):
        y = rows.y[:, column]
        if not regression and len(np.unique(y)) == 1:
            same[column] = FURTHEST_ODDS if y[0] > 0 else -FURTHEST_ODDS
        else:
            models.append(_GrowingTrees(kind(**settings), x, y, rows.weight, [column]))
    return models, _constant([*same], [*same.values()])


def _constant(columns: list[int], values: list[float]) -> GrownTrees:
    """What says the same of every row."""
    return GrownTrees(columns, np.array(values, np.float64), [])


class _HeldLosses:
    """The loss on rows that are held back, before the first iteration and after each."""

    def __init__(self, held: Rows, targets: Targets, link: str) -> None:
        self._held, self._targets, self._link = held, targets, link
        self._x = np.asarray(held.x, np.float64)
        self._weight = np.ones(len(held)) if held.weight is None else held.weight
        self._scores: Array | None = None
        self._losses: list[float] = []

    @property
    def best(self) -> int:
        """After how many iterations it is least, the first of equal ones."""
        return int(np.argmin(self._losses))

    def see(self, grown: Sequence[GrownTrees]) -> None:
        """Adds what was grown since the last time."""
        seen = max(0, len(self._losses) - 1)
        new = [replace(one, iterations=one.iterations[seen:]) for one in grown]
        trees = BoostedTrees.joined(new, self._targets.outputs, self._link)
        if self._scores is None:
            self._scores = np.tile(trees.baseline, (len(self._x), 1))
            self._add(trees)
        values = trees.leaf_values(self._x)
        iteration = np.concatenate(
            [np.repeat(np.arange(len(one.iterations)), len(one.columns)) for one in new]
        )
        for number in range(max(len(one.iterations) for one in new)):
            for tree in np.flatnonzero(iteration == number).tolist():
                self._scores[:, trees.output[tree]] += values[:, tree]
            self._add(trees)

    def _add(self, trees: BoostedTrees) -> None:
        """The loss of the scores."""
        scores, task = self._scores, self._targets.task
        assert scores is not None
        answers = scores if self._link == "identity" else trees.probabilities(scores)
        truths = truths_of(answers[np.newaxis], self._held.y, task)
        self._losses.append(float(mean_loss(truths, self._weight, task)[0]))
