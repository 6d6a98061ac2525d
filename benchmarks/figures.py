"""The figures of the benchmarks, drawn from the results alone, in trainlab's own style."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import printing, results
from benchmarks.lineup import AVX2, FIRST, LIMIT, LINEUP, NETWORKS, NUMPY, OURS
from benchmarks.results import Document
from benchmarks.workloads import SIZE_SWEEP, WIDTH_SWEEP
from trainlab import plots

THEME: Final = plots.LIGHT


@dataclasses.dataclass(frozen=True)
class Style:
    """How an entrant is drawn: a colour for each family, a dash and a marker for each of it."""

    color: str
    dash: str = "-"
    marker: str | None = "o"
    width: float = 1.8


STYLES: Final = {
    OURS: Style("#0072B2", width=3.0),
    AVX2: Style("#0072B2", ":"),
    NUMPY: Style("#0072B2", "--"),
    FIRST: Style("#7A7A7A", "--"),
    "book's loop": Style("#D55E00", marker="s"),
    "lean loop": Style("#D55E00", "--", "s"),
    "scikit-learn": Style("#CC79A7", marker="^"),
    "scikit-learn, as installed": Style("#CC79A7", "--", "^"),
    "PyTorch, one by one": Style("#C98A00", "--", "D"),
    "PyTorch, stacked": Style("#C98A00", marker="D"),
    "PyTorch, compiled": Style("#C98A00", ":", "D"),
    "JAX, vmap and scan": Style("#009E73", marker="v"),
    LIMIT: Style("#666666", ":", None, 2.2),
}


def relative(document: Document) -> Figure:
    """Time relative to trainlab's, a panel per workload, bars that start at 1."""
    works = [name for name in NETWORKS if results.ratios(document, name)]
    with plots.themed(THEME):
        figure, axes = plots.blank(THEME, 1, len(works), 10.4, 4.6)
        entered = [
            e.name
            for e in LINEUP
            if e.name != OURS and any(e.name in results.ratios(document, w) for w in works)
        ]
        found = [r for w in works for n, r in results.ratios(document, w).items() if n in entered]
        low, high = min([0.3, *found]) / 1.6, max([10.0, *found]) * 4.0
        for ax, work in zip(axes, works, strict=True):
            _bars(ax, results.ratios(document, work), entered, low, high)
            ax.set_title(work)
            if ax is not axes[0]:
                ax.set_yticklabels([])
        figure.supxlabel(
            "time ÷ time of trainlab (logarithmic); left of the line is quicker", size=12
        )
    return figure


def _bars(ax: Axes, ratios: dict[str, float], entered: list[str], low: float, high: float) -> None:
    for row, name in enumerate(entered):
        if name not in ratios:
            ax.annotate(printing.MISSING, (1, row), ha="center", va="center")
            continue
        value = ratios[name]
        ax.barh(row, value - 1, left=1, height=0.62, color=STYLES[name].color)
        beyond = max(value, 1.0) * 1.15
        ax.annotate(printing.ratio(value), (beyond, row), va="center", size=10.5)
    ax.axvline(1, color=THEME.ink, lw=1.2)
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(len(entered) - 0.4, -0.6)
    ax.set_yticks(range(len(entered)), entered)
    ax.tick_params(axis="y", length=0)
    ticks = [tick for tick in (0.1, 1, 10, 100) if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.grid(axis="y", visible=False)


def _sweep(document: Document, names: tuple[str, ...], x: str) -> Figure:
    with plots.themed(THEME):
        figure, (ax,) = plots.blank(THEME, 1, 1, 8.6, 4.8)
        curves = []
        for entrant in LINEUP:
            points = [
                (int(point.partition("-")[2]), value)
                for point in names
                if (value := printing.per_step(document, point, entrant.name)) is not None
            ]
            if points:
                curves.append((points[-1][1], entrant.name, points))
        for _, name, points in sorted(curves, reverse=True):  # the legend in the order of the ends
            style = STYLES[name]
            ax.plot(
                *zip(*points, strict=True),
                style.dash,
                color=style.color,
                marker=style.marker,
                lw=style.width,
                ms=6,
                mec=THEME.paper,
                mew=0.7,
                label=name,
                zorder=3 if name == OURS else 2,
            )
        ax.set_xscale("log")
        ax.set_yscale("log")
        ticks = [int(point.partition("-")[2]) for point in names]
        ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        ax.minorticks_off()
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        plots.label(ax, x, "µs of one step of one network")
        figure.legend(loc="outside right center", frameon=False)
    return figure


def sizes(document: Document) -> Figure:
    """Time of a step of one network by the number of networks."""
    return _sweep(document, SIZE_SWEEP, "networks trained together (64-32-10, batch 32)")


def widths(document: Document) -> Figure:
    """Time of a step of one network by the width of its layers."""
    return _sweep(document, WIDTH_SWEEP, "width w of 8 networks 784-w-w-10, batch 100")


def drawn(document: Document) -> dict[str, Callable[[Document], Figure]]:
    """Name → figure, of those for which there are results."""
    found: dict[str, Callable[[Document], Figure]] = {}
    if any(results.ratios(document, name) for name in NETWORKS):
        found["relative"] = relative
    sweeps = {"sizes": (SIZE_SWEEP, sizes), "widths": (WIDTH_SWEEP, widths)}
    for name, (points, draw) in sweeps.items():
        if sum(bool(results.all_times(document, point)) for point in points) > 1:
            found |= {name: draw}
    return found


def write(document: Document, folder: Path, prefix: str) -> list[Path]:
    """Writes every figure there is something for as SVG, and returns the files."""
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in drawn(document).items():
        path = folder / f"{prefix}-{name}.svg"
        path.write_bytes(plots.svg(draw(document)))
        written.append(path)
    return written
