"""What outlives a session: the file of its log, and the store that it goes on from after a kill."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from trainlab.data.arrays import Dataset
from trainlab.engine.state import MemberState
from trainlab.errors import ModelFileError, sentence
from trainlab.live.interventions import Intervention, read
from trainlab.live.lanes import Key
from trainlab.live.session import EndedMember, LiveSession, SessionPoint
from trainlab.live.setup import revived, revived_arms
from trainlab.models.records import plain_record
from trainlab.settings import is_integer
from trainlab.store import Store, decode, encode

FORMAT: Final = "trainlab live log"
VERSION: Final = 1
LARGEST: Final = 2**24
"""Bytes of a log that is read."""
RUN: Final = "live"
SETUP: Final = {"what": "a live session"}

# --- the file of a log ---------------------------------------------------------------------


def log_of(session: LiveSession) -> dict[str, Any]:
    """The setup, what was done, and the SHA-256 that it led to, as plain JSON."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "setup": session.setup.described(),
        "log": [entry.plain() for entry in session.log],
        "undone": [entry.plain() for entry in session.undone],
        "step": session.step,
        "sha256": session.digest(),
    }


def read_log(path: Path) -> dict[str, Any]:
    """The content of such a file; ModelFileError for any other."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        found = json.loads(content) if len(content) <= LARGEST else None
    except OSError as error:
        must = "be a file that can be read"
        raise ModelFileError(sentence("log", str(path), must, error.strerror)) from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(sentence("log", str(path), "be JSON", str(error))) from error
    names = {"format", "version", "setup", "log", "undone", "step", "sha256"}
    if not isinstance(found, dict) or set(found) != names or found["format"] != FORMAT:
        must = "be one that a live session exported"
        raise ModelFileError(sentence("log", str(path), must, type(found).__name__))
    if found["version"] != VERSION:
        must = f"be of version {VERSION}"
        raise ModelFileError(sentence("log", str(path), must, found["version"]))
    if not isinstance(found["log"], list) or not is_integer(found["step"]):
        must = "be a list of entries, and a number of steps"
        raise ModelFileError(sentence("log", str(path), must, found["step"]))
    return found


def replayed(found: Mapping[str, Any], file: str) -> LiveSession:
    """The session that a log leads to; whether it has the same bits is for the caller to see."""
    session = LiveSession(revived(found["setup"], file))
    session.replay([read(one, file) for one in found["log"]], found["step"])
    return session


# --- the store -----------------------------------------------------------------------------


def keep(store: Store, session: LiveSession, fresh: bool = False) -> None:
    """Writes all of a session, in place of what there was."""
    point = session.point()
    members: list[tuple[Key, str, MemberState]] = [
        *((key, "trains", state) for key, state in (point.states or {}).items()),
        *((key, one.kind, one.state) for key, one in point.ended.items()),
    ]
    info = {
        "setup": session.setup.described(),
        "choice": session.choice,
        "log": [entry.plain() for entry in session.log],
        "undone": [entry.plain() for entry in session.undone],
        "step": point.step,
        "tests": session.tests,
        "arms": [
            [name, plain_record(one.network), plain_record(one.optimizer)]
            for name, one in point.arms.items()
        ],
        "members": [[*key, kind, state.updates] for key, kind, state in members],
    }
    parts = {("session", 0): encode(info, session.curves.arrays())}
    for place, (_, _, state) in enumerate(members):
        parts["member", place] = encode({}, state.arrays())
    run = store.run(RUN, SETUP, 1, fresh)
    gone = [("member", place) for place in run.places("member") if place >= len(members)]
    run.save(parts, gone)


def resumed(store: Store, folder: str, data: Dataset | None = None) -> LiveSession | None:
    """The session that a store has, where it was; None if it has none that can be read.

    Where the state of a member is damaged, its log is done again: that leads to the same bits.

    data  for a session whose data was given
    """
    if RUN not in store.began(RUN):
        return None
    run = store.run(RUN, SETUP, 1)
    content, parts = run.load("session").get(0), run.load("member")
    if content is None:
        return None
    info, curves = decode(content)
    # Earlier versions forgot the choice and the tests.
    session = LiveSession(revived(info["setup"], folder, data), info.get("choice"))
    log: list[Intervention] = [read(one, folder) for one in info["log"]]
    session.undone = [read(one, folder) for one in info["undone"]]
    session.tests = info.get("tests", 0)
    places = range(len(info["members"]))
    if not parts.keys() >= set(places):
        logging.getLogger("trainlab").warning("%s is damaged: its log is done again", folder)
        session.replay(log, info["step"])
        return session
    arms = revived_arms(info["arms"], folder)
    states: dict[Key, MemberState] = {}
    ended: dict[Key, EndedMember] = {}
    for (arm, seed, kind, updates), place in zip(info["members"], places, strict=True):
        state = MemberState.of(decode(parts[place])[1], updates)
        if kind == "trains":
            states[arm, seed] = state
        else:
            ended[arm, seed] = EndedMember(kind, state)
    session.resume(SessionPoint(len(log), info["step"], arms, states, ended), log)
    session.curves.take(curves)
    return session
