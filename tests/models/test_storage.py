"""Models on disk: the same settings and the same bits, all or nothing."""

from __future__ import annotations

import errno
import itertools
import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import trainlab as tl
from cases import NETWORKS, OPTIMIZERS, SCHEDULES, targets
from complaints import complains
from trainlab import files
from trainlab.errors import ModelFileError, NotTrainedError, SettingError
from trainlab.members import describe
from trainlab.models.container import pack, read
from trainlab.models.records import RECORDS, revive
from trainlab.settings import Settings

ROWS, IN, OUT = 24, 5, 3
RNG = np.random.default_rng(3)
X = RNG.standard_normal((ROWS, IN))
# The first two numbers in version-1.safetensors.
FIRST_WEIGHTS = [0.22010371088981628, 0.9898428916931152]


def dataset(task: str, dtype: str = "float32") -> tl.Dataset:
    t = targets(task, np.random.default_rng(4), (ROWS,), OUT)
    if task == "classification":
        t = np.arange(ROWS) % OUT
    return tl.from_arrays(X, t, task=task, dtype=dtype)


def trained(members: Any, dtype: str = "float32", **settings: Any) -> tl.Population:
    population = tl.Population(members)
    task = population[0].network.loss.task
    population.fit(dataset(task, dtype), batch_size=7, steps=5, dtype=dtype, workers=1, **settings)
    return population


def same_bits(one: Any, other: Any) -> bool:
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


