"""What the estimators promise beyond scikit-learn's checks."""

from __future__ import annotations

import dataclasses
import io
import math
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_array
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier as OtherMLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trainlab as tl
from trainlab import MLPClassifier, MLPRegressor
from trainlab.data import batches
from trainlab.population.fit import Fit, Fitted, fit_together
from trainlab.population.settings import FitSettings

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def quick(kind: Any = MLPClassifier, **settings: Any) -> Any:
    """An estimator that trains in a few hundredths of a second."""
    chosen = {"hidden_layer_sizes": (7,), "max_iter": 8, "random_state": 0, **settings}
    return kind(**{"learning_rate_init": 0.02, **chosen})


def answers(estimator: Any, X: Any) -> Any:
    return getattr(estimator, "predict_proba", estimator.predict)(X)


def test_alpha_is_that_of_scikit_learn() -> None:
    """½ alpha ΣW² / n, n being the rows of a batch, or the sum of their weights."""
    X, y = IRIS
    ready = quick(alpha=0.6, batch_size=50)._prepare(X, y)
    assert ready.members[0].network.weight_decay == 0.6 / 50
    ready = quick(alpha=0.6, batch_size=50)._prepare(X, y, np.full(len(y), 3.0))
    assert ready.members[0].network.weight_decay == pytest.approx(0.6 / 150, rel=1e-12)


def test_batches_are_those_of_scikit_learn() -> None:
    X, y = np.random.default_rng(0).random((250, 3)), np.arange(250) % 2
    assert quick()._prepare(X, y).arguments["batch_size"] == 200
    assert quick()._prepare(X[:90], y[:90]).arguments["batch_size"] == 90
    with pytest.warns(UserWarning, match="batch_size=1000 is more than 250 rows"):
        assert quick(batch_size=1000)._prepare(X, y).arguments["batch_size"] == 250


@pytest.mark.parametrize("make", [np.asarray, csr_array, csc_array])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_in_one_batch_weights_are_repetitions_and_order_is_nothing(
    kind: Any, dtype: str, make: Any
) -> None:
    rng = np.random.default_rng(1)
    X, y, weight = rng.random((20, 5)), rng.integers(0, 3, 20), rng.integers(0, 4, 20)
    order = rng.permutation(20)
    weighed = quick(kind, dtype=dtype)
    weighed.fit(make(X[order]), y[order], sample_weight=weight[order])
    repeated = quick(kind, dtype=dtype).fit(make(X.repeat(weight, axis=0)), y.repeat(weight))
    assert np.array_equal(answers(weighed, X), answers(repeated, X))
    assert np.array_equal(weighed.loss_curve_, repeated.loss_curve_)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_prediction_does_not_depend_on_other_rows(kind: Any, dtype: str) -> None:
    X = np.random.default_rng(2).random((300, 6))
    network = quick(kind, dtype=dtype, n_members=3).fit(X, np.arange(300) % 4)
    together = answers(network, X)
    for row in (0, 17, 255, 256, 299):
        assert np.array_equal(answers(network, X[[row]])[0], together[row])
    assert np.array_equal(answers(network, csr_array(X)), together)


def trained(members: Any, ready: Any) -> Fitted:
    """Members on the data of what an estimator has prepared."""
    settings = FitSettings(**ready.arguments)
    (fitted,) = fit_together([Fit(members, ready.data, settings)], settings)
    return fitted


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_members_are_averaged(kind: Any) -> None:
    """The ensemble is the mean of the networks that its seeds train alone."""
    X, y = IRIS
    alone = []
    for index in range(3):
        one = quick(kind, n_members=3)
        ready = one._prepare(X, y)
        ready = dataclasses.replace(ready, members=ready.members[index : index + 1])
        one._adopt(ready, trained(ready.members, ready))
        alone.append(answers(one, X))
    together = answers(quick(kind, n_members=3).fit(X, y), X)
    assert np.allclose(together, np.mean(alone, axis=0), rtol=1e-12)
    assert not np.array_equal(alone[0], alone[1])


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_estimators_are_trained_as_one_population(kind: Any) -> None:
    """What a search does: prepare all, train them together, let each adopt its members."""
    X, y = IRIS
    settings = [{"alpha": 0.1}, {"dropout": 0.3, "n_members": 2}, {"learning_rate_init": 0.1}]
    estimators = [quick(kind, **one) for one in settings]
    ready = [estimators[0]._prepare(X, y)]
    ready += [one._prepare(None, None, like=[ready[0].table]) for one in estimators[1:]]
    assert all(one.data is ready[0].data for one in ready)
    assert all(one.arguments == ready[0].arguments for one in ready)
    together = trained([member for one in ready for member in one.members], ready[0])
    first = 0
    for one, its, chosen in zip(estimators, ready, settings, strict=True):
        one._adopt(its, together, first)
        first += len(its.members)
        alone = quick(kind, **chosen).fit(X, y)
        assert np.array_equal(answers(one, X), answers(alone, X))
        assert np.array_equal(one.loss_curve_, alone.loss_curve_)
        assert one.n_features_in_ == 4


