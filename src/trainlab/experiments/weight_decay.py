"""Experiment 11: a deep network learns 300 images by heart, with and without weight decay."""

from __future__ import annotations

from typing import Final

from trainlab.experiments.base import Better, TrainingExperiment, Within
from trainlab.experiments.few_images import GAP, STEPS_PER_EPOCH, base
from trainlab.experiments.figures import overfitting

STEPS: Final = 200 * STEPS_PER_EPOCH + 1
"""The notes look after the first update of each of 201 epochs, and stop at the last look."""
QUICK_STEPS: Final = 100 * STEPS_PER_EPOCH + 1
EQUATIONS: Final = (
    r"L' = L + \frac{\lambda}{2} \sum W^2",
    r"W \leftarrow W - \eta \left( \frac{\partial L}{\partial W} + \lambda W \right)",
)

EXPERIMENT = TrainingExperiment(
    name="weight-decay",
    number=11,
    title="Over-fitting and weight decay",
    claim="A deep network memorises 300 images and does far worse on others; weight decay brings "
    "its losses on the two closer together.",
    base=base(
        STEPS,
        quick={"mnist": QUICK_STEPS, "digits": QUICK_STEPS},
        looks={
            "mnist": tuple(range(1, STEPS + 1, STEPS_PER_EPOCH)),
            "digits": tuple(range(1, STEPS + 1, 5 * STEPS_PER_EPOCH)),
        },
    ),
    vary={f"weight decay {rate:g}": {"weight_decay": rate} for rate in (0.0, 0.1)},
    equations=EQUATIONS,
    measure=GAP,
    expect=(Better("weight decay 0.1", "weight decay 0"), Within("weight decay 0", low=0.15)),
    figure=overfitting(
        "Over-fitting of 300 images with and without weight decay",
        STEPS_PER_EPOCH,
        "test loss − train loss",
        "test loss",
    ),
    curves=("test_accuracy", "train_accuracy"),
    caption="Accuracy on the 300 training images and on all test images, and losses (without the "
    "penalty). So much decay costs accuracy on both; weight-decay-ladder tries smaller values.",
)
