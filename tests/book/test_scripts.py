"""Readers' scripts, run unmodified by `trainlab book`.

Each is run by the command itself, in a folder whose name has spaces and letters of other
alphabets, which is read-only, without a display; what it prints is checked here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from read_only import ReadOnly, read_only

SCRIPTS = Path(__file__).parent / "scripts"
FIGURE = "Figure: /"
WHOSE = "trainlab: modules from trainlab: "  # the reader has none here
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"

LOGARITHM = 2e-5
"""The book's loss has log(y + 1e-7) where its gradient has that of log y: relatively 1e-7 / y,
and no y of these scripts is below 1e-2; differences of h = 1e-4 add less than 1e-7."""


@dataclass(frozen=True)
class Script:
    """How a script is run, what it has to show, and a part of what is noticed (None: anything)."""

    arguments: tuple[str, ...]
    figures: int
    mnist: bool
    writes: bool
    notice: str | None
    check: Callable[[str], None]


ALL: dict[str, Script] = {}


def script(
    name: str,
    *arguments: str,
    figures: int = 0,
    mnist: bool = False,
    writes: bool = False,
    notice: str | None = "",
) -> Callable[[Callable[[str], None]], Callable[[str], None]]:
    """Registers the check of what `name` prints."""

    def register(check: Callable[[str], None]) -> Callable[[str], None]:
        assert name not in ALL
        ALL[name] = Script(arguments, figures, mnist, writes, notice, check)
        return check

    return register


def numbers(text: str) -> list[float]:
    """All numbers in the text."""
    return [float(word) for word in re.findall(NUMBER, text)]


def found(pattern: str, out: str) -> list[float]:
    """The numbers that stand where the pattern has #."""
    matches = re.findall(re.escape(pattern).replace(r"\#", f"({NUMBER})"), out)
    return [
        float(word) for match in matches for word in ([match] if isinstance(match, str) else match)
    ]


# ------------------------------------------------------------------ chapters 2 and 3


@script("ch02/gates")
def _(out: str) -> None:
    assert out == "AND [0, 0, 0, 1]\nNAND [1, 1, 1, 0]\nOR [0, 1, 1, 1]\nXOR [0, 1, 1, 0]\n"


@script("ch03/activations", figures=1)
def _(out: str) -> None:
    assert "step 0 1\n" in out
    assert "[0.26894142 0.73105858 0.88079708]" in out
    assert "[9.99954600e-01 4.53978686e-05 2.06106005e-09]" in out
    assert found("sigmoid # #", out) == pytest.approx([0.0066928509, 0.9926084587])


@script("ch03/forward")
def _(out: str) -> None:
    assert out.startswith("[0.31682708 0.69627909]\n")
    assert found("sum: #", out) == [1.0]


@script("ch03/mnist_show", mnist=True)
def _(out: str) -> None:
    lines = out.splitlines()
    assert lines[0] == "(60000, 784) (60000,) (10000, 784) (10000,)"
    assert lines[1:4] == ["5", "(784,)", "(28, 28) uint8 255"]
    assert "(60000, 1, 28, 28) float32 0.0 1.0 [0. 0. 0. 0. 0. 1. 0. 0. 0. 0.]" in out
    assert found("by hand: #", out) == pytest.approx([np.log(10)])


@script("ch03/batches", mnist=True)
def _(out: str) -> None:
    assert 0.02 < found("Accuracy:#", out)[0] < 0.3  # nobody trained it


# ------------------------------------------------------------------ chapters 4 and 5


@script("ch04/losses")
def _(out: str) -> None:
    values = numbers(out)
    assert values[:2] == [0.09750000000000003] * 2
    assert values[2:5] == pytest.approx([0.510825457099338] * 3, rel=1e-15)
    assert values[5] == pytest.approx(-np.log(0.1) - 1e-6, abs=1e-9)


@script("ch04/exp01_derivative", figures=1)
def _(out: str) -> None:
    assert numbers(out)[:2] == pytest.approx([0.2, 0.3], abs=1e-9)


@script("ch04/exp02_gradient_field", figures=2)
def _(out: str) -> None:
    assert out.startswith("(2, 324) ")
    assert numbers(out)[2] < 1e-8


@script("ch04/exp03_descent", figures=1)
def _(out: str) -> None:
    assert numbers(out.splitlines()[0]) == pytest.approx([-3 * 0.8**20, 4 * 0.8**20], abs=1e-7)
    assert "(20, 2) [-2.4  3.2]" in out
    assert max(map(abs, numbers(out.splitlines()[2]))) > 1e10


