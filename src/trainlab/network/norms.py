"""Layers that normalise, simplest first: LayerNorm, BatchNorm."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final, Self

import numpy as np

from trainlab.network.base import Declaration, Layer, Mode, Parameter, Views
from trainlab.network.nodes import Nodes
from trainlab.network.sums import sum_columns, sum_rows
from trainlab.network.workspace import Allocator, Array
from trainlab.settings import cast, flag, number

__all__ = ["BatchNorm", "LayerNorm"]

Sum = Callable[[Array, Allocator, Array], Array]


@dataclasses.dataclass(frozen=True)
class LayerNorm(Layer):
    """Normalise each sample over its features.

    Parameters
    ----------
    eps : float, default 1e-5
        ε, added to the variance; > 0.

    Notes
    -----
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

    def backward(self, p: Views, cache: Any, dy: Array, grads: Views, new: Allocator) -> Array:
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

    def onnx(self, p: Views, graph: Nodes, x: str) -> str:
        centred = graph.add("Sub", x, graph.add("ReduceMean", x, axes=[-1], keepdims=1))
        square = graph.add("Mul", centred, centred)
        variance = graph.add("ReduceMean", square, axes=[-1], keepdims=1)
        root = graph.add("Sqrt", graph.add("Add", variance, graph.constant(self.eps)))
        return _rescaled(graph, p, graph.add("Div", centred, root))


@dataclasses.dataclass(frozen=True)
class BatchNorm(Layer):
    """Normalise each feature over the batch; evaluation uses running statistics.

    Parameters
    ----------
    ema_decay : float, default 0.9
        How much of the running statistics each step keeps, in [0, 1].
    eps : float, default 1e-5
        ε, added to the variance; > 0.
    unbiased_running_var : bool, default True
        Whether the variance of a batch is divided by B − 1 before it enters the running variance,
        or by B; with B = 1 it is divided by B.
    start_var : float, default 1.0
        Where the running variance starts, >= 0.

    Notes
    -----
    x̂ = (x − mean) / sqrt(var + ε),  y = γ x̂ + β,  over axis −2, var with 1/B, in two passes
    dx = γ (dy − dβ/B − x̂ · dγ/B) / sqrt(var + ε)  with dβ = Σ_B dy, dγ = Σ_B dy x̂
    running = ema_decay · running + (1 − ema_decay) · batch

    γ, β, running_mean, running_var: (..., 1, features).  γ = 1, β = 0; they do not decay.

    Source: Ioffe, Szegedy 2015.  Differs: PyTorch's `momentum` is 1 − ema_decay; Keras' and the
    book's are ema_decay.  As in PyTorch the running variance is the unbiased one and starts at 1;
    the book's is biased and starts at 0.
    """

    ema_decay: float = number(0.9, low=0.0, high=1.0, closed="[]")
    eps: float = number(1e-5, low=0.0)
    unbiased_running_var: bool = flag(True)
    start_var: float = number(1.0, low=0.0, closed="[)", per_member=False)

    @classmethod
    def book(cls) -> Self:
        """Make the book's variant: ε 1e-6, and a biased running variance that starts at 0.

        Returns
        -------
        BatchNorm
            The layer.
        """
        return cls(eps=1e-6, unbiased_running_var=False, start_var=0.0)

    def declare(self, in_features: int) -> Declaration:
        shape = (1, in_features)
        buffers = {
            "running_mean": Parameter(shape, 0.0),
            "running_var": Parameter(shape, self.start_var, least=0.0),
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

    def backward(self, p: Views, cache: Any, dy: Array, grads: Views, new: Allocator) -> Array:
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

    def onnx(self, p: Views, graph: Nodes, x: str) -> str:
        variance = p["running_var"]
        inverse = 1.0 / np.sqrt(variance + np.asarray(self.eps).astype(variance.dtype))
        centred = graph.add("Sub", x, graph.constant(p["running_mean"]))
        return _rescaled(graph, p, graph.add("Mul", centred, graph.constant(inverse)))


NORMS: Final[dict[str, type[Layer]]] = {"batch": BatchNorm, "layer": LayerNorm}


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


def _rescaled(graph: Nodes, p: Views, x_hat: str) -> str:
    """γ x̂ + β, in a graph."""
    scaled = graph.add("Mul", x_hat, graph.constant(p["gamma"]))
    return graph.add("Add", scaled, graph.constant(p["beta"]))
