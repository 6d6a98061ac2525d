"""Nonsense at every public call: the typed error, in the documented words.

The records of settings are in test_bad_settings.py.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import trainlab as tl
from complaints import complains
from trainlab import evidence
from trainlab.data import Batches, fetch_mnist, read_idx, split
from trainlab.differentiation import complex_step_gradient
from trainlab.errors import (
    DataError,
    DownloadError,
    NotTrainedError,
    SettingError,
    StoreError,
    TrainlabError,
)
from trainlab.experiments.registry import find
from trainlab.experiments.runner import Options
from trainlab.models.scoring import score
from trainlab.report import build

NAN, INF = math.nan, math.inf


def rows(n: int = 12, width: int = 3) -> Any:
    return np.arange(n * width, dtype=np.float64).reshape(n, width) / (n * width)


LABELS = np.arange(12) % 3
DATA = tl.from_arrays(rows(), LABELS)
WITH_TEST = tl.from_arrays(rows(), LABELS, test=3)
REGRESSION = tl.from_arrays(rows(), rows(12, 2))
TRAINED = tl.Population.grid(network=tl.MLP(hidden=(4,)), seed=range(2))
HISTORY = TRAINED.fit(DATA, steps=3, workers=1)
REGRESSOR = tl.Network(tl.MLP(hidden=(4,), loss="huber"), tl.SGD(0.01))
REGRESSOR.fit(REGRESSION, steps=2, workers=1)
HOLED = rows()
HOLED[3, 1] = NAN
BROKEN = sparse.csr_array(([1.0, 1.0], [0, 3], [0, 1, 2]), shape=(2, 3))  # there is no column 3
OBJECTS = sparse.csr_array(np.eye(2, 3))
OBJECTS.data = OBJECTS.data.astype(object)


def fit(**settings: Any) -> Any:
    return tl.Population.grid(network=tl.MLP(hidden=(4,))).fit(
        settings.pop("data", DATA), **{"steps": 2, "workers": 1, **settings}
    )


def check(**settings: Any) -> Any:
    given = {"network": tl.MLP(hidden=(4,)), "x": rows(), "t": LABELS, **settings}
    return tl.gradient_check(given.pop("network"), given.pop("x"), given.pop("t"), **given)


def encoder(words: Any = "auto", x: Any = None, **settings: Any) -> Any:
    return tl.TableEncoder(words, **settings).fit([["a", 1.0], ["b", 2.0]] if x is None else x)


def grow(x: Any) -> Any:
    return (np.asarray(x) ** 2).sum()


CALLS: dict[str, tuple[type[TrainlabError], Callable[[], Any]]] = {
    # arrays
    "x-none": (DataError, lambda: tl.from_arrays(None, LABELS)),
    "x-strings": (DataError, lambda: tl.from_arrays([["a"], ["b"]], [0, 1])),
    "x-one-axis": (DataError, lambda: tl.from_arrays([1.0, 2.0], [0, 1])),
    "x-number": (DataError, lambda: tl.from_arrays(3.0, [0])),
    "x-ragged": (DataError, lambda: tl.from_arrays([[1.0], [1.0, 2.0]], [0, 1])),
    "x-empty": (DataError, lambda: tl.from_arrays(np.empty((0, 3)), [])),
    "x-no-features": (DataError, lambda: tl.from_arrays(np.empty((3, 0)), [0, 1, 2])),
    "x-nan": (DataError, lambda: tl.from_arrays(HOLED, LABELS)),
    "x-infinite": (DataError, lambda: tl.from_arrays([[INF], [1.0]], [0, 1])),
    "x-beyond-float32": (DataError, lambda: tl.from_arrays([[1e300], [1.0]], [0, 1])),
    "x-complex": (DataError, lambda: tl.from_arrays(rows() + 1j, LABELS)),
    "x-objects": (DataError, lambda: tl.from_arrays([[object()]], [0])),
    "x-sparse-nan": (DataError, lambda: tl.from_arrays(sparse.coo_array(HOLED), LABELS)),
    "x-sparse-complex": (DataError, lambda: tl.from_arrays(sparse.csr_array(rows() + 1j), LABELS)),
    "x-sparse-one-axis": (DataError, lambda: tl.from_arrays(sparse.coo_array(LABELS), LABELS)),
    "x-sparse-empty": (DataError, lambda: tl.from_arrays(sparse.csr_array((0, 3)), [])),
    "x-sparse-no-features": (
        DataError,
        lambda: tl.from_arrays(sparse.csr_array((3, 0)), [0, 1, 2]),
    ),
    "x-sparse-broken": (DataError, lambda: tl.from_arrays(BROKEN, [0, 1])),
    "x-sparse-objects": (DataError, lambda: tl.from_arrays(OBJECTS, [0, 1])),
    "x-masked": (DataError, lambda: tl.from_arrays(np.ma.masked_array(rows()), LABELS)),
    "t-sparse": (DataError, lambda: tl.from_arrays(rows(), sparse.csr_array(rows()))),
    "t-none": (DataError, lambda: tl.from_arrays(rows(), None)),
    "t-too-short": (DataError, lambda: tl.from_arrays(rows(), LABELS[:-1])),
    "t-nan": (DataError, lambda: tl.from_arrays(rows(), np.full(12, NAN))),
    "t-three-axes": (DataError, lambda: tl.from_arrays(rows(), np.zeros((12, 2, 2)))),
    "t-one-hot": (DataError, lambda: tl.from_arrays(rows(), np.eye(12, dtype=int))),
    "t-mixed": (DataError, lambda: tl.from_arrays([[1.0], [2.0]], np.array([0, "a"], object))),
    "t-dates": (DataError, lambda: tl.from_arrays([[1.0]], np.array(["2020"], "datetime64[D]"))),
    "t-multilabel-2": (
        DataError,
        lambda: tl.from_arrays(rows(), np.full((12, 2), 2), task="multilabel"),
    ),
    "t-empty": (DataError, lambda: tl.from_arrays(rows(), [])),
    "task-unknown": (SettingError, lambda: tl.from_arrays(rows(), LABELS, task="ranking")),
    "t-too-wide": (DataError, lambda: tl.from_arrays(rows(), [2**70, *LABELS[1:]])),
    "task-array": (SettingError, lambda: tl.from_arrays(rows(), LABELS, task=rows())),
    "stratify-no": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=3, stratify="no")),
    "task-unhashable": (SettingError, lambda: tl.from_arrays(rows(), LABELS, task=["a"])),
    "test-0": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=0)),
    "test-negative": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=-3)),
    "test-all": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=12)),
    "test-1.0": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=1.0)),
    "test-nan": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=NAN)),
    "test-true": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=True)),
    "test-text": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test="20%")),
    "test-four": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=(1, 2, 3, 4))),
    "test-triple": (DataError, lambda: tl.from_arrays(rows(), LABELS, test=(1, 2, 3))),
    "weight-short": (DataError, lambda: tl.from_arrays(rows(), LABELS, weight=[1.0])),
    "weight-text": (DataError, lambda: tl.from_arrays(rows(), LABELS, weight="balanced")),
    "dtype-half": (SettingError, lambda: tl.from_arrays(rows(), LABELS, dtype="float16")),
    "test-list": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=[rows(), LABELS])),
    "test-misses-class": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=2)),
    "test-new-label": (DataError, lambda: tl.from_arrays(rows(), LABELS, test=(rows(1), [7]))),
    "test-other-kind": (DataError, lambda: tl.from_arrays(rows(), LABELS, test=(rows(1), ["a"]))),
    "test-sparse-width": (
        DataError,
        lambda: tl.from_arrays(rows(), LABELS, test=(sparse.csr_array(rows(1, 2)), [1])),
    ),
    "test-other-width": (DataError, lambda: tl.from_arrays(rows(), LABELS, test=(rows(1, 2), [1]))),
    "split-seed": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=3, seed=-1)),
    "split-seed-text": (SettingError, lambda: tl.from_arrays(rows(), LABELS, test=3, seed="0")),
    "split-size": (SettingError, lambda: split(DATA.train, None)),
    "split-purpose": (SettingError, lambda: split(DATA.train, 3, purpose="training")),
    "data-split-again": (SettingError, lambda: DATA.split(3).split(3)),
    "data-split-size": (SettingError, lambda: DATA.split(0.0)),
    "data-split-seed": (SettingError, lambda: DATA.split(3, seed=2**64)),
    "data-hold-out-name": (SettingError, lambda: DATA.hold_out("name", 5)),
    "data-split-stratify": (SettingError, lambda: DATA.split(3, stratify="no")),
    "data-first-0": (SettingError, lambda: DATA.first(train=0)),
    "data-first-many": (SettingError, lambda: DATA.first(train=13)),
    "data-first-absent": (SettingError, lambda: DATA.first(test=1)),
    "data-first-true": (SettingError, lambda: DATA.first(train=True)),
    "digits-test": (SettingError, lambda: tl.load_digits(test=1797)),
    "digits-validation": (SettingError, lambda: tl.load_digits(validation=0)),
    "digits-seed": (SettingError, lambda: tl.load_digits(seed=-1)),
    "planar-kind": (SettingError, lambda: tl.load_planar("ring")),
    "planar-rows": (SettingError, lambda: tl.load_planar(rows=1)),
    "planar-validation": (SettingError, lambda: tl.load_planar(validation=None)),
    "planar-noise": (SettingError, lambda: tl.load_planar(noise=-0.1)),
    "planar-seed": (SettingError, lambda: tl.load_planar(seed=-1)),
    "batches-seed": (SettingError, lambda: Batches(10, 5).epoch(-1, 0)),
    "batches-memory": (SettingError, lambda: Batches(2**53, 2).epoch(0, 0)),
    "batches-memory-book": (SettingError, lambda: Batches(2, 2**53, "book").epoch(0, 0)),
    "batches-epoch-half": (SettingError, lambda: Batches(10, 5).epoch(0, 0.5)),
    "batches-epoch": (SettingError, lambda: Batches(10, 5).epoch(0, -1)),
    # derivatives
    "diff-h-0": (SettingError, lambda: tl.numerical_diff(grow, 1.0, h=0)),
    "diff-h-nan": (SettingError, lambda: tl.numerical_diff(grow, 1.0, h=NAN)),
    "diff-h-text": (SettingError, lambda: tl.numerical_diff(grow, 1.0, h="1e-4")),
    "diff-method": (SettingError, lambda: tl.numerical_diff(grow, 1.0, method="backward")),
    "diff-method-list": (SettingError, lambda: tl.numerical_diff(grow, 1.0, method=["central"])),
    "diff-f": (SettingError, lambda: tl.numerical_diff("x**2", 1.0)),
    "diff-x": (SettingError, lambda: tl.numerical_diff(grow, "one")),
    "diff-x-none": (SettingError, lambda: tl.numerical_diff(grow, None)),
    "gradient-h": (SettingError, lambda: tl.numerical_gradient(grow, [1.0], h=-1)),
    "gradient-method": (SettingError, lambda: tl.numerical_gradient(grow, [1.0], method="")),
    "gradient-f": (SettingError, lambda: tl.numerical_gradient(3, [1.0])),
    "gradient-x": (SettingError, lambda: tl.numerical_gradient(grow, ["a"])),
    "gradient-vector": (SettingError, lambda: tl.numerical_gradient(lambda x: x, [1.0, 2.0])),
    "gradient-none": (SettingError, lambda: tl.numerical_gradient(lambda x: None, [1.0])),
    "complex-h": (SettingError, lambda: complex_step_gradient(grow, [1.0], h=0)),
    "complex-x": (SettingError, lambda: complex_step_gradient(grow, "a")),
    "check-network": (SettingError, lambda: check(network="MLP")),
    "check-x-axes": (DataError, lambda: check(x=[1.0, 2.0])),
    "check-x-nan": (DataError, lambda: check(x=HOLED)),
    "check-x-sparse": (DataError, lambda: check(x=sparse.csr_array(rows()))),
    "check-x-text": (DataError, lambda: check(x=[["a"]])),
    "check-t-short": (DataError, lambda: check(t=LABELS[:-1])),
    "check-t-floats": (DataError, lambda: check(t=LABELS + 0.5)),
    "check-t-range": (DataError, lambda: check(t=LABELS, out_features=2)),
    "check-t-negative": (DataError, lambda: check(t=LABELS - 1)),
    "check-method-list": (SettingError, lambda: check(method=["central"])),
    "check-method": (SettingError, lambda: check(method="forward")),
    "check-h": (SettingError, lambda: check(h=0)),
    "check-seed": (SettingError, lambda: check(seed=-1)),
    "check-members": (SettingError, lambda: check(members=0)),
    "check-entries": (SettingError, lambda: check(entries=0)),
    "check-tolerance": (SettingError, lambda: check(tolerance=-1)),
    "check-params": (DataError, lambda: check(params=np.zeros(3))),
    # populations
    "population-empty": (SettingError, lambda: tl.Population([])),
    "population-other": (SettingError, lambda: tl.Population([tl.MLP()])),
    "population-number": (SettingError, lambda: tl.Population(3)),
    "grid-unknown": (SettingError, lambda: tl.Population.grid(learning_rate=0.1)),
    "grid-empty": (SettingError, lambda: tl.Population.grid(lr=[])),
    "grid-optimizer": (SettingError, lambda: tl.Population.grid(optimizer="adam")),
    "grid-network": (SettingError, lambda: tl.Population.grid(network=[(100, 100)])),
    "grid-seed": (SettingError, lambda: tl.Population.grid(seed=[0, -1])),
    "grid-value": (SettingError, lambda: tl.Population.grid(lr=[0.1, NAN])),
    "zip-lengths": (SettingError, lambda: tl.Population.zip(lr=[0.1, 0.2, 0.3], seed=[0, 1])),
    "grid-many": (SettingError, lambda: tl.Population.grid(seed=range(2**64))),
    "grid-product": (SettingError, lambda: tl.Population.grid(lr=[0.1] * 1025, seed=range(1024))),
    "grid-0-axes": (SettingError, lambda: tl.Population.grid(lr=np.array(-1.0))),
    "population-endless": (SettingError, lambda: tl.Population(itertools.repeat(tl.Member()))),
    "zip-empty": (SettingError, lambda: tl.Population.zip(seed=[])),
    "sample-0": (SettingError, lambda: tl.Population.sample(0, lr=[0.1])),
    "sample-many": (SettingError, lambda: tl.Population.sample(2**31)),
    "sample-product": (SettingError, lambda: tl.Population.sample(1025, seed=range(1024))),
    "sample-text": (SettingError, lambda: tl.Population.sample("10", lr=[0.1])),
    "sample-empty": (SettingError, lambda: tl.Population.sample(2, lr=[])),
    "sample-unknown": (SettingError, lambda: tl.Population.sample(2, rate=[0.1])),
    "sample-seed": (SettingError, lambda: tl.Population.sample(2, lr=[0.1], sampling_seed=-1)),
    "network-optimizer": (SettingError, lambda: tl.Network(optimizer="sgd")),
    "network-two": (SettingError, lambda: tl.Network(seed=[0, 1])),
    "build-in": (SettingError, lambda: tl.MLP().build(0, 10)),
    "build-out": (SettingError, lambda: tl.MLP().build(4, 2.5)),
    # training
    "fit-pair": (SettingError, lambda: fit(data=(rows(), LABELS))),
    "fit-none": (SettingError, lambda: fit(data=None)),
    "fit-task": (SettingError, lambda: fit(data=REGRESSION)),
    "fit-batch-0": (SettingError, lambda: fit(batch_size=0)),
    "fit-batch-1.5": (SettingError, lambda: fit(batch_size=1.5)),
    "fit-batch-text": (SettingError, lambda: fit(batch_size="100")),
    "fit-batch-huge": (SettingError, lambda: fit(batch_size=2**63)),
    "fit-steps-huge": (SettingError, lambda: fit(steps=2**63)),
    "fit-epochs-huge": (SettingError, lambda: fit(steps=None, epochs=10**12)),
    "fit-epochs-product": (
        SettingError,
        lambda: fit(steps=None, epochs=2**28 - 1, batch_size=1),
    ),
    "fit-steps-0": (SettingError, lambda: fit(steps=0)),
    "fit-steps-nan": (SettingError, lambda: fit(steps=NAN)),
    "fit-epochs": (SettingError, lambda: fit(steps=None, epochs=-1)),
    "fit-both": (SettingError, lambda: fit(steps=2, epochs=1)),
    "fit-batches": (SettingError, lambda: fit(batches="random")),
    "fit-batches-list": (SettingError, lambda: fit(batches=["book"])),
    "fit-evaluate": (SettingError, lambda: fit(evaluate="never")),
    "fit-evaluate-0": (SettingError, lambda: fit(evaluate=0)),
    "fit-evaluate-late": (SettingError, lambda: fit(evaluate=[1, 3])),
    "fit-evaluate-real": (SettingError, lambda: fit(evaluate=0.5)),
    "fit-on": (SettingError, lambda: fit(on="train")),
    "fit-on-absent": (SettingError, lambda: fit(on=("validation",))),
    "fit-on-number": (SettingError, lambda: fit(on=3)),
    "fit-on-unhashable": (SettingError, lambda: fit(on=(["train"],))),
    "fit-stopping": (SettingError, lambda: fit(early_stopping=3)),
    "fit-stopping-metric": (SettingError, lambda: fit(early_stopping=tl.EarlyStopping())),
    "fit-callbacks": (SettingError, lambda: fit(callbacks=["print"])),
    "fit-callback": (SettingError, lambda: fit(callbacks=print)),
    "fit-callback-class": (SettingError, lambda: fit(callbacks=[tl.Callback])),
    "fit-metrics": (SettingError, lambda: fit(metrics=["f1"])),
    "fit-metric": (SettingError, lambda: fit(metrics=3)),
    "fit-engine": (SettingError, lambda: fit(engine="jax")),
    "fit-workers": (SettingError, lambda: fit(workers=0)),
    "fit-workers-text": (SettingError, lambda: fit(workers="all")),
    "fit-backend": (SettingError, lambda: fit(backend="gpu")),
    "fit-backend-list": (SettingError, lambda: fit(backend=["threads"])),
    "fit-backend-true": (SettingError, lambda: fit(backend=True)),
    "fit-scheduler-alone": (SettingError, lambda: fit(scheduler="tcp://127.0.0.1:9")),
    "fit-scheduler-number": (SettingError, lambda: fit(backend="dask", scheduler=8786)),
    "fit-callbacks-far-away": (SettingError, lambda: fit(backend="loky", callbacks=[print])),
    "fit-keep": (SettingError, lambda: fit(keep="all")),
    "fit-keep-none": (SettingError, lambda: fit(keep=None)),
    "fit-keep-list": (SettingError, lambda: fit(keep=["history"])),
    "fit-dtype": (SettingError, lambda: fit(dtype="float16")),
    "fit-dtype-list": (SettingError, lambda: fit(dtype=["float32"])),
    "fit-store": (SettingError, lambda: fit(store=3)),
    "fit-store-in-a-file": (StoreError, lambda: fit(store=__file__)),
    "fit-run": (SettingError, lambda: fit(store="absent", run="")),
    "fit-run-number": (SettingError, lambda: fit(store="absent", run=3)),
    "fit-fresh": (SettingError, lambda: fit(store="absent", fresh=1)),
    "fit-progress": (SettingError, lambda: fit(progress="yes")),
    "predict-untrained": (NotTrainedError, lambda: tl.Network().predict(rows())),
    "parameters-untrained": (NotTrainedError, lambda: tl.Population.grid().parameters(0)),
    "parameters-index": (SettingError, lambda: TRAINED.parameters(2)),
    "parameters-text": (SettingError, lambda: TRAINED.parameters("a")),
    "score-untrained": (NotTrainedError, lambda: tl.Network().score(rows(), [0, 1])),
    "score-without-targets": (SettingError, lambda: TRAINED.score(rows())),
    "score-rows": (DataError, lambda: TRAINED.score(rows(4), [0, 1])),
    "register": (SettingError, lambda: tl.register("ReLU")),
    "predict-width": (DataError, lambda: TRAINED.predict(rows(4, 2))),
    "predict-one-row": (DataError, lambda: TRAINED.predict([1.0, 2.0, 3.0])),
    "predict-none": (DataError, lambda: TRAINED.predict(None)),
    "predict-nan": (DataError, lambda: TRAINED.predict(HOLED)),
    "predict-text": (DataError, lambda: TRAINED.predict([["a", "b", "c"]])),
    "predict-empty": (DataError, lambda: TRAINED.predict(np.empty((0, 3)))),
    "predict-complex": (DataError, lambda: TRAINED.predict(rows() + 1j)),
    "predict-sparse-width": (DataError, lambda: TRAINED.predict(sparse.csr_array(rows(4, 2)))),
    "predict-sparse-one-axis": (DataError, lambda: TRAINED.predict(sparse.coo_array(rows(1)[0]))),
    "predict-sparse-nan": (DataError, lambda: TRAINED.predict(sparse.csc_array(HOLED))),
    "predict-sparse-empty": (DataError, lambda: TRAINED.predict(sparse.csr_array((0, 3)))),
    "predict-sparse-complex": (
        DataError,
        lambda: TRAINED.predict(sparse.csr_array(rows() + 1j)),
    ),
    "predict-sparse-large": (DataError, lambda: TRAINED.predict(sparse.csr_array(rows() * 1e99))),
    "predict-sparse-broken": (DataError, lambda: TRAINED.predict(BROKEN)),
    "predict-sparse-objects": (DataError, lambda: TRAINED.predict(OBJECTS)),
    "predict-large": (DataError, lambda: TRAINED.predict(rows() * 1e99)),
    "proba-regression": (SettingError, lambda: REGRESSOR.predict_proba(rows())),
    "accuracy-sparse-t": (DataError, lambda: TRAINED.accuracy(rows(), sparse.csr_array(rows()))),
    "accuracy-rows": (DataError, lambda: TRAINED.accuracy(rows(), LABELS[:-1])),
    "accuracy-axes": (DataError, lambda: TRAINED.accuracy(rows(), np.zeros((12, 3), int))),
    "accuracy-range": (DataError, lambda: TRAINED.accuracy(rows(), LABELS + 1)),
    "accuracy-floats": (DataError, lambda: TRAINED.accuracy(rows(), LABELS * 0.5)),
    "accuracy-regression": (SettingError, lambda: REGRESSOR.accuracy(rows(), rows(12, 2))),
    # tables with words
    "encoder-frequency": (SettingError, lambda: encoder(min_frequency=0)),
    "encoder-frequency-share": (SettingError, lambda: encoder(min_frequency=0.1)),
    "encoder-categories": (SettingError, lambda: encoder(max_categories=True)),
    "encoder-categories-none": (SettingError, lambda: encoder(max_categories=None)),
    "encoder-words-text": (SettingError, lambda: encoder("kind")),
    "encoder-words-none": (SettingError, lambda: encoder(None)),
    "encoder-words-absent": (SettingError, lambda: encoder(["kind"])),
    "encoder-words-beyond": (SettingError, lambda: encoder([2])),
    "encoder-words-negative": (SettingError, lambda: encoder([-1])),
    "encoder-words-list": (SettingError, lambda: encoder([[0]])),
    "encoder-dates-text": (SettingError, lambda: encoder(dates="day")),
    "encoder-dates-none": (SettingError, lambda: encoder(dates=None)),
    "encoder-dates-absent": (SettingError, lambda: encoder(dates=["day"])),
    "encoder-dates-and-words": (SettingError, lambda: encoder([0], dates=[0])),
    "encoder-dates-order": (SettingError, lambda: encoder(dates={0: "ydm"})),
    "encoder-dates-in-doubt": (DataError, lambda: encoder(dates=[0], x=[["1/2/2024"]])),
    "encoder-dates-that-are-words": (DataError, lambda: encoder(dates=[0])),
    "encoder-means-without-y": (SettingError, lambda: encoder(target_means=[0])),
    "encoder-means-auto": (SettingError, lambda: encoder(target_means="auto")),
    "encoder-means-of-text": (SettingError, lambda: encoder(target_means=[0], text=[0])),
    "encoder-text-auto": (SettingError, lambda: encoder(text="auto")),
    "encoder-text-absent": (SettingError, lambda: encoder(text=["name"])),
    "encoder-text-and-words": (SettingError, lambda: encoder([0], text=[0])),
    "encoder-text-width": (SettingError, lambda: encoder(text=[0], text_width=0)),
    "encoder-infinite": (DataError, lambda: encoder(x=[[INF, 1.0]])),
    "encoder-infinite-object": (DataError, lambda: encoder(x=[[10**999, None]])),
    "encoder-a-word-later": (DataError, lambda: encoder().transform([["a", "b"]])),
    "encoder-a-word-unannounced": (DataError, lambda: encoder([])),
    # histories and statistics
    "history-name": (SettingError, lambda: HISTORY["loss"]),
    "history-unhashable": (SettingError, lambda: HISTORY[["train_loss"]]),
    "history-arms": (SettingError, lambda: HISTORY.arms("momentum")),
    "history-band": (SettingError, lambda: HISTORY.band("train_loss", level=95)),
    "history-band-name": (SettingError, lambda: HISTORY.band("loss")),
    "history-compare": (SettingError, lambda: HISTORY.compare(by="lr", name="loss")),
    "history-compare-at": (SettingError, lambda: HISTORY.compare("seed", at=3)),
    "history-plot": (SettingError, lambda: HISTORY.plot("loss")),
    "history-plot-smooth": (SettingError, lambda: HISTORY.plot("train_loss", smooth=2)),
    "smooth-0": (SettingError, lambda: evidence.smooth([1.0], window=0)),
    "smooth-1.5": (SettingError, lambda: evidence.smooth([1.0], window=1.5)),
    "smooth-beta": (SettingError, lambda: evidence.smooth([1.0] * 20, beta=NAN)),
    "smooth-text": (SettingError, lambda: evidence.smooth(["a"])),
    "smooth-number": (SettingError, lambda: evidence.smooth(1.0)),
    "band-axes": (SettingError, lambda: evidence.band([1.0, 2.0])),
    "band-text": (SettingError, lambda: evidence.band([["a"]])),
    "band-level": (SettingError, lambda: evidence.band([[1.0]], level=1)),
    "median-level": (SettingError, lambda: evidence.median_interval([1.0], level=NAN)),
    "median-level-text": (SettingError, lambda: evidence.median_interval([1.0], level="0.9")),
    "run-level": (SettingError, lambda: evidence.run_interval([1.0], level=0)),
    "compare-one": (SettingError, lambda: evidence.compare_all({"a": [1.0]})),
    "compare-lengths": (SettingError, lambda: evidence.compare("a", [1.0], "b", [1.0, 2.0])),
    "compare-seed": (
        SettingError,
        lambda: evidence.compare("a", rows()[:, 0], "b", [0.0] * 12, seed=-1),
    ),
    # files
    "idx-bytes-nan": (SettingError, lambda: read_idx("absent", max_bytes=NAN)),
    "idx-bytes-infinite": (SettingError, lambda: read_idx("absent", max_bytes=INF)),
    "idx-bytes-0": (SettingError, lambda: read_idx("absent", max_bytes=0)),
    "idx-bytes-true": (SettingError, lambda: read_idx("absent", max_bytes=True)),
    "idx-shape-number": (SettingError, lambda: read_idx("absent", shape=3)),
    "idx-shape-array": (SettingError, lambda: read_idx("absent", shape=np.array([3]))),
    "idx-shape-reals": (SettingError, lambda: read_idx("absent", shape=(3.0,))),
    "idx-sha256-short": (SettingError, lambda: read_idx("absent", sha256="ff")),
    "idx-sha256-array": (SettingError, lambda: read_idx("absent", sha256=np.array(["f", "f"]))),
    "mnist-download": (SettingError, lambda: tl.load_mnist(download="no")),
    "mnist-progress": (SettingError, lambda: tl.load_mnist(progress=np.array([1, 2]))),
    "fetch-progress": (SettingError, lambda: fetch_mnist(progress=None)),
    "score-model": (SettingError, lambda: score(None, "absent")),
    # experiments
    "find-name": (SettingError, lambda: find(["optimizer-comparisn"])),
    "find-other": (SettingError, lambda: find([3])),
    "report-own": (SettingError, lambda: build(".", own=None)),
    "report-own-text": (SettingError, lambda: build(".", own="mine")),
    "report-own-class": (SettingError, lambda: build(".", own=[int])),
    "report-own-array": (SettingError, lambda: build(".", own=np.array(1.0))),
    "report-own-endless": (SettingError, lambda: build(".", own=itertools.count())),
    "options-data": (SettingError, lambda: Options(data="cifar")),
    "options-data-list": (SettingError, lambda: Options(data=["digits"])),
    "options-seeds": (SettingError, lambda: Options(seeds=0)),
    "options-workers": (SettingError, lambda: Options(workers=1.5)),
    "options-backend": (SettingError, lambda: Options(backend="gpu")),
    "options-scheduler": (SettingError, lambda: Options(scheduler="tcp://127.0.0.1:9")),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    error, call = CALLS[name]
    complains(call, error)
    assert not list(tmp_path.iterdir())  # as a store that was opened for nothing would be


# ---------------------------------------------------------------- files


def idx(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0", b"text, not IDX", bytes([0, 0, 8, 0]), bytes([0, 0, 8, 1, 0, 0, 0, 3, 1])],
)
def test_files_that_hold_something_else(content: bytes, tmp_path: Path) -> None:
    path = idx(tmp_path / "images", content)
    complains(lambda: read_idx(path), DataError)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    complains(lambda: read_idx(tmp_path / "none"), DataError)
    complains(lambda: read_idx(tmp_path), DataError)
    complains(lambda: tl.load_mnist(tmp_path / "none"), DataError)


def test_folders_without_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAINLAB_DATA", raising=False)
    monkeypatch.setattr("trainlab.data.mnist.cache_folder", lambda: tmp_path / "cache")
    complains(lambda: tl.load_mnist(tmp_path, download=False), DownloadError)
    monkeypatch.setenv("TRAINLAB_DATA", str(tmp_path / "none"))
    complains(lambda: tl.load_mnist(), DataError)
