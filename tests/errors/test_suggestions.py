"""A misspelt name is answered with the nearest one that exists, not with the first of the list."""

from __future__ import annotations

import ast
import dataclasses
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click.testing
import numpy as np
import pytest

import trainlab as tl
from documents import ROOT
from trainlab.book.multi_layer_net import MultiLayerNet
from trainlab.book.trainer import Trainer
from trainlab.cli import main
from trainlab.errors import nearest
from trainlab.experiments import EXPERIMENTS
from trainlab.network.activations import ACTIVATIONS
from trainlab.network.initializers import INITIALIZERS
from trainlab.network.losses import LOSSES
from trainlab.network.norms import NORMS
from trainlab.optimizers import OPTIMIZERS

X, Y = [[0.0], [1.0]] * 10, [0, 1] * 10


def estimator(**parameters: Any) -> Callable[[], Any]:
    return lambda: tl.MLPClassifier(**parameters).fit(X, Y)


def fit(**settings: Any) -> Callable[[], Any]:
    data = tl.from_arrays(X, Y)
    return lambda: tl.Network(tl.MLP((2,))).fit(data, steps=1, **settings)


@dataclasses.dataclass(frozen=True)
class Rows(tl.Metric):
    def value(self, y: Any, t: Any, weight: Any) -> float:
        return len(y)


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
    "one-hot targets": (
        lambda: tl.Network().fit(tl.from_arrays(X, np.eye(2)[Y]), steps=1),
        "t.argmax(axis=1) for the targets, which look one-hot",
    ),
    "field": (lambda: tl.Population.grid(tl.MLP(), tl.SGD(0.1), droput=[0.1]), "dropout"),
    "metric": (fit(early_stopping=tl.EarlyStopping("train_los")), "metric='train_loss'"),
    "a class, not called": (lambda: tl.MLP(activation=tl.Tanh), "activation=Tanh()"),  # type: ignore[arg-type]
    "a class as norm": (lambda: tl.MLP(norm=tl.BatchNorm), "norm=BatchNorm()"),  # type: ignore[arg-type]
    "a class of an estimator": (estimator(optimizer=tl.Adam), "optimizer=Adam()"),
    "a class in a list": (fit(metrics=[Rows]), "metrics=[Rows()]"),
    "a class to check": (lambda: tl.gradient_check(tl.Tanh), "Tanh()"),  # type: ignore[arg-type]
    "a class that needs a field": (lambda: tl.MLP(norm=tl.Dense), "norm='batch'"),  # type: ignore[arg-type]
    "optimizer of a member": (lambda: tl.Network(tl.MLP(), "adam"), "optimizer=Adam()"),  # type: ignore[arg-type]
    "a function": (lambda: tl.MLP(activation=np.tanh), "activation='tanh'"),  # type: ignore[arg-type]
    "a class of NumPy": (fit(dtype=np.float64), "dtype='float64'"),
    "a dtype of NumPy": (fit(dtype=np.dtype("f4")), "dtype='float32'"),
    "words of a name": (lambda: tl.MLP(loss="sofmax"), "loss='softmax_cross_entropy'"),
    "initials": (lambda: tl.MLP(loss="mse"), "loss='mean_squared_error'"),
    "a beginning": (lambda: tl.MLP(activation="sig"), "activation='sigmoid'"),
    "a number in words": (fit(batch_size="64"), "batch_size=64"),
    "a whole number with a point": (estimator(batch_size=64.0), "batch_size=64"),
    "a rate in words": (lambda: tl.SGD("1e-3"), "lr=0.001"),  # type: ignore[arg-type]
    "a number out of range": (lambda: tl.MLP(dropout="1.5"), "dropout=0.5"),  # type: ignore[arg-type]
    "no number": (fit(batch_size="inf"), "batch_size=100"),
    "widths as positions": (
        lambda: tl.MLPClassifier(50, 40).fit(X, Y),
        "hidden_layer_sizes=(50, 40)",
    ),
    "widths of a network": (lambda: tl.MLP((50, 50), 40), "hidden=(50, 50, 40)"),  # type: ignore[arg-type]
    "a width in words": (estimator(hidden_layer_sizes="30"), "hidden_layer_sizes=(30,)"),
    "widths in words": (lambda: tl.MLP("30, 20"), "hidden=(30, 20)"),  # type: ignore[arg-type]
    "widths with a ×": (lambda: tl.MLP("30x20"), "hidden=(30, 20)"),  # type: ignore[arg-type]
    "a list of words": (estimator(hidden_layer_sizes=["30", "20"]), "hidden_layer_sizes=(30, 20)"),
    "widths with a point": (estimator(hidden_layer_sizes=[30.0]), "hidden_layer_sizes=(30,)"),
    "no width": (estimator(hidden_layer_sizes="wide"), "hidden_layer_sizes=(100,)"),
    "numbers as objects": (lambda: tl.from_arrays(np.array(X, object), Y), "x.astype(float)"),
    "numbers as words": (lambda: tl.from_arrays(X, Y, weight=["1"] * 20), "weight.astype(float)"),
    "targets of two kinds": (
        lambda: tl.from_arrays(X, np.array([0.5, 1] * 10, object)),
        "t.astype(float)",
    ),
    "labels of two kinds": (
        lambda: tl.from_arrays(X, np.array(["a", 1] * 10, object)),
        "t.astype(str)",
    ),
    "a table of words": (
        lambda: tl.from_arrays(np.array([["a"], [None]] * 10, object), Y),
        "a TableEncoder, which makes numbers of words, dates and missing values",
    ),
    "optimizer of the book": (lambda: Trainer(None, X, Y, X, Y, optimizer="adma"), "'adam'"),
    "activation of the book": (lambda: MultiLayerNet(4, [3], 2, "sigmod"), "'sigmoid'"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_nearest_name_is_suggested(name: str) -> None:
    call, suggested = CALLS[name]
    with pytest.raises((tl.SettingError, tl.DataError)) as caught:
        call()
    assert str(caught.value).endswith(f"; try {suggested}")


WIDTHS = "hidden_layer_sizes and activation"
SIZES = "hidden_layer_sizes=(50, 40, 30)"
REST = "by position, and all else by name; got"
BY_NAME: dict[str, tuple[Callable[..., Any], Sequence[Any], str]] = {
    "widths": (
        tl.MLPClassifier,
        (50, 40, 30),
        f"MLPClassifier() takes {WIDTHS} {REST} 3 arguments by position; try {SIZES}",
    ),
    "others": (
        tl.MLPRegressor,
        (50, "relu", "adam"),
        f"MLPRegressor() takes hidden_layer_sizes and activation {REST} 3 arguments by position",
    ),
    "an ensemble": (
        tl.PopulationEnsembleRegressor,
        (4, 2),
        f"PopulationEnsembleRegressor() takes n_candidates {REST} 2 arguments by position",
    ),
    "an optimizer": (
        tl.SGD,
        (0.1, 0.9),
        f"SGD() takes lr {REST} 2 arguments by position",
    ),
}


@pytest.mark.parametrize("name", BY_NAME)
def test_what_goes_by_position_is_said(name: str) -> None:
    kind, given, told = BY_NAME[name]
    with pytest.raises(TypeError, match=f"^{re.escape(told)}$"):
        kind(*given)


def test_misspelt_parameters_of_estimators_are_answered_too() -> None:
    told = r"MLPRegressor\(\) got an unexpected .* 'max_iters'. Did you mean 'max_iter'\?"
    with pytest.raises(TypeError, match=told):
        tl.MLPRegressor(max_iters=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["run", "derivative", "--data", "mnits"], "mnist"),
        (["run", "derivative", "--backend", "thraeds"], "threads"),
        (["search", "--csv", "t.csv", "--target", "y", "--task", "regresion"], "regression"),
        (["search", "--csv", "t.csv", "--target", "y", "--decimal", "coma"], "comma"),
        (["serach"], "search"),
        (["runn", "derivative"], "run"),
        (["run", "derivative", "--sedes", "3"], "--seeds"),
        (["check", "--hiden=4"], "--hidden"),
    ],
)
def test_the_command_line_asks_for_the_nearest(words: list[str], meant: str) -> None:
    result = click.testing.CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert result.output.endswith(f"Did you mean '{meant}'?\n")


