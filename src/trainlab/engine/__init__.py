"""Engines: what trains and evaluates members side by side, behind one protocol (`base`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from trainlab.engine.base import Engine
from trainlab.engine.native import NativeEngine, is_compiled
from trainlab.engine.numpy import NumPyEngine
from trainlab.errors import SettingError, sentence
from trainlab.members import Member

ENGINES: Final[Mapping[str, Callable[[], Engine]]] = {
    "native": NativeEngine,
    "numpy": NumPyEngine,
}
"""Engines by name, the fastest first."""

AUTO = ("numpy",)
"""Those that "auto" takes the first of that is here and can train the members."""

__all__ = ["AUTO", "ENGINES", "Engine", "NativeEngine", "NumPyEngine", "engine_for"]


def engine_for(engine: str | Engine, members: Sequence[Member], owner: str) -> Engine:
    """The engine of a name, or itself; SettingError where it cannot train the members."""
    if engine == "auto":
        here = [name for name in AUTO if name != "native" or is_compiled()]
        able = (each for each in (ENGINES[name]() for name in here) if not each.supports(members))
        return next(able, NumPyEngine())
    chosen = ENGINES[engine]() if isinstance(engine, str) else engine
    reason = chosen.supports(members)
    if reason is not None:
        must = f"be one that can train these members: {reason}"
        raise SettingError(sentence("engine", owner, must, chosen.name, "engine='auto'"))
    return chosen
