"""Takes the events of trainers for the caller of `fit`: history, results, store, progress."""

from __future__ import annotations

import math
import mmap
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainlab.engine.base import Widths
from trainlab.engine.state import Checkpoint, Result, Status
from trainlab.evidence.checks import Direction
from trainlab.members import Member
from trainlab.network.workspace import Array
from trainlab.training.callbacks import Hook, Moment, as_callback, says_yes
from trainlab.training.changes import Requests, changed
from trainlab.training.checkpoints import StoredRun
from trainlab.training.epochs import log_epoch
from trainlab.training.events import (
    Checkpointed,
    ChunkEnded,
    Ended,
    EpochEnded,
    Evaluated,
    Event,
    Measured,
    Recorder,
)
from trainlab.training.history import History, Series
from trainlab.training.plan import Plan
from trainlab.training.progress import Progress

_RUN, _PAUSE, _STOP = 0, 1, 2
NOTE_EVERY: Final = 0.2
"""Seconds between two notes of how well it goes."""
_LOOK_EVERY: Final = 0.02  # seconds between two looks of a trainer that is paused


class Control:
    """A byte that says run, pause or stop; other processes share it through a file."""

    def __init__(self) -> None:
        self._byte: bytearray | mmap.mmap = bytearray(1)

    @classmethod
    def at(cls, path: Path) -> Control:
        """The control that was shared there."""
        control = cls()
        with path.open("r+b") as file:
            control._byte = mmap.mmap(file.fileno(), 1)
        return control

    def share(self, path: Path) -> None:
        """Moves the byte into a new file."""
        path.write_bytes(bytes([_RUN]))
        before, self._byte = self._byte, Control.at(path)._byte
        if before[0] != _RUN:  # read after the change of place: nothing said meanwhile is lost
            self._byte[0] = before[0]

    def stop(self) -> None:
        """Everything is to end; this cannot be taken back."""
        self._byte[0] = _STOP

    def pause(self) -> None:
        """Trainers wait before their next step."""
        if self._byte[0] == _RUN:
            self._byte[0] = _PAUSE

    def resume(self) -> None:
        """They go on."""
        if self._byte[0] == _PAUSE:
            self._byte[0] = _RUN

    @property
    def is_stopped(self) -> bool:
        """Whether everything is to end."""
        return self._byte[0] == _STOP

    @property
    def is_paused(self) -> bool:
        """Whether trainers are to wait."""
        return self._byte[0] == _PAUSE

    def stopped(self, otherwise: Callable[[], bool]) -> bool:
        """Waits while paused; then whether everything is to end.

        otherwise  says that there is another reason to stop training, also in a pause: the process
                   that asked for it has died, or asks for something
        """
        while self._byte[0] == _PAUSE and not otherwise():
            time.sleep(_LOOK_EVERY)
        return self._byte[0] == _STOP or otherwise()


class Session:
    """What trainings that run together share: the control, and the progress."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.control = Control()
        self.lock = threading.Lock()
        """Of what users give, which is called by one thread at a time."""
        self._progress = progress
        self._note: Callable[[str], None] | None = getattr(progress, "note", None)
        self._skip: Callable[[int, int], None] | None = getattr(
            progress, "skip", getattr(progress, "advance", None)
        )
        self._noted, self._members = -math.inf, 0
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long ago it was made."""
        return time.perf_counter() - self._began

    def start(self, members: int, steps: int) -> None:
        """So many members begin, with so many member-steps in all."""
        if self._progress:
            self._members = members
            self._progress.start(members, steps)

    def advance(self, members: int, steps: int, losses: Array | None = None) -> None:
        """So many more members have ended, so many more member-steps are done.

        losses  (K, n), of these steps
        """
        if self._progress:
            with self.lock:
                if losses is not None:
                    self._tell_of(losses)
                self._progress.advance(members, steps)

    def skip(self, members: int, steps: int) -> None:
        """So many more members have ended, so many more member-steps need not be done now."""
        if self._skip:
            with self.lock:
                self._skip(members, steps)

    def _tell_of(self, losses: Array) -> None:
        """Notes the loss of the last step, or the median of those of the members, now and then."""
        now = time.perf_counter()
        if self._note and now - self._noted >= NOTE_EVERY:
            last = losses[:, -1][np.isfinite(losses[:, -1])]
            if last.size:
                self._noted = now
                words = "loss" if self._members == 1 else "median loss"
                self._note(f"{words} {float(np.median(last)):.3g}")


