"""Optimizers against their formulas, the published paths and scikit-learn."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import _stochastic_optimizers as sklearn_optimizers

from optimizer_cases import every_optimizer, gradients, make, start
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
from trainlab.schedules import Constant, Step

# The published paths are printed with six decimals.
PUBLISHED_TOLERANCE = 1e-6
# Two float64 evaluations of one formula in another order differ by some eps = 2.2e-16
# per operation; 40 steps of 20 operations on numbers up to 4 stay below 40*20*4*eps.
FORMULA_TOLERANCE = 1e-12

Rule = Callable[[Any, dict[str, Any], np.ndarray, int], np.ndarray]


def _momentum(o: Any, s: dict[str, Any], g: np.ndarray, t: int) -> np.ndarray:
    s["v"] = o.momentum * s.get("v", 0) + (-o.lr * g if o.rate_inside else g)
    return s["v"] if o.rate_inside else -o.lr * s["v"]


def _nesterov(o: Any, s: dict[str, Any], g: np.ndarray, t: int) -> np.ndarray:
    if o.rate_inside:  # Bengio's form
        before = s.get("v", np.zeros_like(g))
        s["v"] = o.momentum * before - o.lr * g
        return o.momentum**2 * before - (1 + o.momentum) * o.lr * g
    s["v"] = o.momentum * s.get("v", 0) + g
    return -o.lr * (g + o.momentum * s["v"])


def _root(o: Any, v: np.ndarray) -> np.ndarray:
    return np.sqrt(v + o.eps) if o.eps_inside_sqrt else np.sqrt(v) + o.eps


def _adagrad(o: Any, s: dict[str, Any], g: np.ndarray, t: int) -> np.ndarray:
    s["h"] = s.get("h", o.initial) + g**2
    return -o.lr * g / _root(o, s["h"])


def _rmsprop(o: Any, s: dict[str, Any], g: np.ndarray, t: int) -> np.ndarray:
    s["v"] = o.decay * s.get("v", 0) + (1 - o.decay) * g**2
    return -o.lr * g / _root(o, s["v"])


def _moments(o: Any, s: dict[str, Any], g: np.ndarray, t: int) -> tuple[np.ndarray, np.ndarray]:
    s["m"] = o.beta1 * s.get("m", 0) + (1 - o.beta1) * g
    s["v"] = o.beta2 * s.get("v", 0) + (1 - o.beta2) * g**2
    return s["m"] / (1 - o.beta1**t), s["v"] / (1 - o.beta2**t)


def _adam(o: Any, s: dict[str, Any], g: np.ndarray, t: int) -> np.ndarray:
    m, v = _moments(o, s, g, t)
    if getattr(o, "folded", False):
        rate = o.lr * math.sqrt(1 - o.beta2**t) / (1 - o.beta1**t)
        return -rate * s["m"] / (np.sqrt(s["v"]) + o.eps)
    return -o.lr * m / (np.sqrt(v) + o.eps)


def _nadam(o: Any, s: dict[str, Any], g: np.ndarray, t: int) -> np.ndarray:
    def mu(t: int) -> float:
        warmth = 1 - 0.5 * 0.96 ** (t * o.momentum_decay) if o.warming else 1.0
        return float(o.beta1 * warmth)

    _, v = _moments(o, s, g, t)
    product = math.prod(mu(i) for i in range(1, t + 1))
    m = mu(t + 1) * s["m"] / (1 - product * mu(t + 1)) + (1 - mu(t)) * g / (1 - product)
    return -o.lr * m / (np.sqrt(v) + o.eps)


def _amsgrad(o: Any, s: dict[str, Any], g: np.ndarray, t: int) -> np.ndarray:
    m, v = _moments(o, s, g, t)
    s["max"] = np.maximum(s.get("max", 0), v if o.corrected_max else s["v"])
    v = s["max"] if o.corrected_max else s["max"] / (1 - o.beta2**t)
    return -o.lr * m / (np.sqrt(v) + o.eps)


def _lion(o: Any, s: dict[str, Any], g: np.ndarray, t: int) -> np.ndarray:
    before = s.get("m", 0)
    s["m"] = o.beta2 * before + (1 - o.beta2) * g
    return -o.lr * np.sign(o.beta1 * before + (1 - o.beta1) * g)


FORMULAS: dict[type[Optimizer], Rule] = {
    SGD: lambda o, s, g, t: -o.lr * g,
    Momentum: _momentum,
    Nesterov: _nesterov,
    AdaGrad: _adagrad,
    RMSprop: _rmsprop,
    Adam: _adam,
    AdamW: _adam,
    NAdam: _nadam,
    AMSGrad: _amsgrad,
    Lion: _lion,
}


@every_optimizer
def test_steps_follow_the_formula(name: str) -> None:
    off = {"clip_norm": math.inf, "clip_value": math.inf, "schedule": Constant()}
    optimizer = dataclasses.replace(make(name, 1), **off)
    size, decayed = 23, slice(4, 9)
    p = start(0, size)
    expected, ours, reference = p.copy(), optimizer.init(p), {}
    for step in range(40):
        g = gradients(0, size, step)
        decay = np.zeros(size)
        decay[decayed] = optimizer.lr * optimizer.decoupled_weight_decay
        step_taken = FORMULAS[type(optimizer)](optimizer, reference, g, step + 1) - decay * expected
        expected = expected + step_taken
        optimizer.update(p, g, ours, step, decays=[decayed])
        np.testing.assert_allclose(p, expected, rtol=0, atol=FORMULA_TOLERANCE)


# The published paths on x²/20 + y² from (-7, 2), after 30 updates.
PUBLISHED = [
    (SGD.book(0.95), (-0.350393, 0.084782)),
    (Momentum.book(0.1), (0.896414, 0.088086)),
    (AdaGrad.book(1.5), (-0.120162, 0.0)),
    (Adam.book(0.3), (0.136007, 0.318245)),
]


@pytest.mark.parametrize(
    ("optimizer", "end"), PUBLISHED, ids=["SGD", "Momentum", "AdaGrad", "Adam"]
)
def test_published_paths(optimizer: Optimizer, end: tuple[float, float]) -> None:
    p = np.array([-7.0, 2.0])
    state = optimizer.init(p)
    for step in range(30):
        optimizer.update(p, np.array([p[0] / 10, 2 * p[1]]), state, step)
    np.testing.assert_allclose(p, end, rtol=0, atol=PUBLISHED_TOLERANCE)


def test_book_variants_are_the_books() -> None:
    assert (RMSprop.book().eps, AdaGrad.book().eps, Adam.book().eps) == (1e-7, 1e-7, 1e-7)
    assert Adam.book().folded
    assert Momentum.book().rate_inside
    assert Nesterov.book().rate_inside
    assert RMSprop.book().decay == 0.99
    assert Nesterov.book().momentum == 0.9


def sklearn_case(kind: str) -> tuple[Optimizer, Callable[[list[np.ndarray]], Any]]:
    if kind == "adam":
        return Adam(0.01, folded=True), lambda p: sklearn_optimizers.AdamOptimizer(p, 0.01)
    nesterov = kind == "nesterov"
    ours: Optimizer = {
        "sgd": SGD(0.05),
        "momentum": Momentum(0.05, rate_inside=True),
        "nesterov": Nesterov(0.05, rate_inside=True),
    }[kind]
    return ours, lambda p: sklearn_optimizers.SGDOptimizer(
        p, 0.05, momentum=0.0 if kind == "sgd" else 0.9, nesterov=nesterov
    )


@pytest.mark.parametrize("kind", ["sgd", "momentum", "nesterov", "adam"])
def test_equal_to_scikit_learn_over_200_steps(kind: str) -> None:
    ours, build = sklearn_case(kind)
    p = start(0, 37)
    theirs = [p.copy()]
    reference, state = build(theirs), ours.init(p)
    for step in range(200):
        g = gradients(0, 37, step)
        reference.update_params(theirs, [g.copy()])
        ours.update(p, g, state, step)
        np.testing.assert_allclose(p, theirs[0], rtol=0, atol=FORMULA_TOLERANCE)


def test_scikit_learn_folds_the_rate_with_momentum_under_a_schedule() -> None:
    """Under a changing rate `rate_inside` is scikit-learn's momentum, and the default is not."""
    schedule = Step(every=5, factor=0.5)
    results = []
    for ours in (
        Momentum(0.1, rate_inside=True, schedule=schedule),
        Momentum(0.1, schedule=schedule),
    ):
        p = start(0, 37)
        theirs, state = [p.copy()], ours.init(p)
        reference = sklearn_optimizers.SGDOptimizer(theirs, 0.1, momentum=0.9, nesterov=False)
        for step in range(20):
            reference.learning_rate = 0.1 * schedule.multiplier(step)
            reference.update_params(theirs, [gradients(0, 37, step)])
            ours.update(p, gradients(0, 37, step), state, step)
        results.append(float(np.abs(p - theirs[0]).max()))
    assert results[0] < FORMULA_TOLERANCE < 1e-3 < results[1]
