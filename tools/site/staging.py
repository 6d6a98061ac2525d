"""The files that Sphinx reads, made of those that people read on a forge.

docs/README.md is the table of contents: each of its sections becomes a part of the site, and the
links in the section are the pages of that part.  Links among pages are those of the repository;
here they are turned to where the pages lie on the site.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import notebooks
import reference

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"

ELSEWHERE: Final = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "native/README.md": "native-engine.md",
}
"""Pages outside docs/ → where they lie on the site."""

MADE: Final = {
    "Reference": [
        ("Names", "reference/index.md", "every public name: parameters, types, shapes, defaults"),
        ("Commands", "reference/commands.rst", "every command with all its options"),
    ]
}
"""Pages of a part that exist on the site alone: (title, link, text)."""

EXAMPLES: Final = "examples"
SOURCE: Final = "source"
FENCED: Final = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")
ROW: Final = re.compile(
    r"^\| \[(?P<title>[^\]]+)\]\((?P<link>[^)]+)\) \| (?P<text>.+?) \|$", re.MULTILINE
)


# --- where files lie ------------------------------------------------------------------------


def place(file: Path) -> str | None:
    """Where a file of the repository lies in the source of the site; None if it does not."""
    name = file.relative_to(ROOT).as_posix()
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    if name == "README.md" or not file.is_relative_to(DOCS):
        return None
    if file.parent == DOCS / EXAMPLES:
        return f"{EXAMPLES}/index.rst" if file.name == "README.md" else None
    return file.relative_to(DOCS).as_posix().replace("README.md", "index.md")


def turned(text: str, file: Path) -> str:
    """A page whose links lead to where things lie on the site."""
    here = Path(place(file) or "").parent

    def link(found: re.Match[str]) -> str:
        mark, words, target, anchor = found.groups()
        whole = (file.parent / target).resolve() if target else file
        to = place(whole)
        if not target:
            return found[0]
        if to is not None:
            return f"{mark}[{words}]({os.path.relpath(to, here)}{anchor or ''})"
        if whole.is_relative_to(ROOT / "src"):
            return f'<a href="{os.path.relpath(source_page(whole), here)}">{plain(words)}</a>'
        return words  # a file that the site lacks

    parts = FENCED.split(text)
    return "".join(one if one.startswith("```") else LINK.sub(link, one) for one in parts)


def source_page(file: Path) -> str:
    """The page that shows a file of the source: viewcode makes one where a name is described."""
    module = file.relative_to(ROOT / "src").with_suffix("").as_posix()
    if file.is_dir():
        return "_modules/index.html"
    described = {getattr(thing, "__module__", "") for thing in reference.public().values()}
    return f"{'_modules' if module.replace('/', '.') in described else SOURCE}/{module}.html"


def sources(texts: list[str]) -> dict[str, str]:
    """Pages that show files which pages link and viewcode does not show."""
    linked = {m for text in texts for m in re.findall(rf'href="[./]*{SOURCE}/(\S+?)\.html"', text)}
    found = {}
    for module in sorted(linked):
        name, file = f"src/{module}.py", (ROOT / "src" / module).with_suffix(".py")
        code = "\n".join(f"   {line}" for line in file.read_text("utf-8").splitlines())
        title = f"{name}\n{'=' * len(name)}\n\n.. code-block:: python\n\n"
        found[f"{SOURCE}/{module}.rst"] = f":orphan:\n\n{title}{code}\n"
    return found


def plain(words: str) -> str:
    """Words with code spans as HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", words)


# --- the parts of the site --------------------------------------------------------------------


