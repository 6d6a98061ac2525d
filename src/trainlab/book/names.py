"""The book's names: which module of this room each stands for, and which comes first.

What the reader has where Python finds it is the reader's: `install` puts a finder at the end
of `sys.meta_path`, which is asked for what Python did not find.  So the reader's
`common/functions.py` is used, and `common.layers` beside it is ours if there is none of theirs.
With `ours=True` a second finder, at the front, prefers ours.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from trainlab.errors import nearest

ROOM: Final = "trainlab.book"
OURS: Final = "trainlab"
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
BESIDE_SCRIPTS: Final = {
    **dict.fromkeys(("and_gate", "nand_gate", "or_gate", "xor_gate"), "gates"),
    "gradient_2d": "gradient_2d",
    "two_layer_net": "two_layer_net",
    "layer_naive": "layer_naive",
    "simple_convnet": "simple_convnet",
    "deep_convnet": "deep_convnet",
}
MODULES: Final = {
    **{f"{package}.{name}": name for package in ("common", "common2") for name in COMMON},
    "dataset.mnist": "mnist",
    **BESIDE_SCRIPTS,
}
"""The book's name of each module, and the module of this room that stands behind it."""

SCRIPTS: Final = {
    1: "hungry img_show man simple_graph sin_cos_graph sin_graph",
    3: "mnist_show neuralnet_mnist neuralnet_mnist_batch relu sig_step_compare sigmoid "
    "step_function",
    4: "gradient_1d gradient_method gradient_simplenet",
    5: "buy_apple buy_apple_orange",
    6: "batch_norm_gradient_check batch_norm_test hyperparameter_optimization "
    "optimizer_compare_mnist optimizer_compare_naive overfit_dropout overfit_weight_decay "
    "weight_init_activation_histogram weight_init_compare",
    7: "apply_filter train_convnet visualize_filter",
    8: "awesome_net half_float_network misclassified_mnist train_deepnet",
}
SECOND_VOLUME: Final = (
    "common.base_model common.config common.np common.time_layers "
    "dataset.ptb dataset.sequence dataset.spiral"
)
ABSENT: Final = {
    **{
        name: f"is a script of the book's chapter {chapter}"
        for chapter, names in SCRIPTS.items()
        for name in names.split()
    },
    **dict.fromkeys(("train_neuralnet", "gradient_check"), "is a script of the book's chapters"),
    **dict.fromkeys(SECOND_VOLUME.split(), "belongs to the book's second volume"),
}
"""Modules of the book that are not in this room, and what they are."""

CHAPTER: Final = re.compile(r"ch0?[1-8]")
"""A folder of the book's scripts, as what stands beside them is imported from elsewhere."""
CHAPTER_4: Final = re.compile(r"ch(apter)?[ _-]*0*4", re.IGNORECASE)
"""A folder of this name has scripts of chapter 4, whose two-layer network is another."""


def is_package(name: str) -> bool:
    """Whether a name is that of one of the book's packages, or of a folder of its scripts."""
    return name in PACKAGES or CHAPTER.fullmatch(name) is not None


def ours_of(name: str) -> str | None:
    """The module of this room that stands behind a name; None where none does.

    >>> ours_of("common2.layers"), ours_of("ch05.two_layer_net"), ours_of("ch05.layers")
    ('layers', 'two_layer_net', None)
    """
    package, _, module = name.rpartition(".")
    return BESIDE_SCRIPTS.get(module) if CHAPTER.fullmatch(package) else MODULES.get(name)


class BookModuleError(ModuleNotFoundError):
    """A module of the book that is neither the reader's nor ours."""


@dataclasses.dataclass(frozen=True)
class Reader:
    """The script or notebook that imports modules; all processes of a script share it.

    script: its path, None in a notebook.  ours: whether our modules come before the reader's.
    data_dir: a folder with MNIST.
    """

    script: str | None = None
    ours: bool = False
    data_dir: str | None = None

    @property
    def folder(self) -> str:
        """The folder of the script, or the working directory of the notebook."""
        return str(Path(self.script).resolve().parent if self.script else Path.cwd())

    def elsewhere(self) -> list[str]:
        """The relative entries of `sys.path`, seen from the script's folder.

        `sys.path.append(os.pardir)` means the folder above the script's, to Python the one
        above the working directory.
        """
        if self.script is None:
            return []
        relative = (entry for entry in sys.path if not os.path.isabs(entry))
        return [os.path.normpath(os.path.join(self.folder, entry)) for entry in relative]

    def folders_of(self, package: str) -> list[str]:
        """The folders in which the reader may have modules of the package."""
        pythons = (entry if os.path.isabs(entry) else os.path.abspath(entry) for entry in sys.path)
        return [os.path.join(entry, package) for entry in (*pythons, *self.elsewhere())]


