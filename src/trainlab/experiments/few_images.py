"""What experiments 11 and 12 share: a deep network, 300 images, and how far it over-fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trainlab.experiments.base import Measure, Setup, last_difference, mean_of_last
from trainlab.network.activations import ReLU
from trainlab.network.architecture import MLP
from trainlab.optimizers import SGD

STEPS_PER_EPOCH: Final = 3

# Losses and not accuracies: an over-fitted network is sure of its mistakes, and a ReLU network
# decides nearly the same when its activations are scaled, as by dropout at test time.
GAP: Final = Measure(
    "gap between test and train loss", last_difference("test_loss", "train_evaluation_loss")
)
TEST_LOSS: Final = Measure("test loss at the end", mean_of_last("test_loss", 1))


def base(
    steps: int,
    quick: Mapping[str, int],
    looks: Mapping[str, tuple[int, ...]],
    on: tuple[str, ...] = ("train", "test"),
) -> dict[str, Setup]:
    """The setups for both data sets: steps, those of a quick run, and when to look before the end.

    8 × 8 images carry less signal per step: fewer layers and a greater rate.
    """

    def setup(data: str, hidden: tuple[int, ...], rate: float) -> Setup:
        return Setup(
            network=MLP(hidden=hidden, activation=ReLU(), convention="book"),
            optimizer=SGD.book(rate),
            batch_size=100,
            steps=steps,
            quick_steps=quick[data],
            rows=300,
            evaluate=looks[data],
            on=on,
        )

    return {
        "mnist": setup("mnist", (100,) * 6, 0.01),
        "digits": setup("digits", (50,) * 4, 0.05),
    }
