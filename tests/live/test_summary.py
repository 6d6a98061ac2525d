"""The report of a session: one file that says what was done, and asks for nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from live_runs import small
from trainlab import plots
from trainlab.evidence import compare_all
from trainlab.live.session import LiveSession
from trainlab.live.setup import LiveSetup
from trainlab.live.summary import _curve, _panels, bounds, leaving, render, summarize
from trainlab.members import Member


class Page(HTMLParser):
    """Its tags with attributes, and its text."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(content.decode("utf-8"))
        self.text = re.sub(r" (?=[.,:])", "", " ".join(" ".join(self.words).split()))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_it_says_what_was_done() -> None:
    session = small(seeds=6)
    session.advance_to(25)
    session.change("SGD", {"lr": 0.5})
    name = session.clone("Adam", {"dropout": 0.1})
    session.mark()
    session.stop("NAdam, clipped")
    session.advance_to(47)
    session.undo(3)
    session.tests = 2
    page = Page(render(summarize(session)))
    text = page.text
    assert "5 arms × 6 seeds on moons, at step 25." in text
    assert "Step 25: SGD: lr = 0.5" in text
    assert text.count("SGD → lr 0.5 from step 25") == 4  # in the table, and in three pairs
    assert f"Step 25: Adam cloned as {name}" in text
    assert "1 intervention was undone" in text
    assert "Before this, 2 tests had been asked for." in text
    assert "tl.SGD(lr=0.5)" in text
    assert session.digest() in text
    assert re.search(r"wild ended ([^a-z]| to )*\) 6 Adam", text)
    values = session.lanes.evaluate("held")
    found = compare_all(
        {arm: np.array([values[key][1] for key in session.keys(arm)]) for arm in session.running},
        better="higher",
    )
    assert len(found) == 6
    assert text.count(" − ") >= 6
    assert [one.get("alt") is not None for one in page.named("img")] == [True, True]


def test_it_asks_for_nothing_and_runs_nothing() -> None:
    session = small()
    session.advance_to(20)
    content = render(summarize(session))
    page = Page(content)
    assert page.named("script") == []
    assert all(str(one["src"]).startswith("data:image/") for one in page.named("img"))
    assert all(str(one["srcset"]).startswith("data:image/") for one in page.named("source"))
    policy = next(str(one["content"]) for one in page.named("meta") if "http-equiv" in one)
    assert "default-src 'none'" in policy
    assert not [attrs for _, attrs in page.tags if attrs.keys() & {"href", "action", "onload"}]
    assert len(content) < 2_000_000


def test_names_from_anywhere_are_text() -> None:
    evil = "<script>alert(1)</script>"
    member = Member(tl.MLP(hidden=(3,), loss="mean_squared_error"), tl.SGD(0.1))
    data = tl.from_arrays(np.eye(8), np.arange(8.0), name=evil)
    session = LiveSession(LiveSetup(data, {evil: member, "b": member}, range(2), 4))
    session.advance_to(25)
    page = Page(render(summarize(session)))
    assert page.named("script") == []
    assert evil in page.text
    assert "what is called validation is of the same" in page.text
    assert "Validation accuracy" not in page.text  # of a regression
    assert len(page.named("img")) == 1  # it is no plane


def test_of_a_session_that_has_not_begun() -> None:
    page = Page(render(summarize(small())))
    assert "There were no curves yet." in page.text
    assert "There was nothing to compare." in page.text


def test_an_arm_that_was_stopped_has_not_diverged() -> None:
    session = small(seeds=4)
    session.advance_to(45)
    session.stop("SGD")
    session.advance_to(105)
    found = summarize(session)
    arms = dict(enumerate(found.arms))
    curves = {arm.name: _curve(found, place, arm, 2) for place, arm in arms.items()}
    stopped, wild, adam = curves["SGD"], curves["wild"], curves["Adam"]
    assert stopped is not None
    assert wild is not None
    assert adam is not None
    assert stopped.x.tolist() == [0, 20, 40]
    assert np.isfinite(stopped.center).all()  # else a figure marks the place with a cross
    assert stopped.note == ""
    assert wild.x.tolist() == adam.x.tolist() == [0, 20, 40, 60, 80, 100]
    assert np.isnan(wild.center[-1])
    assert wild.note == "4 of 4 diverged"


def test_a_median_that_leaves_the_axis_is_marked_there() -> None:
    session = small(seeds=4)
    session.advance_to(40)
    found = summarize(session)
    arm = next(one for one in found.arms if one.name == "SGD")
    arm.values[2, :, 1] = 20.0  # the validation loss at step 20
    figure = _panels(found, range(4), plots.LIGHT)
    marks = [
        [line for line in ax.lines if line.get_marker() == "^" and line.get_ms() == 8]
        for ax in figure.axes
    ]
    assert [len(own) for own in marks] == [0, 0, 1, 0]
    (mark,) = marks[2]
    assert len(mark.get_xdata()) == 1
    assert 0 < mark.get_xdata()[0] < 20
    assert mark.get_color() == plots.LIGHT.color(0)
    (legend,) = figure.legends
    words = [one.get_text() for one in legend.get_texts()]
    assert words[0] == "SGD"
    assert words[-1] == "a median goes above 10"
    assert all(ax.get_legend() is None for ax in figure.axes)  # none lies on a line
    plots.svg(figure)  # a layout that fails warns


@pytest.mark.parametrize(
    ("middle", "expected"),
    [
        ([1, 2, 3], []),
        ([5, 15, 15, 5, 30], [5, 32]),
        ([11, 5, 5, 5, 5], [0]),
        ([np.nan, 20, 5, np.nan, 12], [10, 40]),
        ([5, np.inf, np.inf], [0]),
    ],
)
def test_where_a_line_leaves_the_axis(middle: list[float], expected: list[float]) -> None:
    steps = 10.0 * np.arange(len(middle))
    np.testing.assert_allclose(leaving(steps, np.array(middle, float)), expected)


def test_bounds_leave_out_those_that_diverged() -> None:
    values = np.array([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan], [2.0, np.nan, np.nan]])
    low, middle, high = bounds(values)
    np.testing.assert_array_equal(middle, [2.0, 2.0, np.nan])
    assert (low[0], high[0]) == pytest.approx((1.05, 2.95))
    assert (low[1], high[1]) == (2.0, 2.0)