SLIPS = {
    "dropped": lambda name, i: name[:i] + name[i + 1 :],
    "doubled": lambda name, i: name[:i] + name[i] + name[i:],
    "swapped": lambda name, i: name[:i] + name[i : i + 2][::-1] + name[i + 2 :],
    "another": lambda name, i: name[:i] + "y" + name[i + 1 :],
}


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize(
    "names",
    [ACTIVATIONS, LOSSES, NORMS, OPTIMIZERS, EXPERIMENTS],
    ids=lambda names: next(iter(names)),
)
def test_one_slip_is_forgiven(slip: str, names: Mapping[str, Any]) -> None:
    """Anywhere in any name, but where the result is another name, or as near to one."""
    for meant in names:
        for i in range(len(meant)):
            spelt = SLIPS[slip](meant, i)
            near = nearest(spelt, names)
            if spelt not in names and near != meant:
                assert near is not None
                assert (slip, {meant, near}) in ALIKE, (spelt, near)


ALIKE = [
    ("dropped", {"adam", "adamw"}),
    ("another", {"adam", "adamw"}),
    ("another", {"elu", "relu"}),
    ("another", {"elu", "gelu"}),
    ("another", {"relu", "gelu"}),
    ("another", {"adam", "nadam"}),
    ("another", {"adagrad", "amsgrad"}),
]
"""Names that one slip may turn into the same word."""


