"""Rates: sensitivity of every optimizer, and rates chosen on validation data alone."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trainlab import plots
from trainlab.data import Dataset
from trainlab.experiments import learning_rates, runner, tuned_optimizers
from trainlab.experiments.base import MeasuredSeries, Measurements
from trainlab.experiments.learning_rates import ARMS, RATES, decades, near
from trainlab.experiments.results import Results
from trainlab.experiments.tuned_optimizers import (
    DEFAULT,
    FACTORS,
    TUNED,
    TUNING_SEEDS,
    VALIDATION,
    label,
    tune,
)
from trainlab.experiments.verdicts import EXPECTED
from trainlab.members import Member
from trainlab.optimizers import OPTIMIZERS

QUICK = runner.Options(quick=True)
# The tuned rate of SGD is at the edge of what is stable: roundings decide how a seed ends there.
SEEDS = {"learning-rates": 8, "tuned-optimizers": 12}
SMALL = dataclasses.replace(tuned_optimizers.TASKS["digits"], quick_steps=20)


@functools.cache
def digits() -> Dataset:
    return runner.load(QUICK)


@functools.cache
def quick(name: str) -> Results:
    module = {"learning-rates": learning_rates, "tuned-optimizers": tuned_optimizers}[name]
    return runner.measure(
        module.EXPERIMENT, digits(), dataclasses.replace(QUICK, seeds=SEEDS[name])
    )


def values(measured: Measurements, series: str, arm: str) -> Any:
    return measured.series[series].values[measured.arms[arm]]


@pytest.mark.parametrize("name", ["learning-rates", "tuned-optimizers"])
def test_the_outcome_is_as_expected_at_reduced_size(name: str) -> None:
    found = quick(name)
    assert found.verdict.outcome == EXPECTED, found.verdict.line
    assert found.measured.seeds == SEEDS[name]
    assert found.data["sizes"] == {"train": 1437, "test": 360}


# --- sensitivity -----------------------------------------------------------------------


def test_every_optimizer_is_tried_at_every_rate() -> None:
    measured = quick("learning-rates").measured
    assert list(measured.arms) == [kind.__name__ for kind in OPTIMIZERS.values()]
    assert measured.series["final_loss"].axis_values.tolist() == RATES.tolist()
    for arm in measured.arms:
        loss = np.median(values(measured, "final_loss", arm), axis=0)
        # Both ends are bad and the best is between them: the grid is wide enough.
        assert min(loss[0], loss[-1]) > 10 * loss.min()


def test_a_rate_is_the_one_that_its_place_says() -> None:
    seen: list[Member] = []

    def train(members: Sequence[Member], data: Dataset, **settings: Any) -> Any:
        seen.extend(members)
        # The loss is the rate that a member had, and the greatest rate diverges.
        loss = np.array([[m.optimizer.lr] * 30 for m in members], dtype=np.float32)
        gone = loss[:, -1] > 5
        loss[gone, -1] = np.nan
        status = [SimpleNamespace(kind="diverged" if lost else "finished") for lost in gone]
        return Past({"train_loss": loss}, status)

    class Past(dict[str, Any]):
        def __init__(self, series: dict[str, Any], status: list[Any]) -> None:
            super().__init__(series)
            self.status = status

    train.quick = True  # type: ignore[attr-defined]
    found = learning_rates.compute(digits(), (4, 5), train)  # type: ignore[arg-type]
    assert len(seen) == len(ARMS) * 2 * len(RATES)
    assert {type(m.optimizer).__name__ for m in seen} == set(ARMS)
    np.testing.assert_allclose(
        found.series["final_loss"].values[:, :-1], np.tile(RATES[:-1], (20, 1)), rtol=1e-6
    )
    assert np.isnan(found.series["final_loss"].values[:, -1]).all()
    np.testing.assert_array_equal(found.series["diverged"].values.sum(axis=0), [0] * 12 + [20])


def test_a_smaller_batch_counts_for_its_rows_in_the_final_loss() -> None:
    """Of 1,437 rows in batches of 64 each 23rd has 29, here that of step 91."""

    class Past(dict[str, Any]):
        status = ()

    def train(members: Sequence[Member], data: Dataset, **settings: Any) -> Any:
        losses = np.zeros((len(members), settings["steps"]), dtype=np.float32)
        losses[:, 91] = 1
        past = Past({"train_loss": losses})
        past.status = tuple(SimpleNamespace(kind="finished") for _ in members)
        return past

    train.quick = True  # type: ignore[attr-defined]
    found = learning_rates.compute(digits(), (4,), train)  # type: ignore[arg-type]
    assert found.series["final_loss"].values == pytest.approx(29 / (29 + 19 * 64))


def test_decades_count_the_rates_near_the_best() -> None:
    losses = np.full((3, 13), 2.3)
    losses[0, 4:8] = [0.35, 0.1, 0.2, 0.41]
    losses[1, 5] = 0.05
    losses[2, 5:7] = [0.05, np.nan]
    assert near(losses[0]).sum() == 3
    assert decades({"final_loss": MeasuredSeries("rate", RATES, losses)}).tolist() == [
        1.5,
        0.5,
        0.5,
    ]
    assert near(np.full(13, np.nan)).sum() == 0


def test_runs_that_diverged_are_bars_of_their_share() -> None:
    _, _, (ax,) = plots.above(plots.LIGHT, 0, 1, columns=1)
    share = np.array([0.0, 0.25, 1.0])
    plots.sensitivity(
        ax, np.array([0.1, 1.0, 10.0]), np.ones((4, 3)), near=(0.1, 1.0), diverged=share
    )
    bars = ax.collections[-1].get_segments()
    assert [float(1 - bar[0][1]) for bar in bars] == pytest.approx(share.tolist())
    assert ax.patches[0].get_extents().width > 0


# --- tuned rates -----------------------------------------------------------------------


@dataclasses.dataclass
class Judge:
    """Trains nothing: the validation loss is least at `best` times the default rate."""

    best: float
    quick: bool = True
    seen: list[tuple[Sequence[Member], Dataset, dict[str, Any]]] = dataclasses.field(
        default_factory=list
    )

    def __call__(self, members: Sequence[Member], data: Dataset, **settings: Any) -> Any:
        self.seen.append((members, data, settings))
        (split,) = settings["on"]
        factors = [m.optimizer.lr / type(m.optimizer)().lr for m in members]
        off = np.abs(np.log10(factors) - np.log10(self.best))
        if split == "validation":
            # At the greatest rate one of the seeds diverges.
            first = np.array([m.seed == TUNING_SEEDS[0] for m in members])
            off[first & (np.array(factors) > 50)] = np.nan
        return {f"{split}_loss": off[:, None]}


@pytest.mark.parametrize("best", [0.1, 10.0])
def test_the_rate_is_that_of_the_least_validation_loss(best: float) -> None:
    data = dataclasses.replace(digits(), test=None).split(VALIDATION)
    found = tune(SMALL, data, Judge(best))
    assert list(found) == list(ARMS)
    for arm, tuned in found.items():
        assert tuned.rate == pytest.approx(best * ARMS[arm]().lr)
        assert tuned.losses.shape == FACTORS.shape
        assert np.isnan(tuned.losses[-1])  # one of its seeds diverged
        assert not tuned.at_edge


@pytest.mark.parametrize(("best", "edge"), [(0.001, True), (1.0, False)])
def test_a_rate_at_the_edge_of_the_grid_is_said_to_be(best: float, edge: bool) -> None:
    found = tuned_optimizers.compute(digits(), (0, 1), Judge(best))  # type: ignore[arg-type]
    for arm in ARMS:
        for kind in (DEFAULT, TUNED):
            (row, _) = found.arms[label(arm, kind)]
            said = found.members[row].settings["rate at the edge of the grid"]
            assert said is (edge and kind == TUNED)
    titles = [
        ax.get_title(loc="left")
        for ax in tuned_optimizers.figure(found, plots.LIGHT).axes
        if "\n" in ax.get_title(loc="left")
    ]
    assert len(titles) == len(ARMS)
    assert all(("at the edge" in title) is edge for title in titles)


def test_rates_are_chosen_without_test_data_and_judged_on_other_seeds() -> None:
    judge = Judge(1.0)
    tuned_optimizers.compute(digits(), range(3), judge)  # type: ignore[arg-type]
    (tuning, own, how), (compared, tested, then) = judge.seen
    assert own.test is None
    assert own.validation is not None
    assert how["on"] == ["validation"]
    assert {m.seed for m in tuning} == set(TUNING_SEEDS)
    assert min(TUNING_SEEDS) >= 1000 * runner.SEEDS  # out of the reach of --seeds
    assert tested.test is digits().test
    assert tested.train is own.train
    assert then["on"] == ["test"]
    assert {m.seed for m in compared} == {0, 1, 2}
    assert len(compared) == len(ARMS) * 2 * 3


def test_the_distance_to_the_best_shrinks_at_tuned_rates() -> None:
    """Lion's at every seed; that of the last optimizer as a median of the eight seeds.

    For SGD the validation loss is nearly the same at the rates 0.1 and 0.32, so that rounding
    decides between them.  At 0.32 training is barely stable: about one seed in ten ends with a
    loss far above those of the others, and rounding decides which.
    """
    measured = quick("tuned-optimizers").measured
    behind = {
        kind: np.stack([values(measured, "behind", label(arm, kind))[:, 0] for arm in ARMS])
        for kind in (DEFAULT, TUNED)
    }
    last = {kind: gaps.max(axis=0) for kind, gaps in behind.items()}
    assert np.median(last[TUNED]) < np.median(last[DEFAULT]) / 3
    lion = list(ARMS).index("Lion")
    assert (behind[TUNED][lion] < behind[DEFAULT][lion] / 3).all()
    for gaps in behind.values():
        assert (gaps.min(axis=0) == 0).all()


def test_what_is_kept_of_the_tuning_is_what_chose_the_rate() -> None:
    measured = quick("tuned-optimizers").measured
    for arm in ARMS:
        row = measured.arms[label(arm, TUNED)][0]
        losses = measured.series["tuning_loss"].values[row]
        best = FACTORS[np.nanargmin(losses)] * ARMS[arm]().lr
        assert measured.members[row].settings["optimizer"]["lr"] == pytest.approx(best)
        assert measured.members[row].settings["rate at the edge of the grid"] is False
