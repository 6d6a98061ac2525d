"""Layers, simplest first: Dense, Activate, Dropout, LayerNorm, BatchNorm.

Axes: K members of a population (or no such axis), B samples of a batch, `in` and
`out` features.  Every formula is written for arrays (..., B, features): with
parameters (in, out) it is the text-book layer, with parameters (K, in, out) the
same lines are K networks.  Two rules keep that true: a parameter keeps an
explicit row axis (b is (..., 1, out)), and a reduction names axis -1 or -2.

A layer holds settings only.  `declare` says what it needs, `forward` and
`backward` are given arrays and return arrays.  Every backward pass is the formula
in its docstring, and is checked numerically in tests/network/test_gradients.py.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from trainlab.network.activations import Activation, ReLU
from trainlab.network.initializers import He, Initializer
from trainlab.network.products import matmul
from trainlab.network.sums import sum_columns, sum_rows
from trainlab.network.workspace import Allocator, Array
from trainlab.settings import Settings, cast, flag, instance, integer, number

Views = Mapping[str, Array]
Sum = Callable[[Array, Allocator, Array], Array]


@dataclasses.dataclass(frozen=True)
class Parameter:
    """What a layer needs room for: a shape, how it starts, and whether weight decay applies."""

    shape: tuple[int, int]
    start: Initializer | float
    decays: bool = False


@dataclasses.dataclass(frozen=True)
class Declaration:
    """A layer's parameters (trained), buffers (running statistics, not trained) and width."""

    parameters: dict[str, Parameter]
    buffers: dict[str, Parameter]
    out_features: int


@dataclasses.dataclass(frozen=True)
class Mode:
    """How a forward pass is to behave.

    `draw(rows, width)` gives float32 uniforms in [0, 1), shape (..., rows, width);
    it is needed by layers that are random in training, and by no other.
    """

    training: bool
    draw: Callable[[int, int], Array] | None = None


EVALUATION = Mode(training=False)


@dataclasses.dataclass(frozen=True)
class Layer(Settings, ABC):
    """A differentiable step from (..., B, in) to (..., B, out)."""

    random: ClassVar[bool] = False
    columns_apart: ClassVar[bool] = False
    """Column j of y hangs on no column of a parameter but the j-th.  Gradient checks are fast
    where a layer says so, and right where it does not."""
    rows_apart: ClassVar[bool] = False
    """Row b of y hangs on no row of x but the b-th.  As above."""

    @abstractmethod
    def declare(self, in_features: int) -> Declaration:
        """What the layer needs for inputs of `in_features` features."""

    @abstractmethod
    def forward(self, p: Views, x: Array, mode: Mode, new: Allocator) -> tuple[Array, Any, Views]:
        """y, the cache for `backward`, and the new values of the buffers ({} if it has none)."""

    @abstractmethod
    def backward(
        self,
        p: Views,
        cache: Any,
        dy: Array,
        grads: Views,
        new: Allocator,
        input_gradient: bool = True,
    ) -> Array | None:
        """Fills `grads` with d loss/d parameter; returns dx, or None if it is not wanted."""

    def kink_sides(self, x: Array) -> Array | None:
        """For each input, which side of each kink it lies on; None for a smooth layer."""
        return None


