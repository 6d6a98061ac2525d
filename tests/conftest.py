"""What all tests share: one thread of BLAS, random draws that can be repeated, real data."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import threadpoolctl

from trainlab.data import find_mnist
from trainlab.engine import choice, grouping
from trainlab.engine.native import LANE_BYTES, NativeLane
from trainlab.engine.numpy import NumPyLane
from trainlab.workers.running import Workers

SEED = "TRAINLAB_TEST_SEED"
_LIMITS = pytest.StashKey[Any]()


def pytest_configure(config: pytest.Config) -> None:
    chosen = config.getoption("--engine")
    if chosen:
        choice.AUTO = (chosen,)
    # The suite runs in several processes, and some tests start more: each may use one core.
    config.stash[_LIMITS] = threadpoolctl.threadpool_limits(1)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["MPLBACKEND"] = "Agg"
    # A shell starts what it runs in the background with this switched off, also for the
    # children of it; the tests that press Ctrl-C would train on and on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Set before the workers of pytest-xdist start, so that all of them have the same.
    os.environ.setdefault(SEED, str(secrets.randbelow(2**32)))


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "of each test only so many cases that each value of each of its parameters is in one"
    parser.addoption("--fewest-cases", action="store_true", help=text)
    parser.addoption("--engine", choices=("numpy", "native"), help="the engine that 'auto' takes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--fewest-cases"):
        return
    seen: set[tuple[Any, ...]] = set()
    left_out = []
    for item in list(items):
        case = getattr(item, "callspec", None)
        values = case.indices.items() if case else ()
        new = {(item.nodeid.partition("[")[0], *value) for value in values} - seen
        if case and not new:
            items.remove(item)
            left_out.append(item)
        seen |= new
    config.hook.pytest_deselected(items=left_out)


def pytest_report_header() -> str:
    return f"{SEED}={os.environ[SEED]} (set it to repeat the draws of the fixture `rng`)"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    if report.failed and "rng" in getattr(item, "fixturenames", ()):
        report.sections.append(("random draws", f"repeat with {SEED}={os.environ[SEED]}"))


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Draws that differ between runs and tests; a test that fails prints how to repeat them."""
    name = list(request.node.nodeid.encode())
    return np.random.default_rng([int(os.environ[SEED]), *name])


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """The folder that has the four files of MNIST; skips where none has."""
    found = list(find_mnist().values())
    if None in found:
        pytest.skip("MNIST is not here: set TRAINLAB_DATA, or run `trainlab data --fetch`")
    return found[0].parent


@pytest.fixture
def forked() -> Iterator[Callable[[Callable[[], Any]], int]]:
    """Does something in a forked child, and gives its number."""
    children = []

    def start(work: Callable[[], Any]) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the threads of the tests
            child = os.fork()
        if child:
            children.append(child)
            return child
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001  # the parent sees the code
            traceback.print_exc()
        finally:
            os._exit(code)

    yield start
    for child in children:  # most of which have been waited for
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry, the steps of members that the engine has done."""
    for thread in threading.enumerate():
        if isinstance(thread, Workers):  # a training that an earlier test has left
            thread.control.stop()
            thread.join(60)
    count = [0]

    def counting(right: Callable[..., Any]) -> Callable[..., Any]:
        def train(self: Any, *given: Any) -> Any:
            span = right(self, *given)
            count[0] += span.losses.size
            return span

        return train

    for lane in (NumPyLane, NativeLane):
        monkeypatch.setattr(lane, "train", counting(lane.train))
    return count


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three members side by side, whatever they are."""
    monkeypatch.setattr(grouping, "chunk_size", lambda *_: 3)
    monkeypatch.setattr(grouping, "working_set", lambda *_: LANE_BYTES // 3)
    monkeypatch.setattr(grouping, "usable_cores", lambda: 1)


@pytest.fixture(scope="module")
def no_figures() -> Iterator[None]:
    """Pages of searches show nothing where their figures would be, and are made at once."""
    from trainlab.tables import (
        page as searches,  # matplotlib is slow to import, and few tests need it
    )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searches, "figures", lambda outcome: {})
        yield
