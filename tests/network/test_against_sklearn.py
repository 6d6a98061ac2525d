"""Whole networks against scikit-learn's MLPClassifier and MLPRegressor, step by step in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from trainlab.network.architecture import MLP
from trainlab.optimizers import Adam, Momentum, Nesterov, Optimizer

FEATURES, WIDTHS, CLASSES, ROWS, STEPS = 6, (5, 4), 3, 40, 220
# Both compute the same formulas in another order: some eps = 2.2e-16 per operation, which
# 220 steps of training multiply by less than 1e5.
TOLERANCE = 1e-10
ALPHA = 0.3

SOLVERS: dict[str, tuple[dict[str, Any], Optimizer]] = {
    "sgd": (
        {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.5, "nesterovs_momentum": False},
        Momentum(0.1, momentum=0.5),
    ),
    "nesterov": (
        {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.5},
        Nesterov(0.1, momentum=0.5),
    ),
    # scikit-learn folds Adam's bias correction into the rate
    "adam": ({"solver": "adam", "learning_rate_init": 0.01}, Adam(0.01, folded=True)),
}
ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "logistic": "sigmoid", "identity": "identity"}


def theirs(kind: type, activation: str, **settings: Any) -> Any:
    return kind(
        hidden_layer_sizes=WIDTHS,
        activation=activation,
        alpha=ALPHA,
        batch_size=ROWS,
        random_state=3,
        **settings,
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_steps_agree(kind: type, solver: str, activation: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, FEATURES))
    classification = kind is MLPClassifier
    t = rng.permutation(np.arange(ROWS) % CLASSES)
    if not classification:
        t = rng.standard_normal((ROWS, CLASSES))
    settings, optimizer = SOLVERS[solver]
    first = {"classes": np.arange(CLASSES)} if classification else {}

    # their start, seen after a step of a rate that moves nothing
    still = theirs(kind, activation, **{**settings, "learning_rate_init": 1e-300})
    still.partial_fit(x, t, **first)
    network = MLP(
        WIDTHS,
        ACTIVATIONS[activation],
        loss="softmax_cross_entropy" if classification else "mean_squared_error",
        weight_decay=ALPHA / ROWS,
    ).build(FEATURES, CLASSES)
    params, grads = np.empty(network.size), np.empty(network.size)
    bound, bound_grads = network.bind(params), network.bind(grads)
    views = network.layout.views(params)
    for i, (W, b) in enumerate(zip(still.coefs_, still.intercepts_, strict=True), start=1):
        views[f"W{i}"][...], views[f"b{i}"][...] = W, b

    trained = theirs(kind, activation, **settings)
    state, before = optimizer.init(params), params.copy()
    for step in range(STEPS):
        trained.partial_fit(x, t, **(first if step == 0 else {}))
        network.loss_and_gradient(bound, x, t, bound_grads)
        optimizer.update(params, grads, state, step)
    for i, (W, b) in enumerate(zip(trained.coefs_, trained.intercepts_, strict=True), start=1):
        assert np.abs(views[f"W{i}"] - W).max() <= TOLERANCE
        assert np.abs(views[f"b{i}"] - b).max() <= TOLERANCE
    assert np.abs(params - before).max() > 0.01
