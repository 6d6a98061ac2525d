"""PyTorch as most people use it: one network, one optimizer, one loop; fused optimizers.

The members are trained one after the other on one or two threads, or by two processes
with one thread each, whichever a short trial finds to be the quickest.  Weight decay is
the optimizer's, which decays biases too: the work is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.contestants.base import (
    Contestant,
    Outcome,
    collect,
    last,
    quickest,
    starting_weights,
)
from benchmarks.contestants.team import Team
from benchmarks.data import Data
from benchmarks.workloads import Setting, Workload


class TorchEager(Contestant):
    """One network after the other."""

    warm_up_steps = 20
    team: Team | None = None
    processes = 1
    threads = 1

    def tune(self) -> None:
        members = len(self.workload.members)
        if members > 1:
            self.team = Team(train, self.workload, self.data)

        def trial(option: tuple[int, int]) -> float:
            some = range(min(members, 8))
            self._train(some, min(self.workload.steps, 100), *option)
            return len(some)

        options = [(1, 1), (1, 2)] + [(2, 1)] * (members > 1)
        self.processes, self.threads = quickest(options, trial)
        self.options = {"processes": self.processes, "threads of each": self.threads}

    def run(self, steps: int | None = None) -> Outcome:
        steps = self.workload.steps if steps is None else min(steps, self.workload.steps)
        members = range(len(self.workload.members))
        return self._train(members, steps, self.processes, self.threads)

    def _train(self, members: range, steps: int, processes: int, threads: int) -> Outcome:
        if processes == 1 or self.team is None:
            return train(self.workload, self.data, members, steps, threads)
        shares = [members[i::processes] for i in range(processes)]
        return self.team.run(shares, steps, threads=threads)


def train(
    workload: Workload, data: Data, members: Sequence[int], steps: int, threads: int
) -> Outcome:
    """Trains the members with these numbers, one after the other."""
    torch.set_num_threads(threads)
    tensors = {split: (torch.from_numpy(x), torch.from_numpy(t)) for split, (x, t) in data.items()}
    return collect(_train_one(workload, tensors, workload.members[i], steps) for i in members)


def _train_one(
    workload: Workload, data: dict[str, Any], member: Setting, steps: int
) -> dict[str, float]:
    network = _network(workload, member)
    optimizer = _optimizer(network, member)
    x, t = data["train"]
    losses, accuracies = np.empty(steps, np.float32), dict[str, float]()
    evaluations = set(workload.evaluations())
    for step, rows in enumerate(workload.batches(member.seed, steps)):
        chosen = torch.from_numpy(rows)
        loss = functional.cross_entropy(network(x[chosen]), t[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses[step] = loss.item()
        if step + 1 in evaluations:
            network.eval()
            with torch.inference_mode():
                for split in workload.on:
                    x_split, t_split = data[split]
                    right = network(x_split).argmax(dim=1) == t_split
                    accuracies[f"{split}_accuracy"] = right.float().mean().item()
            network.train()
    return {"loss": last(losses, steps), **accuracies}


def _network(workload: Workload, member: Setting) -> nn.Sequential:
    layers: list[nn.Module] = []
    starts = starting_weights(workload, member)
    for i, (W, b) in enumerate(starts, start=1):
        linear = nn.utils.skip_init(nn.Linear, *W.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.copy_(torch.from_numpy(b))
        layers.append(linear)
        if i < len(starts):
            if member.batch_norm:
                layers.append(nn.BatchNorm1d(W.shape[1]))
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def _optimizer(network: nn.Module, member: Setting) -> torch.optim.Optimizer:
    same = {"lr": member.lr, "weight_decay": member.weight_decay, "fused": True}
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "sgd": (torch.optim.SGD, {}),
        "momentum": (torch.optim.SGD, {"momentum": 0.9}),
        "adagrad": (torch.optim.Adagrad, {}),
        "adam": (torch.optim.Adam, {}),
    }
    kind, own = kinds[member.optimizer]
    optimizer: torch.optim.Optimizer = kind(network.parameters(), **same, **own)
    return optimizer


prepare = TorchEager
