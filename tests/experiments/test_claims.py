"""Claims in words: each sentence says what was found, in how many seeds, and how sure that is."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import pytest

from trainlab import evidence
from trainlab.experiments.base import (
    Array,
    Better,
    Expectation,
    Measure,
    MeasuredSeries,
    Measurements,
    Row,
    Within,
    mean_of_last,
)
from trainlab.experiments.results import Claim, Verdict
from trainlab.experiments.verdicts import EXPECTED, FEW_ARMS, UNDECIDED, judge

LOSS = Measure("loss at step 2,000", mean_of_last("found", 1))
ACCURACY = Measure("test accuracy", mean_of_last("found", 1), better="higher")
SEEDS = 30
LUCK = np.random.default_rng(0).uniform(-0.3, 0.3, SEEDS)
NOISE = np.random.default_rng(1).uniform(-0.1, 0.1, (2, SEEDS))


def verdict(
    arms: Mapping[str, Array],
    *expect: Expectation,
    measure: Measure = LOSS,
    lost: Mapping[str, int] | None = None,
    seeded: bool = True,
) -> Verdict:
    rows = [
        Row(arm, seed if seeded else None, {})
        for arm, values in arms.items()
        for seed in range(len(values))
    ]
    values = np.concatenate(list(arms.values()))[:, None]
    series = {"found": MeasuredSeries("step", np.zeros(1), values)}
    return judge(Measurements(tuple(rows), series, lost or {}), measure, expect)


def claim(arms: Mapping[str, Array], expected: Expectation, **options: object) -> Claim:
    (found,) = verdict(arms, expected, **options).claims  # type: ignore[arg-type]
    return found


ARMS = {"SGD": LUCK + 0.4, "Adam": LUCK + 0.25 + NOISE[0] / 4, "Lion": LUCK + 0.25 + NOISE[1]}


def test_a_difference_that_was_expected() -> None:
    found = claim(ARMS, Better("Adam", "SGD"))
    d = ARMS["Adam"] - ARMS["SGD"]
    low, high = evidence.median_bounds(d, 0.95)
    assert (found.met, found.arms, found.wins, found.pairs) == (True, ("Adam", "SGD"), 30, 30)
    assert (found.center, found.low, found.high) == (np.median(d), low, high)
    assert found.text == (
        "Adam had a lower loss at step 2,000 than SGD: in 30 of 30 seeds, "
        "by 0.152 in the median (95 % interval 0.139 to 0.159; p < 0.001)."
    )


def test_a_difference_that_was_not_expected_is_told_from_the_better_arm() -> None:
    found = claim(ARMS, Better("SGD", "Adam"))
    assert found.met is False
    assert found.center > 0
    assert found.text.startswith(
        "Contrary to what was expected, Adam had a lower loss at step 2,000 than SGD: "
        "in 30 of 30 seeds, by 0.152 in the median"
    )


def test_no_difference_shown() -> None:
    found = claim(ARMS, Better("Adam", "Lion"))
    assert found.met is None
    assert found.low < 0 < found.high
    assert found.text.startswith("No difference shown between Adam and Lion: ")
    assert f"in {max(found.wins or 0, 30 - (found.wins or 0))} of 30 seeds" in found.text
    assert found.text.endswith(f"p = {found.p:.2g}).")


def test_the_direction_and_words_of_a_measure() -> None:
    better = claim(ARMS, Better("SGD", "Adam"), measure=ACCURACY)
    assert better.text.startswith(
        "SGD had a higher test accuracy than Adam: in 30 of 30 seeds, by 0.1"
    )
    steps = Measure("steps to 90 %", mean_of_last("found", 1), comparative="fewer steps to 90 %")
    fewer = claim(ARMS, Better("Adam", "SGD"), measure=steps)
    assert fewer.text.startswith("Adam had fewer steps to 90 % than SGD")


def test_ties_are_counted_and_said() -> None:
    coarse = {"a": np.r_[np.full(8, 0.9), 0.8, 0.8], "b": np.full(10, 0.8)}
    found = claim(coarse, Better("a", "b"), measure=ACCURACY)
    assert (found.met, found.wins, found.pairs) == (True, 8, 10)
    assert "in 8 of 10 seeds (2 ties)" in found.text


def test_names_that_would_fall_apart_in_a_sentence_are_in_quotes() -> None:
    sgd = ARMS["SGD"].copy()
    sgd[3] = np.nan
    arms, lost = {"Adam": ARMS["Adam"], "SGD, lr 1": sgd}, {"SGD, lr 1/3": 17}
    better = claim(arms, Better("Adam", "SGD, lr 1"), lost=lost).text
    assert better.startswith("Adam had a lower loss at step 2,000 than “SGD, lr 1”: in 30 of 30")
    assert better.endswith("; “SGD, lr 1” diverged in 1 of 30 seeds.")
    within = claim(arms, Within("SGD, lr 1", high=1.0), lost=lost).text
    assert within.startswith("“SGD, lr 1”: the loss at step 2,000 is ")


def test_members_that_diverged_lost_and_are_named() -> None:
    sgd = ARMS["SGD"].copy()
    sgd[[3, 7]] = np.nan
    lost = {"SGD/3": 17, "SGD/7": 12}
    found = claim({**ARMS, "SGD": sgd}, Better("Adam", "SGD"), lost=lost)
    assert (found.met, found.wins, found.pairs) == (True, 30, 30)
    assert found.text.endswith("p < 0.001); SGD diverged in 2 of 30 seeds.")
    within = claim({**ARMS, "SGD": sgd}, Within("SGD", high=1.0), lost=lost)
    assert "(median of 28 seeds, " in within.text
    assert within.text.endswith("SGD diverged in 2 of 30 seeds.")
    # Without the mark that it diverged, a missing value is no run at all.
    assert claim({**ARMS, "SGD": sgd}, Better("Adam", "SGD")).pairs == 28


def test_an_arm_that_always_diverged_is_worse() -> None:
    gone = {**ARMS, "SGD": np.full(SEEDS, np.nan)}
    lost = {f"SGD/{seed}": 3 for seed in range(SEEDS)}
    found = verdict(gone, Better("Adam", "SGD"), Within("SGD", high=1), lost=lost)
    better, within = found.claims
    assert better.met is True
    assert better.text == (
        "Adam had a lower loss at step 2,000 than SGD: in 30 of 30 seeds (p < 0.001); "
        "SGD diverged in 30 of 30 seeds."
    )
    assert within.met is None
    assert within.text == "SGD diverged."
    assert found.outcome == UNDECIDED


@pytest.mark.parametrize(
    ("low", "high", "met", "words"),
    [
        (0.0, 1.0, True, ", as expected: 0 to 1.000."),
        (2.0, 3.0, False, ", which was expected to be 2.000 to 3.000."),
        (0.4, 3.0, None, ", which is not shown to be 0.4000 to 3.000."),
    ],
)
def test_bounds(low: float, high: float, met: bool | None, words: str) -> None:
    found = claim(ARMS, Within("SGD", low, high))
    assert (found.met, found.wins, found.p) == (met, None, None)
    assert found.text.startswith("SGD: the loss at step 2,000 is 0.")
    assert found.text.endswith(words)


def test_one_seed_judges_nothing() -> None:
    one = {arm: values[:1] for arm, values in ARMS.items()}
    found = verdict(one, Better("Adam", "SGD"), Within("SGD", high=9))
    assert [c.met for c in found.claims] == [None, None]
    assert found.claims[0].text.startswith("One seed shows no ranking: Adam 0.")
    assert "in one seed, which is no median" in found.claims[1].text


def test_too_few_seeds_say_how_many_are_needed() -> None:
    few = {arm: values[:6] for arm, values in ARMS.items()}
    found = verdict(few, Better("Adam", "SGD"), Better("Lion", "SGD"))
    assert found.claims[0].text == (
        "No difference can be shown between Adam and SGD: 2 comparisons need 7 seeds, not 6."
    )
    assert found.warnings == (
        "With 6 seeds 2 of 3 pairs cannot be shown to differ: 7 are needed. Try --seeds 10.",
    )
    enough = {arm: values[:7] for arm, values in ARMS.items()}
    assert verdict(enough, Better("Adam", "SGD"), Better("Lion", "SGD")).outcome == EXPECTED


def test_without_randomness_values_are_compared_as_they_are() -> None:
    arms = {"central": np.array([1e-12]), "forward": np.array([1e-6])}
    found = verdict(arms, Better("central", "forward"), seeded=False)
    assert found.outcome == EXPECTED
    assert found.claims[0].text == "loss at step 2,000: central 1e−12, forward 1e−6."
    assert verdict(arms, Better("forward", "central"), seeded=False).claims[0].met is False
    # What has no number is worse than any, whichever numbers are better.
    gone = {"one": np.array([1.0]), "none": np.array([np.nan])}
    for measure in (LOSS, ACCURACY):
        for expected, met in ((Better("one", "none"), True), (Better("none", "one"), False)):
            assert claim(gone, expected, measure=measure, seeded=False).met is met
    same = {"none": np.array([np.nan]), "neither": np.array([np.nan])}
    assert claim(same, Better("none", "neither"), seeded=False).met is None


# --- families --------------------------------------------------------------------------


def test_pairs_that_were_expected_are_a_family_of_their_own() -> None:
    found = verdict(ARMS, Better("Adam", "SGD"), Better("Adam", "SGD"), Within("SGD", high=1))
    assert [(c.first, c.second, c.family) for c in found.comparisons] == [
        ("Adam", "SGD", 1),
        ("SGD", "Lion", 2),
        ("Adam", "Lion", 2),
    ]
    assert len(found.claims) == 3


def test_of_many_arms_the_expected_pairs_alone_are_compared() -> None:
    luck = np.random.default_rng(0)
    arms = {f"{k}": luck.standard_normal(SEEDS) for k in range(32)}
    expect = [Better(f"{k}", f"{k + 1}") for k in range(0, 32, 2)]
    start = time.process_time()
    found = verdict(arms, *expect)
    assert time.process_time() - start < 1
    assert len(arms) > FEW_ARMS
    assert [(c.first, c.second) for c in found.comparisons] == [(e.first, e.second) for e in expect]
    assert len(found.line) < 300
    assert found.line.startswith("16 of 16 expectations are not met. Of 32 arms, ")


def test_null_experiments_are_seldom_as_expected() -> None:
    rng, alarms, repeats = np.random.default_rng(0), 0, 60
    for _ in range(repeats):
        arms = dict(zip("abcd", rng.standard_normal((4, 10)), strict=True))
        found = verdict(arms, Better("a", "b"), Better("a", "c"), Better("a", "d"))
        alarms += any(c.met is not None for c in found.claims)
    # 3 σ of a rate of 5 % from 60 repetitions.
    assert alarms / repeats <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repeats)


def test_the_better_arm_is_ahead_by_a_positive_number_with_its_unit() -> None:
    wide = Measure("range", mean_of_last("found", 1), "higher", "a wider range", "powers of ten")
    found = claim(ARMS, Better("SGD", "Adam"), measure=wide)
    assert found.text.startswith(
        "SGD had a wider range than Adam: in 30 of 30 seeds, by 0.152 powers of ten in the median "
        "(95 % interval 0.139 to 0.159; "
    )
    within = claim(ARMS, Within("SGD", high=1), measure=wide)
    assert "the range is 0.4757 powers of ten (median of 30 seeds, 95 % interval 0." in within.text


def test_of_many_arms_the_line_names_the_best_and_the_last() -> None:
    arms = {f"decay {k}": LUCK + k for k in range(9)}
    line = verdict(arms, Better("decay 0", "decay 1")).line
    assert line == (
        "As expected, decay 0 has a lower loss at step 2,000 than decay 1 in 30 of 30 seeds, "
        "by 1.000 in the median. "
        "Of 9 arms, decay 0 has the lowest loss at step 2,000: 0.07570 (median of 30 seeds). "
        "The last is decay 8, with 8.076: decay 0 has the lower one in 30 of 30 seeds, "
        "by 8.000 in the median"
    )
