"""What can be trained, and Running: a population that is being trained."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Never, Self, TypeVar, Unpack

from trainlab import notebook
from trainlab.data.arrays import Dataset
from trainlab.engine import engine_for
from trainlab.engine.base import Widths
from trainlab.engine.state import MemberState
from trainlab.errors import SettingError, sentence
from trainlab.members import Member
from trainlab.population.fit import Fits, Fitted
from trainlab.population.settings import FitArguments, FitSettings, takes_fit_settings
from trainlab.population.validation import check_rows
from trainlab.settings import check_arguments
from trainlab.training.changes import CHANGEABLE, Change, Request, check_fields
from trainlab.training.history import History
from trainlab.workers.jobs import PopulationTraining

T = TypeVar("T")
Adopt = Callable[[Fitted], History]
Restore = Callable[[Sequence[Member], Sequence[MemberState], Widths, str], T]


class Running(Generic[T]):
    """A training in the background, as `start` of a Population or a Network returns it.

    A notebook shows its curves, which grow while it trains.

    Parameters
    ----------
    fits : Fits
        What is trained, and how.
    adopt : callable
        Takes what was learnt, when all has ended.
    restore : callable
        Makes a population or a network of members, their states, widths and engine.

    Examples
    --------
    >>> import trainlab as tl
    >>> population = tl.Population.grid(seed=range(3))
    >>> running = population.start(tl.load_digits(), epochs=2)
    >>> history = running.wait()
    >>> {status.kind for status in history.status}
    {'finished'}
    """

    def __init__(self, fits: Fits, adopt: Adopt, restore: Restore[T]) -> None:
        self._fits = fits
        self._workers = fits.workers
        self._adopt, self._restore = adopt, restore

    def __repr__(self) -> str:
        return f"Running({self._state}; {self.history!r})"

    def __reduce_ex__(self, protocol: Any) -> Never:
        """TypeError: neither a copy nor a pickle has the threads."""
        must = "stay in the process that began it"
        remedy = "its history, a clone(), or the population after wait()"
        raise TypeError(sentence("training", "Running", must, "a copy or a pickle", remedy))

    def _repr_html_(self) -> str:
        """The losses so far as curves, and where every arm is."""
        from trainlab.training.display import running_html  # most trainings are not shown

        return running_html(self.history, self._state)

    def _ipython_display_(self) -> None:
        """In a notebook the same, drawn again while it trains; in a terminal text."""
        if notebook.is_running():
            notebook.follow(self._repr_html_, lambda: self.is_done)
        else:
            sys.stdout.write(f"{self!r}\n")

    @property
    def _state(self) -> str:
        if self._workers.is_done:
            return "failed" if self._workers.has_failed else "done"
        return "paused" if self._workers.control.is_paused else "running"

    @property
    def history(self) -> History:
        """What there is by now: series that fill up, and members that are "running"."""
        (history,) = self._fits.histories()
        return history

    @property
    def is_done(self) -> bool:
        """Whether every member has ended."""
        return self._workers.is_done

    @property
    def is_paused(self) -> bool:
        """Whether members wait before their next step."""
        return self._workers.control.is_paused

    def pause(self) -> None:
        """Have every member wait before its next step."""
        self._workers.control.pause()

    def resume(self) -> None:
        """Continue after a pause."""
        self._workers.control.resume()

    def stop(self) -> None:
        """End every member after the step it is in; they are then "interrupted"."""
        self._workers.control.stop()

    def change(
        self, members: int | Sequence[int] | None = None, **fields: float
    ) -> tuple[Change, ...]:
        """Give members other settings while they train, between two of their steps.

        Parameters
        ----------
        members : int or list of int, optional
            Their places in the population; by default all that still train.
        **fields
            Any of lr, dropout, weight_decay, l1 and decoupled_weight_decay.

        Returns
        -------
        tuple of Change
            When it happened: one for each number of steps that members had done.  Those that
            train side by side have done equally many.

        Raises
        ------
        SettingError
            For settings and members that cannot be, for members that have ended, and with
            the backends "loky" and "dask", whose workers cannot be asked.
        RuntimeError
            In a callback of the same training, which would wait for itself.

        Notes
        -----
        `history.changes` has all of them; `fit(changes=...)` makes them again, to the same bits.  A
        store keeps them.  The population keeps the settings that it was made with.

        Examples
        --------
        >>> import trainlab as tl
        >>> running = tl.Population.grid(seed=range(3)).start(tl.load_digits(), epochs=20)
        >>> running.pause()
        >>> (change,) = running.change(lr=0.001, members=[0, 1])
        >>> running.resume()
        >>> running.wait().changes == (change,)
        True
        """
        owner = "Running.change"
        given = check_fields(fields, owner)
        if not given:
            must = f"be at least one of {', '.join(CHANGEABLE)}"
            raise SettingError(sentence("fields", owner, must, "none", "lr=0.001"))
        request = self._ask(owner, members, given, given)
        return self._training.recorder.asked.made(request)

    def clone(self, members: int | Sequence[int] | None = None, **fields: float) -> T:
        """Copy what members have learnt so far, between two of their steps.

        Parameters
        ----------
        members : int or list of int, optional
            Their places in the population; by default all that still train.
        **fields
            Settings in which the copies differ; those that `change` takes.

        Returns
        -------
        Population or Network
            What is trained, with these members as they are now.  It predicts, is saved, and
            trains on from the same bits with `fit(data, start="state")`, beside the other.

        Raises
        ------
        SettingError, RuntimeError
            As `change` does.

        Examples
        --------
        >>> import trainlab as tl
        >>> data, population = tl.load_digits(), tl.Population.grid(seed=range(3))
        >>> running = population.start(data, epochs=20)
        >>> branch = running.clone(2, lr=0.1)
        >>> branch.fit(data, start="state", epochs=5).members[0].optimizer.lr
        0.1
        >>> history = running.wait()
        """
        owner = "Running.clone"
        given = check_fields(fields, owner)
        request = self._ask(owner, members, given, {})
        found = [copy for _, copy in sorted(request.copies.items())]
        if len(found) < len(request.rows):
            raise _ended(owner, sorted(request.rows - set(request.copies)))
        spec = self._training.spec
        clones = [member.replace(**given) for member, _ in found]
        return self._restore(clones, [state for _, state in found], spec.widths, spec.engine.name)

    @property
    def _training(self) -> PopulationTraining:
        (training,) = self._fits.trainings
        return training

    def _ask(
        self, owner: str, members: Any, given: Mapping[str, float], asked: Mapping[str, float]
    ) -> Request:
        """Asks members for something; SettingError for whom and what cannot be.

        given  settings that they, or copies of them, are to have
        asked  those that they are to take
        """
        recorder = self._training.recorder
        rows = check_rows(members, len(recorder.results), owner)
        if not self._workers.are_here:
            must, got = "train in this process", "workers elsewhere"
            raise SettingError(sentence("members", owner, must, got, "backend='threads'"))
        self._workers.wait_until_ready(owner)
        ended = [row for row in rows if self.is_done or recorder.results[row] is not None]
        if members is None:
            rows = [row for row in rows if row not in ended]
        if not rows or (members is not None and ended):
            raise _ended(owner, ended)
        now = [recorder.member(row).replace(**given) for row in rows]
        engine_for(self._training.spec.engine, now, owner)
        request = Request(rows, asked)
        self._workers.ask(self._training, request)
        if not request.answers:
            raise _ended(owner, rows)
        return request

    def wait(self) -> History:
        """Wait until every member has ended, and give the population what they have learnt.

        Until then the population cannot predict.  Ctrl-C while waiting stops the training, and
        so does the end of the program.

        Returns
        -------
        History
            As `Population.fit` returns it.

        Raises
        ------
        WorkerError
            Where workers die, or a cluster is not there or has other versions.
        RuntimeError
            In a callback of the same training, which would wait for itself.

        Warns
        -----
        UserWarning
            The first time, where the training was stopped.
        """
        (fitted,) = self._fits.wait()
        return self._adopt(fitted)


class Trainable(ABC):
    """A population, or the network that is a population of one."""

    if not TYPE_CHECKING:  # who reads the types of arguments from `__init__`

        def __new__(cls, *args: Any, **arguments: Any) -> Any:
            check_arguments(cls, len(args), arguments)
            return super().__new__(cls)

    @takes_fit_settings
    def fit(self, data: Dataset, *more: Never, **settings: Unpack[FitArguments]) -> History:
        """Train every member, and return what happened.

        Ctrl-C ends training early: the history then has members marked "interrupted".

        Parameters
        ----------
        data : Dataset
            Its training split is trained on, the others are evaluated.
        **settings

        Returns
        -------
        History
            Series and statuses of all members, in the order of the population.

        Raises
        ------
        SettingError, DataError
            Before anything is trained; also where members train already.
        WorkerError
            Where workers die, or a cluster is not there or has other versions.
        """
        if more:
            raise _unnamed("fit")
        running = self._start(data, FitSettings.given(settings))
        with running._workers.ended_by_errors():
            return running.wait()

    @takes_fit_settings
    def start(self, data: Dataset, *more: Never, **settings: Unpack[FitArguments]) -> Running[Self]:
        """Begin to train every member, and return at once; see `fit`.

        Parameters
        ----------
        data : Dataset
            Its training split is trained on, the others are evaluated.
        **settings

        Returns
        -------
        Running
            The training: its history so far, and methods to pause, change and stop it.
        """
        if more:
            raise _unnamed("start")
        return self._start(data, FitSettings.given(settings))

    def _start(self, data: Dataset, settings: FitSettings) -> Running[Self]:
        running = self._running(data, settings)
        with running._workers.ended_by_errors():
            running._workers.start()
        return running

    @abstractmethod
    def _running(self, data: Dataset, settings: FitSettings) -> Running[Self]:
        """A training that is still to be started; SettingError where one is under way."""


def _unnamed(method: str) -> TypeError:
    """The error for arguments without a name, as in scikit-learn's fit(X, y)."""
    text = f"{method}() takes a Dataset, and settings by their names"
    return TypeError(f"{text}; try {method}(trainlab.from_arrays(x, t))")


def _ended(owner: str, rows: Sequence[int]) -> SettingError:
    return SettingError(sentence("members", owner, "still train", list(rows)))
