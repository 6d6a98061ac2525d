"""Boosted trees as arrays: what scikit-learn says of them, and where they are cut."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest
import threadpoolctl
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from trainlab import PopulationEnsembleClassifier, PopulationEnsembleRegressor
from trainlab.ensembles import base, boosting, training
from trainlab.ensembles.boosting import grow, iterations_of, words_of
from trainlab.ensembles.families import TREES
from trainlab.estimators import trees
from trainlab.estimators.rows import Rows
from trainlab.estimators.targets import Indicators, Labels, Values
from trainlab.estimators.trees import BoostedTrees, GrownTrees
from trainlab.search.selection import mean_loss, truths_of

IRIS = load_iris(return_X_y=True)
# Sums of some hundred float64 numbers of size 1, in the same order: powers alone are others.
CLOSE = 1e-13
FEW = {"max_leaf_nodes": 5, "min_samples_leaf": 5}


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer, load_diabetes])
def test_arrays_say_what_scikit_learn_says(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "BLOCK_NUMBERS", 1 << 10)  # several blocks
    X, y = load(return_X_y=True)
    if load is load_diabetes:
        model = HistGradientBoostingRegressor(max_iter=30).fit(X[::2], y[::2])
        found = BoostedTrees.joined([GrownTrees.of(model, [0])], 1, "identity")
        said = found.outputs(X, "float32", "predict", "auto")[0, :, 0]
        assert said == pytest.approx(model.predict(X), rel=CLOSE)
        return
    model = HistGradientBoostingClassifier(max_iter=30).fit(X[::2], y[::2])
    columns = [1] if load is load_breast_cancer else [0, 1, 2]
    found = BoostedTrees.joined([GrownTrees.of(model, columns)], len(model.classes_), "softmax")
    said = found.outputs(X, "float32", "predict_proba", "auto")[0]
    assert said == pytest.approx(model.predict_proba(X), abs=CLOSE)
    assert found.is_sound(X.shape[1], len(model.classes_))
    assert not found.is_sound(1, len(model.classes_))


def parts(X: Any, y: Any) -> tuple[Rows, Rows]:
    rng = np.random.default_rng(0)
    held = rng.random(len(X)) < 0.3
    weight = rng.integers(1, 4, len(X)).astype(float)
    return Rows(X[~held], y[~held], weight[~held]), Rows(X[held], y[held], weight[held])


@pytest.mark.parametrize("task", ["classification", "multilabel", "regression"])
def test_as_many_trees_as_are_best_on_the_rows_held_back(task: str) -> None:
    X, y = IRIS
    rng = np.random.default_rng(1)
    y = np.where(rng.random(len(y)) < 0.2, rng.integers(0, 3, len(y)), y)  # to be learnt by heart
    targets: Any = Labels(np.arange(3))
    if task == "multilabel":
        targets, y = Indicators(3), np.eye(3)[y]
    elif task == "regression":
        targets, y = Values(np.zeros(1), np.ones(1), True), y[:, None] - 1.0
    rows, held = parts(X, y)
    found = grow(rows, held, targets, FEW, 0)
    again = grow(rows, held, targets, FEW, 0)
    assert all(np.array_equal(a, again.arrays()[name]) for name, a in found.arrays().items())
    assert "source" not in found.arrays(), "earlier versions read what merges no words"
    other = grow(rows, held, targets, {**FEW, "max_features": 0.5}, 1)
    assert not np.array_equal(other.value, found.value)

    def loss(some: BoostedTrees) -> float:
        said = some.outputs(held.x, "float32", "predict_proba", "auto")
        return float(mean_loss(truths_of(said, held.y, task), held.weight, task)[0])

    columns, count = found.output.max() + 1, len(found.root)
    assert 0 < count < columns * 133, "cut before the last"
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        for iterations in (count // columns // 2, 133):
            own = {**FEW, "max_iter": iterations, "learning_rate": 10 / 133}
            if task == "regression":
                own["learning_rate"] = 10 / 200
            patch.setattr(boosting, "_cut", whole)
            assert loss(grow(rows, held, targets, own, 0)) >= loss(found)


def whole(grown: Any, held: Any, outputs: int, link: str, task: str) -> BoostedTrees:
    return BoostedTrees.joined(grown, outputs, link)


def test_a_class_that_a_fold_lacks_is_next_to_impossible() -> None:
    X, y = IRIS
    rows, held = parts(X, y)
    for there in ([0, 2], [1]):
        some = np.isin(rows.y, there)
        own = Rows(rows.x[some], rows.y[some])
        found = grow(own, held, Labels(np.arange(3)), FEW, 0)
        p = found.outputs(held.x, "float32", "predict_proba", "auto")[0]
        assert p.sum(axis=1) == pytest.approx(1)
        assert p[:, np.setdiff1d(np.arange(3), there)].max() < 1e-9
    every = Rows(X, np.stack([y > 0, np.ones(150)], axis=1).astype(float))
    p = grow(every, every, Indicators(2), FEW, 0).outputs(X, "float32", "predict_proba", "auto")[0]
    assert p[:, 1].min() > 1 - 1e-9
    assert (p[:, 0] > 0.5).tolist() == (y > 0).tolist()


def steps() -> tuple[Any, Any]:
    rng = np.random.default_rng(4)
    X = rng.integers(0, 40, (400, 3)).astype(float)
    return X, rng.standard_normal(40)[X[:, 0].astype(int)] * (X[:, 1] > 17)


def test_trees_vote_where_they_know_better_and_not_where_they_may_not() -> None:
    X, y = steps()
    space = {"hidden_layer_sizes": [(4,)], "dropout": [0.0, 0.1]}
    settings: Any = {"n_architectures": 1, "n_folds": 2, "space": space, "max_iter": 3}
    ensemble = PopulationEnsembleRegressor(2, random_state=0, **settings).fit(X[:300], y[:300])
    assert len(ensemble.candidates_) == len(ensemble.weights_) == 4
    assert ensemble.weights_[2:].sum() > 0.8
    without = PopulationEnsembleRegressor(2, random_state=0, trees=False, **settings)
    assert len(without.fit(X[:300], y[:300]).candidates_) == 2
    test = X[300:], y[300:]
    assert ensemble.score(*test) > 0.5 > without.score(*test)


def test_the_bits_of_trees_do_not_know_of_threads() -> None:
    from threadpoolctl import threadpool_limits

    X, y = IRIS
    bits = set()
    for threads in (1, 2):
        with threadpool_limits(threads, "openmp"):
            model = PopulationEnsembleClassifier(1, n_folds=2, max_iter=2, random_state=0)
            bits.add(model.fit(X, y).predict_proba(X).tobytes())
    assert len(bits) == 1


def test_a_row_that_counts_much_does_not_keep_the_others_from_being_learnt() -> None:
    """Regularization is for weights about 1: divided by the greatest, others would be near 0."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((300, 2))
    y = (X[:, :1] > 0).astype(float)
    weight = np.ones(300)
    weight[0] = 5_000.0
    targets = Values(np.zeros(1), np.ones(1), True)
    found = grow(Rows(X, y, weight), Rows(X, y), targets, {**FEW, "l2_regularization": 1.0}, 0)
    assert np.abs(found.outputs(X, "float32", "predict", "auto")[0] - y).mean() < 0.02


