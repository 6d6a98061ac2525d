"""Parts of the user's own, as docs/your-own.md writes them: trained, checked, saved, loaded."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import logging
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.base import clone

import trainlab as tl
from complaints import complains
from documents import ROOT, blocks
from trainlab import settings
from trainlab.models import records
from trainlab.models.records import RECORDS
from trainlab.network.activations import ACTIVATIONS
from trainlab.network.initializers import INITIALIZERS
from trainlab.network.losses import LOSSES
from trainlab.network.norms import NORMS
from trainlab.optimizers import OPTIMIZERS
from trainlab.own import code_of
from trainlab.population import parts as own_parts
from trainlab.settings import cast, number
from trainlab.training import checkpoints

(FILE,) = (
    block
    for block in blocks((ROOT / "docs" / "your-own.md").read_text("utf-8"), "python")
    if block.file
)
RNG = np.random.default_rng(2)
X, LABELS = RNG.normal(size=(60, 4)).astype("f4"), np.arange(60) % 3
DATA = tl.from_arrays(X, LABELS, test=(X[:20] + 0.1, LABELS[:20]))


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the page, as a file outside the package."""
    (tmp_path / FILE.file).write_text(FILE.text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for table, name in [(sys.modules, "parts"), *((RECORDS, name) for name in NAMES)]:
        monkeypatch.delitem(table, name, raising=False)
    yield importlib.import_module("parts")
    sys.modules.pop("parts", None)
    for name in NAMES:
        RECORDS.pop(name, None)


NAMES = ("Swish", "RMSNorm", "SignMomentum")


def population(parts: Any, seeds: int = 2) -> tl.Population:
    return tl.Population.grid(
        tl.MLP((5, 6), dropout=0.1),
        parts.SignMomentum(0.01, schedule="cosine", clip_norm=1.0),
        activation=[parts.Swish(1.0), parts.Swish(2.0)],
        norm=[parts.RMSNorm(1e-5), parts.RMSNorm(0.1)],
        momentum=[0.5, 0.9],
        seed=range(seeds),
    )


def test_gradients_are_checked(parts: Any) -> None:
    assert FILE.text.count("@tl.register") == len(NAMES)
    for part in (parts.Swish(), parts.Swish(2.5), parts.RMSNorm(), parts.RMSNorm(0.3)):
        for members in (None, 3):
            report = tl.gradient_check(part, members=members)
            assert report.ok, str(report)
            assert sum(row.entries - row.crossed for row in report.rows) > 60

    class Wrong(parts.Swish):
        def pullback(self, x: Any, y: Any, dy: Any, out: Any, new: Any = None) -> Any:
            return 1.001 * super().pullback(x, y, dy, out, new)

    class Forgetful(parts.RMSNorm):
        def backward(self, p: Any, cache: Any, dy: Any, grads: Any, new: Any) -> Any:
            right = super().backward(p, cache, dy, grads, new)
            grads["gamma"][...] = 0
            return right

    assert not tl.gradient_check(Wrong()).ok
    assert not tl.gradient_check(Forgetful()).ok
    assert not tl.gradient_check(_WrongLoss()).ok


@dataclasses.dataclass(frozen=True)
class LogCosh(tl.Loss):
    """Σ ln cosh(a (y − t)) / a."""

    a: float = number(1.0, low=0.0)

    def entries(self, y: Any, t: Any, new: Any) -> Any:
        a = cast(self.a, y.dtype)
        return np.log(np.cosh(a * (y - t))) / a, a * (y - t)

    def derivative(self, cache: Any, new: Any) -> Any:
        return np.tanh(cache)


class _WrongLoss(LogCosh):
    def derivative(self, cache: Any, new: Any) -> Any:
        return np.sin(cache)


@dataclasses.dataclass(frozen=True)
class Signs(tl.Initializer):
    def draw(self, rng: Any, fan_in: int, fan_out: int) -> Any:
        return rng.choice([-0.5, 0.5], (fan_in, fan_out))


@dataclasses.dataclass(frozen=True)
class Inverse(tl.Schedule):
    every: float = number(5.0, low=0.0)

    def multiplier(self, step: int, total: int | None = None) -> Any:
        return 1.0 / (1.0 + step / self.every)


@pytest.mark.parametrize("backend", ["threads", "loky"])
def test_a_member_is_the_network_alone(parts: Any, backend: str) -> None:
    together = population(parts)
    history = together.fit(DATA, steps=13, batch_size=10, workers=2, backend=backend)
    for row in (0, 5, 10, 15):
        member = together[row]
        alone = tl.Network(member.network, member.optimizer, member.seed)
        losses = alone.fit(DATA, steps=13, batch_size=10)["train_loss"]
        assert np.array_equal(losses[0], history["train_loss"][row])
        for name, values in alone.parameters.items():
            assert np.array_equal(values, together.parameters(row)[name]), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_initializers_and_schedules(dtype: str) -> None:
    data = tl.from_arrays(X, X[:, :2] * 2, weight=RNG.uniform(0.5, 2, 60))
    together = tl.Population.grid(
        [tl.MLP((5,), init=Signs(), loss=LogCosh(a)) for a in (1.0, 2.0)],
        [tl.SGD(0.1, schedule=Inverse(every)) for every in (3, 9)],
    )
    history = together.fit(data, epochs=4, dtype=dtype)
    assert (history["train_evaluation_loss"][:, -1] < history["train_evaluation_loss"][:, 0]).all()
    for row, member in enumerate(together):
        alone = tl.Network(member.network, member.optimizer, member.seed)
        losses = alone.fit(data, epochs=4, dtype=dtype)["train_loss"]
        assert np.array_equal(losses[0], history["train_loss"][row])


LOAD = """
import hashlib, sys
import numpy as np
import trainlab as tl
if "parts" in sys.argv:
    import parts
model = tl.load(sys.argv[1])
x = np.load(sys.argv[2])
print(hashlib.sha256(np.ascontiguousarray(model.predict_proba(x)).tobytes()).hexdigest())
"""


def fresh(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What a new process says of the model."""
    np.save(folder / "x.npy", X)
    arguments = [sys.executable, "-c", LOAD, "model", "x.npy", *words]
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", ["population", "network", "estimator"])
def test_a_new_process_loads_what_it_has_registered(parts: Any, kind: str, tmp_path: Path) -> None:
    if kind == "estimator":
        model: Any = estimator(parts).fit(X, LABELS)
    else:
        model = population(parts) if kind == "population" else network(parts)
        model.fit(DATA, epochs=2)
    tl.save(model, tmp_path / "model")
    expected = hashlib.sha256(np.ascontiguousarray(model.predict_proba(X)).tobytes()).hexdigest()
    found = fresh(tmp_path, "parts")
    assert found.stdout.strip() == expected, found.stderr
    found = fresh(tmp_path)
    assert found.returncode
    last = found.stderr.splitlines()[-1]
    assert "settings of model must be of classes that are known; got '" in last
    assert last.endswith(" before load, if it is a class of your own")
    assert any(f"got '{name}'; try trainlab.register({name})" in last for name in NAMES)


def network(parts: Any) -> tl.Network:
    return tl.Network(tl.MLP((5,), parts.Swish(2), norm=parts.RMSNorm()), parts.SignMomentum(0.01))


def estimator(parts: Any) -> tl.MLPClassifier:
    return tl.MLPClassifier(
        (5,),
        parts.Swish(2),
        norm=parts.RMSNorm(),
        optimizer=parts.SignMomentum(0.01),
        schedule="cosine",
        max_iter=4,
        random_state=0,
    )


def test_they_work_in_estimators(parts: Any, tmp_path: Path) -> None:
    model = estimator(parts)
    assert model.get_params()["activation"] == parts.Swish(2)
    copied = clone(model).fit(X, LABELS)
    assert clone(copied).get_params() == model.get_params()
    expected = copied.predict_proba(X)
    pickled = pickle.loads(pickle.dumps(copied))  # noqa: S301  # our own object
    assert np.array_equal(pickled.predict_proba(X), expected)
    tl.save(copied, tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert again.get_params() == model.get_params()
    assert np.array_equal(again.predict_proba(X), expected)
    regressor = tl.MLPRegressor((5,), loss=LogCosh(), max_iter=3, schedule="cosine")
    assert np.isfinite(regressor.fit(X, X[:, 0]).predict(X)).all()


def test_they_work_in_ensembles_and_searches(parts: Any, tmp_path: Path) -> None:
    space = {"activation": [parts.Swish(2)], "optimizer": [parts.SignMomentum(0.01)]}
    space |= {"hidden_layer_sizes": [(4,)]}
    small = {"max_iter": 2, "random_state": 0}
    ensemble = tl.PopulationEnsembleClassifier(2, space=space, n_folds=2, **small).fit(X, LABELS)
    tl.save(ensemble, tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert np.array_equal(again.predict_proba(X), ensemble.predict_proba(X))
    search = tl.PopulationSearchCV(
        tl.MLPClassifier(max_iter=2, schedule="cosine", random_state=0),
        {"activation": [parts.Swish(1), parts.Swish(3)], "norm": [parts.RMSNorm()]},
        n_iter=2,
        cv=2,
        random_state=0,
    )
    assert isinstance(search.fit(X, LABELS).best_params_["activation"], parts.Swish)


def test_a_run_with_them_is_kept_and_gone_on_with(parts: Any, tmp_path: Path) -> None:
    first = population(parts).fit(DATA, epochs=2, store=tmp_path)
    again = population(parts).fit(DATA, epochs=2, store=tmp_path)
    assert np.array_equal(first["train_loss"], again["train_loss"])


def test_sparse_inputs_give_the_same(parts: Any) -> None:
    from scipy.sparse import csr_matrix

    x = np.where(X > 0.5, X, 0)
    models = [network(parts), network(parts)]
    losses = [
        model.fit(tl.from_arrays(inputs, LABELS), epochs=2)["train_loss"]
        for model, inputs in zip(models, (x, csr_matrix(x)), strict=True)
    ]
    assert np.array_equal(*losses)


def test_onnx_says_what_is_missing(parts: Any, tmp_path: Path) -> None:
    model = network(parts)
    model.fit(DATA, epochs=1)
    told = "RMSNorm of export_onnx must have a method `onnx`, which adds its formula to a graph"
    complains(lambda: tl.export_onnx(model, tmp_path / "graph.onnx"), tl.SettingError, told)


def test_onnx_computes_the_formula_of_the_page(
    parts: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    found = blocks((ROOT / "docs" / "your-own.md").read_text("utf-8"), "python")
    (text,) = (block.text for block in found if "class ExportedSwish" in block.text)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"tl": tl, "Swish": parts.Swish, "data": DATA}
    exec(text, names)  # noqa: S102  # our own page
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(tmp_path / "swish.onnx", providers=providers)
    (probabilities,) = session.run(["probabilities"], {"x": X})
    assert np.abs(probabilities - names["network"].predict_proba(X)).max() < 1e-6


@pytest.mark.parametrize("norm", [tl.Dense(7), tl.Dropout(0.3), tl.Activate(tl.Tanh())])
def test_any_layer_as_a_norm_is_saved(norm: tl.Layer, tmp_path: Path) -> None:
    model = tl.Network(tl.MLP((4, 5), norm=norm))
    model.fit(DATA, epochs=1)
    tl.save(model, tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert again.member == model.member
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))


# --- what is refused -------------------------------------------------------------------


def trained(**fields: Any) -> tl.Network:
    model = tl.Network(tl.MLP((3,), **fields))
    model.fit(DATA, steps=1)
    return model


def test_a_class_that_is_not_registered_is_not_saved(tmp_path: Path) -> None:
    told = "Signs of save must be registered, so that load knows it"
    model = trained(init=Signs())
    complains(lambda: tl.save(model, tmp_path / "model"), tl.SettingError, told)
    nested = tl.Network(tl.MLP((3,)), tl.SGD(0.1, schedule=Inverse()))
    nested.fit(DATA, steps=1)
    told = "Inverse of save must be registered"
    complains(lambda: tl.save(nested, tmp_path / "model"), tl.SettingError, told)
    assert not list(tmp_path.iterdir())


@dataclasses.dataclass(frozen=True)
class Chain(tl.Activation):
    """One activation after another."""

    links: tuple[tl.Activation, ...] = ()

    def value(self, x: Any, out: Any, new: Any = None) -> Any:
        for link in self.links:
            x = link.value(x, np.empty_like(x))
        return x

    def pullback(self, x: Any, y: Any, dy: Any, out: Any, new: Any = None) -> Any:
        inputs = [x]
        for link in self.links:
            inputs.append(link.value(inputs[-1], np.empty_like(x)))
        for link, before, after in zip(
            self.links[::-1], inputs[-2::-1], inputs[:0:-1], strict=True
        ):
            dy = link.pullback(before, after, dy, np.empty_like(dy))
        return dy


def test_a_part_may_be_made_of_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RECORDS", dict(RECORDS))
    chain = Chain((tl.Tanh(), tl.LeakyReLU(0.3), tl.Softplus()))
    assert tl.gradient_check(chain).ok
    model = trained(activation=chain)
    tl.register(Chain)
    tl.save(model, tmp_path / "model")
    assert tl.load(tmp_path / "model").member == model.member
    inner = trained(activation=Chain((Chain(), type("Hidden", (tl.ReLU,), {})())))
    told = "Hidden of save must be registered"
    complains(lambda: tl.save(inner, tmp_path / "inner"), tl.SettingError, told)


def test_a_class_does_not_pass_for_another_of_its_name(tmp_path: Path) -> None:
    class ReLU(tl.ReLU):
        pass

    complains(lambda: tl.register(ReLU), tl.SettingError, "ReLU of register must have a name")
    model = trained(activation=ReLU())
    complains(lambda: tl.save(model, tmp_path / "m"), tl.SettingError, "ReLU of save must be reg")


def test_a_class_that_is_defined_anew_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    table = dict(RECORDS)
    monkeypatch.setattr(records, "RECORDS", table)

    def define() -> Any:
        return tl.register(dataclasses.make_dataclass("Anew", [], bases=(tl.ReLU,), frozen=True))

    first, second = define(), define()
    assert first is not second
    assert table["Anew"] is second


@pytest.mark.parametrize("part", [3, tl.Layer, int, tl.MLP, tl.ReLU()])
def test_what_cannot_be_registered(part: Any) -> None:
    complains(
        lambda: tl.register(part), tl.SettingError, "part of register must be a class derived"
    )


def test_a_loss_says_which_task_it_is_for() -> None:
    told = "task of Own must be one of 'regression', 'multilabel', 'classification'; got 'classify'"
    with pytest.raises(tl.SettingError, match=told):
        _loss(task="classify")
    told = "loss of member 0 must fit classification, .*; try task = 'classification' in its class"
    with pytest.raises(tl.SettingError, match=told):
        trained(loss=_loss(task="regression"))


def test_a_class_without_its_methods_is_told_which() -> None:
    half = type("Half", (tl.Activation,), {"value": lambda self, x, out, new=None: x})
    with pytest.raises(tl.SettingError, match="got 'Half without pullback'"):
        tl.register(half)


def _activation(**methods: Any) -> tl.Activation:
    right: dict[str, Any] = {
        "value": lambda self, x, out, new=None: x,
        "pullback": lambda self, x, y, dy, out, new=None: dy,
    }
    return type("Own", (tl.Activation,), right | methods)()


def _layer(**methods: Any) -> tl.Layer:
    right: dict[str, Any] = {
        "forward": lambda self, p, x, mode, new: (x, None, {}),
        "backward": lambda self, p, cache, dy, grads, new: dy,
    }
    return type("Own", (tl.Layer,), right | methods)()


def _scaled(self: Any, in_features: int) -> tl.Declaration:
    return tl.Declaration({"s": tl.Parameter((1, in_features), 1.0)}, {}, in_features)


def _counted(self: Any, in_features: int) -> tl.Declaration:
    return tl.Declaration({}, {"n": tl.Parameter((1, 1), 0.0)}, in_features)


def _declared(name: str, shape: Any, *buffers: str) -> tl.Declaration:
    kept = {each: tl.Parameter((1, 1), 0.0) for each in buffers}
    return tl.Declaration({name: tl.Parameter(shape, 1.0)}, kept, 3)


def _doubled(array: Any) -> Any:
    return np.multiply(array, 2, out=array)


def _scale_in_place(self: Any, p: Any, x: Any, mode: Any, new: Any) -> Any:
    """What changes nothing in the first step, whose scale is 1."""
    return np.multiply(x, p["s"], out=x), None, {}


def _put_another(self: Any, p: Any, cache: Any, dy: Any, grads: Any, new: Any) -> Any:
    grads["s"] = np.zeros_like(grads["s"])
    return dy


def _summed(dy: Any, grads: Any) -> Any:
    grads["s"][...] = dy.sum()
    return dy


def _initializer(draw: Any) -> tl.Initializer:
    return type("Own", (tl.Initializer,), {"draw": draw})()


def _loss(**methods: Any) -> tl.Loss:
    right: dict[str, Any] = {
        "task": "classification",
        "entries": lambda self, y, t, new: (y * y, y),
        "derivative": lambda self, cache, new: 2 * cache,
    }
    return type("Own", (tl.Loss,), right | methods)()


PROMOTED = "; try trainlab.settings.cast(SETTING, x.dtype) for settings and constants"


@pytest.mark.parametrize(
    ("fields", "starts", "ends"),
    [
        (
            {"activation": _activation(value=lambda self, x, out, new=None: x * np.float64(2))},
            "outputs of Own must be an array of shape (2, 3, 3) and dtype float32",
            PROMOTED,
        ),
        (
            {"activation": _activation(value=lambda self, x, out, new=None: x.mean(axis=-1))},
            "outputs of Own must be an array of shape (2, 3, 3)",
            "and dtype float32",
        ),
        (
            {"activation": _activation(value=lambda self, x, out, new=None: None)},
            "outputs of Own must be an array of shape (2, 3, 3)",
            "got None",
        ),
        (
            {"activation": _activation(pullback=lambda self, x, y, dy, out, new=None: dy[..., :1])},
            "dx of Own must be an array of shape (2, 3, 3)",
            "and dtype float32",
        ),
        (
            {"norm": _layer(declare=_scaled)},
            "backward of Own must fill grads['s'] in place",
            "try grads['s'][...] = …",
        ),
        (
            {"activation": _activation(value=lambda self, x, out, new=None: np.add(x, 1, out=x))},
            "value of Own must leave x as it is",
            "for what it returns",
        ),
        (
            {"activation": _activation(pullback=lambda self, x, y, dy, *out: _doubled(dy))},
            "pullback of Own must leave dy as it is",
            "for what it returns",
        ),
        (
            {"norm": _layer(forward=lambda self, p, x, mode, new: (_doubled(x), None, {}))},
            "forward of Own must leave x as it is",
            "for what it returns",
        ),
        (
            {"norm": _layer(declare=_scaled, forward=_scale_in_place)},
            "forward of Own must leave x as it is",
            "for what it returns",
        ),
        (
            {
                "norm": _layer(
                    declare=_scaled,
                    backward=lambda self, p, cache, dy, grads, new: _doubled(p["s"]) * dy,
                )
            },
            "backward of Own must leave p as it is",
            "for what it returns",
        ),
        (
            {"norm": _layer(declare=_scaled, backward=_put_another)},
            "backward of Own must fill grads['s'] in place",
            "try grads['s'][...] = …",
        ),
        (
            {"norm": _layer(forward=lambda self, p, x, mode, new: (x, None))},
            "forward of Own must return (y, cache, buffers)",
            "",
        ),
        ({"norm": _layer(declare=lambda self, width: None)}, "declare of Own must return", "None"),
        (
            {"norm": _layer(declare=lambda self, width: _declared("b", (1, width)))},
            "parameters of Own must have names that no other array beside it has",
            "got 'b'; try 'gamma' or 'beta'",
        ),
        (
            {"norm": _layer(declare=lambda self, width: _declared("n", (1, width), "n"))},
            "parameters of Own must have names that no other array beside it has",
            "got 'n'; try 'gamma' or 'beta'",
        ),
        (
            {"norm": _layer(declare=lambda self, width: _declared("s", (width,)))},
            "shape of Parameter must be (rows, columns); got (3,)",
            "try (1, in_features) for a number for each feature",
        ),
        (
            {"init": _initializer(lambda self, rng, fan_in, fan_out: np.ones((fan_out, fan_in)))},
            "draw of Own must return an array (fan_in, fan_out), which is (4, 3)",
            "and dtype float64",
        ),
        (
            {"init": _initializer(lambda self, rng, fan_in, fan_out: None)},
            "draw of Own must return an array (fan_in, fan_out)",
            "got None",
        ),
        (
            {"norm": _layer(forward=lambda self, p, x, mode, new: (x - x.mean(axis=0), None, {}))},
            "outputs of Own must be the same for a member as without the others",
            "try axis=-1 for features and axis=-2 for rows",
        ),
        (
            {
                "norm": _layer(
                    declare=_scaled,
                    backward=lambda self, p, cache, dy, grads, new: _summed(dy, grads),
                )
            },
            "grads['s'] of Own must be the same for a member as without the others",
            "try axis=-1 for features and axis=-2 for rows",
        ),
        (
            {"activation": _activation(pullback=lambda self, x, y, dy, *out: dy - dy.mean())},
            "dx of Own must be the same for a member as without the others",
            "try axis=-1 for features and axis=-2 for rows",
        ),
        (
            {"loss": _loss(entries=lambda self, y, t, new: ((y - y.mean()) ** 2, y))},
            "loss of Own must be the same for a member as without the others",
            "try axis=-1 for features and axis=-2 for rows",
        ),
        (
            {"loss": _loss(entries=lambda self, y, t, new: y * y)},
            "entries of Own must return (entries, cache)",
            "",
        ),
        (
            {"loss": _loss(entries=lambda self, y, t, new: (_doubled(y) ** 2, y))},
            "entries of Own must leave y as it is",
            "for what it returns",
        ),
        (
            {"loss": _loss(derivative=lambda self, cache, new: cache)},
            "derivative of Own must leave y as it is",
            "for what it returns",
        ),
        (
            {"norm": _layer(declare=_counted)},
            "new buffers of Own must be {'n': (2, 1, 1)} in training",
            "got {}",
        ),
        (
            {"loss": _loss(entries=lambda self, y, t, new: (y.sum(), y))},
            "entries of Own must be an array of shape (2, 3, 3) or (2, 3, 1)",
            "",
        ),
        (
            {"loss": _loss(derivative=lambda self, cache, new: cache[..., :1].copy())},
            "derivative of Own must be an array of shape (2, 3, 3)",
            "and dtype float32",
        ),
    ],
)
def test_parts_are_tried_before_they_train(fields: dict[str, Any], starts: str, ends: str) -> None:
    with pytest.raises(tl.SettingError) as found:
        trained(**fields)
    assert str(found.value).startswith(starts), found.value
    assert str(found.value).endswith(ends), found.value


@pytest.mark.parametrize("members", [None, 2])
@pytest.mark.parametrize(
    ("part", "told"),
    [
        (
            _activation(value=lambda self, x, out, new=None: x[..., :1]),
            "outputs of Own must be an array of shape ({}7, 6); got an array of shape ({}7, 1)",
        ),
        (
            _activation(pullback=lambda self, x, y, dy, out, new=None: dy.sum(axis=-2)),
            "dx of Own must be an array of shape ({}7, 6); got an array of shape ({}6",
        ),
        (
            _activation(pullback=lambda self, x, y, dy, out, new=None: None),
            "dx of Own must be an array of shape ({}7, 6); got None",
        ),
        (
            _layer(backward=lambda self, p, cache, dy, grads, new: dy[..., 0]),
            "dx of Own must be an array of shape ({}7, 6); got an array of shape ({}7",
        ),
        (
            _layer(forward=lambda self, p, x, mode, new: (x, None)),
            "forward of Own must return (y, cache, buffers); got",
        ),
        (
            _loss(task="regression", entries=lambda self, y, t, new: (y[..., 0], y)),
            "entries of Own must be an array of shape ({}7, 3) or ({}7, 1); got an array of shape",
        ),
        (
            _loss(task="regression", derivative=lambda self, cache, new: cache.sum()),
            "derivative of Own must be an array of shape ({}7, 3); got np.float64(",
        ),
    ],
)
def test_a_gradient_check_says_whose_shape_is_wrong(
    part: Any, told: str, members: int | None
) -> None:
    lead = "" if members is None else f"{members}, "
    with pytest.raises(tl.SettingError) as found:
        tl.gradient_check(part, members=members)
    assert str(found.value).startswith(told.replace("{}", lead)), found.value


NUMBERS = RNG.normal(size=(60, 2))
TARGETS = {"classification": LABELS, "regression": NUMBERS, "multilabel": NUMBERS > 0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "kind", [*ACTIVATIONS.values(), *NORMS.values(), *INITIALIZERS.values(), *LOSSES.values()]
)
def test_what_is_made_of_ours_passes(kind: Any, dtype: str) -> None:
    own = type("Own", (kind,), {})()
    names = {tl.Activation: "activation", tl.Layer: "norm", tl.Initializer: "init", tl.Loss: "loss"}
    (name,) = (field for base, field in names.items() if isinstance(own, base))
    task = own.task if name == "loss" else "classification"
    t = TARGETS[task].astype("f4") if task == "multilabel" else TARGETS[task]
    data = tl.from_arrays(X, t, task=task)
    given: dict[str, Any] = {name: own}
    grid = tl.Population.grid(tl.MLP((4, 3), **given), dropout=[0.0, 0.3], seed=range(2))
    assert {one.kind for one in grid.fit(data, steps=1, dtype=dtype).status} == {"finished"}


@pytest.mark.parametrize("kind", OPTIMIZERS.values())
def test_what_is_made_of_our_optimizers_passes(kind: Any) -> None:
    grid = tl.Population.grid(tl.MLP((4, 3)), type("Own", (kind,), {})(), lr=[0.01, 0.02])
    assert {one.kind for one in grid.fit(DATA, steps=1).status} == {"finished"}


def test_settings_that_differ_between_members_are_tried_too() -> None:
    @dataclasses.dataclass(frozen=True)
    class Stretch(tl.Activation):
        by: float = number(1.0)

        def value(self, x: Any, out: Any, new: Any = None) -> Any:
            return self.by * x  # of one network float32, of a population float64

        def pullback(self, x: Any, y: Any, dy: Any, out: Any, new: Any = None) -> Any:
            return self.by * dy

    trained(activation=Stretch(2.0))
    grid = tl.Population.grid(tl.MLP((3,)), activation=[Stretch(1.0), Stretch(2.0)])
    complains(lambda: grid.fit(DATA, steps=1), tl.SettingError, "outputs of Stretch must be")


@pytest.mark.parametrize("init", [[Signs(), "he"], ["he", Signs()], [0.1, Signs(), "xavier"]])
@pytest.mark.parametrize("field", ["init", "output_init"])
def test_members_may_start_by_initializers_of_ones_own_and_of_ours(field: str, init: Any) -> None:
    network = tl.MLP((5,), activation=Chain(), loss=LogCosh())
    together = tl.Population.grid(network, seed=range(2), **{field: init})
    data = tl.from_arrays(X, X[:, :2])
    history = together.fit(data, steps=4)
    for row, member in enumerate(together):
        alone = tl.Network(member.network, member.optimizer, member.seed).fit(data, steps=4)
        assert np.array_equal(alone["train_loss"][0], history["train_loss"][row])


def test_parts_are_tried_once_for_all_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def tried(*given: Any) -> None:
        calls.append(len(given[0]))

    monkeypatch.setattr(own_parts, "_try_network", tried)
    network = tl.MLP((4,), activation=Chain())
    for seeds in (2, 20):
        tl.Population.grid(network, tl.SGD(0.1), seed=range(seeds)).fit(DATA, steps=1)
    assert calls == [2, 2]


def test_a_rule_must_work_in_place() -> None:
    class Rebinding(tl.SGD):
        def rule(self, g: Any, s: Any, c: Any, new: Any) -> None:
            g = c["rate"] * g

    told = "rule of Rebinding must turn g into the step that is added to the parameters, in place"
    model = tl.Network(tl.MLP((3,)), Rebinding())
    complains(lambda: model.fit(DATA, steps=1), tl.SettingError, told)


def _optimizer(**methods: Any) -> tl.Optimizer:
    right: dict[str, Any] = {
        "slots": (tl.Slot("m"),),
        "coefficients": lambda self, step, lr, state: {"lr": lr},
        "rule": lambda self, g, s, c, new: np.multiply(g, -c["lr"], out=g),
    }
    return type("Own", (tl.Optimizer,), right | methods)()


def _put_another_slot(self: Any, g: Any, s: Any, c: Any, new: Any) -> None:
    s["m"] = s["m"] + g
    np.multiply(s["m"], -c["lr"], out=g)


@pytest.mark.parametrize(
    ("methods", "told"),
    [
        ({"rule": _put_another_slot}, "rule of Own must move s['m'] on in place"),
        (
            {"rule": lambda self, g, s, c, new: np.divide(g, np.linalg.norm(g), out=g)},
            "rule of Own must make of some columns what it makes of all",
        ),
        ({"coefficients": lambda self, step, lr, state: [lr]}, "coefficients of Own must return a"),
        (
            {"coefficients": lambda self, step, lr, state: {"rate": lr}},
            "coefficients of Own must return a number 'lr', which the optimizer asks for; got ['r",
        ),
        (
            {"coefficients": lambda self, step, lr, state: {"lr": np.ones(7)}},
            "coefficients['lr'] of Own must be a number, or an array (K, 1) of members; got an",
        ),
        (
            {"coefficients": lambda self, step, lr, state: {"lr": lr * state["n"]}},
            "slots of Own must have a Slot 'n', which the optimizer asks for; got ['m']",
        ),
        (
            {"rule": lambda self, g, s, c, new: np.add(g, s["mm"], out=g)},
            "slots of Own must have a Slot 'mm', which the optimizer asks for; got ['m']",
        ),
        ({"slots": ("m",)}, "slots of Own must be a tuple of Slot"),
        ({"slots": tl.Slot("m")}, "slots of Own must be a tuple of Slot"),
    ],
)
def test_optimizers_are_tried_too(methods: dict[str, Any], told: str) -> None:
    def train() -> None:
        tl.Network(tl.MLP((3,)), _optimizer(**methods)).fit(DATA, steps=1)

    complains(train, tl.SettingError, told)


@pytest.mark.parametrize("found", [None, "1", np.ones(3), np.nan, np.inf, -1.0])
def test_schedules_are_tried_too(found: Any) -> None:
    methods = {"multiplier": lambda self, step, total=None: found if step else 1.0}
    model = tl.Network(tl.MLP((3,)), tl.SGD(schedule=type("Own", (tl.Schedule,), methods)()))
    complains(lambda: model.fit(DATA, steps=2), tl.SettingError, "multiplier of Own must return")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda: _activation(value=lambda self, x: x),
            "value of Own must take (self, x, out, new); got '(self, x)'",
        ),
        (
            lambda: _activation(value=lambda self, x, out: x),
            "value of Own must take (self, x, out, new); got '(self, x, out)'",
        ),
        (
            lambda: _activation(pullback=lambda self, x, y, dy: dy),
            "pullback of Own must take (self, x, y, dy, out, new)",
        ),
        (
            lambda: _layer(forward=lambda self, x: x),
            "forward of Own must take (self, p, x, mode, new)",
        ),
        (lambda: _layer(declare=lambda self: None), "declare of Own must take (self, in_features)"),
        (
            lambda: _loss(entries=lambda self, y, t: (y, t)),
            "entries of Own must take (self, y, t, new)",
        ),
        (
            lambda: _optimizer(rule=lambda self, g, s, c: None),
            "rule of Own must take (self, g, s, c, new)",
        ),
        (
            lambda: _optimizer(coefficients=lambda self, step, lr, state, more: {}),
            "coefficients of Own must take (self, step, lr, state); got",
        ),
        (
            lambda: type("Own", (tl.Schedule,), {"multiplier": lambda self, step: 1.0}),
            "multiplier of Own must take (self, step, total); got '(self, step)'",
        ),
        (
            lambda: _initializer(lambda self, shape: np.ones(shape)),
            "draw of Own must take (self, rng, fan_in, fan_out)",
        ),
        (
            lambda: type("Own", (tl.Metric,), {"value": lambda self, y, t: 0.0}),
            "value of Own must take (self, y, t, weight); got '(self, y, t)'",
        ),
        (
            lambda: type("Own", (tl.Callback,), {"evaluation": lambda self: None}),
            "evaluation of Own must take (self, moment); got '(self)'",
        ),
    ],
)
def test_methods_that_lack_arguments_are_refused(make: Any, told: str) -> None:
    complains(make, tl.SettingError, told)


def _yielding(self: Any, *given: Any) -> Any:
    yield given


async def _awaited(self: Any, *given: Any) -> None:
    pass


async def _both(self: Any, *given: Any) -> Any:
    yield given


@pytest.mark.parametrize("method", [_yielding, _awaited, _both])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (tl.Callback, "evaluation"),
        (tl.Metric, "value"),
        (tl.Layer, "forward"),
        (tl.Activation, "value"),
        (tl.Loss, "entries"),
        (tl.Optimizer, "rule"),
        (tl.Schedule, "multiplier"),
        (tl.Initializer, "draw"),
    ],
)
def test_methods_that_would_not_run_are_refused(kind: Any, name: str, method: Any) -> None:
    told = f"{name} of Own must run when called; got 'a generator or coroutine'; try def wi"
    for own in (method, staticmethod(method)):
        complains(lambda own=own: type("Own", (kind,), {name: own}), tl.SettingError, told)


def test_methods_may_take_more_or_call_it_otherwise() -> None:
    _activation(value=lambda self, x, out, new=None, more=1: x)
    _activation(value=lambda *anything: anything[1])
    _optimizer(update=lambda self, params, grads, state, step: None)  # which no training calls
    type("Own", (tl.Callback,), {"start": lambda self, seen: None, "evaluation": None})
    type("Own", (tl.Schedule,), {"multiplier": staticmethod(lambda step, total: 1.0)})


def test_a_decorator_may_take_the_arguments_in_place_of_what_it_decorates() -> None:
    def of_x_alone(function: Any) -> Any:
        return functools.wraps(function)(lambda self, x, out, new=None: function(self, x))

    def of_the_losses(function: Any) -> Any:
        return functools.wraps(function)(lambda member, updates, metrics: function(metrics))

    seen: list[float] = []
    double = _activation(
        value=of_x_alone(lambda self, x: 2 * x), pullback=lambda self, x, y, dy, out, new: 2 * dy
    )
    callback = of_the_losses(lambda metrics: seen.append(metrics["test_loss"]))
    tl.Network(tl.MLP((3,), activation=double)).fit(DATA, steps=1, callbacks=[callback])
    assert seen
    told = "value of Own must take (self, x, out, new); got '(self, x)'"
    short = functools.wraps(lambda self, x, out, new: x)(lambda self, x: x)
    complains(lambda: _activation(value=short), tl.SettingError, told)


@pytest.mark.parametrize("kind", [tl.Activation, tl.Initializer, tl.Optimizer, tl.Schedule])
def test_attributes_that_are_no_fields_are_refused(kind: Any) -> None:
    def keep(self: Any, factor: float) -> None:
        self.factor = factor

    methods: dict[str, Any] = {
        "factor": 1.0,  # with which all were trained, in silence
        "__init__": keep,
        "value": lambda self, x, out, new: self.factor * x,
        "pullback": lambda self, x, y, dy, out, new: self.factor * dy,
        "draw": lambda self, rng, fan_in, fan_out: np.full((fan_in, fan_out), self.factor),
        "slots": (),
        "lr": 0.1,
        "schedule": tl.Constant(),
        "coefficients": lambda self, step, lr, state: {"lr": lr},
        "rule": lambda self, g, s, c, new: np.multiply(g, -c["lr"], out=g),
        "multiplier": lambda self, step, total: self.factor,
    }
    own = type("Own", (kind,), methods)(2.0)
    network, optimizer = tl.MLP((3,)), tl.SGD(0.1)
    if kind is tl.Optimizer:
        optimizer = own
    elif kind is tl.Schedule:
        optimizer = tl.SGD(0.1, schedule=own)
    elif kind is tl.Initializer:
        network = tl.MLP((3,), init=own)
    else:
        network = tl.MLP((3,), activation=own)
    told = "attributes of Own must be the fields of a frozen dataclass; got ['factor']; try factor:"
    complains(lambda: tl.Network(network, optimizer).fit(DATA, steps=1), tl.SettingError, told)


@pytest.mark.parametrize("kind", [tl.Activation, tl.Layer, tl.Loss])
def test_a_gradient_check_refuses_such_attributes_as_training_does(kind: Any) -> None:
    def keep(self: Any, factor: float) -> None:
        self.factor = factor

    methods: dict[str, Any] = {
        "factor": 1.0,  # that of a population
        "task": "regression",
        "__init__": keep,
        "value": lambda self, x, out, new: self.factor * x,
        "pullback": lambda self, x, y, dy, out, new: self.factor * dy,
        "forward": lambda self, p, x, mode, new: (self.factor * x, None, {}),
        "backward": lambda self, p, cache, dy, grads, new: self.factor * dy,
        "entries": lambda self, y, t, new: (self.factor * y, y),
        "derivative": lambda self, y, new: np.full_like(y, self.factor),
    }
    if kind is not tl.Activation:  # whose methods of these names are others
        del methods["value"], methods["pullback"]
    if kind is not tl.Layer:
        del methods["forward"], methods["backward"]
    own = type("Own", (kind,), methods)(2.0)
    told = "attributes of Own must be the fields of a frozen dataclass; got ['factor']; try factor:"
    for members in (None, 2):
        complains(lambda m=members: tl.gradient_check(own, members=m), tl.SettingError, told)
    if kind is tl.Activation:
        built = tl.MLP((3,), activation=own).build(4, 2)
        complains(lambda: tl.gradient_check(built), tl.SettingError, told)


def test_a_store_refuses_metrics_with_attributes_that_are_no_fields(tmp_path: Path) -> None:
    def keep(self: Any, factor: float) -> None:
        self.factor = factor

    methods = {"__init__": keep, "value": lambda self, y, t, weight: self.factor}
    metric = type("Own", (tl.Metric,), methods)(2.0)
    network = tl.Network(tl.MLP((3,)))
    assert (network.fit(DATA, steps=1, metrics=[metric])["test_own"] == 2).all()
    told = "attributes of Own must be the fields of a frozen dataclass; got ['factor']"
    complains(
        lambda: network.fit(DATA, steps=1, metrics=[metric], store=tmp_path), tl.SettingError, told
    )


def test_a_field_that_is_computed_is_kept_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclasses.dataclass(frozen=True)
    class Own(tl.ReLU):
        of: float = number(1.0)
        twice: float = dataclasses.field(init=False, default=0.0)

        def __post_init__(self) -> None:
            super().__post_init__()
            object.__setattr__(self, "twice", FACTOR * self.of)

    FACTOR = 2.0
    monkeypatch.setitem(RECORDS, "Own", Own)
    network = tl.Network(tl.MLP((3,), activation=Own(3.0)))
    network.fit(DATA, steps=1)
    tl.save(network, tmp_path / "a")
    again: Any = tl.load(tmp_path / "a")
    assert again.member == network.member
    assert again.member.network.activation.twice == 6.0
    FACTOR = 4.0
    told = "settings of"
    complains(lambda: tl.load(tmp_path / "a"), tl.ModelFileError, told)


def test_what_a_file_cannot_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclasses.dataclass(frozen=True)
    class Own(tl.ReLU):
        of: Any = np.tanh

    network = tl.Network(tl.MLP((3,), activation=Own()))
    network.fit(DATA, steps=1)
    told = "field of of Own must hold numbers, strings, settings or tuples of them"
    complains(lambda: network.fit(DATA, steps=1, store=tmp_path), tl.SettingError, told)
    monkeypatch.setitem(RECORDS, "Own", Own)
    complains(lambda: tl.save(network, tmp_path / "a"), tl.SettingError, told)


def test_a_class_that_does_not_take_its_fields_is_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Own(tl.LeakyReLU):
        def __init__(self) -> None:
            super().__init__(0.3)

    network = tl.Network(tl.MLP((3,), activation=Own()))
    network.fit(DATA, steps=1)
    monkeypatch.setitem(RECORDS, "Own", Own)
    told = "settings of what save writes must be of a class that is made by the names of its fi"
    complains(lambda: tl.save(network, tmp_path / "a"), tl.ModelFileError, told)


class Once:
    """A cached property of another library."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __get__(self, part: Any, kind: Any) -> Any:
        name = self.function.__name__
        return self if part is None else vars(part).setdefault(name, self.function(part))


@pytest.mark.parametrize("once", [functools.cached_property, Once])
def test_what_a_part_remembers_is_no_field(once: Any) -> None:
    class Own(tl.ReLU):
        @once
        def two(self) -> float:
            return 2.0

        def value(self, x: Any, out: Any, new: Any = None) -> Any:
            object.__setattr__(self, "_seen", x.shape)
            return super().value(x, out, new) * self.two / 2

    own = Own()
    assert own.value(np.ones(2), np.empty(2)).tolist() == [1, 1]
    assert {"two", "_seen"} <= set(vars(own))
    tl.Network(tl.MLP((3,), activation=own)).fit(DATA, steps=1)


def test_the_page_shows_the_fields_that_there_are() -> None:
    page = (ROOT / "docs" / "your-own.md").read_text("utf-8")
    shown = re.findall(r"^\| `((number|integer|choice|flag)\(.*\))` \|", page, re.MULTILINE)
    assert [name for _, name in shown] == ["number", "integer", "choice", "flag"]
    for call, _ in shown:
        field = eval(call, vars(settings))  # noqa: S307  # our own page
        rule = field.metadata["rule"]
        assert rule.check(field.default, "field", "page") == field.default


def test_a_field_may_have_no_rule() -> None:
    @dataclasses.dataclass(frozen=True)
    class Plain(tl.SGD):
        beta: float = 0.9

    assert repr(tl.Network(tl.MLP((3,)), Plain(beta=0.5))).count("Plain(0.5)") == 1
    grid = tl.Population.grid(tl.MLP((3,)), Plain(0.1), beta=[0.1, 0.2])
    assert set(grid.fit(DATA, steps=1).arms("beta")) == {"beta 0.1", "beta 0.2"}


def test_fields_need_the_decorator_and_values_that_can_be_hashed() -> None:
    class Bare(tl.ReLU):
        slope: float = number(0.5)

    told = "class of Bare must be a frozen dataclass, to have its fields; got ['slope']"
    complains(Bare, tl.SettingError, told)
    complains(lambda: tl.Network(tl.MLP((3,), activation=Bare(0.5))), tl.SettingError, told)

    @dataclasses.dataclass(frozen=True)
    class Listed(tl.ReLU):
        knots: Any = None

    model = tl.Network(tl.MLP((3,), activation=Listed([1, 2])))
    told = "fields of Listed must have values with a hash"
    complains(lambda: model.fit(DATA, steps=1), tl.SettingError, told)


def test_a_class_of_an_optimizer_has_the_shared_text_and_calls_those_beside_it() -> None:
    told = []

    class Counted:
        def __init_subclass__(cls) -> None:
            told.append(cls.__name__)

    class Own(tl.SGD, Counted):
        """A rule.

        {shared}
        """

    assert told == ["Own"]
    assert Own.__doc__ is not None
    assert Own.__doc__.startswith("A rule.\n\nschedule : ")
    assert "{shared}" not in Own.__doc__


def _power(x: Any, p: Any, field: Any) -> Any:
    """x ** p, with other last bits where the field is an array.

    NumPy does so, depending on the processor, for exponents that a number has a shorter way for.
    """
    is_other = np.equal(field, 2) if np.any(np.equal(field, 2)) else True
    return np.where(is_other, np.nextafter(x**p, np.inf), x**p) if np.ndim(field) else x**p


@dataclasses.dataclass(frozen=True)
class LpLoss(tl.Loss):
    p: float = number(2.0, low=1.0)
    task = "regression"

    def entries(self, y: Any, t: Any, new: Any) -> Any:
        return _power(np.abs(y - t), cast(self.p, y.dtype), self.p), y - t

    def derivative(self, cache: Any, new: Any) -> Any:
        p = cast(self.p, cache.dtype)
        return p * np.sign(cache) * _power(np.abs(cache), p - 1, self.p)


@dataclasses.dataclass(frozen=True)
class LogLpLoss(LpLoss):
    def entries(self, y: Any, t: Any, new: Any) -> Any:
        return np.exp(cast(self.p, y.dtype) * np.log(np.abs(y - t))), y - t

    def derivative(self, cache: Any, new: Any) -> Any:
        p = cast(self.p, cache.dtype)
        return p * np.sign(cache) * np.exp((p - 1) * np.log(np.abs(cache)))


@dataclasses.dataclass(frozen=True)
class PowerUnit(tl.Activation):
    p: float = number(2.0, low=1.0)

    def value(self, x: Any, out: Any, new: Any = None) -> Any:
        return _power(np.maximum(x, 0), cast(self.p, x.dtype), self.p)

    def pullback(self, x: Any, y: Any, dy: Any, out: Any, new: Any = None) -> Any:
        p = cast(self.p, x.dtype)
        return dy * p * _power(np.maximum(x, 0), p - 1, self.p)


@dataclasses.dataclass(frozen=True)
class InversePower(tl.Schedule):
    power: float = number(0.5)

    def multiplier(self, step: Any, total: int | None = None) -> Any:
        return _power(1.0 + step, -self.power, self.power)


@dataclasses.dataclass(frozen=True)
class Corrected(tl.Optimizer):
    b1: float = number(0.9, low=0.0, high=1.0)

    def coefficients(self, step: int, lr: Any, state: Any) -> Any:
        return {"lr": lr / (1 - _power(self.b1, step + 1, self.b1))}

    def rule(self, g: Any, s: Any, c: Any, new: Any) -> None:
        np.multiply(g, -c["lr"], out=g)


@dataclasses.dataclass(frozen=True)
class RootStep(tl.Optimizer):
    p: float = number(1.0)

    def coefficients(self, step: int, lr: Any, state: Any) -> Any:
        return {"lr": lr, "p": self.p}

    def rule(self, g: Any, s: Any, c: Any, new: Any) -> None:
        np.multiply(np.sign(g) * _power(np.abs(g), c["p"], c["p"]), -c["lr"], out=g)


NUMERIC = tl.from_arrays(X, NUMBERS, task="regression")


@pytest.mark.parametrize(
    ("population", "told"),
    [
        (tl.Population.grid(tl.MLP((5,)), loss=[LpLoss(p) for p in (1.5, 2.0, 2.5)]), "LpLoss"),
        (
            tl.Population.grid(tl.MLP((5,)), activation=[PowerUnit(2.0), PowerUnit(1.2)]),
            "PowerUnit",
        ),
        # Only one of many has an exponent that NumPy knows a shorter way for.
        (
            tl.Population.grid(
                tl.MLP((5,)), activation=[PowerUnit(p / 10) for p in (11, 12, 13, 20, 21, 22, 23)]
            ),
            "PowerUnit",
        ),
        (
            tl.Population.grid(
                tl.MLP((5,)),
                tl.SGD(0.1),
                schedule=[InversePower(p / 10) for p in range(1, 9)],
            ),
            "multiplier of InversePower",
        ),
        (
            tl.Population.grid(tl.MLP((5,)), Corrected(0.1), b1=[0.9, 0.95, 0.99, 0.7]),
            "coefficients of Corrected",
        ),
        (tl.Population.grid(tl.MLP((5,)), RootStep(0.1), p=[0.5, 0.7]), "rule of RootStep"),
    ],
)
def test_powers_that_are_other_bits_among_members_are_refused(
    population: tl.Population, told: str
) -> None:
    data = NUMERIC if told == "LpLoss" else DATA
    with pytest.raises(tl.SettingError) as found:
        population.fit(data, steps=1000, evaluate=None)
    assert told in str(found.value)
    assert "the same for a member as without the others, to the last bit" in str(found.value)
    assert str(found.value).endswith(
        "try np.exp(p * np.log(x)) for x ** p, or trainlab.powers.power for a whole p"
    )


def test_powers_of_one_exponent_and_their_remedy_train() -> None:
    seeds = tl.Population.grid(tl.MLP((5,), loss=LpLoss(1.5)), seed=range(3))
    seeds.fit(NUMERIC, steps=3)
    losses = [LogLpLoss(p) for p in (1.5, 2.0, 2.5)]
    grid = tl.Population.grid(tl.MLP((5,)), loss=losses)
    grid.fit(NUMERIC, steps=3)
    alone = tl.Network(tl.MLP((5,), loss=losses[1]))
    alone.fit(NUMERIC, steps=3)
    assert (alone.predict(X) == grid.predict(X)[1]).all()


def test_a_table_of_rates_is_asked_for_no_more_than_the_training_has() -> None:
    methods = {"multiplier": lambda self, step, total=None: [1.0, 0.5, 0.25][step]}
    schedule = type("Own", (tl.Schedule,), methods)()
    tl.Network(tl.MLP((3,)), tl.SGD(schedule=schedule)).fit(DATA, steps=3)


def _scaled_unit(value: str, note: str = "") -> Any:
    """A module's class with these lines, as an edited file defines it anew."""
    text = f"""
{note}
@dataclasses.dataclass(frozen=True)
class Unit(tl.Activation):
    def value(self, x, out, new=None):
        {note}
        return {value} * x

    def pullback(self, x, y, dy, out, new=None):
        return {value} * dy
"""
    names = {"__name__": "edited", "dataclasses": dataclasses, "tl": tl}
    exec(text, names)  # noqa: S102  # our own lines
    return names["Unit"]()


def test_a_store_knows_the_code_of_own_parts(tmp_path: Path) -> None:
    def losses(unit: Any, **settings: Any) -> Any:
        population = tl.Population.grid(tl.MLP((3,), activation=unit), seed=range(2))
        return population.fit(DATA, steps=3, store=tmp_path, **settings)["train_loss"]

    first = losses(_scaled_unit("0.5"))
    assert (losses(_scaled_unit("0.5", "# a note")) == first).all()
    with pytest.raises(
        tl.SettingError, match=r"got others: code\.Unit was '\w+', is '\w+'; try fr"
    ):
        losses(_scaled_unit("0.25"))
    assert (losses(_scaled_unit("0.25"), fresh=True) != first).any()


def test_a_store_without_code_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    population = tl.Population.grid(tl.MLP((3,), activation=_scaled_unit("0.5")), seed=range(2))
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "code_of", lambda records: {})
        first = population.fit(DATA, steps=3, store=tmp_path / "old")
        patch.setattr(checkpoints, "code_of", lambda records: {"python": "3.1", "Unit": "0"})
        population.fit(DATA, steps=3, store=tmp_path / "other")
        # The first digests were of less: neither of lists nor of what decorators hold.
        first_digest = {"python": "{}.{}".format(*sys.version_info), "Unit": "0"}
        patch.setattr(checkpoints, "code_of", lambda records: first_digest)
        population.fit(DATA, steps=3, store=tmp_path / "less")
    for folder in ("old", "other", "less"):
        again = population.fit(DATA, steps=3, store=tmp_path / folder)
        assert (again["train_loss"] == first["train_loss"]).all()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[1.0, 2.0]", "[1.0, 3.0]"),
        ("{'a': 1.0}", "{'a': 2.0}"),
        ("np.array([1.0, 2.0])", "np.array([1.0, 3.0])"),
        ("np.array([1.0])", "np.array([1.0], 'f4')"),
        ("np.float32(1)", "np.float32(2)"),
        ("(lambda x: x,)", "(lambda x: x + 1,)"),
        ("lambda x, *, by=1: x", "lambda x, *, by=2: x"),
        ("range(3)", "range(4)"),
        ("slice(0, 1)", "slice(0, 2)"),
        ("np.float32", "np.float64"),
        ("np.tanh", "np.sin"),
        ("staticmethod(abs)", "staticmethod(round)"),
        ("(tl.Slot('m'),)", "(tl.Slot('v'),)"),
        ("tl.LeakyReLU(0.1)", "tl.LeakyReLU(0.2)"),
        ("0; __call__ = lambda self: 1", "0; __call__ = lambda self: 2"),
        ("0\n    class Inner: by = 1", "0\n    class Inner: by = 2"),
        (
            "0\n    class Inner: __init__ = lambda self, by=1: None",
            "0\n    class Inner: __init__ = lambda self, by=2: None",
        ),
        (
            "0\n    class Inner:\n        class Inmost:\n            told = lambda self: 1",
            "0\n    class Inner:\n        class Inmost:\n            told = lambda self: 2",
        ),
    ],
)
def test_code_is_known_by_what_attributes_hold(before: str, after: str) -> None:
    def digest(text: str) -> str:
        return _digest_of(f"table = {text}")

    assert digest(before) == digest(before)  # as in another process: no address is told
    assert digest(before) != digest(after)


