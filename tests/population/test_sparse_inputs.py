"""Training on sparse inputs: the bits of dense ones, in the memory of sparse ones."""

from __future__ import annotations

import ast
import sysconfig
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

import trainlab as tl
from cases import NETWORKS, OPTIMIZERS, targets
from fingerprint import fingerprint
from trainlab import MLP, SGD, Adam, Dataset, Member, Population, from_arrays

ROWS, FEATURES, OUT, BATCH = 53, 30, 3, 8
DTYPES = ("float32", "float64")

# Which columns are zero: of train alone, of both parts, and of neither but by chance.
UNUSED = {"many unused columns": (slice(4, 20), slice(9, 15)), "few": (slice(0), slice(0))}

CASES = {
    "classification": (
        MLP(hidden=(6,), norm="batch", dropout=0.3, weight_decay=0.01, l1=0.001),
        Adam(0.01),
    ),
    "multilabel": (
        MLP(hidden=(5, 4), activation="tanh", norm="layer", loss="sigmoid_cross_entropy"),
        SGD(0.1),
    ),
    "regression": (
        MLP(hidden=(7,), convention="book", norm="batch", loss="huber"),
        tl.AdamW(0.01, clip_norm=0.5),
    ),
}


def inputs(unused: str = "many unused columns") -> tuple[np.ndarray, np.ndarray]:
    """Those of train and of test: one number in five is not zero."""
    rng = np.random.default_rng(6)
    both = [rng.normal(size=(rows, FEATURES)) for rows in (ROWS, 17)]
    for x, columns in zip(both, UNUSED[unused], strict=True):
        x[rng.random(x.shape) > 0.2] = 0.0
        x[:, columns] = 0.0
    return both[0], both[1]


def data(task: str, kind: Any = np.asarray, unused: str = "many unused columns") -> Dataset:
    rng, (train, test) = np.random.default_rng(7), inputs(unused)
    t, t_test = (targets(task, rng, (len(x),), OUT) for x in (train, test))
    return from_arrays(kind(train), t, test=(kind(test), t_test), validation=9, task=task)


