"""Names of earlier versions go on working: in Python with a warning, in files without."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import trainlab as tl
from complaints import complains
from trainlab.cli import main
from trainlab.errors import SettingError
from trainlab.members import describe
from trainlab.search.persistence import plain
from trainlab.store import Store

BATCH, LAYER = tl.BatchNorm(eps=1e-3), tl.LayerNorm(eps=1e-3)
X = np.random.default_rng(3).standard_normal((12, 4))
Y = np.arange(12) % 3


@contextmanager
def warned(of: str) -> Iterator[None]:
    """The block warns, as its own line, that something of that owner has another name."""
    with pytest.warns(DeprecationWarning, match=rf"{of}.* is deprecated; use ") as caught:
        yield
    assert {Path(one.filename).name for one in caught} == {Path(__file__).name}


@pytest.mark.parametrize(
    ("old", "norm"),
    [
        ({"batch_norm": True}, "batch"),
        ({"batch_norm": np.True_}, "batch"),
        ({"layer_norm": True}, "layer"),
        ({"batch_norm": BATCH}, BATCH),
        ({"layer_norm": LAYER}, LAYER),
        ({"batch_norm": False}, None),
        ({"batch_norm": False, "layer_norm": True}, "layer"),
        ({"norm": "batch", "batch_norm": True}, "batch"),
        ({"norm": LAYER, "batch_norm": False, "layer_norm": LAYER}, LAYER),
        ({"batch_norm": True, "convention": "book"}, tl.BatchNorm.book()),
    ],
)
def test_fields_of_a_network(old: dict[str, Any], norm: Any) -> None:
    rest = {name: value for name, value in old.items() if name == "convention"}
    with warned("_norm of MLP"):
        found = tl.MLP((5,), **old)
    assert found == tl.MLP((5,), norm=norm, **rest)


@pytest.mark.parametrize(
    ("base", "old", "norm"),
    [
        (None, {"batch_norm": True}, "batch"),
        ("batch", {"batch_norm": False}, None),
        ("layer", {"batch_norm": False}, "layer"),
        (BATCH, {"batch_norm": True}, "batch"),
        ("batch", {"batch_norm": False, "layer_norm": LAYER}, LAYER),
    ],
)
def test_fields_of_a_member_that_is_changed(base: Any, old: dict[str, Any], norm: Any) -> None:
    with warned("_norm of MLP"):
        found = tl.Member(tl.MLP(norm=base)).replace(**old)
    assert found == tl.Member(tl.MLP(norm=norm))


def test_axes_of_a_population() -> None:
    with warned("batch_norm of MLP"):
        old = tl.Population.grid(batch_norm=[False, BATCH], seed=range(2))
    assert list(old) == list(tl.Population.grid(norm=[None, BATCH], seed=range(2)))
    with warned(r"MLP\.batch_norm"):
        assert [member.get("batch_norm") for member in old] == [False, False, BATCH, BATCH]
    with warned(r"MLP\.layer_norm"):
        assert old[0].network.layer_norm is False


@pytest.mark.parametrize("kind", [tl.MLPClassifier, tl.MLPRegressor])
def test_parameters_of_the_estimators(kind: Callable[..., Any]) -> None:
    settings = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0, "tol": 0.0}
    with warned(f"batch_norm of {kind.__name__}"), pytest.warns(ConvergenceWarning):
        old = clone(kind(**settings)).set_params(batch_norm=True).fit(X, Y)
    with pytest.warns(ConvergenceWarning):
        new = kind(norm="batch", **settings).fit(X, Y)
    assert old.predict(X).tobytes() == new.predict(X).tobytes()


@pytest.mark.parametrize(
    ("make", "starts"),
    [
        (lambda: tl.MLP(batch_norm=True, layer_norm=True), "layer_norm of MLP"),
        (lambda: tl.MLP(norm="layer", batch_norm=True), "batch_norm of MLP"),
        (lambda: tl.MLP(norm=LAYER, batch_norm=BATCH), "batch_norm of MLP"),
        (lambda: tl.MLP(norm="batch", batch_norm=False), "batch_norm of MLP must agree with norm"),
        (lambda: tl.MLP(norm=BATCH, batch_norm=True), "batch_norm of MLP must agree with norm"),
        (lambda: tl.MLP(norm="batch", batch_norm=BATCH), "batch_norm of MLP must agree with norm"),
        (lambda: tl.MLP(batch_norm=False, norm=LAYER, layer_norm=False), "layer_norm of MLP"),
        (lambda: tl.MLP(batch_norm=LAYER), "batch_norm of MLP"),
        (lambda: tl.MLP(layer_norm=1), "layer_norm of MLP"),
        (lambda: tl.MLP(layer_norm=None), "layer_norm of MLP"),
        (lambda: tl.MLPClassifier(batch_norm="no").fit(X, Y), "batch_norm of MLPClassifier"),
        (
            lambda: tl.MLPClassifier(norm="batch", batch_norm=False).fit(X, Y),
            "batch_norm of MLPClassifier must agree with norm",
        ),
    ],
)
def test_what_they_may_not_be(make: Callable[[], Any], starts: str) -> None:
    with pytest.warns(DeprecationWarning, match="is deprecated"):
        complains(make, SettingError, starts)


OLD = {"batch_norm": False, "layer_norm": False}


@pytest.mark.parametrize(
    ("old", "norm"),
    [
        ({}, None),
        ({"batch_norm": describe(BATCH)}, BATCH),
        ({"layer_norm": describe(LAYER)}, LAYER),
    ],
)
def test_a_store_of_an_earlier_version_is_gone_on_with(
    old: dict[str, Any], norm: Any, tmp_path: Path
) -> None:
    members = [tl.Member(tl.MLP(norm=norm)).describe()]
    earlier = [{**members[0], "network": {**members[0]["network"], **OLD, **old}}]
    del earlier[0]["network"]["norm"]
    with Store(tmp_path) as store:
        store.run("run", {"members": earlier}, total=2).save({("part", 0): b"kept"})
        store.run("search", {"estimator": {"kind": "MLPClassifier", **OLD, **old}}, total=2)
    with Store(tmp_path) as store:
        assert store.run("run", {"members": members}, total=2).load("part") == {0: b"kept"}
        own = {"kind": "MLPClassifier", "norm": None if norm is None else describe(norm)}
        store.run("search", {"estimator": own}, total=2)
        complains(lambda: store.run("run", {"members": members}, total=3), SettingError)


def test_a_store_says_the_same_of_old_and_new_names() -> None:
    new = plain(tl.MLPClassifier(norm="batch"))
    assert plain(tl.MLPClassifier(batch_norm=True)) == new
    assert not {"batch_norm", "layer_norm"} & set(new)


def test_options_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "--hidden", "4", "--inputs", "3", "--outputs", "2"]
    found = []
    for norm in (["--norm", "batch"], ["--batch-norm"], ["--layer-norm"], []):
        with pytest.raises(SystemExit) as ended:
            main([*words, *norm])
        assert not ended.value.code
        found.append(capsys.readouterr())
    assert found[0].out == found[1].out != found[3].out != found[2].out
    assert not any(one.err for one in found)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("search", "ensembles.estimators", "PopulationEnsembleClassifier"),
        ("search", "ensembles.estimators", "PopulationEnsembleRegressor"),
        ("search.tables", "tables.problem", "problem"),
    ],
)
def test_modules_that_have_moved(old: str, new: str, name: str) -> None:
    before = importlib.import_module(f"trainlab.{old}")
    with warned(rf"trainlab\.{old}\.{name}"):
        found = getattr(before, name)
    assert found is getattr(importlib.import_module(f"trainlab.{new}"), name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        before.nothing  # noqa: B018  # to ask is to fail


def test_processes_are_threads(tmp_path: Path) -> None:
    """In Python and as a word of the command line, which does not list it."""
    data = tl.load_digits()
    usual = tl.Network().fit(data, steps=2, backend="threads")
    with pytest.warns(DeprecationWarning, match="backend='processes' is deprecated; use backend="):
        found = tl.Network().fit(data, steps=2, backend="processes")
    assert np.array_equal(found["train_loss"], usual["train_loss"])
    words = ["run", "derivative", "--quick", "--out", str(tmp_path), "--backend", "processes"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert CliRunner().invoke(main, words).exit_code == 0
    assert "processes" not in CliRunner().invoke(main, ["run", "--help"]).output