def test_a_table_is_shared_where_its_signature_is_the_same_alone() -> None:
    X, y = IRIS
    table = quick()._prepare(X, y).table
    for changed in ({"batch_size": 10}, {"dtype": "float32"}, {"class_weight": {0: 2}}):
        other = quick(**changed)._prepare(X, y, like=[table])
        assert other.table is not table
    first = quick(early_stopping=True)._prepare(X, y).table
    again = quick(early_stopping=True, random_state=1)._prepare(X, y, like=[table, first])
    assert again.table is not first


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_the_same_bits_whatever_the_workers(kind: Any) -> None:
    X, y = IRIS
    networks = [
        quick(kind, n_members=4, workers=workers, batch_size=32, dropout=0.2).fit(X, y)
        for workers in (1, 2, 3)
    ]
    assert np.array_equal(answers(networks[0], X), answers(networks[1], X))
    assert np.array_equal(answers(networks[0], X), answers(networks[2], X))


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_partial_fits_are_the_epochs_of_one_training(kind: Any) -> None:
    X, y = IRIS
    parts = quick(kind, batch_size=40)
    for index in range(4):
        classes = {"classes": [0, 1, 2]} if kind is MLPClassifier and not index else {}
        parts.partial_fit(X, y, **classes)
    whole = quick(kind, batch_size=40, max_iter=4, n_iter_no_change=math.inf).fit(X, y)
    # The training restores its best epoch, which is its last here: the loss falls.
    assert (np.diff(whole.loss_curve_) < 0).all()
    assert np.array_equal(answers(parts, X), answers(whole, X))
    assert np.array_equal(parts.loss_curve_, whole.loss_curve_)
    assert parts.n_iter_ == 4


