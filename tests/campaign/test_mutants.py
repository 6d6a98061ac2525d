"""The campaign's mutants: what is changed and what is not, who reaches it, who is run."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from campaign import mutants, tree
from campaign.forkserver import ForkServer
from campaign.mutations import Mutation, mutations
from campaign.part import CampaignError, Result
from campaign.reach import Reach
from campaign.selection import ROOMS, by_name, room_of, selection

ROOT = Path(__file__).parents[2]

SOURCE = '''"""A docstring of 3 + 4."""

from __future__ import annotations
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from a import b

if sys.platform == "win32":
    LIMIT = 1
else:
    LIMIT = None

Number = int | float


class Shape(Protocol):
    def area(self, x: int = 5) -> int: ...


class Box:
    size: tuple[int, int] | None = None

    def __repr__(self) -> str:
        return "Box" + str(1)

    def area(self, a: int, ü: int | None) -> int:
        """Not 2 * 3."""
        assert a > 0
        if not a < ü:
            raise ValueError(f"{a + 1} is not below" + "it")
        self.done = np.add(a, ü, out=a[a:])
        return a * 2
'''
FOUND = {
    "removed sign: not a < ü -> a < ü",
    "condition: not a < ü -> not not a < ü",
    "comparison: a < ü -> a <= ü",
    "removed: raise ValueError(f'{a + 1} is not below' + 'it') -> pass",
    "removed: self.done = np.add(a, ü, out=a[a:]) -> pass",
    "function: np.add(a, ü, out=a[a:]) -> np.subtract(a, ü, out=a[a:])",
    "without out: np.add(a, ü, out=a[a:]) -> np.add(a, ü)",
    "slice: a -> a + 1",
    "result: return a * 2 -> return None",
    "operator: a * 2 -> a / 2",
    "constant: 2 -> 3",
}


def test_what_behaves_is_changed_and_what_is_only_read_is_not() -> None:
    found = mutations("box.py", SOURCE)
    assert {each.id.partition("box.py::Box.area::")[2] for each in found} == FOUND


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [
        ("x == 1", "comparison", "x != 1"),
        ("x in y", "comparison", "x not in y"),
        ("0 <= x < y", "comparison", "0 < x < y"),
        ("a and b or c", "and-or", "(a and b) and c"),
        ("a and b or c", "and-or", "(a or b) or c"),
        ("(a +\n b) * c", "operator", "(a - b) * c"),
        ("a @ b", "operator", None),
        ("x += 1", "removed", "pass"),
        ("x += 1", "operator", "x -= 1"),
        ("-x", "removed sign", "x"),
        ("x = True", "constant", "x = False"),
        ("x = 0.0", "constant", "x = 1.0"),
        ("x = 0.5", "constant", "x = 1.0"),
        ("x = 'text'", "constant", None),
        ("f(a, b, c)", "swapped", "f(b, a, c)"),
        ("f('a', b)", "swapped", None),
        ("np.add(a, b)", "swapped", None),
        ("zip(a, b, strict=True)", "without strict", None),
        ("zip(a, b, strict=True)", "constant", None),
        ("x.reshape(-1, 2)", "constant", "x.reshape(-1, 3)"),
        ("x.reshape(-1)", "constant", None),
        ("a[b:]", "slice", "a[b + 1:]"),
        ("a[1:]", "slice", None),
        ("a if b else c", "condition", "a if not b else c"),
        ("raise AssertionError('no')", "removed", None),
    ],
)
def test_each_kind_changes_what_it_says(before: str, kind: str, after: str | None) -> None:
    made = [m.apply(before.encode()) for m in mutations("x.py", before) if m.kind == kind]
    expected = None if after is None else ast.dump(ast.parse(after))
    assert (expected in [ast.dump(ast.parse(text)) for text in made]) == (after is not None)


def test_every_mutation_of_the_source_parses_and_is_another_program_under_its_own_name() -> None:
    for room in ROOMS:
        assert len(mutants.drawn(room, 0)) > mutants.PER_ROOM
        for path in mutants.files_of(room)[:2]:
            source = path.read_bytes()
            found = mutations(str(path.relative_to(ROOT)), source.decode())
            assert len({each.id for each in found}) == len(found)
            same = ast.dump(ast.parse(source))
            for each in found[::7]:
                assert room_of(each.id) == room
                assert ast.dump(ast.parse(each.apply(source))) != same, each.id


def test_a_seed_draws_the_same_and_a_control_changes_nothing() -> None:
    cases = mutants.PART.cases(3, quick=True)
    assert [case.id for case in cases] == [case.id for case in mutants.PART.cases(3, quick=True)]
    assert [case.id for case in cases] != [case.id for case in mutants.PART.cases(4, quick=True)]
    controls = [case.given for case in cases if case.id.startswith("control::")]
    assert len(controls) == mutants.CONTROLS_QUICK
    assert all(control.apply(SOURCE.encode()) == SOURCE.encode() for control in controls)


def test_every_judgement_has_a_reason() -> None:
    judged = mutants.judged()
    assert len(judged) > 9  # the file is read
    for name, reason in judged.items():
        assert room_of(name) in ROOMS
        assert len(reason) > 20, name


def test_own_named_and_quick_tests_come_first_and_cases_of_one_test_take_turns() -> None:
    seconds = {
        "tests/store/test_a.py::f[1]": 0.1,
        "tests/store/test_a.py::f[2]": 0.2,
        "tests/store/test_a.py::slow": 4.0,
        "tests/other/test_b.py::g": 0.001,
        "tests/other/test_b.py::h[Lock-1]": 0.3,
        "tests/other/test_b.py::h[Lock-2]": 0.3,
        "tests/other/test_b.py::ages": 30.0,
        "tests/other/test_b.py::takes_less_than_a_second": 0.1,
    }
    name = "src/trainlab/store/database.py::Lock.__init__::constant: 1 -> 2"
    f1, f2, slow, g, h1, h2, *_ = seconds
    assert selection(frozenset(seconds), seconds, name) == [[g, f1, h1, h2], [slow, f2]]
    assert selection(frozenset({"t"}), {"t": 99.0}, name) == [["t"]]


def test_names_in_either_spelling_and_what_allocates_come_first() -> None:
    names = ("::other", "::nothing_is_allocated", "::f[mean_squared_error]")
    quick, allocates, spelt = seconds = dict(zip(names, (0.1, 0.5, 0.9), strict=True))
    tests = frozenset(seconds)
    name = "src/trainlab/network/losses.py::MeanSquaredError.entries::{}: a -> b"
    found = [selection(tests, seconds, name.format(k)) for k in ("swapped", "without out")]
    assert found == [[[spelt, quick, allocates]], [[allocates, spelt, quick]]]


def test_tests_of_the_same_file_and_of_the_same_field_need_to_reach_nothing() -> None:
    same, field, *_ = tests = [
        "tests/store/test_lock.py::test_a",
        "tests/other/test_b.py::test_c[SGD-path]",
        "tests/other/test_lock.py::test_a",
        "tests/store/test_locks.py::test_a",
        "tests/store/test_b.py::test_paths",
    ]
    name = "src/trainlab/store/lock.py::{}::constant: 1 -> 2"
    assert by_name(name.format("Lock.path"), tests) == {same, field}
    assert by_name(name.format("path.inner"), tests) == {same}
    assert by_name(name.format("module"), tests) == {same}
    seconds = dict.fromkeys(tests, 1.0) | {same: 9.0}
    assert selection(frozenset(tests), seconds, name.format("module"))[0][0] == same


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A package `trainlab` of one function, and tests of it."""
    (tmp_path / "src/trainlab").mkdir(parents=True)
    (tmp_path / "src/trainlab/__init__.py").write_text(
        "def f(x):\n    return x + 2\n\n\nLIMIT = 1\nfrom trainlab import names\n"
    )
    (tmp_path / "src/trainlab/names.py").write_text("def made():\n    return 1\n\nALL = made()\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_f.py").write_text(
        "import os, time\nimport pytest, trainlab\n"
        "@pytest.fixture(scope='module')\ndef made():\n    return trainlab.f(1)\n"
        "def test_made(made):\n    assert made == 3\n"
        "def test_again(made):\n    assert made == 3\n"
        "def test_f():\n    assert trainlab.f(0) == 2\n"
        "def test_no():\n    pass\n"
        "def test_fails():\n    assert trainlab.f(1) == 0\n"
    )
    shutil.copytree(ROOT / "campaign", tmp_path / "campaign")
    return tmp_path


