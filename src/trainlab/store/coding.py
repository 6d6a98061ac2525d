"""Arrays and plain values as bytes, and back; checksums of a run, of its parts and its times.

Raw little-endian numbers stand behind a JSON header.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_LENGTH: Final = 8  # bytes of the number that says how long the header is
_DTYPE: Final = re.compile(r"[<|][biuf]\d{1,2}")
UNKNOWN: Final = "unknown"
"""In place of a time that is damaged."""
_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC)(?: ([0-9a-f]{64}))?", re.ASCII)


def canonical(value: Any) -> str:
    """Plain values as the one JSON text that stands for them: keys sorted, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def encode(info: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Pack plain JSON values and named arrays into bytes: header length, header, numbers.

    Parameters
    ----------
    info : JSON values
        Numbers, strings, lists and dicts.
    arrays : dict of str to ndarray
        Arrays of numbers.

    Returns
    -------
    bytes
        What `decode` reads; the same values give the same bytes.

    Examples
    --------
    >>> info, arrays = decode(encode({"step": 3}, {"W": np.eye(2, dtype=np.float32)}))
    >>> info, arrays["W"].tolist()
    ({'step': 3}, [[1.0, 0.0], [0.0, 1.0]])
    """
    described, pieces = [], []
    for name, array in arrays.items():
        little = array.dtype.newbyteorder("<")
        described.append([name, little.str, list(array.shape)])
        pieces.append(array.astype(little, copy=False).tobytes())
    header = canonical({"info": info, "arrays": described}).encode()
    return b"".join([len(header).to_bytes(_LENGTH, "little"), header, *pieces])


def decode(content: bytes) -> tuple[Any, dict[str, npt.NDArray[Any]]]:
    """Unpack what `encode` was given; no more is allocated than there are bytes.

    Parameters
    ----------
    content : bytes
        What `encode` wrote.

    Returns
    -------
    tuple
        The JSON values and the arrays.

    Raises
    ------
    ValueError
        For bytes that `encode` did not write.
    """
    start = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
    if start > len(content):
        raise ValueError("the header is longer than the content")
    arrays = {}
    try:
        header = json.loads(content[_LENGTH:start])
        for name, kind, shape in header["arrays"]:
            if not _DTYPE.fullmatch(kind):  # NumPy would evaluate some texts
                raise ValueError(f"the array {name} has an unknown dtype")
            dtype, count = np.dtype(kind), math.prod(shape)
            end = start + count * dtype.itemsize
            if end > len(content) or min(shape, default=0) < 0:
                raise ValueError(f"the array {name} is not in the content")
            found = np.frombuffer(content, dtype, count, start).reshape(shape)
            arrays[name] = found.astype(dtype.newbyteorder("="))  # a copy, which can be written to
            start = end
        info = header["info"]
    except (LookupError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError("the header is not one") from error
    if start != len(content):
        raise ValueError("the content is longer than its arrays")
    return info, arrays


def checksum(*parts: str | bytes) -> bytes:
    """SHA-256 of parts, each preceded by its length, so that no two lists share a digest."""
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.digest()


def is_run(key: Any, settings: Any, total: Any, digest: Any) -> bool:
    """Whether a row of `runs` is as it was written."""
    text = isinstance(key, str) and isinstance(settings, str)
    return text and digest == checksum(key, settings, str(total))


def stamp(digest: bytes) -> str:
    """The time of now, with a checksum that holds in the run of that digest."""
    now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{now} {checksum(digest, now).hex()}"


def time_of(stamp: Any, digest: bytes) -> str:
    """The time that a stamp tells; those of earlier versions of trainlab have no checksum."""
    found = _STAMP.fullmatch(stamp) if isinstance(stamp, str) else None
    if found and found[2] in (None, checksum(digest, found[1]).hex()):
        return found[1]
    return UNKNOWN
