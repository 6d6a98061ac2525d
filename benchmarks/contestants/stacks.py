"""What the stacked contestants share: which members go into one stack, and how many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.contestants.base import Array, starting_weights
from benchmarks.workloads import Indices, Setting, Workload


def split(workload: Workload, members: Sequence[int], size: int) -> list[list[int]]:
    """Members of one structure together, in stacks of nearly equal size, at most `size`."""
    kinds: dict[tuple[object, ...], list[int]] = {}
    for i in members:
        member = workload.members[i]
        kinds.setdefault((member.hidden, member.batch_norm), []).append(i)
    stacks = []
    for rows in kinds.values():
        parts = np.array_split(np.array(rows), -(-len(rows) // size))
        stacks += [part.tolist() for part in parts]
    return stacks


def sizes(workload: Workload) -> list[int]:
    """Sizes of stacks worth trying: from one to all members of the commonest structure."""
    largest = max(len(stack) for stack in split(workload, range(len(workload.members)), 10**9))
    return [size for size in (1, 2, 5, 10, 25, 50, 100, 250, 1_000) if size < largest] + [largest]


def segments(members: Sequence[Setting]) -> list[tuple[slice, Setting]]:
    """Slices of a stack whose members have one optimizer, and one of these members.

    Rates may differ between the members of a slice under SGD alone.
    """
    found: list[tuple[slice, Setting]] = []
    start = 0
    for end in range(1, len(members) + 1):
        first = members[start]
        if end < len(members):
            here = members[end]
            alike = here.optimizer == first.optimizer
            if alike and (first.optimizer == "sgd" or here.lr == first.lr):
                continue
        found.append((slice(start, end), first))
        start = end
    return found


def stacked_weights(workload: Workload, members: Sequence[Setting]) -> list[tuple[Array, Array]]:
    """W (K, in, out) and b (K, 1, out) of each layer, float32."""
    draws: dict[tuple[object, ...], list[tuple[Array, Array]]] = {}
    starts = []
    for member in members:
        key = (member.seed, member.init, member.hidden)
        if key not in draws:
            draws[key] = starting_weights(workload, member)
        starts.append(draws[key])
    return [
        (
            np.stack([W for W, _ in layer]).astype("f"),
            np.stack([b[None] for _, b in layer]).astype("f"),
        )
        for layer in zip(*starts, strict=True)
    ]


def stacked_batches(workload: Workload, members: Sequence[Setting], steps: int) -> list[Indices]:
    """The rows of each batch: (B,) where the members share a seed, else (K, B)."""
    if len({member.seed for member in members}) == 1:
        return list(workload.batches(members[0].seed, steps))
    own = [workload.batches(member.seed, steps) for member in members]
    return [np.stack(rows) for rows in zip(*own, strict=True)]
