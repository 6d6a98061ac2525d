"""Groups of dependencies, and the lock file of the benchmark."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS: dict[str, list[str]] = PYPROJECT["dependency-groups"]
PIN = re.compile(
    r"^([a-z0-9-]+)==([^ ;]+)([^\\\n]*)\\\n((?:    --hash=sha256:[0-9a-f]{64}[ \\]*\n)+)"
)


def named(requirement: str) -> str:
    """The name of what is required, as registries write it."""
    return re.split(r"[<>=~!;\[ ]", requirement)[0].lower().replace("_", "-")


def locked() -> dict[str, set[str]]:
    """Name → versions in the lock file, each with hashes; nothing else is in it."""
    text = (ROOT / "tools" / "bench.lock").read_text(encoding="utf-8")
    rest = "".join(f"{line}\n" for line in text.splitlines() if not line.startswith("#"))
    found: dict[str, set[str]] = {}
    while match := PIN.match(rest):
        name, version, _, _ = match.groups()
        found.setdefault(name, set()).add(version)
        rest = rest[match.end() :]
    assert rest == ""
    return found


def test_the_lock_has_what_the_benchmark_and_the_package_need() -> None:
    found = locked()
    for line in GROUPS["bench"]:
        name, version = line.split("==")
        assert found[name] == {version}
    for line in PYPROJECT["project"]["dependencies"]:
        name, lowest = line.split(">=")
        for version in found[named(name)]:
            assert numbers(version) >= numbers(lowest), line


def numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def test_the_lock_names_the_command_that_writes_it() -> None:
    head = (ROOT / "tools" / "bench.lock").read_text(encoding="utf-8").splitlines()[1]
    command = head.removeprefix("#").strip()
    assert command.startswith("uv pip compile pyproject.toml --group bench")
    assert command in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()


def test_make_names_groups_that_are_there() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"--group (\S+?)\)?(?=\s)", text)) == set(GROUPS)
    assert not set(GROUPS) & set(PYPROJECT["project"]["optional-dependencies"])


def test_every_extra_is_on_the_page_of_installing() -> None:
    page = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    for extra in PYPROJECT["project"]["optional-dependencies"]:
        assert f"`{extra}`" in page, extra


def test_what_users_can_add_is_tested() -> None:
    """What an extra needs, the group of the tests has, no older; two are too large for it."""
    tested = {named(line): line for line in GROUPS["test"]}
    for extra, lines in PYPROJECT["project"]["optional-dependencies"].items():
        for line in () if extra in ("mlflow", "wandb") else lines:
            assert tested[named(line)] == line, f"{line} of the extra {extra}"


@pytest.mark.skipif(os.name == "nt", reason="it is a script of a POSIX shell")
@pytest.mark.parametrize("how", ["group", "lock", "lowest", "unknown"])
def test_what_an_environment_is_made_of(how: str, tmp_path: Path) -> None:
    """By a pip that writes down what it is to install."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["numpy>=2.0.0"]\n'
        '[project.optional-dependencies]\npandas = ["pandas>=2.2.2"]\n'
        '[dependency-groups]\nsmall = ["a>=1"]\n'
        'large = ["b==2; python_version > \'3\'", {include-group = "small"}]\n',
        encoding="utf-8",
    )
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        f'#!/bin/sh\nif [ "$2" = pip ]; then shift 5; echo "$*" >>{tmp_path}/said; exit 0; fi\n'
        f'exec {sys.executable} "$@"\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    (tmp_path / "env" / "place").write_text(f"{tmp_path}\n", encoding="utf-8")
    options = {
        "group": ["--group", "large", "--group", "small"],
        "lock": ["--lock", "some.lock"],
        "lowest": ["--lowest", "--group", "small"],
        "unknown": ["--group", "none"],
    }[how]
    command = [ROOT / "tools" / "environment", "env", *options, "--editable", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if how == "unknown":
        assert done.returncode == 1
        assert "pyproject.toml has no group none" in done.stderr
        assert not (tmp_path / "said").exists()
        return
    assert done.returncode == 0, done.stderr
    said = (tmp_path / "said").read_text(encoding="utf-8").splitlines()
    files = "--constraint env/constraints.txt --requirement env/needed.txt --editable ."
    expected = {"lock": ["--require-hashes --requirement some.lock", "--no-deps --editable ."]}
    assert said == expected.get(how, [files])
    needed = (tmp_path / "env" / "needed.txt").read_text(encoding="utf-8").splitlines()
    lines = {"group": ["b==2; python_version > '3'", "a>=1", "a>=1"], "lowest": ["a>=1"]}
    assert needed == lines.get(how, [])
    constraints = (tmp_path / "env" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert constraints == (["numpy==2.0.0", "pandas==2.2.2"] if how == "lowest" else [])
    assert (tmp_path / "env" / "installed").exists()
