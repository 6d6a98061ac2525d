"""Runs of experiments that are cut off and started again, and those that are finished."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reduced import training
from trainlab import files
from trainlab.errors import SettingError, StoreError
from trainlab.experiments import Options, drawing, find, results, resuming, run, runner
from trainlab.experiments.base import AnyExperiment, Measurements, TrainingExperiment
from trainlab.experiments.drawing import FIGURES, PIXELS
from trainlab.experiments.results import FILE as RESULTS
from trainlab.experiments.results import Results
from trainlab.experiments.runner import OutputError
from trainlab.store import FILE, Run, Store, listed

SEEDS = Options(seeds=3, workers=1)
FUNCTIONS = find(["derivative", "tiny-network"])
KILLS = 3


def short(name: str = "weight-init-comparison", steps: int = 8) -> TrainingExperiment:
    """The experiment with so many steps on the digits."""
    experiment = training(name)
    setup = dataclasses.replace(experiment.base["digits"], steps=steps)
    return dataclasses.replace(experiment, base={"digits": setup}, expect=())


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take a second each to draw: names of them will do."""

    def draw(experiment: AnyExperiment, measured: Measurements, folder: Path) -> None:
        for name in (*FIGURES, PIXELS):
            files.write(folder / name, name.encode())

    monkeypatch.setattr(drawing, "draw", draw)


def plain(found: list[Results]) -> list[Any]:
    return [result.to_json() for result in found]


def cut_after(saves: int, patch: pytest.MonkeyPatch) -> None:
    """Ctrl-C after so many transactions."""
    right, count = Run.save, itertools.count()

    def save(self: Run, *given: Any) -> None:
        if next(count) == saves:
            raise KeyboardInterrupt
        right(self, *given)

    patch.setattr(Run, "save", save)


