"""What notebooks show: tables whose texts are escaped, bars that move, and short reprs."""

from __future__ import annotations

import re
import sys
import threading
import time
import urllib.parse
from html.parser import HTMLParser
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from trainlab import notebook
from trainlab.evidence import Comparisons, compare_all
from trainlab.members import varied
from trainlab.population.rates import RateRange
from trainlab.training.progress import Bar

HOSTILE = '<script>alert("1")</script>\u202e\x1b[2J'


class Tags(HTMLParser):
    """The tags and the text of HTML, whose elements must be closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def html(thing: Any) -> Tags:
    return Tags(thing._repr_html_())


# --- texts -----------------------------------------------------------------------------


def test_texts_are_escaped_visible_and_short() -> None:
    made = notebook.table([HOSTILE], [[HOSTILE, HOSTILE]], HOSTILE, HOSTILE)
    assert "<script" not in made
    assert not {"\u202e", "\x1b"} & set(made)
    assert set(Tags(made).tags) == {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
    assert len(notebook.escaped("x" * 10_000)) == notebook.LONGEST


def test_names_of_columns_and_classes_are_escaped() -> None:
    X, y = np.arange(20.0)[:, None], np.array(["a", HOSTILE] * 10)
    data = tl.from_arrays(X, y, name=HOSTILE, test=0.3)
    assert "script" not in html(data).tags
    assert "script" in html(data).text


# --- reprs -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data() -> tl.Dataset:
    return tl.load_digits().split(validation=0.2)


def test_data_sets(data: tl.Dataset) -> None:
    said = "digits: 1,150 train, 287 validation, 360 test; 64 features, 10 classes, classification"
    assert repr(data) == f"Dataset({said})"
    assert repr(data.test) == "Split(360 rows: x array (360, 64), t (360,))"
    assert "train 1,150 111 to 117 rows of a class" in html(data).text
    values = tl.from_arrays([[1.0], [2.0]], [[0.5, 1.0], [3.0, 2.0]], weight=[1, 2])
    assert repr(values) == "Dataset(arrays: 2 train; 1 feature, 2 outputs, regression)"
    assert repr(values.train) == "Split(2 rows: x array (2, 1), t (2, 2), weights)"
    assert "0.5 to 3" in html(values).text


def test_gradient_checks() -> None:
    shown = html(tl.gradient_check(tl.MLP((3,)))).text
    assert shown.startswith("gradient check (central4): passed gradient of with respect to shape ")
    assert " loss W1 5 × 3 15 0 0 " in shown
    assert shown.endswith(" relative error allowed: 1e-06")


def test_one_of_a_kind_is_singular() -> None:
    one = tl.Population.grid(tl.MLP(loss="mean_squared_error"))
    history = one.fit(tl.from_arrays([[1.0]], [[0.5]]), steps=1)
    found: list[object] = [
        one,
        history,
        tl.from_arrays([[1.0]], [[0.5]]),
        tl.from_arrays([[1.0]], [[0.5]]).train,
        RateRange(np.ones(3), np.ones((1, 3))),
        *compare_all({"a": np.ones(1), "b": np.zeros(1)}),
    ]
    for each in found:
        text = str(each)
        assert re.search(r"\b1 [a-z]", text), text
        assert not re.search(r"\b1 [a-z]*s\b", text), text
    assert str(found[-1]) == "1 seed is too few to compare a and b; try 6 or more"


def test_networks(data: tl.Dataset) -> None:
    network = tl.Network(tl.MLP((5,), dropout=0.5), tl.Adam(0.01), seed=3)
    assert repr(network) == "Network(MLP(5, 0.5), Adam(0.01), seed 3; not trained)"
    assert "parameters" not in html(network).text
    network.fit(data, steps=1, engine="numpy")
    assert repr(network).endswith("; trained)")
    text = html(network).text
    assert "385: W1 64×5, b1 1×5, W2 5×10, b2 1×10" in text
    assert "trained by numpy" in text


def test_populations() -> None:
    population = tl.Population.grid(lr=[0.1, 0.2], hidden=[(3,), (4, 5)], seed=range(30))
    text = html(population).text
    assert "Population(120 members, not trained)" in text
    for words in ("lr 0.1, 0.2", "hidden 3, 4×5", "seed 0, 1, 2", "and 18 more"):
        assert words in text
    # What they share, without what differs: it was that of the first, MLP(3) and SGD(0.1).
    assert text.split()[-4:] == ["network", "MLP", "optimizer", "SGD"]


@pytest.mark.parametrize(
    ("axes", "names"),
    [
        ({}, []),
        ({"lr": [0.1, 0.2]}, ["lr"]),
        ({"dropout": [0, 0.1], "lr": [0.1, 0.2]}, ["lr", "dropout"]),
        ({"optimizer": [tl.SGD(), tl.Adam()]}, ["optimizer"]),
        ({"optimizer": [tl.SGD(), tl.Adam()], "norm": [None, "batch"]}, ["optimizer", "norm"]),
    ],
)
def test_what_differs_between_members(axes: dict[str, Any], names: list[str]) -> None:
    assert varied(tuple(tl.Population.grid(seed=range(2), **axes))) == names


def test_histories(data: tl.Dataset) -> None:
    population = tl.Population.grid(tl.MLP((5,)), lr=[0.1, 1e30], dropout=[0, 0.1], seed=range(2))
    history = population.fit(data, epochs=2)
    shown = html(history)
    assert shown.tags.count("img") == 1
    text = shown.text
    assert text.startswith(f"8 members, {history.seconds:.3g} s, {history.engine} lr train loss")
    assert "validation accuracy members" in text
    assert "test" not in text
    last = np.median(history["validation_loss"][:4, -1])
    assert f"{last:.4g}" in text
    assert "4 diverged" in text
    assert "Members of an arm differ in dropout." in text
    alone = tl.Network(tl.MLP((5,))).fit(data, steps=60, evaluate=None)
    assert "1 member" in html(alone).text
    assert "Last values." in html(alone).text


def test_a_history_of_nothing_has_no_figure(data: tl.Dataset) -> None:
    running = tl.Network().start(data, steps=10**6, evaluate=None)
    running.pause()
    empty = tl.History(running.history.members, {}, running.history.status, 0.0)
    assert "img" not in html(empty).tags
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        running.wait()


def test_a_training_that_goes_on(data: tl.Dataset) -> None:
    population = tl.Population.grid(tl.MLP((3,)), lr=[0.01, 0.1], seed=range(2))
    running = population.start(data, steps=10**5, evaluate=10)
    running.pause()
    assert html(running).text.startswith("paused, 4 members")
    running.resume()
    while min(status.step for status in running.history.status) < 20:
        time.sleep(0.01)
    shown = html(running)
    assert shown.tags.count("img") == 1
    assert "2 running" in shown.text
    picture = urllib.parse.unquote(running._repr_html_().partition('src="')[2].partition('"')[0])
    assert picture.count("<polyline") == 2
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        running.wait()
    assert html(running).text.startswith("done, 4 members")


def test_many_arms_are_counted(data: tl.Dataset) -> None:
    rates = np.geomspace(0.01, 0.1, 30)
    history = tl.Population.grid(tl.MLP((3,)), lr=rates).fit(data, steps=2)
    assert "Of 30 arms, the first 20." in html(history).text
    assert html(history).tags.count("tr") == 21
    assert "img" not in html(history).tags


def test_comparisons() -> None:
    x = np.arange(10.0)
    found = compare_all({"a": x + 3, "<b>": x, "c": x + np.resize([1, -1], 10)})
    assert isinstance(found, Comparisons)
    assert str(found) == "\n".join(map(str, found))
    assert repr(found[0]) == f"<Comparison: {found[0]}>"
    shown = html(found)
    assert "b" not in shown.tags
    assert "a − <b> 0 of 10 seeds 0 3 3 to 3" in shown.text
    assert "<b> is better" in shown.text
    assert "no difference" in shown.text
    assert "p after correction for 3 pairs." in shown.text


# --- bars ------------------------------------------------------------------------------


class Handle:
    """What IPython gives to change what was displayed."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def update(self, content: Any) -> None:
        self.shown.append(content.data)


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Handle:
    """As in a cell of a notebook."""
    handle = Handle()
    shell = SimpleNamespace(kernel=object())
    package, part = ModuleType("IPython"), ModuleType("IPython.display")
    package.get_ipython = lambda: shell  # type: ignore[attr-defined]
    part.HTML = lambda data: SimpleNamespace(data=data)  # type: ignore[attr-defined]
    part.display = lambda content, display_id: handle  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", part)
    return handle


