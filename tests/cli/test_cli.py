"""The command line: what it prints, where it writes, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import pages
from trainlab import cli
from trainlab.errors import DownloadError
from trainlab.experiments import EXPERIMENTS, find
from trainlab.store import Store


def invoke(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli.main, list(words))


def test_every_command_has_help() -> None:
    names = {"list", "run", "runs", "info", "check", "data", "report", "search"}
    assert names <= set(cli.main.commands)
    for name, command in cli.main.commands.items():
        result = invoke(name, "--help")
        assert result.exit_code == 0
        assert command.help
        assert result.output.startswith("Usage:")


def test_the_module_is_the_command() -> None:
    words = [sys.executable, "-m", "trainlab", "list"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "optimizer-comparison" in done.stdout


def test_list_names_all_experiments() -> None:
    result = invoke("list")
    assert result.exit_code == 0
    for name in EXPERIMENTS:
        assert f"\n{name} " in result.output


def test_run_writes_results_and_says_where_the_page_is(tmp_path: Path) -> None:
    result = invoke("run", "derivative", "optimizer-paths", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "derivative: as expected" in result.output
    assert f"Page: {tmp_path / 'index.html'}" in result.output
    assert "Inside our intervals: 8 of 8 derived by us." in result.output
    content = json.loads((tmp_path / "derivative" / "results.json").read_text())
    assert content["environment"]["quick"] is False


def test_report_rebuilds_the_page_from_what_is_on_disk(tmp_path: Path) -> None:
    assert invoke("run", "derivative", "--out", str(tmp_path)).exit_code == 0
    page = tmp_path / "index.html"
    before = page.read_bytes()
    page.unlink()
    result = invoke("report", str(tmp_path))
    assert (result.exit_code, result.output) == (0, f"Page: {page.resolve()}\n")
    assert page.read_bytes() == before


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda one: (one / "results.json").write_text("{"), "results.json must be results that"),
        (lambda one: (one / "figure.svg").unlink(), "figure.svg"),
        (lambda one: _cut(one / "figure.svg"), "figure.svg must be a whole SVG"),
        (lambda one: (one / "figure.svg").write_bytes(b"\xff"), "figure.svg must be a whole SVG"),
    ],
)
def test_report_shows_what_it_can_and_fails_where_something_is_damaged(
    damage: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    assert invoke("run", "derivative", "--out", str(tmp_path)).exit_code == 0
    damage(pages.put(tmp_path, pages.content(pages.example())) / pages.NAME)
    result = invoke("report", str(tmp_path))
    assert result.exit_code == 1
    page, left_out = result.output.splitlines()
    assert page == f"Page: {tmp_path.resolve() / 'index.html'}"
    assert left_out.startswith("Left out: ")
    assert told in left_out
    assert "derivative" in (tmp_path / "index.html").read_text(encoding="utf-8")


def _cut(path: Path) -> None:
    """As a copy that was interrupted."""
    path.write_bytes(path.read_bytes()[:-10])


def test_run_passes_its_options_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def run(experiments: Any, out: Any, options: Any, watch: Any, done: Any) -> None:
        seen.update(names=[e.name for e in experiments], out=out, options=options)
        raise DownloadError("no network")

    monkeypatch.setattr("trainlab.experiments.run", run)
    words = ["--data", "mnist", "--data-dir", "d", "--seeds", "3", "--workers", "1", "--quick"]
    words += ["--backend", "dask", "--scheduler", "tcp://there:8786", "--engine", "numpy"]
    result = invoke("run", "tiny-network", *words, "--out", str(tmp_path))
    assert result.exit_code == 2
    assert result.output == "Error: no network\n"
    options = seen["options"]
    assert (options.data, options.data_dir, options.seeds) == ("mnist", Path("d"), 3)
    assert (options.workers, options.quick, options.engine) == (1, True, "numpy")
    assert (options.backend, options.scheduler) == ("dask", "tcp://there:8786")
    assert (seen["names"], seen["out"]) == (["tiny-network"], tmp_path)


def test_one_seed_is_warned_about(tmp_path: Path) -> None:
    result = invoke("run", "tiny-network", "--seeds", "1", "--out", str(tmp_path))
    assert result.exit_code == 0
    assert "One seed shows no ranking" in result.output


def test_info_names_engine_and_versions() -> None:
    lines = invoke("info").output.splitlines()
    assert lines[0].startswith(("engine: native (", "engine: numpy ("))
    assert f"numpy: {np.__version__}" in lines


def test_runs_lists_what_is_kept(tmp_path: Path) -> None:
    assert invoke("run", "derivative", "--out", str(tmp_path)).exit_code == 0
    result = invoke("runs", str(tmp_path))
    assert result.exit_code == 0
    row = r"derivative: 10 seeds, results +│ yes +│ 2.* UTC │ 2.* UTC │ < 0.1 MB"
    assert re.search(row, result.output)


@pytest.mark.parametrize("seeds", [1, 2])
def test_runs_says_what_its_numbers_count(seeds: int, tmp_path: Path) -> None:
    options = ["--seeds", str(seeds), "--quick", "--set", "steps=3", "--out", str(tmp_path)]
    assert invoke("run", "dropout", *options).exit_code == 0
    words = "1 seed" if seeds == 1 else "2 seeds"
    output = invoke("runs", str(tmp_path)).output
    row = rf"dropout-\w+: digits, {words}, quick, population 1 +│ \d+ of \d+ │ 2"
    assert re.search(row, output), output
    assert f"{words}, quick, results " in output


def test_arms_that_are_left_out_are_said(tmp_path: Path) -> None:
    options = ["--vary", "dropout=0,0.2", "--seeds", "2", "--quick", "--out", str(tmp_path)]
    result = invoke("run", "dropout", "--set", "steps=3", *options)
    own = ", ".join(EXPERIMENTS["dropout"].vary)  # type: ignore[union-attr]
    assert f"Its own arms are left out: {own}\n" in result.output


def test_arms_with_a_comma_in_their_name_are_told_apart(tmp_path: Path) -> None:
    options = ["--vary", "norm=none,batch", "--seeds", "2", "--quick", "--out", str(tmp_path)]
    result = invoke("run", "batch-norm", "--set", "steps=3", *options)
    assert "left out: “std=1, plain”, “std=1, batch norm”, “std=0.541, plain”" in result.output


def test_what_cannot_be_begun_is_told_what_can() -> None:
    output = " ".join(invoke("new", "layer", "foo").output.split())
    assert "No such command 'layer'. Try main new experiment foo. Layers, " in output
    assert "docs/your-own.md" in output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["runs", "absent"], "DIR of a list of runs must be a folder with runs.sqlite"),
        (["run", "derivatives"], "try derivative"),
        (["run", "derivative", "--out", "/dev/null/x"], "must be a folder that can be written to"),
        (["run", "optimizer-comparison", "--data", "mnist", "--data-dir", "absent"], "--data-dir"),
        (["run", "derivative", "--seeds", "0"], "--seeds"),
        (["run"], "NAME"),
        (["check", "--hidden", "20,x"], "widths like 20,20"),
        (["check", "--hidden", "20xx10"], "widths like 20,20"),
        (["check", "--hidden", "20", "--activation", "rely"], "activation of MLP must be one of"),
        (["data", "--data-dir", "absent"], "must be a folder that is there"),
        (["report", "absent"], "DIR of a report must be a folder with results of experiments"),
        (["report", "."], "try trainlab run all --out ."),
        (["fly"], "No such command"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(*words)
    assert result.exit_code == 2
    (line,) = [line for line in result.output.splitlines() if line.startswith("Error:")]
    assert told in line
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) in ([], [tmp_path / cli.DEFAULT_OUT])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(tmp_path: Path) -> None:
    # A shell that started the tests in the background would have SIGINT ignored in them.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from trainlab.cli import main; main()"
    )
    words = ["run", "derivative", "optimizer-comparison", "--seeds", "500", "--out", str(tmp_path)]
    command = [sys.executable, "-c", code, *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "derivative: as expected\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == cli.INTERRUPTED
    assert "1 experiment finished, 1 left" in told
    assert f"To continue: trainlab run optimizer-comparison --seeds 500 --out {tmp_path}\n" in told
    assert "Traceback" not in told
    assert (tmp_path / "index.html").is_file()
    names = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert names == {"derivative", "index.html", "runs.sqlite"}


def test_an_interruption_names_the_options_that_were_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(experiments: Any, out: Any, options: Any, watch: Any, done: Any) -> None:
        with watch(experiments[0].name):
            raise KeyboardInterrupt

    monkeypatch.setattr("trainlab.experiments.run", run)
    words = ["--data", "mnist", "--data-dir", "a b", "--workers", "2", "--quick"]
    words += ["--backend", "loky", "--engine", "numpy"]
    result = invoke("run", "all", *words, "--out", str(tmp_path))
    assert result.exit_code == cli.INTERRUPTED
    assert "Nothing is saved yet.\n" in result.output
    assert "Page" not in result.output  # it would have no results
    names = [one.name for one in find(["all"], "mnist")]
    assert f"0 experiments finished, {len(names)} left" in result.output
    (line,) = [line for line in result.output.splitlines() if line.startswith("To continue")]
    assert line == (
        f"To continue: trainlab run {' '.join(names)} --data mnist --data-dir 'a b' "
        f"--workers 2 --backend loky --engine numpy --out {tmp_path} --quick"
    )


def test_what_an_interrupted_training_has_saved_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(experiments: Any, out: Path, *_: Any) -> None:
        with Store(out) as store:
            store.run("dropout: digits, 8 seeds, 1", {}, 3).save(parts)
        raise KeyboardInterrupt

    monkeypatch.setattr("trainlab.experiments.run", run)
    parts: dict[tuple[str, int], bytes] = {}
    words = ["run", "dropout", "--out", str(tmp_path)]
    assert "\nNothing is saved yet.\nTo continue: trainlab run dropout" in invoke(*words).output
    parts["checkpoint", 0] = b"state"
    assert f"\nWhat is done is saved in {tmp_path}\nTo continue" in invoke(*words).output


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["run", "dropout", "my own.py", "--seeds", "4"], "experiments.find"),
        (["search", "--csv", "t.csv", "--target", "y"], "tables.problem.problem"),
    ],
)
def test_an_interruption_before_any_training_says_how_to_go_on(
    words: list[str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"trainlab.{place}", interrupted)
    result = invoke(*words, "--fresh")
    told = f"Interrupted.\nTo continue: trainlab {' '.join(words)}\n".replace(
        "my own.py", "'my own.py'"
    )
    assert (result.exit_code, result.output) == (cli.INTERRUPTED, told)


def test_an_interruption_elsewhere_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(seed: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trainlab.experiments.checks.check_all", interrupted)
    result = invoke("check")
    assert (result.exit_code, result.output) == (cli.INTERRUPTED, "Interrupted.\n")


def test_an_interruption_while_the_program_is_read_is_no_traceback() -> None:
    code = """
