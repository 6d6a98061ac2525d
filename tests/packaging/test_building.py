"""What installs trainlab, as far as it can be tested without a network.

The rest is in campaign/packaging.py: installations with and without a compiler.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import sysconfig
import tomllib
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest

from trainlab.engine import native

ROOT = Path(__file__).parents[2]
SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]
FOREIGN = "_native.cpython-399-other.so"
METADATA = b"Name: trainlab\n"

# Of the files that git knows: no user of an sdist needs them.
LEFT_OUT = {".ci", ".github", ".gitignore"}


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """tools/build_backend.py for a source tree in tmp_path, without scikit-build-core."""
    engine = tmp_path / "src" / "trainlab" / "engine"
    old = engine / f"_native{SUFFIX}"

    def build_wheel(folder: str, settings: Any = None, metadata: Any = None) -> str:
        name = "trainlab-1-cp399-none.whl"
        assert old.read_bytes() == b"old"  # which other environments import meanwhile
        with zipfile.ZipFile(Path(folder, name), "w") as wheel:
            wheel.writestr("trainlab/__init__.py", "raise AssertionError('the copy is imported')")
            if settings != "without a compiler":
                wheel.writestr(f"trainlab/engine/_native{SUFFIX}", b"new")
            wheel.writestr("trainlab-1.dist-info/METADATA", METADATA)
            wheel.writestr("trainlab-1.dist-info/RECORD", "of the other wheel")
        return name

    fake = types.ModuleType("scikit_build_core.build")
    for one in ("build_sdist", "get_requires_for_build_sdist", "get_requires_for_build_wheel"):
        setattr(fake, one, None)
    vars(fake)["build_wheel"] = build_wheel
    monkeypatch.setitem(sys.modules, "scikit_build_core", types.ModuleType("scikit_build_core"))
    monkeypatch.setitem(sys.modules, "scikit_build_core.build", fake)
    spec = importlib.util.spec_from_file_location("backend", ROOT / "tools" / "build_backend.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    engine.mkdir(parents=True)
    (engine / FOREIGN).write_bytes(b"of another Python")
    old.write_bytes(b"old")
    monkeypatch.setattr(module, "SOURCE", tmp_path / "src")
    return module


@pytest.mark.parametrize("settings", [None, "without a compiler"])
def test_an_editable_wheel_leads_to_the_source_tree(
    settings: Any, backend: Any, tmp_path: Path
) -> None:
    name = backend.build_editable(str(tmp_path), settings)
    with zipfile.ZipFile(tmp_path / name) as wheel:
        found = {inside: wheel.read(inside) for inside in wheel.namelist()}
    record = found.pop("trainlab-1.dist-info/RECORD").decode()
    assert found == {
        "trainlab.pth": f"{tmp_path / 'src'}\n".encode(),
        "trainlab-1.dist-info/METADATA": METADATA,
    }
    digest = base64.urlsafe_b64encode(hashlib.sha256(METADATA).digest()).decode().rstrip("=")
    assert f"trainlab-1.dist-info/METADATA,sha256={digest},{len(METADATA)}" in record.splitlines()
    engine = {path.name: path.read_bytes() for path in tmp_path.rglob("_native*")}
    built = {} if settings else {f"_native{SUFFIX}": b"new"}  # the old one is gone
    assert engine == {FOREIGN: b"of another Python", **built}


def why_not_built(environment: Path, compiler: str | None, headers: bool) -> str | None:
    """Why the native engine may be missing in an environment; None where it has to be there."""
    place = environment / "place"
    made_for = place.read_text(encoding="utf-8").strip() if place.is_file() else "/"
    if Path(made_for).resolve() != ROOT.resolve():
        return "make has not made this environment for this clone"
    if compiler is None:
        return "there is no C++20 compiler"
    return None if headers else "there are no headers of Python"


def compiler_of_cpp() -> str | None:
    """One that compiles C++20."""
    for name in filter(None, (os.environ.get("CXX"), "c++", "g++", "clang++")):
        command = [*name.split(), "-std=c++20", "-fsyntax-only", "-x", "c++", "-"]
        with contextlib.suppress(OSError):
            done = subprocess.run(
                command, input=b"#include <span>\n", capture_output=True, check=False
            )
            if done.returncode == 0:
                return name
    return None


def test_make_has_built_the_native_engine_where_it_can() -> None:
    """Without it every test of it is skipped, which nobody would see."""
    headers = Path(sysconfig.get_path("include"), "Python.h").is_file()
    reason = why_not_built(Path(sys.prefix), compiler_of_cpp(), headers)
    if reason is not None and native.MISSING is not None:
        pytest.skip(reason)
    assert native.MISSING is None, f"{sys.prefix}/install.log says why the engine is not there"


def test_where_the_native_engine_may_be_missing(tmp_path: Path) -> None:
    told = "make has not made this environment for this clone"
    assert why_not_built(tmp_path, "c++", headers=True) == told
    (tmp_path / "place").write_text(f"{tmp_path}\n", encoding="utf-8")
    assert why_not_built(tmp_path, "c++", headers=True) == told
    (tmp_path / "place").write_text(f"{ROOT}\n", encoding="utf-8")
    assert why_not_built(tmp_path, None, headers=True) == "there is no C++20 compiler"
    assert why_not_built(tmp_path, "c++", headers=False) == "there are no headers of Python"
    assert why_not_built(tmp_path, "c++", headers=True) is None


def test_an_sdist_has_what_git_knows() -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no clone")
    known = {line.partition("/")[0] for line in done.stdout.splitlines()} - LEFT_OUT
    with (ROOT / "pyproject.toml").open("rb") as file:
        included = tomllib.load(file)["tool"]["scikit-build"]["sdist"]["include"]
    patterns = [one.removeprefix("/") for one in included]
    assert {one for one in known if not any(Path(one).match(each) for each in patterns)} == set()
