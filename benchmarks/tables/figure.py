"""The figure of the page: the error of one relative to that of each other, with intervals."""

from __future__ import annotations

import math
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.tables import summary
from benchmarks.tables.data import TASKS
from benchmarks.tables.results import Results
from benchmarks.tables.summary import Ratio
from trainlab import plots

THEME: Final = plots.LIGHT
TICKS: Final = (
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    1.0,
    1.1,
    1.2,
    1.5,
    2.0,
    3.0,
    5.0,
    10.0,
)
CLOSE: Final = 0.06  # of the axis: ticks nearer than this to each other are left out
MEASURES: Final = {"classification": "log loss", "regression": "RMSE"}


def ratios(results: Results, ours: str) -> Figure | None:
    """A panel for each task that was measured; None where there is nobody to compare with."""
    found = {task: summary.ratios(results, ours, task) for task in TASKS}
    panels = {task: ratio for task, ratio in found.items() if ratio}
    if not panels:
        return None
    order = [one.contestant for one in summary.standings(results) if one.contestant != ours]
    counts = {task: max(one.tables for one in ratio.values()) for task, ratio in panels.items()}
    with plots.themed(THEME):
        figure, axes = plots.blank(THEME, 1, len(panels), 10.4, 1.9 + 0.34 * len(order))
        for ax, (task, ratio) in zip(axes, panels.items(), strict=True):
            _panel(ax, [ratio[name] for name in order], THEME.color(TASKS.index(task)))
            ax.set_title(f"{task}: {MEASURES[task]}, {counts[task]} tables")
            ax.set_yticks(range(len(order)), order if ax is axes[0] else [""] * len(order))
        figure.suptitle(f"Error of {ours} ÷ error of each: left of 1, {ours} is better")
        figure.supxlabel("geometric mean over tables and its 95 % interval (logarithmic)", size=12)
    return figure


def _panel(ax: Axes, found: list[Ratio], color: str) -> None:
    ends = [v for one in found for v in (one.value, one.low, one.high) if math.isfinite(v)]
    low, high = min([0.9, *ends]) / 1.06, max([1.1, *ends]) * 1.06
    high *= (high / low) ** 0.2  # room for the numbers
    for row, one in enumerate(found):
        if not math.isfinite(one.value):
            ax.annotate("–", (1, row), ha="center", va="center")
            continue
        if math.isfinite(one.low):
            ax.plot([one.low, one.high], [row, row], color=color, lw=2.4, solid_capstyle="butt")
        ax.plot(one.value, row, "o", color=color, ms=7.5, mec=THEME.paper, mew=0.8, zorder=3)
        at = ("axes fraction", "data")
        ax.annotate(f"{one.value:.2f}", (0.985, row), xycoords=at, ha="right", va="center", size=11)
    ax.axvline(1, color=THEME.ink, lw=1.2, zorder=1)
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(len(found) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    shown = _ticks(low, high)
    ax.set_xticks(shown, [f"{tick:g}" for tick in shown])
    ax.minorticks_off()
    ax.grid(axis="y", visible=False)


def _ticks(low: float, high: float) -> list[float]:
    """Those that do not touch each other; 1 is always one of them."""
    kept = [1.0]
    for tick in sorted(TICKS, key=lambda one: abs(math.log(one))):
        apart = min(abs(math.log(tick / one)) for one in kept)
        if low <= tick <= high and apart > CLOSE * math.log(high / low):
            kept.append(tick)
    return sorted(kept)
