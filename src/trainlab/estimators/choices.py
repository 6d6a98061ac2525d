"""The parameters of the estimators: what each may be, and the members they describe.

An estimator's constructor only stores; `fit` has its parameters checked here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from trainlab.deprecated import with_norm
from trainlab.engine import ENGINE
from trainlab.errors import DataError, SettingError, sentence
from trainlab.limits import MAX_INDEX, MEMBERS
from trainlab.members import Member
from trainlab.network.activations import ACTIVATIONS, Activation
from trainlab.network.architecture import LAYERS, MLP, refuse_width
from trainlab.network.losses import LOSSES, Loss, SoftmaxCrossEntropy
from trainlab.optimizers import OPTIMIZERS, Adam, Optimizer
from trainlab.settings import (
    FLAG,
    Rule,
    Settings,
    either,
    is_integer,
    is_real,
    one_of,
    record_of,
    whole_number,
)

# scikit-learn's names, beside ours.
ACTIVATION_NAMES: Final = {**ACTIVATIONS, "logistic": ACTIVATIONS["sigmoid"]}
LOG_LOSS: Final = "log_loss"
"""The `loss` of classifiers with which two classes have one output; with "auto" they have two."""
LOSS_OF_TASK: Final[Mapping[str, str]] = {
    "classification": "softmax_cross_entropy",
    "multilabel": "sigmoid_cross_entropy",
    "regression": "mean_squared_error",
}


def _rule_of(kind: type[Settings], name: str) -> Rule:
    """The rule of a field of the records that an estimator makes."""
    (field,) = (field for field in dataclasses.fields(kind) if field.name == name)
    rule: Rule = field.metadata["rule"]
    return rule


def _listed(value: Any) -> Any:
    row = isinstance(value, np.ndarray) and value.ndim == 1 and len(value) <= LAYERS
    return tuple(value.tolist()) if row else value


_SIZES: Final = "hidden_layer_sizes"
_WIDTHS: Final = _rule_of(MLP, "hidden")
_PATIENCE: Final = whole_number(1)
INPUTS: Final = ("robust", "standard", "piecewise")
"""What the columns of X may become; see InputScaler."""
_NOT_NEGATIVE: Final = Rule(
    lambda v: is_real(v) and 0 <= float(v) < math.inf, "be a finite number >= 0", float, "1e-4"
)

RULES: Final[Mapping[str, Rule]] = {
    _SIZES: Rule(
        lambda v: _WIDTHS.valid(_listed(v)),
        _WIDTHS.must,
        lambda v: _WIDTHS.convert(_listed(v)),
        "(100,)",
        meant=lambda v: _WIDTHS.meant(_listed(v)) if _WIDTHS.meant else None,
    ),
    "activation": record_of(Activation, ACTIVATION_NAMES),
    "init": _rule_of(MLP, "init"),
    "norm": _rule_of(MLP, "norm"),
    "dropout": _rule_of(MLP, "dropout"),
    "loss": either(either(record_of(Loss, LOSSES), "auto"), LOG_LOSS),
    "label_smoothing": _rule_of(SoftmaxCrossEntropy, "label_smoothing"),
    "alpha": _NOT_NEGATIVE,
    "optimizer": record_of(Optimizer, OPTIMIZERS),
    "learning_rate_init": either(_rule_of(Adam, "lr"), None),
    "schedule": either(_rule_of(Adam, "schedule"), None),
    "batch_size": either(whole_number(1, "'auto'"), "auto"),
    "max_iter": whole_number(1, "200", high=MAX_INDEX),
    "tol": _NOT_NEGATIVE,
    "early_stopping": FLAG,
    "validation_fraction": Rule(
        lambda v: is_real(v) and 0 < float(v) < 1, "be a number in (0, 1)", float, "0.1"
    ),
    "n_iter_no_change": Rule(
        lambda v: _PATIENCE.valid(v) or (is_real(v) and v == math.inf),
        f"{_PATIENCE.must} or infinity",
        lambda v: v,
        "10",
    ),
    "warm_start": FLAG,
    "n_members": whole_number(1, "10", high=MEMBERS),
    "dtype": one_of(("auto", "float32", "float64")),
    "verbose": Rule(
        lambda v: FLAG.valid(v) or (is_integer(v) and v >= 0),
        "be True, False or an integer >= 0",
        bool,
    ),
    "workers": either(whole_number(1), None),
    "engine": ENGINE,
    "class_weight": Rule(
        lambda v: v is None or isinstance(v, dict) or (isinstance(v, str) and v == "balanced"),
        "be None, 'balanced' or a dict of weights by label",
        lambda v: v,
        "'balanced'",
    ),
    "standardize_inputs": Rule(
        lambda v: FLAG.valid(v) or (isinstance(v, str) and v in INPUTS),
        "be 'robust', 'standard', 'piecewise', True or False",
        lambda v: v if isinstance(v, str) else bool(v),
        "'robust'",
        INPUTS,
    ),
    "standardize_targets": FLAG,
}
"""What each parameter may be; `random_state` is for scikit-learn to judge."""


def check_parameters(
    parameters: Mapping[str, Any], owner: str, rules: Mapping[str, Rule] = RULES
) -> dict[str, Any]:
    """The parameters as records and plain numbers; SettingError for the first that is wrong."""
    given = with_norm(parameters, owner)
    refuse_width(given.get("activation"), given.get("hidden_layer_sizes"), _SIZES, owner)
    return {
        name: rules[name].check(value, name, owner)
        for name, value in given.items()
        if name in rules
    }


def batch_rows(chosen: Mapping[str, Any], rows: int) -> int:
    """The rows of a batch: "auto" is min(200, N), and no batch is larger than N."""
    size = 200 if chosen["batch_size"] == "auto" else chosen["batch_size"]
    return min(int(size), rows)


def has_one_output(chosen: Mapping[str, Any]) -> bool:
    """Whether two classes have one output, as the loss that is asked for says."""
    loss = chosen.get("loss", "auto")
    is_of_one = loss == LOG_LOSS if isinstance(loss, str) else loss.task == "multilabel"
    return is_of_one and not chosen.get("label_smoothing")


def loss_of(chosen: Mapping[str, Any], task: str, owner: str) -> Loss:
    """The loss for a task, with the label smoothing that is asked for."""
    loss: Loss = chosen["loss"]
    if isinstance(loss, str) and not (loss == LOG_LOSS and task == "regression"):
        loss = LOSSES[LOSS_OF_TASK[task]]()
    if isinstance(loss, str) or loss.task != task:
        must, remedy = f"be for {task}, as y is", "loss='auto'"
        got = loss if isinstance(loss, str) else type(loss).__name__
        raise SettingError(sentence("loss", owner, must, got, remedy))
    smoothing = chosen.get("label_smoothing", 0.0)
    if smoothing:
        if not isinstance(loss, SoftmaxCrossEntropy):
            must = f"be 0 with {type(loss).__name__}"
            raise SettingError(sentence("label_smoothing", owner, must, smoothing))
        loss = dataclasses.replace(loss, label_smoothing=smoothing)
    return loss


def weight_decay(alpha: float, weight: float, exponent: int, owner: str) -> float:
    """The weight decay where the rows of a batch have the weight n = weight · 2**exponent.

    scikit-learn's penalty is ½ alpha ΣW² / n: the weight decay is alpha / n.
    """
    decay = math.inf
    with contextlib.suppress(OverflowError):
        decay = math.ldexp(alpha / weight, -exponent)
    if decay == math.inf:
        must = "leave the penalty finite, whose alpha is divided by those of a batch"
        got, remedy = f"{weight:.3g} · 2**{exponent} in a batch", "weights around 1, or alpha=0"
        raise DataError(sentence("weights of the rows", owner, must, got, remedy))
    return decay


def members_of(
    chosen: Mapping[str, Any], loss: Loss, decay: float, seeds: Sequence[int]
) -> tuple[Member, ...]:
    """One member for each seed."""
    network = MLP(
        hidden=chosen["hidden_layer_sizes"],
        activation=chosen["activation"],
        init=chosen["init"],
        norm=chosen["norm"],
        dropout=chosen["dropout"],
        loss=loss,
        weight_decay=decay,
    )
    optimizer: Optimizer = chosen["optimizer"]
    if chosen["learning_rate_init"] is not None:
        optimizer = dataclasses.replace(optimizer, lr=chosen["learning_rate_init"])
    if chosen["schedule"] is not None:
        optimizer = dataclasses.replace(optimizer, schedule=chosen["schedule"])
    return tuple(Member(network, optimizer, seed) for seed in seeds)
