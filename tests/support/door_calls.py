"""A valid call of every door (see doors.py): what is called, and the arguments it needs."""

from __future__ import annotations

import atexit
import copy
import dataclasses
import functools
import json
import shutil
import tempfile
import types
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

import trainlab as tl
from nasty import rows
from trainlab import datasets, differentiation, evidence
from trainlab.live.kept import log_of
from trainlab.live.session import LiveSession
from trainlab.live.setup import LiveSetup
from trainlab.network.activations import Activation
from trainlab.network.base import Layer
from trainlab.network.initializers import Initializer
from trainlab.network.losses import Loss
from trainlab.optimizers.base import Optimizer
from trainlab.schedules import Schedule
from trainlab.training.changes import CHANGEABLE

Call = Callable[[], tuple[Callable[..., Any], Mapping[str, Any]]]

ROOMS: Final[Mapping[str, types.ModuleType]] = {
    "trainlab": tl,
    "trainlab.datasets": datasets,
    "trainlab.evidence": evidence,
    "trainlab.differentiation": differentiation,
}
"""The rooms whose `__all__` is for users.  `trainlab.plots` draws what the house computed:
of users it serves those who call `History.plot`."""

SEAMS: Final = (
    Activation,
    Initializer,
    Layer,
    Loss,
    Optimizer,
    Schedule,
    tl.Callback,
    tl.Metric,
    tl.Progress,
)
"""Their methods are called by the engine, in every step, with arrays that it made: a check there
would be paid for a million times.  What makes them, constructors and class methods, are doors."""

NO_DOORS: Final = frozenset(
    {
        # Results: made by the house, of plain values.
        "trainlab.History",
        "trainlab.Moment",
        "trainlab.RateRange",
        # They need libraries that may not be there, and are tested through stand-ins.
        "trainlab.MLflowLogger",
        "trainlab.TensorBoardLogger",
        "trainlab.WandbLogger",
        "trainlab.evidence.Band",
        "trainlab.evidence.Comparison",
        "trainlab.evidence.Comparisons",
        "trainlab.evidence.Interval",
        "trainlab.evidence.Replication",
        "trainlab.differentiation.GradientReport",
        "trainlab.differentiation.GradientRow",
        "trainlab.differentiation.GradientRow.passes",
        "trainlab.Running",
        "trainlab.Running.pause",
        "trainlab.Running.resume",
        "trainlab.Running.stop",
        "trainlab.Running.wait",
        # It serves a page until it is closed; tests/live has what its arguments cannot be.
        "trainlab.live",
        # A protocol: users write a class with its methods.
        "trainlab.Progress",
        # What a layer or an optimizer of one's own says it needs: `fit` checks that.
        "trainlab.Declaration",
        "trainlab.Mode",
        "trainlab.Parameter",
        "trainlab.Slot",
        # Between rooms: they take what another of our functions made.
        "trainlab.EarlyStopping.improves",
        "trainlab.Change.has",
        "trainlab.Change.plain",
        "trainlab.datasets.Batches.sizes",
        "trainlab.datasets.Split.take",
    }
)
"""Public names that are no doors, and why."""

FIELDS: Final = tuple(field.name for kind in (tl.MLP, tl.SGD) for field in dataclasses.fields(kind))
EXTRA: Final[Mapping[str, tuple[str, ...]]] = {
    "trainlab.Population.grid": FIELDS,
    "trainlab.Population.zip": FIELDS,
    "trainlab.Population.sample": FIELDS,
    "trainlab.Member.replace": ("network", "optimizer", "seed", *FIELDS),
    "trainlab.Running.change": CHANGEABLE,
    "trainlab.Running.clone": CHANGEABLE,
    "trainlab.PopulationSearchCV.fit": ("groups", "sample_weight", "validation_data"),
    # As in scikit-learn, `fit` is where parameters are checked.
    "trainlab.MLPClassifier.set_params": (),
    "trainlab.MLPRegressor.set_params": (),
    "trainlab.PopulationEnsembleClassifier.set_params": (),
    "trainlab.PopulationEnsembleRegressor.set_params": (),
}
"""What `**keywords` are, where a signature does not say."""

LABELS: Final = np.arange(12) % 3


@functools.cache
def data() -> tl.Dataset:
    """Twelve rows in three classes."""
    return tl.from_arrays(rows(), LABELS)


