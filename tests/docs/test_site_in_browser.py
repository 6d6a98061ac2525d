"""The site that `make site` has left, in a browser without a server: search, widths, axe-core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import sync_playwright  # where it is

from chromium import browser as path_of_browser
from documents import ROOT

SITE: Final = ROOT / "site"
PAGES: Final = (
    *("index", "start", "learn/optimizers", "tables", "use", "conventions", "performance"),
    *("derivations/layers", "experiments/index", "experiments/batch-norm", "examples/index"),
    *("examples/schedules", "reference/commands", "reference/names/trainlab.MLPClassifier"),
    *("native-engine", "search"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not (SITE / "index.html").is_file():
        pytest.skip("there is no site: `make site`")
    with sync_playwright() as tools:
        found = tools.chromium.launch(executable_path=path_of_browser(), args=["--no-sandbox"])
        yield found
        found.close()


def visit(browser: Any, width: int, scheme: str = "light") -> tuple[Any, list[str]]:
    """A tab, and what goes wrong in it: errors of scripts, and whatever is not a file."""
    tab = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    ).new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("requestfailed", lambda request: faults.append(request.url))
    tab.on("request", lambda r: None if r.url.startswith("file:") else faults.append(r.url))
    return tab, faults


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("batch normalization", "learn/batch-normalization.html"),
        ("gradient_check", "reference/names/trainlab.gradient_check.html"),
        ("rows put aside", "tables.html"),
    ],
)
def test_the_search_works_from_the_file_system(browser: Any, words: str, page: str) -> None:
    tab, faults = visit(browser, 1280)
    tab.goto((SITE / "index.html").as_uri())
    tab.keyboard.press("Control+k")
    tab.locator("#pst-search-dialog input").fill(words)
    tab.keyboard.press("Enter")
    tab.locator("#search-results a").first.wait_for()
    tab.locator(".search-summary").filter(has_text="found").wait_for()
    found = tab.locator("#search-results a").evaluate_all("all => all.map(one => one.href)")
    assert (SITE / page).as_uri() in {link.partition("#")[0].partition("?")[0] for link in found}
    assert faults == []
    tab.context.close()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_nothing_is_too_wide_and_axe_finds_no_fault(browser: Any, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core")
    tab, faults = visit(browser, width, scheme)
    looked_at, _ = visit(browser, width, scheme)  # axe-core asks for files, which are refused
    for name in PAGES:
        tab.goto((SITE / f"{name}.html").as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") == width, name
        looked_at.goto((SITE / f"{name}.html").as_uri())
        found = axe.Axe().run(looked_at).response
        assert found["passes"]
        told = [(one["id"], one["nodes"][0]["html"][:120]) for one in found["violations"]]
        assert told == [], name
    assert faults == []
    tab.context.close()
    looked_at.context.close()


def test_formulas_are_drawn(browser: Any) -> None:
    tab, faults = visit(browser, 1280)
    tab.goto((SITE / "learn" / "weight-decay.html").as_uri())
    tab.locator("mjx-container svg").first.wait_for()
    assert tab.locator(".math:not(:has(mjx-container))").count() == 0
    assert faults == []
    tab.context.close()
