"""Drawings of distributions: histograms side by side, layer by layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from trainlab.evidence.checks import Array
from trainlab.plots.themes import LIGHT, Theme


@dataclasses.dataclass(frozen=True)
class Strips:
    """One network: shares (layers, bins) of its outputs, and a note."""

    label: str
    note: str
    shares: Array


def strips(
    ax: Axes,
    networks: Sequence[Strips],
    low: float,
    high: float,
    theme: Theme = LIGHT,
    open_end: bool = False,
) -> None:
    """Upright histograms on [low, high], one for each layer, a group for each network.

    `open_end`: the last bin holds what lies beyond `high`, too, and has a colour of its own.

    The width of a bin is the square root of its share over that of the fullest: otherwise
    half of a ReLU's outputs, which are 0, would make all others invisible.
    """
    layers, bins = networks[0].shares.shape
    edges = np.linspace(low, high, bins + 1)
    starts = np.arange(len(networks)) * (layers + 0.9)
    for start, network in zip(starts, networks, strict=True):
        for layer, shares in enumerate(network.shares):
            left = start + layer
            width = 0.88 * np.sqrt(shares / shares.max())
            ax.plot([left, left], [low, high], color=theme.faint, lw=0.8)
            right = left + np.append(width, width[-1])
            ax.fill_betweenx(edges, left, right, step="post", color=theme.color(0), lw=0)
            if open_end:
                ax.fill_betweenx(edges[-2:], left, right[-2:], color=theme.color(1), lw=0)
        above = (start + layers / 2, 1.02)
        words = f"{network.label}\n{network.note}" if network.note else network.label
        place = ax.get_xaxis_transform()
        ax.text(*above, words, transform=place, ha="center", va="bottom", fontsize=10.5)
    ticks = (starts[:, np.newaxis] + np.arange(layers) + 0.44).ravel()
    ax.set_xticks(ticks, [str(layer + 1) for layer in range(layers)] * len(networks))
    ax.tick_params(axis="x", length=0)
    ax.grid(axis="x", visible=False)
    ax.set_xlim(-0.5, starts[-1] + layers + 0.3)
    margin = 0.02 * (high - low)
    ax.set_ylim(low - margin, high + margin)
