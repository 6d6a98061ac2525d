"""The library of matrix products underneath NumPy: which one, on how many threads and cores."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_info, threadpool_limits

from trainlab.errors import sentence


def describe() -> str:
    """NumPy's BLAS and its kernels, as in "openblas 0.3.31 SkylakeX"."""
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    for library in libraries:  # SciPy's wheels bring a second one
        if "numpy" in library["filepath"] or len(libraries) == 1:
            parts = (library["internal_api"], library["version"], library.get("architecture"))
            return " ".join(str(part) for part in parts if part)
    return "unknown"


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS on one thread inside the block, and as before once no thread is in one.

    The engine has threads of its own, one chunk of members each; threads of BLAS beside
    them would fight for the same cores.  Warns where a library does not do as it is told.
    """
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()


class _Limit:
    """The limit of the process, which several of its threads may ask for at a time.

    What one of them set back while another computes would change that one's bits.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limits: threadpool_limits | None = None

    def enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._limits = threadpool_limits(1, user_api="blas")
                try:
                    _check()
                except BaseException:  # a warning that is an error
                    self._limits.restore_original_limits()
                    raise
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._limits is not None:
                self._limits.restore_original_limits()


_LIMIT = _Limit()
if hasattr(os, "register_at_fork"):  # the lock may be held by a thread that the child lacks
    os.register_at_fork(after_in_child=_LIMIT.__init__)  # type: ignore[misc]


def _check() -> None:
    """Warns of a library with more than one thread."""
    for library in threadpool_info():
        if library["user_api"] == "blas" and library["num_threads"] != 1:
            name, threads = library["internal_api"], library["num_threads"]
            remedy = f"{name.upper()}_NUM_THREADS=1"
            text = sentence("threads", f"BLAS {name}", "be 1 while training", threads, remedy)
            warnings.warn(text, RuntimeWarning, stacklevel=5)


def usable_cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
