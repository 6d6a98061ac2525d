"""Training that is cut off anywhere and started again ends with the same bits."""

from __future__ import annotations

import _thread
import contextlib
import itertools
import os
import signal
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from counter import Counter
from engines import every_engine, needs_fork
from fingerprint import fingerprint
from trainlab.engine import grouping
from trainlab.engine.native import LANE_BYTES
from trainlab.errors import SettingError, StoreError
from trainlab.store import FILE, Run, Store, listed
from trainlab.training import pace

resource = pytest.importorskip("resource")  # limits of POSIX, which stand in for a full disk
EPOCHS, MEMBERS, CHUNKS = 6, 8, 3
KILLS = 110


@pytest.fixture
def data() -> tl.Dataset:
    """Three classes that overlap, in columns of which a third is zero in every row."""
    rng = np.random.default_rng(8)
    t = rng.permutation(np.arange(64) % 3)
    x = (rng.normal(size=(64, 24)) + 0.5 * t[:, None]).astype(np.float32)
    x[:, 3:11] = 0
    return tl.from_arrays(x, t).split(validation=11)


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints at every epoch, and chunks of three members."""
    monkeypatch.setattr(pace, "FIRST", 0.0)
    monkeypatch.setattr(pace, "SHARE", np.inf)
    monkeypatch.setattr(grouping, "chunk_size", lambda *_: 3)
    monkeypatch.setattr(grouping, "working_set", lambda *_: LANE_BYTES // 3)
    monkeypatch.setattr(grouping, "usable_cores", lambda: 1)


def population() -> tl.Population:
    """Members that end in every way."""
    return tl.Population.grid(
        network=tl.MLP(hidden=(6,), norm="batch", dropout=0.3),
        optimizer=[
            tl.Adam(0.05, schedule="cosine"),
            tl.NAdam(0.02, schedule=tl.WarmUp(5, tl.Cosine())),
            tl.Momentum(0.05, schedule=tl.Step(every=4), clip_norm=0.5),
            tl.SGD(1e38),
        ],
        seed=range(2),
    )


def train(data: tl.Dataset, store: Any = None, **changed: Any) -> tuple[list[str], tl.History]:
    """The fingerprints of all members, and the history."""
    own = population()
    settings: dict[str, Any] = {
        "batch_size": 10,
        "epochs": EPOCHS,
        "on": ("train", "validation", "batch"),
        "early_stopping": tl.EarlyStopping(patience=2),
        "keep": "state",
        "workers": 1,
        "backend": "threads",
    }
    history = own.fit(data, store=store, **{**settings, **changed})
    return [fingerprint(own, history, row) for row in range(len(own))], history


def content(folder: Path) -> tuple[list[Any], list[Any]]:
    """All that the file says, but when."""
    connection = sqlite3.connect(folder / FILE)
    try:
        runs = connection.execute("SELECT key, settings, total, digest FROM runs ORDER BY key")
        parts = connection.execute(
            "SELECT key, kind, place, content, parts.digest FROM parts JOIN runs ON run = id"
            " ORDER BY key, kind, place"
        )
        return runs.fetchall(), parts.fetchall()
    finally:
        connection.close()


class PowerCutError(Exception):
    """From here on nothing reaches the disk."""


def cut_after(saves: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets so many transactions pass, and none after them."""
    right, count = Run.save, itertools.count()

    def save(self: Run, *given: Any) -> None:
        if next(count) >= saves:
            raise PowerCutError
        right(self, *given)

    monkeypatch.setattr(Run, "save", save)


