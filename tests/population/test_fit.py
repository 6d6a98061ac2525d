"""What `fit` promises: when it evaluates, when it stops, what it keeps, and Ctrl-C."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

import trainlab as tl
from complaints import complains
from counter import Counter
from trainlab import blas
from trainlab.engine import NumPyEngine

FEATURES, SAMPLES = 6, 40


@pytest.fixture
def data() -> tl.Dataset:
    """Three classes that overlap, so that a network can over-fit them."""
    rng = np.random.default_rng(5)
    t = rng.permutation(np.arange(SAMPLES) % 3)
    x = rng.normal(size=(SAMPLES, FEATURES)) + 0.5 * t[:, None]
    return tl.from_arrays(x, t).split(validation=10)


def trained(data: tl.Dataset, *members: tl.Member, **settings) -> tuple[tl.Population, tl.History]:
    population = tl.Population(members)
    return population, population.fit(data, batch_size=7, **settings)


class TestEvaluation:
    def test_by_epoch_the_axis_counts_epochs_from_before_the_first_step(self, data) -> None:
        _, history = trained(data, tl.Member(), epochs=3)
        series = history.series["validation_accuracy"]
        assert series.axis == "epoch"
        assert series.axis_values.tolist() == [0, 1, 2, 3]
        assert history["train_loss"].shape == (1, 3 * 5)  # ceil(30 / 7) steps an epoch

    def test_every_n_steps_includes_the_first_and_the_last(self, data) -> None:
        _, history = trained(data, tl.Member(), steps=11, evaluate=4)
        assert history.series["train_accuracy"].axis_values.tolist() == [0, 4, 8, 11]

    def test_at_chosen_steps(self, data) -> None:
        _, history = trained(data, tl.Member(), steps=6, evaluate=[6, 0, 3], on=["validation"])
        assert set(history.series) == {"train_loss", "validation_loss", "validation_accuracy"}
        assert history.series["validation_loss"].axis_values.tolist() == [0, 3, 6]

    def test_never(self, data) -> None:
        assert set(trained(data, tl.Member(), steps=2, evaluate=None)[1].series) == {"train_loss"}

    def test_the_last_evaluation_is_what_predict_says(self, data) -> None:
        population, history = trained(data, tl.Member(), tl.Member(seed=3), epochs=2)
        accuracy = population.accuracy(data.validation.x, data.validation.t)
        assert accuracy.tolist() == history["validation_accuracy"][:, -1].tolist()
        predictions = population.predict(data.validation.x)
        right = (predictions == data.validation.t).mean(axis=1)
        assert np.allclose(right, accuracy)
        probabilities = population.predict_proba(data.validation.x)
        assert np.array_equal(probabilities.argmax(-1), predictions)
        assert np.allclose(probabilities.sum(-1), 1, atol=1e-6)

    def test_batch_is_the_batch_of_the_step_after_its_update(self, data) -> None:
        member = tl.Member(tl.MLP(hidden=(5,)), tl.SGD(0.5), seed=2)
        _, history = trained(data, member, steps=4, evaluate=2, on=["batch"])
        series = history.series["batch_loss"]
        assert series.axis_values.tolist() == [0, 2]
        # by hand: the parameters after three updates, on the batch of step 2
        population, _ = trained(data, member, steps=3, evaluate=None)
        rows = tl.datasets.Batches(len(data.train), 7).epoch(seed=2, epoch=0)[2]
        p = population.predict_proba(data.train.x[rows])[0]
        expected = -np.log(p[np.arange(7), data.train.t[rows]]).mean()
        assert series.values[0, 1] == pytest.approx(expected, rel=1e-5)

    def test_train_loss_is_the_loss_before_the_update(self, data) -> None:
        member = tl.Member(tl.MLP(hidden=(5,)), tl.SGD(0.5), seed=2)
        _, history = trained(data, member, steps=2, evaluate=[0], on=["train"])
        rows = tl.datasets.Batches(len(data.train), 7).epoch(seed=2, epoch=0)[0]
        network = member.network.build(FEATURES, 3)
        params, buffers = network.initialize(2, np.float32)
        y, _, _ = network.forward(network.bind(params, buffers), data.train.x[rows])
        loss, _ = network.loss.forward(y, data.train.t[rows], lambda n, s, d: np.empty(s, d))
        assert history["train_loss"][0, 0] == pytest.approx(float(loss), rel=1e-6)


class TestData:
    @pytest.mark.parametrize("sparse", [False, True])
    def test_numbers_that_the_dtype_cannot_hold_are_refused(self, sparse: bool) -> None:
        x, t = np.array([[1.0, 0.0], [0.0, -1e300]]), np.array([0.5, 1e300])
        network = tl.Network(tl.MLP((2,), loss="mean_squared_error"))
        for far, targets, told in ((x, [1.0, 2.0], "x of train"), (np.eye(2), t, "t of train")):
            data = tl.from_arrays(csr_array(far) if sparse else far, targets, dtype="float64")
            with pytest.raises(tl.DataError) as found:
                network.fit(data, epochs=1)
            assert str(found.value) == (
                f"{told} of fit must be finite in float32; got 1e+300; try dtype='float64'"
            )


class TestEnding:
    def test_a_diverged_member_keeps_its_last_finite_state(self, data) -> None:
        member = tl.Member(tl.MLP(hidden=(5, 5)), tl.SGD(1e9), seed=1)
        population, history = trained(data, member, tl.Member(seed=1), steps=30)
        status = history.status[0]
        assert status.kind == "diverged"
        assert 0 < status.step < 30
        assert str(status) == f"diverged at step {status.step}"
        assert np.isfinite(population.snapshot(0)["params"]).all()
        alone, _ = trained(data, member, steps=status.step)
        assert alone.snapshot(0)["params"].tobytes() == population.snapshot(0)["params"].tobytes()
        assert np.isnan(history["train_loss"][0, status.step + 1 :]).all()
        assert np.isfinite(history["train_loss"][0, : status.step]).all()
        assert history.status[1].kind == "finished"
        assert np.isfinite(history["train_loss"][1]).all()

    def test_a_step_that_overflows_is_not_taken(self, data) -> None:
        """The loss is finite and its gradient too, but a rate of 3e38 leaves float32."""
        far = tl.from_arrays(100 * data.train.x, data.train.t)
        member = tl.Member(tl.MLP(hidden=()), tl.SGD(3e38), seed=1)
        population = tl.Population([member])
        history = population.fit(far, batch_size=7, steps=5)
        assert (history.status[0].kind, history.status[0].step) == ("diverged", 0)
        assert np.isfinite(history["train_loss"][0, 0])
        start, _ = member.network.build(FEATURES, 3).initialize(1, np.float32)
        assert population.snapshot(0)["params"].tobytes() == start.tobytes()

    def test_a_diverged_member_keeps_finite_running_statistics(self, data) -> None:
        network = tl.MLP(hidden=(5, 5), norm="batch")
        member = tl.Member(network, tl.SGD(1e30), seed=1)
        population, history = trained(data, member, tl.Member(network, seed=1), steps=30)
        assert history.status[0].kind == "diverged"
        alone, _ = trained(data, member, steps=history.status[0].step)
        mine = population.snapshot(0)["buffers"]
        assert np.isfinite(mine).all()
        assert mine.tobytes() == alone.snapshot(0)["buffers"].tobytes()

    def test_early_stopping_restores_the_best(self, data) -> None:
        members = [tl.Member(tl.MLP(hidden=(30,)), tl.Adam(0.05), seed) for seed in range(4)]
        rule = tl.EarlyStopping(metric="validation_loss", patience=3)
        population, history = trained(data, *members, epochs=40, early_stopping=rule)
        losses = history["validation_loss"]
        assert {status.kind for status in history.status} == {"stopped early"}
        for row, status in enumerate(history.status):
            evaluated = losses[row][np.isfinite(losses[row])]
            best = int(np.argmin(evaluated))
            assert status.best_step == 5 * best
            assert status.step == status.best_step + 3 * 5
            alone, _ = trained(data, members[row], steps=status.best_step)
            mine = population.snapshot(row)["params"].tobytes()
            assert alone.snapshot(0)["params"].tobytes() == mine

    def test_early_stopping_on_an_accuracy_goes_up(self, data) -> None:
        rule = tl.EarlyStopping(metric="train_accuracy", patience=2)
        _, history = trained(
            data, tl.Member(optimizer=tl.Adam(0.01)), epochs=30, early_stopping=rule
        )
        accuracy = history["train_accuracy"][0]
        best = history.status[0].best_step // 5
        assert accuracy[best] == np.nanmax(accuracy)
        assert accuracy[best] > accuracy[0]

    def test_a_member_that_never_got_worse_ends_with_its_last_numbers(self, data) -> None:
        rule = tl.EarlyStopping(metric="train_evaluation_loss", patience=2)
        member = tl.Member(tl.MLP(hidden=()), tl.SGD(0.01))
        _, history = trained(data, member, epochs=4, early_stopping=rule)
        assert (history.status[0].kind, history.status[0].best_step) == ("finished", 20)

    def test_callbacks_see_every_member_and_can_stop_it(self, data) -> None:
        seen = []

        def callback(member: int, updates: int, metrics: dict[str, float]) -> bool:
            seen.append((member, updates, metrics["validation_accuracy"]))
            return member == 1 and updates == 10

        members = [tl.Member(seed=seed) for seed in range(3)]
        _, history = trained(data, *members, epochs=4, callbacks=[callback])
        assert [status.kind for status in history.status] == [
            "finished",
            "stopped early",
            "finished",
        ]
        assert history.status[1].step == 10
        assert sorted(s[:2] for s in seen) == sorted(
            [(m, n) for m in (0, 2) for n in (0, 5, 10, 15, 20)] + [(1, n) for n in (0, 5, 10)]
        )
        values = history["validation_accuracy"]
        assert all(values[m, n // 5] == value for m, n, value in seen)

    def test_an_error_in_a_callback_reaches_the_caller(self, data) -> None:
        def broken(*arguments: object) -> None:
            raise ZeroDivisionError("from the callback")

        with pytest.raises(ZeroDivisionError, match="from the callback"):
            trained(data, tl.Member(), epochs=2, callbacks=[broken])


class TestMixing:
    def test_members_of_any_kind_train_together(self, data) -> None:
        population = tl.Population.grid(
            network=[
                tl.MLP(hidden=(8,)),
                tl.MLP(hidden=(4, 4), activation="tanh", norm="batch"),
                tl.MLP(hidden=(), loss=tl.SoftmaxCrossEntropy(label_smoothing=0.1)),
            ],
            optimizer=[tl.SGD(0.1), tl.Lion(0.01), tl.AdamW(0.01, schedule="cosine")],
            seed=range(3),
        )
        history = population.fit(data, batch_size=7, epochs=30)
        before, after = history["train_accuracy"][:, 0], history["train_accuracy"][:, -1]
        assert len(population) == 27
        assert after.mean() > before.mean() + 0.2
        assert population.predict(data.validation.x).shape == (27, 10)

    def test_members_that_share_a_seed_share_draws_and_batches(self, data) -> None:
        population = tl.Population.grid(
            tl.MLP(hidden=(4,)), tl.SGD(0.1), init=[0.1, 0.2], norm=[None, "batch"], seed=7
        )
        population.fit(data, steps=1, evaluate=None)
        starts = [m.network.build(FEATURES, 3).initialize(7, np.float64)[0] for m in population]
        first = starts[0][:24]
        for start, scale in zip(starts, (1, 1, 2, 2), strict=True):
            assert np.allclose(start[:24], scale * first, rtol=1e-12)

    def test_regression_has_losses_and_no_accuracies(self) -> None:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(50, 3))
        data = tl.from_arrays(x, x @ rng.normal(size=(3, 2)), test=0.2)
        network = tl.Network(tl.MLP(hidden=(), loss="mean_squared_error"), tl.SGD(0.1))
        history = network.fit(data, batch_size=10, epochs=60)
        assert set(history.series) == {"train_loss", "train_evaluation_loss", "test_loss"}
        assert history["test_loss"][0, -1] < 1e-3 * history["test_loss"][0, 0]
        assert network.predict(data.test.x).shape == (10, 2)
        with pytest.raises(tl.SettingError, match="accuracy of Population must be that"):
            network.accuracy(data.test.x, data.test.t)

    def test_float64_gives_float64(self, data) -> None:
        population, _ = trained(data, tl.Member(), steps=1, dtype="float64")
        assert population.parameters(0)["W1"].dtype == np.float64

    def test_nothing_is_promoted_in_float32(self, data) -> None:
        members = [tl.Member(tl.MLP(norm="batch", dropout=0.1, l1=1e-3), tl.NAdam())]
        population, _ = trained(data, *members, steps=3, keep="state")
        snapshot = population.snapshot(0)
        per_step = snapshot.pop("product")  # the one number per member that is kept in float64
        assert per_step.shape == (1,)
        assert {values.dtype for values in snapshot.values()} == {np.dtype(np.float32)}


class TestNetwork:
    def test_is_the_population_of_one(self, data) -> None:
        network = tl.Network(tl.MLP(hidden=(9,)), tl.Adam(), seed=4)
        network.fit(data, epochs=2)
        population, _ = trained(data, tl.Member(tl.MLP(hidden=(9,)), tl.Adam(), 4), epochs=2)
        other = tl.Network(tl.MLP(hidden=(9,)), tl.Adam(), seed=4)
        other.fit(data, epochs=2, batch_size=7)
        assert np.array_equal(other.parameters["W1"], population.parameters(0)["W1"])
        assert network.predict(data.validation.x).shape == (10,)
        assert network.predict_proba(data.validation.x).shape == (10, 3)

    def test_untrained_it_says_so(self, data) -> None:
        with pytest.raises(tl.NotTrainedError, match=r"try fit\(data\)"):
            tl.Network().predict(data.train.x)

    def test_training_again_starts_again(self, data) -> None:
        network = tl.Network(seed=1)
        network.fit(data, epochs=1)
        first = network.parameters["W1"].copy()
        network.fit(data, epochs=1)
        assert np.array_equal(network.parameters["W1"], first)


def test_progress_ends_at_its_totals_whatever_happened(data) -> None:
    counter = Counter()
    members = [tl.Member(optimizer=tl.SGD(lr), seed=s) for lr in (0.1, 1e30) for s in range(3)]
    trained(
        data, *members, epochs=5, progress=counter, callbacks=[lambda m, n, _: (m, n) == (0, 5)]
    )
    assert counter.totals == (6, 6 * 25)
    assert (counter.members, counter.steps) == counter.totals


INTERRUPTED = """
import os, signal, time, warnings
import numpy as np
import trainlab as tl

