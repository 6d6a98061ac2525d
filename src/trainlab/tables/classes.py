"""What there is to say of predicted classes, of thresholds, and of how true probabilities are.

Of each class, and of pairs that are taken for each other.

Axis letters: N rows, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy  # loads its room `stats` when that is first used: half a second
from numpy.typing import NDArray
from sklearn import metrics as sk

from trainlab.network.workspace import Array
from trainlab.search.metrics import LEVEL, TablePrediction, TableTruth
from trainlab.terminal import counted

RARE: Final = 0.2
"""Where a class of two has a smaller share, accuracy says little of it."""
GAIN: Final = 0.05
"""Where another threshold has an F1 higher by so much, that is said of a rare class."""
COSTS: Final = (1, 2, 5, 10, 20, 50, 100)
"""What a row of the rarer class that is missed may cost, in false alarms."""
CONFUSIONS: Final = 10
"""Pairs of classes that are listed."""
FEW: Final = 6
"""Classes that have a line each, of the same colour in every figure."""
BINS: Final = 10
"""Of a calibration."""
BIN_ROWS: Final = 10
"""Rows of a bin at least: of fewer a share says nothing."""


@dataclass(frozen=True)
class ClassScore:
    """How a class fares.

    support    how many rows belong to it;  named: how many were said to
    precision  the share of `named` that belongs to it, NaN if there are none
    recall     the share of `support` that is named
    """

    label: str
    support: int
    named: int
    precision: float
    recall: float
    f1: float


def shown_order(classes: NDArray[Any]) -> NDArray[np.intp]:
    """The places of sorted classes (C,) as a page shows them: words that are numbers by size.

    >>> shown_order(np.array(["1", "10", "2"])).tolist()
    [0, 2, 1]
    """
    try:
        sizes = classes.astype(np.float64)
    except (TypeError, ValueError):
        return np.arange(len(classes))
    return np.argsort(sizes, kind="stable")


def class_scores(truth: TableTruth, predicted: TablePrediction) -> tuple[ClassScore, ...]:
    """Of each class, as they are shown."""
    assert truth.classes is not None
    places = shown_order(truth.classes)
    said = predicted.codes(truth)
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        truth.codes, said, labels=places, zero_division=np.nan
    )
    named = np.bincount(said, minlength=len(places))[places]
    rows = zip(truth.classes[places].tolist(), support, named, precision, recall, f1, strict=True)
    return tuple(
        ClassScore(str(label), int(n), int(m), float(p), float(r), float(f) if n or m else np.nan)
        for label, n, m, p, r, f in rows
    )


def confusion(truth: TableTruth, predicted: TablePrediction) -> NDArray[np.intp]:
    """How many rows of each class (C, …), as they are shown, were said to be of each (…, C)."""
    assert truth.classes is not None
    places = shown_order(truth.classes)
    counts: NDArray[np.intp] = sk.confusion_matrix(
        truth.codes, predicted.codes(truth), labels=places
    )
    return counts


@dataclass(frozen=True)
class Confusion:
    """A class whose rows are taken for another: how many, and the share of its rows."""

    label: str
    other: str
    count: int
    share: float


def confusions(truth: TableTruth, predicted: TablePrediction) -> tuple[Confusion, ...]:
    """The pairs of which the most rows are wrong, CONFUSIONS at most."""
    assert truth.classes is not None
    counts, labels = confusion(truth, predicted), truth.classes[shown_order(truth.classes)]
    rows = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    found = []
    for flat in np.argsort(-counts, axis=None, kind="stable")[:CONFUSIONS].tolist():
        own, other = divmod(flat, len(rows))
        if count := int(counts[own, other]):
            names = str(labels[own]), str(labels[other])
            found.append(Confusion(*names, count, count / int(rows[own])))
    return tuple(found)


# --- two classes -----------------------------------------------------------------------


@dataclass(frozen=True)
class Threshold:
    """What comes of naming every row whose probability is at least a threshold.

    miss    what a row of the class that is not named costs, in rows that are named wrongly;
            if probabilities are true, the threshold 1/(1 + miss) costs least
    found   rows of the class that are named;  alarms: others that are named
    cost    of a row, in the mean;  otherwise: of naming none, or all, whichever costs less
    f1      of the class
    """

    miss: int
    threshold: float
    found: int
    alarms: int
    cost: float
    otherwise: float
    f1: float


@dataclass(frozen=True)
class RareClass:
    """The rarer of two classes in the rows put aside.

    there  how many rows belong to it;  named: how many were said to, and `found` of them do
    share  its share of all rows;  otherwise: the accuracy of never naming it
    """

    label: str
    other: str
    there: int
    named: int
    found: int
    share: float
    thresholds: tuple[Threshold, ...]

    @property
    def imbalanced(self) -> bool:
        """Whether an accuracy says little of it."""
        return self.share < RARE

    @property
    def words(self) -> str:
        """What is found of it."""
        alarms = counted(self.named - self.found, "false alarm")
        rows = f"{self.found:,} of the {counted(self.there, 'row')} of {self.label!r}"
        return f"{rows} are found, with {alarms}"

    @property
    def advice(self) -> str:
        """That F1 is low by the threshold, in a sentence; "" where no other is much better."""
        own = f1_of(self.found, self.there, self.named)
        best = max(self.thresholds, key=lambda one: one.f1)
        if best.f1 < own + GAIN:
            return ""
        return (
            f"F1 is that of the threshold 0.5, which few rows of a rare class reach: of these rows "
            f"it is {own:.3f}, and at the threshold {best.threshold:.3f} it would be {best.f1:.3f}."
        )


def f1_of(found: int, there: int, named: int) -> float:
    """2 · found / (there + named) of a class; 0 where no row is of it or said to be."""
    return 2 * found / max(1, there + named)


def rare_class(truth: TableTruth, predicted: TablePrediction) -> RareClass | None:
    """The rarer of two classes; None of several."""
    if truth.positive is None or truth.classes is None:
        return None
    there, place = truth.codes == truth.positive, truth.positive
    named = predicted.codes(truth) == place
    p, rows, positives = predicted.p[:, place], len(truth), int(there.sum())
    found = []
    for miss in COSTS:
        flagged = p >= 1 / (1 + miss)
        hits, alarms = int((flagged & there).sum()), int((flagged & ~there).sum())
        cost = miss * (positives - hits) + alarms
        least = min(miss * positives, rows - positives)
        score = f1_of(hits, positives, hits + alarms)
        found.append(
            Threshold(miss, 1 / (1 + miss), hits, alarms, cost / rows, least / rows, score)
        )
    return RareClass(
        str(truth.classes[place]),
        str(truth.classes[1 - place]),
        positives,
        int(named.sum()),
        int((named & there).sum()),
        positives / rows,
        tuple(found),
    )


# --- curves ----------------------------------------------------------------------------


def roc(there: NDArray[np.bool_], p: Array) -> tuple[Array, Array]:
    """False and true positive rates of all thresholds."""
    false, true, _ = sk.roc_curve(there, p)
    return false, true


def precision_recall(there: NDArray[np.bool_], p: Array) -> tuple[Array, Array, float]:
    """Recall and precision of all thresholds, recall falling to 0; and the average precision."""
    precision, recall, _ = sk.precision_recall_curve(there, p)
    precision[-1] = precision[-2]  # of no row, where scikit-learn says 1
    return recall, precision, float(sk.average_precision_score(there, p))


@dataclass(frozen=True, eq=False)
class Calibration:
    """Bins of rows of like probability: its mean, the share that is so, and a 95 % interval.

    error  the mean distance of the two over the rows: the expected calibration error
    """

    said: Array
    shares: Array
    low: Array
    high: Array
    error: float


def calibration(hits: NDArray[np.bool_], p: Array) -> Calibration | None:
    """Of hits (N,) and the probabilities (N,) that were said of them, in bins of as many rows.

    None where there are not enough rows for two bins.
    """
    bins = min(BINS, len(p) // BIN_ROWS)
    if bins < 2:
        return None
    order = np.argsort(p, kind="stable")
    parts = np.array_split(order, bins)
    said = np.array([p[part].mean() for part in parts])
    right = np.array([hits[part].sum() for part in parts])
    rows = np.array([len(part) for part in parts])
    ends: Any = [
        scipy.stats.binomtest(int(k), int(n)).proportion_ci(LEVEL)
        for k, n in zip(right, rows, strict=True)
    ]
    error = float(np.average(np.abs(right / rows - said), weights=rows))
    low, high = np.array([one.low for one in ends]), np.array([one.high for one in ends])
    return Calibration(said, right / rows, low, high, error)
