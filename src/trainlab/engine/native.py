"""The native engine: the bridge to the module `_native`, whose source is in native/.

Letters: K members, S seeds, n steps, B rows of a batch, N rows of a split.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np

from trainlab.engine.base import Group, LaneSpec, Metrics, Samples, Span, Widths
from trainlab.engine.description import COEFFICIENTS, COLUMNS, describe, rule_of, unknown
from trainlab.engine.grouping import group
from trainlab.engine.state import MemberState, Start, seeds_of, starts
from trainlab.errors import SettingError, sentence
from trainlab.interrupts import uninterrupted
from trainlab.members import Member
from trainlab.network.workspace import Array
from trainlab.optimizers import Optimizer
from trainlab.optimizers.base import State
from trainlab.settings import stack, structure

CHOSEN_SET: Final = "TRAINLAB_NATIVE_ISA"
"""The variable of the environment that names an instruction set."""

MISSING: str | None = None
"""Why the compiled module is not there, which is optional."""
_native: Any = None
try:
    with uninterrupted():
        _native = importlib.import_module("trainlab.engine._native")
except ImportError as error:
    MISSING = str(error)


LANE_BYTES: Final = 2**28
"""Of the members of a lane, all together: the memory of a million is that of one lane."""

AHEAD: Final = 2**16
"""Steps times members whose coefficients are computed at once."""


AT_ONCE: Final = 2**20
"""Steps times members of a call of the module: their coefficients take 64 MB."""


DRAWN_ALONE: Final = 2**15
"""Parameters of a network for whose start a second thread is not worth its while."""

_IN_TURN: Final = threading.RLock()
"""Lanes of small networks draw one after the other: between short calls of NumPy, threads would
wait for the interpreter's lock more than they draw.  An initializer may fork while it draws."""
if hasattr(os, "register_at_fork"):  # a process that is forked meanwhile begins with a free lock
    os.register_at_fork(
        before=_IN_TURN.acquire, after_in_parent=_IN_TURN.release, after_in_child=_IN_TURN.release
    )


def is_compiled() -> bool:
    """Whether the module is here."""
    return MISSING is None


def instruction_set() -> str:
    """The one that it computes with: "avx512", "avx2", "neon" or "plain"."""
    return str(_native.isa)


PARAMS, BUFFERS = -1, -2
"""What stands in place of the number of a slot."""


@dataclasses.dataclass(frozen=True)
class OptimizerRows:
    """The rows of a lane that one kind of optimizer updates.

    state  its arrays of one number for each row, (rows, 1) float64
    """

    rows: Array
    optimizer: Optimizer
    state: State


class Coefficients:
    """The coefficients of optimizers at steps from `first` on."""

    def __init__(
        self, kinds: Sequence[OptimizerRows], members: int, first: int, steps: int, total: int
    ) -> None:
        self._kinds, self._first, self._end, self._total = kinds, first, first + steps, total
        numbers = np.arange(first, first + steps).reshape(-1, 1, 1)
        found: list[dict[int, Array]] = []
        self._after: list[State] = []  # the state of each kind after each step
        for kind in kinds:
            optimizer, state = kind.optimizer, dict(kind.state)
            with np.errstate(all="ignore"):  # what overflows here diverges there, and is reported
                lr = optimizer.lr * optimizer.schedule.multiplier(numbers, total)
                own = optimizer.coefficients(numbers, lr, state)
                own["shrink"] = lr * optimizer.decoupled_weight_decay
            found.append({COLUMNS[name]: np.asarray(value) for name, value in own.items()})
            self._after.append(state)
        shapes = [value.shape for values in found for value in values.values()]
        is_alone = len(kinds) == 1
        if not is_alone:  # members of several kinds: only the axis of steps can be 1
            shapes = [(shape[0], 1, 1) for shape in shapes if len(shape) == 3]
        shape = np.broadcast_shapes((1, 1, 1), *shapes)
        self._table = np.zeros((shape[0], shape[1] if is_alone else members, COEFFICIENTS))
        for kind, values in zip(kinds, found, strict=True):
            rows: Any = slice(None) if is_alone else kind.rows
            for column, value in values.items():
                self._table[:, rows, column] = value[..., 0] if value.ndim else value

    def has(self, first: int, end: int, total: int) -> bool:
        """Whether these steps are among them."""
        return self._first <= first and end <= self._end and total == self._total

    def between(self, first: int, end: int) -> Array:
        """(n, K, 8) float64; an axis is 1 where they are the same all along it."""
        is_constant = len(self._table) == 1
        return self._table if is_constant else self._table[first - self._first : end - self._first]

    def move_on(self, step: int) -> None:
        """The state of each kind becomes that after a step."""
        for kind, after in zip(self._kinds, self._after, strict=True):
            kind.state.update((name, each[step - self._first]) for name, each in after.items())


