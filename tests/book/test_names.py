"""Every documented name is there with its arguments, however it is imported, however often."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab.book
from book_command import written
from documents import ROOT
from trainlab.book import names

WIDTHS = "input_size, hidden_size_list, output_size"
NET = f"{WIDTHS}, activation='relu', weight_init_std='relu', weight_decay_lambda=0"
# What each documented class or function takes, self left out.
SIGNATURES = {
    "common.functions": {
        **dict.fromkeys(
            ["identity_function", "step_function", "sigmoid", "sigmoid_grad", "relu"], "x"
        ),
        **dict.fromkeys(["relu_grad", "softmax"], "x"),
        **dict.fromkeys(["sum_squared_error", "mean_squared_error", "cross_entropy_error"], "y, t"),
        "softmax_loss": "x, t",
    },
    "common.gradient": {
        "numerical_gradient": "f, x",
        "numerical_gradient_2d": "f, x",
        "numerical_diff": "f, x",
    },
    "common.layers": {
        "Relu": "",
        "Sigmoid": "",
        "Affine": "W, b",
        "SoftmaxWithLoss": "",
        "Dropout": "dropout_ratio=0.5",
        "BatchNormalization": "gamma, beta, momentum=0.9, running_mean=None, running_var=None",
        "Convolution": "W, b, stride=1, pad=0",
        "Pooling": "pool_h, pool_w, stride=2, pad=0",
    },
    "common.optimizer": {
        "SGD": "lr=0.01",
        "Momentum": "lr=0.01, momentum=0.9",
        "Nesterov": "lr=0.01, momentum=0.9",
        "AdaGrad": "lr=0.01",
        "RMSprop": "lr=0.01, decay_rate=0.99",
        "Adam": "lr=0.001, beta1=0.9, beta2=0.999",
    },
    "common.util": {
        "smooth_curve": "x",
        "shuffle_dataset": "x, t",
        "conv_output_size": "input_size, filter_size, stride=1, pad=0",
        "im2col": "input_data, filter_h, filter_w, stride=1, pad=0",
        "col2im": "col, input_shape, filter_h, filter_w, stride=1, pad=0",
    },
    "common.multi_layer_net": {"MultiLayerNet": NET},
    "common.multi_layer_net_extend": {
        "MultiLayerNetExtend": f"{NET}, use_dropout=False, dropout_ration=0.5, "
        "use_batchnorm=False, dropout_ratio=None"
    },
    "common.trainer": {
        "Trainer": "network, x_train, t_train, x_test, t_test, epochs=20, mini_batch_size=100, "
        "optimizer='SGD', optimizer_param={'lr': 0.01}, evaluate_sample_num_per_epoch=None, "
        "verbose=True"
    },
    "dataset.mnist": {
        "load_mnist": "normalize=True, flatten=True, one_hot_label=False",
        "init_mnist": "",
        "download_mnist": "",
    },
    "two_layer_net": {"TwoLayerNet": "input_size, hidden_size, output_size, weight_init_std=0.01"},
    "gradient_2d": {"numerical_gradient": "f, x", "function_2": "x", "tangent_line": "f, x"},
    "simple_convnet": {"SimpleConvNet": None},
    "deep_convnet": {"DeepConvNet": None},
    "layer_naive": {"MulLayer": "", "AddLayer": ""},
    **{f"{gate}_gate": {gate.upper(): "x1, x2"} for gate in ("and", "nand", "or", "xor")},
}
ALL = [
    (module, name, takes) for module, table in SIGNATURES.items() for name, takes in table.items()
]


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    """The book's names, which are gone again after the test."""
    finders, modules = list(sys.meta_path), set(sys.modules)
    trainlab.book.install()
    yield
    sys.meta_path[:] = finders
    roots = {*names.PACKAGES, *names.BESIDE_SCRIPTS}
    for name in set(sys.modules) - modules:
        if name.split(".")[0] in roots:
            del sys.modules[name]


