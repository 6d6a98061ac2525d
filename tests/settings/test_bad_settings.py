"""Nonsense in every field of every record of settings: the typed error, in the documented words."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest

import trainlab as tl
from complaints import complains
from trainlab.data import Batches
from trainlab.errors import SettingError
from trainlab.network.activations import ACTIVATIONS
from trainlab.network.dense import Activate, Dense
from trainlab.network.dropout import Dropout
from trainlab.network.initializers import INITIALIZERS
from trainlab.network.losses import LOSSES
from trainlab.network.norms import NORMS
from trainlab.optimizers import OPTIMIZERS
from trainlab.schedules import SCHEDULES
from trainlab.settings import Settings, number

NAN, INF = math.nan, math.inf
HUGE = 10**400  # a float cannot hold it
NO_NUMBER = ("0.1", None, True, 1j, [0.1], NAN, HUGE, -HUGE, Fraction(HUGE))
RECORDS: list[tuple[Callable[..., Any], str, tuple[Any, ...]]] = [
    (tl.SGD, "lr", (0, -0.1, INF, np.array([0.1]), Fraction(1, HUGE), *NO_NUMBER)),
    (tl.SGD, "clip_norm", (0, -1, NAN, "1")),
    (tl.SGD, "clip_value", (0, -1, NAN, None)),
    (tl.SGD, "decoupled_weight_decay", (-1e-9, INF, NAN)),
    (tl.SGD, "schedule", ("no such", 0.1, None, ["cosine"], {}, tl.Cosine)),
    (tl.Momentum, "momentum", (1, -0.1, *NO_NUMBER)),
    (tl.Momentum, "rate_inside", (1, "yes", None)),
    (tl.Nesterov, "momentum", (1.0, NAN)),
    (tl.Nesterov, "rate_inside", (0,)),
    (tl.AdaGrad, "eps", (0, -1e-8, NAN)),
    (tl.AdaGrad, "initial", (-1, INF)),
    (tl.AdaGrad, "eps_inside_sqrt", (0, "no")),
    (tl.RMSprop, "decay", (1, -1, NAN)),
    (tl.RMSprop, "eps", (0, "1e-8")),
    (tl.RMSprop, "eps_inside_sqrt", (None,)),
    (tl.Adam, "lr", (0, -1, NAN)),
    (tl.Adam, "beta1", (1, -0.1, NAN, "0.9")),
    (tl.Adam, "beta2", (1, 1.1)),
    (tl.Adam, "eps", (0, None)),
    (tl.Adam, "folded", (1, None)),
    (tl.AdamW, "decoupled_weight_decay", (-1, "0.01")),
    (tl.NAdam, "lr", (0, NAN)),
    (tl.NAdam, "momentum_decay", (-1, INF)),
    (tl.NAdam, "warming", (0,)),
    (tl.AMSGrad, "corrected_max", ("v",)),
    (tl.Lion, "lr", (0, NAN)),
    (tl.Lion, "beta1", (1, -1)),
    (tl.Lion, "beta2", (1, None)),
    (tl.Step, "every", (0, -1, 1.5, True, None, "10", 2**63, HUGE)),
    (tl.Step, "factor", (-0.1, 1.1, NAN)),
    (tl.Exponential, "decay", (0, 1.1, NAN)),
    (tl.Cosine, "floor", (-0.1, 1.1, NAN)),
    (tl.Cosine, "steps", (0, 2.5, "10")),
    (tl.OneCycle, "warm", (-0.1, 1.1)),
    (tl.OneCycle, "start", (-0.1, NAN)),
    (tl.OneCycle, "end", (2, "0")),
    (tl.OneCycle, "steps", (0, 1.5)),
    (tl.WarmUp, "steps", (0, None, 1.5)),
    (tl.WarmUp, "then", ("warm_up", 3, ["cosine"])),
    (tl.WarmUp, "start", (-1, NAN)),
    (tl.LeakyReLU, "slope", (NAN, "0.01", INF)),
    (tl.ELU, "alpha", (NAN, -1, None)),
    (tl.Std, "std", (-1, NAN, INF)),
    (tl.Orthogonal, "gain", (0, -1, NAN)),
    (tl.SoftmaxCrossEntropy, "label_smoothing", (1, -0.1, NAN)),
    (tl.Huber, "delta", (0, -1, NAN)),
    (tl.BatchNorm, "ema_decay", (-0.1, 1.1, NAN)),
    (tl.BatchNorm, "eps", (0, -1)),
    (tl.BatchNorm, "unbiased_running_var", (1, "no")),
    (tl.BatchNorm, "start_var", (-1, NAN)),
    (tl.LayerNorm, "eps", (0, NAN)),
    (Dropout, "ratio", (1, -0.1, NAN, "half")),
    (Dropout, "inverted", (1,)),
    (Dense, "out_features", (0, 1.5, None)),
    (Dense, "init", ("he", None)),
    (Activate, "activation", ("relu", None)),
    (tl.MLP, "hidden", (0, (0,), (3, -1), HUGE, (3, HUGE), "100", 2.5, (2.5,), None, {3}, (True,))),
    (tl.MLP, "activation", ("rel", 3, None, ["relu"], tl.ReLU)),
    (tl.MLP, "init", ("hee", 0, -1, NAN, INF, None, ["he"])),
    (tl.MLP, "output_init", ("hee", 0, {})),
    (tl.MLP, "norm", (1, True, "yes", tl.LayerNorm)),
    (tl.MLP, "dropout", (1, -0.1, NAN, "0.5")),
    (tl.MLP, "loss", ("mse", None, ["huber"])),
    (tl.MLP, "weight_decay", (-1e-9, INF, NAN)),
    (tl.MLP, "l1", (-1, None)),
    (tl.MLP, "convention", ("boo", None, ["book"])),
    (tl.Member, "network", ("MLP", None, tl.MLP)),
    (tl.Member, "optimizer", ("adam", None, tl.Adam)),
    (tl.Member, "seed", (-1, 1.5, True, 2**64, "0", None)),
    (tl.EarlyStopping, "metric", (3, None, "", ["validation_loss"])),
    (tl.EarlyStopping, "patience", (0, 1.5, None, True, 2**63)),
    (tl.EarlyStopping, "min_delta", (-1, NAN, "0")),
    (Batches, "n", (0, -1, 1.5, 2**63)),
    (Batches, "batch_size", (0, "all", None, 2**63)),
    (Batches, "kind", ("random", None, ["book"])),
]
FIELDS: Final = {(record, name) for record, name, _ in RECORDS}
RECORDS += [
    (kind, field.name, ("none of them", object))
    for table in (ACTIVATIONS, INITIALIZERS, LOSSES, NORMS, OPTIMIZERS, SCHEDULES)
    for kind in table.values()
    for field in dataclasses.fields(kind)
    if (kind, field.name) not in FIELDS
]
"""What no field may be stands for those without a row: it must have a rule."""
REQUIRED: dict[Any, dict[str, Any]] = {
    Batches: {"n": 10, "batch_size": 5},
    Dense: {"out_features": 3},
}


@pytest.mark.parametrize(
    ("record", "field", "value"),
    [
        pytest.param(record, field, value, id=f"{record.__name__}-{field}-{value!r}"[:60])
        for record, field, values in RECORDS
        for value in values
    ],
)
def test_settings(record: Callable[..., Any], field: str, value: Any) -> None:
    given = {**REQUIRED.get(record, {}), field: value}
    complains(lambda: record(**given), SettingError, f"{field} of {record.__name__} must ")


@dataclasses.dataclass(frozen=True)
class _WithDefaults(Settings):
    rate: float = number(2, low=0.0)
    bad: float = number(-1.0, low=0.0)


def test_defaults_are_kept_as_given_values_are_and_may_be_wrong_as_they() -> None:
    complains(_WithDefaults, SettingError, "bad of _WithDefaults must ")
    assert type(_WithDefaults(bad=1).rate) is float
    assert tl.MLP() == tl.MLP(activation="relu", init="he", loss="softmax_cross_entropy")
    assert tl.MLP().activation == ACTIVATIONS["relu"]()


def test_every_field_of_every_record_is_here() -> None:
    fields = {
        (record, field.name): field
        for record in {record for record, *_ in RECORDS}
        for field in dataclasses.fields(record)
    }
    # A field that a record inherits is the same object in all of its heirs.
    checked = {id(fields[record, name]) for record, name, _ in RECORDS}
    missing = [key for key, field in fields.items() if id(field) not in checked]
    assert not missing, missing
    assert {getattr(tl, name) for name in tl.__all__ if is_record(name)} <= {r for r, *_ in RECORDS}


def is_record(name: str) -> bool:
    public = getattr(tl, name)
    if not isinstance(public, type) or inspect.isabstract(public):
        return False
    return issubclass(public, Settings) and dataclasses.fields(public)
