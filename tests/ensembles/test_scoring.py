"""What an ensemble of numbers selects by: errors that are squared, absolute, or of a quantile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_absolute_error, mean_pinball_loss

import trainlab as tl
from trainlab import PopulationEnsembleRegressor
from trainlab.ensembles.estimators import _quantiles
from trainlab.errors import SettingError
from trainlab.search.selection import mean_loss, select

X, Y = load_diabetes(return_X_y=True)
TRAIN, HELD = np.arange(260), np.arange(260, 442)


def small(**settings: Any) -> Any:
    usual = {"n_architectures": 2, "max_iter": 15, "random_state": 3, "cv": [(TRAIN, HELD)]}
    return PopulationEnsembleRegressor(6, **(usual | settings))


@pytest.fixture(scope="module")
def usual() -> Any:
    return small().fit(X, Y)


def test_losses_are_those_that_scikit_learn_computes() -> None:
    rng = np.random.default_rng(0)
    errors, weight = rng.standard_normal((3, 20, 2)), rng.uniform(0, 2, 20)
    truth = np.zeros((20, 2))
    found = mean_loss(errors, weight, "regression", 0.5, 2.0)
    expected = [mean_absolute_error(truth, one, sample_weight=weight) for one in errors]
    assert found == pytest.approx(expected)
    found = mean_loss(errors, weight, "regression", 0.9)
    expected = [mean_pinball_loss(truth, one, sample_weight=weight, alpha=0.9) for one in errors]
    assert found == pytest.approx(expected)


def test_absolute_errors_select(usual: Any) -> None:
    model = small(scoring="mae").fit(X, Y)
    error = np.abs(model.predict(X[HELD]) - Y[HELD]).mean()
    assert error <= model.loss_ * Y.std()
    assert (Y[HELD] <= model.predict(X[HELD]) + 1e-3).mean() == pytest.approx(0.5, abs=0.01)
    assert error <= np.abs(usual.predict(X[HELD]) - Y[HELD]).mean() + 1e-3
    assert model.weights_.tolist() != usual.weights_.tolist()
    assert model.losses_[model.best_index_] == model.losses_.min()


@pytest.mark.parametrize("name", ["r2", "rmse", "neg_root_mean_squared_error"])
def test_other_names_mean_squared_errors(name: str, usual: Any) -> None:
    model = small(scoring=name).fit(X, Y)
    assert model.predict(X).tobytes() == usual.predict(X).tobytes()
    assert model.losses_.tobytes() == usual.losses_.tobytes()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_predictions_lie_at_the_quantile(share: float, usual: Any, tmp_path: Path) -> None:
    model = small(scoring=f"pinball:{share}").fit(X, Y)
    predicted = model.predict(X[HELD])
    below = (Y[HELD] <= predicted + 1e-3).mean()
    assert share <= below <= share + 0.02
    losses = [
        mean_pinball_loss(Y[HELD], one.predict(X[HELD]), alpha=share) for one in (model, usual)
    ]
    assert losses[0] < losses[1]
    # About its own predictions, not those of the mean.
    low, high = model.predict_interval(X[HELD], 0.8).T
    assert (low + high) / 2 == pytest.approx(predicted, rel=1e-6)
    assert 0.8 <= ((low <= Y[HELD]) & (Y[HELD] <= high)).mean() < 0.83
    tl.save(model.set_params(cv=None), tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert again.scoring == f"pinball:{share}"
    assert again.predict(X).tobytes() == model.predict(X).tobytes()
    tl.export_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    given = X.astype(np.float32)
    (said,) = session.run(None, {"x": given})
    assert said.ravel() == pytest.approx(model.predict(given), rel=1e-4)


def test_each_target_is_moved_by_its_own() -> None:
    both = np.stack([Y, -10 * Y], axis=1)
    model = small(scoring="pinball:0.9").fit(X, both)
    below = (both[HELD] <= model.predict(X[HELD]) + 1e-2).mean(axis=0)
    assert below == pytest.approx([0.9, 0.9], abs=0.02)


def test_rows_count_by_their_weights() -> None:
    values = np.array([3.0, 1.0, 2.0, 4.0])
    half, every = np.array([0.5]), np.array([0.25, 0.5, 0.75, 1.0])
    assert _quantiles(values, np.ones(4), half) == 2
    assert _quantiles(values, np.array([1.0, 1.0, 1.0, 9.0]), half) == 4
    assert _quantiles(values, np.array([9.0, 0.1, 0.1, 0.1]), half) == 3
    assert _quantiles(values, np.ones(4), np.array([0.999])) == 4
    assert _quantiles(values, np.full(4, 0.1), every).tolist() == [1, 2, 3, 4]
    assert _quantiles(values, np.array([1.0, 5.0, 1.0, 1.0]), every).tolist() == [1, 1, 2, 4]


def test_intervals_hold_their_level_of_rows_that_are_there_many_times() -> None:
    """Counts of two words: most errors are those of a row that stands for many."""
    rng = np.random.default_rng(0)
    one, other = rng.integers(12, size=4000), rng.integers(6, size=4000)
    x = np.concatenate([np.eye(12)[one], np.eye(6)[other]], axis=1)
    y = rng.poisson(np.exp(np.linspace(-1, 1, 12)[one])).astype(float)
    model = small(cv=None, trees=False).fit(x[:2000], y[:2000])
    low, high = model.predict_interval(x[2000:], 0.9).T
    assert 0.88 < ((low <= y[2000:]) & (y[2000:] <= high)).mean() < 0.93


def test_another_scoring_trains_nothing(tmp_path: Path, steps: list[int]) -> None:
    model = small(store=tmp_path).fit(X, Y)
    done = steps[0]
    clone(model).set_params(scoring="mae").fit(X, Y)
    assert steps[0] == done


def test_selection_is_greedy_by_it() -> None:
    errors = np.array([[0.0, 0.0, 4.0], [1.5, 1.5, 1.5]])[..., np.newaxis]
    weight = np.ones(3)
    assert select(errors, weight, "regression", 1, 0.5, 2.0).weights.tolist() == [1, 0]
    assert select(errors, weight, "regression", 1).weights.tolist() == [0, 1]


@pytest.mark.parametrize("name", ["accuracy", "pinball:1", "mean", 5, ["mae"]])
def test_what_is_no_error_of_numbers_is_said(name: Any, steps: list[int]) -> None:
    with pytest.raises(SettingError, match=r"^scoring of PopulationEnsembleRegressor must"):
        small(scoring=name).fit(X, Y)
    assert steps[0] == 0
