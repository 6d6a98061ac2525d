"""How populations are written down: grid, zip, sample; labels, arms and comparisons."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import numpy as np
import pytest
from scipy.stats import loguniform

import trainlab as tl
from trainlab.training.history import Series, Status


class TestGrid:
    def test_is_every_combination_with_seeds_fastest(self) -> None:
        population = tl.Population.grid(
            tl.MLP(hidden=(5,)), [tl.SGD(), tl.Adam()], dropout=[0.0, 0.5], seed=range(3)
        )
        found = [(m.label("optimizer"), m.get("dropout"), m.seed) for m in population]
        assert found == [(o, d, s) for o in ("SGD", "Adam") for d in (0.0, 0.5) for s in range(3)]

    def test_no_field_makes_optimizers_equal(self) -> None:
        optimizers = [tl.SGD(0.1), tl.SGD(100.0), tl.Adam(0.5)]
        told = re.escape(
            "optimizer of Population.grid must differ in more than lr, which is replaced in each "
            "of them; got ['SGD(0.1)', 'SGD(100)']; try lr=[0.1, 100.0] with one SGD, or no lr="
        )
        with pytest.raises(tl.SettingError, match=told):
            tl.Population.grid(tl.MLP((5,)), optimizers, dropout=[0, 0.5], lr=0.01)
        networks = [tl.MLP((5,)), tl.MLP((5,), dropout=0.5)]
        with pytest.raises(tl.SettingError, match=r"network of Population\.grid must differ in"):
            tl.Population.grid(networks, dropout=0.1)
        rates = [m.optimizer.lr for m in tl.Population.grid(optimizer=optimizers[1:], lr=0.01)]
        assert rates == [0.01, 0.01]

    @pytest.mark.parametrize(
        ("name", "axis", "twice"),
        [
            ("seed", [1, 1], "1"),
            ("lr", np.array([0.1, 0.2, 0.1]), "0.1"),
            ("hidden", [[5], [5]], r"5"),  # without a hash
            ("norm", [None, "batch", None], "None"),
            ("hidden", [50, 20, (50,)], "50"),  # the same, written in two ways
            ("hidden", [[np.int64(5)], [5]], "5"),
            ("activation", ["relu", tl.ReLU()], "ReLU"),
            ("norm", ["batch", tl.BatchNorm()], "BatchNorm"),
            ("schedule", ["constant", tl.Constant()], "Constant"),
            ("network", [tl.MLP((5,))] * 2, r"MLP\(5\)"),
            ("optimizer", [tl.SGD(0.1), tl.Adam(), tl.SGD(0.1)], r"SGD\(0.1\)"),
        ],
    )
    def test_twins_are_no_evidence(self, name: str, axis: Any, twice: str) -> None:
        told = f"^{name} of Population.grid must have different values; got '.*{twice}.* twice'"
        with pytest.raises(tl.SettingError, match=f"{told}; try each value once"):
            tl.Population.grid(**{name: axis})

    def test_values_that_cannot_be_written_or_listed_are_refused(self) -> None:
        deep: list[Any] = []
        for _ in range(10**5):
            deep = [deep]
        with pytest.raises(tl.SettingError, match="network of Member must be"):
            tl.Population.grid(network=deep)
        far = np.broadcast_to(np.float64(0.1), (2, 2**40))
        with pytest.raises(tl.SettingError, match=r"lr of SGD must be .*; got an array of shape"):
            tl.Population.grid(lr=far)

    def test_a_tuple_is_one_value_and_an_array_an_axis(self) -> None:
        population = tl.Population.grid(hidden=[(5,), (5, 5)], lr=np.logspace(-3, -1, 3))
        assert [m.network.hidden for m in population][::3] == [(5,), (5, 5)]
        assert [m.optimizer.lr for m in population][:3] == pytest.approx([1e-3, 1e-2, 1e-1])

    def test_fields_of_optimizers_are_checked_like_their_constructors(self) -> None:
        with pytest.raises(tl.SettingError, match="lr of SGD must be a number"):
            tl.Population.grid(lr=[0.1, -1])

    def test_a_field_that_nobody_has_is_named(self) -> None:
        with pytest.raises(tl.SettingError, match="momentum"):
            tl.Population.grid(optimizer=tl.SGD(), momentum=[0.5])


class TestZip:
    def test_goes_side_by_side(self) -> None:
        population = tl.Population.zip(lr=[0.1, 0.2, 0.3], seed=[4, 5, 6], weight_decay=0.01)
        found = [(m.optimizer.lr, m.seed, m.network.weight_decay) for m in population]
        assert found == [(0.1, 4, 0.01), (0.2, 5, 0.01), (0.3, 6, 0.01)]

    def test_lengths_must_agree(self) -> None:
        with pytest.raises(tl.SettingError, match=r"seed of Population\.zip must have 1 or 3"):
            tl.Population.zip(lr=[0.1, 0.2, 0.3], seed=[1, 2])


class TestSample:
    def test_draws_inside_the_range_on_a_log_scale(self) -> None:
        population = tl.Population.sample(400, lr=loguniform(1e-6, 1e-2))
        logs = np.log10([m.optimizer.lr for m in population])
        assert -6 <= logs.min() < -5.9
        assert -2.1 < logs.max() <= -2
        # the mean of 400 uniform draws over 4 decades has a standard error of 0.058
        assert abs(logs.mean() + 4) < 4 * 0.058

    def test_more_settings_than_there_may_be_members_are_refused(self) -> None:
        told = r"have at most 1048576 values; got range\(0, 10000000\)"
        with pytest.raises(tl.SettingError, match=told):
            tl.Population.grid(seed=range(10**7))
        with pytest.raises(tl.SettingError, match=r"n of Population.sample must be .* got 1048577"):
            tl.Population.sample(2**20 + 1)

    def test_own_distributions_may_draw_numbers_of_any_kind(self) -> None:
        class Own:
            def __init__(self, drawn: object) -> None:
                self.drawn = drawn

            def rvs(self, random_state: np.random.Generator) -> object:
                return self.drawn

        for drawn in (0.5, np.float64(0.5), np.array(0.5)):
            (member,) = tl.Population.sample(1, lr=Own(drawn))
            assert type(member.get("lr")) is float
            assert member.get("lr") == 0.5

    def test_a_longer_sample_begins_with_the_shorter(self) -> None:
        def rates(n: int) -> list[float]:
            return [m.optimizer.lr for m in tl.Population.sample(n, lr=loguniform(1e-6, 1e-2))]

        assert rates(30)[:10] == rates(10)

    def test_fields_do_not_disturb_each_other(self) -> None:
        fixed = tl.Population.sample(5, lr=loguniform(1e-6, 1e-2), weight_decay=0.1)
        drawn = tl.Population.sample(5, lr=loguniform(1e-6, 1e-2), weight_decay=[0.0, 1.0])
        assert [m.optimizer.lr for m in fixed] == [m.optimizer.lr for m in drawn]
        assert {m.network.weight_decay for m in drawn} <= {0.0, 1.0}

    def test_each_setting_gets_every_seed(self) -> None:
        population = tl.Population.sample(4, seed=range(3), lr=loguniform(1e-3, 1e-1))
        assert [m.seed for m in population] == [0, 1, 2] * 4
        assert len({m.optimizer.lr for m in population}) == 4


def test_a_stateful_optimizer_cannot_be_shared_because_it_has_no_state() -> None:
    optimizer = tl.Adam(0.01)
    with pytest.raises(AttributeError):
        optimizer.lr = 0.5  # type: ignore[misc]
    networks = [tl.Network(tl.MLP(hidden=(3,)), optimizer, seed) for seed in range(2)]
    data = tl.load_digits()
    for network in networks:
        network.fit(data, steps=3, evaluate=None)
    alone = tl.Network(tl.MLP(hidden=(3,)), tl.Adam(0.01), 1)
    alone.fit(data, steps=3, evaluate=None)
    assert np.array_equal(networks[1].parameters["W1"], alone.parameters["W1"])
    assert optimizer == tl.Adam(0.01)


class TestMember:
    @pytest.mark.parametrize(
        ("by", "label"),
        [
            ("optimizer", "Momentum(0.1)"),
            ("lr", "lr 0.1"),
            ("init", "Xavier"),
            ("hidden", "hidden 20×30"),
            ("activation", "LeakyReLU(0.3)"),
            ("dropout", "dropout 0.5"),
            ("weight_decay", "weight decay 0"),
            ("seed", "seed 9"),
        ],
    )
    def test_labels(self, by: str, label: str) -> None:
        network = tl.MLP((20, 30), tl.LeakyReLU(0.3), init="xavier", dropout=0.5)
        assert tl.Member(network, tl.Momentum(0.1), 9).label(by) == label

    def test_describes_itself_in_json(self) -> None:
        member = tl.Member(tl.MLP(norm="batch"), tl.Adam(schedule=tl.WarmUp(10, tl.Cosine())))
        text = json.dumps(member.describe(), allow_nan=False)
        found = json.loads(text)
        assert found["optimizer"]["schedule"]["then"]["kind"] == "Cosine"
        assert found["network"]["hidden"] == [100]


def history_of(seeds: int, name: str = "train_loss", diverged: int = 0) -> tl.History:
    """Two arms; the second is lower by 1 everywhere but at the first step.

    So many of its first members diverged before the end.
    """
    optimizers = [tl.SGD(), tl.Adam()]
    members = [tl.Member(optimizer=o, seed=s) for o in optimizers for s in range(seeds)]
    values = np.arange(float(seeds))[:, None] + np.zeros((seeds, 3))
    both = np.concatenate([values, values - np.array([0.0, 1.0, 1.0])])
    both[seeds : seeds + diverged, -1] = np.nan
    status = [Status("finished", 3)] * 2 * seeds
    status[seeds : seeds + diverged] = [Status("diverged", 2)] * diverged
    return tl.History(members, {name: Series(name, "step", np.arange(3), both)}, status, 0.1)


class TestHistory:
    @pytest.fixture
    def history(self) -> tl.History:
        return history_of(5)

    def test_arms(self, history: tl.History) -> None:
        arms = history.arms("optimizer")
        assert {label: rows.tolist() for label, rows in arms.items()} == {
            "SGD": [0, 1, 2, 3, 4],
            "Adam": [5, 6, 7, 8, 9],
        }

    def test_bands_are_medians_over_members(self, history: tl.History) -> None:
        bands = history.band("train_loss")
        assert bands["SGD"].center.tolist() == [2, 2, 2]
        assert bands["Adam"].center.tolist() == [2, 1, 1]
        assert (bands["SGD"].low <= bands["SGD"].high).all()

    def test_comparisons_are_paired_on_seeds(self) -> None:
        (last,) = history_of(6).compare("optimizer")
        assert last.mean == pytest.approx(1.0)
        assert last.winner == "Adam"
        (first,) = history_of(6).compare("optimizer", at=0)
        assert first.mean == pytest.approx(0.0)
        assert not first.shown

    def test_the_better_of_two_accuracies_is_the_higher(self) -> None:
        (last,) = history_of(6, "test_accuracy").compare(name="test_accuracy")
        assert last.winner == "SGD"

    def test_members_that_diverged_lost(self) -> None:
        (last,) = history_of(8, diverged=3).compare("optimizer")
        assert (last.wins, last.losses, last.diverged, last.missing) == (3, 5, 3, 0)
        assert not last.shown

    def test_an_unknown_series_lists_those_there_are(self, history: tl.History) -> None:
        with pytest.raises(tl.SettingError, match="train_loss"):
            history["loss"]

    def test_repr_counts_endings(self, history: tl.History) -> None:
        assert repr(history) == "History(10 members: 10 finished; train_loss)"

    def test_as_a_frame(self, history: tl.History) -> None:
        frame = history.to_frame()
        assert len(frame) == 10 * 3
        picked = frame[(frame.optimizer == "Adam") & (frame.seed == 4) & (frame["at"] == 2)]
        assert picked["value"].tolist() == [3.0]

    def test_plots(self, history: tl.History) -> None:
        axes = history.plot("train_loss", by="optimizer")
        assert {text.get_text().split(" ")[0] for text in axes.get_legend().get_texts()} >= {
            "SGD",
            "Adam",
        }


@dataclasses.dataclass(frozen=True)
class Adam(tl.Adam):
    """An optimizer of the user's, with the name of one of ours."""


