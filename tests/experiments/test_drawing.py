"""Figures of a run: when they are drawn, and what errors and Ctrl-C leave behind."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from reduced import training
from trainlab import files, plots
from trainlab.cli import INTERRUPTED, main
from trainlab.experiments import EXPERIMENTS, Options, drawing, find, run
from trainlab.experiments.base import AnyExperiment, Measurements, TrainingExperiment
from trainlab.experiments.drawing import FIGURES, PIXELS
from trainlab.experiments.results import FILE, Results
from trainlab.population import Population, Running
from trainlab.store import Store

SEEDS = Options(seeds=3, workers=1)
FIRST, SECOND = "weight-init-comparison", "optimizer-comparison"


def short(name: str, steps: int = 8) -> TrainingExperiment:
    """The experiment with so many steps on the digits."""
    experiment = training(name)
    setup = dataclasses.replace(experiment.base["digits"], steps=steps)
    return dataclasses.replace(experiment, base={"digits": setup}, expect=())


class Log(list[str]):
    """What happens in a run, in order; figures are empty, and drawing calls `on_draw`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.on_draw: Callable[[Path], None] = lambda folder: None
        start, wait = Population.start, Running.wait

        def started(*given: object, **named: object) -> Running:
            self.append("start")
            return start(*given, **named)

        def waited(running: Running) -> object:
            found = wait(running)
            self.append("interrupted" if found.interrupted else "end")
            return found

        def draw(experiment: AnyExperiment, measured: Measurements, folder: Path) -> None:
            self.append(f"draw {experiment.name}")
            self.on_draw(folder)
            for name in (*FIGURES, PIXELS):
                files.write(folder / name, b"<svg></svg>")

        patch.setattr(Population, "start", started)
        patch.setattr(Running, "wait", waited)
        patch.setattr(drawing, "draw", draw)

    def done(self, result: Results) -> None:
        self.append(f"done {result.experiment}")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(monkeypatch)


def raising(error: BaseException) -> Callable[[Path], None]:
    def on_draw(folder: Path) -> None:
        raise error

    return on_draw


def drawn(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (*FIGURES, PIXELS))


def test_figures_are_drawn_while_the_next_experiment_trains_and_the_last_at_the_end(
    tmp_path: Path, log: Log
) -> None:
    def on_draw(folder: Path) -> None:
        assert (folder / FILE).is_file()  # results first
        assert threading.current_thread() is threading.main_thread()  # matplotlib has no locks

    def watch(name: str) -> contextlib.nullcontext[None]:
        assert name == FIRST or (tmp_path / FIRST / FILE).is_file()
        return contextlib.nullcontext()

    log.on_draw = on_draw
    found = run([short(FIRST), short(SECOND)], tmp_path, SEEDS, watch, log.done)
    drew, told = [f"draw {FIRST}", f"done {FIRST}"], [f"draw {SECOND}", f"done {SECOND}"]
    assert log == ["start", "end", "start", *drew, "end", *told]
    assert [result.experiment for result in found] == [FIRST, SECOND]


def test_experiments_that_train_nothing_wait_for_none(tmp_path: Path, log: Log) -> None:
    names = ["derivative", "gradient-descent"]
    run(find(names), tmp_path, SEEDS, done=log.done)
    assert log == [f"{what} {name}" for name in names for what in ("draw", "done")]
    log.clear()
    run([*find(names[:1]), short(FIRST)], tmp_path, SEEDS, done=log.done)
    assert log == ["start", "done derivative", "end", f"draw {FIRST}", f"done {FIRST}"]


def test_an_error_of_a_drawing_ends_the_training_beside_it(tmp_path: Path, log: Log) -> None:
    log.on_draw = raising(ValueError("no ink"))
    experiments = [short(FIRST), short(SECOND, steps=100_000)]
    with pytest.raises(ValueError, match="no ink"):
        run(experiments, tmp_path, SEEDS, done=log.done)
    assert log == ["start", "end", "start", f"draw {FIRST}", "interrupted"]
    assert not any(thread.name == "trainlab" for thread in threading.enumerate())
    Store(tmp_path).close()  # nothing holds it


def test_after_an_error_of_a_drawing_nothing_is_trained_again(
    tmp_path: Path, log: Log, steps: list[int]
) -> None:
    log.on_draw = raising(OSError("the disk is full"))
    with pytest.raises(OSError, match="full"):
        run([short(FIRST)], tmp_path, SEEDS)
    log.on_draw, steps[0] = lambda folder: None, 0
    run([short(FIRST)], tmp_path, SEEDS)
    assert steps[0] == 0
    assert drawn(tmp_path / FIRST)


def test_ctrl_c_in_a_drawing_keeps_results_and_goes_on(
    tmp_path: Path, log: Log, steps: list[int]
) -> None:
    experiments = [short(FIRST), short(SECOND, steps=40)]
    usual = [found.to_json() for found in run(experiments, tmp_path / "whole", SEEDS)]
    log.clear()
    log.on_draw = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(experiments, tmp_path / "cut", SEEDS, done=log.done)
    assert log[:4] == ["start", "end", "start", f"draw {FIRST}"]
    assert not any(line.startswith("done") for line in log)
    assert (tmp_path / "cut" / FIRST / FILE).is_file()
    log.on_draw, steps[0] = lambda folder: None, 0
    assert [found.to_json() for found in run(experiments, tmp_path / "cut", SEEDS)] == usual
    assert steps[0] <= len(experiments[1].vary) * 3 * 40  # none of the first experiment
    assert drawn(tmp_path / "cut" / FIRST)


