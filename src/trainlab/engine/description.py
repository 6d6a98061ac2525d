"""Networks and optimizers as tables of numbers, which is how the native engine takes them.

The numbers of kinds and columns are those of native/src/network.hpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from trainlab.members import Member
from trainlab.network import activations, losses
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.base import Layer
from trainlab.network.dense import Activate
from trainlab.network.dropout import Dropout
from trainlab.network.norms import BatchNorm, LayerNorm
from trainlab.network.workspace import Array
from trainlab.optimizers import OPTIMIZERS, Optimizer
from trainlab.schedules import WarmUp
from trainlab.settings import is_ours

DENSE, BATCH_NORM, LAYER_NORM, ACTIVATE, DROPOUT = range(5)

FUNCTIONS: Final[tuple[type[activations.Activation], ...]] = (
    activations.Identity,
    activations.ReLU,
    activations.LeakyReLU,
    activations.ELU,
    activations.Sigmoid,
    activations.Tanh,
    activations.Softplus,
    activations.GELU,
)
LOSSES: Final[tuple[type[losses.Loss], ...]] = (
    losses.MeanSquaredError,
    losses.Huber,
    losses.SigmoidCrossEntropy,
    losses.SoftmaxCrossEntropy,
)
RULES: Final[tuple[tuple[str, str | None], ...]] = (
    ("sgd", None),
    ("momentum", "rate_inside"),
    ("nesterov", "rate_inside"),
    ("adagrad", "eps_inside_sqrt"),
    ("rmsprop", "eps_inside_sqrt"),
    ("adam", None),
    ("nadam", None),
    ("amsgrad", "corrected_max"),
    ("lion", None),
)
"""Each with the flag, if it has one, that makes the next number its own."""

COEFFICIENTS: Final = 8
COLUMNS: Final = {
    "rate": 0,
    "rate_g": 0,
    "eps": 1,
    "keep1": 2,
    "momentum": 2,
    "decay": 2,
    "take1": 3,
    "rest": 3,
    "keep2": 4,
    "take2": 5,
    "rate_m": 6,
    "correction": 6,
    "shrink": 7,
}
"""Where each coefficient of an optimizer stands in a row of numbers."""

WEIGHT_DECAY, L1, CLIP_VALUE, CLIP_NORM, LOSS, OF_LAYERS = range(6)
"""The columns of a member's settings; those of its layers begin at the last."""

LEAST_EPS: Final = 1e-30
"""With a smaller one, the padding of rows would divide zero by zero."""


def unknown(members: Sequence[Member]) -> str | None:
    """What the native engine does not know of these members, or None if it knows all."""
    for network in dict.fromkeys(member.network for member in members):
        norm = network._resolved("norm")
        kinds: list[tuple[Any, tuple[type, ...]]] = [
            (network, (MLP,)),
            (network.activation, FUNCTIONS),
            (network.loss, LOSSES),
            (norm, (type(None), BatchNorm, LayerNorm)),
        ]
        for part, known in kinds:
            if type(part) not in known:
                return f"it does not know {type(part).__name__}"
        if getattr(norm, "eps", 1.0) < LEAST_EPS:
            return f"its eps must be at least {LEAST_EPS:g}"
    for optimizer in dict.fromkeys(member.optimizer for member in members):
        if rule_of(optimizer) is None:
            return f"it does not know {type(optimizer).__name__}"
        if getattr(optimizer, "eps", 1.0) < LEAST_EPS:
            return f"its eps must be at least {LEAST_EPS:g}"
        schedule = optimizer.schedule
        while type(schedule) is WarmUp:
            schedule = schedule.then
        if not is_ours(type(schedule)):
            return f"it does not know {type(schedule).__name__}"
    return None


def rule_of(optimizer: Optimizer) -> int | None:
    """The number of its rule; None if it has none."""
    number = 0
    for name, flag in RULES:
        kinds = [OPTIMIZERS[name]]
        if name == "adam":
            kinds.append(OPTIMIZERS["adamw"])  # which differs in its decoupled decay alone
        if type(optimizer) in kinds:
            return number + (flag is not None and getattr(optimizer, flag))
        number += 1 if flag is None else 2
    return None


class Description(NamedTuple):
    """Members of one structure.

    layers    (L, 9) int64: kind, function, flag, place, column of the first setting, inputs,
              outputs, where the parameters and the buffers begin in flat arrays
    loss      the number of the loss
    settings  (K, columns) float64
    """

    layers: Array
    loss: int
    settings: Array


def describe(members: Sequence[Member], widths: tuple[int, int]) -> Description:
    """The tables of members of one structure."""
    place: dict[MLP, int] = {}  # of networks that differ
    rows = [place.setdefault(member.network, len(place)) for member in members]
    networks = list(place)
    is_one = len(networks) == 1  # whose architecture is known by now
    architecture = networks[0].build(*widths) if is_one else Architecture.of(networks, *widths)
    loss = architecture.loss
    of_loss = next(iter(vars(loss).values()), 0.0)  # a loss has one setting at most
    columns: list[Any] = [architecture.weight_decay, architecture.l1, 0.0, 0.0, of_loss]
    layers, parameters, buffers = [], 0, 0
    for index, layer in enumerate(architecture.layers):
        inputs, outputs = architecture.widths[index : index + 2]
        kind, function, flag, own = _layer(layer)
        layers.append(
            (kind, function, flag, index, len(columns), inputs, outputs, parameters, buffers)
        )
        columns += own
        declared = layer.declare(inputs)
        parameters += sum(one.shape[0] * one.shape[1] for one in declared.parameters.values())
        buffers += sum(one.shape[0] * one.shape[1] for one in declared.buffers.values())
    table = np.zeros((len(place), len(columns) + 2))  # room to read two settings of any layer
    for column, values in enumerate(columns):
        table[:, column] = np.ravel(values)
    settings = table[rows]
    for column, name in ((CLIP_VALUE, "clip_value"), (CLIP_NORM, "clip_norm")):
        settings[:, column] = [getattr(member.optimizer, name) for member in members]
    return Description(np.array(layers, np.int64), LOSSES.index(type(loss)), settings)


def _layer(layer: Layer) -> tuple[int, int, int, list[Any]]:
    """Kind, function, flag, and the settings of a layer."""
    match layer:
        case Activate(activation):
            settings = list(vars(activation).values())
            return ACTIVATE, FUNCTIONS.index(type(activation)), 0, settings
        case Dropout(ratio, inverted):
            return DROPOUT, 0, inverted, [ratio]
        case LayerNorm(eps):
            return LAYER_NORM, 0, 0, [eps]
        case BatchNorm(ema_decay, eps, unbiased):
            return BATCH_NORM, 0, unbiased, [eps, ema_decay]
        case _:
            return DENSE, 0, 0, []