def install(*, ours: bool = False) -> None:
    """Make the book's modules importable by the names that its readers use.

    Parameters
    ----------
    ours : bool, default False
        Take our module wherever there is one.  By default a module that Python finds is the
        reader's own, and ours is taken where it finds none; `whose` says which are in use.

    Notes
    -----
    Calling it again decides anew, for what is imported from then on.

    Networks of trainlab's modules compute on one thread of BLAS; before and after, and for the
    user's own code, there are as many as there were.

    Examples
    --------
    >>> install()
    >>> from common.optimizer import SGD
    >>> from common2.optimizer import SGD as same
    >>> SGD is same
    True
    """
    install_for(dataclasses.replace(current_reader(), ours=ours))


def install_for(reader: Reader) -> None:
    """As `install`, for a script."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Front)]
    if reader.ours:
        sys.meta_path.insert(0, Front(reader))
    sys.meta_path.append(Back(reader))
    for name, module in list(sys.modules.items()):
        if (is_package(name) or ours_of(name)) and (reader.ours or is_ours(module)):
            del sys.modules[name]


def is_ours(module: ModuleType) -> bool:
    """Whether a module that was imported by one of the book's names is ours."""
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    return isinstance(loader, Package) or getattr(module, "__name__", "").startswith(f"{ROOM}.")


def whose() -> dict[str, str]:
    """List the book's modules in use.

    Returns
    -------
    dict of str to str
        The file of each, "trainlab" for ours; also what else of the reader's is in the packages
        `common`, `common2` and `dataset`.
    """
    found = {}
    for name, module in sorted(sys.modules.items()):
        if ours_of(name) or name.startswith(tuple(f"{package}." for package in PACKAGES)):
            file = getattr(module, "__file__", None)  # a folder without code has none
            if file:
                found[name] = OURS if is_ours(module) else os.path.abspath(file)
    return found


def current_reader() -> Reader:
    """The reader that `install` was called for."""
    return next((f.reader for f in sys.meta_path if isinstance(f, Back)), Reader())


@dataclasses.dataclass(frozen=True)
class Front(MetaPathFinder):
    """Finds ours, before any folder is looked into."""

    reader: Reader

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a package or a module of the book; None for all others."""
        if is_package(name):
            return ModuleSpec(name, Package(), is_package=True)
        ours = ours_of(name)
        if ours is None:
            return None
        folder = name.rpartition(".")[0] or Path(self.reader.folder).name
        if ours == "two_layer_net" and CHAPTER_4.fullmatch(folder):
            ours = "two_layer_net_sigmoid"
        return ModuleSpec(name, Alias(ours))


class Back(Front):
    """Finds what Python did not: the reader's where Python does not look, then ours.

    Python looks for `common.layers` in that folder `common` alone in which it found the package,
    and from the working directory alone.  Scripts change `sys.path` as they run, and start
    in other folders: the reader's module may lie in the `common` of any entry of it.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of the reader's or of ours.

        BookModuleError for one in `ABSENT`, and for one that is misspelt.
        """
        package = name.rpartition(".")[0]
        if package and not is_package(package):
            return None
        places = self.reader.folders_of(package) if package else self.reader.elsewhere()
        theirs = PathFinder.find_spec(name, places)
        # A package without code is ours: the modules of all folders of its name are in it.
        if theirs is not None and not (is_package(name) and theirs.loader is None):
            return theirs
        if name in ABSENT:
            raise BookModuleError(
                f"{name} {ABSENT[name]}, and not among trainlab's modules; "
                "try a file of that name of your own",
                name=name,
            )
        ours = super().find_spec(name, path, target)
        if ours is None and package:
            of_package = ["mnist"] if package == "dataset" else COMMON
            known = [*of_package] if package in PACKAGES else list(BESIDE_SCRIPTS)
            near = nearest(name.rpartition(".")[2], known)
            if near is not None:
                remedy = f"try {package}.{near}"
                raise BookModuleError(f"No module named {name!r}; {remedy}", name=name)
        return ours


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