def words(rows: int) -> tuple[Any, Any]:
    """A number, and a word of 60 values, as one-hot columns, of which half raise y."""
    rng = np.random.default_rng(6)
    place = rng.integers(60, size=rows)
    X = np.concatenate([rng.standard_normal((rows, 1)), np.eye(60)[place]], axis=1)
    return X, 2.0 * (place * 7 % 60 < 30) + X[:, 0] + rng.standard_normal(rows)


@pytest.mark.parametrize("task", ["classification", "multilabel", "regression"])
def test_trees_tell_the_values_of_a_word_apart_by_their_means(task: str) -> None:
    X, y = words(6000)
    targets: Any = Values(np.zeros(1), np.ones(1), True)
    values = y[:, np.newaxis]
    if task == "classification":
        targets, values = Labels(np.arange(2)), (y > 1).astype(int)
    elif task == "multilabel":
        targets, values = Indicators(2), np.stack([y > 1, y > 0], axis=1).astype(float)
    rows, held, test = (Rows(X[own::3], values[own::3]) for own in range(3))
    runs = words_of(X, targets)
    assert runs == [range(1, 61)]
    losses = []
    for given in (runs, ()):
        found = grow(rows, held, targets, {**FEW, "max_iter": 40}, 0, given)
        assert found.is_sound(61, targets.outputs)
        said = found.outputs(test.x, "float32", "predict_proba", "auto")
        losses.append(float(mean_loss(truths_of(said, test.y, task), np.ones(2000), task)[0]))
    assert losses[0] < 0.85 * losses[1]


def test_a_word_of_few_rows_for_each_value_stays() -> None:
    rows = 60 * boosting.ROWS_OF_A_VALUE
    for count, runs in ((rows, [range(1, 61)]), (rows - 1, [])):
        X, _ = words(count)
        assert words_of(X, Values(np.zeros(1), np.ones(1), True)) == runs


