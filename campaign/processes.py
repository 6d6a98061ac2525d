"""Work in forked processes: it can be killed, and what it gives back is read from a file."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import resource
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

POLL: Final = 0.002  # seconds
SECONDS: Final = 120.0  # after which work hangs, whatever the machine is busy with
ORPHANS: Final = 20.0  # seconds in which the children of a process that was killed must end


@dataclasses.dataclass(frozen=True)
class Answer:
    """How a process ended.

    value   what the work returned, if it did
    error   the name of the type of what it raised, and text, what that says
    code    the exit status; a negative one is the signal that killed it
    """

    value: Any = None
    error: str = ""
    text: str = ""
    code: int = 0

    def __str__(self) -> str:
        if self.error:
            return f"{self.error}: {self.text}"
        return f"exit status {self.code}" if self.code else "done"


class Child:
    """A forked process that does some work, in a process group of its own.

    The work returns plain JSON; what it prints goes to a file beside the answer.  `memory`:
    bytes that it may have beyond what it begins with.
    """

    def __init__(self, work: Callable[[], Any], answer: Path, memory: int | None = None) -> None:
        self._answer = answer
        answer.unlink(missing_ok=True)
        self.begun = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a library may have threads
            self.number = os.fork()
        if not self.number:
            _work(work, answer, memory)
        with contextlib.suppress(OSError):  # it may have done so itself, or be dead already
            os.setpgid(self.number, self.number)
        self._code: int | None = None

    def ended(self) -> bool:
        """Whether it has ended."""
        if self._code is None:  # its number is its own until it has been waited for
            found, status = os.waitpid(self.number, os.WNOHANG)
            if found:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code is not None

    def wait(self, seconds: float) -> bool:
        """Waits until it has ended, for so long; whether it has."""
        until = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > until:
                return False
            time.sleep(POLL)
        return True

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Sends the process a signal, and waits for its end; not its own children."""
        if not self.ended():
            os.kill(self.number, number)
            if not self.wait(SECONDS):
                os.kill(self.number, signal.SIGKILL)
                self.wait(SECONDS)

    def signal(self, number: int) -> None:
        """Sends the process a signal, if it has not ended."""
        if not self.ended():
            os.kill(self.number, number)

    @property
    def killed(self) -> bool:
        """Whether a signal has ended it."""
        return self._code is not None and self._code < 0

    def answer(self, seconds: float = SECONDS) -> Answer:
        """Waits, and says how it ended; "hangs" after so many seconds."""
        try:
            if not self.wait(seconds):
                self.kill()
                return Answer(error="Hang", text=f"no end after {seconds:.0f} s", code=-9)
        finally:
            self.kill()
            self.clear()
        with contextlib.suppress(OSError, ValueError):
            return Answer(**json.loads(self._answer.read_text(encoding="utf-8")))
        return Answer(code=self._code or 1)

    def orphans(self) -> list[int]:
        """The processes of its group that are still there after a while; these are killed."""
        until = time.monotonic() + ORPHANS
        while (left := _living(self.number)) and time.monotonic() < until:
            time.sleep(POLL)
        self.clear()
        return left

    def clear(self) -> None:
        """Kills what is left of its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.number, signal.SIGKILL)


def _work(work: Callable[[], Any], answer: Path, memory: int | None) -> None:
    """The child: never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory is not None:
            limit = _size() + memory
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        log = os.open(answer.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = Answer(work())
            except BaseException as error:  # noqa: BLE001  # the parent judges it
                traceback.print_exc()
                found = Answer(error=type(error).__name__, text=str(error)[:500])
        with open(answer, "w", encoding="utf-8") as file:
            file.write(json.dumps(dataclasses.asdict(found)))
        code = 0
    finally:
        os._exit(code)


def _size() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def _living(group: int) -> list[int]:
    """The processes of a group that have not ended, from /proc."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            with contextlib.suppress(OSError):
                words = Path("/proc", entry, "stat").read_text(encoding="utf-8", errors="replace")
                state, _, its_group = words.rpartition(")")[2].split()[:3]
                if int(its_group) == group and state not in "ZX":
                    found.append(int(entry))
    return found
