"""Small faults that can be put into a source file, each under a name that holds no line number.

A mutation replaces one expression or statement. What says nothing about behaviour is left alone:
docstrings, annotations, texts of errors, `__repr__`, asserts, decorators, and code for type
checkers or for Windows.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

COMPARISONS: Final = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: Final = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
FUNCTIONS: Final = {
    "add": "subtract",
    "subtract": "add",
    "multiply": "divide",
    "divide": "multiply",
    "maximum": "minimum",
    "minimum": "maximum",
    "max": "min",
    "min": "max",
    "greater": "less_equal",
    "less": "greater_equal",
    "any": "all",
    "all": "any",
    "ones": "zeros",
    "zeros": "ones",
    "sum_rows": "sum_columns",
    "sum_columns": "sum_rows",
    "floor": "ceil",
    "ceil": "floor",
}
# Where the order of the first two arguments does not matter, or is a matter of types alone.
SYMMETRIC: Final = {"add", "multiply", "maximum", "minimum", "max", "min", "isinstance", "cast"}
# Keywords that state what holds anyway, save time alone, or are texts.
STATED: Final = {"strict", "stacklevel", "copy", "remedy"}
# NumPy takes any negative size for the one that is not known.
UNKNOWN_SIZE: Final = {"reshape"}
TEXTS: Final = {"sentence", "warn", "TypeVar", "NewType"}
SILENT: Final = {"__repr__", "__str__", "__sklearn_tags__"}
SHOWN: Final = 70  # characters of an expression in a name


@dataclasses.dataclass(frozen=True)
class Mutation:
    """A fault: bytes start .. end of a file become `text`; the lines are those of its statement."""

    id: str
    path: str
    kind: str
    start: int
    end: int
    text: str
    first: int
    last: int

    def apply(self, source: bytes) -> bytes:
        """The source with the fault."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutations(path: str, source: str) -> list[Mutation]:
    """Every mutation of a file, in its order."""
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return finder.found


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str, source: str) -> None:
        self.path, self.found = path, list[Mutation]()
        self._starts = [0]
        for line in source.encode().splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._scope: list[str] = []
        self._lines = (1, 1)
        self._ids: Counter[str] = Counter()

    # --- what is walked ------------------------------------------------------------------

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            outer, self._lines = self._lines, _header(node)
            if not _mute(node):
                self._mutate(node)
                self._descend(node)
            self._lines = outer
        elif not isinstance(node, ast.JoinedStr) and not (
            isinstance(node, ast.Call) and _name(node.func) in TEXTS
        ):
            self._mutate(node)
            if not (isinstance(node, ast.keyword) and node.arg in STATED):
                for child in ast.iter_child_nodes(node):
                    if not _unknown_size(node, child):
                        self.visit(child)

    def _descend(self, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._scope.append(node.name)
                defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
                for child in [*defaults, *node.body]:
                    self.visit(child)
                self._scope.pop()
            case ast.ClassDef():
                self._scope.append(node.name)
                for child in node.body:
                    self.visit(child)
                self._scope.pop()
            case ast.AnnAssign(target=target):
                if self._scope:
                    self._scope.append(_name(target))
                if node.value is not None:
                    self.visit(node.value)
                if self._scope:
                    self._scope.pop()
            case ast.Raise():
                pass  # its text
            case ast.If(test=ast.Compare(left=ast.Attribute(attr="platform"))):
                for child in node.orelse:  # the rest is for another system
                    self.visit(child)
            case _:
                self.generic_visit(node)

    # --- what is changed -----------------------------------------------------------------

    def _mutate(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr | ast.stmt):
            for kind, before, after in _changes(node, module=not self._scope):
                self._add(kind, before, after)

    def _add(self, kind: str, node: ast.expr | ast.stmt, after: ast.AST) -> None:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        text = ast.unparse(after)
        if isinstance(node, ast.expr):
            text = f"({text})"
        where = ".".join(self._scope) or "module"
        named = f"{self.path}::{where}::{kind}: {_short(node)} -> {_short(after)}"
        self._ids[named] += 1
        if self._ids[named] > 1:
            named += f" #{self._ids[named]}"
        self.found.append(
            Mutation(
                named,
                self.path,
                kind,
                self._starts[node.lineno - 1] + node.col_offset,
                self._starts[node.end_lineno - 1] + node.end_col_offset,
                text,
                *self._lines,
            )
        )


Change = tuple[str, ast.expr | ast.stmt, ast.AST]


def _changes(node: ast.expr | ast.stmt, module: bool) -> Iterator[Change]:
    """(kind, what is replaced, by what)."""
    match node:
        case ast.Compare(ops=[only]) if type(only) in COMPARISONS:
            yield "comparison", node, _with(node, ops=[COMPARISONS[type(only)]()])
        case ast.Compare(ops=[first, *rest]) if type(first) in COMPARISONS:
            yield "comparison", node, _with(node, ops=[COMPARISONS[type(first)](), *rest])
        case ast.BinOp(op=op) if type(op) in OPERATORS and not (
            module and isinstance(op, ast.BitOr)
        ):
            yield "operator", node, _with(node, op=OPERATORS[type(op)]())
        case ast.AugAssign(op=op) if type(op) in OPERATORS:
            yield "operator", node, _with(node, op=OPERATORS[type(op)]())
            yield "removed", node, ast.Pass()
        case ast.BoolOp(op=op):
            yield "and-or", node, _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield "removed sign", node, node.operand
        case ast.Constant(value=bool() as value):
            yield "constant", node, ast.Constant(not value)
        case ast.Constant(value=int() as number):
            yield "constant", node, ast.Constant(number + 1)
        case ast.Constant(value=float() as real):
            yield "constant", node, ast.Constant(2 * real if real else 1.0)
        case ast.If(test=ast.Compare(left=ast.Attribute(attr="platform"))):
            pass
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            yield "condition", test, ast.UnaryOp(ast.Not(), test)
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield "result", node, ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.Await()) | ast.Raise() | ast.Delete():
            yield "removed", node, ast.Pass()
        case ast.Continue() | ast.Break():
            yield "removed", node, ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "removed", node, ast.Pass()
        case ast.Slice(lower=lower, upper=upper):
            for bound in (lower, upper):
                if bound is not None and not isinstance(bound, ast.Constant):
                    yield "slice", bound, ast.BinOp(bound, ast.Add(), ast.Constant(1))
        case ast.Call():
            yield from _call_changes(node)
        case _:
            pass


