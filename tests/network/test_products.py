"""Products that several threads share have the bits of those that one computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trainlab.blas import one_thread
from trainlab.network import products
from trainlab.network.products import TILE, matmul
from trainlab.pool import thread_pool

SHAPES = [
    (256, 784, 512),
    (100, 717, 100),
    (784, 100, 100),
    (500, 64, 50),  # cut into small parts, for which some kernels have others
    (97, 5, 3),
    (48, 50, 60),
    (1, 300, 300),
]


def pair(shape: tuple[int, int, int], dtype: Any, members: tuple[int, ...], turned: str) -> Any:
    rng = np.random.default_rng(1)
    rows, inner, columns = shape
    a = rng.standard_normal((*members, rows, inner)).astype(dtype)
    b = rng.standard_normal((*members, inner, columns)).astype(dtype)
    if "a" in turned:
        a = np.ascontiguousarray(a.mT).mT
    if "b" in turned:
        b = np.ascontiguousarray(b.mT).mT
    return a, b


@pytest.mark.parametrize("turned", ["", "a", "b"])
@pytest.mark.parametrize("members", [(), (1,), (3,)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_shared_products_have_the_same_bits(
    shape: tuple[int, int, int],
    dtype: Any,
    members: tuple[int, ...],
    turned: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(products, "PART", 1)
    a, b = pair(shape, dtype, members, turned)
    with one_thread():
        whole = np.matmul(a, b)
        for threads in (2, 3, 7):
            out = np.full_like(whole, np.nan)
            with thread_pool(threads):
                assert matmul(a, b, out) is out
            assert out.tobytes() == whole.tobytes()


def test_large_products_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = pair((256, 784, 512), np.float32, (), "")
    assert products._same_bits(products._like(a), products._like(b), (0, 144, 256))
    shared = parts_of(a, b, 2, monkeypatch)
    assert [part.shape for part in shared] == [(144, 784), (112, 784)]
    assert parts_of(a, b, 1, monkeypatch) == []
    assert parts_of(*pair((100, 64, 100), np.float32, (), ""), 2, monkeypatch) == []


def test_large_is_the_product_of_all_three_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_same_bits", lambda *_: True)
    monkeypatch.setattr(products, "PART", 100 * 7 * 50)
    assert len(parts_of(*pair((100, 14, 50), np.float32, (), ""), 2, monkeypatch)) == 2
    assert parts_of(*pair((100, 13, 50), np.float32, (), ""), 2, monkeypatch) == []
    assert parts_of(*pair((100, 14, 49), np.float32, (), ""), 2, monkeypatch) == []
    assert parts_of(*pair((99, 14, 50), np.float32, (), ""), 2, monkeypatch) == []


@pytest.mark.parametrize("members", [(), (3,), (2, 3)])
def test_the_trial_has_the_shape_and_order_of_one_matrix(members: tuple[int, ...]) -> None:
    for turned, in_order in (("", True), ("a", False)):
        a, _ = pair((7, 5, 4), np.float32, members, turned)
        assert products._like(a) == (7, 5, in_order, np.float32)


def test_what_would_round_otherwise_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_same_bits", lambda *_: False)
    a, b = pair((256, 784, 512), np.float32, (), "")
    assert parts_of(a, b, 2, monkeypatch) == []


def test_the_trial_finds_parts_that_round_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if kernels computed the rows of small matrices in another order."""
    a, b = pair((256, 784, 512), np.float32, (), "")
    right = np.matmul

    def matmul_of_other_kernels(a: Any, b: Any, **kwargs: Any) -> Any:
        found = right(a, b, **kwargs)
        if len(a) < 200:
            found[-1, -1] = np.nextafter(found[-1, -1], np.float32(np.inf))
        return found

    given = products._like(a), products._like(b), (0, 144, 256)
    assert products._same_bits.__wrapped__(*given)
    monkeypatch.setattr(np, "matmul", matmul_of_other_kernels)
    assert not products._same_bits.__wrapped__(*given)


def parts_of(a: Any, b: Any, threads: int, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The left sides of the parts that are shared."""
    shared: list[Any] = []

    def run_in_parallel(parts: Any) -> None:
        shared.extend(part.args[0] for part in parts)
        for part in parts:
            part()

    with monkeypatch.context() as patch, thread_pool(threads):
        patch.setattr(products, "run_in_parallel", run_in_parallel)
        matmul(a, b, np.empty((a.shape[0], b.shape[1]), a.dtype))
    return shared


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("rows", [1, 47, 48, 100, 784])
def test_cuts_are_between_tiles(rows: int, threads: int) -> None:
    cuts = products._cuts(rows, threads)
    assert cuts[0] == 0
    assert cuts[-1] == rows
    assert all(cut % TILE == 0 for cut in cuts[:-1])
    assert list(cuts) == sorted(set(cuts))
    assert len(cuts) <= threads + 1
    if rows >= threads * TILE:
        assert len(cuts) == threads + 1
