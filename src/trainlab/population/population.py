"""Population: many networks, trained in one call."""

from __future__ import annotations

import dataclasses
import itertools
import math
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, Self, overload

import numpy as np
from numpy.typing import ArrayLike

from trainlab import notebook
from trainlab.blas import one_thread, usable_cores
from trainlab.data.arrays import Dataset
from trainlab.deprecated import renamed
from trainlab.engine import ENGINE, Engine, engine_for
from trainlab.engine.base import LaneSpec, Widths
from trainlab.engine.numpy import EVALUATION_ROWS
from trainlab.engine.state import MemberState, draw_states
from trainlab.errors import NotTrainedError, SettingError, sentence
from trainlab.limits import MEMBERS
from trainlab.members import Member, label, varied
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.losses import Loss
from trainlab.network.workspace import Array
from trainlab.optimizers import Optimizer
from trainlab.population.axes import GRID, axes, check_distinct, combine, draw
from trainlab.population.fit import Fit, Fits, Fitted
from trainlab.population.running import Running, Trainable
from trainlab.population.settings import FitSettings
from trainlab.population.validation import (
    as_labels,
    check_classes,
    check_inputs,
    check_scored,
    check_states,
    check_targets,
    r_squared,
    tell_of_labels,
    tell_of_other_classes,
)
from trainlab.population.weights import with_parameters
from trainlab.settings import is_integer, several, whole_number
from trainlab.streams import stream
from trainlab.terminal import counted
from trainlab.training.history import History
from trainlab.workers.running import Workers


