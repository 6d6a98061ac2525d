"""How tests train the optimizers of the table: with settings that differ between members."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from cases import OPTIMIZERS
from trainlab.network.workspace import Workspace
from trainlab.optimizers import Optimizer
from trainlab.schedules import Cosine, WarmUp

every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def make(name: str, i: int) -> Optimizer:
    """Member i of a row of the table: whatever may differ between members does."""
    row = OPTIMIZERS[name]
    changed: dict[str, Any] = {
        "lr": 0.1 / (i + 1),
        "clip_norm": math.inf if i % 3 == 1 else 20.0 + i,
        "clip_value": math.inf if i % 3 == 2 else 1.0 + 0.1 * i,
        "decoupled_weight_decay": 0.01 * (i % 3),
        "schedule": WarmUp(steps=3, then=Cosine(floor=0.1 * i), start=0.05 * i),
    }
    for field in dataclasses.fields(row):
        if field.metadata["per_member"] and field.name not in changed:
            value = getattr(row, field.name)
            changed[field.name] = value * (1 - 0.07 * i) if value else 0.1 * i
    return dataclasses.replace(row, **changed)


def gradients(k: int, size: int, step: int, dtype: Any = np.float64) -> np.ndarray:
    """Member k's gradient at a step, whatever the other members are."""
    return np.random.default_rng((k, step)).standard_normal(size).astype(dtype)


def start(k: int, size: int, dtype: Any = np.float64) -> np.ndarray:
    return np.random.default_rng((k, 10**6)).standard_normal(size).astype(dtype)


def train(
    optimizer: Optimizer, members: list[int] | int, size: int, steps: int, dtype: Any
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Parameters and state after some steps: of a population, or of one network by itself."""
    many = isinstance(members, list)

    def gather(one: Callable[[int], np.ndarray]) -> np.ndarray:
        return np.stack([one(k) for k in members]) if isinstance(members, list) else one(members)

    params = gather(lambda k: start(k, size, dtype))
    assert params.ndim == 1 + many
    state, new = optimizer.init(params), Workspace()
    decays = [slice(0, size // 3), slice(size // 2, size - 1)]
    for step in range(steps):
        grads = gather(partial(gradients, size=size, step=step, dtype=dtype))
        optimizer.update(params, grads, state, step, steps, decays, new)
    return params, state
