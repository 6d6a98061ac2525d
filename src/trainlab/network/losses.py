"""Losses, each beside its derivative, simplest first.

Axes: y (..., B, out) is the network's output before any softmax or sigmoid; targets
t are (..., B) class indices or (..., B, out) values, and may lack the leading axes
of y, when members share them.  Every loss sums over the outputs of a sample and
averages over the B samples: its shape is (...,), one number for each network.
With weights w (..., B) it is  1/B Σ w_b loss_b: a sample of weight 2 counts as two where
the weights of the whole data set have the mean 1.

`forward` returns the loss and the cache that `backward` needs; `backward` gives
dy = d loss / d y, w/B included.  Neither changes its arguments.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Final

import numpy as np

from trainlab.network.activations import positive_part
from trainlab.network.sums import sum_columns, sum_rows
from trainlab.network.tasks import TASKS
from trainlab.network.workspace import Allocator, Array
from trainlab.settings import Settings, cast, number, one_of

__all__ = [
    "Huber",
    "Loss",
    "MeanSquaredError",
    "SigmoidCrossEntropy",
    "SoftmaxCrossEntropy",
]


@dataclasses.dataclass(frozen=True)
class Loss(Settings, ABC):
    """Base of all losses: how far outputs are from targets.

    A subclass is a frozen dataclass with `entries` and `derivative`, and its `task`.  Fields
    made by `trainlab.settings.number` may differ between the members of a population: they
    are then float64 arrays (K, 1, 1), which `trainlab.settings.cast` brings into the dtype of y.
    Do not use such a field as an exponent of NumPy's `**`, which rounds differently for an
    array of exponents than for a number: write `np.exp(p * np.log(x))`.

    Attributes
    ----------
    task : {"regression", "multilabel", "classification"}
        What targets are: numbers (..., B, out), indicators (..., B, out), or class indices
        (..., B).  It decides which targets are refused, and what `predict`, `probabilities` and
        `correct` make of outputs: the outputs themselves, sigmoid and y > 0, softmax and argmax.

    Notes
    -----
    The loss of a batch is the mean over its B rows of the sum of `entries` over the outputs;
    rows may have weights.  The K members of a population are a leading axis of y, and of t
    unless they share their rows.

    Examples
    --------
    >>> from trainlab import gradient_check
    >>> @dataclasses.dataclass(frozen=True)
    ... class LogCosh(Loss):  # Σ ln cosh(y − t), with the derivative tanh(y − t)
    ...     def entries(self, y, t, new):
    ...         return np.log(np.cosh(y - t)), y - t
    ...
    ...     def derivative(self, cache, new):
    ...         return np.tanh(cache)
    >>> gradient_check(LogCosh()).ok
    True
    """

    task: ClassVar[str] = "regression"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        one_of(tuple(TASKS)).check(cls.task, "task", cls.__name__)

    def forward(
        self, y: Array, t: Array, new: Allocator, weight: Array | None = None
    ) -> tuple[Array, Any]:
        """Compute the loss of each network.

        Parameters
        ----------
        y : ndarray, shape (..., B, out)
            Outputs.
        t : ndarray
            Targets.
        new : callable
            Gives scratch arrays: new(name, shape, dtype).
        weight : ndarray, shape (..., B), optional
            How much each row counts.

        Returns
        -------
        tuple
            The loss (...,), and the cache that `backward` needs.
        """
        entries, cache = self.entries(y, t, new)
        return _batch_mean(entries, new, weight), (cache, weight)

    def backward(self, cache: Any, new: Allocator) -> Array:
        """Compute dy = d loss / d y.

        Parameters
        ----------
        cache : object
            Of `forward`.
        new : callable
            Gives scratch arrays.

        Returns
        -------
        ndarray, shape (..., B, out)
            The gradient.
        """
        own, weight = cache
        dy = self.derivative(own, new)
        if weight is not None:
            np.multiply(dy, weight[..., np.newaxis], out=dy)
        np.divide(dy, dy.shape[-2], out=dy)
        return dy

    @abstractmethod
    def entries(self, y: Array, t: Array, new: Allocator) -> tuple[Array, Any]:
        """Compute the terms that are summed, and a cache for `derivative`.

        Parameters
        ----------
        y : array (..., B, out)
            Outputs of the last layer.  They must not be changed.
        t : array (..., B, out), or (..., B) for the task "classification"
            Targets.  They must not be changed either.
        new : callable
            `new(name, shape, dtype)` is scratch memory that is the same at every step.

        Returns
        -------
        entries : array (..., B, out) or (..., B, 1)
            A term for each output or for each row.  It is written over.
        cache : object
            What `derivative` is given.
        """

    @abstractmethod
    def derivative(self, cache: Any, new: Allocator) -> Array:
        """Compute the derivative of those terms in y.

        Parameters
        ----------
        cache : object
            Of `entries`.
        new : callable
            Gives scratch arrays.

        Returns
        -------
        ndarray, shape (..., B, out)
            The derivative.  It is written over.
        """

    def check_targets(self, t: Array, out_features: int) -> None:
        """Check that t can be the targets of so many outputs.

        Parameters
        ----------
        t : ndarray
            Targets.
        out_features : int
            The number of outputs.

        Raises
        ------
        DataError
            If it cannot.
        """
        TASKS[self.task].check_targets(type(self).__name__, t, out_features)

    def predict(self, y: Array) -> Array:
        """Read predictions off the outputs, in the form of the targets.

        Parameters
        ----------
        y : ndarray, shape (..., B, out)
            Outputs.

        Returns
        -------
        ndarray
            The predictions.
        """
        return TASKS[self.task].predict(y)

    def probabilities(self, y: Array) -> Array:
        """Turn outputs into probabilities.

        Parameters
        ----------
        y : ndarray, shape (..., B, out)
            Outputs.

        Returns
        -------
        ndarray, shape (..., B, out)
            The probabilities.

        Raises
        ------
        SettingError
            Where there are none.
        """
        return TASKS[self.task].probabilities(type(self).__name__, y)

    def correct(self, y: Array, t: Array) -> Array | None:
        """Tell which predictions are right.

        Parameters
        ----------
        y : ndarray, shape (..., B, out)
            Outputs.
        t : ndarray
            Targets.

        Returns
        -------
        ndarray of bool, shape (..., B), or None
            None where none can be.
        """
        return TASKS[self.task].correct(y, t)

    def kink_sides(self, y: Array, t: Array) -> Array | None:
        """Tell on which side of a kink each output lies.

        Parameters
        ----------
        y : ndarray, shape (..., B, out)
            Outputs.
        t : ndarray
            Targets.

        Returns
        -------
        ndarray or None
            None for a smooth loss.
        """
        return None


@dataclasses.dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Half the squared error, for regression.

    Notes
    -----
    loss = mean over B of ½ Σ (y − t)²;  dy = (y − t) / B.

    Differs: PyTorch and Keras average over the outputs too and leave out the ½;
    scikit-learn keeps the ½ and averages over the outputs.

    Examples
    --------
    >>> from trainlab.network.workspace import FRESH
    >>> y, t = np.array([[1.0, 2.0, 3.0]]), np.array([[3.0, 4.0, 7.0]])
    >>> float(MeanSquaredError().forward(y, t, FRESH)[0])
    12.0
    """

    def entries(self, y: Array, t: Array, new: Allocator) -> tuple[Array, Any]:
        residual = np.subtract(y, t, out=new("residual", y.shape, y.dtype))
        square = np.multiply(residual, residual, out=new("square", y.shape, y.dtype))
        return np.multiply(square, 0.5, out=square), residual

    def derivative(self, cache: Any, new: Allocator) -> Array:
        return _copy(cache, new)


