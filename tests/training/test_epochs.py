"""A line of the log for each epoch: what it says, when there is one, and that nothing changes."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest

import trainlab as tl
from documents import ROOT
from mixed import BATCH, overlapping
from trainlab.network.architecture import MLP

Lines = pytest.LogCaptureFixture


def fit(members: int, **settings: object) -> tl.History:
    population = tl.Population.grid(MLP((3,)), seed=range(members))
    given: dict[str, object] = {"batch_size": BATCH, "epochs": 3, **settings}
    return population.fit(overlapping(), **given)  # type: ignore[arg-type]


def test_nothing_is_said_unless_it_is_asked_for(caplog: Lines) -> None:
    fit(2)
    assert not caplog.records


def test_a_line_says_how_well_an_epoch_went(caplog: Lines) -> None:
    with caplog.at_level(logging.INFO, "trainlab"):
        history = fit(1)
    assert len(caplog.records) == 3
    steps = history.steps_per_epoch
    assert steps is not None
    for epoch, record in enumerate(caplog.records, 1):
        assert (record.name, record.levelname) == ("trainlab", "INFO")
        losses = history["train_loss"][0, (epoch - 1) * steps : epoch * steps]
        said = {"loss": losses.mean()}
        said |= {
            name.replace("_", " "): values.values[0, epoch]
            for name, values in history.series.items()
            if name != "train_loss"
        }
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in said.items())
        assert record.getMessage() == f"epoch {epoch} of 3: {numbers}"


def test_of_several_members_it_says_medians(caplog: Lines) -> None:
    with caplog.at_level(logging.INFO, "trainlab"):
        history = fit(3, evaluate=None, workers=1)
    steps = history.steps_per_epoch
    assert steps is not None
    last = np.median(history["train_loss"][:, -steps:].mean(axis=1))
    assert caplog.messages[-1] == f"epoch 3 of 3: 3 members, medians: loss {last:.4g}"
    caplog.clear()
    with caplog.at_level(logging.INFO, "trainlab"):
        fit(3, evaluate=None, backend="loky", workers=2)
    who = re.compile(r"epoch \d of 3: (2 of 3 members, medians|member \d): loss ")
    assert len(caplog.messages) == 6
    assert all(who.match(line) for line in caplog.messages)


def test_what_is_logged_changes_no_bit(caplog: Lines) -> None:
    plain = fit(3, evaluate=None)
    with caplog.at_level(logging.INFO, "trainlab"):
        logged = fit(3, evaluate=None)
    assert np.array_equal(plain["train_loss"], logged["train_loss"])


def test_the_page_shows_such_a_line(caplog: Lines) -> None:
    text = (ROOT / "docs" / "runs.md").read_text("utf-8")
    (shown,) = re.findall(r"epochs=2\)  # (epoch 1 of 2: .*), …$", text, re.MULTILINE)
    population = tl.Population.grid(tl.MLP(hidden=(50,)), lr=[0.1, 0.01], seed=range(5))
    assert "population = tl.Population.grid(tl.MLP(hidden=(50,)), lr=[0.1, 0.01]" in text
    with caplog.at_level(logging.INFO, "trainlab"):
        population.fit(tl.load_digits(), epochs=2)
    assert caplog.messages[0].startswith(shown)
