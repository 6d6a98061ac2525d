"""What the reader has where Python finds it is used, module by module; what is missing is ours."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from book_command import run, written
from trainlab.data.mnist import FILES

PATH = "import os, sys\nsys.path.append(os.pardir)\n"


@dataclass(frozen=True)
class Case:
    """Files of the reader, a script `ch05/script.py`, what it prints, and whose modules it had."""

    files: Mapping[str, str]
    script: str
    printed: str
    theirs: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    start: str = "ch05"
    path: str = field(default=PATH)


RELU = {"common/functions.py": "def relu(x):\n    return 42\n"}
PACKAGE = {"common/__init__.py": "started = 'by the reader'\n"}
CASES = {
    "a changed function": Case(
        RELU,
        "from common.functions import relu\nprint(relu(1))",
        "42",
        theirs=("common/functions.py",),
    ),
    "a class of their own": Case(
        {"common/layers.py": "class Mine:\n    pass\n"},
        "from common.layers import Mine\nprint(Mine.__module__)",
        "common.layers",
        theirs=("common/layers.py",),
    ),
    "data of their own": Case(
        {"dataset/mnist.py": "def load_mnist():\n    return [0] * 8\n"},
        "from dataset.mnist import load_mnist\nprint(len(load_mnist()))",
        "8",
        theirs=("dataset/mnist.py",),
    ),
    "theirs, and ours for what is missing": Case(
        RELU,
        "from common.functions import relu\nfrom common.layers import Relu\n"
        "import common.optimizer as O\nprint(relu(1), Relu.__name__, O.SGD.__name__)",
        "42 Relu SGD",
        theirs=("common/functions.py",),
        ours=("common.layers", "common.optimizer"),
    ),
    "a package with code": Case(
        {**PACKAGE, **RELU},
        "import common\nfrom common.functions import relu\nimport common.layers as L\n"
        "print(common.started, relu(1), common.layers is L, L.Relu.__name__)",
        "by the reader 42 True Relu",
        theirs=("common/functions.py",),
        ours=("common.layers",),
    ),
    "relative imports": Case(
        {
            **PACKAGE,
            **RELU,
            "common/layers.py": "from .functions import relu\nfrom .util import im2col\n"
            "from . import optimizer\n",
        },
        "from common.layers import *\nprint(relu(1), im2col.__name__, optimizer.SGD.__name__)",
        "42 im2col SGD",
        theirs=("common/functions.py", "common/layers.py"),
        ours=("common.optimizer", "common.util"),
    ),
    "the package met before the path is extended": Case(
        RELU,
        "from common.layers import Relu\n" + PATH + "from common.functions import relu\n"
        "print(relu(1), Relu.__name__)",
        "42 Relu",
        theirs=("common/functions.py",),
        ours=("common.layers",),
        path="",
    ),
    "beside the script": Case(
        {"ch05/common/functions.py": "def relu(x):\n    return 7\n", **RELU},
        "from common.functions import relu\nprint(relu(1))",
        "7",
        theirs=("ch05/common/functions.py",),
    ),
    "parts in several folders": Case(
        {"ch05/common/__init__.py": "", "ch05/common/util.py": "x = 3\n", **RELU},
        "from common.functions import relu\nfrom common.util import x\nprint(relu(1), x)",
        "42 3",
        theirs=("common/functions.py", "ch05/common/util.py"),
    ),
    "a network of their own": Case(
        {"ch05/two_layer_net.py": "TwoLayerNet = 'mine'\n"},
        "from two_layer_net import TwoLayerNet\nprint(TwoLayerNet)",
        "mine",
        theirs=("ch05/two_layer_net.py",),
    ),
    "started in the folder above": Case(
        RELU,
        "from common.functions import relu\nprint(relu(1))",
        "42",
        theirs=("common/functions.py",),
        start=".",
    ),
    "started elsewhere, with a package and a chapter": Case(
        {**PACKAGE, **RELU, "ch04/mine.py": "x = 4\n"},
        "import common\nfrom common.functions import relu\nfrom ch04.mine import x\n"
        "print(common.started, relu(1), x)",
        "by the reader 42 4",
        theirs=("common/functions.py",),
        start="elsewhere/deep",
    ),
    "modules of the folder it is started in are not the script's": Case(
        {"elsewhere/common/functions.py": "def relu(x):\n    return 'a stranger'\n"},
        "from common.functions import relu\nprint(relu(1))",
        "1",
        ours=("common.functions",),
        start="elsewhere",
    ),
    "a folder without modules": Case(
        {"dataset/cactus.png": "", "common/notes.txt": ""},
        "from dataset.mnist import img_size\nfrom common.functions import relu\n"
        "print(relu(1), img_size)",
        "1 784",
        ours=("common.functions", "dataset.mnist"),
    ),
    "ours are preferred": Case(
        {
            "common/__init__.py": "raise RuntimeError('a broken copy')\n",
            "common/layers.py": "import a_module_that_is_missing\n",
            "common/mine.py": "from common.layers import Relu\nx = 5\n",
            "ch05/two_layer_net.py": "TwoLayerNet = 'mine'\n",
        },
        "from common.mine import x\nfrom two_layer_net import TwoLayerNet\n"
        "print(x, TwoLayerNet.__name__, sys.argv[1:])",
        "5 TwoLayerNet ['--ours']",
        theirs=("common/mine.py",),
        ours=("common.layers", "two_layer_net"),
        options=("--ours",),
    ),
    "what they pickled": Case(
        {"common/layers.py": "class Mine:\n    pass\n"},
        "import pickle\nfrom common.layers import Mine\nfrom two_layer_net import TwoLayerNet\n"
        "from trainlab.book.samples import Samples\nimport numpy as np\n"
        "x = np.ones(3).view(Samples)\n"
        "kept = pickle.loads(pickle.dumps([Mine(), TwoLayerNet(2, 3, 2).params, x]))\n"
        "print(type(kept[0]) is Mine, sorted(kept[1]), type(kept[2]).__name__)",
        "True ['W1', 'W2', 'b1', 'b2'] ndarray",
        theirs=("common/layers.py",),
        ours=("two_layer_net",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_whose_module_it_is(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    for file, text in case.files.items():
        written((tmp_path / file).parent, text, Path(file).name)
    script = written(tmp_path / "ch05", case.path + case.script)
    start = tmp_path / case.start
    start.mkdir(parents=True, exist_ok=True)
    words = case.options  # once before the script, for trainlab, once after it, for the script
    done = run(script, *words, options=case.options, folder=start)
    assert (done.returncode, done.stdout) == (0, case.printed + "\n"), done.stderr

    def named(file: str) -> str:
        return file.removeprefix("ch05/").removesuffix(".py").replace("/", ".")

    theirs = ", ".join(f"{named(file)} ({tmp_path / file})" for file in case.theirs)
    parts = [f"your files: {theirs}"] * bool(theirs)
    parts += ["trainlab: " + ", ".join(case.ours)] * bool(case.ours)
    apart = ", which do not use yours" if len(parts) == 2 else ""
    assert done.stderr == f"trainlab: modules from {'; from '.join(parts)}{apart}\n"
    assert not list((tmp_path / "ch05").glob("__pycache__/script*"))


def test_an_error_in_a_readers_module_is_pythons(tmp_path: Path) -> None:
    written(tmp_path / "common", "import a_module_that_is_missing", "layers.py")
    done = run(written(tmp_path / "ch05", PATH + "import common.layers"))
    assert done.returncode == 1
    assert "No module named 'a_module_that_is_missing'" in done.stderr


CHILDREN = """
from multiprocessing import get_context
import numpy as np
from common.functions import relu

