"""The door of `fit` and `predict`: what users give is checked here, and put in full."""

from __future__ import annotations

import importlib.util
import multiprocessing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from scipy.sparse import issparse

from trainlab import memory
from trainlab.arrays import as_array
from trainlab.data.admission import as_csr
from trainlab.data.arrays import Dataset
from trainlab.data.batches import KINDS, Batches
from trainlab.data.weights import in_range
from trainlab.errors import DataError, NotTrainedError, SettingError, describe, sentence
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.losses import Loss
from trainlab.network.workspace import Array
from trainlab.settings import MOST, either, instance_of, is_integer, one_of, several, whole_number
from trainlab.streams import MAX_INDEX
from trainlab.training.backends import BACKENDS, CAN_FORK, REMOTE
from trainlab.training.inputs import Inputs, Samples
from trainlab.training.members import Member
from trainlab.training.plan import KEEP, EarlyStopping, Plan
from trainlab.training.record import Numbers

SPLITS: Final = ("train", "validation", "test")
DTYPES: Final = ("float32", "float64")
STARTS: Final = ("parameters", "state")
_FIT: Final = "fit"


def admit_data(
    data: Dataset, members: Sequence[Member], dtype: str
) -> tuple[Mapping[str, Samples], tuple[int, int]]:
    """The splits there are, in the dtype, and the widths of inputs and outputs.

    Sparse x stay sparse.  The weights of a split are scaled to the mean 1.
    """
    if not isinstance(data, Dataset):
        raise SettingError(
            sentence("data", _FIT, "be a Dataset", data, "trainlab.datasets.from_arrays(x, t)")
        )
    one_of(DTYPES).admit(dtype, "dtype", _FIT)
    for index, member in enumerate(members):
        task = member.network.loss.task
        if task != data.task:
            remedy = _LOSS_FOR[data.task]
            must = f"fit {data.task}, the task of data {data.name!r}"
            got = f"{type(member.network.loss).__name__}, which is for {task}"
            raise SettingError(sentence("loss", f"member {index}", must, got, f"loss={remedy!r}"))
    splits: dict[str, Samples] = {}
    for name in SPLITS:
        split = getattr(data, name)
        if split is not None:
            t = split.t if data.task == "classification" else split.t.astype(dtype, copy=False)
            weight = split.weight
            if weight is not None:
                weight, _ = in_range(weight)
                weight = (weight / weight.mean(dtype=np.float64)).astype(dtype)
            splits[name] = Samples(Inputs(split.x.astype(dtype, copy=False)), t, weight)
    return splits, (data.in_features, data.out_features)


_LOSS_FOR: Final[Mapping[str, str]] = {
    "classification": "softmax_cross_entropy",
    "multilabel": "sigmoid_cross_entropy",
    "regression": "mean_squared_error",
}


def make_plan(
    *,
    data: Mapping[str, Samples],
    batch_size: Any,
    epochs: Any,
    steps: Any,
    batches: Any,
    evaluate: Any,
    on: Any,
    early_stopping: Any,
    callbacks: Any,
    dtype: str,
    keep: Any,
    scored: bool,
) -> Plan:
    """The plan that the arguments of `fit` ask for."""
    _need_integer("batch_size", batch_size)
    one_of(KINDS).admit(batches, "batches", _FIT)
    order = Batches(len(data["train"]), int(batch_size), batches)
    total = _total(order.steps_per_epoch, epochs, steps)
    chosen = _splits(data, on)
    evaluations, axis = _evaluations(evaluate, total, order.steps_per_epoch)
    batch_steps = evaluations[evaluations < total] if "batch" in chosen else np.array([], int)
    chosen = tuple(split for split in chosen if split != "batch")
    values = evaluations / order.steps_per_epoch if axis == "epoch" else evaluations
    if not isinstance(callbacks, Sequence):
        raise SettingError(sentence("callbacks", _FIT, "be a list", callbacks, "callbacks=[...]"))
    for callback in callbacks:
        if not callable(callback):
            raise SettingError(sentence("callbacks", _FIT, "be callables", callback))
    one_of(KEEP).admit(keep, "keep", _FIT)
    plan = Plan(
        order,
        total,
        evaluations,
        axis,
        values,
        chosen,
        batch_steps,
        np.dtype(dtype),
        early_stopping,
        tuple(callbacks),
        keep,
    )
    if early_stopping is not None:
        seen = ("train_loss",) if len(evaluations) else ()
        _check_early_stopping(early_stopping, (*plan.metrics(scored), *seen))
    return plan


