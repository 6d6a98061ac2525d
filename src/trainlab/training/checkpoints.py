"""What a training leaves in a store, and what it finds there when it is started again.

A member is kept by its place in the population, never by its chunk: chunks depend on the
number of workers, and the bits of a member do not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import Any, Final

import numpy as np

from trainlab.data.arrays import Dataset, content_of
from trainlab.engine.state import Best, Checkpoint, MemberState, Result, Status
from trainlab.files import as_path
from trainlab.members import Member, completed, describe
from trainlab.network.workspace import Array
from trainlab.own import VERSION, check_attributes, check_plain, code_of
from trainlab.store import Run, Store, decode, encode
from trainlab.training.changes import Change
from trainlab.training.history import Series
from trainlab.training.pace import Pace
from trainlab.training.plan import Plan
from trainlab.versions import of_bits

RESULT: Final = "result"
CHANGES: Final = "changes"
CHECKPOINT: Final = "checkpoint"

StoreLike = str | PathLike[str] | Store


def run_in(
    store: Store | None,
    name: str,
    fresh: bool,
    data: Dataset,
    members: Sequence[Member],
    plan: Plan,
    states: Sequence[MemberState] | None,
    engine: str,
) -> Run | None:
    """The run of that name in a store, if there is one."""
    if store is None:
        return None
    settings = described(data, members, plan, states, engine)

    def complete(old: Mapping[str, Any]) -> dict[str, Any]:
        begun = {**_begun(old), "members": completed(old.get("members"), members)}
        # Earlier versions did not know the code, or less of it; that of another Python is other.
        code = settings.get("code", {})
        if old.get("code", {}).get(VERSION) != code.get(VERSION):
            begun.pop("code", None)
            begun |= {"code": code} if code else {}
        return begun

    try:
        return store.run(name, settings, len(members), fresh, complete)
    except TypeError:  # JSON has no word for what some field holds
        check_plain((*members, *plan.metrics))
        raise


def engine_of(store: Store | None, name: str) -> str | None:
    """The engine that the run of that name began with, None where any will do.

    A search or an experiment is several runs, as `_whole` knows.  What NumPy has begun of it is
    finished by NumPy, also where another engine is installed in the meantime.
    """
    if store is None:
        return None
    whole = _whole(name)
    began = {
        key: str(settings["engine"])
        for key, settings in store.began(whole, _begun).items()
        if _whole(key) == whole and "members" in settings  # is a training
    }
    first = next(iter(began.values()), None)
    return began.get(name, "numpy" if first == "numpy" else None)


def _whole(name: str) -> str:
    """What a run is a part of: a search, or an experiment with its options, so far as it is.

    >>> _whole("search: round 1, population 0"), _whole("dropout: digits, 10 seeds, 2")
    ('search', 'dropout: digits, 10 seeds')
    """
    first, _, rest = name.partition(": ")
    options, comma, stage = rest.rpartition(", ")
    return f"{first}: {options}" if comma and stage.isdecimal() else first


def _begun(old: Mapping[str, Any]) -> dict[str, Any]:
    """What a run began with: earlier versions had no other engine."""
    return {"engine": "numpy", **old}


@contextmanager
def opened(store: StoreLike | None) -> Iterator[Store | None]:
    """A store for the block: opened and closed where it is only named, else as it is."""
    if store is None or isinstance(store, Store):
        yield store
    else:
        with Store(as_path(store, "store", "fit", "be None, a folder or a Store")) as own:
            yield own


def described(
    data: Dataset,
    members: Sequence[Member],
    plan: Plan,
    states: Sequence[MemberState] | None,
    engine: str,
) -> dict[str, Any]:
    """All that the bits of a training depend on, as plain JSON values."""
    check_attributes(plan.metrics)
    bits = of_bits()
    code = code_of((*members, *plan.metrics))
    if engine == "native":  # whose bits depend on no BLAS
        del bits["blas"]
    return {
        "members": [member.describe() for member in members],
        "start": None if states is None else [_digest(state) for state in states],
        "data": content_of(data),
        "batch_size": plan.batches.batch_size,
        "batches": plan.batches.kind,
        "steps": plan.total,
        "evaluate": plan.evaluations.tolist(),
        "axis": plan.axis,
        "on": list(plan.on),
        "batch_steps": plan.batch_steps.tolist(),
        "early_stopping": describe(plan.early_stopping),
        "callbacks": [getattr(one, "__qualname__", type(one).__name__) for one in plan.callbacks],
        "dtype": str(plan.dtype),
        "keep": plan.keep,
        **bits,
        "engine": engine,
        # Stores of earlier versions know of none.
        **({"metrics": [describe(one) for one in plan.metrics]} if plan.metrics else {}),
        **({"code": code} if code else {}),
        **({"changes": [one.plain() for one in plan.changes]} if plan.changes else {}),
    }


class StoredRun:
    """The results and checkpoints of a population in a run of a store.

    series   those of the population, from which the rows of members are taken
    changes  that were made while members trained; known after `load`
    """

    def __init__(self, run: Run, series: Mapping[str, Series]) -> None:
        self._run = run
        self._series = series
        self._pending: dict[int, bytes] = {}
        self._guard = threading.RLock()
        self._pace = Pace()
        self.changes: list[Change] = []

    def load(self, members: int) -> tuple[dict[int, Result], dict[int, Checkpoint]]:
        """What there is of each member; its values stand in the series then.

        What cannot be read, or does not fit, is as if it were not there.  So is what came after
        changes that cannot be read.
        """
        content = self._run.load(CHANGES).get(0)
        self.changes = [] if content is None else [Change(**one) for one in decode(content)[0]]
        results: dict[int, Result] = {}
        checkpoints: dict[int, Checkpoint] = {}
        for row, content in self._run.load(RESULT).items():
            found = self._read(row, members, content)
            if found is not None:
                info, arrays = found
                state = MemberState.of(arrays, info["updates"]) if "params" in arrays else None
                results[row] = Result(Status(*info["status"]), state)
        for row, content in self._run.load(CHECKPOINT).items():
            found = None if row in results else self._read(row, members, content)
            if found is not None:
                checkpoints[row] = _checkpoint(*found)
        return results, checkpoints

    def keep_changes(self, made: Sequence[Change]) -> None:
        """Writes all that were made, before anybody trains on with the last one."""
        self.changes = [*made]
        self._write({(CHANGES, 0): encode([one.plain() for one in made], {})})

    def finish(self, results: Mapping[int, Result]) -> None:
        """Takes results of members; they are on disk after the next `commit`, or soon.

        One that was interrupted has no result.
        """
        with self._guard:
            for row, result in results.items():
                if result.status.kind == "interrupted":
                    continue
                status, state, arrays = result.status, result.state, self._rows(row)
                info: dict[str, Any] = {"status": [status.kind, status.step, status.best_step]}
                info |= self._after()
                if state is not None:
                    info["updates"] = state.updates
                    arrays |= state.arrays()
                self._pending[row] = encode(info, arrays)
            # Members that leave early, one by one, wait for each other a little.
            if self._pace.is_due():
                self.commit()

    def checkpoint(self, checkpoints: Mapping[int, Checkpoint]) -> None:
        """Writes what members would go on from, in place of what they would have before."""
        parts = {}
        for row, left in checkpoints.items():
            arrays, best = self._rows(row) | left.state.arrays(), left.best
            if best.value is not None and best.state is not None:
                # As an array, which can hold infinity.
                arrays |= {"best/value": np.array(best.value, np.float64)}
                arrays |= {"best/params": best.state.params, "best/buffers": best.state.buffers}
            info = {
                "updates": left.state.updates,
                "done": left.done,
                "evaluated": left.evaluated,
                "waited": best.waited,
                "best_step": best.step,
                **self._after(),
            }
            parts[CHECKPOINT, row] = encode(info, arrays)
        self._write(parts)

    def commit(self) -> None:
        """Writes the results that wait."""
        with self._guard:
            if self._pending:
                self._write({})

    def _write(self, parts: dict[tuple[str, int], bytes]) -> None:
        """Writes the parts and the results that wait in one transaction."""
        with self._guard, self._pace.write():
            ended = {(RESULT, row): content for row, content in self._pending.items()}
            self._run.save(parts | ended, [(CHECKPOINT, row) for row in self._pending])
            self._pending.clear()

    def _after(self) -> dict[str, int]:
        """How many changes had been made; earlier versions know of none."""
        return {"changes": len(self.changes)} if self.changes else {}

    def _rows(self, row: int) -> dict[str, Array]:
        return {f"series/{name}": series.values[row] for name, series in self._series.items()}

    def _read(self, row: int, members: int, content: bytes) -> tuple[Any, dict[str, Array]] | None:
        """A part of a member, its series put where they belong; None if it does not fit."""
        try:
            info, arrays = decode(content)
            rows = [(series, arrays[f"series/{name}"]) for name, series in self._series.items()]
        except (ValueError, KeyError):
            return None
        if info.get("changes", 0) > len(self.changes):
            return None
        if not 0 <= row < members or any(s.values.shape[1:] != r.shape for s, r in rows):
            return None
        for series, values in rows:
            series.values[row] = values
        return info, arrays


def _checkpoint(info: Any, arrays: Mapping[str, Array]) -> Checkpoint:
    """What `StoredRun.checkpoint` was given."""
    best = Best(waited=info["waited"], step=info["best_step"])
    if "best/value" in arrays:
        state = MemberState(arrays["best/params"], arrays["best/buffers"], {}, best.step or 0)
        best = dataclasses.replace(best, value=float(arrays["best/value"]), state=state)
    done, evaluated = info["done"], info["evaluated"]
    losses = arrays["series/train_loss"][evaluated:done]
    return Checkpoint(MemberState.of(arrays, info["updates"]), done, evaluated, best, losses)


def _digest(state: MemberState) -> str:
    content = encode({"updates": state.updates}, state.arrays())
    return hashlib.sha256(content).hexdigest()
