"""Experiment 12: a deep network learns 300 images by heart, with and without dropout."""

from __future__ import annotations

from typing import Final

from trainlab.experiments.base import Better, TrainingExperiment, Within
from trainlab.experiments.few_images import GAP, STEPS_PER_EPOCH, base
from trainlab.experiments.figures import overfitting

STEPS: Final = 301 * STEPS_PER_EPOCH
QUICK_STEPS: Final = 150 * STEPS_PER_EPOCH + 1
EQUATIONS: Final = (
    r"\mathrm{training:}\quad y_i = m_i x_i,\quad P(m_i = 0) = r,\ P(m_i = 1) = 1 - r",
    r"\mathrm{test:}\quad y_i = (1 - r)\,x_i",
)

EXPERIMENT = TrainingExperiment(
    name="dropout",
    number=12,
    title="Over-fitting and dropout",
    claim="A deep network memorises 300 images and does far worse on others; dropout brings its "
    "losses on the two closer together, and learns more slowly.",
    # The notes look after the first update of each of 301 epochs and at the end, and print the
    # losses of the first four batches after their updates.
    base=base(
        STEPS,
        quick={"mnist": QUICK_STEPS, "digits": QUICK_STEPS},
        looks={
            "mnist": (0, 1, 2, 3, *range(4, STEPS, STEPS_PER_EPOCH), STEPS),
            "digits": tuple(range(1, STEPS, 5 * STEPS_PER_EPOCH)),
        },
        on=("train", "test", "batch"),
    ),
    vary={f"dropout {ratio:g}": {"dropout": ratio} for ratio in (0.0, 0.15, 0.2)},
    equations=EQUATIONS,
    measure=GAP,
    expect=(
        Better("dropout 0.15", "dropout 0"),
        Better("dropout 0.2", "dropout 0"),
        Within("dropout 0", low=0.15),
    ),
    figure=overfitting(
        "Over-fitting of 300 images with and without dropout",
        STEPS_PER_EPOCH,
        "test loss − train loss",
    ),
    curves=("test_accuracy", "train_accuracy"),
    caption="Accuracy on the 300 training images and on all test images, and the gap between the "
    "losses on them. The book's dropout scales at test time, not during training.",
)
