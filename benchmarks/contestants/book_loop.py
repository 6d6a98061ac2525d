"""The training loop as the book *Deep Learning from Scratch* has its readers write it.

float64; a class for each layer; targets one-hot; every layer computes the gradient of
its inputs, the first one too; the trainer draws each batch with `choice` and computes
the loss of the batch again after the update; optimizers keep dictionaries.  The code
is ours; what it computes, and how often, is the book's.  It runs as a reader's script
would, without any setting of threads or kernels.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from benchmarks.contestants.base import Array, Contestant, Outcome, collect, last
from benchmarks.data import Data
from benchmarks.workloads import CLASSES, Setting, Workload

Params = dict[str, Array]


class Affine:
    """y = x·W + b."""

    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b

    def forward(self, x: Array, training: bool) -> Array:
        self.x = x
        y: Array = np.dot(x, self.W)
        return y + self.b

    def backward(self, dy: Array) -> Array:
        dx: Array = np.dot(dy, self.W.T)
        self.dW = np.dot(self.x.T, dy)
        self.db = np.sum(dy, axis=0)
        return dx


class Relu:
    """Keeps what is positive; a boolean mask remembers what was not."""

    def forward(self, x: Array, training: bool) -> Array:
        self.mask = x <= 0
        y = x.copy()
        y[self.mask] = 0
        return y

    def backward(self, dy: Array) -> Array:
        dy[self.mask] = 0
        return dy


class BatchNormalization:
    """y = γ·(x − mean)/√(var + 1e-6) + β; running statistics for evaluation."""

    def __init__(self, gamma: Array, beta: Array, decay: float = 0.9) -> None:
        self.gamma, self.beta, self.decay = gamma, beta, decay
        self.mean, self.var = np.zeros_like(beta), np.zeros_like(beta)

    def forward(self, x: Array, training: bool) -> Array:
        if not training:
            known: Array = self.gamma * (x - self.mean) / np.sqrt(self.var + 1e-6) + self.beta
            return known
        mean = x.mean(axis=0)
        self.centred = x - mean
        var = np.mean(self.centred**2, axis=0)
        self.std = np.sqrt(var + 1e-6)
        self.normal = self.centred / self.std
        self.mean = self.decay * self.mean + (1 - self.decay) * mean
        self.var = self.decay * self.var + (1 - self.decay) * var
        y: Array = self.gamma * self.normal + self.beta
        return y

    def backward(self, dy: Array) -> Array:
        rows = len(dy)
        self.dbeta = dy.sum(axis=0)
        self.dgamma = np.sum(self.normal * dy, axis=0)
        dnormal = self.gamma * dy
        dcentred = dnormal / self.std
        dstd = -np.sum(dnormal * self.centred / (self.std * self.std), axis=0)
        dvar = 0.5 * dstd / self.std
        dcentred += 2.0 / rows * self.centred * dvar
        dx: Array = dcentred - np.sum(dcentred, axis=0) / rows
        return dx


def softmax(x: Array) -> Array:
    """Probabilities of each row."""
    x = x.T
    x = x - np.max(x, axis=0)
    y: Array = np.exp(x) / np.sum(np.exp(x), axis=0)
    return y.T


def cross_entropy(y: Array, t: Array) -> float:
    """The mean of −log(y + 1e-7) at the right classes; t is one-hot."""
    labels = t.argmax(axis=1)
    return float(-np.sum(np.log(y[np.arange(len(y)), labels] + 1e-7)) / len(y))


class SoftmaxWithLoss:
    """Softmax, then the cross-entropy with one-hot targets."""

    def forward(self, x: Array, t: Array) -> float:
        self.t = t
        self.y = softmax(x)
        return cross_entropy(self.y, t)

    def backward(self) -> Array:
        dy: Array = (self.y - self.t) / len(self.t)
        return dy


class MultiLayerNet:
    """Affine, perhaps batch normalization, and ReLU for each hidden layer; then affine."""

    def __init__(
        self, widths: tuple[int, ...], setting: Setting, random: np.random.RandomState
    ) -> None:
        self.weight_decay = setting.weight_decay
        self.depth = len(widths) - 1
        self.params: Params = {}
        self.layers: OrderedDict[str, Any] = OrderedDict()
        for i in range(1, self.depth + 1):
            fan_in, fan_out = widths[i - 1], widths[i]
            self.params[f"W{i}"] = setting.std(fan_in) * random.randn(fan_in, fan_out)
            self.params[f"b{i}"] = np.zeros(fan_out)
            self.layers[f"Affine{i}"] = Affine(self.params[f"W{i}"], self.params[f"b{i}"])
            if i == self.depth:
                break
            if setting.batch_norm:
                self.params[f"gamma{i}"] = np.ones(fan_out)
                self.params[f"beta{i}"] = np.zeros(fan_out)
                self.layers[f"BatchNorm{i}"] = BatchNormalization(
                    self.params[f"gamma{i}"], self.params[f"beta{i}"]
                )
            self.layers[f"Relu{i}"] = Relu()
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x: Array, training: bool = False) -> Array:
        for layer in self.layers.values():
            x = layer.forward(x, training)
        return x

    def loss(self, x: Array, t: Array, training: bool = False) -> float:
        y = self.predict(x, training)
        penalty = 0.0
        for i in range(1, self.depth + 1):
            penalty += 0.5 * self.weight_decay * np.sum(self.params[f"W{i}"] ** 2)
        return self.last_layer.forward(y, t) + penalty

    def accuracy(self, x: Array, t: Array) -> float:
        y = np.argmax(self.predict(x), axis=1)
        return float(np.sum(y == np.argmax(t, axis=1)) / len(x))

    def gradient(self, x: Array, t: Array) -> Params:
        self.loss(x, t, training=True)
        dy = self.last_layer.backward()
        for layer in reversed(list(self.layers.values())):
            dy = layer.backward(dy)
        grads: Params = {}
        for i in range(1, self.depth + 1):
            affine = self.layers[f"Affine{i}"]
            grads[f"W{i}"] = affine.dW + self.weight_decay * affine.W
            grads[f"b{i}"] = affine.db
            if f"BatchNorm{i}" in self.layers:
                grads[f"gamma{i}"] = self.layers[f"BatchNorm{i}"].dgamma
                grads[f"beta{i}"] = self.layers[f"BatchNorm{i}"].dbeta
        return grads


class SGD:
    """p −= lr·g."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def update(self, params: Params, grads: Params) -> None:
        for key in params:
            params[key] -= self.lr * grads[key]


