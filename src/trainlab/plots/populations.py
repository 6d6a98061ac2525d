"""Drawings of populations: curves with bands, the runs of each arm, a training history."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from trainlab import evidence
from trainlab.errors import SettingError, sentence
from trainlab.evidence.checks import Array
from trainlab.plots.legends import BAND, Entry, band_entry, overlaid
from trainlab.plots.legends import legend as draw_legend
from trainlab.plots.scales import is_wide, logarithmic
from trainlab.plots.themes import LIGHT, Theme, blank, label, literal, themed

UNITS: Final = ("step", "epoch")
"""Of the time that a history has."""

STYLES: Final = ("-", "--", ":", "-.")
"""Of the lines of the first series on axes, the second and so on."""

DIVERGED: Final = "every run has diverged by here"
STOPPED: Final = "every run has stopped by here"
END_MARKERS: Final = {DIVERGED: "x", STOPPED: "|"}
"""Where a curve ends before the others: what is said of it, and its marker."""

EDGE: Final = 0.025
"""Of the width, on both sides of curves: half a marker of a panel two inches wide."""

DRAWN_POINTS: Final = 300
"""A curve of a figure 590 points wide shows little more; thinning keeps an SVG small."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """One arm of a figure: a line, its band, and a note on members that diverged.

    ended  what a line that ends early says of it: one of END_MARKERS; "": nothing
    """

    label: str
    x: Array
    center: Array
    low: Array | None = None
    high: Array | None = None
    note: str = ""
    color: int | None = None
    style: str = "-"
    ended: str = DIVERGED


def curves(
    ax: Axes,
    arms: Sequence[Curve],
    theme: Theme = LIGHT,
    mark_every: float | None = None,
) -> None:
    """Lines with bands, one colour and marker per arm; a marker each `mark_every` of x.

    Beyond the palette the colours come again, with other markers, which then are on every line.
    """
    if not arms:
        raise SettingError(sentence("arms", "curves", "hold at least one Curve", arms))
    for index, arm in enumerate(arms):
        place = index if arm.color is None else arm.color
        every = mark_every
        if every is None and place >= len(theme.palette):
            every = float(np.ptp(arm.x)) / 8 or None
        _curve(ax, arm, theme.color(place), theme.marker(place), every)
    # Also where every run has ended, and there is no line.
    ax.update_datalim([(end, 0.0) for arm in arms for end in arm.x[[0, -1]]], updatey=False)
    ax.margins(x=EDGE)
    ax.autoscale(axis="x")


def _curve(ax: Axes, arm: Curve, ink: str, marker: str, mark_every: float | None) -> None:
    kept = _thinned(len(arm.x), mark_every, arm.x)
    x, y = arm.x[kept], arm.center[kept]
    marks = np.arange(len(x)) if mark_every is None else _marks(x, mark_every)
    ax.plot(
        x,
        y,
        color=ink,
        lw=1.8,
        ls=arm.style,
        marker=marker if len(marks) <= 40 else None,
        markevery=marks.tolist() if len(marks) <= 40 else None,
        ms=5.5,
        mew=0.6,
        mec=ax.get_facecolor(),
        label=literal(f"{arm.label} ({arm.note})" if arm.note else arm.label),
    )
    if arm.low is not None and arm.high is not None:
        ax.fill_between(x, arm.low[kept], arm.high[kept], color=ink, alpha=BAND, lw=0)
    last = np.flatnonzero(np.isfinite(y))
    if arm.ended and last.size and last[-1] < len(y) - 1:  # the curve ends early
        style: Any = {"color": ink, "ms": 10, "mew": 2.4, "clip_on": False, "label": arm.ended}
        style["in_layout"] = False  # a limit of y that is set later may leave it far outside
        ax.plot(x[last[-1]], y[last[-1]], END_MARKERS[arm.ended], **style)


def _thinned(points: int, mark_every: float | None, x: Array) -> npt.NDArray[np.intp]:
    """Indices of the points to draw: every one, or evenly DRAWN_POINTS, marks and end kept."""
    stride = math.ceil(points / DRAWN_POINTS)
    kept = set(range(0, points, stride)) | {points - 1}
    if mark_every is not None:
        kept |= set(_marks(x, mark_every).tolist())
    return np.array(sorted(kept), dtype=np.intp)


def _marks(x: Array, every: float) -> npt.NDArray[np.intp]:
    """Indices of the points nearest to the multiples of `every`."""
    wanted = np.arange(math.ceil(x[0] / every) * every, x[-1] + every / 2, every)
    return np.unique(np.abs(x[None, :] - wanted[:, None]).argmin(axis=1))


def intervals(
    ax: Axes, labels: Sequence[str], rows: Sequence[Array], axis: str, theme: Theme = LIGHT
) -> None:
    """One line per arm: every run as a dot, the median as a bar; best on top.

    Values that span more than four decades are on a logarithmic axis.
    """
    if is_wide(*rows):
        logarithmic(ax, "x")
    for index, values in enumerate(rows):
        present = values[np.isfinite(values)]
        place = len(labels) - 1 - index
        spread = np.linspace(-0.22, 0.22, len(present)) if len(present) > 1 else np.zeros(1)
        ax.plot(present, place + spread[: len(present)], "o", color=theme.color(index), ms=4.5)
        if len(present):
            ax.plot([np.median(present)] * 2, [place - 0.36, place + 0.36], color=theme.ink, lw=2)
        lost = len(values) - len(present)
        if lost:
            text = f"{lost} of {len(values)} not finite"
            ax.annotate(text, (0.99, place), xycoords=("axes fraction", "data"), ha="right")
    ax.set_yticks(range(len(labels)), [literal(name) for name in reversed(labels)])
    ax.set_ylim(-0.6, len(labels) - 0.4)
    ax.set_xlabel(axis)
    ax.grid(axis="y", visible=False)


def dots(
    ax: Axes,
    labels: Sequence[str],
    arms: Sequence[tuple[str, Array]],
    theme: Theme = LIGHT,
    log: bool = False,
) -> None:
    """A line per label, the first on top: for each arm (runs, labels) the median and 95 % band.

    `band_entry` with a marker explains the bars.  On a log axis 0 has a place of its own, left of
    the decades.
    """
    place = np.arange(len(labels))[::-1]
    aside = np.linspace(0.24, -0.24, len(arms)) if len(arms) > 1 else np.zeros(1)
    for index, (name, values) in enumerate(arms):
        center, low, high = spread(values)
        ink, marker = theme.color(index), theme.marker(index)
        if low is not None and high is not None:
            ax.hlines(place + aside[index], low, high, color=ink, lw=2.2, alpha=0.45)
        ax.plot(center, place + aside[index], marker, color=ink, ms=6, mew=0, label=literal(name))
    if log:
        _log_with_zero(ax, np.concatenate([values.ravel() for _, values in arms]))
    ax.set_yticks(place, [literal(name) for name in labels])
    ax.set_ylim(-0.6, len(labels) - 0.4)


def _log_with_zero(ax: Axes, values: Array) -> None:
    """A log axis of x with at most some six decades named, and 0 if there is one."""
    positive = values[np.isfinite(values) & (values > 0)]
    first, last = 0, 1
    if positive.size:
        first = math.floor(math.log10(positive.min()))
        last = math.ceil(math.log10(positive.max()))
    decades = range(first, last + 1, math.ceil((last - first + 1) / 6))
    ticks = [10.0**decade for decade in decades]
    if (values == 0).any():
        logarithmic(ax, "x", linthresh=10.0**first, linscale=2.5)
        ax.set_xticks([0.0, *ticks])
        ax.set_xlim(-0.3 * 10.0**first, 10.0**last * 2)
    else:
        logarithmic(ax, "x")
        if last - first > 2:
            ax.set_xticks(ticks)


class _HistoryLike(Protocol):
    """What `history` needs of a training history."""

    @property
    def series(self) -> Mapping[str, Any]: ...
    @property
    def status(self) -> Sequence[Any]: ...
    @property
    def steps_per_epoch(self) -> int | None: ...
    def arms(self, by: str) -> Mapping[str, npt.NDArray[np.intp]]: ...


def history(
    past: _HistoryLike,
    name: str,
    by: str,
    ax: Axes | None = None,
    smooth: int | None = None,
    legend: bool = True,
) -> Axes:
    """A series of a training history: the median of each arm and its 95 % band over the seeds.

    On axes with curves of another series, or whose x others share, x is in the unit that it has
    there; SettingError where the history does not say how many steps an epoch has.  Each series has
    a style of line.
    On axes of its own, values that span more than four decades are on a logarithmic axis.

    legend  False: none, where that of the figure tells the same arms
    """
    series, words = past.series[name], name.replace("_", " ")
    values = series.values if smooth is None else evidence.smooth(series.values, smooth)
    with themed(LIGHT):
        is_own = ax is None
        ax = blank(LIGHT)[1][0] if ax is None else ax
        over = overlaid(ax)
        there = sum(len(one.get_legend_handles_labels()[1]) for one in over)
        unit = _unit(ax) or series.axis
        x = _in_unit(unit, series.axis, series.axis_values, past.steps_per_epoch)
        shown = {one: _metrics(one) for one in over}
        before = [metric for own in shown.values() for metric in own]
        named = "" if set(before) <= {words} else f", {words}"
        if named and len(before) == 1:
            for line in (line for one in over for line in one.get_lines()):
                if not str(line.get_label()).startswith("_"):
                    line.set_label(f"{line.get_label()}, {before[0]}")
        style = STYLES[list(dict.fromkeys([*before, words])).index(words) % len(STYLES)]
        arms = []
        for color, (text, rows) in enumerate(past.arms(by).items(), start=there):
            center, low, high = spread(values[rows])  # other members end early, too
            kinds = [past.status[row].kind for row in rows]
            lost = kinds.count("diverged")
            note = f"{lost} of {len(rows)} diverged" if lost else ""
            ended = _ended(set(kinds))
            arms.append(Curve(text + named, x, center, low, high, note, color, style, ended))
        bands = any(arm.low is not None for arm in arms) or any(one.collections for one in over)
        if is_own and is_wide(*(part for arm in arms for part in (arm.center, arm.low, arm.high))):
            logarithmic(ax, "y")
        curves(ax, arms)
        label(ax, unit, ", ".join(dict.fromkeys([*shown[ax], words])))
        if legend:
            draw_legend(ax, [runs_entry()] if bands else [])
    return ax


def _metrics(ax: Axes) -> list[str]:
    """What the curves of axes show, as its axis of y names it."""
    has_curves = bool(ax.get_legend_handles_labels()[1])
    return list(filter(None, ax.get_ylabel().split(", "))) if has_curves else []


def _unit(ax: Axes) -> str:
    """Of the axis of x, which other axes may share, where there are curves; "": none yet."""
    sharing = ax.get_shared_x_axes().get_siblings(ax)
    units = [one.get_xlabel() for one in sharing if one.get_legend_handles_labels()[1]]
    return next((unit for unit in units if unit in UNITS), "")


def runs_entry() -> Entry:
    """What the line and the band of an arm of several runs are, on light ground."""
    return band_entry("median and 95 % band of the runs", LIGHT)


def _ended(kinds: set[str]) -> str:
    """Why the curve of members that ended so has no values from some point on; "": no reason."""
    if kinds == {"diverged"}:
        return DIVERGED
    return STOPPED if kinds <= {"diverged", "stopped early", "interrupted"} else ""


def _in_unit(unit: str, axis: str, values: Array, steps_per_epoch: int | None) -> Array:
    """Positions on the axis "step" or "epoch", in one of these units."""
    if unit == axis:
        return values
    if steps_per_epoch is None:
        must, remedy = f"be {unit!r}, as on the axes that are given", "axes of its own, ax=None"
        raise SettingError(sentence("axis", "history.plot", must, axis, remedy))
    return values / steps_per_epoch if unit == "epoch" else values * steps_per_epoch


def spread(values: Array) -> tuple[Array, Array | None, Array | None]:
    """Median, low and high of (members, n); one member has no band."""
    if len(values) == 1:
        return values[0], None, None
    over = evidence.band(values)
    return over.center, over.low, over.high
