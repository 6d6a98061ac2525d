"""The page in a real browser: both themes, a phone's width, charts that answer, without scripts."""

from __future__ import annotations

import base64
import io
import re
import urllib.parse
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

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
    (narrow,) = re.findall(r'srcset="([^"]*)"', text)
    assert found[True]["sources"] == found[False]["sources"]  # each is drawn for both themes
    assert found[True]["sources"][1] in (narrow, re.findall(r' src="([^"]*)"', text)[1])


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


def test_of_many_arms_all_or_none_are_shown_at_once(tmp_path: Path) -> None:
    content = pages.content(pages.example(seeds=12))
    for number, member in enumerate(content["members"]):
        member |= {"arm": f"arm {number % 9}", "id": str(number), "seed": number // 9}
    page = build(pages.put(tmp_path, content))
    script = """
        const named = (name) => all("button").find((one) => one.textContent === name);
        const [all_arms, none] = [named("All arms"), named("None")];
        const counts = [rows().length];
        none.click();
        counts.push(rows().length);
        all(".arm input")[3].click();
        counts.push(rows().length);
        all_arms.click();
        counts.push(rows().length, all(".arm input").every((one) => one.checked));
        return counts;
    """
    assert chromium.seen(page, tmp_path, CLOSER + script) == [9, 0, 1, 9, True]


def test_single_runs_are_thin_lines_and_say_their_seed(page: Path, tmp_path: Path) -> None:
    script = """
        const none = paths("member").length;
        chart.querySelector(".members input").click();
        const members = paths("member");
        point("pointermove", 0, 0);
        const near = chart.querySelector(".near").textContent;
        const nearest = chart.querySelector(".plot path.nearest");
        const look = getComputedStyle(nearest), usual = getComputedStyle(paths("median")[0]);
        const keys = ["stroke", "strokeDasharray", "strokeWidth"];
        const differs = keys.map((key) => look[key] !== usual[key]);
        const ends = members.map((path) => path.getBBox().width);
        const width = (path) => parseFloat(getComputedStyle(path).strokeWidth);
        return { none, count: members.length, near, ends, differs,
                 thin: width(members[0]) < width(paths("median")[0]) };
    """
    found = chromium.seen(page, tmp_path, CLOSER + script)
    assert (found["none"], found["count"], found["thin"]) == (0, 14, True)
    assert re.fullmatch(r"Nearest run \(dashed\): SGD, seed 6: 4\.\d\d", found["near"])
    assert found["differs"] == [True, True, True]  # no median looks like it
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
    assert not isinstance(found, str), found
    assert found["moved"][0] == f"At {found['moved'][1]}"
    assert found["moved"][1].startswith("step 35")
    assert found["zoomed"][0] == pytest.approx(found["before"] / 2, abs=2)
    assert found["zoomed"][1] == found["moved"][0]
    assert found["after"] == found["before"]
    assert found["linear"] != found["log"]
    assert found["focusable"]


DRAG = """
    const slider = chart.querySelector("[type=range]");
    const span = () => [Number(slider.min), Number(slider.max)];
    const drag = (first, last) => {
      point("pointerdown", first, 40);
      point("pointermove", last, 40);
      const box = plot.querySelector(".dragged").getBBox().width;
      point("pointerup", last, 40);
      return box;
    };
"""


def test_a_range_that_is_dragged_over_is_zoomed_into(page: Path, tmp_path: Path) -> None:
    script = """
        const [, last] = span();
        const box = drag(0.75, 0.25);
        const zoomed = span();
        drag(0.5, 0.5);
        const clicked = span();
        const inside = chart.querySelector("caption").textContent;
        plot.firstChild.dispatchEvent(new MouseEvent("dblclick"));
        return { last, box, zoomed, clicked, inside, whole: span() };
    """
    found = chromium.seen(page, tmp_path, CLOSER + DRAG + script)
    assert found["box"] > 100
    assert found["zoomed"] == pytest.approx([found["last"] / 4, 3 * found["last"] / 4], abs=2)
    assert found["clicked"] == found["zoomed"]  # a click is no drag
    assert found["whole"] == [0, found["last"]]


def test_smoothing_is_a_moving_mean(tmp_path: Path) -> None:
    content = pages.content(pages.example())
    places = range(40)
    content["series"]["train_loss"] = {
        "axis": "layer",
        "axis_values": [*places],
        "values": [[1.0 + place % 2 for place in places] for _ in content["members"]],
    }
    page = build(pages.put(tmp_path, content))
    script = """
        const heights = () => new Set(paths("median")[0].getAttribute("d").match(/ [\\d.]+/g)).size;
        const read = () => rows()[0][1];
        const label = () => plot.firstChild.getAttribute("aria-label").split(" by")[0];
        const select = chart.querySelector("[aria-label=Smoothing]");
        point("pointermove", 20 / 39, 40);
        const before = [read(), heights(), label()];
        select.selectedIndex = 1;
        select.dispatchEvent(new Event("change"));
        return [...before, read(), select.options[1].text, label()];
    """
    found = chromium.seen(page, tmp_path, CLOSER + script)
    assert found[:3] == ["1.00", 2, "train loss"]
    assert found[3:] == ["1.40", "mean of 5 points", "train loss (smoothed)"]  # 1 2 1 2 1


def test_a_chart_is_saved_as_a_table_and_as_pictures(page: Path, tmp_path: Path) -> None:
    script = """
        const saved = [];
        HTMLAnchorElement.prototype.click = function () { saved.push([this.download, this.href]); };
        chart.querySelector(".members input").click();
        for (const one of all("button")) if (one.textContent.startsWith("Download")) one.click();
        for (let times = 0; times < 40 && saved.length < 3; times++) await wait();
        return saved;
    """
    found = dict(chromium.seen(page, tmp_path, CLOSER + script))
    table, picture, pixels = (f"{pages.NAME}-train-loss.{kind}" for kind in ("csv", "svg", "png"))
    assert set(found) == {table, picture, pixels}
    text = urllib.parse.unquote(found[table].partition(",")[2])
    head, *rows = text.splitlines()
    assert head == "series,arm,seed,step,value,low,high"
    first = {row.split(",")[2]: row.split(",") for row in rows if row.split(",")[3] == "0"}
    assert first["6"][:2] == ["train loss (smoothed)", "left arm"]
    assert float(first["6"][4]) == pytest.approx(1, rel=0.02)
    assert first["median"][4:] == [first["6"][4]] * 3  # all its runs are alike
    assert len(rows) == 2 * (1 + 7) * plots.DRAWN_POINTS
    svg = urllib.parse.unquote(found[picture].partition(",")[2])
    root = ET.fromstring(svg)  # noqa: S314 - the page's own
    texts = [one.text for one in root.iterfind(".//{*}text") if one.text]
    assert {"SGD", "left arm", "train loss (smoothed)"} <= set(texts)  # its legend is in it
    assert not [one for one in root.iter() if one.get("class")]
    assert found[pixels].startswith("data:image/png;base64,")
    image = Image.open(io.BytesIO(base64.b64decode(found[pixels].partition(",")[2])))
    assert image.width == 2 * float(root.get("width") or 0)
    colors = image.convert("RGB").getcolors(maxcolors=image.width * image.height)
    assert len(colors) > 20  # not an empty canvas


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
    assert found["label"].startswith("train loss (smoothed) by step")
    assert found["fields"] == ["View", "Arms", "Download"]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_fault(page: Path, dark: bool, width: int) -> None:
    tools = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core")
    path = chromium.browser()
    with tools.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        tab = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            bypass_csp=True,  # else axe-core may not run
        )
        tab.goto(page.as_uri())
        tab.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        tab.locator(".chart .plot svg").wait_for()
        found = axe.Axe().run(tab).response
        wide = tab.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert [
        (one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]
    ] == []
    assert found["passes"]
    assert wide == width


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
