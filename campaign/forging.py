"""Model files forged by somebody who knows how to make their checksums: settings of any kind."""

from __future__ import annotations

import copy
import json
import math
from typing import Any, Final

import numpy as np
import safetensors.numpy

from trainlab.models.container import KEY, checksum

VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53, 2**62, 2**63, 2**64, 10**400, -(10**400)),
    *(0.5, -0.0, 1e308, 5e-324, 1e-320, math.nan, math.inf, -math.inf),
    *("", "a", "relu", "os.system", "../../etc/passwd", "\ud800", "\0", "é" * 300, "1e999", "NaN"),
    *([], [[]], [0], [1] * 70, [2**62, 0], {}, {"kind": "Adam"}, {"kind": 1}, {"kind": "MLP"}),
)
SHAPES: Final = ((0,), (0, 2**40), (1,) * 33, (3, 0), ())
MOST_NODES: Final = 5_000


def forged(content: bytes, other: bytes, rng: Any) -> tuple[str, bytes]:
    """(what was done, a file with other settings or arrays, and the right checksum)."""
    with_header = 8 + int.from_bytes(content[:8], "little")
    about = json.loads(json.loads(content[8:with_header])["__metadata__"][KEY])
    arrays = dict(safetensors.numpy.load(content))
    done: list[str] = []
    while not done or rng.random() < 0.2:
        change = _array if rng.random() < 0.15 else _setting
        done.append(change(about, arrays, rng))
    try:
        about["sha256"] = checksum(about, arrays)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        about = dict(about) if isinstance(about, dict) else {}
    text = json.dumps(about)
    return ", ".join(done), safetensors.numpy.save(arrays, {KEY: text})


def _setting(about: dict[str, Any], arrays: dict[str, Any], rng: Any) -> str:
    """Another value, or none, or one more, in one place of the settings."""
    places = list(_places(about))
    owner, key = places[int(rng.integers(len(places)))]
    kind = rng.choice(["value", "value", "value", "without", "again", "from elsewhere"])
    if kind == "without":
        del owner[key]
    elif kind == "again" and isinstance(owner, list):
        owner.append(copy.deepcopy(owner[key]))
    elif kind == "again":
        owner[f"{key} again"] = copy.deepcopy(owner[key])
    elif kind == "value":
        owner[key] = copy.deepcopy(VALUES[int(rng.integers(len(VALUES)))])
    else:
        source, name = places[int(rng.integers(len(places)))]
        owner[key] = json.loads(json.dumps(source[name]))
    return f"{key}: {kind}"


def _places(about: Any) -> list[tuple[Any, Any]]:
    """Each (record or list, key), but for the checksum."""
    found: list[tuple[Any, Any]] = []
    left = [about]
    while left and len(found) < MOST_NODES:
        owner = left.pop()
        pairs = owner.items() if isinstance(owner, dict) else enumerate(owner)
        for key, value in pairs:
            if key != "sha256":
                found.append((owner, key))
            if isinstance(value, (dict, list)):
                left.append(value)
    return found or [({"": 0}, "")]


def _array(about: dict[str, Any], arrays: dict[str, Any], rng: Any) -> str:
    """Other numbers, another shape or dtype, one more array, or one that is gone."""
    if not arrays:
        return "no arrays"
    name = sorted(arrays)[int(rng.integers(len(arrays)))]
    values = arrays[name]
    kind = str(rng.choice(["numbers", "shape", "dtype", "gone", "more"]))
    if kind == "numbers" and values.size:
        changed = values.copy()
        bits = changed.reshape(-1).view(np.uint8)
        bits[int(rng.integers(bits.size))] ^= int(rng.integers(1, 256))
        arrays[name] = changed
    elif kind == "shape":
        arrays[name] = np.zeros(SHAPES[int(rng.integers(len(SHAPES)))], values.dtype)
    elif kind == "dtype":
        arrays[name] = values.astype(rng.choice(["f2", "f4", "f8", "i1", "i8", "u8", "?"]))
    elif kind == "gone":
        del arrays[name]
    else:
        arrays[f"{name}.more"] = values
    return f"{name}: {kind}"
