"""Results that say themselves what they are of: experiments that trainlab does not know."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import pages
from pages import HOSTILE
from trainlab.experiments.results import Declared
from trainlab.report import page

NAME = "mine"
ABOUT = Declared(
    title="Of one's own",
    claim="More is more.",
    equations=("a = b",),
    caption="A figure.",
    curves=("train_loss", "absent"),
    changes="lr 0.1",
    command=("mine.py",),
)


def content(**about: Any) -> dict[str, Any]:
    said = dataclasses.replace(ABOUT, **about)
    own = dataclasses.replace(pages.example(), experiment=NAME, about=said)
    return pages.content(dataclasses.replace(own, data={"name": "digits", "hash": "", "sizes": {}}))


def shown(folder: Path, plain: Any, name: str = NAME) -> tuple[str, pages.Page]:
    page.build(pages.put(folder, plain, name))
    return pages.read(folder)


def test_it_is_shown_below_those_that_are_known(tmp_path: Path) -> None:
    pages.put(tmp_path, pages.content(pages.example()))
    _, parsed = shown(tmp_path, content())
    assert [a["id"] for a in parsed.all("section") if "id" in a] == [pages.NAME, NAME]
    for text in ("Of one's own", "More is more.", "A figure.", "Changed: lr 0.1"):
        assert text in parsed.text
    assert "a = b" in [a["alt"] for a in parsed.all("img")]
    assert "To repeat it: trainlab run mine.py --data digits --seeds 7" in parsed.text


def test_the_summary_tells_changed_experiments_apart(tmp_path: Path) -> None:
    for name, changes in (("mine-1", "lr 0.1"), ("mine-2", "lr 0.2; dropout 0, 0.3")):
        pages.put(tmp_path, content(changes=changes) | {"experiment": name}, name)
    page.build(tmp_path)
    summary, *_ = pages.read(tmp_path)[1].text.partition("Changed: ")
    assert "Of one's own lr 0.1 " in summary
    assert "Of one's own lr 0.2; dropout 0, 0.3 " in summary


def test_without_a_command_none_is_said(tmp_path: Path) -> None:
    assert "No one command repeats this" in shown(tmp_path, content(command=()))[1].text


def test_equations_that_cannot_be_set_are_text(tmp_path: Path) -> None:
    for lines in ((r"\frac{",), ("{" * 300,), ("x" * (page.MOST_TEX + 1),)):
        _, parsed = shown(tmp_path, content(equations=lines))
        assert lines[0][:80] in parsed.text
        assert len(parsed.all("img")) == 1  # the figure


def test_results_of_nobody_knows_what_are_named(tmp_path: Path) -> None:
    plain = content()
    del plain["about"]
    text, _ = shown(tmp_path, plain)
    assert "mine/results.json is of no experiment that this version of trainlab knows" in text


def test_a_name_that_no_experiment_may_have_is_no_link(tmp_path: Path) -> None:
    name = "javascript:alert(1)"
    text, parsed = shown(tmp_path, content() | {"experiment": name}, name)
    assert "is of no experiment that this version of trainlab knows" in text
    assert all("javascript" not in (a["href"] or "") for a in parsed.all("a"))


@pytest.mark.parametrize("field", ["title", "claim", "caption", "changes", "equations", "command"])
def test_hostile_words_add_no_element(field: str, tmp_path: Path) -> None:
    is_list = isinstance(getattr(ABOUT, field), tuple)
    plain = shown(tmp_path, content(**{field: ("\\frac{",) if is_list else "word"}))[1].structure
    for hostile in HOSTILE:
        said = (hostile + "\\frac{",) if is_list else hostile
        text, parsed = shown(tmp_path, content(**{field: said}))
        assert parsed.structure == plain
        assert not {"\u202e", "\u2066", "\x00", "\x1b"} & set(text)


@pytest.mark.parametrize("field", dataclasses.asdict(ABOUT))
@pytest.mark.parametrize("wrong", [None, True, 0.5, [[]], [3], {"": None}])
def test_what_is_no_text_is_refused(field: str, wrong: Any, tmp_path: Path) -> None:
    plain = content()
    plain["about"][field] = wrong
    text, _ = shown(tmp_path, plain)
    assert "mine/results.json must be results that trainlab wrote" in text


def test_an_about_that_is_none_is_refused(tmp_path: Path) -> None:
    for wrong in (None, 3, [], {}, {**content()["about"], "more": 1}):
        text, _ = shown(tmp_path, content() | {"about": wrong})
        assert "must be results that trainlab wrote" in text
