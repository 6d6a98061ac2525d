"""`trainlab book SCRIPT`: as Python would run it, from any folder, with no screen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from book_command import run, written
from trainlab.cli import INTERRUPTED

SEES = """
import sys, os
sys.path.append(os.pardir)
import numpy as np
from common.optimizer import *
from common2.layers import *
print(__name__, sys.argv[1:], os.path.isabs(__file__), os.getcwd())
print(Affine.__name__, Adam.__name__, np.pi)
"""
DRAWS = """
import matplotlib
matplotlib.use("TkAgg")
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.figure()
plt.plot([2, 1])
plt.show()
plt.plot([3])
plt.show()
"""


def test_a_script_sees_what_python_would_show_it(tmp_path: Path) -> None:
    script = written(tmp_path / "Übung 書 1", SEES, "mein skript.py")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = run(script, "-h", "--data", "x y", folder=elsewhere)
    told = "trainlab: modules from trainlab: common.optimizer, common2.layers\n"
    assert (done.returncode, done.stderr) == (0, told)
    first, second = done.stdout.splitlines()
    assert first == f"__main__ ['-h', '--data', 'x y'] True {elsewhere}"
    assert second == "Affine Adam 3.141592653589793"


def test_a_script_imports_its_neighbours(tmp_path: Path) -> None:
    written(tmp_path / "scripts", "x = 7", "neighbour.py")
    script = written(tmp_path / "scripts", "import neighbour\nprint(neighbour.x)")
    assert run(script, folder=tmp_path).stdout == "7\n"


def test_figures_go_to_files_where_there_is_no_screen(tmp_path: Path) -> None:
    script = written(tmp_path / "ça va", DRAWS, "courbe.py")
    done = run(script)
    paths = [script.parent / f"courbe-figure-{i}.png" for i in (1, 2, 3)]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "".join(f"Figure: {path}\n" for path in paths)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    assert set(script.parent.iterdir()) == {script, *paths}


def test_a_window_that_does_not_wait_is_one_file(tmp_path: Path) -> None:
    loop = "for i in range(3):\n    plt.plot([i, i + 1])\n    plt.pause(0.001)\n"
    script = written(tmp_path, f"import matplotlib.pyplot as plt\n{loop}plt.show()\n")
    done = run(script)
    assert done.stdout == f"Figure: {tmp_path / 'script-figure-1.png'}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX folders")
def test_a_folder_that_may_only_be_read(tmp_path: Path) -> None:
    script = written(tmp_path / "read only", DRAWS)
    script.parent.chmod(0o555)
    try:
        if os.access(script.parent, os.W_OK):  # root writes everywhere
            done = run(script, folder=Path("/proc"))
        else:
            done = run(script)
    finally:
        script.parent.chmod(0o755)
    assert (done.returncode, done.stderr) == (0, "")
    paths = [Path(line.removeprefix("Figure: ")) for line in done.stdout.splitlines()]
    assert len(paths) == 3
    assert all(path.is_file() and path.parent == paths[0].parent for path in paths)
    assert list(script.parent.iterdir()) == [script]


def test_an_error_is_pythons_own(tmp_path: Path) -> None:
    text = "def f():\n    return 1 / 0\n\nprint('before')\nf()\n"
    script = written(tmp_path, text)
    ours = run(script)
    theirs = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert (ours.returncode, ours.stdout, ours.stderr) == (1, "before\n", theirs.stderr)


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('enough')", 1, "enough\n"),
        ("open('absent.txt')", 1, "FileNotFoundError"),
        ("if True print(1)", 1, "SyntaxError"),
        ("import common.absent", 1, "No module named 'common.absent'"),
        ("raise KeyboardInterrupt", INTERRUPTED, "Interrupted.\n"),
    ],
)
def test_how_scripts_end(text: str, code: int, told: str, tmp_path: Path) -> None:
    done = run(written(tmp_path, text))
    assert done.returncode == code
    assert told in done.stderr
    assert "trainlab" not in done.stderr.replace(str(tmp_path), "")


def test_a_misspelt_name_of_a_module_is_named(tmp_path: Path) -> None:
    done = run(written(tmp_path, "from common.optimizer import Adma"))
    assert done.returncode == 1
    assert "Did you mean: 'Adam'?" in done.stderr


def test_our_errors_show_the_lines_of_the_reader_alone(tmp_path: Path) -> None:
    text = (
        "from common.multi_layer_net import MultiLayerNet\nimport numpy as np\n"
        "def ask(network):\n    return network.loss(np.ones(5), [1])\n"
        "ask(MultiLayerNet(5, [4], 3))\n"
    )
    script = written(tmp_path, text)
    lines = run(script).stderr.splitlines()
    assert [line.strip() for line in lines if "File" in line] == [
        f'File "{script}", line 5, in <module>',
        f'File "{script}", line 4, in ask',
    ]
    assert lines[-2] == (
        "trainlab.errors.DataError: x of Affine must have 5 features in each row; "
        "got an array of shape (5,) and dtype float64; try x.reshape(1, -1)"
    )


def test_options_after_the_script_are_the_scripts_and_are_told(tmp_path: Path) -> None:
    script = written(tmp_path, "import sys\nprint(sys.argv[1:])")
    done = run(script, "--data-dir=here", "--other")
    assert done.stdout == "['--data-dir=here', '--other']\n"
    note = "Note: --data-dir=here stands after SCRIPT, so the script has it; "
    assert done.stderr == f"{note}options of ours come before.\n"


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    done = run(tmp_path / "absent.py")
    assert done.returncode == 2
    assert "absent.py' does not exist" in done.stderr


def test_a_notebook_is_told_what_to_call(tmp_path: Path) -> None:
    """It was run as a script, whose `null` is not defined."""
    notebook = tmp_path / "lesson.ipynb"
    notebook.write_text('{"cells": [{"execution_count": null}]}', "utf-8")
    done = run(notebook)
    assert done.returncode == 2
    assert "a notebook calls trainlab.book.install() in its first cell" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c(tmp_path: Path) -> None:
    script = written(tmp_path, "import time\nprint('on', flush=True)\ntime.sleep(60)\n")
    # A shell that started the tests in the background would have SIGINT ignored in them.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from trainlab.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "book", str(script)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=60)[1]
    assert (process.returncode, told) == (INTERRUPTED, "Interrupted.\n")
