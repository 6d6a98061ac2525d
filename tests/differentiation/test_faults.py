"""The tester tested: a gradient check must fail for every wrong gradient, and for no right one.

A fault is a function that breaks one formula (by a monkeypatch), the network it is put
in, and, where it only shows in a population, the number of members.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cases import ACTIVATIONS, targets
from differing import WAYS
from trainlab.differentiation import GradientReport, check, gradient_check
from trainlab.network import activations, losses
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.base import Layer
from trainlab.network.dense import Dense
from trainlab.network.dropout import Dropout
from trainlab.network.norms import BatchNorm, LayerNorm

BATCH, INPUTS, OUTPUTS = 5, 4, 3
SLIGHT = 1.0005  # a derivative wrong by 0.05 %

Patch = pytest.MonkeyPatch
SMOOTH = MLP(hidden=(7, 6), activation="tanh")
SQUARE = MLP(hidden=(4, 4), activation="tanh")  # where a forgotten transpose fits the shapes


@dataclasses.dataclass(frozen=True)
class Fault:
    inject: Callable[[Patch], None]
    network: MLP
    members: int | None
    rows: int
    outputs: int

    def check(self) -> GradientReport:
        rng = np.random.default_rng(1)
        x = rng.standard_normal((self.rows, INPUTS))
        t = targets(self.network.loss.task, rng, (self.rows,), self.outputs)
        # Residuals on both sides of Huber's delta, for the fault that forgets to clip them.
        t = 3 * t if self.network.loss.task == "regression" else t
        return gradient_check(self.network, x, t, members=self.members, out_features=self.outputs)


FAULTS: dict[str, Fault] = {}


def fault(
    name: str,
    network: MLP = SMOOTH,
    members: int | None = None,
    rows: int = BATCH,
    outputs: int = OUTPUTS,
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    def register(inject: Callable[[Patch], None]) -> Callable[[Patch], None]:
        assert name not in FAULTS
        FAULTS[name] = Fault(inject, network, members, rows, outputs)
        return inject

    return register


# ---------------------------------------------------------------- dense


def after_backward(
    patch: Patch, kind: type[Layer], change: Callable[..., Any], **more: Any
) -> None:
    """Lets `change(cache, dy, grads, dx, p)` alter what a right backward pass computed."""

    def altered(right: Callable[..., Any], apart: bool) -> Callable[..., Any]:
        def wrong(self: Any, p: Any, cache: Any, dy: Any, grads: Any, new: Any) -> Any:
            dx = right(self, p, cache, dy, grads, new)
            own = {name: values.copy() for name, values in grads.items()} if apart else grads
            found = change(cache, dy, own, dx, p)
            return dx if found is None else found

        return wrong

    # The gradients of Dense's parameters have a method of their own, which its `backward` calls.
    apart = "parameter_gradients" in vars(kind)
    if apart:
        patch.setattr(kind, "parameter_gradients", altered(kind.parameter_gradients, False))
    patch.setattr(kind, "backward", altered(kind.backward, apart))


def scaled(name: str, factor: float) -> Callable[[Patch], None]:
    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> Any:
        if name != "dx":
            grads[name][...] *= factor
        return None if dx is None or name != "dx" else dx * factor

    return lambda patch: after_backward(patch, Dense, change)


for _name in ("W", "b", "dx"):
    fault(f"dense: sign of {_name}")(scaled(_name, -1.0))
    fault(f"dense: {_name} wrong by 0.05 %")(scaled(_name, SLIGHT))
    fault(f"dense: {_name} is 0")(scaled(_name, 0.0))
fault("dense: dW not divided by the batch")(scaled("W", BATCH))
fault("dense: db is a mean instead of a sum")(scaled("b", 1 / BATCH))


@fault("dense: dW transposed", SQUARE)
def _(patch: Patch) -> None:
    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> None:
        if grads["W"].shape[-1] == grads["W"].shape[-2]:
            grads["W"][...] = grads["W"].mT.copy()

    after_backward(patch, Dense, change)


@fault("dense: dx with W instead of its transpose", SQUARE)
def _(patch: Patch) -> None:
    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> Any:
        return dy @ p["W"] if p["W"].shape[-1] == p["W"].shape[-2] else None

    after_backward(patch, Dense, change)


@fault("dense: db summed over the wrong axis", rows=6)
def _(patch: Patch) -> None:
    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> None:
        if dy.shape[-1] == dy.shape[-2]:  # B = 6 = the second hidden layer
            grads["b"][...] = dy.sum(axis=-1)[..., np.newaxis, :]

    after_backward(patch, Dense, change)


@fault("dense: db summed over the population, K == B", members=BATCH)
def _(patch: Patch) -> None:
    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> None:
        grads["b"][...] = dy.sum(axis=0)[:, np.newaxis, :]

    after_backward(patch, Dense, change)


@fault("dense: dW summed over the population", members=3)
def _(patch: Patch) -> None:
    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> None:
        grads["W"][...] = grads["W"].sum(axis=0)

    after_backward(patch, Dense, change)


@fault("dense: a member's bias reaches its neighbours", members=3)
def _(patch: Patch) -> None:
    right = Dense.forward

    def wrong(self: Any, p: Any, x: Any, mode: Any, new: Any) -> Any:
        mean = np.broadcast_to(p["b"].mean(axis=-3, keepdims=True), p["b"].shape)
        return right(self, {**p, "b": mean}, x, mode, new)

    patch.setattr(Dense, "forward", wrong)


@fault("dense: dx summed over the population", members=3)
def _(patch: Patch) -> None:
    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> Any:
        return None if dx is None else dx + dx.mean(axis=0)

    after_backward(patch, Dense, change)


@fault("dense: db never written")
def _(patch: Patch) -> None:
    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> None:
        grads["b"][...] = np.nan

    after_backward(patch, Dense, change)


# ---------------------------------------------------------------- norms


BATCH_NORM = MLP(hidden=(7, 6), activation="tanh", norm="batch")
LAYER_NORM = MLP(hidden=(7, 6), activation="tanh", norm="layer")


def wrong_norm(
    kind: type[Layer], axis: int, formula: Callable[..., Any]
) -> Callable[[Patch], None]:
    """Puts `formula(g, x_hat, inv, mean, projection)` in place of a norm's dx; g = γ dy."""

    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> Any:
        g, x_hat, inv = dy * p["gamma"], *cache[:2]
        mean = g.mean(axis=axis, keepdims=True)
        projection = (g * x_hat).mean(axis=axis, keepdims=True)
        return formula(g, x_hat, inv, mean, projection)

    return lambda patch: after_backward(patch, kind, change)


