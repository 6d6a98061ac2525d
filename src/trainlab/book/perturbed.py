"""Numerical gradients of the book's networks: many perturbed copies side by side.

One entry at a time is too long for MNIST: 784-100-100-10 has 89,610 parameters.  Three things make
it fast, and change no bit of a loss.

- w[i, j] moves column j of x W + b alone, and so do b[j], γ[j] and β[j]; the layers behind it, up
  to the next affine one, work on each column by itself.  So all entries of a row are moved at once.
- The next affine layer mixes columns.  Before it the copies are taken apart: copy j is the input
  as it was, but for its column j.  From there on the copies are a leading axis.
- Where x[:, i] is zero, as is the edge of an image of MNIST, w[i, j] moves nothing.

Products of one shape, and sums over one axis, are done for each copy as for the network alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from trainlab.book import native
from trainlab.book.functions import LOG_OFFSET, sigmoid, softmax
from trainlab.book.gradient import numerical_gradient
from trainlab.book.layers import (
    VARIANCE_OFFSET,
    Affine,
    BatchNormalization,
    Dropout,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
)
from trainlab.differentiation.differences import STEP
from trainlab.network.workspace import Array

NUMBERS: Final = 2**17
"""In an array of copies, at most: a megabyte."""

PARAMETERS: Final[Mapping[Any, tuple[str, ...]]] = {
    Affine: ("W", "b"),
    BatchNormalization: ("gamma", "beta"),
    Relu: (),
    Sigmoid: (),
    Dropout: (),
}
FORWARD: Final = {kind: kind.forward for kind in (*PARAMETERS, SoftmaxWithLoss)}
"""As they are here: a reader may have put another in its place."""


class Copies:
    """Layers, their inputs at one point, and the loss of copies of them.

    Every layer is in training, its masks kept by the caller.
    """

    def __init__(self, layers: Sequence[Any], x: Array, t: Any) -> None:
        self.layers, self.t = layers, np.asarray(t)
        self.inputs = [x]
        for layer in layers:
            self.inputs.append(layer.forward(self.inputs[-1]))

    def are_exact(self) -> bool:
        """Whether two copies of the network as it is have its outputs and its loss, to the bit."""
        y = self.inputs[-1]
        copies = self._outputs(np.stack([self.inputs[1]] * 2), 1)
        loss = np.float64(SoftmaxWithLoss().forward(y, self.t))
        same_loss = self._losses(copies).tobytes() == 2 * loss.tobytes()
        return bool(same_loss and copies.tobytes() == 2 * y.tobytes())

    def losses(self, place: int, moved: Array) -> Array:
        """Without penalties, of one copy for each column; moved is the output of layer `place`.

        Copy j has column j of it, and the other columns as they were.
        """
        place += 1
        while place < len(self.layers) and not isinstance(self.layers[place], Affine):
            moved = self.layers[place].forward(moved)
            place += 1
        before = self.inputs[place]
        width = before.shape[1]
        most = max(1, NUMBERS // before.size)
        found = []
        for first in range(0, width, most):
            columns = np.arange(first, min(first + most, width))
            copies = np.repeat(before[np.newaxis], len(columns), axis=0)
            copies[np.arange(len(columns)), :, columns] = moved[:, columns].T
            found.append(self._losses(self._outputs(copies, place)))
        return np.concatenate(found)

    def _outputs(self, copies: Array, place: int) -> Array:
        """(n, B, out) from the inputs (n, B, in) of layer `place`."""
        for layer in self.layers[place:]:
            copies = STACKED[type(layer)](layer, copies)
        return copies

    def _losses(self, outputs: Array) -> Array:
        """What `SoftmaxWithLoss` has of each copy."""
        y = softmax(outputs)
        rows = y.shape[1]
        if self.t.size == y[0].size:
            samples = np.sum(self.t.reshape(y.shape[1:]) * np.log(y + LOG_OFFSET), axis=-1)
        else:
            own = np.ascontiguousarray(y[:, np.arange(rows), self.t.ravel()])
            samples = np.log(own + LOG_OFFSET)
        return np.asarray(-np.sum(samples, axis=-1) / rows)


def _batch_norm(layer: BatchNormalization, copies: Array) -> Array:
    centred: Array = copies - copies.mean(axis=1, keepdims=True)
    var = np.mean(centred**2, axis=1, keepdims=True)
    centred /= np.sqrt(var + VARIANCE_OFFSET)
    centred *= layer.gamma
    centred += layer.beta
    return centred


STACKED: Final[Mapping[type, Callable[[Any, Array], Array]]] = {
    Affine: lambda layer, copies: native.product_of_each(copies, layer.W, layer.b),
    BatchNormalization: _batch_norm,
    Relu: lambda _, copies: native.relu(copies)[0],
    Sigmoid: lambda _, copies: sigmoid(copies),
    Dropout: lambda layer, copies: copies * layer.mask,
}
"""What each layer gives for copies (n, B, in), in training."""


def network_gradient(
    network: Any, known: type, layers: Iterable[Any], loss: Callable[[], float], x: Any, t: Any
) -> dict[str, Array]:
    """Central differences of the loss, by the name of each parameter.

    Of many copies at once if all layers are of the book, and `predict` and `loss` those of the
    class `known`; else by calls of `loss`, which gives that of x and t.
    """
    layers = list(layers)
    methods = ("predict", "loss", "_penalty")
    is_known = all(
        getattr(type(network), name, None) is getattr(known, name, None)
        and name not in vars(network)
        for name in methods
    )
    loss()  # with its errors
    found = _gradients_of_copies(network, layers, x, t) if is_known else None
    if found is None:
        return {name: numerical_gradient(lambda _: loss(), p) for name, p in network.params.items()}
    loss()  # so that layers remember what is theirs
    return found


def _gradients_of_copies(
    network: Any, layers: Sequence[Any], x: Any, t: Any
) -> dict[str, Array] | None:
    """None where a layer or a parameter is the reader's."""
    owners = _owners(layers, network)
    if owners is None or not (isinstance(x, np.ndarray) and x.ndim == 2 and x.dtype.kind == "f"):
        return None
    copies = Copies(layers, x, t)
    if not copies.are_exact():
        return None
    decay = getattr(network, "weight_decay_lambda", 0)
    penalty = Penalty(network.params, decay)
    is_finite = bool(np.isfinite(copies.inputs[-1]).all())
    found = {}
    for name, (place, array) in owners.items():
        gradient, inputs = np.zeros_like(array), copies.inputs[place]
        for row in range(len(array)) if array.ndim == 2 else [...]:
            moves = decay or not is_finite or array.ndim == 1 or inputs[:, row].any()
            if moves:
                moved = _moved(layers[place], inputs, array, row)
                losses = np.stack([copies.losses(place, outputs) for outputs in moved])
                above, below = losses + penalty.of_row(name, row)
                gradient[row] = (above - below) / (2 * STEP)
        found[name] = gradient
    return found


