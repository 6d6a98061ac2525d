"""The changelog: its releases, their sections, and the pages that it names."""

from __future__ import annotations

import re
import tomllib
from collections import Counter

from documents import ROOT

TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
RELEASES = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]


def test_what_is_not_released_stands_above_the_version_of_the_package() -> None:
    titles = [release.partition("\n")[0] for release in RELEASES]
    versions = titles[1:] if titles[0] == "Unreleased" else titles
    numbers = [tuple(map(int, re.findall(r"\d+", title)[:3])) for title in versions]
    assert versions[0].partition(", ")[0] == VERSION
    assert numbers == sorted(set(numbers), reverse=True)


def test_each_section_of_a_release_stands_once_and_has_entries() -> None:
    for release in RELEASES:
        sections = re.split(r"^### ", release, flags=re.MULTILINE)[1:]
        titles = Counter(section.partition("\n")[0] for section in sections)
        assert max(titles.values(), default=1) == 1, titles.most_common(1)
        for section in sections or [release]:
            title, _, rest = section.partition("\n")
            assert re.search(r"^- ", rest, re.MULTILINE), f"nothing below {title}"


def test_each_entry_stands_once() -> None:
    found = re.findall(r"^- .+(?:\n  .+)*", TEXT, re.MULTILINE)
    entries = Counter(" ".join(entry.split()) for entry in found)
    assert [entry for entry, times in entries.items() if times > 1] == []


def test_pages_that_are_named_exist() -> None:
    named = set(re.findall(r"\bdocs/[\w/-]+\.(?:md|jsonl?)\b", TEXT))
    assert len(named) > 10
    assert [page for page in sorted(named) if not (ROOT / page).exists()] == []
