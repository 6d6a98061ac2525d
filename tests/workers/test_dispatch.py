"""What is asked of a scheduler of Dask, without one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import distributed
import pytest

from trainlab.errors import WorkerError
from trainlab.versions import of_bits
from trainlab.workers import dask as clusters


class Client:
    """A client of a scheduler whose workers come and go: those of each look in turn."""

    scheduler = SimpleNamespace(address="tcp://here")
    status = "running"

    def __init__(self, *looks: list[str], versions: dict[str, str] | None = None) -> None:
        self._looks = list(looks)
        self._versions = versions or of_bits()
        self.checked: list[str] = []

    def nthreads(self) -> dict[str, int]:
        return dict.fromkeys(self._looks.pop(0), 1)

    def run(self, function: Any, workers: list[str]) -> dict[str, dict[str, str]]:
        self.checked += workers
        return dict.fromkeys(workers, self._versions)

    def cancel(self, futures: list[Any]) -> None:
        assert futures == []


SESSION: Any = SimpleNamespace(control=SimpleNamespace(is_stopped=False))


def test_a_worker_that_was_lost_at_the_end_is_told_of() -> None:
    client: Any = Client(["one", "other"], ["one"])
    with pytest.warns(RuntimeWarning, match="the worker other was lost"):
        clusters.in_dask([], SESSION, client)
    assert client.checked == []


def test_workers_that_come_later_are_checked() -> None:
    client: Any = Client(["one"], ["one", "new"])
    clusters.in_dask([], SESSION, client)
    assert client.checked == ["new"]
    other: Any = Client([], ["new"], versions={**of_bits(), "numpy": "0.9"})
    with pytest.raises(WorkerError, match=r"numpy .*0\.9 at new"):
        clusters.in_dask([], SESSION, other)


def test_a_scheduler_without_workers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Empty(Client):
        def wait_for_workers(self, count: int, timeout: float) -> None:
            assert count == 1
            raise TimeoutError

    monkeypatch.setattr(distributed.Client, "current", Empty)
    with (
        pytest.raises(WorkerError, match="workers of the scheduler must be at least one"),
        clusters.connected(None),
    ):
        pass


def test_workers_without_trainlab_are_an_error() -> None:
    class Bare(Client):
        def run(self, function: Any, workers: list[str]) -> Any:
            raise ModuleNotFoundError("No module named 'trainlab'")

    client: Any = Bare()
    with pytest.raises(WorkerError, match="must have trainlab"):
        clusters.check(client, None)
