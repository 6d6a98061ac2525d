"""The documentation site: its parts, its reference, and the checks that `make site` ends with.

`make site` itself needs Sphinx (the group `docs`), and fails on warnings, broken links, missing
names and notebooks that do not run.  What can be seen without Sphinx is tested here.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import trainlab as tl
from documents import DOCUMENTS, ROOT, blocks

TOOLS = ROOT / "tools" / "site"
MODULES = ("reference", "notebooks", "staging", "checks")


@pytest.fixture(scope="module")
def tools() -> Iterator[dict[str, Any]]:
    """The modules of tools/site, which import each other by their names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOOLS)
        for name in MODULES:
            patch.delitem(sys.modules, name, raising=False)
        yield {name: importlib.import_module(name) for name in MODULES}
        for name in MODULES:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def pages(tools: dict[str, Any]) -> dict[str, str]:
    """What Sphinx would read: name → text."""
    found: dict[str, str] = tools["staging"].pages()
    return found


def test_every_public_name_has_a_page(tools: dict[str, Any], pages: dict[str, str]) -> None:
    rooms = ("data", "differentiation", "evidence", "experiments", "models", "optimizers")
    rooms += ("population", "report", "book", "search", "estimators", "schedules", "store")
    text = "\n".join(t for name, t in pages.items() if name.startswith("reference/names/"))
    described = set(re.findall(r"^\.\. auto\w+:: (\S+)", text, re.MULTILINE))
    assert {f"trainlab.{name}" for name in tl.__all__ if name != "datasets"} <= described
    things = {id(thing) for thing in tools["reference"].public().values()}
    for room in rooms:
        module = importlib.import_module(f"trainlab.{room}")
        for name in module.__all__:
            one = f"trainlab.{room}.{name}"
            assert one in described or id(getattr(module, name)) in things, one


def test_files_differ_where_capitals_do_not_count(pages: dict[str, str]) -> None:
    assert len({name.lower() for name in pages}) == len(pages)
    assert "reference/names/trainlab.evidence.band-function.rst" in pages


def test_methods_of_a_class_are_ours_inherited_ones_too(pages: dict[str, str]) -> None:
    text = pages["reference/names/trainlab.MLPClassifier.rst"]
    methods = re.findall(r"\.\. auto(?:method|property):: (\w+)", text)
    assert {"fit", "predict", "predict_proba", "partial_fit", "score"} - set(methods) <= {"score"}
    assert "get_params" not in methods  # scikit-learn's


def test_every_document_is_in_a_table_of_contents(
    tools: dict[str, Any], pages: dict[str, str]
) -> None:
    """From the front page each page can be reached by its side bar."""
    trees = re.compile(r"(?:```\{toctree\}|\.\. toctree::)\n(.*?)(?:```|\Z)", re.DOTALL)
    reached, todo = set[str](), ["index.md"]
    while todo:
        name = todo.pop()
        if name in reached or name not in pages:
            continue
        reached.add(name)
        for block in trees.findall(pages[name]):
            for line in block.split("\n"):
                entry = re.sub(r".*<(.+)>", r"\1", line.strip())
                if entry and not entry.startswith(":"):
                    path = (TOOLS / "x" / Path(name).parent / entry).resolve()
                    short = path.relative_to(TOOLS / "x").as_posix()
                    todo += [f"{short}.md", f"{short}.rst"]
    others = {name for name in pages if name.endswith(".ipynb") or name.startswith("source/")}
    assert set(pages) - others - reached == set()
    placed = {tools["staging"].place(path) for path in DOCUMENTS} - {None}
    assert placed - {"examples/index.rst"} <= reached  # Sphinx makes that one


@pytest.mark.parametrize(
    ("link", "turned"),
    [
        ("[a](tutorial.md#start)", "[a](tutorial.md#start)"),
        ("[a](learn/README.md)", "[a](learn/index.md)"),
        ("[a](../CHANGELOG.md)", "[a](changelog.md)"),
        ("[a](../native/README.md#one-step)", "[a](native-engine.md#one-step)"),
        ("![a](live.png)", "![a](live.png)"),
        ("[a](examples/README.md)", "[a](examples/index.rst)"),
        ("[a](https://example.org/b.md)", "[a](https://example.org/b.md)"),
        ("[a](#here)", "[a](#here)"),
        ("[a](../LICENSE)", "a"),
        (
            "[`base.py`](../src/trainlab/network/base.py)",
            '<a href="_modules/trainlab/network/base.html"><code>base.py</code></a>',
        ),
        (
            "[a](../src/trainlab/engine/base.py)",  # in which no public name is defined
            '<a href="source/trainlab/engine/base.html">a</a>',
        ),
        ("```python\nf[0](x)\n```", "```python\nf[0](x)\n```"),
    ],
)
def test_links_lead_to_where_things_lie_on_the_site(
    tools: dict[str, Any], link: str, turned: str
) -> None:
    assert tools["staging"].turned(link, ROOT / "docs" / "start.md") == turned


