"""Dropout: a layer that is random while it trains."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

from trainlab.network.base import Layer, Mode, Views
from trainlab.network.nodes import Nodes
from trainlab.network.workspace import Allocator, Array
from trainlab.settings import cast, flag, number

__all__ = ["Dropout"]


@dataclasses.dataclass(frozen=True)
class Dropout(Layer):
    """Set each input to zero with probability `ratio` while training.

    Parameters
    ----------
    ratio : float, default 0.5
        The probability, in [0, 1).
    inverted : bool, default True
        Whether outputs are scaled in training, and not in evaluation.

    Raises
    ------
    RuntimeError
        When trained without draws.

    Notes
    -----
    inverted:      training y = x · mask / (1 − ratio),  evaluation y = x
    not inverted:  training y = x · mask,                evaluation y = x · (1 − ratio)

    mask is 1 where a uniform draw is >= ratio.

    Source: Srivastava et al. 2014.  PyTorch and Keras invert; the paper and the book do not.
    """

    random: ClassVar[bool] = True
    ratio: float = number(0.5, low=0.0, high=1.0, closed="[)")
    inverted: bool = flag(True)

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

    def backward(self, p: Views, cache: Any, dy: Array, grads: Views, new: Allocator) -> Array:
        mask: Array = cache
        return np.multiply(dy, mask, out=new("dx", dy.shape, dy.dtype))

    def onnx(self, p: Views, graph: Nodes, x: str) -> str:
        return x if self.inverted else graph.add("Mul", x, graph.constant(1.0 - self.ratio))
