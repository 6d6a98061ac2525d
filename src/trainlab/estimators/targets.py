"""What y stands for: how it becomes the targets of a network, and outputs become y again.

Ordered: values (regression), labels and pairs of them (classification), indicators (multilabel).
Axis letters: N rows, C classes, out outputs of a network, K members.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Self

import numpy as np

from trainlab.callers import warn
from trainlab.data.labels import places
from trainlab.errors import DataError, SettingError, describe, nearest, sentence
from trainlab.network.losses import Loss
from trainlab.network.workspace import Array
from trainlab.terminal import counted

GREATEST: Final = float(np.finfo(np.float64).max)
SMALLEST: Final = float(np.finfo(np.float64).tiny)
LARGEST: Final = float(np.nextafter(1.0, 0.0))
"""Probabilities lie in [SMALLEST, LARGEST]: their logarithms, and those of 1 − p, are finite."""

# Targets whose spread is below so many units in the last place of their mean are constant:
# the rounding of the mean itself is of that size.
CONSTANT_UNITS: Final = 10.0


@dataclass(frozen=True, eq=False)
class Values:
    """Real targets (N,) or (N, out), standardised: t = (y − mean) / scale, by column.

    `flat` says that y was (N,), and that predictions are.
    """

    mean: Array
    scale: Array
    flat: bool
    task: ClassVar[str] = "regression"
    classes: ClassVar[None] = None

    @classmethod
    def of(cls, y: Array, weight: Array | None, flat: bool, standardize: bool) -> Self:
        """Mean and standard deviation of the columns of y (N, out); a constant has scale 1."""
        mean, scale = np.zeros(y.shape[1]), np.ones(y.shape[1])
        if standardize:
            unit = unit_of(np.abs(y).max(axis=0))
            own = y * unit
            mean = np.average(own, axis=0, weights=weight)
            scale = np.sqrt(np.average((own - mean) ** 2, axis=0, weights=weight))
            rounding = CONSTANT_UNITS * np.finfo(np.float64).eps * np.abs(mean)
            mean, scale = mean / unit, np.where(scale <= rounding, 1.0, scale / unit)
        return cls(mean, scale, flat)

    @property
    def outputs(self) -> int:
        """The number of columns."""
        return len(self.mean)

    def moved(self, by: Array) -> Self:
        """Targets whose predictions are moved by so much (out,), in standardised units."""
        with np.errstate(over="ignore"):
            mean = self.mean + by * self.scale
        return replace(self, mean=np.clip(mean, -GREATEST, GREATEST))

    def encode(self, y: Array) -> Array:
        """Targets (N, out), float64, of y (N,) or (N, out)."""
        columns = np.asarray(y, np.float64).reshape(len(y), -1)
        if columns.shape[1] != self.outputs:
            must = f"have {counted(self.outputs, 'column')}, as in training"
            raise DataError(sentence("y", "MLPRegressor", must, columns.shape[1]))
        unit = unit_of(np.maximum(np.abs(self.mean), self.scale))
        t: Array = (columns * unit - self.mean * unit) / (self.scale * unit)
        return t

    def read(self, loss: Loss, y: Array) -> Array:
        """The standardised targets (…, out) that the outputs y (…, out) of networks stand for."""
        return loss.predict(y)

    def decode(self, outputs: Array, weights: Array | None = None) -> Array:
        """Predictions of y, float64, from the outputs (K, N, out): the mean over the members.

        weights  (K,) of that mean; None: all the same

        An output that overflowed counts as 0, which is the mean of the targets; a prediction
        that float64 cannot hold is its largest number.
        """
        finite = np.where(np.isfinite(outputs), outputs, 0).astype(np.float64)
        with np.errstate(over="ignore"):
            y = np.average(finite, axis=0, weights=weights) * self.scale + self.mean
        y = np.clip(y, -GREATEST, GREATEST)
        return y[:, 0] if self.flat else y


@dataclass(frozen=True, eq=False)
class Labels:
    """One of C classes for each row; `classes` (C,) are sorted."""

    classes: Array
    task: ClassVar[str] = "classification"

    @property
    def outputs(self) -> int:
        """The number of outputs of a network."""
        return len(self.classes)

    def encode(self, y: Array) -> Array:
        """Class numbers (N,) of labels (N,), as the targets of a network."""
        return self.numbers(y)

    def numbers(self, y: Array) -> Array:
        """Class numbers (N,) of labels (N,); DataError for a label that is unknown."""
        found = places(y, self.classes)
        unknown = np.unique(y[found < 0])
        if unknown.size:
            must = f"be among the classes {self.classes.tolist()}"
            raise DataError(sentence("y", "MLPClassifier", must, unknown.tolist()))
        return found

    def read(self, loss: Loss, y: Array) -> Array:
        """The probabilities (…, C) that the outputs y (…, out) of networks stand for."""
        return loss.probabilities(y)

    def average(self, probabilities: Array, weights: Array | None = None) -> Array:
        """The mean over the members of probabilities (K, N, C), float64, with sums of 1.

        A row whose outputs overflowed counts as undecided: 1/C for each class.  None is
        exactly 0 or 1; see `inside`.
        """
        p = probabilities.astype(np.float64)
        p[~np.isfinite(p).all(axis=-1)] = 1 / len(self.classes)
        mean = np.average(p, axis=0, weights=weights)
        return inside(mean / mean.sum(axis=-1, keepdims=True))

    def decide(self, probabilities: Array) -> Array:
        """The label of the largest of the probabilities (N, C); the first of equal ones."""
        labels: Array = self.classes[probabilities.argmax(axis=-1)]
        return labels


@dataclass(frozen=True, eq=False)
class Pair(Labels):
    """One of two classes for each row: a network has one output, ln p₁/p₀.

    One that overflowed decides by its sign; one that is NaN counts as undecided.
    """

    task: ClassVar[str] = "multilabel"

    @property
    def outputs(self) -> int:
        """The number of outputs of a network."""
        return 1

    def encode(self, y: Array) -> Array:
        """Targets (N, 1), float64: 1 for the second class."""
        return self.numbers(y)[:, np.newaxis].astype(np.float64)

    def read(self, loss: Loss, y: Array) -> Array:
        """The probabilities (…, 2): each from ln p₁/p₀ (…, 1), since 1 − p would be rounded."""
        return loss.probabilities(np.concatenate((-y, y), axis=-1))


@dataclass(frozen=True, eq=False)
class Indicators:
    """Any of `outputs` labels for each row: y (N, out) of 0 and 1."""

    outputs: int
    task: ClassVar[str] = "multilabel"

    @property
    def classes(self) -> Array:
        """The numbers of the labels."""
        return np.arange(self.outputs)

    def encode(self, y: Array) -> Array:
        """Targets (N, out), float64."""
        if y.ndim != 2 or y.shape[1] != self.outputs:
            must = f"have {counted(self.outputs, 'column')} of 0 and 1, as in training"
            raise DataError(sentence("y", "MLPClassifier", must, y))
        return y.astype(np.float64)

    def read(self, loss: Loss, y: Array) -> Array:
        """The probabilities (…, out) that the outputs y (…, out) of networks stand for."""
        return loss.probabilities(y)

    def average(self, probabilities: Array, weights: Array | None = None) -> Array:
        """The mean over the members of probabilities (K, N, out); 1/2 where one overflowed.

        None is exactly 0 or 1; see `inside`.
        """
        p = probabilities.astype(np.float64)
        p[~np.isfinite(p)] = 0.5
        return inside(np.average(p, axis=0, weights=weights))

    def decide(self, probabilities: Array) -> Array:
        """1 where the probability is above 1/2."""
        labels: Array = (probabilities > 0.5).astype(np.int64)
        return labels


Targets = Values | Labels | Indicators


def unit_of(size: Array) -> Array:
    """A power of two for each of some sizes: their product lies in [1, 2), but for 0.

    Differences and squares of the products neither overflow nor vanish where those of the
    sizes would, and a power of two rounds nothing.
    """
    exponent = np.frexp(size)[1] - 1
    unit: Array = np.ldexp(1.0, -np.clip(exponent, -1022, 1023))
    return unit


def inside(p: Array) -> Array:
    """Probabilities without 0 and 1, which no finite output stands for.

    A network whose outputs lie far apart gives them by rounding, and one such row that is
    wrong would make a mean of logarithms infinite.  All other probabilities are unchanged.
    """
    bounded: Array = np.clip(p, SMALLEST, LARGEST)
    return bounded


def class_weights(
    class_weight: Any, labels: Labels, t: Array, weight: Array | None, owner: str
) -> Array:
    """The weight (C,) of each class: from a dict by label, or "balanced".

    balanced: N / (C · rows of the class), rows counted by their weights, so that every
    class has the same sum.  Labels that a dict does not name have weight 1.
    """
    if isinstance(class_weight, dict):
        classes = labels.classes.tolist()
        _check_names(class_weight, classes, owner)
        values = [_as_float(class_weight.get(label, 1.0)) for label in classes]
        if not all(0 <= value < math.inf for value in values):
            must = "hold finite numbers >= 0"
            raise DataError(sentence("class_weight", owner, must, class_weight))
        return np.array(values)
    counts = np.bincount(t, weight, len(labels.classes)).astype(np.float64)
    with np.errstate(over="ignore"):
        balanced: Array = counts.sum() / (len(counts) * np.where(counts > 0, counts, 1.0))
    if not np.isfinite(balanced).all():
        must = "be 'balanced' only where the weights of classes differ by less than 1e300"
        got = f"a class of the weight {counts[counts > 0].min() / counts.max():.3g} of another"
        raise SettingError(sentence("class_weight", owner, must, got, "a dict of weights"))
    return balanced


def _as_float(value: Any) -> float:
    """A real number as a float; NaN for anything else."""
    try:
        return float(value) if isinstance(value, numbers.Real) else math.nan
    except OverflowError:
        return math.inf


def _check_names(class_weight: Mapping[Any, Any], classes: Sequence[Any], owner: str) -> None:
    """SettingError for a name that is no label, where it may stand for one that has no weight.

    Where all labels have one, it is a warning: a part of the rows, as a fold is, may lack a class.
    """
    strange = [name for name in class_weight if name not in set(classes)]
    if not strange:
        return
    near = nearest(str(strange[0]), map(str, classes))
    remedy = next((repr(label) for label in classes if str(label) == near), None)
    must = f"name labels of y, which are {describe(classes)}"
    text = sentence("class_weight", owner, must, strange[0], remedy)
    if any(label not in class_weight for label in classes):
        raise SettingError(text)
    warn(text, UserWarning)
