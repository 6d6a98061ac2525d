"""Which members train side by side, and how many: it changes the speed and not one bit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainlab.settings import structure
from trainlab.training.members import Member

_USUAL_CACHE: Final = 8 * 2**20  # bytes, where the machine does not say


def group(
    members: Sequence[Member], widths: tuple[int, int], batch_size: int, dtype: Any, workers: int
) -> list[list[int]]:
    """Members of one structure together, seeds together, in chunks that fit the caches."""
    kinds: dict[Any, list[int]] = {}
    for row, member in enumerate(members):
        kinds.setdefault(structure(member.network), []).append(row)
    chunks: list[list[int]] = []
    for rows in kinds.values():
        rows.sort(key=lambda row: members[row].seed)
        own = [members[row] for row in rows]
        count = -(-len(rows) // chunk_size(own, widths, batch_size, dtype, workers))
        count = min(len(rows), -(-count // workers) * workers)  # no worker is left without
        chunks += [part.tolist() for part in np.array_split(np.array(rows), count)]
    return sorted(chunks, key=len, reverse=True)


def chunk_size(
    members: Sequence[Member], widths: tuple[int, int], batch_size: int, dtype: Any, workers: int
) -> int:
    """How many members' working set fits into a worker's share of the last-level cache.

    The working set of a step: parameters, gradients, optimizer state, and for every layer
    its output and the gradient of it.
    """
    architecture = members[0].network.build(*widths)
    slots = max(sum(slot.per_parameter for slot in member.optimizer.slots) for member in members)
    activations = sum(architecture.widths) * batch_size
    numbers = architecture.size * (2 + slots) + 2 * activations
    working_set = int(numbers * np.dtype(dtype).itemsize)
    return max(1, last_level_cache() // workers // working_set)


def last_level_cache() -> int:
    """Bytes of the largest cache of the first core, as Linux tells it; else a usual size."""
    sizes = []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text().strip()
        if text.endswith("K") and text[:-1].isdigit():
            sizes.append(int(text[:-1]) * 1024)
    return max(sizes, default=_USUAL_CACHE)


def usable_cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
