"""Hashes of what the native functions of arrays give, for a range of shapes.

As a script it prints them as JSON, and first the instruction set that computed them: a test
starts it with the environment variable TRAINLAB_NATIVE_ISA.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

import numpy as np

from trainlab.engine.native import MISSING, instruction_set

SHAPES = ((1, 1, 1), (6, 9, 8), (13, 150, 17), (40, 300, 33))


def digests() -> dict[str, str]:
    """Function and shape → the hash of all that it writes."""
    from trainlab.engine import _native as module  # type: ignore[attr-defined]

    rng = np.random.default_rng(0)
    found = {}
    for rows, depth, columns in SHAPES:

        def keep(name: str, *arrays: Any, shape: Any = (rows, depth, columns)) -> None:
            content = b"".join(array.tobytes() for array in arrays)
            found[f"{name} {shape}"] = hashlib.sha256(content).hexdigest()

        x = rng.standard_normal((rows, depth)) * (rng.random((rows, depth)) < 0.4)
        w, bias = rng.standard_normal((depth, columns)), rng.standard_normal(columns)
        ends, room = np.unique([-(-depth // 2), depth]), np.zeros((rows, columns))
        for given in (x, x.astype(np.float32)):
            module.product(given, w, bias, ends, room)
            keep(f"product of {given.dtype}", room)
            module.transposed_product(np.ascontiguousarray(given.T), w, ends, room)
            keep(f"transposed product of {given.dtype}", room)
        module.product_with_transposed(x, np.ascontiguousarray(w.T), ends, room)
        keep("product with transposed", room)
        y, mask, sums = np.zeros_like(x), np.zeros(x.shape, bool), np.zeros(depth)
        module.relu(x, y, mask)
        keep("relu", y, mask)
        dy = rng.standard_normal(x.shape)
        module.relu_backward(mask, dy, y)
        keep("relu backward", y)
        module.mask(mask, dy, y)
        keep("mask", y)
        module.sum_rows(dy, sums)
        keep("sum of rows", sums)
        gamma, beta = rng.standard_normal((2, depth))
        xc, xn, (std, mean, var) = np.zeros_like(x), np.zeros_like(x), np.zeros((3, depth))
        module.batch_norm(x, gamma, beta, 1e-6, xc, xn, std, mean, var, y)
        keep("batch norm", xc, xn, std, mean, var, y)
        module.batch_norm_backward(dy, gamma, xc, xn, std, mean, var, y)
        keep("batch norm backward", mean, var, y)
        for rule in range(6):
            p, g, (first, second) = x.copy(), dy, np.abs(rng.standard_normal((2, *x.shape)))
            past = (first if rule else None, second if rule == 5 else None)
            for _ in range(3):
                module.update(rule, (0.9, 0.1, 0.01, 1e-7), p, g, *past)
            keep(f"rule {rule}", p, first, second)
    return found


if __name__ == "__main__":
    if MISSING:
        sys.exit(MISSING)
    sys.stdout.write(json.dumps({"isa": instruction_set(), "digests": digests()}))
