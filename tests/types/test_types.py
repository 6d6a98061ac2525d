"""What users write passes type checkers: the README, the pages, and a script that uses every name.

mypy reads them under --strict, basedpyright (pyright, with its own Node.js) in the mode that is
pyright's default: in its strict one, NumPy, Matplotlib and scikit-learn have errors of their own.
The functions that readers of a page write need no annotations.
"""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import trainlab as tl
from documents import DOCUMENTS, ROOT, blocks, name, program
from trainlab.models.records import RECORDS

SCRIPT = Path(__file__).with_name("everything.py")
FREE = "# mypy: allow-untyped-defs, allow-untyped-calls, allow-redefinition\n"
PARTS = "import trainlab as tl\n\n" + "".join(
    f"tl.{kind.__name__}()\n" for kind in RECORDS.values() if kind.__name__ in tl.__all__
)
"""A script that makes each part of a network and each optimizer: nobody needs to list them."""
OF_THE_BOOK = {"compare.py"}
"""Files of documents that `trainlab book` runs: their imports are nowhere else."""
NOT_INSTALLED = "# pyright: reportMissingImports=false\n"  # modules that `install` makes


WRONG = """\
import trainlab as tl

tl.MLPClassifier(optimizer=3)  # type: ignore[arg-type]
tl.MLPClassifier(activation=tl.Tanh)  # type: ignore[arg-type]
tl.MLPRegressor("30")  # type: ignore[arg-type]
tl.MLPRegressor(loss=0.5, norm=True)  # type: ignore[arg-type]
tl.PopulationEnsembleClassifier(engine=1)  # type: ignore[arg-type]
tl.PopulationEnsembleRegressor(store=1)  # type: ignore[arg-type]
"""
"""What type checkers must refuse: mypy tells of a comment that mutes nothing."""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The code of every document, its files beside it, and the script that uses every name."""
    folder = tmp_path_factory.mktemp("types")
    found = [SCRIPT]
    for file, code in (("wrong.py", WRONG), ("every_part.py", PARTS)):
        (folder / file).write_text(code, encoding="utf-8")
        found.append(folder / file)
    for path in DOCUMENTS:
        code = program(path)
        if code:
            script = folder / (re.sub(r"\W", "_", name(path)) + ".py")
            free = "" if name(path) == "README.md" else FREE + NOT_INSTALLED
            script.write_text(free + code, encoding="utf-8")
            found.append(script)
        for block in blocks(path.read_text(encoding="utf-8"), "python"):
            if block.file and block.file not in OF_THE_BOOK:
                script = folder / block.file
                assert not script.exists(), f"{block.file} is in two documents"
                script.write_text(FREE + block.text, encoding="utf-8")
                found.append(script)
    return found


def test_mypy_finds_nothing(scripts: list[Path], request: pytest.FixtureRequest) -> None:
    config = scripts[-1].with_name("mypy.ini")
    lines = ["[mypy]", "strict = true", "ignore_missing_imports = true"]
    lines += [f"mypy_path = {ROOT / 'src'}", "[mypy-trainlab.*]", "follow_imports = silent"]
    config.write_text("\n".join(lines), encoding="utf-8")
    cache = getattr(request.config, "cache", None)  # there is none under -p no:cacheprovider
    folder = str(cache.mkdir("types") if cache else scripts[-1].parent)
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", folder]
    found = subprocess.run(
        [*command, *map(str, scripts)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert f"no issues found in {len(scripts)} source files" in found.stdout


def test_pyright_finds_nothing(scripts: list[Path]) -> None:
    pytest.importorskip("basedpyright")
    settings = {
        "include": list(map(str, scripts)),
        "typeCheckingMode": "standard",
        "extraPaths": [str(ROOT / "src")],
    }
    config = scripts[-1].with_name("pyrightconfig.json")
    config.write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "-p", str(config)]
    found = subprocess.run(
        [*command, "--pythonpath", sys.executable], capture_output=True, text=True, check=False
    )
    report = json.loads(found.stdout)
    errors = [one for one in report["generalDiagnostics"] if one["severity"] == "error"]
    assert not errors, json.dumps(errors, indent=1)
    assert report["summary"]["filesAnalyzed"] == len(scripts)


@pytest.mark.filterwarnings("ignore:.*still improving")
def test_the_script_runs_and_uses_every_name() -> None:
    runpy.run_path(str(SCRIPT), run_name="__main__")
    code = SCRIPT.read_text(encoding="utf-8")
    unused = [one for one in tl.__all__ if not re.search(rf"\btl\.{one}\b", code + PARTS)]
    assert not unused, f"tests/types/everything.py must use tl.{', tl.'.join(unused)}"
