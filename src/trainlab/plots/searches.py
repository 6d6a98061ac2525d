"""Drawings of a search of settings: predictions against truth, candidates.

Names come from users' files: none of them is read as mathematics.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from trainlab.evidence.checks import Array
from trainlab.plots.themes import LIGHT, MARKERS, color_bar, ramp

POINTS: Final = 1_500
"""Points of a cloud: more would make the file large, and show no more."""
DECADES: Final = 2.0
"""Beyond so many the axis of rates names powers of ten alone."""
BELOW: Final = 3.0
"""Candidates so many times as far from the best as the lower quartile are on the lower edge."""


def evenly(points: int, most: int = POINTS) -> npt.NDArray[np.intp]:
    """Places of points to draw: all, or at most so many at even distances."""
    return np.linspace(0, points - 1, min(points, most)).round().astype(np.intp)


def agreement(ax: Axes, truth: Array, predicted: Array) -> None:
    """Predictions over what is true, with the line where they are equal."""
    kept = evenly(len(truth))
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    ax.plot(ends, ends, color=LIGHT.ink, lw=1.0, ls="--")
    style: Any = {"alpha": 0.6, "edgecolors": "none", "s": 24}
    ax.scatter(truth[kept], predicted[kept], color=LIGHT.color(0), **style)


def tried(
    ax: Axes,
    rate: Array,
    score: Array,
    penalty: Array,
    rounds: npt.NDArray[Any],
    box: tuple[float, float] | None,
    bar: str,
    less_is_better: bool = False,
) -> None:
    """The score of each candidate over its rate, coloured by its penalty; the first is the best.

    Markers tell the rounds apart; `box` shades the rates that the last of them drew from.
    Scores far worse than the others are triangles on the edge; a failed candidate has none.
    """
    ax.set_xscale("log")
    wide = math.log10(rate.max() / rate.min()) > DECADES
    ax.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 3)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    there, sign = np.isfinite(score), -1 if less_is_better else 1
    good = sign * score
    best = float(good[there].max())
    floor = max(float(good[there].min()), best - BELOW * (best - np.quantile(good[there], 0.25)))
    far = "^" if less_is_better else "v"
    if box is not None:
        ax.axvspan(*box, color=LIGHT.color(2), alpha=0.16, lw=0, label="rates of the last round")
    colors: Any = {"cmap": ramp(LIGHT), "norm": LogNorm(penalty.min(), penalty.max())}
    drawn: Any = None
    for number in np.unique(rounds):
        for inside, marker in ((True, MARKERS[int(number - 1) % len(MARKERS)]), (False, far)):
            own = there & (rounds == number) & ((good >= floor) == inside)
            name = f"round {number}" if inside and len(np.unique(rounds)) > 1 else None
            if own.any():
                drawn = ax.scatter(
                    rate[own],
                    sign * np.maximum(good[own], floor),
                    c=penalty[own],
                    marker=marker,
                    s=38,
                    edgecolors=LIGHT.ink,
                    linewidths=0.4,
                    zorder=3,
                    label=name,
                    **colors,
                )
    first = int(np.flatnonzero(there)[0])
    ring: Any = {"s": 150, "facecolors": "none", "edgecolors": LIGHT.color(1), "linewidths": 1.8}
    ax.scatter(rate[[first]], score[[first]], zorder=4, label="the best", **ring)
    color_bar(drawn, ax, bar, pad=0.02)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, columnspacing=1.0)


def voters(ax: Axes, losses: Array, weights: Array, loss: float) -> None:
    """The loss of each candidate alone, the best first, beside that of the ensemble.

    The area of a dot is the weight of a candidate; those without any are small and faint.
    Losses far above the others are triangles on the upper edge.
    """
    place = np.arange(1, len(losses) + 1)
    best = float(losses.min())
    top = min(float(losses.max()), best + BELOW * float(np.quantile(losses, 0.75) - best))
    drawn, votes = np.minimum(losses, top), weights > 0
    for far, marker in ((False, "o"), (True, "^")):
        own = ~votes & ((losses > top) == far)
        style: Any = {"marker": marker, "s": 16, "edgecolors": "none"}
        if own.any():
            name = None if far else "has no vote"
            ax.scatter(place[own], drawn[own], color=LIGHT.color(6), label=name, **style)
    sizes = 30 + 600 * weights[votes]
    style = {"edgecolors": LIGHT.paper, "linewidths": 0.8, "zorder": 3}
    ax.scatter(place[votes], drawn[votes], s=sizes, color=LIGHT.color(0), label="votes", **style)
    ax.axhline(loss, color=LIGHT.color(1), ls="--", lw=1.6, label="the ensemble")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    below: Any = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14)}
    ax.legend(**below, ncols=3, columnspacing=1.0, markerscale=0.7)
