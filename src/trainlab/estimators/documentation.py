"""Where scikit-learn's picture of an estimator, as notebooks show it, leads to."""

from __future__ import annotations

import functools
from importlib import metadata
from typing import Any, ClassVar, Final

_PAGE: Final = "reference/names/trainlab.{name}.html"
"""The page of a public name in the documentation."""


@functools.cache
def site() -> str:
    """The address of the documentation, as the package names it; "" where it names none."""
    try:
        named = metadata.metadata("trainlab").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:  # the source alone
        return ""
    addresses = dict(one.split(", ", 1) for one in named)
    return str(addresses.get("Documentation", ""))


class DocumentationLink:
    """The question mark in the picture of an estimator leads to its page, where there is a site."""

    _doc_link_module: ClassVar[str] = "trainlab"

    @property
    def _doc_link_template(self) -> str:
        return f"{site().rstrip('/')}/{_PAGE}" if site() else ""

    def _doc_link_url_param_generator(self, *_: Any) -> dict[str, str]:
        # Before 1.6 it is given the estimator once more.
        return {"name": type(self).__name__}