def train(members: Sequence[Member], given: Dataset, **settings: Any) -> list[str]:
    """The fingerprint of each member."""
    population = Population(members)
    options = {
        "batch_size": BATCH,
        "steps": 14,
        "evaluate": 5,
        "workers": 1,
        "keep": "state",
        **settings,
    }
    history = population.fit(given, on=(*given.parts(), "batch"), **options)
    return [fingerprint(population, history, row) for row in range(len(population))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("unused", UNUSED)
@pytest.mark.parametrize("task", CASES)
def test_training_gives_the_bits_of_dense_inputs(task, unused, dtype):
    members = [Member(*CASES[task], seed) for seed in (0, 0, 1)]
    expected = train(members, data(task, unused=unused), dtype=dtype)
    assert expected[0] == expected[1] != expected[2]
    assert train(members, data(task, sparse.csr_array, unused), dtype=dtype) == expected


def test_batches_of_the_book_give_them_too():
    members = [Member(*CASES["classification"], seed) for seed in (0, 1)]
    found = train(members, data("classification", sparse.coo_matrix), batches="book")
    assert found == train(members, data("classification"), batches="book")


def test_a_dense_test_split_beside_sparse_training_gives_them_too():
    _, test = inputs()
    members, made = [Member(*CASES["regression"])], data("regression")
    x, t = sparse.csr_array(made.train.x), made.train.t
    for kind in (np.asarray, sparse.csr_array):
        mixed = from_arrays(x, t, test=(kind(test), made.test.t))
        alike = from_arrays(made.train.x, t, test=(test, made.test.t))
        assert train(members, mixed) == train(members, alike)


@pytest.mark.parametrize(
    ("network", "optimizer"),
    [
        (NETWORKS["technique batch_norm, dropout, weight_decay"], Adam(0.01)),
        (NETWORKS["technique layer_norm, dropout, l1"], OPTIMIZERS["nesterov"]),
        (NETWORKS["init orthogonal"], OPTIMIZERS["lion"]),
    ],
)
def test_a_member_is_the_network_trained_alone(network, optimizer):
    given = data("classification", sparse.csr_array)
    chosen = [Member(network, optimizer, seed) for seed in (100, 200)]
    alone = [train([member], given)[0] for member in chosen]
    assert alone[0] != alone[1]
    neighbours = [
        Member(network, SGD(1e38 if k == 2 else 0.01 * (k + 1)), seed)
        for k, seed in enumerate((100, 150, 210, 200, 250))
    ]
    for count in (1, 5):
        assert train([*chosen, *neighbours[:count]], given)[:2] == alone
        assert train([*neighbours[:count], *chosen], given)[-2:] == alone


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("task", CASES)
def test_predictions_are_those_of_dense_inputs(task, dtype):
    x = np.tile(inputs()[0], (6, 1))  # more rows than a tile has
    t = targets(task, np.random.default_rng(8), (len(x),), OUT)
    population = Population.grid(*CASES[task], seed=range(2))
    population.fit(data(task), steps=5, batch_size=BATCH, workers=1, dtype=dtype)
    for given in (sparse.csr_array(x), sparse.coo_array(x), sparse.csc_matrix(x), in_halves(x)):
        stored = given.nnz
        np.testing.assert_array_equal(population.predict(given), population.predict(x))
        if task != "regression":
            found, expected = (population.predict_proba(each) for each in (given, x))
            np.testing.assert_array_equal(found, expected)
            found, expected = (population.accuracy(each, t) for each in (given, x))
            np.testing.assert_array_equal(found, expected)
        assert given.nnz == stored  # what is given stays as it is


def in_halves(x: np.ndarray) -> sparse.csr_array:
    """x with every number stored twice, half of it each time."""
    once = sparse.csr_array(x / 2)
    parts = (once.data.repeat(2), once.indices.repeat(2), once.indptr * 2)
    return sparse.csr_array(parts, shape=x.shape)


def test_the_data_set_is_never_dense(monkeypatch):
    """20,000 × 20,000, one in 10,000 of them not zero: 1.6 GB dense, half a megabyte stored."""
    n, at_once = 20_000, 1_024  # no batch and no tile has more rows
    rng = np.random.default_rng(9)
    x = sparse.csr_array(
        sparse.coo_array((rng.normal(size=2 * n), rng.integers(0, n, (2, 2 * n))), shape=(n, n))
    )
    made, toarray = from_arrays(x, np.arange(n) % 2, test=2_000), sparse.csr_array.toarray

    def limited(self, *arguments, **options):
        assert self.shape[0] <= at_once, "the data set became dense"
        return toarray(self, *arguments, **options)

    monkeypatch.setattr(sparse.csr_array, "toarray", limited)
    population = Population.grid(MLP(hidden=(4,)), SGD(0.1), seed=range(2))
    tracemalloc.start()
    try:
        history = population.fit(made, steps=3, batch_size=64, on=("test",), evaluate=3, workers=1)
        predicted = population.predict(made.test.x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {status.kind for status in history.status} == {"finished"}
    assert predicted.shape == (2, 2_000)
    assert peak < 100e6  # bytes: a tile of 256 rows has 20 MB


def docstrings(*names: str) -> list[str]:
    """Those of files and packages of the standard library, which is on every disk."""
    library = Path(sysconfig.get_path("stdlib"))
    files = [file for name in names for file in sorted(library.glob(name))]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [
        node
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, kinds)
    ]
    return [text for text in map(ast.get_docstring, nodes) if text]


def test_words_tell_what_a_docstring_is_about():
    """Event loops or arithmetic: words weighted by tf-idf, 2,000 and more columns."""
    loops = docstrings("asyncio/*.py")
    numbers = docstrings("_pydecimal.py", "fractions.py", "random.py", "statistics.py")
    words = TfidfVectorizer()
    x = words.fit_transform(loops + numbers)
    assert sparse.issparse(x)
    assert x.shape[1] > 2_000
    t = ["loops"] * len(loops) + ["numbers"] * len(numbers)
    made = from_arrays(x, t, test=0.3)
    assert min(np.bincount(made.test.t)) > 50
    population = Population.grid(MLP(hidden=(16,), dropout=0.2), Adam(0.01), seed=range(3))
    population.fit(made, epochs=8, batch_size=32, workers=1)
    assert population.accuracy(made.test.x, made.test.t).min() > 0.9
    asked = words.transform(["Wait for the socket of the transport.", "The mean of a sample."])
    for member in population.predict(asked):
        assert made.classes[member].tolist() == ["loops", "numbers"]
