"""The page of model files says enough to predict with NumPy alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
from safetensors.numpy import load_file

import trainlab as tl
from documents import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAGE = (ROOT / "docs" / "model-files.md").read_text(encoding="utf-8")
# Sums of up to some hundred float64 terms of size 1, in another order.
ROUNDING = 1e-12
RNG = np.random.default_rng(0)
WORD = RNG.integers(0, 5, 300)
X = np.column_stack([RNG.normal(size=(300, 3)), np.eye(5)[WORD]])
Y = np.column_stack([30 * X[:, 0] + 9 * WORD + RNG.normal(size=300), X[:, 1] / 100])
LABELS = (X[:, 0] + X[:, 1] > 0) + (X[:, 2] + WORD > 3)
LINEAR: dict[str, Any] = {
    "space": {"hidden_layer_sizes": [()], "standardize_inputs": ["robust", "piecewise"]},
    "n_folds": 2,
    "trees": True,
    "dtype": "float64",
    "random_state": 0,
}


def predicted(path: Path, x: Any) -> Any:
    """What a model of networks without hidden layers, and of trees, says of rows x."""
    arrays = load_file(path)
    with safetensors.safe_open(path, "np") as file:
        document = json.loads(file.metadata()["trainlab"])["document"]
    groups = [("", document["population"])]
    for number, voter in enumerate(document.get("beside", [])):
        groups.append((f"beside.{number}.", voter.get("population") or voter["trees"]))
    said: list[Any] = []
    for start, about in groups:
        own = {name[len(start) :]: one for name, one in arrays.items() if name.startswith(start)}
        if "link" in about:
            said.append(linked(sums(own, x, about["depth"]), about["link"] == "softmax"))
            continue
        z, (d, out) = seen(own, x), about["widths"]
        for member in range(len(about["members"])):
            weights = own[f"{member}.params"]
            outputs = z @ weights[: d * out].reshape(d, out) + weights[d * out :]
            said.append(linked(outputs, "labels" in document["targets"]))
    average = np.average(said, axis=0, weights=arrays.get("_weights"))
    return arrays["mean"] + arrays["scale"] * average if "mean" in arrays else average


def seen(own: Any, x: Any) -> Any:
    """What networks see of rows x: z, and behind it the codes."""
    bound = 2 * own["inputs.furthest"]
    z = np.clip((x - own["inputs.mean"]) / own["inputs.scale"], -bound, bound)
    z = z / np.sqrt(1 + (z / own["inputs.bend"]) ** 2)
    share = (x[:, own["inputs.column"]] - own["inputs.low"]) / (2 * own["inputs.width"])
    return np.hstack([z, np.clip(share, 0, 1) - 0.5])


def sums(own: Any, x: Any, depth: int) -> Any:
    """What trees add up to for rows x."""
    if "kept" in own:
        words = np.zeros((len(x), own["into"].max() + 1))
        for source, into, factor in zip(own["source"], own["into"], own["factor"], strict=True):
            words[:, into] += factor * x[:, source]
        x = np.hstack([x[:, own["kept"]], words])
    total = np.tile(own["baseline"], (len(x), 1))
    for root, output in zip(own["root"], own["output"], strict=True):
        node = np.full(len(x), root)
        for _ in range(depth):
            left = x[np.arange(len(x)), own["feature"][node]] <= own["threshold"][node]
            node = np.where(left, own["left"][node], own["right"][node])
        total[:, output] += own["value"][node]
    return total


def linked(y: Any, is_softmax: bool) -> Any:
    powers = np.exp(y - y.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True) if is_softmax else y


@pytest.mark.parametrize(
    "model",
    [
        tl.MLPRegressor((), n_members=2, standardize_inputs="piecewise", random_state=0),
        tl.PopulationEnsembleRegressor(4, **LINEAR),
        tl.PopulationEnsembleClassifier(4, **LINEAR),
    ],
    ids=lambda model: type(model).__name__,
)
def test_the_page_is_enough_to_predict_with_numpy_alone(model: Any, tmp_path: Path) -> None:
    model.fit(X, LABELS if isinstance(model, tl.PopulationEnsembleClassifier) else Y)
    path = tmp_path / "model.safetensors"
    tl.save(model, path)
    expected = getattr(model, "predict_proba", model.predict)(4 * X)
    assert np.allclose(predicted(path, 4 * X), expected, rtol=ROUNDING, atol=ROUNDING)
    names = {re.sub(r"^(beside\.\d+\.)?(\d+\.)?", "", name) for name in load_file(path)}
    unnamed = [one for one in sorted(names) if not re.search(rf"`(2\.)?{re.escape(one)}`", PAGE)]
    assert [one for one in unnamed if not one.endswith("_")] == []
