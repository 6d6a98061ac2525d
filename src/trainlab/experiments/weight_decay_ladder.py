"""Experiment 11, continued: how much weight decay is best?"""

from __future__ import annotations

from typing import Final

from trainlab.experiments.base import Better, TrainingExperiment
from trainlab.experiments.few_images import TEST_LOSS, base
from trainlab.experiments.figures import ladder
from trainlab.experiments.weight_decay import EQUATIONS, QUICK_STEPS, STEPS

RATES: Final = (0.0, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)

EXPERIMENT = TrainingExperiment(
    name="weight-decay-ladder",
    number=11,
    title="Weight decay, from none to too much",
    claim="Some weight decay lowers the loss on images never seen; with much of it the network "
    "does not learn.",
    # On the digits its benefit does not show any earlier.
    base=base(
        STEPS,
        quick={"mnist": QUICK_STEPS, "digits": STEPS},
        looks={"mnist": (), "digits": ()},
    ),
    vary={f"weight decay {rate:g}": {"weight_decay": rate} for rate in RATES},
    equations=EQUATIONS,
    measure=TEST_LOSS,
    expect=(
        Better("weight decay 0.003", "weight decay 0"),
        Better("weight decay 0.003", "weight decay 1"),
    ),
    figure=ladder("Accuracy and loss by weight decay", "weight_decay", "weight decay λ", log=True),
    curves=("train_loss",),
    caption="At the end of training on 300 images: accuracy on them and on all test images, test "
    "loss, and the gap between test and train loss, without the penalty.",
)
