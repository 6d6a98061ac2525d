"""Engines: what trains and evaluates members side by side, behind one protocol (`base`)."""

from trainlab.engine.base import Engine
from trainlab.engine.choice import ENGINE, ENGINES, describe, engine_for
from trainlab.engine.native import NativeEngine
from trainlab.engine.numpy import NumPyEngine

__all__ = [
    "ENGINE",
    "ENGINES",
    "Engine",
    "NativeEngine",
    "NumPyEngine",
    "describe",
    "engine_for",
]
