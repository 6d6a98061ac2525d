"""The short examples run, end in a figure, and are listed."""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from documents import ROOT

FOLDER = ROOT / "docs" / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))


@pytest.fixture(autouse=True)
def no_figures_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Figures stay open when they are shown, also after a test of the book, which saves them."""
    monkeypatch.setattr(plt, "show", lambda: None)
    plt.close("all")
    yield
    plt.close("all")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_ends_in_a_figure(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    (number,) = plt.get_fignums()
    axes = plt.figure(number).axes
    assert axes
    assert all(ax.has_data() for ax in axes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_what_the_gallery_reads(path: Path) -> None:
    """A title that is underlined, and a paragraph; `plt.show()` is where the figure appears."""
    text = path.read_text(encoding="utf-8")
    title, line, _, paragraph, *_ = (ast.get_docstring(ast.parse(text)) or "").split("\n")
    assert line == "=" * len(title)
    assert paragraph
    assert "\nplt.show()\n" in text


def test_the_readme_lists_the_examples() -> None:
    listed = re.findall(r"\]\(([^)]+\.py)\)", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == [path.name for path in EXAMPLES]
    assert len(EXAMPLES) >= 10
