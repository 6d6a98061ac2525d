"""The gradient check of a network: every backward pass against evaluations alone."""

from __future__ import annotations

import copy
import dataclasses
import math
from functools import cached_property, partial
from typing import Any, Final

import numpy as np

from trainlab.differentiation.differences import (
    COMPLEX_STEP,
    STEP,
    Scheme,
    chunks,
    perturbed,
    scheme,
)
from trainlab.differentiation.report import ROUNDING, Comparison, GradientReport, floors, report
from trainlab.errors import DataError, SettingError, sentence
from trainlab.network.architecture import MLP, Architecture, Bound, Layout
from trainlab.network.initializers import Initializer
from trainlab.network.layers import Mode
from trainlab.network.losses import Loss
from trainlab.network.workspace import FRESH, Allocator, Array
from trainlab.settings import is_integer, is_real

STEPS: Final = {"central4": 2e-4, "central": 6e-6, "complex": COMPLEX_STEP}
"""h for each method.  central4: truncation h⁴ f⁽⁵⁾/30 ~ 5e-17 f⁽⁵⁾ and rounding
1.5 eps |f|/h ~ 2e-12 |f|, both far below TOLERANCE · FLOOR = 1e-9.  central: the cube root
of eps, where h² f‴/6 and eps |f|/h meet at some 1e-11: enough for smooth, shallow networks."""
TOLERANCE: Final = 1e-6
"""Relative error allowed with differences; a derivative wrong by 0.05 % is 500 times that."""
COMPLEX_TOLERANCE: Final = 1e-11
"""The same with complex steps: what is left is the rounding of the two passes, some
eps times the condition number of the network (up to 10⁴ here)."""
REFINEMENT: Final = 10.0
"""What is crossed or wrong at h is looked at once more at h/10: fewer kinks are that near, and
truncation, which grows where a norm divides by next to nothing, is 10⁴ times smaller.  A
wrong gradient is wrong at both."""
INPUT: Final = "x"
"""The row of the input's gradient."""

_OFFSET: Final = 0.3  # moves biases, γ and β off 0 and 1, where a forgotten factor is not seen


def gradient_check(
    network: MLP | Architecture,
    x: Any,
    t: Any,
    *,
    seed: int = 0,
    members: int | None = None,
    params: Any = None,
    out_features: int | None = None,
    include_input: bool = True,
    entries: int | None = 200,
    method: str = "central4",
    h: float | None = None,
    tolerance: float | None = None,
) -> GradientReport:
    """Compares every gradient of a network, in training mode, with its numerical gradient.

    Two objectives are differentiated, in float64 and for each member of a population:
    `loss`, the training loss times a random number plus the penalties, through the same
    call that training makes; and `outputs`, a sum of outputs times random numbers, under
    which no backward pass can hide behind a loss that does not see it.

    x (B, in) or (K, B, in); t as the loss wants it, shared or with the K axis.
    members       None: one network; K: a population of K (an Architecture made of K
                  settings needs it), each with parameters and dropout draws of its own
    params        (P,) or (K, P); None: drawn from `seed`, weights N(0, 1/fan_in), biases,
                  γ and β around their usual start
    out_features  of an MLP; None: as many as t shows
    entries       compare at most so many entries of each parameter, chosen at random; None: all
    method        "central4": central difference of fourth order, points ±h and ±2h;
                  "central": of second order; "complex": complex steps (all layers and losses
                  of trainlab take complex numbers)

    Dropout draws are the same in every evaluation.  An entry whose points lie on two sides
    of a kink (ReLU, ELU, Huber, |W|), at h and again at h/10, is counted as crossed and not
    compared; where most entries of a parameter are, the report does not pass (try another
    seed).  Entries that differ by no more than rounding agree, however small `tolerance` is.
    Layers in evaluation mode are not checked.

    Raises: SettingError, DataError for settings or arrays that do not fit.

    >>> rng = np.random.default_rng(0)
    >>> x, t = rng.standard_normal((5, 4)), np.array([0, 1, 2, 0, 1])
    >>> gradient_check(MLP(hidden=(3,), activation="tanh", batch_norm=True), x, t).ok
    True
    """
    by = scheme(method, STEP if h is None else h, "gradient_check", tuple(STEPS))
    h = STEPS[method] if h is None else h
    complex_steps = method == "complex"
    if not (entries is None or (is_integer(entries) and entries >= 1)):
        must = "be None or an integer >= 1"
        raise SettingError(sentence("entries", "gradient_check", must, entries))
    if not (tolerance is None or (is_real(tolerance) and tolerance > 0)):
        must = "be None or a number > 0"
        raise SettingError(sentence("tolerance", "gradient_check", must, tolerance))
    if not (is_integer(seed) and seed >= 0):
        raise SettingError(sentence("seed", "gradient_check", "be an integer >= 0", seed, "seed=0"))
    if tolerance is None:
        tolerance = COMPLEX_TOLERANCE if complex_steps else TOLERANCE
    problem = _Problem.of(network, x, t, seed, members, params, out_features)
    rng = np.random.default_rng([seed, 1])
    comparisons = []
    for name, analytic in problem.analytic().items():
        if name == INPUT and not include_input:
            continue
        size = math.prod(analytic.shape[-2:])
        some = np.arange(size)
        if entries is not None and entries < size:
            some = np.sort(rng.choice(size, entries, replace=False))
        numeric, crossed = problem.numeric(name, some, by, h)
        flat = analytic.reshape(*analytic.shape[:-2], size)[..., some]
        comparisons.append(Comparison(name, analytic.shape[1:], some, flat, numeric, crossed))
    noise = np.zeros_like(problem.passes) if complex_steps else ROUNDING * problem.sizes() / h
    floor = floors(comparisons, noise, problem.passes, tolerance)
    if not complex_steps:
        for comparison in comparisons:
            problem.refine(comparison, comparison.doubtful(floor, tolerance), by, h / REFINEMENT)
        floor = floors(comparisons, noise, problem.passes, tolerance)
    return report(comparisons, floor, tolerance, method)


