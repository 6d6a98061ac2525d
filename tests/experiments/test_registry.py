"""The registry: every experiment is there, complete, and found by its name."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reduced import measured, training
from tools import pages
from trainlab import experiments
from trainlab.cli import main
from trainlab.errors import SettingError
from trainlab.experiments import EXPERIMENTS, find
from trainlab.experiments.base import DATA_SETS, Better, TrainingExperiment, Within

NAMES = list(EXPERIMENTS)
FOLDER = Path(experiments.__file__).parent


def test_the_experiments_come_in_the_order_of_the_notes() -> None:
    every = [experiment.number for experiment in EXPERIMENTS.values()]
    numbers = [number for number in every if number is not None]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 15)), "an experiment that the notes lack has no number"
    # Those that the notes lack come after them.
    assert every == numbers + [None] * (len(every) - len(numbers))


def test_each_file_that_declares_an_experiment_is_found_and_named_after_it() -> None:
    declaring = {
        path.stem: path
        for path in FOLDER.glob("*.py")
        if re.search("^EXPERIMENT = ", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert set(declaring) == {name.replace("-", "_") for name in NAMES}
    for name in NAMES:
        source = declaring[name.replace("-", "_")].read_text(encoding="utf-8")
        assert f'name="{name}"' in source


@pytest.mark.parametrize("name", NAMES)
def test_each_says_what_to_expect_of_arms_it_has(name: str) -> None:
    experiment = EXPERIMENTS[name]
    assert experiment.claim.endswith(".")
    assert experiment.caption.endswith(".")
    assert experiment.expect
    assert not experiment.data_sets or "digits" in experiment.data_sets
    assert set(experiment.data_sets) <= set(DATA_SETS)
    if isinstance(experiment, TrainingExperiment):
        arms = set(experiment.vary)
    else:
        arms = set(measured(name, seeds=1).arms)
    for expected in experiment.expect:
        assert isinstance(expected, (Better, Within))
        named = (
            {expected.first, expected.second} if isinstance(expected, Better) else {expected.arm}
        )
        assert named <= arms


@pytest.fixture
def digits_alone(monkeypatch: pytest.MonkeyPatch) -> TrainingExperiment:
    """Weight decay, as if nobody had declared it for MNIST."""
    experiment = training("weight-decay")
    experiment = dataclasses.replace(experiment, base={"digits": experiment.base["digits"]})
    known = {**EXPERIMENTS, "weight-decay": experiment}
    monkeypatch.setattr("trainlab.experiments.registry.EXPERIMENTS", known)
    return experiment


def test_an_experiment_may_have_digits_alone(
    digits_alone: TrainingExperiment, tmp_path: Path
) -> None:
    assert digits_alone.data_sets == ("digits",)
    told = "data of experiment weight-decay must be one of 'digits'; got 'mnist'"
    with pytest.raises(SettingError, match=told):
        experiments.run([digits_alone], tmp_path / "out", experiments.Options("mnist"))
    assert not (tmp_path / "out").exists()
    result = CliRunner().invoke(main, ["run", "weight-decay", "--data", "mnist"])
    assert (result.exit_code, told in result.output) == (2, True)
    on_mnist = {e.name: e.data_sets for e in find(["all"], "mnist")}
    assert "weight-decay" not in on_mnist
    assert all("mnist" in data_sets for data_sets in on_mnist.values() if data_sets)
    assert find(["all"], "digits") == find(["all"])
    rows = list(pages.settings(digits_alone, {}))
    assert rows[0].startswith("|  | digits |\n")
    assert list(pages.runs(digits_alone)) == ["trainlab run weight-decay"]


def test_all_says_what_it_leaves_out(
    digits_alone: TrainingExperiment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def run(found: list[Any], *_: Any, **__: Any) -> None:
        asked.extend(one.name for one in found)

    monkeypatch.setattr(experiments, "run", run)
    words = ["run", "all", "--data", "mnist", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, words)
    left_out = ", ".join(name for name in NAMES if name not in asked)
    assert f"Not declared for mnist, and left out: {left_out}\n" in result.output
    assert "weight-decay" in left_out.split(", ")


def test_all_stands_for_all_and_nothing_comes_twice() -> None:
    assert [e.name for e in find(["all"])] == NAMES
    assert [e.name for e in find(["tiny-network", "all"])][:2] == ["tiny-network", "derivative"]
    assert len(find(["tiny-network", "all", "derivative"])) == len(NAMES)


def test_a_slip_of_the_pen_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(SettingError, match=r"derivative, .*'optimiser-path'; try optimizer-paths$"):
        find(["optimiser-path"])
    with pytest.raises(SettingError, match=r"try trainlab list$"):
        find(["xyz"])
