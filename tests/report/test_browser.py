"""The page in a real browser: both themes, a phone's width, charts that answer, without scripts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import chromium
import pages
from trainlab import plots
from trainlab.report.page import build

CLOSER = """
    const details = document.querySelector("details.closer");
    details.open = true;
    await wait();
    const chart = details.querySelector(".chart"), plot = chart.querySelector(".plot");
    const paths = (kind) => [...chart.querySelectorAll(`.plot path.${kind}`)];
    const all = (what) => [...chart.querySelectorAll(what)];
    const rows = () => all("tbody tr").map((row) => row.innerText.split("\\t"));
    const at = () => chart.querySelector("caption").textContent;
    const point = (kind, share, height) => {
      const svg = plot.firstChild, box = svg.getBoundingClientRect();
      const frame = { left: box.left + 56, right: box.right - 12, top: box.top + 26 };
      svg.dispatchEvent(new PointerEvent(kind, {
        clientX: frame.left + share * (frame.right - frame.left), clientY: frame.top + height,
      }));
    };
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    return build(pages.put(folder, pages.content(pages.example())))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_has_its_colours_and_pictures(
    page: Path, tmp_path: Path, dark: bool, width: int
) -> None:
    theme = plots.DARK if dark else plots.LIGHT
    image = chromium.picture(page, tmp_path, dark, width)
    assert image.shape[1] == width
    assert tuple(image[2, 2]) == tuple(bytes.fromhex(theme.paper[1:]))
    ink = bytes.fromhex(theme.ink[1:])
    assert (image[:400] == list(ink)).all(axis=-1).sum() > 50  # the heading


def test_the_right_picture_is_chosen_and_nothing_is_wider_than_a_phone(
    page: Path, tmp_path: Path
) -> None:
    script = """
        document.documentElement.style.width = "390px";
        const images = [...document.images];
        for (const image of images) await image.decode();
        const inside = (one) => one.closest(".wide") || one.getBoundingClientRect().right <= 390;
        return {
          sizes: images.map((image) => [image.naturalWidth, image.naturalHeight]),
          sources: images.map((image) => image.currentSrc),
          wider: [...document.querySelectorAll("body *")].filter((one) => !inside(one)).length,
        };
    """
    text = page.read_text(encoding="utf-8")
    found = {}
    for dark in (False, True):
        found[dark] = chromium.seen(page, tmp_path, script, dark, width=390)
        assert found[dark]["sizes"][1] == [9, 6]
        assert found[dark]["sizes"][0][0] > 100  # the equations
        assert found[dark]["wider"] == 0
    sources = re.findall(r'srcset="([^"]*)"', text)
    assert found[True]["sources"][0] == sources[0]
    assert found[False]["sources"][0] not in sources


def test_pointing_reads_off_values(page: Path, tmp_path: Path) -> None:
    script = """
        const before = [at(), rows()];
        point("pointermove", 0.5, 40);
        const middle = [at(), rows(), chart.querySelector("[type=range]").value];
        point("pointerdown", 0, 40);
        return { before, middle, start: [at(), rows()] };
    """
    found = chromium.seen(page, tmp_path, CLOSER + script)
    assert found["before"][0] == f"At step {pages.STEPS - 1}"
    assert found["start"][0] == "At step 0"
    step = int(found["middle"][0].removeprefix("At step "))
    assert step == pytest.approx(pages.STEPS / 2, abs=3)
    # Smoothing an exponential changes it by less than the third digit.
    (left,) = [row for row in found["middle"][1] if row[0] == "left arm"]
    assert float(left[1]) == pytest.approx(2.718281828 ** (-step / 300), rel=0.01)
    assert left[2] == f"{left[1]} to {left[1]}"
    assert [row[0] for row in found["start"][1]] == ["SGD", "left arm"]


def test_arms_are_hidden_and_shown_again(page: Path, tmp_path: Path) -> None:
    script = """
        const [first] = chart.querySelectorAll(".arm input");
        const counts = [[paths("median").length, paths("band").length, rows().length]];
        for (let times = 0; times < 2; times++) {
          first.click();
          counts.push([paths("median").length, paths("band").length, rows().length]);
        }
        return counts;
    """
    found = chromium.seen(page, tmp_path, CLOSER + script)
    assert found == [[2, 2, 2], [1, 1, 1], [2, 2, 2]]


