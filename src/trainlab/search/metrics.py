"""Metrics by scikit-learn's names: what a search selects by, and what its models are judged by.

Order: predictions, metrics, those of classes, those of numbers, the table, by name, intervals.
Axis letters: N rows, C classes, m resamples, k columns.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from trainlab.errors import SettingError, nearest, sentence
from trainlab.estimators.targets import unit_of
from trainlab.evidence.bootstrap import resampled_bounds
from trainlab.evidence.checks import Direction
from trainlab.evidence.ties import subtracted
from trainlab.network.workspace import Array
from trainlab.powers import logarithm

LearningTask = Literal["classification", "regression"]
Resampled = Callable[[Array], Array]
"""How often each row is drawn (m, N) → the metric of each resample (m,)."""

LEVEL: Final = 0.95
LEAST_P: Final = float(np.finfo(np.float64).eps)
"""Smaller probabilities count as this, as in scikit-learn's log loss."""


# --- predictions -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class TableTruth:
    """The true values of some rows.

    values   numbers (N,), or labels (N,)
    classes  (C,) all labels there are, sorted; None of numbers
    positive  the place in `classes` of the one of two that is to be found: the rarer one
    """

    values: NDArray[Any]
    classes: NDArray[Any] | None = None
    positive: int | None = None

    @classmethod
    def of(cls, y: NDArray[Any], rows: NDArray[np.intp], task: str) -> TableTruth:
        """Of some rows of a target y; which of two classes is rarer is decided by all of y.

        Of two that are as frequent it is the second, as in scikit-learn.
        """
        if task == "regression":
            return cls(np.asarray(y[rows], np.float64))
        classes, counts = np.unique(y, return_counts=True)
        binary = len(classes) == 2
        return cls(y[rows], classes, int(counts[1] <= counts[0]) if binary else None)

    def take(self, rows: Any) -> TableTruth:
        """That of some of the rows."""
        return TableTruth(self.values[rows], self.classes, self.positive)

    @functools.cached_property
    def codes(self) -> NDArray[np.intp]:
        """The place in `classes` of each label (N,)."""
        assert self.classes is not None
        return np.searchsorted(self.classes, self.values)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class TablePrediction:
    """What a model predicts for some rows.

    values         numbers (N,), or labels (N,)
    probabilities  (N, C), in the order of the classes; None of numbers
    """

    values: NDArray[Any]
    probabilities: Array | None = None

    @classmethod
    def by(cls, model: Any, x: Any, task: str) -> TablePrediction:
        """Of a fitted model for rows x."""
        if task == "regression":
            return cls(np.asarray(model.predict(x), np.float64))
        p = np.asarray(model.predict_proba(x), np.float64)
        return cls(model.predict(x), p)

    def take(self, rows: Any) -> TablePrediction:
        """That of some of the rows."""
        p = self.probabilities
        return TablePrediction(self.values[rows], None if p is None else p[rows])

    def codes(self, truth: TableTruth) -> NDArray[np.intp]:
        """The place of each label (N,) in the classes of the truth."""
        assert truth.classes is not None
        return np.searchsorted(truth.classes, self.values)

    @property
    def p(self) -> Array:
        """Probabilities (N, C) as they were said: equal ones are equal."""
        assert self.probabilities is not None
        return self.probabilities

    @property
    def shares(self) -> Array:
        """Probabilities (N, C) whose rows have a sum of 1 in float64."""
        shares: Array = self.p / self.p.sum(axis=1, keepdims=True)
        return shares


# --- metrics ---------------------------------------------------------------------------


class NamedMetric(ABC):
    """A number that says how good predictions are.

    name    as scikit-learn names its scorer, without `neg_`; or shorter
    words   what a page calls it
    better  which values are
    """

    name: str
    words: str
    better: ClassVar[Direction] = "higher"
    task: ClassVar[LearningTask] = "classification"

    @property
    def sign(self) -> int:
        """1 where more is better, else −1."""
        return 1 if self.better == "higher" else -1

    @abstractmethod
    def value(self, truth: TableTruth, predicted: TablePrediction) -> float:
        """The metric, as scikit-learn computes it."""

    @abstractmethod
    def resampled(self, truth: TableTruth, predicted: TablePrediction) -> Resampled:
        """The metric of resamples of the rows; NaN where it is not defined."""

    def lacks(self, truth: TableTruth) -> str:
        """What rows would need beside those there are for the metric to be a number; "" nothing."""
        return ""

    def scorer(self, truth: TableTruth) -> MetricScorer:
        """What `PopulationSearchCV(scoring=…)` takes, with the classes of the truth."""
        return MetricScorer(self, truth)


