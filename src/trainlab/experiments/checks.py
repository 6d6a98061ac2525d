"""What `trainlab check` checks: every layer, activation and loss, and a network of your choice."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Final

from trainlab import memory
from trainlab.differentiation import GradientReport, gradient_check
from trainlab.differentiation.problem import INPUTS, OUTPUTS, ROWS, draw_targets
from trainlab.network.activations import ACTIVATIONS, Tanh
from trainlab.network.architecture import MLP
from trainlab.network.losses import LOSSES, SoftmaxCrossEntropy
from trainlab.streams import stream

MEMBERS: Final = 2

ENTRIES: Final = 200
"""Entries compared of each parameter of a network of choice: its errors are not rare ones."""


@dataclasses.dataclass(frozen=True)
class Checked:
    """One line of the table."""

    name: str
    report: GradientReport

    @property
    def compared(self) -> int:
        """The entries that were compared."""
        return sum(row.entries - row.crossed for row in self.report.rows)

    @property
    def crossed(self) -> int:
        """The entries left out because their difference would cross a kink."""
        return sum(row.crossed for row in self.report.rows)


def cases() -> Mapping[str, MLP]:
    """Name → a small network in which that part stands."""
    base = MLP(hidden=(6, 4), activation=Tanh())
    found = {
        "dense": base,
        "batch norm": dataclasses.replace(base, norm="batch"),
        "batch norm, book": dataclasses.replace(base, norm="batch", convention="book"),
        "layer norm": dataclasses.replace(base, norm="layer"),
        "dropout": dataclasses.replace(base, dropout=0.3),
        "dropout, book": dataclasses.replace(base, dropout=0.3, convention="book"),
        "weight decay and L1": dataclasses.replace(base, weight_decay=0.1, l1=0.01),
    }
    for name, make in ACTIVATIONS.items():
        found[f"activation {name}"] = dataclasses.replace(base, activation=make())
    for name, loss in LOSSES.items():
        found[f"loss {name}"] = dataclasses.replace(base, loss=loss())
    smoothed = SoftmaxCrossEntropy(label_smoothing=0.1)
    found["loss with label smoothing"] = dataclasses.replace(base, loss=smoothed)
    return found


def check_all(seed: int = 0) -> Iterator[Checked]:
    """The gradient check of every case, as a population of MEMBERS."""
    for name, network in cases().items():
        yield check_network(name, network, seed=seed, members=MEMBERS)


def check_network(
    name: str,
    network: MLP,
    inputs: int = INPUTS,
    outputs: int = OUTPUTS,
    seed: int = 0,
    members: int | None = None,
) -> Checked:
    """The gradient check of one network on random data that its loss accepts."""
    memory.need(8 * ROWS * (inputs + outputs), "inputs and outputs", name)
    rng = stream(seed, "experiment")
    x = rng.standard_normal((ROWS, inputs))
    t = draw_targets(network.loss.task, (ROWS, outputs), rng)
    report = gradient_check(
        network, x, t, seed=seed, members=members, out_features=outputs, entries=ENTRIES
    )
    return Checked(name, report)
