"""`trainlab search` with an ensemble, its default: saved, judged, gone on with."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import log_loss, root_mean_squared_error

import pages
import trainlab as tl
from search_command import ENTRIES, cut_after, invoke, write
from trainlab import cli
from trainlab.data.table import read_table
from trainlab.store import listed
from trainlab.tables.problem import problem, split
from trainlab.tables.settings import StudySettings

pytestmark = [
    pytest.mark.usefixtures("no_figures", "few_candidates"),
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
]
NETWORKS = ("--trials", "2", "--rounds", "1", "--folds", "3", "--max-iter", "3", "--hidden", "5")


@pytest.fixture(scope="module")
def few_candidates() -> Iterator[None]:
    """Ensembles of a few candidates that are hardly trained."""
    right = StudySettings.predictor

    def predictor(self: StudySettings, task: str) -> Any:
        made = right(self, task)
        if self.model == "ensemble":
            made.set_params(n_candidates=4, max_iter=12)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StudySettings, "predictor", predictor)
        yield


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The irises, with a column of words and holes."""
    found = load_iris()
    path = tmp_path_factory.mktemp("data") / "iris.csv"
    words = ["", "round", "long"]
    rows = [
        [*row, words[n % 3], label]
        for n, (row, label) in enumerate(
            zip(found.data.tolist(), found.target_names[found.target].tolist(), strict=True)
        )
    ]
    return write(path, ["a", "b", "c", "d", "leaf", "kind"], rows)


