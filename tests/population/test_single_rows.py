"""Batch normalization makes zeros of a batch of one row: whoever asks for one is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold

import trainlab as tl

NORMED = (tl.MLP((2,), norm="batch"), tl.MLP((2,), norm=tl.BatchNorm(eps=1e-3)))


@pytest.mark.parametrize("network", NORMED)
@pytest.mark.parametrize(
    ("rows", "size", "told"),
    [
        (1, 1, "training is of one row, .*; try rows that differ"),
        (9, 1, "batches are of one row, of which batch normalization makes 0"),
        (9, 4, "batch_size=4 of 9 rows leaves a last batch of one .*; try batch_size=5"),
        (7, 2, "leaves a last batch of one row, .*; try batch_size=4"),
        (3, 2, "leaves a last batch of one row, .*; try batch_size=3"),
    ],
)
def test_a_fit_says_so(network: tl.MLP, rows: int, size: int, told: str) -> None:
    data = tl.from_arrays(np.arange(2.0 * rows).reshape(rows, 2), np.arange(rows) % 2)
    how: dict[str, Any] = {"steps": 1, "evaluate": None, "batch_size": size}
    with pytest.warns(UserWarning, match=told):
        tl.Network(network).fit(data, **how)
    with pytest.warns(UserWarning, match=told):
        tl.Population.grid(network=[tl.MLP((2,)), network]).fit(data, **how)
    tl.Network(tl.MLP((2,), norm="layer")).fit(data, **how)
    if size > 1:
        tl.Network(network).fit(data, batches="book", **how)
        tl.Network(network).fit(data, **{**how, "batch_size": rows})


def test_a_search_says_nothing_of_a_last_batch() -> None:
    """It divides the rows itself."""
    x, y = np.arange(22.0).reshape(11, 2), np.arange(11) % 2
    network = tl.MLPClassifier((2,), norm="batch", max_iter=1, schedule="cosine")
    with pytest.warns(UserWarning, match="try batch_size=11"):
        network.set_params(batch_size=10).fit(x, y)
    network.set_params(batch_size=9)  # of 10 rows to train on
    search = tl.PopulationSearchCV(network, {"alpha": [0.1]}, n_iter=1, cv=KFold(11), refit=False)
    search.fit(x, y)
