"""The step: it allocates nothing, promotes nothing, flushes, and gets the batches it should."""

from __future__ import annotations

import dataclasses
import gc
import tracemalloc
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from cases import NETWORKS, OPTIMIZERS, targets
from optimizer_cases import make
from trainlab import MLP, SGD, Adam, Member, Population, from_arrays
from trainlab.data.batches import Batches
from trainlab.engine.base import LaneSpec, Samples, Span, Widths
from trainlab.engine.chunk import Chunk
from trainlab.engine.inputs import InputRows
from trainlab.engine.numpy import EVALUATION_ROWS, NumPyEngine, NumPyLane
from trainlab.network.workspace import Workspace
from trainlab.optimizers.base import FLUSH_EVERY
from trainlab.settings import Settings

K = 3
STEPS = 4
TOTAL = 3 * FLUSH_EVERY  # the length that schedules are told

ROWS = {
    **{f"network {name}": (name, None) for name in NETWORKS},
    **{f"optimizer {name}": (None, name) for name in OPTIMIZERS},
}
every_row = pytest.mark.parametrize("row", ROWS)


def vary(settings: Any, i: int, awake: bool = True) -> Any:
    """Settings of member i: whatever may differ between members does, in nested records too.

    What is off stays off, or `awake` turns it on in all members but the first.
    """
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = settings._resolved(field.name)
        if field.metadata.get("per_member"):
            changed[field.name] = value * (1 - 0.07 * i) if value else 0.1 * i * awake
        elif isinstance(value, Settings) and not field.metadata.get("start_only"):
            changed[field.name] = vary(value, i, awake)
    return dataclasses.replace(settings, **changed)


def members(
    row: str,
    hidden: int,
    own: Sequence[int] = (0, 1, 2),
    seeds: Sequence[int] = (0, 1, 2),
    awake: bool = True,
) -> list[Member]:
    """Members of a row of the table: the one at a place has the settings of that of `own`."""
    network, optimizer = ROWS[row]
    base = NETWORKS[network] if network else MLP(norm="batch", dropout=0.3)
    base = dataclasses.replace(base, hidden=(hidden,))
    return [
        Member(vary(base, i, awake), make(optimizer or "adam", i), seed)
        for i, seed in zip(own, seeds, strict=True)
    ]


@dataclasses.dataclass
class Drive:
    """A lane and the data of its task."""

    lane: NumPyLane
    samples: Samples

    @property
    def chunk(self) -> Chunk:
        return self.lane.chunk

    @staticmethod
    def of(chosen: Sequence[Member], rows: int, widths: tuple[int, int], dtype: Any) -> Drive:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((rows, widths[0])).astype(dtype)
        loss = chosen[0].network.loss
        t = targets(loss.task, rng, (rows,), widths[1])
        if loss.task != "classification":
            t = t.astype(dtype)
        samples = Samples(x, t, rng.random(rows).astype(dtype))
        engine = NumPyEngine()
        data = engine.prepare({"train": samples})
        return Drive(engine.open(LaneSpec(chosen, Widths(*widths), dtype, data)), samples)

    def train(self, first: int, batch: int, steps: int = STEPS) -> Span:
        """Steps from `first` on; the batches of a seed are the same in every chunk."""
        batches = np.stack(
            [
                np.random.default_rng((seed, first)).integers(0, len(self.samples), (steps, batch))
                for seed in self.chunk.seeds
            ]
        )
        span = self.lane.train(batches, first, TOTAL, lambda: False)
        assert not span.diverged
        assert span.losses.shape == (len(self.lane.places), steps)
        return span

    def evaluate(self) -> tuple[np.ndarray, np.ndarray | None]:
        return self.lane.evaluate("train")


# --- memory ---------------------------------------------------------------------------

BATCH, WIDE, HIDDEN, WIDE_OUT = 128, 168, 160, 152
# Three quarters of what a mask of the outputs of all members would take, half of one
# member's in float32.  What is left to take, some 30 kB: (K, B) numbers, and NumPy's views.
SMALL = 3 * K * BATCH * WIDE_OUT // 4
# NumPy's buffers, which are of one size whatever the arrays have, would be as much as SMALL.
BUFFER = 256


