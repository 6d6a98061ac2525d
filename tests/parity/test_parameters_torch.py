"""Parameters to PyTorch and back, by the lines that docs/model-files.md shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from documents import blocks

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: it is needed for parity tests only"
)
pytestmark = pytest.mark.parity

PAGE = Path(__file__).parents[2] / "docs" / "model-files.md"
# Sums of 64 products in float32, in another order: 64 roundings of 6e-8, of terms up to 3.
TOLERANCE = 64 * 6e-8 * 3


def test_the_page_says_how() -> None:
    """What PyTorch computes of them is what the network says, and they come back to the bit."""
    data = tl.load_digits()
    network = tl.Network(tl.MLP(hidden=(30,)), seed=3)
    network.fit(data, epochs=1)
    (block,) = (one for one in blocks(PAGE.read_text(encoding="utf-8"), "py"))
    names: dict[str, Any] = {"network": network, "tl": tl}
    exec(block.text, names)  # noqa: S102  # the page's own
    with torch.no_grad():
        logits = names["model"](torch.from_numpy(np.asarray(data.test.x, np.float32)))
        theirs = torch.softmax(logits, dim=1).numpy()
    ours = network.predict_proba(data.test.x)
    np.testing.assert_allclose(theirs, ours, atol=TOLERANCE)
    again = names["again"].predict_proba(data.test.x)
    assert np.array_equal(again, ours)