def work(x):
    from common.layers import Relu
    return int(relu(x)), Relu.__name__, int(np.int(2.5)), __name__, __spec__ is not None

class Mine:
    x = 5

def value(mine):
    return mine.x

if __name__ == "__main__":
    with get_context(sys.argv[1]).Pool(1) as pool:
        print(pool.map(work, [1]), pool.map(value, [Mine()]))
"""


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize(
    "method",
    [
        "spawn",
        pytest.param(
            "forkserver", marks=pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
        ),
    ],
)
def test_children_find_the_same_modules(method: str, ours: bool, tmp_path: Path) -> None:
    written(tmp_path / "common", RELU["common/functions.py"], "functions.py")
    script = written(tmp_path / "ch05", PATH + CHILDREN)
    done = run(script, method, options=["--ours"] * ours, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"[({1 if ours else 42}, 'Relu', 2, '__mp_main__', True)] [5]\n"


def test_a_script_is_in_no_package(tmp_path: Path) -> None:
    done = run(written(tmp_path, "from .layers import Affine"))
    assert "attempted relative import with no known parent package" in done.stderr


OLD = """
import sys, warnings
warnings.simplefilter("error")
import numpy as np
print(np.zeros(2, dtype=np.int).dtype == int, np.float(3), np.object is object, np.Inf, np.NaN)
print(np.bool is np.bool_, hasattr(np, "no_such_name"), np.int(2.5))
"""


def test_names_of_old_numpy_work_in_scripts(tmp_path: Path) -> None:
    # An old matplotlib calls what a newer pyparsing has deprecated.
    done = run(written(tmp_path, OLD), PYTHONWARNINGS="error,default::DeprecationWarning")
    assert (done.returncode, done.stdout) == (0, "True 3.0 True inf nan\nTrue False 2\n")
    assert done.stderr.count("np.int is no longer in NumPy; the script gets int") == 1


MNIST = """
from dataset.mnist import *
import dataset.mnist
import gzip, os
init_mnist()
(x, t), (x_test, t_test) = load_mnist(normalize=False)
print(x.shape == (train_num, img_size), x_test.shape == (test_num, img_size), img_dim)
print(dataset_dir, os.path.basename(save_file), sorted(key_file))
with gzip.open(dataset_dir + "/" + key_file["test_label"]) as file:
    print(np.frombuffer(file.read(), np.uint8, offset=8).tolist() == t_test.tolist())