@pytest.mark.parametrize(
    ("by", "values", "labels"),
    [
        ("optimizer", [tl.Adam(beta1=0.8), tl.Adam(beta2=0.8)], "Adam(beta1=0.8) Adam(beta2=0.8)"),
        ("optimizer", [tl.SGD(clip_norm=1), tl.SGD(clip_value=1), tl.SGD(0.1)], None),
        ("optimizer", [tl.Adam(), Adam()], "Adam Adam (other)"),
        ("lr", [0.10001, 0.2, 0.10002], "lr 0.10001 lr 0.2 lr 0.10002"),
        ("network", [tl.MLP((5,), dropout=0.1), tl.MLP((5,), weight_decay=0.1)], None),
    ],
)
def test_different_settings_are_never_one_arm(
    by: str, values: list[Any], labels: str | None
) -> None:
    """Those whose short labels are the same had one band, and were compared as one."""
    axes = {by: values} if by != "network" else {}
    network = values if by == "network" else tl.MLP((5,))
    population = tl.Population.grid(network, seed=range(2), **axes)
    history = population.fit(tl.load_digits(), steps=2)
    arms = history.arms(by)
    assert [rows.tolist() for rows in arms.values()] == [
        [2 * place, 2 * place + 1] for place in range(len(values))
    ]
    if labels:
        assert " ".join(arms) == labels
    assert len(history.compare(by)) == len(values) * (len(values) - 1) // 2
    if by == "optimizer":
        assert list(history.to_frame()["optimizer"].unique()) == list(arms)