def test_reach_credits_fixtures_to_their_file_and_imports_to_all_that_reach(small: Path) -> None:
    path = small / "reach.json"
    words = ["-p", "campaign.reach", "--reach", str(path), "-p", "no:cacheprovider", "-q"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=small,
        env={"PYTHONPATH": f"{small / 'src'}:{small}", "PATH": ""},
        check=False,
        capture_output=True,
    )
    reach = Reach.load(path)
    every = {f"test_f.py::test_{name}" for name in ("made", "again", "f", "no")}
    assert set(reach.seconds) == every  # those that pass
    file = "src/trainlab/__init__.py"
    assert {"test_f.py::test_f", "test_f.py::test_again"} <= reach.tests(file, 2, 2)
    assert reach.tests(file, 5, 5) == reach.tests(file, 2, 2)
    assert reach.tests(file, 3, 4) == frozenset()
    assert reach.of_file(file) == reach.tests(file, 2, 2)
    assert reach.of_file("src/trainlab/none.py") == frozenset()
    for line in (2, 4):  # of a module that is run by its import alone
        assert reach.tests("src/trainlab/names.py", line, line) == every


def test_reach_is_split_by_files_of_tests_and_put_together() -> None:
    one, two, other = "tests/a/test_a.py::f", "tests/a/test_b.py::f[x::y]", "src/p/q.py::p.q.f"
    whole = Reach(
        {one: 1.0, two: 2.0, other: 3.0},
        {"src/p/q.py": {1: frozenset({one, two}), 3: frozenset({other})}},
    )
    parts = whole.split(["tests/a/test_a.py", "tests/a/test_b.py", "tests/a/test_c.py", "src/p"])
    assert parts["tests/a/test_a.py"] == Reach({one: 1.0}, {"src/p/q.py": {1: frozenset({one})}})
    assert parts["tests/a/test_c.py"] == Reach({}, {})
    assert Reach.union(list(parts.values())) == whole


