"""What estimators of trained networks share: how rows come in, and how predictions go out.

Order: both tasks, classification, regression.  Axis letters: N rows, out targets of a row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted

from trainlab.arrays import as_floats
from trainlab.callers import warn
from trainlab.data.codes import codes_said, may_have_codes
from trainlab.data.far import far_said
from trainlab.data.labels import as_integers, check_kinds
from trainlab.errors import DataError, SettingError, describe, sentence
from trainlab.estimators.choices import RULES
from trainlab.estimators.compatibility import at_most_double, first_word, validate_data
from trainlab.estimators.documentation import DocumentationLink
from trainlab.estimators.inputs import InputScaler
from trainlab.estimators.rows import Rows, padded
from trainlab.estimators.scores import accuracy, check_sample_weight, r_squared
from trainlab.estimators.targets import Indicators, Labels, Targets, Values
from trainlab.network.losses import Loss
from trainlab.network.workspace import Array
from trainlab.population import Population
from trainlab.powers import logarithm

Read = Callable[[Loss, Array], Array]
"""What makes numbers or probabilities of the outputs of networks with a loss."""


class Voter(Protocol):
    """What votes in a mean: one member, or several on the same inputs."""

    def __len__(self) -> int: ...

    def outputs(self, x: Any, dtype: str, read: Read, engine: Any) -> Array:
        """What each says of rows x: (members, N, out).

        read  what the targets make of the outputs of a network
        """


@dataclass(frozen=True, eq=False)
class Networks:
    """A population, and what becomes of X before its members see it."""

    inputs: InputScaler
    population: Population

    def __len__(self) -> int:
        return len(self.population)

    def outputs(self, x: Any, dtype: str, read: Read, engine: Any) -> Array:
        """What is read off the outputs for rows x: (members, N, out)."""
        z = padded(self.inputs.encode(x, dtype))
        with np.errstate(all="ignore"):  # what overflows counts as undecided
            return self.population._each(z, read, engine)[:, : x.shape[0]]


class Predictor(DocumentationLink, BaseEstimator, ABC):  # type: ignore[misc]  # it comes without types
    """An estimator that predicts the mean over the members of a population, and what votes beside.

    engine    what computes its predictions
    _beside   what votes beside the population
    _weights  (members,) of that mean, with a sum of 1; None: all the same
    """

    _inputs: InputScaler
    _targets: Any
    _population: Population
    _dtype: str
    engine: Any = "auto"
    _weights: Array | None = None
    _beside: Sequence[Voter] = ()

    _y_checks: ClassVar[Mapping[str, Any]]  # how scikit-learn is to check y

    @abstractmethod
    def _check_y(self, y: Any) -> Array:
        """y as an array that targets can encode; warns of a column."""

    @abstractmethod
    def _learn_targets(self, rows: Rows, chosen: Mapping[str, Any]) -> Targets:
        """What the rows of a first training say of y."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters, as in scikit-learn; SettingError for one of a record, as optimizer__lr.

        Parameters
        ----------
        **params
            New values by name.

        Returns
        -------
        Self
            The estimator.
        """
        known = self.get_params(deep=False)
        for name, value in params.items():
            owner, _, field = name.partition("__")
            record = params.get(owner, known.get(owner))
            if field and owner in known and not hasattr(record, "set_params"):
                rule = RULES.get(owner)
                record = rule.convert(record) if rule and rule.valid(record) else record
                kind = type(record).__name__
                must = f"be a field of a new {owner}: those of one that there is stay as they are"
                remedy = f"{owner}={kind}({field}={describe(value)}), in a search a list of such"
                raise SettingError(sentence(name, type(self).__name__, must, value, remedy))
        found: Self = super().set_params(**params)
        return found

    @property
    def _voters(self) -> tuple[Voter, ...]:
        """All that vote, in the order of the weights."""
        return (Networks(self._inputs, self._population), *self._beside)

    def _parameters(self) -> dict[str, Any]:
        """Those of the class of ours: a subclass may have fewer, and decide the others."""
        kinds = type(self).__mro__
        own: Any = next(kind for kind in kinds if kind.__module__.startswith("trainlab."))
        return {name: getattr(self, name) for name in own._get_param_names()}

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is something to predict with."""
        return hasattr(self, "_population")

    @property
    def engine_(self) -> str | None:
        """The name of the engine that trained its networks; None where that is not known."""
        check_is_fitted(self)
        return self._population.engine

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks: sparse inputs are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_rows(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> Rows:
        """The rows as scikit-learn checks them, without those of weight 0."""
        owner = type(self).__name__
        if is_classifier(self):
            y = as_integers(y, "y", owner)
            check_kinds(y, "y", owner)
        X, y = validate_data(self, X, y=y, accept_sparse="csr", reset=reset, **self._y_checks)
        X = at_most_double(X, owner)
        if reset and not issparse(X):
            remedy = "NaN in their place, behind a TableEncoder"
            for place in may_have_codes(X):
                for told in codes_said(self._called(place), X[:, place], remedy):
                    warn(told, UserWarning)
        if not X.dtype.isnative:  # the bytes of rows decide their order
            X = X.astype(X.dtype.newbyteorder("="))
        y = self._check_y(y)
        rows = Rows(X, y, number=np.arange(len(y)))
        if sample_weight is None:
            return rows
        return rows.weighed(check_sample_weight(sample_weight, X, owner))

    def _outputs(self, X: Any) -> Array:
        """What each member says of X: numbers, or probabilities."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        X = at_most_double(X, type(self).__name__)
        if far := self._inputs.far(X):
            named = {self._called(place): one for place, one in far.items()}
            warn(far_said(named), UserWarning)
        read = self._targets.read
        parts = [one.outputs(X, self._dtype, read, self.engine) for one in self._voters]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _called(self, place: int) -> str:
        """What a column of X is called."""
        names = getattr(self, "feature_names_in_", None)
        return f"column {place}" if names is None else describe(names[place])


class ClassifierPredictor(ClassifierMixin, Predictor):  # type: ignore[misc]  # it comes without types
    """An estimator that predicts labels, one or several for each row."""

    class_weight: Any

    _y_checks: ClassVar[Mapping[str, Any]] = {"multi_output": True}

    def predict(self, X: Any) -> Array:
        """Predict labels: those of the highest probability.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.

        Returns
        -------
        ndarray, shape (N,) or (N, out)
            Labels, or indicators.
        """
        probabilities = self.predict_proba(X)
        labels: Array = self._targets.decide(probabilities)
        return labels

    def predict_proba(self, X: Any) -> Array:
        """Predict probabilities: the mean over the members.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.

        Returns
        -------
        ndarray, shape (N, classes)
            In the order of `classes_`.  Of indicators (N, out), each the probability that the label
            holds.  None is exactly 0 or 1: what rounding made so is 2e-308, or the largest number
            below 1.
        """
        probabilities = self._outputs(X)
        mean: Array = self._targets.average(probabilities, self._weights)
        return mean

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy: the share of rows that are right.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.
        y : array_like
            Their labels, or indicators.
        sample_weight : array_like, shape (N,), optional
            How much each row counts, of any size.

        Returns
        -------
        float
            The accuracy.
        """
        owner = type(self).__name__
        return accuracy(self._targets, self.predict(X), y, sample_weight, owner)

    def predict_log_proba(self, X: Any) -> Array:
        """Predict the logarithms of the probabilities, all finite.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.

        Returns
        -------
        ndarray
            Of the shape of `predict_proba`.
        """
        logarithms: Array = logarithm(self.predict_proba(X))
        return logarithms

    def decision_function(self, X: Any) -> Array:
        """Compute finite scores whose order is that of the probabilities.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.

        Returns
        -------
        ndarray
            Of two classes ln p₁/p₀ (N,), positive for the second; of more ln p (N, classes);
            of indicators ln p/(1 − p) (N, out).
        """
        p = self.predict_proba(X)
        if isinstance(self._targets, Indicators):
            odds: Array = logarithm(p) - logarithm(1 - p)
            return odds
        logarithms: Array = logarithm(p)
        return logarithms[:, 1] - logarithms[:, 0] if p.shape[1] == 2 else logarithms

    @property
    def classes_(self) -> Array:
        """The labels, sorted; of indicators the numbers of their columns."""
        if not self.__sklearn_is_fitted__():
            raise AttributeError("classes_ is there after fit")
        classes: Array = self._targets.classes
        return classes

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks: several labels for a row are welcome."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        # scikit-learn 1.5 asks so.
        return {"multilabel": True}

    def _check_y(self, y: Any) -> Array:
        check_classification_targets(y)
        if type_of_target(y) == "multilabel-indicator":
            if self.class_weight is not None:
                must = "be None where a row may have several labels"
                raise SettingError(
                    sentence("class_weight", type(self).__name__, must, self.class_weight)
                )
            return np.asarray(y) if isinstance(y, np.ndarray) else np.asarray(y.toarray())
        return np.asarray(column_or_1d(y, warn=True))

    def _learn_targets(self, rows: Rows, chosen: Mapping[str, Any]) -> Targets:
        return Indicators(rows.y.shape[1]) if rows.y.ndim == 2 else Labels(np.unique(rows.y))


class RegressorPredictor(RegressorMixin, Predictor):  # type: ignore[misc]  # it comes without types
    """An estimator that predicts numbers."""

    _y_checks: ClassVar[Mapping[str, Any]] = {"multi_output": True, "y_numeric": True}

    def predict(self, X: Any) -> Array:
        """Predict numbers: the mean over the members.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.

        Returns
        -------
        ndarray, shape (N,) or (N, out)
            Predictions, with columns where y had columns.
        """
        outputs = self._outputs(X)
        predictions: Array = self._targets.decode(outputs, self._weights)
        return predictions

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute R², the mean over columns.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.
        y : array_like, shape (N,) or (N, out)
            Their numbers.
        sample_weight : array_like, shape (N,), optional
            How much each row counts, of any size.

        Returns
        -------
        float
            The score, at most 1.
        """
        return r_squared(self.predict(X), y, sample_weight, type(self).__name__)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks: y may have several columns."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        # scikit-learn 1.5 asks so.
        return {"multioutput": True}

    def _check_rows(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> Rows:
        if (word := first_word(y)) is not None:
            owner = type(self).__name__
            remedy = f"{owner.removesuffix('Regressor')}Classifier for classes"
            raise DataError(sentence("y", owner, "hold real numbers", word, remedy))
        return super()._check_rows(X, y, sample_weight, reset)

    def _check_y(self, y: Any) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        owner = type(self).__name__
        found = as_floats(y, "y", owner)
        if (odd := ~np.isfinite(found)).any():  # of objects, which scikit-learn does not look at
            raise DataError(sentence("y", owner, "hold finite numbers", float(found[odd][0])))
        return found

    def _learn_targets(self, rows: Rows, chosen: Mapping[str, Any]) -> Targets:
        y = rows.y.reshape(len(rows), -1)
        return Values.of(y, rows.weight, rows.y.ndim == 1, chosen["standardize_targets"])
