"""The search: ranges are kept, narrowing follows the best, and the test set waits for the end."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from trainlab import plots
from trainlab.data import Dataset
from trainlab.errors import SettingError
from trainlab.experiments import hyper_parameter_search as experiment
from trainlab.experiments import runner
from trainlab.experiments.base import Array, Measurements
from trainlab.experiments.hyper_parameter_search import (
    CHOSEN,
    EXPERIMENT,
    SEARCHES,
    SHOWN,
    TESTED,
    compute,
)
from trainlab.experiments.random_search import (
    BEST,
    BOX,
    LEAST,
    NARROW,
    WIDE,
    draw,
    narrowed,
    search,
)
from trainlab.experiments.results import Results
from trainlab.experiments.verdicts import EXPECTED
from trainlab.members import Member
from trainlab.network.architecture import MLP
from trainlab.training.history import History

QUICK = runner.Options(quick=True)
SMALL = dataclasses.replace(
    SEARCHES["digits"], network=MLP(hidden=(20,), convention="book"), quick_epochs=8
)


@dataclasses.dataclass
class Spy:
    """Trains, and notes what it was asked for."""

    seen: list[tuple[int, Dataset, dict[str, Any]]] = dataclasses.field(default_factory=list)
    quick: bool = True

    def __call__(self, members: Sequence[Member], data: Dataset, **settings: Any) -> History:
        self.seen.append((len(members), data, settings))
        return runner.TrainWithOptions(QUICK)(members, data, **settings)


@functools.cache
def digits() -> Dataset:
    return runner.load(QUICK)


@functools.cache
def quick() -> Results:
    return runner.measure(EXPERIMENT, digits(), QUICK)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "SEARCHES", {"digits": SMALL})


def of(measured: Measurements, arm: str, name: str, search_: int = 0) -> Array:
    return np.asarray(measured.series[name].values[measured.arms[arm][search_]])


def test_the_outcome_is_as_expected_at_reduced_size() -> None:
    found = quick()
    assert found.verdict.outcome == EXPECTED, found.verdict.line
    assert found.measured.seeds == 8
    assert list(found.measured.arms) == [WIDE, NARROW, BOX, CHOSEN, TESTED]


def test_settings_lie_in_the_ranges_evenly_in_the_logarithm() -> None:
    ranges = {"lr": (1e-6, 1e-2), "weight_decay": (1e-8, 1e-4)}
    drawn = draw(MLP(), ranges, 400, seed=0)
    for name, (low, high) in ranges.items():
        values = np.array([member.get(name) for member in drawn])
        assert low <= values.min()
        assert values.max() <= high
        # 400 draws: the share below the geometric middle is 0.5 ± 0.025, here within 4 of these.
        assert np.mean(values < np.sqrt(low * high)) == pytest.approx(0.5, abs=0.1)
    assert len({member.seed for member in drawn}) == 400
    assert {member.seed for member in drawn}.isdisjoint(
        member.seed for member in draw(MLP(), ranges, 400, seed=1)
    )


def test_the_box_holds_the_best_and_forgets_a_stray_one() -> None:
    lr = np.array([1e-2] * 5 + [2e-2] * 4 + [1e-6])
    low, high = narrowed({"lr": lr})["lr"]
    assert 9e-3 * 0.4 < low <= 1e-2
    assert high == pytest.approx(2e-2)


@pytest.mark.parametrize("seed", [0, 5])
def test_each_round_keeps_to_its_ranges(seed: int) -> None:
    measured, setup = quick().measured, SEARCHES["digits"]
    for arm, ranges in ((WIDE, setup.wide), (NARROW, setup.narrow)):
        for name, ends in ranges.items():
            assert of(measured, arm, f"{name}_range", seed).tolist() == list(ends)
    for arm in (WIDE, NARROW, BOX):
        for name in setup.wide:
            low, high = of(measured, arm, f"{name}_range", seed)
            values = of(measured, arm, f"{name}_by_rank", seed)
            values = values[np.isfinite(values)]
            assert len(values) == (setup.boxed if arm == BOX else setup.quick_trials)
            assert low <= values.min()
            assert values.max() <= high
    # The box is that of the best of the wide round, not of all of it.
    assert setup.quick_trials * BEST < LEAST
    best = of(measured, WIDE, "lr_by_rank", seed)[:LEAST]
    assert of(measured, BOX, "lr_range", seed).tolist() == list(narrowed({"lr": best})["lr"])
    assert np.ptp(np.log10(of(measured, BOX, "lr_range", seed))) < 2


def test_trials_are_ranked_by_their_last_validation_accuracy() -> None:
    measured = quick().measured
    for arm in (WIDE, NARROW, BOX):
        ranked = of(measured, arm, "validation_accuracy_by_rank")
        ranked = ranked[np.isfinite(ranked)]
        assert np.all(np.diff(ranked) <= 0)
        assert of(measured, arm, "accuracy")[0] == pytest.approx(np.median(ranked))
    for rank in range(1, SHOWN + 1):
        curve = of(measured, NARROW, f"validation_accuracy_of_rank_{rank}")
        assert curve[-1] == of(measured, NARROW, "validation_accuracy_by_rank")[rank - 1]


def test_the_chosen_trial_is_the_best_of_all_rounds() -> None:
    measured = quick().measured
    for seed in range(measured.seeds):
        tops = [
            of(measured, arm, "validation_accuracy_by_rank", seed)[0] for arm in (WIDE, NARROW, BOX)
        ]
        assert of(measured, CHOSEN, "accuracy", seed)[0] == max(tops)
        row = measured.members[measured.arms[CHOSEN][seed]]
        arm = row.settings["round"]
        assert of(measured, arm, "validation_accuracy_by_rank", seed)[0] == max(tops)
        assert row.settings["optimizer"]["lr"] == of(measured, arm, "lr_by_rank", seed)[0]


# --- the test set ----------------------------------------------------------------------


@pytest.mark.usefixtures("small")
def test_the_test_set_is_seen_once_by_one_network_of_each_search() -> None:
    spy = Spy()
    measured = compute(digits(), range(2), spy)
    touching = [i for i, (_, data, _) in enumerate(spy.seen) if data.test is not None]
    assert touching == [3, 7]  # three rounds without it, then the chosen one
    for i in touching:
        count, data, settings = spy.seen[i]
        assert count == 1
        assert settings["on"] == ["test"]
        assert len(settings["evaluate"]) == 1
        assert data.test is digits().test
    for _, data, settings in spy.seen[:3]:
        assert (len(data.train), len(data.validation or ())) == (400, 100)
        assert settings.get("on") is None
    assert 0 < of(measured, TESTED, "accuracy")[0] <= 1


@pytest.mark.usefixtures("small")
def test_other_test_images_change_nothing_but_the_last_number() -> None:
    test = digits().test
    assert test is not None
    turned = dataclasses.replace(test, t=(test.t + 1) % 10)
    one = compute(digits(), range(1), runner.TrainWithOptions(QUICK))
    other = compute(
        dataclasses.replace(digits(), test=turned), range(1), runner.TrainWithOptions(QUICK)
    )
    for name, series in one.series.items():
        kept = [i for i, m in enumerate(one.members) if m.arm != TESTED or name != "accuracy"]
        np.testing.assert_array_equal(series.values[kept], other.series[name].values[kept])
    assert of(other, TESTED, "accuracy")[0] < of(one, TESTED, "accuracy")[0] / 2


def test_a_search_refuses_data_with_a_test_split() -> None:
    data = digits().split(validation=100)
    with pytest.raises(SettingError, match="data of a search must have a validation split and no"):
        search(SMALL, data, 0, Spy())
    with pytest.raises(SettingError, match="data of a search"):
        search(SMALL, dataclasses.replace(digits(), test=None), 0, Spy())


@pytest.mark.usefixtures("small")
def test_the_chosen_trial_is_trained_again_bit_for_bit() -> None:
    # Validation accuracy of the second training, had it been asked for, is that of the trial.
    class Curious(Spy):
        def __call__(self, members: Sequence[Member], data: Dataset, **settings: Any) -> History:
            past = super().__call__(members, data, **settings)
            if data.test is not None:
                settings["on"] = ["validation"]
                again = runner.TrainWithOptions(QUICK)(members, data, **settings)
                self.accuracy = float(again["validation_accuracy"][0, -1])
            return past

    curious = Curious()
    measured = compute(digits(), range(1), curious)
    assert curious.accuracy == of(measured, CHOSEN, "accuracy")[0]


@pytest.mark.usefixtures("small")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_trials_that_diverge_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    wild = dataclasses.replace(SMALL, wide={"lr": (1e-2, 1e9), "weight_decay": (1e-8, 1e-4)})
    monkeypatch.setattr(experiment, "SEARCHES", {"digits": wild})
    measured = compute(digits(), range(1), Spy())
    ranked = of(measured, WIDE, "validation_accuracy_by_rank")
    lost = np.isnan(ranked)
    assert 0 < lost.sum() < len(ranked)
    assert np.all(lost[np.argmax(lost) :])
    assert of(measured, CHOSEN, "accuracy")[0] > 0.3
    drawn = EXPERIMENT.figure(measured, plots.LIGHT)
    (crosses,) = [line for line in drawn.axes[0].lines if line.get_marker() == "x"]
    assert len(crosses.get_xdata()) == lost.sum()