@functools.cache
def _population() -> tuple[tl.Population, tl.History]:
    population = tl.Population.grid(network=tl.MLP(hidden=(4,)), seed=range(2))
    return population, population.fit(data(), steps=3, workers=1)


def population() -> tl.Population:
    """Two trained networks."""
    return copy.deepcopy(_population()[0])


def history() -> tl.History:
    """What became of them."""
    return _population()[1]


@functools.cache
def _two_rates() -> tl.History:
    rates = tl.Population.grid(network=tl.MLP(hidden=(4,)), lr=[0.1, 0.2])
    return rates.fit(data(), steps=3, workers=1)


@functools.cache
def _network() -> tl.Network:
    network = tl.Network(tl.MLP(hidden=(4,)))
    network.fit(data(), steps=3, workers=1)
    return network


def network() -> tl.Network:
    """One trained network."""
    return copy.deepcopy(_network())


def numbers() -> Any:
    """Targets of a regression."""
    return rows()[:, 0] * 2 + 1


@functools.cache
def place() -> Path:
    """A folder with files to read; it is made once, and nothing may be written to it."""
    folder = Path(tempfile.mkdtemp(prefix="doors-files-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # not in forked processes
    tl.save(_network(), folder / "model.safetensors")
    (folder / "idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]))
    (folder / "script.py").write_text("print(1)\n", encoding="utf-8")
    lines = [f"{a},{b},{'xyz'[n % 3]}" for n, (a, b, _) in enumerate(rows(30))]
    (folder / "table.csv").write_text("\n".join(["a,b,kind", *lines]), encoding="utf-8")
    (folder / "new.csv").write_text("a,b,c\n1,2,3\n", encoding="utf-8")
    population().fit(data(), steps=2, workers=1, store=folder / "runs")
    session = LiveSession(LiveSetup(tl.load_planar("moons", 20, 20), {"a": tl.Member()}, range(2)))
    (folder / "live.json").write_text(json.dumps(log_of(session)), encoding="utf-8")
    return folder


QUICK: Final[dict[str, Any]] = {"max_iter": 3, "random_state": 0, "workers": 1}
SMALL: Final[dict[str, Any]] = {"hidden_layer_sizes": (4,), "schedule": "cosine"}
"""A cosine ends by itself: a constant rate would warn that it was still improving."""
SPACE: Final = {"learning_rate_init": [0.01, 0.1]}
ESTIMATORS: Final[Mapping[str, tuple[Callable[..., Any], Callable[[], Any]]]] = {
    "MLPClassifier": (
        lambda **given: tl.MLPClassifier(**{**SMALL, **QUICK, **given}),
        lambda: LABELS,
    ),
    "MLPRegressor": (
        lambda **given: tl.MLPRegressor(**{**SMALL, **QUICK, **given}),
        numbers,
    ),
    "PopulationEnsembleClassifier": (
        lambda **given: tl.PopulationEnsembleClassifier(
            **{"n_candidates": 2, "n_architectures": 1, "n_folds": 2, **QUICK, **given}
        ),
        lambda: LABELS,
    ),
    "PopulationEnsembleRegressor": (
        lambda **given: tl.PopulationEnsembleRegressor(
            **{"n_candidates": 2, "n_architectures": 1, "n_folds": 2, **QUICK, **given}
        ),
        numbers,
    ),
    "PopulationSearchCV": (
        lambda **given: tl.PopulationSearchCV(
            **{
                "estimator": tl.MLPClassifier(**SMALL, max_iter=3, random_state=0),
                "param_distributions": SPACE,
                "n_iter": 2,
                "cv": 2,
                "random_state": 0,
                "workers": 1,
                **given,
            }
        ),
        lambda: LABELS,
    ),
    "TableEncoder": (lambda **given: tl.TableEncoder(**given), lambda: None),
}
"""How each estimator is made, and the y of its `fit`."""


@functools.cache
def rate_range() -> tl.RateRange:
    """What a range test found."""
    return tl.rate_range_test(data(), tl.MLP((2,)), steps=10, seeds=2, workers=1)


@functools.cache
def _fitted(name: str) -> Any:
    make, y = ESTIMATORS[name]
    return make().fit(table() if name == "TableEncoder" else rows(), y())


def table() -> Any:
    """Rows of words and numbers."""
    return np.array([["a", 1.0], ["b", 2.0], ["a", None]], dtype=object)


def _estimator_calls(name: str) -> dict[str, Call]:
    make, y = ESTIMATORS[name]
    dotted = f"trainlab.{name}"
    x = table if name == "TableEncoder" else rows

    def fitted() -> Any:
        return copy.deepcopy(_fitted(name))

    found: dict[str, Call] = {
        dotted: lambda: (make, {}),
        f"{dotted}.fit": lambda: (make().fit, {"X": x(), "y": y()}),
    }
    if name.startswith("MLP"):
        found[f"{dotted}.partial_fit"] = lambda: (make().partial_fit, {"X": x(), "y": y()})
    if name == "MLPClassifier":
        found[f"{dotted}.partial_fit"] = lambda: (
            make().partial_fit,
            {"X": x(), "y": y(), "classes": [0, 1, 2]},
        )
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        if name != "PopulationSearchCV" and hasattr(type(make()), method):
            found[f"{dotted}.{method}"] = _method(fitted, method, x)
    if name == "PopulationEnsembleRegressor":
        found[f"{dotted}.predict_interval"] = lambda: (
            fitted().predict_interval,
            {"X": x(), "level": 0.5},
        )
    if name not in ("PopulationSearchCV", "TableEncoder"):
        found[f"{dotted}.score"] = lambda: (fitted().score, {"X": x(), "y": y()})
        found[f"{dotted}.set_params"] = lambda: (make().set_params, {})
    if name == "TableEncoder":
        found[f"{dotted}.fit_transform"] = lambda: (make().fit_transform, {"X": x(), "y": y()})
        for method in ("transform", "strange"):
            found[f"{dotted}.{method}"] = _method(fitted, method, x)
        found[f"{dotted}.get_feature_names_out"] = lambda: (fitted().get_feature_names_out, {})
    return found


def _method(made: Callable[[], Any], method: str, x: Callable[[], Any]) -> Call:
    return lambda: (getattr(made(), method), {"X": x()})


def square(x: Any) -> Any:
    """A function to differentiate."""
    return (np.asarray(x) ** 2).sum()


def _fit(made: Callable[[], Any]) -> Call:
    """A short training; "epochs" and "steps" leave each other out."""

    def call(**given: Any) -> Any:
        length = {} if given.keys() & {"epochs", "steps"} else {"steps": 2}
        return made().fit(**{"data": data(), "workers": 1, **length, **given})

    return lambda: (call, {})


def _start(made: Callable[[], Any]) -> Call:
    """The same in the background."""

    def call(**given: Any) -> Any:
        length = {} if given.keys() & {"epochs", "steps"} else {"steps": 2}
        return made().start(**{"data": data(), "workers": 1, **length, **given}).wait()

    return lambda: (call, {})


def _asked(method: str) -> Call:
    """What is asked of a training that runs; it is stopped after that."""

    def call(**given: Any) -> Any:
        running = population().start(data(), steps=10**6, evaluate=None, workers=1)
        try:
            return getattr(running, method)(**given)
        finally:
            running.stop()
            with warnings.catch_warnings(action="ignore"):
                running.wait()

    return lambda: (call, {"lr": 0.1})


CALLS: Final[Mapping[str, Call]] = {
    "trainlab.Change": lambda: (tl.Change, {"step": 1, "fields": {"lr": 0.1}}),
    "trainlab.Dataset": lambda: (
        tl.Dataset,
        {name: getattr(data(), name) for name in ("name", "train", "validation", "test")}
        | {"task": data().task, "classes": data().classes, "sha256": ""},
    ),
    "trainlab.Dataset.split": lambda: (data().split, {"validation": 3}),
    "trainlab.Dataset.hold_out": lambda: (data().hold_out, {"name": "test", "size": 3}),
    "trainlab.Dataset.first": lambda: (data().first, {}),
    "trainlab.Dense": lambda: (tl.Dense, {"out_features": 3}),
    "trainlab.History.arms": lambda: (history().arms, {"by": "lr"}),
    "trainlab.History.band": lambda: (history().band, {"name": "train_loss"}),
    "trainlab.History.compare": lambda: (_two_rates().compare, {"by": "lr"}),
    "trainlab.History.plot": lambda: (history().plot, {}),
    "trainlab.MLP.build": lambda: (tl.MLP().build, {"in_features": 3, "out_features": 2}),
    "trainlab.Member.get": lambda: (tl.Member().get, {"name": "lr"}),
    "trainlab.Member.label": lambda: (tl.Member().label, {"by": "lr"}),
    "trainlab.Member.replace": lambda: (tl.Member().replace, {}),
    "trainlab.Network": lambda: (tl.Network, {}),
    "trainlab.Network.accuracy": lambda: (network().accuracy, {"x": rows(), "t": LABELS}),
    "trainlab.Network.fit": _fit(network),
    "trainlab.Network.start": _start(network),
    "trainlab.Network.of": lambda: (tl.Network.of, {"population": network().population}),
    "trainlab.Network.score": lambda: (network().score, {"data": rows(), "t": LABELS}),
    "trainlab.Network.predict": lambda: (network().predict, {"x": rows()}),
    "trainlab.Network.predict_proba": lambda: (network().predict_proba, {"x": rows()}),
    "trainlab.Population": lambda: (tl.Population, {"members": [tl.Member()]}),
    "trainlab.Population.accuracy": lambda: (population().accuracy, {"x": rows(), "t": LABELS}),
    "trainlab.Population.buffers": lambda: (population().buffers, {"index": 0}),
    "trainlab.Population.fit": _fit(population),
    "trainlab.Population.grid": lambda: (tl.Population.grid, {}),
    "trainlab.Population.parameters": lambda: (population().parameters, {"index": 0}),
    "trainlab.Population.score": lambda: (population().score, {"data": rows(), "t": LABELS}),
    "trainlab.Population.predict": lambda: (population().predict, {"x": rows()}),
    "trainlab.Population.predict_proba": lambda: (population().predict_proba, {"x": rows()}),
    "trainlab.Population.restore": lambda: (
        tl.Population.restore,
        {"members": population(), "states": population().states, "widths": population().widths},
    ),
    "trainlab.Population.sample": lambda: (tl.Population.sample, {"n": 2}),
    "trainlab.Population.start": _start(population),
    "trainlab.Population.set_parameters": lambda: (
        copy.deepcopy(population()).set_parameters,
        {"index": 0, "values": {"b1": np.zeros_like(population().parameters(0)["b1"])}},
    ),
    "trainlab.Population.snapshot": lambda: (population().snapshot, {"index": 0}),
    "trainlab.Population.zip": lambda: (tl.Population.zip, {}),
    "trainlab.RateRange.plot": lambda: (rate_range().plot, {}),
    "trainlab.Running.change": _asked("change"),
    "trainlab.Running.clone": _asked("clone"),
    "trainlab.rate_range_test": lambda: (
        tl.rate_range_test,
        {"data": data(), "network": tl.MLP((2,)), "steps": 10, "seeds": 2, "workers": 1},
    ),
    "trainlab.export_onnx": lambda: (
        tl.export_onnx,
        {"model": network(), "path": "model.onnx"},
    ),
    "trainlab.from_arrays": lambda: (tl.from_arrays, {"x": rows(), "t": LABELS}),
    "trainlab.gradient_check": lambda: (
        tl.gradient_check,
        {"network": tl.MLP(hidden=(2,)), "x": rows(4), "t": LABELS[:4], "entries": 3},
    ),
    "trainlab.load": lambda: (tl.load, {"path": place() / "model.safetensors"}),
    "trainlab.load_mnist": lambda: (tl.load_mnist, {"download": False}),
    "trainlab.load_planar": lambda: (tl.load_planar, {"kind": "moons", "rows": 6}),
    "trainlab.numerical_diff": lambda: (tl.numerical_diff, {"f": square, "x": 1.0}),
    "trainlab.numerical_gradient": lambda: (
        tl.numerical_gradient,
        {"f": square, "x": [1.0, 2.0]},
    ),
    "trainlab.register": lambda: (tl.register, {"part": tl.SGD}),
    "trainlab.save": lambda: (tl.save, {"model": network(), "path": "model.safetensors"}),
    "trainlab.datasets.Batches": lambda: (datasets.Batches, {"n": 10, "batch_size": 5}),
    "trainlab.datasets.Batches.epoch": lambda: (
        datasets.Batches(10, 5).epoch,
        {"seed": 0, "epoch": 0},
    ),
    "trainlab.datasets.Batches.order": lambda: (
        datasets.Batches(10, 5).order,
        {"seed": 0, "epoch": 0},
    ),
    "trainlab.datasets.Split": lambda: (
        datasets.Split,
        {"x": data().train.x, "t": data().train.t},
    ),
    "trainlab.datasets.read_idx": lambda: (datasets.read_idx, {"path": place() / "idx"}),
    "trainlab.datasets.split": lambda: (datasets.split, {"part": data().train, "size": 3}),
    "trainlab.evidence.Interval.contains": lambda: (
        evidence.run_interval([1.0, 2.0, 3.0]).contains,
        {"value": 2.0},
    ),
    "trainlab.evidence.band": lambda: (evidence.band, {"values": rows()}),
    "trainlab.evidence.compare": lambda: (
        evidence.compare,
        {"first": "a", "a": np.arange(12.0), "second": "b", "b": np.arange(12.0)[::-1]},
    ),
    "trainlab.evidence.compare_all": lambda: (
        evidence.compare_all,
        {"arms": {"a": np.arange(12.0), "b": np.arange(12.0)[::-1]}},
    ),
    "trainlab.evidence.fewest_pairs": lambda: (evidence.fewest_pairs, {"family": 3}),
    "trainlab.evidence.holm": lambda: (evidence.holm, {"p": [0.1, 0.2]}),
    "trainlab.evidence.median_bounds": lambda: (
        evidence.median_bounds,
        {"values": np.arange(12.0), "level": 0.95},
    ),
    "trainlab.evidence.statistic_bounds": lambda: (
        evidence.statistic_bounds,
        {"columns": rows(), "statistic": lambda m: m[:, 0], "level": 0.95, "seed": 0},
    ),
    "trainlab.evidence.median_interval": lambda: (
        evidence.median_interval,
        {"values": np.arange(12.0)},
    ),
    "trainlab.evidence.replicate": lambda: (
        evidence.replicate,
        {"source": "book", "what": "loss", "value": 1.0, "values": np.arange(12.0)},
    ),
    "trainlab.evidence.reproduce": lambda: (
        evidence.reproduce,
        {"source": "book", "what": "loss", "value": 1.0, "ours": 1.0, "tolerance": 0.1},
    ),
    "trainlab.evidence.run_interval": lambda: (evidence.run_interval, {"values": np.arange(12.0)}),
    "trainlab.evidence.signed_rank": lambda: (
        evidence.signed_rank,
        {"differences": np.arange(12.0)},
    ),
    "trainlab.evidence.smooth": lambda: (evidence.smooth, {"values": np.arange(12.0)}),
    "trainlab.differentiation.complex_step_gradient": lambda: (
        differentiation.complex_step_gradient,
        {"f": square, "x": [1.0, 2.0]},
    ),
    **{dotted: call for name in ESTIMATORS for dotted, call in _estimator_calls(name).items()},
}

CONSTRUCTED: Final[Mapping[str, Callable[[Any], Any]]] = {
    f"trainlab.{name}": functools.partial(
        lambda made, name: made.fit(
            table() if name == "TableEncoder" else rows(), ESTIMATORS[name][1]()
        ),
        name=name,
    )
    for name in ESTIMATORS
}
"""What judges the arguments of a constructor that only stores them."""


ALONE: Final = {
    "TRAINLAB_DATA": "no-mnist",
    **dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"
    ),
}
"""Variables of a process in which nothing may be fetched: it has no MNIST, and no way out."""


COMMANDS: Final[Mapping[str, Callable[[], Mapping[str, Any]]]] = {
    "list": dict,
    "run": lambda: {"--seeds": "2", "--workers": "1", "--out": "out", "names": "derivative"},
    "check": lambda: {"--hidden": "3"},
    "book": lambda: {"script": str(place() / "script.py")},
    "data": dict,
    "report": lambda: {"folder": str(place() / "runs")},
    "predict": lambda: {
        "model": str(place() / "model.safetensors"),
        "table": str(place() / "new.csv"),
    },
    "runs": lambda: {"folder": str(place() / "runs")},
    "live": lambda: {"--replay": str(place() / "live.json")},
    "search": lambda: {
        "--csv": str(place() / "table.csv"),
        "--target": "kind",
        "--trials": "2",
        "--rounds": "1",
        "--folds": "2",
        "--max-iter": "2",
        "--hidden": "3",
        "--workers": "1",
        "--out": "out",
    },
}
"""Options and arguments of a valid command; a report of no results is refused as it should be."""
