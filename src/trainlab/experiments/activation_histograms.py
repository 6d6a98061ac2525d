"""Experiment 8: what five layers make of standard normal inputs, by scale of the weights."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from trainlab import plots
from trainlab.experiments.base import (
    Array,
    Better,
    FunctionExperiment,
    Measure,
    MeasuredSeries,
    Measurements,
    Row,
    Within,
)
from trainlab.experiments.figures import seeds_entry
from trainlab.members import describe
from trainlab.network.activations import Activation, ReLU, Sigmoid, Tanh
from trainlab.network.architecture import MLP
from trainlab.network.base import EVALUATION
from trainlab.network.dense import Dense
from trainlab.network.initializers import He, Initializer, Std, Xavier
from trainlab.network.workspace import FRESH
from trainlab.streams import stream

SAMPLES = 1_000
WIDTH = 100
LAYERS = 5
BINS = 30
INITS: Mapping[str, Initializer] = {
    "std=1": Std(1.0),
    "std=0.01": Std(0.01),
    "std=0.1": Std(0.1),
    "Xavier": Xavier(),
    "He": He(),
}
# Name → the function, its greatest slope, and where its histogram begins and ends.
ACTIVATIONS: Mapping[str, tuple[Activation, float, float, float]] = {
    "sigmoid": (Sigmoid(), 0.25, 0.0, 1.0),
    "ReLU": (ReLU(), 1.0, 0.0, 3.0),
    "tanh": (Tanh(), 1.0, -1.0, 1.0),
}
FLAT = 0.05
"""A unit is saturated by a sample where its slope is below this part of the greatest one: a
sigmoid below 0.013 or above 0.987, a tanh beyond ±0.975, a ReLU at 0."""
NOTES = 32
"""Points above a panel for what is said of each network."""
OPEN = "ReLU"
"""The one whose outputs may lie beyond the end of its histogram."""
HABITS: Mapping[str, str] = {
    "": "weights drawn for each layer",
    ", drawn once": "weights drawn once for all layers",
}
"""Ending of a series' name → how the weights of its layers were drawn."""


def compute(seeds: Sequence[int]) -> Measurements:
    """Histograms of every layer, and shares and spreads by layer, for both habits of drawing."""
    rows = []
    found: dict[str, list[Array]] = {}
    for (init, start), name in itertools.product(INITS.items(), ACTIVATIONS):
        network = MLP(hidden=(WIDTH,) * LAYERS, activation=ACTIVATIONS[name][0], init=start)
        for seed in seeds:
            rows.append(Row(f"{name}, {init}", seed, {"network": describe(network), "seed": seed}))
            for habit in HABITS:
                for key, values in statistics(network, name, seed, bool(habit)).items():
                    found.setdefault(key + habit, []).append(values)
    series = {}
    layers = np.arange(1.0, LAYERS + 1)
    for key, members in found.items():
        bins = key.startswith("layer")
        axis = ("bin", np.arange(1.0, BINS + 1)) if bins else ("layer", layers)
        series[key] = MeasuredSeries(*axis, np.array(members))
    return Measurements(tuple(rows), series)


def statistics(network: MLP, activation: str, seed: int, once: bool) -> dict[str, Array]:
    """What the outputs of all layers are like; `once`: the first layer's weights serve for all."""
    _, steepest, low, high = ACTIVATIONS[activation]
    x = stream(seed, "experiment").standard_normal((SAMPLES, WIDTH))
    built = network.build(WIDTH, 1)
    bound = built.bind(*built.initialize(seed, np.float64))
    histograms, saturated, dead, spread = [], [], [], []
    for layer, p in zip(built.layers[:-1], bound[:-1], strict=True):
        if isinstance(layer, Dense):
            x, _, _ = layer.forward(bound[0] if once else p, x, EVALUATION, FRESH)
        else:
            y, cache, _ = layer.forward(p, x, EVALUATION, FRESH)
            slope = layer.backward(p, cache, np.ones_like(y), {}, FRESH)
            # The outermost bins hold what lies beyond, too.
            place = np.clip((y - low) * (BINS / (high - low)), 0, BINS - 1).astype(int)
            histograms.append(np.bincount(place.ravel(), minlength=BINS) / y.size)
            saturated.append((np.abs(slope) < FLAT * steepest).mean())
            dead.append((y == 0).all(axis=0).mean())
            spread.append(y.std())
            x = y
    shares = np.array(histograms)
    return {
        **{f"layer {at + 1}": share for at, share in enumerate(shares)},
        "saturated": np.array(saturated),
        "dead": np.array(dead),
        "spread": np.array(spread),
        "bins": bins_in_use(shares),
    }


def bins_in_use(shares: Array) -> Array:
    """exp(−Σ p ln p): 30 for an even histogram, 2 for two equal spikes, 1 for one."""
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(np.exp(-(shares * logs).sum(axis=-1)))


