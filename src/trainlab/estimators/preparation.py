"""The first step of `fit`: from parameters and rows to what is to be trained.

`TrainingTable` is the data set that parameters make of the rows they are given; its signature
holds the parameters that decided it, so that many estimators can share one.  A
`Prepared` is a table with members and the arguments of their training.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from scipy.sparse import issparse

from trainlab.data.arrays import Dataset, can_stratify, draw_beside, draw_rows
from trainlab.data.batches import tell_of_a_large_batch
from trainlab.data.validation import tell_of_bytes
from trainlab.errors import DataError, SettingError, sentence
from trainlab.estimators.choices import (
    batch_rows,
    has_one_output,
    loss_of,
    members_of,
    weight_decay,
)
from trainlab.estimators.inputs import InputScaler
from trainlab.estimators.rows import Rows, merge
from trainlab.estimators.targets import Labels, Pair, Targets, class_weights
from trainlab.members import Member
from trainlab.network.workspace import Array
from trainlab.terminal import counted
from trainlab.training.plan import EarlyStopping

# The parameters that decide what the data set is.
DECIDING: Final = (
    "batch_size",
    "class_weight",
    "dtype",
    "early_stopping",
    "standardize_inputs",
    "standardize_targets",
    "validation_fraction",
)


@dataclass(frozen=True, eq=False)
class TrainingTable:
    """data, how X and y became its inputs and targets.

    mean_weight, exponent  mean_weight · 2**exponent is the mean weight of a row it trains on
    signature  equal for estimators that make equal tables of the same arguments
    features   the attributes of an estimator that say what the columns of X are
    """

    data: Dataset
    inputs: InputScaler
    targets: Targets
    mean_weight: float
    exponent: int
    signature: str
    features: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is to be trained for one estimator.

    members    one for each of n_members
    arguments  of Population.fit, all that decide a bit of the result
    table      the data, which estimators may share
    """

    members: tuple[Member, ...]
    arguments: Mapping[str, Any]
    table: TrainingTable

    @property
    def data(self) -> Dataset:
        """What the members are trained on."""
        return self.table.data


def prepared(
    table: TrainingTable,
    chosen: Mapping[str, Any],
    seeds: Sequence[int],
    epochs: int,
    stopping: EarlyStopping | None,
    owner: str,
) -> Prepared:
    """The members of checked parameters, and the arguments of their training on a table."""
    batch = batch_rows(chosen, len(table.data.train))
    loss = loss_of(chosen, table.data.task, owner)
    arguments = {
        "batch_size": batch,
        "epochs": epochs,
        "evaluate": "epoch",
        "on": () if table.data.validation is None else ("validation",),
        "early_stopping": stopping,
        "dtype": str(table.data.train.x.dtype),
        "engine": chosen["engine"],
    }
    decay = weight_decay(chosen["alpha"], batch * table.mean_weight, table.exponent, owner)
    members = members_of(chosen, loss, decay, seeds)
    return Prepared(members, arguments, table)


def signature(chosen: Mapping[str, Any], seed: int) -> str:
    """The parameters that decide a table, and the seed where rows are drawn by chance."""
    parts = {name: chosen.get(name) for name in DECIDING}
    return repr((parts, has_one_output(chosen), seed if chosen["early_stopping"] else None))


def whole(rows: Rows, chosen: Mapping[str, Any]) -> Rows:
    """The rows; where a batch is all of them, equal ones become one."""
    if chosen["batch_size"] != "auto":
        tell_of_a_large_batch(chosen["batch_size"], len(rows))
    return merge(rows) if batch_rows(chosen, len(rows)) == len(rows) else rows