def test_a_history_knows_how_many_steps_an_epoch_has() -> None:
    data = tl.load_digits().split(validation=0.2)  # 1,150 rows to train on
    for batches, steps in (("permutation", 3), ("book", 2)):
        population = tl.Population.grid(tl.MLP((5,)), seed=range(2))
        history = population.fit(data, batch_size=500, epochs=2, batches=batches)
        assert history.steps_per_epoch == steps
        ax = history.plot("validation_loss", ax=history.plot("train_loss"))
        assert ax.get_xlabel() == "step"
        assert [line.get_xdata()[-1] for line in ax.lines] == [2 * steps - 1, 2 * steps]


def test_a_norm_by_name_follows_the_convention() -> None:
    named = tl.Population.grid(tl.MLP(norm="batch"), convention=["modern", "book"])
    layers = [tl.BatchNorm(), tl.BatchNorm.book()]
    assert [member.get("norm") for member in named] == layers
    assert [member.network.build(3, 2).layers[1] for member in named] == layers
    assert [member.network for member in named] == [
        tl.MLP(norm=layer, convention=convention)
        for layer, convention in zip(layers, ["modern", "book"], strict=True)
    ]
    assert len({member.network for member in named} | {tl.MLP(norm=tl.BatchNorm())}) == 2
    given = tl.Population.grid(tl.MLP(norm=tl.BatchNorm()), convention=["modern", "book"])
    assert [member.get("norm") for member in given] == [tl.BatchNorm()] * 2


def test_a_norm_as_a_layer_stands_before_or_after_its_name() -> None:
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("f4")
    data = tl.from_arrays(x, np.arange(40) % 2)
    norms = [tl.BatchNorm(ema_decay=0.5), "batch", "layer", None]
    for order in (norms, norms[::-1]):
        population = tl.Population.grid(tl.MLP((5,)), norm=order, seed=range(2))
        population.fit(data, steps=3)
        for row, member in enumerate(population):
            alone = tl.Population([member])
            alone.fit(data, steps=3)
            assert (alone.predict(x)[0] == population.predict(x)[row]).all()


def test_a_member_that_is_not_there() -> None:
    population = tl.Population.grid(tl.MLP((3,)), lr=[0.1, 0.2])
    assert population[-1].optimizer.lr == 0.2
    with pytest.raises(IndexError, match="no member 2 in a population of 2 members, counted from"):
        population[2]
