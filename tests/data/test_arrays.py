"""Splits, data sets, and the arrays that may become them."""

from __future__ import annotations

import dataclasses
import json
import warnings

import numpy as np
import pytest
from scipy import sparse

from trainlab.data.arrays import Dataset, Split, from_arrays, split
from trainlab.errors import DataError, SettingError

RNG = np.random.default_rng(2)
X = RNG.normal(size=(60, 5))
LABELS = np.repeat([3, 7, 11], [30, 20, 10])
INF = float("inf")
NAN = float("nan")


def data(**options):
    return from_arrays(X, LABELS, **options)


def rows(part):
    """Which rows of X these are: each row of X is unlike the others."""
    return [int(np.argmin(np.abs(X.astype(np.float32) - row).sum(1))) for row in part.x]


@pytest.mark.parametrize(
    ("t", "task", "shape", "dtype"),
    [
        (LABELS, "classification", (60,), np.int64),
        (LABELS.astype(np.uint8), "classification", (60,), np.int64),
        (LABELS == 3, "classification", (60,), np.int64),
        (LABELS.astype(str), "classification", (60,), np.int64),
        (LABELS.astype(str).astype(object), "classification", (60,), np.int64),
        (LABELS.astype(object), "classification", (60,), np.int64),
        (LABELS.tolist(), "classification", (60,), np.int64),
        (X[:, 0], "regression", (60, 1), np.float32),
        (X[:, :2].astype(np.float16), "regression", (60, 2), np.float32),
    ],
)
def test_targets_say_what_the_task_is(t, task, shape, dtype):
    made = from_arrays(X, t)
    assert (made.task, made.train.t.shape, made.train.t.dtype) == (task, shape, dtype)
    assert made.out_features == (len(np.unique(t)) if task == "classification" else shape[1])


def test_a_named_task_overrides_what_targets_suggest():
    assert from_arrays(X, LABELS, task="regression").train.t.shape == (60, 1)
    assert from_arrays(X, LABELS / 2, task="classification").classes.tolist() == [1.5, 3.5, 5.5]
    assert from_arrays(X, X[:, :3] > 0, task="multilabel").train.t.dtype == np.float32


def test_class_numbers_point_at_the_classes():
    made = data()
    np.testing.assert_array_equal(made.classes[made.train.t], LABELS)
    named = from_arrays(X, np.array(["c", "a", "b"])[np.arange(60) % 3])
    assert named.classes.tolist() == ["a", "b", "c"]
    assert named.train.t[:3].tolist() == [2, 0, 1]


# In float64 the two are one number; so are those of unsigned integers.
CLOSE, HUGE = [2**53, 2**53 + 1], [2**63, 2**63 + 1]


