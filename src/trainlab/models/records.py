"""Settings as plain JSON, and the way back.

A name in a file stands for the class that the table below gives it, and for nothing else;
its fields are checked by the rules of that class.  Users add classes of their own: `register`.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from typing import Any, Final, TypeVar

import numpy as np

from trainlab.deprecated import fields_of_today
from trainlab.errors import ModelFileError, SettingError, sentence
from trainlab.members import describe
from trainlab.network.activations import ACTIVATIONS, Activation
from trainlab.network.architecture import MLP
from trainlab.network.base import Layer
from trainlab.network.dense import Activate, Dense
from trainlab.network.dropout import Dropout
from trainlab.network.initializers import INITIALIZERS, Initializer
from trainlab.network.losses import LOSSES, Loss
from trainlab.network.norms import NORMS
from trainlab.network.workspace import Array
from trainlab.optimizers import OPTIMIZERS, Optimizer
from trainlab.own import check_plain
from trainlab.schedules import SCHEDULES, Schedule
from trainlab.settings import Settings, nested
from trainlab.training.plan import EarlyStopping

S = TypeVar("S", bound=Settings)

P = TypeVar("P", bound=type[Settings])

_LABELS: Final = "biufU"
_DTYPE: Final = re.compile(rf"[<>|][{_LABELS}]\d+")
MAX_LABELS: Final = 1 << 26
"""Bytes of the labels of a model: a dtype may claim strings of any length."""

BASES: Final = (Layer, Activation, Loss, Optimizer, Initializer, Schedule)
"""What parts of networks and trainings are."""

RECORDS: Final[dict[str, type[Settings]]] = {
    record.__name__: record
    for record in (
        MLP,
        EarlyStopping,
        Dense,
        Activate,
        Dropout,
        *(
            type(make())
            for table in (ACTIVATIONS, INITIALIZERS, LOSSES, NORMS, OPTIMIZERS, SCHEDULES)
            for make in table.values()
        ),
    )
}


def register(part: P) -> P:
    """Make a class of your own known to `save` and `load`; a decorator.

    A file names the classes of its settings.  `load` never imports one: whoever loads the file
    has registered the class before, most easily by importing the module that defines it.

    Parameters
    ----------
    part : type
        A subclass of Layer, Activation, Loss, Optimizer, Initializer or Schedule: a frozen
        dataclass.  A class that is defined anew, as in a notebook, takes the place of the
        earlier one.

    Returns
    -------
    type
        The same class.

    Raises
    ------
    SettingError
        For anything else, and for a name that another class has.

    Examples
    --------
    >>> import numpy as np
    >>> @register
    ... @dataclasses.dataclass(frozen=True)
    ... class Square(Activation):
    ...     def value(self, x, out, new=None):
    ...         return np.multiply(x, x, out=out)
    ...
    ...     def pullback(self, x, y, dy, out, new=None):
    ...         return 2 * x * dy
    >>> revive(describe(Square()), Activation, "a file")
    Square()
    """
    is_part = isinstance(part, type) and issubclass(part, BASES) and not inspect.isabstract(part)
    if not is_part:
        must = "be a class derived from " + ", ".join(base.__name__ for base in BASES)
        is_half = isinstance(part, type) and inspect.isabstract(part)
        missing = sorted(part.__abstractmethods__) if is_half else []  # type: ignore[attr-defined]
        got = f"{part.__name__} without {' and '.join(missing)}" if missing else part
        raise SettingError(sentence("part", "register", must, got))
    before = RECORDS.get(part.__name__, part)
    if (before.__module__, before.__qualname__) != (part.__module__, part.__qualname__):
        must, got = "have a name that no other class has", f"that of {before.__module__}"
        raise SettingError(sentence(part.__name__, "register", must, got))
    RECORDS[part.__name__] = part
    return part


def plain_record(record: Settings) -> dict[str, Any]:
    """What a file says of a record: SettingError unless `revive` knows its classes."""
    for kind in map(type, nested(record)):
        if RECORDS.get(kind.__name__) is not kind:
            must = "be registered, so that load knows it"
            remedy = f"trainlab.register({kind.__name__})"
            raise SettingError(sentence(kind.__name__, "save", must, kind, remedy))
    check_plain([record])
    said: dict[str, Any] = describe(record)
    return said


def revive(value: Any, kind: type[S], source: str) -> S:
    """The record of settings, of a `kind`, that `describe` gives this value for.

    A field that the file lacks takes its default: a field that a later version adds has the
    default that reproduces what was.  Names of earlier versions are those of today.

    Raises ModelFileError, which names the source, for anything else.

    >>> from trainlab.optimizers import Adam, Optimizer
    >>> adam = Adam(0.5)
    >>> revive(describe(adam), Optimizer, "a file") == adam
    True
    """
    name = value.get("kind") if isinstance(value, dict) else value
    found = RECORDS.get(name) if isinstance(name, str) else None
    if found is None or not isinstance(value, dict) or not issubclass(found, kind):
        must, remedy = f"be those of a {kind.__name__}", None
        if found is None and isinstance(name, str) and name.isidentifier():
            must = "be of classes that are known"
            remedy = f"trainlab.register({name}) before load, if it is a class of your own"
        raise ModelFileError(sentence("settings", source, must, name, remedy))
    fields = {field.name: field for field in dataclasses.fields(found)}
    try:
        given = {name: one for name, one in fields_of_today(value).items() if name != "kind"}
        if not set(given) <= set(fields):
            must = f"have no fields but {', '.join(fields)}"
            raise ModelFileError(sentence(f"{name}", source, must, sorted(given)))
        read = {name: _field(one, fields[name], source) for name, one in given.items()}
        made = found(**{name: one for name, one in read.items() if fields[name].init})
    except SettingError as error:
        raise ModelFileError(sentence("settings", source, "be valid", str(error))) from error
    except TypeError as error:  # of an __init__ of the user's own
        must = "be of a class that is made by the names of its fields"
        raise ModelFileError(sentence("settings", source, must, str(error))) from error
    described = describe(made)
    if any(described[name] != one for name, one in given.items()):
        raise ModelFileError(sentence("settings", source, "be what they describe", value))
    return made


def _field(value: Any, field: dataclasses.Field[Any], source: str) -> Any:
    if isinstance(value, dict):
        return revive(value, Settings, source)
    if isinstance(value, list):
        return tuple(_field(item, field, source) for item in value)
    if value is None and field.default == math.inf:
        return math.inf  # "no limit", which JSON cannot say with a number
    return value


def plain_labels(values: Array) -> dict[str, Any] | None:
    """What a file says of labels or names (N,); None for what JSON has no word for.

    >>> plain_labels(np.array(["no", "yes"])), plain_labels(np.array([b"no"]))
    ({'array': ['<U3', ['no', 'yes']]}, None)
    """
    if values.dtype == object:
        words = all(isinstance(one, str) for one in values)
        return {"array": ["object", values.tolist()]} if words else None
    kind = values.dtype.kind
    if kind not in _LABELS or (kind == "f" and not _is_double(values)):
        return None
    return {"array": [values.dtype.str, values.tolist()]}


def _is_double(values: Array) -> bool:
    return values.dtype.itemsize <= 8 and bool(np.isfinite(values).all())


def labels_of(said: Any, source: str) -> Array:
    """The labels or names that `plain_labels` described; ModelFileError for others.

    >>> labels_of({"array": ["<U3", ["no", "yes"]]}, "a file").tolist()
    ['no', 'yes']
    """
    code, values = said["array"]
    if code != "object" and not _DTYPE.fullmatch(code):  # NumPy would evaluate some texts
        must = f"be object or one of the kinds {_LABELS}"
        raise ModelFileError(sentence("dtype", source, must, code))
    if code == "object" and not all(isinstance(one, str) for one in values):
        raise ModelFileError(sentence("names", source, "be strings", values))
    # Where a size does not fit into 32 bits some versions of NumPy say it is negative.
    if code != "object" and not 0 <= np.dtype(code).itemsize * len(values) <= MAX_LABELS:
        raise ModelFileError(sentence("labels", source, f"take at most {MAX_LABELS} bytes", code))
    return np.array(values, dtype=object if code == "object" else code)
