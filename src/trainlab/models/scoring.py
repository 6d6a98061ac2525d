"""What a model says of the rows of a CSV file."""

from __future__ import annotations

import dataclasses
import os
import warnings
from typing import Any, Final

import numpy as np

from trainlab.data.table import TableFile
from trainlab.errors import DataError, SettingError, sentence
from trainlab.network.workspace import Array
from trainlab.training.population import Network, Population

_SHOWN: Final = 20


@dataclasses.dataclass(frozen=True)
class Scores:
    """Predictions by name of column; the columns of the table that the model knows nothing of."""

    columns: dict[str, Array]
    ignored: tuple[str, ...]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def score(model: Any, path: str | os.PathLike[str], proba: bool = False) -> Scores:
    """The predictions of a model, or its probabilities, for each row of a CSV file.

    A model with `feature_names_in_` takes the columns of these names; another needs a table
    that has as many columns as it has inputs.  Rows are read and predicted in blocks.
    """
    if isinstance(model, Population):
        must = "be one network or an estimator"
        raise SettingError(sentence("model", "predict", must, f"a population of {len(model)}"))
    if proba and not hasattr(model, "predict_proba"):
        must = "be a classifier for probabilities"
        raise SettingError(sentence("model", "predict", must, type(model).__name__))
    known = getattr(model, "feature_names_in_", None)
    with TableFile(path) as table:
        names = table.names if known is None else tuple(str(name) for name in known)
        if known is None:
            width = _width(model)
            if len(names) != width:
                must = f"be {width}, as the model has inputs"
                raise DataError(sentence("columns", str(path), must, len(names)))
        parts = [_values(model, part.numbers, proba) for part in table.blocks(names)]
        ignored = tuple(name for name in table.names if name not in set(names))
    values = np.concatenate(parts)
    return Scores(_named(values, model, proba), ignored[:_SHOWN])


def _width(model: Any) -> int:
    width: int = model.population.widths[0] if isinstance(model, Network) else model.n_features_in_
    return width


def _values(model: Any, x: Array, proba: bool) -> Array:
    with warnings.catch_warnings():
        # The names were compared above; scikit-learn sees an array without any.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        values: Array = model.predict_proba(x) if proba else model.predict(x)
    return values


def _named(values: Array, model: Any, proba: bool) -> dict[str, Array]:
    """The columns of predictions, each with its name."""
    if values.ndim == 1:
        return {"prediction": values}
    if values.shape[1] == 1 and not proba:
        return {"prediction": values[:, 0]}
    stem = "probability" if proba else "prediction"
    classes = getattr(model, "classes_", range(values.shape[1])) if proba else None
    labels = range(values.shape[1]) if classes is None else classes
    return {f"{stem}_{label}": values[:, place] for place, label in enumerate(labels)}
