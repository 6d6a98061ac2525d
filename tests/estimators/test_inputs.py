"""Standardised inputs: what mean and scale are, and that they belong to the fitted model."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, issparse
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.model_selection import train_test_split
from sklearn.utils import estimator_checks

import trainlab as tl
from trainlab import MLPClassifier, MLPRegressor
from trainlab.errors import SettingError
from trainlab.estimators import inputs
from trainlab.estimators.inputs import BEND, FURTHEST, InputScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
TABLES = Path(os.environ.get("TRAINLAB_DATA", "data")) / "tables"
KINDS = [MLPClassifier, MLPRegressor]
# Sums of 40 numbers of size 1, in float64: a few roundings of 1e-16 each.
ROUNDING = 1e-14


def quick(kind: Any = MLPClassifier, **settings: Any) -> Any:
    """An estimator that trains in a few hundredths of a second."""
    chosen = {"hidden_layer_sizes": (7,), "max_iter": 6, "random_state": 0, **settings}
    return kind(**{"learning_rate_init": 0.02, **chosen})


def answers(estimator: Any, X: Any) -> Any:
    return getattr(estimator, "predict_proba", estimator.predict)(X)


def rare_words(rng: np.random.Generator, rows: int, features: int) -> Any:
    """Counts, of which the last column has none."""
    there = (rng.random((rows, features)) < 0.2) & (np.arange(features) < features - 1)
    return csr_array(rng.integers(1, 5, there.shape) * there)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_mean_and_scale(dtype: str, rng: np.random.Generator, monkeypatch: Any) -> None:
    monkeypatch.setattr(inputs, "BLOCK_NUMBERS", 12)  # several blocks
    x = (rng.uniform(-9, 9, (40, 5)) * [1, 10, 1e3, 1e4, 3]).astype(dtype)
    x[:, 4] = 25, *[0] * 39  # a pixel that one image uses
    weight = rng.integers(1, 4, 40).astype(float)
    found, exact = InputScaler.standard(x, weight), x.astype(np.float64)
    mean = np.average(exact, axis=0, weights=weight)
    deviation = np.sqrt(np.average((exact - mean) ** 2, axis=0, weights=weight))
    furthest = np.abs(exact - mean).max(axis=0)
    assert np.allclose(found.mean, mean, rtol=ROUNDING, atol=ROUNDING * furthest.max())
    assert np.allclose(found.scale, np.maximum(deviation, furthest / 2), rtol=ROUNDING)
    z = found.encode(x, np.float64)
    assert np.allclose(z, (exact - found.mean) / found.scale, rtol=ROUNDING)
    assert np.abs(z).max(axis=0) == pytest.approx([*np.abs(z).max(axis=0)[:4], FURTHEST])
    assert np.abs(z).max() <= FURTHEST * (1 + ROUNDING)
    assert np.array_equal(found.encode(x, np.float32), z.astype(np.float32))


def test_a_column_that_is_constant_but_for_rounding_has_scale_1() -> None:
    x = np.array([[0.3, 7, 0, 1e200], [0.1 + 0.2, 7, 0, 1e200], [0.3, 7, 0, 1e200]])
    assert x[0, 0] != x[1, 0]
    found = InputScaler.standard(x, None)
    assert found.scale.tolist() == [1, 1, 1, 1]
    assert found.mean[1:].tolist() == [7, 0, 1e200]
    assert np.abs(found.encode(x, np.float64)).max() < 1e-15


@pytest.mark.parametrize("size", [1.7e308, 1e-310])
def test_the_largest_and_the_smallest_numbers_do_not_overflow(size: float) -> None:
    x = np.array([[-1.0], [1.0], [1.0], [-1.0], [0.5]])
    one, other = (
        InputScaler.standard(x, None).encode(x, np.float32),
        InputScaler.standard(x * size, None),
    )
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        z = other.encode(x * size, np.float32)
    assert np.allclose(z, one, rtol=1e-6)
    assert np.isfinite(InputScaler.standard(csr_array(x * size), None).scale).all()
    network = quick(MLPRegressor, dtype="float32").fit(x * size, np.arange(5))
    assert np.isfinite(network.predict(x * size)).all()


@pytest.mark.parametrize("make", [np.asarray, csr_array])
@pytest.mark.filterwarnings("ignore:Numbers far outside:UserWarning")
def test_what_the_dtype_cannot_hold_is_said(make: Any) -> None:
    X, y = IRIS
    network = quick(dtype="float32").fit(make(X), y)
    far = X[:3].copy()
    far[2, 1] = 1e300
    assert network.predict(make(far)).shape == (3,)  # it is bounded
    plain = quick(dtype="float32", standardize_inputs=False)
    with pytest.raises(tl.DataError, match=r"X of MLP must lie in the range of float32 .* got 1e"):
        plain.fit(make(far), y[:3])
    with pytest.raises(tl.DataError, match=r"X of MLP must lie in the range of float32 .* got 1e"):
        plain.fit(make(X), y).predict(make(far))
    assert quick(dtype="float32").fit(make(far), y[:3]).predict(make(far)).shape == (3,)
    assert quick(dtype="float64").fit(make(X), y).predict(make(far)).shape == (3,)


def test_sparse_rows_are_only_divided_and_stay_sparse(rng: np.random.Generator) -> None:
    x = rare_words(rng, 40, 6)
    dense, weight = x.toarray(), rng.integers(1, 4, 40).astype(float)
    found = InputScaler.standard(x, weight)
    root = np.sqrt(np.average(dense.astype(float) ** 2, axis=0, weights=weight))
    expected = np.maximum(root, np.abs(dense).max(axis=0) / FURTHEST)
    assert np.allclose(found.scale[:5], expected[:5], rtol=ROUNDING)
    assert (found.mean == 0).all()
    assert found.scale[5] == 1
    z = found.encode(x, np.float32)
    assert issparse(z)
    assert z.nnz == x.nnz
    assert np.array_equal(z.toarray(), found.encode(dense, np.float32))
    train = quick()._prepare(x, np.arange(40) % 2).data.train.x
    assert issparse(train)
    # Dense rows have a mean; asked for sparse ones, the model gives the same answer.
    centred = InputScaler.standard(dense, weight)
    assert np.array_equal(centred.encode(x, np.float64), centred.encode(dense, np.float64))


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_training_on_encoded_rows(kind: Any) -> None:
    """Bit for bit; and those that are off take X as it is."""
    X, y = IRIS
    found = InputScaler.standard(X[:140], None)
    z, later = (found.encode(part, np.float64) for part in (X[:140], X[140:]))
    settings = {"early_stopping": True, "batch_size": 32}
    one = quick(kind, standardize_inputs="standard", **settings).fit(
        X[:140], y[:140], validation_data=(X[140:], y[140:])
    )
    other = quick(kind, standardize_inputs=False, **settings)
    other.fit(z, y[:140], validation_data=(later, y[140:]))
    assert np.array_equal(answers(one, X[140:]), answers(other, later))
    assert np.array_equal(one.validation_curve_, other.validation_curve_)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_units_do_not_matter(kind: Any, sparse: bool) -> None:
    """To the bit, where the units differ by powers of two."""
    X, y = IRIS
    make = csr_array if sparse else np.asarray
    units = 2.0 ** np.array([-900, 0, 3, 1000])
    one = quick(kind).fit(make(X), y)
    other = quick(kind).fit(make(X * units), y)
    assert np.array_equal(answers(one, make(X)), answers(other, make(X * units)))
    assert np.array_equal(one.loss_curve_, other.loss_curve_)


def test_tables_of_other_units_need_no_scaler() -> None:
    X, y = load_wine(return_X_y=True)
    scores = {
        on: quick(standardize_inputs=on, max_iter=60).fit(X[::2], y[::2]).score(X[1::2], y[1::2])
        for on in ("robust", "standard", False)
    }
    assert min(scores["robust"], scores["standard"]) > 0.95
    assert scores[False] < 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_later_rows_have_the_mean_and_scale_of_the_first(kind: Any) -> None:
    X, y = IRIS
    standard = {"standardize_inputs": "standard"}
    warm = quick(kind, warm_start=True, **standard).fit(X, y)
    before = warm._inputs
    warm.fit(X * 100 + 3, y)
    assert warm._inputs.mean is before.mean
    assert warm._inputs.scale is before.scale
    parts = quick(kind, **standard)
    given = {"classes": [0, 1, 2]} if kind is MLPClassifier else {}
    parts.partial_fit(X[:75], y[:75], **given)
    before = parts._inputs
    parts.partial_fit(X[75:], y[75:])
    assert parts._inputs.mean is before.mean
    assert parts._inputs.scale is before.scale
    assert np.allclose(before.mean, X[:75].mean(axis=0), rtol=ROUNDING)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_values_far_outside_count_as_twice_the_furthest(kind: Any, sparse: bool) -> None:
    X, y = IRIS
    make = csr_array if sparse else np.asarray
    network = quick(kind, standardize_inputs="standard").fit(make(X), y)
    found = network._inputs
    assert found.reach.tolist() == [2 * FURTHEST] * 4
    far, ends, inner = (np.repeat(X[:8], 4, axis=0) for _ in range(3))
    cell = np.arange(32), np.arange(32) % 4
    side = np.repeat([[-1.0], [1.0]], 16, axis=0)
    end = found.mean + side * found.scale * found.reach
    far[cell] = side[:, 0] * 10.0 ** np.repeat([3, 30, 100, 300] * 2, 4)
    ends[cell], inner[cell] = end[cell], (found.mean + 0.99 * (end - found.mean))[cell]
    # But for the rounding of the end itself, in float32.
    assert np.allclose(answers(network, make(far)), answers(network, make(ends)), rtol=1e-6)
    # Nearer ones, although no row was trained on there, are taken as they are.
    z = (inner - found.mean) / found.scale
    assert np.allclose(found.encode(inner, np.float64), z, rtol=ROUNDING)
    if kind is MLPRegressor:
        assert np.abs(answers(network, make(far)) - y.mean()).max() < 5 * np.ptp(y)


@pytest.mark.parametrize("sparse", [False, True])
def test_values_that_were_trained_on_are_never_bounded(sparse: bool) -> None:
    """Later parts may lie further out than the first one, which gave the scale."""
    make = csr_array if sparse else np.asarray
    X, y = IRIS
    first, later = X[:5] * [1, 0, 1, 1], X * [1, 1, 50, 1]
    settings = {"standardize_inputs": "standard"}
    parts = quick(MLPRegressor, **settings)
    parts.partial_fit(make(first), y[:5]).partial_fit(make(later), y)
    found = parts._inputs
    z = np.abs((later - found.mean) / found.scale).max(axis=0)
    assert z.max() > 50
    assert found.furthest == pytest.approx(np.maximum(z, FURTHEST), rel=1e-6)
    encoded = found.encode(make(later), np.float64)
    encoded = encoded.toarray() if sparse else encoded
    assert np.array_equal(encoded, (later - found.mean) / found.scale)
    warm = quick(MLPRegressor, warm_start=True, **settings)
    warm.fit(make(first), y[:5]).fit(make(later), y)
    assert warm._inputs.furthest == pytest.approx(found.furthest, rel=1e-6)


def test_x_as_it_is_has_no_bound() -> None:
    X, y = IRIS
    network = quick(MLPRegressor, standardize_inputs=False).fit(X, y)
    assert np.abs(network.predict(X[:3] * 1e9)).min() > 1e6


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_median_and_quartiles(dtype: str, rng: np.random.Generator) -> None:
    x = (rng.uniform(-9, 9, (41, 4)) * [1, 10, 1e3, 3]).astype(dtype)
    x[:, 3] = 25, *[0] * 40  # a pixel that one image uses: its range
    weight = rng.integers(1, 4, 41)
    exact = np.repeat(x.astype(np.float64), weight, axis=0)
    low, median, high = np.percentile(exact, [25, 50, 75], axis=0, method="averaged_inverted_cdf")
    found = InputScaler.robust(x, weight.astype(float))
    assert np.allclose(found.mean, median, rtol=ROUNDING)
    assert np.allclose(found.scale, np.where(high > low, high - low, 25), rtol=ROUNDING)
    z = (x.astype(np.float64) - median) / found.scale
    expected = z / np.sqrt(1 + (z / BEND) ** 2)
    assert np.allclose(found.encode(x, np.float64), expected, rtol=ROUNDING, atol=ROUNDING)
    repeated = InputScaler.robust(np.repeat(x, weight, axis=0), None)
    assert np.array_equal(repeated.mean, found.mean)
    assert np.array_equal(repeated.scale, found.scale)


def test_codes_say_how_much_of_each_piece_lies_below(rng: np.random.Generator) -> None:
    x = rng.standard_normal((128, 4))
    x[:, 1] = np.arange(128) % 2  # two values say what they say
    x[:, 2] = np.arange(128) % 3
    x[:, 3] = 7
    found = InputScaler.piecewise(x, None)
    assert found.outputs == 4 + 32 + 2
    z = found.encode(x, np.float64)
    assert np.array_equal(z[:, :4], InputScaler.robust(x, None).encode(x, np.float64))
    edges = np.percentile(x[:, 0], np.arange(33) / 32 * 100, method="averaged_inverted_cdf")
    below = np.clip((x[:, :1] - edges[:-1]) / np.diff(edges), 0, 1)
    assert np.allclose(z[:, 4:36], below - 0.5, rtol=0, atol=1e-12)
    steps = np.array([[0, 0], [1, 0], [1, 1]])[x[:, 2].astype(int)]
    assert np.array_equal(z[:, 36:], steps - 0.5)
    far = found.encode(np.array([[-1e308, 0, 5, 9], [1.7e308, 0, 1.5, 9]]), np.float64)
    assert np.array_equal(far[0, 4:], [-0.5] * 32 + [0.5, 0.5])
    assert np.array_equal(far[1, 4:], [0.5] * 32 + [0.5, 0])


def test_codes_of_weighted_rows_are_those_of_rows_given_twice(rng: np.random.Generator) -> None:
    x, weight = rng.standard_normal((40, 3)), rng.integers(1, 4, 40)
    weighed = InputScaler.piecewise(x, weight.astype(float))
    repeated = InputScaler.piecewise(np.repeat(x, weight, axis=0), None)
    assert np.array_equal(weighed.encode(x, "float64"), repeated.encode(x, "float64"))


def test_of_many_columns_each_has_fewer_pieces(rng: np.random.Generator) -> None:
    x = rng.standard_normal((200, 256))
    assert InputScaler.piecewise(x[:, :128], None).outputs == 128 * (1 + 4)
    assert InputScaler.piecewise(np.tile(x, 4), None).outputs == 1024 * (1 + 2)


def test_the_largest_and_the_smallest_numbers_have_codes() -> None:
    largest, smallest = np.finfo(np.float64).max, 5e-324
    x = np.array([[-largest, 0], [0, smallest], [largest, 2 * smallest]])
    found = InputScaler.piecewise(x, None)
    assert np.isfinite(found.width).all()
    assert np.abs(found.encode(x, "float64")).max() <= 3


def test_codes_learn_steps_that_plain_inputs_do_not() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (600, 2))
    y = rng.standard_normal(12)[np.floor(6 * x[:, 0] + 6).astype(int)]
    error = {}
    for made in ("robust", "piecewise"):
        model = quick(MLPRegressor, standardize_inputs=made, max_iter=60)
        error[made] = 1 - model.fit(x[:400], y[:400]).score(x[400:], y[400:])
    assert error["piecewise"] < 0.5 * error["robust"]


def test_sparse_rows_have_no_codes(rng: np.random.Generator) -> None:
    x = rare_words(rng, 60, 6)
    told = "standardize_inputs of MLP must be 'robust' for a sparse X; got 'piecewise'"
    with pytest.raises(SettingError, match=told):
        quick(standardize_inputs="piecewise").fit(x, np.arange(60) % 2)


def test_robust_sparse_rows_have_the_quartiles_of_the_dense_and_stay_sparse(
    rng: np.random.Generator,
) -> None:
    x = rare_words(rng, 60, 6)
    dense = x.toarray()
    dense[:, 1] = 7  # which has no zero, and equal quartiles
    dense[:5, 1] = 11
    x, weight = csr_array(dense), rng.integers(1, 3, 60).astype(float)
    found, same = InputScaler.robust(x, weight), InputScaler.robust(dense, weight)
    assert np.array_equal(np.delete(found.scale, 1), np.delete(same.scale, 1))
    assert found.scale[1] == dense[:, 1].max()  # from 0, which is its middle
    assert (found.mean == 0).all()
    z = found.encode(x, np.float32)
    assert issparse(z)
    assert np.array_equal(z.toarray(), found.encode(dense, np.float32))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:Numbers far outside:UserWarning")
def test_no_value_is_too_far_out(kind: Any) -> None:
    X, y = IRIS
    network = quick(kind).fit(X, y)
    far = np.repeat(X[:8], 4, axis=0)
    far[np.arange(32), np.arange(32) % 4] = np.repeat([1e12, -1e12, 1e100, 1.7e308] * 2, 4)
    assert np.abs(network._inputs.encode(far, np.float64)).max() <= BEND
    if kind is MLPRegressor:
        assert np.abs(network.predict(far) - y.mean()).max() < 5 * np.ptp(y)


@pytest.mark.parametrize("cell", [1e6, 1e200])
def test_one_absurd_cell_costs_next_to_nothing(cell: float) -> None:
    """In training and later; divided by its deviation the column would be lost."""
    X, y = load_breast_cancer(return_X_y=True)
    train, test = slice(0, 400), slice(400, None)
    spoilt = X.copy()
    spoilt[np.arange(0, 30) * 13, np.arange(30)] *= cell

    def score(inputs: str, X: Any) -> float:
        model = quick(standardize_inputs=inputs, max_iter=60, n_members=3)
        return float(model.fit(X[train], y[train]).score(X[test], y[test]))

    clean = score("robust", X)
    assert clean > 0.95
    assert score("robust", spoilt) >= clean - 0.01
    assert score("standard", spoilt) < clean - 0.02


def test_a_class_weight_is_a_weight_of_its_rows() -> None:
    X, y = IRIS
    settings = {"standardize_inputs": "standard"}
    by_label = quick(class_weight={0: 0, 1: 5}, **settings)._prepare(X, y).table.inputs
    weight = np.array([0.0, 5, 1])[y]
    by_hand = quick(**settings)._prepare(X, y, weight).table.inputs
    assert np.array_equal(by_label.mean, by_hand.mean)
    assert np.array_equal(by_label.scale, by_hand.scale)
    assert not np.allclose(by_hand.mean, X.mean(axis=0), rtol=0.1)


def test_tables_are_shared_by_those_that_agree() -> None:
    X, y = IRIS
    table = quick()._prepare(X, y).table
    assert quick()._prepare(X, y, like=[table]).table is table
    assert quick(standardize_inputs=False)._prepare(X, y, like=[table]).table is not table


def test_a_file_of_the_first_version_takes_inputs_as_they_are() -> None:
    """Written once, before inputs could be standardised; it must load for ever."""
    model = tl.load(Path(__file__).parent / "version-1.safetensors")
    X = np.random.default_rng(8).standard_normal((30, 4))
    assert model.standardize_inputs is False
    # What the version that wrote the file predicted; another BLAS may round otherwise.
    expected = [
        [-2.4487772233688565, 5.471772796364086],
        [0.3320151653124359, 6.472476152663993],
    ]
    assert np.allclose(model.predict(X[:2]), expected, rtol=1e-5)


CHECKS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
    "check_methods_subset_invariance",
    "check_fit2d_1feature",
    "check_estimator_sparse_array",
)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", KINDS)
def test_checks_pass_without_it_too(kind: Any, check: str) -> None:
    """tests/estimators/test_conformance.py runs all of them with it."""
    if not hasattr(estimator_checks, check):
        pytest.skip("this scikit-learn has no such check")
    getattr(estimator_checks, check)(kind.__name__, kind(standardize_inputs=False))


def test_a_row_longer_than_a_block_is_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(15.0, dtype=np.float32).reshape(3, 5)
    for numbers, shapes in ((4, [(1, 5)] * 3), (10, [(2, 5), (1, 5)]), (100, [(3, 5)])):
        monkeypatch.setattr(inputs, "BLOCK_NUMBERS", numbers)
        found = list(inputs._blocks(x))
        assert [block.shape for _, block in found] == shapes
        assert all(np.array_equal(x[rows], block) for rows, block in found)
        assert sum(len(block) for _, block in found) == len(x)


def test_true_is_what_it_was_of_numpy_too() -> None:
    X, y = IRIS
    standard = quick(standardize_inputs="standard").fit(X, y).predict_proba(X)
    for same in (True, np.True_):
        assert np.array_equal(quick(standardize_inputs=same).fit(X, y).predict_proba(X), standard)
    plain = quick(standardize_inputs=np.False_).fit(X, y).predict_proba(X)
    assert np.array_equal(quick(standardize_inputs=False).fit(X, y).predict_proba(X), plain)
    told = "or False; got 'robst'; try standardize_inputs='robust'"
    with pytest.raises(tl.SettingError, match=told):
        quick(standardize_inputs="robst").fit(X, y)


def far_rows() -> tuple[Any, Any, Any]:
    """Rows to train on, their targets, and rows of which two have numbers far out."""
    rng = np.random.default_rng(8)
    x = rng.uniform(0, 80, (50, 4))
    x[:, 3] = 2.0, *[0.0] * 49  # its quartiles are equal: nothing is said of it
    x[:2, :3] = [[0.0] * 3, [80.0] * 3]
    new = x[:9].copy()
    new[3, 1], new[4, 2], new[:, 3] = 1e6, -999, 1e9
    return x, np.arange(50) % 2, new


FAR_SAID = (
    r"Numbers far outside the range of training: {1} \(1 row, as 1e\+06; in training 0 to 80\), "
    r"{2} \(1 row, as -999; in training 0 to 80\); are units"
)


@pytest.mark.parametrize("kind", ["robust", "piecewise"])
def test_numbers_far_outside_the_range_of_training_are_warned_of(kind: str, tmp_path: Path) -> None:
    x, y, new = far_rows()
    columns = dict(enumerate("abcd"))
    frame, frame_new = (pd.DataFrame(one).rename(columns=columns) for one in (x, new))
    named = quick(standardize_inputs=kind).fit(frame, y)
    with pytest.warns(UserWarning, match=FAR_SAID.format(*map(repr, "abc"))):
        named.predict(frame_new)
    plain = quick(standardize_inputs=kind).fit(x, y)
    tl.save(plain, tmp_path / "model")
    for model in (plain, tl.load(tmp_path / "model")):
        with pytest.warns(UserWarning, match=FAR_SAID.format(*(f"column {n}" for n in range(3)))):
            model.predict_proba(new)
        model.predict(x)
        model.predict(np.full((1, 4), 80 * (1 + inputs.OUTSIDE)))  # just not far


def test_a_sparse_x_is_warned_of_as_a_dense_one() -> None:
    x, y, new = far_rows()
    x[:, :3] += 1  # no column has zeros, so that those of rows that store none lie outside
    model = quick().fit(csr_array(x), y)
    with pytest.warns(UserWarning, match="far outside") as caught:
        model.predict(csr_array(new))
    with pytest.warns(UserWarning, match="far outside") as dense:
        model.predict(new)
    assert str(caught[0].message) == str(dense[0].message)


def test_what_a_warm_start_adds_is_in_the_range_of_training() -> None:
    x, y, new = far_rows()
    model = quick(warm_start=True).fit(x, y)
    assert set(model._inputs.far(new)) == {1, 2}
    model.fit(np.concatenate([x, new]), np.arange(59) % 2)
    assert model._inputs.far(new) == {}
    assert model._inputs.far(np.full((1, 4), -1e9)).keys() == {0, 1, 2}


def test_an_ensemble_and_a_model_of_earlier_versions(tmp_path: Path) -> None:
    x, y, new = far_rows()
    settings: dict[str, Any] = {"n_folds": 1, "max_iter": 2, "trees": False, "random_state": 0}
    ensemble = tl.PopulationEnsembleClassifier(2, **settings).fit(x, y)
    with pytest.warns(UserWarning, match=FAR_SAID.format(*(f"column {n}" for n in range(3)))):
        known = ensemble.predict(new)
    none = np.zeros(0)
    ensemble._inputs = replace(ensemble._inputs, lowest=none, highest=none)
    tl.save(ensemble, tmp_path / "model")
    assert (tl.load(tmp_path / "model").predict(new) == known).all()  # and says nothing


@pytest.mark.skipif(not TABLES.is_dir(), reason="the tables are not there")
def test_no_hold_out_of_the_tables_is_far() -> None:
    for name, about in json.loads((TABLES / "meta.json").read_text()).items():
        table = pd.read_csv(TABLES / f"{name}.csv.gz").drop(columns=[about["target"]])
        x = table.select_dtypes("number").to_numpy(np.float64)
        x = np.where(np.isnan(x), np.nanmedian(x, axis=0), x)
        for seed in range(4):
            known, new = train_test_split(x, test_size=(0.2, 0.5)[seed % 2], random_state=seed)
            assert InputScaler.robust(known, None).far(new) == {}, name
            assert InputScaler.robust(known, None).far(1e3 * new + 1e3)