def admit_workers(workers: Any) -> int | None:
    """The number of workers; None means the cores there are, here or in the cluster."""
    if workers is None:
        return None
    _need_integer("workers", workers)
    return int(workers)


def admit_backend(backend: Any, scheduler: Any = None, callbacks: Any = ()) -> str | None:
    """A backend that this system has; None leaves the choice to the training."""
    known = backend is None or (isinstance(backend, str) and backend in BACKENDS)
    if known and scheduler is not None and not (backend == "dask" and isinstance(scheduler, str)):
        must = "be None, or an address with backend='dask'"
        got = f"{describe(scheduler)} with backend={backend!r}"
        remedy = "backend='dask', scheduler='tcp://127.0.0.1:8786'"
        raise SettingError(sentence("scheduler", _FIT, must, got, remedy))
    if backend is None:
        return None
    if not known:
        must = "be None or one of " + ", ".join(map(repr, BACKENDS))
        raise SettingError(sentence("backend", _FIT, must, backend))
    if backend == "processes" and not CAN_FORK:
        must = "be 'threads' where processes cannot be forked"
        raise SettingError(sentence("backend", _FIT, must, backend, "backend=None"))
    if backend == "processes" and multiprocessing.current_process().daemon:
        must = "be 'threads' in a daemon, which must not have children"
        raise SettingError(sentence("backend", _FIT, must, backend, "backend=None"))
    if backend == "dask" and importlib.util.find_spec("distributed") is None:
        must, remedy = "be installed", "pip install 'trainlab[dask]'"
        raise SettingError(sentence("backend", _FIT, must, backend, remedy))
    if backend in REMOTE and len(callbacks):
        must = f"be none with backend={backend!r}, whose workers cannot ask this process"
        got = f"{len(callbacks)} of them"
        raise SettingError(sentence("callbacks", _FIT, must, got, "backend='processes'"))
    return str(backend)


def admit_start(
    start: str,
    members: Sequence[Member],
    numbers: Sequence[Numbers],
    widths: tuple[tuple[int, int], tuple[int, int]],
    dtype: str,
) -> list[Numbers]:
    """The numbers that training goes on from.  widths: those of the numbers, and of the data."""
    either(one_of(STARTS), None).admit(start, "start", _FIT)
    if widths[0] != widths[1]:
        must = f"have {widths[0][0]} features and {widths[0][1]} outputs, as those of the last fit"
        raise DataError(sentence("data", _FIT, must, widths[1], "start=None"))
    if numbers[0].params.dtype != dtype:
        must = f"be {str(numbers[0].params.dtype)!r}, that of the last fit"
        raise SettingError(sentence("dtype", _FIT, must, dtype, "start=None"))
    if start == "parameters":
        return [Numbers(one.params, one.buffers) for one in numbers]
    for index, (member, one) in enumerate(zip(members, numbers, strict=True)):
        if member.optimizer.slots and not one.state:
            must = "have been kept by the last fit"
            remedy = "keep='state' there, or start='parameters'"
            raise NotTrainedError(sentence("state", f"member {index}", must, "none", remedy))
    return list(numbers)


