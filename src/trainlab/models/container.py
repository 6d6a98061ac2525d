"""A file of named arrays and one JSON document: the safetensors format, read as untrusted input.

Layout: the length n of the header (8 bytes, little-endian), n bytes of JSON, the bytes of the
arrays.  The header's `__metadata__` has one key, "trainlab"; its text is JSON again:

    format_version   the first that knows all that is in the file; a newer one is refused
    kind             what the document describes: "network", "population", ...
    document         whatever that kind needs beside the arrays
    environment      the versions of the libraries that wrote it, for people
    sha256           of all of these, and of the name, dtype, shape and bytes of each array

Order: what is in a file, to bytes, from bytes, from a path, to a path.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import platform
import stat
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors
from safetensors.numpy import save as to_bytes

from trainlab import files
from trainlab.errors import ModelFileError, TrainlabError, sentence
from trainlab.network.workspace import Array
from trainlab.store.coding import canonical
from trainlab.versions import own

FORMAT_VERSION: Final = 4
"""The newest version of the format."""
_KEYS_SINCE: Final = {"classes": 4}
_ARRAYS_SINCE: Final = {"source": 4}
"""Keys of documents, and ends of names of arrays, that a version brought after the third.

What has none of them is written as version 3, which earlier versions of trainlab read.
"""
KEY: Final = "trainlab"
MAX_BYTES: Final = 1 << 32
"""The largest file that is read unless told otherwise."""
MAX_HEADER: Final = 1 << 25
"""The longest header: room for the settings of some 50,000 different members."""

DTYPES: Final = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "BOOL": "|b1"}
_NAMES: Final = {np.dtype(code): name for name, code in DTYPES.items()}
_FIELDS: Final = ("format_version", "kind", "document", "environment", "sha256")
UNSOUND: Final = (
    TrainlabError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    AttributeError,
    RecursionError,
)
"""What is raised where a document that was read asks for what cannot be."""
_FRESH: Final = "a fresh copy, if it is a file that trainlab.save wrote"


@dataclasses.dataclass(frozen=True)
class Content:
    """What a file says: a kind, its document (plain JSON), and arrays by name.

    version  of the format that the document is written in, or a later one that `pack` finds
    """

    kind: str
    document: dict[str, Any]
    arrays: dict[str, Array]
    version: int = 3


def pack(content: Content) -> bytes:
    """The bytes of a file; the same content gives the same bytes."""
    arrays = {}
    for name, values in content.arrays.items():
        assert values.dtype in _NAMES, values.dtype
        # safetensors reads the memory as it lies
        arrays[name] = np.ascontiguousarray(values).reshape(values.shape)
    text = canonical(content.document)  # in which nothing but a key is followed by a colon
    ends = {name.rpartition(".")[2] for name in arrays}
    since = [version for key, version in _KEYS_SINCE.items() if f'"{key}":' in text]
    since += [version for end, version in _ARRAYS_SINCE.items() if end in ends]
    about: dict[str, Any] = {
        "format_version": max([content.version, *since]),
        "kind": content.kind,
        "document": content.document,
        "environment": environment(),
    }
    about["sha256"] = checksum(about, arrays)
    packed = to_bytes(arrays, {KEY: canonical(about)})
    header = int.from_bytes(packed[:8], "little")
    if header > MAX_HEADER:
        must, remedy = f"be at most {MAX_HEADER} bytes of JSON", "several files, of fewer members"
        raise ModelFileError(sentence("settings", "a model", must, header, remedy))
    return packed


def unpack(packed: bytes, source: str) -> Content:
    """Read the bytes of a file; ModelFileError, which names the source, for any fault."""
    try:
        found = safetensors.deserialize(packed)  # type: ignore[no-untyped-call]  # its stub lacks types
    except safetensors.SafetensorError as error:
        raise fault(source, "content", "be sound safetensors", str(error), _FRESH) from error
    length = int.from_bytes(packed[:8], "little")
    header = _parse(packed[8 : 8 + length].decode("utf-8"), source, "header")
    about = _about(header, source)
    arrays = {name: _array(name, entry, source) for name, entry in found}
    if checksum(about, arrays) != about["sha256"]:
        raise fault(source, "checksum", "be that of its content", about["sha256"], _FRESH)
    if not isinstance(about["kind"], str) or not isinstance(about["document"], dict):
        raise fault(source, "kind and document", "be a string and an object", about["kind"])
    return Content(about["kind"], about["document"], arrays, about["format_version"])


def read(path: Path, max_bytes: int = MAX_BYTES) -> Content:
    """Read a file.  Sizes are checked before anything of such a size is read."""
    source = str(path)
    try:
        # Asked before the file is opened: opening a pipe would wait for its writer.
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise fault(source, "kind", "be a regular file", stat.filemode(mode))
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size  # of this file: another may take its place now
            if size > max_bytes:
                remedy = f"load(path, max_bytes={size})"
                raise fault(source, "size", f"be at most {max_bytes} bytes", size, remedy)
            start = file.read(9)
            length, rest = int.from_bytes(start[:8], "little"), size - 8
            if start[8:] not in (b"{", b""):  # the header is JSON: this is no cut or damaged one
                raise fault(source, "content", "be a model that trainlab.save wrote", start)
            if length > min(rest, MAX_HEADER):
                must = f"be at most {MAX_HEADER} bytes, and end where the file ends or before"
                raise fault(source, "header", must, f"{length} of {max(rest, 0)} bytes", _FRESH)
            # One byte more than there was: a file that grows is still being written.
            packed = start + file.read(max(rest, 0))
    except OSError as error:
        text = error.strerror or str(error)
        raise fault(source, "file", "be there, and readable", text) from error
    return unpack(packed, source)


def write(path: Path, packed: bytes) -> None:
    """Write a file, all or nothing; ModelFileError where it cannot be written."""
    try:
        files.write(path, packed)
    except OSError as error:
        must = "be in a folder that can be written to, with room for it"
        raise fault(str(path), "file", must, error.strerror or str(error)) from error


def checksum(about: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """SHA-256 of what is said about a model, and of its arrays, in hexadecimal digits."""
    said = {name: value for name, value in about.items() if name != "sha256"}
    digest = hashlib.sha256(canonical(said).encode())
    for name in sorted(arrays):
        values = arrays[name]
        digest.update(canonical([name, _NAMES[values.dtype], *values.shape]).encode())
        code = DTYPES[_NAMES[values.dtype]]
        digest.update(values.astype(code, copy=False).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def environment() -> dict[str, str]:
    """The versions of what decides the bits of a prediction."""
    libraries = {name: metadata.version(name) for name in ("numpy", "scipy")}
    return {
        "python": platform.python_version(),
        "trainlab": own(),
        **libraries,
        "machine": platform.machine(),
    }


def fault(
    source: str, what: str, must: str, got: object, remedy: str | None = None
) -> ModelFileError:
    """The error that names a file and its fault."""
    return ModelFileError(sentence(what, source, must, got, remedy))


def _parse(text: str, source: str, what: str) -> Any:
    """The value of strict JSON: no NaN, no number beyond float64, and no key twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key that is there twice")
        return found

    def refuse(name: str) -> Any:
        raise ValueError(name)

    def finite(digits: str) -> float:
        number = float(digits)
        return number if math.isfinite(number) else refuse(digits)

    def whole(digits: str) -> int:
        finite(digits)  # so that it can be compared with a float
        return int(digits)

    try:
        return json.loads(
            text,
            object_pairs_hook=once,
            parse_constant=refuse,
            parse_float=finite,
            parse_int=whole,
        )
    except (ValueError, RecursionError) as error:
        raise fault(source, what, "be strict JSON", str(error), _FRESH) from error