@pytest.mark.usefixtures("undrawn")
class TestCutOff:
    def test_populations_that_are_done_are_not_trained_again(
        self, tmp_path: Path, steps: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        experiments = [short(), short("batch-norm"), short("optimizer-comparison")]
        usual = plain(run(experiments, tmp_path / "whole", SEEDS))
        whole, again = steps[0], []
        while not again or again[-1]:  # how many transactions there are is up to the machine
            folder = tmp_path / str(len(again))
            with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
                cut_after(2 * len(again), patch)
                run(experiments, folder, SEEDS)
            steps[0] = 0
            assert plain(run(experiments, folder, SEEDS)) == usual
            again.append(steps[0])
        assert again == sorted(again, reverse=True)
        assert again[0] == whole
        assert len(set(again)) > 2

    def test_stages(
        self, tmp_path: Path, steps: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (search,) = find(["hyper-parameter-search"])
        options = Options(seeds=1, quick=True)
        usual = plain(run([search], tmp_path / "whole", options))
        names = [about.key for about in listed(tmp_path / "whole")]
        first = "hyper-parameter-search: digits, 1 seeds, quick"
        assert names[1:] == [f"{first}, {stage}" for stage in (1, 2, 3, 4)]
        whole = steps[0]
        with monkeypatch.context() as patch:
            cut_after(2, patch)  # each stage has one transaction or more
            with pytest.raises(KeyboardInterrupt):
                run([search], tmp_path / "cut", options)
        steps[0] = 0
        assert plain(run([search], tmp_path / "cut", options)) == usual
        assert 0 < steps[0] < whole

    def test_a_changed_setup_is_named_and_can_start_over(self, tmp_path: Path) -> None:
        run([short(steps=8)], tmp_path, SEEDS)
        with pytest.raises(SettingError, match=r"steps was 8, is 9; try fresh=True"):
            run([short(steps=9)], tmp_path, SEEDS)
        (found,) = run([short(steps=9)], tmp_path, dataclasses.replace(SEEDS, fresh=True))
        assert found.measured.series["train_loss"].values.shape[1] == 9

    def test_a_look_and_a_long_run_are_kept_side_by_side(
        self, tmp_path: Path, steps: list[int]
    ) -> None:
        for options in (SEEDS, Options(seeds=2, workers=1), dataclasses.replace(SEEDS, quick=True)):
            run([short()], tmp_path, options)
        steps[0] = 0
        run([short()], tmp_path, SEEDS)
        assert steps[0] == 0

    def test_results_on_other_data_are_replaced_where_all_starts_over_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (own,) = run([short()], tmp_path, SEEDS)
        other = dataclasses.replace(runner.load(SEEDS), name="mnist")
        monkeypatch.setattr(runner, "load", lambda options: other)
        kept = tmp_path / own.experiment / RESULTS
        before = kept.read_bytes()
        must = "results on other data than mnist; got 'weight-init-comparison on digits'"
        with pytest.raises(OutputError, match=f"{must}; try another --out, or --fresh"):
            run([*FUNCTIONS, short()], tmp_path, SEEDS)
        assert kept.read_bytes() == before
        assert not (tmp_path / FUNCTIONS[0].name).exists()
        fresh = dataclasses.replace(SEEDS, fresh=True)
        with monkeypatch.context() as patch:
            cut_after(0, patch)
            with pytest.raises(KeyboardInterrupt):
                run([short()], tmp_path, fresh)
        (found,) = run([short()], tmp_path, SEEDS)  # which goes on without --fresh
        assert found.data["name"] == "mnist"

    def test_no_moment_has_new_results_beside_old_figures(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(FUNCTIONS[:1], tmp_path)
        folder = tmp_path / FUNCTIONS[0].name
        assert (folder / PIXELS).exists()

        def save(found: Results, into: Path) -> None:
            assert {path.name for path in into.iterdir()} == {RESULTS}
            raise KeyboardInterrupt

        monkeypatch.setattr(results, "save", save)
        with pytest.raises(KeyboardInterrupt):
            run(FUNCTIONS[:1], tmp_path, Options(fresh=True))

    def test_one_process_at_a_time(self, tmp_path: Path) -> None:
        with Store(tmp_path), pytest.raises(StoreError, match="one process at a time"):
            run(FUNCTIONS, tmp_path)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
    def test_kill_9_of_the_command(self, tmp_path: Path) -> None:
        words = ["run", "weight-decay", "--quick", "--seeds", "6"]
        command = [sys.executable, "-m", "trainlab", *words, "--out"]
        start = time.monotonic()
        subprocess.run([*command, tmp_path / "whole"], check=True, capture_output=True)
        seconds, rng = time.monotonic() - start, np.random.default_rng(3)
        killed = 0
        while killed < KILLS:
            with subprocess.Popen(
                [*command, tmp_path / "cut"], stdout=subprocess.DEVNULL, start_new_session=True
            ) as process:
                time.sleep(rng.uniform(0.4, 0.9) * seconds)
                ended = process.poll() is not None
                process.kill()
            for path in (tmp_path / "cut").glob(f"*/{RESULTS}"):
                assert path.read_bytes() == other(path, tmp_path)
            if ended:  # what was whole would end at once again: earlier, and from the beginning
                seconds *= 0.8
                shutil.rmtree(tmp_path / "cut")
            killed += not ended
        subprocess.run([*command, tmp_path / "cut"], check=True, capture_output=True)
        for path in (tmp_path / "whole").glob("*/*"):
            assert (tmp_path / "cut" / path.relative_to(tmp_path / "whole")).is_file()
        for path in (tmp_path / "cut").glob(f"*/{RESULTS}"):
            assert path.read_bytes() == other(path, tmp_path)


def other(path: Path, folder: Path) -> bytes:
    """The same file of the run that nobody killed."""
    return (folder / "whole" / path.relative_to(folder / "cut")).read_bytes()


@pytest.mark.usefixtures("undrawn")
class TestFinished:
    def test_nothing_is_done_again_where_nothing_changed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usual, told = plain(run(FUNCTIONS, tmp_path)), list[Results]()
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*/*")}

        def measured(*given: Any) -> None:
            raise AssertionError("measured again")

        monkeypatch.setattr(runner, "measure", measured)
        assert plain(run(FUNCTIONS, tmp_path, done=told.append)) == usual
        assert plain(told) == usual
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*/*")} == before

    CHANGES: tuple[tuple[str, Callable[[Path, pytest.MonkeyPatch], Any]], ...] = (
        ("a figure is gone", lambda folder, _: (folder / "figure.png").unlink()),
        ("a figure is another", lambda folder, _: (folder / "figure.svg").write_text("x")),
        ("results are damaged", lambda folder, _: (folder / RESULTS).write_text("{}")),
        ("the source changed", lambda _, patch: patch.setattr(resuming, "_source", lambda: "x")),
        ("the store is gone", lambda folder, _: (folder.parent / FILE).unlink()),
        ("a version changed", lambda _, patch: patch.setattr(np, "__version__", "1.0")),
    )

    @pytest.mark.parametrize(("what", "change"), CHANGES)
    def test_it_is_done_again_where(
        self,
        what: str,
        change: Callable[[Path, pytest.MonkeyPatch], Any],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (usual,) = run(find(["derivative"]), tmp_path)
        seen, right = [], runner.measure

        def measured(*given: Any) -> Results:
            seen.append(given)
            return right(*given)

        monkeypatch.setattr(runner, "measure", measured)
        change(tmp_path / "derivative", monkeypatch)
        (found,) = run(find(["derivative"]), tmp_path)
        assert len(seen) == 1, what
        assert plain([found])[0]["series"] == plain([usual])[0]["series"]
        run(find(["derivative"]), tmp_path)
        assert len(seen) == 1, what
        run(find(["derivative"]), tmp_path, Options(fresh=True))
        assert len(seen) == 2

    def test_another_engine_is_never_answered_with_what_is_there(
        self, tmp_path: Path, steps: list[int]
    ) -> None:
        one, options = find(["two-layer-network"]), Options(seeds=1, quick=True, workers=1)
        same = dataclasses.replace(options, engine="numpy")
        usual = plain(run(one, tmp_path, same))
        steps[0] = 0
        for again in (same, options):
            assert plain(run(one, tmp_path, again)) == usual
        assert steps[0] == 0
        with pytest.raises(SettingError, match="engine"):  # begun by another, or not compiled
            run(one, tmp_path, dataclasses.replace(options, engine="native"))
        run(FUNCTIONS, tmp_path, same)
        run(FUNCTIONS, tmp_path, dataclasses.replace(options, engine="native"))  # trains nothing

    def test_experiments_of_others_are_measured_each_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What they are made of nobody knows."""
        own = dataclasses.replace(find(["derivative"])[0], claim="Mine.")
        seen, right = [], runner.measure
        monkeypatch.setattr(runner, "measure", lambda *given: seen.append(1) or right(*given))
        run([own], tmp_path)
        run([own], tmp_path)
        assert len(seen) == 2
