"""results.json: strict, complete, written all or nothing, and read with care."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainlab import files
from trainlab.errors import DataError
from trainlab.evidence import replicate
from trainlab.experiments import results
from trainlab.experiments.base import (
    Better,
    Measure,
    MeasuredSeries,
    Measurements,
    Row,
    mean_of_last,
)
from trainlab.experiments.verdicts import judge
from trainlab.versions import environment


def example() -> results.Results:
    values = np.arange(24.0).reshape(12, 2) ** 1.1
    values[2] = [1.0, np.nan]
    rows = tuple(Row(arm, seed, {"lr": 0.1}) for arm in ("a", "b") for seed in range(6))
    series = {"loss": MeasuredSeries("step", np.array([0.0, 1.0]), values)}
    measured = Measurements(rows, series, {"a/2": 1})
    return results.Results(
        experiment="optimizer-comparison",
        data={"name": "digits", "hash": "ab", "sizes": {"train": 3}},
        measured=measured,
        verdict=judge(measured, Measure("loss", mean_of_last("loss", 1)), [Better("a", "b")]),
        published=(replicate("notes", "loss", 2.0, [1.0]),),
        environment=environment(quick=False),
    )


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_series_keeps_what_is_better_where_it_says_so() -> None:
    one = example()
    told = dataclasses.replace(one.measured.series["loss"], better="higher")
    series = {**one.measured.series, "hits": told}
    content = dataclasses.replace(
        one, measured=dataclasses.replace(one.measured, series=series)
    ).to_json()
    assert "better" not in content["series"]["loss"]  # as in files of before
    found = results.Results.from_json(content).measured.series
    assert (found["loss"].better, found["hits"].better) == (None, "higher")


def test_the_file_holds_what_the_design_says(tmp_path: Path) -> None:
    results.save(example(), tmp_path / "new")
    content = strict((tmp_path / "new" / "results.json").read_text(encoding="utf-8"))
    assert list(content) == [
        "experiment",
        "data",
        "members",
        "series",
        "verdict",
        "published",
        "environment",
    ]
    assert list(content["data"]) == ["name", "hash", "sizes"]
    assert content["members"][2] == {
        "id": "a/2",
        "arm": "a",
        "seed": 2,
        "settings": {"lr": 0.1},
    }
    series = content["series"]["loss"]
    assert (series["axis"], series["axis_values"]) == ("step", [0, 1])
    assert len(series["values"]) == 12
    assert series["values"][2] == [1.0, None]
    assert content["verdict"]["diverged"] == [{"member": "a/2", "step": 1}]
    assert {"source", "value", "median", "interval", "inside"} <= set(content["published"][0])
    assert content["published"][0]["interval"] == [None, None]


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    before = example()
    results.save(before, tmp_path)
    after = results.load(tmp_path)
    assert after.to_json() == before.to_json()
    assert after.verdict == before.verdict
    assert after.published == before.published
    assert math.isinf(after.published[0].high)


def measures(values: Any) -> results.Results:
    """Results of other numbers."""
    series = {"loss": MeasuredSeries("step", np.arange(1.0 * len(values[0])), values)}
    rows = tuple(Row("a", seed, {}) for seed in range(len(values)))
    return dataclasses.replace(example(), measured=Measurements(rows, series))


@pytest.mark.parametrize("at_once", [2**16, 100])
def test_numbers_of_float32_are_written_with_few_digits_and_read_to_the_same_bits(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(results, "AT_ONCE", at_once)
    bits = rng.integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32)  # of all sizes
    bits[~np.isfinite(bits)] = np.nan  # infinity is null in the file
    usual = rng.random(20_000, dtype=np.float32)
    ends = np.array([0.0, -0.0, np.nan, 0.1, 1e-45, 3.4028235e38, 16777216, -1e-30], np.float32)
    single = np.concatenate([bits, usual, np.resize(ends, 400)]).astype(np.float64)
    results.save(measures(single.reshape(101, -1)), tmp_path)
    content = strict((tmp_path / "results.json").read_text())
    assert content["series"]["loss"]["dtype"] == "float32"
    found = results.load(tmp_path).measured.series["loss"].values
    np.testing.assert_array_equal(np.signbit(found), np.signbit(single.reshape(101, -1)))
    np.testing.assert_array_equal(found, single.reshape(101, -1))
    results.save(measures(usual.astype(np.float64).reshape(100, -1)), tmp_path)
    assert (tmp_path / "results.json").stat().st_size < 12.5 * usual.size


def test_numbers_of_float64_keep_all_their_digits(tmp_path: Path, rng: np.random.Generator) -> None:
    values = rng.random((3, 50))
    values[1, 3] = 1e300
    results.save(measures(values), tmp_path)
    assert "dtype" not in strict((tmp_path / "results.json").read_text())["series"]["loss"]
    np.testing.assert_array_equal(results.load(tmp_path).measured.series["loss"].values, values)


def test_files_of_earlier_versions_have_all_digits_and_no_dtype() -> None:
    content = measures(np.array([[0.1], [0.5]], np.float32).astype(np.float64)).to_json()
    series = content["series"]["loss"]
    assert series["values"] == [[0.1], [0.5]]
    new = results.Results.from_json(content)
    del series["dtype"]
    series["values"] = [[0.10000000149011612], [0.5]]
    assert results.Results.from_json(content).to_json() == new.to_json()
    series["dtype"] = "float16"
    with pytest.raises(ValueError, match="unknown dtype: 'float16'"):
        results.Results.from_json(content)


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    results.save(example(), tmp_path)
    first = (tmp_path / "results.json").read_bytes()
    results.save(example(), tmp_path)
    assert (tmp_path / "results.json").read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write(tmp_path / "file", b"old")

    def full(descriptor: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        pytest.param("[" * 100_000, id="deep"),
        '{"experiment": 1, "verdict": {}, "members": [], "series": {}}',
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(DataError, match=r"results\.json must be results that trainlab wrote"):
        results.load(tmp_path)


def test_a_number_beyond_any_float_is_named(tmp_path: Path) -> None:
    results.save(example(), tmp_path)
    path = tmp_path / "results.json"
    text = path.read_text()
    changed = re.sub(r'("values":\[\[)[^],]+', rf"\g<1>{10**400}", text, count=1)
    assert changed != text
    path.write_text(changed)
    with pytest.raises(DataError, match=r"results\.json must be results that trainlab wrote"):
        results.load(tmp_path)