def test_nothing_is_a_notebook_but_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not notebook.is_running()
    package = ModuleType("IPython")
    monkeypatch.setitem(sys.modules, "IPython", package)
    assert not notebook.is_running()
    for shell in (None, object()):  # none, or that of a terminal
        package.get_ipython = lambda shell=shell: shell  # type: ignore[attr-defined]
        assert not notebook.is_running()


def test_a_bar_in_a_notebook(
    handle: Handle, data: tl.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "EVERY", 0.0)
    tl.Population.grid(tl.MLP((3,)), seed=range(3)).fit(data, epochs=2, progress=True, workers=1)
    *moving, last = handle.shown
    assert last == ""  # nothing is left
    assert len(moving) >= 2
    tags = Tags(moving[-1])
    assert tags.tags == ["div", "progress"]
    assert "training" in tags.text
    assert "100%, median loss " in tags.text
    assert "3/3 members" in tags.text
    assert "0:00 left" in tags.text


def test_a_training_is_followed_to_its_end(
    handle: Handle, data: tl.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "EVERY", 0.0)
    running = tl.Population.grid(tl.MLP((3,)), seed=range(2)).start(data, steps=10**5)
    running._ipython_display_()
    while not any("<polyline" in urllib.parse.unquote(one) for one in handle.shown):
        time.sleep(0.01)
    assert "running, 2 members" in handle.shown[-1]
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        running.wait()
    (thread,) = [one for one in threading.enumerate() if one.name == "trainlab-display"]
    thread.join(30)
    assert "done, 2 members" in handle.shown[-1]
    assert "2 interrupted" in handle.shown[-1]


def test_a_terminal_gets_text(data: tl.Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    running = tl.Network(tl.MLP((3,))).start(data, steps=2)
    running.wait()
    running._ipython_display_()
    assert capsys.readouterr().out == f"{running!r}\n"


def test_an_estimator_shows_the_same_bar(handle: Handle) -> None:
    X, y = np.arange(40.0)[:, None], np.arange(40) % 2
    tl.MLPClassifier((3,), max_iter=2, verbose=True, schedule="cosine").fit(X, y)
    assert any("<progress" in one for one in handle.shown)


def test_a_bar_does_not_move_too_often(handle: Handle) -> None:
    with Bar(HOSTILE) as bar:
        bar.start(2, 1000)
        began = time.monotonic()
        for _ in range(500):
            bar.advance(0, 1)
        most = 2 + (time.monotonic() - began) / notebook.EVERY
    assert 1 <= len(handle.shown) - 1 <= most
    assert "<script" not in handle.shown[0]
