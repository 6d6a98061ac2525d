"""What is timed: everything that a contestant has to know of a workload, and nothing of any.

Simplest first: the setting of one network, the workload, batches, then the workloads
themselves.  A workload is data; contestants in `benchmarks/contestants` do it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

FEATURES: Final = MappingProxyType({"mnist": 784, "digits": 64})
CLASSES: Final = 10


@dataclasses.dataclass(frozen=True)
class Setting:
    """One network to train.  All are ReLU networks under softmax cross-entropy.

    optimizer  "sgd", "momentum" (0.9), "adagrad" or "adam"
    init       "he", or the standard deviation of all weights
    """

    hidden: tuple[int, ...]
    optimizer: str = "sgd"
    lr: float = 0.01
    weight_decay: float = 0.0
    init: float | str = "he"
    batch_norm: bool = False
    seed: int = 0

    def std(self, fan_in: int) -> float:
        """The standard deviation of weights with so many inputs."""
        return float(np.sqrt(2.0 / fan_in)) if isinstance(self.init, str) else self.init


@dataclasses.dataclass(frozen=True)
class Workload:
    """Networks to train, on what, for how long, and what to look at on the way.

    rows          rows of the splits that are used: the first of train, the next of train as
                  validation, the first of test
    replacement   batches are drawn with replacement, as the book does; else every row once
                  an epoch, the rest of an epoch as a smaller batch
    evaluate_every  steps between evaluations (accuracy on the splits `on`); None: never
    command       arguments of a command line that is the work itself, instead of networks
    """

    name: str
    title: str
    data: str = "mnist"
    train_rows: int = 60_000
    validation_rows: int = 0
    test_rows: int = 0
    members: tuple[Setting, ...] = ()
    batch_size: int = 100
    steps: int = 0
    replacement: bool = False
    evaluate_every: int | None = None
    on: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    def widths(self, member: Setting) -> tuple[int, ...]:
        """Inputs, hidden layers, outputs."""
        return (FEATURES[self.data], *member.hidden, CLASSES)

    @property
    def epoch(self) -> int:
        """Steps that see as many rows as there are."""
        if self.replacement:
            return max(self.train_rows // self.batch_size, 1)
        return -(-self.train_rows // self.batch_size)

    @property
    def ragged(self) -> int:
        """Rows of the smaller batch that ends an epoch; 0 if there is none."""
        return 0 if self.replacement else self.train_rows % self.batch_size

    @property
    def member_steps(self) -> int:
        """Updates of all networks together."""
        return len(self.members) * self.steps

    @property
    def one_seed(self) -> bool:
        """Whether all members share a seed, and so their batches."""
        return len({member.seed for member in self.members}) == 1

    def evaluations(self) -> tuple[int, ...]:
        """The numbers of steps after which accuracies are computed."""
        if self.evaluate_every is None:
            return ()
        return tuple(range(self.evaluate_every, self.steps + 1, self.evaluate_every))

    def batches(self, seed: int, steps: int | None = None) -> Iterator[Indices]:
        """The rows of each batch of the run, from a generator of this seed."""
        rng, left = np.random.default_rng(seed), self.steps if steps is None else steps
        while left > 0:
            if self.replacement:
                count = min(left, 500)
                yield from rng.integers(self.train_rows, size=(count, self.batch_size))
            else:
                order, count = rng.permutation(self.train_rows), min(left, self.epoch)
                for start in range(0, count * self.batch_size, self.batch_size):
                    yield order[start : start + self.batch_size]
            left -= count

    def first(self, count: int | None) -> Workload:
        """The same work for the first members only."""
        if count is None:
            return self
        return dataclasses.replace(self, members=self.members[:count])

    def shapes(self, member: Setting) -> list[tuple[int, int]]:
        """(inputs, outputs) of each weight matrix."""
        return list(pairwise(self.widths(member)))

    def quick(self) -> Workload:
        """About a tenth of the steps, to see whether everything runs."""
        steps = max(self.steps // 10, 1)
        if not self.replacement:  # whole epochs
            steps = max(steps // self.epoch, 1) * self.epoch
        every = self.evaluate_every
        every = steps if every == self.steps else every
        return dataclasses.replace(self, steps=steps, evaluate_every=every).first(1_000)


def search() -> Workload:
    """A: the notes' hyper-parameter search, 100 trials."""
    rng = np.random.default_rng(20_240_613)
    rates, decays = 10 ** rng.uniform(-6, -2, 100), 10 ** rng.uniform(-8, -4, 100)
    return Workload(
        name="A",
        title="hyper-parameter search: 100 trials of 784-100×6-10, 50 epochs of 400 images",
        train_rows=400,
        validation_rows=100,
        members=tuple(
            Setting((100,) * 6, lr=float(lr), weight_decay=float(decay))
            for lr, decay in zip(rates, decays, strict=True)
        ),
        batch_size=100,
        steps=200,
        evaluate_every=4,
        on=("train", "validation"),
    )


