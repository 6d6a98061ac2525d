"""Samplers of Optuna, which propose candidates by what became of those before.

Order: how a space is said in Optuna's words, the strategy.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.search.candidates import OWNER
from trainlab.search.strategy import Parameters, Scores, Strategy

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

# Of the span.  Quantiles have some roundings of float64, each 1e-16 of the values, which may
# be 1e9 spans; those of the common distributions that are not even are off by 1e-2 and more.
TOLERANCE: Final = 1e-6
_SHARES: Final = np.array([0.25, 0.5, 0.75])


class Axis:
    """A parameter in Optuna's words, and back.

    The source is a list, or a distribution of scipy.stats whose values are evenly spread, as
    of uniform, loguniform (in the logarithm) and randint.  Of lists that hold more than
    numbers and strings, or a value twice, Optuna is told the numbers of the places.

    >>> from scipy.stats import loguniform
    >>> Axis("lr", loguniform(0.01, 1)).distribution
    FloatDistribution(high=1.0, log=True, low=0.01, step=None)
    >>> Axis("hidden", [(10,), (20, 20)]).value(1)
    (20, 20)
    """

    distribution: BaseDistribution

    def __init__(self, name: str, source: Any) -> None:
        from optuna.distributions import CategoricalDistribution

        self._values: list[Any] | None = None
        if hasattr(source, "rvs"):
            self.distribution = _spread(name, source)
            return
        values = list(source)
        if not values:
            raise SettingError(sentence(name, OWNER, "have at least one value", source))
        plain = all(v is None or type(v) in (bool, int, float, str) for v in values)
        if plain and len(set(values)) == len(values):
            self.distribution = CategoricalDistribution(values)
        else:
            self._values = values
            self.distribution = CategoricalDistribution(range(len(values)))

    @property
    def size(self) -> int:
        """How many values there are, of a list or a range of integers."""
        said: Any = self.distribution
        return len(said.choices) if hasattr(said, "choices") else said.high - said.low + 1

    def value(self, suggested: Any) -> Any:
        """The value of the parameter that Optuna suggests."""
        return suggested if self._values is None else self._values[suggested]


def _spread(name: str, source: Any) -> BaseDistribution:
    """A distribution in Optuna's words; SettingError unless it is even, or in the logarithm."""
    from optuna.distributions import FloatDistribution, IntDistribution

    if hasattr(source, "support"):
        low, high = map(float, source.support())
        span, log_span = high - low, math.log(high / low) if 0 < low < high else math.nan
        if hasattr(source, "pmf") and math.isfinite(span):
            values = np.rint(np.linspace(low, high, 5))
            if _close(source.cdf(values), (values - low + 1) / (span + 1), 1):
                return IntDistribution(int(low), int(high))
        elif hasattr(source, "ppf") and math.isfinite(span):
            values = np.asarray(source.ppf(_SHARES))
            if _close(values, low + _SHARES * span, span):
                return FloatDistribution(low, high)
            if log_span > 0 and _close(np.log(values / low), _SHARES * log_span, log_span):
                return FloatDistribution(low, high, log=True)
    must = "be a list, or uniform, loguniform or randint of scipy.stats, with a sampler"
    got = getattr(getattr(source, "dist", source), "name", type(source).__name__)
    raise SettingError(sentence(name, OWNER, must, got))


def _close(values: Any, expected: Any, span: float) -> bool:
    return bool((np.abs(values - expected) <= TOLERANCE * span).all())


