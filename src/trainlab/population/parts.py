"""Tries layers, activations, losses and optimizers of the user's own, before `fit` trains them.

Those of trainlab have their tests.  Others are tried on a few rows, two members side by side:
what they return must have the shape and the dtype that the next one counts on, what they are
given to fill must be filled, what they are given to read must stay as it is, and a member must
be what it is alone.  Whether gradients are right is for `gradient_check` to say.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from trainlab.engine.base import Samples, Widths
from trainlab.errors import SettingError, nearest, sentence
from trainlab.members import Member
from trainlab.network.architecture import Architecture
from trainlab.network.base import Mode
from trainlab.network.dense import Activate
from trainlab.network.losses import Loss
from trainlab.network.returned import check_array, owner_of, several
from trainlab.network.workspace import FRESH, Array
from trainlab.optimizers import Optimizer
from trainlab.settings import Settings, cast, nested, stack, structure

ROWS: Final = 3
NEAR: Final = 1e-4
"""How far, of the largest, numbers may be apart that a float32 rounds in another order."""
UNTOUCHED: Final = 1.25e30
"""What stands in gradients before a backward pass; an entry that it does not write keeps it."""
_EACH: Final = ((), (2, 1))
"""The shapes of a number for both members, and of one for each."""


def check_hashes(members: Sequence[Member]) -> None:
    """Raises SettingError where a field of a part of the user's own has no hash."""
    for member in members:
        try:
            hash(member)
        except TypeError:
            for part in filter(is_own, nested(member)):
                _check_hash(part)
            raise


def _check_hash(part: Settings) -> None:
    try:
        hash(part)
    except TypeError as error:
        must = "have values with a hash: numbers, strings, tuples of them, or settings"
        raise SettingError(sentence("fields", type(part).__name__, must, error)) from error


def check_parts(members: Sequence[Member], train: Samples, widths: Widths, dtype: str) -> None:
    """Raises SettingError where a part of the user's own does not do what it must."""
    kinds: dict[Any, list[Member]] = {}
    for member in members:
        if _has_own(member.network) or _has_own(member.optimizer):
            kinds.setdefault(structure(member), []).append(member)
    for alike in kinds.values():
        # Two that differ, if there are such: settings that differ are arrays then.
        one = alike[0]
        pair = [one, next((other for other in alike if _settings(other) != _settings(one)), one)]
        with np.errstate(all="ignore"):
            _try_network(pair, train, widths, dtype)
            _try_optimizer([member.optimizer for member in pair], dtype)


@functools.lru_cache
def _has_own(record: Settings) -> bool:
    """Whether a part of it is the user's own."""
    return any(map(is_own, nested(record)))


def is_own(record: Settings) -> bool:
    """Whether it is of a class that trainlab does not define."""
    return type(record).__module__.partition(".")[0] != "trainlab"


def _settings(member: Member) -> tuple[Settings, Settings]:
    return member.network, member.optimizer


def _try_network(pair: Sequence[Member], train: Samples, widths: Widths, dtype: str) -> None:
    networks = [member.network for member in pair]
    architecture = Architecture.of(networks, *widths)
    starts = [network.build(*widths).initialize(0, dtype) for network in networks]
    params, buffers = (np.stack(arrays) for arrays in zip(*starts, strict=True))
    # A scale of 1 would hide what it changes, and members that are equal what they share.
    params += np.cos(np.arange(params.size)).reshape(params.shape) / 8
    params[1] *= 1.5
    bound = architecture.bind(params, buffers)
    grads = architecture.bind(np.full_like(params, UNTOUCHED))
    x, t = train.x[:ROWS], train.t[:ROWS]
    x, t = (x.toarray() if hasattr(x, "toarray") else x.copy()), t.copy()
    rows, caches, steps = len(t), [], []
    for index, layer in enumerate(architecture.layers):
        shape, name = (len(pair), rows, architecture.widths[index + 1]), owner_of(layer)
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
    dy = _try_loss(architecture.loss, x, t, len(pair), dtype)
    for index in reversed(range(len(architecture.layers))):
        layer, name = architecture.layers[index], owner_of(architecture.layers[index])
        own, given = grads[index], dict(grads[index])
        with _left_alone(_method(layer, "backward"), name, dy=dy, p=params):
            dx = layer.backward(bound[index], caches[index], dy, given, FRESH)
        check_array("dx", name, dx, (len(pair), rows, architecture.widths[index]), dtype=dtype)
        for each, values in own.items():
            if (values == UNTOUCHED).any():
                must, remedy = f"fill grads[{each!r}] in place", f"grads[{each!r}][...] = …"
                missing = "entries that are not written"
                raise SettingError(sentence("backward", name, must, missing, remedy))
        steps[index].dy, steps[index].dx, steps[index].grads = dy, dx, own
        dy = dx
    row = int(networks[1].dropout > networks[0].dropout)  # one that has all the layers
    alone = Architecture.of([networks[row]], *widths)
    _try_alone(alone, params[row : row + 1], buffers[row : row + 1], steps, t, row)