@pytest.mark.parametrize("weighted", [False, True])
def test_a_smaller_batch_counts_for_its_rows_in_the_loss(weighted: bool) -> None:
    """A network that does not change has the same loss in each epoch: that of all rows."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:201], y[:201]  # the last batch has one row
    weight = np.random.default_rng(0).uniform(0, 3, len(y)) if weighted else None
    settings = {"learning_rate_init": 1e-12, "alpha": 0, "max_iter": 6, "random_state": 0}
    network = MLPClassifier(**settings).fit(X, y, sample_weight=weight)
    right = log_loss(y, network.predict_proba(X), sample_weight=weight)
    assert network.loss_curve_ == pytest.approx([right] * 6, rel=1e-6)
    assert [network.loss_, network.best_loss_] == pytest.approx([right] * 2, rel=1e-6)
    if not weighted:
        standard = MLPClassifier(standardize_inputs="standard", **settings).fit(X, y)
        assert round(standard.loss_, 4) == 2.4673
    parts = MLPClassifier(**settings)
    for _ in range(2):
        parts.partial_fit(X, y, classes=np.unique(y), sample_weight=weight)
    assert parts.loss_curve_ == pytest.approx([right] * 2, rel=1e-6)


def test_partial_fit_sees_every_row_of_parts_of_any_size(monkeypatch: Any) -> None:
    X, y = IRIS
    network = quick(batch_size=20)
    network.partial_fit(X[:50], y[:50], classes=[0, 1, 2])  # three steps
    seen: list[Any] = []
    own = batches.orders_of

    def orders(given: Any, seeds: Any, epoch: int, *more: Any) -> Any:
        seen.append(epoch)
        return own(given, seeds, epoch, *more)

    monkeypatch.setattr(batches, "orders_of", orders)
    network.partial_fit(X[50:90], y[50:90])  # two, which do not divide them
    assert seen == [2]


def test_partial_fit_says_what_it_cannot_do() -> None:
    X, y = IRIS
    with pytest.raises(tl.SettingError, match="classes of MLPClassifier must be given"):
        quick().partial_fit(X, y)
    with pytest.raises(tl.SettingError, match="class_weight of MLPClassifier must be None or a"):
        quick(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(tl.SettingError, match="early_stopping of MLPRegressor must be False"):
        quick(MLPRegressor, early_stopping=True).partial_fit(X, y)
    network = quick().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(tl.DataError, match=r"y of MLPClassifier must be among the classes"):
        network.partial_fit(X, y + 1)
    with pytest.raises(tl.SettingError, match="classes of MLPClassifier must be those of the"):
        network.partial_fit(X, y, classes=[0, 1])


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_warm_start_goes_on(kind: Any) -> None:
    X, y = IRIS
    cold = quick(kind).fit(X, y)
    warm = quick(kind, warm_start=True).fit(X, y)
    assert np.array_equal(answers(cold, X), answers(warm, X))
    warm.fit(X, y)
    assert warm.loss_curve_[warm.n_iter_] < cold.loss_curve_[0] / 1.2
    assert np.array_equal(answers(cold.fit(X, y), X), answers(quick(kind).fit(X, y), X))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_curves_of_several_fits_are_as_long_as_those_of_scikit_learn(early_stopping: bool) -> None:
    def lengths(model: Any) -> list[Any]:
        curve, scores = model.loss_curve_, model.validation_scores_
        best = [float(model.loss_) == curve[-1]]
        if not early_stopping:  # then scikit-learn has no best loss
            best.append(float(model.best_loss_) == min(curve))
        return [model.n_iter_, len(curve), None if scores is None else len(scores), *best]

    X, y = IRIS
    settings: dict[str, Any] = {"max_iter": 5, "n_iter_no_change": 99, "random_state": 0}
    settings |= {"early_stopping": early_stopping, "warm_start": True}
    models = [kind((4,), **settings) for kind in (MLPClassifier, OtherMLPClassifier)]
    for changed in ({}, {}, {"max_iter": 3}, {"warm_start": False}, {"warm_start": True}):
        ours, theirs = (model.set_params(**changed).fit(X, y) for model in models)
        assert lengths(ours) == lengths(theirs), changed
        assert ours.validation_curve_ is None or len(ours.validation_curve_) == len(
            ours.loss_curve_
        )
    if not early_stopping:
        first = ours.loss_curve_
        assert len(ours.partial_fit(X, y).loss_curve_) == len(theirs.partial_fit(X, y).loss_curve_)
        assert ours.loss_curve_[:-1].tolist() == first.tolist()


def test_a_warm_start_needs_the_same_targets() -> None:
    X, y = IRIS
    network = quick(warm_start=True).fit(X, y)
    with pytest.raises(tl.SettingError, match="y of MLPClassifier must have the classes"):
        network.fit(X[y > 0], y[y > 0])
    network = quick(MLPRegressor, warm_start=True).fit(X, y)
    with pytest.raises(tl.SettingError, match="y of MLPRegressor must have 1 column for"):
        network.fit(X, np.stack([y, y], axis=1))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"hidden_layer_sizes": (9, 4)}, r"hidden_layer_sizes of MLPClassifier must be \(5,\) as"),
        ({"norm": "batch"}, "norm of MLPClassifier must be None as before"),
        ({"n_members": 3}, "n_members of MLPClassifier must be 1 as before"),
    ],
)
def test_what_goes_on_has_the_same_shapes(changed: dict[str, Any], told: str) -> None:
    X, y = IRIS
    network = quick(hidden_layer_sizes=(5,), warm_start=True).fit(X, y)
    with pytest.raises(tl.SettingError, match=rf"{told}.*; try warm_start=False"):
        network.set_params(**changed).fit(X, y)
    if "n_members" not in changed:  # partial_fit goes on with those that there are
        network = quick(hidden_layer_sizes=(5,)).partial_fit(X, y, classes=[0, 1, 2])
        with pytest.raises(tl.SettingError, match=rf"{told}.*; try a clone"):
            network.set_params(**changed).partial_fit(X, y)


class Small(MLPClassifier):
    """A constructor of one's own, which decides what it does not ask for."""

    def __init__(self, *, width: int = 4, max_iter: int = 3) -> None:
        super().__init__((width,), max_iter=max_iter, n_members=2, random_state=0)
        self.width = width