@pytest.mark.parametrize(
    ("train", "test", "places"),
    [
        (np.array(CLOSE), np.array(CLOSE, np.uint64), [0, 1]),
        (np.array(CLOSE), np.array(CLOSE, object), [0, 1]),
        (np.array(CLOSE, np.uint64), np.array(CLOSE), [0, 1]),
        (np.array([-1, 2**63 - 1]), np.array([2**63 - 1], np.uint64), [1]),
        (np.array(HUGE, np.uint64), HUGE, [0, 1]),
        (np.array(HUGE, object), np.array(HUGE, np.uint64), [0, 1]),
        ([2**63, 1], [1, 2**63], [0, 1]),  # NumPy makes floats of such a list
        ([np.int64(5), np.uint64(2**63 + 1)], HUGE[1:], [1]),
        (CLOSE, [2.0**53], [0]),
        ([1.5, 2.0**53], [2**53], [1]),
        ([False, True], [1, 0], [1, 0]),
        ([0, 1], [True, False], [1, 0]),
    ],
)
def test_labels_are_compared_as_what_they_are(train, test, places):
    made = from_arrays(X[: len(train)], train, test=(X[: len(test)], test), task="classification")
    assert made.test.t.tolist() == places
    assert made.classes.tolist() == sorted(np.asarray(train, object).tolist())
    assert made.train.t.tolist() == [made.classes.tolist().index(label) for label in train]


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        (
            CLOSE,
            np.array([2**53 + 2], np.uint64),
            r"only labels that train has; got \[900719925474",
        ),
        ([2**53 + 1, 2**60], [2.0**53], r"only labels that train has; got \[900719925474"),
        ([1.5, 2.0**53], [2**53 + 1], r"only labels that train has; got \[900719925474"),
        (np.array([-1, 5]), np.array([2**64 - 1], np.uint64), r"only labels that train has"),
        (
            [2**63, -1],
            [1],
            r"t of from_arrays must hold integers that int64 or uint64 .* got 922337",
        ),
        (
            [2**70, 1],
            [1],
            r"t of from_arrays must hold integers that int64 or uint64 .* got 118059",
        ),
        (np.array([-(2**70), 1], object), [1], r"integers that int64 or uint64 .* got -118059"),
        (CLOSE, [2**70], r"t of test of from_arrays must hold integers that int64 or uint64"),
        (
            np.array([True, 2], object),
            [1],
            r"strings or numbers of one kind; got \['bool', 'int'\]",
        ),
    ],
)
def test_labels_that_are_no_classes_of_train_or_of_no_one_type(train, test, words):
    with pytest.raises(DataError, match=words):
        from_arrays(X[:2], train, test=(X[: len(test)], test), task="classification")


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array, sparse.lil_array])
def test_bytes_that_are_not_scaled_are_told(kind):
    for most, told in (
        (255, 255),
        (250, 255),
        (16, 16),
        (11, 11),
        (10, None),
        (1, None),
        (0, None),
    ):
        x = kind(np.array([[0, most], [1 % (most + 1), 0]], np.uint8))
        for given in (x, x.astype(np.int64), x.astype(np.float32)):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                from_arrays(given, [0, 1], test=(given, [0, 1]))
            messages = [str(one.message) for one in caught]
            if told is None or given.dtype != np.uint8:
                assert not messages
                continue
            rest = f"not scaled, and networks learn well from numbers about 1; try x / {told}"
            names = "x", "x of test"
            assert messages == [f"{name} has bytes (uint8) that are {rest}" for name in names]


@pytest.mark.filterwarnings("ignore:x has bytes")
def test_images_are_flattened_in_c_order_and_every_real_dtype_is_accepted():
    images = np.asfortranarray(np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5))
    for dtype in (np.uint8, np.int32, np.float64, bool):
        made = from_arrays(images.astype(dtype), [0, 1])
        assert made.train.x.flags.c_contiguous
        assert made.train.x.dtype == np.float32
        np.testing.assert_array_equal(made.train.x, images.astype(dtype).reshape(2, 60))


def test_arrays_are_copied():
    x, t = X.astype(np.float32), X[:, :2].astype(np.float32)
    made = from_arrays(x, t)
    assert not np.shares_memory(made.train.x, x)
    assert not np.shares_memory(made.train.t, t)


def spoilt(value, row=4):
    x = X.copy()
    x[row, 2] = value
    return x


@pytest.mark.parametrize(
    ("x", "t", "words"),
    [
        (spoilt(NAN), LABELS, "row 4 of x .* no NaN.*got nan"),
        (spoilt(INF), LABELS, "row 4 of x .*got inf"),
        (spoilt(-INF, 59), LABELS, "row 59 of x .*got -inf"),
        (spoilt(1e39), LABELS, r"row 4 of x .*above float32; got 1e\+39"),
        (X[:, 0], LABELS, r"x .*rows and features.*try x\[:, None\]"),
        (np.float64(3), LABELS, "x .*rows and features"),
        (X[:0], LABELS[:0], "x .*at least one row"),
        (X[:, :0], LABELS, "x .*one feature"),
        (X.astype(str), LABELS, "x .*real numbers"),
        (X.astype(object), LABELS, "x .*real numbers"),
        (X + 1j, LABELS, "x .*real numbers"),
        (np.ma.masked_less(X, 0), LABELS, "x .*no mask"),
        ([[1.0], [2.0, 3.0]], [0, 1], r"x .*rows of one length; got \[\[1\.0\], \[2\.0, 3\.0\]\]"),
        (X, LABELS[:-1], "t of Split must have 60 rows.*got 59"),
        (X, LABELS[:0], "t .*at least one row"),
        (X, LABELS[:, None], r"t .*labels.*t\.ravel\(\)"),
        (X, np.eye(3, dtype=int)[np.arange(60) % 3], r"t .*t\.argmax\(1\)"),
        (X, spoilt(NAN)[:, 2], "row 4 of t "),
        (X, spoilt(1e39)[:, 1:3], "row 4 of t "),
        (X, X[:, :4].reshape(60, 2, 2), r"t .*\(N,\) or \(N, out\)"),
        (X, np.float64(1), r"t .*\(N,\) or \(N, out\)"),
        (X, X[:, 0] + 1j, "t .*trained on"),
        (X, np.array(["a", None] * 30, dtype=object), r"t .*one kind; got \['NoneType', 'str'\]"),
        (X, np.array([b"a", b"b"] * 30), "t .*trained on"),
        (X, np.zeros(60, "datetime64[s]"), "t .*trained on"),
    ],
)
def test_arrays_that_cannot_be_trained_on_are_refused(x, t, words):
    with pytest.raises(DataError, match=words):
        from_arrays(x, t)


