"""The order in which the samples of an epoch are seen: a function of (seed, epoch) alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainlab import memory
from trainlab.settings import Settings, choice, integer
from trainlab.streams import stream

KINDS = ("permutation", "book")

LARGE: Final = 2**20
"""Rows of an epoch from which on it is asked whether they fit into memory."""


@dataclass(frozen=True)
class Batches(Settings):
    """The batches of an epoch over `n` samples.

    "permutation": a random order cut into ceil(n / batch_size) batches; every sample
    once per epoch, the ragged rest as a last batch by itself.
    "book": max(n // batch_size, 1) batches of exactly `batch_size` samples, each
    drawn with replacement: some samples are seen twice in an epoch, some never.

    Source: Saito, Deep Learning from Scratch, 4.5 (the batches of the book), whose
    steps per epoch are the fraction n / batch_size; here they are an integer.
    Other libraries: PyTorch's and Keras' loaders are the permutation.

    >>> [len(batch) for batch in Batches(10, 4).epoch(seed=0, epoch=0)]
    [4, 4, 2]
    >>> [len(batch) for batch in Batches(10, 4, "book").epoch(seed=0, epoch=0)]
    [4, 4]
    """

    n: int = integer(low=1)
    batch_size: int = integer(low=1, remedy="100")
    kind: str = choice(KINDS, "permutation")

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches in an epoch."""
        if self.kind == "book":
            return max(self.n // self.batch_size, 1)
        return -(-self.n // self.batch_size)

    @property
    def rows(self) -> int:
        """The number of samples of the largest batch."""
        return self.batch_size if self.kind == "book" else min(self.batch_size, self.n)

    def sizes(self, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of samples of the batch of each step; steps are counted from 0, on and on.

        >>> Batches(10, 4).sizes(np.arange(5)).tolist()
        [4, 4, 2, 4, 4]
        """
        samples = self.steps_per_epoch * self.batch_size if self.kind == "book" else self.n
        before = steps % self.steps_per_epoch * self.batch_size
        sizes: NDArray[np.int64] = np.minimum(samples - before, self.batch_size)
        return sizes

    def epoch(self, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """The int64 indices of each batch of one epoch (counted from 0), in order.

        Members of a population that share a seed share them.
        """
        order, size = self.order(seed, epoch), self.batch_size
        return [order[i * size : (i + 1) * size] for i in range(self.steps_per_epoch)]

    def order(self, seed: int, epoch: int) -> NDArray[np.int64]:
        """The batches of one epoch, one after the other."""
        rng = stream(seed, "batches", epoch)
        rows = self.steps_per_epoch * self.batch_size if self.kind == "book" else self.n
        if rows > LARGE:
            memory.need(rows * np.dtype(np.int64).itemsize, "the order of an epoch", "Batches")
        order: NDArray[Any]
        if self.kind == "book":
            size = self.steps_per_epoch * self.batch_size
            order = rng.integers(self.n, size=size, dtype=np.int64)
        else:
            order = rng.permutation(self.n).astype(np.int64, copy=False)
        return order