def admit_numbers(
    numbers: Iterable[Numbers], members: Sequence[Member], widths: tuple[int, int]
) -> tuple[list[Numbers], tuple[int, int]]:
    """Numbers and widths from elsewhere, as the networks and optimizers of members need them."""
    if not isinstance(widths, (tuple, list)) or len(widths) != 2:
        must = "be the numbers of features and outputs"
        raise SettingError(sentence("widths", "Population.restore", must, widths))
    must = f"be {len(members)}, one for each member"
    found = several(numbers, len(members))
    if found is None or len(found) != len(members):
        what = numbers if found is None else len(found)
        raise SettingError(sentence("numbers", "Population.restore", must, what))
    for one in found:
        instance_of(Numbers).admit(one, "numbers", "Population.restore")
    dtype = found[0].params.dtype
    if dtype.name not in DTYPES:
        must = "be one of " + ", ".join(map(repr, DTYPES))
        raise SettingError(sentence("dtype", "Population.restore", must, dtype.name))
    built: dict[MLP, Architecture] = {}
    for index, (member, one) in enumerate(zip(members, found, strict=True)):
        if member.network not in built:
            built[member.network] = member.network.build(*widths)
        architecture, slots = built[member.network], member.optimizer.slots
        long, short = (architecture.size,), (1,)
        need = {"params": long, "buffers": (architecture.buffer_layout.size,)}
        got = {"params": one.params, "buffers": one.buffers, **one.state}
        if one.state:
            need |= {slot.name: long if slot.per_parameter else short for slot in slots}
        if {name: values.shape for name, values in got.items()} != need:
            shapes = {name: values.shape for name, values in got.items()}
            raise SettingError(sentence("numbers", f"member {index}", f"be {need}", shapes))
        floats = [
            one.params,
            one.buffers,
            *(one.state[name] for name in member.optimizer.arrays if one.state),
        ]
        if any(values.dtype != dtype for values in floats):
            must = f"be {dtype}, as those of member 0"
            got_types = {name: str(values.dtype) for name, values in got.items()}
            raise SettingError(sentence("numbers", f"member {index}", must, got_types))
    return found, (widths[0], widths[1])


def admit_inputs(x: Any, in_features: int, dtype: Any) -> Any:
    """x as finite inputs (N, in_features) of the dtype: an array, or CSR if x is sparse."""
    sparse = issparse(x)
    array = x if sparse else as_array(x, "x", "predict")
    if array.dtype.kind not in "biuf":
        raise DataError(sentence("x", "predict", "be real numbers", x))
    if array.ndim != 2 or array.shape[1] != in_features or not array.shape[0]:
        must = f"have the shape (N, {in_features}) with N >= 1"
        raise DataError(sentence("x", "predict", must, array))
    with np.errstate(over="ignore"):  # what the dtype cannot hold is not finite
        if sparse:
            array = as_csr(array, "x", "predict").astype(dtype, copy=False)
            values = array.data
        else:
            values = array = np.ascontiguousarray(array, dtype=dtype)
    if not np.isfinite(values).all():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        raise DataError(sentence("x", "predict", "be finite", f"{bad} NaN or infinite values"))
    return array


def admit_targets(t: Any, loss: Loss, out_features: int, rows: int) -> Array:
    """t as targets of `rows` samples for a loss that counts right predictions."""
    if loss.task == "regression":
        must = "be that of classifiers; a regression has none"
        raise SettingError(sentence("accuracy", "Population", must, type(loss).__name__))
    targets = as_array(t, "t", "accuracy")
    loss.check_targets(targets, out_features)
    if targets.ndim != (1 if loss.task == "classification" else 2):
        raise DataError(sentence("t", "accuracy", "have one row for each row of x", targets))
    if len(targets) != rows:
        raise DataError(sentence("t", "accuracy", f"have {rows} rows, as x has", len(targets)))
    return targets


def check_memory(members: Sequence[Member], plan: Plan, widths: tuple[int, int]) -> None:
    """SettingError where a training needs more memory than there is, whoever does it, and how.

    At least there are: of one member its parameters, their gradients and its optimizer's state,
    and the outputs of all layers for a batch; of all members the series of their losses.
    """
    number, rows = plan.dtype.itemsize, plan.batches.rows
    largest, kept = 0, 0
    for member in members:
        network, states = member.network.build(*widths), len(member.optimizer.arrays)
        largest = max(largest, network.size * (2 + states) + rows * sum(network.widths))
        kept += network.size
    memory.need(largest * number, "the numbers of one member", _FIT, "a smaller hidden")
    if plan.keep != "history":
        memory.need(kept * number, "the parameters of all members", _FIT, "keep='history'")
    of_evaluations = len(plan.evaluations) * (len(plan.on) * 2 + 1) * np.dtype(float).itemsize
    series = len(members) * (plan.total * number + of_evaluations)
    memory.need(series, "the losses of all steps", _FIT, "fewer steps")


