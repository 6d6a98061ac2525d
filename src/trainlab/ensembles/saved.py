"""Ensembles as the content of a file, and back; see trainlab.estimators.saved."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainlab.ensembles.base import PopulationEnsemble
from trainlab.ensembles.estimators import PopulationEnsembleClassifier, PopulationEnsembleRegressor
from trainlab.errors import ModelFileError, sentence
from trainlab.estimators.saved import Format, bring
from trainlab.terminal import counted

SUM_ERROR = 1e-9
"""By how much the sum of the weights may be off 1: n roundings of float64, n in the thousands."""


def _finish(model: PopulationEnsemble) -> None:
    """Judges the parameters, and the weights of the members."""
    model._checked()
    weights, members = model._weights, sum(len(one) for one in model._voters)
    sound = weights is not None and weights.shape == (members,)
    if (
        not sound
        or weights is None
        or not (weights >= 0).all()
        or abs(weights.sum() - 1) > SUM_ERROR
    ):
        must = f"be {counted(members, 'number')} >= 0 with a sum of 1"
        raise ModelFileError(sentence("weights", "an ensemble", must, weights))
    errors = getattr(model, "_errors", None)
    if errors is not None:
        shaped = errors.ndim == 2 and errors.shape[1] == model._targets.outputs
        sorted_up = errors.dtype == np.float64 and bool((np.diff(errors, axis=0) >= 0).all())
        if not (shaped and sorted_up and np.isfinite(errors).all() and (errors >= 0).all()):
            must = f"be {counted(model._targets.outputs, 'column')} of sorted numbers >= 0"
            raise ModelFileError(sentence("errors", "an ensemble", must, errors))


_REGRESSOR: Final = PopulationEnsembleRegressor
for _kind in (PopulationEnsembleClassifier, _REGRESSOR):
    bring(
        Format(
            _kind,
            ("_weights", "weights_", "losses_", *(["_errors"] if _kind is _REGRESSOR else [])),
            (
                "candidates_",
                "loss_",
                "best_index_",
                "gain_",
                "n_folds_",
                "n_networks_",
                "n_iter_",
                "n_diverged_",
                "replay_",
                "n_features_in_",
                "feature_names_in_",
            ),
            (),
            _finish,
        )
    )
