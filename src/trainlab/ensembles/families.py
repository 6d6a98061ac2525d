"""What the candidates of an ensemble are drawn from: few architectures, many settings of each.

Networks of one architecture are trained side by side, whatever their rates, penalties and
dropout are.  So an architecture is drawn once for many candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from scipy.stats import loguniform
from sklearn.model_selection import ParameterSampler

from trainlab.deprecated import NORMS
from trainlab.errors import SettingError, sentence
from trainlab.optimizers import Adam

ARCHITECTURE: Final = (
    "hidden_layer_sizes",
    "activation",
    "norm",
    *NORMS,
    "init",
    "loss",
    "label_smoothing",
    "standardize_inputs",
)
"""The parameters that candidates of one architecture have in common."""
TRAINING: Final = ("optimizer", "learning_rate_init", "schedule", "alpha", "dropout")
"""The parameters that are drawn for each candidate."""

_TRAINING: Final[Mapping[str, Any]] = {
    "optimizer": [Adam(beta2=0.95)],
    "learning_rate_init": loguniform(2e-3, 2e-2),
    "schedule": ["cosine"],
    "alpha": loguniform(1e-4, 0.5),
    "dropout": [0.0, 0.1, 0.3],
}
FAMILIES: Final[Sequence[Mapping[str, Any]]] = tuple(
    {"hidden_layer_sizes": hidden, "standardize_inputs": [inputs], **more, **_TRAINING}
    for inputs, hidden, more in (
        ("piecewise", [(128,), (256,)], {"activation": ["gelu"]}),
        ("robust", [(128, 128)], {"activation": ["relu", "gelu"]}),
        ("piecewise", [(128, 128)], {"norm": ["batch"]}),
        ("robust", [(256,), (128, 128, 128)], {"activation": ["gelu", "elu"]}),
    )
)
"""The families of networks that take turns in classification where nothing else is asked for."""
EARLIER_REGRESSION_FAMILIES: Final[Sequence[Mapping[str, Any]]] = (
    {
        "hidden_layer_sizes": [(128, 128)],
        "standardize_inputs": ["piecewise"],
        "norm": ["batch"],
        "activation": ["gelu"],
        **_TRAINING,
    },
    *FAMILIES[1:],
)
"""Those of regression in the third recipe: with batch normalization wherever there are codes."""
REGRESSION_FAMILIES: Final[Sequence[Mapping[str, Any]]] = (
    *({**family, "loss": ["huber"]} for family in EARLIER_REGRESSION_FAMILIES[:2]),
    *EARLIER_REGRESSION_FAMILIES[2:],
)
"""Those of regression: half of them, of each kind of inputs, learn by Huber's loss."""

LINEAR: Final[Sequence[Mapping[str, Any]]] = tuple(
    {
        "hidden_layer_sizes": (),
        "standardize_inputs": "standard",
        "optimizer": Adam(beta2=0.95),
        "learning_rate_init": rate,
        "schedule": "cosine",
        "alpha": penalty,
        "dropout": 0.0,
    }
    for rate, penalty in ((0.06, 1e-5), (0.02, 1.0))
)
"""Linear models, the last architecture of the usual candidates.  Their inputs are standardised and
not bent, so they continue beyond what was seen, as networks of bent inputs and trees do not."""

_FIRST_TRAINING: Final[Mapping[str, Any]] = {
    "optimizer": ["adam", "adamw", "nadam"],
    "learning_rate_init": loguniform(1e-3, 2e-2),
    "alpha": loguniform(1e-4, 1e1),
    "dropout": [0.0, 0.1, 0.3],
}
FIRST_FAMILIES: Final[Sequence[Mapping[str, Any]]] = (
    {"hidden_layer_sizes": [(64,), (128,)], **_FIRST_TRAINING},
    {"hidden_layer_sizes": [(64, 64), (128, 128)], **_FIRST_TRAINING},
    {"hidden_layer_sizes": [(64, 64, 64), (128, 64, 32)], "norm": ["batch"], **_FIRST_TRAINING},
    {"hidden_layer_sizes": [(32, 32), (64, 64)], "activation": ["tanh"], **_FIRST_TRAINING},
)
"""Those of earlier versions, with which ensembles in their stores go on."""

TREES: Final[Sequence[Mapping[str, Any]]] = tuple(
    {
        "max_leaf_nodes": leaves,
        "min_samples_leaf": 5,
        "l2_regularization": 1.0,
        "max_features": part,
    }
    for leaves, part in ((24, 0.3), (64, 0.5))
)
"""The settings of boosted trees that vote beside the networks."""
REGRESSION_TREES: Final[Sequence[Mapping[str, Any]]] = (
    {
        "max_leaf_nodes": 16,
        "min_samples_leaf": 3,
        "l2_regularization": 1.0,
        "max_features": 0.5,
        "learning_rate": 0.08,
        "max_iter": 600,
    },
    TREES[1],
)
"""Those of regression on more than FEW_FOR_TREES rows, for which 400 trees at a rate of 0.03, as of
TREES, are not enough."""
QUICK_TREES: Final[Sequence[Mapping[str, Any]]] = ({**TREES[0], "max_iter": 80},)
"""Those of the preset "quick", where two models with all of their iterations would cost more than
all networks do, and say no more, but in regression on more than FEW_FOR_TREES rows."""
FEW_FOR_TREES: Final = 4_000

Space = Sequence[Mapping[str, Any]]


def draw(
    space: Space, candidates: int, architectures: int, draws: np.random.RandomState
) -> list[list[dict[str, Any]]]:
    """Parameters of candidates, by architecture.

    Each architecture is drawn from the dict whose turn it is, and has its share of the
    candidates, ± 1.  Fewer come where a dict has not so many combinations.
    """
    found = []
    for number in range(min(architectures, candidates)):
        family = space[number % len(space)]
        shape = {name: values for name, values in family.items() if name in ARCHITECTURE}
        rest = {name: values for name, values in family.items() if name not in ARCHITECTURE}
        share = len(range(number, candidates, architectures))
        (common,) = _some(shape, 1, draws)
        found.append([{**common, **own} for own in _some(rest, share, draws)])
    return found


def _some(
    space: Mapping[str, Any], count: int, draws: np.random.RandomState
) -> list[dict[str, Any]]:
    if not space:
        return [{}]
    lists = all(not hasattr(values, "rvs") for values in space.values())
    most = int(np.prod([len(values) for values in space.values()])) if lists else count
    return list(ParameterSampler(space, min(count, most), random_state=draws))


def check_families(space: Any, owner: str) -> Space:
    """The space as a list of dicts; SettingError unless each parameter may be drawn."""
    families = [space] if isinstance(space, Mapping) else space
    whole = isinstance(families, (list, tuple)) and all(isinstance(f, Mapping) for f in families)
    if not whole or not families:
        must = "be a dict of lists and distributions, or a list of such dicts"
        raise SettingError(sentence("space", owner, must, space))
    known = (*ARCHITECTURE, *TRAINING)
    for family in families:
        for name, values in family.items():
            if name not in known:
                must = "name some of " + ", ".join(known)
                raise SettingError(sentence("space", owner, must, name))
            sized = isinstance(values, (list, tuple, np.ndarray)) and len(values) > 0
            if not hasattr(values, "rvs") and not sized:
                must = "be a list of values or have `rvs`, as distributions of scipy.stats"
                raise SettingError(sentence(name, owner, must, values, f"[{values!r}]"))
    return tuple(families)
