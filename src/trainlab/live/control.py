"""Who trains a session: one thread, which takes commands between steps and shows how things are.

Nobody waits for anybody: pages read the last snapshot, which never changes, and a page that is
slow or gone slows no step.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from trainlab.blas import one_thread
from trainlab.errors import SettingError, StoreError, nearest, sentence
from trainlab.live.about import compared, describe
from trainlab.live.looks import frame_of, look
from trainlab.live.session import LiveSession
from trainlab.network.workspace import Array
from trainlab.settings import is_real
from trainlab.training.pace import Pace

SPAN: Final = 0.02
"""Seconds of training between two looks at what people want."""
FRAMES: Final = 12
"""Snapshots in a second, at most; pages draw each of them."""
FEWER: Final = 5
"""The same of a training at full speed: whoever draws takes time from it."""
SHARE: Final = 1 / 50
"""Of the time of training that closer looks may take, while somebody watches."""
LOOKS: Final = 1 / 8
"""Seconds between two closer looks, at least."""
WAITING: Final = 64
"""Commands that may wait."""
AGAIN: Final = 10.0
"""Seconds after which a session is kept that could not be, as on a full disk."""

Keep = Callable[[LiveSession, bool], None]
Command = Mapping[str, Any] | Callable[[LiveSession], Any]
Begin = Callable[[Mapping[str, Any]], LiveSession]


@dataclass(frozen=True)
class LiveCurves:
    """The curves at one moment: the arrays are filled on beyond these steps, and never changed."""

    every: int
    steps: tuple[int, ...]
    values: Mapping[str, Array]


@dataclass(frozen=True)
class Snapshot:
    """All that a page may show, at one moment.

    generation  another one has other curves, not longer ones
    told        rises whenever arms or the log change
    seen        rises with each closer look
    """

    version: int
    generation: int
    told: int
    seen: int
    status: Mapping[str, Any]
    about: Mapping[str, Any]
    curves: LiveCurves
    looks: Mapping[str, Any]


class LiveControl:
    """Trains a session in a thread of its own.

    Parameters
    ----------
    session : LiveSession
        What is trained; it belongs to the thread from then on.
    begin : callable
        Makes the session that a page has chosen; SettingError for what cannot be.
    keep : callable, optional
        Keeps a session where it outlives the process.
    speed : float, optional
        Steps a second; None as many as there can be.
    """

    def __init__(
        self,
        session: LiveSession,
        begin: Begin,
        keep: Keep | None = None,
        speed: float | None = None,
    ) -> None:
        self.session = session
        self.watchers = 0
        self._begin, self._keep, self._pace = begin, keep, Pace()
        self._commands: deque[tuple[Command, Future[Any]]] = deque()
        self._wake = threading.Condition()
        self._is_closing = False
        self._goal: float = 0.0  # the step at which to pause; infinity: never
        self._speed = speed
        self._rate = 0.0
        self._version = self._generation = self._told = self._seen = 0
        self._shown_at = self._looked_until = self._step_due = 0.0
        self._is_stale, self._unseen, self._unsaved = True, True, True
        self._unkept, self._again_at = "", 0.0  # why nothing could be kept, and when to try again
        self._looks: dict[str, Any] = {}
        self._said: tuple[int, dict[str, Any]] = -1, {}
        self.error: BaseException | None = None
        self._prepare()
        self.snapshot = self._snapshot()
        self._thread = threading.Thread(target=self._work, name="trainlab-live", daemon=True)

    def start(self) -> None:
        """Begins to listen to commands; nothing is trained before one says so."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread after the step it is in, and keeps what there is; `error` if it fails."""
        with self._wake:
            self._is_closing = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def do(self, command: Command) -> Future[Any]:
        """Has a command done, or the session looked at, between two steps.

        The future has the answer, or the error.
        """
        future: Future[Any] = Future()
        with self._wake:
            if self._is_closing or self.error is not None:
                future.set_exception(_ended())
                return future
            if len(self._commands) >= WAITING:
                must = "wait until earlier ones are done"
                future.set_exception(SettingError(sentence("a command", "the page", must, "many")))
                return future
            self._commands.append((command, future))
            self._wake.notify_all()
        return future

    # --- the thread ------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            with one_thread():
                while self._turn():
                    pass
        except BaseException as error:
            self.error = error
            logging.getLogger("trainlab").exception("the live page trains no more")
            self._show(force=True)
        else:
            try:
                self._save()
            except Exception as error:  # noqa: BLE001  # whoever has closed it is told
                self.error = error
        with self._wake:  # nobody adds one after a look at whether this thread goes on
            self._is_closing = True
        for _, future in self._commands:
            if future.set_running_or_notify_cancel():
                future.set_exception(_ended())

    def _turn(self) -> bool:
        """One round: commands, some steps, and what there is to show; False at the end."""
        while self._commands:
            self._command(*self._commands.popleft())
        if self._is_closing:
            return False
        if self.session.step < self._goal and self._is_due():
            self._train()
        self._show()
        if self.watchers and self._unseen and time.monotonic() >= self._looked_until:
            self._look()
        if self._unsaved and (self._is_idle() or self._pace.is_due()):
            with suppress(StoreError):  # pages are told, and what is learnt is not lost by it
                if time.monotonic() >= self._again_at:
                    self._save()
        self._rest()
        return True

    def _is_idle(self) -> bool:
        return self.session.step >= self._goal

    def _is_due(self) -> bool:
        return self._speed is None or time.monotonic() >= self._step_due

    def _train(self) -> None:
        steps = self._goal - self.session.step
        if self._speed is not None:
            steps = min(steps, max(1, round(self._speed * SPAN)))
        steps = int(min(steps, max(1, self._rate * SPAN), 1 << 16))
        start, ended = time.monotonic(), len(self.session.ended)
        done = self.session.advance(steps)
        took = max(time.monotonic() - start, 1e-6)
        if not done:
            self._goal = self.session.step  # nobody trains any more
        else:
            # A moving mean, as spans with an evaluation take longer.
            self._rate += 0.2 * (done / took - self._rate)
        if self._speed is not None:
            self._step_due = max(start, self._step_due) + done / self._speed
        self._told += len(self.session.ended) > ended  # pages count those that diverge
        self._is_stale = self._unseen = self._unsaved = True

    def _rest(self) -> None:
        """Waits for a command, or until something is due."""
        now = time.monotonic()
        if not self._is_idle() and self._is_due():
            return
        wait = 1.0
        if not self._is_idle():
            wait = min(wait, self._step_due - now)
        if self._is_stale:
            wait = min(wait, self._shown_at + self._between() - now)
        if self._unseen:
            wait = min(wait, max(self._looked_until - now, 0.05))
        with self._wake:
            if not self._commands and not self._is_closing:
                self._wake.wait(max(wait, 0.001))

    # --- what is shown ---------------------------------------------------------------------

    def _show(self, force: bool = False) -> None:
        now = time.monotonic()
        if force or (self._is_stale and now >= self._shown_at + self._between()):
            self._shown_at, self._is_stale = now, False
            self._version += 1
            self.snapshot = self._snapshot()

    def _look(self) -> None:
        start = time.monotonic()
        self._looks |= look(self.session, self._frame)
        self._looks = {arm: self._looks[arm] for arm in self.session.arms if arm in self._looks}
        took = time.monotonic() - start
        self._looked_until = start + max(LOOKS, took / max(SHARE, self._free() / 2))
        self._seen += 1
        self._unseen = False
        self._is_stale = True

    def _between(self) -> float:
        """Seconds between two snapshots."""
        return 1 / (FRAMES if self._free() > SHARE else FEWER)

    def _free(self) -> float:
        """The share of the time that the training does not need at its speed."""
        if self._is_idle():
            return 1.0
        return 0.0 if self._speed is None else 1 - self._speed / max(self._rate, self._speed)

    def _prepare(self) -> None:
        """What follows from the session that there is now."""
        self._frame = frame_of(self.session)
        self._looks = {}
        self._told, self._generation = self._told + 1, self._generation + 1
        self._is_stale = self._unseen = self._unsaved = True

    def _snapshot(self) -> Snapshot:
        session, curves = self.session, self.session.curves
        status = {
            "step": session.step,
            "epoch": round(session.step / session.batches.steps_per_epoch, 2),
            "running": not self._is_idle(),
            "speed": self._speed,
            "rate": round(min(self._rate, self._speed or self._rate), 1),
            "every": curves.every,
            "error": (self._unkept or None)
            if self.error is None
            else "The training has ended with an error; the terminal says more.",
        }
        return Snapshot(
            self._version,
            self._generation,
            self._told,
            self._seen,
            status,
            self._about(),
            LiveCurves(
                curves.every, tuple(curves.steps), {a: curves.whole(a) for a in session.arms}
            ),
            dict(self._looks),
        )

    def _about(self) -> dict[str, Any]:
        """Arms, seeds, data and log; the same record until `told` rises."""
        told, about = self._said
        if told != self._told:
            about = {**describe(self.session, self._frame), "choice": self.session.choice}
            self._said = self._told, about
        return about

    # --- commands --------------------------------------------------------------------------

    def _command(self, command: Command, future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return  # whoever asked has gone
        try:
            answer = command(self.session) if callable(command) else self._done(command)
        except Exception as error:  # noqa: BLE001  # whoever waits gets it, and training goes on
            future.set_exception(error)
        else:
            future.set_result(answer)
        self._is_stale = True
        self._show(force=True)

    def _done(self, command: Mapping[str, Any]) -> Any:
        name = command.get("do")
        fields = COMMANDS.get(name) if isinstance(name, str) else None
        if fields is None:
            near = nearest(name, COMMANDS)
            must = f"be one of {', '.join(COMMANDS)}"
            raise SettingError(sentence("do", "a command", must, name, near))
        given = {key: value for key, value in command.items() if key != "do"}
        if set(given) != set(fields):
            must = f"have the fields {', '.join(fields) or 'none'}"
            raise SettingError(sentence(str(name), "a command", must, sorted(given)))
        return getattr(self, f"_do_{name}")(**given)

    def _do_run(self) -> None:
        self._goal, self._step_due = float("inf"), 0.0

    def _do_pause(self) -> None:
        self._goal = self.session.step

    def _planned(self) -> int:
        """The step at which it was to pause, where that is not reached; else this one."""
        is_going = self.session.step < self._goal < float("inf")
        return int(self._goal) if is_going else self.session.step

    def _do_step(self) -> None:
        self._goal, self._step_due = self._planned() + 1, 0.0

    def _do_epoch(self) -> None:
        size = self.session.batches.steps_per_epoch
        self._goal = (self._planned() // size + 1) * size
        self._step_due = 0.0

    def _do_speed(self, value: Any) -> None:
        if value is not None and not (is_real(value) and 0.1 <= value <= 1e6):
            must = "be steps a second in [0.1, 1000000], or null"
            raise SettingError(sentence("speed", "a command", must, value))
        self._speed, self._step_due = None if value is None else float(value), 0.0

    def _do_change(self, arm: Any, fields: Any) -> None:
        self.session.change(arm, fields)
        self._changed()

    def _do_stop(self, arm: Any) -> None:
        self.session.stop(arm)
        self._changed()

    def _do_clone(self, arm: Any, fields: Any) -> str:
        if not isinstance(arm, str) or not isinstance(fields, Mapping):
            must = "be the name of an arm, and fields that differ"
            raise SettingError(sentence("a clone", "a command", must, arm))
        name = self.session.clone(arm, fields)
        self._generation += 1
        self._changed()
        return name

    def _do_mark(self) -> None:
        self.session.mark()
        self._changed()

    def _do_undo(self, to: Any) -> None:
        is_running = not self._is_idle()
        try:
            self.session.undo(to)
        finally:  # it may have gone back, and failed on the way to the place
            self._goal = float("inf") if is_running else self.session.step
            self._generation, self._told = self._generation + 1, self._told + 1
            self._looks = {arm: one for arm, one in self._looks.items() if arm in self.session.arms}
        self._changed()

    def _do_begin(self, choice: Any) -> None:
        if not isinstance(choice, Mapping):
            raise SettingError(sentence("choice", "a command", "be settings", choice))
        self.session = self._begin(choice)
        self._goal, self._rate = 0.0, 0.0
        self._prepare()
        self._save(fresh=True)

    def _do_test(self) -> dict[str, Any]:
        """Tests are counted here: all pages look at the same session."""
        found = [
            {"text": str(one), "shown": one.shown, "first": one.first, "second": one.second}
            for one in compared(self.session)
        ]
        self.session.tests += bool(found)
        self._unsaved = True
        return {"step": self.session.step, "number": self.session.tests, "compared": found}

    def _changed(self) -> None:
        self._told += 1
        self._unseen = True
        self._show(force=True)  # before it is saved, which may take a while
        self._save()

    def _save(self, fresh: bool = False) -> None:
        if self._keep is not None:
            try:
                with self._pace.write():
                    self._keep(self.session, fresh)
            except StoreError as error:
                if not self._unkept:
                    logging.getLogger("trainlab").warning("the live session is not kept: %s", error)
                self._unkept, self._again_at = f"Nothing is kept: {error}", time.monotonic() + AGAIN
                self._is_stale = True
                raise
            self._is_stale |= bool(self._unkept)
            self._unkept = ""
        self._unsaved = False


def _ended() -> SettingError:
    must = "come while the session goes on"
    return SettingError(sentence("a command", "the page", must, "its end"))


COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "run": (),
    "pause": (),
    "step": (),
    "epoch": (),
    "speed": ("value",),
    "change": ("arm", "fields"),
    "stop": ("arm",),
    "clone": ("arm", "fields"),
    "mark": (),
    "undo": ("to",),
    "begin": ("choice",),
    "test": (),
}
"""Commands of pages, and the fields of each."""
