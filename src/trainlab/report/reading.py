"""Results as the page needs them: read from disk and checked against their declared types.

Code that shows results relies on these types: a file that was edited, cut off or written
by another program is refused here as a whole, by name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainlab.errors import DataError, sentence
from trainlab.experiments.results import FILE, Results, load
from trainlab.terminal import counted

# The annotation of a field → the types its value may have; the others are examined.
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "int": (int,),
    "int | None": (int, type(None)),
    "float": (float, int),
    "float | None": (float, int, type(None)),
    "bool": (bool,),
    "bool | None": (bool, type(None)),
    "Array": (np.ndarray,),
    "Mapping[str, Any]": (dict,),
    "tuple[str, ...]": (tuple,),
}
_DAMAGE: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError)
"""What reading content of a wrong shape may raise, beside ValueError."""


def read(folder: Path, experiment: str) -> Results:
    """The results in the folder; DataError, naming the file, unless they are sound.

    They must be the experiment's own, every field of the type it declares, and every
    series as long as its axis with a row for each member.
    """
    try:
        results = load(folder)
        if results.experiment != experiment:
            raise TypeError(f"results of {results.experiment!r}, not of {experiment!r}")
        _check("results", results)
        _check_data(results)
        _check_series(results)
    except DataError:
        raise
    except (*_DAMAGE, ValueError) as error:
        what, must = str(folder / FILE), "be results that trainlab wrote"
        got = f"{type(error).__name__}: {error}"
        raise DataError(sentence("content", what, must, got, "trainlab run")) from error
    return results


def _check(where: str, value: Any) -> None:
    """TypeError where a field, at any depth, is not of the type that its dataclass declares."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where} must have names")
            _check(f"{where}[{key!r}]", item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check(where, item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            found: Any = getattr(value, field.name)
            place = f"{where}.{field.name}"
            allowed = _TYPES.get(str(field.type), (object,))
            texts = field.type != "tuple[str, ...]" or all(isinstance(word, str) for word in found)
            # To Python True is an int, but no number in results is a bool.
            truth = isinstance(found, bool) and not {bool, object} & set(allowed)
            if not isinstance(found, allowed) or truth or not texts:
                raise TypeError(f"{place} must be {field.type}")
            _check(place, found)


def _check_data(results: Results) -> None:
    about = results.data
    if not all(about[key] is None or isinstance(about[key], str) for key in ("name", "hash")):
        raise TypeError("results.data must have a name and a hash, each text or null")
    if not all(isinstance(count, int) for count in about["sizes"].values()):
        raise TypeError("results.data.sizes must be whole numbers")


def _check_series(results: Results) -> None:
    rows = len(results.measured.members)
    for name, series in results.measured.series.items():
        if series.values.shape != (rows, *series.axis_values.shape) or series.values.ndim != 2:
            raise TypeError(f"series {name!r} must have {counted(rows, 'row')} as long as its axis")
