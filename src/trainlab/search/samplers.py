"""Samplers of Optuna, which propose candidates by what became of those before.

Order: how a space is said in Optuna's words, the plan.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.search.candidates import OWNER
from trainlab.search.plan import Plan, Scores, Settings

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


class Asking(Plan):
    """Candidates that an Optuna sampler is asked for, n_iter at once, and told the scores of.

    Those without a finite score are told as failed.
    """

    def __init__(self, space: Any, n_iter: int, sampler: Any, rounds: int) -> None:
        try:
            import optuna
        except ImportError as error:
            text = f"sampler of {OWNER} needs optuna; try pip install trainlab[optuna]"
            raise ImportError(text) from error
        if not isinstance(sampler, optuna.samplers.BaseSampler):
            must, remedy = "be None or a sampler of Optuna", "optuna.samplers.TPESampler(seed=0)"
            raise SettingError(sentence("sampler", OWNER, must, sampler, remedy))
        if not isinstance(space, Mapping):
            must = "be one dict with a sampler"
            raise SettingError(sentence("param_distributions", OWNER, must, type(space).__name__))
        self._axes = {name: Axis(name, source) for name, source in space.items()}
        # A sampler changes with what it is asked and told; the next fit is to begin as this one.
        self._study = optuna.create_study(sampler=copy.deepcopy(sampler), direction="maximize")
        self._n_iter = n_iter
        self._rounds = rounds
        self._trials: list[optuna.Trial] = []

    def propose(self, scores: Scores) -> list[Settings]:
        if self._trials:
            last = self._trials[-self._n_iter :]
            self._tell(last, scores()[-self._n_iter :])
        if len(self._trials) == self._rounds * self._n_iter:
            return []
        asked = {name: axis.distribution for name, axis in self._axes.items()}
        trials = [self._study.ask(asked) for _ in range(self._n_iter)]
        self._trials += trials
        return [
            {name: axis.value(trial.params[name]) for name, axis in self._axes.items()}
            for trial in trials
        ]

    def columns(self) -> dict[str, Any]:
        return {"round": np.repeat(range(self._rounds), self._n_iter)}

    def attributes(self) -> dict[str, Any]:
        return {"study_": self._study}

    def _tell(self, trials: Sequence[Any], scores: Sequence[float]) -> None:
        from optuna.trial import TrialState

        for trial, score in zip(trials, scores, strict=True):
            if math.isfinite(score):
                self._study.tell(trial, score)
            else:
                self._study.tell(trial, state=TrialState.FAIL)
