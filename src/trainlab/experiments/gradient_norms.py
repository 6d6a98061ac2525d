"""Gradients by layer and depth, before the first step, from weights of four scales."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from trainlab import plots
from trainlab.data import Dataset
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
    mean_of_last,
)
from trainlab.experiments.figures import arm_curves, seeds_entry
from trainlab.members import describe
from trainlab.network.activations import Activation, ReLU, Tanh
from trainlab.network.architecture import MLP
from trainlab.network.dense import Dense
from trainlab.network.initializers import He, Initializer, Std, Xavier
from trainlab.network.workspace import FRESH
from trainlab.streams import stream

WIDTH = 100
DEPTHS = (2, 5, 10, 20)
BATCH = 128
INITS: Mapping[str, Initializer] = {
    "std=0.01": Std(0.01),
    "Xavier": Xavier(),
    "He": He(),
    "std=0.3": Std(0.3),
}
ACTIVATIONS: Mapping[str, Activation] = {"ReLU": ReLU(), "tanh": Tanh()}
TINY = 1e-300  # what is 0 has no logarithm


def compute(data: Dataset, seeds: Sequence[int], train: Train) -> Measurements:
    """Norms at every dense layer of DEPTHS[-1] hidden ones, and what is lost at every depth."""
    rows, signals, gradients, decades = [], [], [], []
    for init, name, seed in train.each(list(itertools.product(INITS, ACTIVATIONS, seeds))):
        lost = []
        for depth in DEPTHS:
            network = MLP(hidden=(WIDTH,) * depth, activation=ACTIVATIONS[name], init=INITS[init])
            signal, gradient = norms(network, data, seed)
            lost.append(abs(np.log10(signal[0] + TINY) - np.log10(signal[depth - 1] + TINY)))
        settings = {"network": describe(network), "batch_size": BATCH, "seed": seed}
        rows.append(Row(f"{name}, {init}", seed, settings))
        signals.append(signal)
        gradients.append(gradient)
        decades.append(lost)
    layers = np.arange(1.0, DEPTHS[-1] + 2)
    depths = np.array(DEPTHS, dtype=np.float64)
    by_layer = along("layer", layers, signal=np.array(signals), weight_gradient=np.array(gradients))
    by_depth = along("hidden layers", depths, decades=np.array(decades))
    return Measurements(tuple(rows), by_layer | by_depth)


def norms(network: MLP, data: Dataset, seed: int) -> tuple[Array, Array]:
    """|dL/dy| and |dL/dW| of every dense layer, for one batch at the initial weights."""
    x, t = data.train.x, data.train.t
    chosen = stream(seed, "experiment").choice(len(x), BATCH, replace=False)
    built = network.build(data.in_features, data.out_features)
    bound = built.bind(*built.initialize(seed, np.float64))
    grads = built.bind(np.empty(built.size))
    y, caches, _ = built.forward(bound, np.asarray(x[chosen], np.float64), training=True)
    dy = built.loss.backward(built.loss.forward(y, t[chosen], FRESH)[1], FRESH)
    signal, gradient = [], []
    for index in reversed(range(len(built.layers))):
        layer = built.layers[index]
        dx = layer.backward(bound[index], caches[index], dy, grads[index], FRESH)
        if isinstance(layer, Dense):
            signal.append(np.linalg.norm(dy))
            gradient.append(np.linalg.norm(grads[index]["W"]))
        dy = dx
    return np.array(signal[::-1]), np.array(gradient[::-1])


def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
    """A row for each activation: the signal, the weights' gradients, and what depth changes."""
    layers = (1, 5, 10, 15, 20)
    panels: Mapping[str, tuple[str, str, str, Sequence[int]]] = {
        "signal": ("layer", "|dL/dy|, y = xW + b", "signal by layer", layers),
        "weight_gradient": ("layer", "|dL/dW|", "weight gradient by layer", layers),
        "decades": ("hidden layers", "powers of ten", "signal, first to last layer", DEPTHS),
    }
    with plots.themed(theme):
        drawn, axes = plots.blank(theme, len(ACTIVATIONS), len(panels), width=12.0, height=7.2)
        for ax, (name, series) in zip(axes, itertools.product(ACTIVATIONS, panels), strict=True):
            found = arm_curves(measured, series)
            arms = [arm for arm in found if arm.label.startswith(f"{name}, ")]
            shown = [dataclasses.replace(arm, label=arm.label.partition(", ")[2]) for arm in arms]
            x, y, words, ticks = panels[series]
            plots.curves(ax, shown, theme, mark_every=4 if x == "layer" else None)
            if series != "decades":
                plots.logarithmic(ax, "y")
            ax.set_xticks(ticks)
            plots.label(ax, x, y, f"{name}: {words}")
        title = "Gradients before the first step, by layer and depth, from weights of four scales"
        plots.title(drawn, title, theme)
        plots.key(drawn, axes, [seeds_entry(measured, theme)], theme)
    return drawn


EXPERIMENT = StagedExperiment(
    name="gradient-norms",
    title="Gradients by layer and depth",
    claim="With ReLU the back-propagated signal keeps its size over 20 layers from He's weights; "
    "from std = 0.01 it vanishes by twenty orders of magnitude, from std = 0.3 it explodes. "
    "The gradients of the weights tell less: with ReLU they are alike in all layers, "
    "and all of them vanish together.",
    equations=(
        r"\nabla_{\!x} L = (\nabla_{\!y} L)\,W^\top,\quad \nabla_{\!W} L = x^\top\,\nabla_{\!y} L",
        r"\mathrm{ReLU:}\quad |\nabla_{\!x} L| \approx \sigma\sqrt{n/2}\;|\nabla_{\!y} L|",
    ),
    measure=Measure(
        "change of the signal between the first and the last hidden layer",
        mean_of_last("decades", 1),  # of the deepest network
        comparative="a smaller change of the signal between the first and the last hidden layer",
        unit="powers of ten",
    ),
    expect=(
        Better("ReLU, He", "ReLU, Xavier"),
        Better("ReLU, Xavier", "ReLU, std=0.01"),
        Better("ReLU, He", "ReLU, std=0.3"),
        Better("tanh, Xavier", "tanh, std=0.3"),
        Better("tanh, std=0.3", "tanh, std=0.01"),
        # A layer multiplies the signal by std · sqrt(n/2): over 19 layers of 100 units that is
        # 10^-21.9 for std = 0.01, 10^-2.9 for Xavier, 1 for He, 10^6.2 for std = 0.3.
        Within("ReLU, He", high=1.0),
        Within("ReLU, Xavier", low=2.0, high=4.0),
        Within("ReLU, std=0.01", low=20.0, high=24.0),
        Within("ReLU, std=0.3", low=5.0, high=7.5),
        # tanh has a slope of 1 near 0, so Xavier's scale is the one that keeps it.
        Within("tanh, Xavier", high=1.0),
        Within("tanh, std=0.01", low=18.0, high=20.0),
        Within("tanh, std=0.3", low=2.0),
    ),
    figure=figure,
    curves=("signal", "weight_gradient", "decades"),
    caption="Norms over a batch of 128 at the initial weights, hidden layers of 100 units. Left "
    "and middle: 20 hidden layers. Right: by how many powers of ten the signals behind the first "
    "and the last hidden layer differ.",
    compute=compute,
)
