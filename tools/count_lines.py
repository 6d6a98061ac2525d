"""Lines of code of the package: without blank lines, comments and docstrings.

python tools/count_lines.py [FILES]    the rooms, or with FILES every file, the largest first
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parents[1] / "src" / "trainlab"
_NO_CODE: Final = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def lines_of_code(path: Path) -> int:
    """Lines on which a token of code stands; texts that stand alone are docstrings."""
    text = path.read_text(encoding="utf-8")
    code, documented = set[int](), set[int]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                documented.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(code - documented)


def files() -> list[Path]:
    """The files of the package, stubs included."""
    return sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.pyi")])


def main(arguments: list[str]) -> None:
    """Prints the table."""
    counts = {path.relative_to(SOURCE): lines_of_code(path) for path in files()}
    rooms = Counter[str]()
    for path, count in counts.items():
        rooms[str(path) if arguments else path.parts[0]] += count
    for name, count in rooms.most_common():
        sys.stdout.write(f"{count:6,} {name}\n")
    sys.stdout.write(f"{sum(counts.values()):6,} in {len(counts)} files\n")


if __name__ == "__main__":
    main(sys.argv[1:])
