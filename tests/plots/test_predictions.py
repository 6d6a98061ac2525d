"""Drawings of what a model predicts: axes that leave room for what they show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trainlab import plots


@pytest.fixture
def ax() -> Any:
    """Axes of a light figure."""
    with plots.themed(plots.LIGHT):
        _, (axes,) = plots.blank(plots.LIGHT, width=4.6, height=4.3)
    return axes


def written(axis: Any) -> list[str]:
    """What stands at the ticks of an axis."""
    axis.figure.canvas.draw()
    return [label.get_text() for label in axis.get_ticklabels()]


def test_candidates_are_counted_in_whole_numbers(ax: Any) -> None:
    losses = np.linspace(0.4, 0.6, 18)
    plots.voters(ax, losses, np.eye(18)[0], 0.39)
    assert written(ax.xaxis)
    assert all("." not in text for text in written(ax.xaxis))


def test_residuals_far_out_do_not_squeeze_the_others(ax: Any) -> None:
    """The band of the quartiles of the far ones ends where their triangles are."""
    predicted = np.arange(100.0)
    residual = np.where(predicted < 70, predicted % 7 - 3, 1e4 * (predicted % 2 - 0.5))
    plots.residuals(ax, predicted, residual)
    low, high = ax.get_ylim()
    assert -30 < low < high < 30


def test_calibration_of_a_rare_class_fills_its_axes(ax: Any) -> None:
    p, share = np.array([0.01, 0.05, 0.2]), np.array([0.0, 0.1, 0.15])
    plots.calibrated(ax, [("", p, share)], (share * 0.5, share * 1.5))
    assert ax.get_xlim() == ax.get_ylim()
    assert 0.22 < ax.get_xlim()[1] < 0.25
    ax.clear()
    plots.calibrated(ax, [("", p, share + 0.5)], None)
    assert ax.get_xlim()[1] > 1


def test_dates_are_joined_and_some_are_written(ax: Any) -> None:
    days = [f"2024-{month:02}-01" for month in range(1, 11)]
    plots.dependence(ax, days, [("", np.arange(10.0))], (), (0, 9), ordered=True)
    assert written(ax.xaxis) == days[::3]
    (line,) = ax.lines
    assert line.get_linewidth() > 0
    ax.clear()
    plots.dependence(ax, days, [("", np.arange(10.0))], (), (0, 9))
    assert written(ax.xaxis) == days
    assert ax.lines[0].get_linewidth() == 0


@pytest.mark.parametrize("lines", [2, 6])
def test_a_legend_below_is_below_the_name_of_the_axis(lines: int) -> None:
    with plots.themed(plots.LIGHT):
        figure, (ax,) = plots.blank(plots.LIGHT, width=4.6, height=4.3)
        line = np.array([0.0, 1.0])
        plots.rates(ax, [(f"a long name {n} (0.50)", line, line) for n in range(lines)], None)
        plots.label(ax, "recall", "precision", "")
        figure.draw_without_rendering()
    name, legend = ax.xaxis.label.get_window_extent(), ax.get_legend().get_window_extent()
    assert 0.05 < (name.y0 - legend.y1) / figure.dpi < 0.15
