"""Whole networks, trained for 200 steps here and in PyTorch from the same start, in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from engines import every_engine
from trainlab.engine import ENGINES
from trainlab.engine.base import LaneSpec, Samples, Widths
from trainlab.engine.state import MemberState
from trainlab.members import Member
from trainlab.network import base, dense, dropout, norms
from trainlab.network.activations import ELU, LeakyReLU
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.losses import Huber, SoftmaxCrossEntropy
from trainlab.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Momentum,
    NAdam,
    Nesterov,
    Optimizer,
    RMSprop,
)
from trainlab.streams import stream

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: it is needed for parity tests only"
)
pytestmark = pytest.mark.parity

# Float64 rounds at 2.2e-16; a step adds some 1e-15 per parameter, and what is there may
# grow while the loss still curves upwards.  1e-10 leaves 200 steps a growth of 500.
TOLERANCE = 1e-10
STEPS, EVERY = 200, 20
SAMPLES, BATCH, IN, OUT = 60, 6, 5, 3
SEED = 5
HIDDEN = (11, 8)


@dataclass(frozen=True)
class Case:
    """A network and an optimizer, the same optimizer in PyTorch, and where λ goes there."""

    network: MLP
    optimizer: Optimizer
    theirs: Callable[[Any], Any]
    decay: float = 0.0


def huber(y: Any, t: Any) -> Any:
    return torch.nn.functional.huber_loss(y, t, reduction="sum", delta=0.7) / len(y)


def cross_entropy(y: Any, t: Any) -> Any:
    return torch.nn.functional.cross_entropy(y, t)


def smoothed(y: Any, t: Any) -> Any:
    return torch.nn.functional.cross_entropy(y, t, label_smoothing=0.1)


def half_squares(y: Any, t: Any) -> Any:
    return ((y - t) ** 2).sum() / (2 * len(y))


def binary(y: Any, t: Any) -> Any:
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    return entropy(y, t, reduction="sum") / len(y)


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    # by the class of our loss; PyTorch averages over the outputs too, so it is told to sum
    "SoftmaxCrossEntropy": cross_entropy,
    "MeanSquaredError": half_squares,
    "SigmoidCrossEntropy": binary,
    "Huber": huber,
}

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "ReLU": lambda a: torch.nn.ReLU(),
    "LeakyReLU": lambda a: torch.nn.LeakyReLU(a.slope),
    "ELU": lambda a: torch.nn.ELU(a.alpha),
    "GELU": lambda a: torch.nn.GELU(),
    "Sigmoid": lambda a: torch.nn.Sigmoid(),
    "Tanh": lambda a: torch.nn.Tanh(),
    # Its default threshold of 20 replaces the function by a line that is 2e-9 off.
    "Softplus": lambda a: torch.nn.Softplus(threshold=100),
    "Identity": lambda a: torch.nn.Identity(),
}

# A bias before batch-norm has no gradient but the noise of a cancellation, about 1e-17.  Adam
# divides it by ε, and with 1e-8 two roundings drift apart by lr·200·1e-17/1e-8: a larger ε.
NOISE_EPS = 1e-3

CASES: dict[str, Case] = {
    "relu, sgd, cross-entropy": Case(MLP(HIDDEN), SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "linear, adagrad, squares": Case(
        MLP((), loss="mean_squared_error"), AdaGrad(0.1), lambda p: torch.optim.Adagrad(p, 0.1)
    ),
    "relu, batch-norm, decay, momentum, smoothed cross-entropy": Case(
        MLP(
            HIDDEN,
            norm="batch",
            weight_decay=0.01,
            loss=SoftmaxCrossEntropy(label_smoothing=0.1),
        ),
        Momentum(0.02),
        lambda p: torch.optim.SGD(p, 0.02, momentum=0.9),
        decay=0.01,
    ),
    "gelu, layer-norm, adam, smoothed cross-entropy": Case(
        MLP(
            HIDDEN,
            activation="gelu",
            init="glorot_uniform",
            norm="layer",
            loss=SoftmaxCrossEntropy(label_smoothing=0.1),
        ),
        Adam(0.01),
        lambda p: torch.optim.Adam(p, 0.01),
    ),
    "elu, batch-norm, amsgrad, squares": Case(
        MLP(HIDDEN, activation=ELU(1.3), norm="batch", loss="mean_squared_error"),
        AMSGrad(0.01, eps=NOISE_EPS),
        lambda p: torch.optim.Adam(p, 0.01, eps=NOISE_EPS, amsgrad=True),
    ),
    "tanh, decay, nesterov, binary": Case(
        MLP(
            HIDDEN,
            activation="tanh",
            init="xavier",
            weight_decay=0.02,
            loss="sigmoid_cross_entropy",
        ),
        Nesterov(0.05),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True),
        decay=0.02,
    ),
    "leaky relu, layer-norm, decay, adamw, huber": Case(
        MLP(HIDDEN, activation=LeakyReLU(0.2), norm="layer", loss=Huber(0.7)),
        AdamW(0.01, decoupled_weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.01),
        decay=0.1,
    ),
    "sigmoid, rmsprop, binary": Case(
        MLP(HIDDEN, activation="sigmoid", init="xavier", loss="sigmoid_cross_entropy"),
        RMSprop(0.01),
        lambda p: torch.optim.RMSprop(p, 0.01),
    ),
    "softplus, decay, adam, huber": Case(
        MLP(HIDDEN, activation="softplus", init="lecun", weight_decay=0.01, loss=Huber(0.7)),
        Adam(0.01),
        lambda p: torch.optim.Adam(p, 0.01),
        decay=0.01,
    ),
    "identity, batch-norm, nadam, cross-entropy": Case(
        MLP(HIDDEN, activation="identity", init=0.1, norm="batch"),
        NAdam(0.01, eps=NOISE_EPS),
        lambda p: torch.optim.NAdam(p, 0.01, eps=NOISE_EPS),
    ),
    "relu, dropout, momentum, cross-entropy": Case(
        MLP(HIDDEN, dropout=0.3), Momentum(0.02), lambda p: torch.optim.SGD(p, 0.02, momentum=0.9)
    ),
}


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    # NAdam's product of momenta has PyTorch's default type, whatever the parameters are.
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


class SharedDropout(torch.nn.Module):  # type: ignore[name-defined,misc]
    """Inverted dropout whose uniforms are handed in, so that both sides draw the same."""

    def __init__(self, ratio: float) -> None:
        super().__init__()
        self.ratio = ratio
        self.uniforms: Any = None

    def forward(self, x: Any) -> Any:
        return x * (self.uniforms >= self.ratio) / (1 - self.ratio)


def module(layer: base.Layer, width: int) -> Any:
    """PyTorch's counterpart of one layer for inputs of a width."""
    if isinstance(layer, dense.Dense):
        return torch.nn.Linear(width, layer.out_features)
    if isinstance(layer, norms.BatchNorm):
        return torch.nn.BatchNorm1d(width, layer.eps, 1 - layer.ema_decay)
    if isinstance(layer, norms.LayerNorm):
        return torch.nn.LayerNorm(width, layer.eps)
    if isinstance(layer, dropout.Dropout):
        return SharedDropout(layer.ratio)
    assert isinstance(layer, dense.Activate)
    return ACTIVATIONS[type(layer.activation).__name__](layer.activation)