def parts(contents: str) -> Iterator[tuple[str, str, list[dict[str, str]]]]:
    """(title, introduction, pages) of each part: the sections of docs/README.md."""
    for section in re.split(r"^## ", contents, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        made = [
            dict(zip(("title", "link", "text"), row, strict=True)) for row in MADE.get(title, [])
        ]
        found = [match.groupdict() for match in ROW.finditer(body)]
        yield title, body.partition("|")[0].strip(), made + found


def tree(entries: list[str]) -> str:
    """A table of contents that only the side bar shows."""
    lines = "\n".join(entry.removesuffix(".md").removesuffix(".rst") for entry in entries)
    return f"\n\n```{{toctree}}\n:hidden:\n:maxdepth: 1\n\n{lines}\n```\n"


def card(title: str, link: str, text: str, image: str = "") -> str:
    """One page as a card."""
    to = link.removesuffix(".md").removesuffix(".rst")
    shown = f":img-top: {image}\n:class-img-top: figure\n" if image else ""
    return f":::{{grid-item-card}} {title}\n:link: {to}\n:link-type: doc\n{shown}\n{text}\n:::\n"


def grid(cards: list[str], columns: str = "1 2 2 3") -> str:
    """Cards side by side."""
    return f"\n\n::::{{grid}} {columns}\n:gutter: 3\n\n" + "\n".join(cards) + "::::\n"


def contents() -> dict[str, str]:
    """The front page, the page of each part, and what is appended to others: name → text."""
    source = DOCS / "README.md"
    text = turned(source.read_text(encoding="utf-8"), source)
    front, made, tops = text.partition("\n## ")[0], {}, []
    shown = []
    for title, introduction, pages in parts(text):
        cards = [card(p["title"], p["link"], p["text"]) for p in pages]
        links = [p["link"] for p in pages]
        if pages[0]["title"] == title:  # a page that opens the part
            top, cards, links = links[0], cards[1:], links[1:]
            made[top] = grid(cards) + tree(
                [os.path.relpath(one, Path(top).parent) for one in links]
            )
            made[top] = made[top].replace(
                ":link: ", f":link: {os.path.relpath('.', Path(top).parent)}/"
            )
        else:
            top = title.lower() + ".md"
            made[top] = f"# {title}\n\n{introduction}{grid(cards)}{tree(links)}"
        tops.append(top)
        names = " · ".join(p["title"] for p in pages if p["title"] != title)
        shown.append(card(title, top, f"{introduction}\n\n{names}" if introduction else names))
    made["index.md"] = front + grid(shown) + tree(tops)
    return made


# --- all files --------------------------------------------------------------------------------


def pages() -> dict[str, str]:
    """The texts of all pages but those that Sphinx makes itself: name → text."""
    found = contents()
    for file in [*sorted(DOCS.rglob("*.md")), *(ROOT / name for name in ELSEWHERE)]:
        to = place(file)
        if to is None or not to.endswith(".md") or to == "index.md":
            continue
        text = file.read_text(encoding="utf-8")
        if file == DOCS / "tutorial.md" or (file.parent.name == "learn" and file.stem != "README"):
            found |= downloads(text, file)
            continue
        text = turned(text, file)
        if file.name == "README.md" and file.is_relative_to(DOCS):
            below = tree(sorted_links(text))
            text = (gallery(text) if file.parent.name == "experiments" else text) + below
        found[to] = text + found.get(to, "")
    return found | sources(list(found.values())) | reference.pages()


def downloads(text: str, file: Path) -> dict[str, str]:
    """A lesson's notebook, and the page with a line that offers it."""
    to = place(file) or ""
    name = Path(to).with_suffix(".ipynb")
    title, _, rest = turned(text, file).partition("\n\n")
    offer = f"{{download}}`Download this page as a notebook <{name.name}>`"
    page = f"{title}\n\n{offer}\n\n{rest}"
    return {to: page, name.as_posix(): notebooks.notebook(text, file.parent)}


def sorted_links(text: str) -> list[str]:
    """The pages of a folder, in the order in which its first page names them."""
    links = (found[3] for found in LINK.finditer(text))
    return list(dict.fromkeys(one for one in links if one.endswith(".md") and "/" not in one))


def gallery(text: str) -> str:
    """The page of experiments with a card for each in place of its table."""
    rows = re.findall(r"^\| \[(.+?)\]\((.+?)\.md\) \| (.+?) \| .+ \|$", text, re.MULTILINE)
    cards = [card(title, name, claim, f"{name}.png") for title, name, claim in rows]
    return text.partition("| experiment |")[0] + grid(cards)


def stage(source: Path) -> None:
    """Writes what has changed, and removes what is no longer there."""
    files = {source / name: text.encode() for name, text in pages().items()}
    for file in DOCS.rglob("*"):
        to = place(file) if file.is_file() and file.suffix not in (".md", ".py") else None
        if to is not None:
            files[source / to] = file.read_bytes()
    for file in sorted((DOCS / EXAMPLES).glob("*.py")):
        files[source / "_examples" / file.name] = file.read_bytes()
    files[source / "_examples" / "GALLERY_HEADER.rst"] = header().encode()
    for path, content in files.items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    made = source / EXAMPLES  # by Sphinx
    for path in [path for path in source.rglob("*") if path.is_file()]:
        if path not in files and not path.is_relative_to(made):
            path.unlink()
    names = {path.stem for path in files}
    if made.exists() and any(p.stem not in names for p in made.glob("*.py")):
        shutil.rmtree(made)


class InOrder:
    """The order of the examples in sphinx-gallery: that of their README."""

    def __init__(self, src_dir: str) -> None:
        self.names = re.findall(
            r"\]\((.+?\.py)\)", (DOCS / EXAMPLES / "README.md").read_text("utf-8")
        )

    def __call__(self, name: str) -> int:
        """The place of an example."""
        return self.names.index(name)


def header() -> str:
    """What stands above the examples: the title and the first paragraph of their README."""
    title, text, *_ = (DOCS / EXAMPLES / "README.md").read_text("utf-8").split("\n\n")
    title = title.removeprefix("# ")
    return f"{title}\n{'=' * len(title)}\n\n{text.replace('`', '``')}\n"
