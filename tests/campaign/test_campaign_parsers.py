"""Damaged files, as the campaign makes and judges them: it finds every kind of wrong reader."""

from __future__ import annotations

import dataclasses
import gzip
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from campaign import parsers, subjects
from campaign.damage import DAMAGES, damaged, generator, mended_length
from campaign.parsers import Parsers
from campaign.part import Case
from campaign.subjects import Subject, WrongError
from campaign.works import digest
from trainlab.errors import DataError
from trainlab.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the campaign needs Linux")


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsers, "BATCH", 60)
    monkeypatch.setattr(parsers, "CPU_SECONDS", 0.2)


@pytest.fixture(scope="module")
def every_subject() -> Any:
    return subjects.subjects()


def test_every_kind_of_file_has_a_name(every_subject: Any) -> None:
    assert tuple(every_subject) == subjects.NAMES or set(every_subject) == set(subjects.NAMES)
    full = Parsers().cases(0, quick=False)
    assert len(full) * parsers.BATCH >= 200_000


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("name", subjects.NAMES)
def test_parsers(name: str, every_subject: Any, tmp_path: Path) -> None:
    part = Parsers(lambda: every_subject)
    found = part.run(Case(name, (name, 0, 0)), tmp_path)
    assert found.ok, found.detail
    assert sum(found.counts.values()) == parsers.BATCH
    # Of a damaged log SQLite reads what comes before the damage.
    assert found.counts["refused"] > parsers.BATCH // 3 or name == "store log"


def test_the_log_of_a_store_says_something(every_subject: Any, tmp_path: Path) -> None:
    subject, counts = every_subject["store log"], []
    for length in (0, len(subject.samples[0]) // 2, len(subject.samples[0])):
        assert subject.judge(tmp_path / "file", subject.samples[0][:length]) == "read"
        with Store(tmp_path) as found:
            parts = [found.run(key, subjects.SETTINGS, 4).load("result") for key in "ab"]
        counts.append(sum(map(len, parts)))
    assert 0 == counts[0] < counts[1] < counts[2] == len(subjects.STORED)


def bad(do: Callable[[bytes], Any]) -> Subject:
    return Subject([b"sound"], lambda path: str(do(path.read_bytes())), DataError)


def hang(content: bytes) -> None:
    while content != b"sound":
        pass


def eat(content: bytes) -> int:
    return 0 if content == b"sound" else len(bytearray(parsers.MEMORY * 2))


def die(content: bytes) -> None:
    if content != b"sound":
        os.kill(os.getpid(), signal.SIGKILL)


def other_error(content: bytes) -> None:
    if content != b"sound":
        raise KeyError


def subclass(content: bytes) -> None:
    class OwnError(DataError):
        pass

    if content != b"sound":
        raise OwnError


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(
    ("do", "told"),
    [
        (hang, "too slow"),
        (eat, "MemoryError"),
        (die, "exit status -9"),
        (other_error, "KeyError"),
        (subclass, "OwnError"),
        (lambda content: content, "something else was read"),
    ],
    ids=["hang", "eat", "die", "error", "subclass", "other"],
)
def test_parsers_find(
    do: Callable[[bytes], Any], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsers, "BATCH", 3)
    part = Parsers(lambda: {"own": bad(do)}, ["own"])
    found = part.run(Case("own", ("own", 0, 0)), tmp_path)
    assert not found.ok
    assert told in found.detail
    assert found.counts["failed"] > 0


def test_what_an_idx_file_means() -> None:
    assert all(subjects.idx_means(sample) for sample in subjects.IDX)
    sound = subjects.IDX[0]
    for wrong in (b"", sound[:-1], sound + b"\0", b"\1" + sound[1:], sound[:2] + b"\7" + sound[3:]):
        assert subjects.idx_means(wrong) is None


def test_a_subject_without_checksum_is_read_as_it_says(tmp_path: Path) -> None:
    zero = Subject(subjects.IDX, lambda path: digest(np.zeros(3)), DataError, subjects.idx_means)
    with pytest.raises(WrongError):
        zero.judge(tmp_path / "file", subjects.IDX[0])
    real = dataclasses.replace(zero, read=subjects._read_idx, pack=gzip.compress)
    assert real.judge(tmp_path / "file", subjects.IDX[0]) == "read"


def test_damage_is_drawn_again_the_same() -> None:
    one, other = bytes(range(200)), b'{"n": 12, "x": -1.5}' * 9
    found = [damaged(one, other, generator(1, place)) for place in range(200)]
    assert found == [damaged(one, other, generator(1, place)) for place in range(200)]
    assert {name for kinds, _ in found for name in kinds.split("+")} == {
        kind.__name__  # type: ignore[attr-defined]  # they are functions
        for kind in DAMAGES
    }
    assert sum(content != one for _, content in found) > 180
    for kind in DAMAGES:
        for empty in (b"", b"a"):
            assert isinstance(kind(empty, empty, generator(0)), bytes)
    assert mended_length(bytes(8) + b'{"a":1}data')[:8] == (7).to_bytes(8, "little")
