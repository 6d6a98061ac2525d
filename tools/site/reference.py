"""The reference: a page for each public name, found in the `__all__` of the packages."""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

import trainlab
from trainlab.cli import main as program

INTERNAL: Final = ("cli", "engine", "plots", "workers")
"""Rooms whose `__all__` serves other rooms: they have no page."""

GROUPS: Final = {
    "population": "Populations",
    "network": "Networks",
    "optimizers": "Optimizers",
    "schedules": "Schedules",
    "training": "Training",
    "data": "Data",
    "estimators": "Estimators",
    "search": "Search",
    "ensembles": "Ensembles",
    "models": "Files of models",
    "differentiation": "Derivatives",
    "live": "Live",
    "errors": "Errors",
}
"""Where the names of `trainlab` come from → the heading that they stand under."""
WITH: Final = {"members": "population"}
"""A room of few names → the room whose heading it shares."""


def rooms() -> dict[str, Any]:
    """The public packages and modules of trainlab that list their names."""
    found = {}
    for one in pkgutil.iter_modules(trainlab.__path__):
        if one.name not in INTERNAL and not one.name.startswith("_"):
            module = importlib.import_module(f"trainlab.{one.name}")
            if getattr(module, "__all__", None):
                found[module.__name__] = module
    return found


def public() -> dict[str, Any]:
    """Dotted name → object: each once, under the name in `trainlab` if it has one there."""
    found = {f"trainlab.{name}": getattr(trainlab, name) for name in sorted(trainlab.__all__)}
    del found["trainlab.datasets"]  # a module, which is described as trainlab.data
    known = {id(thing) for thing in found.values()}
    for room, module in rooms().items():
        for name in module.__all__:
            thing = getattr(module, name)
            if id(thing) not in known or not described(thing):
                found[f"{room}.{name}"] = thing
    return found


def described(thing: Any) -> bool:
    """Whether it is a class or a function, which knows its name."""
    return inspect.isclass(thing) or inspect.isfunction(thing)


def group(thing: Any) -> str:
    """The room that a name of `trainlab` comes from."""
    room = thing.__module__.split(".")[1]
    return WITH.get(room, room)


# --- one name ---------------------------------------------------------------------------------


def methods(kind: type) -> Iterator[tuple[str, str]]:
    """(directive, name) of the public methods and properties that are ours, inherited ones too."""
    for name in dir(kind):
        found = inspect.getattr_static(kind, name)
        if name.startswith("_"):
            continue
        function = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
        if not inspect.isfunction(function) or not function.__module__.startswith("trainlab"):
            continue
        if inspect.getdoc(getattr(kind, name)):
            yield ("autoproperty" if isinstance(found, property) else "automethod"), name


def page(name: str, thing: Any) -> str:
    """The page of a name."""
    title = f"{name}\n{'=' * len(name)}\n\n"
    if inspect.isclass(thing):
        inside = "".join(f"\n   .. {how}:: {one}\n" for how, one in methods(thing))
        return f"{title}.. autoclass:: {name}\n{inside}"
    if inspect.isfunction(thing):
        return f"{title}.. autofunction:: {name}\n"
    text = "\n".join(f"   {line}" for line in constant(name).splitlines())
    return f"{title}.. autodata:: {name}\n   :no-value:\n\n{text}\n"


def constant(name: str) -> str:
    """The docstring below the assignment of a constant."""
    room, _, last = name.rpartition(".")
    where = Path(importlib.import_module(room).__file__ or "")
    files = where.parent.glob("*.py") if where.name == "__init__.py" else [where]
    for file in sorted(files):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        for node, after in zip(body, [*body[1:], None], strict=True):
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            if any(isinstance(t, ast.Name) and t.id == last for t in targets):
                documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                value = ast.unparse(getattr(node, "value", None) or ast.Constant(None))
                words = inspect.cleandoc(str(after.value.value)) if documented else ""
                return words + (f"\n\n``{value}``" if len(value) < 100 else "")
    return ""


def file_names() -> dict[str, str]:
    """Name → its file; `band` is another file than `Band` where capitals do not count, too."""
    lower = [name.lower() for name in public()]
    return {
        name: f"{name}-function" if lower.count(name.lower()) > 1 and name.islower() else name
        for name in public()
    }


# --- pages ------------------------------------------------------------------------------------


def listing(title: str, introduction: str, names: list[str], own: list[str]) -> str:
    """The page of a group: a table of its names, and their pages."""
    files = file_names()
    rows = "\n".join(f"   ~{name}" for name in names)
    entries = "\n".join(f"   {name.rpartition('.')[2]} <names/{files[name]}>" for name in own)
    tree = f".. toctree::\n   :hidden:\n\n{entries}\n" if own else ""
    table = f".. autosummary::\n   :nosignatures:\n\n{rows}\n\n"
    return f"{title}\n{'=' * len(title)}\n\n{introduction}\n\n{table}{tree}"


def pages() -> dict[str, str]:
    """All pages of the reference: name of the file → text."""
    everything = public()
    files = file_names()
    found = {
        f"reference/names/{files[name]}.rst": page(name, thing)
        for name, thing in everything.items()
    }
    groups = defaultdict(list)
    for name, thing in everything.items():
        if name.count(".") == 1:
            groups[group(thing)].append(name)
    order = [*(g for g in GROUPS if g in groups), *sorted(set(groups) - set(GROUPS))]
    for one in order:
        title = GROUPS.get(one, one.capitalize())
        found[f"reference/{one}.rst"] = listing(title, "", groups[one], groups[one])
    where = {id(thing): name for name, thing in everything.items() if described(thing)}
    apart = []
    for room, module in rooms().items():
        names = {name: f"{room}.{name}" for name in module.__all__}
        own = [full for full in names.values() if full in everything]
        if own:
            shown = [where.get(id(getattr(module, n)), full) for n, full in names.items()]
            words = inspect.cleandoc(module.__doc__ or "").partition("\n\n")[0]
            found[f"reference/{room}.rst"] = listing(room, words, shown, own)
            apart.append(room)
    found["reference/index.md"] = INDEX.format(
        groups="\n".join(f"- [{GROUPS.get(g, g.capitalize())}]({g}.rst)" for g in order),
        rooms="\n".join(f"- [`{room}`]({room}.rst)" for room in apart),
        count=len(everything),
        tree="\n".join([*order, *apart]),
    )
    found["reference/commands.rst"] = COMMANDS.format(digest=digest_of_commands())
    return found


def digest_of_commands() -> str:
    """What changes when a command does, so that Sphinx reads the page again."""
    context = click.Context(program, info_name="trainlab")
    texts = [program.get_help(context)]
    texts += [command.get_help(context) for _, command in sorted(program.commands.items())]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


INDEX: Final = """\
# Names

All {count} public names, each with its parameters, their types, shapes and defaults. The text is
that of the docstrings, which `help(trainlab.MLP)` shows as well.

## In `trainlab`

{groups}

## In packages of their own

{rooms}

```{{toctree}}
:hidden:

{tree}
```
"""

COMMANDS: Final = """\
Commands and options
====================

This is what ``--help`` says of each command. :doc:`../command-line` shows them in use.

.. click:: trainlab.cli:main
   :prog: trainlab
   :nested: full

.. {digest}
"""
