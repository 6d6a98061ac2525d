"""Matrix products, by rows on several threads where a network is trained alone (pool.py).

BLAS has threads of its own, but they add numbers in an order that depends on how many there
are.  Rows of a product do not depend on each other, so that parts of them can have the bits
of the whole.  Whether they do is up to the kernels: it is tried once for each shape.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any, Final

import numpy as np

from trainlab.network.workspace import Array
from trainlab.pool import pool_threads, run_in_parallel

# Multiplications of a part: some 160 µs.  To hand it over takes 20, and what one core has
# written is new to the caches of the other.
PART: Final = 8_000_000
# Parts begin at multiples of so many rows, as the tiles of usual kernels do: else rows near a
# cut would be computed in other tiles, some of which round otherwise.
TILE: Final = 48


def matmul(a: Array, b: Array, out: Array) -> Array:
    """out = a b; (..., M, N) from (..., M, K) and (..., K, N)."""
    parts = min(pool_threads(), a.shape[-2] * a.shape[-1] * b.shape[-1] // PART)
    if parts > 1:
        cuts = _cuts(a.shape[-2], parts)
        if _same_bits(_like(a), _like(b), cuts):
            run_in_parallel(
                [
                    functools.partial(np.matmul, a[..., rows, :], b, out=out[..., rows, :])
                    for rows in _slices(cuts)
                ]
            )
            return out
    return np.matmul(a, b, out=out)


def _cuts(rows: int, parts: int) -> tuple[int, ...]:
    """Where so many parts begin, or fewer, and where the last one ends."""
    inner = (round(rows * part / parts / TILE) * TILE for part in range(1, parts))
    return tuple(sorted({0, *(cut for cut in inner if cut < rows), rows}))


def _slices(cuts: tuple[int, ...]) -> list[slice]:
    return [slice(*ends) for ends in itertools.pairwise(cuts)]


def _like(x: Array) -> tuple[int, int, bool, Any]:
    """What the kernels see of one matrix of a stack: rows, columns, order, dtype."""
    return x.shape[-2], x.shape[-1], x.strides[-1] == x.itemsize, x.dtype


@functools.lru_cache(maxsize=1024)
def _same_bits(
    left: tuple[int, int, bool, Any], right: tuple[int, int, bool, Any], cuts: tuple[int, ...]
) -> bool:
    """Whether the parts of a product of random matrices have the bits of the whole."""
    a, b = _random(left), _random(right)
    parts = [np.matmul(a[rows], b) for rows in _slices(cuts)]
    return bool(np.concatenate(parts).tobytes() == np.matmul(a, b).tobytes())


def _random(like: tuple[int, int, bool, Any]) -> Array:
    rows, columns, in_order, dtype = like
    shape = (rows, columns) if in_order else (columns, rows)
    x = np.random.default_rng(columns).standard_normal(shape).astype(dtype)
    return x if in_order else x.T
