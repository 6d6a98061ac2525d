"""SVG in few bytes: the same points, every name found, nothing that nobody refers to."""

from __future__ import annotations

import doctest
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from trainlab import plots
from trainlab.plots import compact
from trainlab.plots.compact import relative

POINTS = re.compile(r"([a-z])([^a-z]*)")


def absolute(path: str) -> list[tuple[float, float]]:
    """The points of a relative path."""
    at, start, found = (0.0, 0.0), (0.0, 0.0), []
    for command, numbers in POINTS.findall(path):
        steps = [float(n) for n in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        if command == "z":
            at = start
            continue
        if command in "hv":
            pairs = [(step, 0.0) if command == "h" else (0.0, step) for step in steps]
        else:
            pairs = list(zip(steps[::2], steps[1::2], strict=True))
        size = {"q": 2, "c": 3}.get(command, 1)
        for first in range(0, len(pairs), size):
            found += [(at[0] + dx, at[1] + dy) for dx, dy in pairs[first : first + size]]
            at = found[-1]
        if command == "m":
            start = at
    return found


def test_the_examples() -> None:
    assert doctest.testmod(compact)[0] == 0


@pytest.mark.parametrize("command", ["L", "Q", "C"])
def test_rounding_does_not_add_up(rng: np.random.Generator, command: str) -> None:
    size = {"L": 1, "Q": 2, "C": 3}[command]
    points = np.cumsum(rng.normal(0, 0.3, (1 + 200 * size, 2)), axis=0)
    text = [f"M {points[0, 0]} {points[0, 1]}"]
    for first in range(1, len(points), size):
        own = " ".join(f"{x} {y}" for x, y in points[first : first + size])
        text.append(f"{command} {own}")
    found = np.array(absolute(relative("\n".join(text))))
    if command == "L":  # steps of nothing are left out: each point has a neighbour
        apart = np.abs(found[:, None] - points[None]).max(axis=-1)
        assert apart.min(axis=0).max() <= 0.05 + 1e-9
    else:
        assert np.abs(found - points).max() <= 0.05 + 1e-9


def test_closed_parts_begin_where_they_say() -> None:
    path = relative("M 1 1 L 2 1 L 2 2 z M 5 5 L 6 6 z M 5 5.04 L 7 7")
    assert path == "m1,1h1v1zm4,4l1,1zm0,0l2,2"
    assert relative("M 1 1 L 1.01 1") == "m1,1v0"  # a dot with a round end


def test_a_drawing_refers_to_nothing_but_what_it_holds() -> None:
    with plots.themed(plots.LIGHT):
        figure, (ax,) = plots.blank(plots.LIGHT)
        x = np.arange(20.0)
        plots.curves(ax, [plots.Curve("a", x, x), plots.Curve("b", x, x**2)], mark_every=5)
        plots.label(ax, "x", "y", "a title")
        drawn = plots.svg(figure)
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    every = list(root.iter())
    names = [one.attrib["id"] for one in every if "id" in one.attrib]
    wanted = set(re.findall(r"#([a-z]+)\b(?=[')])", drawn.decode()))
    assert len(names) == len(set(names))
    assert set(names) == wanted
    classes = {one.attrib["class"] for one in every if "class" in one.attrib}
    assert set(re.findall(r"\.([a-z]+)\{", root.findtext(".//{*}style") or "")) == classes
    assert not any("style" in one.attrib for one in every)
    assert {one.tag.partition("}")[2] for one in every} <= {
        "svg",
        "style",
        "defs",
        "g",
        "path",
        "use",
        "clipPath",
        "rect",
    }
