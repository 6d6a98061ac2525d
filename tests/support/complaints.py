"""What every complaint of trainlab looks like."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from trainlab.errors import TrainlabError

FORM = re.compile(r"(?s)^.+ of .+ must .+; got .+$")


def complains(call: Callable[[], Any], error: type[TrainlabError], starts: str = "") -> None:
    """The call raises exactly this error, in the documented form.

    *what* of *whom* must be *what*; got *value*[; try *remedy*].
    """
    with pytest.raises(TrainlabError) as caught:
        call()
    text = str(caught.value)
    assert type(caught.value) is error, f"{type(caught.value).__name__}: {text}"
    assert FORM.match(text), text
    assert text.startswith(starts), text
