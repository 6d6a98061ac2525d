"""Digests of classes: what their code is, and the constants that it uses.

State that a class sets on itself is no code.  So attributes count as they were before any method
of the class ran, unless somebody else has given them another value since.
"""

from __future__ import annotations

import contextlib
import dataclasses
import dis
import functools
import hashlib
import inspect
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple

import numpy as np

DIGEST: Final = 7
"""To be raised where it is of something else: stores of before cannot be compared, and go on."""

_MADE: Final = frozenset(vars(dataclasses.make_dataclass("_", (), frozen=True)))
"""What a record has that nobody wrote: its fields say all of it."""


@dataclasses.dataclass(frozen=True)
class _Closed:
    """What a function is closed over: its words where it is a constant.

    changes  whether the function gives the variable, whose cell has this `id`, a value
    """

    cell: int
    changes: bool
    words: tuple[str, ...]


class _Set(NamedTuple):
    """The attributes, of whatever, to which code gives values."""

    names: frozenset[str]


class _Attribute(NamedTuple):
    value: Any
    words: tuple[str | _Closed | _Set, ...]

    @property
    def is_code(self) -> bool:
        return any(isinstance(one, _Set) for one in self.words)


@functools.cache
def attributes(kind: type) -> Mapping[str, _Attribute]:
    """The attributes of a class, without those of its bases, as they are when it is first asked.

    Those of a class that is defined in it are named as in `Inner.value`.
    """
    return _attributes(kind)


def _attributes(kind: type) -> Mapping[str, _Attribute]:
    found, made = {}, _MADE if "__dataclass_fields__" in vars(kind) else ()
    for name, value in sorted(vars(kind).items()):
        if not name.startswith("__") or (isinstance(value, FunctionType) and name not in made):
            found[name] = _Attribute(value, _brief(tuple(_words(value))))
        if isinstance(value, type) and value.__qualname__.startswith(f"{kind.__qualname__}."):
            found |= {f"{name}.{inner}": one for inner, one in _attributes(value).items()}
    return found


def digest(kinds: Iterable[type]) -> str:
    """A digest of the code of a class, which is given with those of its bases that count.

    Of the bytecode and the constants of its methods, the numbers and strings that these are closed
    over, and its attributes, also of classes that are defined in it: neither comments nor the place
    in a file count, and nor do functions and variables outside of the class, and what its methods
    count or remember.
    """
    found = [(_attributes(one), attributes(one)) for one in kinds]
    words = [one.words for now, _ in found for one in now.values()]
    sets = [one.names for one in itertools.chain.from_iterable(words) if isinstance(one, _Set)]
    known = [
        (name, one.words)
        for now, first in found
        for name, one in _constant(now, first, frozenset[str]().union(*sets)).items()
    ]
    every = itertools.chain.from_iterable(words for _, words in known)
    # One method may count what another one reads.
    changed = {one.cell for one in every if isinstance(one, _Closed) and one.changes}
    parts = [(name, *_constants(words, changed)) for name, words in known]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _constant(
    now: Mapping[str, _Attribute], first: Mapping[str, _Attribute], sets: Collection[str]
) -> dict[str, _Attribute]:
    """The attributes without what methods have made of them, which may give `sets` a value."""
    found = {}
    for name, one in now.items():
        was = first.get(name)
        is_state = name.rpartition(".")[2] in sets or (was is not None and was.value is one.value)
        if was is not None and is_state and not was.is_code:
            found[name] = was
        elif was is not None or not is_state:
            found[name] = one
    return found


def _brief(words: tuple[str | _Closed | _Set, ...]) -> tuple[str | _Closed | _Set, ...]:
    """The words, or a digest of those of what may be large."""
    if not all(isinstance(one, str) for one in words):
        return words
    return (hashlib.sha256(repr(words).encode()).hexdigest(),)


def _constants(words: Iterable[str | _Closed | _Set], changed: Collection[int]) -> Iterator[str]:
    for one in words:
        if isinstance(one, str):
            yield one
        elif isinstance(one, _Closed) and one.cell not in changed:
            yield from one.words


def _words(value: Any) -> Iterator[str | _Closed | _Set]:
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
        plain = value.dtype != object
        told = hashlib.sha256(value.tobytes()).hexdigest() if plain else value.tolist()
        yield from _words(told)
    elif isinstance(value, (list, tuple, dict)):  # whose own `repr` may tell an address
        yield f"{type(value).__name__} of {len(value)}"
        for item in value.items() if isinstance(value, dict) else value:
            yield from _words(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield type(value).__qualname__
        yield from _words(
            {one.name: getattr(value, one.name, None) for one in dataclasses.fields(value)}
        )
    elif isinstance(value, (type, np.ufunc)) or _has_equals(value):
        text = repr(value)
        if " at 0x" not in text:
            yield text


def _has_equals(value: Any) -> bool:
    """Whether another one may be equal to it, as to a number: what is only itself is no constant.

    A logger is only itself, and a lock.
    """
    kind: Any = type(value)
    return kind.__eq__ is not object.__eq__ or kind.__hash__ is not object.__hash__


def _words_of_code(value: Any) -> Iterator[str | _Closed | _Set]:
    code = value if isinstance(value, CodeType) else getattr(value, "__code__", None)
    if not isinstance(code, CodeType):
        return
    yield _Set(frozenset(_names_set(code)))
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames, code.co_freevars))
    has_text = _has_docstring(code)
    for constant in (None, *code.co_consts[1:]) if has_text else code.co_consts:
        yield from _words(constant)
    yield from _words(getattr(value, "__defaults__", None))
    yield from _words(getattr(value, "__kwdefaults__", None))
    yield from _closed_over(value, code)


def _has_docstring(code: CodeType) -> bool:
    """Whether its first constant is a docstring, in whose place there is None without one."""
    flag = getattr(inspect, "CO_HAS_DOCSTRING", None)  # since Python 3.14
    if flag is not None:
        return bool(code.co_flags & flag)
    return isinstance(next(iter(code.co_consts), None), str) and code.co_name[0] != "<"


def _names_set(code: CodeType) -> Iterator[str]:
    """The attributes to which code gives values, by name or by `setattr`."""
    for one in dis.get_instructions(code):
        if one.opname == "STORE_ATTR":
            yield one.argval
    if not {"setattr", "__setattr__"}.isdisjoint(code.co_names):
        yield from (one for one in code.co_consts if isinstance(one, str))


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