def _need_integer(name: str, value: Any, high: int = MOST) -> None:
    whole_number(1, "1", high=high).admit(value, name, _FIT)


def _total(steps_per_epoch: int, epochs: Any, steps: Any) -> int:
    if steps is not None:
        if epochs is not None:
            got = f"epochs={describe(epochs)} and steps={describe(steps)}"
            raise SettingError(sentence("length", _FIT, "be epochs or steps, not both", got))
        _need_integer("steps", steps, MAX_INDEX)
        return int(steps)
    if epochs is None:
        epochs = 10
    _need_integer("epochs", epochs, MAX_INDEX)
    total = int(epochs) * steps_per_epoch
    if total > MAX_INDEX:
        must = f"be at most {MAX_INDEX} steps, here of {steps_per_epoch} in an epoch"
        raise SettingError(sentence("epochs", _FIT, must, epochs))
    return total


def _splits(data: Mapping[str, Samples], on: Any) -> tuple[str, ...]:
    if on is None:
        return tuple(data)
    if isinstance(on, str) or not isinstance(on, Sequence):
        raise SettingError(sentence("on", _FIT, "be a list of splits", on, "on=('test',)"))
    for name in on:
        if not isinstance(name, str) or name not in (*data, "batch"):
            must = "be among " + ", ".join(map(repr, (*data, "batch")))
            missing = isinstance(name, str) and name == "validation"
            remedy = "data.split(validation=0.2)" if missing else None
            raise SettingError(sentence("on", _FIT, must, name, remedy))
    return tuple(dict.fromkeys(on))


def _evaluations(evaluate: Any, total: int, steps_per_epoch: int) -> tuple[Array, str]:
    """The numbers of updates after which to evaluate, and the axis that shows them."""
    if evaluate is None:
        return np.array([], int), "step"
    if isinstance(evaluate, str):
        if evaluate != "epoch":
            must = "be 'epoch', a number of steps, a list of them, or None"
            raise SettingError(sentence("evaluate", _FIT, must, evaluate, "evaluate='epoch'"))
        return _every(steps_per_epoch, total), "epoch"
    if is_integer(evaluate):
        _need_integer("evaluate", evaluate)
        return _every(int(evaluate), total), "step"
    chosen = several(evaluate, total + 1) if isinstance(evaluate, (Sequence, np.ndarray)) else None
    if chosen is None:
        must = "be 'epoch', a number of steps, a list of them, or None"
        raise SettingError(sentence("evaluate", _FIT, must, evaluate, "evaluate='epoch'"))
    for step in chosen:
        if not is_integer(step) or not 0 <= step <= total:
            must = f"hold numbers of steps in [0, {total}]"
            raise SettingError(sentence("evaluate", _FIT, must, step))
    return np.array(sorted({int(step) for step in chosen}), int), "step"


def _every(interval: int, total: int) -> Array:
    return np.append(np.arange(0, total, interval), total)


def _check_early_stopping(rule: Any, metrics: Sequence[str]) -> None:
    if not isinstance(rule, EarlyStopping):
        must = "be an EarlyStopping or None"
        raise SettingError(sentence("early_stopping", _FIT, must, rule, "EarlyStopping()"))
    if rule.metric not in metrics:
        must = "be evaluated; evaluated are " + (", ".join(metrics) or "none")
        remedy = "data.split(validation=0.2)" if rule.metric.startswith("validation") else None
        raise SettingError(sentence("metric", "EarlyStopping", must, rule.metric, remedy))
