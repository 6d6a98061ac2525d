"""Parts of the user's own: which they are, and what their code is."""

from __future__ import annotations

import functools
import inspect
import sys
from abc import ABC
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any, Final, Generic

from trainlab.digests import DIGEST, digest
from trainlab.errors import SettingError, sentence
from trainlab.settings import Settings, fields_of, is_ours, nested

VERSION: Final = "python"
"""Under this name a code says whose bytecode it is, and of what its digests are."""


def is_own(record: Settings) -> bool:
    """Whether it is of a class that trainlab does not define."""
    return _is_own(type(record))


def check_attributes(records: Iterable[Settings]) -> None:
    """SettingError for what is no field of parts of the user's own among records and inside them.

    Neither those of a population nor a store would have it.  Names that begin with _ are left to
    whoever remembers what was computed before.
    """
    for part in _own_parts(records):
        _check_attributes(part)


def _own_parts(records: Iterable[Settings]) -> Iterator[Settings]:
    return (one for record in records for one in nested(record) if is_own(one))


def _check_attributes(part: Settings) -> None:
    kind: Any = type(part)
    known = {field.name for field in fields_of(part)}
    lost = [
        name
        for name in vars(part)
        if name not in known
        and not name.startswith("_")
        and not _is_cached(inspect.getattr_static(kind, name, None))
    ]
    if lost:
        must = "be the fields of a frozen dataclass"
        remedy = f"{lost[0]}: float = number(1.0) in its class, or a property of that name"
        raise SettingError(sentence("attributes", kind.__name__, must, lost, remedy))


def _is_cached(value: Any) -> bool:
    """Whether an attribute of a class is a cached property, also one that is not Python's."""
    is_method = isinstance(
        value, (FunctionType, classmethod, staticmethod, functools.partialmethod)
    )
    return hasattr(type(value), "__get__") and not is_method


def check_plain(records: Iterable[Settings]) -> None:
    """SettingError where a field of the user's own holds what no file does, as a function."""
    for part in _own_parts(records):
        for field in fields_of(part):
            value = getattr(part, field.name)
            if not _is_plain(value):
                what, owner = f"field {field.name}", type(part).__name__
                must = "hold numbers, strings, settings or tuples of them, to be kept in a file"
                raise SettingError(sentence(what, owner, must, value, "a method in its place"))


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str, Settings))


def kinds_among(records: Iterable[Settings]) -> set[type]:
    """The classes of the user's own among records and those inside them."""
    return set(map(type, _own_parts(records)))


def code_of(records: Iterable[Settings]) -> dict[str, str]:
    """A digest of the code of each class of the user's own among records and those inside them.

    `digests.digest` says of what.  Bytecode is that of a version of Python, which is named, as is
    what digests are of.
    """
    kinds = kinds_among(records)
    if not kinds:
        return {}
    found: dict[str, str] = {}
    digests = ((one.__name__, digest(filter(_is_own, one.__mro__))) for one in kinds)
    for name, code in sorted(digests):
        found[name] = found.get(name, "") + code  # two classes may have one name
    return {VERSION: "{}.{}, digest {}".format(*sys.version_info[:2], DIGEST), **found}


def noted(error: BaseException) -> BaseException:
    """The error, with a note on the user's own part in whose code it was raised, if it was."""
    found, trace = None, error.__traceback__
    while trace is not None:
        part = trace.tb_frame.f_locals.get("self")
        if isinstance(part, Settings) and is_own(part):
            code = trace.tb_frame.f_code
            if trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] != "trainlab":
                where = f"{code.co_filename}, line {trace.tb_lineno}"
                found = f"raised in {code.co_name} of {type(part).__name__}, your own: {where}"
        trace = trace.tb_next
    if found is not None and found not in getattr(error, "__notes__", ()):
        error.add_note(found)
    return error


def _is_own(kind: Any) -> bool:
    # By its module alone, a class that `type()` makes would be one of `abc`.
    return kind not in (object, ABC, Generic) and not is_ours(kind)
