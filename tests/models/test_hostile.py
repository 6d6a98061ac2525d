"""Damaged and hostile model files: a typed error within bounded memory, never a wrong model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import trainlab as tl
from complaints import complains
from trainlab.errors import ModelFileError, SettingError
from trainlab.models.container import KEY, MAX_HEADER, checksum, unpack

Change = Callable[[dict[str, Any], dict[str, Any]], None]

CUTS, FLIPS = 200, 2_000
# Records inside each other that JSON allows, and that Python's stack cannot hold as settings.
NESTED = 400
# What a process that refuses a file may use beyond what `import trainlab` does.
HEADROOM = 200 << 20

X = np.random.default_rng(0).standard_normal((8, 3))


@pytest.fixture(scope="module")
def model() -> tl.Population:
    network = tl.MLP((2,), norm="batch")
    population = tl.Population([tl.Member(network, tl.Adam(0.01)), tl.Member(tl.MLP((3,)))])
    population.fit(tl.from_arrays(X, np.arange(8) % 2), steps=3, workers=1, keep="state")
    return population


@pytest.fixture
def path(model: tl.Population, tmp_path: Path) -> Path:
    path = tmp_path / "model"
    tl.save(model, path)
    return path


def is_right(found: tl.Population, model: tl.Population) -> bool:
    return list(found) == list(model) and all(
        np.array_equal(found.snapshot(index)[name], values)
        for index in range(len(model))
        for name, values in model.snapshot(index).items()
    )


def outcome(path: Path, model: tl.Population) -> str:
    try:
        found = tl.load(path)
    except ModelFileError:
        return "refused"
    return "right" if is_right(found, model) else "wrong"


def test_a_file_cut_anywhere_is_refused(path: Path, model: tl.Population) -> None:
    whole = path.read_bytes()
    assert outcome(path, model) == "right"
    for length in np.linspace(0, len(whole) - 1, CUTS).astype(int):
        path.write_bytes(whole[:length])
        assert outcome(path, model) == "refused", length


def test_a_byte_too_many_is_refused(path: Path, model: tl.Population) -> None:
    path.write_bytes(path.read_bytes() + b"\0")
    assert outcome(path, model) == "refused"


@pytest.mark.parametrize("part", ["anywhere", "header"])
def test_any_byte_that_changes_is_found(
    part: str, path: Path, model: tl.Population, rng: np.random.Generator
) -> None:
    whole = path.read_bytes()
    end = 8 + int.from_bytes(whole[:8], "little") if part == "header" else len(whole)
    outcomes = {"refused": 0, "right": 0, "wrong": 0}
    for _ in range(FLIPS):
        at, bits = int(rng.integers(end)), int(rng.integers(1, 256))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1 :])
        outcomes[outcome(path, model)] += 1
    assert outcomes["wrong"] == 0
    # What may change and be right is a blank between the header and the arrays.
    assert outcomes["refused"] >= FLIPS * 0.99, outcomes


def forged(path: Path, change: Change, checksum_right: bool = True) -> Path:
    """The file after a change by somebody who knows how to make its checksum."""
    with safetensors.safe_open(path, "np") as file:
        about = json.loads(file.metadata()[KEY])
    arrays = dict(safetensors.numpy.load_file(path))
    change(about, arrays)
    about["sha256"] = checksum(about, arrays) if checksum_right else "0" * 64
    safetensors.numpy.save_file(arrays, path, {KEY: json.dumps(about)})
    return path


def settings(change: Callable[[dict[str, Any]], None]) -> Change:
    return lambda about, arrays: change(about["document"])


def put(name: str, value: Any) -> Change:
    def change(about: dict[str, Any], arrays: dict[str, Any]) -> None:
        arrays[name] = value

    return change


def nan(about: dict[str, Any], arrays: dict[str, Any]) -> None:
    arrays["0.params"] = np.full_like(arrays["0.params"], np.nan)


def doubled(about: dict[str, Any], arrays: dict[str, Any]) -> None:
    arrays["0.params"] = arrays["0.params"].astype(np.float64)


def endless(document: dict[str, Any]) -> None:
    warm_up = {"kind": "WarmUp", "steps": 1, "start": 0.0, "then": None}
    schedule = document["optimizers"][0]["schedule"]
    for _ in range(NESTED):
        schedule = {**warm_up, "then": schedule}
    document["optimizers"][0]["schedule"] = schedule


HOSTILE: dict[str, tuple[str, Change]] = {
    "newer": ("format_version", lambda about, _: about.update(format_version=5)),
    "version-0": ("format_version", lambda about, _: about.update(format_version=0)),
    "version-text": ("format_version", lambda about, _: about.update(format_version="1")),
    "version-true": ("format_version", lambda about, _: about.update(format_version=True)),
    "unknown-kind": ("kind of", lambda about, _: about.update(kind="os.system")),
    "path-as-kind": ("kind of", lambda about, _: about.update(kind="../../etc/passwd")),
    "list-as-kind": ("kind and document", lambda about, _: about.update(kind=["network"])),
    "network-of-two": ("network of", lambda about, _: about.update(kind="network")),
    "document-missing": ("metadata of", lambda about, _: about.pop("document")),
    "document-list": ("kind and document", lambda about, _: about.update(document=[])),
    "key-too-many": ("metadata of", lambda about, _: about.update(run="import os")),
    "document-key": ("document of", settings(lambda d: d.update(run="import os"))),
    "dtype-half": ("document of", settings(lambda d: d.update(dtype="float16"))),
    "dtype-list": ("document of", settings(lambda d: d.update(dtype=["float32"]))),
    "dtype-other": ("params of", settings(lambda d: d.update(dtype="float64"))),
    "widths-huge": ("params of", settings(lambda d: d.update(widths=[2**53, 2**53]))),
    "widths-beyond": ("widths of", settings(lambda d: d.update(widths=[2**60, 2**60]))),
    "widths-digits": ("metadata of", settings(lambda d: d.update(widths=[10**4000, 2]))),
    "widths-0": ("widths of", settings(lambda d: d.update(widths=[0, 2]))),
    "widths-float": ("widths of", settings(lambda d: d.update(widths=[3.0, 2]))),
    "widths-three": ("widths of", settings(lambda d: d.update(widths=[3, 2, 1]))),
    "engine-number": ("engine of", settings(lambda d: d.update(engine=3))),
    "classes-text": ("classes of", settings(lambda d: d.update(classes="ab"))),
    "classes-two-dimensional": (
        "classes of",
        settings(lambda d: d.update(classes={"array": ["<i8", [[1, 2]] * 2]})),
    ),
    "classes-twice": (
        "classes of",
        settings(lambda d: d.update(classes={"array": ["<i8", [1] * d["widths"][1]]})),
    ),
    "classes-short": ("classes of", settings(lambda d: d.update(classes={"array": ["<i8", [1]]}))),
    "classes-eval": ("dtype of", settings(lambda d: d.update(classes={"array": ["i8,i8", [1]]}))),
    "classes-huge": (
        "labels of",
        settings(lambda d: d.update(classes={"array": ["<U9000000", ["a", "b"]]})),
    ),
    "updates-negative": ("updates of", settings(lambda d: d.update(updates=[3, -1]))),
    "updates-short": ("updates of", settings(lambda d: d.update(updates=[3]))),
    "updates-huge": ("updates of", settings(lambda d: d.update(updates=[3, 2**70]))),
    "no-members": ("members of", settings(lambda d: d.update(members=[]))),
    "member-too-many": (
        "updates of",
        settings(lambda d: d.update(members=d["members"] * 2)),
    ),
    "member-of-none": ("a member of", settings(lambda d: d["members"][0].__setitem__(0, 9))),
    "member-negative": ("a member of", settings(lambda d: d["members"][0].__setitem__(0, -1))),
    "seed-too-large": ("a member of", settings(lambda d: d["members"][0].__setitem__(2, 2**64))),
    "seed-true": ("a member of", settings(lambda d: d["members"][0].__setitem__(2, True))),
    "no-networks": ("records of MLP", settings(lambda d: d.update(networks={}))),
    "type-unknown": ("settings of", settings(lambda d: d["networks"][0].update(kind="os.system"))),
    "type-other": ("settings of", settings(lambda d: d["networks"].append(d["optimizers"][0]))),
    "type-name": ("settings of", settings(lambda d: d["networks"].append("MLP"))),
    "field-unknown": ("MLP of", settings(lambda d: d["networks"][0].update(run=1))),
    "field-missing": ("params of", settings(lambda d: d["networks"][0].pop("hidden"))),
    "out-of-range": ("settings of", settings(lambda d: d["networks"][0].update(dropout=1.5))),
    "rate-negative": ("settings of", settings(lambda d: d["optimizers"][0].update(lr=-1))),
    "rate-digits": ("metadata of", settings(lambda d: d["optimizers"][0].update(lr=10**400))),
    "rate-none": ("settings of", settings(lambda d: d["optimizers"][0].update(lr=None))),
    "rate-text": ("settings of", settings(lambda d: d["optimizers"][0].update(lr="1e-3"))),
    "both-norms": (
        "settings of",
        settings(
            lambda d: d["networks"][0].update(
                batch_norm=d["networks"][0].pop("norm"),
                layer_norm={"kind": "LayerNorm", "eps": 1e-5},
            )
        ),
    ),
    "old-and-new": (
        "MLP of",
        settings(lambda d: d["networks"][0].update(layer_norm=False)),
    ),
    "two-spellings": ("settings of", settings(lambda d: d["networks"][0].update(norm="batch"))),
    "name-for-record": (
        "settings of",
        settings(lambda d: d["networks"][0].update(activation="relu")),
    ),
    "too-deep": ("settings of", settings(endless)),
    "width-huge": ("params of", settings(lambda d: d["networks"][0].update(hidden=[2**53]))),
    "array-missing": ("arrays of", lambda _, arrays: arrays.pop("0.params")),
    "array-too-many": ("arrays of", put("../../etc/passwd", np.zeros(1))),
    "array-of-nobody": ("arrays of", put("7.params", np.zeros(1, np.float32))),
    "array-short": ("params of", put("0.params", np.zeros(1, np.float32))),
    "array-square": ("params of", put("0.params", np.zeros((4, 4), np.float32))),
    "array-empty": ("params of", put("0.params", np.zeros(0, np.float32))),
    "array-nan": ("params of", nan),
    "array-integers": ("params of", put("0.params", np.zeros(16, np.int64))),
    "array-double": ("params of", doubled),
    "state-in-part": ("arrays of", lambda _, arrays: arrays.pop("0.state.m")),
    "state-of-other": ("arrays of", put("1.state.m", np.zeros(1, np.float32))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_forged_files_are_refused(name: str, path: Path) -> None:
    starts, change = HOSTILE[name]
    forged(path, change)
    complains(lambda: tl.load(path), ModelFileError, starts)


def test_a_file_is_right_before_it_is_forged(path: Path, model: tl.Population) -> None:
    assert is_right(tl.load(forged(path, lambda *_: None)), model)
    forged(path, lambda *_: None, checksum_right=False)
    complains(lambda: tl.load(path), ModelFileError, "checksum of")


def test_a_file_may_not_know_its_engine(path: Path) -> None:
    assert tl.load(path).engine in ("native", "numpy")
    assert tl.load(forged(path, settings(lambda d: d.update(engine=None)))).engine is None


def raw(header: str | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else header.encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    "shape", [[0, 2**62], [0, 2**64 - 1], [1] * 65, [0] + [1] * 99], ids=["0", "1", "2", "3"]
)
def test_shapes_that_no_array_can_have(shape: list[int], path: Path) -> None:
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8:start]), content[start:]
    size = 0 if 0 in shape else 4
    place = [len(data), len(data) + size]
    header["0.more"] = {"dtype": "F32", "shape": shape, "data_offsets": place}
    path.write_bytes(raw(json.dumps(header), data + bytes(size)))
    complains(lambda: tl.load(path), ModelFileError, "shape of '0.more' of")


def entry(offsets: str, data: int) -> bytes:
    header = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[' + offsets + "]}}"
    return raw(header, bytes(data))


ENTRY = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
RAW: dict[str, bytes] = {
    "empty": b"",
    "seven bytes": bytes(7),
    "zeros": bytes(100),
    "header of 2^60": raw("{}", length=2**60),
    "header of 2^64": raw("{}", length=2**64 - 1),
    "header longer than the limit": raw("{}", length=MAX_HEADER + 1),
    "no json": raw("not json"),
    "a list": raw("[]"),
    "no utf-8": raw(b'{"\xff":1}'),
    "nothing in it": raw("{}"),
    "no metadata of ours": raw('{"__metadata__":{"format":"pt"}}'),
    "metadata twice": raw('{"__metadata__":{"trainlab":"{}"},"__metadata__":{"trainlab":"{}"}}'),
    "metadata of numbers": raw('{"__metadata__":{"trainlab":1}}'),
    "metadata NaN": raw('{"__metadata__":{"trainlab":"{\\"format_version\\":NaN}"}}'),
    "metadata infinite": raw('{"__metadata__":{"trainlab":"{\\"format_version\\":1e999}"}}'),
    "metadata a list": raw('{"__metadata__":{"trainlab":"[]"}}'),
    "metadata too deep": raw(json.dumps({"__metadata__": {"trainlab": "[" * 100_000}})),
    "metadata of many digits": raw(json.dumps({"__metadata__": {"trainlab": "9" * 100_000}})),
    "a name twice": raw('{"a":' + ENTRY + ',"a":' + ENTRY + "}", bytes(4)),
    "negative offsets": entry("-4,0", 4),
    "offsets past the end": entry("0,1152921504606846976", 4),
    "offsets reversed": entry("4,0", 4),
    "shape that overflows": raw(
        '{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}',
        bytes(4),
    ),
    "shape that is not the data's": raw(
        '{"a":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,4]}}', bytes(4)
    ),
    "bytes that nobody owns": entry("4,8", 8),
    "unknown dtype": raw('{"a":{"dtype":"O","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
    "half precision": raw('{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}', bytes(4)),
    "a pickle": b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.",
}


@pytest.mark.parametrize("name", RAW)
def test_files_of_another_hand_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(RAW[name])
    starts = "header of" if name.startswith("header") else ""
    complains(lambda: tl.load(path), ModelFileError, starts)
    complains(lambda: unpack(RAW[name] or b"\0", "bytes"), ModelFileError)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    complains(lambda: tl.load(tmp_path / "pipe"), ModelFileError, "kind of")


def test_a_file_larger_than_allowed_is_not_read(path: Path) -> None:
    size = path.stat().st_size
    assert tl.load(path, max_bytes=size)
    for less in (1, size - 1):
        starts = f"size of {path} must be at most {less} bytes"
        complains(lambda n=less: tl.load(path, max_bytes=n), ModelFileError, starts)
    complains(lambda: tl.load(path, max_bytes=0), SettingError, "max_bytes of load must be")


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS limits memory on Linux alone")
def test_refusing_what_claims_to_be_huge_takes_little_memory(path: Path, tmp_path: Path) -> None:
    """A header that says 2^60 bytes, and a sparse file of a terabyte, under a limit of memory."""
    (tmp_path / "claims").write_bytes(raw("{}", length=2**60))
    with open(tmp_path / "terabyte", "wb") as file:
        file.write(path.read_bytes())
        file.truncate(1 << 40)
    code = (
        "import sys, resource, trainlab\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "limit = used + int(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "for path in sys.argv[2:]:\n"
        "    try: trainlab.load(path)\n"
        "    except trainlab.ModelFileError as error: print('refused')\n"
    )
    words = [sys.executable, "-c", code, str(HEADROOM), tmp_path / "claims", tmp_path / "terabyte"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused"] * 2