def press_once(member, updates, metrics):
    if (member, updates) == (0, 10):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)  # the main thread looks every 0.2 seconds

data = tl.load_digits()
network, step = tl.MLP(hidden=(5,)), 0
population = tl.Population.grid(network, seed=range(4))
with warnings.catch_warnings(record=True) as seen:
    history = population.fit(
        data, evaluate=5, epochs=10_000, callbacks=[press_once], workers=1
    )
assert ["interrupted" in str(warning.message) for warning in seen] == [True]
assert history.interrupted
status = history.status[0]
assert (status.kind, status.step) == ("interrupted", 10), status
assert np.isfinite(history["train_loss"][0, :10]).all()
assert np.isnan(history["train_loss"][0, 10:]).all()
alone = tl.Population.grid(network)
alone.fit(data, steps=10, evaluate=None)
assert np.array_equal(alone.snapshot(0)["params"], population.snapshot(0)["params"])
print("kept")
"""


def test_interruption_keeps_what_is_done() -> None:
    """Ctrl-C while a callback runs: the main thread gets it, the workers end their step."""
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("kept\n", "")


def test_blas_threads_are_restored(data) -> None:
    seen = []
    with threadpool_limits(2, user_api="blas"):
        trained(data, tl.Member(), steps=2, callbacks=[lambda *_: seen.append(blas.threads())])
        assert blas.threads() == 2
    assert set(seen) == {1}


def test_importing_the_library_does_not_import_matplotlib_or_scikit_learn() -> None:
    code = "import sys, trainlab; print([m for m in ('matplotlib', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_engine_that_cannot_do_it_says_why(data) -> None:
    class Refusing(NumPyEngine):
        name = "refusing"

        def supports(self, members: object) -> str:
            return "it refuses"

    complains(
        lambda: tl.Population.grid().fit(data, engine=Refusing()),
        tl.SettingError,
        "engine of fit must be one that can train these members: it refuses; got 'refusing'; "
        "try engine='auto'",
    )
