"""Ctrl-C at a moment at which it would do harm, or be lost."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C during the block takes effect at its end.

    For the import of compiled modules: some, as those of onnx, do not expect an exception from
    the Python code that they call, and crash.
    """
    before = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if before is None or not main:  # not a handler of Python, or it interrupts another thread
        yield
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def unswallowed() -> Iterator[None]:
    """What Ctrl-C raises during the block leaves it, whatever compiled code made of it.

    Some code that calls Python, as that of NumPy's buffers beneath scikit-learn's trees, turns a
    KeyboardInterrupt into an error of its own, or drops it.
    """
    before = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not callable(before) or not main:  # nothing of Python is raised, or in another thread
        yield
        return
    raised: list[BaseException] = []

    def press(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except BaseException as error:
            raised.append(error)
            raise

    signal.signal(signal.SIGINT, press)
    try:
        yield
    except Exception as error:
        if raised:
            raise raised[0] from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if raised:
        raise raised[0]
