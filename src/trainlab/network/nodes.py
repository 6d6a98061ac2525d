"""What a layer or an activation may ask of an ONNX graph that it is added to.

The graph itself is built by `trainlab.models.graph`.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

FLOAT: Final = 1
INT64: Final = 7
DOUBLE: Final = 11
"""ONNX' numbers for float32, int64 and float64."""


class Nodes(Protocol):
    """A graph as it grows.  Values have names; `dtype` is that of the parameters."""

    dtype: Any

    def add(self, operator: str, *inputs: str, **settings: Any) -> str:
        """Adds a node of an ONNX operator and returns the name of its output."""

    def constant(self, value: Any) -> str:
        """Adds a number or an array in `dtype` and returns its name."""