class Population(Trainable, Sequence[Member]):
    """Networks that are trained together.  Before `fit` it holds settings; after it, parameters.

    Members may differ in anything: network, optimizer, settings, seed.  The result of each is, bit
    for bit, as if it had been trained alone.

    Parameters
    ----------
    members : iterable of Member
        The members; `grid`, `zip` and `sample` make them from lists of settings.

    Raises
    ------
    SettingError
        For no member, too many, or anything that is not a Member.
    """

    def __init__(self, members: Iterable[Member]) -> None:
        found = several(members, MEMBERS)
        if found is None:
            raise SettingError(sentence("members", "Population", "be a list of Member", members))
        self._members: tuple[Member, ...] = tuple(found)
        _check_count(len(self._members), "Population")
        if not self._members:
            raise SettingError(sentence("members", "Population", "be at least one Member", ()))
        for index, member in enumerate(self._members):
            if not isinstance(member, Member):
                raise SettingError(
                    sentence(f"member {index}", "Population", "be a Member", member, "Member(...)")
                )
        self._states: list[MemberState] | None = None
        self._widths = Widths(0, 0)
        self._engine: str | None = None
        self._classes: Array | None = None
        self._workers: weakref.ref[Workers] | None = None

    @classmethod
    def restore(
        cls,
        members: Iterable[Member],
        states: Iterable[MemberState],
        widths: tuple[int, int],
        engine: str | None = None,
        classes: Array | None = None,
    ) -> Self:
        """Make a trained population from what its `states`, `widths` and so on were.

        Parameters
        ----------
        members : iterable of Member
            The members.
        states : iterable of MemberState
            What each has learnt.
        widths : (int, int)
            Features that go in and come out.
        engine : str, optional
            The name of the engine that trained it.
        classes : ndarray, shape (C,), optional
            What the class numbers stand for; None in other tasks, or where it is not known.

        Returns
        -------
        Population
            It predicts as the one before did.

        Raises
        ------
        SettingError
            For states and classes that are not those of such members.

        Examples
        --------
        >>> from trainlab.data import load_digits
        >>> first, data = Population.grid(seed=range(2)), load_digits()
        >>> history = first.fit(data, epochs=1)
        >>> again = Population.restore(first, first.states, first.widths)
        >>> bool((again.predict(data.test.x) == first.predict(data.test.x)).all())
        True
        """
        population = cls(members)
        population._states, population._widths = check_states(states, population._members, widths)
        population._engine = engine
        population._classes = check_classes(classes, population._members, population._widths)
        return population

    @classmethod
    def grid(
        cls,
        network: MLP | Sequence[MLP] | None = None,
        optimizer: Optimizer | Sequence[Optimizer] | None = None,
        seed: int | Sequence[int] = 0,
        **fields: Any,
    ) -> Population:
        """Make a member for every combination of settings.

        A list, range or array is an axis; anything else is one value.

        Parameters
        ----------
        network : MLP or list of MLP, optional
            By default MLP().
        optimizer : Optimizer or list of Optimizer, optional
            By default SGD(0.01).
        seed : int or list of int, default 0
            Seeds vary fastest, then the last keyword.
        **fields
            Fields of the networks or the optimizers: lr=[0.1, 0.01], dropout=[0, 0.5].  They
            replace those of each network and optimizer: with lr=0.01, all rates are 0.01.

        Returns
        -------
        Population
            All combinations.

        Raises
        ------
        SettingError
            For settings that cannot be, for a value that stands twice on an axis, and where fields
            replace all that two networks or optimizers differ in.

        Examples
        --------
        >>> from trainlab import SGD
        >>> len(Population.grid(optimizer=[SGD(), SGD(0.1)], seed=range(30), dropout=[0, 0.5]))
        120
        """
        names, values = axes(network, optimizer, seed, fields)
        _check_count(math.prod(map(len, values)), GRID)
        check_distinct(names, values)
        return cls(combine(names, itertools.product(*values)))

    @classmethod
    def zip(
        cls,
        network: MLP | Sequence[MLP] | None = None,
        optimizer: Optimizer | Sequence[Optimizer] | None = None,
        seed: int | Sequence[int] = 0,
        **fields: Any,
    ) -> Population:
        """Make members side by side: the i-th takes the i-th value of each list.

        Parameters
        ----------
        network : MLP or list of MLP, optional
            By default MLP().
        optimizer : Optimizer or list of Optimizer, optional
            By default SGD(0.01).
        seed : int or list of int, default 0
            The seeds.
        **fields
            Fields of the networks or the optimizers.  Single values repeat.

        Returns
        -------
        Population
            As many members as the longest list has values.

        Raises
        ------
        SettingError
            For settings that cannot be, and for a list whose length is neither 1 nor the greatest.

        Examples
        --------
        >>> [member.optimizer.lr for member in Population.zip(lr=[0.1, 0.2], seed=[5, 6])]
        [0.1, 0.2]
        """
        names, values = axes(network, optimizer, seed, fields)
        lengths = {name: len(value) for name, value in zip(names, values, strict=True)}
        longest = max(lengths.values())
        _check_count(longest, "Population.zip")
        for name, length in lengths.items():
            if length not in (1, longest):
                must = f"have 1 or {longest} values"
                raise SettingError(sentence(name, "Population.zip", must, length))
        repeated = [value * longest if len(value) == 1 else value for value in values]
        return cls(combine(names, zip(*repeated, strict=True)))

    @classmethod
    def sample(
        cls,
        n: int,
        network: MLP | None = None,
        optimizer: Optimizer | None = None,
        seed: int | Sequence[int] = 0,
        sampling_seed: int = 0,
        **fields: Any,
    ) -> Population:
        """Draw random settings, each with every seed.

        Parameters
        ----------
        n : int
            How many settings.
        network : MLP, optional
            What the fields are sampled of; by default MLP().
        optimizer : Optimizer, optional
            The same; by default SGD(0.01).
        seed : int or list of int, default 0
            The seeds of each setting.
        sampling_seed : int, default 0
            Seeds the draws: the i-th setting depends on (sampling_seed, i) alone.
        **fields
            A field is a distribution (anything with `rvs`, as in scipy.stats), a list to choose
            from, or a fixed value.

        Returns
        -------
        Population
            `n` settings times the seeds.

        Raises
        ------
        SettingError
            For settings that cannot be, and for several networks or optimizers.

        Examples
        --------
        >>> from scipy.stats import loguniform
        >>> len(Population.sample(20, lr=loguniform(1e-6, 1e-2), seed=range(3)))
        60
        """
        whole_number(1, "100", high=MEMBERS).check(n, "n", "Population.sample")
        _, (networks, optimizers, seeds) = axes(network, optimizer, seed, {})
        if len(networks) != 1 or len(optimizers) != 1:
            got = f"{counted(len(networks), 'network')} and {counted(len(optimizers), 'optimizer')}"
            must = "be one network and one optimizer, whose fields are sampled"
            raise SettingError(sentence("base", "Population.sample", must, got))
        _check_count(int(n) * len(seeds), "Population.sample")
        base, members = Member(networks[0], optimizers[0]), []
        for i in range(n):
            drawn = {
                name: draw(value, stream(sampling_seed, "sample", i, j), name)
                for j, (name, value) in enumerate(sorted(fields.items()))
            }
            members += [base.replace(**drawn, seed=one) for one in seeds]
        return cls(members)

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members)

    @overload
    def __getitem__(self, index: int) -> Member: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Member]: ...
    def __getitem__(self, index: int | slice) -> Member | Sequence[Member]:
        try:
            return self._members[index]
        except IndexError:
            of = f"a population of {counted(len(self), 'member')}, counted from 0"
            raise IndexError(f"there is no member {index} in {of}") from None

    def __repr__(self) -> str:
        state = "trained" if self.is_trained else "not trained"
        return f"Population({counted(len(self), 'member')}, {state})"

    def _repr_html_(self) -> str:
        """What differs between members, and what they share, for notebooks."""
        first = self._members[0]
        axes = [*varied(self._members), "seed"]
        rows: list[tuple[str, str]] = []
        for name in axes:
            labels = list(dict.fromkeys(label(member.get(name)) for member in self._members))
            more = f" and {len(labels) - _LABELS} more" if len(labels) > _LABELS else ""
            rows.append((name.replace("_", " "), ", ".join(labels[:_LABELS]) + more))
        shared = [name for name in ("network", "optimizer") if name not in axes]
        rows += [(name, label(first.get(name), without=axes)) for name in shared]
        return notebook.table([], rows, repr(self))

    @property
    def is_trained(self) -> bool:
        """Whether members have been trained, and what they learnt was kept."""
        return self._states is not None

    def predict(self, x: Any, *, engine: str | Engine = "auto") -> Array:
        """Predict with each member.

        Parameters
        ----------
        x : array_like or sparse array, shape (N, in)
            Inputs.
        engine : {"auto", "native", "numpy"} or Engine
            What computes the outputs.

        Returns
        -------
        ndarray, shape (members, N) or (members, N, out)
            Class indices, or the outputs.

        Raises
        ------
        NotTrainedError
            Before `fit`.
        DataError
            For inputs that do not fit.
        """
        return self._each(x, lambda loss, y: loss.predict(y), engine)

    def predict_proba(self, x: Any, *, engine: str | Engine = "auto") -> Array:
        """Predict class probabilities with each member.

        Parameters
        ----------
        x : array_like or sparse array, shape (N, in)
            Inputs.
        engine : {"auto", "native", "numpy"} or Engine
            What computes the outputs.

        Returns
        -------
        ndarray, shape (members, N, classes)
            In the dtype of the training, in which some are rounded to 0 or 1.

        Raises
        ------
        NotTrainedError
            Before `fit`.
        SettingError
            If the loss is that of a regression.
        DataError
            For inputs that do not fit.
        """
        return self._each(x, lambda loss, y: loss.probabilities(y), engine)

    def accuracy(self, x: Any, t: Any, *, engine: str | Engine = "auto") -> Array:
        """Compute the share of right predictions of each member.

        Parameters
        ----------
        x : array_like or sparse array, shape (N, in)
            Inputs.
        t : array_like
            Targets as those of a split: of a classification the class numbers, 0, 1, ...
        engine : {"auto", "native", "numpy"} or Engine
            What computes the outputs.

        Returns
        -------
        ndarray, shape (members,)
            The shares.

        Raises
        ------
        NotTrainedError
            Before `fit`.
        SettingError
            For a regression, which has none.
        DataError
            For arrays that do not fit.

        Warns
        -----
        UserWarning
            Where all of `t` may be labels of the data of the last `fit`, too, as [1, 2] of the
            labels 1, 2 and 3, and more of them are right as labels.
        """
        loss = self._members[0].network.loss
        if loss.task == "regression":
            must = "be that of classifiers; a regression has none"
            raise SettingError(
                sentence("accuracy", "Population", must, type(loss).__name__, "score(x, t)")
            )
        return self._score(x, t, None, engine, "accuracy", self._classes)

    def score(self, data: Any, t: Any = None, *, engine: str | Engine = "auto") -> Array:
        """Compute the accuracy of each member, or in a regression its R².

        Parameters
        ----------
        data : Dataset, or array (N, in)
            A data set, whose test split is scored, with the weights of its rows; or inputs.  Its
            classes may be some of those of the last `fit`; where these are not known, as of a
            model from a file of before, such a data set is refused.
        t : array, optional
            The targets of inputs, as `accuracy` takes them.
        engine : {"auto", "native", "numpy"} or Engine
            What computes the outputs.

        Returns
        -------
        ndarray, shape (members,)
            The share of right predictions; or R², the mean over the outputs.

        Raises
        ------
        NotTrainedError
            Before `fit`.
        SettingError, DataError
            For a data set without a test split, and for arrays that do not fit.

        Notes
        -----
        R² = 1 − Σ (t − y)² / Σ (t − mean of t)², for each output.
        """
        labels = None if isinstance(data, Dataset) else self._classes
        scored = check_scored(data, t, self._classes, self._widths.outputs)
        return self._score(*scored, engine, "score", labels)

    def _score(
        self,
        x: Any,
        t: Any,
        weight: Array | None,
        engine: str | Engine,
        owner: str,
        labels: Array | None,
    ) -> Array:
        """The shares or R²; labels: those that t may be by mistake, in place of class numbers."""
        inputs = check_inputs(x, self._widths.inputs, self._trained()[0].params.dtype)
        loss = self._members[0].network.loss
        targets = check_targets(t, loss, self._widths.outputs, inputs.shape[0], owner)
        if loss.task == "regression":
            return r_squared(self.predict(x, engine=engine), targets, weight)
        readings = [targets, *as_labels(targets, labels)]

        def correct(loss: Loss, y: Array) -> Array:
            found: list[Any] = [loss.correct(y, one) for one in readings]
            return np.stack(found, axis=1)

        right = self._each(x, correct, engine)  # (members, readings, N)
        if labels is not None and right[:, -1].sum() > right[:, 0].sum():
            tell_of_labels(targets, labels, owner)
        return np.average(right[:, 0], axis=-1, weights=weight)

    def parameters(self, index: int) -> dict[str, Array]:
        """Name the trained parameters of one member.

        Parameters
        ----------
        index : int
            Which member.

        Returns
        -------
        dict of str to ndarray
            W1 (in, out), b1 (1, out), and so on.

        Raises
        ------
        NotTrainedError
            Before `fit`.
        SettingError
            For a member that is not there.
        """
        return self._network(index).layout.views(self._of(index).params)

    def buffers(self, index: int) -> dict[str, Array]:
        """Name what one member has learnt beside its parameters, such as running means.

        Parameters
        ----------
        index : int
            Which member.

        Returns
        -------
        dict of str to ndarray
            running_mean1, running_var1 (1, features), and so on; {} without a layer that keeps
            some.

        Raises
        ------
        NotTrainedError
            Before `fit`.
        SettingError
            For a member that is not there.
        """
        return self._network(index).buffer_layout.views(self._of(index).buffers)

    def _network(self, index: int) -> Architecture:
        self._of(index)  # raises where it is not there, or not trained
        return self._members[index].network.build(*self._widths)

    def set_parameters(self, index: int, values: Mapping[str, ArrayLike]) -> None:
        """Set parameters of one member by name; those that are not given stay as they are.

        Parameters
        ----------
        index : int
            Which member.
        values : dict of str to array_like
            Names as in `parameters` and `buffers`.  A bias (1, out) may be given as (out,).

        Raises
        ------
        SettingError
            For names and shapes that the network does not have, for numbers that are not finite,
            and while members train.

        Warns
        -----
        UserWarning
            Where a member that was never trained is given all its parameters, but not its buffers:
            it would predict with a running mean of 0, for instance.

        Notes
        -----
        In a population that is not trained, the other members begin with the draws of their seeds,
        and W1 and the last matrix say how many features go in and come out.  The arrays of the
        optimizer are forgotten: `fit(start="parameters")` goes on from the new parameters.

        Examples
        --------
        >>> population = Population.grid(MLP(hidden=(2,)), seed=range(3))
        >>> population.set_parameters(1, {"W1": np.ones((4, 2)), "W2": np.ones((2, 3))})
        >>> population.parameters(1)["W1"].sum(), population.widths
        (np.float64(8.0), Widths(inputs=4, outputs=3))
        """
        self._check_idle("set_parameters")
        place = self._place(index)
        member, states, widths = self._members[place], self._states, self._widths
        found, widths = with_parameters(
            member, values, None if states is None else states[place], widths
        )
        if states is None:
            states = draw_states(self._members, widths, found.params.dtype)
        self._states, self._widths = [*states], widths
        self._states[place] = found

    @property
    def states(self) -> tuple[MemberState, ...]:
        """What each member has learnt."""
        return tuple(self._trained())

    numbers = renamed("numbers", "states")

    @property
    def widths(self) -> Widths:
        """How many features go in and come out; (0, 0) before `fit`."""
        return self._widths

    @property
    def engine(self) -> str | None:
        """The name of the engine that trained it last; None where that is not known."""
        return self._engine

    @property
    def classes(self) -> Array | None:
        """What the class numbers stand for, (C,): the labels of the data of the last `fit`.

        None of other tasks, and where it is not known: before `fit`, and of files that do not say.
        """
        return self._classes

    def __getstate__(self) -> dict[str, Any]:
        """What is copied and pickled: not a training that is under way."""
        return {**vars(self), "_workers": None}

    def _running(self, data: Dataset, settings: FitSettings) -> Running[Self]:
        self._check_idle(settings.owner)
        before = None if settings.start is None else (self._trained(), self._widths)
        if before is not None and isinstance(data, Dataset):
            tell_of_other_classes(data.classes, self._classes)
        fits = Fits([Fit(self, data, settings, before, chosen=True)], settings)
        self._workers = weakref.ref(fits.workers)
        return Running(fits, self._adopt, partial(self.restore, classes=data.classes))

    def _check_idle(self, owner: str) -> None:
        """SettingError while members train: two trainings would write into the same arrays."""
        workers = self._workers() if self._workers else None
        if workers is not None and not workers.is_done:
            must, remedy = "have ended their training", "wait() of what start() returned"
            raise SettingError(sentence("members", owner, must, "a training under way", remedy))

    def _adopt(self, fitted: Fitted) -> History:
        """Takes over what members have learnt; where nothing was kept, they are not trained."""
        self._states, self._widths = fitted.states or None, fitted.widths
        self._engine, self._classes = fitted.history.engine, fitted.classes
        return fitted.history

    def snapshot(self, index: int) -> dict[str, Array]:
        """Return the arrays that were kept of one member.

        Parameters
        ----------
        index : int
            Which member.

        Returns
        -------
        dict of str to ndarray
            "params", "buffers", and those of its optimizer.

        Raises
        ------
        NotTrainedError
            Before `fit`.
        SettingError
            For a member that is not there.
        """
        state = self._of(index)
        return {"params": state.params, "buffers": state.buffers, **state.optimizer}

    def _trained(self) -> list[MemberState]:
        if self._states is None:
            remedy = "fit(data), not with keep='history', or wait() after start(data)"
            text = sentence("members", "Population", "be trained first, and kept", "none", remedy)
            raise NotTrainedError(text)
        return self._states

    def _of(self, index: int) -> MemberState:
        states = self._trained()
        return states[self._place(index)]

    def _place(self, index: int) -> int:
        if not is_integer(index) or not -len(self) <= index < len(self):
            must = f"be an integer in [{-len(self)}, {len(self) - 1}]"
            raise SettingError(sentence("index", "Population", must, index))
        return int(index)

    def _each(self, x: Any, read: Callable[[Loss, Array], Any], engine: str | Engine) -> Array:
        """What `read` makes of the outputs of every member, in the order of the population."""
        states = self._trained()
        dtype = states[0].params.dtype
        own = engine_for(ENGINE.check(engine, "engine", "predict"), self._members, "predict")
        inputs = check_inputs(x, self._widths.inputs, dtype)
        found: list[Any] = [None] * len(self)
        with one_thread():
            for group in own.group(self._members, self._widths, EVALUATION_ROWS, dtype):
                members = [self._members[place] for place in group.places]
                before = [dataclasses.replace(states[row], optimizer={}) for row in group.places]
                lane = own.open(
                    LaneSpec(members, self._widths, dtype, None, before, usable_cores())
                )
                values = read(members[0].network.loss, lane.outputs(inputs))
                for place, value in zip(lane.places, values, strict=True):
                    found[group.places[place]] = value
        return np.stack(found)


_LABELS: Final = 12
"""Values of a setting that a notebook shows."""


def _check_count(members: int, owner: str) -> None:
    if members > MEMBERS:
        raise SettingError(sentence("members", owner, f"be at most {MEMBERS}", members))