def _numbers(name: str, value: Any) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DataError(sentence(name, "gradient_check", "be an array", value)) from error
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise DataError(sentence(name, "gradient_check", "hold real numbers", value))
    return array


class _Weighted:
    """A loss times a number for each member: a cotangent that training's own call carries."""

    def __init__(self, loss: Loss, weight: Array) -> None:
        self._loss, self._weight = loss, weight

    def forward(self, y: Array, t: Array, new: Allocator) -> tuple[Array, Any]:
        loss, cache = self._loss.forward(y, t, new)
        return self._weight * loss, cache

    def backward(self, cache: Any, new: Allocator) -> Array:
        dy: Array = self._weight[..., np.newaxis, np.newaxis] * self._loss.backward(cache, new)
        return dy


@dataclasses.dataclass
class _Problem:
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
        network: MLP | Architecture,
        x: Any,
        t: Any,
        seed: int,
        members: int | None,
        params: Any,
        out_features: int | None,
    ) -> _Problem:
        if members is not None and not (is_integer(members) and members >= 1):
            must = "be None or an integer >= 1"
            raise SettingError(sentence("members", "gradient_check", must, members))
        if not isinstance(network, (MLP, Architecture)):
            must = "be an MLP or an Architecture"
            raise SettingError(sentence("network", "gradient_check", must, network))
        x, t, axis = _numbers("x", x), _numbers("t", t), () if members is None else (members,)
        x = x.astype(np.float64)
        if isinstance(network, MLP):
            index = network.loss.task == "classification"
            shown = out_features or (int(t.max()) + 1 if index else t.shape[-1])
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
            raise DataError(sentence("t", "gradient_check", must, t))
        rng = np.random.default_rng([seed, 0])
        drawn = _start(network.layout, axis, rng, _OFFSET)
        params = drawn if params is None else np.asarray(params, np.float64)
        if params.shape != drawn.shape:
            must = f"have the shape {drawn.shape}"
            raise DataError(sentence("params", "gradient_check", must, params))
        return _Problem(network, axis, params, x, t, rng)

    def __post_init__(self) -> None:
        rng, network = self.rng, self.architecture
        self.weight = rng.uniform(0.5, 1.5, self.members) * rng.choice([-1.0, 1.0], self.members)
        # Neighbours move against each other: else a mean over the members would not show.
        self.sign = np.resize([1.0, -1.0], self.members)
        shape = (*self.members, self.x.shape[-2], network.out_features)
        self.cotangent = rng.standard_normal(shape)
        self._uniforms: dict[int, Array] = {}
        self._sums: list[Array] = []
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
            dx = layer.backward(self.bound[index], caches[index], dy, grads[index], FRESH)
            assert dx is not None  # it was asked for
            dy = dx
            largest = np.fmax(largest, np.abs(dy).sum(axis=-2).max(axis=-1))
        self._sums.append(largest)
        return dy

    @property
    def passes(self) -> Array:
        """The largest Σ_B |dx| of any layer, for both objectives: (2, *members)."""
        return np.stack(self._sums[-2:])

    def numeric(self, name: str, some: Array, by: Scheme, h: float) -> tuple[Array, Array]:
        """Gradients (2, *members, n) at the entries `some`, and which of them are crossed.

        All members move at once, each with its own sign.  Nothing else is needed to see
        one member leak into another: then this is not the gradient of the member alone.
        """
        entry = {entry.name: entry for entry in self.architecture.layout.entries}.get(name)
        start = 0 if entry is None else entry.layer
        array = self.x if entry is None else self.bound[start][entry.short_name]
        matrix = array.shape[-2:]
        flat = np.broadcast_to(array, (*self.members, *matrix)).reshape(*self.members, -1)
        downstream = flat.size + 4 * sum(values.size for values in self._inputs[start:])
        gradients, crossings = [], []
        for chunk in chunks(some, downstream * np.dtype(by.dtype).itemsize):
            values, sides = [], []
            for offset in by.offsets:
                copies = perturbed(flat, chunk, self.sign * (offset * h), by.dtype)
                copies = copies.reshape(*copies.shape[:-1], *matrix)
                if entry is None:
                    value, side = self._evaluate(self.bound, copies, 0)
                else:
                    moved = {**self.bound[start], entry.short_name: copies}
                    bound = (*self.bound[:start], moved, *self.bound[start + 1 :])
                    value, side = self._evaluate(bound, self._inputs[start], start)
                    if np.any(self.architecture.l1) and entry.parameter.decays:
                        side.append(copies.real > 0)
                values.append(value)
                sides.append(side)
            gradients.append(by.quotient(values, h) / self.sign)
            crossings.append(self._crossed(sides, len(chunk)))
        crossed = np.moveaxis(np.concatenate(crossings), 0, -1)
        return np.moveaxis(np.concatenate(gradients, axis=1), 1, -1), crossed

    def refine(self, comparison: Comparison, doubtful: Array, by: Scheme, h: float) -> None:
        """Replaces the doubtful differences of a comparison by those of another step."""
        if doubtful.size:
            name, some = comparison.parameter, comparison.entries[doubtful]
            numeric, crossed = self.numeric(name, some, by, h)
            comparison.numeric[..., doubtful], comparison.crossed[..., doubtful] = numeric, crossed

    def _evaluate(self, bound: Bound, x: Array, start: int) -> tuple[Array, list[Array]]:
        """Both objectives (2, [n,] *members), and the sides of all kinks, from `start` on.

        `bound` or x has one array with the axis n of perturbed copies.
        """
        sides: list[Array | None] = []
        for index in range(start, len(bound)):
            layer = self.architecture.layers[index]
            if x.ndim == 3 + len(self.members):  # else nothing before this layer has moved
                sides.append(layer.kink_sides(x))
            x, _, _ = layer.forward(bound[index], x, self._mode(index), FRESH)
        sides.append(self.architecture.loss.kink_sides(x, self.t))
        loss, _ = self.architecture.loss.forward(x, self.t, FRESH)
        objective = self.weight * loss + self.architecture.penalty(bound)
        outputs = (self.cotangent * x).sum(axis=(-2, -1))
        return np.stack([objective, outputs]), [side for side in sides if side is not None]

    def _mode(self, index: int) -> Mode:
        random = self.architecture.layers[index].random
        return Mode(True, partial(self.draw, index) if random else None)

    def _crossed(self, sides: list[list[Array]], n: int) -> Array:
        """Whether any side differs between the points of a difference, (n, *members)."""
        crossed = np.zeros((n, *self.members), bool)
        for first, *others in zip(*sides, strict=True):
            for other in others:
                crossed |= (first != other).reshape(n, *self.members, -1).any(axis=-1)
        return crossed

    @cached_property
    def _inputs(self) -> list[Array]:
        """The input of each layer at the unperturbed point, and the output of the last."""
        inputs = [self.x]
        for index, layer in enumerate(self.architecture.layers):
            y, _, _ = layer.forward(self.bound[index], inputs[-1], self._mode(index), FRESH)
            inputs.append(y)
        return inputs

    def sizes(self) -> Array:
        """The size of both objectives (2, *members)."""
        values, _ = self._evaluate(self.bound, self.x, 0)
        return np.abs(values)


def _start(layout: Layout, members: tuple[int, ...], rng: Any, offset: float) -> Array:
    """Weights N(0, 1/fan_in); all others normal around where they start, `offset` wide."""
    flat = np.empty((*members, layout.size))
    for entry in layout.entries:
        start, (rows, columns) = entry.parameter.start, entry.parameter.shape
        drawn = rng.standard_normal((*members, rows * columns))
        weights = isinstance(start, Initializer)
        flat[..., entry.slice] = drawn / math.sqrt(rows) if weights else start + offset * drawn
    return flat