class Asking(Strategy):
    """Candidates that an Optuna sampler is asked for, n_iter at once, and told the scores of.

    Those without a finite score are told as failed.  The search ends after the rounds, or
    earlier where the sampler stops it: one that goes through a grid is at its end then.
    """

    def __init__(self, space: Any, n_iter: int, sampler: Any, rounds: int) -> None:
        try:
            import optuna
        except ImportError as error:
            text = f"sampler of {OWNER} needs optuna; try pip install 'trainlab[optuna]'"
            raise ImportError(text) from error
        if not isinstance(sampler, optuna.samplers.BaseSampler):
            must, remedy = "be None or a sampler of Optuna", "optuna.samplers.TPESampler(seed=0)"
            raise SettingError(sentence("sampler", OWNER, must, sampler, remedy))
        if not isinstance(space, Mapping):
            must = "be one dict with a sampler"
            raise SettingError(sentence("param_distributions", OWNER, must, type(space).__name__))
        self._axes = {name: Axis(name, source) for name, source in space.items()}
        self._asked = {name: axis.distribution for name, axis in self._axes.items()}
        self._n_iter = n_iter
        self.rounds = rounds
        self._goes_through = isinstance(sampler, optuna.samplers.BruteForceSampler)
        self._most = self._rehearse(sampler)
        self._study = self._begin(sampler)
        self._batches: list[list[optuna.Trial]] = []

    def propose(self, scores: Scores) -> list[Parameters]:
        if self._batches:
            last = self._batches[-1]
            self._tell(last, scores()[-len(last) :])
        left = self._most - sum(map(len, self._batches))
        if self._stopped or not left or len(self._batches) == self.rounds:
            return []
        batch = self._batch(min(left, self._n_iter))
        self._batches.append(batch)
        return [
            {name: axis.value(trial.params[name]) for name, axis in self._axes.items()}
            for trial in batch
        ]

    def columns(self) -> dict[str, Any]:
        return {"round": np.repeat(range(len(self._batches)), list(map(len, self._batches)))}

    def attributes(self) -> dict[str, Any]:
        del self._study.stop  # Optuna's own again
        return {"study_": self._study}

    def _begin(self, sampler: Any) -> Any:
        """A new study, with a copy of the sampler, which changes with what it is asked and told."""
        import optuna

        study = optuna.create_study(sampler=copy.deepcopy(sampler), direction="maximize")
        self._stopped = False
        # Samplers call it when they have no more candidates; Optuna's works in `optimize` alone.
        study.stop = self._stop  # type: ignore[method-assign]
        return study

    def _batch(self, count: int) -> list[Any]:
        """So many new trials."""
        batch: list[Any] = []
        while len(batch) < count:
            trial = self._study.ask(self._asked)
            if self._goes_through and any(trial.params == one.params for one in batch):
                # BruteForceSampler(avoid_premature_stop=True) may repeat what has no score yet.
                self._tell([trial], [math.nan])
            else:
                batch.append(trial)
        return batch

    def _stop(self) -> None:
        self._stopped = True

    def _rehearse(self, sampler: Any) -> int:
        """How many candidates there can be; found in a study of random trials, without training.

        SettingError where the sampler cannot propose candidates of the last round.
        """
        from optuna import samplers

        study = self._begin(samplers.RandomSampler(0))
        for number in range((self.rounds - 1) * self._n_iter):
            study.tell(study.ask(self._asked), float(number))
        study.sampler = copy.deepcopy(sampler)
        try:
            study.tell(study.ask(self._asked), 0.0)
        except Exception as error:
            must, got = "propose settings of param_distributions", type(sampler).__name__
            missing = error.name if isinstance(error, ImportError) else None
            text = sentence("sampler", OWNER, must, got, missing and f"pip install {missing}")
            raise SettingError(f"{text}; it says: {error}") from error
        most = self.rounds * self._n_iter
        grid = study.trials[-1].system_attrs.get("search_space")
        if grid is not None:
            if set(grid) != set(self._axes):
                must = "have a grid of the parameters " + ", ".join(map(repr, self._axes))
                raise SettingError(sentence("sampler", OWNER, must, list(grid)))
            return min(most, math.prod(map(len, grid.values())))
        if self._goes_through:
            return min(most, math.prod(axis.size for axis in self._axes.values()))
        return most

    def _tell(self, trials: Sequence[Any], scores: Sequence[float]) -> None:
        from optuna.trial import TrialState

        for trial, score in zip(trials, scores, strict=True):
            if math.isfinite(score):
                self._study.tell(trial, score)
            else:
                self._study.tell(trial, state=TrialState.FAIL)
