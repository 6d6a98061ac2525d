"""Which members train side by side, and how many: it changes the speed and not one bit."""

from __future__ import annotations

import functools
import heapq
import itertools
import math
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainlab.blas import usable_cores
from trainlab.engine.base import Group
from trainlab.members import Member
from trainlab.network.architecture import MLP
from trainlab.settings import structure

_USUAL_CACHE: Final = 8 * 2**20  # bytes, where the machine does not say

# A step of K members costs o/K of fixed work per member (the interpreter, the calls) and
# s·K/C more for memory, where their working sets K·w approach the cache C: it is cheapest
# for K² = (o/s)·C/w.  This is o/s, from the best K of six networks with 2,410 to 330,000
# parameters, which had K = 50 to 4; the optimum is wide.
BALANCE: Final = 10.0

# Passes over its parameters that an optimizer makes, and how many floating-point operations
# of a matrix product take as long as one number of a pass.
PASSES: Final = 1
PASSES_PER_SLOT: Final = 5
OPERATIONS_PER_NUMBER: Final = 20


def group(
    members: Sequence[Member],
    widths: tuple[int, int],
    batch_size: int,
    dtype: Any,
    workers: int,
    origins: Sequence[Hashable] | None = None,
    lane_bytes: int | None = None,
) -> list[Group]:
    """Groups of members of one structure, the dearest first.

    Members that have received unequal numbers of updates before, their `origins`, are apart.

    A structure that costs more than half of a worker's share has a multiple of `workers` groups,
    another one as few as caches allow, or `lane_bytes`.  Groups of a structure cost about the
    same; members of one seed stay together where they can, as they share their batches.
    """
    kinds: dict[Any, list[int]] = {}
    known: dict[MLP, Hashable] = {}  # members often have the same network
    for row, member in enumerate(members):
        network = member.network
        if network not in known:
            known[network] = structure(network)
        kinds.setdefault((known[network], origins[row] if origins else 0), []).append(row)
    groups: list[Group] = []
    costs: dict[int, float] = {}
    for rows in kinds.values():
        own = [members[row] for row in rows]
        costs.update(zip(rows, step_costs(own, widths, batch_size), strict=True))
    share = sum(costs.values()) / workers
    for rows in kinds.values():
        own = [members[row] for row in rows]
        if lane_bytes is None:
            size = chunk_size(own, widths, batch_size, dtype, workers)
        else:
            size = max(1, lane_bytes // working_set(own, widths, batch_size, dtype))
        count = -(-len(rows) // size)
        if lane_bytes is not None and count > 1:  # lanes side by side: no core is left without
            count = min(len(rows), -(-count // usable_cores()) * usable_cores())
        if sum(costs[row] for row in rows) > share / 2:
            count = min(len(rows), -(-count // workers) * workers)  # no worker is left without
        seeds: dict[int, list[int]] = {}
        for row in rows:
            seeds.setdefault(members[row].seed, []).append(row)
        chunks = _deal([seeds[seed] for seed in sorted(seeds)], count, costs)
        groups += [Group(chunk, sum(costs[row] for row in chunk)) for chunk in chunks]
    return sorted(groups, key=lambda one: one.cost, reverse=True)


def _deal(seeds: list[list[int]], count: int, costs: dict[int, float]) -> list[list[int]]:
    """All rows in `count` chunks of about the same cost: whole seeds, or parts of large ones."""
    owed = [sum(costs[row] for row in rows) for rows in seeds]
    share = sum(owed) / count
    large = [cost > 1.001 * share for cost in owed]  # more than the last digits of a sum
    packs = _pack(seeds, [0 if own else cost for own, cost in zip(large, owed, strict=True)], share)
    packs += [rows for own, rows in zip(large, seeds, strict=True) if own]
    owed = [sum(costs[row] for row in rows) for rows in packs]
    parts = [1] * len(packs)
    dearest = [(-cost, i) for i, cost in enumerate(owed) if len(packs[i]) > 1]
    heapq.heapify(dearest)
    for _ in range(count - len(packs)):  # one more part for where the parts cost most
        i = heapq.heappop(dearest)[1]
        parts[i] += 1
        if parts[i] < len(packs[i]):
            heapq.heappush(dearest, (-owed[i] / parts[i], i))
    cut = (_cut(rows, n, costs) for rows, n in zip(packs, parts, strict=True))
    return list(itertools.chain.from_iterable(cut))


def _pack(seeds: list[list[int]], owed: list[float], share: float) -> list[list[int]]:
    """The seeds that cost something in packs of about one share each, neighbours together."""
    total, before = sum(owed), 0.0
    places, packs = max(1, round(total / share)), dict[int, list[int]]()
    for rows, cost in zip(seeds, owed, strict=True):
        if cost:
            packs.setdefault(int((before + cost / 2) / total * places), []).extend(rows)
        before += cost
    return list(packs.values())


def _cut(rows: list[int], parts: int, costs: dict[int, float]) -> list[list[int]]:
    """Rows in so many parts, whose costs differ by at most that of one row."""
    if parts == 1:
        return [rows]
    # There and back again, as cards are dealt fairly: 0 1 2 2 1 0 0 1 2 …
    turns = itertools.cycle([*range(parts), *reversed(range(parts))])
    dealt: list[list[int]] = [[] for _ in range(parts)]
    for row in sorted(rows, key=lambda row: costs[row], reverse=True):
        dealt[next(turns)].append(row)
    return [sorted(part) for part in dealt]


def chunk_size(
    members: Sequence[Member], widths: tuple[int, int], batch_size: int, dtype: Any, workers: int
) -> int:
    """How many members of one structure are cheapest side by side."""
    sharing = min(workers, usable_cores())  # the others of a cluster have caches of their own
    own = working_set(members, widths, batch_size, dtype)
    return max(1, round(math.sqrt(BALANCE * last_level_cache() / sharing / own)))


def working_set(
    members: Sequence[Member], widths: tuple[int, int], batch_size: int, dtype: Any
) -> int:
    """Bytes of a member of one structure: parameters, gradients, optimizer state, activations.

    Of every layer its output and the gradient of it.
    """
    architecture = members[0].network.build(*widths)
    slots = max(_slots(member) for member in members)
    activations = sum(architecture.widths) * batch_size
    elements = architecture.size * (2 + slots) + 2 * activations
    return int(elements * np.dtype(dtype).itemsize)


def step_costs(members: Sequence[Member], widths: tuple[int, int], batch_size: int) -> list[float]:
    """What a step of each member of one structure costs, in floating-point operations."""
    size = members[0].network.build(*widths).size
    products = 6 * size * batch_size  # forward, dW and dx: a product and a sum each
    passes = [PASSES + PASSES_PER_SLOT * _slots(member) for member in members]
    return [float(products + OPERATIONS_PER_NUMBER * size * count) for count in passes]


def _slots(member: Member) -> int:
    return len(member.optimizer.arrays)


@functools.cache
def last_level_cache() -> int:
    """Bytes of the largest cache of the first core, as Linux tells it; else a usual size."""
    sizes = []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text().strip()
        if text.endswith("K") and text[:-1].isdigit():
            sizes.append(int(text[:-1]) * 1024)
    return max(sizes, default=_USUAL_CACHE)
