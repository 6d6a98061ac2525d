"""Live sessions for tests: small ones of every kind, and people who do things at random."""

from __future__ import annotations

from typing import Any

import numpy as np

import trainlab as tl
from trainlab.live.session import LiveSession
from trainlab.live.setup import LiveSetup
from trainlab.members import Member

SOURCE = {"name": "moons", "rows": 53, "validation": 20, "noise": 0.1, "seed": 3}


def arms() -> dict[str, Member]:
    """Of two structures, with everything that draws at random; one diverges at once."""
    tanh = tl.MLP(hidden=(6, 4), activation="tanh")
    norm = tl.MLP(hidden=(5,), norm="batch", dropout=0.2)
    return {
        "SGD": Member(tanh, tl.SGD(0.1)),
        "Adam": Member(norm, tl.Adam(0.02, schedule=tl.Step(every=7))),
        "NAdam, clipped": Member(norm.__class__(hidden=(5,)), tl.NAdam(0.01, clip_norm=0.5)),
        "wild": Member(tanh, tl.SGD(1e38)),
    }


def small(engine: str = "auto", seeds: int = 3, **given: Any) -> LiveSession:
    """A session of twelve members."""
    data = tl.load_planar(SOURCE["name"], 53, 20, noise=0.1, seed=3)  # type: ignore[arg-type]
    made = LiveSetup(data, arms(), range(seeds), 10, 20, engine, SOURCE)
    return LiveSession(LiveSetup(**{**vars(made), **given}))


def play(session: LiveSession, rng: np.random.Generator, times: int = 8) -> int:
    """Somebody trains and does things at random; returns how often something was undone."""
    undone = 0
    for _ in range(times):
        session.advance_to(session.step + int(rng.integers(0, 9)))
        running, act = session.running, rng.choice(["change", "stop", "clone", "mark", "undo"])
        arm = str(rng.choice(running))
        field = str(rng.choice(["lr", "dropout", "weight_decay", "l1", "decoupled_weight_decay"]))
        fields = {field: float(rng.uniform(0.001, 0.3))}
        if act == "change":
            session.change(arm, fields)
        elif act == "stop" and session.step and len(running) > 2:
            session.stop(arm)
        elif act == "clone" and len(running) < 8:
            session.clone(arm, fields if rng.random() < 0.7 else {})
        elif act == "mark":
            session.mark()
        elif act == "undo" and session.log:
            session.undo(int(rng.integers(len(session.log))))
            undone += 1
    session.advance_to(session.step + int(rng.integers(1, 9)))
    return undone
