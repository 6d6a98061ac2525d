"""Every warning of trainlab names the line of the user that led to it."""

from __future__ import annotations

import ast
import contextlib
import tempfile
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trainlab as tl
from trainlab import blas
from trainlab.callers import users_line, work_for
from trainlab.workers import dask, loky

SOURCE = Path(tl.__file__).parent
X, Y = np.random.default_rng(3).standard_normal((24, 3)), np.arange(24) % 2
DATA = tl.from_arrays(X, Y)


def calls(name: str) -> Iterator[str]:
    """file: function, of each place in the source that calls `name`."""
    for path in sorted(SOURCE.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(name):
                        yield f"{path.relative_to(SOURCE).as_posix()}: {function.name}"


def test_nothing_warns_by_itself() -> None:
    found = {*calls("warnings.warn"), *calls("warnings.warn_explicit")}
    assert {place.split(":")[0] for place in found} == {"callers.py"}


def estimator(**settings: Any) -> tl.MLPClassifier:
    return tl.MLPClassifier((2,), random_state=0, **settings)


def deprecated() -> None:
    tl.MLP(batch_norm=True)


def diverges() -> None:
    estimator(
        optimizer="sgd", learning_rate_init=1e30, n_members=3, dtype="float32", max_iter=8
    ).fit(X, Y)


def in_a_pipeline() -> None:
    make_pipeline(StandardScaler(), estimator(max_iter=1)).fit(X, Y)


def in_a_cross_validation() -> None:
    cross_val_score(estimator(max_iter=1), X, Y, cv=2)


def some_trainings_fail() -> None:
    network = estimator(optimizer="sgd", dtype="float32", max_iter=8, n_iter_no_change=9)
    rates = {"learning_rate_init": [1e30, 0.01]}
    tl.PopulationSearchCV(network, rates, n_iter=2, cv=2, random_state=0).fit(X, Y)


def strange_weights() -> None:
    estimator(max_iter=1, tol=9.0, class_weight={0: 1, 1: 1, 7: 1}).fit(X, Y)


def no_time_at_all() -> None:
    tl.PopulationEnsembleClassifier(2, time_limit=1e-6, max_iter=2, random_state=0).fit(X, Y)


class Shared:
    """A library with one number of threads, which a callback changes."""

    path = "fake"
    about = {"internal_api": "fake", "filepath": "fake"}  # noqa: RUF012  # as threadpoolctl has it

    def __init__(self) -> None:
        self.number = 2

    def get(self) -> int:
        return self.number

    def set(self, number: int) -> None:
        self.number = number


def threads_of_blas(patch: pytest.MonkeyPatch) -> None:
    library = Shared()
    patch.setattr(blas, "_libraries", lambda: [library])

    def change(*_: Any) -> None:
        library.number = 2

    tl.Network(tl.MLP((2,))).fit(DATA, epochs=1, callbacks=[change])


def a_worker_dies(patch: pytest.MonkeyPatch) -> None:
    times = []

    def drain(left: dict[int, Any], *_: Any) -> None:
        if not times:
            times.append(1)
            raise BrokenProcessPool("died")
        while left:
            _, job = left.popitem()
            loky.train_far(job.spec, job.chunk, job.rows, lambda: False).replay(job.recorder)

    patch.setattr(loky, "_drain", drain)
    tl.Network(tl.MLP((2,))).fit(DATA, steps=1, backend="loky")


def other_bits(patch: pytest.MonkeyPatch) -> None:
    theirs = {**dask.of_bits(), "blas": "another"}
    client = SimpleNamespace(run=lambda *_, **__: {"tcp://there": theirs})

    @contextlib.contextmanager
    def connected(_: Any) -> Iterator[Any]:
        dask.check(client, None)  # type: ignore[arg-type]  # of a client this is all it uses
        yield client

    patch.setattr(dask, "connected", connected)
    patch.setattr(dask, "threads_of", lambda _: 1)
    patch.setattr(dask, "in_dask", lambda *_: None)  # what is left is trained here
    pytest.importorskip("distributed")
    tl.Network(tl.MLP((2,))).fit(DATA, steps=1, backend="dask")


def parameters_without_their_buffers() -> None:
    trained, other = (tl.Network(tl.MLP((2,), norm="batch")) for _ in range(2))
    trained.fit(DATA, steps=1)
    other.parameters = trained.parameters


def interrupted() -> None:
    begun = tl.Network(tl.MLP((2,))).start(DATA, steps=10**6, evaluate=None)
    begun.stop()
    begun.wait()


def nobody_waits() -> None:
    begun = tl.Network(tl.MLP((2,))).start(DATA, steps=10**6, evaluate=None)
    begun._workers.end()


def nobody_waits_for_an_error() -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    begun = tl.Network(tl.MLP((2,))).start(DATA, epochs=1, callbacks=[fail])
    while not begun.is_done:
        pass
    begun._workers.end()


def a_large_batch() -> None:
    estimator(batch_size=25, max_iter=1, tol=9.0).fit(X, Y)


def a_large_batch_of_a_network() -> None:
    tl.Network(tl.MLP((2,))).fit(DATA, steps=1, batch_size=25)


def a_large_batch_of_an_ensemble() -> None:
    tl.PopulationEnsembleClassifier(2, n_folds=1, batch_size=25, max_iter=2).fit(X, Y)


def batches_of_one_row() -> None:
    tl.Network(tl.MLP((2,), norm="batch")).fit(DATA, steps=1, batch_size=1)


def a_last_batch_of_one_row() -> None:
    estimator(norm="batch", batch_size=23, max_iter=1, tol=9.0).fit(X, Y)


def codes_for_missing_values() -> None:
    rows = X.copy()
    rows[:5, 1] = -999
    estimator(max_iter=1, tol=9.0).fit(rows, Y)


def months_as_numbers() -> None:
    tl.TableEncoder().fit([[3.2024], [4.2024], [12.2023]])


def far_numbers() -> None:
    estimator(max_iter=1, tol=9.0).fit(X, Y).predict(1e6 * X)


def no_rate_teaches() -> None:
    tl.rate_range_test(DATA, tl.MLP((2,)), low=1e-12, high=1e-11, steps=10, seeds=1)


def labels_in_place_of_class_numbers() -> None:
    network = tl.Network(tl.MLP((2,)))
    network.fit(tl.from_arrays(X, 1 + Y), steps=1)
    network.accuracy(X[:1], [1])


def other_classes() -> None:
    network = tl.Network(tl.MLP((2,)))
    for first in (0, 1):
        network.fit(tl.from_arrays(X, first + Y), steps=1, start="parameters" if first else None)


def bytes_as_they_are() -> None:
    tl.from_arrays(np.full((2, 1), 255, np.uint8), [0, 1])


def bytes_of_an_estimator() -> None:
    pixels = (40 * np.abs(X)).astype(np.uint8)
    estimator(max_iter=1, tol=9.0, standardize_inputs=False).fit(pixels, Y)


def another_session() -> None:
    pytest.importorskip("uvicorn", reason="trainlab[live] is not installed")
    with tempfile.TemporaryDirectory() as folder:
        for lr in (0.1, 0.2):
            population = tl.Population.grid(tl.MLP((2,)), lr=lr, seed=range(2))
            tl.live(population, DATA, browser=False, store=folder).close()


PROVOKED: list[tuple[str, Callable[..., None], str]] = [
    ("deprecated.py: warn", deprecated, "deprecated"),
    ("estimators/history.py: complain", diverges, "diverged"),
    ("estimators/history.py: complain", in_a_pipeline, "improving"),
    ("estimators/history.py: complain", in_a_cross_validation, "improving"),
    ("search/scoring.py: settle", some_trainings_fail, "trainings of PopulationSearchCV failed"),
    ("ensembles/training.py: _as_they_are", no_time_at_all, "time_limit"),
    ("estimators/targets.py: _check_names", strange_weights, "labels of y"),
    ("data/batches.py: tell_of_a_large_batch", a_large_batch, "batch_size=25 is more than 24"),
    *(
        ("data/batches.py: tell_of_a_large_batch", call, "batch_size=25 is more than 24 rows: each")
        for call in (a_large_batch_of_a_network, a_large_batch_of_an_ensemble)
    ),
    ("data/batches.py: tell_of_single_rows", batches_of_one_row, "batches are of one row"),
    ("data/batches.py: tell_of_single_rows", a_last_batch_of_one_row, "of 24 rows leaves a last"),
    ("estimators/predictor.py: _check_rows", codes_for_missing_values, "column 1 has -999 in 21%"),
    ("estimators/columns.py: _undecided", months_as_numbers, "seems to hold months"),
    ("estimators/predictor.py: _outputs", far_numbers, "far outside the range of training"),
    ("data/validation.py: tell_of_bytes", bytes_as_they_are, "x has bytes"),
    ("data/validation.py: tell_of_bytes", bytes_of_an_estimator, "X has bytes"),
    ("blas.py: leave", threads_of_blas, "threads of BLAS"),
    ("workers/loky.py: tell_of_loss", a_worker_dies, "worker process died"),
    ("workers/dask.py: check", other_bits, "must have BLAS"),
    ("population/weights.py: with_parameters", parameters_without_their_buffers, "running_mean1"),
    ("population/rates.py: rate_range_test", no_rate_teaches, "falls at no rate"),
    ("population/validation.py: tell_of_labels", labels_in_place_of_class_numbers, "class numbers"),
    ("population/validation.py: tell_of_other_classes", other_classes, "classes [1, 2] from"),
    ("live/start.py: opened", another_session, "and continues; try another store"),
    ("workers/running.py: wait", interrupted, "interrupted"),
    ("workers/running.py: end", nobody_waits, "end of the program"),
    ("workers/running.py: end", nobody_waits_for_an_error, "has failed"),
]


def test_every_warning_is_provoked_below() -> None:
    house = {*calls("warn")} - {*calls("warnings.warn")}
    assert {place for place, _, _ in PROVOKED} == {
        place
        for place in house
        if not place.startswith("deprecated.py") or place.endswith(": warn")
    }


@pytest.mark.parametrize(("place", "call", "text"), PROVOKED, ids=[c[1].__name__ for c in PROVOKED])
def test_it_names_the_line_of_the_user(
    place: str, call: Callable[..., None], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [monkeypatch] if call.__code__.co_argcount else []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(*given)
    found = [one for one in caught if text in str(one.message)]
    assert found, f"{place} did not warn"
    for one in found:
        lines = range(
            call.__code__.co_firstlineno, max(n for *_, n in call.__code__.co_lines() if n) + 1
        )
        assert one.filename == __file__
        assert one.lineno in lines


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_a_worker_that_was_told_no_line_names_one_of_trainlab(backend: str) -> None:
    """As those of a GridSearchCV with `n_jobs`: no line is a user's there."""
    for line in Parallel(n_jobs=2, backend=backend)(delayed(users_line)() for _ in range(2)):
        assert Path(line.file).is_relative_to(SOURCE)


def test_a_thread_that_was_told_no_line_names_the_call_of_trainlab() -> None:
    model = estimator(max_iter=1)
    with ThreadPoolExecutor(1) as pool, pytest.warns(UserWarning, match="improving") as caught:
        pool.submit(model.fit, X, Y).result()
    assert caught[0].filename == str(SOURCE / "estimators" / "base.py")  # where `fit` is


def test_a_thread_that_was_told_one_names_it_unless_a_user_is_nearer() -> None:
    line = users_line()
    with ThreadPoolExecutor(1, initializer=work_for, initargs=(line,)) as pool:
        assert pool.submit(users_line).result() == line
        near = pool.submit(lambda: users_line()).result()
    assert (near.file, near.number) == (__file__, line.number + 3)


def test_once_for_each_line() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            deprecated()
        tl.MLP(batch_norm=True)
    assert len(caught) == 2
