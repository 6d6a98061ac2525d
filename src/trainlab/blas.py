"""The library of matrix products underneath NumPy: which one, on how many threads and cores."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from threadpoolctl import ThreadpoolController

from trainlab.callers import warn
from trainlab.errors import SettingError, sentence


@dataclass(frozen=True, eq=False)
class _Library:
    """A library, and the functions that read and set its number of threads."""

    about: Mapping[str, Any]
    get: Callable[[], int | None]
    set: Callable[[int], Any]

    @property
    def path(self) -> str:
        """Where it lies."""
        return str(self.about["filepath"])


def describe() -> str:
    """NumPy's BLAS and its kernels, as in "openblas 0.3.31 SkylakeX"."""
    found = _libraries()
    if len(found) != 1:
        return "unknown"
    parts = (found[0].about.get(name) for name in ("internal_api", "version", "architecture"))
    return " ".join(str(part) for part in parts if part)


def threads() -> int:
    """On how many threads NumPy's BLAS computes now; 0 if it cannot be asked."""
    return max((library.get() or 0 for library in _libraries()), default=0)


@functools.cache
def _libraries() -> tuple[_Library, ...]:
    """NumPy's BLAS, looked for once: that takes milliseconds, a small prediction less than one."""
    import_module("numpy")  # a library is found when it is loaded
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    own = [one for one in found if _is_numpys(one.filepath)]  # SciPy's wheels bring a second one
    return tuple(_Library(one.info(), *_functions(one)) for one in own or found)


def _functions(library: Any) -> tuple[Callable[[], int | None], Callable[[int], Any]]:
    """Those that read and set the number of threads of a library of threadpoolctl.

    Those of OpenBLAS itself: from 3.8 on threadpoolctl lets one thread at a time set the
    number, and does nothing, without a word, for the others.  Where OpenBLAS was built with
    OpenMP, it takes the number from there, and what its own functions say may be wrong.
    """
    if library.internal_api == "openblas":
        # Such as "scipy_openblas_get_num_threads64_".
        pairs = [(name, name.replace("_get_", "_set_")) for name in library.check_symbols]
        if library.threading_layer == "openmp":
            pairs.insert(0, ("omp_get_max_threads", "omp_set_num_threads"))
        for pair in pairs:
            if all(hasattr(library.dynlib, name) for name in pair):
                return getattr(library.dynlib, pair[0]), getattr(library.dynlib, pair[1])
    return library.get_num_threads, library.set_num_threads


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
    """BLAS on one thread inside the block, for the thread that enters it.

    The engine has threads of its own, one chunk of members each; threads of BLAS beside
    them would fight for the same cores, and add numbers in an order that depends on how many
    they are.  Every thread that computes enters a block of its own, as some libraries have a
    limit for each thread.  Blocks may be nested, and overlap those of other threads; the last
    to end restores what the first one found.

    Raises SettingError where a library does not take the limit, and warns where it was
    changed by others inside the block, so that some of the work was done on more threads.
    """
    thread = threading.get_ident()
    _LIMIT.enter(thread)
    try:
        yield
    finally:
        _LIMIT.leave(thread)


class _Limit:
    """The limit of all libraries, for as long as any thread is inside.

    A library has one number for the process (OpenBLAS with threads of its own), or one for
    each thread (MKL, and OpenBLAS that was built with OpenMP).  The first is restored when
    the last thread leaves, the second when its own thread does.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may train, too
        self._inside: list[int] = []  # the thread of each open block
        # The number to restore, by the library's path, and by thread if it has one for each.
        self._before: dict[tuple[str, int | None], int] = {}
        self._is_shared: dict[str, bool] = {}

    def enter(self, thread: int) -> None:
        with self._lock:
            try:
                for library in _libraries():
                    self._limit(library, thread)
            except BaseException:
                self._restore(thread)
                raise
            self._inside.append(thread)

    def leave(self, thread: int) -> None:
        with self._lock:
            self._inside.remove(thread)
            changed = self._restore(thread)
        for library in changed:
            text = _complaint(library, "stay 1 while trainlab computes, or bits may differ")
            warn(text, RuntimeWarning)

    def _limit(self, library: _Library, thread: int) -> None:
        before, path = library.get(), library.path
        if before is None or before == 1:  # None: it cannot be asked
            return
        library.set(1)
        if library.get() != 1:
            raise SettingError(_complaint(library, "be 1 while trainlab computes"))
        if path not in self._is_shared:
            self._is_shared[path] = _as_another_thread_sees_it(library) == 1
        self._before.setdefault((path, None if self._is_shared[path] else thread), before)

    def _restore(self, thread: int) -> list[_Library]:
        """Restores what no open block needs; the libraries that others have changed meanwhile."""
        changed = [library for library in _libraries() if library.get() not in (1, None)]
        for library in _libraries():
            for whose, needed in ((None, bool(self._inside)), (thread, thread in self._inside)):
                before = None if needed else self._before.pop((library.path, whose), None)
                if before is not None and library not in changed:
                    library.set(before)
        return changed

    def before_fork(self) -> None:
        self._lock.acquire()

    def after_in_parent(self) -> None:
        self._lock.release()

    def after_in_child(self) -> None:
        """Of all threads the one that forked is left, with its blocks alone."""
        self._lock, thread = threading.RLock(), threading.get_ident()
        self._inside = [one for one in self._inside if one == thread]
        self._before = {key: n for key, n in self._before.items() if key[1] in (None, thread)}
        if self._before:
            self._restore(thread)


_LIMIT = _Limit()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_LIMIT.before_fork,
        after_in_parent=_LIMIT.after_in_parent,
        after_in_child=_LIMIT.after_in_child,
    )


def _as_another_thread_sees_it(library: _Library) -> int | None:
    """The number of threads of a library in a thread that has not set it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(library.get).result()


def _complaint(library: _Library, must: str) -> str:
    name = library.about["internal_api"]
    remedy = f"{name.upper()}_NUM_THREADS=1"
    return sentence("threads", f"BLAS {name}", must, library.get(), remedy)


def usable_cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