class Momentum:
    """v = 0.9·v − lr·g; p += v."""

    def __init__(self, lr: float, momentum: float = 0.9) -> None:
        self.lr, self.momentum = lr, momentum
        self.v: Params = {}

    def update(self, params: Params, grads: Params) -> None:
        if not self.v:
            self.v = {key: np.zeros_like(value) for key, value in params.items()}
        for key in params:
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]


class AdaGrad:
    """h += g²; p −= lr·g/(√h + 1e-7)."""

    def __init__(self, lr: float) -> None:
        self.lr = lr
        self.h: Params = {}

    def update(self, params: Params, grads: Params) -> None:
        if not self.h:
            self.h = {key: np.zeros_like(value) for key, value in params.items()}
        for key in params:
            self.h[key] += grads[key] * grads[key]
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + 1e-7)


class Adam:
    """The corrections of the means folded into the rate; p −= rate·m/(√v + 1e-7)."""

    def __init__(self, lr: float, beta1: float = 0.9, beta2: float = 0.999) -> None:
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.iter = 0
        self.m: Params = {}
        self.v: Params = {}

    def update(self, params: Params, grads: Params) -> None:
        if not self.m:
            self.m = {key: np.zeros_like(value) for key, value in params.items()}
            self.v = {key: np.zeros_like(value) for key, value in params.items()}
        self.iter += 1
        rate = self.lr * np.sqrt(1.0 - self.beta2**self.iter) / (1.0 - self.beta1**self.iter)
        for key in params:
            self.m[key] += (1 - self.beta1) * (grads[key] - self.m[key])
            self.v[key] += (1 - self.beta2) * (grads[key] ** 2 - self.v[key])
            params[key] -= rate * self.m[key] / (np.sqrt(self.v[key]) + 1e-7)


OPTIMIZERS = {"sgd": SGD, "momentum": Momentum, "adagrad": AdaGrad, "adam": Adam}


class Trainer:
    """Draws a batch, takes a step, records the loss of the batch after it; evaluates at times."""

    def __init__(
        self, workload: Workload, data: dict[str, tuple[Array, Array]], member: Setting
    ) -> None:
        self.workload, self.data = workload, data
        self.random = np.random.RandomState(member.seed)  # the generator the book uses
        self.network = MultiLayerNet(workload.widths(member), member, self.random)
        self.optimizer = OPTIMIZERS[member.optimizer](member.lr)
        self.losses: list[float] = []
        self.accuracies: dict[str, list[float]] = {split: [] for split in workload.on}

    def train_step(self) -> None:
        x, t = self.data["train"]
        rows = self.random.choice(len(x), self.workload.batch_size)
        x_batch, t_batch = x[rows], t[rows]
        grads = self.network.gradient(x_batch, t_batch)
        self.optimizer.update(self.network.params, grads)
        self.losses.append(self.network.loss(x_batch, t_batch))

    def train(self, steps: int) -> dict[str, float]:
        evaluations = set(self.workload.evaluations())
        for step in range(1, steps + 1):
            self.train_step()
            if step in evaluations:
                for split, values in self.accuracies.items():
                    values.append(self.network.accuracy(*self.data[split]))
        found = {f"{split}_accuracy": v[-1] for split, v in self.accuracies.items() if v}
        return {"loss": last(np.array(self.losses), steps), **found}


class BookLoop(Contestant):
    """One network after the other."""

    warm_up_steps = 5

    def __init__(self, workload: Workload, data: Data, count: int | None = None) -> None:
        super().__init__(workload, data, count)
        one_hot = np.eye(CLASSES)
        self.arrays = {name: (x.astype(np.float64), one_hot[t]) for name, (x, t) in data.items()}

    def run(self, steps: int | None = None) -> Outcome:
        steps = self.workload.steps if steps is None else min(steps, self.workload.steps)
        with np.errstate(all="ignore"):  # networks that start too large diverge
            return collect(
                Trainer(self.workload, self.arrays, member).train(steps)
                for member in self.workload.members
            )


prepare = BookLoop
