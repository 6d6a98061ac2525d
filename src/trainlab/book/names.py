"""The book's names: which module of this room stands behind each, and how it gets there.

`install` puts a finder at the front of `sys.meta_path`.  Of the packages `common`, `common2`
and `dataset` the modules in `MODULES` are ours, also where the reader has a folder of that
name: copies of those are what breaks, and their defects are documented.  Other modules of
such a folder are the reader's own, and are found there.

Of the modules that lie beside scripts (`two_layer_net`, …) the reader's own file is taken
where there is one, because it is the book's exercise to write it; ours where there is none.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final

ROOM: Final = "trainlab.book"
COMMON: Final = (
    "functions",
    "gradient",
    "layers",
    "multi_layer_net",
    "multi_layer_net_extend",
    "optimizer",
    "trainer",
    "util",
)
PACKAGES: Final = ("common", "common2", "dataset")
MODULES: Final = {
    **{f"{package}.{name}": name for package in ("common", "common2") for name in COMMON},
    "dataset.mnist": "mnist",
}
BESIDE_SCRIPTS: Final = {
    "gradient_2d": "gradient_2d",
    "simple_convnet": "simple_convnet",
    "two_layer_net": "two_layer_net",
}
CHAPTER_4: Final = re.compile(r"ch(apter)?[ _-]*0*4", re.IGNORECASE)
"""A folder of this name has scripts of chapter 4, whose two-layer network is another."""


def install() -> None:
    """Makes the book's modules importable by the names that its readers use.

    >>> install()
    >>> from common.optimizer import SGD
    >>> from common2.optimizer import SGD as same
    >>> SGD is same
    True

    Calling it again changes nothing.  What was imported under those names before, from a
    folder of the reader's, is forgotten.
    """
    if not any(isinstance(finder, Front) for finder in sys.meta_path):
        sys.meta_path.insert(0, Front())
        sys.meta_path.append(Back())
    for name in [*PACKAGES, *MODULES]:
        module = sys.modules.get(name)
        if module is not None and not is_ours(module):
            del sys.modules[name]


def is_ours(module: ModuleType) -> bool:
    """Whether a module in `sys.modules` got there by our finders."""
    loader = getattr(module.__spec__, "loader", None)
    return isinstance(loader, Package) or module.__name__.startswith(ROOM)


class Front(MetaPathFinder):
    """Finds the packages and their modules in the table, before any folder is looked into."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a package or a module of one; None for all others."""
        package, _, module = name.partition(".")
        if package not in PACKAGES or "." in module:
            return None
        if not module:
            return ModuleSpec(name, Package(), is_package=True)
        if name in MODULES:
            return ModuleSpec(name, Alias(MODULES[name]))
        # The reader's own module, in the folders of now: scripts change sys.path as they run.
        return PathFinder.find_spec(name, [str(Path(folder, package)) for folder in sys.path])


class Back(MetaPathFinder):
    """Finds the modules that lie beside scripts, where no folder has them."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module in the table; None for all others."""
        if name not in BESIDE_SCRIPTS:
            return None
        ours = BESIDE_SCRIPTS[name]
        if name == "two_layer_net" and CHAPTER_4.fullmatch(Path(sys.path[0]).resolve().name):
            ours = "two_layer_net_sigmoid"
        return ModuleSpec(name, Alias(ours))


class Package(Loader):
    """Makes an empty package."""

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it."""


class Alias(Loader):
    """Gives a module of this room for another name; it is one module under all its names."""

    def __init__(self, name: str) -> None:
        self.name = f"{ROOM}.{name}"

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself."""
        module = importlib.import_module(self.name)
        self.spec: Any = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It was executed when it was imported; the import system has just given it our spec."""
        module.__spec__ = self.spec
