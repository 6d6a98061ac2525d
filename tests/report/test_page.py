"""The page: one file, offline, for both themes, and honest about what is missing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

import pages
from trainlab.experiments import EXPERIMENTS, Options, find, run
from trainlab.experiments.drawing import FIGURES
from trainlab.pages import words
from trainlab.report import page, pictures
from trainlab.report.page import build

NAMES = ["derivative", "tiny-network", "optimizer-paths"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results")
    run(find(NAMES), out, Options(seeds=6))
    build(out)
    return out


def test_the_page_is_one_offline_file(folder: Path) -> None:
    text, parsed = pages.read(folder)
    for tag in ("link", "iframe", "object", "base", "form"):
        assert parsed.all(tag) == []
    for attributes in parsed.all("img") + parsed.all("source"):
        source = attributes.get("src") or attributes.get("srcset") or ""
        assert source.startswith("data:image/svg+xml,%3C")
        assert not re.search(r"[\s<>\"]", source)  # white space would end it in a srcset
    without_names = text.replace('"http://www.w3.org/2000/svg"', "")  # a name, never fetched
    assert "://" not in re.sub(r'"data:[^"]*"', "", without_names)
    assert "@import" not in text
    for attributes in parsed.all("a"):
        target = attributes["href"] or ""
        assert target.startswith("#") or (folder / target).is_file()


def test_the_policy_allows_the_pages_own_style_and_script_alone(folder: Path) -> None:
    text, parsed = pages.read(folder)
    (policy,) = [m["content"] for m in parsed.all("meta") if "http-equiv" in m]
    rules = dict(rule.split(" ", 1) for rule in (policy or "").split("; "))
    for tag in ("style", "script"):
        (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert not [name for _, a in parsed.found for name in a if name.startswith("on")]


def test_the_page_serves_both_themes_and_phones(folder: Path) -> None:
    text, parsed = pages.read(folder)
    medias = [attributes["media"] or "" for attributes in parsed.all("source")]
    assert medias == ["screen and (max-width: 40rem)"] * len(NAMES)  # paper is wide
    drawn = [
        a.get("src") or a.get("srcset") or "" for a in parsed.all("img") + parsed.all("source")
    ]
    assert len(drawn) == 3 * len(NAMES)  # equations, and a figure in two shapes
    dark = "screen%20and%20(prefers-color-scheme:dark)"
    assert all(one.count(dark) == 1 for one in drawn)  # paper is light
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "@media screen and (prefers-color-scheme: dark)" in text


def test_an_arm_without_a_finite_value_has_diverged_only_where_runs_did(tmp_path: Path) -> None:
    plain = pages.content(pages.example())
    for arm in plain["verdict"]["arms"]:
        arm |= {"center": None, "low": None, "high": None, "count": 0}
    build(pages.put(tmp_path, plain))
    text = pages.read(tmp_path)[1].text
    assert "SGD diverged too few runs 0 1" in text  # its last number is of runs that diverged
    assert "left arm none too few runs 0 0" in text


def test_every_experiment_has_its_verdict_figure_equation_and_numbers(folder: Path) -> None:
    text, parsed = pages.read(folder)
    ids = [a["id"] for a in parsed.all("section") if "id" in a]
    assert ids == NAMES
    alts = [a["alt"] for a in parsed.all("img")]
    for name in NAMES:
        assert "; ".join(EXPERIMENTS[name].equations) in alts
        assert EXPERIMENTS[name].claim in parsed.text
    assert len(alts) == 2 * len(NAMES)
    assert parsed.text.count("✓ yes") == 13  # 2 slopes, 3 values of functions, 8 coordinates
    assert "Inside our intervals: 5 of 5 printed numbers, 8 of 8 derived by us" in parsed.text
    assert parsed.text.count("Inside our intervals: 8 of 8 derived by us") == 1
    assert parsed.text.count(" derived derived ") == 8  # source and kind
    assert text.count("as expected") >= 2 * len(NAMES)
    assert "✓ 3 as expected" in parsed.text
    assert "1 arm × 6 seeds" in text
    assert "To repeat it: trainlab run tiny-network --seeds 6" in parsed.text


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_equations_of_every_experiment_can_be_set(name: str) -> None:
    lines = EXPERIMENTS[name].equations
    assert lines
    assert pictures.equations(lines).startswith("data:image/svg+xml,%3C")


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1])
def test_text_can_be_read_in_both_themes(folder: Path, theme: int) -> None:
    text, _ = pages.read(folder)
    block = re.findall(r":root \{(.*?)\}", text, re.DOTALL)[theme]
    colors = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
    for name in ("ink", "soft", "link", "good", "bad", "open"):
        # WCAG 2.2, level AA, for text of normal size.
        assert contrast(colors["paper"], colors[name]) >= 4.5, name
    assert contrast(colors["tint"], colors["ink"]) >= 4.5
    assert contrast(colors["note"], colors["ink"]) >= 4.5


def test_rebuilding_gives_the_same_page(folder: Path) -> None:
    before = (folder / "index.html").read_bytes()
    assert build(folder) == folder / "index.html"
    assert (folder / "index.html").read_bytes() == before


def test_a_quick_run_of_few_seeds_says_so(tmp_path: Path) -> None:
    run(find(["derivative", "weight-init-comparison"]), tmp_path, Options(seeds=2, quick=True))
    build(tmp_path)
    text, _ = pages.read(tmp_path)
    assert "Quick run: fewer steps and seeds" in text
    assert "With 2 seeds there are no intervals, and no difference can be shown" in text
    assert text.count("too few runs") == 6  # three medians and three pairs
    assert "init Std(std 0.01)" in text
    assert "3 arms × 2 seeds" in text
    assert "digits (1,437 train, 360 test)" in text
    assert "trainlab run weight-init-comparison --data digits --seeds 2 --quick" in text
    run(find(["gradient-descent"]), tmp_path)
    build(tmp_path)
    assert "Quick run (2 of 3): fewer steps and seeds" in pages.read(tmp_path)[0]


def test_one_table_holds_all_printed_numbers_and_says_how_many_lie_outside(tmp_path: Path) -> None:
    pages.put(tmp_path, pages.content(pages.example()))
    build(tmp_path)
    _, parsed = pages.read(tmp_path)
    assert "Inside our intervals: 1 of 2 printed numbers" in parsed.text
    assert "a printed loss a reason a source printed 2.000" in parsed.text
    assert "another a source printed 4.300" in parsed.text
    assert parsed.text.count("✗ no ") == 1
    assert "Some are compared with only 7 runs" in parsed.text


def test_claims_and_pairs_stand_with_their_numbers(tmp_path: Path) -> None:
    content = pages.content(pages.example())
    (claim,) = content["verdict"]["claims"]
    (pair,) = content["verdict"]["comparisons"]
    lower = {**claim, "text": "Down.", "met": False}
    neither = {**claim, "text": "Neither.", "met": None}
    content["verdict"]["claims"] = [claim, lower, neither]
    pages.put(tmp_path, content)
    build(tmp_path)
    text = pages.read(tmp_path)[1].text
    assert f"✓ shown : {claim['text']}" in text
    assert "✗ contrary : Down." in text
    assert "≈ not shown : Neither." in text
    assert "7 of 7 seeds" in claim["text"]
    row = f"{words.signed(pair['median'])} {words.span(pair['median_low'], pair['median_high'])}"
    assert f"left arm − SGD {row} 7 of 7 {words.signed(pair['effect'])}" in text
    assert f"{words.chance(pair['adjusted'])} left arm better" in text


def test_a_data_set_stands_once_with_its_hash(tmp_path: Path) -> None:
    for name in (pages.NAME, "weight-init-comparison"):
        pages.put(tmp_path, pages.content(pages.example()) | {"experiment": name}, name)
    build(tmp_path)
    _, parsed = pages.read(tmp_path)
    assert parsed.text.count("SHA-256 ab12") == 3  # in each section, and once below
    assert parsed.text.count("library 1.0 of it") == 1


def test_different_environments_say_whose_they_are(tmp_path: Path) -> None:
    for name in (pages.NAME, "weight-init-comparison"):
        own = {"experiment": name, "environment": {"library": name}}
        pages.put(tmp_path, pages.content(pages.example()) | own, name)
    build(tmp_path)
    _, parsed = pages.read(tmp_path)
    assert f"library {pages.NAME} : Optimizers compared" in parsed.text
    assert "library weight-init-comparison : Initial weights compared" in parsed.text


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    pages.put(tmp_path, pages.content(pages.example()))
    (tmp_path / "derivative").mkdir()
    (tmp_path / "derivative" / "results.json").write_text("{")
    (tmp_path / "not ours").mkdir()
    pages.put(tmp_path, {}, "of a later version")
    build(tmp_path)
    _, parsed = pages.read(tmp_path)
    assert "Not shown: content of" in parsed.text
    assert "of a later version/results.json is of no experiment" in parsed.text
    assert "not ours" not in parsed.text
    assert [a["id"] for a in parsed.all("section") if "id" in a] == [pages.NAME]


@pytest.mark.parametrize("name", FIGURES)
def test_a_missing_figure_is_named_and_the_rest_shown(name: str, tmp_path: Path) -> None:
    own = pages.content(pages.example())
    pages.put(tmp_path, {**own, "data": {**own["data"], "name": "digits"}})
    (tmp_path / pages.NAME / name).unlink()
    build(tmp_path)
    _, parsed = pages.read(tmp_path)
    again = f"trainlab run {pages.NAME} --data digits --seeds 7 --out {tmp_path}"
    assert f"{name} is no file; try {again}." in parsed.text
    assert "mean of the last: median of each arm" in parsed.text
    assert len(parsed.all("img")) == 1  # the equations


def test_a_figure_that_no_mail_would_carry_is_named(tmp_path: Path) -> None:
    pages.put(tmp_path, pages.content(pages.example()))
    with open(tmp_path / pages.NAME / "figure.svg", "r+b") as file:
        file.truncate(pictures.MOST_BYTES + 1)
    build(tmp_path)
    assert "must have at most 4,000,000 bytes" in pages.read(tmp_path)[1].text


def test_a_member_that_the_verdict_does_not_name_is_no_fault(tmp_path: Path) -> None:
    content = pages.content(pages.example())
    content["verdict"]["arms"][0]["arm"] = "someone else"
    pages.put(tmp_path, content)
    build(tmp_path)
    assert "someone else" in pages.read(tmp_path)[1].text


def test_an_empty_folder_has_a_page_too(tmp_path: Path) -> None:
    build(tmp_path)
    assert "no results here yet" in pages.read(tmp_path)[0]


def test_the_marks_cover_all_outcomes() -> None:
    from trainlab.experiments.verdicts import OUTCOMES

    assert set(page.MARKS) == set(OUTCOMES)


def test_the_chart_is_data_that_no_text_can_leave(tmp_path: Path) -> None:
    content = pages.content(pages.example())
    for member in content["members"]:
        member["arm"] = member["arm"].replace("left arm", "</script><!--")
    pages.put(tmp_path, content)
    build(tmp_path)
    text, _ = pages.read(tmp_path)
    (inner,) = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    labels = [arm["label"] for arm in json.loads(inner)["series"][0]["arms"]]
    assert labels == ["SGD", "</script><!--"]
    assert "<" not in inner
