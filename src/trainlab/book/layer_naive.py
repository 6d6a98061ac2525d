"""What readers of the book import from `layer_naive`, of its chapter 5: the graph of apples."""

from __future__ import annotations

from typing import Any

from trainlab.book.order import after_forward

__all__ = ["AddLayer", "MulLayer"]


class MulLayer:
    """z = x·y;  dx = dz·y,  dy = dz·x.

    >>> layer = MulLayer()
    >>> layer.forward(100, 2), layer.backward(1.5)
    (200, (3.0, 150.0))
    """

    def __init__(self) -> None:
        self.x: Any = None
        self.y: Any = None

    def forward(self, x: Any, y: Any) -> Any:
        """z."""
        self.x, self.y = x, y
        return x * y

    def backward(self, dout: Any) -> tuple[Any, Any]:
        """(dx, dy)."""
        after_forward(self, self.x, "forward(x, y)")
        return dout * self.y, dout * self.x


class AddLayer:
    """z = x + y;  dx = dy = dz."""

    def forward(self, x: Any, y: Any) -> Any:
        """z."""
        return x + y

    def backward(self, dout: Any) -> tuple[Any, Any]:
        """(dx, dy)."""
        return dout * 1, dout * 1
