"""Hashes of trainings with the native engine, one for each row of the table of cases.

As a script it prints them as JSON, and first the instruction set that computed them: a test
starts it with the environment variable TRAINLAB_NATIVE_ISA.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any

import numpy as np

from cases import NETWORKS, OPTIMIZERS, SCHEDULES, engines_of, targets
from fingerprint import fingerprint
from trainlab import MLP, SGD, Adam, Dataset, Member, Population, from_arrays
from trainlab.engine.native import MISSING, instruction_set

FEATURES, CLASSES, SAMPLES, STEPS, BATCH = 7, 3, 23, 20, 5
MANY = 150  # features, of which batches are lists of the numbers that are not zero

# Layer norm, not batch norm: before the latter a bias has no gradient but rounding errors, and
# optimizers that divide by the size of the gradient make steps of these.
BASE = MLP(hidden=(20, 4), activation="tanh", norm="layer", dropout=0.3)
ALL_LIMITS: dict[str, Any] = {"clip_norm": 0.5, "clip_value": 0.2, "decoupled_weight_decay": 0.1}

ALL: dict[str, Member] = {
    **{f"network {name}": Member(network, SGD(0.1), 1) for name, network in NETWORKS.items()},
    **{f"optimizer {name}": Member(BASE, optimizer, 1) for name, optimizer in OPTIMIZERS.items()},
    **{
        f"optimizer {name}, clipped and decayed": Member(
            dataclasses.replace(BASE, weight_decay=0.1, l1=0.01),
            dataclasses.replace(optimizer, **ALL_LIMITS),
            1,
        )
        for name, optimizer in OPTIMIZERS.items()
    },
    **{
        f"schedule {name}": Member(MLP(hidden=(4,)), Adam(0.01, schedule=schedule), 1)
        for name, schedule in SCHEDULES.items()
    },
    "wide": Member(MLP(hidden=(150, 70)), Adam(0.01), 1),
}


CASES = {
    name: member
    for name, member in ALL.items()
    if "native" in engines_of(member.network, member.optimizer)
}


def data_for(network: MLP, features: int = FEATURES, weighted: bool = True) -> Dataset:
    """Random rows for a task; many features are mostly zero."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SAMPLES, features)).astype(np.float32)
    if features >= MANY:
        x[rng.random(x.shape) < 0.8] = 0.0
    task = network.loss.task
    weight = rng.random(SAMPLES) + 0.1 if weighted else None
    return from_arrays(x, targets(task, rng, (SAMPLES,), CLASSES), weight=weight, task=task)


def train(members: list[Member], data: Dataset, **settings: Any) -> tuple[Any, Any]:
    """The population and its history."""
    population = Population(members)
    chosen = {
        "engine": "native",
        "batch_size": BATCH,
        "steps": STEPS,
        "evaluate": 4,
        "on": ("train", "batch"),
        "keep": "state",
        **settings,
    }
    return population, population.fit(data, **chosen)


def digests() -> dict[str, str]:
    """Case → the hash of all that comes of it."""
    found = {}
    for name, member in CASES.items():
        for dtype in ("float32", "float64"):
            for features in (FEATURES, MANY):
                data = data_for(member.network, features)
                population, history = train([member], data, dtype=dtype)
                key = f"{name}, {dtype}, {features} features"
                found[key] = fingerprint(population, history, 0)
    return found


if __name__ == "__main__":
    if MISSING:
        sys.exit(MISSING)
    sys.stdout.write(json.dumps({"isa": instruction_set(), "digests": digests()}))
