"""Nasty values at every public call: a documented error or a result, in little time and memory.

What is called, with what, and what may come of it: doors.py.  Here runs a share of the cases; all
of them are more than 100,000, and `python tests/support/doors.py` runs them.
"""

from __future__ import annotations

import math
import os
import signal
import time
from typing import Any

import pytest

import doors
import trainlab as tl
from door_calls import CALLS, COMMANDS, CONSTRUCTED, EXTRA, NO_DOORS
from doors import Case, Outcome
from nasty import VALUES, WORDS, Odd
from trainlab.errors import SettingError, describe

EACH = 4
"""Cases of every parameter that run here."""
PARTS = 8
LEAST = 25_000
"""Cases that there must be at all."""


def test_every_door_has_a_valid_call() -> None:
    assert not doors.without_a_call(), "CALLS in door_calls.py needs a row for each of these"


def test_the_tables_name_nothing_that_is_not_there() -> None:
    known = set(doors.public()) | {f"cli.{name}" for name in COMMANDS}
    assert {*CALLS, *CONSTRUCTED, *EXTRA, *NO_DOORS} <= known
    assert {one.rpartition("/")[0] for one in doors.PASSED_ON} <= known
    for dotted, names in doors.doors().items():
        if dotted in EXTRA:
            assert set(EXTRA[dotted]) <= set(names)


def test_a_case_has_one_name() -> None:
    names = [case.id for case in doors.cases()]
    assert len(set(names)) == len(names) >= LEAST
    assert [Case.named(name) for name in names] == doors.cases()
    assert doors.cases(10, seed=1) == doors.cases(10, seed=1) != doors.cases(10, seed=2)


@pytest.mark.parametrize("name", [name for name in CALLS if name in doors.doors()])
def test_valid_calls_are_valid(name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    call, given = CALLS[name]()
    if name == "trainlab.load_mnist":
        return  # which is not here
    result = call(**given)
    if name in CONSTRUCTED:
        CONSTRUCTED[name](result)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_share_of_the_cases(part: int) -> None:
    share = doors.share(EACH)[part::PARTS]
    assert failures(share) == []


# What was found by other means, and must stay mended, whatever the share is.
FOUND = [
    *(Case("trainlab.SGD", "lr", name) for name in ("int 10**400", "fraction 10**400")),
    *(Case("trainlab.SGD", "lr", name) for name in ("fraction 10**-400", "np.timedelta64")),
    *(Case("trainlab.Population.fit", "batch_size", f"int 2**{n}") for n in (31, 63)),
    *(Case("trainlab.Population.fit", "steps", f"int 2**{n}") for n in (31, 63)),
    Case("trainlab.Population.fit", "epochs", "int 10**12"),
    Case("trainlab.Population.fit", "workers", "int 2**31"),
    Case("trainlab.MLP", "hidden", "tuple huge"),
    Case("trainlab.Population.grid", "hidden", "tuple widths"),
    Case("trainlab.Population.grid", "seed", "range huge"),
    Case("trainlab.Population.sample", "n", "int 2**31"),
    Case("trainlab.Population", "members", "generator endless"),
    Case("trainlab.datasets.Batches.epoch", "epoch", "np.uint8"),
    Case("trainlab.from_arrays", "t", "array huge ints"),
    Case("trainlab.from_arrays", "task", "array (12, 3)"),
    Case("trainlab.from_arrays", "x", "array (2**40, 3)"),
    Case("trainlab.from_arrays", "stratify", "str no"),
    Case("trainlab.Dataset.hold_out", "name", "str word"),
    Case("trainlab.PopulationEnsembleClassifier", "n_candidates", "int 2**31"),
    Case("trainlab.MLPClassifier.fit", "y", "array (12, 2**40)"),
    Case("trainlab.MLPRegressor", "hidden_layer_sizes", "tuple widths"),
    Case("trainlab.datasets.read_idx", "max_bytes", "float nan"),
    *(Case("cli.check", option, "99999999999") for option in ("--hidden", "--inputs", "--outputs")),
    *(
        Case("cli.search", option, "twenty nines")
        for option in ("--trials", "--rounds", "--max-iter", "--hidden")
    ),
    Case("cli.run", "--seeds", "twenty nines"),
    Case("cli.search", "--test-fraction", "'1e-320'"),
    Case("cli.search", "--test-fraction", "'nan'"),
    Case("cli.search", "--folds", "400 nines"),
]


def test_what_was_found() -> None:
    assert all(case in set(doors.cases()) for case in FOUND)
    assert failures(FOUND) == []
    assert doors.run(Case("trainlab.Population.sample", "n", "int 2**31")).kind == "refused"


def failures(cases: list[Case]) -> list[str]:
    """What went wrong, a line for each case."""
    found = ((case, outcome) for case, outcome in doors.run_all(cases) if not outcome.ok)
    return [f"{case.id}: {outcome.kind}: {outcome.text}" for case, outcome in found]


# --- the tester ------------------------------------------------------------------------


def hang() -> None:
    while True:
        math.sqrt(2.0)


def eat() -> None:
    bytearray(doors.MEMORY * 2)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise KeyError("no error of ours")


def refuse() -> None:
    raise SettingError("not in the form")


def test_the_tester_finds_what_it_looks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    acts = [hang, tl.MLP, eat, die, fail, refuse, tl.SGD]
    cases = [Case(f"trainlab.{n}", "x", "none") for n in range(len(acts))]
    monkeypatch.setattr(doors, "CPU_SECONDS", 0.3)
    monkeypatch.setattr(doors, "perform", lambda case: acts[int(case.door.split(".")[1])]())
    kinds = [outcome.kind for _, outcome in doors.run_all(cases)]
    assert kinds == ["hang", "done", "memory", "died", "foreign", "foreign", "done"]


def test_the_tester_finds_what_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "WALL_SECONDS", 0.3)
    monkeypatch.setattr(doors, "perform", lambda case: time.sleep(600))
    assert doors.run(Case("trainlab.SGD", "lr", "none")) == Outcome("hang", "wait status 9")


def test_errors_survive_what_they_are_about() -> None:
    """An object whose `repr` raises, or whose attributes are not what they seem."""
    for name, value in VALUES.items():
        assert describe(value()), name
    assert describe(Odd.of("__repr__")).startswith("<Odd instance")
    assert all(isinstance(word, str) for word in WORDS.values())
