"""Engines: what trains and evaluates members side by side, behind one protocol (`base`)."""

from __future__ import annotations

from trainlab.engine.base import Engine
from trainlab.engine.choice import AUTO, ENGINE, ENGINES, NAMES, choose
from trainlab.engine.native import NativeEngine
from trainlab.engine.numpy import NumPyEngine

__all__ = ["AUTO", "ENGINE", "ENGINES", "NAMES", "Engine", "NativeEngine", "NumPyEngine", "choose"]
