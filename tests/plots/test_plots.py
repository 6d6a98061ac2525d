"""Figures: deterministic, without pyplot, and honest about members that diverged."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.cbook import is_math_text
from matplotlib.text import Text

from trainlab import plots
from trainlab.errors import SettingError
from trainlab.plots import populations
from trainlab.plots.scales import Powers

SOURCE = Path(plots.__file__).parents[1]
ARMS = ("SGD", "Adam")


def example(theme: plots.Theme = plots.LIGHT) -> plots.Figure:
    x = np.arange(1000.0)
    with plots.themed(theme):
        figure, (ax,) = plots.blank(theme)
        plots.curves(ax, [plots.Curve("a", x, np.sin(x), x - 1, x + 1)], theme, mark_every=100)
        plots.label(ax, "step", "loss", "title")
    return figure


def test_a_notebook_shows_a_figure() -> None:
    show: Any = getattr(example(), "_repr_png_", None)
    assert show().startswith(b"\x89PNG")


def test_nothing_imports_pyplot() -> None:
    code = "import sys, trainlab.plots; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_plots_imports_matplotlib() -> None:
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).parts[0] == "plots":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found = [name for name in names if name.split(".")[0] == "matplotlib"]
            # For type checkers alone: annotations of figures.
            assert not found or path.name in ("history.py", "rates.py"), f"{path} imports {found}"


def test_svg_is_the_same_each_time_and_bears_no_date() -> None:
    first, second = plots.svg(example()), plots.svg(example())
    assert first == second
    assert b"dc:date" not in first
    assert plots.svg(example(plots.DARK)) != first


def test_colours_of_a_theme_are_told_apart_and_have_their_like_in_the_other() -> None:
    light, dark = plots.LIGHT.colors, plots.DARK.colors
    assert len(set(light)) == len(set(dark)) == len(light) == len(dark)
    assert light[:3] == (plots.LIGHT.paper, plots.LIGHT.ink, plots.LIGHT.faint)


@pytest.mark.parametrize("space", [b"", b" "])
def test_an_adaptive_svg_has_the_colours_of_both_themes(space: bytes) -> None:
    """Also one of an earlier version, whose styles have a space after the colon."""
    drawn = plots.svg(example()).replace(b":#", b":" + space + b"#")
    both = plots.adaptive(drawn)
    style, _, rest = both.partition(b"</style>")
    for place, (light, dark) in enumerate(zip(plots.LIGHT.colors, plots.DARK.colors, strict=True)):
        used = b"var(--c%d)" % place in rest
        assert (b"--c%d:%s;" % (place, light.encode()) in style) == used
        assert (b"--c%d:%s;" % (place, dark.encode()) in style) == used
        assert not used or light.encode() not in rest
    assert b"var(--c0)" in rest
    strange = b'<a style="fill: #123456" href="#ffffff"/>'  # no colour of a theme, and no colour
    assert plots.adaptive(strange) == strange


def test_an_svg_is_small() -> None:
    drawn = plots.svg(example())
    assert len(drawn) < 20_000
    numbers = re.findall(rb"\.(\d+)", b"".join(re.findall(rb" d='([^']*)'", drawn)))
    assert numbers
    assert {len(digits) for digits in numbers} == {1}


def test_png_is_one() -> None:
    assert plots.png(example(), dpi=40).startswith(b"\x89PNG\r\n")


def test_themes_leave_no_settings_behind() -> None:
    import matplotlib

    before = matplotlib.rcParams.copy()
    example(plots.DARK)
    assert matplotlib.rcParams == before


NO_FORMULAS = ("$5 or $6", r"$\frac$", r"a\$b", "$x^2$")


@pytest.mark.parametrize("name", NO_FORMULAS)
def test_names_of_arms_are_no_formulas(name: str) -> None:
    """What stands between two dollars was set as one, or ended the drawing with an error."""
    with plots.themed(plots.LIGHT):
        figure, (ax,) = plots.blank(plots.LIGHT)
        x = np.arange(9.0)
        plots.curves(ax, [plots.Curve(name, x, x), plots.Curve("b", x, x + 1)])
        plots.intervals(ax, [name, "b"], [np.array([1.0, np.nan]), x], "loss")
        plots.key(figure, [ax])
    drawn = {as_shown(text) for text in figure.findobj(Text)}
    assert name in drawn
    assert [as_shown(text) for text in figure.legends[0].get_texts()] == [name, "b"]
    assert plots.svg(figure)


def as_shown(text: Text) -> str:
    """What is drawn; "" of a formula."""
    words = text.get_text()
    return "" if is_math_text(words) else words.replace(r"\$", "$")


def test_formulas_of_own_figures_are_formulas() -> None:
    with plots.themed(plots.LIGHT):
        figure, (ax,) = plots.blank(plots.LIGHT)
        ax.set_title("$x^2$")
        ax.semilogx([1e-3, 1.0], [0.0, 1.0])
        figure.draw_without_rendering()
    assert ax.title.get_parse_math()
    assert all(tick.label1.get_parse_math() for tick in ax.xaxis.get_major_ticks())


def test_narrow_figures_stack_their_panels() -> None:
    wide, axes = plots.blank(plots.LIGHT, 1, 2, width=9, height=4)
    narrow, stacked = plots.blank(plots.THEMES["narrow"], 1, 2, width=9, height=4)
    assert len(axes) == len(stacked) == 2
    assert narrow.get_size_inches()[0] == plots.NARROW < wide.get_size_inches()[0]
    assert narrow.get_size_inches()[1] > plots.NARROW


def test_thinning_keeps_the_ends_and_the_marks() -> None:
    x = np.arange(10_000.0)
    kept = populations._thinned(len(x), 100.0, x)
    assert kept[0] == 0
    assert kept[-1] == 9_999
    assert set(range(0, 10_000, 100)) <= set(kept.tolist())
    assert len(kept) <= plots.DRAWN_POINTS + 101


def test_arms_are_told_apart_by_colour_and_marker() -> None:
    x = np.arange(20.0)
    _, (ax,) = plots.blank(plots.LIGHT)
    plots.curves(ax, [plots.Curve(name, x, x) for name in "abcdefg"])
    assert len({line.get_color() for line in ax.lines}) == 7
    assert len({line.get_marker() for line in ax.lines}) == 7


def test_a_curve_that_ends_early_ends_in_a_cross() -> None:
    x, y = np.arange(20.0), np.arange(20.0)
    y[12:] = np.nan
    _, (ax,) = plots.blank(plots.LIGHT)
    plots.curves(ax, [plots.Curve("SGD", x, y, note="3 of 3 diverged")])
    plots.legend(ax)
    cross = ax.lines[-1]
    assert cross.get_marker() == "x"
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (11, 11)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["SGD (3 of 3 diverged)", populations.DIVERGED]


def test_a_cross_far_outside_takes_no_room_from_the_legend() -> None:
    x, y = np.arange(20.0), 10.0 ** np.arange(20)
    y[12:] = np.nan
    figure, ax = plt.subplots()
    plots.curves(ax, [plots.Curve("SGD", x, y)])
    plots.legend(ax)
    ax.set_ylim(0, 4)
    figure.savefig(io.BytesIO())  # where there is no room, Matplotlib warns, an error in tests
    plt.close(figure)
    assert ax.get_legend().get_window_extent().y0 >= 0


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (["diverged", "diverged"], "x"),
        (["stopped early", "stopped early"], "|"),
        (["stopped early", "diverged"], "|"),
        (["interrupted", "interrupted"], "|"),
        (["running", "stopped early"], None),
    ],
)
def test_a_curve_ends_early_for_the_reason_that_its_members_have(
    ends: list[str], said: str | None
) -> None:
    values = np.ones((2, 30))
    values[:, 20:] = np.nan
    series = SimpleNamespace(axis="epoch", axis_values=np.arange(30.0), values=values)
    past = SimpleNamespace(
        series={"test_loss": series},
        status=[SimpleNamespace(kind=kind) for kind in ends],
        arms=lambda by: {"SGD": np.array([0, 1])},
        steps_per_epoch=None,
    )
    ax = plots.history(past, "test_loss", "optimizer")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    told = [text for text in labels if text.startswith("every run")]
    assert told == [words for words, marker in populations.END_MARKERS.items() if marker == said]
    assert [line.get_marker() for line in ax.lines[1:]] == [said] * len(told)


def test_no_curves_is_an_error() -> None:
    with pytest.raises(SettingError, match="arms of curves"):
        plots.curves(plots.blank(plots.LIGHT)[1][0], [])


def test_a_history_is_drawn_by_arm() -> None:
    values = np.random.default_rng(0).standard_normal((6, 30))
    values[1, 20:] = values[4, 20:] = np.nan  # one was stopped early, one diverged
    ends = ["finished", "stopped early", "finished", "finished", "diverged", "finished"]
    series = SimpleNamespace(axis="step", axis_values=np.arange(30.0), values=values)
    arms = {"SGD": np.array([0, 1, 2]), "Adam": np.array([3, 4, 5])}
    past = SimpleNamespace(
        series={"train_loss": series},
        status=[SimpleNamespace(kind=kind) for kind in ends],
        arms=lambda by: arms,
        steps_per_epoch=None,
    )
    ax = plots.history(past, "train_loss", by="optimizer", smooth=11)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["SGD", "Adam (1 of 3 diverged)", "median and 95 % band of the runs"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "train loss")
    assert plots.history(past, "train_loss", "optimizer", ax=ax) is ax


def long_history(names: int) -> Any:
    """A history with so many arms of three runs each, in all parts of the axes."""
    values = np.random.default_rng(0).uniform(0, 1, (3 * names, 3))
    return SimpleNamespace(
        series={
            name: SimpleNamespace(axis="epoch", axis_values=np.arange(3.0), values=values)
            for name in ("test_loss", "test_accuracy")
        },
        status=[SimpleNamespace(kind="finished")] * len(values),
        arms=lambda by: {f"Momentum(0.{n})": np.arange(3) + 3 * n for n in range(names)},
        steps_per_epoch=20,
    )


def covers_nothing(ax: Any, numbered: Any = None) -> None:
    """The legend is whole, and below all that belongs to the axes, or to its twin with numbers."""
    ax.figure.figure.draw_without_rendering()
    box, whole = ax.get_legend().get_window_extent(), ax.figure.bbox
    assert box.y1 <= (numbered or ax).xaxis.get_tightbbox().y0 + 1
    assert whole.x0 - 1 <= box.x0
    assert box.x1 <= whole.x1 + 1
    assert whole.y0 - 1 <= box.y0
    assert ax.bbox.height > 60


@pytest.mark.parametrize("names", [1, 5])
def test_the_legend_of_a_history_covers_nothing(names: int) -> None:
    past = long_history(names)
    ax = plots.history(past, "test_loss", "optimizer")
    covers_nothing(ax)
    height = ax.bbox.height
    plots.history(past, "test_accuracy", "optimizer", ax=ax)
    covers_nothing(ax)
    assert ax.bbox.height == pytest.approx(height, abs=12)  # the figure grows, not the legend in it


@pytest.mark.parametrize("layout", [None, "tight", "constrained", "tight_layout()"])
def test_the_legend_covers_nothing_in_a_figure_of_the_user(layout: str | None) -> None:
    figure = plots.Figure(figsize=(9.5, 4), layout=None if layout == "tight_layout()" else layout)
    for ax in figure.subplots(1, 2):
        plots.history(long_history(4), "test_loss", "optimizer", ax=ax)
        ax.set_title("title")
    if layout == "tight_layout()":
        figure.tight_layout()
    for ax in figure.axes:
        covers_nothing(ax)


def test_axes_that_the_user_has_placed_stay_there() -> None:
    figure = plots.Figure()
    ax = figure.add_axes((0.1, 0.5, 0.8, 0.4))
    plots.history(long_history(2), "test_loss", "optimizer", ax=ax)
    assert figure.get_layout_engine() is None
    assert ax.get_position().bounds == pytest.approx((0.1, 0.5, 0.8, 0.4))
    covers_nothing(ax)


@pytest.mark.parametrize("name", ["epoch", "step (updates)"])
@pytest.mark.parametrize("x", [[0, 1, 2], [1], [0, 1, 2, 3, 4]])
def test_what_is_counted_has_whole_ticks(name: str, x: list[float]) -> None:
    _, (ax,) = plots.blank(plots.LIGHT)
    plots.curves(ax, [plots.Curve("a", np.array(x), np.array(x))])
    plots.label(ax, name, "loss")
    low, high = ax.get_xlim()
    assert [tick for tick in ax.get_xticks() if low <= tick <= high] == x


def test_within_an_epoch_ticks_are_parts_of_it() -> None:
    _, (ax,) = plots.blank(plots.LIGHT)
    plots.curves(ax, [plots.Curve("a", np.array([0, 0.47]), np.zeros(2))])
    plots.label(ax, "epoch", "loss")
    assert len([tick for tick in ax.get_xticks() if 0 <= tick <= 0.47]) > 2


@pytest.mark.parametrize("first", ["train_loss", "validation_loss"])
def test_two_series_on_one_axes_have_one_unit(first: str) -> None:
    epochs, steps = np.arange(4.0), np.arange(60)
    series = {
        "train_loss": SimpleNamespace(axis="step", axis_values=steps, values=np.ones((2, 60))),
        "validation_loss": SimpleNamespace(
            axis="epoch", axis_values=epochs, values=np.ones((2, 4))
        ),
    }
    past = SimpleNamespace(
        series=series,
        status=[SimpleNamespace(kind="finished")] * 2,
        arms=lambda by: dict(zip(ARMS, np.array([[0], [1]]), strict=True)),
        steps_per_epoch=20,
    )
    second = next(name for name in series if name != first)
    ax = plots.history(past, first, "optimizer")
    axis = ax.get_xlabel()
    assert plots.history(past, second, "optimizer", ax=ax) is ax
    assert ax.get_xlabel() == axis == series[first].axis
    low, high = (0, 60) if axis == "step" else (0, 3)
    assert -0.05 * high < ax.get_xlim()[0] < low
    assert high < ax.get_xlim()[1] < 1.05 * high
    ends = {line.get_label(): line.get_xdata()[-1] for line in ax.lines}
    words = {name: name.replace("_", " ") for name in series}
    last = {"train_loss": 59, "validation_loss": 60}
    unit = 1 if axis == "step" else 20
    assert ends == {
        f"{arm}, {words[name]}": last[name] / unit for name in (first, second) for arm in ARMS
    }
    styles = {line.get_label(): line.get_linestyle() for line in ax.lines}
    assert {styles[f"{arm}, {words[first]}"] for arm in ARMS} == {"-"}
    assert {styles[f"{arm}, {words[second]}"] for arm in ARMS} == {"--"}
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == list(ends)  # one run each: no band
    assert ax.get_ylabel() == f"{words[first]}, {words[second]}"
    assert len({line.get_color() for line in ax.lines}) == 4
    past.steps_per_epoch = None
    with pytest.raises(
        SettingError, match=f"axis of history.plot must be '{axis}', as on the axes"
    ):
        plots.history(past, second, "optimizer", ax=ax)
    plots.history(past, first, "optimizer", ax=ax)  # once more: it has that unit
    assert ax.get_ylabel() == f"{words[first]}, {words[second]}"


@pytest.mark.parametrize("shares", ["twinx", "sharex"])
def test_axes_that_share_their_x_have_one_unit(shares: str) -> None:
    """On a twin, whose x is not shown, epochs were drawn as if they were steps."""
    series = {
        "train_loss": SimpleNamespace(
            axis="step", axis_values=np.arange(61.0), values=np.ones((2, 61))
        ),
        "test_loss": SimpleNamespace(
            axis="epoch", axis_values=np.arange(4.0), values=np.ones((2, 4))
        ),
    }
    past = SimpleNamespace(
        series=series,
        status=[SimpleNamespace(kind="finished")] * 2,
        arms=lambda by: dict(zip(ARMS, np.array([[0], [1]]), strict=True)),
        steps_per_epoch=20,
    )
    figure = plots.Figure(figsize=(6, 7))
    if shares == "twinx":
        first = figure.subplots()
        second = first.twinx()
    else:
        first, second = figure.subplots(2, 1, sharex=True)
    plots.history(past, "train_loss", "optimizer", ax=first)
    plots.history(past, "test_loss", "optimizer", ax=second)
    assert second.get_xlabel() == "step"
    assert [line.get_xdata()[-1] for line in second.lines] == [60, 60]
    assert (first.get_ylabel(), second.get_ylabel()) == ("train loss", "test loss")
    covers_nothing(second, first if shares == "twinx" else None)
    told = [text.get_text() for text in second.get_legend().get_texts()]
    if shares == "twinx":
        assert first.get_legend() is None
        assert told == [f"{arm}, {words}" for words in ("train loss", "test loss") for arm in ARMS]
        assert {line.get_linestyle() for line in second.lines} == {"--"}
    else:
        assert told == list(ARMS)


def test_the_legend_of_a_part_of_a_figure_is_whole() -> None:
    for part in plots.Figure(figsize=(10, 4)).subfigures(1, 2):
        plots.history(long_history(4), "test_loss", "optimizer", ax=part.subplots())
        covers_nothing(part.axes[0])


@pytest.mark.parametrize(
    ("top", "scale"), [(2.5e4, "log"), (1.5e4, "linear"), (np.inf, "linear"), (-9e9, "linear")]
)
def test_what_explodes_is_on_a_logarithmic_axis(top: float, scale: str) -> None:
    values = np.array([[2.0, 3.0, top], [2.0, 2.5, 2.0]])
    past = SimpleNamespace(
        series={"loss": SimpleNamespace(axis="step", axis_values=np.arange(3.0), values=values)},
        status=[SimpleNamespace(kind="finished")] * 2,
        arms=lambda by: {"a": np.array([0]), "b": np.array([1])},
        steps_per_epoch=None,
    )
    assert plots.history(past, "loss", "lr").get_yscale() == scale
    _, (ax,) = plots.blank(plots.LIGHT)
    plots.intervals(ax, ["a", "b"], list(values), "loss")
    assert ax.get_xscale() == scale


@pytest.mark.parametrize("points", [9, 99])
def test_lines_of_one_colour_have_other_markers(points: int) -> None:
    """The eighth arm looked like the first."""
    count = 3 * len(plots.LIGHT.palette)
    _, (ax,) = plots.blank(plots.LIGHT)
    x = np.arange(float(points))
    plots.curves(ax, [plots.Curve(str(index), x, x) for index in range(count)])
    looks = {(line.get_color(), line.get_marker()) for line in ax.get_lines()}
    assert len(looks) == count


def test_one_member_has_no_band() -> None:
    center, low, high = plots.spread(np.array([[1.0, np.nan]]))
    assert (low, high) == (None, None)
    assert center[0] == 1


def test_runs_without_a_value_are_named_among_the_dots() -> None:
    _, (ax,) = plots.blank(plots.LIGHT)
    rows = [np.array([1.0, 2.0, np.nan]), np.array([np.inf])]
    plots.intervals(ax, ["a", "b"], rows, "loss")
    said = [text.get_text() for text in ax.texts]
    assert said == ["1 of 3 not finite", "1 of 1 not finite"]


@pytest.mark.parametrize("theme", plots.THEMES)
def test_small_panels_share_axes_and_fit_a_phone(theme: str) -> None:
    figure, heads, panels = plots.above(plots.THEMES[theme], 2, 7, columns=5)
    assert (len(heads), len(panels)) == (2, 7)
    assert len(figure.axes) == 9  # none to spare
    panels[0].set_ylim(0, 5)
    assert panels[6].get_ylim() == (0, 5)
    plots.name_common(panels, "epoch", "accuracy")
    assert panels[3].figure.get_supxlabel() == "epoch"
    narrow = plots.THEMES[theme].narrow
    columns = {round(ax.get_position().x0, 3) for ax in panels}
    assert len(columns) == (2 if narrow else 5)
    figure.draw_without_rendering()
    side_by_side = heads[0].get_window_extent().y0 == heads[1].get_window_extent().y0
    assert side_by_side is not narrow


def test_trials_without_a_value_are_crosses_and_boxes_are_where_they_say() -> None:
    _, (ax,), _ = plots.above(plots.LIGHT, 1, 1, columns=1)
    x, y = np.array([1e-3, 1e-2, 1e-1]), np.array([1e-6, 1e-5, 1e-4])
    box = plots.Box("narrow", (1e-3, 1e-2), (1e-6, 1e-5), color=1)
    plots.trials(ax, x, y, np.array([0.1, np.nan, 0.9]), [box], "accuracy")
    (cross,) = [line for line in ax.lines if line.get_marker() == "x"]
    assert (cross.get_xdata().tolist(), cross.get_ydata().tolist()) == ([1e-2], [1e-5])
    (points,) = ax.collections
    assert points.get_array().tolist() == [0.1, 0.9]
    (patch,) = ax.patches
    assert patch.get_bbox().extents == pytest.approx([1e-3, 1e-6, 1e-2, 1e-5])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def shown(axis: Any, minor: bool = False) -> list[str]:
    """The numbers along an axis, as they are drawn; those outside of it are left out."""
    low, high = sorted(axis.get_view_interval())
    texts = axis.get_ticklabels(minor=minor)
    places = axis.get_ticklocs(minor=minor)
    found = [text.get_text() for text, x in zip(texts, places, strict=True) if low <= x <= high]
    return list(filter(None, found))


def test_numbers_of_logarithmic_axes_are_plain_text() -> None:
    figure, (ax,) = plots.blank(plots.LIGHT)
    plots.logarithmic(ax, "x")
    plots.logarithmic(ax, "y")
    ax.set(xlim=(0.5e-12, 2), ylim=(1.5e-3, 5e-3))
    figure.draw_without_rendering()
    assert all(re.fullmatch("10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", text) for text in shown(ax.xaxis))
    assert len(shown(ax.xaxis)) > 4
    assert shown(ax.yaxis, minor=True) == ["2×10⁻³", "3×10⁻³", "4×10⁻³"]
    plots.logarithmic(ax, "x", linthresh=1e-3)
    ax.set_xlim(0, 2)
    figure.draw_without_rendering()
    assert shown(ax.xaxis) == ["0", "10⁻³", "10⁻²", "10⁻¹", "10⁰"]


def test_an_axis_that_panels_share_is_made_logarithmic_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, _, panels = plots.above(plots.LIGHT, 0, 4, columns=2)
    right, calls = Axes.set_xscale, list[str]()

    def set_xscale(ax: Axes, name: str) -> None:
        calls.append(name)
        right(ax, name)

    monkeypatch.setattr(Axes, "set_xscale", set_xscale)
    for ax in panels:
        plots.logarithmic(ax, "x")
    assert calls == ["log"]
    assert {ax.get_xscale() for ax in panels} == {"log"}
    assert all(isinstance(ax.xaxis.get_major_formatter(), Powers) for ax in panels)


@pytest.mark.parametrize("log", [False, True])
def test_dots_show_each_arm_on_each_line_and_keep_a_place_for_zero(log: bool) -> None:
    _, (ax,) = plots.blank(plots.LIGHT)
    first = np.array([[0.0, 1e-3, 1.0], [0.0, 1e-2, 2.0], [0.0, 1e-1, 3.0]])
    plots.dots(ax, ["a", "b", "c"], [("x", first), ("y", first * 10)], log=log)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.get_legend_handles_labels()[1] == ["x", "y"]
    places = [line.get_ydata() for line in ax.lines]
    assert all(np.diff(place).max() < 0 for place in places)  # the first label is on top
    assert (np.abs(places[0] - places[1]) > 0.1).all()
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0.0, 1e-2, 2.0])
    assert ax.get_xlim()[0] < 0
    assert ax.get_xscale() == ("symlog" if log else "linear")


def test_dots_without_a_zero_are_on_a_plain_log_axis() -> None:
    _, (ax,) = plots.blank(plots.LIGHT)
    plots.dots(ax, ["a", "b"], [("x", np.array([[1e-9, 1e9]]))], log=True)
    assert ax.get_xscale() == "log"
    assert 2 <= len(ax.get_xticks()) <= 7


def test_dots_that_lie_close_fill_their_axis() -> None:
    _, (ax,) = plots.blank(plots.LIGHT)
    plots.dots(ax, ["a", "b"], [("x", np.array([[0.15, 1.5]]))], log=True)
    low, high = ax.get_xlim()
    assert 0.1 < low < 0.15
    assert 1.5 < high < 2


def test_losses_above_the_axis_are_triangles_on_its_edge() -> None:
    _, (ax,) = plots.blank(plots.LIGHT)
    rates = np.array([0.01, 0.1, 1.0, 10.0])
    losses = np.array([[2.0, 0.5, 7.0, np.nan], [2.2, 0.6, 9.0, np.nan]])
    plots.sensitivity(
        ax, rates, losses, near=(0.1, 0.1), diverged=np.array([0, 0, 0, 1.0]), top=2.8
    )
    assert ax.get_ylim() == (0, 2.8)
    (edge,) = [line for line in ax.lines if line.get_marker() == "^"]
    assert (edge.get_xdata().tolist(), edge.get_ydata().tolist()) == ([1.0], [2.8])
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["a loss above 2.8", "share of runs that diverged, from the top"]


def test_strips_are_as_wide_as_the_root_of_each_share() -> None:
    _, (ax,) = plots.blank(plots.LIGHT)
    shares = np.array([[0.64, 0.16, 0.2, 0.0], [0.0, 0.0, 1.0, 0.0]])
    plots.strips(ax, [plots.Strips("a", "note", shares), plots.Strips("b", "", shares)], -1.0, 1.0)
    assert [text.get_text() for text in ax.texts] == ["a\nnote", "b"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1", "2", "1", "2"]
    assert len(ax.collections) == 4
    corners = ax.collections[0].get_paths()[0].vertices
    widths = {float(round(x, 6)) for x in corners[:, 0]}
    assert {0.0, 0.88, 0.44} <= widths
    assert corners[:, 1].min() == -1
    assert corners[:, 1].max() == 1
