"""index.html: verdicts, figures and tables of all results in a folder, in one offline file.

The page is made from what is on disk and from nothing else, so it can be rebuilt
at any time, also after an interruption.  It may be sent by e-mail and opened anywhere:
its policy forbids every request, and every script but its own.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from trainlab import plots
from trainlab.errors import DataError, SettingError, sentence
from trainlab.experiments import published
from trainlab.experiments.base import AnyExperiment, is_name
from trainlab.experiments.registry import EXPERIMENTS
from trainlab.experiments.results import FILE, Declared, Results
from trainlab.experiments.verdicts import (
    CONTRARY,
    EXPECTED,
    NO_CLAIM,
    NOT_JUDGED,
    NOT_SHOWN,
    UNDECIDED,
)
from trainlab.files import as_path, write
from trainlab.limits import MEMBERS
from trainlab.pages import markup
from trainlab.report import charts, pictures, words
from trainlab.report.reading import read
from trainlab.settings import several

MARKS: Final[Mapping[str, tuple[str, str]]] = {
    # Sign and style of an outcome; the words stand beside it, so colour is never alone.
    EXPECTED: ("✓", "good"),
    NOT_SHOWN: ("≈", "open"),
    UNDECIDED: ("?", "open"),
    CONTRARY: ("✗", "bad"),
    NOT_JUDGED: ("?", "open"),
    NO_CLAIM: ("·", "plain"),
}
SCRIPTS: Final = (
    ("trainlab.pages", "numbers.js"),
    ("trainlab.pages", "downloads.js"),
    ("trainlab.pages", "chart.js"),
    ("trainlab.report", "report.js"),
)
MOST_TEX: Final = 2_000
"""Characters of equations that are set: results may come from anywhere."""
CLAIMS: Final[Mapping[bool | None, tuple[str, str, str]]] = {
    # What became of a claim: sign, style, and the word beside it.
    True: ("✓", "good", "shown"),
    None: ("≈", "open", "not shown"),
    False: ("✗", "bad", "contrary"),
}
INSIDES: Final[Mapping[bool | None, tuple[str, str, str]]] = {
    # Whether a number lies in our interval: the same.
    True: ("✓", "good", "yes"),
    None: ("?", "open", "too few runs"),
    False: ("✗", "bad", "no"),
}


@dataclasses.dataclass(frozen=True)
class Section:
    """One experiment on the page; without `figures`, `missing` says what is.

    experiment  what is said of it: its declaration, or what its results say
    """

    experiment: AnyExperiment | Declared
    results: Results
    figures: Mapping[str, str]
    missing: str = ""

    @property
    def mark(self) -> str:
        """The sign of the outcome."""
        return _mark(self.results.verdict.outcome)[0]

    @property
    def style(self) -> str:
        """The style of the outcome."""
        return _mark(self.results.verdict.outcome)[1]

    @property
    def name(self) -> str:
        """The name of the experiment, and of the folder of its results."""
        return self.results.experiment

    @functools.cached_property
    def equations(self) -> str:
        """The equations as a picture; "" without any, and for what cannot be set."""
        lines = self.experiment.equations
        if not lines or sum(map(len, lines)) > MOST_TEX:
            return ""
        try:
            return pictures.equations(lines)
        except (ValueError, RecursionError):
            return ""

    @functools.cached_property
    def chart(self) -> dict[str, Any] | None:
        """The curves that the page's script draws."""
        return charts.chart(self.results.measured, self.experiment.curves, self.name)

    @property
    def tall(self) -> bool:
        """Whether the figure needs more room on paper."""
        return pictures.is_tall(self.figures.get("light", ""))

    @property
    def command(self) -> str | None:
        """The command that repeats the run."""
        known = (self.name,) if self.name in EXPERIMENTS else self.experiment.command
        return words.command(self.results, known)

    @property
    def diverged(self) -> Mapping[str, int]:
        """Arm → members that diverged; 0 for an arm without members."""
        measured = self.results.measured
        return Counter(row.arm for row in measured.members if row.id in measured.diverged)


def build(folder: str | os.PathLike[str], own: Iterable[AnyExperiment] = ()) -> Path:
    """Write index.html from the results in the subfolders of a folder.

    Parameters
    ----------
    folder : str or path
        The folder, in which `experiments.run` left results.
    own : iterable of experiments, optional
        Experiments of the user's own, whose results are shown below ours.  They need not be
        given: results say what is to be said of them.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    SettingError
        For what is no path, or no experiment.

    Notes
    -----
    Results that cannot be read are named on the page, with the reason; so are figures that are
    not there.
    """
    path, _ = built(folder, own)
    return path


