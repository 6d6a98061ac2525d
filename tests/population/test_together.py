"""Several populations that share the workers: each is as if it had been trained alone."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from complaints import complains
from counter import Counter
from fingerprint import fingerprint
from mixed import BATCH, mixed, overlapping
from trainlab.errors import SettingError
from trainlab.population.fit import Fit, fit_together
from trainlab.population.settings import FitSettings, RunSettings
from trainlab.store import listed

WORKERS = [("threads", 1), ("threads", 3), (None, None)]


def numbers() -> tl.Dataset:
    """Another task, of other widths."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(37, 5)).astype(np.float32)
    return tl.from_arrays(x, x[:, :2] ** 2)


def fits() -> list[Fit]:
    """Populations that differ in data, task, dtype, batches, length, and what is looked at."""
    data = overlapping()
    regression = tl.Population.grid(
        tl.MLP(hidden=(4,), loss="mean_squared_error"), tl.Adam(0.01), seed=range(3)
    )
    patience = tl.EarlyStopping("validation_loss", patience=1)
    return [
        of(mixed(), data, batch_size=BATCH, epochs=2, keep="state", run="first"),
        of(
            regression,
            numbers(),
            batch_size=7,
            steps=11,
            dtype="float64",
            evaluate=3,
            run="second",
        ),
        of(mixed(), data, batch_size=20, epochs=3, early_stopping=patience, run="third"),
        of(tl.Population.grid(lr=[0.1, 1e38]), data, epochs=1, evaluate=None, run="fourth"),
    ]


def of(population: tl.Population, data: tl.Dataset, **settings: Any) -> Fit:
    return Fit(population, data, FitSettings(**settings))


def prints(population: tl.Population, history: tl.History) -> list[str]:
    """Those of all members."""
    return [fingerprint(population, history, row) for row in range(len(population))]


def alone(fit: Fit) -> list[str]:
    """What is left of a population that is trained by itself."""
    own = {one.name: getattr(fit.settings, one.name) for one in dataclasses.fields(FitSettings)}
    population = tl.Population(fit.members)
    return prints(population, population.fit(fit.data, **own | {"workers": 1}))


@pytest.fixture(scope="module")
def expected() -> list[list[str]]:
    return [alone(fit) for fit in fits()]


def together(**where: Any) -> list[list[str]]:
    given = fits()
    found = []
    for fit, fitted in zip(given, fit_together(given, RunSettings(**where)), strict=True):
        population = tl.Population(fit.members)
        found.append(prints(population, population._adopt(fitted)))
    return found


@pytest.mark.parametrize(("backend", "workers"), WORKERS)
def test_each_has_the_bits_that_it_has_alone(
    backend: str | None, workers: int | None, expected: list[list[str]]
) -> None:
    assert together(backend=backend, workers=workers) == expected


def test_progress_is_of_all_of_them() -> None:
    counter, given = Counter(), fits()
    fit_together(given, RunSettings(workers=2, progress=counter))
    members = sum(len(fit.members) for fit in given)
    assert counter.totals[0] == counter.members == members
    assert counter.totals[1] == counter.steps > 0


class PowerCut(Counter):
    """Ends everything after a third of the members."""

    def advance(self, members: int, steps: int) -> None:
        super().advance(members, steps)
        if 3 * self.members > self.totals[0]:
            raise OSError("no power")


def test_a_cut_costs_what_was_under_way(
    expected: list[list[str]], tmp_path: Path, small_chunks: None, steps: list[int]
) -> None:
    with pytest.raises(OSError, match="no power"):
        together(workers=1, backend="threads", store=tmp_path, progress=PowerCut())
    before, steps[0] = steps[0], 0
    assert together(workers=2, backend="threads", store=tmp_path) == expected
    again, steps[0] = steps[0], 0
    assert 0 < again < before + again
    assert {about.key for about in listed(tmp_path)} == {fit.settings.run for fit in fits()}
    assert together(workers=1, store=tmp_path) == expected
    assert steps[0] == 0


def test_each_needs_a_name_of_its_own_in_a_store(tmp_path: Path) -> None:
    twice = [of(tl.Population.grid(), overlapping()) for _ in range(2)]
    complains(
        lambda: fit_together(twice, RunSettings(store=tmp_path)),
        SettingError,
        "run of fit_together must be another for each fit; got ['fit', 'fit']",
    )
    assert not list(tmp_path.iterdir())


def test_nothing_is_trained_where_one_of_them_is_refused() -> None:
    given = [*fits(), of(tl.Population.grid(), overlapping(), on=["validation", "none"])]
    shared = RunSettings(progress=(counter := Counter()))
    complains(lambda: fit_together(given, shared), SettingError, "on of fit must be among")
    assert counter.steps == 0


def test_none_is_nothing() -> None:
    assert fit_together([], RunSettings()) == []


def same(one: Any, other: Any) -> bool:
    return bool(one.params.tobytes() == other.params.tobytes())


def test_what_has_not_ended_by_then_is_ended(recwarn: pytest.WarningsRecorder) -> None:
    usual = fit_together(fits(), RunSettings())
    again = fit_together(fits(), RunSettings(), time.monotonic() + 1e6)
    for one, other in zip(usual, again, strict=True):
        assert not other.history.interrupted
        assert [s.params.tobytes() for s in one.states] == [
            s.params.tobytes() for s in other.states
        ]
    over = fit_together(fits(), RunSettings(), time.monotonic())
    assert all(status.step == 0 for one in over for status in one.history.status)
    assert all(one.history.interrupted for one in over)
    endless = fits()[0]._replace(
        settings=FitSettings(batch_size=BATCH, epochs=10**6, keep="state", evaluate=None)
    )
    (cut,) = fit_together([endless], RunSettings(), time.monotonic() + 0.2)
    assert cut.history.interrupted
    assert not [one for one in recwarn if "interrupted" in str(one.message)]
