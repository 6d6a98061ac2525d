"""The glossary speaks of classes that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_class_of_the_glossary_exists() -> None:
    named = set(re.findall(r"`([A-Z]\w+)", (ROOT / "docs" / "glossary.md").read_text("utf-8")))
    trees = [ast.parse(p.read_text("utf-8")) for p in (ROOT / "src").rglob("*.py")]
    classes = {
        node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    }
    assert len(named) > 30
    assert not named - classes
