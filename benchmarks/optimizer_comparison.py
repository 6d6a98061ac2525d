"""The optimizer comparison on MNIST, timed: a population, a text-book loop, and the GEMM limit.

    make bench

4 optimizers, 784-100×4-10, batch 128.  In each repeat the contestants run one after the
other, so that a change of the machine's speed meets all of them; medians are reported.
The limit is the time of the step's matrix products alone, float32, on the same threads.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import book_loop
import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

import trainlab as tl
from trainlab.training.grouping import usable_cores

WIDTHS = (784, 100, 100, 100, 100, 10)
BATCH = 128
SEED = 0


def population(data: tl.Dataset, steps: int) -> list[float]:
    """Our run: the loss of the last step of each optimizer."""
    members = tl.Population.grid(
        tl.MLP(hidden=WIDTHS[1:-1], init="he"),
        [tl.SGD.book(0.01), tl.Momentum.book(0.01), tl.AdaGrad.book(0.01), tl.Adam.book(0.001)],
        seed=SEED,
    )
    history = members.fit(data, batch_size=BATCH, steps=steps, batches="book", evaluate=None)
    return [float(loss) for loss in history["train_loss"][:, -1]]


def loop(data: tl.Dataset, steps: int) -> list[float]:
    """The text-book loop: one network after the other."""
    arrays = data.train.x.astype(np.float64), data.train.t
    updates = [
        book_loop.sgd(0.01),
        book_loop.momentum(0.01),
        book_loop.adagrad(0.01),
        book_loop.adam(0.001),
    ]
    return [book_loop.train(WIDTHS, update, arrays, BATCH, steps, SEED) for update in updates]


def limit(data: tl.Dataset, steps: int) -> list[float]:
    """The matrix products of the same steps and nothing else."""
    rng = np.random.default_rng(SEED)
    shapes = list(pairwise(WIDTHS))
    x = [rng.random((BATCH, i), dtype=np.float32) for i, _ in shapes]
    dy = [rng.random((BATCH, o), dtype=np.float32) for _, o in shapes]

    def products(_: int) -> None:
        W = [rng.random((i, o), dtype=np.float32) for i, o in shapes]
        y, dW = [np.empty_like(a) for a in dy], [np.empty_like(w) for w in W]
        dx = [np.empty_like(a) for a in x]
        for _ in range(steps):
            for layer in range(len(shapes)):
                np.matmul(x[layer], W[layer], out=y[layer])
            for layer in reversed(range(len(shapes))):
                np.matmul(x[layer].T, dy[layer], out=dW[layer])
                if layer:
                    np.matmul(dy[layer], W[layer].T, out=dx[layer])

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(products, range(4)))
    return []


CONTESTANTS: dict[str, Callable[[tl.Dataset, int], list[float]]] = {
    "population": population,
    "text-book loop": loop,
    "matrix products alone": limit,
}


def positive(text: str) -> int:
    """An integer >= 1, or an error that argparse shows."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be an integer >= 1; got {text}")
    return value


def main() -> None:
    """Times the contestants in turn, prints a table, writes the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=positive, default=400)
    parser.add_argument("--repeats", type=positive, default=5)
    parser.add_argument("--out", type=Path, default=Path("results/benchmark.json"))
    options = parser.parse_args()
    console, data = Console(), tl.load_mnist()
    seconds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    losses: dict[str, list[float]] = {}
    for name, run in CONTESTANTS.items():  # a warm-up that is not counted
        losses[name] = run(data, options.steps)
    for repeat in range(options.repeats):
        console.print(f"repeat {repeat + 1} of {options.repeats}")
        for name, run in CONTESTANTS.items():
            start = time.perf_counter()
            run(data, options.steps)
            seconds[name].append(time.perf_counter() - start)
    ours = statistics.median(seconds["population"])
    table = Table(title=f"4 optimizers × {options.steps} steps, 784-100×4-10, batch {BATCH}, MNIST")
    table.add_column("", no_wrap=True)
    for column in ("median s", "min s", "max s", "time / ours"):
        table.add_column(column, justify="right")
    for name, times in seconds.items():
        median = statistics.median(times)
        row = (median, min(times), max(times), median / ours)
        table.add_row(name, *(f"{value:.2f}" for value in row))
    console.print(table)
    console.print("loss of the last batch under SGD, Momentum, AdaGrad, Adam (one run each):")
    for name in ("population", "text-book loop"):
        console.print(f"  {name}: " + ", ".join(f"{loss:.3f}" for loss in losses[name]))
    environment = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "cores": usable_cores(),
    }
    settings = {"steps": options.steps, "repeats": options.repeats, "batch": BATCH}
    report = {"settings": settings, "seconds": seconds, "environment": environment}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1))
    console.print(f"figures: {options.out}")


if __name__ == "__main__":
    main()
