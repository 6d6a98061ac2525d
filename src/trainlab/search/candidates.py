"""Candidates of a search: what an estimator is made of, and which parts candidates share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import process_routing

from trainlab.errors import SettingError, sentence
from trainlab.estimators.base import BaseMLP

OWNER: Final = "PopulationSearchCV"
_OF_NETWORK: Final = ("sample_weight", "validation_data")
"""The parameters of `fit` that a network takes; one in a pipeline sees no other rows."""


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


def searches(space: Any, name: str) -> Iterator[bool]:
    """Of each dict of a space, which is one or a list of them, whether it has a parameter."""
    return (name in one for one in ([space] if isinstance(space, Mapping) else space))


def is_routed(estimator: Any) -> bool:
    """Whether the steps of a pipeline say themselves which parameters of `fit` they take."""
    return isinstance(estimator, Pipeline) and bool(get_config()["enable_metadata_routing"])


def network_parameters(estimator: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Of the parameters of `fit` those of the network, by the names that it gives them."""
    if not is_routed(estimator):
        begin = prefix(estimator)
        return {name.removeprefix(begin): value for name, value in parameters.items()}
    if not parameters:
        return {}
    return dict(process_routing(estimator, "fit", **parameters)[estimator.steps[-1][0]].fit)


def head_parameters(head: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Of the parameters of `fit` those that the steps before the network ask for."""
    if not is_routed(head):
        return {}
    taken = head.get_metadata_routing().consumes("fit_transform", parameters)
    return {name: parameters[name] for name in taken}


def check_fit_parameters(estimator: Any, parameters: Mapping[str, Any]) -> None:
    """SettingError for what the search cannot hand on to the networks."""
    names, start = list(parameters), prefix(estimator)
    if is_routed(estimator):
        names, start = list(network_parameters(estimator, parameters)), ""
    of_network = _OF_NETWORK[:1] if isinstance(estimator, Pipeline) else _OF_NETWORK
    known = [start + name for name in of_network]
    for name in names:
        if name not in known:
            must = "be among groups, " + ", ".join(known)
            raise SettingError(sentence("parameters", f"{OWNER}.fit", must, name))
