"""Losses: published values, independent formulas, extremes, members, targets, counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import special

from cases import LOSSES, targets
from trainlab.differentiation import complex_step_gradient
from trainlab.errors import DataError, SettingError
from trainlab.network.losses import (
    Huber,
    Loss,
    MeanSquaredError,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)
from trainlab.network.workspace import FRESH, Workspace
from trainlab.settings import stack

# Sums of some 40 terms, each rounded a few times, all of one sign or of size 1.
ROUNDING = 1e-14
B, OUT, K = 5, 4, 3


def softmax_by_hand(loss: Any, y: np.ndarray, t: np.ndarray) -> float:
    s, log_p = loss.label_smoothing, special.log_softmax(y, axis=-1)
    q = (1 - s) * np.eye(y.shape[-1])[t] + s / y.shape[-1]
    return float(-(q * log_p).sum() / len(y))


def huber_by_hand(loss: Any, y: np.ndarray, t: np.ndarray) -> float:
    return float(special.huber(loss.delta, y - t).sum() / len(y))


def sigmoid_by_hand(loss: Any, y: np.ndarray, t: np.ndarray) -> float:
    terms = t * special.log_expit(y) + (1 - t) * special.log_expit(-y)
    return float(-terms.sum() / len(y))


BY_HAND = {
    MeanSquaredError: lambda loss, y, t: float(0.5 * ((y - t) ** 2).sum() / len(y)),
    Huber: huber_by_hand,
    SigmoidCrossEntropy: sigmoid_by_hand,
    SoftmaxCrossEntropy: softmax_by_hand,
}


def example(loss: Loss, *members: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = 2 * rng.standard_normal((*members, B, OUT))
    return y, targets(loss.task, rng, (*members, B), OUT)


def both(loss: Loss, y: np.ndarray, t: np.ndarray, new: Any = FRESH) -> tuple[Any, Any]:
    value, cache = loss.forward(y, t, new)
    return value, loss.backward(cache, new)


def test_the_published_mean_squared_error() -> None:
    y, t = np.array([[1.0, 2.0, 3.0]]), np.array([[3.0, 4.0, 7.0]])
    assert MeanSquaredError().forward(y, t, FRESH)[0] == 12.0


# The others are held against their derivations alone.
@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if type(loss) in BY_HAND])
def test_values_are_those_of_the_formula(name: str) -> None:
    loss = LOSSES[name]
    y, t = example(loss)
    value, _ = loss.forward(y, t, FRESH)
    assert value.shape == ()
    assert value == pytest.approx(BY_HAND[type(loss)](loss, y, t), rel=ROUNDING)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_equal_complex_steps(name: str) -> None:
    loss = LOSSES[name]
    y, t = example(loss)
    numeric = complex_step_gradient(lambda z: loss.forward(z, t, FRESH)[0], y)
    np.testing.assert_allclose(both(loss, y, t)[1], numeric, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_member_is_the_network_alone(name: str, dtype: str, shared: bool) -> None:
    loss = LOSSES[name]
    y, t = example(loss, K)
    y = y.astype(dtype)
    t = t if loss.task == "classification" else t.astype(dtype)
    t = t[0] if shared else t
    value, dy = both(loss, y, t)
    assert value.shape == (K,)
    assert value.dtype == dy.dtype == dtype
    for k in range(K):
        alone, dy_alone = both(loss, y[k], t if shared else t[k])
        assert value[k] == alone
        np.testing.assert_array_equal(dy[k], dy_alone)


@pytest.mark.parametrize(
    "members",
    [
        [Huber(0.2), Huber(1.0), Huber(5.0)],
        [SoftmaxCrossEntropy(0.0), SoftmaxCrossEntropy(0.1), SoftmaxCrossEntropy(0.5)],
    ],
)
def test_a_setting_of_each_member_is_that_of_the_member_alone(members: list[Loss]) -> None:
    y, t = example(members[0], K)
    y = y.astype(np.float32)
    value, dy = both(stack(members, trailing=2), y, t)
    for k, loss in enumerate(members):
        alone, dy_alone = both(loss, y[k], t[k])
        assert value[k] == alone
        np.testing.assert_array_equal(dy[k], dy_alone)


@pytest.mark.parametrize("name", LOSSES)
def test_arguments_and_cache_stay_as_they_are(name: str) -> None:
    loss, new = LOSSES[name], Workspace()
    y, t = example(loss, K)
    kept = y.copy(), t.copy()
    _, cache = loss.forward(y, t, new)
    first = loss.backward(cache, new).copy()
    np.testing.assert_array_equal(loss.backward(cache, new), first)
    np.testing.assert_array_equal(y, kept[0])
    np.testing.assert_array_equal(t, kept[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["softmax_cross_entropy", "sigmoid_cross_entropy"])
def test_extreme_outputs_give_the_right_limit_without_warnings(name: str, dtype: str) -> None:
    loss = LOSSES[name]
    y = np.array([[1000.0, 0.0, -1000.0]], dtype=dtype)
    right, wrong = ([0], [2]) if loss.task == "classification" else ([[1, 0.5, 0]], [[0, 0.5, 1]])
    for t, expected in ((right, 0.0), (wrong, 2000.0)):
        value, dy = both(loss, y, np.array(t))
        base = math.log(2) if loss.task == "multilabel" else 0.0
        assert value == pytest.approx(base + expected, rel=1e-6)
        assert np.isfinite(dy).all()


def test_softmax_cross_entropy_of_equal_outputs_is_the_logarithm_of_their_number() -> None:
    y, t = np.zeros((3, 10)), np.array([1, 5, 9])
    for s in (0.0, 0.3):
        value = SoftmaxCrossEntropy(s).forward(y, t, FRESH)[0]
        assert value == pytest.approx(math.log(10), rel=ROUNDING)


def test_huber_is_half_the_square_inside_and_a_line_outside() -> None:
    y, t = np.array([[0.3, -2.0, 5.0]]), np.zeros((1, 3))
    expected = 0.5 * 0.3**2 + 0.5 * (2 - 0.25) + 0.5 * (5 - 0.25)
    assert Huber(0.5).forward(y, t, FRESH)[0] == pytest.approx(expected, rel=ROUNDING)
    assert Huber(0.5).kink_sides(y, t).tolist() == [[True, False, False]]
    assert MeanSquaredError().kink_sides(y, t) is None
    assert Huber(1e9).forward(y, t, FRESH)[0] == MeanSquaredError().forward(y, t, FRESH)[0]


def test_predictions_probabilities_and_what_is_right() -> None:
    y = np.array([[[2.0, 1.0], [0.0, 3.0], [1.0, -1.0]], [[0.0, 1.0], [1.0, 0.0], [-1.0, -2.0]]])
    softmax, sigmoid = SoftmaxCrossEntropy(), SigmoidCrossEntropy()
    assert softmax.predict(y).tolist() == [[0, 1, 0], [1, 0, 0]]
    expected = [[True, True, False], [False, False, False]]
    assert softmax.correct(y, np.array([0, 1, 1])).tolist() == expected
    assert softmax.correct(y[0], np.array([0, 1, 1])).tolist() == expected[0]
    np.testing.assert_allclose(softmax.probabilities(y).sum(axis=-1), 1.0, rtol=ROUNDING)
    assert sigmoid.predict(y[0]).tolist() == [[1, 1], [0, 1], [1, 0]]
    t = np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    assert sigmoid.correct(y, t).tolist() == expected
    assert sigmoid.correct(y[0], t).tolist() == expected[0]
    assert sigmoid.probabilities(np.zeros((1, 2))).tolist() == [[0.5, 0.5]]
    for regression in (MeanSquaredError(), Huber()):
        assert regression.predict(y) is y
        assert regression.correct(y, y) is None
        with pytest.raises(SettingError, match="classification loss"):
            regression.probabilities(y)


def test_predicted_labels_are_int64() -> None:
    y, _ = example(SigmoidCrossEntropy(), K)
    assert SigmoidCrossEntropy().predict(y).dtype == np.int64


BAD_TARGETS: list[tuple[Loss, Any, str]] = [
    (
        SoftmaxCrossEntropy(),
        [0, 3],
        r"must be class indices in \[0, 2\]; got 3; try np.searchsorted\(data.classes, t\)",
    ),
    (SoftmaxCrossEntropy(), ["a", "b"], r".*; try np.searchsorted\(data.classes, t\) of labels"),
    (SoftmaxCrossEntropy(), [-1, 2], r"must be class indices in \[0, 2\]; got -1"),
    (
        SoftmaxCrossEntropy(),
        [0.0, 1.0],
        r"must be class indices, an array of integers; got an array of shape .*t.astype\(int\)",
    ),
    (SigmoidCrossEntropy(), [[0.0, 2.0, 1.0]], r"must be in \[0, 1\]; got 2.0"),
    (SigmoidCrossEntropy(), [[0.0, np.nan, 1.0]], "must be finite; got nan"),
    (MeanSquaredError(), [[0.0, np.inf, 1.0]], "must be finite"),
    (MeanSquaredError(), [[0.0, 1.0]], r"must have the shape \(samples, 3\)"),
    (Huber(), [0.0, 1.0, 2.0], r"must have the shape \(samples, 3\)"),
]


@pytest.mark.parametrize(("loss", "t", "text"), BAD_TARGETS)
def test_targets_that_cannot_be_are_refused(loss: Loss, t: Any, text: str) -> None:
    with pytest.raises(DataError, match=f"targets of {type(loss).__name__} {text}"):
        loss.check_targets(np.array(t), 3)


@pytest.mark.parametrize("name", LOSSES)
def test_targets_that_can_be_are_taken(name: str) -> None:
    loss = LOSSES[name]
    loss.check_targets(example(loss)[1], OUT)
    loss.check_targets(example(loss, K)[1], OUT)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Huber(delta=0), "delta of Huber must be a number"),
        (lambda: SoftmaxCrossEntropy(label_smoothing=1.0), "label_smoothing of Softmax"),
        (lambda: SoftmaxCrossEntropy(label_smoothing=-0.1), "label_smoothing of Softmax"),
    ],
)
def test_settings_out_of_range_are_refused(make: Any, text: str) -> None:
    with pytest.raises(SettingError, match=text):
        make()


# --- the largest output of a sample, found by `argmax` ----------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("place", range(OUT))
def test_an_output_that_is_no_number_makes_the_loss_of_its_member_none(
    place: int, dtype: str
) -> None:
    loss = SoftmaxCrossEntropy()
    y, t = example(loss, K)
    y = y.astype(dtype)
    alone, dy_alone = both(loss, y.copy(), t)
    y[1, 2, place] = np.nan
    with np.errstate(all="ignore"):
        value, dy = both(loss, y, t)
    assert np.isnan(value).tolist() == [False, True, False]
    assert np.isnan(dy[1, 2]).all()
    for k in (0, 2):
        assert value[k].tobytes() == alone[k].tobytes()
        assert dy[k].tobytes() == dy_alone[k].tobytes()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_ties_share_the_probability_wherever_they_stand(smoothing: float) -> None:
    loss = SoftmaxCrossEntropy(smoothing)
    y = np.array([[7.0, 7.0, -9.0, 1.0], [-9.0, 1.0, 7.0, 7.0], [1.0, 1.0, 1.0, 1.0]])
    t = np.array([1, 2, 3])
    value, dy = both(loss, y, t)
    assert value == pytest.approx(softmax_by_hand(loss, y, t), rel=ROUNDING)
    q = (1 - smoothing) * np.eye(4)[t] + smoothing / 4
    expected = (special.softmax(y, axis=-1) - q) / 3
    np.testing.assert_allclose(dy, expected, rtol=ROUNDING, atol=ROUNDING)


def test_an_output_of_minus_infinity_is_a_class_that_cannot_be() -> None:
    y = np.array([[0.0, -np.inf, 0.0], [-np.inf, 3.0, -np.inf]])
    loss = SoftmaxCrossEntropy()
    value, dy = both(loss, y, np.array([2, 1]))
    assert value == pytest.approx(math.log(2) / 2, rel=ROUNDING)
    np.testing.assert_allclose(dy, [[0.25, 0, -0.25], [0, 0, 0]], rtol=ROUNDING, atol=0)
    assert both(loss, y, np.array([1, 1]))[0] == np.inf
    with np.errstate(invalid="ignore"):
        for hopeless in ([-np.inf] * 3, [np.inf, 0.0, 0.0]):
            assert np.isnan(both(loss, np.array([hopeless]), np.array([0]))[0])


def test_the_largest_is_found_in_every_place_and_layout() -> None:
    """Large outputs, which overflow unless it is the largest of the row that is subtracted."""
    wide = np.zeros((K, 2 * B, 2 * OUT))
    t = np.zeros((K, B), int)
    for place in range(OUT):
        for y in (wide[:, ::2, ::2], wide[:, :B, OUT:], wide.mT[:, :B, :OUT]):
            wide[...] = -5000.0
            y[..., place] = 5000.0
            value, dy = both(SoftmaxCrossEntropy(), y, t)
            np.testing.assert_array_equal(value, 0.0 if place == 0 else 10_000.0)
            assert np.isfinite(dy).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("extreme", [False, True])
def test_smoothing_of_a_member_does_not_touch_one_without(extreme: bool, dtype: str) -> None:
    plain = SoftmaxCrossEntropy(0.0)
    members = [plain, SoftmaxCrossEntropy(0.3), plain, SoftmaxCrossEntropy(0.01)]
    y, t = example(plain, len(members))
    y = y.astype(dtype)
    if extreme:  # a mean of -inf, which 0 times would be no number
        y[:, :, 0] = -np.inf
        t[...] = np.maximum(t, 1)
    with np.errstate(all="ignore"):
        value, dy = both(stack(members, trailing=2), y, t)
        for k, loss in enumerate(members):
            alone, dy_alone = both(loss, y[k], t[k])
            assert value[k].tobytes() == alone.tobytes()
            assert dy[k].tobytes() == dy_alone.tobytes()
    assert np.isfinite(value).tolist() == [True, not extreme, True, not extreme]
    assert np.isfinite(dy[::2]).all()
