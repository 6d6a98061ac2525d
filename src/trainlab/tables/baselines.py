"""The models that a search of a table is judged beside: linear, of trees, and of the target alone.

Each is scikit-learn's with its defaults, but aims at what minimizes the metric: the mean, or a
quantile.  Were they to aim at the mean where a quantile is asked for, any model would beat them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from threadpoolctl import ThreadpoolController

from trainlab.estimators.cells import Column
from trainlab.interrupts import unswallowed
from trainlab.network.workspace import Array
from trainlab.search.metrics import (
    F1,
    MeanAbsoluteError,
    NamedMetric,
    PinballLoss,
    TablePrediction,
    TableTruth,
)
from trainlab.tables.problem import TableProblem

TREES: Final = "gradient-boosted trees"
LINEAR: Final = {"classification": "logistic regression", "regression": "ridge regression"}
MOST_KINDS: Final = 255
"""Categories of one column that scikit-learn's trees tell apart."""


@dataclass(eq=False)
class Kinds:
    """Words as numbers for trees, which split them as categories; holes are NaN.

    places  of the columns of words
    others  what an encoder makes of dates and text, by their places; they stand behind all columns,
            and are 0 in their own
    """

    places: list[int]
    others: Mapping[int, Column] = field(default_factory=dict)
    _codes: OrdinalEncoder = field(init=False)

    def fit(self, x: NDArray[Any]) -> Array:
        """Learns the words of rows (N, d), and gives their numbers (N, m).

        Those beyond the most frequent are one category.
        """
        self._codes = OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
            encoded_missing_value=np.nan,
            max_categories=MOST_KINDS,
        )
        if self.places:
            self._codes.fit(self._cells(x))
        return self.transform(x)

    def transform(self, x: NDArray[Any]) -> Array:
        """The numbers (N, m) of rows; words that were not there before are holes."""
        found = np.zeros(x.shape)
        apart = {*self.places, *self.others}
        numbers = [place for place in range(x.shape[1]) if place not in apart]
        found[:, numbers] = x[:, numbers].astype(np.float64)
        if self.places:
            with warnings.catch_warnings():
                # It says that unknown words become what we ask for.
                warnings.filterwarnings("ignore", message="Found unknown categories")
                found[:, self.places] = self._codes.transform(self._cells(x))
        made = [one.encode(x[:, place], str(place)) for place, one in self.others.items()]
        return np.concatenate([found, *made], axis=1)

    def _cells(self, x: NDArray[Any]) -> NDArray[Any]:
        """The words (N, words), with NaN for holes, as scikit-learn knows them."""
        cells = x[:, self.places].astype(object)
        cells[[[one is None for one in row] for row in cells]] = np.nan
        return cells


@unswallowed()
def baselines(
    of: TableProblem,
    encoder: Any,
    known: tuple[Any, Any],
    folds: Sequence[tuple[Any, Any]],
    x: Any,
    metric: NamedMetric,
    seed: int,
) -> dict[str, TablePrediction]:
    """What each says of rows x, by its name: linear, trees, and what knows the target alone.

    encoder  makes numbers of the table for the linear model; None where it has no others
    known    the rows (x, y) that the model was trained on;  folds: of them
    metric   that they are judged by
    """
    classifies = of.task == "classification"
    apart, share = (*of.dates, *of.text), _quantile_of(metric)
    words = Kinds(of.words, {place: encoder.columns_[place] for place in apart})
    trees: Any = HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor
    aim: dict[str, Any] = {} if share is None else {"loss": "quantile", "quantile": share}
    aim = {"loss": "absolute_error"} if share == 0.5 else aim
    boosted = trees(categorical_features=of.words or None, random_state=seed, **aim)
    # Their sums would depend on how many threads share them, and so the files of a search.
    with ThreadpoolController().select(user_api="openmp").limit(limits=1):
        boosted.fit(words.fit(known[0]), known[1])
        by_trees = TablePrediction.by(boosted, words.transform(x), of.task)
    if encoder is not None:
        # A mean of the target that a row has a part in would tell the row's target.
        fresh = clone(encoder).fit_transform(*known) if of.target_means else None
        rows = encoder.transform(known[0]) if fresh is None else fresh
        known, x = (rows, known[1]), encoder.transform(x)
    line = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000) if classifies else Ridge()
    )
    by_line = TablePrediction.by(clone(line).fit(*known), x, of.task)
    if share is not None:
        by_line = TablePrediction(by_line.values + _moved(line, known, folds, share))
    name, constant = _constant(of, known[1], len(x), metric)
    return {LINEAR[of.task]: by_line, TREES: by_trees, name: constant}


def _quantile_of(metric: NamedMetric) -> float | None:
    """The share of the targets below the number that a metric is least at; None: it is the mean."""
    if isinstance(metric, MeanAbsoluteError):
        return 0.5
    return metric.alpha if isinstance(metric, PinballLoss) else None


def _moved(
    line: BaseEstimator, known: tuple[Any, Any], folds: Sequence[tuple[Any, Any]], share: float
) -> float:
    """The quantile of y − prediction on rows that a model was not fitted to, in each fold."""
    x, y = known
    errors = [y[test] - clone(line).fit(x[own], y[own]).predict(x[test]) for own, test in folds]
    return float(np.quantile(np.concatenate(errors), share))


def _constant(
    of: TableProblem, y: NDArray[Any], rows: int, metric: NamedMetric
) -> tuple[str, TablePrediction]:
    """What knows the target alone says of so many rows, and its name.

    Its probabilities are the shares of the classes.
    """
    unseen = np.zeros((rows, 1))
    if of.task == "regression":
        share = _quantile_of(metric)
        name = {None: "the mean", 0.5: "the median"}.get(share, f"the quantile {share}")
        kind = "mean" if share is None else "quantile"
        dummy = DummyRegressor(strategy=kind, quantile=share).fit(np.zeros((len(y), 1)), y)
        return name, TablePrediction(dummy.predict(unseen))
    said = TablePrediction.by(DummyClassifier().fit(np.zeros((len(y), 1)), y), unseen, of.task)
    truth = TableTruth.of(of.y, np.arange(len(of.y)), of.task)
    if isinstance(metric, F1) and truth.positive is not None and truth.classes is not None:
        # That of two classes is of the rarer one: never to name it would be no rival.
        rarer = np.repeat(truth.classes[truth.positive], rows)
        return "always naming the rarer class", TablePrediction(rarer, said.p)
    return "the most frequent class", said
