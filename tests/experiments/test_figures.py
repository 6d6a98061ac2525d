"""Every figure, in every theme: axes have names, runs are counted, nothing is cut."""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.contour import QuadContourSet
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.quiver import Quiver

from reduced import measured
from trainlab import plots
from trainlab.experiments import EXPERIMENTS, Measure, Measurements, mean_of_last, summary
from trainlab.experiments.base import MeasuredSeries, Row
from trainlab.experiments.figures import TEST, TRAIN
from trainlab.pages import markup
from trainlab.plots.populations import DIVERGED

LARGEST = 150_000
"""Bytes of a figure in a page; two times nineteen are to fit into 3 MB, and most have 50,000."""
AT_THE_END = "Loss at the end of training"
BAND = "median of 2 seeds, and the band of 95 % of them"


@pytest.mark.parametrize("theme", ["light", "narrow"])
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_figures_are_named_and_nothing_is_cut(name: str, theme: str) -> None:
    drawn = EXPERIMENTS[name].figure(measured(name), plots.THEMES[theme])
    drawn.draw_without_rendering()
    width, height = drawn.bbox.width, drawn.bbox.height
    for ax in drawn.axes:
        # Small panels share the names of their part of the figure.
        axis = (ax.get_xlabel(), ax.get_ylabel(), ax.figure.get_supxlabel())
        assert any(axis) or ax.patches, "an axis needs a name, the cells of a matrix none"
        assert all(text.get_fontsize() >= 10 for text in ax.texts)
        within(ax.get_tightbbox(), width, height)
        if sum(one.get_label() != "<colorbar>" for one in drawn.axes) == 1:
            continue
        if ax.get_label() != "<colorbar>":
            assert ax.get_title(loc="left"), "each of several panels has a title"
    # The title says what is shown, not only how; nothing lies on it, and nothing on the legend.
    title = drawn.get_suptitle()
    assert len(title) > 15
    assert "median" not in title
    boxes = [ax.get_tightbbox() for ax in drawn.axes]
    over = drawn._suptitle.get_window_extent()
    within(over, width, height)
    for part in drawn.subfigs:
        for text in (part._suptitle, part._supxlabel, part._supylabel):
            if text is not None:
                within(text.get_window_extent(), width, height)
    assert over.y0 >= max(box.y1 for box in boxes) - 1
    for legend in drawn.legends:
        below = legend.get_window_extent()
        within(below, width, height)
        assert below.y1 <= min(box.y0 for box in boxes) + 1


def within(box: Any, width: float, height: float) -> None:
    """Half a pixel is rounding of the layout; titles of narrow panels may not hang over."""
    assert box.x0 >= -1
    assert box.x1 <= width + 1
    assert box.y0 >= -1
    assert box.y1 <= height + 1


@pytest.mark.parametrize("theme", ["light", "narrow"])
def test_long_names_of_many_arms_are_legible(theme: str) -> None:
    """Those of a changed experiment; they were written over each other, and cut on a phone."""
    arms = ["an arm of which much can be said", "a_name_of_one_word_that_does_not_end_there"]
    arms += [f"SGD, lr 0.0001, dropout 0.25, norm {index}" for index in range(14)]
    values = np.random.default_rng(0).uniform(1, 2, (16, 3))
    series = {"train_loss": MeasuredSeries("step", np.arange(3.0), values)}
    found = Measurements(tuple(Row(arm, 0, {}) for arm in arms), series)
    drawn = summary(Measure("loss", mean_of_last("train_loss", 1)))(found, plots.THEMES[theme])
    drawn.draw_without_rendering()
    names = [text.get_window_extent() for text in drawn.axes[1].get_yticklabels()]
    assert all(below.y1 < above.y0 for below, above in itertools.pairwise(names))
    for ax in drawn.axes:
        within(ax.get_tightbbox(), drawn.bbox.width, drawn.bbox.height)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_everything_that_is_drawn_is_in_a_legend(name: str) -> None:
    drawn = EXPERIMENTS[name].figure(measured(name), plots.LIGHT)
    own = [legend for ax in drawn.axes if (legend := ax.get_legend())]
    told = {look for legend in (*drawn.legends, *own) for look in looks(legend.findobj(), legend)}
    ink = matplotlib_rgb(plots.LIGHT.ink)
    for ax in drawn.axes:
        if ax.get_label() == "<colorbar>":
            assert ax.get_ylabel()
            continue
        for kind, color in looks([*ax.lines, *ax.collections, *ax.patches], ax):
            assert {(kind, color), (kind, ink)} & told, f"{kind} of {color} in {told}"


