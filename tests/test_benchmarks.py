"""The yardstick of the benchmarks trains the same networks by the same rules."""

from __future__ import annotations

import book_loop
import numpy as np
import pytest

import trainlab as tl

WIDTHS = (7, 5, 4, 3)

# The loop adds 1e-7 inside its logarithm, which moves gradients by up to 1e-7 relative;
# everything else is rounding.
TOLERANCE = 1e-9


@pytest.mark.parametrize(
    ("update", "optimizer"),
    [
        (book_loop.sgd(0.1), tl.SGD.book(0.1)),
        (book_loop.momentum(0.1), tl.Momentum.book(0.1)),
        (book_loop.adagrad(0.1), tl.AdaGrad.book(0.1)),
        (book_loop.adam(0.01), tl.Adam.book(0.01)),
    ],
    ids=["sgd", "momentum", "adagrad", "adam"],
)
def test_the_text_book_loop_takes_our_steps(update, optimizer) -> None:
    rng = np.random.default_rng(0)
    network = tl.MLP(hidden=WIDTHS[1:-1]).build(WIDTHS[0], WIDTHS[-1])
    params, grads = np.empty(network.size), np.empty(network.size)
    ours, gradient = network.bind(params), network.bind(grads)
    state = optimizer.init(params)
    theirs = book_loop.initialize(WIDTHS, rng)
    views = network.layout.views(params)
    for name, values in theirs.items():
        views[name][...] = values
    for step in range(20):
        x, t = rng.normal(size=(11, WIDTHS[0])), rng.integers(0, WIDTHS[-1], 11)
        _, found = book_loop.loss_and_gradient(theirs, x, t)
        update(theirs, found)
        network.loss_and_gradient(ours, x, t, gradient)
        optimizer.update(params, grads, state, step)
    for name, values in theirs.items():
        assert np.allclose(views[name], values, rtol=0, atol=TOLERANCE)
