"""The roofline: the float32 matrix products of a workload, and nothing else.

Forward, gradient of the weights, gradient of the inputs (of all layers but the first),
and the forward products of evaluations, by NumPy, on two Python threads with one thread
of BLAS each; of a network alone on two threads of BLAS, where these are quicker.  No
activation, no loss, no optimizer, no batch is gathered: a trainer that uses the same
products cannot be faster than this.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.contestants.base import Array, Contestant, Outcome, quickest
from benchmarks.workloads import Workload

Member = tuple[tuple[int, ...], int]  # widths, and how many members have them


class Roofline(Contestant):
    """Members in stacks of a size found by trial, shared out over two threads."""

    threads: ClassVar[int] = 2
    warm_up_steps = 20
    stack = blas = 1

    def tune(self) -> None:
        members = len(self.workload.members)
        sizes = [size for size in (1, 4, 16, 64) if size * self.threads <= members] or [1]
        choices = [(size, 1) for size in sizes]
        if members < self.threads:
            choices.append((1, self.threads))

        some = self.workload.first(max(sizes) * self.threads)

        def trial(choice: tuple[int, int]) -> float:
            self.stack, self.blas = choice
            self._train(some, min(some.steps, 50), evaluate=False)
            return some.member_steps

        self.stack, self.blas = quickest(choices, trial)
        self.options = {"threads": self.threads, "networks per stack": self.stack}

    def run(self, steps: int | None = None) -> Outcome:
        workload = self.workload
        self._train(workload, workload.steps if steps is None else min(steps, workload.steps))
        return {}

    def _train(self, workload: Workload, steps: int, evaluate: bool = True) -> None:
        stacks: list[Member] = []
        kinds: dict[tuple[int, ...], int] = {}
        for member in workload.members:
            widths = workload.widths(member)
            kinds[widths] = kinds.get(widths, 0) + 1
        for widths, count in kinds.items():
            stacks += [(widths, min(self.stack, count - i)) for i in range(0, count, self.stack)]
        limit = threadpool_limits(self.blas, user_api="blas")
        with limit, ThreadPoolExecutor(self.threads) as pool:
            list(
                pool.map(
                    lambda stack: _products(workload, stack[0], stack[1], steps, evaluate), stacks
                )
            )


def _products(
    workload: Workload, widths: tuple[int, ...], members: int, steps: int, evaluate: bool
) -> None:
    shapes = list(pairwise(widths))
    rng = np.random.default_rng(0)
    # One matrix repeated: the values do not matter to the time, as long as none is denormal.
    W = [np.repeat(rng.random((1, *shape), dtype=np.float32), members, 0) for shape in shapes]
    dW = [np.empty_like(w) for w in W]
    batches = {rows: _Buffers(widths, members, rows) for rows in _batch_rows(workload)}
    splits = [_Buffers(widths, members, rows) for rows in _evaluation_rows(workload)]
    evaluations = set(workload.evaluations()) if evaluate else set()
    for step in range(1, steps + 1):
        ends_epoch = workload.ragged and step % workload.epoch == 0
        buffers = batches[workload.ragged if ends_epoch else workload.batch_size]
        x, y, dy, dx = buffers.x, buffers.y, buffers.dy, buffers.dx
        for i in range(len(shapes)):
            np.matmul(x[i], W[i], out=y[i])
        for i in reversed(range(len(shapes))):
            np.matmul(x[i].mT, dy[i], out=dW[i])
            if i:
                np.matmul(dy[i], W[i].mT, out=dx[i])
        if step in evaluations:
            for split in splits:
                for i in range(len(shapes)):
                    np.matmul(split.x[i], W[i], out=split.y[i])


class _Buffers:
    """Inputs, outputs and their gradients for batches of so many rows."""

    def __init__(self, widths: Sequence[int], members: int, rows: int) -> None:
        rng = np.random.default_rng(1)
        self.x: list[Array] = [rng.random((rows, widths[0]), dtype=np.float32)]
        self.x += [rng.random((members, rows, width), dtype=np.float32) for width in widths[1:-1]]
        self.dy = [rng.random((members, rows, width), dtype=np.float32) for width in widths[1:]]
        self.y = [np.empty_like(dy) for dy in self.dy]
        self.dx = [None, *(np.empty_like(x) for x in self.x[1:])]


def _batch_rows(workload: Workload) -> set[int]:
    return {workload.batch_size, workload.ragged} - {0}


TILE = 500


def _evaluation_rows(workload: Workload) -> list[int]:
    """The rows of each product of an evaluation: whole splits, large ones in tiles."""
    sizes = {
        "train": workload.train_rows,
        "validation": workload.validation_rows,
        "test": workload.test_rows,
    }
    tiles = []
    for split in workload.on:
        full, rest = divmod(sizes[split], TILE)
        tiles += [TILE] * full + [rest] * (rest > 0)
    return tiles


prepare = Roofline
