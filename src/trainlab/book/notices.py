"""Notices: one line on standard error, once per process, where a result is not the book's."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from trainlab.terminal import printable


@functools.cache
def notice(text: str) -> None:
    """Write a line to standard error, the first time that this is asked for in a process."""
    sys.stderr.write(f"trainlab: {printable(text)}\n")
    sys.stderr.flush()


def tell_unshared(network: Any, layers: Iterable[Any]) -> None:
    """A notice where a parameter was bound to another array than the one that its layer has."""
    params: Mapping[str, Any] = getattr(network, "params", {})
    names = ("W", "b", "gamma", "beta")
    arrays = [getattr(layer, name) for layer in layers for name in names if hasattr(layer, name)]
    ids, known = {id(array) for array in arrays}, {id(value) for value in params.values()}
    lost = next((name for name, value in params.items() if id(value) not in ids), None)
    if lost is not None and not ids <= known:
        notice(
            f"params[{lost!r}] is not the array of its layer any more: the layer computes with the "
            f"old one, as in the book; to change it write into it, params[{lost!r}][...] = value"
        )