class HistoryRecorder:
    """Keeps the series and the results of a population.  It can be used from several threads.

    results  of each member, None while it trains
    updates  that each member has received so far in this training
    asked    what is asked of members, and what was changed
    """

    def __init__(
        self,
        members: Sequence[Member],
        plan: Plan,
        widths: Widths,
        session: Session,
        engine: str = "numpy",
    ) -> None:
        self.series = _empty_series(members, plan)
        self.results: list[Result | None] = [None] * len(members)
        self.updates = [0] * len(members)
        self.asked = Requests(plan.changes)
        self._members, self._plan, self._widths = tuple(members), plan, widths
        self._session, self._engine = session, engine
        self._callbacks = [as_callback(one) for one in plan.callbacks]
        self._stored: StoredRun | None = None

    def resume(self, stored: StoredRun) -> dict[int, Checkpoint]:
        """Takes what a store has, and returns where members that have not ended are to go on."""
        self._stored = stored
        found, checkpoints = stored.load(len(self.results))
        self.asked.resume(stored.changes)
        self.asked.keep = stored.keep_changes
        for row, result in found.items():
            self.results[row] = result
        for row, left in checkpoints.items():
            self.updates[row] = left.done
        steps = sum(each.done for each in checkpoints.values())
        self._session.skip(len(found), len(found) * self._plan.total + steps)
        return checkpoints

    @property
    def durable(self) -> bool:
        """Whether there is a store."""
        return self._stored is not None

    def start(self) -> None:
        """Tells the callbacks that training begins."""
        self._tell("start")

    def end(self) -> None:
        """Tells them that it has ended, whatever ended it."""
        self._tell("end", has_ended=True)

    def _tell(self, hook: Hook, has_ended: bool = False) -> None:
        for callback in self._callbacks:
            with self._session.lock:
                getattr(callback, hook)(self.history(has_ended=has_ended))

    def history(self, seconds: float | None = None, has_ended: bool = False) -> History:
        """What there is by now.

        seconds    that it took; None: since the session began
        has_ended  members without a result are then "interrupted", else "running"
        """
        status = [self.status(row) for row in range(len(self._members))]
        if has_ended:  # by an error
            status = [Status("interrupted", s.step) if s.kind == "running" else s for s in status]
        steps = self._plan.batches.steps_per_epoch
        took = self._session.seconds if seconds is None else seconds
        log = self.asked.log
        return History(self._members, self.series, status, took, steps, self._engine, log)

    def stopped(self, rows: Sequence[int] = ()) -> bool:
        """Whether Ctrl-C or an error has ended it all, or these members are asked for something.

        Waits while the training is paused.
        """
        return self._session.control.stopped(lambda: self.asked.concern(rows))

    def member(self, row: int) -> Member:
        """The settings of a member as they are now."""
        return changed(self._members[row], row, self.asked.log, self.updates[row])

    def send(self, event: Event) -> Collection[int]:
        """Takes an event; returns the rows of members that callbacks want to end."""
        match event:
            case Measured(rows, at, values, steps):
                self._measured(rows, at, values)
                if steps:
                    self._session.advance(0, steps, values.get("train_loss"))
            case Evaluated():
                return self._ended_by("evaluation", event)
            case EpochEnded(rows, updates):
                if self._plan.logs:
                    log_epoch(self._plan, self.series, rows, updates, len(self._members))
                return self._ended_by("epoch", event)
            case Ended(results, steps):
                for row, result in results.items():
                    self.results[row] = result
                if self._stored:
                    self._stored.finish(results)
                if any(result.status.kind != "interrupted" for result in results.values()):
                    self._session.skip(len(results), steps)
            case Checkpointed(checkpoints):
                if self._stored:
                    self._stored.checkpoint(checkpoints)
            case ChunkEnded():
                self.commit()
        return ()

    def commit(self) -> None:
        """Writes what the store does not have yet."""
        if self._stored:
            self._stored.commit()

    def status(self, row: int) -> Status:
        """How a member has ended, or how far it has come."""
        result = self.results[row]
        return Status("running", self.updates[row]) if result is None else result.status

    def _measured(self, rows: list[int], at: int | slice, values: Mapping[str, Array]) -> None:
        for name, each in values.items():  # what is not finite is written as NaN
            self.series[name].values[rows, at] = np.where(np.isfinite(each), each, np.nan)
        if isinstance(at, slice):
            for row in rows:
                self.updates[row] = at.stop

    def _ended_by(self, hook: Hook, event: Evaluated | EpochEnded) -> list[int]:
        """The rows for which a callback says yes; all callbacks are called, one at a time."""
        ending = []
        for k, row in enumerate(event.rows if self._callbacks else ()):
            found = event.metrics if isinstance(event, Evaluated) else {}
            own = {name: float(values[k]) for name, values in found.items()}
            state = event.states.get(row)
            moment = Moment(row, event.updates, own, self.history, self._widths, state)
            with self._session.lock:
                wishes = [says_yes(each, getattr(each, hook)(moment)) for each in self._callbacks]
            if any(wishes):
                ending.append(row)
        return ending


class EventList:
    """Keeps the events of one chunk, in another process than that of `fit`.

    stopped  says whether the chunk is to end
    asked    nothing: nobody asks here
    """

    durable = False

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped, self.asked = stopped, Requests(())
        self._events: list[Event] = []

    def __getstate__(self) -> list[Event]:
        """The events alone travel."""
        return self._events

    def __setstate__(self, events: list[Event]) -> None:
        self._events = events

    def send(self, event: Event) -> Collection[int]:
        """Keeps it; no callback is called here."""
        self._events.append(event)
        return ()

    def stopped(self, rows: Sequence[int] = ()) -> bool:
        """Whether the chunk is to end."""
        return self._stopped()

    def replay(self, recorder: Recorder) -> None:
        """Sends all of them to another recorder."""
        for event in self._events:
            recorder.send(event)

    @property
    def interrupted(self) -> bool:
        """Whether the chunk was cut short."""
        return any(
            result.status.kind == "interrupted"
            for event in self._events
            if isinstance(event, Ended)
            for result in event.results.values()
        )


def _empty_series(members: Sequence[Member], plan: Plan) -> dict[str, Series]:
    """Every series that training will fill, full of NaN."""
    scored = any(member.network.loss.task != "regression" for member in members)
    found: dict[str, Series] = {}

    def add(
        name: str, axis: str, at: Array, dtype: Any = np.float64, better: Direction | None = None
    ) -> None:
        values = np.full((len(members), len(at)), np.nan, dtype)
        found[name] = Series(name, axis, at, values, better)

    add("train_loss", "step", np.arange(plan.total), plan.dtype)
    for name, better in plan.evaluated(scored).items():
        add(name, plan.axis, plan.axis_values, better=better)
    if len(plan.batch_steps):
        for name in ("batch_loss", "batch_accuracy")[: 1 + scored]:
            add(name, "step", plan.batch_steps)
    return found