@dataclasses.dataclass(frozen=True)
class Dense(Layer):
    """Affine map.

    y = x W + b;  dx = dy Wᵀ,  dW = xᵀ dy,  db = Σ_B dy

    x (..., B, in), W (..., in, out), b (..., 1, out), y (..., B, out).
    W starts from `init`, b from 0; weight decay applies to W alone.
    x may lack trailing features, which then are zero: they add nothing to x W, and
    their rows of dW are zero.

    Differs: PyTorch keeps W as (out, in), and draws W and b uniformly.
    """

    columns_apart: ClassVar[bool] = True
    rows_apart: ClassVar[bool] = True
    out_features: int = integer(low=1)
    init: Initializer = instance(Initializer, He, start_only=True)

    def declare(self, in_features: int) -> Declaration:
        parameters = {
            "W": Parameter((in_features, self.out_features), self.init, decays=True),
            "b": Parameter((1, self.out_features), 0.0),
        }
        return Declaration(parameters, {}, self.out_features)

    def forward(self, p: Views, x: Array, mode: Mode, new: Allocator) -> tuple[Array, Any, Views]:
        W, b = p["W"][..., : x.shape[-1], :], p["b"]
        members = np.broadcast_shapes(x.shape[:-2], W.shape[:-2], b.shape[:-2])
        shape = (*members, x.shape[-2], W.shape[-1])
        y = new("y", shape, np.result_type(x, W, b))
        matmul(x, W, out=y)
        np.add(y, b, out=y)
        return y, x, {}

    def backward(
        self,
        p: Views,
        cache: Any,
        dy: Array,
        grads: Views,
        new: Allocator,
        input_gradient: bool = True,
    ) -> Array | None:
        x, W, dW = cache, p["W"], grads["W"]
        matmul(x.mT, dy, out=dW[..., : x.shape[-1], :])
        dW[..., x.shape[-1] :, :] = 0
        sum_rows(dy, new, out=grads["b"])
        if not input_gradient:
            return None
        dx = new("dx", (*dy.shape[:-1], W.shape[-2]), dy.dtype)
        return matmul(dy, W.mT, out=dx)


@dataclasses.dataclass(frozen=True)
class Activate(Layer):
    """An activation function, entry by entry: y = f(x), dx = dy · f′(x)."""

    activation: Activation = instance(Activation, ReLU)

    def declare(self, in_features: int) -> Declaration:
        return Declaration({}, {}, in_features)

    def forward(self, p: Views, x: Array, mode: Mode, new: Allocator) -> tuple[Array, Any, Views]:
        y = self.activation.value(x, new("y", x.shape, x.dtype), new)
        return y, (x, y), {}

    def backward(
        self,
        p: Views,
        cache: Any,
        dy: Array,
        grads: Views,
        new: Allocator,
        input_gradient: bool = True,
    ) -> Array | None:
        x, y = cache
        return self.activation.pullback(x, y, dy, new("dx", dy.shape, dy.dtype), new)

    def kink_sides(self, x: Array) -> Array | None:
        if not self.activation.kinks:
            return None
        return np.stack([x.real > kink for kink in self.activation.kinks], axis=-1)


@dataclasses.dataclass(frozen=True)
class Dropout(Layer):
    """Sets each input to zero with probability `ratio` while training.

    inverted:      training y = x · mask / (1 − ratio),  evaluation y = x
    not inverted:  training y = x · mask,                evaluation y = x · (1 − ratio)

    mask is 1 where a uniform draw is >= ratio.  `ratio` in [0, 1).
    Source: Srivastava et al. 2014; inverted is what PyTorch, Keras and optax
    users know, the other is the paper's and the book's.

    Raises: RuntimeError when trained without draws.
    """

    random: ClassVar[bool] = True
    ratio: float = number(0.5, low=0.0, high=1.0, closed="[)")
    inverted: bool = flag(True)

    def declare(self, in_features: int) -> Declaration:
        return Declaration({}, {}, in_features)

    def forward(self, p: Views, x: Array, mode: Mode, new: Allocator) -> tuple[Array, Any, Views]:
        keep = 1.0 - self.ratio
        if not mode.training:
            if self.inverted:
                return x, None, {}
            return np.multiply(x, cast(keep, x.dtype), out=new("y", x.shape, x.dtype)), None, {}
        if mode.draw is None:
            raise RuntimeError("Dropout needs random draws to train; give Mode(True, draw=...)")
        u = mode.draw(x.shape[-2], x.shape[-1])
        ratio = cast(self.ratio, u.dtype)
        members = np.broadcast_shapes(x.shape, u.shape, np.shape(ratio))
        mask = np.greater_equal(u, ratio, out=new("mask", members, x.real.dtype))
        if self.inverted:
            np.divide(mask, cast(keep, mask.dtype), out=mask)
        return np.multiply(x, mask, out=new("y", members, x.dtype)), mask, {}

    def backward(
        self,
        p: Views,
        cache: Any,
        dy: Array,
        grads: Views,
        new: Allocator,
        input_gradient: bool = True,
    ) -> Array | None:
        mask: Array = cache
        return np.multiply(dy, mask, out=new("dx", dy.shape, dy.dtype))