def looks(artists: Any, owner: Any) -> set[tuple[str, tuple[float, ...]]]:
    """What there is to explain: (style of a line, marker or area, its colour)."""
    found, frames = set(), (owner.patch if isinstance(owner, Axes) else owner.legendPatch,)
    for one in artists:
        if isinstance(one, Line2D):
            color = to_rgb(one.get_color())
            if color == matplotlib_rgb(plots.LIGHT.faint) or not len(one.get_xdata()):
                continue  # an axis
            if one.get_linestyle() not in ("None", ""):
                found.add((f"line {one.get_linestyle()}", color))
            if one.get_marker() == "|":
                found.add(("line -", color))  # upright
            elif one.get_marker() not in ("None", "", None):
                found.add((f"marker {one.get_marker()}", color))
        elif isinstance(one, Quiver):
            found.add(("marker $→$", matplotlib_rgb(plots.LIGHT.ink)))
        elif isinstance(one, QuadContourSet):
            found.add(("line -", matplotlib_rgb(plots.LIGHT.ink)))
        elif isinstance(one, LineCollection):
            found.add(("area", to_rgb(one.get_color()[0])))
        elif isinstance(one, PathCollection):
            found.add(("points", (0.0, 0.0, 0.0)))  # coloured by a value
        elif isinstance(one, (PolyCollection, Patch)) and one not in frames:
            faces = np.atleast_2d(one.get_facecolor())
            visible = faces if faces.size and faces[0][3] else np.atleast_2d(one.get_edgecolor())
            found.add(("area", tuple(visible[0][:3])))
    return found


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_adaptive_figure_is_in_the_dark_the_one_of_the_dark_theme(name: str) -> None:
    light, dark = (EXPERIMENTS[name].figure(measured(name), t) for t in (plots.LIGHT, plots.DARK))
    for drawn in (light, dark):
        drawn.set_layout_engine("none")  # both are laid out alike: a test of colours alone
    adaptive = plots.adaptive(plots.svg(light))
    seen = re.sub(
        rb"var\(--c(\d+)\)", lambda found: plots.DARK.colors[int(found[1])].encode(), adaptive
    )
    assert re.sub(rb"<style>:root.*?</style>", b"", seen) == plots.svg(dark)
    assert b"<image" not in adaptive  # its colours would stay
    assert len(markup.uri(adaptive)) < LARGEST


def matplotlib_rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


def test_panels_of_one_scale_have_numbers_at_the_edges_and_two_abreast_on_a_phone() -> None:
    for theme, columns in (("light", 4), ("narrow", 2)):
        drawn = EXPERIMENTS["batch-norm"].figure(measured("batch-norm"), plots.THEMES[theme])
        assert drawn.axes[0].figure.get_supxlabel() == "epoch"
        (legend,) = drawn.legends
        assert [" ".join(text.get_text().split()) for text in legend.get_texts()] == [
            "plain",
            DIVERGED,
            "batch norm",
            BAND,
        ]
        ends = {ax.get_xlim() for ax in drawn.axes}
        assert len(drawn.axes) == 16
        assert len(ends) == 1
        assert all(low < 0.1 < 12 < high for low, high in ends)
        assert {ax.get_ylim() for ax in drawn.axes} == {(0.0, 1.05)}
        named = [bool(ax.yaxis.get_tick_params()["labelleft"]) for ax in drawn.axes]
        assert named == [index % columns == 0 for index in range(16)]