def test_reach_is_known_until_the_source_or_the_file_of_tests_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("src/p/a.py", "tests/a/test_a.py", "tests/a/test_b.py", "tests/help.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "campaign").mkdir()
    (tmp_path / "campaign/reach.py").write_text("")
    made, code, ran = tree.Tree.__new__(tree.Tree), 0, list[str]()

    class Server:
        def pytest(self, words: list[str], limit: float, log: Path) -> tuple[int | None, float]:
            place = words.index("--reach") + 1
            ran[:] = words[place + 1 :]
            Reach({f"{name}::f": 1.0 for name in ran}, {}).save(Path(words[place]))
            return code, 1.0

    made.root, made._server = tmp_path, Server()  # type: ignore[assignment]  # what is used of it
    monkeypatch.setattr(tree, "TESTS", ("tests/a", "src/p"))

    def found() -> list[str]:
        ran.clear()
        assert set(made._load_reach(tmp_path / "cache").seconds) == {f"{n}::f" for n in every}
        return ran

    every = ["tests/a/test_a.py", "tests/a/test_b.py", "src/p"]
    assert found() == every
    assert found() == []
    (tmp_path / "tests/a/test_b.py").write_text("changed")
    assert found() == ["tests/a/test_b.py"]
    for name in ("src/p/a.py", "tests/help.py", "campaign/reach.py"):
        (tmp_path / name).write_text("changed")
        assert found() == every
    (tmp_path / "src/p/a.py").write_text("again")
    code = pytest.ExitCode.INTERRUPTED  # as after an error in an import
    with pytest.raises(CampaignError, match="the tests ended with 2"):
        found()


def test_the_server_sees_what_lies_there_and_ends_what_hangs(small: Path, tmp_path: Path) -> None:
    log, source = tmp_path / "log", small / "src/trainlab/__init__.py"
    words = ["-q", "-p", "no:cacheprovider", "test_f.py::test_f"]
    variables = {"PYTHONPATH": f"{small / 'src'}:{small}"}
    with ForkServer(small, variables) as server:
        assert server.pytest(words, 60, log)[0] == 0
        source.write_text("def f(x):\n    return x - 2\n")
        assert server.pytest(words, 60, log)[0] == 1
        assert "test_f.py::test_f" in log.read_text()
        source.write_text("def f(x):\n    while True: pass\n")
        assert server.pytest(words, 1, log)[0] is None


def test_a_fault_is_too_slow_only_beside_the_same_tests_without_it(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("1")
    made, log = tree.Tree.__new__(tree.Tree), tmp_path / "log"
    made.root, made._changes = tmp_path, 0
    fault = Mutation("f.py::f::constant: 1 -> 2", "f.py", "constant", 0, 1, "2", 1, 1)
    answers: dict[str, list[tuple[int | None, float]]] = {}
    limits: list[float] = []

    class Server:
        def pytest(self, words: list[str], limit: float, log: Path) -> tuple[int | None, float]:
            assert words[-1] == "t"
            limits.append(limit)
            return answers[(tmp_path / "f.py").read_text()].pop(0)

    made._server = Server()  # type: ignore[assignment]  # what is used of it
    answers |= {"2": [(None, 10.0)], "1": [(0, 4.9)]}
    assert made._test(fault, ["t"], 10.0, log) is None
    answers |= {"2": [(None, 10.0), (None, 20.0), (1, 30.0)], "1": [(0, 5.1), (None, 20.0)]}
    assert made._test(fault, ["t"], 10.0, log) == 1
    assert limits == [10.0] * 4 + [20.0] * 2 + [40.0]
    answers |= {"2": [(None, 0.0)] * 9, "1": [(None, 0.0)] * 9}
    with pytest.raises(CampaignError, match="too busy"):
        made._test(fault, ["t"], 10.0, log)


def test_without_the_example_that_a_fault_takes_away_the_others_run(tmp_path: Path) -> None:
    """pytest runs nothing where it does not find one of the tests."""
    (tmp_path / "f.py").write_text("1")
    made = tree.Tree.__new__(tree.Tree)
    made.root, made._changes = tmp_path, 0
    gone, other = "f.py::f", "tests/test_f.py::test_f"
    made._reach = Reach({gone: 1.0, other: 1.0}, {"f.py": {1: frozenset({gone, other})}})
    fault = Mutation("src/trainlab/store/f.py::f::constant: 1 -> 2", "f.py", "x", 0, 1, "2", 1, 1)
    answer = 0

    class Server:
        def pytest(self, words: list[str], limit: float, log: Path) -> tuple[int | None, float]:
            told = f"\nERROR: not found: {tmp_path / gone}\n(no match)\n"
            log.write_text(told if gone in words else f"FAILED {words[-1]}\n")
            return (4 if gone in words else answer), 1.0

    made._server = Server()  # type: ignore[assignment]  # what is used of it
    assert made.try_mutation(fault, tmp_path) == ("survived", "line 1; 2 tests")
    answer = 1
    assert made.try_mutation(fault, tmp_path) == ("killed", other)
    made._reach = Reach({gone: 1.0}, {"f.py": {1: frozenset({gone})}})
    with pytest.raises(CampaignError, match="does not run these tests"):
        made.try_mutation(fault, tmp_path)


def test_a_test_that_is_not_found_kills_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("ERROR: not found: test_f.py::test_gone\n")
    with pytest.raises(CampaignError, match="does not run these tests"):
        tree.killer(log, 4)
    log.write_text("ImportError while loading conftest '/x/conftest.py'.\n")
    assert tree.killer(log, 4) == "the import"
    log.write_text("...F\nFAILED tests/a.py::test_b[1] - assert 1 == 2\n")
    assert tree.killer(log, 1) == "tests/a.py::test_b[1]"
    log.write_text("Fatal")
    assert tree.killer(log, -11) == "exit status -11"


def result(name: str, kind: str) -> Result:
    return Result(name, kind in ("killed", "judged", "controls"), "why", {kind: 1}, 1.0, "c")


def test_the_report_counts_by_room_and_lists_what_is_left() -> None:
    store, layers = "src/trainlab/store/lock.py::f::x", "src/trainlab/network/dense.py::g::y"
    found = [result(f"{store}{i}", "killed") for i in range(19)]
    assert mutants.PART.passed([*found, result(store, "survived")])
    more = [*found, result(store, "survived"), result(layers, "not reached")]
    assert not mutants.PART.passed(more)
    assert mutants.PART.passed([*more, *(result(f"{layers}{i}", "killed") for i in range(19))])
    assert not mutants.PART.passed([*found, result("control::a", "controls failed")])
    text = mutants.report([*more, result(f"{layers}!", "judged"), result("control::a", "controls")])
    assert "| store | 19 | 1 | 0 | 0 | 95.0% |" in text
    assert "| network | 0 | 0 | 1 | 1 | 0.0% |" in text
    assert "| all | 19 | 1 | 1 | 1 | 90.5% |" in text
    assert f"- `{layers}` (why)" in text
    assert isinstance(mutants.PART.cases(0, quick=True)[0].given, Mutation)