def counterpart(architecture: Architecture) -> Any:
    modules, width = [], IN
    for layer in architecture.layers:
        modules.append(module(layer, width))
        width = layer.declare(width).out_features
    return torch.nn.Sequential(*modules)


NAMES = {"W": "weight", "b": "bias", "gamma": "weight", "beta": "bias"}


def pairs(network: Any, layout: Any) -> list[tuple[slice, Any, bool]]:
    """(slice of our flat vector, PyTorch's tensor, is it transposed there), in our order."""
    return [
        (
            entry.slice,
            getattr(network[entry.layer], NAMES.get(entry.short_name, entry.short_name)),
            entry.short_name == "W",
        )
        for entry in layout.entries
    ]


def flat(network: Any, layout: Any) -> np.ndarray:
    tensors = pairs(network, layout)
    parts = [(tensor.T if turned else tensor).reshape(-1) for _, tensor, turned in tensors]
    return torch.cat(parts).detach().numpy() if parts else np.empty(0)


def copy_into(network: Any, layout: Any, values: np.ndarray) -> None:
    with torch.no_grad():
        for place, tensor, turned in pairs(network, layout):
            target = tensor.T if turned else tensor
            target.copy_(torch.tensor(values[place]).reshape(target.shape))


def targets(task: str, rng: np.random.Generator) -> np.ndarray:
    if task == "classification":
        return rng.integers(0, OUT, SAMPLES)
    values = rng.standard_normal((SAMPLES, OUT))
    return values if task == "regression" else (values > 0).astype(np.float64)


