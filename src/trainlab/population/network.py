"""Network: the population of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from numpy.typing import ArrayLike

from trainlab import notebook
from trainlab.data.arrays import Dataset
from trainlab.engine import Engine
from trainlab.errors import SettingError, sentence
from trainlab.members import Member, label
from trainlab.network.architecture import MLP
from trainlab.network.workspace import Array
from trainlab.optimizers import SGD, Optimizer
from trainlab.population.population import Population
from trainlab.population.running import Running, Trainable
from trainlab.population.settings import FitSettings
from trainlab.settings import instance_of


class Network(Trainable):
    """One network and its optimizer: a population of one, without the leading axis.

    Parameters
    ----------
    network : MLP, optional
        By default MLP().
    optimizer : Optimizer, optional
        By default SGD(0.01).
    seed : int, default 0
        Decides its initial weights, its batches and its dropout.

    Examples
    --------
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
    def of(cls, population: Population) -> Self:
        """Make a network of a population of one.

        Parameters
        ----------
        population : Population
            The population, trained or not.

        Returns
        -------
        Network
            It shares what the population has learnt.

        Raises
        ------
        SettingError
            For anything that is not a population of one.
        """
        instance_of(Population).check(population, "population", "Network.of")
        if len(population) != 1:
            must = "be a population of one"
            raise SettingError(sentence("population", "Network.of", must, population))
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
        member, state = self.member, "trained" if self._population.is_trained else "not trained"
        words = f"{label(member.network)}, {label(member.optimizer)}, seed {member.seed}"
        return f"Network({words}; {state})"

    def _repr_html_(self) -> str:
        """Settings, and the shapes of its parameters, for notebooks."""
        member = self.member
        rows: list[tuple[object, ...]] = [
            ("network", label(member.network)),
            ("optimizer", label(member.optimizer)),
            ("seed", member.seed),
        ]
        if self._population.is_trained:
            found = self.parameters
            shapes = ", ".join(
                f"{name} {'×'.join(map(str, one.shape))}" for name, one in found.items()
            )
            count = sum(one.size for one in found.values())
            rows.append(("parameters", f"{count:,}: {shapes}"))
            rows.append(("trained by", self._population.engine))
        return notebook.table([], rows, repr(self))

    def _running(self, data: Dataset, settings: FitSettings) -> Running[Self]:
        running = self._population._running(data, settings)
        restore = running._restore
        return Running(running._fits, running._adopt, lambda *found: self.of(restore(*found)))

    def predict(self, x: Any, *, engine: str | Engine = "auto") -> Array:
        """Predict with the network.

        Parameters
        ----------
        x : array_like or sparse array, shape (N, in)
            Inputs.
        engine : {"auto", "native", "numpy"} or Engine
            What computes the outputs.

        Returns
        -------
        ndarray, shape (N,) or (N, out)
            Class indices, or the outputs.

        Raises
        ------
        NotTrainedError, DataError
            As `Population.predict` does.
        """
        return self._one(self._population.predict(x, engine=engine))

    def predict_proba(self, x: Any, *, engine: str | Engine = "auto") -> Array:
        """Predict class probabilities.

        Parameters
        ----------
        x : array_like or sparse array, shape (N, in)
            Inputs.
        engine : {"auto", "native", "numpy"} or Engine
            What computes the outputs.

        Returns
        -------
        ndarray, shape (N, classes)
            In the dtype of the training.

        Raises
        ------
        NotTrainedError, SettingError, DataError
            As `Population.predict_proba` does.
        """
        return self._one(self._population.predict_proba(x, engine=engine))

    def accuracy(self, x: Any, t: Any, *, engine: str | Engine = "auto") -> float:
        """Compute the share of right predictions.

        Parameters
        ----------
        x : array_like or sparse array, shape (N, in)
            Inputs.
        t : array_like
            Targets.
        engine : {"auto", "native", "numpy"} or Engine
            What computes the outputs.

        Returns
        -------
        float
            The share.

        Raises
        ------
        NotTrainedError, SettingError, DataError
            As `Population.accuracy` does.
        """
        return float(self._population.accuracy(x, t, engine=engine)[0])

    def score(self, data: Any, t: Any = None, *, engine: str | Engine = "auto") -> float:
        """Compute the accuracy, or in a regression R²; see `Population.score`.

        Parameters
        ----------
        data : Dataset or array_like
            A data set, whose test split is scored, or inputs.
        t : array_like, optional
            Their targets.
        engine : {"auto", "native", "numpy"} or Engine
            What computes the outputs.

        Returns
        -------
        float
            The score.

        Raises
        ------
        NotTrainedError, SettingError, DataError
            As `Population.score` does.

        Examples
        --------
        >>> from trainlab.data import load_digits
        >>> data, network = load_digits(), Network(MLP(hidden=(20,)))
        >>> history = network.fit(data, epochs=1)
        >>> network.score(data) == network.score(data.test.x, data.test.t)
        True
        """
        return float(self._population.score(data, t, engine=engine)[0])

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters by name: W1 (in, out), b1 (1, out), and so on.

        Some or all of them can be set: `network.parameters = {"W1": array}`.  Names and shapes are
        checked.  An untrained network learns from W1 and the last matrix how wide it is, and draws
        what is not given from its seed; `fit(start="parameters")` goes on from there.  Names of
        `buffers` can be set beside them.
        """
        return self._population.parameters(0)

    @parameters.setter
    def parameters(self, values: Mapping[str, ArrayLike]) -> None:
        self._population.set_parameters(0, values)

    @property
    def classes(self) -> Array | None:
        """What its class numbers stand for, as `Population.classes` has them."""
        return self._population.classes

    @property
    def buffers(self) -> dict[str, Array]:
        """What it has learnt beside its parameters: running_mean1 (1, features) and so on.

        A network with batch normalization predicts with them.  To copy one, set both:
        `other.parameters = {**network.parameters, **network.buffers}`.
        """
        return self._population.buffers(0)

    @staticmethod
    def _one(values: Array) -> Array:
        one: Array = values[0]
        return one
