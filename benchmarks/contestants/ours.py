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

    def __init__(
        self, workload: Workload, data: Data, count: int | None = None, engine: str | None = None
    ) -> None:
        super().__init__(workload, data, count)
        self._engine = {} if engine is None else {"engine": engine}
        held: dict[str, Any] = {name: data[name] for name in ("validation", "test") if name in data}
        self.dataset = tl.from_arrays(*data["train"], **held)

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
            **self._engine,  # type: ignore[arg-type]  # the first edition has no such argument
        )
        found = {"loss": [last(losses, steps) for losses in history["train_loss"]]}
        if evaluations:
            for split in workload.on:
                found[f"{split}_accuracy"] = history[f"{split}_accuracy"][:, -1].tolist()
        ended = sum(status.kind == "diverged" for status in history.status)
        self.options["diverged and stopped"] = ended
        self.options["engine"] = getattr(history, "engine", "numpy")  # all that there was at first
        return found


def _member(setting: Setting) -> tl.Member:
    norm: dict[str, Any] = {}
    if setting.batch_norm:  # which the first edition calls otherwise
        has_norm = "norm" in tl.MLP.__dataclass_fields__
        norm = {"norm": "batch"} if has_norm else {"batch_norm": True}
    network = tl.MLP(
        hidden=setting.hidden, init=setting.init, weight_decay=setting.weight_decay, **norm
    )
    return tl.Member(network, OPTIMIZERS[setting.optimizer](setting.lr), setting.seed)


prepare = Ours
