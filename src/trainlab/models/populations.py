"""Populations and networks as the content of a file, and back.

The document: `networks` and `optimizers` that occur, each once, `members` as places in
these two lists and a seed, `updates` that each has received, the widths of inputs and
outputs, the dtype, and the engine that trained them; of classifiers also the `classes` that their
class numbers stand for, where they are known and JSON can hold them.  The arrays of member 3:
`3.params`, `3.buffers` where it has running statistics, `3.state.m` and so on where its
optimizer's state was kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from trainlab.engine.state import MemberState
from trainlab.errors import ModelFileError
from trainlab.limits import MAX_SEED
from trainlab.members import Member
from trainlab.models.container import UNSOUND, Content, fault
from trainlab.models.records import labels_of, plain_labels, plain_record, revive
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.workspace import Array
from trainlab.optimizers.base import Optimizer
from trainlab.population import Network, Population
from trainlab.settings import MOST
from trainlab.terminal import counted

ArraySpec = tuple[tuple[int, ...], str]
"""The shape and the dtype of an array."""

_KEYS: Final = {"networks", "optimizers", "members", "updates", "widths", "dtype", "engine"}
_WITH_ENGINE: Final = 3
"""The version of the format since which the engine is written; it was "numpy" before."""
_FLOATS: Final = ("float32", "float64")


def pack_population(population: Population) -> Content:
    """What a file says of a trained population."""
    return Content("population", *describe_population(population))


def unpack_population(content: Content, source: str) -> Population:
    """The population of a file."""
    return revive_population(content.document, content.arrays, source, content.version)


def pack_network(network: Network) -> Content:
    """What a file says of a trained network: a population of one."""
    return Content("network", *describe_population(network.population))


def unpack_network(content: Content, source: str) -> Network:
    """The network of a file."""
    population = unpack_population(content, source)
    if len(population) != 1:
        raise fault(source, "network", "have one member", len(population))
    return Network.of(population)


def describe_population(population: Population) -> tuple[dict[str, Any], dict[str, Array]]:
    """The document and the arrays of a trained population."""
    networks, optimizers = dict[MLP, int](), dict[Optimizer, int]()
    members, arrays, updates = [], dict[str, Array](), []
    for index, (member, state) in enumerate(zip(population, population.states, strict=True)):
        network = networks.setdefault(member.network, len(networks))
        optimizer = optimizers.setdefault(member.optimizer, len(optimizers))
        members.append([network, optimizer, member.seed])
        updates.append(state.updates)
        arrays[f"{index}.params"] = state.params
        if state.buffers.size:
            arrays[f"{index}.buffers"] = state.buffers
        arrays |= {f"{index}.state.{name}": values for name, values in state.optimizer.items()}
    document = {
        "networks": [plain_record(network) for network in networks],
        "optimizers": [plain_record(optimizer) for optimizer in optimizers],
        "members": members,
        "updates": updates,
        "widths": list(population.widths),
        "dtype": str(state.params.dtype),
        "engine": population.engine,
    }
    classes = None if population.classes is None else plain_labels(population.classes)
    if classes is not None:
        document["classes"] = classes
    return document, arrays


def revive_population(
    document: Mapping[str, Any], arrays: Mapping[str, Array], source: str, version: int
) -> Population:
    """The population that `describe_population` described; ModelFileError for anything else."""
    if version < _WITH_ENGINE and isinstance(document, Mapping):
        document = {**document, "engine": "numpy"}
    if set(document) - {"classes"} != _KEYS or document["dtype"] not in _FLOATS:
        must = f"have {', '.join(sorted(_KEYS))}, and a dtype among {', '.join(_FLOATS)}"
        raise fault(source, "document", must, dict(document))
    engine = document["engine"]
    if engine is not None and not isinstance(engine, str):
        raise fault(source, "engine", "be a name or null", engine)
    widths = _integers(document["widths"], 2, 1, source, "widths", MOST)
    members = _members(document, source)
    updates = _integers(document["updates"], len(members), 0, source, "updates")
    built: dict[MLP, Architecture] = {}
    taken: set[str] = set()
    states = []
    for index, member in enumerate(members):
        if member.network not in built:
            built[member.network] = member.network.build(*widths)
        expected = _expected(built[member.network], member.optimizer, document["dtype"])
        own = {name: arrays.get(f"{index}.{name}") for name in expected}
        found = {name: values for name, values in own.items() if values is not None}
        _check(found, expected, f"member {index} of {source}")
        taken |= {f"{index}.{name}" for name in found}
        optimizer = {
            name.removeprefix("state."): values
            for name, values in found.items()
            if name.startswith("state.")
        }
        buffers = found.get("buffers", np.empty(0, document["dtype"]))
        states.append(MemberState(found["params"], buffers, optimizer, updates[index]))
    if taken != set(arrays):
        raise fault(source, "arrays", "be those of its members", sorted(set(arrays) - taken))
    kept = zip(members, states, strict=True)
    if len({bool(one.optimizer) for member, one in kept if member.optimizer.slots}) > 1:
        raise fault(source, "state", "be there of all members or of none", "that of some")
    try:
        classes = labels_of(document["classes"], source) if "classes" in document else None
        return Population.restore(members, states, (widths[0], widths[1]), engine, classes)
    except ModelFileError:
        raise
    except UNSOUND as error:
        raise fault(source, "classes", "be labels, one for each output", str(error)) from error


def _members(document: Mapping[str, Any], source: str) -> list[Member]:
    networks = _records(document["networks"], MLP, source)
    optimizers = _records(document["optimizers"], Optimizer, source)
    listed = document["members"]
    if not isinstance(listed, list) or not listed:
        raise fault(source, "members", "be a list of at least one", listed)
    members = []
    for row in listed:
        network, optimizer, seed = _integers(row, 3, 0, source, "a member")
        if network >= len(networks) or optimizer >= len(optimizers):
            must = "be a network and an optimizer that are there, and a seed"
            raise fault(source, "a member", must, row)
        members.append(Member(networks[network], optimizers[optimizer], seed))
    return members


def _records(values: Any, kind: type[Any], source: str) -> list[Any]:
    if not isinstance(values, list):
        raise fault(source, f"records of {kind.__name__}", "be a list", values)
    return [revive(value, kind, source) for value in values]


def _integers(
    values: Any, length: int, low: int, source: str, what: str, high: int = MAX_SEED
) -> list[int]:
    whole = isinstance(values, list) and all(type(value) is int for value in values)
    if not whole or len(values) != length or not all(low <= v <= high for v in values):
        raise fault(source, what, f"be {counted(length, 'integer')} in [{low}, {high}]", values)
    found: list[int] = values
    return found


def _expected(network: Architecture, optimizer: Optimizer, dtype: str) -> dict[str, ArraySpec]:
    """Name → shape and dtype of everything that can be kept of a member."""
    found: dict[str, ArraySpec] = {"params": ((network.size,), dtype)}
    if network.buffer_layout.size:
        found["buffers"] = ((network.buffer_layout.size,), dtype)
    for slot in optimizer.slots:
        kept = ((network.size,), dtype) if slot.per_parameter else ((1,), "float64")
        found[f"state.{slot.name}"] = kept
    return found


def _check(found: Mapping[str, Array], expected: Mapping[str, ArraySpec], source: str) -> None:
    """Raises ModelFileError unless the arrays of a member are what its settings ask for."""
    needed = {name for name in expected if not name.startswith("state.")}
    if set(found) not in (needed, set(expected)):
        must = f"be {', '.join(expected)}, or these without state"
        raise fault(source, "arrays", must, sorted(found))
    for name, values in found.items():
        if (values.shape, str(values.dtype)) != expected[name]:
            shape, dtype = expected[name]
            raise fault(source, name, f"be of shape {shape} and dtype {dtype}", values)
    for name in needed:
        # A member that diverges keeps its last finite numbers; its optimizer's may be infinite.
        if not np.isfinite(found[name]).all():
            raise fault(source, name, "be finite", "NaN or an infinite number")
