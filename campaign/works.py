"""What the campaign disturbs: short pieces of work that write files, and what must come of them."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import loguniform

import trainlab as tl

ABSENT: Final = "absent"
OUT: Final = "out"  # the folder in which the experiments and the search put their files


def preload() -> None:
    """Imports what is slow to import, once and not in every forked process."""
    for name in (
        "trainlab.cli",
        "trainlab.report.page",
        "trainlab.tables.page",
        "trainlab.models.storage",
    ):
        importlib.import_module(name)


def nothing(folder: Path) -> None:
    """Needs nothing."""


def no_files(folder: Path) -> Mapping[str, str]:
    """Leaves no file beside its store."""
    return {}


@dataclasses.dataclass(frozen=True)
class Work:
    """A piece of work in a folder.

    do       does it, and gives a digest of what came of it; called again it goes on
    prepare  makes what must be there before
    files    file → digest of what it says, or ABSENT; an error of a file that is not whole
    """

    do: Callable[[Path], str]
    prepare: Callable[[Path], None] = nothing
    files: Callable[[Path], Mapping[str, str]] = no_files


def digest(*parts: Any) -> str:
    """SHA-256 of arrays, bytes and plain values."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype} {part.shape}".encode())
            plain = part.dtype != object
            found.update(part.tobytes() if plain else repr(part.tolist()).encode())
        else:
            found.update(part if isinstance(part, bytes) else repr(part).encode())
        found.update(b";")
    return found.hexdigest()


def of_population(population: tl.Population, history: tl.History | None = None) -> str:
    """Every bit of all members, and of what is known of their training."""
    parts: list[Any] = [[member.describe() for member in population]]
    for row in range(len(population)):
        parts += sorted(population.snapshot(row).items())
    if history is not None:
        parts += [(name, found.values.tobytes()) for name, found in sorted(history.series.items())]
        parts += [repr(history.status)]
    return digest(*(repr((n, v.tobytes())) if n else v for n, v in map(_named, parts)))


def _named(part: Any) -> tuple[str, Any]:
    known = isinstance(part, tuple) and len(part) == 2 and hasattr(part[1], "tobytes")
    return part if known else ("", part)


# --- training --------------------------------------------------------------------------


def rows(n: int = 60, d: int = 6) -> tuple[Any, Any]:
    """Three classes that overlap."""
    rng = np.random.default_rng(8)
    t = np.arange(n) % 3
    return rng.normal(size=(n, d)) + 0.5 * t[:, None], t


def population() -> tl.Population:
    """Members that end in several ways."""
    return tl.Population.grid(
        network=tl.MLP(hidden=(6,), norm="batch", dropout=0.3),
        optimizer=[tl.Adam(0.05, schedule="cosine"), tl.Momentum(0.05), tl.SGD(1e38)],
        seed=range(3),
    )


def uninterrupted(history: tl.History) -> tl.History:
    """KeyboardInterrupt for a training that Ctrl-C has ended, which is no error of `fit`."""
    if history.interrupted:
        raise KeyboardInterrupt
    return history


def trained(folder: Path | None, epochs: int = 6) -> str:
    """The digest of the members after a training, and of its history."""
    from trainlab.engine import grouping
    from trainlab.engine.native import LANE_BYTES
    from trainlab.training import pace

    # Saved at every epoch, in chunks of three members.
    vars(pace).update(FIRST=0.0, SHARE=np.inf)
    grouping.chunk_size = lambda *_: 3
    grouping.working_set = lambda *_: LANE_BYTES // 3
    own = population()
    x, t = rows()
    history = uninterrupted(
        own.fit(
            tl.from_arrays(x, t).split(validation=11),
            batch_size=10,
            epochs=epochs,
            on=("train", "validation", "batch"),
            keep="state",
            workers=2,
            backend="threads",
            store=folder,
        )
    )
    return of_population(own, history)


def search(folder: Path) -> str:
    """Two rounds of a search with a store."""
    found = tl.PopulationSearchCV(
        tl.MLPClassifier((5,), max_iter=3, random_state=0),
        {"learning_rate_init": loguniform(1e-3, 1e-1), "alpha": [1e-4, 1e-2], "max_iter": [2, 3]},
        n_iter=4,
        rounds=2,
        cv=2,
        random_state=0,
        workers=2,
        store=folder,
    ).fit(*rows())
    results = [
        (name, np.asarray(values).tolist())
        for name, values in found.cv_results_.items()
        if not name.endswith("_time")
    ]
    return digest(results, found.best_params_, found.best_estimator_.predict_proba(rows()[0]))


def ensemble(folder: Path) -> str:
    """An ensemble of few candidates, with a store."""
    found = tl.PopulationEnsembleClassifier(
        6, n_architectures=2, n_folds=2, max_iter=4, random_state=1, workers=2, store=folder
    ).fit(*rows())
    return digest(found.predict_proba(rows()[0]), found.weights_, found.loss_)


# --- files -----------------------------------------------------------------------------


def command(*words: str | Path) -> None:
    """What `trainlab WORDS` does, in this process."""
    from trainlab.cli import main

    try:
        main([str(word) for word in words], standalone_mode=False)
    except SystemExit as error:
        if error.code:
            raise


def saved(folder: Path) -> Mapping[str, str]:
    """What the file of a model says."""
    path = folder / "model.safetensors"
    return {path.name: of_population(tl.load(path)) if path.exists() else ABSENT}