@script("ch04/exp03_integer_gradient", notice="float64 copy")
def _(out: str) -> None:
    lines = out.splitlines()
    assert [numbers(lines[i]) for i in (0, 1, 3)] == [pytest.approx([6, 8])] * 3
    assert numbers(lines[2]) == pytest.approx([0, 4, 6, 0, 2, 2], abs=1e-8)
    assert lines[4] == "[[0, 2], [3, 0], [1, 1]] i"


@script("ch04/exp04_simple_net")
def _(out: str) -> None:
    gradient = numbers(out)[:6]
    assert gradient == pytest.approx(
        [0.44452826, 0.14014461, -0.58467287, 0.66679239, 0.21021692, -0.87700931], abs=1e-8
    )
    assert "restored: True" in out
    assert found("difference: #", out)[0] < LOGARITHM


@script("ch04/exp05_train", "300", figures=1, mnist=True)
def _(out: str) -> None:
    assert all(0 < accuracy < 0.3 for accuracy in found("train acc, test acc | #, #", out))
    first, last = found("loss # #", out)
    assert first == pytest.approx(np.log(10), abs=0.1)
    assert last < 0.9 * first


@script("ch05/exp05_train", "3", mnist=True)
def _(out: str) -> None:
    first, second = (found(f"epoch {i} | train # test # loss #", out) for i in range(2))
    assert 0.6 < first[0] < second[0]
    assert second[1] > 0.8
    assert second[2] < first[2]
    assert "{'W1': (784, 50), 'b1': (50,), 'W2': (50, 10), 'b2': (10,)}" in out


@script("ch05/exp05_gradient_check", mnist=True)
def _(out: str) -> None:
    errors = [found(f"{name}:#", out)[0] for name in ("W1", "b1", "W2", "b2")]
    assert max(errors) < 1e-6


@script("ch05/apples")
def _(out: str) -> None:
    assert "price: 715\ndApple: 2.2 dOrange: 3.3 dTax: 650\n" in out
    assert "[[1.0, 0.0], [0.0, 3.0]] [[1.0, 0.0], [0.0, 1.0]]\n[0.5, 0.5] [0.25, 0.25]" in out


@script("ch05/graph_layers")
def _(out: str) -> None:
    assert out == "price 440.0\ngrads 3.3 132.0 1.1 400\n"


@script("ch05/own_layer")
def _(out: str) -> None:
    errors = [found(f"\n{name} #", "\n" + out)[0] for name in ("W1", "b1", "g", "W2", "b2", "W3")]
    assert max(errors) < LOGARITHM
    assert "y sums to [1.0, 1.0, 1.0, 1.0] loss kept: True True" in out


# ------------------------------------------------------------------ chapter 6


@script("ch06/exp06_optimizer_paths", figures=1)
def _(out: str) -> None:
    assert found("SGD # #", out) == pytest.approx(
        [-7 * (1 - 0.095) ** 30, 2 * (1 - 1.9) ** 30], abs=1e-6
    )
    ends = [found(f"{name} # #", out) for name in ("Momentum", "AdaGrad", "Adam")]
    assert all(abs(x) < 1 and abs(y) < 0.5 for x, y in ends)
    assert re.findall(r" (\d+)\n", out) == ["30"] * 4


@script("ch06/exp07_optimizers", "101", figures=1, mnist=True)
def _(out: str) -> None:
    assert re.findall("=== step (.*) ===", out) == ["0", "100"]
    last = dict(
        zip(
            ("SGD", "Momentum", "AdaGrad", "Adam"), numbers(out[out.index("last:") :]), strict=False
        )
    )
    for name, loss in last.items():
        first, later = found(f"{name}:#", out)
        assert 1.5 < first < 3.5
        assert later < first
        assert loss < first
    assert last["SGD"] == max(last.values())


@script("ch06/exp07_own_optimizer", figures=1)
def _(out: str) -> None:
    runs = re.findall(f"({NUMBER}) -> ({NUMBER}) in place: True", out)
    assert len(runs) == 4
    assert all(float(last) < 0.6 * float(first) for first, last in runs)
    assert found("rate: #", out) == [pytest.approx(0.05 * 0.99**60, abs=1e-4)]


