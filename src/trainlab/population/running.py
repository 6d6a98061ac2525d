"""What can be trained, and Running: a population that is being trained."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Unpack

from trainlab import notebook
from trainlab.data.arrays import Dataset
from trainlab.population.fit import Fit, Fits, Fitted
from trainlab.population.settings import FitArguments, FitSettings, takes_fit_settings
from trainlab.training.history import History

Adopt = Callable[[Fitted], History]


class Running:
    """A training that goes on in the background; `Population.start` makes it.

    A notebook shows its curves, which grow while it trains.

    Parameters
    ----------
    fits : Fits
        What is trained, and how.
    adopt : callable
        Takes what was learnt, when all has ended.

    Examples
    --------
    >>> import trainlab as tl
    >>> population = tl.Population.grid(seed=range(3))
    >>> running = population.start(tl.load_digits(), epochs=2)
    >>> history = running.wait()
    >>> {status.kind for status in history.status}
    {'finished'}
    """

    def __init__(self, fits: Fits, adopt: Adopt) -> None:
        self._fits = fits
        self._workers = fits.workers
        self._adopt = adopt

    def __repr__(self) -> str:
        return f"Running({self._state}; {self.history!r})"

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
        """Go on after a pause."""
        self._workers.control.resume()

    def stop(self) -> None:
        """End every member after the step it is in; they are then "interrupted"."""
        self._workers.control.stop()

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
        """
        (fitted,) = self._fits.wait()
        return self._adopt(fitted)


class Trainable(ABC):
    """A population, or the network that is a population of one."""

    @takes_fit_settings
    def fit(self, data: Dataset, **settings: Unpack[FitArguments]) -> History:
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
            Before anything is trained.
        WorkerError
            Where workers die, or a cluster is not there or has other versions.
        """
        running = self.start(data, **settings)
        with running._workers.ended_by_errors():
            return running.wait()

    @takes_fit_settings
    def start(self, data: Dataset, **settings: Unpack[FitArguments]) -> Running:
        """Begin to train every member, and return at once; see `fit`.

        Parameters
        ----------
        data : Dataset
            Its training split is trained on, the others are evaluated.
        **settings

        Returns
        -------
        Running
            What goes on: its history so far, and the means to pause and to stop it.
        """
        chosen = FitSettings.given(settings)
        fit, adopt = self._prepared(data, chosen)
        running = Running(Fits([fit], chosen), adopt)
        with running._workers.ended_by_errors():
            running._workers.start()
        return running

    @abstractmethod
    def _prepared(self, data: Dataset, settings: FitSettings) -> tuple[Fit, Adopt]:
        """What is to be trained, and who takes what it has learnt."""