def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
    """The histograms of all layers for each function, and the last spread for both habits."""
    # At 100 units Xavier's scale is 0.1, and the same draws are shown once.
    shown = [init for init in INITS if init != "std=0.1"]
    with plots.themed(theme):
        drawn, axes = plots.blank(theme, 2, 2, width=11.0, height=8.4)
        for ax, (name, (_, _, low, high)) in zip(axes, ACTIVATIONS.items(), strict=False):
            networks = [_strips(measured, f"{name}, {init}", init) for init in shown]
            plots.strips(ax, networks, low, high, theme, open_end=name == OPEN)
            plots.label(ax, "layer", f"output of {name}")
            ax.set_title(name, pad=NOTES)
        arms = [f"{name}, {init}" for name in ACTIVATIONS for init in shown]
        rows = []
        for habit, words in HABITS.items():
            last = measured.series[f"spread{habit}"].values[:, -1]
            rows.append((words, np.stack([last[measured.arms[arm]] for arm in arms], axis=-1)))
        plots.dots(axes[-1], arms, rows, theme, log=True)
        spread = "standard deviation of outputs"
        plots.label(axes[-1], spread, "", f"Spread in layer {LAYERS}")
        title = "Outputs of five layers, by activation and scale of the initial weights"
        plots.title(drawn, title, theme)
        high = ACTIVATIONS[OPEN][3]
        bar = "share of outputs (a bar is as long as its root)"
        saturated = f"slope below {100 * FLAT:g} % of the steepest"
        entries = [
            plots.area_entry(bar, theme.color(0)),
            plots.area_entry(f"outputs of {OPEN} above {high * (1 - 1 / BINS):g}", theme.color(1)),
            plots.note_entry(f"53 %: so many outputs of layer {LAYERS} are saturated, {saturated}"),
            seeds_entry(measured, theme, marker="o"),
        ]
        plots.key(drawn, axes, entries, theme)
    return drawn


def _strips(measured: Measurements, arm: str, init: str) -> plots.Strips:
    """All seeds together: their histograms are those of more samples."""
    at = measured.arms[arm]
    layers = [measured.series[f"layer {layer}"].values[at] for layer in range(1, LAYERS + 1)]
    flat = np.median(measured.series["saturated"].values[at, -1])
    return plots.Strips(init, f"{100 * flat:.0f} %", np.mean(layers, axis=1))


EXPERIMENT = FunctionExperiment(
    name="activation-histograms",
    number=8,
    title="Histograms of activations",
    claim="With weights of standard deviation 1 sigmoid and tanh saturate and the outputs of ReLU "
    "explode; with 0.01 a layer gives nearly the same output for every sample. He's scale keeps "
    "the spread of ReLU over five layers, Xavier's keeps most of tanh's.",
    equations=(
        r"a_l = h(a_{l-1} W_l),\quad W_{ij} \sim N(0, \sigma^2),\quad a_0 \sim N(0, 1)",
        r"\sigma_{\mathrm{Xavier}} = \sqrt{1/n},\quad \sigma_{\mathrm{He}} = \sqrt{2/n}",
    ),
    measure=Measure(
        "number of bins in use in the last layer",
        lambda found: np.asarray(found["bins"].values[:, -1]),
        better="higher",
        comparative="more bins in use in the last layer",
    ),
    expect=(
        # All outputs at 0.5 or at 0, which is where two bins meet, or in the first bin of ReLU.
        Within("sigmoid, std=0.01", high=2.3),
        Within("tanh, std=0.01", high=2.1),
        Within("ReLU, std=0.01", high=1.1),
        # Half of them at 0, half beyond the last bin; and most of them at one end or the other.
        Within("ReLU, std=1", high=2.1),
        Within("tanh, std=1", high=5.0),
        Within("ReLU, He", low=6.0),
        Within("tanh, Xavier", low=17.0),
        Better("sigmoid, Xavier", "sigmoid, std=1"),
        Better("sigmoid, std=1", "sigmoid, std=0.01"),
        Better("ReLU, He", "ReLU, Xavier"),
        Better("ReLU, Xavier", "ReLU, std=1"),
        Better("tanh, Xavier", "tanh, std=1"),
    ),
    figure=figure,
    curves=("bins", "spread", "saturated", "dead"),
    caption="1,000 standard normal samples, 5 layers of 100 units, all seeds together. The length "
    "of each of the 30 bars is the square root of its share; outputs of ReLU beyond 3 are in its "
    "last bar. Xavier is std=0.1 here, and h is the activation. Bins in use: exp(entropy). Last "
    "panel: it hardly matters whether each layer draws weights of its own or all share one draw.",
    compute=compute,
    random=True,
)
