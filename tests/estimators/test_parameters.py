"""Parameters that nobody gives, and what an estimator does before it has learnt."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import sklearn.utils.validation
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError

import trainlab as tl
from trainlab.estimators import compatibility

# A change of one changes results of programs that do not give it.
DEFAULTS = {
    "hidden_layer_sizes": (100,),
    "activation": "relu",
    "optimizer": "adam",
    "alpha": 0.0001,
    "batch_size": "auto",
    "learning_rate_init": None,
    "schedule": None,
    "max_iter": 200,
    "tol": 0.0001,
    "n_iter_no_change": 10,
    "early_stopping": False,
    "validation_fraction": 0.1,
    "init": "glorot_uniform",
    "norm": None,
    "dropout": 0.0,
    "standardize_inputs": "robust",
    "n_members": 1,
    "dtype": "auto",
    "random_state": None,
    "warm_start": False,
    "verbose": False,
    "workers": None,
    "engine": "auto",
    "batch_norm": "deprecated",
    "layer_norm": "deprecated",
}
OWN = {
    tl.MLPClassifier: {"loss": "log_loss", "label_smoothing": 0.0, "class_weight": None},
    tl.MLPRegressor: {"loss": "auto", "standardize_targets": True},
}


@pytest.mark.parametrize("kind", OWN)
def test_defaults(kind: Any) -> None:
    parameters = inspect.signature(kind).parameters.values()
    found = {parameter.name: parameter.default for parameter in parameters}
    assert found == DEFAULTS | OWN[kind]
    assert kind().get_params() == DEFAULTS | OWN[kind]


@pytest.mark.parametrize(
    ("asked", "given", "found"),
    [
        ("auto", "float32", "float32"),
        ("auto", "float64", "float64"),
        ("auto", "int64", "float32"),
        ("float64", "float32", "float64"),
        ("float32", "float64", "float32"),
    ],
)
def test_the_dtype_of_a_training(asked: str, given: str, found: str) -> None:
    X = np.arange(24).reshape(12, 2).astype(given)
    model = tl.MLPClassifier((3,), dtype=asked, random_state=0)
    assert model.partial_fit(X, np.arange(12) % 2, classes=[0, 1])._dtype == found


def test_a_table_encoder_that_has_learnt_nothing_says_so() -> None:
    encoder, cells = tl.TableEncoder(), np.array([["red"], ["blue"]], object)
    for ask in (encoder.transform, encoder.strange, encoder.get_feature_names_out):
        with pytest.raises(NotFittedError, match="TableEncoder instance is not fitted yet"):
            ask(cells)


def test_a_column_of_targets_is_taken_with_a_warning() -> None:
    x = np.random.default_rng(0).normal(size=(12, 2))
    network = tl.MLPRegressor((3,), max_iter=2)
    with (
        pytest.warns(DataConversionWarning, match="column-vector"),
        pytest.warns(ConvergenceWarning),
    ):
        network.fit(x, x[:, :1])
    assert network.predict(x).shape == (12,)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_verbose_may_be_a_number() -> None:
    x = np.random.default_rng(0).normal(size=(12, 2))
    for verbose in (0, 1, False, True):
        tl.MLPRegressor((3,), max_iter=1, verbose=verbose).fit(x, x[:, 0])
    with pytest.raises(tl.SettingError, match="verbose of MLPRegressor"):
        tl.MLPRegressor((3,), max_iter=1, verbose=-1).fit(x, x[:, 0])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_loss_of_several_members_is_their_mean() -> None:
    x = np.random.default_rng(0).normal(size=(40, 2))
    settings: dict[str, Any] = {"learning_rate_init": 1e-12, "alpha": 0.0, "max_iter": 2}
    network = tl.MLPRegressor((3,), n_members=3, random_state=0, **settings).fit(x, x[:, 0])
    t = (x[:, 0] - x[:, 0].mean()) / x[:, 0].std()
    each = network._population.predict(np.ascontiguousarray(network._inputs.encode(x, "float32")))
    expected = np.mean(0.5 * (each[..., 0] - t) ** 2)
    np.testing.assert_allclose(network.loss_curve_, expected, rtol=1e-4)


class Old:
    """An estimator of scikit-learn < 1.6, whose method checks inputs."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def _validate_data(self, X: Any, **settings: Any) -> Any:
        self.asked = settings
        return X


def test_the_checks_of_older_versions_of_scikit_learn_are_asked_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(sklearn.utils.validation, "validate_data", raising=False)
    old = Old()
    compatibility.check_features(old, [[1.0]], reset=False)
    assert old.asked == {"reset": False, "cast_to_ndarray": False}
    compatibility._validate(old, [[1.0]], reset=True, ensure_all_finite="allow-nan")
    assert old.asked == {"reset": True, "force_all_finite": "allow-nan"}
    assert tl.MLPClassifier()._more_tags() == {"multilabel": True}
    assert tl.MLPRegressor()._more_tags() == {"multioutput": True}
    kinds = ["2darray", "categorical", "string"]
    assert tl.TableEncoder()._more_tags() == {"X_types": kinds, "allow_nan": True}
