"""The selection of a greedy search: what candidates say of rows they were not trained on.

Axis letters: N rows, n candidates, out targets of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from trainlab.data.weights import in_range
from trainlab.errors import DataError, sentence
from trainlab.estimators.scores import check_sample_weight
from trainlab.estimators.targets import Indicators, Labels, Targets, Values
from trainlab.network.workspace import Array
from trainlab.search.candidates import OWNER
from trainlab.search.selection import Selection, select, truths_of
from trainlab.search.voting import VoteClassifier, VoteRegressor, probabilities

ROUNDS: Final = 50
"""Candidates that are selected at most, repetitions counted."""


@dataclass(frozen=True, eq=False)
class SplitPrediction:
    """A candidate that was fitted on one split, and the truths (rows, …) of its test rows."""

    estimator: Any
    truths: Array


@dataclass(frozen=True, eq=False)
class GreedySelector:
    """What decides how good candidates are on the test rows of the splits.

    t       (N,) or (N, out), the targets of all rows
    weight  (N,)
    tests   of each split the numbers of its test rows
    """

    targets: Targets
    t: Array
    weight: Array
    tests: Sequence[Array]

    @classmethod
    def of(
        cls, estimator: Any, y: Any, weight: Any, splits: Sequence[tuple[Any, Any]]
    ) -> GreedySelector:
        """The selector of rows that are to be split so.

        weight  (N,), a number, or None: of each row as for the estimator's `fit`

        ValueError for a y that the estimator would refuse; DataError where no test row counts.
        """
        y = check_array(y, accept_sparse="csr", ensure_2d=False, dtype=None, input_name="y")
        weight, _ = in_range(check_sample_weight(weight, y, f"{OWNER}.fit"))
        tests = [_numbers(test, y) for _, test in splits]
        if not any((weight[test] > 0).any() for test in tests):
            must = "be positive for some of the test rows with ensemble='greedy'"
            raise DataError(sentence("sample_weight", f"{OWNER}.fit", must, "zero for every row"))
        return cls(*_encoded(estimator, y, weight), weight, tests)

    def prediction(self, estimator: Any, x: Any, split: int) -> SplitPrediction | None:
        """What an estimator says of the test rows x of a split; None if it fails to.

        One whose training failed is not fitted, and fails.
        """
        try:
            if self.targets.task == "regression":
                answers = self.targets.encode(estimator.predict(x))
            else:
                answers = probabilities(estimator, x, self.targets)
        except Exception:  # noqa: BLE001  # a step of a pipeline may raise anything; the score warned of it
            return None
        t = self.t[self.tests[split]]
        return SplitPrediction(estimator, truths_of(answers[np.newaxis], t, self.targets.task)[0])

    def select(
        self, predictions: Sequence[SplitPrediction | None]
    ) -> VoteClassifier | VoteRegressor:
        """The vote of the candidates that are selected.

        predictions  of each candidate on each split, the splits of a candidate together; None
                 where it failed, and cannot be selected

        DataError where all candidates failed somewhere.
        """
        splits = len(self.tests)
        every = [
            predictions[first : first + splits] for first in range(0, len(predictions), splits)
        ]
        sound = {
            number: whole
            for number, own in enumerate(every)
            if len(whole := [one for one in own if one is not None]) == splits
        }
        if not sound:
            must = "be trained on each split by one candidate at least, for the ensemble"
            raise DataError(sentence("networks", OWNER, must, 0, "lower learning rates"))
        truths = np.stack([np.concatenate([one.truths for one in own]) for own in sound.values()])
        weight = np.concatenate([self.weight[test] for test in self.tests])
        found = select(truths, weight, self.targets.task, ROUNDS)
        weights, losses = np.zeros(len(every)), np.full(len(every), np.inf)
        weights[list(sound)], losses[list(sound)] = found.weights, found.losses
        voters = [
            [one.estimator for one in own] for number, own in sound.items() if weights[number] > 0
        ]
        kind = VoteRegressor if self.targets.task == "regression" else VoteClassifier
        return kind.of(Selection(weights, losses, found.loss), voters, self.targets)


def _numbers(rows: Any, y: Any) -> Array:
    """Row numbers as an array, whatever scikit-learn takes for them."""
    numbers: Array = np.arange(y.shape[0])[rows]
    return numbers


def _encoded(estimator: Any, y: Any, weight: Array) -> tuple[Targets, Array]:
    """What y stands for, and its targets; where the weight is 0, those of a label are any."""
    counts = weight > 0
    targets: Targets
    if not is_classifier(estimator):
        columns = np.asarray(y, np.float64).reshape(len(y), -1)
        targets = Values.of(columns[counts], weight[counts], y.ndim == 1, standardize=True)
        return targets, targets.encode(columns)
    check_classification_targets(y)
    if type_of_target(y) == "multilabel-indicator":
        columns = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
        targets = Indicators(columns.shape[1])
        return targets, targets.encode(columns)
    labels = column_or_1d(y)
    targets, t = Labels(np.unique(labels[counts])), np.zeros(len(labels), np.int64)
    t[counts] = targets.encode(labels[counts])
    return targets, t
