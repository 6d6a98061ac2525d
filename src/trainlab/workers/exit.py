"""The end of the program: trainings that still run are stopped before executors wait."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

_UNDER_WAY: weakref.WeakSet[Any] = weakref.WeakSet()


def at_exit(workers: Any) -> None:
    """Has `workers.end()` called at the end of the program, while the object is alive.

    In a process that is forked meanwhile `workers.lose()` is called instead, at once.
    """
    _UNDER_WAY.add(workers)


@functools.cache
def before(executor: str) -> None:
    """Call it once an executor has started: its threads then are waited for after trainings end.

    Executors register to wait for their threads at the end of the program, which a training
    that is paused would keep for ever.  What is registered last comes first.  `atexit` would be
    too late: it comes after all of them.
    """
    register: Callable[..., None] = threading._register_atexit  # type: ignore[attr-defined]
    register(_end_all)


def _end_all() -> None:
    for workers in list(_UNDER_WAY):
        workers.end()


def _lose_all() -> None:
    for workers in list(_UNDER_WAY):
        workers.lose()
    _UNDER_WAY.clear()


before("concurrent.futures")
if hasattr(os, "register_at_fork"):  # the trainings of a parent are none of its child's
    os.register_at_fork(after_in_child=_lose_all)
