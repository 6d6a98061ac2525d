"""Experiment 12, continued: how much dropout is best?"""

from __future__ import annotations

from typing import Final

from trainlab.experiments.base import Better, TrainingExperiment
from trainlab.experiments.dropout import EQUATIONS, QUICK_STEPS, STEPS
from trainlab.experiments.few_images import TEST_LOSS, base
from trainlab.experiments.figures import ladder

RATIOS: Final = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)

EXPERIMENT = TrainingExperiment(
    name="dropout-ladder",
    number=12,
    title="Dropout, from none to half of the units",
    claim="Some dropout lowers the loss on images never seen; with half of the units dropped a "
    "network of so many layers hardly learns.",
    # On the digits its benefit does not show any earlier.
    base=base(
        STEPS,
        quick={"mnist": QUICK_STEPS, "digits": STEPS},
        looks={"mnist": (), "digits": ()},
    ),
    vary={f"dropout {ratio:g}": {"dropout": ratio} for ratio in RATIOS},
    equations=EQUATIONS,
    measure=TEST_LOSS,
    expect=(Better("dropout 0.1", "dropout 0"), Better("dropout 0.1", "dropout 0.5")),
    figure=ladder("Accuracy and loss by the ratio of dropout", "dropout", "dropout ratio"),
    curves=("train_loss",),
    caption="At the end of training on 300 images: accuracy on them and on all test images, test "
    "loss, and the gap between test and train loss.",
)
