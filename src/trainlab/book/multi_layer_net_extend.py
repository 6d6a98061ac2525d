"""What readers of the book import from `common.multi_layer_net_extend`."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from trainlab.blas import one_thread
from trainlab.book.layers import BatchNormalization, Dropout
from trainlab.book.multi_layer_net import MultiLayerNet, outputs, share_right
from trainlab.book.notices import notice, tell_unshared
from trainlab.book.perturbed import network_gradient

__all__ = ["MultiLayerNetExtend", "np"]


class MultiLayerNetExtend(MultiLayerNet):
    """A `MultiLayerNet` that may have batch normalization and dropout in its hidden layers.

    In the order Affine1, BatchNorm1, Activation_function1, Dropout1; params has gamma1 and
    beta1 too.  `dropout_ration` is the spelling of the book; `dropout_ratio` is the same.

    Differs: in the book `numerical_gradient` draws new masks at every evaluation, so that it
    differs from `gradient` by a factor of a thousand and more.  Here the masks stay while a
    gradient is checked, and `numerical_gradient` and `gradient` of the same batch, one after
    the other, have the same.  Running statistics are as before when the check is done.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0,
        use_dropout: bool = False,
        dropout_ration: float = 0.5,
        use_batchnorm: bool = False,
        dropout_ratio: float | None = None,
    ) -> None:
        self.use_dropout = use_dropout
        self.use_batchnorm = use_batchnorm
        self.dropout_ration = dropout_ration if dropout_ratio is None else dropout_ratio
        self._trained_on: tuple[Any, Any] | None = None
        self._checked: tuple[Any, Any] | None = None
        super().__init__(
            input_size,
            hidden_size_list,
            output_size,
            activation,
            weight_init_std,
            weight_decay_lambda,
        )

    def _add_hidden(self, i: int, activation: Any) -> None:
        width = self.hidden_size_list[i - 1]
        if self.use_batchnorm:
            self.params[f"gamma{i}"] = np.ones(width)
            self.params[f"beta{i}"] = np.zeros(width)
            self.layers[f"BatchNorm{i}"] = BatchNormalization(
                self.params[f"gamma{i}"], self.params[f"beta{i}"]
            )
        super()._add_hidden(i, activation)
        if self.use_dropout:
            self.layers[f"Dropout{i}"] = Dropout(self.dropout_ration)

    def predict(self, x: Any, train_flg: bool = False) -> Any:
        """The outputs before the softmax, (B, output_size)."""
        tell_unshared(self, self.layers.values())
        for key, layer in self.layers.items():
            moody = "Dropout" in key or "BatchNorm" in key
            x = layer.forward(x, train_flg) if moody else layer.forward(x)
        return x

    @one_thread()
    def loss(self, x: Any, t: Any, train_flg: bool = False) -> Any:
        """The loss of a batch; t is class indices, or one-hot."""
        return self.last_layer.forward(self.predict(x, train_flg), t) + self._penalty()

    @one_thread()
    def accuracy(self, X: Any, T: Any) -> float:
        """The share of samples whose largest output is at their class, in evaluation mode."""
        return share_right(outputs(self, MultiLayerNetExtend.predict, X), T)

    @one_thread()
    def numerical_gradient(self, X: Any, T: Any) -> dict[str, Any]:
        """The gradient of the loss in training mode, by central differences."""
        if self.use_batchnorm and len(X) == 1:
            notice(
                "the gradient of one sample is 0 before a batch normalization, whatever the "
                "code does: check it with several samples"
            )
        if self.use_dropout:
            notice("dropout keeps its masks while a gradient is checked (the book's draws anew)")
        with self._undisturbed():
            if not same(self._trained_on, (X, T)):
                self.loss(X, T, train_flg=True)  # draws the masks
            with self._masks_kept():
                layers, loss = self.layers.values(), functools.partial(self.loss, X, T, True)
                grads = network_gradient(self, MultiLayerNetExtend, layers, loss, X, T)
        self._checked = (X, T)
        return grads

    @one_thread()
    def gradient(self, x: Any, t: Any) -> dict[str, Any]:
        """The gradient of the loss in training mode, by back-propagation."""
        if same(self._checked, (x, t)):
            with self._masks_kept():
                self.loss(x, t, train_flg=True)
        else:
            self.loss(x, t, train_flg=True)
        self._checked, self._trained_on = None, (x, t)
        return self._backward()

    def _backward(self) -> dict[str, Any]:
        grads = super()._backward()
        for i in range(1, self.hidden_layer_num + 1):
            if self.use_batchnorm:
                grads[f"gamma{i}"] = self.layers[f"BatchNorm{i}"].dgamma
                grads[f"beta{i}"] = self.layers[f"BatchNorm{i}"].dbeta
        return grads

    @contextmanager
    def _masks_kept(self) -> Iterator[None]:
        drops = [layer for layer in self.layers.values() if isinstance(layer, Dropout)]
        for layer in drops:
            layer.frozen = True
        try:
            yield
        finally:
            for layer in drops:
                layer.frozen = False

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        norms = [layer for layer in self.layers.values() if isinstance(layer, BatchNormalization)]
        before = [(layer.running_mean, layer.running_var) for layer in norms]
        try:
            yield
        finally:
            for layer, (mean, var) in zip(norms, before, strict=True):
                layer.running_mean, layer.running_var = mean, var


def same(one: tuple[Any, Any] | None, other: tuple[Any, Any]) -> bool:
    """Whether two batches hold the same values."""
    return one is not None and all(map(np.array_equal, one, other))