@pytest.fixture(scope="module")
def searched(iris: Path, few_candidates: None, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("whole")
    result = invoke("search", "--csv", iris, "--target", "kind", "--out", folder)
    assert result.exit_code == 0, result.output
    return folder, result.output


def test_an_ensemble_is_judged_saved_and_predicts(
    iris: Path, searched: Any, tmp_path: Path
) -> None:
    folder, printed = searched
    assert "Who votes, and the loss of each alone; that of the ensemble is" in printed
    assert "Loss: the cross-entropy" in " ".join(printed.split())
    told = " ".join(printed.split())
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == ENTRIES
    numbers = json.loads((folder / "search.json").read_text())
    assert (numbers["asked"]["model"], numbers["metric"]) == ("ensemble", "log_loss")
    model = tl.load(folder / "model.safetensors")
    assert type(model[-1]) is tl.PopulationEnsembleClassifier
    assert (model[-1].store, model[-1].workers, model[-1].verbose) == (None, None, False)
    candidates = numbers["candidates"]
    losses = [one["score"] for one in candidates]
    finite = [one for one in losses if one is not None]  # None of those that are no finalists
    assert finite == sorted(one for one in model[-1].losses_.tolist() if np.isfinite(one))
    assert losses == finite + [None] * (len(model[-1].losses_) - len(finite))
    assert [one["rank"] for one in candidates] == [*range(1, len(candidates) + 1)]
    assert len(candidates) == 4 + sum("max_leaf_nodes" in one["settings"] for one in candidates)
    assert sum(one["weight"] for one in candidates) == pytest.approx(1)
    assert numbers["ensemble"]["loss"] == model[-1].loss_ <= min(finite)

    # What the file has is what was judged, and it was fitted to the rows that were not put aside.
    found = problem(iris, "kind")
    rows = split(found, 0.2, 5, seed=0)
    truth, p = found.y[rows.test], model.predict_proba(found.x[rows.test])
    own, linear, *_ = numbers["test"]["judged"]
    assert own["name"] == "the ensemble"
    assert own["score"] == pytest.approx(log_loss(truth, p), rel=1e-6)
    again = StudySettings().estimator(found).fit(found.x[rows.search], found.y[rows.search])
    assert (again.predict_proba(found.x) == model.predict_proba(found.x)).all()
    versus = numbers["test"]["versus"]
    assert versus["words"].startswith("The ensemble is ")
    assert versus["numbers"]["value"] == pytest.approx(own["score"] - linear["score"])
    trees = numbers["test"]["versus_trees"]
    assert [told.count(one["words"]) for one in (versus, trees)] == [1, 1]
    assert numbers["test"]["conclusion"] not in told

    page = pages.read(folder)[1].text
    count = sum("max_leaf_nodes" in one["settings"] for one in candidates)
    tried = f"4 networks and {count} models of trees"
    assert f"An ensemble, out of {tried}, that predicts kind" in page
    best = f"the best {len(finite)}, the finalists, trained in all 5"
    trained = f"{tried}, trained in one fold; {best}."
    assert trained in page
    assert trained in told
    assert "Learning rates" not in page
    result = invoke("predict", folder / "model.safetensors", iris, "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    predicted = read_table(tmp_path / "out.csv", (), ["prediction"]).text["prediction"]
    assert predicted == model.predict(found.x).tolist()


def test_numbers(tmp_path: Path) -> None:
    found = load_diabetes()
    path = write(tmp_path / "d.csv", [*found.feature_names, "y"], found.data, found.target)
    words = ("search", "--csv", path, "--target", "y", "--out", tmp_path / "out")
    assert invoke(*words).exit_code == 0
    numbers = json.loads((tmp_path / "out/search.json").read_text())
    assert numbers["metric"] == "r2"
    # Another metric is another report: nothing is trained again.
    result = invoke(*words, "--metric", "rmse")
    assert result.exit_code == 0, result.output
    numbers = json.loads((tmp_path / "out/search.json").read_text())
    model = tl.load(tmp_path / "out/model.safetensors")
    assert type(model) is tl.PopulationEnsembleRegressor
    table = problem(path, "y")
    rows = split(table, 0.2, 5, seed=0).test
    own = numbers["test"]["judged"][0]
    expected = root_mean_squared_error(table.y[rows], model.predict(table.x[rows]))
    assert own["score"] == own["root_error"] == pytest.approx(expected)
    assert own["low"] < own["score"] < own["high"]


@pytest.mark.parametrize("saves", [0, 2, 4])
def test_one_that_was_cut_goes_on_to_the_same_files(
    saves: int, iris: Path, searched: Any, tmp_path: Path, steps: list[int]
) -> None:
    words = ("search", "--csv", iris, "--target", "kind", "--workers", "1", "--out", tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        cut_after(saves, patch)
        result = invoke(*words)
    assert result.exit_code == cli.INTERRUPTED, result.output
    assert not (tmp_path / "model.safetensors").exists()
    (line,) = [line for line in result.output.splitlines() if line.startswith("To continue: ")]
    _, *again = shlex.split(line.removeprefix("To continue: "))
    result = invoke(*again)
    assert result.exit_code == 0, result.output
    for name in ENTRIES - {"runs.sqlite"}:
        assert (tmp_path / name).read_bytes() == (searched[0] / name).read_bytes(), name
    before = sum(steps)
    assert invoke(*words).exit_code == 0
    assert sum(steps) == before


def test_a_folder_goes_on_with_the_model_that_it_began_with(iris: Path, tmp_path: Path) -> None:
    words = ("search", "--csv", iris, "--target", "kind", "--out", tmp_path)
    result = invoke(*words, *NETWORKS)
    assert result.exit_code == 0, result.output
    assert "Who votes" not in result.output
    best = (tmp_path / "model.safetensors").read_bytes()

    result = invoke(*words, "--model", "ensemble")
    assert result.exit_code == 2
    assert "model was 'network', is 'ensemble'" in result.output
    result = invoke(*words)  # the options of networks, which are others by default, are named
    assert "the folder has a search of networks, which continues" in result.output
    assert result.exit_code == 2
    assert "folds was 3, is 5" in result.output
    assert (tmp_path / "model.safetensors").read_bytes() == best
    result = invoke(*words, "--fresh")
    assert result.exit_code == 0, result.output
    assert "Who votes" in result.output
    assert {one.key.partition(":")[0] for one in listed(tmp_path)} == {"table", "ensemble"}
    result = invoke(*words, *NETWORKS)
    assert result.exit_code == 2
    assert "model was 'ensemble', is 'network'" in result.output
    assert invoke(*words, *NETWORKS, "--fresh").exit_code == 0
    assert {one.key.partition(":")[0] for one in listed(tmp_path)} == {"table", "search"}


def test_options_of_networks_are_none_of_an_ensemble(iris: Path, tmp_path: Path) -> None:
    words = ("search", "--csv", iris, "--target", "kind", "--model", "ensemble", "--alpha", "1:2")
    result = invoke(*words, "--hidden", "5", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "--weight-decay, --hidden belong to --model network" in result.output
    assert not (tmp_path / "out").exists()


def test_options_of_networks_say_that_no_ensemble_is_trained(iris: Path, tmp_path: Path) -> None:
    words = ("search", "--csv", iris, "--target", "kind", "--folds", "90", "--lr", "0.1:0.2")
    told = "Note: --folds, --lr belong to --model network, so a network is searched"
    asked = invoke(*words, "--model", "network", "--out", tmp_path / "out")
    assert told in invoke(*words, "--out", tmp_path / "out").output
    assert asked.exit_code == 2
    assert told not in asked.output


def test_a_preset_says_how_much_is_trained(iris: Path, tmp_path: Path) -> None:
    words = ("search", "--csv", iris, "--target", "kind", "--preset", "quick", "--out", tmp_path)
    result = invoke(*words)
    assert result.exit_code == 0, result.output
    model = tl.load(tmp_path / "model.safetensors")[-1]
    assert (model.preset, model.n_folds_) == ("quick", 5)
    assert json.loads((tmp_path / "search.json").read_text())["asked"]["ensemble"] == {
        "preset": "quick"
    }
    result = invoke(*words[:-3], "best", *words[-2:])
    assert result.exit_code == 2
    assert "got others: preset was 'quick', is 'best'; try --fresh, which" in result.output
    result = invoke(*words, "--fresh", "--model", "network")
    assert result.exit_code == 2
    assert "--preset belongs to --model ensemble" in result.output


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (
            None,
            "the mean squared error of the standardised target: 1 is always predicting the mean",
        ),
        (
            "rmse",
            "the mean squared error of the standardised target: 1 is always predicting the mean",
        ),
        ("mae", "the MAE of the standardised target"),
        ("pinball:0.9", "the pinball loss at quantile 0.9 of the standardised target"),
    ],
)
def test_the_loss_of_votes_in_words(metric: str | None, words: str) -> None:
    assert StudySettings(metric=metric).loss_words("regression") == words


def test_settings_in_words() -> None:
    from trainlab.tables.study import RankedCandidate

    settings: Any = {
        "hidden_layer_sizes": (64, 32),
        "learning_rate_init": np.float64(0.01234),
        "norm": None,
        "optimizer": "adam",
    }
    found = RankedCandidate(1, 1, settings, 0.5, np.nan, (), 0.25)
    assert found.words == "hidden 64×32, lr 0.012, optimizer adam"
    settings = {"max_leaf_nodes": 24, "optimizer": tl.Adam(beta2=0.95), "init": tl.He()}
    found = RankedCandidate(1, 1, settings, 0.5, np.nan, ())
    assert found.words == "trees, leaves 24, optimizer Adam(beta2=0.95), init He"


def test_a_time_limit_is_kept_and_told(iris: Path, tmp_path: Path) -> None:
    words = ("search", "--csv", iris, "--target", "kind", "--out", tmp_path)
    result = invoke(*words, "--time-limit", "1000")
    assert result.exit_code == 0, result.output
    told = " ".join(result.output.split())
    assert "trained in all 5, within 1000 s; a faster machine may train more." in told
    numbers = json.loads((tmp_path / "search.json").read_text())
    assert numbers["asked"]["ensemble"] == {"time_limit": 1000.0}
    replay = numbers["ensemble"]["replay"]
    assert (replay["n_candidates"], replay["n_folds"], replay["trees"]) == (4, 5, True)
    assert "as many as 1000 seconds allowed on this machine" in pages.read(tmp_path)[1].text
    model = tl.load(tmp_path / "model.safetensors")[-1]
    assert model.replay_ == replay
    for bad in ("0", "-1", "nan", "inf", "soon"):
        assert invoke(*words, "--fresh", "--time-limit", bad).exit_code == 2
    result = invoke(*words, "--fresh", "--model", "network", "--time-limit", "9")
    assert "--time-limit belongs to --model ensemble" in result.output
    told = " ".join(invoke(*words, "--fresh", "--time-limit", "0.001").output.split())
    assert "Warning: --time-limit of PopulationEnsembleClassifier must be" in told
    assert "got 0.001; try more seconds, or fewer rows" in told


def test_intervals_that_hold_too_few_rows_are_warned_of(
    few_candidates: None, tmp_path: Path, rng: np.random.Generator
) -> None:
    """The latest rows have another level, of which no earlier one knows."""
    x = rng.normal(size=300)
    rows = [[f"{one:.3f}", row, f"{one + 9 * (row >= 240):.3f}"] for row, one in enumerate(x)]
    path = write(tmp_path / "table.csv", ["x", "day", "y"], rows)
    words = ("search", "--csv", path, "--target", "y", "--time", "day", "--out", tmp_path / "out")
    told = "Intervals of 90% hold 0% of the rows put aside, which seem to be unlike those of the"
    assert f"Warning: {told}" in " ".join(invoke(*words).output.split())
    assert told in pages.read(tmp_path / "out")[1].text


@pytest.mark.parametrize(("option", "folds"), [("group", 5), ("time", 3)])
def test_folds_of_an_ensemble_obey_groups_and_time(
    option: str, folds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    right = tl.PopulationEnsembleClassifier.fit

    def fit(self: Any, X: Any, *rest: Any, **more: Any) -> Any:
        given.append((self.cv, len(X)))
        return right(self, X, *rest, **more)

    monkeypatch.setattr(tl.PopulationEnsembleClassifier, "fit", fit)
    rows = [[n % 2, n % 7, n % 5 + 0.5, n // 4] for n in range(200)]
    path = write(tmp_path / "table.csv", ["y", "x", "z", "by"], rows)
    words = ("search", "--csv", path, "--target", "y", f"--{option}", "by", "--out", tmp_path)
    result = invoke(*words)
    assert result.exit_code == 0, result.output
    found = problem(path, "y", **{option: "by"})
    known = split(found, 0.2, 5, seed=0).search
    assert found.rule is not None
    by, ((pairs, count),) = found.rule.values[known], given
    assert (len(pairs), count) == (folds, len(known))
    for train, held in pairs:
        if option == "group":
            assert not {*by[train]} & {*by[held]}
        else:
            assert by[train].max() < by[held].min()
    # By time the fold that knows most is the first.
    sizes = [len(train) for train, _ in pairs]
    assert option == "group" or sizes == sorted(sizes, reverse=True)
    model = tl.load(tmp_path / "model.safetensors")
    assert (model.n_folds_, model.cv) == (folds, None)