def _owners(layers: Sequence[Any], network: Any) -> dict[str, tuple[int, Array]] | None:
    """The place of the layer of each parameter; None where not all are ours."""
    last = getattr(network, "last_layer", None) or SoftmaxWithLoss()
    ours = all(
        type(part) in FORWARD
        and type(part).forward is FORWARD[type(part)]
        and "forward" not in vars(part)
        for part in (*layers, last)
    )
    keeps_masks = hasattr(network, "use_dropout")
    kinds = PARAMETERS.keys() - (() if keeps_masks else (Dropout, BatchNormalization))
    if not ours or type(last) is not SoftmaxWithLoss or {type(one) for one in layers} - kinds:
        return None
    found = {}
    for name, array in network.params.items():
        places = [
            place
            for place, layer in enumerate(layers)
            for own in PARAMETERS[type(layer)]
            if getattr(layer, own) is array
        ]
        is_known = isinstance(array, np.ndarray) and array.dtype == np.float64
        if len(places) != 1 or not is_known or array.ndim not in (1, 2):
            return None
        found[name] = places[0], array
    return found


def _moved(layer: Any, inputs: Array, array: Array, row: Any) -> Iterator[Array]:
    """The outputs of a layer with a row of its array moved by h, then by −h."""
    before = array[row].copy()
    for step in (STEP, -STEP):
        try:
            array[row] = before + step
            outputs = layer.forward(inputs)
        finally:
            array[row] = before
        yield outputs


class Penalty:
    """½·λ·ΣW² of all weights W1, W2, …, and of them with one entry moved."""

    def __init__(self, params: Mapping[str, Any], decay: float) -> None:
        self._params, self._decay = params, decay
        names = [name for name in params if name.startswith("W")] if decay else []
        self._squares = {name: params[name] ** 2 for name in names}
        self._terms = {name: self._term(square) for name, square in self._squares.items()}

    def _term(self, square: Array) -> float:
        return 0.5 * self._decay * float(np.sum(square))

    def _whole(self) -> float:
        return sum(self._terms.values(), 0.0)

    def of_row(self, name: str, row: Any) -> Array:
        """With each entry of a row of a parameter moved by h, and by −h: (2, columns)."""
        if name not in self._squares:
            return np.full((2, 1), self._whole())
        values, square, term = self._params[name][row], self._squares[name], self._terms[name]
        found = np.empty((2, len(values)))
        for (side, step), j in itertools.product(enumerate((STEP, -STEP)), range(len(values))):
            before = square[row, j]
            square[row, j] = (values[j] + step) ** 2
            self._terms[name] = self._term(square)
            found[side, j] = self._whole()
            square[row, j] = before
        self._terms[name] = term
        return found
