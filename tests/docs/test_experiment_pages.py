"""docs/experiments is what tools/pages.py makes of the declarations; somebody wrote the rest."""

from __future__ import annotations

import dataclasses
import doctest
import json
import re
from typing import Any

import pytest

from documents import blocks
from tools import pages
from trainlab.experiments import EXPERIMENTS
from trainlab.experiments.base import Better, TrainingExperiment

FOUND: dict[str, Any] = json.loads(pages.FOUND.read_text(encoding="utf-8"))
LEAST_WORDS = 40
RENEW = "run `trainlab run NAME --out results` and `python tools/pages.py results`"

parametrize = pytest.mark.parametrize("name", EXPERIMENTS)


def text(name: str) -> str:
    assert pages.path(name).exists(), RENEW
    return pages.path(name).read_text(encoding="utf-8")


def test_the_examples_in_the_tool() -> None:
    assert doctest.testmod(pages) == (0, 1)


def test_every_experiment_has_its_page_and_figure() -> None:
    files = {path.name for path in pages.PAGES.iterdir()}
    own = {f"{name}{kind}" for name in EXPERIMENTS for kind in (".md", ".png")}
    assert files == own | {pages.INDEX.name, pages.FOUND.name}, RENEW
    assert list(FOUND) == list(EXPERIMENTS), RENEW


@parametrize
def test_the_made_part_says_what_is_declared(name: str) -> None:
    made, _, _ = text(name).partition(pages.BY_HAND)
    assert made == pages.page(EXPERIMENTS[name], FOUND[name]), RENEW
    assert pages.index(FOUND) + "\n" == pages.INDEX.read_text(encoding="utf-8"), RENEW


@parametrize
def test_what_was_found_belongs_to_what_is_declared(name: str) -> None:
    """An experiment that was changed needs a new run, not only a new page."""
    assert name in FOUND, RENEW
    experiment, found = EXPERIMENTS[name], FOUND[name]
    assert len(found["claims"]) in (1, len(experiment.expect)), RENEW
    assert found["measure"] == experiment.measure.heading, RENEW
    expected = {arm for e in experiment.expect for arm in dataclasses.astuple(e)[: arms_of(e)]}
    assert expected <= {arm for arm, *_ in found["arms"]}, RENEW
    if isinstance(experiment, TrainingExperiment):
        assert found["settings"] == pages.settings_now(experiment), RENEW


def arms_of(expectation: Any) -> int:
    return 2 if isinstance(expectation, Better) else 1


@parametrize
def test_a_person_wrote_what_it_teaches_and_what_to_try(name: str) -> None:
    _, _, by_hand = text(name).partition(pages.BY_HAND)
    teaches, _, to_try = by_hand.partition("## What to try next\n")
    assert len(teaches.split()) >= LEAST_WORDS
    assert len(re.findall(r"^\*\*.+?\*\*", to_try, re.MULTILINE)) in (2, 3, 4)
    languages = [block.language for block in blocks(to_try)]
    assert "python" in languages
    assert len(languages) >= 2


@parametrize
def test_figures_are_small_pictures(name: str) -> None:
    picture = pages.PAGES / f"{name}.png"
    assert picture.exists(), RENEW
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert 5_000 < len(content) <= pages.PNG_LIMIT


def test_a_page_that_is_made_again_keeps_what_was_written(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: text(name) for name in EXPERIMENTS}
    monkeypatch.setattr(pages, "PAGES", tmp_path)
    monkeypatch.setattr(pages, "INDEX", tmp_path / "README.md")
    monkeypatch.setattr(pages, "FOUND", tmp_path / "found.json")
    (tmp_path / "found.json").write_text(json.dumps(FOUND), encoding="utf-8")
    for name, content in before.items():
        pages.path(name).write_text(content.replace("**Claim.**", "**Old.**"), encoding="utf-8")
    pages.main(None)
    assert {name: text(name) for name in EXPERIMENTS} == before