class TestSameBits:
    def test_the_run_ends_in_every_way_and_a_store_changes_nothing(
        self, data, tmp_path: Path
    ) -> None:
        usual, history = train(data)
        kinds = [status.kind for status in history.status]
        assert set(kinds) == {"finished", "diverged", "stopped early"}
        assert len(data.train) % 10  # a ragged last batch
        assert train(data, tmp_path)[0] == usual
        assert train(data, tmp_path)[0] == usual

    @pytest.mark.parametrize("workers", [1, 2])
    def test_cut_after_every_transaction(
        self, workers: int, data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Among them the end of each epoch of each chunk, and the end of each chunk."""
        usual = train(data)[0]
        train(data, tmp_path / "whole")
        whole = content(tmp_path / "whole")
        assert {row[1] for row in whole[1]} == {"result"}
        begun = 0
        for saves in itertools.count():
            folder = tmp_path / str(saves)
            try:
                with monkeypatch.context() as patch:
                    cut_after(saves, patch)
                    train(data, folder)
                break
            except PowerCutError:
                begun += bool(content(folder)[1])
            found, _ = train(data, folder, workers=workers)
            assert found == usual, f"cut after {saves} transactions"
            assert content(folder) == whole
        assert begun > 3 * EPOCHS // 2

    def test_cut_again_and_again(
        self, data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usual, cuts = train(data)[0], 0
        while True:
            try:
                with monkeypatch.context() as patch:
                    cut_after(1, patch)
                    found, _ = train(data, tmp_path, workers=1 + cuts % 3)
                break
            except PowerCutError:
                cuts += 1
        assert found == usual
        assert cuts > EPOCHS

    @pytest.mark.parametrize("keep", ["history", "parameters"])
    def test_whatever_is_kept(
        self, keep: str, data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def histories(store: Path | None) -> list[bytes]:
            _, history = fit(store)
            return [history[name].tobytes() for name in history.series]

        def fit(store: Path | None) -> tuple[tl.Population, tl.History]:
            own = population()
            given = {"batch_size": 10, "epochs": 4, "workers": 1, "backend": "threads"}
            return own, own.fit(data, store=store, keep=keep, **given)

        with monkeypatch.context() as patch:
            cut_after(5, patch)
            with pytest.raises(PowerCutError):
                fit(tmp_path)
        assert histories(tmp_path) == histories(None)
        (own, _), (alone, _) = fit(tmp_path), fit(None)
        if keep == "history":
            with pytest.raises(tl.NotTrainedError):
                own.predict(data.train.x)
        else:
            assert np.array_equal(own.predict(data.train.x), alone.predict(data.train.x))

    def test_a_second_training_that_goes_on_from_the_first(
        self, data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its members have had unequal numbers of updates before, and stand at unequal ones now."""

        def second(
            store: Path | None, lr: float = 0.1, unequal: tuple[int, int] = (12, 18)
        ) -> list[str]:
            own = tl.Population.grid(
                tl.MLP(hidden=(6,), norm="batch", dropout=0.3),
                [tl.Adam(lr, schedule=tl.Step(every=20)), tl.Momentum(lr)],
                seed=range(3),
            )
            given = {"batch_size": 10, "keep": "state", "workers": 1, "backend": "threads"}
            rule = tl.EarlyStopping(patience=1)
            first = own.fit(data, epochs=4, early_stopping=rule, **given)
            assert {status.step for status in first.status} >= {*unequal}  # 12 + 6 meets 18 + 0
            metric = tl.EarlyStopping("train_loss", patience=2)
            given |= {"start": "state", "epochs": 3, "early_stopping": metric}
            history = own.fit(data, store=store, **given)
            return [fingerprint(own, history, row) for row in range(len(own))]

        usual = second(None)
        for saves in itertools.count():
            folder = tmp_path / str(saves)
            try:
                with monkeypatch.context() as patch:
                    cut_after(saves, patch)
                    second(folder)
                break
            except PowerCutError:
                assert second(folder) == usual
        assert saves > 6
        with pytest.raises(SettingError, match=r"start\[0\] was"):
            second(folder, 0.2, (6, 12))

    def test_ctrl_c_keeps_the_step_that_was_reached(self, data, tmp_path: Path) -> None:
        calls = []

        def press(member: int, updates: int, metrics: Mapping[str, float]) -> None:
            calls.append(updates)
            if len(calls) == 20:
                _thread.interrupt_main()
                time.sleep(0.3)  # until it is seen

        usual = train(data)[0]
        with pytest.warns(UserWarning, match="interrupted"):
            _, history = train(data, tmp_path, callbacks=[press], epochs=EPOCHS)
        assert history.interrupted
        found, history = train(data, tmp_path, callbacks=[press], workers=2)
        assert not history.interrupted
        assert found == usual
        assert sorted(calls) != calls  # several chunks
        assert len(calls) < MEMBERS * (EPOCHS + 1) + MEMBERS  # what was done was not repeated

    def test_threads(self, data, tmp_path: Path) -> None:
        usual = train(data)[0]
        train(data, tmp_path / "whole")
        given, kinds = {"workers": 2, "backend": "threads"}, set[str]()
        for asked in range(3, 60, 8):
            calls = itertools.count()

            def fail(
                member: int, updates: int, metrics: Any, calls: Any = calls, asked: int = asked
            ) -> None:
                if next(calls) == asked:
                    raise ZeroDivisionError

            folder = tmp_path / str(asked)
            with contextlib.suppress(ZeroDivisionError):
                train(data, folder, **given, callbacks=[fail])
            kinds.update(kind for _, kind, *_ in content(folder)[1])
            # It has asked so often that it fails no more.
            assert train(data, folder, **given, callbacks=[fail])[0] == usual
        assert kinds == {"checkpoint", "result"}
        assert train(data, tmp_path / "whole", **given)[0] == usual

    def test_what_is_damaged_is_computed_again(self, data, tmp_path: Path) -> None:
        usual = train(data, tmp_path)[0]
        whole = content(tmp_path)
        connection = sqlite3.connect(tmp_path / FILE)
        connection.execute("UPDATE parts SET content = zeroblob(9) WHERE place IN (0, 5)")
        connection.execute("UPDATE parts SET place = 70 WHERE place = 1")
        connection.commit()
        connection.close()
        counter = Counter()
        assert train(data, tmp_path, progress=counter)[0] == usual
        assert (counter.members, counter.steps) == counter.totals
        places = [(kind, place) for _, kind, place, *_ in content(tmp_path)[1]]
        assert ("result", 70) in places  # harmless: its checksum says that it is of another
        assert [row for row in content(tmp_path)[1] if row[2] != 70] == whole[1]

    def test_progress_counts_what_was_done_before(
        self, data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            cut_after(9, patch)
            with pytest.raises(PowerCutError):
                train(data, tmp_path)
        counter = Counter()
        train(data, tmp_path, progress=counter)
        assert (counter.members, counter.steps) == counter.totals


class TestSettings:
    CHANGES = (
        ({"batch_size": 9}, "batch_size was 10, is 9"),
        ({"epochs": 7}, "steps was 36, is 42"),
        ({"early_stopping": tl.EarlyStopping(patience=3)}, "early_stopping.patience was 2, is 3"),
        ({"keep": "parameters"}, "keep was 'state', is 'parameters'"),
        ({"dtype": "float64"}, "dtype was 'float32', is 'float64'"),
        ({"batches": "book"}, "batches was 'permutation', is 'book'"),
        ({"callbacks": [print]}, "callbacks was (), is ('print',)"),
    )

    @pytest.mark.parametrize(("changed", "told"), CHANGES)
    def test_a_change_is_named_and_nothing_is_lost(
        self, changed: dict[str, Any], told: str, data, tmp_path: Path
    ) -> None:
        usual = train(data, tmp_path)[0]
        with pytest.raises(SettingError) as caught:
            train(data, tmp_path, **changed)
        assert told in str(caught.value)
        assert "try fresh=True, which starts over" in str(caught.value)
        assert train(data, tmp_path)[0] == usual

    def test_members_and_data_are_settings(
        self, data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = {"steps": 2, "workers": 1, "store": tmp_path}
        tl.Population.grid(lr=[0.1, 0.2]).fit(data, **given)
        for lr, told in (
            ([0.1, 0.3], "members[1].optimizer.lr was 0.2, is 0.3"),
            ([0.1], "members were 2, are 1"),
        ):
            with pytest.raises(SettingError) as caught:
                tl.Population.grid(lr=lr).fit(data, **given)
            assert told in str(caught.value)
        with pytest.raises(SettingError, match="data was"):
            tl.Population.grid(lr=[0.1, 0.2]).fit(data.first(train=40), **given)
        monkeypatch.setattr(np, "__version__", "1.0")
        with pytest.raises(SettingError, match=r"numpy was '.*', is '1.0'"):
            tl.Population.grid(lr=[0.1, 0.2]).fit(data, **given)

    def test_other_workers_and_backends_are_no_change(self, data, tmp_path: Path) -> None:
        before = train(data, tmp_path)[0]
        assert train(data, tmp_path, workers=3, backend=None, progress=True)[0] == before
        assert len(listed(tmp_path)) == 1

    def test_fresh_starts_over(self, data, tmp_path: Path) -> None:
        train(data, tmp_path)
        usual = train(data, batch_size=9)[0]
        assert train(data, tmp_path, batch_size=9, fresh=True)[0] == usual
        assert train(data, tmp_path, batch_size=9)[0] == usual

    def test_runs_of_several_names_in_one_store(self, data, tmp_path: Path) -> None:
        with Store(tmp_path) as store:
            first = train(data, store, run="first")[0]
            second = train(data, store, run="second", batch_size=9)[0]
        assert train(data, tmp_path, run="first")[0] == first
        assert train(data, tmp_path, run="second", batch_size=9)[0] == second
        found = [(about.key, about.done, about.total) for about in listed(tmp_path)]
        assert found == [("first", MEMBERS, MEMBERS), ("second", MEMBERS, MEMBERS)]

    def test_two_trainings_on_one_folder(self, data, tmp_path: Path) -> None:
        with Store(tmp_path), pytest.raises(StoreError, match="one process at a time"):
            train(data, tmp_path)


class TestCost:
    def test_checkpoints_take_a_small_share_of_the_time(
        self, data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        right, seen, now = Run.save, list[tuple[float, float]](), 0.0

        def clock() -> float:  # one that no neighbour holds up
            nonlocal now
            now += 0.01
            return now

        def slow(self: Run, parts: Any, *given: Any) -> None:
            nonlocal now
            start = now
            now += 0.02
            right(self, parts, *given)
            if parts and next(iter(parts))[0] == "checkpoint":
                seen.append((start, now))

        monkeypatch.setattr(Run, "save", slow)
        monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=clock))
        monkeypatch.setattr(pace, "SHARE", 1 / 20)
        monkeypatch.setattr(pace, "FIRST", 0.05)
        own = tl.Population.grid(tl.MLP(hidden=(5,)), seed=range(2))
        given = {"workers": 1, "store": tmp_path, "engine": "numpy"}
        own.fit(data, epochs=300, evaluate=None, **given)
        assert len(seen) > 1
        assert seen[0][0] >= 0.05
        for (begin, end), (following, _) in itertools.pairwise(seen):
            assert following - end >= 20 * (end - begin)

    def test_a_short_training_is_one_transaction_for_each_chunk(
        self, data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pace, "FIRST", 60.0)
        monkeypatch.setattr(pace, "SHARE", 1e-9)
        saved, right = list[list[tuple[str, int]]](), Run.save

        def save(self: Run, parts: Any, *given: Any) -> None:
            saved.append(sorted(parts))
            right(self, parts, *given)

        monkeypatch.setattr(Run, "save", save)
        train(data, tmp_path)
        assert len(saved) == CHUNKS
        assert {kind for parts in saved for kind, _ in parts} == {"result"}
        assert sorted(row for parts in saved for _, row in parts) == list(range(MEMBERS))


@needs_fork
@every_engine
def test_kill_9_at_any_moment(engine: str, data, tmp_path: Path, forked: Any) -> None:
    """One training after the other is killed until it ends; the moments are drawn."""
    rng, kills, ends, partial = np.random.default_rng(11), 0, 0, 0
    usual = train(data, engine=engine)[0]
    train(data, tmp_path / "whole", engine=engine)
    whole = content(tmp_path / "whole")
    truth = set(whole[1])
    while kills < KILLS // 2:
        folder, longest = tmp_path / f"{ends}", 0.08
        while True:
            child = forked(lambda folder=folder: train(data, folder, workers=2, engine=engine))
            time.sleep(rng.uniform(0, longest))
            longest *= 1.1  # on a busy machine it would not get anywhere before it is killed
            os.kill(child, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            assert code in (0, -signal.SIGKILL)
            if code == 0:
                break
            kills += 1
            if (folder / FILE).is_file():
                results = [row for row in content_of_a_copy(folder) if row[1] == "result"]
                assert truth.issuperset(results)
                partial += 0 < len(results) < MEMBERS
        assert train(data, folder, engine=engine)[0] == usual
        assert content(folder) == whole
        ends += 1
    assert partial > 5


def content_of_a_copy(folder: Path) -> list[Any]:
    """The parts that a killed process left, read beside it: reading tidies up."""
    copy = folder.with_name("copy")
    copy.mkdir(exist_ok=True)
    for name in (FILE, f"{FILE}-wal"):
        (copy / name).unlink(missing_ok=True)
        if (folder / name).is_file():
            (copy / name).write_bytes((folder / name).read_bytes())
    if not execute_count(copy):
        return []
    return content(copy)[1]


def execute_count(folder: Path) -> int:
    connection = sqlite3.connect(folder / FILE)
    try:
        return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    finally:
        connection.close()


@needs_fork
@pytest.mark.parametrize("room", [0, 20_000, 60_000, 100_000, 150_000])
def test_a_full_disk_is_an_error_and_what_was_saved_is_used(
    room: int, data, tmp_path: Path, forked: Any
) -> None:
    usual = train(data)[0]
    train(data, tmp_path / "whole")

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        with pytest.raises(StoreError, match="with room on the disk"):
            train(data, tmp_path / "full", workers=2)

    child = forked(fill)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert train(data, tmp_path / "full")[0] == usual
    assert content(tmp_path / "full") == content(tmp_path / "whole")
