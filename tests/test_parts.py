"""What each activation, initializer, loss, norm, optimizer and schedule needs beside its source.

One test for each of them names all that it lacks, and where that goes; CONTRIBUTING.md says why.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

import cases
import trainlab as tl
from tests.docs.test_derivations import sections
from tests.optimizers.test_optimizer_formulas import FORMULAS
from tests.schedules.test_schedules import VALUES
from trainlab import bits, optimizers, schedules
from trainlab.engine.description import unknown
from trainlab.network import activations, initializers, losses, norms
from trainlab.network.base import Layer

ROOT: Final = Path(__file__).parents[1]
FEATURES: Final = (ROOT / "docs" / "features.md").read_text(encoding="utf-8").splitlines()
FAMILIES: Final = optimizers.FAMILIES
PUBLIC: Final = "src/trainlab/__init__.pyi"
# Kind: its base, the files that define it, its table by name, its rows of cases.
Kind = tuple[type, tuple[ModuleType, ...], Mapping[str, Any], Mapping[str, Any]]
KINDS: Final[Mapping[str, Kind]] = {
    "activations": (
        *(activations.Activation, (activations,)),
        *(activations.ACTIVATIONS, cases.ACTIVATIONS),
    ),
    "norms": (Layer, (norms,), norms.NORMS, cases.LAYERS),
    "initializers": (
        *(initializers.Initializer, (initializers,)),
        *(initializers.INITIALIZERS, cases.INITIALIZERS),
    ),
    "losses": (losses.Loss, (losses,), losses.LOSSES, cases.LOSSES),
    "optimizers": (optimizers.Optimizer, FAMILIES, optimizers.OPTIMIZERS, cases.OPTIMIZERS),
    "schedules": (schedules.Schedule, (schedules,), schedules.SCHEDULES, cases.SCHEDULES),
}
PARTS: Final = [
    pytest.param(kind, part, id=part.__name__)
    for kind, (base, files, *_) in KINDS.items()
    for file in files
    for part in vars(file).values()
    if isinstance(part, type)
    and issubclass(part, base)
    and part.__module__ == file.__name__
    and not inspect.isabstract(part)
]


def in_bits(kind: str) -> set[type]:
    """What the trainings of `trainlab check --bits` are made of."""
    trained = bits.cases().values()
    return {
        "activations": {type(one.network.activation) for one in trained},
        "norms": {type(one.network._resolved("norm")) for one in trained},
        "losses": {type(one.network.loss) for one in trained},
        "optimizers": {type(one.optimizer) for one in trained},
        "schedules": {type(one.optimizer.schedule) for one in trained},
    }[kind]


def known_natively(kind: str, part: Any) -> bool:
    """Whether the native engine can train it, compiled or not."""
    if kind == "optimizers":
        return unknown([tl.Member(tl.MLP(), part())]) is None
    if kind == "schedules":
        return unknown([tl.Member(tl.MLP(), tl.SGD(schedule=part()))]) is None
    field = {"activations": "activation", "norms": "norm", "losses": "loss"}[kind]
    return unknown([tl.Member(tl.MLP(**{field: part()}))]) is None


def listed(kind: str) -> list[str]:
    """The names in the row of features."""
    (row,) = (line for line in FEATURES if line.startswith(f"| {kind} |"))
    return re.findall(r"`(\w+)`", row)


def lacking(kind: str, part: Any) -> Iterator[str]:
    """What a part lacks, a line each: the file, and what is to be written there."""
    _, _, table, rows = KINDS[kind]
    name = next((key for key, one in table.items() if one is part), "")
    source = inspect.getfile(part).rpartition("/src/")[2]
    if part.__name__ not in tl.__all__:
        yield f"src/{source}: its name in __all__; if the file is new, see {PUBLIC}"
    if not name and kind != "optimizers":  # whose files are the table
        yield f"src/{source}: a row in {'AFTER_WARM_UP' if kind == 'schedules' else kind.upper()}"
    if part not in map(type, rows.values()) or (kind != "norms" and name not in rows):
        row = f"a row {name!r}" if name and kind != "norms" else "a row"
        yield f"tests/support/cases.py: {row} in {'LAYERS' if kind == 'norms' else kind.upper()}"
    if kind == "initializers":
        own = {name for name, one in rows.items() if type(one) is part}
        if not own or own - set(cases.DEVIATIONS):
            yield "tests/support/cases.py: a row in DEVIATIONS, the deviation of its weights"
    if kind == "optimizers" and part not in FORMULAS:
        yield "tests/optimizers/test_optimizer_formulas.py: its formula in FORMULAS"
    if kind == "schedules" and part not in {type(one) for one, *_ in VALUES}:
        yield "tests/schedules/test_schedules.py: some of its multipliers in VALUES"
    if kind in ("activations", "norms", "losses") and part.__name__ not in sections():
        file = "layers" if kind == "norms" else kind
        yield f"docs/derivations/{file}.md: a section ## `{part.__name__}`"
    if part.__name__ not in listed(kind):
        names = "`, `".join(one.__name__ for one in table.values())
        known = part in table.values()  # else nobody knows its place
        yield f"docs/features.md: the row | {kind} | {f'`{names}`' if known else 'with its name'}"
    if kind != "initializers":
        yield from lacking_natively(kind, part)


def lacking_natively(kind: str, part: Any) -> Iterator[str]:
    """The same of the native engine."""
    alone = part in cases.NUMPY_ALONE
    if not known_natively(kind, part):
        if not alone:
            yield (
                "tests/support/cases.py: its class in NUMPY_ALONE, as the native engine does not"
                " know it; or teach it to that engine, see native/README.md"
            )
    elif alone:
        yield "tests/support/cases.py: NUMPY_ALONE without it: the native engine knows it"
    elif part not in in_bits(kind):
        yield "src/trainlab/bits.py: a training with it in `cases`, then run tools/bits.py"


def report(kind: str, part: Any) -> str:
    """All of it, "" where nothing is lacking."""
    lines = list(lacking(kind, part))
    return "\n  ".join([f"{part.__name__}, which is new in {kind}, lacks", *lines] if lines else [])


@pytest.mark.parametrize(("kind", "part"), PARTS)
def test_a_part_lacks_nothing(kind: str, part: Any) -> None:
    found = report(kind, part)
    if found:
        pytest.fail(found, pytrace=False)


def test_tables_and_cases_have_nothing_else() -> None:
    """No name for what another file defines, no row that nobody looks at; features in order."""
    for kind, (_, _, table, rows) in KINDS.items():
        own = {values[1] for values in (one.values for one in PARTS) if values[0] == kind}
        assert own >= set(table.values()), kind
        assert kind == "norms" or own >= {type(one) for one in rows.values()}, kind
        names, said = [one.__name__ for one in table.values()], listed(kind)
        in_order = [name for name in names if name in said]
        assert [name for name in said if name in names] == in_order, f"docs/features.md, {kind}"


# What a part of each kind lacks of which there is nothing but its class.
BARE: Final = {
    "activations": 6,
    "norms": 6,
    "initializers": 5,
    "losses": 6,
    "optimizers": 5,
    "schedules": 6,
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_a_new_part_lacks_is_said_at_once(kind: str) -> None:
    _, (file, *_), table, _ = KINDS[kind]
    new = type("Brand", (next(reversed(table.values())),), {"__module__": file.__name__})
    said, *lines = report(kind, new).splitlines()
    assert said == f"Brand, which is new in {kind}, lacks"
    assert len(lines) == BARE[kind], lines
    for line in lines:
        file, _, what = line.strip().partition(":")
        assert (ROOT / file).is_file(), line
        assert "''" not in what  # it has no name before it has a row
