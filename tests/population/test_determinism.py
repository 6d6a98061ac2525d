"""Same run: other process, folder, hash seed, workers, backend, chunk sizes: same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import trainlab as tl
from fingerprint import fingerprint
from trainlab.engine import grouping
from trainlab.evidence import bootstrap
from trainlab.experiments import EXPERIMENTS, Options, runner

SCRIPT = """
import hashlib, sys
import numpy as np
import trainlab as tl

data = tl.load_digits().split(validation=0.2)
population = tl.Population.grid(
    network=[tl.MLP(hidden=(20, 20), dropout=0.2, norm="batch"), tl.MLP(hidden=(10,))],
    optimizer=[tl.SGD(0.1), tl.Adam(0.01, schedule="cosine"), tl.SGD(1e30)],
    seed=range(4),
)
history = population.fit(
    data, batch_size=64, epochs=2, workers=int(sys.argv[1]), backend=sys.argv[2],
    keep="state", early_stopping=tl.EarlyStopping(patience=1),
)
digest = hashlib.sha256()
for row in range(len(population)):
    for name, values in sorted(population.snapshot(row).items()):
        digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
for name, series in sorted(history.series.items()):
    digest.update(name.encode() + series.values.tobytes())
digest.update(repr(history.status).encode())
print(digest.hexdigest(), {status.kind for status in history.status} >= {"diverged"})
"""


def run(script: Path, workers: int, backend: str, folder: Path, hash_seed: str) -> str:
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, str(script), str(workers), backend]
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


def test_folders_hash_seeds_workers_and_backends_do_not_matter(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    other = tmp_path / "other folder"
    other.mkdir()
    first = run(script, 1, "threads", tmp_path, "0")
    assert first.endswith("True\n")  # the run holds members that diverge
    assert run(script, 2, "threads", other, "123") == first
    assert run(script, 3, "loky", other, "7") == first


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_the_size_of_chunks_does_not_matter(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fingerprints() -> list[str]:
        population = tl.Population.grid(
            network=tl.MLP(hidden=(6,), dropout=0.5),
            optimizer=[tl.Momentum(0.1), tl.Adam()],
            seed=range(3),
        )
        history = population.fit(tl.load_digits(), batch_size=50, steps=8, workers=2, keep="state")
        return [fingerprint(population, history, row) for row in range(6)]

    usual = fingerprints()
    monkeypatch.setattr(grouping, "chunk_size", lambda *settings: size)
    assert fingerprints() == usual


def predictions() -> Any:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 784)).astype(np.float32)
    data = tl.from_arrays(x, rng.integers(0, 10, 600))
    population = tl.Population.grid(tl.MLP((100, 100)), seed=range(2))
    population.fit(data, steps=1, evaluate=None)
    return population.predict_proba(x)


def a_simultaneous_interval() -> Any:
    deviations = np.random.default_rng(0).normal(size=(15, 1000))
    return [bootstrap.reach(deviations, np.ones(deviations.shape, bool), 0.95, seed=0)]


def an_interval() -> Any:
    columns = np.random.default_rng(0).normal(size=(1000, 7))
    return bootstrap.statistic_bounds(columns, lambda means: means.prod(-1), 0.95, seed=0)


def an_experiment() -> Any:
    found = runner.measure(EXPERIMENTS["gradient-norms"], tl.load_digits(), Options(seeds=2))
    return [series.values for series in found.measured.series.values()]


@pytest.mark.parametrize("what", [predictions, a_simultaneous_interval, an_interval, an_experiment])
def test_threads_of_blas_do_not_matter(what: Callable[[], Any]) -> None:
    """On two threads BLAS would add some of the numbers in another order."""
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append([np.asarray(part).tobytes() for part in what()])
    assert found[0] == found[1]
