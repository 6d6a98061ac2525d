"""A network at one point, and what a gradient check needs of it: two objectives, two ways.

`analytic` back-propagates; `evaluate` runs the layers' forward passes and nothing else.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from functools import cached_property, partial
from typing import Any, Final

import numpy as np

from trainlab import memory
from trainlab.arrays import as_array, as_floats, no_numbers
from trainlab.errors import DataError, SettingError, sentence
from trainlab.network.activations import Activation, Tanh
from trainlab.network.architecture import MLP, Architecture, Bound
from trainlab.network.base import Layer, Mode
from trainlab.network.initializers import Initializer
from trainlab.network.layout import Layout
from trainlab.network.losses import Loss, MeanSquaredError
from trainlab.network.tasks import flat_remedy
from trainlab.network.workspace import FRESH, Allocator, Array
from trainlab.own import check_attributes
from trainlab.settings import called, either, whole_number

Part = MLP | Architecture | Layer | Activation | Loss
"""What can be checked: a network, or a part of one."""

# Of drawn samples, and of the network that a part stands in.  Pairwise different, so that no
# axis can be taken for another.
ROWS: Final = 7
INPUTS: Final = 5
WIDTH: Final = 6
OUTPUTS: Final = 3

INPUT: Final = "x"
"""The name of the input's gradient."""

_OFFSET: Final = 0.3  # moves biases, γ and β off 0 and 1, where a forgotten factor is not seen


def _numbers(name: str, value: Any) -> Array:
    array = as_array(value, name, "gradient_check")
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise no_numbers(array, name, "gradient_check")
    return array


@dataclasses.dataclass(frozen=True)
class Variable:
    """An array that a gradient is taken of: a parameter of layer `start`, or its input.

    decays: whether penalties apply to it;  kinked: whether one of them has a kink, at 0.
    """

    start: int
    short_name: str | None
    decays: bool = False
    kinked: bool = False


class _Weighted:
    """A loss times a number for each member: a cotangent that training's own call carries."""

    def __init__(self, loss: Loss, weight: Array) -> None:
        self._loss, self._weight = loss, weight

    def forward(
        self, y: Array, t: Array, new: Allocator, weight: Array | None = None
    ) -> tuple[Array, Any]:
        loss, cache = self._loss.forward(y, t, new, weight)
        return self._weight * loss, cache

    def backward(self, cache: Any, new: Allocator) -> Array:
        return self._weight[..., np.newaxis, np.newaxis] * self._loss.backward(cache, new)


