"""Metrics of the user's own: a number that is computed of outputs and targets."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.evidence.checks import DIRECTIONS, Direction
from trainlab.network.losses import Loss
from trainlab.network.workspace import Array
from trainlab.settings import Settings, is_real, one_of

_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NAME: Final = re.compile(r"[a-z]\w*")
_TAKEN: Final = ("loss", "accuracy", "evaluation_loss")

READINGS: Final[Mapping[str, Callable[[Loss, Array], Array]]] = {
    "outputs": lambda loss, y: y,
    "probabilities": lambda loss, y: loss.probabilities(y),
    "predictions": lambda loss, y: loss.predict(y),
}
"""What a metric may be computed of."""


@dataclass(frozen=True)
class Metric(Settings, ABC):
    """Base of metrics of your own, for `fit(metrics=[...])`.

    A subclass is a frozen dataclass with `value`.  It is evaluated when the splits are, on each
    split that is; the series of the history, which early stopping can watch, is called
    `{split}_{name}`.  It takes one more forward pass.

    Attributes
    ----------
    name : str
        By default that of the class, as in `mean_absolute_error` of MeanAbsoluteError.
    better : {"lower", "higher"}
        Which values are better.
    of : {"outputs", "probabilities", "predictions"}
        What `value` is given as y: what comes out of the last layer, or what `predict_proba` or
        `predict` make of it.

    Examples
    --------
    >>> import trainlab as tl
    >>> @dataclass(frozen=True)
    ... class Recall(tl.Metric):  # the share of the rows of a class that are found
    ...     label: int = 0
    ...     better = "higher"
    ...     of = "predictions"
    ...
    ...     def value(self, y, t, weight):
    ...         return (y[t == self.label] == self.label).mean()
    >>> network = tl.Network(tl.MLP((20,)), tl.Adam(0.01))
    >>> history = network.fit(tl.load_digits(), epochs=2, metrics=[Recall(label=3)])
    >>> history["test_recall"].shape
    (1, 3)
    """

    name: ClassVar[str] = ""
    better: ClassVar[Direction] = "lower"
    of: ClassVar[str] = "outputs"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" not in vars(cls):
            cls.name = _WORDS.sub("_", cls.__name__).lower()

    @abstractmethod
    def value(self, y: Array, t: Array, weight: Array | None) -> float:
        """The metric of one member on a whole split, whose arrays cannot be written to.

        Parameters
        ----------
        y : array (N, out), or (N,) for the predictions of a classification
            What `of` says.
        t : array (N,) or (N, out)
            Targets, as the loss has them.
        weight : array (N,) or None
            Weights of the rows, of mean 1, where the data has any.

        Returns
        -------
        float
            NaN where there is none.
        """


def check_metrics(metrics: Sequence[Metric], task: str) -> None:
    """Raises SettingError unless metrics can be evaluated, and told apart."""
    for index, metric in enumerate(metrics):
        owner, name = type(metric).__name__, metric.name
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _TAKEN:
            must = f"be a word in lower case, and none of {', '.join(_TAKEN)}"
            raise SettingError(sentence("name", owner, must, name))
        if name in (other.name for other in metrics[:index]):
            raise SettingError(sentence("name", owner, "be another for each metric", name))
        one_of(DIRECTIONS).check(metric.better, "better", owner)
        one_of(tuple(READINGS)).check(metric.of, "of", owner)
        if metric.of == "probabilities" and task == "regression":
            must = "be 'outputs' or 'predictions' in a regression"
            raise SettingError(sentence("of", owner, must, metric.of))


def evaluate(
    metrics: Sequence[Metric], loss: Loss, y: Array, t: Array, weight: Array | None
) -> dict[str, Array]:
    """Name → values (K,) of outputs y (K, N, out), member by member, so that bits do not mix.

    A member that diverges, whose outputs are not finite, has none: NaN.
    """
    found = {metric.name: np.full(len(y), np.nan) for metric in metrics}
    # What one metric wrote all that follows would read, and t is the data itself.
    t, weight = _read_only(t), None if weight is None else _read_only(weight)
    for k in np.flatnonzero(np.isfinite(y).all(axis=(-2, -1))):
        for metric in metrics:
            with np.errstate(all="ignore"):
                value = metric.value(_read_only(READINGS[metric.of](loss, y[k])), t, weight)
            found[metric.name][k] = _number(metric, value)
    return found


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


def _number(metric: Metric, value: Any) -> float:
    is_array = isinstance(value, np.ndarray) and value.size == 1
    number = value.item() if is_array else value
    if is_real(number) or (isinstance(number, (float, np.floating)) and np.isnan(number)):
        return float(number)
    raise SettingError(sentence("value", type(metric).__name__, "return a number", value))
