"""trainlab: `Population.fit`, as a user calls it."""

from __future__ import annotations

from typing import Any, Final

import trainlab as tl
from benchmarks.contestants.base import Contestant, Outcome, last
from benchmarks.data import Data
from benchmarks.workloads import Setting, Workload

OPTIMIZERS: Final = {
    "sgd": tl.SGD,
    "momentum": tl.Momentum,
    "adagrad": tl.AdaGrad,
    "adam": tl.Adam,
}


class Ours(Contestant):
    """A population of all members; threads and sizes of chunks are left to trainlab."""

    warm_up_steps = 20

    def __init__(self, workload: Workload, data: Data, count: int | None = None) -> None:
        super().__init__(workload, data, count)
        held: dict[str, Any] = {name: data[name] for name in ("validation", "test") if name in data}
        self.dataset = tl.datasets.from_arrays(*data["train"], **held)

    def run(self, steps: int | None = None) -> Outcome:
        workload = self.workload
        steps = workload.steps if steps is None else min(steps, workload.steps)
        evaluations = [step for step in workload.evaluations() if step <= steps]
        population = tl.Population([_member(member) for member in workload.members])
        history = population.fit(
            self.dataset,
            batch_size=workload.batch_size,
            steps=steps,
            batches="book" if workload.replacement else "permutation",
            evaluate=evaluations or None,
            on=workload.on if evaluations else None,
        )
        found = {"loss": [last(losses, steps) for losses in history["train_loss"]]}
        if evaluations:
            for split in workload.on:
                found[f"{split}_accuracy"] = history[f"{split}_accuracy"][:, -1].tolist()
        ended = sum(status.kind == "diverged" for status in history.status)
        self.options["diverged and stopped"] = ended
        return found


def _member(setting: Setting) -> tl.Member:
    network = tl.MLP(
        hidden=setting.hidden,
        init=setting.init,
        norm="batch" if setting.batch_norm else None,
        weight_decay=setting.weight_decay,
    )
    return tl.Member(network, OPTIMIZERS[setting.optimizer](setting.lr), setting.seed)


prepare = Ours