@dataclasses.dataclass(frozen=True)
class Huber(Loss):
    """Squared error near the target and absolute error far from it, for regression.

    Parameters
    ----------
    delta : float, default 1.0
        The distance at which one becomes the other, > 0.

    Notes
    -----
    loss = mean over B of Σ c (r − ½c) with r = y − t, c = r clipped to ±delta;  dy = c / B.
    That is ½r² up to |r| = delta and delta (|r| − ½delta) beyond.

    Source: Huber 1964.  Differs: PyTorch and Keras average over the outputs too;
    PyTorch's `SmoothL1Loss` is this loss divided by delta.

    Examples
    --------
    >>> from trainlab.network.workspace import FRESH
    >>> float(Huber().forward(np.array([[0.5, 3.0]]), np.zeros((1, 2)), FRESH)[0])
    2.625
    """

    delta: float = number(1.0, low=0.0)

    def entries(self, y: Array, t: Array, new: Allocator) -> tuple[Array, Any]:
        delta = cast(self.delta, y.dtype)
        clipped = np.subtract(y, t, out=new("clipped", y.shape, y.dtype))
        product = new("product", y.shape, y.dtype)
        residual = np.add(clipped, clipped, out=product)  # doubled: c (r − ½c) = ½c (2r − c)
        np.clip(clipped, -delta, delta, out=clipped)
        np.subtract(residual, clipped, out=product)
        np.multiply(product, clipped, out=product)
        return np.multiply(product, 0.5, out=product), clipped

    def derivative(self, cache: Any, new: Allocator) -> Array:
        return _copy(cache, new)

    def kink_sides(self, y: Array, t: Array) -> Array | None:
        inside: Array = np.abs(y - t) < cast(self.delta, y.dtype)
        return inside


