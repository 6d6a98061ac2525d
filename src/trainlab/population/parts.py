"""Tries out the user's own layers, activations, losses and optimizers before `fit` trains them.

Those of trainlab have their tests.  Others are tried on a few rows, some members side by side:
what they return must have the shape and the dtype that the next one counts on, what they are
given to fill must be filled, what they are given to read must stay as it is, and a member must
be, to the bit, what it is alone.  Whether gradients are right is for `gradient_check` to say.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np

from trainlab.engine.base import Samples, Widths
from trainlab.errors import SettingError, describe, nearest, sentence
from trainlab.members import Member
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.base import Layer, Mode
from trainlab.network.dense import Activate
from trainlab.network.initializers import Initializer
from trainlab.network.losses import Loss
from trainlab.network.returned import check_array, owner_of, several
from trainlab.network.workspace import FRESH, Array
from trainlab.optimizers import Optimizer
from trainlab.own import check_attributes, is_own
from trainlab.settings import Settings, cast, nested, stack, structure

S = TypeVar("S", bound=Settings)
Kinds = Counter[tuple[MLP, Optimizer]]
"""Networks with their optimizers, in order of first appearance, and how many members have them."""

ROWS: Final = 3
NEAR: Final = 1e-4
"""How far, of the largest, numbers may be apart that a float32 rounds in another order."""
SEVERAL: Final = 8
"""Members, at most, of which each is compared with itself alone."""
STEPS: Final = (0, 1, 2, 4, 9, 30, 99, 500, 999)
"""Those at which schedules and coefficients are compared, as far as the training goes."""
COLUMNS: Final = 3
MORE: Final = 24
"""Times so many rows are compared: last bits differ in some numbers only."""
UNTOUCHED: Final = 1.25e30
"""What stands in gradients before a backward pass; an entry that it does not write keeps it."""
_POWERS: Final = "np.exp(p * np.log(x)) for x ** p, or trainlab.powers.power for a whole p"
"""NumPy's power has other last bits for an array of exponents than for a number."""


def kinds_of(members: Iterable[Member]) -> Kinds:
    """How many members have each network and optimizer: what is checked, once for many seeds.

    Raises SettingError where a field of a part of the user's own has no hash.
    """
    pairs = [(member.network, member.optimizer) for member in members]
    try:
        return Counter(pairs)
    except TypeError:
        for part in filter(is_own, nested(tuple(pairs))):
            _check_hash(part)
        raise


def _check_hash(part: Settings) -> None:
    try:
        hash(part)
    except TypeError as error:
        must = "have values with a hash: numbers, strings, tuples of them, or settings"
        raise SettingError(sentence("fields", type(part).__name__, must, error)) from error


def check_parts(kinds: Kinds, train: Samples, widths: Widths, dtype: str, steps: int) -> None:
    """Raises SettingError where a part of the user's own does not do what it must.

    steps  of the whole training
    """
    own: dict[Any, list[tuple[MLP, Optimizer]]] = {}
    for network, optimizer in kinds:
        if parts := _own_parts(network) + _own_parts(optimizer):
            check_attributes(parts)
            alike = structure(network), structure(optimizer)
            own.setdefault(alike, []).append((network, optimizer))
    for pairs in own.values():
        networks, optimizers = zip(*pairs, strict=True)
        with np.errstate(all="ignore"):
            _try_network(_chosen(networks), train, widths, dtype)
            _try_optimizer(_chosen(optimizers), dtype, steps)


def _chosen(records: Sequence[S]) -> list[S]:
    """Two or more, which differ if there are such: settings that differ are arrays then.

    The first and the last are among them, which differ in all that the axes of a grid vary.
    """
    own = list({_own_parts(record): record for record in reversed(records)}.values())
    different = own if len(own) > 1 else list(dict.fromkeys(records))
    if len(different) == 1:
        return different * 2
    places = np.linspace(0, len(different) - 1, min(SEVERAL, len(different))).astype(int)
    return [different[place] for place in places.tolist()]


@functools.lru_cache
def _own_parts(record: Settings) -> tuple[Settings, ...]:
    return tuple(filter(is_own, nested(record)))


