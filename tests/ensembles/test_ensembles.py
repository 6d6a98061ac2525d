"""Population ensembles: what is drawn, trained and selected, and what it promises."""

from __future__ import annotations

import contextlib
import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.stats import loguniform, uniform
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.metrics import log_loss

import trainlab as tl
from trainlab import PopulationEnsembleClassifier, PopulationEnsembleRegressor
from trainlab.ensembles import base as ensemble_base
from trainlab.ensembles.families import ARCHITECTURE, FAMILIES, draw
from trainlab.errors import SettingError
from trainlab.estimators.rows import Rows, merge
from trainlab.search.selection import greedy, truths_of
from trainlab.store import Run
from trainlab.training import pace

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
SPACE = {
    "hidden_layer_sizes": [(6,), (5, 4)],
    "learning_rate_init": loguniform(1e-2, 5e-2),
    "dropout": [0.0, 0.2],
}


class Short(PopulationEnsembleClassifier):
    """A subclass whose constructor has few of the parameters."""

    def __init__(self, max_iter: int = 6) -> None:
        super().__init__(
            n_candidates=2, n_architectures=1, space=SPACE, trees=False, random_state=3
        )
        self.max_iter = max_iter


def small(kind: Any = PopulationEnsembleClassifier, **settings: Any) -> Any:
    usual = {"n_candidates": 6, "n_architectures": 2, "space": SPACE, "max_iter": 6, "trees": False}
    return kind(**(usual | {"random_state": 3} | settings))


def squares(errors: Any) -> Any:
    return (errors**2).mean(axis=1)


class TestGreedy:
    def test_each_round_is_the_best_step_there_is(self) -> None:
        errors, rounds = np.random.default_rng(5).standard_normal((7, 20)), 9
        total, counts, found = np.zeros(20), np.zeros(7), []
        for done in range(1, rounds + 1):
            tried = [np.mean(((total + own) / done) ** 2) for own in errors]
            best = int(np.argmin(tried))
            total, counts = total + errors[best], counts + np.eye(7)[best]
            found.append((tried[best], counts / done))
        loss, weights = min(found, key=lambda one: one[0])
        selection = greedy(errors, squares, rounds)
        assert selection.weights == pytest.approx(weights, abs=1e-15)
        assert selection.loss == pytest.approx(loss, rel=1e-12)
        assert selection.losses.tolist() == squares(errors).tolist()
        assert selection.loss < selection.losses.min()
        assert np.count_nonzero(selection.weights) > 1

    def test_one_round_is_the_best_alone(self) -> None:
        errors = np.random.default_rng(6).standard_normal((5, 9))
        selection = greedy(errors, squares, 1)
        assert selection.weights.tolist() == np.eye(5)[np.argmin(squares(errors))].tolist()
        assert selection.loss == selection.losses[selection.best] == squares(errors).min()

    def test_no_mean_is_better_than_a_predictor_without_fault(self) -> None:
        errors = np.array([[1.0, -1.0], [0.0, 0.0], [-1.0, 1.0], [0.0, 0.0]])
        selection = greedy(errors, squares, 8)
        assert selection.weights.tolist() == [0, 1, 0, 0]


