"""Convolution and pooling: against SciPy and plain loops, and every gradient numerically.

Cotangents are random, so that a backward pass that is zero, transposed or summed over too
much cannot pass; sizes are pairwise different, and most of them do not fit the stride.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy import signal

from trainlab.book import convolution
from trainlab.book.convolution import Convolution, Pooling, col2im, conv_output_size, im2col
from trainlab.differentiation import numerical_gradient
from trainlab.errors import DataError, SettingError

N, C, F, H, W = 2, 3, 4, 7, 8
FILTERS = ((3, 2), (1, 1), (5, 6))
STRIDES = (1, 2, 3)
PADS = (0, 1, 2)
SETTINGS = list(itertools.product(FILTERS, STRIDES, PADS))

ROUNDING = 1e-12
"""Sums of at most 100 products of size 1 in float64: 100 · 2.2e-16 · √100, and to spare."""
DIFFERENCES = 1e-8
"""The layers are linear in each argument, so a central difference has no truncation error;
rounding: 2.2e-16 · |f| / h with |f| < 1e3 and h = 1e-4 is 2e-9."""


def gradient_errors(
    layer: Any, x: np.ndarray, r: np.ndarray, names: tuple[str, ...]
) -> list[float]:
    """How far dx and the gradients of the parameters are from numerical ones of Σ y r."""

    def total_of_x(value: np.ndarray) -> float:
        return float((layer.forward(value) * r).sum())

    def total_of(name: str) -> Callable[[np.ndarray], float]:
        def total(value: np.ndarray) -> float:
            kept = getattr(layer, name)
            setattr(layer, name, value)
            try:
                return total_of_x(x)
            finally:
                setattr(layer, name, kept)

        return total

    numeric = [numerical_gradient(total_of_x, x)]
    numeric += [numerical_gradient(total_of(name), getattr(layer, name)) for name in names]
    layer.forward(x)
    exact = [layer.backward(r), *(getattr(layer, f"d{name}") for name in names)]
    return [float(np.abs(a - b).max()) for a, b in zip(exact, numeric, strict=True)]


def convolution_errors(rng: np.random.Generator, size: Any, stride: int, pad: int) -> list[float]:
    x, weights = rng.standard_normal((N, C, H, W)), rng.standard_normal((F, C, *size))
    layer = Convolution(weights, rng.standard_normal(F), stride, pad)
    return gradient_errors(layer, x, rng.standard_normal(layer.forward(x).shape), ("W", "b"))


def pooling_errors(rng: np.random.Generator, size: Any, stride: int, pad: int) -> list[float]:
    # Values 0.01 apart and away from the zeros of the frame: no maximum changes within h.
    x = rng.permutation(np.arange(N * C * H * W) - 100.5).reshape(N, C, H, W) / 100
    layer = Pooling(*size, stride, pad)
    return gradient_errors(layer, x, rng.standard_normal(layer.forward(x).shape), ())


def windows(x: np.ndarray, size: Any, stride: int, pad: int) -> Iterator[tuple[Any, np.ndarray]]:
    """((n, p, q), C × h × w) for each image and place, by plain loops."""
    padded = np.zeros((*x.shape[:2], x.shape[2] + 2 * pad, x.shape[3] + 2 * pad))
    padded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]] = x
    for n in range(len(x)):
        for p, top in enumerate(range(0, padded.shape[2] - size[0] + 1, stride)):
            for q, left in enumerate(range(0, padded.shape[3] - size[1] + 1, stride)):
                yield (n, p, q), padded[n, :, top : top + size[0], left : left + size[1]]


@pytest.mark.parametrize(("size", "stride", "pad"), SETTINGS)
def test_im2col_has_a_row_for_each_place(size: Any, stride: int, pad: int, rng) -> None:
    x = rng.standard_normal((N, C, H, W))
    rows = [window.ravel() for _, window in windows(x, size, stride, pad)]
    found = im2col(x, *size, stride, pad)
    assert np.array_equal(found, rows)
    assert found.flags.c_contiguous
    assert found.dtype == np.float64


@pytest.mark.parametrize(("size", "stride", "pad"), SETTINGS)
def test_col2im_is_the_transpose_of_im2col(size: Any, stride: int, pad: int, rng) -> None:
    x = rng.standard_normal((N, C, H, W))
    col = im2col(x, *size, stride, pad)
    z = rng.standard_normal(col.shape)
    image = col2im(z, x.shape, *size, stride, pad)
    assert image.shape == x.shape
    assert float((col * z).sum()) == pytest.approx(float((x * image).sum()), abs=1e3 * ROUNDING)


@pytest.mark.parametrize(("size", "stride", "pad"), SETTINGS)
def test_convolution_is_scipys_correlation(size: Any, stride: int, pad: int, rng) -> None:
    x, weights = rng.standard_normal((N, C, H, W)), rng.standard_normal((F, C, *size))
    b = rng.standard_normal(F)
    y = Convolution(weights, b, stride, pad).forward(x)
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    for n, f in np.ndindex(N, F):
        planes = [signal.correlate2d(padded[n, c], weights[f, c], "valid") for c in range(C)]
        right = sum(planes)[::stride, ::stride] + b[f]
        assert y[n, f].shape == right.shape
        np.testing.assert_allclose(y[n, f], right, atol=ROUNDING * 10)


@pytest.mark.parametrize(("size", "stride", "pad"), SETTINGS)
def test_gradients_of_convolution(size: Any, stride: int, pad: int, rng) -> None:
    assert max(convolution_errors(rng, size, stride, pad)) < DIFFERENCES


@pytest.mark.parametrize(("size", "stride", "pad"), SETTINGS)
def test_gradients_of_pooling(size: Any, stride: int, pad: int, rng) -> None:
    assert max(pooling_errors(rng, size, stride, pad)) < DIFFERENCES


@pytest.mark.parametrize(("size", "stride", "pad"), SETTINGS)
def test_of_equal_maxima_the_first_gets_the_gradient(size: Any, stride: int, pad: int, rng) -> None:
    x = rng.integers(-1, 2, (N, C, H, W))  # three values: nearly every window has a tie
    layer = Pooling(*size, stride, pad)
    y = layer.forward(x)
    r = rng.standard_normal(y.shape)
    dx = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for (n, p, q), window in windows(x, size, stride, pad):
        for c in range(C):
            assert y[n, c, p, q] == window[c].max()
            i, j = np.unravel_index(window[c].argmax(), size)
            dx[n, c, p * stride + i, q * stride + j] += r[n, c, p, q]
    found = layer.backward(r)
    np.testing.assert_allclose(found, dx[:, :, pad : pad + H, pad : pad + W], atol=ROUNDING)


def test_a_layer_that_writes_to_what_it_gets_does_not_reach_the_pooling(rng) -> None:
    x, layer = rng.standard_normal((N, C, H, W)), Pooling(2, 3)
    r = rng.standard_normal(layer.forward(x).shape)
    right = layer.backward(r)
    layer.forward(x)[...] = 0
    assert np.array_equal(layer.backward(r), right)


def test_an_image_is_convolved_alike_in_any_batch(rng) -> None:
    x, weights = rng.standard_normal((5, C, H, W)), rng.standard_normal((F, C, 3, 2))
    layer = Convolution(weights, rng.standard_normal(F), pad=1)
    together = layer.forward(x)
    assert all(np.array_equal(layer.forward(x[n : n + 1])[0], together[n]) for n in range(5))


def test_arguments_stay_as_they_are_and_any_numbers_do(rng) -> None:
    x, weights, b = (rng.integers(-3, 4, s) for s in ((N, C, H, W), (F, C, 3, 2), (F,)))
    kept = x.copy()
    layer = Convolution(weights, b, pad=1)
    y = layer.forward(x)
    assert y.dtype == np.float64
    assert np.array_equal(y, Convolution(weights * 1.0, b * 1.0, pad=1).forward(x * 1.0))
    assert Convolution(weights, b, pad=1).forward(x.astype(np.float32)).dtype == np.float64
    layer.backward(np.ones_like(y))
    Pooling(2, 2, pad=1).forward(x)
    assert np.array_equal(x, kept)
    assert layer.dW.shape == weights.shape
    assert layer.db.shape == b.shape


def test_the_parameters_are_those_that_the_layer_has_now(rng) -> None:
    x, layer = rng.standard_normal((N, C, H, W)), Convolution(np.zeros((F, C, 3, 2)), np.zeros(F))
    layer.forward(x)
    layer.W = rng.standard_normal((F, C, 3, 2))  # what load_params does
    assert np.array_equal(layer.forward(x), Convolution(layer.W, layer.b).forward(x))


def test_no_images_are_no_error() -> None:
    layer = Convolution(np.zeros((F, C, 3, 2)), np.zeros(F))
    y = layer.forward(np.empty((0, C, H, W)))
    assert y.shape == (0, F, 5, 7)
    assert layer.backward(y).shape == (0, C, H, W)
    assert Pooling(2, 2).forward(y).shape == (0, F, 2, 3)
    assert im2col(np.empty((0, C, H, W)), 3, 2).shape == (0, 18)


def test_sizes_are_whole_and_what_does_not_fit_is_left_out() -> None:
    assert conv_output_size(7, 3, 2, 1) == 4
    assert conv_output_size(28, 4, 5, 0.0) == 5  # the book's gives 5.8
    assert isinstance(conv_output_size(28.0, 5, 1.0, 2.0), int)
    assert Convolution(np.zeros((1, 1, 5, 5)), np.zeros(1), 1.0, (5 - 1) / 2).pad == 2.0


X = np.zeros((N, C, H, W))
BAD: dict[str, tuple[type[Exception], str, Callable[[], Any]]] = {
    "flat images": (
        DataError,
        r"x of Convolution must be images of shape \(N, C, H, W\); got .*; try load_mnist\(flat",
        lambda: Convolution(np.zeros((F, 1, 3, 3)), np.zeros(F)).forward(np.zeros((2, 784))),
    ),
    "channels": (
        DataError,
        "x of Convolution must have 5 channels, as its filters do; got an array of shape",
        lambda: Convolution(np.zeros((F, 5, 3, 3)), np.zeros(F)).forward(X),
    ),
    "flat pooling": (DataError, "x of Pooling must be", lambda: Pooling(2, 2).forward(X[0])),
    "flat im2col": (DataError, "x of im2col must be", lambda: im2col(X[0, 0], 2, 2)),
    "large filter": (
        SettingError,
        "filter size of a convolution must be 9 at most, the size of the input with its padding",
        lambda: im2col(X, 10, 2, pad=1),
    ),
    "no stride": (
        SettingError,
        "stride of a convolution must be a whole number >= 1; got 0",
        lambda: Pooling(2, 2, 0).forward(X),
    ),
    "half a pad": (SettingError, "pad of a .* whole number >= 0", lambda: im2col(X, 2, 2, 1, 0.5)),
    "pad True": (SettingError, "pad of a convolution must", lambda: im2col(X, 2, 2, 1, True)),
    "infinite": (SettingError, "stride of a", lambda: conv_output_size(9, 3, float("inf"))),
    "no filter": (SettingError, "filter size of a", lambda: conv_output_size(9, 0)),
    "col": (
        DataError,
        "col of col2im must have 70 rows of 18 numbers; got an array of shape",
        lambda: col2im(np.zeros((71, 18)), X.shape, 3, 2),
    ),
    "input_shape": (
        DataError,
        r"input_shape of col2im must be \(N, C, H, W\); got \(7, 8\)",
        lambda: col2im(np.zeros((70, 18)), (7, 8), 3, 2),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_nonsense_is_refused_in_one_sentence(name: str) -> None:
    error, words, call = BAD[name]
    with pytest.raises(error, match=words):
        call()


# ------------------------------------------------------------------ faults


def after(kind: type, change: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """Lets `change(layer, dout, dx)` alter what a right backward pass computed."""
    right = kind.backward

    def wrong(self: Any, dout: Any) -> Any:
        dx = right(self, dout)
        found = change(self, dout, dx)
        return dx if found is None else found

    return lambda patch: patch.setattr(kind, "backward", wrong)


def scaled(name: str, factor: float) -> Callable[[pytest.MonkeyPatch], None]:
    def change(layer: Any, dout: Any, dx: Any) -> Any:
        if name == "dx":
            return dx * factor
        setattr(layer, name, getattr(layer, name) * factor)
        return None

    return after(Convolution, change)


def setting(name: str, value: Callable[[Any, Any], Any]) -> Callable[[pytest.MonkeyPatch], None]:
    return after(Convolution, lambda layer, dout, dx: setattr(layer, name, value(layer, dout)))


def all_ties(layer: Any, dout: Any, dx: Any) -> Any:
    padded = np.zeros_like(layer._padded)
    for _, entry in layer._places:
        padded[entry] += dout * (layer._padded[entry] == layer._y)
    return layer._places.inner(padded)


def places_with(name: str, wrong: Any) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(convolution.Places, name, wrong)


def fold_without_sum(self: Any, columns: np.ndarray) -> np.ndarray:
    images, channels, height, width = self.shape
    columns = columns.reshape(images, channels, self.h, self.w, self.height, self.width)
    padded = np.zeros((images, channels, height + 2 * self.pad, width + 2 * self.pad))
    for (i, j), entry in self:
        padded[entry] = columns[:, :, i, j]
    return self.inner(padded)


def fold_turned(self: Any, columns: np.ndarray) -> np.ndarray:
    return right_fold(
        self, columns.reshape(len(columns), -1, self.h * self.w, columns.shape[-1])[:, :, ::-1]
    )


right_fold = convolution.Places.fold
FAULTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], Callable[..., list[float]]]] = {
    **{
        f"{name} times {factor}": (scaled(name, factor), convolution_errors)
        for name in ("dx", "dW", "db")
        for factor in (-1.0, 0.0, 1.0005, 1 / N)
    },
    "dW of the last image alone": (
        setting(
            "dW",
            lambda layer, dout: (dout.reshape(N, F, -1)[-1] @ layer._columns[-1].T).reshape(
                layer.W.shape
            ),
        ),
        convolution_errors,
    ),
    "dW with the filter turned round": (
        setting("dW", lambda layer, dout: layer.dW[:, :, ::-1, ::-1]),
        convolution_errors,
    ),
    "db of the first place": (
        setting("db", lambda layer, dout: dout[:, :, 0, 0].sum(axis=0)),
        convolution_errors,
    ),
    "what overlaps is not added": (places_with("fold", fold_without_sum), convolution_errors),
    "dx with the filter turned round": (places_with("fold", fold_turned), convolution_errors),
    "pooling: dx is 0": (after(Pooling, lambda layer, dout, dx: 0 * dx), pooling_errors),
    "pooling: off by 0.05 %": (
        after(Pooling, lambda layer, dout, dx: 1.0005 * dx),
        pooling_errors,
    ),
    "pooling: the mean's gradient": (
        after(
            Pooling,
            lambda layer, dout, dx: np.full_like(dx, dout.sum() / dx.size),
        ),
        pooling_errors,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught(name: str, monkeypatch: pytest.MonkeyPatch, rng) -> None:
    inject, errors = FAULTS[name]
    assert max(errors(rng, (3, 2), 2, 1)) < DIFFERENCES
    inject(monkeypatch)
    assert max(errors(rng, (3, 2), 2, 1)) > 10 * DIFFERENCES


def test_a_gradient_for_all_equal_maxima_is_caught(monkeypatch: pytest.MonkeyPatch, rng) -> None:
    after(Pooling, all_ties)(monkeypatch)
    with pytest.raises(AssertionError):
        test_of_equal_maxima_the_first_gets_the_gradient((3, 2), 2, 1, rng)