# The count of right predictions compares every output of a tile in NumPy's own booleans.
EVALUATION_ALLOCATES = {
    "network loss sigmoid_cross_entropy": (2 * K + 1) * EVALUATION_ROWS * WIDE_OUT + SMALL
}


@pytest.fixture
def small_buffers() -> Iterator[None]:
    before = np.setbufsize(BUFFER)
    yield
    np.setbufsize(before)


def peak(run: Callable[[], Any]) -> int:
    """How many bytes more than before a call holds at its worst moment."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        run()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@every_row
@pytest.mark.usefixtures("small_buffers")
def test_nothing_large_is_allocated_after_the_first_steps(row: str) -> None:
    # Two members share a seed: a batch is gathered for each seed, then for each member.
    chosen = members(row, HIDDEN, seeds=(5, 5, 6), awake=False)
    drive = Drive.of(chosen, 300, (WIDE, WIDE_OUT), np.float32)
    drive.train(FLUSH_EVERY - STEPS + 1, BATCH)  # the state was flushed in the last but one
    drive.evaluate()

    def train(flush: int) -> None:
        drive.train(flush * FLUSH_EVERY - STEPS + 1, BATCH)

    # Three tries: what threads of earlier tests allocate meanwhile is counted, too.
    assert any(peak(lambda flush=flush: train(flush)) < SMALL for flush in (2, 3, 4))
    assert any(peak(drive.evaluate) < EVALUATION_ALLOCATES.get(row, SMALL) for _ in range(3))


@pytest.mark.usefixtures("small_buffers")
def test_the_test_of_memory_sees_a_mask() -> None:
    x = np.ones((K, BATCH, WIDE_OUT), np.float32)
    assert peak(lambda: x > 0) > SMALL
    assert peak(lambda: x[0] + 1) > SMALL


# --- dtypes ---------------------------------------------------------------------------


def floats(values: Sequence[Any]) -> set[np.dtype]:
    """The dtypes of the arrays and NumPy scalars that are floating; Python's numbers adapt."""
    typed = [v.dtype for v in values if isinstance(v, (np.ndarray, np.generic))]
    return {dtype for dtype in typed if np.issubdtype(dtype, np.inexact)}


COMPARISONS = {np.less, np.less_equal, np.equal, np.not_equal, np.greater_equal, np.greater}


class Watched(np.ndarray):
    """An array that lets no ufunc mix it with floating numbers of another dtype."""

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: tuple[Any, ...] = (), **options: Any
    ) -> Any:
        # What a comparison says, 0 or 1, may be written as any number.
        met = floats(inputs if ufunc in COMPARISONS else [*inputs, *out])
        assert len(met) <= 1, f"{ufunc.__name__} mixes {sorted(map(str, met))}"
        given = {"out": tuple(map(plain, out))} if out else {}
        result = getattr(ufunc, method)(*map(plain, inputs), **given, **options)
        return out[0] if out else watched(result)


def watched(values: Any) -> Any:
    return values.view(Watched) if isinstance(values, np.ndarray) else values


def plain(values: Any) -> Any:
    return values.view(np.ndarray) if isinstance(values, Watched) else values