def both(case: Case, engine: str) -> dict[str, float]:
    """Trains both sides; the largest deviation of parameters, statistics and losses."""
    architecture = case.network.build(IN, OUT)
    params, buffers = architecture.initialize(seed=SEED, dtype=np.float64)
    theirs = counterpart(architecture).double().train()
    copy_into(theirs, architecture.layout, params)

    entries = architecture.layout.entries
    tensors = [tensor for _, tensor, _ in pairs(theirs, architecture.layout)]
    groups = [
        {
            "params": [t for t, e in zip(tensors, entries, strict=True) if e.parameter.decays],
            "weight_decay": case.decay,
        },
        {
            "params": [t for t, e in zip(tensors, entries, strict=True) if not e.parameter.decays],
            "weight_decay": 0.0,
        },
    ]
    their_optimizer = case.theirs(groups)
    loss_of = LOSSES[type(architecture.loss).__name__]
    if getattr(architecture.loss, "label_smoothing", 0.0):
        loss_of = smoothed

    rng = np.random.default_rng(11)
    x, t = rng.standard_normal((SAMPLES, IN)), targets(architecture.loss.task, rng)
    trainer, members = ENGINES[engine](), [Member(case.network, case.optimizer, SEED)]
    data = trainer.prepare({"train": Samples(x, t)})
    states = [MemberState(params, buffers, {}, 0)]
    lane = trainer.open(LaneSpec(members, Widths(IN, OUT), np.dtype(np.float64), data, states))
    largest = {"parameters": 0.0, "statistics": 0.0, "loss": 0.0}

    def note(what: str, a: Any, b: Any) -> None:
        gap = np.abs(np.asarray(a) - np.asarray(b))
        largest[what] = max(largest[what], float(gap.max(initial=0.0)))

    for step in range(STEPS):
        rows = rng.choice(SAMPLES, BATCH, replace=False)
        for index, before in dropout_widths(architecture).items():
            draws = stream(SEED, "dropout", step, index)
            uniforms = draws.random((BATCH, before.out_features), dtype=np.float32)
            theirs[index].uniforms = torch.tensor(uniforms)

        their_optimizer.zero_grad()
        their_loss = loss_of(theirs(torch.tensor(x[rows])), torch.tensor(t[rows]))
        their_loss.backward()
        their_optimizer.step()

        span = lane.train(rows[np.newaxis, np.newaxis], step, STEPS, lambda: False)
        note("loss", span.losses[0, 0], their_loss.detach())
        if (step + 1) % EVERY == 0:
            ours = lane.state_of(0, step + 1, with_optimizer=False)
            note("parameters", ours.params, flat(theirs, architecture.layout))
            note("statistics", ours.buffers, flat(theirs, architecture.buffer_layout))
    return largest


def dropout_widths(architecture: Architecture) -> dict[int, Any]:
    """For each dropout layer the dense layer before it, which says how wide it is."""
    found: dict[int, Any] = {}
    before: Any = None
    for index, layer in enumerate(architecture.layers):
        before = layer if isinstance(layer, dense.Dense) else before
        if isinstance(layer, dropout.Dropout):
            found[index] = before
    return found


@every_engine
@pytest.mark.parametrize("name", CASES)
def test_network(name: str, engine: str) -> None:
    largest = both(CASES[name], engine)
    assert max(largest.values()) <= TOLERANCE, largest


@every_engine
@pytest.mark.parametrize("name", ["relu, batch-norm, decay, momentum, smoothed cross-entropy"])
def test_a_wrong_formula_would_be_seen(
    name: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tester is tested: a batch-norm ε off by one part in a thousand is found."""
    case = CASES[name]
    norm = norms.BatchNorm(eps=1.001e-5)
    build = torch.nn.BatchNorm1d
    monkeypatch.setattr(
        torch.nn, "BatchNorm1d", lambda width, eps, momentum: build(width, 1e-5, momentum)
    )
    network = MLP(HIDDEN, norm=norm, weight_decay=0.01, loss=case.network.loss)
    wrong = Case(network, case.optimizer, case.theirs, case.decay)
    assert both(wrong, engine)["parameters"] > 100 * TOLERANCE
