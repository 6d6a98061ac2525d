"""What layers and optimizers compute with: native functions, with NumPy's very bits."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from array_bits import digests
from processors import LEAST
from trainlab.blas import one_thread
from trainlab.book import layers, native
from trainlab.book.multi_layer_net_extend import MultiLayerNetExtend
from trainlab.book.optimizer import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop

compiled = pytest.mark.skipif(native._native is None, reason="the engine is not compiled")
OPTIMIZERS = (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam)
SHAPES = [(1, 1), (3, 2), (7, 5), (9, 8), (20, 17), (40, 100), (150, 1), (100, 3)]


def bits(found: Any) -> list[tuple[Any, bytes]]:
    """What must be equal."""
    arrays = found if isinstance(found, tuple) else (found,)
    return [(array.dtype, np.ascontiguousarray(array).tobytes()) for array in arrays]


def both(monkeypatch: pytest.MonkeyPatch, compute: Callable[[], Any]) -> Any:
    """The result, which must be that of NumPy."""
    found = compute()
    with monkeypatch.context() as patch:
        patch.setattr(native, "_native", None)
        assert bits(compute()) == bits(found)
    return found


# --- products ----------------------------------------------------------------------------------


def chains_by_hand(x: Any, w: Any, ends: tuple[int, ...]) -> Any:
    """One addition after the other; the products of numbers of 24 bits are exact."""
    total = np.zeros((len(x), w.shape[1]))
    for start, end in itertools.pairwise((0, *ends)):
        chain = np.zeros_like(total)
        for k in range(start, end):
            chain = chain + x[:, k : k + 1] * w[k]
        total = total + chain
    return total


def single(rng: np.random.Generator, *shape: int, zeros: float = 0.0) -> Any:
    """float64 with the digits of float32, and some zeros."""
    x = rng.standard_normal(shape).astype(np.float32).astype(np.float64)
    return np.where(rng.random(shape) < zeros, 0.0, x)


@compiled
@pytest.mark.parametrize("ends", [(300,), (130, 300), (1, 129, 260, 300), (30,), (7, 30)])
@pytest.mark.parametrize("zeros", [0.0, 0.5, 0.9, 1.0])
def test_chains_end_where_they_are_told(
    ends: tuple[int, ...], zeros: float, rng: np.random.Generator
) -> None:
    module, depth, told = native._native, ends[-1], np.array(ends)
    for rows, columns in [(1, 1), (5, 3), (6, 8), (13, 17), (100, 40), (200, 33)]:
        x, w, b = single(rng, rows, depth, zeros=zeros), single(rng, depth, columns), rng.random(40)
        b = b[:columns].copy()
        expected = chains_by_hand(x, w, ends)
        out = np.full((rows, columns), np.nan)
        for given in (x, x.astype(np.float32)):
            module.product(given, w, b, told, out)
            np.testing.assert_array_equal(out, expected + b)
            module.transposed_product(np.ascontiguousarray(given.T), w, told, out)
            np.testing.assert_array_equal(out, expected)
        module.product_with_transposed(x, np.ascontiguousarray(w.T), told, out)
        np.testing.assert_array_equal(out, expected)


@compiled
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_zero_times_infinity_is_nan(value: float, rng: np.random.Generator) -> None:
    """Zeros are left out only where that changes nothing."""
    x, w = np.zeros((8, 200)), rng.standard_normal((200, 9))
    w[150, 4] = value
    out = np.zeros((8, 9))
    native._native.product(x, w, None, np.array([200]), out)
    np.testing.assert_array_equal(np.isnan(out), np.arange(9) == np.full((8, 1), 4))


@pytest.mark.parametrize("zeros", [0.0, 0.8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_have_the_bits_of_numpys(
    zeros: float, dtype: Any, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rows, depth, columns in [(100, 784, 50), (128, 100, 100), (7, 300, 11), (1, 784, 20)]:
        x = single(rng, rows, depth, zeros=zeros).astype(dtype)
        W, b, dy = (
            rng.standard_normal(shape) for shape in ((depth, columns), columns, (rows, columns))
        )
        whole = x.astype(np.float64)
        with one_thread():
            y = both(monkeypatch, lambda x=x, W=W, b=b: native.product(x, W, b))
            assert bits(y) == bits(np.dot(whole, W) + b)
            dW = both(monkeypatch, lambda x=x, dy=dy: native.weight_gradient(x, dy))
            assert bits(dW) == bits(np.dot(whole.T, dy))
            dx = both(monkeypatch, lambda dy=dy, W=W: native.input_gradient(dy, W))
            assert bits(dx) == bits(np.dot(dy, W.T))
            each = np.stack([whole, 2 * whole, whole])
            ys = both(monkeypatch, lambda each=each, W=W, b=b: native.product_of_each(each, W, b))
            assert all(
                bits(one) == bits(np.dot(own, W) + b) for one, own in zip(ys, each, strict=True)
            )


@compiled
def test_a_product_that_blas_adds_otherwise_is_left_to_it(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NumPy's own are replaced by one that adds backwards."""
    x, W, b = rng.standard_normal((30, 40)), rng.standard_normal((40, 50)), np.zeros(50)
    backwards = {native._product: lambda x, w: np.dot(x[:, ::-1], w[::-1])}
    monkeypatch.setattr(native, "_NUMPYS", {**native._NUMPYS, **backwards})
    native.chain_ends.cache_clear()
    try:
        assert native.chain_ends(native._product, 30, 40, 50) is None
        assert bits(native.product(x, W, b)) == bits(np.dot(x, W) + b)
    finally:
        native.chain_ends.cache_clear()


