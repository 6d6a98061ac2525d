"""What tests of the report share: results written by hand, and a page taken apart."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from trainlab.evidence import replicate
from trainlab.experiments import results
from trainlab.experiments.base import (
    Better,
    Measure,
    MeasuredSeries,
    Measurements,
    Row,
    mean_of_last,
)
from trainlab.experiments.drawing import FIGURES
from trainlab.experiments.verdicts import judge

NAME = "optimizer-comparison"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="6"><path d="M 0 0 L 9 6"/></svg>'
STEPS = 700
LONG = 1_000_000
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' onfocus='alert(1)' autofocus='",
    "` onclick=alert(1) ",
    "</td></tr></table></section></main><h1>mine</h1>",
    "--><svg onload=alert(1)><!--",
    "<!--",
    "]]><iframe src=javascript:alert(1)>",
    "</style><style>*{display:none}</style>",
    "</title></head><body onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}{#",
    "\u202e\u2066gnp.exe\u200f",
    "&lt;b&gt;&#60;i&#62;&quot; onerror=1",
    "\ud800\x00\x1b[2J\u2028",
    "<" * LONG,
    '" ' * (LONG // 2),
    "\u202e" * LONG,
)
"""What a page may find where a word should be."""


class Page(HTMLParser):
    """Collects tags with their attributes and the text; elements must be closed in order."""

    VOID = ("meta", "img", "source", "link", "br", "hr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"{tag} has an attribute twice"
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    @property
    def structure(self) -> list[tuple[str, tuple[str, ...]]]:
        """Elements in order, each with the names of its attributes."""
        return [(tag, tuple(attributes)) for tag, attributes in self.found]

    @property
    def text(self) -> str:
        """What is read, in one line."""
        return " ".join(" ".join(self.texts).split())


def read(folder: Path) -> tuple[str, Page]:
    """The page of a folder as text and taken apart."""
    text = (folder / "index.html").read_text(encoding="utf-8")
    return text, Page(text)


def example(seeds: int = 7) -> results.Results:
    """Results of an experiment with every part that a page shows: two arms, one run diverged."""
    steps = np.arange(float(STEPS))
    pairs = [(arm, seed) for arm in ("SGD", "left arm") for seed in range(seeds)]
    settings = {"optimizer": {"kind": "SGD", "lr": 0.1}, "of one's own": "a word"}
    rows = tuple(Row(arm, seed, settings) for arm, seed in pairs)
    start = np.array([4.0 + seed / 9 if arm == "SGD" else 1.0 for arm, seed in pairs])
    values = start[:, None] * np.exp(-steps / 300)
    values[1, 350:] = np.nan
    series = {
        "train_loss": MeasuredSeries("step", steps, values),
        "spare": MeasuredSeries("my axis", steps, values),
    }
    measured = Measurements(rows, series, {"SGD/1": 350})
    measure = Measure("mean of the last", mean_of_last("train_loss", 5))
    return results.Results(
        experiment=NAME,
        data={"name": "a table", "hash": "ab12", "sizes": {"some part": 3}},
        measured=measured,
        verdict=judge(measured, measure, [Better("left arm", "SGD")]),
        published=(
            replicate("a source", "a printed loss", 2.0, values[:seeds, 0], note="a reason"),
            replicate("a source", "another", 4.3, values[:seeds, 0]),
        ),
        environment={"library": "1.0 of it", "quick": False},
    )


def content(found: results.Results) -> dict[str, Any]:
    """The content of results.json."""
    plain: dict[str, Any] = json.loads(json.dumps(found.to_json()))
    return plain


def put(folder: Path, plain: Any, name: str = NAME) -> Path:
    """Writes results.json and figures into folder/name; the folder again."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    (place / results.FILE).write_text(json.dumps(plain), encoding="utf-8")
    for figure in FIGURES:
        (place / figure).write_bytes(SVG)
    return folder