@dataclasses.dataclass(frozen=True)
class LayerNorm(Layer):
    """Normalises each sample over its features.

    x̂ = (x − mean) / sqrt(var + ε),  y = γ x̂ + β,  over axis −1, var with 1/features
    dx = (g − mean(g) − x̂ · mean(g x̂)) / sqrt(var + ε)  with g = γ dy

    γ, β (..., 1, features) start at 1 and 0 and do not decay.
    Source: Ba, Kiros, Hinton 2016.  ε as in PyTorch (Keras: 1e-3).
    """

    eps: float = number(1e-5, low=0.0)

    def declare(self, in_features: int) -> Declaration:
        return Declaration(_scale_and_shift(in_features), {}, in_features)

    def forward(self, p: Views, x: Array, mode: Mode, new: Allocator) -> tuple[Array, Any, Views]:
        x_hat, inv, _, _ = _normalise(x, sum_columns, self.eps, new)
        return _rescale(p, x_hat, new), (x_hat, inv), {}

    def backward(
        self,
        p: Views,
        cache: Any,
        dy: Array,
        grads: Views,
        new: Allocator,
        input_gradient: bool = True,
    ) -> Array | None:
        x_hat, inv = cache
        g, product = new("g", dy.shape, dy.dtype), new("product", dy.shape, dy.dtype)
        _scale_and_shift_gradients(dy, x_hat, grads, product, new)
        np.multiply(dy, p["gamma"], out=g)
        np.multiply(g, x_hat, out=product)
        projection = _mean(product, sum_columns, "projection", new)
        np.multiply(x_hat, projection, out=product)
        np.subtract(g, _mean(g, sum_columns, "mean of g", new), out=g)
        np.subtract(g, product, out=g)
        np.multiply(g, inv, out=g)
        return g


@dataclasses.dataclass(frozen=True)
class BatchNorm(Layer):
    """Normalises each feature over the batch; running statistics take over in evaluation.

    x̂ = (x − mean) / sqrt(var + ε),  y = γ x̂ + β,  over axis −2, var with 1/B, in two passes
    dx = γ (dy − dβ/B − x̂ · dγ/B) / sqrt(var + ε)  with dβ = Σ_B dy, dγ = Σ_B dy x̂
    running = ema_decay · running + (1 − ema_decay) · batch

    γ, β, running_mean, running_var: (..., 1, features).  γ = 1, β = 0; they do not decay.
    Source: Ioffe, Szegedy 2015.  PyTorch's `momentum` is 1 − ema_decay; Keras' and the
    book's are ema_decay.  As in PyTorch the running variance is the unbiased one (1/(B−1),
    biased for B = 1) and starts at 1; the book's is biased and starts at 0.
    """

    ema_decay: float = number(0.9, low=0.0, high=1.0, closed="[]")
    eps: float = number(1e-5, low=0.0)
    unbiased_running_var: bool = flag(True)
    start_var: float = number(1.0, low=0.0, closed="[)", per_member=False)

    def declare(self, in_features: int) -> Declaration:
        shape = (1, in_features)
        buffers = {
            "running_mean": Parameter(shape, 0.0),
            "running_var": Parameter(shape, self.start_var),
        }
        return Declaration(_scale_and_shift(in_features), buffers, in_features)

    def forward(self, p: Views, x: Array, mode: Mode, new: Allocator) -> tuple[Array, Any, Views]:
        if mode.training:
            x_hat, inv, mean, var = _normalise(x, sum_rows, self.eps, new)
            return _rescale(p, x_hat, new), (x_hat, inv, True), self._running(p, x, mean, var, new)
        inv = new("inv", p["running_var"].shape, p["running_var"].dtype)
        np.add(p["running_var"], cast(self.eps, inv.dtype), out=inv)
        np.divide(1.0, np.sqrt(inv, out=inv), out=inv)
        members = np.broadcast_shapes(x.shape, inv.shape)
        x_hat = new("x_hat", members, np.result_type(x, inv))
        np.subtract(x, p["running_mean"], out=x_hat)
        np.multiply(x_hat, inv, out=x_hat)
        return _rescale(p, x_hat, new), (x_hat, inv, False), {}

    def _running(self, p: Views, x: Array, mean: Array, var: Array, new: Allocator) -> Views:
        rows = x.shape[-2]
        correction = rows / (rows - 1) if self.unbiased_running_var and rows > 1 else 1.0
        updated = {}
        for name, batch, factor in (("running_mean", mean, 1.0), ("running_var", var, correction)):
            fresh = new(name, batch.shape, batch.dtype)
            np.multiply(batch, cast((1.0 - self.ema_decay) * factor, batch.dtype), out=fresh)
            old = new("old", batch.shape, batch.dtype)
            np.multiply(p[name], cast(self.ema_decay, batch.dtype), out=old)
            updated[name] = np.add(fresh, old, out=fresh)
        return updated

    def backward(
        self,
        p: Views,
        cache: Any,
        dy: Array,
        grads: Views,
        new: Allocator,
        input_gradient: bool = True,
    ) -> Array | None:
        x_hat, inv, training = cache
        dx = new("dx", dy.shape, dy.dtype)
        _scale_and_shift_gradients(dy, x_hat, grads, dx, new)
        scale = np.multiply(p["gamma"], inv, out=new("scale", inv.shape, inv.dtype))
        if not training:  # the running statistics do not depend on x
            np.multiply(dy, scale, out=dx)
            return dx
        share = new("share", inv.shape, inv.dtype)
        np.multiply(x_hat, np.divide(grads["gamma"], dy.shape[-2], out=share), out=dx)
        np.subtract(dy, dx, out=dx)
        np.subtract(dx, np.divide(grads["beta"], dy.shape[-2], out=share), out=dx)
        np.multiply(dx, scale, out=dx)
        return dx


