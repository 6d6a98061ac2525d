"""Which engine trains: the one that is asked for, or the fastest that can."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from typing import Final

from trainlab.engine import ENGINES, Engine
from trainlab.errors import SettingError, sentence
from trainlab.members import Member
from trainlab.settings import Rule

ENGINE: Final = Rule(
    lambda v: (
        (v in ENGINES) if isinstance(v, str) else isinstance(v, Engine) and not isinstance(v, type)
    ),
    "be one of " + ", ".join(map(repr, ENGINES)) + " or an Engine",
    lambda v: v,
    "'auto'",
    ENGINES,
)
"""What may be asked for."""

REFERENCE: Final = "numpy"
"""The engine that trains everything."""


def engine_for(engine: str | Engine, members: Sequence[Member], owner: str) -> Engine:
    """The engine that trains these members.

    "auto" is the fastest that there is; where that cannot train one of the members, it is the
    reference, and the log, `trainlab` of the module `logging`, says so once.

    Raises
    ------
    SettingError
        For what is no engine, and for one that cannot train these members.
    """
    asked = ENGINE.check(engine, "engine", owner)
    chosen: Engine = ENGINES[asked]() if isinstance(asked, str) else asked
    reason = chosen.supports(members)
    if reason is None:
        return chosen
    if asked == "auto":
        _tell(chosen.name, reason)
        return ENGINES[REFERENCE]()
    must = f"be one that can train these members: {reason}"
    raise SettingError(sentence("engine", owner, must, chosen.name, "engine='auto'"))


@functools.cache
def _tell(name: str, reason: str) -> None:
    """Says it once for each reason."""
    text = "engine %s cannot train these members (%s); engine %s does"
    logging.getLogger("trainlab").info(text, name, reason, REFERENCE)
