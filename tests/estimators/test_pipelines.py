"""A TableEncoder and a network as one file: the same bits, and nothing forged gets in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import trainlab as tl
from complaints import complains
from trainlab.cli import main
from trainlab.data.formats import NumberFormat
from trainlab.data.table import write_table
from trainlab.errors import DataError, ModelFileError, SettingError
from trainlab.models.container import Content, pack, read
from trainlab.models.kinds import KINDS
from trainlab.models.scoring import score

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 40
COLOURS = ("red", "=1+1", "blü")


def frame() -> Any:
    kind = [COLOURS[row % 3] for row in range(N)]
    kind[7], kind[11] = "once", None
    size = [row * 0.5 for row in range(N)]
    size[3] = None
    return pd.DataFrame({"kind": kind, "size": size, "plain": np.arange(N) % 7})


def fitted(X: Any, kind: Any = tl.MLPClassifier, **settings: Any) -> Any:
    network = kind((5,), max_iter=3, random_state=0, **settings)
    y = [COLOURS[row % 3] for row in range(N)] if kind is tl.MLPClassifier else np.arange(N) % 3
    return Pipeline([("encoder", tl.TableEncoder()), ("network", network)]).fit(X, y)


@pytest.fixture(scope="module")
def model() -> Any:
    return fitted(frame())


@pytest.fixture
def path(model: Any, tmp_path: Path) -> Path:
    tl.save(model, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("kind", [tl.MLPClassifier, tl.MLPRegressor])
@pytest.mark.parametrize("named", [True, False])
def test_a_pipeline_comes_back(kind: Any, named: bool, tmp_path: Path) -> None:
    X = frame() if named else frame().to_numpy(object)
    model = fitted(X, kind, n_members=2)
    tl.save(model.set_params(verbose=not named), tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert [name for name, _ in again.steps] == ["encoder", "network"]
    assert again.verbose is model.verbose
    ask = "predict_proba" if kind is tl.MLPClassifier else "predict"
    assert getattr(again, ask)(X).tobytes() == getattr(model, ask)(X).tobytes()
    before, after = vars(model[0]), vars(again[0])
    assert set(before) == set(after)
    for name, value in before.items():
        assert np.array_equal(after[name], value) if name == "feature_names_in_" else True
        assert name == "feature_names_in_" or after[name] == value
    assert model[0].columns_[0].rare == ("once",)
    assert again[1].get_params() == model[1].get_params()
    packed = (tmp_path / "model").read_bytes()
    tl.save(again, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == packed


def test_an_ensemble_behind_an_encoder_comes_back(tmp_path: Path) -> None:
    ensemble = tl.PopulationEnsembleRegressor(
        3, n_architectures=1, n_folds=1, max_iter=4, random_state=0
    )
    model = Pipeline([("encoder", tl.TableEncoder()), ("ensemble", ensemble)])
    model.fit(frame(), np.arange(N))
    tl.save(model, tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert again.predict(frame()).tobytes() == model.predict(frame()).tobytes()


def test_parameters_of_the_encoder_come_back(tmp_path: Path) -> None:
    for words in (["kind"], (0,), np.array([0])):
        encoder = tl.TableEncoder(words, min_frequency=2, max_categories=9)
        network = tl.MLPRegressor((5,), max_iter=2, random_state=0)
        model = Pipeline([("a", encoder), ("b", network)]).fit(frame(), np.arange(N))
        tl.save(model, tmp_path / "model")
        again = tl.load(tmp_path / "model")[0]
        assert type(again.words) is type(words)
        assert list(again.words) == list(words)
        assert (again.min_frequency, again.max_categories) == (2, 9)


def test_pipelines_that_are_no_such_thing_are_refused(model: Any, tmp_path: Path) -> None:
    path, network = tmp_path / "model", model[1]
    scaled = Pipeline([("scale", StandardScaler()), ("network", network)])
    three = Pipeline([("a", tl.TableEncoder()), ("b", StandardScaler()), ("c", network)])
    for other in (scaled, three, Pipeline([("network", network)])):
        complains(lambda one=other: tl.save(one, path), SettingError, "steps of a pipeline of")
    new = Pipeline([("encoder", tl.TableEncoder()), ("network", tl.MLPClassifier())])
    complains(lambda: tl.save(new, path), SettingError, "model of save")
    kept = Pipeline(model.steps, memory=str(tmp_path))
    complains(lambda: tl.save(kept, path), SettingError, "memory of a pipeline of")
    shown = fitted(frame())
    shown[0].set_output(transform="pandas")
    complains(lambda: tl.save(shown, path), SettingError, "set_output of save")
    complains(
        lambda: tl.export_onnx(model, path), SettingError, "model of export_onnx must be a network"
    )
    assert not path.exists()


def table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_words_and_holes_is_scored(model: Any, path: Path, tmp_path: Path) -> None:
    lines = "1,a,red,2\n,b,=1+1,3\n2.5,c,once,\nNA,d,,1\n", '3,e,"-2+3\ncmd",1\n4,f, red ,1\n'
    csv = table(tmp_path, "size,id,kind,plain\n" + "".join(lines))
    found = score(model, csv)
    cells = [
        ["red", 1, 2],
        ["=1+1", None, 3],
        ["once", 2.5, None],
        [None, None, 1],
        ["new", 3, 1],
        ["red", 4, 1],
    ]
    expected = model.predict(pd.DataFrame(cells, columns=["kind", "size", "plain"]))
    assert list(found.columns["prediction"]) == list(expected)
    assert found.ignored == ("id",)
    assert found.strange == {"kind": 1, "plain": 1}
    proba = score(model, csv, proba=True).columns
    assert list(proba) == ["prediction", *(f"probability_{one}" for one in sorted(COLOURS))]

    done = CliRunner().invoke(main, ["predict", str(path), str(csv)])
    assert done.exit_code == 0, done.output
    assert "Cells unlike any that the model was trained on: 'kind' (1), 'plain' (1)" in done.stderr
    assert done.stdout.split() == ["prediction", *expected]


def test_blocks_are_the_whole(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [["red", "new", "", "blü"][row % 4] for row in range(N)]
    csv = tmp_path / "table.csv"
    csv.write_bytes(
        write_table({"kind": words, "size": [*"12", "", *("3" * 37)], "plain": [1] * N})
    )
    whole = score(model, csv)
    monkeypatch.setattr("trainlab.data.table.BLOCK_NUMBERS", 6)
    parts = score(model, csv)
    assert parts.columns["prediction"].tolist() == whole.columns["prediction"].tolist()
    assert parts.strange == whole.strange == {"kind": N // 4}


def test_what_a_model_has_not_learnt_is_refused(model: Any, tmp_path: Path) -> None:
    csv = table(tmp_path, "kind,size,plain\nred,1,2\nred,big,3\n")
    complains(lambda: score(model, csv), DataError, f"column 'size' in line 3 of {csv} must be a ")
    network = tl.MLPRegressor((5,), max_iter=2, random_state=0)
    network.fit(frame()[["plain"]].assign(size=1.0), np.arange(N))
    for text in ("size,plain\nbig,2\n", "size,plain\n1,\n"):
        complains(lambda t=text: score(network, table(tmp_path, t)), DataError, "column '")
    unnamed = fitted(frame().to_numpy(object))
    csv = table(tmp_path, "a,b,c\nred,1,2\n")
    assert len(score(unnamed, csv)) == 1
    csv = table(tmp_path, "a,b\nred,1\n")
    complains(lambda: score(unnamed, csv), DataError, f"columns of {csv} must be 3")


@pytest.mark.filterwarnings("ignore:Numbers far outside:UserWarning")
def test_how_numbers_are_written_is_kept_with_the_model(tmp_path: Path) -> None:
    model = fitted(frame())
    model[0].number_formats_ = {"size": NumberFormat(",", ".", "€")}
    tl.save(model, tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert again[0].number_formats_ == model[0].number_formats_
    csv = table(tmp_path, "kind;size;plain\nred;1.234,5 €;1\nred;€ -2;0.5\nred;;3\n")
    rows = [["red", 1234.5, 1], ["red", -2, 0.5], ["red", None, 3]]
    expected = model.predict_proba(pd.DataFrame(rows, columns=["kind", "size", "plain"]))
    _, *shares = score(again, csv, proba=True).columns.values()
    assert np.array_equal(np.stack(shares, axis=1), expected)
    csv = table(tmp_path, "kind;size;plain\nred;1.5;1\n")
    complains(lambda: score(again, csv), DataError, f"column 'size' in line 2 of {csv} must be a")


def encoder(change: Any) -> Any:
    return lambda d: change(d["encoder"])


def column(place: int, value: Any) -> Any:
    return lambda d: d["encoder"]["columns"].__setitem__(place, value)


HOSTILE: dict[str, Any] = {
    "no encoder": lambda d: d.pop("encoder"),
    "a key more": lambda d: d.update(run="import os"),
    "encoder a list": lambda d: d.update(encoder=[]),
    "encoder a key more": encoder(lambda e: e.update(run="import os")),
    "one name": lambda d: d["names"].pop(),
    "names alike": lambda d: d.update(names=["a", "a"]),
    "a name with __": lambda d: d.update(names=["a__b", "c"]),
    "a name that is no text": lambda d: d.update(names=["a", 3]),
    "verbose a word": lambda d: d.update(verbose="yes"),
    "another kind": lambda d: d["network"].update(kind="network"),
    "a pipeline in it": lambda d: d["network"].update(kind="Pipeline"),
    "a kind as a path": lambda d: d["network"].update(kind="os.system"),
    "a kind as a list": lambda d: d["network"].update(kind=["MLPClassifier"]),
    "network a list": lambda d: d.update(network=[1]),
    "network a key more": lambda d: d["network"].update(run="import os"),
    "document a list": lambda d: d["network"].update(document=[]),
    "document emptied": lambda d: d["network"].update(document={}),
    "parameters gone": encoder(lambda e: e["parameters"].pop("words")),
    "min_frequency": encoder(lambda e: e["parameters"].update(min_frequency=0)),
    "max_categories": encoder(lambda e: e["parameters"].update(max_categories="9")),
    "fewer categories": encoder(lambda e: e["parameters"].update(max_categories=2)),
    "words nowhere": encoder(lambda e: e["parameters"].update(words={"list": [9]})),
    "words elsewhere": encoder(lambda e: e["parameters"].update(words={"list": [1]})),
    "words unhashable": encoder(lambda e: e["parameters"].update(words={"list": [{"list": []}]})),
    "features too few": encoder(lambda e: e["features"].pop()),
    "features alike": encoder(lambda e: e.update(features=["a", "a", "b"])),
    "features numbers": encoder(lambda e: e.update(features=[1, 2, 3])),
    "features a text": encoder(lambda e: e.update(features="abc")),
    "columns a text": encoder(lambda e: e.update(columns="abc")),
    "columns none": encoder(lambda e: e.update(columns=[], features=None)),
    "a column less": encoder(lambda e: (e["columns"].pop(), e.update(features=None))),
    "a column of another kind": column(0, {"sparse": []}),
    "a column of two kinds": column(0, {"numbers": [1.0, False], "words": [["a"], [], False]}),
    "a column a list": column(0, []),
    "a median that is whole": column(1, {"numbers": [1, True]}),
    "a median that is a word": column(1, {"numbers": ["1", True]}),
    "no holes any more": column(1, {"numbers": [1.0, False]}),
    "holes a number": column(1, {"numbers": [1.0, 1]}),
    "numbers of three": column(1, {"numbers": [1.0, True, 3]}),
    "words unsorted": column(0, {"words": [["b", "a", "c"], ["d"], True]}),
    "words alike": column(0, {"words": [["a", "a", "c"], ["d"], True]}),
    "a rare word alike": column(0, {"words": [["a", "b", "c"], ["c"], True]}),
    "words a text": column(0, {"words": ["abc", ["d"], True]}),
    "a word a number": column(0, {"words": [["a", "b", 3], ["d"], True]}),
    "a word a list": column(0, {"words": [["a", "b", ["c"]], ["d"], True]}),
    "a word that is a hole": column(0, {"words": [["NA", "b", "c"], ["d"], True]}),
    "a word with blanks": column(0, {"words": [["a ", "b", "c"], ["d"], True]}),
    "formats a list": encoder(lambda e: e.update(formats=[])),
    "a format of words": encoder(lambda e: e.update(formats={"kind": [",", "", ""]})),
    "a format of nothing": encoder(lambda e: e.update(formats={"other": [",", "", ""]})),
    "a format of four": encoder(lambda e: e.update(formats={"size": [",", "", "", ""]})),
    "a format of numbers": encoder(lambda e: e.update(formats={"size": [",", "", 5]})),
    "a format a text": encoder(lambda e: e.update(formats={"size": 5})),
    "one sign for two": encoder(lambda e: e.update(formats={"size": [",", ",", ""]})),
    "a unit that is none": encoder(lambda e: e.update(formats={"size": [",", "", "k9"]})),
    "another width": column(2, {"words": [["a", "b"], [], False]}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_forged_pipelines_are_refused(name: str, path: Path) -> None:
    content = read(path)
    assert content.kind == "Pipeline"
    HOSTILE[name](content.document)
    path.write_bytes(pack(Content(content.kind, content.document, content.arrays)))
    complains(lambda: tl.load(path), ModelFileError)
    complains(lambda: KINDS[content.kind].unpack(content, "content"), ModelFileError)


def test_a_pipeline_in_a_pipeline_is_refused(path: Path) -> None:
    """However deep: each would need the stack that the last one has left."""
    content = read(path)
    plain, document = {"numbers": [0.0, False]}, content.document
    outer = document["encoder"] | {"columns": [plain] * 3}
    for _ in range(2):
        inner = {"kind": "Pipeline", "document": document}
        document = document | {"encoder": outer, "network": inner}
        path.write_bytes(pack(Content("Pipeline", document, content.arrays)))
        complains(lambda: tl.load(path), ModelFileError, f"network of {path} must be one of")


@pytest.mark.parametrize("median", [np.nan, np.inf])
def test_a_median_is_finite(median: float, path: Path) -> None:
    """A file cannot say so, as its JSON is strict; what it says is judged all the same."""
    content = read(path)
    content.document["encoder"]["columns"][1] = {"numbers": [median, True]}
    complains(lambda: KINDS[content.kind].unpack(content, "content"), ModelFileError)


@pytest.mark.parametrize("arrays", [{}, {"encoder.medians": np.zeros(3)}])
def test_arrays_are_those_of_the_network(arrays: Any, path: Path) -> None:
    content = read(path)
    given = arrays if not arrays else content.arrays | arrays
    path.write_bytes(pack(Content(content.kind, content.document, given)))
    complains(lambda: tl.load(path), ModelFileError)


def test_random_bytes_never_make_another_model(
    path: Path, model: Any, rng: np.random.Generator
) -> None:
    whole, X = path.read_bytes(), frame()
    end, right = 8 + int.from_bytes(whole[:8], "little"), model.predict_proba(X).tobytes()
    for at in rng.integers(end, size=200):
        changed = whole[:at] + bytes([whole[at] ^ int(rng.integers(1, 256))]) + whole[at + 1 :]
        path.write_bytes(changed)
        try:
            found = tl.load(path)
        except ModelFileError:
            continue
        assert found.predict_proba(X).tobytes() == right


def test_categories_stay_words_in_a_saved_model(tmp_path: Path) -> None:
    """A file of the model takes whole numbers of a frame, and of a CSV file, as those words."""
    codes = [row % 3 for row in range(N)]
    X = pd.DataFrame({"code": pd.Categorical(codes), "yes": [row % 2 > 0 for row in range(N)]})
    model = fitted(X)
    assert model[0].words_ == (0,)
    tl.save(model, tmp_path / "model")
    again = tl.load(tmp_path / "model")
    expected = model.predict_proba(X)
    assert again.predict_proba(X).tobytes() == expected.tobytes()
    plain = pd.DataFrame({"code": codes, "yes": [row % 2 for row in range(N)]})
    assert again.predict_proba(plain).tobytes() == expected.tobytes()
    (tmp_path / "table.csv").write_bytes(write_table({name: plain[name] for name in plain}))
    found = score(again, tmp_path / "table.csv", proba=True)
    assert found.strange == {}
    _, *shares = found.columns.values()
    assert np.stack(shares, axis=1).tobytes() == expected.tobytes()


def test_a_search_keeps_categories(tmp_path: Path) -> None:
    X = pd.DataFrame({"code": pd.Categorical([row % 3 for row in range(N)])})
    network = tl.MLPClassifier(max_iter=2, random_state=0)
    model = Pipeline([("encoder", tl.TableEncoder()), ("network", network)])
    space = {"network__hidden_layer_sizes": [(3,), (4,)]}
    search = tl.PopulationSearchCV(model, space, n_iter=2, cv=2, random_state=0, workers=1)
    search.fit(X, [COLOURS[row % 3] for row in range(N)])
    assert search.best_estimator_[0].words_ == (0,)