class Guarded:
    """A tensor that is part of a graph refuses NumPy, and says what to do."""

    def __array__(self, *_, **__):
        raise RuntimeError("Use tensor.detach().numpy() instead.")


def test_what_refuses_to_become_an_array_says_why():
    with pytest.raises(DataError, match=r"x .* must be an array; got Use tensor\.detach\(\)"):
        from_arrays(Guarded(), LABELS)


@pytest.mark.parametrize(
    ("t", "task", "error"),
    [
        (LABELS, "ranking", SettingError),
        (LABELS.astype(str), "regression", DataError),
        (LABELS.astype(str), "multilabel", DataError),
        (X[:, :2], "multilabel", DataError),
        (X[:, :2], "classification", DataError),
        (spoilt(NAN)[:, 2], "classification", DataError),
    ],
)
def test_a_task_that_targets_cannot_serve_is_refused(t, task, error):
    with pytest.raises(error):
        from_arrays(X, t, task=task)


def test_pairs_of_their_own_become_splits():
    made = data(test=(X[:4], LABELS[:4]), validation=(X[50:], [11] * 10))
    assert made.describe()["sizes"] == {"train": 60, "validation": 10, "test": 4}
    assert made.validation.t.tolist() == [2] * 10


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ((X[:2], [3, 4]), r"t of test .*only labels that train has; got \[4\]"),
        ((X[:2], ["3", "7"]), "t of test .*as in train"),
        ((X[:2, :3], [3, 7]), "x of test .*5 features.*got 3"),
        ((X[:2], [3, 7, 11]), "have 2 rows"),
        ((spoilt(NAN), LABELS), "row 4 of x of test"),
    ],
)
def test_a_pair_that_does_not_fit_train_is_refused(pair, words):
    with pytest.raises(DataError, match=words):
        data(test=pair)


@pytest.mark.parametrize("size", [0, -1, 60, 61, 0.0, 1.0, -0.2, NAN, True, "0.2", (X,), [X, X]])
@pytest.mark.parametrize("name", ["test", "validation"])
def test_sizes_that_leave_a_part_empty_are_refused(name, size):
    with pytest.raises(SettingError, match=name):
        data(**{name: size})


@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize(("size", "count"), [(12, 12), (0.2, 12), (0.5, 30), (np.int64(12), 12)])
def test_a_split_is_a_partition_with_rows_and_targets_together(stratify, size, count):
    made = data().split(size, stratify=stratify, seed=3)
    assert (len(made.train), len(made.validation)) == (60 - count, count)
    drawn = rows(made.train) + rows(made.validation)
    assert sorted(drawn) == list(range(60))
    for part in (made.train, made.validation):
        np.testing.assert_array_equal(made.classes[part.t], LABELS[rows(part)])


def test_stratified_parts_have_the_share_of_each_class_and_plain_ones_need_not():
    shares = [np.bincount(data().split(12, seed=seed).validation.t) for seed in range(8)]
    assert all(share.tolist() == [6, 4, 2] for share in shares)
    plain = [np.bincount(data().split(12, False, seed).validation.t) for seed in range(8)]
    assert any(share.tolist() != [6, 4, 2] for share in plain)