class WatchedWorkspace(Workspace):
    """Scratch memory whose arrays are watched; `asked` has the name and dtype of each."""

    def __init__(self, asked: set[tuple[str, np.dtype]]) -> None:
        super().__init__()
        self.asked = asked

    def __call__(self, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        self.asked.add((name, np.dtype(dtype)))
        return watched(super().__call__(name, shape, dtype))

    def scope(self, key: Hashable) -> Workspace:
        if key not in self._scopes:
            self._scopes[key] = WatchedWorkspace(self.asked)
        return self._scopes[key]


# Of another dtype on purpose: the squares of a norm, which float32 may not hold, and the
# uniforms of random layers, which are the same for both.
PURPOSE = {("squares", "float64"), ("seeds", "float32"), ("members", "float32")}


@every_row
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("own", [(0, 1, 2), (1, 1, 1)], ids=["differ", "agree"])
def test_nothing_is_promoted(row: str, dtype: str, own: tuple[int, ...]) -> None:
    widths = (7, 4)
    chosen = members(row, 6, own, seeds=(5, 5, 6))
    drive = Drive.of(chosen, 23, widths, dtype)
    chunk, asked = drive.chunk, set[tuple[str, np.dtype]]()
    chunk.params, chunk.buffers = watched(chunk.params), watched(chunk.buffers)
    for segment in chunk.segments:
        segment.state = {name: watched(values) for name, values in segment.state.items()}
    chunk.keep(range(K))  # views of what is watched, and gradients like it
    chunk.new = WatchedWorkspace(asked)
    split = drive.lane.data.splits["train"]
    x, weight = InputRows(watched(split.x.x)), watched(split.weight)
    drive.lane.data.splits["train"] = dataclasses.replace(split, x=x, weight=weight)
    assert isinstance(chunk.params, Watched)
    assert isinstance(chunk.grads, Watched)
    losses = drive.train(FLUSH_EVERY - 2, 5).losses
    loss, _ = drive.evaluate()
    assert losses.dtype == chunk.params.dtype == chunk.grads.dtype == chunk.buffers.dtype == dtype
    assert loss.dtype == np.float64  # the mean over all tiles
    assert drive.lane.outputs(drive.samples.x).dtype == dtype
    for segment in chunk.segments:
        for slot in segment.optimizer.slots:
            values = segment.state[slot.name]
            assert values.dtype == (dtype if slot.per_parameter else np.float64), slot.name
            assert values.shape == (K, chunk.params.shape[1] if slot.per_parameter else 1)
    assert {"y", "dx", "x", "t", "weight"} <= {name for name, _ in asked}
    floating = {(name, str(kind)) for name, kind in asked if kind.kind in "fc"}
    assert {one for one in floating if one[1] != dtype} <= PURPOSE


def test_the_test_of_dtypes_sees_a_coefficient_of_float64() -> None:
    x = np.ones((K, 4), np.float32).view(Watched)
    for strange in (np.ones((K, 1)), np.float64(2.0)):
        with pytest.raises(AssertionError, match=r"multiply mixes \['float32', 'float64'\]"):
            np.multiply(x, strange, out=x)
        with pytest.raises(AssertionError, match="mixes"):
            np.multiply(strange, strange * np.ones((K, 4)), out=x)
    np.multiply(x, 2.0, out=x)
    np.multiply(x, np.float32(2.0), out=x)


# --- settings that agree are one number, those that differ an array ------------------------


def numbers(drive: Drive, k: int) -> dict[str, bytes]:
    """Every bit of row k."""
    chunk = drive.chunk
    state = drive.lane.state_of(k, 0, with_optimizer=True)
    assert state.params.tobytes() == chunk.params[k].tobytes()
    arrays = {"params": state.params, "buffers": state.buffers, **state.optimizer}
    return {name: values.tobytes() for name, values in arrays.items()}


@every_row
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_member_among_equals_is_the_member_among_others(row: str, dtype: str) -> None:
    found = []
    for own in ((0, 0, 0), (0, 1, 2)):
        drive = Drive.of(members(row, 6, own), 23, (7, 4), dtype)
        assert len(drive.chunk.segments) == 1
        lr = drive.chunk.segments[0].optimizer.lr
        assert np.shape(lr) == (() if own == (0, 0, 0) else (K, 1))
        losses, evaluated = drive.train(0, 5).losses, drive.evaluate()
        bits = [values[0].tobytes() for values in (losses, *evaluated) if values is not None]
        found.append((numbers(drive, 0), bits))
    assert found[0] == found[1]


@pytest.mark.parametrize("own", [(0, 0, 0), (0, 1, 2)])
def test_stacked_settings_are_numbers_or_arrays(own: tuple[int, ...]) -> None:
    """So that the test above compares what it says, in every kind of record."""
    base = MLP((6,), norm="batch", dropout=0.3, weight_decay=0.1, loss="huber")
    chosen = [Member(vary(base, i), make("adam", i), i) for i in own]
    architecture = Chunk(chosen, (7, 4), np.float32).architecture
    settings = (
        architecture.weight_decay,
        architecture.loss.delta,
        architecture.layers[1].eps,
        architecture.layers[1].ema_decay,
        architecture.layers[3].ratio,
    )
    shape = () if own == (0, 0, 0) else (K, 1, 1)
    assert [np.shape(value) for value in settings] == [shape] * len(settings)


# --- the batches of a training ------------------------------------------------------------


class Recording(NumPyEngine):
    """An engine whose lanes keep the batches they are given: (step, seed) → rows."""

    def __init__(self) -> None:
        self.seen: dict[tuple[int, int], np.ndarray] = {}
        self.sizes: list[int] = []

    def open(self, spec: LaneSpec) -> NumPyLane:
        engine = self

        class Lane(NumPyLane):
            def train(self, batches: np.ndarray, first_step: int, *more: Any) -> Span:
                seeds, steps, size = batches.shape
                assert seeds == len(self.seeds)
                engine.sizes += [size] * steps
                span = super().train(batches, first_step, *more)
                for i in range(span.losses.shape[1]):
                    for seed, rows in zip(self.seeds, batches[:, i], strict=True):
                        assert (first_step + i, seed) not in engine.seen
                        engine.seen[first_step + i, seed] = rows.copy()
                return span

        return Lane(spec)


@pytest.mark.filterwarnings("ignore:batch_size=40 is more than 23 rows")
@pytest.mark.parametrize("kind", ["permutation", "book"])
@pytest.mark.parametrize("size", [1, 5, 22, 23, 40])
def test_every_batch_is_that_of_its_epoch(kind: str, size: int) -> None:
    """Ragged last batches, pauses for evaluation, a diverging and a stopping member included."""
    n, steps, seeds = 23, 13, (3, 1, 1, 2)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 6)).astype(np.float32)
    data = from_arrays(x, rng.permutation(np.arange(n) % 3))
    engine = Recording()
    chosen = [Member(MLP((4,)), SGD(1e38 if seed == 3 else 0.1), seed) for seed in seeds]
    history = Population(chosen).fit(
        data,
        batch_size=size,
        steps=steps,
        batches=kind,
        evaluate=4,
        on=("train", "batch"),
        callbacks=[lambda row, updates, metrics: row == 3 and updates >= 8],
        engine=engine,
        workers=1,
    )
    ends = [status.step for status in history.status]
    assert history.status[0].kind == "diverged"
    assert ends[1:] == [steps, steps, 8]
    plan = Batches(n, size, kind)
    for (step, seed), rows in engine.seen.items():
        epoch, place = divmod(step, plan.steps_per_epoch)
        np.testing.assert_array_equal(rows, plan.epoch(seed, epoch)[place])
    for seed, end in ((1, steps), (2, 8)):
        assert {step for step, one in engine.seen if one == seed} == set(range(end))
    assert set(engine.sizes) <= {len(batch) for batch in plan.epoch(0, 0)}


