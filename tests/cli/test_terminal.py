"""What reaches a terminal: every character visible, none of them obeyed, none of them an error."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import trainlab as tl
from live_runs import small
from trainlab import cli, terminal
from trainlab.book import notices
from trainlab.cli import screen
from trainlab.data.table import read_table
from trainlab.errors import TrainlabError
from trainlab.live.kept import log_of
from trainlab.terminal import command, printable

COMMANDS = Path(cli.__file__).parent
EVIL = "\x1b]0;owned\x07[red]\x1b[31m\u202e\x9b2J"
"""It sets a title, changes colours, turns the reading direction and clears the screen."""
SEEN = r"\x1b]0;owned\x07[red]\x1b[31m\u202e\x9b2J"
QUICK = ("--trials", "2", "--rounds", "1", "--folds", "2", "--max-iter", "2", "--hidden", "3")

pytestmark = pytest.mark.usefixtures("no_figures")


def invoke(*words: Any, charset: str = "utf-8") -> Result:
    runner = CliRunner(charset=charset, env={"COLUMNS": "300"})
    return runner.invoke(cli.main, [str(word) for word in words])


def is_safe(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def table(folder: Path, name: str = "table.csv") -> Path:
    """A table whose columns and labels hold escape sequences."""
    path = folder / name
    lines = [f"{n},{'xy'[n % 2]}{EVIL},{EVIL if n % 3 else 'b'}" for n in range(40)]
    text = "\n".join([f"n{EVIL},w{EVIL},t{EVIL}", *lines, ""])
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (EVIL, SEEN),
        ("a\tb\nc\r", r"a\tb\nc\r"),
        ("\ud800\udcff\u2028\U000e0001", r"\ud800\udcff\u2028\U000e0001"),
        (f"Größe η₂ {chr(0x200D)} 深度", f"Größe η₂ {chr(0x200D)} 深度"),
        (r"C:\x1b", r"C:\x1b"),
    ],
)
def test_hidden_characters_are_spelt_out(text: str, seen: str) -> None:
    assert printable(text) == seen
    assert printable(seen) == seen


def test_what_an_encoding_lacks_is_replaced() -> None:
    assert printable("3 × 4 – 5 … ± 1, ü 深", "ascii") == r"3 x 4 - 5 ... +- 1, \xfc \u6df1"
    assert printable("3 × 4 – ü", "latin-1") == "3 × 4 - ü"


@pytest.mark.skipif(sys.platform == "win32", reason="bash is not there")
def test_a_shell_reads_a_command_as_it_was_given() -> None:
    words = ["a b", EVIL, "it's\\\n", "\udcff", "plain", "", "\U000e0001!"]
    line = command(["printf", "%s\\0", *words])
    assert printable(line) == line
    given = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True, env=given)
    assert [os.fsdecode(word) for word in done.stdout.split(b"\0")] == [*words, ""]


def test_commands_write_through_one_file() -> None:
    """Nothing else of the command line imports rich, echoes, prints or holds a stream."""
    for path in COMMANDS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module).split(".")[0]]
            elif isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.Attribute):
                names = [node.attr]
            elif isinstance(node, ast.Name):
                names = [node.id]
            forbidden = {"rich", "echo", "secho", "print", "stdout", "stderr"} & set(names)
            assert path.name == "screen.py" or not forbidden, f"{path.name}: {forbidden}"


# --- names from outside ----------------------------------------------------------------


def test_names_and_times_of_runs_are_spelt_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = SimpleNamespace(key=EVIL, done=1, total=2, begun=EVIL, changed=EVIL, size=3)
    monkeypatch.setattr("trainlab.store.listed", lambda folder: [run])
    done = invoke("runs", tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.count(SEEN) == 3
    assert is_safe(done.output)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("charset", ["utf-8", "ascii"])
def test_names_of_columns_and_labels_are_spelt_out(
    charset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = table(tmp_path), tmp_path / f"o{EVIL}"
    words = ("--csv", source, "--target", f"t{EVIL}", *QUICK, "--out", out)
    done = invoke("search", *words, charset=charset)
    assert done.exit_code == 0, done.output
    assert is_safe(done.output)
    assert f"'w{SEEN}'" in done.stderr
    assert done.output.isascii() is (charset == "ascii")
    (line,) = [line for line in done.output.splitlines() if line.startswith("To predict: ")]
    assert line.endswith(f"{command([str(out / 'model.safetensors')])} NEW.csv")

    extra = tmp_path / "extra.csv"
    lines = source.read_text(encoding="utf-8").split("\n")
    rows = [f"z{EVIL},{lines[0]}", *(f"1,{line}" for line in lines[1:] if line)]
    extra.write_text("\n".join(rows) + "\n", encoding="utf-8")
    told = invoke("predict", out / "model.safetensors", extra, charset=charset)
    assert told.exit_code == 0, told.output
    assert told.stderr == f"Columns that the model does not use: z{SEEN}, n{SEEN}, t{SEEN}\n"
    # A pipe gets the labels, in UTF-8.
    labels = told.stdout_bytes.decode("utf-8").splitlines()
    assert labels[0] == "prediction"
    assert set(labels[1:]) <= {EVIL, "b"}
    assert EVIL in labels

    monkeypatch.setattr(screen, "_is_terminal", lambda stream: True)
    told = invoke("predict", out / "model.safetensors", extra, charset=charset)
    assert is_safe(told.output)
    assert told.stdout.splitlines() == [one.replace(EVIL, SEEN) for one in labels]


@pytest.mark.parametrize(
    "words",
    [
        [f"--{EVIL}"],
        [EVIL],
        ["list", f"--{EVIL}"],
        ["list", EVIL],
        ["run", EVIL],
        ["run", "derivative", "--data", EVIL],
        ["run", "derivative", "--out", f"/dev/null/{EVIL}"],
        ["runs", EVIL],
        ["report", EVIL],
        ["check", "--hidden", EVIL],
        ["check", "--hidden", "3", "--activation", EVIL],
        ["data", "--data-dir", EVIL],
        ["book", EVIL],
        ["predict", EVIL, EVIL],
        ["search", "--csv", EVIL, "--target", EVIL],
    ],
)
def test_errors_spell_out_what_was_given(words: list[str]) -> None:
    done = invoke(*words)
    assert done.exit_code == 2, done.output
    assert "Error: " in done.output
    assert r"\x1b" in done.output
    assert is_safe(done.output)
    done = invoke(*(f"ü{word}" if word == EVIL else word for word in words), charset="ascii")
    assert done.exit_code == 2
    assert done.output_bytes.isascii()


def test_an_error_has_no_hidden_characters_in_python_either() -> None:
    for call in (tl.load, lambda path: read_table(path), lambda path: tl.load_mnist(path)):
        with pytest.raises(TrainlabError) as caught:
            call(EVIL)
        assert SEEN in str(caught.value)
        assert str(caught.value).isprintable()


def test_warnings_and_notices_are_spelt_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = warnings.formatwarning
    with screen.prepared():
        assert f"UserWarning: {SEEN}\nb\n" in warnings.formatwarning(
            f"{EVIL}\nb", UserWarning, "f", 1
        )
    assert warnings.formatwarning is usual
    notices.notice(EVIL)
    assert capsys.readouterr().err == f"trainlab: {SEEN}\n"


# --- encodings -------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_every_command_writes_ascii_where_there_is_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results, searched, script = tmp_path / "r", tmp_path / "s", tmp_path / "script.py"
    script.write_text("print('3 × ü')\n", encoding="utf-8")
    source = table(tmp_path)
    model, log = searched / "model.safetensors", tmp_path / "log.json"
    log.write_text(json.dumps(log_of(small())), encoding="utf-8")
    calls: dict[str, tuple[Any, ...]] = {
        "list": (),
        "info": (),
        "data": (),
        "run": ("derivative", "--out", results),
        "runs": (results,),
        "report": (results,),
        "check": ("--hidden", "3"),
        "search": ("--csv", source, "--target", f"t{EVIL}", *QUICK, "--out", searched),
        "predict": (model, source, "--out", tmp_path / "out.csv"),
        "new": ("experiment", "mine"),
        "live": ("--replay", log),
        "book": (script,),
    }
    assert set(calls) == set(cli.main.commands)
    for name, words in calls.items():
        for one in ((name, "--help"), (name, *words)):
            done = invoke(*one, charset="ascii")
            assert done.exit_code == 0, (one, done.output, done.exception)
            assert done.output_bytes.isascii(), one
    assert "3 x \\xfc" in done.output


def test_a_check_that_fails_writes_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainlab.network.activations import Softplus

    monkeypatch.setattr(Softplus, "pullback", lambda self, x, y, dy, out, new: dy * 2)
    done = invoke("check", charset="ascii")
    assert done.exit_code == 1
    assert " x " in done.output


@pytest.mark.parametrize(
    "given",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_the_program_itself_writes_ascii(given: dict[str, str]) -> None:
    words = [sys.executable, "-m", "trainlab", "list"]
    done = subprocess.run(words, capture_output=True, check=True, env={**os.environ, **given})
    assert done.stdout.isascii()
    assert b"optimizer-comparison" in done.stdout


def test_streams_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    other = object()
    monkeypatch.setattr("sys.stderr", other)
    terminal.prepare()
    assert sys.stdout is None
    assert sys.stderr is other


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_terminal_gets_a_bar_and_labels_in_its_encoding(encoding: str, tmp_path: Path) -> None:
    """On a terminal of its own, where bars are drawn and colours are on."""
    import pty

    X = np.arange(12.0)[:, None]
    network = tl.MLPClassifier((3,), max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.fit(X, [f"×{EVIL}", f"ü{EVIL}"] * 6)
    tl.save(network, tmp_path / "model")
    (tmp_path / "x.csv").write_text("x\n" + "".join(f"{n}\n" for n in range(12)))
    code = (
        "import time\n"
        "from trainlab.cli import main\n"
        "from trainlab.terminal import prepare\n"
        "from trainlab.training.progress import Bar\n"
        "prepare()\n"
        f"with Bar({EVIL!r}) as bar:\n"
        "    bar.start(3, 9)\n"
        "    time.sleep(0.3)\n"
        f"main(['predict', {str(tmp_path / 'model')!r}, {str(tmp_path / 'x.csv')!r}])\n"
    )
    ours, theirs = pty.openpty()
    given = {**os.environ, "PYTHONIOENCODING": encoding, "TERM": "xterm", "COLUMNS": "200"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=theirs, stderr=theirs, stdin=theirs, env=given
    ) as process:
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            parts.append(part)
    os.close(ours)
    told = b"".join(parts).decode(encoding)
    assert process.returncode == 0, told
    assert "Traceback" not in told
    assert f"{SEEN} " in told  # the bar
    assert EVIL[:3] not in told
    first, second = ("x", "\\xfc") if encoding == "ascii" else ("×", "ü")
    labels = told[told.index("prediction\r\n") :].split("\r\n")[1:-1]
    assert len(labels) == 12
    assert set(labels) <= {f"{first}{SEEN}", f"{second}{SEEN}"}
    assert "0/3 members" in told
