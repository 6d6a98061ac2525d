"""The two layers that every network has: Dense and Activate."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

from trainlab.network.activations import Activation, ReLU
from trainlab.network.base import Declaration, Layer, Mode, Parameter, Views
from trainlab.network.initializers import He, Initializer
from trainlab.network.nodes import Nodes
from trainlab.network.sums import sum_rows
from trainlab.network.workspace import Allocator, Array
from trainlab.settings import instance, integer

__all__ = ["Activate", "Dense"]


@dataclasses.dataclass(frozen=True)
class Dense(Layer):
    """Affine map.

    Parameters
    ----------
    out_features : int
        The width of the outputs.
    init : Initializer, default He()
        How W starts; b starts at 0.

    Notes
    -----
    y = x W + b;  dx = dy Wᵀ,  dW = xᵀ dy,  db = Σ_B dy

    x (..., B, in), W (..., in, out), b (..., 1, out), y (..., B, out).
    Weight decay applies to W alone.  x may lack trailing features, which then are zero: they add
    nothing to x W, and their rows of dW are zero.

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
        np.matmul(x, W, out=y)
        np.add(y, b, out=y)
        return y, x, {}

    def backward(self, p: Views, cache: Any, dy: Array, grads: Views, new: Allocator) -> Array:
        self.parameter_gradients(p, cache, dy, grads, new)
        W = p["W"]
        dx = new("dx", (*dy.shape[:-1], W.shape[-2]), dy.dtype)
        return np.matmul(dy, W.mT, out=dx)

    def parameter_gradients(
        self, p: Views, cache: Any, dy: Array, grads: Views, new: Allocator
    ) -> None:
        x, dW = cache, grads["W"]
        np.matmul(x.mT, dy, out=dW[..., : x.shape[-1], :])
        dW[..., x.shape[-1] :, :] = 0
        sum_rows(dy, new, out=grads["b"])

    def onnx(self, p: Views, graph: Nodes, x: str) -> str:
        product = graph.add("MatMul", x, graph.constant(p["W"]))
        return graph.add("Add", product, graph.constant(p["b"]))


@dataclasses.dataclass(frozen=True)
class Activate(Layer):
    """An activation function, entry by entry.

    Parameters
    ----------
    activation : Activation, default ReLU()
        The function f.

    Notes
    -----
    y = f(x), dx = dy · f′(x).
    """

    activation: Activation = instance(Activation, ReLU)

    def forward(self, p: Views, x: Array, mode: Mode, new: Allocator) -> tuple[Array, Any, Views]:
        y = self.activation.value(x, new("y", x.shape, x.dtype), new)
        return y, (x, y), {}

    def backward(self, p: Views, cache: Any, dy: Array, grads: Views, new: Allocator) -> Array:
        x, y = cache
        return self.activation.pullback(x, y, dy, new("dx", dy.shape, dy.dtype), new)

    def kink_sides(self, x: Array) -> Array | None:
        if not self.activation.kinks:
            return None
        return np.stack([x.real > kink for kink in self.activation.kinks], axis=-1)

    def onnx(self, p: Views, graph: Nodes, x: str) -> str:
        return self.activation.onnx(graph, x)
