"""The limits of a file of a model."""

from __future__ import annotations

from pathlib import Path

import pytest

import trainlab as tl
from complaints import complains
from trainlab.errors import ModelFileError
from trainlab.models import container


def test_limits() -> None:
    """docs/model-files.md names the first; the second must be what older versions read."""
    assert container.MAX_BYTES == 4 * 2**30
    assert container.MAX_HEADER == 32 * 2**20


def test_settings_that_could_not_be_read_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    population = tl.Population.grid()
    population.fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    monkeypatch.setattr(container, "MAX_HEADER", 100)
    text = "settings of a model must be at most 100 bytes of JSON"
    complains(lambda: tl.save(population, tmp_path / "model"), ModelFileError, text)
    assert not (tmp_path / "model").exists()


def test_settings_of_the_greatest_length_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    population = tl.Population.grid()
    population.fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    path = tmp_path / "model"
    tl.save(population, path)
    monkeypatch.setattr(container, "MAX_HEADER", int.from_bytes(path.read_bytes()[:8], "little"))
    tl.save(population, path)
    assert len(tl.load(path)) == 1