def other_model(folder: Path) -> None:
    """An older model, of two members."""
    own = population()
    small = tl.Population(list(own)[:2])
    x, t = rows()
    small.fit(tl.from_arrays(x, t), steps=2, workers=1)
    tl.save(small, folder / "model.safetensors")


def save(folder: Path) -> str:
    """Saves a model in place of another, and loads it."""
    own = population()
    x, t = rows()
    uninterrupted(own.fit(tl.from_arrays(x, t), steps=3, keep="state", workers=1))
    tl.save(own, folder / "model.safetensors")
    assert of_population(tl.load(folder / "model.safetensors")) == of_population(own)
    return of_population(own)


EXPERIMENTS: Final = ("derivative", "tiny-network")


def experiments(folder: Path) -> str:
    """`trainlab run` of two experiments."""
    command("run", *EXPERIMENTS, "--quick", "--seeds", "2", "--workers", "2", "--out", folder / OUT)
    return digest(sorted(experiment_files(folder).items()))


def experiment_files(folder: Path) -> Mapping[str, str]:
    """Results and figures."""
    from trainlab.experiments import results

    found = {}
    for name in EXPERIMENTS:
        place = folder / OUT / name
        there = (place / results.FILE).exists()
        content = results.load(place).to_json() if there else {}
        content.pop("environment", None)
        found[f"{name}/{results.FILE}"] = digest(json.dumps(content)) if there else ABSENT
        for path in sorted(place.glob("figure*")) if there else ():
            found[f"{name}/{path.name}"] = of_file(path)
    return found


def of_file(path: Path) -> str:
    """The digest of a file; ABSENT if it is not there."""
    return digest(path.read_bytes()) if path.exists() else ABSENT


def with_results(folder: Path) -> None:
    """Results of experiments, and an older page."""
    experiments(folder)
    (folder / OUT / "index.html").write_bytes(b"an older page")


def report(folder: Path) -> str:
    """`trainlab report`."""
    command("report", folder / OUT)
    return digest(page(folder))


def page(folder: Path) -> Mapping[str, str]:
    """The page."""
    return {"index.html": of_file(folder / OUT / "index.html")}


def with_table(folder: Path) -> None:
    """A table of numbers and words with a column to predict, and no result."""
    x, t = rows()
    lines = ["width,length,colour,kind"]
    lines += [
        f"{a:.3f},{b:.3f},{'red' if c > 0 else 'blue'},{'abc'[k]}"
        for (a, b, c), k in zip(x[:, :3], t, strict=True)
    ]
    (folder / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def search_command(folder: Path) -> str:
    """`trainlab search`."""
    words = ("--trials", "3", "--rounds", "1", "--max-iter", "4", "--folds", "2", "--workers", "1")
    command(
        *(
            "search",
            "--csv",
            folder / "table.csv",
            "--target",
            "kind",
            *words,
            "--out",
            folder / OUT,
        ),
    )
    return digest(sorted(search_files(folder).items()))


_TIMES: Final = re.compile(r'"(seconds|date|time)": [^,}\n]*')


def search_files(folder: Path) -> Mapping[str, str]:
    """Model, numbers and page; times and the version of the source are left out."""
    out = folder / OUT
    model, numbers = out / "model.safetensors", out / "search.json"
    x, _ = rows()
    found = {path.name: ABSENT for path in (model, numbers)}
    if model.exists():
        table = np.empty((len(x), 3), object)
        table[:, :2], table[:, 2] = x[:, :2], "red"
        found[model.name] = digest(tl.load(model).predict_proba(table))
    if numbers.exists():
        content = json.loads(numbers.read_text(encoding="utf-8"))
        content.pop("environment", None)
        found[numbers.name] = digest(_TIMES.sub("", json.dumps(content)))
    return {**found, "index.html": of_file(out / "index.html")}


def with_model(folder: Path) -> None:
    """A model of a table, and older predictions."""
    with_table(folder)
    model = tl.MLPClassifier((5,), max_iter=4, random_state=0).fit(rows()[0][:, :2], rows()[1])
    tl.save(model, folder / "model.safetensors")
    lines = [f"{a!r},{b!r}" for a, b in rows()[0][:, :2].tolist()]
    (folder / "new.csv").write_text("\n".join(["width,length", *lines]) + "\n", encoding="utf-8")
    (folder / "predictions.csv").write_bytes(b"older predictions")


def predict(folder: Path) -> str:
    """`trainlab predict` into a file."""
    out = folder / "predictions.csv"
    command("predict", folder / "model.safetensors", folder / "new.csv", "--proba", "--out", out)
    return digest(predictions(folder))


def predictions(folder: Path) -> Mapping[str, str]:
    """The predictions."""
    return {"predictions.csv": of_file(folder / "predictions.csv")}


def export(folder: Path) -> str:
    """A graph for other programs."""
    tl.export_onnx(tl.load(folder / "model.safetensors"), folder / "model.onnx")
    return digest(graph(folder))


def graph(folder: Path) -> Mapping[str, str]:
    """The graph."""
    return {"model.onnx": of_file(folder / "model.onnx")}


WORKS: Final[Mapping[str, Work]] = {
    "training in threads": Work(trained),
    "search with store": Work(search),
    "ensemble with store": Work(ensemble),
    "trainlab run": Work(experiments, files=experiment_files),
    "trainlab search": Work(search_command, with_table, search_files),
    "trainlab report": Work(report, with_results, page),
    "trainlab predict": Work(predict, with_model, predictions),
    "save": Work(save, other_model, saved),
    "export_onnx": Work(export, with_model, graph),
}
