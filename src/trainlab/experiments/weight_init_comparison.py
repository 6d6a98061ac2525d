"""Experiment 9: the same networks from weights of three scales."""

from __future__ import annotations

from trainlab.experiments.base import (
    Better,
    Measure,
    Setup,
    TrainingExperiment,
    Within,
    mean_of_last,
)
from trainlab.experiments.figures import losses
from trainlab.network.activations import ReLU
from trainlab.network.architecture import MLP
from trainlab.network.initializers import He, Std, Xavier
from trainlab.optimizers import SGD

EXPERIMENT = TrainingExperiment(
    name="weight-init-comparison",
    number=9,
    title="Initial weights compared",
    claim="With ReLU a network learns faster from He's initial weights than from Xavier's, and "
    "from weights of standard deviation 0.01 it does not learn at all.",
    base={
        "mnist": Setup(
            network=MLP(hidden=(100,) * 4, activation=ReLU(), convention="book"),
            optimizer=SGD.book(0.01),
            batch_size=128,
            steps=2_000,
            quick_steps=300,
            evaluate=100,
            on=("batch",),
        ),
        "digits": Setup(
            network=MLP(hidden=(50,) * 4, activation=ReLU(), convention="book"),
            optimizer=SGD.book(0.01),
            batch_size=64,
            steps=1_000,
            quick_steps=600,
        ),
    },
    vary={"std=0.01": {"init": Std(0.01)}, "Xavier": {"init": Xavier()}, "He": {"init": He()}},
    equations=(
        r"W_{ij} \sim N(0, \sigma^2),\quad n = \mathrm{inputs\ of\ the\ layer}",
        r"\sigma_{\mathrm{Xavier}} = \sqrt{1/n},\quad \sigma_{\mathrm{He}} = \sqrt{2/n}",
    ),
    measure=Measure("mean loss of the last 100 batches", mean_of_last("train_loss", 100)),
    expect=(
        Better("He", "Xavier"),
        Better("Xavier", "std=0.01"),
        # ln 10 = 2.3026 is the loss of a network that says 1/10 to everything.
        Within("std=0.01", low=2.2, high=2.31),
    ),
    figure=losses(2.5, 100, "Training loss from weights of three scales"),
    curves=("train_loss",),
    caption="Loss of each batch before its update, smoothed (Kaiser window 11, β = 2); "
    "a marker every 100 steps.",
)
