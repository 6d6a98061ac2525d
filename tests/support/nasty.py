"""A catalogue of values that nobody should pass, each with a name that stays the same.

A value is made anew for each use, since what is called may change it.  None of them takes
much memory, whatever its shape or length says.
"""

from __future__ import annotations

import datetime
import decimal
import functools
import io
import itertools
import math
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

import trainlab as tl

HUGE = 10**400
"""Beyond every float."""


class OwnError(Exception):
    """What an object that is passed raises itself."""


class Odd:
    """An object of which one thing raises; the others are those of any object."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        for name, method in methods.items():
            setattr(type(self), name, method)

    @classmethod
    def of(cls, *names: str, answer: Any = None) -> Any:
        """An object whose methods of these names raise, or give an answer of the wrong kind."""

        def method(*_: Any, **__: Any) -> Any:
            if answer is None:
                raise OwnError("this object answers nothing")
            return answer

        return type("Odd", (cls,), {})(**dict.fromkeys(names, method))


def recursive_list() -> list[Any]:
    """A list that holds itself."""
    found: list[Any] = [1.0]
    found.append(found)
    return found


def recursive_dict() -> dict[Any, Any]:
    """A dict that holds itself."""
    found: dict[Any, Any] = {}
    found["self"] = found
    return found


def deep(levels: int) -> list[Any]:
    """A list in a list in a list …"""
    return functools.reduce(lambda inner, _: [inner], range(levels), [1.0])


def objects(*values: Any) -> Any:
    """An array of objects, one for each value, whatever they are."""
    found = np.empty(len(values), object)
    for place, value in enumerate(values):
        found[place] = value
    return found


def endless() -> Iterator[float]:
    """A generator without an end."""
    while True:
        yield 1.0


def rows(n: int = 12, width: int = 3) -> Any:
    """Ordinary inputs: the nasty thing about them is where they are put."""
    return np.arange(n * width, dtype=np.float64).reshape(n, width) / (n * width)


def broken_sparse() -> Any:
    """A sparse array with an index outside its shape."""
    return sparse.csr_array(([1.0, 1.0], [0, 3], [0, 1, 2]), shape=(2, 3))


def frame() -> Any:
    """A table of pandas with numbers, words, holes and dates."""
    pandas = __import__("pandas")
    dates = pandas.to_datetime(["2020-01-01", None, "2021-05-05"])
    return pandas.DataFrame({"a": [1.0, 2.0, None], 5: ["x", None, "y"], "when": dates})


def series() -> Any:
    """A column of categories."""
    return __import__("pandas").Series(["x", "y", None], dtype="category")


def masked() -> Any:
    """An array of which one value is hidden."""
    return np.ma.masked_array(rows(), rows() > 0.9)


VALUES: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "true": lambda: True,
    "false": lambda: False,
    "ellipsis": lambda: ...,
    "not-implemented": lambda: NotImplemented,
    # integers
    **{f"int {n}": functools.partial(int, n) for n in (-(2**63), -1, 0, 1, 2, 3, 7)},
    **{f"int 2**{n}": functools.partial(pow, 2, n) for n in (31, 53, 63, 64, 70)},
    "int 2**63-1": lambda: 2**63 - 1,
    "int 10**12": lambda: 10**12,
    "int 10**400": lambda: HUGE,
    "int -10**400": lambda: -HUGE,
    "int 10**5000": lambda: 10**5000,  # of more digits than Python writes
    # real numbers
    **{
        f"float {x!r}": functools.partial(float, x)
        for x in (-0.0, 0.0, 0.5, 1.0, 1.5, -1.0, 5e-324, 1e-320, 1e-300, 1e16, 1e300, 1e308)
    },
    "float -1e308": lambda: -1e308,
    "float nan": lambda: math.nan,
    "float inf": lambda: math.inf,
    "float -inf": lambda: -math.inf,
    "complex": lambda: 1 + 1j,
    "complex nan": lambda: complex(math.nan, 0),
    "fraction": lambda: Fraction(1, 3),
    "fraction 10**400": lambda: Fraction(HUGE),
    "fraction 10**-400": lambda: Fraction(1, HUGE),
    "decimal": lambda: decimal.Decimal("0.1"),
    "decimal nan": lambda: decimal.Decimal("nan"),
    "decimal snan": lambda: decimal.Decimal("snan"),
    # text
    "str empty": lambda: "",
    "str space": lambda: " ",
    "str nul": lambda: "\x00",
    "str 0": lambda: "0",
    "str -1": lambda: "-1",
    "str 0.1": lambda: "0.1",
    "str nan": lambda: "nan",
    "str no": lambda: "no",
    "str word": lambda: "adam",
    "str greek": lambda: "λ\u0301",
    "str escape": lambda: "\x1b[31m\r\n",
    "str markup": lambda: "[bold]{0}%s</b>",
    "str surrogate": lambda: "\ud800",
    "str long": lambda: "a" * 100_000,
    "bytes empty": lambda: b"",
    "bytes": lambda: b"abc",
    "bytearray": lambda: bytearray(b"abc"),
    "memoryview": lambda: memoryview(b"abc"),
    "path": lambda: Path("no/such/place"),
    # scalars of NumPy
    "np.bool": lambda: np.bool_(True),
    "np.int8": lambda: np.int8(-128),
    "np.uint8": lambda: np.uint8(3),
    "np.int64 max": lambda: np.int64(2**63 - 1),
    "np.uint64 max": lambda: np.uint64(2**64 - 1),
    "np.float16": lambda: np.float16(0.1),
    "np.float16 nan": lambda: np.float16("nan"),
    "np.float32 max": lambda: np.finfo(np.float32).max,
    "np.float64": lambda: np.float64(0.5),
    "np.longdouble": lambda: np.longdouble("1e4000"),
    "np.complex64": lambda: np.complex64(1j),
    "np.str": lambda: np.str_("relu"),
    "np.bytes": lambda: np.bytes_(b"relu"),
    "np.datetime64": lambda: np.datetime64("2020-01-01"),
    "np.datetime64 nat": lambda: np.datetime64("NaT", "s"),
    "np.timedelta64": lambda: np.timedelta64(3, "D"),
    "np.void": lambda: np.void(b"abc"),
    # arrays
    "array (0,)": lambda: np.empty(0),
    "array (0, 3)": lambda: np.empty((0, 3)),
    "array (3, 0)": lambda: np.empty((3, 0)),
    "array ()": lambda: np.array(0.5),
    "array () int": lambda: np.array(3),
    "array () object": lambda: np.array(None),
    "array () str": lambda: np.array("relu"),
    "array (1,)": lambda: np.array([0.5]),
    "array (12,)": lambda: np.arange(12.0),
    "array (12,) int": lambda: np.arange(12) % 3,
    "array (12,) uint64": lambda: np.arange(12, dtype=np.uint64) + np.uint64(2**64 - 12),
    "array (12,) str": lambda: np.array(list("ab" * 6)),
    "array (12,) bytes": lambda: np.array([b"a", b"b"] * 6),
    "array (12,) bool": lambda: np.arange(12) % 2 == 0,
    "array (12,) dates": lambda: np.arange(12).astype("datetime64[D]"),
    "array (12,) nan": lambda: np.full(12, math.nan),
    "array (12,) inf": lambda: np.full(12, math.inf),
    "array (12,) 1e308": lambda: np.full(12, 1e308),
    "array (12,) 5e-324": lambda: np.full(12, 5e-324),
    "array (12,) -1": lambda: np.full(12, -1),
    "array (12, 3)": rows,
    "array (12, 3) float16": lambda: rows().astype(np.float16),
    "array (12, 3) longdouble": lambda: rows().astype(np.longdouble) * np.longdouble("1e4000"),
    "array (12, 3) complex": lambda: rows() + 1j,
    "array (12, 3) int8": lambda: (rows() * 100).astype(np.int8),
    "array (12, 3) big-endian": lambda: rows().astype(">f8"),
    "array (12, 3) fortran": lambda: np.asfortranarray(rows()),
    "array (12, 3) backwards": lambda: rows()[::-1, ::-1],
    "array (12, 3) read-only": lambda: np.broadcast_to(rows()[:1], (12, 3)),
    "array (12, 3) nan": lambda: np.full((12, 3), math.nan),
    "array (12, 3) 1e308": lambda: np.where(rows() > 0.5, 1e308, -1e308),
    "array (12, 3) words": lambda: np.full((12, 3), "word"),
    "array (12, 3) objects": lambda: np.full((12, 3), object(), dtype=object),
    "array (12, 3) mixed": lambda: np.array([[1, "a", None]] * 12, dtype=object),
    "array (2, 3, 4)": lambda: np.ones((2, 3, 4)),
    "array 40 axes": lambda: np.ones((1,) * 40),
    "array (2**31,)": lambda: np.broadcast_to(0.5, 2**31),
    "array (2**40, 3)": lambda: np.broadcast_to(0.5, (2**40, 3)),
    "array (12, 2**40)": lambda: np.broadcast_to(0.5, (12, 2**40)),
    "array records": lambda: np.zeros(3, [("a", "i4"), ("b", "f8")]),
    "array huge ints": lambda: np.array([2**70, 1, HUGE] * 4, dtype=object),
    "array none": lambda: objects(*[None] * 12),
    "array of lists": lambda: objects([], [1], "a"),
    "array of itself": lambda: objects(recursive_list(), recursive_dict()),
    "masked": masked,
    "matrix": lambda: np.zeros(3).view(type("Own", (np.ndarray,), {})),
    "sparse": lambda: sparse.csr_array(rows()),
    "sparse (3,)": lambda: sparse.coo_array(np.ones(3)),
    "sparse empty": lambda: sparse.csr_array((0, 3)),
    "sparse wide": lambda: sparse.csr_array((12, 2**40)),
    "sparse broken": broken_sparse,
    "sparse matrix": lambda: sparse.coo_matrix(rows()),
    "frame": frame,
    "series": series,
    # collections
    "list empty": list,
    "list [[]]": lambda: [[]],
    "list ints": lambda: [1, 2, 3],
    "list floats": lambda: [0.5] * 12,
    "list nan": lambda: [math.nan],
    "list huge": lambda: [HUGE],
    "list none": lambda: [None],
    "list words": lambda: ["a", "b"],
    "list names": lambda: ["train_loss"],
    "list mixed": lambda: [1, "a", None, [2]],
    "list ragged": lambda: [[1.0], [1.0, 2.0]],
    "list records": lambda: [tl.MLP(), tl.SGD()],
    "list deep": lambda: deep(100),
    "list very deep": lambda: deep(100_000),
    "list of itself": recursive_list,
    "tuple empty": tuple,
    "tuple": lambda: (1, 2),
    "tuple huge": lambda: (HUGE, 1),
    "tuple words": lambda: ("a",),
    "tuple widths": lambda: (10**12,),
    "tuple arrays": lambda: (rows(), np.arange(12) % 3),
    "tuple of three": lambda: (rows(), None, "a"),
    "set": lambda: {1, 2},
    "frozenset": frozenset,
    "dict empty": dict,
    "dict": lambda: {"a": [1.0, 2.0], "b": [3.0]},
    "dict of numbers": lambda: {0: 1.0, 1: HUGE},
    "dict odd": lambda: {None: None, (1,): math.nan},
    "dict of itself": recursive_dict,
    "ordered dict": lambda: OrderedDict(lr=[0.1]),
    "deque": lambda: deque([1.0]),
    "range": lambda: range(3),
    "range empty": lambda: range(0),
    "range huge": lambda: range(2**64),
    "slice": lambda: slice(None),
    "iterator": lambda: iter([1.0, 2.0]),
    "generator": lambda: (x for x in tuple[float]()),
    "generator endless": endless,
    "count": itertools.count,
    # what can be called, and other things
    "lambda": lambda: lambda: None,
    "lambda *": lambda: lambda *_, **__: None,
    "builtin": lambda: len,
    "class": lambda: int,
    "class array": lambda: np.ndarray,
    "class record": lambda: tl.SGD,
    "dtype": lambda: np.dtype("float16"),
    "ufunc": lambda: np.exp,
    "generator of numbers": lambda: np.random.default_rng(0),
    "random state": lambda: np.random.RandomState(0),
    "module": lambda: math,
    "object": object,
    "exception": lambda: ValueError("value"),
    "exception class": lambda: ValueError,
    "file": io.BytesIO,
    "date": lambda: datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    "uuid": lambda: uuid.UUID(int=0),
    "odd repr": lambda: Odd.of("__repr__"),
    "odd str": lambda: Odd.of("__repr__", "__str__", "__format__"),
    "odd len": lambda: Odd.of("__len__"),
    "odd long": lambda: Odd.of("__len__", answer=2**62),
    "odd array": lambda: Odd.of("__array__"),
    "odd array kind": lambda: Odd.of("__array__", answer="no array"),
    "odd bool": lambda: Odd.of("__bool__"),
    "odd equal": lambda: Odd.of("__eq__", "__ne__"),
    "odd hash": lambda: Odd.of("__hash__"),
    "odd iterator": lambda: Odd.of("__iter__"),
    "odd items": lambda: Odd.of("__getitem__", "__len__"),
    "odd attributes": lambda: Odd.of("__getattr__"),
    "odd float": lambda: Odd.of("__float__", "__index__", "__int__"),
    "odd path": lambda: Odd.of("__fspath__"),
    "odd call": lambda: Odd.of("__call__"),
    "odd distribution": lambda: Odd.of("rvs"),
    # records of ours in the wrong place
    "record MLP": tl.MLP,
    "record SGD": tl.SGD,
    "record Cosine": tl.Cosine,
    "record Member": tl.Member,
    "record Huber": tl.Huber,
    "record EarlyStopping": tl.EarlyStopping,
    "population": tl.Population.grid,
    "estimator": lambda: tl.MLPClassifier(),
}
"""Values for parameters in Python."""

WORDS: dict[str, str] = {
    **{repr(word): word for word in ("", " ", "-", "--", "=", "no", "none", "null", "true")},
    **{repr(word): word for word in ("0", "1", "2", "3", "-1", "-0", "+1", "1.5", "0.5", "1e3")},
    **{repr(word): word for word in ("nan", "NaN", "inf", "-inf", "1e-320", "1e308", "1e999")},
    **{repr(word): word for word in ("0x10", "1_000", "٣", "1,5", "1.000,5", "½", "1/2")},
    **{repr(word): word for word in ("1,2,3", "1,,2", ",", "0,0", "-1,2", "5;5", "a,b", "99,")},
    **{repr(word): word for word in ("1:2", "2:1", ":", "0:1", "nan:1", "1:inf", "1:2:3", "a:b")},
    **{
        repr(word): word for word in ("relu", "adam", "huber", "digits", "x", "y", "classification")
    },
    "2**31": str(2**31),
    "2**53": str(2**53),
    "2**63": str(2**63),
    "99999999999": "9" * 11,
    "twenty nines": "9" * 20,
    "400 nines": "9" * 400,
    "5000 nines": "9" * 5000,
    "99999999999,3": "9" * 11 + ",3",
    "nines of widths": ",".join(["9"] * 100_000),
    "long": "a" * 100_000,
    "greek": "λ\u0301",
    "escape": "\x1b[31m\r\n",
    "markup": "[bold]{0}%s</b>",
    "surrogate": "\udcff",
    "user": "~nosuchuser",
    "parent": "../..",
    "folder": "/",
    "below a device": "/dev/null/x",  # never a device itself: root could replace it
}
"""Values for options of the command line."""
