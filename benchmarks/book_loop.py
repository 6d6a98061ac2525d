"""The training loop as a text book writes it: float64, one network at a time, dictionaries.

It is what a reader would type, kept straightforward on purpose: the yardstick of the
benchmarks, not a part of the library.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

Params = dict[str, np.ndarray]
Update = Callable[[Params, Params], None]


def initialize(widths: tuple[int, ...], rng: np.random.Generator) -> Params:
    """He-scaled weights and zero biases."""
    params = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
        params[f"W{i}"] = np.sqrt(2.0 / fan_in) * rng.standard_normal((fan_in, fan_out))
        params[f"b{i}"] = np.zeros(fan_out)
    return params


def loss_and_gradient(params: Params, x: np.ndarray, t: np.ndarray) -> tuple[float, Params]:
    """Softmax cross-entropy of a ReLU network, and its gradient."""
    depth = len(params) // 2
    inputs, h = [], x
    for i in range(1, depth + 1):
        inputs.append(h)
        z = h @ params[f"W{i}"] + params[f"b{i}"]
        h = np.maximum(z, 0) if i < depth else z
    e = np.exp(h - h.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    loss = -np.log(p[rows, t] + 1e-7).mean()
    dz = p.copy()
    dz[rows, t] -= 1
    dz /= len(x)
    grads = {}
    for i in range(depth, 0, -1):
        grads[f"W{i}"] = inputs[i - 1].T @ dz
        grads[f"b{i}"] = dz.sum(axis=0)
        if i > 1:
            dz = (dz @ params[f"W{i}"].T) * (inputs[i - 1] > 0)
    return loss, grads


def sgd(lr: float) -> Update:
    """p -= lr g."""

    def update(params: Params, grads: Params) -> None:
        for name in params:
            params[name] -= lr * grads[name]

    return update


def momentum(lr: float, decay: float = 0.9) -> Update:
    """v = decay v - lr g; p += v."""
    v: Params = {}

    def update(params: Params, grads: Params) -> None:
        for name in params:
            v[name] = decay * v.get(name, 0.0) - lr * grads[name]
            params[name] += v[name]

    return update


def adagrad(lr: float) -> Update:
    """h += g²; p -= lr g / (√h + 1e-7)."""
    h: Params = {}

    def update(params: Params, grads: Params) -> None:
        for name in params:
            h[name] = h.get(name, 0.0) + grads[name] ** 2
            params[name] -= lr * grads[name] / (np.sqrt(h[name]) + 1e-7)

    return update


def adam(lr: float, beta1: float = 0.9, beta2: float = 0.999) -> Update:
    """Adam with the rate folded, as the book has it."""
    m: Params = {}
    v: Params = {}
    steps = 0

    def update(params: Params, grads: Params) -> None:
        nonlocal steps
        steps += 1
        rate = lr * np.sqrt(1 - beta2**steps) / (1 - beta1**steps)
        for name in params:
            m[name] = m.get(name, 0.0) + (1 - beta1) * (grads[name] - m.get(name, 0.0))
            v[name] = v.get(name, 0.0) + (1 - beta2) * (grads[name] ** 2 - v.get(name, 0.0))
            params[name] -= rate * m[name] / (np.sqrt(v[name]) + 1e-7)

    return update


def train(
    widths: tuple[int, ...],
    update: Update,
    data: tuple[np.ndarray, np.ndarray],
    batch_size: int,
    steps: int,
    seed: int,
) -> float:
    """Trains one network on batches drawn with replacement; the loss of the last step."""
    rng = np.random.default_rng(seed)
    params = initialize(widths, rng)
    x, t = data
    loss = float("nan")
    for _ in range(steps):
        rows = rng.choice(len(x), batch_size)
        loss, grads = loss_and_gradient(params, x[rows], t[rows])
        update(params, grads)
    return float(loss)