def _about(header: dict[str, Any], source: str) -> dict[str, Any]:
    """What the metadata says, of a version that is known here."""
    given = header.get("__metadata__", {})
    if set(given) != {KEY}:
        must = f"have {KEY!r} as the one key of its metadata"
        raise fault(source, "header", must, sorted(given), "a file that trainlab.save wrote")
    about = _parse(given[KEY], source, "metadata")
    version = about.get("format_version") if isinstance(about, dict) else None
    if type(version) is not int or version < 1:
        raise fault(source, "format_version", "be an integer >= 1", version, _FRESH)
    if version > FORMAT_VERSION:
        must = f"be at most {FORMAT_VERSION}, the newest that this version of trainlab reads"
        raise fault(source, "format_version", must, version, "a newer trainlab")
    if set(about) != set(_FIELDS):
        raise fault(source, "metadata", f"have the keys {', '.join(_FIELDS)}", sorted(about))
    found: dict[str, Any] = about
    return found


def _array(name: str, entry: Mapping[str, Any], source: str) -> Array:
    """An array of its own memory, which may be written to."""
    if entry["dtype"] not in DTYPES:
        raise fault(source, f"dtype of {name!r}", f"be one of {', '.join(DTYPES)}", entry["dtype"])
    shape, dtype = tuple(entry["shape"]), np.dtype(DTYPES[entry["dtype"]])
    try:
        values = np.empty(shape, dtype.newbyteorder("="))
    except (ValueError, OverflowError) as error:  # (0, 2**62), or of 65 axes: no bytes are needed
        raise fault(source, f"shape of {name!r}", "be one that arrays can have", shape) from error
    if values.size:
        values[...] = np.frombuffer(entry["data"], dtype).reshape(shape)
    return values
