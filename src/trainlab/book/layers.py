"""What readers of the book import from `common.layers`, simplest first.

A layer keeps what its backward pass needs in attributes, and reads its parameters from the
very arrays it was given, which optimizers change in place.  x is (B, features), or
(B, channels, height, width) where a layer says so.

Source: Saitoh, Deep Learning from Scratch, chapters 5 and 6.  The layers of this library,
without hidden state and for populations, are in `trainlab.network`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from trainlab.book import native
from trainlab.book.convolution import Convolution, Pooling, col2im, im2col
from trainlab.book.functions import (
    cross_entropy_error,
    identity_function,
    mean_squared_error,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    softmax,
    softmax_loss,
    step_function,
    sum_squared_error,
)
from trainlab.book.order import after_forward
from trainlab.errors import DataError, sentence
from trainlab.network.workspace import Array
from trainlab.settings import real
from trainlab.terminal import counted

__all__ = [
    "Affine",
    "BatchNormalization",
    "Convolution",
    "Dropout",
    "Pooling",
    "Relu",
    "Sigmoid",
    "SoftmaxWithLoss",
    "col2im",
    "cross_entropy_error",
    "identity_function",
    "im2col",
    "mean_squared_error",
    "np",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_loss",
    "step_function",
    "sum_squared_error",
]

VARIANCE_OFFSET: Final = 1e-6
"""Added to a variance, so that nothing is divided by 0."""
RATIO: Final = real(0.0, 1.0, "[]", "0.5")


class Relu:
    """y = max(x, 0);  dx = dy where x > 0, else 0."""

    def __init__(self) -> None:
        self.mask: Any = None

    def forward(self, x: Any) -> Any:
        """y, with x <= 0 remembered as `mask`."""
        y, self.mask = native.relu(x)
        return y

    def backward(self, dout: Any) -> Any:
        """dx."""
        after_forward(self, self.mask)
        return native.relu_gradient(self.mask, dout)


class Sigmoid:
    """y = 1 / (1 + e^−x);  dx = dy (1 − y) y."""

    def __init__(self) -> None:
        self.out: Any = None

    def forward(self, x: Any) -> Any:
        """y, remembered as `out`."""
        self.out = sigmoid(x)
        return self.out

    def backward(self, dout: Any) -> Any:
        """dx."""
        after_forward(self, self.out)
        return dout * (1.0 - self.out) * self.out


class Affine:
    """y = x W + b;  dx = dy Wᵀ,  dW = xᵀ dy,  db = Σ_B dy.

    W (in, out), b (out,).  x of any number of axes is taken as (B, in); dx has x's shape.
    """

    def __init__(self, W: Any, b: Any) -> None:
        self.W = W
        self.b = b
        self.x: Any = None
        self.original_x_shape: tuple[int, ...] = ()
        self.dW: Any = None
        self.db: Any = None

    def forward(self, x: Any) -> Any:
        """y."""
        self.original_x_shape = x.shape
        rows = x.reshape(x.shape[0], -1)
        if rows.shape[1] != len(self.W):
            one = x.size == len(self.W)
            must = f"have {counted(len(self.W), 'feature')} in each row"
            raise DataError(sentence("x", "Affine", must, x, "x.reshape(1, -1)" if one else None))
        self.x = native.factor(rows, self.W)
        return native.product(self.x, self.W, self.b)

    def backward(self, dout: Any) -> Any:
        """dx; the gradients of the parameters are left in `dW` and `db`."""
        self.parameter_gradients(dout)
        return native.input_gradient(dout, self.W).reshape(self.original_x_shape)

    def parameter_gradients(self, dout: Any) -> None:
        """`dW` and `db` alone: the gradient of a network's inputs is not needed."""
        after_forward(self, self.x)
        self.dW = native.weight_gradient(self.x, dout)
        self.db = native.sum_rows(dout)


class SoftmaxWithLoss:
    """The cross-entropy of softmax(x);  dx = (y − t) / B.

    t is one-hot (B, classes), or class indices (B,).
    """

    def __init__(self) -> None:
        self.loss: Any = None
        self.y: Any = None
        self.t: Any = None

    def forward(self, x: Any, t: Any) -> Any:
        """The loss, one number; the probabilities are left in `y`."""
        self.t = t
        self.y = softmax(x)
        self.loss = cross_entropy_error(self.y, t)
        return self.loss

    def backward(self, dout: Any = 1) -> Any:
        """dx."""
        after_forward(self, self.y, "forward(x, t)")
        y, t = np.atleast_2d(self.y), np.asarray(self.t)
        if t.size == y.size:
            dx = y - t.reshape(y.shape)
        else:
            dx = y.copy()
            dx[np.arange(len(y)), t.ravel()] -= 1
        dx /= len(y)
        return (dx * dout if np.ndim(dout) or dout != 1 else dx).reshape(np.shape(self.y))


