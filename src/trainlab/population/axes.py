"""From the arguments of `grid`, `zip` and `sample` to members: axes of values, and draws."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.limits import MEMBERS
from trainlab.members import Member, label
from trainlab.network.architecture import MLP
from trainlab.optimizers import SGD

GRID: Final = "Population.grid"


def axes(
    network: Any, optimizer: Any, seed: Any, fields: Mapping[str, Any]
) -> tuple[list[str], list[list[Any]]]:
    """The names and the values of every axis, seeds last."""
    named = {
        "network": MLP() if network is None else network,
        "optimizer": SGD(0.01) if optimizer is None else optimizer,
        **fields,
        "seed": seed,
    }
    values = []
    for name, value in named.items():
        axis = value if _is_axis(value) else [value]
        if len(axis[: MEMBERS + 1]) > MEMBERS:  # before they are listed
            got = value if isinstance(value, range) else len(value)
            raise SettingError(sentence(name, "Population", f"have at most {MEMBERS} values", got))
        if not len(axis):
            raise SettingError(sentence(name, "Population", "have at least one value", value))
        values.append([_plain(item) for item in axis])
    return list(named), values


def check_distinct(names: Sequence[str], values: Sequence[Sequence[Any]]) -> None:
    """SettingError where an axis has a value twice, or where a field replaces what makes it two.

    Twins are one network that counts as two: they would make any evidence look stronger.
    """
    for place, (name, axis) in enumerate(zip(names, values, strict=True)):
        once: set[Any] = set()
        for given in axis:
            if (key := _key(given)) in once:
                raise _same(name, given)
            once.add(key)
        if name == "seed":
            continue
        tried = [axis if i == place else other[:1] for i, other in enumerate(values)]
        seen: dict[Any, int] = {}
        for at, member in enumerate(combine(names, itertools.product(*tried))):
            first = seen.setdefault(_key(member), at)
            if first == at:
                continue
            if name in ("network", "optimizer"):
                raise _replaced(name, (axis[first], axis[at]), names[2:-1])
            raise _same(name, member.get(name))  # written in two ways, as 50 and (50,)


def _same(name: str, value: Any) -> SettingError:
    """The error for a value that an axis has twice."""
    must, got = "have different values", f"{label(value)} twice"
    return SettingError(sentence(name, GRID, must, got, "each value once"))


def _key(value: Any) -> Any:
    """What equal values have in common, also where they have no hash, as lists."""
    try:
        hash(value)
    except TypeError:
        try:
            return repr(value)
        except RecursionError:  # no setting is so deep: it is refused where it is used
            return id(value)
    return value


def _replaced(name: str, both: tuple[Any, Any], fields: Sequence[str]) -> SettingError:
    """The error for two networks or optimizers that differ only in fields which are replaced."""
    first, second = both
    differing = [
        field for field in fields if getattr(first, field, None) != getattr(second, field, None)
    ]
    replaced = " and ".join(differing)
    must = f"differ in more than {replaced}, which is replaced in each of them"
    known = [getattr(one, differing[0]) for one in both]
    kind = type(second).__name__
    remedy = f"{differing[0]}={known} with one {kind}, or no {replaced}="
    return SettingError(sentence(name, GRID, must, [*map(label, both)], remedy))


def combine(names: Sequence[str], combinations: Iterable[Sequence[Any]]) -> Iterator[Member]:
    """A member for each combination of values."""
    for values in combinations:
        yield Member().replace(**dict(zip(names, values, strict=True)))


def draw(value: Any, rng: np.random.Generator, name: str) -> Any:
    """A value of a distribution, one of a list, or the value itself."""
    if hasattr(value, "rvs"):
        drawn = value.rvs(random_state=rng)
        return drawn.item() if isinstance(drawn, (np.generic, np.ndarray)) else drawn
    if _is_axis(value):
        try:
            length = len(value)
        except OverflowError:  # of a range
            length = 0
        if not length:
            must = f"have between 1 and {sys.maxsize} values"
            raise SettingError(sentence(name, "Population.sample", must, value))
        return _plain(value[int(rng.integers(length))])
    return _plain(value)


def _is_axis(value: Any) -> bool:
    return isinstance(value, (list, range)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python's."""
    scalar = isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0
    return value.item() if scalar else value
