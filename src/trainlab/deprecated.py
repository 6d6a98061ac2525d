"""Names of earlier versions, which go on working with a warning.

What a file says under an old name is read without one.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import numpy as np

from trainlab import callers
from trainlab.errors import SettingError, describe, sentence

T = TypeVar("T")

UNSET: Final = "deprecated"
"""The default of a parameter that should no longer be given, as scikit-learn has it."""

NORMS: Final = {"batch_norm": ("batch", "BatchNorm"), "layer_norm": ("layer", "LayerNorm")}
"""Old field → the value of `norm` in its place, and the class of the layer."""


def warn(old: str, new: str) -> None:
    """Says, of the line that used it, that a name has changed."""
    callers.warn(f"{old} is deprecated; use {new}", DeprecationWarning)


def renamed(old: str, new: str) -> Any:
    """A property of the old name, which gives what the attribute `new` is."""

    def get(self: Any) -> Any:
        warn(f"{type(self).__name__}.{old}", new)
        return getattr(self, new)

    return property(get, doc=f"Deprecated: use `{new}`.")


def moved(module: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """`__getattr__` of a module whose names, the keys, are in other modules now."""

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warn(f"{module}.{name}", f"{places[name]}.{name}")
        return getattr(importlib.import_module(places[name]), name)

    return get


def old_norm(old: str) -> Any:
    """A property of an old field: the norm where it is of its class, else False."""

    def get(self: Any) -> Any:
        warn(f"{type(self).__name__}.{old}", "norm")
        norm = self._resolved("norm")
        return norm if _kind(norm) == NORMS[old][1] else False

    return property(get, doc="Deprecated: use `norm`.")


def new_backend(backend: Any) -> Any:
    """The backend that does what one of an earlier version did."""
    if isinstance(backend, str) and backend == "processes":
        warn("backend='processes'", "backend='threads'")
        return "threads"
    return backend


def takes_old_norms(kind: type[T]) -> type[T]:
    """Lets the constructor of a class with a field `norm` take the old fields too."""
    made = kind.__init__

    @functools.wraps(made)
    def init(self: Any, *args: Any, **fields: Any) -> None:
        made(self, *args, **with_norm(fields, kind.__name__))

    kind.__init__ = init  # type: ignore[method-assign]  # the dataclass has made its own
    return kind


def with_norm(fields: Mapping[str, Any], owner: str, silent: bool = False) -> dict[str, Any]:
    """The fields with `norm` in place of `batch_norm` and `layer_norm`.

    Raises
    ------
    SettingError
        Where an old field is neither a bool nor of its class, and where it says of the norm
        something else than `norm` or the other old field.
    """
    found = {name: value for name, value in fields.items() if name not in NORMS}
    for old, given in fields.items():
        if old not in NORMS or (isinstance(given, str) and given == UNSET):
            continue
        value, norm = _new_value(old, given, owner, silent), found.get("norm")
        if norm is None:
            found["norm"] = value
        elif norm != value if value is not None else _is_of(norm, old):
            must = f"agree with norm, which is {describe(norm)}"
            raise SettingError(sentence(old, owner, must, given, "norm alone"))
    return found


def changed_norm(network: Any, old: str, value: Any) -> Any:
    """The norm of a network whose old field is given a new value, which the old norm gives way to.

    Raises SettingError as `with_norm` does.
    """
    norm = network.norm
    return with_norm({"norm": None if _is_of(norm, old) else norm, old: value}, "MLP").get("norm")


def _new_value(old: str, value: Any, owner: str, silent: bool) -> Any:
    """What an old field says, as a value of `norm`; it warns unless it is to be silent."""
    name, kind = NORMS[old]
    if not silent:
        warn(f"{old} of {owner}", f"norm={name!r}, or norm=None")
    if isinstance(value, (bool, np.bool_)):
        return name if value else None
    if _kind(value) != kind:
        must = f"be True, False or a {kind}"
        raise SettingError(sentence(old, owner, must, value, f"norm={name!r}"))
    return value


def _is_of(norm: Any, old: str) -> bool:
    """Whether a norm is what an old field speaks of."""
    name, kind = NORMS[old]
    return _kind(norm) == kind or (isinstance(norm, str) and norm == name)


def of_today(value: Any) -> Any:
    """Plain settings of a file, at any depth, under the names of today."""
    if isinstance(value, list):
        return [of_today(one) for one in value]
    if not isinstance(value, dict):
        return value
    return fields_of_today({name: of_today(one) for name, one in value.items()})


def fields_of_today(fields: dict[str, Any]) -> dict[str, Any]:
    """What a file says of one record, under the names of today."""
    if "norm" in fields or not set(NORMS) <= set(fields):
        return fields
    return with_norm({**fields, "norm": None}, _kind(fields), silent=True)


def _kind(value: Any) -> str:
    """The class of a record, or of what a file says of one."""
    return str(value.get("kind")) if isinstance(value, dict) else type(value).__name__
