"""Experiment 5: a network of two layers learns digits, with a sigmoid and with a ReLU layer."""

from __future__ import annotations

from trainlab.experiments.base import Measure, Setup, TrainingExperiment, Within, mean_of_last
from trainlab.experiments.figures import accuracies
from trainlab.network.activations import ReLU, Sigmoid
from trainlab.network.architecture import MLP
from trainlab.network.initializers import Std
from trainlab.optimizers import SGD

EXPERIMENT = TrainingExperiment(
    name="two-layer-network",
    number=5,
    title="Two-layer network",
    claim="Fifty hidden units learn to read digits, and on images never seen they do almost as "
    "well as on those they were trained on.",
    base={
        "mnist": Setup(
            network=MLP(hidden=(50,), activation=Sigmoid(), init=Std(0.01)),
            optimizer=SGD(0.1),
            batch_size=100,
            steps=10_000,
            quick_steps=1_800,
            evaluate="epoch",
            on=("train", "test"),
        ),
        # 8 × 8 images carry less signal per step: with a sigmoid layer of std 0.01 the loss
        # leaves its plateau later, so the rate is 0.5 instead of 0.1.
        "digits": Setup(
            network=MLP(hidden=(50,), activation=Sigmoid(), init=Std(0.01)),
            optimizer=SGD(0.5),
            batch_size=100,
            steps=2_000,
            quick_steps=1_000,
            evaluate=50,
            on=("train", "test"),
        ),
    },
    vary={"sigmoid": {"activation": Sigmoid()}, "ReLU": {"activation": ReLU()}},
    equations=(
        r"y = \mathrm{softmax}(h(x W_1 + b_1)\,W_2 + b_2)",
        r"W \leftarrow W - \eta\,\frac{\partial L}{\partial W}",
    ),
    measure=Measure("test accuracy at the end", mean_of_last("test_accuracy", 1), "higher"),
    expect=(Within("sigmoid", low=0.85), Within("ReLU", low=0.85)),
    curves=("test_accuracy", "train_accuracy"),
    figure=accuracies("Accuracy of a network of two layers, by activation"),
    caption="Accuracy on all training and all test images, from weights of standard deviation "
    "0.01; h is the activation.",
)
