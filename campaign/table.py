"""The table of results in docs/reliability.md, between two markers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from campaign.part import PARTS, ROOT, CampaignError

PAGE: Final = ROOT / "docs" / "reliability.md"
BEGIN: Final = "<!-- campaign: begin -->"
END: Final = "<!-- campaign: end -->"


def summaries(folder: Path) -> list[dict[str, Any]]:
    """The summaries in a folder, in the order of the parts."""
    paths = [folder / f"{name}.json" for name in PARTS]
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
    if not found:
        raise CampaignError(f"{folder} has no results; run `python -m campaign` first")
    return found


def renew(folder: Path, page: Path = PAGE) -> None:
    """Replaces what stands between the markers by the results of the folder."""
    try:
        text = page.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise CampaignError(f"{page} must have the lines {BEGIN} and {END}")
    page.write_text(
        f"{head}{BEGIN}\n\n{markdown(summaries(folder))}\n{END}{tail}", encoding="utf-8"
    )


def markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """The table, where it was measured, and what the parts report."""
    lines = [
        "| part | promise | cases | tries, by outcome | failed | minutes | commit | seed |",
        "| --- | --- | ---: | --- | ---: | ---: | --- | ---: |",
    ]
    lines += [_row(summary) for summary in found]
    lines += ["", *dict.fromkeys(_where(summary) for summary in found), ""]
    for summary in found:
        if summary["report"]:
            lines += [f"### {summary['part']}", "", summary["report"], ""]
    return "\n".join(lines)


def _row(summary: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{number:,} {word}" for word, number in summary["counts"].items())
    done, cases = summary["done"], summary["cases"]
    ran = f"{cases:,}" if done == cases else f"{done:,} of {cases:,}"
    if summary["quick"]:
        ran += " (quick)"
    commits = ", ".join(
        name if len(summary["commits"]) == 1 else f"{name} ({number:,})"
        for name, number in summary["commits"].items()
    )
    cells = [
        f"`{summary['part']}`",
        summary["promise"],
        ran,
        counts,
        f"{summary['failed']:,}",
        f"{summary['seconds'] / 60:.0f}",
        commits,
        str(summary["seed"]),
    ]
    return "| " + " | ".join(cells) + " |"


def _where(summary: Mapping[str, Any]) -> str:
    where = summary["machine"]
    versions = ", ".join(
        f"{name} {version}" for name, version in where["versions"].items() if version
    )
    return (
        f"Measured on {where['processor']}, {where['cores']} cores, {where['system']}, "
        f"Python {where['python']}, {versions}; {summary['date']}."
    )
