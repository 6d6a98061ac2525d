"""What it costs to have chunks trained elsewhere: `python -m benchmarks.scale`, under a minute.

For every backend: the time of a training of small chunks and of none at all, with one worker
more or less to compare.  On loopback two workers share the machine with the scheduler and with
the process that asks, so these are costs of software; a network adds its own.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from distributed import LocalCluster

import trainlab as tl
from trainlab.engine import grouping
from trainlab.engine.native import LANE_BYTES

WORKERS: Final = 2
REPEATS: Final = 3
CHUNK: Final = 4  # members of a chunk, in all trainings here


def seconds(call: Callable[[], object]) -> float:
    """The median of some calls after one that warms up."""
    call()
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def blank(rows: int, features: int) -> tl.Dataset:
    """Random rows of ten classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    return tl.from_arrays(x, np.arange(rows) % 10)


def train(data: tl.Dataset, members: int, hidden: int, keep: str, **given: Any) -> None:
    """One update of each member."""
    network = tl.MLP(hidden=(hidden,))
    population = tl.Population.grid(network, tl.SGD(0.1), seed=range(members))
    settings = {"batch_size": 10, "steps": 1, "evaluate": None, "keep": keep, **given}
    population.fit(data, **settings)


def costs(**given: Any) -> dict[str, float]:
    """Of a backend, in seconds: per fit, per chunk, and per MB of data and of results."""
    small, large = blank(100, 10), blank(64_000, 250)
    few = seconds(lambda: train(small, 2 * CHUNK, 4, "history", **given))
    many = seconds(lambda: train(small, 402 * CHUNK, 4, "history", **given))
    shipped = seconds(lambda: train(large, 2 * CHUNK, 4, "history", **given))
    there = seconds(lambda: train(large, 2 * CHUNK, 4, "history", backend="threads", workers=2))
    least = seconds(lambda: train(small, 2 * CHUNK, 4, "history", backend="threads", workers=2))
    wide = blank(100, 1_000)
    sizes = {"members": 20 * CHUNK, "hidden": 250}
    kept = seconds(lambda: train(wide, keep="parameters", **sizes, **given))
    dropped = seconds(lambda: train(wide, keep="history", **sizes, **given))
    megabytes = 20 * CHUNK * (1_000 * 250 + 250 + 250 * 10 + 10) * 4 / 1e6
    return {
        "fit_ms": 1e3 * few,
        "chunk_ms": 1e3 * (many - few) / 400,
        "data_ms_per_mb": 1e3 * (shipped - few - (there - least)) / 64,
        "result_ms_per_mb": 1e3 * (kept - dropped) / megabytes,
    }


def member_seconds() -> float:
    """Of one core for one member of a usual search: 784-100-10, 10 epochs of 60,000 rows."""
    data = blank(6_000, 784)
    population = tl.Population.grid(tl.MLP(hidden=(100,)), tl.Adam(), seed=range(8))
    given: dict[str, Any] = {"batch_size": 100, "steps": 60, "evaluate": None, "keep": "history"}
    took = seconds(lambda: population.fit(data, backend="threads", workers=1, **given))
    return took / 8 / 60 * 6_000


def main() -> None:
    """Prints what was found, as JSON."""
    found: dict[str, Any] = {"cores": os.cpu_count(), "member_s": member_seconds()}
    grouping.working_set = lambda *_: LANE_BYTES // CHUNK
    for backend in ("threads", "loky"):
        found[backend] = costs(backend=backend, workers=WORKERS)
    options = {"threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(n_workers=WORKERS, **options) as cluster:
        found["dask"] = costs(backend="dask", scheduler=cluster.scheduler_address)
    json.dump(found, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
