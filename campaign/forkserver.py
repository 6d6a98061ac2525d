"""Runs pytest in forked children of a process that has imported the slow libraries already.

`python -m campaign.forkserver` reads requests from stdin and answers on stdout, a line of JSON
each. A request: {"arguments": [...], "seconds": limit, "log": file}. An answer: {"code": exit
status or null after the limit, "seconds": ...}. It ends when stdin does. trainlab is not
imported here, so a child runs whatever lies on PYTHONPATH at that moment.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

MEMORY: Final = 12 << 30  # bytes of address space: a fault may ask for any size
POLL: Final = 0.01  # seconds
# What the tests import and takes long.
LIBRARIES: Final = (
    "numpy",
    "numpy.testing",
    "scipy.sparse",
    "scipy.special",
    "scipy.stats",
    "sklearn.datasets",
    "sklearn.model_selection",
    "sklearn.neural_network",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.utils.estimator_checks",
    "joblib",
    "pandas",
    "jinja2",
    "click.testing",
    "requests",
    "pooch",
    "rich.console",
    "rich.progress",
    "rich.table",
    "safetensors.numpy",
    "threadpoolctl",
    "matplotlib.figure",
    "onnx",
    "onnxruntime",
    "optuna",
    "distributed",
    "pytest",
    "_pytest.doctest",
    "_pytest.pytester",
)


class ForkServer:
    """The server, seen from the process that asks."""

    def __init__(self, tree: Path, variables: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "campaign.forkserver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tree,
            env={**os.environ, **variables},
            start_new_session=True,  # Ctrl-C is for the campaign, which then closes this
        )

    def pytest(
        self, arguments: Sequence[str], seconds: float, log: Path
    ) -> tuple[int | None, float]:
        """The exit status of pytest, None if it took longer than the limit; and its seconds."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        request = {"arguments": list(arguments), "seconds": seconds, "log": str(log)}
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        return answer["code"], answer["seconds"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the server and what it runs."""
        self._process.terminate()
        self._process.communicate()


def serve() -> None:
    """Answers requests until stdin ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in LIBRARIES:
            with contextlib.suppress(ImportError):  # an extra that is not here
                importlib.import_module(name)
    assert not any(name.partition(".")[0] == "trainlab" for name in sys.modules)
    while line := sys.stdin.readline():
        answers.write(json.dumps(_answer(json.loads(line))) + "\n")
        answers.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    begun = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a library may have started threads
        child = os.fork()
    if not child:
        _run(request["arguments"], request["log"])
    code = None
    try:
        code = _wait(child, begun + request["seconds"])
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)  # with what the tests have left behind
        if code is None:
            os.waitpid(child, 0)
    return {"code": code, "seconds": round(time.monotonic() - begun, 3)}


def _wait(child: int, until: float) -> int | None:
    while time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(POLL)
    return None


def _run(arguments: list[str], log: str) -> None:
    """The child: never returns."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        null = os.open(os.devnull, os.O_RDONLY)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for source, target in ((null, 0), (out, 1), (out, 2)):
            os.dup2(source, target)
        import pytest

        code = int(pytest.main(arguments))
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
