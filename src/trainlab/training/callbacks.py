"""Callbacks: the user's own code, which is called while a population trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, get_args

from trainlab.engine.base import Widths
from trainlab.engine.state import MemberState
from trainlab.errors import SettingError, sentence
from trainlab.network.workspace import Array
from trainlab.settings import check_methods, check_runs, takes
from trainlab.training.history import History

Hook = Literal["start", "epoch", "evaluation", "end"]
METHODS: Final = get_args(Hook)
"""The methods of callbacks, each of which has some."""


@dataclass(frozen=True)
class Moment:
    """A member in the middle of its training, as callbacks see it.

    Attributes
    ----------
    member : int
        Its place in the population.
    updates : int
        How many it has received in this training.
    metrics : dict of float
        What the evaluation found, by the names of its series, and `train_loss`, the mean since
        the evaluation before; {} at the end of an epoch.
    history : History
        The history of the whole population so far.  Its series fill up while others train.
    parameters : dict of arrays
        The member's W1, b1, … They can be read, not changed.  Only if the callback has set
        `parameters = True`.
    state : MemberState
        All that the member has learnt, from which `Population.restore` makes a network.  Only if
        there are parameters.
    """

    member: int
    updates: int
    metrics: Mapping[str, float]
    _history: Callable[[], History] = field(repr=False)
    _widths: Widths = field(repr=False)
    _state: MemberState | None = field(default=None, repr=False)

    @property
    def history(self) -> History:
        """Of the whole population so far."""
        return self._history()

    @property
    def parameters(self) -> dict[str, Array]:
        """Of the member, by name; SettingError where no callback has asked for them."""
        network = self.history.members[self.member].network.build(*self._widths)
        return network.layout.views(self.state.params)

    @property
    def state(self) -> MemberState:
        """What the member has learnt; SettingError where no callback has asked for parameters."""
        if self._state is None:
            must, remedy = "be asked for by the class of a callback", "parameters = True in it"
            raise SettingError(sentence("parameters", "Moment", must, "none", remedy))
        self._state.params.flags.writeable = False
        return self._state


class Callback:
    """Base of callbacks, for `fit(callbacks=[...])`: a subclass has some of these methods.

    Methods are called by one thread at a time, in no order among members.  What they raise ends
    the training, and `fit` raises it.  The backends "loky" and "dask" cannot call them.

    A function `f(member, updates, metrics)` is as good as a callback with `evaluation` alone.

    Attributes
    ----------
    parameters : bool
        Whether moments are to have the parameters of their member, which are copied for that.

    Examples
    --------
    >>> import trainlab as tl
    >>> class Longest(tl.Callback):
    ...     found = 0
    ...
    ...     def evaluation(self, moment):
    ...         self.found = max(self.found, moment.updates)
    ...         return moment.metrics["test_accuracy"] > 0.5  # good enough: this member ends
    >>> longest = Longest()
    >>> network = tl.Network(tl.MLP((20,)), tl.Adam(0.01))
    >>> history = network.fit(tl.load_digits(), callbacks=[longest])
    >>> history.status[0].kind, history.status[0].step == longest.found
    ('stopped early', True)
    """

    parameters: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        check_methods(cls)

    def start(self, history: History) -> None:
        """Before the first step of any member, once.

        Parameters
        ----------
        history : History
            Empty series, or what a store has of an earlier run.
        """

    def epoch(self, moment: Moment) -> Any:
        """After each epoch of each member, and after its evaluation if there is one then.

        Parameters
        ----------
        moment : Moment
            The member, and what is known of it.

        Returns
        -------
        bool or None
            True ends this member; it is then "stopped early".
        """

    def evaluation(self, moment: Moment) -> Any:
        """After each evaluation of each member, the one before the first step included.

        Parameters
        ----------
        moment : Moment
            The member, and what is known of it.

        Returns
        -------
        bool or None
            True ends this member; it is then "stopped early".
        """

    def end(self, history: History) -> None:
        """After the last step of all members, once; after Ctrl-C and errors as well.

        Parameters
        ----------
        history : History
            Series and statuses of all members.
        """


CallbackLike = Callback | Callable[[int, int, Mapping[str, float]], Any]
"""A callback, or a function that is called as callback(member, updates, metrics)."""


class _Function(Callback):
    """A function as a callback."""

    def __init__(self, function: Callable[[int, int, Mapping[str, float]], Any]) -> None:
        self._function = function

    def evaluation(self, moment: Moment) -> Any:
        return self._function(moment.member, moment.updates, moment.metrics)


def are_callbacks(value: Any) -> bool:
    """Whether it is a list of callbacks.  A class, which can be called too, is none."""
    return isinstance(value, Sequence) and all(map(_is_callback, value))


def _is_callback(one: Any) -> bool:
    is_class = isinstance(one, type) and issubclass(one, Callback)
    return isinstance(one, Callback) or (callable(one) and not is_class)


def as_callback(one: CallbackLike) -> Callback:
    """A callback, of itself or of a function."""
    return one if isinstance(one, Callback) else _Function(one)


def says_yes(one: Callback, answer: Any) -> bool:
    """Whether an answer of a callback ends a member; SettingError if it is neither yes nor no."""
    try:
        return bool(answer)
    except (TypeError, ValueError) as error:  # as that of an array of several numbers
        own = one._function if isinstance(one, _Function) else type(one)
        name = getattr(own, "__name__", type(own).__name__)
        text = sentence("answer", f"callback {name}", "be True, False or None", answer)
        raise SettingError(text) from error


def is_deaf(one: CallbackLike) -> bool:
    """Whether it is a callback that has none of the methods: they may have other names in it."""
    return isinstance(one, Callback) and not any(
        name in vars(one) or getattr(type(one), name) is not getattr(Callback, name)
        for name in METHODS
    )


def check_arguments_of(one: CallbackLike, owner: str) -> None:
    """SettingError where a function cannot be called as a callback, or would not run."""
    if isinstance(one, Callback):
        for name in METHODS:  # those of the instance, too
            check_runs(getattr(one, name), name, type(one).__name__)
        return
    check_runs(one, "callbacks", owner)
    if not takes(one, 3):
        must = "be functions of three arguments, or Callbacks"
        remedy = "def callback(member, updates, metrics)"
        raise SettingError(sentence("callbacks", owner, must, one, remedy))


def hears_epochs(one: CallbackLike) -> bool:
    """Whether it has something to do after an epoch."""
    return isinstance(one, Callback) and type(one).epoch is not Callback.epoch
