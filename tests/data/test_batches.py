"""Batches: every sample once, or as the book draws them; a function of (seed, epoch) alone."""

from __future__ import annotations

import numpy as np
import pytest

from trainlab.data.batches import Batches
from trainlab.errors import SettingError

SIZES = [(1, 1), (10, 3), (10, 5), (10, 10), (3, 10), (101, 7)]


@pytest.mark.parametrize(("n", "size"), SIZES)
def test_a_permutation_has_every_sample_once_and_the_rest_by_itself(n, size):
    batches = Batches(n, size).epoch(seed=1, epoch=0)
    assert len(batches) == Batches(n, size).steps_per_epoch == int(np.ceil(n / size))
    assert all(len(batch) == size for batch in batches[:-1])
    assert np.sort(np.concatenate(batches)).tolist() == list(range(n))
    assert all(batch.dtype == np.int64 for batch in batches)


@pytest.mark.parametrize(("n", "size"), SIZES)
def test_the_book_draws_full_batches(n, size):
    batches = Batches(n, size, "book").epoch(seed=1, epoch=0)
    assert len(batches) == Batches(n, size, "book").steps_per_epoch == max(n // size, 1)
    assert all(len(batch) == size and batch.dtype == np.int64 for batch in batches)
    assert min(map(min, batches)) >= 0
    assert max(map(max, batches)) < n


def test_the_book_draws_with_replacement_and_uniformly():
    n, size, epochs = 50, 50, 200
    plan = Batches(n, size, "book")
    batches = [batch for epoch in range(epochs) for batch in plan.epoch(0, epoch)]
    seen = [len(np.unique(batch)) for batch in batches]
    # A sample is in a batch with chance 1 - (1 - 1/n)^size; 31.8 of 50 on average, and
    # the mean of 200 batches, each of standard deviation 2.2, lies within six of 0.16.
    assert abs(np.mean(seen) - n * (1 - (1 - 1 / n) ** size)) < 1.0
    counts = np.bincount(np.concatenate(batches), minlength=n)
    # Binomial(10,000, 1/50): mean 200, standard deviation 14; six of them.
    assert np.abs(counts - 200).max() < 84


@pytest.mark.parametrize("kind", ["permutation", "book"])
def test_the_order_depends_on_seed_and_epoch_alone(kind):
    plan = Batches(40, 8, kind)

    def order(seed, epoch):
        return tuple(np.concatenate(plan.epoch(seed, epoch)).tolist())

    orders = {(seed, epoch): order(seed, epoch) for seed in range(3) for epoch in range(3)}
    assert len(set(orders.values())) == 9
    for seed, epoch in [(2, 2), (0, 1), (2, 0)]:
        assert order(seed, epoch) == orders[seed, epoch]


def test_the_permutation_does_not_depend_on_the_size_of_the_batches():
    orders = [np.concatenate(Batches(40, size).epoch(0, 0)).tolist() for size in (1, 7, 40)]
    assert orders[0] == orders[1] == orders[2]


@pytest.mark.parametrize("settings", [(0, 1), (10, 0), (10, 2.5), (10, True), (10, 2, "shuffle")])
def test_settings_are_checked(settings):
    with pytest.raises(SettingError, match="Batches must be"):
        Batches(*settings)