@dataclasses.dataclass(frozen=True)
class SigmoidCrossEntropy(Loss):
    """Cross-entropy of a yes-or-no question for each output; several answers may be yes.

    Notes
    -----
    loss = mean over B of Σ [ln(1 + eʸ) − t y];  dy = (sigmoid(y) − t) / B;  t in [0, 1].
    Computed as max(y, 0) − t y + ln(1 + e^(−|y|)), which neither overflows nor cancels.

    Differs: PyTorch's `BCEWithLogitsLoss` and Keras average over the outputs too.

    Examples
    --------
    >>> from trainlab.network.workspace import FRESH
    >>> y, t = np.array([[0.0, 1000.0]]), np.array([[1.0, 1.0]])
    >>> float(SigmoidCrossEntropy().forward(y, t, FRESH)[0])
    0.6931471805599453
    """

    task: ClassVar[str] = "multilabel"

    def entries(self, y: Array, t: Array, new: Allocator) -> tuple[Array, Any]:
        entry, term = new("entry", y.shape, y.dtype), new("term", y.shape, y.dtype)
        np.minimum(y, np.negative(y, out=term), out=term)
        small = np.exp(term, out=new("probability", y.shape, y.dtype))
        np.log1p(small, out=entry)
        np.add(entry, positive_part(y, term), out=entry)
        np.subtract(entry, np.multiply(y, t, out=term), out=entry)
        # e/(1 + e) for y < 0, 1/(1 + e) for the others: each free of cancellation.
        numerator = np.maximum(small, np.greater_equal(y, 0, out=term), out=term)
        np.add(small, 1, out=small)
        probability = np.divide(numerator, small, out=small)
        return entry, (probability, t)

    def derivative(self, cache: Any, new: Allocator) -> Array:
        probability, t = cache
        dy: Array = np.subtract(probability, t, out=new("dy", probability.shape, probability.dtype))
        return dy