COMMANDS = ["list", "run", "new", "check", "data", "report", "runs", "info", "search", "live"]
NAMES: Mapping[str, Sequence[str]] = {
    "activation": list(ACTIVATIONS),
    "loss": list(LOSSES),
    "init": list(INITIALIZERS),
    "optimizer": list(OPTIMIZERS),
    "experiment": list(EXPERIMENTS),
    "setting": ["batch_size", "dropout", "epochs", "evaluate", "hidden", "init", "lr"],
    "command": [*COMMANDS, "predict"],
    "option": ["out", "set", "seeds", "vary", "workers"],
}
MEANT = [
    ("init", "he_normal", "he"),
    ("loss", "cross_entropy", "sigmoid_cross_entropy"),
    ("loss", "crossentropy", "sigmoid_cross_entropy"),
    ("optimizer", "sdg", "sgd"),
    ("optimizer", "rmspop", "rmsprop"),
    ("experiment", "tinynetwork", "tiny-network"),
    ("setting", "hidden_layers", "hidden"),
    ("setting", "dropout_rate", "dropout"),
    ("option", "output", "out"),
    ("command", "reports", "report"),
    ("command", "pred", "predict"),
]
"""What others call it, and what we do."""
FOREIGN = [
    ("command", "fit"),
    ("command", "test"),
    ("command", "help"),
    ("activation", "software"),
    ("activation", "redo"),
    ("loss", "hedge"),
    ("optimizer", "advert"),
    ("optimizer", "legs"),
    ("experiment", "mnist"),
    ("setting", "lrate"),
    ("setting", "units"),
    ("setting", "initial_lr"),
    ("option", "force"),
]
"""What we lack and always shall: a name that looks a little like it is another thing."""


@pytest.mark.parametrize(("kind", "spelt", "meant"), MEANT)
def test_a_name_of_others_is_understood(kind: str, spelt: str, meant: str) -> None:
    assert nearest(spelt, NAMES[kind]) == meant


@pytest.mark.parametrize(("kind", "spelt"), FOREIGN)
def test_no_other_thing_is_suggested(kind: str, spelt: str) -> None:
    assert nearest(spelt, NAMES[kind]) is None


def test_no_option_that_help_does_not_show_is_suggested() -> None:
    result = click.testing.CliRunner().invoke(main, ["check", "--bach-norm"])
    assert "--batch-norm" not in result.output
    result = click.testing.CliRunner().invoke(main, ["check", "-z"])
    assert result.exit_code == 2
    assert "No such option '-z'." in result.output


