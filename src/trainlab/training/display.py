"""A history as a notebook shows it: its losses as a figure, and a small table of how it ended.

`history` is a History, whose file imports this one.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np

from trainlab import notebook
from trainlab.members import varied
from trainlab.pages.words import counted, number

_SMOOTH: Final = 11
"""Width of the moving average of losses that are many."""
_CURVES: Final = 10
"""Arms in the figure."""
_ROWS: Final = 20
"""Arms in the table."""


def history_html(history: Any) -> str:
    """The figure and the table."""
    names = varied(history.members)
    by = names[0] if names else "optimizer"
    shown = [name for name in _shown(history) if np.isfinite(history[name]).any()]
    return f"{_figure(history, by, shown[:2])}{_table(history, by, shown, names[1:])}"


def _shown(history: Any) -> list[str]:
    """The loss of training, and the series of the split that tells most: validation, else test."""
    for split in ("validation", "test", "train"):
        found = [name for name in history.series if name.startswith(f"{split}_")]
        if found:
            return list(dict.fromkeys(["train_loss", *found]))
    return []


def _figure(history: Any, by: str, names: list[str]) -> str:
    """Panels of series as a picture; nothing where there are none yet, or too many arms to tell."""
    from trainlab import plots  # matplotlib is slow to import, and only figures need it
    from trainlab.pages.markup import uri

    if not names or len(history.arms(by)) > _CURVES:
        return ""
    with plots.themed(plots.LIGHT):
        width = 4.8 * len(names)
        drawn, axes = plots.blank(plots.LIGHT, 1, len(names), width=width, height=3.4)
        for ax, name in zip(axes, names, strict=True):
            many = history[name].shape[1] >= 5 * _SMOOTH
            plots.history(history, name, by, ax=ax, smooth=_SMOOTH if many else None)
        first, *others = filter(None, (ax.get_legend() for ax in axes))
        first.set_title(by.replace("_", " "))
        for legend in others:
            legend.remove()  # the first panel tells the same arms
    words = " and ".join(name.replace("_", " ") for name in names)
    source = uri(plots.svg(drawn))
    return f'<img style="width: 100%; max-width: {width * 5:.0f}em" alt="{words}" src="{source}">'


def _table(history: Any, by: str, names: list[str], others: list[str]) -> str:
    arms = history.arms(by)
    rows = []
    for arm, members in list(arms.items())[:_ROWS]:
        ended = Counter(history.status[row].kind for row in members)
        how = ", ".join(f"{count} {kind}" for kind, count in ended.items())
        rows.append((arm, *(_last(history[name][members]) for name in names), how))
    headings = [by.replace("_", " "), *(name.replace("_", " ") for name in names), "members"]
    seconds = f"{history.seconds:.3g} s"
    title = ", ".join([counted(len(history.members), "member"), seconds, history.engine])
    below = "Last values, medians of the members." if len(history.members) > 1 else "Last values."
    if others:
        below += f" Members of an arm differ in {', '.join(others)}."
    if len(arms) > _ROWS:
        below += f" Of {len(arms)} arms, the first {_ROWS}."
    return notebook.table(headings, rows, title, below)


def _last(values: np.ndarray) -> str:
    """The median over members (K, n) of the last value of each."""
    there = np.isfinite(values)
    last = [row[where][-1] for row, where in zip(values, there, strict=True) if where.any()]
    return number(float(np.median(last))) if last else "–"