def test_a_subclass_may_have_other_parameters() -> None:
    X, y = IRIS
    network = clone(Small(width=5)).fit(X, y)
    assert network.get_params() == {"width": 5, "max_iter": 3}
    assert [one.shape for one in network.coefs_] == [(2, 4, 5), (2, 5, 3)]
    same = MLPClassifier((5,), max_iter=3, n_members=2, random_state=0).fit(X, y)
    assert np.array_equal(network.predict_proba(X), same.predict_proba(X))
    assert Small().partial_fit(X, y, classes=[0, 1, 2]).n_iter_ == 1


def test_partial_fit_goes_on_with_the_state_of_its_optimizer() -> None:
    X, y = IRIS
    network = quick().partial_fit(X, y, classes=[0, 1, 2]).set_params(optimizer=tl.Adam(0.1))
    network.partial_fit(X, y)  # another rate is another setting of the same rule
    with pytest.raises(tl.SettingError, match="optimizer of MLPClassifier must be Adam as before"):
        network.set_params(optimizer="sgd").partial_fit(X, y)


@pytest.mark.parametrize("batch_size", [30, 150])
def test_the_order_of_bytes_changes_no_bit(batch_size: int) -> None:
    X, y = IRIS
    ours, theirs = (
        quick(batch_size=batch_size).fit(x, y) for x in (X, X.astype(X.dtype.newbyteorder()))
    )
    assert ours._dtype == theirs._dtype == "float64"
    assert np.array_equal(ours.predict_proba(X), theirs.predict_proba(X))


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_what_is_wrong_with_validation_data_is_said_of_it(kind: Any) -> None:
    X, y = IRIS
    told = f"validation_data of {kind.__name__} must hold rows as those to train on; got"
    wrong = [(X[:, :2], y), (X, y[1:]), (X, y, -np.ones(len(y)))]
    if kind is MLPClassifier:
        wrong.append((X, y + 1))
    for held in wrong:
        with pytest.raises(tl.DataError, match=told):
            quick(kind).fit(X, y, validation_data=held)


def test_early_stopping_watches_rows_that_are_not_trained_on() -> None:
    X, y = IRIS
    X = X + np.linspace(0, 1e-3, len(X))[:, None]  # two rows are equal, and would be one
    network = quick(early_stopping=True, max_iter=400, validation_fraction=0.2, batch_size=20)
    ready = network._prepare(X, y)
    assert (len(ready.data.train), len(ready.data.validation)) == (120, 30)
    assert np.bincount(ready.data.validation.t).tolist() == [10, 10, 10]
    network.fit(X, y)
    assert network.n_iter_ < 400
    assert network.validation_scores_.max() > 0.9
    assert len(network.validation_scores_) == len(network.validation_curve_) == network.n_iter_
    own = quick(early_stopping=True)._prepare(X[:140], y[:140], validation_data=(X[140:], y[140:]))
    assert (len(own.data.train), len(own.data.validation)) == (140, 10)


def test_validation_data_is_only_looked_at_without_early_stopping() -> None:
    X, y = DIABETES
    plain = quick(MLPRegressor).fit(X[:300], y[:300])
    watched = quick(MLPRegressor)
    watched.fit(X[:300], y[:300], validation_data=(X[300:], y[300:], np.ones(len(y) - 300)))
    assert np.array_equal(plain.predict(X), watched.predict(X))
    assert plain.validation_curve_ is None
    assert watched.validation_scores_ is None
    assert watched.validation_curve_.shape == (8,)


def test_callbacks_see_each_epoch_and_may_stop_a_member() -> None:
    X, y = IRIS
    seen: list[tuple[int, int]] = []

    def callback(member: int, updates: int, metrics: Any) -> bool:
        seen.append((member, updates))
        return member == 1 and updates == 3

    network = quick(n_members=2, workers=1).fit(X, y, callbacks=[callback])
    assert sorted(seen) == [*((0, n) for n in range(9)), *((1, n) for n in range(4))]
    assert network.n_iter_ == 8


