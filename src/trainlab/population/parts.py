"""Tries layers, activations, losses and optimizers of the user's own, before `fit` trains them.

Those of trainlab have their tests.  Others are tried on a few rows, two members side by side:
what they return must have the shape and the dtype that the next one counts on.  Whether
gradients are right is for `gradient_check` to say.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from trainlab.engine.base import Samples, Widths
from trainlab.errors import SettingError, sentence
from trainlab.members import Member
from trainlab.network.architecture import Architecture
from trainlab.network.base import Mode
from trainlab.network.dense import Activate
from trainlab.network.workspace import FRESH, Array
from trainlab.optimizers import Optimizer
from trainlab.settings import Settings, nested, stack, structure

Shape = tuple[int, ...]

ROWS: Final = 3
UNTOUCHED: Final = 1.25e30
"""What stands in gradients before a backward pass; an entry that it does not write keeps it."""


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
    bound = architecture.bind(params, buffers)
    grads = np.full_like(params, UNTOUCHED)
    bound_grads = architecture.bind(grads)
    x, t = train.x[:ROWS], train.t[:ROWS]
    x, rows, caches = (x.toarray() if hasattr(x, "toarray") else x), len(t), []
    for index, layer in enumerate(architecture.layers):
        shape, name = (len(pair), rows, architecture.widths[index + 1]), _name(layer)
        for mode in (Mode(False), Mode(True, _draw if layer.random else None)):
            y, cache, updated = layer.forward(bound[index], x, mode, FRESH)
            _check("outputs", name, y, shape, dtype)
        expected = {each: bound[index][each].shape for each in layer.declare(x.shape[-1]).buffers}
        if {each: np.shape(values) for each, values in updated.items()} != expected:
            got = {each: np.shape(values) for each, values in updated.items()}
            raise SettingError(sentence("new buffers", name, f"be {expected} in training", got))
        x = y
        caches.append(cache)
    loss, name = architecture.loss, type(architecture.loss).__name__
    terms, _ = loss.entries(x, t, FRESH)
    _check("entries", name, terms, x.shape, dtype, (*x.shape[:-1], 1))
    value, cache = loss.forward(x, t, FRESH)
    _check("loss", name, value, (len(pair),), dtype)
    dy = loss.backward(cache, FRESH)
    _check("derivative", name, dy, x.shape, dtype)
    for index in reversed(range(len(architecture.layers))):
        layer, name = architecture.layers[index], _name(architecture.layers[index])
        dy = layer.backward(bound[index], caches[index], dy, bound_grads[index], FRESH)
        shape = (len(pair), rows, architecture.widths[index])
        _check("dx", name, dy, shape, dtype)
        for each, values in bound_grads[index].items():
            if (values == UNTOUCHED).any():
                must = f"fill grads[{each!r}] in place"
                raise SettingError(sentence("backward", name, must, "entries that are not written"))


def _name(layer: Any) -> str:
    return type(layer.activation if isinstance(layer, Activate) else layer).__name__


def _draw(rows: int, width: int) -> Array:
    return np.zeros((rows, width), np.float32)


def _check(what: str, of: str, found: Any, shape: Shape, dtype: str, other: Shape = ()) -> None:
    shapes = (shape, other) if other else (shape,)
    fits = isinstance(found, np.ndarray) and found.shape in shapes
    if not fits or found.dtype != dtype:
        must = f"be an array of shape {' or '.join(map(str, shapes))} and dtype {dtype}"
        remedy = "trainlab.settings.cast(SETTING, x.dtype) for settings and constants"
        raise SettingError(sentence(what, of, must, found, remedy if fits else None))


def _try_optimizer(pair: Sequence[Optimizer], dtype: str) -> None:
    optimizer: Optimizer = stack(pair, trailing=1)
    params = np.full((2, ROWS), 0.5, dtype)
    state, before = optimizer.init(params), np.array([[0.25, -0.5, 0.75]] * 2, dtype)
    grads: Array = before.copy()
    optimizer.delta(params, grads, state, step=0, total=10)
    if (grads == before).all():
        must = "turn g into the step that is added to the parameters, in place"
        got, remedy = "a g that it left as it was", "np.multiply(g, -c['lr'], out=g)"
        raise SettingError(sentence("rule", type(optimizer).__name__, must, got, remedy))