def built(
    folder: str | os.PathLike[str], own: Iterable[AnyExperiment] = ()
) -> tuple[Path, list[str]]:
    """The page that `build` writes, and what it lacks: a sentence for each."""
    root = as_path(folder, "folder", "a report")
    experiments = several(own, MEMBERS)
    if experiments is None or not all(isinstance(one, AnyExperiment) for one in experiments):
        raise SettingError(sentence("own", "a report", "be a list of experiments", own, "own=[]"))
    known = {**EXPERIMENTS, **{one.name: one for one in experiments}}
    sections = []
    faults = []
    there = {path.parent.name for path in root.glob(f"*/{FILE}")}
    for name in [*(one for one in known if one in there), *sorted(there - known.keys())]:
        try:
            sections.append(_section(known.get(name), root / name))
        except (DataError, OSError) as error:
            faults.append(str(error))
    path = root / markup.PAGE
    write(path, render(sections, faults).encode("utf-8"))
    return path, faults + [one.missing for one in sections if one.missing]


def _section(known: AnyExperiment | None, folder: Path) -> Section:
    """The section of results; DataError where nobody knows what they are of."""
    results = read(folder, folder.name) if known or is_name(folder.name) else None
    experiment = known or (results.about if results else None)
    if results is None or experiment is None:
        text = f"{folder / FILE} is of no experiment that this version of trainlab knows."
        raise DataError(text)
    section = Section(experiment, results, {})
    again = section.command
    remedy = f"{again} --out {shlex.quote(str(folder.parent))}" if again else "trainlab run"
    try:
        return dataclasses.replace(section, figures=pictures.figures(folder, remedy))
    except (DataError, OSError) as error:
        return dataclasses.replace(section, missing=str(error))


def render(sections: Iterable[Section], faults: Iterable[str] = ()) -> str:
    """The page's HTML; everything that comes from a file is clipped, made visible and escaped."""
    shown = list(sections)
    replication = [(section, row) for section in shown for row in section.results.published]
    cited = [row.source for _, row in replication]
    return markup.render(
        "trainlab.report",
        "index.html",
        style="\n" + _hues(),
        script=markup.bundle(*SCRIPTS),
        sections=shown,
        words=words,
        claims=CLAIMS,
        insides=INSIDES,
        faults=list(faults),
        outcomes=_outcomes(shown),
        quick=sum(bool(section.results.environment.get("quick")) for section in shown),
        replication=replication,
        replicated=words.replicated([row for _, row in replication]) if replication else "",
        few_runs=min((row.runs for _, row in replication if 1 < row.runs < 30), default=0),
        sources={key: text for key, text in published.sources().items() if key in cited},
        datasets=_datasets(shown),
        environments=_environments(shown),
    )


def _hues() -> str:
    """The colours of arms, those of the figures, as rules of a style sheet."""
    rules = [
        "".join(f"--arm-{i}: {hue}; " for i, hue in enumerate(theme.palette))
        for theme in (plots.LIGHT, plots.DARK)
    ]
    count = len(plots.LIGHT.palette)
    arms = "".join(f".arm-{i} {{ --hue: var(--arm-{i}); }}\n" for i in range(count))
    dark = "@media screen and (prefers-color-scheme: dark)"
    return f".chart {{ {rules[0]}}}\n{dark} {{ .chart {{ {rules[1]}}} }}\n{arms}"


# --- what sections share ---------------------------------------------------------------


def _mark(outcome: str) -> tuple[str, str]:
    return MARKS.get(outcome, ("?", "open"))


def _outcomes(sections: Sequence[Section]) -> Sequence[tuple[str, str, str, int]]:
    """(outcome, sign, style, how many experiments), most first."""
    counts = Counter(section.results.verdict.outcome for section in sections)
    return [(outcome, *_mark(outcome), count) for outcome, count in counts.most_common()]


def _datasets(sections: Sequence[Section]) -> Sequence[tuple[str, str]]:
    """(data set in words, hash), each once."""
    found = [(words.data(one.results), one.results.data["hash"]) for one in sections]
    return list(dict.fromkeys((text, key) for text, key in found if key))


def _environments(sections: Sequence[Section]) -> Sequence[tuple[Mapping[str, Any], list[str]]]:
    """Each environment once, with the titles of the experiments that ran in it."""
    found: list[tuple[Mapping[str, Any], list[str]]] = []
    for section in sections:
        kept = {k: v for k, v in section.results.environment.items() if k != "quick"}
        for known, titles in found:
            if known == kept:
                titles.append(section.experiment.title)
                break
        else:
            found.append((kept, [section.experiment.title]))
    return found
