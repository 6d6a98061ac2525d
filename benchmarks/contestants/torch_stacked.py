"""PyTorch with a population axis: weights (K, in, out), one `baddbmm` per layer for K networks.

The losses are summed over the members, so one backward pass serves all; a batch that
members share is expanded, not copied.  The optimizers are PyTorch's fused ones on the
stacked tensors.  A rate of its own for each member (SGD) is a weight of its loss, which
costs nothing; its weight decay is a product on the weights before the step.
Stack size, threads and processes are found by short trials.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.contestants import stacks
from benchmarks.contestants.base import Contestant, Outcome, last, quickest
from benchmarks.contestants.team import Team, ordered
from benchmarks.data import Data
from benchmarks.workloads import Workload

Layers = list[list[Tensor]]
"""Per layer W (K, in, out), b (K, 1, out), and with batch-norm γ, β (K, 1, out)."""

Choice = tuple[int, int, int]  # networks per stack, processes, threads of each


class TorchStacked(Contestant):
    """Stacks of members, one after the other, or by two processes with one thread each."""

    warm_up_steps = 20
    choice: Choice = (1, 1, 1)
    team: Team | None = None

    def __init__(
        self, workload: Workload, data: Data, count: int | None = None, compiled: bool = False
    ) -> None:
        super().__init__(workload, data, count)
        self.compiled = compiled

    def tune(self) -> None:
        sizes, members = stacks.sizes(self.workload), len(self.workload.members)
        steps = min(self.workload.steps, 10)

        def trial(choice: Choice) -> float:
            some = range(min(members, max(choice[0] * choice[1], 10)))
            self._train(some, steps, choice, compiled=False)
            return len(some)

        size = quickest([(size, 1, 1) for size in sizes], trial)[0]
        options = [(size, 1, 1), (size, 1, 2), (sizes[-1], 1, 2)]
        if members > 1:
            self.team = Team(train, self.workload, self.data)
            options.append((min(size, -(-members // 2)), 2, 1))
        self.choice = quickest(options, trial)
        names = ("networks per stack", "processes", "threads of each")
        self.options = dict(zip(names, self.choice, strict=True))

    def compile(self) -> bool:
        if self.compiled:  # at the first call for each shape: here a full batch and the smaller one
            workload, members = self.workload, range(len(self.workload.members))
            rows = workload.batch_size + workload.ragged
            self._train(members, 2, self.choice, True, None if workload.replacement else rows)
        return self.compiled

    def run(self, steps: int | None = None) -> Outcome:
        steps = self.workload.steps if steps is None else min(steps, self.workload.steps)
        members = range(len(self.workload.members))
        return self._train(members, steps, self.choice, self.compiled)

    def _train(
        self, members: range, steps: int, choice: Choice, compiled: bool, rows: int | None = None
    ) -> Outcome:
        size, processes, threads = choice
        options: dict[str, Any] = {
            "size": size,
            "threads": threads,
            "compiled": compiled,
            "rows": rows,
        }
        if processes == 1 or self.team is None:
            return train(self.workload, self.data, list(members), steps, **options)
        pieces = stacks.split(self.workload, members, size)
        shares = [sorted(chain(*pieces[i::processes])) for i in range(processes)]
        return self.team.run(shares, steps, **options)


def train(
    workload: Workload,
    data: Data,
    members: Sequence[int],
    steps: int,
    size: int,
    threads: int,
    compiled: bool,
    rows: int | None = None,
) -> Outcome:
    """Trains the members with these numbers in stacks of at most `size`, rising in number.

    `rows`: on the first rows of the training split only.
    """
    if rows is not None:
        workload = dataclasses.replace(workload, train_rows=rows)
    torch.set_num_threads(threads)
    pieces = stacks.split(workload, members, size)
    losses = _compiled() if compiled else _losses
    outcomes = [_Stack(workload, data, piece, losses).train(steps) for piece in pieces]
    return ordered(pieces, outcomes)


class _Stack:
    """Members of one structure in one set of tensors."""

    def __init__(
        self, workload: Workload, data: Data, members: Sequence[int], losses: Callable[..., Tensor]
    ) -> None:
        self.workload = workload
        self.members = [workload.members[i] for i in members]
        self.data = {n: (torch.from_numpy(x), torch.from_numpy(t)) for n, (x, t) in data.items()}
        self.losses = losses
        self.layers: Layers = []
        self.statistics: list[tuple[Tensor, Tensor]] = []  # running means and variances (K·out,)
        starts = stacks.stacked_weights(workload, self.members)
        for i, (W, b) in enumerate(starts, start=1):
            layer = [torch.from_numpy(W), torch.from_numpy(b)]
            if self.members[0].batch_norm and i < len(starts):
                layer += [torch.ones_like(layer[1]), torch.zeros_like(layer[1])]
                flat = layer[1].numel()
                self.statistics.append((torch.zeros(flat), torch.ones(flat)))
            self.layers.append([tensor.requires_grad_() for tensor in layer])
        self.parameters = [tensor for layer in self.layers for tensor in layer]
        self.segments = stacks.segments(self.members)
        self.optimizers = [self._optimizer(rows, one) for rows, one in self.segments]
        # Under SGD the rate weighs the loss; elsewhere it is the optimizer's.
        weights = [m.lr if m.optimizer == "sgd" else 1.0 for m in self.members]
        self.weights = torch.tensor(weights)
        decays = [m.lr * m.weight_decay for m in self.members]
        self.kept = 1.0 - torch.tensor(decays).view(-1, 1, 1) if any(decays) else None

    def _optimizer(self, rows: slice, one: Any) -> tuple[torch.optim.Optimizer, list[Tensor]]:
        """A fused optimizer for some rows, and the tensors that it updates."""
        if one.weight_decay and one.optimizer != "sgd":
            raise NotImplementedError("weight decay is stacked for SGD alone")
        whole = len(self.segments) == 1
        own = self.parameters if whole else [p.detach()[rows] for p in self.parameters]
        made: torch.optim.Optimizer
        if one.optimizer == "sgd":
            made = torch.optim.SGD(own, 1.0, fused=True)
        elif one.optimizer == "momentum":
            made = torch.optim.SGD(own, one.lr, momentum=0.9, fused=True)
        elif one.optimizer == "adagrad":
            made = torch.optim.Adagrad(own, one.lr, fused=True)
        else:
            made = torch.optim.Adam(own, one.lr, fused=True)
        return made, own

    def train(self, steps: int) -> Outcome:
        workload, (x, t) = self.workload, self.data["train"]
        recorded = torch.empty(steps, len(self.members))
        evaluations, found = set(workload.evaluations()), Outcome()
        for step, rows in enumerate(stacks.stacked_batches(workload, self.members, steps)):
            chosen = torch.from_numpy(rows)
            losses = self.losses(x[chosen], t[chosen], self.layers, self.statistics)
            for parameter in self.parameters:
                parameter.grad = None
            (losses * self.weights).sum().backward()
            recorded[step] = losses.detach()
            self._update()
            if step + 1 in evaluations:
                for split in workload.on:
                    found[f"{split}_accuracy"] = self._accuracy(*self.data[split])
        return {"loss": [last(each, steps) for each in recorded.numpy().T], **found}

    def _update(self) -> None:
        if self.kept is not None:
            with torch.no_grad():
                for W, *_ in self.layers:
                    W.mul_(self.kept)
        for (optimizer, own), (rows, _) in zip(self.optimizers, self.segments, strict=True):
            if len(self.segments) > 1:
                for tensor, parameter in zip(own, self.parameters, strict=True):
                    assert parameter.grad is not None
                    tensor.grad = parameter.grad[rows]
            optimizer.step()

    def _accuracy(self, x: Tensor, t: Tensor) -> list[float]:
        with torch.inference_mode():
            y = _outputs(x, self.layers, self.statistics, training=False)
            right: list[float] = (y.argmax(dim=-1) == t).float().mean(dim=-1).tolist()
        return right


def _outputs(
    x: Tensor, layers: Layers, statistics: list[tuple[Tensor, Tensor]], training: bool
) -> Tensor:
    """Outputs (K, B, out) for x (B, in), which is shared, or (K, B, in)."""
    h = x if x.dim() == 3 else x.expand(len(layers[0][0]), *x.shape)
    for i, (W, b, *norm) in enumerate(layers):
        h = torch.baddbmm(b, h, W)
        if norm:
            # One kernel for all members: to it they are K·out channels.
            members, rows, width = h.shape
            gamma, beta = (tensor.reshape(-1) for tensor in norm)
            flat = h.transpose(0, 1).reshape(rows, members * width)
            flat = functional.batch_norm(flat, *statistics[i], gamma, beta, training)
            h = flat.view(rows, members, width).transpose(0, 1)
        if i < len(layers) - 1:
            h = h.relu()
    return h


def _losses(
    x: Tensor, t: Tensor, layers: Layers, statistics: list[tuple[Tensor, Tensor]]
) -> Tensor:
    """The mean loss (K,) of each member."""
    y = _outputs(x, layers, statistics, training=True)
    members, rows, _ = y.shape
    t = t.expand(members, rows).reshape(-1)
    losses = functional.cross_entropy(y.reshape(members * rows, -1), t, reduction="none")
    return losses.view(members, rows).mean(dim=1)


_MADE: dict[str, Callable[..., Tensor]] = {}


def _compiled() -> Callable[..., Tensor]:
    """`_losses` compiled, forwards and backwards; one kernel set for each shape."""
    if "losses" not in _MADE:
        _MADE["losses"] = torch.compile(_losses, dynamic=False)
    return _MADE["losses"]


prepare = TorchStacked
