"""The arguments of `fit` and what each may be: one record behind every signature."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Final, TypedDict, TypeVar

import numpy as np

from trainlab import deprecated
from trainlab.data.batches import KINDS
from trainlab.engine import ENGINE, Engine
from trainlab.errors import SettingError, describe, sentence, unexpected
from trainlab.limits import MAX_INDEX
from trainlab.settings import (
    MOST,
    Rule,
    Settings,
    choice,
    either,
    flag,
    integer,
    is_integer,
    one_of,
    ruled,
    whole_number,
)
from trainlab.training.callbacks import (
    METHODS,
    CallbackLike,
    are_callbacks,
    check_arguments_of,
    is_deaf,
)
from trainlab.training.changes import Change
from trainlab.training.checkpoints import StoreLike
from trainlab.training.metrics import Metric
from trainlab.training.plan import KEEP, EarlyStopping
from trainlab.training.progress import Progress
from trainlab.workers import BACKENDS, REMOTE

F = TypeVar("F", bound=Callable[..., Any])

DTYPES: Final = ("float32", "float64")
STARTS: Final = ("parameters", "state")
_EVALUATE: Final = "be 'epoch', a number of steps, a list of them, or None"


def _field(default: Any, valid: Callable[[Any], bool], must: str, remedy: str | None = None) -> Any:
    return ruled(Rule(valid, must, lambda value: value, remedy), default)


def _list_of(kind: type) -> Any:
    """A field for a list of instances of a class, by default none."""

    def valid(value: Any) -> bool:
        return isinstance(value, Sequence) and all(isinstance(one, kind) for one in value)

    return _field((), valid, f"be a list of {kind.__name__}", "[...]")


def _are_steps(value: Any) -> bool:
    if value is None or (isinstance(value, str) and value == "epoch"):
        return True
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    is_list = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    return is_list or (is_integer(value) and 1 <= value <= MOST)


@dataclass(frozen=True, kw_only=True)
class RunSettings(Settings):
    """The arguments of `fit` that trainings share when they run together; see FitSettings."""

    owner: ClassVar[str] = "fit"

    workers: int | None = integer(None, low=1, optional=True, remedy="1")
    backend: str | None = ruled(either(one_of(BACKENDS), None), None)
    scheduler: str | None = None
    progress: bool | Progress = _field(
        False,
        lambda v: isinstance(v, (bool, Progress)),
        "be True, False or a Progress",
        "True",
    )
    store: StoreLike | None = None  # judged where it is opened

    def __post_init__(self) -> None:
        object.__setattr__(self, "backend", deprecated.new_backend(self.backend))
        super().__post_init__()
        scheduler, backend = self.scheduler, self.backend
        if scheduler is not None and (backend != "dask" or not isinstance(scheduler, str)):
            must = "be None, or an address with backend='dask'"
            got = f"{describe(scheduler)} with backend={backend!r}"
            remedy = "backend='dask', scheduler='tcp://127.0.0.1:8786'"
            raise SettingError(sentence("scheduler", self.owner, must, got, remedy))
        if backend == "dask" and importlib.util.find_spec("distributed") is None:
            must, remedy = "be installed", "pip install 'trainlab[dask]'"
            raise SettingError(sentence("backend", self.owner, must, backend, remedy))


@dataclass(frozen=True, kw_only=True)
class FitSettings(RunSettings):
    """The arguments of `fit` beside the data.

    Parameters
    ----------
    batch_size : int, default 100
        Samples per step.
    epochs, steps : int, optional
        How long to train; give one of them.  10 epochs by default.
    batches : {"permutation", "book"}
        The order of samples, see `trainlab.data.Batches`.
    evaluate : int, list of int or None, default "epoch"
        When to evaluate: "epoch" after each epoch, a number every so many steps, a list after these
        numbers of steps, None never.
    on : list of str, optional
        What to evaluate: the splits "train", "validation" and "test", and "batch" for each
        step's batch after its update.  By default the splits that there are.
    early_stopping : EarlyStopping, optional
        When to stop a member; its metric must be among those evaluated.
    metrics : list of Metric, default ()
        Numbers of your own that are evaluated on each split, beside its loss and accuracy.
    callbacks : list of Callback, default ()
        Objects whose methods are called at the start, after epochs and evaluations, and at the
        end.  A function is called as callback(member, updates, metrics) after each evaluation
        of each member, one at a time; a true answer stops that member.
    changes : list of Change, default ()
        Settings that members take while they train, each after a number of steps.
    dtype : {"float32", "float64"}
        The dtype of all arrays.
    keep : {"parameters", "history", "state"}
        What to keep of each member.  "parameters": its series, its status, and its parameters, for
        predictions; "history": no parameters; "state": the arrays of its optimizer, too.
    start : {None, "parameters", "state"}
        What to begin with.  None: the draws of the seed; "parameters": the parameters of the last
        fit; "state": also its optimizer's arrays (kept by keep="state") and its number of updates,
        so that two fits of 5 epochs equal one of 10, unless a schedule depends on the length of
        the training.
    engine : {"auto", "native", "numpy"} or Engine
        What computes the steps.  "auto" is the engine that a stored run began with, otherwise the
        native one if it is compiled and can train all members, otherwise NumPy.  A named engine
        that cannot train a member is refused.
    run : str, default "fit"
        The name of this training in the store.
    fresh : bool, default False
        Start over, and discard what the store has of this run.
    workers : int, optional
        How many chunks train at a time.  By default as many as there are cores.
    backend : {None, "threads", "loky", "dask"}
        What trains: threads of this process, joblib's processes, or a Dask cluster.  None takes
        threads, but only one if more would merely wait for each other, as with small networks in
        NumPy.  "loky" and "dask" do not allow callbacks.
    scheduler : str, optional
        The address of a Dask scheduler; by default that of the current `distributed.Client`.
    progress : bool or Progress, default False
        True draws a bar on the terminal.
    store : folder or Store, optional
        Keeps what is done: the same call again computes only what is missing, and ends with the
        same bits.  Callbacks are called only for what is computed now.  Parts of your own whose
        methods have changed since are refused; functions that these call are not checked.
    """

    batch_size: int = integer(100, low=1, remedy="100")
    epochs: int | None = ruled(either(whole_number(1, "1", high=MAX_INDEX), None), None)
    steps: int | None = ruled(either(whole_number(1, "1", high=MAX_INDEX), None), None)
    batches: str = choice(KINDS, "permutation")
    evaluate: str | int | Sequence[int] | None = _field("epoch", _are_steps, _EVALUATE, "'epoch'")
    on: Sequence[str] | None = _field(
        None,
        lambda v: v is None or (isinstance(v, Sequence) and not isinstance(v, str)),
        "be a list of splits",
        "('test',)",
    )
    early_stopping: EarlyStopping | None = _field(
        None,
        lambda v: v is None or isinstance(v, EarlyStopping),
        "be an EarlyStopping or None",
        "EarlyStopping()",
    )
    metrics: Sequence[Metric] = _list_of(Metric)
    callbacks: Sequence[CallbackLike] = _field(
        (),
        are_callbacks,
        "be a list of Callback, made by their classes, or of functions",
        "[...]",
    )
    changes: Sequence[Change] = _list_of(Change)
    dtype: str = choice(DTYPES, "float32")
    keep: str = choice(KEEP, "parameters")
    start: str | None = ruled(either(one_of(STARTS), None), None)
    engine: str | Engine = ruled(ENGINE, "auto")
    run: str = _field("fit", lambda v: isinstance(v, str) and bool(v), "be the name of a run")
    fresh: bool = flag(False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps is not None and self.epochs is not None:
            got = f"epochs={self.epochs} and steps={self.steps}"
            raise SettingError(sentence("length", self.owner, "be epochs or steps, not both", got))
        for one in filter(is_deaf, self.callbacks):
            must, got = f"have one of the methods {', '.join(METHODS)}", type(one).__name__
            raise SettingError(sentence("callbacks", self.owner, must, got))
        for one in self.callbacks:
            check_arguments_of(one, self.owner)
        if self.backend in REMOTE and len(self.callbacks):
            must = f"be none with backend={self.backend!r}, whose workers cannot ask this process"
            got = f"{len(self.callbacks)} of them"
            raise SettingError(sentence("callbacks", self.owner, must, got, "backend='threads'"))

    @classmethod
    def given(cls, arguments: FitArguments) -> FitSettings:
        """The settings of a call; TypeError, naming the nearest, for an argument there is not."""
        known = FitArguments.__annotations__
        for name in arguments:
            if name not in known:
                raise unexpected("fit()", name, known)
        return cls(**arguments)


class FitArguments(TypedDict, total=False):
    """The fields of FitSettings as keyword arguments, for editors and type checkers."""

    workers: int | None
    backend: str | None
    scheduler: str | None
    progress: bool | Progress
    store: StoreLike | None
    batch_size: int
    epochs: int | None
    steps: int | None
    batches: str
    evaluate: str | int | Sequence[int] | None
    on: Sequence[str] | None
    early_stopping: EarlyStopping | None
    metrics: Sequence[Metric]
    callbacks: Sequence[CallbackLike]
    changes: Sequence[Change]
    dtype: str
    keep: str
    start: str | None
    engine: str | Engine
    run: str
    fresh: bool


def takes_fit_settings(method: F) -> F:
    """Shows the fields of FitSettings in the signature and the docstring of a method."""
    own, shared = inspect.signature(method), {one.name for one in fields(RunSettings)}
    named = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=() if one.default is MISSING else one.default,
            annotation=one.type,
        )
        for one in sorted(fields(FitSettings), key=lambda one: one.name in shared)
    ]
    hidden = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    kept = [p for p in own.parameters.values() if p.kind not in hidden]
    method.__signature__ = own.replace(parameters=[*kept, *named])  # type: ignore[attr-defined]
    parameters = inspect.cleandoc(FitSettings.__doc__ or "").partition("----------\n")[2]
    method.__doc__ = inspect.cleandoc(method.__doc__ or "").replace("**settings", parameters)
    return method
