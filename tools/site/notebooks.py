"""A page as a notebook: its text, and its code as cells that run in their order."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

FENCED: Final = re.compile(r"^```(\w*) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IMAGE: Final = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
FOLDED: Final = re.compile(r"<details>\n<summary>(.*?)</summary>\n(.*?)</details>", re.DOTALL)
LINK: Final = re.compile(r"\[([^\]]+)\]\((?!https?:|attachment:)[^)]+\)")


def notebook(text: str, folder: Path) -> str:
    """A page as the JSON of a notebook; pictures of the folder are put inside."""
    cells = [
        {"id": f"cell-{number}", "metadata": {}, **cell}
        for number, cell in enumerate(_all(text, folder))
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    return json.dumps(whole, indent=1, ensure_ascii=False)


def _all(text: str, folder: Path) -> Iterator[dict[str, Any]]:
    """What is folded on the page is folded here, text and code."""
    begun = 0
    for answer in FOLDED.finditer(text):
        yield from _cells(text[begun : answer.start()], folder)
        summary, more = answer[1], ""
        for cell in _cells(answer[2], folder):
            if cell["cell_type"] == "code":
                cell["metadata"] = {"jupyter": {"source_hidden": True}}
            else:
                title = f"<summary>{summary}{more}</summary>"
                cell["source"] = f"<details>\n{title}\n\n{cell['source']}\n\n</details>"
            more = ", continued"
            yield cell
        begun = answer.end()
    yield from _cells(text[begun:], folder)


def _cells(text: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Text and code in turn; blocks of other languages belong to the text."""
    begun = 0
    for block in FENCED.finditer(text):
        language, file, code = block.groups()
        if language == "python":
            yield from _words(text[begun : block.start()], folder)
            written = f"%%writefile {file}\n" if file else ""
            yield _cell("code", written + code, outputs=[], execution_count=None)
            begun = block.end()
    yield from _words(text[begun:], folder)


def _words(text: str, folder: Path) -> Iterator[dict[str, Any]]:
    """A cell of text: links that would lead nowhere are words."""
    attached = {}
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"^```math\n(.*?)^```$", r"$$\n\1$$", text, flags=re.MULTILINE | re.DOTALL)
    for _, link in IMAGE.findall(text):
        content = base64.b64encode((folder / link).read_bytes()).decode()
        attached[Path(link).name] = {"image/png": content}
        text = text.replace(f"]({link})", f"](attachment:{Path(link).name})")
    text = LINK.sub(r"\1", text).strip()
    if text:
        yield _cell("markdown", text, **({"attachments": attached} if attached else {}))


def _cell(kind: str, text: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": kind, "source": text.rstrip("\n"), **more}