class TestDealing:
    @pytest.mark.parametrize(("rows", "parts"), [(100, 5), (23, 5), (7, 3), (2, 2)])
    def test_parts_are_of_one_size_and_so_are_those_of_classes(self, rows: int, parts: int) -> None:
        y = np.random.default_rng(rows).integers(3, size=rows)
        part = ensemble_base.deal(y, parts, np.random.RandomState(0), stratify=True)
        assert np.ptp(np.bincount(part, minlength=parts)) <= 1
        for label in np.unique(y):
            assert np.ptp(np.bincount(part[y == label], minlength=parts)) <= 1

    def test_chance_decides(self) -> None:
        y = np.zeros(50, int)
        one, again, other = (
            ensemble_base.deal(y, 5, np.random.RandomState(seed), False) for seed in (0, 0, 1)
        )
        assert one.tolist() == again.tolist() != other.tolist()

    def test_every_part_has_its_turn_where_rows_are_few(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert small().fit(*IRIS).n_folds_ == 5
        monkeypatch.setattr(ensemble_base, "FEW_ROWS", 100)
        assert small().fit(*IRIS).n_folds_ == 3
        assert small(preset="quick").fit(*IRIS).n_folds_ == 1


class TestDrawing:
    def test_architectures_have_their_shares(self) -> None:
        each = draw(FAMILIES, 22, 5, np.random.RandomState(1))
        found = [one for own in each for one in own]
        shapes = [tuple(one.get(name) for name in ARCHITECTURE) for one in found]
        sizes = [len(list(group)) for _, group in itertools.groupby(shapes)]
        assert sizes == [len(own) for own in each] == [5, 5, 4, 4, 4]
        assert len({one["learning_rate_init"] for one in found}) == 22

    def test_all_there_are(self) -> None:
        (found,) = draw([{"dropout": [0.0, 0.1]}], 9, 1, np.random.RandomState(0))
        assert sorted(one["dropout"] for one in found) == [0.0, 0.1]

    def test_each_family_is_one_that_a_network_can_be(self) -> None:
        for one in itertools.chain(*draw(FAMILIES, 40, 8, np.random.RandomState(2))):
            tl.MLPClassifier(**one)._chosen()
            tl.MLPRegressor(**one)._chosen()


class TestPresets:
    @pytest.mark.parametrize(
        ("preset", "candidates", "folds"), [("quick", 10, 5), ("default", 18, 5), ("best", 66, 5)]
    )
    def test_they_say_what_auto_is(
        self, preset: str, candidates: int, folds: int, tmp_path: Path
    ) -> None:
        settings: Any = {"max_iter": 1, "trees": False, "random_state": 0}
        model = PopulationEnsembleClassifier(preset=preset, store=tmp_path, **settings)
        model.fit(*IRIS)
        assert (len(model.candidates_), model.n_folds_) == (candidates, folds)
        said = PopulationEnsembleClassifier(
            candidates,
            preset=preset if preset == "quick" else "default",  # which draws more than that
            n_folds="auto" if preset == "default" else folds,
            n_iter_no_change=ensemble_base.PRESETS[preset]["n_iter_no_change"],
            store=tmp_path,
            **settings,
        )
        assert np.array_equal(said.fit(*IRIS).predict_proba(X := IRIS[0]), model.predict_proba(X))

    def test_fewer_are_the_first_of_each_architecture(self) -> None:
        space = [{**SPACE, "hidden_layer_sizes": [hidden]} for hidden in ((6,), (5, 4))]
        whole, few = (
            small(n_candidates=count, space=space, n_folds=1).fit(*IRIS) for count in (16, 6)
        )
        shapes = [one["hidden_layer_sizes"] for one in few.candidates_]
        assert all(one in whole.candidates_ for one in few.candidates_)
        assert {*few.losses_} < {*whole.losses_}
        assert [shapes.count(one) for one in dict.fromkeys(shapes)] == [3, 3]

    @pytest.mark.parametrize(("preset", "epochs"), [("quick", 40), ("default", 100)])
    def test_they_say_how_many_epochs_there_are(
        self, preset: str, epochs: int, tmp_path: Path
    ) -> None:
        """The rate falls to 0 within these; a store that says so goes on."""
        settings: Any = {"preset": preset, "n_folds": 1, "trees": False, "random_state": 0}
        said, auto = (
            PopulationEnsembleClassifier(1, store=tmp_path, **settings, **more).fit(*IRIS)
            for more in ({"max_iter": epochs}, {})
        )
        assert auto.losses_.tobytes() == said.losses_.tobytes()
        other = clone(said).set_params(max_iter=epochs - 1, store=None).fit(*IRIS)
        assert other.losses_.tobytes() != said.losses_.tobytes()

    def test_what_is_given_counts(self) -> None:
        model = PopulationEnsembleClassifier(3, preset="quick", n_folds=2, max_iter=1, trees=False)
        assert len(model.fit(*IRIS).candidates_) == 3
        assert model.n_folds_ == 2


class TestWhatIsKept:
    def test_losses_and_weights_are_those_of_validation_rows(self) -> None:
        X, y = IRIS
        ensemble = small(n_folds=2).fit(X, y)
        rows = merge(Rows(X, y))
        draws = np.random.RandomState(3)
        part = ensemble_base.deal(rows.y, 5, draws, stratify=True)
        each = ensemble._outputs(rows.x).reshape(2, -1, len(rows), 3)
        weights = ensemble.weights_[ensemble.weights_ > 0]
        voted = [np.average(each[fold], axis=0, weights=weights)[part == fold] for fold in (0, 1)]
        truth = np.concatenate([rows.y[part == fold] for fold in (0, 1)])
        # Probabilities are float32; log_loss warns where their sum is not 1 to float64.
        p = np.concatenate(voted).astype(np.float64)
        p /= p.sum(axis=1, keepdims=True)
        weight = np.concatenate([rows.weight[part == fold] for fold in (0, 1)])
        assert ensemble.loss_ == pytest.approx(log_loss(truth, p, sample_weight=weight), rel=1e-5)
        assert ensemble.weights_.sum() == pytest.approx(1, abs=1e-12)
        assert ensemble.gain_ == ensemble.losses_[ensemble.best_index_] - ensemble.loss_ >= 0
        assert ensemble.best_index_ == np.argmin(ensemble.losses_)
        assert ensemble.n_networks_ == 2 * np.count_nonzero(ensemble.weights_)
        assert len(ensemble.candidates_) == len(ensemble.losses_) == 6

    def test_answers_are_the_weighted_mean(self) -> None:
        X, y = IRIS
        ensemble = small(space=None, n_folds=1).fit(X, y)
        own = ensemble._outputs(X).astype(np.float64)
        weights = ensemble.weights_[ensemble.weights_ > 0]
        mean = np.average(own, axis=0, weights=weights)
        assert ensemble.predict_proba(X) == pytest.approx(mean, abs=1e-6)
        X, y = DIABETES
        ensemble = small(PopulationEnsembleRegressor, space=None, n_folds=1).fit(X, y)
        own = ensemble._outputs(X)[..., 0].astype(np.float64)
        weights = ensemble.weights_[ensemble.weights_ > 0]
        mean = np.average(own, axis=0, weights=weights) * y.std() + y.mean()
        assert len(weights) > 1
        assert ensemble.predict(X) == pytest.approx(mean, rel=1e-5)

    def test_regression_counts_in_standardised_units(self) -> None:
        X, y = DIABETES
        one = small(PopulationEnsembleRegressor, n_folds=1).fit(X, y)
        other = small(PopulationEnsembleRegressor, n_folds=1).fit(X, 1000 * y + 5)
        assert 0.3 < one.loss_ < 1
        assert other.loss_ == pytest.approx(one.loss_, rel=1e-3)
        assert one.score(X, y) > 0.4

    def test_no_network_has_seen_its_validation_rows(self) -> None:
        rng = np.random.default_rng(7)
        X, y = rng.standard_normal((60, 30)), rng.integers(2, size=60)
        space = {"hidden_layer_sizes": [(64,)], "learning_rate_init": [0.02]}
        ensemble = small(space=space, max_iter=60, n_iter_no_change=60, n_folds=2).fit(X, y)
        learnt = ensemble._outputs(X).argmax(axis=-1) == y
        assert learnt.mean() > 0.65  # of what they have seen, and none can know
        assert ensemble.losses_.min() > 0.5  # by heart it would be 1e-4

    def test_networks_of_the_same_settings_have_other_seeds(self) -> None:
        space = {"hidden_layer_sizes": [(6,)], "dropout": [0.0]}
        ensemble = small(space=space, n_folds=1).fit(*IRIS)
        one = {"standardize_inputs": "robust", "hidden_layer_sizes": (6,), "dropout": 0.0}
        assert ensemble.candidates_ == [one] * 2
        assert ensemble.losses_[0] != ensemble.losses_[1]

    def test_networks_leave_when_they_get_no_better(self) -> None:
        space = {"hidden_layer_sizes": [(30,)], "learning_rate_init": [0.1]}
        ensemble = small(space=space, max_iter=500, n_iter_no_change=2, n_folds=1).fit(*IRIS)
        assert ensemble.n_iter_ < 250

    def test_what_overflows_is_undecided(self) -> None:
        answers, t = np.array([[[np.nan, np.nan], [0.2, 0.8]]]), np.array([0, 1])
        assert truths_of(answers, t, "classification").tolist() == [[0.5, 0.8]]
        both = truths_of(answers, np.array([[1, 0], [0, 1]]), "multilabel")
        assert both.tolist() == [[[0.5, 0.5], [0.8, 0.8]]]
        errors = truths_of(answers, np.array([[1.0, 2], [0, 1]]), "regression")
        assert errors[0].tolist() == [[-1, -2], [0.2, pytest.approx(-0.2)]]

    def test_networks_that_diverged_are_counted_and_do_no_harm(self) -> None:
        space = {"learning_rate_init": [0.02, 1e12], "optimizer": ["sgd"]}
        ensemble = small(space=space, max_iter=20, n_folds=1).fit(*IRIS)
        assert ensemble.n_diverged_ == 2 * 1  # one of each architecture
        assert ensemble.score(*IRIS) > 0.8

    def test_a_fit_that_fails_leaves_what_was_there(self) -> None:
        ensemble = small(n_folds=1).fit(*IRIS)
        before, candidates = ensemble.predict_proba(IRIS[0]), ensemble.candidates_
        with pytest.raises(SettingError, match="max_iter"):
            ensemble.set_params(max_iter=0).fit(*IRIS)
        assert ensemble.predict_proba(IRIS[0]).tobytes() == before.tobytes()
        assert ensemble.candidates_ is candidates


class TestIntervals:
    @pytest.mark.parametrize("folds", [1, 5])
    def test_they_hold_their_share_of_later_rows(self, folds: int) -> None:
        rng = np.random.default_rng(11)
        X = rng.standard_normal((1200, 3))
        y = 40 + 3 * X[:, 0] + rng.standard_t(4, 1200)
        ensemble = small(PopulationEnsembleRegressor, n_folds=folds, max_iter=15)
        ensemble.fit(X[:500], y[:500])
        for level in (0.5, 0.8, 0.95):
            low, high = ensemble.predict_interval(X[500:], level).T
            inside = ((low <= y[500:]) & (y[500:] <= high)).mean()
            # Of 700 rows, four deviations of their share; of so few errors, as much again.
            assert level - 0.12 < inside < level + 0.12
            assert np.ptp(high - low) < 1e-9

    def test_each_target_has_its_own(self, tmp_path: Path) -> None:
        X, y = DIABETES
        both = np.stack([y, -1000 * y], axis=1)
        ensemble = small(PopulationEnsembleRegressor, n_folds=2).fit(X, both)
        found = ensemble.predict_interval(X[:5], 0.8)
        assert found.shape == (5, 2, 2)
        width = found[:, 1] - found[:, 0]
        assert width[:, 1] == pytest.approx(1000 * width[:, 0], rel=0.2)
        tl.save(ensemble, tmp_path / "model")
        assert np.array_equal(tl.load(tmp_path / "model").predict_interval(X[:5], 0.8), found)

    def test_what_cannot_be_told_is_said(self) -> None:
        X, y = DIABETES
        ensemble = small(PopulationEnsembleRegressor, n_folds=1).fit(X[:40], y[:40])
        with pytest.raises(SettingError, match=r"level .* at most 0.8889 after 8 validation rows"):
            ensemble.predict_interval(X, 0.9)
        for level in (0, 1, "all", True):
            with pytest.raises(SettingError, match=r"level .* number in \(0, 1\)"):
                ensemble.predict_interval(X, level)
        del ensemble._errors
        with pytest.raises(SettingError, match="which its file lacks"):
            ensemble.predict_interval(X, 0.5)


class TestRows:
    @pytest.mark.parametrize("kind", [PopulationEnsembleClassifier, PopulationEnsembleRegressor])
    def test_a_row_of_weight_2_is_a_row_given_twice(self, kind: Any) -> None:
        X, y = IRIS
        weight = np.random.default_rng(0).integers(0, 3, len(X))
        one = small(kind, n_folds=2).fit(X, y, sample_weight=weight)
        order = np.random.default_rng(1).permutation(weight.sum())
        twice = np.repeat(X, weight, axis=0)[order], np.repeat(y, weight)[order]
        other = small(kind, n_folds=2).fit(*twice)
        assert one.predict(X).tobytes() == other.predict(X).tobytes()
        assert one.losses_.tobytes() == other.losses_.tobytes()

    @pytest.mark.parametrize("workers", [1, 2])
    def test_the_same_bits_again(self, workers: int) -> None:
        first = small(n_folds=1, workers=1).fit(*IRIS)
        again = clone(first).set_params(workers=workers).fit(*IRIS)
        other = clone(first).set_params(random_state=4).fit(*IRIS)
        bits = [one.predict_proba(IRIS[0]).tobytes() for one in (first, again, other)]
        assert bits[0] == bits[1] != bits[2]

    def test_words_frames_and_sparse_rows(self) -> None:
        X, y = IRIS
        words = np.array(["setosa", "versicolor", "virginica"])[y]
        frame = pd.DataFrame(X, columns=list("abcd"))
        ensemble = small(n_folds=1, max_iter=20).fit(frame, words)
        assert ensemble.feature_names_in_.tolist() == list("abcd")
        assert (ensemble.predict(frame) == words).mean() > 0.9
        sparse = small(n_folds=1, max_iter=20).fit(csr_array(X), y)
        assert sparse.score(csr_array(X), y) > 0.9
        usual = PopulationEnsembleClassifier(2, n_folds=1, max_iter=2).fit(csr_array(X), y)
        assert {one["standardize_inputs"] for one in usual.candidates_} == {"robust"}
        with pytest.raises(SettingError, match="'robust' for a sparse X"):
            small(space={"standardize_inputs": ["piecewise"]}).fit(csr_array(X), y)

    def test_a_subclass_may_have_fewer_parameters(self) -> None:
        found = clone(Short()).set_params(max_iter=1).fit(*IRIS)
        same = small(n_candidates=2, n_architectures=1, max_iter=1).fit(*IRIS)
        assert len(found.candidates_) == 2
        assert (found.predict_proba(IRIS[0]) == same.predict_proba(IRIS[0])).all()

    def test_several_labels_and_several_targets(self) -> None:
        X, y = make_multilabel_classification(120, 8, n_classes=3, random_state=0)
        ensemble = small(n_folds=1, max_iter=30).fit(X, y)
        p = ensemble.predict_proba(X)
        assert p.shape == y.shape
        assert (ensemble.predict(X) == y).mean() > 0.75
        X, y = DIABETES
        both = np.stack([y, -2 * y], axis=1)
        ensemble = small(PopulationEnsembleRegressor, n_folds=1, max_iter=20).fit(X, both)
        assert ensemble.predict(X).shape == both.shape
        assert ensemble.score(X, both) > 0.3

    def test_class_weights_count_where_members_are_selected_too(self) -> None:
        X, y = IRIS
        weights = {0: 1.0, 1: 5.0, 2: 1.0}
        one = small(n_folds=1, class_weight=weights).fit(X, y)
        by_row = np.array([1.0, 5.0, 1.0])[y]
        other = small(n_folds=1).fit(X, y, sample_weight=by_row)
        assert one.predict_proba(X).tobytes() == other.predict_proba(X).tobytes()


class TestStore:
    def test_it_goes_on_where_it_was_cut(
        self, tmp_path: Path, steps: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pace, "FIRST", 1e9)  # chunks alone decide what is saved
        usual = small(n_folds=2, workers=1).fit(*IRIS).predict_proba(IRIS[0])
        save, whole, again = Run.save, steps[0], []
        while not again or again[-1]:  # a cut before each save, and at last one after all of them
            stored = small(n_folds=2, workers=1, store=tmp_path / str(len(again)))
            count = itertools.count()

            def cut(self: Run, *given: Any, count: Any = count, saves: int = len(again)) -> None:
                if next(count) == saves:
                    raise KeyboardInterrupt
                save(self, *given)

            monkeypatch.setattr(Run, "save", cut)
            with contextlib.suppress(KeyboardInterrupt):
                stored.fit(*IRIS)
            monkeypatch.setattr(Run, "save", save)
            steps[0] = 0
            assert stored.fit(*IRIS).predict_proba(IRIS[0]).tobytes() == usual.tobytes()
            again.append(steps[0])
        assert again == sorted(again, reverse=True)
        assert len(set(again)) > 2
        assert whole >= again[0]

    def test_other_settings_are_named_and_another_selection_trains_nothing(
        self, tmp_path: Path
    ) -> None:
        stored = small(n_folds=1, store=tmp_path).fit(*IRIS)
        with pytest.raises(SettingError, match=r"max_iter was 6, is 7"):
            clone(stored).set_params(max_iter=7).fit(*IRIS)
        one = clone(stored).set_params(n_selected=1).fit(*IRIS)
        assert one.losses_.tobytes() == stored.losses_.tobytes()
        assert one.n_networks_ == 1
        fresh = clone(stored).set_params(max_iter=7, fresh=True).fit(*IRIS)
        assert fresh.n_iter_ <= 7

    @pytest.mark.parametrize(
        "changed", [{"trees": False}, {"n_selected": 1}, {"scoring": "pinball:0.9"}]
    )
    def test_what_decides_the_finalists_may_change(
        self, changed: dict[str, Any], tmp_path: Path, steps: list[int]
    ) -> None:
        """In the first fold nothing is trained again; and both ways stay in the store."""
        stored = small(PopulationEnsembleRegressor, n_folds=3, trees=True, store=tmp_path)
        stored.fit(*DIABETES)
        other, whole = clone(stored).set_params(**changed), steps[0]
        steps[0] = 0
        other.fit(*DIABETES)
        assert steps[0] < whole
        alone = clone(other).set_params(store=None).fit(*DIABETES)
        assert other.predict(DIABETES[0]).tobytes() == alone.predict(DIABETES[0]).tobytes()
        steps[0] = 0
        for model in (stored, other):
            before = model.losses_.tobytes()
            assert model.fit(*DIABETES).losses_.tobytes() == before
        assert steps[0] == 0

    @pytest.mark.parametrize("inputs", [True, "standard"])
    def test_a_space_with_standard_inputs_is_not_taken_for_an_earlier_version(
        self, inputs: Any, tmp_path: Path
    ) -> None:
        space = {**SPACE, "standardize_inputs": [inputs]}
        stored = small(space=space, n_folds=np.int64(2), trees=True, store=tmp_path).fit(*IRIS)
        again = clone(stored).fit(*IRIS)
        assert again.losses_.tobytes() == stored.losses_.tobytes()
        assert len(again.losses_) == 6 + 2

    def test_chance_that_cannot_come_again(self, tmp_path: Path) -> None:
        with pytest.raises(SettingError, match="random_state of PopulationEnsembleClassifier"):
            small(random_state=None, store=tmp_path).fit(*IRIS)
        assert not list(tmp_path.iterdir())


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "candidates": ({"n_candidates": 0}, "n_candidates"),
    "preset": ({"preset": "fast"}, "preset .* 'quick', 'default', 'best'"),
    "architectures": ({"n_architectures": 1.5}, "n_architectures"),
    "folds": ({"n_folds": 6}, r"n_folds .* \[1, 5\] or 'auto'; got 6"),
    "selected": ({"n_selected": "all"}, "n_selected"),
    "epochs": ({"max_iter": 0}, "max_iter"),
    "batch": ({"batch_size": -1}, "batch_size"),
    "dtype": ({"dtype": "float16"}, "dtype"),
    "workers": ({"workers": 0}, "workers"),
    "fresh": ({"fresh": 1}, "fresh"),
    "class-weight": ({"class_weight": "even"}, "class_weight"),
    "space": ({"space": "wide"}, "space .* dict of lists and distributions"),
    "no-family": ({"space": []}, "space"),
    "unknown": ({"space": {"depth": [2]}}, "space .* hidden_layer_sizes.* 'depth'"),
    "length": ({"space": {"max_iter": [5]}}, "space"),
    "value": ({"space": {"dropout": 0.5}}, r"dropout .* \[0.5\]"),
    "inputs": (
        {"space": {"standardize_inputs": [["robust"]]}},
        r"must be 'robust', .* \['robust'\]",
    ),
    "out-of-range": ({"space": {"dropout": uniform(2, 3)}}, "dropout"),
    "store": ({"store": 5}, "store"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said(name: str) -> None:
    settings, words = BAD[name]
    with pytest.raises(SettingError) as caught:
        small(**settings).fit(*IRIS)
    assert re.search(words, str(caught.value)), str(caught.value)


@pytest.mark.parametrize(
    ("kind", "recipe"),
    [
        (PopulationEnsembleClassifier, 1),
        (PopulationEnsembleRegressor, 1),
        (PopulationEnsembleRegressor, 2),
        (PopulationEnsembleRegressor, 3),
    ],
)
def test_an_ensemble_of_an_earlier_version_goes_on_with_the_families_that_it_had(
    kind: Any, recipe: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[int]
) -> None:
    """The first had standard inputs, which its config did not say, the second wide networks.

    The third had no network with Huber's loss.
    """
    X, y = load_iris(return_X_y=True)

    def fit(**more: Any) -> Any:
        settings = {"n_architectures": 1, "n_folds": 2, "max_iter": 3, "random_state": 0}
        return kind(2, **settings, **more).fit(X, y).losses_

    with monkeypatch.context() as patch:
        patch.setattr(ensemble_base, "stored_recipe", lambda store, name: recipe)
        earlier = fit(store=tmp_path)
    before = sum(steps)
    assert np.array_equal(fit(store=tmp_path), earlier)
    assert sum(steps) == before, "nothing is trained again"
    assert not np.array_equal(fit(), earlier)
    assert not np.array_equal(fit(store=tmp_path, fresh=True), earlier)


def test_what_an_earlier_version_began_goes_on_with_the_trees_that_it_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ensemble_base, "FEW_FOR_TREES", 60)
    model = small(PopulationEnsembleRegressor, trees=True, n_folds=1, space=None)

    def leaves() -> list[int]:
        found = clone(model).fit(*DIABETES).candidates_
        return [one["max_leaf_nodes"] for one in found if "max_leaf_nodes" in one]

    assert leaves() == [16, 64]
    monkeypatch.setattr(ensemble_base, "stored_recipe", lambda store, name: 3)
    assert leaves() == [24, 64]


def test_in_regression_half_of_the_networks_of_each_kind_of_inputs_have_hubers_loss() -> None:
    settings: Any = {"max_iter": 1, "n_folds": 1, "trees": False, "random_state": 0}
    found = PopulationEnsembleRegressor(10, **settings).fit(*DIABETES).candidates_
    drawn = sorted(
        (one["standardize_inputs"], one.get("loss", "auto"))
        for one in found
        if one["hidden_layer_sizes"]
    )
    each = [(inputs, loss) for inputs in ("piecewise", "robust") for loss in ("auto", "huber")]
    assert drawn == sorted(each * 2)
    found = PopulationEnsembleClassifier(10, **settings).fit(*IRIS).candidates_
    assert not any("loss" in one for one in found)


class TestLinearModels:
    @staticmethod
    def places(count: int, **settings: Any) -> list[bool]:
        """Which of the candidates are linear, in the order in which they would be trained."""
        usual = {"max_iter": 1, "n_folds": 1, "trees": False, "random_state": 0}
        model = PopulationEnsembleClassifier(count, **(usual | settings))
        plan = model._decide(*IRIS, None, None)
        order = np.argsort(plan.turns)
        return [not plan.candidates[place]["hidden_layer_sizes"] for place in order]

    def test_they_take_turns_with_the_architectures(self) -> None:
        first = [False] * 4 + [True]
        assert self.places(18) == 2 * first + [False] * 8
        assert self.places(4) == first[:4]
        assert self.places(20) == 2 * first + [False] * 10

    def test_what_else_is_drawn_does_not_depend_on_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings: Any = {"max_iter": 2, "n_folds": 1, "preset": "quick", "random_state": 0}
        both = PopulationEnsembleClassifier(**settings).fit(*IRIS)
        monkeypatch.setattr(ensemble_base, "LINEAR", ())
        others = PopulationEnsembleClassifier(**settings).fit(*IRIS)
        linear = [one.get("hidden_layer_sizes") == () for one in both.candidates_]
        assert both.losses_[~np.array(linear)].tobytes() == others.losses_.tobytes()

    def test_a_space_of_ones_own_has_none(self) -> None:
        assert self.places(18, space=SPACE) == [False] * 18

    def test_what_an_earlier_version_began_has_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ensemble_base, "stored_recipe", lambda store, name: 5)
        model = PopulationEnsembleClassifier(max_iter=1, n_folds=1, trees=False, random_state=0)
        assert len(model.fit(*IRIS).candidates_) == 16
        assert self.places(18) == [False] * 18

    def test_they_go_on_beyond_what_was_seen_as_they_do_within(
        self, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        X = rng.standard_t(2, (600, 8))
        y = X @ np.arange(1, 9)

        def error() -> float:
            settings: Any = {"max_iter": 30, "n_folds": 1, "random_state": 0}
            model = PopulationEnsembleRegressor(5, **settings).fit(X[:400], y[:400])
            return float(np.abs(model.predict(X[400:]) - y[400:]).mean())

        found = error()
        monkeypatch.setattr(ensemble_base, "LINEAR", ())
        assert found < 0.3 * error()

    def test_where_they_vote_numbers_far_outside_are_told_of(
        self, rng: np.random.Generator
    ) -> None:
        X = rng.standard_normal((200, 3))
        settings: Any = {"max_iter": 30, "n_folds": 1, "trees": False, "random_state": 0}
        model = PopulationEnsembleRegressor(5, **settings).fit(X, X @ np.arange(1, 4))
        linear = [one["hidden_layer_sizes"] == () for one in model.candidates_]
        assert model.weights_[linear].sum() == 1
        assert model.candidates_[linear.index(True)]["standardize_inputs"] == "standard"
        with pytest.warns(UserWarning, match="Numbers far outside the range of training"):
            model.predict(100 * X)


@pytest.mark.parametrize(
    ("preset", "rows", "kind", "count"),
    [
        ("quick", 60, PopulationEnsembleRegressor, 1),
        ("default", 60, PopulationEnsembleRegressor, 2),
        ("quick", 61, PopulationEnsembleRegressor, 2),
        ("quick", 61, PopulationEnsembleClassifier, 1),
    ],
)
def test_quick_has_one_model_of_trees_but_in_regression_on_many_rows(
    preset: str, rows: int, kind: Any, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensemble_base, "FEW_FOR_TREES", 60)
    X = np.random.default_rng(0).standard_normal((rows, 3))
    model = small(kind, preset=preset, trees=True, n_folds=1).fit(X, np.arange(rows) % 2)
    trees = [one for one in model.candidates_ if "max_leaf_nodes" in one]
    assert len(trees) == count
    many = kind is PopulationEnsembleRegressor and rows > 60
    most = [80] if count == 1 else [600 if many else None, None]
    assert [one.get("max_iter") for one in trees] == most
