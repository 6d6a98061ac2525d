"""Activations: values, derivatives, extremes, dtypes.  Gradients in networks: test_gradients.py."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cases import ACTIVATIONS
from trainlab.differentiation import complex_step_gradient
from trainlab.errors import SettingError
from trainlab.network.activations import (
    ELU,
    GELU,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softplus,
    positive_part,
)
from trainlab.network.dense import Activate
from trainlab.settings import stack

EPS = np.finfo(np.float64).eps
# Values are products of a few functions that round to some eps each.
ROUNDING = 8 * EPS

X = np.concatenate([np.linspace(-9, 9, 37), [1e-9, -1e-9, 30.5, -30.5]])

FORMULAS = {
    "identity": lambda x: x,
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "leaky_relu slope=0.3": lambda x: x if x > 0 else 0.3 * x,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "elu alpha=1.7": lambda x: x if x > 0 else 1.7 * math.expm1(x),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x)),
    "tanh": math.tanh,
    "softplus": lambda x: math.log1p(math.exp(-abs(x))) + max(x, 0.0),
    "gelu": lambda x: 0.5 * x * math.erfc(-x / math.sqrt(2)),
}


def value(name: str, x: np.ndarray) -> np.ndarray:
    return ACTIVATIONS[name].value(x, np.full_like(x, np.nan))


def pullback(name: str, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    activation = ACTIVATIONS[name]
    return activation.pullback(x, value(name, x), dy, np.full_like(x, np.nan))


@pytest.mark.parametrize("name", FORMULAS)  # the others are held against their derivations alone
def test_values_are_those_of_the_formula(name: str) -> None:
    expected = [FORMULAS[name](float(x)) for x in X]
    # Φ far in the tail is exp(−x²/2): a relative error of eps in x² grows by x²/2 ~ 500.
    rtol = 500 * EPS if name == "gelu" else ROUNDING
    np.testing.assert_allclose(value(name, X), expected, rtol=rtol)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_are_those_of_the_value(name: str) -> None:
    dy = np.random.default_rng(0).standard_normal(X.shape)
    x = X[X != 0] if ACTIVATIONS[name].kinks else X
    dy = dy[: len(x)]
    numeric = complex_step_gradient(lambda z: (value(name, z) * dy).sum(), x)
    # y + alpha and 1 − y² cancel where f′ is small: the error is absolute, and so is the test.
    np.testing.assert_allclose(pullback(name, x, dy), numeric, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_dtype_stays_and_the_arguments_too(name: str, dtype: str) -> None:
    x, dy = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype(dtype)
    kept = x.copy(), dy.copy()
    out = np.empty_like(x)
    y = ACTIVATIONS[name].value(x, out)
    assert y is out
    kept_y = y.copy()
    dx_out = np.empty_like(x)
    dx = ACTIVATIONS[name].pullback(x, y, dy, dx_out)
    assert dx is dx_out
    assert y.dtype == dx.dtype == dtype
    for now, before in ((x, kept[0]), (dy, kept[1]), (y, kept_y)):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_extremes_are_finite_and_without_warnings(name: str, dtype: str) -> None:
    x = np.array([-1e4, -200, -100, 0, 100, 200, 1e4], dtype=dtype)
    assert np.isfinite(value(name, x)).all()
    assert np.isfinite(pullback(name, x, np.ones_like(x))).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_not_a_number_stays_one(name: str) -> None:
    assert np.isnan(value(name, np.array([np.nan, 1.0]))).tolist() == [True, False]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_kinks_are_where_one_of_two_derivatives_jumps(name: str) -> None:
    kinks = ACTIVATIONS[name].kinks
    assert kinks == ((0.0,) if name.split()[0] in ("relu", "leaky_relu", "elu") else ())
    step = 1e-6

    def slope(x: float) -> float:
        return float(pullback(name, np.array([x]), np.ones(1))[0])

    first = slope(step) - slope(-step)
    second = (slope(2 * step) - slope(step)) - (slope(-step) - slope(-2 * step))
    # Smooth functions have |f″| <= 1 and |f‴| <= 2 near 0.
    jumps = abs(first) > 4 * step or abs(second) > step / 4
    assert jumps == bool(kinks)


def test_each_input_lies_on_a_side_of_each_kink() -> None:
    class Clipped(ReLU):
        kinks = (0.0, 6.0)

    x = np.array([[-1.0, 3.0, 7.0]])
    sides = [[[False, False], [True, False], [True, True]]]
    found = Activate(Clipped()).kink_sides(x)
    assert found is not None
    assert found.tolist() == sides
    assert Activate(Sigmoid()).kink_sides(x) is None


def test_derivatives_at_the_kink_are_those_of_the_left() -> None:
    zero = np.zeros(1)
    assert pullback("relu", zero, np.ones(1)) == 0
    assert pullback("leaky_relu slope=0.3", zero, np.ones(1)) == 0.3
    assert pullback("elu alpha=1.7", zero, np.ones(1)) == 1.7


def test_sigmoid_and_softplus_keep_their_relative_accuracy_far_left() -> None:
    x = np.array([-80.0], dtype=np.float32)
    out = np.empty_like(x)
    assert Sigmoid().value(x, out)[0] == pytest.approx(math.exp(-80), rel=1e-6)  # 10 eps of float32
    assert Softplus().value(x, out)[0] == pytest.approx(math.exp(-80), rel=1e-6)
    assert GELU().value(np.array([-20.0]), np.empty(1))[0] == pytest.approx(
        -10 * math.erfc(20 / math.sqrt(2)), rel=500 * EPS
    )


@pytest.mark.parametrize("kind", [LeakyReLU, ELU])
def test_a_setting_of_each_member_is_that_of_the_member_alone(kind: type) -> None:
    x, dy = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype(np.float32)
    members = [kind(0.1), kind(0.5), kind(1.0)]
    together = stack(members, trailing=2)
    y = together.value(x, np.empty_like(x))
    dx = together.pullback(x, y, dy, np.empty_like(x))
    for k, member in enumerate(members):
        alone = member.value(x[k], np.empty_like(x[k]))
        np.testing.assert_array_equal(y[k], alone)
        np.testing.assert_array_equal(
            dx[k], member.pullback(x[k], alone, dy[k], np.empty_like(x[k]))
        )


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LeakyReLU(slope=1.5), r"slope of LeakyReLU must be a number in \[0.0, 1.0\]"),
        (lambda: LeakyReLU(slope="x"), "slope of LeakyReLU must"),
        (lambda: ELU(alpha=0.0), "alpha of ELU must"),
        (lambda: ELU(alpha=math.nan), "alpha of ELU must"),
    ],
)
def test_settings_out_of_range_are_refused(make: object, text: str) -> None:
    with pytest.raises(SettingError, match=text):
        make()


def test_relu_of_a_negative_zero_is_no_number_below_zero() -> None:
    assert ReLU().value(np.array([-0.0, -1.0]), np.empty(2)).tolist() == [0.0, 0.0]


# --- the positive part, which is a `clip` ---------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 3, 8, 67])  # NumPy computes the first ones by other code
def test_the_positive_part_is_that_of_every_kind_of_number(size: int, dtype: str) -> None:
    kind = np.finfo(dtype)
    positive = [kind.smallest_subnormal, 1.0, kind.max, math.inf]
    cases = [(math.nan, math.nan), (0.0, 0.0), (-0.0, 0.0)]
    cases += [(x, x) for x in positive] + [(-x, 0.0) for x in positive]
    for number, expected in cases:
        x = np.full(size, number, dtype)
        out = np.full(size, 5, dtype)
        assert positive_part(x, out) is out
        np.testing.assert_array_equal(out, np.full(size, expected, dtype))
        np.testing.assert_array_equal(ReLU().value(x, np.full(size, 5, dtype)), out)


def test_the_positive_part_may_be_written_over_what_it_is_of() -> None:
    x = np.array([-1.0, 2.0, -0.0, np.nan])
    np.testing.assert_array_equal(positive_part(x, x), [0.0, 2.0, 0.0, np.nan])


def test_the_positive_part_of_a_complex_number_goes_by_its_real_part() -> None:
    z = np.array([2 + 1e-20j, 2 - 3j, -2 + 3j, -1e-300 - 1j, 5 + 0j, complex(math.nan, 1)])
    out = positive_part(z, np.full_like(z, 7))
    np.testing.assert_array_equal(out[:5], [2 + 1e-20j, 2 - 3j, 0, 0, 5])
    assert np.isnan(out[5])


def test_relu_passes_a_gradient_where_its_input_is_positive_and_nowhere_else() -> None:
    x = np.array([-np.inf, -1.0, -0.0, 0.0, 5e-324, 1.0, np.inf])
    dx = pullback("relu", x, np.full_like(x, 3.0))
    assert dx.tolist() == [0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0]
