"""What a greedy search leaves: fitted candidates that vote.

Axis letters: N rows, n candidates, C classes, out targets of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from trainlab.data.labels import places
from trainlab.errors import SettingError, sentence
from trainlab.estimators.scores import accuracy, r_squared
from trainlab.estimators.targets import Targets, inside
from trainlab.network.workspace import Array
from trainlab.search.selection import Selection

# What an estimator knows of the columns of X; a pipeline may know nothing.
_FEATURES: Final = ("n_features_in_", "feature_names_in_")


def probabilities(estimator: Any, X: Any, targets: Any) -> Array:
    """What a fitted estimator says of the classes of the targets (N, C); 0 of one it never saw."""
    p: Array = estimator.predict_proba(X)
    if p.shape[1] == targets.outputs:
        return p
    every = np.zeros((len(p), targets.outputs))
    every[:, places(estimator.classes_, targets.classes)] = p
    return every


class Vote(BaseEstimator):  # type: ignore[misc]  # scikit-learn comes without types
    """Base of the two votes: fitted estimators, and the share of each in the mean.

    `weights_` (n,) of the candidates, with a sum of 1, `losses_` (n,) of each alone on the
    rows that it was not trained on, ∞ of one that failed, `loss_` of the vote, `best_index_`
    of the best alone, `gain_` (its loss less that of the vote, never negative on these rows);
    `estimators_`, of each candidate with a weight those of all splits, one after the other;
    `n_features_in_`, `feature_names_in_` where they have them.
    """

    estimators_: Sequence[Any]
    _shares: Array  # (estimators,) with a sum of 1
    _targets: Any

    @classmethod
    def of(
        cls, selection: Selection, estimators: Sequence[Sequence[Any]], targets: Targets
    ) -> Self:
        """The vote of what was selected.

        estimators  of each candidate with a weight those of all splits
        """
        vote = cls()
        weights = selection.weights[selection.weights > 0]
        splits = len(estimators[0])
        vote.estimators_ = [one for own in estimators for one in own]
        vote._shares = np.repeat(weights / splits, splits)
        vote._targets = targets
        vote.weights_, vote.losses_ = selection.weights, selection.losses
        vote.loss_, vote.best_index_ = selection.loss, selection.best
        vote.gain_ = float(selection.losses[selection.best] - selection.loss)
        for name in _FEATURES:
            if hasattr(vote.estimators_[0], name):
                setattr(vote, name, getattr(vote.estimators_[0], name))
        return vote

    def fit(self, X: Any, y: Any = None) -> NoReturn:
        """Raises SettingError: a vote comes fitted."""
        must, remedy = "not be called", "PopulationSearchCV(…, ensemble='greedy').fit(X, y)"
        raise SettingError(sentence("fit", type(self).__name__, must, "a call", remedy))

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is something to predict with."""
        return hasattr(self, "estimators_")

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks: X is what the voters take."""
        tags = super().__sklearn_tags__()
        if self.__sklearn_is_fitted__():
            tags.input_tags = self.estimators_[0].__sklearn_tags__().input_tags
        return tags

    def _mean(self, answer: Callable[[Any], Array]) -> Array:
        """The mean of the answers (N, …) of the voters."""
        check_is_fitted(self)
        # One after the other: all answers at once would be hundreds of times as many numbers.
        mean: Array = sum(
            share * answer(one) for share, one in zip(self._shares, self.estimators_, strict=True)
        )
        return mean


class VoteClassifier(ClassifierMixin, Vote):  # type: ignore[misc]  # it comes without types
    """Fitted candidates of a search, the mean of whose probabilities decides.

    See `Vote`; and `classes_`.
    """

    @classmethod
    def of(
        cls, selection: Selection, estimators: Sequence[Sequence[Any]], targets: Targets
    ) -> Self:
        """As `Vote.of`, with `classes_`."""
        vote = super().of(selection, estimators, targets)
        vote.classes_ = targets.classes
        return vote

    def predict(self, X: Any) -> Array:
        """Labels (N,), those of the highest probability; or indicators (N, out)."""
        p = self.predict_proba(X)
        labels: Array = self._targets.decide(p)
        return labels

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy: the share of rows that are right, by their weights (N,), of any size."""
        owner = type(self).__name__
        return accuracy(self._targets, self.predict(X), y, sample_weight, owner)

    def predict_proba(self, X: Any) -> Array:
        """Probabilities (N, C) in the order of `classes_`; of indicators (N, out)."""
        return inside(self._mean(lambda one: probabilities(one, X, self._targets)))

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks: several labels for a row are welcome."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class VoteRegressor(RegressorMixin, Vote):  # type: ignore[misc]  # it comes without types
    """Fitted candidates of a search, whose predictions are averaged.  See `Vote`."""

    def predict(self, X: Any) -> Array:
        """Predictions (N,), or (N, out) where y had columns."""
        return self._mean(lambda one: one.predict(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R², the mean over columns, rows counted by their weights (N,); all of any size."""
        return r_squared(self.predict(X), y, sample_weight, type(self).__name__)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks: y may have several columns."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
