"""Engines: what trains and evaluates members side by side, behind one protocol (`base`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from trainlab.engine.base import Engine
from trainlab.engine.native import NativeEngine
from trainlab.engine.numpy import NumPyEngine

ENGINES: Final[Mapping[str, Callable[[], Engine]]] = {
    "auto": NumPyEngine,
    "numpy": NumPyEngine,
    "native": NativeEngine,
}
"""Engines by name; "auto" is the fastest that this machine has."""

__all__ = ["ENGINES", "Engine", "NativeEngine", "NumPyEngine"]
