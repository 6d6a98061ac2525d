"""Installations in clean environments: with a C++ compiler, without one, with one that fails.

Each takes minutes and asks the package index, so no test of `make test` does it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from campaign.part import ROOT, Case, Outcome, Part, sources

TRAIN: Final = """
import trainlab as tl
network, data = tl.Network(tl.MLP(hidden=(8,))), tl.load_digits()
try:
    history = network.fit(data, epochs=1, engine="native")
except tl.SettingError:  # it is not there
    history = network.fit(data, epochs=1)
print("trained by", history.engine)
"""
COMPILERS: Final = ("c++", "g++", "gcc", "clang", "cpp", "c89", "c99", "icpx")
MISSING: Final = "there is no C++ compiler that works"
LIMIT: Final = 1800.0  # seconds of one command, which may download everything
SHOWN: Final = 1500  # characters of what a command that failed said

# Compiler → the engine that is there afterwards.
EXPECTED: Final[Mapping[str, str]] = {
    "working": "native",
    "missing": "numpy",
    "failing": "numpy",  # at everything
    "too old": "numpy",  # at the engine, and at nothing that CMake tries before
}


class InstallationError(Exception):
    """A command that ended badly, or an answer that is not the expected one."""


class Packaging(Part):
    """The part."""

    name = "packaging"
    promise = (
        "trainlab installs with a C++ compiler, without one and with one that fails, from the "
        "source tree and from an sdist, and says which engine it has; an sdist tests itself"
    )

    def cases(self, seed: int, quick: bool) -> Sequence[Case]:
        """Ways to install × compilers."""
        found = [
            Case(f"{way}/{kind}", (way, kind))
            for way in WAYS
            for kind in EXPECTED
            if kind == "working" or way != "tests"
        ]
        return found[:1] if quick else found

    def run(self, case: Case, scratch: Path) -> Outcome:
        """One installation."""
        way, kind = case.given
        try:
            WAYS[way](copied(scratch / "tree"), _environment(scratch, kind), kind)
        except InstallationError as error:
            return Outcome(False, str(error), {"failed": 1})
        return Outcome(True, "", {"installed": 1})


def _sdist(tree: Path, environment: Mapping[str, str], kind: str) -> None:
    """pip builds a wheel from what an sdist holds, and installs it into a new environment."""
    venv, place = tree.parent / "venv", tree.parent / "elsewhere"
    packed = _packed(tree, venv, place, environment)
    pip = [venv / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    with tarfile.open(packed) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    _expect({"pyproject.toml", "native/src/kernels.cpp", "tools/build_backend.py"} <= names, names)
    _expect(not any(name.endswith((".so", ".pyc")) for name in names), names)
    _run([*pip, "install", packed], place, environment)
    _check(venv / "bin" / "python", place, environment, EXPECTED[kind])


def _packed(tree: Path, venv: Path, place: Path, environment: Mapping[str, str]) -> Path:
    """An sdist of the tree in a new folder, built in a new environment."""
    place.mkdir()
    _run([sys.executable, "-m", "venv", venv], place, environment)
    pip = [venv / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    _run([*pip, "install", "build"], place, environment)
    _run([venv / "bin" / "python", "-m", "build", "--sdist", "-o", place, tree], place, environment)
    (packed,) = place.glob("*.tar.gz")
    return packed


def _tests(tree: Path, environment: Mapping[str, str], kind: str) -> None:
    """What an sdist holds is enough to test it: by some tests of each room, where no git is."""
    place = tree.parent / "elsewhere"
    packed = _packed(tree, tree.parent / "venv", place, environment)
    shutil.rmtree(tree)
    with tarfile.open(packed) as archive:
        archive.extractall(place, filter="data")
    (unpacked,) = (path for path in place.iterdir() if path.is_dir())
    _run(["make", ".venv/installed", f"PYTHON={sys.executable}"], unpacked, environment)
    python = unpacked / ".venv" / "bin" / "python"
    _check(python, place, environment, EXPECTED[kind])
    pytest = [python, "-m", "pytest", "-q", "--fewest-cases", "-p", "no:cacheprovider"]
    said = _run([*pytest, "@tests/quick.txt"], unpacked, environment)
    _expect(" passed" in said.splitlines()[-1], said)


def _make(tree: Path, environment: Mapping[str, str], kind: str) -> None:
    """`make run` in a clone; the environment is not made again until the engine changes."""
    make = ["make", "run", "RUN=derivative", f"PYTHON={sys.executable}"]
    said = _run(make, tree, environment)
    lines = [line for line in said.splitlines() if "no native engine" in line]
    _expect(len(lines) == (EXPECTED[kind] != "native"), said)
    _expect((tree / "results" / "index.html").is_file(), said)
    if kind in ("missing", "failing"):
        _expect(MISSING in lines[0], said)
    python, engine = tree / ".venv" / "bin" / "python", EXPECTED[kind]
    _check(python, tree.parent, environment, engine)
    if kind == "working":
        _renewed(tree, environment, python, make)


def _renewed(
    tree: Path, environment: Mapping[str, str], python: Path, make: Sequence[object]
) -> None:
    """What is compiled is what lies in native/, and it is compiled once."""
    (module,) = (tree / "src" / "trainlab" / "engine").glob("_native.*")
    before = module.stat().st_mtime_ns
    _run(make, tree, environment)
    _expect(module.stat().st_mtime_ns == before, "compiled again, and nothing had changed")
    source = tree / "native" / "src" / "module.cpp"
    text = source.read_text(encoding="utf-8")
    start = text.index("{", text.index("NB_MODULE(_native, ")) + 1
    changed = f'{text[:start]}\n    module.attr("changed") = true;{text[start:]}'
    source.write_text(changed, encoding="utf-8")
    _run(make, tree, environment)
    ask = "from trainlab.engine import _native; print(_native.changed)"
    _expect(_run([python, "-c", ask], tree.parent, environment).strip() == "True", "not renewed")
    # Another source tree, in which nothing was compiled, comes first where PYTHONPATH names it.
    other = copied(tree.parent / "other") / "src"
    said = _run([python, "-m", "trainlab", "info"], tree, {**environment, "PYTHONPATH": str(other)})
    _expect(said.startswith("engine: numpy ("), said)


def _check(python: Path, place: Path, environment: Mapping[str, str], engine: str) -> None:
    """What a user sees: a training, and what `trainlab info` says of the engine."""
    said = _run([python, "-c", TRAIN], place, environment)
    _expect(said.strip() == f"trained by {engine}", said)
    said = _run([python, "-m", "trainlab", "info"], place, environment)
    there = "is installed" if engine == "native" else "is not installed"
    _expect(said.startswith(f"engine: numpy (native {there}: "), said)


# --- what the installations need -----------------------------------------------------------


def copied(to: Path) -> Path:
    """The files of the project, at another place."""
    for name in sources():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, to / name)
    return to


def _environment(scratch: Path, kind: str) -> dict[str, str]:
    """The variables of a machine with such a compiler."""
    left_out = ("PYTHONPATH", "CXX", "CC", "CXXFLAGS", "VIRTUAL_ENV")
    found = {name: value for name, value in os.environ.items() if name not in left_out}
    if kind == "missing":
        found["PATH"] = str(_without_compilers(scratch / "bin"))
    elif kind != "working":
        condition = 'case "$*" in *kernels.cpp*) exit 1;; esac; exec c++ "$@"'
        compiler = scratch / "failing-c++"
        body = "exit 1" if kind == "failing" else condition
        compiler.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        compiler.chmod(0o755)
        found["CXX"] = str(compiler)
    return found


def _without_compilers(folder: Path) -> Path:
    """A folder with links to all programs on the PATH but compilers."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in sorted(Path(place).glob("*")):
            link = folder / program.name
            is_compiler = program.name == "cc" or any(one in program.name for one in COMPILERS)
            if not is_compiler and not link.is_symlink():
                link.symlink_to(program.absolute())
    return folder


def _run(command: Sequence[object], place: Path, environment: Mapping[str, str]) -> str:
    """What it prints."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    _expect(done.returncode == 0, f"{' '.join(words[:6])}: {done.stdout[-SHOWN:]}")
    return done.stdout


def _expect(holds: bool, otherwise: object) -> None:
    if not holds:
        raise InstallationError(str(otherwise)[-SHOWN:])


WAYS: Final[Mapping[str, Callable[[Path, Mapping[str, str], str], None]]] = {
    "sdist": _sdist,
    "make": _make,
    "tests": _tests,
}
PART: Final = Packaging()
