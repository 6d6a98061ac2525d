"""Experiments that are changed: their arms and names, and that they claim nothing by themselves."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import trainlab as tl
from complaints import complains
from reduced import training
from trainlab.errors import SettingError
from trainlab.experiments import EXPERIMENTS, Better, Measure, Options, changed, results, run
from trainlab.experiments.base import TrainingExperiment, Within
from trainlab.experiments.changes import SAID, ChangeOptions
from trainlab.experiments.runner import members

BASE = training("optimizer-comparison")


def words(
    *settings: str, vary: tuple[str, ...] = (), better: tuple[tuple[str, str], ...] = ()
) -> TrainingExperiment:
    """What the command line makes of the options --set, --vary and --better."""
    (found,), _ = ChangeOptions(settings, vary, "", better).change([BASE], None)
    assert isinstance(found, TrainingExperiment)
    return found


def of_arms(experiment: TrainingExperiment) -> Mapping[str, tl.Member]:
    made = members(experiment, experiment.base["digits"], [0])
    return dict(zip(experiment.vary, made, strict=True))


def test_settings_hold_for_all_arms_and_the_arms_stay() -> None:
    found = of_arms(words("lr=0.1", "dropout=0.2", "hidden=7x5"))
    usual = of_arms(BASE)
    assert list(found) == list(usual)
    for arm, member in found.items():
        expected = usual[arm].replace(lr=0.1, dropout=0.2, hidden=(7, 5))
        assert member == expected


def test_arms_are_the_combinations_of_what_varies() -> None:
    found = of_arms(words("lr=0.1", vary=("optimizer=sgd,adam", "dropout=0,0.2")))
    kinds, ratios = ("SGD", "Adam"), ("0", "0.2")
    assert list(found) == [f"{kind}, dropout {ratio}" for kind in kinds for ratio in ratios]
    usual = of_arms(BASE)
    for (arm, member), (kind, ratio) in zip(
        found.items(), itertools.product(kinds, (0, 0.2)), strict=True
    ):
        # The optimizer of that name is the experiment's own: the book's Adam.
        assert member == usual[kind].replace(lr=0.1, dropout=ratio), arm


def test_values_that_are_alike_in_short_are_told_in_full() -> None:
    """They were refused as one value that stands twice."""
    made = changed(BASE, {}, {"lr": [0.10001, 0.10002], "dropout": [0]})
    assert list(made.vary) == ["lr 0.10001, dropout 0", "lr 0.10002, dropout 0"]
    assert made.changes == "lr 0.10001, 0.10002; dropout 0"
    made = changed(BASE, {}, {"optimizer": [tl.SGD(clip_norm=1), tl.SGD(clip_value=1)]})
    assert list(made.vary) == ["SGD(clip_norm=1.0)", "SGD(clip_value=1.0)"]


def test_an_optimizer_that_the_experiment_lacks_is_the_books_where_it_is_of_the_book() -> None:
    assert of_arms(words(vary=("optimizer=lion,rmsprop",)))["Lion"].optimizer == tl.Lion()
    batch_norm, init = training("batch-norm"), training("weight-init-comparison")
    for base in (batch_norm, init):
        (found,) = changed(base, vary={"optimizer": ["adam"]}).vary.values()
        assert found["optimizer"] == tl.Adam.book()
    plain = dataclasses.replace(
        BASE, base={"digits": dataclasses.replace(BASE.base["digits"], network=tl.MLP())}, vary={}
    )
    (found,) = changed(plain, vary={"optimizer": ["adam"]}).vary.values()
    assert found["optimizer"] == tl.Adam()


def test_how_long_and_on_what_is_trained() -> None:
    found = words("steps=50", "batch-size=10", "rows=none", "batches=permutation")
    for setup in found.base.values():
        assert (setup.steps, setup.quick_steps, setup.batch_size) == (50, 50, 10)
        assert (setup.rows, setup.batches) == (None, "permutation")
    assert {s.quick_steps for s in words("steps=100000").base.values()} == {300}


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("hidden=7", "hidden", (7,)),
        ("hidden=linear", "hidden", ()),
        ("hidden=9x8x7", "hidden", (9, 8, 7)),
        ("norm=batch", "norm", tl.BatchNorm.book()),
        ("norm=none", "norm", None),
        ("init=0.5", "init", tl.Std(0.5)),
        ("activation=tanh", "activation", tl.Tanh()),
        ("weight_decay=1e-3", "weight_decay", 1e-3),
        ("weight-decay=1e-3", "weight_decay", 1e-3),
        ("schedule=cosine", "schedule", tl.Cosine()),
        ("clip_norm=inf", "clip_norm", float("inf")),
    ],
)
def test_what_words_mean(text: str, field: str, value: Any) -> None:
    for member in of_arms(words(text)).values():
        assert member.get(field) == value


def test_it_claims_nothing_but_what_it_is_given() -> None:
    found = words("lr=0.1")
    assert (found.claim, found.expect, found.number) == ("", (), None)
    assert found.curves == ("train_loss",)
    arms = ("SGD", "Adam")
    told = words(vary=("optimizer=sgd,adam",), better=(arms,))
    assert told.expect == (Better(*arms),)
    assert told.equations == ()  # those of other arms
    assert found.equations == BASE.equations


def test_the_caption_names_what_is_measured_without_its_unit() -> None:
    """ "… in steps of each run" was no English."""
    steps = Measure("number of steps to 90 %", lambda found: found, better="lower", unit="steps")
    made = changed(dataclasses.replace(BASE, measure=steps), {"lr": 0.1})
    assert made.caption.endswith(", smoothed, and number of steps to 90 % of each run.")


def test_every_change_has_a_name_of_its_own() -> None:
    changes: list[TrainingExperiment] = [
        words("lr=0.1"),
        words("lr=0.2"),
        words("weight_decay=0.1"),
        words(vary=("lr=0.1",)),
        words(vary=("lr=0.1,0.2",)),
        words(vary=("lr=0.2,0.1",)),
        words("lr=0.1", better=(("SGD", "Adam"),)),
        changed(BASE, {"lr": 0.1}, claim="Fast."),
        changed(training("dropout"), {"lr": 0.1}),
    ]
    names = [one.name for one in changes]
    assert len(set(names)) == len(names)
    assert all(name.startswith(("optimizer-comparison-", "dropout-")) for name in names)
    assert words("lr=0.1").name == names[0] == changed(BASE, {"lr": 0.1}).name


def test_the_command_makes_the_same_changes() -> None:
    made = changed(
        BASE,
        {"lr": 0.1, "norm": None, "hidden": (7, 5), "steps": 9},
        {"optimizer": ["sgd", "adam"], "dropout": [0.0, 0.25]},
        "SGD is better.",
        [Better("SGD, dropout 0", "Adam, dropout 0")],
    )
    assert made.command == (
        *("optimizer-comparison", "--set", "lr=0.1", "--set", "norm=none", "--set", "hidden=7x5"),
        *("--set", "steps=9", "--vary", "optimizer=sgd,adam", "--vary", "dropout=0.0,0.25"),
        *("--claim", "SGD is better."),
        *("--better", "SGD, dropout 0", "Adam, dropout 0"),
    )
    assert made.changes == (
        "lr 0.1; norm none; hidden 7×5; steps 9; optimizer sgd, adam; dropout 0, 0.25"
    )
    assert changed(BASE, {"init": tl.Std(0.5)}).command == ()  # no word stands for a record
    own = dataclasses.replace(BASE, name="mine")
    assert changed(own, {"lr": 0.1}).command == ()
    of_file = dataclasses.replace(own, command=("mine.py",))
    assert changed(of_file, {"lr": 0.1}).command == ("mine.py", "--set", "lr=0.1")


SETTINGS: dict[str, tuple[Any, ...]] = {
    "an unknown name": (
        ("lrate=1",),
        (),
        "--set of a changed experiment must be one",
    ),
    "a value that cannot be": (("lr=-1",), (), "lr of SGD must be a number in (0"),
    "a word for a number": (
        ("steps=many",),
        (),
        "steps of a changed experiment must be an",
    ),
    "no value": (("lr=",), (), "--set of run must be a name, =, and values"),
    "no sign": (("lr",), (), "--set of run must be a name, =, and values"),
    "an empty value": ((), ("lr=0.1,,0.2",), "--vary of run must be a name, =, and values"),
    "several values": (
        ("lr=0.1,0.2",),
        (),
        "lr of --set must be one value; got [0.1, 0.2]; try --vary lr=0.1,0.2",
    ),
    "layers": (
        ("hidden=9,8",),
        (),
        "hidden of --set must be one value; got [9, 8]; try --set hidden=9x8",
    ),
    "a list": (
        (),
        ("hidden=[9,8]",),
        "hidden of a changed experiment must be widths; got '[9'; try hidden=100x50",
    ),
    "seeds as arms": (
        (),
        ("seeds=2,3",),
        "seeds of a changed experiment must be a number, the same",
    ),
    "twice": (("lr=0.1", "lr=0.2"), (), "lr of --set must be given once"),
    "set and varied": (("lr=0.1",), ("lr=0.1,0.2",), "lr of a changed experiment must be set or"),
    "an arm twice": ((), ("lr=0.1,0.1",), "arms of a changed experiment must be different"),
    "an optimizer": ((), ("optimizer=adamm",), "optimizer of a changed experiment must be one of"),
    "a field of some": ((), ("momentum=0.5,0.9",), "field of a Member with SGD must be one"),
    "steps as arms": ((), ("steps=5,6",), "--vary of a changed experiment must be one of"),
}


@pytest.mark.parametrize("said", SAID)
def test_names_of_other_places_are_understood(said: str) -> None:
    with pytest.raises(SettingError, match=f"steps, weight_decay, seeds; .* --set {SAID[said]}="):
        words(f"{said}=1")


@pytest.mark.parametrize("case", SETTINGS)
def test_what_cannot_be(case: str) -> None:
    settings, vary, starts = SETTINGS[case]
    complains(lambda: words(*settings, vary=vary), SettingError, starts)


def test_more_that_cannot_be() -> None:
    starts = "original of a changed experiment must be one that trains a single population"
    complains(lambda: changed(EXPERIMENTS["learning-rates"], {"lr": 1}), SettingError, starts)
    starts = "dropout of a changed experiment must be of all arms, and this experiment varies it"
    complains(lambda: changed(training("dropout"), {"dropout": 0.1}), SettingError, starts)
    complains(lambda: changed(BASE), SettingError, "changes of a changed experiment must have")
    complains(lambda: changed(BASE, vary={"lr": []}), SettingError, "lr of a changed experiment")
    starts = "--better of a changed experiment must be arms: 'lr 0.1'; got 'lr 0.2'; try 'lr 0.1'"
    complains(lambda: words(vary=("lr=0.1",), better=(("lr 0.1", "lr 0.2"),)), SettingError, starts)
    vary, better = ("optimizer=sgd", "lr=0.01,0.1"), (("SGD, lr 0.01", "SGD lr 0.1"),)
    starts = "--better of a changed experiment must be arms: 'SGD, lr 0.01', 'SGD, lr 0.1'; "
    starts += "got 'SGD lr 0.1'; try 'SGD, lr 0.1'"
    complains(lambda: words(vary=vary, better=better), SettingError, starts)
    both = [BASE, training("dropout")]
    starts = "experiments of run must be a single one, to be changed"
    complains(lambda: ChangeOptions(("lr=1",), (), "", ()).change(both, None), SettingError, starts)


@pytest.mark.parametrize(
    ("given", "starts"),
    [
        ({"settings": ["lr"]}, "settings of a changed experiment must be a dict"),
        ({"vary": [("lr", [0.1])]}, "vary of a changed experiment must be a dict"),
        ({"vary": {"optimizer": "adam"}}, "optimizer of a changed experiment must have a list"),
        ({"vary": {"lr": 0.1}}, "lr of a changed experiment must have a list of values"),
        ({"settings": {"lr": 0.1}, "claim": 3}, "claim of a changed experiment must be"),
        ({"vary": {"lr": [0.1]}, "expect": (3,)}, "--better of a changed experiment must be"),
        ({"vary": {"lr": [0.1]}, "expect": (Within("lr 1"),)}, "--better of a changed experiment"),
    ],
)
def test_what_python_cannot_change(given: Any, starts: str) -> None:
    complains(lambda: changed(BASE, **given), SettingError, starts)


def test_a_changed_experiment_is_changed_again() -> None:
    """Its settings stay, all of them are told, and no command is named that makes less of them."""
    first = changed(BASE, {"lr": 0.1}, expect=[Within("SGD", high=1.0)])
    assert (first.expect, first.command) == ((Within("SGD", high=1.0),), ())
    found = changed(changed(BASE, {"lr": 0.1}), {"dropout": 0.2})
    assert found.title == f"{BASE.title}, changed"
    assert (found.changes, found.command) == ("lr 0.1; dropout 0.2", ())
    for arm, member in of_arms(found).items():
        assert member == of_arms(BASE)[arm].replace(lr=0.1, dropout=0.2)
    starts = "vary of a changed experiment must be given with the settings, in one change"
    complains(lambda: changed(first, vary={"dropout": [0.1]}), SettingError, starts)


def test_seeds_are_no_change() -> None:
    found, seeds = ChangeOptions(("seeds=30",), (), "", ()).change([BASE], None)
    assert (found, seeds) == ([BASE], 30)
    assert ChangeOptions((), (), "", ()).change([BASE], 7) == ([BASE], 7)
    starts = "seeds of run must be given once; got '7 and 30'"
    complains(
        lambda: ChangeOptions(("seeds=30",), (), "", ()).change([BASE], 7), SettingError, starts
    )
    starts = "seeds of run must be an integer in [1, "
    complains(
        lambda: ChangeOptions(("seeds=0",), (), "", ()).change([BASE], None), SettingError, starts
    )


def test_a_run_says_what_was_changed_and_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = {"optimizer": ["sgd", "lion"]}
    made = changed(BASE, {"steps": 20, "hidden": (9,)}, arms, claim="They differ.")
    (found,) = run([made], tmp_path, Options(seeds=2))
    assert (found.experiment, found.verdict.outcome) == (made.name, "not judged")
    assert list(found.measured.arms) == ["SGD", "Lion"]
    assert found.about is not None
    assert found.about.changes == "steps 20; hidden 9; optimizer sgd, lion"
    assert found.published == ()
    assert results.load(tmp_path / made.name).to_json() == found.to_json()
    monkeypatch.setattr("trainlab.experiments.runner.measure", None)  # would fail
    again = changed(BASE, {"steps": 20, "hidden": (9,)}, arms, claim="They differ.")
    assert run([again], tmp_path, Options(seeds=2))[0].to_json() == found.to_json()


@pytest.mark.parametrize(
    "name", [n for n, e in EXPERIMENTS.items() if isinstance(e, TrainingExperiment)]
)
def test_every_experiment_that_trains_can_be_changed(name: str, tmp_path: Path) -> None:
    """Also to arms that its own figure could not draw, for as few steps as its measure allows."""
    steps = 20 if name != "weight-init-comparison" else 200
    made = changed(training(name), {"steps": steps, "hidden": 8}, {"lr": [0.01, 0.1, 1.0]})
    (found,) = run([made], tmp_path, Options(seeds=2))
    assert list(found.measured.arms) == ["lr 0.01", "lr 0.1", "lr 1"]
    assert found.verdict.outcome == "no claim"
    assert (tmp_path / made.name / "figure.png").stat().st_size > 0
