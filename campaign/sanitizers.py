"""The tests of the engine, with the native one compiled to find wrong addresses and overflows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from campaign.packaging import copied
from campaign.part import Case, Outcome, Part

SANITIZERS: Final = "address,undefined"
# One process for each instruction set: the names are those of TRAINLAB_NATIVE_ISA.
SETS: Final = ("avx512", "avx2", "plain")
TESTS: Final = ("tests/engine", "tests/book/test_native.py")
PYTEST: Final = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow and not mnist")
LIMIT: Final = 4 * 3600.0
SHOWN: Final = 2000  # characters of what was found


class Sanitizers(Part):
    """The part.  Each worker compiles the engine once, in a copy of the tree."""

    name = "sanitizers"
    promise = (
        "the native engine reads and writes no memory but its own and does nothing that C++ "
        "leaves undefined, in the tests of the engine"
    )

    def cases(self, seed: int, quick: bool) -> Sequence[Case]:
        """One for each instruction set."""
        return [Case(name, name) for name in (SETS[1:2] if quick else SETS)]

    def run(self, case: Case, scratch: Path) -> Outcome:
        """Compiles, and runs the tests."""
        tree, build = copied(scratch / "tree"), scratch / "build"
        engine = tree / "src" / "trainlab" / "engine"
        options = [f"-DTRAINLAB_SANITIZE={SANITIZERS}", f"-DPython_EXECUTABLE={sys.executable}"]
        options += ["-DTRAINLAB_WERROR=ON", f"-DCMAKE_LIBRARY_OUTPUT_DIRECTORY={engine}"]
        cmake = [sys.executable, "-m", "cmake"]
        for command in (
            [*cmake, "-S", tree, "-B", build, *options],
            [*cmake, "--build", build],
        ):
            done = _run(command, tree, dict(os.environ))
            if done.returncode:
                return Outcome(False, done.stdout[-SHOWN:], {"not compiled": 1})
        variables = {
            "PYTHONPATH": f"{tree / 'src'}",
            "TRAINLAB_NATIVE_ISA": case.given,
            "LD_PRELOAD": " ".join(map(_library, ("libasan.so", "libubsan.so"))),
            # Python keeps memory to its end, which is no leak of the engine.  New memory is full of
            # NaN, so that what is read before it is written shows.
            "ASAN_OPTIONS": "detect_leaks=0:malloc_fill_byte=255:max_malloc_fill_size=1073741824",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        }
        ask = [sys.executable, "-c", "from trainlab.engine import _native; print(_native.isa)"]
        done = _run(ask, tree, {**os.environ, **variables})
        if "names no instruction set of this machine" in done.stdout:
            return Outcome(True, "", {"not on this machine": 1})
        if done.stdout.strip() != case.given:
            return Outcome(False, done.stdout[-SHOWN:], {"not loaded": 1})
        tests = [sys.executable, "-m", "pytest", *PYTEST, *TESTS]
        done = _run(tests, tree, {**os.environ, **variables})
        if done.returncode:
            return Outcome(False, done.stdout[-SHOWN:], {"failed": 1})
        return Outcome(True, done.stdout.strip().splitlines()[-1], {"clean": 1})


def _library(name: str) -> str:
    """Where the compiler has a library."""
    command = ["c++", f"-print-file-name={name}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _run(
    command: Sequence[object], place: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )


PART: Final = Sanitizers()