def test_members_that_diverged_are_named_in_their_panel_and_end_in_a_cross() -> None:
    drawn = EXPERIMENTS["batch-norm"].figure(measured("batch-norm"), plots.LIGHT)
    notes = [text.get_text() for ax in drawn.axes for text in ax.texts if text.get_text()]
    assert notes == ["plain:\n2 of 2 diverged"]
    plain, cross, batch_norm = drawn.axes[0].get_lines()
    assert np.isfinite(plain.get_ydata()).sum() == 1
    assert (cross.get_marker(), len(batch_norm.get_xdata())) == ("x", 13)


def test_a_ladder_has_a_point_for_each_arm_and_a_place_for_none() -> None:
    drawn = EXPERIMENTS["weight-decay-ladder"].figure(measured("weight-decay-ladder"), plots.LIGHT)
    rates = [0.0, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0]
    for ax, labels in zip(
        drawn.axes, ([TRAIN, TEST], ["test loss", "test loss − train loss"]), strict=True
    ):
        assert [line.get_label() for line in ax.get_lines()] == labels
        assert all(list(line.get_xdata()) == rates for line in ax.get_lines())
        assert ax.get_xscale() == "symlog"
        assert ax.get_xlim()[0] < 0 < 1 < ax.get_xlim()[1]


def test_over_fitting_is_drawn_by_epochs_of_three_steps() -> None:
    drawn = EXPERIMENTS["dropout"].figure(measured("dropout"), plots.LIGHT)
    titles = [ax.get_title(loc="left") for ax in drawn.axes]
    assert titles == ["dropout 0", "dropout 0.15", "dropout 0.2", "test loss − train loss"]
    found = measured("dropout").series["test_loss"]
    gap = found.values - measured("dropout").series["train_evaluation_loss"].values
    line = drawn.axes[3].get_lines()[0]
    np.testing.assert_array_equal(line.get_xdata(), found.axis_values / 3)
    np.testing.assert_array_equal(line.get_ydata(), np.median(gap[:2], axis=0))


@pytest.mark.parametrize("theme", ["light", "narrow"])
@pytest.mark.parametrize("name", ["dropout", "weight-decay", "weight-decay-ladder"])
def test_a_gap_below_zero_is_not_cut_off(name: str, theme: str) -> None:
    """Axes began at 0, whatever the curves did."""
    usual = measured(name)
    test = usual.series["test_loss"]
    higher = dataclasses.replace(test, values=test.values + 0.3)
    series = {**usual.series, "train_evaluation_loss": higher}
    for found, is_below in ((usual, False), (dataclasses.replace(usual, series=series), True)):
        for ax in EXPERIMENTS[name].figure(found, plots.THEMES[theme]).axes:
            has_gap = ax.get_title("left") in ("test loss − train loss", AT_THE_END)
            assert ax.get_ylim()[0] <= ax.dataLim.y0
            assert (ax.get_ylim()[0] < -0.3) == (is_below and has_gap)


@pytest.mark.parametrize("name", ["two-layer-network", "optimizer-comparison"])
def test_figures_of_populations_say_how_many_seeds(name: str) -> None:
    drawn = EXPERIMENTS[name].figure(measured(name), plots.LIGHT)
    (legend,) = drawn.legends
    labels = [text.get_text() for text in legend.get_texts()]
    arms = [TRAIN, TEST] if name == "two-layer-network" else list(measured(name).arms)
    assert labels == [*arms, BAND]


def test_one_seed_shows_no_ranking() -> None:
    drawn = EXPERIMENTS["optimizer-comparison"].figure(
        measured("optimizer-comparison", 1), plots.LIGHT
    )
    assert drawn.legends[0].get_texts()[-1].get_text() == "one seed: shows no ranking"


def test_curves_that_lie_on_each_other_have_a_logarithmic_axis() -> None:
    drawn = EXPERIMENTS["optimizer-comparison"].figure(
        measured("optimizer-comparison"), plots.LIGHT
    )
    assert drawn.axes[0].get_yscale() == "log"
