"""Parts of the user's own: which they are, and what their code is."""

from __future__ import annotations

import hashlib
import inspect
import sys
from abc import ABC
from collections.abc import Iterable, Iterator
from types import CodeType
from typing import Any, Final, Generic

from trainlab.settings import Settings, nested

VERSION: Final = "python"
"""Under this name a code says whose bytecode it is."""


def is_own(record: Settings) -> bool:
    """Whether it is of a class that trainlab does not define."""
    return _is_own(type(record))


def code_of(records: Iterable[Settings]) -> dict[str, str]:
    """A digest of the code of each class of the user's own among records and those inside them.

    Of the bytecode and the constants of its methods, and those of its own bases: neither comments
    nor the place in a file count, and nor do functions and variables outside of the class.
    Bytecode is that of a version of Python, which is named.
    """
    kinds = {type(one) for record in records for one in nested(record) if is_own(one)}
    if not kinds:
        return {}
    found = {kind.__name__: _digest(kind) for kind in sorted(kinds, key=lambda kind: kind.__name__)}
    return {VERSION: "{}.{}".format(*sys.version_info), **found}


def takes(function: Any, arguments: int) -> bool:
    """Whether a function of the user's own can be called with so many arguments.

    >>> takes(len, 1), takes(lambda: None, 1)
    (True, False)
    """
    try:
        inspect.signature(function).bind(*(None,) * arguments)
    except TypeError:
        return False
    except ValueError:  # compiled code that does not say
        return True
    return True


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
    return kind not in (object, ABC, Generic) and kind.__module__.partition(".")[0] != "trainlab"


def _digest(kind: type) -> str:
    parts = [
        (name, *_words(value))
        for one in kind.__mro__
        if _is_own(one)
        for name, value in sorted(vars(one).items())
        if not name.startswith("__") or name == "__post_init__"
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _words(value: Any) -> Iterator[str]:
    """What is to be known of an attribute of a class, or of a constant of its code."""
    if isinstance(value, property):
        for one in (value.fget, value.fset):
            yield from _words(one)
        return
    value = getattr(value, "__func__", value)  # of a class or static method
    text = getattr(value, "__doc__", None)
    code = value if isinstance(value, CodeType) else getattr(value, "__code__", None)
    if isinstance(code, CodeType):
        yield code.co_code.hex()
        yield repr((code.co_names, code.co_varnames, code.co_freevars))
        for constant in code.co_consts:
            if constant is None or constant != text:
                yield from _words(constant)
        for default in getattr(value, "__defaults__", None) or ():
            yield from _words(default)
    elif isinstance(value, frozenset):
        yield repr(sorted(map(repr, value)))
    elif isinstance(value, (bool, int, float, complex, str, bytes, tuple)) or value is None:
        yield repr(value)
