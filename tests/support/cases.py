"""The one table of activations, losses, layers, initializers, optimizers, schedules, networks.

Adding one of them is its source and one row here: the row buys the gradient checks
(network/test_gradients.py), member = solo (population/test_member_is_solo.py) and whatever
else the tests of its kind ask of every row.  `test_parts.py` says what is missing here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from trainlab import optimizers, schedules
from trainlab.network import activations, initializers, losses
from trainlab.network.architecture import MLP
from trainlab.network.base import Layer
from trainlab.network.dense import Activate, Dense
from trainlab.network.dropout import Dropout
from trainlab.network.norms import NORMS, BatchNorm, LayerNorm

ACTIVATIONS: dict[str, activations.Activation] = {
    "identity": activations.Identity(),
    "relu": activations.ReLU(),
    "leaky_relu": activations.LeakyReLU(),
    "leaky_relu slope=0.3": activations.LeakyReLU(slope=0.3),
    "elu": activations.ELU(),
    "elu alpha=1.7": activations.ELU(alpha=1.7),
    "sigmoid": activations.Sigmoid(),
    "tanh": activations.Tanh(),
    "softplus": activations.Softplus(),
    "gelu": activations.GELU(),
}

LOSSES: dict[str, losses.Loss] = {
    "mean_squared_error": losses.MeanSquaredError(),
    "huber": losses.Huber(),
    "huber delta=0.3": losses.Huber(delta=0.3),
    "sigmoid_cross_entropy": losses.SigmoidCrossEntropy(),
    "softmax_cross_entropy": losses.SoftmaxCrossEntropy(),
    "softmax_cross_entropy label_smoothing=0.2": losses.SoftmaxCrossEntropy(label_smoothing=0.2),
}

LAYERS: dict[str, Layer] = {
    "dense": Dense(5),
    "activate": Activate(activations.Tanh()),
    "dropout": Dropout(ratio=0.4),
    "dropout not inverted": Dropout(ratio=0.4, inverted=False),
    "layer_norm": LayerNorm(),
    "batch_norm": BatchNorm(),
    "batch_norm of the book": BatchNorm(eps=1e-6, unbiased_running_var=False, start_var=0.0),
}

INITIALIZERS: dict[str, initializers.Initializer] = {
    "std": initializers.Std(0.05),
    "xavier": initializers.Xavier(),
    "lecun": initializers.LeCun(),
    "he": initializers.He(),
    "glorot_normal": initializers.GlorotNormal(),
    "glorot_uniform": initializers.GlorotUniform(),
    "orthogonal": initializers.Orthogonal(gain=1.5),
}

# Of the weights that these draw, by fan_in and fan_out.
DEVIATIONS: dict[str, Callable[[int, int], float]] = {
    "std": lambda fan_in, fan_out: 0.05,
    "xavier": lambda fan_in, fan_out: math.sqrt(1 / fan_in),
    "lecun": lambda fan_in, fan_out: math.sqrt(1 / fan_in),
    "he": lambda fan_in, fan_out: math.sqrt(2 / fan_in),
    "glorot_normal": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "glorot_uniform": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    # Unit columns times the gain, where there are fewer columns than rows.
    "orthogonal": lambda fan_in, fan_out: 1.5 / math.sqrt(fan_in),
}

OPTIMIZERS: dict[str, optimizers.Optimizer] = {
    "sgd": optimizers.SGD(0.01),
    "momentum": optimizers.Momentum(0.01),
    "momentum of the book": optimizers.Momentum.book(lr=0.01),
    "nesterov": optimizers.Nesterov(0.01),
    "nesterov of the book": optimizers.Nesterov.book(lr=0.01),
    "adagrad": optimizers.AdaGrad(0.01),
    "adagrad of the book": optimizers.AdaGrad.book(lr=0.01),
    "rmsprop": optimizers.RMSprop(0.01),
    "rmsprop of the book": optimizers.RMSprop.book(lr=0.01),
    "adagrad eps_inside_sqrt": optimizers.AdaGrad(0.01, eps_inside_sqrt=True),
    "rmsprop eps_inside_sqrt": optimizers.RMSprop(0.01, eps_inside_sqrt=True),
    "adam": optimizers.Adam(0.01),
    "adam of the book": optimizers.Adam.book(lr=0.01),
    "adamw": optimizers.AdamW(0.01),
    "nadam": optimizers.NAdam(0.01),
    "nadam not warming": optimizers.NAdam(0.01, warming=False),
    "amsgrad": optimizers.AMSGrad(0.01),
    "amsgrad corrected_max": optimizers.AMSGrad(0.01, corrected_max=True),
    "lion": optimizers.Lion(0.001),
}

SCHEDULES: dict[str, schedules.Schedule] = {
    "constant": schedules.Constant(),
    "step": schedules.Step(every=3),
    "exponential": schedules.Exponential(decay=0.9),
    "cosine": schedules.Cosine(floor=0.1),
    "one_cycle": schedules.OneCycle(),
    "warm_up": schedules.WarmUp(steps=4, then=schedules.Cosine()),
}

# What an MLP can combine, beyond one activation or one loss.
TECHNIQUES: dict[str, dict[str, Any]] = {
    "plain": {},
    "weight_decay": {"weight_decay": 0.1},
    "l1": {"l1": 0.05},
    "weight_decay and l1": {"weight_decay": 0.1, "l1": 0.05},
    "dropout": {"dropout": 0.3},
    **{f"{name}_norm": {"norm": name} for name in NORMS},
    "batch_norm, dropout, weight_decay": {
        "norm": "batch",
        "dropout": 0.3,
        "weight_decay": 0.1,
    },
    "layer_norm, dropout, l1": {"norm": "layer", "dropout": 0.3, "l1": 0.05},
    "the book's": {
        "convention": "book",
        "norm": "batch",
        "dropout": 0.3,
        "weight_decay": 0.1,
    },
}

NETWORKS: dict[str, MLP] = {
    **{f"activation {name}": MLP((4,), activation=a) for name, a in ACTIVATIONS.items()},
    **{f"loss {name}": MLP((4,), activation="tanh", loss=loss) for name, loss in LOSSES.items()},
    **{f"init {name}": MLP((4,), init=init) for name, init in INITIALIZERS.items()},
    **{f"technique {name}": MLP((4,), **settings) for name, settings in TECHNIQUES.items()},
}


NUMPY_ALONE: frozenset[type] = frozenset()
"""Activations, losses, norms, optimizers and schedules that native/ has not been taught."""


def engines_of(network: MLP, optimizer: optimizers.Optimizer) -> tuple[str, ...]:
    """The engines that can train a member."""
    norm = network._resolved("norm")
    parts = (network.activation, network.loss, norm, optimizer, optimizer.schedule)
    return ("numpy",) if NUMPY_ALONE.intersection(map(type, parts)) else ("numpy", "native")


def targets(task: str, rng: np.random.Generator, rows: tuple[int, ...], out: int) -> np.ndarray:
    """Random targets of a task, (*rows,) class indices or (*rows, out) values."""
    if task == "classification":
        return rng.integers(0, out, rows)
    if task == "multilabel":
        return (rng.random((*rows, out)) < 0.5).astype(np.float64)
    return rng.standard_normal((*rows, out))
