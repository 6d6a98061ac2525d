"""Faults of `fsync` in SQLite, which has no interface for that: by strace, where it is there."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from campaign.processes import Answer, Child

SECONDS: Final = 10.0  # to attach
TRACE: Final = "trace=fsync,fdatasync"


@functools.cache
def can_trace() -> bool:
    """Whether strace is here and may look at a process that it has not started."""
    if shutil.which("strace") is None:
        return False
    with subprocess.Popen(["sleep", "60"]) as sleeper, _strace(sleeper.pid) as tracer:
        found = _attached(sleeper.pid, tracer)
        sleeper.kill()
    return found


def _strace(process: int, *more: str) -> subprocess.Popen[bytes]:
    words = ["strace", "-f", "-qq", "-o", os.devnull, "-e", TRACE, *more, "-p", str(process)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _attached(process: int, tracer: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + SECONDS
    status = Path("/proc", str(process), "status")
    while tracer.poll() is None and time.monotonic() < until:
        if f"TracerPid:\t{tracer.pid}\n" in status.read_text(encoding="ascii", errors="replace"):
            return True
        time.sleep(0.005)
    return False


def without_sync(work: Callable[[], Any], scratch: Path, at: int) -> Answer:
    """Does some work, in which call number `at` of fsync or fdatasync in each thread fails."""
    go = scratch / "go"
    go.unlink(missing_ok=True)

    def do() -> Any:
        while not go.exists():
            time.sleep(0.005)
        return work()

    child = Child(do, scratch / "answer.json")
    fault = f"inject=fsync,fdatasync:error=EIO:when={at + 1}"
    with _strace(child.number, "-e", fault) as tracer:
        if _attached(child.number, tracer):
            go.touch()
            return child.answer()
        child.kill()
        tracer.kill()
    return Answer(error="CampaignError", text="strace could not attach")
