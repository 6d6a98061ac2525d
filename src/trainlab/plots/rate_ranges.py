"""The drawing of a learning-rate range test."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from trainlab.evidence.checks import Array
from trainlab.plots.legends import legend
from trainlab.plots.populations import DIVERGED, Curve, curves, spread
from trainlab.plots.scales import logarithmic
from trainlab.plots.themes import LIGHT, blank, label, themed

_STYLES = ("-", ":", "--")
ROOM = 1.5
"""How far above the first loss the axis goes: what a high rate does to a loss hides all else."""


def rate_range(
    rates: Array,
    losses: Array,
    smoothed: Array,
    marks: Mapping[str, float],
    ax: Axes | None = None,
) -> Axes:
    """The losses (runs, rates) over the rates: smoothed median, band of the runs, and marks."""
    with themed(LIGHT):
        ax = blank(LIGHT)[1][0] if ax is None else ax
        _, low, high = spread(losses)
        runs = len(losses)
        words = "loss, smoothed" if runs == 1 else f"median of {runs} runs, smoothed; 95 % band"
        logarithmic(ax, "x")
        present = smoothed[np.isfinite(smoothed)]
        top = ROOM * float(present[0])
        ended = DIVERGED if present[-1] <= top else ""  # no cross where nobody sees it
        curves(ax, [Curve(words, rates, smoothed, low, high, ended=ended)])
        for (name, place), style in zip(marks.items(), _STYLES, strict=False):
            ax.axvline(place, color=LIGHT.ink, ls=style, lw=1.3, label=f"{name}: {place:.2g}")
        ax.set_ylim(0, top)
        label(ax, "learning rate", "loss of a batch", "Learning-rate range test")
        legend(ax)
    return ax
