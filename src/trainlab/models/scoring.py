"""Predictions of a model for the rows of a table in a file."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, Literal

import numpy as np

from trainlab.data.cells import bare, is_missing
from trainlab.data.dates import WRITTEN, moments
from trainlab.data.far import FAR_FROM_TRAINING, FarNumbers
from trainlab.data.formats import DECIMALS, Decimal, NumberFormat, check_decimal, grouped
from trainlab.data.table import Table, TableFile
from trainlab.errors import DataError, SettingError, nearest, sentence
from trainlab.network.workspace import Array
from trainlab.population import Network, Population
from trainlab.settings import several

_SHOWN: Final = 20


@dataclasses.dataclass(frozen=True)
class Scores:
    """Predictions of a model for a table.

    columns  by name: those of the table that were to be kept, as text; then predictions
    ignored  the columns of the table that the model does not use, and that were not kept
    notices  how the table was read, where that is not obvious
    strange  of those that it knows: how many cells hold words that no row of its training
             had, or nothing where each of them had a number
    far      numbers far from those of the training, by what the model calls their columns
    """

    columns: dict[str, Any]
    ignored: tuple[str, ...]
    strange: dict[str, int] = dataclasses.field(default_factory=dict)
    notices: tuple[str, ...] = ()
    far: dict[str, FarNumbers] = dataclasses.field(default_factory=dict)

    @property
    def unlike(self) -> tuple[str, ...]:
        """The columns of which no cell, of several, is like any of the training."""
        rows = len(self)
        return tuple(name for name, count in self.strange.items() if count == rows > 1)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def score(
    model: Any,
    path: str | os.PathLike[str],
    proba: bool = False,
    *,
    delimiter: str | None = None,
    skip_lines: int = 0,
    encoding: str | None = None,
    decimal: Decimal | None = None,
    engine: str = "auto",
    keep: Sequence[str] | Literal["all"] = (),
    interval: float | None = None,
) -> Scores:
    """The predictions of a model, with probabilities or without, for each row of a table in a file.

    A model with `feature_names_in_` takes the columns of these names; another needs a table
    that has as many columns as it has inputs.  Rows are read and predicted in blocks.  Cells
    are numbers; for a pipeline with a TableEncoder also words, dates, text and holes.

    Parameters
    ----------
    model
        A network, an estimator, an ensemble, or a pipeline that ends in one.
    path, delimiter, skip_lines, encoding
        As `trainlab.data.table.read_table` has them.
    proba
        Whether probabilities are asked for, beside the labels.
    decimal
        The decimal sign of the numbers; None: they are written as in the table that the model
        was trained on, if `trainlab search` made it, else as programs write them.
    engine
        What computes the predictions, whatever the model was trained with.
    keep
        Names of columns of the table whose cells stand before the predictions; "all" of them
        that hold cells, and no lists as a Parquet file may.
    interval
        The level of the intervals about the predictions of an ensemble of regressors; None: none.
    """
    asks = _asks(model, proba, interval, engine)
    before, last = _steps(model)
    check_decimal(decimal)
    known = getattr(model, "feature_names_in_", None)
    expected = () if known is None else tuple(bare(str(name)) for name in known)
    with TableFile(path, delimiter, skip_lines, encoding, expected) as table:
        names = _by_place(model, table) if known is None else expected
        table.require(names)
        encoder = _encoder(model)
        words = [] if encoder is None else [names[place] for place in encoder._texts]
        numbers = [name for name in names if name not in set(words)]
        kept: dict[str, list[str]] = {name: [] for name in _kept(keep, table)}
        parts: list[list[Array]] = [[] for _ in asks]
        far, strange = dict[str, FarNumbers](), Counter[str]()
        inputs = list(names) if encoder is None else _input_names(encoder, names)
        texts, formats = list(dict.fromkeys([*words, *kept])), _formats(encoder, numbers, decimal)
        for part in table.blocks(numbers, texts, encoder is not None, formats):
            for name, cells in kept.items():
                cells.extend(part.text[name])
            own = dataclasses.replace(part, text={name: part.text[name] for name in words})
            x = own.cells(names) if words else part.numbers
            with unnamed():
                with _located(encoder, names, own, table):
                    z = x if before is None else before.transform(x)
                for ask, found in zip(asks, parts, strict=True):
                    found.append(ask(z))
                of_block = last._inputs.far(z) if hasattr(last, "_inputs") else {}
                for place, one in of_block.items():
                    if name := inputs[place]:
                        far[name] = far[name] + one if name in far else one
                odd = {} if encoder is None else encoder.strange(x)
                if known is None:  # a model of arrays calls its columns by their places
                    odd = {names[int(place)]: count for place, count in odd.items()}
                strange.update(odd)
        ignored = tuple(name for name in table.names if name not in {*names, *kept})
    columns = _columns(model, [np.concatenate(part) for part in parts], proba, interval)
    if both := [name for name in kept if name in columns]:
        must, remedy = "have other names than the predictions", "to rename it in the table"
        remedy += ", or keep=COLUMN for each of the others" if isinstance(keep, str) else ""
        raise SettingError(sentence("columns to keep", "predict", must, both[0], remedy))
    most = dict(strange.most_common(_SHOWN))
    return Scores({**kept, **columns}, ignored[:_SHOWN], most, table.notices, far)


def _asks(
    model: Any, proba: bool, interval: float | None, engine: str
) -> list[Callable[[Any], Array]]:
    """What the last step of a model is asked, each with the engine; an error where it cannot."""
    if not hasattr(model, "predict"):
        must = "be a network or an estimator"
        raise SettingError(sentence("model", "predict", must, type(model).__name__))
    if isinstance(model, Population):
        must = "be one network or an estimator"
        raise SettingError(sentence("model", "predict", must, f"a population of {len(model)}"))
    _, last = _steps(model)
    if proba and not hasattr(model, "predict_proba"):
        must = "be a classifier for probabilities"
        raise SettingError(
            sentence("model", "predict", must, type(last).__name__, "--interval 0.9")
        )
    if not isinstance(model, Network):
        last = copy.copy(last)  # the caller's keeps its engine
        last.engine = engine
    asks = [last.predict, last.predict_proba] if proba else [last.predict]
    if interval is not None:
        asks.append(intervals_of(last, interval))
    return [partial(ask, engine=engine) for ask in asks] if isinstance(model, Network) else asks


def _by_place(model: Any, table: TableFile) -> tuple[str, ...]:
    """The columns of a table for a model that knows their number alone."""
    width = _width(model)
    if len(table.names) != width:
        must = f"be {width}, as the model has inputs"
        raise DataError(sentence("columns", str(table.path), must, len(table.names)))
    return table.names


def _columns(
    model: Any, found: Sequence[Array], proba: bool, interval: float | None
) -> dict[str, Any]:
    """What a model predicts, with probabilities and intervals where they were asked for."""
    predicted, classes = found[0], getattr(model, "classes_", None)
    if isinstance(model, Network) and (classes := model.classes) is not None:
        predicted = classes[predicted]  # an estimator predicts its labels itself
    columns = _named(predicted)
    columns |= _of_classes(found[1], classes) if proba else {}
    columns |= {} if interval is None else _ends(found[-1])
    return columns


def _steps(model: Any) -> tuple[Any, Any]:
    """What a pipeline does before it predicts, None of other models; and what predicts."""
    steps = getattr(model, "steps", [("", model)])
    return (model[:-1] if len(steps) > 1 else None), steps[-1][1]


def _input_names(encoder: Any, names: Sequence[str]) -> list[str]:
    """What the columns are called that an encoder makes; "" of those of text."""
    texts = encoder.text_
    made = enumerate(encoder._made(names))
    return ["" if place in texts else name for place, own in made for name in own]


@contextlib.contextmanager
def _located(encoder: Any, names: Sequence[str], part: Table, file: TableFile) -> Iterator[None]:
    """In place of an error of a date that cannot be read, one with its line of the file."""
    try:
        yield
    except DataError:
        for place in () if encoder is None else encoder.dates_:
            order, name = encoder.columns_[place].order, names[place]
            for line, cell in zip(part.lines, part.text[name], strict=True):
                if not is_missing(cell) and order not in moments(cell):
                    must = f"hold dates {WRITTEN[order]}, or nothing, as in training"
                    what = f"column {name!r} in {file.what} {line}"
                    raise DataError(sentence(what, str(file.path), must, cell)) from None
        raise


def intervals_of(model: Any, level: float) -> Callable[[Any], Array]:
    """What predicts intervals with a model, or with the last step of a pipeline."""
    before, last = _steps(model)
    if not hasattr(last, "predict_interval"):
        must = "be an ensemble of regressors for intervals"
        remedy = "--proba" if hasattr(last, "predict_proba") else None
        raise SettingError(sentence("model", "predict", must, type(last).__name__, remedy))

    def intervals(x: Any) -> Array:
        found: Array = last.predict_interval(x if before is None else before.transform(x), level)
        return found

    return intervals


def _kept(keep: Sequence[str] | Literal["all"], table: TableFile) -> list[str]:
    """The names of the columns to keep, each once."""
    if isinstance(keep, str) and keep == "all":
        return [name for name in table.names if name not in table.unreadable]
    given = None if isinstance(keep, (str, bytes)) else several(keep, len(table.names))
    if given is None or not all(isinstance(name, str) for name in given):
        must = 'be names of columns, or "all"'
        raise SettingError(sentence("keep", "predict", must, keep))
    if unknown := [name for name in given if name not in table.names]:
        near = nearest(unknown[0], table.names)
        shown = ", ".join(map(repr, table.names[:_SHOWN])) + ", …" * (len(table.names) > _SHOWN)
        must = f"name columns of {table.path}, one each time: {shown}"
        raise SettingError(sentence("keep", "predict", must, unknown[0], near and f"--keep {near}"))
    return list(dict.fromkeys(given))


def _width(model: Any) -> int:
    width: int = model.population.widths[0] if isinstance(model, Network) else model.n_features_in_
    return width


def _encoder(model: Any) -> Any:
    """The encoder of words and missing values, if the model begins with one."""
    steps = getattr(model, "steps", [("", None)])
    return steps[0][1] if hasattr(steps[0][1], "words_") else None


def _formats(
    encoder: Any, numbers: Sequence[str], decimal: Decimal | None
) -> dict[str, NumberFormat]:
    """How the columns write their numbers: as in training, but for the decimal sign asked for."""
    known: dict[str, NumberFormat] = dict(getattr(encoder, "number_formats_", {}))
    if decimal is None:
        return known
    units = {name: one.unit for name, one in known.items()}
    return {name: grouped(DECIMALS[decimal], units.get(name, "")) for name in numbers}


@contextlib.contextmanager
def unnamed() -> Iterator[None]:
    """Without the warnings of a model that is given an array, whose columns have no names."""
    with warnings.catch_warnings():
        # The names are those of the table; scikit-learn sees an array without any.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        warnings.filterwarnings("ignore", message=FAR_FROM_TRAINING)  # `Scores.far` has them
        yield


def _ends(intervals: Array) -> dict[str, Array]:
    """The columns of the ends of intervals, (N, 2) or (N, 2, out), each with its name."""
    found = intervals.reshape(len(intervals), 2, -1)
    outputs = found.shape[2]
    return {
        end if outputs == 1 else f"{end}_{output}": found[:, side, output]
        for output in range(outputs)
        for side, end in enumerate(("low", "high"))
    }


def _named(values: Array) -> dict[str, Array]:
    """The columns of predictions, each with its name."""
    if values.ndim == 1 or values.shape[1] == 1:
        return {"prediction": values.reshape(-1)}
    return {f"prediction_{place}": one for place, one in enumerate(values.T)}


def _of_classes(values: Array, classes: Any) -> dict[str, Array]:
    """The columns of probabilities, named by the classes; None: by their numbers."""
    labels = range(values.shape[1]) if classes is None else classes
    return {f"probability_{label}": values[:, place] for place, label in enumerate(labels)}
