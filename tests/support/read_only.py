"""A folder that really is read-only: mode bits stop nobody who is root, a mount does."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NOBODY = 65534
# The mount covers the folder for what is started below, so that is where it has to enter it.
MOUNT = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$1" && shift && exec "$@"'


@dataclass(frozen=True)
class ReadOnly:
    """Starts commands for which `folder` is read-only; `how` says by what."""

    folder: Path
    how: str
    prefix: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def run(
        self, words: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs the words in the folder `cwd`."""
        entered = [*self.prefix, str(cwd)] if self.prefix else []
        return subprocess.run(
            [*entered, *words],
            cwd=cwd,
            env=None if env is None else dict(env),
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
            **self.options,
        )

    def keeps(self) -> bool:
        """Whether a file cannot be made in the folder."""
        probe = self.folder / "probe"
        try:
            self.run(["touch", str(probe)], self.folder)
        except OSError:
            return False
        entered = self.run(["ls", "."], self.folder).returncode == 0
        made = probe.exists()
        probe.unlink(missing_ok=True)
        return entered and not made


def read_only(folder: Path) -> ReadOnly:
    """The first way that works here; skips where none does."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    ways = [ReadOnly(folder, "mode bits")]
    if shutil.which("unshare"):
        for flags in (["--mount"], ["--mount", "--map-root-user"]):
            prefix = ("unshare", *flags, "sh", "-c", MOUNT, str(folder))
            ways.append(ReadOnly(folder, "a mount", prefix))
    if os.name == "posix" and os.geteuid() == 0:
        ways.append(ReadOnly(folder, "another user", options={"user": NOBODY, "extra_groups": []}))
    for way in ways:
        if way.keeps():
            return way
    pytest.skip("nothing here makes a folder read-only: root, without mounts or other users")
