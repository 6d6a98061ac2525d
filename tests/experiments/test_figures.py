"""Every figure, in every theme: axes have names, runs are counted, nothing is cut."""

from __future__ import annotations

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
        assert any(axis) or ax.images, "an axis needs a name"
        assert all(text.get_fontsize() >= 10 for text in ax.texts)
        box = ax.get_tightbbox()
        assert box is not None
        # Half a pixel is rounding of the layout; titles of narrow panels may not hang over.
        assert box.x0 >= -1
        assert box.x1 <= width + 1
        assert box.y0 >= -1
        assert box.y1 <= height + 1
    assert drawn.get_facecolor()[:3] == matplotlib_rgb(plots.THEMES[theme].paper)


def matplotlib_rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


@pytest.mark.parametrize("name", ["two-layer-network", "optimizer-comparison"])
def test_figures_of_populations_say_how_many_seeds(name: str) -> None:
    drawn = EXPERIMENTS[name].figure(measured(name), plots.LIGHT)
    heading = drawn.get_suptitle() or drawn.axes[0].get_title(loc="left")
    assert heading == "median and 95 % band of 2 seeds"
    labels = [text.get_text() for text in drawn.axes[0].get_legend().get_texts()]
    wanted = ["train", "test"] if name == "two-layer-network" else list(measured(name).arms)
    assert labels == wanted