def optimizers() -> Workload:
    """B: the notes' comparison of four optimizers, one seed."""
    kinds = {"sgd": 0.01, "momentum": 0.01, "adagrad": 0.01, "adam": 0.001}
    return Workload(
        name="B",
        title="comparison of four optimizers: 784-100×4-10, 2,000 steps of 128 of 60,000 images",
        members=tuple(Setting((100,) * 4, kind, lr) for kind, lr in kinds.items()),
        batch_size=128,
        steps=2_000,
        replacement=True,
    )


def batch_norm_grid() -> Workload:
    """C: the notes' sixteen scales of the initial weights, with and without batch-norm.

    The order is such that any first few members are a fair sample of the scales.
    """
    scales = np.logspace(0, -4, 16)
    order = [int(f"{i:04b}"[::-1], 2) for i in range(16)]
    return Workload(
        name="C",
        title="batch-norm grid: 16 scales × with and without, 784-100×5-10, 200 steps of 100",
        train_rows=1_000,
        members=tuple(
            Setting((100,) * 5, lr=0.01, init=float(scales[i]), batch_norm=norm)
            for i in order
            for norm in (False, True)
        ),
        batch_size=100,
        steps=200,
        evaluate_every=10,
        on=("train",),
    )


def thousand_seeds() -> Workload:
    """D: a thousand tiny networks."""
    return Workload(
        name="D",
        title="1,000 seeds of 64-32-10 on the digits, Adam, 10 epochs of 1,437 images",
        data="digits",
        train_rows=1_437,
        members=tuple(Setting((32,), "adam", 0.001, seed=seed) for seed in range(1_000)),
        batch_size=32,
        steps=450,
    )


# The trainings of the study notes: the book's scripts of these take minutes.
NOTES: Final = (
    "two-layer-network",
    "optimizer-comparison",
    "weight-init-comparison",
    "batch-norm",
    "weight-decay",
    "dropout",
    "hyper-parameter-search",
)


def experiments() -> Workload:
    """E: the notes' trainings as one command."""
    return Workload(
        name="E",
        title="the notes' experiments on MNIST, one seed, as one command",
        command=("run", *NOTES, "--data", "mnist", "--seeds", "1"),
    )


def one_network() -> Workload:
    """F: a single larger network, where a population has nothing to offer."""
    return Workload(
        name="F",
        title="one network 784-512-256-10, Adam, 2 epochs of 60,000 images, batch 256",
        test_rows=10_000,
        members=(Setting((512, 256), "adam", 0.001),),
        batch_size=256,
        steps=470,
        evaluate_every=470,
        on=("test",),
    )


SIZES: Final = (1, 10, 100, 1_000, 10_000)
SIZES_WORK: Final = 100_000  # member-steps of each size, roughly
WIDTHS: Final = (10, 100, 300, 1_000)


def population_size(count: int) -> Workload:
    """One point of the sweep over the number of networks; few get more steps than many."""
    epochs = min(max(round(SIZES_WORK / (45 * count)), 1), 40)
    return Workload(
        name=f"size-{count}",
        title=f"{count:,} × 64-32-10 on the digits, Adam, batch 32",
        data="digits",
        train_rows=1_437,
        members=tuple(Setting((32,), "adam", 0.001, seed=seed) for seed in range(count)),
        batch_size=32,
        steps=45 * epochs,
    )


def width(units: int) -> Workload:
    """One point of the sweep over the width of the hidden layers, eight networks."""
    epochs = {10: 10, 100: 8, 300: 3, 1_000: 1}[units]
    return Workload(
        name=f"width-{units}",
        title=f"8 × 784-{units}-{units}-10 on 3,000 images, Adam, batch 100",
        train_rows=3_000,
        members=tuple(Setting((units, units), "adam", 0.001, seed=seed) for seed in range(8)),
        batch_size=100,
        steps=30 * epochs,
    )


MAIN: Final = ("A", "B", "C", "D", "E", "F")
SIZE_SWEEP: Final = tuple(f"size-{count}" for count in SIZES)
WIDTH_SWEEP: Final = tuple(f"width-{units}" for units in WIDTHS)
NAMES: Final = (*MAIN, *SIZE_SWEEP, *WIDTH_SWEEP)


def workload(name: str, quick: bool = False) -> Workload:
    """The workload of this name."""
    makers = {
        "A": search,
        "B": optimizers,
        "C": batch_norm_grid,
        "D": thousand_seeds,
        "E": experiments,
        "F": one_network,
    }
    kind, _, number = name.partition("-")
    if name in makers:
        made = makers[name]()
    elif name in NAMES:
        made = {"size": population_size, "width": width}[kind](int(number))
    else:
        raise ValueError(f"no workload is called {name!r}; there are {', '.join(NAMES)}")
    return made.quick() if quick and not made.command else made
