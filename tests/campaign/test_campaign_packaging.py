"""The parts of the campaign that install trainlab, and compile its engine with sanitizers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from campaign import packaging, sanitizers
from campaign.part import Case

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the campaign needs Linux")


def test_every_way_is_tried_with_every_compiler() -> None:
    ways = {case.given for case in packaging.PART.cases(0, quick=False)}
    kinds = ("working", "missing", "failing", "too old")
    every = {(way, kind) for way in ("sdist", "make") for kind in kinds}
    assert ways == every | {("tests", "working")}
    assert len(packaging.PART.cases(0, quick=True)) == 1


def test_compilers_that_are_missing_or_fail(tmp_path: Path) -> None:
    programs = packaging._environment(tmp_path, "missing")["PATH"]
    assert shutil.which("sh", path=programs)
    assert shutil.which("make", path=programs) or not shutil.which("make")
    for name in ("c++", "g++", "clang++", "cc", "gcc"):
        assert shutil.which(name, path=programs) is None
    assert "CXX" not in packaging._environment(tmp_path, "working")
    for kind, other in (("failing", 1), ("too old", 0)):
        compiler = packaging._environment(tmp_path, kind)["CXX"]
        words = ["-c", "native/src/kernels.cpp"]
        assert subprocess.run([compiler, *words], check=False).returncode == 1
        if shutil.which("c++"):
            done = subprocess.run([compiler, "--version"], capture_output=True, check=False)
            assert done.returncode == other


def test_copies_have_what_git_knows_and_nothing_compiled(tmp_path: Path) -> None:
    tree = packaging.copied(tmp_path / "tree")
    assert (tree / "native" / "src" / "kernels.cpp").is_file()
    assert not list(tree.rglob("*.so"))


@pytest.mark.parametrize(("command", "told"), [("exit 3", "sh -c exit 3: "), ("echo a", "a")])
def test_installations_that_go_wrong_are_found(
    command: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(tree: Path, environment: Any, kind: str) -> None:
        said = packaging._run(["sh", "-c", command], tree, environment)
        packaging._expect(said == "b\n", said)

    monkeypatch.setattr(packaging, "WAYS", {"own": install})
    found = packaging.PART.run(Case("own/working", ("own", "working")), tmp_path)
    assert not found.ok
    assert found.detail.startswith(told)


@pytest.mark.parametrize(
    ("answers", "ok", "kind"),
    [
        ([1], False, "not compiled"),
        ([0, 1], False, "not compiled"),
        ([0, 0, "plain"], False, "not loaded"),
        ([0, 0, "ImportError: it names no instruction set of this machine"], True, "not on this"),
        ([0, 0, "avx2", 1], False, "failed"),
        ([0, 0, "avx2", 0], True, "clean"),
    ],
)
def test_what_sanitizers_find(
    answers: list[Any], ok: bool, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, told = iter(answers), list[dict[str, str]]()

    def run(
        command: Sequence[object], place: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        told.append(environment)
        answer = next(left)
        code, text = (answer, "what it said") if isinstance(answer, int) else (0, answer)
        return subprocess.CompletedProcess([], code, text)

    monkeypatch.setattr(sanitizers, "_run", run)
    monkeypatch.setattr(sanitizers, "_library", lambda name: f"/lib/{name}")
    found = sanitizers.PART.run(Case("avx2", "avx2"), tmp_path)
    assert found.ok == ok
    assert next(iter(found.counts)).startswith(kind)
    for one in told[2:]:
        assert one["TRAINLAB_NATIVE_ISA"] == "avx2"
        assert one["LD_PRELOAD"] == "/lib/libasan.so /lib/libubsan.so"


def test_an_sdist_that_was_unpacked_knows_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that it has to have, and nothing that was made of them."""
    from campaign import part

    known = packaging.copied(tmp_path / "tree")
    (known / "src" / "trainlab" / "engine" / "_native.other.so").write_bytes(b"")
    (known / "tests" / "__pycache__").mkdir()
    (known / "tests" / "__pycache__" / "a.pyc").write_bytes(b"")
    (known / ".venv" / "bin").mkdir(parents=True)
    (known / ".venv" / "bin" / "python").write_bytes(b"")
    monkeypatch.setattr(part, "ROOT", known)
    found = set(part.sources())
    assert {"pyproject.toml", "src/trainlab/__init__.py", "tests/quick.txt", "Makefile"} <= found
    assert not [name for name in found if name.endswith((".so", ".pyc")) or ".venv" in name]
