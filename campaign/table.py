"""The table of results in docs/reliability.md, between two markers."""

from __future__ import annotations

import json
import re
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
    """Writes the results of the folder between the markers; those of other parts stay."""
    try:
        text = page.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    head, begin, rest = text.partition(BEGIN)
    before, end, tail = rest.partition(END)
    if not (begin and end):
        raise CampaignError(f"{page} must have the lines {BEGIN} and {END}")
    text = markdown(summaries(folder), before)
    page.write_text(f"{head}{BEGIN}\n\n{text}\n{END}{tail}", encoding="utf-8")


def markdown(found: Sequence[Mapping[str, Any]], before: str = "") -> str:
    """The table, where it was measured, and what the parts report.

    Of the text `before` what it says of parts that are not found stays.
    """
    top, *sections = re.split(r"^### ", before, flags=re.MULTILINE)
    rows = {row[1]: row[0] for row in re.finditer(r"^\| `(\w+)` \|.*$", top, re.MULTILINE)}
    reports = {section.partition("\n")[0]: section.strip() for section in sections}
    places = re.findall(r"^Measured on .*$", top, re.MULTILINE)
    if rows.keys() <= {summary["part"] for summary in found}:
        places = []
    for summary in found:
        rows[summary["part"]] = _row(summary)
        reports[summary["part"]] = f"{summary['part']}\n\n{summary['report']}".strip()
        places.append(_where(summary))
    lines = [
        "| part | promise | cases | tries, by outcome | failed | minutes | commit | seed |",
        "| --- | --- | ---: | --- | ---: | ---: | --- | ---: |",
        *(rows[name] for name in PARTS if name in rows),
        "",
        *dict.fromkeys(places),
        "",
    ]
    for name in PARTS:
        if "\n" in reports.get(name, ""):
            lines += [f"### {reports[name]}", ""]
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
