"""Each number of each record of settings: the ends of its interval, inside and outside."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pytest

import trainlab as tl
from complaints import complains
from tests.settings.test_bad_settings import RECORDS
from trainlab.errors import SettingError
from trainlab.network.activations import ACTIVATIONS
from trainlab.network.dropout import Dropout
from trainlab.network.initializers import INITIALIZERS
from trainlab.network.losses import LOSSES
from trainlab.network.norms import NORMS
from trainlab.optimizers import OPTIMIZERS
from trainlab.schedules import SCHEDULES

SMALL, LARGE = 1e-300, 1e300
BELOW_1, ABOVE_1 = math.nextafter(1.0, 0.0), math.nextafter(1.0, 2.0)

# By interval: what is taken, what is refused, and the fields.
INTERVALS: dict[str, tuple[tuple[float, ...], tuple[float, ...], list[tuple[Any, str]]]] = {
    "(0, inf)": (
        (SMALL, LARGE),
        (0.0, -SMALL, math.inf),
        [
            *((each, "lr") for each in (tl.SGD, tl.Adam, tl.NAdam, tl.Lion)),
            *((each, "eps") for each in (tl.AdaGrad, tl.RMSprop, tl.Adam)),
            *((each, "eps") for each in (tl.BatchNorm, tl.LayerNorm)),
            (tl.ELU, "alpha"),
            (tl.Orthogonal, "gain"),
            (tl.Huber, "delta"),
        ],
    ),
    "(0, inf]": (
        (SMALL, LARGE, math.inf),
        (0.0, -SMALL),
        [(tl.SGD, "clip_norm"), (tl.SGD, "clip_value")],
    ),
    "[0, inf)": (
        (0.0, SMALL, LARGE),
        (-SMALL, math.inf),
        [
            (tl.SGD, "decoupled_weight_decay"),
            (tl.AdamW, "decoupled_weight_decay"),
            (tl.AdaGrad, "initial"),
            (tl.NAdam, "momentum_decay"),
            (tl.Std, "std"),
            (tl.BatchNorm, "start_var"),
            (tl.MLP, "weight_decay"),
            (tl.MLP, "l1"),
            (tl.EarlyStopping, "min_delta"),
        ],
    ),
    "[0, 1)": (
        (0.0, SMALL, BELOW_1),
        (-SMALL, 1.0),
        [
            (tl.Momentum, "momentum"),
            (tl.Nesterov, "momentum"),
            (tl.RMSprop, "decay"),
            *((each, name) for each in (tl.Adam, tl.Lion) for name in ("beta1", "beta2")),
            (tl.SoftmaxCrossEntropy, "label_smoothing"),
            (Dropout, "ratio"),
            (tl.MLP, "dropout"),
        ],
    ),
    "[0, 1]": (
        (0.0, SMALL, 1.0),
        (-SMALL, ABOVE_1),
        [
            (tl.Step, "factor"),
            (tl.Cosine, "floor"),
            *((tl.OneCycle, name) for name in ("warm", "start", "end")),
            (tl.WarmUp, "start"),
            (tl.LeakyReLU, "slope"),
            (tl.BatchNorm, "ema_decay"),
        ],
    ),
    "(0, 1]": ((SMALL, 1.0), (0.0, ABOVE_1), [(tl.Exponential, "decay")]),
}
HERE = {(record, name) for row in INTERVALS.values() for record, name in row[2]}


def derived() -> Iterator[tuple[str, Any, str]]:
    """The interval, as its rule says it, of each number of the tables that has no row."""
    for table in (ACTIVATIONS, INITIALIZERS, LOSSES, NORMS, OPTIMIZERS, SCHEDULES):
        for kind in table.values():
            for field in dataclasses.fields(kind):
                must = field.metadata["rule"].must
                if must.startswith("be a number in ") and (kind, field.name) not in HERE:
                    yield must.removeprefix("be a number in ").replace(".0", ""), kind, field.name


for _interval, _kind, _name in derived():
    INTERVALS[_interval][2].append((_kind, _name))
FIELDS = [
    pytest.param(*row[:2], record, name, id=f"{record.__name__}-{name}-{interval}")
    for interval, row in INTERVALS.items()
    for record, name in row[2]
]


@pytest.mark.parametrize(("taken", "refused", "record", "name"), FIELDS)
def test_an_interval_ends_where_it_says(
    taken: tuple[float, ...], refused: tuple[float, ...], record: Any, name: str
) -> None:
    for value in taken:
        assert getattr(record(**{name: value}), name) == value
    for value in refused:
        complains(lambda: record(**{name: value}), SettingError, f"{name} of {record.__name__} ")  # noqa: B023


def test_every_number_is_here() -> None:
    here = {(record, name) for row in INTERVALS.values() for record, name in row[2]}
    numbers, checked = {}, set()
    for record in {record for record, *_ in RECORDS}:
        for field in dataclasses.fields(record):
            if field.metadata["rule"].must.startswith("be a number"):
                numbers[record, field.name] = field
                if (record, field.name) in here:
                    checked.add(id(field))  # what is inherited is the same object in all heirs
    assert here <= set(numbers)
    assert not [key for key, field in numbers.items() if id(field) not in checked]