def test_links_of_folders(tools: dict[str, Any]) -> None:
    text = "[a](../tutorial.md) [b](../examples/README.md) [c](gradients.md)"
    found = tools["staging"].turned(text, ROOT / "docs" / "learn" / "README.md")
    assert found == "[a](../tutorial.md) [b](../examples/index.rst) [c](gradients.md)"


def test_what_is_no_longer_there_is_removed(tools: dict[str, Any], tmp_path: Path) -> None:
    tools["staging"].stage(tmp_path)
    old, kept = tmp_path / "old.md", tmp_path / "start.md"
    old.write_text("# Old", encoding="utf-8")
    before = kept.stat().st_mtime_ns
    tools["staging"].stage(tmp_path)
    assert not old.exists()
    assert kept.stat().st_mtime_ns == before  # else Sphinx would read it again


def test_a_lesson_is_a_notebook_with_its_code_and_its_figure(pages: dict[str, str]) -> None:
    page = (ROOT / "docs" / "learn" / "optimizers.md").read_text(encoding="utf-8")
    assert "{download}" in pages["learn/optimizers.md"]
    cells = json.loads(pages["learn/optimizers.ipynb"])["cells"]
    code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    assert code == [block.text.rstrip("\n") for block in blocks(page, "python")]
    words = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    assert "](attachment:optimizer-comparison.png)" in words
    assert "optimizer-comparison.png" in cells[0]["attachments"]
    assert "$$\n\\begin{aligned}" in words
    assert "```" not in words
    assert words.count("<details>\n<summary>Answer</summary>\n\n") == page.count("<details>") == 4
    folded = [cell["metadata"] != {} for cell in cells if cell["cell_type"] == "code"]
    assert folded == [False, True, True, True, True]  # the answers alone
    assert not re.findall(r"\]\((?!attachment:|https:)", words)
    tutorial = json.loads(pages["tutorial.ipynb"])["cells"]
    assert any(cell["source"].startswith("%%writefile compare.py\n") for cell in tutorial)


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="b.html#there">b</a>', None),
        ('<a href="https://example.org">b</a>', None),
        ('<a href="c.html">c</a>', "a.html: no such page: c.html"),
        ('<a href="b.html#gone">b</a>', "a.html: no such anchor: b.html#gone"),
        ('<a href="#gone">b</a>', "a.html: no such anchor: #gone"),
        ('<img src="none.png">', "a.html: no such page: none.png"),
        (
            '<script src="https://cdn.example.org/x.js"></script>',
            "a.html: loads https://cdn.example.org/x.js",
        ),
    ],
)
def test_the_checks_find_what_is_broken(
    tools: dict[str, Any],
    html: str,
    fault: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nothing: Callable[..., list[str]] = lambda *_: []  # noqa: E731 - stands for two checks
    monkeypatch.setattr(tools["checks"], "missing_names", nothing)
    monkeypatch.setattr(tools["checks"], "missing_options", nothing)
    (tmp_path / "a.html").write_text(html, encoding="utf-8")
    (tmp_path / "b.html").write_text('<p id="there">', encoding="utf-8")
    assert tools["checks"].check(tmp_path) == ([fault] if fault else [])


def test_the_checks_miss_names_and_options(tools: dict[str, Any], tmp_path: Path) -> None:
    checks = tools["checks"]
    assert "trainlab.MLP is on no page" in checks.missing_names([])
    (tmp_path / "reference").mkdir()
    page = tmp_path / "reference" / "commands.html"
    page.write_text('<section id="trainlab-run">--out', encoding="utf-8")
    faults = checks.missing_options(tmp_path)
    assert "the page of commands lacks search" in faults
    assert "the page of commands lacks run --seeds" in faults
    assert "the page of commands lacks run --out" not in faults


def test_the_citation_is_that_of_this_version() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    found = dict(re.findall(r'^([\w-]+): "?(.*?)"?$', text, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert found["cff-version"] == "1.2.0"
    assert found["version"] == project["version"]
    assert found["license"] == project["license"]
    assert {"message", "title", "type", "abstract"} <= found.keys()
    assert "\nauthors:\n  - name: " in text
    page = (ROOT / "docs" / "citing.md").read_text(encoding="utf-8")
    assert f"version = {{{project['version']}}}" in page


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("sphinx_gallery") is None, reason="needs the group `docs`: `make site`"
)
def test_the_site_is_built_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, str(TOOLS), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "index.html").is_file()