# --- denormal numbers ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_long_training_has_no_denormal_state(dtype: str) -> None:
    """One batch brings a gradient, and no later one does: the running means fall and fall."""
    falls = 0.01 if dtype == "float32" else 1e-8  # per step: by the flush, to a denormal number
    chosen = [
        Member(MLP(()), Adam(0.01 * (k + 1), beta1=falls, beta2=falls), seed=k) for k in range(K)
    ]
    drive = Drive.of(chosen, 23, (7, 4), dtype)
    state = drive.chunk.segments[0].state
    tiny = np.finfo(dtype).tiny
    drive.train(0, 5, steps=1)
    first = np.abs(state["m"][:, :28])
    assert (first[first > 0] > tiny).all()
    drive.lane.data.splits["train"].x.x[...] = (
        0  # the gradient of the weights is 0, that of the biases is not
    )
    least = [np.inf]
    for step in range(1, FLUSH_EVERY):
        least.append(min(smallest(state["m"]), smallest(state["v"])))
        drive.train(step, 5, steps=1)
    assert min(least) < tiny  # there was something to flush
    for values in (state["m"], state["v"]):
        assert smallest(values) >= tiny
        assert not values[:, :28].any()
        assert values[:, 28:].all()


def smallest(values: np.ndarray) -> float:
    sizes = np.abs(values)
    return float(sizes[sizes > 0].min())
