"""What a store keeps of a search: a run of its config, and one for each population.

The candidates are proposed again when the search is started again, and so are scored again;
what the store has of their training is not repeated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from sklearn.base import BaseEstimator

from trainlab.deprecated import with_norm
from trainlab.errors import SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.files import as_path
from trainlab.members import describe
from trainlab.search.candidates import OWNER, prefix, searches
from trainlab.settings import Settings, is_integer
from trainlab.store import FILE, Store
from trainlab.training.checkpoints import RESULT, StoreLike, opened

RUN: Final = "search"
"""The run of the search itself."""

# They change no bit of what is found.
_IDLE: Final = ("memory", "n_jobs", "verbose", "workers")


@contextmanager
def search_store(
    store: StoreLike | None, fresh: bool, config: Mapping[str, Any], name: str = RUN
) -> Iterator[Store | None]:
    """The store of a search for the block; the search is marked as done at its end.

    name   of its run; the names of its populations begin with it
    config  what decides the search, as plain values: SettingError, naming what
           differs, where the store has another search
    fresh  forgets what the store has of any search
    """
    with opened(store) as own:
        if own is None:
            yield None
            return
        # All at once: else what is left of an older search would meet the next start of this one.
        if fresh:
            own.forget(name)
        run = own.run(name, config, total=1)
        yield own
        run.save({(RESULT, 0): b""})


def stored_recipe(store: StoreLike | None, name: str) -> int | None:
    """The number of the recipe of a stored ensemble; None if there is none.

    The first did not say what becomes of X, and the second not that it is one.
    """
    said = _stored_config(store, name)
    if said is None:
        return None
    return int(said.get("recipe", 2 if "standardize_inputs" in said else 1))


def stored_parameters(store: StoreLike | None, name: str) -> dict[str, Any] | None:
    """Parameters of the networks of a stored search that once had other defaults.

    None if there is no search.  What earlier versions began goes on as it began.
    """
    config = _stored_config(store, name)
    if config is None:
        return None
    said = config.get("estimator", config)
    while "steps" in said:  # of a pipeline the last
        said = said["steps"][-1][1]
    # Ensembles had no others at first.
    return {
        "standardize_inputs": said.get("standardize_inputs", True),
        "loss": said.get("loss", "auto"),
    }


def _stored_config(store: StoreLike | None, name: str) -> Mapping[str, Any] | None:
    """The config of a stored search, None if there is none."""
    if store is None:
        return None
    if not isinstance(store, Store):
        store = as_path(store, "store", "fit", "be None, a folder or a Store")
        if not (store / FILE).is_file():
            return None
    with opened(store) as own:
        return None if own is None else own.began(name).get(name)


def check_repeatable(search: Any, network: BaseMLP) -> None:
    """SettingError unless a search draws the same candidates, and trains them, again.

    Whether a sampler has a seed only the sampler knows.
    """
    must, remedy = "be an integer with a store, which draws the same again", "random_state=0"
    name = f"{prefix(search.estimator)}random_state"
    searched = all(searches(search.param_distributions, name))
    for owner, drawn, free in (
        (OWNER, search.random_state, search.sampler is not None),
        (type(network).__name__, network.random_state, searched),
    ):
        if not (free or is_integer(drawn)):
            raise SettingError(sentence("random_state", owner, must, drawn, remedy))


def plain(value: Any) -> Any:
    """A value as JSON can hold it: what it says, or of what cannot be told apart its kind.

    >>> from scipy.stats import uniform
    >>> plain({"alpha": uniform(0, 2), "dropout": (0, 0.5)})
    {'alpha': ['uniform', [0, 2], {}], 'dropout': [0, 0.5]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, Settings):
        return describe(value)
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if hasattr(value, "rvs") and hasattr(value, "dist"):  # frozen, of scipy.stats
        return [value.dist.name, plain(value.args), plain(value.kwds)]
    kind = type(value).__name__
    if isinstance(value, BaseEstimator):
        own = value.get_params(deep=False)
        own = with_norm(own, kind, silent=True)
        # Stores of earlier versions know nothing of a later parameter that does what was.
        before = getattr(value, "_before", {})
        for name in before:
            if name in own and plain(own[name]) == plain(before[name]):
                del own[name]
        return {"kind": kind, **plain_parameters(own, _IDLE)}
    return kind


def plain_parameters(own: Mapping[str, Any], idle: Sequence[str]) -> dict[str, Any]:
    """Parameters of an estimator that decide a bit, as JSON can hold them.

    Stores of earlier versions know of no engine: the default is not named.
    """
    said = {name: value for name, value in own.items() if name not in idle}
    if isinstance(said.get("engine"), str) and said["engine"] == "auto":
        del said["engine"]
    return {name: plain(value) for name, value in said.items()}