WRONG_NORMS: dict[str, Callable[..., Any]] = {
    "mean term missing": lambda g, x_hat, inv, mean, projection: (g - x_hat * projection) * inv,
    "variance term missing": lambda g, x_hat, inv, mean, projection: (g - mean) * inv,
    "statistics taken for constants": lambda g, x_hat, inv, mean, projection: g * inv,
    "not divided by the deviation": (
        lambda g, x_hat, inv, mean, projection: g - mean - x_hat * projection
    ),
    "all-zero backward": lambda g, x_hat, inv, mean, projection: 0 * g,
}
for _norm, _network, _kind, _axis in (
    ("batch_norm", BATCH_NORM, BatchNorm, -2),
    ("layer_norm", LAYER_NORM, LayerNorm, -1),
):
    for _name, _formula in WRONG_NORMS.items():
        fault(f"{_norm}: {_name}", _network)(wrong_norm(_kind, _axis, _formula))

    def _gamma_forgotten(patch: Patch, kind: type[Layer] = _kind) -> None:
        after_backward(patch, kind, lambda cache, dy, grads, dx, p: dx / p["gamma"].mean())

    fault(f"{_norm}: scale of dx wrong", _network)(_gamma_forgotten)


@fault("batch_norm: dgamma without x_hat", BATCH_NORM)
def _(patch: Patch) -> None:
    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> None:
        grads["gamma"][...] = dy.sum(axis=-2, keepdims=True)

    after_backward(patch, BatchNorm, change)


@fault("batch_norm: dbeta is a mean instead of a sum", BATCH_NORM)
def _(patch: Patch) -> None:
    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> None:
        grads["beta"][...] /= BATCH

    after_backward(patch, BatchNorm, change)


# ---------------------------------------------------------------- dropout, activations


DROPOUT = MLP(hidden=(7, 6), activation="tanh", dropout=0.4)


