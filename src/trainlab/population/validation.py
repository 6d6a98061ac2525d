"""Checks what `fit` and `predict` are given, and completes it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from scipy.sparse import issparse

from trainlab import memory
from trainlab.arrays import as_array, no_numbers
from trainlab.callers import warn
from trainlab.data.arrays import Dataset
from trainlab.data.batches import Batches, tell_of_a_large_batch
from trainlab.data.labels import look_like_labels, places
from trainlab.data.validation import as_csr
from trainlab.data.weights import in_range
from trainlab.engine.base import Samples, Widths
from trainlab.engine.state import MemberState
from trainlab.errors import DataError, NotTrainedError, SettingError, describe, nearest, sentence
from trainlab.limits import MAX_INDEX, MEMBERS
from trainlab.members import Member
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.losses import Loss
from trainlab.network.tasks import flat_remedy, looks_one_hot
from trainlab.network.workspace import Array
from trainlab.own import is_own
from trainlab.population.parts import Kinds
from trainlab.population.settings import DTYPES, FitSettings
from trainlab.settings import instance_of, is_integer, several
from trainlab.terminal import counted
from trainlab.training.epochs import LOG
from trainlab.training.metrics import check_metrics
from trainlab.training.plan import EarlyStopping, Plan

SPLITS: Final = ("train", "validation", "test")
DEFAULT_EPOCHS: Final = 10
_FIT: Final = "fit"


def check_data(
    data: Dataset, members: Sequence[Member], dtype: str, owner: str = _FIT
) -> tuple[Mapping[str, Samples], Widths]:
    """The splits there are, in the dtype, and the widths of inputs and outputs.

    Sparse x stay sparse.  The weights of a split are scaled to the mean 1.
    """
    if not isinstance(data, Dataset):
        remedy = "trainlab.from_arrays(x, t)"
        raise SettingError(sentence("data", owner, "be a Dataset", data, remedy))
    for index, member in enumerate(members):
        task = member.network.loss.task
        if task != data.task:
            remedy = f"loss={_LOSS_FOR[data.task]!r}"
            if is_own(member.network.loss):
                remedy = f"task = {data.task!r} in its class, if it is"
            elif task == "classification" and looks_one_hot(data.train.t):
                remedy = "t.argmax(axis=1) for the targets, which look one-hot"
            elif task == "classification" and look_like_labels(data.train.t):
                remedy = f"from_arrays(x, t, task={task!r}) if t holds labels, or {remedy}"
            must = f"fit {data.task}, the task of data {data.name!r}"
            got = f"{type(member.network.loss).__name__}, which is for {task}"
            raise SettingError(sentence("loss", f"member {index}", must, got, remedy))
    splits: dict[str, Samples] = {}
    for name in SPLITS:
        split = getattr(data, name)
        if split is not None:
            x, t = _in_dtype(split.x, dtype, f"x of {name}", owner), split.t
            if data.task != "classification":
                t = _in_dtype(t, dtype, f"t of {name}", owner)
            weight = split.weight
            if weight is not None:
                weight, _ = in_range(weight)
                weight = (weight / weight.mean()).astype(dtype)
            splits[name] = Samples(x, t, weight)
    return splits, Widths(data.in_features, data.out_features)


def _in_dtype(array: Any, dtype: str, name: str, owner: str) -> Any:
    """An array in the dtype; DataError where that cannot hold its numbers."""
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore"):
        cast: Any = array.astype(dtype)
    values = cast.data if issparse(array) else cast
    if not np.isfinite(values).all():
        largest = float(abs(array).max())
        raise DataError(sentence(name, owner, f"be finite in {dtype}", largest, "dtype='float64'"))
    return cast


_LOSS_FOR: Final[Mapping[str, str]] = {
    "classification": "softmax_cross_entropy",
    "multilabel": "sigmoid_cross_entropy",
    "regression": "mean_squared_error",
}


def make_plan(settings: FitSettings, splits: Mapping[str, Samples], task: str) -> Plan:
    """What the arguments of `fit` ask for, with data for a task."""
    check_metrics(settings.metrics, task)
    batches = Batches(len(splits["train"]), settings.batch_size, settings.batches)
    if settings.batch_size != FitSettings.batch_size and batches.kind == "permutation":
        tell_of_a_large_batch(settings.batch_size, batches.n)
    per_epoch = batches.steps_per_epoch
    total = settings.steps or (settings.epochs or DEFAULT_EPOCHS) * per_epoch
    if total > MAX_INDEX:
        must = f"be at most {MAX_INDEX} steps, here of {per_epoch} in an epoch"
        raise SettingError(sentence("epochs", _FIT, must, settings.epochs))
    on = _chosen(splits, settings.on)
    evaluations, axis = _evaluations(settings.evaluate, total, per_epoch)
    plan = Plan(
        batches=batches,
        total=total,
        evaluations=evaluations,
        axis=axis,
        axis_values=evaluations / per_epoch if axis == "epoch" else evaluations,
        on=tuple(split for split in on if split != "batch"),
        batch_steps=evaluations[evaluations < total] if "batch" in on else np.array([], int),
        dtype=np.dtype(settings.dtype),
        early_stopping=settings.early_stopping,
        callbacks=tuple(settings.callbacks),
        keep=settings.keep,
        metrics=tuple(settings.metrics),
        logs=LOG.isEnabledFor(logging.INFO),
        changes=tuple(settings.changes),
    )
    if settings.early_stopping is not None:
        seen = ("train_loss",) if len(evaluations) else ()
        _check_early_stopping(
            settings.early_stopping, (*plan.evaluated(task != "regression"), *seen)
        )
    return plan


def check_changes(members: Sequence[Member], plan: Plan) -> list[Member]:
    """All that members will be; SettingError for changes that cannot be made."""
    now, found = [*members], [*members]
    for one in sorted(plan.changes, key=lambda change: change.step):
        if one.step >= plan.total:
            must = f"come before the last of {counted(plan.total, 'step')}"
            raise SettingError(sentence("changes", _FIT, must, f"one after step {one.step}"))
        for row in check_rows(one.members, len(members), "Change"):
            now[row] = now[row].replace(**one.fields)
            found.append(now[row])
    return found


def check_rows(members: Any, count: int, owner: str) -> list[int]:
    """Places of members of a population, each once: those of one, a list, or None for all."""
    if members is None:
        return list(range(count))
    found = [members] if is_integer(members) else several(members, MEMBERS)
    if not found or not all(is_integer(one) and 0 <= one < count for one in found):
        must = f"be places of members in [0, {count - 1}], or None for all"
        raise SettingError(sentence("members", owner, must, members))
    return sorted({int(one) for one in found})


def check_start(
    start: str,
    members: Sequence[Member],
    before: Sequence[MemberState],
    widths: tuple[Widths, Widths],
    plan: Plan,
) -> list[MemberState]:
    """What training begins with.  before, widths[0]: of the last fit; widths[1]: of the data."""
    dtype = plan.dtype.name
    if widths[0] != widths[1]:
        features, outputs = counted(widths[0][0], "feature"), counted(widths[0][1], "output")
        must = f"have {features} and {outputs}, as those of the last fit"
        raise DataError(sentence("data", _FIT, must, tuple(widths[1]), "start=None"))
    if before[0].params.dtype != dtype:
        own = str(before[0].params.dtype)
        must = f"be {own!r}, that of the parameters, with start={start!r}"
        raise SettingError(sentence("dtype", _FIT, must, dtype, f"dtype={own!r}"))
    if start == "parameters":
        return [MemberState(one.params, one.buffers) for one in before]
    for index, (member, one) in enumerate(zip(members, before, strict=True)):
        if member.optimizer.slots and not one.optimizer:
            must = "have been kept by the last fit"
            remedy = "keep='state' there, or start='parameters'"
            raise NotTrainedError(sentence("state", f"member {index}", must, "none", remedy))
    done = max(one.updates for one in before)
    if done + plan.total > MAX_INDEX:
        must, got = f"have at most {MAX_INDEX} in all", f"{done} and {plan.total} more"
        raise SettingError(sentence("steps", _FIT, must, got, "start='parameters'"))
    return list(before)


def check_states(
    states: Iterable[MemberState], members: Sequence[Member], widths: tuple[int, int]
) -> tuple[list[MemberState], Widths]:
    """States and widths from elsewhere, as the networks and optimizers of members need them."""
    if not isinstance(widths, (tuple, list)) or len(widths) != 2:
        must = "be the numbers of features and outputs"
        raise SettingError(sentence("widths", "Population.restore", must, widths))
    must = f"be {len(members)}, one for each member"
    found = several(states, len(members))
    if found is None or len(found) != len(members):
        what = states if found is None else len(found)
        raise SettingError(sentence("states", "Population.restore", must, what))
    for one in found:
        instance_of(MemberState).check(one, "states", "Population.restore")
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
        got = {"params": one.params, "buffers": one.buffers, **one.optimizer}
        if one.optimizer:
            need |= {slot.name: long if slot.per_parameter else short for slot in slots}
        shapes = {name: values.shape for name, values in got.items()}
        if shapes != need:
            raise SettingError(sentence("state", f"member {index}", f"be {need}", shapes))
        arrays = member.optimizer.arrays if one.optimizer else ()
        if any(got[name].dtype != dtype for name in ("params", "buffers", *arrays)):
            must = f"be {dtype}, as those of member 0"
            got_types = {name: str(values.dtype) for name, values in got.items()}
            raise SettingError(sentence("state", f"member {index}", must, got_types))
    return found, Widths(*widths)


def check_inputs(x: Any, in_features: int, dtype: Any) -> Any:
    """x as finite inputs (N, in_features) of the dtype: an array, or CSR if x is sparse."""
    sparse = issparse(x)
    array = x if sparse else as_array(x, "x", "predict")
    if array.dtype.kind not in "biuf":
        raise no_numbers(array, "x", "predict")
    if array.ndim != 2 or array.shape[1] != in_features or not array.shape[0]:
        must = f"have the shape (N, {in_features}) with N >= 1"
        rows = 1 if array.ndim == 1 else array.shape[0] if array.ndim > 2 else 0
        remedy = f"x.reshape({rows}, -1)" if array.size == rows * in_features > 0 else None
        raise DataError(sentence("x", "predict", must, array, remedy))
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


def check_targets(t: Any, loss: Loss, out_features: int, rows: int, owner: str) -> Array:
    """t as targets of `rows` samples for a loss."""
    targets = as_array(t, "t", owner)
    loss.check_targets(targets, out_features)
    if targets.ndim != (1 if loss.task == "classification" else 2):
        classes = loss.task == "classification"
        must = "be of shape (N,)" if classes else "be of shape (N, outputs)"
        remedy = flat_remedy(targets) if classes else None
        raise DataError(sentence("t", owner, must, targets, remedy))
    if len(targets) != rows:
        must = f"have {counted(rows, 'row')}, as x has"
        raise DataError(sentence("t", owner, must, len(targets)))
    return targets


def check_classes(classes: Any, members: Sequence[Member], widths: tuple[int, int]) -> Array | None:
    """Classes from elsewhere, one for each output of classifiers; None where they are not known."""
    if classes is None:
        return None
    owner = "Population.restore"
    if any(member.network.loss.task != "classification" for member in members):
        raise SettingError(sentence("classes", owner, "be None but for classifiers", classes))
    found = as_array(classes, "classes", owner)
    if found.shape != (widths[1],):
        must = f"be {counted(widths[1], 'label')}, one for each output"
        raise SettingError(sentence("classes", owner, must, classes))
    if len(set(found.tolist())) < len(found):
        raise SettingError(sentence("classes", owner, "be different labels", classes))
    return found


def as_labels(t: Array, labels: Array | None) -> list[Array]:
    """The class numbers of t (N,) if it holds labels, where it may; else none.

    labels  of the data, None where they are not known; class numbers that are labels, too, are
            the same numbers
    """
    if labels is None or labels.dtype.kind not in "iuf":
        return []
    found = places(t, labels)
    return [found] if (found >= 0).all() else []


def tell_of_labels(t: Array, labels: Array, owner: str) -> None:
    """Warns of class numbers of which more are right if they are labels of the data."""
    given, known = describe(np.unique(t).tolist()), describe(labels.tolist())
    text = f"t of {owner} holds {given}, which are read as class numbers; as labels of {known}"
    warn(f"{text} more are right: for these try np.searchsorted(data.classes, t)", UserWarning)


def tell_of_other_classes(classes: Array | None, before: Array | None) -> None:
    """Warns where class numbers stand for other labels than in the last fit."""
    if classes is None or before is None:
        return
    if len(classes) != len(before) or np.array_equal(classes, before):  # other widths are refused
        return
    now, then = describe(classes.tolist()), describe(before.tolist())
    text = f"outputs stand for the classes {now} from now on, and stood for {then} in the last fit"
    warn(f"{text}; for new networks try start=None", UserWarning)


def check_scored(
    data: Any, t: Any, classes: Array | None, outputs: int
) -> tuple[Any, Any, Array | None]:
    """Inputs, targets and weights to score: those given, or of the test split of a Dataset.

    classes  those of the last fit, of which class numbers are those of the outputs; None where
             they are not known, as of a model from a file that does not say
    """
    if not isinstance(data, Dataset):
        if t is None:
            remedy = "score(x, t), or score(data) with a Dataset"
            raise SettingError(sentence("t", "score", "be the targets of x", t, remedy))
        return data, t, None
    if t is not None:
        raise SettingError(sentence("t", "score", "be None with a Dataset", t))
    if data.test is None:
        must, remedy = "be there", "score(x, t) with the rows of another split"
        raise DataError(sentence("test split", f"data {data.name!r}", must, None, remedy))
    targets = data.test.t
    if classes is not None and data.classes is not None:
        found = places(data.classes, classes)
        if (found < 0).any():
            must = f"be among those of training, {describe(classes.tolist())}"
            raise DataError(sentence("classes", f"data {data.name!r}", must, data.classes.tolist()))
        targets = found[targets]
    elif data.classes is not None and _may_differ(data.classes, outputs):
        must = f"be all {outputs} of training, since this model does not know which they were"
        remedy = "accuracy(x, t) with the class numbers of training"
        text = sentence("classes", f"data {data.name!r}", must, data.classes.tolist(), remedy)
        raise DataError(text)
    return data.test.x, targets, data.test.weight


def _may_differ(classes: Array, outputs: int) -> bool:
    """Whether some of so many classes may have other numbers among all of them."""
    return len(classes) < outputs and not np.array_equal(classes, np.arange(len(classes)))


def r_squared(y: Array, t: Array, weight: Array | None) -> Array:
    """R² (K,) of predictions y (K, N, out), the mean over the outputs; rows may be weighed.

    Of targets that do not vary it is 1 where they are met, else 0; the unit of targets does not
    matter.
    """
    weights = np.ones(len(t)) if weight is None else weight.astype(np.float64)
    exponent = int(np.frexp(np.abs(t.astype(np.float64)).max())[1])
    unit = np.ldexp(1.0, max(-1000, min(exponent, 1000)))  # so that no square is out of range
    truth = t / unit
    varied = truth - truth[np.argmax(weights > 0)]  # exactly 0 where nothing varies
    total = weights @ np.square(varied - np.average(varied, axis=0, weights=weights))
    left = np.array([weights @ np.square(own / unit - truth) for own in y])
    with np.errstate(all="ignore"):
        share = np.where(total > 0, left / total, left > 0)
    scores: Array = 1 - share.mean(axis=-1)
    return scores


def check_memory(kinds: Kinds, plan: Plan, widths: tuple[int, int], owner: str) -> None:
    """SettingError where a training needs more memory than there is, whoever does it, and how.

    At least there are: of one member its parameters, their gradients and the arrays of its
    optimizer, and the outputs of all layers for a batch; of all members the series of their losses.
    """
    number, rows = plan.dtype.itemsize, plan.batches.rows
    largest, kept = 0, 0
    for (settings, optimizer), count in kinds.items():
        network, states = settings.build(*widths), len(optimizer.arrays)
        largest = max(largest, network.size * (2 + states) + rows * sum(network.widths))
        kept += count * network.size
    memory.need(largest * number, "the arrays of one member", owner, "a smaller hidden")
    if plan.keep != "history":
        memory.need(kept * number, "the parameters of all members", owner, "keep='history'")
    numbers_each = len(plan.on) * (2 + len(plan.metrics)) + 1
    of_evaluations = len(plan.evaluations) * numbers_each * np.dtype(float).itemsize
    series = kinds.total() * (plan.total * number + of_evaluations)
    memory.need(series, "the losses of all steps", owner, "fewer steps")


def _chosen(splits: Mapping[str, Samples], on: Sequence[str] | None) -> tuple[str, ...]:
    """What is to be evaluated."""
    if on is None:
        return tuple(splits)
    for name in on:
        if not isinstance(name, str) or name not in (*splits, "batch"):
            must = "be among " + ", ".join(map(repr, (*splits, "batch")))
            missing = isinstance(name, str) and name == "validation"
            near = nearest(name, (*splits, "batch"))
            remedy = "data.split(validation=0.2)" if missing else near and f"on=[{near!r}]"
            raise SettingError(sentence("on", _FIT, must, name, remedy))
    return tuple(dict.fromkeys(on))


def _evaluations(evaluate: Any, total: int, steps_per_epoch: int) -> tuple[Array, str]:
    """The numbers of updates after which to evaluate, and the axis that shows them."""
    if evaluate is None:
        return np.array([], int), "step"
    if isinstance(evaluate, str):
        return _every(steps_per_epoch, total), "epoch"
    if is_integer(evaluate):
        return _every(int(evaluate), total), "step"
    chosen = several(evaluate, total + 1) or []
    for step in chosen:
        if not is_integer(step) or not 0 <= step <= total:
            must = f"hold numbers of steps in [0, {total}]"
            raise SettingError(sentence("evaluate", _FIT, must, step))
    return np.array(sorted({int(step) for step in chosen}), int), "step"


def _every(interval: int, total: int) -> Array:
    return np.append(np.arange(0, total, interval), total)


def _check_early_stopping(rule: EarlyStopping, metrics: Sequence[str]) -> None:
    if rule.metric not in metrics:
        must = "be evaluated; evaluated are " + (", ".join(metrics) or "none")
        missing = rule.metric.startswith("validation") and "validation_loss" not in metrics
        near = nearest(rule.metric, metrics)
        remedy = "data.split(validation=0.2)" if missing else near and f"metric={near!r}"
        raise SettingError(sentence("metric", "EarlyStopping", must, rule.metric, remedy))
