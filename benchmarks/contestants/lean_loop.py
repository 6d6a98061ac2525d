"""The text-book loop with its waste removed: what a careful reader would make of it.

float64 and one network at a time still; no gradient of the first layer's inputs, no
second forward pass, targets as class numbers, a fast generator of batches, one thread
of BLAS with the best kernels of the processor.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.contestants.base import Array, Contestant, Outcome, collect, last, starting_weights
from benchmarks.data import Data
from benchmarks.workloads import Setting, Workload

Params = dict[str, Array]
Update = Callable[[Params, Params], None]

DECAY, EPS = 0.9, 1e-6


def initialize(workload: Workload, member: Setting) -> tuple[Params, Params]:
    """Parameters, and the running statistics of batch normalization, by name."""
    params, statistics = {}, {}
    layers = starting_weights(workload, member)
    for i, (W, b) in enumerate(layers, start=1):
        params[f"W{i}"], params[f"b{i}"] = W, b
        if member.batch_norm and i < len(layers):
            params[f"gamma{i}"], params[f"beta{i}"] = np.ones_like(b), np.zeros_like(b)
            statistics[f"mean{i}"], statistics[f"var{i}"] = np.zeros_like(b), np.zeros_like(b)
    return params, statistics


def outputs(params: Params, statistics: Params, x: Array) -> Array:
    """The outputs before the softmax, in evaluation mode."""
    depth = sum(name[0] == "W" for name in params)
    for i in range(1, depth + 1):
        x = x @ params[f"W{i}"] + params[f"b{i}"]
        if f"gamma{i}" in params:
            scale = params[f"gamma{i}"] / np.sqrt(statistics[f"var{i}"] + EPS)
            x = (x - statistics[f"mean{i}"]) * scale + params[f"beta{i}"]
        if i < depth:
            x = np.maximum(x, 0)
    return x


def loss_and_gradient(
    params: Params, statistics: Params, x: Array, t: Array, weight_decay: float = 0.0
) -> tuple[float, Params]:
    """Softmax cross-entropy of the network, and its gradient; moves the running statistics."""
    depth = sum(name[0] == "W" for name in params)
    inputs, normal, h = [], {}, x
    for i in range(1, depth + 1):
        inputs.append(h)
        h = h @ params[f"W{i}"] + params[f"b{i}"]
        if f"gamma{i}" in params:
            mean = h.mean(axis=0)
            h -= mean
            var = np.mean(h * h, axis=0)
            std = np.sqrt(var + EPS)
            h /= std
            normal[i] = h, std
            for name, value in (("mean", mean), ("var", var)):
                statistics[f"{name}{i}"] += (1 - DECAY) * (value - statistics[f"{name}{i}"])
            h = params[f"gamma{i}"] * h + params[f"beta{i}"]
        if i < depth:
            h = np.maximum(h, 0)
    e = np.exp(h - h.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    loss = -np.log(p[rows, t] + 1e-7).mean()
    p[rows, t] -= 1
    dz = p / len(x)
    grads = {}
    for i in range(depth, 0, -1):
        if f"gamma{i}" in params:
            y, std = normal[i]
            grads[f"beta{i}"] = dz.sum(axis=0)
            grads[f"gamma{i}"] = (dz * y).sum(axis=0)
            mean_dy, mean_dyy = grads[f"beta{i}"] / len(x), grads[f"gamma{i}"] / len(x)
            dz = (params[f"gamma{i}"] / std) * (dz - mean_dy - y * mean_dyy)
        grads[f"W{i}"] = inputs[i - 1].T @ dz
        if weight_decay:
            grads[f"W{i}"] += weight_decay * params[f"W{i}"]
        grads[f"b{i}"] = dz.sum(axis=0)
        if i > 1:
            dz = (dz @ params[f"W{i}"].T) * (inputs[i - 1] > 0)
    return float(loss), grads


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
    """Adam with the corrections folded into the rate."""
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


OPTIMIZERS = {"sgd": sgd, "momentum": momentum, "adagrad": adagrad, "adam": adam}


class LeanLoop(Contestant):
    """One network after the other."""

    warm_up_steps = 5

    def __init__(self, workload: Workload, data: Data, count: int | None = None) -> None:
        super().__init__(workload, data, count)
        self.arrays = {name: (x.astype(np.float64), t) for name, (x, t) in data.items()}

    def run(self, steps: int | None = None) -> Outcome:
        steps = self.workload.steps if steps is None else min(steps, self.workload.steps)
        with np.errstate(all="ignore"):  # networks that start too large diverge
            return collect(self._train(member, steps) for member in self.workload.members)

    def _train(self, member: Setting, steps: int) -> dict[str, float]:
        workload, (x, t) = self.workload, self.arrays["train"]
        params, statistics = initialize(workload, member)
        update = OPTIMIZERS[member.optimizer](member.lr)
        evaluations = set(workload.evaluations())
        losses, accuracies = np.empty(steps), dict[str, float]()
        for step, rows in enumerate(workload.batches(member.seed, steps)):
            losses[step], grads = loss_and_gradient(
                params, statistics, x[rows], t[rows], member.weight_decay
            )
            update(params, grads)
            if step + 1 in evaluations:
                for split in workload.on:
                    x_split, t_split = self.arrays[split]
                    right = outputs(params, statistics, x_split).argmax(axis=1) == t_split
                    accuracies[f"{split}_accuracy"] = right.mean()
        return {"loss": last(losses, steps), **accuracies}


prepare = LeanLoop
