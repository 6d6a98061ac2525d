"""What is opened, and what is said, with browsers and without."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trainlab.live import browser


@pytest.mark.skipif(sys.platform != "linux", reason="xdg-open is of Linux")
@pytest.mark.parametrize(
    ("does", "is_open"),
    [
        ("exit 0", True),
        ("exec sleep 1", True),  # the browser stays in the command
        ("echo 'www-browser: not found' >&2; echo none; exit 3", False),
    ],
)
def test_what_a_desktop_says_stays_off_the_terminal(
    does: str,
    is_open: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    opener, asked = tmp_path / "xdg-open", tmp_path / "asked"
    opener.write_text(f'#!/bin/sh\necho "$1" > {asked}\n{does}\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(browser, "PATIENCE", 0.5)
    address = "http://127.0.0.1:1/?token=a&b"
    assert browser.show(address) is is_open
    assert asked.read_text() == f"{address}\n"
    assert capfd.readouterr() == ("", "")


def test_without_a_desktop_python_looks_for_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("webbrowser.open", opened.append)
    browser.show("http://127.0.0.1:1/")
    assert opened == ["http://127.0.0.1:1/"]
