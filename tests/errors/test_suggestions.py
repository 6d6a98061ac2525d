"""A misspelt name is answered with the nearest one that exists, not with the first of the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click.testing
import pytest

import trainlab as tl
from trainlab.book.multi_layer_net import MultiLayerNet
from trainlab.book.trainer import Trainer
from trainlab.cli import main
from trainlab.errors import nearest

X, Y = [[0.0], [1.0]] * 10, [0, 1] * 10


def estimator(**parameters: Any) -> Callable[[], Any]:
    return lambda: tl.MLPClassifier(**parameters).fit(X, Y)


def fit(**settings: Any) -> Callable[[], Any]:
    data = tl.from_arrays(X, Y)
    return lambda: tl.Network(tl.MLP((2,))).fit(data, steps=1, **settings)


CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "activation": (lambda: tl.MLP(activation="rleu"), "activation='relu'"),
    "activation in capitals": (lambda: tl.MLP(activation="Tanh"), "activation='tanh'"),
    "loss": (lambda: tl.MLP(loss="hubber"), "loss='huber'"),
    "norm": (lambda: tl.MLP(norm="layr"), "norm='layer'"),
    "init": (lambda: tl.MLP(init="xaver"), "init='xavier'"),
    "convention": (lambda: tl.MLP(convention="bok"), "convention='book'"),
    "of an estimator": (estimator(activation="rleu"), "activation='relu'"),
    "optimizer": (estimator(optimizer="adamm"), "optimizer='adam'"),
    "loss or auto": (estimator(loss="atuo"), "loss='auto'"),
    "dtype": (fit(dtype="flot64"), "dtype='float64'"),
    "backend": (fit(backend="lokky"), "backend='loky'"),
    "engine": (fit(engine="nunpy"), "engine='numpy'"),
    "split": (fit(on=["trian"]), "on=['train']"),
    "series": (lambda: fit()()["train_los"], "train_loss"),
    "field": (lambda: tl.Population.grid(tl.MLP(), tl.SGD(0.1), droput=[0.1]), "dropout"),
    "optimizer of the book": (lambda: Trainer(None, X, Y, X, Y, optimizer="adma"), "'adam'"),
    "activation of the book": (lambda: MultiLayerNet(4, [3], 2, "sigmod"), "'sigmoid'"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_nearest_name_is_suggested(name: str) -> None:
    call, suggested = CALLS[name]
    with pytest.raises(tl.SettingError) as caught:
        call()
    assert str(caught.value).endswith(f"; try {suggested}")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["run", "derivative", "--data", "mnits"], "mnist"),
        (["run", "derivative", "--backend", "thraeds"], "threads"),
        (["search", "--csv", "t.csv", "--target", "y", "--task", "regresion"], "regression"),
        (["search", "--csv", "t.csv", "--target", "y", "--decimal", "coma"], "comma"),
    ],
)
def test_the_command_line_asks_for_the_nearest(words: list[str], meant: str) -> None:
    result = click.testing.CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert result.output.endswith(f"Did you mean '{meant}'?\n")


def test_what_resembles_none_gets_the_remedy_of_the_rule() -> None:
    assert nearest("xyz", ["identity", "relu"]) is None
    assert nearest(None, ["none"]) is None
    with pytest.raises(tl.SettingError, match=r"try activation='identity'$"):
        tl.MLP(activation="xyz")
    with pytest.raises(tl.SettingError, match=r"try activation='identity'$"):
        tl.MLP(activation=3)
    result = click.testing.CliRunner().invoke(main, ["run", "derivative", "--data", "xyz"])
    assert result.output.endswith("is not one of 'digits', 'mnist'.\n")
