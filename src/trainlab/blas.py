"""The library of matrix products underneath NumPy: which one, on how many threads and cores."""

from __future__ import annotations

import functools
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from threadpoolctl import ThreadpoolController

from trainlab.errors import sentence


def describe() -> str:
    """NumPy's BLAS and its kernels, as in "openblas 0.3.31 SkylakeX"."""
    found = _library().info()
    if len(found) != 1:
        return "unknown"
    parts = (found[0].get(name) for name in ("internal_api", "version", "architecture"))
    return " ".join(str(part) for part in parts if part)


def threads() -> int:
    """On how many threads NumPy's BLAS computes now; 0 if it cannot be asked."""
    return max((library["num_threads"] for library in _library().info()), default=0)


@functools.cache
def _library() -> ThreadpoolController:
    """NumPy's BLAS, looked for once: that takes milliseconds, a small prediction less than one."""
    found = ThreadpoolController().select(user_api="blas")
    paths = [library["filepath"] for library in found.info()]
    own = [path for path in paths if _is_numpys(path)]  # SciPy's wheels bring a second one
    return found.select(filepath=own) if own else found


def _is_numpys(path: str) -> bool:
    """Whether a library lies where wheels of NumPy have theirs.

    >>> _is_numpys("/lib/site-packages/numpy.libs/libscipy_openblas64_.so")
    True
    >>> _is_numpys("/lib/site-packages/numpy/.dylibs/libscipy_openblas64_.dylib")
    True
    >>> _is_numpys("/home/me/numpy/site-packages/scipy.libs/libscipy_openblas.so")
    False
    """
    return any("numpy" in part for part in Path(path).parts[-3:-1])


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS on one thread inside the block, and as before once no thread is in one.

    The engine has threads of its own, one chunk of members each; threads of BLAS beside
    them would fight for the same cores, and add numbers in an order that depends on how many
    they are.  Warns where a library does not do as it is told.
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
        self._limits: Any = None

    def enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._limits = _library().limit(limits=1)
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
    for library in _library().info():
        if library["num_threads"] != 1:
            name, got = library["internal_api"], library["num_threads"]
            remedy = f"{name.upper()}_NUM_THREADS=1"
            text = sentence("threads", f"BLAS {name}", "be 1 while training", got, remedy)
            warnings.warn(text, RuntimeWarning, stacklevel=5)


def usable_cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
