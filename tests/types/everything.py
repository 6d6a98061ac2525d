"""A user's script that uses every public name: checked by type checkers, and run.

`assert_type` says what a reader of an attribute, and an editor, must be told.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import assert_type

import numpy as np

import trainlab as tl


def main() -> None:
    """The script."""
    # Settings may be given by name, and are read as what they stand for.
    mlp = tl.MLP(
        hidden=[8, 8],
        activation="relu",
        init="he",
        output_init=0.01,
        norm="batch",
        dropout=0,
        loss="softmax_cross_entropy",
    )
    assert_type(mlp.hidden, tuple[int, ...])
    assert_type(mlp.activation, tl.Activation)
    assert_type(mlp.init, tl.Initializer)
    assert_type(mlp.output_init, tl.Initializer | None)
    assert_type(mlp.norm, tl.Layer | str | None)
    assert_type(mlp.loss, tl.Loss)
    assert_type(tl.Member(mlp, tl.Adam(schedule="cosine")).optimizer.schedule, tl.Schedule)
    assert_type(tl.WarmUp(steps=3, then="cosine").then, tl.Schedule)

    activations = [tl.ELU(1.5), tl.GELU(), tl.Identity(), tl.LeakyReLU(0.1), tl.ReLU()]
    activations += [tl.Sigmoid(), tl.Softplus(), tl.Tanh()]
    initializers = [tl.GlorotNormal(), tl.GlorotUniform(), tl.He(), tl.LeCun(), tl.Orthogonal(2.0)]
    initializers += [tl.Std(0.1), tl.Xavier()]
    losses = [
        tl.Huber(),
        tl.MeanSquaredError(),
        tl.SigmoidCrossEntropy(),
        tl.SoftmaxCrossEntropy(0.1),
    ]
    norms = [tl.BatchNorm(), tl.LayerNorm(), tl.BatchNorm.book()]
    optimizers = [
        tl.AMSGrad(),
        tl.AdaGrad(),
        tl.Adam(),
        tl.AdamW(),
        tl.Lion(),
        tl.Momentum.book(lr=0.1),
    ]
    optimizers += [tl.NAdam(), tl.Nesterov(), tl.RMSprop(), tl.SGD(1)]
    schedules = [
        tl.Constant(),
        tl.Cosine(floor=0.1),
        tl.Exponential(0.9),
        tl.OneCycle(),
        tl.Step(10),
    ]
    networks = [tl.MLP((5,), activation=one) for one in activations]
    networks += [tl.MLP((5,), init=one) for one in initializers]
    networks += [tl.MLP((5,), norm=one) for one in norms]
    networks += [tl.MLP(5, loss=one) for one in losses[2:]]
    optimizers += [tl.Adam(schedule=one) for one in schedules]

    parts = [tl.Activate(tl.ReLU()), tl.Dense(5), tl.Dropout(0.5)]
    assert all(isinstance(one, tl.Layer) for one in parts)
    bases = [tl.Callback, tl.Declaration, tl.Metric, tl.Mode, tl.Moment, tl.Optimizer, tl.Parameter]
    assert all(isinstance(one, type) for one in [*bases, tl.Progress, tl.Slot])
    assert callable(tl.register)

    data = tl.load_digits().split(validation=0.2)
    tl.load_planar("moons", rows=10, noise=0.1)
    assert_type(data, tl.Dataset)
    assert tl.load_mnist is tl.datasets.load_mnist
    small = tl.from_arrays(data.train.x[:50], data.train.t[:50], test=(data.test.x, data.test.t))
    small = small.first(train=40, test=10)

    population = tl.Population.grid(mlp, optimizers[:2], seed=range(2), dropout=[0.0, 0.5])
    history = population.fit(
        data,
        batch_size=50,
        steps=20,
        evaluate=[10, 20],
        on=["validation"],
        early_stopping=tl.EarlyStopping(patience=5),
        callbacks=[lambda member, updates, metrics: None],
        dtype="float64",
        keep="state",
        engine="numpy",
        workers=1,
        progress=False,
    )
    assert_type(history, tl.History)
    for comparison in history.compare("optimizer"):
        assert_type(comparison.mean, float)
    assert_type(population[0], tl.Member)
    population.set_parameters(1, {**population.parameters(0), **population.buffers(0)})
    assert_type([name for name in history if name in history], list[str])
    axes = history.plot("train_loss", by="optimizer")
    axes = history.plot("validation_loss", ax=axes)
    running = population.start(small, epochs=1000, engine="numpy")
    running.pause()
    assert_type(running, tl.Running[tl.Population])
    assert_type(running.change(lr=0.002, members=[0, 1]), tuple[tl.Change, ...])
    assert_type(running.clone(1, dropout=0.1), tl.Population)
    running.resume()
    assert_type(running.wait().changes, tuple[tl.Change, ...])
    population.fit(small, epochs=1, changes=[tl.Change(0, {"l1": 0.001}, [2])])
    assert callable(tl.live)

    network = tl.Network(mlp, tl.Adam(0.01, schedule="cosine"), seed=1)
    network.fit(data, epochs=1, workers=1)
    assert_type(network.accuracy(data.test.x, data.test.t), float)
    loggers: list[type[tl.Callback]] = [tl.MLflowLogger, tl.TensorBoardLogger, tl.WandbLogger]
    assert all(issubclass(one, tl.Callback) for one in loggers)
    rates: tl.RateRange = tl.rate_range_test(data, tl.MLP((3,)), steps=20, seeds=2)
    assert rates.rates[0] < rates.rates[-1]
    report = tl.gradient_check(tl.MLP((3,), norm="layer"), data.train.x[:5], data.train.t[:5])
    assert report.ok
    assert tl.numerical_diff(lambda x: x**2, 3.0) > 0
    assert len(tl.numerical_gradient(lambda x: float((x**2).sum()), [3, 4])) == 2

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.safetensors")
        tl.save(network, path)
        assert_type(tl.load(path, tl.Network), tl.Network)
        tl.load(path).predict(data.test.x)
        tl.export_onnx(network, Path(folder, "network.onnx"))
        history.plot("train_loss").figure.savefig(Path(folder, "losses.png"))
        rates.plot().figure.savefig(Path(folder, "rates.png"))
        rates.plot(axes)

    X, y = data.train.x[:60], np.asarray(data.train.t[:60])
    estimators: list[object] = [tl.MLPClassifier((5,), activation="tanh", max_iter=2).fit(X, y)]
    estimators += [tl.MLPRegressor((5,), max_iter=2).fit(X, y.astype(float))]
    estimators += [tl.TableEncoder().fit(X)]
    estimators += [tl.PopulationSearchCV(tl.MLPClassifier(), {"alpha": [0.0, 0.1]}, cv=2)]
    estimators += [tl.PopulationEnsembleClassifier(), tl.PopulationEnsembleRegressor(trees=False)]

    errors = [tl.DataError, tl.DownloadError, tl.ModelFileError, tl.NotTrainedError]
    errors += [tl.SettingError, tl.StoreError, tl.WorkerError]
    assert all(issubclass(one, tl.TrainlabError) for one in errors)


if __name__ == "__main__":
    main()