def spelled(thing: Any) -> str:
    """The arguments as in a call, without annotations."""
    found = []
    for parameter in inspect.signature(thing).parameters.values():
        default = parameter.default
        if default is inspect.Parameter.empty:
            found.append(parameter.name)
        else:
            default = dict(default) if hasattr(default, "items") else default
            found.append(f"{parameter.name}={default!r}")
    return ", ".join(found)


@pytest.mark.parametrize(("module", "name", "takes"), ALL)
def test_a_name_is_there_and_takes_what_the_books_takes(
    module: str, name: str, takes: str | None
) -> None:
    thing = getattr(importlib.import_module(module), name)
    assert takes is None or spelled(thing) == takes
    if module.startswith("common."):
        assert getattr(importlib.import_module(module.replace("common", "common2")), name) is thing


@pytest.mark.parametrize("module", [*SIGNATURES, "common2.optimizer"])
def test_a_star_brings_numpy_and_the_names_along(module: str) -> None:
    given: dict[str, Any] = {}
    exec(f"from {module} import *", given)  # noqa: S102 - our own line
    assert "np" not in given if module == "layer_naive" else given["np"] is np
    assert {*SIGNATURES[module.replace("common2", "common")]} <= {*given}
    if module == "common.layers":
        assert {"softmax", "cross_entropy_error", "im2col"} <= {*given}


def test_the_page_lists_what_can_be_imported() -> None:
    ours = {f"{names.ROOM}.{ours}" for ours in names.MODULES.values()}
    listed = []
    for name in [one for one in names.MODULES if not one.startswith("common2.")]:
        module = importlib.import_module(name)
        others = ours - {module.__name__}
        own = [
            one
            for one in sorted(module.__all__, key=str.lower)
            if one != "np" and getattr(getattr(module, one), "__module__", None) not in others
        ]
        listed.append(f"| `{name}` | {', '.join(f'`{one}`' for one in own)} |")
    page = (ROOT / "docs" / "book.md").read_text(encoding="utf-8")
    assert [line for line in page.splitlines() if line.startswith("| `")] == listed


def test_cells_may_run_again() -> None:
    first = importlib.import_module("common.layers")
    for _ in range(2):
        trainlab.book.install()
        assert importlib.import_module("common.layers") is first
        again = importlib.reload(importlib.import_module("common.util"))
        assert again.smooth_curve([1.0] * 20).shape == (20,)
    assert sum(isinstance(finder, names.Back) for finder in sys.meta_path) == 1


def test_a_module_that_is_not_the_books_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'common\.absent'"):
        importlib.import_module("common.absent")


def test_a_misspelt_module_is_named() -> None:
    for name, meant in (
        ("common.optimiser", "common.optimizer"),
        ("common2.multilayernet", "common2.multi_layer_net"),
        ("dataset.mnsit", "dataset.mnist"),
    ):
        with pytest.raises(names.BookModuleError, match="No module named") as raised:
            importlib.import_module(name)
        assert str(raised.value) == f"No module named '{name}'; try {meant}"


def test_what_python_finds_is_the_readers_and_what_is_missing_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importlib.import_module("common.util")  # before the folder is known, as in a notebook
    written(tmp_path / "common", "Mine = 'a layer'", "layers.py")
    written(tmp_path / "common", "from common.layers import Mine\nx = 5", "mine.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.import_module("common.mine").x == 5
    assert importlib.import_module("common.optimizer").SGD
    assert trainlab.book.whose() == {
        "common.layers": str(tmp_path / "common" / "layers.py"),
        "common.mine": str(tmp_path / "common" / "mine.py"),
        "common.optimizer": "trainlab",
        "common.util": "trainlab",
    }


def test_installing_again_decides_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "common", "started = True", "__init__.py")
    written(tmp_path / "common", "mine = True", "util.py")
    assert hasattr(importlib.import_module("common.util"), "smooth_curve")
    monkeypatch.syspath_prepend(str(tmp_path))
    trainlab.book.install()
    assert importlib.import_module("common.util").mine
    assert importlib.import_module("common").started
    trainlab.book.install(ours=True)
    assert hasattr(importlib.import_module("common.util"), "smooth_curve")
    trainlab.book.install()
    assert importlib.import_module("common.util").mine


