"""Inputs: columns that are always zero are left out, and nothing but the last bits shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import sparse, special

from trainlab import MLP, SGD, Adam, AdamW, Dataset, Member, Momentum, Population, from_arrays
from trainlab.engine import numpy as engine
from trainlab.engine.chunk import Chunk
from trainlab.engine.inputs import WORTH_WHILE, InputRows, arrange, used_columns
from trainlab.engine.numpy import PreparedSplit, gather
from trainlab.network.workspace import Workspace
from trainlab.optimizers import Optimizer

KINDS = {"dense": np.asarray, "sparse": sparse.csr_array}
every_kind = pytest.mark.parametrize("kind", KINDS)


def dense(x: Any) -> np.ndarray:
    return x if isinstance(x, np.ndarray) else x.toarray()


def with_columns(rows: int, features: int, columns: Any, seed: int = 0) -> np.ndarray:
    """Zeros but in these columns."""
    x = np.zeros((rows, features))
    x[:, columns] = np.random.default_rng(seed).uniform(0.5, 1.5, (rows, len(columns)))
    return x


# --- the order of columns -----------------------------------------------------------------

FEATURES = 16
SPLITS = {
    "train": with_columns(9, FEATURES, [1, 3, 4, 7, 12, 15]),
    "validation": with_columns(5, FEATURES, [0, 3, 14], seed=1),
    "test": with_columns(6, FEATURES, [2, 3, 14, 15], seed=2),
}
USED, ELSEWHERE, NOWHERE = [1, 3, 4, 7, 12, 15], [0, 2, 14], [5, 6, 8, 9, 10, 11, 13]


@every_kind
def test_columns_that_train_uses_come_first_then_those_that_others_use(kind: str) -> None:
    splits = {name: KINDS[kind](x) for name, x in SPLITS.items()}
    inputs, order = arrange(splits)
    assert order.tolist() == USED + ELSEWHERE + NOWHERE
    for name, x in SPLITS.items():
        width = len(USED) + (len(ELSEWHERE) if name != "train" else 0)
        assert inputs[name].width == width
        assert len(inputs[name]) == len(x)
        assert inputs[name].dtype == x.dtype
        np.testing.assert_array_equal(dense(inputs[name].x), x[:, order[:width]])
        np.testing.assert_array_equal(dense(splits[name]), x)  # what was given stays as it is
        if kind == "dense":
            assert inputs[name].x.flags.c_contiguous


@every_kind
def test_train_alone_is_a_split_too(kind: str) -> None:
    inputs, order = arrange({"train": KINDS[kind](SPLITS["train"])})
    assert order.tolist() == USED + sorted(ELSEWHERE + NOWHERE)
    assert inputs["train"].width == len(USED)


@every_kind
def test_rows_of_zeros_alone_are_trained_on(kind: str) -> None:
    """No column is left, and what is learnt is the bias."""
    x, t = KINDS[kind](np.zeros((6, 4))), np.arange(6) % 3
    population = Population([Member(MLP(()), SGD(0.1), seed) for seed in (0, 1)])
    history = population.fit(from_arrays(x, t), steps=5, batch_size=6, engine="numpy")
    assert np.isfinite(history["train_loss"]).all()
    np.testing.assert_allclose(population.predict_proba(x, engine="numpy"), 1 / 3, atol=1e-6)


@every_kind
@pytest.mark.parametrize("unused", [0, 1, 2, 3])
def test_columns_are_left_out_where_an_eighth_of_them_is_unused(kind: str, unused: int) -> None:
    columns = np.delete(np.arange(FEATURES), [5, 9, 11][:unused])
    given = KINDS[kind](with_columns(7, FEATURES, columns))
    inputs, order = arrange({"train": given})
    if unused < FEATURES * WORTH_WHILE:
        assert order is None
        assert inputs["train"].x is given
    else:
        assert order.tolist() == [*columns, *[5, 9, 11][:unused]]
        assert inputs["train"].width == FEATURES - unused


@every_kind
def test_a_data_set_of_zeros_has_inputs_without_columns(kind: str) -> None:
    inputs, order = arrange({"train": KINDS[kind](np.zeros((3, 4)))})
    assert order.tolist() == [0, 1, 2, 3]
    assert inputs["train"].width == 0


@every_kind
def test_one_number_in_the_last_row_makes_a_column_used(kind: str) -> None:
    x = np.zeros((2 * 1024 + 1, 5))
    x[-1, 3] = np.finfo(float).smallest_subnormal
    x[1024, 0] = -1.0
    assert used_columns(KINDS[kind](x)).tolist() == [True, False, False, True, False]


def test_a_stored_zero_is_no_use_of_its_column() -> None:
    x = sparse.csr_array(np.eye(4))
    x.data[2] = 0.0
    assert used_columns(x).tolist() == [True, True, False, True]
    inputs, order = arrange({"train": x})
    assert order.tolist() == [0, 1, 3, 2]
    np.testing.assert_array_equal(inputs["train"].x.toarray(), x.toarray()[:, [0, 1, 3]])


class Counted:
    """An array that counts how many rows it has shown."""

    def __init__(self, x: np.ndarray) -> None:
        self.x, self.shape, self.shown = x, x.shape, 0

    def __getitem__(self, rows: slice) -> np.ndarray:
        self.shown += len(self.x[rows])
        return self.x[rows]


@pytest.mark.parametrize(("columns", "shown"), [(7, 1024), (6, 5000)])
def test_the_look_for_unused_columns_ends_once_too_few_can_be_left(
    columns: int, shown: int
) -> None:
    x = Counted(with_columns(5000, 8, list(range(columns))))
    found = used_columns(x, limit=6)
    assert x.shown == shown
    assert found.sum() == columns
    assert used_columns(x).tolist() == found.tolist()


# --- rows and tiles -----------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("columns", [None, [5, 0, 3]])
def test_rows_and_tiles_are_those_of_the_array(kind: str, columns: list[int] | None) -> None:
    x = with_columns(11, 6, [0, 2, 5])
    order = None if columns is None else np.array(columns)
    expected = x if columns is None else x[:, columns]
    inputs = InputRows(KINDS[kind](x), order)
    rows = np.array([[3, 3, 10], [0, 7, 1]])
    out = np.full((2, 3, inputs.width), np.nan)
    assert inputs.take(rows, out) is out
    np.testing.assert_array_equal(out, expected[rows])
    new = Workspace()
    for tile in (slice(0, 4), slice(4, 8), slice(8, 11)):
        found = inputs.tile(tile, new)
        np.testing.assert_array_equal(found, expected[tile])
        assert np.shares_memory(found, inputs.x) if kind == "dense" else True


def test_inputs_of_each_member_have_tiles_too() -> None:
    x = np.arange(24.0).reshape(2, 4, 3)
    assert len(InputRows(x)) == 4
    np.testing.assert_array_equal(InputRows(x).tile(slice(1, 3), Workspace()), x[:, 1:3])


# --- the rows of a batch ------------------------------------------------------------------


X = np.random.default_rng(1).standard_normal((23, 7))
T = np.arange(23) % 4
WEIGHT = np.random.default_rng(2).random(23)
SPLIT = PreparedSplit(InputRows(X), T, WEIGHT, is_flat=True)


def chunk_of(*seeds: int) -> Chunk:
    chosen = [Member(MLP((6,)), SGD(0.1), seed) for seed in seeds]
    return Chunk(chosen, (7, 4), X.dtype)


def test_members_of_one_seed_share_the_batch() -> None:
    rows = np.random.default_rng(1).integers(0, 23, (1, 5))
    x, t, _ = gather(chunk_of(8, 8, 8, 8), SPLIT, rows)
    assert x.shape == (5, 7)  # and no copy for each member
    np.testing.assert_array_equal(x, X[rows[0]])
    np.testing.assert_array_equal(t, T[rows[0]])


@pytest.mark.parametrize("seeds", [(8, 9, 10, 11), (10, 8, 9, 11), (8, 9, 8, 10), (9, 9, 8, 8)])
def test_each_member_gets_the_batch_of_its_seed(seeds: tuple[int, ...]) -> None:
    order = list(dict.fromkeys(seeds))
    rows = np.random.default_rng(1).integers(0, 23, (len(order), 5))
    chunk = chunk_of(*seeds)
    assert chunk.seeds == order
    x, t, weight = gather(chunk, SPLIT, rows)
    assert x.shape == (4, 5, 7)
    for k, seed in enumerate(seeds):
        np.testing.assert_array_equal(x[k], X[rows[order.index(seed)]])
        np.testing.assert_array_equal(t[k], T[rows[order.index(seed)]])
        np.testing.assert_array_equal(weight[k], WEIGHT[rows[order.index(seed)]])


def test_the_next_batch_takes_the_memory_of_the_last() -> None:
    rows = np.arange(10).reshape(2, 5)
    chunk = chunk_of(8, 9, 8)
    x, t, weight = gather(chunk, SPLIT, rows)
    again = gather(chunk, SPLIT, rows[:, ::-1])
    assert again[0] is x
    assert again[1] is t
    assert again[2] is weight
    np.testing.assert_array_equal(x[1], X[rows[1, ::-1]])


# --- training -----------------------------------------------------------------------------

D, OUT, ROWS, BATCH, STEPS = 160, 3, 61, 8, 12
UNUSED = np.flatnonzero(np.random.default_rng(0).random(D) < 0.3)  # in train
STRANGE = UNUSED[[3, 10, 19, 30]]  # of those, used in validation or test

TERMS = D
"""The longest sum whose terms come in another order: x W, over the features."""
GAIN = 2
"""How much a step may enlarge what it is given: by 1 + lr / eps of Adam, less of the others."""


def tolerance(dtype: str) -> float:
    """Relative to the largest number of an array: each step adds its rounding of TERMS terms."""
    return STEPS * TERMS * GAIN * float(np.finfo(dtype).eps)


def test_the_tolerance_of_float64_is_what_the_project_promises() -> None:
    assert tolerance("float64") <= 1e-12


NETWORK = MLP(hidden=(24,), activation="tanh")
SETTINGS: dict[str, tuple[MLP, Optimizer]] = {
    "sgd": (NETWORK, SGD(0.1)),
    "momentum": (NETWORK, Momentum(0.05)),
    "adam": (NETWORK, Adam(0.01, eps=1e-2)),
    "coupled decay": (dataclasses.replace(NETWORK, weight_decay=0.1), SGD(0.1)),
    "coupled decay, adam": (
        dataclasses.replace(NETWORK, weight_decay=0.1),
        Adam(0.01, eps=1e-2),
    ),
    "l1": (dataclasses.replace(NETWORK, l1=0.01), SGD(0.1)),
    "decoupled decay": (NETWORK, AdamW(0.01, eps=1e-2, decoupled_weight_decay=0.3)),
    "clip_norm": (NETWORK, SGD(0.1, clip_norm=0.2)),
    "batch_norm, dropout": (
        dataclasses.replace(NETWORK, norm="batch", dropout=0.3),
        SGD(0.1),
    ),
    "linear": (MLP(hidden=()), SGD(0.1)),
}
DECAYS = {"coupled decay", "coupled decay, adam", "l1", "decoupled decay"}


def data(dtype: str) -> Dataset:
    rng = np.random.default_rng(3)
    parts = []
    for rows in (ROWS, 17, 19):
        x = rng.standard_normal((rows, D))
        x[:, UNUSED] = 0
        parts.append((x.astype(dtype), rng.permutation(np.arange(rows) % OUT)))
    parts[1][0][:, STRANGE[:2]] = rng.standard_normal((17, 2))
    parts[2][0][:, STRANGE[1:]] = rng.standard_normal((19, 3))
    return from_arrays(*parts[0], validation=parts[1], test=parts[2])


@dataclasses.dataclass
class Trained:
    """What a training leaves."""

    population: Population
    series: dict[str, np.ndarray]
    data: Dataset

    @property
    def numbers(self) -> dict[str, np.ndarray]:
        return self.population.snapshot(1)


def train(name: str, dtype: str) -> Trained:
    population = Population([Member(*SETTINGS[name], seed) for seed in (4, 5, 5)])
    given = data(dtype)
    history = population.fit(
        given,
        batch_size=BATCH,
        steps=STEPS,
        evaluate=5,
        on=("train", "validation", "test", "batch"),
        workers=1,
        engine="numpy",
        dtype=dtype,
        keep="state",
    )
    assert {status.kind for status in history.status} == {"finished"}
    series = {name: one.values for name, one in history.series.items()}
    return Trained(population, series, given)


def as_it_is(splits: Mapping[str, Any]) -> tuple[dict[str, InputRows], None]:
    return {name: InputRows(x) for name, x in splits.items()}, None


def pair(name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Trained, Trained]:
    """Trained with columns left out, and with all of them where they are."""
    orders = []

    def spied(splits: Mapping[str, Any]) -> Any:
        inputs, order = arrange(splits)
        orders.append(order)
        return inputs, order

    monkeypatch.setattr(engine, "arrange", spied)
    found = train(name, dtype)
    assert sorted(orders[0][-len(UNUSED) :]) == UNUSED.tolist()
    monkeypatch.setattr(engine, "arrange", as_it_is)
    return found, train(name, dtype)


def assert_close(found: np.ndarray, expected: np.ndarray, dtype: str) -> None:
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    if not found.size:
        return
    limit = tolerance(dtype) * np.nanmax(np.abs(expected), initial=0)
    assert np.nanmax(np.abs(found - expected), initial=0) <= limit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SETTINGS)
def test_training_gives_what_it_gives_with_all_columns(
    name: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, expected = pair(name, dtype, monkeypatch)
    assert found.numbers.keys() == expected.numbers.keys()
    for key, values in expected.numbers.items():
        assert_close(found.numbers[key], values, dtype)
    assert found.series.keys() == expected.series.keys()
    for key, values in expected.series.items():
        assert_close(found.series[key], values, dtype)
    x = found.data.test.x
    assert_close(found.population.predict_proba(x), expected.population.predict_proba(x), dtype)


@pytest.mark.parametrize("name", SETTINGS)
def test_weights_of_unused_columns_come_back_in_their_places(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, expected = pair(name, "float32", monkeypatch)
    network = SETTINGS[name][0].build(D, OUT)
    used = np.delete(np.arange(D), UNUSED)
    for k, seed in enumerate((4, 5, 5)):
        W = found.population.parameters(k)["W1"]
        start = network.layout.views(network.initialize(seed)[0])["W1"]
        if name in DECAYS:
            # Nothing but the decay moves them, and it does not know of other columns.
            again = expected.population.parameters(k)["W1"]
            assert (W[UNUSED] != start[UNUSED]).any(axis=1).all()
            assert W[UNUSED].tobytes() == again[UNUSED].tobytes()
        else:
            assert W[UNUSED].tobytes() == start[UNUSED].tobytes()
        assert (W[used] != start[used]).any(axis=1).all()
    slots = [slot.name for slot in SETTINGS[name][1].slots if slot.per_parameter]
    for slot in slots:
        values = network.layout.views(found.numbers[slot])["W1"]
        assert values[UNUSED].any() == (name == "coupled decay, adam")
        assert values[used].any(axis=1).all()


@every_kind
def test_columns_that_only_other_splits_use_count_where_they_are_used(kind: str) -> None:
    """A linear model by hand, from its parameters: evaluation, prediction and accuracy."""
    given = data("float64")
    population = Population([Member(*SETTINGS["linear"], seed) for seed in (4, 5)])
    converted = from_arrays(
        KINDS[kind](given.train.x),
        given.train.t,
        validation=(KINDS[kind](given.validation.x), given.validation.t),
        test=(KINDS[kind](given.test.x), given.test.t),
    )
    history = population.fit(
        converted, batch_size=BATCH, steps=STEPS, evaluate=STEPS, workers=1, dtype="float64"
    )
    for split in ("validation", "test"):
        x, t = getattr(given, split).x, getattr(given, split).t
        unseen = x.copy()
        unseen[:, STRANGE] = 0
        for k in range(2):
            p = population.parameters(k)
            log_p = special.log_softmax(x @ p["W1"] + p["b1"], axis=-1)
            blind = special.log_softmax(unseen @ p["W1"] + p["b1"], axis=-1)
            loss, without = (-one[np.arange(len(t)), t].mean() for one in (log_p, blind))
            assert abs(loss - without) > 1e-3  # the columns matter
            last = history.series[f"{split}_loss"].values[k, -1]
            assert last == pytest.approx(loss, rel=tolerance("float64"))
            found = population.predict_proba(KINDS[kind](x))[k]
            np.testing.assert_allclose(found, np.exp(log_p), rtol=tolerance("float64"))
            assert population.predict(KINDS[kind](x))[k].tolist() == log_p.argmax(axis=1).tolist()
            right = (log_p.argmax(axis=1) == t).mean()
            assert population.accuracy(KINDS[kind](x), t)[k] == pytest.approx(right)
            series = history.series[f"{split}_accuracy"].values[k, -1]
            assert series == pytest.approx(right)
