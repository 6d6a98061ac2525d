"""Random streams: counter-based, and keyed by what they are for.

A stream is a function of (seed, purpose, indices) and of nothing else.  No
generator outlives the call that made it, so the order of work, the number of
threads, the other members of a population and an interruption cannot change
what a member draws.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.random.bit_generator import ISeedSequence

from trainlab.errors import SettingError, sentence
from trainlab.limits import MAX_INDEX, MAX_SEED
from trainlab.settings import is_integer

PURPOSES: Final = {
    # The numbers are part of every result: never reuse or reorder them.
    "init": 1,
    "batches": 2,
    "dropout": 3,
    "split": 4,
    "sample": 5,
    "bootstrap": 6,
    "experiment": 7,
    "planar": 8,
}


class _Key(ISeedSequence):
    """The key of a stream, as a seed: `Philox(key=...)` would ask the system for entropy first."""

    def __init__(self, seed: int, packed: int) -> None:
        self._words = np.array([seed, packed], np.uint64)

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        """What Philox takes for its key."""
        return self._words


def stream(seed: int, purpose: str, first: int = 0, second: int = 0) -> np.random.Generator:
    """A generator that depends on (seed, purpose, first, second) alone.

    `first` and `second` tell apart the streams of one purpose: the epoch of a
    batch order, the step and the layer of a dropout mask.  The generator is
    Philox 4x64 (Salmon et al. 2011) with the seed and the packed purpose as key.

    >>> float(stream(0, "init").random()) == float(stream(0, "init").random())
    True
    """
    if not (is_integer(seed) and 0 <= seed <= MAX_SEED):
        must = f"be an integer in [0, {MAX_SEED}]"
        raise SettingError(sentence("seed", "a random stream", must, seed, "seed=0"))
    if not (_is_index(first) and _is_index(second)):
        must = f"be integers in [0, {MAX_INDEX}]"
        raise SettingError(sentence("indices", "a random stream", must, (first, second)))
    key: Any = _Key(seed, packed(purpose, first, second))  # unforeseen by NumPy's annotations
    return np.random.Generator(np.random.Philox(key))


def packed(purpose: str, first: int = 0, second: int = 0) -> int:
    """What a stream is for, as one integer: the second half of its key; the seed is the first."""
    return (PURPOSES[purpose] << 56) | (int(first) << 28) | int(second)


def _is_index(value: Any) -> bool:
    """Whether the value may tell streams of one purpose apart."""
    return is_integer(value) and 0 <= value <= MAX_INDEX