@dataclasses.dataclass
class Problem:
    """A network, or K of them, at one point, and the two objectives there.

    `members` is () or (K,).  params (*members, P), x (..., B, in); weight of the loss and
    sign of the steps (*members,); cotangent of the outputs (*members, B, out).
    """

    architecture: Architecture
    members: tuple[int, ...]
    params: Array
    x: Array
    t: Array
    rng: np.random.Generator

    @staticmethod
    def of(
        part: Part,
        x: Any,
        t: Any,
        seed: int,
        members: int | None,
        params: Any,
        out_features: int | None,
    ) -> Problem:
        count = either(whole_number(1), None)
        members = count.check(members, "members", "gradient_check")
        out_features = count.check(out_features, "out_features", "gradient_check")
        network = _network_with(part)
        check_attributes(
            (network,) if isinstance(network, MLP) else (*network.layers, network.loss)
        )
        if x is None or t is None:
            x, t = _samples(network, x, t, seed, out_features)
        x, t, axis = _numbers("x", x), _numbers("t", t), () if members is None else (members,)
        x = x.astype(np.float64)
        if isinstance(network, MLP):
            index = network.loss.task == "classification"
            if index and not out_features and t.dtype.kind not in "iu":
                how = flat_remedy(t) or "t.astype(int)"
                raise DataError(sentence("t", "gradient_check", "hold class numbers", t, how))
            shown = out_features or (int(t.max()) + 1 if index else t.shape[-1])
            if not x.ndim:
                raise DataError(sentence("x", "gradient_check", "have rows and features", x))
            least = _least_memory(network, x.shape[-1], shown) * (members or 1)
            memory.need(least, "the parameters", "gradient_check")
            settings = [network] * (members or 1)
            network = Architecture.of(settings, x.shape[-1], shown, population=bool(axis))
        network.loss.check_targets(t, network.out_features)
        fits = (x.ndim == 2 or (axis and x.shape[:-2] == axis)) and x.shape[-1:] == (
            network.in_features,
        )
        if not fits or not np.isfinite(x).all():
            shape = " or ".join(str((*lead, "B", network.in_features)) for lead in {(), axis})
            raise DataError(sentence("x", "gradient_check", f"be finite, of shape {shape}", x))
        index = network.loss.task == "classification"
        rows = x.shape[-2:-1] if index else (x.shape[-2], network.out_features)
        if t.shape not in (rows, (*axis, *rows)):
            must = f"have the shape {rows}, for the rows of x"
            remedy = flat_remedy(t) if index else None
            raise DataError(sentence("t", "gradient_check", must, t, remedy))
        rng = np.random.default_rng([seed, 0])
        drawn = _start(network.layout, axis, rng, _OFFSET)
        params = drawn if params is None else as_floats(params, "params", "gradient_check")
        if params.shape != drawn.shape:
            must = f"have the shape {drawn.shape}"
            raise DataError(sentence("params", "gradient_check", must, params))
        return Problem(network, axis, params, x, t, rng)

    def __post_init__(self) -> None:
        rng, network = self.rng, self.architecture
        self.weight = rng.uniform(0.5, 1.5, self.members) * rng.choice([-1.0, 1.0], self.members)
        # Neighbours move against each other: else a mean over the members would not show.
        self.sign = np.resize([1.0, -1.0], self.members)
        shape = (*self.members, self.x.shape[-2], network.out_features)
        self.cotangent = rng.standard_normal(shape)
        self._uniforms: dict[int, Array] = {}
        self._sums: list[Array] = []
        self.output_gradients: dict[tuple[float, ...], Any] = {}
        buffers = _start(network.buffer_layout, self.members, rng, 0.0)
        self.bound = network.bind(self.params, buffers)

    def draw(self, layer: int, rows: int, width: int) -> Array:
        """The uniforms of a layer: the same at every call, own ones for each member."""
        if layer not in self._uniforms:
            self._uniforms[layer] = self.rng.random((*self.members, rows, width))
        return self._uniforms[layer]

    def analytic(self) -> dict[str, Array]:
        """Name → gradients (2, *members, rows, columns) of both objectives."""
        gradients: dict[str, list[Array]] = {}
        for backpropagate in (self._backpropagate_loss, self._backpropagate_outputs):
            grads = np.full_like(self.params, np.nan)  # so that what is never written shows
            dx = backpropagate(self.architecture.bind(grads))
            for name, gradient in {**self.architecture.layout.views(grads), INPUT: dx}.items():
                gradients.setdefault(name, []).append(gradient)
        return {name: np.stack(both) for name, both in gradients.items()}

    def _backpropagate_loss(self, grads: Bound) -> Array:
        network = copy.copy(self.architecture)
        network.loss = _Weighted(network.loss, self.weight)  # type: ignore[assignment]  # has what training asks of a Loss
        network.loss_and_gradient(self.bound, self.x, self.t, grads, self.draw)
        y, caches, _ = network.forward(self.bound, self.x, True, self.draw)
        dy = network.loss.backward(network.loss.forward(y, self.t, FRESH)[1], FRESH)
        return self._input_gradient(caches, dy)

    def _backpropagate_outputs(self, grads: Bound) -> Array:
        _, caches, _ = self.architecture.forward(self.bound, self.x, True, self.draw)
        self.architecture.backward(self.bound, caches, self.cotangent, grads)
        return self._input_gradient(caches, self.cotangent)

    def _input_gradient(self, caches: list[Any], dy: Array) -> Array:
        """dx, which training never asks for; the parameters' gradients are thrown away."""
        grads = self.architecture.bind(np.empty_like(self.params))
        largest = np.zeros(self.members)
        for index in reversed(range(len(self.architecture.layers))):
            layer = self.architecture.layers[index]
            dy = layer.backward(self.bound[index], caches[index], dy, grads[index], FRESH)
            largest = np.fmax(largest, np.abs(dy).sum(axis=-2).max(axis=-1))
        self._sums.append(largest)
        return dy

    @property
    def passes(self) -> Array:
        """The largest Σ_B |dx| of any layer, for both objectives: (2, *members)."""
        return np.stack(self._sums[-2:])

    def variable(self, name: str) -> Variable:
        """The parameter of this name, or the input."""
        for entry in self.architecture.layout.entries:
            if entry.name == name:
                decays = entry.parameter.decays
                kinked = decays and bool(np.any(self.architecture.l1))
                return Variable(entry.layer, entry.short_name, decays, kinked)
        return Variable(0, None)

    def value(self, variable: Variable) -> Array:
        """The array (*members, rows, columns) at the unperturbed point."""
        start, short_name = variable.start, variable.short_name
        array = self.inputs[start] if short_name is None else self.bound[start][short_name]
        return np.broadcast_to(array, (*self.members, *array.shape[-2:]))

    def put(self, variable: Variable, copies: Array) -> tuple[Bound, Array]:
        """The parameters, and the input of the variable's layer, with copies in its place."""
        start, short_name = variable.start, variable.short_name
        if short_name is None:
            return self.bound, copies
        layer = {**self.bound[start], short_name: copies}
        return (*self.bound[:start], layer, *self.bound[start + 1 :]), self.inputs[start]

    def evaluate(self, bound: Bound, x: Array, start: int) -> tuple[Array, list[Array]]:
        """Both objectives (2, [n,] *members), and the sides of all kinks, from `start` on.

        `bound` or x has one array with the axis n of perturbed copies.
        """
        sides: list[Array | None] = []
        for index in range(start, len(bound)):
            layer = self.architecture.layers[index]
            if x.ndim == 3 + len(self.members):  # else nothing before this layer has moved
                sides.append(layer.kink_sides(x))
            x, _, _ = layer.forward(bound[index], x, self.mode(index), FRESH)
        sides.append(self.architecture.loss.kink_sides(x, self.t))
        loss, _ = self.architecture.loss.forward(x, self.t, FRESH)
        objective = self.weight * loss + self.architecture.penalty(bound)
        outputs = (self.cotangent * x).sum(axis=(-2, -1))
        return np.stack([objective, outputs]), [side for side in sides if side is not None]

    def mode(self, index: int) -> Mode:
        """Training, with the same draws at every call."""
        random = self.architecture.layers[index].random
        return Mode(True, partial(self.draw, index) if random else None)

    @cached_property
    def inputs(self) -> list[Array]:
        """The input of each layer at the unperturbed point, and the output of the last."""
        inputs = [self.x]
        for index, layer in enumerate(self.architecture.layers):
            y, _, _ = layer.forward(self.bound[index], inputs[-1], self.mode(index), FRESH)
            inputs.append(y)
        return inputs

    @cached_property
    def sizes(self) -> Array:
        """The size of both objectives (2, *members)."""
        values, _ = self.evaluate(self.bound, self.x, 0)
        return np.abs(values)