def test_an_argument_of_fit() -> None:
    with pytest.raises(TypeError, match=r"^fit\(\) got .* 'step'. Did you mean 'steps'\?$"):
        fit(step=3)()
    with pytest.raises(TypeError, match=r"^fit\(\) got an unexpected keyword argument 'xyz'$"):
        fit(xyz=3)()


@pytest.mark.parametrize(
    ("kind", "spelt", "meant"),
    [
        (tl.MLP, "hiden", "hidden"),
        (tl.SGD, "learning_rate", "lr"),
        (tl.Cosine, "flor", "floor"),
        (tl.Network, "optimiser", "optimizer"),
        (tl.Population, "member", "members"),
    ],
)
def test_an_argument_of_a_constructor(kind: type, spelt: str, meant: str) -> None:
    told = rf"^{kind.__name__}\(\) got .* '{spelt}'\. Did you mean '{meant}'\?$"
    with pytest.raises(TypeError, match=told):
        kind(**{spelt: 1})


def test_an_argument_that_another_class_has() -> None:
    told = r"^SGD\(\) got .* 'momentum'\. Did you mean Momentum\(momentum=…\)\?$"
    with pytest.raises(TypeError, match=told):
        tl.SGD(0.1, momentum=0.9)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'lr'$"):
        tl.MLP(lr=0.1)  # type: ignore[call-arg]


def test_names_of_a_package() -> None:
    """Python adds the nearest one when it prints the error, if it knows whose name is missing."""
    with pytest.raises(AttributeError) as caught:
        tl.MLPClasifier  # noqa: B018  # to ask is to fail
    assert (caught.value.name, caught.value.obj) == ("MLPClasifier", tl)
    assert "MLPClassifier" in dir(tl)


def test_what_resembles_none_gets_the_remedy_of_the_rule() -> None:
    assert nearest("xyz", ["identity", "relu"]) is None
    assert nearest(None, ["none"]) is None
    with pytest.raises(tl.SettingError, match=r"try activation='identity'$"):
        tl.MLP(activation="xyz")
    with pytest.raises(tl.SettingError, match=r"try activation='identity'$"):
        tl.MLP(activation=-3)
    result = click.testing.CliRunner().invoke(main, ["run", "derivative", "--data", "xyz"])
    assert result.output.endswith("is not one of 'digits', 'mnist'.\n")


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        (lambda: tl.SGD(lr=[0.1, 0.2]), "try Population.grid(..., lr=[0.1, 0.2])"),
        (lambda: tl.Adam(lr=np.array([0.1, 0.2])), "try Population.grid(..., lr=[0.1, 0.2])"),
        (lambda: tl.MLP([(10,), (20,)]), "try Population.grid(..., hidden=[(10,), (20,)])"),
        (lambda: tl.MLP(init=["he", 0.1]), "try Population.grid(..., init=['he', 0.1])"),
        (lambda: tl.Member(seed=[0, 1]), "try Population.grid(..., seed=[0, 1])"),
        (lambda: tl.SGD(lr=[0.1, -0.2]), "try lr=0.01"),
        (lambda: tl.MLP(hidden=[1] * 5000), "try hidden=(100, 100)"),
        (lambda: tl.EarlyStopping(patience=[1, 2]), "got [1, 2]"),
    ],
)
def test_values_for_a_grid_are_told_where_they_go(wrong: Callable[[], Any], remedy: str) -> None:
    with pytest.raises(tl.SettingError) as told:
        wrong()
    assert str(told.value).endswith(remedy)


def test_what_errors_propose_of_trainlab_is_there() -> None:
    proposed = set()
    for path in (ROOT / "src" / "trainlab").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                proposed |= set(re.findall(r"\btry trainlab\.([\w.]+)\(", node.value))
                proposed |= set(re.findall(r"^trainlab\.([\w.]+)\(", node.value))
    assert {"from_arrays", "settings.cast", "register"} <= proposed
    for name in proposed:
        functools.reduce(getattr, name.split("."), tl)
