"""Words for a page: visible and short."""

from __future__ import annotations

import pytest

from trainlab.pages import words


@pytest.mark.parametrize("code", [0x202E, 0x2066, 0x200F, 0xFEFF, 0xD800, 0x2028])
def test_what_has_no_picture_is_spelt_out(code: int) -> None:
    assert words.visible(f"a{chr(code)}b") == f"a\\u{code:04x}b"
    assert words.visible("\x1b[2J\t!") == "\\x1b[2J !"


def test_letters_of_all_scripts_stay_as_they_are() -> None:
    for text in ("Größe η₂ → ∞", "深度学习", "שלום", "می‌خواهم", "👩‍🔬"):
        assert words.visible(text) == text


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    assert words.visible("x" * 1_000_000) == "x" * (words.SENTENCE - 1) + "…"
    assert words.name("x" * words.NAME) == "x" * words.NAME
    assert len(words.name("x" * (words.NAME + 1))) == words.NAME
