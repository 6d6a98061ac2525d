"""Which of the tests that reach a mutation run on it: the likeliest to fail, within a budget."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOMS: Final[Mapping[str, Sequence[str]]] = {
    "network": ("network/*.py",),
    "optimizers": ("optimizers/*.py",),
    "training": ("engine/*.py", "training/*.py", "workers/*.py", "population/*.py"),
    "store": ("store/*.py",),
    "models": ("models/*.py",),
    "estimators": ("estimators/*.py",),
}

# Tests of how long something takes: what else the machine does must kill nothing.
TIMED: Final = (
    "_are_grouped_in_seconds",
    "_take_seconds_",
    "_less_than_a_second",
    "_well_under_a_second",
    "_small_share_of_the_time",
)

BUDGET: Final = 15.0  # seconds of tests for one mutant, as measured without a fault
MOST_TESTS: Final = 1000
# Most are killed at once: so many files and seconds run before the others are even collected.
FIRST_FILES: Final = 4
FIRST: Final = 3.0
LEAST_WORD: Final = 3  # letters of a name that says something


def room_of(name: str) -> str:
    """The room of a mutation, from its id."""
    path = Path(name.partition("::")[0])
    return next(room for room, globs in ROOMS.items() if any(map(path.match, globs)))


def by_name(name: str, tests: Iterable[str]) -> set[str]:
    """The tests of the file that is changed, test_FILE.py, and those that name the changed field.

    They may reach no line of it: what a dataclass shows, or what a field of settings may be, is
    the work of a base. A field, or a method, may be tested through an heir of its class.
    """
    path, scope = name.split("::")[:2]
    own = {test for test in tests if _is_of(test, path)}
    *_, owner, changed = ["", *scope.split(".")]
    if not owner[:1].isupper():
        return own
    return own | {test for test in tests if re.search(rf"(\b|_){changed}(\b|_)", test)}


def _is_of(test: str, path: str) -> bool:
    """tests/store/test_lock.py is of src/trainlab/store/lock.py."""
    room, file = Path(path).parts[-2:]
    return test.startswith(f"tests/{room}/test_{file}::")


def selection(tests: frozenset[str], seconds: Mapping[str, float], name: str) -> list[list[str]]:
    """The tests to run on the mutation of a name, in batches and within the budget.

    The likeliest to fail and the quickest come first: a test of the same room counts as ten times
    as quick, and so does one of the same file, and one that names the file, class, field or
    function that is changed, or says that nothing is allocated where an `out=` is gone.
    Of the other parametrized tests a second case has its turn when each has had its first.
    """
    room = room_of(name)
    path, scope = name.split("::")[:2]
    words = {_squeezed(word) for word in [Path(path).stem, *scope.split(".")]}
    words = {word for word in words if len(word) >= LEAST_WORD}
    if "::without out: " in name:
        words.add("allocated")
    turns: Counter[str] = Counter()
    placed = []
    for test in sorted(tests, key=lambda each: (seconds[each], each)):
        if any(timed in test for timed in TIMED):
            continue
        own = f"/{room}/" in test or f"test_{room.removesuffix('s')}" in test
        named = any(word in _squeezed(test.partition("::")[2]) for word in words)
        function = test.partition("[")[0]
        turns[function] += 1
        weight = seconds[test] * 0.1 ** (own + named + _is_of(test, path))
        placed.append((turns[function] > 1 and not named, weight, test))
    batches: list[list[str]] = [[], []]
    files: set[str] = set()
    spent = 0.0
    for *_, test in sorted(placed)[:MOST_TESTS]:
        if spent + seconds[test] > BUDGET and spent:
            continue
        spent += seconds[test]
        file = test.partition("::")[0]
        later = spent > FIRST or (file not in files and len(files) == FIRST_FILES)
        batches[later].append(test)
        if not later:
            files.add(file)
    return [batch for batch in batches if batch]


def _squeezed(name: str) -> str:
    """MeanSquaredError and mean_squared_error are one name."""
    return name.replace("_", "").lower()
