"""index.html: verdicts, figures and tables of all results in a folder, in one offline file.

The page is made from what is on disk and from nothing else, so it can be rebuilt
at any time, also after an interruption.
"""

from __future__ import annotations

import base64
import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import jinja2

from trainlab.errors import DataError
from trainlab.evidence import Comparison, Interval
from trainlab.experiments import published
from trainlab.experiments.base import AnyExperiment
from trainlab.experiments.registry import EXPERIMENTS
from trainlab.experiments.results import FILE, Results, load
from trainlab.experiments.runner import FIGURES
from trainlab.experiments.verdicts import (
    CONTRARY,
    EXPECTED,
    NOT_JUDGED,
    NOT_SHOWN,
    UNDECIDED,
    number,
)
from trainlab.files import write

PAGE: Final = "index.html"

MARKS: Final[Mapping[str, tuple[str, str]]] = {
    # Sign and style of an outcome; the words stand beside it, so colour is never alone.
    EXPECTED: ("✓", "good"),
    NOT_SHOWN: ("≈", "open"),
    UNDECIDED: ("?", "open"),
    CONTRARY: ("✗", "bad"),
    NOT_JUDGED: ("?", "open"),
}


@dataclasses.dataclass(frozen=True)
class Section:
    """One experiment on the page."""

    experiment: AnyExperiment
    results: Results
    mark: str
    style: str
    figures: Mapping[str, str]
    settings: tuple[tuple[str, str], ...]

    @property
    def data(self) -> str:
        """The data set in words."""
        about = self.results.data
        if not about["name"]:
            return "none: a function"
        sizes = ", ".join(f"{count:,} {name}" for name, count in about["sizes"].items())
        return f"{about['name']} ({sizes})"

    @property
    def runs(self) -> str:
        """Arms and seeds in words."""
        measured = self.results.measured
        arms, seeds = len(measured.arms), measured.seeds
        text = f"{arms} {'arm' if arms == 1 else 'arms'}"
        if not seeds:
            return f"{text}, no randomness"
        return f"{text} × {seeds} {'seed' if seeds == 1 else 'seeds'}"

    @property
    def diverged(self) -> Mapping[str, int]:
        """Arm → members that diverged."""
        measured = self.results.measured
        return {
            arm: sum(measured.members[row].id in measured.diverged for row in rows)
            for arm, rows in measured.arms.items()
        }


def build(folder: str | os.PathLike[str]) -> Path:
    """Writes index.html from the results in the folder's subfolders, and returns its path.

    Results that cannot be read are named on the page, with the reason.
    """
    root = Path(folder)
    sections, faults = [], []
    for name, experiment in EXPERIMENTS.items():
        place = root / name
        if not (place / FILE).is_file():
            continue
        try:
            sections.append(_section(experiment, load(place), place))
        except (DataError, OSError) as error:
            faults.append(str(error))
    path = root / PAGE
    write(path, render(sections, faults).encode("utf-8"))
    return path


def render(sections: Iterable[Section], faults: Iterable[str] = ()) -> str:
    """The page's HTML; everything that comes from a file is escaped."""
    shown = list(sections)
    environments: list[Mapping[str, Any]] = []
    for section in shown:
        kept = {k: v for k, v in section.results.environment.items() if k != "quick"}
        if kept not in environments:
            environments.append(kept)
    template = _environment().get_template("index.html")
    cited = [row.source for section in shown for row in section.results.published]
    sources = {name: words for name, words in published.sources().items() if name in cited}
    return template.render(
        sections=shown,
        faults=list(faults),
        environments=environments,
        quick=any(section.results.environment.get("quick") for section in shown),
        sources=sources,
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("trainlab.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "range": _range, "signed": _signed}
    return environment


def _section(experiment: AnyExperiment, results: Results, folder: Path) -> Section:
    mark, style = MARKS.get(results.verdict.outcome, ("?", "open"))
    return Section(
        experiment=experiment,
        results=results,
        mark=mark,
        style=style,
        figures={theme: _embedded(folder / name) for name, theme in FIGURES.items()},
        settings=tuple(_settings(results)),
    )


def _embedded(path: Path) -> str:
    """An SVG file as a data URI; in an <img> nothing inside it can run."""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _settings(results: Results) -> Iterable[tuple[str, str]]:
    """Arm → its settings in words, of its first member."""
    measured = results.measured
    for arm, rows in measured.arms.items():
        settings = measured.members[rows[0]].settings
        yield arm, ", ".join(_pairs({k: v for k, v in settings.items() if k != "seed"}))


def _pairs(settings: Mapping[str, Any]) -> Iterable[str]:
    for name, value in settings.items():
        if value is True:
            yield name
        elif value:  # what is off, 0 or without limit goes without saying
            yield f"{name} {_words(value)}"


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(_pairs({k: v for k, v in value.items() if k != "kind"}))
        kind = str(value.get("kind", ""))
        return f"{kind}({inside})" if inside else kind
    if isinstance(value, list):
        return "×".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _range(interval: Interval | Comparison) -> str:
    """An interval in words."""
    if interval.low == interval.high:
        return "exact"
    if interval.low == -float("inf") and interval.high == float("inf"):
        return "too few runs"
    return f"{number(interval.low)} to {number(interval.high)}"


def _signed(value: float) -> str:
    text = number(value)
    return text if text.startswith("-") or not value > 0 else f"+{text}"
