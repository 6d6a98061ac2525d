"""Experiment 10: networks with and without batch normalization, from weights of sixteen scales."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainlab.experiments.base import (
    Better,
    Measure,
    Setup,
    TrainingExperiment,
    Within,
    mean_of_last,
)
from trainlab.experiments.figures import pairs
from trainlab.network.activations import ReLU
from trainlab.network.architecture import MLP
from trainlab.network.initializers import Std
from trainlab.optimizers import SGD

STDS: Final = tuple(float(std) for std in np.logspace(0, -4, 16))
SCALES: Final = tuple(f"std={std:.3g}" for std in STDS)
KINDS: Final = ("plain", "batch norm")
STEPS_PER_EPOCH: Final = 10
STEPS: Final = 19 * STEPS_PER_EPOCH + 1
"""Twenty looks at the network: after the first update of each of 20 epochs."""


def setup(width: int) -> Setup:
    """Five hidden layers of this width, on the first 1,000 images."""
    return Setup(
        network=MLP(hidden=(width,) * 5, activation=ReLU(), convention="book"),
        optimizer=SGD.book(0.01),
        batch_size=100,
        steps=STEPS,
        quick_steps=9 * STEPS_PER_EPOCH + 1,
        rows=1_000,
        evaluate=tuple(range(1, STEPS + 1, STEPS_PER_EPOCH)),
        on=("train",),
    )


EXPERIMENT = TrainingExperiment(
    name="batch-norm",
    number=10,
    title="Batch normalization",
    claim="With batch normalization a deep network learns even from initial weights that would "
    "otherwise be far too large or far too small.",
    base={"mnist": setup(100), "digits": setup(50)},
    vary={
        f"{scale}, {kind}": {"init": Std(std), "norm": "batch" if kind == "batch norm" else None}
        for scale, std in zip(SCALES, STDS, strict=True)
        for kind in KINDS
    },
    equations=(
        r"\mu = \frac{1}{B} \sum_i x_i,\quad \sigma^2 = \frac{1}{B} \sum_i (x_i - \mu)^2",
        r"y_i = \gamma\,\frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta",
    ),
    measure=Measure("train accuracy at the end", mean_of_last("train_accuracy", 1), "higher"),
    # The tails alone: near He's scale a network of this depth may do better without.
    expect=(
        *(
            Better(f"{scale}, batch norm", f"{scale}, plain")
            for scale in (SCALES[0], *SCALES[5::3], SCALES[-1])
        ),
        # One class in ten, with room for the most frequent one.
        Within(f"{SCALES[-1]}, plain", high=0.15),
    ),
    figure=pairs(
        "Learning with and without batch norm, by the scale of the initial weights",
        SCALES,
        KINDS,
        STEPS_PER_EPOCH,
        "accuracy on the training images",
    ),
    curves=("train_accuracy",),
    caption="Accuracy on the 1,000 training images. Without batch normalization weights of "
    "standard deviation 1 lead to overflow: such a run ends where it diverged.",
)