@dataclass(frozen=True, eq=False)
class MetricScorer:
    """A metric as a search scores candidates by it, the more the better.

    truth  of all rows: those that are scored may lack a class that the model knows
    """

    metric: NamedMetric
    truth: TableTruth

    def __call__(self, model: Any, X: Any, y: NDArray[Any]) -> float:
        """The score of a fitted model."""
        own, metric = replace(self.truth, values=y), self.metric
        return metric.sign * metric.value(own, TablePrediction.by(model, X, metric.task))


class ColumnMetric(NamedMetric):
    """A metric that follows from means over rows."""

    @abstractmethod
    def columns(self, truth: TableTruth, predicted: TablePrediction) -> Array:
        """(N, k), float64 and finite."""

    def of(self, means: Array) -> Array:
        """The metric (m,) of means (m, k) of the columns."""
        return means[:, 0]

    def resampled(self, truth: TableTruth, predicted: TablePrediction) -> Resampled:
        """From the means of the columns of resamples."""
        columns = self.columns(truth, predicted)

        def found(times: Array) -> Array:
            with np.errstate(all="ignore"):
                return self.of(times @ columns / times.sum(axis=1, keepdims=True))

        return found


# --- of classes ------------------------------------------------------------------------


class LogLoss(ColumnMetric):
    """−mean ln p of the class there was."""

    name, words = "log_loss", "log loss"
    better: ClassVar[Direction] = "lower"

    def value(self, truth: TableTruth, predicted: TablePrediction) -> float:
        p = predicted.shares
        return float(sk.log_loss(truth.codes, p, labels=range(p.shape[1])))

    def columns(self, truth: TableTruth, predicted: TablePrediction) -> Array:
        p = predicted.shares[np.arange(len(truth)), truth.codes]
        losses: Array = -logarithm(np.clip(p, LEAST_P, 1 - LEAST_P))
        return losses[:, np.newaxis]


class Accuracy(ColumnMetric):
    """The share of rows that are right."""

    name = words = "accuracy"

    def value(self, truth: TableTruth, predicted: TablePrediction) -> float:
        return float(sk.accuracy_score(truth.codes, predicted.codes(truth)))

    def columns(self, truth: TableTruth, predicted: TablePrediction) -> Array:
        hits: Array = truth.codes == predicted.codes(truth)
        return hits.astype(np.float64)[:, np.newaxis]


class BalancedAccuracy(ColumnMetric):
    """The mean over the classes of the share of their rows that are right."""

    name, words = "balanced_accuracy", "balanced accuracy"

    def value(self, truth: TableTruth, predicted: TablePrediction) -> float:
        # That of scikit-learn warns of classes that are predicted, and not there.
        there = np.unique(truth.codes)
        recalls = sk.recall_score(
            truth.codes, predicted.codes(truth), labels=there, average=None, zero_division=0
        )
        return float(np.mean(recalls))

    def columns(self, truth: TableTruth, predicted: TablePrediction) -> Array:
        own = _of_classes(truth.codes, truth)
        hits = own * (truth.codes == predicted.codes(truth))[:, np.newaxis]
        return np.concatenate([hits, own], axis=1)

    def of(self, means: Array) -> Array:
        hits, own = np.split(means, 2, axis=1)
        return _mean_of_defined(hits / own)


class F1(ColumnMetric):
    """2 · hits / (named + there), of the rarer of two classes; of several the mean over them.

    A class of several that no row is of, or said to be of, is left out.
    """

    name, words = "f1", "F1"

    def value(self, truth: TableTruth, predicted: TablePrediction) -> float:
        one = None if truth.positive is None else [truth.positive]
        given: Any = {"labels": one, "average": "macro", "zero_division": 0}
        return float(sk.f1_score(truth.codes, predicted.codes(truth), **given))

    def columns(self, truth: TableTruth, predicted: TablePrediction) -> Array:
        kept = _found(truth)
        there = _of_classes(truth.codes, truth)[:, kept]
        named = _of_classes(predicted.codes(truth), truth)[:, kept]
        return np.concatenate([there * named, there + named], axis=1)

    def of(self, means: Array) -> Array:
        hits, both = np.split(means, 2, axis=1)
        if both.shape[1] > 1:
            return _mean_of_defined(2 * hits / both)
        return np.where(both > 0, 2 * hits / both, 0)[:, 0]


