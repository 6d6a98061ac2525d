"""Experiments that train, at reduced size on the digits, and the runner around them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from counter import Counter
from engines import compiled
from reduced import judged, training
from trainlab import plots
from trainlab.data import Dataset
from trainlab.errors import SettingError
from trainlab.experiments import EXPERIMENTS, Options, drawing, find, run, runner
from trainlab.experiments.base import (
    Measure,
    MeasuredSeries,
    Measurements,
    Row,
    StagedExperiment,
    Train,
    TrainingExperiment,
    Within,
    mean_of_last,
)
from trainlab.experiments.drawing import FIGURES
from trainlab.experiments.figures import losses
from trainlab.experiments.results import Results, load
from trainlab.experiments.runner import OutputError
from trainlab.experiments.verdicts import EXPECTED, NOT_JUDGED
from trainlab.members import Member
from trainlab.network.architecture import MLP
from trainlab.optimizers import SGD
from trainlab.store import listed

NAMES = [name for name, e in EXPERIMENTS.items() if isinstance(e, TrainingExperiment)]
QUICK = Options(quick=True)
DIVERGING = {"batch-norm": {"std=1, plain"}}


def shortened(name: str, steps: int, **changes: Any) -> TrainingExperiment:
    """The experiment with so many steps on the digits."""
    experiment = training(name)
    setup = dataclasses.replace(experiment.base["digits"], steps=steps, quick_steps=steps)
    return dataclasses.replace(experiment, base={"digits": setup}, **changes)


@pytest.mark.parametrize("name", NAMES)
def test_outcomes_are_as_expected_at_reduced_size(name: str) -> None:
    found = runner.measure(judged(name), runner.load(QUICK), QUICK)
    assert found.verdict.outcome == EXPECTED, found.verdict.line
    assert found.data["name"] == "digits"
    rows = training(name).base["digits"].rows or 1437
    assert found.data["sizes"] == {"train": rows, "test": 360}
    assert len(found.data["hash"]) == 64
    assert found.environment["quick"] is True
    lost = {member.arm for member in found.measured.members if member.id in found.measured.diverged}
    assert lost == DIVERGING.get(name, set())


def test_vary_times_seeds_is_one_population_with_common_draws() -> None:
    experiment = shortened("weight-init-comparison", 2)
    found = runner.train(experiment, runner.load(QUICK), Options(seeds=3))
    assert [m.id for m in found.members][:4] == [
        "std=0.01/0",
        "std=0.01/1",
        "std=0.01/2",
        "Xavier/0",
    ]
    assert found.members[0].settings["batch_size"] == 64
    assert found.members[0].settings["optimizer"]["kind"] == "SGD"
    assert found.seeds == 3
    json.dumps(found.members[0].settings, allow_nan=False)


def test_results_depend_on_nothing_but_the_settings() -> None:
    experiment, data = shortened("optimizer-comparison", 20), runner.load(QUICK)
    once = runner.train(experiment, data, Options(seeds=3, workers=1))
    again = runner.train(experiment, data, Options(seeds=2, workers=2))
    losses = once.series["train_loss"].values.reshape(6, 3, -1)[:, :2]
    np.testing.assert_array_equal(losses.reshape(12, -1), again.series["train_loss"].values)


def test_one_seed_is_not_judged() -> None:
    experiment = shortened("optimizer-comparison", 5)
    found = runner.measure(experiment, runner.load(QUICK), Options(seeds=1))
    assert found.verdict.outcome == NOT_JUDGED
    assert found.verdict.warnings


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_members_that_diverge_are_shown_in_results_and_figure(tmp_path: Path) -> None:
    vary = {"SGD": {"optimizer": SGD(0.01)}, "huge rate": {"optimizer": SGD(1e6)}}
    experiment = shortened("optimizer-comparison", 60, vary=vary, expect=())
    (found,) = run([experiment], tmp_path, Options(seeds=6))
    assert set(found.measured.diverged) == {f"huge rate/{seed}" for seed in range(6)}
    assert "(median of 6 seeds), against none, where all diverged" in found.verdict.line
    assert any("6 of 6 members diverged" in warning for warning in found.verdict.warnings)
    content = json.loads((tmp_path / experiment.name / "results.json").read_text())
    assert content["series"]["train_loss"]["values"][-1][-1] is None
    assert len(content["verdict"]["diverged"]) == 6
    drawn = experiment.figure(found.measured, plots.LIGHT)
    labels = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert labels[:2] == ["SGD", "huge rate (6 of 6 diverged)"]


def test_only_the_first_rows_are_trained_on_and_described() -> None:
    experiment = shortened("optimizer-comparison", 3, expect=())
    setup = dataclasses.replace(experiment.base["digits"], rows=70)
    small = dataclasses.replace(experiment, base={"digits": setup})
    data = runner.load(QUICK)
    found = runner.measure(small, data, Options(seeds=1))
    assert found.data["sizes"] == {"train": 70, "test": 360}
    assert found.data["hash"] == data.first(train=70).sha256
    by_hand = runner.train(experiment, data.first(train=70), Options(seeds=1))
    losses = [m.series["train_loss"].values for m in (found.measured, by_hand)]
    np.testing.assert_array_equal(*losses)


def test_evaluations_end_with_the_run() -> None:
    experiment = shortened("optimizer-comparison", 5, expect=())
    setup = dataclasses.replace(experiment.base["digits"], evaluate=(1, 4, 900), on=("test",))
    short = dataclasses.replace(experiment, base={"digits": setup})
    found = runner.train(short, runner.load(QUICK), Options(seeds=1))
    assert found.series["test_accuracy"].axis_values.tolist() == [1, 4, 5]


def staged() -> StagedExperiment:
    """Two stages: rates from 0.01 to 1, and then the best again for twice as long."""

    def compute(data: Dataset, seeds: Sequence[int], train: Train) -> Measurements:
        rates = [Member(MLP(hidden=()), SGD(rate), s) for rate in (0.01, 1.0) for s in seeds]
        first = train(rates, data, steps=20, evaluate=None)
        losses = first["train_loss"][:, -5:].mean(axis=-1).reshape(2, -1).mean(axis=-1)
        best = (0.01, 1.0)[int(np.argmin(losses))]
        again = train([Member(MLP(hidden=()), SGD(best), s) for s in seeds], data, steps=40)
        return runner.measured(again, ["best"] * len(seeds), steps=40)

    return StagedExperiment(
        name="staged",
        title="Two stages",
        claim="Rates.",
        equations=(),
        measure=Measure("mean loss of the last 5 batches", mean_of_last("train_loss", 5)),
        expect=(Within("best", high=2.0),),
        figure=losses(top=2.5, mark_every=10),
        caption="Loss.",
        compute=compute,
    )


def test_an_experiment_may_train_in_stages(tmp_path: Path) -> None:
    (found,) = run([staged()], tmp_path, Options(seeds=6))
    assert found.verdict.outcome == EXPECTED
    assert found.data["name"] == "digits"
    assert [m.settings["optimizer"]["lr"] for m in found.measured.members] == [1.0] * 6
    assert found.measured.members[0].settings["steps"] == 40
    assert load(tmp_path / "staged").measured.seeds == 6


@compiled
def test_an_experiment_may_compare_engines(tmp_path: Path) -> None:
    """Settings of a training come before the options of the run, of which `engine` is one."""

    def compute(data: Dataset, seeds: Sequence[int], train: Train) -> Measurements:
        members = [Member(MLP((5,)), SGD(0.1), seed) for seed in seeds]
        found = [
            train(members, data, steps=4, engine=engine, workers=1)
            for engine in ("numpy", "native")
        ]
        assert [past.engine for past in found] == ["numpy", "native"]
        arms = [past.engine for past in found for _ in seeds]
        rows = tuple(Row(arm, m.seed, {}) for arm, m in zip(arms, 2 * members, strict=True))
        values = np.concatenate([past["train_loss"] for past in found]).astype(np.float64)
        return Measurements(rows, {"train_loss": MeasuredSeries("step", np.arange(4.0), values)})

    own = dataclasses.replace(staged(), compute=compute, expect=(), curves=())
    for options in (Options(seeds=2), Options(seeds=2, engine="numpy")):
        (found,) = run([own], tmp_path / options.engine, options)
        assert found.environment["engine"] == "native, numpy"
        assert sum(about.done for about in listed(tmp_path / options.engine)) == 5  # and results


# --- files and interruptions -----------------------------------------------------------


def test_a_run_leaves_figures_and_results(tmp_path: Path) -> None:
    seen: list[Results] = []
    found = run(find(["derivative", "tiny-network"]), tmp_path / "a" / "b", done=seen.append)
    assert seen == found
    for result in found:
        folder = tmp_path / "a" / "b" / result.experiment
        names = {path.name for path in folder.iterdir()}
        assert names == {"results.json", "figure.png", *FIGURES}
        assert load(folder).to_json() == result.to_json()


def test_figures_can_be_drawn_again_from_results(tmp_path: Path) -> None:
    run(find(["optimizer-paths"]), tmp_path)
    folder = tmp_path / "optimizer-paths"
    before = (folder / "figure.svg").read_bytes()
    drawing.draw(EXPERIMENTS["optimizer-paths"], load(folder).measured, folder)
    assert (folder / "figure.svg").read_bytes() == before


def test_an_interruption_keeps_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(find(["derivative", "optimizer-comparison", "tiny-network"]), tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["derivative"]
    assert load(tmp_path / "derivative").verdict.outcome == EXPECTED


def test_a_training_that_was_cut_short_is_no_result() -> None:
    class Interrupting:
        def start(self, members: int, steps: int) -> None:
            raise KeyboardInterrupt

        def advance(self, members: int, steps: int) -> None: ...

    experiment = shortened("optimizer-comparison", 5)
    with pytest.raises(KeyboardInterrupt):
        runner.measure(experiment, runner.load(QUICK), Options(seeds=1), Interrupting())


def test_trainings_report_progress(tmp_path: Path) -> None:
    told: dict[str, int] = {"members": 0, "steps": 0}

    class Counting:
        def start(self, members: int, steps: int) -> None:
            told.update(all_members=members, all_steps=steps)

        def advance(self, members: int, steps: int) -> None:
            told["members"] += members
            told["steps"] += steps

    @contextmanager
    def watch(name: str) -> Iterator[Counting]:
        told[name] = 1
        yield Counting()

    experiments = [*find(["derivative"]), shortened("weight-init-comparison", 7)]
    run(experiments, tmp_path, Options(seeds=2), watch=watch)
    assert told["derivative"] == told["weight-init-comparison"] == 1
    assert told["members"] == told["all_members"] == 6
    assert told["steps"] == told["all_steps"] == 42


def test_what_takes_long_without_training_tells_the_progress_too() -> None:
    counter = Counter()
    train = runner.TrainWithOptions(QUICK, counter)
    seen = [(seed, counter.members) for seed in train.each(range(3))]
    assert seen == [(0, 0), (1, 1), (2, 2)]
    assert counter.members == counter.steps == 3
    assert list(runner.TrainWithOptions(QUICK).each("ab")) == ["a", "b"]


def test_a_folder_that_cannot_be_written_to_is_an_error_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(*args: object) -> None:
        raise AssertionError("training began")

    monkeypatch.setattr(runner, "measure", trained)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="out of a run must be a folder that can be written to"):
        run(find(["derivative"]), tmp_path / "file")
    with pytest.raises(OutputError, match="file/below"):
        run(find(["derivative"]), tmp_path / "file" / "below")


@pytest.mark.parametrize(
    "wrong", [{"data": "cifar"}, {"seeds": 0}, {"seeds": 2.5}, {"workers": 0}, {"seeds": True}]
)
def test_options_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=f"{next(iter(wrong))} of a run must be"):
        Options(**wrong)