import sys

class Pressed:
    def find_spec(self, name, path=None, target=None):
        if name == "trainlab.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Pressed())
from trainlab.__main__ import main

main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (cli.INTERRUPTED, "", "Interrupted.\n")


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainlab.files.write", full)
    result = invoke("run", "derivative", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert result.output == "Error: No space left on device\n"


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["new", "experiment", "my-idea"], "my_idea.py"),
        (["report", "."], "index.html"),
        (["run", "derivative", "--out", "."], "index.html"),
    ],
)
def test_a_full_disk_names_the_file(
    words: list[str], file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *args: Any) -> None:
        if path.name == file:
            raise OSError(28, "No space left on device", str(path))

    pages.put(tmp_path, pages.content(pages.example()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("trainlab.files._replace", full)
    result = invoke(*words)
    assert result.exit_code == 2
    must = "must be in a folder that can be used, with room on the disk"
    told = f"Error: file of {file} {must}; got 'No space left on device'; try the same again"
    assert told in result.output


def test_check_passes_and_takes_a_network() -> None:
    words = ["--hidden", "5,4", "--activation", "gelu", "--batch-norm", "--weight-decay", "0.1"]
    result = invoke("check", *words)
    assert result.exit_code == 0, result.output
    assert "network 5,4" in result.output
    assert "FAILED" not in result.output
    assert "gradient checks passed" in result.output


@pytest.mark.parametrize(
    "words", [["--activation", "gelu"], ["--norm", "batch"], ["--batch-norm"], ["--outputs", "3"]]
)
def test_check_takes_each_setting_of_a_network_by_itself(words: list[str]) -> None:
    result = invoke("check", *words)
    assert "network 20,20" in result.output
    refused = invoke("check", "--activation", "rleu")
    assert refused.exit_code == 2
    assert "activation of MLP must be one of" in refused.output


def test_check_fails_with_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainlab.network.activations import Softplus

    def wrong(self, x, y, dy, out, new):  # type: ignore[no-untyped-def]
        out[...] = dy
        return out

    monkeypatch.setattr(Softplus, "pullback", wrong)
    result = invoke("check")
    assert result.exit_code == 1
    assert "activation softplus" in result.output
    assert "FAILED" in result.output


def test_data_says_what_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRAINLAB_DATA", raising=False)
    monkeypatch.setattr("trainlab.data.mnist.cache_folder", lambda: tmp_path / "cache")
    result = invoke("data")
    assert result.exit_code == 0
    assert "1,437 train, 360 test" in result.output
    assert "missing: train-images-idx3-ubyte" in result.output


@pytest.mark.mnist
@pytest.mark.parametrize("named", [True, False])
def test_data_verifies_mnist(mnist_dir: Path, named: bool) -> None:
    result = invoke("data", "--fetch", *(["--data-dir", str(mnist_dir)] if named else []))
    assert result.exit_code == 0
    assert result.output.count("verified: ") == 4
    assert "60,000 train, 10,000 test" in result.output


def test_a_list_of_mirrors_has_a_line_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(folder: Any) -> Any:
        raise DownloadError("x could not be fetched; tried:\n  https://one\n  https://two\x1b[31m")

    monkeypatch.setattr("trainlab.data.fetch_mnist", fetch)
    done = CliRunner().invoke(cli.main, ["data", "--fetch"])
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "Error: x could not be fetched; tried:",
        "  https://one",
        r"  https://two\x1b[31m",
    ]


@pytest.mark.parametrize("width", [40, 59, 60, 80])
def test_no_name_is_cut_on_a_narrow_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    result = CliRunner().invoke(cli.main, ["list"])
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in result.output
    for name, experiment in EXPERIMENTS.items():
        assert any(line.startswith(name) for line in lines)
        assert experiment.claim.split()[0] in result.output
    assert ("  Shows: A central difference" in result.output) == (width < 60)


def test_a_narrow_terminal_shows_all_cells_below_each_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    with Store(tmp_path) as store:
        store.run("a run with a long name, of a search", {}, 3)
    lines = CliRunner().invoke(cli.main, ["runs", str(tmp_path)]).output.splitlines()
    assert lines[0] == "a run with a long name, of a search"
    assert [line.split(": ")[0] for line in lines[1:]] == [
        "  Done",
        "  Begun",
        "  Last change",
        "  Size",
    ]
    assert "0 of 3" in lines[1]
