"""The documents are executed, and what they name exists."""

from __future__ import annotations

import html
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from markdown_it import MarkdownIt  # comes with rich

import trainlab as tl
from documents import DOCUMENTS, ROOT, blocks, commands, execute, name
from trainlab.cli import main
from trainlab.experiments import EXPERIMENTS

# These have a test of their own, which runs them and more.
APART = ("README.md", "docs/tutorial.md")
FENCED = re.MULTILINE | re.DOTALL
WITH_CODE = [
    path
    for path in DOCUMENTS
    if name(path) not in APART and blocks(path.read_text(encoding="utf-8"), "python")
]


@pytest.mark.parametrize("path", WITH_CODE, ids=name)
def test_pages_run_and_keep_what_they_promise(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # for the files of the page, beside which a script lies
    for block in blocks(path.read_text(encoding="utf-8"), "python"):
        monkeypatch.delitem(sys.modules, block.file.removesuffix(".py"), raising=False)
    names: dict[str, Any] = {}
    assert execute(path, names) > 0, "nothing on the page is asserted"


def test_every_function_is_named_on_a_page() -> None:
    pages = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]
    text = " ".join(path.read_text(encoding="utf-8") for path in pages)
    functions = [name for name in tl.__all__ if inspect.isfunction(getattr(tl, name))]
    assert [name for name in functions if not re.search(rf"\b{name}\b", text)] == []


@pytest.mark.slow
def test_the_tutorial_from_the_script_to_the_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])  # `install` adds to it
    path = ROOT / "docs" / "tutorial.md"
    assert execute(path, {}) >= 8
    printed = capsys.readouterr().out
    assert "no difference shown" in printed
    assert (tmp_path / "losses.png").stat().st_size > 10_000

    assert "trainlab book compare.py" in path.read_text(encoding="utf-8")
    command = [sys.executable, "-m", "trainlab", "book", "compare.py"]
    script = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.findall(r"^(\w+): [\d.]+$", script.stdout, re.MULTILINE) == [
        "SGD",
        "Momentum",
        "AdaGrad",
        "Adam",
    ]
    assert (tmp_path / "compare-figure-1.png").stat().st_size > 10_000


@pytest.mark.parametrize(("document", "words", "whole"), commands("trainlab"))
def test_commands_exist(
    document: str, words: list[str], whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    context = click.Context(main)
    command: click.Command = main
    if words and not words[0].startswith("-"):
        found = main.get_command(context, words[0])
        assert found is not None, f"{document}: no such command"
        command, words = found, words[1:]
    known = {option for p in command.get_params(context) for option in (*p.opts, "--help")}
    assert {word for word in words if word.startswith("--")} <= known
    if command.name == "run":
        named = [word for word in words if re.fullmatch(r"[a-z]+(-[a-z]+)+|all", word)]
        assert set(named) <= {*EXPERIMENTS, "all"}
    if whole and command is not main:
        for script in (word for word in words if word.endswith(".py")):
            Path(script).touch()  # one that the reader has
        command.make_context(command.name, list(words))


@pytest.mark.parametrize(("document", "words", "whole"), commands("make"))
def test_targets_of_make_exist(document: str, words: list[str], whole: bool) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in words:
        if "=" not in target:
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{document}: make {target}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_and_paths_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!http)([^)]+)", text)
    paths = re.findall(r"`((?:src|tests|docs|benchmarks|tools)/[\w./]+)`", text)
    for link in links:
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link
    for target in paths:
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("index", sorted((ROOT / "docs").rglob("README.md")), ids=name)
def test_every_page_can_be_found(index: Path) -> None:
    """The README of a folder links its pages, and the README of each folder in it."""
    own = {path.name for path in index.parent.glob("*.md")} - {"README.md"}
    own |= {str(path.relative_to(index.parent)) for path in index.parent.glob("*/README.md")}
    assert own <= set(re.findall(r"\]\(([^)#]+)", index.read_text(encoding="utf-8")))


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_markdown_leaves_the_mathematics_alone(path: Path) -> None:
    r"""In `$…$` Markdown sees its own signs: `\,` becomes a comma, two `_` may become italics."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=FENCED)
    for paragraph in re.split(r"\n\s*\n", text):
        formulas = re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", re.sub("`[^`]*`", "", paragraph))
        drawn = html.unescape(MarkdownIt().renderInline(paragraph)) if formulas else ""
        for formula in formulas:
            assert formula in drawn, formula
