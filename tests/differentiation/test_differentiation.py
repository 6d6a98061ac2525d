"""Numerical differentiation: printed values to the last digit, accuracy, promises, nonsense."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from typing import Any

import numpy as np
import pytest

from cases import targets
from trainlab.differentiation import (
    complex_step_gradient,
    differences,
    gradient_check,
    numerical_diff,
    numerical_gradient,
)
from trainlab.errors import DataError, SettingError
from trainlab.network.activations import Activation
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.losses import Huber

# A central difference at h = 1e-4 of functions with |f|, |f‴| of some 10: truncation
# h² f‴/6 ~ 2e-8, rounding eps |f|/h ~ 2e-11.
CENTRAL = 1e-7
# Its forward cousin: h f″/2.
FORWARD = 1e-3
# A complex step rounds as the function does: a few eps.
ROUNDING = 1e-14


def square_sum(x: np.ndarray) -> Any:
    return (x**2).sum()


# ---------------------------------------------------------------- numerical_diff


def test_the_printed_central_difference_to_the_last_digit() -> None:
    def f(x: float) -> float:
        return 0.01 * x**2 + 0.1 * x

    # The notes print these two of 100 values.
    points = np.linspace(-1, 1, 100)
    assert numerical_diff(f, points[0]) == 0.07999999999994123
    assert numerical_diff(f, points[-1]) == 0.11999999999998123
    np.testing.assert_allclose(numerical_diff(f, points), 0.02 * points + 0.1, rtol=1e-10)


@pytest.mark.parametrize(("method", "tolerance"), [("central", CENTRAL), ("forward", FORWARD)])
def test_numerical_diff_of_numbers_and_arrays(method: str, tolerance: float) -> None:
    x = np.array([[0.5, 1.0, 2.0]])
    found = numerical_diff(np.exp, x, method=method)
    assert found.shape == x.shape
    np.testing.assert_allclose(found, np.exp(x), atol=tolerance)
    assert numerical_diff(math.exp, 2, method=method) == pytest.approx(math.exp(2), abs=tolerance)


def test_integers_are_not_truncated() -> None:
    assert numerical_diff(lambda x: x * x, 3) == pytest.approx(6.0, abs=CENTRAL)
    for x in ([3, 4], np.array([3, 4]), np.array([3, 4], dtype=np.uint8)):
        found = numerical_gradient(square_sum, x)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, [6.0, 8.0], atol=CENTRAL)


def test_the_order_of_the_error_is_that_of_the_method() -> None:
    def error(method: str, h: float) -> float:
        return abs(numerical_diff(np.exp, 1.0, h=h, method=method) - math.e)

    assert error("central", 1e-2) / error("central", 1e-3) == pytest.approx(100, rel=0.01)
    assert error("forward", 1e-2) / error("forward", 1e-3) == pytest.approx(10, rel=0.01)


# ---------------------------------------------------------------- numerical_gradient


@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize("method", ["central", "forward"])
@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (2, 3, 4), (2, 1, 3, 2), (0,), (3, 0)])
def test_gradients_of_arrays_of_any_shape(
    shape: tuple[int, ...], method: str, vectorized: bool
) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    axes = tuple(range(-len(shape), 0))
    found = numerical_gradient(
        lambda z: np.sin(z).sum(axis=axes), x, method=method, vectorized=vectorized
    )
    assert found.shape == shape
    tolerance = CENTRAL if method == "central" else FORWARD
    np.testing.assert_allclose(found, np.cos(x), atol=tolerance)


def test_views_and_single_precision_give_the_gradient_in_double() -> None:
    x = np.arange(24, dtype=np.float32).reshape(4, 6)
    for view in (x[::2, ::-1], x.T, np.broadcast_to(x[0], (3, 6)), np.asfortranarray(x)):
        found = numerical_gradient(square_sum, view)
        assert found.dtype == np.float64
        np.testing.assert_allclose(
            found, 2 * view, atol=CENTRAL * 100
        )  # f is some 100 times larger


class BoomError(Exception):
    pass


@pytest.mark.parametrize("failing", [0, 1, 2, 5])
def test_the_array_of_the_caller_stays_as_it_is_even_if_f_raises(failing: int) -> None:
    x = np.array([1.0, 2.0, 3.0])
    kept, calls = x.copy(), []

    def f(z: np.ndarray) -> Any:
        np.testing.assert_array_equal(x, kept)
        if len(calls) == failing:
            raise BoomError
        calls.append(1)
        return square_sum(z)

    with pytest.raises(BoomError):
        numerical_gradient(f, x)
    np.testing.assert_array_equal(x, kept)


def test_a_function_that_writes_to_its_argument_hurts_nobody() -> None:
    x = np.array([1.0, 2.0, 3.0])

    def f(z: np.ndarray) -> Any:
        z *= 2
        return z.sum()

    np.testing.assert_allclose(numerical_gradient(f, x), 2.0, atol=CENTRAL)
    assert x.tolist() == [1.0, 2.0, 3.0]


def test_a_read_only_array_will_do() -> None:
    x = np.array([3.0, 4.0])
    x.flags.writeable = False
    np.testing.assert_allclose(numerical_gradient(square_sum, x), [6, 8], atol=CENTRAL)


def test_vectorized_copies_come_in_chunks_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((5, 4))
    monkeypatch.setattr(differences, "CHUNK_BYTES", 7 * x.nbytes)
    seen = []

    def f(copies: np.ndarray) -> Any:
        seen.append(copies.shape)
        return (copies**2).sum(axis=(1, 2))

    np.testing.assert_allclose(numerical_gradient(f, x, vectorized=True), 2 * x, atol=CENTRAL)
    assert seen == [(7, 5, 4)] * 4 + [(6, 5, 4)] * 2


def test_vectorized_gives_the_same_bits() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4))
    one = numerical_gradient(lambda z: np.exp(z[..., 0, 1]) * z[..., 2, 3], x)
    many = numerical_gradient(lambda z: np.exp(z[..., 0, 1]) * z[..., 2, 3], x, vectorized=True)
    np.testing.assert_array_equal(one, many)


# ---------------------------------------------------------------- complex steps


@pytest.mark.parametrize("vectorized", [False, True])
def test_complex_steps_are_exact_to_rounding(vectorized: bool) -> None:
    x = np.random.default_rng(0).standard_normal((3, 4))

    def f(z: np.ndarray) -> Any:
        return (np.exp(z) / np.sqrt(np.sin(z) ** 3 + np.cos(z) ** 3 + 3)).sum(axis=(-2, -1))

    s, c, e = np.sin(x), np.cos(x), np.exp(x)
    u = s**3 + c**3 + 3
    expected = e / np.sqrt(u) * (1 - 1.5 * s * c * (s - c) / u)
    found = complex_step_gradient(f, x, vectorized=vectorized)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=ROUNDING)


def test_complex_steps_of_integers() -> None:
    assert complex_step_gradient(square_sum, [3, 4]).tolist() == [6.0, 8.0]


# ---------------------------------------------------------------- nonsense


@pytest.mark.parametrize("h", [0, -1e-4, math.nan, math.inf, "small", True])
@pytest.mark.parametrize("of", [numerical_diff, numerical_gradient, complex_step_gradient])
def test_steps_that_are_no_steps(of: Any, h: Any) -> None:
    with pytest.raises(SettingError, match=f"h of {of.__name__} must be a number in"):
        of(square_sum, np.ones(2), h=h)


@pytest.mark.parametrize("of", [numerical_diff, numerical_gradient])
def test_methods_that_do_not_exist(of: Any) -> None:
    with pytest.raises(SettingError, match="must be one of 'central', 'forward'; got 'centred'"):
        of(square_sum, np.ones(2), method="centred")


def test_functions_that_do_not_return_one_number_per_point() -> None:
    with pytest.raises(SettingError, match="f of a numerical gradient must return one number"):
        numerical_gradient(lambda z: z, np.ones(2))
    with pytest.raises(SettingError, match="must return 2 values"):
        numerical_gradient(lambda z: z.sum(), np.ones(2), vectorized=True)
    with pytest.raises(SettingError, match="must return 2 values"):
        numerical_gradient(lambda z: z, np.ones(2), vectorized=True)


@pytest.mark.parametrize("of", [numerical_diff, numerical_gradient, complex_step_gradient])
def test_points_and_functions_that_are_none(of: Any) -> None:
    with pytest.raises(SettingError, match=f"f of {of.__name__} must be a function"):
        of(3.0, np.ones(2))
    with pytest.raises(SettingError, match=f"x of {of.__name__} must hold real numbers"):
        of(square_sum, ["a", "b"])
    with pytest.raises(SettingError, match=f"x of {of.__name__} must be an array"):
        of(square_sum, [[1.0, 2.0], [3.0]])


# ---------------------------------------------------------------- gradient_check


def example(task: str = "classification", rows: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, 4)), targets(task, rng, (rows,), 3)


def test_the_report_names_every_parameter_of_both_objectives() -> None:
    report = gradient_check(MLP((5,), norm="batch"), *example(), out_features=3, members=2)
    expected = ["W1", "b1", "gamma1", "beta1", "W2", "b2", "x"]
    for objective in ("loss", "outputs"):
        rows = [row for row in report.rows if row.objective == objective]
        assert [row.parameter for row in rows] == expected
        assert rows[0].shape == (2, 4, 5)
        assert rows[0].entries == 40
        assert len(rows[0].worst) == 3
    assert report.error == max(row.error for row in report.rows)


def test_the_report_as_text_and_table() -> None:
    report = gradient_check(MLP((5,)), *example())
    text = str(report)
    assert "gradient check (central4): passed" in text
    assert all(word in text for word in ("W1", "b2", "crossed", "4 × 5", "1e-06"))
    assert report.table().row_count == len(report.rows)
    failed = gradient_check(MLP((5,), activation="tanh"), *example(), method="central", h=0.1)
    assert not failed.ok
    assert "FAILED" in str(failed)


def test_the_input_may_be_left_out() -> None:
    report = gradient_check(MLP((5,)), *example(), include_input=False)
    assert "x" not in {row.parameter for row in report.rows}


def test_a_sample_of_entries_is_compared_in_large_networks() -> None:
    report = gradient_check(MLP((50, 50)), *example(), entries=7)
    for row in report.rows:
        assert row.entries == min(7, math.prod(row.shape))
    assert report.ok, str(report)
    whole = gradient_check(MLP((50,)), *example(), entries=None)
    assert whole.rows[0].entries == 200


@pytest.mark.parametrize("method", ["central4", "central", "complex"])
def test_the_same_seed_gives_the_same_report(method: str) -> None:
    network = MLP((6, 5), dropout=0.3, activation="softplus")
    first, again = (gradient_check(network, *example(), method=method) for _ in range(2))
    assert first == again
    assert first.ok, str(first)
    other = gradient_check(network, *example(), method=method, seed=1)
    assert other != first
    assert other.ok, str(other)


def test_parameters_may_be_given() -> None:
    network = MLP((5,), activation="sigmoid")
    params = network.build(4, 3).initialize(0, np.float32)[0]
    report = gradient_check(network, *example(), params=params, out_features=3)
    assert report.ok, str(report)


def test_a_point_in_the_middle_of_all_kinks_does_not_pass() -> None:
    network = MLP((5,))
    params = np.zeros(network.build(4, 3).size)
    params[-18:] = 1.0  # W2 and b2; all hidden units sit on the kink of their ReLU
    report = gradient_check(network, *example(), params=params, out_features=3)
    crossed = {row.parameter: row.crossed for row in report.rows}
    assert crossed["W1"] == 20
    assert crossed["b1"] == 5
    assert report.error <= report.tolerance
    assert not report.ok
    # Complex steps take the right branch of a tie or the left one: they cross nothing.
    assert not any(r.crossed for r in gradient_check(network, *example(), method="complex").rows)


def test_what_crosses_a_kink_is_counted_and_the_rest_still_compared() -> None:
    network = MLP((5,), l1=0.1, activation="tanh")
    params = np.random.default_rng(0).standard_normal(network.build(4, 3).size)
    params[[0, 7]] = 0.0, 1e-5  # two entries of W1 at the kink of |W|
    report = gradient_check(network, *example(), params=params, out_features=3)
    assert report.ok, str(report)
    crossed = {(row.objective, row.parameter): row.crossed for row in report.rows}
    assert crossed["loss", "W1"] == 2
    assert sum(crossed.values()) == 4


def test_the_kink_of_a_loss_counts_too() -> None:
    network = MLP((), loss=Huber(1.0))
    x = np.ones((1, 4))
    params = np.concatenate([np.zeros(12), [1.0, 0.5, 3.0]])  # outputs 1, 0.5, 3 with target 0
    report = gradient_check(network, x, np.zeros((1, 3)), params=params)
    crossed = {row.parameter: row.crossed for row in report.rows}
    assert crossed["b1"] == 1
    assert crossed["W1"] == 4


def test_the_batch_norm_check_of_the_notes_takes_well_under_a_second() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.random((5, 784)), rng.integers(0, 10, 5)
    network = MLP((100, 100), norm="batch")
    start = time.perf_counter()
    report = gradient_check(network, x, t, out_features=10, include_input=False)
    seconds = time.perf_counter() - start
    assert report.ok, str(report)
    assert seconds < 5  # measured: 0.3 s on an idle core; room for a busy one


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"x": np.ones((6, 5, 4))}, DataError, "x of gradient_check must be finite, of shape"),
        ({"x": np.full((6, 4), np.nan)}, DataError, "x of gradient_check must be finite"),
        ({"x": np.ones(4)}, DataError, "x of gradient_check must be finite, of shape"),
        ({"t": np.full(6, 0.5)}, DataError, "targets of SoftmaxCrossEntropy"),
        ({"t": np.zeros(5, int)}, DataError, "t of gradient_check must have the shape"),
        ({"members": 0}, SettingError, "members of gradient_check must be an integer in"),
        ({"members": 2.5}, SettingError, "members of gradient_check must be an integer in"),
        ({"entries": 0}, SettingError, "entries of gradient_check must be an integer in"),
        ({"method": "forward"}, SettingError, "must be one of 'central4', 'central', 'complex'"),
        ({"seed": -1}, SettingError, "seed of gradient_check must be an integer in"),
        ({"network": "mlp"}, SettingError, "network of gradient_check must be an MLP, an"),
        ({"x": [["a"] * 4] * 6}, DataError, "x of gradient_check must hold real numbers"),
        ({"x": [[1.0, 2.0], [3.0]]}, DataError, "x of gradient_check must be an array"),
        ({"h": 0}, SettingError, "h of gradient_check must be a number in"),
        ({"params": np.zeros(3)}, DataError, "params of gradient_check must have the shape"),
        ({"tolerance": -1}, SettingError, "tolerance of gradient_check must be a number in"),
    ],
)
def test_arguments_that_do_not_fit(change: dict[str, Any], error: type, text: str) -> None:
    x, t = example()
    arguments = {"network": MLP((5,)), "x": x, "t": t, "out_features": 3, **change}
    with pytest.raises(error, match=text):
        gradient_check(**arguments)


@pytest.mark.parametrize(
    ("t", "remedy"),
    [
        (np.eye(3)[[0, 1, 2, 0, 1, 2]], "t.argmax(axis=-1)"),
        (np.eye(3, dtype=int)[[0, 1, 2, 0, 1, 2]], "t.argmax(axis=-1)"),
        (np.array([[0], [1], [2], [0], [1], [2]]), "t.ravel()"),
        (np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0]), "t.astype(int)"),
    ],
)
@pytest.mark.parametrize("outputs", [None, 3])
def test_targets_of_another_form_are_told_how(
    t: np.ndarray, remedy: str, outputs: int | None
) -> None:
    x, _ = example()
    with pytest.raises(DataError) as found:
        gradient_check(MLP((5,)), x, t, out_features=outputs)
    assert str(found.value).endswith(f"; try {remedy}"), found.value


def test_an_activation_that_is_off_proves_little() -> None:
    @dataclasses.dataclass(frozen=True)
    class Off(Activation):
        def value(self, x: Any, out: Any, new: Any = None) -> Any:
            return np.maximum(x - 100, 0)

        def pullback(self, x: Any, y: Any, dy: Any, out: Any, new: Any = None) -> Any:
            return dy * 17  # wrong, but where it is on

    @dataclasses.dataclass(frozen=True)
    class Right(Off):
        def pullback(self, x: Any, y: Any, dy: Any, out: Any, new: Any = None) -> Any:
            return dy * (x > 100)

    report = gradient_check(Right())
    assert report.ok
    assert report.unseen == ("W1", "b1", "W2", "x")
    words = " ".join(str(report).split())
    assert "zero wherever compared, which proves little: W1, b1, W2, x" in words
    assert not gradient_check(Off()).ok
    assert gradient_check(MLP((5,)), *example()).unseen == ()


def test_an_architecture_will_do() -> None:
    x, t = example()
    one = gradient_check(MLP((5,)).build(4, 3), x, t)
    assert one.ok, str(one)
    many = Architecture.of([MLP((5,), l1=0.0), MLP((5,), l1=0.1)], 4, 3)
    report = gradient_check(many, x, t, members=2)
    assert report.ok, str(report)


def test_reports_are_plain_data() -> None:
    report = gradient_check(MLP((5,)), *example())
    rows = [vars(row) for row in report.rows]
    assert json.loads(json.dumps(rows))[0]["parameter"] == "W1"
