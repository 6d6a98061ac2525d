"""Parts of the user's own: which they are, and what their code is."""

from __future__ import annotations

import contextlib
import dataclasses
import dis
import functools
import hashlib
import inspect
import itertools
import sys
from abc import ABC
from collections.abc import Collection, Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any, Final, Generic

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.settings import Settings, fields_of, is_ours, nested

VERSION: Final = "python"
"""Under this name a code says whose bytecode it is, and of what its digests are."""
DIGEST: Final = 4
"""To be raised where `_words` changes: stores of before cannot be compared, and go on."""


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


def code_of(records: Iterable[Settings]) -> dict[str, str]:
    """A digest of the code of each class of the user's own among records and those inside them.

    Of the bytecode and the constants of its methods, the numbers and strings that these are closed
    over, its attributes, and those of its own bases: neither comments nor the place in a file
    count, and nor do functions and variables outside of the class, what its methods count, and
    dicts and sets like _cache, in which they remember.
    Bytecode is that of a version of Python, which is named, as is what digests are of.
    """
    kinds = set(map(type, _own_parts(records)))
    if not kinds:
        return {}
    found: dict[str, str] = {}
    for name, digest in sorted((kind.__name__, _digest(kind)) for kind in kinds):
        found[name] = found.get(name, "") + digest  # two classes may have one name
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


@dataclasses.dataclass(frozen=True)
class _Closed:
    """What a function is closed over: its words where it is a constant.

    changes  whether the function gives the variable, whose cell has this `id`, a value
    """

    cell: int
    changes: bool
    words: tuple[str, ...]


def _digest(kind: type) -> str:
    found = [
        (name, *_words(value))
        for one in kind.__mro__
        if _is_own(one)
        for name, value in sorted(vars(one).items())
        if not name.startswith("__") or name == "__post_init__"
        if not _remembers(name, value)
    ]
    every = itertools.chain.from_iterable(found)
    # One method may count what another one reads.
    changed = {one.cell for one in every if isinstance(one, _Closed) and one.changes}
    parts = [tuple(_constants(words, changed)) for words in found]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _remembers(name: str, value: Any) -> bool:
    """Whether an attribute of a class is for what was computed: a dict _cache, and no _TABLE."""
    return name.startswith("_") and not name.isupper() and isinstance(value, (dict, set))


def _constants(words: Iterable[str | _Closed], changed: Collection[int]) -> Iterator[str]:
    for one in words:
        if isinstance(one, str):
            yield one
        elif one.cell not in changed:
            yield from one.words


def _words(value: Any) -> Iterator[str | _Closed]:
    """What is to be known of an attribute of a class, or of a constant of its code."""
    if isinstance(value, property):
        for one in (value.fget, value.fset):
            yield from _words(one)
        return
    if isinstance(value, (functools.partial, functools.partialmethod)):
        yield from _words((value.func, value.args, dict(value.keywords)))
        return
    if isinstance(value, functools.cached_property):
        value = value.func
    value = getattr(value, "__func__", value)  # of a class or static method
    if isinstance(value, CodeType) or _is_function(value):
        for one in _held(value):
            yield from _words_of_code(one)
    elif isinstance(value, (set, frozenset)):
        yield repr(sorted(map(repr, value)))
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}"
        yield from _words(value.tolist() if value.dtype == object else value.tobytes().hex())
    elif isinstance(value, (list, tuple, dict)):  # whose own `repr` may tell an address
        yield f"{type(value).__name__} of {len(value)}"
        for item in value.items() if isinstance(value, dict) else value:
            yield from _words(item)
    elif isinstance(value, (bool, int, float, complex, str, bytes, np.generic)) or value is None:
        yield repr(value)


def _words_of_code(value: Any) -> Iterator[str | _Closed]:
    text = getattr(value, "__doc__", None)
    code = value if isinstance(value, CodeType) else getattr(value, "__code__", None)
    if not isinstance(code, CodeType):
        return
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames, code.co_freevars))
    for constant in code.co_consts:
        if constant is None or constant != text:
            yield from _words(constant)
    yield from _words(getattr(value, "__defaults__", None))
    yield from _words(getattr(value, "__kwdefaults__", None))
    yield from _closed_over(value, code)


def _closed_over(function: Any, code: CodeType) -> Iterator[_Closed]:
    cells = getattr(function, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars, cells, strict=bool(cells)):
        words: list[Any] = []
        with contextlib.suppress(ValueError):  # of a cell that is empty yet
            if _is_constant(cell.cell_contents):
                words += (name, *_words(cell.cell_contents))  # strings, as it is plain
        yield _Closed(id(cell), _changes(code, name), tuple(words))


def _is_constant(value: Any) -> bool:
    """Whether it is plain and cannot change: a list may be what a decorator remembers."""
    if isinstance(value, (tuple, frozenset)):
        return all(map(_is_constant, value))
    return value is None or isinstance(
        value, (bool, int, float, complex, str, bytes, np.number, np.bool_)
    )


def _changes(code: CodeType, name: str) -> bool:
    """Whether code, or a function in it, gives a variable of the function around it a value."""
    stores = any(
        one.opname == "STORE_DEREF" and one.argval == name for one in dis.get_instructions(code)
    )
    inside = (one for one in code.co_consts if isinstance(one, CodeType))
    return stores or any(name in one.co_freevars and _changes(one, name) for one in inside)


def _held(function: Any) -> list[Any]:
    """It and the functions that decorators left in it, as `__wrapped__` or in a closure."""
    found: list[Any] = []
    left = [function]
    while left:
        one = left.pop()
        if any(one is known for known in found):  # as a function that calls itself
            continue
        found.append(one)
        inside = [getattr(one, "__wrapped__", None)]
        for cell in getattr(one, "__closure__", None) or ():
            with contextlib.suppress(ValueError):  # of a cell that is empty yet
                inside.append(cell.cell_contents)
        left += filter(_is_function, inside)
    return found


def _is_function(value: Any) -> bool:
    """Whether it is a function, or what a decorator made of one, as `functools.cache` does."""
    made = isinstance(getattr(value, "__wrapped__", None), FunctionType)
    return made or isinstance(value, (FunctionType, functools._lru_cache_wrapper))
