"""The order in which the samples of an epoch are seen: a function of (seed, epoch) alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainlab import memory
from trainlab.callers import warn
from trainlab.settings import Settings, choice, integer
from trainlab.streams import packed, stream
from trainlab.terminal import counted

KINDS = ("permutation", "book")

Permutations = Callable[[NDArray[np.uint64], int, NDArray[np.int64], int], None]
"""Fills a matrix with the permutations of some seeds' streams, whose other key is the first
integer, on as many threads as the second one says."""

LARGE: Final = 2**20
"""Rows of an epoch from which on it is asked whether they fit into memory."""


def tell_of_a_large_batch(batch_size: int, rows: int) -> None:
    """Warns where batches were asked for that are larger than all rows."""
    if batch_size > rows:
        text = f"batch_size={batch_size} is more than {counted(rows, 'row')}: each batch has all"
        warn(f"{text} of them", UserWarning)


def tell_of_single_rows(batches: Batches, of_one: bool) -> None:
    """Warns where a batch has one row, of which batch normalization makes zeros.

    of_one  whether a last batch of one row is said, too, and not batches of one row alone
    """
    n, size = batches.n, batches.rows
    makes = "of one row, of which batch normalization makes 0, whatever it is: nothing before it"
    if n == 1:
        text = f"training is {makes} learns; try rows that differ, as equal ones may count as one"
    elif size == 1:
        text = f"batches are {makes} learns; try batch_size=32, or norm='layer'"
    elif of_one and batches.kind == "permutation" and n % size == 1:
        other = next(one for one in range(size + 1, n + 1) if n % one != 1)
        text = (
            f"batch_size={size} of {n} rows leaves a last batch {makes} learns in it; "
            f"try batch_size={other}"
        )
    else:
        return
    warn(text, UserWarning)


@dataclass(frozen=True)
class Batches(Settings):
    """The batches of an epoch over `n` samples.

    Parameters
    ----------
    n : int
        The number of samples.
    batch_size : int
        Samples per batch.
    kind : {"permutation", "book"}
        "permutation": a random order cut into ceil(n / batch_size) batches; every sample once
        per epoch, the smaller rest as a last batch of its own.
        "book": max(n // batch_size, 1) batches of exactly `batch_size` samples, each drawn with
        replacement: some samples are seen twice in an epoch, some never.

    Raises
    ------
    SettingError
        If a number is not an integer >= 1, or there is no such kind.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, 4.5 (the batches of the book), whose steps per
    epoch are the fraction n / batch_size; here they are an integer.  Other libraries: the
    loaders of PyTorch and Keras are the permutation.

    Examples
    --------
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
        """Count the samples of the batches of some steps.

        Parameters
        ----------
        steps : ndarray of int64
            Numbers of steps, counted from 0 through all epochs.

        Returns
        -------
        ndarray of int64
            The number of samples of each step's batch.

        Examples
        --------
        >>> Batches(10, 4).sizes(np.arange(5)).tolist()
        [4, 4, 2, 4, 4]
        """
        samples = self.steps_per_epoch * self.batch_size if self.kind == "book" else self.n
        before = steps % self.steps_per_epoch * self.batch_size
        sizes: NDArray[np.int64] = np.minimum(samples - before, self.batch_size)
        return sizes

    def epoch(self, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """Draw the batches of one epoch.

        Parameters
        ----------
        seed : int
            Members of a population that share a seed share their batches.
        epoch : int
            The number of the epoch, counted from 0.

        Returns
        -------
        list of ndarray of int64
            The indices of each batch, in order.
        """
        order, size = self.order(seed, epoch), self.batch_size
        return [order[i * size : (i + 1) * size] for i in range(self.steps_per_epoch)]

    def order(self, seed: int, epoch: int) -> NDArray[np.int64]:
        """Draw the batches of one epoch, as one array.

        Parameters
        ----------
        seed : int
            Members of a population that share a seed share their batches.
        epoch : int
            The number of the epoch, counted from 0.

        Returns
        -------
        ndarray of int64
            The indices of the first batch, of the second, and so on.
        """
        _need_memory(self, 1)
        rng = stream(seed, "batches", epoch)
        order: NDArray[Any]
        if self.kind == "book":
            size = self.steps_per_epoch * self.batch_size
            order = rng.integers(self.n, size=size, dtype=np.int64)
        else:
            order = rng.permutation(self.n).astype(np.int64, copy=False)
        return order


def orders_of(
    batches: Batches,
    seeds: Sequence[int],
    epoch: int,
    permutations: Permutations | None = None,
    threads: int = 1,
) -> NDArray[np.int64]:
    """The `order` of an epoch for several seeds, one to a row.

    permutations  draws many permutations faster than NumPy, and the same ones
    """
    if permutations is None or batches.kind != "permutation":
        return np.stack([batches.order(seed, epoch) for seed in seeds])
    _need_memory(batches, len(seeds))
    orders = np.empty((len(seeds), batches.n), np.int64)
    permutations(np.array(seeds, np.uint64), packed("batches", epoch), orders, threads)
    return orders


class BatchSource:
    """The batches of steps for the seeds of a lane.

    permutations, threads  as `orders_of` takes them
    """

    def __init__(
        self, batches: Batches, permutations: Permutations | None = None, threads: int = 1
    ) -> None:
        self._batches, self._permutations, self._threads = batches, permutations, threads
        self._epoch, self._orders = -1, np.empty((0, 0), np.int64)
        self._place: dict[int, int] = {}

    def between(self, seeds: Sequence[int], first: int, end: int) -> NDArray[np.int64]:
        """The batches (S, n, B) of the steps from `first` on, at most to `end`, that are alike.

        Alike: of one epoch and of one size, as the last batch of an epoch may be smaller.
        """
        epoch, offset = divmod(first, self._batches.steps_per_epoch)
        orders, size = self._orders_of(seeds, epoch), self._batches.batch_size
        whole = orders.shape[1] // size
        if offset >= whole:
            return orders[:, None, offset * size :]
        rows = slice(offset * size, min(offset + end - first, whole) * size)
        return orders[:, rows].reshape(len(orders), -1, size)

    def _orders_of(self, seeds: Sequence[int], epoch: int) -> NDArray[np.int64]:
        """The batches (S, samples) of an epoch end to end, drawn when it begins.

        A lane that loses members may lose seeds in the middle of an epoch.
        """
        if self._epoch != epoch:
            self._orders = orders_of(self._batches, seeds, epoch, self._permutations, self._threads)
            self._place = {seed: row for row, seed in enumerate(seeds)}
            self._epoch = epoch
        if list(self._place) == list(seeds):
            return self._orders
        return self._orders[[self._place[seed] for seed in seeds]]


def _need_memory(batches: Batches, orders: int) -> None:
    """Asks for the memory of so many orders, if it is much."""
    rows = batches.steps_per_epoch * batches.batch_size if batches.kind == "book" else batches.n
    if rows > LARGE:
        size = orders * rows * np.dtype(np.int64).itemsize
        memory.need(size, "the order of an epoch", "Batches")