@script("ch06/exp08_histograms", figures=4)
def _(out: str) -> None:
    wide, narrow, xavier, he = found("std of the last layer #", out)
    assert wide > 0.4
    assert narrow < 0.03
    assert narrow < min(xavier, he)
    assert max(xavier, he) < wide


@script("ch06/exp08_with_modules", figures=3)
def _(out: str) -> None:
    he, xavier, small = (numbers(line.partition("[")[2]) for line in out.splitlines()[:3])
    assert min(he) > 0.4  # He's keeps what ReLU would lose
    assert 0.05 < xavier[-1] < 0.3
    assert small[-1] < 1e-2 * small[0]


@script("ch06/exp09_weight_init", "120", figures=1, mnist=True)
def _(out: str) -> None:
    names = ("std=0.01", "Xavier", "He")
    spread = [found(f"{name} std of W2: #", out)[0] for name in names]
    assert spread == pytest.approx([0.01, 0.1, np.sqrt(0.02)], rel=0.1)
    last = numbers(out[out.index("last:") :].replace("std=0.01", ""))
    small, _, he = last[:3]
    assert small == pytest.approx(np.log(10), abs=0.02)
    assert he < 2
    assert len(re.findall("iteration", out)) == 2


@script("ch06/exp10_batch_norm", "3", figures=1, mnist=True, notice=None)  # std 1 overflows
def _(out: str) -> None:
    rows = found("/16 std # | without #, with #", out)
    assert len(rows) == 48
    assert rows[::3] == pytest.approx(np.logspace(0, -4, 16), abs=1e-5)
    assert found("better for # of 16", out)[0] >= 10


@script("ch06/exp11_weight_decay", "6", figures=2, mnist=True)
def _(out: str) -> None:
    rows = np.reshape(found("epoch:#, train acc:#, test acc:#", out), (2, 6, 3))
    assert rows[:, :, 0].tolist() == [[*range(6)]] * 2
    assert ((rows[:, :, 1:] >= 0) & (rows[:, :, 1:] <= 1)).all()
    plain, decayed = found("squared weights #", out)
    # 16 steps at 0.01 · 0.1, from the same start and on the same batches.
    assert decayed / plain == pytest.approx((1 - 0.001) ** 32, abs=5e-3)


@script("ch06/exp12_dropout", "3", figures=1, mnist=True)
def _(out: str) -> None:
    assert re.findall("ratio (.*)\n", out) == ["0 9 3 3", "0.15 9 3 3", "0.2 9 3 3"]
    assert len(found("train loss:#", out)) == 9
    rows = np.reshape(found("=== epoch:#, train acc:#, test acc:# ===", out), (3, 3))
    assert rows[:, 0].tolist() == [1, 2, 3]
    assert ((rows[:, 1:] > 0) & (rows[:, 1:] < 1)).all()
    assert len(found("\ntest acc:#", out)) == 1


@script("ch06/exp13_search", "6", "3", figures=1, mnist=True)
def _(out: str) -> None:
    assert out.startswith("(100, 784) (400, 784)\n")
    rows = np.reshape(found("\nval acc:# | lr:#, weight decay:#", out), (6, 3))
    assert ((rows[:, 1] > 1e-6) & (rows[:, 1] < 1e-2)).all()
    best = found("(val acc:#)", out)
    assert best == sorted(rows[:, 0], reverse=True)


@script("ch06/exp14_batch_norm_check", mnist=True)
def _(out: str) -> None:
    errors = re.findall(rf"^(\w+\d):({NUMBER})$", out, re.MULTILINE)
    assert len(errors) == 10
    assert max(float(error) for _, error in errors) < 1e-5
    assert "gamma1 is not empty: True" in out


@script("ch06/exp14_dropout_check", notice="dropout")
def _(out: str) -> None:
    assert found("worst #", out)[0] < LOGARITHM
    assert min(found("(size of the gradient #)", out)) > 1e-4


@script("ch06/shared_optimizer", notice="optimizer")
def _(out: str) -> None:
    assert "same: True" in out
    assert max(numbers(out)) < 0.9


@script("ch06/trainer_names", notice="rmsprpo")
def _(out: str) -> None:
    assert "rmsprpo RMSprop True 60\n" in out
    assert len(re.findall(r"^\w+ \w+ True 60$", out, re.MULTILINE)) == 7
    assert (
        len(re.findall("^=== epoch:[12], train acc:.*, test acc:.* ===$", out, re.MULTILINE)) == 2
    )


