"""BLAS computes on one thread wherever trainlab does, whoever calls, and is restored after it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from engines import needs_fork
from trainlab import SettingError, blas
from trainlab.engine.numpy import NumPyLane

THREADS = 3  # of the libraries below, before anybody limits them


class Shared:
    """A library with one number of threads for the process, as OpenBLAS."""

    def __init__(self) -> None:
        self.number = THREADS

    def get(self) -> int | None:
        return self.number

    def set(self, number: int) -> None:
        self.number = number


class Own(Shared):
    """A library with a number for each thread, as MKL."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    @property
    def number(self) -> int:
        return getattr(self._of_thread, "number", THREADS)

    @number.setter
    def number(self, value: int) -> None:
        self._of_thread.number = value


class Stubborn(Shared):
    def set(self, number: int) -> None:
        """Does nothing."""


class Mute(Shared):
    def get(self) -> int | None:
        return None


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts libraries in the place of NumPy's."""

    def put(*libraries: Shared) -> None:
        found = tuple(
            blas._Library({"internal_api": "fake", "filepath": str(place)}, one.get, one.set)
            for place, one in enumerate(libraries)
        )
        monkeypatch.setattr(blas, "_libraries", lambda: found)
        for name, empty in (("_inside", []), ("_before", {}), ("_is_shared", {})):
            monkeypatch.setattr(blas._LIMIT, name, empty)

    return put


class Elsewhere:
    """A thread that does what it is told, one thing at a time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)

    def do(self, work: Callable[[], Any]) -> Any:
        return self._pool.submit(work).result(timeout=60)

    def end(self) -> None:
        self._pool.shutdown()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    thread = Elsewhere()
    yield thread
    thread.end()


BOTH = pytest.mark.parametrize("kind", [Shared, Own])


class TestLimit:
    @BOTH
    def test_nested_blocks(self, kind: type[Shared], use) -> None:
        library = kind()
        use(library)
        with blas.one_thread():
            with blas.one_thread():
                assert library.get() == 1
            assert library.get() == 1
        assert library.get() == THREADS

    @BOTH
    def test_blocks_that_overlap_in_one_thread(self, kind: type[Shared], use) -> None:
        library = kind()
        use(library)
        first, second = blas.one_thread(), blas.one_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert library.get() == 1
        second.__exit__(None, None, None)
        assert library.get() == THREADS

    @BOTH
    def test_blocks_that_overlap_and_end_in_another_thread(
        self, kind: type[Shared], use, elsewhere: Elsewhere
    ) -> None:
        library = kind()
        use(library)
        here, there = blas.one_thread(), blas.one_thread()
        here.__enter__()
        elsewhere.do(there.__enter__)
        assert (library.get(), elsewhere.do(library.get)) == (1, 1)
        here.__exit__(None, None, None)
        assert elsewhere.do(library.get) == 1  # it is still inside
        assert library.get() == (1 if kind is Shared else THREADS)
        elsewhere.do(lambda: there.__exit__(None, None, None))
        assert (library.get(), elsewhere.do(library.get)) == (THREADS, THREADS)

    @BOTH
    def test_many_threads_at_once(self, kind: type[Shared], use) -> None:
        library = kind()
        use(library)

        def some(_: int) -> set[int | None]:
            seen = set()
            for _ in range(200):
                with blas.one_thread():
                    seen.add(library.get())
            return seen

        with ThreadPoolExecutor(8) as pool:
            assert set().union(*pool.map(some, range(8))) == {1}
            assert set(pool.map(lambda _: library.get(), range(8))) == {THREADS}
        assert library.get() == THREADS

    @BOTH
    def test_an_error_inside(self, kind: type[Shared], use) -> None:
        library = kind()
        use(library)
        with pytest.raises(ZeroDivisionError), blas.one_thread():
            raise ZeroDivisionError
        assert library.get() == THREADS

    def test_a_library_that_takes_no_limit_is_an_error(self, use) -> None:
        library, stubborn = Shared(), Stubborn()
        use(library, stubborn)
        must = "threads of BLAS fake must be 1 while trainlab computes; got 3; try FAKE_NUM_THREADS"
        for _ in range(2):
            with pytest.raises(SettingError, match=must), blas.one_thread():
                pass
            assert library.get() == THREADS  # although the error was about the other one
        stubborn.number = 1
        with blas.one_thread():
            assert library.get() == 1
        assert library.get() == THREADS

    def test_a_library_that_cannot_be_asked_is_left_alone(self, use) -> None:
        library = Mute()
        use(library)
        with blas.one_thread():
            assert library.number == THREADS
        assert blas.threads() == 0

    def test_who_changes_the_number_inside_is_told_and_keeps_it(self, use) -> None:
        library = Shared()
        use(library)
        must = "threads of BLAS fake must stay 1 while trainlab computes, or bits may differ; got 2"
        with pytest.warns(RuntimeWarning, match=must), blas.one_thread():
            library.set(2)
        assert library.get() == 2
        with blas.one_thread():
            assert library.get() == 1
        assert library.get() == 2

    @needs_fork
    @pytest.mark.parametrize("inside", [False, True])
    def test_a_child_has_the_blocks_of_the_thread_that_forked_alone(
        self, inside: bool, use, elsewhere: Elsewhere, forked
    ) -> None:
        library = Shared()
        use(library)
        other, own = blas.one_thread(), blas.one_thread()
        elsewhere.do(other.__enter__)
        if inside:
            own.__enter__()

        def child() -> None:
            assert library.get() == (1 if inside else THREADS)
            with blas.one_thread():
                assert library.get() == 1
            if inside:
                own.__exit__(None, None, None)
            assert library.get() == THREADS

        assert os.waitpid(forked(child), 0)[1] == 0
        if inside:
            own.__exit__(None, None, None)
        assert library.get() == 1
        elsewhere.do(lambda: other.__exit__(None, None, None))
        assert library.get() == THREADS


class Controller:
    """What threadpoolctl has for a library: its own functions may do nothing."""

    check_symbols = ("openblas_get_num_threads", "scipy_openblas_get_num_threads64_")

    def __init__(self, internal_api: str, threading_layer: str, *symbols: str) -> None:
        self.internal_api = internal_api
        self.threading_layer = threading_layer
        self.dynlib = SimpleNamespace(**{name: name for name in symbols})
        self.get_num_threads = "get of threadpoolctl"
        self.set_num_threads = "set of threadpoolctl"


OPENBLAS = ("scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_")
OPENMP = ("omp_get_max_threads", "omp_set_num_threads")
THREADPOOLCTL = ("get of threadpoolctl", "set of threadpoolctl")


@pytest.mark.parametrize(
    ("controller", "expected"),
    [
        (Controller("openblas", "pthreads", *OPENBLAS), OPENBLAS),
        (Controller("openblas", "openmp", *OPENBLAS, *OPENMP), OPENMP),
        (Controller("openblas", "openmp", *OPENBLAS), OPENBLAS),  # where OpenMP is not in reach
        (Controller("openblas", "unknown"), THREADPOOLCTL),
        (Controller("mkl", "gnu", *OPENMP), THREADPOOLCTL),
    ],
)
def test_the_functions_of_a_library(controller: Any, expected: tuple[str, str]) -> None:
    assert blas._functions(controller) == expected


class TestWhereTrainlabComputes:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_every_thread_that_trains_has_the_limit(
        self, workers: int, use, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        library = Own()
        use(library)
        seen, right = set(), NumPyLane.train

        def train(self: Any, *given: Any) -> Any:
            seen.add((threading.get_ident(), library.get()))
            return right(self, *given)

        monkeypatch.setattr(NumPyLane, "train", train)
        population = tl.Population.grid(tl.MLP((5,)), seed=range(4), lr=[0.1, 0.2])
        given = {"workers": workers, "backend": "threads", "engine": "numpy"}
        population.fit(tl.load_digits(), steps=2, **given)
        assert {number for _, number in seen} == {1}
        assert threading.get_ident() not in {thread for thread, _ in seen}
        assert library.get() == THREADS

    def test_gradient_checks_have_it(self, use, monkeypatch: pytest.MonkeyPatch) -> None:
        from trainlab.differentiation import numeric

        library, seen = Own(), set()
        use(library)
        right = numeric.Problem.evaluate

        def evaluate(self: Any, *given: Any) -> Any:
            seen.add(library.get())
            return right(self, *given)

        monkeypatch.setattr(numeric.Problem, "evaluate", evaluate)
        x, t = np.random.default_rng(0).normal(size=(5, 4)), np.array([0, 1, 2, 0, 1])
        assert tl.gradient_check(tl.MLP((3,)), x, t).ok
        assert seen == {1}


# Without the limit of the suite itself: products of this size differ on two threads of BLAS.
BITS = """
import asyncio, hashlib, sys, threading, warnings
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import trainlab as tl
from trainlab import blas