class NativeEngine:
    """Trains members one after the other, each for some steps at a time, on several threads."""

    name = "native"
    has_threads = True

    def permutations(self, seeds: Array, packed: int, out: Array, threads: int = 1) -> None:
        """Fills out (S, n) with the permutations of the streams of the seeds (S,)."""
        _native.permutations(seeds, packed, out, threads)

    def __init__(self) -> None:
        if MISSING is not None:
            must, got, remedy = "be compiled when trainlab is installed", MISSING, "engine='numpy'"
            if CHOSEN_SET in MISSING:
                must, got = f"find the instructions that {CHOSEN_SET} names", os.environ[CHOSEN_SET]
                remedy = "without this variable"
            raise SettingError(sentence("engine native", "trainlab", must, got, remedy))

    def supports(self, members: Sequence[Member]) -> str | None:
        """Whatever native/ has been taught."""
        return unknown(members)

    def prepare(self, splits: Mapping[str, Samples]) -> Mapping[str, dict[str, Any]]:
        """The arrays of each split as the module takes them."""
        return {name: arrays_of(split.x, split) for name, split in splits.items()}

    def group(
        self,
        members: Sequence[Member],
        widths: Widths,
        batch_size: int,
        dtype: Any,
        workers: int = 1,
        origins: Sequence[Hashable] | None = None,
    ) -> list[Group]:
        """As few as memory allows: a lane has threads of its own."""
        return group(members, widths, batch_size, dtype, workers, origins, LANE_BYTES)

    def open(self, spec: LaneSpec) -> NativeLane:
        """A lane of the module."""
        return NativeLane(spec)


def arrays_of(x: Any, split: Samples | None = None) -> dict[str, Any]:
    """The arguments of the module's Samples."""
    found: dict[str, Any] = {"features": x.shape[1], "starts": None, "columns": None}
    if isinstance(x, np.ndarray):
        found["x"] = np.ascontiguousarray(x).reshape(-1)
    else:
        if not x.has_canonical_format:
            x = x.copy()
            x.sum_duplicates()
        found |= {
            "x": np.ascontiguousarray(x.data),
            "starts": x.indptr.astype(np.int64),
            "columns": x.indices.astype(np.int32),
        }
    found |= {"classes": None, "targets": None, "weight": None}
    if split is not None:
        if split.t.ndim == 1:
            found["classes"] = np.ascontiguousarray(split.t, np.int64)
        else:
            found["targets"] = np.ascontiguousarray(split.t, x.dtype)
        if split.weight is not None:
            found["weight"] = np.ascontiguousarray(split.weight)
    return found


