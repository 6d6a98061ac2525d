"""The book's functions: printed numbers to the last digit, both forms of targets, both shapes."""

from __future__ import annotations

import numpy as np
import pytest

from trainlab.book import functions as book
from trainlab.differentiation import numerical_diff
from trainlab.errors import DataError
from trainlab.network.losses import MeanSquaredError, SoftmaxCrossEntropy
from trainlab.network.workspace import FRESH


def test_the_numbers_that_the_notes_print() -> None:
    assert book.mean_squared_error([1, 2, 3], [3, 4, 7]) == 12.0
    assert book.cross_entropy_error([0, 2, 3, 8, 9], [3, 4, 7, 8, 9]) == 1.4808580471604245
    assert np.float32(1e-50) == 0.0  # why 1e-50 cannot be the step of a numerical derivative


@pytest.mark.parametrize("rows", [None, 1, 4])
def test_indices_and_one_hot_targets_are_the_same(rows: int | None, rng) -> None:
    shape = (5,) if rows is None else (rows, 5)
    y = book.softmax(rng.standard_normal(shape))
    indices = rng.integers(0, 5, () if rows is None else rows)
    one_hot = np.eye(5, dtype=int)[indices]
    assert book.cross_entropy_error(y, indices) == book.cross_entropy_error(y, one_hot)


def test_agrees_with_the_losses_up_to_what_the_docstrings_say() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((6, 4)), rng.integers(0, 4, 6)
    ours, _ = SoftmaxCrossEntropy().forward(x, t, FRESH)
    # log(p + 1e-7) = log p + 1e-7/p, and no p of these is below 1e-3
    assert book.softmax_loss(x, t) == pytest.approx(float(ours), abs=1e-4)
    assert book.softmax_loss(x, t) != float(ours)
    y, t = rng.standard_normal((2, 6, 4))
    ours, _ = MeanSquaredError().forward(y, t, FRESH)
    assert book.mean_squared_error(y, t) == pytest.approx(6 * float(ours), rel=1e-12)


def test_a_certain_mistake_is_expensive_and_finite() -> None:
    assert book.cross_entropy_error([1.0, 0.0], 1) == pytest.approx(-np.log(1e-7))


def test_activations_and_their_gradients() -> None:
    x = np.array([-1000.0, -1.5, -0.0, 0.0, 2.0, 1000.0])
    assert book.step_function(x).tolist() == [0, 0, 0, 0, 1, 1]
    assert book.relu(x).tolist() == [0, 0, 0, 0, 2, 1000]
    assert book.relu_grad(x).tolist() == [0, 0, 1, 1, 1, 1]
    assert book.identity_function(x) is x
    with np.errstate(all="raise", under="ignore"):
        y = book.sigmoid(x)
    assert y[[0, 3, 5]].tolist() == [0, 0.5, 1]
    for point in (-1.5, 0.3, 2.0):
        numeric = numerical_diff(book.sigmoid, point)
        # central difference, h = 1e-4: truncation h² f‴/6 < 3e-10, rounding < 1e-11
        assert book.sigmoid_grad(point) == pytest.approx(float(numeric), abs=1e-9)


def test_softmax_survives_large_inputs_and_sums_to_one() -> None:
    y = book.softmax([[1000.0, 1001.0], [-1000.0, 1000.0]])
    assert y.sum(axis=-1).tolist() == [1, 1]
    assert y[0, 1] == pytest.approx(1 / (1 + np.exp(-1)))


@pytest.mark.parametrize("values", [[], 3.0, "text", [[1.0], [1.0, 2.0]], None])
def test_what_is_no_filled_array_of_numbers(values) -> None:
    with pytest.raises(DataError, match="x of softmax must be a filled array of numbers; got"):
        book.softmax(values)
    with pytest.raises(DataError, match="y of cross_entropy_error must be a filled array"):
        book.cross_entropy_error(values, 0)


@pytest.mark.parametrize("t", [[0, 1, 1], [0.5, 0.5], [0, 2], [-1, 0], np.zeros((3, 3))])
def test_targets_that_fit_neither_form(t) -> None:
    with pytest.raises(DataError, match="t of cross_entropy_error must be"):
        book.cross_entropy_error(np.full((2, 2), 0.5), t)
