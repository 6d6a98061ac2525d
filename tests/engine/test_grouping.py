"""How members are dealt into chunks: each once, evenly, for every worker, and in good time."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import numpy as np
import pytest

import trainlab as tl
from trainlab.engine import grouping
from trainlab.engine.base import Widths
from trainlab.engine.grouping import chunk_size, group, last_level_cache, step_costs, working_set
from trainlab.settings import structure

WIDTHS, BATCH = Widths(64, 10), 100
SMALL, WIDE, DEEP = tl.MLP(hidden=(20,)), tl.MLP(hidden=(200,)), tl.MLP(hidden=(30, 20))
OPTIMIZERS = [tl.SGD(0.1), tl.Momentum(0.1), tl.AdaGrad(0.1), tl.Adam(0.01)]


def chunks_of(members: list[tl.Member], workers: int) -> list[list[int]]:
    return [one.places for one in group(members, WIDTHS, BATCH, np.float32, workers)]


def costs_of(members: list[tl.Member], chunks: list[list[int]]) -> list[float]:
    """What a step of each chunk costs."""
    return [sum(step_costs([members[row] for row in rows], WIDTHS, BATCH)) for rows in chunks]


def seeded(*rows: int, optimizers: int = 1) -> list[tl.Member]:
    """rows[s] members of seed s, as if drawn at random: in no order of seeds."""
    kinds = itertools.cycle(OPTIMIZERS[:optimizers])
    seeds = [seed for seed, count in enumerate(rows) for _ in range(count)]
    order = np.random.default_rng(len(seeds)).permutation(len(seeds))
    return [tl.Member(SMALL, next(kinds), seeds[i]) for i in order]


POPULATIONS: dict[str, list[tl.Member]] = {
    "one": seeded(1),
    "three": seeded(1, 1, 1),
    "one seed": seeded(37),
    "one seed, all optimizers": seeded(37, optimizers=4),
    "a seed each": seeded(*[1] * 41),
    "few seeds": seeded(8, 8, 8, optimizers=2),
    "few seeds, no multiple": seeded(7, 7, 7, 7, 7, optimizers=4),
    "many seeds": seeded(*[3] * 25, optimizers=3),
    "one large seed": seeded(60, 1),
    "one large seed among small ones": seeded(2, 1, 90, 1, 1, 3, optimizers=4),
    "uneven seeds": seeded(1, 2, 4, 8, 16, 32),
    "structures": list(tl.Population.grid([SMALL, WIDE, DEEP], OPTIMIZERS, range(5))),
}


@pytest.fixture(params=[1, 2, 7, 10**6], ids="chunks of {}".format)
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The size that the chunks should have."""
    monkeypatch.setattr(grouping, "chunk_size", lambda *given: request.param)
    return request.param


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
@pytest.mark.parametrize("name", POPULATIONS)
def test_chunks(name: str, workers: int, size: int) -> None:
    members = POPULATIONS[name]
    chunks = chunks_of(members, workers)

    assert sorted(itertools.chain(*chunks)) == list(range(len(members))), "each in one chunk"
    assert all(chunks), "none is empty"
    owed = costs_of(members, chunks)
    assert owed == sorted(owed, reverse=True), "the most expensive first"

    kinds = Counter(structure(member.network) for member in members)
    found: dict[object, list[list[int]]] = {}
    for rows in chunks:
        (kind,) = {structure(members[row].network) for row in rows}
        found.setdefault(kind, []).append(rows)
    for kind, count in kinds.items():
        own, fewest = found[kind], min(count, -(-count // size))
        if sum(costs_of(members, own)) <= sum(owed) / workers / 2:
            assert len(own) == fewest, "a small part of the work is not cut for all workers"
            continue
        assert len(own) % workers == 0 or len(own) == count, "work for every worker"
        assert len(own) >= fewest, "not fewer than the size asks for"
        assert len(own) < -(-count // size) + workers, "and not more than the workers ask for"


def test_groups_say_what_they_cost() -> None:
    members = POPULATIONS["structures"]
    chunks, costs = zip(*group(members, WIDTHS, BATCH, np.float32, workers=4), strict=True)
    assert costs == pytest.approx(costs_of(members, chunks))


@pytest.mark.parametrize("cores", [1, 2, 5])
@pytest.mark.parametrize("most", [1, 7, 1000])
def test_lanes_of_so_many_bytes(most: int, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane keeps all cores busy; of several, each core has as many as the others."""
    monkeypatch.setattr(grouping, "usable_cores", lambda: cores)
    members = POPULATIONS["a seed each"]
    own = working_set(members, WIDTHS, BATCH, np.float32)
    groups = group(members, WIDTHS, BATCH, np.float32, workers=1, lane_bytes=most * own + 1)
    fewest = -(-len(members) // most)
    assert len(groups) == {1: 1, len(members): fewest}.get(fewest, -(-fewest // cores) * cores)
    assert max(len(one.places) for one in groups) <= most


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["one seed", "one seed, all optimizers", "a seed each"])
def test_chunks_cost_the_same_but_for_one_member(name: str, workers: int, size: int) -> None:
    members = POPULATIONS[name]
    owed = costs_of(members, chunks_of(members, workers))
    assert max(owed) - min(owed) <= max(step_costs(members, WIDTHS, BATCH)) * (1 + 1e-9)


@pytest.mark.parametrize("workers", [2, 3, 4])
@pytest.mark.parametrize("name", POPULATIONS)
def test_no_chunk_costs_much_more_than_its_share(name: str, workers: int, size: int) -> None:
    """Twice at most, and one member's: seeds that cost less than a share stay whole."""
    members = [member for member in POPULATIONS[name] if member.network == SMALL]
    owed = costs_of(members, chunks_of(members, workers))
    dearest = max(step_costs(members, WIDTHS, BATCH))
    assert max(owed) <= 2 * sum(owed) / len(owed) + dearest


def test_the_book_comparison_has_one_slow_optimizer_on_each_worker() -> None:
    members = [tl.Member(WIDE, optimizer) for optimizer in OPTIMIZERS]
    chunks = [one.places for one in group(members, (784, 10), 128, np.float32, workers=2)]
    assert sorted(map(sorted, chunks)) == [[0, 3], [1, 2]]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_seeds_stay_together_where_there_are_enough(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """25 seeds of three members each, in 6 to 25 chunks."""
    members = POPULATIONS["many seeds"]
    for size in (3, 4, 7, 13):
        monkeypatch.setattr(grouping, "chunk_size", lambda *given, size=size: size)
        chunks = chunks_of(members, workers)
        if len(chunks) > 25:
            continue  # more chunks than seeds
        homes = [{members[row].seed for row in rows} for rows in chunks]
        assert sum(map(len, homes)) == 25, "no seed is in two chunks"
        assert max(map(len, homes)) - min(map(len, homes)) <= 1


def test_what_a_step_of_each_chunk_costs() -> None:
    members = POPULATIONS["structures"]
    chunks, costs = zip(*group(members, WIDTHS, BATCH, np.float32, workers=2), strict=True)
    assert costs == pytest.approx(costs_of(members, chunks))
    # forward, dW and dx of every weight, for every row of the batch, and the pass of SGD
    ((_, alone),) = group([tl.Member(SMALL, tl.SGD())], WIDTHS, BATCH, np.float32, workers=1)
    parameters = 64 * 20 + 20 + 20 * 10 + 10
    assert alone == parameters * (6 * BATCH + 20)


def test_costs_rise_with_the_state_of_the_optimizer() -> None:
    costs = step_costs([tl.Member(SMALL, optimizer) for optimizer in OPTIMIZERS], WIDTHS, BATCH)
    assert costs[0] < costs[1] == costs[2] < costs[3]


class TestChunkSize:
    @staticmethod
    def of(network: tl.MLP, optimizer: tl.Optimizer = OPTIMIZERS[0], **given: object) -> int:
        settings = {"widths": WIDTHS, "batch_size": BATCH, "dtype": np.float32, "workers": 1}
        return chunk_size([tl.Member(network, optimizer)], **{**settings, **given})

    def test_falls_with_the_working_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(grouping, "last_level_cache", lambda: 32 * 2**20)
        assert self.of(SMALL) > self.of(DEEP) > self.of(WIDE)
        assert self.of(SMALL) > self.of(SMALL, batch_size=2 * BATCH)
        assert self.of(SMALL) > self.of(SMALL, dtype=np.float64)
        assert self.of(WIDE) > self.of(WIDE, tl.Adam())
        assert self.of(SMALL) > self.of(SMALL, workers=2)

    def test_counts_the_largest_state_of_all(self) -> None:
        members = [tl.Member(WIDE, optimizer) for optimizer in OPTIMIZERS]
        assert chunk_size(members, WIDTHS, BATCH, np.float32, 1) == self.of(WIDE, tl.Adam())

    def test_rises_with_the_cache(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sizes = []
        for megabytes in (1, 8, 64):
            monkeypatch.setattr(
                grouping, "last_level_cache", lambda megabytes=megabytes: megabytes * 2**20
            )
            sizes.append(self.of(SMALL))
        assert sizes == sorted(set(sizes))

    def test_is_never_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(grouping, "last_level_cache", lambda: 1)
        assert self.of(tl.MLP(hidden=(2000, 2000)), tl.Adam(), workers=64) == 1

    def test_the_cache_is_a_usual_one(self) -> None:
        assert 2**18 <= last_level_cache() <= 2**31  # 256 KB to 2 GB


@pytest.mark.parametrize(
    ("seeds", "small"),
    [(1, False), (100_000, False), (50, True)],
)
def test_a_hundred_thousand_members_are_grouped_in_seconds(
    seeds: int, small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one seed, of one each, and in between, in small chunks too."""
    if small:
        monkeypatch.setattr(grouping, "chunk_size", lambda *given: 1)
    each = 100_000 // seeds
    kinds: list[tl.Member] = []
    for seed in range(seeds):
        four = [tl.Member(SMALL, one, seed) for one in OPTIMIZERS[:each]]
        kinds += (four * each)[:each]
    start = time.process_time()
    chunks = chunks_of(kinds, 2)
    # It takes about half a second, and some when coverage is measured; quadratic, many minutes.
    assert time.process_time() - start < 30
    assert sum(map(len, chunks)) == 100_000
