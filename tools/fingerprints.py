"""python tools/fingerprints.py [WORD ...]: a SHA-256 for each of more than a hundred trainings.

Bits are promised for one machine and one set of installed versions.  A change that must not
move one is checked by running this on both versions of the source and comparing the output:

    python tools/fingerprints.py > before.json
    git switch my-change
    python tools/fingerprints.py > after.json
    diff before.json after.json

Only the public interface is used, so that one file serves both versions.  With words, only
the cases whose names contain one of them are run.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from scipy import sparse
from scipy.stats import loguniform
from sklearn.datasets import load_breast_cancer, load_diabetes, load_linnerud, load_wine

import trainlab as tl

Case = Callable[[], list[Any]]
"""What a case leaves: arrays, numbers, words, and lists and mappings of these."""

STEPS = 30
SEEDS = range(2)


def digest(found: Any) -> str:
    """SHA-256 of everything in `found`: dtypes, shapes, bytes and names."""
    total = hashlib.sha256()
    _add(total, found)
    return total.hexdigest()


def _add(total: Any, found: Any) -> None:
    if isinstance(found, dict):
        for name in sorted(found):
            total.update(repr(name).encode())
            _add(total, found[name])
    elif isinstance(found, (list, tuple)):
        total.update(f"{len(found)} items".encode())
        for each in found:
            _add(total, each)
    elif isinstance(found, np.ndarray) and found.dtype.kind != "O":
        total.update(f"{found.dtype} {found.shape}".encode())
        total.update(np.ascontiguousarray(found).tobytes())
    elif isinstance(found, np.ndarray):
        _add(total, [str(found.dtype), *found.tolist()])
    else:
        total.update(repr(found).encode())


def trained(population: tl.Population, history: tl.History, x: Any) -> list[Any]:
    """Parameters, buffers, optimizer states, series, statuses and predictions."""
    kept = [population.snapshot(row) for row in range(len(population))]
    series = {name: each.values for name, each in history.series.items()}
    status = [(one.kind, one.step, one.best_step) for one in history.status]
    found = [kept, series, status, population.predict(x)]
    scored = any(name.endswith("accuracy") for name in history.series)
    return [*found, population.predict_proba(x)] if scored else found


# --- populations -----------------------------------------------------------------------


def blobs(task: str = "classification", rows: int = 150, features: int = 12) -> tl.Dataset:
    """Overlapping classes, or a smooth function of the inputs, with columns that are all zero."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((rows, features)).astype(np.float32)
    x[:, 3:6] = 0
    score = x @ rng.standard_normal((features, 3)) + rng.standard_normal((rows, 3))
    if task == "classification":
        return tl.from_arrays(x, score.argmax(axis=1)).split(validation=0.2)
    if task == "multilabel":
        return tl.from_arrays(x, (score > 0).astype(float), task=task).split(validation=0.2)
    return tl.from_arrays(x, np.tanh(score), task=task).split(validation=0.2)


def population(
    network: Any = None, optimizer: Any = None, data: tl.Dataset | None = None, **settings: Any
) -> list[Any]:
    """A population of two seeds, trained."""
    data = blobs() if data is None else data
    network = tl.MLP(hidden=(8,)) if network is None else network
    optimizer = tl.SGD(0.05) if optimizer is None else optimizer
    members = tl.Population.grid(network=network, optimizer=optimizer, seed=SEEDS)
    settings = {"steps": STEPS, "batch_size": 25, "keep": "state", **settings}
    history = members.fit(data, **settings)
    if settings["keep"] == "history":
        return [{name: each.values for name, each in history.series.items()}]
    return trained(members, history, data.validation.x)


def sparse_inputs() -> list[Any]:
    """Inputs in SciPy's compressed rows."""
    data = blobs()
    x = sparse.csr_array(np.where(data.train.x > 0.5, data.train.x, 0))
    members = tl.Population.grid(network=tl.MLP(hidden=(8,)), optimizer=tl.Adam(), seed=SEEDS)
    history = members.fit(tl.from_arrays(x, data.train.t), steps=STEPS, batch_size=25, keep="state")
    return trained(members, history, data.validation.x)


def weighted() -> list[Any]:
    """Rows with weights."""
    data = blobs()
    weight = np.linspace(0.1, 2.0, len(data.train.x))
    own = tl.from_arrays(data.train.x, data.train.t, weight=weight)
    members = tl.Population.grid(network=tl.MLP(hidden=(8,)), optimizer=tl.Adam(), seed=SEEDS)
    history = members.fit(own, steps=STEPS, batch_size=25, keep="state")
    return trained(members, history, data.validation.x)