def test_the_same_seed_draws_the_same_rows_and_another_seed_others():
    for stratify in (True, False):
        drawn = [rows(data().split(12, stratify, seed).validation) for seed in (0, 0, 1, 2**64 - 1)]
        assert drawn[0] == drawn[1]
        assert len({tuple(each) for each in drawn}) == 3


def test_test_and_validation_do_not_share_their_draws():
    whole = data().train
    assert rows(split(whole, 12, purpose="test")[1]) != rows(split(whole, 12)[1])


def test_parts_carved_one_after_the_other_are_disjoint():
    made = data(test=10, validation=0.2)
    assert made.describe()["sizes"] == {"train": 40, "validation": 10, "test": 10}
    drawn = [row for part in made.parts().values() for row in rows(part)]
    assert sorted(drawn) == list(range(60))


def test_a_class_too_rare_to_stratify_is_an_error_with_a_remedy():
    t = np.repeat([0, 1], [59, 1])
    with pytest.raises(SettingError, match=r"1 in the rarest.*try stratify=False"):
        from_arrays(X, t, validation=10)
    with pytest.raises(SettingError, match=r"try stratify=False"):
        data(validation=2)  # three classes do not fit in two rows
    assert len(from_arrays(X, t, validation=10, stratify=False).validation) == 10


def test_targets_without_classes_are_split_plainly():
    assert len(from_arrays(X, X[:, 0], validation=0.25).validation) == 15


def test_a_split_that_is_there_is_not_carved_again():
    with pytest.raises(SettingError, match="no validation split yet"):
        data(validation=10).split(5)


def test_first_takes_the_first_rows():
    made = data(test=20).first(train=7, test=3)
    assert made.describe()["sizes"] == {"train": 7, "test": 3}
    np.testing.assert_array_equal(made.train.x, data(test=20).train.x[:7])


@pytest.mark.parametrize(
    "counts", [{"train": 0}, {"train": 61}, {"train": True}, {"train": 1.0}, {"test": 1}]
)
def test_first_refuses_rows_that_are_not_there(counts):
    with pytest.raises(SettingError):
        data().first(**counts)


def test_the_sha256_tells_contents_and_draws_apart():
    other = X.copy()
    other[0, 0] += 1e-3
    made = [
        data(),
        from_arrays(other, LABELS),
        from_arrays(X, LABELS[::-1]),
        from_arrays(X, LABELS + 1),
        data(validation=10),
        data(test=10),
        data(validation=10, seed=1),
        data().first(train=50),
        data(validation=(X, LABELS)),
        data(test=(X, LABELS)),
    ]
    assert len({each.sha256 for each in made}) == len(made)
    assert data(validation=10, seed=1).sha256 == made[6].sha256
    assert all(len(each.sha256) == 64 for each in made)


def test_describe_is_plain_json():
    assert json.loads(json.dumps(data().describe())) == data().describe()
    assert set(data().describe()) == {"name", "sha256", "sizes"}


@pytest.mark.parametrize(
    ("x", "t"),
    [
        (X.astype(np.float16), LABELS),
        (X, X.astype(np.float32)),
        (X.astype(np.float32)[:, 0], LABELS),
        (np.asfortranarray(X.astype(np.float32)), LABELS),
        (X.astype(np.float32), LABELS.astype(np.int32)),
        (X.astype(np.float32), X[:, 0].astype(np.float32)),
        (X.astype(np.float32), LABELS[:-1]),
        (X.astype(np.float32)[:0], LABELS[:0]),
    ],
)
def test_a_split_holds_only_what_training_takes(x, t):
    with pytest.raises(DataError):
        Split(x, t)


def test_a_data_set_whose_parts_do_not_agree_is_refused():
    made = data()
    for changed, error in [
        ({"task": "guessing"}, SettingError),
        ({"task": "regression"}, DataError),
        ({"classes": None}, DataError),
        ({"classes": np.arange(2)}, DataError),
        ({"test": Split(np.zeros((2, 5), np.float32), np.zeros((2, 1), np.float32))}, DataError),
    ]:
        with pytest.raises(error):
            dataclasses.replace(made, **changed)
    targets = Split(np.zeros((2, 5), np.float32), np.zeros((2, 2), np.float32))
    with pytest.raises(DataError, match="have 1 column, as"):
        Dataset("d", from_arrays(X, X[:, 0]).train, None, targets, "regression", None, "")
