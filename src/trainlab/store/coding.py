"""Arrays and plain values as bytes, and back: raw little-endian numbers behind a JSON header."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_LENGTH: Final = 8  # bytes of the number that says how long the header is
_DTYPE: Final = re.compile(r"[<|][biuf]\d{1,2}")


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