def continued(start: str) -> list[Any]:
    """A fit that goes on from the one before."""
    data = blobs()
    members = tl.Population.grid(
        network=tl.MLP(hidden=(8,), dropout=0.2), optimizer=tl.Adam(), seed=SEEDS
    )
    members.fit(data, epochs=2, batch_size=25, keep="state")
    history = members.fit(data, epochs=2, batch_size=25, keep="state", start=start)
    return trained(members, history, data.validation.x)


def called_back() -> list[Any]:
    """A callback that ends one member."""
    calls: list[Any] = []

    def callback(row: int, updates: int, metrics: Any) -> bool:
        calls.append((row, updates, dict(metrics)))
        return row == 1 and updates >= 10

    found = population(callbacks=[callback], evaluate=5)
    return [*found, sorted(calls, key=lambda call: call[:2])]


def resumed() -> list[Any]:
    """A run in a store that is interrupted, and goes on."""
    data, calls = blobs(), 0

    def interrupting(row: int, updates: int, metrics: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 7:
            raise KeyboardInterrupt

    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            members = tl.Population.grid(
                network=tl.MLP(hidden=(8,), dropout=0.2), optimizer=tl.Adam(), seed=SEEDS
            )
            settings: dict[str, Any] = {"epochs": 6, "batch_size": 25, "store": Path(folder)}
            try:
                history = members.fit(
                    data, callbacks=[interrupting], keep="state", backend="threads", **settings
                )
            except KeyboardInterrupt:
                continue
    return trained(members, history, data.validation.x)


def populations() -> Iterator[tuple[str, Case]]:
    """Every part of a network and of an optimizer, and every argument of `fit`."""
    optimizers: dict[str, tl.SGD | Any] = {
        "sgd": tl.SGD(0.05),
        "momentum": tl.Momentum(0.02),
        "momentum book": tl.Momentum.book(lr=0.02),
        "nesterov": tl.Nesterov(0.02),
        "nesterov book": tl.Nesterov.book(lr=0.02),
        "adagrad": tl.AdaGrad(0.05),
        "adagrad book": tl.AdaGrad.book(lr=0.05),
        "adagrad eps inside": tl.AdaGrad(0.05, eps_inside_sqrt=True),
        "rmsprop": tl.RMSprop(0.01),
        "rmsprop book": tl.RMSprop.book(lr=0.01),
        "adam": tl.Adam(0.01),
        "adam book": tl.Adam.book(lr=0.01),
        "adamw": tl.AdamW(0.01),
        "nadam": tl.NAdam(0.01),
        "nadam not warming": tl.NAdam(0.01, warming=False),
        "amsgrad": tl.AMSGrad(0.01),
        "amsgrad corrected": tl.AMSGrad(0.01, corrected_max=True),
        "lion": tl.Lion(0.002),
        "clip norm": tl.SGD(0.1, clip_norm=0.3),
        "clip value": tl.Adam(0.01, clip_value=0.01),
        "clip both": tl.Momentum(0.05, clip_norm=0.5, clip_value=0.05),
        "decoupled decay": tl.SGD(0.05, decoupled_weight_decay=0.1),
    }
    for name, optimizer in optimizers.items():
        yield f"optimizer {name}", partial(population, optimizer=optimizer)
    schedules = {
        "step": tl.Step(every=4),
        "exponential": tl.Exponential(decay=0.9),
        "cosine": tl.Cosine(floor=0.1),
        "one cycle": tl.OneCycle(),
        "warm up": tl.WarmUp(steps=5, then=tl.Cosine()),
    }
    for name, schedule in schedules.items():
        yield f"schedule {name}", partial(population, optimizer=tl.Adam(0.02, schedule=schedule))
    activations = {
        "identity": tl.Identity(),
        "relu": tl.ReLU(),
        "leaky relu": tl.LeakyReLU(slope=0.2),
        "elu": tl.ELU(alpha=1.3),
        "gelu": tl.GELU(),
        "sigmoid": tl.Sigmoid(),
        "tanh": tl.Tanh(),
        "softplus": tl.Softplus(),
    }
    for name, activation in activations.items():
        network = tl.MLP(hidden=(8, 6), activation=activation)
        yield f"activation {name}", partial(population, network=network)
    initializers = {
        "std": tl.Std(0.05),
        "xavier": tl.Xavier(),
        "lecun": tl.LeCun(),
        "he": tl.He(),
        "glorot normal": tl.GlorotNormal(),
        "glorot uniform": tl.GlorotUniform(),
        "orthogonal": tl.Orthogonal(),
    }
    for name, init in initializers.items():
        yield f"initializer {name}", partial(population, network=tl.MLP(hidden=(8,), init=init))
    losses: dict[str, tuple[Any, str]] = {
        "softmax": (tl.SoftmaxCrossEntropy(), "classification"),
        "softmax smoothed": (tl.SoftmaxCrossEntropy(label_smoothing=0.1), "classification"),
        "sigmoid": (tl.SigmoidCrossEntropy(), "multilabel"),
        "squared": (tl.MeanSquaredError(), "regression"),
        "huber": (tl.Huber(delta=0.5), "regression"),
    }
    for name, (loss, task) in losses.items():
        network, data = tl.MLP(hidden=(8,), loss=loss), blobs(task)
        yield f"loss {name}", partial(population, network=network, data=data)
    techniques: dict[str, dict[str, Any]] = {
        "no hidden layer": {"hidden": ()},
        "deep": {"hidden": (9, 8, 7, 6, 5)},
        "weight decay": {"weight_decay": 0.05},
        "l1": {"l1": 0.01},
        "both penalties": {"weight_decay": 0.05, "l1": 0.01},
        "dropout": {"dropout": 0.3},
        "batch norm": {"batch_norm": True},
        "batch norm object": {"batch_norm": tl.BatchNorm(ema_decay=0.7, eps=1e-3)},
        "layer norm": {"layer_norm": True},
        "layer norm object": {"layer_norm": tl.LayerNorm(eps=1e-3)},
        "norm, dropout, decay": {"batch_norm": True, "dropout": 0.2, "weight_decay": 0.01},
        "book": {"convention": "book", "batch_norm": True, "dropout": 0.2, "weight_decay": 0.01},
    }
    for name, fields in techniques.items():
        network = tl.MLP(**{"hidden": (8,), **fields})
        for rule in (tl.Momentum(0.02), tl.Adam(0.01)):
            label = f"technique {name}, {type(rule).__name__}"
            yield label, partial(population, network=network, optimizer=rule)
    stop = tl.EarlyStopping(patience=2)
    fits: dict[str, dict[str, Any]] = {
        "float64": {"dtype": "float64"},
        "book batches": {"batches": "book"},
        "epochs": {"steps": None, "epochs": 4},
        "ragged batch": {"batch_size": 37},
        "one batch": {"batch_size": 500},
        "batch of one": {"batch_size": 1},
        "keep history": {"keep": "history"},
        "keep parameters": {"keep": "parameters"},
        "evaluate every 3": {"evaluate": 3},
        "evaluate at": {"evaluate": [0, 1, 17, 30]},
        "evaluate never": {"evaluate": None},
        "on train and batch": {"on": ("train", "batch", "validation")},
        "early stopping": {"early_stopping": stop, "steps": None, "epochs": 30},
        "early stopping on accuracy": {
            "early_stopping": tl.EarlyStopping("validation_accuracy", patience=2),
            "steps": None,
            "epochs": 30,
        },
        "early stopping on train loss": {
            "early_stopping": tl.EarlyStopping("train_loss", patience=2, min_delta=0.01),
            "steps": None,
            "epochs": 30,
        },
        "one worker": {"workers": 1},
        "threads": {"backend": "threads", "workers": 2},
        "loky": {"backend": "loky", "workers": 2},
    }
    mixed = {
        "network": [tl.MLP(hidden=(8,), dropout=0.2, batch_norm=True), tl.MLP(hidden=(5, 4))],
        "optimizer": [tl.SGD(0.5), tl.Adam(0.05), tl.SGD(1e38)],
    }
    for name, settings in fits.items():
        yield f"fit {name}", partial(population, **mixed, **settings)
    yield "fit sparse inputs", sparse_inputs
    yield "fit weights", weighted
    yield "fit start=state", partial(continued, "state")
    yield "fit start=parameters", partial(continued, "parameters")
    yield "fit callback", called_back
    yield "fit resumed", resumed


def digits() -> Iterator[tuple[str, Case]]:
    """Real sizes: chunks, large products, several workers."""
    data = tl.load_digits().split(validation=0.2)
    network = tl.MLP(hidden=(50, 50), batch_norm=True, dropout=0.2, weight_decay=1e-4)
    rules = [tl.SGD(0.05), tl.Momentum(0.01), tl.AdaGrad(0.01), tl.Adam(0.001)]
    yield "digits mixed", partial(population, network, rules, data, batch_size=100)
    yield (
        "digits wide alone",
        partial(population, tl.MLP(hidden=(512, 512)), tl.Adam(), data, batch_size=512),
    )


# --- estimators ------------------------------------------------------------------------


def fitted(estimator: Any, x: Any, y: Any, **settings: Any) -> list[Any]:
    """What a fitted estimator says: every bit of its networks is in its predictions."""
    estimator.fit(x, y, **settings)
    found = [estimator.predict(x), estimator.n_iter_]
    if hasattr(estimator, "predict_proba"):
        found.append(estimator.predict_proba(x))
    return found


def estimators() -> Iterator[tuple[str, Case]]:
    """Classifiers and regressors."""
    x, y = load_wine(return_X_y=True)
    some: dict[str, dict[str, Any]] = {
        "default": {},
        "three members": {"n_members": 3},
        "early stopping": {"early_stopping": True},
        "momentum": {"optimizer": "momentum", "schedule": "cosine", "learning_rate_init": 0.01},
        "norm": {"batch_norm": True, "dropout": 0.2},
        "balanced": {"class_weight": "balanced"},
        "float64": {"dtype": "float64"},
        "raw": {"standardize_inputs": False},
    }
    for name, settings in some.items():
        made = tl.MLPClassifier((20,), max_iter=15, random_state=0, **settings)
        yield f"classifier {name}", partial(fitted, made, x, y)
    made = tl.MLPClassifier((20,), max_iter=15, random_state=0)
    weight = np.linspace(0.5, 2, len(x))
    yield "classifier weights", partial(fitted, made, x, y, sample_weight=weight)
    words = np.array(["red", "green", "blue"])[y]
    yield "classifier words", partial(fitted, tl.MLPClassifier((8,), random_state=1), x, words)
    labels = np.stack([y > 0, y > 1], axis=1).astype(int)
    made = tl.MLPClassifier((8,), max_iter=15, random_state=1)
    yield "classifier several labels", partial(fitted, made, x, labels)
    x, y = load_diabetes(return_X_y=True)
    for name, settings in (
        ("default", {}),
        ("huber", {"loss": "huber"}),
        ("tanh", {"activation": "tanh"}),
    ):
        made = tl.MLPRegressor((20,), max_iter=15, random_state=0, **settings)
        yield f"regressor {name}", partial(fitted, made, x, y)
    x, y = load_linnerud(return_X_y=True)
    made = tl.MLPRegressor((5,), max_iter=15, random_state=0)
    yield "regressor several targets", partial(fitted, made, x, y)


def ensemble(made: Any, x: Any, y: Any) -> list[Any]:
    """A fitted ensemble: who votes, and what it says."""
    made.fit(x, y)
    found = [made.predict(x), np.asarray(made.weights_), made.gain_]
    return [*found, made.predict_proba(x)] if hasattr(made, "predict_proba") else found


def search(**settings: Any) -> list[Any]:
    """A search over a small space."""
    x, y = load_breast_cancer(return_X_y=True)
    space = {
        "learning_rate_init": loguniform(1e-4, 1e-1),
        "hidden_layer_sizes": [(5,), (8,), (4, 4)],
        "alpha": [0.0, 1e-3],
    }
    base = tl.MLPClassifier(max_iter=8, random_state=0)
    made = tl.PopulationSearchCV(base, space, cv=3, random_state=0, **settings).fit(
        x[:200], y[:200]
    )
    results = {
        name: np.asarray(values)
        for name, values in made.cv_results_.items()
        if "score" in name and "time" not in name
    }
    return [results, made.cv_results_["params"], made.predict(x)]


def searches() -> Iterator[tuple[str, Case]]:
    """Ensembles and searches."""
    x, y = load_wine(return_X_y=True)
    votes = {"n_candidates": 6, "max_iter": 10, "random_state": 0}
    yield "ensemble classifier", partial(ensemble, tl.PopulationEnsembleClassifier(**votes), x, y)
    x, y = load_diabetes(return_X_y=True)
    yield "ensemble regressor", partial(ensemble, tl.PopulationEnsembleRegressor(**votes), x, y)
    yield "search random", partial(search, n_iter=6)
    yield "search narrowing", partial(search, n_iter=6, rounds=2)
    yield "search greedy", partial(search, n_iter=6, ensemble="greedy")


def main(words: list[str]) -> int:
    """Prints name → SHA-256 as JSON; a case that raises is named with its error."""
    warnings.simplefilter("ignore")
    found = {}
    cases = [*populations(), *digits(), *estimators(), *searches()]
    for name, case in cases:
        if words and not any(word in name for word in words):
            continue
        try:
            found[name] = digest(case())
        except Exception as error:  # noqa: BLE001  # an error is a result to compare, too
            found[name] = f"{type(error).__name__}: {error}"
        click.echo(f"{len(found)}/{len(cases)} {name}", err=True)
    click.echo(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
