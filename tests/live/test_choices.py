"""What a page may choose: every lesson begins, and nothing else gets through."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from live_runs import small
from trainlab.live.choices import GivenData, catalogue, setup_of
from trainlab.live.curves import LIMIT, Curves
from trainlab.live.looks import frame_of, look
from trainlab.live.presets import PRESETS
from trainlab.live.session import LiveSession
from trainlab.optimizers import OPTIMIZERS


@pytest.mark.parametrize("lesson", PRESETS, ids=lambda one: one["key"])
def test_every_lesson_begins_trains_and_can_be_looked_at(lesson: Any) -> None:
    choice = json.loads(json.dumps(lesson["choice"])) | {"seeds": 2}
    session = LiveSession(setup_of(choice))
    session.advance_to(3)
    frame = frame_of(session)
    found = look(session, frame)
    assert found.keys() == set(session.arms)
    assert (frame is None) == (choice["data"]["name"] == "digits")
    for arm, one in found.items():
        hidden = session.arms[arm].network.hidden
        assert len(one["layers"]) == len(hidden) + 1
        assert all(layer["gradient"] >= 0 for layer in one["layers"])
        assert (one["wrong"] is None) == (frame is not None)
        assert (one["surface"] is None) == (frame is None)
    assert all(lesson[name].strip() for name in ("title", "question", "hint", "next"))
    json.dumps(found, allow_nan=False)


def test_lessons_have_names_of_their_own() -> None:
    assert len({one["key"] for one in PRESETS}) == len(PRESETS) >= 10


def test_histograms_and_shares() -> None:
    """Dead and saturated units, where they are known to be."""
    lesson = next(one for one in PRESETS if one["key"] == "activation-histograms")
    session = LiveSession(setup_of({**lesson["choice"], "seeds": 1}))
    session.advance(1)
    found = look(session, None)
    wide, narrow = found["std 1"]["layers"], found["std 0.01"]["layers"]
    assert wide[3]["saturated"] > 0.7 > narrow[3]["saturated"]
    assert all(abs(sum(layer["outputs"]["shares"]) - 1) < 0.01 for layer in wide[:-1])
    assert narrow[4]["outputs"]["high"] < 0.01
    assert narrow[0]["gradient"] < narrow[-1]["gradient"]
    assert found["He, ReLU"]["layers"][0]["dead"] < 0.5
    wrong = found["std 1"]["wrong"]
    assert wrong["of"] == 360
    assert len(wrong["said"]) == len(wrong["truth"]) == 12
    assert all(a != b for a, b in zip(wrong["said"], wrong["truth"], strict=True))


def test_what_overflows_is_nothing_and_never_infinite() -> None:
    """In the steps before it diverges a network has weights that no float can square."""
    session = small()
    session.advance(1)
    while "wild" in session.running:
        found = look(session, frame_of(session))
        json.dumps(found, allow_nan=False)
        session.advance(1)
    assert found["wild"]["layers"][0]["weights"] is None


def good() -> dict[str, Any]:
    return {
        "data": {"name": "moons", "rows": 20, "validation": 20},
        "base": {"hidden": [4], "optimizer": "momentum", "momentum": 0.8, "lr": 0.1},
        "arms": [{}, {"optimizer": "adam"}, {"lr": 0.2, "dropout": 0.1}],
        "seeds": 2,
        "batch_size": 10,
    }


def test_arms_are_the_base_with_what_is_their_own() -> None:
    setup = setup_of(good())
    found = {name: member.optimizer for name, member in setup.arms.items()}
    assert found == {
        "network": tl.Momentum(0.1, momentum=0.8),
        "Adam": tl.Adam(),  # nothing of Momentum holds for it
        "lr 0.2, dropout 0.1": tl.Momentum(0.2, momentum=0.8),
    }
    assert setup.arms["lr 0.2, dropout 0.1"].network == tl.MLP(hidden=(4,), dropout=0.1)


BAD: list[Any] = [
    {},
    {**good(), "more": 1},
    *({**good(), field: value} for field in good() for value in (None, "x", -1, [], 10**9)),
    {**good(), "arms": [{"name": "a"}, {"name": "a"}]},
    {**good(), "arms": [{}] * 9},
    {**good(), "arms": [{"name": "<b>\n"}]},
    {**good(), "arms": [{"loss": "huber"}]},
    {**good(), "arms": [{"convention": "book"}]},
    {**good(), "arms": [{"schedule": "cosine"}]},
    {**good(), "arms": [{"clip_norm": "inf"}]},
    {**good(), "arms": [{"optimizer": "__class__"}]},
    {**good(), "arms": [{"hidden": [513]}]},
    {**good(), "arms": [{"hidden": [4] * 11}]},
    {**good(), "arms": [{"hidden": "44"}]},
    {**good(), "arms": [{"hidden": [True]}]},
    {**good(), "arms": [{"init": "eval"}]},
    {**good(), "arms": [{"activation": ["relu"]}]},
    {**good(), "data": {"name": "table", "csv": "/etc/passwd", "target": "root"}},
    {**good(), "data": {"name": "given"}},
    {**good(), "data": {"name": "../digits"}},
    {**good(), "data": {"name": "moons", "rows": 10**9}},
    {**good(), "data": {"name": "digits", "rows": 10**9}},
    {**good(), "data": {"name": "moons", "path": "x"}},
]


@pytest.mark.parametrize("choice", BAD, ids=range(len(BAD)))
def test_what_cannot_be_chosen(choice: Any) -> None:
    with pytest.raises(tl.errors.TrainlabError):
        setup_of(choice)


def test_networks_that_are_too_large_together() -> None:
    wide = {**good(), "base": {"hidden": [512] * 10}, "arms": [{}], "seeds": 100}
    with pytest.raises(tl.SettingError, match="have at most 67,108,864 parameters together"):
        setup_of(wide)


def test_data_that_were_given() -> None:
    data = tl.load_planar("xor", 20, 20)
    setup = setup_of({**good(), "data": {"name": "given"}}, GivenData(data))
    assert setup.data is data
    assert setup.source is None
    with pytest.raises(tl.SettingError):
        setup_of({**good(), "data": {"name": "given", "rows": 3}}, GivenData(data))


def test_the_catalogue_has_what_can_be_chosen() -> None:
    found = catalogue()
    json.dumps(found, allow_nan=False)
    assert set(found["optimizers"]) == set(OPTIMIZERS)
    for name, one in found["optimizers"].items():
        arm = {"optimizer": name, **one["fields"]}
        setup = setup_of({**good(), "arms": [arm]})
        assert type(next(iter(setup.arms.values())).optimizer) is OPTIMIZERS[name]


def test_a_table_becomes_numbers(tmp_path: Any) -> None:
    from trainlab.live.setup import load_table

    rng = np.random.default_rng(0)
    lines = ["size,colour,kind"]
    for row in range(60):
        size, colour = rng.normal(), ["red", "blue", "green"][row % 3]
        lines.append(f"{size:.3f},{colour},{'ab'[size > 0]}")
    file = tmp_path / "table.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    data = load_table(str(file), "kind")
    assert data.describe()["sizes"] == {"train": 48, "validation": 12}
    assert data.task == "classification"
    assert data.in_features == 4
    assert abs(data.train.x.mean()) < 1e-6
    number = load_table(str(file), "size", drop=["kind"])
    assert number.task == "regression"
    assert abs(number.train.t.mean()) < 1e-6
    assert abs(number.train.t.std() - 1) < 1e-6


class TestCurves:
    """As many points as a chart can show."""

    def test_every_second_point_goes_when_there_are_too_many(self) -> None:
        curves = Curves(["a"], 2, 10)
        for step in range(0, 100_000, 10):
            if step % curves.every == 0:
                curves.record(step, {"a": np.full((4, 2), step, np.float32)})
            assert len(curves.steps) <= LIMIT
        assert curves.every == 320
        assert curves.steps == list(range(0, 100_000, 320))
        assert curves.values("a")[0, 0].tolist() == curves.steps
        assert curves.values("a").shape == (4, 2, len(curves.steps))

    def test_branches_and_back(self) -> None:
        curves = Curves(["a"], 1, 1)
        for step in range(3):
            curves.record(step, {"a": np.full((4, 1), step)})
        curves.branch("a", "b")
        curves.record(3, {"b": np.full((4, 1), 7)})
        assert curves.values("b")[2, 0].tolist() == [0, 1, 2, 7]
        assert np.isnan(curves.values("a")[0, 0, 3])
        again = Curves([], 1, 9)
        again.take(curves.arrays())
        assert (again.every, again.steps) == (1, [0, 1, 2, 3])
        np.testing.assert_array_equal(again.values("b"), curves.values("b"))
        curves.back(1, ["a"])
        assert curves.steps == [0, 1]
        assert curves.values("a")[0, 0].tolist() == [0, 1]