@script("ch06/subclasses")
def _(out: str) -> None:
    assert found("L1 gradient off by #", out)[0] < 1e-5
    assert "Recorder 40 True\nClipped 40 True\nnorms: 40 True" in out


@script("ch06/layers_by_hand")
def _(out: str) -> None:
    assert "train: mean 0.000000 std 1.0000" in out
    assert "shapes: (50,) (50,) (200, 50)" in out
    assert found("running mean: #", out) == pytest.approx([0.65], abs=0.01)
    assert "(10, 3, 4, 5) (10, 3, 4, 5)" in out
    assert found("kept: #", out) == pytest.approx([0.7], abs=0.03)
    assert "test: [0.7 0.7 0.7]" in out
    assert "follows the mask: True" in out


# ------------------------------------------------------------------ chapter 7


@script("ch07/shapes")
def _(out: str) -> None:
    assert out.startswith("(9, 75)\n(90, 75)\n[[1, 2, 3, 3, 3, 2, 1],")
    assert "(10, 4, 7, 7) 7 (10, 3, 7, 7) (4, 3, 5, 5) [490.0, 490.0, 490.0, 490.0]\n" in out
    assert out.count("(10, 4, 3, 3) 3 (10, 3, 7, 7)") == 2
    assert out.endswith("(10, 3, 3, 3) 270.0\n")


@script("ch07/train_convnet", "4", figures=1, mnist=True, writes=True, notice="no pickle")
def _(out: str) -> None:
    losses = found("train loss:#", out)
    assert len(losses) == 12
    assert losses[-1] < losses[0]
    assert "\nsaved\nloaded: True " in out
    assert found("loaded: True #", out)[0] > 0.3


@script("ch07/gradient_check")
def _(out: str) -> None:
    errors = re.findall(rf"^[Wb][123] ({NUMBER})$", out, re.MULTILINE)
    assert len(errors) == 6
    assert max(map(float, errors)) < 1e-6


@script("ch07/filters", figures=2)
def _(out: str) -> None:
    before, after = found("# -> #", out)
    assert before < 0.8
    assert after > 0.9
    assert out.endswith("(6, 1, 3, 3)\n")


@script("ch07/own_convnet", mnist=True)
def _(out: str) -> None:
    assert found("test acc: #", out)[0] > 0.6


# ------------------------------------------------------------------ chapter 8


@script("ch08/train_deep", "2", mnist=True)
def _(out: str) -> None:
    losses = found("train loss:#", out)
    assert len(losses) == 4
    assert all(0 < loss < 20 for loss in losses)
    assert "half: (10, 10) " in out


# ------------------------------------------------------------------ notebooks


@script("notebooks/optimizers", figures=1)
def _(out: str) -> None:
    x, y = -7.0, 2.0
    vx = vy = 0.0
    for step in range(1, 7):
        vx, vy = 0.9 * vx - 0.01 * x, 0.9 * vy - 0.2 * y
        x, y = x + vx, y + vy
        if step % 3 == 0:
            assert f"[{x:.6f}".rstrip("0") in out
    assert "60 True" in out


@script("notebooks/rerun_cells", figures=1)
def _(out: str) -> None:
    assert re.findall(r"run (\d 15 True)", out) == ["0 15 True", "1 15 True", "2 15 True"]
    assert found("went on: # #", out)[0] == 30
    assert "(2, 2) float64" in out
    assert out.endswith("True\n")


@script("notebooks/float_sizes", notice="whole numbers")
def _(out: str) -> None:
    assert out.startswith("30 6 6\n")
    assert "['W1', 'W2', 'W3', 'b1', 'b2', 'b3', 'beta1', 'beta2', 'gamma1', 'gamma2']" in out
    epochs, steps = found("epochs: # steps: #", out)
    assert epochs == 7
    assert 21 <= steps <= 28


@script("notebooks/float_index", mnist=True, notice="whole numbers")
def _(out: str) -> None:
    assert "(100, 784) (100,) (400, 784) (400,)" in out
    assert "uint8 float32 (784,)" in out


# ------------------------------------------------------------------ the tests


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> ReadOnly:
    """The scripts, a folder for each chapter, in a read-only place with an unusual name."""
    place = tmp_path_factory.mktemp("Bücher") / "読書 room – числа"
    shutil.copytree(SCRIPTS, place, ignore=shutil.ignore_patterns("__pycache__"))
    return read_only(place)