def _digest_of(body: str) -> str:
    """Of a class with these lines in it."""
    names = {"logging": logging, "np": np, "tl": tl}
    exec(f"class Own(tl.ReLU):\n    {body}", names)  # noqa: S102  # our own lines
    own: Any = names["Own"]
    return code_of([own()])["Own"]


@pytest.mark.parametrize("text", ["", "'What it does.'"])
@pytest.mark.parametrize("inner", ["", "'What is in it.';"])
def test_docstrings_are_no_code(text: str, inner: str) -> None:
    body = "def told(self):\n        {}\n        def told(): {} return 'x'\n        return told"
    assert _digest_of(body.format(text, inner)) == _digest_of(body.format("", ""))
    assert _digest_of(body.format(text, inner)) != _digest_of("def told(self): return 'x'")


def test_what_is_only_itself_is_no_code() -> None:
    logger = logging.getLogger("of one's own")
    before = _digest_of('log = logging.getLogger("of one\'s own")')
    logger.setLevel("DEBUG")
    assert _digest_of('log = logging.getLogger("of one\'s own")') == before


@pytest.mark.parametrize(
    "text",
    [
        "value = wrapped(lambda self, x, out, new: FACTOR * x)",
        "value = bare(lambda self, x, out, new: FACTOR * x)",
        "factor = functools.cache(lambda self: FACTOR)",
        "factor = functools.cached_property(lambda self: FACTOR)",
        "factor = property(wrapped(lambda self: FACTOR))",
        "value = functools.partialmethod(lambda self, k, x, out, new: k * x, FACTOR)",
        "value = functools.partialmethod(lambda self, x, out, new, k: k * x, k=FACTOR)",
        "value = functools.partialmethod(lambda self, k, x, out, new: FACTOR * k * x, 1)",
        "value = looped(lambda self, x, out, new: FACTOR * x)",
        "value = Called(lambda self, x, out, new: FACTOR * x)",
        "value = staticmethod(Called(lambda x, out, new: FACTOR * x))",
    ],
)
def test_code_is_known_behind_a_decorator(text: str) -> None:
    def bare(function: Any) -> Any:
        return lambda *given, **named: function(*given, **named)

    def wrapped(function: Any) -> Any:
        return functools.wraps(function)(bare(function))

    def looped(function: Any) -> Any:
        def run(*given: Any) -> Any:
            return function(*given) if given else (run, later)

        if not text:  # never, so that its cell is empty
            later = None
        return run

    class Called:
        """A decorator that is a class, as that of a compiler."""

        def __init__(self, function: Any) -> None:
            functools.update_wrapper(self, function)

        def __get__(self, part: Any, kind: Any) -> Any:
            return functools.partial(self.__wrapped__, part)  # type: ignore[attr-defined]

    def digest(factor: str) -> str:
        names = {"functools": functools, "tl": tl, "bare": bare}
        names |= {"wrapped": wrapped, "looped": looped, "Called": Called}
        exec(f"class Own(tl.ReLU):\n    {text.replace('FACTOR', factor)}", names)  # noqa: S102
        own: Any = names["Own"]
        return code_of([own()])["Own"]

    assert digest("0.5") == digest("0.5")
    assert digest("0.5") != digest("0.25")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (0.5, 0.25),
        (1, True),
        ("a", "b"),
        ((1, (2.0, None)), (1, (2.0, "x"))),
        (frozenset("a"), frozenset("ab")),
        (np.float32(1), np.float64(1)),
    ],
)
def test_code_is_known_by_the_constants_that_it_is_closed_over(before: Any, after: Any) -> None:
    def scaled(factor: Any) -> Any:
        def times(function: Any) -> Any:
            return functools.wraps(function)(lambda self, *given: (factor, function(self, *given)))

        class Own(tl.ReLU):
            def value(self, x: Any, out: Any, new: Any = None) -> Any:
                return factor * x

        class Decorated(tl.ReLU):
            value = times(tl.ReLU.value)

        return Own(), Decorated()

    first, second, third = map(code_of, (scaled(before), scaled(before), scaled(after)))
    assert first == second
    assert all(first[name] != third[name] for name in ("Own", "Decorated"))


