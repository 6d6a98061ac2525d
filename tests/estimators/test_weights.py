"""Weights of rows and classes of any size: their ratios decide, and with alpha their sum."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.metrics import accuracy_score, r2_score

import trainlab as tl
from trainlab import (
    MLPClassifier,
    MLPRegressor,
    PopulationEnsembleClassifier,
    PopulationEnsembleRegressor,
    PopulationSearchCV,
)
from trainlab.estimators.targets import Values

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(6)
X = RNG.normal(size=(40, 3))
LABELS = (X[:, 0] + RNG.normal(size=40) > 0).astype(int)
VALUES = X[:, 0] + X[:, 1] ** 2
# Of 53 bits: a power of two times these is exact, unless it is subnormal.
WEIGHT = RNG.random(40) + 0.5
# Their sum, or the product of two of them, is beyond one end of float64.
SCALES = (2.0**1023, 2.0**-1000)
NETWORKS = (MLPClassifier, MLPRegressor)
ENSEMBLES = (PopulationEnsembleClassifier, PopulationEnsembleRegressor)


def quick(kind: Any, **settings: Any) -> Any:
    if kind in ENSEMBLES:
        return kind(4, space={"alpha": [0.0]}, max_iter=3, random_state=0, **settings)
    return kind((5,), max_iter=5, random_state=0, **{"alpha": 0.0, **settings})


def targets(kind: Any) -> Any:
    return VALUES if kind in (MLPRegressor, PopulationEnsembleRegressor) else LABELS


def answers(model: Any) -> Any:
    return getattr(model, "predict_proba", model.predict)(X)


@pytest.mark.parametrize(
    ("kind", "batch_size"), [*product(NETWORKS, (7, 40)), *((kind, 40) for kind in ENSEMBLES)]
)
def test_only_ratios_of_weights_decide(kind: Any, batch_size: int) -> None:
    y, settings = targets(kind), {"batch_size": batch_size}
    plain = quick(kind, **settings).fit(X, y, WEIGHT)
    for scale in SCALES:
        scaled = quick(kind, **settings).fit(X, y, WEIGHT / 2 * scale)
        assert np.array_equal(answers(plain), answers(scaled)), scale
        if kind in NETWORKS:
            assert np.array_equal(plain.loss_curve_, scaled.loss_curve_)


@pytest.mark.parametrize("kind", [MLPClassifier, PopulationEnsembleClassifier])
def test_products_with_weights_of_classes_are_of_any_size(kind: Any) -> None:
    plain = quick(kind, class_weight={0: 1.0, 1: 0.3}).fit(X, LABELS, WEIGHT)
    balanced = quick(kind, class_weight="balanced").fit(X, LABELS, WEIGHT)
    for scale in SCALES:
        by_class = {0: 0.5 * scale, 1: 0.15 * scale}
        scaled = quick(kind, class_weight=by_class).fit(X, LABELS, WEIGHT / 2 * scale)
        assert np.array_equal(answers(plain), answers(scaled)), scale
        scaled = quick(kind, class_weight="balanced").fit(X, LABELS, WEIGHT / 2 * scale)
        assert np.array_equal(answers(balanced), answers(scaled)), scale


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("weight", [1e307, 1e-320, 5e-324])
def test_weights_near_both_ends_of_float64_that_are_equal_change_nothing(
    kind: Any, weight: float
) -> None:
    y = targets(kind)
    plain, weighted = quick(kind).fit(X, y), quick(kind).fit(X, y, np.full(40, weight))
    # A weighted mean of y differs from a plain one by rounding.
    assert np.allclose(answers(weighted), answers(plain), rtol=1e-9)


def test_the_penalty_is_divided_by_the_weight_of_a_batch_whatever_its_size() -> None:
    """½ alpha ΣW² / n, with n the sum of the weights."""
    plain = quick(MLPClassifier, alpha=0.6)._prepare(X, LABELS, WEIGHT)
    alpha, weight = 0.6 * 2.0**1000, WEIGHT * 2.0**1000
    scaled = quick(MLPClassifier, alpha=alpha)._prepare(X, LABELS, weight)
    assert scaled.members[0].network == plain.members[0].network
    far = quick(MLPClassifier, class_weight={0: 2.0**1000, 1: 2.0**1000}, alpha=0.6)
    assert far._prepare(X, LABELS, weight).members[0].network.weight_decay == 0.0


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_penalty_that_would_be_infinite_is_refused(kind: Any) -> None:
    told = f"weights of the rows of {kind.__name__} must leave the penalty finite.* or alpha=0"
    with pytest.raises(tl.DataError, match=told):
        quick(kind, alpha=1e-4).fit(X, targets(kind), np.full(40, 1e-320))


def test_weights_of_one_row_beside_far_greater_ones() -> None:
    """It is as good as absent, but its class is known."""
    weight = np.where(np.arange(40) == 0, 5e-324, 1e308)
    y = np.where(np.arange(40) == 0, 2, LABELS)
    network = quick(MLPClassifier).fit(X, y, weight)
    assert network.classes_.tolist() == [0, 1, 2]
    assert np.isfinite(answers(network)).all()
    told = r"must be 'balanced' only where .* differ by less than 1e300; .* try a dict of weights"
    with pytest.raises(tl.SettingError, match=told):
        quick(MLPClassifier, class_weight="balanced").fit(X, y, weight)


@pytest.mark.parametrize("kind", NETWORKS)
def test_scores_by_weights_of_any_size(kind: Any) -> None:
    y, measure = targets(kind), accuracy_score if kind is MLPClassifier else r2_score
    model = quick(kind).fit(X, y)
    expected = measure(y, model.predict(X), sample_weight=WEIGHT)
    for scale in (1.0, *SCALES):
        assert model.score(X, y, WEIGHT / 2 * scale) == expected
    assert model.score(X, y, np.full(40, 1e307)) == pytest.approx(model.score(X, y), rel=1e-14)
    assert model.score(X, y, sample_weight=3) == pytest.approx(model.score(X, y), rel=1e-14)
    with pytest.raises(tl.DataError, match=f"sample_weight of {kind.__name__} must be >= 0"):
        model.score(X, y, -WEIGHT)
    with pytest.raises(ValueError, match="zero"):  # some versions of scikit-learn say it first
        model.score(X, y, np.zeros(40))


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_vote_by_weights_of_any_size(kind: Any) -> None:
    y, space = targets(kind), {"learning_rate_init": [1e-3, 1e-2, 1e-1]}

    def vote(weight: Any) -> Any:
        search = PopulationSearchCV(
            quick(kind), space, n_iter=3, cv=2, random_state=0, ensemble="greedy"
        )
        return search.fit(X, y, sample_weight=weight).ensemble_

    plain = vote(WEIGHT)
    for scale in SCALES:
        scaled = vote(WEIGHT / 2 * scale)
        assert scaled.weights_.tolist() == plain.weights_.tolist()
        assert scaled.losses_.tolist() == plain.losses_.tolist()
        assert scaled.score(X, y, WEIGHT / 2 * scale) == plain.score(X, y, WEIGHT)


def test_one_row_may_have_a_weight() -> None:
    one, other = (tl.MLPRegressor((3,), max_iter=3, random_state=0) for _ in range(2))
    one.fit([[1.0, 2.0]], [3.0])
    other.fit([[1.0, 2.0]], [3.0], sample_weight=[5.0])
    assert np.array_equal(one.loss_curve_, other.loss_curve_)


def test_targets_are_scaled_by_the_weights_of_their_rows() -> None:
    y, weight = np.array([[1.0], [2.0], [6.0]]), np.array([1.0, 3.0, 2.0])
    found = Values.of(y, weight, True, True)
    repeated = Values.of(np.repeat(y, weight.astype(int), axis=0), None, True, True)
    np.testing.assert_allclose([found.mean, found.scale], [repeated.mean, repeated.scale])


@pytest.mark.parametrize("class_weight", [{0: 50, 1: 1, 2: 0.01}, {0: 0}, "balanced"])
def test_classes_weigh_the_same_in_validation_data(class_weight: Any) -> None:
    x, y = load_wine(return_X_y=True)
    x, y = x[40:], y[40:]  # classes of different sizes
    network = tl.MLPClassifier((5,), class_weight=class_weight, batch_size=20, random_state=0)
    same = network._prepare(x, y, validation_data=(x, y)).table.data
    assert same.validation is not None
    assert (same.validation.t == same.train.t).all()
    assert np.array_equal(same.validation.weight, same.train.weight)


def test_a_field_of_a_record_is_refused_with_the_remedy() -> None:
    network = tl.MLPClassifier(optimizer=tl.Momentum())
    told = "try optimizer=Momentum(momentum=0.5), in a search a list of such"
    with pytest.raises(tl.SettingError, match=re.escape(told)):
        network.set_params(optimizer__momentum=0.5)
    with pytest.raises(tl.SettingError, match=re.escape("try optimizer=Adam(lr=0.5)")):
        tl.MLPClassifier().set_params(optimizer__lr=0.5)
    with pytest.raises(tl.SettingError, match=re.escape("try optimizer=Adam(lr=0.5)")):
        tl.PopulationSearchCV(tl.MLPRegressor(), {"optimizer__lr": [0.5]}, n_iter=1).fit(X, VALUES)
    assert network.set_params(alpha=0.1, optimizer=tl.Adam()).alpha == 0.1
    with pytest.raises(ValueError, match="Invalid parameter 'optimiser'"):
        network.set_params(optimiser__lr=0.5)
