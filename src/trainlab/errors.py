"""The errors trainlab raises, and the one sentence they are written in.

*what* of *whom* must be *what*; got *value*; try *remedy*.
"""

from __future__ import annotations

import math
import reprlib
from collections import Counter
from collections.abc import Iterable, Sequence

from trainlab.terminal import counted, printable

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
# Bits of the widest integer that is written out: shortened, 10**400 would look like a small one.
_WIDEST = 128
_NEAR = 0.65
"""The similarity from which on a name may be meant: one slip of three letters, two of six.

With more slips words of other meanings are near: "fit" to "list", "softmax" to "softplus".
"""
_BEGINNING = 3
"""Letters from which on the beginning of a name stands for it, and a name for what it begins."""
_LONGEST = 100
"""Letters of a word that are compared: longer ones are no slips of the pen."""


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
    """The name that a misspelt one most likely stands for, if one is near.

    The similarity is 1 − d / n, for n letters of the longer one and d slips (a letter too many, too
    few, another one, or two that have changed places), in any case of letters.  Of names as near it
    is the one with the same letters, then the first.  Where no name is near, it is one that begins
    what was given, or whose words begin as the given ones, or one of whose words is near, or that
    has these initials or consists of the initials of what was given, or that has this beginning or
    this end.

    >>> nearest("rleu", ["identity", "elu", "relu"]), nearest("Adamm", ["sgd", "adam"])
    ('relu', 'adam')
    >>> nearest("softmx", ["mean_squared_error", "softmax_cross_entropy"])
    'softmax_cross_entropy'
    >>> nearest("he_normal", ["xavier", "he"]), nearest("list", ["fit", "run"])
    ('he', None)
    >>> nearest("val_loss", ["train_loss", "test_loss", "validation_loss"])
    'validation_loss'
    """
    spelt = _letters(given) if isinstance(given, str) else ""
    known = {name: _letters(name) for name in names}
    found = _best(spelt, ((name, letters) for name, letters in known.items()))
    if found is None:
        begun = [name for name, letters in known.items() if _begins(letters, spelt)]
        found = max(begun, key=len, default=None)
    if found is None:
        found = next((name for name, own in known.items() if _shortens(spelt, own)), None)
    if found is None:
        found = _best(
            spelt, ((n, part) for n, letters in known.items() for part in _words(letters))
        )
    if found is None:
        found = next(
            (n for n, own in known.items() if _initials(own) == spelt or own == _initials(spelt)),
            None,
        )
    if found is None and len(spelt) >= _BEGINNING:
        found = next((name for name, letters in known.items() if _has(letters, spelt)), None)
    return found


def unexpected(call: str, name: str, known: Iterable[str], instead: str = "") -> TypeError:
    """The error, as Python's, for an argument that a call does not have, and the nearest it has.

    instead  a call that has it

    >>> unexpected("SGD()", "learning_rate", ["lr", "schedule"])
    TypeError("SGD() got an unexpected keyword argument 'learning_rate'. Did you mean 'lr'?")
    """
    near = nearest(name, known)
    meant = repr(near) if near else instead
    hint = f". Did you mean {meant}?" if meant else ""
    return TypeError(f"{call} got an unexpected keyword argument {name!r}{hint}")


def too_many(call: str, given: int, names: Sequence[str], remedy: str | None = None) -> TypeError:
    """The error for more arguments than a call takes by position.

    >>> too_many("SGD()", 2, ["lr"])
    TypeError('SGD() takes lr by position, and all else by name; got 2 arguments by position')
    >>> too_many("Tanh()", 1, [])
    TypeError('Tanh() takes nothing by position, and all else by name; got 1 argument by position')
    """
    known = " and ".join(names) or "nothing"
    text = f"{call} takes {known} by position, and all else by name"
    got = f"got {counted(given, 'argument')} by position"
    return TypeError(f"{text}; {got}; try {remedy}" if remedy else f"{text}; {got}")


def _begins(name: str, spelt: str) -> bool:
    """Whether a name is the first word of what was spelt, or half of it."""
    half = max(_BEGINNING, len(spelt) / 2)
    return spelt.startswith(f"{name}_") or (len(name) >= half and spelt.startswith(name))


def _best(spelt: str, forms: Iterable[tuple[str, str]]) -> str | None:
    """The name of the form that is most like what was spelt, if one is near."""
    best, found = (_NEAR, -math.inf), None
    for name, form in forms:
        if _at_most(spelt, form) >= best[0]:
            rank = _similarity(spelt, form), -len(set(spelt) ^ set(form))
            if rank > best:
                best, found = rank, name
    return found


def _letters(name: str) -> str:
    return name[:_LONGEST].casefold().replace("-", "_").replace(" ", "_")


def _has(name: str, spelt: str) -> bool:
    """Whether a name begins so, or ends with these words; spaces between words do not count."""
    sought, words = spelt.replace("_", ""), name.split("_")
    ends = ("".join(words[first:]) for first in range(1, len(words)))
    return "".join(words).startswith(sought) or sought in ends


def _words(name: str) -> list[str]:
    """The words of a name that has several."""
    words = name.split("_")
    return words if len(words) > 1 else []


def _shortens(spelt: str, name: str) -> bool:
    """Whether each of several words is the beginning of the word of a name at its place."""
    words, whole = _words(spelt), _words(name)
    same = len(words) == len(whole) > 0
    return same and all(w.startswith(own) for own, w in zip(words, whole, strict=True))


def _initials(name: str) -> str | None:
    words = _words(name)
    return "".join(word[:1] for word in words) if words else None


def _at_most(a: str, b: str) -> float:
    """What the similarity cannot exceed: a letter that only one of them has is a slip."""
    shorter, longer = sorted((len(a), len(b)))
    if shorter < _NEAR * longer:
        return 0.0
    return (Counter(a) & Counter(b)).total() / max(longer, 1)


def _similarity(a: str, b: str) -> float:
    """1 − slips / length; the slips are the distance of optimal string alignment."""
    before, last = list[int](), list(range(len(b) + 1))
    for i, one in enumerate(a):
        row = [i + 1]
        for j, other in enumerate(b):
            slips = min(row[j] + 1, last[j + 1] + 1, last[j] + (one != other))
            if i and j and one == b[j - 1] and a[i - 1] == other:
                slips = min(slips, before[j - 1] + 1)
            row.append(slips)
        before, last = last, row
    return 1 - last[-1] / max(len(a), len(b), 1)


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
