"""Verdicts: what is said for which numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from trainlab.errors import SettingError
from trainlab.evidence import Direction
from trainlab.experiments import runner
from trainlab.experiments.base import (
    Array,
    Better,
    Expectation,
    Measure,
    MeasuredSeries,
    Measurements,
    Row,
    Within,
    greatest,
    last_difference,
    mean_of_last,
)
from trainlab.experiments.results import Verdict
from trainlab.experiments.verdicts import (
    CONTRARY,
    EXPECTED,
    NO_CLAIM,
    NOT_JUDGED,
    NOT_SHOWN,
    UNDECIDED,
    UNEXPECTED,
    judge,
)

LOSS = Measure("loss", mean_of_last("loss", 1))
ACCURACY = Measure("accuracy", mean_of_last("loss", 1), better="higher")
LUCK = np.random.default_rng(0).uniform(-0.3, 0.3, 10)
NOISE = np.random.default_rng(1).uniform(-0.02, 0.02, (3, 10))


def measured(arms: Mapping[str, Array], diverged: Mapping[str, int] | None = None) -> Measurements:
    rows = [Row(arm, seed, {}) for arm, values in arms.items() for seed in range(len(values))]
    values = np.concatenate(list(arms.values()))[:, None]
    return Measurements(
        tuple(rows), {"loss": MeasuredSeries("step", np.zeros(1), values)}, diverged or {}
    )


def verdict(arms: Mapping[str, Array], *expect: Expectation, measure: Measure = LOSS) -> Verdict:
    return judge(measured(arms), measure, expect)


ARMS = {"SGD": LUCK + 2, "Adam": LUCK + 1 + NOISE[0], "Lion": LUCK + 1 + NOISE[1]}


def test_a_mean_of_more_values_than_there_are_is_told_of() -> None:
    values = {arm: found[:, None] + np.zeros(20) for arm, found in ARMS.items()}
    found = measured(ARMS)
    long = MeasuredSeries("step", np.arange(20.0), np.concatenate(list(values.values())))
    found = dataclasses.replace(found, series={"loss": long})
    last = Measure("mean loss of the last 100 batches", mean_of_last("loss", 100))
    (told,) = judge(found, last, []).warnings
    assert told == (
        "The mean loss of the last 100 batches is a mean of all values: loss has only 20 values, "
        "fewer than it asks for."
    )
    enough = Measure("mean loss of the last 20 batches", mean_of_last("loss", 20))
    assert judge(found, enough, []).warnings == ()


def test_a_claim_of_which_nothing_is_expected_is_not_judged() -> None:
    found = judge(measured(ARMS), LOSS, [], "SGD is worst.")
    assert (found.outcome, found.warnings) == (NOT_JUDGED, (UNEXPECTED,))
    silent = judge(measured(ARMS), LOSS, [])
    assert (silent.outcome, silent.warnings, silent.line) == (NO_CLAIM, (), found.line)
    judged = judge(measured(ARMS), LOSS, [Better("Adam", "SGD")], "SGD is worse.")
    assert (judged.outcome, judged.warnings) == (EXPECTED, ())


@pytest.mark.parametrize(
    ("arms", "told"),
    [
        ("AB", "A and B have the same loss in all 10 seeds: 1.000 (median of 10 seeds)"),
        ("ABC", "All 3 arms have the same loss in all 10 seeds: 1.000 (median of 10 seeds)"),
    ],
)
def test_arms_that_are_alike_have_no_lead(arms: str, told: str) -> None:
    assert verdict(dict.fromkeys(arms, np.ones(10))).line == told


def test_two_arms_of_more_that_are_alike_are_told_of_together() -> None:
    arms = {"A": np.ones(10), "B": np.ones(10), "C": np.arange(2.0, 12)}
    found = verdict(arms, Better("A", "B"))
    assert found.line == (
        "It is not shown that A has a lower loss than B. "
        "Of 3 arms, A and B have the lowest loss: 1.000 (median of 10 seeds), the same in all 10 "
        "seeds. The last is C, with 6.500: A has the lower one in 10 of 10 seeds, by 5.5 in the "
        "median"
    )
    assert found.claims[0].text == "A and B have the same loss in all 10 seeds."
    many = verdict(dict.fromkeys("ABCDEFGHIJ", np.ones(10))).line  # of which not all are compared
    assert many.startswith("Of 10 arms, A and J have the lowest loss: 1.000")
    assert many.endswith("the same in all 10 seeds")
    few = verdict({**dict.fromkeys("ABDEF", np.ones(3)), "C": np.arange(2.0, 5)}).line
    assert few.startswith("Of 6 arms, A and 4 others have the lowest loss: 1.000")
    assert few.endswith("With 3 seeds no difference can be shown between A and C: 10 are needed")


def test_the_arm_that_is_ahead_in_most_seeds_is_told_of_where_medians_contradict() -> None:
    late = np.arange(1.0, 8.0) + 0.1
    late[3] = 3.9
    line = verdict({"A": np.arange(1.0, 8.0), "B": late}).line
    assert "A has a lower loss in 6 of 7 seeds, by 0.100 in the median; its loss is 4.000" in line


def test_what_is_not_shown_of_one_arm_is_a_sentence() -> None:
    line = verdict({"A": np.ones(3)}, Within("A", 0, 2)).line
    assert line.endswith("; expected 0 to 2.000. It is not shown that A is 0 to 2.000")


def test_as_expected() -> None:
    found = verdict(ARMS, Better("Adam", "SGD"), Better("Lion", "SGD"))
    assert found.outcome == EXPECTED
    assert list(found.arms)[-1] == "SGD"
    best, second, _ = found.arms
    ranking = f". Of 3 arms, {best} has the lowest loss: 1.0"
    assert found.line.startswith(
        "As expected, Adam has a lower loss than SGD in 10 of 10 seeds, by "
    )
    assert ". As expected, Lion has a lower loss than SGD in 10 of 10 seeds, by " in found.line
    assert found.line.index(". As expected, Lion") < found.line.index(ranking)
    assert " (median of 10 seeds). The last is SGD, with 2.0" in found.line
    assert f": {best} has the lower one in 10 of 10 seeds, by 1.0" in found.line
    unshown = f"No difference is shown between {best} and {second}: the lead may be chance"
    assert found.line.endswith(f"in the median. {unshown}")


def test_many_pairs_as_expected_are_counted() -> None:
    arms = ARMS | {"AdaGrad": LUCK + 1 + NOISE[0] / 2}
    found = verdict(arms, *(Better(arm, "SGD") for arm in ("Adam", "Lion", "AdaGrad")))
    assert found.outcome == EXPECTED
    assert found.line.startswith("3 pairs differ as expected. Of 4 arms, ")


def test_no_difference_shown() -> None:
    found = verdict(ARMS, Better("Adam", "SGD"), Better("Adam", "Lion"))
    assert found.outcome == NOT_SHOWN
    assert ". It is not shown that Adam has a lower loss than Lion. Of 3 arms, " in found.line


def test_contrary() -> None:
    found = verdict(ARMS, Better("SGD", "Adam"), Better("Lion", "SGD"))
    assert found.outcome == CONTRARY
    contrary = "Contrary to what was expected, Adam has a lower loss than SGD. Of 3 arms, "
    assert contrary in found.line


def test_higher_can_be_better() -> None:
    found = verdict(ARMS, Better("SGD", "Adam"), measure=ACCURACY)
    assert found.outcome == EXPECTED
    assert next(iter(found.arms)) == "SGD"
    assert ". Of 3 arms, SGD has the highest accuracy: 2.0" in found.line
    assert "is best" not in found.line


@pytest.mark.parametrize(
    ("low", "high", "outcome"), [(1.5, 2.5, EXPECTED), (0, 1, CONTRARY), (2.0, 9.0, UNDECIDED)]
)
def test_bounds(low: float, high: float, outcome: str) -> None:
    assert verdict(ARMS, Within("SGD", low, high)).outcome == outcome


def test_one_seed_shows_no_ranking() -> None:
    found = verdict({arm: values[:1] for arm, values in ARMS.items()}, Better("Adam", "SGD"))
    assert found.outcome == NOT_JUDGED
    assert found.line.endswith("; one seed shows no ranking")
    assert "better" not in found.line
    assert "best" not in found.line
    assert found.warnings[0].startswith("One seed shows no ranking")
    assert found.comparisons == ()


def test_two_arms_are_told_in_one_sentence() -> None:
    two = {arm: ARMS[arm] for arm in ("SGD", "Adam")}
    line = verdict(two, Better("Adam", "SGD")).line
    assert line.startswith("Adam has a lower loss than SGD in 10 of 10 seeds, by 1.0")
    assert line.endswith("; its loss is 1.080, against 2.073 (medians of 10 seeds)")
    even = {arm: ARMS[arm] for arm in ("Lion", "Adam")}
    line = verdict(even).line
    assert line.startswith(
        "No difference is shown between Lion and Adam: the lead may be chance. Lion has a lower "
        "loss in "
    )
    assert line.endswith(" (medians of 10 seeds)")
    line = verdict({arm: values[:3] for arm, values in two.items()}).line
    told = "With 3 seeds no difference can be shown between Adam and SGD: 6 are needed. Adam has a "
    assert line.startswith(told)


def test_pairs_that_contradict_medians_are_said_as_pairs_show() -> None:
    # Second is a little lower in nearly all seeds, and First has the lower median.
    first = np.concatenate([np.full(4, 1.0), np.full(6, 1.2) + NOISE[0][:6]])
    second = first - 0.01
    second[:1] = 1.3
    line = verdict({"First": first, "Second": second}).line
    assert "Second has a lower loss" in line


def test_few_seeds_show_no_difference() -> None:
    found = verdict({arm: values[:3] for arm, values in ARMS.items()}, Better("Adam", "SGD"))
    assert found.outcome == NOT_SHOWN
    told = "With 3 seeds there are no intervals, and no difference can be shown: 7 are needed."
    assert found.warnings == (f"{told} Try --seeds 10.",)
    best, *others = found.arms
    told = f"With 3 seeds no difference can be shown between {best} and any of {', '.join(others)}"
    assert found.line.endswith(f"{told}: 7 are needed")
    one = verdict({"SGD": ARMS["SGD"][:3]})
    told = "With 3 seeds there are no intervals: 6 are needed. Try --seeds 10."
    assert one.warnings == (told,)


def test_pairs_that_nothing_is_expected_of_may_need_more_seeds() -> None:
    found = verdict({arm: values[:6] for arm, values in ARMS.items()}, Better("Adam", "SGD"))
    assert found.outcome == EXPECTED
    assert found.warnings == (
        "With 6 seeds 2 of 3 pairs cannot be shown to differ: 7 are needed. Try --seeds 10.",
    )
    assert ": 7 are needed" in found.line


def test_few_seeds_are_warned_of_where_nothing_is_expected() -> None:
    four = {**ARMS, "Nadam": LUCK + 4}
    found = verdict({arm: values[:6] for arm, values in four.items()})
    told = "With 6 seeds no difference can be shown: 8 are needed. Try --seeds 10."
    assert found.warnings == (told,)
    best, *others = found.arms
    named = f"between {best} and any of {', '.join(others)}"
    assert found.line.endswith(f"With 6 seeds no difference can be shown {named}: 8 are needed")
    assert verdict({arm: values[:8] for arm, values in four.items()}).warnings == ()


def test_without_randomness_values_stand_for_themselves() -> None:
    rows = (Row("central", None, {}),)
    one = Measurements(rows, {"loss": MeasuredSeries("x", np.zeros(1), np.array([[1e-12]]))})
    found = judge(one, LOSS, [Within("central", high=1e-9)])
    assert found.outcome == EXPECTED
    assert found.line == "loss: central 1e−12; expected at most 1e−9"
    assert judge(one, LOSS, [Within("central", high=1e-15)]).outcome == CONTRARY


def test_members_that_diverged_are_said_and_left_out() -> None:
    sgd = LUCK + 2
    sgd[[3, 7]] = np.nan
    lost = {"SGD/3": 17, "SGD/7": 12}
    found = judge(measured({**ARMS, "SGD": sgd}, lost), LOSS, [Better("Adam", "SGD")])
    assert found.outcome == EXPECTED
    (warning,) = found.warnings
    assert warning.startswith(
        "SGD: 2 of 10 members diverged, first at step 12; each counts as worse"
    )
    assert (found.arms["SGD"].count, found.arms["SGD"].missing) == (8, 2)
    pair = next(c for c in found.comparisons if {c.first, c.second} == {"SGD", "Adam"})
    assert (pair.pairs, pair.missing, pair.diverged, pair.wins) == (10, 0, 2, 10)


def test_a_warning_has_an_arm_with_a_comma_in_quotes() -> None:
    sgd = LUCK + 2
    sgd[3] = np.nan
    lost = {"SGD, lr 1/3": 17}
    found = judge(measured({**ARMS, "SGD, lr 1": sgd}, lost), LOSS, [Better("Adam", "SGD, lr 1")])
    assert [one[:42] for one in found.warnings] == ["“SGD, lr 1”: 1 of 10 members diverged, at "]


def test_an_arm_that_diverged_altogether_is_last_and_named() -> None:
    found = verdict({**ARMS, "SGD": np.full(10, np.nan)}, Better("Adam", "SGD"))
    assert list(found.arms)[-1] == "SGD"
    assert ". The last is SGD, which has no finite loss. " in found.line
    lost = {f"SGD/{seed}": 3 for seed in range(10)}
    line = judge(measured({**ARMS, "SGD": np.full(10, np.nan)}, lost), LOSS, []).line
    assert ". The last is SGD, which diverged: Lion has the lower one in 10 of 10 seeds. " in line
    assert found.outcome == NOT_SHOWN
    assert judge(measured(dict.fromkeys(ARMS, np.full(10, np.nan))), LOSS, []).line == (
        "No run of the 3 arms has a loss"
    )


def test_an_arm_of_which_most_runs_diverged_is_not_the_best() -> None:
    """Its median is of the runs that are left: here of a lucky one."""
    lucky = np.full(10, np.nan)
    lucky[4] = 0.1
    lost = {f"Rash/{seed}": 3 for seed in range(10) if seed != 4}
    found = judge(measured({"Rash": lucky, **ARMS}, lost), LOSS, [])
    assert list(found.arms)[-1] == "Rash"
    assert ". The last is Rash, with 0.1000 (median of 1 of 10 seeds): " in found.line
    assert " (median of 10 seeds). The last" in found.line
    # Of fewer than half the median of all runs is that of a run that did not diverge.
    most = LUCK + 0.5
    most[:4] = np.nan
    lost = {f"Rash/{seed}": 3 for seed in range(4)}
    found = judge(measured({"Rash": most, **ARMS}, lost), LOSS, [])
    assert next(iter(found.arms)) == "Rash"
    assert "Rash has the lowest loss: 0." in found.line
    assert " (median of 6 of 10 seeds). The last is SGD, with 2.073" in found.line


def test_two_medians_of_unequally_many_seeds_say_of_how_many() -> None:
    sgd = LUCK + 2
    sgd[[3, 7]] = np.nan
    two = measured({"SGD": sgd, "Adam": ARMS["Adam"]}, {"SGD/3": 17, "SGD/7": 12})
    line = judge(two, LOSS, []).line
    assert "; its loss is 1.080 (median of 10 seeds), against 2." in line
    assert line.endswith(" (median of 8 of 10 seeds)")
    lost = {f"SGD/{seed}": 3 for seed in range(10)}
    gone = measured({"SGD": np.full(10, np.nan), "Adam": ARMS["Adam"]}, lost)
    assert judge(gone, LOSS, []).line.endswith(
        "(median of 10 seeds), against none, where all diverged"
    )


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_an_arm_that_never_gets_there_is_not_said_to_have_diverged(value: float) -> None:
    """As one in which no run reaches an accuracy: its number of steps is infinite."""
    never = np.full(10, value)
    found = verdict({**ARMS, "SGD": never}, Better("Adam", "SGD"), Within("SGD", high=1))
    assert ". The last is SGD, which has no finite loss" in found.line
    assert found.claims[1].text == "SGD has no finite loss."
    two = verdict({"Adam": ARMS["Adam"], "SGD": never})
    assert two.line.endswith(" (median of 10 seeds), against none that is finite")
    one = judge(measured({"Adam": np.ones(1), "SGD": never[:1]}), LOSS, [Better("Adam", "SGD")])
    assert one.line == "loss: Adam 1.000, SGD none; one seed shows no ranking"
    assert one.claims[0].text == "One seed shows no ranking: Adam 1.000, SGD none."
    texts = [text for v in (found, two, one) for text in (v.line, *[c.text for c in v.claims])]
    assert "diverged" not in " ".join(texts)


def test_runs_that_diverged_with_a_value_are_not_said_to_be_worse() -> None:
    lost = {f"SGD/{seed}": 9 for seed in (2, 3)}
    (warning,) = judge(measured(ARMS, lost), LOSS, []).warnings
    assert warning == (
        "SGD: 2 of 10 members diverged, first at step 9; each had a loss before, which counts as "
        "those of others."
    )
    some = {**ARMS, "SGD": np.where(np.arange(10) == 2, np.nan, ARMS["SGD"])}
    (warning,) = judge(measured(some, lost), LOSS, []).warnings
    assert warning.endswith("; 1 of them had a loss before, which counts as those of others.")


def test_runs_without_a_value_that_did_not_diverge_are_warned_of() -> None:
    """They are in no comparison, so that those that are left may be the lucky ones."""
    some = np.where(np.arange(10) < 3, np.nan, ARMS["SGD"])
    found = verdict({**ARMS, "SGD": some}, Better("Adam", "SGD"))
    assert found.comparisons[0].pairs == 7
    (warning,) = found.warnings
    assert warning == (
        "SGD: 3 of 10 members without a loss; each is in no median, and its seed in no comparison "
        "with this arm."
    )
    endless = np.where(np.arange(10) < 3, np.inf, ARMS["SGD"])
    (warning,) = verdict({**ARMS, "SGD": endless}).warnings
    assert warning.startswith("SGD: the loss of 3 of 10 members is infinite; each counts as worse")


# --- which is better -------------------------------------------------------------------


def of_series(measure: Measure, name: str, better: Direction | None = None) -> Verdict:
    found = measured(ARMS)
    series = {name: dataclasses.replace(found.series["loss"], better=better)}
    return judge(Measurements(found.members, series), measure, [Better("SGD", "Adam")])


@pytest.mark.parametrize("of", [mean_of_last("test_accuracy", 1), greatest("test_accuracy")])
def test_the_higher_accuracy_is_better_unless_the_measure_says_otherwise(of: Any) -> None:
    found = of_series(Measure("test accuracy", of), "test_accuracy")
    assert (found.outcome, found.warnings) == (EXPECTED, ())
    found = of_series(Measure("test accuracy", of, "lower"), "test_accuracy")
    assert found.outcome == CONTRARY
    (warning,) = found.warnings
    assert warning == (
        "The lower test accuracy counts as better, although the higher test_accuracy is; "
        "try better='higher' in the Measure."
    )


def test_a_series_says_what_is_better_where_its_name_does_not() -> None:
    measure = Measure("hits", mean_of_last("hits", 1))
    assert of_series(measure, "hits", "higher").outcome == EXPECTED
    assert of_series(measure, "hits").outcome == CONTRARY
    assert of_series(Measure("hits", mean_of_last("hits", 1), "lower"), "hits", "higher").warnings


def test_of_a_difference_of_accuracies_nobody_knows_and_it_is_said() -> None:
    for end, warned in (("accuracy", True), ("loss", False)):
        names = (f"train_{end}", f"test_{end}")
        found = measured(ARMS)
        series = dict.fromkeys(names, found.series["loss"])
        for better in ("lower", None):
            gap = Measure("gap", last_difference(*names), better)
            doubts = judge(Measurements(found.members, series), gap, []).warnings
            assert bool(doubts) == (warned and better is None)
            if doubts:
                assert doubts[0].endswith("try better='lower' or 'higher' in the Measure.")


@pytest.mark.parametrize(
    "read",
    [
        lambda found: found["test_accuracy"],
        lambda found: found.get("lost") or found.get("test_accuracy"),
        lambda found: next(iter(found.values())),
        lambda found: dict(found)["test_accuracy"],
    ],
)
def test_of_a_function_of_ones_own_the_series_that_it_reads_decides_and_it_is_said(
    read: Any,
) -> None:
    """It may as well be one minus an accuracy, which `better` says."""
    hits = Measure("hits", lambda found: read(found).values[:, -1])
    found = of_series(hits, "test_accuracy")
    assert found.outcome == EXPECTED
    (warning,) = found.warnings
    assert warning == (
        "The higher hits counts as better, since nothing else is said; "
        "try better='higher' or 'lower' in the Measure."
    )
    for better, outcome in (("higher", EXPECTED), ("lower", CONTRARY)):
        found = of_series(dataclasses.replace(hits, better=better), "test_accuracy")
        assert (found.outcome, found.warnings) == (outcome, ())
    loss = Measure("loss", lambda found: found["loss"].values[:, -1])
    assert not judge(measured(ARMS), loss, []).warnings


def test_a_measure_that_is_no_direction_is_refused() -> None:
    with pytest.raises(SettingError, match="better of a Measure must be"):
        Measure("loss", mean_of_last("loss", 1), "more")  # type: ignore[arg-type]


def test_a_metric_of_ones_own_tells_its_direction_to_what_was_measured() -> None:
    @dataclasses.dataclass(frozen=True)
    class Hits(tl.Metric):
        better = "higher"

        def value(self, y: Any, t: Any, weight: Any) -> float:
            return 1.0

    data = tl.from_arrays([[1.0], [2.0]], [0, 1])
    network = tl.Population.grid(tl.MLP((2,)))
    history = network.fit(data, steps=1, evaluate=1, on=("train",), metrics=[Hits()])
    assert runner.measured(history, ["a"]).series["train_hits"].better == "higher"