def test_means_of_few_rows_are_not_learnt_by_heart() -> None:
    """Of 5 rows for each value they gave away so much of y that the error was a third greater."""
    rng = np.random.default_rng(1)
    effect = rng.standard_normal(200) * 0.3

    def drawn(rows: int) -> Rows:
        place, x = rng.integers(200, size=rows), rng.standard_normal((rows, 3))
        y = effect[place] + np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + rng.standard_normal(rows) / 2
        return Rows(np.concatenate([np.eye(200)[place], x], axis=1), y[:, np.newaxis])

    rows, held, test = drawn(1000), drawn(250), drawn(2000)
    targets = Values(np.zeros(1), np.ones(1), True)
    losses = []
    for runs in (words_of(rows.x, targets), [range(200)]):
        found = grow(rows, held, targets, TREES[0], 0, runs)
        said = found.outputs(test.x, "float32", "predict", "auto")
        losses.append(
            float(mean_loss(truths_of(said, test.y, "regression"), np.ones(2000), "regression")[0])
        )
    assert losses[0] < 0.9 * losses[1]


def test_a_word_of_no_more_values_than_classes_stays() -> None:
    X, _ = words(1200)
    assert words_of(X, Labels(np.arange(60))) == []
    assert words_of(X, Labels(np.arange(59))) == [range(1, 61)]


def test_columns_of_one_word_count_as_what_trees_see_of_them() -> None:
    many = [range(1, 1 + 4 * boosting.WIDE)]
    for runs, count in (((), 100), (many, 400)):
        targets = Labels(np.arange(2))
        assert iterations_of(targets, TREES[0], 4 * boosting.WIDE, runs) == count


def test_an_ensemble_merges_words_unless_an_earlier_version_began_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, y = words(1200)
    seen: list[Any] = []
    monkeypatch.setattr(training, "grow", lambda *given: seen.append(given[5]) or grow(*given))
    for recipe, runs in ((None, [range(1, 61)]), (4, ())):
        monkeypatch.setattr(base, "stored_recipe", lambda store, name, it=recipe: it)
        PopulationEnsembleRegressor(1, n_folds=1, max_iter=1, random_state=0).fit(X, y)
        assert seen == [runs, runs]
        seen.clear()


def test_wide_rows_have_fewer_trees() -> None:
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 60)
    counts = []
    for width in (boosting.WIDE, 4 * boosting.WIDE):
        X = rng.standard_normal((60, width))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(boosting, "_cut", whole)
            counts.append(
                len(grow(*parts(X, y), Labels(np.arange(2)), {"max_leaf_nodes": 48}, 0).root)
            )
    assert counts == [200, 50]


@pytest.mark.parametrize(
    ("settings", "iterations", "rate"),
    [
        ({}, 400, 0.03),
        ({}, 40, 0.15),
        ({"learning_rate": 0.08}, 400, 0.08),
        ({"learning_rate": 0.08}, 40, 0.15),
    ],
)
def test_fewer_trees_learn_faster_and_none_slower_than_is_asked_for(
    settings: Any, iterations: int, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = steps()
    seen: list[float] = []

    def fit(self: Any, *given: Any) -> Any:
        seen.append(self.learning_rate)
        self.set_params(max_iter=1)
        return right(self, *given)

    right = boosting.HistGradientBoostingRegressor.fit
    monkeypatch.setattr(boosting.HistGradientBoostingRegressor, "fit", fit)
    rows = Rows(X, y[:, np.newaxis])
    targets = Values.of(rows.y, None, True, True)
    grow(rows, rows, targets, {**FEW, **settings}, 0, iterations=iterations)
    assert seen == pytest.approx([rate])


def test_trees_leave_the_threads_of_blas_as_others_have_set_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """threadpoolctl restores all that it has found; a training may have limited BLAS meanwhile."""
    X, y = steps()
    right, seen = boosting.HistGradientBoostingRegressor.fit, list[int]()
    blas = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
    before = [one.num_threads for one in blas]

    def fit(self: Any, *given: Any) -> Any:
        for one in blas:
            one.set_num_threads(one.num_threads + 1)
        seen.append(len(blas))
        return right(self, *given)

    monkeypatch.setattr(boosting.HistGradientBoostingRegressor, "fit", fit)
    try:
        rows = Rows(X, y[:, np.newaxis])
        grow(rows, rows, Values.of(rows.y, None, True, True), TREES[0], 0, iterations=1)
        after = [one.num_threads for one in blas]
    finally:
        for one, count in zip(blas, before, strict=True):
            one.set_num_threads(count)
    assert seen
    assert after == [count + 1 for count in before]


def test_ctrl_c_while_trees_grow_is_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy's buffers, beneath scikit-learn's trees, make a ValueError of it."""

    def fit(*_: Any) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("is not a valid PEP 3118 buffer format string") from None

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", fit)
    targets: Any = Labels(np.arange(3))
    try:
        with pytest.raises(KeyboardInterrupt):
            grow(*parts(*IRIS), targets, FEW, 0)
    finally:
        signal.signal(signal.SIGINT, before)
