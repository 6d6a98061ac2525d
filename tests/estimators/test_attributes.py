"""What scikit-learn's networks show of themselves, ours do, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import trainlab as tl

RNG = np.random.default_rng(2)
X = RNG.standard_normal((40, 3))
CLASSES = np.arange(40) % 3
LABELS = RNG.integers(0, 2, (40, 2))
VALUES = RNG.standard_normal((40, 2))
NAMES = ("coefs_", "intercepts_", "n_layers_", "n_outputs_", "out_activation_")

pytestmark = pytest.mark.filterwarnings("ignore:.*(still improving|Maximum iterations)")


def fitted(kind: Any, y: Any, **settings: Any) -> Any:
    return kind(hidden_layer_sizes=(5, 4), max_iter=2, random_state=0, **settings).fit(X, y)


@pytest.mark.parametrize("kind", [tl.MLPClassifier, tl.MLPRegressor])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_there_before_fit(kind: Any, name: str) -> None:
    assert not hasattr(kind(), name)


@pytest.mark.parametrize(
    ("kind", "theirs", "y", "activation"),
    [
        (tl.MLPClassifier, MLPClassifier, CLASSES, "softmax"),
        (tl.MLPClassifier, MLPClassifier, LABELS, "logistic"),
        (tl.MLPRegressor, MLPRegressor, VALUES, "identity"),
        (tl.MLPRegressor, MLPRegressor, VALUES[:, 0], "identity"),
    ],
)
def test_they_are_what_scikit_learns_are(kind: Any, theirs: Any, y: Any, activation: str) -> None:
    ours, reference = fitted(kind, y), fitted(theirs, y)
    for found, expected in zip(ours.coefs_, reference.coefs_, strict=True):
        assert found.shape == expected.shape
    for found, expected in zip(ours.intercepts_, reference.intercepts_, strict=True):
        assert found.shape == expected.shape
    for name in ("n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(reference, name)
    assert ours.out_activation_ == activation


def test_of_two_classes_there_is_one_output_or_two() -> None:
    for settings, expected in (
        ({}, (1, "logistic")),
        ({"loss": "sigmoid_cross_entropy"}, (1, "logistic")),
        ({"loss": "auto"}, (2, "softmax")),
        ({"loss": "softmax_cross_entropy"}, (2, "softmax")),
        ({"label_smoothing": 0.1}, (2, "softmax")),
    ):
        ours = fitted(tl.MLPClassifier, CLASSES > 0, **settings)
        assert (ours.n_outputs_, ours.out_activation_) == expected
        assert ours.predict_proba(X).shape == (len(X), 2)


def test_predictions_are_made_with_them() -> None:
    ours = fitted(tl.MLPClassifier, CLASSES, dtype="float64", n_members=2)
    x = ours._inputs.encode(X, "float64")
    for layer, (weights, biases) in enumerate(zip(ours.coefs_, ours.intercepts_, strict=True)):
        assert weights.shape[0] == biases.shape[0] == 2
        x = x @ weights + biases[:, None]
        if layer < 2:
            x = np.maximum(x, 0)
    p = np.exp(x - x.max(axis=-1, keepdims=True))
    p = (p / p.sum(axis=-1, keepdims=True)).mean(axis=0)
    assert np.allclose(ours.predict_proba(X), p, rtol=1e-9)


@pytest.mark.parametrize("members", [1, 2])
def test_they_cannot_be_written_to(members: int) -> None:
    ours = fitted(tl.MLPClassifier, CLASSES, n_members=members)
    for one in (*ours.coefs_, *ours.intercepts_):
        with pytest.raises(ValueError, match="read-only"):
            one[...] = 0