class Dropout:
    """Training: y = x · mask;  evaluation: y = x · (1 − dropout_ratio).

    mask is True where a uniform draw is > dropout_ratio.  Not inverted: docs/conventions.md.
    Source: Srivastava et al. 2014.
    """

    def __init__(self, dropout_ratio: float = 0.5) -> None:
        self.dropout_ratio = RATIO.check(dropout_ratio, "dropout_ratio", "Dropout")
        self.mask: Any = None
        self.frozen = False  # while a gradient is checked: the mask is not to be drawn anew

    def forward(self, x: Any, train_flg: bool = True) -> Any:
        """y; in training the mask is left in `mask`."""
        if not train_flg:
            return x * (1.0 - self.dropout_ratio)
        if not (self.frozen and np.shape(self.mask) == x.shape):
            draws = np.random.rand(*x.shape)  # noqa: NPY002 - np.random.seed is to repeat it
            self.mask = draws > self.dropout_ratio
        return native.masked(x, self.mask)

    def backward(self, dout: Any) -> Any:
        """dx."""
        after_forward(self, self.mask, "forward(x, train_flg=True)")
        return native.masked(dout, self.mask)


class BatchNormalization:
    """xn = (x − mean) / √(var + 1e-6), y = γ·xn + β, over the B samples; `momentum` decays.

    running ← momentum · running + (1 − momentum) · batch, from 0; evaluation uses it.
    x is (B, features), or (B, channels, height, width), which is taken as (B, features).
    Source: Ioffe, Szegedy 2015.
    """

    def __init__(
        self,
        gamma: Any,
        beta: Any,
        momentum: float = 0.9,
        running_mean: Any = None,
        running_var: Any = None,
    ) -> None:
        self.gamma = gamma
        self.beta = beta
        self.momentum = momentum
        self.input_shape: tuple[int, ...] = ()
        self.running_mean = running_mean
        self.running_var = running_var
        self.batch_size: int | None = None
        self.xc: Any = None
        self.xn: Any = None
        self.std: Any = None
        self.dgamma: Any = None
        self.dbeta: Any = None

    def forward(self, x: Any, train_flg: bool = True) -> Any:
        """y, of the shape of x."""
        self.input_shape = x.shape
        return self._normalize(x.reshape(x.shape[0], -1), train_flg).reshape(x.shape)

    def _normalize(self, x: Any, train_flg: bool) -> Array:
        if self.running_mean is None:
            self.running_mean = np.zeros(x.shape[1])
            self.running_var = np.zeros(x.shape[1])
        if not train_flg:
            xn = (x - self.running_mean) / np.sqrt(self.running_var + VARIANCE_OFFSET)
            return np.asarray(self.gamma * xn + self.beta)
        self.batch_size = len(x)
        y, self.xc, self.xn, self.std, mean, var = native.batch_norm(
            x, self.gamma, self.beta, VARIANCE_OFFSET
        )
        keep = self.momentum
        self.running_mean = keep * self.running_mean + (1 - keep) * mean
        self.running_var = keep * self.running_var + (1 - keep) * var
        return y

    def backward(self, dout: Any) -> Any:
        """dx, of the shape of x; the gradients of γ and β are left in `dgamma` and `dbeta`."""
        after_forward(self, self.xc, "forward(x, train_flg=True)")
        dy = dout.reshape(dout.shape[0], -1)
        dx, self.dgamma, self.dbeta = native.batch_norm_gradient(
            dy, self.gamma, self.xc, self.xn, self.std
        )
        return dx.reshape(self.input_shape)


ROW_BY_ROW: Final = (Relu, Sigmoid, Affine, Dropout, BatchNormalization)
"""Layers whose output for a sample, in evaluation, depends on that sample alone."""


def backward(layers: Mapping[str, Any], dout: Any) -> None:
    """Sends dout back through the layers, in the opposite order of their forward pass.

    The gradients are left in the layers.  That of the network's inputs is not computed: it
    would be a fifth of the work, and is not needed.
    """
    first, *others = layers.values()
    for layer in reversed(others):
        dout = layer.backward(dout)
    if type(first).backward in (Affine.backward, Convolution.backward):
        first.parameter_gradients(dout)
    else:  # a layer of the reader's own
        first.backward(dout)
