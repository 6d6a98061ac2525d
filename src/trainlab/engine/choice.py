"""Which engine trains: the one that is asked for, the one that a run began with, or the fastest."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from trainlab.engine import built
from trainlab.engine.base import Engine
from trainlab.engine.native import MISSING, NativeEngine
from trainlab.engine.numpy import NumPyEngine
from trainlab.errors import SettingError, sentence
from trainlab.members import Member
from trainlab.settings import Rule

AUTO: Final = "auto"
NAMES: Final = (AUTO, "native", "numpy")

_NATIVE: Final[Mapping[str, Callable[[], Engine]]] = {} if MISSING else {"native": NativeEngine}
ENGINES: Final[Mapping[str, Callable[[], Engine]]] = {**_NATIVE, "numpy": NumPyEngine}
"""Those that are installed, the fastest first; the last one trains everything."""

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


def choose(
    engine: str | Engine, members: Sequence[Member], owner: str, begun: str | None = None
) -> Engine:
    """The engine that `engine` names, or is.

    "auto" is the one that a run has begun with, else the first in ENGINES that can train the
    members.  SettingError where it is not installed, or cannot train them.
    """
    found: str | Engine = ENGINE.check(engine, "engine", owner)
    if found == AUTO and begun is None:
        return _fastest(members)
    if isinstance(found, str):
        name = begun if begun is not None and found == AUTO else found
        if name not in ENGINES:
            raise _missing(name, owner, begun)
        found = ENGINES[name]()
    reason = found.supports(members)
    if reason is not None:
        must = f"be one that can train these members: {reason}"
        raise SettingError(sentence("engine", owner, must, found.name, "engine='auto'"))
    return found


def _fastest(members: Sequence[Member]) -> Engine:
    for kind in ENGINES.values():
        engine = kind()
        reason = engine.supports(members)
        if reason is None:
            return engine
        _tell(engine.name, reason)
    raise AssertionError("the last engine trains everything")


@functools.cache
def _tell(name: str, reason: str) -> None:
    """Once for each reason: it will be slower than the user may expect."""
    logging.getLogger("trainlab").info("not trained by the engine %s: %s", name, reason)


def _missing(name: str, owner: str, begun: str | None) -> SettingError:
    if name == begun:
        must, remedy = "be the one that the run began with", f"where {name} is, or fresh=True"
        return SettingError(sentence("engine", owner, must, f"no engine {name}", remedy))
    must = f"be installed: {MISSING}"
    return SettingError(sentence("engine", owner, must, name, f"engine='auto', or {built.REMEDY}"))
