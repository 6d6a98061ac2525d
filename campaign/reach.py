"""Which tests reach which line, and how long each takes: a plugin of pytest, and its file.

`pytest -p campaign.reach --reach FILE` runs tests and writes the file. Every line is watched
by coverage, whose context is the test; what a fixture of a module or a session does is credited
to all tests of the file that asked for it first, and what an import does to every test that
reaches anything else in that module; to every test, where a module does nothing else.
"""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import coverage
import pytest

SETUP: Final = "setup of "


@dataclasses.dataclass(frozen=True)
class Reach:
    """Seconds of every test that passed, and the tests that reach a line of a file."""

    seconds: dict[str, float]
    lines: dict[str, dict[int, frozenset[str]]]

    def tests(self, path: str, first: int, last: int) -> frozenset[str]:
        """The tests that reach one of the lines first .. last of a file."""
        lines = self.lines.get(path, {})
        return frozenset().union(*(lines.get(line, ()) for line in range(first, last + 1)))

    def of_file(self, path: str) -> frozenset[str]:
        """The tests that reach any line of a file."""
        return frozenset().union(*self.lines.get(path, {}).values())

    def split(self, units: Sequence[str]) -> dict[str, Reach]:
        """That of each file of tests, or folder of them, alone."""
        owner = {
            test: next(
                unit for unit in units if f"{test.partition('::')[0]}/".startswith(f"{unit}/")
            )
            for test in self.seconds
        }
        found = {unit: Reach({}, {}) for unit in units}
        for test, seconds in self.seconds.items():
            found[owner[test]].seconds[test] = seconds
        for path, lines in self.lines.items():
            for line, tests in lines.items():
                own: dict[str, set[str]] = defaultdict(set)
                for test in tests:
                    own[owner[test]].add(test)
                for unit, those in own.items():
                    found[unit].lines.setdefault(path, {})[line] = frozenset(those)
        return found

    @classmethod
    def union(cls, parts: Sequence[Reach]) -> Reach:
        """What `split` has split, or parts that ran at different times."""
        seconds = {test: took for part in parts for test, took in part.seconds.items()}
        lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for part in parts:
            for path, own in part.lines.items():
                for line, tests in own.items():
                    lines[path][line] |= tests
        return cls(
            seconds,
            {p: {n: frozenset(t) for n, t in sorted(own.items())} for p, own in lines.items()},
        )

    def save(self, path: Path) -> None:
        """Writes it as JSON, tests by number."""
        names = sorted(self.seconds)
        number = {name: i for i, name in enumerate(names)}
        document = {
            "tests": [[name, self.seconds[name]] for name in names],
            "lines": {
                file: {line: sorted(number[t] for t in tests) for line, tests in lines.items()}
                for file, lines in self.lines.items()
            },
        }
        path.write_text(json.dumps(document), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Reach:
        """Reads it back."""
        document = json.loads(path.read_text(encoding="utf-8"))
        names = [name for name, _ in document["tests"]]
        return cls(
            dict(document["tests"]),
            {
                file: {
                    int(line): frozenset(names[i] for i in tests) for line, tests in lines.items()
                }
                for file, lines in document["lines"].items()
            },
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reach", metavar="FILE", help="write which test reaches which line")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # Before any conftest, since these import what is to be watched.
    path = early_config.known_args_namespace.reach
    if path:
        early_config.pluginmanager.register(Watch(Path(path), early_config.rootpath))


class Watch:
    """Watches the tests of a session."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path, self.root = path, root
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()
        self.coverage = coverage.Coverage(
            data_file=None, source_pkgs=["trainlab"], config_file=False
        )
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[Any]:
        self.coverage.switch_context(SETUP + item.nodeid)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[Any]:
        self.coverage.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if not report.passed:
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        kept = {n: round(s, 4) for n, s in self.seconds.items() if n not in self.failed}
        found(self.coverage.get_data(), kept, self.root).save(self.path)


def found(data: coverage.CoverageData, seconds: dict[str, float], root: Path) -> Reach:
    """What the contexts of the data say of the tests that have seconds."""
    by_file: dict[str, set[str]] = defaultdict(set)
    for name in seconds:
        by_file[name.partition("::")[0]].add(name)
    lines: dict[str, dict[int, frozenset[str]]] = {}
    for path in data.measured_files():
        contexts = {int(n): set(c) for n, c in data.contexts_by_lineno(path).items()}
        tests: dict[int, set[str]] = {}
        for line, named in contexts.items():
            tests[line] = {name for name in named if name in seconds}
            for name in named:
                if name.startswith(SETUP):
                    tests[line] |= by_file[name.removeprefix(SETUP).partition("::")[0]]
        anywhere = set().union(*tests.values()) or set(seconds)
        for line, named in contexts.items():
            if "" in named:
                tests[line] |= anywhere
        relative = str(Path(path).resolve().relative_to(root))
        lines[relative] = {line: frozenset(t) for line, t in sorted(tests.items())}
    return Reach(seconds, lines)
