"""Numbers printed elsewhere, set beside the distribution found here.

The numbers are data (published.json), and so is where they belong: a row names the arm,
the series and the place on its axis, so that an experiment needs no code for them.  What
one unseeded run printed is compared with the interval that holds one more of our runs;
a number without randomness must come out equal.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import Any, Final

import numpy as np

from trainlab.book import functions as book
from trainlab.data import Dataset
from trainlab.differentiation import numerical_diff, numerical_gradient
from trainlab.evidence import Replication, replicate, reproduce
from trainlab.experiments import derivative, gradient_field
from trainlab.experiments.base import Array, Measurements

WITHOUT_DATA: Final = "functions"
"""The data set of numbers that need none."""
DERIVED: Final = "derived"
"""The source of numbers that are printed nowhere, and follow from settings that are."""


@dataclasses.dataclass(frozen=True)
class Printed:
    """One printed number, and where to look for ours.

    series, arm, axis, at  the value of the arm's members at `at` on the axis of the series
    nearest    a series in which, instead, the place of each member is where it is nearest `at`
    function   one of FUNCTIONS, whose value at the index `at` is compared; then no series
    tolerance  for numbers without randomness: equal to so much; None: one run of many
    misprint   what is printed in its place, wrongly
    """

    source: str
    what: str
    value: float
    at: float
    arm: str = ""
    series: str = ""
    axis: str = "step"
    nearest: str | None = None
    function: str | None = None
    tolerance: float | None = None
    note: str | None = None
    misprint: float | None = None


# --- the table -------------------------------------------------------------------------


@functools.cache
def table() -> Mapping[str, Any]:
    """The content of published.json."""
    text = resources.files(__package__).joinpath("published.json").read_text(encoding="utf-8")
    content: Mapping[str, Any] = json.loads(text)
    return content


def sources() -> Mapping[str, str]:
    """What each source is."""
    found: Mapping[str, str] = table()["sources"]
    return found


def printed(name: str, data: str = WITHOUT_DATA) -> tuple[Printed, ...]:
    """Every number printed for an experiment and a data set."""
    return tuple(
        number for row in table()["numbers"].get(data, {}).get(name, ()) for number in _each(row)
    )


def _each(row: Mapping[str, Any]) -> Iterator[Printed]:
    """The numbers of a row, which lists places, values and, if there are, labels and misprints."""
    listed = ("at", "value", "label", "what", "misprint")
    shared = {k: v for k, v in row.items() if k not in listed}
    prefix = f"{row['arm']}, " if "arm" in row else ""
    labels = row.get("label", row["at"])
    wrong = row.get("misprint", [None] * len(labels))
    for at, value, label, misprint in zip(row["at"], row["value"], labels, wrong, strict=True):
        what = prefix + row["what"].format(label)
        yield Printed(what=what, at=at, value=value, misprint=misprint, **shared)


@functools.cache
def misprints() -> Mapping[str, float]:
    """What a number is → what is printed in its place, wrongly."""
    numbers = table()["numbers"]
    every = (one for data in numbers for name in numbers[data] for one in printed(name, data))
    return {one.what: one.misprint for one in every if one.misprint is not None}


def end_points() -> Mapping[str, tuple[float, float]]:
    """Optimizer → end point of its path."""
    found: dict[str, dict[str, float]] = {}
    for number in printed("optimizer-paths"):
        found.setdefault(number.arm, {})[number.series] = number.value
    return {arm: (point["x"], point["y"]) for arm, point in found.items()}


# --- beside ours -----------------------------------------------------------------------


def beside(
    name: str, measured: Measurements, data: Dataset | None = None
) -> tuple[Replication, ...]:
    """Each number printed for this experiment and data set beside ours; `data` as trained on.

    Left out are arms and series that were not measured and steps that were not reached,
    as in a quick run.
    """
    rows = []
    for number in printed(name, data.name if data else WITHOUT_DATA):
        ours = FUNCTIONS[number.function]() if number.function else _ours(number, measured, data)
        if ours is None:
            continue
        if number.tolerance is None:
            found = replicate(number.source, number.what, number.value, ours, note=number.note)
        else:
            value = float(ours[int(number.at)] if number.function else ours[0])
            found = reproduce(
                number.source, number.what, number.value, value, number.tolerance, number.note
            )
        rows.append(found)
    return tuple(rows)


def _ours(number: Printed, measured: Measurements, data: Dataset | None) -> Array | None:
    """The values (members,) of the arm, or None where there are none."""
    series, members = measured.series.get(number.series), measured.arms.get(number.arm)
    if series is None or members is None or series.axis != number.axis:
        return None
    if number.nearest:
        if number.nearest not in measured.series:
            return None
        by = measured.series[number.nearest].values[members]
        places = np.nanargmin(np.abs(np.log(by / number.at)), axis=-1)
        return np.take_along_axis(series.values[members], places[:, None], axis=-1)[:, 0]
    (places,) = np.nonzero(series.axis_values == number.at)
    if not places.size:
        return None
    values = series.values[members, places[0]]
    if data is not None and number.series.endswith("_accuracy"):
        gone = [measured.members[row].id in measured.diverged for row in members]
        values = np.where(gone & np.isnan(values), _of_nan(number, data), values)
    return values


def _of_nan(number: Printed, data: Dataset) -> float:
    """The accuracy that the notes' code gives a network of NaN: the share of class 0.

    For `argmax` the first NaN is the greatest output.
    """
    split = data.parts()[number.series.removesuffix("_accuracy")]
    return float(np.mean(split.t == 0))


# --- numbers that belong to no training ------------------------------------------------


def _slopes() -> Array:
    return np.array([numerical_diff(derivative.f, x, derivative.STEP) for x in (-1.0, 1.0)])


def _gradient() -> Array:
    return np.asarray(numerical_gradient(gradient_field.f, np.array([3, 4]), derivative.STEP))


FUNCTIONS: Final[Mapping[str, Callable[[], Array]]] = {
    "derivative": _slopes,
    "gradient": _gradient,
    "mean_squared_error": lambda: np.array([book.mean_squared_error([1, 2, 3], [3, 4, 7])]),
    "cross_entropy_error": lambda: np.array(
        [book.cross_entropy_error([0, 2, 3, 8, 9], [3, 4, 7, 8, 9])]
    ),
    "float32": lambda: np.array([np.float32(1e-50)], dtype=np.float64),
}
