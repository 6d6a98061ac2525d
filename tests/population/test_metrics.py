"""Metrics of the user's own: evaluated on each split, watched, plotted, stored, resumed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

import trainlab as tl
from complaints import complains
from trainlab.engine.native import is_compiled
from trainlab.training.metrics import READINGS

RNG = np.random.default_rng(6)
X, T = RNG.normal(size=(60, 4)).astype("f4"), np.arange(60) % 3
DATA = tl.from_arrays(X, T, test=(X[:20] + 0.1, T[:20]), validation=15)


@dataclasses.dataclass(frozen=True)
class Recall(tl.Metric):
    label: int = 0
    better = "higher"
    of = "predictions"

    def value(self, y: Any, t: Any, weight: Any) -> float:
        assert y.shape == t.shape
        assert weight is None
        return float((y[t == self.label] == self.label).mean())


@dataclasses.dataclass(frozen=True)
class Surprise(tl.Metric):
    of = "probabilities"

    def value(self, y: Any, t: Any, weight: Any) -> Any:
        return -np.log2(y[np.arange(len(t)), t]).mean()


@dataclasses.dataclass(frozen=True)
class Spread(tl.Metric):
    name = "largest_output"

    def value(self, y: Any, t: Any, weight: Any) -> Any:
        return np.abs(y).max()


OWN = [Recall(label=2), Surprise(), Spread()]


def population() -> tl.Population:
    return tl.Population.grid(tl.MLP((5,), dropout=0.2), tl.Adam(0.05), seed=range(3))


@dataclasses.dataclass(frozen=True)
class Writes(tl.Metric):
    what: int = 0

    def value(self, *arrays: Any) -> Any:
        arrays[self.what][...] = 0
        return 0.0


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("what", [0, 1, 2])
def test_no_metric_can_write_to_the_data(what: int, engine: str) -> None:
    if engine == "native" and not is_compiled():
        pytest.skip("the native engine is not compiled")
    data = tl.from_arrays(X, T, test=20, weight=np.arange(60) + 1.0)
    for of in READINGS:
        metric = type("Own", (Writes,), {"of": of})(what)
        with pytest.raises(ValueError, match="read-only"):
            population().fit(data, epochs=1, metrics=[metric], engine=engine)
    assert set(data.train.t) == {0, 1, 2}
    assert data.train.weight.all()


def test_values_are_those_of_the_trained_networks() -> None:
    networks = population()
    history = networks.fit(DATA, epochs=2, metrics=OWN)
    names = [
        f"{split}_{metric.name}" for split in ("train", "validation", "test") for metric in OWN
    ]
    assert set(names) <= set(history.series)
    assert history.series["test_recall"].better == "higher"
    assert history.series["test_surprise"].better == "lower"
    for split in ("train", "validation", "test"):
        part = getattr(DATA, split)
        found = networks.predict(part.x)
        expected = (found[:, part.t == 2] == 2).mean(axis=1)
        assert np.array_equal(history[f"{split}_recall"][:, -1], expected)
        p = networks.predict_proba(part.x)[:, np.arange(len(part.t)), part.t]
        bits = -np.log2(p).mean(axis=1)
        np.testing.assert_allclose(history[f"{split}_surprise"][:, -1], bits, rtol=1e-6)
    alone = population().fit(DATA, epochs=2)
    assert all(np.array_equal(alone[name], history[name]) for name in alone.series)


@pytest.mark.parametrize("backend", ["threads", "loky"])
def test_a_member_has_the_values_that_it_has_alone(backend: str) -> None:
    together = population().fit(DATA, steps=9, evaluate=4, metrics=OWN, workers=2, backend=backend)
    for row, member in enumerate(population()):
        alone = tl.Network(member.network, member.optimizer, member.seed)
        history = alone.fit(DATA, steps=9, evaluate=4, metrics=OWN)
        for name in history.series:
            assert np.array_equal(history[name][0], together[name][row]), name


def test_sparse_inputs_weights_and_columns_that_are_out_of_use() -> None:
    """An engine may keep inputs in a form of its own; targets and weights are those of the rows."""
    from scipy.sparse import csr_matrix

    @dataclasses.dataclass(frozen=True)
    class Weighed(tl.Metric):
        def value(self, y: Any, t: Any, weight: Any) -> Any:
            return (weight * np.square(y - t).sum(axis=1)).mean() / 2

    x = np.zeros((40, 300), "f4")
    x[:, :20] = RNG.normal(size=(40, 20)) * (RNG.random((40, 20)) < 0.3)
    weight = RNG.uniform(0.5, 2, 40)
    for inputs in (x, csr_matrix(x)):
        data = tl.from_arrays(inputs, RNG.normal(size=(40, 2)), weight=weight)
        networks = tl.Population.grid(tl.MLP((3,), loss="mean_squared_error"), seed=range(2))
        history = networks.fit(data, epochs=2, metrics=[Weighed()], on=["train"])
        loss = history["train_evaluation_loss"]
        np.testing.assert_allclose(history["train_weighed"], loss, rtol=1e-5)


def test_early_stopping_watches_them_in_their_direction() -> None:
    networks = population()
    rule = tl.EarlyStopping("validation_recall", patience=2)
    history = networks.fit(DATA, epochs=12, metrics=[Recall(label=1)], early_stopping=rule)
    for values, status in zip(history["validation_recall"], history.status, strict=True):
        best = int(np.nanargmax(values))
        assert status.best_step == best  # of one step in an epoch
    found = networks.predict(DATA.validation.x)
    right = (found[:, DATA.validation.t == 1] == 1).mean(axis=1)
    assert np.array_equal(right, np.nanmax(history["validation_recall"], axis=1))


def test_they_are_compared_and_plotted() -> None:
    population = tl.Population.grid(tl.MLP((5,)), lr=[0.5, 0.01], seed=range(8))
    history = population.fit(DATA, epochs=40, metrics=OWN)
    first, second = history.arms("lr").values()
    for name, sign in (("train_recall", 1), ("train_surprise", -1)):
        (found,) = history.compare(by="lr", name=name)
        last = sign * history[name][:, -1]
        assert (found.wins, found.losses) == (
            (last[first] > last[second]).sum(),
            (last[first] < last[second]).sum(),
        )
        assert found.wins > found.losses
    assert history.plot("test_surprise", by="lr").get_ylabel() == "test surprise"


def test_they_are_kept_and_gone_on_with(tmp_path: Path) -> None:
    class Stop(tl.Callback):
        def epoch(self, moment: tl.Moment) -> None:
            if moment.updates == 3 and not resumed:
                raise KeyboardInterrupt

    resumed = False
    arguments = {
        "epochs": 6,
        "metrics": OWN,
        "workers": 1,
        "store": tmp_path,
        "callbacks": [Stop()],
    }
    with pytest.raises(KeyboardInterrupt):
        population().fit(DATA, **arguments)
    resumed = True
    history = population().fit(DATA, **arguments)
    whole = population().fit(DATA, epochs=6, metrics=OWN)
    for name in whole.series:
        assert np.array_equal(history[name], whole[name]), name
    complains(
        lambda: population().fit(DATA, **{**arguments, "metrics": [Recall(label=1)]}),
        tl.SettingError,
    )


def test_a_member_that_diverges_has_none_afterwards() -> None:
    networks = tl.Population.grid(tl.MLP((5,)), tl.SGD(), lr=[0.1, 1e38], seed=1)
    history = networks.fit(DATA, epochs=3, metrics=[Surprise()])
    assert history.status[1].kind == "diverged"
    assert np.isfinite(history["test_surprise"][0]).all()
    assert np.isnan(history["test_surprise"][1, 1:]).all()


def test_probabilities_are_those_of_the_loss() -> None:
    @dataclasses.dataclass(frozen=True)
    class Sum(tl.Metric):
        def value(self, y: Any, t: Any, weight: Any) -> Any:
            return float(np.abs(softmax(y, axis=1) - self.expected(y)).max())

        def expected(self, y: Any) -> Any:
            return np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)

    history = population().fit(DATA, epochs=1, metrics=[Sum()])
    assert (history["test_sum"] < 1e-6).all()


def _renamed(**attributes: Any) -> tl.Metric:
    return type("Renamed", (Surprise,), {"of": "outputs", **attributes})()


@pytest.mark.parametrize(
    ("metrics", "starts"),
    [
        ([3], "metrics of fit must be a list of Metric"),
        ([Recall], "metrics of fit must be a list of Metric"),
        (Surprise(), "metrics of fit must be a list of Metric"),
        ([Recall(1), Recall(2)], "name of Recall must be another for each metric"),
        ([_renamed(name="loss")], "name of Renamed must be a word in lower case"),
        ([_renamed(name="two words")], "name of Renamed must be a word in lower case"),
        ([_renamed(better="more")], "better of Renamed must be one of 'lower', 'higher'"),
        ([_renamed(of="logits")], "of of Renamed must be one of 'outputs'"),
        (
            [_renamed(value=lambda self, y, t: 0.0)],
            "value of Renamed must be a method of y, t and weight; got 'value(y, t)'; try def",
        ),
        ([_renamed(value=lambda self, y, t, w: y)], "value of Renamed must return a number"),
        ([_renamed(value=lambda self, y, t, w: "high")], "value of Renamed must return a number"),
    ],
)
def test_what_is_refused(metrics: Any, starts: str) -> None:
    complains(lambda: population().fit(DATA, epochs=1, metrics=metrics), tl.SettingError, starts)


def test_a_regression_has_no_probabilities() -> None:
    data = tl.from_arrays(X, X[:, :2])
    network = tl.Network(tl.MLP((3,), loss="mean_squared_error"))
    told = "of of Surprise must be 'outputs' or 'predictions' in a regression"
    complains(lambda: network.fit(data, epochs=1, metrics=[Surprise()]), tl.SettingError, told)


def test_a_metric_is_called_after_its_class() -> None:
    assert [type("MeanF1Score", (Surprise,), {}).name, Spread.name] == [
        "mean_f1_score",
        "largest_output",
    ]