def test_strings_frames_and_class_weights() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)[y]
    network = quick(max_iter=60, class_weight="balanced").fit(X, names)
    assert network.feature_names_in_.tolist() == X.columns.tolist()
    assert network.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert set(network.predict(X)) <= set(names)
    assert network.score(X, names) > 0.9
    # An unbalanced half: balanced weights are those that make all classes' sums equal.
    rows = np.r_[0:50, 50:60, 100:105]
    counts = np.bincount(y.to_numpy()[rows])
    weight = len(rows) / (3 * counts)
    balanced = quick(class_weight="balanced").fit(X.iloc[rows], names[rows])
    by_hand = quick().fit(X.iloc[rows], names[rows], weight[y.to_numpy()[rows]])
    by_label = quick(class_weight=dict(zip(network.classes_, weight, strict=True)))
    by_label.fit(X.iloc[rows], names[rows])
    assert np.array_equal(balanced.predict_proba(X), by_hand.predict_proba(X))
    assert np.array_equal(by_label.predict_proba(X), by_hand.predict_proba(X))


def test_indicators() -> None:
    X, y = IRIS
    labels = np.stack([y == 0, y > 0, X[:, 0] > 5.8], axis=1).astype(int)
    network = quick(max_iter=200).fit(X, labels)
    assert network.predict_proba(X).shape == (150, 3)
    assert network.score(X, labels) > 0.8
    assert network.decision_function(X).shape == (150, 3)
    parts = quick()
    for _ in range(3):
        parts.partial_fit(X, labels)
    assert parts.predict(X).shape == (150, 3)
    with pytest.raises(tl.SettingError, match="class_weight of MLPClassifier must be None"):
        quick(class_weight="balanced").fit(X, labels)


def test_predictions_are_equivariant_to_the_units_of_y() -> None:
    X, y = DIABETES
    both = np.stack([y, -y], axis=1)
    plain = quick(MLPRegressor, dtype="float64").fit(X, both)
    scaled = quick(MLPRegressor, dtype="float64").fit(X, both * [1024.0, 2.0] + 1000.0)
    expected = plain.predict(X) * [1024.0, 2.0] + 1000.0
    # Rounding of means and products in 8 steps: far below this; a unit forgotten is far above.
    assert np.allclose(scaled.predict(X), expected, rtol=1e-7)
    raw = quick(MLPRegressor, standardize_targets=False).fit(X, y)
    assert raw.loss_curve_[0] == pytest.approx((y**2).mean() / 2, rel=0.1)
    constant = quick(MLPRegressor).fit(X, np.full(len(y), 0.1))
    assert np.allclose(constant.predict(X), 0.1, atol=0.5)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_member_that_diverges_is_named_and_predicts_finite_values(kind: Any) -> None:
    X, y = IRIS
    network = quick(kind, optimizer="sgd", learning_rate_init=1e30, n_members=2, dtype="float32")
    with pytest.warns(ConvergenceWarning, match="member 1 of .* diverged at step 1 "):
        network.fit(X, y)
    assert np.isfinite(answers(network, X)).all()


