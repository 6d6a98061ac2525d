"""Sparse inputs are accepted as dense ones are, and stay sparse."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from trainlab import Dataset, from_arrays
from trainlab.data import Split, split
from trainlab.errors import DataError, SettingError

RNG = np.random.default_rng(4)
X = RNG.normal(size=(40, 7)) * (RNG.random((40, 7)) < 0.3)
LABELS = np.repeat([3, 7, 11], [20, 12, 8])
FORMATS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
NAN, INF = float("nan"), float("inf")


def dense(**options) -> Dataset:
    return from_arrays(X, LABELS, **options)


def stored(**options) -> Dataset:
    return from_arrays(sparse.csr_array(X), LABELS, **options)


def same(found: Split, expected: Split) -> None:
    """A sparse split, in canonical form, that holds what a dense one does."""
    assert type(found.x) is sparse.csr_array
    assert sparse.csr_array(found.x).has_canonical_format  # asked of a copy: it remembers nothing
    assert (found.x.data != 0).all()
    np.testing.assert_array_equal(found.x.toarray(), expected.x, strict=True)
    np.testing.assert_array_equal(found.t, expected.t, strict=True)
    assert len(found) == len(expected)


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_becomes_csr_with_the_values_and_the_digest_of_every_other(name, kind):
    made = from_arrays(getattr(sparse, f"{name}_{kind}")(X), LABELS)
    same(made.train, dense().train)
    assert made.train.x.indices.dtype == made.train.x.indptr.dtype == np.int32
    assert made.sha256 == stored().sha256


@pytest.mark.filterwarnings("ignore:x has bytes")
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, bool])
def test_every_real_dtype_is_accepted(dtype):
    x = (X * 4).astype(dtype)
    same(from_arrays(sparse.coo_array(x), LABELS).train, from_arrays(x, LABELS).train)


def untidy(dtype: type = np.float64) -> sparse.csr_array:
    """Places out of order and twice, stored zeros, sums of zero, and what float32 rounds to it."""
    columns = np.array([4, 1, 4, 0, 2, 2, 3, 1], np.int64)
    values = np.array([1.5, -2.0, 0.25, 0.0, 7.0, -7.0, 1e-300, 3.0]).astype(dtype)
    x = sparse.csr_array((values, columns, np.array([0, 4, 7, 8], np.int64)), shape=(3, 5))
    x.indices, x.data = np.append(x.indices, 0), np.append(x.data, x.dtype.type(9))  # room to grow
    return x


def test_what_is_stored_untidily_is_tidied_in_a_copy():
    given, before = untidy(), untidy()
    made = from_arrays(given, [0, 1, 0])
    same(made.train, from_arrays(given.toarray(), [0, 1, 0]).train)
    assert made.train.x.nnz == 3
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(given, name), getattr(before, name), strict=True)
    assert made.sha256 == from_arrays(sparse.csr_array(given.toarray()), [0, 1, 0]).sha256


def test_sparse_arrays_are_copied():
    given = sparse.csr_array(X.astype(np.float32))
    made = from_arrays(given, LABELS).train.x
    for name in ("data", "indices", "indptr"):
        assert not np.shares_memory(getattr(made, name), getattr(given, name))


def test_rows_without_entries_are_rows():
    made = from_arrays(sparse.coo_array((6, 3)), [0, 1] * 3, test=2)
    assert made.describe()["sizes"] == {"train": 4, "test": 2}
    assert made.train.x.nnz == 0


def test_sparse_images_are_flattened_in_c_order():
    pytest.importorskip("scipy", "1.15", reason="older ones have no sparse arrays of three axes")
    images = X[:, :6].reshape(40, 2, 3)
    same(from_arrays(sparse.coo_array(images), LABELS).train, from_arrays(images, LABELS).train)


def spoilt(value: float) -> sparse.coo_array:
    x = X.copy()
    x[5], x[6] = 0, 0  # the row is found behind rows without entries
    x[7, 0] = x[7, 4] = x[9, 2] = value
    return sparse.coo_array(x)


def broken(columns: list[int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(2), np.array(columns), np.array([0, 1, 2])), shape=(2, 3))


def objects() -> sparse.csr_array:
    x = sparse.csr_array(X)
    x.data = x.data.astype(object)
    return x


class Foreign:
    """A sparse array of another library."""

    shape, dtype = (40, 7), np.dtype(float)

    def toarray(self):
        raise AssertionError("a sparse array may be too large to make dense unasked")


WRONG = [
    (spoilt(NAN), LABELS, "row 7 of x .* no NaN.*got nan"),
    (spoilt(-INF), LABELS, "row 7 of x .*got -inf"),
    (spoilt(1e39), LABELS, r"row 7 of x .*above float32; got 1e\+39"),
    (sparse.csr_array(X + 1j), LABELS, "x .*real numbers.*complex128"),
    (objects(), LABELS, "x .*real numbers.*object"),
    (sparse.csr_array((0, 7)), [], "x .*at least one row"),
    (sparse.csr_array((40, 0)), LABELS, "x .*one feature"),
    (sparse.coo_array(X[0]), LABELS, r"x .*rows and features.*try x\.reshape\(-1, 1\)"),
    (broken([0, 3]), [0, 1], "x .*indices lie in its shape"),
    (broken([0, -1]), [0, 1], "x .*indices lie in its shape"),
    (broken([0, 3]).tocsr().T, [0, 1, 2], "x .*indices lie in its shape"),
    (Foreign(), LABELS, r"x .*dense.*x\.toarray\(\)"),
    (sparse.csr_array(X), LABELS[:-1], "t of Split must have 40 rows.*got 39"),
    (X, sparse.csr_array(X[:, :2]), r"t .*dense.*t\.toarray\(\)"),
    (sparse.csr_array(X), sparse.csr_array(X[:, :2]), r"t .*dense.*t\.toarray\(\)"),
]


@pytest.mark.parametrize(("x", "t", "words"), WRONG, ids=[words for *_, words in WRONG])
def test_what_cannot_be_trained_on_is_refused(x, t, words):
    with pytest.raises(DataError, match=words):
        from_arrays(x, t)


def test_pairs_of_their_own_may_be_sparse_or_dense_whatever_train_is():
    expected = dense(test=(X[:9], LABELS[:9]), validation=(X[9:], LABELS[9:]))
    made = from_arrays(
        sparse.csr_array(X),
        LABELS,
        test=(sparse.csc_matrix(X[:9]), LABELS[:9]),
        validation=(X[9:], LABELS[9:]),
    )
    same(made.train, expected.train)
    same(made.test, expected.test)
    np.testing.assert_array_equal(made.validation.x, expected.validation.x, strict=True)
    assert made.describe()["sizes"] == expected.describe()["sizes"]


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ((sparse.csr_array(X[:3, :4]), LABELS[:3]), "x of test .*7 features.*got 4"),
        ((spoilt(NAN), LABELS), "row 7 of x of test .*no NaN"),
        ((sparse.coo_array(X[0]), LABELS[:7]), r"x of test .*try x\.reshape\(-1, 1\)"),
        ((sparse.csr_array(X[:3]), LABELS[:2]), "have 3 rows"),
    ],
)
def test_a_sparse_pair_that_does_not_fit_train_is_refused(pair, words):
    for made in (dense, stored):
        with pytest.raises(DataError, match=words):
            made(test=pair)


@pytest.mark.parametrize("stratify", [True, False])
def test_the_same_rows_are_drawn_as_of_a_dense_array(stratify):
    options = {"test": 9, "validation": 0.25, "stratify": stratify, "seed": 5}
    found, expected = stored(**options), dense(**options)
    for name, part in expected.parts().items():
        same(found.parts()[name], part)
    for ours, theirs in zip(split(found.train, 6), split(expected.train, 6), strict=True):
        same(ours, theirs)
    with pytest.raises(SettingError, match="no test split yet; got an array of shape"):
        found.hold_out("test", 3)


def test_the_first_rows_and_rows_in_any_order_are_taken():
    found, expected = stored(test=9).first(train=5, test=2), dense(test=9).first(train=5, test=2)
    same(found.train, expected.train)
    same(found.test, expected.test)
    rows = np.array([11, 3, 3, 39])
    same(stored().train.take(rows), dense().train.take(rows))


def test_the_sha256_tells_values_places_shapes_draws_and_dense_arrays_apart():
    x = np.zeros((40, 7))
    x[0, :2] = 1.0, 2.0
    other, column, row = np.zeros((3, 40, 7))
    other[0, :2] = 1.0, 3.0
    column[0, [0, 2]] = 1.0, 2.0
    row[[0, 1], [0, 1]] = 1.0, 2.0
    wider = np.pad(x, ((0, 0), (0, 1)))
    made = [
        stored(),
        dense(),
        *(from_arrays(sparse.csr_array(x), LABELS) for x in (x, other, column, row, wider)),
        from_arrays(sparse.csr_array(X), LABELS[::-1]),
        stored(validation=10),
        stored(validation=10, seed=1),
        stored(test=(sparse.csr_array(X), LABELS)),
        stored(test=(X, LABELS)),
        stored().first(train=30),
    ]
    assert len({each.sha256 for each in made}) == len(made)
    assert stored(validation=10).sha256 == stored(validation=10).sha256
    assert json.loads(json.dumps(stored().describe())) == stored().describe()


@pytest.mark.parametrize(
    "x",
    [
        sparse.csr_array(X.astype(np.float32)).astype(np.int64),
        sparse.csc_array(X.astype(np.float32)),
        sparse.csr_matrix(X.astype(np.float32)),
        untidy(np.float32),
        sparse.csr_array((0, 7), dtype=np.float32),
        X.astype(np.float32).tolist(),
    ],
    ids=["integers", "CSC", "matrix", "not canonical", "empty", "list"],
)
def test_a_split_holds_only_what_training_takes(x):
    rows = len(x) if isinstance(x, list) else x.shape[0]
    with pytest.raises(DataError, match="x of Split must be a filled float32 or float64 array"):
        Split(x, np.zeros(rows, np.int64))


def test_no_step_takes_the_memory_of_a_dense_array(monkeypatch):
    """20,000 × 20,000, one in 10,000 of them not zero: 1.6 GB dense, half a megabyte stored."""
    n = 20_000
    places = RNG.integers(0, n, (2, 40_000))
    x = sparse.coo_array((RNG.normal(size=40_000), places), shape=(n, n))
    for kind in (sparse.coo_array, sparse.csr_array, sparse.csc_array):
        monkeypatch.setattr(kind, "toarray", Foreign.toarray)
    tracemalloc.start()
    try:
        made = from_arrays(x, np.arange(n) % 2, test=0.2, validation=0.2).first(train=9_000)
        made.describe()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made.describe()["sizes"] == {"train": 9_000, "validation": 3_200, "test": 4_000}
    assert peak < 20e6  # bytes: some copies of what is stored, and rows drawn
