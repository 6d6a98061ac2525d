"""The page: one file, offline, escaped, for both themes, and honest about what is missing."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from trainlab.experiments import Options, find, run
from trainlab.report import build

NAMES = ["derivative", "tiny-network", "optimizer-paths"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results")
    run(find(NAMES), out, Options(seeds=6))
    build(out)
    return out


class Page(HTMLParser):
    """Collects tags with their attributes, and checks that elements are closed in order."""

    VOID = ("meta", "img", "source", "link", "br", "hr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def page(folder: Path) -> tuple[str, Page]:
    text = (folder / "index.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_the_page_is_one_offline_file(folder: Path) -> None:
    text, parsed = page(folder)
    for tag in ("script", "link", "iframe"):
        assert parsed.all(tag) == []
    for attributes in parsed.all("img") + parsed.all("source"):
        source = attributes.get("src") or attributes.get("srcset") or ""
        assert source.startswith("data:image/svg+xml;base64,")
    without_images = re.sub(r'"data:[^"]*"', "", text)
    assert "://" not in without_images
    assert "@import" not in without_images
    for attributes in parsed.all("a"):
        target = attributes["href"] or ""
        assert target.startswith("#") or (folder / target).is_file()


def test_the_page_serves_both_themes_and_phones(folder: Path) -> None:
    text, parsed = page(folder)
    medias = [attributes["media"] or "" for attributes in parsed.all("source")]
    assert len(medias) == 3 * len(NAMES)
    assert any("dark" in media and "max-width" in media for media in medias)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "@media (prefers-color-scheme: dark)" in text


def test_every_experiment_has_its_verdict_figure_and_numbers(folder: Path) -> None:
    text, parsed = page(folder)
    ids = [a["id"] for a in parsed.all("section") if "id" in a]
    assert ids == NAMES
    assert len(parsed.all("img")) == len(NAMES)
    assert all((a["alt"] or "").strip() for a in parsed.all("img"))
    assert text.count("✓ yes") == 13  # 2 slopes, 3 values of functions, 8 coordinates
    assert text.count("as expected") >= 2 * len(NAMES)
    assert "1 arm × 6 seeds" in text


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1])
def test_text_can_be_read_in_both_themes(folder: Path, theme: int) -> None:
    text, _ = page(folder)
    block = re.findall(r":root \{(.*?)\}", text, re.DOTALL)[theme]
    colors = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
    paper = luminance(colors["paper"])
    for name in ("ink", "soft", "link", "good", "bad", "open"):
        dark, light = sorted((paper, luminance(colors[name])))
        # WCAG 2.2, level AA, for text of normal size.
        assert (light + 0.05) / (dark + 0.05) >= 4.5, name


def test_rebuilding_gives_the_same_page(folder: Path) -> None:
    before = (folder / "index.html").read_bytes()
    assert build(folder) == folder / "index.html"
    assert (folder / "index.html").read_bytes() == before


def test_a_quick_run_of_few_seeds_says_so(tmp_path: Path) -> None:
    run(find(["derivative", "weight-init-comparison"]), tmp_path, Options(seeds=2, quick=True))
    build(tmp_path)
    text, _ = page(tmp_path)
    assert "Quick run: fewer steps and seeds" in text
    assert "2 seeds are too few for intervals" in text
    assert text.count("too few runs") == 6  # three medians and three pairs
    assert "init Std(std 0.01)" in text
    assert "3 arms × 2 seeds" in text
    assert "digits (1,437 train, 360 test)" in text


def test_text_from_files_is_escaped(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "derivative").mkdir()
    for path in (folder / "derivative").iterdir():
        content = path.read_bytes()
        if path.name == "results.json":
            data = json.loads(content)
            data["verdict"]["line"] = "<script>alert(1)</script>"
            data["verdict"]["outcome"] = '"><img src=x>'
            content = json.dumps(data).encode()
        (tmp_path / "derivative" / path.name).write_bytes(content)
    build(tmp_path)
    _, parsed = page(tmp_path)
    assert parsed.all("script") == []
    assert len(parsed.all("img")) == 1


def test_what_cannot_be_read_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "derivative").mkdir()
    (tmp_path / "derivative" / "results.json").write_text("{")
    (tmp_path / "unknown").mkdir()
    build(tmp_path)
    text, parsed = page(tmp_path)
    assert "Not shown: content of" in text
    assert parsed.all("img") == []


def test_an_empty_folder_has_a_page_too(tmp_path: Path) -> None:
    build(tmp_path)
    assert "no results here yet" in page(tmp_path)[0]
