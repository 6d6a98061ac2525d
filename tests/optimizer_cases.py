"""The optimizers that the tests train: every kind, every flag, every setting per member."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trainlab.network.workspace import Workspace
from trainlab.optimizers import OPTIMIZERS, Optimizer
from trainlab.schedules import Cosine, WarmUp


def make(name: str, i: int) -> Optimizer:
    """Optimizer number i of a kind: every per-member setting differs between members."""
    common: dict[str, Any] = {
        "lr": 0.1 / (i + 1),
        "clip_norm": math.inf if i % 3 == 1 else 20.0 + i,
        "clip_value": math.inf if i % 3 == 2 else 1.0 + 0.1 * i,
        "decoupled_weight_decay": 0.01 * (i % 3),
        "schedule": WarmUp(steps=3, then=Cosine(floor=0.1 * i), start=0.05 * i),
    }
    betas = {"beta1": 0.9 - 0.07 * i, "beta2": 0.999 - 0.013 * i, "eps": 10.0 ** (-8 + i / 2)}
    own: dict[str, dict[str, Any]] = {
        "sgd": {},
        "momentum": {"momentum": 0.9 - 0.1 * i},
        "nesterov": {"momentum": 0.9 - 0.1 * i},
        "adagrad": {"eps": 10.0 ** (-10 + i), "initial": 0.1 * i},
        "rmsprop": {"decay": 0.99 - 0.1 * i, "eps": 10.0 ** (-8 + i / 2)},
        "adam": betas,
        "adamw": betas,
        "nadam": {**betas, "momentum_decay": 0.004 * i},
        "amsgrad": betas,
        "lion": {"beta1": 0.9 - 0.07 * i, "beta2": 0.99 - 0.013 * i},
    }
    return OPTIMIZERS[name](**common, **own[name])


FLAGS: list[tuple[str, dict[str, bool]]] = [
    *((name, {}) for name in OPTIMIZERS),
    ("momentum", {"rate_inside": True}),
    ("nesterov", {"rate_inside": True}),
    ("adagrad", {"eps_inside_sqrt": True}),
    ("rmsprop", {"eps_inside_sqrt": True}),
    ("adam", {"folded": True}),
    ("nadam", {"warming": False}),
    ("amsgrad", {"corrected_max": True}),
]
every_variant = pytest.mark.parametrize(
    ("name", "flags"), FLAGS, ids=["-".join([name, *flags]) for name, flags in FLAGS]
)


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
        grads = gather(lambda k, step=step: gradients(k, size, step, dtype))
        optimizer.update(params, grads, state, step, steps, decays, new)
    return params, state
