"""The library of matrix products underneath NumPy: which one, on how many threads and cores."""

from __future__ import annotations

import os
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
    """BLAS on one thread inside the block, and as before after it.

    The engine has threads of its own, one chunk of members each; threads of BLAS beside
    them would fight for the same cores.  Warns where a library does not do as it is told.
    """
    with threadpool_limits(1, user_api="blas"):
        for library in threadpool_info():
            if library["user_api"] == "blas" and library["num_threads"] != 1:
                name, threads = library["internal_api"], library["num_threads"]
                remedy = f"{name.upper()}_NUM_THREADS=1"
                text = sentence("threads", f"BLAS {name}", "be 1 while training", threads, remedy)
                warnings.warn(text, RuntimeWarning, stacklevel=2)
        yield


def usable_cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