@fault("dropout: scale forgotten", DROPOUT)
def _(patch: Patch) -> None:
    after_backward(patch, Dropout, lambda cache, dy, grads, dx, p: dx * 0.6)


@fault("dropout: mask forgotten", DROPOUT)
def _(patch: Patch) -> None:
    after_backward(patch, Dropout, lambda cache, dy, grads, dx, p: dy)


@fault(
    "dropout not inverted: scaled as if it were", dataclasses.replace(DROPOUT, convention="book")
)
def _(patch: Patch) -> None:
    after_backward(patch, Dropout, lambda cache, dy, grads, dx, p: dx / 0.6)


def slightly_wrong(kind: type[activations.Activation]) -> Callable[[Patch], None]:
    right = kind.pullback

    def wrong(self: Any, x: Any, y: Any, dy: Any, out: Any, new: Any) -> Any:
        return right(self, x, y, dy * SLIGHT, out)

    return lambda patch: patch.setattr(kind, "pullback", wrong)


for _name, _activation in ACTIVATIONS.items():
    fault(f"{_name}: wrong by 0.05 %", MLP((7, 6), activation=_activation))(
        slightly_wrong(type(_activation))
    )


def derivative(kind: type[activations.Activation], formula: Callable[..., Any]) -> Any:
    """Puts `formula(x, y)` in place of the derivative."""

    def wrong(self: Any, x: Any, y: Any, dy: Any, out: Any, new: Any) -> Any:
        return np.multiply(dy, formula(x, y), out=out)

    return lambda patch: patch.setattr(kind, "pullback", wrong)


DERIVATIVES: dict[str, Callable[..., Any]] = {
    "identity": lambda x, y: y,
    "relu": lambda x, y: np.ones_like(x),
    "leaky_relu": lambda x, y: x > 0,
    "elu alpha=1.7": lambda x, y: np.where(x > 0, 1.0, np.exp(x)),
    "sigmoid": lambda x, y: y,
    "tanh": lambda x, y: 1 - y,
    "softplus": lambda x, y: 1 / (1 + np.exp(-y)),
    "gelu": lambda x, y: np.divide(y, x),
}
for _name, _formula in DERIVATIVES.items():
    fault(f"{_name}: wrong derivative", MLP((7, 6), activation=ACTIVATIONS[_name]))(
        derivative(type(ACTIVATIONS[_name]), _formula)
    )


# ---------------------------------------------------------------- losses


def wrong_loss(kind: type[losses.Loss], change: Callable[..., Any]) -> Callable[[Patch], None]:
    """Lets `change(loss, cache, dy)` alter what a right derivative is."""
    right = kind.derivative

    def wrong(self: Any, cache: Any, new: Any) -> Any:
        return change(self, cache, right(self, cache, new))

    return lambda patch: patch.setattr(kind, "derivative", wrong)


SMOOTHED = dataclasses.replace(SMOOTH, loss=losses.SoftmaxCrossEntropy(label_smoothing=0.2))
SIGMOID = dataclasses.replace(SMOOTH, loss="sigmoid_cross_entropy")
SQUARED = dataclasses.replace(SMOOTH, loss="mean_squared_error")
HUBER = dataclasses.replace(SMOOTH, loss="huber")
CHANGES: dict[str, tuple[type[losses.Loss], MLP, Callable[..., Any]]] = {
    "softmax: one-hot not subtracted": (
        losses.SoftmaxCrossEntropy,
        SMOOTH,
        lambda loss, cache, dy: cache[0].copy(),
    ),
    "softmax: 1/B missing": (
        losses.SoftmaxCrossEntropy,
        SMOOTH,
        lambda loss, cache, dy: dy * BATCH,
    ),
    "softmax: all-zero backward": (
        losses.SoftmaxCrossEntropy,
        SMOOTH,
        lambda loss, cache, dy: dy * 0,
    ),
    "sigmoid cross-entropy: p (1 - p) too much": (
        losses.SigmoidCrossEntropy,
        SIGMOID,
        lambda loss, cache, dy: dy * cache[0] * (1 - cache[0]),
    ),
    "mean squared error: the half forgotten": (
        losses.MeanSquaredError,
        SQUARED,
        lambda loss, cache, dy: 2 * dy,
    ),
    "mean squared error: averaged over the outputs": (
        losses.MeanSquaredError,
        SQUARED,
        lambda loss, cache, dy: dy / OUTPUTS,
    ),
}
for _name, (_kind, _network, _change) in CHANGES.items():
    fault(_name, _network)(wrong_loss(_kind, _change))


