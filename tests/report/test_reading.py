"""Results that are not what they should be are refused by name; nothing else comes through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import pages
from trainlab.errors import DataError
from trainlab.report.page import build
from trainlab.report.reading import read

WRONG = (None, True, 0.5, "a word", [[]], {"": None})


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where there is a value in JSON: every key, and the first item of every list."""
    found = [prefix] if prefix else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths(item, (*prefix, key))
    elif isinstance(value, list) and value:
        found += paths(value[0], (*prefix, 0))
    return found


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = by
    return copy


def test_sound_results_are_read(tmp_path: Path) -> None:
    pages.put(tmp_path, pages.content(pages.example()))
    found = read(tmp_path / pages.NAME, pages.NAME)
    assert found.to_json() == pages.example().to_json()


def test_no_wrong_value_at_any_place_breaks_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # nothing here need outlive a crash
    content = pages.content(pages.example(seeds=2))
    for series in content["series"].values():
        series["axis_values"] = series["axis_values"][:20]
        series["values"] = [row[:20] for row in series["values"]]
    content["verdict"]["diverged"][0]["step"] = 3
    places = paths(content)
    assert len(places) > 60
    refused = 0
    for index, place in enumerate(places):
        for by in WRONG:
            pages.put(tmp_path, replaced(content, place, by))
            text = build(tmp_path).read_text(encoding="utf-8")
            named = "optimizer-comparison/results.json must be results that trainlab wrote" in text
            assert named or '<section class="experiment"' in text, (index, place, by)
            refused += named
    assert refused > 150


@pytest.mark.parametrize(
    ("path", "by", "told"),
    [
        (("verdict", "line"), 7, "results.verdict.line must be str"),
        (("verdict", "arms", 0, "center"), "1", "center must be float"),
        (("verdict", "comparisons", 0, "pairs"), True, "pairs must be int"),
        (("verdict", "warnings", 0), 5, "results.verdict.warnings must be tuple"),
        (("published", 0, "inside"), 1, "inside must be bool"),
        (("members", 0, "seed"), "0", "seed must be int"),
        (("data", "sizes", "some part"), "3", "sizes must be whole numbers"),
        (("series", "train_loss", "values"), [[1.0]], "must have 14 rows as long as its axis"),
        (("experiment",), "derivative", "results of"),
    ],
)
def test_it_is_said_what_is_wrong(
    path: tuple[Any, ...], by: Any, told: str, tmp_path: Path
) -> None:
    pages.put(tmp_path, replaced(pages.content(pages.example()), path, by))
    with pytest.raises(DataError, match=r"results\.json must be results that") as error:
        read(tmp_path / pages.NAME, pages.NAME)
    assert told in str(error.value.__cause__)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": ' * 100_000, "NaN", '"\\ud800"'])
def test_what_is_no_json_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / pages.NAME).mkdir()
    (tmp_path / pages.NAME / "results.json").write_text(text)
    build(tmp_path)
    assert "Not shown: content of" in pages.read(tmp_path)[1].text