def test_a_training_that_was_still_improving_says_so() -> None:
    X, y = IRIS
    with pytest.warns(ConvergenceWarning, match="still improving after max_iter=8 epochs"):
        quick().fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        quick(schedule="cosine").fit(X, y)
        quick(tol=10.0, n_iter_no_change=2).fit(X, y)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_scikit_learn_uses_them_as_its_own(kind: Any, tmp_path: Any) -> None:
    X, y = IRIS
    pipeline = make_pipeline(StandardScaler(), quick(kind, max_iter=40))
    assert cross_val_score(pipeline, X, y, cv=3, error_score="raise").shape == (3,)
    grid = {"alpha": [1e-4, 1e-1], "optimizer": ["adam", tl.Momentum(0.1)]}
    search = GridSearchCV(quick(kind), grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["alpha"] in (1e-4, 1e-1)
    network = clone(search.best_estimator_).set_params(n_members=2).fit(X, y)
    file = io.BytesIO()
    joblib.dump(network, file)
    file.seek(0)
    assert np.array_equal(answers(joblib.load(file), X), answers(network, X))
    assert type(network).__name__ in network._repr_html_()
    frame = make_pipeline(StandardScaler(), quick(kind)).set_output(transform="pandas")
    frame.fit(pd.DataFrame(X, columns=list("abcd")), y)
    assert frame[-1].feature_names_in_.tolist() == ["a", "b", "c", "d"]


def test_calibration() -> None:
    X, y = IRIS
    calibrated = CalibratedClassifierCV(quick(max_iter=60), cv=2).fit(X, y)
    assert calibrated.score(X, y) > 0.8
    assert np.allclose(calibrated.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("members", [1, 3])
def test_probabilities_are_never_0_or_1(members: int, dtype: str) -> None:
    """However far apart the outputs are; all others stay as they were."""
    X = np.array([[-1e4], [-1.0], [1.0], [1e4]])
    settings = {"standardize_inputs": False, "max_iter": 30, "dtype": dtype, "n_members": members}
    settings["loss"] = "auto"
    indicators = np.array([[0, 1], [0, 1], [1, 0], [1, 0]])
    for y in ([0, 0, 1, 1], [0, 0, 1, 2], indicators):
        network = quick(**settings).fit(X, y)
        raw = network._population.predict_proba(X).astype(np.float64).mean(axis=0)
        if y is not indicators:
            raw /= raw.sum(axis=-1, keepdims=True)
        p = network.predict_proba(X)
        assert p.dtype == np.float64
        assert {0, 1} <= set(raw.flat)  # which the networks themselves give
        assert ((p > 0) & (p < 1)).all()
        ordinary = (raw > 0) & (raw < 1)
        assert np.array_equal(p[ordinary], raw[ordinary])
        assert p == pytest.approx(raw, abs=2e-16)
        assert np.isfinite(network.predict_log_proba(X)).all()
        assert np.isfinite(network.decision_function(X)).all()
        assert np.isfinite(np.log(1 - p)).all()
        assert np.array_equal(network.predict(X), np.asarray(y))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_output_says_how_probable_either_class_is(dtype: str) -> None:
    """Far from 1/2, too, where 1 − p would be rounded."""
    X, y = np.array([[-90.0], [-1.0], [1.0], [90.0]]), [0, 0, 1, 1]
    network = quick(standardize_inputs=False, max_iter=30, dtype=dtype).fit(X, y)
    (weights, *_, last), biases = network.coefs_, network.intercepts_
    assert last.shape[1] == 1
    hidden = np.maximum(X @ weights + biases[0], 0)
    for one, bias in zip(network.coefs_[1:-1], biases[1:-1], strict=True):
        hidden = np.maximum(hidden @ one + bias, 0)
    logit = (hidden @ last + biases[-1])[:, 0].astype(np.float64)
    p = network.predict_proba(X)
    assert logit.min() < -20
    assert logit.max() > 20
    assert p[:, 1] == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-4)
    assert p[:, 0] == pytest.approx(1 / (1 + np.exp(logit)), rel=1e-4)
    assert network.decision_function(X) == pytest.approx(logit, rel=1e-4)
    assert network.predict(X).tolist() == y


@pytest.mark.parametrize("members", [1, 3])
def test_two_classes_survive_a_file_and_a_graph(members: int, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    X = np.random.default_rng(0).normal(size=(60, 3)) * 30
    y = np.where(X[:, 0] > 0, "yes", "no")
    network = quick(n_members=members, early_stopping=True).fit(X, y)
    expected = network.predict_proba(X)
    tl.save(network, tmp_path / "model")
    assert np.array_equal(tl.load(tmp_path / "model").predict_proba(X), expected)
    tl.export_onnx(network, tmp_path / "model.onnx")
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=providers)
    label, p = session.run(["label", "probabilities"], {"x": X})
    assert label.tolist() == network.predict(X).tolist()
    assert p == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", (0,)),
        ("activation", "relux"),
        ("alpha", -1),
        ("batch_size", 0),
        ("learning_rate_init", 0),
        ("max_iter", 0),
        ("tol", -1),
        ("early_stopping", "yes"),
        ("validation_fraction", 1.0),
        ("n_iter_no_change", 0),
        ("warm_start", 1),
        ("verbose", "loud"),
        ("optimizer", "lbfgs"),
        ("init", "zeros"),
        ("norm", "group"),
        ("dropout", 1.0),
        ("schedule", "slow"),
        ("label_smoothing", 1.0),
        ("loss", "hinge"),
        ("n_members", 0),
        ("dtype", "float16"),
        ("class_weight", "equal"),
        ("standardize_inputs", "yes"),
        ("workers", 0),
        ("engine", "fastest"),
    ],
)
def test_what_a_parameter_must_be(name: str, value: Any) -> None:
    with pytest.raises(tl.SettingError, match=f"^{name} of MLPClassifier must "):
        quick(**{name: value}).fit(*IRIS)


