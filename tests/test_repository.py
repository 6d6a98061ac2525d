"""What holds for the source as a whole: the order of its rooms, sizes, and what it never does."""

from __future__ import annotations

import ast
import graphlib
import importlib.util
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "trainlab"
FILES = sorted(p for p in SOURCE.rglob("*.py") if "templates" not in p.parts)  # users' files
# Lines of code: long docstrings are welcome.
MAX_LINES = 400
MAX_LINES_WITH_ROOM_TO_GROW = 350  # where every addition is a few lines more

# From the ground up: a room imports from itself and from rooms above it in this list.
ROOMS = (
    "lazy",
    "limits",
    "terminal",
    "errors",
    "callers",
    "notebook",
    "memory",
    "arrays",
    "deprecated",
    "interrupts",
    "files",
    "blas",
    "versions",
    "pool",
    "digests",
    "settings",
    "own",
    "streams",
    "powers",
    "network",
    "schedules",
    "optimizers",
    "differentiation",
    "data",
    "evidence",
    "plots",
    "pages",
    "store",
    "members",
    "engine",
    "training",
    "workers",
    "population",
    "bits",
    "models",
    "estimators",
    "search",
    "ensembles",
    "tables",
    "book",
    "experiments",
    "report",
    "live",
    "cli",
)
# Everything that runs what it reads, or reads more than it says.
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "yaml"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
# NumPy's and joblib's own doors to pickle.
FORBIDDEN_KEYWORDS = {"allow_pickle"}


def tool(name: str) -> Any:
    """A script in tools/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COUNTER = tool("count_lines")


def room(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything the file imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute in this project"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_rooms_import_in_one_direction(path: Path) -> None:
    here = room(path)
    if here in ("__init__", "__main__"):
        return  # the front door sees every room
    assert here in ROOMS, f"{here} has no place in ROOMS"
    for line, imported in imports(path):
        parts = imported.split(".")
        if parts[0] != "trainlab":
            continue
        assert parts[1] in ROOMS, f"{path}:{line}: `from trainlab import name` hides the room"
        assert ROOMS.index(parts[1]) <= ROOMS.index(here), (
            f"{path}:{line}: {here} must not import from {parts[1]}, which is below it"
        )


def modules() -> dict[str, Path]:
    """Dotted name → file."""
    found = {}
    for path in FILES:
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def test_no_files_import_each_other() -> None:
    """Not in a circle either, imports inside functions and for types alone included."""
    known = modules()
    graph = {
        module: {
            target
            for _, imported in imports(path)
            for target in [imported if imported in known else imported.rpartition(".")[0]]
            if target in known and target != module
        }
        for module, path in known.items()
    }
    assert sum(map(len, graph.values())) > len(FILES)
    graphlib.TopologicalSorter(graph).prepare()  # CycleError names the files of a circle


def test_a_quick_run_has_tests_of_every_room() -> None:
    lines = (ROOT / "tests" / "quick.txt").read_text(encoding="utf-8").splitlines()
    rooms = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")} - {"parity"}
    assert rooms <= {Path(line.partition("::")[0]).parts[1] for line in lines}
    for line in lines:
        file, *names = line.split("::")
        text = (ROOT / file).read_text(encoding="utf-8") if names else ""
        assert (ROOT / file).exists(), line
        assert all(re.search(rf"^ *(def|class) {name}\b", text, re.MULTILINE) for name in names)


def test_names_of_classes_are_unique() -> None:
    """One name is one concept, with a leading underscore or not; the book's names are its own."""
    found = defaultdict(list)
    for path in FILES:
        if room(path) != "book":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found[node.name.strip("_")].append(f"{name(path)}:{node.lineno}")
    assert not {one: places for one, places in found.items() if len(places) > 1}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_fit_in_the_head(path: Path) -> None:
    grows = room(path) in ("network", "optimizers")
    lines = COUNTER.lines_of_code(path)
    assert lines <= (MAX_LINES_WITH_ROOM_TO_GROW if grows else MAX_LINES), f"{path} has {lines}"


def test_what_counts_as_a_line_of_code(tmp_path: Path) -> None:
    text = (
        '"""Of the file,\n\nin two lines."""\n'
        "import os  # with a comment\n\n"
        "# alone\n"
        "def f(\n    a: int,\n) -> str:\n"
        '    """Of the function."""\n'
        '    return """a\n\nb"""\n'
        'X = 1\n"""Of the constant."""\n'
    )
    (tmp_path / "file.py").write_text(text, encoding="utf-8")
    assert COUNTER.lines_of_code(tmp_path / "file.py") == 1 + 3 + 3 + 1


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_that_is_read_is_run(path: Path) -> None:
    for line, imported in imports(path):
        assert imported.split(".")[0] not in FORBIDDEN_MODULES, f"{path}:{line}: {imported}"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else None
        assert called not in FORBIDDEN_CALLS, f"{path}:{node.lineno}: {called}"
        used = {keyword.arg for keyword in node.keywords}
        assert not used & FORBIDDEN_KEYWORDS, f"{path}:{node.lineno}: {used}"


def test_matplotlib_is_imported_in_one_room() -> None:
    users = {
        room(path)
        for path in FILES
        for line, imported in imports(path)
        if imported.split(".")[0] == "matplotlib" and not for_types_alone(path, line)
    }
    assert users == {"plots"}


def for_types_alone(path: Path, line: int) -> bool:
    """Whether the line stands under `if TYPE_CHECKING:`, which never runs."""
    return any(
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        and node.lineno <= line <= (node.end_lineno or 0)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = sum(project["optional-dependencies"].values(), project["dependencies"])
    declared = {re.split("[<>=~!]", line)[0].replace("scikit-learn", "sklearn") for line in lines}
    used = {imported.split(".")[0] for path in FILES for _, imported in imports(path)}
    in_notebooks = "IPython"  # where it runs it is there
    assert used - {*sys.stdlib_module_names, "trainlab", in_notebooks} == declared


def test_undefined_and_redefined_names_are_never_muted() -> None:
    muted = ("F811", "F821")
    for path in [*FILES, *sorted((ROOT / "tests").rglob("*.py")), ROOT / "pyproject.toml"]:
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        assert not any(rule in text for rule in muted), f"{path} mutes one of {muted}"


def test_every_muted_rule_is_named() -> None:
    for path in [*FILES, *sorted((ROOT / "tests").rglob("*.py"))]:
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for mark in ("# noqa", "# type: ignore"):
                rest = line.partition(mark)[2]
                named = mark not in line or rest.startswith((":", "["))
                assert named, f"{path}:{number}: mutes every rule"