def make_table(
    rows: Rows,
    held: Rows | None,
    targets: Targets,
    chosen: Mapping[str, Any],
    seed: int,
    features: Mapping[str, Any],
    before: tuple[InputScaler, str] | None,
) -> TrainingTable:
    """The table of rows to train on, and `held` or drawn ones to validate on.

    before: what X became, and the dtype, in a training that this one goes on with; None
    leaves both to the rows and the parameters.
    The data set is not hashed, which would cost more than small trainings do: its sha256 is empty.
    """
    by_class = _class_weights(rows, targets, chosen.get("class_weight"))
    train = _targeted(rows, targets, by_class)
    if before:
        inputs, dtype = before
    else:
        if not chosen["standardize_inputs"]:
            tell_of_bytes(train.x, train.x.dtype, "X")
        inputs, dtype = scaler_of(chosen["standardize_inputs"], train), dtype_of(rows, chosen)
    x, train = train.x, replace(train, x=inputs.encode(train.x, dtype, bounded=False))
    if before:
        inputs = inputs.trained_on(x, train.x)
    if held is not None:
        regresses = targets.task == "regression"
        with of_validation("MLPRegressor" if regresses else "MLPClassifier"):
            held = _targeted(held, targets, by_class)
        held = replace(held, x=inputs.encode(held.x, dtype))
    elif chosen["early_stopping"]:
        t = train.y[:, 0].astype(np.int64) if isinstance(targets, Pair) else train.y
        train, held = _carved(train, t, chosen["validation_fraction"], seed)
    data = Dataset(
        name="X, y",
        train=train.split(dtype),
        validation=None if held is None else held.split(dtype),
        test=None,
        task=targets.task,
        classes=targets.classes if targets.task == "classification" else None,
        sha256="",
    )
    mean = train.total_weight / len(train)
    own = signature(chosen, seed)
    return TrainingTable(data, inputs, targets, mean, train.exponent, own, dict(features))


@contextlib.contextmanager
def of_validation(owner: str) -> Iterator[None]:
    """What is wrong with rows is said of validation_data: X and y are others to the caller."""
    try:
        yield
    except ValueError as error:
        must = "hold rows as those to train on"
        raise DataError(sentence("validation_data", owner, must, error)) from error


def _class_weights(rows: Rows, targets: Targets, class_weight: Any) -> Array | None:
    """The weight (C,) of each class, of the rows to train on; None where there are none."""
    if class_weight is None:
        return None
    assert isinstance(targets, Labels)  # the classifier allows class weights for nothing else
    t = targets.numbers(rows.y)
    return class_weights(class_weight, targets, t, rows.weight, "MLPClassifier")


def _targeted(rows: Rows, targets: Targets, by_class: Array | None) -> Rows:
    """The rows with targets in place of y, weighed by class; rows without weight are gone."""
    found = replace(rows, y=targets.encode(rows.y))
    if by_class is None:
        return found
    assert isinstance(targets, Labels)
    return found.weighed(by_class[targets.numbers(rows.y)])


def scaler_of(kind: str | bool, rows: Rows) -> InputScaler:
    """What becomes of the columns of X, by the parameter `standardize_inputs`."""
    if kind == "piecewise":
        if issparse(rows.x):
            must, remedy = "be 'robust' for a sparse X", "'robust', or X.toarray()"
            raise SettingError(sentence("standardize_inputs", "MLP", must, kind, remedy))
        return InputScaler.piecewise(rows.x, rows.weight)
    if kind == "robust":
        return InputScaler.robust(rows.x, rows.weight)
    if kind:  # True is what it was in earlier versions
        return InputScaler.standard(rows.x, rows.weight)
    return InputScaler.plain(rows.x.shape[1])


def scalers_of(kinds: Iterable[str | bool], rows: Rows) -> dict[str | bool, InputScaler]:
    """What becomes of the columns of X, by kind: all know its range where one does."""
    found = {kind: scaler_of(kind, rows) for kind in kinds}
    for one in found.values():
        if len(one.lowest):
            ends = {"lowest": one.lowest, "highest": one.highest}
            return {kind: replace(own, **ends) for kind, own in found.items()}
    return found


def dtype_of(rows: Rows, chosen: Mapping[str, Any]) -> str:
    """The dtype of a training: "auto" is float64 where X is, else float32."""
    if chosen["dtype"] == "auto":
        return "float64" if rows.x.dtype == np.float64 else "float32"
    dtype: str = chosen["dtype"]
    return dtype


def _carved(rows: Rows, t: Array, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Rows to train on and to validate on, drawn by chance; classes keep their shares.

    Of each class a row is left to train on, however rare it is.  t are the class numbers of the
    rows, or their targets.
    """
    count = max(round(fraction * len(rows)), 1)
    classes = len(np.unique(t)) if t.ndim == 1 else 1
    if len(rows) - count < classes:
        each = ", one of each class" * (classes > 1)
        must = f"leave {counted(classes, 'row')} to train on{each}"
        got = f"{fraction} of {counted(len(rows), 'row')}"
        remedy = "early_stopping=False, or validation_data"
        raise SettingError(sentence("validation_fraction", "early_stopping", must, got, remedy))
    if t.ndim == 1 and not can_stratify(t, count):
        rest, taken = draw_beside(t, count, seed)
    else:
        rest, taken = draw_rows(t, count, stratify=True, seed=seed, purpose="validation")
    return rows.take(rest), rows.take(taken)