@dataclasses.dataclass
class _TriedLayer:
    """What went into a layer and came out of it, of two members."""

    x: Array
    y: Array
    dy: Any = None
    dx: Any = None
    grads: Any = None


def _try_alone(
    alone: Architecture,
    params: Array,
    buffers: Array,
    steps: Sequence[_TriedLayer],
    t: Array,
    row: int,
) -> None:
    """Raises SettingError where a member is not what it is without the other one."""
    bound, grads = alone.bind(params, buffers), alone.bind(np.zeros_like(params))
    one = slice(row, row + 1)
    for index, (layer, step) in enumerate(zip(alone.layers, steps, strict=True)):
        if not any(map(is_own, nested(layer))):
            continue
        name, mode = owner_of(layer), Mode(True, _draw if layer.random else None)
        x = step.x[one] if step.x.ndim > 2 else step.x
        y, cache, _ = layer.forward(bound[index], x, mode, FRESH)
        _same("outputs", name, y, step.y[one])
        dx = layer.backward(bound[index], cache, step.dy[one], grads[index], FRESH)
        _same("dx", name, dx, step.dx[one])
        for each, values in step.grads.items():
            _same(f"grads[{each!r}]", name, grads[index][each], values[one])
    if is_own(alone.loss):
        name, y = type(alone.loss).__name__, steps[-1].y
        losses, derivatives = [], []
        for part in (y, y[one]):
            loss, cache = alone.loss.forward(part, t, FRESH)
            losses.append(loss)
            derivatives.append(alone.loss.backward(cache, FRESH))
        _same("loss", name, losses[1], losses[0][one])
        _same("derivative", name, derivatives[1], derivatives[0][one])


def _same(what: str, of: str, found: Array, beside: Array) -> None:
    finite = np.abs(beside[np.isfinite(beside)])
    allowed = NEAR * float(finite.max(initial=0.0))
    if not np.allclose(found, beside, rtol=NEAR, atol=allowed, equal_nan=True):
        must = "be of a member what they are without the others"
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


def _try_optimizer(pair: Sequence[Optimizer], dtype: str) -> None:
    optimizer: Optimizer = stack(pair, trailing=1)
    name, schedule = type(optimizer).__name__, optimizer.schedule
    multiplier = schedule.multiplier(0, 10)
    if np.shape(multiplier) not in _EACH or np.asarray(multiplier).dtype.kind not in "fiu":
        must = "return a number, or an array (K, 1) of members"
        raise SettingError(sentence("multiplier", type(schedule).__name__, must, multiplier))
    params = np.full((2, ROWS), 0.5, dtype)
    state, before = optimizer.init(params), np.array([[0.25, -0.5, 0.75]] * 2, dtype)
    slots = _Asked(optimizer.init(params), "slots", name, "have a Slot")
    found = optimizer.coefficients(0, optimizer.lr * multiplier, slots)
    if not isinstance(found, Mapping):
        must = "return a dict of the numbers that rule multiplies with"
        raise SettingError(sentence("coefficients", name, must, found))
    for key, one in found.items():
        if np.shape(one) not in _EACH or np.asarray(one).dtype.kind not in "fiu":
            must = "be a number, or an array (K, 1) of members"
            raise SettingError(sentence(f"coefficients[{key!r}]", name, must, one))
    grads, views = before.copy(), {slot: state[slot] for slot in optimizer.arrays}
    given = _Asked(views, "slots", name, "have a Slot")
    factors = {key: cast(one, grads.dtype) for key, one in found.items()}
    factors = _Asked(factors, "coefficients", name, "return a number")
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


class _Asked(dict[str, Any]):
    """Numbers by name; SettingError, for whom what must do, where a name is asked for in vain."""

    def __init__(self, numbers: Mapping[str, Any], what: str, of: str, must: str) -> None:
        super().__init__(numbers)
        self._what, self._of, self._must = what, of, must

    def __missing__(self, name: str) -> Any:
        must = f"{self._must} {name!r}, which the optimizer asks for"
        raise SettingError(sentence(self._what, self._of, must, list(self), nearest(name, self)))
