"""JAX: `vmap` over the networks of a stack, `scan` over the steps of the whole run, `jit`.

One network is written as plain functions; the whole run of a stack, evaluations and
all, is one compiled call that takes over the memory of its arguments.  The optimizers are
optax' formulas written out, with a rate for each member.  Stack size and the
number of Python threads that run stacks side by side are found by short trials;
compiling is timed apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contestants import stacks
from benchmarks.contestants.base import Array, Contestant, Outcome, last, quickest
from benchmarks.contestants.team import ordered
from benchmarks.data import Data
from benchmarks.workloads import Workload

Choice = tuple[int, int]  # networks per stack, stacks side by side
Tree = Any

EPS, DECAY = 1e-5, 0.9


# --- one network -----------------------------------------------------------------------


def outputs(params: Tree, statistics: Tree, x: Any, training: bool) -> tuple[Any, Tree]:
    """The outputs (B, out), and the batch statistics (mean, variance) of each layer."""
    found = []
    for i, layer in enumerate(params):
        x = x @ layer["W"] + layer["b"]
        if "gamma" in layer:
            mean, var = (x.mean(0), x.var(0)) if training else statistics[i]
            found.append((mean, var))
            x = (x - mean) * (layer["gamma"] * jax.lax.rsqrt(var + EPS)) + layer["beta"]
        if i < len(params) - 1:
            x = jax.nn.relu(x)
    return x, found


def loss(params: Tree, statistics: Tree, x: Any, t: Any) -> tuple[Any, Tree]:
    """The mean cross-entropy, and the batch statistics."""
    y, found = outputs(params, statistics, x, training=True)
    picked = jnp.take_along_axis(jax.nn.log_softmax(y), t[:, None], axis=1)
    return -picked.mean(), found


def update(kind: str, p: Any, g: Any, state: Tree, lr: Any, step: Any) -> tuple[Any, Tree]:
    """One array after a step, and its state."""
    if kind == "sgd":
        return p - lr * g, state
    if kind == "momentum":
        v = 0.9 * state[0] + g
        return p - lr * v, (v,)
    if kind == "adagrad":
        h = state[0] + g * g
        return p - lr * g / (jnp.sqrt(h) + 1e-10), (h,)
    m = 0.9 * state[0] + 0.1 * g
    v = 0.999 * state[1] + 0.001 * g * g
    b1, b2 = 1 - 0.9 ** (step + 1.0), 1 - 0.999 ** (step + 1.0)
    return p - lr * (m / b1) / (jnp.sqrt(v / b2) + 1e-8), (m, v)


SLOTS = {"sgd": 0, "momentum": 1, "adagrad": 1, "adam": 2}


def advance(kind: str, carry: Tree, lr: Any, decay: Any, step: Any, x: Any, t: Any) -> Any:
    """One step of one network."""
    params, state, statistics = carry
    (value, found), grads = jax.value_and_grad(loss, has_aux=True)(params, statistics, x, t)
    fresh, kept = [], []
    for layer, plain, s in zip(params, grads, state, strict=True):
        g = {**plain, "W": plain["W"] + decay * layer["W"]}
        pairs = {name: update(kind, layer[name], g[name], s[name], lr, step) for name in layer}
        fresh.append({name: pair[0] for name, pair in pairs.items()})
        kept.append({name: pair[1] for name, pair in pairs.items()})
    moved = jax.tree.map(lambda old, new: DECAY * old + (1 - DECAY) * new, statistics, found)
    return (fresh, kept, moved), value


# --- a stack of networks ---------------------------------------------------------------


@partial(jax.jit, static_argnames=("plan",), donate_argnums=(1,))
def train(plan: Any, carries: Tree, rates: Tree, splits: Tree, full: Any, rest: Any) -> Any:
    """The whole run of a stack: losses (rounds, steps, K), accuracies (rounds, splits, K).

    plan     (kinds of optimizer, one for each segment, whether members share batches, and
             which splits are evaluated after each round, and which after the last)
    carries  for each segment params, state and statistics with a leading axis
    full     rows (rounds, steps, [K,] B);  rest: those of the smaller batch that ends a round
    """
    kinds, sizes, shared, each_round, at_end = plan
    x_train, t_train = splits["train"]

    def one_step(carry: Tree, rows: Any) -> Any:
        carries, step = carry
        x, t = jnp.take(x_train, rows, axis=0, mode="clip"), jnp.take(t_train, rows, mode="clip")
        fresh, values, start = [], [], 0
        for kind, size, own, (lr, decay) in zip(kinds, sizes, carries, rates, strict=True):
            xs, ts = (x, t) if shared else (x[start : start + size], t[start : start + size])
            axes = (0, 0, 0, None, None, None) if shared else (0, 0, 0, None, 0, 0)
            new, value = jax.vmap(partial(advance, kind), axes)(own, lr, decay, step, xs, ts)
            fresh.append(new)
            values.append(value)
            start += size
        return (fresh, step + 1), jnp.concatenate(values)

    def accuracies(carries: Tree, names: Any) -> Any:
        found = []
        for name in names:
            x, t = splits[name]
            right = []
            for params, _, statistics in carries:
                evaluate = jax.vmap(lambda p, s, x=x: outputs(p, s, x, training=False)[0])
                right.append((evaluate(params, statistics).argmax(-1) == t).mean(-1))
            found.append(jnp.concatenate(right))
        return found

    def one_round(carry: Tree, rows: Any) -> Any:
        whole, ragged = rows
        carry, values = jax.lax.scan(one_step, carry, whole)
        if ragged is not None:
            carry, value = one_step(carry, ragged)
            values = jnp.concatenate([values, value[None]])
        return carry, (values, accuracies(carry[0], each_round))

    carry, (losses, on_the_way) = jax.lax.scan(one_round, (carries, 0), (full, rest))
    return carry[0], losses, on_the_way, accuracies(carry[0], at_end)


class JaxStacked(Contestant):
    """Stacks of members, one after the other or side by side."""

    choice: Choice = (1, 1)

    def __init__(self, workload: Workload, data: Data, count: int | None = None) -> None:
        super().__init__(workload, data, count)
        self.splits = {
            name: (jnp.asarray(x), jnp.asarray(t, jnp.int32)) for name, (x, t) in data.items()
        }

    def tune(self) -> None:
        members, few = len(self.workload.members), min(self.workload.steps, 20)
        between = self._round(few)
        steps = between * max(few // between, 1)
        largest = stacks.sizes(self.workload)[-1]
        sizes = [size for size in (1, 4, 10, 25, 100, 1_000) if size < largest] + [largest]

        def trial(choice: Choice) -> float:
            some = range(min(members, max(choice[0] * choice[1], min(members, 8))))
            self._train(some, steps, choice)
            return len(some)

        choices = [(size, 1) for size in sizes]
        choices += [(size, 2) for size in sizes if 2 * size <= members]
        self.choice = quickest(choices, trial)
        self.options = dict(zip(("networks per stack", "stacks at once"), self.choice, strict=True))

    def compile(self) -> bool:
        # A compiled run belongs to its numbers of rounds and steps, so this is a whole run.
        self.run()
        return True

    def warm_up(self) -> None:
        """Compiling has run it already."""

    def run(self, steps: int | None = None) -> Outcome:
        return self._train(range(len(self.workload.members)), self.workload.steps, self.choice)

    def _round(self, steps: int) -> int:
        """Of so many steps, those between two points at which something else happens."""
        workload = self.workload
        if workload.ragged:
            return workload.epoch
        if workload.evaluate_every is not None:
            return workload.evaluate_every
        return steps

    def _train(self, members: range, steps: int, choice: Choice) -> Outcome:
        pieces = stacks.split(self.workload, members, choice[0])
        if choice[1] == 1:
            outcomes = [self._stack(piece, steps) for piece in pieces]
        else:
            with ThreadPoolExecutor(choice[1]) as pool:
                outcomes = list(pool.map(lambda piece: self._stack(piece, steps), pieces))
        return ordered(pieces, outcomes)

    def _stack(self, members: Sequence[int], steps: int) -> Outcome:
        workload = self.workload
        settings = [workload.members[i] for i in members]
        segments = stacks.segments(settings)
        starts = stacks.stacked_weights(workload, settings)
        carries = [_start(starts, rows, one.optimizer, one.batch_norm) for rows, one in segments]
        rates = [
            tuple(
                jnp.array([getattr(m, name) for m in settings[rows]], jnp.float32)
                for name in ("lr", "weight_decay")
            )
            for rows, _ in segments
        ]
        length = self._round(steps)
        every = workload.evaluate_every is not None and workload.evaluate_every < workload.steps
        plan = (
            tuple(one.optimizer for _, one in segments),
            tuple(rows.stop - rows.start for rows, _ in segments),
            len({m.seed for m in settings}) == 1,
            workload.on if every else (),
            () if every else workload.on,
        )
        batches = stacks.stacked_batches(workload, settings, steps)
        whole = length - (workload.ragged > 0)
        stacked = np.stack([rows for i, rows in enumerate(batches) if i % length < whole])
        full = stacked.astype(np.int32).reshape(-1, whole, *stacked.shape[1:])
        rest = np.stack(batches[length - 1 :: length]).astype(np.int32) if workload.ragged else None
        _, losses, on_the_way, at_end = train(plan, carries, rates, self.splits, full, rest)
        values: Array = np.asarray(losses).reshape(-1, len(members))
        found = {"loss": [last(each, steps) for each in values.T]}
        ends = [np.asarray(split)[-1] for split in on_the_way] if every else at_end
        for split, right in zip(workload.on, ends, strict=True):
            found[f"{split}_accuracy"] = np.asarray(right).tolist()
        return found


def _start(starts: Sequence[tuple[Array, Array]], rows: slice, kind: str, norm: bool) -> Tree:
    """Parameters, state and running statistics of some rows of a stack."""
    params, statistics = [], []
    for i, (W, b) in enumerate(starts, start=1):
        layer = {"W": jnp.asarray(W[rows]), "b": jnp.asarray(b[rows, 0])}
        if norm and i < len(starts):
            layer |= {"gamma": jnp.ones_like(layer["b"]), "beta": jnp.zeros_like(layer["b"])}
            statistics.append((jnp.zeros_like(layer["b"]), jnp.ones_like(layer["b"])))
        params.append(layer)
    state = [
        {name: tuple(jnp.zeros_like(p) for _ in range(SLOTS[kind])) for name, p in layer.items()}
        for layer in params
    ]
    return params, state, statistics


prepare = JaxStacked
