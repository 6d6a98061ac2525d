"""A history as a notebook shows it: its losses as a figure, and a small table of how it ended.

Order: one that has ended, one that still grows.  `history` is a History, whose file imports this
one.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from trainlab import notebook
from trainlab.members import varied
from trainlab.pages.words import number
from trainlab.terminal import counted

_SMOOTH: Final = 11
"""Width of the moving average of losses that are many."""
_CURVES: Final = 10
"""Arms in the figure."""
_ROWS: Final = 20
"""Arms in the table."""
_CHANGES: Final = 5
"""The last changes that are told."""
_POINTS: Final = 120
"""Of a curve that still grows."""
_WIDTH: Final = 560
_HEIGHT: Final = 180
_EDGE: Final = 40
_LEGEND: Final = 140
"""Of the drawing that still grows: its size, its margin and the room for names, in pixels."""
_LETTERS: Final = 18
"""Of such a name."""


def history_html(history: Any) -> str:
    """The figure and the table."""
    return _html(history, _figure)


def _html(history: Any, draw: Callable[[Any, str, list[str]], str], state: str = "") -> str:
    """What `draw` makes of the history, the setting that tells arms apart, and series; a table."""
    names = varied(history.members)
    by = names[0] if names else "optimizer"
    shown = [name for name in _shown(history) if np.isfinite(history[name]).any()]
    return f"{draw(history, by, shown)}{_table(history, by, shown, names[1:], state)}"


def _shown(history: Any) -> list[str]:
    """The loss of training, and the series of the split that tells most: validation, else test."""
    for split in ("validation", "test", "train"):
        found = [name for name in history.series if name.startswith(f"{split}_")]
        if found:
            return list(dict.fromkeys(["train_loss", *found]))
    return []


def _figure(history: Any, by: str, shown: list[str]) -> str:
    """Two series as a picture; nothing where there are none yet, or too many arms to tell."""
    from trainlab import plots  # matplotlib is slow to import, and only figures need it
    from trainlab.pages.markup import uri

    names = shown[:2]
    if not names or len(history.arms(by)) > _CURVES:
        return ""
    with plots.themed(plots.LIGHT):
        width = 4.8 * len(names)
        drawn, axes = plots.blank(plots.LIGHT, 1, len(names), width=width, height=3.4)
        for ax, name in zip(axes, names, strict=True):
            many = history[name].shape[1] >= 5 * _SMOOTH
            smooth = _SMOOTH if many else None
            plots.history(history, name, by, ax=ax, smooth=smooth, legend=False)
            if plots.is_wide(history[name]):
                plots.logarithmic(ax, "y")
        several = any(len(rows) > 1 for rows in history.arms(by).values())
        plots.key(drawn, axes, [plots.runs_entry()] if several else [])
    words = " and ".join(name.replace("_", " ") for name in names)
    source = uri(plots.svg(drawn))
    return f'<img style="width: 100%; max-width: {width * 5:.0f}em" alt="{words}" src="{source}">'


def _table(history: Any, by: str, names: list[str], others: list[str], state: str) -> str:
    arms = history.arms(by)
    rows = []
    for name, members in list(arms.items())[:_ROWS]:
        arm = name.removeprefix(f"{by.replace('_', ' ')} ")  # which is the heading
        ended = Counter(history.status[row].kind for row in members)
        how = ", ".join(f"{count} {kind}" for kind, count in ended.items())
        rows.append((arm, *(_last(history[name][members]) for name in names), how))
    headings = [by.replace("_", " "), *(name.replace("_", " ") for name in names), "members"]
    seconds = f"{history.seconds:.3g} s"
    parts = [state, counted(len(history.members), "member"), seconds, history.engine]
    title = ", ".join(filter(None, parts))
    below = "Last values, medians of the members." if len(history.members) > 1 else "Last values."
    if others:
        below += f" Members of an arm differ in {', '.join(others)}."
    if history.changes:
        said = "; ".join(map(str, history.changes[-_CHANGES:]))
        below += f" Changed: {said}."
    if len(arms) > _ROWS:
        below += f" Of {len(arms)} arms, the first {_ROWS}."
    return notebook.table(headings, rows, title, below)


def _last(values: np.ndarray) -> str:
    """The median over members (K, n) of the last value of each."""
    there = np.isfinite(values)
    last = [row[where][-1] for row, where in zip(values, there, strict=True) if where.any()]
    return number(float(np.median(last))) if last else "–"


# --- one that still grows ------------------------------------------------------------------


def running_html(history: Any, state: str) -> str:
    """The same of a training that goes on: quick enough to be drawn again and again."""
    return _html(history, _growing, state)


def _growing(history: Any, by: str, shown: list[str]) -> str:
    """The median training loss of each arm, a point for each of some stretches of steps.

    It is drawn without matplotlib, which takes longer, and whose settings are those of all threads.
    """
    from trainlab.pages.markup import uri
    from trainlab.plots.themes import LIGHT

    values, arms = history["train_loss"], history.arms(by)
    if "train_loss" not in shown or len(arms) > _CURVES:
        return ""
    done = int(np.flatnonzero(np.isfinite(values).any(axis=0))[-1]) + 1
    ends = np.unique(np.linspace(0, done, _POINTS + 1).astype(int))
    curves = [_stretches(values[rows, :done], ends) for rows in arms.values()]
    highest = max(float(one[np.isfinite(one)].max(initial=0.0)) for one in curves) or 1.0
    right, low = _WIDTH - _LEGEND, _HEIGHT - _EDGE
    grey = 'fill="#808080" font-size="11" font-family="sans-serif"'
    parts = [
        f'<path d="M{_EDGE} 10V{low}H{right}" stroke="#808080" fill="none"/>',
        f'<text {grey} x="{_EDGE - 4}" y="16" text-anchor="end">{number(highest)}</text>',
        f'<text {grey} x="{_EDGE - 4}" y="{low}" text-anchor="end">0</text>',
        f'<text {grey} x="{right}" y="{low + 16}" text-anchor="end">step {done:,}</text>',
    ]
    for place, (arm, curve) in enumerate(zip(arms, curves, strict=True)):
        there, color = np.isfinite(curve), LIGHT.color(place)
        x = _EDGE + ends[1:][there] / done * (right - _EDGE)
        y = low - curve[there] / highest * (low - 10)
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        text = notebook.escaped(arm if len(arm) <= _LETTERS else f"{arm[: _LETTERS - 1]}…")
        at = f'x="{right + 8}" y="{20 + 15 * place}"'
        parts.append(f"<text {grey.replace('#808080', color)} {at}>{text}</text>")
    size = f'width="{_WIDTH}" height="{_HEIGHT}"'
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'
    words = f"train loss so far, {by.replace('_', ' ')}"
    return f'<img alt="{words}" src="{uri(drawn.encode("utf-8"))}">'


def _stretches(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The median over members (K, n) of the means of stretches; NaN where none has a value."""
    found = np.full(len(ends) - 1, np.nan)
    for place, (first, end) in enumerate(itertools.pairwise(ends)):
        own = values[:, first:end].astype(np.float64)
        own = own[np.isfinite(own).all(axis=1)].mean(axis=1)
        if own.size:
            found[place] = np.median(own)
    return found