def test_what_was_measured_before_an_error_is_drawn(tmp_path: Path, log: Log) -> None:
    run([short(SECOND, steps=8)], tmp_path, SEEDS)
    log.clear()
    with pytest.raises(ValueError, match="steps was 8, is 9"):
        run([short(FIRST), short(SECOND, steps=9)], tmp_path, SEEDS, done=log.done)
    assert log[-2:] == [f"draw {FIRST}", f"done {FIRST}"]
    assert drawn(tmp_path / FIRST)


def test_new_results_never_stand_beside_old_figures(tmp_path: Path, log: Log) -> None:
    run([short(FIRST)], tmp_path, SEEDS)
    assert drawn(tmp_path / FIRST)

    def on_draw(folder: Path) -> None:
        assert [path.name for path in folder.iterdir()] == [FILE]

    log.on_draw = on_draw
    run([short(FIRST)], tmp_path, dataclasses.replace(SEEDS, fresh=True))
    assert drawn(tmp_path / FIRST)


def test_each_shape_is_drawn_once(tmp_path: Path) -> None:
    (experiment,), asked = find(["gradient-descent"]), list[plots.Theme]()

    def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
        asked.append(theme)
        return EXPERIMENTS["gradient-descent"].figure(measured, theme)

    run([dataclasses.replace(experiment, figure=figure)], tmp_path)
    assert asked == [plots.LIGHT, plots.THEMES["narrow"]]
    written = {name: (tmp_path / experiment.name / name).read_text() for name in FIGURES}
    for picture in written.values():
        assert f"fill:{plots.LIGHT.paper}" in picture
        assert plots.DARK.paper not in picture


def test_a_figure_that_asks_for_no_colour_has_those_of_the_theme(tmp_path: Path) -> None:
    """Black text on dark paper cannot be read."""
    (experiment,) = find(["gradient-descent"])

    def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
        drawn = plots.Figure()
        ax = drawn.subplots()
        for _ in plots.LIGHT.palette:
            ax.plot([1, 2], [3, 4], label="an arm")
        ax.set_xlabel("step")
        ax.legend()
        return drawn

    run([dataclasses.replace(experiment, figure=figure)], tmp_path)
    for name in FIGURES:
        picture = (tmp_path / experiment.name / name).read_text()
        used = set(re.findall(r"(?:fill|stroke): ?(#[0-9a-f]{6})", picture))
        light = {plots.LIGHT.paper, plots.LIGHT.ink, plots.LIGHT.faint, *plots.LIGHT.palette}
        assert used == {color.lower() for color in light}


def test_figures_that_earlier_versions_wrote_do_not_stay(tmp_path: Path) -> None:
    for name in (*FIGURES, *drawing.EARLIER, "mine.svg"):
        (tmp_path / name).write_text("old")
    drawing.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.svg"]


def test_no_drawing_imports_matplotlib_which_ctrl_c_would_break(tmp_path: Path) -> None:
    code = """
import sys
from trainlab.experiments import find, run
before = set(sys.modules)
run(find(["derivative"]), sys.argv[1])
print(*(name for name in set(sys.modules) - before if name.startswith("matplotlib")))
"""
    command = [sys.executable, "-c", code, tmp_path]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "\n"


COMMAND = ["run", "derivative", "gradient-descent", "--out"]


def test_the_command_says_how_to_go_on_after_ctrl_c_in_a_drawing(tmp_path: Path, log: Log) -> None:
    log.on_draw = raising(KeyboardInterrupt())
    cut = CliRunner().invoke(main, [*COMMAND, str(tmp_path)])
    assert cut.exit_code == INTERRUPTED
    assert (
        f"Interrupted. 0 experiments finished, 2 left.\nWhat is done is saved in {tmp_path}\n"
        in cut.output
    )
    assert f"Page: {tmp_path / 'index.html'}\n" in cut.output
    assert f"To continue: trainlab run derivative gradient-descent --out {tmp_path}" in cut.output
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "The figure is not there" in page  # and results are
    assert EXPERIMENTS["derivative"].title in page
    log.on_draw = lambda folder: None
    whole = CliRunner().invoke(main, [*COMMAND, str(tmp_path)])
    assert whole.exit_code == 0
    lines = whole.output.splitlines()
    assert [line.partition(":")[0] for line in lines[:2]] == ["derivative", "gradient-descent"]
    assert lines[-1].startswith("Page: ")


def test_an_error_of_a_drawing_is_one_line_of_the_command(tmp_path: Path, log: Log) -> None:
    log.on_draw = raising(OSError(errno.ENOSPC, "No space left on device", "figure.svg"))
    done = CliRunner().invoke(main, [*COMMAND, str(tmp_path)])
    assert done.exit_code == 2
    told = "file of figure.svg must be in a folder that can be used, with room on the disk"
    assert done.output.startswith(f"Error: {told}; got 'No space left on device'; try the same")