def _scale_and_shift(features: int) -> dict[str, Parameter]:
    return {"gamma": Parameter((1, features), 1.0), "beta": Parameter((1, features), 0.0)}


def _normalise(x: Array, total: Sum, eps: Any, new: Allocator) -> tuple[Array, Array, Array, Array]:
    """x̂, 1/sqrt(var + ε), mean and variance of x over the axis that `total` sums."""
    x_hat, square = new("x_hat", x.shape, x.dtype), new("square", x.shape, x.dtype)
    mean = _mean(x, total, "mean", new)
    np.subtract(x, mean, out=x_hat)
    np.multiply(x_hat, x_hat, out=square)
    var = _mean(square, total, "var", new)
    inv = np.add(var, cast(eps, x.dtype), out=new("inv", var.shape, x.dtype))
    np.divide(1.0, np.sqrt(inv, out=inv), out=inv)
    np.multiply(x_hat, inv, out=x_hat)
    return x_hat, inv, mean, var


def _mean(x: Array, total: Sum, name: str, new: Allocator) -> Array:
    """The mean over the axis that `total` sums, which keeps its place."""
    rows, features = (1, x.shape[-1]) if total is sum_rows else (x.shape[-2], 1)
    mean = total(x, new, new(name, (*x.shape[:-2], rows, features), x.dtype))
    return np.divide(mean, x.size // mean.size, out=mean)


def _rescale(p: Views, x_hat: Array, new: Allocator) -> Array:
    """γ x̂ + β."""
    gamma, beta = p["gamma"], p["beta"]
    shape = np.broadcast_shapes(x_hat.shape, gamma.shape, beta.shape)
    y = new("y", shape, np.result_type(x_hat, gamma, beta))
    return np.add(np.multiply(x_hat, gamma, out=y), beta, out=y)


def _scale_and_shift_gradients(
    dy: Array, x_hat: Array, grads: Views, product: Array, new: Allocator
) -> None:
    """dγ = Σ_B dy · x̂ and dβ = Σ_B dy."""
    np.multiply(dy, x_hat, out=product)
    sum_rows(product, new, out=grads["gamma"])
    sum_rows(dy, new, out=grads["beta"])
