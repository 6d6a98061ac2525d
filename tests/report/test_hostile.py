"""Whatever text results hold, the page has the same elements and attributes as with plain words."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chromium
import pages
from pages import HOSTILE
from trainlab.experiments import EXPERIMENTS
from trainlab.experiments.results import Results
from trainlab.pages import words
from trainlab.report.page import Section, build, render

SCHEMA = {
    *("experiment", "data", "name", "hash", "sizes", "members", "id", "arm", "seed", "settings"),
    *("series", "axis", "axis_values", "values", "verdict", "outcome", "line", "measure", "arms"),
    *("comparisons", "warnings", "diverged", "member", "step", "published", "source", "what"),
    *("value", "median", "interval", "inside", "level", "runs", "environment", "quick", "center"),
    *("low", "high", "count", "missing", "first", "second", "mean", "pairs", "shown", "note"),
    *("claims", "text", "met", "wins", "losses", "ties", "p", "adjusted", "effect", "family"),
    *("superiority", "winner", "median_low", "median_high", "train_loss", pages.NAME),
}
"""What the page looks up by its name: these are ours, all other words are the user's."""
FIELDS = ("title", "claim", "caption")
"""Words of an experiment's declaration."""


def texts(value: Any) -> Iterator[str]:
    """Every text in JSON, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from itertools.chain.from_iterable((key, *texts(item)) for key, item in value.items())
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def swapped(value: Any, by: dict[str, str]) -> Any:
    """The JSON with texts replaced wherever they stand."""
    if isinstance(value, str):
        return by.get(value, value)
    if isinstance(value, dict):
        return {by.get(key, key): swapped(item, by) for key, item in value.items()}
    return [swapped(item, by) for item in value] if isinstance(value, list) else value


CONTENT = pages.content(pages.example(seeds=6))
for _series in CONTENT["series"].values():
    _series["axis_values"] = _series["axis_values"][:15]
    _series["values"] = [row[:15] for row in _series["values"]]
WORDS = sorted(set(texts(CONTENT)) - SCHEMA)
FIGURES = dict.fromkeys(("light", "dark", "narrow", "narrow-dark"), "data:,")


def shown(content: Any, **declared: str) -> str:
    experiment = dataclasses.replace(EXPERIMENTS[pages.NAME], **declared)  # type: ignore[arg-type]
    return render([Section(experiment, Results.from_json(content), FIGURES)])


PLAIN = shown(CONTENT)
STRUCTURE = pages.Page(PLAIN).structure
CASES = [(word, "results") for word in WORDS] + [(field, "declaration") for field in FIELDS]


def test_there_are_enough_combinations() -> None:
    assert {"SGD", "left arm", "a source", "library", "1.0 of it", "some part"} <= set(WORDS)
    assert any(word.startswith("SGD: 1 of 6 members diverged") for word in WORDS)
    assert len(CASES) * len(HOSTILE) >= 200


@pytest.mark.parametrize("index", range(len(HOSTILE)))
@pytest.mark.parametrize(("word", "where"), CASES, ids=lambda text: text[:20])
def test_no_text_adds_an_element_or_an_attribute(word: str, where: str, index: int) -> None:
    hostile = HOSTILE[index]
    if where == "results":
        text = shown(swapped(CONTENT, {word: hostile}))
    else:
        text = shown(CONTENT, **{word: hostile})
    found = pages.Page(text)
    assert found.structure == STRUCTURE
    text.encode("utf-8")  # nothing that a file cannot hold
    assert not {"\u202e", "\u2066", "\u200f", "\x00", "\x1b"} & set(text)
    # A text stands on the page at most so often, each time clipped; escapes have 6 characters.
    assert len(text) < len(PLAIN) + 12 * 6 * words.SENTENCE


def test_hostile_words_all_at_once_in_a_browser(tmp_path: Path) -> None:
    """The parser of a browser, with scripts run and the chart opened, counts as ours does."""
    script = """
        for (const details of document.querySelectorAll("details")) details.open = true;
        await wait();
        document.querySelector(".members input").click();
        await wait();
        return [...document.querySelectorAll("body *")].map(
            (one) => one.localName + " " + [...one.attributes].map((a) => a.name).join(" "));
    """
    counts = []
    for content in (CONTENT, swapped(CONTENT, dict(zip(WORDS, mixed(), strict=False)))):
        folder = tmp_path / str(len(counts))
        build(pages.put(folder, content))
        counts.append(chromium.seen(folder / "index.html", folder, script))
    assert len(counts[0]) > 150
    assert counts[0] == counts[1]


def mixed() -> Iterator[str]:
    """Hostile texts over and over, each once only: names must stay different names."""
    for count in itertools.count():
        yield from (f"{count}{hostile}" for hostile in HOSTILE)


def test_a_script_that_got_in_would_not_run(tmp_path: Path) -> None:
    path = build(pages.put(tmp_path, CONTENT))
    text = path.read_text(encoding="utf-8")
    own = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
    path.write_text(text.replace("</body>", own + "</body>"), encoding="utf-8")
    found = chromium.document(path, tmp_path)
    assert "<title>trainlab: results</title>" in found
    assert '<details class="closer">' in found  # the page's own script did: it is not hidden


def test_a_folder_with_a_hostile_name_is_named_and_no_more(tmp_path: Path) -> None:
    folder = tmp_path / "<img src=x onerror=alert(1)>\u202e"
    pages.put(folder, CONTENT)
    (folder / pages.NAME / "figure.svg").unlink()
    pages.put(folder, {}, "derivative")
    build(folder)
    _, parsed = pages.read(folder)
    assert "<img src=x onerror=alert(1)>\\u202e/optimizer-comparison/figure.svg" in parsed.text
    assert "Not shown: content of" in parsed.text
    assert len(parsed.all("img")) == 1  # the equations


def test_a_hostile_figure_stays_inside_its_attribute(tmp_path: Path) -> None:
    pages.put(tmp_path, CONTENT)
    plain = pages.Page(build(tmp_path).read_text(encoding="utf-8")).structure
    hostile = b'<"><script>alert(1)</script><a href="\' , x.png 2x, data:" d="</svg>'
    (tmp_path / pages.NAME / "figure.svg").write_bytes(hostile + bytes(range(256)) + b"</svg>")
    (tmp_path / pages.NAME / "figure-narrow.svg").write_bytes(hostile)
    build(tmp_path)
    assert pages.read(tmp_path)[1].structure == plain
