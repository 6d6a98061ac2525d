"""From the arguments of `grid`, `zip` and `sample` to members: axes of values, and draws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.members import Member
from trainlab.network.architecture import MLP
from trainlab.optimizers import SGD


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
        axis = list(value) if isinstance(value, (list, range, np.ndarray)) else [value]
        if not axis:
            raise SettingError(sentence(name, "Population", "have at least one value", value))
        values.append([item.item() if isinstance(item, np.generic) else item for item in axis])
    return list(named), values


def combine(names: Sequence[str], combinations: Iterable[Sequence[Any]]) -> Iterator[Member]:
    """A member for each combination of values."""
    for values in combinations:
        yield Member().replace(**dict(zip(names, values, strict=True)))


def draw(value: Any, rng: np.random.Generator, name: str) -> Any:
    """A value of a distribution, one of a list, or the value itself."""
    if hasattr(value, "rvs"):
        drawn = value.rvs(random_state=rng)
        return drawn.item() if isinstance(drawn, (np.generic, np.ndarray)) else drawn
    if isinstance(value, (list, range, np.ndarray)):
        if not len(value):
            raise SettingError(sentence(name, "Population.sample", "have a value", value))
        drawn = value[int(rng.integers(len(value)))]
        return drawn.item() if isinstance(drawn, np.generic) else drawn
    return value
