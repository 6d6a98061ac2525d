"""The project's documents: their blocks of code, the commands they name, and how they are run.

A block ```python is run; the blocks of one document share their names, as in a notebook.
A block ```python NAME.py is a file, which is written beside them.  A comment on a
line of code is a promise that is held against what the line gives:

    history["train_loss"]  # array (40, 200)       the shape
    numerical_gradient(f, [3, 4])  # array([6., 8.])   the values
    network.accuracy(x, t)  # above 0.9
    numbers.mean()  # 0.25                         the value, to the digits that are shown
"""

from __future__ import annotations

import ast
import dataclasses
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(
    r"^(?P<code>\S.*?)  # (?:array (?P<shape>\(.*?\))|array\((?P<values>\[.*?\])\)"
    r"|above (?P<least>[\d.]+)|(?P<number>-?\d[\d.]*))(?:: .*)?$"
)


def name(path: Path) -> str:
    """How a document is called in the names of tests."""
    return str(path.relative_to(ROOT))


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file name after it ("" if there is none), its text."""

    language: str
    file: str
    text: str


def blocks(text: str, language: str | None = None) -> list[Block]:
    """The fenced blocks of a document, in order."""
    found = [Block(*groups) for groups in FENCE.findall(text)]
    return [block for block in found if language in (None, block.language)]


def program(path: Path) -> str:
    """A document's code as one script; blocks that are files of their own are left out."""
    found = blocks(path.read_text(encoding="utf-8"), "python")
    return "\n".join(block.text for block in found if not block.file)


def commands(program: str) -> list[tuple[str, list[str], bool]]:
    """(document, words, whether it is a line to type) of every call of a program.

    Lines of shell blocks are to be typed as they are; code spans may leave out what is required.
    """
    found = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        typed = [line for block in blocks(text, "sh") for line in block.text.splitlines()]
        spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
        for lines, whole in ((typed, True), (spans, False)):
            for line in lines:
                words = shlex.split(line, comments=True) if program in line else []
                if words and words[0].removeprefix(".venv/bin/") == program:
                    found.append((name(path), words[1:], whole))
    return found


def execute(path: Path, names: dict[str, Any]) -> int:
    """Runs a document in the current folder; the number of promises and assertions it kept."""
    kept = 0
    for block in blocks(path.read_text(encoding="utf-8"), "python"):
        if block.file:
            Path(block.file).write_text(block.text, encoding="utf-8")
            continue
        # Our own files: what is run here is what a reader is told to run.
        exec(compile(block.text, name(path), "exec"), names)  # noqa: S102
        kept += sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(block.text)))
        for line in block.text.splitlines():
            promise = PROMISE.match(line)
            if promise:
                keep(promise, names)
                kept += 1
    return kept


def keep(promise: re.Match[str], names: dict[str, Any]) -> None:
    """Holds what a line gives against the comment at its end."""
    last = ast.parse(promise["code"]).body[-1]
    code = ast.unparse(last.targets[0] if isinstance(last, ast.Assign) else last)
    found = eval(code, names)  # noqa: S307 - our own file
    if promise["shape"]:
        assert np.shape(found) == ast.literal_eval(promise["shape"]), promise[0]
    elif promise["values"]:
        np.testing.assert_allclose(found, ast.literal_eval(promise["values"]), rtol=1e-9)
    elif promise["least"]:
        assert found > float(promise["least"]), f"{promise[0]}, got {found}"
    else:
        digits = len(promise["number"].partition(".")[2])
        assert round(float(found), digits) == float(promise["number"]), f"{promise[0]}, got {found}"