class RocAuc(NamedMetric):
    """The share of pairs of a row of a class and one of another that its probability orders.

    Of two classes; of several the mean over the classes, each against the others.
    """

    name, words = "roc_auc", "AUC"

    def lacks(self, truth: TableTruth) -> str:
        return "" if len(np.unique(truth.codes)) > 1 else "rows of a second class"

    def value(self, truth: TableTruth, predicted: TablePrediction) -> float:
        there = [c for c in _found(truth) if 0 < (truth.codes == c).sum() < len(truth)]
        own = [sk.roc_auc_score(truth.codes == c, predicted.p[:, c]) for c in there]
        return float(np.mean(own)) if own else float("nan")

    def resampled(self, truth: TableTruth, predicted: TablePrediction) -> Resampled:
        p, kept = predicted.p, _found(truth)
        orders = [np.argsort(p[:, c], kind="stable") for c in kept]
        firsts = [_firsts(p[order, c]) for c, order in zip(kept, orders, strict=True)]

        def found(times: Array) -> Array:
            areas = []
            for c, order, first in zip(kept, orders, firsts, strict=True):
                drawn, own = times[:, order], (truth.codes == c)[order]
                # Rows of one probability together: a pair of them is half in order.
                hits = np.add.reduceat(drawn * own, first, axis=1)
                others = np.add.reduceat(drawn * ~own, first, axis=1)
                below = np.cumsum(others, axis=1) - others / 2
                with np.errstate(all="ignore"):
                    areas.append((hits * below).sum(1) / (hits.sum(1) * others.sum(1)))
            return _mean_of_defined(np.stack(areas, axis=1))

        return found


def _found(truth: TableTruth) -> list[int]:
    """The places of the classes that are to be found: all, or of two the rarer one."""
    assert truth.classes is not None
    return [*range(len(truth.classes))] if truth.positive is None else [truth.positive]


def _of_classes(codes: NDArray[np.intp], truth: TableTruth) -> Array:
    """(N, C): 1 in the column of the class of a row."""
    assert truth.classes is not None
    return np.eye(len(truth.classes))[codes]


def _firsts(ordered: Array) -> NDArray[np.intp]:
    """Where values begin in an array in which equal ones follow each other."""
    return np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))


def _mean_of_defined(values: Array) -> Array:
    """The means (m,) over (m, C), without NaN: classes of which a resample has no row."""
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: Array = np.where(there, values, 0).sum(axis=1) / there.sum(axis=1)
    return mean


# --- of numbers ------------------------------------------------------------------------


class NumberMetric(ColumnMetric):
    """A metric of numbers, in a unit in which squares of the largest are finite."""

    task: ClassVar[LearningTask] = "regression"
    better: ClassVar[Direction] = "lower"
    _function: ClassVar[Callable[..., Any]]

    def value(self, truth: TableTruth, predicted: TablePrediction) -> float:
        return float(type(self)._function(*_scaled(truth, predicted)) / _unit(truth))

    def columns(self, truth: TableTruth, predicted: TablePrediction) -> Array:
        true, own = _scaled(truth, predicted)
        return self._error(true - own)[:, np.newaxis]

    def resampled(self, truth: TableTruth, predicted: TablePrediction) -> Resampled:
        """In the unit of the target."""
        found, unit = super().resampled(truth, predicted), _unit(truth)
        return lambda times: found(times) / unit

    def _error(self, residual: Array) -> Array:
        """What the mean is of: truth less prediction (N,) → (N,)."""
        return np.abs(residual)


class RootMeanSquaredError(NumberMetric):
    """√(mean of (y − prediction)²), in the unit of the target."""

    name, words = "rmse", "RMSE"
    _function = sk.root_mean_squared_error

    def _error(self, residual: Array) -> Array:
        return residual**2

    def of(self, means: Array) -> Array:
        return np.sqrt(means[:, 0])


class MeanAbsoluteError(NumberMetric):
    """The mean of |y − prediction|, in the unit of the target."""

    name, words = "mae", "MAE"
    _function = sk.mean_absolute_error


class PinballLoss(NumberMetric):
    """The loss whose least expectation is at a quantile: α·r or (α − 1)·r, r = y − prediction.

    With α = 0.5 it is half the MAE.
    """

    def __init__(self, alpha: float = 0.5) -> None:
        self.alpha = alpha
        # All digits: by its name the metric is found again.
        self.name = "pinball" if alpha == 0.5 else f"pinball:{alpha}"
        self.words = f"pinball loss at quantile {alpha}"

    def value(self, truth: TableTruth, predicted: TablePrediction) -> float:
        loss = sk.mean_pinball_loss(*_scaled(truth, predicted), alpha=self.alpha)
        return float(loss / _unit(truth))

    def _error(self, residual: Array) -> Array:
        return np.maximum(self.alpha * residual, (self.alpha - 1) * residual)


class RSquared(NumberMetric):
    """1 − the mean squared error over the variance of the target."""

    name, words = "r2", "R²"
    better: ClassVar[Direction] = "higher"

    def lacks(self, truth: TableTruth) -> str:
        return "" if len(truth) > 1 else "a second row"

    def value(self, truth: TableTruth, predicted: TablePrediction) -> float:
        return float(sk.r2_score(*_scaled(truth, predicted)))

    def columns(self, truth: TableTruth, predicted: TablePrediction) -> Array:
        true, own = _scaled(truth, predicted)
        # From the mean on: squares of large numbers of one size would lose what tells them apart.
        y = true - true.mean()
        return np.stack([(true - own) ** 2, y, y**2], axis=1)

    def of(self, means: Array) -> Array:
        score: Array = 1 - means[:, 0] / (means[:, 2] - means[:, 1] ** 2)
        return score

    def resampled(self, truth: TableTruth, predicted: TablePrediction) -> Resampled:
        """It has no unit."""
        return ColumnMetric.resampled(self, truth, predicted)


