"""docs/conventions.md says of trainlab and of the book what the code does."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from trainlab import optimizers
from trainlab.book import layers as book_layers
from trainlab.book import optimizer as book_optimizers
from trainlab.network.base import EVALUATION, Mode
from trainlab.network.dropout import Dropout
from trainlab.network.norms import BatchNorm, LayerNorm
from trainlab.network.workspace import FRESH

DOCUMENT = Path(__file__).parents[2] / "docs" / "conventions.md"


def rows() -> list[tuple[str, str, str, str]]:
    """(class, field, ours, book) of every table row whose first cell is `Class.field`."""
    found = []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and cells[0].count(".") == 1:
            kind, field = cells[0].strip("`").split(".")
            found.append((kind, field, cells[1], cells[2]))
    return found


def value(cell: str) -> Any:
    assert cell.startswith("`"), f"{cell} is not set as code"
    return ast.literal_eval(cell.strip("`"))


LAYERS = {kind.__name__: kind for kind in (Dropout, LayerNorm, BatchNorm)}


def of_trainlab(kind: str) -> Any:
    return getattr(optimizers, kind, None) or LAYERS[kind]


def of_book(kind: str) -> Any:
    network = tl.MLP(hidden=(3,), norm="batch", dropout=0.5, convention="book").build(2, 2)
    used = {type(layer).__name__: layer for layer in network.layers}
    return used[kind] if kind in used else getattr(optimizers, kind).book()


def test_the_tables_are_found() -> None:
    assert {kind for kind, *_ in rows()} >= {"Adam", "AdaGrad", "BatchNorm", "Dropout"}
    assert len(rows()) >= 25


@pytest.mark.parametrize(("kind", "field", "ours", "book"), rows())
def test_defaults(kind: str, field: str, ours: str, book: str) -> None:
    made = of_trainlab(kind)
    assert getattr(made(), field) == value(ours)
    if book == "–":
        assert not hasattr(made, "book")
    else:
        assert getattr(of_book(kind), field) == value(book)


ROUNDING = 1e-12
"""Of ten updates in float64, relative to the parameters: both sides round each of about 100
operations to 1.1e-16, in another order."""


@pytest.mark.parametrize("kind", ["SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"])
def test_optimizers_of_scripts_compute_the_column_of_the_book(
    kind: str, rng: np.random.Generator
) -> None:
    scripts, ours = getattr(book_optimizers, kind)(), getattr(optimizers, kind).book()
    assert scripts.lr == ours.lr
    params = {"W": rng.standard_normal((3, 4))}
    flat = params["W"].reshape(1, -1).copy()
    state = ours.init(flat)
    for step in range(10):
        gradient = rng.standard_normal((3, 4))
        scripts.update(params, {"W": gradient})
        ours.update(flat, gradient.reshape(1, -1).copy(), state, step)
        np.testing.assert_allclose(params["W"].ravel(), flat.ravel(), rtol=ROUNDING)


def test_layers_of_scripts_compute_the_column_of_the_book(rng: np.random.Generator) -> None:
    gamma, beta = rng.random(4) + 0.5, rng.standard_normal(4)
    scripts, ours = book_layers.BatchNormalization(gamma, beta), of_book("BatchNorm")
    p = {"gamma": gamma[None], "beta": beta[None]}
    p |= {"running_mean": np.zeros((1, 4)), "running_var": np.full((1, 4), ours.start_var)}
    x = rng.standard_normal((7, 4))
    y, _, statistics = ours.forward(p, x, Mode(training=True), FRESH)
    np.testing.assert_allclose(scripts.forward(x), y, rtol=ROUNDING)
    np.testing.assert_allclose(scripts.running_var, statistics["running_var"][0], rtol=ROUNDING)

    ratio = 0.3
    kept = Dropout(ratio, inverted=of_book("Dropout").inverted)
    evaluated, _, _ = kept.forward({}, x, EVALUATION, FRESH)
    theirs = book_layers.Dropout(ratio).forward(x, train_flg=False)
    np.testing.assert_allclose(theirs, evaluated, rtol=ROUNDING)