def test_single_runs_are_thin_lines_and_say_their_seed(page: Path, tmp_path: Path) -> None:
    script = """
        const none = paths("member").length;
        chart.querySelector(".members input").click();
        const members = paths("member");
        point("pointermove", 0, 0);
        const near = chart.querySelector(".near").textContent;
        const ends = members.map((path) => path.getBBox().width);
        const width = (path) => parseFloat(getComputedStyle(path).strokeWidth);
        return { none, count: members.length, near, ends,
                 thin: width(members[0]) < width(paths("median")[0]) };
    """
    found = chromium.seen(page, tmp_path, CLOSER + script)
    assert (found["none"], found["count"], found["thin"]) == (0, 14, True)
    assert re.fullmatch(r"Nearest run: SGD, seed 6: 4\\.\d\d", found["near"].replace(".", "\\.", 1))
    assert found["ends"][1] == pytest.approx(found["ends"][0] / 2, rel=0.05)  # it diverged


def test_zoom_logarithm_and_keys(page: Path, tmp_path: Path) -> None:
    script = """
        const ticks = () => all(".ticks text").map((text) => text.textContent);
        const [zoom, whole] = chart.querySelectorAll("button");
        const slider = chart.querySelector("[type=range]");
        const span = () => Number(slider.max) - Number(slider.min);
        const linear = ticks();
        slider.value = 150;
        slider.dispatchEvent(new Event("input"));
        const moved = [at(), slider.getAttribute("aria-valuetext")];
        const before = span();
        zoom.click();
        const zoomed = [span(), at()];
        whole.click();
        const after = span();
        chart.querySelector(".log input").click();
        const log = ticks();
        const focusable = all("input, button").every((one) => one.tabIndex === 0);
        return { linear, moved, before, zoomed, after, log, focusable };
    """
    found = chromium.seen(page, tmp_path, CLOSER + script)
    assert found["moved"][0] == f"At {found['moved'][1]}"
    assert found["moved"][1].startswith("step 35")
    assert found["zoomed"][0] == pytest.approx(found["before"] / 2, abs=2)
    assert found["zoomed"][1] == found["moved"][0]
    assert found["after"] == found["before"]
    assert found["linear"] != found["log"]
    assert found["focusable"]


def test_values_far_apart_are_seen_on_a_logarithmic_scale(tmp_path: Path) -> None:
    content = pages.content(pages.example())
    steps = range(40)
    content["series"]["train_loss"] = {
        "axis": "layer",
        "axis_values": [*steps],
        "values": [[2.5 * 10.0**-step for step in steps] for _ in content["members"]],
    }
    page = build(pages.put(tmp_path, content))
    script = """
        point("pointermove", 30 / 39, 40);
        return [chart.querySelector(".log input").checked, at(), rows()[0]];
    """
    found = chromium.seen(page, tmp_path, CLOSER + script)
    assert found == [True, "At layer 30", ["SGD", "2.5e−30", "2.5e−30 to 2.5e−30"]]


def test_a_chart_has_the_size_of_a_phone_and_names_for_readers(page: Path, tmp_path: Path) -> None:
    # The browser tells observers of sizes when it draws a frame, and in a test it may draw none.
    observers = """
        const told = [];
        window.ResizeObserver = class {
          constructor(answer) { told.push(answer); }
          observe() {}
        };
    """
    script = """
        const width = () => plot.firstChild.getBoundingClientRect().width;
        const before = width();
        document.documentElement.style.width = "390px";
        for (const answer of told) answer();
        const svg = plot.firstChild;
        return {
          before,
          width: width(),
          role: svg.getAttribute("role"),
          label: svg.getAttribute("aria-label"),
          fields: all("fieldset").map((one) => one.innerText.split("\\n")[0]),
          inputs: all("input").every(
              (one) => one.labels?.length || one.getAttribute("aria-label")),
          live: chart.querySelector("table").getAttribute("aria-live"),
        };
    """
    found = chromium.seen(page, tmp_path, observers + CLOSER + script)
    assert 260 <= found["width"] <= 390 < found["before"]
    assert (found["role"], found["live"], found["inputs"]) == ("img", "polite", True)
    assert found["label"].startswith("train loss by step")
    assert found["fields"] == ["View", "Arms"]


def test_without_scripts_the_page_is_whole(page: Path) -> None:
    """What the file holds is what a reader without scripts has: no dead control, every picture."""
    text = page.read_text(encoding="utf-8")
    parsed = pages.Page(text)
    closers = [a for a in parsed.all("details") if a.get("class") == "closer"]
    assert closers == [{"class": "closer", "hidden": None}]
    for tag in ("button", "input", "select"):
        assert parsed.all(tag) == []
    assert len(parsed.all("img")) == 2


def test_paper_is_light_and_holds_everything(page: Path, tmp_path: Path) -> None:
    script = """
        dispatchEvent(new Event("beforeprint"));
        const state = () => [...document.querySelectorAll("details")].map((one) => one.open);
        const printed = state();
        dispatchEvent(new Event("afterprint"));
        return [printed, state()];
    """
    found: Any = chromium.seen(page, tmp_path, script)
    assert found == [
        [False, True, True],
        [False, False, False],
    ]  # the chart stays: its picture is there
