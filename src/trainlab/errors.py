"""The errors trainlab raises, and the one sentence they are written in.

*what* of *whom* must be *what*; got *value*; try *remedy*.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable

from trainlab.terminal import printable

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
# Bits of the widest integer that is written out: shortened, 10**400 would look like a small one.
_WIDEST = 128
_NEAR = 0.5
"""The similarity, of difflib, from which on a name may be meant."""


class TrainlabError(Exception):
    """Base of every error that trainlab raises on purpose."""


class SettingError(TrainlabError, ValueError):
    """A setting or an argument is not what it must be."""


class DataError(TrainlabError, ValueError):
    """A file or an array does not hold the data it should."""


class ModelFileError(TrainlabError, ValueError):
    """A file of a model cannot be written or read, or is not what it must be."""


class DownloadError(TrainlabError, OSError):
    """A file could not be fetched from any of its mirrors."""


class NotTrainedError(TrainlabError, RuntimeError):
    """A network was asked for something that only a trained one has."""


class StoreError(TrainlabError, OSError):
    """The file that keeps runs cannot be opened, read or written."""


class WorkerError(TrainlabError, RuntimeError):
    """A process that trained died before its work was done."""


def sentence(what: str, of: str, must: str, got: object, remedy: str | None = None) -> str:
    """The text of an error: what of whom must be what; got what; try what.

    It is one line, in which names from outside have no hidden characters.

    >>> sentence("lr", "SGD", "be a number > 0", -1.0, "lr=0.01")
    'lr of SGD must be a number > 0; got -1.0; try lr=0.01'
    """
    text = f"{what} of {of} must {must}; got {describe(got)}"
    return printable(f"{text}; try {remedy}" if remedy else text)


def nearest(given: object, names: Iterable[str]) -> str | None:
    """The name that a misspelt one most likely stands for, in any case of letters, if one is near.

    >>> nearest("rleu", ["identity", "elu", "relu"]), nearest("Adamm", ["sgd", "adam"])
    ('relu', 'adam')
    """
    known = {name.casefold(): name for name in names}
    spelt = given.casefold() if isinstance(given, str) else ""
    near = difflib.get_close_matches(spelt, known, n=1, cutoff=_NEAR)
    return known[near[0]] if near else None


def describe(value: object) -> str:
    """A value as an error shows it: short, and an array by its shape and dtype.

    >>> describe(10**400), describe(range(3))
    ('an integer of 1329 bits', 'range(0, 3)')
    """
    if isinstance(value, int) and value.bit_length() > _WIDEST:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, BaseException):
        return str(value) or type(value).__name__
    try:
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
        if isinstance(shape, tuple) and dtype is not None and shape != ():
            return f"an array of shape {shape} and dtype {dtype}"
        return _SHORT.repr(value)
    except Exception:  # noqa: BLE001  # an object's own methods may raise anything
        return f"an object of type {type(value).__name__}"
