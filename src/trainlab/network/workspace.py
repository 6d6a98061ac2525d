"""Where the arrays of a step live.

A layer asks for each array it fills by name: `new("y", shape, dtype)`.  With
`FRESH` every call allocates, which is what a single forward pass wants.  With a
`Workspace` the same name gives the same memory at every step, so a training
loop allocates during its first step and never again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Allocator = Callable[[str, tuple[int, ...], Any], Array]


def allocate(name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """A new array at every call; `name` is not used."""
    return np.empty(shape, dtype)


class Workspace:
    """Arrays that outlive the call that first asked for them.

    Two askers never get each other's memory as long as each has a scope of its own.
    An array keeps its content until its name is asked for again.

    >>> new = Workspace()
    >>> new("y", (2, 3), "float32") is new("y", (2, 3), "float32")
    True
    >>> new.scope("a")("y", (2,), "f4") is new.scope("b")("y", (2,), "f4")
    False
    """

    def __init__(self, keep: bool = True) -> None:
        self._keep = keep
        self._arrays: dict[Hashable, Array] = {}
        self._scopes: dict[Hashable, Workspace] = {}

    def __call__(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        """The array of this name, shape and dtype; its content is undefined at the first call."""
        if not self._keep:
            return np.empty(shape, dtype)
        key = (name, shape, dtype)
        array = self._arrays.get(key)
        if array is None:
            array = self._arrays[key] = np.empty(shape, dtype)
        return array

    def scope(self, key: Hashable) -> Workspace:
        """The workspace of one asker: its names are its own."""
        if not self._keep:
            return self
        scope = self._scopes.get(key)
        if scope is None:
            scope = self._scopes[key] = Workspace()
        return scope


FRESH = Workspace(keep=False)

# NumPy gathers short rows that are not next to each other in its buffer, of 8,192 numbers, if
# three of them find a place in it: that takes three times as long as to compute with them.
LEAST_PIECE: Final = 2731


def piece(numbers: int, about: int) -> int:
    """How many of `numbers` in a row of each member to pass over at a time: equal pieces.

    They are of at least `about` numbers, and of LEAST_PIECE, where there are so many.

    >>> piece(10_000, about=4096), piece(1000, about=4096)
    (5000, 1000)
    """
    return -(-numbers // max(1, numbers // max(about, LEAST_PIECE)))


def rows_apart(new: Allocator, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """Scratch memory for pieces of rows, whose rows are not next to each other either.

    Where some operands of a call are and others are not, NumPy is up to twice as slow.
    """
    return new(name, (*shape[:-1], shape[-1] + 16), dtype)[..., : shape[-1]]
