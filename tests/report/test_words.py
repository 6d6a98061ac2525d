"""The command that repeats what the page says."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import pages
from trainlab import cli, evidence
from trainlab.experiments import EXPERIMENTS, Options, find, results, run, runner
from trainlab.experiments.base import Measurements, Row
from trainlab.pages.words import span
from trainlab.report import page, words


@pytest.mark.parametrize("name", ["tiny-network", "weight-init-comparison"])
def test_the_command_gives_the_same_numbers_again(name: str, tmp_path: Path) -> None:
    (first,) = run(find([name]), tmp_path / "first", Options(seeds=1, quick=True))
    line = words.command(first, [name])
    assert line is not None
    program, *rest = shlex.split(line)
    assert program == "trainlab"
    done = CliRunner().invoke(cli.main, [*rest, "--out", str(tmp_path / "again")])
    assert done.exit_code == 0, done.output
    assert results.load(tmp_path / "again" / name).to_json() == first.to_json()


def test_an_interval_of_one_value_is_an_interval() -> None:
    """It was called exact, of ten seeds that happened to agree."""
    assert span(30.0, 30.0) == "30.00 to 30.00"


def test_no_command_is_said_where_none_repeats_the_run() -> None:
    known = dataclasses.replace(pages.example(), data={"name": "digits", "hash": "", "sizes": {}})
    assert (
        words.command(known, [pages.NAME]) == f"trainlab run {pages.NAME} --data digits --seeds 7"
    )
    assert words.command(pages.example(), [pages.NAME]) is None  # a table of one's own
    rows = known.measured.members
    odd = dataclasses.replace(known.measured, members=rows[1:7] + rows[8:])
    assert (
        words.command(dataclasses.replace(known, measured=odd), [pages.NAME]) is None
    )  # seeds 1 to 6


def test_no_command_is_said_where_no_words_stand_for_the_experiment() -> None:
    known = dataclasses.replace(pages.example(), data=results.NO_DATA)
    assert words.command(known, ()) is None
    assert words.command(known, ["my.py", "--set", "lr=1"]) == (
        "trainlab run my.py --set lr=1 --seeds 7"
    )


def test_numbers_that_are_printed_wrongly_are_counted_apart() -> None:
    found = runner.measure(EXPERIMENTS["gradient-field"], None, Options()).published
    assert words.replicated(found) == (
        "Inside our intervals: 2 of 2 derived by us. Printed wrongly: 2"
    )
    assert [words.origin(row) for row in found] == [
        "derived; printed wrongly: 25000",
        "derived; printed wrongly: 35000",
    ]
    other = dataclasses.replace(found[0], source="somebody")  # the same words of somebody else
    assert words.origin(other) == "printed"


def test_numbers_beside_too_few_runs_are_not_counted_as_inside() -> None:
    alone = [evidence.replicate("notes", "loss", 9.0, [2.0])]
    known = [evidence.replicate("notes", "loss", 2.1, [2.0, 2.1, 2.2])]
    assert words.replicated(alone) == "Inside our intervals: unknown, of too few runs: 1"
    assert words.replicated(alone + known) == (
        "Inside our intervals: 1 of 1 printed number, unknown, of too few runs: 1"
    )


def test_of_one_seed_no_printed_number_is_said_to_be_inside(tmp_path: Path) -> None:
    found = pages.example()
    values = found.measured.series["train_loss"].values
    alone = dataclasses.replace(
        found,
        published=(
            evidence.replicate("a source", "a loss", 99.0, values[:1, 0]),
            evidence.reproduce("a source", "a slope", 0.2, 0.2, 1e-9),
        ),
    )
    assert results.Results.from_json(pages.content(alone)).published[0].inside is None
    page.build(pages.put(tmp_path, pages.content(alone)))
    _, parsed = pages.read(tmp_path)
    assert "a loss a source printed 99.00 4.000 too few runs 1 ? too few runs" in parsed.text
    assert "0.200000 0.200000 ± 1e−9 1 ✓ yes" in parsed.text


def test_the_command_names_numpy_where_it_trained() -> None:
    """Elsewhere the native engine would be chosen, which has other bits."""
    for engine, ending in (("numpy", " --engine numpy"), ("native", ""), ("native, numpy", "")):
        own = dataclasses.replace(
            pages.example(), data=results.NO_DATA, environment={"engine": engine, "quick": True}
        )
        assert words.command(own, [pages.NAME]) == (
            f"trainlab run {pages.NAME} --seeds 7 --quick{ending}"
        )


def test_settings_that_all_arms_share_are_told_once() -> None:
    network = {"kind": "MLP", "hidden": [5], "dropout": 0.0}
    inits = {"He": {"kind": "He"}, "std": {"kind": "Std", "std": 0.1}}
    rows = tuple(
        Row(arm, 0, {"network": network | {"init": init, "l1": l1}, "steps": 9, "seed": 0})
        for (arm, init), l1 in zip(inits.items(), (0.0, 0.5), strict=True)
    )
    found = dataclasses.replace(pages.example(), measured=Measurements(rows, {}))
    assert list(words.settings(found)) == [
        ("all arms", "network MLP(hidden 5), steps 9"),
        ("He", "network MLP(init He, l1 0)"),
        ("std", "network MLP(init Std(std 0.1), l1 0.5)"),
    ]
    alone = dataclasses.replace(found, measured=Measurements(rows[:1], {}))
    assert list(words.settings(alone)) == [("He", "network MLP(hidden 5, init He), steps 9")]


def test_a_name_that_a_shell_would_act_on_is_quoted() -> None:
    hostile = dataclasses.replace(pages.example(), data=results.NO_DATA)
    line = words.command(hostile, ["x; rm -rf ~ #"])
    assert line is not None
    assert shlex.split(line)[2] == "x; rm -rf ~ #"
