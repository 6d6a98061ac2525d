"""The choice of an engine: which ones may be named, and which one "auto" takes."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from trainlab.engine import native
from trainlab.engine.base import Engine
from trainlab.engine.native import NativeEngine, instruction_set, is_compiled
from trainlab.engine.numpy import NumPyEngine
from trainlab.errors import SettingError, sentence
from trainlab.limits import ENGINES as NAMES
from trainlab.members import Member
from trainlab.settings import Rule

ENGINES: Final[Mapping[str, Callable[[], Engine]]] = {
    "native": NativeEngine,
    "numpy": NumPyEngine,
}
"""Engines by name, the fastest first."""

AUTO = tuple(ENGINES)
"""Of these "auto" takes the first that is here and can train the members."""

ENGINE: Final = Rule(
    lambda v: (
        v in NAMES if isinstance(v, str) else isinstance(v, Engine) and not isinstance(v, type)
    ),
    "be one of " + ", ".join(map(repr, NAMES)) + " or an Engine",
    lambda v: v,
    "'auto'",
    NAMES,
)
"""What may be asked for."""


def engine_for(
    engine: str | Engine, members: Sequence[Member], owner: str, begun: str | None = None
) -> Engine:
    """The engine of a name, or itself; SettingError where it cannot train the members.

    begun  the engine of the stored run that is gone on with: "auto" is this one
    """
    if engine == "auto":
        if begun is None:
            return _first(members)
        if begun not in _here():
            must = "be the one that the run began with"
            remedy = f"where {begun} is installed, or fresh=True"
            raise SettingError(sentence("engine", owner, must, f"no engine {begun}", remedy))
        engine = begun
    chosen = ENGINES[engine]() if isinstance(engine, str) else engine
    reason = chosen.supports(members)
    if reason is not None:
        must = f"be one that can train these members: {reason}"
        raise SettingError(sentence("engine", owner, must, chosen.name, "engine='auto'"))
    return chosen


def describe() -> str:
    """For people: the engine that "auto" takes where it can, and why it is not native."""
    if native.MISSING is None:
        return f"native ({instruction_set()})"
    reason = native.MISSING
    if "No module named" in reason:
        reason = "it was not compiled when trainlab was installed, see docs/engines.md"
    return f"numpy (native is not installed: {reason})"


def _here() -> list[str]:
    return [name for name in ENGINES if name != "native" or is_compiled()]


def _first(members: Sequence[Member]) -> Engine:
    for name in AUTO:
        if name in _here():
            engine = ENGINES[name]()
            reason = engine.supports(members)
            if reason is None:
                return engine
            _tell(name, reason)
    return NumPyEngine()


@functools.cache
def _tell(name: str, reason: str) -> None:
    """Logs once, for each reason, why "auto" passes an engine over."""
    logging.getLogger("trainlab").info("not trained by the engine %r: %s", name, reason)
