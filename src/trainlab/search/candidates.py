"""Candidates of a search: what an estimator is made of, and which parts candidates share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from trainlab.errors import SettingError, sentence
from trainlab.estimators.base import BaseMLP

OWNER: Final = "PopulationSearchCV"


@dataclass(frozen=True, eq=False)
class Candidate:
    """An estimator with the parameters to try.

    head     the steps of its pipeline before the network; None where there are none
    network  what is trained
    shared   equal for candidates whose heads have the same parameters
    """

    estimator: Any
    head: Any
    network: BaseMLP
    shared: tuple[Any, ...]

    @classmethod
    def of(cls, estimator: Any, parameters: Mapping[str, Any]) -> Candidate:
        """A clone of the estimator with these parameters.

        SettingError unless it is one of ours, or a pipeline that ends in one.
        """
        one = clone(estimator).set_params(**clone(dict(parameters), safe=False))
        network = one.steps[-1][1] if isinstance(one, Pipeline) else one
        if not isinstance(network, BaseMLP):
            must = "be an MLPClassifier or MLPRegressor of trainlab, or a Pipeline that ends in one"
            raise SettingError(sentence("estimator", OWNER, must, one))
        if not isinstance(one, Pipeline) or len(one) == 1:
            return cls(one, None, network, ())
        own = prefix(one)
        # Values are compared by what they are, not by ==, which arrays and frames redefine.
        shared = tuple((k, id(v)) for k, v in parameters.items() if not k.startswith(own))
        return cls(one, one[:-1], network, shared)

    def with_head(self, fitted: Any) -> None:
        """Puts fitted steps where the head was."""
        if fitted is not None:
            self.estimator.steps[:-1] = fitted.steps


def prefix(estimator: Any) -> str:
    """What the names of the network's parameters begin with."""
    return f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""


def check_fit_parameters(estimator: Any, names: Sequence[str]) -> None:
    """SettingError for what the search cannot hand on to the networks."""
    known = [prefix(estimator) + "sample_weight"]
    if not isinstance(estimator, Pipeline):
        known.append("validation_data")
    for name in names:
        if name not in known:
            must = "be among groups, " + ", ".join(known)
            raise SettingError(sentence("parameters", f"{OWNER}.fit", must, name))
