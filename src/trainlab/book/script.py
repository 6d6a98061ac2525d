"""Runs a reader's script, unmodified, as Python would run it."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import SourceLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final

from trainlab.blas import one_thread
from trainlab.book.names import OURS, BookModuleError, Reader, install_for, whose
from trainlab.book.old_numpy import old_names_served, serve_old_names
from trainlab.errors import TrainlabError, nearest

FAILED = 1
MISSING: Final = re.compile(r"cannot import name '(\w+)' from ")
"""What Python says of a name that a module lacks."""
ENVIRONMENT: Final = "TRAINLAB_BOOK"
"""The environment variable that tells the children of a script for whom they work."""
CHILD: Final = "trainlab.book.child"


def run(
    script: Path,
    arguments: Sequence[str] = (),
    *,
    ours: bool = False,
    data_dir: Path | None = None,
) -> int:
    """Runs the script as `__main__`, with the book's modules at hand; the exit code.

    As with `python script arguments`: `sys.argv` and `sys.path` are what the script expects,
    the working directory is the caller's, an error prints its traceback and gives 1, and
    `sys.exit` ends the process.  Without a screen `plt.show()` writes files beside each other in
    the working directory, or in a temporary folder if that is read-only, and prints their paths.

    A module that Python finds is the reader's own, the others are ours; with `ours` all that
    there are of ours.  A last line on standard error says which modules were whose.  `data_dir`: a
    folder with MNIST; DataError where it is not there.

    BLAS has one thread meanwhile: of the book's small products several would wait for each other.
    """
    from trainlab.plots import backend  # `install` alone need not wait for matplotlib

    if data_dir is not None:
        from trainlab.data.mnist import folders

        data_dir = folders(data_dir)[0].absolute()
    place = os.path.abspath(script)
    reader = Reader(place, ours, None if data_dir is None else str(data_dir))
    install_for(reader)
    argv, path = sys.argv, sys.path
    sys.path = [reader.folder, *path[starts_with_ours() :]]
    sys.argv = [place, *arguments]
    to_files = backend.figures_to_files(script.stem)
    shown = contextlib.nullcontext() if backend.has_screen() else to_files
    try:
        with shown, told_to_children(reader), old_names_served(), one_thread():
            execute(place, "__main__")
    except BrokenPipeError:
        raise  # `trainlab book SCRIPT | head` is no error
    except Exception as error:  # noqa: BLE001 - reported as Python reports it
        sys.stdout.flush()
        suggest(error)
        trace = own_part(error.__traceback__, place)
        if isinstance(error, TrainlabError | BookModuleError):
            trace = without_ours(trace)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return FAILED
    finally:
        sys.argv, sys.path = argv, path
        say_whose()
    return 0


def starts_with_ours() -> bool:
    """Whether `sys.path` starts with the folder of our program, as Python adds it.

    A script would look for modules there, as it would not with `python SCRIPT`.
    """
    programs = ("", os.getcwd(), os.path.dirname(os.path.abspath(sys.argv[0])))
    return not sys.flags.safe_path and sys.path[0] in programs


def execute(place: str, name: str) -> dict[str, Any]:
    """Runs the file as the module `name`; what its names are at the end."""
    main, before = ModuleType(name), sys.modules[name]
    main.__file__, main.__loader__ = place, Source(place)
    main.__spec__ = MainSpec(CHILD, None)
    sys.modules[name] = main
    try:
        main.__loader__.exec_module(main)
    finally:
        sys.modules[name] = before
    return vars(main)


class MainSpec(ModuleSpec):
    """Names what children import, and says that the script is in no package."""

    @property
    def parent(self) -> str:
        """The package that relative imports start from."""
        return ""


class Source(SourceLoader):
    """Reads a script, and leaves no compiled file beside it."""

    def __init__(self, place: str) -> None:
        self.place = place

    def get_filename(self, fullname: str) -> str:
        """Where the script is."""
        return self.place

    def get_data(self, path: Any) -> bytes:
        """The bytes of a file."""
        return Path(path).read_bytes()


@contextlib.contextmanager
def told_to_children(reader: Reader) -> Iterator[None]:
    """Inside, processes that are started know the reader they work for."""
    before = os.environ.get(ENVIRONMENT)
    os.environ[ENVIRONMENT] = json.dumps(dataclasses.asdict(reader))
    try:
        yield
    finally:
        os.environ.pop(ENVIRONMENT)
        if before is not None:
            os.environ[ENVIRONMENT] = before


def run_in_child(name: str) -> dict[str, Any]:
    """Runs the script as multiprocessing's children do, under a name that is not `__main__`."""
    reader = Reader(**json.loads(os.environ[ENVIRONMENT]))
    assert reader.script is not None
    install_for(reader)
    serve_old_names()
    until_the_end = contextlib.ExitStack()
    until_the_end.enter_context(one_thread())
    atexit.register(until_the_end.close)
    return execute(reader.script, name)


def say_whose() -> None:
    """Writes to standard error which of the book's modules were the reader's and which ours."""
    found = whose()
    theirs = ", ".join(f"{name} ({file})" for name, file in found.items() if file != OURS)
    ours = ", ".join(name for name, file in found.items() if file == OURS)
    parts = [f"your files: {theirs}"] * bool(theirs) + [f"trainlab: {ours}"] * bool(ours)
    if parts:
        apart = ", which do not use yours" if len(parts) == 2 else ""
        with contextlib.suppress(OSError, ValueError):  # the script may have closed it
            sys.stderr.write(f"trainlab: modules from {'; from '.join(parts)}{apart}\n")


def suggest(error: Exception) -> None:
    """Notes which name of a module a misspelt one stands for, as Python does from 3.12 on."""
    wanted = MISSING.match(str(error))
    if wanted is None or not isinstance(error, ImportError) or hasattr(error, "name_from"):
        return
    module = sys.modules.get(error.name or "")
    near = nearest(wanted[1], getattr(module, "__all__", None) or dir(module))
    if near is not None:
        error.add_note(f"Did you mean: {near!r}?")


def own_part(trace: TracebackType | None, script: str) -> TracebackType | None:
    """The traceback from the script on: the reader need not see who called it."""
    while trace is not None and trace.tb_frame.f_code.co_filename != script:
        trace = trace.tb_next
    return trace


def without_ours(trace: TracebackType | None) -> TracebackType | None:
    """The traceback up to the reader's last line: our errors say what was wrong there."""
    if trace is None:
        return None
    rest = without_ours(trace.tb_next)
    package = trace.tb_frame.f_globals.get("__name__", "").partition(".")[0]
    if rest is None and package in ("trainlab", "contextlib"):  # which decorates ours
        return None
    return TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
