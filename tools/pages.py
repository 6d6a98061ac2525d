"""python tools/pages.py RESULTS: renews docs/experiments from what `trainlab run all` left there.

Of a page docs/experiments/NAME.md the part above `## What it teaches` is made here: the claim,
the equations, the arms and settings from the experiment's declaration; the figure and what was
found from the results.  The part below is written by hand and stays as it is.

found.json keeps what a page says of the results, so that the tests can make the pages anew
without running the experiments, and see whether the pages are those of the declarations.
"""

from __future__ import annotations

import dataclasses
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from trainlab import plots
from trainlab.experiments import EXPERIMENTS, results
from trainlab.experiments.base import AnyExperiment, Setup, TrainingExperiment
from trainlab.experiments.claims import number
from trainlab.experiments.runner import members

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "experiments"
INDEX = PAGES / "README.md"
FOUND = PAGES / "found.json"
BY_HAND = "## What it teaches\n"
MADE = "<!-- Made by `make docs`, down to `What it teaches`; the rest is written by hand. -->"
INTRODUCTION = """\
Each page has the claim, the figure, what was found, and what to try next. The figures are those of
`trainlab run all` on the digits that come with scikit-learn; `make docs` makes them anew."""

PNG_LIMIT = 60_000
"""Bytes of a figure: a repository keeps every version of it."""
COLORS = 256
RESOLUTIONS = (110, 90, 75, 60)
ALL = "all"
SHOWN = {"digits": "digits", "mnist": "MNIST"}
FOLD = 12
"""A longer list of arms is folded away."""


# --- what was found --------------------------------------------------------------------


def summary(found: results.Results) -> dict[str, Any]:
    """What a page says of results, as plain JSON."""
    measured, verdict = found.measured, found.verdict
    sizes = ", ".join(f"{count:,} {part}" for part, count in found.data["sizes"].items())
    first = {arm: measured.members[rows[0]].settings for arm, rows in measured.arms.items()}
    versions = ("trainlab", "numpy")
    return {
        "outcome": verdict.outcome,
        "measure": verdict.measure,
        "claims": [claim.text for claim in verdict.claims] or [verdict.line],
        "arms": [
            [
                arm,
                number(m.center),
                "" if m.low == m.high else f"{number(m.low)} to {number(m.high)}",
            ]
            for arm, m in verdict.arms.items()
        ],
        "warnings": list(verdict.warnings),
        "data": f"{found.data['name']} ({sizes})" if sizes else "",
        "seeds": measured.seeds,
        "settings": told(first),
        "versions": ", ".join(f"{name} {found.environment[name]}" for name in versions),
    }