def environment(temporary: Path) -> dict[str, str]:
    """That of a user who has no screen, and chose nothing for matplotlib."""
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, "PYTHONUTF8": "1", "TMPDIR": str(temporary)}


def book(
    room: ReadOnly, path: Path, *arguments: str, cwd: Path, temporary: Path
) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "trainlab", "book", str(path), *arguments]
    return room.run(words, cwd, environment(temporary))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.mnist] if ALL[name].mnist else []) for name in ALL],
)
def test_a_readers_script(
    name: str, room: ReadOnly, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    expected = ALL[name]
    if expected.mnist:
        request.getfixturevalue("mnist_dir")
    path = room.folder / f"{name}.py"
    cwd = tmp_path if expected.writes else path.parent
    done = book(room, path, *expected.arguments, cwd=cwd, temporary=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines(keepends=True)
    saved = [Path(line.removeprefix("Figure: ").strip()) for line in lines if FIGURE in line]
    expected.check("".join(line for line in lines if FIGURE not in line))
    assert len(saved) == len(set(saved)) == expected.figures, done.stderr
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in saved)
    told = [line for line in done.stderr.splitlines() if not line.startswith(WHOSE)]
    if expected.notice is not None:  # else there may be warnings, as under Python
        assert expected.notice in "\n".join(told)
        assert expected.notice or not told, "a notice, or a warning, that nobody expected"


def test_nobody_writes_where_the_scripts_are(room: ReadOnly) -> None:
    before = sorted(room.folder.rglob("*"))
    for target in (room.folder / "new", room.folder / "ch06" / "new"):
        assert room.run(["touch", str(target)], room.folder).returncode != 0, room.how
    assert sorted(room.folder.rglob("*")) == before


def test_every_script_is_run_and_they_cover_the_experiments_and_the_chapters() -> None:
    files = {path.relative_to(SCRIPTS).with_suffix("") for path in SCRIPTS.rglob("*.py")}
    assert set(ALL) == {file.as_posix() for file in files}
    assert len(ALL) >= 25
    for number in range(1, 15):
        assert any(f"/exp{number:02}_" in name for name in ALL), number
    for chapter in range(2, 9):
        assert any(name.startswith(f"ch{chapter:02}/") for name in ALL), chapter


def test_the_scripts_know_nothing_of_this_project() -> None:
    for path in SCRIPTS.rglob("*.py"):
        assert "trainlab" not in path.read_text(encoding="utf-8")


ENDS = {
    "done": "print('done')",
    "sys.exit(3)": "import sys\nprint('so far')\nsys.exit(3)",
    "sys.exit of a word": "import sys\nsys.exit('no data')",
    "sys.exit()": "import sys\nsys.exit()",
    "exception": "def f(n):\n    return 1 / n\n\nprint('so far')\nf(0)",
    "own exception": "class Mine(Exception): pass\nraise Mine('größer')",
    "chained": "try:\n    {}['x']\nexcept KeyError as e:\n    raise ValueError('y') from e",
    "missing file": "open('nowhere.txt')",
    "missing module": "import nothing_of_that_name",
    "syntax error": "print('never')\nif True\n    pass",
    "indentation": "def f():\nreturn 1",
    "arguments": "import sys\nprint(sys.argv[1:], __name__, __file__ == sys.argv[0])",
    "assertion": "assert 1 == 2, 'no'",
}


@pytest.mark.parametrize("name", ENDS)
def test_a_script_ends_as_it_does_under_python(name: str, tmp_path: Path) -> None:
    place = tmp_path / "Ende gut"
    place.mkdir()
    (place / "skript.py").write_text(ENDS[name], encoding="utf-8")
    ours, pythons = (
        subprocess.run(
            [sys.executable, *command, str(place / "skript.py"), "--epochs", "3", "-h"],
            cwd=place,
            env=environment(tmp_path),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        for command in (["-m", "trainlab", "book"], [])
    )
    assert ours.returncode == pythons.returncode
    assert ours.stdout == pythons.stdout
    assert ours.stderr == pythons.stderr


def test_a_script_does_not_wait_for_what_it_does_not_use() -> None:
    code = (
        "import sys, trainlab.book.script, trainlab.plots.backend\n"
        "print([name for name in ('scipy.stats', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
