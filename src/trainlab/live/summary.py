"""What was done in a session as one HTML file that needs nothing else.

`summarize` copies what there is to say between two steps; `render` draws it, which takes a second,
while the session trains on.

Letters: K seeds of an arm, n points.
"""

from __future__ import annotations

import base64
import dataclasses
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trainlab.evidence import Comparison
from trainlab.live.about import compared, describe
from trainlab.live.curves import SERIES
from trainlab.live.interventions import Intervention
from trainlab.live.looks import Surface, frame_of, surfaces
from trainlab.live.script import source_of
from trainlab.live.session import LiveSession
from trainlab.network.workspace import Array
from trainlab.pages.words import visible
from trainlab.versions import environment

if TYPE_CHECKING:
    from trainlab.plots import Curve, Figure, Theme

WORDS: Final = ("Training loss", "Training accuracy", "Validation loss", "Validation accuracy")
LEVEL: Final = 0.95
LARGEST: Final = 10.0
"""Of a loss on the axis: one arm that explodes does not flatten the others."""
ACTS: Final = {
    "change": "{entry.arm}: {fields}",
    "stop": "{entry.arm} stopped",
    "clone": "{entry.arm} cloned as {entry.name}",
    "mark": "a mark",
}


@dataclasses.dataclass(frozen=True)
class ArmSummary:
    """An arm in words, and its curves (series, K, n)."""

    name: str
    title: str
    network: str
    optimizer: str
    state: str
    diverged: int
    values: Array
    surface: Surface | None


@dataclasses.dataclass(frozen=True)
class SessionSummary:
    """What the report says of a session; `tests` is how often somebody had asked for a test."""

    about: Mapping[str, Any]
    arms: Sequence[ArmSummary]
    steps: Sequence[int]
    step: int
    log: Sequence[Intervention]
    compared: Sequence[Comparison]
    tests: int
    sha256: str
    frame: Mapping[str, Any] | None


def summarize(session: LiveSession) -> SessionSummary:
    """Copies of what the report says."""
    about, frame = describe(session, None), frame_of(session)
    seen = {} if frame is None or not session.running else surfaces(session, frame)
    arms = []
    for said in about["arms"]:
        name, member = said["name"], session.arms[said["name"]]
        ended = "stopped" if said["stopped"] else "ended"
        arms.append(
            ArmSummary(
                name,
                said["title"],
                source_of(member.network),
                source_of(member.optimizer),
                "training" if said["trains"] else ended,
                said["diverged"],
                session.curves.values(name).copy(),
                seen.get(name),
            )
        )
    return SessionSummary(
        about,
        arms,
        list(session.curves.steps),
        session.step,
        list(session.log),
        compared(session),
        session.tests,
        session.digest(),
        frame,
    )


def render(found: SessionSummary) -> bytes:
    """The page; names from outside are clipped, made visible and escaped."""
    from trainlab.pages import markup  # jinja and matplotlib, which pages alone need

    is_regression = found.about["task"] == "regression"
    shown = [place for place, name in enumerate(SERIES) if not is_regression or "loss" in name]
    text = markup.render(
        "trainlab.live",
        "session.html",
        found=found,
        shown=shown,
        words=WORDS,
        last=last,
        said=said,
        curves=_curves(found, shown),
        decisions=_decisions(found),
        environment=environment(engine=found.about["engine"]),
    )
    return text.encode("utf-8")


def said(entry: Intervention) -> str:
    """An entry of the log in words."""
    fields = ", ".join(f"{name} = {value:g}" for name, value in entry.fields.items())
    return ACTS[entry.action].format(entry=entry, fields=fields)


