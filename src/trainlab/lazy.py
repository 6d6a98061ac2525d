"""Names of a package that are imported when they are first used.

What a package exports stands in the stub beside it, `__init__.pyi`, which editors and type
checkers read as they read any other.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def exports(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package, whose `__init__.py` is the file.

    Of the stub's imports, "as" puts a name into `__all__`, and "*" all that the `__all__` of a
    module lists; other names are there, and so are the modules of the package.  An assignment
    gives what is imported another name.
    """

    @functools.cache
    def stub() -> tuple[dict[str, tuple[str, str]], list[str], list[str]]:
        """Name → its module and name there; names in `__all__`; modules that list their own."""
        places, public, modules = dict[str, tuple[str, str]](), list[str](), list[str]()
        for node in ast.parse(Path(file).with_suffix(".pyi").read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    if alias.name == "*":
                        modules.append(node.module)
                        continue
                    places[alias.asname or alias.name] = node.module, alias.name
                    public += [alias.asname] if alias.asname else []
            elif isinstance(node, ast.Assign):  # another name for what is imported
                (target,), value = node.targets, node.value
                assert isinstance(target, ast.Name)
                assert isinstance(value, ast.Name)
                places[target.id] = places[value.id]
                public.append(target.id)
        return places, public, modules

    def public() -> list[str]:
        _, names, modules = stub()
        return [*names, *(name for one in modules for name in importlib.import_module(one).__all__)]

    def get(name: str) -> Any:
        if name == "__all__":
            return public()
        found = None if name.startswith("_") else _find(package, name, *stub()[::2])
        if found is None:
            text = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(text, name=name, obj=sys.modules[package])
        setattr(sys.modules[package], name, found)  # the next time it is there
        return found

    return get, lambda: sorted({*vars(sys.modules[package]), *public()})


def _find(
    package: str, name: str, places: Mapping[str, tuple[str, str]], modules: Sequence[str]
) -> Any:
    module, name = places.get(name, (package, name))
    found = None if module == package else getattr(importlib.import_module(module), name, None)
    if found is not None:
        return found
    if importlib.util.find_spec(f"{module}.{name}"):
        return importlib.import_module(f"{module}.{name}")
    listing = (one for one in map(importlib.import_module, modules) if name in one.__all__)
    return getattr(next(listing, None), name, None)