_MOST: Final = 1e150
"""Predictions beyond it, in the unit of the target, count as it: its square is finite."""


def _unit(truth: TableTruth) -> float:
    return float(unit_of(np.abs(truth.values).max()))


def _scaled(truth: TableTruth, predicted: TablePrediction) -> tuple[Array, Array]:
    """Truth and prediction (N,) in the unit of the truth."""
    unit = _unit(truth)
    with np.errstate(over="ignore"):
        own = np.clip(predicted.values * unit, -_MOST, _MOST)
    return truth.values * unit, own


# --- by name ---------------------------------------------------------------------------

_METRICS: Final[Mapping[str, NamedMetric]] = {
    one.name: one
    for one in (
        LogLoss(),
        RocAuc(),
        Accuracy(),
        BalancedAccuracy(),
        F1(),
        RSquared(),
        RootMeanSquaredError(),
        MeanAbsoluteError(),
        PinballLoss(),
    )
}
NAMES: Final = tuple(_METRICS)
_PINBALL: Final = "pinball:"
_OTHER: Final = {
    "root_mean_squared_error": "rmse",
    "mean_absolute_error": "mae",
    "mean_pinball_loss": "pinball",
    "roc_auc_ovr": "roc_auc",
    "f1_macro": "f1",
}
"""Names of scikit-learn's scorers, without `neg_`, that are longer than ours."""


def metrics_of(task: str) -> tuple[NamedMetric, ...]:
    """All metrics of a task, the pinball loss left out."""
    kept = (one for one in _METRICS.values() if not isinstance(one, PinballLoss))
    return tuple(one for one in kept if one.task == task)


def named_metric(
    name: str, task: str | None = None, *, what: str = "metric", owner: str = "a search"
) -> NamedMetric:
    """The metric of a name, of a task if one is given; else SettingError.

    name         ours, or scikit-learn's, with or without `neg_`; "pinball:0.9" is the pinball
                 loss of the quantile 0.9
    what, owner  what errors call it, and whose it is

    >>> named_metric("neg_root_mean_squared_error").name, named_metric("pinball:0.9").alpha
    ('rmse', 0.9)
    """
    bare = name.removeprefix("neg_") if isinstance(name, str) else name
    bare = _OTHER.get(bare, bare) if isinstance(bare, str) else bare
    known = [one.name for one in _METRICS.values() if task in (None, one.task)]
    found = _METRICS.get(bare) if isinstance(bare, str) else None
    if found is None and isinstance(bare, str) and bare.startswith(_PINBALL):
        found = _pinball(bare.removeprefix(_PINBALL), what, owner)
    if found is None:
        must = f"be one of {', '.join(known)}"
        raise SettingError(sentence(what, owner, must, name, nearest(bare, known)))
    if task not in (None, found.task):
        must = f"be one of {', '.join(known)} in a {task}"
        raise SettingError(sentence(what, owner, must, name))
    return found


def _pinball(quantile: str, what: str, owner: str) -> PinballLoss:
    try:
        alpha = float(quantile)
    except ValueError:
        alpha = 0.0
    if not 0 < alpha < 1:
        must = "have a number between 0 and 1 after pinball:"
        raise SettingError(sentence(what, owner, must, quantile, "pinball:0.9"))
    return PinballLoss(alpha)


# --- intervals -------------------------------------------------------------------------


def metric_bounds(
    metric: NamedMetric, truth: TableTruth, predicted: TablePrediction, seed: int
) -> tuple[float, float]:
    """The 95 % bootstrap interval of a metric over the rows."""
    return resampled_bounds(len(truth), metric.resampled(truth, predicted), LEVEL, seed)


def difference_bounds(
    metric: NamedMetric,
    truth: TableTruth,
    one: TablePrediction,
    other: TablePrediction,
    seed: int,
) -> tuple[float, float]:
    """The 95 % bootstrap interval of a difference: the metric of one less that of the other.

    Both are of the same resamples, so that what makes rows hard for both falls out.
    """
    first, second = metric.resampled(truth, one), metric.resampled(truth, other)

    def difference(times: Array) -> Array:
        a, b = first(times), second(times)
        known = np.isfinite(a) & np.isfinite(b)
        return subtracted(a[known], b[known])

    return resampled_bounds(len(truth), difference, LEVEL, seed)