def test_a_readers_module_may_be_reloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = written(tmp_path / "common", "x = 1", "functions.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("common.functions")
    path.write_text("x = 23")
    assert importlib.reload(module).x == 23


ABSENT = {
    "gradient_method": "is a script of the book's chapter 4",
    "train_neuralnet": "is a script of the book's chapters",
    "common.time_layers": "belongs to the book's second volume",
    "dataset.ptb": "belongs to the book's second volume",
}


@pytest.mark.parametrize("name", ABSENT)
def test_a_module_of_the_book_that_is_not_here_is_named(name: str) -> None:
    words = f"^{name} {ABSENT[name]}, and not among trainlab's modules; try a file of that name"
    with pytest.raises(ModuleNotFoundError, match=words) as caught:
        importlib.import_module(name)
    assert caught.value.name == name


def test_every_module_of_the_table_is_there_and_none_is_named_as_absent() -> None:
    assert not names.ABSENT.keys() & names.MODULES.keys()
    for name in names.MODULES:
        assert names.is_ours(importlib.import_module(name))


@pytest.mark.parametrize(("folder", "layers"), [("ch04", False), ("chapter 4", False), ("x", True)])
def test_chapter_4_has_a_two_layer_network_of_its_own(
    folder: str, layers: bool, tmp_path: Path
) -> None:
    script = tmp_path / folder / "script.py"
    script.parent.mkdir()
    script.write_text(
        "from two_layer_net import TwoLayerNet\nprint(hasattr(TwoLayerNet(2, 3, 2), 'layers'))"
    )
    command = [sys.executable, "-m", "trainlab", "book", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(layers)


@pytest.mark.mnist
def test_the_forms_of_mnist(mnist_dir: Path) -> None:
    load_mnist = importlib.import_module("dataset.mnist").load_mnist
    (x, t), (x_test, t_test) = load_mnist()
    assert (x.shape, x.dtype, t.shape, t.dtype) == ((60_000, 784), np.float32, (60_000,), np.uint8)
    assert (x_test.shape, t_test.shape, float(x.max())) == ((10_000, 784), (10_000,), 1.0)
    (pixels, one_hot), _ = load_mnist(normalize=False, flatten=False, one_hot_label=True)
    assert (pixels.shape, pixels.dtype, int(pixels.max())) == ((60_000, 1, 28, 28), np.uint8, 255)
    np.testing.assert_array_equal(pixels.reshape(-1, 784) / np.float32(255), x)
    assert one_hot.shape == (60_000, 10)
    np.testing.assert_array_equal(one_hot.argmax(axis=1), t)


def test_modules_beside_scripts_are_found_in_the_folder_of_their_chapter(tmp_path: Path) -> None:
    code = (
        "from ch05.two_layer_net import TwoLayerNet\n"
        "from ch04.two_layer_net import TwoLayerNet as Other\n"
        "from ch07 import simple_convnet\n"
        "assert TwoLayerNet is not Other\n"
        "assert TwoLayerNet.__module__ == 'trainlab.book.two_layer_net'\n"
        "try:\n"
        "    import ch05.two_layer_nett\n"
        "except ModuleNotFoundError as error:\n"
        "    assert 'try ch05.two_layer_net' in str(error), error\n"
        "print(TwoLayerNet(4, 3, 2).params['W1'].shape)\n"
    )
    (tmp_path / "script.py").write_text(code)
    (tmp_path / "ch07").mkdir()
    (tmp_path / "ch07" / "own.py").write_text("mine = 1\n")
    command = [sys.executable, "-m", "trainlab", "book", "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "(4, 3)\n"), done.stderr
