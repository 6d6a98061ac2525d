"""Experiments in the user's own files: reads them, and writes one to begin with."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import shlex
import sys
import traceback
from collections.abc import Container, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

from trainlab.errors import DataError, SettingError, TrainlabError, sentence
from trainlab.experiments.base import AnyExperiment, is_name
from trainlab.experiments.validation import NAMED
from trainlab.files import write

SUFFIX: Final = ".py"
_TEMPLATE: Final = "my_experiment.py"
_TEMPLATE_NAME: Final = "my-experiment"
_NEW: Final = "a new experiment"


def is_file(name: object) -> bool:
    """Whether a name is that of a file, not of an experiment."""
    return isinstance(name, str) and name.endswith(SUFFIX)


def read(name: str) -> AnyExperiment:
    """What a file of Python calls EXPERIMENT; it is run to find out, as `python FILE` would be.

    Modules beside it can be imported.  DataError where there is no such file, where it raises an
    error, and where it declares no experiment.
    """
    path = Path(name)
    if not path.is_file():
        must, remedy = "be a file that is there", "trainlab new experiment NAME"
        raise DataError(sentence("FILE.py", "run", must, name, remedy))
    module = _run(path)
    found = getattr(module, "EXPERIMENT", None)
    if not isinstance(found, AnyExperiment):
        must = "be an experiment, such as a TrainingExperiment"
        remedy = "trainlab new experiment NAME"
        for other, value in vars(module).items():
            if isinstance(value, AnyExperiment):
                remedy = f"EXPERIMENT in the place of {other}"
        raise DataError(sentence("EXPERIMENT", name, must, found, remedy))
    if not is_name(found.name):
        raise DataError(sentence("name of EXPERIMENT", name, NAMED, found.name, _TEMPLATE_NAME))
    _check_equations(found, name)
    return dataclasses.replace(found, command=(name,))


def _check_equations(experiment: AnyExperiment, file: str) -> None:
    """DataError for TeX that cannot be set: the page would leave it out unsaid."""
    from trainlab import plots  # after what is refused more quickly

    for line in experiment.equations:
        try:
            plots.equations([line])
        except ValueError as error:
            must = "be TeX, as matplotlib understands it"
            text = sentence("equations of EXPERIMENT", file, must, line)
            raise DataError(f"{text} ({str(error).splitlines()[-1]})") from error


def _run(path: Path) -> object:
    """The module of a file; DataError says in which of its lines an error arose."""
    known = sys.modules.get(path.stem)
    is_free = known is None or Path(getattr(known, "__file__", None) or "") == path.resolve()
    name = path.stem if is_free else f"own_{path.stem}"  # a file random.py takes no module's place
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None  # it ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.modules[name] = module  # where its dataclasses, and workers, look for it
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        told = f"{path} cannot be run: {_where(error, path.resolve())}"
        if isinstance(error, ModuleNotFoundError) and _is_of_the_book(error.name):
            told += f"; try trainlab book {shlex.quote(str(path))}"
        raise DataError(told) from error
    return module


def _is_of_the_book(name: str | None) -> bool:
    """Whether a module is one that scripts of the book import."""
    from trainlab.book.names import BESIDE_SCRIPTS, is_package  # such scripts alone need them

    first = (name or "").partition(".")[0]
    return is_package(first) or first in BESIDE_SCRIPTS


def _where(error: BaseException, path: Path) -> str:
    """What went wrong, and in which line of the file."""
    if isinstance(error, SyntaxError):
        text, lines = error.msg, [error.lineno]
    else:
        frames = traceback.extract_tb(error.__traceback__)
        text = " ".join(str(error).split())
        lines = [one.lineno for one in frames if Path(one.filename) == path]
    place = f" (line {lines[-1]})" if lines and lines[-1] else ""
    return f"{type(error).__name__}: {text}{place}"


def failed(error: Exception, names: Sequence[str]) -> DataError | None:
    """Where an error that is none of ours arose in one of these files; None if it did not."""
    if isinstance(error, TrainlabError):
        return None
    met = {Path(one.filename) for one in traceback.extract_tb(error.__traceback__)}
    for name in filter(is_file, names):
        if (path := Path(name).resolve()) in met:
            return DataError(f"{name} failed: {_where(error, path)}")
    return None


def begin(name: str, folder: Path, taken: Container[str] = ()) -> Path:
    """Write a file with an experiment that runs as it is, to be changed; its path.

    SettingError for a name that no file can have, for one that is `taken` by another experiment or
    by a module, which the file would hide from trainlab itself, and where the file is there.
    """
    spelt = name.removesuffix(SUFFIX).replace("_", "-").lower()
    if not is_name(spelt) or not spelt[0].isalpha():
        raise SettingError(sentence("NAME", _NEW, NAMED, name, _TEMPLATE_NAME))
    path = folder / f"{re.sub('[^a-z0-9]', '_', spelt)}{SUFFIX}"
    if spelt in taken:
        must = "be another than those of trainlab's experiments"
        raise SettingError(sentence("NAME", _NEW, must, name, f"my-{spelt}"))
    if path.exists():
        must = "be that of a file which is not there yet"
        raise SettingError(sentence("NAME", _NEW, must, str(path), "another NAME"))
    if importlib.util.find_spec(path.stem) is not None:
        must = "not be that of a module of Python, which its file would hide"
        raise SettingError(sentence("NAME", _NEW, must, name, f"my-{spelt}"))
    text = resources.files(__package__).joinpath("templates", _TEMPLATE).read_text("utf-8")
    write(path, text.replace(_TEMPLATE_NAME, spelt).replace(_TEMPLATE, path.name).encode("utf-8"))
    return path