def _network_with(part: Part) -> MLP | Architecture:
    """A network as it is, or a small one in which a part stands."""
    match part:
        case MLP() | Architecture():
            return part
        case Layer():
            return MLP((WIDTH,), Tanh(), norm=part, loss=MeanSquaredError())
        case Activation():
            return MLP((WIDTH,), part, loss=MeanSquaredError())
        case Loss():
            return MLP((WIDTH,), Tanh(), loss=part)
    must = "be an MLP, an Architecture, a Layer, an Activation or a Loss"
    remedy = called(part, lambda value: isinstance(value, MLP | Layer | Activation | Loss))
    raise SettingError(sentence("network", "gradient_check", must, part, remedy))


def _samples(
    network: MLP | Architecture, x: Any, t: Any, seed: int, out_features: int | None
) -> tuple[Any, Any]:
    """x and t, drawn where they are not given."""
    rng, inputs, outputs = np.random.default_rng([seed, 2]), INPUTS, out_features or OUTPUTS
    if isinstance(network, Architecture):
        inputs, outputs = network.in_features, network.out_features
    if x is None:
        x = rng.standard_normal((ROWS, inputs))
    if t is None:
        t = draw_targets(network.loss.task, (*np.shape(x)[-2:-1], outputs), rng)
    return x, t


def draw_targets(task: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Random targets of a task for outputs (B, out)."""
    if task == "classification":
        return rng.integers(shape[-1], size=shape[:-1])
    if task == "multilabel":
        return rng.integers(2, size=shape).astype(np.float64)
    return rng.standard_normal(shape)


def _least_memory(network: MLP, in_features: int, out_features: int) -> int:
    """Bytes of the parameters of a member, and of both of their gradients, at least."""
    return 3 * network.build(in_features, out_features).size * np.dtype(np.float64).itemsize


def _start(layout: Layout, members: tuple[int, ...], rng: Any, offset: float) -> Array:
    """Weights N(0, 1/fan_in); all others normal around where they start, `offset` wide."""
    flat = np.empty((*members, layout.size))
    for entry in layout.entries:
        start, (rows, columns) = entry.parameter.start, entry.parameter.shape
        drawn = rng.standard_normal((*members, rows * columns))
        weights = isinstance(start, Initializer)
        flat[..., entry.slice] = drawn / math.sqrt(rows) if weights else start + offset * drawn
    return flat
