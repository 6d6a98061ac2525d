"""Threads that share the work of one step, where there are more cores than jobs.

A population keeps cores busy by its members.  A network that is trained alone is one job; its
large matrix products and the passes of its optimizer are cut into parts for a pool of threads.  No
part adds numbers in another order than the whole would, so that not a bit changes: an optimizer
works number by number, and of products it is verified (network/products.py).
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue

from trainlab.blas import one_thread

Part = Callable[[], object]


class _ThreadPool:
    """The thread that made it, and others, which it starts when there is work to share."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._workers: list[threading.Thread] = []
        self._parts: SimpleQueue[tuple[contextvars.Context, Part] | None] = SimpleQueue()
        self._ends: SimpleQueue[BaseException | None] = SimpleQueue()

    def run(self, parts: Sequence[Part]) -> None:
        while len(self._workers) < self.threads - 1:
            worker = threading.Thread(target=self._work, name="trainlab pool", daemon=True)
            worker.start()
            self._workers.append(worker)
        for part in parts[1:]:  # with what NumPy is told to do where numbers overflow
            self._parts.put((contextvars.copy_context(), part))
        try:
            parts[0]()
        finally:
            errors = [self._ends.get() for _ in parts[1:]]
        for error in filter(None, errors):
            raise error

    def _work(self) -> None:
        while (task := self._parts.get()) is not None:
            context, part = task
            try:
                with one_thread():
                    context.run(part)
            except BaseException as error:  # noqa: BLE001  # raised again in `run`
                self._ends.put(error)
            else:
                self._ends.put(None)

    def close(self) -> None:
        for _ in self._workers:
            self._parts.put(None)


class _Local(threading.local):
    pool: _ThreadPool | None = None


_LOCAL = _Local()


@contextmanager
def thread_pool(threads: int) -> Iterator[None]:
    """So many threads, this one among them, for what is shared inside the block."""
    before = _LOCAL.pool
    _LOCAL.pool = _ThreadPool(threads) if threads > 1 else None
    try:
        yield
    finally:
        if _LOCAL.pool is not None:
            _LOCAL.pool.close()
        _LOCAL.pool = before


def pool_threads() -> int:
    """How many threads this one may share its work with, itself among them."""
    return 1 if _LOCAL.pool is None else _LOCAL.pool.threads


def run_in_parallel(parts: Sequence[Part]) -> None:
    """Calls all parts, of which none needs another's end, at most as many as there are threads.

    >>> found = []
    >>> with thread_pool(2):
    ...     run_in_parallel([lambda: found.append("a"), lambda: found.append("b")])
    >>> sorted(found)
    ['a', 'b']
    """
    if _LOCAL.pool is None or len(parts) < 2:
        for part in parts:
            part()
    else:
        _LOCAL.pool.run(parts)