def test_what_a_function_counts_or_remembers_is_no_code() -> None:
    calls, seen = 0, {}

    def remembered(function: Any) -> Any:
        def run(*given: Any) -> Any:
            def count() -> None:
                nonlocal calls
                calls += 1

            count()
            return seen.setdefault(calls, function(*given))

        return run

    class Own(tl.ReLU):
        value = remembered(lambda self, x, out, new=None: np.maximum(x, 0, out=out))

    before = code_of([Own()])
    Own().value(np.ones(2), np.ones(2))
    assert (calls, len(seen)) == (1, 1)
    assert code_of([Own()]) == before


def test_what_one_method_counts_and_another_one_reads_is_no_code() -> None:
    calls, last, factor = 0, None, 2.0

    def counted() -> None:
        nonlocal calls
        calls += 1

    class Own(tl.ReLU):
        def value(self, x: Any, out: Any, new: Any = None) -> Any:
            nonlocal last
            last = x.shape
            counted()
            return factor * x

        def told(self) -> Any:
            return calls, last

    before = code_of([Own()])
    Own().value(np.ones(2), np.ones(2))
    assert Own().told() == (1, (2,))
    assert code_of([Own()]) == before
    factor = 3.0
    assert code_of([Own()]) != before


class _Remembers(tl.ReLU):
    """Sets state on itself in each of the ways that there are."""

    calls: ClassVar[int] = 0
    _cache: ClassVar[dict[Any, Any]] = {}
    seen: ClassVar[list[Any]] = []
    total = np.zeros(1)

    class Memory:
        """A class of its own, which remembers as well."""

        cells: ClassVar[dict[Any, Any]] = {}
        uses = 0

        def __init__(self, cell: Any) -> None:
            type(self).uses += 1
            self.cells[cell] = self

    _scale: ClassVar[dict[str, float]] = {"x": 1.0}

    def value(self, x: Any, out: Any, new: Any = None) -> Any:
        kind: Any = type(self)
        kind.calls += 1
        kind.last = x.shape
        setattr(kind, "latest", x.dtype.name)  # noqa: B010
        cache = kind._cache
        cache[x.shape] = self.seen.append(x.shape)
        self.total[0] += x.sum()
        self.Memory(x.shape)
        return np.multiply(np.maximum(x, 0), self._scale["x"], out=out)