def bounds(values: Array) -> tuple[Array, Array, Array]:
    """Low end, median and high end (n,) of those seeds (K, n) that have a value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a point where no seed has one
        low, middle, high = np.nanquantile(
            values.astype(float), [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2], axis=0
        )
    return low, middle, high


def last(arm: ArmSummary, place: int) -> tuple[float, float, float] | None:
    """The same of the last evaluation of an arm; None before the first."""
    there = np.flatnonzero(~np.isnan(arm.values[place]).all(axis=0))
    if not there.size:
        return None
    low, middle, high = bounds(arm.values[place][:, there[-1:]])
    return float(low[0]), float(middle[0]), float(high[0])


def _curves(found: SessionSummary, shown: Sequence[int]) -> dict[str, str] | None:
    """Shape → the curves as a picture; None where there are none yet."""
    from trainlab import plots
    from trainlab.pages.markup import uri

    if len(found.steps) < 2:
        return None
    drawn = {shape: _panels(found, shown, plots.THEMES[shape]) for shape in ("light", "narrow")}
    return {
        shape: uri(plots.adaptive(plots.svg(figure), plots.THEMES[shape]))
        for shape, figure in drawn.items()
    }


def _panels(found: SessionSummary, shown: Sequence[int], theme: Theme) -> Figure:
    """A panel for each series."""
    from trainlab import plots

    rows, is_above = len(shown) // 2, False
    with plots.themed(theme):
        drawn, axes = plots.blank(theme, rows, 2, width=10.4, height=3.7 * rows)
        for ax, place in zip(axes, shown, strict=True):
            curves = [
                curve
                for index, arm in enumerate(found.arms)
                if (curve := _curve(found, index, arm, place)) is not None
            ]
            if curves:
                plots.curves(ax, curves, theme)
            if ax.get_ylim()[1] > LARGEST:
                ax.set_ylim(0, LARGEST)
                for curve in curves:
                    assert curve.color is not None
                    at, ink = leaving(curve.x, curve.center), theme.color(curve.color)
                    if at.size:  # an empty one would be everywhere for the layout
                        ax.plot(at, np.full(at.shape, LARGEST), "^", color=ink, ms=8, clip_on=False)
                        is_above = True
            plots.label(ax, "step", WORDS[place])
        words = f"a median goes above {LARGEST:g}"
        above = [plots.marker_entry(words, "^", theme, ms=8)] if is_above else []
        plots.key(drawn, axes, above, theme)
    return drawn


def leaving(steps: Array, middle: Array) -> Array:
    """Where a line goes above the largest loss of the axis, between two of its points."""
    above = middle > LARGEST
    last = np.flatnonzero(above & ~np.append(False, above[:-1]))
    first = np.maximum(last - 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # of what begins above, or was not there
        share = (LARGEST - middle[first]) / (middle[last] - middle[first])
    share = np.where((first < last) & np.isfinite(share), share, 1)
    return np.asarray(steps[first] + share * (steps[last] - steps[first]))


def _curve(found: SessionSummary, index: int, arm: ArmSummary, place: int) -> Curve | None:
    """An arm in a panel; None before its first evaluation.

    One that was stopped ends there.  Where all have diverged, missing values say so.
    """
    from trainlab import plots

    low, middle, high = bounds(arm.values[place])
    there, seeds = np.flatnonzero(~np.isnan(middle)), len(found.about["seeds"])
    if not there.size:
        return None
    kept = slice(len(middle) if arm.diverged == seeds else there[-1] + 1)
    look: dict[str, Any] = {"color": index, "style": "--" if index >= 7 else "-"}
    if arm.diverged:
        look["note"] = f"{arm.diverged} of {seeds} diverged"
    if seeds > 1:
        look |= {"low": low[kept], "high": high[kept]}
    return plots.Curve(arm.title, np.array(found.steps, float)[kept], middle[kept], **look)


def _decisions(found: SessionSummary) -> str | None:
    """What the arms decide on the plane, as a picture; None where there is none."""
    from trainlab import plots

    seen = [(index, arm) for index, arm in enumerate(found.arms) if arm.surface is not None]
    if found.frame is None or not seen:
        return None
    sides = np.array([[213, 94, 0], [0, 114, 178]]) / 255
    low, high = found.frame["low"], found.frame["high"]
    columns = min(4, len(seen))
    rows = -(-len(seen) // columns)
    with plots.themed(plots.LIGHT):
        width = 2.6 * columns
        drawn, axes = plots.blank(plots.LIGHT, rows, columns, width=width, height=2.8 * rows)
        for ax, (index, arm) in zip(axes, seen, strict=False):
            assert arm.surface is not None
            side = found.frame["side"]
            mean, apart = (each.reshape(side, side, 1) for each in arm.surface)
            strength = np.abs(2 * mean - 1) * (1 - 0.6 * apart) * 0.85 + 0.06
            picture = 1 + strength * (np.where(mean > 0.5, sides[1], sides[0]) - 1)
            ax.imshow(picture, extent=(low, high, low, high), interpolation="bilinear")
            points = np.frombuffer(base64.b64decode(found.frame["x"]), "<f4").reshape(-1, 2)
            colors = sides[np.array(found.frame["t"])]
            across, up = points.T
            ax.scatter(across, up, s=5, c=colors, edgecolors="white", linewidths=0.3)
            words = textwrap.wrap(f"{index + 1}  {visible(arm.title, 80)}", 28)
            ax.set_title(plots.literal("\n".join(words)), fontsize=10)
        for ax in axes:
            ax.set_axis_off()
    return "data:image/png;base64," + base64.b64encode(plots.png(drawn, 110)).decode("ascii")
