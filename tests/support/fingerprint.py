"""Every bit of a trained member as one number, so that two can be compared."""

from __future__ import annotations

import hashlib

import numpy as np

from trainlab import History, Population


def fingerprint(population: Population, history: History, row: int) -> str:
    """SHA-256 of parameters, buffers, optimizer state, series and status of one member."""
    digest = hashlib.sha256()
    for name, values in sorted(population.snapshot(row).items()):
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    for name, series in sorted(history.series.items()):
        digest.update(name.encode() + series.values[row].tobytes())
    digest.update(repr(history.status[row]).encode())
    return digest.hexdigest()