def test_what_a_class_sets_on_itself_is_no_code() -> None:
    before = code_of([_Remembers()])
    _Remembers().value(np.ones(2), np.ones(2))
    assert (_Remembers.calls, len(_Remembers._cache), len(_Remembers.seen)) == (1, 1, 1)
    assert (_Remembers.Memory.uses, len(_Remembers.Memory.cells)) == (1, 1)
    assert code_of([_Remembers()]) == before


def test_a_run_is_gone_on_with_though_a_class_has_set_state_on_itself(tmp_path: Path) -> None:
    population = tl.Population.grid(tl.MLP((3,), activation=_Remembers()), seed=range(2))
    given = {"steps": 3, "workers": 1, "store": tmp_path}
    first = population.fit(DATA, **given)
    assert (population.fit(DATA, **given)["train_loss"] == first["train_loss"]).all()


@pytest.mark.parametrize("name", ["_table", "_TABLE", "table", "_set"])
@pytest.mark.parametrize(("before", "after"), [({"a": 1.0}, {"a": 2.0}), ({1}, {1, 2})])
def test_constants_are_code_whatever_they_are_called(name: str, before: Any, after: Any) -> None:
    def digest(content: Any) -> str:
        own: Any = type("Own", (tl.ReLU,), {name: content})
        return code_of([own()])["Own"]

    assert digest(before) == digest(before)
    assert digest(before) != digest(after)


