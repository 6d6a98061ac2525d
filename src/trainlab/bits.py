"""What `trainlab check --bits` checks: trainings whose bits are the same on every processor.

bits.json has a SHA-256 of each: of the parameters of all members, of their buffers and of every
series.  The native engine has to reproduce them, whatever computes.  Start numbers are uniform
or orthogonal: the tails of NumPy's normal draws ask the logarithm of the system.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import sparse

from trainlab import optimizers, schedules
from trainlab.data import Dataset, from_arrays
from trainlab.network import losses
from trainlab.network.architecture import MLP
from trainlab.network.workspace import Array
from trainlab.population import Population
from trainlab.streams import stream
from trainlab.training.plan import EarlyStopping

TABLE: Final = Path(__file__).with_name("bits.json")
ENGINE: Final = "native"

# Pairwise different, and no multiple of the width of a vector.
ROWS: Final = 97
HELD: Final = 41
INPUTS: Final = 23
MANY_INPUTS: Final = 150
"""Enough that inputs which are mostly zero are stored without their zeros."""
OUTPUTS: Final = 5
SEEDS: Final = 3
DENSITY: Final = 0.2


@dataclass(frozen=True)
class TrainedBits:
    """One line of the table.

    expected  the SHA-256 in bits.json, None for a training that it does not have
    """

    name: str
    found: str
    expected: str | None

    @property
    def ok(self) -> bool:
        """Whether they are the same."""
        return self.found == self.expected


@dataclass(frozen=True)
class BitsCase:
    """A training: a network, an optimizer, the data and the arguments of `fit`."""

    network: MLP
    optimizer: optimizers.Optimizer
    data: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def cases() -> Mapping[str, BitsCase]:
    """Every activation, loss, norm, optimizer and schedule, both dtypes, inputs with zeros."""
    real, several = {"targets": "real"}, {"targets": "several"}
    single, double = {"dtype": "float32"}, {"dtype": "float64"}
    zeros = {"inputs": MANY_INPUTS, "density": DENSITY}
    wide, normed = _mlp("relu", hidden=(37, 19)), _mlp("relu", norm="batch", dropout=0.3)
    book = _mlp("relu", norm="batch", dropout=0.3, weight_decay=0.1, convention="book")
    smoothed = losses.SoftmaxCrossEntropy(label_smoothing=0.1)
    warm_up = schedules.WarmUp(steps=4, then=schedules.Cosine())
    stopping = EarlyStopping("validation_loss", patience=2)
    return {
        "relu, SGD": BitsCase(wide, optimizers.SGD(0.1)),
        "relu, SGD, float64": BitsCase(wide, optimizers.SGD(0.1), double, double),
        "leaky relu, momentum, step": BitsCase(
            _mlp("leaky_relu"), optimizers.Momentum(0.05, schedule=schedules.Step(every=7))
        ),
        "elu, Nesterov, exponential": BitsCase(
            _mlp("elu"), optimizers.Nesterov(0.05, schedule=schedules.Exponential(decay=0.9))
        ),
        "sigmoid, AdaGrad, cosine": BitsCase(
            _mlp("sigmoid"), optimizers.AdaGrad(0.05, schedule=schedules.Cosine(floor=0.1))
        ),
        "tanh, RMSprop, one cycle": BitsCase(
            _mlp("tanh"), optimizers.RMSprop(0.01, schedule=schedules.OneCycle())
        ),
        "softplus, Adam, warm-up": BitsCase(
            _mlp("softplus"), optimizers.Adam(0.01, schedule=warm_up)
        ),
        "gelu, AdamW": BitsCase(_mlp("gelu"), optimizers.AdamW(0.01)),
        "gelu, AdamW, float64": BitsCase(_mlp("gelu"), optimizers.AdamW(0.01), double, double),
        "tanh, NAdam, mean squared error": BitsCase(
            _mlp("tanh", loss="mean_squared_error"), optimizers.NAdam(0.01), real
        ),
        "identity, AMSGrad, Huber": BitsCase(
            _mlp("identity", loss=losses.Huber(delta=0.3)), optimizers.AMSGrad(0.01), real
        ),
        "elu, Lion, sigmoid cross-entropy": BitsCase(
            _mlp("elu", loss="sigmoid_cross_entropy"), optimizers.Lion(0.001), several
        ),
        "batch norm, dropout": BitsCase(normed, optimizers.Adam(0.01)),
        "batch norm, dropout, the book's": BitsCase(
            book, optimizers.Adam.book(lr=0.01), single, {"batches": "book"}
        ),
        "layer norm, weight decay, L1, clipped": BitsCase(
            _mlp("tanh", norm="layer", weight_decay=0.01, l1=0.001),
            optimizers.SGD(0.1, clip_norm=0.5, clip_value=0.05),
        ),
        "label smoothing, rows with weights": BitsCase(
            _mlp("relu", loss=smoothed), optimizers.Momentum(0.05), {"weighted": True}
        ),
        "mostly zero inputs": BitsCase(wide, optimizers.Adam(0.01), zeros),
        "sparse inputs": BitsCase(wide, optimizers.Adam(0.01), {**zeros, "is_sparse": True}),
        "orthogonal start": BitsCase(_mlp("tanh", init="orthogonal"), optimizers.SGD(0.1)),
        "early stopping": BitsCase(
            wide, optimizers.Adam(0.05), single, {"epochs": 12, "early_stopping": stopping}
        ),
        "rates that diverge": BitsCase(
            _mlp("identity", loss="mean_squared_error"), optimizers.SGD(30.0), real
        ),
    }


def check_bits() -> Iterator[TrainedBits]:
    """Trains each case with the native engine; SettingError where that is not installed."""
    table = json.loads(TABLE.read_text(encoding="ascii"))
    for name, case in cases().items():
        yield TrainedBits(name, trained(case), table.get(name))


def trained(case: BitsCase) -> str:
    """SHA-256 of what the members of a case have learnt, and of their series."""
    population = Population.grid(case.network, case.optimizer, seed=range(SEEDS))
    settings = {"epochs": 4, "batch_size": 16, "engine": ENGINE, **case.settings}
    with warnings.catch_warnings():
        # A last batch of one row is there on purpose.
        warnings.simplefilter("ignore", UserWarning)
        history = population.fit(dataset(**case.data), **settings)
    digest = hashlib.sha256()
    for state in population.states:
        digest.update(_bytes(state.params) + _bytes(state.buffers))
    for name, series in sorted(history.series.items()):
        digest.update(name.encode() + _bytes(series.values))
    return digest.hexdigest()


def dataset(
    dtype: str = "float32",
    inputs: int = INPUTS,
    targets: str = "classes",
    density: float = 1.0,
    is_sparse: bool = False,
    weighted: bool = False,
) -> Dataset:
    """Rows that are drawn anew each time, without any product."""
    splits: list[Any] = []
    for index, rows in enumerate((ROWS, HELD, HELD)):
        rng = stream(index, "experiment")
        x = rng.random((rows, inputs)) - 0.25
        x[rng.random((rows, inputs)) >= density] = 0.0
        t: Array = rng.random((rows, OUTPUTS))
        if targets == "classes":
            t = rng.permutation(np.arange(rows) % OUTPUTS)
        elif targets == "several":
            t = (t < 0.3).astype(np.int64)
        weight = [rng.random(rows) + 0.5] if weighted else []
        splits.append([sparse.csr_array(x) if is_sparse else x, t, *weight])
    task = {"classes": "classification", "several": "multilabel"}.get(targets, "regression")
    (x, t, *weight), validation, test = splits
    return from_arrays(
        x,
        t,
        weight=weight[0] if weighted else None,
        validation=tuple(validation),
        test=tuple(test),
        task=task,
        dtype=dtype,
    )


def _mlp(activation: str, **fields: Any) -> MLP:
    chosen: dict[str, Any] = {"hidden": (37,), "init": "glorot_uniform", **fields}
    return MLP(activation=activation, **chosen)


def _bytes(values: Array) -> bytes:
    """Little-endian; NaN has many bits, and which ones says nothing."""
    own = np.where(np.isnan(values), np.nan, values).astype(values.dtype)
    return own.astype(own.dtype.newbyteorder("<")).tobytes()
