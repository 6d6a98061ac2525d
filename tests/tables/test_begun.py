"""A folder that has a search, and another one that is asked for: what differs is said plainly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_command import cut_after, invoke, write
from trainlab import cli
from trainlab.tables import begun as folder_of

DECIDE_NOTHING = {"table", "out", "fresh", "workers", "engine", "verbose", "skip_lines"}
"""Options with which a search goes on; with other lines to skip it is another table."""
NETWORKS = {
    "trials": ("3", "n_iter was 2, is 3"),
    "rounds": ("2", "rounds was 1, is 2"),
    "folds": ("3", "folds was 2, is 3"),
    "lr": ("0.001:0.1", "learning_rate_init[1][1] was 0.03, is 0.1"),
    "weight_decay": ("0.1:10", "alpha[1][0] was 0.0001, is 0.1"),
    "hidden": ("7", "hidden_layer_sizes were 1, are 2"),
    "max_iter": ("2", "max_iter was 1, is 2"),
    "metric": ("log_loss", "metric was 'accuracy', is 'log_loss'"),
    "seed": ("1", "seed was 0, is 1"),
}
ENSEMBLES = {
    "target": ("x", "target was 'y', is 'x'"),
    "drop": ("x", "dropped was ('same',), is ('x', 'same')"),
    "use": ("same", "dropped was ('same',), is ()"),
    "text": ("word", "text was not given, is ['word']"),
    "words": ("word", "words was not given, is ['word']"),
    "target_means": ("word", "target_means was not given, is ['word']"),
    "group": ("g", "group was not given, is 'g'"),
    "time": ("g", "time was not given, is 'g'"),
    "delimiter": ("comma", "delimiter was not given, is 'comma'"),
    "encoding": ("utf-8", "encoding was not given, is 'utf-8'"),
    "decimal": ("point", "decimal was not given, is 'point'"),
    "drop_missing_target": ("", "drop_missing_target was not given, is given"),
    "drop_rare_classes": ("1 --task classification", "drop_rare_classes was not given, is 1"),
    "task": ("classification", "task was 'regression', is 'classification'"),
    "model": ("network", "model was 'ensemble', is 'network'"),
    "preset": ("quick", "preset was 'default', is 'quick'"),
    "time_limit": ("60", "time_limit was not given, is given"),
    "metric": ("mae", "metric was 'r2', is 'mae'"),
    "test_fraction": ("0.25", "test_fraction was 0.2, is 0.25"),
    "seed": ("1", "seed was 0, is 1"),
}
OF_NETWORKS = "--trials 2 --rounds 1 --max-iter 1 --hidden 3 --folds 2"
OF_ENSEMBLES = "--task regression"
CASES = [
    *((OF_NETWORKS, name, *one) for name, one in NETWORKS.items()),
    *((OF_ENSEMBLES, name, *one) for name, one in ENSEMBLES.items()),
]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The words of two searches whose training was cut off early."""
    rng, folder, found = np.random.default_rng(2), tmp_path_factory.mktemp("begun"), {}
    rows = [
        [n % 4, round(float(rng.standard_normal()), 3), "red" if n % 3 else "blue", n // 8, 1]
        for n in range(160)
    ]
    path = write(folder / "t.csv", ["y", "x", "word", "g", "same"], rows)
    for number, words in enumerate((OF_NETWORKS, OF_ENSEMBLES)):
        out = folder / str(number)
        found[words] = ["search", "--csv", path, "--target", "y", *words.split(), "--out", out]
        with pytest.MonkeyPatch.context() as patch:
            cut_after(0, patch)
            assert invoke(*found[words]).exit_code == 130
    return found


def test_every_option_that_decides_a_search_is_looked_at() -> None:
    known = {one.name for one in cli.main.commands["search"].params}  # type: ignore[attr-defined]
    assert known == DECIDE_NOTHING | NETWORKS.keys() | ENSEMBLES.keys()


@pytest.mark.parametrize(("words", "name", "value", "told"), CASES, ids=lambda one: one[:14])
def test_a_folder_of_another_search_says_what_differs(
    words: str, name: str, value: str, told: str, begun: dict[str, list[str]]
) -> None:
    result = invoke(*begun[words], f"--{name.replace('_', '-')}", *value.split())
    assert result.exit_code == 2, result.output
    assert "must be those that it began with; got others: " in result.output
    assert told in result.output
    assert "members" not in result.output


def test_an_ensemble_is_judged_by_another_metric_that_trains_the_same(
    begun: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It need not be trained again."""
    cut_after(0, monkeypatch)
    assert invoke(*begun[OF_ENSEMBLES], "--metric", "rmse").exit_code == 130


@pytest.mark.parametrize(
    ("metric", "code", "told"),
    [
        ("mae", 2, "metric was 'r2', is 'mae'"),
        ("pinball:0.9", 2, "metric was 'r2', is 'pinball:0.9'"),
        ("rmse", 130, "Interrupted"),
    ],
)
def test_an_ensemble_of_versions_that_stored_no_metric(
    metric: str,
    code: int,
    told: str,
    begun: dict[str, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They selected by the squared error; an error spoke of members once the race was run."""
    *words, _ = begun[OF_ENSEMBLES]
    words.append(tmp_path)
    described = folder_of._described

    def without_metric(*given: Any) -> dict[str, Any]:
        return {name: one for name, one in described(*given).items() if name != "metric"}

    cut_after(0, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(folder_of, "_described", without_metric)
        assert invoke(*words).exit_code == 130
    result = invoke(*words, "--metric", metric)
    assert (result.exit_code, told in result.output) == (code, True), result.output
