"""trainlab's command line, in a process of its own: start, data, training, figures and page."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile

from benchmarks.contestants.base import Contestant, Outcome


class Command(Contestant):
    """`trainlab run …` from the first import to the last file."""

    def warm_up(self) -> None:
        # The command is a process of its own each time: what can be warm is the disk.
        subprocess.run([sys.executable, "-m", "trainlab", "list"], check=True, capture_output=True)

    def run(self, steps: int | None = None) -> Outcome:
        with tempfile.TemporaryDirectory() as folder:
            words = [sys.executable, "-m", "trainlab", *self.workload.command, "--out", folder]
            done = subprocess.run(words, check=False, capture_output=True, text=True)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if re.search(r"\S", line)]
            raise RuntimeError(lines[-1] if lines else f"exit code {done.returncode}")
        return {}


prepare = Command
