"""IDX files: sound ones are read exactly, all others are refused by name and in little memory."""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest

from trainlab.data.idx import DTYPES, IdxFile, largest_wrapper, read_idx
from trainlab.errors import DataError

PIXELS = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)

# 64 KiB pieces, the buffers of gzip (up to 128 KiB, twice), and the interpreter's own.
SMALL_MEMORY = 1 << 20


def idx(array, code=0x08):
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape)
    return header + array.astype(DTYPES[code]).tobytes()


def header(*shape, magic=b"\0\0", code=0x08, axes=None):
    axes = len(shape) if axes is None else axes
    return magic + bytes([code, axes]) + struct.pack(f">{len(shape)}i", *shape)


SOUND = idx(PIXELS)
PACKED = gzip.compress(SOUND, mtime=0)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("code", DTYPES)
def test_every_dtype_comes_back_exactly(tmp_path, pack, code):
    array = np.array([[1, 2, 3], [100, 0, 7]], dtype=DTYPES[code])
    path = tmp_path / "name says nothing"
    path.write_bytes(pack(idx(array, code)))
    found = read_idx(path)
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, array)


def test_gzip_in_several_members_is_sound_gzip(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(gzip.compress(SOUND[:30]) + gzip.compress(SOUND[30:]))
    np.testing.assert_array_equal(read_idx(path), PIXELS)


def flipped(content, position, mask=0xFF):
    changed = bytearray(content)
    changed[position] ^= mask
    return bytes(changed)


BAD_HEADERS = {
    "empty": (b"", "header"),
    "text": (b"<html>404 not found</html>", "magic number"),
    "first byte": (flipped(SOUND, 0), "magic number"),
    "second byte": (flipped(SOUND, 1), "magic number"),
    "dtype 0x00": (flipped(SOUND, 2, 0x08), "dtype code"),
    "dtype 0x0a": (header(3, code=0x0A) + b"abc", "dtype code"),
    "dtype 0xff": (header(3, code=0xFF) + b"abc", "dtype code"),
    "no axes": (header(axes=0) + b"a", "number of axes"),
    "nine axes": (header(*[1] * 9) + b"a", "number of axes"),
    "255 axes": (header(*[1] * 255) + b"a", "number of axes"),
    "negative axis": (header(-3) + b"abc", "every axis"),
    "most negative": (header(-(2**31), 2), "every axis"),
    "two negatives": (header(-3, -2) + b"abcdef", "every axis"),
    "empty axis": (header(0, 28, 28), "every axis"),
    "huge axis": (header(2**31 - 1) + b"abc", "declared size"),
    "product 2**64": (header(2**16, 2**16, 2**16, 2**16), "declared size"),
    "product 2**247": (header(*[2**31 - 1] * 8), "declared size"),
    "huge floats": (header(2**28, code=0x0E), "declared size"),
    "one row more": (header(4, 4, 5) + PIXELS.tobytes(), "size|content"),
    "one row less": (header(2, 4, 5) + PIXELS.tobytes(), "size|end"),
    "one axis more": (header(3, 4, 5, 1)[:-4] + PIXELS.tobytes(), "size|content|end"),
    "trailing byte": (SOUND + b"\0", "size|end"),
    "trailing file": (SOUND + SOUND, "size|end"),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(("content", "what"), BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_malformed_file_is_refused_by_name_and_fault(tmp_path, pack, content, what):
    path = tmp_path / "some-idx3-ubyte"
    path.write_bytes(pack(content))
    with pytest.raises(DataError, match=rf"^({what}) of .*some-idx3-ubyte must "):
        read_idx(path)


@pytest.mark.parametrize("length", range(0, len(SOUND), 5))
def test_a_plain_file_truncated_anywhere_is_refused(tmp_path, length):
    path = tmp_path / "cut"
    path.write_bytes(SOUND[:length])
    with pytest.raises(DataError, match="cut must be"):
        read_idx(path)


@pytest.mark.parametrize("length", range(1, len(PACKED), 6))
def test_a_gzip_file_truncated_anywhere_is_refused(tmp_path, length):
    path = tmp_path / "cut.gz"
    path.write_bytes(PACKED[:length])
    with pytest.raises(DataError, match=r"cut\.gz must "):
        read_idx(path)


BAD_GZIP = {
    "method": flipped(PACKED, 2),
    "crc": flipped(PACKED, -8),
    "length": flipped(PACKED, -4),
    "deflate": PACKED[:10] + b"\xff" * 40 + PACKED[-8:],
    "trailing garbage": PACKED + b"garbage",
    "trailing second file": PACKED + PACKED,
    "raw zlib inside": PACKED[:10] + zlib.compress(SOUND),
    "only the magic": b"\x1f\x8b",
    "gzip in gzip": gzip.compress(PACKED),
}


@pytest.mark.parametrize("content", BAD_GZIP.values(), ids=BAD_GZIP)
def test_unsound_gzip_is_refused(tmp_path, content):
    path = tmp_path / "bad.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.gz must "):
        read_idx(path)


def test_a_flipped_byte_is_refused_or_harmless_and_never_another_error(tmp_path):
    path = tmp_path / "f.gz"
    harmless = set()
    for position in range(len(PACKED)):
        for mask in (0x01, 0x80, 0xFF):
            path.write_bytes(flipped(PACKED, position, mask))
            try:
                found = read_idx(path)
            except DataError:
                continue
            np.testing.assert_array_equal(found, PIXELS)
            harmless.add(position)
    # Flags, time, level and system (bytes 3 to 9) and the bits that fill up the last
    # byte of deflate, before the CRC and the length, say nothing about the content.
    assert harmless <= {*range(3, 10), len(PACKED) - 9}


def test_random_bytes_are_refused(tmp_path):
    rng = np.random.default_rng(3)
    path = tmp_path / "noise"
    for start in (b"", b"\0\0\x08", b"\0\0\x08\x01\0\0", b"\x1f\x8b", b"\x1f\x8b\x08\0"):
        for length in range(0, 60, 3):
            path.write_bytes(start + rng.bytes(length))
            with pytest.raises(DataError, match="noise must "):
                read_idx(path)


def peak_of(action):
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bomb(start, zeros):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    pieces = [packer.compress(start)]
    pieces += [packer.compress(bytes(1 << 20)) for _ in range(zeros >> 20)]
    return b"".join([*pieces, packer.flush()])


CLAIMS = {
    "bomb behind a small array": (bomb(SOUND, 64 << 20), {}, "end"),
    "bomb that declares itself": (
        bomb(header(64 << 20), 64 << 20),
        {"max_bytes": 1 << 20},
        "declared size",
    ),
    "bomb of another shape": (bomb(header(64 << 20), 64 << 20), {"shape": (3, 4, 5)}, "shape"),
    "bomb without a header": (bomb(b"", 64 << 20), {}, "number of axes|dtype code"),
    "gzip that declares what it lacks": (gzip.compress(header(512 << 20) + b"abc"), {}, "content"),
    "plain that declares what it lacks": (header(512 << 20) + b"abc", {}, "size"),
    "plain beyond the limit": (bytes(4 << 20), {"max_bytes": 1 << 20}, "size"),
    "gzip beyond the limit": (
        gzip.compress(os.urandom(4 << 20), 1),
        {"max_bytes": 1 << 20},
        "size",
    ),
}


@pytest.mark.parametrize(("content", "limits", "what"), CLAIMS.values(), ids=CLAIMS)
def test_a_lie_about_the_size_costs_little_memory(tmp_path, content, limits, what):
    path = tmp_path / "claim"
    path.write_bytes(content)

    def read():
        with pytest.raises(DataError, match=rf"^({what}) of .*claim must "):
            read_idx(path, **limits)

    read()  # what is imported and cached at the first call is not the file's cost
    assert peak_of(read) < SMALL_MEMORY


def test_the_memory_test_sees_memory(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bomb(header(4 << 20), 4 << 20))
    assert peak_of(lambda: read_idx(path)) > SMALL_MEMORY


def test_incompressible_content_fits_the_largest_wrapper():
    noise = os.urandom(1 << 20)
    assert len(noise) < len(gzip.compress(noise)) <= largest_wrapper(len(noise))


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "broken link", "below a file"])
def test_what_is_no_file_is_refused_without_waiting(tmp_path, kind):
    path = tmp_path / "thing"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "broken link":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "below a file":
        path.write_bytes(SOUND)
        path = path / "thing"
    with pytest.raises(DataError, match=r"thing must be (readable|a regular file)"):
        read_idx(path)


def test_known_content_is_judged_by_its_decompressed_bytes(tmp_path):
    file = IdxFile("f", PIXELS.shape, hashlib.sha256(SOUND).hexdigest())
    assert file.nbytes == len(SOUND)
    for level in (1, 9):  # as mirrors do: other wrappers, the same content
        (tmp_path / "f.gz").write_bytes(gzip.compress(SOUND, level))
        np.testing.assert_array_equal(file.read(tmp_path / "f.gz"), PIXELS)
    (tmp_path / "f.gz").write_bytes(gzip.compress(flipped(SOUND, -1)))
    with pytest.raises(DataError, match=rf"^SHA-256 of .*f\.gz must be {file.sha256}; got "):
        file.read(tmp_path / "f.gz")


def test_another_shape_than_the_known_one_is_refused(tmp_path):
    (tmp_path / "f").write_bytes(idx(PIXELS.reshape(5, 4, 3)))
    with pytest.raises(DataError, match=r"shape of .* must be \(3, 4, 5\); got \(5, 4, 3\)"):
        read_idx(tmp_path / "f", shape=(3, 4, 5))
