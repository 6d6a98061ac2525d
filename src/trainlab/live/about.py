"""What there is to say of a session in words and numbers: its arms, its log, its tests."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from trainlab.evidence import Comparison, compare_all
from trainlab.live.curves import SERIES
from trainlab.live.session import LiveSession
from trainlab.live.setup import NAMELESS
from trainlab.training.changes import CHANGEABLE

MOST_SAID: Final = 3
"""Changes of one setting that the title of an arm tells."""


def describe(session: LiveSession, frame: Mapping[str, Any] | None) -> dict[str, Any]:
    """What there is to say of a session that its curves and looks do not show."""
    ended: dict[str, dict[str, int]] = {}
    for (arm, _), one in session.ended.items():
        counts = ended.setdefault(arm, {"diverged": 0, "stopped": 0})
        counts[one.kind] += 1
    running, called = set(session.running), titles(session)
    arms = [
        {
            "name": name,
            "title": called[name],
            "optimizer": type(member.optimizer).__name__,
            "settings": {field: member.get(field) for field in CHANGEABLE},
            "trains": name in running,
            **ended.get(name, {"diverged": 0, "stopped": 0}),
        }
        for name, member in session.arms.items()
    ]
    data = session.setup.data
    return {
        "arms": arms,
        "seeds": [str(seed) for seed in session.setup.seeds],  # beyond what JavaScript can count
        "series": list(SERIES),
        "task": data.task,
        "data": {
            "name": data.name,
            "rows": len(data.train),
            "held": len(session.held),
            "split": session.held_name,
        },
        "batchSize": session.setup.batch_size,
        "stepsPerEpoch": session.batches.steps_per_epoch,
        "engine": session.setup.engine,
        "log": [entry.plain() for entry in session.log],
        "undone": len(session.undone),
        "frame": frame,
    }


def titles(session: LiveSession) -> dict[str, str]:
    """What each arm is called: its name, and since when it has had which other settings.

    A clone goes on with the changes of its arm, but for those settings in which it differs.  An
    arm that has nothing of its own is called by what was changed, from what.
    """
    changed: dict[str, dict[str, dict[int, float]]] = {name: {} for name in session.arms}
    began = dict(session.setup.arms)
    for entry in session.log:
        if entry.action == "change":
            for field, value in entry.fields.items():
                # At one step the last value is the one that trains.
                earlier = changed[entry.arm].get(field, {})
                changed[entry.arm][field] = {**earlier, entry.step: value}
        elif entry.action == "clone":
            before = changed[entry.arm].items()
            changed[entry.name] = {field: one for field, one in before if field not in entry.fields}
            began[entry.name] = entry.changed(began[entry.arm])
    called = {}
    for name, fields in changed.items():
        # Not of a clone that has the name.
        first = session.setup.arms.get(name) if name == NAMELESS else None
        courses = {field: _course(began[name].get(field), one) for field, one in fields.items()}
        said = [
            f"{field} {'' if first is None else f'{first.get(field):g} → '}{course}"
            for field, course in courses.items()
            if course
        ]
        start = f"{name} → " if said and first is None else ""
        called[name] = f"{start}{', '.join(said)}" or name
    return called


def _course(first: float, values: Mapping[int, float]) -> str:
    """What a setting became, at which steps; of many changes the first and the last."""
    runs = itertools.groupby([(0, first), *values.items()], key=lambda change: change[1])
    _, *later = [(next(changes)[0], value) for value, changes in runs]
    said = [f"{value:g} from step {step:,}" for step, value in later]
    return " → ".join(said if len(said) <= MOST_SAID else [said[0], "…", said[-1]])


def compared(session: LiveSession) -> list[Comparison]:
    """The arms that train against each other by their titles, as they are at this step.

    [] for fewer than two, and before the first step, when they differ in nothing that they learnt.

    They are evaluated for it: the last point of the curves may be many steps old, and a clone
    that has trained on would still have the values of its arm.
    """
    which = "loss" if session.setup.data.task == "regression" else "accuracy"
    if len(session.running) < 2 or not session.step:
        return []
    worst = np.inf if which == "loss" else -np.inf
    values, place = session.lanes.evaluate("held"), ("loss", "accuracy").index(which)
    found = {}
    for arm in session.running:
        own = [values[key][place] if key in values else worst for key in session.keys(arm)]
        found[arm] = np.array(own)
    called = titles(session)
    return [
        dataclasses.replace(
            one,
            first=called[one.first],
            second=called[one.second],
            winner=None if one.winner is None else called[one.winner],
        )
        for one in compare_all(found, better="lower" if which == "loss" else "higher")
    ]