class NativeLane:
    """Members in the module, and the data they are trained on."""

    def __init__(self, spec: LaneSpec) -> None:
        self.places = list(range(len(spec.members)))
        self._members, self._dtype = list(spec.members), np.dtype(spec.dtype)
        self._threads = spec.threads
        self._is_scored = spec.members[0].network.loss.task != "regression"
        network = spec.members[0].network.build(*spec.widths)
        self._sizes = network.size, network.buffer_layout.size
        self._outputs = spec.widths.outputs
        bits = 8 * self._dtype.itemsize
        self._samples_of = getattr(_native, f"Samples{bits}")
        self._data = spec.data or {}
        self._samples: dict[str, Any] = {}
        described = describe(spec.members, spec.widths)
        slots = np.array([len(member.optimizer.arrays) for member in spec.members])
        self._lane = getattr(_native, f"Lane{bits}")(
            described.layers,
            described.loss,
            described.settings,
            np.array([rule_of(member.optimizer) for member in spec.members], np.int64),
            slots.astype(np.int64),
            *self._seed_arrays(),
        )
        self._kinds = _kinds_of(self._members)
        self._known: Coefficients | None = None
        if spec.states is None:
            self._draw(spec.widths)
        else:
            self._take(spec.states)

    def _draw(self, widths: Widths) -> None:
        """Begins with the draws of the seeds."""

        def begin(start: Start) -> None:
            state = start.draw(self._dtype)
            for row in start.places:
                self._load(row, state)

        due = starts(self._members, widths)
        if self._sizes[0] < DRAWN_ALONE:
            with _IN_TURN:
                for start in due:
                    begin(start)
        else:  # NumPy lets go of the interpreter while it draws
            with ThreadPoolExecutor(self._threads) as pool:
                for _ in pool.map(begin, due):
                    pass  # raises what a thread raised

    def _take(self, states: Sequence[MemberState]) -> None:
        """Begins with what members have learnt before."""
        for row, state in enumerate(states):
            self._load(row, state)
        for kind in self._kinds:
            for slot in kind.optimizer.slots:
                if not slot.per_parameter and states[kind.rows[0]].optimizer:
                    own = [states[row].optimizer[slot.name] for row in kind.rows]
                    kind.state[slot.name][...] = own

    def _seed_arrays(self) -> tuple[Array, Array]:
        """The seeds, and the place among them of that of each row."""
        self.seeds, places = seeds_of(self._members)
        return np.array(self.seeds, np.uint64), places

    def _load(self, row: int, state: MemberState) -> None:
        """What a member begins with."""
        self._lane.load(row, PARAMS, np.ascontiguousarray(state.params))
        self._lane.load(row, BUFFERS, np.ascontiguousarray(state.buffers))
        optimizer, number = self._members[row].optimizer, 0
        for slot in optimizer.slots:
            if not slot.per_parameter:
                continue
            if state.optimizer:
                self._lane.load(row, number, np.ascontiguousarray(state.optimizer[slot.name]))
            elif slot.start:
                start = slot.start
                self._lane.fill(
                    row, number, getattr(optimizer, start) if isinstance(start, str) else start
                )
            number += 1

    def train(
        self, batches: Array, first_step: int, total: int, interrupted: Callable[[], bool]
    ) -> Span:
        """Without Python's interpreter: all steps in one call, or in a few for many members."""
        rows, ended, losses = len(self.places), dict[int, int](), list[Array]()
        most = max(1, AT_ONCE // rows)
        for first in range(0, batches.shape[1], most):
            some = np.ascontiguousarray(batches[:, first : first + most], np.int64)
            step, steps = first_step + first, some.shape[1]
            found = self._coefficients(step, steps, total)
            own = np.full((rows, steps), np.nan, self._dtype)
            diverged = np.empty(rows, np.int64)
            done = self._lane.train(
                self._split("train"),
                some,
                found.between(step, step + steps),
                step,
                self._threads,
                interrupted,
                own,
                diverged,
            )
            losses.append(own[:, :done])
            if done:
                found.move_on(step + done - 1)
                ended = {int(k): first + int(diverged[k]) for k in np.flatnonzero(diverged >= 0)}
            if ended or done < steps:
                break
        return Span(losses[0] if len(losses) == 1 else np.concatenate(losses, axis=1), ended)

    def _coefficients(self, first: int, steps: int, total: int) -> Coefficients:
        """Those of these steps and, since one call of NumPy does for many, of some that follow."""
        if self._known is None or not self._known.has(first, first + steps, total):
            most = max(steps, min(AHEAD // len(self.places), total - first))
            self._known = Coefficients(self._kinds, len(self.places), first, most, total)
        return self._known

    def _split(self, name: str) -> Any:
        if name not in self._samples:
            self._samples[name] = self._samples_of(**self._data[name])
        return self._samples[name]

    def evaluate(self, split: str, batch: Array | None = None) -> Metrics:
        """Sums of float64 over the rows."""
        samples, members = self._split(split), len(self.places)
        loss, right = np.empty(members), np.empty(members)
        if batch is None:
            self._lane.evaluate(samples, self._threads, loss, right)
            count = _rows(self._data[split])
        else:
            self._lane.evaluate_batch(samples, np.ascontiguousarray(batch, np.int64), loss, right)
            count = batch.shape[1]
        return Metrics(loss / count, right / count if self._is_scored else None)

    def outputs(self, x: Any) -> Array:
        """Tile by tile."""
        arrays = self._data[x] if isinstance(x, str) else arrays_of(x)
        samples = self._split(x) if isinstance(x, str) else self._samples_of(**arrays)
        out = np.empty((len(self.places), _rows(arrays), self._outputs), self._dtype)
        self._lane.outputs(samples, self._threads, out)
        return out

    def state_of(self, row: int, updates: int, with_optimizer: bool) -> MemberState:
        """A copy."""
        params, buffers = (np.empty(size, self._dtype) for size in self._sizes)
        self._lane.read(row, PARAMS, params)
        self._lane.read(row, BUFFERS, buffers)
        optimizer: dict[str, Array] = {}
        if with_optimizer:
            kind = next(one for one in self._kinds if row in one.rows)
            number = 0
            for slot in kind.optimizer.slots:
                if slot.per_parameter:
                    optimizer[slot.name] = np.empty_like(params)
                    self._lane.read(row, number, optimizer[slot.name])
                    number += 1
                else:
                    place = int(np.flatnonzero(kind.rows == row)[0])
                    optimizer[slot.name] = kind.state[slot.name][place].copy()
        return MemberState(params, buffers, optimizer, updates)

    def keep(self, rows: Sequence[int]) -> None:
        """Moves the rows that stay together."""
        kept = np.array(rows, np.int64)
        before = {row: (kind, at) for kind in self._kinds for at, row in enumerate(kind.rows)}
        self.places = [self.places[row] for row in rows]
        self._members = [self._members[row] for row in rows]
        self._lane.keep(kept, *self._seed_arrays())
        self._kinds, self._known = _kinds_of(self._members), None
        for kind in self._kinds:  # which may come in another order now
            known = [before[row] for row in kept[kind.rows]]
            places = [at for _, at in known]
            for name, values in known[0][0].state.items():
                kind.state[name] = values[places]


def _kinds_of(members: Sequence[Member]) -> list[OptimizerRows]:
    """The members of each kind of optimizer, in order of first appearance."""
    kinds: dict[Hashable, list[int]] = {}
    keys: dict[Optimizer, Hashable] = {}
    for row, member in enumerate(members):
        optimizer = member.optimizer
        if optimizer not in keys:
            keys[optimizer] = structure(optimizer)
        kinds.setdefault(keys[optimizer], []).append(row)
    found = []
    for rows in kinds.values():
        optimizer = stack([members[row].optimizer for row in rows], trailing=1)
        own = [slot for slot in optimizer.slots if not slot.per_parameter]
        state = {slot.name: np.full((len(rows), 1), slot.start, np.float64) for slot in own}
        found.append(OptimizerRows(np.array(rows), optimizer, state))
    return found


def _rows(arrays: Mapping[str, Any]) -> int:
    starts = arrays["starts"]
    return len(arrays["x"]) // arrays["features"] if starts is None else len(starts) - 1