@dataclasses.dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of one class out of several.

    Parameters
    ----------
    label_smoothing : float, default 0.0
        s in [0, 1): the share of each target that is spread over all classes.

    Notes
    -----
    loss = mean over B of −Σ q ln p,  p = softmax(y);  dy = (p − q) / B.
    The targets t (..., B) are class indices; q = (1 − s) · one-hot(t) + s / out.  Computed as
    ln Σe^(y−max) − Σ q (y − max): no overflow, and no logarithm of 0.

    Source of the smoothing: Szegedy et al. 2016, section 7.  Differs: the book adds 1e-7
    inside the logarithm; Keras takes probabilities unless from_logits=True; PyTorch agrees with
    this.

    Examples
    --------
    >>> from trainlab.network.workspace import FRESH
    >>> y, t = np.zeros((5, 4)), np.array([0, 1, 2, 3, 0])
    >>> round(float(SoftmaxCrossEntropy().forward(y, t, FRESH)[0]), 9)  # ln 4
    1.386294361
    """

    task: ClassVar[str] = "classification"
    label_smoothing: float = number(0.0, low=0.0, high=1.0, closed="[)", remedy="0.1")

    def entries(self, y: Array, t: Array, new: Allocator) -> tuple[Array, Any]:
        rows, p = y.shape[:-1], new("p", y.shape, y.dtype)
        total, expected = new("total", (*rows, 1), y.dtype), new("expected", rows, y.dtype)
        starts = _starts_of_rows(y.shape, new)
        target = np.add(starts, t, out=new("target", rows, np.int64))
        np.subtract(y, _largest(y, starts, new), out=p)
        np.take(p.reshape(-1), target, out=expected, mode="clip")
        if np.any(self.label_smoothing):
            smoothing = cast(np.asarray(self.label_smoothing), y.dtype)
            mean = np.divide(sum_columns(p, new, out=total), p.shape[-1], out=total)[..., 0]
            per_row = smoothing[..., 0] if smoothing.ndim else smoothing
            smooth = (1 - per_row) * expected + per_row * mean
            np.copyto(expected, smooth, where=per_row > 0)
        np.exp(p, out=p)
        sum_columns(p, new, out=total)
        np.divide(p, total, out=p)
        entries = np.log(total, out=total)
        np.subtract(entries, expected[..., None], out=entries)
        return entries, (p, target)

    def derivative(self, cache: Any, new: Allocator) -> Array:
        p, target = cache
        dy: Array = new("dy", p.shape, p.dtype)
        smoothing = np.asarray(self.label_smoothing)
        np.subtract(p, cast(smoothing / p.shape[-1], p.dtype), out=dy)
        per_row = smoothing[..., 0] if smoothing.ndim else smoothing
        dy.reshape(-1)[target] -= cast(1 - per_row, p.dtype)
        return dy


def _copy(values: Array, new: Allocator) -> Array:
    """The values in memory of their own: they are wanted again."""
    dy: Array = new("dy", values.shape, values.dtype)
    np.copyto(dy, values)
    return dy


def _batch_mean(entries: Array, new: Allocator, weight: Array | None) -> Array:
    """Sum over the outputs, then mean over the batch: (..., B, out) -> (...,)."""
    *members, rows, out = entries.shape
    if out > 1:
        entries = sum_columns(entries, new, new("of a sample", (*members, rows, 1), entries.dtype))
    if weight is not None:
        np.multiply(entries, weight[..., np.newaxis], out=entries)
    total = sum_rows(entries, new, new("of a batch", (*members, 1, 1), entries.dtype))
    mean: Array = total[..., 0, 0] / rows
    return mean


def _largest(y: Array, starts: Array, new: Allocator) -> Array:
    """The entry of each row with the largest real part: (..., B, out) -> (..., B, 1).

    starts: where rows begin in y.reshape(-1).
    By `argmax`, which NumPy does several times faster than the maximum of short rows.
    """
    where = np.argmax(y.real, axis=-1, out=new("where", y.shape[:-1], np.intp))
    np.add(where, starts, out=where)
    largest = new("largest", y.shape[:-1], y.dtype)
    return np.take(y.reshape(-1), where, out=largest, mode="clip")[..., None]


def _starts_of_rows(shape: tuple[int, ...], new: Allocator) -> Array:
    """Where y[..., b, 0] lies in y.reshape(-1), int64 (..., B)."""
    starts = new("starts", shape[:-1], np.int64)
    flat = starts.reshape(-1)
    flat[0], flat[1:] = 0, shape[-1]
    np.add.accumulate(flat, out=flat)  # `arange` would allocate
    return starts


LOSSES: Final[dict[str, Callable[[], Loss]]] = {
    "mean_squared_error": MeanSquaredError,
    "huber": Huber,
    "sigmoid_cross_entropy": SigmoidCrossEntropy,
    "softmax_cross_entropy": SoftmaxCrossEntropy,
}
