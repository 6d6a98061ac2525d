"""Runs a reader's script, unmodified, as Python would run it."""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from trainlab.book.names import install

FAILED = 1


def run(script: Path, arguments: Sequence[str] = ()) -> int:
    """Runs the script as `__main__`, with the book's modules at hand; the exit code.

    As with `python script arguments`: `sys.argv` and `sys.path` are what the script expects,
    the working directory is the caller's, an error prints its traceback and gives 1, and
    `sys.exit` ends the process.  Without a screen `plt.show()` writes files beside each other in
    the working directory, or in a temporary folder if that is read-only, and prints their paths.
    """
    from trainlab.plots import backend  # here: who only installs need not wait for matplotlib

    install()
    argv, path = sys.argv, sys.path
    place = os.path.abspath(script)
    sys.argv = [place, *arguments]
    sys.path = [str(script.resolve().parent), *path]
    screen = contextlib.nullcontext() if backend.has_screen() else None
    try:
        with screen or backend.figures_to_files(script.stem):
            runpy.run_path(place, run_name="__main__")
    except BrokenPipeError:
        raise  # `trainlab book SCRIPT | head` is no error
    except Exception as error:  # noqa: BLE001 - reported as Python reports it
        sys.stdout.flush()
        trace = own_part(error.__traceback__, place)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return FAILED
    finally:
        sys.argv, sys.path = argv, path
    return 0


def own_part(trace: TracebackType | None, script: str) -> TracebackType | None:
    """The traceback from the script on: who called it is no news for its reader."""
    while trace is not None and trace.tb_frame.f_code.co_filename != script:
        trace = trace.tb_next
    return trace
