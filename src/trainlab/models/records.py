"""Settings out of plain JSON: the way back from `trainlab.members.describe`.

A name in a file stands for the class that the table below gives it, and for nothing else;
its fields are checked by the rules of that class.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final, TypeVar

from trainlab.deprecated import fields_of_today
from trainlab.errors import ModelFileError, SettingError, sentence
from trainlab.members import describe
from trainlab.network.activations import ACTIVATIONS
from trainlab.network.architecture import MLP
from trainlab.network.initializers import INITIALIZERS
from trainlab.network.losses import LOSSES
from trainlab.network.norms import NORMS
from trainlab.optimizers import OPTIMIZERS
from trainlab.schedules import SCHEDULES
from trainlab.settings import Settings
from trainlab.training.plan import EarlyStopping

S = TypeVar("S", bound=Settings)

RECORDS: Final[dict[str, type[Settings]]] = {
    type(record).__name__: type(record)
    for record in (
        MLP(),
        EarlyStopping(),
        *(
            make()
            for table in (ACTIVATIONS, INITIALIZERS, LOSSES, NORMS, OPTIMIZERS, SCHEDULES)
            for make in table.values()
        ),
    )
}


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
        must = f"be those of a {kind.__name__}"
        raise ModelFileError(sentence("settings", source, must, name))
    fields = {field.name: field for field in dataclasses.fields(found)}
    try:
        given = {name: one for name, one in fields_of_today(value).items() if name != "kind"}
        if not set(given) <= set(fields):
            must = f"have no fields but {', '.join(fields)}"
            raise ModelFileError(sentence(f"{name}", source, must, sorted(given)))
        made = found(**{name: _field(one, fields[name], source) for name, one in given.items()})
    except SettingError as error:
        raise ModelFileError(sentence("settings", source, "be valid", str(error))) from error
    described = describe(made)
    if any(described[name] != one for name, one in given.items()):
        raise ModelFileError(sentence("settings", source, "be what they describe", value))
    return made


def _field(value: Any, field: dataclasses.Field[Any], source: str) -> Any:
    if isinstance(value, dict):
        return revive(value, Settings, source)
    if isinstance(value, list):
        return tuple(value)
    if value is None and field.default == math.inf:
        return math.inf  # "no limit", which JSON cannot say with a number
    return value
