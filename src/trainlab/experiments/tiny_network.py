"""Experiment 4: the gradient of a tiny network, by evaluation and by back-propagation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainlab import plots
from trainlab.differentiation import numerical_gradient
from trainlab.experiments.base import (
    Array,
    FunctionExperiment,
    Measure,
    Measurements,
    Row,
    Within,
    along,
    greatest,
)
from trainlab.experiments.derivative import STEP
from trainlab.experiments.figures import run_entries
from trainlab.members import describe
from trainlab.network.architecture import MLP
from trainlab.network.initializers import Std
from trainlab.network.workspace import FRESH
from trainlab.pages.words import number
from trainlab.terminal import counted

X = np.array([[0.6, 0.9]])
T = np.array([2])
NETWORK = MLP(hidden=(), init=Std(1.0))
ERROR_LIMIT = 1e-8
"""Central difference at h = 1e-4: truncation h² f‴/6 <= 1e-8 · 0.1 / 6 = 2e-10 (the third
derivative of softmax cross-entropy in W is at most 0.1 · 0.9³), rounding eps·|loss|/h <= 1e-11."""


def compute(seeds: Sequence[int]) -> Measurements:
    """For each seed a 2 × 3 weight, and both gradients of the loss with respect to it."""
    gradients = [_gradients(seed) for seed in seeds]
    numerical, exact = np.array(gradients).transpose(1, 0, 2)
    entry = np.arange(numerical.shape[-1], dtype=np.float64)
    series = along(
        "weight entry",
        entry,
        numerical_gradient=numerical,
        backpropagated_gradient=exact,
        error=np.abs(numerical - exact),
    )
    settings = {"network": describe(NETWORK), "h": STEP}
    rows = tuple(Row("2×3 network", seed, {**settings, "seed": seed}) for seed in seeds)
    return Measurements(rows, series)


def _gradients(seed: int) -> tuple[Array, Array]:
    """Numerical and back-propagated gradient (6,), row by row of the 2 × 3 weight."""
    network = NETWORK.build(2, 3)
    params, _ = network.initialize(seed, np.float64)
    place = next(entry.slice for entry in network.layout.entries if entry.name == "W1")

    def loss(copies: Array) -> Array:
        # Perturbed copies of the weight are a population.
        flat = np.tile(params, (len(copies), 1))
        flat[:, place] = copies
        y, _, _ = network.forward(network.bind(flat), X)
        return np.asarray(network.loss.forward(y, T, FRESH)[0])

    grads = np.empty_like(params)
    network.loss_and_gradient(network.bind(params), X, T, network.bind(grads))
    return numerical_gradient(loss, params[place], STEP, vectorized=True), grads[place]


def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
    """The numerical gradient of the first seed, and the error of every seed."""
    with plots.themed(theme):
        drawn, (matrix, errors) = plots.blank(theme, 1, 2, width=9.6, height=3.6)
        seed = measured.members[0].seed
        first = measured.series["numerical_gradient"].values[0].reshape(2, 3)
        plots.matrix(matrix, first, f"Numerical gradient of the loss, seed {seed}", theme)
        worst = measured.series["error"].values.max(axis=-1)
        plots.intervals(errors, [""], [worst], "greatest |numerical − back-propagated|", theme)
        words = f"limit of the error, {number(ERROR_LIMIT)}"
        errors.axvline(ERROR_LIMIT, color=theme.ink, ls=":", lw=1.4, label=words)
        plots.logarithmic(errors, "x")
        lowest = float(np.clip(worst.min(), 1e-16, ERROR_LIMIT / 10))
        errors.set_xlim(10 ** np.floor(np.log10(lowest)), 2 * ERROR_LIMIT)
        errors.tick_params(axis="y", length=0)
        errors.set_title(f"Greatest error of each of {counted(len(worst), 'seed')}")
        title = "The gradient of a tiny network, and how far apart two ways to it are"
        plots.title(drawn, title, theme)
        signs = [
            plots.area_entry("the loss grows with the weight", theme.color(0), 0.5),
            plots.area_entry("the loss falls with the weight", theme.color(1), 0.5),
            *run_entries(theme),
        ]
        plots.key(drawn, [errors], signs, theme)
    return drawn


EXPERIMENT = FunctionExperiment(
    name="tiny-network",
    number=4,
    title="Gradient of a tiny network",
    claim="Back-propagation gives the same gradient as changing every weight a little and "
    "measuring the loss.",
    equations=(
        r"y = \mathrm{softmax}(x W),\quad L = -\sum_k t_k \log y_k",
        r"\frac{\partial L}{\partial W} = x^\top (y - t)",
    ),
    measure=Measure("greatest difference between the two gradients", greatest("error")),
    expect=(Within("2×3 network", low=0.0, high=ERROR_LIMIT),),
    figure=figure,
    curves=("error", "numerical_gradient", "backpropagated_gradient"),
    caption="One layer of 2 × 3 weights drawn from N(0, 1), x = (0.6, 0.9), class 2, softmax "
    "cross-entropy. Left: the loss falls where a weight with a negative entry grows.",
    compute=compute,
    random=True,
)