print((dataset.mnist._load_img(key_file["train_img"]) == x).all(), dataset.mnist._load_label(
    key_file["test_label"])[:3], dataset.mnist._change_one_hot_label(t[:1]))
print(*dataset.mnist._convert_numpy())
"""


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """An environment in which MNIST is in no other place, and none can be fetched."""
    (tmp_path / "empty").mkdir()
    offline = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    return {"TRAINLAB_DATA": "", "XDG_CACHE_HOME": str(tmp_path / "empty"), **offline}


def mnist_in(folder: Path, source: Path) -> Path:
    """The four files in the folder, compressed if they are at their source."""
    folder.mkdir(parents=True)
    for file in FILES:
        shutil.copy(source / f"{file.name}.gz", folder)
    return folder


@pytest.mark.mnist
@pytest.mark.skipif(sys.platform != "linux", reason="the cache is elsewhere")
@pytest.mark.parametrize("named", [False, True])
def test_mnist_in_a_folder_of_the_readers(
    named: bool, mnist_dir: Path, nowhere: dict[str, str], tmp_path: Path
) -> None:
    if not all((mnist_dir / f"{file.name}.gz").exists() for file in FILES):
        pytest.skip("MNIST is not compressed here")
    place = mnist_in(tmp_path / ("elsewhere" if named else "dataset"), mnist_dir)
    options = ["--data-dir", os.path.relpath(place, tmp_path)] if named else []
    script = written(tmp_path / "ch03", PATH + MNIST)
    done = run(script, options=options, folder=tmp_path, **nowhere)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "True True (1, 28, 28)"
    folder, *rest = lines[1].split(maxsplit=1)
    assert Path(folder).resolve() == place
    assert rest == ["mnist.pkl ['test_img', 'test_label', 'train_img', 'train_label']"]
    assert lines[2:4] == ["True", "True [7 2 1] [[0. 0. 0. 0. 0. 1. 0. 0. 0. 0.]]"]
    assert lines[4] == "train_img train_label test_img test_label"
    assert "writes no pickle" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the cache is elsewhere")
def test_other_data_under_the_names_of_mnist_is_refused(
    nowhere: dict[str, str], tmp_path: Path
) -> None:
    path = written(tmp_path / "dataset", "not MNIST", f"{FILES[0].name}.gz")
    script = written(tmp_path / "ch03", PATH + "from dataset.mnist import *\nload_mnist()")
    done = run(script, **nowhere)
    assert done.returncode == 1
    assert f"DataError: magic number of {path}" in done.stderr


def test_a_data_dir_that_is_not_there(tmp_path: Path) -> None:
    done = run(written(tmp_path, "print(1)"), options=["--data-dir", "absent"])
    assert (done.returncode, done.stdout) == (2, "")
    assert "--data-dir of MNIST must be a folder that is there; got 'absent'" in done.stderr
