"""docs/conventions.md says of trainlab and of the book what the code does."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import trainlab as tl
from trainlab import optimizers
from trainlab.network import layers

DOCUMENT = Path(__file__).parents[1] / "docs" / "conventions.md"


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


def of_trainlab(kind: str) -> Any:
    return getattr(optimizers, kind, None) or getattr(layers, kind)


def of_book(kind: str) -> Any:
    network = tl.MLP(hidden=(3,), batch_norm=True, dropout=0.5, convention="book").build(2, 2)
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
