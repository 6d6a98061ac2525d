"""What the page's script draws: curves of arms and of single members, thinned and quantised.

A chart is plain JSON:

    name    of the experiment, which files are named after
    series  list of {name, axis, smoothed, geometric, x, scale, wide, arms}
    arms    list of {label, color, seeds, curves}
    curves  base64 of little-endian floats, half ones or, of a `wide` series, single ones;
            (3 + members, len(x)) row by row: median, low and high of the band, then each
            member; times `scale`; NaN where there is no value
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from trainlab import evidence, plots
from trainlab.evidence.bands import SMOOTHING_WINDOW
from trainlab.experiments.base import Array, MeasuredSeries, Measurements
from trainlab.pages.words import name

FULL: Final = 2.0**15
"""The greatest value of a chart is stored as this, next below the end of half floats (65,504).

So a value is off by at most 2⁻¹¹ of itself, down to 2⁻²⁹ of the greatest: three digits,
which is what the page shows, and a fifth of the bytes of the numbers in decimals.
"""
SPAN: Final = 2.0**29
"""Values farther apart than this, as of gradients that vanish, need single floats."""
STRAIGHT: Final = 1e-3
"""Relative spread of the ratios of an axis up to which its values count as geometric."""


def chart(measured: Measurements, names: Sequence[str], title: str = "") -> dict[str, Any] | None:
    """The chart of the series named, as far as they were measured; None if none was."""
    drawn = [
        _series(each, measured.series[each], measured)
        for each in names
        if each in measured.series and len(measured.series[each].axis_values) > 1
    ]
    return {"name": name(title) or "chart", "series": drawn} if drawn else None


def _series(label: str, found: MeasuredSeries, measured: Measurements) -> dict[str, Any]:
    smoothed = label.endswith("loss") and _per_step(found)
    finite = np.where(np.isfinite(found.values), found.values, np.nan)
    values = evidence.smooth(finite) if smoothed else finite
    kept = thinned(len(found.axis_values))
    x = found.axis_values
    greatest = float(np.max(np.abs(values), initial=0.0, where=~np.isnan(values)))
    least = np.min(np.abs(values), initial=np.inf, where=np.nan_to_num(values) != 0)
    wide = bool(greatest > SPAN * least)
    scale = greatest / FULL or 1.0
    arms = []
    for index, (arm, rows) in enumerate(measured.arms.items()):
        runs = values[rows][:, kept]
        center, low, high = plots.spread(runs)
        absent = np.full_like(center, np.nan)
        band = [center, absent if low is None else low, absent if high is None else high]
        seeds = [measured.members[row].seed for row in rows]
        curves = packed(np.concatenate([band, runs]) / scale, wide)
        arms.append({"label": name(arm), "color": index, "seeds": seeds, "curves": curves})
    return {
        "name": name(label.replace("_", " ")),
        "axis": name(found.axis),
        "smoothed": smoothed,
        "geometric": _geometric(x),
        "x": [float(f"{value:.6g}") for value in x[kept]],
        "scale": scale,
        "wide": wide,
        "arms": arms,
    }


def thinned(points: int) -> Any:
    """Indices of at most DRAWN_POINTS points, evenly, the first and the last among them."""
    return np.linspace(0, points - 1, min(points, plots.DRAWN_POINTS)).round().astype(np.intp)


def packed(values: Array, wide: bool) -> str:
    """The values as base64 of little-endian floats."""
    return base64.b64encode(values.astype("<f4" if wide else "<f2").tobytes()).decode("ascii")


def _per_step(found: MeasuredSeries) -> bool:
    """Whether there is a value of each step's batch: noise, which figures smooth."""
    x = found.axis_values
    return found.axis == "step" and len(x) > SMOOTHING_WINDOW and bool(np.all(np.diff(x) == 1))


def _geometric(x: Array) -> bool:
    """Whether each value of the axis is the same multiple of the one before."""
    if len(x) < 3 or not np.all(x > 0):
        return False
    steps = np.diff(np.log(x))
    return bool(steps.min() > 0 and np.ptp(steps) <= STRAIGHT * steps.max())
