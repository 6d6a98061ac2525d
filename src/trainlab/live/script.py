"""A session as a Python script that gives the same numbers without the page."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

from trainlab.data.planar import PLANAR
from trainlab.live.interventions import Intervention
from trainlab.live.session import LiveSession
from trainlab.live.setup import HELD, LiveSetup
from trainlab.members import default_of
from trainlab.models.records import plain_record
from trainlab.settings import Settings

TEXT: Final = '''"""What was done in a live session of trainlab, without the page.

{members} networks, {steps} steps.  At the end it prints the SHA-256 of all that they have learnt.
"""

import hashlib

import trainlab as tl
{imports}
data = {data}
arms = {{
{arms}
}}
seeds = {seeds}
settings = {settings}

members = {{(arm, seed): one.replace(seed=seed) for arm, one in arms.items() for seed in seeds}}
states = {{}}  # what those have learnt that train
ended = {{}}  # what those had learnt that stopped or diverged


def train(steps):
    """Train all that have neither stopped nor diverged."""
    while steps and members:
        keys, now = list(members), min(steps, 10_000)
        if states:
            before = [states[key] for key in keys]
            widths = data.in_features, data.out_features
            population = tl.Population.restore(members.values(), before, widths)
        else:
            population = tl.Population(members.values())
        start = "state" if states else None
        history = population.fit(data, steps=now, start=start, **settings)
        states.update(zip(keys, population.states))
        for key, status in zip(keys, history.status):
            if status.kind == "diverged":
                ended[key] = states.pop(key)
                del members[key]
        steps -= now


def change(arm, **fields):
    """Give the members of an arm other settings."""
    for seed in seeds:
        if (arm, seed) in members:
            members[arm, seed] = members[arm, seed].replace(**fields)


def stop(arm):
    """End the members of an arm."""
    for seed in seeds:
        if (arm, seed) in members:
            del members[arm, seed]
            ended[arm, seed] = states.pop((arm, seed))


def clone(arm, name, **fields):
    """Begin an arm that goes on from what another one has learnt."""
    for seed in seeds:
        if (arm, seed) not in members:
            ended[name, seed] = ended[arm, seed]
            continue
        members[name, seed] = members[arm, seed].replace(**fields)
        if states:
            states[name, seed] = states[arm, seed]


{done}

digest = hashlib.sha256()
for (arm, seed), state in sorted({{**ended, **states}}.items()):
    digest.update(f"{{arm}} {{seed}} {{state.updates}}\\n".encode())
    for array in (state.params, state.buffers):
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
found = digest.hexdigest()
print(found)
print("as the page had" if found == "{sha256}" else "other bits than the page had")
'''


def script_of(session: LiveSession) -> str:
    """The script; SettingError for classes that are not registered."""
    setup = session.setup
    for member in setup.arms.values():
        plain_record(member.network)
        plain_record(member.optimizer)
    done, step = [], 0
    for entry in session.log:
        if entry.step > step:
            done.append(f"train({entry.step - step})")
            step = entry.step
        done += _line(entry)
    if session.step > step:
        done.append(f"train({session.step - step})")
    settings = {
        "batch_size": setup.batch_size,
        "evaluate": None,
        "keep": "state",
        "dtype": setup.dtype,
        "engine": setup.engine,
    }
    arms = [
        f"    {name!r}: tl.Member({source_of(one.network)}, {source_of(one.optimizer)}),"
        for name, one in setup.arms.items()
    ]
    imports, data = _data(setup)
    return TEXT.format(
        members=len(session.arms) * len(setup.seeds),
        steps=session.step,
        imports=imports,
        data=data,
        arms="\n".join(arms),
        seeds=_seeds(setup.seeds),
        settings=settings,
        done="\n".join(done) or "# Nothing was trained.",
        sha256=session.digest(),
    )


def _line(entry: Intervention) -> list[str]:
    fields = "".join(f", {name}={value!r}" for name, value in entry.fields.items())
    return {
        "change": [f"change({entry.arm!r}{fields})"],
        "stop": [f"stop({entry.arm!r})"],
        "clone": [f"clone({entry.arm!r}, {entry.name!r}{fields})"],
        "mark": [f"# A mark, at step {entry.step}."],
    }[entry.action]


def _seeds(seeds: Any) -> str:
    first, last = seeds[0], seeds[-1]
    if seeds != tuple(range(first, last + 1)):
        return repr(seeds)
    return f"range({first}, {last + 1})" if first else f"range({last + 1})"


def _data(setup: LiveSetup) -> tuple[str, str]:
    """What a script imports for its data, and the expression for them."""
    source = dict(setup.source or {"name": None})
    name = source.pop("name")
    given = ", ".join(f"{key}={value!r}" for key, value in source.items() if key != "rows")
    if name in PLANAR:
        rows = [f"rows={source['rows']!r}"] if "rows" in source else []
        return "", f"tl.load_planar({', '.join([repr(name), *rows, *([given] if given else [])])})"
    fewer = f".first(train={source['rows']!r})" if source.get("rows") else ""
    if name == "digits":
        return "", f"tl.load_digits(test=None, validation=360){fewer}"
    if name == "mnist":
        return "", f"tl.load_mnist().first(test={HELD}){fewer}"
    if name == "table":
        return "from trainlab.live.setup import load_table\n", f"load_table({given})"
    return "", "...  # put the Dataset here that tl.live was given"


def source_of(value: Any) -> str:
    """The Python expression for a setting: what differs from the defaults.

    >>> from trainlab.optimizers import Adam
    >>> source_of(Adam(0.5))
    'tl.Adam(lr=0.5)'
    """
    if isinstance(value, Settings):
        given = [
            f"{field.name}={source_of(getattr(value, field.name))}"
            for field in dataclasses.fields(value)
            if getattr(value, field.name) != default_of(field)
        ]
        return f"tl.{type(value).__name__}({', '.join(given)})"
    if isinstance(value, tuple):
        return f"({', '.join(map(source_of, value))}{',' * (len(value) == 1)})"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)