def test_a_constant_that_somebody_else_has_set_is_code() -> None:
    class Own(tl.ReLU):
        factor = 2.0
        table: ClassVar[dict[str, float]] = {"a": 1.0}

    Own.table["b"] = 2.0  # before there is an instance
    found = [code_of([Own()])]
    Own.factor = 3.0
    found.append(code_of([Own()]))
    Own.table = {"a": 2.0}
    found.append(code_of([Own()]))
    Own.more = 1.0  # type: ignore[attr-defined]
    found.append(code_of([Own()]))
    assert len({one["Own"] for one in found}) == 4


def test_a_store_refuses_a_part_that_is_closed_over_another_number(tmp_path: Path) -> None:
    def losses(factor: float) -> Any:
        class Scaled(tl.Activation):
            def value(self, x: Any, out: Any, new: Any = None) -> Any:
                return factor * x

            def pullback(self, x: Any, y: Any, dy: Any, out: Any, new: Any = None) -> Any:
                return factor * dy

        population = tl.Population.grid(tl.MLP((3,), activation=Scaled()), seed=range(2))
        return population.fit(DATA, steps=3, store=tmp_path)["train_loss"]

    assert (losses(0.5) == losses(0.5)).all()
    complains(lambda: losses(0.25), tl.SettingError, "settings of run 'fit' in")


def test_classes_of_one_name_are_two() -> None:
    first, second = _scaled_unit("0.5"), _scaled_unit("0.25")
    both = code_of([first, second])["Unit"]
    assert both == code_of([second, first])["Unit"]
    assert both not in (code_of([first])["Unit"], code_of([second])["Unit"])