def _try_network(networks: Sequence[MLP], train: Samples, widths: Widths, dtype: str) -> None:
    architecture = Architecture.of(networks, *widths)
    starts = [network.build(*widths).initialize(0, dtype) for network in networks]
    params, buffers = (np.stack(arrays) for arrays in zip(*starts, strict=True))
    # A scale of 1 would hide what it changes, and members that are equal what they share.
    params += np.cos(np.arange(params.size)).reshape(params.shape) / 8
    params[1::2] *= 1.5
    bound = architecture.bind(params, buffers)
    grads = architecture.bind(np.full_like(params, UNTOUCHED))
    x, t = train.x[:ROWS], train.t[:ROWS]
    x, t = (x.toarray() if hasattr(x, "toarray") else x.copy()), t.copy()
    rows, caches, steps = len(t), [], []
    for index, layer in enumerate(architecture.layers):
        shape, name = (len(networks), rows, architecture.widths[index + 1]), owner_of(layer)
        for mode in (Mode(False), Mode(True, _draw if layer.random else None)):
            with _left_alone(_method(layer, "forward"), name, x=x, p=params, buffers=buffers):
                found = layer.forward(bound[index], x, mode, FRESH)
            y, cache, updated = several(found, ("y", "cache", "buffers"), "forward", name)
            check_array("outputs", name, y, shape, dtype=dtype)
        expected = {each: bound[index][each].shape for each in layer.declare(x.shape[-1]).buffers}
        if {each: np.shape(values) for each, values in updated.items()} != expected:
            got = {each: np.shape(values) for each, values in updated.items()}
            raise SettingError(sentence("new buffers", name, f"be {expected} in training", got))
        steps.append(_TriedLayer(x, y))
        x = y
        caches.append(cache)
    dy = _try_loss(architecture.loss, x, t, len(networks), dtype)
    for index in reversed(range(len(architecture.layers))):
        layer, name = architecture.layers[index], owner_of(architecture.layers[index])
        own, given = grads[index], dict(grads[index])
        with _left_alone(_method(layer, "backward"), name, dy=dy, p=params):
            dx = layer.backward(bound[index], caches[index], dy, given, FRESH)
        check_array("dx", name, dx, (len(networks), rows, architecture.widths[index]), dtype=dtype)
        for each, values in own.items():
            if (values == UNTOUCHED).any():
                must, remedy = f"fill grads[{each!r}] in place", f"grads[{each!r}][...] = …"
                missing = "entries that are not written"
                raise SettingError(sentence("backward", name, must, missing, remedy))
        steps[index].dy = dy
        dy = dx
    _try_members(_TriedNetworks(networks, widths, params, buffers, steps, t))


@dataclasses.dataclass
class _TriedLayer:
    """What went into a layer, forward and backward, and came out of it, of all members."""

    x: Array
    y: Array
    dy: Any = None

    def alone(self, member: slice) -> _TriedLayer:
        """That of one member; the first layer has the same x for all."""
        x = self.x[member] if self.x.ndim > 2 else self.x
        return _TriedLayer(x, self.y[member], self.dy[member])


@dataclasses.dataclass
class _TriedNetworks:
    """Members, all that went through their layers, and the targets of the rows."""

    networks: Sequence[MLP]
    widths: Widths
    params: Array
    buffers: Array
    steps: Sequence[_TriedLayer]
    t: Array

    @property
    def architecture(self) -> Architecture:
        """That of all members."""
        return Architecture.of(self.networks, *self.widths)

    def alone(self, member: slice) -> _TriedNetworks:
        """Those of one member."""
        parts = self.networks[member], self.widths, self.params[member], self.buffers[member]
        return _TriedNetworks(*parts, [step.alone(member) for step in self.steps], self.t)


def _try_members(tried: _TriedNetworks) -> None:
    """Raises SettingError where a member is not what it is without the others."""
    together = _outcomes(tried)
    for row in range(len(tried.networks)):
        one = slice(row, row + 1)
        own = tried.alone(one)
        if len(own.architecture.layers) == len(own.steps):  # fewer: no dropout
            for (what, of, beside), (*_, found) in zip(together, _outcomes(own), strict=True):
                _same(what, of, found, beside[one])


def _outcomes(tried: _TriedNetworks) -> list[tuple[str, str, Array]]:
    """What the user's own layers and loss make of these rows: what, of whom, and the numbers."""
    architecture, steps, found = tried.architecture, tried.steps, []
    bound = architecture.bind(tried.params, tried.buffers)
    grads = architecture.bind(np.zeros_like(tried.params))
    for index, (layer, step) in enumerate(zip(architecture.layers, steps, strict=True)):
        if any(map(is_own, _computing(layer))):
            name, mode = owner_of(layer), Mode(True, _draw if layer.random else None)
            y, cache, _ = layer.forward(bound[index], _more(step.x), mode, FRESH)
            found.append(("outputs", name, y.copy()))
            dx = layer.backward(bound[index], cache, _more(step.dy), grads[index], FRESH)
            found.append(("dx", name, dx))
            found += [(f"grads[{each!r}]", name, own) for each, own in grads[index].items()]
    loss = architecture.loss
    if is_own(loss):
        name, y = type(loss).__name__, _more(steps[-1].y)
        value, cache = loss.forward(y, np.concatenate([tried.t] * MORE), FRESH)
        found += [("loss", name, value), ("derivative", name, loss.backward(cache, FRESH))]
    return found


