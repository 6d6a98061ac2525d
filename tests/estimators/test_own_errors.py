"""What code of the user's own raises says whose it is, and costs nothing that was learnt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = np.arange(60.0).reshape(30, 2) % 7, np.arange(30.0)
STEPS: list[int] = []


@dataclass(frozen=True)
class Wanting(tl.MeanSquaredError):
    """Raises at once, or after some steps."""

    late: bool = False

    def entries(self, y: Any, t: Any, new: Any) -> Any:
        if self.late and y.shape[-2] == 30:  # a step, and no trial
            STEPS.append(1)
        if not self.late or len(STEPS) > 5:
            raise KeyError("colour")
        return super().entries(y, t, new)


@pytest.mark.parametrize("late", [False, True])
def test_a_loss_that_raises_is_named(late: bool) -> None:
    STEPS.clear()
    model = tl.MLPRegressor((3,), max_iter=9, warm_start=True, random_state=0).fit(X, Y)
    before = model.predict(X)
    model.set_params(loss=Wanting(late=late))
    with pytest.raises(KeyError, match="colour") as caught:
        model.fit(X, Y)
    (note,) = caught.value.__notes__
    assert note.startswith("raised in entries of Wanting, your own: ")
    assert Path(__file__).name in note
    assert model.predict(X).tobytes() == before.tobytes()


def test_a_scoring_that_raises_is_named() -> None:
    def wanting(*_: Any) -> float:
        raise KeyError("colour")

    network = tl.MLPRegressor((3,), max_iter=1, random_state=0)
    search = tl.PopulationSearchCV(
        network, {"alpha": [0.1]}, n_iter=1, cv=2, scoring=wanting, error_score="raise"
    )
    with pytest.raises(KeyError, match="colour") as caught:
        search.fit(X, Y)
    (note,) = caught.value.__notes__
    assert note.startswith("raised while scoring of PopulationSearchCV, wanting, judged; with a st")
