"""Optimizers, schedules and clipping step by step against optax, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from trainlab.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    Optimizer,
    RMSprop,
)
from trainlab.optimizers.base import clip
from trainlab.schedules import Cosine, Exponential, Schedule, Step, WarmUp

jax = pytest.importorskip("jax", reason="jax is not installed: it is needed for parity tests only")
optax = pytest.importorskip(
    "optax", reason="optax is not installed: it is needed for parity tests only"
)
pytestmark = pytest.mark.parity

# As against PyTorch: some 20 roundings of 2.2e-16 per step on numbers up to 10, 250 steps.
TOLERANCE = 1e-10
STEPS, SIZE = 250, 41

CASES: dict[str, tuple[Optimizer, Callable[[], Any]]] = {
    "sgd": (SGD(0.05), lambda: optax.sgd(0.05)),
    "momentum": (Momentum(0.02, 0.8), lambda: optax.sgd(0.02, momentum=0.8)),
    "nesterov": (Nesterov(0.02, 0.8), lambda: optax.sgd(0.02, momentum=0.8, nesterov=True)),
    "adagrad": (
        AdaGrad(0.1, eps=1e-7, initial=0.1, eps_inside_sqrt=True),
        lambda: optax.adagrad(0.1),
    ),
    "rmsprop": (RMSprop(0.01, eps=1e-3, decay=0.9), lambda: _rmsprop(eps_in_sqrt=False)),
    "rmsprop, eps inside": (
        RMSprop(0.01, decay=0.9, eps=1e-3, eps_inside_sqrt=True),
        lambda: _rmsprop(eps_in_sqrt=True),
    ),
    "adam": (Adam(0.01), lambda: optax.adam(0.01)),
    "adamw": (
        AdamW(0.01, decoupled_weight_decay=0.1),
        lambda: optax.adamw(0.01, weight_decay=0.1),
    ),
    "nadam": (NAdam(0.01, warming=False), lambda: optax.nadam(0.01)),
    "amsgrad": (AMSGrad(0.01, corrected_max=True), lambda: optax.amsgrad(0.01)),
    "lion": (Lion(0.01), lambda: optax.lion(0.01, weight_decay=0.0)),
    "lion, decoupled decay": (
        Lion(0.01, decoupled_weight_decay=0.1),
        lambda: optax.lion(0.01, weight_decay=0.1),
    ),
}


def _rmsprop(eps_in_sqrt: bool) -> Any:
    return optax.rmsprop(0.01, decay=0.9, eps=1e-3, eps_in_sqrt=eps_in_sqrt)


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def gradients(step: int) -> np.ndarray:
    # Scales from 1e-3 to 10 within one gradient, and one element that is always 0.
    scales = np.logspace(-3, 1, SIZE)
    scales[SIZE // 2] = 0.0
    return np.random.default_rng((7, step)).standard_normal(SIZE) * scales


def both(ours: Optimizer, theirs: Any) -> float:
    """Trains both on one sequence of gradients; the largest deviation at any step."""
    params = np.random.default_rng(3).standard_normal(SIZE)
    their_params = jax.numpy.asarray(params.copy())
    assert their_params.dtype == np.float64
    state, their_state, largest = ours.init(params), theirs.init(their_params), 0.0
    move = jax.jit(theirs.update)
    for step in range(STEPS):
        g = gradients(step)
        updates, their_state = move(jax.numpy.asarray(g.copy()), their_state, their_params)
        their_params = optax.apply_updates(their_params, updates)
        ours.update(params, g, state, step, STEPS, [slice(0, SIZE)])
        largest = max(largest, float(np.abs(params - np.asarray(their_params)).max()))
    return largest


@pytest.mark.parametrize("name", CASES)
def test_optimizer(name: str) -> None:
    ours, build = CASES[name]
    largest = both(ours, build())
    assert largest <= TOLERANCE


SCHEDULED: dict[str, tuple[Schedule, Callable[[], Any]]] = {
    "step": (
        Step(every=30, factor=0.5),
        lambda: optax.exponential_decay(1.0, 30, 0.5, staircase=True),
    ),
    "exponential": (Exponential(decay=0.98), lambda: optax.exponential_decay(1.0, 1, 0.98)),
    "cosine": (Cosine(floor=0.1), lambda: optax.cosine_decay_schedule(1.0, STEPS, alpha=0.1)),
    "cosine, over early": (
        Cosine(floor=0.1, steps=100),
        lambda: optax.cosine_decay_schedule(1.0, 100, alpha=0.1),
    ),
    "warm up": (WarmUp(steps=40, start=0.25), lambda: optax.linear_schedule(0.25, 1.0, 40)),
    "warm up, then cosine": (
        WarmUp(steps=40, then=Cosine(floor=0.1)),
        lambda: optax.warmup_cosine_decay_schedule(0.0, 1.0, 40, STEPS, end_value=0.1),
    ),
}


@pytest.mark.parametrize("name", SCHEDULED)
def test_schedule(name: str) -> None:
    ours, build = SCHEDULED[name]
    theirs = build()
    steps = np.arange(STEPS + 10)
    values = np.array([ours.multiplier(int(step), STEPS) for step in steps])
    expected = np.array([float(theirs(jax.numpy.asarray(step))) for step in steps])
    largest = float(np.abs(values - expected).max())
    assert largest <= TOLERANCE


@pytest.mark.parametrize("name", ["cosine", "warm up, then cosine"])
def test_optimizer_under_a_schedule(name: str) -> None:
    ours, build = SCHEDULED[name]
    schedule = build()
    # optax counts in int32, which jax divides in float32: give its schedule a float64.
    theirs = optax.nadam(lambda step: 0.02 * schedule(step.astype("float64")))
    largest = both(NAdam(0.02, warming=False, schedule=ours), theirs)
    assert largest <= TOLERANCE


@pytest.mark.parametrize("limit", [0.5, 2.0, 1e3])
def test_clip_norm(limit: float) -> None:
    for step in range(20):
        ours, transform = gradients(step), optax.clip_by_global_norm(limit)
        theirs, _ = transform.update(jax.numpy.asarray(ours.copy()), transform.init(None))
        clip(ours, math.inf, limit)
        assert np.abs(ours - np.asarray(theirs)).max() <= TOLERANCE


def test_clip_value() -> None:
    for step in range(20):
        ours, transform = gradients(step), optax.clip(0.7)
        theirs, _ = transform.update(jax.numpy.asarray(ours.copy()), transform.init(None))
        clip(ours, 0.7, math.inf)
        assert ours.tobytes() == np.asarray(theirs).tobytes()
