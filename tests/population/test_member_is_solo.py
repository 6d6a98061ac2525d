"""A member of a population is, bit for bit, the network trained alone.

Every row of the table of cases is trained alone and as the first, a middle and the last of
K members, among neighbours that train normally, diverge, or are stopped early.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import cases
from cases import NETWORKS, OPTIMIZERS, SCHEDULES
from engines import compiled, every_engine
from fingerprint import fingerprint
from trainlab import MLP, SGD, Adam, Dataset, Member, Population, from_arrays
from trainlab.engine import grouping
from trainlab.engine.base import Widths

FEATURES, CLASSES, SAMPLES, STEPS = 7, 3, 23, 9
BATCH = 5  # does not divide SAMPLES: the last batch of an epoch is ragged
SIZES = (1, 2, 3, 7, 64)
NEIGHBOURS = {"normal": "finished", "diverging": "diverged", "stopped": "stopped early"}
DTYPES = ("float32", "float64")
TARGETS = (100, 200, 300)  # seeds; rows are ordered by seed: first, middle and last

CASES = {
    **{f"network {name}": (network, Adam(0.01)) for name, network in NETWORKS.items()},
    **{
        f"optimizer {name}": (MLP(hidden=(4,), norm="batch", dropout=0.3), optimizer)
        for name, optimizer in OPTIMIZERS.items()
    },
    **{
        f"schedule {name}": (MLP(hidden=(4,)), SGD(0.1, schedule=schedule))
        for name, schedule in SCHEDULES.items()
    },
}


def data_for(network: MLP) -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SAMPLES, FEATURES)).astype(np.float32)
    task = network.loss.task
    if task == "classification":
        return from_arrays(x, rng.permutation(np.arange(SAMPLES) % CLASSES))
    if task == "multilabel":
        t = (rng.random((SAMPLES, CLASSES)) < 0.5).astype(np.float32)
        return from_arrays(x, t, task=task)
    return from_arrays(x, rng.normal(size=(SAMPLES, CLASSES)), task=task)


def train(
    members: list[Member],
    dtype: str,
    stop: set[int] = frozenset(),
    workers: int = 1,
    engine: str = "auto",
) -> tuple:
    population = Population(members)
    history = population.fit(
        data_for(members[0].network),
        batch_size=BATCH,
        steps=STEPS,
        evaluate=4,
        on=("train", "batch"),
        callbacks=[lambda row, updates, metrics: updates >= 4 and row in stop],
        workers=workers,
        backend="threads",
        engine=engine,
        dtype=dtype,
        keep="state",
    )
    return population, history


def neighbour(network: MLP, optimizer, kind: str, index: int, dtype: str) -> Member:
    """A member that can share a chunk with the targets but differs wherever it may."""
    lr = optimizer.lr * (1 + 0.1 * index)
    if kind == "diverging":  # with outputs of bounded units, only the largest numbers overflow
        lr = float(np.finfo(dtype).max)
    other = dataclasses.replace(optimizer, lr=lr, clip_norm=0.5 + index)
    if kind == "diverging" and index % 2:
        other = SGD(lr)  # diverges for certain; the rows of its kind follow the targets'
    # dropout beside a target that has none, and none or less beside one that has
    dropout = (network.dropout / 2, 0.25)[index % 2]
    network = dataclasses.replace(network, weight_decay=0.01 * index, dropout=dropout)
    return Member(network, other, (110, 210)[index % 2] + index)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("case", "engine"),
    [
        pytest.param(case, engine, marks=compiled if engine == "native" else ())
        for case, member in CASES.items()
        for engine in cases.engines_of(*member)
    ],
)
def test_a_member_is_the_network_trained_alone(case: str, dtype: str, engine: str) -> None:
    network, optimizer = CASES[case]
    alone = {}
    for seed in TARGETS:
        population, history = train([Member(network, optimizer, seed)], dtype, engine=engine)
        assert history.status[0].kind == "finished"
        alone[seed] = fingerprint(population, history, 0)
    assert len(set(alone.values())) == len(TARGETS)

    for size in SIZES:
        for kind, ending in NEIGHBOURS.items():
            seeds = TARGETS[: min(size, 3)]
            others = [
                neighbour(network, optimizer, kind, i, dtype) for i in range(size - len(seeds))
            ]
            members = [Member(network, optimizer, seed) for seed in seeds] + others
            others_rows = set(range(len(seeds), size))
            stop = others_rows if kind == "stopped" else set()
            population, history = train(members, dtype, stop, engine=engine)
            for row, seed in enumerate(seeds):
                found = fingerprint(population, history, row)
                assert found == alone[seed], f"K={size}, {kind} neighbours, seed {seed}"
            if others_rows:
                assert ending in {history.status[row].kind for row in others_rows}


def test_what_the_native_engine_has_not_been_taught_is_not_asked_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cases.engines_of(MLP(), Adam()) == ("numpy", "native")
    monkeypatch.setattr(cases, "NUMPY_ALONE", frozenset({Adam}))
    assert cases.engines_of(MLP(), Adam()) == ("numpy",)
    assert cases.engines_of(MLP(), SGD()) == ("numpy", "native")


def test_the_members_of_a_case_do_share_a_chunk() -> None:
    network, optimizer = MLP(hidden=(4,)), Adam()
    members = [neighbour(network, optimizer, "diverging", i, "float32") for i in range(32)]
    members += [Member(network, optimizer, seed) for seed in TARGETS]
    groups = grouping.group(members, Widths(FEATURES, CLASSES), BATCH, np.float32, workers=1)
    chunks = [one.places for one in groups]
    assert len(chunks) == 1


# Cases that have most to lose: every kind of row in a chunk, draws, buffers and more than one slot.
SCHEDULED = (
    "network technique batch_norm, dropout, weight_decay",
    "network technique layer_norm, dropout, l1",
    "optimizer nadam",
    "optimizer amsgrad corrected_max",
    "schedule one_cycle",
)


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize("workers", [2, 3])
@every_engine
@pytest.mark.parametrize("case", SCHEDULED)
def test_however_members_are_scheduled(
    case: str, engine: str, workers: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On any number of workers of any kind, in chunks of any size, among all neighbours."""
    network, optimizer = CASES[case]
    members = [Member(network, optimizer, seed) for seed in TARGETS]
    alone = [fingerprint(*train([member], "float32", engine=engine), 0) for member in members]
    for i, kind in enumerate([*NEIGHBOURS] * 3):
        members.append(neighbour(network, optimizer, kind, i, "float32"))
    stop = {row for row in range(3, len(members)) if row % 3 == 2}
    monkeypatch.setattr(grouping, "chunk_size", lambda *settings: size)
    population, history = train(members, "float32", stop, workers, engine)
    assert {status.kind for status in history.status} == set(NEIGHBOURS.values())
    assert [fingerprint(population, history, row) for row in range(3)] == alone


@every_engine
@pytest.mark.parametrize("size", [2, 7])
def test_the_same_holds_at_real_widths_and_with_shared_batches(size: int, engine: str) -> None:
    rng = np.random.default_rng(1)
    data = from_arrays(
        rng.random((300, 784), dtype=np.float32), rng.permutation(np.arange(300) % 10)
    )
    network = MLP(hidden=(100, 100), norm="batch", dropout=0.2)
    rates = [0.001 * (k + 1) for k in range(size)]

    def fingerprints(population: Population, workers: int) -> list[str]:
        given = {"keep": "state", "workers": workers, "engine": engine}
        history = population.fit(data, batch_size=128, steps=6, **given)
        return [fingerprint(population, history, row) for row in range(len(population))]

    population = Population.grid(network, Adam(), seed=3, lr=rates)
    together = fingerprints(population, workers=2)
    alone = [
        fingerprints(Population.grid(network, Adam(), seed=3, lr=lr), workers=1)[0] for lr in rates
    ]
    assert together == alone
    assert len(set(together)) == size
