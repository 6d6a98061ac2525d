"""From `fit` to the first product of two matrices there are few functions in few files."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from engines import every_engine
from trainlab.engine import native
from trainlab.network import dense

SOURCE = Path(tl.__file__).parent
FUNCTIONS, FILES = 10, 7

FITS: dict[str, Callable[[], Any]] = {
    "population": lambda: tl.Population.grid(seed=range(3)).fit,
    "network": lambda: tl.Network(seed=3).fit,
}


def own_frames() -> list[str]:
    """The functions of trainlab on the stack of this thread, each as "file: function"."""
    return [
        f"{Path(frame.filename).relative_to(SOURCE)}: {frame.name}"
        for frame in traceback.extract_stack()
        if SOURCE in Path(frame.filename).parents
    ]


class Watch:
    """Stands for NumPy in network/dense.py, and keeps the way to the first product.

    In the native engine it is the way to the first call of a compiled lane.

    A thread goes on from the function that started it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.way: list[str] = []
        self._before: dict[threading.Thread, list[str]] = {}
        start = threading.Thread.start

        def started(thread: threading.Thread) -> None:
            self._before[thread] = self._here()
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", started)
        monkeypatch.setattr(dense, "np", self)
        monkeypatch.setattr(native, "_native", Compiled(self), raising=False)

    def note(self) -> None:
        """The product is done here."""
        self.way = self.way or self._here()

    def _here(self) -> list[str]:
        return self._before.get(threading.current_thread(), []) + own_frames()

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def matmul(self, *args: Any, **options: Any) -> Any:
        self.note()
        return np.matmul(*args, **options)


class Compiled:
    """Stands for the compiled module."""

    def __init__(self, watch: Watch) -> None:
        self._module, self._watch = native._native, watch

    def __getattr__(self, name: str) -> Any:
        right = getattr(self._module, name)
        if name != "Lane32":
            return right
        watch = self._watch

        class Lane(right):  # type: ignore[misc]  # the class of a compiled module
            def train(self, *given: Any) -> Any:
                watch.note()
                return super().train(*given)

            def evaluate(self, *given: Any) -> Any:
                watch.note()
                return super().evaluate(*given)

        return Lane


@every_engine
@pytest.mark.parametrize("evaluate", ["epoch", None])
@pytest.mark.parametrize("which", FITS)
def test_the_way_is_short(
    which: str, evaluate: str | None, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an evaluation, which comes first, and of a step; on one worker."""
    fit, data = FITS[which](), tl.load_digits()
    watch = Watch(monkeypatch)
    fit(data, steps=1, workers=1, evaluate=evaluate, engine=engine)
    listed = "\n".join(watch.way)
    assert watch.way[0].endswith(": fit"), listed
    last = "train" if evaluate is None else "evaluate"
    ends = {"numpy": "network/dense.py: forward", "native": f"engine/native.py: {last}"}
    assert watch.way[-1] == ends[engine], listed
    assert len(watch.way) <= FUNCTIONS, listed
    assert len({one.partition(":")[0] for one in watch.way}) <= FILES, listed