def _computing(layer: Layer) -> Iterator[Settings]:
    """The layer and its parts, but how it starts, which may be another for each member."""
    return (part for part in nested(layer) if not isinstance(part, Initializer))


def _more(rows: Array) -> Array:
    """These rows, and more that are like them."""
    return np.concatenate([rows * cast(1 + k / 7, rows.dtype) for k in range(MORE)], axis=-2)


def _same(what: str, of: str, found: Array, beside: Array) -> None:
    if np.array_equal(found, beside, equal_nan=True):
        return
    finite = np.abs(beside[np.isfinite(beside)])
    allowed = NEAR * float(finite.max(initial=0.0))
    must = "be the same for a member as without the others"
    if np.allclose(found, beside, rtol=NEAR, atol=allowed, equal_nan=True):
        must, got, remedy = f"{must}, to the last bit", "other last bits", _POWERS
    else:
        got, remedy = "other numbers", "axis=-1 for features and axis=-2 for rows"
    raise SettingError(sentence(what, of, must, got, remedy))


def _try_loss(loss: Loss, y: Array, t: Array, members: int, dtype: str) -> Array:
    """The derivative, as `backward` gives it."""
    name = type(loss).__name__
    with _left_alone("entries", name, y=y, t=t):
        terms, own = several(loss.entries(y, t, FRESH), ("entries", "cache"), "entries", name)
    check_array("entries", name, terms, y.shape, (*y.shape[:-1], 1), dtype=dtype)
    with _left_alone("derivative", name, y=y, t=t):
        check_array("derivative", name, loss.derivative(own, FRESH), y.shape, dtype=dtype)
    with _left_alone("entries", name, y=y, t=t):  # the terms are written over
        value, cache = loss.forward(y, t, FRESH)
    check_array("loss", name, value, (members,), dtype=dtype)
    with _left_alone("derivative", name, y=y, t=t):  # and so is the derivative
        dy = loss.backward(cache, FRESH)
    check_array("derivative", name, dy, y.shape, dtype=dtype)
    return dy


@contextlib.contextmanager
def _left_alone(method: str, of: str, **arrays: Array) -> Iterator[None]:
    """Raises SettingError where a method has changed what it was only to read."""
    before = {name: array.tobytes() for name, array in arrays.items()}
    yield
    for name, array in arrays.items():
        if array.tobytes() != before[name]:
            must, got = f"leave {name} as it is", "other numbers in it"
            raise SettingError(sentence(method, of, must, got, "a new array for what it returns"))


def _method(layer: Any, method: str) -> str:
    """What the method is called by whoever writes it."""
    own = {"forward": "value", "backward": "pullback"}
    return own[method] if isinstance(layer, Activate) else method


def _draw(rows: int, width: int) -> Array:
    return np.zeros((rows, width), np.float32)


def _try_optimizer(optimizers: Sequence[Optimizer], dtype: str, steps: int) -> None:
    optimizer, members = stack(optimizers, trailing=1), len(optimizers)
    name, rate = type(optimizer).__name__, optimizer.lr * _try_schedule(optimizer, members, steps)
    params = np.full((members, COLUMNS), 0.5, dtype)
    state, before = optimizer.init(params), np.array([[0.25, -0.5, 0.75]] * members, dtype)
    found = _try_coefficients(optimizer, rate, optimizer.init(params), members)
    grads, views = before.copy(), {slot: state[slot] for slot in optimizer.arrays}
    given = _Lookup(views, "slots", name, "have a Slot")
    factors = {key: cast(one, grads.dtype) for key, one in found.items()}
    factors = _Lookup(factors, "coefficients", name, "return a number")
    optimizer.rule(grads, given, factors, FRESH)
    pieces, again = before.copy(), optimizer.init(params)
    for block in (slice(0, 2), slice(2, None)):
        own = {slot: again[slot][:, block] for slot in optimizer.arrays}
        optimizer.rule(pieces[:, block], own, factors, FRESH)
    for slot, array in views.items():
        if given.get(slot) is not array:
            must, remedy = f"move s[{slot!r}] on in place", f"s[{slot!r}][...] = …"
            raise SettingError(sentence("rule", name, must, "another array", remedy))
    if (grads == before).all():
        must = "turn g into the step that is added to the parameters, in place"
        got, remedy = "a g that it left as it was", "np.multiply(g, -c['lr'], out=g)"
        raise SettingError(sentence("rule", name, must, got, remedy))
    if not np.allclose(pieces, grads, rtol=NEAR, equal_nan=True):
        must, got = "make of some columns what it makes of all", "another step of two of three"
        raise SettingError(sentence("rule", name, must, got, "no sums over g: clip_norm has one"))
    for member, one in enumerate(optimizers):
        _try_optimizer_alone(optimizer, one, member, members, dtype, steps)


