"""Several populations that share the workers: each is as if it had been trained alone."""

from __future__ import annotations

import dataclasses
import inspect
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
from trainlab.store import listed
from trainlab.training import backends
from trainlab.training.fitting import Fit, fit_together

WORKERS = [("threads", 1), ("threads", 3), (None, None)]
if backends.CAN_FORK:
    WORKERS.append(("processes", 2))


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
        Fit(mixed(), data, BATCH, epochs=2, keep="state", run="first"),
        Fit(regression, numbers(), 7, steps=11, dtype="float64", evaluate=3, run="second"),
        Fit(mixed(), data, 20, epochs=3, early_stopping=patience, run="third"),
        Fit(tl.Population.grid(lr=[0.1, 1e38]), data, epochs=1, evaluate=None, run="fourth"),
    ]


def prints(population: tl.Population, history: tl.History) -> list[str]:
    """Those of all members."""
    return [fingerprint(population, history, row) for row in range(len(population))]


def alone(fit: Fit) -> list[str]:
    """What is left of a population that is trained by itself."""
    own = {one.name: getattr(fit, one.name) for one in dataclasses.fields(fit)}
    population, data = own.pop("population"), own.pop("data")
    del own["engine"]
    return prints(population, population.fit(data, workers=1, **own))


@pytest.fixture(scope="module")
def expected() -> list[list[str]]:
    return [alone(fit) for fit in fits()]


def together(**where: Any) -> list[list[str]]:
    given = fits()
    histories = fit_together(given, **where)
    return [prints(fit.population, one) for fit, one in zip(given, histories, strict=True)]


@pytest.mark.parametrize(("backend", "workers"), WORKERS)
def test_each_has_the_bits_that_it_has_alone(
    backend: str | None, workers: int | None, expected: list[list[str]]
) -> None:
    assert together(backend=backend, workers=workers) == expected


def test_progress_is_of_all_of_them() -> None:
    counter, given = Counter(), fits()
    fit_together(given, workers=2, progress=counter)
    members = sum(len(fit.population) for fit in given)
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
    assert {about.key for about in listed(tmp_path)} == {fit.run for fit in fits()}
    assert together(workers=1, store=tmp_path) == expected
    assert steps[0] == 0


def test_each_needs_a_name_of_its_own_in_a_store(tmp_path: Path) -> None:
    twice = [Fit(tl.Population.grid(), overlapping()) for _ in range(2)]
    complains(
        lambda: fit_together(twice, store=tmp_path),
        SettingError,
        "run of fit_together must be another for each fit; got ['fit', 'fit']",
    )
    assert not list(tmp_path.iterdir())


def test_nothing_is_trained_where_one_of_them_is_refused() -> None:
    given = [*fits(), Fit(tl.Population.grid(), overlapping(), epochs=0)]
    counter = Counter()
    complains(lambda: fit_together(given, progress=counter), SettingError, "epochs of fit must be")
    assert counter.steps == 0


def test_none_is_nothing() -> None:
    assert fit_together([]) == []


def test_a_fit_has_the_defaults_of_the_method() -> None:
    method = inspect.signature(tl.Population.fit).parameters
    for field in dataclasses.fields(Fit):
        if field.name not in ("population", "data", "engine"):
            assert method[field.name].default == field.default, field.name
