"""What must hold for the finished site: links, names, commands, notebooks, and no network."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click
import reference

from trainlab.cli import main as program


class Page(HTMLParser):
    """The anchors and the links of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors, self.links, self.loaded = {"", "top"}, list[str](), list[str]()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes what an element is called, and where it leads."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in ("script", "img", "iframe", "source"):
            self.loaded += [found["src"]] if "src" in found else []
        elif tag == "link" and found.get("rel") not in ("canonical", "search"):
            self.loaded.append(found["href"])


def check(site: Path, with_notebooks: bool = True) -> list[str]:
    """What is wrong, a line each; prints what was looked at."""
    files = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    pages = {path.resolve(): Page(path) for path in files}
    faults, links = [], 0
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loaded and parts.scheme != "data":
                    faults.append(f"{path.relative_to(site.resolve())}: loads {link}")
                continue
            links += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                faults.append(f"{path.relative_to(site.resolve())}: no such page: {link}")
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                faults.append(f"{path.relative_to(site.resolve())}: no such anchor: {link}")
    faults += missing_names(pages.values()) + missing_options(site)
    notebooks = sorted((site / "_downloads").rglob("*.ipynb")) if with_notebooks else []
    logging.getLogger("traitlets").setLevel(logging.ERROR)  # it tells of each start
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults += [fault for found in pool.map(failures, notebooks) for fault in found]
    print(
        f"{len(pages)} pages, {links} links inside the site, {len(reference.public())} names, "
        f"{len(program.commands)} commands, {len(notebooks)} notebooks run"
    )
    return faults


def missing_names(pages: Any) -> list[str]:
    """Public names that no page describes."""
    described = set().union(*(page.anchors for page in pages))
    return [f"{name} is on no page" for name in reference.public() if name not in described]


def missing_options(site: Path) -> list[str]:
    """Commands and options that the page of commands lacks."""
    text = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    shown = set(re.findall(r"--?[\w-]+", text))
    faults = []
    for name, command in program.commands.items():
        if f'id="trainlab-{name}"' not in text:
            faults.append(f"the page of commands lacks {name}")
        for one in command.params:
            if isinstance(one, click.Option) and not one.hidden:
                lacks = set(one.opts) - shown
                faults += [f"the page of commands lacks {name} {option}" for option in lacks]
    return faults


def failures(path: Path) -> list[str]:
    """Runs a notebook as Jupyter would; what it says if it fails."""
    import nbformat  # these come with nbclient
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(path, as_version=4)
    settings = {"timeout": 300, "kernel_name": "python3", "extra_arguments": ["--log-level=ERROR"]}
    try:
        with tempfile.TemporaryDirectory() as folder:
            place = {"metadata": {"path": folder}}  # where it may write files
            NotebookClient(notebook, resources=place, **settings).execute()
    except CellExecutionError as error:
        return [f"{path.name}: {error}"]
    return []