def _try_schedule(optimizer: Optimizer, members: int, steps: int) -> Any:
    """The multiplier of step 0."""
    schedule = optimizer.schedule
    for step in filter(lambda step: step < steps, STEPS[::-1]):
        multiplier = schedule.multiplier(step, steps)
        fits = _is_number(multiplier, members)
        if not fits or not (np.isfinite(multiplier) & (np.asarray(multiplier) >= 0)).all():
            must = "return a finite number >= 0, or an array (K, 1) of members"
            got = f"{describe(multiplier)} at step {step}"
            raise SettingError(sentence("multiplier", type(schedule).__name__, must, got))
    return multiplier


def _try_coefficients(
    optimizer: Optimizer, rate: Any, state: Mapping[str, Array], members: int
) -> Mapping[str, Any]:
    """Those of step 0."""
    name = type(optimizer).__name__
    slots = _Lookup(state, "slots", name, "have a Slot")
    found = optimizer.coefficients(0, rate, slots)
    if not isinstance(found, Mapping):
        must = "return a dict of the numbers that rule multiplies with"
        raise SettingError(sentence("coefficients", name, must, found))
    for key, one in found.items():
        if not _is_number(one, members):
            must = "be a number, or an array (K, 1) of members"
            raise SettingError(sentence(f"coefficients[{key!r}]", name, must, one))
    return found


def _is_number(value: Any, members: int) -> bool:
    """Whether it is one real number, or one for each member, (K, 1)."""
    return np.shape(value) in ((), (members, 1)) and np.asarray(value).dtype.kind in "fiu"


def _try_optimizer_alone(
    together: Optimizer, alone: Optimizer, member: int, members: int, dtype: str, steps: int
) -> None:
    """Raises SettingError where rates or steps of a member are not what they are alone."""
    name, schedule = type(alone).__name__, type(alone.schedule).__name__
    grads = np.cos(np.arange(32)).astype(dtype)
    found = []
    for optimizer, rows in ((together, members), (alone, 1)):
        params = np.full((rows, grads.size), 0.5, dtype)
        state, row = optimizer.init(params), member if rows > 1 else 0

        def own(value: Any, rows: int = rows, row: int = row) -> Array:
            width = np.shape(value)[-1] if np.ndim(value) else 1
            return np.array(np.broadcast_to(value, (rows, width))[row])

        rates, factors, moves = [], [], []
        for step in filter(lambda step: step < steps, STEPS):
            rate = optimizer.schedule.multiplier(step, steps)
            values = optimizer.coefficients(step, optimizer.lr * rate, state)
            g = np.tile(grads, (rows, 1))
            c = {key: cast(value, dtype) for key, value in values.items()}
            optimizer.rule(g, {slot: state[slot] for slot in optimizer.arrays}, c, FRESH)
            rates.append(own(rate))
            factors.append(np.concatenate([own(value) for value in values.values()] or [own(0)]))
            moves.append(own(g))
        found.append((rates, factors, moves))
    whose = (("multiplier", schedule), ("coefficients", name), ("rule", name))
    for (what, of), beside, own_numbers in zip(whose, *found, strict=True):
        _same(what, of, np.array(own_numbers), np.array(beside))


class _Lookup(dict[str, Any]):
    """Numbers by name; where one is missing, a SettingError says what must provide it."""

    def __init__(self, numbers: Mapping[str, Any], what: str, of: str, must: str) -> None:
        super().__init__(numbers)
        self._what, self._of, self._must = what, of, must

    def __missing__(self, name: str) -> Any:
        must = f"{self._must} {name!r}, which the optimizer asks for"
        raise SettingError(sentence(self._what, self._of, must, list(self), nearest(name, self)))
