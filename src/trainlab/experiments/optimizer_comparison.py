"""Experiment 7: the same networks under six optimizers."""

from __future__ import annotations

from trainlab.experiments.base import Better, Measure, Setup, TrainingExperiment, mean_of_last
from trainlab.experiments.figures import losses
from trainlab.network.activations import ReLU
from trainlab.network.architecture import MLP
from trainlab.network.initializers import He
from trainlab.optimizers import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop

EXPERIMENT = TrainingExperiment(
    name="optimizer-comparison",
    number=7,
    title="Optimizers compared",
    claim="Momentum and the methods with a rate of their own for each weight train a deep "
    "network faster than plain SGD.",
    base={
        "mnist": Setup(
            network=MLP(hidden=(100,) * 4, activation=ReLU(), init=He(), convention="book"),
            optimizer=SGD.book(0.01),
            batch_size=128,
            steps=2_000,
            quick_steps=300,
            evaluate=100,
            on=("batch",),
        ),
        "digits": Setup(
            network=MLP(hidden=(50,) * 4, activation=ReLU(), init=He(), convention="book"),
            optimizer=SGD.book(0.01),
            batch_size=64,
            steps=600,
            quick_steps=300,
        ),
    },
    vary={
        "SGD": {"optimizer": SGD.book(0.01)},
        "Momentum": {"optimizer": Momentum.book(0.01)},
        "AdaGrad": {"optimizer": AdaGrad.book(0.01)},
        "Adam": {"optimizer": Adam.book(0.001)},
        "Nesterov": {"optimizer": Nesterov.book(0.01)},
        "RMSprop": {"optimizer": RMSprop.book(0.001)},
    },
    equations=(
        r"\mathrm{SGD:}\quad W \leftarrow W - \eta\,g",
        r"\mathrm{Momentum:}\quad v \leftarrow \mu v - \eta\,g,\quad W \leftarrow W + v",
        r"\mathrm{AdaGrad:}\quad h \leftarrow h + g^2,\quad W \leftarrow W - \eta\,g / \sqrt{h}",
        r"\mathrm{Adam:}\quad m \leftarrow \beta_1 m + (1 - \beta_1)\,g,",
        r"\quad v \leftarrow \beta_2 v + (1 - \beta_2)\,g^2,",
        r"\quad W \leftarrow W - \eta\,\hat{m} / \sqrt{\hat{v}}",
    ),
    measure=Measure("mean loss of the last 100 batches", mean_of_last("train_loss", 100)),
    expect=tuple(Better(arm, "SGD") for arm in ("Momentum", "AdaGrad", "Adam", "Nesterov")),
    figure=losses(None, 100, "Training loss of six optimizers"),
    curves=("train_loss",),
    caption="Loss of each batch before its update, smoothed (Kaiser window 11, β = 2), "
    "on a logarithmic axis; a marker every 100 steps.",
)
