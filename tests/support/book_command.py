"""Scripts written by a test, and run by `trainlab book`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def run(
    script: Path,
    *words: str,
    options: Sequence[str] = (),
    folder: Path | None = None,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """The finished process of `trainlab book OPTIONS SCRIPT WORDS` without a display."""
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    env.pop("MPLBACKEND", None)
    command = [sys.executable, "-m", "trainlab", "book", *options, str(script), *words]
    return subprocess.run(
        command,
        cwd=folder or script.parent,
        env={**env, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )


def written(folder: Path, text: str, name: str = "script.py") -> Path:
    """A file of this name with the text; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
