"""Threads that share the work of one step, where there are more cores than jobs.

A population keeps cores busy by its members.  A network that is trained alone is one job; its
large matrix products and the passes of its optimizer are cut into parts for a crew.  No
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


class _Crew:
    """A thread that leads, which made it, and some that help, from when there is work to share."""

    def __init__(self, hands: int) -> None:
        self.hands = hands
        self._helpers: list[threading.Thread] = []
        self._parts: SimpleQueue[tuple[contextvars.Context, Part] | None] = SimpleQueue()
        self._ends: SimpleQueue[BaseException | None] = SimpleQueue()

    def do(self, parts: Sequence[Part]) -> None:
        while len(self._helpers) < self.hands - 1:
            helper = threading.Thread(target=self._help, name="trainlab crew", daemon=True)
            helper.start()
            self._helpers.append(helper)
        for part in parts[1:]:  # with what NumPy is told to do where numbers overflow
            self._parts.put((contextvars.copy_context(), part))
        try:
            parts[0]()
        finally:
            errors = [self._ends.get() for _ in parts[1:]]
        for error in filter(None, errors):
            raise error

    def _help(self) -> None:
        while (task := self._parts.get()) is not None:
            context, part = task
            try:
                with one_thread():
                    context.run(part)
            except BaseException as error:  # noqa: BLE001  # the one who leads raises it
                self._ends.put(error)
            else:
                self._ends.put(None)

    def leave(self) -> None:
        for _ in self._helpers:
            self._parts.put(None)


class _Own(threading.local):
    crew: _Crew | None = None


_OWN = _Own()


@contextmanager
def crew(hands: int) -> Iterator[None]:
    """So many threads, this one among them, for what is shared inside the block."""
    before = _OWN.crew
    _OWN.crew = _Crew(hands) if hands > 1 else None
    try:
        yield
    finally:
        if _OWN.crew is not None:
            _OWN.crew.leave()
        _OWN.crew = before


def hands() -> int:
    """How many threads this one may share its work with, itself among them."""
    return 1 if _OWN.crew is None else _OWN.crew.hands


def at_once(parts: Sequence[Part]) -> None:
    """Calls all parts, of which none needs another's end, at most as many as there are hands.

    >>> found = []
    >>> with crew(2):
    ...     at_once([lambda: found.append("a"), lambda: found.append("b")])
    >>> sorted(found)
    ['a', 'b']
    """
    if _OWN.crew is None or len(parts) < 2:
        for part in parts:
            part()
    else:
        _OWN.crew.do(parts)
