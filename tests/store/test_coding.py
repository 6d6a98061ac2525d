"""Results as bytes."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest

from trainlab.store.coding import (
    UNKNOWN,
    canonical,
    checksum,
    decode,
    encode,
    is_run,
    stamp,
    time_of,
)


def test_equal_values_have_one_text_which_is_ascii() -> None:
    assert canonical({"b": "ü", "a": [1, 2]}) == canonical({"a": [1, 2], "b": "ü"})
    assert canonical({"b": "ü", "a": [1, 2]}) == '{"a":[1,2],"b":"\\u00fc"}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(math.nan)


def test_a_header_longer_than_the_content_is_said_to_be() -> None:
    with pytest.raises(ValueError, match="the header is longer than the content"):
        decode(b"\x09" + bytes(11))


def test_a_negative_length_beside_a_positive_one_is_refused() -> None:
    """NumPy takes the count -1 for all that is left, and the second array would end at the end."""
    header = b'{"arrays":[["a","<f4",[-1,1]],["b","<f4",[3]]],"info":1}'
    with pytest.raises(ValueError, match="the array a is not in the content"):
        decode(len(header).to_bytes(8, "little") + header + bytes(8))


def test_bytes_are_those_that_earlier_versions_wrote() -> None:
    header = b'{"arrays":[["W","<f4",[2]]],"info":{"step":3}}'
    numbers = b"\x00\x00\x80?\x00\x00\x00@"  # 1 and 2
    written = encode({"step": 3}, {"W": np.array([1, 2], np.float32)})
    assert written == bytes([len(header), 0, 0, 0, 0, 0, 0, 0]) + header + numbers


def test_a_checksum_is_of_parts_with_their_lengths() -> None:
    content = b"\0\0\0\0\0\0\0\x02\xc3\xbc" + b"\0\0\0\0\0\0\0\x01x"
    assert checksum("ü", b"x") == hashlib.sha256(content).digest()


@pytest.mark.parametrize("place", [0, 1])
def test_a_row_of_bytes_is_no_row_of_text(place: int) -> None:
    """SQLite gives back whatever a damaged file says, and the checksums are the same."""
    row: list[str | bytes] = ["key", "{}"]
    digest = checksum(*row, "2")
    assert is_run(*row, 2, digest)
    row[place] = str(row[place]).encode()
    assert checksum(*row, "2") == digest
    assert not is_run(*row, 2, digest)


def test_a_time_is_read_with_the_checksum_of_its_run() -> None:
    time = "2026-01-02 03:04:05 UTC"
    signed = f"{time} {checksum(b'digest', time).hex()}"
    assert time_of(signed, b"digest") == time
    assert time_of(signed, b"another") == UNKNOWN
    now = stamp(b"digest")
    assert time_of(now, b"digest") == now[: len(time)]