def told(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Arm → its settings in words; what all of several arms share is told once, of ALL."""
    first, *others = settings.values()
    shared = {k: v for k, v in first.items() if others and all(s.get(k) == v for s in others)}
    own = {
        arm: words({k: v for k, v in of_arm.items() if k not in shared})
        for arm, of_arm in settings.items()
    }
    return {ALL: words(shared), **own} if words(shared) else own


def words(settings: Mapping[str, Any]) -> str:
    """Settings of a member, without its seed and without what is off, 0 or unlimited.

    >>> words({"lr": 0.1, "network": {"kind": "MLP", "hidden": [5, 5]}, "l1": 0.0, "seed": 3})
    'lr=0.1, network=MLP(hidden=(5, 5))'
    """
    return ", ".join(
        f"{k}={value(v)}" for k, v in settings.items() if v and k not in ("seed", "kind")
    )


def value(found: Any) -> str:
    """One setting."""
    if isinstance(found, Mapping):
        inside, kind = words(found), found.get("kind", "")
        return f"{kind}({inside})" if inside else kind
    if isinstance(found, list):
        return code(tuple(found))
    return f"{found:.4g}" if isinstance(found, float) else str(found)


def figure(experiment: AnyExperiment, found: results.Results) -> bytes:
    """The experiment's figure as a PNG with a palette, and as many dots as PNG_LIMIT allows."""
    drawn = experiment.figure(found.measured, plots.LIGHT)
    for dpi in RESOLUTIONS:
        file = io.BytesIO()
        image = Image.open(io.BytesIO(plots.png(drawn, dpi))).convert("RGB")
        # Of the methods the one that keeps rare colours, such as the ends of a colour bar.
        few = image.quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(file, "PNG", optimize=True)
        if file.tell() <= PNG_LIMIT:
            return file.getvalue()
    raise ValueError(f"the figure of {experiment.name} takes more than {PNG_LIMIT} bytes")


# --- what is declared ------------------------------------------------------------------


def code(settings: Any) -> str:
    """Settings as they are typed: without what is the default, but for a rate."""
    if isinstance(settings, tuple):
        if len(settings) > 2 and len(set(settings)) == 1:
            return f"({settings[0]},) * {len(settings)}"
        return repr(settings)
    if not dataclasses.is_dataclass(settings):
        return (
            f"{settings:.4g}" if isinstance(settings, float) else repr(settings).replace("'", '"')
        )
    plain = type(settings)()
    fields = [f.name for f in dataclasses.fields(settings)]
    own = [f for f in fields if f == "lr" or getattr(settings, f) != getattr(plain, f)]
    inside = ", ".join(f"{name}={code(getattr(settings, name))}" for name in own)
    return f"{type(settings).__name__}({inside})"


def setup_rows(setup: Setup) -> dict[str, str]:
    """A setup in words."""
    drawn = "drawn with replacement" if setup.batches == "book" else "every row once in an epoch"
    rows = {
        "network": f"`{code(setup.network)}`",
        "optimizer": f"`{code(setup.optimizer)}`",
        "batches": f"{setup.batch_size} rows, {drawn}",
        "steps": f"{setup.steps:,}; {setup.quick_steps:,} with `--quick`",
    }
    if setup.rows is not None:
        rows["training rows"] = f"the first {setup.rows:,}"
    return rows


def settings_now(experiment: TrainingExperiment) -> dict[str, str]:
    """What `summary` says of the settings, from the declaration on digits."""
    setup = experiment.base["digits"]
    shared = {"batch_size": setup.batch_size, "steps": setup.steps, "batches": setup.batches}
    arms = zip(experiment.vary, members(experiment, setup, [0]), strict=True)
    return told({arm: {**member.describe(), **shared} for arm, member in arms})


# --- the page --------------------------------------------------------------------------


def page(experiment: AnyExperiment, found: Mapping[str, Any]) -> str:
    """The made part of a page."""
    parts = [
        MADE,
        f"# {experiment.title}",
        f"**Claim.** {experiment.claim}",
        equations(experiment.equations),
        f"![{experiment.title}]({experiment.name}.png)",
        experiment.caption,
        "## What was found",
        *what_was_found(found),
        "## Settings",
        *settings(experiment, found),
        "## Run it",
        "```sh\n" + "\n".join(runs(experiment)) + "\n```",
        f"Declared in `{source(experiment)}`.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n\n"


def equations(lines: Sequence[str]) -> str:
    """Equations below each other, in a block that Markdown does not touch."""
    if len(lines) > 1:
        rows = " \\\\\n".join(f"& {line}" for line in lines)
        lines = [f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"]
    return f"```math\n{lines[0]}\n```" if lines else ""


def what_was_found(found: Mapping[str, Any]) -> Iterable[str]:
    """Outcome, claims, table."""
    seeds = f"{found['seeds']} seeds" if found["seeds"] else "no randomness"
    runs_on = f"{found['data']}, {seeds}" if found["data"] else seeds
    yield f"**{found['outcome'].capitalize()}** ({runs_on})."
    yield "\n".join(f"- {text}" for text in (*found["claims"], *found["warnings"]))
    interval = "95 % interval of the median" if found["seeds"] else ""
    columns = [["arm", found["measure"], interval], *found["arms"]]
    yield folded(table([row if interval else row[:2] for row in columns]), len(found["arms"]))
    yield f"Measured with {found['versions']}."


def settings(experiment: AnyExperiment, found: Mapping[str, Any]) -> Iterable[str]:
    """The setups of its data sets and what the arms vary; of other kinds, what was recorded."""
    if isinstance(experiment, TrainingExperiment):
        columns = {name: setup_rows(setup) for name, setup in sorted(experiment.base.items())}
        names = dict.fromkeys(name for column in columns.values() for name in column)
        rows = [[name, *(one.get(name, "all") for one in columns.values())] for name in names]
        yield table([["", *(SHOWN[name] for name in columns)], *rows])
        arms = [
            [arm, ", ".join(f"`{field}={code(to)}`" for field, to in fields.items()) or "as above"]
            for arm, fields in experiment.vary.items()
        ]
        yield folded(table([["arm", "differs in"], *arms]), len(arms))
    else:
        arms = [[arm, f"`{text}`"] for arm, text in found["settings"].items() if text]
        yield folded(table([["arm", "settings"], *arms]), len(arms))


def runs(experiment: AnyExperiment) -> Iterable[str]:
    """The commands that measure it."""
    yield f"trainlab run {experiment.name}"
    if "mnist" in experiment.data_sets:
        yield f"trainlab run {experiment.name} --data mnist"


def source(experiment: AnyExperiment) -> str:
    """The file that declares an experiment."""
    place = ROOT / "src" / "trainlab" / "experiments"
    line = f'name="{experiment.name}"'
    (path,) = [p for p in place.rglob("*.py") if line in p.read_text(encoding="utf-8")]
    return str(path.relative_to(ROOT))


def index(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The page of pages."""
    known = [(name, EXPERIMENTS[name], about["outcome"]) for name, about in found.items()]
    rows = [[f"[{e.title}]({name}.md)", e.claim, outcome] for name, e, outcome in known]
    return "\n\n".join(
        (
            "<!-- Made by `make docs`. -->",
            "# Experiments",
            INTRODUCTION,
            table([["experiment", "claim", "found"], *rows]),
        )
    )


def table(rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown; the first row is its head."""
    head, *body = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def folded(text: str, rows: int) -> str:
    """A long table behind a line that opens it."""
    if rows <= FOLD:
        return text
    return f"<details>\n<summary>{rows} arms</summary>\n\n{text}\n\n</details>"


# --- files -----------------------------------------------------------------------------


def path(name: str) -> Path:
    """The page of an experiment."""
    return PAGES / f"{name}.md"


def by_hand(name: str) -> str:
    """The part of a page that is written by hand; its headings alone where there is none."""
    if not path(name).is_file():
        return f"{BY_HAND}\n## What to try next\n"
    return BY_HAND + path(name).read_text(encoding="utf-8").partition(BY_HAND)[2]


def main(folder: str | None) -> None:
    """Renews found.json and the figures from a folder of results, then the pages."""
    PAGES.mkdir(exist_ok=True)
    found = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.is_file() else {}
    for name, experiment in EXPERIMENTS.items():
        place = Path(folder or "") / name
        if folder is not None and (place / results.FILE).is_file():
            result = results.load(place)
            found[name] = summary(result)
            (PAGES / f"{name}.png").write_bytes(figure(experiment, result))
    found = {name: found[name] for name in EXPERIMENTS if name in found}
    FOUND.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name in found:
        path(name).write_text(
            page(EXPERIMENTS[name], found[name]) + by_hand(name), encoding="utf-8"
        )
    INDEX.write_text(index(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2] or [None])
