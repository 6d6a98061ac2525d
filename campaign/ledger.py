"""The results of a part: JSON, a line per case, appended as soon as the case is done."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from campaign.part import ROOT, CampaignError, Result


def commit() -> str:
    """The commit of this tree, with a + where files of it have changed since."""
    try:
        name = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name + ("+" if changed else "")


def _git(*words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


class Ledger:
    """The file of one part.  The last line of a case counts; a torn last line is cut off."""

    def __init__(self, folder: Path, part: str) -> None:
        self.path = folder / f"{part}.jsonl"
        self.summary = folder / f"{part}.json"

    def begin(self, seed: int, quick: bool) -> None:
        """Starts an empty file.  One that is there is kept as NAME.jsonl.before."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            os.replace(self.path, self.path.with_name(self.path.name + ".before"))
        self._append({"seed": seed, "quick": quick})

    def exists(self) -> bool:
        """Whether there is something to go on from."""
        return self.path.exists()

    def read(self) -> tuple[dict[str, Any], dict[str, Result]]:
        """(seed and quick, results by id)."""
        whole, _, torn = self.path.read_bytes().rpartition(b"\n")
        if torn:  # the process was killed while it wrote
            os.truncate(self.path, len(whole) + 1 if whole else 0)
        try:
            head, *lines = (json.loads(line) for line in whole.splitlines())
            found: dict[str, Result] = {}
            for line in lines:
                if "forgotten" in line:
                    for name in line["forgotten"]:
                        found.pop(name, None)
                else:
                    found[line["id"]] = Result(**line)
            return head, found
        except (ValueError, TypeError, KeyError) as error:
            raise CampaignError(f"{self.path} is damaged: {error}; remove it") from error

    def add(self, result: Result) -> None:
        """Appends a result; it is on disk when this returns."""
        self._append(dataclasses.asdict(result))

    def forget(self, names: Sequence[str]) -> None:
        """Lets the results of these cases no longer count, so that they are to do again."""
        self._append({"forgotten": list(names)})

    def _append(self, line: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def save_summary(self, document: dict[str, Any]) -> None:
        """Writes the summary so that the file is at no time half written."""
        draft = self.summary.with_name(self.summary.name + ".part")
        draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        os.replace(draft, self.summary)