warnings.simplefilter("error")
before = blas.threads()
rng = np.random.default_rng(0)
x = rng.standard_normal((600, 784)).astype(np.float32)
data = tl.from_arrays(x, rng.integers(0, 10, 600))

def bits(store=None):
    network = tl.Network(tl.MLP(hidden=(512,)), tl.Adam(0.01), seed=0)
    network.fit(data, batch_size=512, steps=6, evaluate=None, store=store)
    params = network.population.snapshot(0)["params"]
    return hashlib.sha256(params.tobytes() + network.predict_proba(x).tobytes()).hexdigest()

right = bits()
found = {"asyncio": asyncio.run(asyncio.to_thread(bits))}
with ThreadPoolExecutor(1) as pool:
    found["one"] = pool.submit(bits).result()
    found["store"] = pool.submit(bits, sys.argv[1]).result()
with ThreadPoolExecutor(4) as pool:
    for place, one in enumerate(pool.map(lambda _: bits(), range(4))):
        found[f"at once, {place}"] = one
try:
    from joblib import Parallel, delayed
except ImportError:
    pass
else:
    (found["joblib"],) = Parallel(n_jobs=2, backend="threading")([delayed(bits)()])
print([name for name, one in found.items() if one != right], blas.threads() == before)
inside, done = threading.Event(), threading.Event()

def other():
    with blas.one_thread():
        inside.set()
        done.wait()

thread = threading.Thread(target=other)
with blas.one_thread():
    thread.start()
    inside.wait()
print(blas.threads())
done.set()
thread.join()
print(blas.threads() == before)
"""


def test_the_bits_of_other_threads_are_those_of_the_main_thread(tmp_path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", BITS, str(tmp_path)],
        env=env | {"OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[] True\n1\nTrue\n", "")