@fault("softmax: label smoothing ignored", SMOOTHED)
def _(patch: Patch) -> None:
    right = losses.SoftmaxCrossEntropy.derivative

    def wrong(self: Any, cache: Any, new: Any) -> Any:
        return right(losses.SoftmaxCrossEntropy(label_smoothing=0.0), cache, new)

    patch.setattr(losses.SoftmaxCrossEntropy, "derivative", wrong)


@fault("softmax: dy summed over the population", members=3)
def _(patch: Patch) -> None:
    change = wrong_loss(
        losses.SoftmaxCrossEntropy,
        lambda loss, cache, dy: np.broadcast_to(dy.sum(axis=0), dy.shape).copy(),
    )
    change(patch)


@fault("huber: clip forgotten", HUBER)
def _(patch: Patch) -> None:
    right = losses.Huber.entries

    def wrong(self: Any, y: Any, t: Any, new: Any) -> Any:
        return right(self, y, t, new)[0], np.subtract(y, t)

    patch.setattr(losses.Huber, "entries", wrong)


# ---------------------------------------------------------------- penalties, the whole


DECAYED = dataclasses.replace(SMOOTH, weight_decay=0.1)
L1 = dataclasses.replace(SMOOTH, l1=0.1)


def wrong_penalty(
    short_names: tuple[str, ...], term: Callable[..., Any]
) -> Callable[[Patch], None]:
    """Puts `term(network, values)` in place of the penalties' gradient."""

    def wrong(self: Any, bound: Any, grads: Any, new: Any) -> None:
        for entry in self.layout.entries:
            if entry.short_name in short_names:
                value = bound[entry.layer][entry.short_name]
                grads[entry.layer][entry.short_name][...] += term(self, value)

    return lambda patch: patch.setattr(Architecture, "add_penalty_gradient", wrong)


fault("weight decay: forgotten", DECAYED)(wrong_penalty((), operator.mul))
fault("weight decay: on biases too", DECAYED)(
    wrong_penalty(("W", "b"), lambda network, value: network.weight_decay * value)
)
fault("weight decay: a factor of 2", DECAYED)(
    wrong_penalty(("W",), lambda network, value: 2 * network.weight_decay * value)
)
fault("weight decay: wrong by 0.05 %", DECAYED)(
    wrong_penalty(("W",), lambda network, value: SLIGHT * network.weight_decay * value)
)
fault("l1: forgotten", L1)(wrong_penalty((), operator.mul))
fault("l1: sign", L1)(wrong_penalty(("W",), lambda network, value: -network.l1 * np.sign(value)))
fault("l1: taken for l2", L1)(wrong_penalty(("W",), lambda network, value: network.l1 * value))


@fault("all-zero backward of the whole network")
def _(patch: Patch) -> None:
    def wrong(self: Any, bound: Any, caches: Any, dy: Any, grads: Any, new: Any = None) -> None:
        for views in grads:
            for gradient in views.values():
                gradient[...] = 0

    patch.setattr(Architecture, "backward", wrong)


@fault("the gradient of the members in the wrong order", members=3)
def _(patch: Patch) -> None:
    def change(cache: Any, dy: Any, grads: Any, dx: Any, p: Any) -> None:
        grads["W"][...] = grads["W"][::-1].copy()

    after_backward(patch, Dense, change)


# ---------------------------------------------------------------- the tests


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught(name: str, way: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr(check, "numeric", WAYS[way])
    FAULTS[name].inject(monkeypatch)
    report = FAULTS[name].check()
    assert not report.ok, str(report)
    # It is the gradient that is found wrong, not that too little could be compared.
    assert not report.error <= report.tolerance


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FAULTS)
def test_without_the_fault_there_is_no_alarm(name: str, way: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr(check, "numeric", WAYS[way])
    report = FAULTS[name].check()
    assert report.ok, str(report)


def test_there_are_enough_faults() -> None:
    assert len(FAULTS) >= 30
