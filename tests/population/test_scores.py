"""Scores of networks: accuracy, and R² as scikit-learn has it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

import trainlab as tl
from complaints import complains
from engines import every_engine
from trainlab.network.tasks import TASKS
from trainlab.population.validation import r_squared

RNG = np.random.default_rng(8)
X = RNG.normal(size=(50, 4))
NUMBERS = np.stack([X[:, 0] * 2, np.ones(50), X[:, 1] - X[:, 2]], axis=1)
WEIGHT = RNG.uniform(0.5, 2, 20)


def trained(t: Any, loss: str, weight: Any = None) -> tuple[tl.Population, tl.Dataset]:
    held = (X[30:], t[30:]) if weight is None else (X[30:], t[30:], weight)
    data = tl.from_arrays(X[:30], t[:30], test=held)
    population = tl.Population.grid(tl.MLP((5,), loss=loss), tl.Adam(0.05), seed=range(2))
    population.fit(data, epochs=3)
    return population, data


def test_probabilities_of_outputs_that_overflowed_are_no_numbers_and_no_warning() -> None:
    y = np.array([[np.inf, 0.0], [0.0, 0.0]], np.float32)
    found = TASKS["classification"].probabilities("Loss", y)
    assert np.isnan(found[0]).any()
    assert found[1].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighed"])
def test_accuracy(weight: Any) -> None:
    population, data = trained(np.arange(50) % 3, "softmax_cross_entropy", weight)
    predicted = population.predict(data.test.x)
    expected = [accuracy_score(data.test.t, own, sample_weight=weight) for own in predicted]
    np.testing.assert_allclose(population.score(data), expected, rtol=1e-6)
    plain = [accuracy_score(data.test.t, own) for own in predicted]
    np.testing.assert_allclose(population.score(data.test.x, data.test.t), plain, rtol=1e-12)
    assert np.array_equal(
        population.accuracy(data.test.x, data.test.t), population.score(data.test.x, data.test.t)
    )


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighed"])
def test_r_squared(weight: Any) -> None:
    population, data = trained(NUMBERS, "mean_squared_error", weight)
    predicted = population.predict(data.test.x).astype(np.float64)
    expected = [r2_score(data.test.t, own, sample_weight=weight) for own in predicted]
    np.testing.assert_allclose(population.score(data), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "weight", [None, np.r_[0.0, np.linspace(0.1, 3, 29)]], ids=["plain", "weighed"]
)
def test_r_squared_of_targets_that_do_not_vary(weight: Any) -> None:
    """The mean of equal numbers is not that number, to the bit."""
    for value in (0.1, 1 / 3, 7.7, -1e8 / 3, 0.0):
        for rows in range(2, 31):
            t, own = np.full((rows, 2), value), None if weight is None else weight[:rows]
            if weight is not None:
                t[0] = 5.0  # a row that does not count
            assert r_squared(np.stack([t, t + 0.25]), t, own).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("unit", [2.0**-1000, 2.0**-600, 2.0**600, 2.0**1010])
def test_r_squared_is_the_same_in_any_unit(unit: float) -> None:
    t = np.random.default_rng(0).normal(size=(20, 2))
    y = t[None] + np.random.default_rng(1).normal(size=(3, 20, 2))
    assert r_squared(y * unit, t * unit, None).tolist() == r_squared(y, t, None).tolist()
    expected = [r2_score(t, own) for own in y]
    np.testing.assert_allclose(r_squared(y, t, None), expected, rtol=1e-12)


def test_of_a_network() -> None:
    data, network = tl.load_digits(), tl.Network(tl.MLP((5,)))
    network.fit(data, epochs=1)
    assert network.score(data) == network.accuracy(data.test.x, data.test.t)
    assert isinstance(network.score(data), float)


def test_what_is_refused() -> None:
    population, data = trained(NUMBERS, "mean_squared_error")
    complains(lambda: population.score(X), tl.SettingError, "t of score must be the targets of x")
    told = "t of score must be None with a Dataset"
    complains(lambda: population.score(data, NUMBERS), tl.SettingError, told)
    without = tl.from_arrays(X, NUMBERS)
    complains(lambda: population.score(without), tl.DataError, "test split of data 'arrays' must")
    complains(
        lambda: population.score(X, NUMBERS[:7]), tl.DataError, "t of score must have 50 rows"
    )
    told = "accuracy of Population must be that of classifiers"
    complains(lambda: population.accuracy(X, NUMBERS), tl.SettingError, told)


def labelled(*labels: Any, rows: int = 50) -> tl.Dataset:
    t = np.array(labels)[np.arange(rows) % len(labels)]
    return tl.from_arrays(X[:rows], t, test=(X[30:], t[np.arange(20)]), name="labelled")


def test_labels_that_are_right_where_class_numbers_are_not_are_warned_of(tmp_path: Path) -> None:
    data = labelled(1, 2, 3)
    network = tl.Network(tl.MLP((50,)), tl.Adam(0.05))
    running = network.start(data, epochs=1_000_000)
    clone = running.clone()
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        running.wait()
    network.fit(data, epochs=50)
    tl.save(network, tmp_path / "model")
    x, t = data.train.x[[0, 1, 4]], data.train.t[[0, 1, 4]]
    assert network.accuracy(x, t) == 1.0
    told = r"t of \w+ holds \[1, 2\], which are read as class numbers; as labels of \[1, 2, 3\] mo"
    for model in (network, tl.load(tmp_path / "model")):
        for score in (model.accuracy, model.score):
            with pytest.warns(UserWarning, match=told):
                assert score(x, t + 1) == 0.0
            for number in (1, 2):  # the accuracy of a class
                rows = data.train.t == number
                assert score(data.train.x[rows], data.train.t[rows]) == 1.0
            score(x, [0, 1, 2])  # no label is 0
    assert clone.classes is not None
    network.score(data.first(test=2))
    for labels in ((0, 1, 2), ("1", "2", "3")):
        network.fit(labelled(*labels), epochs=1)
        network.accuracy(X[:3], [1, 2, 2])


@pytest.mark.parametrize("labels", [(1, 2, 3), ("a", "b", "c")])
def test_a_data_set_with_some_of_the_classes_is_scored_by_its_labels(labels: Any) -> None:
    network = tl.Network(tl.MLP((5,)))
    network.fit(labelled(*labels), epochs=1)
    other = labelled(*labels[1:])
    assert set(other.test.t.tolist()) == {0, 1}
    right = np.mean(network.predict(other.test.x) == other.test.t + 1)
    assert network.score(other) == right
    told = "classes of data 'labelled' must be among those of training, ["
    complains(lambda: network.score(labelled(labels[0], 9 * labels[1])), tl.DataError, told)


SOME_LABELS = [
    np.array([1, 2, 3]),
    np.array([1.5, 2.0, 4.0], np.float32),
    np.array(["a", "b", "cé"]),
    np.array([False, True]),
    np.array([1, 2**53 + 1, 2**63], np.uint64),
]


@pytest.mark.parametrize("labels", SOME_LABELS, ids=lambda labels: str(labels.dtype))
def test_a_model_from_a_file_knows_its_classes(labels: Any, tmp_path: Path) -> None:
    def some(labels: Any) -> tl.Dataset:
        t = labels[np.arange(30) % len(labels)]
        return tl.from_arrays(X[:30], t, test=(X[30:], t[:20]), task="classification")

    data, part = some(labels), some(labels[1:])
    network = tl.Network(tl.MLP((5,)))
    network.fit(data, epochs=1)
    tl.save(network, tmp_path / "model.safetensors")
    again: Any = tl.load(tmp_path / "model.safetensors")
    classes = again.classes
    assert (classes.tolist(), classes.dtype) == (labels.tolist(), labels.dtype)
    assert again.score(data) == network.score(data)
    assert again.score(part) == network.score(part)
    complains(lambda: again.score(labelled("x", "y")), tl.DataError, "classes of data")


def test_classes_that_no_file_holds_are_forgotten(tmp_path: Path) -> None:
    data = labelled(1, 2, 3)
    dates = np.array(["2001", "2002", "2003"], "M8[Y]")
    network = tl.Network(tl.MLP((5,)))
    network.fit(dataclasses.replace(data, classes=dates), epochs=1)
    tl.save(network, tmp_path / "model")
    assert tl.load(tmp_path / "model").population.classes is None


def test_a_model_that_does_not_know_its_classes_scores_no_data_with_some_of_them() -> None:
    population = tl.Population([tl.Member(tl.MLP((5,)))])
    population.fit(labelled(1, 2, 3), epochs=1)
    again = tl.Population.restore(population, population.states, population.widths)
    all_of_them = labelled(1, 2, 3)
    assert again.score(all_of_them) == population.score(all_of_them)
    told = "classes of data 'labelled' must be all 3 of training, since this model does not know"
    for labels in ((2, 3), ("b", "c")):
        complains(lambda labels=labels: again.score(labelled(*labels)), tl.DataError, told)
    first = labelled(0, 1)  # labels that are class numbers
    assert again.score(first) == np.mean(again.predict(first.test.x)[0] == first.test.t)


def test_classes_of_restore_are_one_for_each_output_of_a_classifier() -> None:
    population = tl.Population([tl.Member(tl.MLP((5,)))])
    population.fit(labelled(1, 2, 3), epochs=1)
    parts: Any = population, population.states, population.widths
    told = "classes of Population.restore must be 3 labels, one for each output"
    classes: Any = ["a", "b"]
    complains(lambda: tl.Population.restore(*parts, classes=classes), tl.SettingError, told)
    told, classes = "classes of Population.restore must be different labels", [5, 6, 5]
    complains(lambda: tl.Population.restore(*parts, classes=classes), tl.SettingError, told)
    assert tl.Population.restore(*parts, classes=np.array([5, 6, 7])).classes.tolist() == [5, 6, 7]
    regression, _ = trained(NUMBERS, "mean_squared_error")
    parts = regression, regression.states, regression.widths
    told = "classes of Population.restore must be None but for classifiers"
    complains(lambda: tl.Population.restore(*parts, classes=classes), tl.SettingError, told)


@every_engine
def test_outputs_that_overflowed_are_right_about_nothing(engine: str) -> None:
    network = tl.Network(tl.MLP((2,), "identity"))
    weights = np.full((1, 2), 3e38, np.float32), np.array([[1, 1], [-1, -1]], np.float32)
    network.parameters = {"W1": weights[0], "W2": weights[1]}
    x = np.array([[10.0], [0.0]])  # of the first row outputs are infinity less infinity
    for label in (0, 1):
        assert network.accuracy(x, [label, 0], engine=engine) == 0.5


def test_whole_floats_are_said_to_be_labels_perhaps() -> None:
    network = tl.Network(tl.MLP((3,)))
    told = "loss of member 0 must fit regression, the task of data 'arrays'; got "
    rest = "loss='mean_squared_error'"
    labels = "from_arrays(x, t, task='classification') if t holds labels, or "
    for t, remedy in (([1.0, 2.0] * 25, labels + rest), ([1.0, 2.5] * 25, rest)):
        data = tl.from_arrays(X, t)
        with pytest.raises(tl.SettingError) as caught:
            network.fit(data)
        assert str(caught.value).startswith(told)
        assert str(caught.value).endswith(f"for classification'; try {remedy}")
    assert tl.from_arrays(X, [1.0, 2.0] * 25, task="classification").classes.tolist() == [1, 2]
    complains(lambda: network.fit(tl.from_arrays(X, X)), tl.SettingError, told)
