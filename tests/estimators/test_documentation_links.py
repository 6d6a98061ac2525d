"""The picture of an estimator links to its page, where the package names a site."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from importlib import metadata
from typing import Any

import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trainlab as tl
from trainlab.estimators.documentation import site

ESTIMATORS = (
    tl.MLPClassifier(),
    tl.MLPRegressor(),
    tl.PopulationEnsembleClassifier(),
    tl.PopulationEnsembleRegressor(),
    tl.PopulationSearchCV(tl.MLPClassifier(), {"alpha": [0.1]}),
)


@pytest.fixture(autouse=True)
def named() -> Iterator[None]:
    """What is known of the site is asked for anew, and forgotten afterwards."""
    site.cache_clear()
    yield
    site.cache_clear()


def says(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    """What the package's metadata say."""
    message = Message()
    for url in urls:
        message["Project-URL"] = url
    monkeypatch.setattr(metadata, "metadata", lambda name: message)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_the_link(estimator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "Homepage, https://other.test", "Documentation, https://pages.test/lab/")
    link = f"https://pages.test/lab/reference/names/trainlab.{type(estimator).__name__}.html"
    assert estimator._get_doc_link() == link
    assert f'href="{link}"' in estimator._repr_html_()
    line = make_pipeline(StandardScaler(), estimator)._repr_html_()
    assert f'href="{link}"' in line
    assert "scikit-learn.org" in line  # that of the others stays


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_without_a_site_there_is_none(estimator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "Homepage, https://other.test")
    assert estimator._get_doc_link() == ""
    monkeypatch.setattr(metadata, "metadata", absent)
    site.cache_clear()
    assert estimator._get_doc_link() == ""


def absent(name: str) -> Any:
    raise metadata.PackageNotFoundError(name)


def test_an_estimator_of_the_users_own_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(tl.MLPClassifier):
        pass

    says(monkeypatch, "Documentation, https://pages.test")
    assert Mine()._get_doc_link() == ""