def _call_changes(node: ast.Call) -> Iterator[Change]:
    name = _name(node.func)
    if name in FUNCTIONS:
        other = FUNCTIONS[name]
        func = (
            _with(node.func, attr=other)
            if isinstance(node.func, ast.Attribute)
            else ast.Name(other, ast.Load())
        )
        # Names of this project's own must be imported to be exchanged.
        if isinstance(node.func, ast.Attribute) or not other.startswith("sum_"):
            yield "function", node, _with(node, func=func)
    first = node.args[:2]
    if (
        len(first) == 2
        and name not in SYMMETRIC
        and not any(isinstance(arg, ast.Starred | ast.Constant) for arg in first)
        and ast.dump(first[0]) != ast.dump(first[1])
    ):
        yield "swapped", node, _with(node, args=[first[1], first[0], *node.args[2:]])
    for i, keyword in enumerate(node.keywords):
        if keyword.arg is not None and keyword.arg not in STATED:
            rest = node.keywords[:i] + node.keywords[i + 1 :]
            yield f"without {keyword.arg}", node, _with(node, keywords=rest)


def _with(node: ast.AST, **changed: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in changed.items():
        setattr(made, name, value)
    return made


# --- what is left alone ------------------------------------------------------------------


def _mute(node: ast.stmt) -> bool:
    match node:
        case ast.Assert() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Expr(value=ast.Constant()):
            return True  # a docstring, or the ... of a protocol
        case ast.FunctionDef(name=name) if name in SILENT:
            return True
        case ast.FunctionDef(decorator_list=decorators):
            return any(_name(each) in ("abstractmethod", "overload") for each in decorators)
        case ast.ClassDef(bases=bases):
            return any(_name(base) == "Protocol" for base in bases)
        case ast.If(test=test):
            return _name(test) == "TYPE_CHECKING"
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.Raise(exc=ast.Call(func=func)):
            return _name(func) == "AssertionError"
        case _:
            return False


def _unknown_size(node: ast.AST, child: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and _name(node.func) in UNKNOWN_SIZE
        and isinstance(child, ast.UnaryOp)
        and isinstance(child.op, ast.USub)
    )


def _header(node: ast.stmt) -> tuple[int, int]:
    """The lines of a statement without the statements inside."""
    last = node.end_lineno or node.lineno
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        last = max(node.lineno, body[0].lineno - 1)
    return node.lineno, last


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _name(node: ast.AST) -> str:
    """The last part of a dotted name, or nothing."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    if len(text) <= SHOWN:
        return text
    return f"{text[:SHOWN]}…{hashlib.sha256(text.encode()).hexdigest()[:6]}"
