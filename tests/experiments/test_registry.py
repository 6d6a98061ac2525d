"""The registry: every experiment is there, complete, and found by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from reduced import measured
from trainlab import experiments
from trainlab.errors import SettingError
from trainlab.experiments import EXPERIMENTS, find
from trainlab.experiments.base import Better, TrainingExperiment, Within

NAMES = [
    "derivative",
    "gradient-field",
    "gradient-descent",
    "tiny-network",
    "two-layer-network",
    "optimizer-paths",
    "optimizer-comparison",
    "activation-histograms",
    "weight-init-comparison",
    "batch-norm",
    "weight-decay",
    "weight-decay-ladder",
    "dropout",
    "dropout-ladder",
    "hyper-parameter-search",
    "gradient-check",
    "gradient-norms",
    "tuned-optimizers",
    "learning-rates",
]


def test_the_experiments_come_in_the_order_of_the_notes() -> None:
    assert list(EXPERIMENTS) == NAMES
    every = [experiment.number for experiment in EXPERIMENTS.values()]
    numbers = [number for number in every if number is not None]
    assert numbers == sorted(numbers) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 12, 12, 13, 14]
    # Those that the notes lack come after them.
    assert every == numbers + [None] * (len(every) - len(numbers))


def test_each_is_data_in_a_file_of_its_own() -> None:
    folder = Path(experiments.__file__).parent
    for name in NAMES:
        path = folder / f"{name.replace('-', '_')}.py"
        assert f'name="{name}"' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_each_says_what_to_expect_of_arms_it_has(name: str) -> None:
    experiment = EXPERIMENTS[name]
    assert experiment.claim.endswith(".")
    assert experiment.caption.endswith(".")
    assert experiment.expect
    if isinstance(experiment, TrainingExperiment):
        assert set(experiment.base) == {"digits", "mnist"}
        arms = set(experiment.vary)
    else:
        arms = set(measured(name, seeds=1).arms)
    for expected in experiment.expect:
        assert isinstance(expected, (Better, Within))
        named = (
            {expected.first, expected.second} if isinstance(expected, Better) else {expected.arm}
        )
        assert named <= arms


def test_all_stands_for_all_and_nothing_comes_twice() -> None:
    assert [e.name for e in find(["all"])] == NAMES
    assert [e.name for e in find(["tiny-network", "all"])][:2] == ["tiny-network", "derivative"]
    assert len(find(["tiny-network", "all", "derivative"])) == len(NAMES)


def test_a_slip_of_the_pen_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(SettingError, match=r"derivative, .*'optimiser-path'; try optimizer-paths$"):
        find(["optimiser-path"])
    with pytest.raises(SettingError, match=r"try trainlab list$"):
        find(["xyz"])
