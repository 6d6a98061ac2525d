"""Results as bytes."""

from __future__ import annotations

import math

import pytest

from trainlab.store.coding import canonical, decode


def test_equal_values_have_one_text_which_is_ascii() -> None:
    assert canonical({"b": "ü", "a": [1, 2]}) == canonical({"a": [1, 2], "b": "ü"})
    assert canonical({"b": "ü", "a": [1, 2]}) == '{"a":[1,2],"b":"\\u00fc"}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(math.nan)


def test_a_header_longer_than_the_content_is_said_to_be() -> None:
    with pytest.raises(ValueError, match="the header is longer than the content"):
        decode(b"\x09" + bytes(11))
