"""Every figure, in every theme: axes have names, runs are counted, nothing is cut."""

from __future__ import annotations

import re

import numpy as np
import pytest

from reduced import measured
from trainlab import plots
from trainlab.experiments import EXPERIMENTS


@pytest.mark.parametrize("theme", plots.THEMES)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_figures_are_drawn_and_named(name: str, theme: str) -> None:
    drawn = EXPERIMENTS[name].figure(measured(name), plots.THEMES[theme])
    drawn.draw_without_rendering()
    width, height = drawn.bbox.width, drawn.bbox.height
    for ax in drawn.axes:
        # Small panels share the names of their part of the figure.
        axis = (ax.get_xlabel(), ax.get_ylabel(), ax.figure.get_supxlabel())
        assert any(axis) or ax.patches, "an axis needs a name, the cells of a matrix none"
        assert all(text.get_fontsize() >= 10 for text in ax.texts)
        box = ax.get_tightbbox()
        assert box is not None
        # Half a pixel is rounding of the layout; titles of narrow panels may not hang over.
        assert box.x0 >= -1
        assert box.x1 <= width + 1
        assert box.y0 >= -1
        assert box.y1 <= height + 1
    assert drawn.get_facecolor()[:3] == matplotlib_rgb(plots.THEMES[theme].paper)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_figure_recoloured_is_the_one_drawn_in_the_dark_theme(name: str) -> None:
    light, dark = (EXPERIMENTS[name].figure(measured(name), t) for t in (plots.LIGHT, plots.DARK))
    for drawn in (light, dark):
        drawn.set_layout_engine("none")  # both are laid out alike: a test of colours alone
    recolored = plots.recolored(plots.svg(light))
    assert with_plain_ids(recolored) == with_plain_ids(plots.svg(dark))
    assert b"<image" not in recolored  # its colours would stay


def with_plain_ids(svg: bytes) -> bytes:
    """The SVG with its ids numbered: matplotlib makes them of colours, among others."""
    found: dict[bytes, bytes] = {}
    numbered = lambda match: found.setdefault(match[0], b"id%d" % len(found))  # noqa: E731
    return re.sub(rb"\b[mpCh][0-9a-f_]{9,}\b", numbered, svg)


def matplotlib_rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


def test_panels_of_one_scale_have_numbers_at_the_edges_and_two_abreast_on_a_phone() -> None:
    for theme, columns in (("light", 4), ("narrow", 2)):
        drawn = EXPERIMENTS["batch-norm"].figure(measured("batch-norm"), plots.THEMES[theme])
        assert drawn.get_supxlabel() == "epoch"
        (legend,) = drawn.legends
        assert [text.get_text() for text in legend.get_texts()] == ["plain", "batch norm"]
        assert legend.get_title().get_text() == "median and 95 % band of 2 seeds"
        limits = {(ax.get_xlim(), ax.get_ylim()) for ax in drawn.axes}
        assert len(drawn.axes) == 16
        assert limits == {((0.1, 12.0), (0.0, 1.05))}
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
        drawn.axes, (["train", "test"], ["test loss", "test loss − train loss"]), strict=True
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


@pytest.mark.parametrize("name", ["two-layer-network", "optimizer-comparison"])
def test_figures_of_populations_say_how_many_seeds(name: str) -> None:
    drawn = EXPERIMENTS[name].figure(measured(name), plots.LIGHT)
    heading = drawn.get_suptitle() or drawn.axes[0].get_title(loc="left")
    assert heading == "median and 95 % band of 2 seeds"
    labels = [text.get_text() for text in drawn.axes[0].get_legend().get_texts()]
    wanted = ["train", "test"] if name == "two-layer-network" else list(measured(name).arms)
    assert labels == wanted
