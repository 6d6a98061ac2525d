"""Where the arrays of all layers lie in one flat vector, and how they start."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.network.base import Parameter
from trainlab.network.initializers import Initializer
from trainlab.network.workspace import Array
from trainlab.streams import stream


@dataclasses.dataclass(frozen=True)
class Entry:
    """Where one array lies in the flat vector, how it starts, and whether it decays."""

    name: str
    layer: int
    short_name: str
    slice: slice
    parameter: Parameter


@dataclasses.dataclass(frozen=True)
class Layout:
    """The table of entries of a flat vector of `size` numbers."""

    entries: tuple[Entry, ...]
    size: int

    @staticmethod
    def of(declared: Sequence[tuple[int, str, Mapping[str, Parameter]]]) -> Layout:
        """Lays out (layer, suffix of the names, parameters), in order, without gaps."""
        entries, at = [], 0
        for layer, suffix, parameters in declared:
            for short, parameter in parameters.items():
                end = at + parameter.shape[0] * parameter.shape[1]
                entries.append(Entry(short + suffix, layer, short, slice(at, end), parameter))
                at = end
        return Layout(tuple(entries), at)

    @property
    def decaying(self) -> tuple[slice, ...]:
        """The slices that weight decay applies to."""
        return tuple(entry.slice for entry in self.entries if entry.parameter.decays)

    def views(self, flat: Array) -> dict[str, Array]:
        """Name → view of shape (..., rows, columns) of flat (..., size)."""
        return {entry.name: self.view(flat, at) for at, entry in enumerate(self.entries)}

    def layer_views(self, flat: Array, layers: int) -> list[dict[str, Array]]:
        """For each layer: short name → view."""
        views: list[dict[str, Array]] = [{} for _ in range(layers)]
        for at, entry in enumerate(self.entries):
            views[entry.layer][entry.short_name] = self.view(flat, at)
        return views

    def view(self, flat: Array, at: int) -> Array:
        """The entry at a place of the table, as a view (..., rows, columns) of flat (..., size)."""
        entry = self.entries[at]
        return flat[..., entry.slice].reshape(*flat.shape[:-1], *entry.parameter.shape)

    def start(self, seed: int, dtype: Any) -> Array:
        """The numbers of one network before its first step.

        The i-th array that is drawn draws from stream(seed, "init", i), in float64.
        """
        flat = np.empty(self.size, dtype)
        drawn = 0
        for entry in self.entries:
            start = entry.parameter.start
            if isinstance(start, Initializer):
                shape = entry.parameter.shape
                values = start.draw(stream(seed, "init", drawn), *shape)
                if np.shape(values) != shape:
                    must = f"return an array (fan_in, fan_out), which is {shape}"
                    raise SettingError(sentence("draw", type(start).__name__, must, values))
                flat[entry.slice] = np.ravel(values)
                drawn += 1
            else:
                flat[entry.slice] = start
        return flat
