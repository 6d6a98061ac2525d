"""Population: many networks trained in one call.  Network: the population of one."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from trainlab.blas import one_thread, usable_cores
from trainlab.crew import crew
from trainlab.data.arrays import Dataset
from trainlab.errors import NotTrainedError, SettingError, sentence
from trainlab.network.architecture import MLP
from trainlab.network.workspace import Array
from trainlab.optimizers import SGD, Optimizer
from trainlab.settings import is_integer
from trainlab.streams import stream
from trainlab.training.arguments import admit_inputs, admit_numbers, admit_targets
from trainlab.training.axes import axes, combine, draw
from trainlab.training.chunk import Chunk
from trainlab.training.engine import EVALUATION_ROWS, NumPyEngine
from trainlab.training.fitting import Fit, fit_together
from trainlab.training.grouping import group
from trainlab.training.history import History
from trainlab.training.inputs import Inputs
from trainlab.training.keeping import Kept
from trainlab.training.members import Member
from trainlab.training.plan import Callback, EarlyStopping
from trainlab.training.progress import Progress
from trainlab.training.record import Numbers


class Population(Sequence[Member]):
    """Networks that are trained together: settings before `fit`, and trained after it.

    Members may differ in anything: network, optimizer, settings, seed.  Each comes out
    bit for bit as if it had been trained alone.
    """

    def __init__(self, members: Iterable[Member]) -> None:
        if not isinstance(members, Iterable):
            raise SettingError(sentence("members", "Population", "be a list of Member", members))
        self._members = tuple(members)
        if not self._members:
            raise SettingError(sentence("members", "Population", "be at least one Member", ()))
        for index, member in enumerate(self._members):
            if not isinstance(member, Member):
                raise SettingError(
                    sentence(f"member {index}", "Population", "be a Member", member, "Member(...)")
                )
        self._numbers: list[Numbers] | None = None
        self._widths = (0, 0)

    @classmethod
    def restore(
        cls, members: Iterable[Member], numbers: Iterable[Numbers], widths: tuple[int, int]
    ) -> Population:
        """A trained population from what its `numbers` and `widths` were.

        >>> from trainlab.data import load_digits
        >>> first, data = Population.grid(seed=range(2)), load_digits()
        >>> history = first.fit(data, epochs=1)
        >>> again = Population.restore(first, first.numbers, first.widths)
        >>> bool((again.predict(data.test.x) == first.predict(data.test.x)).all())
        True
        """
        population = cls(members)
        population.adopt(admit_numbers(tuple(numbers), population._members, widths), widths)
        return population

    @classmethod
    def grid(
        cls,
        network: MLP | Sequence[MLP] | None = None,
        optimizer: Optimizer | Sequence[Optimizer] | None = None,
        seed: int | Sequence[int] = 0,
        **fields: Any,
    ) -> Population:
        """Every combination.  A list, range or array is an axis; anything else is one value.

        Further keywords are fields of the networks or the optimizers: lr=[0.1, 0.01],
        dropout=[0, 0.5].  Seeds vary fastest, then the last keyword.

        >>> len(Population.grid(optimizer=[SGD(), SGD(0.1)], seed=range(30), dropout=[0, 0.5]))
        120
        """
        names, values = axes(network, optimizer, seed, fields)
        return cls(combine(names, itertools.product(*values)))

    @classmethod
    def zip(
        cls,
        network: MLP | Sequence[MLP] | None = None,
        optimizer: Optimizer | Sequence[Optimizer] | None = None,
        seed: int | Sequence[int] = 0,
        **fields: Any,
    ) -> Population:
        """Side by side: the i-th member takes the i-th value of each list; single values repeat.

        >>> [member.optimizer.lr for member in Population.zip(lr=[0.1, 0.2], seed=[5, 6])]
        [0.1, 0.2]
        """
        names, values = axes(network, optimizer, seed, fields)
        lengths = {name: len(value) for name, value in zip(names, values, strict=True)}
        longest = max(lengths.values())
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
        """`n` random settings, each with every seed.

        A field is a distribution (anything with `rvs`, as in scipy.stats), a list to choose
        from, or a fixed value.  The i-th setting depends on (sampling_seed, i) alone.

        >>> from scipy.stats import loguniform
        >>> len(Population.sample(20, lr=loguniform(1e-6, 1e-2), seed=range(3)))
        60
        """
        if not is_integer(n) or n < 1:
            raise SettingError(sentence("n", "Population.sample", "be an integer >= 1", n, "n=100"))
        _, (networks, optimizers, seeds) = axes(network, optimizer, seed, {})
        if len(networks) != 1 or len(optimizers) != 1:
            got = f"{len(networks)} networks and {len(optimizers)} optimizers"
            must = "be one network and one optimizer, whose fields are sampled"
            raise SettingError(sentence("base", "Population.sample", must, got))
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
        return self._members[index]

    def __repr__(self) -> str:
        state = "trained" if self._numbers else "not trained"
        return f"Population({len(self)} members, {state})"

    def fit(
        self,
        data: Dataset,
        *,
        batch_size: int = 100,
        epochs: int | None = None,
        steps: int | None = None,
        batches: str = "permutation",
        evaluate: str | int | Sequence[int] | None = "epoch",
        on: Sequence[str] | None = None,
        early_stopping: EarlyStopping | None = None,
        callbacks: Sequence[Callback] = (),
        workers: int | None = None,
        backend: str | None = None,
        scheduler: str | None = None,
        dtype: str = "float32",
        keep: str = "parameters",
        start: str | None = None,
        progress: bool | Progress = False,
        store: Kept | None = None,
        run: str = "fit",
        fresh: bool = False,
    ) -> History:
        """Trains every member, from its seed unless `start` says else, and returns what happened.

        batch_size   samples per step
        epochs, steps  how long; give one of them (default: 10 epochs)
        batches      "permutation" or "book", see trainlab.data.Batches
        evaluate     "epoch", every so many steps, a list of numbers of steps, or None
        on           splits to evaluate: "train", "validation", "test", and "batch" for each
                     step's batch after its update; default: the splits that there are
        early_stopping  an EarlyStopping; its metric must be evaluated
        callbacks    called as callback(member, updates, metrics) after each evaluation of
                     each member, one at a time; a true answer stops that member
        workers      how many work at a time; default: the cores there are
        backend      "threads", "processes" (Linux), "loky" (joblib's), "dask" (a cluster), or
                     None for the faster one of the first two; the last two have no callbacks
        scheduler    the address of a Dask scheduler; default: that of the current
                     distributed.Client
        dtype        "float32" or "float64"
        keep         what stays of each member: "history" (its series and status), "parameters"
                     (these too, for predictions), "state" (its optimizer's, too)
        start        None: with the draws of the seed; "parameters": with the parameters of the
                     last fit; "state": with these, its optimizer's state (kept by keep="state")
                     and its number of updates, so that two fits of 5 epochs are one of 10,
                     unless a schedule depends on how long training is
        progress     True for a bar on the terminal, or a Progress
        store        a folder that keeps what is done, or a Store: the same call again computes
                     only what is missing, and ends with the same bits; callbacks are called
                     for what is done now
        run          the name of this training in the store
        fresh        True to forget what the store has of it, and start over

        Ctrl-C ends training early: the history then has members marked "interrupted".
        Raises SettingError and DataError before anything is trained; WorkerError where workers
        die, or a cluster is not there or has other versions.
        """
        given = Fit(
            self,
            data,
            batch_size=batch_size,
            epochs=epochs,
            steps=steps,
            batches=batches,
            evaluate=evaluate,
            on=on,
            early_stopping=early_stopping,
            callbacks=callbacks,
            dtype=dtype,
            keep=keep,
            start=start,
            run=run,
            fresh=fresh,
        )
        (history,) = fit_together([given], workers, backend, scheduler, progress, store)
        return history

    def predict(self, x: Any) -> Array:
        """Each member's predictions (members, N): class indices, or the outputs (…, N, out)."""
        return self._each(x, lambda chunk, y: chunk.architecture.loss.predict(y))

    def predict_proba(self, x: Any) -> Array:
        """Each member's class probabilities (members, N, classes).

        In the dtype of the training, in which some are rounded to 0 or 1.
        """
        return self._each(x, lambda chunk, y: chunk.architecture.loss.probabilities(y))

    def accuracy(self, x: Any, t: Any) -> Array:
        """The share of right predictions of each member, (members,)."""
        inputs = admit_inputs(x, self._widths[0], self._trained()[0].params.dtype)
        loss = self._members[0].network.loss
        targets = admit_targets(t, loss, self._widths[1], inputs.shape[0])
        right = self._each(x, lambda chunk, y: chunk.architecture.loss.correct(y, targets))
        shares: Array = right.mean(axis=-1)
        return shares

    def parameters(self, index: int) -> dict[str, Array]:
        """The trained parameters of one member by name: W1, b1, …"""
        numbers = self._of(index)
        network = self._members[index].network.build(*self._widths)
        return network.layout.views(numbers.params)

    @property
    def numbers(self) -> tuple[Numbers, ...]:
        """What each member has learnt."""
        return tuple(self._trained())

    @property
    def widths(self) -> tuple[int, int]:
        """How many features go in and come out; (0, 0) before `fit`."""
        return self._widths

    def adopt(self, numbers: Sequence[Numbers], widths: tuple[int, int]) -> None:
        """Takes what its members have learnt; where nothing was kept, it is not trained."""
        self._numbers, self._widths = list(numbers) or None, widths

    def snapshot(self, index: int) -> dict[str, Array]:
        """The numbers that were kept of one member: params, buffers, its optimizer's state."""
        numbers = self._of(index)
        return {"params": numbers.params, "buffers": numbers.buffers, **numbers.state}

    def _trained(self) -> list[Numbers]:
        if self._numbers is None:
            remedy = "fit(data), and not with keep='history'"
            text = sentence("members", "Population", "be trained first, and kept", "none", remedy)
            raise NotTrainedError(text)
        return self._numbers

    def _of(self, index: int) -> Numbers:
        numbers = self._trained()
        if not is_integer(index) or not -len(self) <= index < len(self):
            must = f"be an integer in [{-len(self)}, {len(self) - 1}]"
            raise SettingError(sentence("index", "Population", must, index))
        return numbers[index]

    def _each(self, x: Any, read: Callable[[Chunk, Array], Any]) -> Array:
        """What `read` makes of the outputs of every member, in the order of the population."""
        numbers = self._trained()
        dtype = numbers[0].params.dtype
        inputs = Inputs(admit_inputs(x, self._widths[0], dtype))
        found: list[Any] = [None] * len(self)
        chunks, _ = group(self._members, self._widths, EVALUATION_ROWS, dtype, workers=1)
        with one_thread(), crew(usable_cores()):
            for rows in chunks:
                settings = [self._members[row] for row in rows]
                starts = [dataclasses.replace(numbers[row], state={}) for row in rows]
                chunk = Chunk(rows, settings, self._widths, dtype, starts=starts)
                values = read(chunk, NumPyEngine().outputs(chunk, inputs))
                for row, value in zip(chunk.members, values, strict=True):
                    found[row] = value
        return np.stack(found)


class Network:
    """One network and its optimizer: the population of one, without the leading axis.

    >>> from trainlab.data import load_digits
    >>> data, network = load_digits(), Network(MLP(hidden=(50,)), SGD(0.1), seed=0)
    >>> history = network.fit(data, epochs=20)
    >>> bool(network.accuracy(data.test.x, data.test.t) > 0.9)
    True
    """

    def __init__(
        self, network: MLP | None = None, optimizer: Optimizer | None = None, seed: int = 0
    ) -> None:
        one = MLP() if network is None else network
        member = Member(one, SGD(0.01) if optimizer is None else optimizer, seed)
        self._population = Population([member])

    @classmethod
    def of(cls, population: Population) -> Network:
        """The network that is a population of one."""
        (member,) = population
        network = cls(member.network, member.optimizer, member.seed)
        network._population = population
        return network

    @property
    def population(self) -> Population:
        """The population of this one network."""
        return self._population

    @property
    def member(self) -> Member:
        """The settings."""
        return self._population[0]

    def __repr__(self) -> str:
        return f"Network({self.member!r})"

    def fit(self, data: Dataset, **settings: Any) -> History:
        """Trains it; the settings are those of Population.fit."""
        return self._population.fit(data, **settings)

    def predict(self, x: Any) -> Array:
        """Predictions (N,) as class indices, or outputs (N, out)."""
        return self._one(self._population.predict(x))

    def predict_proba(self, x: Any) -> Array:
        """Class probabilities (N, classes)."""
        return self._one(self._population.predict_proba(x))

    def accuracy(self, x: Any, t: Any) -> float:
        """The share of right predictions."""
        return float(self._population.accuracy(x, t)[0])

    @property
    def parameters(self) -> dict[str, Array]:
        """The trained parameters by name: W1, b1, …"""
        return self._population.parameters(0)

    @staticmethod
    def _one(values: Array) -> Array:
        one: Array = values[0]
        return one