def every_kind(task: str) -> list[tl.Member]:
    """Members of every network and every optimizer of the table that fit the task."""
    networks = [network for network in NETWORKS.values() if network.loss.task == task]
    optimizers = [
        type(optimizer)(schedule=schedule, clip_norm=2.5)
        for optimizer, schedule in zip(
            OPTIMIZERS.values(), itertools.cycle(SCHEDULES.values()), strict=False
        )
    ] + list(OPTIMIZERS.values())
    longest = max(len(networks), len(optimizers))
    pairs = zip(itertools.cycle(networks), itertools.cycle(optimizers), strict=False)
    return [
        tl.Member(network, optimizer, seed=index)
        for index, (network, optimizer) in enumerate(itertools.islice(pairs, longest))
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("task", ["classification", "multilabel", "regression"])
def test_every_kind_of_member_comes_back_to_the_bit(task: str, dtype: str, tmp_path: Path) -> None:
    population = trained(every_kind(task), dtype, keep="state")
    tl.save(population, tmp_path / "all")
    again = tl.load(tmp_path / "all")
    assert type(again) is tl.Population
    assert list(again) == list(population)
    assert same_bits(again.predict(X), population.predict(X))
    for index in range(len(population)):
        before, after = population.snapshot(index), again.snapshot(index)
        assert set(before) == set(after)
        assert all(same_bits(before[name], after[name]) for name in before)
    if task != "regression":
        assert same_bits(again.predict_proba(X), population.predict_proba(X))


@pytest.mark.parametrize("task", ["classification", "multilabel", "regression"])
def test_training_goes_on_as_if_never_saved(task: str, tmp_path: Path) -> None:
    members, path = every_kind(task), tmp_path / "half"
    population, settings = trained(members, keep="state"), {"batch_size": 7, "workers": 1}
    tl.save(population, path)
    again = tl.load(path)
    assert [one.updates for one in again.states] == [5] * len(members)
    for one in (population, again):
        one.fit(dataset(task), steps=6, start="state", keep="state", **settings)
    for index in range(len(members)):
        before, after = population.snapshot(index), again.snapshot(index)
        assert all(same_bits(before[name], after[name]) for name in before)
    assert [one.updates for one in again.states] == [11] * len(members)


def test_a_network_comes_back_as_a_network(tmp_path: Path) -> None:
    network = tl.Network(tl.MLP((4,), norm="batch"), tl.Adam(0.01), seed=7)
    network.fit(dataset("classification"), steps=3, workers=1)
    tl.save(network, str(tmp_path / "one"))
    again = tl.load(str(tmp_path / "one"))
    assert type(again) is tl.Network
    assert again.member == network.member
    assert type(tl.load(tmp_path / "one", tl.Network)) is tl.Network
    starts = f"model of {tmp_path / 'one'} must be a Population; got 'Network'"
    complains(lambda: tl.load(tmp_path / "one", tl.Population), ModelFileError, starts)
    assert same_bits(again.predict_proba(X), network.predict_proba(X))
    assert all(same_bits(v, again.parameters[n]) for n, v in network.parameters.items())
    again.parameters["b1"][:] = 0  # what is loaded may be written to, as what is trained


def test_another_process_predicts_the_same_bits(tmp_path: Path) -> None:
    population = trained(every_kind("classification")[:5])
    tl.save(population, tmp_path / "model")
    np.save(tmp_path / "x.npy", X)
    code = (
        "import sys, numpy, trainlab; from pathlib import Path; folder = Path(sys.argv[1]);"
        "model = trainlab.load(folder / 'model');"
        "numpy.save(folder / 'y.npy', model.predict_proba(numpy.load(folder / 'x.npy')))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert same_bits(np.load(tmp_path / "y.npy"), population.predict_proba(X))


REQUIRED = {"Dense": {"out_features": 3}}
"""What a constructor must be given."""


@pytest.mark.parametrize("name", RECORDS)
def test_settings_come_back_from_plain_json(name: str) -> None:
    first = RECORDS[name](**REQUIRED.get(name, {}))
    for record in (first, *changed(first)):
        plain = json.loads(json.dumps(describe(record), allow_nan=False))
        assert revive(plain, Settings, "a test") == record


def changed(record: Settings) -> list[Settings]:
    """Records of the table of cases that have this type."""
    rows = (*NETWORKS.values(), *OPTIMIZERS.values(), *SCHEDULES.values())
    return [row for row in rows if type(row) is type(record)]


def test_the_same_model_gives_the_same_file(tmp_path: Path) -> None:
    members = every_kind("classification")[:4]
    tl.save(trained(members), tmp_path / "a")
    tl.save(trained(members), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_file_is_safetensors_that_others_can_read(tmp_path: Path) -> None:
    population = trained([tl.Member(tl.MLP((4,), norm="batch"), tl.Adam(0.01))], keep="state")
    tl.save(population, tmp_path / "model")
    found = safetensors.numpy.load_file(tmp_path / "model")
    assert sorted(found) == ["0.buffers", "0.params", "0.state.m", "0.state.v"]
    assert same_bits(found["0.params"], population.snapshot(0)["params"])
    document = read(tmp_path / "model").document
    assert document["networks"][0]["hidden"] == [4]


def test_saving_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    one, other = (trained([tl.Member(tl.MLP((width,)))]) for width in (3, 4))
    tl.save(one, tmp_path / "model")
    tl.save(other, tmp_path / "model")
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]
    assert tl.load(tmp_path / "model")[0].network.hidden == (4,)


class TestNoRoom:
    """A disk that is full, a folder that cannot be written to: one sentence, the old file stays."""

    @pytest.fixture
    def old(self, tmp_path: Path) -> Path:
        path = tmp_path / "model"
        tl.save(trained([tl.Member(tl.MLP((3,)))]), path)
        return path

    def stays(self, path: Path, before: bytes) -> None:
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]
        assert tl.load(path)[0].network.hidden == (3,)

    @pytest.mark.parametrize("step", ["fsync", "replace"])
    def test_disk_full(self, old: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
        before, model = old.read_bytes(), trained([tl.Member(tl.MLP((9,)))])

        def full(*_: Any) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, step, full)
            with pytest.raises(ModelFileError, match="No space left on device"):
                tl.save(model, old)
        self.stays(old, before)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
    def test_file_too_large_for_the_system(self, old: Path) -> None:
        before, model = old.read_bytes(), trained([tl.Member(tl.MLP((90,)))])
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
        try:
            complains(lambda: tl.save(model, old), ModelFileError, f"file of {old} must")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        self.stays(old, before)

    def test_what_reads_otherwise_than_written(
        self, old: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, fsync = old.read_bytes(), os.fsync

        def rot(number: int) -> None:
            fsync(number)
            if stat.S_ISREG(os.fstat(number).st_mode):
                os.pwrite(number, b"?", 50)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", rot)
            with pytest.raises(ModelFileError, match="reads otherwise"):
                tl.save(trained([tl.Member(tl.MLP((9,)))]), old)
        self.stays(old, before)

    @pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux' /proc")
    def test_read_only_folder(self) -> None:
        model = trained([tl.Member(tl.MLP((9,)))])
        complains(lambda: tl.save(model, "/proc/self/model"), ModelFileError, "file of /proc/self")

    @pytest.mark.skipif(
        sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere"
    )
    def test_folder_without_permission(self, old: Path) -> None:
        before, model = old.read_bytes(), trained([tl.Member(tl.MLP((9,)))])
        old.parent.chmod(0o555)
        try:
            complains(lambda: tl.save(model, old), ModelFileError, "file of")
        finally:
            old.parent.chmod(0o755)
        self.stays(old, before)


def test_what_cannot_be_saved_is_said(tmp_path: Path) -> None:
    path = tmp_path / "model"
    complains(lambda: tl.save(tl.Network(), path), NotTrainedError)
    complains(lambda: tl.save(tl.MLP(), path), SettingError, "model of save")
    complains(lambda: tl.save(trained([tl.Member()]), ""), SettingError, "path of save")
    complains(lambda: tl.save(trained([tl.Member()]), 3), SettingError, "path of save")
    complains(lambda: tl.save(trained([tl.Member()]), "a\0b"), SettingError, "path of save")
    slash = "path of save must be the path of a file, without a slash at its end"
    complains(lambda: tl.save(trained([tl.Member()]), f"{path}/"), SettingError, slash)
    complains(lambda: tl.save(trained([tl.Member()]), tmp_path), ModelFileError, "file of")
    complains(lambda: tl.save(trained([tl.Member()]), path / "x"), ModelFileError, "file of")
    complains(lambda: tl.load(path), ModelFileError, f"file of {path} must be there")
    complains(lambda: tl.load(tmp_path), ModelFileError, f"kind of {tmp_path} must be a regular")
    complains(lambda: tl.load(None), SettingError, "path of load")
    complains(lambda: tl.load(path, max_bytes=0), SettingError, "max_bytes of load")
    complains(lambda: tl.load(path, "Network"), SettingError, "kind of load")
    assert not path.exists()


def test_a_file_of_the_first_version_loads() -> None:
    """Written once, by the first version of the format; it must load for ever."""
    found = tl.load(Path(__file__).parent / "version-1.safetensors")
    assert list(found) == first_members()
    assert [found.snapshot(index)["params"].size for index in range(2)] == [25, 18]
    assert found.snapshot(0)["params"][:2].tolist() == FIRST_WEIGHTS
    assert sorted(found.snapshot(1)) == ["buffers", "m", "params", "v"]
    assert [one.updates for one in found.states] == [5, 5]


def first_members() -> list[tl.Member]:
    return [
        tl.Member(tl.MLP((2,), norm="batch", dropout=0.25, activation=tl.ELU(1.5)), tl.SGD(0.1)),
        tl.Member(tl.MLP((), l1=1e-3), tl.AdamW(0.01, schedule=tl.WarmUp(then=tl.Cosine())), 9),
    ]


def test_a_file_with_the_two_old_fields_for_norms_loads() -> None:
    found = tl.load(Path(__file__).parent / "version-2.safetensors")
    book = tl.MLP((2,), norm="batch", convention="book")
    assert list(found) == [
        tl.Member(tl.MLP((3,), norm=tl.LayerNorm(1e-3)), tl.SGD(0.1)),
        tl.Member(book, tl.Lion(0.01), 4),
        tl.Member(tl.MLP((2,)), tl.NAdam(0.01), 5),
    ]
    assert found.snapshot(1)["params"][:2].tolist() == [0.7070379853248596, -0.10284354537725449]


def test_a_field_that_a_file_lacks_has_its_default(tmp_path: Path) -> None:
    """As in a file that was written before the field was added."""
    path = tmp_path / "model"
    population = trained([tl.Member(tl.MLP((4,), l1=1e-3), tl.Adam(0.01))])
    tl.save(population, path)
    content = read(path)
    del content.document["networks"][0]["output_init"]
    del content.document["optimizers"][0]["folded"]
    del content.document["optimizers"][0]["clip_norm"]
    path.write_bytes(pack(content))
    assert list(tl.load(path)) == list(population)


def test_an_error_of_the_system_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "no" / "figure.svg"
    with pytest.raises(OSError, match="No such file") as caught:
        files.write(path, b"")
    assert caught.value.filename == str(path)


def test_a_file_that_is_replaced_while_it_is_opened_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a path and its opening another save may have put a larger file there."""
    small, large = trained([tl.Member()]), trained([tl.Member(seed=i) for i in range(3)])
    path, other = tmp_path / "model", tmp_path / "other"
    tl.save(small, path)
    tl.save(large, other)
    usual = Path.open

    def replacing(self: Path, *given: Any, **named: Any) -> Any:
        if self == path and other.exists():
            other.replace(path)
        return usual(self, *given, **named)

    monkeypatch.setattr(Path, "open", replacing)
    assert same_bits(tl.load(path).predict_proba(X), large.predict_proba(X))
    assert not other.exists()
