"""One training of a chunk of members, from its first step or from a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from trainlab.store import Run
from trainlab.training import pace


class PowerCutError(Exception):
    """The process ends here."""


def test_a_trainer_that_goes_on_has_the_schedule_of_the_whole_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tl.from_arrays(np.arange(20.0).reshape(10, 2) / 10, np.arange(10) % 2)

    def trained(store: Path | None) -> Any:
        network = tl.Network(tl.MLP((3,)), tl.SGD(0.1, schedule="cosine"), seed=1)
        network.fit(data, epochs=4, batch_size=5, store=store, workers=1)
        return network.population.states[0]

    def cut(run: Run, *parts: Any) -> None:
        save(run, *parts)
        raise PowerCutError

    monkeypatch.setattr(pace, "FIRST", 0.0)  # a checkpoint at every epoch
    monkeypatch.setattr(pace, "SHARE", np.inf)
    save = Run.save
    with monkeypatch.context() as patch:
        patch.setattr(Run, "save", cut)
        with pytest.raises(PowerCutError):
            trained(tmp_path)
    whole, found = trained(None), trained(tmp_path)
    assert found.updates == whole.updates == 8
    assert np.array_equal(found.params, whole.params)