@pytest.mark.parametrize("unit", [2.0**-1000, 2.0**-600, 2.0**600, 2.0**1010, 1e-300, 1e300])
def test_targets_have_the_same_r_squared_in_any_unit(unit: float) -> None:
    """To the bit, where the unit is a power of two; their squares are far out of range."""
    X, y = load_diabetes(return_X_y=True)
    both = np.stack([y, 3 - y / 100], axis=1)
    weight = np.random.default_rng(0).uniform(0, 3, len(y))
    for t in (y, both):
        one = quick(MLPRegressor).fit(X, t, weight)
        other = quick(MLPRegressor).fit(X, t * unit, weight)
        expected = r2_score(t, one.predict(X), sample_weight=weight)
        assert expected > 0.1
        if np.frexp(unit)[0] == 0.5:
            assert np.array_equal(other.predict(X), one.predict(X) * unit)
            assert np.array_equal(other.loss_curve_, one.loss_curve_)
            assert one.score(X, t, weight) == other.score(X, t * unit, weight) == expected
        else:
            assert np.allclose(other.predict(X) / unit, one.predict(X), rtol=1e-5)
            assert other.score(X, t * unit, weight) == pytest.approx(expected, rel=1e-6)


def test_predictions_of_the_largest_targets_are_finite() -> None:
    X, y = IRIS
    t = np.where(y > 0, 1.7e308, 0.0)
    network = quick(MLPRegressor, max_iter=40).fit(X, t)
    predicted = network.predict(X)
    assert np.isfinite(predicted).all()
    assert np.abs(predicted).max() == np.finfo(np.float64).max  # some would lie beyond
    assert network.score(X, t) > 0.9


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="it is float64 here")
@pytest.mark.parametrize("make", [np.asarray, csr_array])
def test_numbers_longer_than_float64_are_those_of_float64(make: Any) -> None:
    for kind, (X, y) in ((MLPClassifier, IRIS), (MLPRegressor, DIABETES)):
        longer, usual = make(X.astype(np.longdouble)), make(X)
        network = quick(kind).fit(longer, y)
        assert network.coefs_[0].dtype == np.float64
        assert answers(network, longer).tobytes() == answers(network, usual).tobytes()
        same = quick(kind).fit(usual, y)
        assert answers(network, longer).tobytes() == answers(same, usual).tobytes()
        far = make(X.astype(np.longdouble) * np.longdouble("1e4000"))
        told = "must hold what a float64 can hold"
        with pytest.raises(tl.DataError, match=told):
            quick(kind).fit(far, y)
        with pytest.raises(tl.DataError, match=told):
            network.predict(far)


def test_what_else_is_refused() -> None:
    X, y = IRIS
    with pytest.raises(tl.SettingError, match="loss of MLPClassifier must be for classification"):
        quick(loss="huber").fit(X, y)
    with pytest.raises(tl.SettingError, match="label_smoothing of MLPClassifier must be 0"):
        quick(label_smoothing=0.1).fit(X, np.stack([y > 0, y > 1], axis=1))
    with pytest.raises(tl.SettingError, match="validation_data of MLPClassifier must be None"):
        quick().fit(X, y, validation_data=X)
    with pytest.raises(tl.DataError, match="sample_weight of MLPClassifier must be >= 0"):
        quick().fit(X, y, np.linspace(-1, 1, len(y)))
    with pytest.raises(tl.DataError, match="class_weight of MLPClassifier must hold finite"):
        quick(class_weight={0: -1}).fit(X, y)


def test_scikit_learn_is_imported_when_an_estimator_is_asked_for() -> None:
    """`import trainlab` need not wait for it."""
    script = (
        "import sys, trainlab; assert 'sklearn' not in sys.modules; "
        "assert 'MLPRegressor' in dir(trainlab); trainlab.MLPRegressor()"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    with pytest.raises(AttributeError, match="has no attribute 'MLPNothing'"):
        tl.MLPNothing  # noqa: B018  # to ask is to fail