def test_known_orders_are_those_of_openblas() -> None:
    assert native.known_orders(100) == [(100,)]
    assert (256, 512, 648, 784) in native.known_orders(784)  # Haswell, Zen
    assert (384, 592, 784) in native.known_orders(784)  # Skylake and its successors
    assert all(ends[-1] == 784 for ends in native.known_orders(784))


# --- passes ------------------------------------------------------------------------------------


def odd(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Numbers, and zeros of both signs, infinities and NaN among them where there is room."""
    x = rng.standard_normal(shape)
    flat = x.reshape(-1)
    if flat.size > 30:
        flat[3:9] = 0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310
    return x


@pytest.mark.parametrize("shape", SHAPES)
def test_layers_have_the_bits_of_numpys(
    shape: tuple[int, int], rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, dy = odd(rng, shape), odd(rng, shape)
    y, mask = both(monkeypatch, lambda: native.relu(x))
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    np.testing.assert_array_equal(mask, x <= 0)
    dx = both(monkeypatch, lambda: native.relu_gradient(mask, dy))
    np.testing.assert_array_equal(dx[mask], 0.0)
    np.testing.assert_array_equal(dx[~mask], dy[~mask])
    with np.errstate(invalid="ignore"):
        both(monkeypatch, lambda: native.masked(x, mask))
    x, dy = rng.standard_normal(shape), rng.standard_normal(shape)
    both(monkeypatch, lambda: native.sum_rows(dy))
    gamma, beta = rng.standard_normal((2, shape[1]))
    found = both(monkeypatch, lambda: native.batch_norm(x, gamma, beta, 1e-6))
    both(
        monkeypatch,
        lambda: native.batch_norm_gradient(dy, gamma, found.xc, found.xn, found.std),
    )


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("size", [1, 7, 8, 100])
def test_updates_are_in_place_and_have_the_bits_of_numpys(
    kind: Any, size: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, gradients = rng.standard_normal((2, size)), rng.standard_normal((5, 2, size))
    found = []
    for module in (native._native, None):
        monkeypatch.setattr(native, "_native", module)
        params, optimizer = {"W": start.copy(), "b": start[0].copy()}, kind(lr=np.float64(0.03))
        own = dict(params)
        for g in gradients:
            optimizer.update(params, {"W": g, "b": g[1].copy()})
        assert all(params[key] is own[key] for key in own)
        past = [getattr(optimizer, name) for name, first in kind.starts.items() if first is None]
        found.append([bits(own[key]) + [bits(p[key]) for p in past] for key in own])
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_what_is_no_plain_array_is_updated_as_before(kind: Any, rng: np.random.Generator) -> None:
    g = rng.standard_normal((3, 4))
    for start in (
        rng.standard_normal((3, 4)).astype(np.float32),
        rng.standard_normal((3, 8))[:, ::2],
        np.asfortranarray(rng.standard_normal((3, 4))),
    ):
        plain = {"W": np.array(start, np.float64, order="C")}
        params, optimizer, other = {"W": start.copy(order="K")}, kind(0.1), kind(0.1)
        own = params["W"]
        for _ in range(3):
            optimizer.update(params, {"W": g})
            other.update(plain, {"W": g})
        assert params["W"] is own
        np.testing.assert_allclose(own, plain["W"], rtol=1e-5, atol=1e-6)
    params, optimizer = {"x": 3.0}, kind(0.1)
    optimizer.update(params, {"x": 2.0})
    assert isinstance(params["x"], float)
    assert params["x"] < 3
    frozen = rng.standard_normal(5)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        kind(0.1).update({"W": frozen}, {"W": np.ones(5)})


def test_training_is_the_same_without_the_native_functions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    x = single(rng, 90, 150, zeros=0.7).astype(np.float32)
    t = rng.integers(0, 10, 90)
    found = []
    for module in (native._native, None):
        monkeypatch.setattr(native, "_native", module)
        np.random.seed(4)
        settings = {"use_dropout": True, "use_batchnorm": True, "weight_decay_lambda": 0.01}
        net = MultiLayerNetExtend(150, [100, 90], 10, **settings)
        optimizer = Adam()
        losses = []
        for _ in range(10):
            optimizer.update(net.params, net.gradient(x, t))
            losses.append(net.loss(x, t))
        found.append([losses, net.accuracy(x, t), [bits(p) for p in net.params.values()]])
        norm, affine = net.layers["BatchNorm1"], net.layers["Affine1"]
        found[-1] += [bits(norm.running_var), bits(norm.xn), bits(affine.dW), bits(affine.db)]
        assert affine.x.shape == x.shape
    assert found[0] == found[1]


def test_an_affine_layer_takes_what_it_took(rng: np.random.Generator) -> None:
    W, b = rng.standard_normal((12, 40)), rng.standard_normal(40)
    for x in (
        rng.integers(0, 255, (30, 3, 2, 2)).astype(np.uint8),
        rng.standard_normal((30, 24))[:, ::2],
        rng.standard_normal((30, 12)).astype(np.float16),
    ):
        layer = layers.Affine(W, b)
        flat = x.reshape(30, -1).astype(np.float64)
        np.testing.assert_allclose(layer.forward(x), flat @ W + b, rtol=1e-12)
        dy = rng.standard_normal((30, 80))[:, ::2]
        dx = layer.backward(dy)
        assert dx.shape == x.shape
        np.testing.assert_allclose(layer.dW, flat.T @ dy, rtol=1e-12)
        np.testing.assert_allclose(layer.db, dy.sum(axis=0), rtol=1e-12)


# --- the door ----------------------------------------------------------------------------------

X, W2, OUT, ROW = np.ones((4, 3)), np.ones((3, 2)), np.ones((4, 2)), np.ones(2)
ENDS, MASK = np.array([3]), np.ones((4, 3), bool)
READ_ONLY = np.ones((4, 2))
READ_ONLY.flags.writeable = False
REFUSED: dict[str, tuple[str, tuple[Any, ...]]] = {
    "depth": ("product", (X, np.ones((4, 2)), None, ENDS, OUT)),
    "bias": ("product", (X, W2, np.ones(3), ENDS, OUT)),
    "room": ("product", (X, W2, None, ENDS, np.ones((4, 3)))),
    "ends too soon": ("product", (X, W2, None, np.array([2]), OUT)),
    "ends too late": ("product", (X, W2, None, np.array([4]), OUT)),
    "ends fall": ("product", (X, W2, None, np.array([2, 1, 3]), OUT)),
    "ends at 0": ("product", (X, W2, None, np.array([0, 3]), OUT)),
    "no ends": ("product", (X, W2, None, np.array([], np.int64), OUT)),
    "empty": ("product", (np.ones((0, 3)), W2, None, ENDS, np.ones((0, 2)))),
    "integers": ("product", (X.astype(int), W2, None, ENDS, OUT)),
    "float32 weights": ("product", (X, W2.astype(np.float32), None, ENDS, OUT)),
    "gaps": ("product", (np.ones((4, 6))[:, ::2], W2, None, ENDS, OUT)),
    "room with gaps": ("product", (X, W2, None, ENDS, np.ones((4, 4))[:, ::2])),
    "room that is read-only": ("product", (X, W2, None, ENDS, READ_ONLY)),
    "one axis": ("product", (X[0], W2, None, ENDS, OUT)),
    "depth, transposed": ("transposed_product", (X, np.ones((3, 2)), np.array([4]), OUT)),
    "room, transposed": ("transposed_product", (X, np.ones((4, 2)), np.array([4]), OUT)),
    "columns": ("product_with_transposed", (X, np.ones((2, 4)), ENDS, OUT)),
    "sums": ("sum_rows", (X, ROW)),
    "relu": ("relu", (X, np.ones((4, 4)), MASK)),
    "mask": ("relu", (X, X.copy(), np.ones((4, 2), bool))),
    "gradient of relu": ("relu_backward", (MASK, np.ones((4, 4)), X.copy())),
    "masked": ("mask", (MASK, X, np.ones((4, 4)))),
    "norm": ("batch_norm", (X, ROW, ROW, 0.1, X.copy(), X.copy(), *np.ones((3, 3)), X.copy())),
    "norm's room": (
        "batch_norm",
        (X, *np.ones((2, 3)), 0.1, np.ones((3, 3)), X.copy(), *np.ones((3, 3)), X.copy()),
    ),
    "gradient of norm": (
        "batch_norm_backward",
        (OUT, np.ones(3), X.copy(), X.copy(), np.ones(3), *np.ones((2, 3)), X.copy()),
    ),
    "rule": ("update", (6, (0.0,) * 4, ROW.copy(), ROW, None, None)),
    "negative rule": ("update", (-1, (0.0,) * 4, ROW.copy(), ROW, None, None)),
    "past": ("update", (native.SGD, (0.0,) * 4, ROW.copy(), ROW, ROW.copy(), None)),
    "no past": ("update", (native.MOMENTUM, (0.0,) * 4, ROW.copy(), ROW, None, None)),
    "half a past": ("update", (native.ADAM, (0.0,) * 4, ROW.copy(), ROW, ROW.copy(), None)),
    "gradient": ("update", (native.SGD, (0.0,) * 4, ROW.copy(), np.ones(3), None, None)),
    "past of others": (
        "update",
        (native.MOMENTUM, (0.0,) * 4, ROW.copy(), ROW, np.ones(3), None),
    ),
    "numbers": ("update", (native.SGD, (0.0,) * 3, ROW.copy(), ROW, None, None)),
    "parameters that are read-only": (
        "update",
        (native.SGD, (0.0,) * 4, READ_ONLY, OUT, None, None),
    ),
}


@compiled
@pytest.mark.parametrize("case", REFUSED)
def test_the_native_functions_refuse_what_does_not_fit(case: str) -> None:
    name, arguments = REFUSED[case]
    before = [np.copy(each) for each in arguments if isinstance(each, np.ndarray)]
    with pytest.raises((ValueError, TypeError)):
        getattr(native._native, name)(*arguments)
    after = [each for each in arguments if isinstance(each, np.ndarray)]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@compiled
def test_every_instruction_set_gives_the_same_bits() -> None:
    here, seen = digests(), set()
    script = Path(__file__).parents[1] / "support" / "array_bits.py"
    for isa in ("plain", "avx2", "avx512", "neon"):
        environment = {
            **os.environ,
            "TRAINLAB_NATIVE_ISA": isa,
            **(LEAST if isa == "plain" else {}),
        }
        done = subprocess.run(
            [sys.executable, str(script)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            found = json.loads(done.stdout)
            assert found["digests"] == here, isa
            seen.add(found["isa"])
        else:
            assert isa != "plain", done.stderr
    assert "plain" in seen
