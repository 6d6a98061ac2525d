"""What differs between two sets of plain settings, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from trainlab.errors import describe

SHOWN: Final = 3
WRITTEN: Final = 10
"""Values of a list that are written out; of longer ones the numbers of values are told."""


def differences(old: Any, new: Any) -> list[str]:
    """Differences between two JSON values, the outermost first, and how many more there are.

    >>> differences({"batch_size": 100, "hidden": [50]}, {"batch_size": 128, "hidden": [50, 50]})
    ['batch_size was 100, is 128', 'hidden was (50,), is (50, 50)']
    """
    found = sorted(_walk(old, new, ""), key=lambda one: one[0])
    more = len(found) - SHOWN
    words = [text for _, text in found[:SHOWN]]
    return words + ([f"and {more} more"] if more > 0 else [])


def _walk(old: Any, new: Any, name: str, depth: int = 0) -> Iterator[tuple[int, str]]:
    """How deep each difference lies, and what it is."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            inner = f"{name}.{key}" if name else key
            if key in old and key in new:
                yield from _walk(old[key], new[key], inner, depth + 1)
            else:
                yield depth, f"{inner} was {_word(old, key)}, is {_word(new, key)}"
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            if _is_short(old) and _is_short(new):
                yield depth, f"{name} was {tuple(old)}, is {tuple(new)}"
            else:
                yield depth, f"{name} were {len(old)}, are {len(new)}"
            return
        for index, pair in enumerate(zip(old, new, strict=False)):
            yield from _walk(*pair, f"{name}[{index}]", depth + 1)
    elif old != new or type(old) is not type(new):
        yield depth, f"{name or 'it'} was {describe(old)}, is {describe(new)}"


def _is_short(values: list[Any]) -> bool:
    """Whether it is a list of few plain values, which are shown themselves."""
    return len(values) <= WRITTEN and not any(isinstance(one, (list, dict)) for one in values)


def _word(values: dict[str, Any], key: str) -> str:
    """The value of a setting that one of two has alone."""
    if key not in values:
        return "not given"
    return "given" if values[key] is True else describe(values[key])
