"""Experiment 14: the gradients of a network with batch-norm, and what one sample proves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainlab import plots
from trainlab.data import Dataset
from trainlab.differentiation import GradientReport, gradient_check
from trainlab.differentiation.check import STEPS, TOLERANCE
from trainlab.experiments.base import (
    Array,
    Better,
    Measure,
    Measurements,
    Row,
    StagedExperiment,
    Train,
    Within,
    along,
    greatest,
)
from trainlab.experiments.figures import seeds_entry
from trainlab.members import describe
from trainlab.network.activations import ReLU
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.base import Declaration, Layer, Mode, Views
from trainlab.network.norms import BatchNorm
from trainlab.network.workspace import Allocator
from trainlab.settings import instance
from trainlab.streams import stream

NETWORK = MLP(hidden=(100, 100), activation=ReLU(), norm="batch")
SAMPLES = 16
METHOD = "central4"


@dataclasses.dataclass(frozen=True)
class WrongBatchNorm(Layer):
    """Batch-norm with a backward pass that takes the variance for a constant.

    dx = γ (dy − dβ/B) / sqrt(var + ε), where − γ x̂ dγ/B / sqrt(var + ε) is missing
    """

    right: BatchNorm = instance(BatchNorm, BatchNorm)

    def declare(self, in_features: int) -> Declaration:
        return self.right.declare(in_features)

    def forward(self, p: Views, x: Array, mode: Mode, new: Allocator) -> tuple[Array, Any, Views]:
        return self.right.forward(p, x, mode, new)

    def backward(self, p: Views, cache: Any, dy: Array, grads: Views, new: Allocator) -> Array:
        x_hat, inv, _ = cache
        dx = self.right.backward(p, cache, dy, grads, new)
        dx += p["gamma"] * inv * x_hat * grads["gamma"] / dy.shape[-2]
        return dx


ARMS: Mapping[str, tuple[int, bool]] = {
    f"{SAMPLES} samples": (SAMPLES, False),
    "1 sample": (1, False),
    f"{SAMPLES} samples, wrong": (SAMPLES, True),
    "1 sample, wrong": (1, True),
}
"""Arm → samples, and whether the backward pass of batch-norm is wrong."""
EMPTY = ("W1", "b1", "gamma1", "beta1", "W2", "b2", "gamma2")
"""Parameters whose gradients batch-norm makes 0 when it sees one sample."""


def built(data: Dataset, wrong: bool) -> Architecture:
    """The network for this data, with the right batch-norm or the wrong one."""
    network = NETWORK.build(data.in_features, data.out_features)
    if not wrong:
        return network
    layers = [
        WrongBatchNorm(layer) if isinstance(layer, BatchNorm) else layer for layer in network.layers
    ]
    return Architecture(layers, network.loss, network.in_features, 0.0, 0.0)


def check(data: Dataset, arm: str, seed: int) -> GradientReport:
    """Every parameter, at weights and samples drawn from the seed; of a wrong network a part."""
    samples, wrong = ARMS[arm]
    chosen = stream(seed, "experiment").choice(len(data.train.x), SAMPLES, replace=False)[:samples]
    x, t = np.asarray(data.train.x[chosen], np.float64), data.train.t[chosen]
    # A wrong gradient is wrong in most entries, so a few of them are enough to find it.
    entries = 200 if wrong else None
    network = built(data, wrong)
    return gradient_check(
        network, x, t, seed=seed, entries=entries, method=METHOD, include_input=False
    )


def compute(data: Dataset, seeds: Sequence[int], train: Train) -> Measurements:
    """For each arm and seed: the difference, the error and the share of zeros by parameter."""
    rows: list[Row] = []
    names = [entry.name for entry in built(data, wrong=False).layout.entries]
    found: dict[str, list[list[float]]] = {"difference": [], "error": [], "zero": [], "crossed": []}
    for arm, seed in train.each([(arm, seed) for arm in ARMS for seed in seeds]):
        samples, wrong = ARMS[arm]
        report = check(data, arm, seed)
        of_loss = [row for row in report.rows if row.objective == "loss"]
        found["difference"].append([row.difference for row in of_loss])
        found["error"].append([row.error for row in of_loss])
        found["zero"].append([row.zero / row.entries for row in of_loss])
        found["crossed"].append([row.crossed / row.entries for row in of_loss])
        settings = {
            "network": describe(NETWORK),
            "samples": samples,
            "wrong": wrong,
            "method": METHOD,
            "h": STEPS[METHOD],
            "parameters": names,
            "seed": seed,
        }
        rows.append(Row(arm, seed, settings))
    axis = np.arange(1.0, len(names) + 1)
    series = along("parameter", axis, **{name: np.array(every) for name, every in found.items()})
    return Measurements(tuple(rows), series)


def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
    """By parameter: how far the two gradients are apart, and how many of them are 0."""
    names = measured.members[0].settings["parameters"]
    found, arms = measured.series["difference"].values, measured.arms
    with plots.themed(theme):
        drawn, (apart, empty) = plots.blank(theme, 2, 1, width=7.6, height=8.8)
        plots.dots(apart, names, [(arm, found[at]) for arm, at in arms.items()], theme, log=True)
        plots.label(apart, "mean |back-propagated − numerical|", "", "Difference of the gradients")
        right = [arm for arm, (_, wrong) in ARMS.items() if not wrong]
        zero = measured.series["zero"].values
        plots.dots(empty, names, [(arm, zero[arms[arm]]) for arm in right], theme)
        empty.set_xlim(-0.04, 1.04)
        plots.label(empty, "share of entries that are 0", "", "Gradients that are 0")
        title = "Back-propagated and numerical gradients, of 16 samples and of one"
        plots.title(drawn, title, theme)
        plots.key(drawn, [apart, empty], [seeds_entry(measured, theme, marker="o")], theme)
    return drawn


EXPERIMENT = StagedExperiment(
    name="gradient-check",
    number=14,
    title="Gradient check with batch-norm",
    claim="Back-propagation through batch-norm agrees with numerical gradients over several "
    "samples. One sample proves nothing: every gradient before the last batch-norm is then 0, and "
    "even a wrong backward pass agrees.",
    equations=(
        r"\hat{x} = (x - \bar{x})/s,\quad s = \sqrt{v + \epsilon},\quad y = \gamma \hat{x} + \beta",
        r"d x = \gamma\,(d y - \overline{d y} - \hat{x}\;\overline{\hat{x}\,d y}) / s",
        r"B = 1:\quad \hat{x} = 0,\quad \overline{d y} = d y,\quad d x = 0",
    ),
    measure=Measure(
        "greatest relative error of a gradient",
        greatest("error"),
        comparative="a smaller greatest error of a gradient",
    ),
    expect=(
        Within(f"{SAMPLES} samples", high=TOLERANCE),
        Within("1 sample", high=TOLERANCE),
        Within(f"{SAMPLES} samples, wrong", low=0.05),
        # Not a success: the check sees nothing.
        Within("1 sample, wrong", high=TOLERANCE),
        Better(f"{SAMPLES} samples", f"{SAMPLES} samples, wrong"),
    ),
    figure=figure,
    curves=("difference", "error", "zero"),
    caption="Float64, fourth-order central differences; “wrong” treats batch-norm's variance as a "
    "constant. A bias before batch-norm has no effect, so the gradients of b1 and b2 are always 0, "
    "as are those of the rows of W1 for pixels without ink.",
    compute=compute,
)
